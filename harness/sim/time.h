/* harness/sim/time.h - virtual time: nanoseconds since the end of warm-up. */
#ifndef CHAOS_SIM_TIME_H
#define CHAOS_SIM_TIME_H

#include <stdint.h>

#define NS_PER_US ((int64_t)1000)
#define NS_PER_MS ((int64_t)1000000)
#define NS_PER_S ((int64_t)1000000000)
#define NS_PER_MIN (60 * NS_PER_S)
#define NS_PER_HOUR (3600 * NS_PER_S)

/* Later than everything: "never". */
#define TIME_NEVER INT64_MAX

#endif
