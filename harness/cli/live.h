/* harness/cli/live.h - a run as it happens, on stderr.
 *
 * It watches the first replication's treated arm: for each service health (score
 * and trend by the table of healer/healer.h), what the monitor measures, open
 * incidents and episodes, the newest prediction; and the last things that
 * happened. What it shows is what the journal and the report are made of, handed
 * over as it is written; nothing of it goes back, so a watched run gives the same
 * bytes. Without a healer nobody measures, and only what happens is shown.
 *
 * A screen that is drawn over, ten times a second, where stderr is a terminal;
 * else a block of lines every second, and when an episode begins or ends. With a speed, virtual time is held back to
 * so many seconds a second; without, it goes as fast as it can. Once more at the
 * end of the replication.
 */
#ifndef CHAOS_CLI_LIVE_H
#define CHAOS_CLI_LIVE_H

#include "harness/run/run.h"

struct live;

/* NULL: no memory. `speed` 0: as fast as it can. `scenario` and `stop` must outlive it. */
struct live *live_create(const struct scenario *scenario, uint32_t speed,
                         const volatile sig_atomic_t *stop);
void live_destroy(struct live *live);

/* For run_options.watch: from the one thread that runs the watched world. */
void live_watch(void *live, const struct journal_entry *entry);

#endif
