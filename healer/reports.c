/* reports.c - failures that somebody else has seen.
 *
 * An event in other people's words becomes a failure type by a table; a failure
 * that is reported is an alarm at once, of the severity that it came with, and
 * its cause is what the report says: who knows of it need not be second-guessed.
 * From there on it is an episode like any other, with its ladder, budget,
 * verification and human. Reporting it again says that it is still there.
 *
 * A report stands until it is taken back, until its time is over, or until a
 * human closes the episode: nothing that is measured could end it.
 */
#include "healer/hlr_supervisor.h"

#include <string.h>

enum needs { NOTHING, AN_AGENT, A_TASK };

static const struct event_row {
        const char *type;
        const char *state; /* only in this health state; NULL: in any */
        enum needs needs;
        enum healer_failure failure;
        enum healer_severity severity;
        bool own_severity; /* the event's counts, if it says one */
} event_rows[] = {
        {"heartbeat_failed", NULL, AN_AGENT, HEALER_FAILURE_AGENT_DOWN, HEALER_SEVERITY_HIGH, false},
        {"agent_failed", "FAILED", AN_AGENT, HEALER_FAILURE_AGENT_DOWN, HEALER_SEVERITY_HIGH, false},
        {"agent_failed", NULL, AN_AGENT, HEALER_FAILURE_AGENT_FAILED, HEALER_SEVERITY_HIGH, false},
        {"task_timeout", NULL, A_TASK, HEALER_FAILURE_TASK_TIMEOUT, HEALER_SEVERITY_MEDIUM, false},
        {"resource_exhaustion", NULL, NOTHING, HEALER_FAILURE_RESOURCE_EXHAUSTION,
         HEALER_SEVERITY_HIGH, true},
        {"quota_exceeded", NULL, NOTHING, HEALER_FAILURE_RESOURCE_EXHAUSTION, HEALER_SEVERITY_HIGH,
         true},
        {"quorum_loss", NULL, NOTHING, HEALER_FAILURE_QUORUM_LOSS, HEALER_SEVERITY_CRITICAL, false},
        {"consensus_failed", NULL, NOTHING, HEALER_FAILURE_QUORUM_LOSS, HEALER_SEVERITY_CRITICAL,
         false},
};

#define QUORUM_DEFAULT 3

static bool fits(const struct event_row *row, const struct healer_event_seen *event)
{
        if (strcmp(row->type, event->type) != 0)
                return false;
        if (row->state != NULL &&
            (event->health_state == NULL || strcmp(event->health_state, row->state) != 0))
                return false;
        if (row->needs == AN_AGENT)
                return event->agent != NULL && event->agent[0] != '\0';
        if (row->needs == A_TASK)
                return event->task != NULL && event->task[0] != '\0';
        return true;
}

bool healer_failure_of_event(const struct healer_event_seen *event, struct healer_failure_seen *out)
{
        const struct event_row *row = NULL;
        size_t i;

        for (i = 0; event->type != NULL && row == NULL && i < HLR_COUNT(event_rows); i++) {
                if (fits(&event_rows[i], event))
                        row = &event_rows[i];
        }
        if (row == NULL)
                return false;
        out->failure = row->failure;
        out->severity = row->severity;
        if (row->own_severity && (unsigned)event->severity < HEALER_SEVERITY_COUNT)
                out->severity = event->severity;
        out->usage_percent = event->limit > 0 ? 100 * event->usage / event->limit : NAN;
        out->quorum_required = 0;
        if (row->failure == HEALER_FAILURE_QUORUM_LOSS)
                out->quorum_required = event->quorum > 0 ? event->quorum : QUORUM_DEFAULT;
        return true;
}

/* ---- those that stand */

bool hlr_report_stands(const struct healer *healer, const struct hlr_report *report)
{
        return report->until_ns != INT64_MIN && healer->now_ns < report->until_ns;
}

enum healer_err hlr_report(struct healer *healer, int64_t at_ns, uint32_t service,
                           uint32_t instance, const struct healer_failure_seen *failure,
                           int64_t stands_ns)
{
        struct hlr_report *report;

        if (service >= healer->service_count ||
            (instance != HEALER_NONE && (instance >= healer->instance_count ||
                                         healer->instances[instance].service != service)) ||
            (unsigned)failure->failure >= HEALER_FAILURE_COUNT ||
            (unsigned)failure->severity >= HEALER_SEVERITY_COUNT || stands_ns <= 0)
                return HEALER_E_RANGE;
        report = &healer->services[service].reports[failure->failure];
        healer->services[service].reported = true;
        report->at_ns = at_ns;
        report->until_ns = hlr_add(at_ns, stands_ns);
        report->instance = instance;
        report->severity = failure->severity;
        report->value = failure->usage_percent;
        healer->told = true;
        return HEALER_OK;
}

enum healer_err hlr_unreport(struct healer *healer, uint32_t service, enum healer_failure failure)
{
        struct hlr_report *report;

        if (service >= healer->service_count || (unsigned)failure >= HEALER_FAILURE_COUNT)
                return HEALER_E_RANGE;
        report = &healer->services[service].reports[failure];
        if (!hlr_report_stands(healer, report))
                return HEALER_E_NOT_FOUND;
        report->until_ns = INT64_MIN;
        healer->told = true;
        return HEALER_OK;
}

bool hlr_reported_cause(const struct healer *healer, uint32_t service, struct hlr_cause *out)
{
        const struct hlr_service *s = &healer->services[service];
        const struct hlr_report *worst = NULL;
        int failure;

        for (failure = 0; failure < HEALER_FAILURE_COUNT; failure++) {
                if (s->alarms[failure].id == 0 || !s->alarms[failure].reported ||
                    !hlr_report_stands(healer, &s->reports[failure]))
                        continue;
                if (worst != NULL && s->reports[failure].severity <= worst->severity)
                        continue;
                worst = &s->reports[failure];
                memset(out, 0, sizeof(*out));
                out->failure = (enum healer_failure)failure;
        }
        if (worst == NULL)
                return false;
        out->service = service;
        out->edge = HEALER_NONE;
        out->confidence = 1;
        out->reported = true;
        out->not_before_ns = INT64_MIN;
        if (worst->instance != HEALER_NONE) {
                out->target_count = 1;
                out->targets[0] = worst->instance;
        }
        return true;
}

void hlr_reports_close(struct healer *healer, const struct hlr_episode *episode)
{
        struct hlr_service *service;
        uint32_t i;
        int failure;

        for (i = 0; i < healer->service_count; i++) {
                service = &healer->services[i];
                for (failure = 0; failure < HEALER_FAILURE_COUNT; failure++) {
                        if (service->alarms[failure].id != 0 &&
                            service->alarms[failure].reported &&
                            service->alarms[failure].episode == episode->id)
                                service->reports[failure].until_ns = INT64_MIN;
                }
        }
}
