/* bench_size.c - what a large fleet costs: bytes an instance, start-up, bytes a request.
 *
 * 10^5 and 10^6 instances in 1000 services, each size in a process of its own: memory is the
 * growth of the resident set over fleet_create(). Sketches of telemetry are
 * counted apart: with telemetry on and one request at each instance. Then a queue
 * of 10^6 requests, for the bytes of one in flight.
 */
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/fleet/model.h"
#include "tests/fleet_builder.h"

enum { SERVICES = 1000 };

static struct builder b; /* lends what services have in common */

static double now_s(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double resident_bytes(void)
{
        FILE *file = fopen("/proc/self/statm", "r");
        long pages = 0;

        if (file != NULL && fscanf(file, "%*d %ld", &pages) != 1)
                pages = 0;
        if (file != NULL)
                fclose(file);
        return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static struct fleet *create(struct fleet_spec *spec, uint32_t instances, bool telemetry)
{
        struct fleet_options options = {.spec = spec, .key = rng_key(1, 0), .bin_ns = 10 * NS_PER_S,
                                        .duration_ns = NS_PER_HOUR, .telemetry = telemetry};
        struct service_spec *services = calloc(SERVICES, sizeof(*services));
        struct load_spec *loads = calloc(SERVICES, sizeof(*loads));

        if (services == NULL || loads == NULL)
                exit(1);
        build_begin(&b);
        for (uint32_t i = 0; i < SERVICES; i++) {
                b.spec.service_count = b.spec.load_count = 0;
                services[i] = *build_service(&b, "service", exponential(NS_PER_MS));
                services[i].cpu_cores = 1;
                services[i].instance_count = instances / SERVICES;
                loads[i] = *build_load(&b, "users", 0, 0.01);
                loads[i].to = i;
        }
        *spec = b.spec;
        spec->services = services;
        spec->service_count = SERVICES;
        spec->loads = loads;
        spec->load_count = 1;
        return fleet_create(&options);
}

static void size(uint32_t instances, bool telemetry)
{
        double before = resident_bytes(), began_s = now_s(), for_s, after;
        struct fleet_spec spec;
        struct fleet *fleet = create(&spec, instances, telemetry);

        if (fleet == NULL)
                exit(1);
        for_s = now_s() - began_s;
        after = resident_bytes();
        printf("%8u instances in %d services, telemetry %-4s %6.1f bytes an instance, start-up %.3f s a 10^5\n",
               instances, SERVICES, telemetry ? "on:" : "off:", (after - before) / instances,
               for_s * 1e5 / instances);
        began_s = now_s();
        if (telemetry) {
                if (!fleet_run_until(fleet, 11 * NS_PER_S))
                        exit(1);
                printf("%8u instances, 11 s with two looks at all of them:        %6.3f s\n", instances,
                       now_s() - began_s);
        }
        fleet_destroy(fleet);
}

static void in_flight(void)
{
        double before;
        struct fleet *fleet;

        build_begin(&b);
        build_service(&b, "slow", constant(NS_PER_HOUR));
        build_load(&b, "users", 0, 100000);
        b.loads[0].timeout_ns = NS_PER_HOUR;
        fleet = build_fleet(&b, 1, 0);
        before = resident_bytes();
        if (!fleet_run_until(fleet, 10 * NS_PER_S))
                exit(1);
        printf("%8u requests in flight: %.1f bytes each, of them call %zu, req %zu, timer %zu\n",
               fleet->in_flight, (resident_bytes() - before) / fleet->in_flight, sizeof(struct call),
               sizeof(struct req), sizeof(struct timer));
        fleet_destroy(fleet);
        build_end(&b);
}

static bool in_child(void (*what)(int), int argument)
{
        int status = 1;
        pid_t child;

        fflush(stdout);
        child = fork();
        if (child == 0) {
                what(argument);
                fflush(stdout);
                _exit(0);
        }
        return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static void one(int which)
{
        switch (which) {
        case 0: size(100000, false); break;
        case 1: size(100000, true); break;
        case 2: size(1000000, false); break;
        case 3: size(1000000, true); break;
        default: in_flight(); break;
        }
}

int main(void)
{
        bool ok = true;

        printf("an instance %zu, a service %zu, an edge %zu bytes\n", sizeof(struct instance),
               sizeof(struct service), sizeof(struct edge));
        for (int which = 0; which < 5; which++)
                ok = in_child(one, which) && ok;
        return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
