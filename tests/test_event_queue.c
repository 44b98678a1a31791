/* test_event_queue.c - events come out in order, whatever went in between. */
#include "harness/sim/event_queue.h"

#include <check.h>

#include "harness/base/rng.h"

static struct event_queue queue;

static void setup(void)
{
        event_queue_init(&queue);
}

static void teardown(void)
{
        event_queue_release(&queue);
}

static uint64_t word(uint32_t i)
{
        return rng_draw(1, 2, RNG_DATA, i).word[0];
}

START_TEST(an_empty_queue_has_no_next)
{
        struct event event;

        ck_assert(event_queue_next_at(&queue) == TIME_NEVER);
        ck_assert(!event_queue_pop_before(&queue, TIME_NEVER, &event));
        ck_assert_uint_eq(event_queue_length(&queue), 0);
}
END_TEST

START_TEST(a_payload_keeps_type_generation_and_index)
{
        uint64_t payload = event_payload(200, 0x1abcdefu, 0xfffffffeu);

        ck_assert_uint_eq(event_type(payload), 200);
        ck_assert_uint_eq(event_generation(payload), 0xabcdefu);
        ck_assert_uint_eq(event_index(payload), 0xfffffffeu);
}
END_TEST

START_TEST(an_event_at_the_limit_stays)
{
        struct event event;

        event_queue_push(&queue, 10, 0, 0);
        ck_assert(!event_queue_pop_before(&queue, 10, &event));
        ck_assert(event_queue_pop_before(&queue, 11, &event));
        ck_assert_int_eq(event.at_ns, 10);
}
END_TEST

START_TEST(at_one_instant_the_identity_orders_not_the_push)
{
        struct event event;

        for (uint64_t i = 0; i < 1000; i++)
                event_queue_push(&queue, 5, i * 7919 % 1000, 0);
        for (uint64_t i = 0; i < 1000; i++) {
                ck_assert(event_queue_pop_before(&queue, 6, &event));
                ck_assert_uint_eq(event.ident, i);
        }
}
END_TEST

/* Reference: a plain array searched for its least element. */
struct model {
        struct event event[4096];
        size_t count;
};

static struct event model_take(struct model *model)
{
        size_t least = 0;
        struct event out;

        for (size_t i = 1; i < model->count; i++)
                if (event_before(&model->event[i], &model->event[least]))
                        least = i;
        out = model->event[least];
        model->event[least] = model->event[--model->count];
        return out;
}

START_TEST(random_pushes_and_pops_agree_with_a_plain_search)
{
        static struct model model;
        int64_t now = 0;

        model.count = 0;
        for (uint32_t i = 0; i < 60000; i++) {
                uint64_t bits = word(i);
                /* Grows for a while, then shrinks, then grows again. */
                bool push = model.count == 0 ||
                            (model.count < 4000 && (bits & 7) < ((i / 6000) % 2 == 0 ? 5 : 3));

                if (push) {
                        struct event event = {now + (int64_t)(bits >> 54), bits >> 33 & 3, i};

                        /* Of equal (time, identity) any may come first: make them differ. */
                        event.ident = event.ident << 32 | i;
                        event_queue_push(&queue, event.at_ns, event.ident, event.payload);
                        model.event[model.count++] = event;
                } else {
                        struct event got, wanted = model_take(&model);

                        if (bits >> 60 == 1)
                                ck_assert_int_eq(event_queue_next_at(&queue), wanted.at_ns);
                        ck_assert(event_queue_pop_before(&queue, TIME_NEVER, &got));
                        ck_assert_int_eq(got.at_ns, wanted.at_ns);
                        ck_assert_uint_eq(got.ident, wanted.ident);
                        ck_assert_uint_eq(got.payload, wanted.payload);
                        now = got.at_ns;
                }
                ck_assert_uint_eq(event_queue_length(&queue), model.count);
        }
}
END_TEST

START_TEST(a_hole_at_the_root_is_filled_by_the_next_push)
{
        struct event event;

        event_queue_push(&queue, 1, 1, 1);
        ck_assert(event_queue_pop_before(&queue, 9, &event));
        event_queue_push(&queue, 2, 2, 2);
        event_queue_push(&queue, 0, 3, 3);
        ck_assert_uint_eq(event_queue_length(&queue), 2);
        ck_assert(event_queue_pop_before(&queue, 9, &event));
        ck_assert_uint_eq(event.payload, 3);
        ck_assert(event_queue_pop_before(&queue, 9, &event));
        ck_assert_uint_eq(event.payload, 2);
        ck_assert(!event_queue_pop_before(&queue, 9, &event));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("event_queue");
        TCase *t = tcase_create("all");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, an_empty_queue_has_no_next);
        tcase_add_test(t, a_payload_keeps_type_generation_and_index);
        tcase_add_test(t, an_event_at_the_limit_stays);
        tcase_add_test(t, at_one_instant_the_identity_orders_not_the_push);
        tcase_add_test(t, random_pushes_and_pops_agree_with_a_plain_search);
        tcase_add_test(t, a_hole_at_the_root_is_filled_by_the_next_push);
        suite_add_tcase(s, t);
        runner = srunner_create(s);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed != 0;
}
