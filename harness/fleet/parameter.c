/* parameter.c - the rows of what versions and configurations change. */
#include "harness/fleet/parameter.h"

#define US 1e3
#define DAY 86400e9

const struct parameter_row parameter_rows[PARAMETER_KIND_COUNT] = {
        [PARAMETER_SERVICE_TIME] = {"service_time", PARAMETER_DIST, 0, DAY},
        [PARAMETER_ERROR_RATE] = {"error_rate", PARAMETER_RATIO, 0, 1},
        [PARAMETER_CONCURRENCY] = {"concurrency", PARAMETER_COUNT, 1, 100000},
        [PARAMETER_QUEUE] = {"queue", PARAMETER_PLACES, 0, 10000000},
        [PARAMETER_CORES] = {"cpu.cores", PARAMETER_NUMBER, 0.001, 100000},
        [PARAMETER_MEMORY_BASE] = {"memory.base", PARAMETER_BYTES, 0, 0x1p50},
        [PARAMETER_MEMORY_PER_REQUEST] = {"memory.per_request", PARAMETER_BYTES, 0, 0x1p50},
        [PARAMETER_MEMORY_LIMIT] = {"memory.limit", PARAMETER_BYTES, 1, 0x1p50},
        [PARAMETER_RESTART_TIME] = {"restart_time", PARAMETER_TIME, 0, DAY},
        [PARAMETER_BOOT_TIME] = {"boot_time", PARAMETER_TIME, 0, DAY},
        [PARAMETER_TIMEOUT] = {"timeout", PARAMETER_TIME, US, DAY},
        [PARAMETER_PROBABILITY] = {"probability", PARAMETER_RATIO, 0, 1},
        [PARAMETER_CALL_COUNT] = {"count", PARAMETER_COUNT, 1, 1000},
        [PARAMETER_RETRIES_MAX] = {"retries.max", PARAMETER_COUNT, 0, 1000},
        [PARAMETER_RETRIES_BUDGET] = {"retries.budget", PARAMETER_RATIO, 0, 1000},
        [PARAMETER_CANCEL_ON_TIMEOUT] = {"cancel_on_timeout", PARAMETER_BOOL, 0, 1},
};
