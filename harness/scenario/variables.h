/* harness/scenario/variables.h - "${name}", --var and --set.
 *
 * A scenario declares variables with their defaults under `configuration`; a
 * text that is "${name}" and nothing else becomes the variable's value with its
 * type, and inside a longer text a text, number or truth value is written out.
 * "$${" stands for "${". `--var` replaces a default and keeps its type: where
 * the file has a text the argument is taken as it is, else it is JSON of the
 * same type. `--set path=value` puts a value (JSON, or else a text) anywhere,
 * also into a file that the scenario names ("fleet.services[cart].instances").
 *
 * `configuration.matrix` gives a variable several values; a reading is of one of
 * the combinations, those that --var settles left out.
 *
 * What came from the command line is remembered, because paths in it are
 * relative to the current directory and count as allowed.
 */
#ifndef CHAOS_SCENARIO_VARIABLES_H
#define CHAOS_SCENARIO_VARIABLES_H

#include "harness/scenario/read.h"

struct variable;
struct setting;
struct failed_place;

struct variable_list {
        struct variable *items;
        size_t count;
        struct setting *settings;
        size_t setting_count;
        const json_t **outside; /* texts with a part from the command line */
        size_t outside_count, outside_room;
        struct failed_place *failed; /* where a variable is unknown */
        size_t failed_count;
        size_t expanded_bytes; /* written out so far; bounded */
        uint32_t matrix_index, matrix_count; /* which combination, of how many */
        const char *matrix_name; /* "a=1,b=x" of it, or NULL */
};

/* Takes "name=value" and "path=value" from the command line; reports what has
 * no '='. */
void variables_begin(struct read_session *session, const char *const *vars, size_t var_count,
                     const char *const *sets, size_t set_count);
void variables_end(struct read_session *session);

/* For the scenario itself, before anything is read: settings, declarations,
 * replacement. */
void variables_declare(struct read_context *ctx, json_t *root);
/* For a file that it names: settings below its mount, replacement. */
void variables_apply(struct read_context *ctx, json_t *root);
/* Reports settings that found no place and --var of nothing; when all is read. */
void variables_check_used(struct read_session *session, const char *file);

/* Whether the text at `path` of the file came from the command line. */
bool variables_are_outside(const struct read_context *ctx, const char *path);

/* Whether an unknown variable was reported at `path`. */
bool variables_failed_at(const struct read_context *ctx, const char *path);
/* What of the command line put the value at `path` there: the argument of
 * `*option`; NULL when the file did. */
const char *variables_origin(const struct read_context *ctx, const char *path, const char **option);

/* The i-th variable's name and value as text, in the arena; false past the end. */
bool variables_get(struct read_session *session, size_t index, const char **name,
                   const char **value);

#endif
