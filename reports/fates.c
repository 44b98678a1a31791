/* fates.c - incidents of untreated and treated (calm and quiet) side by side.
 *
 * Cost: incidents x incidents of a replication; few.
 */
#include "reports/fates.h"

static bool is_around(const struct kept_incident *a, const struct kept_incident *b)
{
        return a->service == b->service &&
               overlaps(a->onset_ns - AROUND_NS, a->restored_ns + AROUND_NS, b->onset_ns,
                        b->restored_ns);
}

static bool is_never_bad_around(const struct kept_arm *arm, const struct kept_incident *incident)
{
        for (size_t i = 0; i < arm->incident_count; i++)
                if (is_around(incident, &arm->incidents[i]))
                        return false;
        return true;
}

/* `inner` lies inside `outer`, which began clearly before it. */
static bool is_inside(const struct kept_incident *inner, const struct kept_incident *outer)
{
        return inner->service == outer->service &&
               outer->onset_ns < inner->onset_ns - AROUND_NS &&
               outer->restored_ns >= inner->restored_ns;
}

static size_t count_touched(const struct kept_arm *arm, const struct kept_incident *by)
{
        size_t count = 0;

        for (size_t i = 0; i < arm->incident_count; i++) {
                const struct kept_incident *incident = &arm->incidents[i];
                count += incident->service == by->service &&
                         overlaps(incident->onset_ns, incident->restored_ns, by->onset_ns,
                                  by->restored_ns);
        }
        return count;
}

static enum fate fate_of(const struct kept_incident *incident, const struct kept_arm *without,
                         const struct kept_arm *with)
{
        const struct kept_incident *first = NULL;
        uint64_t bad_requests = 0;
        bool merged = false;
        bool exposed = false;

        for (size_t i = 0; i < with->incident_count; i++) {
                const struct kept_incident *own = &with->incidents[i];
                if (!is_around(incident, own))
                        continue;
                if (!first || own->onset_ns < first->onset_ns)
                        first = own;
                bad_requests += own->bad_requests;
                merged |= count_touched(without, own) > 1;
                exposed |= is_inside(incident, own);
        }
        if (!first)
                return incident->starved ? FATE_EXPOSED : FATE_PREVENTED;
        if (merged)
                return FATE_MERGED;
        if (exposed)
                return FATE_EXPOSED;
        if (first->onset_ns > incident->onset_ns + AROUND_NS)
                return FATE_POSTPONED;
        if (bad_requests * 10 <= incident->bad_requests * 9)
                return FATE_MITIGATED;
        if (bad_requests * 10 >= incident->bad_requests * 11)
                return FATE_WORSENED;
        return FATE_UNCHANGED;
}

static enum fate fate_of_own(const struct kept_incident *own, const struct kept_arm *without)
{
        if (is_never_bad_around(without, own))
                return FATE_INDUCED;
        for (size_t i = 0; i < without->incident_count; i++)
                if (is_inside(own, &without->incidents[i]))
                        return FATE_EXPOSED;
        return FATE_NONE;
}

static void compare(struct kept_arm *with, struct kept_arm *without, const struct kept_arm *shadow)
{
        if (!with->run || !without->run)
                return;
        for (size_t i = 0; i < without->incident_count; i++) {
                struct kept_incident *incident = &without->incidents[i];
                incident->fate = fate_of(incident, without, with);
                incident->by_prediction = incident->fate == FATE_PREVENTED && shadow &&
                                          shadow->run && !is_never_bad_around(shadow, incident);
        }
        for (size_t i = 0; i < with->incident_count; i++)
                with->incidents[i].fate = fate_of_own(&with->incidents[i], without);
}

void fates_assign(struct kept *kept)
{
        compare(&kept->arms[ARM_TREATED], &kept->arms[ARM_UNTREATED], &kept->arms[ARM_SHADOW]);
        compare(&kept->arms[ARM_QUIET], &kept->arms[ARM_CALM], NULL);
}
