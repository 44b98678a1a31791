/* healer.c - the life of a healer, and one tick of it.
 *
 * A tick runs the stages over what was observed since the last one: detection,
 * diagnosis (in episodes.c), prediction, decision with recovery, verification,
 * escalation. What they say and order is collected; gate.c hands it on.
 *
 * Not here: anything that knows what a failure is, and who may come in when.
 */
#include "healer/healer.h"

#include "healer/hlr_supervisor.h"

#include <string.h>

#define STRETCH_MAX 8

/* ---- life */

static const char *check_topology(const struct healer_topology *topology)
{
        uint32_t i;

        for (i = 0; i < topology->service_count; i++) {
                if (topology->services[i].name == NULL || topology->services[i].workers == 0)
                        return "services: a name and at least one worker";
        }
        for (i = 0; i < topology->edge_count; i++) {
                if (topology->edges[i].to >= topology->service_count ||
                    (topology->edges[i].from != HEALER_NONE &&
                     topology->edges[i].from >= topology->service_count))
                        return "edges: between services that exist";
        }
        for (i = 0; i < topology->instance_count; i++) {
                if (topology->instances[i].service >= topology->service_count)
                        return "instances: of services that exist";
        }
        return NULL;
}

static void fill_services(struct healer *healer, const struct healer_topology *topology)
{
        struct hlr_service *service;
        uint32_t i;
        int failure, action;

        for (i = 0; i < topology->service_count; i++) {
                service = &healer->services[i];
                service->info = topology->services[i];
                service->info.name = NULL;
                service->objective_s = service->info.slo_latency_ns > 0 &&
                                                       service->info.slo_latency_ns < HEALER_NEVER
                                               ? (double)service->info.slo_latency_ns / 1e9
                                               : INFINITY;
                strncpy(service->name, topology->services[i].name, sizeof(service->name) - 1);
                service->deploy_started_ns = INT64_MIN;
                service->deploy_ended_ns = INT64_MIN;
                service->config_ns = INT64_MIN;
                service->outside_ns = INT64_MIN;
                service->cased_ns = INT64_MIN;
                for (failure = 0; failure < HEALER_FAILURE_COUNT; failure++) {
                        service->reports[failure].until_ns = INT64_MIN;
                        service->prevented[failure].at_ns = INT64_MIN;
                }
                service->rolled_back_ns = INT64_MIN;
                service->shrunk_ns = INT64_MIN;
                service->level_back_ns = INT64_MIN;
                service->probe_wait_ns = healer->config.degradation.dwell_ns;
                for (action = 0; action < HEALER_ACTION_COUNT; action++)
                        service->useless[action].at_ns = INT64_MIN;
                service->bin_at = healer->now_ns / (60 * HLR_SECOND) - HLR_BINS;
                hlr_monitor_clear(&service->custom);
        }
}

static void fill_edges(struct healer *healer, const struct healer_topology *topology)
{
        uint32_t i;
        int m;

        for (i = 0; i < topology->edge_count; i++) {
                healer->edges[i].from = topology->edges[i].from;
                healer->edges[i].to = topology->edges[i].to;
                healer->edges[i].kept_off_ns = INT64_MIN;
                for (m = 0; m < HLR_EDGE_METRICS; m++)
                        hlr_monitor_clear(&healer->edges[i].monitors[m]);
        }
}

static void fill_instances(struct healer *healer, const struct healer_topology *topology)
{
        struct hlr_instance *instance;
        uint32_t i;

        for (i = 0; i < topology->instance_count; i++) {
                instance = &healer->instances[i];
                instance->service = topology->instances[i].service;
                healer->services[instance->service].standing_first++;
                instance->process = HLR_UP;
                instance->changed_ns = healer->now_ns;
                instance->started_ns = INT64_MIN;
                instance->sampled_ns = INT64_MIN;
                instance->command_from_ns = INT64_MIN;
                instance->commanded_ns = INT64_MIN;
                instance->prevent_after_ns = INT64_MIN;
                instance->load_usual = NAN;
                instance->usual_first[0] = instance->usual_first[1] = NAN;
                hlr_instance_forget(instance);
        }
        healer->instance_count = topology->instance_count;
}

void hlr_index(struct healer *healer)
{
        struct hlr_service *service;
        uint32_t i;

        for (i = 0; i < healer->service_count; i++) {
                healer->services[i].first_instance = HEALER_NONE;
                healer->services[i].first_edge = HEALER_NONE;
        }
        for (i = healer->instance_count; i > 0; i--) {
                service = &healer->services[healer->instances[i - 1].service];
                healer->instances[i - 1].next = service->first_instance;
                service->first_instance = i - 1;
        }
        for (i = healer->edge_count; i > 0; i--) {
                service = &healer->services[healer->edges[i - 1].to];
                healer->edges[i - 1].next_to = service->first_edge;
                service->first_edge = i - 1;
        }
}

static void learn_nothing_yet(struct healer *healer)
{
        int failure, action, context, metric, i;

        for (failure = 0; failure < HEALER_FAILURE_COUNT; failure++) {
                for (action = 0; action < HEALER_ACTION_COUNT; action++) {
                        healer->effects[failure][action].preference = 0.5;
                        for (context = 0; context < HEALER_CONTEXT_COUNT; context++)
                                healer->by_context[context][failure][action].preference = 0.5;
                }
        }
        for (metric = 0; metric < HEALER_METRIC_COUNT; metric++)
                healer->tuning[metric].factor = 1;
        for (i = 0; i < HLR_DAYS; i++)
                healer->days[i].day = INT64_MIN;
        for (i = 0; i < HLR_PENDING_MAX; i++)
                healer->pending[i].at_ns = INT64_MIN;
        healer->cased_ns = INT64_MIN;
}

static enum healer_err create_learners(struct healer *healer)
{
        struct healer_patterns_config config = healer_patterns_config_defaults();

        config.allocator = healer->allocator;
        config.frozen = !healer->config.learning.enabled;
        config.window_ns = hlr_max(healer->config.prediction.horizon_ns, 60 * HLR_SECOND);
        if (config.window_ns > 86400 * HLR_SECOND)
                config.window_ns = 86400 * HLR_SECOND;
        if (hlr_odd_create(healer) != HEALER_OK)
                return HEALER_E_NOMEM;
        if (!healer->config.prediction.sources[HEALER_SOURCE_PATTERNS] &&
            !healer->config.prediction.sources[HEALER_SOURCE_HISTORY] &&
            !healer->config.detection.patterns)
                return HEALER_OK;
        return healer_patterns_create(&config, healer->service_count, &healer->patterns);
}

static enum healer_err allocate(struct healer *healer, const struct healer_topology *topology)
{
        size_t services = hlr_bytes(0, topology->service_count, sizeof(struct hlr_service));
        size_t edges = hlr_bytes(0, topology->edge_count, sizeof(struct hlr_edge));

        healer->instance_room = topology->instance_count + 8;
        healer->instance_max = 4 * topology->instance_count + 256;
        healer->services = hlr_alloc(healer->allocator, services > 0 ? services : 1);
        healer->edges = hlr_alloc(healer->allocator, edges > 0 ? edges : 1);
        healer->instances = hlr_alloc(healer->allocator, hlr_bytes(0, healer->instance_room,
                                                                   sizeof(*healer->instances)));
        if (healer->services == NULL || healer->edges == NULL || healer->instances == NULL)
                return HEALER_E_NOMEM;
        healer->service_count = topology->service_count;
        healer->edge_count = topology->edge_count;
        return HEALER_OK;
}

enum healer_err healer_create(const struct healer_config *config,
                              const struct healer_topology *topology,
                              const struct healer_callbacks *callbacks,
                              const struct healer_allocator *allocator, int64_t now_ns,
                              struct healer **out)
{
        struct healer *healer;
        char reason[160];

        *out = NULL;
        if (config->size != sizeof(*config))
                return HEALER_E_SIZE;
        if (healer_config_check(config, reason, sizeof(reason)) != NULL ||
            check_topology(topology) != NULL)
                return HEALER_E_RANGE;
        healer = hlr_alloc(allocator, sizeof(*healer));
        if (healer == NULL)
                return HEALER_E_NOMEM;
        if (pthread_mutex_init(&healer->lock, NULL) != 0) {
                hlr_free(allocator, healer);
                return HEALER_E_NOMEM;
        }
        healer->config = *config;
        healer->callbacks = *callbacks;
        healer->allocator = allocator;
        healer->actions_available = topology->actions_available;
        memcpy(healer->action_usual_ns, topology->action_usual_ns,
               sizeof(healer->action_usual_ns));
        healer->now_ns = now_ns;
        healer->judged_ns = INT64_MIN;
        healer->health_ns = INT64_MIN;
        healer->sample_ns = INT64_MIN;
        healer->interval_s = (double)config->detection.interval_ns / 1e9;
        healer->reconciled_ns = INT64_MIN;
        healer->leak_checked_ns = INT64_MIN;
        healer->levels_ns = INT64_MIN;
        healer->stretch = 1;
        if (allocate(healer, topology) != HEALER_OK) {
                healer_destroy(healer);
                return HEALER_E_NOMEM;
        }
        fill_services(healer, topology);
        fill_edges(healer, topology);
        fill_instances(healer, topology);
        hlr_index(healer);
        learn_nothing_yet(healer);
        if (create_learners(healer) != HEALER_OK || hlr_levels_create(healer) != HEALER_OK ||
            hlr_written_create(healer) != HEALER_OK) {
                healer_destroy(healer);
                return HEALER_E_NOMEM;
        }
        *out = healer;
        return HEALER_OK;
}

void healer_destroy(struct healer *healer)
{
        const struct healer_allocator *allocator;

        if (healer == NULL)
                return;
        allocator = healer->allocator;
        hlr_odd_destroy(healer);
        hlr_levels_destroy(healer);
        hlr_written_destroy(healer);
        healer_patterns_destroy(healer->patterns);
        if (healer->services != NULL)
                hlr_free(allocator, healer->services);
        if (healer->edges != NULL)
                hlr_free(allocator, healer->edges);
        if (healer->instances != NULL)
                hlr_free(allocator, healer->instances);
        (void)pthread_mutex_destroy(&healer->lock);
        hlr_free(allocator, healer);
}

/* ---- out */

uint64_t hlr_next_id(struct healer *healer)
{
        return ++healer->next_id;
}

struct healer_notice hlr_notice(enum healer_notice_kind kind)
{
        struct healer_notice notice;

        memset(&notice, 0, sizeof(notice));
        notice.kind = kind;
        notice.service = HEALER_NONE;
        notice.instance = HEALER_NONE;
        notice.edge = HEALER_NONE;
        notice.metric = HEALER_METRIC_COUNT;
        notice.action = HEALER_ACTION_COUNT;
        notice.value = NAN;
        notice.limit = NAN;
        notice.confidence = NAN;
        notice.monitor = HEALER_NONE;
        notice.eta_ns = HEALER_NEVER;
        return notice;
}

static enum healer_log_level weight(const struct healer_notice *notice)
{
        switch (notice->kind) {
        case HEALER_NOTICE_ESCALATION:
        case HEALER_NOTICE_EPISODE_FAILED:
                return HEALER_LOG_ERROR;
        case HEALER_NOTICE_WARNING:
                return HEALER_LOG_DEBUG;
        case HEALER_NOTICE_DIAGNOSIS:
                return notice->rank > 1 ? HEALER_LOG_INFO : HEALER_LOG_WARNING;
        case HEALER_NOTICE_SUGGESTION:
        case HEALER_NOTICE_EPISODE_OPENED:
        case HEALER_NOTICE_EPISODE_CLAIMED:
        case HEALER_NOTICE_EPISODE_VERIFIED:
        case HEALER_NOTICE_EPISODE_CLOSED:
        case HEALER_NOTICE_DEGRADATION:
        case HEALER_NOTICE_ANOMALY:
        case HEALER_NOTICE_RECURRING:
        case HEALER_NOTICE_PREDICTION_OUTCOME:
        case HEALER_NOTICE_STATUS:
                return HEALER_LOG_INFO;
        default:
                return HEALER_LOG_WARNING;
        }
}

void hlr_say(struct healer *healer, const struct healer_notice *notice)
{
        if ((uint32_t)weight(notice) < healer->config.log_level)
                return;
        if (healer->notice_count == HLR_NOTICES_MAX) {
                healer->stats.dropped++;
                return;
        }
        healer->notices[healer->notice_count++] = *notice;
}

void hlr_say_episode(struct healer *healer, const struct hlr_episode *episode,
                     enum healer_notice_kind kind)
{
        struct healer_notice notice = hlr_notice(kind);

        notice.episode = episode->id;
        notice.service = episode->service;
        notice.edge = episode->edge;
        if (episode->target_count > 0)
                notice.instance = episode->targets[0].instance;
        notice.failure = episode->failure;
        notice.severity = episode->severity;
        notice.confidence = episode->confidence;
        hlr_say(healer, &notice);
}

/* ---- a tick */

/* When the first of those that are silent has been so for too long. */
static int64_t silence_due(const struct healer *healer)
{
        const struct hlr_instance *instance;
        int64_t patience = hlr_patience(healer), due_ns, next = HEALER_NEVER;
        uint32_t i;

        for (i = 0; i < healer->instance_count; i++) {
                instance = &healer->instances[i];
                if (instance->process != HLR_UP || !instance->silent || instance->command != 0)
                        continue;
                due_ns = hlr_add(instance->silent_since_ns, patience);
                if (due_ns > healer->now_ns)
                        next = hlr_min(next, due_ns);
        }
        return next;
}

static int64_t next_wake(const struct healer *healer)
{
        const struct hlr_episode *e;
        int64_t next = hlr_min(hlr_min(hlr_reconcile_next(healer), hlr_monitors_next(healer)),
                               hlr_levels_next(healer));
        int i;

        next = hlr_min(next, silence_due(healer));

        for (i = 0; i < HLR_EPISODES_MAX; i++) {
                e = &healer->episodes[i];
                if (e->id == 0)
                        continue;
                next = hlr_min(next, hlr_add(healer->now_ns, healer->config.detection.interval_ns));
                if (e->state == HLR_EPISODE_WATCHING && e->not_before_ns > healer->now_ns)
                        next = hlr_min(next, e->not_before_ns);
        }
        return next;
}

static void think(struct healer *healer)
{
        uint32_t i;

        for (i = 0; i < healer->edge_count; i++) {
                if (healer->edges[i].kept_off)
                        healer->edges[i].kept_off_ns = healer->now_ns;
        }
        hlr_commands_check(healer);
        hlr_detect(healer);
        hlr_episodes_update(healer);
        hlr_predict(healer);
        hlr_decide(healer);
        hlr_verify(healer);
        hlr_escalation_deadlines(healer);
        hlr_levels_watch(healer);
        hlr_degradation_step(healer);
        hlr_health_update(healer);
}

/* How often samples are judged: less often while more of them come than is good. */
static int64_t judge_interval(const struct healer *healer)
{
        return hlr_mul(healer->config.detection.interval_ns, healer->stretch);
}

static void trim_load(struct healer *healer)
{
        double limit = healer->config.detection.load_max;
        double seconds = (double)hlr_sub(healer->now_ns, healer->judged_ns) / 1e9;
        double load = seconds > 0 ? healer->work / seconds : 0;

        if (!(limit > 0) || healer->judged_ns == INT64_MIN)
                return;
        if (load > limit && healer->stretch < STRETCH_MAX)
                healer->stretch *= 2;
        else if (load < limit / 2 && healer->stretch > 1)
                healer->stretch /= 2;
}

/* Events are thought about at once, samples no more often than is configured;
 * a call without either is time itself waking us. */
static bool due(const struct healer *healer)
{
        if (!healer->sampled || healer->told || healer->judged_ns == INT64_MIN)
                return true;
        return hlr_sub(healer->now_ns, healer->judged_ns) >= judge_interval(healer);
}

enum healer_err hlr_tick(struct healer *healer, int64_t now_ns, int64_t *next_ns)
{
        if (now_ns < healer->now_ns) {
                healer->stats.time_went_back++;
                now_ns = healer->now_ns;
        }
        healer->now_ns = now_ns;
        if (!healer->config.enabled) {
                *next_ns = HEALER_NEVER;
                return HEALER_OK;
        }
        if (due(healer)) {
                think(healer);
                if (healer->sampled) {
                        trim_load(healer);
                        healer->judged_ns = now_ns;
                        healer->work = 0;
                }
                healer->sampled = false;
                healer->told = false;
        }
        hlr_reconcile(healer);
        *next_ns = next_wake(healer);
        if (healer->sampled)
                *next_ns = hlr_min(*next_ns, hlr_add(healer->judged_ns, judge_interval(healer)));
        return HEALER_OK;
}

struct healer_stats hlr_stats(const struct healer *healer)
{
        struct healer_stats stats = healer->stats;

        stats.orders_open = hlr_commands_open(healer);
        return stats;
}
