/* plan_command.c - `chaos-run plan FILE`: what will happen, with nothing run.
 *
 * Everything that the seed decides is decided by plan_make(), the very call
 * that a run makes, so the plan is the run's. With --json the faults come as
 * entries of a `method` whose chance is settled: they may be pasted into a
 * scenario. Thresholds, probes and load are as the file has them.
 */
#include <math.h>
#include <string.h>

#include <jansson.h>

#include "harness/base/quantity.h"
#include "harness/base/rng.h"
#include "harness/cli/commands.h"
#include "harness/cli/printable.h"
#include "harness/run/fault_words.h"
#include "harness/cli/scenario_files.h"
#include "harness/run/plan.h"
#include "harness/run/plan_words.h"
#include "harness/run/record.h"
#include "harness/scenario/capacity.h"
#include "harness/sim/time.h"
#include "reports/text.h"
#include "reports/timeline.h"
#include "reports/verdict.h"

enum { PLAN_COLUMNS = TIMELINE_COLUMNS };

struct plan_view {
        const struct scenario *scenario;
        uint32_t replication;
        struct plan plan;
        bool healed; /* by a healer that acts */
};

/* ---- what both forms say */

static const char *zone_of_place(const struct scenario *scenario, uint32_t service, uint32_t place)
{
        const struct service_spec *spec = &scenario->fleet.services[service];

        return scenario->fleet.zones[spec->zones[place % spec->zone_count]].name;
}

static bool goes_on_to_the_end(const struct plan_view *view, const struct planned_fault *fault)
{
        return !fault->entry->has_duration && !fault->entry->fault->instant &&
               fault->end_ns >= view->scenario->duration_ns;
}

static void target_words(const struct plan_view *view, const struct planned_fault *fault,
                         struct text *out)
{
        const struct target_spec *target = &fault->entry->target;
        const struct fleet_spec *fleet = &view->scenario->fleet;

        switch (target->kind) {
        case TARGET_INSTANCES:
        case TARGET_RANDOM:
                for (uint32_t i = 0; i < fault->place_count; i++)
                        text_addf(out, "%s%s-%u (zone %s)", i == 0 ? "" : ", ",
                                  fleet->services[planned_service(fault, i)].name, fault->places[i],
                                  zone_of_place(view->scenario, planned_service(fault, i),
                                                fault->places[i]));
                if (fault->place_count == 0)
                        text_addf(out, "no instance of %s, by the chance of this seed",
                                  target->kind == TARGET_RANDOM
                                          ? "those it draws from"
                                          : fleet->services[target->service].name);
                break;
        case TARGET_EDGE:
                text_addf(out, "calls %s", fleet->edges[target->edge].name);
                break;
        case TARGET_LOAD:
                text_addf(out, "load %s", fleet->loads[target->load].name);
                break;
        case TARGET_ZONE:
                text_addf(out, "zone %s", fleet->zones[target->zone].name);
                break;
        case TARGET_ZONES:
                text_addf(out, "calls from zone %s to %s", fleet->zones[target->zone].name,
                          fleet->zones[target->to_zone].name);
                break;
        case TARGET_HEALER:
                text_add(out, target->from_fleet ? "from fleet to healer" : "from healer to fleet");
                break;
        case TARGET_SERVICE:
                text_addf(out, "service %s", fleet->services[target->service].name);
                break;
        case TARGET_NONE:
                text_add(out, "the whole fleet");
                break;
        }
        if (fault->spared)
                text_add(out, ", spared by the chance of this seed");
}

static void argument_words(const struct planned_fault *fault, struct text *out)
{
        const struct method_spec *entry = fault->entry;
        char value[64];

        for (size_t i = 0; i < entry->fault->params_count; i++) {
                fault_value_text(&entry->fault->params[i], entry->arguments[i], value,
                                 sizeof(value));
                text_addf(out, "%s%s %s", i == 0 ? "" : ", ", entry->fault->params[i].name, value);
        }
        if (entry->probability < 1)
                text_addf(out, "%sprobability %.12g%%%s",
                          entry->fault->params_count > 0 ? ", " : "", entry->probability * 100,
                          entry->fault->chance == FAULT_CHANCE_PER_REQUEST
                                  ? " of requests"
                                  : " of targets, already drawn");
}

/* ---- text: a line for each thing that happens, in order of time */

static void add_fault(struct timeline *timeline, const struct plan_view *view,
                      const struct planned_fault *fault)
{
        const struct method_spec *entry = fault->entry;
        struct text *words = timeline_add(timeline, seconds_of(fault->start_ns), "fault");
        char ramp[QUANTITY_TEXT_SIZE];
        size_t before, after;

        text_addf(words, "%s: %s at ", fault->name, entry->fault->name);
        target_words(view, fault, words);
        before = words->length;
        text_add(words, "; ");
        after = words->length;
        argument_words(fault, words);
        if (words->length == after && before < after) { /* it takes none */
                words->length = before;
                words->bytes[before] = '\0';
        }
        if (entry->ramp_ns > 0)
                text_addf(words, "; rises over %s", quantity_format_duration(ramp, entry->ramp_ns));
        if (entry->fault->instant && !entry->has_duration)
                text_add(words, "; at once");
        else if (goes_on_to_the_end(view, fault))
                text_add(words, "; until the end");
        if (entry->has_duration) {
                words = timeline_add(timeline, seconds_of(fault->end_ns), "lifted");
                text_addf(words, "%s", fault->name);
                if (entry->ramp_down_ns > 0)
                        text_addf(words, ", fading over %s",
                                  quantity_format_duration(ramp, entry->ramp_down_ns));
        }
}

static void probe_words(const struct plan_view *view, const struct probe_spec *probe,
                        struct text *words)
{
        char window[QUANTITY_TEXT_SIZE];

        text_addf(words, "%s of %s over %s %s", probe->metric,
                  probe->service == FLEET_NO_INDEX
                          ? "the entry services"
                          : view->scenario->fleet.services[probe->service].name,
                  quantity_format_duration(window, probe->window_ns), probe->tolerance_text);
}

static void add_probes(struct timeline *timeline, const struct plan_view *view)
{
        const struct scenario *scenario = view->scenario;

        for (size_t i = 0; i < scenario->method_count; i++) {
                const struct method_spec *entry = &scenario->method[i];

                if (entry->kind == METHOD_PROBE)
                        probe_words(view, &entry->probe,
                                    timeline_add(timeline, seconds_of(view->plan.probes_at_ns[i]),
                                                 "probe"));
        }
        for (size_t i = 0; i < scenario->steady_count; i++)
                probe_words(view, &scenario->steady[i],
                            timeline_add(timeline, seconds_of(view->plan.first_ns), "gate"));
}

static void add_frame(struct timeline *timeline, const struct scenario *scenario)
{
        char wait[QUANTITY_TEXT_SIZE];
        struct text *end;

        text_add(timeline_add(timeline, -seconds_of(scenario->warmup_ns), "warm-up"),
                 "counts in no metric");
        text_add(timeline_add(timeline, 0, "begin"), "from here on everything counts");
        end = timeline_add(timeline, seconds_of(scenario->duration_ns), "end");
        if (scenario->cooldown_ns < 0)
                text_add(end, "no new faults; goes on until all is well, 30min at most");
        else
                text_addf(end, "no new faults; cooldown of %s",
                          quantity_format_duration(wait, scenario->cooldown_ns));
}

static void print_head(const struct plan_view *view, struct text *out)
{
        const struct scenario *scenario = view->scenario;
        struct text line;

        text_wrapped(out, scenario->title, PLAN_COLUMNS, 0);
        text_init(&line);
        text_addf(&line, "%s, seed %llu, replication %u of %u (the first is 0), digest %.12s",
                  scenario->file, (unsigned long long)scenario->seed, view->replication,
                  scenario->replications, scenario->digest);
        text_wrapped(out, text_bytes(&line), PLAN_COLUMNS, 0);
        line.length = 0;
        text_addf(&line, "healer %s; arms: treated, shadow, untreated, quiet, calm%s",
                  scenario->healer_kind == HEALER_EXEC ? "(a program)" : scenario->strategy->name,
                  view->healed ? "" : " (it does not act, so treated is untreated)");
        text_wrapped(out, text_bytes(&line), PLAN_COLUMNS, 0);
        for (size_t i = 0; i < scenario->variable_count; i++) {
                line.length = 0;
                text_addf(&line, "variable %s = %s", scenario->variables[i].name,
                          scenario->variables[i].value);
                text_wrapped(out, text_bytes(&line), PLAN_COLUMNS, 0);
        }
        text_release(&line);
        text_add(out, "\n");
}

static void when_words(const struct plan_view *view, const struct method_spec *entry,
                       struct text *line)
{
        const struct method_when *when = &entry->when;
        char delay[QUANTITY_TEXT_SIZE];

        if (entry->timing != TIMING_WHEN) {
                text_addf(line, "%s: %s after", entry->name, entry->fault->name);
                for (uint32_t i = 0; i < entry->after_count; i++)
                        text_addf(line, "%s %s", i == 0 ? "" : ",", entry->after[i]->name);
                return;
        }
        text_addf(line, "%s: %s when %s", entry->name, entry->fault->name, when->event);
        if (when->action != FLEET_NO_INDEX)
                text_addf(line, " of %s", fleet_action_rows[when->action].name);
        if (when->service != FLEET_NO_INDEX)
                text_addf(line, " at %s", view->scenario->fleet.services[when->service].name);
        if (when->delay_ns > 0)
                text_addf(line, ", %s later", quantity_format_duration(delay, when->delay_ns));
}

/* Entries whose times nobody knows yet. */
static void print_waiting(const struct plan_view *view, struct text *out)
{
        const struct scenario *scenario = view->scenario;
        struct text line;

        if (!plan_is_coupled(scenario))
                return;
        text_init(&line);
        text_add(out, "\nwhenever the treated arm gives cause\n");
        for (size_t i = 0; i < scenario->method_count; i++) {
                if (!scenario->method[i].coupled)
                        continue;
                line.length = 0;
                when_words(view, &scenario->method[i], &line);
                text_add(out, "  ");
                text_wrapped(out, text_bytes(&line), PLAN_COLUMNS, 4);
        }
        text_release(&line);
}

static void print_thresholds(const struct scenario *scenario, struct text *out)
{
        text_add(out, scenario->threshold_count > 0 ? "\nto pass\n" : "\nno thresholds\n");
        for (size_t i = 0; i < scenario->threshold_count; i++) {
                text_add(out, "  ");
                text_wrapped(out, scenario->thresholds[i].text, PLAN_COLUMNS, 4);
        }
}

static int print_plan(const struct plan_view *view)
{
        struct timeline timeline;
        struct text out;
        int code = EXIT_PASSED;

        text_init(&out);
        timeline_init(&timeline);
        print_head(view, &out);
        add_frame(&timeline, view->scenario);
        add_probes(&timeline, view);
        for (uint32_t i = 0; i < view->plan.fault_count; i++)
                add_fault(&timeline, view, &view->plan.faults[i]);
        timeline_print(&timeline, NAN, &out);
        print_waiting(view, &out);
        print_thresholds(view->scenario, &out);
        if (text_ok(&out)) {
                printf("%s", text_bytes(&out));
        } else {
                fprintf(stderr, "chaos-run: out of memory\n");
                code = EXIT_INTERNAL;
        }
        timeline_release(&timeline);
        text_release(&out);
        return code;
}

/* ---- JSON */

static json_t *thresholds_json(const struct scenario *scenario)
{
        json_t *list = json_array();

        for (size_t i = 0; i < scenario->threshold_count; i++)
                json_array_append_new(list, json_string(scenario->thresholds[i].text));
        return list;
}

static json_t *variables_json(const struct scenario *scenario)
{
        json_t *object = json_object();

        for (size_t i = 0; i < scenario->variable_count; i++)
                json_object_set_new(object, scenario->variables[i].name,
                                    json_string(scenario->variables[i].value));
        return object;
}

static json_t *probe_json(const struct plan_view *view, const struct probe_spec *probe,
                          int64_t at_ns)
{
        return json_pack("{s:s, s:s, s:s?, s:o, s:s, s:o}", "name",
                         probe->name == NULL ? probe->metric : probe->name, "metric", probe->metric,
                         "service",
                         probe->service == FLEET_NO_INDEX
                                 ? NULL
                                 : view->scenario->fleet.services[probe->service].name,
                         "window", plan_duration_json(probe->window_ns), "tolerance",
                         probe->tolerance_text, "at", plan_duration_json(at_ns));
}

static json_t *probes_json(const struct plan_view *view, bool steady)
{
        const struct scenario *scenario = view->scenario;
        json_t *list = json_array();

        for (size_t i = 0; steady && i < scenario->steady_count; i++)
                json_array_append_new(list,
                                      probe_json(view, &scenario->steady[i], view->plan.first_ns));
        for (size_t i = 0; !steady && i < scenario->method_count; i++)
                if (scenario->method[i].kind == METHOD_PROBE)
                        json_array_append_new(list, probe_json(view, &scenario->method[i].probe,
                                                               view->plan.probes_at_ns[i]));
        return list;
}

static json_t *names_json(const char *const *names, size_t count)
{
        json_t *list = json_array();

        for (size_t i = 0; i < count; i++)
                json_array_append_new(list, json_string(names[i]));
        return list;
}

/* null: no limit */
static json_t *limit_json(uint32_t limit)
{
        return limit == UINT32_MAX ? json_null() : json_integer(limit);
}

static json_t *safety_json(const struct safety_spec *safety)
{
        return json_pack("{s:s, s:b, s:b, s:b, s:o, s:o, s:o, s:o}", "profile",
                         safety_profiles[safety->profile], "chaos",
                         safety->profile != SAFETY_PRODUCTION, "safe_mode", (int)safety->safe_mode,
                         "require_approval", (int)safety->require_approval, "max_targets",
                         limit_json(safety->max_targets), "max_concurrent_faults",
                         limit_json(safety->max_concurrent_faults), "allowed_faults",
                         safety->has_allowed_faults
                                 ? names_json(safety->allowed_faults, safety->allowed_fault_count)
                                 : json_null(),
                         "protected",
                         names_json(safety->protected_services, safety->protected_count));
}

/* What is in force, whoever said it: the file, a preset, the command line, or nobody. */
static json_t *effective_json(const struct scenario *scenario)
{
        return json_pack("{s:o, s:o}", "healer",
                         scenario->healer_kind == HEALER_EXEC
                                 ? json_null()
                                 : strategy_effective(scenario->strategy),
                         "safety", safety_json(&scenario->safety));
}

static int print_plan_json(const struct plan_view *view)
{
        const struct scenario *scenario = view->scenario;
        json_t *method = json_array(), *all;
        char seed[32];

        snprintf(seed, sizeof(seed), "%llu", (unsigned long long)scenario->seed);
        for (uint32_t i = 0; i < view->plan.fault_count; i++)
                json_array_append_new(method, plan_entry_json(scenario, &view->plan.faults[i]));
        for (size_t i = 0; i < scenario->method_count; i++)
                if (scenario->method[i].coupled)
                        json_array_append_new(method,
                                              plan_waiting_json(scenario, &scenario->method[i]));
        all = json_pack(
                "{s:s, s:s, s:s, s:s, s:i, s:i, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o}",
                "title", scenario->title, "file", scenario->file, "digest", scenario->digest,
                "seed", seed, "replication", (int)view->replication, "replications",
                (int)scenario->replications, "warmup", plan_duration_json(scenario->warmup_ns),
                "duration", plan_duration_json(scenario->duration_ns), "cooldown",
                scenario->cooldown_ns < 0 ? json_null() : plan_duration_json(scenario->cooldown_ns),
                "healer", scenario->healer_kind == HEALER_EXEC ? "exec" : scenario->strategy->name,
                "variables", variables_json(scenario), "method", method, "probes",
                probes_json(view, false), "steady_state", probes_json(view, true), "thresholds",
                thresholds_json(scenario), "effective", effective_json(scenario));
        if (all == NULL) {
                fprintf(stderr, "chaos-run: out of memory\n");
                return EXIT_INTERNAL;
        }
        printable_json(all, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
        printf("\n");
        json_decref(all);
        return EXIT_PASSED;
}

/* ---- the command */

static int plan_of(const struct options *options, const struct scenario *scenario)
{
        struct plan_view view = {
                .scenario = scenario,
                .replication = options->has_replication ? options->replication : 0,
                .healed = scenario->healer_kind == HEALER_EXEC || strategy_acts(scenario->strategy),
        };
        struct arena arena;
        int code = EXIT_INTERNAL;

        arena_init(&arena);
        if (!plan_make(scenario, rng_key(scenario->seed, view.replication), &arena, &view.plan))
                fprintf(stderr, "chaos-run: out of memory\n");
        else
                code = options->json ? print_plan_json(&view) : print_plan(&view);
        arena_release(&arena);
        return code;
}

int command_plan(const struct options *options)
{
        struct scenario_overrides overrides = overrides_of(
                options, options->strategies.count > 0 ? options->strategies.items[0] : NULL, 0);
        struct scenario *scenario = NULL;
        struct diag_list diags;
        int code = EXIT_INVALID;

        if (options->words.count != 1 || options->strategies.count > 1) {
                fprintf(stderr,
                        "chaos-run: plan: one scenario with one strategy at a time: chaos-run "
                        "plan SCENARIO.json\n");
                return EXIT_INVALID;
        }
        diag_list_init(&diags);
        for (uint32_t count = 1; overrides.matrix_index < count; overrides.matrix_index++) {
                code = EXIT_INVALID;
                if (!scenario_load(options->words.items[0], &overrides, &scenario, &diags))
                        break;
                count = scenario->matrix_count;
                capacity_warn(&scenario->fleet, options->words.items[0], stderr);
                if (options->json && count > 1)
                        printf(overrides.matrix_index == 0 ? "[\n" : ",\n");
                code = plan_check_safety(scenario, 0, scenario->replications, PLAN_TO_READ, &diags)
                               ? plan_of(options, scenario)
                               : EXIT_INVALID;
                if (overrides.matrix_index + 1 < count && !options->json)
                        printf("\n");
                if (options->json && count > 1 && overrides.matrix_index + 1 == count)
                        printf("]\n");
                scenario_free(scenario);
                scenario = NULL;
        }
        diag_list_print(&diags, stderr);
        diag_list_release(&diags);
        return code;
}
