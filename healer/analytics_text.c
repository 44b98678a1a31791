/* analytics_text.c - a report of healer/analytics.h as JSON and as a dashboard.
 *
 * Numbers are written digit by digit, since printf() follows the locale of the
 * program that we are in. Times have milliseconds, ratios four digits; both
 * forms print the same digits of the same figure.
 */
#include "healer/analytics.h"

#include <math.h>
#include <string.h>

struct out {
        char *text;
        size_t size, length;
        char last; /* written, or left out for want of room */
};

static void add_bytes(struct out *out, const char *bytes, size_t count)
{
        size_t i;

        for (i = 0; i < count; i++, out->length++)
                if (out->length + 1 < out->size)
                        out->text[out->length] = bytes[i];
        if (count > 0)
                out->last = bytes[count - 1];
}

static void add(struct out *out, const char *text)
{
        add_bytes(out, text, strlen(text));
}

static void add_unsigned(struct out *out, uint64_t value)
{
        char digits[24];
        size_t at = sizeof(digits);

        do {
                digits[--at] = (char)('0' + value % 10);
                value /= 10;
        } while (value > 0);
        add_bytes(out, digits + at, sizeof(digits) - at);
}

static void add_signed(struct out *out, int64_t value)
{
        if (value < 0)
                add(out, "-");
        add_unsigned(out, value < 0 ? (uint64_t)-(value + 1) + 1 : (uint64_t)value);
}

/* With that many digits behind the point, rounded; "null" for what is none. */
static void add_decimal(struct out *out, double value, unsigned digits, const char *none)
{
        uint64_t scale = 1, whole;
        unsigned i;

        for (i = 0; i < digits; i++)
                scale *= 10;
        if (!isfinite(value) || fabs(value) * (double)scale > 9e18) {
                add(out, none);
                return;
        }
        if (value < 0)
                add(out, "-");
        whole = (uint64_t)(fabs(value) * (double)scale + 0.5);
        add_unsigned(out, whole / scale);
        add(out, digits > 0 ? "." : "");
        for (i = 0; i < digits; i++) {
                scale /= 10;
                add_unsigned(out, whole / scale % 10);
        }
}

static enum healer_err finish(struct out *out, size_t *needed)
{
        if (out->size > 0)
                out->text[out->length < out->size ? out->length : out->size - 1] = '\0';
        if (needed != NULL)
                *needed = out->length;
        return out->length < out->size ? HEALER_OK : HEALER_E_FULL;
}

/* ---- JSON */

static void add_string(struct out *out, const char *text)
{
        static const char hex[] = "0123456789abcdef";

        add(out, "\"");
        for (; *text != '\0'; text++) {
                unsigned char c = (unsigned char)*text;

                if (c == '"' || c == '\\') {
                        add(out, "\\");
                        add_bytes(out, text, 1);
                } else if (c < 0x20 || c == 0x7f) {
                        add(out, "\\u00");
                        add_bytes(out, &hex[c >> 4], 1);
                        add_bytes(out, &hex[c & 15], 1);
                } else {
                        add_bytes(out, text, 1);
                }
        }
        add(out, "\"");
}

static void key(struct out *out, const char *name)
{
        if (out->last != '{' && out->last != '[')
                add(out, ", ");
        add(out, "\"");
        add(out, name);
        add(out, "\": ");
}

static void add_seconds(struct out *out, const char *name, double value)
{
        key(out, name);
        add_decimal(out, value, 3, "null");
}

static void add_count(struct out *out, const char *name, uint64_t value)
{
        key(out, name);
        add_unsigned(out, value);
}

static void add_row(struct out *out, const struct healer_analytics_row *row)
{
        add(out, "{");
        key(out, "name");
        add_string(out, row->name);
        add_count(out, "failures", row->failures);
        add_count(out, "attempts", row->attempts);
        add_count(out, "successes", row->successes);
        key(out, "success_rate");
        add_decimal(out, row->rate, 4, "null");
        add_seconds(out, "mean_time", row->mean_time_s);
        add_seconds(out, "mttr", row->mttr_s);
        key(out, "effectiveness");
        add_decimal(out, row->effectiveness, 4, "null");
        key(out, "trend");
        add_string(out, healer_trend_names[row->trend]);
        key(out, "recommendation");
        add_string(out, healer_advice_names[row->advice]);
        add(out, "}");
}

static void add_rows(struct out *out, const char *name, const struct healer_analytics_row *rows,
                     uint32_t count)
{
        uint32_t i;

        key(out, name);
        add(out, "[");
        for (i = 0; i < count; i++) {
                add(out, i > 0 ? ", " : "");
                add_row(out, &rows[i]);
        }
        add(out, "]");
}

static void add_stats(struct out *out, const struct healer_analytics_report *report)
{
        uint32_t i;

        key(out, "stats");
        add(out, "{");
        add_count(out, "total_failures", report->failures);
        add_count(out, "total_healings", report->attempts);
        add_count(out, "successes", report->successes);
        add_count(out, "refused", report->refused);
        key(out, "success_rate");
        add_decimal(out, report->success_rate, 4, "null");
        add_seconds(out, "mean_time", report->mean_time_s);
        add_seconds(out, "mttr", report->mttr_s);
        add_seconds(out, "time_p50", report->time_s_p50);
        add_seconds(out, "time_p90", report->time_s_p90);
        add_seconds(out, "time_p99", report->time_s_p99);
        key(out, "time_histogram");
        add(out, "[");
        for (i = 0; i < HEALER_ANALYTICS_TIMES; i++) {
                add(out, i > 0 ? ", " : "");
                add_unsigned(out, report->time_histogram[i]);
        }
        add(out, "]");
        key(out, "trend");
        add_string(out, healer_trend_names[report->trend]);
        add_rows(out, "by_failure_type", report->types, report->type_count);
        add_rows(out, "by_severity", report->severities, HEALER_SEVERITY_COUNT);
        add_rows(out, "by_action", report->actions, report->action_count);
        add(out, "}");
}

static void add_patterns(struct out *out, const struct healer_analytics_report *report)
{
        uint32_t i;

        key(out, "patterns");
        add(out, "{");
        key(out, "most_common");
        add(out, "[");
        for (i = 0; i < report->type_count && i < 5; i++) {
                add(out, i > 0 ? ", {" : "{");
                key(out, "name");
                add_string(out, report->types[i].name);
                add_count(out, "failures", report->types[i].failures);
                add(out, "}");
        }
        add(out, "]");
        key(out, "failures_per_hour");
        add_decimal(out, report->failures_per_hour, 4, "null");
        key(out, "by_hour_of_day");
        add(out, "[");
        for (i = 0; i < 24; i++) {
                add(out, i > 0 ? ", " : "");
                add_unsigned(out, report->by_hour[i]);
        }
        add(out, "]");
        add_rows(out, "by_component", report->components, report->component_count);
        key(out, "mttr_over_time");
        add(out, "[");
        for (i = 0; i < HEALER_ANALYTICS_BUCKETS; i++) {
                add(out, i > 0 ? ", " : "");
                add_decimal(out, report->mttr_over_time_s[i], 3, "null");
        }
        add(out, "]");
        key(out, "mttr_direction");
        add_string(out, report->mttr_direction < 0   ? "falling"
                        : report->mttr_direction > 0 ? "rising"
                                                     : "unclear");
        add(out, "}");
}

static void add_event(struct out *out, const struct healer_analytics_event *event)
{
        uint32_t i;

        add(out, "{");
        key(out, "time");
        add_decimal(out, (double)event->at_ns / 1e9, 3, "null");
        add_count(out, "id", event->id);
        key(out, "strategy");
        add_string(out, event->strategy);
        key(out, "success");
        add(out, event->success ? "true" : "false");
        add_seconds(out, "duration", event->duration_s);
        key(out, "actions");
        add(out, "[");
        for (i = 0; i < event->action_count && i < HEALER_ANALYTICS_ACTIONS_MAX; i++) {
                add(out, i > 0 ? ", " : "");
                add_string(out, event->actions[i]);
        }
        add(out, "]}");
}

enum healer_err healer_analytics_json(const struct healer_analytics_report *report,
                                      uint32_t timeline_max, char *text, size_t size,
                                      size_t *needed)
{
        struct out out = {text, size, 0, '\0'};
        uint32_t i;

        add(&out, "{");
        key(&out, "generated_at");
        add_signed(&out, report->generated_ns);
        add_stats(&out, report);
        add_rows(&out, "effectiveness", report->strategies, report->strategy_count);
        add_patterns(&out, report);
        key(&out, "recommendations");
        add(&out, "[");
        for (i = 0; i < report->recommendation_count; i++) {
                add(&out, i > 0 ? ", {" : "{");
                key(&out, "kind");
                add_string(&out, healer_recommendation_names[report->recommendations[i].kind]);
                key(&out, "text");
                add_string(&out, report->recommendations[i].text);
                add(&out, "}");
        }
        add(&out, "]");
        key(&out, "timeline");
        add(&out, "[");
        for (i = 0; i < report->timeline_count && i < timeline_max; i++) {
                add(&out, i > 0 ? ", " : "");
                add_event(&out, &report->timeline[i]);
        }
        add(&out, "]}\n");
        return finish(&out, needed);
}

/* ---- dashboard */

enum { COLUMNS = 80 };

static size_t columns_of(const char *text)
{
        size_t columns = 0;

        for (; *text != '\0'; text++)
                columns += ((unsigned char)*text & 0xc0) != 0x80;
        return columns;
}

/* Cut or padded to `columns`; control characters are shown as '?'. */
static void add_cell(struct out *out, const char *text, size_t columns, bool right)
{
        size_t have = columns_of(text), shown = 0, i;

        for (i = have; right && i < columns; i++)
                add(out, " ");
        for (; *text != '\0'; text++) {
                unsigned char c = (unsigned char)*text;

                if ((c & 0xc0) != 0x80 && shown++ == columns)
                        break;
                add_bytes(out, c < 0x20 || c == 0x7f ? "?" : text, 1);
        }
        for (i = have; !right && i < columns; i++)
                add(out, " ");
}

static void add_figure(struct out *out, double value, unsigned digits, const char *unit,
                       size_t columns)
{
        char text[48];
        struct out figure = {text, sizeof(text), 0, '\0'};

        add_decimal(&figure, value, digits, "no data");
        if (isfinite(value))
                add(&figure, unit);
        finish(&figure, NULL);
        add_cell(out, text, columns, true);
}

static void add_heading(struct out *out, const char *text)
{
        size_t i;

        add(out, text);
        add(out, " ");
        for (i = columns_of(text) + 1; i < COLUMNS; i++)
                add(out, "-");
        add(out, "\n");
}

static void show_overview(struct out *out, const struct healer_analytics_report *report)
{
        add_heading(out, "HEALING");
        add(out, "failures ");
        add_unsigned(out, report->failures);
        add(out, ", healings ");
        add_unsigned(out, report->attempts);
        add(out, ", healed ");
        add_unsigned(out, report->successes);
        add(out, ", refused ");
        add_unsigned(out, report->refused);
        add(out, "\nsuccess rate ");
        add_decimal(out, report->success_rate, 4, "no data");
        add(out, " (");
        add(out, healer_trend_names[report->trend]);
        add(out, "), time to restore ");
        add_decimal(out, report->mttr_s, 3, "no data");
        add(out, " s\ntime of the actions: mean ");
        add_decimal(out, report->mean_time_s, 3, "no data");
        add(out, " s, 50 % ");
        add_decimal(out, report->time_s_p50, 3, "no data");
        add(out, " s, 90 % ");
        add_decimal(out, report->time_s_p90, 3, "no data");
        add(out, " s\n\n");
}

static void show_strategies(struct out *out, const struct healer_analytics_report *report)
{
        uint32_t i;

        add_heading(out, "STRATEGIES");
        if (report->strategy_count == 0)
                add(out, "none was used\n");
        else
                add(out, "                            rate   healed     mean time  trend      advice\n");
        for (i = 0; i < report->strategy_count && i < 10; i++) {
                const struct healer_analytics_row *row = &report->strategies[i];
                char text[48];
                struct out healed = {text, sizeof(text), 0, '\0'};

                add_unsigned(&healed, row->successes);
                add(&healed, "/");
                add_unsigned(&healed, row->attempts);
                finish(&healed, NULL);
                add_cell(out, row->name, 25, false);
                add_figure(out, row->rate, 4, "", 8);
                add_cell(out, text, 9, true);
                add_figure(out, row->mean_time_s, 3, " s", 14);
                add(out, "  ");
                add_cell(out, healer_trend_names[row->trend], 9, false);
                add(out, "  ");
                add(out, row->advice == HEALER_ADVICE_NONE ? "-" : healer_advice_names[row->advice]);
                add(out, "\n");
        }
        add(out, "\n");
}

static void show_patterns(struct out *out, const struct healer_analytics_report *report)
{
        uint32_t i, busiest = 0;

        add_heading(out, "PATTERNS");
        if (report->failures == 0)
                add(out, "nothing failed\n");
        for (i = 0; i < report->type_count && i < 5; i++) {
                add_cell(out, report->types[i].name, 30, false);
                add_figure(out, (double)report->types[i].failures, 0, "", 8);
                add(out, " failures, time to restore ");
                add_decimal(out, report->types[i].mttr_s, 3, "no data");
                add(out, "\n");
        }
        for (i = 1; i < 24; i++)
                if (report->by_hour[i] > report->by_hour[busiest])
                        busiest = i;
        if (report->failures > 0) {
                add_decimal(out, report->failures_per_hour, 4, "no data");
                add(out, " failures an hour, most of them at ");
                add_unsigned(out, busiest);
                add(out, " o'clock\n");
        }
        add(out, "\n");
}

/* Broken at spaces, the rest of it indented. */
static void add_wrapped(struct out *out, const char *text)
{
        size_t column = 2, length;

        add(out, "- ");
        while (*text != '\0') {
                char word[COLUMNS + 1];

                length = strcspn(text, " ");
                if (length >= COLUMNS - 2)
                        length = COLUMNS - 3;
                memcpy(word, text, length);
                word[length] = '\0';
                if (column > 2 && column + columns_of(word) + 1 > COLUMNS) {
                        add(out, "\n  ");
                        column = 2;
                }
                if (column > 2) {
                        add(out, " ");
                        column++;
                }
                add_cell(out, word, columns_of(word), false);
                column += columns_of(word);
                text += length;
                text += *text == ' ';
        }
        add(out, "\n");
}

enum healer_err healer_analytics_dashboard(const struct healer_analytics_report *report, char *text,
                                           size_t size, size_t *needed)
{
        struct out out = {text, size, 0, '\0'};
        uint32_t i;

        show_overview(&out, report);
        show_strategies(&out, report);
        show_patterns(&out, report);
        add_heading(&out, "RECOMMENDATIONS");
        for (i = 0; i < report->recommendation_count; i++)
                add_wrapped(&out, report->recommendations[i].text);
        if (report->recommendation_count == 0)
                add(&out, "none\n");
        return finish(&out, needed);
}
