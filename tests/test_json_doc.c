/* test_json_doc.c - what is let through, where things stand, hostile input. */
#include "harness/scenario/json_doc.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/arena.h"
#include "harness/scenario/json_path.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static struct diag_list diags;

static void open_list(void)
{
        diag_list_init(&diags);
}

static void close_list(void)
{
        diag_list_release(&diags);
}

static struct json_doc *parse(const char *text)
{
        return json_doc_parse(text, strlen(text), "t", &diags);
}

static void assert_position(const struct json_doc *doc, const char *path, enum json_doc_part part,
                            uint32_t line, uint32_t column)
{
        uint32_t l, c;

        json_doc_locate(doc, path, part, &l, &c);
        ck_assert_msg(l == line && c == column, "%s: %u:%u", path, l, c);
}

START_TEST(positions_are_those_of_the_text)
{
        struct json_doc *doc =
                parse("{\n  \"a\": [10, {\"b c\": \"\xc3\xa4\xc3\xb6\", \"d\": 1}],\n"
                      "\t\"a.b\": {\"x\": null}\n}");

        ck_assert_ptr_nonnull(doc);
        assert_position(doc, "$", JSON_DOC_VALUE, 1, 1);
        assert_position(doc, "a", JSON_DOC_KEY, 2, 3);
        assert_position(doc, "a", JSON_DOC_VALUE, 2, 8);
        assert_position(doc, "a[0]", JSON_DOC_VALUE, 2, 9);
        assert_position(doc, "a[1][\"b c\"]", JSON_DOC_VALUE, 2, 21);
        assert_position(doc, "a[1].d", JSON_DOC_VALUE, 2, 32); /* characters, not bytes */
        assert_position(doc, "[\"a.b\"].x", JSON_DOC_KEY, 3, 10);
        json_doc_free(doc);
}
END_TEST

START_TEST(a_place_that_is_not_there_is_its_deepest_ancestor)
{
        struct json_doc *doc = parse("{\"a\": {\"b\": [1, 2]}}");

        assert_position(doc, "a.b[7].c", JSON_DOC_VALUE, 1, 13);
        assert_position(doc, "z", JSON_DOC_VALUE, 1, 1);
        json_doc_free(doc);
}
END_TEST

START_TEST(what_jansson_reads_we_read_the_same)
{
        static const char *const texts[] = {
                "null",
                "true",
                "[]",
                "{}",
                " [1 , -0, 1.5e-3, 1E+2 ] ",
                "\"\\u00e4\\ud83d\\ude00\\n\"",
                "{\"\": {\"\\u0061\": []}}",
                "9223372036854775807",
                "-9223372036854775808",
                "[1e308, -1e308, 1e-999]",
                "\"\xf0\x9f\x98\x80\"",
        };

        for (size_t i = 0; i < COUNT(texts); i++) {
                struct json_doc *doc = parse(texts[i]);
                json_t *same = json_loads(texts[i], JSON_DECODE_ANY, NULL);

                ck_assert_msg(doc != NULL, "%s", texts[i]);
                ck_assert_msg(json_equal(json_doc_root(doc), same), "%s", texts[i]);
                json_decref(same);
                json_doc_free(doc);
        }
        ck_assert_uint_eq(diag_total(&diags), 0);
}
END_TEST

/* The other way round: nothing that we let pass may be left for jansson to
 * refuse. Truncations and single changed bytes of a text with all of JSON. */
START_TEST(nothing_that_passes_is_refused_by_jansson_and_nothing_valid_by_us)
{
        static const char seed[] = "{\"a\": [1, -2.5e+3, true, false, null, "
                                   "\"x\\u00e9\\\\\\\"\xc3\xa9\"], \"b\": {\"c\": {}}}";
        static const char bytes[] = "\0\"\\{}[]:,0-.eE+ u\x80\xc3\xff\nnt/";
        char text[sizeof(seed)];

        for (size_t at = 0; at < sizeof(seed) - 1; at++)
                for (size_t b = 0; b <= sizeof(bytes) - 1; b++) {
                        size_t size = b == sizeof(bytes) - 1 ? at : sizeof(seed) - 1;
                        struct json_doc *doc;
                        json_t *same;

                        memcpy(text, seed, sizeof(seed));
                        text[at] = bytes[b];
                        doc = json_doc_parse(text, size, "t", &diags);
                        same = json_loadb(text, size, JSON_DECODE_ANY, NULL);
                        ck_assert_msg((doc != NULL) == (same != NULL), "byte %zu as 0x%02x", at,
                                      (unsigned char)bytes[b]);
                        json_decref(same);
                        json_doc_free(doc);
                }
}
END_TEST

START_TEST(duplicates_are_all_told_and_reading_goes_on)
{
        struct json_doc *doc = parse("{\"a\": 1, \"b\": {\"c\": 1, \"c\": 2}, \"\\u0061\": 3}");

        ck_assert_ptr_nonnull(doc);
        ck_assert_uint_eq(diag_total(&diags), 2);
        ck_assert_str_eq(diags.items[0].path, "b.c");
        ck_assert_uint_eq(diags.items[0].column, 24);
        ck_assert_str_eq(diags.items[1].path, "a");
        ck_assert_str_eq(diags.items[1].text, "duplicate key (the first is at 1:2)");
        json_doc_free(doc);
}
END_TEST

START_TEST(faults_of_single_values_are_all_told)
{
        ck_assert_ptr_null(parse("[1e999, \"\\u0000\", 99999999999999999999, \"\\udc00\", 1]"));
        ck_assert_uint_eq(diag_total(&diags), 4);
        ck_assert_str_eq(diags.items[2].path, "$[2]");
}
END_TEST

START_TEST(a_syntax_error_ends_the_list)
{
        ck_assert_ptr_null(parse("[1, x, y, {]"));
        ck_assert_uint_eq(diag_total(&diags), 1);
        ck_assert_str_eq(diags.items[0].path, "$[1]");
        ck_assert_uint_eq(diags.items[0].column, 5);
}
END_TEST

START_TEST(depth_64_passes_and_65_does_not)
{
        char text[2 * 65 + 1];
        struct json_doc *doc;

        memset(text, '[', 65);
        memset(text + 65, ']', 65);
        doc = json_doc_parse(text + 1, 128, "t", &diags);
        ck_assert_ptr_nonnull(doc);
        json_doc_free(doc);
        ck_assert_ptr_null(json_doc_parse(text, 130, "t", &diags));
        ck_assert_uint_eq(diag_total(&diags), 1);
}
END_TEST

/* Hostile texts: `head`, then `unit` over and over up to `size` bytes. */
static void assert_refused(const char *head, const char *unit, size_t size)
{
        size_t head_length = strlen(head), unit_length = strlen(unit);
        char *text = malloc(size);
        struct timespec from, to;
        double seconds;

        ck_assert_ptr_nonnull(text);
        memcpy(text, head, head_length);
        for (size_t i = head_length; i < size; i++)
                text[i] = unit[(i - head_length) % unit_length];
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
        ck_assert_msg(json_doc_parse(text, size, "t", &diags) == NULL, "%s%s...", head, unit);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
        seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
        ck_assert_msg(seconds < 30, "%s%s: %g s", head, unit, seconds);
        ck_assert_uint_ge(diag_total(&diags), 1);
        free(text);
}

START_TEST(hostile_texts_are_refused_in_bounded_time)
{
        assert_refused("", "[", 10000);
        assert_refused("", "{\"a\":", 50000);
        assert_refused("[", "\"x\",", 32 << 20); /* too many values */
        assert_refused("[\"", "y", 50 << 20);    /* a text without end */
        assert_refused("{\"", "k", 50 << 20);    /* a key without end */
        assert_refused("[", "9", 50 << 20);      /* a number without end */
        assert_refused("[", "1e999,", 1 << 20);  /* a million faults */
        assert_refused("[\"", "\\u0000", 1 << 20);
        assert_refused("{", "\"a\":1,", 2 << 20); /* nothing but duplicates */
        assert_refused("\"", "\\", 10 << 20);
        assert_refused("", " ", 32 << 20);
        assert_refused("", "\n", 32 << 20);
        assert_refused("", "\xff", 1 << 20);
}
END_TEST

START_TEST(a_50_mb_text_that_ends_is_refused_for_its_length)
{
        size_t size = (50 << 20) + 2;
        char *text = malloc(size);

        memset(text, 'x', size);
        text[0] = text[size - 1] = '"';
        ck_assert_ptr_null(json_doc_parse(text, size, "t", &diags));
        ck_assert_str_eq(diags.items[0].text, "a text longer than the 1 MiB allowed");
        free(text);
}
END_TEST

START_TEST(what_cannot_be_read_is_said)
{
        static const struct {
                const char *path, *text;
        } rows[] = {
                {"/nowhere/at/all.json", "cannot be read: No such file or directory"},
                {"/", "cannot be read: Is a directory"},
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                ck_assert_ptr_null(json_doc_read(rows[i].path, "f", &diags));
                ck_assert_str_eq(diags.items[i].text, rows[i].text);
        }
}
END_TEST

START_TEST(a_file_above_64_mib_is_refused_unread)
{
        char name[] = "/tmp/json_doc_XXXXXX";
        int fd = mkstemp(name);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(ftruncate(fd, (off_t)JSON_DOC_SIZE_MAX + 1), 0);
        ck_assert_ptr_null(json_doc_read(name, "f", &diags));
        ck_assert_str_eq(diags.items[0].text, "larger than the 64 MiB allowed");
        close(fd);
        unlink(name);
        ck_assert_ptr_null(json_doc_read("/dev/zero", "f", &diags));
        ck_assert_str_eq(diags.items[1].text, "larger than the 64 MiB allowed");
}
END_TEST

START_TEST(paths_are_taken_apart_as_they_were_put_together)
{
        static const char *const keys[] = {"a",        "a.b",         "[0]",
                                           "\"q\"",    "back\\slash", "",
                                           "$",        "a b",         "checkout->payment",
                                           "*->cache", "\xc3\xa4"};
        struct arena arena;

        arena_init(&arena);
        for (size_t i = 0; i < COUNT(keys); i++) {
                const char *path = json_path_key(&arena, JSON_PATH_ROOT, keys[i]);
                struct json_path_part part;

                path = json_path_key(&arena, json_path_index(&arena, path, 12), "end");
                ck_assert_int_eq(json_path_next(&path, &part), JSON_PATH_KEY);
                ck_assert_str_eq(part.key, keys[i]);
                ck_assert_int_eq(json_path_next(&path, &part), JSON_PATH_INDEX);
                ck_assert_uint_eq(part.index, 12);
                ck_assert_int_eq(json_path_next(&path, &part), JSON_PATH_KEY);
                ck_assert_str_eq(part.key, "end");
                ck_assert_int_eq(json_path_next(&path, &part), JSON_PATH_END);
        }
        arena_release(&arena);
}
END_TEST

START_TEST(bad_paths_are_told_from_good_ones)
{
        static const char *const bad[] = {"[", "[]", "[12", "[\"x]", "[9999999999]", "a..b", "["};

        for (size_t i = 0; i < COUNT(bad); i++) {
                const char *path = bad[i];
                struct json_path_part part;
                enum json_path_step step;

                do
                        step = json_path_next(&path, &part);
                while (step != JSON_PATH_END && step != JSON_PATH_BAD);
                ck_assert_msg(step == JSON_PATH_BAD, "%s", bad[i]);
        }
        ck_assert(json_path_is_below("fleet.services[0]", "fleet"));
        ck_assert(json_path_is_below("fleet", "fleet"));
        ck_assert(json_path_is_below("fleet[0]", "fleet"));
        ck_assert(!json_path_is_below("fleets", "fleet"));
        ck_assert(json_path_is_below("fleet", JSON_PATH_ROOT));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("json_doc");
        TCase *tests = tcase_create("json_doc");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tests, open_list, close_list);
        tcase_add_test(tests, positions_are_those_of_the_text);
        tcase_add_test(tests, a_place_that_is_not_there_is_its_deepest_ancestor);
        tcase_add_test(tests, what_jansson_reads_we_read_the_same);
        tcase_add_test(tests, nothing_that_passes_is_refused_by_jansson_and_nothing_valid_by_us);
        tcase_add_test(tests, duplicates_are_all_told_and_reading_goes_on);
        tcase_add_test(tests, faults_of_single_values_are_all_told);
        tcase_add_test(tests, a_syntax_error_ends_the_list);
        tcase_add_test(tests, depth_64_passes_and_65_does_not);
        tcase_add_test(tests, hostile_texts_are_refused_in_bounded_time);
        tcase_add_test(tests, a_50_mb_text_that_ends_is_refused_for_its_length);
        tcase_add_test(tests, what_cannot_be_read_is_said);
        tcase_add_test(tests, a_file_above_64_mib_is_refused_unread);
        tcase_add_test(tests, paths_are_taken_apart_as_they_were_put_together);
        tcase_add_test(tests, bad_paths_are_told_from_good_ones);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
