/* test_record_codec.c - a record comes back as it was, and rubbish does not.
 *
 * The records are those of a real run with the whole healer: a small shop, two
 * faults, two replications.
 */
#include "harness/run/record_codec.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness/run/run.h"
#include "harness/scenario/strategy.h"

static struct scenario *scenario;
static struct run_meta *meta;
static struct text_pool *texts;
static struct record_bytes stored[2];
static uint64_t requests[2];
static size_t journal_counts[2];
static volatile sig_atomic_t stop;

static void keep(void *user, const struct replication_record *record)
{
        (void)user;
        ck_assert(record_encode(meta, record, &stored[record->replication]));
        requests[record->replication] = record->arms[ARM_TREATED]->root_requests;
        journal_counts[record->replication] = record->arms[ARM_TREATED]->journal_count;
}

static void run_once(void)
{
        const struct scenario_overrides overrides = {0};
        char path[4096];
        struct diag_list diags;

        snprintf(path, sizeof(path), "%s/store/shop.json", getenv("TEST_DATA"));
        diag_list_init(&diags);
        ck_assert(scenario_load(path, &overrides, &scenario, &diags));
        diag_list_release(&diags);
        texts = text_pool_create();
        meta = run_meta_make(scenario, true, "default", "", "test");
        ck_assert_int_eq(run_scenario(&(struct run_options){.scenario = scenario,
                                                            .healer = &healer_builtin,
                                                            .healer_config = scenario->strategy,
                                                            .texts = texts,
                                                            .count = 2,
                                                            .jobs = 1,
                                                            .stop = &stop,
                                                            .sink = keep}),
                         RUN_OK);
}

static void forget(void)
{
        record_bytes_release(&stored[0]);
        record_bytes_release(&stored[1]);
        run_meta_free(meta);
        text_pool_destroy(texts);
        scenario_free(scenario);
}

START_TEST(what_was_read_is_written_as_the_same_bytes)
{
        for (int i = 0; i < 2; i++) {
                struct replication_record record;
                struct record_bytes again = {0};
                struct arena arena;

                arena_init(&arena);
                ck_assert(record_decode(meta, stored[i].bytes, stored[i].count, &arena, texts,
                                        &record));
                ck_assert_uint_eq(record.replication, (uint32_t)i);
                ck_assert_uint_eq(record.arms[ARM_TREATED]->root_requests, requests[i]);
                ck_assert_uint_eq(record.arms[ARM_TREATED]->journal_count, journal_counts[i]);
                ck_assert_uint_gt(requests[i], 1000);
                ck_assert_uint_gt(journal_counts[i], 5);
                ck_assert(record_encode(meta, &record, &again));
                ck_assert_uint_eq(again.count, stored[i].count);
                ck_assert_mem_eq(again.bytes, stored[i].bytes, again.count);
                record_bytes_release(&again);
                arena_release(&arena);
        }
}
END_TEST

START_TEST(arms_that_share_a_record_still_do)
{
        struct replication_record record;
        struct arena arena;

        arena_init(&arena);
        ck_assert(record_decode(meta, stored[0].bytes, stored[0].count, &arena, texts, &record));
        ck_assert_ptr_eq(record.arms[ARM_SHADOW], record.arms[ARM_TREATED]);
        ck_assert_ptr_ne(record.arms[ARM_UNTREATED], record.arms[ARM_TREATED]);
        arena_release(&arena);
}
END_TEST

START_TEST(a_record_that_was_cut_off_is_refused)
{
        for (size_t count = 0; count < stored[0].count; count += 1 + count / 50) {
                struct replication_record record;
                struct arena arena;

                arena_init(&arena);
                ck_assert(!record_decode(meta, stored[0].bytes, count, &arena, texts, &record));
                arena_release(&arena);
        }
}
END_TEST

/* With a checksum that fits, as only malice or our own mistake would have it. */
START_TEST(a_changed_byte_is_never_followed_out_of_bounds)
{
        unsigned char *bytes = malloc(stored[0].count);
        size_t refused = 0;

        for (size_t at = 0; at < stored[0].count - 8; at += 1 + stored[0].count / 700) {
                struct replication_record record;
                uint64_t sum = UINT64_C(14695981039346656037);
                struct arena arena;

                memcpy(bytes, stored[0].bytes, stored[0].count);
                bytes[at] = (unsigned char)~bytes[at];
                for (size_t i = 0; i < stored[0].count - 8; i++)
                        sum = (sum ^ bytes[i]) * UINT64_C(1099511628211);
                memcpy(bytes + stored[0].count - 8, &sum, 8);
                arena_init(&arena);
                if (!record_decode(meta, bytes, stored[0].count, &arena, texts, &record))
                        refused++;
                else
                        for (size_t i = 0; i < record.arms[ARM_TREATED]->incident_count; i++)
                                ck_assert_uint_lt(record.arms[ARM_TREATED]->incidents[i].service,
                                                  meta->service_count);
                arena_release(&arena);
        }
        ck_assert_uint_gt(refused, 0);
        free(bytes);
}
END_TEST

START_TEST(a_byte_that_rotted_is_refused)
{
        struct replication_record record;
        struct arena arena;

        stored[1].bytes[stored[1].count / 2] ^= 1;
        arena_init(&arena);
        ck_assert(!record_decode(meta, stored[1].bytes, stored[1].count, &arena, texts, &record));
        arena_release(&arena);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("record_codec");
        TCase *tests = tcase_create("all");
        SRunner *runner;
        int failed;

        tcase_add_unchecked_fixture(tests, run_once, forget);
        tcase_add_test(tests, what_was_read_is_written_as_the_same_bytes);
        tcase_add_test(tests, arms_that_share_a_record_still_do);
        tcase_add_test(tests, a_record_that_was_cut_off_is_refused);
        tcase_add_test(tests, a_changed_byte_is_never_followed_out_of_bounds);
        tcase_add_test(tests, a_byte_that_rotted_is_refused);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
