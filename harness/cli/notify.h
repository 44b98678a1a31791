/* harness/cli/notify.h - `--notify`: the channels of a strategy are told of a simulated run.
 *
 * After the run, since a message takes as long as a server likes and a simulation
 * knows no wall clock: the escalations of the first replication's treated arm
 * are played to an escalator in virtual time, and what it has to tell is posted
 * (healer/notify). So messages are the same for the same scenario and seed, and
 * nothing that is graded depends on them. Without the option no channel is told.
 */
#ifndef CHAOS_CLI_NOTIFY_H
#define CHAOS_CLI_NOTIFY_H

#include "harness/run/record.h"
#include "harness/scenario/strategy.h"

struct notify;

/* NULL when the strategy has no channel, or (said) one of them cannot be: then
 * `*failed`. */
struct notify *notify_create(const struct strategy *strategy, bool *failed);
void notify_destroy(struct notify *notify);

/* Takes down what the treated arm says to humans. */
void notify_add(struct notify *notify, const struct run_meta *meta,
                const struct replication_record *record);
/* Posts it; true when every message was taken. */
bool notify_send(struct notify *notify, const char *file);

#endif
