/* invariants.c - checks that every run passes or is refused for. */
#include "reports/invariants.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const invariant_names[INVARIANT_COUNT] = {
        [INVARIANT_CONSERVED] = "arrived = outcomes + unfinished",
        [INVARIANT_TIME] = "uptime + downtime = observed",
        [INVARIANT_PREDICTIONS] = "true + false + during + unevaluable = predictions",
        [INVARIANT_FATES] = "fates add up to the incidents of untreated",
        [INVARIANT_OVERLAY] = "overlay restored after the last fault",
        [INVARIANT_ARRIVALS] = "exogenous arrivals equal over the arms",
        [INVARIANT_TIMETABLE] = "timetable of faults equal over the arms with faults",
        [INVARIANT_FLEET] = "fleet consistent",
};

struct check {
        struct invariants *invariants;
        const struct run_meta *meta;
        uint32_t replication;
};

__attribute__((format(printf, 5, 6))) static void
expect(struct check *check, enum invariant which, unsigned arm, bool holds, const char *format, ...)
{
        char *first = check->invariants->first[which];
        const size_t room = sizeof(check->invariants->first[which]);

        check->invariants->checked[which]++;
        if (holds)
                return;
        if (!check->invariants->breaches[which]++) {
                va_list list;
                int used = snprintf(first, room, "replication %u, %s: ", check->replication,
                                    arm_names[arm]);
                va_start(list, format);
                if (used > 0 && (size_t)used < room)
                        vsnprintf(first + used, room - (size_t)used, format, list);
                va_end(list);
        }
}

static void check_conserved(struct check *check, unsigned a, const struct arm_record *arm)
{
        uint64_t ended = 0;

        for (uint32_t s = 0; s < check->meta->service_count; s++) {
                const struct service_measure *service = &arm->services[s];
                uint64_t outcomes = 0;
                for (unsigned p = 0; p < PHASE_COUNT; p++)
                        for (unsigned i = 0; i < CALL_OUTCOME_COUNT; i++)
                                outcomes += service->phase[p].outcome[i];
                expect(check, INVARIANT_CONSERVED, a,
                       outcomes + service->unfinished == service->calls,
                       "%s: %llu calls, %llu outcomes, %llu unfinished",
                       check->meta->services[s].name, (unsigned long long)service->calls,
                       (unsigned long long)outcomes, (unsigned long long)service->unfinished);
        }
        for (unsigned i = 0; i < CALL_OUTCOME_COUNT; i++)
                ended += arm->root_outcome[i];
        expect(check, INVARIANT_CONSERVED, a, ended + arm->root_unfinished == arm->root_requests,
               "%llu requests, %llu outcomes, %llu unfinished",
               (unsigned long long)arm->root_requests, (unsigned long long)ended,
               (unsigned long long)arm->root_unfinished);
        expect(check, INVARIANT_CONSERVED, a, arm->conserved,
               "the fleet lost count of requests inside a service");
}

static void check_time(struct check *check, unsigned a, const struct arm_record *record,
                       const struct kept_arm *arm)
{
        for (uint32_t s = 0; s < check->meta->service_count; s++)
                expect(check, INVARIANT_TIME, a,
                       arm->services[s].bad_s >= 0 &&
                               arm->services[s].bad_s <= seconds_of(arm->end_ns) + 1e-6,
                       "%s: bad for %g s of %g s", check->meta->services[s].name,
                       arm->services[s].bad_s, seconds_of(arm->end_ns));
        for (size_t i = 0; i < record->incident_count; i++) {
                const struct incident *incident = &record->incidents[i];
                const struct incident *last = i ? &record->incidents[i - 1] : NULL;
                expect(check, INVARIANT_TIME, a,
                       incident->restored_ns >= incident->onset_ns &&
                               (!last || last->service != incident->service ||
                                last->restored_ns <= incident->onset_ns),
                       "%s: the incident at %g s overlaps another or ends before it began",
                       check->meta->services[incident->service].name,
                       seconds_of(incident->onset_ns));
        }
}

static void check_predictions(struct check *check, unsigned a, const struct kept_arm *arm,
                              const struct arm_record *record)
{
        size_t said = 0;
        size_t judged = 0;

        for (size_t i = 0; i < record->journal_count; i++)
                said += record->journal[i].type == JOURNAL_PREDICTION && record->journal[i].at_ns >= 0;
        for (size_t i = 0; i < arm->prediction_count; i++)
                judged += arm->predictions[i].verdict < PREDICTION_VERDICT_COUNT;
        expect(check, INVARIANT_PREDICTIONS, a, said == judged, "%zu predictions, %zu judged", said,
               judged);
}

static void check_fates(struct check *check, const struct kept *kept)
{
        const struct kept_arm *untreated = &kept->arms[ARM_UNTREATED];
        size_t with_fate = 0;

        if (!untreated->run || !kept->arms[ARM_TREATED].run)
                return;
        for (size_t i = 0; i < untreated->incident_count; i++)
                with_fate += untreated->incidents[i].fate >= FATE_PREVENTED &&
                             untreated->incidents[i].fate <= FATE_EXPOSED;
        expect(check, INVARIANT_FATES, ARM_UNTREATED, with_fate == untreated->incident_count,
               "%zu incidents, %zu fates", untreated->incident_count, with_fate);
}

static void check_hashes(struct check *check, const struct replication_record *record)
{
        const struct arm_record *first = NULL;
        const struct arm_record *faulted = NULL;

        for (unsigned a = 0; a < ARM_COUNT; a++) {
                const struct arm_record *arm = record->arms[a];
                if (!arm)
                        continue;
                if (first)
                        expect(check, INVARIANT_ARRIVALS, a,
                               arm->exogenous_hash == first->exogenous_hash,
                               "arrivals differ from those of %s", arm_names[first->arm]);
                else
                        first = arm;
                if (a == ARM_QUIET || a == ARM_CALM)
                        continue;
                if (faulted)
                        expect(check, INVARIANT_TIMETABLE, a,
                               arm->timetable_hash == faulted->timetable_hash,
                               "timed faults differ from those of %s", arm_names[faulted->arm]);
                else
                        faulted = arm;
        }
}

void invariants_check(struct invariants *invariants, const struct run_meta *meta,
                      const struct replication_record *record, const struct kept *kept)
{
        struct check check = { invariants, meta, record->replication };

        for (unsigned a = 0; a < ARM_COUNT; a++) {
                const struct arm_record *arm = record->arms[a];
                if (!arm)
                        continue;
                check_conserved(&check, a, arm);
                check_time(&check, a, arm, &kept->arms[a]);
                check_predictions(&check, a, &kept->arms[a], arm);
                expect(&check, INVARIANT_OVERLAY, a, arm->overlay_before == arm->overlay_after,
                       "digest %016llx before, %016llx after",
                       (unsigned long long)arm->overlay_before,
                       (unsigned long long)arm->overlay_after);
                expect(&check, INVARIANT_FLEET, a, !arm->broken, "%s",
                       arm->broken ? arm->broken : "");
        }
        check_fates(&check, kept);
        /* Arms that were cut short have not seen all their arrivals. */
        if (!record->interrupted)
                check_hashes(&check, record);
}

bool invariants_hold(const struct invariants *invariants)
{
        for (unsigned i = 0; i < INVARIANT_COUNT; i++)
                if (invariants->breaches[i])
                        return false;
        return true;
}

json_t *invariants_json(const struct invariants *invariants)
{
        json_t *list = json_array();

        for (unsigned i = 0; list && i < INVARIANT_COUNT; i++)
                if (json_array_append_new(
                            list, json_pack("{s:s, s:b, s:I, s:I, s:s}", "name", invariant_names[i],
                                            "holds", invariants->breaches[i] == 0, "checked",
                                            (json_int_t)invariants->checked[i], "breaches",
                                            (json_int_t)invariants->breaches[i], "detail",
                                            invariants->first[i])) < 0) {
                        json_decref(list);
                        return NULL;
                }
        return list;
}
