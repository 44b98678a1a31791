/* bulkhead.c - two ways to count permits, and a list of those who wait.
 *
 * Without a queue (and between threads) there are two counts that only rise:
 * permits asked for, one word for all, and permits given back, a lane for each
 * thread (hlr_base.h). To enter is one locked addition, which counts first and
 * looks then; to leave is a plain store. What was given back is read before what
 * is asked for is raised, so it can only be too small, and the limit holds
 * always. Who counted in vain takes that back; should a permit have come free
 * at that very moment, he and somebody who came in between may both be refused,
 * as if they had come a few nanoseconds earlier.
 *
 * With a queue permits and waiters are in one word: {waiting, in flight}, since
 * leaving must learn in the same step whether somebody waits. There the word is {waiting, in flight}. A newcomer takes a permit only while
 * nobody waits, so none can overtake the queue. Leaving is a subtraction; if it
 * sees waiters it goes on to hand over. A newcomer first counts itself as
 * waiting and then tries to hand over as well, so between the two of them no
 * free permit stays unseen.
 *
 * Handing over moves one from waiting to in flight in a single step, under the
 * latch, and marks the waiter. Whether a waiter timed out or was handed a permit
 * is therefore decided once, under that latch.
 */
#include "healer/bulkhead.h"
#include "healer/hlr_base.h"

#include <string.h>

#define WAITING (UINT64_C(1) << 32)
#define IN_FLIGHT_OF(word) ((uint32_t)(word))
#define WAITING_OF(word) ((uint32_t)((word) >> 32))

enum { WAKES = 16, NONE = -1 };

struct place {
        void (*wake)(void *ctx);
        void *ctx;
        uint32_t serial; /* of the waiter that has it; 0: free */
        bool handed_over;
        int32_t next; /* in the queue, or in the list of free ones */
        int32_t before;
};

struct healer_bulkhead {
        _Alignas(64) _Atomic uint64_t word;
        _Atomic uint64_t limit;
        _Atomic uint64_t cap; /* UINT64_MAX: none */
        bool shared;
        bool in_lanes; /* no queue, many threads: asked and left instead of word */
        struct hlr_lanes lanes;
        struct healer_bulkhead_config c;
        _Alignas(64) _Atomic uint64_t asked;
        struct {
                _Alignas(64) _Atomic uint64_t n;
        } left[HLR_LANES + 1];
        _Alignas(64) _Atomic uint64_t latch;
        _Atomic uint64_t rejected_full;
        _Atomic uint64_t rejected_queue_full;
        _Atomic uint64_t queued;
        _Atomic uint64_t handed_over;
        _Atomic uint64_t timed_out;
        _Atomic uint64_t given_up;
        uint32_t serial;
        int32_t first;
        int32_t last;
        int32_t free;
        struct place places[];
};

struct healer_bulkhead_config healer_bulkhead_config_defaults(void)
{
        return (struct healer_bulkhead_config){
                .size = sizeof(struct healer_bulkhead_config),
                .max_concurrent = 10,
                .max_wait_ns = HEALER_NEVER,
        };
}

const char *healer_bulkhead_config_check(const struct healer_bulkhead_config *c)
{
        if (c->max_concurrent > 1000000)
                return "max_concurrent: must be 0..1000000";
        if (c->max_queue > 65536)
                return "max_queue: must be 0..65536";
        if (c->max_wait_ns <= 0)
                return "max_wait_ns: must be above 0";
        if (c->threads > HEALER_THREADS_ONE)
                return "threads: no such choice";
        return NULL;
}

enum healer_err healer_bulkhead_create(const struct healer_bulkhead_config *config,
                                       struct healer_bulkhead **out)
{
        struct healer_bulkhead_config c = healer_bulkhead_config_defaults();
        struct healer_bulkhead *b;
        enum healer_err err;

        *out = NULL;
        err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));
        if (err != HEALER_OK)
                return err;
        if (healer_bulkhead_config_check(&c))
                return HEALER_E_RANGE;
        b = hlr_alloc(c.allocator, sizeof(*b) + c.max_queue * sizeof(struct place));
        if (!b)
                return HEALER_E_NOMEM;
        b->c = c;
        b->shared = c.threads == HEALER_THREADS_MANY;
        b->in_lanes = b->shared && c.max_queue == 0;
        hlr_store(&b->limit, c.max_concurrent);
        hlr_store(&b->cap, UINT64_MAX);
        b->first = b->last = NONE;
        b->free = c.max_queue ? 0 : NONE;
        for (uint32_t i = 0; i < c.max_queue; i++)
                b->places[i].next = i + 1 < c.max_queue ? (int32_t)i + 1 : NONE;
        *out = b;
        return HEALER_OK;
}

void healer_bulkhead_destroy(struct healer_bulkhead *b)
{
        if (b)
                hlr_free(b->c.allocator, b);
}

static inline uint64_t limit_in_force(const struct healer_bulkhead *b)
{
        uint64_t limit = hlr_load(&b->limit);
        uint64_t cap = hlr_load(&b->cap);

        return limit < cap ? limit : cap;
}

/* ---- without a queue ---- */

static inline uint64_t given_back(const struct healer_bulkhead *b)
{
        uint64_t sum = 0;

        for (int i = 0; i <= HLR_COMMON_LANE; i++)
                sum += hlr_load_acq(&b->left[i].n);
        return sum;
}

/* In flight at most; signed, since `asked` may be read too early. */
static inline int64_t taken(uint64_t asked, uint64_t back)
{
        return (int64_t)(asked - back);
}

/* Counted in vain: unless a permit has come free, that is taken back. */
static bool keep_after_all(struct healer_bulkhead *b)
{
        uint64_t back = given_back(b);
        uint64_t asked = hlr_load(&b->asked);

        if (taken(asked, back) <= (int64_t)limit_in_force(b))
                return true;
        hlr_fetch_add(&b->asked, UINT64_MAX, true);
        return false;
}

/* More was given back than asked for: a permit that was never taken. */
static void forget_surplus(struct healer_bulkhead *b, uint64_t back)
{
        uint64_t asked = hlr_load(&b->asked);

        while (taken(asked, back) < 0 && !hlr_cas(&b->asked, &asked, back, true))
                ;
}

static inline bool enter_in_lanes(struct healer_bulkhead *b)
{
        uint64_t limit = limit_in_force(b);
        uint64_t back = given_back(b);

        if (HLR_UNLIKELY(hlr_load(&b->asked) - back >= limit)) {
                if (taken(hlr_load(&b->asked), back) >= (int64_t)limit)
                        return false;
                forget_surplus(b, back);
        }
        if (HLR_LIKELY(taken(hlr_fetch_add(&b->asked, 1, true), back) < (int64_t)limit))
                return true;
        return keep_after_all(b);
}

static inline void leave_in_lanes(struct healer_bulkhead *b)
{
        uint32_t lane = hlr_lane(&b->lanes, true);
        _Atomic uint64_t *left = &b->left[lane].n;

        if (HLR_UNLIKELY(lane == HLR_COMMON_LANE))
                atomic_fetch_add_explicit(left, 1, memory_order_release);
        else
                hlr_store_rel(left, hlr_load(left) + 1);
}

/* ---- the list, under the latch ---- */

/* Bit 0: held; bit 1: permits shall be handed over before it is given back. */
#define HELD UINT64_C(1)
#define WANTED UINT64_C(2)

static uint64_t latch_or(struct healer_bulkhead *b, uint64_t bits)
{
        uint64_t old = hlr_load(&b->latch);

        if (b->shared)
                return atomic_fetch_or(&b->latch, bits);
        hlr_store(&b->latch, old | bits);
        return old;
}

static void take_latch(struct healer_bulkhead *b)
{
        while (latch_or(b, HELD) & HELD)
                ;
}

/* False: somebody holds it, and will hand over for us. */
static bool try_latch(struct healer_bulkhead *b)
{
        return !(latch_or(b, HELD | WANTED) & HELD);
}

static int32_t append(struct healer_bulkhead *b, const struct healer_bulkhead_waiter *waiter)
{
        int32_t at = b->free;
        struct place *place;

        if (at == NONE)
                return NONE;
        place = &b->places[at];
        b->free = place->next;
        b->serial = b->serial == UINT32_MAX ? 1 : b->serial + 1;
        *place = (struct place){waiter->wake, waiter->ctx, b->serial, false, NONE, b->last};
        if (b->last == NONE)
                b->first = at;
        else
                b->places[b->last].next = at;
        b->last = at;
        return at;
}

static void take_out(struct healer_bulkhead *b, int32_t at)
{
        struct place *place = &b->places[at];

        if (place->before == NONE)
                b->first = place->next;
        else
                b->places[place->before].next = place->next;
        if (place->next == NONE)
                b->last = place->before;
        else
                b->places[place->next].before = place->before;
}

static void free_place(struct healer_bulkhead *b, int32_t at)
{
        b->places[at].serial = 0;
        b->places[at].next = b->free;
        b->free = at;
}

/* One from waiting to in flight, if the limit allows it. */
static bool move_one(struct healer_bulkhead *b)
{
        uint64_t word = hlr_load_acq(&b->word);

        while (WAITING_OF(word) && IN_FLIGHT_OF(word) < limit_in_force(b))
                if (hlr_cas(&b->word, &word, word - WAITING + 1, b->shared))
                        return true;
        return false;
}

struct wake {
        void (*fn)(void *ctx);
        void *ctx;
};

/* Gives free permits to those waiting longest, to `most` of them. */
static int hand_over(struct healer_bulkhead *b, struct wake *wakes, int most)
{
        int woken = 0;

        while (woken < most && b->first != NONE && move_one(b)) {
                struct place *place = &b->places[b->first];

                take_out(b, b->first);
                place->handed_over = true;
                wakes[woken++] = (struct wake){place->wake, place->ctx};
                hlr_count(&b->handed_over, 1, b->shared);
        }
        return woken;
}

/* Hands over if that is wanted, and gives the latch back. Wakes outside it. */
static void leave_latch(struct healer_bulkhead *b)
{
        struct wake wakes[WAKES];
        uint64_t seen;
        int woken;

        do {
                woken = 0;
                for (seen = HELD; woken < WAKES && !hlr_cas(&b->latch, &seen, 0, b->shared);
                     seen = HELD) {
                        hlr_fetch_add(&b->latch, 0 - WANTED, b->shared);
                        woken += hand_over(b, wakes + woken, WAKES - woken);
                }
                if (woken == WAKES) /* there may be more, for us or whoever holds it then */
                        hlr_store_rel(&b->latch, 0);
                for (int i = 0; i < woken; i++)
                        if (wakes[i].fn)
                                wakes[i].fn(wakes[i].ctx);
        } while (woken == WAKES && try_latch(b));
}

/* Permits may have come free: hands them over, or leaves that to the holder. */
static void offer(struct healer_bulkhead *b)
{
        if (try_latch(b))
                leave_latch(b);
}

/* ---- the calls ---- */

static enum healer_bulkhead_verdict queue_up(struct healer_bulkhead *b,
                                             struct healer_bulkhead_waiter *waiter, int64_t now_ns)
{
        int32_t at;

        take_latch(b);
        at = append(b, waiter);
        if (at != NONE) {
                waiter->place = (uint32_t)at;
                waiter->serial = b->serial;
                waiter->until_ns = hlr_add(now_ns, b->c.max_wait_ns);
                hlr_fetch_add(&b->word, WAITING, b->shared);
                latch_or(b, WANTED); /* a permit may have come back meanwhile */
        }
        leave_latch(b);
        if (at == NONE) {
                hlr_count(&b->rejected_queue_full, 1, b->shared);
                return HEALER_BULKHEAD_REJECT_QUEUE_FULL;
        }
        hlr_count(&b->queued, 1, b->shared);
        return HEALER_BULKHEAD_QUEUED;
}

enum healer_bulkhead_verdict healer_bulkhead_enter(struct healer_bulkhead *b,
                                                   struct healer_bulkhead_waiter *waiter,
                                                   int64_t now_ns)
{
        uint64_t word, limit;

        if (b->in_lanes) {
                if (waiter)
                        waiter->serial = 0;
                if (HLR_LIKELY(enter_in_lanes(b)))
                        return HEALER_BULKHEAD_OK;
                hlr_count(&b->rejected_full, 1, true);
                return HEALER_BULKHEAD_REJECT_FULL;
        }
        word = hlr_load(&b->word);
        limit = limit_in_force(b);
        while (HLR_LIKELY(WAITING_OF(word) == 0 && IN_FLIGHT_OF(word) < limit))
                if (HLR_LIKELY(hlr_cas(&b->word, &word, word + 1, b->shared))) {
                        if (waiter)
                                waiter->serial = 0;
                        return HEALER_BULKHEAD_OK;
                }
        if (waiter)
                waiter->serial = 0;
        if (!waiter || b->c.max_queue == 0 || limit == 0) {
                hlr_count(&b->rejected_full, 1, b->shared);
                return HEALER_BULKHEAD_REJECT_FULL;
        }
        return queue_up(b, waiter, now_ns);
}

/* Under the latch: the waiter's place, if it still is its own. */
static struct place *place_of(struct healer_bulkhead *b,
                              const struct healer_bulkhead_waiter *waiter)
{
        struct place *place;

        if (waiter->serial == 0 || waiter->place >= b->c.max_queue)
                return NULL;
        place = &b->places[waiter->place];
        return place->serial == waiter->serial ? place : NULL;
}

/* Ends the waiting if it has a permit or `out` says to; counts in `counter`. */
static enum healer_bulkhead_verdict settle(struct healer_bulkhead *b,
                                           struct healer_bulkhead_waiter *waiter, bool out,
                                           enum healer_bulkhead_verdict out_verdict,
                                           _Atomic uint64_t *counter)
{
        enum healer_bulkhead_verdict verdict = HEALER_BULKHEAD_QUEUED;
        struct place *place;

        take_latch(b);
        place = place_of(b, waiter);
        if (!place) {
                verdict = HEALER_BULKHEAD_GONE;
        } else if (place->handed_over) {
                verdict = HEALER_BULKHEAD_OK;
                free_place(b, (int32_t)waiter->place);
        } else if (out) {
                verdict = out_verdict;
                take_out(b, (int32_t)waiter->place);
                free_place(b, (int32_t)waiter->place);
                hlr_fetch_add(&b->word, 0 - WAITING, b->shared);
                hlr_count(counter, 1, b->shared);
        }
        leave_latch(b);
        if (verdict != HEALER_BULKHEAD_QUEUED)
                waiter->serial = 0;
        return verdict;
}

enum healer_bulkhead_verdict healer_bulkhead_poll(struct healer_bulkhead *b,
                                                  struct healer_bulkhead_waiter *waiter,
                                                  int64_t now_ns)
{
        return settle(b, waiter, now_ns >= waiter->until_ns, HEALER_BULKHEAD_TIMED_OUT,
                      &b->timed_out);
}

enum healer_bulkhead_verdict healer_bulkhead_give_up(struct healer_bulkhead *b,
                                                     struct healer_bulkhead_waiter *waiter)
{
        return settle(b, waiter, true, HEALER_BULKHEAD_GONE, &b->given_up);
}

void healer_bulkhead_leave(struct healer_bulkhead *b)
{
        uint64_t old;

        if (b->in_lanes) {
                leave_in_lanes(b);
                return;
        }
        old = hlr_fetch_add(&b->word, UINT64_MAX, b->shared);

        if (HLR_UNLIKELY(IN_FLIGHT_OF(old) == 0)) { /* a permit that was never taken */
                hlr_fetch_add(&b->word, 1, b->shared);
                return;
        }
        if (HLR_UNLIKELY(WAITING_OF(old) != 0))
                offer(b);
}

enum healer_err healer_bulkhead_set_limit(struct healer_bulkhead *b, uint32_t max_concurrent)
{
        if (max_concurrent > 1000000)
                return HEALER_E_RANGE;
        hlr_store_rel(&b->limit, max_concurrent);
        offer(b);
        return HEALER_OK;
}

void healer_bulkhead_set_cap(struct healer_bulkhead *b, uint32_t cap)
{
        uint64_t wanted = cap ? cap : UINT64_MAX;

        if (hlr_load(&b->cap) == wanted)
                return;
        hlr_store_rel(&b->cap, wanted);
        offer(b);
}

void healer_bulkhead_counts(const struct healer_bulkhead *b, struct healer_bulkhead_counts *out)
{
        uint64_t word = hlr_load(&b->word);

        memset(out, 0, sizeof(*out));
        out->rejected_full = hlr_load(&b->rejected_full);
        out->rejected_queue_full = hlr_load(&b->rejected_queue_full);
        out->queued = hlr_load(&b->queued);
        out->handed_over = hlr_load(&b->handed_over);
        out->timed_out = hlr_load(&b->timed_out);
        out->given_up = hlr_load(&b->given_up);
        if (b->in_lanes) {
                uint64_t asked = hlr_load(&b->asked);

                /* the later count second: both may have moved on */
                out->in_flight = (uint32_t)hlr_max(0, taken(asked, given_back(b)));
        } else {
                out->in_flight = IN_FLIGHT_OF(word);
        }
        out->waiting = WAITING_OF(word);
        out->limit = (uint32_t)hlr_load(&b->limit);
        out->cap = hlr_load(&b->cap) > UINT32_MAX ? 0 : (uint32_t)hlr_load(&b->cap);
}

const char *healer_bulkhead_verdict_text(enum healer_bulkhead_verdict verdict)
{
        static const char *const texts[HEALER_BULKHEAD_VERDICT_COUNT] = {
                "a permit is yours",         "queued",
                "rejected: no permit free",  "rejected: the queue is full",
                "timed out in the queue",    "not in the queue",
        };

        return (unsigned)verdict < HEALER_BULKHEAD_VERDICT_COUNT ? texts[verdict] : "unknown";
}
