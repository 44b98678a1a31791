/* Causes that do not lie where they show: somebody asked outside, a cache that lost what it
 * held, a change that only happened to come beside the trouble. */
#include <check.h>

#include "tests/healer_rig.h"

static uint32_t ordered(const struct rig *rig, enum healer_action_kind kind)
{
        uint32_t i, count = 0;

        for (i = 0; i < rig->order_count; i++)
                count += rig->orders[i].kind == kind;
        return count;
}

static void says(struct rig *rig, uint32_t service, const char *text)
{
        const struct healer_occurrence event = {.at_ns = rig->now_ns,
                                                .kind = HEALER_OCCURRED_ERROR_MESSAGE,
                                                .service = service,
                                                .instance = INSTANCE(service, 0),
                                                .edge = HEALER_NONE,
                                                .text = text};

        (void)healer_observe_event(rig->healer, &event);
}

/* ---- somebody outside */

static const struct {
        const char *text; /* NULL: nothing is said */
        bool then_silent; /* it was said a minute before */
        enum healer_failure failure;
} said[] = {
        {"call to the provider failed: service unavailable", false, HEALER_FAILURE_API_FAILURE},
        {"429 quota exceeded", false, HEALER_FAILURE_QUOTA_EXCEEDED},
        {NULL, false, HEALER_FAILURE_EXECUTION_ERROR},
        {"task failed", false, HEALER_FAILURE_EXECUTION_ERROR},
        {"429 quota exceeded", true, HEALER_FAILURE_EXECUTION_ERROR},
};

START_TEST(who_says_that_somebody_outside_fails_him_is_not_restarted)
{
        struct rig *rig = rig_started();
        bool outside = said[_i].failure != HEALER_FAILURE_EXECUTION_ERROR;
        int i;

        rig_run(rig, 300);
        if (said[_i].then_silent)
                says(rig, PAYMENT, said[_i].text);
        rig_run(rig, 60);
        for (i = 0; i < RIG_EACH; i++)
                rig->instance[INSTANCE(PAYMENT, i)].error_ratio = 0.5;
        rig->edge[TO_PAYMENT].error_ratio = 0.5;
        for (i = 0; i < 12; i++) {
                if (said[_i].text != NULL && !said[_i].then_silent)
                        says(rig, PAYMENT, said[_i].text);
                rig_run(rig, 5);
        }
        ck_assert_ptr_nonnull(rig_likeliest(rig));
        ck_assert_uint_eq(rig_likeliest(rig)->service, PAYMENT);
        ck_assert_int_eq(rig_likeliest(rig)->failure, said[_i].failure);
        ck_assert_int_eq(rig->order_count == 0, outside);
        rig_free(rig);
}
END_TEST

/* ---- a cache that holds nothing any more */

static struct healer_service_info shop_with_cache[RIG_SERVICES];

static struct rig *rig_with_cache(bool of_checkout)
{
        struct rig *rig = rig_create();

        memcpy(shop_with_cache, rig_services, sizeof(shop_with_cache));
        if (of_checkout)
                shop_with_cache[CHECKOUT].keeps = UINT32_C(1) << HEALER_ACTION_CLEAR_CACHE;
        rig->topology.services = shop_with_cache;
        rig_start(rig);
        rig->edge[TO_PAYMENT].calls = 15; /* of 150: the rest it knows by heart */
        return rig;
}

static void drown_payment(struct rig *rig)
{
        int i;

        for (i = 0; i < RIG_EACH; i++)
                rig_slow_instance(rig, INSTANCE(PAYMENT, i), 6);
        rig_slow_edge(rig, TO_PAYMENT, 6, 7);
}

enum { LOST, NO_CACHE, MORE_USERS, ALL_NEW, ONE_NEW, AS_EVER };

START_TEST(a_backend_that_is_asked_for_everything_has_an_empty_cache_before_it)
{
        struct rig *rig = rig_with_cache(_i != NO_CACHE);
        bool lost = _i == LOST || _i == ONE_NEW;
        int i;

        rig_run(rig, 300);
        for (i = 0; i < (_i == ALL_NEW ? RIG_EACH : _i == ONE_NEW ? 1 : 0); i++)
                rig_event(rig, HEALER_OCCURRED_PROCESS_STARTED, CHECKOUT, INSTANCE(CHECKOUT, i), 0);
        if (_i == MORE_USERS)
                rig->edge[TO_CHECKOUT].calls *= 10;
        if (_i != AS_EVER)
                rig->edge[TO_PAYMENT].calls *= 10;
        drown_payment(rig);
        rig_run(rig, 25);
        ck_assert_ptr_nonnull(rig_likeliest(rig));
        ck_assert_uint_eq(rig_likeliest(rig)->service, lost ? CHECKOUT : PAYMENT);
        ck_assert_uint_eq(ordered(rig, HEALER_ACTION_CLEAR_CACHE), lost ? 1 : 0);
        if (lost)
                ck_assert_int_eq(rig->orders[0].kind, HEALER_ACTION_CLEAR_CACHE);
        rig_free(rig);
}
END_TEST

/* ---- a change beside it */

/* The cart has two callers. */
static const struct healer_edge_info two_callers[RIG_EDGES] = {
        {"frontend->cart", FRONTEND, CART},
        {"frontend->checkout", FRONTEND, CHECKOUT},
        {"checkout->cart", CHECKOUT, CART},
        {"shoppers->frontend", HEALER_NONE, FRONTEND},
};

START_TEST(what_all_callers_suffer_was_configured_by_none_of_them)
{
        struct rig *rig = rig_create();

        rig->topology.edges = two_callers;
        rig_start(rig);
        rig_run(rig, 300);
        rig_event(rig, HEALER_OCCURRED_CONFIG_CHANGED, FRONTEND, HEALER_NONE, 0);
        rig->edge[TO_CART].error_ratio = 0.5;
        rig->edge[TO_CART].timeout_ratio = 0.5;
        if (_i == 1) { /* else only the one that was configured suffers */
                rig->edge[TO_PAYMENT].error_ratio = 0.5;
                rig->edge[TO_PAYMENT].timeout_ratio = 0.5;
        }
        rig_run(rig, 30);
        ck_assert_uint_eq(ordered(rig, HEALER_ACTION_ROLLBACK_CONFIG), _i == 1 ? 0 : 1);
        rig_free(rig);
}
END_TEST

/* It flickers, and seems to begin anew on the heels of a change. */
START_TEST(a_change_after_the_trouble_began_did_not_begin_it)
{
        struct rig *rig = rig_started();
        int i;

        rig_run(rig, 300);
        for (i = 0; i < 8; i++) {
                rig->edge[TO_CART].error_ratio = rig->edge[TO_CART].timeout_ratio = 0.5;
                rig_run(rig, 20);
                rig->edge[TO_CART].error_ratio = rig->edge[TO_CART].timeout_ratio = 0;
                rig_run(rig, 20);
                if (i == 6)
                        rig_event(rig, HEALER_OCCURRED_CONFIG_CHANGED, FRONTEND, HEALER_NONE, 0);
        }
        ck_assert_uint_ge(rig_count(rig, HEALER_NOTICE_EPISODE_OPENED), 1);
        ck_assert_uint_eq(ordered(rig, HEALER_ACTION_ROLLBACK_CONFIG), 0);
        rig_free(rig);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("causes");
        TCase *tcase = tcase_create("causes");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_loop_test(tcase, who_says_that_somebody_outside_fails_him_is_not_restarted, 0, 5);
        tcase_add_loop_test(tcase, a_backend_that_is_asked_for_everything_has_an_empty_cache_before_it,
                            LOST, AS_EVER + 1);
        tcase_add_loop_test(tcase, what_all_callers_suffer_was_configured_by_none_of_them, 0, 2);
        tcase_add_test(tcase, a_change_after_the_trouble_began_did_not_begin_it);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
