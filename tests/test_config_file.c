/* test_config_file.c - the strategy file of healer/STRATEGY.md, and what is said of a broken one.
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
            s1_31_each_level_lets_through_what_it_says_and_changes_no_action)
