/* healer/breaker.h - stop calling a peer that keeps failing.
 *
 * A breaker stands in front of one peer. CLOSED, it lets every call through
 * and watches the outcomes. When they are bad enough, by the rule chosen in
 * `mode`, it OPENs and refuses every call for `open_for_ns`. Then it goes
 * HALF_OPEN: a few trial calls may pass. `success_threshold` good ones close
 * it; the first failed one opens it again.
 *
 * Use: healer_breaker_acquire() before the call gives a ticket. Make the call,
 * then end the ticket with exactly one of healer_breaker_success(), _failure(),
 * _ignore() (an outcome that says nothing about the peer) or _cancel() (the
 * call was never made). A second report on a ticket has no effect and is
 * counted. A ticket is plain memory of the caller's; one thread at a time may
 * touch it, and a ticket never reported can wedge nothing: a trial's place
 * comes back when its lease ends.
 *
 * Trip rules, every limit inclusive (>=):
 *   CONSECUTIVE_WINDOWED  failure_threshold failures in a row, each younger than
 *                         window_ns; a success starts the row again (default)
 *   CONSECUTIVE           failure_threshold failures in a row, of any age
 *   WINDOWED_COUNT        failure_threshold failures younger than window_ns,
 *                         whatever succeeded between them
 *   COUNT_RATE            of the last window_count outcomes, once there are
 *                         min_calls: failure_rate_percent failed, or
 *                         slow_call_rate_percent were slow
 *   TIME_RATE             the same over the outcomes of the last window_ns, in
 *                         `buckets` parts: an outcome leaves when the part it
 *                         fell into is a full window old
 * A failure exactly window_ns old is gone. Slow is longer than slow_call_ns,
 * strictly; a slow failure counts as failed and as slow. A failure sooner than
 * fast_failure_ns held nobody up: to refuse at once would spare the caller
 * nothing and cost the calls that succeed. To the rule and to a trial it is a
 * call that went well; only the counts of failures hold it.
 *
 * Time is the caller's, in nanoseconds, from a clock that does not jump. An
 * instant earlier than one seen before is taken as that one, and counted. In
 * CLOSED, acquire reads `now_ns` only if durations are looked at, and the
 * consecutive and windowed-count modes read it only on a failure: see
 * healer_breaker_needs_now().
 *
 * Any thread may call anything at any time. State, generation and places taken
 * are one atomic word: nobody sees half a transition, and trials in flight
 * never exceed half_open_max_calls. Admitting and reporting allocate nothing,
 * call nothing and wait for nobody. With threads = HEALER_THREADS_ONE the same
 * code runs without locked instructions, for worlds that one thread owns.
 *
 * Memory: about 1 KiB, plus 16 bytes per failure_threshold, 4 per window_count
 * and 16 per bucket, in one allocation at create.
 */
#ifndef HEALER_BREAKER_H
#define HEALER_BREAKER_H

#include "healer/alloc.h"
#include "healer/event_ring.h"

#include <stdbool.h>
#include <stdint.h>

HEALER_BEGIN_DECLS

enum healer_threads {
        HEALER_THREADS_MANY = 0, /* any thread at any time */
        HEALER_THREADS_ONE,      /* one thread at a time owns the object */
};

enum healer_breaker_state {
        HEALER_BREAKER_CLOSED = 0,
        HEALER_BREAKER_OPEN,
        HEALER_BREAKER_HALF_OPEN,
        HEALER_BREAKER_FORCED_OPEN,  /* by hand: refuses until released by hand */
        HEALER_BREAKER_DISABLED,     /* by hand: admits all, watches nothing */
        HEALER_BREAKER_METRICS_ONLY, /* by hand: admits all, watches, never trips */
        HEALER_BREAKER_PARTIAL,      /* closed, but only a share is admitted (see partial_steps) */
        HEALER_BREAKER_STATE_COUNT
};

enum healer_breaker_mode {
        HEALER_BREAKER_CONSECUTIVE_WINDOWED = 0,
        HEALER_BREAKER_CONSECUTIVE,
        HEALER_BREAKER_WINDOWED_COUNT,
        HEALER_BREAKER_COUNT_RATE,
        HEALER_BREAKER_TIME_RATE,
        HEALER_BREAKER_MODE_COUNT
};

enum healer_breaker_quota {
        HEALER_BREAKER_QUOTA_IN_FLIGHT = 0, /* trials under way at one time */
        HEALER_BREAKER_QUOTA_TOTAL,         /* trials per half-open phase; ignored, cancelled
                                               and leased-out ones do not count */
};

/* What acquire answers. */
enum healer_breaker_verdict {
        HEALER_BREAKER_OK = 0,
        HEALER_BREAKER_REJECT_OPEN,    /* open; retry_after_ns says for how long */
        HEALER_BREAKER_REJECT_PROBES,  /* half-open, and all trial places are taken */
        HEALER_BREAKER_REJECT_FORCED,  /* forced open by hand */
        HEALER_BREAKER_REJECT_PARTIAL, /* the share admitted in PARTIAL is used up */
        HEALER_BREAKER_VERDICT_COUNT
};

/* Why a transition was made. */
enum healer_breaker_cause {
        HEALER_BREAKER_BY_FAILURES = 0,  /* the threshold of failures was reached */
        HEALER_BREAKER_BY_FAILURE_RATE,
        HEALER_BREAKER_BY_SLOW_RATE,
        HEALER_BREAKER_BY_ELAPSED,       /* open for open_for: trials may pass */
        HEALER_BREAKER_BY_TRIAL_FAILED,
        HEALER_BREAKER_BY_TRIALS_GOOD,
        HEALER_BREAKER_BY_SAMPLE,        /* the sampled rate decided */
        HEALER_BREAKER_BY_MAX_WAIT,      /* half-open for half_open_max_wait_ns */
        HEALER_BREAKER_BY_PARTIAL_DWELL, /* one step up, after a good dwell */
        HEALER_BREAKER_BY_PARTIAL_BURST, /* one step back */
        HEALER_BREAKER_BY_HAND,
        HEALER_BREAKER_CAUSE_COUNT
};

struct healer_breaker_config {
        uint32_t size;                  /* sizeof(struct healer_breaker_config) */
        uint32_t mode;                  /* enum healer_breaker_mode */
        uint32_t failure_threshold;     /* 1..65535; default 5; not used by the rate modes */
        uint32_t success_threshold;     /* good trials that close, 1..65535; default 2 */
        int64_t open_for_ns;            /* > 0; default 60 s */
        uint32_t half_open_max_calls;   /* success_threshold..65535; default 3 */
        uint32_t quota;                 /* enum healer_breaker_quota */
        int64_t window_ns;              /* >= buckets x 1 ms, up to 366 d; default 60 s */
        uint32_t window_count;          /* outcomes in COUNT_RATE, 1..65536; default 100 */
        uint32_t buckets;               /* parts of the window in TIME_RATE, 10..1024; default 60 */
        uint32_t min_calls;             /* no rate below so many, >= 1; default 10; in COUNT_RATE
                                           at most window_count is asked for */
        uint32_t threads;               /* enum healer_threads */
        double failure_rate_percent;    /* (0, 100]; default 50 */
        int64_t slow_call_ns;           /* longer is slow; 0: no call is (default) */
        double slow_call_rate_percent;  /* (0, 100]; default 50; rate modes, with slow_call_ns */
        int64_t fast_failure_ns;        /* a failure sooner than this goes for a success; 0: none
                                           does (default) */
        double open_multiplier;         /* open_for grows by this per reopening, 1..1000; default 1 */
        int64_t open_for_max_ns;        /* ... up to this, >= open_for_ns; default HEALER_NEVER */
        double open_jitter_ratio;       /* adds U[0, ratio) of open_for, 0..10; default 0 */
        uint64_t seed;                  /* of that jitter: the same seed, the same times */
        uint32_t half_open_sample;      /* decide by the rate of so many trials, not by the first
                                           failure; 0: off (default); then success_threshold is
                                           not used */
        uint32_t automatic;             /* 1: healer_breaker_poll() may go OPEN -> HALF_OPEN; 0 */
        int64_t probe_lease_ns;         /* an unreported trial keeps its place so long; 0 (default):
                                           the call's own timeout, else open_for_ns */
        int64_t half_open_max_wait_ns;  /* HALF_OPEN without a decision for so long ends; 0: never */
        uint32_t half_open_wait_closes; /* 1: it ends in CLOSED; 0 (default): in OPEN */
        uint32_t partial_steps;         /* after a close admit 1/(n+1), 2/(n+1) .. of the calls, a
                                           dwell each; 3: 25/50/75 %; 0: all at once (default); 7 */
        int64_t partial_dwell_ns;       /* > 0; default 10 s */
        uint64_t id;                    /* source_id of its events */
        struct healer_event_ring *events; /* one event per transition, in order; may be NULL */
        /* Called after each transition by the thread that made it, outside all
         * claims; may call back. Between threads use `events` for the order. */
        healer_event_fn *on_transition;
        void *on_transition_ctx;
        const struct healer_allocator *allocator; /* NULL: malloc */
};

struct healer_breaker;

/* Filled by acquire, ended by one report; the caller's memory, no resources. */
struct healer_breaker_ticket {
        int64_t started_at_ns;
        int64_t retry_after_ns; /* on a rejection: worth asking again after so long; else 0.
                                   HEALER_NEVER: not before somebody releases it by hand */
        uint32_t generation;
        uint32_t serial;
        uint16_t place;
        uint8_t state; /* enum healer_breaker_state at admission */
        uint8_t live;  /* 1 until reported */
        uint32_t reserved;
};

struct healer_breaker_counts {
        uint64_t ok;        /* slow ones included */
        uint64_t failed;    /* slow ones included */
        uint64_t slow_ok;
        uint64_t slow_failed;
        uint64_t ignored;
        uint64_t cancelled;
        uint64_t late;      /* reports that came in another generation than their ticket's */
        uint64_t reported_twice;
        uint64_t leased_out; /* trials that lost their place unreported */
        uint64_t rejected[HEALER_BREAKER_VERDICT_COUNT]; /* by reason; [0] stays 0 */
        uint64_t trials_ok;     /* in HALF_OPEN */
        uint64_t trials_failed;
};

/* One consistent read. */
struct healer_breaker_snapshot {
        uint32_t state;            /* enum healer_breaker_state */
        uint32_t partial_percent;  /* share admitted while PARTIAL, else 100 */
        uint64_t generation;       /* raised by every transition */
        int64_t entered_at_ns;     /* when the state began */
        int64_t in_state_for_ns;   /* until the `now_ns` asked with */
        int64_t retry_at_ns;       /* OPEN: when trials may pass; FORCED_OPEN: HEALER_NEVER; else 0 */
        uint32_t trials_in_flight; /* places taken in HALF_OPEN */
        uint32_t reopens;          /* since the last close */
        uint32_t row;              /* failures in a row (consecutive modes); in WINDOWED_COUNT the
                                      failures counted in this generation */
        uint32_t window_calls;     /* outcomes in the window (rate modes) */
        uint32_t window_failed;
        uint32_t window_slow;
        double failure_rate_percent; /* NaN until min_calls, and outside the rate modes */
        double slow_rate_percent;
        double half_open_success_ratio; /* trials_ok of those decided, NaN before any */
        uint32_t score;            /* round(100 x ok / total x {1, .5 half-open, .25 open}); 100 unused */
        int32_t last_failure_code;
        int64_t last_failure_at_ns; /* 0: none yet */
        struct healer_breaker_counts since_reset; /* what reset() clears */
        struct healer_breaker_counts lifetime;    /* only ever rises */
        int64_t in_state_ns[HEALER_BREAKER_STATE_COUNT]; /* up to now, per state */
        uint64_t transitions[HEALER_BREAKER_STATE_COUNT][HEALER_BREAKER_STATE_COUNT]; /* from, to */
        uint64_t time_went_back;   /* instants earlier than one seen before */
};

HEALER_API struct healer_breaker_config healer_breaker_config_defaults(void);
/* Presets: 10 failures, 3 successes, open 300 s; and 3, 2, 30 s. */
HEALER_API struct healer_breaker_config healer_breaker_config_conservative(void);
HEALER_API struct healer_breaker_config healer_breaker_config_aggressive(void);
/* NULL if sound, else the first bad field and its range, "field: words". */
HEALER_API const char *healer_breaker_config_check(const struct healer_breaker_config *config);

/* Creates a closed breaker; `config` is copied, what it points to stays the
 * caller's and must outlive it. On HEALER_OK the caller owns `*out`; on
 * HEALER_E_RANGE, _SIZE or _NOMEM it is NULL. `now_ns` starts the times. */
HEALER_API HEALER_NODISCARD enum healer_err
healer_breaker_create(const struct healer_breaker_config *config, int64_t now_ns,
                      struct healer_breaker **out);
HEALER_API void healer_breaker_destroy(struct healer_breaker *breaker);

/* May this call pass? On HEALER_BREAKER_OK the ticket must be reported; on a
 * rejection it is dead and only its retry_after_ns means something. */
HEALER_API HEALER_NODISCARD enum healer_breaker_verdict
healer_breaker_acquire(struct healer_breaker *breaker, int64_t now_ns,
                       struct healer_breaker_ticket *ticket);
/* The same for a call that has its own timeout: a trial's lease follows it. */
HEALER_API HEALER_NODISCARD enum healer_breaker_verdict
healer_breaker_acquire_for(struct healer_breaker *breaker, int64_t timeout_ns, int64_t now_ns,
                           struct healer_breaker_ticket *ticket);
/* False while acquire would admit without looking at the time, that is in CLOSED
 * without slow_call_ns and fast_failure_ns; a caller whose clock is dear may then pass 0. Should the breaker open in between, that call
 * is refused (time stands still), never wrongly admitted. */
HEALER_API bool healer_breaker_needs_now(const struct healer_breaker *breaker);

/* The four ends of a ticket. `code` is the caller's, kept as last_failure_code. */
HEALER_API void healer_breaker_success(struct healer_breaker *breaker,
                                       struct healer_breaker_ticket *ticket, int64_t now_ns);
HEALER_API void healer_breaker_failure(struct healer_breaker *breaker,
                                       struct healer_breaker_ticket *ticket, int32_t code,
                                       int64_t now_ns);
HEALER_API void healer_breaker_ignore(struct healer_breaker *breaker,
                                      struct healer_breaker_ticket *ticket);
HEALER_API void healer_breaker_cancel(struct healer_breaker *breaker,
                                      struct healer_breaker_ticket *ticket);

/* Lets time act without a call: OPEN -> HALF_OPEN if `automatic`, leases,
 * half_open_max_wait, partial steps. Answers the next instant at which poll
 * would do something, HEALER_NEVER for none. */
HEALER_API int64_t healer_breaker_poll(struct healer_breaker *breaker, int64_t now_ns);

/* Hand controls: legal in every state, idempotent, logged as transitions.
 * trip() acts as if the threshold were reached and leaves OPEN and FORCED_OPEN
 * as they are. reset() makes a fresh CLOSED, also while CLOSED: the counts
 * since_reset, windows, reopenings and the last failure are cleared.
 * They wait for a transition that another thread is just making. */
HEALER_API void healer_breaker_trip(struct healer_breaker *breaker, int64_t now_ns);
HEALER_API void healer_breaker_force_open(struct healer_breaker *breaker, int64_t now_ns);
HEALER_API void healer_breaker_disable(struct healer_breaker *breaker, int64_t now_ns);
HEALER_API void healer_breaker_metrics_only(struct healer_breaker *breaker, int64_t now_ns);
HEALER_API void healer_breaker_reset(struct healer_breaker *breaker, int64_t now_ns);

/* The state now: one load. */
HEALER_API enum healer_breaker_state healer_breaker_state(const struct healer_breaker *breaker);
HEALER_API void healer_breaker_snapshot(const struct healer_breaker *breaker, int64_t now_ns,
                                        struct healer_breaker_snapshot *out);

/* "closed", "half-open", ...; "rejected: open", ...; "failure rate", ... */
HEALER_API const char *healer_breaker_state_name(enum healer_breaker_state state);
HEALER_API const char *healer_breaker_verdict_text(enum healer_breaker_verdict verdict);
HEALER_API const char *healer_breaker_cause_name(enum healer_breaker_cause cause);

HEALER_END_DECLS

#endif
