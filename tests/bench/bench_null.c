/* bench_null.c - does a comparison claim what is not there, and find what is?
 *
 *     bench_null SCENARIO [REPLICATIONS [EXPERIMENTS]]
 *
 * One strategy goes through many replications of a small scenario; what each
 * metric was in each is the population. An experiment draws values for A and for
 * B from it with replacement, each from replications of its own, so nothing
 * differs and nothing is paired: whatever is claimed is false. The values are
 * real ones, with their ties, skew and zeros; a comparison runs as in
 * `chaos-run ab`, all metrics that decide and all tests that may dispute.
 *
 *   same seeds        A and B are the same replications: identical, always
 *   different seeds   claims in at most alpha + 3 sigma of the experiments
 *   peeking           the same, with the rule that stops asked after every pair
 *   planted           B is better by the effect that the design says it finds in
 *                     80 %: it is found in at least so many (less 3 sigma)
 *   exchanged         A and B turned round: every sign turns, exactly
 *
 * Exits with 1 when a bound is broken. All draws come from one seed.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/rng.h"
#include "harness/run/reference.h"
#include "harness/run/run.h"
#include "reports/ab.h"
#include "reports/grade.h"
#include "reports/metric_table.h"
#include "reports/report.h"
#include "reports/verdict.h"

enum { PAIRS = 30, PAIRS_MOST = 90 };
static const double ALPHA = 0.05;
static const double FOUND = 0.8;

/* Values by replication and metric. */
struct population {
        double *values;
        struct ab_metric *metrics;
        size_t metric_count, count;
        struct run_meta *meta;
        struct scenario *scenario;
};

static double *row_of(const struct population *p, size_t replication)
{
        return p->values + replication * p->metric_count;
}

/* ---- the population */

static void take(void *user, const struct replication_record *record)
{
        grade_add(user, record);
}

static bool load(const char *path, struct scenario **out)
{
        struct diag_list diags;
        bool ok;

        diag_list_init(&diags);
        ok = scenario_load(path, NULL, out, &diags);
        diag_list_print(&diags, stderr);
        diag_list_release(&diags);
        return ok;
}

static bool fill(struct population *p, const struct grade *grade)
{
        struct graded graded;

        grade_look(grade, &graded);
        p->count = graded.count;
        p->values = calloc(p->count * p->metric_count + 1, sizeof(*p->values));
        for (size_t r = 0; p->values != NULL && r < p->count; r++)
                for (size_t m = 0; m < p->metric_count; m++) {
                        const struct metric_query query = {.meta = p->meta,
                                                           .arm = ARM_TREATED,
                                                           .service = RECORD_NONE,
                                                           .phase = KEPT_WHOLE,
                                                           .confidence = 0.95};

                        row_of(p, r)[m] = metric_value_of(p->metrics[m].row, &query, graded.all[r]);
                }
        return p->values != NULL;
}

/* Those that are explored have no part in a verdict. */
static void keep_deciders(struct population *p)
{
        size_t count = 0;

        while (count < p->metric_count && p->metrics[count].role != AB_EXPLORATORY)
                count++;
        p->metric_count = count;
}

static bool populate(const char *path, uint32_t replications, struct population *out)
{
        struct scenario *scenario = NULL;
        struct text_pool *texts = text_pool_create();
        long processors = sysconf(_SC_NPROCESSORS_ONLN);
        bool ok = false;

        if (texts == NULL || !load(path, &scenario))
                return false;
        out->meta = run_meta_make(scenario, true, scenario->strategy->name, "", "bench");
        out->metrics = calloc(metric_row_count, sizeof(*out->metrics));
        struct grade *grade = out->meta == NULL ? NULL : grade_create(out->meta);
        struct run_healer healer = run_healer_of(scenario->strategy);
        struct run_options options = {
                .scenario = scenario,
                .healers = &healer,
                .healer_count = 1,
                .texts = texts,
                .count = replications,
                .jobs = processors < 1 ? 1 : (uint32_t)processors,
                .user = grade,
                .sink = take,
        };

        ok = grade != NULL && out->metrics != NULL && run_scenario(&options) == RUN_OK &&
             ab_choose_metrics(out->meta, NULL, NULL, 0, out->metrics, &out->metric_count) == NULL;
        keep_deciders(out);
        ok = ok && fill(out, grade);
        grade_destroy(grade);
        text_pool_destroy(texts);
        out->scenario = scenario; /* the meta refers to it */
        return ok;
}

static void release(struct population *p)
{
        free(p->values);
        free(p->metrics);
        run_meta_free(p->meta);
        scenario_free(p->scenario);
}

/* ---- experiments */

enum pairing { SAME_SEEDS, DIFFERENT_SEEDS };

struct design {
        const char *name;
        enum pairing pairing;
        bool peeks;
        double planted; /* taken off the primary of B */
        bool exchanged;
};

static size_t drawn(const struct population *p, uint64_t experiment, uint64_t pair, uint64_t side)
{
        return (size_t)(hash_mix(hash_mix(hash_mix(0x6e756c6c, experiment), pair), side) % p->count);
}

/* The `ab` object of one experiment; a new reference. */
static json_t *experiment_of(const struct population *p, const struct design *design,
                             uint64_t number)
{
        static const struct ab_strategy strategies[] = {{"one", "1"}, {"other", "2"}};
        struct ab_settings settings = {.confidence = 1 - ALPHA,
                                       .stopping = design->peeks ? AB_SEQUENTIAL : AB_FIXED,
                                       .pairs_min = PAIRS,
                                       .pairs_max = design->peeks ? PAIRS_MOST : PAIRS};
        struct ab *ab = ab_create(&settings, p->metrics, p->metric_count, strategies, 2);
        double *both = calloc(2 * p->metric_count, sizeof(*both));
        size_t bytes = p->metric_count * sizeof(*both);
        json_t *tree = NULL;
        int code;

        for (uint64_t i = 0; ab != NULL && both != NULL && !ab_enough(ab); i++) {
                double *a = both + (design->exchanged ? p->metric_count : 0);
                double *b = both + (design->exchanged ? 0 : p->metric_count);

                memcpy(a, row_of(p, drawn(p, number, i, 0)), bytes);
                memcpy(b, row_of(p, drawn(p, number, i, design->pairing == DIFFERENT_SEEDS)), bytes);
                b[0] -= design->planted;
                if (!ab_add_values(ab, (uint32_t)i, both, NULL))
                        break;
        }
        if (ab != NULL)
                tree = ab_result(ab, &code);
        ab_destroy(ab);
        free(both);
        return tree;
}

static bool claims(const json_t *ab)
{
        const char *verdict = result_text(ab, "verdict");

        return strstr(verdict, "better") != NULL || strstr(verdict, "worse") != NULL;
}

static const json_t *primary_of(const json_t *ab)
{
        return json_array_get(json_object_get(ab, "metrics"), 0);
}

struct tally {
        size_t experiments, identical, claimed, found;
        double pairs, detectable;
};

static struct tally run(const struct population *p, const struct design *design, size_t experiments)
{
        struct tally tally = {.experiments = experiments};

        for (size_t i = 0; i < experiments; i++) {
                json_t *ab = experiment_of(p, design, i);

                tally.identical += strcmp(result_text(ab, "verdict"), "identical") == 0;
                tally.claimed += claims(ab);
                tally.found += strcmp(result_text(primary_of(ab), "verdict"), "B better") == 0;
                tally.pairs += result_number(ab, "design.pairs") / (double)experiments;
                tally.detectable += result_number(primary_of(ab), "detectable") / (double)experiments;
                json_decref(ab);
        }
        return tally;
}

static double three_sigma(double share, size_t experiments)
{
        return 3 * sqrt(share * (1 - share) / (double)experiments);
}

static bool tell(const struct design *design, const struct tally *tally, size_t counted,
                 const char *what, double bound, bool at_most)
{
        double share = (double)counted / (double)tally->experiments;
        bool holds = at_most ? share <= bound : share >= bound;

        printf("%-34s %6zu  %5.1f pairs  %-10s %6.2f %%  (%s %6.2f %%)  %s\n", design->name,
               tally->experiments, tally->pairs, what, 100 * share, at_most ? "at most " : "at least",
               100 * bound, holds ? "holds" : "BROKEN");
        return holds;
}

static double turned(const json_t *row, const char *path)
{
        double value = result_number(row, path);

        return isnan(value) ? value : -value;
}

static bool same(double one, double other)
{
        return one == other || (isnan(one) && isnan(other));
}

/* How many rows are not mirrored exactly. */
static size_t count_unmirrored(const struct population *p, size_t experiments, bool peeks)
{
        size_t bad = 0;

        for (size_t i = 0; i < experiments; i++) {
                const struct design there = {"", DIFFERENT_SEEDS, peeks, 0, false};
                const struct design back = {"", DIFFERENT_SEEDS, peeks, 0, true};
                json_t *one = experiment_of(p, &there, i), *other = experiment_of(p, &back, i);

                bad += result_number(one, "design.pairs") != result_number(other, "design.pairs");
                for (size_t m = 0; m < p->metric_count; m++) {
                        const json_t *row = json_array_get(json_object_get(one, "metrics"), m);
                        const json_t *twin = json_array_get(json_object_get(other, "metrics"), m);

                        bad += !same(result_number(row, "difference.value"),
                                     turned(twin, "difference.value")) ||
                               !same(result_number(row, "difference.low"),
                                     turned(twin, "difference.high")) ||
                               !same(result_number(row, "difference.high"),
                                     turned(twin, "difference.low")) ||
                               !same(result_number(row, "p"), result_number(twin, "p")) ||
                               !same(result_number(row, "wilcoxon.p"),
                                     result_number(twin, "wilcoxon.p"));
                }
                json_decref(one);
                json_decref(other);
        }
        return bad;
}

static bool run_null(const struct population *p, size_t experiments, bool peeks, double *detectable)
{
        const struct design design = {peeks ? "different seeds, peeking" : "different seeds",
                                      DIFFERENT_SEEDS, peeks, 0, false};
        struct tally tally = run(p, &design, experiments);

        *detectable = tally.detectable;
        return tell(&design, &tally, tally.claimed, "claimed",
                    ALPHA + three_sigma(ALPHA, experiments), true);
}

static bool run_planted(const struct population *p, size_t experiments, bool peeks, double planted)
{
        char name[64];
        const struct design design = {name, DIFFERENT_SEEDS, peeks, planted, false};
        struct tally tally;

        snprintf(name, sizeof(name), "planted %.1f requests%s", planted, peeks ? ", peeking" : "");
        tally = run(p, &design, experiments);
        return tell(&design, &tally, tally.found, "found", FOUND - three_sigma(FOUND, experiments),
                    false);
}

int main(int argc, char **argv)
{
        uint32_t replications = argc > 2 ? (uint32_t)atoi(argv[2]) : 1500;
        size_t experiments = argc > 3 ? (size_t)atoi(argv[3]) : 1000;
        const struct design alike = {"same seeds", SAME_SEEDS, false, 0, false};
        struct population p = {0};
        struct tally tally;
        double detectable;
        size_t unmirrored;
        bool ok = true;

        if (argc < 2 || replications < 100 || experiments < 50) {
                fprintf(stderr, "bench_null SCENARIO [REPLICATIONS >= 100 [EXPERIMENTS >= 50]]\n");
                return EXIT_FAILURE;
        }
        if (!populate(argv[1], replications, &p))
                return EXIT_FAILURE;
        printf("%zu replications of %s, alpha %.2f, %zu metrics (%s decides first)\n", p.count,
               p.meta->file, ALPHA, p.metric_count, p.metrics[0].name);
        tally = run(&p, &alike, experiments / 10);
        ok = tell(&alike, &tally, tally.identical, "identical", 1, false) && ok;
        for (int peeks = 0; peeks < 2; peeks++) {
                ok = run_null(&p, experiments, peeks == 1, &detectable) && ok;
                ok = run_planted(&p, experiments / 2, peeks == 1, detectable) && ok;
        }
        unmirrored = count_unmirrored(&p, experiments / 20, false) +
                     count_unmirrored(&p, experiments / 20, true);
        printf("%-34s %6zu  rows not mirrored exactly: %zu  %s\n", "exchanged", experiments / 10,
               unmirrored, unmirrored == 0 ? "holds" : "BROKEN");
        release(&p);
        return ok && unmirrored == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
