/* test_event_ring.c - order, drops, subscriptions, re-entry, threads; error texts. */
#include "healer/event_ring.h"
#include "policy_main.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static struct healer_event_ring *ring;
static void make(uint32_t capacity)
{
        struct healer_event_ring_config c = healer_event_ring_config_defaults();

        c.capacity = capacity;
        ck_assert_int_eq(healer_event_ring_create(&c, &ring), HEALER_OK);
}

START_TEST(events_come_out_in_order_and_a_full_ring_drops_and_counts)
{
        struct healer_event e = {0};

        make(4);
        for (int i = 0; i < 6; i++) {
                e.at_ns = i;
                ck_assert_int_eq(healer_event_ring_put(ring, &e),
                                 i < 4 ? HEALER_OK : HEALER_E_FULL);
        }
        ck_assert_uint_eq(healer_event_ring_dropped(ring), 2);
        ck_assert_uint_eq(healer_event_ring_pending(ring), 4);
        for (int i = 0; i < 4; i++) {
                ck_assert_int_eq(healer_event_ring_pop(ring, &e), HEALER_OK);
                ck_assert_int_eq(e.at_ns, i);
                ck_assert_uint_eq(e.sequence, (uint64_t)i);
        }
        ck_assert_int_eq(healer_event_ring_pop(ring, &e), HEALER_E_NOT_FOUND);
        healer_event_ring_destroy(ring);
}
END_TEST

static int seen[64], total;
static uint32_t own_id;
static void note(void *ctx, const struct healer_event *e)
{
        (void)ctx;
        seen[e->type]++;
        total++;
}
static void once(void *ctx, const struct healer_event *e)
{
        struct healer_event more = *e;

        ck_assert_int_eq(healer_event_ring_unsubscribe(ring, own_id), HEALER_OK);
        ++*(int *)ctx;
        more.type = HEALER_EVENT_CIRCUIT_CLOSED;
        ck_assert_int_eq(healer_event_ring_put(ring, &more), HEALER_OK);
        ck_assert_uint_eq(healer_event_ring_deliver(ring, 0), 0); /* the outer one does it */
}

START_TEST(s3_03_thirteen_types_once_each_and_an_unsubscribed_handler_is_silent_also_from_inside)
{
        int calls = 0;
        uint32_t id;

        make(64);
        ck_assert_int_eq(healer_event_ring_subscribe(ring, 0, note, NULL, &id), HEALER_OK);
        ck_assert_int_eq(healer_event_ring_subscribe(ring, 1, once, &calls, &own_id), HEALER_OK);
        for (uint32_t type = 0; type < 13; type++) {
                struct healer_event e = {.type = type};

                ck_assert_int_eq(healer_event_ring_put(ring, &e), HEALER_OK);
        }
        ck_assert_uint_eq(healer_event_ring_deliver(ring, 0), 14);
        for (int type = 0; type < 13; type++)
                ck_assert_int_eq(seen[type], type == HEALER_EVENT_CIRCUIT_CLOSED ? 2 : 1);
        ck_assert_int_eq(calls, 1);
        {
                struct healer_event e = {.type = 0};

                ck_assert_int_eq(healer_event_ring_put(ring, &e), HEALER_OK);
                healer_event_ring_deliver(ring, 0);
        }
        ck_assert_int_eq(calls, 1);
        ck_assert_int_eq(healer_event_ring_unsubscribe(ring, id), HEALER_OK);
        ck_assert_int_eq(healer_event_ring_unsubscribe(ring, id), HEALER_E_NOT_FOUND);
        ck_assert_str_eq(healer_event_type_name(HEALER_EVENT_CIRCUIT_HALF_OPEN),
                         "circuit-half-open");
        healer_event_ring_destroy(ring);
}
END_TEST

enum { WRITERS = 4, EACH = 20000 };
static _Atomic uint64_t lost;
static void *write_all(void *arg)
{
        struct healer_event e = {.source_id = (uint64_t)(uintptr_t)arg};

        for (int i = 0; i < EACH; i++) {
                e.at_ns = i;
                if (healer_event_ring_put(ring, &e) != HEALER_OK)
                        atomic_fetch_add(&lost, 1);
        }
        return NULL;
}

START_TEST(threads_nothing_lost_but_the_counted_drops_and_each_writers_order_kept)
{
        int64_t last[WRITERS] = {-1, -1, -1, -1};
        uint64_t got = 0;
        pthread_t threads[WRITERS];
        struct healer_event e;

        make(256);
        for (uintptr_t i = 0; i < WRITERS; i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, write_all, (void *)i), 0);
        for (int i = 0, joined = 0; !joined || healer_event_ring_pending(ring); i++) {
                if (healer_event_ring_pop(ring, &e) == HEALER_OK) {
                        ck_assert_int_gt(e.at_ns, last[e.source_id]);
                        last[e.source_id] = e.at_ns;
                        got++;
                } else if (got + lost >= WRITERS * EACH && !joined) {
                        for (int k = 0; k < WRITERS; k++)
                                pthread_join(threads[k], NULL);
                        joined = 1;
                }
        }
        ck_assert_uint_eq(got + lost, WRITERS * EACH);
        ck_assert_uint_eq(healer_event_ring_dropped(ring), lost);
        healer_event_ring_destroy(ring);
}
END_TEST

START_TEST(every_error_has_words_and_unknown_ones_too)
{
        for (int i = 0; i < HEALER_ERR_COUNT; i++)
                ck_assert_uint_gt(strlen(healer_err_text((enum healer_err)i)), 1);
        ck_assert_str_eq(healer_err_text((enum healer_err)9999), "unknown error");
}
END_TEST

POLICY_MAIN("event_ring", events_come_out_in_order_and_a_full_ring_drops_and_counts,
            s3_03_thirteen_types_once_each_and_an_unsubscribed_handler_is_silent_also_from_inside,
            threads_nothing_lost_but_the_counted_drops_and_each_writers_order_kept,
            every_error_has_words_and_unknown_ones_too)
