/* harness/base/code_point.h - bytes from outside, taken as characters.
 *
 * Names of files, arguments, rows of CSV and output of other programs may be any bytes. Whoever
 * shows them or writes them into a document walks over them with code_point_next(), which never
 * gives what is not UTF-8, and asks code_point_is_unwanted() of each: characters that no text of
 * ours needs and that command a terminal, turn the direction of writing, hide text, or are
 * refused by XML. '\n' and '\t' are not among them.
 */
#ifndef CHAOS_BASE_CODE_POINT_H
#define CHAOS_BASE_CODE_POINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CODE_POINT_REPLACEMENT 0xFFFDu

/* How many bytes the character at `at` has, of which `left` > 0 bytes are there; `*point` is its
 * number. A byte that is no part of UTF-8 is a REPLACEMENT of its own. 0: what is there may be
 * the beginning of a character, and more bytes have to tell. In a text that ends in a null byte
 * `left` may be 4 at any place before it: no byte is looked at behind one that does not fit. */
size_t code_point_next(const char *at, size_t left, uint32_t *point);

bool code_point_is_unwanted(uint32_t point);

bool code_point_all_utf8(const char *text);

/* Makes valid UTF-8 of `text`, in place: '?' for each byte that is no part of it. */
void code_point_mend(char *text);

#endif
