/* healer/err.h - what a call of libhealer can answer, and the words for it.
 *
 * Every call that can be refused returns an `enum healer_err`; the library
 * never prints, never exits and sets no errno. A configuration that is refused
 * names its first bad field: each module has a `healer_<x>_config_check()`
 * that returns NULL for a sound one and else one line such as
 * "failure_threshold: must be 1..65535".
 *
 * Also here, since every public header needs them: the visibility and
 * must-check macros, and the instants that stand for "never".
 */
#ifndef HEALER_ERR_H
#define HEALER_ERR_H

#include <stdint.h>

#ifdef __cplusplus
#define HEALER_BEGIN_DECLS extern "C" {
#define HEALER_END_DECLS }
#else
#define HEALER_BEGIN_DECLS
#define HEALER_END_DECLS
#endif

#if defined(__GNUC__) || defined(__clang__)
#define HEALER_API __attribute__((visibility("default")))
#define HEALER_NODISCARD __attribute__((warn_unused_result))
#else
#define HEALER_API
#define HEALER_NODISCARD
#endif

HEALER_BEGIN_DECLS

/* A time that never comes: no deadline, no limit, no next instant. */
#define HEALER_NEVER INT64_MAX

enum healer_err {
        HEALER_OK = 0,
        HEALER_E_RANGE,     /* a value lies outside its range; *_config_check() names it */
        HEALER_E_NOMEM,     /* the allocator answered NULL */
        HEALER_E_SIZE,      /* a config's `size` is not one this library knows */
        HEALER_E_STATE,     /* not allowed in the state the object is in */
        HEALER_E_FULL,      /* a bounded table, ring or queue has no place left */
        HEALER_E_NOT_FOUND, /* nothing of that name, or a handle that is gone */
        HEALER_E_EXISTS,    /* that name is taken, with another configuration */
        HEALER_E_BUSY,      /* called from inside its own callback, or in use */
        HEALER_E_REFUSED,   /* a policy refused the call; its verdict says which and why */
        HEALER_E_TIMEOUT,   /* the time limit or the deadline has passed */
        HEALER_E_CANCELLED, /* the caller gave the call up */
        HEALER_E_FAILED,    /* the protected call or a callback reported failure */
        HEALER_E_CYCLE,     /* dependencies that lead back to themselves */
        HEALER_E_FORMAT,    /* bytes or text that do not parse */
        HEALER_E_IO,        /* reading or writing failed */
        HEALER_ERR_COUNT
};

/* The words for `err`: lower case, no full stop, never NULL. */
HEALER_API const char *healer_err_text(enum healer_err err);

HEALER_END_DECLS

#endif
