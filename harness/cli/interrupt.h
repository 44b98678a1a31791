/* harness/cli/interrupt.h - Ctrl-C and its like.
 *
 * The first SIGINT, SIGTERM or SIGHUP asks the run to end and to write what is
 * whole; a second one exits at once.
 */
#ifndef CHAOS_CLI_INTERRUPT_H
#define CHAOS_CLI_INTERRUPT_H

#include <signal.h>

extern volatile sig_atomic_t interrupt_signal; /* 0: none so far */

void interrupt_watch(void);

/* 130 for SIGINT, 143 for the others. */
int interrupt_exit_code(void);

#endif
