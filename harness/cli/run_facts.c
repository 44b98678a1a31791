/* run_facts.c - date, host, speed and memory of a run. */
#include "harness/cli/run_facts.h"

#include <math.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "harness/cli/progress.h"
#include "reports/report.h"

/* Whether an arm was counted before: arms that are identical share a record. */
static bool seen_before(const struct replication_record *records, uint32_t healer, int arm)
{
        const struct arm_record *record = records[healer].arms[arm];

        for (uint32_t h = 0; h <= healer; h++)
                for (int other = 0; other < (h == healer ? arm : ARM_COUNT); other++)
                        if (records[h].arms[other] == record)
                                return true;
        return false;
}

void run_facts_add(struct run_facts *facts, const struct replication_record *records,
                   uint32_t healer_count, int64_t warmup_ns)
{
        for (uint32_t h = 0; h < healer_count; h++)
                for (int arm = 0; arm < ARM_COUNT; arm++) {
                        const struct arm_record *record = records[h].arms[arm];

                        if (record == NULL || seen_before(records, h, arm))
                                continue;
                        facts->events += record->events;
                        facts->requests += record->root_requests;
                        facts->virtual_s += (double)(record->end_ns + warmup_ns) * 1e-9;
                }
}

double cpu_s(void)
{
        struct rusage usage;

        getrusage(RUSAGE_SELF, &usage);
        return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

void run_facts_begin(struct run_facts *facts)
{
        facts->started_s = wall_s();
        facts->started_cpu_s = cpu_s();
}

json_t *run_facts_json(const struct run_facts *facts, uint32_t jobs)
{
        struct rusage usage;
        struct tm utc;
        char date[32] = "", host[256] = "";
        time_t now = time(NULL);
        double wall = fmax(wall_s() - facts->started_s, 0); /* a clock that went back tells nothing */
        double cpu = cpu_s() - facts->started_cpu_s;

        getrusage(RUSAGE_SELF, &usage);
        if (gmtime_r(&now, &utc) != NULL)
                strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &utc);
        if (gethostname(host, sizeof(host) - 1) != 0)
                host[0] = '\0';
        return json_pack("{s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:i, s:f, s:f, s:f, s:I}", "schema",
                         RUN_SCHEMA, "date", date, "host", host, "version", CHAOS_VERSION,
                         "wall_seconds", wall, "simulation_seconds", facts->simulated_s,
                         "cpu_seconds", cpu, "jobs", (int)jobs,
                         "requests_per_cpu_second", cpu > 0 ? (double)facts->requests / cpu : 0.0,
                         "events_per_cpu_second", cpu > 0 ? (double)facts->events / cpu : 0.0,
                         "virtual_seconds_per_second",
                         facts->simulated_s > 0 ? facts->virtual_s / facts->simulated_s : 0.0,
                         "peak_memory_bytes", (json_int_t)usage.ru_maxrss * 1024);
}
