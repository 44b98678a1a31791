/* classify.c - from words and situations to failure types and severities.
 *
 * Rows of words that must all occur, in any order of the text but as whole
 * words; the first row that fits wins, so the special ones stand first. Whole
 * words, because "information" is not "info". A word in a row is the beginning of
 * one in the text, so that "exhaust" is "exhausted" too; what programs write in one
 * piece (ECONNREFUSED) has rows of its own.
 *
 * How grave: what the text says (critical, error, warning, info), else what its
 * type usually is.
 */
#include "healer/hlr_supervisor.h"

#include <ctype.h>
#include <string.h>

struct words {
        enum healer_failure failure;
        const char *all[3]; /* each begins a word of the text */
};

static const struct words rows[] = {
        {HEALER_FAILURE_MEMORY_EXHAUSTION, {"outofmemoryerror", NULL, NULL}},
        {HEALER_FAILURE_MEMORY_EXHAUSTION, {"bad_alloc", NULL, NULL}},
        {HEALER_FAILURE_MEMORY_EXHAUSTION, {"memoryerror", NULL, NULL}},
        {HEALER_FAILURE_MEMORY_EXHAUSTION, {"oomkill", NULL, NULL}},
        {HEALER_FAILURE_MEMORY_EXHAUSTION, {"not", "enough", "memory"}},
        {HEALER_FAILURE_MEMORY_EXHAUSTION, {"heap", "limit", NULL}},
        {HEALER_FAILURE_MEMORY_EXHAUSTION, {"out", "of", "memory"}},
        {HEALER_FAILURE_MEMORY_EXHAUSTION, {"cannot", "allocate", NULL}},
        {HEALER_FAILURE_MEMORY_EXHAUSTION, {"heap", "overflow", NULL}},
        {HEALER_FAILURE_MEMORY_EXHAUSTION, {"oom", NULL, NULL}},
        {HEALER_FAILURE_MEMORY_LEAK, {"memory", "leak", NULL}},
        {HEALER_FAILURE_MEMORY_EXHAUSTION, {"memory", "exhaust", NULL}},
        {HEALER_FAILURE_MEMORY_EXHAUSTION, {"memory", "limit", NULL}},
        {HEALER_FAILURE_MEMORY_EXHAUSTION, {"memory", "usage", NULL}},
        {HEALER_FAILURE_MEMORY_EXHAUSTION, {"memory", "pressure", NULL}},
        {HEALER_FAILURE_DATABASE_CONNECTION, {"database", "connection", NULL}},
        {HEALER_FAILURE_DATABASE_CONNECTION, {"database", "timeout", NULL}},
        {HEALER_FAILURE_DATABASE_CONNECTION, {"db", "connection", NULL}},
        {HEALER_FAILURE_DATABASE_CONNECTION, {"pool", "exhaust", NULL}},
        {HEALER_FAILURE_DATABASE_CONNECTION, {"connection", "pool", NULL}},
        {HEALER_FAILURE_DATABASE_CONNECTION, {"database", NULL, NULL}},
        {HEALER_FAILURE_DATABASE_CONNECTION, {"mysql", NULL, NULL}},
        {HEALER_FAILURE_DATABASE_CONNECTION, {"sqlstate", NULL, NULL}},
        {HEALER_FAILURE_DATABASE_CONNECTION, {"psycopg2", NULL, NULL}},
        {HEALER_FAILURE_DATABASE_CONNECTION, {"deadlock", NULL, NULL}},
        {HEALER_FAILURE_DATABASE_CONNECTION, {"lock", "wait", "timeout"}},
        {HEALER_FAILURE_DATABASE_CONNECTION, {"too", "many", "clients"}},
        {HEALER_FAILURE_CPU_SPIKE, {"cpu", NULL, NULL}},
        {HEALER_FAILURE_CPU_SPIKE, {"highcpu", NULL, NULL}},
        {HEALER_FAILURE_CPU_SPIKE, {"cputhrottling", NULL, NULL}},
        {HEALER_FAILURE_CPU_SPIKE, {"processor", NULL, NULL}},
        {HEALER_FAILURE_CPU_SPIKE, {"load", "average", NULL}},
        {HEALER_FAILURE_TOKEN_EXHAUSTION, {"token", "exhaust", NULL}},
        {HEALER_FAILURE_QUOTA_EXCEEDED, {"quota", NULL, NULL}},
        {HEALER_FAILURE_QUOTA_EXCEEDED, {"rate", "limit", NULL}},
        {HEALER_FAILURE_CPU_SPIKE, {"cpu", "high", NULL}},
        {HEALER_FAILURE_CPU_SPIKE, {"cpu", "spike", NULL}},
        {HEALER_FAILURE_CPU_SPIKE, {"processor", "overload", NULL}},
        {HEALER_FAILURE_DISK_FULL, {"no", "space", "left"}},
        {HEALER_FAILURE_DISK_FULL, {"disk", "full", NULL}},
        {HEALER_FAILURE_DEPLOYMENT_FAILURE, {"deployment", "failed", NULL}},
        {HEALER_FAILURE_DEPLOYMENT_FAILURE, {"deployment", "error", NULL}},
        {HEALER_FAILURE_DEPLOYMENT_FAILURE, {"rollback", "required", NULL}},
        {HEALER_FAILURE_DEPLOYMENT_FAILURE, {"build", "failed", NULL}},
        {HEALER_FAILURE_DEPLOYMENT_FAILURE, {"deploy", "fail", NULL}},
        {HEALER_FAILURE_DEPLOYMENT_FAILURE, {"deployment", "progress", NULL}},
        {HEALER_FAILURE_DEPLOYMENT_FAILURE, {"build", "failed", NULL}},
        {HEALER_FAILURE_DEPLOYMENT_FAILURE, {"rollout", "failed", NULL}},
        {HEALER_FAILURE_DEPLOYMENT_FAILURE, {"roll", "out", "failed"}},
        {HEALER_FAILURE_DEPLOYMENT_FAILURE, {"build", "of", "failed"}},
        {HEALER_FAILURE_DEPLOYMENT_FAILURE, {"imagepullbackoff", NULL, NULL}},
        {HEALER_FAILURE_DEPLOYMENT_FAILURE, {"errimagepull", NULL, NULL}},
        {HEALER_FAILURE_CONFIGURATION_ERROR, {"configuration", NULL, NULL}},
        {HEALER_FAILURE_CONFIGURATION_ERROR, {"config", NULL, NULL}},
        {HEALER_FAILURE_CONFIGURATION_ERROR, {"certificate", NULL, NULL}},
        {HEALER_FAILURE_CONFIGURATION_ERROR, {"environment", "not", "set"}},
        {HEALER_FAILURE_CONFIGURATION_ERROR, {"environment", "missing", NULL}},
        {HEALER_FAILURE_CONFIGURATION_ERROR, {"setting", "invalid", NULL}},
        {HEALER_FAILURE_CONFIGURATION_ERROR, {"createcontainerconfig", NULL, NULL}},
        {HEALER_FAILURE_DEPENDENCY_FAILURE, {"module", "not", "found"}},
        {HEALER_FAILURE_DEPENDENCY_FAILURE, {"import", "error", NULL}},
        {HEALER_FAILURE_DEPENDENCY_FAILURE, {"package", "missing", NULL}},
        {HEALER_FAILURE_DEPENDENCY_FAILURE, {"modulenotfounderror", NULL, NULL}},
        {HEALER_FAILURE_DEPENDENCY_FAILURE, {"importerror", NULL, NULL}},
        {HEALER_FAILURE_DEPENDENCY_FAILURE, {"cannot", "find", "module"}},
        {HEALER_FAILURE_DEPENDENCY_FAILURE, {"unable", "import", NULL}},
        {HEALER_FAILURE_DEPENDENCY_FAILURE, {"class", "not", "found"}},
        {HEALER_FAILURE_DEPENDENCY_FAILURE, {"shared", "librar", NULL}},
        {HEALER_FAILURE_DEPENDENCY_FAILURE, {"missing", "package", NULL}},
        {HEALER_FAILURE_DEPENDENCY_FAILURE, {"dependenc", NULL, NULL}},
        {HEALER_FAILURE_API_FAILURE, {"gateway", "time", "out"}},
        {HEALER_FAILURE_NETWORK_TIMEOUT, {"connection", "timeout", NULL}},
        {HEALER_FAILURE_NETWORK_TIMEOUT, {"connection", "timed", NULL}},
        {HEALER_FAILURE_NETWORK_TIMEOUT, {"network", "timeout", NULL}},
        {HEALER_FAILURE_NETWORK_TIMEOUT, {"socket", "timeout", NULL}},
        {HEALER_FAILURE_NETWORK_TIMEOUT, {"connection", "refused", NULL}},
        {HEALER_FAILURE_NETWORK_TIMEOUT, {"connection", "reset", NULL}},
        {HEALER_FAILURE_NETWORK_TIMEOUT, {"econnre", NULL, NULL}},
        {HEALER_FAILURE_NETWORK_TIMEOUT, {"etimedout", NULL, NULL}},
        {HEALER_FAILURE_NETWORK_TIMEOUT, {"enotfound", NULL, NULL}},
        {HEALER_FAILURE_NETWORK_TIMEOUT, {"timed", "out", NULL}},
        {HEALER_FAILURE_NETWORK_TIMEOUT, {"i", "o", "timeout"}},
        {HEALER_FAILURE_NETWORK_TIMEOUT, {"tls", "handshake", NULL}},
        {HEALER_FAILURE_NETWORK_TIMEOUT, {"network", NULL, NULL}},
        {HEALER_FAILURE_NETWORK_TIMEOUT, {"no", "route", "host"}},
        {HEALER_FAILURE_NETWORK_TIMEOUT, {"no", "such", "host"}},
        {HEALER_FAILURE_NETWORK_TIMEOUT, {"name", "resolution", NULL}},
        {HEALER_FAILURE_NETWORK_TIMEOUT, {"not", "resolve", "host"}},
        {HEALER_FAILURE_NETWORK_TIMEOUT, {"broken", "pipe", NULL}},
        {HEALER_FAILURE_NETWORK_TIMEOUT, {"packet", "loss", NULL}},
        {HEALER_FAILURE_NETWORK_TIMEOUT, {"connect", "error", NULL}},
        {HEALER_FAILURE_NETWORK_TIMEOUT, {"closed", "connection", NULL}},
        {HEALER_FAILURE_TASK_TIMEOUT, {"request", "timeout", NULL}},
        {HEALER_FAILURE_API_FAILURE, {"service", "unavailable", NULL}},
        {HEALER_FAILURE_API_FAILURE, {"api", "fail", NULL}},
        {HEALER_FAILURE_API_FAILURE, {"api", "unavailable", NULL}},
        {HEALER_FAILURE_API_FAILURE, {"httperror", NULL, NULL}},
        {HEALER_FAILURE_API_FAILURE, {"http", "500", NULL}},
        {HEALER_FAILURE_API_FAILURE, {"bad", "gateway", NULL}},
        {HEALER_FAILURE_API_FAILURE, {"internal", "server", "error"}},
        {HEALER_FAILURE_API_FAILURE, {"api", "error", NULL}},
        {HEALER_FAILURE_API_FAILURE, {"http", "error", NULL}},
        {HEALER_FAILURE_AGENT_DOWN, {"crash", NULL, NULL}},
        {HEALER_FAILURE_HIGH_LATENCY, {"slow", NULL, NULL}},
        {HEALER_FAILURE_TASK_FAILED, {"task", "failed", NULL}},
        {HEALER_FAILURE_EXECUTION_ERROR, {"exception", NULL, NULL}},
};

/* Whether a word of `text` begins with `word`, case-free. */
static bool has_word(const char *text, const char *word)
{
        size_t length = strlen(word);
        bool at_start = true;
        size_t i;

        for (; *text != '\0'; text++) {
                if (!at_start) {
                        at_start = !isalnum((unsigned char)*text);
                        continue;
                }
                for (i = 0; i < length && tolower((unsigned char)text[i]) == word[i]; i++)
                        ;
                if (i == length)
                        return true;
                at_start = !isalnum((unsigned char)*text);
        }
        return false;
}

enum healer_failure healer_classify_text(const char *text)
{
        const char *word;
        size_t row, i;

        if (text == NULL)
                return HEALER_FAILURE_UNKNOWN;
        for (row = 0; row < HLR_COUNT(rows); row++) {
                for (i = 0; i < HLR_COUNT(rows[row].all); i++) {
                        word = rows[row].all[i];
                        if (word == NULL)
                                return rows[row].failure;
                        if (!has_word(text, word))
                                break;
                }
                if (i == HLR_COUNT(rows[row].all))
                        return rows[row].failure;
        }
        return HEALER_FAILURE_UNKNOWN;
}

static const struct {
        enum healer_severity severity;
        const char *word;
} graver[] = {
        {HEALER_SEVERITY_CRITICAL, "critical"}, {HEALER_SEVERITY_CRITICAL, "fatal"},
        {HEALER_SEVERITY_CRITICAL, "emerg"},    {HEALER_SEVERITY_CRITICAL, "panic"},
        {HEALER_SEVERITY_MEDIUM, "warn"},       {HEALER_SEVERITY_MEDIUM, "degraded"},
        {HEALER_SEVERITY_MEDIUM, "slow"},       {HEALER_SEVERITY_HIGH, "error"},
        {HEALER_SEVERITY_HIGH, "fail"},         {HEALER_SEVERITY_HIGH, "exception"},
        {HEALER_SEVERITY_HIGH, "refused"},      {HEALER_SEVERITY_LOW, "info"},
        {HEALER_SEVERITY_LOW, "notice"},        {HEALER_SEVERITY_LOW, "debug"},
};

enum healer_severity healer_severity_of_text(const char *text)
{
        size_t i;

        for (i = 0; text != NULL && i < HLR_COUNT(graver); i++)
                if (has_word(text, graver[i].word))
                        return graver[i].severity;
        switch (healer_classify_text(text)) {
        case HEALER_FAILURE_UNKNOWN:
                return HEALER_SEVERITY_LOW;
        case HEALER_FAILURE_CPU_SPIKE:
        case HEALER_FAILURE_MEMORY_LEAK:
        case HEALER_FAILURE_HIGH_LATENCY:
                return HEALER_SEVERITY_MEDIUM;
        default:
                return HEALER_SEVERITY_HIGH;
        }
}

enum healer_severity hlr_severity(const struct healer *healer, const struct hlr_alarm *alarm,
                                  const struct hlr_service *service)
{
        (void)healer;
        if (alarm->reported)
                return service->reports[alarm - service->alarms].severity;
        if (alarm->level == HLR_CRITICAL)
                return service->info.critical ? HEALER_SEVERITY_CRITICAL : HEALER_SEVERITY_HIGH;
        return service->info.critical ? HEALER_SEVERITY_HIGH : HEALER_SEVERITY_MEDIUM;
}
