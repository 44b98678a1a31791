/* tests/hand_made.h - records made by hand, whose metrics are known by hand.
 *
 * Three services: `front`, the entry, calls `pay` and `cart`. Two faults: 0 on
 * pay ("slow pay"), 1 on cart ("leak"). Every arm of a new world is an hour in
 * which nothing happens; a test adds incidents and journal entries and looks
 * at what the grade makes of them. Times are given in seconds.
 *
 * An incident also adds its bad requests to the counts of its service, so that
 * requests and incidents agree.
 */
#ifndef TESTS_HAND_MADE_H
#define TESTS_HAND_MADE_H

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/grade.h"

enum { FRONT, PAY, CART, SERVICES };
enum { SLOW_PAY, LEAK, FAULTS };
enum { RESTART, SCALE, ESCALATE, ACTIONS };
enum { HOUR_S = 3600, ENTRIES_MAX = 400, INCIDENTS_MAX = 100 };

struct world {
        struct replication_record record;
        struct arm_record arms[ARM_COUNT];
        struct service_measure services[ARM_COUNT][SERVICES];
        struct incident incidents[ARM_COUNT][INCIDENTS_MAX];
        struct journal_entry journal[ARM_COUNT][ENTRIES_MAX];
        struct fault_effect faults[ARM_COUNT][FAULTS];
        struct probe_value probes[ARM_COUNT][2];
        struct edge_totals edges[ARM_COUNT][3];
};

static const bool reaches_all[SERVICES] = { true, true, true };
static const bool reaches_pay[SERVICES] = { false, true, false };
static const bool reaches_cart[SERVICES] = { false, false, true };
static const bool on_pay[SERVICES] = { false, true, false };
static const bool on_cart[SERVICES] = { false, false, true };

static struct meta_service hand_services[SERVICES] = {
        { .name = "front", .entry = true, .has_slo = true, .slo_target = 0.99, .slo_quality = 1,
          .slo_latency_ns = NS_PER_S, .slo_window_ns = 10 * NS_PER_S, .instance_count = 2,
          .worker_count = 8, .offered_per_s = 100, .reaches = reaches_all },
        { .name = "pay", .has_slo = true, .slo_target = 0.99, .slo_quality = 1,
          .slo_latency_ns = NS_PER_S, .slo_window_ns = 10 * NS_PER_S, .reaches = reaches_pay },
        { .name = "cart", .has_slo = true, .slo_target = 0.99, .slo_quality = 1,
          .slo_latency_ns = NS_PER_S, .slo_window_ns = 10 * NS_PER_S, .reaches = reaches_cart },
};
static struct meta_edge hand_edges[] = {
        { "front->pay", FRONT, PAY }, { "front->cart", FRONT, CART }, { "users->front", RECORD_NONE, FRONT },
};
static struct meta_fault hand_faults[FAULTS] = {
        { .name = "slow pay", .kind = "latency", .family = "latency", .lives_in = "edge",
          .failure_type = "high_latency", .cured_by = 1u << ESCALATE, .harmful = true },
        { .name = "leak", .kind = "memory_leak", .family = "resources", .lives_in = "process",
          .failure_type = "memory_leak", .cured_by = 1u << RESTART | 1u << ESCALATE,
          .harmful = true },
};
static const char *const hand_actions[ACTIONS] = { "restart_instance", "scale_resources",
                                                   "escalate" };

/* A meta without thresholds and probes; a test adds them. */
static inline struct run_meta hand_meta(void)
{
        return (struct run_meta){
                .title = "made by hand",
                .file = "hand.json",
                .digest = "00",
                .seed = 7,
                .duration_ns = HOUR_S * NS_PER_S,
                .healer_name = "default",
                .healer_digest = "00",
                .arm_run = { true, true, true, true, true },
                .services = hand_services,
                .service_count = SERVICES,
                .edges = hand_edges,
                .edge_count = 3,
                .faults = hand_faults,
                .fault_count = FAULTS,
                .prediction_window_ns = 600 * NS_PER_S,
                .minimum_lead_ns = 30 * NS_PER_S,
                .horizon_ns = HOUR_S * NS_PER_S,
                .action_names = hand_actions,
                .action_kind_count = ACTIONS,
                .version = "0",
        };
}

static inline void world_count_calls(struct world *world, unsigned a, uint32_t service, uint64_t good,
                                     uint64_t bad)
{
        struct service_measure *measure = &world->services[a][service];
        struct phase_measure *phase = &measure->phase[PHASE_DURING];

        phase->good += good;
        phase->bad += bad;
        phase->outcome[CALL_OK] += good;
        phase->outcome[CALL_ERROR] += bad;
        phase->quality_sum += (double)good;
        for (uint64_t i = 0; i < good + bad; i++)
                hist_add(&phase->latency, 10 * NS_PER_MS);
        measure->calls += good + bad;
        measure->attempts += good + bad;
        if (service != FRONT)
                return;
        world->arms[a].root_requests += good + bad;
        world->arms[a].root_outcome[CALL_OK] += good;
        world->arms[a].root_outcome[CALL_ERROR] += bad;
}

/* Owned by the caller: free(). Both faults touch something, in no window. */
static inline struct world *world_new(uint32_t replication)
{
        struct world *world = calloc(1, sizeof(*world));

        ck_assert_ptr_nonnull(world);
        world->record.replication = replication;
        world->record.all_good_at_end = true;
        for (unsigned a = 0; a < ARM_COUNT; a++) {
                struct arm_record *arm = &world->arms[a];
                world->record.arms[a] = arm;
                *arm = (struct arm_record){
                        .arm = (enum arm)a,
                        .end_ns = HOUR_S * NS_PER_S,
                        .services = world->services[a],
                        .incidents = world->incidents[a],
                        .journal = world->journal[a],
                        .faults = world->faults[a],
                        .probes = world->probes[a],
                        .edges = world->edges[a],
                        .conserved = true,
                };
                for (uint32_t s = 0; s < SERVICES; s++) {
                        world->services[a][s].observed_s = HOUR_S;
                        world->services[a][s].phase[PHASE_DURING].seconds = HOUR_S;
                        world_count_calls(world, a, s, 1000, 0);
                }
                world->faults[a][SLOW_PAY] = (struct fault_effect){
                        .started_ns = TIME_NEVER, .ended_ns = TIME_NEVER, .touched = 1,
                        .measured = NAN, .measured_what = "", .on_service = on_pay,
                };
                world->faults[a][LEAK] = (struct fault_effect){
                        .started_ns = TIME_NEVER, .ended_ns = TIME_NEVER, .touched = 1,
                        .measured = NAN, .measured_what = "", .on_service = on_cart,
                };
        }
        return world;
}

/* Both ends in seconds; to_s < 0: open. By service, then onset: as given. */
static inline void world_incident(struct world *world, enum arm a, uint32_t service, double from_s,
                                  double to_s, uint64_t bad)
{
        struct arm_record *arm = &world->arms[a];

        ck_assert_uint_lt(arm->incident_count, INCIDENTS_MAX);
        arm->incidents[arm->incident_count++] = (struct incident){
                .service = service,
                .onset_ns = (int64_t)(from_s * 1e9),
                .noticed_ns = (int64_t)(from_s * 1e9) + NS_PER_S,
                .restored_ns = to_s < 0 ? TIME_NEVER : (int64_t)(to_s * 1e9),
                .closed_ns = to_s < 0 ? TIME_NEVER : (int64_t)(to_s * 1e9) + 30 * NS_PER_S,
                .bad_requests = bad,
                .requests = 2 * bad,
        };
        world_count_calls(world, a, service, 0, bad);
}

/* The fault is active in all three arms that have faults. */
static inline void world_fault(struct world *world, uint32_t fault, double from_s, double to_s)
{
        static const enum arm faulted[] = { ARM_TREATED, ARM_SHADOW, ARM_UNTREATED };

        for (size_t i = 0; i < 3; i++) {
                world->faults[faulted[i]][fault].started_ns = (int64_t)(from_s * 1e9);
                world->faults[faulted[i]][fault].ended_ns = (int64_t)(to_s * 1e9);
        }
}

/* The entry may be changed by the test; entries come in order of time. */
static inline struct journal_entry *world_entry(struct world *world, enum arm a,
                                                enum journal_type type, double at_s,
                                                uint32_t service)
{
        struct arm_record *arm = &world->arms[a];
        struct journal_entry *entry = &arm->journal[arm->journal_count++];

        ck_assert_uint_le(arm->journal_count, ENTRIES_MAX);
        *entry = (struct journal_entry){
                .at_ns = (int64_t)(at_s * 1e9),
                .type = type,
                .service = service,
                .instance = RECORD_NONE,
                .edge = RECORD_NONE,
                .ref = RECORD_NONE,
                .kind = "",
                .severity = "",
                .metric = "",
                .text = "",
                .value = NAN,
                .limit = NAN,
                .confidence = NAN,
                .eta_ns = TIME_NEVER,
        };
        return entry;
}

/* An alarm that is cleared again, of an episode. */
static inline void world_alarm(struct world *world, enum arm a, uint32_t service, double from_s,
                               double to_s, uint64_t episode)
{
        static uint64_t id;
        struct journal_entry *raised = world_entry(world, a, JOURNAL_ALARM, from_s, service);

        raised->id = ++id;
        raised->kind = "high_latency";
        raised->severity = "high";
        raised->episode = episode;
        world_entry(world, a, JOURNAL_ALARM_CLEARED, to_s, service)->id = id;
}

static inline struct journal_entry *world_action(struct world *world, enum arm a, uint32_t action,
                                                 uint32_t service, double from_s, double to_s,
                                                 uint64_t episode)
{
        static uint64_t id;
        struct journal_entry *started = world_entry(world, a, JOURNAL_ACTION_STARTED, from_s, service);
        struct journal_entry *finished;

        started->id = ++id;
        started->action = action;
        started->episode = episode;
        finished = world_entry(world, a, JOURNAL_ACTION_FINISHED, to_s, service);
        finished->id = id;
        finished->action = action;
        finished->ok = true;
        return started;
}

/* ---- grading */

/* Grades these worlds and frees them; the result is the caller's. */
static inline json_t *grade_worlds(const struct run_meta *meta, struct world **worlds, size_t count)
{
        struct grade *grade = grade_create(meta);
        json_t *result;

        ck_assert_ptr_nonnull(grade);
        for (size_t i = 0; i < count; i++) {
                ck_assert(grade_add(grade, &worlds[i]->record));
                free(worlds[i]);
        }
        result = grade_result(grade);
        ck_assert_ptr_nonnull(result);
        grade_destroy(grade);
        return result;
}

static inline json_t *grade_world(const struct run_meta *meta, struct world *world)
{
        return grade_worlds(meta, &world, 1);
}

static inline const json_t *metric_in(const json_t *result, const char *arm, const char *metric)
{
        const json_t *found = json_object_get(
                json_object_get(json_object_get(json_object_get(result, "arms"), arm), "metrics"),
                metric);

        ck_assert_msg(found != NULL, "no metric %s in %s", metric, arm);
        return found;
}

static inline const json_t *service_metric_in(const json_t *result, const char *arm,
                                              const char *service, const char *metric)
{
        const json_t *services =
                json_object_get(json_object_get(json_object_get(result, "arms"), arm), "services");
        const json_t *found = json_object_get(
                json_object_get(json_object_get(services, service), "metrics"), metric);

        ck_assert_msg(found != NULL, "no metric %s of %s in %s", metric, service, arm);
        return found;
}

static inline double field_of(const json_t *metric, const char *field)
{
        const json_t *value = json_object_get(metric, field);

        return json_is_number(value) ? json_number_value(value) : NAN;
}

#define ck_metric(result, arm, metric, expected)                                                   \
        ck_assert_double_eq_tol(field_of(metric_in(result, arm, metric), "value"), expected, 1e-9)

#define ck_no_data(metric)                                                                         \
        do {                                                                                       \
                const json_t *no_data = (metric);                                                  \
                ck_assert(json_is_null(json_object_get(no_data, "value")));                        \
                ck_assert(json_is_null(json_object_get(no_data, "low")));                          \
                ck_assert_int_eq(json_integer_value(json_object_get(no_data, "n")), 0);            \
        } while (0)

#endif
