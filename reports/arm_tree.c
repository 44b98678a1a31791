/* arm_tree.c - arms.<arm> of result.json: metrics at every scope, and the lists behind them.
 *
 * Lists hold all replications, in order, up to a cap each; what is beyond is
 * counted in <list>_dropped, never silently gone.
 */
#include "reports/arm_tree.h"

#include <math.h>
#include <string.h>

#include "reports/metric_table.h"

enum { LIST_MAX = 20000 };

bool arm_has_healer(enum arm arm)
{
        return arm == ARM_TREATED || arm == ARM_SHADOW || arm == ARM_QUIET;
}

static bool has_row(const struct metric_row *row, enum arm arm, unsigned scope)
{
        if (!(row->scopes & scope))
                return false;
        if (row->scopes & SCOPE_TWINS)
                return arm == ARM_TREATED;
        return !(row->scopes & SCOPE_HEALER) || arm_has_healer(arm);
}

static json_t *measure_json(const struct metric_row *row, const struct metric_query *query,
                            const struct graded *graded)
{
        struct measured measured;

        if (!metric_measure(row, query, graded->all, graded->count, &measured))
                return NULL;
        return metric_json(&measured, row->unit);
}

/* The horizon that a restricted mean really has: no later than what was watched. */
static bool set_tau(json_t *metric, const struct metric_row *row, const struct metric_query *query,
                    const struct graded *graded)
{
        double tau = seconds_of(query->meta->horizon_ns);
        double watched = 0;

        if (row->method != METHOD_SURVIVAL)
                return true;
        for (size_t r = 0; r < graded->count; r++)
                watched = fmax(watched, seconds_of(graded->all[r]->arms[query->arm].end_ns));
        return json_object_set_new(metric, "tau", json_real(fmin(tau, watched))) == 0;
}

static bool set_split(json_t *metric, const struct metric_row *row, const struct metric_query *query,
                      const struct graded *graded)
{
        if (strcmp(row->name, "prevention_rate") != 0)
                return true;
        return json_object_set_new(metric, "by_reaction",
                                   measure_json(metric_find("prevention_rate_by_reaction"), query,
                                                graded)) == 0 &&
               json_object_set_new(metric, "by_prediction",
                                   measure_json(metric_find("prevention_rate_by_prediction"), query,
                                                graded)) == 0;
}

static json_t *metrics_json(const struct graded *graded, const struct metric_query *query,
                            unsigned scope)
{
        json_t *metrics = json_object();

        for (size_t i = 0; metrics && i < metric_row_count; i++) {
                const struct metric_row *row = &metric_rows[i];
                if (!has_row(row, query->arm, scope))
                        continue;
                json_t *metric = measure_json(row, query, graded);
                if (json_object_set_new(metrics, row->name, metric) < 0 ||
                    !set_tau(metric, row, query, graded) || !set_split(metric, row, query, graded)) {
                        json_decref(metrics);
                        return NULL;
                }
        }
        return metrics;
}

static struct metric_query query_for(const struct graded *graded, enum arm arm)
{
        return (struct metric_query){ .meta = graded->meta,
                                      .arm = arm,
                                      .service = RECORD_NONE,
                                      .phase = KEPT_WHOLE,
                                      .confidence = 0.95 };
}

static json_t *services_json(const struct graded *graded, enum arm arm)
{
        struct metric_query query = query_for(graded, arm);
        json_t *services = json_object();

        for (uint32_t s = 0; services && s < graded->meta->service_count; s++) {
                query.service = s;
                if (json_object_set_new(services, graded->meta->services[s].name,
                                        json_pack("{s:o}", "metrics",
                                                  metrics_json(graded, &query, SCOPE_SERVICE))) <
                    0) {
                        json_decref(services);
                        return NULL;
                }
        }
        return services;
}

static json_t *phases_json(const struct graded *graded, enum arm arm)
{
        static const char *const names[PHASE_COUNT] = { "before", "during", "after" };
        struct metric_query query = query_for(graded, arm);
        json_t *phases = json_object();

        for (query.phase = 0; phases && query.phase < PHASE_COUNT; query.phase++)
                if (json_object_set_new(phases, names[query.phase],
                                        json_pack("{s:o}", "metrics",
                                                  metrics_json(graded, &query, SCOPE_PHASE))) < 0) {
                        json_decref(phases);
                        return NULL;
                }
        return phases;
}

/* ---- by failure type, fault kind, severity */

/* Adds {name: {metrics}} for a name that was not there yet. */
static bool add_group(const struct graded *graded, json_t *groups, const char *name,
                      const struct metric_query *query)
{
        if (json_object_get(groups, name))
                return true;
        return json_object_set_new(groups, name,
                                   json_pack("{s:o}", "metrics",
                                             metrics_json(graded, query, SCOPE_INCIDENT))) == 0;
}

static bool add_failure_types(const struct graded *graded, json_t *groups, struct metric_query query)
{
        for (size_t r = 0; r < graded->count; r++)
                for (unsigned a = 0; a < ARM_COUNT; a++) {
                        const struct kept_arm *arm = &graded->all[r]->arms[a];
                        for (size_t i = 0; i < arm->incident_count; i++) {
                                query.failure_type = arm->incidents[i].failure_type;
                                if (!add_group(graded, groups, query.failure_type, &query))
                                        return false;
                        }
                }
        return true;
}

static json_t *groups_json(const struct graded *graded, enum arm arm)
{
        json_t *types = json_object();
        json_t *kinds = json_object();
        json_t *severities = json_object();
        struct metric_query query = query_for(graded, arm);
        bool faulted = arm != ARM_QUIET && arm != ARM_CALM;
        bool added = !faulted || add_failure_types(graded, types, query);

        for (uint32_t f = 0; added && faulted && f < graded->meta->fault_count; f++) {
                query.fault = graded->meta->faults[f].kind;
                if (graded->meta->faults[f].harmful)
                        added = add_group(graded, kinds, query.fault, &query);
        }
        query.fault = NULL;
        for (unsigned i = 0; added && i < SEVERITY_COUNT; i++) {
                query.severity = severity_names[i];
                added = add_group(graded, severities, query.severity, &query);
        }
        if (added)
                return json_pack("{s:o, s:o, s:o}", "failure_type", types, "fault", kinds,
                                 "severity", severities);
        json_decref(types);
        json_decref(kinds);
        json_decref(severities);
        return NULL;
}

static json_t *fates_json(const struct graded *graded)
{
        json_t *fates = json_object();

        for (unsigned fate = FATE_PREVENTED; fates && fate <= FATE_EXPOSED; fate++) {
                json_int_t count = 0;
                for (size_t r = 0; r < graded->count; r++) {
                        const struct kept_arm *untreated = &graded->all[r]->arms[ARM_UNTREATED];
                        for (size_t i = 0; i < untreated->incident_count; i++)
                                count += untreated->incidents[i].fate == fate;
                }
                json_object_set_new(fates, fate_names[fate], json_integer(count));
        }
        return fates;
}

static const struct burn_pair {
        double rate, long_s, short_s;
} burn_pairs[4] = { { 14.4, 3600, 300 }, { 6, 21600, 1800 }, { 3, 86400, 7200 }, { 1, 259200, 21600 } };

/* When each pair of windows would have paged, in the replications in which it
 * would have at all. */
static json_t *burn_json(const struct graded *graded, enum arm arm)
{
        const uint32_t fleet = kept_fleet_index(graded->meta);
        json_t *list = json_array();

        for (unsigned b = 0; list && b < 4; b++) {
                double sum_s = 0;
                json_int_t paged = 0;
                for (size_t r = 0; r < graded->count; r++) {
                        const struct kept_arm *from = &graded->all[r]->arms[arm];
                        if (!from->run || from->services[fleet].paged_at_ns[b] == TIME_NEVER)
                                continue;
                        sum_s += seconds_of(from->services[fleet].paged_at_ns[b]);
                        paged++;
                }
                json_array_append_new(list,
                                      json_pack("{s:f, s:f, s:f, s:I, s:I, s:o}",
                                                "rate", burn_pairs[b].rate,
                                                "long", burn_pairs[b].long_s,
                                                "short", burn_pairs[b].short_s,
                                                "replications_paged", paged,
                                                "n", (json_int_t)graded->count,
                                                "paged_at_mean", paged ? json_real(sum_s / (double)paged)
                                                                       : json_null()));
        }
        return list;
}

/* ---- lists */

static json_t *instant(int64_t at_ns)
{
        return at_ns == TIME_NEVER ? json_null() : json_real(seconds_of(at_ns));
}

static json_t *maybe(int8_t judged)
{
        return judged < 0 ? json_null() : json_boolean(judged == 1);
}

static const char *service_name(const struct run_meta *meta, uint32_t service)
{
        return service < meta->service_count ? meta->services[service].name : "";
}

static const char *action_name(const struct run_meta *meta, uint32_t action)
{
        return action < meta->action_kind_count ? meta->action_names[action] : "";
}

/* Our own numbers for what the healer did not number are shown as null. */
static json_t *episode_id(uint64_t id)
{
        return id < UINT64_MAX / 4 ? json_integer((json_int_t)id) : json_null();
}

static json_t *faults_of(const struct run_meta *meta, const struct kept_arm *arm,
                         const struct kept_incident *incident)
{
        json_t *names = json_array();

        for (uint32_t f = 0; names && f < meta->fault_count; f++)
                for (size_t w = 0; w < arm->window_count; w++)
                        if (incident->windows[w] && arm->windows[w].fault == f) {
                                json_array_append_new(names, json_string(meta->faults[f].name));
                                break;
                        }
        return names;
}

static json_t *incident_json(const struct graded *graded, const struct kept *kept, enum arm a,
                             size_t i)
{
        const struct kept_arm *arm = &kept->arms[a];
        const struct kept_incident *incident = &arm->incidents[i];
        const char *fate = fate_names[incident->fate];

        return json_pack(
                "{s:I, s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:s, s:s, s:o, "
                "s:o, s:b}",
                "run", (json_int_t)kept->replication, "arm", arm_names[a], "service",
                service_name(graded->meta, incident->service), "user_visible",
                incident->user_visible, "o", instant(incident->onset_ns), "f",
                instant(incident->fault_ns), "d", instant(incident->detected_ns), "a",
                instant(incident->acted_ns), "r",
                incident->open ? json_null() : instant(incident->restored_ns), "end",
                instant(arm->end_ns), "bad_requests", (json_int_t)incident->bad_requests,
                "requests", (json_int_t)incident->requests, "faults",
                faults_of(graded->meta, arm, incident), "failure_type", incident->failure_type,
                "severity", severity_names[incident->severity], "fate",
                *fate ? json_string(fate) : json_null(), "prevented_by",
                incident->fate == FATE_PREVENTED
                        ? json_string(incident->by_prediction ? "prediction" : "reaction")
                        : json_null(),
                "human", incident->touched_by_human);
}

static json_t *episode_json(const struct graded *graded, const struct kept *kept, enum arm a,
                            size_t i)
{
        const struct kept_episode *episode = &kept->arms[a].episodes[i];

        return json_pack(
                "{s:I, s:o, s:s, s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:s, s:b, s:b, s:b, s:o, s:o, s:o}",
                "run", (json_int_t)kept->replication, "episode", episode_id(episode->id),
                "service", service_name(graded->meta, episode->service), "failure_type",
                episode->failure_type, "severity", episode->severity, "opened",
                instant(episode->opened_ns), "acted", instant(episode->acted_ns), "ended",
                instant(episode->ended_ns), "alarms", (json_int_t)episode->alarm_count, "actions",
                (json_int_t)episode->action_count, "truth", alarm_truth_names[episode->truth],
                "claimed", (episode->stages & (STAGE_CLAIMED | STAGE_VERIFIED)) != 0, "verified",
                (episode->stages & STAGE_VERIFIED) != 0, "failed",
                (episode->stages & STAGE_FAILED) != 0, "healed", maybe(episode->healed),
                "root_cause_right", maybe(episode->cause_top1), "incident_restored",
                episode->incident == SIZE_MAX
                        ? json_null()
                        : instant(kept->arms[a].incidents[episode->incident].restored_ns));
}

static json_t *action_json(const struct graded *graded, const struct kept *kept, enum arm a,
                           size_t i)
{
        const struct kept_action *action = &kept->arms[a].actions[i];

        return json_pack(
                "{s:I, s:o, s:o, s:s, s:s, s:o, s:o, s:b, s:b, s:b, s:o, s:o, s:o}", "run",
                (json_int_t)kept->replication, "t", instant(action->at_ns), "finished",
                instant(action->finished_ns), "action", action_name(graded->meta, action->action),
                "service", service_name(graded->meta, action->service), "instance",
                action->instance == RECORD_NONE ? json_null()
                                                : json_integer((json_int_t)action->instance),
                "ok",
                action->finished_ns == TIME_NEVER ? json_null() : json_boolean(action->ok),
                "preventive", action->preventive, "held_back", action->held_back, "false_action",
                action->false_action, "right_target", maybe(action->right_target), "right_action",
                maybe(action->right_action), "episode", episode_id(action->episode));
}

static json_t *prediction_json(const struct graded *graded, const struct kept *kept, enum arm a,
                               size_t i)
{
        const struct kept_prediction *prediction = &kept->arms[a].predictions[i];

        return json_pack("{s:I, s:o, s:s, s:s, s:o, s:o, s:s, s:o}",
                         "run", (json_int_t)kept->replication,
                         "t", instant(prediction->at_ns),
                         "service", service_name(graded->meta, prediction->service),
                         "failure_type", prediction->failure_type,
                         "confidence", isfinite(prediction->confidence)
                                               ? json_real(prediction->confidence)
                                               : json_null(),
                         "eta", instant(prediction->eta_ns),
                         "outcome", prediction_verdict_names[prediction->verdict],
                         "onset", instant(prediction->onset_ns));
}

static size_t incident_count(const struct kept_arm *arm)
{
        return arm->incident_count;
}

static size_t episode_count(const struct kept_arm *arm)
{
        return arm->episode_count;
}

static size_t action_count(const struct kept_arm *arm)
{
        return arm->action_count;
}

static size_t prediction_count(const struct kept_arm *arm)
{
        return arm->prediction_count;
}

static const struct list {
        const char *name, *dropped;
        size_t (*count)(const struct kept_arm *arm);
        json_t *(*entry)(const struct graded *graded, const struct kept *kept, enum arm a, size_t i);
} lists[] = {
        { "incidents", "incidents_dropped", incident_count, incident_json },
        { "episodes", "episodes_dropped", episode_count, episode_json },
        { "actions", "actions_dropped", action_count, action_json },
        { "predictions", "predictions_dropped", prediction_count, prediction_json },
};

static bool add_list(const struct graded *graded, enum arm arm, const struct list *list,
                     json_t *tree)
{
        json_t *rows = json_array();
        json_int_t dropped = 0;

        if (json_object_set_new(tree, list->name, rows) < 0)
                return false;
        for (size_t r = 0; r < graded->count; r++) {
                size_t count = list->count(&graded->all[r]->arms[arm]);
                for (size_t i = 0; i < count; i++) {
                        if (json_array_size(rows) >= LIST_MAX)
                                dropped++;
                        else if (json_array_append_new(
                                         rows, list->entry(graded, graded->all[r], arm, i)) < 0)
                                return false;
                }
        }
        return !dropped || json_object_set_new(tree, list->dropped, json_integer(dropped)) == 0;
}

json_t *arm_list_rows(const struct run_meta *meta, const struct kept *kept, enum arm arm,
                      const char *name)
{
        const struct graded graded = { .meta = meta };
        json_t *rows = json_array();

        for (size_t l = 0; rows && l < sizeof(lists) / sizeof(*lists); l++) {
                if (strcmp(lists[l].name, name) != 0)
                        continue;
                size_t count = lists[l].count(&kept->arms[arm]);
                for (size_t i = 0; i < count; i++)
                        if (json_array_append_new(rows, lists[l].entry(&graded, kept, arm, i)) < 0) {
                                json_decref(rows);
                                return NULL;
                        }
        }
        return rows;
}

json_t *arm_tree(const struct graded *graded, enum arm arm)
{
        struct metric_query query = query_for(graded, arm);
        json_t *tree = json_pack("{s:o, s:o, s:o, s:o, s:o}",
                                 "metrics", metrics_json(graded, &query, SCOPE_ARM),
                                 "services", services_json(graded, arm),
                                 "phases", phases_json(graded, arm),
                                 "by", groups_json(graded, arm),
                                 "burn", burn_json(graded, arm));
        bool made = tree != NULL;

        if (made && arm == ARM_TREATED)
                made = json_object_set_new(tree, "fates", fates_json(graded)) == 0;
        for (size_t i = 0; made && i < sizeof(lists) / sizeof(*lists); i++)
                made = add_list(graded, arm, &lists[i], tree);
        if (made)
                return tree;
        json_decref(tree);
        return NULL;
}
