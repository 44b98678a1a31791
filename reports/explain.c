/* explain.c - the story of an incident: what was wrong, what was seen, what was
 * done, what came of it, and how it went in the twins.
 *
 * The window of a story runs from the fault that caused the incident (or its
 * onset) to a while after its restoration. Rows are collected from result.json
 * and journal.jsonl in any order; the timeline sorts them. The journal is read
 * line by line: a line that is too long or no JSON is counted and left out.
 *
 * All texts come from a file and are hostile until they went through
 * text_plain() or text_wrapped().
 */
#include "reports/explain.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/in_file.h"
#include "harness/base/memory.h"
#include "reports/timeline.h"

enum { LIST_LINES = 15, JOURNAL_LINE_MAX = 65536, EDGES_MAX = 64, ROWS_MAX = 2000 };

#define BEFORE_S 5.0 /* of the story, before fault or onset */
#define AFTER_S 60.0 /* and after restoration */

/* ---- which incidents there are */

static const json_t *arm_list(const struct report *report, const char *arm, const char *list)
{
        const json_t *arms = json_object_get(report->result, "arms");

        return json_object_get(json_object_get(arms, arm), list);
}

static bool is_prevented(const json_t *incident)
{
        return strcmp(result_text(incident, "fate"), "prevented") == 0;
}

size_t explain_count(const struct report *report)
{
        size_t count = json_array_size(arm_list(report, "treated", "incidents")), i;
        const json_t *incident;

        json_array_foreach(arm_list(report, "untreated", "incidents"), i, incident) count +=
                is_prevented(incident);
        return count;
}

struct numbered {
        const json_t *incident;
        size_t number;
        bool prevented;
};

/* All of them, in order of number; to be freed. NULL: no memory. */
static struct numbered *number_all(const struct report *report, size_t *count)
{
        struct numbered *all = calloc(explain_count(report) + 1, sizeof(*all));
        const json_t *incident;
        size_t i;

        *count = 0;
        if (all == NULL)
                return NULL;
        json_array_foreach(arm_list(report, "treated", "incidents"), i, incident)
        {
                all[*count] = (struct numbered){incident, *count + 1, false};
                *count += 1;
        }
        json_array_foreach(arm_list(report, "untreated", "incidents"), i, incident)
        {
                if (!is_prevented(incident))
                        continue;
                all[*count] = (struct numbered){incident, *count + 1, true};
                *count += 1;
        }
        return all;
}

static double number_or(const json_t *node, const char *key, double fallback)
{
        double value = result_number(node, key);

        return isfinite(value) ? value : fallback;
}

static double badness(const struct numbered *entry)
{
        return number_or(entry->incident, "bad_requests", 0);
}

/* What happened comes before what was prevented, what users felt before the
 * rest, then the number of bad requests. */
static int by_badness(const void *left, const void *right)
{
        const struct numbered *a = left, *b = right;
        bool a_seen = result_true(a->incident, "user_visible");
        bool b_seen = result_true(b->incident, "user_visible");

        if (a->prevented != b->prevented)
                return a->prevented ? 1 : -1;
        if (a_seen != b_seen)
                return a_seen ? -1 : 1;
        if (badness(a) != badness(b))
                return badness(a) > badness(b) ? -1 : 1;
        return a->number < b->number ? -1 : 1;
}

/* ---- the story */

struct edge_story {
        char *name;
        double first_s, last_closed_s;
        size_t opened;
        bool closed;
};

struct story {
        const struct report *report;
        const json_t *incident;
        bool prevented;
        const char *service;
        double run, from_s, onset_s, end_s, to_s;
        bool open; /* not restored */
        struct timeline timeline;
        bool journal_covers; /* holds lines of this run */
        size_t alarms, bad_lines;
        const char *unread; /* why, where the journal is there and could not be read */
        struct edge_story edges[EDGES_MAX];
        size_t edge_count;
};

static void story_begin(struct story *story, const struct report *report,
                        const struct numbered *entry)
{
        double fault_s = result_number(entry->incident, "f");

        *story = (struct story){
                .report = report, .incident = entry->incident, .prevented = entry->prevented};
        story->service = result_text(entry->incident, "service");
        story->run = number_or(entry->incident, "run", 0);
        story->onset_s = number_or(entry->incident, "o", 0);
        story->open = !isfinite(result_number(entry->incident, "r"));
        story->end_s =
                number_or(entry->incident, "r", number_or(entry->incident, "end", story->onset_s));
        story->from_s = (fault_s < story->onset_s ? fault_s : story->onset_s) - BEFORE_S;
        story->to_s = story->end_s + AFTER_S;
        timeline_init(&story->timeline);
}

static void story_release(struct story *story)
{
        for (size_t i = 0; i < story->edge_count; i++)
                free(story->edges[i].name);
        timeline_release(&story->timeline);
}

static bool in_story(const struct story *story, double at_s)
{
        return at_s >= story->from_s && at_s <= story->to_s && story->timeline.count < ROWS_MAX;
}

/* A row whose first words are a text from outside. */
static struct text *add_row(struct story *story, double at_s, const char *label,
                            const char *subject)
{
        struct text *words = timeline_add(&story->timeline, at_s, label);

        text_plain(words, subject);
        return words;
}

/* "product-catalogue-1", by the number that an instance has in the whole fleet. */
static void text_instance(const struct story *story, const char *service, double instance,
                          struct text *out)
{
        const json_t *row;
        double first = 0;
        size_t i;

        json_array_foreach(json_object_get(story->report->result, "services"), i, row)
        {
                double count = number_or(row, "instances", 0);

                if (instance < first + count) {
                        text_plain(out, result_text(row, "name"));
                        text_addf(out, "-%.0f", instance - first);
                        return;
                }
                first += count;
        }
        text_plain(out, service);
        if (first > 0)
                text_add(out, " (an instance that came later)");
        else /* a result that does not say how many each service has */
                text_addf(out, ", instance %.0f", instance);
}

/* What a journal line or an action is about: an instance, an edge or a service. */
static void text_place(const struct story *story, const json_t *node, struct text *out)
{
        double instance = result_number(node, "instance");

        if (isfinite(instance))
                text_instance(story, result_text(node, "service"), instance, out);
        else if (result_text(node, "edge")[0] != '\0')
                text_plain(out, result_text(node, "edge"));
        else
                text_plain(out, result_text(node, "service"));
}

static bool of_run(const struct story *story, const json_t *node)
{
        return number_or(node, "run", -1) == story->run;
}

/* ---- rows from the result */

static void add_course(struct story *story)
{
        bool seen = result_true(story->incident, "user_visible");
        struct text *words;

        words = add_row(story, story->onset_s, story->prevented ? "(onset)" : "onset",
                        story->service);
        text_addf(words,
                  story->prevented ? " would have become bad here%s" : " misses its objective%s",
                  seen ? ": users feel it" : "");
        words = add_row(story, story->end_s,
                        story->prevented ? "(end)"
                        : story->open    ? "open"
                                         : "restored",
                        story->service);
        text_add(words, story->prevented ? " would have been bad until here"
                        : story->open    ? " is still bad when the run ends"
                                         : " meets its objective again");
}

/* Other services that were bad at the same time, in the same world. */
static void add_neighbours(struct story *story)
{
        const json_t *other;
        size_t i;

        json_array_foreach(arm_list(story->report, "treated", "incidents"), i, other)
        {
                double onset_s = number_or(other, "o", NAN);
                double end_s = number_or(other, "r", number_or(other, "end", NAN));
                struct text *words;

                if (other == story->incident || !of_run(story, other) ||
                    !(onset_s <= story->end_s && end_s >= story->onset_s) ||
                    !in_story(story, onset_s))
                        continue;
                words = add_row(story, onset_s, "also bad", result_text(other, "service"));
                text_add(words, ", until ");
                text_clock(words, end_s);
        }
}

static void add_actions(struct story *story)
{
        const json_t *action;
        size_t i;

        json_array_foreach(arm_list(story->report, "treated", "actions"), i, action)
        {
                double at_s = number_or(action, "t", NAN), took_s;
                struct text *words;

                if (!of_run(story, action) || !in_story(story, at_s))
                        continue;
                words = add_row(story, at_s, "action", result_text(action, "action"));
                text_add(words, " of ");
                text_place(story, action, words);
                took_s = result_number(action, "finished") - at_s;
                if (isfinite(took_s)) {
                        text_add(words,
                                 result_true(action, "ok") ? ", done after " : ", failed after ");
                        text_duration(words, took_s);
                } else {
                        text_add(words, ", never finished");
                }
                if (result_true(action, "preventive"))
                        text_add(words, "; preventive");
                if (json_is_boolean(json_object_get(action, "right_target")))
                        text_add(words, result_true(action, "right_target") ? "; right target"
                                                                            : "; wrong target");
                if (json_is_boolean(json_object_get(action, "right_action")))
                        text_add(words, result_true(action, "right_action")
                                                ? ", an action that cures it"
                                                : ", an action that cannot cure it");
                if (result_true(action, "false_action"))
                        text_add(words, "; there was nothing to heal");
        }
}

static void add_predictions(struct story *story)
{
        static const struct {
                const char *outcome, *words;
        } said[] = {{"true", "; it was right"},
                    {"false", "; it was wrong"},
                    {"during", "; it was already going on"}};
        const json_t *prediction;
        size_t i;

        json_array_foreach(arm_list(story->report, "treated", "predictions"), i, prediction)
        {
                double at_s = number_or(prediction, "t", NAN);
                double eta_s = result_number(prediction, "eta");
                double confidence = result_number(prediction, "confidence");
                struct text *words;

                if (!of_run(story, prediction) || !in_story(story, at_s))
                        continue;
                words = add_row(story, at_s, "predicted", result_text(prediction, "failure_type"));
                text_add(words, " of ");
                text_plain(words, result_text(prediction, "service"));
                if (isfinite(eta_s)) {
                        text_add(words, " for ");
                        text_clock(words, eta_s);
                }
                if (isfinite(confidence)) {
                        text_add(words, ", sure to ");
                        text_percent(words, confidence);
                }
                for (size_t k = 0; k < sizeof(said) / sizeof(said[0]); k++)
                        if (strcmp(result_text(prediction, "outcome"), said[k].outcome) == 0)
                                text_add(words, said[k].words);
        }
}

/* In place of the journal's faults: the one that came first. */
static void add_first_fault(struct story *story)
{
        double at_s = result_number(story->incident, "f");
        const json_t *names = json_object_get(story->incident, "faults");

        if (isfinite(at_s) && in_story(story, at_s) && json_array_size(names) > 0)
                text_add(add_row(story, at_s, "fault", json_string_value(json_array_get(names, 0))),
                         json_array_size(names) > 1 ? ", or another of its faults, begins"
                                                    : " begins");
}

/* In place of the journal's alarms: that the healer noticed, and where. */
static void add_episodes(struct story *story)
{
        const json_t *episode;
        size_t i;

        json_array_foreach(arm_list(story->report, "treated", "episodes"), i, episode)
        {
                double at_s = number_or(episode, "opened", NAN);
                struct text *words;

                if (!of_run(story, episode) || !in_story(story, at_s) ||
                    number_or(episode, "alarms", 0) == 0)
                        continue;
                words = add_row(story, at_s, "alarm", result_text(episode, "failure_type"));
                text_add(words, " of ");
                text_plain(words, result_text(episode, "service"));
                text_addf(words, ", the first of %.0f", number_or(episode, "alarms", 0));
                story->alarms++;
        }
}

/* ---- rows from the journal */

static void tell_fault(struct story *story, const json_t *line, double at_s)
{
        bool started = strcmp(result_text(line, "type"), "fault_started") == 0;
        struct text *words =
                add_row(story, at_s, started ? "fault" : "lifted", result_text(line, "fault"));

        if (!started)
                return;
        text_add(words, ": ");
        text_plain(words, result_text(line, "fault_kind"));
        text_add(words, " at ");
        text_place(story, line, words);
}

static void tell_alarm(struct story *story, const json_t *line, double at_s)
{
        struct text *words = add_row(story, at_s, "alarm", result_text(line, "kind"));
        const char *metric = result_text(line, "metric");
        bool is_time = strstr(metric, "latency") != NULL;
        double limit = result_number(line, "limit");

        text_add(words, " of ");
        text_place(story, line, words);
        story->alarms++;
        if (!isfinite(result_number(line, "value")))
                return;
        text_add(words, ": ");
        text_plain(words, metric);
        text_add(words, " ");
        text_value(words, result_number(line, "value"), is_time ? "s" : "");
        if (isfinite(limit)) {
                text_add(words, ", expected at most ");
                text_value(words, limit, is_time ? "s" : "");
        }
}

static void tell_diagnosis(struct story *story, const json_t *line, double at_s)
{
        bool first = number_or(line, "rank", 1) <= 1;
        double confidence = result_number(line, "confidence");
        struct text *words = timeline_add(&story->timeline, at_s, first ? "diagnosis" : "");

        text_add(words, first ? "" : "or else ");
        text_plain(words, result_text(line, "kind"));
        text_add(words, " at ");
        text_place(story, line, words);
        if (isfinite(confidence)) {
                text_add(words, ", sure to ");
                text_percent(words, confidence);
        }
}

static void tell_degradation(struct story *story, const json_t *line, double at_s)
{
        struct text *words = add_row(story, at_s, "degraded", result_text(line, "service"));

        text_addf(words, " to level %.0f of 4", number_or(line, "value", 0));
}

static void tell_escalation(struct story *story, const json_t *line, double at_s)
{
        struct text *words = timeline_add(&story->timeline, at_s, "human");

        text_plain(words, result_text(line, "kind"));
        text_add(words, " about ");
        text_plain(words, result_text(line, "service"));
        text_add(words, ", by ");
        text_plain(words, result_text(line, "text"));
        if (*result_text(line, "context") == '\0')
                return;
        words = timeline_add(&story->timeline, at_s, "");
        text_add(words, "told: ");
        text_plain(words, result_text(line, "context"));
}

/* Its host crashed, or came back: with what it knew before, or without. */
static void tell_healer(struct story *story, const json_t *line, double at_s)
{
        struct text *words = timeline_add(&story->timeline, at_s, "healer");

        text_plain(words, result_text(line, "kind"));
        text_add(words, ": ");
        text_plain(words, result_text(line, "text"));
}

/* Instances that go down for no planned reason, and what becomes of them. */
static void tell_instance(struct story *story, const json_t *line, double at_s)
{
        static const char *const planned[] = {"deployment", "benign restart", "started"};
        const char *cause = result_text(line, "text");
        struct text *words;

        for (size_t i = 0; i < sizeof(planned) / sizeof(planned[0]); i++)
                if (strcmp(cause, planned[i]) == 0)
                        return;
        words = timeline_add(&story->timeline, at_s, "instance");
        text_place(story, line, words);
        text_add(words, " is ");
        text_plain(words, result_text(line, "kind"));
        if (cause[0] != '\0') {
                text_add(words, " (");
                text_plain(words, cause);
                text_add(words, ")");
        }
}

/* A breaker opens and half-opens many times; it is told once, see add_breakers(). */
static void tell_breaker(struct story *story, const json_t *line, double at_s)
{
        const char *name = result_text(line, "edge");
        const char *type = result_text(line, "type");
        struct edge_story *edge = NULL;

        for (size_t i = 0; i < story->edge_count && edge == NULL; i++)
                if (strcmp(story->edges[i].name, name) == 0)
                        edge = &story->edges[i];
        if (edge == NULL) {
                if (story->edge_count == EDGES_MAX || strcmp(type, "breaker_opened") != 0)
                        return;
                edge = &story->edges[story->edge_count];
                *edge = (struct edge_story){.name = strdup(name), .first_s = at_s};
                if (edge->name == NULL) {
                        story->timeline.failed = true;
                        return;
                }
                story->edge_count++;
        }
        edge->opened += strcmp(type, "breaker_opened") == 0;
        edge->closed = strcmp(type, "breaker_closed") == 0;
        if (edge->closed)
                edge->last_closed_s = at_s;
}

static void add_breakers(struct story *story)
{
        for (size_t i = 0; i < story->edge_count; i++) {
                const struct edge_story *edge = &story->edges[i];
                struct text *words = add_row(story, edge->first_s, "breaker", edge->name);

                text_add(words, " opens: calls are refused at once");
                if (edge->opened > 1)
                        text_addf(words, "; %zu times in all", edge->opened);
                if (!edge->closed) {
                        text_add(words, "; it is not closed again in this story");
                        continue;
                }
                words = add_row(story, edge->last_closed_s, "breaker", edge->name);
                text_add(words, " closes, and stays closed");
        }
}

static const struct teller {
        const char *type;
        void (*tell)(struct story *story, const json_t *line, double at_s);
} tellers[] = {
        {"fault_started", tell_fault},
        {"fault_ended", tell_fault},
        {"alarm", tell_alarm},
        {"diagnosis", tell_diagnosis},
        {"breaker_opened", tell_breaker},
        {"breaker_half_opened", tell_breaker},
        {"breaker_closed", tell_breaker},
        {"degradation_changed", tell_degradation},
        {"escalation", tell_escalation},
        {"healer", tell_healer},
        {"instance_state", tell_instance},
};

static void tell_line(struct story *story, const json_t *line)
{
        double at_s = number_or(line, "t", NAN);

        if (!of_run(story, line) || strcmp(result_text(line, "arm"), "treated") != 0)
                return;
        story->journal_covers = true;
        if (!in_story(story, at_s))
                return;
        for (size_t i = 0; i < sizeof(tellers) / sizeof(tellers[0]); i++)
                if (strcmp(result_text(line, "type"), tellers[i].type) == 0)
                        tellers[i].tell(story, line, at_s);
}

static void skip_rest_of_line(FILE *file)
{
        int c;

        do
                c = getc(file);
        while (c != EOF && c != '\n');
}

static void read_journal(struct story *story, const char *path)
{
        const char *why = NULL;
        FILE *file = path == NULL ? NULL : in_file_open(path, &why);
        char *buffer = file == NULL ? NULL : malloc(JOURNAL_LINE_MAX);

        if (path != NULL && file == NULL && errno != ENOENT)
                story->unread = why;
        while (buffer != NULL && fgets(buffer, JOURNAL_LINE_MAX, file) != NULL) {
                size_t length = strlen(buffer);
                json_t *line;

                if (length == JOURNAL_LINE_MAX - 1 && buffer[length - 1] != '\n') {
                        skip_rest_of_line(file);
                        story->bad_lines++;
                        continue;
                }
                if (strstr(buffer, "\"treated\"") == NULL) /* most lines are another arm's */
                        continue;
                line = json_loads(buffer, 0, NULL);
                if (line == NULL)
                        story->bad_lines++;
                else
                        tell_line(story, line);
                json_decref(line);
        }
        if (file != NULL && ferror(file)) {
                if (errno == ENOMEM)
                        memory_note_lack(); /* for the stream's own buffer */
                story->unread = strerror(EIO);
        }
        if (file != NULL)
                fclose(file);
        free(buffer);
        add_breakers(story);
}

/* ---- the twins */

static bool shares_time(const struct story *story, const json_t *other)
{
        double onset_s = number_or(other, "o", NAN);
        double end_s = number_or(other, "r", number_or(other, "end", NAN));

        return of_run(story, other) && strcmp(result_text(other, "service"), story->service) == 0 &&
               onset_s <= story->to_s && end_s >= story->from_s;
}

static double overlap_s(const struct story *story, const json_t *other)
{
        double onset_s = number_or(other, "o", 0);
        double end_s = number_or(other, "r", number_or(other, "end", 0));

        return fmin(end_s, story->end_s) - fmax(onset_s, story->onset_s);
}

/* The incident of that service in that arm which overlaps most; NULL: none. */
static const json_t *twin_of(const struct story *story, const char *arm, size_t *count)
{
        const json_t *other, *best = NULL;
        size_t i;

        *count = 0;
        json_array_foreach(arm_list(story->report, arm, "incidents"), i, other)
        {
                if (!shares_time(story, other))
                        continue;
                *count += 1;
                if (best == NULL || overlap_s(story, other) > overlap_s(story, best))
                        best = other;
        }
        return best;
}

static double lasted_s(const json_t *incident)
{
        return number_or(incident, "r", number_or(incident, "end", NAN)) -
               number_or(incident, "o", NAN);
}

static void add_twin(struct story *story, const char *arm, const char *meaning, struct text *out)
{
        struct text words;
        const json_t *twin;
        size_t count;

        if (!report_has_arm(story->report, arm))
                return;
        twin = twin_of(story, arm, &count);
        text_init(&words);
        if (twin == NULL) {
                text_add(&words, "no such incident");
        } else {
                text_clock(&words, number_or(twin, "o", NAN));
                text_add(&words, " to ");
                text_clock(&words, number_or(twin, "r", number_or(twin, "end", NAN)));
                text_add(&words, ", ");
                text_duration(&words, lasted_s(twin));
                text_add(&words, ": ");
                text_count(&words, number_or(twin, "bad_requests", 0));
                text_add(&words, " bad");
                if (isfinite(result_number(twin, "requests"))) {
                        text_add(&words, " of ");
                        text_count(&words, result_number(twin, "requests"));
                }
                if (count > 1)
                        text_addf(&words, "; and %zu more", count - 1);
        }
        text_addf(out, "  %-11s%-23s", arm, meaning);
        text_wrapped(out, text_bytes(&words), TIMELINE_COLUMNS, 36);
        out->failed = out->failed || words.failed;
        text_release(&words);
}

static void add_twins(struct story *story, struct text *out)
{
        text_add(out, "\nthe same service at that time, in each world\n");
        add_twin(story, "treated", "with healing", out);
        add_twin(story, "shadow", "prediction held back", out);
        add_twin(story, "untreated", "without healing", out);
        add_twin(story, "quiet", "healing, but no faults", out);
        add_twin(story, "calm", "neither", out);
}

/* ---- what came of it */

static void sentence_course(const struct story *story, struct text *out)
{
        double detected_s = result_number(story->incident, "d");
        double acted_s = result_number(story->incident, "a");

        if (isfinite(detected_s) && detected_s < story->onset_s) {
                text_add(out, "It was noticed ");
                text_duration(out, story->onset_s - detected_s);
                text_add(out, " before users could feel it");
        } else if (isfinite(detected_s)) {
                text_add(out, "It was noticed ");
                text_duration(out, detected_s - story->onset_s);
                text_add(out, " after its onset");
        } else {
                text_add(out, "No alarm was raised about it");
        }
        if (isfinite(acted_s)) {
                text_add(out, ", acted on ");
                text_duration(out, fabs(acted_s - story->onset_s));
                text_add(out, acted_s < story->onset_s ? " before" : " after");
        } else {
                text_add(out, ", and no action was taken");
                if (story->edge_count > 0)
                        text_add(out, " but for breakers");
                else if (!story->journal_covers)
                        text_add(out, " (whether a breaker opened, the journal would tell)");
        }
        if (story->open) {
                text_add(out, "; it was not over when the run ended. ");
        } else {
                text_add(out, "; it was over after ");
                text_duration(out, story->end_s - story->onset_s);
                text_add(out, ". ");
        }
        if (result_true(story->incident, "human"))
                text_add(out, "A human took part. ");
}

/* Against the world without healing. */
static void sentence_worth(const struct story *story, struct text *out)
{
        size_t count;
        const json_t *twin = twin_of(story, "untreated", &count);
        double shorter_s, kept;

        if (!report_has_arm(story->report, "untreated"))
                return;
        if (twin == NULL) {
                text_add(out,
                         "Without healing there was no such incident: healing brought it about "
                         "or moved it here. ");
                return;
        }
        shorter_s = lasted_s(twin) - (story->end_s - story->onset_s);
        kept = number_or(twin, "bad_requests", 0) - number_or(story->incident, "bad_requests", 0);
        text_add(out, "Without healing it lasted ");
        text_duration(out, lasted_s(twin));
        if (fabs(shorter_s) >= 1) {
                text_add(out, ", ");
                text_duration(out, fabs(shorter_s));
                text_add(out, shorter_s > 0 ? " longer" : " less");
        }
        text_add(out, ", with ");
        text_count(out, fabs(kept));
        text_add(out, kept >= 0 ? " more bad requests. " : " fewer bad requests. ");
}

static void sentence_prevented(const struct story *story, struct text *out)
{
        text_add(out, "With healing ");
        text_plain(out, story->service);
        text_add(out, " was never bad in that time: ");
        text_count(out, number_or(story->incident, "bad_requests", 0));
        text_add(out, " bad requests were averted");
        if (strcmp(result_text(story->incident, "prevented_by"), "prediction") == 0)
                text_add(out,
                         ", and only with prediction (with prediction held back it was bad). ");
        else
                text_add(out, ", by reacting in time (with prediction held back, too). ");
}

static void add_outcome(const struct story *story, struct text *out)
{
        struct text words;

        text_init(&words);
        if (story->prevented) {
                sentence_prevented(story, &words);
        } else {
                sentence_course(story, &words);
                sentence_worth(story, &words);
        }
        text_add(out, "\n");
        text_wrapped(out, text_bytes(&words), TIMELINE_COLUMNS, 0);
        out->failed = out->failed || words.failed;
        text_release(&words);
}

/* ---- the whole */

static void add_head(const struct story *story, size_t number, size_t count, struct text *out)
{
        struct text words;
        const json_t *fault;
        size_t i;

        text_init(&words);
        text_addf(&words, "incident %zu of %zu: ", number, count);
        text_plain(&words, story->service);
        text_addf(&words, ", run %.0f, %s%s", story->run, result_text(story->incident, "severity"),
                  story->prevented ? ", prevented" : "");
        text_wrapped(out, text_bytes(&words), TIMELINE_COLUMNS, 0);
        words.length = 0;
        json_array_foreach(json_object_get(story->incident, "faults"), i, fault)
        {
                text_add(&words, i == 0 ? "caused by: " : ", ");
                text_plain(&words, json_string_value(fault));
        }
        if (i == 0)
                text_add(&words, "caused by no injected fault");
        text_addf(&words, " (%s)", result_text(story->incident, "failure_type"));
        text_wrapped(out, text_bytes(&words), TIMELINE_COLUMNS, 0);
        out->failed = out->failed || words.failed;
        text_release(&words);
        text_add(out, "\n      time  to onset\n");
}

static void add_notes(const struct story *story, struct text *out)
{
        if (story->unread != NULL)
                text_addf(out, "\nthe journal could not be read: %s\n", story->unread);
        else if (!story->journal_covers)
                text_addf(out,
                          "\nno journal of run %.0f: what telemetry showed in detail is not known\n"
                          "(a run with --journal all keeps it for every replication)\n",
                          story->run);
        if (story->bad_lines > 0)
                text_addf(out, "\n%zu lines of the journal could not be read\n", story->bad_lines);
        if (story->timeline.count >= ROWS_MAX)
                text_add(out, "\nmore happened than is shown\n");
}

static void add_story(const struct report *report, const char *journal_path,
                      const struct numbered *entry, size_t count, struct text *out)
{
        struct story story;

        story_begin(&story, report, entry);
        add_head(&story, entry->number, count, out);
        read_journal(&story, journal_path);
        if (!story.journal_covers)
                add_first_fault(&story);
        add_course(&story);
        add_neighbours(&story);
        add_predictions(&story);
        if (!story.journal_covers)
                add_episodes(&story);
        add_actions(&story);
        timeline_print(&story.timeline, story.onset_s, out);
        add_twins(&story, out);
        add_outcome(&story, out);
        add_notes(&story, out);
        story_release(&story);
}

static void add_list_line(const struct numbered *entry, struct text *out)
{
        const json_t *incident = entry->incident;
        struct text cell;

        text_addf(out, "%6zu %5.0f  ", entry->number, number_or(incident, "run", 0));
        text_cell(out, result_text(incident, "service"), 18);
        text_init(&cell);
        text_clock(&cell, number_or(incident, "o", NAN));
        text_addf(out, "%10s", text_bytes(&cell));
        cell.length = 0;
        text_duration(&cell, lasted_s(incident));
        for (size_t wide = text_columns(text_bytes(&cell)); wide < 14; wide++)
                text_add(out, " ");
        text_add(out, text_bytes(&cell));
        cell.length = 0;
        text_count(&cell, number_or(incident, "bad_requests", 0));
        for (size_t wide = text_columns(text_bytes(&cell)); wide < 12; wide++)
                text_add(out, " ");
        text_add(out, text_bytes(&cell));
        text_addf(out, "%s\n",
                  entry->prevented                          ? "  prevented"
                  : !isfinite(result_number(incident, "r")) ? "  open"
                  : result_true(incident, "user_visible")   ? "  users"
                                                            : "");
        out->failed = out->failed || cell.failed;
        text_release(&cell);
}

static void add_list(const struct numbered *sorted, size_t count, struct text *out)
{
        size_t shown = count < LIST_LINES ? count : LIST_LINES;

        text_addf(out, "incidents: %zu", count);
        if (shown < count)
                text_addf(out, ", the worst %zu of them", shown);
        text_add(out, "\n\n     N   run  service                onset        lasted         bad\n");
        for (size_t i = 0; i < shown; i++)
                add_list_line(&sorted[i], out);
        text_add(out,
                 "\nusers: people felt it; open: not over at the end; prevented: only without\n"
                 "healing. --incident N tells another one. The worst:\n\n");
}

bool explain(const struct report *report, const char *journal_path, size_t number, struct text *out,
             struct out_error *error)
{
        size_t count = 0;
        struct numbered *all = number_all(report, &count);

        if (all == NULL) {
                out_error_set(error, "out of memory");
                return false;
        }
        if (number > 0 && count == 0) {
                out_error_set(error, "there is no incident in this result");
        } else if (number > count) {
                out_error_set(error, "there is no incident %zu; they are 1 to %zu", number, count);
        } else if (count == 0) {
                text_add(out, "no incident, neither with healing nor prevented by it\n");
        } else if (number > 0) {
                add_story(report, journal_path, &all[number - 1], count, out);
        } else {
                qsort(all, count, sizeof(*all), by_badness);
                add_list(all, count, out);
                add_story(report, journal_path, &all[0], count, out);
        }
        free(all);
        if (error->message[0] == '\0' && !text_ok(out))
                out_error_set(error, "out of memory");
        return error->message[0] == '\0';
}
