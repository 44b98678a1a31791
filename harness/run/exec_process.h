/* harness/run/exec_process.h - a program that is spoken to a line at a time.
 *
 * Started without a shell, in a process group of its own, with its standard
 * input and output on two pipes; its standard error is ours. It is given a
 * line, and has to answer with one within the time that is asked for. Whatever
 * it does, it holds up nothing for longer and nothing of it outlives
 * exec_process_end(): the whole group is killed.
 *
 * One thread at a time. Memory: what is waiting to be read, at most
 * EXEC_LINE_MAX bytes.
 */
#ifndef CHAOS_RUN_EXEC_PROCESS_H
#define CHAOS_RUN_EXEC_PROCESS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A line that is longer is taken as no answer. */
enum { EXEC_LINE_MAX = 16 * 1024 * 1024 };

struct exec_process;

/* Starts argv[0], looked for as a shell would (PATH, or a path seen from
 * `folder`), in `folder` (NULL: the present one). `stop` (may be NULL): while
 * not 0, waiting ends at once. NULL when it cannot be started: `why` says the
 * reason, static text. */
struct exec_process *exec_process_start(const char *const *argv, const char *folder,
                                        const volatile sig_atomic_t *stop, const char **why);

/* What is sent and received from here on takes EXEC_ANSWER_NS together, or fails. */
void exec_process_allow_time(struct exec_process *process);

/* Sends `line` of `length` bytes, which ends with '\n'. False: `*why`, static. */
bool exec_process_send(struct exec_process *process, const char *line, size_t length,
                       const char **why);

/* The next line, without its '\n' and ended with '\0', valid until the next
 * call; NULL with `*why`, static. */
const char *exec_process_receive(struct exec_process *process, size_t *length, const char **why);

/* Its input ends; what has not gone within `grace_ns` is killed. */
void exec_process_end(struct exec_process *process, int64_t grace_ns);

/* Of the clock that timeouts run on, which in the end is the machine's: it may leap. */
int64_t exec_clock_ns(void);

/* Since `from_ns` of that clock: nothing where it went back, and never more than an answer may take. */
int64_t exec_thought_ns(int64_t from_ns);

#endif
