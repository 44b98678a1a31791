/* truth.c - causes of incidents; alarms, predictions and deeds against what was there.
 *
 * Order: fault windows and fault states of every arm, then the causes of its
 * incidents, then what its healer said and did, since an alarm in treated is
 * also judged by what would have come in shadow and untreated.
 *
 * An instance that is down because someone meant it to be (a deployment, a
 * benign restart, the healer's own action) is no fault state: otherwise a
 * healer that restarts at random would make its own alarms true.
 *
 * Cost: alarms x incidents, and minutes x services for the grid.
 *
 * Not here: comparison of incidents between arms (fates.c).
 */
#include "reports/truth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct judge {
        const struct run_meta *meta;
        const struct replication_record *record;
        struct kept *kept;
        bool *calls; /* [from * service_count + to]: itself or a direct callee */
};

static bool is_faulted(unsigned arm)
{
        return arm != ARM_QUIET && arm != ARM_CALM;
}

/* ---- fault windows */

static size_t windows_of_fault(const struct arm_record *record, uint32_t fault,
                               struct fault_window *out)
{
        size_t count = 0;
        unsigned active = 0;

        /* Plays that overlap are one window, until the last of them has ended. */
        for (size_t i = 0; i < record->journal_count; i++) {
                const struct journal_entry *entry = &record->journal[i];
                if (entry->ref != fault)
                        continue;
                if (entry->type == JOURNAL_FAULT_STARTED && active++ == 0) {
                        if (out)
                                out[count] = (struct fault_window){ fault, (uint32_t)count,
                                                                    entry->at_ns, record->end_ns };
                        count++;
                } else if (entry->type == JOURNAL_FAULT_ENDED && count) {
                        if (out)
                                out[count - 1].end_ns = entry->at_ns;
                        active -= active > 0;
                }
        }
        if (!count && record->faults && record->faults[fault].started_ns != TIME_NEVER) {
                if (out)
                        out[0] = (struct fault_window){ fault, 0, record->faults[fault].started_ns,
                                                        min_ns(record->faults[fault].ended_ns,
                                                               record->end_ns) };
                count = 1;
        }
        return count;
}

static bool find_windows(struct judge *judge, enum arm a)
{
        struct kept_arm *arm = &judge->kept->arms[a];
        const struct arm_record *record = judge->record->arms[a];
        size_t count = 0;

        for (uint32_t f = 0; f < judge->meta->fault_count; f++)
                count += windows_of_fault(record, f, NULL);
        arm->windows = ARENA_ARRAY(&judge->kept->arena, struct fault_window, count);
        if (!arm->windows)
                return false;
        for (uint32_t f = 0; f < judge->meta->fault_count; f++)
                arm->window_count += windows_of_fault(record, f, &arm->windows[arm->window_count]);
        return true;
}

static bool fault_is_on(const struct run_meta *meta, const struct kept_arm *arm, uint32_t fault,
                        uint32_t service)
{
        return arm->on_service[(size_t)fault * meta->service_count + service];
}

static bool reaches(const struct run_meta *meta, uint32_t from, uint32_t to)
{
        return from == to || (meta->services[from].reaches && meta->services[from].reaches[to]);
}

bool truth_fault_reaches(const struct run_meta *meta, const struct kept_arm *arm, uint32_t fault,
                         uint32_t service)
{
        for (uint32_t s = 0; s < meta->service_count; s++)
                if (fault_is_on(meta, arm, fault, s) && reaches(meta, service, s))
                        return true;
        return false;
}

/* ---- fault states */

static bool is_meant(const char *cause)
{
        static const char *const causes[] = { "action", "autoscal", "background", "benign", "boot",
                                              "deploy", "drain", "good", "replace", "restart",
                                              "rolled", "rollback", "scale", "start", "config" };

        for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++)
                if (!strncmp(cause, causes[i], strlen(causes[i])))
                        return true;
        return false;
}

static bool is_failed_state(const struct journal_entry *entry)
{
        static const char *const states[] = { "down", "hung", "zombie", "paused" };

        for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
                if (!strcmp(entry->kind, states[i]))
                        return !is_meant(entry->text);
        return false;
}

static int64_t state_end(const struct arm_record *record, size_t at)
{
        const struct journal_entry *entry = &record->journal[at];

        for (size_t i = at + 1; i < record->journal_count; i++) {
                const struct journal_entry *later = &record->journal[i];
                if (entry->type == JOURNAL_INSTANCE_STATE && later->type == entry->type &&
                    later->instance == entry->instance)
                        return later->at_ns;
                /* The next version that is wholly out and not bad itself. */
                if (entry->type == JOURNAL_DEPLOYMENT && later->type == entry->type &&
                    later->service == entry->service && !strcmp(later->kind, "finished") &&
                    later->value != 1)
                        return later->at_ns;
        }
        return record->end_ns;
}

static bool find_states(struct judge *judge, enum arm a)
{
        const struct run_meta *meta = judge->meta;
        const struct arm_record *record = judge->record->arms[a];
        struct kept_arm *arm = &judge->kept->arms[a];
        size_t room = record->journal_count + arm->window_count * meta->service_count;

        arm->states = calloc(room + 1, sizeof(*arm->states));
        if (!arm->states)
                return false;
        for (size_t w = 0; w < arm->window_count; w++)
                for (uint32_t s = 0; s < meta->service_count; s++)
                        if (meta->faults[arm->windows[w].fault].harmful &&
                            fault_is_on(meta, arm, arm->windows[w].fault, s))
                                arm->states[arm->state_count++] = (struct fault_state){
                                        s, arm->windows[w].start_ns, arm->windows[w].end_ns, false
                                };
        for (size_t i = 0; i < record->journal_count; i++) {
                const struct journal_entry *entry = &record->journal[i];
                bool failed = entry->type == JOURNAL_INSTANCE_STATE && is_failed_state(entry);
                bool bad = entry->type == JOURNAL_DEPLOYMENT && !strcmp(entry->kind, "started") &&
                           entry->value == 1;
                if (entry->service < meta->service_count && (failed || bad))
                        arm->states[arm->state_count++] = (struct fault_state){
                                entry->service, entry->at_ns, state_end(record, i), failed
                        };
        }
        /* Most entries of a journal are no states: keep what there is. */
        struct fault_state *states =
                ARENA_ARRAY(&judge->kept->arena, struct fault_state, arm->state_count);
        if (states && arm->state_count)
                memcpy(states, arm->states, arm->state_count * sizeof(*states));
        free(arm->states);
        arm->states = states;
        return states != NULL;
}

/* ---- incidents */

static enum severity severity_of(const struct kept_incident *incident)
{
        double share = incident->requests
                               ? (double)incident->bad_requests / (double)incident->requests
                               : 1;

        return share >= 0.5 ? SEVERITY_CRITICAL
               : share >= 0.2 ? SEVERITY_HIGH
               : share >= 0.05 ? SEVERITY_MEDIUM
                               : SEVERITY_LOW;
}

/* Of several faults the last to start before the onset is the cause that the
 * clock runs from; if none did, the first to start after it. */
static bool is_nearer_cause(int64_t start_ns, int64_t known_ns, int64_t onset_ns)
{
        if (known_ns == TIME_NEVER)
                return true;
        if (start_ns > onset_ns)
                return known_ns > onset_ns && start_ns < known_ns;
        return known_ns > onset_ns || start_ns > known_ns;
}

static bool attribute_faults(struct judge *judge, enum arm a)
{
        const struct run_meta *meta = judge->meta;
        struct kept_arm *arm = &judge->kept->arms[a];

        for (size_t i = 0; i < arm->incident_count; i++) {
                struct kept_incident *incident = &arm->incidents[i];
                bool *windows = ARENA_ARRAY(&judge->kept->arena, bool, arm->window_count);
                if (!windows)
                        return false;
                for (size_t w = 0; w < arm->window_count; w++) {
                        const struct fault_window *window = &arm->windows[w];
                        const struct meta_fault *fault = &meta->faults[window->fault];
                        windows[w] = fault->harmful && !fault->on_healer &&
                                     overlaps(window->start_ns, window->end_ns,
                                              incident->onset_ns - CAUSE_REACH_NS,
                                              incident->restored_ns) &&
                                     truth_fault_reaches(meta, arm, window->fault,
                                                         incident->service);
                        if (windows[w] &&
                            is_nearer_cause(window->start_ns, incident->fault_ns, incident->onset_ns)) {
                                incident->fault_ns = window->start_ns;
                                incident->failure_type =
                                        fault->failure_type ? fault->failure_type : fault->family;
                        }
                }
                incident->windows = windows;
                incident->severity = severity_of(incident);
        }
        return true;
}

bool truth_is_about(const struct run_meta *meta, const struct kept_arm *arm,
                    const struct kept_incident *incident, uint32_t service)
{
        if (service >= meta->service_count)
                return false;
        if (service == incident->service)
                return true;
        if (!reaches(meta, incident->service, service))
                return false;
        for (size_t w = 0; w < arm->window_count; w++)
                if (incident->windows[w] &&
                    truth_fault_reaches(meta, arm, arm->windows[w].fault, service))
                        return true;
        return false;
}

/* ---- what the healer said, against three truths */

/* The worlds whose incidents make an alarm of this arm true. */
static size_t worlds_of(enum arm a, enum arm out[3])
{
        size_t count = 0;

        out[count++] = a;
        if (is_faulted(a)) {
                if (a != ARM_SHADOW)
                        out[count++] = ARM_SHADOW;
                if (a != ARM_UNTREATED)
                        out[count++] = ARM_UNTREATED;
        } else if (a != ARM_CALM) {
                out[count++] = ARM_CALM;
        }
        return count;
}

static bool hurts_users(const struct judge *judge, enum arm a, uint32_t service, int64_t from_ns,
                        int64_t to_ns)
{
        enum arm worlds[3];
        size_t count = worlds_of(a, worlds);

        for (size_t k = 0; k < count; k++) {
                const struct kept_arm *arm = &judge->kept->arms[worlds[k]];
                for (size_t i = 0; i < arm->incident_count; i++) {
                        const struct kept_incident *incident = &arm->incidents[i];
                        if (overlaps(incident->onset_ns - CAUSE_REACH_NS,
                                     incident->restored_ns + AROUND_NS, from_ns, to_ns) &&
                            truth_is_about(judge->meta, arm, incident, service))
                                return true;
                }
        }
        return false;
}

static bool is_latent(const struct judge *judge, enum arm a, uint32_t service, int64_t from_ns,
                      int64_t to_ns)
{
        const struct kept_arm *arm = &judge->kept->arms[a];

        if (service >= judge->meta->service_count)
                return false;
        for (size_t i = 0; i < arm->state_count; i++) {
                const struct fault_state *state = &arm->states[i];
                if (judge->calls[(size_t)service * judge->meta->service_count + state->service] &&
                    overlaps(state->start_ns, state->end_ns + AROUND_NS, from_ns, to_ns))
                        return true;
        }
        return false;
}

static enum alarm_truth truth_at(const struct judge *judge, enum arm a, uint32_t service,
                                 int64_t from_ns, int64_t to_ns)
{
        return hurts_users(judge, a, service, from_ns, to_ns) ? TRUTH_IMPACT
               : is_latent(judge, a, service, from_ns, to_ns) ? TRUTH_LATENT
                                                              : TRUTH_NOTHING;
}

static struct kept_episode *episode_find(struct kept_arm *arm, uint64_t id)
{
        for (size_t i = 0; i < arm->episode_count; i++)
                if (arm->episodes[i].id == id)
                        return &arm->episodes[i];
        return NULL;
}

static int64_t first_alarm(const struct kept_arm *arm, const struct kept_episode *episode)
{
        int64_t first_ns = TIME_NEVER;

        for (size_t i = 0; i < arm->alarm_count; i++)
                if (arm->alarms[i].episode == episode->id)
                        first_ns = min_ns(first_ns, arm->alarms[i].at_ns);
        return first_ns;
}

/* What the episode's alarms say once more in [from, to): whether they say
 * anything, and whether something was there. */
static void judge_claim(const struct judge *judge, enum arm a, struct kept_episode *episode,
                        int64_t from_ns, int64_t to_ns)
{
        const struct kept_arm *arm = &judge->kept->arms[a];
        bool claims = false, right = false;

        for (size_t i = 0; i < arm->alarm_count; i++) {
                const struct kept_alarm *alarm = &arm->alarms[i];
                if (alarm->episode != episode->id || alarm->at_ns >= to_ns ||
                    alarm->cleared_ns <= from_ns)
                        continue;
                claims = true;
                right = right || truth_at(judge, a, alarm->service, max_ns(from_ns, alarm->at_ns),
                                          min_ns(to_ns, alarm->cleared_ns)) != TRUTH_NOTHING;
        }
        episode->later_claims += claims;
        episode->later_false += claims && !right;
}

static void judge_claims(const struct judge *judge, enum arm a)
{
        struct kept_arm *arm = &judge->kept->arms[a];
        int64_t window_ns = judge->meta->prediction_window_ns;

        for (size_t e = 0; e < arm->episode_count && window_ns > 0; e++) {
                struct kept_episode *episode = &arm->episodes[e];
                int64_t first_ns = first_alarm(arm, episode);
                if (first_ns == TIME_NEVER)
                        continue;
                for (int64_t at_ns = first_ns + window_ns;
                     at_ns < min_ns(episode->ended_ns, arm->end_ns); at_ns += window_ns)
                        if (at_ns + window_ns > 0)
                                judge_claim(judge, a, episode, at_ns, at_ns + window_ns);
        }
}

static enum alarm_truth max_truth(enum alarm_truth a, enum alarm_truth b)
{
        return a > b ? a : b;
}

static void judge_alarms(struct judge *judge, enum arm a)
{
        struct kept_arm *arm = &judge->kept->arms[a];

        for (size_t i = 0; i < arm->alarm_count; i++) {
                struct kept_alarm *alarm = &arm->alarms[i];
                struct kept_episode *episode = episode_find(arm, alarm->episode);
                alarm->truth = truth_at(judge, a, alarm->service, alarm->at_ns, alarm->cleared_ns);
                episode->truth = max_truth(alarm->truth, episode->truth);
        }
        for (size_t i = 0; i < arm->action_count; i++) {
                struct kept_action *action = &arm->actions[i];
                struct kept_episode *episode = episode_find(arm, action->episode);
                enum alarm_truth truth;
                if (episode && episode->alarm_count) {
                        action->false_action = episode->truth == TRUTH_NOTHING && !action->held_back;
                        continue;
                }
                /* No alarm stands behind it, a prediction perhaps: judged by
                 * itself, with the time in which a prediction may come true. What
                 * follows a right one in its episode gives back what that took. */
                truth = truth_at(judge, a, action->service, action->at_ns,
                                 action->at_ns + judge->meta->prediction_window_ns);
                if (episode) {
                        truth = max_truth(truth, episode->truth);
                        episode->truth = truth;
                }
                action->false_action = truth == TRUTH_NOTHING && !action->held_back;
        }
}

/* ---- predictions, judged in shadow */

struct foreseen {
        int64_t onset_ns;
        bool during, late;
};

static void foresee(const struct judge *judge, const struct kept_prediction *prediction,
                    int64_t start_ns, int64_t end_ns, struct foreseen *out)
{
        int64_t earliest = prediction->at_ns + judge->meta->minimum_lead_ns;
        int64_t latest = prediction->at_ns + judge->meta->prediction_window_ns;

        if (start_ns >= earliest && start_ns <= latest)
                out->onset_ns = min_ns(out->onset_ns, start_ns);
        else if (start_ns <= prediction->at_ns && end_ns > prediction->at_ns)
                out->during = true;
        else if (start_ns > prediction->at_ns && start_ns < earliest)
                out->late = true;
}

static void judge_prediction(const struct judge *judge, struct kept_prediction *prediction)
{
        struct kept_arm *shadow = &judge->kept->arms[ARM_SHADOW];
        struct foreseen seen = { TIME_NEVER, false, false };

        for (size_t i = 0; i < shadow->incident_count; i++) {
                const struct kept_incident *incident = &shadow->incidents[i];
                if (truth_is_about(judge->meta, shadow, incident, prediction->service))
                        foresee(judge, prediction, incident->onset_ns, incident->restored_ns, &seen);
        }
        for (size_t i = 0; i < shadow->state_count; i++) {
                const struct fault_state *state = &shadow->states[i];
                if (state->component_failed && state->service == prediction->service)
                        foresee(judge, prediction, state->start_ns, state->end_ns, &seen);
        }
        prediction->onset_ns = seen.onset_ns;
        if (shadow->run && seen.onset_ns != TIME_NEVER)
                prediction->verdict = PREDICTION_TRUE;
        else if (shadow->run && (seen.during || seen.late))
                prediction->verdict = PREDICTION_DURING;
        else if (!shadow->run || prediction->at_ns + judge->meta->prediction_window_ns > shadow->end_ns)
                prediction->verdict = PREDICTION_UNEVALUABLE;
        else
                prediction->verdict = PREDICTION_FALSE;
}

/* Predictions are judged in shadow, those of a world without faults in calm:
 * there they are false unless the fleet's own noise makes them true. */
static void judge_predictions(struct judge *judge, enum arm a)
{
        struct kept_arm *arm = &judge->kept->arms[a];

        for (size_t i = 0; i < arm->prediction_count; i++) {
                struct kept_prediction *prediction = &arm->predictions[i];
                if (is_faulted(a)) {
                        judge_prediction(judge, prediction);
                        continue;
                }
                int64_t until = prediction->at_ns + judge->meta->prediction_window_ns;
                bool hurt = hurts_users(judge, a, prediction->service, prediction->at_ns, until);
                prediction->verdict = hurt                  ? PREDICTION_TRUE
                                      : until > arm->end_ns ? PREDICTION_UNEVALUABLE
                                                            : PREDICTION_FALSE;
        }
        for (size_t k = 0; k < arm->incident_count; k++) {
                struct kept_incident *incident = &arm->incidents[k];
                for (size_t i = 0; i < arm->prediction_count; i++) {
                        const struct kept_prediction *prediction = &arm->predictions[i];
                        int64_t lead = incident->onset_ns - prediction->at_ns;
                        if (lead > 0 && lead <= judge->meta->prediction_window_ns &&
                            truth_is_about(judge->meta, arm, incident, prediction->service))
                                incident->predicted_ns =
                                        min_ns(incident->predicted_ns, prediction->at_ns);
                }
        }
}

/* ---- clock points d and a, and people */

static void find_clock_points(struct judge *judge, enum arm a)
{
        struct kept_arm *arm = &judge->kept->arms[a];
        const struct arm_record *record = judge->record->arms[a];

        for (size_t k = 0; k < arm->incident_count; k++) {
                struct kept_incident *incident = &arm->incidents[k];
                int64_t from = incident->onset_ns - CAUSE_REACH_NS;
                for (size_t i = 0; i < arm->alarm_count; i++) {
                        const struct kept_alarm *alarm = &arm->alarms[i];
                        if (overlaps(alarm->at_ns, alarm->cleared_ns, from, incident->restored_ns) &&
                            truth_is_about(judge->meta, arm, incident, alarm->service))
                                incident->detected_ns = min_ns(incident->detected_ns, alarm->at_ns);
                }
                for (size_t i = 0; i < arm->action_count; i++) {
                        const struct kept_action *action = &arm->actions[i];
                        int64_t end = action->finished_ns == TIME_NEVER ? arm->end_ns
                                                                        : action->finished_ns;
                        if (!action->held_back &&
                            overlaps(action->at_ns, end, from, incident->restored_ns) &&
                            truth_is_about(judge->meta, arm, incident, action->service))
                                incident->acted_ns = min_ns(incident->acted_ns, action->at_ns);
                }
                for (size_t i = 0; i < record->journal_count; i++) {
                        const struct journal_entry *entry = &record->journal[i];
                        if (entry->type == JOURNAL_ESCALATION && strcmp(entry->kind, "paged") != 0 &&
                            overlaps(entry->at_ns, entry->at_ns, incident->onset_ns,
                                     incident->restored_ns) &&
                            truth_is_about(judge->meta, arm, incident, entry->service))
                                incident->touched_by_human = true;
                }
        }
}

/* ---- did it help, was it the right thing */

/* Bad requests and time of this service's incidents around a stretch of time. */
struct harm {
        uint64_t bad_requests;
        int64_t for_ns;
};

static struct harm harm_around(const struct kept_arm *arm, uint32_t service, int64_t from_ns,
                               int64_t to_ns)
{
        struct harm harm = { 0, 0 };

        for (size_t i = 0; i < arm->incident_count; i++) {
                const struct kept_incident *incident = &arm->incidents[i];
                if (incident->service != service ||
                    !overlaps(incident->onset_ns - AROUND_NS, incident->restored_ns + AROUND_NS,
                              from_ns, to_ns))
                        continue;
                harm.bad_requests += incident->bad_requests;
                harm.for_ns += incident->restored_ns - incident->onset_ns;
        }
        return harm;
}

static bool is_worse(struct harm twin, struct harm own)
{
        return twin.bad_requests > own.bad_requests ||
               (twin.bad_requests == own.bad_requests && twin.for_ns > own.for_ns);
}

static bool episode_names(const struct run_meta *meta, const struct kept_arm *arm,
                          const struct kept_episode *episode, const struct kept_arm *world,
                          const struct kept_incident *incident)
{
        for (size_t i = 0; i < arm->alarm_count; i++)
                if (arm->alarms[i].episode == episode->id &&
                    truth_is_about(meta, world, incident, arm->alarms[i].service))
                        return true;
        for (size_t i = 0; i < arm->action_count; i++)
                if (arm->actions[i].episode == episode->id &&
                    truth_is_about(meta, world, incident, arm->actions[i].service))
                        return true;
        return false;
}

/* Healed: every incident that it was about was over within tau after the last
 * action, and untreated had it worse; or there was none here, and untreated
 * had one. Where users felt some of them, worse is what they felt: an inner
 * service is spared, or refused, for their sake. About nothing: a failure when
 * its alarms are false, else (a latent fault that would not have hurt) nothing
 * to judge. */
static int8_t judge_healing(const struct judge *judge, enum arm a, struct kept_episode *episode)
{
        const struct run_meta *meta = judge->meta;
        const struct kept_arm *arm = &judge->kept->arms[a];
        const struct kept_arm *twin = &judge->kept->arms[is_faulted(a) ? ARM_UNTREATED : ARM_CALM];
        int64_t from = min_ns(episode->opened_ns, episode->acted_ns);
        int64_t last = episode->last_action_ns;
        bool about_one = false;
        bool felt = false;
        bool ended = true;
        bool better[2] = { true, true }; /* [user_visible] */

        for (size_t i = 0; i < arm->incident_count; i++) {
                const struct kept_incident *incident = &arm->incidents[i];
                struct harm own = { incident->bad_requests,
                                    incident->restored_ns - incident->onset_ns };
                if (!overlaps(incident->onset_ns - CAUSE_REACH_NS, incident->restored_ns, from,
                              last) ||
                    !episode_names(meta, arm, episode, arm, incident))
                        continue;
                if (!about_one)
                        episode->incident = i;
                about_one = true;
                felt |= incident->user_visible;
                if (incident->open || incident->restored_ns > last + meta->horizon_ns)
                        ended = false;
                if (!is_worse(harm_around(twin, incident->service, incident->onset_ns,
                                          incident->restored_ns),
                              own))
                        better[incident->user_visible] = false;
        }
        if (about_one)
                return twin->run && ended && better[felt];
        for (size_t i = 0; i < twin->incident_count; i++) {
                const struct kept_incident *incident = &twin->incidents[i];
                if (overlaps(incident->onset_ns - CAUSE_REACH_NS, incident->restored_ns, from,
                             last + meta->prediction_window_ns) &&
                    episode_names(meta, arm, episode, twin, incident) &&
                    !harm_around(arm, incident->service, incident->onset_ns, incident->restored_ns)
                             .for_ns)
                        return 1;
        }
        return episode->truth == TRUTH_NOTHING ? 0 : -1;
}

static bool is_right_target(const struct run_meta *meta, const struct kept_arm *arm,
                            const struct kept_incident *incident, uint32_t service)
{
        for (size_t w = 0; w < arm->window_count; w++)
                if (incident->windows[w] && service < meta->service_count &&
                    fault_is_on(meta, arm, arm->windows[w].fault, service))
                        return true;
        return false;
}

static bool has_cause(const struct kept_arm *arm, const struct kept_incident *incident)
{
        for (size_t w = 0; w < arm->window_count; w++)
                if (incident->windows[w])
                        return true;
        return false;
}

/* The first incident that an episode is about; SIZE_MAX: none. */
static size_t incident_about(const struct judge *judge, const struct kept_arm *arm,
                             const struct kept_episode *episode)
{
        for (size_t i = 0; i < arm->incident_count; i++)
                if (overlaps(arm->incidents[i].onset_ns - CAUSE_REACH_NS,
                             arm->incidents[i].restored_ns, episode->opened_ns,
                             episode->ended_ns) &&
                    episode_names(judge->meta, arm, episode, arm, &arm->incidents[i]))
                        return i;
        return SIZE_MAX;
}

/* Diagnoses of the episode: the last word on each rank counts. */
static void judge_diagnosis(const struct judge *judge, enum arm a, struct kept_episode *episode)
{
        const struct kept_arm *arm = &judge->kept->arms[a];
        const struct arm_record *record = judge->record->arms[a];
        uint32_t said[4] = { RECORD_NONE, RECORD_NONE, RECORD_NONE, RECORD_NONE };
        const struct kept_incident *incident;

        if (episode->incident == SIZE_MAX)
                episode->incident = incident_about(judge, arm, episode);
        if (episode->incident == SIZE_MAX)
                return;
        incident = &arm->incidents[episode->incident];
        if (!has_cause(arm, incident))
                return;
        for (size_t i = 0; i < record->journal_count; i++) {
                const struct journal_entry *entry = &record->journal[i];
                if (entry->type == JOURNAL_DIAGNOSIS && entry->episode == episode->id &&
                    entry->rank >= 1 && entry->rank <= 3)
                        said[entry->rank] = entry->service;
        }
        if (said[1] == RECORD_NONE)
                return;
        episode->cause_top1 = is_right_target(judge->meta, arm, incident, said[1]);
        episode->cause_top3 = episode->cause_top1;
        for (unsigned rank = 2; rank <= 3; rank++)
                if (is_right_target(judge->meta, arm, incident, said[rank]))
                        episode->cause_top3 = 1;
}

/* Actions that only look or call someone are neither right nor wrong. */
static bool is_cure(const struct run_meta *meta, uint32_t action)
{
        static const char *const others[] = { "escalate", "enable_monitoring", "health_check" };

        if (action >= meta->action_kind_count)
                return false;
        for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
                if (!strcmp(meta->action_names[action], others[i]))
                        return false;
        return true;
}

/* Kinds of action that cure this fault, without those that are no cure. */
static uint32_t cures_of(const struct run_meta *meta, uint32_t fault)
{
        uint32_t cures = 0;

        for (uint32_t k = 0; k < meta->action_kind_count && k < 32; k++)
                if (meta->faults[fault].cured_by & (UINT32_C(1) << k) && is_cure(meta, k))
                        cures |= UINT32_C(1) << k;
        return cures;
}

/* An action is judged when a fault was there that it may have meant: one
 * active at its start, or within 60 s before, reached by the named service. */
static void judge_action(const struct judge *judge, enum arm a, struct kept_action *action)
{
        const struct run_meta *meta = judge->meta;
        const struct kept_arm *arm = &judge->kept->arms[a];
        uint32_t cures = 0;
        bool meant = false;
        bool on_target = false;

        if (action->held_back || !is_cure(meta, action->action) ||
            action->service >= meta->service_count)
                return;
        for (size_t w = 0; w < arm->window_count; w++) {
                const struct fault_window *window = &arm->windows[w];
                if (!meta->faults[window->fault].harmful ||
                    !overlaps(window->start_ns, window->end_ns + CAUSE_REACH_NS, action->at_ns,
                              action->at_ns))
                        continue;
                meant = true;
                on_target |= fault_is_on(meta, arm, window->fault, action->service);
                if (truth_fault_reaches(meta, arm, window->fault, action->service))
                        cures |= cures_of(meta, window->fault);
        }
        if (!meant)
                return;
        action->right_target = on_target;
        if (cures)
                action->right_action = (cures >> action->action & 1) != 0;
}

static void judge_deeds(struct judge *judge, enum arm a)
{
        struct kept_arm *arm = &judge->kept->arms[a];

        for (size_t i = 0; i < arm->episode_count; i++) {
                struct kept_episode *episode = &arm->episodes[i];
                if (!episode->action_count)
                        continue;
                episode->healed = judge_healing(judge, a, episode);
        }
        for (size_t i = 0; i < arm->episode_count; i++)
                judge_diagnosis(judge, a, &arm->episodes[i]);
        for (size_t i = 0; i < arm->action_count; i++)
                judge_action(judge, a, &arm->actions[i]);
}

/* ---- the one-minute grid, and time under alarm */

enum cell { CELL_WRONG = 1, CELL_FALSE = 2 };

static void mark(uint8_t *cells, size_t count, int64_t from_ns, int64_t to_ns, enum cell mark)
{
        size_t first = (size_t)(max_ns(from_ns, 0) / NS_PER_MIN);

        if (to_ns < 0)
                return;
        for (size_t i = first; i < count && (int64_t)i * NS_PER_MIN <= to_ns; i++)
                cells[i] |= mark;
}

static void mark_truth(const struct judge *judge, enum arm a, uint32_t service, uint8_t *cells,
                       size_t count)
{
        enum arm worlds[3];
        size_t world_count = worlds_of(a, worlds);
        const struct kept_arm *own = &judge->kept->arms[a];

        for (size_t k = 0; k < world_count; k++) {
                const struct kept_arm *arm = &judge->kept->arms[worlds[k]];
                for (size_t i = 0; i < arm->incident_count; i++)
                        if (truth_is_about(judge->meta, arm, &arm->incidents[i], service))
                                mark(cells, count, arm->incidents[i].onset_ns - CAUSE_REACH_NS,
                                     arm->incidents[i].restored_ns + AROUND_NS, CELL_WRONG);
        }
        for (size_t i = 0; i < own->state_count; i++)
                if (judge->calls[(size_t)service * judge->meta->service_count +
                                 own->states[i].service])
                        mark(cells, count, own->states[i].start_ns,
                             own->states[i].end_ns + AROUND_NS, CELL_WRONG);
}

/* An alarm, and what it says again while it stays on, where that is false. */
static void mark_alarm(const struct judge *judge, enum arm a, const struct kept_alarm *alarm,
                       uint8_t *cells, size_t count)
{
        int64_t window_ns = judge->meta->prediction_window_ns;
        int64_t length_ns = alarm->cleared_ns - alarm->at_ns;

        if (alarm->truth == TRUTH_NOTHING) {
                mark(cells, count, alarm->at_ns, alarm->cleared_ns, CELL_FALSE);
                return;
        }
        for (int64_t said_ns = window_ns; window_ns > 0 && said_ns < length_ns;
             said_ns += window_ns) {
                int64_t from_ns = alarm->at_ns + said_ns;
                int64_t to_ns = min_ns(from_ns + window_ns, alarm->cleared_ns);
                if (truth_at(judge, a, alarm->service, from_ns, to_ns) == TRUTH_NOTHING)
                        mark(cells, count, from_ns, to_ns, CELL_FALSE);
        }
}

static void mark_words(const struct judge *judge, enum arm a, uint32_t service, uint8_t *cells,
                       size_t count)
{
        const struct kept_arm *arm = &judge->kept->arms[a];

        for (size_t i = 0; i < arm->alarm_count; i++)
                if (arm->alarms[i].service == service)
                        mark_alarm(judge, a, &arm->alarms[i], cells, count);
        for (size_t i = 0; i < arm->prediction_count; i++) {
                const struct kept_prediction *prediction = &arm->predictions[i];
                if (prediction->service == service && prediction->verdict == PREDICTION_FALSE)
                        mark(cells, count, prediction->at_ns,
                             min_ns(prediction->eta_ns,
                                    prediction->at_ns + judge->meta->prediction_window_ns),
                             CELL_FALSE);
        }
}

static int64_t alarm_time(const struct kept_arm *arm, uint32_t service)
{
        int64_t sum = 0;
        int64_t covered_to = 0;

        /* Alarms come by time of their start. */
        for (size_t i = 0; i < arm->alarm_count; i++) {
                const struct kept_alarm *alarm = &arm->alarms[i];
                int64_t from = max_ns(alarm->at_ns, covered_to);
                int64_t to = min_ns(alarm->cleared_ns, arm->end_ns);
                if (alarm->service != service || to <= from)
                        continue;
                sum += to - from;
                covered_to = to;
        }
        return sum;
}

static bool judge_grid(struct judge *judge, enum arm a)
{
        const struct run_meta *meta = judge->meta;
        struct kept_arm *arm = &judge->kept->arms[a];
        struct kept_service *fleet = &arm->services[meta->service_count];
        size_t count = (size_t)(max_ns(arm->end_ns, 0) / NS_PER_MIN);
        uint8_t *cells = malloc(count + 1);

        if (!cells)
                return false;
        for (uint32_t s = 0; s < meta->service_count; s++) {
                struct kept_service *service = &arm->services[s];
                memset(cells, 0, count + 1);
                mark_truth(judge, a, s, cells, count);
                mark_words(judge, a, s, cells, count);
                for (size_t i = 0; i < count; i++) {
                        service->cells_false += cells[i] == CELL_FALSE;
                        service->cells_right += cells[i] == 0;
                }
                service->alarm_s = seconds_of(alarm_time(arm, s));
                fleet->cells_false += service->cells_false;
                fleet->cells_right += service->cells_right;
                fleet->alarm_s += service->alarm_s;
        }
        free(cells);
        return true;
}

/* ---- traffic */

static uint64_t judged_between(const struct arm_record *arm, uint32_t service, int64_t from_ns,
                               int64_t to_ns)
{
        const struct service_measure *measure = &arm->services[service];
        uint64_t sum = 0;

        for (size_t i = (size_t)(max_ns(from_ns, 0) / NS_PER_S);
             i < measure->second_count && (int64_t)i * NS_PER_S < to_ns; i++)
                sum += measure->seconds[i].good + measure->seconds[i].bad;
        return sum;
}

/* Where treated sends a service less than half of what calm does, it is not bad
 * for lack of calls: somebody above refuses them, or fails. */
static void find_starved(struct judge *judge)
{
        struct kept_arm *untreated = &judge->kept->arms[ARM_UNTREATED];
        const struct arm_record *treated = judge->record->arms[ARM_TREATED];
        const struct arm_record *calm = judge->record->arms[ARM_CALM];

        for (size_t i = 0; treated && calm && i < untreated->incident_count; i++) {
                struct kept_incident *incident = &untreated->incidents[i];
                uint64_t usual = judged_between(calm, incident->service, incident->onset_ns,
                                                incident->restored_ns);
                uint64_t sent = judged_between(treated, incident->service, incident->onset_ns,
                                               incident->restored_ns);
                incident->starved = sent * 2 < usual;
        }
}

/* ---- all of it */

static bool find_calls(struct judge *judge)
{
        const struct run_meta *meta = judge->meta;

        judge->calls = calloc((size_t)meta->service_count * meta->service_count + 1, sizeof(bool));
        if (!judge->calls)
                return false;
        for (uint32_t s = 0; s < meta->service_count; s++)
                judge->calls[(size_t)s * meta->service_count + s] = true;
        for (uint32_t e = 0; e < meta->edge_count; e++)
                if (meta->edges[e].from < meta->service_count &&
                    meta->edges[e].to < meta->service_count)
                        judge->calls[(size_t)meta->edges[e].from * meta->service_count +
                                     meta->edges[e].to] = true;
        return true;
}

bool truth_judge(const struct run_meta *meta, const struct replication_record *record,
                 struct kept *kept)
{
        struct judge judge = { meta, record, kept, NULL };
        bool judged = false;

        if (!find_calls(&judge))
                goto done;
        for (unsigned a = 0; a < ARM_COUNT; a++)
                if (kept->arms[a].run &&
                    (!find_windows(&judge, a) || !find_states(&judge, a) ||
                     !attribute_faults(&judge, a)))
                        goto done;
        for (unsigned a = 0; a < ARM_COUNT; a++) {
                if (!kept->arms[a].run)
                        continue;
                judge_alarms(&judge, a);
                judge_claims(&judge, a);
                judge_predictions(&judge, a);
                find_clock_points(&judge, a);
                judge_deeds(&judge, a);
                if (!judge_grid(&judge, a))
                        goto done;
        }
        find_starved(&judge);
        kept_forget_warmup(kept);
        judged = true;
done:
        free(judge.calls);
        return judged;
}
