/* scenario.c - a scenario file from its name to a checked struct.
 *
 * The order is that of need: variables are put in, then the fleet is read,
 * because load, method and thresholds name its parts. An error does not stop
 * the reading; only at the end is it asked whether there was one.
 *
 * The digest is over the bytes of all files read, in the order of reading, and
 * over what the command line overrode, but not over where the files are.
 *
 * Not here: the readers of the parts (loader.h); strategies (strategy.c).
 */
#include "harness/scenario/scenario.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/code_point.h"
#include "harness/base/memory.h"
#include "harness/base/nearest.h"
#include "harness/scenario/loader.h"
#include "harness/scenario/variables.h"
#include "harness/sim/time.h"

enum { TAGS_MAX = 1000, RUNS_MAX = 1000000, ARGUMENTS_MAX = 256 };

/* Overrides ------------------------------------------------------------------- */

/* `--strategy X` is `--set healer=X` for any X: paths in it are then relative
 * to the current directory. "exec:CMD ARG" becomes the object it stands for. */
static const char *healer_setting(struct arena *arena, const char *strategy)
{
        json_t *value = NULL, *argv;
        const char *setting = NULL;
        char *words, *word, *rest = NULL, *dumped;

        if (strncmp(strategy, "exec:", 5) == 0) {
                argv = json_array();
                words = arena_text(arena, strategy + 5);
                for (word = strtok_r(words, " ", &rest); word != NULL;
                     word = strtok_r(NULL, " ", &rest))
                        json_array_append_new(argv, json_string(word));
                value = json_pack("{s:o}", "exec", argv);
        } else {
                value = json_string(strategy);
        }
        dumped = value != NULL ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
        if (dumped != NULL)
                setting = arena_printf(arena, "healer=%s", dumped);
        free(dumped);
        json_decref(value);
        return setting;
}

static void begin_variables(struct read_session *session,
                            const struct scenario_overrides *overrides)
{
        const char **sets = ARENA_ARRAY(session->arena, const char *, overrides->set_count + 1);
        size_t count = overrides->set_count;

        if (sets == NULL)
                return;
        if (count > 0)
                memcpy(sets, overrides->sets, count * sizeof(*sets));
        if (overrides->strategy != NULL && !code_point_all_utf8(overrides->strategy))
                diag_add(session->diags, "--strategy", 0, 0, NULL, "'%s' is not UTF-8", overrides->strategy);
        else if (overrides->strategy != NULL &&
                 (sets[count] = healer_setting(session->arena, overrides->strategy)) != NULL)
                count++;
        variables_begin(session, overrides->vars, overrides->var_count, sets, count);
        if (session->variables != NULL) {
                session->variables->matrix_index = overrides->matrix_index;
                session->variables->matrix_count = 1;
        }
}

static void hash_overrides(struct read_session *session, const struct scenario_overrides *overrides)
{
        char numbers[64];

        snprintf(numbers, sizeof(numbers), "%d %llu %u", overrides->has_seed,
                 overrides->has_seed ? (unsigned long long)overrides->seed : 0, overrides->runs);
        sha256_add_text(&session->sha, numbers);
        for (size_t i = 0; i < overrides->only_count; i++)
                sha256_add_text(&session->sha, overrides->only[i]);
        sha256_add_text(&session->sha, "");
        for (size_t i = 0; i < overrides->skip_count; i++)
                sha256_add_text(&session->sha, overrides->skip[i]);
}

static bool is_named(const char *name, const char *const *names, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (strcmp(names[i], name) == 0)
                        return true;
        return false;
}

/* By the entry's own name or that of a group or monkey that it belongs to. */
static bool entry_is_named(const struct method_spec *entry, const char *const *names, size_t count)
{
        if (entry->name != NULL && is_named(entry->name, names, count))
                return true;
        for (const struct method_group *group = entry->group; group != NULL; group = group->parent)
                if (group->name != NULL && is_named(group->name, names, count))
                        return true;
        return false;
}

/* Names that no entry has. */
static void check_entry_names(struct read_session *session, const struct scenario *scenario,
                              const char *option, const char *const *names, size_t count)
{
        char excerpt[DIAG_EXCERPT_SIZE], hint[160];

        for (size_t i = 0; i < count; i++) {
                struct nearest nearest;
                bool found = false;

                nearest_begin(&nearest, names[i]);
                for (size_t j = 0; j < scenario->method_count; j++) {
                        const struct method_spec *entry = &scenario->method[j];

                        found = found || entry_is_named(entry, &names[i], 1);
                        if (entry->name != NULL)
                                nearest_offer(&nearest, entry->name);
                        for (const struct method_group *group = entry->group; group != NULL;
                             group = group->parent)
                                if (group->name != NULL)
                                        nearest_offer(&nearest, group->name);
                }
                if (!found)
                        diag_add(session->diags, option, 0, 0, NULL,
                                 "no entry of the method named '%s'%s",
                                 diag_excerpt(excerpt, names[i]),
                                 nearest_hint(hint, sizeof(hint), nearest.best));
        }
}

/* `--only` and `--skip`: entries that do not take part. */
static void filter_method(struct read_session *session, const struct scenario_overrides *overrides,
                          struct scenario *scenario)
{
        struct method_spec *kept =
                ARENA_ARRAY(session->arena, struct method_spec, scenario->method_count);
        size_t count = 0;

        check_entry_names(session, scenario, "--only", overrides->only, overrides->only_count);
        check_entry_names(session, scenario, "--skip", overrides->skip, overrides->skip_count);
        for (size_t i = 0; kept != NULL && i < scenario->method_count; i++) {
                const struct method_spec *entry = &scenario->method[i];

                if ((overrides->only_count == 0 ||
                     entry_is_named(entry, overrides->only, overrides->only_count)) &&
                    !entry_is_named(entry, overrides->skip, overrides->skip_count))
                        kept[count++] = *entry;
        }
        scenario->method = kept;
        scenario->method_count = kept != NULL ? count : 0;
}

/* Parts ----------------------------------------------------------------------- */

static void load_version(struct read_object *o)
{
        const json_t *json = read_any(o, "version", READ_REQUIRED);

        if (json == NULL)
                return;
        if (!json_is_integer(json))
                read_wrong_type(o->ctx, "version", json, "the number 1");
        else if (json_integer_value(json) != 1)
                read_error(o->ctx, "version", "version %lld is not known, only 1 is",
                           (long long)json_integer_value(json));
}

/* A whole number from 0; above 2^63-1 as a text, which JSON readers keep exact. */
static void load_seed(struct read_object *o, struct scenario *out)
{
        const json_t *json = read_any(o, "seed", READ_OPTIONAL);
        const char *text = json_string_value(json);
        char *end;

        out->seed = 1;
        if (json == NULL)
                return;
        if (json_is_integer(json) && json_integer_value(json) >= 0) {
                out->seed = (uint64_t)json_integer_value(json);
                return;
        }
        if (text != NULL && text[strspn(text, "0123456789")] == '\0' && *text != '\0') {
                errno = 0;
                out->seed = strtoull(text, &end, 10);
                if (errno == 0)
                        return;
                read_error(o->ctx, "seed", "above 18446744073709551615 (64 bits)");
                return;
        }
        read_error(o->ctx, "seed", "a whole number from 0 is wanted (above 2^63-1 as a text)");
}

static void load_times(struct read_object *o, struct scenario *out)
{
        out->warmup_ns = 5 * NS_PER_MIN;
        out->cooldown_ns = -1;
        read_duration(o, "duration", READ_REQUIRED, NS_PER_S, LOADER_TIME_MAX_NS,
                      &out->duration_ns);
        read_duration(o, "warmup", READ_OPTIONAL, 0, LOADER_TIME_MAX_NS, &out->warmup_ns);
        read_duration(o, "cooldown", READ_OPTIONAL, 0, 24 * NS_PER_HOUR, &out->cooldown_ns);
}

static void load_cost(struct read_object *evaluation, struct evaluation_spec *out)
{
        struct read_object o;

        if (!read_child_begin(evaluation, "cost", READ_OPTIONAL, &o))
                return;
        out->has_cost = true;
        read_number(&o, "failed_request", READ_OPTIONAL, 0, 1e12, &out->cost_failed_request);
        read_number(&o, "human_page", READ_OPTIONAL, 0, 1e12, &out->cost_human_page);
        read_number(&o, "action", READ_OPTIONAL, 0, 1e12, &out->cost_action);
        read_number(&o, "instance_hour", READ_OPTIONAL, 0, 1e12, &out->cost_instance_hour);
        read_object_end(&o);
}

static void load_evaluation(struct read_object *scenario, struct evaluation_spec *out)
{
        struct read_object o;

        *out = (struct evaluation_spec){
                .prediction_window_ns = 10 * NS_PER_MIN,
                .minimum_lead_ns = 30 * NS_PER_S,
                .horizon_ns = NS_PER_HOUR,
        };
        if (!read_child_begin(scenario, "evaluation", READ_OPTIONAL, &o))
                return;
        read_duration(&o, "prediction_window", READ_OPTIONAL, NS_PER_S, LOADER_TIME_MAX_NS,
                      &out->prediction_window_ns);
        read_duration(&o, "minimum_lead", READ_OPTIONAL, 0, LOADER_TIME_MAX_NS,
                      &out->minimum_lead_ns);
        read_duration(&o, "horizon", READ_OPTIONAL, NS_PER_S, LOADER_TIME_MAX_NS, &out->horizon_ns);
        if (out->minimum_lead_ns > out->prediction_window_ns)
                read_error(o.ctx, o.path,
                           "minimum_lead is above prediction_window: no prediction could be right");
        read_bool(&o, "replay_trigger", READ_OPTIONAL, &out->replay_trigger);
        load_cost(&o, out);
        read_object_end(&o);
}

/* `format` as the command line has it, or a list of names. The writers are known
 * to reports/, so their names are looked at when they are used. */
static void load_formats(struct read_object *o, struct outputs_spec *out)
{
        const json_t *json = read_any(o, "format", READ_OPTIONAL);
        struct arena *arena = o->ctx->session->arena;
        const char *const *names;
        size_t count;

        if (json_is_string(json)) {
                read_text(o, "format", READ_OPTIONAL, &out->format);
        } else if (json != NULL && !json_is_array(json)) {
                read_wrong_type(o->ctx, read_path(o, "format"), json, "a text or a list of texts");
        } else if (json != NULL && read_texts(o, "format", READ_OPTIONAL, 32, &names, &count)) {
                if (count == 0)
                        read_error(o->ctx, read_path(o, "format"), "the list is empty");
                for (size_t i = 0; i < count; i++)
                        out->format = i == 0 ? names[0]
                                             : arena_printf(arena, "%s,%s", out->format, names[i]);
        }
}

static void load_outputs(struct read_object *scenario, struct outputs_spec *out)
{
        static const char *const journals[] = {"first", "all", "telemetry", "none", NULL};
        const char *folder = NULL;
        struct read_object o;
        uint32_t journal;

        if (!read_child_begin(scenario, "outputs", READ_OPTIONAL, &o))
                return;
        load_formats(&o, out);
        if (read_text(&o, "out", READ_OPTIONAL, &folder))
                out->folder = read_resolve_path(o.ctx, read_path(&o, "out"), folder);
        if (read_choice(&o, "journal", READ_OPTIONAL, journals, &journal))
                out->journal = journals[journal];
        out->has_plots = read_bool(&o, "plots", READ_OPTIONAL, &out->plots);
        read_object_end(&o);
}

/* A program that a file names is started in the file's folder, one from the
 * command line in the current directory. */
static void load_exec(struct read_context *ctx, const json_t *json, struct scenario *out)
{
        const char *option;
        struct read_object o;
        size_t count = 0;

        if (!read_object_begin(ctx, json, "healer", &o))
                return;
        out->healer_kind = HEALER_EXEC;
        out->exec_folder = variables_origin(ctx, "healer", &option) == NULL &&
                                           !variables_are_outside(ctx, "healer.exec[0]")
                                   ? arena_text(&out->arena, ctx->folder)
                                   : NULL;
        if (read_texts(&o, "exec", READ_REQUIRED, ARGUMENTS_MAX, &out->exec_argv, &count) &&
            count == 0)
                read_error(ctx, read_path(&o, "exec"), "the list is empty: a command is wanted");
        read_object_end(&o);
}

static void load_healer(struct read_object *scenario, struct scenario *out)
{
        const json_t *json = read_any(scenario, "healer", READ_OPTIONAL);
        json_t *preset = NULL;

        if (json_is_object(json) && json_object_get(json, "exec") != NULL) {
                load_exec(scenario->ctx, json, out);
                return;
        }
        if (json != NULL && !json_is_object(json) && !json_is_string(json)) {
                read_wrong_type(scenario->ctx, "healer", json,
                                "a strategy, a preset's name or a path");
                return;
        }
        if (json == NULL)
                json = preset = json_string("default");
        out->healer_kind = HEALER_STRATEGY;
        if (json != NULL &&
            strategy_load(&out->arena, scenario->ctx, json, "healer", &out->strategy))
                strategy_check_fleet(out->strategy, &out->fleet);
        json_decref(preset);
}

static void load_parts(struct read_context *ctx, const json_t *root, struct scenario *out)
{
        struct read_object o;
        const json_t *fleet;

        if (!read_object_begin(ctx, root, JSON_PATH_ROOT, &o))
                return;
        load_version(&o);
        read_text(&o, "title", READ_REQUIRED, &out->title);
        read_text(&o, "description", READ_OPTIONAL, &out->description);
        read_texts(&o, "tags", READ_OPTIONAL, TAGS_MAX, &out->tags, &out->tag_count);
        load_seed(&o, out);
        read_any(&o, "configuration", READ_OPTIONAL); /* read by variables.c */
        load_times(&o, out);
        fleet = read_any(&o, "fleet", READ_REQUIRED);
        if (fleet != NULL)
                load_fleet(ctx, fleet, "fleet", &out->fleet);
        load_loads(&o, &out->fleet);
        load_background(&o, &out->fleet);
        load_steady_state(&o, out);
        load_method(&o, out);
        load_thresholds(&o, out);
        out->replications = 20;
        read_count(&o, "replications", READ_OPTIONAL, 1, RUNS_MAX, &out->replications);
        load_evaluation(&o, &out->evaluation);
        load_analysis(&o, &out->analysis);
        load_healer(&o, out);
        load_stop_conditions(&o, out);
        load_outputs(&o, &out->outputs);
        load_safety(&o, out);
        read_object_end(&o);
}

static void load_variables(struct read_session *session, struct scenario *out)
{
        size_t count = 0;
        const char *name, *value;
        struct variable_spec *variables;

        while (variables_get(session, count, &name, &value))
                count++;
        variables = ARENA_ARRAY(session->arena, struct variable_spec, count);
        for (size_t i = 0; variables != NULL && i < count; i++)
                variables_get(session, i, &variables[i].name, &variables[i].value);
        if (session->variables != NULL) {
                out->matrix_count = session->variables->matrix_count;
                out->matrix_name = session->variables->matrix_name;
        }
        out->variables = variables;
        out->variable_count = variables != NULL ? count : 0;
}

static void apply_numbers(const struct scenario_overrides *overrides, struct scenario *out)
{
        if (overrides->has_seed)
                out->seed = overrides->seed;
        if (overrides->runs > 0)
                out->replications = overrides->runs;
}

/* As results, tables and reports say it, which are UTF-8 whatever bytes the name has. */
static const char *name_of_file(struct arena *arena, const char *base)
{
        char *name = arena_text(arena, base);

        if (name != NULL)
                code_point_mend(name);
        return name;
}

bool scenario_load(const char *path, const struct scenario_overrides *overrides,
                   struct scenario **out, struct diag_list *diags)
{
        static const struct scenario_overrides no_overrides;
        struct scenario *scenario = calloc(1, sizeof(*scenario));
        struct read_session session;
        struct read_context ctx;
        const json_t *root;
        const char *slash = strrchr(path, '/');
        bool ok = false;

        *out = NULL;
        if (scenario == NULL) {
                diag_add(diags, path, 0, 0, NULL, "out of memory");
                return false;
        }
        if (overrides == NULL)
                overrides = &no_overrides;
        arena_init(&scenario->arena);
        read_session_begin(&session, &scenario->arena, diags);
        session.allow_paths = overrides->allow_paths;
        session.allow_path_count = overrides->allow_path_count;
        scenario->path = arena_text(&scenario->arena, path);
        scenario->file = name_of_file(&scenario->arena, slash != NULL ? slash + 1 : path);
        begin_variables(&session, overrides);
        hash_overrides(&session, overrides);
        if (!read_named_file_begin(&session, path, JSON_PATH_ROOT, &ctx, &root))
                goto done;
        load_parts(&ctx, root, scenario);
        variables_check_used(&session, path);
        filter_method(&session, overrides, scenario);
        apply_numbers(overrides, scenario);
        load_variables(&session, scenario);
        if (scenario->matrix_name != NULL && scenario->title != NULL)
                scenario->title = arena_printf(&scenario->arena, "%s [%s]", scenario->title,
                                               scenario->matrix_name);
        sha256_hex(&session.sha, scenario->digest);
        if (arena_failed(&scenario->arena) || memory_ran_out())
                diag_add(diags, path, 0, 0, NULL, "out of memory");
        ok = !read_failed(&session);
done:
        diag_list_sort(diags);
        read_session_end(&session);
        if (!ok) {
                scenario_free(scenario);
                return false;
        }
        *out = scenario;
        return true;
}

void scenario_free(struct scenario *scenario)
{
        if (scenario == NULL)
                return;
        arena_release(&scenario->arena);
        free(scenario);
}
