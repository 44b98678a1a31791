/* tests/healer_rig.h - a small shop whose telemetry a test writes by hand.
 *
 * Four services of three instances: clients -> frontend -> {cart, checkout},
 * checkout -> payment. All is well until a test changes `rig.instance[i]` or
 * `rig.edge[e]`; rig_run() then feeds a batch every five seconds and ticks.
 * What the healer said and wanted is kept in order.
 */
#ifndef TESTS_HEALER_RIG_H
#define TESTS_HEALER_RIG_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "healer/healer.h"

#define RIG_SECOND INT64_C(1000000000)

enum { FRONTEND, CART, CHECKOUT, PAYMENT, RIG_SERVICES };
enum { TO_CART, TO_CHECKOUT, TO_PAYMENT, TO_FRONTEND, RIG_EDGES };
enum { RIG_EACH = 3, RIG_INSTANCES = RIG_SERVICES * RIG_EACH, RIG_KEPT = 4096 };

#define INSTANCE(service, n) ((uint32_t)((service) * RIG_EACH + (n)))

struct rig {
        struct healer_config config;
        struct healer_topology topology;
        struct healer *healer;
        int64_t now_ns, next_ns;
        struct healer_instance_sample instance[RIG_INSTANCES];
        bool alive[RIG_INSTANCES];
        struct healer_edge_sample edge[RIG_EDGES];
        struct healer_notice notices[RIG_KEPT];
        uint32_t notice_count;
        struct healer_command orders[RIG_KEPT];
        uint32_t order_count, answered;
        int64_t step_ns;
};

static const struct healer_service_info rig_services[RIG_SERVICES] = {
        {"frontend", 8, true, 0, 0.99, 5 * RIG_SECOND, 15 * RIG_SECOND, 128, 0},
        {"cart", 8, false, 0, 0, 5 * RIG_SECOND, 15 * RIG_SECOND, 128, 0},
        {"checkout", 8, false, 0, 0, 5 * RIG_SECOND, 15 * RIG_SECOND, 128, 0},
        {"payment", 8, false, 0, 0, 5 * RIG_SECOND, 15 * RIG_SECOND, 128, 0},
};

static const struct healer_edge_info rig_edges[RIG_EDGES] = {
        {"frontend->cart", FRONTEND, CART},
        {"frontend->checkout", FRONTEND, CHECKOUT},
        {"checkout->payment", CHECKOUT, PAYMENT},
        {"shoppers->frontend", HEALER_NONE, FRONTEND},
};

static struct healer_instance_info rig_instances[RIG_INSTANCES];

static inline void rig_note(void *user, const struct healer_notice *notice)
{
        struct rig *rig = user;

        if (rig->notice_count < RIG_KEPT)
                rig->notices[rig->notice_count++] = *notice;
}

static inline void rig_act(void *user, const struct healer_command *command)
{
        struct rig *rig = user;

        if (rig->order_count < RIG_KEPT)
                rig->orders[rig->order_count++] = *command;
}

static inline struct healer_instance_sample rig_well(uint32_t instance)
{
        return (struct healer_instance_sample){
                .instance = instance,
                .cpu_ratio = 0.3,
                .memory_ratio = 0.4,
                .disk_ratio = NAN,
                .fd_ratio = NAN,
                .pool_ratio = NAN,
                .token_ratio = NAN,
                .queue_depth = 0,
                .throughput_per_s = 10,
                .error_ratio = 0,
                .latency_p50_s = 0.010,
                .latency_p95_s = 0.030,
                .latency_p99_s = 0.040,
                .connection_failures = 0,
        };
}

/* Everything well; `config` holds the defaults and may be changed before rig_start(). */
static inline struct rig *rig_create(void)
{
        struct rig *rig = calloc(1, sizeof(*rig));
        uint32_t i;

        healer_config_defaults(&rig->config);
        for (i = 0; i < RIG_INSTANCES; i++) {
                rig_instances[i] = (struct healer_instance_info){i / RIG_EACH, "instance"};
                rig->instance[i] = rig_well(i);
                rig->alive[i] = true;
        }
        for (i = 0; i < RIG_EDGES; i++)
                rig->edge[i] = (struct healer_edge_sample){i, 150, 0, 0, 0.011, 0.032, 0.043};
        rig->topology.services = rig_services;
        rig->topology.service_count = RIG_SERVICES;
        rig->topology.edges = rig_edges;
        rig->topology.edge_count = RIG_EDGES;
        rig->topology.instances = rig_instances;
        rig->topology.instance_count = RIG_INSTANCES;
        rig->topology.actions_available = UINT32_MAX;
        rig->step_ns = 5 * RIG_SECOND;
        return rig;
}

static inline void rig_start(struct rig *rig)
{
        const struct healer_callbacks callbacks = {rig, rig_act, rig_note};

        if (healer_create(&rig->config, &rig->topology, &callbacks, NULL, 0, &rig->healer) !=
            HEALER_OK)
                abort();
}

static inline struct rig *rig_started(void)
{
        struct rig *rig = rig_create();

        rig_start(rig);
        return rig;
}

static inline void rig_free(struct rig *rig)
{
        healer_destroy(rig->healer);
        free(rig);
}

/* Rungs then stand by themselves: a replacement follows behind a failover alone. */
static inline void rig_without_failover(struct rig *rig)
{
        rig->topology.actions_available = UINT32_MAX & ~(UINT32_C(1) << HEALER_ACTION_FAILOVER);
}

static inline void rig_step(struct rig *rig)
{
        uint32_t i;

        rig->now_ns += rig->step_ns;
        for (i = 0; i < RIG_INSTANCES; i++) {
                if (rig->alive[i])
                        (void)healer_observe_instance(rig->healer, rig->now_ns, &rig->instance[i]);
        }
        for (i = 0; i < RIG_EDGES; i++)
                (void)healer_observe_edge(rig->healer, rig->now_ns, &rig->edge[i]);
        (void)healer_tick(rig->healer, rig->now_ns, &rig->next_ns);
}

static inline void rig_run(struct rig *rig, int64_t seconds)
{
        int64_t end = rig->now_ns + seconds * RIG_SECOND;

        while (rig->now_ns < end)
                rig_step(rig);
}

static inline void rig_event(struct rig *rig, enum healer_occurrence_kind kind, uint32_t service,
                             uint32_t instance, int code)
{
        const struct healer_occurrence event = {.at_ns = rig->now_ns,
                                                .kind = kind,
                                                .service = service,
                                                .instance = instance,
                                                .edge = HEALER_NONE,
                                                .code = code,
                                                .text = ""};

        (void)healer_observe_event(rig->healer, &event);
        (void)healer_tick(rig->healer, rig->now_ns, &rig->next_ns);
}

static inline void rig_crash(struct rig *rig, uint32_t instance)
{
        rig->alive[instance] = false;
        rig_event(rig, HEALER_OCCURRED_PROCESS_EXITED, instance / RIG_EACH, instance, 139);
}

static inline void rig_comes_back(struct rig *rig, uint32_t instance)
{
        rig->alive[instance] = true;
        rig->instance[instance] = rig_well(instance);
        rig_event(rig, HEALER_OCCURRED_PROCESS_STARTED, instance / RIG_EACH, instance, 0);
}

/* The result of the k-th order, as it happens in a fleet: the process goes and
 * comes back well, then the actuator reports. */
static inline void rig_answer(struct rig *rig, uint32_t k, bool ok)
{
        const struct healer_result result = {rig->orders[k].id, ok, ok ? "" : "no"};
        uint32_t instance = rig->orders[k].instance;

        if (ok && instance < RIG_INSTANCES && rig->orders[k].kind != HEALER_ACTION_FAILOVER) {
                rig_event(rig, HEALER_OCCURRED_PROCESS_EXITED, instance / RIG_EACH, instance, 0);
                rig_comes_back(rig, instance);
        }
        (void)healer_observe_result(rig->healer, rig->now_ns, &result);
        (void)healer_tick(rig->healer, rig->now_ns, &rig->next_ns);
}

/* Answers all orders not answered yet. */
static inline void rig_answer_all(struct rig *rig, bool ok)
{
        for (; rig->answered < rig->order_count; rig->answered++)
                rig_answer(rig, rig->answered, ok);
}

static inline void rig_slow_instance(struct rig *rig, uint32_t instance, double latency_s)
{
        rig->instance[instance].latency_p50_s = latency_s;
        rig->instance[instance].latency_p95_s = latency_s * 1.1;
        rig->instance[instance].latency_p99_s = latency_s * 1.2;
}

static inline void rig_slow_edge(struct rig *rig, uint32_t edge, double p50_s, double p95_s)
{
        rig->edge[edge].latency_p50_s = p50_s;
        rig->edge[edge].latency_p95_s = p95_s;
        rig->edge[edge].latency_p99_s = p95_s;
}

static inline uint32_t rig_count(const struct rig *rig, enum healer_notice_kind kind)
{
        uint32_t i, count = 0;

        for (i = 0; i < rig->notice_count; i++)
                count += rig->notices[i].kind == kind;
        return count;
}

/* The first notice of that kind, or NULL. */
static inline const struct healer_notice *rig_first(const struct rig *rig,
                                                    enum healer_notice_kind kind)
{
        uint32_t i;

        for (i = 0; i < rig->notice_count; i++) {
                if (rig->notices[i].kind == kind)
                        return &rig->notices[i];
        }
        return NULL;
}

static inline const struct healer_notice *rig_last(const struct rig *rig,
                                                   enum healer_notice_kind kind)
{
        uint32_t i;

        for (i = rig->notice_count; i > 0; i--) {
                if (rig->notices[i - 1].kind == kind)
                        return &rig->notices[i - 1];
        }
        return NULL;
}

/* The likeliest cause that was said last; NULL: none was. */
static inline const struct healer_notice *rig_likeliest(const struct rig *rig)
{
        uint32_t i;

        for (i = rig->notice_count; i > 0; i--) {
                if (rig->notices[i - 1].kind == HEALER_NOTICE_DIAGNOSIS &&
                    rig->notices[i - 1].rank == 1)
                        return &rig->notices[i - 1];
        }
        return NULL;
}

#endif
