/* harness/fleet/parameter.h - what a version or a configuration can change.
 *
 * A parameter is a key of a service or of an edge as a fleet file has it, with
 * its unit and range; loader, schema and fleet read the rows. A version's
 * changes are in force where its process runs, a configuration's everywhere at
 * once (harness/fleet/version.c).
 */
#ifndef CHAOS_FLEET_PARAMETER_H
#define CHAOS_FLEET_PARAMETER_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/dist.h"

enum parameter_unit {
        PARAMETER_DIST,  /* a duration or a distribution */
        PARAMETER_TIME,  /* ns */
        PARAMETER_RATIO, /* 0..1 */
        PARAMETER_COUNT,
        PARAMETER_PLACES, /* a count or "unbounded" */
        PARAMETER_NUMBER,
        PARAMETER_BYTES,
        PARAMETER_BOOL,
};

enum parameter_kind {
        PARAMETER_SERVICE_TIME,
        PARAMETER_ERROR_RATE,
        PARAMETER_CONCURRENCY,
        PARAMETER_QUEUE,
        PARAMETER_CORES,
        PARAMETER_MEMORY_BASE,
        PARAMETER_MEMORY_PER_REQUEST,
        PARAMETER_MEMORY_LIMIT,
        PARAMETER_RESTART_TIME,
        PARAMETER_BOOT_TIME,
        PARAMETER_EDGE_FIRST,
        PARAMETER_TIMEOUT = PARAMETER_EDGE_FIRST,
        PARAMETER_PROBABILITY,
        PARAMETER_CALL_COUNT,
        PARAMETER_RETRIES_MAX,
        PARAMETER_RETRIES_BUDGET,
        PARAMETER_CANCEL_ON_TIMEOUT,
        PARAMETER_KIND_COUNT,
        PARAMETER_FEATURE = PARAMETER_KIND_COUNT /* no key: the feature of that number is flipped */
};

struct parameter_row {
        const char *key; /* "memory.limit": as in the file, from the service or the edge on */
        enum parameter_unit unit;
        double min, max; /* in ns, bytes ... */
};

extern const struct parameter_row parameter_rows[PARAMETER_KIND_COUNT];

/* A parameter and the value that it is given. */
struct setting {
        enum parameter_kind parameter;
        double number;    /* all units but a distribution; places without bound: UINT32_MAX */
        struct dist dist; /* ready for sampling */
};

/* A version as declared: what it changes of its service. */
struct version_spec {
        const char *name;
        const struct setting *changes;
        uint32_t change_count;
};

#endif
