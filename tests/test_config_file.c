/* test_config_file.c - the strategy file of healer/STRATEGY.md, what is said of a broken one, and
 * what `plan --json` says is in force.
 *
 * The text in the page is taken as it stands: what it claims to be the defaults
 * must be, each of its lines is broken in turn and must be named, and the levels
 * of its `log_level` must let through exactly what they promise.
 */
#include "harness/scenario/strategy.h"
#include "tests/healer_rig.h"
#include "tests/policy_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 32768 };

static const char file[] = "strategy.json";

struct reading {
        struct arena arena;
        struct diag_list diags;
        struct read_session session;
        struct read_context ctx;
        struct strategy *strategy;
        bool ok;
};

/* As from a file of that name; it is gone afterwards. */
static void read_it(struct reading *r, const char *text)
{
        char folder[] = "/tmp/chaos-config-XXXXXX";
        const json_t *root = NULL;
        FILE *stream;

        ck_assert_ptr_nonnull(mkdtemp(folder));
        ck_assert_int_eq(chdir(folder), 0);
        stream = fopen(file, "w");
        ck_assert_ptr_nonnull(stream);
        fputs(text, stream);
        fclose(stream);
        memset(r, 0, sizeof(*r));
        arena_init(&r->arena);
        diag_list_init(&r->diags);
        read_session_begin(&r->session, &r->arena, &r->diags);
        if (read_named_file_begin(&r->session, file, JSON_PATH_ROOT, &r->ctx, &root))
                r->ok = strategy_load(&r->arena, &r->ctx, root, JSON_PATH_ROOT, &r->strategy);
        unlink(file);
        ck_assert_int_eq(chdir("/"), 0);
        rmdir(folder);
}

static void end_it(struct reading *r)
{
        read_session_end(&r->session);
        diag_list_release(&r->diags);
        arena_release(&r->arena);
}

/* What stands between ```json and ``` of the page. */
static const char *documented(void)
{
        static char page[TEXT_MAX];
        char path[4096], *begin, *end;
        FILE *stream;
        size_t size;

        ck_assert_ptr_nonnull(getenv("TEST_DATA"));
        snprintf(path, sizeof(path), "%s/../../healer/STRATEGY.md", getenv("TEST_DATA"));
        stream = fopen(path, "r");
        ck_assert_msg(stream != NULL, "%s", path);
        size = fread(page, 1, sizeof(page) - 1, stream);
        fclose(stream);
        ck_assert_uint_lt(size, sizeof(page) - 1);
        page[size] = '\0';
        begin = strstr(page, "```json\n");
        ck_assert_ptr_nonnull(begin);
        begin += strlen("```json\n");
        end = strstr(begin, "```");
        ck_assert_ptr_nonnull(end);
        *end = '\0';
        return begin;
}

START_TEST(s1_31_the_documented_example_loads_unchanged_and_is_the_defaults)
{
        struct healer_config defaults;
        struct reading r;

        read_it(&r, documented());
        ck_assert_msg(r.ok, "%s", r.diags.count > 0 ? r.diags.items[0].text : "");
        ck_assert_uint_eq(diag_total(&r.diags), 0);
        healer_config_defaults(&defaults);
        for (size_t i = 0; i < healer_option_count; i++)
                ck_assert_msg(healer_option_get(&r.strategy->healer, &healer_options[i]) ==
                                      healer_options[i].fallback,
                              "%s", healer_options[i].path);
        ck_assert_mem_eq(&r.strategy->healer, &defaults, sizeof(defaults));
        for (int policy = 0; policy < STRATEGY_POLICY_COUNT; policy++)
                ck_assert_msg(r.strategy->rule_count[policy] > 0, "%s",
                              strategy_policy_names[policy]);
        ck_assert_ptr_nonnull(r.strategy->store.path);
        ck_assert_uint_eq(r.strategy->channel_count, 1);
        end_it(&r);
}
END_TEST

/* So that the page cannot forget one that is new. */
START_TEST(s1_31_the_documented_example_names_every_option_and_every_failure)
{
        json_t *root = json_loads(documented(), 0, NULL), *ladders;

        ck_assert_ptr_nonnull(root);
        for (size_t i = 0; i < healer_option_count; i++) {
                const char *path = healer_options[i].path;
                const json_t *at = root;

                while (at != NULL && *path != '\0') {
                        size_t length = strcspn(path, ".");
                        char part[128];

                        snprintf(part, sizeof(part), "%.*s", (int)length, path);
                        at = json_object_get(at, part);
                        path += length + (path[length] == '.');
                }
                ck_assert_msg(at != NULL, "%s", healer_options[i].path);
        }
        ladders = json_object_get(json_object_get(root, "recovery"), "strategies");
        for (int failure = 0; failure < HEALER_FAILURE_COUNT; failure++)
                ck_assert_msg(json_object_get(ladders, healer_failures[failure].name) != NULL, "%s",
                              healer_failures[failure].name);
        json_decref(root);
}
END_TEST

/* ---- what is in force (S3-37) */

/* A strategy as read; its echo, and what is read of that, in `again`. */
static void read_echo(const struct reading *r, json_t **echo, struct reading *again)
{
        char *text;

        *echo = strategy_effective(r->strategy);
        ck_assert_ptr_nonnull(*echo);
        text = json_dumps(*echo, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
        ck_assert_ptr_nonnull(text);
        read_it(again, text);
        ck_assert_msg(again->ok, "%s in %s", again->diags.items[0].text, text);
        free(text);
}

/* Every key of `said` is in `echo`, and lists are as long. */
static void has_all(const json_t *said, const json_t *echo, const char *where)
{
        const char *key;
        json_t *value;
        char path[256];

        if (json_is_array(said)) {
                ck_assert_msg(json_array_size(said) == json_array_size(echo), "%s", where);
                for (size_t i = 0; i < json_array_size(said); i++)
                        has_all(json_array_get(said, i), json_array_get(echo, i), where);
        }
        if (!json_is_object(said))
                return;
        json_object_foreach((json_t *)(uintptr_t)said, key, value)
        {
                snprintf(path, sizeof(path), "%s.%s", where, key);
                ck_assert_msg(json_object_get(echo, key) != NULL, "%s", path);
                has_all(value, json_object_get(echo, key), path);
        }
}

/* The settings of two rules, without where they were read. */
static bool same_rules(const struct strategy *a, const struct strategy *b)
{
        for (int policy = 0; policy < STRATEGY_POLICY_COUNT; policy++) {
                if (a->rule_count[policy] != b->rule_count[policy])
                        return false;
                for (uint32_t i = 0; i < a->rule_count[policy]; i++) {
                        const struct strategy_rule *one = &a->rules[policy][i];
                        const struct strategy_rule *other = &b->rules[policy][i];

                        if (strcmp(one->from, other->from) != 0 ||
                            strcmp(one->to, other->to) != 0 || one->on != other->on ||
                            (one->on &&
                             memcmp(&one->breaker, &other->breaker, sizeof(one->breaker)) != 0))
                                return false;
                }
        }
        return true;
}

/* All that takes effect of the two is the same. */
static void same_strategy(const struct strategy *a, const struct strategy *b)
{
        ck_assert_str_eq(a->name, b->name);
        ck_assert_mem_eq(&a->healer, &b->healer, sizeof(a->healer));
        ck_assert(same_rules(a, b));
        ck_assert((a->store.path == NULL) == (b->store.path == NULL));
        ck_assert_uint_eq(a->store.batch_size, b->store.batch_size);
        ck_assert_int_eq(a->store.flush_interval_ns, b->store.flush_interval_ns);
        ck_assert_int_eq(a->store.retention_ns, b->store.retention_ns);
        ck_assert_uint_eq(a->channel_count, b->channel_count);
        for (uint32_t i = 0; i < a->channel_count; i++) {
                ck_assert_str_eq(a->channels[i].url, b->channels[i].url);
                ck_assert_uint_eq(a->channels[i].level, b->channels[i].level);
                ck_assert_uint_eq(a->channels[i].form, b->channels[i].form);
        }
}

START_TEST(s3_37_the_documented_example_is_echoed_field_by_field_and_the_echo_is_the_same)
{
        json_t *said = json_loads(documented(), 0, NULL), *echo;
        struct reading r, again;

        read_it(&r, documented());
        ck_assert(r.ok);
        read_echo(&r, &echo, &again);
        has_all(said, echo, "");
        same_strategy(r.strategy, again.strategy);
        json_decref(echo);
        json_decref(said);
        end_it(&again);
        end_it(&r);
}
END_TEST

/* Rules, features, tables of their own, null and fractions, over a preset. */
static const char rich[] =
        "{ \"extends\": \"aggressive\", \"detection\": { \"dwell\": \"7s\", \"hysteresis\": "
        "0.123456789 },"
        "  \"recovery\": { \"approval\": { \"required_above\": \"high\" },"
        "    \"strategies\": { \"disk_full\": [] },"
        "    \"rules\": [ { \"name\": \"slow cart\", \"when\": \"error_type_contains=latency\","
        "      \"do\": \"restart_component\", \"priority\": -3, \"enabled\": false } ] },"
        "  \"degradation\": { \"features\": [ { \"name\": \"search\" },"
        "      { \"name\": \"hints\", \"off_at\": \"B\", \"priority\": 7, \"needs\": [ \"search\" "
        "] } ],"
        "    \"max_level\": 2,"
        "    \"levels\": ["
        "      { \"name\": \"A\", \"capacity\": 1, \"usage\": 0, \"timeout\": 1, \"quality\": 1 },"
        "      { \"name\": \"B\", \"capacity\": 0.7, \"usage\": 0.8, \"timeout\": 0.7, "
        "\"quality\": 0.7,"
        "        \"concurrency\": 9 },"
        "      { \"name\": \"C\", \"capacity\": 0.2, \"usage\": 0.9, \"timeout\": 0.2, "
        "\"quality\": 0.2,"
        "        \"concurrency\": 3, \"off\": [ \"search\" ], \"min_priority\": 4 } ],"
        "    \"per_resource\": { \"cpu\": true, \"memory\": { \"first_usage\": 0.77 } },"
        "    \"rules\": [ { \"name\": \"late\", \"metric\": \"latency\", \"operator\": \">\","
        "        \"value\": \"1500ms\", \"duration\": \"20s\", \"grace\": \"3s\", \"level\": \"B\" "
        "},"
        "      { \"any\": [ { \"metric\": \"score\", \"operator\": \"<\", \"value\": 50 },"
        "        { \"metric\": \"error_rate\", \"operator\": \">=\", \"value\": 0.07, \"over\": "
        "\"60s\" } ],"
        "        \"level\": \"C\" } ] },"
        "  \"circuit_breaker\": { \"edges\": { \"*->cache\": null, \"a->b\": { \"slow_call_rate\": "
        "0.29 } } },"
        "  \"rate_limit\": { \"default\": { \"rate\": \"7/min\" } },"
        "  \"store\": { \"path\": \"s.db\", \"retention\": \"36h\" } }";

START_TEST(s3_37_what_a_preset_brought_and_what_was_said_are_both_echoed)
{
        struct reading r, again, bare;
        json_t *echo;

        read_it(&r, rich);
        ck_assert_msg(r.ok, "%s", r.diags.count > 0 ? r.diags.items[0].text : "");
        read_echo(&r, &echo, &again);
        same_strategy(r.strategy, again.strategy);
        ck_assert_ptr_null(json_object_get(echo, "extends"));
        ck_assert_str_eq(
                json_string_value(json_object_get(json_object_get(echo, "detection"), "dwell")),
                "7s");
        json_decref(echo);
        end_it(&again);
        for (size_t i = 0; strategy_preset_names[i] != NULL; i++) {
                char text[64];

                snprintf(text, sizeof(text), "{ \"extends\": \"%s\" }", strategy_preset_names[i]);
                read_it(&bare, text);
                read_echo(&bare, &echo, &again);
                same_strategy(bare.strategy, again.strategy);
                json_decref(echo);
                end_it(&again);
                end_it(&bare);
        }
        end_it(&r);
}
END_TEST

static const json_t *at_path(const json_t *root, const char *path)
{
        while (root != NULL && *path != '\0') {
                size_t length = strcspn(path, ".");
                char part[128];

                snprintf(part, sizeof(part), "%.*s", (int)length, path);
                root = json_object_get(root, part);
                path += length + (path[length] == '.');
        }
        return root;
}

/* So that none is a constant, or another's. */
START_TEST(s3_37_the_echo_of_each_option_follows_its_value_and_no_other_does)
{
        json_t *before, *after;
        struct reading r;

        read_it(&r, documented());
        before = strategy_effective(r.strategy);
        for (size_t i = 0; i < healer_option_count; i++) {
                const struct healer_option *option = &healer_options[i];
                double kept = healer_option_get(&r.strategy->healer, option);

                healer_option_set(&r.strategy->healer, option,
                                  kept == option->min ? option->max : option->min);
                after = strategy_effective(r.strategy);
                for (size_t k = 0; k < healer_option_count; k++)
                        ck_assert_msg(
                                json_equal(at_path(before, healer_options[k].path),
                                           at_path(after, healer_options[k].path)) != (i == k),
                                "%s after a change of %s", healer_options[k].path, option->path);
                healer_option_set(&r.strategy->healer, option, kept);
                json_decref(after);
        }
        json_decref(before);
        end_it(&r);
}
END_TEST

START_TEST(s3_37_the_echo_shows_no_secret_of_a_channel)
{
        struct reading r;
        json_t *echo;
        char *text;

        read_it(&r, "{ \"escalation\": { \"channels\": ["
                    " { \"name\": \"a\", \"url\": \"https://chat.example/hook/s3cret\", \"token\": "
                    "\"t0ken\" },"
                    " { \"name\": \"b\", \"url\": \"https://me:s3cret@chat.example/\" },"
                    " { \"name\": \"c\", \"url\": \"env:CHAT\", \"token\": \"env:TOKEN\" } ] } }");
        ck_assert_msg(r.ok, "%s", r.diags.count > 0 ? r.diags.items[0].text : "");
        echo = strategy_effective(r.strategy);
        text = json_dumps(echo, 0);
        ck_assert_ptr_null(strstr(text, "s3cret"));
        ck_assert_ptr_null(strstr(text, "t0ken"));
        ck_assert_ptr_nonnull(strstr(text, "https://chat.example"));
        ck_assert_ptr_nonnull(strstr(text, "env:CHAT"));
        ck_assert_ptr_nonnull(strstr(text, "env:TOKEN"));
        free(text);
        json_decref(echo);
        end_it(&r);
}
END_TEST

/* `text` with the first key of line `line` (that is not an edge) given another name (`rename`), or
 * what follows that key's colon replaced by a value that nothing takes. False: there is no key on
 * the line, or (when a value is to be broken) it begins a longer value. */
static bool broken_at(const char *text, int line, bool rename, char *out)
{
        const char *at = text, *end, *colon;

        for (int i = 1; i < line; i++)
                at = strchr(at, '\n') + 1;
        end = strchr(at, '\n');
        colon = memchr(at, ':', (size_t)(end - at));
        if (colon == NULL || at[strspn(at, " ")] != '"')
                return false;
        if (rename) {
                at += strspn(at, " ");
                /* which edges there are is for the fleet to say: the key within */
                if (memmem(at, (size_t)(colon - at), "->", 2) != NULL)
                        at = strchr(colon, '"');
                at++;
                snprintf(out, TEXT_MAX, "%.*sq%s", (int)(at - text), text, at);
                return true;
        }
        if (end[-1] == '{' || end[-1] == '[')
                return false;
        snprintf(out, TEXT_MAX, "%.*s: [[7]]%s%s", (int)(colon - text), text,
                 end[-1] == ',' ? "," : "", end);
        return true;
}

static int lines_of(const char *text)
{
        int lines = 0;

        for (; *text != '\0'; text++)
                lines += *text == '\n';
        return lines;
}

static void named(const char *text, int line, const char *what)
{
        struct reading r;
        bool found = false;

        read_it(&r, text);
        ck_assert_msg(!r.ok, "line %d: %s was taken", line, what);
        for (size_t i = 0; i < r.diags.count; i++)
                found = found || (strcmp(r.diags.items[i].file, file) == 0 &&
                                  r.diags.items[i].line == (uint32_t)line);
        ck_assert_msg(found, "line %d: %s: nothing names it, but line %u: %s", line, what,
                      r.diags.count > 0 ? r.diags.items[0].line : 0,
                      r.diags.count > 0 ? r.diags.items[0].text : "nothing");
        end_it(&r);
}

START_TEST(s1_31_an_unknown_key_is_named_with_its_line_wherever_it_stands)
{
        static char text[TEXT_MAX];
        const char *sound = documented();
        int keys = 0;

        for (int line = 1; line <= lines_of(sound); line++) {
                if (!broken_at(sound, line, true, text))
                        continue;
                keys++;
                named(text, line, "an unknown key");
        }
        ck_assert_int_gt(keys, 100);
}
END_TEST

START_TEST(s1_31_a_bad_value_is_named_with_its_line_wherever_it_stands)
{
        static char text[TEXT_MAX];
        const char *sound = documented();
        int values = 0;

        for (int line = 1; line <= lines_of(sound); line++) {
                if (!broken_at(sound, line, false, text))
                        continue;
                values++;
                named(text, line, "a bad value");
        }
        ck_assert_int_gt(values, 80);
}
END_TEST

/* ---- levels */

/* From which level on a notice is said, by the words of the page. */
static enum healer_log_level said_at(const struct healer_notice *notice)
{
        switch (notice->kind) {
        case HEALER_NOTICE_ESCALATION:
        case HEALER_NOTICE_EPISODE_FAILED:
                return HEALER_LOG_ERROR;
        case HEALER_NOTICE_ALARM:
        case HEALER_NOTICE_ALARM_CLEARED:
        case HEALER_NOTICE_PREDICTION:
        case HEALER_NOTICE_HEALING_ODD:
        case HEALER_NOTICE_ORDER_LATE:
                return HEALER_LOG_WARNING;
        case HEALER_NOTICE_DIAGNOSIS:
                return notice->rank > 1 ? HEALER_LOG_INFO : HEALER_LOG_WARNING;
        case HEALER_NOTICE_WARNING:
                return HEALER_LOG_DEBUG;
        default:
                return HEALER_LOG_INFO;
        }
}

/* A crash that no restart mends, and a callee that is sick for a while. */
static struct rig *story(const struct healer_config *config)
{
        struct rig *rig = rig_create();

        rig->config = *config;
        rig_start(rig);
        rig_run(rig, 300);
        rig->edge[TO_PAYMENT].error_ratio = 0.5;
        for (uint32_t i = 0; i < RIG_EACH; i++)
                rig->instance[INSTANCE(PAYMENT, i)].error_ratio = 0.5;
        for (int i = 0; i < 60; i++) {
                rig_run(rig, 10);
                rig_answer_all(rig, false);
        }
        rig->edge[TO_PAYMENT].error_ratio = 0;
        for (uint32_t i = 0; i < RIG_EACH; i++)
                rig->instance[INSTANCE(PAYMENT, i)].error_ratio = 0;
        rig_run(rig, 600);
        return rig;
}

static struct rig *story_at(const char *level)
{
        char text[128];
        struct reading r;
        struct rig *rig;

        snprintf(text, sizeof(text), "{\"log_level\": \"%s\"}", level);
        read_it(&r, text);
        ck_assert(r.ok);
        rig = story(&r.strategy->healer);
        end_it(&r);
        return rig;
}

START_TEST(s1_31_each_level_lets_through_what_it_says_and_changes_no_action)
{
        static const char *const levels[] = {"debug", "info", "warning", "error"};
        struct rig *all = story_at("debug");
        uint32_t counts[4];

        for (int level = 0; level < 4; level++) {
                struct rig *rig = story_at(levels[level]);
                uint32_t k = 0;

                for (uint32_t i = 0; i < all->notice_count; i++) {
                        if ((int)said_at(&all->notices[i]) < level)
                                continue;
                        ck_assert_msg(k < rig->notice_count &&
                                              rig->notices[k].kind == all->notices[i].kind &&
                                              rig->notices[k].failure == all->notices[i].failure &&
                                              rig->notices[k].service == all->notices[i].service,
                                      "%s: notice %u of kind %d is missing", levels[level], i,
                                      (int)all->notices[i].kind);
                        k++;
                }
                ck_assert_uint_eq(rig->notice_count, k);
                counts[level] = k;
                ck_assert_uint_eq(rig->order_count, all->order_count);
                for (uint32_t i = 0; i < rig->order_count; i++)
                        ck_assert(rig->orders[i].kind == all->orders[i].kind &&
                                  rig->orders[i].instance == all->orders[i].instance);
                rig_free(rig);
        }
        ck_assert_uint_gt(all->order_count, 0);
        ck_assert_uint_gt(counts[0], counts[1]);
        ck_assert_uint_gt(counts[1], counts[2]);
        ck_assert_uint_gt(counts[2], counts[3]);
        ck_assert_uint_gt(counts[3], 0);
        rig_free(all);
}
END_TEST

POLICY_MAIN("config_file", s1_31_the_documented_example_loads_unchanged_and_is_the_defaults,
            s1_31_the_documented_example_names_every_option_and_every_failure,
            s1_31_an_unknown_key_is_named_with_its_line_wherever_it_stands,
            s1_31_a_bad_value_is_named_with_its_line_wherever_it_stands,
            s1_31_each_level_lets_through_what_it_says_and_changes_no_action,
            s3_37_the_documented_example_is_echoed_field_by_field_and_the_echo_is_the_same,
            s3_37_what_a_preset_brought_and_what_was_said_are_both_echoed,
            s3_37_the_echo_of_each_option_follows_its_value_and_no_other_does,
            s3_37_the_echo_shows_no_secret_of_a_channel)
