/* bench_anomaly.c - what one reading costs the anomaly detector, and one series.
 *
 * Best of several passes, each with a new detector, over three kinds of series:
 * what a test costs depends on how often its tail is reached. The bound that
 * the project set itself is 2000 ns a row.
 */
#include "healer/anomaly.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROWS = 1 << 18, PASSES = 5 };

static double values[ROWS];

static double now_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double unit(uint64_t *state)
{
        *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return ((double)(*state >> 33) + 0.5) / 2147483648.0;
}

static double one_pass(unsigned *alarms)
{
        struct healer_anomaly_config config = healer_anomaly_config_defaults();
        struct healer_anomaly_result result;
        struct healer_anomaly *anomaly;
        double started_ns;

        if (healer_anomaly_create(&config, &anomaly) != HEALER_OK)
                exit(1);
        *alarms = 0;
        started_ns = now_ns();
        for (int i = 0; i < ROWS; i++) {
                healer_anomaly_update(anomaly, INT64_C(300000000000) * i, values[i], &result);
                *alarms += result.alarm;
        }
        started_ns = now_ns() - started_ns;
        healer_anomaly_destroy(anomaly);
        return started_ns / ROWS;
}

static void measure(const char *name)
{
        double best_ns = 1e300;
        unsigned alarms = 0;

        for (int i = 0; i < PASSES; i++)
                best_ns = fmin(best_ns, one_pass(&alarms));
        printf("%-34s %7.1f ns a row, %u alarms in %d rows\n", name, best_ns, alarms, ROWS);
}

int main(void)
{
        uint64_t state = 1;

        for (int i = 0; i < ROWS; i++)
                values[i] = 5;
        measure("constant");
        for (int i = 0; i < ROWS; i++)
                values[i] = sqrt(-2 * log(unit(&state))) * cos(6.283185307179586 * unit(&state));
        measure("stationary noise");
        for (int i = 0; i < ROWS; i++)
                values[i] = pow(unit(&state), -0.7) + 10 * sin(i * 6.283185307179586 / 288);
        measure("daily wave with wild spikes");
        printf("%-34s %7zu bytes, for ever\n", "one series", healer_anomaly_bytes());
        return 0;
}
