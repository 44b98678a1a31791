/* test_run.c - all arms of all replications: what is shared, what is the same.
 *
 * The scenario is made by hand: `shop` calls `pay`, `other` stands alone with a
 * load of its own, so that a fault on pay must leave every nanosecond of it as
 * it was. Healers are small ones of our own behind healer_face.h: a placebo
 * that only talks, one that scales out before anything is wrong, one that
 * restarts what has died.
 */
#include "harness/run/run.h"

#include <check.h>
#include <math.h>

#include "tests/fleet_builder.h"

enum { SHOP, PAY, OTHER };

static struct builder b;
static struct scenario scenario;
static struct method_spec method[3];
static struct text_pool *texts;
static volatile sig_atomic_t stop;

/* ---- healers */

struct healer {
        struct healer_answer answer;
        struct healer_note note;
        struct healer_order order;
        uint64_t turns, ordered;
        const struct healer_world *world;
};

static void *healer_create(const void *config, const struct healer_world *world, uint64_t key)
{
        struct healer *healer = calloc(1, sizeof(*healer));

        (void)config;
        (void)key;
        healer->world = world;
        return healer;
}

/* An alarm at every wake-up, and never an order. */
static const struct healer_answer *placebo_wake(void *state, const struct healer_wake *wake)
{
        struct healer *healer = state;

        healer->note = (struct healer_note){.kind = NOTE_ALARM, .id = ++healer->turns,
                                            .service = PAY, .instance = FLEET_NO_INDEX,
                                            .edge = FLEET_NO_INDEX, .type = "high_latency",
                                            .severity = "low", .metric = "latency",
                                            .confidence = 0.5, .eta_ns = TIME_NEVER};
        healer->answer = (struct healer_answer){.notes = &healer->note, .note_count = 1,
                                                .next_wake_ns = wake->now_ns + 7 * NS_PER_S};
        return &healer->answer;
}

static const struct healer_answer *give_order(struct healer *healer, enum fleet_action_kind kind,
                                              uint32_t instance, double amount)
{
        healer->order = (struct healer_order){
                .action = {.id = ++healer->ordered, .kind = kind, .service = PAY,
                           .instance = instance, .edge = FLEET_NO_INDEX, .amount = amount},
        };
        healer->answer = (struct healer_answer){.orders = &healer->order, .order_count = 1,
                                                .next_wake_ns = TIME_NEVER};
        return &healer->answer;
}

/* One more instance of pay at the first wake-up after 20 s. */
static const struct healer_answer *early_wake(void *state, const struct healer_wake *wake)
{
        struct healer *healer = state;

        if (wake->now_ns > 20 * NS_PER_S && healer->ordered == 0)
                return give_order(healer, ACTION_SCALE_RESOURCES, FLEET_NO_INDEX, 1);
        healer->answer = (struct healer_answer){.next_wake_ns = TIME_NEVER};
        return &healer->answer;
}

/* Restarts an instance whose process has exited. */
static const struct healer_answer *medic_wake(void *state, const struct healer_wake *wake)
{
        struct healer *healer = state;

        for (size_t i = 0; i < wake->event_count; i++)
                if (wake->events[i].kind == FLEET_EVENT_PROCESS_EXITED &&
                    wake->events[i].service == PAY && wake->events[i].code != 0)
                        return give_order(healer, ACTION_RESTART_INSTANCE, wake->events[i].instance, 0);
        healer->answer = (struct healer_answer){.next_wake_ns = TIME_NEVER};
        return &healer->answer;
}

static const struct healer_answer *broken_wake(void *state, const struct healer_wake *wake)
{
        struct healer *healer = state;

        healer->answer = (struct healer_answer){.next_wake_ns = TIME_NEVER};
        if (wake->now_ns > 30 * NS_PER_S)
                healer->answer.failure = "it broke";
        return &healer->answer;
}

static const struct healer_ops placebo = {
        .name = "placebo", .create = healer_create, .wake = placebo_wake, .destroy = free};
static const struct healer_ops early = {
        .name = "early", .create = healer_create, .wake = early_wake, .destroy = free};
static const struct healer_ops medic = {
        .name = "medic", .create = healer_create, .wake = medic_wake, .destroy = free};
static const struct healer_ops broken = {
        .name = "broken", .create = healer_create, .wake = broken_wake, .destroy = free};

/* ---- the scenario */

static void slow_pay(struct method_spec *entry)
{
        *entry = (struct method_spec){
                .kind = METHOD_FAULT,
                .name = "slow pay",
                .fault = fault_find("latency"),
                .target = {.kind = TARGET_EDGE, .edge = 0},
                .arguments = {400e6},
                .at_ns = 60 * NS_PER_S,
                .duration = constant(30 * NS_PER_S),
                .has_duration = true,
                .probability = 1,
        };
}

static void crash_pay(struct method_spec *entry)
{
        *entry = (struct method_spec){
                .kind = METHOD_FAULT,
                .name = "crash pay",
                .fault = fault_find("crash"),
                .target = {.kind = TARGET_INSTANCES, .service = PAY, .zone = FLEET_NO_INDEX,
                           .pick = PICK_COUNT, .count = 1},
                .at_ns = 40 * NS_PER_S,
                .duration = constant(0),
                .probability = 1,
        };
}

static void setup(void)
{
        build_begin(&b);
        build_service(&b, "shop", exponential(5 * NS_PER_MS))->concurrency = 8;
        build_service(&b, "pay", exponential(5 * NS_PER_MS));
        build_service(&b, "other", exponential(5 * NS_PER_MS));
        for (uint32_t i = 0; i < 3; i++)
                b.services[i].slo = (struct slo_spec){true, 0.95, 200 * NS_PER_MS, 1, 10 * NS_PER_S, 20};
        b.services[PAY].instance_count = 3;
        b.services[PAY].restart_time_ns = 8 * NS_PER_S;
        b.services[PAY].health_check = (struct health_check_spec){5 * NS_PER_S, NS_PER_S, 3, 1};
        build_call(&b, SHOP, PAY)->timeout_ns = NS_PER_S;
        b.edges[0].retry = (struct retry_spec){1, 10 * NS_PER_MS, 2, NS_PER_S, 0.5, 0.2};
        build_load(&b, "shoppers", SHOP, 50);
        build_load(&b, "others", OTHER, 50);
        build_prepare(&b);
        slow_pay(&method[0]);
        crash_pay(&method[1]);
        scenario = (struct scenario){
                .path = "hand", .file = "hand", .title = "made by hand",
                .seed = 5, .duration_ns = 120 * NS_PER_S, .warmup_ns = 20 * NS_PER_S,
                .cooldown_ns = 60 * NS_PER_S, .fleet = b.spec, .method = method,
                .method_count = 2, .replications = 3,
        };
        texts = text_pool_create();
        stop = 0;
}

static void teardown(void)
{
        text_pool_destroy(texts);
        build_end(&b);
}

/* ---- looking at records */

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
        const unsigned char *at = bytes;

        for (size_t i = 0; i < size; i++)
                hash = (hash ^ at[i]) * 0x100000001b3u;
        return hash_mix(hash, size);
}

static uint64_t hash_double(uint64_t hash, double value)
{
        uint64_t bits;

        value = isnan(value) ? -1.25 : value;
        memcpy(&bits, &value, sizeof(bits));
        return hash_mix(hash, bits);
}

/* Everything that is measured of one service. */
static uint64_t hash_service(const struct service_measure *m)
{
        uint64_t hash = hash_mix(m->calls, m->attempts);

        for (int p = 0; p < PHASE_COUNT; p++) {
                hash = hash_bytes(hash, m->phase[p].outcome, sizeof(m->phase[p].outcome));
                hash = hash_mix(hash_mix(hash, m->phase[p].good), m->phase[p].bad);
                hash = hash_bytes(hash, m->phase[p].latency.bucket, sizeof(m->phase[p].latency.bucket));
                hash = hash_mix(hash, m->phase[p].latency.sum_ns);
                hash = hash_double(hash, m->phase[p].seconds);
        }
        hash = hash_mix(hash_mix(hash_mix(hash, m->arrived), m->completed), m->lost);
        hash = hash_double(hash_double(hash, m->queue_area_s), m->busy_area_s);
        hash = hash_bytes(hash, m->waiting.bucket, sizeof(m->waiting.bucket));
        hash = hash_bytes(hash, m->seconds, m->second_count * sizeof(*m->seconds));
        for (size_t i = 0; i < m->bin_count; i++) {
                hash = hash_mix(hash_mix(hash, m->bins[i].calls), m->bins[i].bad);
                hash = hash_double(hash, (double)m->bins[i].latency_p99_s);
        }
        return hash;
}

static bool is_request_journal(const struct journal_entry *entry)
{
        return entry->type == JOURNAL_INCIDENT_OPENED || entry->type == JOURNAL_INCIDENT_CLOSED ||
               entry->type == JOURNAL_INSTANCE_STATE || entry->type == JOURNAL_FAULT_STARTED ||
               entry->type == JOURNAL_FAULT_ENDED;
}

/* A whole arm; `talk`: with what the healer said. */
static uint64_t hash_arm(const struct arm_record *arm, bool talk)
{
        uint64_t hash = hash_mix(arm->exogenous_hash, (uint64_t)arm->end_ns);

        for (uint32_t i = 0; i < b.spec.service_count; i++)
                hash = hash_mix(hash, hash_service(&arm->services[i]));
        for (size_t i = 0; i < arm->incident_count; i++)
                hash = hash_mix(hash_mix(hash, (uint64_t)arm->incidents[i].onset_ns),
                                (uint64_t)arm->incidents[i].restored_ns);
        for (size_t i = 0; i < arm->journal_count; i++) {
                const struct journal_entry *entry = &arm->journal[i];

                if (!talk && !is_request_journal(entry))
                        continue;
                hash = hash_mix(hash_mix(hash, (uint64_t)entry->at_ns), entry->type);
                hash = hash_mix(hash_mix(hash, hash_text(entry->kind)), hash_text(entry->text));
                hash = hash_mix(hash_mix(hash, entry->service), entry->instance);
                hash = hash_mix(hash_mix(hash, entry->id), entry->ok);
        }
        hash = hash_bytes(hash, arm->root_outcome, sizeof(arm->root_outcome));
        return hash_double(hash, arm->instance_seconds);
}

/* What the sink keeps of a run. */
struct seen {
        uint32_t count;
        uint64_t arm[8][ARM_COUNT], quiet_of_talk[8][ARM_COUNT], other[8][ARM_COUNT];
        uint64_t arrivals[8][ARM_COUNT], timetable[8][ARM_COUNT];
        uint64_t before[8][ARM_COUNT]; /* bins of shop and pay before the first fault */
        const void *record[8][ARM_COUNT];
        double bad[8][ARM_COUNT];
        uint32_t instances[8][ARM_COUNT];
        uint32_t held_back[8][ARM_COUNT], preventive[8][ARM_COUNT], actions[8][ARM_COUNT];
        bool conserved, whole;
        uint32_t number[8];
        uint32_t stop_after;
        const char *failure;
};

static void look_at_arm(struct seen *seen, uint32_t r, int a, const struct arm_record *arm)
{
        seen->record[r][a] = arm;
        seen->arm[r][a] = hash_arm(arm, true);
        seen->quiet_of_talk[r][a] = hash_arm(arm, false);
        seen->other[r][a] = hash_service(&arm->services[OTHER]);
        seen->arrivals[r][a] = arm->exogenous_hash;
        seen->timetable[r][a] = arm->timetable_hash;
        seen->instances[r][a] = arm->instance_count;
        seen->conserved = seen->conserved && arm->conserved && arm->broken == NULL &&
                          arm->overlay_before == arm->overlay_after;
        if (arm->healer_failure != NULL)
                seen->failure = "seen";
        for (int p = 0; p < PHASE_COUNT; p++)
                seen->bad[r][a] += (double)arm->services[SHOP].phase[p].bad;
        for (uint32_t s = SHOP; s <= PAY; s++)
                for (size_t i = 0; i < arm->services[s].bin_count && i < 38; i++)
                        seen->before[r][a] = hash_bytes(seen->before[r][a], &arm->services[s].bins[i].calls,
                                                        3 * sizeof(uint32_t));
        for (size_t i = 0; i < arm->journal_count; i++) {
                if (arm->journal[i].type != JOURNAL_ACTION_STARTED)
                        continue;
                seen->actions[r][a]++;
                seen->held_back[r][a] += arm->journal[i].held_back;
                seen->preventive[r][a] += arm->journal[i].preventive;
        }
}

static void look(void *user, const struct replication_record *record)
{
        struct seen *seen = user;
        uint32_t r = seen->count++;

        seen->number[r] = record->replication;
        for (int a = 0; a < ARM_COUNT; a++) {
                seen->whole = seen->whole && record->arms[a] != NULL;
                if (record->arms[a] != NULL)
                        look_at_arm(seen, r, a, record->arms[a]);
        }
        if (seen->count == seen->stop_after)
                stop = 1;
}

static struct seen seen_of(const struct healer_ops *healer, uint32_t jobs, uint32_t count)
{
        struct seen seen = {.conserved = true, .whole = true};
        struct run_options options = {
                .scenario = &scenario,
                .healer = healer,
                .texts = texts,
                .count = count,
                .jobs = jobs,
                .stop = &stop,
                .user = &seen,
                .sink = look,
        };

        ck_assert_int_eq(run_scenario(&options), RUN_OK);
        ck_assert_uint_eq(seen.count, count);
        ck_assert(seen.conserved);
        ck_assert(seen.whole);
        return seen;
}

/* ---- claims */

START_TEST(without_a_healer_treated_is_untreated_and_quiet_is_calm)
{
        struct seen seen = seen_of(NULL, 1, 1);

        ck_assert_ptr_eq(seen.record[0][ARM_TREATED], seen.record[0][ARM_UNTREATED]);
        ck_assert_ptr_eq(seen.record[0][ARM_SHADOW], seen.record[0][ARM_UNTREATED]);
        ck_assert_ptr_eq(seen.record[0][ARM_QUIET], seen.record[0][ARM_CALM]);
        ck_assert_ptr_ne(seen.record[0][ARM_UNTREATED], seen.record[0][ARM_CALM]);
        ck_assert_double_gt(seen.bad[0][ARM_UNTREATED], seen.bad[0][ARM_CALM] + 100);
}
END_TEST

START_TEST(without_faults_treated_is_quiet)
{
        struct seen seen;

        scenario.method_count = 0;
        seen = seen_of(&placebo, 1, 1);
        ck_assert_ptr_eq(seen.record[0][ARM_TREATED], seen.record[0][ARM_QUIET]);
        ck_assert_ptr_eq(seen.record[0][ARM_UNTREATED], seen.record[0][ARM_CALM]);
        ck_assert_ptr_ne(seen.record[0][ARM_QUIET], seen.record[0][ARM_CALM]);
}
END_TEST

START_TEST(shadow_is_treated_while_nothing_preventive_is_ordered)
{
        struct seen seen = seen_of(&medic, 1, 1);

        ck_assert_ptr_eq(seen.record[0][ARM_SHADOW], seen.record[0][ARM_TREATED]);
        ck_assert_uint_ge(seen.actions[0][ARM_TREATED], 1);
        ck_assert_uint_eq(seen.preventive[0][ARM_TREATED], 0);
        ck_assert_uint_eq(seen.actions[0][ARM_QUIET], 0);
        ck_assert_uint_eq(seen.actions[0][ARM_UNTREATED], 0);
}
END_TEST

START_TEST(shadow_holds_preventive_actions_back)
{
        struct seen seen = seen_of(&early, 2, 1);

        ck_assert_ptr_ne(seen.record[0][ARM_SHADOW], seen.record[0][ARM_TREATED]);
        ck_assert_uint_eq(seen.preventive[0][ARM_TREATED], 1);
        ck_assert_uint_eq(seen.held_back[0][ARM_TREATED], 0);
        ck_assert_uint_eq(seen.held_back[0][ARM_SHADOW], 1);
        ck_assert_uint_eq(seen.instances[0][ARM_TREATED], 6);
        ck_assert_uint_eq(seen.instances[0][ARM_SHADOW], 5);
        ck_assert_uint_eq(seen.instances[0][ARM_QUIET], 6);
        /* What is left of it without its only action is the untreated world. */
        ck_assert_uint_eq(seen.quiet_of_talk[0][ARM_SHADOW], seen.quiet_of_talk[0][ARM_UNTREATED]);
}
END_TEST

START_TEST(a_placebo_has_untreated_s_measures_exactly)
{
        struct seen seen = seen_of(&placebo, 2, 2);

        for (int r = 0; r < 2; r++) {
                ck_assert_uint_eq(seen.quiet_of_talk[r][ARM_TREATED],
                                  seen.quiet_of_talk[r][ARM_UNTREATED]);
                ck_assert_uint_eq(seen.quiet_of_talk[r][ARM_QUIET], seen.quiet_of_talk[r][ARM_CALM]);
                ck_assert_uint_ne(seen.arm[r][ARM_TREATED], seen.arm[r][ARM_UNTREATED]); /* it talked */
        }
}
END_TEST

START_TEST(the_number_of_threads_changes_nothing)
{
        struct seen one = seen_of(&early, 1, 4), many = seen_of(&early, _i == 0 ? 2 : 8, 4);

        for (uint32_t r = 0; r < 4; r++) {
                ck_assert_uint_eq(one.number[r], r);
                ck_assert_uint_eq(many.number[r], r);
        }
        ck_assert_mem_eq(one.arm, many.arm, sizeof(one.arm));
        ck_assert_uint_ne(one.arm[0][ARM_TREATED], one.arm[1][ARM_TREATED]);
}
END_TEST

START_TEST(a_replication_alone_is_what_it_is_among_others)
{
        struct seen all = seen_of(&medic, 1, 3), alone = {.conserved = true, .whole = true};
        struct run_options options = {.scenario = &scenario, .healer = &medic, .texts = texts,
                                      .first = 2, .count = 1, .jobs = 1, .user = &alone, .sink = look};

        ck_assert_int_eq(run_scenario(&options), RUN_OK);
        ck_assert_uint_eq(alone.number[0], 2);
        ck_assert_mem_eq(alone.arm[0], all.arm[2], sizeof(all.arm[2]));
}
END_TEST

START_TEST(arrivals_are_the_same_in_all_arms_and_so_is_what_no_fault_can_reach)
{
        struct seen seen = seen_of(_i == 0 ? &early : &medic, 1, 5);
        int others = 0;

        for (int r = 0; r < 5; r++)
                for (int a = 0; a < ARM_COUNT; a++) {
                        ck_assert_uint_eq(seen.arrivals[r][a], seen.arrivals[r][ARM_CALM]);
                        ck_assert_uint_eq(seen.other[r][a], seen.other[r][ARM_TREATED] /* phases too */);
                        if (a != ARM_QUIET && a != ARM_CALM)
                                ck_assert_uint_eq(seen.timetable[r][a], seen.timetable[r][ARM_UNTREATED]);
                }
        /* one of three instances is drawn each time */
        for (int r = 1; r < 5; r++)
                others += seen.timetable[r][ARM_UNTREATED] != seen.timetable[0][ARM_UNTREATED];
        ck_assert_int_gt(others, 0);
}
END_TEST

START_TEST(one_more_fault_moves_no_arrival_and_no_untouched_request)
{
        struct seen two = seen_of(NULL, 1, 1), one;

        /* The crash stays; the delay that began later is not there. */
        method[0] = method[1];
        scenario.method_count = 1;
        one = seen_of(NULL, 1, 1);
        ck_assert_uint_eq(one.arrivals[0][ARM_UNTREATED], two.arrivals[0][ARM_UNTREATED]);
        ck_assert_uint_ne(one.arm[0][ARM_UNTREATED], two.arm[0][ARM_UNTREATED]);
        /* 38 bins of a second: up to just before the crash */
        ck_assert_uint_eq(one.before[0][ARM_UNTREATED], two.before[0][ARM_UNTREATED]);
        ck_assert_uint_eq(one.before[0][ARM_UNTREATED], one.before[0][ARM_CALM]);
}
END_TEST

START_TEST(an_interrupted_run_hands_over_what_is_whole)
{
        struct seen seen = {.conserved = true, .whole = true, .stop_after = 2};
        struct run_options options = {.scenario = &scenario, .healer = &medic, .texts = texts,
                                      .count = 6, .jobs = 1, .stop = &stop, .user = &seen,
                                      .sink = look};

        ck_assert_int_eq(run_scenario(&options), RUN_INTERRUPTED);
        ck_assert_uint_eq(seen.count, 2);
        ck_assert(seen.conserved && seen.whole);
        stop = 1; /* before it has begun */
        seen.count = 0;
        ck_assert_int_eq(run_scenario(&options), RUN_INTERRUPTED);
        ck_assert_uint_eq(seen.count, 0);
}
END_TEST

START_TEST(an_automatic_cooldown_lasts_until_all_is_well)
{
        struct seen seen;

        scenario.cooldown_ns = -1;
        method[0].at_ns = 95 * NS_PER_S; /* ends with the scenario, hurts until then */
        seen = seen_of(NULL, 2, 1);
        ck_assert_double_gt(seen.bad[0][ARM_UNTREATED], 100);
        scenario.method_count = 0;
        seen_of(NULL, 2, 1);
}
END_TEST

START_TEST(a_broken_healer_is_told_and_hurts_nobody)
{
        struct seen seen = seen_of(&broken, 1, 1);

        ck_assert_ptr_nonnull(seen.failure);
        ck_assert_uint_eq(seen.quiet_of_talk[0][ARM_TREATED], seen.quiet_of_talk[0][ARM_UNTREATED]);
}
END_TEST

START_TEST(a_fault_finds_its_target_in_a_service_of_many_instances)
{
        static const uint32_t last[] = {399};
        struct seen seen;

        b.services[PAY].instance_count = 400;
        method[1].target.pick = PICK_LIST;
        method[1].target.list = last;
        method[1].target.list_count = 1;
        method[0] = method[1];
        scenario.method_count = 1;
        seen = seen_of(&medic, 2, 1);
        ck_assert_uint_eq(seen.actions[0][ARM_TREATED], 1); /* it saw that one die */
}
END_TEST

static TCase *a_case(const char *name)
{
        TCase *t = tcase_create(name);

        tcase_set_timeout(t, 120); /* whole runs, which sanitizers make ten times as long */
        tcase_add_checked_fixture(t, setup, teardown);
        return t;
}

/* Cases with the tag `one_thread` start none: TSan has nothing to see there. */
static Suite *suite(void)
{
        Suite *s = suite_create("run");
        TCase *t = a_case("one thread");

        tcase_set_tags(t, "one_thread");
        tcase_add_test(t, without_a_healer_treated_is_untreated_and_quiet_is_calm);
        tcase_add_test(t, without_faults_treated_is_quiet);
        tcase_add_test(t, shadow_is_treated_while_nothing_preventive_is_ordered);
        tcase_add_test(t, a_replication_alone_is_what_it_is_among_others);
        tcase_add_loop_test(t, arrivals_are_the_same_in_all_arms_and_so_is_what_no_fault_can_reach, 0, 2);
        tcase_add_test(t, one_more_fault_moves_no_arrival_and_no_untouched_request);
        tcase_add_test(t, an_interrupted_run_hands_over_what_is_whole);
        tcase_add_test(t, a_broken_healer_is_told_and_hurts_nobody);
        suite_add_tcase(s, t);
        t = a_case("threads");
        tcase_add_test(t, shadow_holds_preventive_actions_back);
        tcase_add_test(t, a_placebo_has_untreated_s_measures_exactly);
        tcase_add_loop_test(t, the_number_of_threads_changes_nothing, 0, 2);
        tcase_add_test(t, an_automatic_cooldown_lasts_until_all_is_well);
        tcase_add_test(t, a_fault_finds_its_target_in_a_service_of_many_instances);
        suite_add_tcase(s, t);
        return s;
}

int main(void)
{
        SRunner *runner = srunner_create(suite());
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed != 0;
}
