/* track.c - the signals of an instance over time, and what they say at a glance.
 *
 * Two rings: the newest HLR_TRACK samples, and means of HLR_COARSE samples each,
 * which reach eight times as far back: five minutes and three quarters of an hour
 * at a sample every 5 s, whatever the rate. A fit costs microseconds, and most
 * signals go nowhere; so two running means (of about 8 and 32 samples) say first
 * whether it is worth its time.
 *
 * Costs: O(1) a sample, one fit 1 to 3 us.
 */
#include "healer/hlr_supervisor.h"

#include "healer/hlr_math.h"

#include <string.h>

#define QUICK_RATE (1.0 / 8)
#define SLOW_RATE (1.0 / 32)
#define MEANS_APART 24.0 /* samples between the centres of both means */
#define USUAL_LOAD_RATE 0.002
#define FEATURE_MAX 4.0

void hlr_track_clear(struct hlr_instance *instance)
{
        int s;

        instance->fine.count = 0;
        instance->coarse.count = 0;
        instance->coarse_pending = 0;
        instance->coarse_at_s = 0;
        for (s = 0; s < HLR_SIGNAL_COUNT; s++) {
                instance->coarse_sum[s] = 0;
                instance->coarse_known[s] = 0;
                instance->quick[s] = NAN;
                instance->slow[s] = NAN;
        }
}

static void put_coarse(struct hlr_instance *instance, int64_t at_ns)
{
        struct hlr_track *track = &instance->coarse;
        uint32_t slot = track->count++ % HLR_TRACK;
        int s;

        track->at_ns[slot] = at_ns;
        for (s = 0; s < HLR_SIGNAL_COUNT; s++) {
                track->value[slot][s] = instance->coarse_known[s] > 0
                                                ? (float)(instance->coarse_sum[s] /
                                                          instance->coarse_known[s])
                                                : NAN;
                instance->coarse_sum[s] = 0;
                instance->coarse_known[s] = 0;
        }
        instance->coarse_pending = 0;
}

static inline void put(struct hlr_instance *instance, int s, double value)
{
        if (isnan(value))
                return;
        instance->coarse_sum[s] += value;
        instance->coarse_known[s]++;
        if (isnan(instance->quick[s])) {
                instance->quick[s] = value;
                instance->slow[s] = value;
        }
        instance->quick[s] += QUICK_RATE * (value - instance->quick[s]);
        instance->slow[s] += SLOW_RATE * (value - instance->slow[s]);
}

void hlr_track_add(struct hlr_instance *instance, int64_t at_ns,
                   const double values[HLR_SIGNAL_COUNT])
{
        uint32_t slot = instance->fine.count % HLR_TRACK;
        double load = values[HLR_SIGNAL_LOAD];
        int s;

        if (instance->fine.count > 0 &&
            at_ns < instance->fine.at_ns[(instance->fine.count - 1) % HLR_TRACK])
                return; /* overtaken on its way */
        instance->fine.count++;
        instance->fine.at_ns[slot] = at_ns;
        for (s = 0; s < HLR_SIGNAL_COUNT; s++)
                instance->fine.value[slot][s] = (float)values[s];
        for (s = 0; s < HLR_SIGNAL_COUNT; s++)
                put(instance, s, values[s]);
        if (++instance->coarse_pending == HLR_COARSE)
                put_coarse(instance, at_ns);
        if (isnan(load))
                return;
        if (isnan(instance->load_usual))
                instance->load_usual = load;
        instance->load_usual += USUAL_LOAD_RATE * (load - instance->load_usual);
}

uint32_t hlr_track_last(const struct hlr_instance *instance, enum hlr_signal signal, double *out,
                        uint32_t count_max)
{
        const struct hlr_track *track = &instance->fine;
        uint32_t have = track->count < HLR_TRACK ? track->count : HLR_TRACK;
        uint32_t i;

        if (have > count_max)
                have = count_max;
        for (i = 0; i < have; i++)
                out[i] = (double)track->value[(track->count - have + i) % HLR_TRACK][signal];
        return have;
}

bool hlr_track_rises(const struct hlr_instance *instance, enum hlr_signal signal, double limit,
                     double horizon_s, double interval_s)
{
        double step = (instance->quick[signal] - instance->slow[signal]) / MEANS_APART;

        return step > 0 && instance->quick[signal] + 3 * step * horizon_s / interval_s >= limit;
}

bool hlr_track_fit(const struct hlr_instance *instance, enum hlr_signal signal, bool coarse,
                   bool beside_load, struct healer_line *out)
{
        const struct hlr_track *track = coarse ? &instance->coarse : &instance->fine;
        uint32_t have = track->count < HLR_TRACK ? track->count : HLR_TRACK;
        double values[HLR_TRACK], load[HLR_TRACK];
        int64_t at_ns[HLR_TRACK];
        uint32_t i, slot;

        for (i = 0; i < have; i++) {
                slot = (track->count - have + i) % HLR_TRACK;
                at_ns[i] = track->at_ns[slot];
                values[i] = (double)track->value[slot][signal];
                load[i] = (double)track->value[slot][HLR_SIGNAL_LOAD];
        }
        return beside_load ? healer_line_fit_beside(at_ns, values, load, have, out)
                           : healer_line_fit(at_ns, values, have, out);
}

/* ---- features */

static double bounded(double value)
{
        return isnan(value) ? 0 : fmax(0, fmin(FEATURE_MAX, value));
}

/* Where the signal stands at the horizon, as a share of the limit. */
static double reach(const struct healer *healer, const struct hlr_instance *instance,
                    enum hlr_signal signal, double limit)
{
        double horizon_s = (double)healer->config.prediction.horizon_ns / 1e9;
        struct healer_line trend;

        if (isnan(instance->quick[signal]) || !(limit > 0) ||
            !hlr_track_fit(instance, signal, false, signal == HLR_SIGNAL_MEMORY, &trend))
                return 0;
        return bounded((trend.value + trend.likeness * fmax(0, trend.slope_per_s) * horizon_s) /
                       limit);
}

static uint32_t recent(const int64_t *times, uint32_t count, uint32_t room, int64_t now_ns,
                       int64_t within_ns)
{
        uint32_t i, found = 0;

        for (i = 0; i < count && i < room; i++)
                found += hlr_sub(now_ns, times[(count - 1 - i) % room]) <= within_ns;
        return found;
}

static void feature_peers(const struct healer *healer, uint32_t index, double *out)
{
        const struct hlr_instance *mine = &healer->instances[index];
        const struct hlr_instance *peer;
        uint32_t i, all = 0, same = 0, exits = 0;

        for (i = healer->services[mine->service].first_instance; i != HEALER_NONE; i = peer->next) {
                peer = &healer->instances[i];
                if (peer->process == HLR_REMOVED)
                        continue;
                exits += recent(peer->exits_ns, peer->exit_count, HLR_EXITS_MAX, healer->now_ns,
                                600 * HLR_SECOND);
                if (i == index)
                        continue;
                all++;
                same += peer->quick[HLR_SIGNAL_MEMORY] > peer->slow[HLR_SIGNAL_MEMORY] * 1.02 ||
                        peer->quick[HLR_SIGNAL_LATENCY] > peer->slow[HLR_SIGNAL_LATENCY] * 1.2;
        }
        out[HEALER_FEATURE_PEERS] = all > 0 ? (double)same / all : 0;
        out[HEALER_FEATURE_EXITS] = bounded(exits);
}

void hlr_features(const struct healer *healer, uint32_t index, double out[HEALER_FEATURE_COUNT])
{
        const struct hlr_instance *instance = &healer->instances[index];
        const struct hlr_service *service = &healer->services[instance->service];
        const struct healer_config *config = &healer->config;
        const struct hlr_monitor *latency = &instance->monitors[HEALER_METRIC_LATENCY];
        double objective = config->detection.thresholds[HEALER_METRIC_LATENCY].warning;
        double places = service->info.queue_places > 0 ? service->info.queue_places
                                                       : 16.0 * service->info.workers;

        memset(out, 0, HEALER_FEATURE_COUNT * sizeof(*out));
        if (instance->process != HLR_UP)
                return;
        objective = fmin(objective, service->objective_s);
        out[HEALER_FEATURE_MEMORY] = bounded(instance->quick[HLR_SIGNAL_MEMORY]);
        out[HEALER_FEATURE_MEMORY_REACH] = reach(healer, instance, HLR_SIGNAL_MEMORY, 1);
        out[HEALER_FEATURE_DISK] = bounded(instance->quick[HLR_SIGNAL_DISK]);
        out[HEALER_FEATURE_DISK_REACH] = reach(healer, instance, HLR_SIGNAL_DISK, 1);
        out[HEALER_FEATURE_FDS] = bounded(instance->quick[HLR_SIGNAL_FDS]);
        out[HEALER_FEATURE_FDS_REACH] = reach(healer, instance, HLR_SIGNAL_FDS, 1);
        out[HEALER_FEATURE_POOL] = bounded(instance->quick[HLR_SIGNAL_POOL]);
        out[HEALER_FEATURE_POOL_REACH] = reach(healer, instance, HLR_SIGNAL_POOL, 1);
        out[HEALER_FEATURE_TOKENS] = bounded(instance->quick[HLR_SIGNAL_TOKENS]);
        out[HEALER_FEATURE_TOKENS_REACH] = reach(healer, instance, HLR_SIGNAL_TOKENS, 1);
        out[HEALER_FEATURE_CPU] = bounded(instance->quick[HLR_SIGNAL_CPU]);
        out[HEALER_FEATURE_CPU_REACH] = reach(healer, instance, HLR_SIGNAL_CPU, 1);
        out[HEALER_FEATURE_QUEUE] = bounded(instance->quick[HLR_SIGNAL_QUEUE] / places);
        out[HEALER_FEATURE_QUEUE_REACH] = reach(healer, instance, HLR_SIGNAL_QUEUE, places);
        out[HEALER_FEATURE_ERRORS] = bounded(instance->quick[HLR_SIGNAL_ERRORS]);
        out[HEALER_FEATURE_ERRORS_REACH] = reach(healer, instance, HLR_SIGNAL_ERRORS, 0.1);
        if (latency->usual_count[0] > 0)
                out[HEALER_FEATURE_LATENCY] = bounded(instance->quick[HLR_SIGNAL_LATENCY] /
                                                      hlr_exp(latency->usual[0]));
        out[HEALER_FEATURE_LATENCY_REACH] = reach(healer, instance, HLR_SIGNAL_LATENCY, objective);
        if (instance->load_usual > 0)
                out[HEALER_FEATURE_LOAD] =
                        bounded(instance->quick[HLR_SIGNAL_LOAD] / instance->load_usual);
        out[HEALER_FEATURE_GAPS] = bounded(recent(instance->gaps_ns, instance->gap_count,
                                                  HLR_GAPS_MAX, healer->now_ns, 300 * HLR_SECOND));
        out[HEALER_FEATURE_CHANGED] =
                (service->deploy_started_ns != INT64_MIN &&
                 hlr_sub(healer->now_ns, service->deploy_started_ns) < 300 * HLR_SECOND) ||
                (service->config_ns != INT64_MIN &&
                 hlr_sub(healer->now_ns, service->config_ns) < 300 * HLR_SECOND);
        feature_peers(healer, index, out);
}
