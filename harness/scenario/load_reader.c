/* load_reader.c - who calls the fleet: load sources.
 *
 * A process takes some of the keys; one that belongs to another process is
 * refused with the name of that process, because it would have no effect.
 *
 * Not here: trace files (trace.c).
 */
#include "harness/scenario/loader.h"

#include <math.h>
#include <string.h>

#include "harness/sim/time.h"

enum {
        LOADS_MAX = 1000,
        STEPS_MAX = 100000,
        STATES_MAX = 64,
        CLASSES_MAX = 64,
        USERS_MAX = 1000000
};

#define RATE_LIMIT_PER_S 1e7
#define FACTOR_LIMIT 1e6

static const char *const process_names[] = {"poisson", "constant", "mmpp", "trace", "closed", NULL};
static const char *const shape_names[] = {"constant", "ramp", "steps", "sine", "surge", NULL};

/* Keys that only some processes have, as bits of enum load_process. */
static const struct {
        const char *key;
        unsigned processes;
} process_keys[] = {
        {"rate", 1u << LOAD_POISSON | 1u << LOAD_CONSTANT},
        {"profile", 1u << LOAD_POISSON | 1u << LOAD_CONSTANT | 1u << LOAD_MMPP},
        {"mmpp", 1u << LOAD_MMPP},
        {"file", 1u << LOAD_TRACE},
        {"per", 1u << LOAD_TRACE},
        {"scale", 1u << LOAD_TRACE},
        {"offset", 1u << LOAD_TRACE},
        {"users", 1u << LOAD_CLOSED},
        {"think_time", 1u << LOAD_CLOSED},
};

/* Reports keys of other processes and keeps them from being reported again. */
static void refuse_foreign_keys(struct read_object *o, enum load_process process)
{
        for (size_t i = 0; i < sizeof(process_keys) / sizeof(process_keys[0]); i++) {
                unsigned allowed = process_keys[i].processes;
                const char *key = process_keys[i].key;

                if (read_any(o, key, READ_OPTIONAL) != NULL && (allowed >> process & 1) == 0)
                        read_key_error(o->ctx, read_path(o, key),
                                       "belongs to the process '%s', not to '%s'",
                                       process_names[__builtin_ctz(allowed)],
                                       process_names[process]);
        }
}

static void load_steps(struct read_object *profile, struct load_profile *out)
{
        const json_t *list = read_list(profile, "steps", READ_REQUIRED, STEPS_MAX);
        struct arena *arena = profile->ctx->session->arena;
        const char *path = read_path(profile, "steps");
        struct load_step *steps = ARENA_ARRAY(arena, struct load_step, json_array_size(list));

        if (list == NULL || steps == NULL)
                return;
        out->steps = steps;
        out->step_count = json_array_size(list);
        if (out->step_count == 0)
                read_error(profile->ctx, path, "the list is empty");
        for (size_t i = 0; i < out->step_count; i++) {
                struct read_object o;

                if (!read_object_begin(profile->ctx, json_array_get(list, i),
                                       json_path_index(arena, path, i), &o))
                        continue;
                if (read_duration(&o, "at", READ_REQUIRED, 0, LOADER_TIME_MAX_NS,
                                  &steps[i].at_ns) &&
                    i > 0 && steps[i].at_ns <= steps[i - 1].at_ns)
                        read_error(o.ctx, read_path(&o, "at"), "not after the step before");
                read_number(&o, "factor", READ_REQUIRED, 0, FACTOR_LIMIT, &steps[i].factor);
                read_object_end(&o);
        }
}

static void load_profile(struct read_object *load, struct load_profile *out)
{
        struct read_object o;
        uint32_t shape;

        *out = (struct load_profile){.shape = SHAPE_CONSTANT, .factor = 1};
        if (!read_child_begin(load, "profile", READ_OPTIONAL, &o))
                return;
        if (!read_choice(&o, "shape", READ_REQUIRED, shape_names, &shape))
                return;
        out->shape = (enum load_shape)shape;
        switch (out->shape) {
        case SHAPE_CONSTANT:
                break;
        case SHAPE_RAMP:
                read_number(&o, "from", READ_REQUIRED, 0, FACTOR_LIMIT, &out->from);
                read_number(&o, "to", READ_REQUIRED, 0, FACTOR_LIMIT, &out->to);
                read_duration(&o, "over", READ_REQUIRED, 1, LOADER_TIME_MAX_NS, &out->over_ns);
                break;
        case SHAPE_STEPS:
                load_steps(&o, out);
                break;
        case SHAPE_SINE:
                read_duration(&o, "period", READ_REQUIRED, NS_PER_S, LOADER_TIME_MAX_NS,
                              &out->period_ns);
                read_ratio(&o, "amplitude", READ_REQUIRED, 0, 1, &out->amplitude);
                read_number(&o, "phase", READ_OPTIONAL, -1, 1, &out->phase);
                break;
        case SHAPE_SURGE:
                read_duration(&o, "at", READ_REQUIRED, 0, LOADER_TIME_MAX_NS, &out->at_ns);
                read_number(&o, "factor", READ_REQUIRED, 0, FACTOR_LIMIT, &out->factor);
                read_duration(&o, "for", READ_REQUIRED, 1, LOADER_TIME_MAX_NS, &out->for_ns);
                break;
        }
        read_object_end(&o);
}

static void load_mmpp(struct read_object *load, struct load_spec *out)
{
        struct arena *arena = load->ctx->session->arena;
        struct read_object o;
        const json_t *rates, *means;
        double *rates_per_s;
        int64_t *means_ns;
        size_t count;

        if (!read_child_begin(load, "mmpp", READ_REQUIRED, &o))
                return;
        rates = read_list(&o, "rates", READ_REQUIRED, STATES_MAX);
        means = read_list(&o, "means", READ_REQUIRED, STATES_MAX);
        read_object_end(&o);
        if (rates == NULL || means == NULL)
                return;
        count = json_array_size(rates);
        if (count < 2 || json_array_size(means) != count) {
                read_error(o.ctx, o.path, "as many rates as means are wanted, at least two");
                return;
        }
        rates_per_s = ARENA_ARRAY(arena, double, count);
        means_ns = ARENA_ARRAY(arena, int64_t, count);
        for (size_t i = 0; rates_per_s != NULL && means_ns != NULL && i < count; i++) {
                read_rate_at(o.ctx, json_array_get(rates, i),
                             json_path_index(arena, read_path(&o, "rates"), i), 0, RATE_LIMIT_PER_S,
                             &rates_per_s[i]);
                read_duration_at(o.ctx, json_array_get(means, i),
                                 json_path_index(arena, read_path(&o, "means"), i), NS_PER_MS,
                                 LOADER_TIME_MAX_NS, &means_ns[i]);
        }
        out->mmpp_rates_per_s = rates_per_s;
        out->mmpp_means_ns = means_ns;
        out->mmpp_count = count;
}

static void load_trace_keys(struct read_object *load, struct load_spec *out)
{
        const char *name = NULL;
        int64_t per_ns = 0;
        double scale = 1;

        read_duration(load, "per", READ_OPTIONAL, NS_PER_MS, LOADER_TIME_MAX_NS, &per_ns);
        read_number(load, "scale", READ_OPTIONAL, 1e-9, 1e9, &scale);
        read_duration(load, "offset", READ_OPTIONAL, 0, 10 * LOADER_TIME_MAX_NS,
                      &out->trace.offset_ns);
        if (read_text(load, "file", READ_REQUIRED, &name))
                load_trace(load->ctx, read_path(load, "file"), name, per_ns, scale, &out->trace);
}

static void load_class(struct read_context *ctx, const json_t *json, const char *path,
                       struct load_class *out)
{
        struct read_object o;

        *out = (struct load_class){.priority = 250, .cost = 1};
        if (!read_object_begin(ctx, json, path, &o))
                return;
        read_text(&o, "name", READ_REQUIRED, &out->name);
        read_ratio(&o, "share", READ_REQUIRED, 0, 1, &out->share);
        read_count(&o, "priority", READ_OPTIONAL, 0, 499, &out->priority);
        read_number(&o, "cost", READ_OPTIONAL, 0, 1000, &out->cost);
        read_object_end(&o);
}

static void load_classes(struct read_object *load, struct load_spec *out)
{
        const json_t *list = read_list(load, "classes", READ_OPTIONAL, CLASSES_MAX);
        struct arena *arena = load->ctx->session->arena;
        const char *path = read_path(load, "classes");
        struct load_class *classes = ARENA_ARRAY(arena, struct load_class, json_array_size(list));
        size_t before = diag_total(load->ctx->session->diags);
        double sum = 0;

        if (list == NULL || classes == NULL)
                return;
        out->classes = classes;
        out->class_count = json_array_size(list);
        for (size_t i = 0; i < out->class_count; i++) {
                const char *class_path = json_path_index(arena, path, i);

                load_class(load->ctx, json_array_get(list, i), class_path, &classes[i]);
                sum += classes[i].share;
                for (size_t j = 0; j < i && classes[i].name != NULL; j++)
                        if (classes[j].name != NULL &&
                            strcmp(classes[j].name, classes[i].name) == 0)
                                read_error(load->ctx, json_path_key(arena, class_path, "name"),
                                           "a second class named '%s'", classes[i].name);
        }
        if (diag_total(load->ctx->session->diags) == before && fabs(sum - 1) > 1e-9)
                read_error(load->ctx, path, "the shares add up to %.6g, not 1", sum);
}

static void load_one(struct read_object *o, const struct fleet_spec *fleet, struct load_spec *out)
{
        uint32_t process = LOAD_POISSON, balancing;
        size_t before = diag_total(o->ctx->session->diags);

        read_text(o, "name", READ_OPTIONAL, &out->name);
        read_service(o, "to", READ_REQUIRED, fleet, &out->to);
        read_choice(o, "process", READ_OPTIONAL, process_names, &process);
        out->process = (enum load_process)process;
        if (diag_total(o->ctx->session->diags) == before)
                refuse_foreign_keys(o, out->process);
        if (out->process == LOAD_POISSON || out->process == LOAD_CONSTANT)
                read_rate(o, "rate", READ_REQUIRED, 0, RATE_LIMIT_PER_S, &out->rate_per_s);
        if (out->process == LOAD_MMPP)
                load_mmpp(o, out);
        if (out->process == LOAD_TRACE)
                load_trace_keys(o, out);
        else if (out->process != LOAD_CLOSED)
                load_profile(o, &out->profile);
        if (out->process == LOAD_CLOSED) {
                read_count(o, "users", READ_REQUIRED, 1, USERS_MAX, &out->users);
                read_dist(o, "think_time", READ_REQUIRED, LOADER_TIME_MAX_NS, &out->think_time);
        }
        out->timeout_ns = TIME_NEVER;
        if (json_is_object(read_any(o, "timeout", READ_OPTIONAL)))
                out->has_patience = read_dist(o, "timeout", READ_OPTIONAL, 24 * NS_PER_HOUR,
                                              &out->patience);
        else
                read_duration(o, "timeout", READ_OPTIONAL, NS_PER_US, 24 * NS_PER_HOUR,
                              &out->timeout_ns);
        if (read_choice(o, "load_balancing", READ_OPTIONAL, balancing_names, &balancing))
                out->balancing = (enum fleet_balancing)balancing;
        read_retries(o, "retries", &out->retry);
        read_bool(o, "cancel_on_timeout", READ_OPTIONAL, &out->cancel_on_timeout);
        load_classes(o, out);
        read_object_end(o);
}

void load_loads(struct read_object *scenario, struct fleet_spec *out)
{
        const json_t *list = read_list(scenario, "load", READ_REQUIRED, LOADS_MAX);
        struct read_context *ctx = scenario->ctx;
        struct arena *arena = ctx->session->arena;
        const char *path = read_path(scenario, "load");
        struct load_spec *loads = ARENA_ARRAY(arena, struct load_spec, json_array_size(list));

        if (list == NULL || loads == NULL)
                return;
        if (json_array_size(list) == 0)
                read_error(ctx, path, "the list is empty");
        out->loads = loads;
        out->load_count = (uint32_t)json_array_size(list);
        for (uint32_t i = 0; i < out->load_count; i++) {
                const char *load_path = json_path_index(arena, path, i);
                struct read_object o;

                if (!read_object_begin(ctx, json_array_get(list, i), load_path, &o))
                        continue;
                load_one(&o, out, &loads[i]);
                if (loads[i].name == NULL)
                        loads[i].name = arena_printf(arena, "load %u", i + 1);
                for (uint32_t j = 0; j < i && loads[i].name != NULL; j++)
                        if (loads[j].name != NULL && strcmp(loads[j].name, loads[i].name) == 0)
                                read_error(ctx, json_path_key(arena, load_path, "name"),
                                           "a second load named '%s'", loads[i].name);
        }
}
