/* recover.c - a table from failure types to strategies, and ten ways to go on.
 *
 * The ten kinds come down to four deeds: answer otherwise (fallback, ignore),
 * undo (compensate), put something right and run again (escalate, restart,
 * rollback, heal), and wait and run again (retry, backoff, breaker). A row of
 * `deeds` says which. The type is looked up anew after each failure, since the
 * second failure of a call may be another one than the first.
 *
 * The breakers of all types stand before every call: that is what makes a type
 * that has tripped refuse. A failure counts in the breaker of its own type; to
 * the others it says nothing.
 */
#include "healer/recover.h"

#include "healer/kinds.h"
#include "healer/hlr_base.h"

#include <string.h>

enum { TYPE_BYTES = 48 };

enum deed { ANSWER, UNDO, FIX_AND_RUN, WAIT_AND_RUN };

static const struct {
        const char *name;
        enum deed deed;
        bool needs_handler;
} deeds[HEALER_RECOVER_KIND_COUNT] = {
        [HEALER_RECOVER_RETRY] = {"retry", WAIT_AND_RUN, false},
        [HEALER_RECOVER_EXPONENTIAL_BACKOFF] = {"exponential_backoff", WAIT_AND_RUN, false},
        [HEALER_RECOVER_CIRCUIT_BREAKER] = {"circuit_breaker", WAIT_AND_RUN, false},
        [HEALER_RECOVER_FALLBACK] = {"fallback", ANSWER, true},
        [HEALER_RECOVER_COMPENSATE] = {"compensate", UNDO, true},
        [HEALER_RECOVER_IGNORE] = {"ignore", ANSWER, false},
        [HEALER_RECOVER_ESCALATE] = {"escalate", FIX_AND_RUN, true},
        [HEALER_RECOVER_RESTART] = {"restart", FIX_AND_RUN, true},
        [HEALER_RECOVER_ROLLBACK] = {"rollback", FIX_AND_RUN, true},
        [HEALER_RECOVER_HEAL] = {"heal", FIX_AND_RUN, true},
};

struct entry {
        char type[TYPE_BYTES];
        struct healer_recover_strategy strategy;
        struct healer_breaker *breaker; /* CIRCUIT_BREAKER only */
};

struct healer_recover {
        struct healer_recover_config c;
        uint32_t count;
        _Atomic uint64_t no_strategy;
        _Atomic uint64_t jitters;
        _Atomic uint64_t used[HEALER_RECOVER_KIND_COUNT];
        struct entry entries[HEALER_RECOVER_TYPES_MAX];
};

/* ---- configuration ---- */

struct healer_recover_config healer_recover_config_defaults(void)
{
        return (struct healer_recover_config){
                .size = sizeof(struct healer_recover_config),
                .builtins = 1,
                .deadline_ns = HEALER_NEVER,
        };
}

const char *healer_recover_config_check(const struct healer_recover_config *c)
{
        if (c->builtins > 1)
                return "builtins: must be 0 or 1";
        if (!c->type_of)
                return "type_of: failures need a type";
        if (!c->now)
                return "now: the library has no clock of its own";
        if (!c->wait)
                return "wait: running again may have to wait";
        if (c->deadline_ns <= 0)
                return "deadline_ns: must be above 0";
        return NULL;
}

struct healer_recover_strategy healer_recover_strategy_defaults(enum healer_recover_kind kind)
{
        struct healer_recover_strategy s = {
                .kind = (uint32_t)kind,
                .attempts = 2,
                .failure_threshold = 5,
                .open_for_ns = 60 * HLR_SECOND,
        };

        if (kind == HEALER_RECOVER_RETRY || kind == HEALER_RECOVER_EXPONENTIAL_BACKOFF)
                s.attempts = 3;
        if (kind == HEALER_RECOVER_EXPONENTIAL_BACKOFF)
                s.wait_ns = HLR_SECOND;
        if (kind == HEALER_RECOVER_CIRCUIT_BREAKER)
                s.attempts = 1;
        return s;
}

static const char *check_strategy(const struct healer_recover *r,
                                  const struct healer_recover_strategy *s)
{
        if (s->kind >= HEALER_RECOVER_KIND_COUNT)
                return "kind: no such kind";
        if (deeds[s->kind].needs_handler && !r->c.handlers[s->kind])
                return "kind: there is no handler for it";
        if (s->attempts < 1 || s->attempts > 1000)
                return "attempts: must be 1..1000";
        if (s->wait_ns < 0)
                return "wait_ns: must not be negative";
        if (s->kind == HEALER_RECOVER_EXPONENTIAL_BACKOFF && s->wait_ns == 0)
                return "wait_ns: a backoff must begin above 0";
        if (s->failure_threshold < 1 || s->failure_threshold > 65535)
                return "failure_threshold: must be 1..65535";
        if (s->open_for_ns <= 0)
                return "open_for_ns: must be above 0";
        return NULL;
}

static enum healer_err register_builtins(struct healer_recover *r)
{
        static const struct {
                const char *type;
                struct healer_recover_strategy strategy;
        } builtins[] = {
                {"database_connection",
                 {HEALER_RECOVER_EXPONENTIAL_BACKOFF, 5, HLR_SECOND, 5, 0, 60 * HLR_SECOND}},
                {"api_timeout",
                 {HEALER_RECOVER_CIRCUIT_BREAKER, 3, 2 * HLR_SECOND, 5, 0, 60 * HLR_SECOND}},
                {"memory_overflow", {HEALER_RECOVER_HEAL, 2, 0, 5, 0, 60 * HLR_SECOND}},
                {"agent_failure", {HEALER_RECOVER_RESTART, 3, 5 * HLR_SECOND, 5, 0, 60 * HLR_SECOND}},
        };
        enum healer_err err = HEALER_OK;

        for (size_t i = 0; i < HLR_COUNT(builtins) && err == HEALER_OK; i++)
                if (!check_strategy(r, &builtins[i].strategy))
                        err = healer_recover_register(r, builtins[i].type, &builtins[i].strategy,
                                                      NULL);
        return err;
}

enum healer_err healer_recover_create(const struct healer_recover_config *config,
                                      struct healer_recover **out)
{
        struct healer_recover_config c = healer_recover_config_defaults();
        struct healer_recover *r;
        enum healer_err err;

        *out = NULL;
        err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));
        if (err != HEALER_OK)
                return err;
        if (healer_recover_config_check(&c))
                return HEALER_E_RANGE;
        r = hlr_alloc(c.allocator, sizeof(*r));
        if (!r)
                return HEALER_E_NOMEM;
        r->c = c;
        if (c.builtins)
                err = register_builtins(r);
        if (err != HEALER_OK) {
                healer_recover_destroy(r);
                return err;
        }
        *out = r;
        return HEALER_OK;
}

void healer_recover_destroy(struct healer_recover *r)
{
        if (!r)
                return;
        for (uint32_t i = 0; i < r->count; i++)
                healer_breaker_destroy(r->entries[i].breaker);
        hlr_free(r->c.allocator, r);
}

/* ---- the table ---- */

static struct entry *find(struct healer_recover *r, const char *type)
{
        if (!type)
                return NULL;
        for (uint32_t i = 0; i < r->count; i++)
                if (strcmp(r->entries[i].type, type) == 0)
                        return &r->entries[i];
        return NULL;
}

/* The strategy for a failure: its own, its category's, the default. */
static struct entry *find_for(struct healer_recover *r, const char *type)
{
        struct entry *entry = find(r, type);
        enum healer_failure failure = HEALER_FAILURE_UNKNOWN;

        if (entry)
                return entry;
        if (type)
                failure = healer_failure_of(type);
        if (failure == HEALER_FAILURE_COUNT)
                failure = HEALER_FAILURE_UNKNOWN;
        entry = find(r, healer_category_names[healer_failure_categories[failure]]);
        return entry ? entry : find(r, HEALER_RECOVER_DEFAULT);
}

static enum healer_err make_breaker(const struct healer_recover *r,
                                    const struct healer_recover_strategy *s,
                                    struct healer_breaker **out)
{
        struct healer_breaker_config c = healer_breaker_config_defaults();

        *out = NULL;
        if (s->kind != HEALER_RECOVER_CIRCUIT_BREAKER)
                return HEALER_OK;
        c.failure_threshold = s->failure_threshold;
        c.open_for_ns = s->open_for_ns;
        c.success_threshold = 1;
        c.allocator = r->c.allocator;
        return healer_breaker_create(&c, r->c.now(r->c.ctx), out);
}

enum healer_err healer_recover_register(struct healer_recover *r, const char *type,
                                        const struct healer_recover_strategy *strategy,
                                        const char **reason)
{
        const char *wrong = !type || !type[0] || strlen(type) >= TYPE_BYTES
                                    ? "type: must be 1..47 bytes"
                                    : check_strategy(r, strategy);
        struct entry *entry;
        struct healer_breaker *breaker;
        enum healer_err err;

        if (reason)
                *reason = wrong;
        if (wrong)
                return HEALER_E_RANGE;
        entry = find(r, type);
        if (!entry && r->count == HEALER_RECOVER_TYPES_MAX)
                return HEALER_E_FULL;
        err = make_breaker(r, strategy, &breaker);
        if (err != HEALER_OK)
                return err;
        if (!entry) {
                entry = &r->entries[r->count++];
                memcpy(entry->type, type, strlen(type) + 1);
        }
        healer_breaker_destroy(entry->breaker);
        entry->breaker = breaker;
        entry->strategy = *strategy;
        return HEALER_OK;
}

/* ---- one call ---- */

struct run {
        struct healer_recover *r;
        healer_call_fn *call;
        void *ctx;
        void *request;
        int64_t deadline_ns;
        struct healer_recover_result result;
};

/* Everybody who has a breaker must let the call pass; a refusal gives the
 * other tickets back. */
static bool admitted(struct run *run, struct healer_breaker_ticket *tickets, int64_t now_ns)
{
        struct healer_recover *r = run->r;

        for (uint32_t i = 0; i < r->count; i++) {
                if (!r->entries[i].breaker ||
                    healer_breaker_acquire(r->entries[i].breaker, now_ns, &tickets[i]) ==
                            HEALER_BREAKER_OK)
                        continue;
                run->result.err = HEALER_E_REFUSED;
                run->result.kind = HEALER_RECOVER_CIRCUIT_BREAKER;
                run->result.retry_after_ns = tickets[i].retry_after_ns;
                while (i-- > 0)
                        if (r->entries[i].breaker)
                                healer_breaker_cancel(r->entries[i].breaker, &tickets[i]);
                return false;
        }
        return true;
}

static void report(struct run *run, struct healer_breaker_ticket *tickets,
                   const struct entry *failed_as, int64_t now_ns)
{
        for (uint32_t i = 0; i < run->r->count; i++) {
                struct entry *entry = &run->r->entries[i];

                if (!entry->breaker)
                        continue;
                if (run->result.err == HEALER_OK)
                        healer_breaker_success(entry->breaker, &tickets[i], now_ns);
                else if (entry == failed_as)
                        healer_breaker_failure(entry->breaker, &tickets[i], run->result.code,
                                               now_ns);
                else
                        healer_breaker_ignore(entry->breaker, &tickets[i]);
        }
}

/* Runs the call once. Answers the strategy for its failure, if there is one. */
static struct entry *run_once(struct run *run)
{
        struct healer_breaker_ticket tickets[HEALER_RECOVER_TYPES_MAX];
        struct healer_attempt attempt = {
                .number = run->result.attempts + 1,
                .quality_ratio = 1,
                .deadline_ns = run->deadline_ns,
        };
        struct healer_recover *r = run->r;
        struct entry *entry = NULL;
        void *value = NULL;

        if (!admitted(run, tickets, r->c.now(r->c.ctx)))
                return NULL;
        run->result.attempts++;
        run->result.code = run->call(run->ctx, &attempt, &value);
        run->result.err = run->result.code ? HEALER_E_FAILED : HEALER_OK;
        run->result.value = run->result.code ? NULL : value;
        if (run->result.code) {
                entry = find_for(r, r->c.type_of(r->c.ctx, run->result.code));
                run->result.no_strategy = !entry;
                if (!entry)
                        hlr_count(&r->no_strategy, 1, true);
        }
        report(run, tickets, entry, r->c.now(r->c.ctx));
        return entry;
}

static bool ask_handler(struct run *run, const struct entry *entry, void **value)
{
        struct healer_recover_failure failure = {
                .type = entry->type,
                .code = run->result.code,
                .attempts = run->result.attempts,
                .request = run->request,
        };

        run->result.handled = run->r->c.handlers[entry->strategy.kind](run->r->c.ctx, &failure,
                                                                       value);
        return run->result.handled;
}

static int64_t wait_before_next(struct run *run, const struct healer_recover_strategy *s)
{
        struct healer_retry_config backoff = healer_retry_config_defaults();
        uint64_t n;

        if (s->kind != HEALER_RECOVER_EXPONENTIAL_BACKOFF)
                return s->wait_ns;
        n = hlr_fetch_add(&run->r->jitters, 1, true);
        backoff.initial_ns = s->wait_ns;
        backoff.max_ns = hlr_max(backoff.max_ns, s->wait_ns);
        return healer_retry_delay_ns(&backoff, run->result.attempts,
                                     hlr_unit(hlr_mix(run->r->c.seed ^ hlr_mix(n))));
}

/* False: no attempt is left, or no time for the wait before it. */
static bool wait_for_next(struct run *run, const struct healer_recover_strategy *s)
{
        struct healer_recover *r = run->r;
        int64_t until_ns;

        if (run->result.attempts >= s->attempts)
                return false;
        until_ns = hlr_add(r->c.now(r->c.ctx), wait_before_next(run, s));
        if (until_ns >= run->deadline_ns)
                return false;
        if (until_ns > r->c.now(r->c.ctx))
                r->c.wait(r->c.ctx, until_ns);
        return true;
}

static void answer(struct run *run, const struct entry *entry)
{
        void *value = NULL;

        if (entry->strategy.kind == HEALER_RECOVER_FALLBACK && !ask_handler(run, entry, &value))
                return;
        run->result.err = HEALER_OK;
        run->result.value = value;
}

/* Carries the strategy out. True: the call shall run again. */
static bool carry_out(struct run *run, const struct entry *entry)
{
        void *nothing = NULL;

        run->result.kind = entry->strategy.kind;
        hlr_count(&run->r->used[entry->strategy.kind], 1, true);
        switch (deeds[entry->strategy.kind].deed) {
        case ANSWER:
                answer(run, entry);
                return false;
        case UNDO:
                ask_handler(run, entry, &nothing);
                return false;
        case FIX_AND_RUN:
                return run->result.attempts < entry->strategy.attempts &&
                       ask_handler(run, entry, &nothing) && wait_for_next(run, &entry->strategy);
        default:
                return wait_for_next(run, &entry->strategy);
        }
}

struct healer_recover_result healer_recover_call(struct healer_recover *r, healer_call_fn *call,
                                                 void *ctx, void *request)
{
        struct run run = {
                .r = r,
                .call = call,
                .ctx = ctx,
                .request = request,
                .deadline_ns = hlr_add(r->c.now(r->c.ctx), r->c.deadline_ns),
                .result = {.kind = HEALER_RECOVER_KIND_COUNT},
        };
        struct entry *entry;

        do
                entry = run_once(&run);
        while (entry && carry_out(&run, entry));
        return run.result;
}

/* ---- names and counts ---- */

uint64_t healer_recover_no_strategy_count(const struct healer_recover *r)
{
        return hlr_load(&r->no_strategy);
}

uint64_t healer_recover_count(const struct healer_recover *r, enum healer_recover_kind kind)
{
        return (unsigned)kind < HEALER_RECOVER_KIND_COUNT ? hlr_load(&r->used[kind]) : 0;
}

const char *healer_recover_kind_name(enum healer_recover_kind kind)
{
        return (unsigned)kind < HEALER_RECOVER_KIND_COUNT ? deeds[kind].name : "none";
}

/* ASCII only, whatever the locale. */
static bool same_word(const char *a, const char *b)
{
        for (;; a++, b++) {
                char x = *a >= 'A' && *a <= 'Z' ? (char)(*a + 32) : *a;
                char y = *b >= 'A' && *b <= 'Z' ? (char)(*b + 32) : *b;

                if (x != y)
                        return false;
                if (x == '\0')
                        return true;
        }
}

enum healer_recover_kind healer_recover_kind_of(const char *name)
{
        int kind = 0;

        while (kind < HEALER_RECOVER_KIND_COUNT && !(name && same_word(name, deeds[kind].name)))
                kind++;
        return (enum healer_recover_kind)kind;
}
