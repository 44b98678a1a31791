/* json_scan.c - grammar, limits, duplicates and positions of a JSON text.
 *
 * Recursive descent over RFC 8259; the depth limit bounds the stack. Two kinds
 * of fault: those after which nothing can be said about the rest (grammar,
 * UTF-8, depth, too many values) stop the scan; those of one value alone (a
 * number too large, a NUL in a text, a duplicate key) are noted and the scan
 * goes on, so that a user sees them all. Of the latter, only duplicates still
 * let values be built.
 *
 * Keys of an object are compared after escapes are decoded ("\u0061" is "a"),
 * by sorting them when there are many: O(n log n), whatever the keys.
 */
#include "harness/scenario/json_scan.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/scenario/json_doc.h"
#include "harness/scenario/json_path.h"

enum { NUMBER_MAX_BYTES = 400, FEW_KEYS = 8 };

struct scanner {
        struct json_scan *scan;
        const char *text;
        size_t at, size;
        const char *label;
        struct diag_list *diags;
        unsigned depth;
        bool stopped;     /* nothing more can be said */
        bool unbuildable; /* a value that jansson could not take */
        /* Where we are, for messages: a key per level, or NULL and an index, or
         * `no_key` while a member's key is not read yet. */
        const char *keys[JSON_DOC_DEPTH_MAX + 1];
        size_t indices[JSON_DOC_DEPTH_MAX + 1];
};

/* Stands for a key that is not known yet; compared by address. */
static const char no_key[] = "";

void json_scan_position(const char *text, size_t offset, struct json_position *position)
{
        const char *at, *end = text + offset, *feed;

        if (offset < position->offset)
                *position = JSON_POSITION_START;
        at = text + position->offset;
        while ((feed = memchr(at, '\n', (size_t)(end - at))) != NULL) {
                at = feed + 1;
                position->line++;
                position->column = 1;
        }
        for (; at < end; at++)
                position->column += ((unsigned char)*at & 0xc0) != 0x80;
        position->offset = offset;
}

/* The path of the value being read. */
static const char *current_path(struct scanner *s, struct arena *arena)
{
        const char *path = JSON_PATH_ROOT;

        for (unsigned level = 1; level <= s->depth && s->keys[level] != no_key; level++)
                path = s->keys[level] != NULL ? json_path_key(arena, path, s->keys[level])
                                              : json_path_index(arena, path, s->indices[level]);
        return path;
}

static void complain_at(struct scanner *s, size_t offset, const char *what)
{
        struct arena arena;
        struct json_position *position = &s->scan->position;

        if (s->diags->count == DIAG_KEPT_MAX) {
                s->diags->dropped++;
                return;
        }
        arena_init(&arena);
        json_scan_position(s->text, offset, position);
        diag_add(s->diags, s->label, position->line, position->column, current_path(s, &arena),
                 "%s", what);
        arena_release(&arena);
}

static bool stop_at(struct scanner *s, size_t offset, const char *what)
{
        if (!s->stopped)
                complain_at(s, offset, what);
        s->stopped = true;
        return false;
}

static char peek(const struct scanner *s)
{
        return s->at < s->size ? s->text[s->at] : '\0';
}

static void skip_blanks(struct scanner *s)
{
        while (s->at < s->size && strchr(" \t\n\r", s->text[s->at]) != NULL &&
               s->text[s->at] != '\0')
                s->at++;
}

/* The length of the UTF-8 character at `bytes`, 0 when it is none (overlong,
 * surrogate, above U+10FFFF, cut off). */
static size_t utf8_length(const unsigned char *bytes, size_t size)
{
        unsigned char first = bytes[0];
        size_t length = first < 0x80   ? 1
                        : first < 0xc2 ? 0
                        : first < 0xe0 ? 2
                        : first < 0xf0 ? 3
                                       : 4;

        if (length == 0 || first > 0xf4 || length > size)
                return 0;
        for (size_t i = 1; i < length; i++)
                if ((bytes[i] & 0xc0) != 0x80)
                        return 0;
        if ((first == 0xe0 && bytes[1] < 0xa0) || (first == 0xed && bytes[1] > 0x9f) ||
            (first == 0xf0 && bytes[1] < 0x90) || (first == 0xf4 && bytes[1] > 0x8f))
                return 0;
        return length;
}

static bool is_word_byte(char c)
{
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '_' || c == '.' || c == '+' || c == '-';
}

/* Says what stands here instead of `wanted`. */
static bool stop_unexpected(struct scanner *s, const char *wanted)
{
        char what[160], excerpt[DIAG_EXCERPT_SIZE], word[24];
        size_t length = 0;

        if (s->at >= s->size) {
                snprintf(what, sizeof(what), "the file ends here, %s is wanted", wanted);
                return stop_at(s, s->size, what);
        }
        if (s->text[s->at] == '\0')
                return stop_at(s, s->at, "a NUL byte: this is not a text file");
        if (s->text[s->at] == '#' || (s->text[s->at] == '/' && s->at + 1 < s->size &&
                                      strchr("/*", s->text[s->at + 1]) != NULL))
                return stop_at(s, s->at,
                               "JSON has no comments (a key that begins with x_ may hold one)");
        while (s->at + length < s->size && length + 1 < sizeof(word) &&
               is_word_byte(s->text[s->at + length]))
                length++;
        if (length == 0)
                length = utf8_length((const unsigned char *)s->text + s->at, s->size - s->at);
        memcpy(word, s->text + s->at, length);
        word[length] = '\0';
        snprintf(what, sizeof(what), "'%s' is not JSON here, %s is wanted",
                 diag_excerpt(excerpt, word), wanted);
        return stop_at(s, s->at, what);
}

static bool check_encoding(struct scanner *s)
{
        const unsigned char *bytes = (const unsigned char *)s->text;
        size_t length;

        if (s->size == 0)
                return stop_at(s, 0, "the file is empty");
        if (s->size >= 3 && memcmp(s->text, "\xef\xbb\xbf", 3) == 0)
                return stop_at(
                        s, 0,
                        "a byte order mark, which JSON does not have; save as UTF-8 without it");
        for (size_t i = 0; i < s->size; i += length) {
                length = utf8_length(bytes + i, s->size - i);
                if (length == 0)
                        return stop_at(s, i, "not UTF-8");
        }
        return true;
}

static bool add_node(struct scanner *s, size_t key_at, const char *key)
{
        struct json_scan *scan = s->scan;

        if (scan->count == JSON_DOC_VALUES_MAX)
                return stop_at(s, s->at, "more than the 1000000 values allowed in a file");
        if (scan->count == scan->room) {
                uint32_t room = scan->room == 0 ? 256 : scan->room * 2;
                struct json_node *nodes = realloc(scan->nodes, room * sizeof(*nodes));

                if (nodes == NULL)
                        return stop_at(s, s->at, "out of memory");
                scan->nodes = nodes;
                scan->room = room;
        }
        scan->nodes[scan->count++] = (struct json_node){
                .value_at = (uint32_t)s->at, .key_at = (uint32_t)key_at, .key = key};
        return true;
}

static int hex_value(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The four digits behind "\u". */
static bool read_hex4(struct scanner *s, uint32_t *out)
{
        *out = 0;
        for (int i = 0; i < 4; i++, s->at++) {
                int digit = hex_value(peek(s));

                if (digit < 0)
                        return stop_unexpected(s, "a hex digit");
                *out = *out << 4 | (uint32_t)digit;
        }
        return true;
}

static size_t put_utf8(char out[4], uint32_t code)
{
        if (code < 0x80)
                return out[0] = (char)code, 1;
        if (code < 0x800)
                return out[0] = (char)(0xc0 | code >> 6), out[1] = (char)(0x80 | (code & 63)), 2;
        if (code < 0x10000) {
                out[0] = (char)(0xe0 | code >> 12);
                out[1] = (char)(0x80 | (code >> 6 & 63));
                out[2] = (char)(0x80 | (code & 63));
                return 3;
        }
        out[0] = (char)(0xf0 | code >> 18);
        out[1] = (char)(0x80 | (code >> 12 & 63));
        out[2] = (char)(0x80 | (code >> 6 & 63));
        out[3] = (char)(0x80 | (code & 63));
        return 4;
}

/* "\uXXXX", with its second half where it is a surrogate; behind the 'u'. */
static bool read_code(struct scanner *s, size_t escape_at, uint32_t *code)
{
        uint32_t low;

        if (!read_hex4(s, code))
                return false;
        if (*code == 0) {
                complain_at(s, escape_at, "a NUL character in a text");
                s->unbuildable = true;
        }
        if (*code < 0xd800 || *code > 0xdfff)
                return true;
        if (*code < 0xdc00 && peek(s) == '\\' && s->at + 1 < s->size && s->text[s->at + 1] == 'u') {
                s->at += 2;
                if (!read_hex4(s, &low))
                        return false;
                if (low >= 0xdc00 && low <= 0xdfff) {
                        *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
                        return true;
                }
        }
        complain_at(s, escape_at, "half of a surrogate pair in a text");
        s->unbuildable = true;
        *code = 0xfffd;
        return true;
}

/* One escape, behind the backslash. */
static bool read_escape(struct scanner *s, size_t escape_at, char out[4], size_t *length)
{
        static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
        const char *name = s->at < s->size && peek(s) != '\0' ? strchr(names, peek(s)) : NULL;
        uint32_t code;

        if (name != NULL) {
                s->at++;
                out[0] = values[name - names];
                *length = 1;
                return true;
        }
        if (peek(s) != 'u')
                return stop_at(s, escape_at,
                               "an escape that JSON does not have (only \\\" \\\\ \\/ \\b \\f "
                               "\\n \\r \\t \\uXXXX)");
        s->at++;
        if (!read_code(s, escape_at, &code))
                return false;
        *length = put_utf8(out, code);
        return true;
}

/* A string, at its opening quote. `key`, when not NULL, takes the decoded text
 * of at most JSON_KEY_MAX_BYTES bytes. */
static bool scan_string(struct scanner *s, char *key)
{
        size_t start = s->at, used = 0;
        bool too_long = false;

        s->at++;
        while (peek(s) != '"' || s->at >= s->size) {
                char bytes[4];
                size_t length = 1, from = s->at;

                if (s->at >= s->size)
                        return stop_at(s, start, "this text has no closing quote");
                if ((unsigned char)peek(s) < 0x20)
                        return stop_at(s, s->at,
                                       peek(s) == '\n' || peek(s) == '\r'
                                               ? "a line break inside a text (its closing quote is "
                                                 "missing, or write \\n)"
                                       : peek(s) == '\0' ? "a NUL byte: this is not a text file"
                                                         : "a control character inside a text");
                bytes[0] = s->text[s->at++];
                if (bytes[0] == '\\' && !read_escape(s, from, bytes, &length))
                        return false;
                if (key == NULL)
                        continue;
                if (used + length > JSON_KEY_MAX_BYTES) {
                        too_long = true;
                        continue;
                }
                memcpy(key + used, bytes, length);
                used += length;
        }
        s->at++;
        if (key != NULL)
                key[used] = '\0';
        if (too_long) {
                complain_at(s, start, "a key longer than the 256 bytes allowed");
                s->unbuildable = true;
        } else if (s->at - start - 2 > JSON_DOC_STRING_MAX) {
                complain_at(s, start, "a text longer than the 1 MiB allowed");
                s->unbuildable = true;
        }
        return true;
}

static bool scan_digits(struct scanner *s)
{
        if (peek(s) < '0' || peek(s) > '9')
                return stop_unexpected(s, "a digit");
        while (peek(s) >= '0' && peek(s) <= '9')
                s->at++;
        return true;
}

/* Too large for what holds it: 64 bits with a sign, or a double. */
static void check_number_size(struct scanner *s, size_t start, bool is_real)
{
        char digits[NUMBER_MAX_BYTES + 1];
        size_t length = s->at - start;
        const char *fault = NULL;

        if (length > NUMBER_MAX_BYTES) {
                fault = "a number of more than 400 digits";
        } else {
                memcpy(digits, s->text + start, length);
                digits[length] = '\0';
                errno = 0;
                if (is_real && isinf(strtod(digits, NULL)))
                        fault = "a number too large for a double";
                else if (!is_real && (strtoll(digits, NULL, 10), errno == ERANGE))
                        fault = "a whole number beyond 64 bits with a sign (a larger seed is "
                                "written "
                                "as a text)";
        }
        if (fault == NULL)
                return;
        complain_at(s, start, fault);
        s->unbuildable = true;
}

static bool scan_number(struct scanner *s)
{
        size_t start = s->at;
        bool is_real = false;

        s->at += peek(s) == '-';
        if (peek(s) == '0') {
                s->at++;
                if (peek(s) >= '0' && peek(s) <= '9')
                        return stop_at(s, start, "a number with a leading zero is not JSON");
        } else if (!scan_digits(s)) {
                return false;
        }
        if (peek(s) == '.') {
                is_real = true;
                s->at++;
                if (!scan_digits(s))
                        return false;
        }
        if (peek(s) == 'e' || peek(s) == 'E') {
                is_real = true;
                s->at++;
                s->at += peek(s) == '+' || peek(s) == '-';
                if (!scan_digits(s))
                        return false;
        }
        check_number_size(s, start, is_real);
        return true;
}

static bool scan_value(struct scanner *s, size_t key_at, const char *key);

static bool enter(struct scanner *s)
{
        char what[64];

        if (s->depth == JSON_DOC_DEPTH_MAX) {
                snprintf(what, sizeof(what), "nested deeper than the %d levels allowed",
                         JSON_DOC_DEPTH_MAX);
                return stop_at(s, s->at, what);
        }
        s->depth++;
        s->at++;
        skip_blanks(s);
        return true;
}

static bool leave(struct scanner *s)
{
        s->depth--;
        s->at++;
        return true;
}

static bool scan_list(struct scanner *s)
{
        if (!enter(s))
                return false;
        s->keys[s->depth] = NULL;
        s->indices[s->depth] = 0;
        if (peek(s) == ']')
                return leave(s);
        for (;; s->indices[s->depth]++) {
                if (!scan_value(s, 0, NULL))
                        return false;
                skip_blanks(s);
                if (peek(s) == ']')
                        return leave(s);
                if (peek(s) != ',')
                        return stop_unexpected(s, "',' or ']'");
                s->at++;
                skip_blanks(s);
                if (peek(s) == ']')
                        return stop_unexpected(s, "a value after the comma");
        }
}

struct keyed {
        const char *key;
        uint32_t node;
};

static int compare_keyed(const void *left, const void *right)
{
        const struct keyed *a = left, *b = right;
        int order = strcmp(a->key, b->key);

        return order != 0 ? order : (a->node > b->node) - (a->node < b->node);
}

static void complain_duplicate(struct scanner *s, uint32_t first, uint32_t again)
{
        char what[96];
        struct json_position at = JSON_POSITION_START;

        if (s->diags->count == DIAG_KEPT_MAX) {
                s->diags->dropped++;
                return;
        }
        json_scan_position(s->text, s->scan->nodes[first].key_at, &at);
        snprintf(what, sizeof(what), "duplicate key (the first is at %u:%u)", at.line, at.column);
        s->keys[s->depth] = s->scan->nodes[again].key;
        complain_at(s, s->scan->nodes[again].key_at, what);
}

/* Members `first`.. of an object with `count` of them. */
static bool check_duplicates(struct scanner *s, uint32_t object, uint32_t count)
{
        const struct json_node *nodes = s->scan->nodes;
        struct keyed few[FEW_KEYS], *keyed = few;
        uint32_t next = object + 1;

        if (count > FEW_KEYS && (keyed = malloc(count * sizeof(*keyed))) == NULL)
                return stop_at(s, s->at, "out of memory");
        for (uint32_t i = 0; i < count; i++, next = nodes[next].end)
                keyed[i] = (struct keyed){nodes[next].key, next};
        qsort(keyed, count, sizeof(*keyed), compare_keyed);
        for (uint32_t i = 1, first = 0; i < count; i++) {
                if (strcmp(keyed[i].key, keyed[first].key) != 0)
                        first = i;
                else
                        complain_duplicate(s, keyed[first].node, keyed[i].node);
        }
        if (keyed != few)
                free(keyed);
        return true;
}

static bool scan_member(struct scanner *s)
{
        char buffer[JSON_KEY_MAX_BYTES + 1];
        size_t key_at = s->at;
        const char *key;

        if (peek(s) != '"')
                return stop_unexpected(s, "a key in double quotes");
        if (!scan_string(s, buffer))
                return false;
        key = arena_text(&s->scan->keys, buffer);
        if (key == NULL)
                return stop_at(s, s->at, "out of memory");
        s->keys[s->depth] = key;
        skip_blanks(s);
        if (peek(s) != ':')
                return stop_unexpected(s, "':'");
        s->at++;
        skip_blanks(s);
        return scan_value(s, key_at, key);
}

static bool scan_object(struct scanner *s, uint32_t object)
{
        if (!enter(s))
                return false;
        s->keys[s->depth] = no_key;
        if (peek(s) == '}')
                return leave(s);
        for (uint32_t count = 1;; count++) {
                if (!scan_member(s))
                        return false;
                skip_blanks(s);
                if (peek(s) == '}')
                        return check_duplicates(s, object, count) && leave(s);
                if (peek(s) != ',')
                        return stop_unexpected(s, "',' or '}'");
                s->at++;
                s->keys[s->depth] = no_key;
                skip_blanks(s);
                if (peek(s) == '}')
                        return stop_unexpected(s, "a key after the comma");
        }
}

static bool scan_word(struct scanner *s, const char *word)
{
        size_t length = strlen(word);

        if (s->size - s->at < length || memcmp(s->text + s->at, word, length) != 0)
                return stop_unexpected(s, "a value");
        s->at += length;
        return true;
}

static bool scan_value(struct scanner *s, size_t key_at, const char *key)
{
        uint32_t node = s->scan->count;
        char first = peek(s);
        bool ok;

        if (!add_node(s, key_at, key))
                return false;
        if (first == '{')
                ok = scan_object(s, node);
        else if (first == '[')
                ok = scan_list(s);
        else if (first == '"')
                ok = scan_string(s, NULL);
        else if (first == '-' || (first >= '0' && first <= '9'))
                ok = scan_number(s);
        else if (first == 't' || first == 'f')
                ok = scan_word(s, first == 't' ? "true" : "false");
        else if (first == 'n')
                ok = scan_word(s, "null");
        else
                ok = stop_unexpected(s, "a value");
        if (ok)
                s->scan->nodes[node].end = s->scan->count;
        return ok;
}

bool json_scan_text(struct json_scan *scan, const char *text, size_t size, const char *label,
                    struct diag_list *diags)
{
        struct scanner s = {
                .scan = scan, .text = text, .size = size, .label = label, .diags = diags};

        *scan = (struct json_scan){.position = JSON_POSITION_START};
        arena_init(&scan->keys);
        if (!check_encoding(&s))
                return false;
        skip_blanks(&s);
        if (!scan_value(&s, 0, NULL))
                return false;
        skip_blanks(&s);
        if (s.at < s.size)
                return stop_unexpected(&s, "the end of the file");
        return !s.unbuildable;
}

void json_scan_release(struct json_scan *scan)
{
        free(scan->nodes);
        arena_release(&scan->keys);
        *scan = (struct json_scan){0};
}
