/* Tests of harness/base/code_point.h and json_plain.h: any bytes become characters, and JSON keeps
 * no character that commands a terminal. */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/code_point.h"
#include "harness/base/json_line.h"
#include "harness/base/json_plain.h"

static size_t next(const char *bytes, size_t left, uint32_t *point)
{
        *point = 1;
        return code_point_next(bytes, left, point);
}

static size_t utf8_of(uint32_t point, char out[5])
{
        size_t length = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        static const unsigned char marks[] = {0, 0, 0xC0, 0xE0, 0xF0};

        for (size_t i = length - 1; i > 0; i--) {
                out[i] = (char)(0x80 | (point & 0x3F));
                point >>= 6;
        }
        out[0] = (char)(marks[length] | point);
        out[length] = '\0';
        return length;
}

START_TEST(every_character_is_read_back)
{
        char bytes[5];
        uint32_t read;

        for (uint32_t point = 1; point <= 0x10FFFF; point++) {
                size_t length = utf8_of(point, bytes);
                bool is_surrogate = point >= 0xD800 && point < 0xE000;

                ck_assert_uint_eq(next(bytes, length, &read), is_surrogate ? 1 : length);
                ck_assert_uint_eq(read, is_surrogate ? CODE_POINT_REPLACEMENT : point);
                for (size_t cut = 1; cut < length && !is_surrogate; cut++)
                        ck_assert_uint_eq(next(bytes, cut, &read), 0);
        }
}
END_TEST

START_TEST(what_is_not_utf8_is_one_replacement_a_byte)
{
        static const char *const wrong[] = {"\x80",         "\xBF",         "\xC0\xAF",     "\xC1\x81", "\xC3(",
                                            "\xE0\x80\x80", "\xE2\x82(",    "\xED\xA0\x80", "\xF5",     "\xFF",
                                            "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF0\x9F\x98("};
        uint32_t point;

        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                char *text = strdup(wrong[i]);

                ck_assert_uint_eq(next(wrong[i], strlen(wrong[i]), &point), 1);
                ck_assert_uint_eq(point, CODE_POINT_REPLACEMENT);
                ck_assert(!code_point_all_utf8(wrong[i]));
                code_point_mend(text);
                ck_assert_uint_eq(strlen(text), strlen(wrong[i]));
                ck_assert(code_point_all_utf8(text));
                free(text);
        }
}
END_TEST

/* Nothing is read behind the end: ASan would tell. */
START_TEST(a_text_that_ends_within_a_character_is_mended_there)
{
        char *text = strdup("a\xE2\x82\xAC \xF0\x9F\x98");

        code_point_mend(text);
        ck_assert_str_eq(text, "a\xE2\x82\xAC ???");
        free(text);
        ck_assert(code_point_all_utf8(""));
}
END_TEST

START_TEST(what_commands_hides_or_turns_is_unwanted_and_no_letter_is)
{
        static const uint32_t unwanted[] = {0x00,   0x07,   0x0D,   0x1B,   0x7F,   0x85,   0x9B,    0x9D,
                                            0x061C, 0x200E, 0x200F, 0x2028, 0x202A, 0x202E, 0x2066,  0x2069,
                                            0xFEFF, 0xFFF9, 0xFFFE, 0xFFFF, 0xE0041, 0xE007F, 0x1FFFE, 0x10FFFF};
        static const uint32_t wanted[] = {'\n', '\t', ' ', '~', 0xA0, 0xE9, 0x061B, 0x05D0, 0x200D, 0x20AC, 0x1F600};

        for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
                ck_assert_msg(code_point_is_unwanted(unwanted[i]), "U+%04X", unwanted[i]);
        for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
                ck_assert_msg(!code_point_is_unwanted(wanted[i]), "U+%04X", wanted[i]);
}
END_TEST

START_TEST(json_that_is_shown_holds_the_same_strings_and_nothing_unwanted)
{
        static const char raw[] = "a\x7f\xC2\x9B\xE2\x80\xAE\xD8\x9C\xF3\xA0\x81\x81\xEF\xBB\xBF\n\"\\ \xC3\xA9";
        json_t *json = json_pack("{s:s}", raw, raw), *again;
        char *text = json_plain_dumps(json, JSON_COMPACT);

        ck_assert_str_eq(text, "{\"a\\u007f\\u009b\\u202e\\u061c\\udb40\\udc41\\ufeff\\n\\\"\\\\ \xC3\xA9\":"
                               "\"a\\u007f\\u009b\\u202e\\u061c\\udb40\\udc41\\ufeff\\n\\\"\\\\ \xC3\xA9\"}");
        again = json_loads(text, 0, NULL);
        ck_assert(json_equal(json, again));
        free(text);
        json_decref(again);
        json_decref(json);
        ck_assert_ptr_null(json_plain_dumps(NULL, 0));
}
END_TEST

START_TEST(a_line_of_json_takes_any_bytes)
{
        struct json_line line = {0};
        const char *text;
        size_t length;
        json_t *json;

        json_open(&line, NULL, '{');
        json_put_text(&line, "k\xFF", "\xC2\x9B\x1B[2J\xE2\x82 \"\\\n\xF0\x9F\x98\x80");
        json_close(&line, '}');
        text = json_line_text(&line, &length);
        ck_assert_str_eq(text, "{\"k?\":\"\\u009b\\u001b[2J?? \\\"\\\\\\u000a\xF0\x9F\x98\x80\"}\n");
        json = json_loads(text, 0, NULL);
        ck_assert_ptr_nonnull(json);
        json_decref(json);
        json_line_free(&line);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("code_point");
        TCase *tests = tcase_create("code_point");
        SRunner *runner;
        int failed;

        tcase_add_test(tests, every_character_is_read_back);
        tcase_add_test(tests, what_is_not_utf8_is_one_replacement_a_byte);
        tcase_add_test(tests, a_text_that_ends_within_a_character_is_mended_there);
        tcase_add_test(tests, what_commands_hides_or_turns_is_unwanted_and_no_letter_is);
        tcase_add_test(tests, json_that_is_shown_holds_the_same_strings_and_nothing_unwanted);
        tcase_add_test(tests, a_line_of_json_takes_any_bytes);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
