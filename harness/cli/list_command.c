/* list_command.c - `chaos-run list ...`: catalogues, from the tables themselves. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "faults/fault.h"
#include "harness/base/nearest.h"
#include "harness/base/in_file.h"
#include "harness/base/out_file.h"
#include "harness/cli/commands.h"
#include "harness/cli/printable.h"
#include "harness/run/fault_words.h"
#include "harness/scenario/strategy.h"
#include "reports/metric_table.h"
#include "reports/metric_words.h"
#include "reports/report.h"
#include "reports/verdict.h"
#include "reports/writer.h"

/* ---- faults */

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
                char range[256], fallback[32];

                fault_range_text(param, range, sizeof(range));
                fault_value_text(param, param->fallback, fallback, sizeof(fallback));
                printf("    %-14s %s; %s %s; %s%s%s\n", param->name, param->summary,
                       fault_unit_name(param->unit), range,
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
        if (fault->targets & (FAULT_TARGET_SERVICE | FAULT_TARGET_LOAD | FAULT_TARGET_ZONE |
                              FAULT_TARGET_NONE)) {
                cures(LAYER_BIT(fault->lives_in), text, sizeof(text));
                printf("  lives in: %s; cured by: %s\n", fleet_layer_name(fault->lives_in), text);
        }
        printf("\n");
}

static json_t *choices_json(const struct fault_param *param)
{
        json_t *list = json_array();

        for (size_t i = 0; param->unit == FAULT_CHOICE && param->choices[i] != NULL; i++)
                json_array_append_new(list, json_string(param->choices[i]));
        return list;
}

/* Ends of the range as plain numbers of the base unit, for programs. */
static void add_limits(json_t *json, const struct fault_param *param)
{
        if (isfinite(param->min))
                json_object_set_new(json, "minimum", json_real(param->min));
        if (isfinite(param->max))
                json_object_set_new(json, "maximum", json_real(param->max));
}

static json_t *param_json(const struct fault_param *param)
{
        char low[32], high[32], fallback[32], neutral[32], range[256];
        json_t *json;

        fault_value_text(param, param->min, low, sizeof(low));
        fault_value_text(param, param->max, high, sizeof(high));
        fault_value_text(param, param->fallback, fallback, sizeof(fallback));
        fault_value_text(param, param->neutral, neutral, sizeof(neutral));
        fault_range_text(param, range, sizeof(range));
        json = json_pack("{s:s, s:s, s:s, s:b, s:s?, s:s, s:s, s:s, s:s, s:b, s:o}", "name",
                         param->name, "summary", param->summary, "unit", fault_unit_name(param->unit),
                         "required", param->required, "default", param->required ? NULL : fallback,
                         "min", low, "max", high, "range", range, "neutral", neutral, "ramps",
                         param->ramps, "choices", choices_json(param));
        add_limits(json, param);
        return json;
}

static json_t *targets_json(const struct fault_ops *fault)
{
        static const struct {
                uint32_t kind;
                const char *name;
        } rows[] = {
                {FAULT_TARGET_INSTANCES, "instances"}, {FAULT_TARGET_EDGE, "edge"},
                {FAULT_TARGET_SERVICE, "service"},     {FAULT_TARGET_LOAD, "load"},
                {FAULT_TARGET_ZONE, "zone"},           {FAULT_TARGET_ZONES, "zones"},
                {FAULT_TARGET_HEALER, "healer"},
                {FAULT_TARGET_NONE, "none"},
        };
        json_t *list = json_array();

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                if ((fault->targets & rows[i].kind) != 0)
                        json_array_append_new(list, json_string(rows[i].name));
        return list;
}

static json_t *fault_json(const struct fault_ops *fault)
{
        json_t *params = json_array();
        enum fleet_layer layer = (fault->targets & ~(uint32_t)FAULT_TARGET_EDGE) != 0
                                         ? fault->lives_in
                                         : fault->lives_in_edge;
        char text[256], edge[256];
        json_t *json;

        for (size_t i = 0; i < fault->params_count; i++)
                json_array_append_new(params, param_json(&fault->params[i]));
        cures(LAYER_BIT(layer), text, sizeof(text));
        json = json_pack(
                "{s:s, s:s, s:s, s:s, s:s, s:s?, s:s, s:s, s:o, s:s?, s:b, s:b, s:s, s:o}", "name",
                fault->name, "family", fault->family, "summary", fault->summary, "effect",
                fault->effect, "lifting", fault->lifting, "failure_type", fault->failure_type,
                "lives_in", fleet_layer_name(layer), "cured_by", text, "targets",
                targets_json(fault), "one_of", fault->one_of, "instant", fault->instant,
                "refused_by_safe_mode", fault->destructive || fault->lives_in == LAYER_HEALER,
                "probability",
                fault->chance == FAULT_CHANCE_PER_REQUEST ? "per request" : "per target",
                "arguments", params);
        if ((fault->targets & FAULT_TARGET_EDGE) != 0) {
                cures(LAYER_BIT(fault->lives_in_edge), edge, sizeof(edge));
                json_object_set_new(json, "lives_in_edge",
                                    json_string(fleet_layer_name(fault->lives_in_edge)));
                json_object_set_new(json, "cured_by_edge", json_string(edge));
        }
        return json;
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
        printf("\n%s\n", metric_limits_words);
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
        for (size_t i = 0; i < REFERENCE_COUNT; i++)
                json_array_append_new(list, json_string(reference_rows[i].title));
        return list;
}

static void strategies_text(void)
{
        for (size_t i = 0; strategy_preset_names[i] != NULL; i++)
                printf("%s\n", strategy_preset_names[i]);
        printf("\nReference healers, to hold a strategy against (see --floor):\n");
        for (size_t i = 0; i < REFERENCE_COUNT; i++)
                printf("%-26s %s\n", reference_rows[i].title, reference_rows[i].summary);
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

/* ---- scenarios */

/* Where `meson install` put them, seen from the program itself, so that a
 * prefix may be moved; else where the build was told they would go. */
static void installed_scenarios(char *out, size_t size)
{
        char program[4096];
        ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
        struct stat facts;
        char *slash = NULL;

        program[length < 0 ? 0 : length] = '\0';
        for (int i = 0; i < 2; i++) { /* from PREFIX/bin/chaos-run to PREFIX */
                slash = strrchr(program, '/');
                if (slash != NULL)
                        *slash = '\0';
        }
        if (slash != NULL) {
                snprintf(out, size, "%s/share/chaos-run/scenarios", program);
                if (stat(out, &facts) == 0 && S_ISDIR(facts.st_mode))
                        return;
        }
        snprintf(out, size, "%s/scenarios", CHAOS_DATA_DIR);
}

static int is_scenario_name(const struct dirent *entry)
{
        size_t length = strlen(entry->d_name);

        return entry->d_name[0] != '.' && length > 5 &&
               strcmp(entry->d_name + length - 5, ".json") == 0 &&
               strstr(entry->d_name, ".schema.json") == NULL;
}

/* What a scenario says of itself; a JSON file that is none is left out, one that
 * cannot be read is told of. */
static void add_scenario(json_t *list, const char *folder, const char *name)
{
        char *path = out_path(folder, name);
        json_error_t wrong;
        json_t *root = path == NULL ? NULL : in_file_json(path, 0, &wrong);
        const json_t *tags = json_object_get(root, "tags");

        if (root == NULL)
                fprintf(stderr, "chaos-run: %s/%s: it cannot be read; see chaos-run validate\n", folder,
                        name);
        else if (json_is_string(json_object_get(root, "title")) &&
                 json_object_get(root, "method") != NULL)
                json_array_append_new(
                        list, json_pack("{s:s, s:s, s:O, s:o}", "name", path, "title",
                                        result_text(root, "title"), "description",
                                        json_is_string(json_object_get(root, "description"))
                                                ? json_object_get(root, "description")
                                                : json_object_get(root, "title"),
                                        "tags", json_is_array(tags) ? json_deep_copy(tags)
                                                                    : json_array()));
        json_decref(root);
        free(path);
}

static json_t *scenarios_of(const char *folder)
{
        struct dirent **names = NULL;
        json_t *list = json_array();
        int count = scandir(folder, &names, is_scenario_name, alphasort);

        if (count < 0) {
                fprintf(stderr, "chaos-run: %s: %s\n", folder, strerror(errno));
                json_decref(list);
                return NULL;
        }
        for (int i = 0; i < count; i++) {
                add_scenario(list, folder, names[i]->d_name);
                free(names[i]);
        }
        free(names);
        return list;
}

static void print_scenario(const json_t *row)
{
        struct text line;
        const json_t *tag;
        size_t i;

        text_init(&line);
        text_plain(&line, result_text(row, "name"));
        text_add(&line, "\n  ");
        text_plain(&line, result_text(row, "title"));
        text_add(&line, "\n");
        json_array_foreach(json_object_get(row, "tags"), i, tag)
        {
                text_add(&line, i == 0 ? "  tags: " : ", ");
                text_plain(&line, json_string_value(tag));
        }
        printf("%s%s", text_bytes(&line), i > 0 ? "\n" : "");
        text_release(&line);
}

/* The only catalogue that is no table of ours: the folder may be named. */
static int list_scenarios(const struct options *options)
{
        char installed[4200];
        const char *folder = installed;
        json_t *list;
        const json_t *row;
        size_t i;

        if (options->words.count > 1)
                folder = options->words.items[1];
        else
                installed_scenarios(installed, sizeof(installed));
        list = scenarios_of(folder);
        if (list == NULL)
                return EXIT_INVALID;
        if (options->json) {
                printable_json(list, JSON_INDENT(2));
                printf("\n");
        } else {
                json_array_foreach(list, i, row) print_scenario(row);
                if (json_array_size(list) == 0)
                        fprintf(stderr, "chaos-run: %s: no scenario in there\n", folder);
        }
        json_decref(list);
        return EXIT_PASSED;
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
        const char *names[CATALOGUE_COUNT + 2] = {NULL};
        const char *word = options->words.count > 0 ? options->words.items[0] : "";
        char hint[64];

        if (strcmp(word, "scenarios") == 0 && options->words.count <= 2)
                return list_scenarios(options);
        if (options->words.count > 1) {
                fprintf(stderr, "chaos-run: list: one catalogue at a time, not also '%s'\n",
                        options->words.items[1]);
                return EXIT_INVALID;
        }
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
                printable_json(json, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
                printf("\n");
                json_decref(json);
                return EXIT_PASSED;
        }
        names[CATALOGUE_COUNT] = "scenarios";
        fprintf(stderr, "chaos-run: list: no catalogue '%s'; there are faults, metrics, actions, "
                        "strategies, writers, scenarios%s\n",
                word, nearest_hint(hint, sizeof(hint), nearest_of(word, names)));
        return EXIT_INVALID;
}
