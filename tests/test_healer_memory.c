/* test_healer_memory.c - the memory of a supervisor is what healer.h says, over many events.
 *
 * Ten million events are a benchmark (bench/bench_healer_memory.c); this is the same
 * with fewer.
 */
#include <check.h>

#include "tests/healer_load.h"

START_TEST(s0_31_memory_stays_under_the_stated_bound_and_nothing_is_taken_meanwhile)
{
        struct counted counted = {0};
        const struct healer_allocator allocator = {counted_alloc, counted_release, &counted};
        struct rig *rig = rig_create();
        uint64_t events = 0, state = 1, settled = 0, stated = stated_bytes(rig, 4 * RIG_INSTANCES + 256);
        uint32_t added = 0;

        rig->config.detection.anomaly = true;
        load_start(rig, &allocator);
        ck_assert_uint_le(counted.bytes, stated_bytes(rig, RIG_INSTANCES));
        while (events < 60000) {
                events += load_step(rig, &state, &added);
                ck_assert_uint_le(counted.bytes, stated);
                if (settled == 0 && added > 4 * RIG_INSTANCES + 256 - RIG_INSTANCES)
                        settled = counted.allocations;
        }
        ck_assert_uint_gt(settled, 0); /* there were more than it may follow */
        ck_assert_uint_eq(counted.allocations, settled);
        ck_assert_uint_gt(healer_stats(rig->healer).dropped, 0);
        ck_assert_uint_gt(healer_stats(rig->healer).episodes, 30);
        rig_free(rig);
        ck_assert_uint_eq(counted.bytes, 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("healer_memory");
        TCase *tcase = tcase_create("memory");
        SRunner *runner;
        int failed;

        tcase_add_test(tcase, s0_31_memory_stays_under_the_stated_bound_and_nothing_is_taken_meanwhile);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
