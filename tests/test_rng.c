/* test_rng.c - draws by identity: known answers, uniformity, hashes that stay. */
#include "harness/base/rng.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

START_TEST(draws_are_philox_2x64_10)
{
        /* Random123's known-answer vectors; purpose and index are one counter word. */
        static const struct {
                uint64_t key, identity;
                uint32_t purpose, index;
                uint64_t word[2];
        } known[] = {
                {0, 0, 0, 0, {0xca00a0459843d731, 0x66c24222c9a845b5}},
                {UINT64_MAX,
                 UINT64_MAX,
                 UINT32_MAX,
                 UINT32_MAX,
                 {0x65b021d60cd8310f, 0x4d02f3222f86df20}},
                {0xa4093822299f31d0,
                 0x243f6a8885a308d3,
                 0x13198a2e,
                 0x03707344,
                 {0x0a5e742c2997341c, 0xb0f883d38000de5d}},
        };

        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
                struct rng_block block =
                        rng_draw(known[i].key, known[i].identity,
                                 (enum rng_purpose)known[i].purpose, known[i].index);

                ck_assert_uint_eq(block.word[0], known[i].word[0]);
                ck_assert_uint_eq(block.word[1], known[i].word[1]);
        }
}
END_TEST

START_TEST(purposes_keep_their_numbers)
{
        ck_assert_int_eq(RNG_ARRIVAL, 1);
        ck_assert_int_eq(RNG_HOP, 2);
        ck_assert_int_eq(RNG_TELEMETRY, 11);
        ck_assert_int_eq(RNG_MODULATION, 18);
}
END_TEST

/* Chi-square of 256 equally likely cells, as a standard normal. */
static double chi_square_z(const unsigned count[256], unsigned total)
{
        double expected = total / 256.0;
        double sum = 0;

        for (int i = 0; i < 256; i++)
                sum += (count[i] - expected) * (count[i] - expected) / expected;
        return (sum - 255) / sqrt(2 * 255);
}

START_TEST(each_argument_alone_gives_uniform_bytes)
{
        enum { DRAWS = 100000 };

        for (int argument = 0; argument < 4; argument++) {
                unsigned count[16][256] = {{0}};

                for (uint32_t i = 0; i < DRAWS; i++) {
                        struct rng_block block =
                                rng_draw(argument == 0 ? rng_key(i, 1) : rng_key(1, 1),
                                         argument == 1 ? i : 77,
                                         argument == 2 ? (enum rng_purpose)i : RNG_HOP,
                                         argument == 3 ? i : 0);

                        for (int byte = 0; byte < 16; byte++)
                                count[byte][(block.word[byte / 8] >> (8 * (byte % 8))) & 255]++;
                }
                for (int byte = 0; byte < 16; byte++)
                        ck_assert_double_lt(fabs(chi_square_z(count[byte], DRAWS)), 4.5);
        }
}
END_TEST

START_TEST(neighbouring_draws_are_uncorrelated)
{
        enum { DRAWS = 200000 };
        double by_index = 0, by_identity = 0, between_words = 0;

        for (uint32_t i = 0; i < DRAWS; i++) {
                struct rng_block here = rng_draw(5, i, RNG_HOP, 0);
                struct rng_block later = rng_draw(5, i, RNG_HOP, 1);
                struct rng_block other = rng_draw(5, i + 1, RNG_HOP, 0);
                double u = rng_u01(here.word[0]) - 0.5;

                by_index += u * (rng_u01(later.word[0]) - 0.5);
                by_identity += u * (rng_u01(other.word[0]) - 0.5);
                between_words += u * (rng_u01(here.word[1]) - 0.5);
        }
        /* The sum of products has standard deviation sqrt(DRAWS) / 12. */
        ck_assert_double_lt(fabs(by_index), 4.5 * sqrt(DRAWS) / 12);
        ck_assert_double_lt(fabs(by_identity), 4.5 * sqrt(DRAWS) / 12);
        ck_assert_double_lt(fabs(between_words), 4.5 * sqrt(DRAWS) / 12);
}
END_TEST

START_TEST(a_uniform_reaches_neither_end)
{
        ck_assert_double_gt(rng_u01(0), 0);
        ck_assert_double_lt(rng_u01(UINT64_MAX), 1);
        ck_assert_double_gt(rng_u01_32(0), 0);
        ck_assert_double_lt(rng_u01_32(UINT32_MAX), 1);
}
END_TEST

START_TEST(a_uniform_and_its_complement_are_both_exact)
{
        for (uint64_t i = 0; i < 1000; i++) {
                uint64_t word = hash_mix(i, 1);

                ck_assert(1 - rng_u01(word) == rng_u01(~word));
                ck_assert(1 - rng_u01(i << 12) == rng_u01(~(i << 12)));
        }
}
END_TEST

START_TEST(rng_below_gives_each_number_its_share)
{
        enum { COUNT = 7, DRAWS = 70000 };
        unsigned count[COUNT] = {0};

        for (uint32_t i = 0; i < DRAWS; i++) {
                uint32_t n = rng_below((uint32_t)rng_draw(3, i, RNG_BALANCE, 0).word[1], COUNT);

                ck_assert_uint_lt(n, COUNT);
                count[n]++;
        }
        for (int i = 0; i < COUNT; i++)
                ck_assert_double_lt(fabs(count[i] - 10000.0), 4.5 * sqrt(10000.0 * 6 / 7));
        ck_assert_uint_eq(rng_below(0, COUNT), 0);
        ck_assert_uint_eq(rng_below(UINT32_MAX, COUNT), COUNT - 1);
        ck_assert_uint_eq(rng_below(UINT32_MAX, 1), 0);
}
END_TEST

/* The number n with n * odd == 1 modulo 2^64. */
static uint64_t inverse_of(uint64_t odd)
{
        uint64_t n = odd;

        for (int i = 0; i < 6; i++)
                n *= 2 - odd * n;
        return n;
}

/* Undoes x ^= x >> shift. */
static uint64_t undo_shift(uint64_t x, int shift)
{
        uint64_t y = x;

        for (int done = shift; done < 64; done += shift)
                y = x ^ (y >> shift);
        return y;
}

/* What hash_mix() finishes, from its result. */
static uint64_t undo_finish(uint64_t x)
{
        x = undo_shift(x, 31) * inverse_of(0x94d049bb133111eb);
        x = undo_shift(x, 27) * inverse_of(0xbf58476d1ce4e5b9);
        return undo_shift(x, 30);
}

START_TEST(hash_mix_can_be_undone_for_either_argument)
{
        const uint64_t odd = 0x9e3779b97f4a7c15;

        for (uint64_t i = 0; i < 10000; i++) {
                uint64_t a = rng_draw(1, i, RNG_DATA, 0).word[0] >> (i % 64);
                uint64_t b = rng_draw(1, i, RNG_DATA, 1).word[0] >> (i / 64 % 64);
                uint64_t sum = undo_finish(hash_mix(a, b));

                ck_assert_uint_eq(sum - (a + 1) * odd, b);
                ck_assert_uint_eq((sum - b) * inverse_of(odd) - 1, a);
        }
}
END_TEST

static int compare_words(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a;
        uint64_t y = *(const uint64_t *)b;

        return (x > y) - (x < y);
}

START_TEST(small_identities_do_not_collide)
{
        enum { SIDE = 512 };
        uint64_t *hash = malloc(sizeof(*hash) * SIDE * SIDE);

        ck_assert_ptr_nonnull(hash);
        for (uint64_t a = 0; a < SIDE; a++) {
                for (uint64_t b = 0; b < SIDE; b++)
                        hash[a * SIDE + b] = hash_mix(a, b);
        }
        qsort(hash, SIDE * SIDE, sizeof(*hash), compare_words);
        for (size_t i = 1; i < SIDE * SIDE; i++)
                ck_assert_uint_ne(hash[i - 1], hash[i]);
        free(hash);
}
END_TEST

START_TEST(one_bit_more_changes_half_the_hash)
{
        double flipped = 0;

        for (uint64_t i = 0; i < 64 * 64; i++) {
                uint64_t a = hash_mix(i, 9);

                flipped += __builtin_popcountll(hash_mix(a, i) ^ hash_mix(a ^ 1ull << (i % 64), i));
                flipped += __builtin_popcountll(hash_mix(a, i) ^ hash_mix(a, i ^ 1ull << (i % 64)));
        }
        ck_assert_double_lt(fabs(flipped / (2 * 64 * 64) - 32), 0.5);
}
END_TEST

START_TEST(hashes_keep_their_values)
{
        /* Calculated apart, from the published FNV-1a and splitmix64. */
        ck_assert_uint_eq(hash_mix(0, 0), 0xe220a8397b1dcdaf);
        ck_assert_uint_eq(hash_mix(1, 2), 0xbfc846100bfc1e42);
        ck_assert_uint_eq(hash_text(""), 0xef9ead53f3d83e9f);
        ck_assert_uint_eq(hash_text("a"), 0x3333778aa1400228);
        ck_assert_uint_eq(hash_text("frontend"), 0x962dd99944771708);
}
END_TEST

START_TEST(seed_and_replication_both_make_the_key)
{
        ck_assert_uint_ne(rng_key(1, 2), rng_key(2, 1));
        ck_assert_uint_ne(rng_key(1, 1), rng_key(1, 2));
        ck_assert_uint_ne(rng_key(1, 1), rng_key(2, 1));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("rng");
        TCase *tests = tcase_create("rng");
        SRunner *runner;
        int failed;

        tcase_add_test(tests, draws_are_philox_2x64_10);
        tcase_add_test(tests, purposes_keep_their_numbers);
        tcase_add_test(tests, each_argument_alone_gives_uniform_bytes);
        tcase_add_test(tests, neighbouring_draws_are_uncorrelated);
        tcase_add_test(tests, a_uniform_reaches_neither_end);
        tcase_add_test(tests, a_uniform_and_its_complement_are_both_exact);
        tcase_add_test(tests, rng_below_gives_each_number_its_share);
        tcase_add_test(tests, hash_mix_can_be_undone_for_either_argument);
        tcase_add_test(tests, small_identities_do_not_collide);
        tcase_add_test(tests, one_bit_more_changes_half_the_hash);
        tcase_add_test(tests, hashes_keep_their_values);
        tcase_add_test(tests, seed_and_replication_both_make_the_key);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
