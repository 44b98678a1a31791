/* breaker.c - the state machine of a circuit breaker in one atomic word.
 *
 *   bits 0..2   state
 *   bit  3      claim: one thread is just making a transition
 *   bits 4..6   step of PARTIAL, 1..7
 *   bits 16..31 trial places taken in HALF_OPEN
 *   bits 32..63 generation
 *
 * A transition is made by the one thread that set the claim bit by a
 * compare-and-swap against the very word it judged. It alone then writes what
 * belongs to the transition (deadline, times, counts, event) and publishes all
 * of it with the new word. The others meanwhile see the old state: they are
 * admitted, refused and recorded by it, and never wait. So the deadline of an
 * OPEN exists before the OPEN does, events have the order of transitions, and
 * there is no half-made state to stumble over. Hand controls alone wait for a
 * claim to end.
 *
 * Counters of a state carry the generation they belong to instead of being
 * cleared: a newer generation starts them at zero, an older report finds that
 * it no longer fits.
 *
 * Trials: a place is a count in the word, which bounds them, and a slot, which
 * identifies them. A slot holds {generation, serial}; whoever swaps it back to
 * free (the report, or the lease's end) owns the trial's outcome, so a trial is
 * counted once, whatever copies of its ticket exist.
 *
 * Lifetime counts lie in lanes, one a thread (hlr_base.h), so that counting is
 * a plain store and threads do not fight over a line; only their sum is read.
 *
 * Cost: an admitted and successful call is one load, one compare and one add;
 * the rate modes add one or two more.
 */
#include "healer/breaker.h"
#include "healer/hlr_base.h"
#include "healer/hlr_window.h"

#include <math.h>
#include <string.h>

#define STATE_MASK UINT64_C(7)
#define CLAIM (UINT64_C(1) << 3)
#define PLACE (UINT64_C(1) << 16)
#define STATE_OF(word) ((uint32_t)((word) & STATE_MASK))
#define STEP_OF(word) ((uint32_t)((word) >> 4 & 7))
#define PLACES_OF(word) ((uint32_t)((word) >> 16 & 0xffff))
#define GENERATION_OF(word) ((uint32_t)((word) >> 32))
#define WORD(generation, step, state)                                                              \
        ((uint64_t)(generation) << 32 | (uint64_t)(step) << 4 | (uint64_t)(state))

enum count {
        COUNT_OK = 0,
        COUNT_FAILED,
        COUNT_SLOW_OK,
        COUNT_SLOW_FAILED,
        COUNT_IGNORED,
        COUNT_CANCELLED,
        COUNT_REJECTED, /* .. + HEALER_BREAKER_VERDICT_COUNT - 1, [0] unused */
        COUNT_LATE = COUNT_REJECTED + HEALER_BREAKER_VERDICT_COUNT,
        COUNT_TWICE,
        COUNT_LEASED_OUT,
        COUNT_TRIALS_OK,
        COUNT_TRIALS_FAILED,
        COUNTS
};
_Static_assert(COUNTS == 16, "two cache lines a shard");

struct shard {
        _Alignas(64) _Atomic uint64_t n[COUNTS];
};

/* Outcome flags in the ring of COUNT_RATE. */
enum { SLOT_FAILED = 1, SLOT_SLOW = 2 };

struct healer_breaker {
        /* read by every call */
        _Alignas(64) _Atomic uint64_t word;
        _Atomic uint64_t row; /* {generation, failures}; and the deadline of slow calls: */
        int64_t slow_call_ns; /* HEALER_NEVER: off */
        uint32_t mode;
        bool shared;
        bool wants_now; /* CLOSED reads the time too */
        struct hlr_lanes lanes;

        /* COUNT_RATE */
        _Alignas(64) _Atomic uint64_t head; /* {generation, position} */
        _Atomic uint64_t sums;              /* {generation 28, failed 18, slow 18} */

        /* written by transitions and failures */
        _Alignas(64) _Atomic int64_t newest_ns;
        _Atomic uint64_t steps_back;
        _Atomic int64_t retry_at_ns;
        _Atomic int64_t entered_at_ns;
        _Atomic uint64_t reopens;
        _Atomic uint64_t trials; /* {generation, ok 16, failed 16} */
        _Atomic uint64_t serial;
        _Atomic uint64_t partial_seen;
        _Atomic int64_t last_failure_at_ns;
        _Atomic uint64_t last_failure_code;
        _Atomic int64_t in_state_ns[HEALER_BREAKER_STATE_COUNT];
        _Atomic uint64_t transitions[HEALER_BREAKER_STATE_COUNT][HEALER_BREAKER_STATE_COUNT];
        _Atomic uint64_t baseline[COUNTS]; /* the lifetime counts at the last reset */
        uint64_t jitter_state;             /* owned by the claim */

        struct shard shards[HLR_LANES + 1]; /* by lane */
        struct hlr_window window;
        struct healer_breaker_config c;
        _Atomic int64_t *failure_times; /* the last failure_threshold of them */
        _Atomic uint32_t *outcomes;     /* COUNT_RATE: {generation 30, flags 2} */
        _Atomic uint64_t *slots;        /* {generation, serial}; serial 0: free */
        _Atomic int64_t *lease_ends_ns;
};

/* ---- configuration ---- */

struct healer_breaker_config healer_breaker_config_defaults(void)
{
        return (struct healer_breaker_config){
                .size = sizeof(struct healer_breaker_config),
                .mode = HEALER_BREAKER_CONSECUTIVE_WINDOWED,
                .failure_threshold = 5,
                .success_threshold = 2,
                .open_for_ns = 60 * HLR_SECOND,
                .half_open_max_calls = 3,
                .quota = HEALER_BREAKER_QUOTA_IN_FLIGHT,
                .window_ns = 60 * HLR_SECOND,
                .window_count = 100,
                .buckets = 60,
                .min_calls = 10,
                .threads = HEALER_THREADS_MANY,
                .failure_rate_percent = 50,
                .slow_call_rate_percent = 50,
                .open_multiplier = 1,
                .open_for_max_ns = HEALER_NEVER,
                .partial_dwell_ns = 10 * HLR_SECOND,
        };
}

struct healer_breaker_config healer_breaker_config_conservative(void)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();

        c.failure_threshold = 10;
        c.success_threshold = 3;
        c.open_for_ns = 300 * HLR_SECOND;
        /* ten failures must fit into a window at the pace of one in half a minute */
        c.window_ns = 300 * HLR_SECOND;
        return c;
}

struct healer_breaker_config healer_breaker_config_aggressive(void)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();

        c.failure_threshold = 3;
        c.success_threshold = 2;
        c.open_for_ns = 30 * HLR_SECOND;
        return c;
}

static const char *check_counts(const struct healer_breaker_config *c)
{
        if (c->mode >= HEALER_BREAKER_MODE_COUNT)
                return "mode: no such mode";
        if (c->failure_threshold < 1 || c->failure_threshold > 65535)
                return "failure_threshold: must be 1..65535";
        if (c->success_threshold < 1 || c->success_threshold > 65535)
                return "success_threshold: must be 1..65535";
        if (c->half_open_max_calls < 1 || c->half_open_max_calls > 65535)
                return "half_open_max_calls: must be 1..65535";
        if (c->half_open_max_calls < c->success_threshold)
                return "half_open_max_calls: must not be below success_threshold, or the breaker "
                       "could never close";
        if (c->quota > HEALER_BREAKER_QUOTA_TOTAL)
                return "quota: no such quota";
        if (c->window_count < 1 || c->window_count > 65536)
                return "window_count: must be 1..65536";
        if (c->buckets < 10 || c->buckets > 1024)
                return "buckets: must be 10..1024";
        if (c->min_calls < 1)
                return "min_calls: must be at least 1";
        if (c->threads > HEALER_THREADS_ONE)
                return "threads: no such choice";
        if (c->half_open_sample > 65535)
                return "half_open_sample: must be 0..65535";
        if (c->quota == HEALER_BREAKER_QUOTA_TOTAL && c->half_open_sample > c->half_open_max_calls)
                return "half_open_sample: must not be above half_open_max_calls with a total "
                       "quota, or no decision would come";
        if (c->automatic > 1)
                return "automatic: must be 0 or 1";
        if (c->half_open_wait_closes > 1)
                return "half_open_wait_closes: must be 0 or 1";
        if (c->partial_steps > 7)
                return "partial_steps: must be 0..7";
        return NULL;
}

static const char *check_measures(const struct healer_breaker_config *c)
{
        if (c->open_for_ns <= 0)
                return "open_for_ns: must be above 0";
        if (c->window_ns < c->buckets * HLR_MILLISECOND || c->window_ns > 366 * 86400 * HLR_SECOND)
                return "window_ns: must be at least 1 ms per bucket and at most 366 days";
        if (!(c->failure_rate_percent > 0 && c->failure_rate_percent <= 100))
                return "failure_rate_percent: must be above 0 and at most 100";
        if (c->slow_call_ns < 0)
                return "slow_call_ns: must not be negative";
        if (!(c->slow_call_rate_percent > 0 && c->slow_call_rate_percent <= 100))
                return "slow_call_rate_percent: must be above 0 and at most 100";
        if (c->fast_failure_ns < 0)
                return "fast_failure_ns: must not be negative";
        if (!(c->open_multiplier >= 1 && c->open_multiplier <= 1000))
                return "open_multiplier: must be 1..1000";
        if (c->open_for_max_ns < c->open_for_ns)
                return "open_for_max_ns: must not be below open_for_ns";
        if (!(c->open_jitter_ratio >= 0 && c->open_jitter_ratio <= 10))
                return "open_jitter_ratio: must be 0..10";
        if (c->probe_lease_ns < 0)
                return "probe_lease_ns: must not be negative";
        if (c->half_open_max_wait_ns < 0)
                return "half_open_max_wait_ns: must not be negative";
        if (c->partial_dwell_ns <= 0)
                return "partial_dwell_ns: must be above 0";
        return NULL;
}

const char *healer_breaker_config_check(const struct healer_breaker_config *c)
{
        const char *reason = check_counts(c);

        return reason ? reason : check_measures(c);
}

/* ---- life cycle ---- */

static bool is_rate_mode(uint32_t mode)
{
        return mode == HEALER_BREAKER_COUNT_RATE || mode == HEALER_BREAKER_TIME_RATE;
}

/* The arrays live behind the struct; sizes depend on the mode. */
static size_t lay_out(struct healer_breaker *b, const struct healer_breaker_config *c)
{
        uint32_t times = is_rate_mode(c->mode) ? 0 : c->failure_threshold;
        uint32_t buckets = c->mode == HEALER_BREAKER_TIME_RATE ? c->buckets : 0;
        uint32_t outcomes = c->mode == HEALER_BREAKER_COUNT_RATE ? c->window_count : 0;
        size_t at = sizeof(*b);

        if (b)
                b->window.buckets = (struct hlr_bucket *)((char *)b + at);
        at += buckets * sizeof(struct hlr_bucket);
        if (b)
                b->failure_times = (_Atomic int64_t *)((char *)b + at);
        at += times * sizeof(int64_t);
        if (b)
                b->slots = (_Atomic uint64_t *)((char *)b + at);
        at += c->half_open_max_calls * sizeof(uint64_t);
        if (b)
                b->lease_ends_ns = (_Atomic int64_t *)((char *)b + at);
        at += c->half_open_max_calls * sizeof(int64_t);
        if (b)
                b->outcomes = (_Atomic uint32_t *)((char *)b + at);
        at += outcomes * sizeof(uint32_t);
        return at;
}

enum healer_err healer_breaker_create(const struct healer_breaker_config *config, int64_t now_ns,
                                      struct healer_breaker **out)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();
        struct healer_breaker *b;
        enum healer_err err;

        *out = NULL;
        err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));
        if (err != HEALER_OK)
                return err;
        if (healer_breaker_config_check(&c))
                return HEALER_E_RANGE;
        b = hlr_alloc(c.allocator, lay_out(NULL, &c));
        if (!b)
                return HEALER_E_NOMEM;
        lay_out(b, &c);
        b->c = c;
        b->c.min_calls = c.mode == HEALER_BREAKER_COUNT_RATE && c.min_calls > c.window_count
                                 ? c.window_count
                                 : c.min_calls;
        b->mode = c.mode;
        b->shared = c.threads == HEALER_THREADS_MANY;
        b->slow_call_ns = c.slow_call_ns ? c.slow_call_ns : HEALER_NEVER;
        b->wants_now = c.slow_call_ns != 0 || c.fast_failure_ns != 0;
        b->jitter_state = c.seed;
        /* Generation 1, so that zeroed counters belong to none. */
        hlr_store(&b->word, WORD(1, 0, HEALER_BREAKER_CLOSED));
        hlr_store(&b->newest_ns, now_ns);
        hlr_store(&b->entered_at_ns, now_ns);
        if (c.mode == HEALER_BREAKER_TIME_RATE)
                hlr_window_init(&b->window, b->window.buckets, c.buckets, c.window_ns, now_ns,
                                b->shared);
        *out = b;
        return HEALER_OK;
}

void healer_breaker_destroy(struct healer_breaker *b)
{
        if (b)
                hlr_free(b->c.allocator, b);
}

/* ---- counting ---- */

static inline void count(struct healer_breaker *b, uint32_t which)
{
        uint32_t lane = hlr_lane(&b->lanes, b->shared);

        hlr_count(&b->shards[lane].n[which], 1, lane == HLR_COMMON_LANE);
}

static uint64_t counted(const struct healer_breaker *b, uint32_t which)
{
        uint64_t sum = 0;

        for (int i = 0; i <= HLR_COMMON_LANE; i++)
                sum += hlr_load(&b->shards[i].n[which]);
        return sum;
}

static inline int64_t observe(struct healer_breaker *b, int64_t now_ns)
{
        return hlr_observe(&b->newest_ns, &b->steps_back, now_ns, b->shared);
}

/* For successes in a time window: between threads only the window itself keeps
 * the newest time, a bucket at a time; that spares a locked instruction. */
static inline int64_t observe_cheaply(struct healer_breaker *b, int64_t now_ns)
{
        int64_t seen = hlr_load(&b->newest_ns);

        if (!b->shared || now_ns < seen || now_ns >= hlr_load(&b->window.ends_at_ns))
                return observe(b, now_ns);
        return now_ns;
}

/* ---- transitions ---- */

static uint32_t event_type(uint32_t to)
{
        static const uint32_t types[HEALER_BREAKER_STATE_COUNT] = {
                [HEALER_BREAKER_CLOSED] = HEALER_EVENT_CIRCUIT_CLOSED,
                [HEALER_BREAKER_OPEN] = HEALER_EVENT_CIRCUIT_OPENED,
                [HEALER_BREAKER_HALF_OPEN] = HEALER_EVENT_CIRCUIT_HALF_OPEN,
                [HEALER_BREAKER_FORCED_OPEN] = HEALER_EVENT_CIRCUIT_FORCED_OPEN,
                [HEALER_BREAKER_DISABLED] = HEALER_EVENT_CIRCUIT_DISABLED,
                [HEALER_BREAKER_METRICS_ONLY] = HEALER_EVENT_CIRCUIT_METRICS_ONLY,
                [HEALER_BREAKER_PARTIAL] = HEALER_EVENT_CIRCUIT_PARTIAL,
        };

        return types[to];
}

static int64_t open_for(struct healer_breaker *b, uint64_t reopens)
{
        double ns = (double)b->c.open_for_ns;
        int64_t base;

        if (b->c.open_multiplier > 1)
                for (uint64_t i = 0; i < reopens && ns < (double)b->c.open_for_max_ns; i++)
                        ns *= b->c.open_multiplier;
        base = reopens && b->c.open_multiplier > 1
                       ? hlr_min(hlr_from_double(ns), b->c.open_for_max_ns)
                       : b->c.open_for_ns;
        if (b->c.open_jitter_ratio > 0) {
                double u = hlr_unit(hlr_mix(b->jitter_state));

                b->jitter_state += UINT64_C(0x9e3779b97f4a7c15);
                base = hlr_add(base, hlr_from_double((double)base * b->c.open_jitter_ratio * u));
        }
        return base;
}

/* What only the owner of the claim may do: everything that belongs to going
 * from `old` to `to`, and then the new word. `places` trials start taken. The
 * stores are releases, so that whoever sees one of them sees the claim too and
 * a snapshot knows that it has to look again. */
static uint64_t publish(struct healer_breaker *b, uint64_t old, uint32_t to, uint32_t step,
                        uint32_t places, uint32_t cause, int64_t at_ns)
{
        uint32_t from = STATE_OF(old);
        uint32_t generation = GENERATION_OF(old) + 1;
        int64_t entered_at_ns = hlr_load(&b->entered_at_ns);
        int64_t now_ns = hlr_max(at_ns, entered_at_ns);
        int64_t spent = hlr_sub(now_ns, entered_at_ns);
        struct healer_event event = {
                .at_ns = now_ns,
                .source_id = b->c.id,
                .type = event_type(to),
                .from = from,
                .to = to,
                .cause = cause,
                .generation = generation,
                .value = to == HEALER_BREAKER_PARTIAL ? 100.0 * step / (b->c.partial_steps + 1)
                                                      : (double)NAN,
        };
        uint64_t word = WORD(generation, step, to) | places * PLACE;

        if (to == HEALER_BREAKER_OPEN) {
                uint64_t reopens = hlr_load(&b->reopens);

                if (from == HEALER_BREAKER_HALF_OPEN)
                        hlr_store_rel(&b->reopens, ++reopens);
                hlr_store_rel(&b->retry_at_ns, hlr_add(now_ns, open_for(b, reopens)));
        } else {
                hlr_store_rel(&b->retry_at_ns,
                              to == HEALER_BREAKER_FORCED_OPEN ? HEALER_NEVER : 0);
                if (to != HEALER_BREAKER_HALF_OPEN && to != HEALER_BREAKER_FORCED_OPEN)
                        hlr_store_rel(&b->reopens, 0);
        }
        if (to == HEALER_BREAKER_PARTIAL)
                hlr_store(&b->partial_seen, 0);
        hlr_store_rel(&b->in_state_ns[from], hlr_add(hlr_load(&b->in_state_ns[from]), spent));
        hlr_store_rel(&b->transitions[from][to], hlr_load(&b->transitions[from][to]) + 1);
        hlr_store_rel(&b->entered_at_ns, now_ns);
        healer_event_ring_put(b->c.events, &event);
        hlr_store_rel(&b->word, word);
        if (b->c.on_transition)
                b->c.on_transition(b->c.on_transition_ctx, &event);
        return word;
}

/* Takes the right to leave the state judged in `word`. False: it is no longer
 * that word, or somebody else is leaving it. */
static bool claim(struct healer_breaker *b, uint64_t word)
{
        if (word & CLAIM || !hlr_cas(&b->word, &word, word | CLAIM, b->shared))
                return false;
        return true;
}

/* The same against whatever number of places is taken. */
static bool claim_generation(struct healer_breaker *b, uint32_t generation, uint64_t *word)
{
        *word = hlr_load_acq(&b->word);
        while (GENERATION_OF(*word) == generation && !(*word & CLAIM)) {
                if (claim(b, *word))
                        return true;
                *word = hlr_load_acq(&b->word);
        }
        return false;
}

/* The trip condition holds in this generation: open, or a step back. */
static void burst(struct healer_breaker *b, uint32_t generation, uint32_t cause, int64_t now_ns)
{
        uint64_t word;
        uint32_t step;

        if (!claim_generation(b, generation, &word))
                return;
        step = STEP_OF(word);
        if (STATE_OF(word) == HEALER_BREAKER_PARTIAL && step > 1)
                publish(b, word, HEALER_BREAKER_PARTIAL, step - 1, 0,
                        HEALER_BREAKER_BY_PARTIAL_BURST, now_ns);
        else
                publish(b, word, HEALER_BREAKER_OPEN, 0, 0, cause, now_ns);
}

/* HALF_OPEN has proved itself. */
static void close_after_trials(struct healer_breaker *b, uint64_t word, uint32_t cause,
                               int64_t now_ns)
{
        if (b->c.partial_steps)
                publish(b, word, HEALER_BREAKER_PARTIAL, 1, 0, cause, now_ns);
        else
                publish(b, word, HEALER_BREAKER_CLOSED, 0, 0, cause, now_ns);
}

/* ---- judging what was recorded ---- */

/* One more in a counter {generation, n}; answers n, or 0 for an old generation. */
static uint32_t count_in(_Atomic uint64_t *counter, uint32_t generation, uint32_t amount,
                         bool shared)
{
        uint64_t seen = hlr_load(counter);

        for (;;) {
                uint64_t next;

                if ((int32_t)(GENERATION_OF(seen) - generation) > 0)
                        return 0;
                next = GENERATION_OF(seen) == generation
                               ? ((uint32_t)seen > UINT32_MAX - amount ? seen : seen + amount)
                               : ((uint64_t)generation << 32 | amount);
                if (hlr_cas(counter, &seen, next, shared))
                        return (uint32_t)next;
        }
}

/* Writes the newest time into a ring place that another may be writing too. */
static void raise_time(_Atomic int64_t *place, int64_t now_ns, bool shared)
{
        int64_t seen = hlr_load(place);

        while (seen < now_ns && !hlr_cas_i64(place, &seen, now_ns, shared))
                ;
}

/* The oldest first: alone in the world, that one decides. Of threads failing
 * at once the last to write its time sees all the others', since writes and
 * these reads have one order. */
static bool all_young(const struct healer_breaker *b, uint32_t oldest, int64_t now_ns)
{
        uint32_t threshold = b->c.failure_threshold;

        for (uint32_t i = 0; i < threshold; i++) {
                int64_t at = atomic_load(&b->failure_times[(oldest + i) % threshold]);

                if (hlr_sub(now_ns, at) >= b->c.window_ns)
                        return false;
        }
        return true;
}

static void record_failure_in_row(struct healer_breaker *b, uint32_t generation, bool may_trip,
                                  int64_t now_ns)
{
        uint32_t threshold = b->c.failure_threshold;
        uint32_t row = count_in(&b->row, generation, 1, b->shared);

        if (row == 0)
                return;
        if (b->mode != HEALER_BREAKER_CONSECUTIVE) {
                raise_time(&b->failure_times[(row - 1) % threshold], now_ns, b->shared);
                if (row < threshold || !all_young(b, row % threshold, now_ns))
                        return;
        }
        if (row >= threshold && may_trip)
                burst(b, generation, HEALER_BREAKER_BY_FAILURES, now_ns);
}

static inline void record_success_in_row(struct healer_breaker *b, uint32_t generation)
{
        uint64_t seen = hlr_load(&b->row);

        while ((uint32_t)seen != 0 && GENERATION_OF(seen) == generation)
                if (hlr_cas(&b->row, &seen, (uint64_t)generation << 32, b->shared))
                        return;
}

static inline void judge_rates(struct healer_breaker *b, uint32_t generation, uint64_t calls,
                               uint64_t failed, uint64_t slow, int64_t now_ns)
{
        if (calls < b->c.min_calls)
                return;
        if (HLR_UNLIKELY(100.0 * (double)failed >= b->c.failure_rate_percent * (double)calls))
                burst(b, generation, HEALER_BREAKER_BY_FAILURE_RATE, now_ns);
        else if (HLR_UNLIKELY(slow != 0 &&
                              100.0 * (double)slow >= b->c.slow_call_rate_percent * (double)calls))
                burst(b, generation, HEALER_BREAKER_BY_SLOW_RATE, now_ns);
}

#define SUMS_GENERATION(sums) ((sums) >> 36)
#define SUMS_FAILED(sums) ((sums) >> 18 & 0x3ffff)
#define SUMS_SLOW(sums) ((sums) & 0x3ffff)

/* Takes the next position of the ring; UINT32_MAX: of an older generation.
 * The position falls back by whole laps long before it could overflow. */
static inline uint32_t take_position(struct healer_breaker *b, uint32_t generation)
{
        uint64_t seen = hlr_load(&b->head);

        if (HLR_LIKELY(GENERATION_OF(seen) == generation)) {
                uint32_t lap_end = (1u << 30) / b->c.window_count * b->c.window_count;

                seen = hlr_fetch_add(&b->head, 1, b->shared);
                if (HLR_LIKELY(GENERATION_OF(seen) == generation)) {
                        if ((uint32_t)seen == lap_end)
                                hlr_fetch_add(&b->head,
                                              0 - (uint64_t)(lap_end - b->c.window_count),
                                              b->shared);
                        return (uint32_t)seen;
                }
        }
        seen = count_in(&b->head, generation, 1, b->shared);
        return (uint32_t)seen - 1;
}

static uint64_t move_sums(struct healer_breaker *b, uint32_t generation, uint32_t had,
                          uint32_t has)
{
        uint64_t tag = generation & 0xfffffff;
        uint64_t seen = hlr_load(&b->sums);

        for (;;) {
                uint64_t failed = 0, slow = 0, next;

                if (SUMS_GENERATION(seen) == tag) {
                        failed = SUMS_FAILED(seen);
                        slow = SUMS_SLOW(seen);
                }
                failed += (has & SLOT_FAILED) - (uint64_t)(had & SLOT_FAILED);
                slow += (has >> 1) - (uint64_t)(had >> 1);
                next = tag << 36 | (failed & 0x3ffff) << 18 | (slow & 0x3ffff);
                if (next == seen || hlr_cas(&b->sums, &seen, next, b->shared))
                        return next;
        }
}

/* Threads that lap one another in a tiny ring can take a sum below zero for a
 * moment, which shows as a value no window can hold. */
static inline uint64_t sane_sum(const struct healer_breaker *b, uint64_t sum)
{
        return sum > b->c.window_count ? 0 : sum;
}

static void record_by_count(struct healer_breaker *b, uint32_t generation, uint32_t flags,
                            bool may_trip, int64_t now_ns)
{
        uint32_t position = take_position(b, generation);
        uint32_t wanted = generation << 2 | flags;
        uint64_t sums = hlr_load(&b->sums);
        _Atomic uint32_t *slot;
        uint32_t had;

        if (position == UINT32_MAX)
                return;
        slot = &b->outcomes[position % b->c.window_count];
        had = hlr_load(slot);
        if (had != wanted) {
                if (b->shared)
                        had = atomic_exchange_explicit(slot, wanted, memory_order_acq_rel);
                else
                        hlr_store(slot, wanted);
                had = (had ^ wanted) >> 2 ? 0 : had & 3;
                if (had != flags || SUMS_GENERATION(sums) != (generation & 0xfffffff))
                        sums = move_sums(b, generation, had, flags);
        }
        /* sums still of the generation before: another thread is about to move them */
        if (!may_trip || SUMS_GENERATION(sums) != (generation & 0xfffffff))
                return;
        judge_rates(b, generation,
                    position < b->c.window_count ? position + 1 : b->c.window_count,
                    sane_sum(b, SUMS_FAILED(sums)), sane_sum(b, SUMS_SLOW(sums)), now_ns);
}

static void record_by_time(struct healer_breaker *b, uint32_t generation, uint32_t flags,
                           bool may_trip, int64_t now_ns)
{
        struct hlr_sums sums;

        if (!hlr_window_add(&b->window, generation, now_ns, hlr_pack(1, flags & SLOT_FAILED),
                            flags >> 1, &sums))
                return;
        if (may_trip)
                judge_rates(b, generation, sums.a_low, sums.a_high, sums.b_low, now_ns);
}

static void record(struct healer_breaker *b, uint32_t generation, bool failed, bool slow,
                   bool may_trip, int64_t now_ns)
{
        uint32_t flags = (failed ? SLOT_FAILED : 0) | (slow ? SLOT_SLOW : 0);

        if (b->mode == HEALER_BREAKER_TIME_RATE)
                record_by_time(b, generation, flags, may_trip, now_ns);
        else if (b->mode == HEALER_BREAKER_COUNT_RATE)
                record_by_count(b, generation, flags, may_trip, now_ns);
        else if (failed)
                record_failure_in_row(b, generation, may_trip, now_ns);
        else if (b->mode != HEALER_BREAKER_WINDOWED_COUNT)
                record_success_in_row(b, generation);
}

/* ---- trials ---- */

/* A trial is over without counting, or over in the in-flight quota. */
static void give_place_back(struct healer_breaker *b, uint32_t generation)
{
        uint64_t word = hlr_load_acq(&b->word);

        /* A claimed word is about to be replaced, places and all. */
        while (GENERATION_OF(word) == generation && !(word & CLAIM) && PLACES_OF(word) > 0)
                if (hlr_cas(&b->word, &word, word - PLACE, b->shared))
                        return;
}

static uint64_t trial_id(const struct healer_breaker_ticket *t)
{
        return (uint64_t)t->generation << 32 | t->serial;
}

/* Whoever frees the slot owns the outcome. */
static bool free_slot(struct healer_breaker *b, uint32_t place, uint64_t id)
{
        return hlr_cas(&b->slots[place], &id, id & ~UINT64_C(0xffffffff), b->shared);
}

/* A place in the word is ours; find the slot that goes with it. A slot is free
 * if its serial is 0 or its generation old; there are as many as places, and
 * they are freed before their place is. Serial 1 reserves one while its lease
 * is being written. */
static void take_slot(struct healer_breaker *b, struct healer_breaker_ticket *t, int64_t lease_ns,
                      int64_t now_ns)
{
        uint64_t reserved = (uint64_t)t->generation << 32 | 1;

        do
                t->serial = (uint32_t)hlr_fetch_add(&b->serial, 1, b->shared);
        while (t->serial < 2);
        for (uint32_t i = 0;; i = (i + 1) % b->c.half_open_max_calls) {
                uint64_t seen = hlr_load(&b->slots[i]);

                if (GENERATION_OF(seen) == t->generation && (uint32_t)seen != 0) {
                        /* a stopped thread must not keep us here once all is over */
                        if (GENERATION_OF(hlr_load(&b->word)) != t->generation)
                                return;
                        continue;
                }
                if (!hlr_cas(&b->slots[i], &seen, reserved, b->shared))
                        continue;
                hlr_store(&b->lease_ends_ns[i], hlr_add(now_ns, lease_ns));
                hlr_cas(&b->slots[i], &reserved, trial_id(t), b->shared);
                t->place = (uint16_t)i;
                return;
        }
}

/* Trials whose lease has ended lose their place. Answers how many did; the
 * earliest end of the others goes to `*next_ns`. */
static uint32_t end_leases(struct healer_breaker *b, uint32_t generation, int64_t now_ns,
                           int64_t *next_ns)
{
        uint32_t ended = 0;

        *next_ns = HEALER_NEVER;
        for (uint32_t i = 0; i < b->c.half_open_max_calls; i++) {
                uint64_t id = hlr_load_acq(&b->slots[i]);
                int64_t ends;

                if (GENERATION_OF(id) != generation || (uint32_t)id < 2)
                        continue;
                ends = hlr_load(&b->lease_ends_ns[i]);
                if (ends > now_ns) {
                        *next_ns = hlr_min(*next_ns, ends);
                        continue;
                }
                if (!free_slot(b, i, id))
                        continue;
                count(b, COUNT_LEASED_OUT);
                give_place_back(b, generation);
                ended++;
        }
        return ended;
}

/* What n trials say: the state to go to, or HALF_OPEN to go on. */
static uint32_t verdict_of_trials(const struct healer_breaker *b, uint32_t ok, uint32_t failed,
                                  uint32_t *cause)
{
        if (b->c.half_open_sample) {
                *cause = HEALER_BREAKER_BY_SAMPLE;
                if (ok + failed < b->c.half_open_sample)
                        return HEALER_BREAKER_HALF_OPEN;
                return 100.0 * failed >= b->c.failure_rate_percent * (ok + failed)
                               ? HEALER_BREAKER_OPEN
                               : HEALER_BREAKER_CLOSED;
        }
        if (failed) {
                *cause = HEALER_BREAKER_BY_TRIAL_FAILED;
                return HEALER_BREAKER_OPEN;
        }
        *cause = HEALER_BREAKER_BY_TRIALS_GOOD;
        return ok >= b->c.success_threshold ? HEALER_BREAKER_CLOSED : HEALER_BREAKER_HALF_OPEN;
}

static void end_trial(struct healer_breaker *b, uint32_t generation, bool failed, int64_t now_ns)
{
        uint32_t trials = count_in(&b->trials, generation, failed ? 1u << 16 : 1, b->shared);
        uint32_t cause = 0, to;
        uint64_t word;

        count(b, failed ? COUNT_TRIALS_FAILED : COUNT_TRIALS_OK);
        if (trials == 0)
                return;
        to = verdict_of_trials(b, trials & 0xffff, trials >> 16, &cause);
        if (to != HEALER_BREAKER_HALF_OPEN && claim_generation(b, generation, &word)) {
                if (to == HEALER_BREAKER_OPEN)
                        publish(b, word, HEALER_BREAKER_OPEN, 0, 0, cause, now_ns);
                else
                        close_after_trials(b, word, cause, now_ns);
                return;
        }
        if (b->c.quota == HEALER_BREAKER_QUOTA_IN_FLIGHT)
                give_place_back(b, generation);
}

/* ---- admission ---- */

static enum healer_breaker_verdict reject(struct healer_breaker *b,
                                          struct healer_breaker_ticket *t,
                                          enum healer_breaker_verdict why, int64_t retry_after_ns)
{
        count(b, COUNT_REJECTED + why);
        *t = (struct healer_breaker_ticket){.retry_after_ns = retry_after_ns};
        return why;
}

static inline enum healer_breaker_verdict admit(struct healer_breaker_ticket *t, uint64_t word,
                                                int64_t now_ns)
{
        t->started_at_ns = now_ns;
        t->retry_after_ns = 0;
        t->generation = GENERATION_OF(word);
        t->serial = 0;
        t->place = 0;
        t->state = (uint8_t)STATE_OF(word);
        t->live = 1;
        t->reserved = 0;
        return HEALER_BREAKER_OK;
}

static int64_t lease_of(const struct healer_breaker *b, int64_t timeout_ns)
{
        if (b->c.probe_lease_ns)
                return b->c.probe_lease_ns;
        return timeout_ns > 0 ? timeout_ns : b->c.open_for_ns;
}

/* HALF_OPEN for too long without a decision? Then it ends, and is true. */
static bool end_of_wait(struct healer_breaker *b, uint64_t word, int64_t now_ns)
{
        uint64_t claimed;

        if (!b->c.half_open_max_wait_ns ||
            hlr_sub(now_ns, hlr_load(&b->entered_at_ns)) < b->c.half_open_max_wait_ns)
                return false;
        if (!claim_generation(b, GENERATION_OF(word), &claimed))
                return true;
        if (b->c.half_open_wait_closes)
                close_after_trials(b, claimed, HEALER_BREAKER_BY_MAX_WAIT, now_ns);
        else
                publish(b, claimed, HEALER_BREAKER_OPEN, 0, 0, HEALER_BREAKER_BY_MAX_WAIT,
                        now_ns);
        return true;
}

/* PARTIAL: the dwell is over, one step up. True if it was this thread. */
static bool step_up(struct healer_breaker *b, uint64_t word, int64_t now_ns)
{
        uint32_t step = STEP_OF(word);

        if (hlr_sub(now_ns, hlr_load(&b->entered_at_ns)) < b->c.partial_dwell_ns ||
            !claim(b, word))
                return false;
        if (step >= b->c.partial_steps)
                publish(b, word, HEALER_BREAKER_CLOSED, 0, 0, HEALER_BREAKER_BY_PARTIAL_DWELL,
                        now_ns);
        else
                publish(b, word, HEALER_BREAKER_PARTIAL, step + 1, 0,
                        HEALER_BREAKER_BY_PARTIAL_DWELL, now_ns);
        return true;
}

/* The share step/(steps+1), evenly spread: call n passes when the running
 * total n x share reaches a new whole. */
static bool in_share(struct healer_breaker *b, uint32_t step)
{
        uint64_t whole = b->c.partial_steps + 1;
        uint64_t n = hlr_fetch_add(&b->partial_seen, 1, b->shared) % whole;

        return (n + 1) * step / whole > n * step / whole;
}

/* Every state but CLOSED. False: the word has changed, look again. */
static bool decide(struct healer_breaker *b, uint64_t word, int64_t timeout_ns, int64_t now_ns,
                   struct healer_breaker_ticket *t, enum healer_breaker_verdict *verdict)
{
        int64_t next;

        switch (STATE_OF(word)) {
        case HEALER_BREAKER_OPEN:
                next = hlr_load(&b->retry_at_ns);
                if (now_ns < next || word & CLAIM) {
                        *verdict = reject(b, t, HEALER_BREAKER_REJECT_OPEN,
                                          hlr_max(0, hlr_sub(next, now_ns)));
                        return true;
                }
                if (!claim(b, word))
                        return false;
                word = publish(b, word, HEALER_BREAKER_HALF_OPEN, 0, 1, HEALER_BREAKER_BY_ELAPSED,
                               now_ns);
                *verdict = admit(t, word, now_ns);
                take_slot(b, t, lease_of(b, timeout_ns), now_ns);
                return true;
        case HEALER_BREAKER_HALF_OPEN:
                if (!(word & CLAIM) && end_of_wait(b, word, now_ns))
                        return false;
                if (word & CLAIM) {
                        *verdict = reject(b, t, HEALER_BREAKER_REJECT_PROBES, 0);
                        return true;
                }
                if (PLACES_OF(word) < b->c.half_open_max_calls) {
                        if (!hlr_cas(&b->word, &word, word + PLACE, b->shared))
                                return false;
                        *verdict = admit(t, word, now_ns);
                        take_slot(b, t, lease_of(b, timeout_ns), now_ns);
                        return true;
                }
                if (end_leases(b, GENERATION_OF(word), now_ns, &next))
                        return false;
                *verdict = reject(b, t, HEALER_BREAKER_REJECT_PROBES,
                                  next == HEALER_NEVER ? 0 : hlr_sub(next, now_ns));
                return true;
        case HEALER_BREAKER_FORCED_OPEN:
                *verdict = reject(b, t, HEALER_BREAKER_REJECT_FORCED, HEALER_NEVER);
                return true;
        case HEALER_BREAKER_PARTIAL:
                if (step_up(b, word, now_ns))
                        return false;
                if (in_share(b, STEP_OF(word)))
                        *verdict = admit(t, word, now_ns);
                else
                        *verdict = reject(b, t, HEALER_BREAKER_REJECT_PARTIAL, 0);
                return true;
        default:
                *verdict = admit(t, word, now_ns);
                return true;
        }
}

static enum healer_breaker_verdict acquire_slowly(struct healer_breaker *b, int64_t timeout_ns,
                                                  int64_t now_ns, struct healer_breaker_ticket *t)
{
        enum healer_breaker_verdict verdict = HEALER_BREAKER_OK;
        uint32_t state = STATE_OF(hlr_load_acq(&b->word));

        /* a plain refusal writes no time: it would cost as much as all the rest */
        if ((state == HEALER_BREAKER_OPEN || state == HEALER_BREAKER_FORCED_OPEN) &&
            now_ns >= hlr_load(&b->newest_ns) && now_ns < hlr_load(&b->retry_at_ns))
                return reject(b, t,
                              state == HEALER_BREAKER_OPEN ? HEALER_BREAKER_REJECT_OPEN
                                                           : HEALER_BREAKER_REJECT_FORCED,
                              state == HEALER_BREAKER_OPEN
                                      ? hlr_sub(hlr_load(&b->retry_at_ns), now_ns)
                                      : HEALER_NEVER);
        now_ns = observe(b, now_ns);
        while (!decide(b, hlr_load_acq(&b->word), timeout_ns, now_ns, t, &verdict))
                ;
        return verdict;
}

enum healer_breaker_verdict healer_breaker_acquire_for(struct healer_breaker *b,
                                                       int64_t timeout_ns, int64_t now_ns,
                                                       struct healer_breaker_ticket *t)
{
        uint64_t word = hlr_load_acq(&b->word);

        if (HLR_LIKELY(STATE_OF(word) == HEALER_BREAKER_CLOSED))
                return admit(t, word, now_ns);
        return acquire_slowly(b, timeout_ns, now_ns, t);
}

enum healer_breaker_verdict healer_breaker_acquire(struct healer_breaker *b, int64_t now_ns,
                                                   struct healer_breaker_ticket *t)
{
        return healer_breaker_acquire_for(b, 0, now_ns, t);
}

bool healer_breaker_needs_now(const struct healer_breaker *b)
{
        return b->wants_now || STATE_OF(hlr_load(&b->word)) != HEALER_BREAKER_CLOSED;
}

/* ---- reports ---- */

/* Ends the ticket. False: it had been reported before. */
static inline bool end_ticket(struct healer_breaker *b, struct healer_breaker_ticket *t)
{
        if (HLR_UNLIKELY(!t->live)) {
                count(b, COUNT_TWICE);
                return false;
        }
        t->live = 0;
        return true;
}

static inline void count_outcome(struct healer_breaker *b, bool failed, bool slow)
{
        count(b, failed ? COUNT_FAILED : COUNT_OK);
        if (HLR_UNLIKELY(slow))
                count(b, failed ? COUNT_SLOW_FAILED : COUNT_SLOW_OK);
}

static void report_trial(struct healer_breaker *b, const struct healer_breaker_ticket *t,
                         bool failed, bool slow, int64_t now_ns)
{
        if (!free_slot(b, t->place, trial_id(t))) {
                count(b, COUNT_LATE);
                return;
        }
        /* slow trials fail only where slow calls can trip */
        end_trial(b, t->generation, failed || (slow && is_rate_mode(b->mode)), now_ns);
}

/* Everything but the plain case. A failure that was fast is `failed` and not `bad`. */
static void report_slowly(struct healer_breaker *b, const struct healer_breaker_ticket *t,
                          bool failed, bool bad, bool slow, int64_t now_ns)
{
        now_ns = observe(b, now_ns);
        if (failed)
                hlr_store(&b->last_failure_at_ns, now_ns);
        if (GENERATION_OF(hlr_load_acq(&b->word)) != t->generation)
                count(b, COUNT_LATE);
        else if (t->state == HEALER_BREAKER_HALF_OPEN)
                report_trial(b, t, bad, slow, now_ns);
        else if (t->state != HEALER_BREAKER_DISABLED)
                record(b, t->generation, bad, slow, t->state != HEALER_BREAKER_METRICS_ONLY, now_ns);
}

void healer_breaker_success(struct healer_breaker *b, struct healer_breaker_ticket *t,
                            int64_t now_ns)
{
        bool slow = hlr_sub(now_ns, t->started_at_ns) > b->slow_call_ns;

        if (!end_ticket(b, t))
                return;
        count_outcome(b, false, slow);
        if (HLR_LIKELY(t->state == HEALER_BREAKER_CLOSED &&
                       GENERATION_OF(hlr_load_acq(&b->word)) == t->generation)) {
                if (b->mode == HEALER_BREAKER_TIME_RATE)
                        record_by_time(b, t->generation, slow ? SLOT_SLOW : 0, true,
                                       observe_cheaply(b, now_ns));
                else if (b->mode == HEALER_BREAKER_COUNT_RATE)
                        record_by_count(b, t->generation, slow ? SLOT_SLOW : 0, true, now_ns);
                else if (b->mode != HEALER_BREAKER_WINDOWED_COUNT)
                        record_success_in_row(b, t->generation);
                return;
        }
        report_slowly(b, t, false, false, slow, now_ns);
}

void healer_breaker_failure(struct healer_breaker *b, struct healer_breaker_ticket *t,
                            int32_t code, int64_t now_ns)
{
        int64_t took_ns = hlr_sub(now_ns, t->started_at_ns);
        bool slow = took_ns > b->slow_call_ns;

        if (!end_ticket(b, t))
                return;
        count_outcome(b, true, slow);
        hlr_store(&b->last_failure_code, (uint64_t)(uint32_t)code);
        report_slowly(b, t, true, took_ns >= b->c.fast_failure_ns, slow, now_ns);
}

static void end_uncounted(struct healer_breaker *b, struct healer_breaker_ticket *t,
                          uint32_t which)
{
        if (!end_ticket(b, t))
                return;
        count(b, which);
        if (t->state == HEALER_BREAKER_HALF_OPEN && free_slot(b, t->place, trial_id(t)))
                give_place_back(b, t->generation);
}

void healer_breaker_ignore(struct healer_breaker *b, struct healer_breaker_ticket *t)
{
        end_uncounted(b, t, COUNT_IGNORED);
}

void healer_breaker_cancel(struct healer_breaker *b, struct healer_breaker_ticket *t)
{
        end_uncounted(b, t, COUNT_CANCELLED);
}

/* ---- time without calls, and hands ---- */

static int64_t next_wake(struct healer_breaker *b, uint64_t word, int64_t lease_ns)
{
        int64_t entered = hlr_load(&b->entered_at_ns);

        switch (STATE_OF(word)) {
        case HEALER_BREAKER_OPEN:
                return b->c.automatic ? hlr_load(&b->retry_at_ns) : HEALER_NEVER;
        case HEALER_BREAKER_HALF_OPEN:
                return b->c.half_open_max_wait_ns
                               ? hlr_min(lease_ns, hlr_add(entered, b->c.half_open_max_wait_ns))
                               : lease_ns;
        case HEALER_BREAKER_PARTIAL:
                return hlr_add(entered, b->c.partial_dwell_ns);
        default:
                return HEALER_NEVER;
        }
}

int64_t healer_breaker_poll(struct healer_breaker *b, int64_t now_ns)
{
        uint64_t word;
        int64_t lease_ns = HEALER_NEVER;

        now_ns = observe(b, now_ns);
        word = hlr_load_acq(&b->word);
        if (word & CLAIM)
                return now_ns;
        if (STATE_OF(word) == HEALER_BREAKER_OPEN && b->c.automatic &&
            now_ns >= hlr_load(&b->retry_at_ns) && claim(b, word))
                publish(b, word, HEALER_BREAKER_HALF_OPEN, 0, 0, HEALER_BREAKER_BY_ELAPSED,
                        now_ns);
        else if (STATE_OF(word) == HEALER_BREAKER_HALF_OPEN && !end_of_wait(b, word, now_ns))
                end_leases(b, GENERATION_OF(word), now_ns, &lease_ns);
        else if (STATE_OF(word) == HEALER_BREAKER_PARTIAL)
                step_up(b, word, now_ns);
        return next_wake(b, hlr_load_acq(&b->word), lease_ns);
}

/* Claims whatever word there is, waiting for a transition under way. */
static uint64_t claim_by_hand(struct healer_breaker *b)
{
        for (;;) {
                uint64_t word = hlr_load_acq(&b->word);

                if (claim(b, word))
                        return word;
        }
}

/* A transition in which only the claim bit is given back. */
static void give_claim_back(struct healer_breaker *b, uint64_t word)
{
        hlr_store_rel(&b->word, word);
}

static void go_by_hand(struct healer_breaker *b, uint32_t to, int64_t now_ns)
{
        uint64_t word = claim_by_hand(b);

        now_ns = observe(b, now_ns);
        if (STATE_OF(word) == to)
                give_claim_back(b, word);
        else
                publish(b, word, to, 0, 0, HEALER_BREAKER_BY_HAND, now_ns);
}

void healer_breaker_trip(struct healer_breaker *b, int64_t now_ns)
{
        uint64_t word = claim_by_hand(b);

        now_ns = observe(b, now_ns);
        if (STATE_OF(word) == HEALER_BREAKER_OPEN || STATE_OF(word) == HEALER_BREAKER_FORCED_OPEN)
                give_claim_back(b, word);
        else
                publish(b, word, HEALER_BREAKER_OPEN, 0, 0, HEALER_BREAKER_BY_HAND, now_ns);
}

void healer_breaker_force_open(struct healer_breaker *b, int64_t now_ns)
{
        go_by_hand(b, HEALER_BREAKER_FORCED_OPEN, now_ns);
}

void healer_breaker_disable(struct healer_breaker *b, int64_t now_ns)
{
        go_by_hand(b, HEALER_BREAKER_DISABLED, now_ns);
}

void healer_breaker_metrics_only(struct healer_breaker *b, int64_t now_ns)
{
        go_by_hand(b, HEALER_BREAKER_METRICS_ONLY, now_ns);
}

void healer_breaker_reset(struct healer_breaker *b, int64_t now_ns)
{
        uint64_t word = claim_by_hand(b);

        now_ns = observe(b, now_ns);
        for (uint32_t i = 0; i < COUNTS; i++)
                hlr_store_rel(&b->baseline[i], counted(b, i));
        hlr_store(&b->last_failure_code, 0);
        hlr_store(&b->last_failure_at_ns, 0);
        publish(b, word, HEALER_BREAKER_CLOSED, 0, 0, HEALER_BREAKER_BY_HAND, now_ns);
}

/* ---- export ---- */

enum healer_breaker_state healer_breaker_state(const struct healer_breaker *b)
{
        return (enum healer_breaker_state)STATE_OF(hlr_load_acq(&b->word));
}

static void export_counts(const uint64_t n[COUNTS], struct healer_breaker_counts *out)
{
        out->ok = n[COUNT_OK];
        out->failed = n[COUNT_FAILED];
        out->slow_ok = n[COUNT_SLOW_OK];
        out->slow_failed = n[COUNT_SLOW_FAILED];
        out->ignored = n[COUNT_IGNORED];
        out->cancelled = n[COUNT_CANCELLED];
        out->late = n[COUNT_LATE];
        out->reported_twice = n[COUNT_TWICE];
        out->leased_out = n[COUNT_LEASED_OUT];
        for (int i = 0; i < HEALER_BREAKER_VERDICT_COUNT; i++)
                out->rejected[i] = n[COUNT_REJECTED + i];
        out->trials_ok = n[COUNT_TRIALS_OK];
        out->trials_failed = n[COUNT_TRIALS_FAILED];
}

static void export_window(const struct healer_breaker *b, uint32_t generation, int64_t now_ns,
                          struct healer_breaker_snapshot *out)
{
        out->failure_rate_percent = (double)NAN;
        out->slow_rate_percent = (double)NAN;
        if (b->mode == HEALER_BREAKER_TIME_RATE) {
                struct hlr_sums sums = hlr_window_sums(&b->window, generation, now_ns);

                out->window_calls = (uint32_t)hlr_min((int64_t)sums.a_low, UINT32_MAX);
                out->window_failed = (uint32_t)hlr_min((int64_t)sums.a_high, UINT32_MAX);
                out->window_slow = (uint32_t)hlr_min((int64_t)sums.b_low, UINT32_MAX);
        } else if (b->mode == HEALER_BREAKER_COUNT_RATE) {
                uint64_t head = hlr_load(&b->head);
                uint64_t sums = hlr_load(&b->sums);

                if (GENERATION_OF(head) == generation) {
                        out->window_calls = (uint32_t)head < b->c.window_count ? (uint32_t)head
                                                                               : b->c.window_count;
                        out->window_failed = (uint32_t)sane_sum(b, SUMS_FAILED(sums));
                        out->window_slow = (uint32_t)sane_sum(b, SUMS_SLOW(sums));
                }
        } else {
                uint64_t row = hlr_load(&b->row);

                out->row = GENERATION_OF(row) == generation ? (uint32_t)row : 0;
                return;
        }
        if (out->window_calls >= b->c.min_calls) {
                out->failure_rate_percent = 100.0 * out->window_failed / out->window_calls;
                out->slow_rate_percent = 100.0 * out->window_slow / out->window_calls;
        }
}

static uint32_t score_of(uint32_t state, const struct healer_breaker_counts *n)
{
        double total = (double)n->ok + (double)n->failed;
        double weight = state == HEALER_BREAKER_HALF_OPEN || state == HEALER_BREAKER_PARTIAL ? .5
                        : state == HEALER_BREAKER_OPEN || state == HEALER_BREAKER_FORCED_OPEN
                                ? .25
                                : 1;

        return total > 0 ? (uint32_t)(100.0 * (double)n->ok / total * weight + .5) : 100;
}

static void copy_state(const struct healer_breaker *b, uint64_t word, int64_t now_ns,
                       struct healer_breaker_snapshot *out)
{
        uint32_t state = STATE_OF(word);

        out->state = state;
        out->generation = GENERATION_OF(word);
        out->partial_percent = state == HEALER_BREAKER_PARTIAL
                                       ? 100 * STEP_OF(word) / (b->c.partial_steps + 1)
                                       : 100;
        out->trials_in_flight = PLACES_OF(word);
        out->entered_at_ns = hlr_load_acq(&b->entered_at_ns);
        out->in_state_for_ns = hlr_max(0, hlr_sub(now_ns, out->entered_at_ns));
        out->retry_at_ns = hlr_load_acq(&b->retry_at_ns);
        out->reopens = (uint32_t)hlr_load_acq(&b->reopens);
        out->last_failure_code = (int32_t)(uint32_t)hlr_load_acq(&b->last_failure_code);
        out->last_failure_at_ns = hlr_load_acq(&b->last_failure_at_ns);
        for (int i = 0; i < HEALER_BREAKER_STATE_COUNT; i++) {
                out->in_state_ns[i] = hlr_load_acq(&b->in_state_ns[i]);
                for (int j = 0; j < HEALER_BREAKER_STATE_COUNT; j++)
                        out->transitions[i][j] = hlr_load_acq(&b->transitions[i][j]);
        }
        out->in_state_ns[state] = hlr_add(out->in_state_ns[state], out->in_state_for_ns);
}

void healer_breaker_snapshot(const struct healer_breaker *b, int64_t now_ns,
                             struct healer_breaker_snapshot *out)
{
        uint64_t lifetime[COUNTS], since_reset[COUNTS];
        uint64_t word, again, decided;

        /* no transition between the first look and the last: then it is one state */
        do {
                memset(out, 0, sizeof(*out));
                word = hlr_load_acq(&b->word);
                copy_state(b, word, now_ns, out);
                for (uint32_t i = 0; i < COUNTS; i++) {
                        since_reset[i] = hlr_load_acq(&b->baseline[i]);
                        lifetime[i] = counted(b, i);
                        since_reset[i] = lifetime[i] - since_reset[i];
                }
                export_window(b, GENERATION_OF(word), now_ns, out);
                again = hlr_load(&b->word);
        } while (word & CLAIM || GENERATION_OF(word) != GENERATION_OF(again) || again & CLAIM);
        export_counts(lifetime, &out->lifetime);
        export_counts(since_reset, &out->since_reset);
        decided = out->lifetime.trials_ok + out->lifetime.trials_failed;
        out->half_open_success_ratio =
                decided ? (double)out->lifetime.trials_ok / (double)decided : (double)NAN;
        out->score = score_of(out->state, &out->since_reset);
        out->time_went_back = hlr_load(&b->steps_back);
}

const char *healer_breaker_state_name(enum healer_breaker_state state)
{
        static const char *const names[HEALER_BREAKER_STATE_COUNT] = {
                "closed", "open", "half-open", "forced-open", "disabled", "metrics-only", "partial",
        };

        return (unsigned)state < HEALER_BREAKER_STATE_COUNT ? names[state] : "unknown";
}

const char *healer_breaker_verdict_text(enum healer_breaker_verdict verdict)
{
        static const char *const texts[HEALER_BREAKER_VERDICT_COUNT] = {
                "admitted",
                "rejected: the circuit is open",
                "rejected: all trial places are taken",
                "rejected: the circuit is forced open",
                "rejected: above the share admitted after a close",
        };

        return (unsigned)verdict < HEALER_BREAKER_VERDICT_COUNT ? texts[verdict] : "unknown";
}

const char *healer_breaker_cause_name(enum healer_breaker_cause cause)
{
        static const char *const names[HEALER_BREAKER_CAUSE_COUNT] = {
                "failures",    "failure-rate",  "slow-rate",     "elapsed", "trial-failed",
                "trials-good", "sample",        "max-wait",      "partial-dwell",
                "partial-burst", "by-hand",
        };

        return (unsigned)cause < HEALER_BREAKER_CAUSE_COUNT ? names[cause] : "unknown";
}
