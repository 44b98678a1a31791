/* write_junit.c - junit.xml for CI servers.
 *
 * The strict form, which every XSD in use accepts: no attribute on
 * `testsuites`; package, id, timestamp and hostname on the suite; properties
 * first, then cases, then system-out and system-err. Date and host are
 * fixed and times are virtual, so that equal runs give equal bytes.
 *
 * A case for each threshold, probe, fault (did it take effect?) and invariant,
 * and one for the run's outcome, which fails when the run ended in a way that
 * no other case tells (stopped, regression, interrupted ...).
 *
 * Cases are written to a text of their own first, as the suite's opening tag
 * has to say how many failed.
 */
#include "reports/writer.h"

#include <math.h>
#include <string.h>

struct suite {
        const struct report *report;
        struct text cases;
        size_t tests, failures;
};

static void open_case(struct suite *suite, const char *kind, const char *name)
{
        suite->tests++;
        text_add(&suite->cases, "    <testcase classname=\"");
        text_html(&suite->cases, report_title(suite->report));
        text_addf(&suite->cases, ".%s\" name=\"", kind);
        text_html(&suite->cases, *name == '\0' ? kind : name);
        text_add(&suite->cases, "\" time=\"0\"");
}

static void pass_case(struct suite *suite)
{
        text_add(&suite->cases, "/>\n");
}

/* `message` is plain text; the body repeats it with the seed. */
static void fail_case(struct suite *suite, const char *type, const struct text *message)
{
        const json_t *seed = result_at(suite->report->result, "seed");

        suite->failures++;
        text_addf(&suite->cases, ">\n      <failure type=\"%s\" message=\"", type);
        text_html(&suite->cases, text_bytes(message));
        text_add(&suite->cases, "\">");
        text_html(&suite->cases, text_bytes(message));
        text_add(&suite->cases, "\nseed: ");
        if (json_is_string(seed))
                text_html(&suite->cases, json_string_value(seed));
        else
                text_addf(&suite->cases, "%" JSON_INTEGER_FORMAT, json_integer_value(seed));
        text_add(&suite->cases, "\nrepeat: ");
        text_html(&suite->cases, result_text(suite->report->result, "command"));
        text_add(&suite->cases, "</failure>\n    </testcase>\n");
}

static void add_number(struct text *text, const json_t *node, const char *key)
{
        double value = result_number(node, key);

        if (isnan(value))
                text_add(text, "no data");
        else
                text_number(text, value);
}

/* Inconclusive is red unless the user chose that it passes (exit code 0). */
static bool is_held(const struct suite *suite, const char *outcome)
{
        if (strcmp(outcome, "inconclusive") == 0)
                return json_integer_value(result_at(suite->report->result, "exit_code")) == 0;
        return strcmp(outcome, "passed") == 0;
}

static void write_checks(struct suite *suite, const json_t *list, const char *kind,
                         const char *name_key, const char *expected_key)
{
        size_t index;
        json_t *entry;

        json_array_foreach(list, index, entry)
        {
                const char *outcome = result_text(entry, "outcome");
                struct text message;

                /* Probes of the method are in one list with those of the steady state. */
                open_case(suite, json_is_number(json_object_get(entry, "at")) ? "probe" : kind,
                          result_text(entry, name_key));
                if (is_held(suite, outcome)) {
                        pass_case(suite);
                        continue;
                }
                text_init(&message);
                text_add(&message, "observed: ");
                add_number(&message, entry, "observed");
                if (json_is_number(json_object_get(entry, "low"))) {
                        text_add(&message, " (");
                        add_number(&message, entry, "low");
                        text_add(&message, " to ");
                        add_number(&message, entry, "high");
                        text_add(&message, ")");
                }
                text_add(&message, ", expected: ");
                text_plain(&message, result_text(entry, expected_key));
                suite->cases.failed = suite->cases.failed || message.failed;
                fail_case(suite, strcmp(outcome, "inconclusive") == 0 ? "inconclusive" : kind,
                          &message);
                text_release(&message);
        }
}

static void write_faults(struct suite *suite)
{
        size_t index;
        json_t *fault;

        json_array_foreach(json_object_get(suite->report->result, "faults"), index, fault)
        {
                struct text message;

                open_case(suite, "fault", result_text(fault, "name"));
                if (!json_is_false(json_object_get(fault, "effective"))) {
                        pass_case(suite);
                        continue;
                }
                text_init(&message);
                text_add(&message, "observed: touched ");
                add_number(&message, fault, "touched");
                text_add(&message, " requests or instances, expected: at least 1");
                fail_case(suite, "not_effective", &message);
                text_release(&message);
        }
}

static void write_invariant(struct suite *suite, const char *name, bool held, const char *detail)
{
        struct text message;

        open_case(suite, "invariant", name);
        if (held) {
                pass_case(suite);
                return;
        }
        text_init(&message);
        text_add(&message, "observed: broken");
        if (*detail != '\0') {
                text_add(&message, " (");
                text_plain(&message, detail);
                text_add(&message, ")");
        }
        text_add(&message, ", expected: held");
        fail_case(suite, "invariant", &message);
        text_release(&message);
}

static void write_invariants(struct suite *suite)
{
        size_t index;
        json_t *entry;

        json_array_foreach(json_object_get(suite->report->result, "invariants"), index, entry)
                write_invariant(suite, result_text(entry, "name"), result_true(entry, "holds"),
                                result_text(entry, "detail"));
}

static void write_outcome(struct suite *suite)
{
        const char *outcome = result_text(suite->report->result, "outcome");
        bool told = suite->failures > 0 || strcmp(outcome, "passed") == 0 ||
                    (strcmp(outcome, "inconclusive") == 0 && is_held(suite, outcome));
        struct text message;

        open_case(suite, "run", "outcome");
        if (told) {
                pass_case(suite);
                return;
        }
        text_init(&message);
        text_add(&message, "observed: ");
        text_plain(&message, outcome);
        text_add(&message, ", expected: passed. ");
        report_sentence(suite->report, &message);
        fail_case(suite, "outcome", &message);
        text_release(&message);
}

static void write_property(struct text *out, const char *name, const char *value)
{
        if (*value == '\0')
                return;
        text_addf(out, "      <property name=\"%s\" value=\"", name);
        text_html(out, value);
        text_add(out, "\"/>\n");
}

void write_junit(const struct writer_context *context, struct text *out)
{
        const json_t *result = context->report->result;
        const json_t *steady = result_at(result, "steady_state");
        struct suite suite = {.report = context->report};
        struct text sentence;
        double seconds = result_number(result, "harness.virtual_seconds");

        text_init(&suite.cases);
        text_init(&sentence);
        write_checks(&suite, result_at(result, "thresholds"), "threshold", "check", "check");
        write_checks(&suite, json_is_array(steady) ? steady : result_at(steady, "probes"),
                     "steady_state", "name", "tolerance");
        write_faults(&suite);
        write_invariants(&suite);
        write_outcome(&suite);
        report_sentence(context->report, &sentence);

        text_add(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
                      "  <testsuite package=\"chaos-run\" id=\"0\" name=\"");
        text_html(out, report_title(context->report));
        text_addf(out,
                  "\" timestamp=\"1970-01-01T00:00:00\" hostname=\"localhost\" tests=\"%zu\" "
                  "failures=\"%zu\" errors=\"0\" time=\"%.3f\">\n    <properties>\n",
                  suite.tests, suite.failures, isnan(seconds) ? 0 : seconds);
        write_property(out, "scenario", result_text(result, "scenario.file"));
        write_property(out, "scenario_digest", result_text(result, "scenario.digest"));
        write_property(out, "healer", result_text(result, "healer.name"));
        write_property(out, "repeat", result_text(result, "command"));
        write_property(out, "version", result_text(result, "harness.version"));
        text_add(out, "    </properties>\n");
        text_add_bytes(out, text_bytes(&suite.cases), suite.cases.length);
        text_add(out, "    <system-out>");
        text_html(out, text_bytes(&sentence));
        text_add(out, "</system-out>\n    <system-err></system-err>\n  </testsuite>\n"
                      "</testsuites>\n");
        out->failed = out->failed || suite.cases.failed || sentence.failed;
        text_release(&suite.cases);
        text_release(&sentence);
}
