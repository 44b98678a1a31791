/* headline.c - the numbers that come first, the same in every format. */
#include "reports/headline.h"

#include <math.h>

const struct headline_row headline_rows[] = {
        {"time_to_restore", "time to restore",
         "how long users were hurt by one fault, on average over the same faults on both sides; "
         "prevented counts 0",
         true, true},
        {"mttr", "MTTR", "mean time from the start of an incident until its service was good again",
         true, true},
        {"prevention_rate", "prevention", "share of the untreated incidents that never came", false,
         true},
        {"false_alarms_per_week", "false alarms", "alarms about nothing, for each service and week",
         false, true},
        {"averted_harm", "averted harm", "failed requests a run that healing kept from happening",
         false, false},
        {"failed_requests", "failed requests", "bad requests at the entry services, a run", true,
         true},
        {"bad_seconds", "bad seconds", "seconds in incidents that users see, a run", true, true},
        {"availability", "availability", "share of requests that were good", true, true},
};
const size_t headline_row_count = sizeof(headline_rows) / sizeof(headline_rows[0]);

const struct floor_column floor_columns[] = {
        {"failed_requests", "failed requests"},
        {"bad_seconds", "bad seconds"},
        {"averted_harm", "averted harm"},
        {"prevention_rate", "prevention"},
        {"false_alarms_per_week", "false alarms"},
        {"false_actions_per_week", "false actions"},
};
const size_t floor_column_count = sizeof(floor_columns) / sizeof(floor_columns[0]);

const struct learning_row learning_rows[] = {
        {"failed_requests", "failed requests"},
        {"bad_seconds", "bad seconds"},
        {"time_to_restore", "time to restore"},
        {"prevention_rate", "prevention"},
        {"precision", "precision"},
        {"recall", "recall"},
        {"lead_time", "lead time"},
        {"mttd", "mean time to detect"},
        {"false_alarms_per_week", "false alarms per week"},
        {"false_actions_per_week", "false actions per week"},
};
const size_t learning_row_count = sizeof(learning_rows) / sizeof(*learning_rows);

void learning_difference(struct text *out, const struct metric_value *value)
{
        text_metric_value(out, value);
        if (!value->has_low && !value->has_high)
                return;
        text_add(out, " (");
        text_metric_interval(out, value);
        text_add(out, ")");
}

bool report_waterfall(const struct report *report, struct waterfall_part parts[WATERFALL_COUNT])
{
        static const struct waterfall_part names[WATERFALL_COUNT] = {
                {.name = "untreated",
                 .title = "without healing",
                 .meaning = "failed requests of the untreated arm"},
                {.name = "reaction",
                 .title = "averted by reaction",
                 .meaning = "untreated less shadow: healing with prediction held back"},
                {.name = "prediction",
                 .title = "averted by prediction",
                 .meaning = "shadow less treated: what acting early added"},
                {.name = "self_made",
                 .title = "harm of healing itself",
                 .meaning = "quiet less calm: failed requests of the healer without any fault"},
                {.name = "left", .title = "left", .meaning = "failed requests of the treated arm"},
        };
        const json_t *waterfall = result_at(report->result, "waterfall");
        double level;

        if (json_is_object(result_at(waterfall, "failed_requests")))
                waterfall = result_at(waterfall, "failed_requests");
        for (int i = 0; i < WATERFALL_COUNT; i++) {
                parts[i] = names[i];
                parts[i].amount = metric_of(result_at(waterfall, names[i].name));
                if (!parts[i].amount.has_value)
                        return false;
        }
        level = parts[WATERFALL_UNTREATED].amount.value;
        parts[WATERFALL_UNTREATED].top = level;
        for (int i = WATERFALL_REACTION; i <= WATERFALL_PREDICTION; i++) {
                parts[i].top = level;
                level -= parts[i].amount.value;
                parts[i].bottom = level;
        }
        /* The self-made harm is within what is left: it is drawn on top of the rest. */
        parts[WATERFALL_LEFT].top = parts[WATERFALL_LEFT].amount.value;
        parts[WATERFALL_SELF_MADE].top = parts[WATERFALL_LEFT].top;
        parts[WATERFALL_SELF_MADE].bottom =
                parts[WATERFALL_LEFT].top - parts[WATERFALL_SELF_MADE].amount.value;
        return true;
}
