/* health.c - how each service is, as a number and a word.
 *
 * Score 0..100 by the penalty table: processor above 70/90 % costs 15/30, memory
 * above 75/90 % 15/30, errors above 5/10 % 10/25, latency above 2/5 s 10/20.
 * Availability is the share of checks of the last hour at which the service had
 * no alarm. Nothing known is "unknown", not healthy. Crossing a threshold
 * downward is said once, as a warning; an alarm it is not.
 */
#include "healer/hlr_supervisor.h"

#include <string.h>

#define MINUTE (60 * HLR_SECOND)
#define STALE (60 * HLR_SECOND)

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

        for (i = 0; i < healer->instance_count; i++) {
                instance = &healer->instances[i];
                if (instance->service != service || instance->process == HLR_REMOVED)
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

static bool alarmed(const struct hlr_service *service)
{
        int failure;

        for (failure = 0; failure < HEALER_FAILURE_COUNT; failure++) {
                if (service->alarms[failure].id != 0)
                        return true;
        }
        return false;
}

static void count_check(struct healer *healer, struct hlr_service *service, bool good)
{
        int64_t minute = healer->now_ns / MINUTE;

        while (service->bin_at < minute) {
                service->bin_at = hlr_max(service->bin_at + 1, minute - HLR_BINS + 1);
                service->bin_good[(uint64_t)service->bin_at % HLR_BINS] = 0;
                service->bin_all[(uint64_t)service->bin_at % HLR_BINS] = 0;
        }
        service->bin_all[(uint64_t)minute % HLR_BINS]++;
        service->bin_good[(uint64_t)minute % HLR_BINS] += good;
}

static double availability(const struct hlr_service *service)
{
        uint64_t good = 0, all = 0;
        int i;

        for (i = 0; i < HLR_BINS; i++) {
                good += service->bin_good[i];
                all += service->bin_all[i];
        }
        return all < 10 ? NAN : (double)good / (double)all;
}

static void warn(struct healer *healer, uint32_t index)
{
        const struct healer_config *config = &healer->config;
        struct hlr_service *service = &healer->services[index];
        struct healer_notice notice = hlr_notice(HEALER_NOTICE_WARNING);
        double share = availability(service);
        int level = 0;

        if (isnan(share))
                return;
        level += share < config->health.warning;
        level += share < config->health.critical;
        level += share < config->health.fatal;
        if (level > service->warned) {
                notice.service = index;
                notice.severity = (enum healer_severity)level;
                notice.value = share;
                notice.limit = level == 1   ? config->health.warning
                               : level == 2 ? config->health.critical
                                            : config->health.fatal;
                hlr_say(healer, &notice);
        }
        service->warned = level;
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
                if (isnan(score) && !alarmed(service))
                        continue;
                if (!isnan(score))
                        service->scores[service->score_count++ % HLR_SCORES_MAX] = score;
                count_check(healer, service, !alarmed(service));
                warn(healer, i);
        }
}

/* ---- looking */

/* Mean of the newer half of the last ten scores against the older half. */
static int trend(const struct hlr_service *service)
{
        double older = 0, newer = 0;
        uint32_t i;

        if (service->score_count < HLR_SCORES_MAX)
                return 0;
        for (i = 0; i < HLR_SCORES_MAX / 2; i++) {
                older += service->scores[(service->score_count + i) % HLR_SCORES_MAX];
                newer += service->scores[(service->score_count + HLR_SCORES_MAX / 2 + i) %
                                         HLR_SCORES_MAX];
        }
        newer = (newer - older) / (HLR_SCORES_MAX / 2);
        return newer < -5 ? -1 : newer > 5 ? 1 : 0;
}

static struct healer_health_report health_of_one(const struct healer *healer, uint32_t index)
{
        const struct hlr_service *service = &healer->services[index];
        struct reading r = read_service(healer, index);
        struct healer_health_report report;
        int failure;

        report.score = score_of(&r);
        report.availability = availability(service);
        report.trend = trend(service);
        report.status = isnan(report.score) ? HEALER_UNKNOWN : HEALER_HEALTHY;
        if (report.status == HEALER_HEALTHY && report.score < 80)
                report.status = HEALER_DEGRADED;
        for (failure = 0; failure < HEALER_FAILURE_COUNT; failure++) {
                if (service->alarms[failure].id == 0)
                        continue;
                report.status = service->alarms[failure].level == HLR_CRITICAL
                                        ? HEALER_UNHEALTHY
                                        : report.status == HEALER_UNHEALTHY ? HEALER_UNHEALTHY
                                                                            : HEALER_DEGRADED;
        }
        return report;
}

/* Unknown is worse than healthy and better than degraded. */
static int rank(enum healer_status status)
{
        static const int ranks[] = {
                [HEALER_HEALTHY] = 0, [HEALER_UNKNOWN] = 1, [HEALER_DEGRADED] = 2,
                [HEALER_UNHEALTHY] = 3};

        return ranks[status];
}

struct healer_health_report hlr_health_of(const struct healer *healer, uint32_t service)
{
        struct healer_health_report all = {HEALER_UNKNOWN, NAN, NAN, 0};
        struct healer_health_report one;
        uint32_t i, scored = 0, available = 0;
        double scores = 0, shares = 0;

        if (service < healer->service_count)
                return health_of_one(healer, service);
        if (service != HEALER_NONE)
                return all;
        for (i = 0; i < healer->service_count; i++) {
                one = health_of_one(healer, i);
                if (i == 0 || rank(one.status) > rank(all.status))
                        all.status = one.status;
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
