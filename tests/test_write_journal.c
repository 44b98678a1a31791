/* Tests of reports/write_journal.h: one event a line, understood alone. */
#include <math.h>

#include "report_sample.h"
#include "reports/write_journal.h"

static struct meta_service services[] = {{.name = "front\"end\n"}, {.name = "payment"}};
static struct meta_edge edges[] = {{.name = "frontend->payment", .from = 0, .to = 1}};
static struct meta_fault faults[] = {{.name = "slow", .kind = "latency"}};
static const char *const action_names[] = {"restart_instance"};
static const struct run_meta meta = {
        .services = services,
        .service_count = 2,
        .edges = edges,
        .edge_count = 1,
        .faults = faults,
        .fault_count = 1,
        .action_names = action_names,
        .action_kind_count = 1,
};

static struct journal_entry entry_of(enum journal_type type, int64_t at_ns)
{
        return (struct journal_entry){
                .at_ns = at_ns,
                .type = type,
                .service = RECORD_NONE,
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
}

static json_t *line_of(const struct journal_entry *entry)
{
        struct text line;
        json_t *parsed;

        text_init(&line);
        journal_line(&meta, 3, ARM_SHADOW, entry, &line);
        parsed = json_loads(text_bytes(&line), JSON_REJECT_DUPLICATES, NULL);
        ck_assert_msg(parsed != NULL, "%s", text_bytes(&line));
        text_release(&line);
        return parsed;
}

START_TEST(every_type_is_a_line_of_json_with_its_place_in_time)
{
        for (int type = 0; type < JOURNAL_TYPE_COUNT; type++) {
                struct journal_entry entry = entry_of((enum journal_type)type, -1500000000);
                json_t *line;

                entry.service = 0;
                entry.ref = 0;
                line = line_of(&entry);
                ck_assert(json_number_value(json_object_get(line, "t")) == -1.5);
                ck_assert_int_eq(json_integer_value(json_object_get(line, "run")), 3);
                ck_assert_str_eq(json_string_value(json_object_get(line, "arm")), "shadow");
                ck_assert_str_eq(json_string_value(json_object_get(line, "type")),
                                 journal_type_names[type]);
                ck_assert_str_eq(json_string_value(json_object_get(line, "service")),
                                 "front\"end ");
                json_decref(line);
        }
}
END_TEST

START_TEST(an_action_says_what_where_and_whether_it_was_held_back)
{
        struct journal_entry entry = entry_of(JOURNAL_ACTION_STARTED, 0);
        json_t *line;

        entry.service = 1;
        entry.instance = 4;
        entry.id = 17;
        entry.held_back = entry.preventive = true;
        line = line_of(&entry);
        ck_assert_str_eq(json_string_value(json_object_get(line, "action")), "restart_instance");
        ck_assert_str_eq(json_string_value(json_object_get(line, "service")), "payment");
        ck_assert_int_eq(json_integer_value(json_object_get(line, "instance")), 4);
        ck_assert_int_eq(json_integer_value(json_object_get(line, "id")), 17);
        ck_assert(json_is_true(json_object_get(line, "held_back")));
        ck_assert(json_is_true(json_object_get(line, "preventive")));
        json_decref(line);
}
END_TEST

START_TEST(what_an_event_does_not_have_is_not_there)
{
        struct journal_entry entry = entry_of(JOURNAL_ALARM, 0);
        json_t *line = line_of(&entry);

        ck_assert_ptr_null(json_object_get(line, "value"));
        ck_assert_ptr_null(json_object_get(line, "service"));
        ck_assert_ptr_null(json_object_get(line, "edge"));
        ck_assert_uint_eq(json_object_size(line), 4);
        json_decref(line);
}
END_TEST

START_TEST(a_journal_holds_the_promised_types_of_every_arm)
{
        struct journal_entry entries[] = {entry_of(JOURNAL_RUN_STARTED, 0),
                                          entry_of(JOURNAL_ALARM_CLEARED, 1),
                                          entry_of(JOURNAL_RUN_ENDED, 2)};
        struct arm_record arm = {.journal = entries, .journal_count = 3};
        struct replication_record record = {.arms = {[ARM_TREATED] = &arm, [ARM_CALM] = &arm}};
        struct out_error error = {""};
        struct out_file file;
        char folder[64], *bytes;

        folder_make(folder);
        ck_assert(journal_begin(&file, folder, &error));
        journal_add(&file, &meta, &record);
        ck_assert(out_file_commit(&file));
        bytes = folder_read(folder, "journal.jsonl");
        ck_assert_str_eq(bytes,
                         "{\"t\":0,\"run\":0,\"arm\":\"treated\",\"type\":\"run_started\"}\n"
                         "{\"t\":2e-09,\"run\":0,\"arm\":\"treated\",\"type\":\"run_ended\"}\n"
                         "{\"t\":0,\"run\":0,\"arm\":\"calm\",\"type\":\"run_started\"}\n"
                         "{\"t\":2e-09,\"run\":0,\"arm\":\"calm\",\"type\":\"run_ended\"}\n");
        free(bytes);
        folder_remove(folder);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("write_journal");
        TCase *tests = tcase_create("journal");
        SRunner *runner;
        int failed;

        tcase_add_test(tests, every_type_is_a_line_of_json_with_its_place_in_time);
        tcase_add_test(tests, an_action_says_what_where_and_whether_it_was_held_back);
        tcase_add_test(tests, what_an_event_does_not_have_is_not_there);
        tcase_add_test(tests, a_journal_holds_the_promised_types_of_every_arm);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
