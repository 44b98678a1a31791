/* threshold_reader.c - "metric{label=value} op value" into something to check.
 *
 *     bad_seconds < 30s
 *     p99(mttr) <= 2m
 *     availability{service=checkout, phase=during} >= 99.9%
 *
 * A small scanner over the text; every name in it is looked up, and the value
 * takes the metric's unit.
 */
#include "harness/scenario/loader.h"

#include <ctype.h>
#include <string.h>

#include "harness/base/nearest.h"
#include "harness/scenario/metric_value.h"

enum { THRESHOLDS_MAX = 1000, WORD_SIZE = 96 };

static const char *const arm_names[] = {"treated", "shadow", "untreated", "quiet", "calm", NULL};
static const char *const severity_names[] = {"low", "medium", "high", "critical", NULL};
static const char *const phase_names[] = {"before", "during", "after", NULL};
static const char *const failure_names[] = {
        "agent_failed",        "agent_down",         "heartbeat_failed",
        "task_timeout",        "task_failed",        "execution_error",
        "resource_exhaustion", "token_exhaustion",   "quota_exceeded",
        "memory_exhaustion",   "quorum_loss",        "memory_leak",
        "cpu_spike",           "network_timeout",    "database_connection",
        "api_failure",         "deployment_failure", "configuration_error",
        "dependency_failure",  "high_latency",       NULL,
};
static const char *const label_names[] = {"service",  "arm",   "fault", "failure_type",
                                          "severity", "phase", NULL};
static const char *const no_data_names[] = {"fail", "pass", NULL};
static const char *const op_names[] = {"<=", ">=", "==", "<", ">", NULL};

struct check {
        struct read_context *ctx;
        const char *path;
        const char *text, *at;
        const struct scenario *scenario;
        struct threshold_spec *out;
};

static bool complain(struct check *c, const char *what)
{
        char excerpt[DIAG_EXCERPT_SIZE];

        read_error(c->ctx, c->path, "'%s' %s", diag_excerpt(excerpt, c->text), what);
        return false;
}

static void skip_blanks(struct check *c)
{
        c->at += strspn(c->at, " ");
}

/* Up to one of `ends`, blanks at both sides cut; false when empty or too long. */
static bool take_word(struct check *c, const char *ends, char word[WORD_SIZE])
{
        size_t length;

        skip_blanks(c);
        length = strcspn(c->at, ends);
        if (length == 0 || length >= WORD_SIZE)
                return false;
        memcpy(word, c->at, length);
        c->at += length;
        while (length > 0 && word[length - 1] == ' ')
                length--;
        word[length] = '\0';
        return true;
}

/* One of a list of names, as a label's value. */
static bool name_of(struct check *c, const char *what, const char *value, const char *const *names,
                    const char **out)
{
        for (size_t i = 0; names[i] != NULL; i++)
                if (strcmp(names[i], value) == 0) {
                        *out = names[i];
                        return true;
                }
        read_unknown_name(c->ctx, c->path, what, value, nearest_of(value, names));
        return false;
}

static bool service_label(struct check *c, const char *value)
{
        const struct fleet_spec *fleet = &c->scenario->fleet;
        uint32_t index = find_service(fleet, value);
        struct nearest nearest;

        if (index != FLEET_NO_INDEX) {
                c->out->service = fleet->services[index].name;
                return true;
        }
        nearest_begin(&nearest, value);
        for (uint32_t i = 0; i < fleet->service_count; i++)
                if (fleet->services[i].name != NULL)
                        nearest_offer(&nearest, fleet->services[i].name);
        read_unknown_name(c->ctx, c->path, "service", value, nearest.best);
        return false;
}

static bool fault_label(struct check *c, const char *value)
{
        struct nearest nearest;

        nearest_begin(&nearest, value);
        for (size_t i = 0; i < c->scenario->method_count; i++) {
                const char *name = c->scenario->method[i].name;

                if (name == NULL)
                        continue;
                nearest_offer(&nearest, name);
                if (strcmp(name, value) == 0) {
                        c->out->fault = name;
                        return true;
                }
        }
        read_unknown_name(c->ctx, c->path, "entry of the method", value, nearest.best);
        return false;
}

static bool take_label(struct check *c)
{
        char key[WORD_SIZE], value[WORD_SIZE];
        const char *label;

        if (!take_word(c, "=,{}", key) || *c->at != '=')
                return complain(c, "has a label without '='");
        c->at++;
        if (!take_word(c, ",{}", value))
                return complain(c, "has a label without a value");
        if (*c->at == '\0')
                return complain(c, "has no '}' after its labels");
        if (!name_of(c, "label", key, label_names, &label))
                return false;
        if (strcmp(label, "service") == 0)
                return service_label(c, value);
        if (strcmp(label, "fault") == 0)
                return fault_label(c, value);
        if (strcmp(label, "arm") == 0)
                return name_of(c, "arm", value, arm_names, &c->out->arm);
        if (strcmp(label, "failure_type") == 0)
                return name_of(c, "failure type", value, failure_names, &c->out->failure_type);
        if (strcmp(label, "severity") == 0)
                return name_of(c, "severity", value, severity_names, &c->out->severity);
        return name_of(c, "phase", value, phase_names, &c->out->phase);
}

static bool take_labels(struct check *c)
{
        skip_blanks(c);
        if (*c->at != '{')
                return true;
        do {
                c->at++;
                if (!take_label(c))
                        return false;
                skip_blanks(c);
        } while (*c->at == ',');
        if (*c->at != '}')
                return complain(c, "has no '}' after its labels");
        c->at++;
        return true;
}

/* "p99(": 0.99; 0 when the metric stands alone. */
static double take_quantile(struct check *c)
{
        double quantile = 0, place = 0.1;
        size_t digits = *c->at == 'p' ? strspn(c->at + 1, "0123456789") : 0;

        if (digits < 2 || digits > 5 || c->at[1 + digits] != '(')
                return 0;
        for (size_t i = 1; i <= digits; i++, place /= 10)
                quantile += (c->at[i] - '0') * place;
        c->at += digits + 2;
        return quantile;
}

static bool take_metric(struct check *c, const struct metric_name **metric)
{
        char name[WORD_SIZE];
        struct nearest nearest;

        skip_blanks(c);
        c->out->quantile = take_quantile(c);
        if (!take_word(c, " {}()<>=!", name))
                return complain(c, "does not begin with a metric");
        *metric = metric_name_find(name);
        if (*metric == NULL) {
                nearest_begin(&nearest, name);
                for (size_t i = 0; metric_names[i].name != NULL; i++)
                        nearest_offer(&nearest, metric_names[i].name);
                read_unknown_name(c->ctx, c->path, "metric", name, nearest.best);
                return false;
        }
        c->out->metric = (*metric)->name;
        if (c->out->quantile > 0 && !(*metric)->has_quantiles)
                return complain(c, "asks for a quantile of a metric that has none");
        if (c->out->quantile > 0 && *c->at++ != ')')
                return complain(c, "has no ')' after the metric");
        return true;
}

static bool take_comparison(struct check *c, const struct metric_name *metric)
{
        struct quantity_error error;

        skip_blanks(c);
        for (size_t i = 0; op_names[i] != NULL && c->out->op == NULL; i++)
                if (strncmp(c->at, op_names[i], strlen(op_names[i])) == 0)
                        c->out->op = op_names[i];
        if (c->out->op == NULL)
                return complain(c, "has none of <, <=, >, >=, == after the metric");
        c->at += strlen(c->out->op);
        if (!metric_value_parse(c->at, metric->unit, &c->out->value, &error)) {
                read_error(c->ctx, c->path, "%s", error.text);
                return false;
        }
        if (metric->unit == METRIC_RATIO && c->out->value > 1)
                return complain(c, "compares a share with more than 100%");
        if (c->out->value < 0 && !metric->is_signed)
                return complain(c, "compares with a value below 0");
        return true;
}

static void load_check(struct read_context *ctx, const json_t *json, const char *path,
                       const struct scenario *scenario, struct threshold_spec *out)
{
        struct check c = {.ctx = ctx, .path = path, .scenario = scenario, .out = out};
        const struct metric_name *metric = NULL;

        if (!read_text_at(ctx, json, path, &c.text))
                return;
        c.at = c.text;
        out->text = c.text;
        out->arm = arm_names[0];
        if (take_metric(&c, &metric) && take_labels(&c))
                take_comparison(&c, metric);
}

/* An object: the check and how to judge it. */
static void load_judged(struct read_context *ctx, const json_t *json, const char *path,
                        const struct scenario *scenario, struct threshold_spec *out)
{
        struct read_object o;
        const json_t *check;
        uint32_t no_data = 0;

        if (!read_object_begin(ctx, json, path, &o))
                return;
        check = read_any(&o, "check", READ_REQUIRED);
        if (check != NULL)
                load_check(ctx, check, read_path(&o, "check"), scenario, out);
        if (read_ratio(&o, "confidence", READ_OPTIONAL, 0, 1, &out->confidence) &&
            (out->confidence < 0.5 || out->confidence >= 1))
                read_error(ctx, read_path(&o, "confidence"),
                           "outside 0.5..1 (1 itself is never reached)");
        read_choice(&o, "on_no_data", READ_OPTIONAL, no_data_names, &no_data);
        out->no_data_passes = no_data == 1;
        read_object_end(&o);
}

void load_thresholds(struct read_object *scenario, struct scenario *out)
{
        const json_t *list = read_list(scenario, "thresholds", READ_OPTIONAL, THRESHOLDS_MAX);
        struct arena *arena = scenario->ctx->session->arena;
        struct threshold_spec *thresholds =
                ARENA_ARRAY(arena, struct threshold_spec, json_array_size(list));

        if (list == NULL || thresholds == NULL)
                return;
        out->thresholds = thresholds;
        out->threshold_count = json_array_size(list);
        for (size_t i = 0; i < out->threshold_count; i++) {
                const json_t *json = json_array_get(list, i);
                const char *path = json_path_index(arena, read_path(scenario, "thresholds"), i);

                if (json_is_object(json))
                        load_judged(scenario->ctx, json, path, out, &thresholds[i]);
                else
                        load_check(scenario->ctx, json, path, out, &thresholds[i]);
        }
}
