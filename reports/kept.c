/* kept.c - from the record of a replication to what is kept of it.
 *
 * Sums over phases and, for the fleet as its clients see it, over the entry
 * services; quantiles are taken here, since histograms are not kept. A
 * quantile that fewer than ten calls lie beyond is not one and stays NaN.
 *
 * Cost: one pass over the services and two over each journal.
 *
 * Not here: what any of it means (truth.c), and comparisons of arms (fates.c).
 */
#include "reports/kept.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/stats/sample.h"

const char *const fate_names[FATE_COUNT] = {
        [FATE_NONE] = "",
        [FATE_PREVENTED] = "prevented",
        [FATE_POSTPONED] = "postponed",
        [FATE_MITIGATED] = "mitigated",
        [FATE_UNCHANGED] = "unchanged",
        [FATE_WORSENED] = "worsened",
        [FATE_MERGED] = "merged",
        [FATE_EXPOSED] = "exposed",
        [FATE_INDUCED] = "induced",
};
const char *const severity_names[SEVERITY_COUNT] = { "low", "medium", "high", "critical" };
const char *const alarm_truth_names[TRUTH_COUNT] = { "nothing", "latent", "impact" };
const char *const prediction_verdict_names[PREDICTION_VERDICT_COUNT] = { "true", "false", "during",
                                                                         "unevaluable" };

static const double latency_quantiles[LATENCY_COUNT] = { 0.5, 0.95, 0.99, 0.999 };

static void quantiles_of(const struct hist *hist, double *out)
{
        for (unsigned i = 0; i < LATENCY_COUNT; i++) {
                bool enough = hist->count >= stats_quantile_n_min(latency_quantiles[i]);
                out[i] = enough ? hist_quantile_ns(hist, latency_quantiles[i]) / 1e9 : NAN;
        }
}

static void requests_add(struct kept_requests *to, const struct phase_measure *from)
{
        for (unsigned i = 0; i < CALL_OUTCOME_COUNT; i++) {
                to->outcome[i] += from->outcome[i];
                to->ended += from->outcome[i];
        }
        to->good += from->good;
        to->bad += from->bad;
        to->quality_sum += from->quality_sum;
        to->latency_sum_s += from->latency.sum_ns / 1e9;
}

/* The calls' side of some services as one, `hist` being scratch. */
static void keep_requests(struct kept_service *to, const struct service_measure *const *from,
                          size_t count, struct hist *hist)
{
        struct hist *whole = &hist[1];

        hist_reset(whole);
        for (unsigned p = 0; p < PHASE_COUNT; p++) {
                struct kept_requests *phase = &to->phase[p];
                hist_reset(hist);
                for (size_t i = 0; i < count; i++) {
                        requests_add(phase, &from[i]->phase[p]);
                        requests_add(&to->phase[KEPT_WHOLE], &from[i]->phase[p]);
                        hist_merge(hist, &from[i]->phase[p].latency);
                        phase->seconds = from[i]->phase[p].seconds;
                }
                to->phase[KEPT_WHOLE].seconds += phase->seconds;
                quantiles_of(hist, phase->latency_s);
                hist_merge(whole, hist);
        }
        quantiles_of(whole, to->phase[KEPT_WHOLE].latency_s);
        for (size_t i = 0; i < count; i++) {
                to->calls += from[i]->calls;
                to->unfinished += from[i]->unfinished;
                to->attempts += from[i]->attempts;
                to->fallbacks += from[i]->fallbacks;
        }
}

static void keep_inside(struct kept_service *to, const struct service_measure *from)
{
        to->arrived = from->arrived;
        to->started = from->started;
        to->completed = from->completed;
        to->dropped = from->dropped;
        to->abandoned = from->abandoned;
        to->lost = from->lost;
        to->rejected = from->rejected;
        to->waiting_sum_s = from->waiting.sum_ns / 1e9;
        quantiles_of(&from->waiting, to->waiting_s);
        to->service_sum_s = from->service_sum_s;
        to->observed_s = from->observed_s;
        to->queue_area_s = from->queue_area_s;
        to->busy_area_s = from->busy_area_s;
        to->worker_area_s = from->worker_area_s;
        to->system_area_s = from->system_area_s;
        to->sojourn_sum_s = from->sojourn_sum_s;
        to->up_area_s = from->up_area_s;
        to->instance_area_s = from->instance_area_s;
}

/* ---- burn rates of the error budget */

static const struct burn_pair {
        double rate;
        size_t long_s, short_s;
} burn_pairs[4] = { { 14.4, 3600, 300 }, { 6, 21600, 1800 }, { 3, 86400, 7200 }, { 1, 259200, 21600 } };

/* Share of bad over the `window` seconds that end with second t, over what the
 * objective allows; `good` and `bad` are sums from the start. */
static double burn_at(const uint64_t *good, const uint64_t *bad, size_t t, size_t window,
                      double allowed)
{
        size_t from = t + 1 > window ? t + 1 - window : 0;
        double failed = (double)(bad[t + 1] - bad[from]);
        double all = failed + (double)(good[t + 1] - good[from]);

        return all > 0 ? failed / all / allowed : 0;
}

static bool keep_burn(struct kept_service *to, const struct service_measure *from,
                      const struct meta_service *service)
{
        const size_t seconds = from->second_count;
        double allowed = 1 - service->slo_target;
        uint64_t *good = calloc(seconds + 1, sizeof(*good));
        uint64_t *bad = calloc(seconds + 1, sizeof(*bad));
        bool kept = good && bad;

        for (size_t t = 0; kept && t < seconds; t++) {
                good[t + 1] = good[t] + from->seconds[t].good;
                bad[t + 1] = bad[t] + from->seconds[t].bad;
        }
        for (unsigned b = 0; kept && b < 4; b++) {
                double highest = 0;
                for (size_t t = 0; t < seconds; t++) {
                        double burn = burn_at(good, bad, t, burn_pairs[b].short_s, allowed);
                        if (seconds >= burn_pairs[b].long_s)
                                burn = fmin(burn, burn_at(good, bad, t, burn_pairs[b].long_s,
                                                          allowed));
                        highest = fmax(highest, burn);
                        if (burn >= burn_pairs[b].rate && to->paged_at_ns[b] == TIME_NEVER)
                                to->paged_at_ns[b] = (int64_t)(t + 1) * NS_PER_S;
                }
                if (seconds)
                        to->burn[b] = highest;
        }
        free(good);
        free(bad);
        return kept;
}

/* The fleet burns as its worst entry service does. */
static void keep_fleet_burn(struct kept_service *fleet, const struct kept_service *service)
{
        for (unsigned b = 0; b < 4; b++) {
                if (isfinite(service->burn[b]))
                        fleet->burn[b] = isnan(fleet->burn[b])
                                                 ? service->burn[b]
                                                 : fmax(fleet->burn[b], service->burn[b]);
                fleet->paged_at_ns[b] = min_ns(fleet->paged_at_ns[b], service->paged_at_ns[b]);
        }
}

static void burn_reset(struct kept_service *service)
{
        for (unsigned b = 0; b < 4; b++) {
                service->burn[b] = NAN;
                service->paged_at_ns[b] = TIME_NEVER;
        }
}

static bool keep_services(struct kept *kept, struct kept_arm *arm, const struct run_meta *meta,
                          const struct arm_record *record)
{
        bool kept_all = false;
        struct hist *hist = calloc(2, sizeof(*hist));
        const struct service_measure **entries = calloc(meta->service_count + 1, sizeof(*entries));
        size_t entry_count = 0;

        arm->services = ARENA_ARRAY(&kept->arena, struct kept_service, meta->service_count + 1);
        if (!hist || !entries || !arm->services)
                goto done;
        burn_reset(&arm->services[meta->service_count]);
        for (uint32_t s = 0; s < meta->service_count; s++) {
                const struct service_measure *from = &record->services[s];
                burn_reset(&arm->services[s]);
                keep_requests(&arm->services[s], &from, 1, hist);
                keep_inside(&arm->services[s], from);
                if (meta->services[s].has_slo && meta->services[s].slo_target < 1 &&
                    !keep_burn(&arm->services[s], from, &meta->services[s]))
                        goto done;
                if (!meta->services[s].entry)
                        continue;
                entries[entry_count++] = from;
                keep_fleet_burn(&arm->services[meta->service_count], &arm->services[s]);
        }
        keep_requests(&arm->services[meta->service_count], entries, entry_count, hist);
        arm->services[meta->service_count].observed_s = seconds_of(record->end_ns);
        kept_all = true;
done:
        free(hist);
        free(entries);
        return kept_all;
}

/* ---- the journal */

/* A copy that outlives the record; the same few words come again and again. On
 * failure "" and a failed arena. */
static const char *keep_text(struct kept *kept, const char *text)
{
        for (size_t i = 0; i < kept->text_count; i++)
                if (!strcmp(kept->texts[i], text))
                        return kept->texts[i];
        const char *copy = arena_text(&kept->arena, text);
        if (copy && kept->text_count < KEPT_TEXT_MAX)
                kept->texts[kept->text_count++] = copy;
        return copy ? copy : "";
}

static size_t count_of(const struct arm_record *record, enum journal_type type)
{
        size_t count = 0;

        for (size_t i = 0; i < record->journal_count; i++)
                count += record->journal[i].type == type;
        return count;
}

static struct kept_episode *episode_of(struct kept_arm *arm, uint64_t id, const struct journal_entry *entry)
{
        struct kept_episode *episode;

        for (size_t i = arm->episode_count; i-- > 0;)
                if (arm->episodes[i].id == id)
                        return &arm->episodes[i];
        episode = &arm->episodes[arm->episode_count++];
        *episode = (struct kept_episode){
                .id = id,
                .service = entry->service,
                .opened_ns = entry->at_ns,
                .ended_ns = TIME_NEVER,
                .acted_ns = TIME_NEVER,
                .last_action_ns = TIME_NEVER,
                .failure_type = "",
                .severity = "",
                .last_action = RECORD_NONE,
                .healed = -1,
                .cause_top1 = -1,
                .cause_top3 = -1,
                .incident = SIZE_MAX,
        };
        return episode;
}

/* The oldest text wins: what the healer said first. */
static void said_first(const char **what, const char *text)
{
        if (!**what)
                *what = text;
}

static void keep_alarm(struct kept *kept, struct kept_arm *arm, const struct journal_entry *entry)
{
        struct kept_alarm *alarm = &arm->alarms[arm->alarm_count++];

        *alarm = (struct kept_alarm){
                .episode = entry->episode,
                .service = entry->service,
                .at_ns = entry->at_ns,
                .cleared_ns = arm->end_ns,
                .failure_type = keep_text(kept, entry->kind),
                .severity = keep_text(kept, entry->severity),
        };
        /* An alarm of no episode is one of its own, numbered from the top. */
        if (!alarm->episode)
                alarm->episode = UINT64_MAX - arm->alarm_count;
        struct kept_episode *episode = episode_of(arm, alarm->episode, entry);
        if (episode->service == RECORD_NONE)
                episode->service = entry->service;
        episode->alarm_count++;
        said_first(&episode->failure_type, alarm->failure_type);
        said_first(&episode->severity, alarm->severity);
}

static void keep_action(struct kept_arm *arm, const struct journal_entry *entry)
{
        struct kept_action *action = &arm->actions[arm->action_count++];

        *action = (struct kept_action){
                .id = entry->id,
                .episode = entry->episode,
                .action = entry->action,
                .service = entry->service,
                .instance = entry->instance,
                .at_ns = entry->at_ns,
                .finished_ns = TIME_NEVER,
                .preventive = entry->preventive,
                .held_back = entry->held_back,
                .right_target = -1,
                .right_action = -1,
        };
        if (!action->episode)
                action->episode = UINT64_MAX / 2 - arm->action_count;
        if (action->held_back)
                return;
        struct kept_episode *episode = episode_of(arm, action->episode, entry);
        if (episode->service == RECORD_NONE)
                episode->service = entry->service;
        if (!episode->action_count++)
                episode->acted_ns = entry->at_ns;
        episode->last_action_ns = entry->at_ns;
        episode->last_action = entry->action;
}

static void finish_action(struct kept_arm *arm, const struct journal_entry *entry)
{
        for (size_t i = arm->action_count; i-- > 0;) {
                struct kept_action *action = &arm->actions[i];
                if (action->id != entry->id || action->finished_ns != TIME_NEVER || action->held_back)
                        continue;
                action->finished_ns = entry->at_ns;
                action->ok = entry->ok;
                struct kept_episode *episode = episode_of(arm, action->episode, entry);
                episode->last_action_ns = max_ns(episode->last_action_ns, entry->at_ns);
                return;
        }
}

static void keep_stage(struct kept *kept, struct kept_arm *arm, const struct journal_entry *entry)
{
        static const char *const names[] = { "opened", "claimed", "verified", "failed", "closed" };
        struct kept_episode *episode;

        if (!entry->episode)
                return;
        episode = episode_of(arm, entry->episode, entry);
        if (episode->service == RECORD_NONE)
                episode->service = entry->service;
        said_first(&episode->severity, keep_text(kept, entry->severity));
        for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
                if (!strcmp(entry->kind, names[i]))
                        episode->stages |= 1u << i;
        if (!strcmp(entry->kind, "closed"))
                episode->ended_ns = entry->at_ns;
}

static void keep_prediction(struct kept *kept, struct kept_arm *arm,
                            const struct journal_entry *entry)
{
        arm->predictions[arm->prediction_count++] = (struct kept_prediction){
                .id = entry->id,
                .service = entry->service,
                .at_ns = entry->at_ns,
                .eta_ns = entry->eta_ns,
                .confidence = entry->confidence,
                .failure_type = keep_text(kept, entry->kind),
                .verdict = PREDICTION_UNEVALUABLE,
                .onset_ns = TIME_NEVER,
        };
}

/* `id` of an alarm is not kept; the journal still has it on the second pass. */
static void clear_alarms(struct kept_arm *arm, const struct arm_record *record)
{
        size_t alarm = 0;

        for (size_t i = 0; i < record->journal_count; i++) {
                const struct journal_entry *raised = &record->journal[i];
                if (raised->type != JOURNAL_ALARM)
                        continue;
                for (size_t j = i + 1; j < record->journal_count; j++) {
                        const struct journal_entry *later = &record->journal[j];
                        if ((later->type == JOURNAL_ALARM_CLEARED || later->type == JOURNAL_ALARM) &&
                            later->id == raised->id) {
                                arm->alarms[alarm].cleared_ns = later->at_ns;
                                break;
                        }
                }
                alarm++;
        }
}

/* Numbers that we gave are above every one that a healer gives. */
static bool is_numbered_by_us(uint64_t episode)
{
        return episode > UINT64_MAX / 4;
}

/* Whether an alarm that names no episode belongs to this one: both are on at
 * the same time, and the episode is about the alarm's service or one that it
 * reaches, since a healer that groups alarms blames the callee for its callers. */
static bool is_part_of(const struct run_meta *meta, const struct kept_alarm *alarm,
                       const struct kept_episode *episode)
{
        if (is_numbered_by_us(episode->id) || alarm->service >= meta->service_count ||
            episode->service >= meta->service_count ||
            !overlaps(alarm->at_ns, alarm->cleared_ns, episode->opened_ns, episode->ended_ns))
                return false;
        return alarm->service == episode->service ||
               (meta->services[alarm->service].reaches &&
                meta->services[alarm->service].reaches[episode->service]);
}

static void adopt(struct kept_arm *arm, struct kept_alarm *alarm, struct kept_episode *episode)
{
        for (size_t e = 0; e < arm->episode_count; e++)
                if (arm->episodes[e].id == alarm->episode)
                        arm->episodes[e].alarm_count--;
        alarm->episode = episode->id;
        episode->alarm_count++;
        said_first(&episode->failure_type, alarm->failure_type);
}

/* Alarms without an episode go to the one that the healer had open about them;
 * what is left without any alarm or action is no episode. */
static void group_alarms(struct kept_arm *arm, const struct run_meta *meta)
{
        size_t left = 0;

        for (size_t i = 0; i < arm->alarm_count; i++) {
                if (!is_numbered_by_us(arm->alarms[i].episode))
                        continue;
                for (size_t e = 0; e < arm->episode_count; e++)
                        if (is_part_of(meta, &arm->alarms[i], &arm->episodes[e])) {
                                adopt(arm, &arm->alarms[i], &arm->episodes[e]);
                                break;
                        }
        }
        for (size_t e = 0; e < arm->episode_count; e++) {
                const struct kept_episode episode = arm->episodes[e];
                if (!is_numbered_by_us(episode.id) || episode.alarm_count || episode.action_count)
                        arm->episodes[left++] = episode;
        }
        arm->episode_count = left;
}

static void end_episodes(struct kept_arm *arm)
{
        for (size_t e = 0; e < arm->episode_count; e++) {
                struct kept_episode *episode = &arm->episodes[e];
                int64_t end = episode->opened_ns;
                if (episode->ended_ns != TIME_NEVER)
                        continue;
                for (size_t i = 0; i < arm->alarm_count; i++)
                        if (arm->alarms[i].episode == episode->id)
                                end = max_ns(end, arm->alarms[i].cleared_ns);
                if (episode->last_action_ns != TIME_NEVER)
                        end = max_ns(end, episode->last_action_ns);
                episode->ended_ns = end;
        }
}

/* Time at each degradation level, by service, from the changes. */
static void keep_levels(struct kept_arm *arm, const struct run_meta *meta,
                        const struct arm_record *record)
{
        for (uint32_t s = 0; s < meta->service_count; s++) {
                int64_t since = 0;
                unsigned level = 0;
                for (size_t i = 0; i < record->journal_count; i++) {
                        const struct journal_entry *entry = &record->journal[i];
                        if (entry->type != JOURNAL_DEGRADATION_CHANGED || entry->service != s ||
                            !(entry->value >= 0))
                                continue;
                        int64_t at = max_ns(entry->at_ns, 0);
                        arm->level_s[level] += seconds_of(at - since);
                        unsigned before = level;
                        since = at;
                        level = entry->value < 7 ? (unsigned)entry->value : 7;
                        /* Set again to what it was is no change. */
                        arm->degradation_changes += entry->at_ns >= 0 && level != before;
                        arm->degradation_falls += entry->at_ns >= 0 && level < before;
                }
                arm->level_s[level] += seconds_of(max_ns(arm->end_ns - since, 0));
                arm->level_at_end = level > arm->level_at_end ? level : arm->level_at_end;
        }
}

/* Over before the end of the warm-up, also by the alarms that it began with: a
 * healer may close an episode whose alarm is still on. */
static bool was_in_warmup(const struct kept_arm *arm, const struct kept_episode *episode)
{
        if (episode->ended_ns >= 0)
                return false;
        for (size_t i = 0; i < arm->alarm_count; i++)
                if (arm->alarms[i].episode == episode->id)
                        return false;
        return true;
}

/* What was said and done in the warm-up, and over by its end, is in no metric. */
static void drop_warmup(struct kept_arm *arm)
{
        size_t alarms = 0, actions = 0, predictions = 0, episodes = 0;

        for (size_t i = 0; i < arm->alarm_count; i++)
                if (arm->alarms[i].cleared_ns >= 0)
                        arm->alarms[alarms++] = arm->alarms[i];
        for (size_t i = 0; i < arm->action_count; i++)
                if (arm->actions[i].at_ns >= 0)
                        arm->actions[actions++] = arm->actions[i];
        for (size_t i = 0; i < arm->prediction_count; i++)
                if (arm->predictions[i].at_ns >= 0)
                        arm->predictions[predictions++] = arm->predictions[i];
        arm->alarm_count = alarms;
        for (size_t i = 0; i < arm->episode_count; i++)
                if (!was_in_warmup(arm, &arm->episodes[i]))
                        arm->episodes[episodes++] = arm->episodes[i];
        arm->action_count = actions;
        arm->prediction_count = predictions;
        arm->episode_count = episodes;
}

static bool keep_journal(struct kept *kept, struct kept_arm *arm, const struct run_meta *meta,
                         const struct arm_record *record)
{
        struct arena *arena = &kept->arena;
        size_t alarms = count_of(record, JOURNAL_ALARM);
        size_t actions = count_of(record, JOURNAL_ACTION_STARTED);
        size_t stages = count_of(record, JOURNAL_EPISODE);
        size_t predictions = count_of(record, JOURNAL_PREDICTION);

        arm->alarms = ARENA_ARRAY(arena, struct kept_alarm, alarms);
        arm->actions = ARENA_ARRAY(arena, struct kept_action, actions);
        arm->episodes = ARENA_ARRAY(arena, struct kept_episode, alarms + actions + stages);
        arm->predictions = ARENA_ARRAY(arena, struct kept_prediction, predictions);
        if (arena_failed(arena))
                return false;
        for (size_t i = 0; i < record->journal_count; i++) {
                const struct journal_entry *entry = &record->journal[i];
                switch (entry->type) {
                case JOURNAL_ALARM:
                        keep_alarm(kept, arm, entry);
                        break;
                case JOURNAL_ACTION_STARTED:
                        keep_action(arm, entry);
                        break;
                case JOURNAL_ACTION_FINISHED:
                        finish_action(arm, entry);
                        break;
                case JOURNAL_EPISODE:
                        keep_stage(kept, arm, entry);
                        break;
                case JOURNAL_PREDICTION:
                        keep_prediction(kept, arm, entry);
                        break;
                default:
                        break;
                }
        }
        clear_alarms(arm, record);
        end_episodes(arm);
        group_alarms(arm, meta);
        drop_warmup(arm);
        keep_levels(arm, meta, record);
        return !arena_failed(arena);
}

/* ---- incidents and faults */

static bool keep_incidents(struct kept *kept, struct kept_arm *arm, const struct run_meta *meta,
                           const struct arm_record *record)
{
        arm->incidents = ARENA_ARRAY(&kept->arena, struct kept_incident, record->incident_count);
        if (!arm->incidents)
                return false;
        arm->incident_count = record->incident_count;
        for (size_t i = 0; i < record->incident_count; i++) {
                const struct incident *from = &record->incidents[i];
                bool open = from->restored_ns == TIME_NEVER;
                arm->incidents[i] = (struct kept_incident){
                        .service = from->service,
                        .user_visible = meta->services[from->service].entry,
                        .open = open,
                        .fault_ns = TIME_NEVER,
                        .onset_ns = from->onset_ns,
                        .detected_ns = TIME_NEVER,
                        .acted_ns = TIME_NEVER,
                        .restored_ns = open ? max_ns(record->end_ns, from->onset_ns)
                                            : from->restored_ns,
                        .bad_requests = from->bad_requests,
                        .requests = from->requests,
                        .failure_type = "spontaneous",
                        .predicted_ns = TIME_NEVER,
                };
        }
        return true;
}

static void forget_warmup(struct kept_arm *arm)
{
        size_t left = 0;

        for (size_t i = 0; i < arm->incident_count; i++) {
                struct kept_incident *incident = &arm->incidents[i];
                bool over = incident->restored_ns <= 0;

                for (size_t e = 0; e < arm->episode_count; e++)
                        if (arm->episodes[e].incident == i)
                                arm->episodes[e].incident = over ? SIZE_MAX : left;
                if (over)
                        continue;
                incident->onset_ns = max_ns(incident->onset_ns, 0);
                arm->incidents[left++] = *incident;
        }
        arm->incident_count = left;
}

void kept_forget_warmup(struct kept *kept)
{
        for (unsigned a = 0; a < ARM_COUNT; a++)
                if (kept->arms[a].run)
                        forget_warmup(&kept->arms[a]);
}

/* Seconds in [0, end) in which any incident of the chosen services is open. */
static double bad_seconds(const struct kept_arm *arm, const struct run_meta *meta, uint32_t service)
{
        int64_t covered_to = 0;
        int64_t sum = 0;

        /* Incidents of one service do not overlap and come by onset; those of
         * several have to be walked in order of onset. */
        for (;;) {
                const struct kept_incident *next = NULL;
                for (size_t i = 0; i < arm->incident_count; i++) {
                        const struct kept_incident *incident = &arm->incidents[i];
                        bool chosen = service == RECORD_NONE ? meta->services[incident->service].entry
                                                             : incident->service == service;
                        if (chosen && min_ns(incident->restored_ns, arm->end_ns) > covered_to &&
                            (!next || incident->onset_ns < next->onset_ns))
                                next = incident;
                }
                if (!next)
                        return seconds_of(sum);
                int64_t end = min_ns(next->restored_ns, arm->end_ns);
                sum += end - max_ns(next->onset_ns, covered_to);
                covered_to = end;
        }
}

static void keep_bad_seconds(struct kept_arm *arm, const struct run_meta *meta)
{
        for (uint32_t s = 0; s < meta->service_count; s++)
                arm->services[s].bad_s = bad_seconds(arm, meta, s);
        arm->services[meta->service_count].bad_s = bad_seconds(arm, meta, RECORD_NONE);
}

static bool keep_faults(struct kept *kept, struct kept_arm *arm, const struct run_meta *meta,
                        const struct arm_record *record)
{
        arm->touched = ARENA_ARRAY(&kept->arena, uint64_t, meta->fault_count);
        arm->measured = ARENA_ARRAY(&kept->arena, double, meta->fault_count);
        arm->measured_what = ARENA_ARRAY(&kept->arena, const char *, meta->fault_count);
        arm->on_service = ARENA_ARRAY(&kept->arena, bool,
                                      (size_t)meta->fault_count * meta->service_count);
        arm->probes = ARENA_ARRAY(&kept->arena, struct probe_value, meta->probe_count);
        if (arena_failed(&kept->arena))
                return false;
        for (uint32_t f = 0; f < meta->fault_count; f++) {
                const struct fault_effect *effect = record->faults ? &record->faults[f] : NULL;
                arm->touched[f] = effect ? effect->touched : 0;
                arm->measured[f] = effect ? effect->measured : NAN;
                arm->measured_what[f] = effect && effect->measured_what
                                                ? keep_text(kept, effect->measured_what)
                                                : NULL;
                if (effect && effect->on_service)
                        memcpy(arm->on_service + (size_t)f * meta->service_count,
                               effect->on_service, meta->service_count * sizeof(bool));
        }
        for (uint32_t p = 0; p < meta->probe_count; p++)
                arm->probes[p] = record->probes ? record->probes[p]
                                                : (struct probe_value){ NAN, NAN };
        return true;
}

static void keep_totals(struct arena *arena, struct kept_arm *arm, const struct run_meta *meta,
                        const struct arm_record *record)
{
        uint64_t carried_out = 0;

        arm->instance_seconds = record->instance_seconds;
        arm->instance_seconds_added = record->instance_seconds_added;
        arm->degraded_s = record->degraded_s;
        arm->failed_user_s = record->failed_user_s;
        arm->human_pages = record->human_pages;
        arm->root_requests = record->root_requests;
        arm->events = record->events;
        arm->healer_failed = record->healer_failure != NULL;
        arm->healer_failure =
                arm->healer_failed ? arena_text(arena, record->healer_failure) : NULL;
        for (uint32_t e = 0; record->edges && e < meta->edge_count; e++) {
                arm->breaker_opened += record->edges[e].opened;
                arm->breaker_refused += record->edges[e].refused;
                arm->trials_ok += record->edges[e].trials_ok;
                arm->trials_failed += record->edges[e].trials_failed;
                arm->breaker_open_s += record->edges[e].open_s;
                arm->breaker_half_open_s += record->edges[e].half_open_s;
        }
        for (size_t i = 0; i < arm->action_count; i++)
                carried_out += !arm->actions[i].held_back;
        arm->cost = NAN;
        if (meta->has_cost)
                arm->cost = meta->cost_failed_request *
                                    (double)arm->services[meta->service_count].phase[KEPT_WHOLE].bad +
                            meta->cost_human_page * (double)record->human_pages +
                            meta->cost_action * (double)carried_out +
                            meta->cost_instance_hour * record->instance_seconds / 3600;
}

static bool keep_arm(struct kept *kept, const struct run_meta *meta, const struct arm_record *record,
                     struct kept_arm *arm)
{
        arm->run = true;
        arm->end_ns = record->end_ns;
        if (!keep_services(kept, arm, meta, record) || !keep_journal(kept, arm, meta, record) ||
            !keep_incidents(kept, arm, meta, record) || !keep_faults(kept, arm, meta, record))
                return false;
        keep_bad_seconds(arm, meta);
        keep_totals(&kept->arena, arm, meta, record);
        for (size_t i = 0; i < record->journal_count; i++)
                kept->stopped |= record->journal[i].type == JOURNAL_STOP;
        return true;
}

struct kept *kept_create(const struct run_meta *meta, const struct replication_record *record)
{
        struct kept *kept = calloc(1, sizeof(*kept));

        if (!kept)
                return NULL;
        arena_init(&kept->arena);
        kept->replication = record->replication;
        kept->interrupted = record->interrupted;
        for (unsigned a = 0; a < ARM_COUNT; a++) {
                if (record->arms[a] && !keep_arm(kept, meta, record->arms[a], &kept->arms[a])) {
                        kept_destroy(kept);
                        return NULL;
                }
        }
        return kept;
}

void kept_destroy(struct kept *kept)
{
        if (!kept)
                return;
        arena_release(&kept->arena);
        free(kept);
}
