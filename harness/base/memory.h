/* memory.h - has an allocation ever failed in this process?
 *
 * Once one has, nothing that is made afterwards can be trusted to be whole: a list may lack
 * an entry, a tree a branch. So whoever commits something (a file, a transaction) asks here
 * first, and the program ends with 70 whatever it had to say.
 *
 * The flag is raised by harness/cli/memory_watch.c, which sees the program's own
 * allocations, and by memory_watch_json(). It stays up; it may be asked from any thread.
 */
#ifndef HARNESS_BASE_MEMORY_H
#define HARNESS_BASE_MEMORY_H

#include <stdbool.h>

bool memory_ran_out(void);
void memory_note_lack(void);

/* From here on jansson's allocations count too. Before the first use of jansson. */
void memory_watch_json(void);

#endif
