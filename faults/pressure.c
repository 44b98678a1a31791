/* pressure.c - others on the host, or threads that hang, leave less for the process.
 *
 * What is taken of cores and memory is seen where the process itself would be:
 * in the ratios of its instance. A restart does not help against the host; a new
 * instance is elsewhere. Threads live in the process.
 */
#include "faults/fault.h"

enum { LOAD };
enum { SIZE, SHARE };

static const struct fault_param cpu_params[] = {
        {.name = "load", .summary = "share of the instance's cores that others ask for", .unit = FAULT_SHARE,
         .fallback = 1, .min = 0, .max = 100, .ramps = true},
};

static const struct fault_param shared_params[] = {
        {.name = "load", .summary = "share of the instance's cores that the neighbour asks for",
         .unit = FAULT_SHARE, .required = true, .min = 0, .max = 100, .ramps = true},
};

static const struct fault_param memory_params[] = {
        {.name = "size", .summary = "memory that others take", .unit = FAULT_BYTES, .min = 0,
         .max = 1e15, .ramps = true},
        {.name = "share", .summary = "and the same as a share of the limit", .unit = FAULT_SHARE,
         .min = 0, .max = 10, .ramps = true},
};

static const struct fault_param thread_params[] = {
        {.name = "share", .summary = "share of the workers that are taken", .unit = FAULT_RATIO,
         .required = true, .min = 0, .max = 1, .ramps = true},
};

static const struct fault_param io_params[] = {
        {.name = "delay", .summary = "added to the own work of every request", .unit = FAULT_DURATION,
         .required = true, .min = 0, .max = 3600e9, .ramps = true},
};

static void cpu_pressure_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_CPU, LAYER_HOST);

        effect->a = run->arguments[LOAD];
        run->measured_what = "instances under pressure";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_cpu_pressure = {
        .name = "cpu_pressure",
        .family = "resources",
        .summary = "others take CPU on the host of instances",
        .failure_type = "cpu_spike",
        .effect = "the CPU ratio rises; above all cores work slows by demand over cores",
        .lifting = "the cores are the process's own again",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_HOST,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = cpu_params,
        .params_count = sizeof(cpu_params) / sizeof(cpu_params[0]),
        .inject = cpu_pressure_inject,
        .lift = fault_lift_effects,
};

static void shared_host_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_CPU, LAYER_HOST);

        effect->a = run->arguments[LOAD];
        effect->b = 1;
        run->measured_what = "instances with a neighbour";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_shared_host = {
        .name = "shared_host",
        .family = "platform",
        .summary = "a neighbour on the host of instances eats it",
        .failure_type = "high_latency",
        .effect = "above all cores work slows by demand over cores; the instance does not see who takes them",
        .lifting = "the cores are the process's own again",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_HOST,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = shared_params,
        .params_count = sizeof(shared_params) / sizeof(shared_params[0]),
        .inject = shared_host_inject,
        .lift = fault_lift_effects,
};

static void memory_pressure_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_MEMORY, LAYER_HOST);

        effect->a = run->arguments[SIZE];
        effect->b = run->arguments[SHARE];
        run->measured_what = "instances under pressure";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_memory_pressure = {
        .name = "memory_pressure",
        .family = "resources",
        .summary = "others take memory on the host of instances",
        .failure_type = "memory_exhaustion",
        .effect = "above 85 % of the limit work slows, above the limit the process is killed",
        .lifting = "the memory is free again",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_HOST,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = memory_params,
        .params_count = sizeof(memory_params) / sizeof(memory_params[0]),
        .one_of = "size share",
        .inject = memory_pressure_inject,
        .lift = fault_lift_effects,
};

static void thread_starvation_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_THREADS, LAYER_PROCESS);

        effect->a = run->arguments[0];
        run->measured_what = "instances that lost workers";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_thread_starvation = {
        .name = "thread_starvation",
        .family = "resources",
        .summary = "workers of the process are taken and not given back",
        .failure_type = "resource_exhaustion",
        .effect = "fewer requests are worked on at a time, and the others wait",
        .lifting = "the workers are free again",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_PROCESS,
        .chance = FAULT_CHANCE_PER_TARGET,
        .params = thread_params,
        .params_count = sizeof(thread_params) / sizeof(thread_params[0]),
        .inject = thread_starvation_inject,
        .lift = fault_lift_effects,
};

static void io_delay_inject(struct fault_run *run)
{
        struct effect *effect = fault_effect(run, EFFECT_IO_DELAY, LAYER_HOST);

        effect->delay = (struct dist){.kind = DIST_CONSTANT, .a_ns = run->arguments[0]};
        run->measured_what = "added work (s)";
        fault_effect_on_targets(run, effect);
}

const struct fault_ops fault_io_delay = {
        .name = "io_delay",
        .family = "resources",
        .summary = "the disk of the host is slow",
        .failure_type = "high_latency",
        .effect = "the own work of every request takes longer and keeps its worker",
        .lifting = "work that begins from then on waits no more",
        .targets = FAULT_TARGET_INSTANCES,
        .lives_in = LAYER_HOST,
        .chance = FAULT_CHANCE_PER_REQUEST,
        .params = io_params,
        .params_count = sizeof(io_params) / sizeof(io_params[0]),
        .inject = io_delay_inject,
        .lift = fault_lift_effects,
};
