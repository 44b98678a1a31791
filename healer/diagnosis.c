/* diagnosis.c - whose fault it is.
 *
 * A caller whose calls go bad is a victim: from the service that raised the
 * alarm the search follows bad calls down the call graph, always along the
 * worst one, until a service is reached whose own calls are fine. There it asks,
 * in this order:
 *   - is a process gone, or silent?                     that instance
 *   - are those bad that began with a deployment, and the others fine?  its version
 *   - is it asked many times as much as usual by one whose cache is empty?  that cache
 *   - are some instances bad while others do the same work well?  those: their
 *     memory, their cores, their process (errors) or their host (late)
 *   - are all bad, and was something changed just before?  version or config
 *   - are all bad and busy?                             more work than capacity
 *   - are all bad with nothing else to see?             their processes, all
 *   - are all fine, and only the calls to it are bad?   the way there, or what its
 *     caller was configured to just before
 * A service with evidence of its own (the first two) is blamed beside whatever
 * the search finds. The confidence is fixed by the kind of evidence, and lower
 * for changes the longer ago they were.
 *
 * While an instance is broken but not yet for the dwell time, nothing certain is
 * said: the next samples tell "some" from "all", and the cures differ.
 *
 * O(edges x depth + instances) for a service with an alarm, else nothing.
 */
#include "healer/hlr_survey.h"

#include <string.h>

enum { DEPTH_MAX = 64 };

#define LOADED_BY 1.7  /* times the usual work; retries alone make 1.5 of it */
#define EXPLAINED_MIN 0.3   /* of a caller's answers wrong, and by a callee ... */
#define EXPLAINED_RATIO 0.5 /* ... that is wrong this much as often: it is not by that */
#define HEELS_NS (60 * HLR_SECOND)        /* of a deployment: its instances come one by one */
#define CONFIG_HEELS_NS (15 * HLR_SECOND) /* of a configuration: it is in force at once */

/* ---- down the call graph */

static double edge_badness(const struct healer *healer, const struct hlr_edge *edge)
{
        double badness = 0;
        int i;

        if (!hlr_edge_suspicious(healer, edge))
                return 0;
        for (i = 0; i < HLR_EDGE_METRICS; i++)
                badness = fmax(badness, 1 + edge->monitors[i].level);
        return edge->kept_off ? 4 : badness;
}

/* The share of its answers that the worst of its instances gets wrong. */
static double errors_of(const struct healer *healer, uint32_t service)
{
        const struct hlr_instance *instance;
        const struct hlr_monitor *errors;
        double worst = 0;
        uint32_t i;

        for (i = healer->services[service].first_instance; i != HEALER_NONE; i = instance->next) {
                instance = &healer->instances[i];
                errors = &instance->monitors[HEALER_METRIC_ERROR_RATE];
                if (instance->process == HLR_UP && errors->level > HLR_FINE)
                        worst = fmax(worst, errors->value);
        }
        return worst;
}

/* Nobody fails more often by a call than the call itself fails: what is far above that
 * is of his own making. What is late may fail him by other limits. */
static bool explains(const struct hlr_edge *edge, double errors)
{
        const struct hlr_monitor *m = edge->monitors;

        return edge->kept_off || errors < EXPLAINED_MIN ||
               m[HLR_EDGE_METRICS - 1].broken_since_ns != HEALER_NEVER ||
               fmax(m[0].seen_ns != INT64_MIN ? m[0].value : 0,
                    m[1].seen_ns != INT64_MIN ? m[1].value : 0) >= EXPLAINED_RATIO * errors;
}

static bool on_path(const uint32_t *path, uint32_t length, uint32_t service)
{
        uint32_t i;

        for (i = 0; i < length; i++) {
                if (path[i] == service)
                        return true;
        }
        return false;
}

/* Where bad calls lead from `service`; `*via` is the last edge, or HEALER_NONE. */
static uint32_t follow(const struct healer *healer, uint32_t service, uint32_t *via)
{
        uint32_t path[DEPTH_MAX];
        uint32_t length = 0;
        double badness, worst, errors;
        uint32_t i, next;

        *via = HEALER_NONE;
        while (length < DEPTH_MAX) {
                path[length++] = service;
                worst = 0;
                errors = errors_of(healer, service);
                next = HEALER_NONE;
                for (i = 0; i < healer->edge_count; i++) {
                        if (healer->edges[i].from != service ||
                            on_path(path, length, healer->edges[i].to) ||
                            !explains(&healer->edges[i], errors))
                                continue;
                        badness = edge_badness(healer, &healer->edges[i]);
                        if (badness <= worst)
                                continue;
                        worst = badness;
                        next = i;
                }
                if (next == HEALER_NONE)
                        break;
                *via = next;
                service = healer->edges[next].to;
        }
        return service;
}

/* ---- causes */

static struct hlr_cause cause_of(enum healer_failure failure, uint32_t service, double confidence)
{
        struct hlr_cause cause;

        memset(&cause, 0, sizeof(cause));
        cause.failure = failure;
        cause.service = service;
        cause.edge = HEALER_NONE;
        cause.confidence = confidence;
        cause.not_before_ns = INT64_MIN;
        return cause;
}

static void aim(struct hlr_cause *cause, const uint32_t *targets, uint32_t count)
{
        memcpy(cause->targets, targets, count * sizeof(*targets));
        cause->target_count = count;
}

/* How long the platform's supervisor needs to bring a process back: it starts it
 * at once the first time, then waits 10 s, 20 s ... */
static int64_t platform_needs(const struct healer *healer, uint32_t service, uint32_t exits)
{
        int64_t wait = healer->services[service].info.restart_ns;

        if (exits > 1)
                wait = hlr_add(wait, 10 * HLR_SECOND * (INT64_C(1) << (exits - 2)));
        return hlr_add(wait, healer->config.recovery.grace_ns);
}

/* Most of them fail their checks at once, though they beat, and none of them answers
 * badly: it is the checking that fails. */
static bool checks_lie(const struct survey *survey)
{
        return survey->check_failing >= 2 && 2 * survey->check_failing > survey->standing &&
               survey->bad == 0 && survey->down == 0;
}

/* Half of those that should be heard of are not: who is missed may be as well as they. */
static bool hears_little(const struct healer *healer)
{
        const struct hlr_instance *instance;
        int64_t late_ns = hlr_mul(healer->interval_seen_ns, 3);
        uint32_t i, expected = 0, heard = 0;

        for (i = 0; i < healer->instance_count; i++) {
                instance = &healer->instances[i];
                if (instance->process != HLR_UP || instance->command != 0 ||
                    instance->sampled_ns == INT64_MIN)
                        continue;
                expected++;
                heard += hlr_sub(healer->now_ns, instance->sampled_ns) <= late_ns;
        }
        return 2 * heard < expected;
}

/* A process that is gone or silent. */
static bool process_cause(const struct healer *healer, uint32_t service,
                          const struct survey *survey, struct hlr_cause *cause)
{
        if (survey->down > 0 && hlr_deaths_by_deployment(survey)) {
                *cause = cause_of(HEALER_FAILURE_DEPLOYMENT_FAILURE, service, 0.88);
                return true;
        }
        if (survey->down > 0) {
                *cause = cause_of(survey->down_oom     ? HEALER_FAILURE_MEMORY_EXHAUSTION
                                  : survey->crash_loop ? HEALER_FAILURE_AGENT_FAILED
                                                       : HEALER_FAILURE_AGENT_DOWN,
                                  service, hears_little(healer) ? 0.5 : 0.95);
                aim(cause, survey->downs, survey->down);
                cause->dies_again = survey->dies_again;
                if (!survey->crash_loop && !survey->dies_again)
                        cause->not_before_ns =
                                hlr_add(survey->down_since_ns, platform_needs(healer, service,
                                                                              survey->exits_max));
                return true;
        }
        if (checks_lie(survey)) {
                *cause = cause_of(HEALER_FAILURE_AGENT_FAILED, service, 0.9);
                cause->checks_lie = true;
                return true;
        }
        if (survey->silent == 0)
                return false;
        *cause = cause_of(survey->check_only ? HEALER_FAILURE_AGENT_FAILED
                                             : HEALER_FAILURE_HEARTBEAT_FAILED,
                          service, hears_little(healer) ? 0.5 : 0.9);
        aim(cause, survey->silents, survey->silent);
        return true;
}

/* What is wrong with instances whose answers are bad. */
static void instances_cause(uint32_t service, const struct survey *survey, double confidence,
                            struct hlr_cause *cause)
{
        if (survey->full_memory > 0) {
                *cause = cause_of(HEALER_FAILURE_MEMORY_EXHAUSTION, service, confidence);
                aim(cause, survey->fulls, survey->full_memory);
                return;
        }
        if (survey->bad_errors > 0 && survey->full_disk > 0) {
                *cause = cause_of(HEALER_FAILURE_DISK_FULL, service, confidence);
                aim(cause, survey->disks, survey->full_disk);
                return;
        }
        if (survey->bad_errors > 0 && survey->asks_outside) {
                *cause = cause_of(survey->outside, service, 0.9);
                return; /* nothing that is done to its processes helps them */
        }
        if (survey->bad_errors > 0 && 2 * survey->without_tokens > survey->bad) {
                *cause = cause_of(HEALER_FAILURE_TOKEN_EXHAUSTION, service, 0.9);
                return; /* the service's as a whole: no instance can help it */
        }
        if (survey->bad_errors > 0)
                *cause = cause_of(HEALER_FAILURE_EXECUTION_ERROR, service, confidence);
        else if (survey->busy > 0)
                *cause = cause_of(HEALER_FAILURE_CPU_SPIKE, service, confidence);
        else
                *cause = cause_of(HEALER_FAILURE_HIGH_LATENCY, service, confidence);
        aim(cause, survey->bads, survey->bad);
}

/* A change shortly before the trouble; the longer ago, the less likely. */
static double change_confidence(const struct healer *healer, int64_t changed_ns, int64_t ended_ns,
                                int64_t heels_ns, int64_t trouble_ns)
{
        int64_t age;

        if (changed_ns == INT64_MIN || trouble_ns == HEALER_NEVER)
                return 0;
        age = hlr_sub(trouble_ns, changed_ns);
        if (age < -5 * HLR_SECOND || age > healer->config.diagnosis.correlation_window_ns)
                return 0;
        /* Most changes are harmless: only what follows on their heels is theirs. */
        return trouble_ns <= hlr_add(ended_ns, heels_ns) ? 0.88 : 0.6;
}

/* When what goes on at the service was first noticed; HEALER_NEVER: nothing does. What
 * flickers seems to begin anew each time, and then each change lies just before. */
static int64_t trouble_since(const struct healer *healer, uint32_t service)
{
        const struct hlr_episode *episode;
        int64_t since_ns = HEALER_NEVER;
        int i;

        for (i = 0; i < HLR_EPISODES_MAX; i++) {
                episode = &healer->episodes[i];
                if (episode->id != 0 && episode->service == service && !episode->preventive)
                        since_ns = hlr_min(since_ns, episode->opened_ns);
        }
        return since_ns;
}

/* A change of the configuration of `changed`, for what goes on at `bad`. One that comes
 * after we rolled back is somebody's who undoes it, and makes the trouble anew. */
static double config_confidence(const struct healer *healer, uint32_t changed, uint32_t bad,
                                int64_t bad_since_ns)
{
        const struct hlr_service *s = &healer->services[changed];
        bool comes_again = s->rolled_back_ns != INT64_MIN && s->config_ns > s->rolled_back_ns;

        if (!comes_again)
                bad_since_ns = hlr_min(bad_since_ns, trouble_since(healer, bad));
        return change_confidence(healer, s->config_ns, s->config_ns, CONFIG_HEELS_NS,
                                 bad_since_ns);
}

static double deployment_confidence(const struct healer *healer, uint32_t service,
                                    int64_t trouble_ns)
{
        const struct hlr_service *s = &healer->services[service];

        return change_confidence(healer, s->deploy_started_ns,
                                 s->deploying ? healer->now_ns : s->deploy_ended_ns, HEELS_NS,
                                 trouble_ns);
}

/* It has more to do than usual, and answers late and not wrongly. */
static bool has_more_work(const struct survey *survey)
{
        return survey->bad_errors == 0 && survey->full_memory == 0 && survey->usual > 0 &&
               survey->load > LOADED_BY * survey->usual;
}

/* Some are bad, others do the same work well. */
static bool outlier_cause(const struct healer *healer, uint32_t service,
                          const struct survey *survey, struct hlr_cause *cause)
{
        if (survey->bad == 0 || survey->fine == 0 || survey->unclear > 0)
                return false;
        if (has_more_work(survey))
                return false;
        if (survey->bad_new == survey->bad && survey->fine_new == 0 &&
            deployment_confidence(healer, service, survey->bad_since_ns) > 0.8) {
                *cause = cause_of(HEALER_FAILURE_DEPLOYMENT_FAILURE, service, 0.88);
                return true;
        }
        instances_cause(service, survey, 0.9, cause);
        if (cause->failure == HEALER_FAILURE_HIGH_LATENCY && survey->slower < survey->bad)
                cause->confidence = 0.6;
        return true;
}


/* All are bad. Up to `max` causes, likeliest first. */
static uint32_t common_causes(const struct healer *healer, uint32_t service,
                              const struct survey *survey, struct hlr_cause *causes)
{
        const struct hlr_service *s = &healer->services[service];
        double deployed = deployment_confidence(healer, service, survey->bad_since_ns);
        double configured =
                config_confidence(healer, service, service, survey->bad_since_ns);
        uint32_t count = 0;
        double certain;

        if (has_more_work(survey)) {
                causes[0] = cause_of(HEALER_FAILURE_RESOURCE_EXHAUSTION, service, 0.85);
                return 1;
        }
        if (survey->bad_errors > 0 && survey->full_disk > 0) {
                instances_cause(service, survey, 0.9, &causes[0]); /* seen, and not inferred */
                return 1;
        }
        if (hlr_all_at_once(healer, survey))
                deployed = fmin(deployed, 0.6);
        if (deployed > 0.8 && s->deploy_started_ns >= s->config_ns)
                causes[count++] = cause_of(HEALER_FAILURE_DEPLOYMENT_FAILURE, service, deployed);
        else if (configured > 0.8)
                causes[count++] =
                        cause_of(HEALER_FAILURE_CONFIGURATION_ERROR, service, configured);
        certain = count > 0 ? 0.7 : 0.82;
        if (survey->busy * 2 > survey->standing && survey->bad_errors == 0 &&
            survey->full_memory == 0)
                causes[count] = cause_of(HEALER_FAILURE_RESOURCE_EXHAUSTION, service, certain);
        else
                instances_cause(service, survey, certain, &causes[count]);
        return count + 1;
}

/* A caller that holds pools of connections finds none, or none that works. */
static bool connections_are_bad(const struct healer *healer, uint32_t caller)
{
        const struct hlr_monitor *m;
        uint32_t i;

        for (i = 0; i < healer->instance_count; i++) {
                m = healer->instances[i].monitors;
                if (healer->instances[i].service == caller &&
                    healer->instances[i].process == HLR_UP &&
                    hlr_fresh(healer, &m[HEALER_METRIC_POOL]) &&
                    (m[HEALER_METRIC_POOL].level > HLR_FINE ||
                     m[HEALER_METRIC_NETWORK].level > HLR_FINE))
                        return true;
        }
        return false;
}

/* Its instances are fine; only calls to it are not. */
static bool way_cause(const struct healer *healer, uint32_t service, uint32_t via,
                      const struct survey *survey, struct hlr_cause *cause)
{
        const struct hlr_edge *edge;
        uint32_t i, fine_ways = 0;
        double queue = 0;

        for (i = 0; i < healer->instance_count; i++) {
                if (healer->instances[i].service == service &&
                    healer->instances[i].process == HLR_UP &&
                    hlr_fresh(healer, &healer->instances[i].monitors[HEALER_METRIC_QUEUE]))
                        queue = fmax(queue,
                                     healer->instances[i].monitors[HEALER_METRIC_QUEUE].level);
        }
        if (queue > HLR_FINE || survey->busy * 2 > survey->standing) {
                *cause = cause_of(HEALER_FAILURE_RESOURCE_EXHAUSTION, service, 0.8);
                return true;
        }
        for (i = 0; via == HEALER_NONE && i < healer->edge_count; i++) {
                if (healer->edges[i].to == service &&
                    hlr_edge_suspicious(healer, &healer->edges[i]))
                        via = i;
        }
        if (via == HEALER_NONE)
                return false;
        for (i = 0; i < healer->edge_count; i++) {
                edge = &healer->edges[i];
                if (i != via && edge->to == service && !hlr_edge_suspicious(healer, edge) &&
                    hlr_fresh(healer, &edge->monitors[HLR_EDGE_METRICS - 1]))
                        fine_ways++;
        }
        *cause = cause_of(connections_are_bad(healer, healer->edges[via].from)
                                  ? HEALER_FAILURE_DATABASE_CONNECTION
                                  : HEALER_FAILURE_NETWORK_TIMEOUT,
                          service, fine_ways > 0 ? 0.9 : 0.8);
        cause->edge = via;
        return true;
}

/* When calls over an edge went bad. */
static int64_t edge_bad_since(const struct hlr_edge *edge)
{
        int64_t since_ns = HEALER_NEVER;
        int i;

        for (i = 0; i < HLR_EDGE_METRICS; i++)
                since_ns = hlr_min(since_ns, edge->monitors[i].broken_since_ns);
        return edge->kept_off ? hlr_min(since_ns, edge->kept_off_ns) : since_ns;
}

/* Who else calls that service, well configured, finds it bad, too. */
static bool others_suffer(const struct healer *healer, uint32_t way)
{
        uint32_t i;

        for (i = healer->services[healer->edges[way].to].first_edge; i != HEALER_NONE;
             i = healer->edges[i].next_to) {
                if (i != way && hlr_edge_suspicious(healer, &healer->edges[i]))
                        return true;
        }
        return false;
}

/* The way is bad, for nobody else, and just before something was configured at its
 * beginning. A way that was bad before, and is so again, was not made so by a change
 * in between. */
static bool caller_cause(const struct healer *healer, const struct hlr_cause *way,
                         struct hlr_cause *cause)
{
        const struct hlr_edge *edge;
        double confidence;

        if (way->edge == HEALER_NONE || healer->edges[way->edge].from == HEALER_NONE ||
            others_suffer(healer, way->edge))
                return false;
        edge = &healer->edges[way->edge];
        confidence = config_confidence(healer, edge->from, edge->to, edge_bad_since(edge));
        if (confidence <= 0.8)
                return false;
        *cause = cause_of(HEALER_FAILURE_CONFIGURATION_ERROR, edge->from, confidence);
        return true;
}

static uint32_t locate(const struct healer *healer, uint32_t service, uint32_t via,
                       struct hlr_cause *causes)
{
        struct survey survey;
        uint32_t count = 0;

        hlr_survey(healer, service, &survey);
        if (process_cause(healer, service, &survey, &causes[0]))
                return 1;
        if (survey.without_fds > 0) {
                causes[0] = cause_of(HEALER_FAILURE_AGENT_FAILED, service, 0.9);
                aim(&causes[0], survey.stuck, survey.without_fds);
                return 1;
        }
        if (outlier_cause(healer, service, &survey, &causes[0])) {
                if (via != HEALER_NONE) {
                        causes[1] = cause_of(HEALER_FAILURE_NETWORK_TIMEOUT, service, 0.3);
                        causes[1].edge = via;
                        return 2;
                }
                return 1;
        }
        if (survey.bad > 0) {
                count = common_causes(healer, service, &survey, causes);
                if (survey.unclear > 0) /* some or all? the next samples will tell */
                        causes[0].confidence = 0.5;
                return count;
        }
        if (way_cause(healer, service, via, &survey, &causes[0])) {
                if (survey.unclear > 0)
                        causes[0].confidence = 0.5;
                else if (caller_cause(healer, &causes[0], &causes[1])) {
                        struct hlr_cause way = causes[0];

                        causes[0] = causes[1];
                        causes[1] = way;
                        causes[1].confidence = 0.7;
                        return 2;
                }
                return 1;
        }
        causes[0] = cause_of(HEALER_FAILURE_UNKNOWN, service, 0.3);
        return 1;
}

/* What it is asked is more than it can do, for somebody's cache is empty. */
static bool cache_cause(const struct healer *healer, uint32_t service, struct hlr_cause *cause)
{
        uint32_t owner = hlr_cold_cache(healer, service);

        if (owner == HEALER_NONE)
                return false;
        *cause = cause_of(HEALER_FAILURE_RESOURCE_EXHAUSTION, owner, 0.85);
        cause->cold_cache = true;
        return true;
}

/* The symptom taken for the cause: what is left without diagnosis. */
static uint32_t take_symptom(const struct healer *healer, uint32_t service,
                             struct hlr_cause *causes)
{
        const struct hlr_service *s = &healer->services[service];
        struct survey survey;
        int failure;

        hlr_survey(healer, service, &survey);
        for (failure = 0; failure < HEALER_FAILURE_COUNT; failure++) {
                if (s->alarms[failure].id == 0)
                        continue;
                causes[0] = cause_of((enum healer_failure)failure, service, 1);
                causes[0].edge = s->alarms[failure].edge;
                aim(&causes[0], survey.down > 0 ? survey.downs : survey.bads,
                    survey.down > 0 ? survey.down : survey.bad);
                return 1;
        }
        return 0;
}

/* What only metrics of resources say: nobody's answers are bad yet. */
static bool resource_cause(const struct healer *healer, uint32_t service, struct hlr_cause *cause)
{
        static const enum healer_failure silent_killers[] = {
                HEALER_FAILURE_MEMORY_EXHAUSTION, HEALER_FAILURE_DISK_FULL,
                HEALER_FAILURE_TOKEN_EXHAUSTION};
        static const enum healer_metric metrics[] = {HEALER_METRIC_MEMORY, HEALER_METRIC_DISK,
                                                     HEALER_METRIC_TOKENS};
        const struct hlr_instance *instance;
        uint32_t i, k;

        for (k = 0; k < HLR_COUNT(silent_killers); k++) {
                if (healer->services[service].alarms[silent_killers[k]].id == 0)
                        continue;
                *cause = cause_of(silent_killers[k], service, 0.9);
                for (i = 0; i < healer->instance_count; i++) {
                        instance = &healer->instances[i];
                        if (instance->service == service && instance->process == HLR_UP &&
                            instance->monitors[metrics[k]].level > HLR_FINE)
                                hlr_add_target(cause->targets, &cause->target_count, i);
                }
                if (cause->target_count > 0)
                        return true;
        }
        return false;
}

/* Its last value is one of the last two that there can be. */
static bool current(const struct healer *healer, const struct hlr_monitor *monitor)
{
        return hlr_sub(healer->sample_ns, monitor->seen_ns) <= healer->interval_seen_ns;
}

/* What alarms speak of ends just now: they only wait for their dwell. */
bool hlr_recovering(const struct healer *healer, uint32_t service)
{
        const struct hlr_instance *instance;
        const struct hlr_edge *edge;
        uint32_t i, good = 0;
        int m;

        for (i = 0; i < healer->instance_count; i++) {
                instance = &healer->instances[i];
                if (instance->service != service || instance->process == HLR_REMOVED ||
                    instance->command != 0)
                        continue;
                if ((instance->process != HLR_UP && !instance->planned) || instance->silent ||
                    instance->check_failing)
                        return false;
                for (m = 0; m < HLR_INSTANCE_METRICS; m++) {
                        if (instance->monitors[m].level == HLR_FINE ||
                            !current(healer, &instance->monitors[m]))
                                continue;
                        if (instance->monitors[m].good_since_ns == HEALER_NEVER)
                                return false;
                        good++;
                }
        }
        for (i = 0; i < healer->edge_count; i++) {
                edge = &healer->edges[i];
                for (m = 0; m < HLR_EDGE_METRICS && edge->to == service; m++) {
                        if (edge->monitors[m].level == HLR_FINE ||
                            !current(healer, &edge->monitors[m]))
                                continue;
                        if (edge->monitors[m].good_since_ns == HEALER_NEVER)
                                return false;
                        good++;
                }
        }
        return good > 0;
}

static bool calls_are_bad(const struct healer *healer, uint32_t service)
{
        double errors = errors_of(healer, service);
        uint32_t i;

        for (i = 0; i < healer->edge_count; i++) {
                if (healer->edges[i].from == service &&
                    hlr_edge_suspicious(healer, &healer->edges[i]) &&
                    explains(&healer->edges[i], errors))
                        return true;
        }
        return false;
}

uint32_t hlr_diagnose(const struct healer *healer, uint32_t service, struct hlr_cause *causes)
{
        struct survey survey;
        uint32_t via, culprit, count;

        if (hlr_reported_cause(healer, service, &causes[0]))
                return 1;
        if (!healer->config.diagnosis.enabled)
                return take_symptom(healer, service, causes);
        hlr_survey(healer, service, &survey);
        if (process_cause(healer, service, &survey, &causes[0]) ||
            cache_cause(healer, service, &causes[0]))
                return 1;
        /* Where its own calls are bad, which of its instances suffer is chance. */
        if (!calls_are_bad(healer, service) && outlier_cause(healer, service, &survey, &causes[0]))
                return 1;
        culprit = follow(healer, service, &via);
        if (culprit != service && cache_cause(healer, culprit, &causes[0]))
                return 1;
        if (culprit == service && survey.bad == 0 && resource_cause(healer, service, &causes[0]))
                return 1;
        count = locate(healer, culprit, via, causes);
        if (culprit != service && count < HLR_CAUSES_MAX)
                causes[count++] = cause_of(HEALER_FAILURE_CASCADE, service, 0.2);
        return count;
}
