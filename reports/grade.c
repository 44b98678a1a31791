/* grade.c - adds replications up and lays out the result document.
 *
 * The order of a replication's way: reduce (kept.c), judge (truth.c), compare
 * (fates.c), check (invariants.c), and its bins into the course. Everything
 * else is made on demand from what was kept.
 *
 * Not here: any definition. Metrics are rows of metric_table.c, the verdict is
 * verdict.c's.
 */
#include "reports/grade.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/analytics.h"
#include "reports/arm_tree.h"
#include "reports/attribution.h"
#include "reports/course.h"
#include "reports/fates.h"
#include "reports/invariants.h"
#include "reports/metric_table.h"
#include "reports/truth.h"
#include "reports/verdict.h"
#include "reports/waterfall.h"

enum { TIMELINE_MAX = 1000 };

struct grade {
        const struct run_meta *meta;
        struct kept **all;
        size_t count, room;
        struct course *course;
        struct invariants invariants;
        json_t *timeline; /* of the first replication */
        double virtual_seconds;
        uint64_t requests, events;
        int interrupted;
};

struct grade *grade_create(const struct run_meta *meta)
{
        struct grade *grade = calloc(1, sizeof(*grade));

        if (!grade)
                return NULL;
        grade->meta = meta;
        grade->course = course_create(meta);
        grade->timeline = json_array();
        if (!grade->course || !grade->timeline) {
                grade_destroy(grade);
                return NULL;
        }
        return grade;
}

void grade_destroy(struct grade *grade)
{
        if (!grade)
                return;
        for (size_t i = 0; i < grade->count; i++)
                kept_destroy(grade->all[i]);
        free(grade->all);
        course_destroy(grade->course);
        json_decref(grade->timeline);
        free(grade);
}

void grade_interrupt(struct grade *grade, int exit_code)
{
        grade->interrupted = exit_code;
}

const char *grade_threshold_problem(const struct meta_threshold *threshold)
{
        return verdict_threshold_problem(threshold);
}

/* ---- the timeline: what a reader of the report follows, of treated first */

static bool is_told(enum journal_type type)
{
        switch (type) {
        case JOURNAL_ALARM_CLEARED:
        case JOURNAL_PREDICTION_OUTCOME:
        case JOURNAL_SUGGESTION:
        case JOURNAL_WARNING:
        case JOURNAL_BACKGROUND:
                return false;
        default:
                return true;
        }
}

static json_t *event_json(const struct run_meta *meta, unsigned arm,
                          const struct journal_entry *entry)
{
        char instance[32] = "";

        if (entry->instance != RECORD_NONE)
                snprintf(instance, sizeof(instance), "%u", entry->instance);
        const char *text = *entry->text ? entry->text : entry->kind;
        if (entry->ref < meta->fault_count &&
            (entry->type == JOURNAL_FAULT_STARTED || entry->type == JOURNAL_FAULT_ENDED))
                text = meta->faults[entry->ref].name;
        else if ((entry->type == JOURNAL_ACTION_STARTED || entry->type == JOURNAL_ACTION_FINISHED) &&
                 entry->action < meta->action_kind_count)
                text = meta->action_names[entry->action];
        json_t *event = json_pack(
                "{s:f, s:i, s:s, s:s, s:s, s:s, s:s, s:s}", "t", seconds_of(entry->at_ns), "run", 0,
                "arm", arm_names[arm], "type", journal_type_names[entry->type], "service",
                entry->service < meta->service_count ? meta->services[entry->service].name : "",
                "edge", entry->edge < meta->edge_count ? meta->edges[entry->edge].name : "",
                "instance", instance, "text", text);
        if (event && isfinite(entry->value))
                json_object_set_new(event, "value", json_real(entry->value));
        return event;
}

/* False when memory is out. Events of the warm-up are in no result. */
static bool keep_timeline(struct grade *grade, const struct replication_record *record)
{
        static const enum arm arms[] = { ARM_TREATED, ARM_UNTREATED };

        for (size_t k = 0; k < sizeof(arms) / sizeof(*arms); k++) {
                const struct arm_record *arm = record->arms[arms[k]];
                size_t told = 0;
                for (size_t i = 0; arm && i < arm->journal_count && told < TIMELINE_MAX; i++) {
                        const struct journal_entry *entry = &arm->journal[i];
                        if (entry->at_ns < 0 || !is_told(entry->type))
                                continue;
                        if (json_array_append_new(grade->timeline,
                                                  event_json(grade->meta, arms[k], entry)) < 0)
                                return false;
                        told++;
                }
        }
        return true;
}

/* ---- adding */

static bool make_room(struct grade *grade)
{
        if (grade->count < grade->room)
                return true;
        size_t room = grade->room ? 2 * grade->room : 32;
        struct kept **all = realloc(grade->all, room * sizeof(struct kept *));
        if (!all)
                return false;
        grade->all = all;
        grade->room = room;
        return true;
}

static void add_totals(struct grade *grade, const struct replication_record *record)
{
        for (unsigned a = 0; a < ARM_COUNT; a++) {
                const struct arm_record *arm = record->arms[a];
                bool shared = false;
                for (unsigned b = 0; b < a; b++)
                        shared |= record->arms[b] == arm;
                /* Arms that share a record were run once. */
                if (!arm || shared)
                        continue;
                grade->virtual_seconds += (double)(arm->end_ns + grade->meta->warmup_ns) / 1e9;
                grade->requests += arm->root_requests;
                grade->events += arm->events;
        }
}

bool grade_add(struct grade *grade, const struct replication_record *record)
{
        struct kept *kept;

        if (!make_room(grade))
                return false;
        kept = kept_create(grade->meta, record);
        if (!kept)
                return false;
        if (!truth_judge(grade->meta, record, kept) || !attribution_keep(grade->meta, record, kept))
                goto fail;
        fates_assign(kept);
        if (grade->count == 0 && !keep_timeline(grade, record))
                goto fail;
        if (!course_add(grade->course, record))
                goto fail;
        invariants_check(&grade->invariants, grade->meta, record, kept);
        add_totals(grade, record);
        grade->all[grade->count++] = kept;
        return true;
fail:
        kept_destroy(kept);
        return false;
}

void grade_look(const struct grade *grade, struct graded *out)
{
        *out = (struct graded){
                .meta = grade->meta,
                .all = grade->all,
                .count = grade->count,
                .invariants_hold = invariants_hold(&grade->invariants),
                .interrupted = grade->interrupted,
        };
}

const struct kept *grade_latest(const struct grade *grade)
{
        return grade->count > 0 ? grade->all[grade->count - 1] : NULL;
}

/* ---- the document */

static json_t *unsigned_json(uint64_t value)
{
        char text[24];

        if (value <= INT64_MAX)
                return json_integer((json_int_t)value);
        snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
        return json_string(text);
}

static json_t *text_or_null(const char *text)
{
        return text ? json_string(text) : json_null();
}

static json_t *scenario_json(const struct run_meta *meta)
{
        return json_pack("{s:o, s:o, s:o, s:o, s:f, s:f, s:o}",
                         "title", text_or_null(meta->title),
                         "description", text_or_null(meta->description),
                         "file", text_or_null(meta->file),
                         "digest", text_or_null(meta->digest),
                         "duration", seconds_of(meta->duration_ns),
                         "warmup", seconds_of(meta->warmup_ns),
                         "cooldown", meta->cooldown_ns < 0 ? json_null()
                                                           : json_real(seconds_of(meta->cooldown_ns)));
}

static json_t *meta_services_json(const struct run_meta *meta)
{
        json_t *list = json_array();

        for (uint32_t s = 0; list && s < meta->service_count; s++) {
                const struct meta_service *service = &meta->services[s];
                json_array_append_new(
                        list, json_pack("{s:s, s:b, s:b, s:i, s:i, s:o, s:o, s:o, s:o}",
                                        "name", service->name,
                                        "entry", service->entry,
                                        "critical", service->critical,
                                        "instances", (int)service->instance_count,
                                        "workers", (int)service->worker_count,
                                        "slo_target", service->has_slo ? json_real(service->slo_target)
                                                                       : json_null(),
                                        "slo_latency", service->has_slo
                                                               ? json_real(seconds_of(service->slo_latency_ns))
                                                               : json_null(),
                                        "slo_quality", service->has_slo ? json_real(service->slo_quality)
                                                                        : json_null(),
                                        "slo_window", service->has_slo
                                                              ? json_real(seconds_of(service->slo_window_ns))
                                                              : json_null()));
        }
        return list;
}

static json_t *pairs_json(const char *const *names, const char *const *values, uint32_t count)
{
        json_t *object = json_object();

        for (uint32_t i = 0; object && i < count; i++)
                json_object_set_new(object, names[i], text_or_null(values[i]));
        return object;
}

/* Replications in which it failed, and of the first what went wrong where. */
static json_int_t count_failures(const struct grade *grade, json_t **first)
{
        json_int_t failures = 0;

        *first = NULL;
        for (size_t r = 0; r < grade->count; r++)
                for (unsigned a = 0; a < ARM_COUNT; a++) {
                        const struct kept *kept = grade->all[r];

                        if (!kept->arms[a].healer_failed)
                                continue;
                        if (failures++ == 0)
                                *first = json_pack("{s:I, s:s, s:s?}", "run",
                                                   (json_int_t)kept->replication, "arm",
                                                   arm_names[a], "reason",
                                                   kept->arms[a].healer_failure);
                        break;
                }
        return failures;
}

static json_t *healer_json(const struct grade *grade)
{
        const struct run_meta *meta = grade->meta;
        json_t *first;
        json_int_t failures = count_failures(grade, &first);

        return json_pack("{s:o, s:o, s:o, s:I, s:o?}",
                         "name", text_or_null(meta->healer_name),
                         "digest", text_or_null(meta->healer_digest),
                         "overrides", pairs_json(meta->override_names, meta->override_values,
                                                 meta->override_count),
                         "failures", failures, "first_failure", first);
}

static json_t *flags_json(const struct grade *grade)
{
        bool stopped = false;

        for (size_t r = 0; r < grade->count; r++)
                stopped |= grade->all[r]->stopped;
        return json_pack("{s:b, s:b, s:b}",
                         "policy_coupled", grade->meta->policy_coupled,
                         "not_repeatable", grade->meta->not_repeatable,
                         "stopped", stopped);
}

static json_t *arms_json(const struct graded *graded)
{
        json_t *arms = json_object();

        for (unsigned a = 0; arms && a < ARM_COUNT; a++) {
                bool run = false;
                for (size_t r = 0; r < graded->count; r++)
                        run |= graded->all[r]->arms[a].run;
                if (run && json_object_set_new(arms, arm_names[a],
                                               arm_tree(graded, (enum arm)a)) < 0) {
                        json_decref(arms);
                        return NULL;
                }
        }
        return arms;
}

static json_t *harness_json(const struct grade *grade)
{
        return json_pack("{s:o, s:f, s:o, s:o}",
                         "version", text_or_null(grade->meta->version),
                         "virtual_seconds", grade->virtual_seconds,
                         "requests", unsigned_json(grade->requests),
                         "events", unsigned_json(grade->events));
}

json_t *grade_result(const struct grade *grade)
{
        const struct run_meta *meta = grade->meta;
        struct graded graded;
        struct verdict verdict;

        grade_look(grade, &graded);
        verdict = verdict_reach(&graded);
        return json_pack(
                "{s:s, s:o, s:o, s:I, s:o, s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
                "s:o, s:n, s:o, s:n, s:n, s:o, s:o}",
                "schema", RESULT_SCHEMA, "scenario", scenario_json(meta), "seed",
                unsigned_json(meta->seed), "runs", (json_int_t)grade->count, "command",
                text_or_null(meta->command), "outcome", exit_code_outcome(verdict.exit_code),
                "exit_code", verdict.exit_code, "thresholds", verdict.thresholds, "steady_state",
                verdict.steady_state, "services", meta_services_json(meta), "faults",
                verdict.faults, "arms", arms_json(&graded), "healer", healer_json(grade),
                "variables",
                pairs_json(meta->variable_names, meta->variable_values, meta->variable_count),
                "flags", flags_json(grade), "waterfall", waterfall_json(&graded), "analytics",
                analytics_json(&graded, json_incref(grade->timeline)), "ab", "attribution",
                attribution_json(&graded), "floor", "learning", "invariants",
                invariants_json(&grade->invariants), "harness", harness_json(grade));
}

/* ---- beside other grades */

static struct metric_query whole_treated(const struct grade *grade)
{
        return (struct metric_query){ .meta = grade->meta,
                                      .arm = ARM_TREATED,
                                      .service = RECORD_NONE,
                                      .phase = KEPT_WHOLE,
                                      .confidence = 0.95 };
}

json_t *grade_metric_json(const struct grade *grade, const char *metric)
{
        const struct metric_row *row = metric_find(metric);
        struct metric_query query = whole_treated(grade);
        struct measured measured = { 0 };
        struct graded graded;

        grade_look(grade, &graded);
        return metric_measure(row, &query, graded.all, graded.count, &measured)
                       ? metric_json(&measured, row->unit)
                       : NULL;
}

json_t *grade_difference_json(const struct grade *grade, const struct grade *other,
                              const char *metric)
{
        const struct metric_row *row = metric_find(metric);
        struct metric_query query = whole_treated(grade), other_query = whole_treated(other);
        struct measured measured;
        struct graded own, theirs;
        double *values;
        size_t n = 0;

        grade_look(grade, &own);
        grade_look(other, &theirs);
        values = calloc(own.count + 1, sizeof(*values));
        if (!values)
                return NULL;
        for (size_t r = 0; r < own.count && r < theirs.count; r++) {
                double less = metric_value_of(row, &query, own.all[r]);
                double value = metric_value_of(row, &other_query, theirs.all[r]) - less;
                if (isfinite(value))
                        values[n++] = value;
        }
        metric_of_values(values, n, 0.95, &measured);
        free(values);
        return metric_json(&measured, row->unit);
}

/* ---- series and values */

bool grade_series(const struct grade *grade, struct series *out)
{
        return course_series(grade->course, out);
}

static void add_values(const struct grade *grade, const struct kept *kept, enum arm arm,
                       uint32_t service, struct value_table *out)
{
        struct metric_query query = { .meta = grade->meta,
                                      .arm = arm,
                                      .service = service,
                                      .phase = KEPT_WHOLE,
                                      .confidence = 0.95 };
        const char *name = service == RECORD_NONE ? "" : grade->meta->services[service].name;
        char run[16];

        snprintf(run, sizeof(run), "%u", kept->replication);
        for (size_t i = 0; i < metric_row_count; i++) {
                const struct metric_row *row = &metric_rows[i];
                /* What needs all replications together has no value for one. */
                if (!(row->scopes & (service == RECORD_NONE ? SCOPE_ARM : SCOPE_SERVICE)) ||
                    (row->scopes & SCOPE_TWINS && arm != ARM_TREATED) ||
                    (row->scopes & SCOPE_HEALER && !arm_has_healer(arm)) ||
                    row->method == METHOD_QUANTILE || row->method == METHOD_POOLED)
                        continue;
                value_table_add(out, run, arm_names[arm], name, row->name, row->unit,
                                metric_value_of(row, &query, kept));
        }
}

bool grade_replication_values(const struct grade *grade, struct value_table *out)
{
        for (size_t r = 0; r < grade->count; r++)
                for (unsigned a = 0; a < ARM_COUNT; a++) {
                        if (!grade->all[r]->arms[a].run)
                                continue;
                        add_values(grade, grade->all[r], (enum arm)a, RECORD_NONE, out);
                        for (uint32_t s = 0; s < grade->meta->service_count; s++)
                                add_values(grade, grade->all[r], (enum arm)a, s, out);
                }
        return !out->failed;
}
