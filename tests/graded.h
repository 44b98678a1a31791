/* tests/graded.h - a whole run of a scenario file, from loading to the result.
 *
 * For tests of what comes out of an experiment: a strategy goes through the
 * replications of a file below tests/data/experiments/, and the test looks at
 * the result, or at each record as it comes by.
 */
#ifndef TESTS_GRADED_H
#define TESTS_GRADED_H

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "harness/run/reference.h"
#include "harness/run/run.h"
#include "reports/grade.h"
#include "reports/report.h"

/* Asked for by a test; all but `file` and `strategy` may be left out. */
struct graded_run {
        const char *file;           /* below tests/data/experiments/ */
        const char *strategy;       /* preset, "reference:NAME", or a path from `file` */
        const char *const *sets;    /* "path=value" */
        size_t set_count;
        const char *const *skip;    /* names of method entries */
        size_t skip_count;
        uint64_t seed;              /* 0: the file's */
        uint32_t runs;              /* 0: the file's */
        bool attribute;
        void *user;
        void (*look)(void *user, const struct scenario *scenario, const struct run_meta *meta,
                     const struct replication_record *record);
};

struct graded_state {
        const struct graded_run *asked;
        const struct scenario *scenario;
        struct run_meta *meta;
        struct grade *grade;
};

static inline void graded_take(void *user, const struct replication_record *record)
{
        struct graded_state *state = user;

        ck_assert(grade_add(state->grade, record));
        if (state->asked->look != NULL)
                state->asked->look(state->asked->user, state->scenario, state->meta, record);
}

/* A new reference. */
static inline json_t *graded_result(const struct graded_run *asked)
{
        const char *folder = getenv("TEST_DATA");
        char path[512];
        struct scenario_overrides overrides = {
                .strategy = asked->strategy,
                .sets = asked->sets,
                .set_count = asked->set_count,
                .skip = asked->skip,
                .skip_count = asked->skip_count,
                .has_seed = asked->seed != 0,
                .seed = asked->seed,
                .runs = asked->runs,
        };
        struct scenario *scenario = NULL;
        struct diag_list diags;
        json_t *result;

        ck_assert_ptr_nonnull(folder);
        snprintf(path, sizeof(path), "%s/experiments/%s", folder, asked->file);
        diag_list_init(&diags);
        if (!scenario_load(path, &overrides, &scenario, &diags)) {
                diag_list_print(&diags, stderr);
                ck_abort_msg("%s does not load", path);
        }
        diag_list_release(&diags);

        struct run_meta *meta = run_meta_make(scenario, strategy_acts(scenario->strategy),
                                              scenario->strategy->name, "", "test");
        struct graded_state state = {asked, scenario, meta, grade_create(meta)};
        struct run_healer healer = run_healer_of(scenario->strategy);
        struct text_pool *texts = text_pool_create();
        struct run_options options = {
                .scenario = scenario,
                .healers = &healer,
                .healer_count = 1,
                .attribute = asked->attribute,
                .texts = texts,
                .count = scenario->replications,
                .jobs = 1,
                .user = &state,
                .sink = graded_take,
        };

        ck_assert_ptr_nonnull(state.grade);
        ck_assert_int_eq(run_scenario(&options), RUN_OK);
        result = grade_result(state.grade);
        ck_assert_ptr_nonnull(result);
        grade_destroy(state.grade);
        text_pool_destroy(texts);
        run_meta_free(meta);
        scenario_free(scenario);
        return result;
}

/* The same with nothing else asked. */
static inline json_t *graded_plain(const char *file, const char *strategy)
{
        struct graded_run asked = {.file = file, .strategy = strategy};

        return graded_result(&asked);
}

/* A value of treated; NaN: null. */
static inline double graded_value(const json_t *result, const char *metric)
{
        char path[96];

        snprintf(path, sizeof(path), "arms.treated.metrics.%s.value", metric);
        return result_number(result, path);
}

static inline double graded_value_of(const json_t *result, const char *arm, const char *metric)
{
        char path[96];

        snprintf(path, sizeof(path), "arms.%s.metrics.%s.value", arm, metric);
        return result_number(result, path);
}

#endif
