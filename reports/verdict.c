/* verdict.c - thresholds, gates and the exit code.
 *
 * Without `confidence` the value alone decides. With it, an interval at that
 * confidence: passed when its worse bound holds, failed when its better bound
 * breaks, else inconclusive. A value that is the same in all of two or more
 * replications has no interval and decides alone; one replication never does.
 *
 * Steady state: the mean over replications holds, and at most 5 % of the
 * replications miss it. One without data misses it.
 */
#include "reports/verdict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/metric_table.h"

/* ---- exit codes */

static const struct {
        int code;
        const char *outcome;
} exit_codes[] = {
        /* worst first */
        { EXIT_INTERRUPTED, "interrupted" },
        { EXIT_TERMINATED, "interrupted" },
        { EXIT_INTERNAL, "internal" },
        { EXIT_IO_ERROR, "io_error" },
        { EXIT_INVALID, "invalid" },
        { EXIT_GATE_FAILED, "gate_failed" },
        { EXIT_NOT_EFFECTIVE, "not_effective" },
        { EXIT_STOPPED, "stopped" },
        { EXIT_REGRESSION, "regression" },
        { EXIT_FAILED, "failed" },
        { EXIT_INCONCLUSIVE, "inconclusive" },
        { EXIT_PASSED, "passed" },
};
enum { EXIT_CODE_COUNT = sizeof(exit_codes) / sizeof(*exit_codes) };

static size_t exit_code_rank(int code)
{
        for (size_t i = 0; i < EXIT_CODE_COUNT; i++)
                if (exit_codes[i].code == code)
                        return i;
        return 0;
}

const char *exit_code_outcome(int code)
{
        for (size_t i = 0; i < EXIT_CODE_COUNT; i++)
                if (exit_codes[i].code == code)
                        return exit_codes[i].outcome;
        return "internal";
}

int exit_code_worse(int a, int b)
{
        return exit_code_rank(a) <= exit_code_rank(b) ? a : b;
}

/* ---- thresholds */

static int index_of(const char *const *names, size_t count, const char *name)
{
        for (size_t i = 0; i < count; i++)
                if (!strcmp(names[i], name))
                        return (int)i;
        return -1;
}

static const char *const phase_names[PHASE_COUNT] = { "before", "during", "after" };

const char *verdict_threshold_problem(const struct meta_threshold *threshold)
{
        const struct metric_row *row = metric_find(threshold->metric);

        if (!row)
                return "there is no such metric";
        if (threshold->service ? !(row->scopes & SCOPE_SERVICE) : !(row->scopes & SCOPE_ARM))
                return threshold->service ? "this metric has no label 'service'"
                                          : "this metric needs the label 'service'";
        if (threshold->phase && !(row->scopes & SCOPE_PHASE))
                return "this metric has no label 'phase'";
        if (threshold->phase && index_of(phase_names, PHASE_COUNT, threshold->phase) < 0)
                return "the phases are before, during and after";
        if ((threshold->fault || threshold->failure_type || threshold->severity) &&
            !(row->scopes & SCOPE_INCIDENT))
                return "this metric has no labels 'fault', 'failure_type' and 'severity'";
        if (threshold->severity &&
            index_of(severity_names, SEVERITY_COUNT, threshold->severity) < 0)
                return "the severities are low, medium, high and critical";
        if (threshold->arm && index_of(arm_names, ARM_COUNT, threshold->arm) < 0)
                return "the arms are treated, shadow, untreated, quiet and calm";
        if (row->scopes & SCOPE_TWINS && threshold->arm && strcmp(threshold->arm, "treated") != 0)
                return "this metric compares arms and is in treated alone";
        return NULL;
}

static bool holds(const char *op, double observed, double limit)
{
        if (!strcmp(op, "<"))
                return observed < limit;
        if (!strcmp(op, "<="))
                return observed <= limit;
        if (!strcmp(op, ">"))
                return observed > limit;
        if (!strcmp(op, ">="))
                return observed >= limit;
        if (!strcmp(op, "!="))
                return observed != limit;
        return observed == limit;
}

const char *verdict_check(const struct meta_threshold *threshold, const struct measured *measured)
{
        const struct stats_interval *interval = &measured->interval;
        double low = interval->low;
        double high = interval->high;
        bool has_low = interval->has_low;
        bool has_high = interval->has_high;

        if (!interval->has_value)
                return threshold->no_data_passes ? "passed" : "failed";
        if (!(threshold->confidence > 0))
                return holds(threshold->op, interval->value, threshold->value) ? "passed" : "failed";
        if (!has_low && !has_high && measured->no_spread) {
                low = high = interval->value;
                has_low = has_high = true;
        }
        if (threshold->op[0] == '<') {
                if (has_high && holds(threshold->op, high, threshold->value))
                        return "passed";
                return has_low && !holds(threshold->op, low, threshold->value) ? "failed"
                                                                               : "inconclusive";
        }
        if (threshold->op[0] == '>') {
                if (has_low && holds(threshold->op, low, threshold->value))
                        return "passed";
                return has_high && !holds(threshold->op, high, threshold->value) ? "failed"
                                                                                 : "inconclusive";
        }
        /* == and !=: only a value without spread, or an interval beside it, tells. */
        if (has_low && has_high && low == high)
                return holds(threshold->op, low, threshold->value) ? "passed" : "failed";
        if ((has_low && low > threshold->value) || (has_high && high < threshold->value))
                return threshold->op[0] == '!' ? "passed" : "failed";
        return "inconclusive";
}

static struct metric_query query_of(const struct graded *graded,
                                    const struct meta_threshold *threshold)
{
        const struct run_meta *meta = graded->meta;
        struct metric_query query = {
                .meta = meta,
                .arm = ARM_TREATED,
                .service = RECORD_NONE,
                .phase = KEPT_WHOLE,
                .fault = threshold->fault,
                .failure_type = threshold->failure_type,
                .severity = threshold->severity,
                .confidence = threshold->confidence > 0 ? threshold->confidence : 0.95,
        };

        if (threshold->arm)
                query.arm = (enum arm)index_of(arm_names, ARM_COUNT, threshold->arm);
        if (threshold->phase)
                query.phase = (unsigned)index_of(phase_names, PHASE_COUNT, threshold->phase);
        for (uint32_t s = 0; threshold->service && s < meta->service_count; s++)
                if (!strcmp(meta->services[s].name, threshold->service))
                        query.service = s;
        return query;
}

static json_t *number_or_null(bool has, double value)
{
        return has && isfinite(value) ? json_real(value) : json_null();
}

static json_t *evaluate(const struct graded *graded, const struct meta_threshold *threshold,
                        int *code)
{
        const struct metric_row *row = metric_find(threshold->metric);
        const char *problem = verdict_threshold_problem(threshold);
        const char *outcome = "failed";
        struct measured measured = { 0 };
        bool known = true;

        if (!problem) {
                struct metric_query query = query_of(graded, threshold);
                known = threshold->quantile > 0 && threshold->quantile < 1
                                ? metric_measure_quantile(row, &query, graded->all, graded->count,
                                                          threshold->quantile, &measured)
                                : metric_measure(row, &query, graded->all, graded->count, &measured);
                outcome = verdict_check(threshold, &measured);
        }
        if (!known)
                return NULL;
        *code = exit_code_worse(*code, !strcmp(outcome, "failed")         ? EXIT_FAILED
                                       : !strcmp(outcome, "inconclusive") ? EXIT_INCONCLUSIVE
                                                                          : EXIT_PASSED);
        json_t *entry = json_pack(
                "{s:s, s:o, s:o, s:o, s:s, s:s, s:I, s:o}", "check", threshold->text, "observed",
                number_or_null(measured.interval.has_value, measured.interval.value), "low",
                number_or_null(measured.interval.has_low, measured.interval.low), "high",
                number_or_null(measured.interval.has_high, measured.interval.high), "outcome",
                outcome, "unit", row ? row->unit : "", "n", (json_int_t)measured.interval.n,
                "confidence",
                threshold->confidence > 0 ? json_real(threshold->confidence) : json_null());
        if (entry && problem)
                json_object_set_new(entry, "problem", json_string(problem));
        else if (entry && !measured.interval.has_value)
                json_object_set_new(entry, "problem", json_string("no data"));
        return entry;
}

static json_t *evaluate_all(const struct graded *graded, int *code)
{
        json_t *list = json_array();

        for (uint32_t i = 0; i < graded->meta->threshold_count; i++)
                if (json_array_append_new(list, evaluate(graded, &graded->meta->thresholds[i],
                                                         code)) < 0) {
                        json_decref(list);
                        return NULL;
                }
        return list;
}

/* ---- probes and steady state */

static bool tolerates(const struct meta_probe *probe, double value)
{
        if (isnan(value))
                return false;
        if (!isnan(probe->low) && (probe->low_open ? value <= probe->low : value < probe->low))
                return false;
        return isnan(probe->high) ||
               (probe->high_open ? value < probe->high : value <= probe->high);
}

struct probe_sum {
        double sum;
        size_t n, missed, replications;
};

static struct probe_sum probe_over(const struct graded *graded, uint32_t probe, enum arm arm,
                                   bool at_end)
{
        struct probe_sum sum = { 0, 0, 0, 0 };

        for (size_t r = 0; r < graded->count; r++) {
                const struct kept_arm *from = &graded->all[r]->arms[arm];
                if (!from->run)
                        continue;
                double value = at_end ? from->probes[probe].value_end : from->probes[probe].value;
                sum.replications++;
                sum.missed += !tolerates(&graded->meta->probes[probe], value);
                if (!isfinite(value))
                        continue;
                sum.sum += value;
                sum.n++;
        }
        return sum;
}

static bool probe_holds(const struct graded *graded, uint32_t probe, const struct probe_sum *sum)
{
        /* Nothing ran (interrupted at once): nothing was missed. */
        if (!sum->replications)
                return true;
        return sum->n && tolerates(&graded->meta->probes[probe], sum->sum / (double)sum->n) &&
               sum->missed * 20 <= sum->replications;
}

static json_t *probe_mean(const struct probe_sum *sum)
{
        return sum->n ? json_real(sum->sum / (double)sum->n) : json_null();
}

static json_t *judge_probe(const struct graded *graded, uint32_t p, int *code)
{
        const struct meta_probe *probe = &graded->meta->probes[p];
        bool steady = probe->at_ns == TIME_NEVER;
        struct probe_sum before = probe_over(graded, p, steady ? ARM_UNTREATED : ARM_TREATED, false);
        struct probe_sum end = probe_over(graded, p, ARM_TREATED, true);
        const char *outcome = "passed";

        if (!steady) {
                if (!probe_holds(graded, p, &before)) {
                        outcome = "failed";
                        *code = exit_code_worse(*code, EXIT_FAILED);
                }
        } else if (!probe_holds(graded, p, &before)) {
                outcome = "gate_failed";
                *code = exit_code_worse(*code, EXIT_GATE_FAILED);
        } else if (!probe_holds(graded, p, &end)) {
                outcome = "failed";
                *code = exit_code_worse(*code, EXIT_FAILED);
        }
        return json_pack("{s:s, s:s?, s:s, s:s?, s:o, s:o, s:I, s:o, s:o, s:I, s:s}",
                         "name", probe->name,
                         "metric", probe->metric,
                         "service", probe->service < graded->meta->service_count
                                            ? graded->meta->services[probe->service].name
                                            : "",
                         "tolerance", probe->tolerance,
                         "at", steady ? json_null() : json_real(seconds_of(probe->at_ns)),
                         "observed", probe_mean(&before),
                         "missed", (json_int_t)before.missed,
                         "observed_end", steady ? probe_mean(&end) : json_null(),
                         "missed_end", steady ? json_integer((json_int_t)end.missed) : json_null(),
                         "n", (json_int_t)before.replications,
                         "outcome", outcome);
}

enum { CALM_BAD_PER_MILLE_MAX = 1 };

/* How much of the time calm, which nothing hurts, is bad. */
static json_t *judge_calm(const struct graded *graded, int *code)
{
        double bad = 0;
        double seconds = 0;

        for (size_t r = 0; r < graded->count; r++) {
                const struct kept_arm *calm = &graded->all[r]->arms[ARM_CALM];
                if (!calm->run)
                        continue;
                bad += calm->services[kept_fleet_index(graded->meta)].bad_s;
                seconds += seconds_of(calm->end_ns);
        }
        if (!(seconds > 0))
                return json_null();
        if (bad * 1000 > seconds * CALM_BAD_PER_MILLE_MAX)
                *code = exit_code_worse(*code, EXIT_GATE_FAILED);
        return json_real(bad / seconds);
}

static json_t *judge_steady_state(const struct graded *graded, int *code)
{
        int own = EXIT_PASSED;
        json_t *calm = judge_calm(graded, &own);
        json_t *probes = json_array();

        for (uint32_t p = 0; probes && p < graded->meta->probe_count; p++)
                if (json_array_append_new(probes, judge_probe(graded, p, &own)) < 0) {
                        json_decref(calm);
                        json_decref(probes);
                        return NULL;
                }
        *code = exit_code_worse(*code, own);
        return json_pack("{s:s, s:o, s:f, s:o}",
                         "outcome", exit_code_outcome(own),
                         "calm_bad_ratio", calm,
                         "calm_bad_ratio_max", CALM_BAD_PER_MILLE_MAX / 1000.0,
                         "probes", probes);
}

/* ---- faults */

static json_t *windows_json(const struct graded *graded, uint32_t fault)
{
        json_t *list = json_array();
        const struct kept_arm *arm = graded->count ? &graded->all[0]->arms[ARM_TREATED] : NULL;

        for (size_t w = 0; arm && w < arm->window_count; w++)
                if (arm->windows[w].fault == fault)
                        json_array_append_new(list,
                                              json_pack("{s:f, s:f}", "start",
                                                        seconds_of(arm->windows[w].start_ns), "end",
                                                        seconds_of(arm->windows[w].end_ns)));
        return list;
}

static bool touched_something(const struct graded *graded, uint32_t f)
{
        static const enum arm faulted[] = { ARM_TREATED, ARM_SHADOW, ARM_UNTREATED };

        for (size_t r = 0; r < graded->count; r++)
                for (size_t k = 0; k < sizeof(faulted) / sizeof(*faulted); k++)
                        if (graded->all[r]->arms[faulted[k]].run &&
                            graded->all[r]->arms[faulted[k]].touched[f] > 0)
                                return true;
        return false;
}

/* A monkey's choices have taken effect when one of them has: the others need not
 * have been drawn. */
static bool takes_effect(const struct graded *graded, uint32_t f)
{
        const struct meta_fault *faults = graded->meta->faults;

        if (touched_something(graded, f))
                return true;
        for (uint32_t i = 0; faults[f].monkey && i < graded->meta->fault_count; i++)
                if (faults[i].monkey && !strcmp(faults[i].monkey, faults[f].monkey) &&
                    touched_something(graded, i))
                        return true;
        return false;
}

/* A run that was stopped may not have come to it. */
static bool was_cut_off(const struct graded *graded, uint32_t f)
{
        bool stopped = false;

        for (size_t r = 0; r < graded->count; r++) {
                stopped |= graded->all[r]->stopped;
                for (unsigned a = 0; a < ARM_COUNT; a++)
                        for (size_t w = 0; w < graded->all[r]->arms[a].window_count; w++)
                                if (graded->all[r]->arms[a].windows[w].fault == f)
                                        return false;
        }
        return stopped;
}

static json_t *judge_fault(const struct graded *graded, uint32_t f, int *code)
{
        const struct meta_fault *fault = &graded->meta->faults[f];
        uint64_t touched = 0;
        double measured = 0;
        size_t measured_count = 0;
        const char *what = "";
        bool effective = takes_effect(graded, f);

        for (size_t r = 0; r < graded->count; r++) {
                /* What it does when nobody acts, if that world was run; what is done to a
                 * healer is done where there is one. */
                const struct kept_arm *arm = &graded->all[r]->arms[ARM_UNTREATED];
                if (!arm->run || arm->touched[f] == 0)
                        arm = &graded->all[r]->arms[ARM_TREATED];
                if (!arm->run)
                        continue;
                touched += arm->touched[f];
                if (!isfinite(arm->measured[f]))
                        continue;
                measured += arm->measured[f];
                what = arm->measured_what[f] ? arm->measured_what[f] : "";
                measured_count++;
        }
        if (!effective && graded->count && !was_cut_off(graded, f))
                *code = exit_code_worse(*code, EXIT_NOT_EFFECTIVE);
        return json_pack("{s:s, s:s, s:b, s:I, s:{s:s, s:o}, s:s?, s:s?, s:b, s:b, s:o}",
                         "name", fault->name,
                         "fault", fault->kind,
                         "effective", effective,
                         "touched", (json_int_t)touched,
                         "measured", "what", what, "value",
                         measured_count ? json_real(measured / (double)measured_count) : json_null(),
                         "family", fault->family,
                         "lives_in", fault->lives_in,
                         "harmful", fault->harmful,
                         "policy_coupled", fault->policy_coupled,
                         "windows", windows_json(graded, f));
}

static json_t *judge_faults(const struct graded *graded, int *code)
{
        json_t *list = json_array();

        for (uint32_t f = 0; f < graded->meta->fault_count; f++)
                if (json_array_append_new(list, judge_fault(graded, f, code)) < 0) {
                        json_decref(list);
                        return NULL;
                }
        return list;
}

/* ---- regression */

/* What users bear: failed requests, or, where how many there are depends on the
 * healer, seconds. */
static double borne(const struct graded *graded, const struct kept_arm *arm)
{
        if (kept_is_all_closed(graded->meta))
                return arm->failed_user_s;
        return (double)arm->services[kept_fleet_index(graded->meta)].phase[KEPT_WHOLE].bad;
}

/* 5 % of what the objectives allow of that over the run. */
static double margin_of(const struct graded *graded)
{
        const struct run_meta *meta = graded->meta;
        double seconds = 0;
        double margin = 0;

        for (size_t r = 0; r < graded->count; r++)
                seconds += seconds_of(graded->all[r]->arms[ARM_TREATED].end_ns);
        seconds /= (double)graded->count;
        for (uint32_t s = 0; s < meta->service_count; s++)
                if (meta->services[s].entry && meta->services[s].has_slo)
                        margin += (1 - meta->services[s].slo_target) * seconds * 0.05 *
                                  (kept_is_all_closed(meta) ? meta->services[s].user_count
                                                            : meta->services[s].offered_per_s);
        return margin;
}

static bool is_regression(const struct graded *graded)
{
        double *differences = calloc(graded->count + 1, sizeof(*differences));
        struct measured measured;
        size_t n = 0;

        for (size_t r = 0; differences && r < graded->count; r++) {
                const struct kept_arm *treated = &graded->all[r]->arms[ARM_TREATED];
                const struct kept_arm *untreated = &graded->all[r]->arms[ARM_UNTREATED];
                if (treated->run && untreated->run)
                        differences[n++] = borne(graded, treated) - borne(graded, untreated);
        }
        if (!n) {
                free(differences);
                return false;
        }
        metric_of_values(differences, n, 0.95, &measured);
        free(differences);
        double margin = margin_of(graded);
        if (measured.interval.has_low)
                return measured.interval.low > margin;
        return measured.no_spread && measured.interval.value > margin;
}

/* ---- all of it */

static int code_of_replications(const struct graded *graded)
{
        int code = graded->invariants_hold ? EXIT_PASSED : EXIT_INTERNAL;

        if (graded->interrupted)
                code = exit_code_worse(code, graded->interrupted);
        for (size_t r = 0; r < graded->count; r++) {
                const struct kept *kept = graded->all[r];
                if (kept->interrupted)
                        code = exit_code_worse(code, EXIT_INTERRUPTED);
                if (kept->stopped)
                        code = exit_code_worse(code, EXIT_STOPPED);
                for (unsigned a = 0; a < ARM_COUNT; a++)
                        if (kept->arms[a].run && kept->arms[a].healer_failed)
                                code = exit_code_worse(code, EXIT_FAILED);
        }
        /* Which signal it was is known to who was told. */
        return code == EXIT_INTERRUPTED && graded->interrupted ? graded->interrupted : code;
}

struct verdict verdict_reach(const struct graded *graded)
{
        struct verdict verdict = { .exit_code = code_of_replications(graded) };

        verdict.thresholds = evaluate_all(graded, &verdict.exit_code);
        verdict.steady_state = judge_steady_state(graded, &verdict.exit_code);
        verdict.faults = judge_faults(graded, &verdict.exit_code);
        if (is_regression(graded))
                verdict.exit_code = exit_code_worse(verdict.exit_code, EXIT_REGRESSION);
        return verdict;
}
