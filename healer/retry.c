/* retry.c - delays, reasons to stop, and the shared budget.
 *
 * The power in the exponential delay is taken by squaring, on doubles that
 * saturate at infinity, so that it costs 32 multiplications for any n and comes
 * out the same on every machine (no libm).
 *
 * A run is on the caller's stack; the first attempt touches nothing shared
 * unless there is a budget. Everything else happens only after a failure. The
 * jitter's generator is drawn per run, from the policy's seed and a serial
 * number, so waits do not depend on which thread asks first within a run.
 *
 * The RATIO budget is a sliding window (hlr_window.h) of first attempts and of
 * retries taken: what is left is ratio x first + reserve x lifetime - taken.
 * The TOKENS budget is one integer in thousandths.
 */
#include "healer/retry.h"
#include "healer/hlr_base.h"
#include "healer/hlr_window.h"

#include <string.h>

enum { BUDGET_BUCKETS = 10, TOKEN = 1000 };

struct healer_retry_budget {
        struct healer_retry_budget_config c;
        struct hlr_window window;
        struct hlr_bucket buckets[BUDGET_BUCKETS];
        _Atomic uint64_t tokens;
        bool shared;
};

struct healer_retry {
        struct healer_retry_config c;
        bool shared;
        _Alignas(64) _Atomic uint64_t runs_with_retries;
        _Atomic uint64_t retries;
        _Atomic uint64_t nested;
        _Atomic uint64_t stops[HEALER_RETRY_VERDICT_COUNT];
};

struct healer_cancel {
        _Atomic uint32_t set;
        void (*wake)(void *ctx);
        void *ctx;
        const struct healer_allocator *allocator;
};

/* ---- budget ---- */

struct healer_retry_budget_config healer_retry_budget_config_defaults(void)
{
        return (struct healer_retry_budget_config){
                .size = sizeof(struct healer_retry_budget_config),
                .kind = HEALER_RETRY_BUDGET_RATIO,
                .ratio = 0.2,
                .reserve_per_s = 10,
                .credit_for_ns = 10 * HLR_SECOND,
                .tokens_max = 10,
                .tokens_per_success = 0.1,
        };
}

const char *healer_retry_budget_config_check(const struct healer_retry_budget_config *c)
{
        if (c->kind > HEALER_RETRY_BUDGET_TOKENS)
                return "kind: no such budget";
        if (!(c->ratio >= 0 && c->ratio <= 100))
                return "ratio: must be 0..100";
        if (!(c->reserve_per_s >= 0 && c->reserve_per_s <= 1e6))
                return "reserve_per_s: must be 0..1000000";
        if (c->credit_for_ns < 10 * HLR_MILLISECOND || c->credit_for_ns > 3600 * HLR_SECOND)
                return "credit_for_ns: must be 10 ms..1 h";
        if (!(c->tokens_max >= 1 && c->tokens_max <= 1000))
                return "tokens_max: must be 1..1000";
        if (!(c->tokens_per_success > 0 && c->tokens_per_success <= c->tokens_max))
                return "tokens_per_success: must be above 0 and at most tokens_max";
        if (c->threads > HEALER_THREADS_ONE)
                return "threads: no such choice";
        return NULL;
}

enum healer_err healer_retry_budget_create(const struct healer_retry_budget_config *config,
                                           int64_t now_ns, struct healer_retry_budget **out)
{
        struct healer_retry_budget_config c = healer_retry_budget_config_defaults();
        struct healer_retry_budget *budget;
        enum healer_err err;

        *out = NULL;
        err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));
        if (err != HEALER_OK)
                return err;
        if (healer_retry_budget_config_check(&c))
                return HEALER_E_RANGE;
        budget = hlr_alloc(c.allocator, sizeof(*budget));
        if (!budget)
                return HEALER_E_NOMEM;
        budget->c = c;
        budget->shared = c.threads == HEALER_THREADS_MANY;
        hlr_store(&budget->tokens, (uint64_t)(c.tokens_max * TOKEN));
        hlr_window_init(&budget->window, budget->buckets, BUDGET_BUCKETS, c.credit_for_ns, now_ns,
                        budget->shared);
        *out = budget;
        return HEALER_OK;
}

void healer_retry_budget_destroy(struct healer_retry_budget *budget)
{
        if (budget)
                hlr_free(budget->c.allocator, budget);
}

void healer_retry_budget_first_attempt(struct healer_retry_budget *budget, int64_t now_ns)
{
        struct hlr_sums sums;

        if (budget->c.kind == HEALER_RETRY_BUDGET_RATIO)
                hlr_window_add(&budget->window, 0, now_ns, hlr_pack(1, 0), 0, &sums);
}

void healer_retry_budget_outcome(struct healer_retry_budget *budget, bool failed)
{
        uint64_t seen = hlr_load(&budget->tokens);
        uint64_t full = (uint64_t)(budget->c.tokens_max * TOKEN);
        uint64_t gain = (uint64_t)(budget->c.tokens_per_success * TOKEN + .5);
        uint64_t next;

        if (budget->c.kind != HEALER_RETRY_BUDGET_TOKENS)
                return;
        do {
                if (failed)
                        next = seen > TOKEN ? seen - TOKEN : 0;
                else
                        next = seen + gain < full ? seen + gain : full;
        } while (next != seen && !hlr_cas(&budget->tokens, &seen, next, budget->shared));
}

static double ratio_left(const struct healer_retry_budget *budget, const struct hlr_sums *sums)
{
        return budget->c.ratio * (double)sums->a_low +
               budget->c.reserve_per_s * ((double)budget->c.credit_for_ns / HLR_SECOND) -
               (double)sums->a_high;
}

bool healer_retry_budget_take(struct healer_retry_budget *budget, int64_t now_ns)
{
        struct hlr_sums sums = {0, 0, 0, 0};

        if (budget->c.kind == HEALER_RETRY_BUDGET_TOKENS)
                return (double)hlr_load(&budget->tokens) > budget->c.tokens_max * TOKEN / 2;
        hlr_window_add(&budget->window, 0, now_ns, 0, 0, &sums);
        /* 0.2 five times is a little less than 1 in binary */
        if (ratio_left(budget, &sums) < 1 - 1e-9)
                return false;
        hlr_window_add(&budget->window, 0, now_ns, hlr_pack(0, 1), 0, &sums);
        return true;
}

double healer_retry_budget_left(const struct healer_retry_budget *budget, int64_t now_ns)
{
        struct hlr_sums sums = hlr_window_sums(&budget->window, 0, now_ns);

        if (budget->c.kind == HEALER_RETRY_BUDGET_TOKENS)
                return (double)hlr_load(&budget->tokens) / TOKEN;
        return ratio_left(budget, &sums);
}

/* ---- cancelling ---- */

enum healer_err healer_cancel_create(const struct healer_allocator *allocator,
                                     void (*wake)(void *ctx), void *ctx,
                                     struct healer_cancel **out)
{
        struct healer_cancel *cancel = hlr_alloc(allocator, sizeof(*cancel));

        *out = cancel;
        if (!cancel)
                return HEALER_E_NOMEM;
        cancel->wake = wake;
        cancel->ctx = ctx;
        cancel->allocator = allocator;
        return HEALER_OK;
}

void healer_cancel_destroy(struct healer_cancel *cancel)
{
        if (cancel)
                hlr_free(cancel->allocator, cancel);
}

void healer_cancel_set(struct healer_cancel *cancel)
{
        if (atomic_exchange(&cancel->set, 1) == 0 && cancel->wake)
                cancel->wake(cancel->ctx);
}

bool healer_cancel_is_set(const struct healer_cancel *cancel)
{
        return cancel && hlr_load_acq(&cancel->set) != 0;
}

/* ---- configuration ---- */

struct healer_retry_config healer_retry_config_defaults(void)
{
        return (struct healer_retry_config){
                .size = sizeof(struct healer_retry_config),
                .max_attempts = 3,
                .backoff = HEALER_RETRY_EXPONENTIAL,
                .jitter = HEALER_RETRY_JITTER_ADD,
                .initial_ns = HLR_SECOND,
                .max_ns = 30 * HLR_SECOND,
                .multiplier = 2,
                .jitter_ratio = 0.1,
        };
}

struct healer_retry_config healer_retry_config_db_reconnect(void)
{
        struct healer_retry_config c = healer_retry_config_defaults();

        c.max_attempts = 6;
        c.jitter = HEALER_RETRY_JITTER_NONE;
        c.jitter_ratio = 0;
        return c;
}

const char *healer_retry_config_check(const struct healer_retry_config *c)
{
        if (c->max_attempts < 1 || c->max_attempts > 1u << 31)
                return "max_attempts: must be 1..2147483648";
        if (c->backoff >= HEALER_RETRY_BACKOFF_COUNT)
                return "backoff: no such kind";
        if (c->jitter >= HEALER_RETRY_JITTER_COUNT)
                return "jitter: no such kind";
        if (c->initial_ns < 0)
                return "initial_ns: must not be negative";
        if (c->max_ns < c->initial_ns)
                return "max_ns: must not be below initial_ns";
        if (!(c->multiplier >= 1 && c->multiplier <= 1000))
                return "multiplier: must be 1..1000";
        if (!(c->jitter_ratio >= 0 && c->jitter_ratio <= 1))
                return "jitter_ratio: must be 0..1";
        if (c->threads > HEALER_THREADS_ONE)
                return "threads: no such choice";
        return NULL;
}

/* ---- delays ---- */

static double power(double x, uint32_t n)
{
        double result = 1;

        for (; n; n >>= 1) {
                if (n & 1)
                        result *= x;
                x *= x;
        }
        return result;
}

static double base_ns(const struct healer_retry_config *c, uint32_t n)
{
        double initial = (double)c->initial_ns;

        if (c->initial_ns == 0) /* also times infinity */
                return 0;
        if (c->backoff == HEALER_RETRY_CONSTANT)
                return initial;
        if (c->backoff == HEALER_RETRY_LINEAR)
                return initial * n;
        return initial * power(c->multiplier, n - 1);
}

int64_t healer_retry_delay_after_ns(const struct healer_retry_config *c, uint32_t n,
                                    int64_t before_ns, double u01)
{
        double max = (double)c->max_ns;
        double j = c->jitter_ratio;
        double base = base_ns(c, n ? n : 1);
        double u = u01 >= 0 && u01 < 1 ? u01 : 0;
        double d = base < max ? base : max;
        double spread = base < max / (1 + j) ? base : max / (1 + j);
        double before = before_ns > 0 ? (double)before_ns : (double)c->initial_ns;
        double first = (double)c->initial_ns;

        switch (c->jitter) {
        case HEALER_RETRY_JITTER_ADD:
                d = spread * (1 + j * u);
                break;
        case HEALER_RETRY_JITTER_PLUS_MINUS:
                d = spread * (1 - j + 2 * j * u);
                break;
        case HEALER_RETRY_JITTER_FULL:
                d *= u;
                break;
        case HEALER_RETRY_JITTER_EQUAL:
                d = d / 2 + d / 2 * u;
                break;
        case HEALER_RETRY_JITTER_DECORRELATED:
                d = first + u * (3 * before - first);
                break;
        default:
                break;
        }
        return hlr_min(hlr_from_double(d), c->max_ns);
}

int64_t healer_retry_delay_ns(const struct healer_retry_config *c, uint32_t n, double u01)
{
        return healer_retry_delay_after_ns(c, n, 0, u01);
}

/* ---- runs ---- */

enum healer_err healer_retry_create(const struct healer_retry_config *config,
                                    struct healer_retry **out)
{
        struct healer_retry_config c = healer_retry_config_defaults();
        struct healer_retry *retry;
        enum healer_err err;

        *out = NULL;
        err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));
        if (err != HEALER_OK)
                return err;
        if (healer_retry_config_check(&c))
                return HEALER_E_RANGE;
        retry = hlr_alloc(c.allocator, sizeof(*retry));
        if (!retry)
                return HEALER_E_NOMEM;
        retry->c = c;
        retry->shared = c.threads == HEALER_THREADS_MANY;
        *out = retry;
        return HEALER_OK;
}

void healer_retry_destroy(struct healer_retry *retry)
{
        if (retry)
                hlr_free(retry->c.allocator, retry);
}

static void report_nesting(struct healer_retry *retry, int64_t now_ns)
{
        struct healer_event event = {
                .at_ns = now_ns,
                .source_id = retry->c.id,
                .type = HEALER_EVENT_RETRY_NESTED,
                .value = 1,
        };

        hlr_count(&retry->nested, 1, retry->shared);
        healer_event_ring_put(retry->c.events, &event);
}

void healer_retry_begin(struct healer_retry *retry, struct healer_retry_run *run,
                        struct healer_call_context *context, int64_t deadline_ns, int64_t now_ns)
{
        run->deadline_ns = deadline_ns;
        run->last_wait_ns = 0;
        run->context = context;
        run->random = 0;
        run->attempts = 1;
        run->nested = 0;
        if (context) {
                run->nested = context->retry_layers > 0;
                context->retry_layers++;
                if (HLR_UNLIKELY(run->nested))
                        report_nesting(retry, now_ns);
        }
        /* an inner layer's attempts are the outer layer's, earned there */
        if (retry->c.budget && !run->nested)
                healer_retry_budget_first_attempt(retry->c.budget, now_ns);
}

static double next_u01(struct healer_retry *retry, struct healer_retry_run *run)
{
        if (run->random == 0)
                run->random = hlr_mix(retry->c.seed ^
                                      hlr_mix(hlr_fetch_add(&retry->runs_with_retries, 1,
                                                            retry->shared))) |
                              1;
        run->random += UINT64_C(0x9e3779b97f4a7c15) * 2;
        return hlr_unit(hlr_mix(run->random));
}

/* The reasons that need no look at the clock. */
static enum healer_retry_verdict stop_by_state(const struct healer_retry *retry,
                                               const struct healer_retry_run *run,
                                               const struct healer_retry_failure *failure)
{
        bool retryable = failure->refused            ? true
                         : retry->c.retryable != NULL ? retry->c.retryable(
                                                                retry->c.retryable_ctx,
                                                                failure->code)
                                                      : failure->retryable != 0;

        if (run->context && healer_cancel_is_set(run->context->cancel))
                return HEALER_RETRY_STOP_CANCELLED;
        if (!retryable)
                return HEALER_RETRY_STOP_CODE;
        if (run->nested)
                return HEALER_RETRY_STOP_NESTED;
        return run->attempts >= retry->c.max_attempts ? HEALER_RETRY_STOP_ATTEMPTS
                                                      : HEALER_RETRY_AGAIN;
}

static int64_t wait_for(struct healer_retry *retry, struct healer_retry_run *run,
                        const struct healer_retry_failure *failure)
{
        if (failure->hint_ns >= 0)
                return hlr_min(failure->hint_ns, retry->c.max_ns);
        run->last_wait_ns = healer_retry_delay_after_ns(
                &retry->c, run->attempts, run->last_wait_ns, next_u01(retry, run));
        return run->last_wait_ns;
}

static enum healer_retry_verdict decide(struct healer_retry *retry, struct healer_retry_run *run,
                                        const struct healer_retry_failure *failure,
                                        int64_t now_ns, int64_t *wait_ns)
{
        enum healer_retry_verdict verdict = stop_by_state(retry, run, failure);

        if (verdict != HEALER_RETRY_AGAIN)
                return verdict;
        if (failure->refused && hlr_add(now_ns, failure->retry_after_ns) >= run->deadline_ns)
                return HEALER_RETRY_STOP_BREAKER;
        *wait_ns = wait_for(retry, run, failure);
        if (failure->refused)
                *wait_ns = hlr_max(*wait_ns, failure->retry_after_ns);
        if (hlr_add(now_ns, *wait_ns) >= run->deadline_ns)
                return HEALER_RETRY_STOP_DEADLINE;
        if (retry->c.budget && !healer_retry_budget_take(retry->c.budget, now_ns))
                return HEALER_RETRY_STOP_BUDGET;
        return HEALER_RETRY_AGAIN;
}

enum healer_retry_verdict healer_retry_next(struct healer_retry *retry,
                                            struct healer_retry_run *run,
                                            const struct healer_retry_failure *failure,
                                            int64_t now_ns, int64_t *wait_ns)
{
        enum healer_retry_verdict verdict;

        *wait_ns = 0;
        if (retry->c.budget && !failure->refused)
                healer_retry_budget_outcome(retry->c.budget, true);
        verdict = decide(retry, run, failure, now_ns, wait_ns);
        if (verdict == HEALER_RETRY_AGAIN) {
                run->attempts++;
                hlr_count(&retry->retries, 1, retry->shared);
                return verdict;
        }
        *wait_ns = 0;
        hlr_count(&retry->stops[verdict], 1, retry->shared);
        if (verdict == HEALER_RETRY_STOP_ATTEMPTS && retry->c.on_exhausted)
                retry->c.on_exhausted(retry->c.on_exhausted_ctx, run->attempts, failure->code);
        return verdict;
}

void healer_retry_end(struct healer_retry *retry, struct healer_retry_run *run, bool succeeded)
{
        if (run->context && run->context->retry_layers > 0)
                run->context->retry_layers--;
        run->context = NULL;
        if (succeeded && retry->c.budget)
                healer_retry_budget_outcome(retry->c.budget, false);
}

void healer_retry_counts(const struct healer_retry *retry, struct healer_retry_counts *out)
{
        memset(out, 0, sizeof(*out));
        out->retries = hlr_load(&retry->retries);
        out->nested = hlr_load(&retry->nested);
        for (int i = 0; i < HEALER_RETRY_VERDICT_COUNT; i++)
                out->stops[i] = hlr_load(&retry->stops[i]);
}

const char *healer_retry_verdict_text(enum healer_retry_verdict verdict)
{
        static const char *const texts[HEALER_RETRY_VERDICT_COUNT] = {
                "try again",
                "stopped: not a failure to retry",
                "stopped: all attempts are used",
                "stopped: the wait would reach the deadline",
                "stopped: the retry budget is empty",
                "stopped: refused until after the deadline",
                "stopped: cancelled by the caller",
                "stopped: an outer layer retries",
        };

        return (unsigned)verdict < HEALER_RETRY_VERDICT_COUNT ? texts[verdict] : "unknown";
}
