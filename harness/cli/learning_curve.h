/* harness/cli/learning_curve.h - what each step of a campaign was worth.
 *
 * A campaign is scenarios in an order. After each of them the healer knows more;
 * every such state, and none at all (cold), goes through the same replications
 * of every scenario side by side, as in `ab`. These have the scenario's own seeds,
 * from which nothing was learned.
 */
#ifndef CHAOS_CLI_LEARNING_CURVE_H
#define CHAOS_CLI_LEARNING_CURVE_H

#include "harness/base/out_file.h"
#include "harness/cli/options.h"
#include "harness/cli/scenario_files.h"
#include "harness/run/run.h"
#include "healer/learned.h"

enum { LEARNING_STEPS_MAX = RUN_HEALERS_MAX - 1 };

struct learning_curve {
        struct healer_learned *states[LEARNING_STEPS_MAX];
        size_t situations[LEARNING_STEPS_MAX];
        const char *from[LEARNING_STEPS_MAX]; /* the scenario, borrowed */
        size_t count;
};

/* Copies the state. False when memory is out. */
bool learning_curve_add(struct learning_curve *curve, const struct healer_learned *learned,
                        size_t situations, const char *from);

/* Whether the files of a curve may be written there; else a message (out_file_is_ours()). */
bool learning_curve_may_draw(const char *folder, struct out_error *error);

/* Grades all of it and writes curve.json, curve.csv and curve.md below
 * options->curve; the exit code. */
int learning_curve_draw(const struct learning_curve *curve, const struct options *options,
                        const struct scenario_files *files);
void learning_curve_release(struct learning_curve *curve);

#endif
