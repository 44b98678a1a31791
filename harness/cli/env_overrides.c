/* env_overrides.c - HEAL_*: a row each. */
#include "harness/cli/env_overrides.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/quantity.h"
#include "harness/base/sha256.h"
#include "healer/config.h"

enum unit { MILLISECONDS, SECONDS, SHARE, PERCENT };

static const struct env_row {
        const char *name;
        enum unit unit; /* of a number without one */
        const char *option, *warning; /* warning: NULL, or not to be beyond the option */
        bool low;                     /* critical is what lies below */
} rows[ENV_OVERRIDES_MAX] = {
        {"HEAL_LATENCY_THRESH", MILLISECONDS, "detection.thresholds.latency.critical",
         "detection.thresholds.latency.warning", false},
        {"HEAL_ERROR_THRESH", SHARE, "detection.thresholds.error_rate.critical",
         "detection.thresholds.error_rate.warning", false},
        {"HEAL_DRIFT_THRESH", SHARE, "detection.thresholds.drift.critical",
         "detection.thresholds.drift.warning", false},
        {"HEAL_MEMORY_THRESH", PERCENT, "detection.thresholds.memory.critical",
         "detection.thresholds.memory.warning", false},
        {"HEAL_CPU_THRESH", PERCENT, "detection.thresholds.cpu.critical",
         "detection.thresholds.cpu.warning", false},
        {"HEAL_SUCCESS_THRESH", SHARE, "health.thresholds.critical", "health.thresholds.warning",
         true},
        {"HEAL_INTERVAL_SECONDS", SECONDS, "reconciler.interval", NULL, false},
};

const char env_overrides_help[] =
        "  NO_COLOR   no colours\n"
        "  CHAOS_RUN_OFF  set: no run, ab or train on this machine; nothing goes around it (exit 2)\n"
        "  HEAL_*     with --env, libhealer's critical thresholds: HEAL_LATENCY_THRESH (ms),\n"
        "             HEAL_ERROR_THRESH, HEAL_DRIFT_THRESH, HEAL_SUCCESS_THRESH (shares),\n"
        "             HEAL_MEMORY_THRESH, HEAL_CPU_THRESH (percent); and HEAL_INTERVAL_SECONDS\n";

static bool parse(const struct env_row *row, const char *text, double *out)
{
        static const double sizes[] = {
                [MILLISECONDS] = 1e-3, [SECONDS] = 1, [SHARE] = 1, [PERCENT] = 0.01};
        struct quantity_error error;
        int64_t ns;

        if (quantity_number(text, out, &error)) {
                *out *= sizes[row->unit];
                return true;
        }
        if (row->unit == SHARE || row->unit == PERCENT)
                return quantity_percent(text, out, &error);
        if (!quantity_duration(text, &ns, &error))
                return false;
        *out = (double)ns * 1e-9;
        return true;
}

static bool take(const struct env_row *row, const char *text, struct healer_config *config,
                 FILE *errors)
{
        static const char *const wants[] = {
                [MILLISECONDS] = "milliseconds or a duration", [SECONDS] = "seconds or a duration",
                [SHARE] = "a share (0.05 or 5%)", [PERCENT] = "a percentage (90)"};
        const struct healer_option *option = healer_option_find(row->option);
        const struct healer_option *warning =
                row->warning == NULL ? NULL : healer_option_find(row->warning);
        double shown = row->unit == MILLISECONDS ? 1e3 : row->unit == PERCENT ? 100 : 1;
        double value, beside;

        if (!parse(row, text, &value) || !(value >= option->min && value <= option->max)) {
                fprintf(errors, "chaos-run: %s: '%s' is not %s between %.6g and %.6g\n", row->name, text,
                        wants[row->unit], option->min * shown, option->max * shown);
                return false;
        }
        healer_option_set(config, option, value);
        if (warning == NULL)
                return true;
        beside = healer_option_get(config, warning);
        if (row->low ? beside < value : beside > value)
                healer_option_set(config, warning, value);
        return true;
}

static void digest(const struct strategy *strategy, struct env_overrides *out)
{
        struct sha256 sha;

        sha256_init(&sha);
        sha256_add_text(&sha, strategy->json);
        for (uint32_t i = 0; i < out->count; i++) {
                sha256_add_text(&sha, out->names[i]);
                sha256_add_text(&sha, out->values[i]);
        }
        sha256_hex(&sha, out->digest);
}

bool env_overrides_take(struct scenario *scenario, struct env_overrides *out, FILE *errors)
{
        char reason[160];
        bool ok = true;

        memset(out, 0, sizeof(*out));
        for (size_t i = 0; i < ENV_OVERRIDES_MAX; i++) {
                const char *text = getenv(rows[i].name);

                if (text == NULL || *text == '\0')
                        continue;
                if (scenario->healer_kind == HEALER_EXEC || scenario->strategy->reference != NULL) {
                        fprintf(errors, "chaos-run: --env: %s is for libhealer, the healer here is another\n",
                                rows[i].name);
                        return false;
                }
                if (!take(&rows[i], text, &scenario->strategy->healer, errors)) {
                        ok = false;
                        continue;
                }
                out->names[out->count] = rows[i].name;
                out->values[out->count++] = text;
        }
        if (ok && out->count > 0 &&
            healer_config_check(&scenario->strategy->healer, reason, sizeof(reason)) != NULL) {
                fprintf(errors, "chaos-run: --env: %s\n", reason);
                ok = false;
        }
        if (ok && out->count > 0)
                digest(scenario->strategy, out);
        return ok;
}
