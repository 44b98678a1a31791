/* test_world.c - one arm: what reaches the healer, and what of it the fleet.
 *
 * The healer is one of ours that writes down whatever it is told and orders a
 * harmless action at every wake-up; a fault on its side is put into the plan and
 * what it has seen is compared with what it should have.
 */
#include "harness/run/world.h"

#include <check.h>
#include <math.h>

#include "tests/fleet_builder.h"

enum { SHOP, PAY };
enum { LOG_MAX = 4000 };
#define FROM_NS (52 * NS_PER_S + NS_PER_S / 2)

static struct builder b;
static struct scenario scenario;
static struct method_spec method[2];
static struct text_pool *texts;
static struct plan plan;
static struct arena arena;
static struct world *world;
static struct arm_record *record;

/* What the healer was told, over all its lives. */
static struct log {
        uint32_t lives;
        size_t batch_count, event_count, result_count;
        struct {
                int64_t seen_ns, to_ns;
                bool has_shop, has_pay;
        } batch[LOG_MAX];
        struct {
                int64_t seen_ns;
                struct fleet_event event;
        } event[LOG_MAX];
        struct {
                int64_t seen_ns;
                struct fleet_action_result result;
        } result[LOG_MAX];
} seen;

struct healer {
        struct healer_answer answer;
        struct healer_order order;
        struct healer_note note;
        uint64_t ordered;
};

static void *healer_create(const void *config, const struct healer_world *known, uint64_t key)
{
        (void)config;
        (void)known;
        (void)key;
        seen.lives++;
        return calloc(1, sizeof(struct healer));
}

static const struct healer_answer *healer_wake(void *state, const struct healer_wake *wake)
{
        struct healer *healer = state;

        for (size_t i = 0; i < wake->batch_count && seen.batch_count < LOG_MAX; i++) {
                const struct telemetry_batch *batch = &wake->batches[i];
                size_t at = seen.batch_count++;

                seen.batch[at].seen_ns = wake->now_ns;
                seen.batch[at].to_ns = batch->to_ns;
                for (size_t k = 0; k < batch->instance_count; k++) {
                        seen.batch[at].has_shop |= batch->instances[k].service == SHOP;
                        seen.batch[at].has_pay |= batch->instances[k].service == PAY;
                }
        }
        for (size_t i = 0; i < wake->event_count && seen.event_count < LOG_MAX; i++) {
                seen.event[seen.event_count].seen_ns = wake->now_ns;
                seen.event[seen.event_count++].event = wake->events[i];
        }
        for (size_t i = 0; i < wake->result_count && seen.result_count < LOG_MAX; i++) {
                seen.result[seen.result_count].seen_ns = wake->now_ns;
                seen.result[seen.result_count++].result = wake->results[i];
        }
        healer->answer = (struct healer_answer){.next_wake_ns = TIME_NEVER};
        if (wake->batch_count == 0)
                return &healer->answer;
        healer->ordered++;
        healer->order = (struct healer_order){
                .action = {.id = healer->ordered, .kind = ACTION_ENABLE_MONITORING, .service = PAY,
                           .instance = FLEET_NO_INDEX, .edge = FLEET_NO_INDEX},
        };
        healer->note = (struct healer_note){.kind = NOTE_ALARM, .id = healer->ordered,
                                            .service = PAY, .instance = FLEET_NO_INDEX,
                                            .edge = FLEET_NO_INDEX, .type = "high_latency",
                                            .severity = "low", .metric = "latency",
                                            .confidence = NAN, .eta_ns = TIME_NEVER};
        healer->answer.orders = &healer->order;
        healer->answer.order_count = healer->ordered == 1;
        healer->answer.notes = &healer->note;
        healer->answer.note_count = healer->ordered == 1;
        return &healer->answer;
}

static const struct healer_ops watcher = {
        .name = "watcher", .create = healer_create, .wake = healer_wake, .destroy = free};

static void setup(void)
{
        build_begin(&b);
        memset(&seen, 0, sizeof(seen));
        build_service(&b, "shop", exponential(5 * NS_PER_MS))->concurrency = 8;
        build_service(&b, "pay", exponential(5 * NS_PER_MS));
        b.services[PAY].instance_count = 3;
        build_call(&b, SHOP, PAY)->timeout_ns = NS_PER_S;
        build_load(&b, "shoppers", SHOP, 20);
        build_prepare(&b);
        texts = text_pool_create();
        arena_init(&arena);
}

static void teardown(void)
{
        arm_record_free(record, &scenario);
        record = NULL;
        arena_release(&arena);
        text_pool_destroy(texts);
        build_end(&b);
}

/* From 52.5 s to 152.5 s of 300, a telemetry interval of 5 s and delay of 1 s. */
static struct method_spec *add_fault(size_t at, const char *kind, enum target_kind target)
{
        method[at] = (struct method_spec){
                .kind = METHOD_FAULT,
                .name = kind,
                .fault = fault_find(kind),
                .target = {.kind = target, .service = PAY, .zone = FLEET_NO_INDEX},
                .at_ns = FROM_NS,
                .duration = constant(100 * NS_PER_S),
                .has_duration = true,
                .probability = 1,
        };
        ck_assert_ptr_nonnull(method[at].fault);
        for (size_t i = 0; i < method[at].fault->params_count; i++)
                method[at].arguments[i] = method[at].fault->params[i].fallback;
        return &method[at];
}

static void play(size_t faults, enum arm arm)
{
        struct world_options options = {
                .scenario = &scenario,
                .plan = &plan,
                .arm = arm,
                .key = rng_key(5, 0),
                .bin_ns = NS_PER_S,
                .healer = arm == ARM_UNTREATED || arm == ARM_CALM ? NULL : &watcher,
                .texts = texts,
        };

        scenario = (struct scenario){
                .path = "hand", .file = "hand", .title = "made by hand", .seed = 5,
                .duration_ns = 300 * NS_PER_S, .fleet = b.spec, .method = method,
                .method_count = faults, .replications = 1,
        };
        ck_assert(plan_make(&scenario, options.key, &arena, &plan));
        world = world_create(&options);
        ck_assert_ptr_nonnull(world);
        ck_assert(world_advance(world, 300 * NS_PER_S));
        record = world_finish(world);
        ck_assert_ptr_nonnull(record);
        ck_assert_ptr_null(record->broken);
        ck_assert_uint_eq(record->overlay_before, record->overlay_after);
        world_destroy(world);
}

static const struct journal_entry *entry_of(enum journal_type type, const char *kind, size_t n)
{
        for (size_t i = 0; i < record->journal_count; i++)
                if (record->journal[i].type == type && strcmp(record->journal[i].kind, kind) == 0 &&
                    n-- == 0)
                        return &record->journal[i];
        return NULL;
}

START_TEST(a_dropped_channel_is_silent_for_its_time_and_no_longer)
{
        add_fault(0, "telemetry_drop", TARGET_NONE);
        play(1, ARM_TREATED);
        for (size_t i = 0; i < seen.batch_count; i++) {
                bool during = seen.batch[i].to_ns >= FROM_NS &&
                              seen.batch[i].to_ns < FROM_NS + 100 * NS_PER_S;

                ck_assert_int_eq(seen.batch[i].has_shop || seen.batch[i].has_pay, !during);
        }
        ck_assert_uint_gt(record->faults[0].touched, 4 * 20);
        ck_assert_double_eq(record->faults[0].measured, 1);
}
END_TEST

START_TEST(late_telemetry_comes_late_and_is_overtaken_when_the_fault_ends)
{
        bool overtaken = false;

        add_fault(0, "telemetry_delay", TARGET_SERVICE)->arguments[0] = 42e9;
        play(1, ARM_TREATED);
        for (size_t i = 0; i < seen.batch_count; i++) {
                int64_t to_ns = seen.batch[i].to_ns;
                bool during = to_ns >= FROM_NS && to_ns < FROM_NS + 100 * NS_PER_S;
                int64_t late_ns = seen.batch[i].seen_ns - to_ns;

                if (seen.batch[i].has_shop)
                        ck_assert_int_eq(late_ns, NS_PER_S);
                if (seen.batch[i].has_pay)
                        ck_assert_int_eq(late_ns, (during ? 43 : 1) * NS_PER_S);
                ck_assert(i == 0 || seen.batch[i].seen_ns >= seen.batch[i - 1].seen_ns);
                overtaken = overtaken || (i > 0 && to_ns < seen.batch[i - 1].to_ns);
        }
        ck_assert(overtaken);
        ck_assert_double_eq_tol(record->faults[0].measured, 42, 1e-9);
}
END_TEST

START_TEST(late_events_keep_their_own_time)
{
        struct method_spec *crash;

        add_fault(0, "telemetry_delay", TARGET_NONE);
        crash = add_fault(1, "crash", TARGET_INSTANCES);
        crash->target.pick = PICK_COUNT;
        crash->target.count = 1;
        crash->at_ns = 70 * NS_PER_S;
        crash->duration = constant(NS_PER_S);
        play(2, ARM_TREATED);
        ck_assert_uint_gt(seen.event_count, 0);
        ck_assert_int_eq(seen.event[0].event.at_ns, 70 * NS_PER_S);
        ck_assert_int_eq(seen.event[0].seen_ns, 131 * NS_PER_S);
}
END_TEST

START_TEST(behind_a_partition_nothing_is_heard_and_no_order_arrives)
{
        const struct journal_entry *finished;
        size_t during = 0;

        add_fault(0, "partition", TARGET_HEALER)->at_ns = NS_PER_S / 2;
        play(1, ARM_TREATED);
        for (size_t i = 0; i < seen.batch_count; i++)
                during += seen.batch[i].to_ns < 100 * NS_PER_S;
        ck_assert_uint_eq(during, 0);
        ck_assert_ptr_null(entry_of(JOURNAL_HEALER, "crashed", 0));
        /* The first order is given after it, and arrives. */
        finished = entry_of(JOURNAL_ACTION_FINISHED, "enable_monitoring", 0);
        ck_assert_ptr_nonnull(finished);
        ck_assert(finished->ok);
        ck_assert_uint_eq(seen.result_count, 1);
}
END_TEST

START_TEST(an_order_into_a_cut_line_is_lost_and_so_is_word_of_it)
{
        const struct journal_entry *finished;

        /* from the fleet's side only what the healer says is lost */
        add_fault(0, "partition", TARGET_HEALER)->arguments[0] = 2; /* to: the fleet */
        method[0].at_ns = 0;
        play(1, ARM_TREATED);
        ck_assert_uint_gt(seen.batch_count, 50);
        finished = entry_of(JOURNAL_ACTION_FINISHED, "enable_monitoring", 0);
        ck_assert_ptr_nonnull(finished);
        ck_assert(!finished->ok);
        ck_assert_str_eq(finished->text, "the order never arrived");
        ck_assert_uint_eq(seen.result_count, 0);
}
END_TEST

START_TEST(a_crashed_healer_hears_nothing_and_comes_back_new)
{
        const struct journal_entry *crashed, *restarted;

        add_fault(0, "healer_crash", TARGET_NONE)->arguments[0] = 60e9;
        play(1, ARM_TREATED);
        ck_assert_uint_eq(seen.lives, 2);
        crashed = entry_of(JOURNAL_HEALER, "crashed", 0);
        restarted = entry_of(JOURNAL_HEALER, "restarted", 0);
        ck_assert_int_eq(crashed->at_ns, FROM_NS);
        ck_assert_int_eq(restarted->at_ns, FROM_NS + 60 * NS_PER_S); /* `for` ends before the duration */
        ck_assert_str_eq(restarted->text, "starts clean, without its open episodes");
        for (size_t i = 0; i < seen.batch_count; i++)
                ck_assert(seen.batch[i].to_ns < FROM_NS || seen.batch[i].to_ns >= FROM_NS + 60 * NS_PER_S);
        /* It counts from 1 again; its numbers in the journal are not those of the first. */
        ck_assert_uint_eq(entry_of(JOURNAL_ACTION_STARTED, "enable_monitoring", 0)->id, 1);
        ck_assert_uint_eq(entry_of(JOURNAL_ACTION_STARTED, "enable_monitoring", 1)->id, 2);
        ck_assert_uint_eq(seen.result[1].result.id, 1);
        /* and the alarm of the first is over */
        ck_assert_int_eq(entry_of(JOURNAL_ALARM_CLEARED, "", 0)->at_ns, FROM_NS);
        ck_assert_uint_eq(entry_of(JOURNAL_ALARM_CLEARED, "", 0)->id, 1);
}
END_TEST

START_TEST(a_healer_that_comes_back_is_told_who_is_not_there)
{
        struct method_spec *crash;
        bool told = false;

        add_fault(0, "healer_crash", TARGET_NONE)->arguments[0] = 60e9;
        crash = add_fault(1, "crash", TARGET_INSTANCES);
        crash->target.pick = PICK_LIST;
        crash->target.list = (const uint32_t[]){1};
        crash->target.list_count = 1;
        crash->at_ns = 60 * NS_PER_S;
        play(2, ARM_TREATED);
        for (size_t i = 0; i < seen.event_count; i++)
                told = told || (seen.event[i].event.kind == FLEET_EVENT_HEARTBEAT_MISSED &&
                                seen.event[i].event.instance == 2 &&
                                seen.event[i].seen_ns == FROM_NS + 60 * NS_PER_S);
        ck_assert(told);
}
END_TEST

START_TEST(a_decoy_goes_on_in_arms_without_faults_and_is_no_phase)
{
        add_fault(0, "decoy_precursor", TARGET_SERVICE);
        b.services[PAY].memory_base_bytes = 100000000;
        b.services[PAY].memory_limit_bytes = 1000000000;
        play(1, ARM_QUIET);
        ck_assert_uint_gt(record->faults[0].touched, 0);
        ck_assert_int_eq(record->faults[0].started_ns, FROM_NS);
        ck_assert_uint_eq(record->services[SHOP].phase[PHASE_DURING].good, 0);
        ck_assert_uint_eq(record->timetable_hash, 0);
}
END_TEST

START_TEST(other_faults_on_the_healer_are_only_in_arms_with_faults)
{
        add_fault(0, "telemetry_drop", TARGET_NONE);
        play(1, ARM_QUIET);
        ck_assert_uint_eq(record->faults[0].touched, 0);
        ck_assert_int_eq(record->faults[0].started_ns, TIME_NEVER);
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("world");
        TCase *t = tcase_create("all");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, a_dropped_channel_is_silent_for_its_time_and_no_longer);
        tcase_add_test(t, late_telemetry_comes_late_and_is_overtaken_when_the_fault_ends);
        tcase_add_test(t, late_events_keep_their_own_time);
        tcase_add_test(t, behind_a_partition_nothing_is_heard_and_no_order_arrives);
        tcase_add_test(t, an_order_into_a_cut_line_is_lost_and_so_is_word_of_it);
        tcase_add_test(t, a_crashed_healer_hears_nothing_and_comes_back_new);
        tcase_add_test(t, a_healer_that_comes_back_is_told_who_is_not_there);
        tcase_add_test(t, a_decoy_goes_on_in_arms_without_faults_and_is_no_phase);
        tcase_add_test(t, other_faults_on_the_healer_are_only_in_arms_with_faults);
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
