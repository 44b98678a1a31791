/* list_command.c - `chaos-run list ...`: catalogues, from the tables themselves. */
#include <math.h>
#include <string.h>

#include <jansson.h>

#include "faults/fault.h"
#include "harness/base/nearest.h"
#include "harness/cli/commands.h"
#include "harness/scenario/strategy.h"
#include "reports/metric_table.h"
#include "reports/verdict.h"
#include "reports/writer.h"

/* ---- faults */

static const char *unit_name(enum fault_unit unit)
{
        static const char *const names[] = {
                [FAULT_DURATION] = "duration", [FAULT_RATIO] = "ratio", [FAULT_SHARE] = "share",
                [FAULT_COUNT] = "count", [FAULT_FACTOR] = "factor", [FAULT_BYTES] = "size",
                [FAULT_BYTES_PER_S] = "size per time", [FAULT_BOOL] = "true or false",
                [FAULT_CHOICE] = "choice",
        };

        return names[unit];
}

/* A value of a parameter as a scenario would have it. */
static void param_value(const struct fault_param *param, double value, char *out, size_t size)
{
        switch (param->unit) {
        case FAULT_DURATION:
                snprintf(out, size, "%gs", value * 1e-9);
                break;
        case FAULT_RATIO:
        case FAULT_SHARE:
                snprintf(out, size, "%g%%", value * 100);
                break;
        case FAULT_BYTES:
                snprintf(out, size, "%gB", value);
                break;
        case FAULT_BYTES_PER_S:
                snprintf(out, size, "%gB/s", value);
                break;
        case FAULT_BOOL:
                snprintf(out, size, "%s", value != 0 ? "true" : "false");
                break;
        case FAULT_CHOICE:
                snprintf(out, size, "%s", param->choices[(int)value]);
                break;
        case FAULT_COUNT:
        case FAULT_FACTOR:
        default:
                snprintf(out, size, "%g", value);
                break;
        }
}

static void cures(uint32_t layers, char *out, size_t size)
{
        size_t at = 0;

        out[0] = '\0';
        for (int kind = 0; kind < ACTION_KIND_COUNT && at < size; kind++)
                if (kind != ACTION_ESCALATE && (fleet_action_rows[kind].resets & layers))
                        at += (size_t)snprintf(out + at, size - at, "%s%s", at > 0 ? ", " : "",
                                               fleet_action_rows[kind].name);
        if (at == 0)
                snprintf(out, size, "nothing but its end or a human");
}

static void print_fault(const struct fault_ops *fault)
{
        char text[256];

        printf("%s (%s)\n  %s\n", fault->name, fault->family, fault->summary);
        for (size_t i = 0; i < fault->params_count; i++) {
                const struct fault_param *param = &fault->params[i];
                char low[32], high[32], fallback[32];

                param_value(param, param->min, low, sizeof(low));
                param_value(param, param->max, high, sizeof(high));
                param_value(param, param->fallback, fallback, sizeof(fallback));
                printf("    %-14s %s; %s %s to %s; %s%s%s\n", param->name, param->summary,
                       unit_name(param->unit), low, high,
                       param->required ? "required" : "default ", param->required ? "" : fallback,
                       param->ramps ? "; ramps" : "");
        }
        printf("  effect:   %s\n  lifting:  %s\n", fault->effect, fault->lifting);
        if (fault->targets & FAULT_TARGET_INSTANCES) {
                cures(LAYER_BIT(fault->lives_in), text, sizeof(text));
                printf("  on instances lives in: %s; cured by: %s\n", fleet_layer_name(fault->lives_in),
                       text);
        }
        if (fault->targets & FAULT_TARGET_EDGE) {
                cures(LAYER_BIT(fault->lives_in_edge), text, sizeof(text));
                printf("  on an edge lives in: %s; cured by: %s\n",
                       fleet_layer_name(fault->lives_in_edge), text);
        }
        printf("\n");
}

static json_t *fault_json(const struct fault_ops *fault)
{
        json_t *params = json_array();
        char text[256];

        for (size_t i = 0; i < fault->params_count; i++) {
                const struct fault_param *param = &fault->params[i];
                char low[32], high[32], fallback[32], neutral[32];

                param_value(param, param->min, low, sizeof(low));
                param_value(param, param->max, high, sizeof(high));
                param_value(param, param->fallback, fallback, sizeof(fallback));
                param_value(param, param->neutral, neutral, sizeof(neutral));
                json_array_append_new(
                        params, json_pack("{s:s, s:s, s:s, s:b, s:s?, s:s, s:s, s:s, s:b}", "name",
                                          param->name, "summary", param->summary, "unit",
                                          unit_name(param->unit), "required", param->required,
                                          "default", param->required ? NULL : fallback, "min", low,
                                          "max", high, "neutral", neutral, "ramps", param->ramps));
        }
        cures(LAYER_BIT(fault->lives_in), text, sizeof(text));
        return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "name", fault->name, "family",
                         fault->family, "summary", fault->summary, "effect", fault->effect,
                         "lifting", fault->lifting, "lives_in", fleet_layer_name(fault->lives_in),
                         "cured_by", text, "arguments", params);
}

static json_t *faults_json(void)
{
        json_t *list = json_array();

        for (size_t i = 0; i < fault_catalogue_count; i++)
                json_array_append_new(list, fault_json(fault_catalogue[i]));
        return list;
}

static void faults_text(void)
{
        for (size_t i = 0; i < fault_catalogue_count; i++)
                print_fault(fault_catalogue[i]);
}

/* ---- metrics */

static void metrics_text(void)
{
        for (size_t i = 0; i < metric_row_count; i++)
                printf("%-26s %-14s better: %-8s %s\n    %s\n", metric_rows[i].name,
                       metric_rows[i].unit, metric_better_name(metric_rows[i].better),
                       metric_method_name(metric_rows[i].method), metric_rows[i].definition);
}

/* ---- actions */

static json_t *actions_json(void)
{
        json_t *list = json_array();

        for (int i = 0; i < ACTION_KIND_COUNT; i++) {
                const struct fleet_action_row *row = &fleet_action_rows[i];
                json_t *resets = json_array();

                for (int layer = 1; layer < LAYER_COUNT; layer++)
                        if (row->resets & LAYER_BIT(layer))
                                json_array_append_new(
                                        resets, json_string(fleet_layer_name((enum fleet_layer)layer)));
                json_array_append_new(
                        list, json_pack("{s:s, s:s, s:s, s:f, s:b, s:o}", "name", row->name, "summary",
                                        row->summary, "target",
                                        row->needs_instance ? "instance" : "service", "time",
                                        (double)row->default_time_ns * 1e-9, "supported",
                                        row->supported, "resets", resets));
        }
        return list;
}

static void actions_text(void)
{
        for (int i = 0; i < ACTION_KIND_COUNT; i++) {
                const struct fleet_action_row *row = &fleet_action_rows[i];

                printf("%-22s %-9s %4gs  %s%s\n", row->name,
                       row->needs_instance ? "instance" : "service",
                       (double)row->default_time_ns * 1e-9, row->summary,
                       row->supported ? "" : " (not in this fleet yet)");
        }
}

/* ---- strategies, writers */

static json_t *strategies_json(void)
{
        json_t *list = json_array();

        for (size_t i = 0; strategy_preset_names[i] != NULL; i++)
                json_array_append_new(list, json_string(strategy_preset_names[i]));
        return list;
}

static void strategies_text(void)
{
        for (size_t i = 0; strategy_preset_names[i] != NULL; i++)
                printf("%s\n", strategy_preset_names[i]);
}

static json_t *writers_json(void)
{
        json_t *list = json_array();

        for (size_t i = 0; i < WRITER_COUNT; i++)
                json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "name", writers[i].name,
                                                      "summary", writers[i].summary, "default",
                                                      writers[i].by_default));
        return list;
}

static void writers_text(void)
{
        for (size_t i = 0; i < WRITER_COUNT; i++)
                printf("%-8s %s%s\n", writers[i].name, writers[i].summary,
                       writers[i].by_default ? " (default)" : "");
}

/* ---- which one */

static const struct catalogue {
        const char *name;
        void (*text)(void);
        json_t *(*json)(void);
} catalogues[] = {
        {"faults", faults_text, faults_json},          {"metrics", metrics_text, metric_table_json},
        {"actions", actions_text, actions_json},       {"strategies", strategies_text, strategies_json},
        {"writers", writers_text, writers_json},
};

enum { CATALOGUE_COUNT = sizeof(catalogues) / sizeof(catalogues[0]) };

int command_list(const struct options *options)
{
        const char *names[CATALOGUE_COUNT + 1] = {NULL};
        const char *word = options->words.count > 0 ? options->words.items[0] : "";
        char hint[64];

        for (size_t i = 0; i < CATALOGUE_COUNT; i++) {
                json_t *json;

                names[i] = catalogues[i].name;
                if (strcmp(word, names[i]) != 0)
                        continue;
                if (!options->json) {
                        catalogues[i].text();
                        return EXIT_PASSED;
                }
                json = catalogues[i].json();
                json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
                printf("\n");
                json_decref(json);
                return EXIT_PASSED;
        }
        fprintf(stderr, "chaos-run: list: no catalogue '%s'; there are faults, metrics, actions, "
                        "strategies, writers%s\n",
                word, nearest_hint(hint, sizeof(hint), nearest_of(word, names)));
        return EXIT_INVALID;
}
