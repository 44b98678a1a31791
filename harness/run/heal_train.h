/* harness/run/heal_train.h - what a healer learns by watching.
 *
 * The trainer is libhealer behind the healer face with its hands tied: it watches,
 * predicts and scores, and none of its orders is carried out, so that what it
 * foresees comes to its end. Every 15 s it notes the features of each instance that
 * is well, and calls a row failed when an episode that its own diagnosis lays at the
 * door of the instance's service began within the prediction horizon (and not at
 * once): what a live system could note too; no truth of the simulation is used. Rows whose end is not seen are left out.
 *
 * All arms of a replication start from `learned`, and heal_training_settle() adds
 * up what each has learned beyond it. One thread: run with jobs = 1.
 */
#ifndef CHAOS_RUN_HEAL_TRAIN_H
#define CHAOS_RUN_HEAL_TRAIN_H

#include "harness/run/healer_face.h"
#include "harness/scenario/strategy.h"

enum { HEAL_ENDS_MAX = 16, HEAL_ROWS_MAX = 2000000 };

struct heal_training {
        const struct strategy *strategy;
        struct healer_learned *learned;           /* the caller's */
        struct healer_learned *ends[HEAL_ENDS_MAX]; /* of arms since the last settling */
        uint32_t end_count;
        double (*rows)[HEALER_FEATURE_COUNT];
        bool *failed;
        size_t count, room;
        bool no_memory;
};

/* `config` is a struct heal_training. */
extern const struct healer_ops healer_trainer;

/* After each replication. */
void heal_training_settle(struct heal_training *training);
/* From all rows; false when there is nothing to learn from (or no memory). */
bool heal_training_model(struct heal_training *training);
void heal_training_release(struct heal_training *training);

#endif
