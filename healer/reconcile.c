/* reconcile.c - the look at everything, at an interval of its own.
 *
 * Alarms need a sample to rise; what creeps does not raise one. So every
 * reconciler.interval each service is looked at as a whole: observe (its health),
 * analyse (is the score low or falling, is a failure likely, are its cores busy,
 * has what is usual there moved?), act (warn, and with the policy on restart
 * what is about to fail) and verify: a cycle is in order when no episode is open
 * or something is being done about those that are. Growing memory is looked for
 * at an interval of its own.
 *
 * Each warning is said when it begins, the policy's in every cycle. A turn is taken
 * at the first tick when it is due, and wakes nobody by itself as long as ticks come
 * at least that often. One that came too late is taken once, and those after it
 * stay in step.
 *
 * Cost: a few line fits for each instance, a minute apart by default; nothing
 * where nobody would hear of it (log_level above debug, policy off).
 */
#include "healer/hlr_math.h"
#include "healer/hlr_supervisor.h"

#include <string.h>

#define STALE_NS (60 * HLR_SECOND)

/* Whether a job is due; its next turn stays in step with the first. */
static bool turn(int64_t *last_ns, int64_t interval_ns, int64_t now_ns)
{
        if (interval_ns <= 0)
                return false;
        if (*last_ns == INT64_MIN) {
                *last_ns = now_ns; /* the first turn is one interval after the start */
                return false;
        }
        if (hlr_sub(now_ns, *last_ns) < interval_ns)
                return false;
        *last_ns = hlr_add(*last_ns,
                           hlr_mul(interval_ns, hlr_sub(now_ns, *last_ns) / interval_ns));
        return true;
}

/* ---- analyse */

static double busiest(const struct healer *healer, uint32_t service)
{
        const struct hlr_monitor *cpu;
        double worst = NAN;
        uint32_t i;

        for (i = healer->services[service].first_instance; i != HEALER_NONE;
             i = healer->instances[i].next) {
                cpu = &healer->instances[i].monitors[HEALER_METRIC_CPU];
                if (cpu->seen_ns == INT64_MIN ||
                    hlr_sub(healer->now_ns, cpu->seen_ns) > STALE_NS)
                        continue;
                if (!(worst >= cpu->value))
                        worst = cpu->value;
        }
        return worst;
}

/* How far what is usual has moved since it was first known: 0 not at all, 0.5 twice as
 * slow or twice as fast; or the caller's own value, if one was told. */
static double drift(const struct healer *healer, uint32_t service)
{
        const struct hlr_monitor *custom = &healer->services[service].custom;
        const struct hlr_instance *instance;
        double worst = NAN, moved;
        uint32_t i;
        int quantile;

        if (custom->seen_ns != INT64_MIN && hlr_sub(healer->now_ns, custom->seen_ns) <= STALE_NS)
                return custom->value;
        for (i = healer->services[service].first_instance; i != HEALER_NONE; i = instance->next) {
                instance = &healer->instances[i];
                if (instance->process != HLR_UP)
                        continue;
                for (quantile = 0; quantile < 2; quantile++) {
                        moved = instance->monitors[HEALER_METRIC_LATENCY].usual[quantile] -
                                instance->usual_first[quantile];
                        if (!isnan(moved))
                                worst = fmax(isnan(worst) ? 0 : worst, 1 - hlr_exp(-fabs(moved)));
                }
        }
        return worst;
}

static void warn(struct healer *healer, uint32_t service, enum healer_warning what,
                 enum healer_metric metric, double value, double limit)
{
        struct healer_notice notice = hlr_notice(HEALER_NOTICE_WARNING);

        notice.service = service;
        notice.rank = what;
        notice.metric = metric;
        notice.severity = HEALER_SEVERITY_LOW;
        notice.value = value;
        notice.limit = limit;
        if (healer->config.health.alert_on_degradation)
                hlr_say(healer, &notice);
}

/* Says what holds now and did not before. */
static void warn_early(struct healer *healer, uint32_t service, enum healer_warning what,
                       bool holds, enum healer_metric metric, double value, double limit)
{
        uint32_t bit = UINT32_C(1) << what;
        struct hlr_service *s = &healer->services[service];

        if (holds && (s->early & bit) == 0)
                warn(healer, service, what, metric, value, limit);
        s->early = holds ? s->early | bit : s->early & ~bit;
}

static void analyse(struct healer *healer, uint32_t service,
                    const struct healer_health_report *health, const struct healer_outlook *outlook)
{
        const struct healer_threshold *limits = healer->config.detection.thresholds;
        double cpu = busiest(healer, service), moved = drift(healer, service);

        warn_early(healer, service, HEALER_WARNED_SCORE, health->score < 80, HEALER_METRIC_COUNT,
                   health->score, 80);
        warn_early(healer, service, HEALER_WARNED_DECLINING, health->trend < 0,
                   HEALER_METRIC_COUNT, health->score, NAN);
        warn_early(healer, service, HEALER_WARNED_RISK,
                   (health->warnings >> HEALER_WARNED_RISK & 1) != 0, HEALER_METRIC_COUNT,
                   outlook->risk, 0.3);
        warn_early(healer, service, HEALER_WARNED_CPU, cpu >= limits[HEALER_METRIC_CPU].critical,
                   HEALER_METRIC_CPU, cpu, limits[HEALER_METRIC_CPU].critical);
        warn_early(healer, service, HEALER_WARNED_DRIFT,
                   moved >= limits[HEALER_METRIC_DRIFT].critical, HEALER_METRIC_DRIFT, moved,
                   limits[HEALER_METRIC_DRIFT].critical);
}

/* ---- act */

static void restart(struct healer *healer, uint32_t service, const struct healer_outlook *outlook)
{
        struct hlr_episode *episode;
        struct hlr_cause cause;

        if (outlook->instance == HEALER_NONE || hlr_episode_of_service(healer, service) != NULL ||
            healer->now_ns < healer->instances[outlook->instance].prevent_after_ns)
                return;
        memset(&cause, 0, sizeof(cause));
        cause.failure = (outlook->reasons & HEALER_REASON_LEAK) != 0 ? HEALER_FAILURE_MEMORY_LEAK
                                                                     : HEALER_FAILURE_AGENT_FAILED;
        cause.service = service;
        cause.edge = HEALER_NONE;
        cause.confidence = outlook->risk;
        cause.not_before_ns = INT64_MIN;
        cause.target_count = 1;
        cause.targets[0] = outlook->instance;
        episode = hlr_episode_open(healer, &cause, HEALER_SEVERITY_MEDIUM, true);
        if (episode == NULL)
                return;
        healer->stats.policy_restarts++;
        healer->instances[outlook->instance].prevent_after_ns =
                hlr_add(healer->now_ns, 10 * healer->config.reconcile_interval_ns);
}

static void follow_policy(struct healer *healer, uint32_t service,
                          const struct healer_health_report *health,
                          const struct healer_outlook *outlook)
{
        if (health->score < healer->config.policy.warn_below)
                warn(healer, service, HEALER_WARNED_POLICY, HEALER_METRIC_COUNT, health->score,
                     healer->config.policy.warn_below);
        if (outlook->risk > healer->config.policy.restart_above)
                restart(healer, service, outlook);
}

/* ---- verify */

static void count_cycle(struct healer *healer)
{
        bool acted = healer->stats.orders > healer->orders_at_cycle ||
                     hlr_commands_open(healer) > 0;

        healer->stats.cycles++;
        healer->stats.cycles_ok += healer->stats.episodes_open == 0 || acted;
        healer->orders_at_cycle = healer->stats.orders;
}

static void look_at_everything(struct healer *healer)
{
        bool heard = healer->config.log_level == HEALER_LOG_DEBUG;
        struct healer_health_report health;
        struct healer_outlook outlook;
        uint32_t i;

        for (i = 0; (heard || healer->config.policy.enabled) && i < healer->service_count; i++) {
                health = hlr_health_of(healer, i);
                outlook = hlr_outlook_of(healer, i);
                analyse(healer, i, &health, &outlook);
                if (healer->config.policy.enabled)
                        follow_policy(healer, i, &health, &outlook);
        }
        count_cycle(healer);
}

static void look_for_leaks(struct healer *healer)
{
        struct healer_outlook outlook;
        bool leaks;
        uint32_t i;

        for (i = 0; healer->config.log_level == HEALER_LOG_DEBUG && i < healer->service_count; i++) {
                outlook = hlr_outlook_of(healer, i);
                leaks = (outlook.reasons & HEALER_REASON_LEAK) != 0;
                warn_early(healer, i, HEALER_WARNED_LEAK, leaks, HEALER_METRIC_MEMORY,
                           leaks ? (double)hlr_sub(outlook.eta_ns, healer->now_ns) / 1e9 : NAN, NAN);
        }
}

/* ---- the jobs */

void hlr_reconcile(struct healer *healer)
{
        if (turn(&healer->reconciled_ns, healer->config.reconcile_interval_ns, healer->now_ns))
                look_at_everything(healer);
        if (turn(&healer->leak_checked_ns, healer->config.policy.leak_interval_ns, healer->now_ns))
                look_for_leaks(healer);
}

int64_t hlr_reconcile_next(const struct healer *healer)
{
        return hlr_add(healer->now_ns, healer->config.reconcile_interval_ns);
}
