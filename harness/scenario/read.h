/* harness/scenario/read.h - from JSON values to checked, converted ones.
 *
 * A session is one reading of a scenario and of the files that it names. Each
 * file is a context; each object in it is opened, its keys are read by typed
 * calls, and closing it reports the keys that nobody asked for, with the
 * nearest one that exists:
 *
 *     struct read_object o;
 *
 *     if (!read_object_begin(ctx, json, path, &o))
 *             return;                              // already reported
 *     read_duration(&o, "timeout", READ_OPTIONAL, 1, QUANTITY_NS_MAX, &out->timeout_ns);
 *     read_object_end(&o);
 *
 * Every call that finds something wrong adds a diagnostic and goes on, so that
 * all errors of a file come in one go. It gives true only when a value was
 * there and is right; otherwise `*out` keeps what the caller put there as the
 * default. Whether all went well is asked once, at the end: read_failed().
 *
 * Texts handed out are in the session's arena and outlive the session; json_t
 * pointers do not. `null` counts as a value of the wrong type, unless a reader
 * of its own allows it.
 *
 * Before anything is read, `--set` values are put in and every "${name}" is
 * replaced (variables.h); positions stay those of the file.
 */
#ifndef CHAOS_SCENARIO_READ_H
#define CHAOS_SCENARIO_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "harness/base/arena.h"
#include "harness/base/diag.h"
#include "harness/base/dist.h"
#include "harness/base/quantity.h"
#include "harness/base/sha256.h"
#include "harness/scenario/json_doc.h"
#include "harness/scenario/json_path.h"

struct read_source;
struct variable_list;

struct read_session {
        struct arena *arena;
        struct diag_list *diags;
        size_t diags_before; /* what was in the list when we began */
        struct sha256 sha;   /* of all that was read and overridden */
        struct variable_list *variables;
        const char *const *allow_paths; /* folders that files may be in besides their own */
        size_t allow_path_count;
        struct read_source *sources; /* files read, given back by read_session_end() */
        uint32_t source_count;
        size_t elements_left, rows_left; /* of lists and of data files, see read_list() */
};

struct read_context {
        struct read_session *session;
        const struct json_doc *doc;
        const char *file;   /* as messages call it */
        const char *folder; /* of the file, for paths inside it; NULL: not on disk */
        const char *mount;  /* JSON path of the place that named this file, seen from the
                             * scenario; "$" for the scenario itself */
};

enum {
        READ_KEYS_MAX = 64,
        READ_SOURCES_MAX = 64,
        READ_ELEMENTS_MAX = 2000000, /* of all lists together, a variable's wherever it is used */
        READ_ROWS_MAX = 8000000,     /* of all data files together */
};
enum read_need { READ_OPTIONAL, READ_REQUIRED };

struct read_object {
        struct read_context *ctx;
        const json_t *json;
        const char *path;
        const char *known[READ_KEYS_MAX];
        uint32_t known_count;
};

void read_session_begin(struct read_session *session, struct arena *arena, struct diag_list *diags);
void read_session_end(struct read_session *session);
/* Whether anything was reported since the session began, or memory ran out. */
bool read_failed(const struct read_session *session);

/* Files. `name` is as the user wrote it at `json_path` of `from`. Reports and
 * gives false when the file may not be read or is no JSON; the root lives as
 * long as the session. */
bool read_file_begin(struct read_context *from, const char *json_path, const char *name,
                     struct read_context *out, const json_t **root);
/* A file given on the command line; may be anywhere. */
bool read_named_file_begin(struct read_session *session, const char *name, const char *mount,
                           struct read_context *out, const json_t **root);
/* A data file for reading, or NULL (reported): only regular files, since a pipe
 * or a device may have no end. Whoever reads rows of it calls read_row(). */
FILE *read_open_data(struct read_context *ctx, const char *path);
/* False (reported, once) when READ_ROWS_MAX rows were read. */
bool read_row(struct read_context *ctx, const char *path);
/* A text that is built in; messages call it `label`. */
bool read_text_begin(struct read_session *session, const char *label, const char *text, size_t size,
                     const char *mount, struct read_context *out, const json_t **root);
/* The path under which a file named at `json_path` is opened, in the arena, or
 * NULL (reported) when it leaves its folder and is not allowed. */
const char *read_resolve_path(struct read_context *ctx, const char *json_path, const char *name);

/* Objects. `path` is the object's JSON path (JSON_PATH_ROOT for the document). */
bool read_object_begin(struct read_context *ctx, const json_t *json, const char *path,
                       struct read_object *out);
/* Reports unknown keys. */
void read_object_end(struct read_object *object);
/* Opens the object under `key`; false when absent or no object. */
bool read_child_begin(struct read_object *object, const char *key, enum read_need need,
                      struct read_object *out);
/* The value of a key, of any type, or NULL; marks it known and, when it is
 * required and absent, reports it. */
const json_t *read_any(struct read_object *object, const char *key, enum read_need need);
const char *read_path(const struct read_object *object, const char *key);
bool read_has(const struct read_object *object, const char *key);

/* Lists: the array under `key` with at most `max` elements, or NULL. All lists
 * together have READ_ELEMENTS_MAX at most. */
const json_t *read_list(struct read_object *object, const char *key, enum read_need need,
                        size_t max);

/* Typed values of a key. Ranges are inclusive. */
bool read_text(struct read_object *object, const char *key, enum read_need need, const char **out);
bool read_bool(struct read_object *object, const char *key, enum read_need need, bool *out);
bool read_count(struct read_object *object, const char *key, enum read_need need, uint32_t min,
                uint32_t max, uint32_t *out);
bool read_number(struct read_object *object, const char *key, enum read_need need, double min,
                 double max, double *out);
bool read_duration(struct read_object *object, const char *key, enum read_need need, int64_t min_ns,
                   int64_t max_ns, int64_t *out_ns);
bool read_size(struct read_object *object, const char *key, enum read_need need, int64_t min_bytes,
               int64_t max_bytes, int64_t *out_bytes);
bool read_rate(struct read_object *object, const char *key, enum read_need need, double min_per_s,
               double max_per_s, double *out_per_s);
bool read_size_rate(struct read_object *object, const char *key, enum read_need need,
                    double min_per_s, double max_per_s, double *out_bytes_per_s);
/* "1%/min". */
bool read_share_rate(struct read_object *object, const char *key, enum read_need need,
                     double min_per_s, double max_per_s, double *out_per_s);
/* A number or "5%". */
bool read_ratio(struct read_object *object, const char *key, enum read_need need, double min,
                double max, double *out);
/* One of a NULL-ended list of names; gives its index. */
bool read_choice(struct read_object *object, const char *key, enum read_need need,
                 const char *const *names, uint32_t *out);
bool read_texts(struct read_object *object, const char *key, enum read_need need, size_t max,
                const char *const **out, size_t *out_count);
/* A duration or a distribution, ready for sampling; means and bounds up to `max_ns`. */
bool read_dist(struct read_object *object, const char *key, enum read_need need, int64_t max_ns,
               struct dist *out);

/* The same for a value whose path is known (list elements). */
bool read_text_at(struct read_context *ctx, const json_t *json, const char *path, const char **out);
bool read_count_at(struct read_context *ctx, const json_t *json, const char *path, uint32_t min,
                   uint32_t max, uint32_t *out);
bool read_number_at(struct read_context *ctx, const json_t *json, const char *path, double min,
                    double max, double *out);
bool read_duration_at(struct read_context *ctx, const json_t *json, const char *path,
                      int64_t min_ns, int64_t max_ns, int64_t *out_ns);
bool read_size_at(struct read_context *ctx, const json_t *json, const char *path, int64_t min_bytes,
                  int64_t max_bytes, int64_t *out_bytes);
bool read_rate_at(struct read_context *ctx, const json_t *json, const char *path, double min_per_s,
                  double max_per_s, double *out_per_s);
bool read_size_rate_at(struct read_context *ctx, const json_t *json, const char *path,
                       double min_per_s, double max_per_s, double *out_bytes_per_s);
bool read_ratio_at(struct read_context *ctx, const json_t *json, const char *path, double min,
                   double max, double *out);
bool read_choice_at(struct read_context *ctx, const json_t *json, const char *path,
                    const char *const *names, uint32_t *out);
bool read_dist_at(struct read_context *ctx, const json_t *json, const char *path, int64_t max_ns,
                  struct dist *out);

/* Whether another message would only be counted: then there is no need to look
 * for what is nearest. */
bool read_is_full(const struct read_context *ctx);

/* Reports what is wrong with the value (or the key) at `path`. */
void read_error(struct read_context *ctx, const char *path, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
void read_key_error(struct read_context *ctx, const char *path, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* "no <what> named '<name>' (nearest: ...)"; `best` may be NULL. */
void read_unknown_name(struct read_context *ctx, const char *path, const char *what,
                       const char *name, const char *best);
/* "a number, not a text": says what was found instead of `wanted`. */
void read_wrong_type(struct read_context *ctx, const char *path, const json_t *json,
                     const char *wanted);

#endif
