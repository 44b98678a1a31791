/* harness/scenario/json_scan.h - one pass over a JSON text, before anything is built.
 *
 * Checks all that json_doc.h promises and leaves a node for each value. Used by
 * json_doc.c alone.
 */
#ifndef CHAOS_SCENARIO_JSON_SCAN_H
#define CHAOS_SCENARIO_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/arena.h"
#include "harness/base/diag.h"

struct json_node {
        uint32_t value_at, key_at; /* offsets in the text */
        uint32_t end;              /* the node after this one's subtree */
        const char *key;           /* decoded; NULL for elements and the root */
};

/* Line and column (in characters) of an offset, both from 1. */
struct json_position {
        size_t offset;
        uint32_t line, column;
};
#define JSON_POSITION_START ((struct json_position){0, 1, 1})

struct json_scan {
        struct json_node *nodes;
        uint32_t count, room;
        struct arena keys;
        struct json_position position; /* the last one asked for */
};

/* False when there is nothing to build values from; `diags` then says why. To be
 * released either way. */
bool json_scan_text(struct json_scan *scan, const char *text, size_t size, const char *label,
                    struct diag_list *diags);
void json_scan_release(struct json_scan *scan);

/* Goes on from `*position`, or from the start when `offset` lies before it, so
 * that asking in the order of the text costs O(text) in all. */
void json_scan_position(const char *text, size_t offset, struct json_position *position);

#endif
