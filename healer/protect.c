/* protect.c - the order of the policies, and what each owes the others.
 *
 * One attempt goes in through breaker, rate limit and bulkhead, and out again
 * the same way; whatever stops it undoes what was taken before. Around that is
 * the retry loop, around that the deadline, around that the fallback. The
 * clock is read once before an attempt and once after it.
 */
#include "healer/protect.h"
#include "healer/hlr_base.h"

struct healer_protect {
        struct healer_protect_config c;
};

/* One protected call under way. */
struct run {
        const struct healer_protect_config *c;
        healer_call_fn *call;
        void *ctx;
        struct healer_call_context *context;
        int64_t deadline_ns;
        int64_t timeout_ns;
        int64_t now_ns; /* as last read */
        struct healer_attempt attempt;
        struct healer_protect_result *result;
};

struct healer_protect_config healer_protect_config_defaults(void)
{
        return (struct healer_protect_config){
                .size = sizeof(struct healer_protect_config),
                .deadline_ns = HEALER_NEVER,
                .timeout_ns = HEALER_NEVER,
        };
}

const char *healer_protect_config_check(const struct healer_protect_config *c)
{
        if (!c->now)
                return "now: the library has no clock of its own";
        if (c->retry && !c->wait)
                return "wait: retries have to wait";
        if (c->deadline_ns <= 0)
                return "deadline_ns: must be above 0";
        if (c->timeout_ns <= 0)
                return "timeout_ns: must be above 0";
        return NULL;
}

enum healer_err healer_protect_create(const struct healer_protect_config *config,
                                      struct healer_protect **out)
{
        struct healer_protect_config c = healer_protect_config_defaults();
        struct healer_protect *p;
        enum healer_err err;

        *out = NULL;
        err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));
        if (err != HEALER_OK)
                return err;
        if (healer_protect_config_check(&c))
                return HEALER_E_RANGE;
        p = hlr_alloc(c.allocator, sizeof(*p));
        if (!p)
                return HEALER_E_NOMEM;
        p->c = c;
        *out = p;
        return HEALER_OK;
}

void healer_protect_destroy(struct healer_protect *p)
{
        if (p)
                hlr_free(p->c.allocator, p);
}

static int64_t read_clock(struct run *run)
{
        return run->now_ns = hlr_max(run->now_ns, run->c->now(run->c->ctx));
}

static bool cancelled(const struct run *run)
{
        return run->context && healer_cancel_is_set(run->context->cancel);
}

static void wait_until(struct run *run, int64_t until_ns)
{
        /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): who has to wait was given one */
        run->c->wait(run->c->ctx, until_ns, run->context ? run->context->cancel : NULL);
        read_clock(run);
}

static enum healer_err refuse(struct run *run, enum healer_protect_layer layer,
                              int64_t retry_after_ns)
{
        run->result->layer = layer;
        run->result->retry_after_ns = retry_after_ns;
        return HEALER_E_REFUSED;
}

/* ---- one attempt, from the inside out ---- */

static enum healer_err make_call(struct run *run)
{
        void *value = NULL;
        int32_t code;
        bool limited = run->c->limit && run->attempt.deadline_ns != HEALER_NEVER;

        run->result->attempts++;
        if (limited)
                run->c->limit(run->c->ctx, &run->attempt, run->attempt.deadline_ns);
        code = run->call(run->ctx, &run->attempt, &value);
        if (limited)
                run->c->limit(run->c->ctx, &run->attempt, HEALER_NEVER);
        read_clock(run);
        if (run->now_ns > run->attempt.deadline_ns) {
                run->result->layer = run->attempt.deadline_ns == run->deadline_ns
                                             ? HEALER_LAYER_DEADLINE
                                             : HEALER_LAYER_TIMEOUT;
                run->result->code = code;
                return HEALER_E_TIMEOUT;
        }
        run->result->code = code;
        if (code != 0) {
                run->result->layer = HEALER_LAYER_CALL;
                return HEALER_E_FAILED;
        }
        run->result->value = value;
        return HEALER_OK;
}

/* Waits in the queue until there is a permit, no more time, or no more wish. */
static enum healer_err wait_for_permit(struct run *run, struct healer_bulkhead_waiter *waiter)
{
        for (;;) {
                enum healer_bulkhead_verdict verdict =
                        healer_bulkhead_poll(run->c->bulkhead, waiter, run->now_ns);

                if (verdict == HEALER_BULKHEAD_OK)
                        return HEALER_OK;
                if (verdict != HEALER_BULKHEAD_QUEUED)
                        return refuse(run, HEALER_LAYER_BULKHEAD, 0);
                if (cancelled(run) || run->now_ns >= run->attempt.deadline_ns) {
                        if (healer_bulkhead_give_up(run->c->bulkhead, waiter) == HEALER_BULKHEAD_OK)
                                healer_bulkhead_leave(run->c->bulkhead);
                        return refuse(run, HEALER_LAYER_BULKHEAD, 0);
                }
                wait_until(run, hlr_min(waiter->until_ns, run->attempt.deadline_ns));
        }
}

static enum healer_err through_bulkhead(struct run *run)
{
        struct healer_bulkhead_waiter waiter = {.wake = run->c->wake, .ctx = run->c->ctx};
        enum healer_bulkhead_verdict verdict;
        enum healer_err err;

        if (!run->c->bulkhead)
                return make_call(run);
        if (run->c->degrade)
                healer_bulkhead_set_cap(run->c->bulkhead,
                                        healer_degrade_concurrency(run->c->degrade, 0));
        verdict = healer_bulkhead_enter(run->c->bulkhead, run->c->wait ? &waiter : NULL,
                                        run->now_ns);
        if (verdict == HEALER_BULKHEAD_QUEUED) {
                err = wait_for_permit(run, &waiter);
                if (err != HEALER_OK)
                        return err;
        } else if (verdict != HEALER_BULKHEAD_OK) {
                return refuse(run, HEALER_LAYER_BULKHEAD, 0);
        }
        err = make_call(run);
        healer_bulkhead_leave(run->c->bulkhead);
        return err;
}

static void start_timeout(struct run *run)
{
        run->attempt.deadline_ns =
                hlr_min(run->deadline_ns, hlr_add(run->now_ns, run->timeout_ns));
}

static enum healer_err through_rate_limit(struct run *run)
{
        int64_t wait_ns;
        enum healer_rate_limit_verdict verdict;
        enum healer_err err;

        if (!run->c->rate_limit) {
                start_timeout(run);
                return through_bulkhead(run);
        }
        verdict = run->c->wait ? healer_rate_limit_reserve(run->c->rate_limit, 1, run->now_ns,
                                                           &wait_ns)
                               : healer_rate_limit_acquire(run->c->rate_limit, 1, run->now_ns,
                                                           &wait_ns);
        if (verdict != HEALER_RATE_OK)
                return refuse(run, HEALER_LAYER_RATE_LIMIT, wait_ns);
        if (wait_ns > 0 && hlr_add(run->now_ns, wait_ns) >= run->deadline_ns) {
                healer_rate_limit_give_back(run->c->rate_limit, 1);
                return refuse(run, HEALER_LAYER_RATE_LIMIT, wait_ns);
        }
        for (int64_t until = hlr_add(run->now_ns, wait_ns); run->now_ns < until;) {
                wait_until(run, until);
                if (cancelled(run)) {
                        healer_rate_limit_give_back(run->c->rate_limit, 1);
                        return refuse(run, HEALER_LAYER_RATE_LIMIT, 0);
                }
        }
        start_timeout(run);
        err = through_bulkhead(run);
        if (err == HEALER_E_REFUSED)
                healer_rate_limit_give_back(run->c->rate_limit, 1);
        return err;
}

static enum healer_failure_kind kind_of(const struct run *run, enum healer_err err)
{
        if (err == HEALER_E_TIMEOUT || !run->c->kind_of)
                return HEALER_FAILURE_RETRYABLE;
        return run->c->kind_of(run->c->ctx, run->result->code);
}

static enum healer_err through_breaker(struct run *run)
{
        struct healer_breaker_ticket ticket;
        enum healer_err err;

        if (!run->c->breaker)
                return through_rate_limit(run);
        run->result->breaker_verdict = healer_breaker_acquire_for(
                run->c->breaker, run->timeout_ns == HEALER_NEVER ? 0 : run->timeout_ns,
                run->now_ns, &ticket);
        if (run->result->breaker_verdict != HEALER_BREAKER_OK)
                return refuse(run, HEALER_LAYER_BREAKER, ticket.retry_after_ns);
        err = through_rate_limit(run);
        if (err == HEALER_OK)
                healer_breaker_success(run->c->breaker, &ticket, run->now_ns);
        else if (err == HEALER_E_REFUSED)
                healer_breaker_cancel(run->c->breaker, &ticket);
        else if (kind_of(run, err) == HEALER_FAILURE_IGNORED)
                healer_breaker_ignore(run->c->breaker, &ticket);
        else
                healer_breaker_failure(run->c->breaker, &ticket, run->result->code, run->now_ns);
        return err;
}

/* ---- attempt after attempt ---- */

static bool may_retry(struct run *run, struct healer_retry_run *attempts, enum healer_err err)
{
        struct healer_retry_failure failure = {
                .code = run->result->code,
                .hint_ns = -1,
                .retryable = err != HEALER_E_REFUSED &&
                             kind_of(run, err) == HEALER_FAILURE_RETRYABLE,
                .refused = err == HEALER_E_REFUSED,
                .retry_after_ns = err == HEALER_E_REFUSED ? run->result->retry_after_ns : 0,
        };
        int64_t wait_ns, until;

        run->result->retry_verdict =
                healer_retry_next(run->c->retry, attempts, &failure, run->now_ns, &wait_ns);
        if (run->result->retry_verdict != HEALER_RETRY_AGAIN)
                return false;
        until = hlr_add(run->now_ns, wait_ns);
        while (run->now_ns < until && !cancelled(run))
                wait_until(run, until);
        if (cancelled(run))
                run->result->retry_verdict = HEALER_RETRY_STOP_CANCELLED;
        return !cancelled(run);
}

static enum healer_err with_retries(struct run *run)
{
        struct healer_retry_run attempts;
        enum healer_err err;

        if (!run->c->retry)
                return through_breaker(run);
        healer_retry_begin(run->c->retry, &attempts, run->context, run->deadline_ns, run->now_ns);
        for (;;) {
                err = through_breaker(run);
                if (err == HEALER_OK || !may_retry(run, &attempts, err))
                        break;
                run->attempt.number++;
        }
        healer_retry_end(run->c->retry, &attempts, err == HEALER_OK);
        return err;
}

static enum healer_err with_level(struct run *run, uint32_t priority)
{
        const struct healer_protect_config *c = run->c;

        run->attempt.quality_ratio = 1;
        if (c->degrade) {
                if (!healer_degrade_admit(c->degrade, priority, run->now_ns))
                        return refuse(run, HEALER_LAYER_DEGRADE, 0);
                run->attempt.level = healer_degrade_level(c->degrade);
                run->attempt.quality_ratio =
                        healer_degrade_row(c->degrade, run->attempt.level)->quality_ratio;
                run->timeout_ns = healer_degrade_timeout_ns(c->degrade, c->timeout_ns);
        }
        return with_retries(run);
}

/* The last resort: one pass over the fallbacks. */
static void fall_back(struct run *run, const struct healer_protect_request *request)
{
        struct healer_fallback_call call = {
                .request = request ? request->request : NULL,
                .code = run->result->code,
                .level = run->attempt.level,
                /* what is left of a deadline that has passed is the handler's own limit */
                .deadline_ns = run->now_ns < run->deadline_ns ? run->deadline_ns : HEALER_NEVER,
        };

        run->result->fallback = healer_fallback_run(run->c->fallback, &call);
        if (run->result->fallback.outcome != HEALER_FALLBACK_SUCCESS)
                return;
        run->result->from_fallback = true;
        run->result->value = run->result->fallback.value;
        run->result->err = HEALER_OK;
}

struct healer_protect_result healer_protect_call(struct healer_protect *p, healer_call_fn *call,
                                                 void *ctx,
                                                 const struct healer_protect_request *request)
{
        struct healer_call_context own = {0, 0, NULL};
        struct healer_protect_result result = {.err = HEALER_OK};
        struct run run = {
                .c = &p->c,
                .call = call,
                .ctx = ctx,
                .context = request && request->context ? request->context : &own,
                .timeout_ns = p->c.timeout_ns,
                .now_ns = INT64_MIN,
                .result = &result,
        };

        read_clock(&run);
        run.deadline_ns = hlr_add(run.now_ns, p->c.deadline_ns);
        run.attempt.number = 1;
        run.attempt.context = run.context;
        run.attempt.deadline_ns = run.deadline_ns;
        result.err = with_level(&run, request ? request->priority : 0);
        if (result.err != HEALER_OK && cancelled(&run))
                result.err = HEALER_E_CANCELLED;
        else if (result.err != HEALER_OK && p->c.fallback)
                fall_back(&run, request);
        return result;
}
