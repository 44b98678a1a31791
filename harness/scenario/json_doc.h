/* harness/scenario/json_doc.h - a JSON text with its positions.
 *
 * jansson builds the values, but keeps no positions, stops at the first
 * duplicate and takes whatever depth and size it is given. So a scanner of
 * ours runs over the text first: it checks UTF-8, grammar, depth, duplicate
 * keys and the limits below, and remembers where each value stands. What it
 * lets pass jansson can build.
 *
 * Faults that leave the text readable (duplicate keys) are added to the list
 * and reading may go on; the others end it: no document.
 *
 * Memory: the text, 24 bytes a value, the keys, and jansson's values; with the
 * limits below under 400 MiB for the worst file and some kilobytes for a usual
 * one. Time: O(size).
 */
#ifndef CHAOS_SCENARIO_JSON_DOC_H
#define CHAOS_SCENARIO_JSON_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "harness/base/diag.h"

enum {
        JSON_DOC_SIZE_MAX = 64 * 1024 * 1024,
        JSON_DOC_DEPTH_MAX = 64,
        JSON_DOC_VALUES_MAX = 1000000,
        JSON_DOC_STRING_MAX = 1024 * 1024, /* bytes of one string, as written */
};

struct json_doc;

/* Reads the file `path`; messages call it `label`. NULL, with at least one
 * diagnostic, when it cannot be read or is not JSON. The caller owns the
 * document and gives it back with json_doc_free(). */
struct json_doc *json_doc_read(const char *path, const char *label, struct diag_list *diags);

/* The same from memory; `text` is copied. */
struct json_doc *json_doc_parse(const char *text, size_t size, const char *label,
                                struct diag_list *diags);

void json_doc_free(struct json_doc *doc);

/* The values, owned by the document. They may be changed (variables are put
 * in); positions are those of the text all the same. */
json_t *json_doc_root(const struct json_doc *doc);

const char *json_doc_label(const struct json_doc *doc);
const char *json_doc_text(const struct json_doc *doc, size_t *size);

enum json_doc_part { JSON_DOC_KEY, JSON_DOC_VALUE };

/* Where the value at `path` (json_path.h) or its key begins, both from 1,
 * columns in characters. Of a path that is not in the text: its deepest
 * ancestor that is. O(values on the way + line). */
void json_doc_locate(const struct json_doc *doc, const char *path, enum json_doc_part part,
                     uint32_t *line, uint32_t *column);

#endif
