/* test_plan.c - when the entries of a method are played, and whom they take.
 *
 * Scenarios are files of the test's own, read by the loader, so that what is
 * shown holds from the text on. Times are read off the plan, nothing is run.
 */
#include "harness/run/plan.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/rng.h"
#include "harness/run/plan_words.h"
#include "harness/sim/time.h"

static char folder[64];
static struct diag_list diags;
static struct arena arena;
static struct scenario *scenario;
static struct plan plan;

static void open_folder(void)
{
        strcpy(folder, "/tmp/test_plan_XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        ck_assert_int_eq(chdir(folder), 0);
        diag_list_init(&diags);
        arena_init(&arena);
}

static void close_folder(void)
{
        scenario_free(scenario);
        arena_release(&arena);
        diag_list_release(&diags);
        unlink("s.json");
        ck_assert_int_eq(chdir("/"), 0);
        rmdir(folder);
}

static const char head[] =
        "{ \"version\": 1, \"title\": \"t\", \"duration\": \"30m\", \"healer\": \"none\",\n"
        "  \"fleet\": { \"zones\": [ { \"name\": \"a\" }, { \"name\": \"b\" } ], \"services\": [\n"
        "    { \"name\": \"front\", \"service_time\": \"5ms\", \"instances\": 4, \"concurrency\": 8,\n"
        "      \"calls\": [ { \"to\": \"back\", \"timeout\": \"1s\" } ] },\n"
        "    { \"name\": \"back\", \"service_time\": \"5ms\", \"instances\": 6 } ] },\n"
        "  \"load\": [ { \"name\": \"users\", \"to\": \"front\", \"rate\": \"50/s\" } ],\n";

#define SLOW(more) \
        "{ \"fault\": \"latency\", \"target\": { \"from\": \"front\", \"to\": \"back\" }, " more \
        ", \"arguments\": { \"delay\": \"1s\" } }"

/* Loads the method with more keys (NULL: none); the scenario before is given back. */
static void load_with(const char *method, const char *more, const struct scenario_overrides *overrides)
{
        FILE *file = fopen("s.json", "w");
        char line[DIAG_TEXT_MAX + 300] = "";

        ck_assert_ptr_nonnull(file);
        fprintf(file, "%s  \"method\": %s%s%s }\n", head, method, more != NULL ? ",\n" : "",
                more != NULL ? more : "");
        fclose(file);
        scenario_free(scenario);
        scenario = NULL;
        scenario_load("s.json", overrides, &scenario, &diags);
        if (diags.count > 0)
                diag_format(&diags.items[0], line, sizeof(line));
        ck_assert_msg(scenario != NULL, "%s", line);
}

static void load(const char *method)
{
        load_with(method, NULL, NULL);
}

static void make(uint32_t replication)
{
        ck_assert(plan_make(scenario, rng_key(scenario->seed, replication), &arena, &plan));
}

static double start_s(uint32_t i)
{
        return (double)plan.faults[i].start_ns / 1e9;
}

/* The play of that name. */
static const struct planned_fault *play(const char *name)
{
        for (uint32_t i = 0; i < plan.fault_count; i++)
                if (strcmp(plan.faults[i].name, name) == 0)
                        return &plan.faults[i];
        ck_abort_msg("no play named %s", name);
        return NULL;
}

static double start_of(const char *name)
{
        return (double)play(name)->start_ns / 1e9;
}

/* ---- when */

START_TEST(a_repeat_comes_every_so_often_until_the_end_or_its_count)
{
        load("[ " SLOW("\"name\": \"r\", \"repeat\": { \"every\": \"4m\" }, \"duration\": \"1m\"") ", "
             SLOW("\"name\": \"c\", \"repeat\": { \"every\": \"1m\", \"count\": 3 }, \"duration\": \"1m\"") " ]");
        make(0);
        ck_assert_uint_eq(plan.fault_count, 7 + 3);
        for (uint32_t i = 0; i < 7; i++)
                ck_assert_double_eq(start_s(i), 240.0 * (i + 1));
        for (uint32_t i = 0; i < 3; i++)
                ck_assert_double_eq(start_s(7 + i), 60.0 * (i + 1));
        ck_assert_str_eq(plan.faults[0].name, "r");
        ck_assert_str_eq(plan.faults[1].name, "r #2");
        ck_assert_uint_eq(plan.faults[6].number, 0);
        ck_assert_uint_eq(plan.faults[7].number, 1);
}
END_TEST

START_TEST(jitter_shifts_each_play_by_itself_and_by_no_more)
{
        double sum = 0, early = 0;

        load("[ " SLOW("\"name\": \"r\", \"repeat\": { \"every\": \"4m\", \"jitter\": \"30s\" }, \"duration\": \"1m\"") " ]");
        for (uint32_t r = 0; r < 100; r++) {
                make(r);
                for (uint32_t i = 0; i < plan.fault_count; i++) {
                        double shift = start_s(i) - 240.0 * (i + 1);

                        ck_assert_double_le(fabs(shift), 30);
                        sum += shift;
                        early += shift < 0;
                }
        }
        /* 700 uniform shifts of sd 17.3 s: their mean within 5 sd of it. */
        ck_assert_double_le(fabs(sum / 700), 5 * 17.32 / sqrt(700));
        ck_assert_double_ge(early, 250);
        ck_assert_double_le(early, 450);
}
END_TEST

START_TEST(a_rate_is_a_poisson_process)
{
        double count = 0, square = 0, short_gaps = 0, gaps = 0;

        load("[ " SLOW("\"name\": \"p\", \"rate\": \"12/h\", \"duration\": \"1s\"") " ]");
        for (uint32_t r = 0; r < 1000; r++) {
                make(r);
                count += plan.fault_count;
                square += (double)plan.fault_count * plan.fault_count;
                for (uint32_t i = 1; i < plan.fault_count; i++) {
                        ck_assert_int_gt(plan.faults[i].start_ns, plan.faults[i - 1].start_ns);
                        short_gaps += start_s(i) - start_s(i - 1) < 60;
                        gaps++;
                }
        }
        /* Mean and variance are 6. */
        ck_assert_double_eq_tol(count / 1000, 6, 5 * sqrt(6.0 / 1000));
        ck_assert_double_eq_tol(square / 1000 - count / 1000 * count / 1000, 6, 1.5);
        /* A gap between two that both fell into the run is short a little more
         * often than the 18 % of an exponential with a mean of 5 min. */
        ck_assert_double_ge(short_gaps / gaps, 0.17);
        ck_assert_double_le(short_gaps / gaps, 0.30);
}
END_TEST

START_TEST(nothing_begins_after_the_duration)
{
        load("[ " SLOW("\"name\": \"p\", \"rate\": \"1/min\", \"duration\": \"1s\"") ", "
             SLOW("\"name\": \"a\", \"at\": \"29m\", \"duration\": \"5m\"") ", "
             SLOW("\"name\": \"b\", \"after\": \"a\", \"duration\": \"1s\"") " ]");
        for (uint32_t r = 0; r < 50; r++) {
                make(r);
                for (uint32_t i = 0; i < plan.fault_count; i++) {
                        ck_assert_int_le(plan.faults[i].start_ns, scenario->duration_ns);
                        ck_assert_str_ne(plan.faults[i].name, "b");
                }
        }
}
END_TEST

START_TEST(a_missing_duration_is_that_of_the_kind)
{
        load("[ " SLOW("\"name\": \"to the end\", \"at\": \"1m\"") ","
             "{ \"name\": \"at once\", \"fault\": \"crash\", \"target\": { \"service\": \"back\" }, \"at\": \"2m\" },"
             "{ \"name\": \"its argument\", \"fault\": \"healer_crash\", \"at\": \"3m\" } ]");
        make(0);
        ck_assert_int_eq(play("to the end")->end_ns, 30 * NS_PER_MIN);
        ck_assert_int_eq(play("at once")->end_ns, 2 * NS_PER_MIN + 1);
        ck_assert_int_eq(play("its argument")->end_ns, 4 * NS_PER_MIN);
}
END_TEST

START_TEST(after_is_when_the_last_play_has_ended_and_faded)
{
        load("[ " SLOW("\"name\": \"late\", \"after\": \"r\", \"duration\": \"1s\"") ", "
             SLOW("\"name\": \"r\", \"repeat\": { \"every\": \"2m\", \"count\": 2 }, \"duration\": \"30s\", "
                  "\"ramp_down\": \"10s\"") ", "
             "{ \"probe\": { \"metric\": \"availability\", \"tolerance\": \"> 1%\" }, \"after\": \"late\" } ]");
        make(0);
        ck_assert_double_eq(start_of("late"), 240 + 30 + 10);
        ck_assert_int_eq(plan.probes_at_ns[2], 281 * NS_PER_S);
}
END_TEST

START_TEST(after_something_that_was_skipped_is_still_after_it)
{
        const char *skip[] = {"first"};
        struct scenario_overrides overrides = {.skip = skip, .skip_count = 1};

        load_with("[ " SLOW("\"name\": \"first\", \"at\": \"2m\", \"duration\": \"90s\"") ", "
                  SLOW("\"name\": \"second\", \"after\": \"first\", \"duration\": \"1s\"") " ]",
                  NULL, &overrides);
        make(0);
        ck_assert_uint_eq(plan.fault_count, 1);
        ck_assert_uint_eq(plan.faults[0].number, 0);
        ck_assert_double_eq(start_of("second"), 210);
}
END_TEST

START_TEST(groups_run_side_by_side_or_one_after_the_other)
{
        load("[ { \"name\": \"g\", \"at\": \"1m\", \"serial\": [ "
             SLOW("\"name\": \"s1\", \"duration\": \"10s\"") ", "
             SLOW("\"name\": \"s2\", \"at\": \"5s\", \"duration\": \"10s\"") ", "
             "{ \"parallel\": [ " SLOW("\"name\": \"p1\", \"duration\": \"20s\"") ", "
             SLOW("\"name\": \"p2\", \"at\": \"3s\", \"duration\": \"30s\"") " ] }, "
             SLOW("\"name\": \"s3\", \"repeat\": { \"every\": \"1m\", \"count\": 2 }, \"duration\": \"1s\"") " ] }, "
             SLOW("\"name\": \"then\", \"after\": \"g\", \"duration\": \"1s\"") " ]");
        make(0);
        ck_assert_double_eq(start_of("s1"), 60);
        ck_assert_double_eq(start_of("s2"), 75);
        ck_assert_double_eq(start_of("p1"), 85);
        ck_assert_double_eq(start_of("p2"), 88);
        ck_assert_double_eq(start_of("s3"), 118 + 60);
        ck_assert_double_eq(start_of("s3 #2"), 118 + 120);
        ck_assert_double_eq(start_of("then"), 118 + 121);
}
END_TEST

START_TEST(a_length_may_be_drawn)
{
        double sum = 0;

        load("[ " SLOW("\"name\": \"d\", \"at\": \"1m\", \"duration\": { \"dist\": \"exponential\", \"mean\": \"1m\" }") " ]");
        for (uint32_t r = 0; r < 1000; r++) {
                make(r);
                sum += (double)(plan.faults[0].end_ns - plan.faults[0].start_ns) / 1e9;
        }
        ck_assert_double_eq_tol(sum / 1000, 60, 5 * 60 / sqrt(1000));
}
END_TEST

/* ---- whom */

START_TEST(random_targets_are_as_many_as_asked_of_those_that_are_meant)
{
        uint32_t taken[6] = {0};

        load("[ { \"name\": \"x\", \"fault\": \"crash\", \"at\": \"1m\", \"target\": { \"random\": 2, "
             "\"of\": { \"zone\": \"a\" }, \"exclude\": [ \"front\" ] } } ]");
        for (uint32_t r = 0; r < 600; r++) {
                make(r);
                ck_assert_uint_eq(plan.faults[0].place_count, 2);
                for (uint32_t i = 0; i < 2; i++) {
                        ck_assert_uint_eq(planned_service(&plan.faults[0], i), 1);
                        ck_assert_uint_eq(plan.faults[0].places[i] % 2, 0);
                        taken[plan.faults[0].places[i]]++;
                }
                ck_assert_uint_ne(plan.faults[0].places[0], plan.faults[0].places[1]);
        }
        for (uint32_t i = 0; i < 6; i += 2) /* 400 each, sd 11.5 */
                ck_assert(taken[i] > 340 && taken[i] < 460);
}
END_TEST

START_TEST(each_play_draws_its_own_targets)
{
        bool differs = false;

        load("[ { \"name\": \"x\", \"fault\": \"crash\", \"repeat\": { \"every\": \"1m\" }, "
             "\"target\": { \"service\": \"back\", \"instances\": \"one\" } } ]");
        make(0);
        for (uint32_t i = 1; i < plan.fault_count; i++)
                differs = differs || plan.faults[i].places[0] != plan.faults[0].places[0];
        ck_assert(differs);
}
END_TEST

/* ---- monkeys */

#define MONKEY(budget) \
        "[ { \"name\": \"m\", \"monkey\": { \"rate\": \"2/min\", \"faults\": [ \"crash\", " \
        "{ \"fault\": \"hang\", \"duration\": \"2m\" }, { \"fault\": \"latency\", \"duration\": \"1m\", " \
        "\"arguments\": { \"delay\": \"1s\" } } ], \"targets\": [ \"back\", { \"service\": \"front\", " \
        "\"instances\": \"one\" }, { \"from\": \"front\", \"to\": \"back\" } ]" budget " } } ]"

/* A service, a load source, an edge, a zone, or nothing at all is one target. */
START_TEST(a_chance_by_target_spares_one_that_is_no_instance_too)
{
        static const char *const whom[] = {
                "\"zone_outage\", \"target\": { \"zone\": \"a\" }",
                "\"traffic_surge\", \"target\": { \"load\": \"users\" }, \"arguments\": { \"factor\": 3 }",
                "\"placement_blocked\", \"target\": { \"service\": \"back\" }",
                "\"bad_configuration\", \"target\": { \"from\": \"front\", \"to\": \"back\" }, "
                "\"arguments\": { \"parameter\": \"timeout\", \"value\": \"1ms\" }",
                "\"healer_crash\"",
                /* by request: taken, whatever the chance */
                "\"packet_loss\", \"target\": { \"from\": \"front\", \"to\": \"back\" }, "
                "\"arguments\": { \"rate\": 0.1 }",
        };
        bool by_request = _i == 5;
        char method[600];
        uint32_t spared = 0;
        json_t *json;

        snprintf(method, sizeof(method),
                 "[ { \"name\": \"never\", \"at\": \"1m\", \"probability\": 0, \"fault\": %s },"
                 "{ \"name\": \"some\", \"at\": \"2m\", \"probability\": 0.3, \"fault\": %s },"
                 "{ \"name\": \"always\", \"at\": \"3m\", \"fault\": %s } ]",
                 whom[_i], whom[_i], whom[_i]);
        load(method);
        for (uint32_t replication = 0; replication < 400; replication++) {
                make(replication);
                ck_assert_int_eq(play("never")->spared, !by_request);
                ck_assert(!play("always")->spared);
                spared += play("some")->spared;
                /* what was drawn is written down, and no chance is left */
                json = plan_entry_json(scenario, play("some"));
                ck_assert_double_eq(json_number_value(json_object_get(json, "probability")),
                                    by_request              ? 0.3
                                    : play("some")->spared ? 0
                                                            : 1);
                json_decref(json);
        }
        ck_assert_double_eq_tol(spared, by_request ? 0 : 280, 3 * sqrt(400 * 0.3 * 0.7));
}
END_TEST

START_TEST(a_monkey_keeps_its_budget)
{
        load(MONKEY(", \"budget\": { \"faults\": 6, \"concurrent\": 2, \"time\": \"8m\" }"));
        for (uint32_t r = 0; r < 200; r++) {
                int64_t time_ns = 0;

                make(r);
                ck_assert_uint_le(plan.fault_count, 6);
                ck_assert_uint_ge(plan.fault_count, 4);
                for (uint32_t i = 0; i < plan.fault_count; i++) {
                        uint32_t others = 0;

                        time_ns += plan.faults[i].end_ns - plan.faults[i].start_ns;
                        for (uint32_t k = 0; k < i; k++)
                                others += plan.faults[k].end_ns > plan.faults[i].start_ns;
                        ck_assert_uint_le(others, 1);
                }
                ck_assert_int_le(time_ns, 8 * NS_PER_MIN);
        }
}
END_TEST

START_TEST(a_monkey_draws_kinds_evenly_and_then_targets)
{
        uint32_t kinds[3] = {0}, total = 0, front = 0, hang = 0;
        static const char *const names[] = {"crash", "hang", "latency"};

        load(MONKEY(""));
        ck_assert_uint_eq(scenario->method_count, 7);
        for (uint32_t r = 0; r < 100; r++) {
                make(r);
                for (uint32_t i = 0; i < plan.fault_count; i++) {
                        const struct planned_fault *fault = &plan.faults[i];

                        for (uint32_t k = 0; k < 3; k++)
                                kinds[k] += strcmp(fault->entry->fault->name, names[k]) == 0;
                        if (strcmp(fault->entry->fault->name, "hang") == 0) {
                                hang++;
                                front += planned_service(fault, 0) == 0;
                        }
                        total++;
                }
        }
        ck_assert_double_eq_tol(total, 6000, 5 * sqrt(6000));
        for (uint32_t k = 0; k < 3; k++)
                ck_assert_double_eq_tol((double)kinds[k] / total, 1.0 / 3, 0.03);
        ck_assert_double_eq_tol((double)front / hang, 0.5, 0.06);
}
END_TEST

/* ---- chance */

#define MANY \
        "[ " SLOW("\"name\": \"r\", \"repeat\": { \"every\": \"4m\", \"count\": 5, \"jitter\": \"30s\" }, \"duration\": \"90s\"") \
        ", " SLOW("\"name\": \"p\", \"rate\": \"20/h\", \"duration\": { \"dist\": \"exponential\", \"mean\": \"30s\" }") \
        ", { \"name\": \"x\", \"fault\": \"crash\", \"rate\": \"20/h\", \"probability\": 0.5, \"target\": { \"random\": 3 } }" \
        ", { \"name\": \"y\", \"fault\": \"hang\", \"after\": \"r\", \"duration\": \"1m\", " \
        "\"target\": { \"service\": \"back\", \"instances\": \"50%\" } }" \
        ", { \"monkey\": { \"rate\": \"20/h\", \"faults\": [ \"crash\", \"pause\" ], \"budget\": 5 } }"

static void same_play(const struct planned_fault *a, const struct planned_fault *b)
{
        ck_assert_str_eq(a->name, b->name);
        ck_assert_ptr_eq(a->entry->fault, b->entry->fault);
        ck_assert_int_eq(a->start_ns, b->start_ns);
        ck_assert_int_eq(a->end_ns, b->end_ns);
        ck_assert_uint_eq(a->stream, b->stream);
        ck_assert_uint_eq(a->place_count, b->place_count);
        for (uint32_t i = 0; i < a->place_count; i++) {
                ck_assert_uint_eq(planned_service(a, i), planned_service(b, i));
                ck_assert_uint_eq(a->places[i], b->places[i]);
        }
}

START_TEST(what_was_played_can_be_pasted_and_is_the_same_timetable)
{
        for (uint32_t r = 0; r < 20; r++) {
                struct scenario *first;
                struct plan before;
                json_t *method = json_array();
                char *text;

                load(MANY " ]");
                make(r);
                before = plan;
                for (uint32_t i = 0; i < plan.fault_count; i++)
                        json_array_append_new(method, plan_entry_json(scenario, &plan.faults[i]));
                text = json_dumps(method, JSON_REAL_PRECISION(12));
                first = scenario;
                scenario = NULL;
                load(text);
                make(r);
                ck_assert_uint_eq(plan.fault_count, before.fault_count);
                ck_assert_uint_gt(plan.fault_count, 20);
                for (uint32_t i = 0; i < plan.fault_count; i++)
                        same_play(&before.faults[i], &plan.faults[i]);
                ck_assert_uint_eq(plan.hash, before.hash);
                ck_assert_int_eq(plan.first_ns, before.first_ns);
                scenario_free(first);
                json_decref(method);
                free(text);
        }
}
END_TEST

START_TEST(an_entry_more_moves_no_draw_of_another)
{
        struct scenario *first;
        struct plan before;

        load(MANY " ]");
        make(3);
        before = plan;
        first = scenario;
        scenario = NULL;
        load(MANY ", " SLOW("\"name\": \"more\", \"rate\": \"30/h\", \"duration\": \"20s\"") " ]");
        make(3);
        ck_assert_uint_gt(plan.fault_count, before.fault_count);
        for (uint32_t i = 0; i < before.fault_count; i++)
                same_play(&before.faults[i], play(before.faults[i].name));
        scenario_free(first);
}
END_TEST

START_TEST(another_replication_is_another_timetable)
{
        uint64_t hash;

        load(MANY " ]");
        make(0);
        hash = plan.hash;
        make(1);
        ck_assert_uint_ne(plan.hash, hash);
        make(0);
        ck_assert_uint_eq(plan.hash, hash);
}
END_TEST

/* ---- what an event starts */

static uint32_t added;
static char added_names[8][64];
static double added_s[8];

static bool take(void *user, struct planned_fault *fault)
{
        (void)user;
        ck_assert_uint_lt(added, 8);
        snprintf(added_names[added], sizeof(added_names[0]), "%s", fault->name);
        added_s[added++] = (double)fault->start_ns / 1e9;
        return true;
}

START_TEST(an_event_starts_its_entry_and_what_comes_after_it)
{
        struct plan_counts counts = {0};

        load("[ " SLOW("\"name\": \"w\", \"when\": { \"event\": \"alarm\" }, \"duration\": \"20s\"") ", "
             "{ \"after\": \"w\", \"serial\": [ " SLOW("\"name\": \"a\", \"duration\": \"10s\"") ", "
             SLOW("\"name\": \"b\", \"duration\": \"10s\"") " ] }, "
             SLOW("\"name\": \"t\", \"at\": \"1m\", \"duration\": \"10s\"") " ]");
        make(0);
        ck_assert(plan_is_coupled(scenario));
        ck_assert_uint_eq(plan.fault_count, 1);
        ck_assert_uint_eq(plan.faults[0].number, 3);
        counts.plays = ARENA_ARRAY(&arena, uint32_t, scenario->all_count);
        added = 0;
        for (int i = 0; i < 2; i++)
                ck_assert(plan_triggered(scenario, 1, &arena, &counts, &scenario->method[0],
                                         (100 + 1000 * i) * NS_PER_S, NULL, take));
        ck_assert_uint_eq(added, 6);
        ck_assert_str_eq(added_names[0], "w");
        ck_assert_double_eq(added_s[0], 100);
        ck_assert_double_eq(added_s[1], 120);
        ck_assert_double_eq(added_s[2], 130);
        ck_assert_str_eq(added_names[3], "w #2");
        ck_assert_str_eq(added_names[4], "a #2");
        ck_assert_double_eq(added_s[5], 1130);
}
END_TEST

/* ---- safety */

START_TEST(more_faults_at_once_than_allowed_are_refused_in_any_replication)
{
        load_with("[ " SLOW("\"name\": \"a\", \"at\": \"1m\", \"duration\": \"1m\"") ", "
                  SLOW("\"name\": \"b\", \"at\": \"2m\", \"duration\": \"1m\"") " ]",
                  "\"safety\": { \"max_concurrent_faults\": 1 }", NULL);
        ck_assert(plan_check_safety(scenario, 0, 20, PLAN_TO_READ, &diags)); /* they only touch */
        load_with("[ " SLOW("\"name\": \"p\", \"rate\": \"10/h\", \"duration\": \"1m\"") " ]",
                  "\"safety\": { \"max_concurrent_faults\": 1 }", NULL);
        ck_assert(!plan_check_safety(scenario, 0, 20, PLAN_TO_READ, &diags));
        ck_assert_uint_eq(diags.count, 1);
        ck_assert_str_eq(diags.items[0].path, "method[0]");
        ck_assert_ptr_nonnull(strstr(diags.items[0].text, "max_concurrent_faults"));
}
END_TEST

START_TEST(without_approval_nothing_starts)
{
        load_with("[]", "\"safety\": { \"require_approval\": true }", NULL);
        ck_assert(!plan_check_safety(scenario, 0, 1, PLAN_TO_RUN, &diags));
        ck_assert_uint_eq(diags.count, 1);
        ck_assert_str_eq(diags.items[0].text, "this scenario runs only with approval: give --approve");
        ck_assert(plan_check_safety(scenario, 0, 1, PLAN_TO_READ, &diags));
        ck_assert(plan_check_safety(scenario, 0, 1, PLAN_TO_RUN_APPROVED, &diags));
}
END_TEST

START_TEST(s3_37_in_production_chaos_is_off_with_approval_or_without)
{
        static const enum plan_purpose purposes[] = {PLAN_TO_RUN, PLAN_TO_RUN_APPROVED};
        const char *const faults = "[ " SLOW("\"at\": \"1m\"") " ]";

        load_with(faults, "\"safety\": { \"profile\": \"production\" }", NULL);
        for (size_t i = 0; i < 2; i++) {
                ck_assert(!plan_check_safety(scenario, 0, 1, purposes[i], &diags));
                ck_assert_uint_eq(diags.count, i + 1);
                ck_assert_str_eq(diags.items[i].path, "safety.profile");
        }
        ck_assert(plan_check_safety(scenario, 0, 1, PLAN_TO_READ, &diags));
        load_with(faults, "\"safety\": { \"profile\": \"development\" }", NULL);
        ck_assert(plan_check_safety(scenario, 0, 1, PLAN_TO_RUN, &diags));
}
END_TEST

/* ---- the matrix */

START_TEST(a_matrix_is_read_once_for_each_combination)
{
        static const char *const names[] = {"delay=1s,share=0.5", "delay=1s,share=1.0",
                                            "delay=2s,share=0.5", "delay=2s,share=1.0"};
        const char *vars[] = {"delay=3s"};
        char digests[4][65];
        struct scenario_overrides overrides = {0};
        const char *method =
                "[ { \"fault\": \"latency\", \"at\": \"1m\", \"probability\": \"${share}\", \"target\": "
                "{ \"from\": \"front\", \"to\": \"back\" }, \"arguments\": { \"delay\": \"${delay}\" } } ]";
        const char *more = "\"configuration\": { \"share\": 0.1, \"matrix\": { \"delay\": [ \"1s\", \"2s\" "
                           "], \"share\": [ 0.5, 1.0 ] } }";

        for (uint32_t i = 0; i < 4; i++) {
                overrides.matrix_index = i;
                load_with(method, more, &overrides);
                ck_assert_uint_eq(scenario->matrix_count, 4);
                ck_assert_str_eq(scenario->matrix_name, names[i]);
                ck_assert_double_eq(scenario->method[0].arguments[0], i < 2 ? 1e9 : 2e9);
                ck_assert_double_eq(scenario->method[0].probability, i % 2 == 0 ? 0.5 : 1.0);
                strcpy(digests[i], scenario->digest);
                for (uint32_t k = 0; k < i; k++)
                        ck_assert_str_ne(digests[i], digests[k]);
        }
        overrides = (struct scenario_overrides){.vars = vars, .var_count = 1, .matrix_index = 1};
        load_with(method, more, &overrides);
        ck_assert_uint_eq(scenario->matrix_count, 2);
        ck_assert_str_eq(scenario->matrix_name, "share=1.0");
        ck_assert_double_eq(scenario->method[0].arguments[0], 3e9);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("plan");
        TCase *tests = tcase_create("plan");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tests, open_folder, close_folder);
        tcase_add_test(tests, a_repeat_comes_every_so_often_until_the_end_or_its_count);
        tcase_add_test(tests, jitter_shifts_each_play_by_itself_and_by_no_more);
        tcase_add_test(tests, a_rate_is_a_poisson_process);
        tcase_add_test(tests, nothing_begins_after_the_duration);
        tcase_add_test(tests, after_is_when_the_last_play_has_ended_and_faded);
        tcase_add_test(tests, after_something_that_was_skipped_is_still_after_it);
        tcase_add_test(tests, groups_run_side_by_side_or_one_after_the_other);
        tcase_add_test(tests, a_length_may_be_drawn);
        tcase_add_test(tests, random_targets_are_as_many_as_asked_of_those_that_are_meant);
        tcase_add_test(tests, each_play_draws_its_own_targets);
        tcase_add_test(tests, a_monkey_keeps_its_budget);
        tcase_add_test(tests, a_missing_duration_is_that_of_the_kind);
        tcase_add_loop_test(tests, a_chance_by_target_spares_one_that_is_no_instance_too, 0, 6);
        tcase_add_test(tests, a_monkey_draws_kinds_evenly_and_then_targets);
        tcase_add_test(tests, what_was_played_can_be_pasted_and_is_the_same_timetable);
        tcase_add_test(tests, an_entry_more_moves_no_draw_of_another);
        tcase_add_test(tests, another_replication_is_another_timetable);
        tcase_add_test(tests, an_event_starts_its_entry_and_what_comes_after_it);
        tcase_add_test(tests, more_faults_at_once_than_allowed_are_refused_in_any_replication);
        tcase_add_test(tests, without_approval_nothing_starts);
        tcase_add_test(tests, s3_37_in_production_chaos_is_off_with_approval_or_without);
        tcase_add_test(tests, a_matrix_is_read_once_for_each_combination);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
