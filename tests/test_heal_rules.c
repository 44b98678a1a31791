/* test_heal_rules.c - rules that people write down: kept, read back, compared, never carried out.
 *
 * Each goes into a store's file, the store is closed and another one reads it; what
 * stands in the file by hand goes through the same check.
 */
#include "healer/heal_rules.h"
#include "healer/store/store.h"
#include "tests/policy_main.h"

#include <regex.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64], path[96], reason[256];
static struct healer_store *store;
static char fired[64];
static bool works = true;

static void open_store(void)
{
        struct healer_store_config config = healer_store_config_defaults();

        if (folder[0] == '\0') {
                strcpy(folder, "/tmp/chaos-rules-XXXXXX");
                ck_assert_ptr_nonnull(mkdtemp(folder));
                snprintf(path, sizeof(path), "%s/healer.db", folder);
        }
        config.path = path;
        ck_assert_msg(healer_store_open(&config, 0, reason, sizeof(reason), &store) == HEALER_OK,
                      "%s", reason);
}

static void remove_store(void)
{
        static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
        char name[128];

        healer_store_close(store);
        for (size_t i = 0; i < 4; i++) {
                snprintf(name, sizeof(name), "%s%s", path, ends[i]);
                unlink(name);
        }
        rmdir(folder);
}

static bool act(void *ctx, const struct healer_heal_rule *rule,
                const struct healer_heal_error *error)
{
        (void)ctx, (void)error;
        snprintf(fired, sizeof(fired), "%s", rule->action);
        return works;
}

static struct healer_heal_rules *empty(void)
{
        struct healer_heal_rules_config c = healer_heal_rules_config_defaults();
        struct healer_heal_rules *rules;

        for (int i = 0; i < HEALER_RULE_ACTION_COUNT; i++)
                c.handlers[i] = act;
        ck_assert_int_eq(healer_heal_rules_create(&c, &rules), HEALER_OK);
        return rules;
}

static struct healer_heal_rule rule_of(const char *name, const char *condition, const char *action,
                                       int32_t priority)
{
        return (struct healer_heal_rule){.name = name,
                                         .condition = condition,
                                         .action = action,
                                         .priority = priority,
                                         .enabled = true};
}

/* Into the file; and all that is in it, by another store, as after a restart. */
static void keep(const char *name, const char *condition, const char *action, int32_t priority)
{
        const struct healer_heal_rule rule = rule_of(name, condition, action, priority);

        ck_assert_int_eq(healer_store_heal_rule(store, 1, &rule), HEALER_OK);
}

static struct healer_heal_rules *reloaded(uint32_t refused_wanted)
{
        struct healer_heal_rules *rules = empty();
        uint32_t refused;

        healer_store_close(store);
        open_store();
        ck_assert_int_eq(
                healer_store_recall_heal_rules(store, rules, &refused, reason, sizeof(reason)),
                HEALER_OK);
        ck_assert_msg(refused == refused_wanted, "%u: %s", refused, reason);
        return rules;
}

static const char *fires(struct healer_heal_rules *rules, const char *type, const char *component,
                         enum healer_severity severity)
{
        const struct healer_heal_error error = {type, component, severity};
        const struct healer_heal_rule *rule;

        fired[0] = '\0';
        if (healer_heal_rules_fire(rules, &error, &rule) == HEALER_E_NOT_FOUND) {
                ck_assert_ptr_null(rule);
                ck_assert_str_eq(fired, "");
                return "none";
        }
        ck_assert_str_eq(fired, rule->action);
        return rule->name;
}

START_TEST(s2_24_a_stored_rule_of_each_form_fires_after_it_is_loaded_again)
{
        struct healer_heal_rules *rules;

        open_store();
        keep("by type", "error_type_contains=Timeout", "reset_connections", 50);
        keep("by component", "component_equals=payment", "restart_component", 50);
        keep("by severity", "severity_equals=low", "log_and_continue", 50);
        keep("from severity", "severity_gte=high", "escalate_alert", 50);
        keep("by all", "component_equals=cart and error_type_contains=oom and severity_gte=medium",
             "garbage_collect", 90);
        rules = reloaded(0);
        ck_assert_str_eq(fires(rules, "ReadTIMEOUTError", "x", HEALER_SEVERITY_MEDIUM), "by type");
        ck_assert_str_eq(fires(rules, "time out", "x", HEALER_SEVERITY_MEDIUM), "none");
        ck_assert_str_eq(fires(rules, "e", "payment", HEALER_SEVERITY_MEDIUM), "by component");
        ck_assert_str_eq(fires(rules, "e", "payments", HEALER_SEVERITY_MEDIUM), "none");
        ck_assert_str_eq(fires(rules, "e", "x", HEALER_SEVERITY_LOW), "by severity");
        ck_assert_str_eq(fires(rules, "e", "x", HEALER_SEVERITY_MEDIUM), "none");
        ck_assert_str_eq(fires(rules, "e", "x", HEALER_SEVERITY_HIGH), "from severity");
        ck_assert_str_eq(fires(rules, "e", "x", HEALER_SEVERITY_CRITICAL), "from severity");
        ck_assert_str_eq(fires(rules, "oom", "cart", HEALER_SEVERITY_CRITICAL), "by all");
        ck_assert_str_eq(fires(rules, "oom", "cart", HEALER_SEVERITY_LOW), "by severity");
        ck_assert_str_eq(fires(rules, NULL, NULL, HEALER_SEVERITY_MEDIUM), "none");
        healer_heal_rules_destroy(rules);
        remove_store();
}
END_TEST

START_TEST(s2_24_the_highest_priority_fires_among_those_on_and_its_counts_are_kept)
{
        struct healer_heal_rules *rules;
        struct healer_heal_rule off = rule_of("off", "severity_gte=low", "clear_cache", 99);
        const struct healer_heal_rule *rule;
        const struct healer_heal_error error = {"e", "x", HEALER_SEVERITY_HIGH};

        off.enabled = false;
        open_store();
        keep("second", "severity_gte=low", "reload_config", HEALER_HEAL_RULE_PRIORITY);
        keep("first", "severity_gte=low", "circuit_break", 70);
        keep("as high", "severity_gte=low", "escalate_alert", 70);
        ck_assert_int_eq(healer_store_heal_rule(store, 1, &off), HEALER_OK);
        rules = reloaded(0);
        ck_assert_int_eq(healer_heal_rules_fire(rules, &error, &rule), HEALER_OK);
        ck_assert_str_eq(rule->name, "first");
        works = false;
        ck_assert_int_eq(healer_heal_rules_fire(rules, &error, &rule), HEALER_E_FAILED);
        ck_assert_int_eq(healer_store_heal_rule(store, 2, rule), HEALER_OK);
        healer_heal_rules_destroy(rules);
        rules = reloaded(0);
        rule = healer_heal_rules_match(rules, &error);
        ck_assert_str_eq(rule->name, "first");
        ck_assert_uint_eq(rule->success_count, 1);
        ck_assert_uint_eq(rule->failure_count, 1);
        healer_heal_rules_destroy(rules);
        remove_store();
}
END_TEST

static const char *const bad_actions[] = {"",       "restart", "RESTART_COMPONENT", "reboot",
                                          "rm -rf", "system",  "restart_component;"};
static const char *const bad_conditions[] = {
        "",
        "true",
        "1 == 1",
        "error_type_contains=",
        "error_type_contains = timeout",
        "error_type_contains=$(touch FILE)",
        "error_type_contains=`touch FILE`",
        "error_type_contains=a; system('touch FILE')",
        "__import__('os').system('touch FILE')",
        "component_equals=a or 1=1",
        "component_equals=a' or '1'='1",
        "severity_gte=worst",
        "severity_gte=2",
        "severity_gte=high and ",
        "severity_gte=high and true",
        "severity_gte=high AND severity_gte=low",
        ("severity_gte=low and severity_gte=low and severity_gte=low and severity_gte=low and "
         "severity_gte=low"),
        "error_type_contains=%s%n",
};

START_TEST(s2_24_an_unknown_action_is_refused_and_a_condition_is_never_evaluated)
{
        struct healer_heal_rules *rules = empty();
        struct healer_heal_rule rule;

        open_store();
        for (size_t i = 0; i < sizeof(bad_actions) / sizeof(bad_actions[0]); i++) {
                rule = rule_of("a", "severity_gte=low", bad_actions[i], 50);
                ck_assert_int_eq(healer_heal_rules_add(rules, &rule), HEALER_E_RANGE);
                ck_assert_int_eq(healer_store_heal_rule(store, 1, &rule), HEALER_E_RANGE);
                ck_assert_int_eq(strncmp(healer_heal_rule_check(&rule), "action", 6), 0);
        }
        for (size_t i = 0; i < sizeof(bad_conditions) / sizeof(bad_conditions[0]); i++) {
                rule = rule_of("a", bad_conditions[i], "clear_cache", 50);
                ck_assert_msg(healer_heal_rules_add(rules, &rule) == HEALER_E_RANGE, "%s",
                              bad_conditions[i]);
                ck_assert_int_eq(strncmp(healer_heal_rule_check(&rule), "condition", 9), 0);
        }
        ck_assert_str_eq(fires(rules, "e", "x", HEALER_SEVERITY_CRITICAL), "none");
        healer_heal_rules_destroy(rules);
        remove_store();
}
END_TEST

/* Rows that somebody has put into the file past us. */
START_TEST(s2_24_what_was_put_into_the_file_by_hand_is_refused_row_by_row)
{
        struct healer_heal_rules *rules;
        uint32_t bad = 0;
        sqlite3 *db;
        char *text;

        open_store();
        keep("good", "severity_gte=low", "clear_cache", 1);
        healer_store_close(store);
        ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
        for (size_t i = 0; i < sizeof(bad_conditions) / sizeof(bad_conditions[0]); i++, bad++) {
                text = sqlite3_mprintf(
                        "insert into ai_healing_rules (rule_name, condition, action, "
                        "priority, enabled) values ('c%d', %Q, 'clear_cache', 99, 1)",
                        (int)i, bad_conditions[i]);
                ck_assert_int_eq(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
                sqlite3_free(text);
        }
        for (size_t i = 0; i < sizeof(bad_actions) / sizeof(bad_actions[0]); i++, bad++) {
                text = sqlite3_mprintf(
                        "insert into ai_healing_rules (rule_name, condition, action, "
                        "priority) values ('a%d', 'severity_gte=low', %Q, 99)",
                        (int)i, bad_actions[i]);
                ck_assert_int_eq(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
                sqlite3_free(text);
        }
        ck_assert_int_eq(sqlite3_exec(db,
                                      "insert into ai_healing_rules (rule_name) values ('nulls');"
                                      "insert into ai_healing_rules (rule_name, condition, action) "
                                      "values ('unsaid', 'severity_equals=low', 'clear_cache')",
                                      NULL, NULL, NULL),
                         SQLITE_OK);
        sqlite3_close(db);
        open_store();
        rules = reloaded(bad + 1);
        ck_assert_int_eq(strncmp(reason, "c0: condition", 13), 0);
        ck_assert_str_eq(fires(rules, "e", "x", HEALER_SEVERITY_CRITICAL), "good");
        /* on, and of priority 50, where nothing is said */
        ck_assert_str_eq(fires(rules, "e", "x", HEALER_SEVERITY_LOW), "unsaid");
        healer_heal_rules_destroy(rules);
        remove_store();
}
END_TEST

/* Against a regular expression, over texts that nearly are conditions. */
START_TEST(s2_24_exactly_the_forms_are_taken)
{
        static const char *const parts[] = {
                "error_type_contains=",
                "component_equals=",
                "severity_equals=",
                "severity_gte=",
                " and ",
                "and",
                "low",
                "critical",
                "a.b-c:9",
                " ",
                "=",
                "\xff",
                "(",
                "HIGH",
                "",
                " and severity_gte=high",
        };
        static const char form[] = "((error_type_contains|component_equals)=[A-Za-z0-9_.:-]+|"
                                   "severity_(equals|gte)=(low|medium|high|critical))";
        char pattern[512], text[256];
        uint64_t random = 1;
        int taken = 0;
        regex_t regex;

        snprintf(pattern, sizeof(pattern), "^%s( and %s){0,3}$", form, form);
        ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
        for (int i = 0; i < 50000; i++) {
                const struct healer_heal_rule rule = rule_of("a", text, "clear_cache", 50);
                bool sound, wanted;

                text[0] = '\0';
                for (uint64_t count = 1 + i % 8; count > 0; count--) {
                        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
                        strcat(text, parts[random >> 60]);
                }
                sound = healer_heal_rule_check(&rule) == NULL;
                wanted = regexec(&regex, text, 0, NULL, 0) == 0;
                ck_assert_msg(sound == wanted, "%s: %d", text, sound);
                taken += sound;
        }
        regfree(&regex);
        ck_assert_int_gt(taken, 500);
        ck_assert_int_lt(taken, 40000);
}
END_TEST

START_TEST(limits_are_kept)
{
        struct healer_heal_rules_config c = healer_heal_rules_config_defaults();
        struct healer_heal_rule rule = rule_of("a", "severity_gte=low", "clear_cache", 50);
        const struct healer_heal_error error = {"e", "x", HEALER_SEVERITY_HIGH};
        struct healer_heal_rules *rules;
        char name[64];

        c.rules_max = 0;
        ck_assert_int_eq(healer_heal_rules_create(&c, &rules), HEALER_E_RANGE);
        c.rules_max = 1;
        ck_assert_int_eq(healer_heal_rules_create(&c, &rules), HEALER_OK);
        memset(name, 'n', sizeof(name));
        name[48] = '\0';
        rule.name = name;
        ck_assert_int_eq(healer_heal_rules_add(rules, &rule), HEALER_E_RANGE);
        name[47] = '\0';
        ck_assert_int_eq(healer_heal_rules_add(rules, &rule), HEALER_OK);
        ck_assert_int_eq(healer_heal_rules_add(rules, &rule), HEALER_E_EXISTS);
        rule.name = "b";
        ck_assert_int_eq(healer_heal_rules_add(rules, &rule), HEALER_E_FULL);
        rule.priority = 1000001;
        ck_assert_int_eq(healer_heal_rules_add(rules, &rule), HEALER_E_RANGE);
        /* no handler: it cannot be done, and that counts */
        ck_assert_int_eq(healer_heal_rules_fire(rules, &error, NULL), HEALER_E_FAILED);
        ck_assert_uint_eq(healer_heal_rules_match(rules, &error)->failure_count, 1);
        healer_heal_rules_destroy(rules);
        healer_heal_rules_destroy(NULL);
}
END_TEST

POLICY_MAIN("heal_rules", s2_24_a_stored_rule_of_each_form_fires_after_it_is_loaded_again,
            s2_24_the_highest_priority_fires_among_those_on_and_its_counts_are_kept,
            s2_24_an_unknown_action_is_refused_and_a_condition_is_never_evaluated,
            s2_24_what_was_put_into_the_file_by_hand_is_refused_row_by_row,
            s2_24_exactly_the_forms_are_taken, limits_are_kept)
