/* harness/run/exec_healer.h - a program as healer, and libhealer as a program.
 *
 * exec_healer_ops is any program behind the healer face: started once an arm
 * and replication, told what is in exec_protocol.h, given EXEC_ANSWER_NS of
 * wall time for each answer. What goes wrong (no answer, no JSON, unknown
 * names, a program that ends) is the healer's failure, not ours: the answer's
 * `failure` says what, and the program is ended.
 */
#ifndef CHAOS_RUN_EXEC_HEALER_H
#define CHAOS_RUN_EXEC_HEALER_H

#include <signal.h>
#include <stdio.h>

#include "harness/run/healer_face.h"

#define EXEC_ANSWER_NS (INT64_C(5) * 1000000000)

struct exec_healer_config {
        const char *const *argv; /* NULL-ended, at least one */
        const char *folder;      /* where it is started; NULL: the present one */
        const volatile sig_atomic_t *stop; /* may be NULL */
};

/* `config` is a struct exec_healer_config, which must outlive the healers. */
extern const struct healer_ops exec_healer_ops;

enum exec_spoken {
        EXEC_SPOKEN,     /* until `in` ended */
        EXEC_TOLD_WRONG, /* what it was told is no hello or wake-up */
        EXEC_CUT_OFF     /* `in` could not be read, or `out` not written */
};

/* The other end: libhealer with this strategy reads hello and wake-ups from `in`
 * and answers on `out` until `in` ends. What went wrong is said on `errors`. */
enum exec_spoken exec_speak(const struct strategy *strategy, FILE *in, FILE *out, FILE *errors);

#endif
