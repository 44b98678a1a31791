/* harness/scenario/import.h - experiments of other tools as scenarios.
 *
 *     Chaos Toolkit   an experiment: title, hypothesis, method with pauses, rollbacks
 *     toxiproxy       a list of proxies, or what its API gives, with their toxics
 *
 * Neither knows a fleet: one is made up of the names that occur, an `app` that
 * calls each of them, for people to replace. What has no meaning here is left
 * out, and listed with the place in the file and the reason.
 */
#ifndef CHAOS_SCENARIO_IMPORT_H
#define CHAOS_SCENARIO_IMPORT_H

#include <jansson.h>

#include "harness/base/diag.h"

struct imported {
        json_t *scenario; /* valid for the loader; owned */
        json_t *left_out; /* list of texts, "path: why"; owned */
};

/* False, with at least one diagnostic, when the file cannot be read, is no JSON
 * or is of neither kind; `out` then holds nothing. */
bool import_read(const char *path, struct imported *out, struct diag_list *diags);

/* The same from memory. */
bool import_parse(const char *text, size_t size, const char *label, struct imported *out,
                  struct diag_list *diags);

void imported_release(struct imported *imported);

#endif
