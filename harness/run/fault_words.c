/* fault_words.c - parameters of faults as texts. */
#include "harness/run/fault_words.h"

#include <stdio.h>

#include "harness/base/quantity.h"

const char *fault_unit_name(enum fault_unit unit)
{
        static const char *const names[] = {
                [FAULT_DURATION] = "duration",
                [FAULT_RATIO] = "ratio",
                [FAULT_SHARE] = "share",
                [FAULT_COUNT] = "count",
                [FAULT_FACTOR] = "factor",
                [FAULT_BYTES] = "size",
                [FAULT_BYTES_PER_S] = "size per time",
                [FAULT_RATIO_PER_S] = "percentage per time",
                [FAULT_BOOL] = "true or false",
                [FAULT_CHOICE] = "choice",
                [FAULT_PARAMETER] = "key of the target",
                [FAULT_VALUE] = "value of that key",
                [FAULT_FEATURE] = "feature of the target",
                [FAULT_KINDS] = "list of kinds",
                [FAULT_ENTRY] = "name of an entry",
        };

        return names[unit];
}

static void duration_text(double ns, char *out, size_t size)
{
        char text[QUANTITY_TEXT_SIZE];

        if (ns >= 0 && ns <= (double)QUANTITY_NS_MAX)
                snprintf(out, size, "%s", quantity_format_duration(text, (int64_t)ns));
        else
                snprintf(out, size, "%gs", ns * 1e-9);
}

void fault_value_text(const struct fault_param *param, double value, char *out, size_t size)
{
        char text[QUANTITY_TEXT_SIZE];

        switch (param->unit) {
        case FAULT_DURATION:
                duration_text(value, out, size);
                break;
        case FAULT_RATIO:
        case FAULT_SHARE:
                snprintf(out, size, "%g%%", value * 100);
                break;
        case FAULT_BYTES:
                snprintf(out, size, "%s", quantity_format_size(text, value));
                break;
        case FAULT_BYTES_PER_S:
                snprintf(out, size, "%s/s", quantity_format_size(text, value));
                break;
        case FAULT_RATIO_PER_S:
                snprintf(out, size, "%g%%/min", value * 6000);
                break;
        case FAULT_BOOL:
                snprintf(out, size, "%s", value != 0 ? "true" : "false");
                break;
        case FAULT_CHOICE:
                snprintf(out, size, "%s", param->choices[(int)value]);
                break;
        case FAULT_KINDS:
                out[0] = '\0';
                for (uint32_t i = 0, at = 0; fault_kinds_at(value, i) != NULL && at < size; i++)
                        at += (uint32_t)snprintf(out + at, size - at, "%s%s", i == 0 ? "" : ", ",
                                                 fault_kinds_at(value, i)->name);
                break;
        case FAULT_PARAMETER:
        case FAULT_VALUE:
        case FAULT_FEATURE:
        case FAULT_ENTRY:
                snprintf(out, size, "none");
                break;
        case FAULT_COUNT:
        case FAULT_FACTOR:
        default:
                snprintf(out, size, "%g", value);
                break;
        }
}

/* "service_time, ..., of a call timeout, ...". */
static void parameter_keys(char *out, size_t size)
{
        size_t at = 0;

        out[0] = '\0';
        for (int i = 0; i < PARAMETER_KIND_COUNT && at < size; i++)
                at += (size_t)snprintf(out + at, size - at, "%s%s%s", i == 0 ? "" : ", ",
                                       i == PARAMETER_EDGE_FIRST ? "of a call " : "",
                                       parameter_rows[i].key);
}

void fault_range_text(const struct fault_param *param, char *out, size_t size)
{
        char low[64], high[64];
        size_t at = 0;

        if (param->unit == FAULT_PARAMETER || param->unit == FAULT_VALUE ||
            param->unit == FAULT_FEATURE || param->unit == FAULT_ENTRY ||
            param->unit == FAULT_KINDS) {
                if (param->unit == FAULT_PARAMETER)
                        parameter_keys(out, size);
                else
                        snprintf(out, size, "that there is");
                return;
        }
        if (param->unit != FAULT_CHOICE) {
                fault_value_text(param, param->min, low, sizeof(low));
                fault_value_text(param, param->max, high, sizeof(high));
                snprintf(out, size, "%s to %s", low, high);
                return;
        }
        out[0] = '\0';
        for (size_t i = 0; param->choices[i] != NULL && at < size; i++)
                at += (size_t)snprintf(out + at, size - at, "%s%s", i == 0 ? "" : ", ",
                                       param->choices[i]);
}
