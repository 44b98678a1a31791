/* write_journal.c - journal.jsonl: what happened, one event a line.
 *
 * Indices become names here, so that a line is understood alone. JSON is
 * written by hand: a run has up to millions of lines, and every key is ours;
 * only texts need quoting (json_text()).
 */
#include "reports/write_journal.h"

#include <math.h>
#include <string.h>

/* A quoted JSON string; what is no valid UTF-8 is replaced. */
static void json_text(struct text *out, const char *raw)
{
        struct text clean;

        text_init(&clean);
        text_plain(&clean, raw);
        text_add(out, "\"");
        for (const char *at = text_bytes(&clean); *at != '\0'; at++) {
                if (*at == '"' || *at == '\\')
                        text_add(out, "\\");
                text_add_bytes(out, at, 1);
        }
        text_add(out, "\"");
        out->failed = out->failed || clean.failed;
        text_release(&clean);
}

static void add_text(struct text *out, const char *key, const char *value)
{
        if (value == NULL || *value == '\0')
                return;
        text_addf(out, ",\"%s\":", key);
        json_text(out, value);
}

static void add_number(struct text *out, const char *key, double value)
{
        if (!isfinite(value))
                return;
        text_addf(out, ",\"%s\":", key);
        text_number(out, value);
}

static void add_id(struct text *out, const char *key, uint64_t id)
{
        if (id != 0)
                text_addf(out, ",\"%s\":%llu", key, (unsigned long long)id);
}

static void add_flag(struct text *out, const char *key, bool value)
{
        text_addf(out, ",\"%s\":%s", key, value ? "true" : "false");
}

static void add_places(struct text *out, const struct run_meta *meta,
                       const struct journal_entry *entry)
{
        if (entry->service < meta->service_count)
                add_text(out, "service", meta->services[entry->service].name);
        if (entry->instance != RECORD_NONE)
                text_addf(out, ",\"instance\":%u", entry->instance);
        if (entry->edge < meta->edge_count)
                add_text(out, "edge", meta->edges[entry->edge].name);
}

/* What `ref` points to, by type. */
static void add_reference(struct text *out, const struct run_meta *meta,
                          const struct journal_entry *entry)
{
        switch (entry->type) {
        case JOURNAL_FAULT_STARTED:
        case JOURNAL_FAULT_ENDED:
                if (entry->ref < meta->fault_count) {
                        add_text(out, "fault", meta->faults[entry->ref].name);
                        add_text(out, "fault_kind", meta->faults[entry->ref].kind);
                }
                break;
        case JOURNAL_PROBE:
                if (entry->ref < meta->probe_count)
                        add_text(out, "probe", meta->probes[entry->ref].name);
                break;
        default:
                if (entry->ref != RECORD_NONE)
                        text_addf(out, ",\"ref\":%u", entry->ref);
        }
}

static bool has_outcome(enum journal_type type)
{
        return type == JOURNAL_ACTION_FINISHED || type == JOURNAL_PROBE ||
               type == JOURNAL_PREDICTION_OUTCOME;
}

static bool is_action(enum journal_type type)
{
        return type == JOURNAL_ACTION_STARTED || type == JOURNAL_ACTION_FINISHED;
}

/* What the format promises; the rest is between healer and grade, and the grade
 * tells its sum. */
static bool is_told(enum journal_type type)
{
        return type != JOURNAL_ALARM_CLEARED && type != JOURNAL_EPISODE &&
               type != JOURNAL_SUGGESTION && type != JOURNAL_BACKGROUND;
}

void journal_line(const struct run_meta *meta, uint32_t run, enum arm arm,
                  const struct journal_entry *entry, struct text *out)
{
        text_add(out, "{\"t\":");
        text_number(out, (double)entry->at_ns / 1e9);
        text_addf(out, ",\"run\":%u,\"arm\":\"%s\",\"type\":\"%s\"", run, arm_names[arm],
                  journal_type_names[entry->type]);
        add_places(out, meta, entry);
        add_reference(out, meta, entry);
        add_id(out, "id", entry->id);
        add_id(out, "episode", entry->episode);
        add_id(out, "prediction", entry->prediction);
        if (is_action(entry->type)) {
                if (entry->action < meta->action_kind_count)
                        add_text(out, "action", meta->action_names[entry->action]);
                add_flag(out, "preventive", entry->preventive);
                add_flag(out, "held_back", entry->held_back);
        }
        add_text(out, "kind", entry->kind);
        if (entry->type == JOURNAL_DIAGNOSIS)
                text_addf(out, ",\"rank\":%u", entry->rank);
        add_text(out, "severity", entry->severity);
        add_text(out, "metric", entry->metric);
        add_number(out, "value", entry->value);
        add_number(out, "limit", entry->limit);
        add_number(out, "confidence", entry->confidence);
        if (entry->type == JOURNAL_PREDICTION && entry->eta_ns != TIME_NEVER)
                add_number(out, "eta", (double)entry->eta_ns / 1e9);
        if (has_outcome(entry->type))
                add_flag(out, "ok", entry->ok);
        add_text(out, "text", entry->text);
        if (entry->type == JOURNAL_ESCALATION) {
                add_text(out, "context", entry->more);
        } else if (entry->more != NULL && *entry->more != '\0') {
                text_add(out, ",\"entry\":");
                text_add(out, entry->more); /* JSON already */
        }
        text_add(out, "}");
}

bool journal_begin(struct out_file *file, const char *folder, struct out_error *error)
{
        return out_file_begin(file, folder, "journal.jsonl", error);
}

void journal_add(struct out_file *file, const struct run_meta *meta,
                 const struct replication_record *record)
{
        struct text line;

        text_init(&line);
        for (int arm = 0; arm < ARM_COUNT; arm++) {
                const struct arm_record *facts = record->arms[arm];

                for (size_t i = 0; facts != NULL && i < facts->journal_count; i++) {
                        if (!is_told(facts->journal[i].type))
                                continue;
                        line.length = 0;
                        journal_line(meta, record->replication, (enum arm)arm, &facts->journal[i],
                                     &line);
                        text_add(&line, "\n");
                        out_file_add(file, text_bytes(&line), line.length);
                }
        }
        if (line.failed && !file->failed) {
                out_error_set(file->error, "%s: cannot write: out of memory", file->path);
                file->failed = true;
        }
        text_release(&line);
}
