/* analytics.c - successes and failures of healing, patterns, advice, recommendations.
 *
 * Success is the truth's (truth.c), never the healer's claim; claims stand
 * beside it. The unit is the episode with an action that could be judged. A
 * *strategy* is the ladder of actions that an episode went through
 * ("restart_instance > replace_instance"); an *action* succeeds when it was the
 * last of a healed episode, since those before it did not heal.
 *
 * Results are in order of replication and time, oldest first; a trend compares
 * the newest with the rest. Nothing is said about what was not observed: no
 * rate without data, no advice without results.
 */
#include "reports/analytics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/metric_table.h"

/* ---- rules */

enum { TREND_RESULTS_MIN = 10, TREND_RECENT_MAX = 20 };

static double share_of(const bool *succeeded, size_t from, size_t to)
{
        size_t count = 0;

        for (size_t i = from; i < to; i++)
                count += succeeded[i];
        return (double)count / (double)(to - from);
}

const char *analytics_trend(const bool *succeeded, size_t count)
{
        size_t recent = count / 3 < TREND_RECENT_MAX ? count / 3 : TREND_RECENT_MAX;

        if (count < TREND_RESULTS_MIN)
                return "stable";
        double change = share_of(succeeded, count - recent, count) -
                        share_of(succeeded, 0, count - recent);
        return change > 0.05 ? "improving" : change < -0.05 ? "degrading" : "stable";
}

const char *analytics_advice(double rate, const char *trend)
{
        bool degrading = !strcmp(trend, "degrading");

        if (rate >= 0.9 && !degrading)
                return "keep";
        if (rate >= 0.7 && degrading)
                return "tune";
        if (rate < 0.5)
                return "replace";
        return degrading ? "investigate" : "monitor";
}

/* ---- tallies: results under a name */

struct tally {
        char *name;
        bool *succeeded;
        double *times; /* of the successes, s */
        size_t *runs;  /* replication of each result */
        size_t count, time_count, room;
};

struct tallies {
        struct tally *items;
        size_t count, room;
        bool failed;
};

static void tallies_release(struct tallies *tallies)
{
        for (size_t i = 0; i < tallies->count; i++) {
                free(tallies->items[i].name);
                free(tallies->items[i].succeeded);
                free(tallies->items[i].times);
                free(tallies->items[i].runs);
        }
        free(tallies->items);
}

static struct tally *tally_of(struct tallies *tallies, const char *name)
{
        for (size_t i = 0; i < tallies->count; i++)
                if (!strcmp(tallies->items[i].name, name))
                        return &tallies->items[i];
        if (tallies->count == tallies->room) {
                size_t room = tallies->room ? 2 * tallies->room : 16;
                struct tally *items = realloc(tallies->items, room * sizeof(*items));
                if (!items)
                        return NULL;
                tallies->items = items;
                tallies->room = room;
        }
        struct tally *tally = &tallies->items[tallies->count];
        *tally = (struct tally){ .name = strdup(name) };
        if (!tally->name)
                return NULL;
        tallies->count++;
        return tally;
}

static void tally_add(struct tallies *tallies, const char *name, size_t run, bool succeeded,
                      double time_s)
{
        struct tally *tally = tally_of(tallies, name);

        if (!tally) {
                tallies->failed = true;
                return;
        }
        if (tally->count == tally->room) {
                size_t room = tally->room ? 2 * tally->room : 16;
                bool *results = realloc(tally->succeeded, room * sizeof(*results));
                if (results)
                        tally->succeeded = results;
                double *times = realloc(tally->times, room * sizeof(*times));
                if (times)
                        tally->times = times;
                size_t *runs = realloc(tally->runs, room * sizeof(*runs));
                if (runs)
                        tally->runs = runs;
                if (!results || !times || !runs) {
                        tallies->failed = true;
                        return;
                }
                tally->room = room;
        }
        tally->runs[tally->count] = run;
        tally->succeeded[tally->count++] = succeeded;
        if (succeeded && isfinite(time_s))
                tally->times[tally->time_count++] = time_s;
}

static double tally_rate(const struct tally *tally)
{
        return share_of(tally->succeeded, 0, tally->count);
}

/* The share of successes, replications being the clusters. */
static bool measure_rate(const struct tally *tally, size_t runs, struct measured *out)
{
        double *numerators = calloc(runs + 1, sizeof(*numerators));
        double *denominators = calloc(runs + 1, sizeof(*denominators));

        *out = (struct measured){ .count = tally->count };
        if (numerators && denominators) {
                for (size_t i = 0; i < tally->count; i++) {
                        numerators[tally->runs[i]] += tally->succeeded[i];
                        denominators[tally->runs[i]]++;
                }
                struct stats_ratio ratio = stats_ratio_jackknife(
                        numerators, denominators, runs, STATS_RATIO_PROPORTION, 0.95);
                out->interval = ratio.interval;
                out->numerator = ratio.numerator;
                out->denominator = ratio.denominator;
        }
        free(numerators);
        free(denominators);
        return numerators && denominators;
}

static json_t *tally_json(const struct tally *tally, size_t runs)
{
        struct measured rate;
        struct measured time;
        size_t successes = 0;

        if (!measure_rate(tally, runs, &rate))
                return NULL;
        for (size_t i = 0; i < tally->count; i++)
                successes += tally->succeeded[i];
        metric_of_amounts(tally->times, tally->time_count, 0.95, &time);
        const char *trend = analytics_trend(tally->succeeded, tally->count);
        return json_pack("{s:s, s:I, s:I, s:I, s:o, s:o, s:s, s:s}",
                         "name", tally->name,
                         "attempts", (json_int_t)tally->count,
                         "successes", (json_int_t)successes,
                         "failures", (json_int_t)(tally->count - successes),
                         "rate", metric_json(&rate, "ratio"),
                         "mean_time", metric_json(&time, "s"),
                         "trend", trend,
                         "advice", analytics_advice(tally_rate(tally), trend));
}

/* Best rate first, as they came among equals. */
static void tallies_sort(struct tallies *tallies)
{
        for (size_t i = 1; i < tallies->count; i++)
                for (size_t k = i; k > 0 && tally_rate(&tallies->items[k]) >
                                                    tally_rate(&tallies->items[k - 1]);
                     k--) {
                        struct tally swap = tallies->items[k];
                        tallies->items[k] = tallies->items[k - 1];
                        tallies->items[k - 1] = swap;
                }
}

static json_t *tallies_json(struct tallies *tallies, size_t runs)
{
        json_t *list = json_array();

        tallies_sort(tallies);
        for (size_t i = 0; i < tallies->count; i++)
                if (json_array_append_new(list, tally_json(&tallies->items[i], runs)) < 0) {
                        json_decref(list);
                        return NULL;
                }
        return list;
}

/* ---- episodes into tallies */

struct book {
        const struct graded *graded;
        struct tallies all, strategies, actions, types, severities, services;
};

/* From the first action to the end of what it was about. */
static double healing_time(const struct kept_arm *arm, const struct kept_episode *episode)
{
        int64_t end = episode->last_action_ns;

        if (episode->incident < arm->incident_count)
                end = max_ns(arm->incidents[episode->incident].restored_ns, episode->acted_ns);
        return seconds_of(end - episode->acted_ns);
}

static const char *action_name(const struct run_meta *meta, uint32_t action)
{
        return action < meta->action_kind_count ? meta->action_names[action] : "unknown";
}

/* The kinds in order of their first use, and one result for each. */
static void book_actions(struct book *book, size_t run, const struct kept_arm *arm,
                         const struct kept_episode *episode, double time_s)
{
        const struct run_meta *meta = book->graded->meta;
        char ladder[256] = "";
        uint32_t seen[16];
        size_t seen_count = 0;

        for (size_t i = 0; i < arm->action_count; i++) {
                const struct kept_action *action = &arm->actions[i];
                bool known = action->episode != episode->id || action->held_back;
                for (size_t k = 0; k < seen_count; k++)
                        known |= seen[k] == action->action;
                if (known || seen_count == sizeof(seen) / sizeof(*seen))
                        continue;
                seen[seen_count++] = action->action;
                size_t used = strlen(ladder);
                snprintf(ladder + used, sizeof(ladder) - used, "%s%s", used ? " > " : "",
                         action_name(meta, action->action));
                tally_add(&book->actions, action_name(meta, action->action), run,
                          episode->healed == 1 && action->action == episode->last_action, time_s);
        }
        tally_add(&book->strategies, ladder, run, episode->healed == 1, time_s);
}

static void book_episode(struct book *book, size_t run, const struct kept_arm *arm,
                         const struct kept_episode *episode)
{
        const struct run_meta *meta = book->graded->meta;
        double time_s = healing_time(arm, episode);
        bool healed = episode->healed == 1;
        const char *type = *episode->failure_type ? episode->failure_type : "unknown";

        tally_add(&book->all, "all", run, healed, time_s);
        tally_add(&book->types, type, run, healed, time_s);
        tally_add(&book->severities, *episode->severity ? episode->severity : "unknown", run, healed,
                  time_s);
        if (episode->service < meta->service_count)
                tally_add(&book->services, meta->services[episode->service].name, run, healed,
                          time_s);
        book_actions(book, run, arm, episode, time_s);
}

static bool book_failed(const struct book *book)
{
        return book->all.failed || book->strategies.failed || book->actions.failed ||
               book->types.failed || book->severities.failed || book->services.failed;
}

static void book_release(struct book *book)
{
        tallies_release(&book->all);
        tallies_release(&book->strategies);
        tallies_release(&book->actions);
        tallies_release(&book->types);
        tallies_release(&book->severities);
        tallies_release(&book->services);
}

/* ---- metrics of treated, as they are */

static bool measure(const struct graded *graded, const char *name, const char *failure_type,
                    struct measured *out)
{
        struct metric_query query = { .meta = graded->meta,
                                      .arm = ARM_TREATED,
                                      .service = RECORD_NONE,
                                      .phase = KEPT_WHOLE,
                                      .failure_type = failure_type,
                                      .confidence = 0.95 };

        return metric_measure(metric_find(name), &query, graded->all, graded->count, out);
}

static json_t *metric_named(const struct graded *graded, const char *name, const char *failure_type)
{
        struct measured measured;

        if (!measure(graded, name, failure_type, &measured))
                return NULL;
        return metric_json(&measured, metric_find(name)->unit);
}

static double value_named(const struct graded *graded, const char *name)
{
        struct measured measured;

        return measure(graded, name, NULL, &measured) && measured.interval.has_value
                       ? measured.interval.value
                       : NAN;
}

static json_int_t count_incidents(const struct graded *graded)
{
        json_int_t count = 0;

        for (size_t r = 0; r < graded->count; r++)
                count += (json_int_t)graded->all[r]->arms[ARM_TREATED].incident_count;
        return count;
}

static json_t *overall_json(const struct graded *graded, const struct book *book)
{
        struct measured time = { 0 };
        json_int_t healings = 0;
        json_int_t successes = 0;
        const char *trend = "stable";

        if (book->all.count) {
                const struct tally *all = &book->all.items[0];
                healings = (json_int_t)all->count;
                for (size_t i = 0; i < all->count; i++)
                        successes += all->succeeded[i];
                metric_of_amounts(all->times, all->time_count, 0.95, &time);
                trend = analytics_trend(all->succeeded, all->count);
        }
        return json_pack("{s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}",
                         "failures", count_incidents(graded),
                         "healings", healings,
                         "successes", successes,
                         "success_rate", metric_named(graded, "healing_success_rate", NULL),
                         "success_rate_claimed", metric_named(graded, "healing_success_claimed", NULL),
                         "success_rate_verified", metric_named(graded, "healing_success_verified", NULL),
                         "mean_healing_time", metric_json(&time, "s"),
                         "mttd", metric_named(graded, "mttd", NULL),
                         "mttr", metric_named(graded, "mttr", NULL),
                         "mttr_median", metric_named(graded, "mttr_median", NULL),
                         "mttr_p90", metric_named(graded, "mttr_p90", NULL),
                         "mttr_p99", metric_named(graded, "mttr_p99", NULL),
                         "trend", trend);
}

/* ---- failures of treated by the truth's type */

struct type_count {
        const char *name;
        json_int_t count;
};
enum { TYPE_MAX = 64 };

static size_t count_types(const struct graded *graded, struct type_count out[TYPE_MAX])
{
        size_t count = 0;

        for (size_t r = 0; r < graded->count; r++) {
                const struct kept_arm *arm = &graded->all[r]->arms[ARM_TREATED];
                for (size_t i = 0; i < arm->incident_count; i++) {
                        size_t k = 0;
                        while (k < count && strcmp(out[k].name, arm->incidents[i].failure_type) != 0)
                                k++;
                        if (k == TYPE_MAX)
                                continue;
                        if (k == count)
                                out[count++] = (struct type_count){ arm->incidents[i].failure_type,
                                                                    0 };
                        out[k].count++;
                }
        }
        /* Most common first, as they came among equals. */
        for (size_t i = 1; i < count; i++)
                for (size_t k = i; k > 0 && out[k].count > out[k - 1].count; k--) {
                        struct type_count swap = out[k];
                        out[k] = out[k - 1];
                        out[k - 1] = swap;
                }
        return count;
}

static json_t *by_failure_type_json(const struct graded *graded, struct book *book)
{
        struct type_count types[TYPE_MAX];
        size_t count = count_types(graded, types);
        json_t *list = json_array();

        for (size_t i = 0; list && i < count; i++) {
                json_t *entry = json_pack("{s:s, s:I, s:o, s:o}",
                                          "name", types[i].name,
                                          "count", types[i].count,
                                          "mttd", metric_named(graded, "mttd", types[i].name),
                                          "mttr", metric_named(graded, "mttr", types[i].name));
                if (json_array_append_new(list, entry) < 0) {
                        json_decref(list);
                        return NULL;
                }
                /* The healer's word for the type may be another; then it has no healings. */
                for (size_t k = 0; k < book->types.count; k++) {
                        if (strcmp(book->types.items[k].name, types[i].name) != 0)
                                continue;
                        json_t *healings = tally_json(&book->types.items[k], graded->count);
                        json_object_update_missing(entry, healings);
                        json_decref(healings);
                }
        }
        return list;
}

/* ---- over time */

enum { TIME_BUCKETS = 10 };

/* Mean recovery time of incidents by when in the run they began, an open one
 * counting as long as it was watched. */
static json_t *mttr_over_time_json(const struct graded *graded)
{
        double sum[TIME_BUCKETS] = { 0 };
        json_int_t n[TIME_BUCKETS] = { 0 };
        int64_t end_ns = 1;
        json_t *list = json_array();

        for (size_t r = 0; r < graded->count; r++)
                end_ns = max_ns(end_ns, graded->all[r]->arms[ARM_TREATED].end_ns);
        for (size_t r = 0; r < graded->count; r++) {
                const struct kept_arm *arm = &graded->all[r]->arms[ARM_TREATED];
                for (size_t i = 0; i < arm->incident_count; i++) {
                        const struct kept_incident *incident = &arm->incidents[i];
                        double share = (double)max_ns(incident->onset_ns - graded->from_ns, 0) /
                                       (double)end_ns;
                        unsigned bucket = share < 1 ? (unsigned)(share * TIME_BUCKETS)
                                                    : TIME_BUCKETS - 1;
                        sum[bucket] += seconds_of(incident->restored_ns - incident->onset_ns);
                        n[bucket]++;
                }
        }
        for (unsigned b = 0; list && b < TIME_BUCKETS; b++)
                json_array_append_new(
                        list, json_pack("{s:f, s:o, s:I}", "t",
                                        seconds_of(graded->from_ns) +
                                                seconds_of(end_ns) * (b + 0.5) / TIME_BUCKETS,
                                        "value",
                                        n[b] ? json_real(sum[b] / (double)n[b]) : json_null(), "n",
                                        n[b]));
        return list;
}

/* ---- patterns */

static json_t *most_common_json(const struct type_count *types, size_t count)
{
        json_t *list = json_array();

        for (size_t i = 0; list && i < count && i < 5; i++)
                json_array_append_new(list, json_pack("{s:s, s:I}", "name", types[i].name, "count",
                                                      types[i].count));
        return list;
}

/* Hour of the virtual day in which incidents began; t = 0 is midnight. */
static json_t *hours_json(const struct graded *graded)
{
        json_int_t hours[24] = { 0 };
        json_t *list = json_array();

        for (size_t r = 0; r < graded->count; r++) {
                const struct kept_arm *arm = &graded->all[r]->arms[ARM_TREATED];
                for (size_t i = 0; i < arm->incident_count; i++)
                        hours[max_ns(arm->incidents[i].onset_ns, 0) / NS_PER_HOUR % 24]++;
        }
        for (unsigned h = 0; list && h < 24; h++)
                json_array_append_new(list, json_integer(hours[h]));
        return list;
}

static json_t *per_service_json(const struct graded *graded)
{
        json_t *object = json_object();

        for (uint32_t s = 0; object && s < graded->meta->service_count; s++) {
                json_int_t count = 0;
                for (size_t r = 0; r < graded->count; r++) {
                        const struct kept_arm *arm = &graded->all[r]->arms[ARM_TREATED];
                        for (size_t i = 0; i < arm->incident_count; i++)
                                count += arm->incidents[i].service == s;
                }
                if (count)
                        json_object_set_new(object, graded->meta->services[s].name,
                                            json_integer(count));
        }
        return object;
}

/* Instances are numbered over the whole fleet, those that came later at the end. */
static json_t *instance_name(const struct run_meta *meta, uint32_t service, uint32_t instance)
{
        uint32_t known = 0;

        for (uint32_t s = 0; s < meta->service_count; s++)
                known += meta->services[s].instance_count;
        if (instance < known && meta->instance_names)
                return json_string(meta->instance_names[instance]);
        if (!meta->instance_names)
                return json_sprintf("%s, instance %u", meta->services[service].name, instance);
        return json_sprintf("%s, added later", meta->services[service].name);
}

/* Instances that were acted on: how often, and how often in vain. */
static json_t *per_instance_json(const struct graded *graded)
{
        enum { INSTANCES_MAX = 50 };
        struct instance_count {
                uint32_t service, instance;
                json_int_t actions, failures;
        } counts[INSTANCES_MAX], swap;
        size_t count = 0;
        json_t *list = json_array();

        for (size_t r = 0; r < graded->count; r++) {
                const struct kept_arm *arm = &graded->all[r]->arms[ARM_TREATED];
                for (size_t i = 0; i < arm->action_count; i++) {
                        const struct kept_action *action = &arm->actions[i];
                        size_t k = 0;
                        if (action->instance == RECORD_NONE || action->held_back ||
                            action->service >= graded->meta->service_count)
                                continue;
                        while (k < count && (counts[k].instance != action->instance ||
                                             counts[k].service != action->service))
                                k++;
                        if (k == INSTANCES_MAX)
                                continue;
                        if (k == count)
                                counts[count++] = (struct instance_count){ action->service,
                                                                           action->instance, 0, 0 };
                        counts[k].actions++;
                        counts[k].failures += action->finished_ns == TIME_NEVER || !action->ok;
                }
        }
        for (size_t i = 1; i < count; i++)
                for (size_t k = i; k > 0 && counts[k].actions > counts[k - 1].actions; k--) {
                        swap = counts[k];
                        counts[k] = counts[k - 1];
                        counts[k - 1] = swap;
                }
        for (size_t i = 0; list && i < count; i++)
                json_array_append_new(
                        list, json_pack("{s:o, s:s, s:I, s:I, s:f}", "name",
                                        instance_name(graded->meta, counts[i].service,
                                                      counts[i].instance),
                                        "service",
                                        graded->meta->services[counts[i].service].name, "actions", counts[i].actions,
                                        "failures", counts[i].failures, "failure_rate",
                                        (double)counts[i].failures / (double)counts[i].actions));
        return list;
}

/* Services whose incidents began within a minute of one another. */
static json_t *pairs_json(const struct graded *graded)
{
        const struct run_meta *meta = graded->meta;
        const size_t services = meta->service_count;
        json_int_t *counts = calloc(services * services + 1, sizeof(*counts));
        json_t *list = json_array();

        for (size_t r = 0; counts && r < graded->count; r++) {
                const struct kept_arm *arm = &graded->all[r]->arms[ARM_TREATED];
                for (size_t i = 0; i < arm->incident_count; i++)
                        for (size_t k = i + 1; k < arm->incident_count; k++) {
                                const struct kept_incident *a = &arm->incidents[i];
                                const struct kept_incident *b = &arm->incidents[k];
                                if (a->service != b->service &&
                                    llabs(a->onset_ns - b->onset_ns) <= CAUSE_REACH_NS)
                                        counts[a->service * services + b->service]++;
                        }
        }
        for (size_t a = 0; counts && list && a < services; a++)
                for (size_t b = a + 1; b < services; b++) {
                        json_int_t count = counts[a * services + b] + counts[b * services + a];
                        if (count)
                                json_array_append_new(
                                        list, json_pack("{s:s, s:s, s:I}", "a",
                                                        meta->services[a].name, "b",
                                                        meta->services[b].name, "count", count));
                }
        free(counts);
        return list;
}

/* Whether `a` is rather where a chain began than `b`. Trouble travels from a callee
 * to its callers, often within one second: so a service that the other one
 * calls, unless it began clearly later; else the one that began first. */
static bool began_before(const struct run_meta *meta, const struct kept_incident *a,
                         const struct kept_incident *b)
{
        const struct meta_service *services = meta->services;
        bool b_calls_a = services[b->service].reaches && services[b->service].reaches[a->service];
        bool a_calls_b = services[a->service].reaches && services[a->service].reaches[b->service];

        if (b_calls_a != a_calls_b && llabs(a->onset_ns - b->onset_ns) <= AROUND_NS)
                return b_calls_a;
        return a->onset_ns < b->onset_ns;
}

/* Chains: incidents of two or more services that share an attributed fault
 * window, by where they began. */
static json_t *cascades_json(const struct graded *graded)
{
        const struct run_meta *meta = graded->meta;
        json_int_t *counts = calloc(meta->service_count + 1, sizeof(*counts));
        json_t *list = json_array();

        for (size_t r = 0; counts && r < graded->count; r++) {
                const struct kept_arm *arm = &graded->all[r]->arms[ARM_TREATED];
                for (size_t w = 0; w < arm->window_count; w++) {
                        const struct kept_incident *origin = NULL;
                        bool others = false;
                        for (size_t i = 0; i < arm->incident_count; i++) {
                                const struct kept_incident *incident = &arm->incidents[i];
                                if (!incident->windows[w])
                                        continue;
                                others |= origin && origin->service != incident->service;
                                if (!origin || (origin->service != incident->service &&
                                                began_before(meta, incident, origin)))
                                        origin = incident;
                        }
                        if (others)
                                counts[origin->service]++;
                }
        }
        for (uint32_t s = 0; counts && list && s < meta->service_count; s++)
                if (counts[s])
                        json_array_append_new(list, json_pack("{s:s, s:I}", "origin",
                                                              meta->services[s].name, "count",
                                                              counts[s]));
        free(counts);
        return list;
}

static json_t *patterns_json(const struct graded *graded)
{
        struct type_count types[TYPE_MAX];
        size_t count = count_types(graded, types);

        return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                         "most_common", most_common_json(types, count),
                         "per_service_hour", metric_named(graded, "incident_rate", NULL),
                         "by_hour_of_day", hours_json(graded),
                         "per_service", per_service_json(graded),
                         "per_instance", per_instance_json(graded),
                         "pairs", pairs_json(graded),
                         "cascades", cascades_json(graded));
}

/* ---- recommendations */

static void recommend(json_t *list, const char *kind, json_t *text, json_t *numbers)
{
        json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "kind", kind, "text", text,
                                              "numbers", numbers));
}

static void recommend_overall(const struct graded *graded, json_t *list)
{
        struct measured rate;

        if (!measure(graded, "healing_success_rate", NULL, &rate) || !rate.interval.has_value)
                return;
        double value = rate.interval.value;
        json_t *numbers = json_pack("{s:f, s:f}", "healing_success_rate", value, "episodes",
                                    rate.denominator);
        if (value < 0.7)
                recommend(list, "overall",
                          json_sprintf("healing succeeds in %.1f %% of %.0f episodes: look at the "
                                       "strategies and actions with the lowest rate first",
                                       100 * value, rate.denominator),
                          numbers);
        else if (value > 0.95)
                recommend(list, "overall",
                          json_sprintf("healing succeeds in %.1f %% of %.0f episodes: keep it",
                                       100 * value, rate.denominator),
                          numbers);
        else
                json_decref(numbers);
}

static void recommend_strategies(const struct book *book, json_t *list)
{
        for (size_t i = 0; i < book->strategies.count; i++) {
                const struct tally *tally = &book->strategies.items[i];
                double rate = tally_rate(tally);
                const char *trend = analytics_trend(tally->succeeded, tally->count);
                const char *advice = analytics_advice(rate, trend);
                if (strcmp(advice, "replace") != 0 && strcmp(advice, "tune") != 0)
                        continue;
                recommend(list, "strategy",
                          json_sprintf("%s '%s': it healed %.1f %% of %zu episodes and is %s", advice,
                                       tally->name, 100 * rate, tally->count, trend),
                          json_pack("{s:f, s:I}", "rate", rate, "episodes",
                                    (json_int_t)tally->count));
        }
}

enum { MTTR_HIGH_S = 60 };

static void recommend_mttr(const struct graded *graded, json_t *list)
{
        double mttr = value_named(graded, "mttr");
        double mttd = value_named(graded, "mttd");
        bool late = mttd > mttr / 2;

        if (!(mttr > MTTR_HIGH_S))
                return;
        recommend(list, "mttr",
                  json_sprintf("incidents take %.1f s to restore%s", mttr,
                               late ? ", most of it until they are detected: detect sooner"
                                    : ": act sooner or choose actions that take effect faster"),
                  json_pack("{s:f, s:o}", "mttr", mttr, "mttd",
                            isfinite(mttd) ? json_real(mttd) : json_null()));
}

static void recommend_prevention(const struct graded *graded, json_t *list)
{
        struct type_count types[TYPE_MAX];
        size_t count = count_types(graded, types);
        double prevented = value_named(graded, "prevention_rate_by_prediction");

        if (!count || types[0].count < 5 || !strcmp(types[0].name, "spontaneous"))
                return;
        recommend(list, "prevention",
                  json_sprintf("%s is the most common failure, %" JSON_INTEGER_FORMAT
                               " incidents were not prevented: look for what announces it",
                               types[0].name, types[0].count),
                  json_pack("{s:I, s:o}", "incidents", types[0].count, "prevented_by_prediction",
                            isfinite(prevented) ? json_real(prevented) : json_null()));
}

static json_int_t count_named(const struct graded *graded, const char *const *parts, size_t count)
{
        struct type_count types[TYPE_MAX];
        size_t type_count = count_types(graded, types);
        json_int_t sum = 0;

        for (size_t i = 0; i < type_count; i++)
                for (size_t k = 0; k < count; k++)
                        if (strstr(types[i].name, parts[k])) {
                                sum += types[i].count;
                                break;
                        }
        return sum;
}

static void recommend_degradation(const struct graded *graded, json_t *list)
{
        static const char *const parts[] = { "exhaustion", "resource", "cpu", "quota" };
        json_int_t incidents = count_named(graded, parts, sizeof(parts) / sizeof(*parts));
        double degraded_s = value_named(graded, "time_degraded");

        if (incidents && degraded_s == 0)
                recommend(list, "degradation",
                          json_sprintf("%" JSON_INTEGER_FORMAT " incidents ran out of a resource and "
                                       "no service was ever degraded: enable degradation",
                                       incidents),
                          json_pack("{s:I, s:f}", "incidents", incidents, "time_degraded",
                                    degraded_s));
}

static void recommend_breakers(const struct graded *graded, json_t *list)
{
        static const char *const parts[] = { "timeout", "latency" };
        json_int_t incidents = count_named(graded, parts, sizeof(parts) / sizeof(*parts));
        double opened = value_named(graded, "breaker_opened");

        if (incidents && opened == 0)
                recommend(list, "breakers",
                          json_sprintf("%" JSON_INTEGER_FORMAT " incidents came from slow or silent "
                                       "callees and no circuit breaker opened: enable breakers or "
                                       "lower their thresholds",
                                       incidents),
                          json_pack("{s:I, s:f}", "incidents", incidents, "breaker_opened", opened));
}

static json_t *recommendations_json(const struct graded *graded, const struct book *book)
{
        json_t *list = json_array();

        if (!list)
                return NULL;
        recommend_overall(graded, list);
        recommend_strategies(book, list);
        recommend_mttr(graded, list);
        recommend_prevention(graded, list);
        recommend_degradation(graded, list);
        recommend_breakers(graded, list);
        if (!json_array_size(list))
                recommend(list, "overall", json_string("nothing stands out: keep monitoring"),
                          json_object());
        return list;
}

/* ---- all of it */

json_t *analytics_json(const struct graded *graded, json_t *timeline)
{
        struct book book = { .graded = graded };
        json_t *analytics = NULL;

        for (size_t r = 0; r < graded->count; r++) {
                const struct kept_arm *arm = &graded->all[r]->arms[ARM_TREATED];
                for (size_t i = 0; i < arm->episode_count; i++)
                        if (arm->episodes[i].healed >= 0)
                                book_episode(&book, r, arm, &arm->episodes[i]);
        }
        if (book_failed(&book)) {
                json_decref(timeline);
                goto done;
        }
        analytics = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                              "overall", overall_json(graded, &book),
                              "by_strategy", tallies_json(&book.strategies, graded->count),
                              "by_action", tallies_json(&book.actions, graded->count),
                              "by_failure_type", by_failure_type_json(graded, &book),
                              "by_severity", tallies_json(&book.severities, graded->count),
                              "by_service", tallies_json(&book.services, graded->count),
                              "mttr_over_time", mttr_over_time_json(graded),
                              "patterns", patterns_json(graded),
                              "recommendations", recommendations_json(graded, &book),
                              "timeline", timeline);
done:
        book_release(&book);
        return analytics;
}
