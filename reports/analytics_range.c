/* analytics_range.c - analytics of a part of the time, from a stored result.
 *
 * The lists of result.json are turned back into what was kept of each
 * replication, those of the range only, and analytics.c does the rest: there is
 * one definition of everything. The range is then all the time there is, so that
 * rates are per hour of it.
 *
 * What a result has for whole runs alone (openings of breakers, time degraded)
 * counts as none in the range only when there was none at all.
 */
#include "reports/analytics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/arena.h"
#include "reports/report.h"

enum { ACTION_NAMES_MAX = 64 };

struct range {
        const json_t *result;
        double from_s, to_s;
        struct arena arena;
        struct run_meta meta;
        const char *action_names[ACTION_NAMES_MAX];
        struct kept *all; /* [count] */
        size_t count;
        double first; /* number of the first replication */
};

/* ---- pieces */

static int64_t ns_of(const json_t *row, const char *key)
{
        double seconds = result_number(row, key);

        return isnan(seconds) || fabs(seconds) > 9e9 ? TIME_NEVER : (int64_t)llround(seconds * 1e9);
}

static int8_t judged(const json_t *row, const char *key)
{
        const json_t *value = json_object_get(row, key);

        return json_is_boolean(value) ? (int8_t)json_is_true(value) : (int8_t)-1;
}

static uint64_t count_of(const json_t *row, const char *key)
{
        double value = result_number(row, key);

        return value > 0 && value < 1e18 ? (uint64_t)value : 0;
}

static uint32_t service_of(const struct range *range, const json_t *row)
{
        const char *name = result_text(row, "service");

        for (uint32_t s = 0; s < range->meta.service_count; s++)
                if (strcmp(range->meta.services[s].name, name) == 0)
                        return s;
        return RECORD_NONE;
}

static uint32_t action_of(struct range *range, const char *name)
{
        uint32_t i = 0;

        while (i < range->meta.action_kind_count && strcmp(range->action_names[i], name) != 0)
                i++;
        if (i == range->meta.action_kind_count && i < ACTION_NAMES_MAX)
                range->action_names[range->meta.action_kind_count++] = name;
        return i;
}

/* Numbers that the healer did not give count down from the top. */
static uint64_t episode_of(const json_t *row, size_t index)
{
        const json_t *id = json_object_get(row, "episode");

        return json_is_integer(id) ? (uint64_t)json_integer_value(id) : UINT64_MAX - index;
}

static struct kept *replication_of(const struct range *range, const json_t *row)
{
        double index = result_number(row, "run") - range->first;

        return index >= 0 && index < (double)range->count ? &range->all[(size_t)index] : NULL;
}

static bool is_inside(const struct range *range, const json_t *row, const char *key)
{
        double at = result_number(row, key);

        return at >= range->from_s && at <= range->to_s;
}

/* ---- meta */

static bool read_services(struct range *range)
{
        const json_t *list = json_object_get(range->result, "services");
        size_t index;
        json_t *row;

        range->meta.services = ARENA_ARRAY(&range->arena, struct meta_service,
                                           json_array_size(list) + 1);
        if (range->meta.services == NULL)
                return false;
        json_array_foreach(list, index, row)
        {
                struct meta_service *service = &range->meta.services[range->meta.service_count++];

                service->name = result_text(row, "name");
                service->entry = result_true(row, "entry");
                service->has_slo = json_is_number(json_object_get(row, "slo_target"));
                service->instance_count = (uint32_t)count_of(row, "instances");
        }
        return range->meta.service_count > 0;
}

static bool read_faults(struct range *range)
{
        const json_t *list = json_object_get(range->result, "faults");
        size_t index;
        json_t *row;

        range->meta.faults = ARENA_ARRAY(&range->arena, struct meta_fault, json_array_size(list) + 1);
        if (range->meta.faults == NULL)
                return false;
        json_array_foreach(list, index, row)
        {
                range->meta.faults[range->meta.fault_count].name = result_text(row, "name");
                range->meta.faults[range->meta.fault_count++].kind = result_text(row, "fault");
        }
        return true;
}

/* ---- lists */

static const json_t *list_of(const struct range *range, const char *arm, const char *list)
{
        return json_object_get(
                json_object_get(json_object_get(range->result, "arms"), arm), list);
}

/* How many rows of a list fall to each replication is not known before. */
static bool make_room(struct range *range, const char *list, enum arm arm, size_t size,
                      size_t offset)
{
        size_t *counts = calloc(range->count + 1, sizeof(*counts)), index;
        json_t *row;

        if (counts == NULL)
                return false;
        json_array_foreach(list_of(range, arm_names[arm], list), index, row)
        {
                struct kept *kept = replication_of(range, row);

                if (kept != NULL)
                        counts[kept - range->all]++;
        }
        for (size_t r = 0; r < range->count; r++) {
                void *rows = arena_alloc(&range->arena, counts[r] + 1, size);

                memcpy((char *)&range->all[r].arms[arm] + offset, &rows, sizeof(rows));
                if (rows == NULL) {
                        free(counts);
                        return false;
                }
        }
        free(counts);
        return true;
}

static const bool *windows_of(struct range *range, const json_t *row)
{
        bool *windows = ARENA_ARRAY(&range->arena, bool, range->meta.fault_count + 1);
        size_t index;
        json_t *name;

        json_array_foreach(json_object_get(row, "faults"), index, name) for (
                uint32_t f = 0; windows != NULL && f < range->meta.fault_count;
                f++) windows[f] |= strcmp(range->meta.faults[f].name,
                                          json_string_value(name) == NULL
                                                  ? ""
                                                  : json_string_value(name)) == 0;
        return windows;
}

static enum fate fate_of(const char *name)
{
        for (int fate = 0; fate < FATE_COUNT; fate++)
                if (strcmp(fate_names[fate], name) == 0)
                        return (enum fate)fate;
        return FATE_NONE;
}

static enum severity severity_of(const char *name)
{
        for (int severity = 0; severity < SEVERITY_COUNT; severity++)
                if (strcmp(severity_names[severity], name) == 0)
                        return (enum severity)severity;
        return SEVERITY_LOW;
}

static bool read_incidents(struct range *range, enum arm arm)
{
        size_t index;
        json_t *row;

        if (!make_room(range, "incidents", arm, sizeof(struct kept_incident),
                       offsetof(struct kept_arm, incidents)))
                return false;
        json_array_foreach(list_of(range, arm_names[arm], "incidents"), index, row)
        {
                struct kept *kept = replication_of(range, row);
                uint32_t service = service_of(range, row);
                struct kept_incident *incident;
                int64_t end_ns = ns_of(row, "end");

                if (kept == NULL || service == RECORD_NONE || !is_inside(range, row, "o"))
                        continue;
                incident = &kept->arms[arm].incidents[kept->arms[arm].incident_count++];
                *incident = (struct kept_incident){
                        .service = service,
                        .user_visible = result_true(row, "user_visible"),
                        .open = !json_is_number(json_object_get(row, "r")),
                        .fault_ns = ns_of(row, "f"),
                        .onset_ns = ns_of(row, "o"),
                        .detected_ns = ns_of(row, "d"),
                        .acted_ns = ns_of(row, "a"),
                        .bad_requests = count_of(row, "bad_requests"),
                        .requests = count_of(row, "requests"),
                        .failure_type = result_text(row, "failure_type"),
                        .severity = severity_of(result_text(row, "severity")),
                        .fate = fate_of(result_text(row, "fate")),
                        .by_prediction =
                                strcmp(result_text(row, "prevented_by"), "prediction") == 0,
                        .windows = windows_of(range, row),
                };
                incident->restored_ns = incident->open ? max_ns(end_ns, incident->onset_ns)
                                                       : ns_of(row, "r");
                if (incident->windows == NULL || incident->restored_ns == TIME_NEVER)
                        return false;
        }
        return true;
}

static bool read_actions(struct range *range)
{
        size_t index;
        json_t *row;

        if (!make_room(range, "actions", ARM_TREATED, sizeof(struct kept_action),
                       offsetof(struct kept_arm, actions)))
                return false;
        json_array_foreach(list_of(range, "treated", "actions"), index, row)
        {
                struct kept *kept = replication_of(range, row);
                struct kept_action *action;

                if (kept == NULL)
                        continue;
                action = &kept->arms[ARM_TREATED].actions[kept->arms[ARM_TREATED].action_count++];
                *action = (struct kept_action){
                        .episode = episode_of(row, index),
                        .action = action_of(range, result_text(row, "action")),
                        .service = service_of(range, row),
                        .instance = json_is_integer(json_object_get(row, "instance"))
                                            ? (uint32_t)count_of(row, "instance")
                                            : RECORD_NONE,
                        .at_ns = ns_of(row, "t"),
                        .finished_ns = ns_of(row, "finished"),
                        .ok = result_true(row, "ok"),
                        .held_back = result_true(row, "held_back"),
                };
        }
        return true;
}

static void link_actions(struct kept_arm *arm, struct kept_episode *episode)
{
        for (size_t i = 0; i < arm->action_count; i++) {
                const struct kept_action *action = &arm->actions[i];

                if (action->episode != episode->id || action->held_back)
                        continue;
                episode->action_count++;
                episode->last_action = action->action;
                if (action->finished_ns != TIME_NEVER &&
                    (episode->last_action_ns == TIME_NEVER ||
                     action->finished_ns > episode->last_action_ns))
                        episode->last_action_ns = action->finished_ns;
        }
}

static bool read_episodes(struct range *range)
{
        size_t index;
        json_t *row;

        if (!make_room(range, "episodes", ARM_TREATED, sizeof(struct kept_episode),
                       offsetof(struct kept_arm, episodes)))
                return false;
        json_array_foreach(list_of(range, "treated", "episodes"), index, row)
        {
                struct kept *kept = replication_of(range, row);
                struct kept_episode *episode;
                int64_t restored_ns = ns_of(row, "incident_restored");

                if (kept == NULL || !is_inside(range, row, "opened"))
                        continue;
                episode = &kept->arms[ARM_TREATED]
                                   .episodes[kept->arms[ARM_TREATED].episode_count++];
                *episode = (struct kept_episode){
                        .id = episode_of(row, index),
                        .service = service_of(range, row),
                        .opened_ns = ns_of(row, "opened"),
                        .acted_ns = ns_of(row, "acted"),
                        .last_action_ns = TIME_NEVER,
                        .failure_type = result_text(row, "failure_type"),
                        .severity = result_text(row, "severity"),
                        .stages = (result_true(row, "claimed") ? STAGE_CLAIMED : 0) |
                                  (result_true(row, "verified") ? STAGE_VERIFIED : 0),
                        .healed = judged(row, "healed"),
                        .cause_top1 = judged(row, "root_cause_right"),
                        .cause_top3 = -1,
                        .incident = SIZE_MAX,
                };
                link_actions(&kept->arms[ARM_TREATED], episode);
                if (episode->last_action_ns == TIME_NEVER)
                        episode->last_action_ns = episode->acted_ns;
                if (restored_ns != TIME_NEVER) /* healing_time() ends there */
                        episode->last_action_ns = max_ns(restored_ns, episode->acted_ns);
        }
        return true;
}

/* After episodes were tied to all their actions, those outside of the range go. */
static void forget_actions(struct range *range)
{
        const int64_t from = (int64_t)(range->from_s * 1e9), to = (int64_t)(range->to_s * 1e9);

        for (size_t r = 0; r < range->count; r++) {
                struct kept_arm *arm = &range->all[r].arms[ARM_TREATED];
                size_t left = 0;

                for (size_t i = 0; i < arm->action_count; i++) {
                        bool wanted = arm->actions[i].at_ns >= from && arm->actions[i].at_ns <= to;

                        for (size_t k = 0; k < arm->episode_count && !wanted; k++)
                                wanted = arm->episodes[k].id == arm->actions[i].episode;
                        if (wanted)
                                arm->actions[left++] = arm->actions[i];
                }
                arm->action_count = left;
        }
}

/* ---- all */

static double whole_value(const struct range *range, const char *metric)
{
        double value = result_number(
                json_object_get(result_at(range->result, "arms.treated.metrics"), metric), "value");

        return isnan(value) ? 0 : value;
}

static bool begin_replications(struct range *range)
{
        double runs = result_number(range->result, "runs");
        const int64_t length_ns = (int64_t)((range->to_s - range->from_s) * 1e9);

        if (!(runs >= 1) || runs > 1e7)
                return false;
        range->count = (size_t)runs;
        range->all = ARENA_ARRAY(&range->arena, struct kept, range->count);
        if (range->all == NULL)
                return false;
        if (range->count == 1) /* it may be any */
                range->first = result_number(
                        json_array_get(list_of(range, "treated", "incidents"), 0), "run");
        if (isnan(range->first))
                range->first = 0;
        for (size_t r = 0; r < range->count; r++) {
                range->all[r].replication = (uint32_t)(range->first + (double)r);
                for (int a = 0; a < ARM_COUNT; a++) {
                        struct kept_arm *arm = &range->all[r].arms[a];

                        arm->run = json_is_object(json_object_get(
                                json_object_get(range->result, "arms"), arm_names[a]));
                        arm->end_ns = max_ns(length_ns, 1);
                        arm->window_count = range->meta.fault_count;
                        arm->services = ARENA_ARRAY(&range->arena, struct kept_service,
                                                    range->meta.service_count + 1);
                        if (arm->services == NULL)
                                return false;
                }
                range->all[r].arms[ARM_TREATED].breaker_opened =
                        (uint64_t)ceil(whole_value(range, "breaker_opened"));
                range->all[r].arms[ARM_TREATED].degraded_s = whole_value(range, "time_degraded");
        }
        return true;
}

static json_t *timeline_of(const struct range *range)
{
        json_t *list = json_array(), *row;
        size_t index;

        json_array_foreach(result_at(range->result, "analytics.timeline"), index, row) if (
                list != NULL && is_inside(range, row, "t")) json_array_append(list, row);
        return list;
}

static json_t *make_analytics(struct range *range)
{
        struct kept **all = calloc(range->count + 1, sizeof(*all));
        const struct graded graded = {.meta = &range->meta,
                                      .all = all,
                                      .count = range->count,
                                      .invariants_hold = true,
                                      .from_ns = (int64_t)(range->from_s * 1e9)};
        json_t *analytics = NULL;

        if (all == NULL)
                return NULL;
        for (size_t r = 0; r < range->count; r++)
                all[r] = &range->all[r];
        range->meta.action_names = range->action_names;
        analytics = analytics_json(&graded, timeline_of(range));
        if (analytics != NULL)
                json_object_set_new(analytics, "range",
                                    json_pack("{s:f, s:f}", "from", range->from_s, "to",
                                              range->to_s));
        free(all);
        return analytics;
}

json_t *analytics_of_range(const json_t *result, double from_s, double to_s)
{
        struct range range = {.result = result, .from_s = from_s, .to_s = to_s};
        json_t *analytics = NULL;

        arena_init(&range.arena);
        range.meta.horizon_ns =
                ns_of(result_at(result, "arms.treated.metrics.mttr"), "tau");
        if (read_services(&range) && read_faults(&range) && begin_replications(&range) &&
            read_incidents(&range, ARM_TREATED) && read_incidents(&range, ARM_UNTREATED) &&
            read_actions(&range) && read_episodes(&range)) {
                forget_actions(&range);
                analytics = make_analytics(&range);
        }
        arena_release(&range.arena);
        return analytics;
}
