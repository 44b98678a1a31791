/* harness/fleet/measure.h - what the fleet measured of itself: plain data.
 *
 * Counted by the fleet, outside of any healer. The unit is the logical call:
 * what a caller wanted once, with all its attempts. Calls of the warm-up
 * (begun before t = 0) are in nothing here. A load source is the caller of its
 * entry service, so the client's view of an entry service is that service's.
 */
#ifndef CHAOS_FLEET_MEASURE_H
#define CHAOS_FLEET_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/hist.h"

enum call_outcome {
        CALL_OK,
        CALL_DEGRADED, /* a fallback or a reduced answer, with a quality */
        CALL_ERROR,
        CALL_TIMEOUT,
        CALL_REJECTED, /* a protection refused */
        CALL_DROPPED,  /* queue full */
        CALL_LOST,     /* instance died, nobody to take it, message lost */
        CALL_OUTCOME_COUNT
};

extern const char *const call_outcome_names[CALL_OUTCOME_COUNT];

/* Before the first fault, while any is active, and the rest. The same
 * instants in every arm of a replication, those without faults too. */
enum run_phase { PHASE_BEFORE, PHASE_DURING, PHASE_AFTER, PHASE_COUNT };

/* Requests of a service judged in one second of virtual time. */
struct second_bucket {
        uint32_t good, bad;
};

/* One bin of the series that plots show; counts of calls that ended in it. */
struct series_bin {
        uint32_t calls, good, bad;
        uint32_t errors, timeouts, rejected; /* errors: error, dropped, lost */
        uint32_t degraded;
        float latency_p50_s, latency_p95_s, latency_p99_s; /* of all that ended; NaN: none */
        float queue_mean;   /* waiting, time average, whole service */
        float busy_mean;    /* busy workers, time average */
        float workers_mean; /* workers of instances that are up, time average */
        float quality_sum;  /* over ok and degraded answers */
};

struct phase_measure {
        uint64_t outcome[CALL_OUTCOME_COUNT];
        uint64_t good, bad;
        double quality_sum; /* over ok (1 each) and degraded */
        struct hist latency; /* age at the end, every outcome */
        double seconds;      /* of virtual time in this phase */
};

struct service_measure {
        struct phase_measure phase[PHASE_COUNT];
        uint64_t calls;      /* logical calls begun */
        uint64_t unfinished; /* of those, at the end */
        uint64_t attempts;   /* sent or refused, retries included */
        uint64_t fallbacks;  /* calls answered by a fallback */
        /* inside: attempts at the service's own queues, exact */
        uint64_t arrived, started, completed, dropped, abandoned, lost, rejected;
        struct hist waiting;  /* time in the queue of those that started */
        double service_sum_s; /* own work of the completed */
        double observed_s;    /* length of the measured part */
        double queue_area_s;  /* integral of the number waiting */
        double busy_area_s;   /* integral of busy workers */
        double worker_area_s; /* integral of workers of instances that are up */
        double system_area_s; /* integral of waiting + in work (held workers too) */
        double sojourn_sum_s; /* of those that left, for Little's law */
        double up_area_s, instance_area_s; /* integral of instances up, of instances wanted */
        struct second_bucket *seconds; /* [second_count], second i = [i, i + 1) s */
        size_t second_count;
        struct series_bin *bins;
        size_t bin_count;
        int64_t bin_ns;
};

/* A period in which a service missed its objective: 5-experiments.md. */
struct incident {
        uint32_t service;
        int64_t onset_ns;    /* o */
        int64_t noticed_ns;  /* end of the second in which the window turned bad */
        int64_t restored_ns; /* r, or TIME_NEVER: open at the end */
        int64_t closed_ns;   /* when the hold was over; TIME_NEVER: not yet */
        uint64_t bad_requests, requests; /* judged in [o, r) */
        double lowest_share; /* of good, over the window */
};

#endif
