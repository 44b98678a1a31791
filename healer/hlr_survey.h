/* healer/hlr_survey.h - how the instances of one service are, counted and listed.
 *
 * The evidence that diagnosis.c weighs; private to libhealer.
 */
#ifndef HLR_SURVEY_H
#define HLR_SURVEY_H

#include "healer/hlr_supervisor.h"

#define FRESH_NS (30 * HLR_SECOND) /* older is no evidence */

struct survey {
        uint32_t standing;  /* instances that are part of it */
        uint32_t down, silent, unclear, fine, bad, bad_errors, full_memory, busy, without_fds,
                without_tokens, check_failing, full_disk;
        uint32_t slower;    /* of the bad: late, and their median is, too */
        double load, usual; /* answers a second: now, and as it usually is */
        uint32_t service;
        uint32_t fine_busy; /* cores all busy though the answers are fine */
        uint32_t bad_new, fine_new; /* of those, begun since the last deployment did */
        uint32_t downs[HLR_TARGETS_MAX], silents[HLR_TARGETS_MAX], bads[HLR_TARGETS_MAX],
                fulls[HLR_TARGETS_MAX], busies[HLR_TARGETS_MAX], stuck[HLR_TARGETS_MAX],
                disks[HLR_TARGETS_MAX];
        int64_t down_since_ns, bad_since_ns;
        int64_t bad_since_last_ns;   /* of the one that was bad last */
        int64_t started_ns, started_last_ns; /* of the bad: the oldest, the youngest process */
        uint32_t exits_max; /* of one of the dead within ten minutes */
        bool down_oom, crash_loop, check_only, dies_again;
        bool asks_outside; /* its processes say that somebody else failed them, ... */
        enum healer_failure outside; /* ... and how */
        uint32_t died_since_deployed; /* instances that did, and never before: the */
        int64_t first_death_ns, last_death_ns; /* first one's first and the last one's last */
};

/* A look at all instances of the service: O(instances of all services). */
void hlr_survey(const struct healer *healer, uint32_t service, struct survey *survey);

/* Those that are bad became so together. */
bool hlr_all_at_once(const struct healer *healer, const struct survey *survey);

/* One instance after the other has died since a deployment, and none before: what takes
 * several at one blow comes from outside. */
bool hlr_deaths_by_deployment(const struct survey *survey);

static inline bool hlr_fresh(const struct healer *healer, const struct hlr_monitor *monitor)
{
        return monitor->seen_ns != INT64_MIN && healer->now_ns - monitor->seen_ns < FRESH_NS;
}

/* Adds an instance to a list of at most HLR_TARGETS_MAX; what is beyond is left out. */
static inline void hlr_add_target(uint32_t *list, uint32_t *count, uint32_t index)
{
        if (*count < HLR_TARGETS_MAX)
                list[(*count)++] = index;
}

#endif
