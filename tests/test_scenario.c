/* test_scenario.c - whole scenario files: what they become, and what is said of bad ones.
 *
 * A bad one is a folder tests/data/invalid/<case>/ with scenario.json, the
 * exact messages in expected.txt, and perhaps arguments.txt: an option and its
 * value, a line each. Good ones are made here, in a folder of their own.
 */
#include "harness/scenario/scenario.h"

#include <check.h>
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/sim/time.h"

enum { ARGUMENTS_MAX = 32, CASES_MIN = 120 };

static struct diag_list diags;
static char folder[64];
static char data_folder[4096];

/* A folder of our own with what tests write; the tests' data beside it. */
static void open_folder(void)
{
        const char *data = getenv("TEST_DATA");

        ck_assert_ptr_nonnull(data);
        ck_assert_ptr_nonnull(realpath(data, data_folder));
        strcpy(folder, "/tmp/test_scenario_XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        ck_assert_int_eq(chdir(folder), 0);
        diag_list_init(&diags);
}

static void close_folder(void)
{
        DIR *dir = opendir(folder);
        struct dirent *entry;

        diag_list_release(&diags);
        ck_assert_int_eq(chdir(folder), 0);
        while (dir != NULL && (entry = readdir(dir)) != NULL)
                unlink(entry->d_name);
        closedir(dir);
        ck_assert_int_eq(chdir("/"), 0);
        rmdir(folder);
}

static void write_file(const char *name, const char *text)
{
        FILE *file = fopen(name, "w");

        ck_assert_ptr_nonnull(file);
        fputs(text, file);
        fclose(file);
}

static const char sane_head[] =
        "{ \"version\": 1, \"title\": \"t\", \"duration\": \"10m\", \"healer\": \"none\",\n"
        "  \"fleet\": { \"zones\": [ { \"name\": \"a\" }, { \"name\": \"b\", \"latency\": \"1ms\" "
        "} ], \"services\": [\n"
        "    { \"name\": \"front\", \"service_time\": \"5ms\", \"instances\": 4, \"concurrency\": "
        "8,\n"
        "      \"calls\": [ { \"to\": \"back\", \"timeout\": \"1s\" } ] },\n"
        "    { \"name\": \"back\", \"service_time\": { \"dist\": \"lognormal\", \"p50\": \"10ms\", "
        "\"p99\": \"40ms\" },\n"
        "      \"instances\": 3 } ] },\n"
        "  \"load\": [ { \"name\": \"users\", \"to\": \"front\", \"rate\": \"50/s\" } ],\n";
static const char sane_method[] = "  \"method\": []";

/* sane_head, the method (NULL: empty) and `more` keys, as scenario.json. */
static void write_scenario(const char *method, const char *more)
{
        char text[8192];

        snprintf(text, sizeof(text), "%s%s%s%s }\n", sane_head,
                 method != NULL ? method : sane_method, *more != '\0' ? ",\n  " : "", more);
        write_file("scenario.json", text);
}

static struct scenario *load(const struct scenario_overrides *overrides)
{
        struct scenario *scenario = NULL;

        if (!scenario_load("scenario.json", overrides, &scenario, &diags)) {
                ck_assert_ptr_null(scenario);
                ck_assert_uint_gt(diag_total(&diags), 0);
        }
        return scenario;
}

static struct scenario *load_sane(const struct scenario_overrides *overrides)
{
        struct scenario *scenario = load(overrides);
        char line[DIAG_TEXT_MAX + 300] = "";

        if (diags.count > 0)
                diag_format(&diags.items[0], line, sizeof(line));
        ck_assert_msg(scenario != NULL, "%s", line);
        return scenario;
}

/* Invalid ones -------------------------------------------------------------- */

struct arguments {
        char lines[ARGUMENTS_MAX][256];
        const char *vars[ARGUMENTS_MAX], *sets[ARGUMENTS_MAX], *only[ARGUMENTS_MAX];
        struct scenario_overrides overrides;
};

static void read_arguments(struct arguments *arguments)
{
        FILE *file = fopen("arguments.txt", "r");
        int count = 0;

        memset(arguments, 0, sizeof(*arguments));
        arguments->overrides.vars = arguments->vars;
        arguments->overrides.sets = arguments->sets;
        arguments->overrides.only = arguments->only;
        while (file != NULL && count < ARGUMENTS_MAX &&
               fgets(arguments->lines[count], sizeof(arguments->lines[0]), file) != NULL) {
                arguments->lines[count][strcspn(arguments->lines[count], "\n")] = '\0';
                count++;
        }
        if (file != NULL)
                fclose(file);
        for (int i = 0; i + 1 < count; i += 2) {
                const char *option = arguments->lines[i], *value = arguments->lines[i + 1];

                if (strcmp(option, "--var") == 0)
                        arguments->vars[arguments->overrides.var_count++] = value;
                else if (strcmp(option, "--set") == 0)
                        arguments->sets[arguments->overrides.set_count++] = value;
                else if (strcmp(option, "--only") == 0)
                        arguments->only[arguments->overrides.only_count++] = value;
                else
                        ck_abort_msg("unknown option %s", option);
        }
}

/* All of a text file; the caller frees it. */
static char *read_text_file(const char *name)
{
        FILE *file = fopen(name, "r");
        char *text = NULL;
        size_t size = 0;
        FILE *stream = open_memstream(&text, &size);
        int c;

        while (file != NULL && (c = getc(file)) != EOF)
                putc(c, stream);
        fclose(stream);
        if (file != NULL)
                fclose(file);
        return text;
}

/* Loads the case in the current folder and gives what was said. */
static char *messages_of_case(const char *name)
{
        struct arguments arguments;
        struct diag_list said;
        struct scenario *scenario = NULL;
        char *text = NULL;
        size_t size = 0;
        FILE *stream = open_memstream(&text, &size);

        diag_list_init(&said);
        read_arguments(&arguments);
        ck_assert_msg(!scenario_load("scenario.json", &arguments.overrides, &scenario, &said),
                      "%s was accepted", name);
        ck_assert_ptr_null(scenario);
        diag_list_print(&said, stream);
        fclose(stream);
        diag_list_release(&said);
        return text;
}

START_TEST(bad_scenarios_are_refused_with_exactly_these_messages)
{
        char path[4200];
        struct dirent **entries;
        int count, cases = 0;

        snprintf(path, sizeof(path), "%s/invalid", data_folder);
        count = scandir(path, &entries, NULL, alphasort);
        ck_assert_int_gt(count, 0);
        for (int i = 0; i < count; i++) {
                char *said, *expected;

                if (entries[i]->d_name[0] != '.') {
                        ck_assert_int_eq(chdir(path), 0);
                        ck_assert_int_eq(chdir(entries[i]->d_name), 0);
                        expected = read_text_file("expected.txt");
                        said = messages_of_case(entries[i]->d_name);
                        ck_assert_msg(strcmp(said, expected) == 0, "%s\nsaid:\n%sexpected:\n%s",
                                      entries[i]->d_name, said, expected);
                        free(said);
                        free(expected);
                        cases++;
                }
                free(entries[i]);
        }
        free(entries);
        ck_assert_int_ge(cases, CASES_MIN);
}
END_TEST

START_TEST(a_scenario_that_is_missing_is_told_by_its_name)
{
        struct scenario *scenario;

        ck_assert(!scenario_load("nowhere/x.json", NULL, &scenario, &diags));
        ck_assert_uint_eq(diags.count, 1);
        ck_assert_str_eq(diags.items[0].file, "nowhere/x.json");
        ck_assert_str_eq(diags.items[0].text, "cannot be read: No such file or directory");
}
END_TEST

/* Good ones ------------------------------------------------------------------ */

START_TEST(defaults_are_those_of_the_specification)
{
        struct scenario *s;
        const struct service_spec *back;
        const struct edge_spec *edge;

        write_scenario(NULL, "");
        s = load_sane(NULL);
        back = &s->fleet.services[1];
        edge = &s->fleet.edges[0];
        ck_assert_uint_eq(s->seed, 1);
        ck_assert_uint_eq(s->replications, 20);
        ck_assert_int_eq(s->warmup_ns, 5 * NS_PER_MIN);
        ck_assert_int_lt(s->cooldown_ns, 0);
        ck_assert_int_eq(s->fleet.zone_latency_ns, NS_PER_MS);
        ck_assert_int_eq(s->fleet.zones[0].latency_ns, 250 * NS_PER_US);
        ck_assert_int_eq(s->fleet.zones[1].latency_ns, NS_PER_MS);
        ck_assert_uint_eq(back->concurrency, 1);
        ck_assert_uint_eq(back->queue_max, QUEUE_UNBOUNDED);
        ck_assert_int_eq(back->restart_time_ns, 5 * NS_PER_S);
        ck_assert_int_eq(back->boot_time_ns, 15 * NS_PER_S);
        ck_assert_double_eq(s->fleet.services[0].cpu_cores, 8);
        ck_assert_double_eq(back->cpu_share, 1);
        ck_assert_uint_eq(back->zone_count, 2);
        ck_assert_int_eq(back->health_check.period_ns, 5 * NS_PER_S);
        ck_assert_uint_eq(back->health_check.failures, 3);
        ck_assert(!back->slo.present);
        ck_assert_str_eq(edge->name, "front->back");
        ck_assert_double_eq(edge->probability, 1);
        ck_assert_int_eq(edge->timeout_ns, NS_PER_S);
        ck_assert_uint_eq(edge->retry.max, 0);
        ck_assert(!edge->cancel_on_timeout);
        ck_assert_int_eq(s->fleet.telemetry.interval_ns, 5 * NS_PER_S);
        ck_assert_int_eq(s->fleet.telemetry.delay_ns, NS_PER_S);
        ck_assert_double_eq(s->fleet.operations.page_burn_rate, 14.4);
        ck_assert_int_eq(s->fleet.loads[0].timeout_ns, TIME_NEVER);
        ck_assert_int_eq(s->evaluation.prediction_window_ns, 10 * NS_PER_MIN);
        ck_assert_int_eq(s->evaluation.horizon_ns, NS_PER_HOUR);
        ck_assert_str_eq(s->file, "scenario.json");
        ck_assert_uint_eq(strlen(s->digest), 64);
        scenario_free(s);
}
END_TEST

START_TEST(a_lognormal_has_the_quantiles_that_were_asked_for)
{
        struct scenario *s;
        struct dist dist;

        write_scenario(NULL, "");
        s = load_sane(NULL);
        dist = s->fleet.services[1].service_time;
        ck_assert(dist_prepare(&dist, &s->arena));
        ck_assert_double_eq_tol(dist_quantile_ns(&dist, 0.5), 10e6, 10e6 * 1e-5);
        ck_assert_double_eq_tol(dist_quantile_ns(&dist, 0.99), 40e6, 40e6 * 1e-5);
        dist = s->fleet.operations.human_response;
        ck_assert(dist_prepare(&dist, &s->arena));
        ck_assert_double_eq_tol(dist_quantile_ns(&dist, 0.5), 15 * 60e9, 1e6);
        ck_assert_double_eq_tol(dist_quantile_ns(&dist, 0.99), 60 * 60e9, 60 * 60e9 * 1e-5);
        scenario_free(s);
}
END_TEST

START_TEST(a_fault_is_converted_by_its_row)
{
        struct scenario *s;
        const struct method_spec *entry;

        write_scenario("\"method\": [ { \"fault\": \"latency\", \"target\": { \"from\": \"front\", "
                       "\"to\": \"back\" },"
                       " \"at\": \"2m\", \"duration\": \"1m30s\", \"probability\": \"70%\", "
                       "\"ramp\": \"10s\","
                       " \"arguments\": { \"delay\": \"2s\" } },"
                       " { \"fault\": \"latency\", \"target\": { \"from\": \"front\", \"to\": "
                       "\"back\" }, \"at\": \"4m\","
                       " \"arguments\": { \"delay\": \"1s\" } },"
                       " { \"name\": \"c\", \"fault\": \"crash\", \"target\": { \"service\": "
                       "\"back\", \"instances\": \"40%\","
                       " \"zone\": \"a\" }, \"at\": \"0s\" },"
                       " { \"fault\": \"crash\", \"target\": { \"service\": \"front\", "
                       "\"instances\": [3, 1] }, \"at\": \"1s\" } ]",
                       "");
        s = load_sane(NULL);
        entry = &s->method[0];
        ck_assert_uint_eq(s->method_count, 4);
        ck_assert_str_eq(entry->fault->name, "latency");
        ck_assert_str_eq(entry->name, "latency front->back");
        ck_assert_int_eq(entry->target.kind, TARGET_EDGE);
        ck_assert_uint_eq(entry->target.edge, 0);
        ck_assert_int_eq(entry->at_ns, 2 * NS_PER_MIN);
        ck_assert(entry->has_duration);
        ck_assert_double_eq(entry->duration.a_ns, 90e9);
        ck_assert_double_eq(entry->probability, 0.7);
        ck_assert_int_eq(entry->ramp_ns, 10 * NS_PER_S);
        ck_assert_double_eq(entry->arguments[fault_param_index(entry->fault, "delay")], 2e9);
        ck_assert_str_eq(s->method[1].name, "latency front->back 2");
        ck_assert(!s->method[1].has_duration);
        ck_assert_double_eq(s->method[1].duration.a_ns, (double)TIME_NEVER);
        ck_assert_int_eq(s->method[2].target.pick, PICK_SHARE);
        ck_assert_double_eq(s->method[2].target.share, 0.4);
        ck_assert_uint_eq(s->method[2].target.zone, 0);
        ck_assert_int_eq(s->method[3].target.pick, PICK_LIST);
        ck_assert_uint_eq(s->method[3].target.list[0], 1);
        ck_assert_uint_eq(s->method[3].target.list[1], 3);
        scenario_free(s);
}
END_TEST

START_TEST(thresholds_and_tolerances_are_taken_apart)
{
        struct scenario *s;
        const struct threshold_spec *t;

        write_scenario(
                NULL,
                "\"thresholds\": [ \"bad_seconds < 1m30s\", \"p99(mttr)<=2m\","
                " \" availability { service = back , arm=untreated,phase=during } >= 99.9% \","
                " { \"check\": \"false_alarms_per_week == 1\", \"confidence\": 0.95, "
                "\"on_no_data\": \"pass\" } ],"
                " \"steady_state\": { \"probes\": [ { \"metric\": \"latency_p99\", \"tolerance\": "
                "\"< 400ms\" },"
                " { \"metric\": \"availability\", \"service\": \"back\", \"tolerance\": [0.9, 1] } "
                "] }");
        s = load_sane(NULL);
        t = s->thresholds;
        ck_assert_uint_eq(s->threshold_count, 4);
        ck_assert_str_eq(t[0].metric, "bad_seconds");
        ck_assert_str_eq(t[0].op, "<");
        ck_assert_double_eq(t[0].value, 90);
        ck_assert_str_eq(t[0].arm, "treated");
        ck_assert_double_eq_tol(t[1].quantile, 0.99, 1e-12);
        ck_assert_str_eq(t[1].op, "<=");
        ck_assert_str_eq(t[2].service, "back");
        ck_assert_str_eq(t[2].arm, "untreated");
        ck_assert_str_eq(t[2].phase, "during");
        ck_assert_double_eq_tol(t[2].value, 0.999, 1e-12);
        ck_assert_double_eq(t[3].confidence, 0.95);
        ck_assert(t[3].no_data_passes && !t[0].no_data_passes);
        ck_assert_double_eq(s->steady[0].high, 0.4);
        ck_assert(s->steady[0].high_open);
        ck_assert(isinf(s->steady[0].low));
        ck_assert_uint_eq(s->steady[0].service, FLEET_NO_INDEX);
        ck_assert_uint_eq(s->steady[1].service, 1);
        ck_assert_double_eq(s->steady[1].low, 0.9);
        scenario_free(s);
}
END_TEST

START_TEST(what_can_change_is_read_with_the_units_of_its_key)
{
        const struct service_spec *a;
        const struct method_spec *m;
        struct scenario *s;

        write_file("scenario.json",
                   "{ \"version\": 1, \"title\": \"t\", \"duration\": \"1m\", \"healer\": \"none\","
                   " \"fleet\": { \"services\": [ { \"name\": \"a\", \"service_time\": \"1ms\", \"instances\": 2,"
                   " \"versions\": [ { \"name\": \"1.0\" }, { \"name\": \"1.1\", \"changes\":"
                   " { \"error_rate\": \"5%\", \"service_time\": \"9ms\", \"queue\": \"unbounded\" } } ],"
                   " \"features\": [ { \"name\": \"ads\", \"cost\": \"30%\", \"quality\": 0.1, \"priority\": 100 },"
                   " { \"name\": \"beta\", \"cost\": 2, \"off_at\": 0 } ],"
                   " \"autoscaler\": { \"metric\": \"queue\", \"target\": 4, \"max\": 9, \"cooldown\": \"2m\" } } ] },"
                   " \"load\": [ { \"to\": \"a\", \"rate\": \"1/s\" } ], \"method\": ["
                   " { \"fault\": \"bad_configuration\", \"target\": { \"service\": \"a\" }, \"at\": \"1s\","
                   " \"arguments\": { \"parameter\": \"restart_time\", \"value\": \"40s\" } },"
                   " { \"fault\": \"feature_flag_flip\", \"target\": { \"service\": \"a\" }, \"at\": \"1s\","
                   " \"arguments\": { \"feature\": \"beta\" } } ] }");
        s = load_sane(NULL);
        a = &s->fleet.services[0];
        ck_assert_uint_eq(a->version_count, 2);
        ck_assert_uint_eq(a->versions[1].change_count, 3);
        ck_assert_double_eq(a->versions[1].changes[0].number, 0.05);
        ck_assert_double_eq(a->versions[1].changes[1].dist.a_ns, 9e6);
        ck_assert_double_eq(a->versions[1].changes[2].number, QUEUE_UNBOUNDED);
        ck_assert_uint_eq(a->features[0].off_at, 1); /* by its priority */
        ck_assert_uint_eq(a->features[1].off_at, 0);
        ck_assert_double_eq(a->features[1].cost, 2);
        ck_assert_int_eq(a->autoscaler.metric, SCALE_BY_QUEUE);
        ck_assert_uint_eq(a->autoscaler.min, 2);
        ck_assert_int_eq(a->autoscaler.cooldown_ns, 2 * NS_PER_MIN);
        m = s->method;
        ck_assert_double_eq(m[0].arguments[0], PARAMETER_RESTART_TIME);
        ck_assert_double_eq(m[0].arguments[1], 40e9);
        ck_assert_double_eq(m[1].arguments[0], 1);
        scenario_free(s);
}
END_TEST

START_TEST(seeds_have_64_bits)
{
        struct scenario *s;

        write_scenario(NULL, "\"seed\": \"18446744073709551615\"");
        s = load_sane(NULL);
        ck_assert(s->seed == UINT64_MAX);
        scenario_free(s);
        write_scenario(NULL, "\"seed\": 9223372036854775807");
        s = load_sane(NULL);
        ck_assert(s->seed == INT64_MAX);
        scenario_free(s);
}
END_TEST

START_TEST(comments_and_schema_are_ignored_anywhere)
{
        struct scenario *s;

        write_scenario("\"method\": [ { \"x_why\": [1], \"$schema\": 5, \"fault\": \"crash\", "
                       "\"target\": { \"x_\": null,"
                       " \"service\": \"back\" }, \"at\": \"1m\" } ]",
                       "\"x_note\": {\"fleet\": 1}, \"$schema\": \"scenario.schema.json\"");
        s = load_sane(NULL);
        scenario_free(s);
}
END_TEST

START_TEST(a_cycle_of_calls_that_ends_is_legal)
{
        struct scenario *s;

        write_scenario(NULL, "\"x\": 0");
        write_file("scenario.json", "{ \"version\": 1, \"title\": \"t\", \"duration\": \"1m\", "
                                    "\"healer\": \"none\", \"method\": [],"
                                    " \"fleet\": { \"services\": [ { \"name\": \"a\", "
                                    "\"service_time\": \"1ms\", \"calls\":"
                                    " [ { \"to\": \"b\", \"probability\": 0.9 } ] }, { \"name\": "
                                    "\"b\", \"service_time\": \"1ms\","
                                    " \"calls\": [ { \"to\": \"a\", \"probability\": 0.9 }, { "
                                    "\"to\": \"b\", \"probability\": 0.1 } ] } ] },"
                                    " \"load\": [ { \"to\": \"a\", \"rate\": \"1/s\" } ] }");
        s = load_sane(NULL);
        ck_assert_uint_eq(s->fleet.edge_count, 3);
        scenario_free(s);
}
END_TEST

/* Variables and overrides ---------------------------------------------------- */

START_TEST(variables_keep_their_type_and_may_stand_in_texts)
{
        struct scenario *s;
        const char *vars[] = {"runs=7"};
        struct scenario_overrides overrides = {.vars = vars, .var_count = 1};

        write_scenario(NULL, "\"configuration\": { \"runs\": 3, \"word\": \"w\", \"tags\": [\"p\", "
                             "\"q\"], \"x_no\": 1 },"
                             " \"replications\": \"${runs}\", \"tags\": \"${tags}\","
                             " \"description\": \"${word} $${word} ${runs}\"");
        s = load_sane(NULL);
        ck_assert_uint_eq(s->replications, 3);
        ck_assert_str_eq(s->description, "w ${word} 3");
        ck_assert_uint_eq(s->tag_count, 2);
        ck_assert_str_eq(s->tags[1], "q");
        ck_assert_uint_eq(s->variable_count, 3);
        scenario_free(s);
        s = load_sane(&overrides);
        ck_assert_uint_eq(s->replications, 7);
        ck_assert_str_eq(s->description, "w ${word} 7");
        scenario_free(s);
}
END_TEST

START_TEST(a_text_variable_takes_any_argument_as_text)
{
        struct scenario *s;
        const char *vars[] = {"what=12"};
        struct scenario_overrides overrides = {.vars = vars, .var_count = 1};

        write_scenario(NULL,
                       "\"configuration\": { \"what\": \"x\" }, \"description\": \"${what}\"");
        s = load_sane(&overrides);
        ck_assert_str_eq(s->description, "12");
        ck_assert_str_eq(s->variables[0].value, "12");
        scenario_free(s);
}
END_TEST

START_TEST(set_reaches_any_place_also_in_a_fleet_of_its_own)
{
        struct scenario *s;
        const char *sets[] = {"fleet.services[back].instances=9",
                              "fleet.services[0].slo.quality=0.5", "replications=4",
                              "load[0].rate=5/min", "tags=[\"x\"]"};
        struct scenario_overrides overrides = {.sets = sets, .set_count = 5};
        char text[4096];

        write_scenario(NULL, "");
        s = load_sane(&overrides);
        ck_assert_uint_eq(s->fleet.services[1].instance_count, 9);
        ck_assert_double_eq(s->fleet.services[0].slo.quality, 0.5);
        ck_assert_uint_eq(s->replications, 4);
        ck_assert_double_eq_tol(s->fleet.loads[0].rate_per_s, 5.0 / 60, 1e-12);
        ck_assert_str_eq(s->tags[0], "x");
        scenario_free(s);
        write_file("f.json", "{ \"services\": [ { \"name\": \"front\", \"service_time\": \"1ms\" },"
                             " { \"name\": \"back\", \"service_time\": \"1ms\" } ] }");
        snprintf(
                text, sizeof(text),
                "{ \"version\": 1, \"title\": \"t\", \"duration\": \"1m\", \"healer\": \"none\", "
                "\"method\": [],"
                " \"fleet\": \"f.json\", \"load\": [ { \"to\": \"front\", \"rate\": \"1/s\" } ] }");
        write_file("scenario.json", text);
        s = load_sane(&overrides);
        ck_assert_uint_eq(s->fleet.services[1].instance_count, 9);
        ck_assert_str_eq(s->fleet.name, "f");
        scenario_free(s);
}
END_TEST

START_TEST(seed_and_runs_of_the_command_line_win)
{
        struct scenario *s;
        struct scenario_overrides overrides = {.has_seed = true, .seed = UINT64_MAX, .runs = 3};

        write_scenario(NULL, "\"seed\": 5, \"replications\": 50");
        s = load_sane(&overrides);
        ck_assert(s->seed == UINT64_MAX);
        ck_assert_uint_eq(s->replications, 3);
        scenario_free(s);
}
END_TEST

START_TEST(only_and_skip_choose_entries)
{
        struct scenario *s;
        const char *names[] = {"b"};
        struct scenario_overrides only = {.only = names, .only_count = 1};
        struct scenario_overrides skip = {.skip = names, .skip_count = 1};

        write_scenario("\"method\": [ { \"name\": \"a\", \"fault\": \"crash\", \"target\": { "
                       "\"service\": \"back\" }, \"at\": \"1m\" },"
                       " { \"name\": \"b\", \"fault\": \"crash\", \"target\": { \"service\": "
                       "\"back\" }, \"at\": \"2m\" } ]",
                       "");
        s = load_sane(&only);
        ck_assert_uint_eq(s->method_count, 1);
        ck_assert_str_eq(s->method[0].name, "b");
        scenario_free(s);
        s = load_sane(&skip);
        ck_assert_uint_eq(s->method_count, 1);
        ck_assert_str_eq(s->method[0].name, "a");
        scenario_free(s);
}
END_TEST

START_TEST(a_command_is_a_healer_too)
{
        struct scenario *s;
        struct scenario_overrides overrides = {.strategy = "exec:python3 my_healer.py"};

        write_scenario(NULL, "");
        s = load_sane(&overrides);
        ck_assert_int_eq(s->healer_kind, HEALER_EXEC);
        ck_assert_str_eq(s->exec_argv[0], "python3");
        ck_assert_str_eq(s->exec_argv[1], "my_healer.py");
        ck_assert_ptr_null(s->exec_argv[2]);
        scenario_free(s);
}
END_TEST

/* Files ------------------------------------------------------------------------ */

START_TEST(the_digest_changes_with_content_and_overrides_and_not_with_places)
{
        struct scenario *s;
        char plain[65], moved[4200];
        const char *sets[] = {"replications=20"};
        struct scenario_overrides overrides = {.sets = sets, .set_count = 1};
        struct scenario_overrides seeded = {.has_seed = true, .seed = 1};

        write_scenario(NULL, "");
        s = load_sane(NULL);
        strcpy(plain, s->digest);
        scenario_free(s);
        ck_assert_int_eq(chdir("/"), 0);
        snprintf(moved, sizeof(moved), "%s/scenario.json", folder);
        ck_assert(scenario_load(moved, NULL, &s, &diags));
        ck_assert_str_eq(s->digest, plain);
        scenario_free(s);
        ck_assert_int_eq(chdir(folder), 0);
        s = load_sane(&overrides);
        ck_assert_str_ne(s->digest, plain);
        scenario_free(s);
        s = load_sane(&seeded);
        ck_assert_str_ne(s->digest, plain);
        scenario_free(s);
        write_scenario(NULL, "\"x_\": 1");
        s = load_sane(NULL);
        ck_assert_str_ne(s->digest, plain);
        scenario_free(s);
}
END_TEST

static const char trace_load[] =
        "{ \"version\": 1, \"title\": \"t\", \"duration\": \"1m\", \"healer\": \"none\", "
        "\"method\": [],"
        " \"configuration\": { \"trace\": \"t.csv\" },"
        " \"fleet\": { \"services\": [ { \"name\": \"a\", \"service_time\": \"1ms\" } ] },"
        " \"load\": [ { \"to\": \"a\", \"process\": \"trace\", \"file\": \"${trace}\"%s } ] }";

static struct scenario *load_trace_file(const char *csv, const char *keys)
{
        char text[2048];

        write_file("t.csv", csv);
        snprintf(text, sizeof(text), trace_load, keys);
        write_file("scenario.json", text);
        return load_sane(NULL);
}

START_TEST(counts_of_a_trace_are_scaled_and_gaps_held)
{
        struct scenario *s =
                load_trace_file("timestamp,value\r\n2014-07-01 "
                                "00:00:00,10\r\n2014-07-01T00:30:00Z,20\n2014-07-01 01:00:00,30\n"
                                "2014-07-01 02:00:00+00:00,40.5\n",
                                ", \"per\": \"5m\", \"scale\": 2, \"offset\": \"7m\"");
        const struct load_trace *trace = &s->fleet.loads[0].trace;
        static const double wanted[] = {20, 40, 60, 60, 81};

        ck_assert_uint_eq(trace->length, 5);
        for (size_t i = 0; i < 5; i++)
                ck_assert_double_eq(trace->count[i], wanted[i]);
        ck_assert_int_eq(trace->step_ns, 5 * NS_PER_MIN);
        ck_assert_int_eq(trace->total_ns, 25 * NS_PER_MIN);
        ck_assert_int_eq(trace->offset_ns, 7 * NS_PER_MIN);
        scenario_free(s);
}
END_TEST

START_TEST(arrivals_of_a_trace_are_played_from_the_first)
{
        struct scenario *s =
                load_trace_file("1404172800\n1404172800.5\n1404172802.25\n1404172803\n", "");
        const struct load_trace *trace = &s->fleet.loads[0].trace;

        ck_assert_ptr_null(trace->count);
        ck_assert_uint_eq(trace->length, 4);
        ck_assert_int_eq(trace->at_ns[0], 0);
        ck_assert_int_eq(trace->at_ns[2], 2250 * NS_PER_MS);
        ck_assert_int_eq(trace->total_ns, 4 * NS_PER_S);
        scenario_free(s);
}
END_TEST

START_TEST(a_path_of_the_command_line_is_relative_to_the_current_folder_and_allowed)
{
        struct scenario *s;
        const char *vars[] = {"trace=elsewhere.csv"};
        struct scenario_overrides overrides = {.vars = vars, .var_count = 1};
        char text[2048], sub[128];

        snprintf(sub, sizeof(sub), "%s.d", folder);
        ck_assert_int_eq(mkdir(sub, 0700), 0);
        write_file("elsewhere.csv", "1\n2\n");
        ck_assert_int_eq(chdir(sub), 0);
        snprintf(text, sizeof(text), trace_load, "");
        write_file("scenario.json", text);
        ck_assert_int_eq(chdir(folder), 0);
        snprintf(text, sizeof(text), "%s/scenario.json", sub);
        ck_assert(scenario_load(text, &overrides, &s, &diags));
        scenario_free(s);
        unlink(text);
        rmdir(sub);
}
END_TEST

START_TEST(a_link_out_of_the_folder_is_seen_through)
{
        write_scenario(NULL, "");
        ck_assert_int_eq(symlink("/etc/passwd", "fleet.json"), 0);
        write_file("scenario.json",
                   "{ \"version\": 1, \"title\": \"t\", \"duration\": \"1m\", \"method\": [],"
                   " \"healer\": \"none\", \"fleet\": \"fleet.json\", \"load\": [] }");
        ck_assert_ptr_null(load(NULL));
        ck_assert_ptr_nonnull(strstr(diags.items[0].text, "leaves the folder of the file"));
}
END_TEST

START_TEST(a_folder_that_was_allowed_may_be_read)
{
        struct scenario *s;
        const char *allowed[] = {data_folder};
        struct scenario_overrides overrides = {.allow_paths = allowed, .allow_path_count = 1};
        char text[5000];

        snprintf(text, sizeof(text),
                 "{ \"version\": 1, \"title\": \"t\", \"duration\": \"1m\", \"method\": [], "
                 "\"healer\": \"none\","
                 " \"fleet\": \"%s/invalid/fleet-file-wrong/fleet.json\", \"load\": [] }",
                 data_folder);
        write_file("scenario.json", text);
        ck_assert(!scenario_load("scenario.json", NULL, &s, &diags));
        ck_assert_ptr_nonnull(strstr(diags.items[0].text, "leaves the folder of the file"));
        diag_list_release(&diags);
        ck_assert(!scenario_load("scenario.json", &overrides, &s, &diags));
        ck_assert_ptr_nonnull(strstr(diags.items[0].file, "fleet-file-wrong/fleet.json"));
}
END_TEST

START_TEST(shipped_scenarios_load)
{
        static const char *const names[] = {"latency", "latency-trace", "memory-leak", "crash",
                                            "quiet"};
        char path[4300];

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                struct scenario *s = NULL;
                char line[DIAG_TEXT_MAX + 300] = "";

                snprintf(path, sizeof(path), "%s/../../scenarios/%s.json", data_folder, names[i]);
                if (!scenario_load(path, NULL, &s, &diags) && diags.count > 0)
                        diag_format(&diags.items[0], line, sizeof(line));
                ck_assert_msg(s != NULL, "%s", line);
                scenario_free(s);
        }
}
END_TEST

static void add_tests(TCase *tests)
{
        tcase_add_test(tests, bad_scenarios_are_refused_with_exactly_these_messages);
        tcase_add_test(tests, a_scenario_that_is_missing_is_told_by_its_name);
        tcase_add_test(tests, defaults_are_those_of_the_specification);
        tcase_add_test(tests, a_lognormal_has_the_quantiles_that_were_asked_for);
        tcase_add_test(tests, a_fault_is_converted_by_its_row);
        tcase_add_test(tests, thresholds_and_tolerances_are_taken_apart);
        tcase_add_test(tests, what_can_change_is_read_with_the_units_of_its_key);
        tcase_add_test(tests, seeds_have_64_bits);
        tcase_add_test(tests, comments_and_schema_are_ignored_anywhere);
        tcase_add_test(tests, a_cycle_of_calls_that_ends_is_legal);
        tcase_add_test(tests, variables_keep_their_type_and_may_stand_in_texts);
        tcase_add_test(tests, a_text_variable_takes_any_argument_as_text);
        tcase_add_test(tests, set_reaches_any_place_also_in_a_fleet_of_its_own);
        tcase_add_test(tests, seed_and_runs_of_the_command_line_win);
        tcase_add_test(tests, only_and_skip_choose_entries);
        tcase_add_test(tests, a_command_is_a_healer_too);
        tcase_add_test(tests, the_digest_changes_with_content_and_overrides_and_not_with_places);
        tcase_add_test(tests, counts_of_a_trace_are_scaled_and_gaps_held);
        tcase_add_test(tests, arrivals_of_a_trace_are_played_from_the_first);
        tcase_add_test(tests,
                       a_path_of_the_command_line_is_relative_to_the_current_folder_and_allowed);
        tcase_add_test(tests, a_link_out_of_the_folder_is_seen_through);
        tcase_add_test(tests, a_folder_that_was_allowed_may_be_read);
        tcase_add_test(tests, shipped_scenarios_load);
}

int main(void)
{
        Suite *suite = suite_create("scenario");
        TCase *tests = tcase_create("scenario");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tests, open_folder, close_folder);
        add_tests(tests);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
