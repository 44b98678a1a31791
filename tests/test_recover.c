/* test_recover.c - ten ways to recover, each in the world that needs it. */
#include "healer/kinds.h"
#include "healer/recover.h"
#include "policy_main.h"

#include <stdio.h>
#include <string.h>

/* A small world with one thing wrong; which one is told by the kind that helps. */
static struct {
        enum healer_recover_kind wrong;
        int64_t now_ns, last_call_ns;
        int calls, debited;
        bool session, approved, wedged, bad_config, disk_full, surfaced;
} world;
static int own_value, cached_value;

static int64_t now(void *ctx)
{
        (void)ctx;
        return world.now_ns;
}
static void wait_until(void *ctx, int64_t until_ns)
{
        (void)ctx;
        world.now_ns = until_ns;
}
static const char *type_of(void *ctx, int32_t code)
{
        (void)ctx;
        return code == 7 ? "the_trouble" : code == 8 ? "another" : NULL;
}

/* What handlers do, and what that costs in any world. */
static bool use_cache(void *ctx, const struct healer_recover_failure *f, void **value)
{
        (void)ctx, (void)f;
        *value = &cached_value;
        return true;
}
static bool credit_back(void *ctx, const struct healer_recover_failure *f, void **value)
{
        (void)ctx, (void)f, (void)value;
        world.debited -= 10;
        return true;
}
static bool page(void *ctx, const struct healer_recover_failure *f, void **value)
{
        (void)ctx, (void)f, (void)value;
        world.now_ns += 600 * NS_S;
        world.approved = true;
        return true;
}
static bool restart(void *ctx, const struct healer_recover_failure *f, void **value)
{
        (void)ctx, (void)f, (void)value;
        world.now_ns += 5 * NS_S;
        world.session = world.wedged = false;
        return true;
}
static bool roll_back(void *ctx, const struct healer_recover_failure *f, void **value)
{
        (void)ctx, (void)f, (void)value;
        world.now_ns += NS_S;
        world.bad_config = false;
        return true;
}
static bool heal(void *ctx, const struct healer_recover_failure *f, void **value)
{
        (void)ctx, (void)f, (void)value;
        world.now_ns += 10 * NS_S;
        world.disk_full = false;
        return true;
}

static bool in_trouble(void)
{
        int64_t quiet_ns = world.now_ns - world.last_call_ns;

        switch (world.wrong) {
        case HEALER_RECOVER_RETRY: /* a packet was lost */
                return world.calls == 1;
        case HEALER_RECOVER_EXPONENTIAL_BACKOFF: /* a leader is being elected */
                return world.now_ns < 5 * NS_S / 2;
        case HEALER_RECOVER_CIRCUIT_BREAKER: /* drowned; every call keeps it under */
                world.surfaced = world.surfaced || (world.calls > 1 && quiet_ns >= 30 * NS_S);
                return !world.surfaced;
        case HEALER_RECOVER_COMPENSATE: /* debited, and the other side refuses */
                world.debited += 10;
                return true;
        case HEALER_RECOVER_ESCALATE:
                return !world.approved;
        case HEALER_RECOVER_RESTART:
                return world.wedged;
        case HEALER_RECOVER_ROLLBACK:
                return world.bad_config;
        case HEALER_RECOVER_HEAL:
                return world.disk_full;
        default: /* gone for good */
                return true;
        }
}

static int32_t call(void *ctx, const struct healer_attempt *attempt, void **value)
{
        bool trouble;

        (void)ctx, (void)attempt;
        world.calls++;
        trouble = in_trouble();
        world.last_call_ns = world.now_ns;
        if (trouble)
                return 7;
        *value = &own_value;
        return 0;
}

static struct healer_recover_config config_of(const char *(*types)(void *, int32_t))
{
        struct healer_recover_config c = healer_recover_config_defaults();

        c.now = now;
        c.wait = wait_until;
        c.type_of = types;
        c.handlers[HEALER_RECOVER_FALLBACK] = use_cache;
        c.handlers[HEALER_RECOVER_COMPENSATE] = credit_back;
        c.handlers[HEALER_RECOVER_ESCALATE] = page;
        c.handlers[HEALER_RECOVER_RESTART] = restart;
        c.handlers[HEALER_RECOVER_ROLLBACK] = roll_back;
        c.handlers[HEALER_RECOVER_HEAL] = heal;
        return c;
}

static struct healer_recover *make(void)
{
        struct healer_recover_config c = config_of(type_of);
        struct healer_recover *r;

        ck_assert_int_eq(healer_recover_create(&c, &r), HEALER_OK);
        return r;
}

static void put(struct healer_recover *r, const char *type, enum healer_recover_kind kind)
{
        struct healer_recover_strategy s = healer_recover_strategy_defaults(kind);
        const char *reason;

        ck_assert_msg(healer_recover_register(r, type, &s, &reason) == HEALER_OK, "%s", reason);
}

/* A call a second for a minute and a half, as a user would. */
static struct healer_recover_result keep_calling(struct healer_recover *r)
{
        struct healer_recover_result last;

        do {
                last = healer_recover_call(r, call, NULL, NULL);
                world.now_ns += NS_S;
        } while (world.now_ns < 90 * NS_S);
        return last;
}

/* Has `used` helped in the world in which `wrong` is what is needed? */
static bool helped(enum healer_recover_kind wrong, enum healer_recover_kind used)
{
        struct healer_recover *r = make();
        struct healer_recover_result result;
        bool own, in_time;

        memset(&world, 0, sizeof(world));
        world.wrong = wrong;
        world.session = world.wedged = world.bad_config = world.disk_full = true;
        put(r, "the_trouble", used);
        result = wrong == HEALER_RECOVER_CIRCUIT_BREAKER ? keep_calling(r)
                                                         : healer_recover_call(r, call, NULL, NULL);
        own = result.err == HEALER_OK && result.value == &own_value;
        switch (wrong) {
        case HEALER_RECOVER_RETRY: /* the user waits a tenth of a second */
                in_time = world.now_ns <= 100 * NS_MS;
                own = own && in_time;
                break;
        case HEALER_RECOVER_EXPONENTIAL_BACKOFF: /* and must not be logged out */
                in_time = world.now_ns <= 8 * NS_S;
                own = own && in_time && world.session;
                break;
        case HEALER_RECOVER_CIRCUIT_BREAKER:
                in_time = world.now_ns <= 120 * NS_S;
                own = own && in_time;
                break;
        case HEALER_RECOVER_FALLBACK:
                own = result.err == HEALER_OK && result.value == &cached_value;
                break;
        case HEALER_RECOVER_COMPENSATE: /* no money is lost, and nobody is told it arrived */
                own = world.debited == 0 && result.err == HEALER_E_FAILED && result.handled;
                break;
        case HEALER_RECOVER_IGNORE: /* a step that may fail: no harm, no delay, no made-up value */
                own = result.err == HEALER_OK && !result.value && world.now_ns == 0 &&
                      world.calls == 1;
                break;
        default:
                break;
        }
        healer_recover_destroy(r);
        return own;
}

START_TEST(s2_23_s0_09_each_of_ten_kinds_has_a_world_in_which_only_it_succeeds)
{
        for (int wrong = 0; wrong < HEALER_RECOVER_KIND_COUNT; wrong++)
                for (int used = 0; used < HEALER_RECOVER_KIND_COUNT; used++)
                        ck_assert_msg(helped((enum healer_recover_kind)wrong,
                                             (enum healer_recover_kind)used) == (wrong == used),
                                      "where %s is needed, %s",
                                      healer_recover_kind_name((enum healer_recover_kind)wrong),
                                      healer_recover_kind_name((enum healer_recover_kind)used));
        ck_assert_int_eq(HEALER_RECOVER_KIND_COUNT, 10);
}
END_TEST

static int32_t fail_as(void *ctx, const struct healer_attempt *attempt, void **value)
{
        (void)attempt, (void)value;
        world.calls++;
        return *(int32_t *)ctx;
}

START_TEST(s0_09_a_strategy_is_for_its_type_only_and_an_unknown_type_says_so)
{
        struct healer_recover *r = make();
        struct healer_recover_result result;
        int32_t code = 8;

        memset(&world, 0, sizeof(world));
        put(r, "the_trouble", HEALER_RECOVER_IGNORE);
        put(r, "another", HEALER_RECOVER_RETRY);
        put(r, "the_trouble", HEALER_RECOVER_FALLBACK); /* replaces its own alone */
        result = healer_recover_call(r, fail_as, &code, NULL);
        ck_assert_int_eq(result.err, HEALER_E_FAILED);
        ck_assert_uint_eq(result.attempts, 3);
        code = 7;
        result = healer_recover_call(r, fail_as, &code, NULL);
        ck_assert_ptr_eq(result.value, &cached_value);
        ck_assert_uint_eq(result.kind, HEALER_RECOVER_FALLBACK);
        ck_assert_uint_eq(healer_recover_no_strategy_count(r), 0);
        code = 9;
        result = healer_recover_call(r, fail_as, &code, NULL);
        ck_assert_int_eq(result.err, HEALER_E_FAILED);
        ck_assert_int_eq(result.code, 9);
        ck_assert(result.no_strategy);
        ck_assert_uint_eq(result.kind, HEALER_RECOVER_KIND_COUNT);
        ck_assert_uint_eq(healer_recover_no_strategy_count(r), 1);
        ck_assert_uint_eq(healer_recover_count(r, HEALER_RECOVER_FALLBACK), 1);
        healer_recover_destroy(r);
}
END_TEST

/* A failure type of each category; the last is of none. */
static const char *const one_of_each[] = {
        "network_timeout",    "database_connection", "agent_failed", "memory_leak",
        "dependency_failure", "task_timeout",        "unknown",      "lunch_break"};

static const char *type_by_number(void *ctx, int32_t code)
{
        (void)ctx;
        return code == 99 ? NULL : one_of_each[code - 1];
}

START_TEST(s3_12_seven_categories_route_as_mapped_and_others_to_the_default)
{
        static const enum healer_recover_kind kinds[HEALER_CATEGORY_COUNT] = {
                HEALER_RECOVER_RETRY,    HEALER_RECOVER_EXPONENTIAL_BACKOFF,
                HEALER_RECOVER_RESTART,  HEALER_RECOVER_HEAL,
                HEALER_RECOVER_FALLBACK, HEALER_RECOVER_CIRCUIT_BREAKER,
                HEALER_RECOVER_IGNORE};
        struct healer_recover_config c = config_of(type_by_number);
        struct healer_recover *r;
        int32_t code;

        c.builtins = 0;
        ck_assert_int_eq(healer_recover_create(&c, &r), HEALER_OK);
        code = 8;
        ck_assert(healer_recover_call(r, fail_as, &code, NULL).no_strategy);
        put(r, HEALER_RECOVER_DEFAULT, HEALER_RECOVER_COMPENSATE);
        for (code = 1; code <= 8; code++) /* nobody is registered but the default */
                ck_assert_uint_eq(healer_recover_call(r, fail_as, &code, NULL).kind,
                                  HEALER_RECOVER_COMPENSATE);
        for (int i = 0; i < HEALER_CATEGORY_COUNT; i++)
                put(r, healer_category_names[i], kinds[i]);
        for (code = 1; code <= 7; code++)
                ck_assert_uint_eq(healer_recover_call(r, fail_as, &code, NULL).kind,
                                  kinds[code - 1]);
        code = 99; /* no type at all is of category unknown, and so is a word from elsewhere */
        ck_assert_uint_eq(healer_recover_call(r, fail_as, &code, NULL).kind, HEALER_RECOVER_IGNORE);
        code = 8;
        ck_assert_uint_eq(healer_recover_call(r, fail_as, &code, NULL).kind, HEALER_RECOVER_IGNORE);
        put(r, "lunch_break", HEALER_RECOVER_FALLBACK); /* a type's own goes first */
        ck_assert_uint_eq(healer_recover_call(r, fail_as, &code, NULL).kind,
                          HEALER_RECOVER_FALLBACK);
        healer_recover_destroy(r);
}
END_TEST

static int32_t fail_once(void *ctx, const struct healer_attempt *attempt, void **value)
{
        (void)attempt;
        *value = &own_value;
        return world.calls++ == 0 ? *(int32_t *)ctx : 0;
}

START_TEST(s3_10_a_transient_error_is_one_recovery_and_the_calls_own_value)
{
        struct healer_recover *r = make();
        struct healer_recover_result result;
        int32_t code = 7;

        memset(&world, 0, sizeof(world));
        put(r, "the_trouble", HEALER_RECOVER_RETRY);
        result = healer_recover_call(r, fail_once, &code, NULL);
        ck_assert_int_eq(result.err, HEALER_OK);
        ck_assert_ptr_eq(result.value, &own_value);
        ck_assert_int_eq(world.calls, 2);
        ck_assert_uint_eq(result.attempts, 2);
        ck_assert_uint_eq(healer_recover_count(r, HEALER_RECOVER_RETRY), 1);
        healer_recover_destroy(r);
}
END_TEST

static const char *builtin_type(void *ctx, int32_t code)
{
        static const char *const types[] = {NULL, "database_connection", "api_timeout",
                                            "memory_overflow", "agent_failure"};

        (void)ctx;
        return types[code];
}

START_TEST(s0_09_the_built_in_types_match_and_do_what_they_say)
{
        struct healer_recover_config c = healer_recover_config_defaults();
        struct healer_recover_result result;
        struct healer_recover *r;
        int32_t code = 1;

        c.now = now;
        c.wait = wait_until;
        c.type_of = builtin_type;
        c.handlers[HEALER_RECOVER_RESTART] = restart;
        ck_assert_int_eq(healer_recover_create(&c, &r), HEALER_OK);
        memset(&world, 0, sizeof(world));
        result = healer_recover_call(r, fail_as, &code, NULL); /* 1 + 2 + 4 + 8 s and jitter */
        ck_assert_uint_eq(result.attempts, 5);
        ck_assert_int_ge(world.now_ns, 15 * NS_S);
        ck_assert_int_le(world.now_ns, 17 * NS_S);
        code = 2;
        world.now_ns = 0;
        result = healer_recover_call(r, fail_as, &code, NULL);
        ck_assert_uint_eq(result.attempts, 3);
        ck_assert_int_eq(world.now_ns, 4 * NS_S);
        result = healer_recover_call(r, fail_as, &code, NULL); /* the fifth failure opens */
        ck_assert_int_eq(result.err, HEALER_E_REFUSED);
        ck_assert_uint_eq(result.attempts, 2);
        ck_assert_int_gt(result.retry_after_ns, 0);
        world.now_ns += 60 * NS_S;
        code = 4; /* says nothing about the breaker's type */
        world.calls = 0;
        result = healer_recover_call(r, fail_as, &code, NULL);
        ck_assert_uint_eq(result.kind, HEALER_RECOVER_RESTART);
        ck_assert_int_eq(world.calls, 3);
        code = 3; /* without a handler the built-in one is not there */
        result = healer_recover_call(r, fail_as, &code, NULL);
        ck_assert(result.no_strategy);
        healer_recover_destroy(r);
}
END_TEST

START_TEST(a_deadline_bounds_all_waits)
{
        struct healer_recover_config c = healer_recover_config_defaults();
        struct healer_recover_result result;
        struct healer_recover *r;
        int32_t code = 1;

        c.now = now;
        c.wait = wait_until;
        c.type_of = builtin_type;
        c.deadline_ns = 3500 * NS_MS;
        ck_assert_int_eq(healer_recover_create(&c, &r), HEALER_OK);
        memset(&world, 0, sizeof(world));
        result = healer_recover_call(r, fail_as, &code, NULL); /* 1 s and 2 s fit, 4 s do not */
        ck_assert_uint_eq(result.attempts, 3);
        ck_assert_int_lt(world.now_ns, 3500 * NS_MS);
        healer_recover_destroy(r);
}
END_TEST

START_TEST(what_cannot_be_carried_out_cannot_be_registered)
{
        struct healer_recover_config c = healer_recover_config_defaults();
        struct healer_recover_strategy s = healer_recover_strategy_defaults(HEALER_RECOVER_HEAL);
        struct healer_recover *r;
        const char *reason = NULL;

        ck_assert_str_eq(healer_recover_config_check(&c), "type_of: failures need a type");
        ck_assert_int_eq(healer_recover_create(&c, &r), HEALER_E_RANGE);
        c.now = now;
        c.wait = wait_until;
        c.type_of = type_of;
        ck_assert_int_eq(healer_recover_create(&c, &r), HEALER_OK);
        ck_assert_int_eq(healer_recover_register(r, "x", &s, &reason), HEALER_E_RANGE);
        ck_assert_str_eq(reason, "kind: there is no handler for it");
        s = healer_recover_strategy_defaults(HEALER_RECOVER_RETRY);
        ck_assert_int_eq(healer_recover_register(r, "", &s, &reason), HEALER_E_RANGE);
        s.attempts = 0;
        ck_assert_int_eq(healer_recover_register(r, "x", &s, &reason), HEALER_E_RANGE);
        ck_assert_str_eq(reason, "attempts: must be 1..1000");
        s.attempts = 1;
        for (unsigned i = 0; i < HEALER_RECOVER_TYPES_MAX; i++) {
                char type[16];

                snprintf(type, sizeof(type), "type-%u", i);
                ck_assert_int_eq(healer_recover_register(r, type, &s, NULL),
                                 i < HEALER_RECOVER_TYPES_MAX - 2 ? HEALER_OK : HEALER_E_FULL);
        }
        healer_recover_destroy(r);
}
END_TEST

START_TEST(names_are_found_in_capitals_and_small_letters)
{
        for (int i = 0; i < HEALER_RECOVER_KIND_COUNT; i++)
                ck_assert_int_eq(healer_recover_kind_of(
                                         healer_recover_kind_name((enum healer_recover_kind)i)),
                                 i);
        ck_assert_int_eq(healer_recover_kind_of("Exponential_BACKOFF"),
                         HEALER_RECOVER_EXPONENTIAL_BACKOFF);
        ck_assert_int_eq(healer_recover_kind_of("retr"), HEALER_RECOVER_KIND_COUNT);
        ck_assert_int_eq(healer_recover_kind_of(NULL), HEALER_RECOVER_KIND_COUNT);
}
END_TEST

POLICY_MAIN("recover", s2_23_s0_09_each_of_ten_kinds_has_a_world_in_which_only_it_succeeds,
            s0_09_a_strategy_is_for_its_type_only_and_an_unknown_type_says_so,
            s0_09_the_built_in_types_match_and_do_what_they_say, a_deadline_bounds_all_waits,
            what_cannot_be_carried_out_cannot_be_registered,
            names_are_found_in_capitals_and_small_letters,
            s3_12_seven_categories_route_as_mapped_and_others_to_the_default,
            s3_10_a_transient_error_is_one_recovery_and_the_calls_own_value)
