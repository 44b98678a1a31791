/* health.c - how each service is, as a number and a word.
 *
 * Score 0..100 by the penalty table: processor above 70/90 % costs 15/30, memory
 * above 75/90 % 15/30, errors above 5/10 % 10/25, latency above 2/5 s 10/20.
 * Availability is the share of checks of the last hour at which the service had
 * no alarm. Nothing known is "unknown", not healthy. Crossing a threshold
 * downward is said once, as a warning; an alarm it is not. A status is told when
 * it changes.
 *
 * Kept for each service: the last 120 checks with their readings, the last 1024
 * as one bit each, an hour in minutes.
 */
#include "healer/degrade.h"
#include "healer/hlr_supervisor.h"

#include <string.h>

#define MINUTE (60 * HLR_SECOND)
#define STALE (60 * HLR_SECOND)
#define CHECKS_MIN 10
#define TREND_MIN 5
#define ROUNDING 1e-12

const char *const healer_warning_names[HEALER_WARNING_COUNT] = {
        "availability", "score", "declining", "risk", "cpu", "drift", "leak", "policy"};

struct reading {
        double cpu, memory, errors, latency; /* the worst instance's; NaN: unknown */
};

static double worse(double a, double b)
{
        if (isnan(a))
                return b;
        return isnan(b) || a > b ? a : b;
}

static double fresh_value(const struct healer *healer, const struct hlr_monitor *monitor)
{
        if (monitor->seen_ns == INT64_MIN || healer->now_ns - monitor->seen_ns > STALE)
                return NAN;
        return monitor->value;
}

static struct reading read_service(const struct healer *healer, uint32_t service)
{
        struct reading r = {NAN, NAN, NAN, NAN};
        const struct hlr_instance *instance;
        uint32_t i;

        for (i = healer->services[service].first_instance; i != HEALER_NONE; i = instance->next) {
                instance = &healer->instances[i];
                if (instance->process == HLR_REMOVED)
                        continue;
                r.cpu = worse(r.cpu, fresh_value(healer, &instance->monitors[HEALER_METRIC_CPU]));
                r.memory = worse(r.memory,
                                 fresh_value(healer, &instance->monitors[HEALER_METRIC_MEMORY]));
                r.errors = worse(r.errors, fresh_value(healer,
                                                       &instance->monitors[HEALER_METRIC_ERROR_RATE]));
                r.latency = worse(r.latency,
                                  fresh_value(healer, &instance->monitors[HEALER_METRIC_LATENCY]));
        }
        return r;
}

static double penalty(double value, double high, double high_costs, double low, double low_costs)
{
        if (value > high)
                return high_costs;
        return value > low ? low_costs : 0; /* NaN: 0 */
}

static double score_of(const struct reading *r)
{
        double score = 100;

        if (isnan(r->cpu) && isnan(r->memory) && isnan(r->errors) && isnan(r->latency))
                return NAN;
        score -= penalty(r->cpu, 0.90, 30, 0.70, 15);
        score -= penalty(r->memory, 0.90, 30, 0.75, 15);
        score -= penalty(r->errors, 0.10, 25, 0.05, 10);
        score -= penalty(r->latency, 5, 20, 2, 10);
        return fmax(0, score);
}

double healer_health_score(double cpu_ratio, double memory_ratio, double error_ratio,
                           double latency_s)
{
        const struct reading r = {cpu_ratio, memory_ratio, error_ratio, latency_s};

        return score_of(&r);
}

static bool alarmed(const struct hlr_service *service)
{
        int failure;

        for (failure = 0; failure < HEALER_FAILURE_COUNT; failure++) {
                if (service->alarms[failure].id != 0)
                        return true;
        }
        return false;
}

static void keep_point(const struct healer *healer, struct hlr_service *service,
                       const struct reading *r, double score)
{
        struct healer_health_point *point =
                &service->points[service->point_count++ % HEALER_HEALTH_POINTS];

        point->at_ns = healer->now_ns;
        point->score = (float)score;
        point->cpu = (float)r->cpu;
        point->memory = (float)r->memory;
        point->errors = (float)r->errors;
        point->latency_s = (float)r->latency;
}

static void count_check(struct healer *healer, struct hlr_service *service, bool good)
{
        int64_t minute = healer->now_ns / MINUTE;
        uint64_t bit = service->check_count++ % HLR_CHECKS;

        service->check_bits[bit / 64] &= ~(UINT64_C(1) << bit % 64);
        service->check_bits[bit / 64] |= (uint64_t)good << bit % 64;

        while (service->bin_at < minute) {
                service->bin_at = hlr_max(service->bin_at + 1, minute - HLR_BINS + 1);
                service->bin_good[(uint64_t)service->bin_at % HLR_BINS] = 0;
                service->bin_all[(uint64_t)service->bin_at % HLR_BINS] = 0;
        }
        service->bin_all[(uint64_t)minute % HLR_BINS]++;
        service->bin_good[(uint64_t)minute % HLR_BINS] += good;
}

static uint64_t checks_of_the_hour(const struct hlr_service *service, uint64_t *good)
{
        uint64_t all = 0;
        int i;

        *good = 0;
        for (i = 0; i < HLR_BINS; i++) {
                *good += service->bin_good[i];
                all += service->bin_all[i];
        }
        return all;
}

static double availability(const struct hlr_service *service)
{
        uint64_t good, all = checks_of_the_hour(service, &good);

        return all < CHECKS_MIN ? NAN : (double)good / (double)all;
}

/* Share of good ones among `count` checks, the newest of them `back` checks ago. */
static double share_of(const struct hlr_service *service, uint64_t back, uint64_t count)
{
        uint64_t i, bit, good = 0;

        for (i = 0; i < count; i++) {
                bit = (service->check_count - 1 - back - i) % HLR_CHECKS;
                good += service->check_bits[bit / 64] >> bit % 64 & 1;
        }
        return (double)good / (double)count;
}

/* The newer half of the checks of the hour (as far as they are kept) against the older. */
static int availability_trend(const struct hlr_service *service)
{
        uint64_t good, count = checks_of_the_hour(service, &good);
        double moved;

        if (count > HLR_CHECKS)
                count = HLR_CHECKS;
        if (count < CHECKS_MIN)
                return 0;
        moved = share_of(service, 0, count / 2) - share_of(service, count / 2, count - count / 2);
        return moved < -0.10 - ROUNDING ? -1 : moved > 0.10 + ROUNDING ? 1 : 0;
}

static void warn(struct healer *healer, uint32_t index)
{
        const struct healer_config *config = &healer->config;
        struct hlr_service *service = &healer->services[index];
        struct healer_notice notice = hlr_notice(HEALER_NOTICE_WARNING);
        double share = availability(service);
        int level = 0;

        if (isnan(share) || !config->health.alert_on_degradation)
                return;
        level += share < config->health.warning;
        level += share < config->health.critical;
        level += share < config->health.fatal;
        if (level > service->warned) {
                notice.service = index;
                notice.rank = HEALER_WARNED_AVAILABILITY;
                notice.severity = (enum healer_severity)level;
                notice.value = share;
                notice.limit = level == 1   ? config->health.warning
                               : level == 2 ? config->health.critical
                                            : config->health.fatal;
                hlr_say(healer, &notice);
        }
        service->warned = level;
}

static enum healer_status status_by(const struct healer *healer, uint32_t index, double score)
{
        const struct hlr_service *service = &healer->services[index];
        enum healer_status status = isnan(score) ? HEALER_UNKNOWN : HEALER_HEALTHY;
        uint32_t i;
        int failure;

        if (status == HEALER_HEALTHY && score < 80)
                status = HEALER_DEGRADED;
        for (i = 0; i < healer->monitor_count && status == HEALER_HEALTHY; i++) {
                if (healer->monitors[i].info.service == index &&
                    hlr_monitor_status(healer, &healer->monitors[i]) == HEALER_UNKNOWN)
                        status = HEALER_UNKNOWN;
        }
        for (failure = 0; failure < HEALER_FAILURE_COUNT; failure++) {
                if (service->alarms[failure].id == 0)
                        continue;
                if (service->alarms[failure].level == HLR_CRITICAL)
                        return HEALER_UNHEALTHY;
                status = HEALER_DEGRADED;
        }
        return status;
}

static enum healer_status status_of(const struct healer *healer, uint32_t index)
{
        struct reading r = read_service(healer, index);

        return status_by(healer, index, score_of(&r));
}

/* Unknown is worse than healthy and better than degraded. */
static int rank(enum healer_status status)
{
        static const int ranks[] = {
                [HEALER_HEALTHY] = 0, [HEALER_UNKNOWN] = 1, [HEALER_DEGRADED] = 2,
                [HEALER_UNHEALTHY] = 3};

        return ranks[status];
}

static enum healer_status worse_status(enum healer_status a, enum healer_status b)
{
        return rank(b) > rank(a) ? b : a;
}

static enum healer_status worst_status(const struct healer *healer)
{
        enum healer_status worst = HEALER_UNKNOWN;
        uint32_t i;

        for (i = 0; i < healer->service_count; i++)
                worst = i == 0 ? status_of(healer, i) : worse_status(worst, status_of(healer, i));
        return worst;
}

static void tell_status(struct healer *healer, uint32_t service, enum healer_status now,
                        enum healer_status *before)
{
        struct healer_notice notice = hlr_notice(HEALER_NOTICE_STATUS);

        if (now == *before)
                return;
        notice.service = service;
        notice.rank = now;
        notice.value = *before;
        *before = now;
        if (healer->config.health.alert_on_degradation)
                hlr_say(healer, &notice);
}

static void tell_statuses(struct healer *healer)
{
        enum healer_status worst = HEALER_UNKNOWN, one;
        uint32_t i;

        for (i = 0; i < healer->service_count; i++) {
                one = status_by(healer, i, healer->services[i].score_now);
                worst = i == 0 ? one : worse_status(worst, one);
                tell_status(healer, i, one, &healer->services[i].status);
        }
        tell_status(healer, HEALER_NONE, worst, &healer->status);
}

void hlr_health_update(struct healer *healer)
{
        struct hlr_service *service;
        struct reading r;
        double score;
        uint32_t i;

        if (healer->health_ns != INT64_MIN &&
            healer->now_ns - healer->health_ns < healer->config.health.check_interval_ns)
                return;
        healer->health_ns = healer->now_ns;
        for (i = 0; i < healer->service_count; i++) {
                service = &healer->services[i];
                r = read_service(healer, i);
                score = score_of(&r);
                service->score_now = score;
                if (isnan(score) && !alarmed(service))
                        continue;
                if (!isnan(score))
                        service->scores[service->score_count++ % HLR_SCORES_MAX] = score;
                keep_point(healer, service, &r, score);
                count_check(healer, service, !alarmed(service));
                warn(healer, i);
        }
        tell_statuses(healer);
}

/* ---- looking */

/* Mean of the newer half of the last ten scores (at least five) against the older. */
static int trend(const struct hlr_service *service)
{
        uint32_t count = service->score_count < HLR_SCORES_MAX ? service->score_count
                                                               : HLR_SCORES_MAX;
        uint32_t half = count / 2, i;
        double older = 0, newer = 0, moved;

        if (count < TREND_MIN)
                return 0;
        for (i = 0; i < half; i++)
                older += service->scores[(service->score_count - count + i) % HLR_SCORES_MAX];
        for (i = half; i < count; i++)
                newer += service->scores[(service->score_count - count + i) % HLR_SCORES_MAX];
        moved = newer / (count - half) - older / half;
        return moved < -5 - ROUNDING ? -1 : moved > 5 + ROUNDING ? 1 : 0;
}

static uint32_t early_warnings(const struct healer *healer, uint32_t index,
                               const struct healer_health_report *report)
{
        uint32_t warnings = 0;

        if (report->score < 80)
                warnings |= UINT32_C(1) << HEALER_WARNED_SCORE;
        if (report->trend < 0)
                warnings |= UINT32_C(1) << HEALER_WARNED_DECLINING;
        if (hlr_outlook_of(healer, index).risk > 0.3 + ROUNDING)
                warnings |= UINT32_C(1) << HEALER_WARNED_RISK;
        return warnings;
}

static struct healer_health_report health_of_one(const struct healer *healer, uint32_t index)
{
        const struct hlr_service *service = &healer->services[index];
        struct reading r = read_service(healer, index);
        struct healer_health_report report;

        report.score = score_of(&r);
        report.availability = availability(service);
        report.trend = trend(service);
        report.availability_trend = availability_trend(service);
        report.status = status_of(healer, index);
        report.warnings = early_warnings(healer, index, &report);
        return report;
}

struct healer_health_report hlr_health_of(const struct healer *healer, uint32_t service)
{
        struct healer_health_report all = {HEALER_UNKNOWN, NAN, NAN, 0, 0, 0};
        struct healer_health_report one;
        uint32_t i, scored = 0, available = 0;
        double scores = 0, shares = 0;

        if (service < healer->service_count)
                return health_of_one(healer, service);
        if (service != HEALER_NONE)
                return all;
        all.status = worst_status(healer);
        for (i = 0; i < healer->service_count; i++) {
                one = health_of_one(healer, i);
                all.warnings |= one.warnings;
                all.availability_trend = one.availability_trend < all.availability_trend
                                                 ? one.availability_trend
                                                 : all.availability_trend;
                if (!isnan(one.score)) {
                        scores += one.score;
                        scored++;
                }
                if (!isnan(one.availability)) {
                        shares += one.availability;
                        available++;
                }
                all.trend = one.trend < all.trend ? one.trend : all.trend;
        }
        if (scored > 0)
                all.score = scores / scored;
        if (available > 0)
                all.availability = shares / available;
        return all;
}

uint32_t hlr_health_history(const struct healer *healer, uint32_t service,
                            struct healer_health_point *out, uint32_t count_max)
{
        const struct hlr_service *s;
        const struct healer_health_point *point;
        int64_t oldest_ns = hlr_sub(healer->now_ns, healer->config.health.retention_ns);
        uint64_t kept, i;
        uint32_t count = 0;

        if (service >= healer->service_count)
                return 0;
        s = &healer->services[service];
        kept = s->point_count < HEALER_HEALTH_POINTS ? s->point_count : HEALER_HEALTH_POINTS;
        if (kept > count_max)
                kept = count_max;
        for (i = s->point_count - kept; i < s->point_count; i++) {
                point = &s->points[i % HEALER_HEALTH_POINTS];
                if (point->at_ns >= oldest_ns)
                        out[count++] = *point;
        }
        return count;
}

/* ---- the whole, by the mix */

struct healer_system_health healer_system_of(const struct healer_mix *mix)
{
        struct healer_system_health out = {HEALER_UNKNOWN, HEALER_MODE_FULL, NAN};
        uint64_t known = (uint64_t)mix->healthy + mix->degraded + mix->unhealthy;

        out.score = 100 * mix->availability;
        if (known == 0)
                return out;
        if (2 * (uint64_t)mix->unhealthy > known) {
                out.status = HEALER_UNHEALTHY;
                out.mode = HEALER_MODE_EMERGENCY;
        } else if (mix->unhealthy > 0 || 2 * (uint64_t)mix->degraded > known) {
                out.status = HEALER_DEGRADED;
                out.mode = mix->degraded > mix->unhealthy ? HEALER_MODE_REDUCED
                                                          : HEALER_MODE_MINIMAL;
        } else if (mix->degraded > 0) {
                out.status = HEALER_DEGRADED;
                out.mode = HEALER_MODE_REDUCED;
        } else {
                out.status = HEALER_HEALTHY;
        }
        return out;
}

static struct healer_system_health system_of_all(const struct healer *healer, double availability)
{
        struct healer_mix mix = {0, 0, 0, 0, availability};
        uint32_t i;

        for (i = 0; i < healer->service_count; i++) {
                switch (status_of(healer, i)) {
                case HEALER_HEALTHY:
                        mix.healthy++;
                        break;
                case HEALER_DEGRADED:
                        mix.degraded++;
                        break;
                case HEALER_UNHEALTHY:
                        mix.unhealthy++;
                        break;
                case HEALER_UNKNOWN:
                        mix.unknown++;
                        break;
                }
        }
        return healer_system_of(&mix);
}

/* ---- everything at one moment */

static void view(const struct hlr_episode *episode, struct healer_episode_view *out)
{
        static const enum healer_episode_stage stages[] = {
                [HLR_EPISODE_WATCHING] = HEALER_STAGE_WATCHING,
                [HLR_EPISODE_APPROVAL] = HEALER_STAGE_APPROVAL,
                [HLR_EPISODE_ACTING] = HEALER_STAGE_ACTING,
                [HLR_EPISODE_VERIFYING] = HEALER_STAGE_VERIFYING,
                [HLR_EPISODE_ESCALATED] = HEALER_STAGE_ESCALATED,
        };

        out->id = episode->id;
        out->service = episode->service;
        out->failure = episode->failure;
        out->severity = episode->severity;
        out->stage = stages[episode->state];
        out->opened_ns = episode->opened_ns;
        out->confidence = episode->confidence;
        out->preventive = episode->preventive;
        out->rung_done = episode->rung_done;
}

void hlr_overview(const struct healer *healer, struct healer_overview *out)
{
        struct healer_episode_view one;
        uint32_t i, at;

        memset(out, 0, sizeof(*out));
        out->now_ns = healer->now_ns;
        out->stats = hlr_stats(healer);
        out->health = hlr_health_of(healer, HEALER_NONE);
        out->system = system_of_all(healer, out->health.availability);
        for (i = 0; i < HLR_EPISODES_MAX; i++) {
                if (healer->episodes[i].id == 0)
                        continue;
                view(&healer->episodes[i], &one);
                for (at = out->episode_count; at > 0 && out->episodes[at - 1].id > one.id; at--)
                        out->episodes[at] = out->episodes[at - 1];
                out->episodes[at] = one;
                out->episode_count++;
        }
}

double healer_recovery_rate(const struct healer_stats *stats)
{
        uint64_t all = stats->orders_ok + stats->orders_failed + stats->orders_late +
                       stats->budget_refusals + stats->no_strategy;

        return all == 0 ? NAN : (double)stats->orders_ok / (double)all;
}
