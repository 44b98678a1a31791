/* test_diag.c - the list of diagnostics, and the suggestions in them. */
#include "harness/base/diag.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/nearest.h"
#include "harness/base/sha256.h"

static struct diag_list list;

static void open_list(void)
{
        diag_list_init(&list);
}

static void close_list(void)
{
        diag_list_release(&list);
}

static const char *printed(char *buffer, size_t size)
{
        FILE *stream = fmemopen(buffer, size, "w");

        ck_assert_ptr_nonnull(stream);
        ck_assert(diag_list_print(&list, stream));
        fclose(stream);
        return buffer;
}

START_TEST(a_diagnostic_says_where_and_what)
{
        char out[512];

        diag_add(&list, "a.json", 31, 18, "method[2].delay", "%s is too long", "90s");
        ck_assert_str_eq(printed(out, sizeof(out)),
                         "a.json:31:18: method[2].delay: 90s is too long\n");
        diag_format(&list.items[0], out, sizeof(out));
        ck_assert_str_eq(out, "a.json:31:18: method[2].delay: 90s is too long");
}
END_TEST

START_TEST(without_line_or_path_they_are_left_out)
{
        char out[512];

        diag_add(&list, "a.json", 0, 0, NULL, "cannot be read");
        ck_assert_str_eq(printed(out, sizeof(out)), "a.json: cannot be read\n");
}
END_TEST

START_TEST(more_than_are_kept_are_counted)
{
        static char out[1 << 16];

        for (int i = 0; i < DIAG_KEPT_MAX + 7; i++)
                diag_add(&list, "a.json", (uint32_t)i + 1, 1, NULL, "x");
        ck_assert_uint_eq(list.count, DIAG_KEPT_MAX);
        ck_assert_uint_eq(diag_total(&list), DIAG_KEPT_MAX + 7);
        ck_assert_ptr_nonnull(strstr(printed(out, sizeof(out)), "\n... and 7 more\n"));
}
END_TEST

START_TEST(sorting_goes_by_file_as_first_named_and_by_position)
{
        static const char *const wanted[] = {"2", "3", "4", "1", "5"};

        diag_add(&list, "z.json", 9, 9, NULL, "4");
        diag_add(&list, "a.json", 1, 1, NULL, "1");
        diag_add(&list, "z.json", 2, 7, NULL, "2");
        diag_add(&list, "z.json", 2, 7, NULL, "3");
        diag_add(&list, "a.json", 2, 1, NULL, "5");
        diag_list_sort(&list);
        for (size_t i = 0; i < 5; i++)
                ck_assert_str_eq(list.items[i].text, wanted[i]);
}
END_TEST

START_TEST(nothing_in_it_can_move_a_terminals_cursor)
{
        diag_add(&list, "a\033[2J.json", 1, 1, "x\ny", "bad\rtext\x7f");
        ck_assert_str_eq(list.items[0].file, "a?[2J.json");
        ck_assert_str_eq(list.items[0].path, "x?y");
        ck_assert_str_eq(list.items[0].text, "bad?text?");
}
END_TEST

START_TEST(a_long_text_is_cut_and_does_no_harm)
{
        char *long_text = malloc(1 << 20);

        memset(long_text, 'x', 1 << 20);
        long_text[(1 << 20) - 1] = '\0';
        diag_add(&list, "a.json", 1, 1, NULL, "%s", long_text);
        ck_assert_uint_eq(strlen(list.items[0].text), DIAG_TEXT_MAX - 1);
        free(long_text);
}
END_TEST

START_TEST(an_excerpt_is_cut_between_characters)
{
        char buffer[DIAG_EXCERPT_SIZE], text[200] = "";

        for (int i = 0; i < 40; i++)
                strcat(text, "\xe2\x82\xac"); /* three bytes each */
        diag_excerpt(buffer, text);
        ck_assert_uint_eq(strlen(buffer), 63);
        ck_assert_str_eq(buffer + 57, "\xe2\x82\xac...");
        ck_assert_str_eq(diag_excerpt(buffer, "a\tb"), "a\\u0009b");
        memset(text, 1, sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        ck_assert_uint_lt(strlen(diag_excerpt(buffer, text)), DIAG_EXCERPT_SIZE);
}
END_TEST

START_TEST(a_slip_is_recognised)
{
        static const char *const names[] = {"payments", "cart", "frontend", "ad", NULL};

        ck_assert_str_eq(nearest_of("paymets", names), "payments");
        ck_assert_str_eq(nearest_of("Payments", names), "payments");
        ck_assert_str_eq(nearest_of("crat", names), "cart");
        ck_assert_str_eq(nearest_of("da", names), "ad");
}
END_TEST

START_TEST(what_is_not_near_is_not_suggested)
{
        static const char *const names[] = {"payments", "a", NULL};

        ck_assert_ptr_null(nearest_of("bank", names));
        ck_assert_ptr_null(nearest_of("b", names));
        ck_assert_ptr_null(nearest_of("", names));
        ck_assert_ptr_null(nearest_of("payments", (const char *const[]){NULL}));
}
END_TEST

START_TEST(very_long_names_are_never_near)
{
        char name[4096];

        memset(name, 'a', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        ck_assert_ptr_null(nearest_of(name, (const char *const[]){name, NULL}));
}
END_TEST

/* FIPS 180-4's own examples. */
START_TEST(sha256_gives_the_standards_examples)
{
        static const struct {
                const char *text, *hex;
        } rows[] = {
                {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
                {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        };
        struct sha256 sha;
        char hex[65];

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                sha256_init(&sha);
                for (const char *c = rows[i].text; *c != '\0'; c++)
                        sha256_add(&sha, c, 1);
                sha256_hex(&sha, hex);
                ck_assert_str_eq(hex, rows[i].hex);
        }
        sha256_init(&sha);
        for (int i = 0; i < 1000000; i++)
                sha256_add(&sha, "a", 1);
        sha256_hex(&sha, hex);
        ck_assert_str_eq(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
END_TEST

START_TEST(texts_in_a_row_cannot_be_taken_for_others)
{
        struct sha256 a, b;
        char a_hex[65], b_hex[65];

        sha256_init(&a);
        sha256_add_text(&a, "ab");
        sha256_add_text(&a, "c");
        sha256_hex(&a, a_hex);
        sha256_init(&b);
        sha256_add_text(&b, "a");
        sha256_add_text(&b, "bc");
        sha256_hex(&b, b_hex);
        ck_assert_str_ne(a_hex, b_hex);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("diag");
        TCase *tests = tcase_create("diag");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tests, open_list, close_list);
        tcase_add_test(tests, a_diagnostic_says_where_and_what);
        tcase_add_test(tests, without_line_or_path_they_are_left_out);
        tcase_add_test(tests, more_than_are_kept_are_counted);
        tcase_add_test(tests, sorting_goes_by_file_as_first_named_and_by_position);
        tcase_add_test(tests, nothing_in_it_can_move_a_terminals_cursor);
        tcase_add_test(tests, a_long_text_is_cut_and_does_no_harm);
        tcase_add_test(tests, an_excerpt_is_cut_between_characters);
        tcase_add_test(tests, a_slip_is_recognised);
        tcase_add_test(tests, what_is_not_near_is_not_suggested);
        tcase_add_test(tests, very_long_names_are_never_near);
        tcase_add_test(tests, sha256_gives_the_standards_examples);
        tcase_add_test(tests, texts_in_a_row_cannot_be_taken_for_others);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
