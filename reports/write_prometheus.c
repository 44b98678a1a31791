/* write_prometheus.c - the metrics of a result for Prometheus and OpenMetrics.
 *
 * One gauge a metric, in base units, named chaos_run_METRIC_UNIT, with the
 * labels scenario, healer, arm and service (empty: the whole arm); its interval
 * is in chaos_run_METRIC_low_UNIT and ..._high_UNIT, for whole arms only. What
 * is counted has a counter besides, chaos_all_runs_METRIC_UNIT_total: the gauge
 * is the mean of replications and may fall as a run grows, the sum over them
 * cannot. A metric without data has no sample. Families are in the order in
 * which the treated arm has them.
 *
 * The two formats differ in the UNIT line and the end mark.
 */
#include "reports/metric_words.h"
#include "reports/writer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct family {
        const struct report *report;
        struct text *out;
        bool open_metrics;
        const char *metric;
        bool counter;
        char name[160], unit[48];
};

enum part { PART_VALUE, PART_LOW, PART_HIGH, PART_TOTAL };

static void take_unit(struct family *family, const char *unit)
{
        static const char *const words[][2] = {
                {"s", "seconds"},
                {"ratio", "ratio"},
                {"1/s", "per_second"},
                {"1/min", "per_minute"},
                {"1/h", "per_hour"},
                {"1/week", "per_week"},
                {"requests/s", "requests_per_second"},
                {"B", "bytes"},
                {"1", ""},
                {"", ""},
        };
        size_t length = 0;

        family->unit[0] = '\0';
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
                if (strcmp(words[i][0], unit) == 0) {
                        snprintf(family->unit, sizeof(family->unit), "%s", words[i][1]);
                        return;
                }
        }
        for (; *unit != '\0' && length + 8 < sizeof(family->unit); unit++) {
                bool letter = (*unit >= 'a' && *unit <= 'z') || (*unit >= '0' && *unit <= '9');

                if (*unit == '/')
                        length += (size_t)sprintf(family->unit + length, "%sper_",
                                                  length > 0 ? "_" : "");
                else if (letter)
                        family->unit[length++] = *unit;
                else if (length > 0 && family->unit[length - 1] != '_')
                        family->unit[length++] = '_';
        }
        while (length > 0 && family->unit[length - 1] == '_')
                length--;
        family->unit[length] = '\0';
}

/* The unit is the end of the name, once. A counter's samples, and in the text
 * format its family too, add _total. */
static void make_name(struct family *family, const char *suffix)
{
        size_t length = strlen(family->metric), unit = strlen(family->unit);
        bool is_unit = strcmp(family->metric, family->unit) == 0;
        bool has_unit = unit > 0 && length > unit && family->metric[length - unit - 1] == '_' &&
                        strcmp(family->metric + length - unit, family->unit) == 0;
        int kept = (int)(is_unit ? 0 : has_unit ? length - unit - 1 : length);

        snprintf(family->name, sizeof(family->name), "%s%s%.*s%s%s%s",
                 family->counter ? "chaos_all_runs" : "chaos_run", kept > 0 ? "_" : "", kept,
                 family->metric, suffix, unit > 0 ? "_" : "", family->unit);
        for (char *at = family->name; *at != '\0'; at++)
                if (!((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '_'))
                        *at = '_';
}

static void write_help(const struct family *family, const char *of)
{
        const char *total = family->counter && !family->open_metrics ? "_total" : "";
        struct text help;

        text_init(&help);
        text_add(&help, of);
        text_add(&help, metric_words(family->metric));
        text_addf(family->out, "# HELP %s%s ", family->name, total);
        text_prom_label(family->out, text_bytes(&help));
        text_addf(family->out, "\n# TYPE %s%s %s\n", family->name, total,
                  family->counter ? "counter" : "gauge");
        if (family->open_metrics && family->unit[0] != '\0')
                text_addf(family->out, "# UNIT %s %s\n", family->name, family->unit);
        family->out->failed = family->out->failed || help.failed;
        text_release(&help);
}

static bool part_of(const struct metric_value *value, enum part part, double *number)
{
        if (part == PART_TOTAL) {
                *number = value->numerator;
                return value->has_value && isfinite(value->numerator);
        }
        *number = part == PART_VALUE ? value->value : part == PART_LOW ? value->low : value->high;
        return part == PART_VALUE ? value->has_value
               : part == PART_LOW ? value->has_low
                                  : value->has_high;
}

static void write_sample(const struct family *family, const char *arm, const char *service,
                         double number)
{
        struct text *out = family->out;

        text_addf(out, "%s%s{scenario=\"", family->name, family->counter ? "_total" : "");
        text_prom_label(out, report_title(family->report));
        text_add(out, "\",healer=\"");
        text_prom_label(out, result_text(family->report->result, "healer.name"));
        text_addf(out, "\",arm=\"%s\",service=\"", arm);
        text_prom_label(out, service);
        text_addf(out, "\"} %.12g\n", number == 0 ? 0.0 : number);
}

/* Samples of one family; with `out` NULL only says whether there are any. */
static bool write_samples(const struct family *family, enum part part, bool only_look)
{
        const json_t *arms = result_at(family->report->result, "arms");
        struct metric_value value;
        const char *service;
        json_t *entry;
        double number;
        bool any = false;

        for (size_t i = 0; i < report_arm_count; i++) {
                json_t *services =
                        json_object_get(json_object_get(arms, report_arms[i]), "services");

                value = result_metric(family->report, report_arms[i], family->metric);
                if (part_of(&value, part, &number)) {
                        any = true;
                        if (!only_look)
                                write_sample(family, report_arms[i], "", number);
                }
                if (part != PART_VALUE && part != PART_TOTAL)
                        continue;
                json_object_foreach(services, service, entry)
                {
                        value = metric_of(
                                json_object_get(json_object_get(entry, "metrics"), family->metric));
                        if (!part_of(&value, part, &number))
                                continue;
                        any = true;
                        if (!only_look)
                                write_sample(family, report_arms[i], service, number);
                }
        }
        return any;
}

static void write_family(struct family *family, enum part part, const char *suffix, const char *of)
{
        if (!write_samples(family, part, true))
                return;
        family->counter = part == PART_TOTAL;
        make_name(family, suffix);
        write_help(family, of);
        write_samples(family, part, false);
}

static void write_metric(struct family *family, const char *metric, const char *unit)
{
        family->metric = metric;
        take_unit(family, unit);
        write_family(family, PART_VALUE, "", "");
        write_family(family, PART_LOW, "_low", "Lower limit of: ");
        write_family(family, PART_HIGH, "_high", "Upper limit of: ");
        if (metric_is_count(metric))
                write_family(family, PART_TOTAL, "", "Sum over all replications of: ");
}

static bool seen_before(const json_t *arms, size_t arm, const char *metric)
{
        for (size_t i = 0; i < arm; i++)
                if (json_object_get(
                            json_object_get(json_object_get(arms, report_arms[i]), "metrics"),
                            metric) != NULL)
                        return true;
        return false;
}

static void write_all(const struct writer_context *context, struct text *out, bool open_metrics)
{
        struct family family = {
                .report = context->report, .out = out, .open_metrics = open_metrics};
        json_t *arms = json_object_get(context->report->result, "arms");
        const char *metric;
        json_t *value;

        for (size_t i = 0; i < report_arm_count; i++) {
                json_t *metrics = json_object_get(json_object_get(arms, report_arms[i]), "metrics");

                json_object_foreach(metrics, metric, value) if (!seen_before(arms, i, metric))
                        write_metric(&family, metric, result_text(value, "unit"));
        }
        if (open_metrics)
                text_add(out, "# EOF\n");
}

void write_prom(const struct writer_context *context, struct text *out)
{
        write_all(context, out, false);
}

void write_openmetrics(const struct writer_context *context, struct text *out)
{
        write_all(context, out, true);
}

void prometheus_name(const char *metric, const char *unit, struct text *name)
{
        struct family family = {.metric = metric};

        take_unit(&family, unit);
        make_name(&family, "");
        text_add(name, family.name);
}
