/* harness/cli/run_facts.h - what run.json says: the wall clock, and how fast it went.
 *
 * The only facts of a run that differ from one machine or day to the next, and
 * so in no other file.
 */
#ifndef CHAOS_CLI_RUN_FACTS_H
#define CHAOS_CLI_RUN_FACTS_H

#include <jansson.h>

#include "harness/run/record.h"

struct run_facts {
        double started_s, simulated_s; /* on wall_s()'s clock; how long the simulation took */
        double started_cpu_s;          /* of the process, which may have run other scenarios */
        double virtual_s;
        uint64_t requests, events;
};

/* Seconds that the processor has worked for this process. */
double cpu_s(void);

/* Both clocks start now. */
void run_facts_begin(struct run_facts *facts);

/* Counts the arms of one replication, each once; a record for each healer. */
void run_facts_add(struct run_facts *facts, const struct replication_record *records,
                   uint32_t healer_count, int64_t warmup_ns);

/* A new reference; NULL when memory is out. */
json_t *run_facts_json(const struct run_facts *facts, uint32_t jobs);

#endif
