/* healer/bulkhead.h - at most so many at a time, and a short, fair queue.
 *
 * A bulkhead has `max_concurrent` permits. A call takes one with enter and
 * gives it back with leave when the work itself has ended - also if its caller
 * gave up waiting long before: the permit belongs to the running work.
 *
 * With `max_queue` > 0 a call that finds no permit may wait. Nothing blocks
 * here: enter answers QUEUED, and when a permit comes free it is handed to the
 * one waiting longest, whose `wake` is called (if it has one). The waiter then
 * asks healer_bulkhead_poll(). A permit handed over just as the waiter's time
 * runs out is not lost: poll and give_up say so, and the waiter has it.
 *
 * max_concurrent 0 refuses everything. Changing the limit takes effect at once
 * for new calls and never blocks; above a lowered limit the permits in use
 * shrink as they come back.
 *
 * Any thread may call, but no signal handler. Without a queue there is no lock
 * at all: one locked addition to enter, a plain store to leave. With max_queue
 * > 0 it is one locked instruction each way as long as nobody waits. The list of
 * waiters is under a latch, which stands for a dozen loads and stores, never
 * for a callback or a wait. It is taken by those who queue, poll or give up. A
 * leaving call only tries it once: whoever holds it looks again before going
 * away and does the handing over. So leave never waits for another thread.
 * No allocation after create; memory: 640 bytes and 64 per queue place.
 */
#ifndef HEALER_BULKHEAD_H
#define HEALER_BULKHEAD_H

#include "healer/breaker.h"

HEALER_BEGIN_DECLS

struct healer_bulkhead_config {
        uint32_t size;
        uint32_t max_concurrent; /* 0..1000000; 0 refuses all; default 10 */
        uint32_t max_queue;      /* 0..65536; default 0 */
        uint32_t threads;        /* enum healer_threads */
        int64_t max_wait_ns;     /* > 0, longest time in the queue; default HEALER_NEVER */
        const struct healer_allocator *allocator;
};

enum healer_bulkhead_verdict {
        HEALER_BULKHEAD_OK = 0,    /* a permit is yours */
        HEALER_BULKHEAD_QUEUED,    /* wait, then poll */
        HEALER_BULKHEAD_REJECT_FULL,       /* no permit, and there is no queue */
        HEALER_BULKHEAD_REJECT_QUEUE_FULL, /* no permit, and no place to wait */
        HEALER_BULKHEAD_TIMED_OUT, /* waited max_wait_ns in vain; out of the queue */
        HEALER_BULKHEAD_GONE,      /* this waiter is not in the queue (any more) */
        HEALER_BULKHEAD_VERDICT_COUNT
};

/* A place in the queue; the caller's memory. Set wake (and ctx) before enter. */
struct healer_bulkhead_waiter {
        void (*wake)(void *ctx); /* from the leaving thread, outside the latch; may be NULL */
        void *ctx;
        int64_t until_ns;        /* set by enter */
        uint32_t place;
        uint32_t serial;         /* 0: not queued */
};

struct healer_bulkhead;

struct healer_bulkhead_counts {
        uint64_t rejected_full;
        uint64_t rejected_queue_full;
        uint64_t queued;
        uint64_t handed_over; /* permits that went to a waiter */
        uint64_t timed_out;
        uint64_t given_up;
        uint32_t in_flight;
        uint32_t waiting;
        uint32_t limit; /* as set; the cap may be lower */
        uint32_t cap;   /* 0: none */
};

HEALER_API struct healer_bulkhead_config healer_bulkhead_config_defaults(void);
HEALER_API const char *healer_bulkhead_config_check(const struct healer_bulkhead_config *config);
HEALER_API HEALER_NODISCARD enum healer_err
healer_bulkhead_create(const struct healer_bulkhead_config *config, struct healer_bulkhead **out);
/* Nobody may hold a permit or wait any more. */
HEALER_API void healer_bulkhead_destroy(struct healer_bulkhead *bulkhead);

/* OK, QUEUED or a rejection. `waiter` NULL: do not queue. */
HEALER_API HEALER_NODISCARD enum healer_bulkhead_verdict
healer_bulkhead_enter(struct healer_bulkhead *bulkhead, struct healer_bulkhead_waiter *waiter,
                      int64_t now_ns);
/* OK: the permit is yours; QUEUED: go on waiting; TIMED_OUT; GONE. */
HEALER_API HEALER_NODISCARD enum healer_bulkhead_verdict
healer_bulkhead_poll(struct healer_bulkhead *bulkhead, struct healer_bulkhead_waiter *waiter,
                     int64_t now_ns);
/* Leaves the queue. OK: too late, a permit is yours already (use it or leave). */
HEALER_API HEALER_NODISCARD enum healer_bulkhead_verdict
healer_bulkhead_give_up(struct healer_bulkhead *bulkhead, struct healer_bulkhead_waiter *waiter);
/* The work has ended: gives one permit back. */
HEALER_API void healer_bulkhead_leave(struct healer_bulkhead *bulkhead);
/* 0..1000000, else HEALER_E_RANGE; raising it wakes waiters. */
HEALER_API enum healer_err healer_bulkhead_set_limit(struct healer_bulkhead *bulkhead,
                                                     uint32_t max_concurrent);
/* A second limit beside the first, the smaller counts: what a degradation level
 * allows. 0: none (at first). */
HEALER_API void healer_bulkhead_set_cap(struct healer_bulkhead *bulkhead, uint32_t cap);
HEALER_API void healer_bulkhead_counts(const struct healer_bulkhead *bulkhead,
                                       struct healer_bulkhead_counts *out);
HEALER_API const char *healer_bulkhead_verdict_text(enum healer_bulkhead_verdict verdict);

HEALER_END_DECLS

#endif
