/* Strategy files: layers, sections, policies on edges, refusals. */
#include <check.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/scenario/strategy.h"

struct reading {
        struct arena arena;
        struct diag_list diags;
        struct read_session session;
        struct read_context ctx; /* rules refer to it */
        struct strategy *strategy;
        bool ok;
};

/* Reads `text` as a scenario's "healer". */
static void read_it(struct reading *r, const char *text)
{
        const json_t *root = NULL;
        char document[8192];

        memset(r, 0, sizeof(*r));
        snprintf(document, sizeof(document), "{\"healer\": %s}", text);
        arena_init(&r->arena);
        diag_list_init(&r->diags);
        read_session_begin(&r->session, &r->arena, &r->diags);
        if (read_text_begin(&r->session, "test.json", document, strlen(document), "$", &r->ctx, &root))
                r->ok = strategy_load(&r->arena, &r->ctx, json_object_get(root, "healer"), "healer",
                                      &r->strategy);
}

static void end_it(struct reading *r)
{
        read_session_end(&r->session);
        diag_list_release(&r->diags);
        arena_release(&r->arena);
}

static bool says(const struct reading *r, const char *words)
{
        size_t i;

        for (i = 0; i < r->diags.count; i++) {
                if (strstr(r->diags.items[i].text, words) != NULL)
                        return true;
        }
        return false;
}

START_TEST(every_preset_is_sound)
{
        struct reading r;
        char text[64];
        int i;

        for (i = 0; strategy_preset_names[i] != NULL; i++) {
                snprintf(text, sizeof(text), "\"%s\"", strategy_preset_names[i]);
                read_it(&r, text);
                ck_assert_msg(r.ok, "%s: %s", strategy_preset_names[i],
                              r.diags.count > 0 ? r.diags.items[0].text : "");
                ck_assert_str_eq(r.strategy->name, strategy_preset_names[i]);
                ck_assert_int_eq(r.strategy->healer.enabled, strcmp(text, "\"none\"") != 0);
                end_it(&r);
        }
        ck_assert_int_eq(i, 5);
}
END_TEST

START_TEST(reactive_is_default_without_prediction)
{
        struct reading a, b;

        read_it(&a, "\"default\"");
        read_it(&b, "\"reactive\"");
        ck_assert(a.strategy->healer.prediction.enabled);
        ck_assert(!b.strategy->healer.prediction.enabled);
        a.strategy->healer.prediction.enabled = false;
        ck_assert_mem_eq(&a.strategy->healer, &b.strategy->healer, sizeof(struct healer_config));
        ck_assert_uint_eq(a.strategy->rule_count[STRATEGY_BREAKER], 1);
        ck_assert_uint_eq(b.strategy->rule_count[STRATEGY_BREAKER], 1);
        end_it(&a);
        end_it(&b);
}
END_TEST

START_TEST(what_a_file_says_lies_over_what_it_extends)
{
        struct reading r;

        read_it(&r, "{\"name\": \"mine\", \"extends\": \"aggressive\","
                    " \"detection\": {\"dwell\": \"7s\"},"
                    " \"circuit_breaker\": {\"default\": {\"open_for\": \"9s\"}}}");
        ck_assert(r.ok);
        ck_assert_int_eq(r.strategy->healer.detection.dwell_ns, 7000000000);
        ck_assert_uint_eq(r.strategy->healer.detection.min_calls, 10); /* of aggressive */
        ck_assert_double_eq(r.strategy->healer.detection.hysteresis, 0.1); /* of all */
        ck_assert_int_eq(r.strategy->rules[STRATEGY_BREAKER][0].breaker.open_for_ns, 9000000000);
        ck_assert_int_eq(r.strategy->rules[STRATEGY_BREAKER][0].breaker.slow_call_ns, 500000000);
        ck_assert_ptr_nonnull(strstr(r.strategy->json, "\"open_for\":\"9s\""));
        ck_assert_ptr_nonnull(strstr(r.strategy->json, "\"slow_call\":\"500ms\""));
        ck_assert_ptr_null(strstr(r.strategy->json, "extends"));
        end_it(&r);
}
END_TEST

START_TEST(the_most_exact_rule_wins_and_null_switches_off)
{
        struct reading r;
        const struct strategy_rule *rule;

        read_it(&r, "{\"timeout\": {\"default\": {\"after\": \"1s\"}, \"edges\": {"
                    "\"*->cache\": {\"after\": \"2s\"}, \"cart->*\": {\"after\": \"3s\"},"
                    "\"cart->cache\": {\"after\": \"4s\"}, \"ad->cache\": null}}}");
        ck_assert_msg(r.ok, "%s", r.diags.count > 0 ? r.diags.items[0].text : "");
        rule = strategy_rule_for(r.strategy, STRATEGY_TIMEOUT, "a", "b");
        ck_assert_int_eq(rule->timeout.after_ns, 1000000000);
        rule = strategy_rule_for(r.strategy, STRATEGY_TIMEOUT, "a", "cache");
        ck_assert_int_eq(rule->timeout.after_ns, 2000000000);
        rule = strategy_rule_for(r.strategy, STRATEGY_TIMEOUT, "cart", "b");
        ck_assert_int_eq(rule->timeout.after_ns, 3000000000);
        rule = strategy_rule_for(r.strategy, STRATEGY_TIMEOUT, "cart", "cache");
        ck_assert_int_eq(rule->timeout.after_ns, 4000000000);
        ck_assert_ptr_null(strategy_rule_for(r.strategy, STRATEGY_TIMEOUT, "ad", "cache"));
        ck_assert_ptr_null(strategy_rule_for(r.strategy, STRATEGY_RETRY, "a", "b"));
        end_it(&r);
}
END_TEST

START_TEST(ladders_are_read_by_name)
{
        struct reading r;

        read_it(&r, "{\"recovery\": {\"strategies\": {\"high_latency\":"
                    " [\"restart_instance\", \"escalate\"], \"unknown\": []}}}");
        ck_assert(r.ok);
        ck_assert_uint_eq(r.strategy->healer.recovery.strategies[HEALER_FAILURE_HIGH_LATENCY].count,
                          2);
        ck_assert_int_eq(
                r.strategy->healer.recovery.strategies[HEALER_FAILURE_HIGH_LATENCY].rungs[0],
                HEALER_ACTION_RESTART_INSTANCE);
        ck_assert_uint_eq(r.strategy->healer.recovery.strategies[HEALER_FAILURE_UNKNOWN].count, 0);
        end_it(&r);
}
END_TEST

/* The path of an option as nested JSON with that value. */
static void nest(char *out, size_t size, const char *path, const char *value)
{
        char copy[128];
        size_t at = 0;
        int depth = 0;
        char *part, *rest = copy;

        snprintf(copy, sizeof(copy), "%s", path);
        while ((part = strsep(&rest, ".")) != NULL) {
                at += (size_t)snprintf(out + at, size - at, "{\"%s\": ", part);
                depth++;
        }
        at += (size_t)snprintf(out + at, size - at, "%s", value);
        for (; depth > 0; depth--)
                at += (size_t)snprintf(out + at, size - at, "}");
}

/* A value that is not the default. */
static void other_value(const struct healer_option *option, char *out, size_t size, double *value)
{
        *value = option->fallback == option->min ? option->max : option->min;
        if (option->kind == HEALER_OPTION_DURATION || option->kind == HEALER_OPTION_SECONDS) {
                *value = fmax(option->min, option->fallback / 2);
                if (option->fallback == 0)
                        *value = 1;
        }
        switch (option->kind) {
        case HEALER_OPTION_BOOL:
                *value = option->fallback == 0;
                snprintf(out, size, "%s", *value != 0 ? "true" : "false");
                break;
        case HEALER_OPTION_DURATION:
        case HEALER_OPTION_SECONDS:
                snprintf(out, size, "\"%.0fus\"", *value * 1e6);
                break;
        case HEALER_OPTION_CHOICE:
                snprintf(out, size, "\"%s\"", option->choices[(int)*value]);
                break;
        default:
                snprintf(out, size, "%.15g", *value);
                break;
        }
}

START_TEST(every_option_of_the_table_can_be_set_in_a_file)
{
        const struct healer_option *option = &healer_options[_i];
        char text[512], value[64];
        struct reading r;
        double wanted;

        other_value(option, value, sizeof(value), &wanted);
        nest(text, sizeof(text), option->path, value);
        read_it(&r, text);
        /* Alone it may contradict another option: then that is what is said. */
        if (r.ok)
                ck_assert_double_eq_tol(healer_option_get(&r.strategy->healer, option), wanted,
                                        1e-9);
        else
                ck_assert_msg(says(&r, "warning is above critical") || says(&r, "must be fatal") ||
                                      says(&r, "auto_apply") || says(&r, "needs an initial_state"),
                              "%s = %s: %s", option->path, value, r.diags.items[0].text);
        end_it(&r);
}
END_TEST

START_TEST(out_of_range_is_refused_for_every_option)
{
        const struct healer_option *option = &healer_options[_i];
        char text[512], value[64];
        struct reading r;

        if (option->kind == HEALER_OPTION_DURATION || option->kind == HEALER_OPTION_SECONDS)
                snprintf(value, sizeof(value), "\"%.0fs\"", option->max * 2 + 1);
        else if (option->kind == HEALER_OPTION_BOOL || option->kind == HEALER_OPTION_CHOICE)
                snprintf(value, sizeof(value), "\"perhaps\"");
        else
                snprintf(value, sizeof(value), "%.15g", option->max * 2 + 1);
        nest(text, sizeof(text), option->path, value);
        read_it(&r, text);
        ck_assert_msg(!r.ok, "%s = %s was taken", option->path, value);
        ck_assert_ptr_null(r.strategy);
        end_it(&r);
}
END_TEST

#define FULL "{\"name\": \"FULL\", \"capacity\": 1, \"usage\": 0, \"timeout\": 1, \"quality\": 1}"

static const struct {
        const char *text, *words;
} refusals[] = {
        {"{\"recovery\": {\"rules\": [{\"name\": \"a\", \"when\": \"system('x')\", \"do\": \"clear_cache\"}]}}",
         "condition"},
        {"{\"recovery\": {\"rules\": [{\"name\": \"a\", \"when\": \"severity_gte=high\", \"do\": \"rm\"}]}}",
         "action"},
        {"{\"recovery\": {\"rules\": [{\"name\": \"a\", \"when\": \"severity_gte=high\", \"do\": \"clear_cache\"},"
         "{\"name\": \"a\", \"when\": \"severity_gte=low\", \"do\": \"clear_cache\"}]}}",
         "two of one name"},
        {"{\"degradation\": {\"levels\": [" FULL ", {\"name\": \"B\", \"capacity\": 1, \"usage\": 0.9,"
         "\"timeout\": 0.9, \"quality\": 0.9}]}}",
         "levels.capacity_percent: must fall"},
        {"{\"degradation\": {\"levels\": [" FULL ", {\"name\": \"B\", \"capacity\": 0.5, \"usage\": 0.9,"
         "\"timeout\": 0.9, \"quality\": 0.9, \"off\": [\"x\"]}]}}",
         "no feature named 'x'"},
        {"{\"degradation\": {\"rules\": [{\"metric\": \"cpus\", \"operator\": \">\", \"value\": 1,"
         "\"level\": 1}]}}",
         "no metric named 'cpus' (nearest: 'cpu')"},
        {"{\"degradation\": {\"rules\": [{\"metric\": \"cpu\", \"operator\": \">\", \"value\": 1,"
         "\"level\": \"REDUCED_9\"}]}}",
         "no level named 'REDUCED_9'"},
        {"{\"degradation\": {\"per_resource\": {\"ram\": true}}}", "unknown key"},
        {"{\"degradation\": {\"features\": [{\"name\": \"a\", \"needs\": [\"b\"]}, {\"name\": \"b\"}]}}",
         "no feature named 'b'"},
        {"{\"telemetry\": {\"interval\": \"1s\"}}", "fact of the world"},
        {"{\"actuators\": {}}", "fact of the world"},
        {"{\"operations\": {}}", "fact of the world"},
        {"{\"evaluation\": {}}", "what decides truth"},
        {"{\"prediction\": {\"prediction_window\": \"1h\"}}", "evaluation.prediction_window"},
        {"{\"escalation\": {\"human_response\": \"1s\"}}", "operations.human_response"},
        {"{\"fallback\": {\"default\": {\"quality\": 1}}}", "fact of the world"},
        {"{\"escalation\": {\"channels\": [{\"name\": \"a\", \"url\": \"ftp://s3cret\"}]}}",
         "a url begins with http:// or https://"},
        {"{\"escalation\": {\"channels\": [{\"url\": \"http://a/\"}]}}", "name"},
        {"{\"escalation\": {\"channels\": [{\"name\": \"a\", \"url\": \"http://a/\"}, {\"name\": "
         "\"a\", \"url\": \"http://b/\"}]}}",
         "a second channel of that name"},
        {"{\"store\": {}}", "without a path nothing is kept"},
        {"{\"store\": {\"path\": \"x.db\", \"batch_size\": 0}}", "below the smallest"},
        {"{\"store\": {\"path\": \"x.db\", \"retention\": \"0s\"}}", "below the smallest"},
        {"{\"store\": {\"path\": \"x.db\", \"flush\": \"5s\"}}", "unknown key"},
        {"{\"detection\": {\"anomaly\": {\"seasonality\": true}}}", "a duration"},
        {"{\"detecton\": {}}", "unknown key (nearest: 'detection')"},
        {"{\"recovery\": {\"verify\": {\"dwel\": \"1s\"}}}", "unknown key (nearest: 'dwell')"},
        {"{\"recovery\": {\"strategies\": {\"high_latency\": [\"restart\"]}}}",
         "no action named 'restart'"},
        {"{\"recovery\": {\"strategies\": {\"hi_latency\": []}}}",
         "unknown key (nearest: 'high_latency')"},
        {"{\"circuit_breaker\": {\"default\": {\"failure_threshold\": 0}}}", "below the smallest"},
        {"{\"circuit_breaker\": {\"default\": {\"success_threshold\": 9}}}",
         "half_open_max_calls"},
        {"{\"circuit_breaker\": {\"edges\": {\"cart\": {}}}}", "caller->callee"},
        {"{\"detection\": {\"thresholds\": {\"cpu\": {\"warning\": \"95%\"}}}}",
         "detection.thresholds.cpu: warning is above critical"},
        {"{\"fallback\": {\"default\": {\"order\": [\"statik\"]}}}", "(nearest: 'static')"},
        {"{\"shedding\": {\"default\": {\"kind\": \"vega\"}}}", "(nearest: 'vegas')"},
        {"{\"bulkhead\": {\"default\": {\"max_queue\": 65537}}}", "65536"},
        {"{\"rate_limit\": {\"default\": {\"max_wait\": \"2h\"}}}", "1h"},
        {"\"defualt\"", "no preset named 'defualt' (nearest: 'default')"},
        {"{\"extends\": \"nothing\"}", "no preset named 'nothing'"},
        {"{\"detection\": {\"dwell\": 10}}", "has no unit"},
        {"[]", "object"},
};

START_TEST(what_is_wrong_is_refused_with_a_reason)
{
        struct reading r;

        read_it(&r, refusals[_i].text);
        ck_assert_msg(!r.ok, "%s was taken", refusals[_i].text);
        ck_assert_msg(says(&r, refusals[_i].words), "%s: %s", refusals[_i].text,
                      r.diags.count > 0 ? r.diags.items[0].text : "(nothing said)");
        end_it(&r);
}
END_TEST

START_TEST(levels_resources_rules_and_features_are_read)
{
        struct reading r;
        const struct healer_config *c;

        read_it(&r, "{\"degradation\": {\"levels\": [" FULL ", {\"name\": \"LEAN\", \"capacity\": \"60%\","
                    "\"usage\": \"70%\", \"timeout\": 0.5, \"quality\": 0.8, \"concurrency\": 4,"
                    "\"off\": [\"tips\"], \"min_priority\": 50}],"
                    "\"features\": [{\"name\": \"tips\"}, {\"name\": \"ads\", \"off_at\": \"LEAN\","
                    "\"priority\": 9, \"needs\": [\"tips\"]}],"
                    "\"per_resource\": {\"cpu\": {\"first_usage\": \"75%\"}, \"memory\": true,"
                    "\"disk\": false},"
                    "\"rules\": [{\"metric\": \"latency\", \"operator\": \">\", \"value\": \"2s\","
                    "\"level\": 1, \"grace\": \"5s\"}, {\"any\": [{\"metric\": \"score\","
                    "\"operator\": \"<\", \"value\": 50}, {\"metric\": \"cpu\", \"operator\": \">=\","
                    "\"value\": \"20%\", \"over\": \"1m\"}], \"level\": \"emergency\"}]}}");
        ck_assert_msg(r.ok, "%s", r.diags.count > 0 ? r.diags.items[0].text : "");
        c = &r.strategy->healer;
        ck_assert_uint_eq(c->degradation.levels.count, 2);
        ck_assert_double_eq(c->degradation.levels.rows[1].capacity, 0.6);
        ck_assert_uint_eq(c->degradation.levels.rows[1].off, 1);
        ck_assert_uint_eq(c->degradation.features[1].off_at, 1);
        ck_assert_uint_eq(c->degradation.features[1].needs, 1);
        ck_assert(c->degradation.per_resource[HEALER_METRIC_CPU].watched);
        ck_assert_double_eq(c->degradation.per_resource[HEALER_METRIC_CPU].first_usage, 0.75);
        ck_assert(c->degradation.per_resource[HEALER_METRIC_MEMORY].watched);
        ck_assert(!c->degradation.per_resource[HEALER_METRIC_DISK].watched);
        ck_assert_uint_eq(c->degradation.rule_count, 4);
        ck_assert_double_eq(c->degradation.rules[0].value, 2);
        ck_assert_uint_eq(c->degradation.rules[3].parts_count, 2);
        ck_assert_uint_eq(c->degradation.rules[3].level, 1);
        end_it(&r);
}
END_TEST

START_TEST(a_feature_that_no_service_has_is_found)
{
        static const struct feature_spec features[] = {{.name = "previews"}};
        static const struct service_spec services[] = {
                {.name = "shop", .features = features, .feature_count = 1}};
        const struct fleet_spec fleet = {.services = services, .service_count = 1};
        struct reading r;

        read_it(&r, "{\"degradation\": {\"features\": [{\"name\": \"previws\", \"off_at\": 1}]}}");
        ck_assert(r.ok);
        ck_assert(!strategy_check_fleet(r.strategy, &fleet));
        ck_assert(says(&r, "no feature named 'previws' (nearest: 'previews')"));
        end_it(&r);
}
END_TEST

START_TEST(rules_about_edges_that_do_not_exist_are_found)
{
        static const struct service_spec services[] = {{.name = "cart"}, {.name = "cache"}};
        static const struct edge_spec edges[] = {{.name = "cart->cache", .from = 0, .to = 1}};
        const struct fleet_spec fleet = {
                .services = services, .service_count = 2, .edges = edges, .edge_count = 1};
        struct reading r;

        read_it(&r, "{\"timeout\": {\"edges\": {\"cart->cache\": {\"after\": \"1s\"},"
                    "\"*->cache\": {\"after\": \"1s\"}}}}");
        ck_assert(r.ok);
        ck_assert(strategy_check_fleet(r.strategy, &fleet));
        end_it(&r);
        read_it(&r, "{\"timeout\": {\"edges\": {\"cart->cash\": {\"after\": \"1s\"},"
                    "\"cache->cart\": {\"after\": \"1s\"}}}}");
        ck_assert(r.ok);
        ck_assert(!strategy_check_fleet(r.strategy, &fleet));
        ck_assert(says(&r, "no service named 'cash'"));
        ck_assert(says(&r, "cache does not call cart"));
        end_it(&r);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("strategy");
        TCase *tcase = tcase_create("strategy");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_test(tcase, every_preset_is_sound);
        tcase_add_test(tcase, reactive_is_default_without_prediction);
        tcase_add_test(tcase, what_a_file_says_lies_over_what_it_extends);
        tcase_add_test(tcase, the_most_exact_rule_wins_and_null_switches_off);
        tcase_add_test(tcase, ladders_are_read_by_name);
        tcase_add_loop_test(tcase, every_option_of_the_table_can_be_set_in_a_file, 0,
                            (int)healer_option_count);
        tcase_add_loop_test(tcase, out_of_range_is_refused_for_every_option, 0,
                            (int)healer_option_count);
        tcase_add_loop_test(tcase, what_is_wrong_is_refused_with_a_reason, 0,
                            (int)(sizeof(refusals) / sizeof(refusals[0])));
        tcase_add_test(tcase, rules_about_edges_that_do_not_exist_are_found);
        tcase_add_test(tcase, levels_resources_rules_and_features_are_read);
        tcase_add_test(tcase, a_feature_that_no_service_has_is_found);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
