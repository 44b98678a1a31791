/* prediction.c - what is said of what is to come, what is done about it, and how
 * it ended.
 *
 * evidence.c brings candidates. Of those for the same failure at the same place
 * that are due within the horizon the most certain one counts; certain enough, it is
 * said once, and is scored once: right when the limit was reached or the service
 * failed, wrong when its time had gone by half over. It stands until then, and until
 * its time is over where the limit is reached and nobody suffers yet. One that was
 * acted on is not scored, for nobody can know. Scores are kept by source and
 * failure type, by pattern, and by day.
 *
 * Confidence is 0.5 similarity + 0.3 accuracy + 0.2 recency, where accuracy begins
 * with one imagined success and one imagined failure: the first outcome may move
 * it, and must not decide it. By the learned rule it is the model's probability
 * for the instance's features instead.
 *
 * Acting is put off while there is time, since much comes to nothing, and means an
 * episode of its own kind (preventive): where capacity is taken
 * away, it is one instance of a service at a time and only while all the others are
 * up; it calls no human. Queued, it waits for approval and is dropped without.
 *
 * What runs out again as soon in a renewed process, since a deployment and not before
 * it, lives in the version: the ladder is entered at the rollback then. Were it in the
 * process, its end would have ended it.
 *
 * Situations are remembered with how they ended, for the source that looks for
 * what is familiar (model.h).
 *
 * About 1 us an instance and tick while nothing moves, 2 to 20 us while something does.
 */
#include "healer/hlr_supervisor.h"

#include <string.h>

#define AGAIN_NS (60 * HLR_SECOND) /* between two tries at one instance */
#define ACT_AHEAD_NS (240 * HLR_SECOND)
#define REACHED 0.95
#define CASE_NS (60 * HLR_SECOND)
#define CASE_LEAD_NS (20 * HLR_SECOND)
#define CASES_APART_NS (60 * HLR_SECOND) /* what fails sooner after another is part of it */
#define CASED_EVERY_NS (15 * HLR_SECOND)
#define AS_FAST 2 /* at most so many times the life in which it was prevented first */
#define DAY_NS (86400 * HLR_SECOND)

/* ---- confidence */

static double weighted_confidence(const struct healer *healer, const struct hlr_candidate *c)
{
        const struct healer_tally *tally = &healer->tallies[c->source][c->failure];
        const struct healer_pattern *pattern = NULL;
        int64_t age_ns = hlr_max(0, hlr_sub(healer->now_ns, c->seen_ns));

        if (c->pattern != HEALER_NONE && healer->patterns != NULL)
                pattern = healer_patterns_at(healer->patterns, c->pattern);
        if (pattern != NULL)
                return healer_confidence(c->similarity, (double)pattern->right + 1,
                                         (double)pattern->wrong + 1, age_ns);
        return healer_confidence(c->similarity, (double)tally->right + 1,
                                 (double)tally->wrong + 1, age_ns);
}

static double confidence_of(const struct healer *healer, const struct hlr_candidate *c)
{
        double features[HEALER_FEATURE_COUNT];

        if (healer->config.prediction.rule != HEALER_RULE_LEARNED || healer->model.count == 0 ||
            c->instance == HEALER_NONE)
                return weighted_confidence(healer, c);
        hlr_features(healer, c->instance, features);
        return healer_model_probability(&healer->model, features);
}

/* ---- the ledger */

static struct healer_day *day_of(struct healer *healer, int64_t at_ns)
{
        int64_t number = at_ns / DAY_NS - (at_ns % DAY_NS < 0);
        struct healer_day *day = &healer->days[(uint64_t)(number + INT64_C(1000000)) % HLR_DAYS];

        if (day->day != number) {
                memset(day, 0, sizeof(*day));
                day->day = number;
        }
        return day;
}

static void count(struct healer *healer, struct hlr_forecast *forecast, bool right)
{
        struct healer_tally *of_day =
                &day_of(healer, forecast->said_ns)->sources[forecast->what.source];
        struct healer_tally *tally =
                &healer->tallies[forecast->what.source][forecast->what.failure];
        struct healer_notice notice = hlr_notice(HEALER_NOTICE_PREDICTION_OUTCOME);

        if (forecast->scored)
                return;
        forecast->scored = true;
        if (forecast->acted) {
                of_day->acted++;
                if (healer->config.learning.enabled)
                        tally->acted++;
                return;
        }
        of_day->right += right;
        of_day->wrong += !right;
        notice.id = forecast->id;
        notice.service = forecast->what.service;
        notice.instance = forecast->what.instance;
        notice.failure = forecast->what.failure;
        notice.confidence = forecast->confidence;
        notice.rank = right;
        hlr_say(healer, &notice);
        if (!healer->config.learning.enabled)
                return;
        tally->right += right;
        tally->wrong += !right;
        if (forecast->what.pattern != HEALER_NONE && healer->patterns != NULL)
                healer_patterns_outcome(healer->patterns, forecast->what.pattern, right);
}

static void finish(struct healer *healer, struct hlr_forecast *forecast, bool right)
{
        count(healer, forecast, right);
        if (forecast->what.instance != HEALER_NONE &&
            forecast->what.instance < healer->instance_count)
                healer->instances[forecast->what.instance].prevent_after_ns =
                        hlr_add(healer->now_ns, AGAIN_NS);
        forecast->id = 0;
}

static bool reached(const struct healer *healer, const struct hlr_forecast *forecast)
{
        const struct hlr_candidate *what = &forecast->what;
        const struct hlr_monitor *monitor;
        double value;

        if (what->instance == HEALER_NONE || what->metric >= (int)HLR_INSTANCE_METRICS ||
            isnan(what->limit))
                return false;
        monitor = &healer->instances[what->instance].monitors[what->metric];
        if (monitor->seen_ns == INT64_MIN || monitor->seen_ns < forecast->said_ns)
                return false;
        value = monitor->value;
        if (what->metric == HEALER_METRIC_QUEUE)
                value *= healer->services[what->service].info.workers;
        return value >= REACHED * what->limit;
}

static void score_all(struct healer *healer)
{
        struct hlr_forecast *forecast;
        int64_t given;
        uint32_t i;

        for (i = 0; i < HLR_FORECASTS_MAX; i++) {
                forecast = &healer->forecasts[i];
                if (forecast->id == 0)
                        continue;
                given = hlr_sub(forecast->what.eta_ns, forecast->said_ns);
                if (reached(healer, forecast))
                        count(healer, forecast, true);
                else if (hlr_sub(healer->now_ns, forecast->what.eta_ns) > given / 2)
                        finish(healer, forecast, false);
        }
}

void hlr_predictions_meet(struct healer *healer, uint32_t service, enum healer_failure failure)
{
        struct healer_case one;
        struct hlr_pending *pending;
        uint32_t i;

        if (healer->case_moments == 0 ||
            hlr_sub(healer->now_ns, healer->case_failed_ns) > CASES_APART_NS)
                healer->case_moments++;
        healer->case_failed_ns = healer->now_ns;
        for (i = 0; i < HLR_FORECASTS_MAX; i++) {
                if (healer->forecasts[i].id != 0 && healer->forecasts[i].what.service == service)
                        finish(healer, &healer->forecasts[i], true);
        }
        for (i = 0; i < HLR_PENDING_MAX; i++) {
                pending = &healer->pending[i];
                if (pending->at_ns == INT64_MIN || pending->service != service ||
                    hlr_sub(healer->now_ns, pending->at_ns) < CASE_LEAD_NS)
                        continue;
                one.failed = true;
                one.failure = failure;
                memcpy(one.features, pending->features, sizeof(one.features));
                if (healer->config.learning.enabled)
                        healer_cases_add(&healer->cases, &one);
                pending->at_ns = INT64_MIN;
        }
}

enum healer_err hlr_prediction_outcome(struct healer *healer, uint64_t prediction,
                                       bool came_true)
{
        uint32_t i;

        for (i = 0; prediction != 0 && i < HLR_FORECASTS_MAX; i++) {
                if (healer->forecasts[i].id != prediction || healer->forecasts[i].scored)
                        continue;
                healer->forecasts[i].acted = false; /* somebody knows */
                finish(healer, &healer->forecasts[i], came_true);
                return HEALER_OK;
        }
        return HEALER_E_NOT_FOUND;
}

struct healer_tally hlr_prediction_day(const struct healer *healer, int64_t at_ns,
                                       enum healer_source source)
{
        int64_t number = at_ns / DAY_NS - (at_ns % DAY_NS < 0);
        const struct healer_day *day =
                &healer->days[(uint64_t)(number + INT64_C(1000000)) % HLR_DAYS];
        struct healer_tally sum = {0, 0, 0};
        int s;

        for (s = 0; s < HEALER_SOURCE_COUNT && day->day == number; s++) {
                if (source != HEALER_SOURCE_COUNT && source != (enum healer_source)s)
                        continue;
                sum.right += day->sources[s].right;
                sum.wrong += day->sources[s].wrong;
                sum.acted += day->sources[s].acted;
        }
        return sum;
}

/* ---- saying */

static struct hlr_forecast *standing(struct healer *healer, const struct hlr_candidate *c)
{
        uint32_t i;

        for (i = 0; i < HLR_FORECASTS_MAX; i++) {
                if (healer->forecasts[i].id != 0 &&
                    healer->forecasts[i].what.service == c->service &&
                    healer->forecasts[i].what.instance == c->instance &&
                    healer->forecasts[i].what.failure == c->failure)
                        return &healer->forecasts[i];
        }
        return NULL;
}

static struct hlr_forecast *say_forecast(struct healer *healer, const struct hlr_candidate *c,
                                         double confidence)
{
        struct healer_notice notice = hlr_notice(HEALER_NOTICE_PREDICTION);
        struct hlr_forecast *forecast = NULL;
        uint32_t i;

        for (i = 0; i < HLR_FORECASTS_MAX && forecast == NULL; i++) {
                if (healer->forecasts[i].id == 0)
                        forecast = &healer->forecasts[i];
        }
        if (forecast == NULL) {
                healer->stats.dropped++;
                return NULL;
        }
        memset(forecast, 0, sizeof(*forecast));
        forecast->what = *c;
        forecast->id = hlr_next_id(healer);
        forecast->confidence = confidence;
        forecast->said_ns = healer->now_ns;
        healer->stats.predictions++;
        notice.id = forecast->id;
        notice.service = c->service;
        notice.instance = c->instance;
        notice.failure = c->failure;
        notice.severity = HEALER_SEVERITY_HIGH;
        notice.metric = c->metric;
        notice.value = c->value;
        notice.limit = c->limit;
        notice.confidence = confidence;
        notice.eta_ns = c->eta_ns;
        hlr_say(healer, &notice);
        return forecast;
}

/* ---- acting */

/* Whether the service has nobody away and nothing going on. */
static bool undisturbed(struct healer *healer, const struct hlr_candidate *c)
{
        const struct hlr_instance *instance;
        uint32_t i;

        if (hlr_episode_of_service(healer, c->service) != NULL)
                return false;
        if (c->failure == HEALER_FAILURE_DEPLOYMENT_FAILURE)
                return true; /* it is the deployment that is to be ended */
        if (healer->services[c->service].deploying)
                return false;
        for (i = 0; i < healer->instance_count; i++) {
                instance = &healer->instances[i];
                if (instance->service == c->service && instance->process != HLR_REMOVED &&
                    (instance->process != HLR_UP || instance->command != 0))
                        return false;
        }
        return true;
}

/* Much that begins comes to nothing; so it is acted as late as leaves time for all
 * instances of the service, one after the other, twice over. */
static bool it_is_time(const struct healer *healer, const struct hlr_candidate *c)
{
        const struct healer_service_info *info = &healer->services[c->service].info;
        int64_t each = hlr_add(info->restart_ns, info->boot_ns), needed = 60 * HLR_SECOND;
        uint32_t i;

        for (i = 0; i < healer->instance_count; i++) {
                /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): there are as many */
                if (healer->instances[i].service == c->service &&
                    healer->instances[i].process != HLR_REMOVED)
                        needed = hlr_add(needed, 2 * each);
        }
        return hlr_sub(c->eta_ns, healer->now_ns) <= hlr_max(needed, ACT_AHEAD_NS);
}

/* What is prevented at another instance already is prevented here, too, in the same
 * episode: whether both may be away at once is for recovery.c to say. */
static bool joins(struct healer *healer, const struct hlr_candidate *c)
{
        struct hlr_episode *episode = hlr_episode_of_service(healer, c->service);
        uint32_t i;

        if (episode == NULL || !episode->preventive || episode->failure != c->failure ||
            episode->state != HLR_EPISODE_ACTING || c->instance == HEALER_NONE ||
            (episode->acting != HEALER_ACTION_REPLACE_INSTANCE &&
             episode->acting != HEALER_ACTION_RESTART_INSTANCE) ||
            episode->target_count == HLR_TARGETS_MAX)
                return false;
        for (i = 0; i < episode->target_count; i++) {
                if (episode->targets[i].instance == c->instance)
                        return true;
        }
        memset(&episode->targets[i], 0, sizeof(episode->targets[i]));
        episode->targets[episode->target_count++].instance = c->instance;
        healer->instances[c->instance].prevent_after_ns = hlr_add(healer->now_ns, AGAIN_NS);
        return true;
}

/* What is seen to run out, and is given back when the process ends: in a new one it begins
 * anew, or not at all. */
static bool ends_with_process(const struct hlr_candidate *c)
{
        return c->source == HEALER_SOURCE_TRENDS && c->instance != HEALER_NONE &&
               (c->metric == HEALER_METRIC_MEMORY || c->metric == HEALER_METRIC_FDS);
}

/* Keeps the first time, by which later ones are judged. */
static void remember_prevented(struct healer *healer, const struct hlr_candidate *c)
{
        struct hlr_service *service = &healer->services[c->service];
        int64_t first_ns = service->prevented[c->failure].at_ns;

        if (!ends_with_process(c) ||
            (first_ns != INT64_MIN && hlr_sub(healer->now_ns, first_ns) <=
                                              healer->config.diagnosis.correlation_window_ns))
                return;
        service->prevented[c->failure].at_ns = healer->now_ns;
        service->prevented[c->failure].process_ns = healer->instances[c->instance].started_ns;
}

/* It was prevented here, in a process of the last deployment; and one that began after
 * that has it again, no later in its life than twice as late. */
static bool came_with_deployment(const struct healer *healer, const struct hlr_candidate *c)
{
        const struct hlr_service *service = &healer->services[c->service];
        int64_t first_ns = service->prevented[c->failure].at_ns;
        int64_t process_ns = service->prevented[c->failure].process_ns, started_ns;

        if (!ends_with_process(c) || first_ns == INT64_MIN)
                return false;
        started_ns = healer->instances[c->instance].started_ns;
        return hlr_since_deployment(healer, c->service, process_ns,
                                    healer->config.diagnosis.correlation_window_ns) &&
               started_ns >= first_ns &&
               hlr_sub(healer->now_ns, started_ns) <= AS_FAST * hlr_sub(first_ns, process_ns);
}

/* The version before, where the ladder has that and this place can do it. */
static void begin_with_rollback(struct healer *healer, struct hlr_episode *episode)
{
        const struct healer_ladder *ladder =
                &healer->config.recovery.strategies[episode->failure];
        uint32_t rung;

        for (rung = episode->rung; rung < ladder->count; rung++) {
                if (ladder->rungs[rung] != HEALER_ACTION_ROLLBACK_DEPLOYMENT)
                        continue;
                if (hlr_possible(healer, episode, HEALER_ACTION_ROLLBACK_DEPLOYMENT))
                        episode->rung = rung;
                return;
        }
}

static void prevent(struct healer *healer, struct hlr_forecast *forecast,
                    const struct hlr_candidate *c, double confidence)
{
        struct hlr_instance *instance = NULL;
        struct hlr_episode *episode;
        struct hlr_cause cause;

        if (c->instance != HEALER_NONE)
                instance = &healer->instances[c->instance];
        if (instance != NULL && healer->now_ns < instance->prevent_after_ns)
                return;
        /* Who has to approve needs all the time there is. */
        if (healer->config.prediction.preventive != HEALER_PREVENTIVE_QUEUED &&
            !it_is_time(healer, c))
                return;
        if ((instance == NULL && forecast->acted) || joins(healer, c) || !undisturbed(healer, c))
                return;
        memset(&cause, 0, sizeof(cause));
        cause.failure = c->failure;
        cause.service = c->service;
        cause.edge = HEALER_NONE;
        cause.confidence = confidence;
        cause.not_before_ns = INT64_MIN;
        if (instance != NULL) {
                cause.target_count = 1;
                cause.targets[0] = c->instance;
        }
        episode = hlr_episode_open(healer, &cause, HEALER_SEVERITY_MEDIUM, true);
        if (episode == NULL)
                return;
        episode->prediction = forecast->id;
        episode->foreseen = c->metric;
        episode->foreseen_value = c->value;
        if (came_with_deployment(healer, c))
                begin_with_rollback(healer, episode);
        remember_prevented(healer, c);
        if (instance != NULL)
                instance->prevent_after_ns = hlr_add(healer->now_ns, AGAIN_NS);
}

void hlr_predictions_acted(struct healer *healer, uint64_t prediction)
{
        uint32_t i;

        for (i = 0; prediction != 0 && i < HLR_FORECASTS_MAX; i++) {
                if (healer->forecasts[i].id == prediction)
                        healer->forecasts[i].acted = true;
        }
}

/* ---- each tick */

static void consider(struct healer *healer, const struct hlr_candidate *c)
{
        const struct healer_config *config = &healer->config;
        double confidence, needed = config->prediction.auto_apply;
        struct hlr_forecast *forecast;

        confidence = confidence_of(healer, c);
        if (confidence < config->prediction.confidence_threshold)
                return;
        forecast = standing(healer, c);
        if (forecast == NULL)
                forecast = say_forecast(healer, c, confidence);
        if (config->prediction.preventive == HEALER_PREVENTIVE_QUEUED)
                needed = config->prediction.confidence_threshold;
        if (forecast != NULL && !c->only_said && config->prediction.preventive != HEALER_PREVENTIVE_OFF &&
            confidence >= needed)
                prevent(healer, forecast, c, confidence);
}

static bool is_due(const struct healer *healer, const struct hlr_candidate *c)
{
        return c->eta_ns != HEALER_NEVER &&
               hlr_sub(c->eta_ns, healer->now_ns) <= healer->config.prediction.horizon_ns;
}

/* The most certain one for each failure of those that are due, by the time of the
 * earliest that is certain enough by itself. */
static void consider_all(struct healer *healer, const struct hlr_candidate *candidates,
                         uint32_t known)
{
        double certain, most, enough = healer->config.prediction.confidence_threshold;
        struct hlr_candidate best;
        int64_t earliest_ns;
        uint32_t i, k;

        for (i = 0; i < known; i++) {
                best = candidates[i];
                most = -1;
                earliest_ns = HEALER_NEVER;
                for (k = 0; k < known; k++) {
                        if (candidates[k].failure != candidates[i].failure)
                                continue;
                        if (k < i)
                                break; /* was considered with that one */
                        if (!is_due(healer, &candidates[k]))
                                continue;
                        certain = weighted_confidence(healer, &candidates[k]);
                        if (certain >= enough)
                                earliest_ns = hlr_min(earliest_ns, candidates[k].eta_ns);
                        if (certain <= most)
                                continue;
                        most = certain;
                        best = candidates[k];
                }
                if (k < known || most < 0)
                        continue;
                best.eta_ns = hlr_min(best.eta_ns, earliest_ns);
                consider(healer, &best);
        }
}

static void remember_case(struct healer *healer, uint32_t index)
{
        struct hlr_instance *instance = &healer->instances[index];
        struct hlr_service *service = &healer->services[instance->service];
        struct hlr_pending *pending;

        if (instance->process != HLR_UP || instance->fine.count < 16 ||
            hlr_sub(healer->now_ns, service->cased_ns) < CASE_NS ||
            hlr_episode_of_service(healer, instance->service) != NULL)
                return;
        service->cased_ns = healer->now_ns;
        pending = &healer->pending[healer->pending_next++ % HLR_PENDING_MAX];
        pending->at_ns = healer->now_ns;
        pending->service = instance->service;
        hlr_features(healer, index, pending->features);
}

static void close_cases(struct healer *healer)
{
        struct healer_case one;
        struct hlr_pending *pending;
        uint32_t i;

        for (i = 0; i < HLR_PENDING_MAX; i++) {
                pending = &healer->pending[i];
                if (pending->at_ns == INT64_MIN ||
                    hlr_sub(healer->now_ns, pending->at_ns) < healer->config.prediction.horizon_ns)
                        continue;
                one.failed = false;
                one.failure = HEALER_FAILURE_UNKNOWN;
                memcpy(one.features, pending->features, sizeof(one.features));
                healer_cases_add(&healer->cases, &one);
                pending->at_ns = INT64_MIN;
        }
}

void hlr_predict(struct healer *healer)
{
        const bool *sources = healer->config.prediction.sources;
        struct hlr_candidate candidates[HLR_CANDIDATES_MAX];
        uint32_t i, known;

        if (!healer->config.prediction.enabled)
                return;
        score_all(healer);
        if (sources[HEALER_SOURCE_HISTORY] && healer->config.learning.enabled)
                close_cases(healer);
        for (i = 0; i < healer->instance_count; i++) {
                healer->stats.looks++;
                known = hlr_evidence_instance(healer, i, candidates);
                consider_all(healer, candidates, known);
                if (sources[HEALER_SOURCE_HISTORY] && healer->config.learning.enabled)
                        remember_case(healer, i);
        }
        for (i = 0; i < healer->service_count; i++) {
                known = hlr_evidence_service(healer, i, candidates);
                consider_all(healer, candidates, known);
        }
        if (hlr_sub(healer->now_ns, healer->cased_ns) >= CASED_EVERY_NS)
                healer->cased_ns = healer->now_ns;
}

/* ---- the outlook */

struct outlook_row {
        enum hlr_signal signal;
        uint32_t reason;
        bool beside_load;
};

static const struct outlook_row outlook_rows[] = {
        {HLR_SIGNAL_MEMORY, HEALER_REASON_LEAK, true},
        {HLR_SIGNAL_DISK, HEALER_REASON_DISK, false},
        {HLR_SIGNAL_FDS, HEALER_REASON_HANDLES, true},
        {HLR_SIGNAL_POOL, HEALER_REASON_HANDLES, true},
        {HLR_SIGNAL_TOKENS, HEALER_REASON_HANDLES, false},
};

/* The longer look where it exists: what is hours away moves slowly. */
static bool outlook_line(const struct hlr_instance *instance, const struct outlook_row *row,
                         struct healer_line *trend)
{
        if (hlr_track_fit(instance, row->signal, true, row->beside_load, trend))
                return healer_line_is_leak(trend);
        return hlr_track_fit(instance, row->signal, false, row->beside_load, trend) &&
               trend->samples >= 16 && healer_line_is_leak(trend);
}

static void outlook_detectors(const struct hlr_instance *instance, uint32_t *reasons)
{
        double last[10];
        struct healer_line trend;
        uint32_t count;

        count = hlr_track_last(instance, HLR_SIGNAL_ERRORS, last, 10);
        if (healer_error_doubling(last, count, 0.01))
                *reasons |= HEALER_REASON_ERRORS;
        count = hlr_track_last(instance, HLR_SIGNAL_CPU, last, 10);
        if (healer_cpu_exhaustion(last, count))
                *reasons |= HEALER_REASON_CPU;
        if (hlr_track_fit(instance, HLR_SIGNAL_LATENCY, false, true, &trend) &&
            healer_latency_decay(&trend))
                *reasons |= HEALER_REASON_LATENCY;
}

static void outlook_instance(const struct healer *healer, uint32_t index,
                             struct healer_outlook *out)
{
        const struct hlr_instance *instance = &healer->instances[index];
        double eta_s, low_s, high_s;
        struct healer_line trend;
        uint32_t reasons = 0;
        size_t r;

        for (r = 0; r < sizeof(outlook_rows) / sizeof(outlook_rows[0]); r++) {
                if (isnan(instance->quick[outlook_rows[r].signal]) ||
                    !outlook_line(instance, &outlook_rows[r], &trend))
                        continue;
                reasons |= outlook_rows[r].reason;
                eta_s = healer_line_time_to(&trend, 1, &low_s, &high_s);
                if (isinf(eta_s) ||
                    hlr_add(trend.newest_ns, hlr_from_double(eta_s * 1e9)) >= out->eta_ns)
                        continue;
                out->eta_ns = hlr_add(trend.newest_ns, hlr_from_double(eta_s * 1e9));
                out->eta_low_ns = hlr_add(trend.newest_ns, hlr_from_double(low_s * 1e9));
                out->eta_high_ns = isinf(high_s) ? HEALER_NEVER
                                                 : hlr_add(trend.newest_ns,
                                                           hlr_from_double(high_s * 1e9));
                out->instance = index;
        }
        outlook_detectors(instance, &reasons);
        if (out->instance == HEALER_NONE && reasons != 0)
                out->instance = index;
        out->reasons |= reasons;
}

struct healer_outlook hlr_outlook_of(const struct healer *healer, uint32_t service)
{
        struct healer_outlook out = {0, HEALER_BAND_NONE, 0, HEALER_NONE, HEALER_NEVER,
                                     HEALER_NEVER, HEALER_NEVER};
        uint32_t i;

        for (i = service < healer->service_count ? healer->services[service].first_instance
                                                 : HEALER_NONE;
             i != HEALER_NONE; i = healer->instances[i].next) {
                if (healer->instances[i].process == HLR_UP)
                        outlook_instance(healer, i, &out);
        }
        out.risk = healer_risk_of(out.reasons);
        out.band = out.eta_ns != HEALER_NEVER
                           ? healer_band_of_time((double)hlr_sub(out.eta_ns, healer->now_ns) / 1e9)
                           : healer_band_of_risk(out.risk);
        return out;
}
