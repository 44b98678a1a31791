/* survey.c - how the instances of one service are: gone, silent, bad, busy, full, and since when.
 *
 * One pass over its instances takes down what diagnosis.c weighs; nothing is concluded here
 * but what a single instance shows by itself, and what several show by their times.
 */
#include "healer/hlr_survey.h"

#include <string.h>

#define SLOWER 1.5     /* than the median of those that are fine */
#define NEARLY 0.6 /* of the limit of latency, which is a few times the usual */
#define TOKENS_GONE 0.9 /* at the end of an interval; in it they were all gone */
#define EXITS_NS (600 * HLR_SECOND)
#define AGAIN_NS (60 * HLR_SECOND)   /* between two deaths of one cause */
#define APART_NS (5 * HLR_SECOND)
#define DEATHS_NS (600 * HLR_SECOND) /* after a deployment, that are its */

static bool broken(const struct hlr_monitor *monitor)
{
        return monitor->broken_since_ns != HEALER_NEVER;
}

static uint32_t recent_exits(const struct healer *healer, const struct hlr_instance *instance)
{
        uint32_t known = instance->exit_count < HLR_EXITS_MAX ? instance->exit_count
                                                               : HLR_EXITS_MAX;
        uint32_t i, count = 0;

        for (i = 0; i < known; i++)
                count += healer->now_ns - instance->exits_ns[i] < EXITS_NS;
        return count;
}

static bool crash_loops(const struct healer *healer, const struct hlr_instance *instance)
{
        int64_t oldest;

        if (instance->exit_count < 3)
                return false;
        oldest = instance->exits_ns[(instance->exit_count - 3) % HLR_EXITS_MAX];
        return healer->now_ns - oldest < 300 * HLR_SECOND;
}

/* The last exit followed soon on one before: the platform's restart was no cure. */
static bool dies_again(const struct hlr_instance *instance)
{
        const int64_t *exits_ns = instance->exits_ns;

        return instance->exit_count >= 2 &&
               hlr_sub(exits_ns[(instance->exit_count - 1) % HLR_EXITS_MAX],
                       exits_ns[(instance->exit_count - 2) % HLR_EXITS_MAX]) < AGAIN_NS;
}

/* What kills a consumer is in the queue more than once: each restart meets the next one,
 * and a haste that the platform's waits would have spared uses up the budget. */
static bool eats_messages(const struct healer *healer, uint32_t service)
{
        return (healer->services[service].info.keeps &
                (UINT32_C(1) << HEALER_ACTION_SKIP_MESSAGE)) != 0;
}

bool hlr_since_deployment(const struct healer *healer, uint32_t service, int64_t first_ns,
                          int64_t within_ns)
{
        int64_t deployed_ns = healer->services[service].deploy_started_ns;

        return deployed_ns != INT64_MIN && first_ns >= deployed_ns &&
               hlr_sub(healer->now_ns, deployed_ns) < within_ns;
}

/* It lived until its service was deployed, and has died since. */
static bool died_of_deployment(const struct healer *healer, const struct hlr_instance *instance)
{
        uint32_t oldest = instance->exit_count < HLR_EXITS_MAX
                                  ? 0
                                  : instance->exit_count % HLR_EXITS_MAX;

        return instance->exit_count > 0 &&
               hlr_since_deployment(healer, instance->service, instance->exits_ns[oldest],
                                    DEATHS_NS);
}

static void look_at_deaths(const struct healer *healer, const struct hlr_instance *instance,
                           struct survey *survey)
{
        int64_t last_ns;

        if (!died_of_deployment(healer, instance))
                return;
        last_ns = instance->exits_ns[(instance->exit_count - 1) % HLR_EXITS_MAX];
        survey->died_since_deployed++;
        survey->first_death_ns = hlr_min(survey->first_death_ns, last_ns);
        survey->last_death_ns = hlr_max(survey->last_death_ns, last_ns);
}

/* One instance after the other: what takes several at one blow comes from outside. */
bool hlr_deaths_by_deployment(const struct survey *survey)
{
        return survey->died_since_deployed >= 2 &&
               hlr_sub(survey->last_death_ns, survey->first_death_ns) >= APART_NS;
}

static void look_at_process(const struct healer *healer, uint32_t index, struct survey *survey)
{
        const struct hlr_instance *instance = &healer->instances[index];
        int64_t patience = hlr_patience(healer);

        look_at_deaths(healer, instance, survey);
        if (instance->process == HLR_EXITED && !instance->planned) {
                if (instance->oom)
                        survey->dies_again = survey->dies_again || dies_again(instance);
                else if (!eats_messages(healer, instance->service))
                        survey->crash_loop = survey->crash_loop || dies_again(instance);
                hlr_add_target(survey->downs, &survey->down, index);
                survey->down_since_ns = hlr_min(survey->down_since_ns, instance->changed_ns);
                survey->down_oom = survey->down_oom || instance->oom;
                survey->crash_loop = survey->crash_loop || crash_loops(healer, instance);
                if (recent_exits(healer, instance) > survey->exits_max)
                        survey->exits_max = recent_exits(healer, instance);
        } else if (instance->process != HLR_UP && instance->command == 0 &&
                   healer->services[instance->service].alarms[HEALER_FAILURE_AGENT_DOWN].id != 0 &&
                   healer->services[instance->service]
                                   .alarms[HEALER_FAILURE_AGENT_DOWN]
                                   .instance == index) {
                hlr_add_target(survey->downs, &survey->down, index);
                survey->down_since_ns = hlr_min(survey->down_since_ns, instance->changed_ns);
        } else if (instance->process == HLR_UP && !instance->silent && instance->check_failing) {
                survey->check_failing++;
        }
        if (instance->process == HLR_UP && instance->silent &&
                   healer->now_ns - instance->silent_since_ns >= patience) {
                hlr_add_target(survey->silents, &survey->silent, index);
        } else if (instance->process == HLR_UP && instance->check_failing &&
                   healer->now_ns - instance->check_since_ns >= patience) {
                hlr_add_target(survey->silents, &survey->silent, index);
                survey->check_only = true;
        }
}

/* Its process began after the last deployment of its service did. */
static bool is_new(const struct healer *healer, const struct hlr_instance *instance)
{
        int64_t deployed_ns = healer->services[instance->service].deploy_started_ns;

        return deployed_ns != INT64_MIN && instance->started_ns >= deployed_ns;
}

/* Not late enough for an alarm, and too late to be called fine: whoever is compared
 * with it is no outlier. */
static bool nearly_late(const struct healer *healer, const struct hlr_monitor *latency)
{
        return hlr_fresh(healer, latency) && latency->limit > 0 &&
               latency->value > NEARLY * latency->limit;
}

/* When it went bad, and when its process began. */
static void look_at_onset(const struct hlr_instance *instance, struct survey *survey)
{
        int64_t since_ns = hlr_min(instance->monitors[HEALER_METRIC_LATENCY].broken_since_ns,
                                   instance->monitors[HEALER_METRIC_ERROR_RATE].broken_since_ns);

        survey->bad_since_ns = hlr_min(survey->bad_since_ns, since_ns);
        survey->bad_since_last_ns = hlr_max(survey->bad_since_last_ns, since_ns);
        survey->started_ns = hlr_min(survey->started_ns, instance->started_ns);
        survey->started_last_ns = hlr_max(survey->started_last_ns, instance->started_ns);
}

/* A deployment goes from instance to instance, and what is wrong with it does so, too.
 * What befalls all at one moment though their processes began at different ones is
 * none of its doing. */
bool hlr_all_at_once(const struct healer *healer, const struct survey *survey)
{
        return survey->bad > 1 && survey->bad_since_last_ns == survey->bad_since_ns &&
               hlr_sub(survey->started_last_ns, survey->started_ns) >
                       healer->interval_seen_ns;
}

static void look_at_answers(const struct healer *healer, uint32_t index, struct survey *survey)
{
        const struct hlr_instance *instance = &healer->instances[index];
        const struct hlr_monitor *latency = &instance->monitors[HEALER_METRIC_LATENCY];
        const struct hlr_monitor *errors = &instance->monitors[HEALER_METRIC_ERROR_RATE];
        const struct hlr_monitor *network = &instance->monitors[HEALER_METRIC_NETWORK];
        const struct hlr_monitor *memory = &instance->monitors[HEALER_METRIC_MEMORY];
        const struct hlr_monitor *cpu = &instance->monitors[HEALER_METRIC_CPU];
        const struct hlr_monitor *tokens = &instance->monitors[HEALER_METRIC_TOKENS];
        bool bad, full, busy;

        if (instance->process != HLR_UP || instance->command != 0)
                return;
        survey->without_tokens +=
                hlr_fresh(healer, tokens) && tokens->value >= TOKENS_GONE;
        if (instance->monitors[HEALER_METRIC_FDS].level > HLR_FINE)
                hlr_add_target(survey->stuck, &survey->without_fds, index);
        bad = latency->level > HLR_FINE || errors->level > HLR_FINE || network->level > HLR_FINE;
        full = memory->level > HLR_FINE;
        busy = hlr_fresh(healer, cpu) && cpu->critical_since_ns != HEALER_NEVER;
        if (full)
                hlr_add_target(survey->fulls, &survey->full_memory, index);
        if (instance->monitors[HEALER_METRIC_DISK].level == HLR_CRITICAL)
                hlr_add_target(survey->disks, &survey->full_disk, index);
        if (busy)
                hlr_add_target(survey->busies, &survey->busy, index);
        if (bad) {
                hlr_add_target(survey->bads, &survey->bad, index);
                survey->bad_new += is_new(healer, instance);
                look_at_onset(instance, survey);
                if (errors->level > HLR_FINE)
                        survey->bad_errors++;
        } else if (broken(latency) || broken(errors) || nearly_late(healer, latency)) {
                survey->unclear++;
        } else if (hlr_fresh(healer, latency)) {
                survey->fine++;
                survey->fine_new += is_new(healer, instance);
                survey->fine_busy += busy;
        }
}

/* Of the newest samples of a signal; NaN: none. */
static double lately(const struct hlr_instance *instance, enum hlr_signal signal)
{
        double values[2], sum = 0;
        uint32_t count = hlr_track_last(instance, signal, values, HLR_COUNT(values));
        uint32_t i, known = 0;

        for (i = 0; i < count; i++) {
                if (isnan(values[i]))
                        continue;
                sum += values[i];
                known++;
        }
        return known > 0 ? sum / known : NAN;
}

/* A few requests that are long by nature make a tail late, on whichever instance they
 * fall; what is wrong with an instance makes most of its answers later than those of
 * its peers. */
static void compare_medians(const struct healer *healer, struct survey *survey)
{
        double sum = 0, p50_s;
        uint32_t i, fine = 0;

        for (i = 0; i < healer->instance_count; i++) {
                const struct hlr_instance *instance = &healer->instances[i];

                if (instance->service != survey->service || instance->process != HLR_UP)
                        continue;
                p50_s = lately(instance, HLR_SIGNAL_LATENCY);
                if (instance->monitors[HEALER_METRIC_LATENCY].level > HLR_FINE || isnan(p50_s))
                        continue;
                sum += p50_s;
                fine++;
        }
        for (i = 0; fine > 0 && i < survey->bad; i++)
                survey->slower += lately(&healer->instances[survey->bads[i]],
                                         HLR_SIGNAL_LATENCY) > SLOWER * sum / fine;
}

static void look_at_load(const struct hlr_instance *instance, struct survey *survey)
{
        double load = lately(instance, HLR_SIGNAL_LOAD);

        if (!isnan(load) && instance->process == HLR_UP)
                survey->load += load;
        if (instance->load_usual > 0)
                survey->usual += instance->load_usual;
}

void hlr_survey(const struct healer *healer, uint32_t service, struct survey *survey)
{
        const struct hlr_service *s = &healer->services[service];
        uint32_t i;

        memset(survey, 0, sizeof(*survey));
        survey->service = service;
        survey->down_since_ns = HEALER_NEVER;
        survey->first_death_ns = HEALER_NEVER;
        survey->last_death_ns = INT64_MIN;
        survey->bad_since_ns = HEALER_NEVER;
        survey->bad_since_last_ns = INT64_MIN;
        survey->started_ns = HEALER_NEVER;
        survey->started_last_ns = INT64_MIN;
        survey->asks_outside = s->outside_ns != INT64_MIN &&
                               hlr_sub(healer->now_ns, s->outside_ns) < FRESH_NS;
        survey->outside = s->outside;
        for (i = 0; i < healer->instance_count; i++) {
                if (healer->instances[i].service != service ||
                    healer->instances[i].process == HLR_REMOVED)
                        continue;
                survey->standing++;
                look_at_process(healer, i, survey);
                look_at_answers(healer, i, survey);
                look_at_load(&healer->instances[i], survey);
        }
        compare_medians(healer, survey);
}
