/* test_arena.c - memory that is given back all at once. Linked with
 * --wrap=calloc,--wrap=free, so that the heap can run out and leaks are seen. */
#include "harness/base/arena.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int callocs_left = -1; /* below 0: no limit */
static int callocs_made;
static int frees_made;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
        if (callocs_left == 0)
                return NULL;
        if (callocs_left > 0)
                callocs_left--;
        callocs_made++;
        return __real_calloc(count, size);
}

void __real_free(void *block);
void __wrap_free(void *block);

void __wrap_free(void *block)
{
        frees_made++;
        __real_free(block);
}

static struct arena arena;

static void open_arena(void)
{
        callocs_left = -1;
        callocs_made = 0;
        frees_made = 0;
        arena_init(&arena);
}

static void close_arena(void)
{
        arena_release(&arena);
}

START_TEST(blocks_are_aligned_zeroed_and_apart)
{
        enum { BLOCKS = 3000 };
        static unsigned char *block[BLOCKS];
        static size_t bytes[BLOCKS];

        for (size_t i = 0; i < BLOCKS; i++) {
                bytes[i] = i * 37 % 501;
                block[i] = arena_alloc(&arena, 1, bytes[i]);
                ck_assert_ptr_nonnull(block[i]);
                ck_assert_uint_eq((uintptr_t)block[i] % _Alignof(max_align_t), 0);
                for (size_t k = 0; k < bytes[i]; k++)
                        ck_assert_uint_eq(block[i][k], 0);
                memset(block[i], (int)(i % 255 + 1), bytes[i]);
        }
        for (size_t i = 0; i < BLOCKS; i++) {
                for (size_t k = 0; k < bytes[i]; k++)
                        ck_assert_uint_eq(block[i][k], i % 255 + 1);
        }
        ck_assert(!arena_failed(&arena));
}
END_TEST

START_TEST(empty_blocks_are_unique)
{
        char *a = arena_alloc(&arena, 0, 8);
        char *b = arena_alloc(&arena, 8, 0);

        ck_assert_ptr_nonnull(a);
        ck_assert_ptr_nonnull(b);
        ck_assert_ptr_ne(a, b);
}
END_TEST

START_TEST(many_small_blocks_take_few_calls_to_the_heap)
{
        for (int i = 0; i < 100000; i++)
                ck_assert_ptr_nonnull(arena_alloc(&arena, 1, 48));
        ck_assert_int_le(callocs_made, 15);
}
END_TEST

START_TEST(a_large_block_does_not_waste_the_current_chunk)
{
        char *before = arena_alloc(&arena, 1, 16);
        char *large = arena_alloc(&arena, 3, 1 << 20);
        char *after = arena_alloc(&arena, 1, 16);

        ck_assert_ptr_nonnull(large);
        memset(large, 1, 3 << 20);
        ck_assert_ptr_eq(after, before + 16);
}
END_TEST

START_TEST(a_large_block_may_come_first)
{
        char *large = arena_alloc(&arena, 1, 1 << 20);
        char *small = arena_alloc(&arena, 1, 16);

        ck_assert_ptr_nonnull(large);
        ck_assert_ptr_nonnull(small);
        memset(large, 1, 1 << 20);
        ck_assert_int_eq(small[0], 0);
}
END_TEST

START_TEST(a_size_that_overflows_is_refused_and_remembered)
{
        ck_assert_ptr_null(arena_alloc(&arena, SIZE_MAX / 4 + 2, 4)); /* 4, if it wrapped */
        ck_assert(arena_failed(&arena));
        ck_assert_ptr_null(arena_alloc(&arena, SIZE_MAX / 2, 4));
        ck_assert_int_eq(callocs_made, 0);
        ck_assert_ptr_nonnull(arena_alloc(&arena, 1, 16));
        ck_assert(arena_failed(&arena));
}
END_TEST

START_TEST(a_size_beyond_any_object_is_refused)
{
        ck_assert_ptr_null(arena_alloc(&arena, 1, SIZE_MAX));
        ck_assert_ptr_null(arena_alloc(&arena, 1, SIZE_MAX - 20));
        ck_assert_ptr_null(arena_alloc(&arena, 1, PTRDIFF_MAX));
        ck_assert_int_eq(callocs_made, 0);
        ck_assert(arena_failed(&arena));
}
END_TEST

START_TEST(a_heap_that_runs_out_is_remembered)
{
        static const size_t bytes[] = {16, 1 << 20};

        for (size_t i = 0; i < 2; i++) {
                callocs_left = 0;
                ck_assert_ptr_null(arena_alloc(&arena, 1, bytes[i]));
                ck_assert(arena_failed(&arena));
                ck_assert_ptr_null(arena_text(&arena, "text"));
                ck_assert_ptr_null(arena_printf(&arena, "%d", 1));
                callocs_left = -1;
                ck_assert_ptr_nonnull(arena_alloc(&arena, 1, bytes[i]));
                ck_assert(arena_failed(&arena));
                arena_release(&arena);
                ck_assert(!arena_failed(&arena));
        }
}
END_TEST

START_TEST(texts_are_copied_and_formatted)
{
        char source[] = "payments";
        char *copy = arena_text(&arena, source);
        char *text = arena_printf(&arena, "%s-%d", "payments", 17);
        char *empty = arena_text(&arena, "");

        source[0] = 'x';
        ck_assert_str_eq(copy, "payments");
        ck_assert_str_eq(text, "payments-17");
        ck_assert_str_eq(empty, "");
}
END_TEST

START_TEST(a_long_text_is_not_cut)
{
        char *text = arena_printf(&arena, "%0100000d", 7);

        ck_assert_ptr_nonnull(text);
        ck_assert_uint_eq(strlen(text), 100000);
        ck_assert_int_eq(text[99999], '7');
}
END_TEST

START_TEST(every_chunk_is_given_back)
{
        for (int i = 0; i < 1000; i++)
                ck_assert_ptr_nonnull(arena_alloc(&arena, 1, i % 100 == 7 ? 1 << 21 : 500));
        ck_assert_int_gt(callocs_made, 12);
        frees_made = 0;
        arena_release(&arena);
        ck_assert_int_eq(frees_made, callocs_made);
}
END_TEST

START_TEST(a_released_arena_can_be_used_again)
{
        ck_assert_ptr_nonnull(ARENA_ARRAY(&arena, double, 1000));
        arena_release(&arena);
        ck_assert_ptr_nonnull(ARENA_NEW(&arena, struct arena));
        arena_release(&arena);
        arena_release(&arena);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("arena");
        TCase *tests = tcase_create("arena");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tests, open_arena, close_arena);
        tcase_add_test(tests, blocks_are_aligned_zeroed_and_apart);
        tcase_add_test(tests, empty_blocks_are_unique);
        tcase_add_test(tests, many_small_blocks_take_few_calls_to_the_heap);
        tcase_add_test(tests, a_large_block_does_not_waste_the_current_chunk);
        tcase_add_test(tests, a_large_block_may_come_first);
        tcase_add_test(tests, a_size_that_overflows_is_refused_and_remembered);
        tcase_add_test(tests, a_size_beyond_any_object_is_refused);
        tcase_add_test(tests, a_heap_that_runs_out_is_remembered);
        tcase_add_test(tests, texts_are_copied_and_formatted);
        tcase_add_test(tests, a_long_text_is_not_cut);
        tcase_add_test(tests, every_chunk_is_given_back);
        tcase_add_test(tests, a_released_arena_can_be_used_again);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
