/* live.c - see live.h.
 *
 * Entries come from the thread that simulates, and drawing is done there too:
 * between two entries nothing changes that could be shown. While virtual time is
 * held back the screen is drawn again at least every fifth of a second, with the
 * time that has passed.
 *
 * A service's line is its worst instance's: each telemetry batch begins a new
 * line, and the finished one gives a score, of which the last ten make the trend.
 */
#include "harness/cli/live.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/patience.h"
#include "harness/cli/printable.h"
#include "harness/cli/progress.h"
#include "healer/healer.h"
#include "reports/text.h"

enum { SCORES = 10, LAST_LINES = 6, SERVICES_SHOWN = 40, NAME_COLUMNS = 18, NOTE_COLUMNS = 34 };

#define DRAW_EVERY_TERMINAL_S 0.1
#define DRAW_EVERY_LINES_S 1.0
#define HOLD_STEP_NS (200 * 1000 * 1000)

enum value { CPU, MEMORY, ERRORS, LATENCY, VALUES };

static const char *const value_names[VALUES] = {"cpu", "memory", "error_ratio", "latency_p95"};

struct live_service {
        int64_t at_ns;         /* of the batch that comes in */
        double coming[VALUES]; /* worst so far; NaN: not measured */
        double shown[VALUES];
        double scores[SCORES];
        uint32_t score_count;
        uint32_t episodes;
        bool incident;
        int64_t incident_ns;
        uint64_t prediction; /* 0: none stands */
        char predicted[32];
        int64_t eta_ns;
        double confidence;
};

struct live {
        const struct scenario *scenario;
        const volatile sig_atomic_t *stop;
        uint32_t speed;
        bool terminal, drawn;
        int64_t now_ns;
        struct patience patience;
        double drawn_s;     /* of the patience */
        int64_t started_ns; /* virtual time when it began */
        uint32_t service_count;
        struct live_service *services;
        char last[LAST_LINES][96];
        uint32_t last_count;
        uint64_t happened;
        struct text text;
};

struct live *live_create(const struct scenario *scenario, uint32_t speed,
                         const volatile sig_atomic_t *stop)
{
        struct live *live = calloc(1, sizeof(*live));

        if (live == NULL)
                return NULL;
        live->services = calloc(scenario->fleet.service_count + 1u, sizeof(*live->services));
        if (live->services == NULL) {
                free(live);
                return NULL;
        }
        live->scenario = scenario;
        live->stop = stop;
        live->speed = speed;
        live->terminal = isatty(STDERR_FILENO) != 0;
        live->service_count = scenario->fleet.service_count;
        live->now_ns = -scenario->warmup_ns;
        live->started_ns = live->now_ns;
        live->patience = patience_begin(wall_ns());
        for (uint32_t i = 0; i < live->service_count; i++) {
                live->services[i].at_ns = INT64_MIN;
                for (int v = 0; v < VALUES; v++)
                        live->services[i].shown[v] = NAN;
        }
        text_init(&live->text);
        return live;
}

void live_destroy(struct live *live)
{
        if (live == NULL)
                return;
        text_release(&live->text);
        free(live->services);
        free(live);
}

/* ---- what is known of a service */

static double score_now(const struct live_service *service)
{
        return service->score_count == 0
                       ? NAN
                       : service->scores[(service->score_count - 1) % SCORES];
}

static const char *trend_of(const struct live_service *service)
{
        uint32_t count = service->score_count < SCORES ? service->score_count : SCORES;
        uint32_t half = count / 2;
        double older = 0, newer = 0;

        if (count < 5)
                return " ";
        for (uint32_t i = 0; i < count; i++) {
                double score = service->scores[(service->score_count - count + i) % SCORES];

                if (i < half)
                        older += score / half;
                else
                        newer += score / (count - half);
        }
        return newer < older - 5 ? "-" : newer > older + 5 ? "+" : "=";
}

static void batch_ends(struct live_service *service)
{
        double score = healer_health_score(service->coming[CPU], service->coming[MEMORY],
                                           service->coming[ERRORS], service->coming[LATENCY]);

        memcpy(service->shown, service->coming, sizeof(service->shown));
        if (!isnan(score))
                service->scores[service->score_count++ % SCORES] = score;
}

static void take_value(struct live_service *service, const struct journal_entry *entry)
{
        if (entry->at_ns != service->at_ns) {
                if (service->at_ns != INT64_MIN)
                        batch_ends(service);
                service->at_ns = entry->at_ns;
                for (int v = 0; v < VALUES; v++)
                        service->coming[v] = NAN;
        }
        for (int v = 0; v < VALUES; v++)
                if (strcmp(entry->metric, value_names[v]) == 0 && !(service->coming[v] >= entry->value))
                        service->coming[v] = entry->value;
}

static void take_prediction(struct live_service *service, const struct journal_entry *entry)
{
        service->prediction = entry->id;
        snprintf(service->predicted, sizeof(service->predicted), "%s", entry->kind);
        service->eta_ns = entry->eta_ns;
        service->confidence = entry->confidence;
}

static void take_state(struct live_service *service, const struct journal_entry *entry)
{
        switch (entry->type) {
        case JOURNAL_INCIDENT_OPENED:
                service->incident = true;
                service->incident_ns = entry->at_ns;
                break;
        case JOURNAL_INCIDENT_CLOSED:
                service->incident = false;
                break;
        case JOURNAL_EPISODE:
                if (strcmp(entry->kind, "opened") == 0)
                        service->episodes++;
                else if (strcmp(entry->kind, "closed") == 0 && service->episodes > 0)
                        service->episodes--;
                break;
        case JOURNAL_PREDICTION:
                take_prediction(service, entry);
                break;
        case JOURNAL_PREDICTION_OUTCOME:
                if (entry->id == service->prediction)
                        service->prediction = 0;
                break;
        default:
                break;
        }
}

static void remember(struct live *live, const struct journal_entry *entry)
{
        const char *where = entry->service < live->service_count
                                    ? live->scenario->fleet.services[entry->service].name
                                    : "";
        char *line = live->last[live->happened++ % LAST_LINES];

        snprintf(line, sizeof(live->last[0]), "%9.1f s  %s %s %s", (double)entry->at_ns / 1e9,
                 journal_type_names[entry->type], where, *entry->kind ? entry->kind : entry->text);
}

/* ---- drawing */

static void draw_value(struct text *out, double value, double factor, const char *unit)
{
        if (isnan(value))
                text_add(out, "        -");
        else
                text_addf(out, " %6.*f %s", value * factor < 100 ? 1 : 0, value * factor, unit);
}

static void draw_service(struct live *live, uint32_t index)
{
        const struct live_service *service = &live->services[index];
        struct text *out = &live->text;
        double score = score_now(service);

        text_cell(out, live->scenario->fleet.services[index].name, NAME_COLUMNS);
        if (isnan(score))
                text_add(out, "    - ");
        else
                text_addf(out, "  %3.0f%s", score, trend_of(service));
        draw_value(out, service->shown[CPU], 100, "%");
        draw_value(out, service->shown[MEMORY], 100, "%");
        draw_value(out, service->shown[ERRORS], 100, "%");
        if (service->shown[LATENCY] >= 1)
                draw_value(out, service->shown[LATENCY], 1, "s ");
        else
                draw_value(out, service->shown[LATENCY], 1e3, "ms");
        if (service->incident)
                text_addf(out, "  INCIDENT %.0f s",
                          (double)(live->now_ns - service->incident_ns) / 1e9);
        if (service->episodes > 0)
                text_addf(out, "  %u episode%s", service->episodes,
                          service->episodes == 1 ? "" : "s");
        if (service->prediction != 0 && service->eta_ns > live->now_ns) {
                text_add(out, "  predicted: ");
                text_plain(out, service->predicted);
                if (service->eta_ns != HEALER_NEVER)
                        text_addf(out, " in %.0f s",
                                  (double)(service->eta_ns - live->now_ns) / 1e9);
                text_addf(out, " (%.0f %%)", 100 * service->confidence);
        }
        text_add(out, live->terminal ? "\033[K\n" : "\n");
}

/* On the wall since it began, as far as the clock is to be believed: it may leap or stand still. */
static double passed_s(struct live *live, int64_t slept_ns)
{
        return 1e-9 * (double)patience_spent_within_ns(&live->patience, wall_ns(), slept_ns,
                                                       60 * PATIENCE_LEAP_NS);
}

static void draw(struct live *live)
{
        const char *end = live->terminal ? "\033[K\n" : "\n";
        uint32_t shown = live->service_count < SERVICES_SHOWN ? live->service_count : SERVICES_SHOWN;
        uint64_t first = live->happened > LAST_LINES ? live->happened - LAST_LINES : 0;
        struct text *out = &live->text;

        text_release(out);
        text_init(out);
        if (live->terminal)
                text_add(out, live->drawn ? "\033[H" : "\033[2J\033[H");
        text_add(out, "live: ");
        text_plain(out, live->scenario->file);
        text_addf(out, "  t = %.1f s of %.0f s%s", (double)live->now_ns / 1e9,
                  (double)live->scenario->duration_ns / 1e9, end);
        text_addf(out, "%-*s score      cpu   memory   errors      p95%s", NAME_COLUMNS, "service", end);
        for (uint32_t i = 0; i < shown; i++)
                draw_service(live, i);
        if (shown < live->service_count)
                text_addf(out, "and %u more%s", live->service_count - shown, end);
        for (uint64_t i = first; i < live->happened; i++) {
                text_plain(out, live->last[i % LAST_LINES]);
                text_add(out, end);
        }
        if (live->terminal)
                text_add(out, "\033[J");
        /* What comes from a scenario was made plain above; the rest is ours. */
        if (live->terminal)
                printable_command(text_bytes(out));
        else
                fputs(text_bytes(out), stderr);
        live->drawn = true;
        live->drawn_s = passed_s(live, 0);
}

static void draw_if_due(struct live *live)
{
        if (passed_s(live, 0) - live->drawn_s >=
            (live->terminal ? DRAW_EVERY_TERMINAL_S : DRAW_EVERY_LINES_S))
                draw(live);
}

/* Waits until the wall clock is where virtual time is. */
static void hold_back(struct live *live, int64_t until_ns)
{
        const struct timespec step = {.tv_nsec = HOLD_STEP_NS};
        int64_t slept_ns = 0;

        while (live->speed > 0 && *live->stop == 0) {
                int64_t there_ns = live->started_ns +
                                   (int64_t)(passed_s(live, slept_ns) * live->speed * 1e9);

                if (there_ns >= until_ns)
                        return;
                if (there_ns > live->now_ns)
                        live->now_ns = there_ns;
                draw_if_due(live);
                slept_ns = nanosleep(&step, NULL) == 0 ? HOLD_STEP_NS : 0;
        }
}

void live_watch(void *user, const struct journal_entry *entry)
{
        struct live *live = user;
        struct live_service *service =
                entry->service < live->service_count ? &live->services[entry->service] : NULL;

        hold_back(live, entry->at_ns);
        if (entry->at_ns > live->now_ns)
                live->now_ns = entry->at_ns;
        if (entry->type == JOURNAL_TELEMETRY) {
                if (service != NULL && entry->instance != RECORD_NONE)
                        take_value(service, entry);
                draw_if_due(live);
                return;
        }
        if (service != NULL)
                take_state(service, entry);
        remember(live, entry);
        if (entry->type == JOURNAL_RUN_ENDED || entry->type == JOURNAL_EPISODE)
                draw(live);
        else
                draw_if_due(live);
}
