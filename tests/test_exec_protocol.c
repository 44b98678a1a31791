/* The lines between a run and a healer that is a program: what is written reads
 * back exactly, and what is wrong in an answer is refused with its place. */
#include <check.h>

#include <math.h>
#include <string.h>

#include "harness/run/exec_protocol.h"
#include "harness/sim/time.h"

static const struct zone_spec zones[] = {{.name = "a"}};
static const struct service_spec services[] = {
        {.name = "shop", .concurrency = 4, .queue_max = 32, .cpu_cores = 4, .critical = true,
         .restart_time_ns = 5 * NS_PER_S, .boot_time_ns = 15 * NS_PER_S,
         .slo = {.present = true, .target = 0.99, .latency_ns = 400 * NS_PER_MS}},
        {.name = "bank \"1\"\n", .concurrency = 2, .queue_max = QUEUE_UNBOUNDED,
         .restart_time_ns = 1, .boot_time_ns = 123456789},
};
static const struct edge_spec edges[] = {
        {.name = "shop->bank", .from = 0, .to = 1, .fallback = FALLBACK_STATIC}};
static const struct load_spec loads[] = {{.name = "people", .to = 0}};
static const struct fleet_spec fleet = {.zones = zones,
                                        .zone_count = 1,
                                        .services = services,
                                        .service_count = 2,
                                        .edges = edges,
                                        .edge_count = 1,
                                        .loads = loads,
                                        .load_count = 1};
static const struct healer_instance instances[] = {
        {0, 0, "shop-0", "v1"}, {1, 0, "bank-0", "v1"}, {1, 0, "bank-1", "v2"}};
static const char *const edge_names[] = {"shop->bank", "people->shop"};
static const struct healer_world world = {&fleet, instances, 3, 2, edge_names, 0, "treated"};

static struct exec_names names;
static struct json_line line;
static struct arena arena, lasting;
static char why[EXEC_WHY_SIZE];

static void set_up(void)
{
        arena_init(&arena);
        arena_init(&lasting);
        ck_assert(exec_names_init(&names, &world));
}

static void tear_down(void)
{
        exec_names_free(&names);
        json_line_free(&line);
        arena_release(&arena);
        arena_release(&lasting);
}

static bool answer(const char *text, struct healer_answer *out)
{
        return exec_read_answer(&arena, &names, text, strlen(text), out, why);
}

START_TEST(hello_reads_back_as_the_same_world)
{
        const uint64_t key = UINT64_MAX - 12;
        struct healer_world back;
        const char *text;
        uint64_t key_back;
        size_t length;

        exec_write_hello(&line, &names, key, -300 * NS_PER_S);
        text = json_line_text(&line, &length);
        ck_assert_ptr_nonnull(text);
        ck_assert_msg(exec_read_hello(&lasting, text, length, &back, &key_back, why), "%s", why);
        ck_assert_uint_eq(key_back, key);
        ck_assert_uint_eq(back.spec->service_count, 2);
        ck_assert_str_eq(back.spec->services[1].name, services[1].name);
        ck_assert_int_eq(back.spec->services[1].boot_time_ns, 123456789);
        ck_assert_uint_eq(back.spec->services[1].queue_max, QUEUE_UNBOUNDED);
        ck_assert(back.spec->services[0].critical && !back.spec->services[1].critical);
        ck_assert(back.spec->services[0].slo.present && !back.spec->services[1].slo.present);
        ck_assert_int_eq(back.spec->services[0].slo.latency_ns, 400 * NS_PER_MS);
        ck_assert_uint_eq(back.spec->edge_count, 1);
        ck_assert_uint_eq(back.spec->load_count, 1);
        ck_assert_int_eq(back.spec->edges[0].fallback, FALLBACK_STATIC);
        ck_assert_uint_eq(back.edge_count, 2);
        ck_assert_str_eq(back.edge_names[1], "people->shop");
        ck_assert_uint_eq(back.instance_count, 3);
        ck_assert_str_eq(back.instances[2].name, "bank-1");
        ck_assert_str_eq(back.instances[2].version, "v2");
        ck_assert_uint_eq(back.instances[2].service, 1);
}
END_TEST

START_TEST(a_wake_up_reads_back_to_the_last_bit)
{
        const struct healer_instance grown[] = {
                instances[0], instances[1], instances[2], {1, 0, "bank-2", "v3"}};
        const struct instance_sample samples[] = {
                {.instance = 3, .service = 1, .cpu_ratio = 1.0 / 3, .memory_ratio = NAN,
                 .disk_ratio = NAN, .fd_ratio = NAN, .pool_ratio = NAN, .token_ratio = NAN,
                 .queue_depth = 7, .throughput_per_s = 0.1 + 0.2, .error_ratio = 5e-324,
                 .latency_p50_s = NAN, .latency_p95_s = 1e22, .latency_p99_s = 0,
                 .connection_failures = 2, .requests = 1234567890123},
        };
        const struct edge_sample edge = {1, 500, 0.25, NAN, 0.01, 0.03, 1e-9};
        const struct telemetry_batch batch = {5 * NS_PER_S, 10 * NS_PER_S + 1, samples, 1, &edge, 1};
        const struct fleet_event event = {.at_ns = -7, .kind = FLEET_EVENT_PROCESS_EXITED,
                                          .service = 1, .instance = 1, .edge = FLEET_NO_INDEX,
                                          .code = 137, .oom = true, .text = "a\tb"};
        const struct fleet_action_result result = {
                .id = 9, .kind = ACTION_RESTART_INSTANCE, .service = 1, .instance = 1,
                .started_at_ns = 1, .finished_at_ns = 4194303 * NS_PER_S + 999999999, .ok = false,
                .reason = "no"};
        const bool open[] = {true, false};
        const struct healer_wake wake = {11 * NS_PER_S, &batch, 1, &event, 1, &result, 1,
                                         grown,         4,      open};
        struct exec_names theirs;
        struct healer_wake back;
        const char *text;
        size_t length;

        ck_assert(exec_names_init(&theirs, &world));
        ck_assert(exec_write_wake(&line, &names, &wake));
        text = json_line_text(&line, &length);
        ck_assert_msg(exec_read_wake(&arena, &lasting, &theirs, text, length, &back, why), "%s", why);
        ck_assert_int_eq(back.now_ns, 11 * NS_PER_S);
        ck_assert_uint_eq(back.instance_count, 4);
        ck_assert_str_eq(back.instances[3].name, "bank-2");
        ck_assert_uint_eq(back.batch_count, 1);
        ck_assert_int_eq(back.batches[0].to_ns, 10 * NS_PER_S + 1);
        ck_assert_uint_eq(back.batches[0].instance_count, 1);
        ck_assert_uint_eq(back.batches[0].instances[0].instance, 3);
        ck_assert_uint_eq(back.batches[0].instances[0].service, 1);
        ck_assert(back.batches[0].instances[0].cpu_ratio == samples[0].cpu_ratio);
        ck_assert(isnan(back.batches[0].instances[0].memory_ratio));
        ck_assert(back.batches[0].instances[0].throughput_per_s == samples[0].throughput_per_s);
        ck_assert(back.batches[0].instances[0].error_ratio == 5e-324);
        ck_assert(back.batches[0].instances[0].latency_p95_s == 1e22);
        ck_assert_uint_eq(back.batches[0].instances[0].requests, 1234567890123);
        ck_assert_uint_eq(back.batches[0].edges[0].calls, 500);
        ck_assert(isnan(back.batches[0].edges[0].timeout_ratio));
        ck_assert_int_eq(back.events[0].at_ns, -7);
        ck_assert_int_eq(back.events[0].kind, FLEET_EVENT_PROCESS_EXITED);
        ck_assert_uint_eq(back.events[0].edge, FLEET_NO_INDEX);
        ck_assert(back.events[0].oom);
        ck_assert_str_eq(back.events[0].text, "a\tb");
        ck_assert_int_eq(back.results[0].finished_at_ns, result.finished_at_ns);
        ck_assert_str_eq(back.results[0].reason, "no");
        ck_assert(back.breaker_open[0] && !back.breaker_open[1]);
        exec_names_free(&theirs);
}
END_TEST

/* Everything that the face can say, through JSON and back. */
START_TEST(an_answer_reads_back_whole)
{
        struct healer_note notes[NOTE_KIND_COUNT];
        const struct healer_order orders[] = {
                {{5, ACTION_SCALE_RESOURCES, 1, FLEET_NO_INDEX, FLEET_NO_INDEX, -2, {0}}, 3, 4, true},
                {{6, ACTION_RESTART_INSTANCE, 1, 2, FLEET_NO_INDEX, 0, {0}}, 0, 0, false},
                {{7, ACTION_SET_DEGRADATION, 1, FLEET_NO_INDEX, FLEET_NO_INDEX, 2,
                  {true, 0.3, 0.6, 0.75, 5, 0, 0}}, 0, 0, false}};
        struct strategy_rule rules[STRATEGY_POLICY_COUNT];
        struct edge_protection protection = {.edge = 0};
        struct healer_answer said = {.notes = notes, .note_count = NOTE_KIND_COUNT,
                                     .orders = orders, .order_count = 3,
                                     .protections = &protection, .protection_count = 1,
                                     .next_wake_ns = 12345678901}, back;
        struct read_session session;
        struct diag_list diags;
        struct read_context ctx;
        const json_t *root;
        const char *text;
        size_t length;

        diag_list_init(&diags);
        read_session_begin(&session, &lasting, &diags);
        ck_assert(read_text_begin(&session, "test", "{}", 2, JSON_PATH_ROOT, &ctx, &root));
        for (int policy = 0; policy < STRATEGY_POLICY_COUNT; policy++) {
                strategy_rule_read(&ctx, root, JSON_PATH_ROOT, (enum strategy_policy)policy,
                                   &rules[policy]);
                protection.rules[policy] = &rules[policy];
        }
        read_session_end(&session);
        diag_list_release(&diags);
        rules[STRATEGY_BREAKER].breaker.slow_call_ns = 1234567;
        rules[STRATEGY_BREAKER].breaker.failure_rate_percent = 0.07 * 100;
        rules[STRATEGY_RATE_LIMIT].rate_limit.rate_per_s = 1.0 / 3;
        for (int kind = 0; kind < NOTE_KIND_COUNT; kind++)
                notes[kind] = (struct healer_note){
                        .kind = (enum healer_note_kind)kind, .id = (uint64_t)kind, .episode = 7,
                        .service = 1, .instance = 2, .edge = 0, .type = "high_latency",
                        .severity = "high", .metric = "latency", .value = 0.1, .limit = NAN,
                        .confidence = 2.0 / 3, .rank = 1, .eta_ns = kind == 0 ? TIME_NEVER : 5,
                        .context = kind == NOTE_ESCALATION ? "tried: \"all\"" : NULL};
        exec_write_answer(&line, &names, &said);
        text = json_line_text(&line, &length);
        ck_assert_msg(exec_read_answer(&arena, &names, text, length, &back, why), "%s", why);
        ck_assert_uint_eq(back.note_count, NOTE_KIND_COUNT);
        for (int kind = 0; kind < NOTE_KIND_COUNT; kind++) {
                const struct healer_note *note = &back.notes[kind];

                ck_assert_int_eq(note->kind, kind); /* the kinds are in the lists' order */
                ck_assert_uint_eq(note->id, (uint64_t)kind);
                ck_assert_uint_eq(note->episode, 7);
                ck_assert_uint_eq(note->instance, 2);
                ck_assert_str_eq(note->type, "high_latency");
                ck_assert_str_eq(note->severity, "high");
                ck_assert(note->confidence == 2.0 / 3);
                ck_assert(isnan(note->limit));
                ck_assert_int_eq(note->eta_ns, kind == 0 ? TIME_NEVER : 5);
                if (kind == NOTE_ESCALATION)
                        ck_assert_str_eq(note->context, "tried: \"all\"");
                else
                        ck_assert_ptr_null(note->context);
        }
        ck_assert_uint_eq(back.order_count, 3);
        ck_assert_int_eq(back.orders[0].action.kind, ACTION_SCALE_RESOURCES);
        ck_assert(back.orders[0].action.amount == -2 && back.orders[0].preventive);
        ck_assert_uint_eq(back.orders[0].prediction, 4);
        ck_assert_uint_eq(back.orders[1].action.instance, 2);
        ck_assert_int_eq(back.next_wake_ns, 12345678901);
        ck_assert_uint_eq(back.protection_count, 1);
        ck_assert_uint_eq(back.protections[0].edge, 0);
        ck_assert_int_eq(back.protections[0].rules[STRATEGY_BREAKER]->breaker.slow_call_ns, 1234567);
        ck_assert(back.protections[0].rules[STRATEGY_BREAKER]->breaker.failure_rate_percent ==
                  0.07 * 100);
        ck_assert(back.protections[0].rules[STRATEGY_RATE_LIMIT]->rate_limit.rate_per_s == 1.0 / 3);
        ck_assert_int_eq(back.protections[0].rules[STRATEGY_RETRY]->retry.max_delay_ns,
                         rules[STRATEGY_RETRY].retry.max_delay_ns);
}
END_TEST

START_TEST(an_answer_that_says_only_when_to_wake_is_enough)
{
        struct healer_answer out;

        ck_assert(answer("{\"next_wake\": null}", &out));
        ck_assert_int_eq(out.next_wake_ns, TIME_NEVER);
        ck_assert_uint_eq(out.note_count + out.order_count + out.protection_count, 0);
        ck_assert(answer("{\"next_wake\": 0.1}", &out));
        ck_assert_int_eq(out.next_wake_ns, NS_PER_S / 10);
}
END_TEST

START_TEST(nought_has_no_minus)
{
        struct healer_answer out;

        ck_assert(answer("{\"next_wake\": 1, \"predictions\": [{\"id\": 2, \"confidence\": -0.0}]}", &out));
        ck_assert_uint_eq(out.note_count, 1);
        ck_assert(!signbit(out.notes[0].confidence));
}
END_TEST

START_TEST(an_instance_stands_for_its_service)
{
        struct healer_answer out;

        ck_assert(answer("{\"next_wake\": 1, \"actions\": [{\"id\": 1, \"action\": "
                         "\"restart_instance\", \"instance\": \"bank-1\"}]}",
                         &out));
        ck_assert_uint_eq(out.orders[0].action.service, 1);
        ck_assert_uint_eq(out.orders[0].action.instance, 2);
}
END_TEST

static const struct {
        const char *text, *said;
} wrong[] = {
        {"", "answer:1:1"},
        {"[]", "an object"},
        {"{}", "missing key 'next_wake'"},
        {"{\"next_wake\": \"soon\"}", "next_wake: "},
        {"{\"next_wake\": 1, \"alarm\": []}", "alarm: unknown key (nearest: 'alarms')"},
        {"{\"next_wake\": 1, \"alarms\": {}}", "alarms: "},
        {"{\"next_wake\": 1, \"alarms\": [{\"service\": \"shp\"}]}",
         "alarms[0].service: no service named 'shp' (nearest: 'shop')"},
        {"{\"next_wake\": 1, \"episodes\": [{\"episode\": 1}]}", "missing key 'state'"},
        {"{\"next_wake\": 1, \"episodes\": [{\"state\": \"open\"}]}", "episodes[0].state: "},
        {"{\"next_wake\": 1, \"diagnoses\": [{\"confidence\": 2}]}", "diagnoses[0].confidence: "},
        {"{\"next_wake\": 1, \"actions\": [{\"id\": 1, \"action\": \"restart\", \"service\": "
         "\"shop\"}]}",
         "actions[0].action: no action named 'restart'"},
        {"{\"next_wake\": 1, \"actions\": [{\"id\": 1, \"action\": \"restart_instance\", "
         "\"service\": \"shop\"}]}",
         "restart_instance needs an instance"},
        {"{\"next_wake\": 1, \"actions\": [{\"id\": 1, \"action\": \"escalate\"}]}",
         "escalate needs a service or an instance"},
        {"{\"next_wake\": 1, \"policies\": {\"shop->bnk\": {}}}",
         "no edge named 'shop->bnk' (nearest: 'shop->bank')"},
        {"{\"next_wake\": 1, \"policies\": {\"people->shop\": {}}}", "no edge named 'people->shop'"},
        {"{\"next_wake\": 1, \"policies\": {\"shop->bank\": {\"timeout\": {\"after\": 3}}}}",
         "policies.shop->bank.timeout.after: "},
};

START_TEST(what_is_wrong_in_an_answer_is_said_with_its_place)
{
        struct healer_answer out;

        ck_assert(!answer(wrong[_i].text, &out));
        ck_assert_msg(strstr(why, wrong[_i].said) != NULL, "%s: %s", wrong[_i].text, why);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("exec_protocol");
        TCase *tcase = tcase_create("exec_protocol");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, hello_reads_back_as_the_same_world);
        tcase_add_test(tcase, a_wake_up_reads_back_to_the_last_bit);
        tcase_add_test(tcase, an_answer_reads_back_whole);
        tcase_add_test(tcase, an_answer_that_says_only_when_to_wake_is_enough);
        tcase_add_test(tcase, nought_has_no_minus);
        tcase_add_test(tcase, an_instance_stands_for_its_service);
        tcase_add_loop_test(tcase, what_is_wrong_in_an_answer_is_said_with_its_place, 0,
                            (int)(sizeof(wrong) / sizeof(wrong[0])));
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed != 0;
}
