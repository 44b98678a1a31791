/* read.c - sessions, files and objects: the frame around the typed readers.
 *
 * A path inside a file is taken relative to the file's folder, both are made
 * real (links followed), and the result has to lie in that folder or in one
 * that was allowed. A file that does not exist is not found out by this: its
 * folder is.
 *
 * Not here: typed values (read_value.c), distributions (read_dist.c).
 */
#include "harness/scenario/read.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/nearest.h"
#include "harness/scenario/variables.h"

struct read_source {
        struct json_doc *doc;
        struct read_source *next;
};

void read_session_begin(struct read_session *session, struct arena *arena, struct diag_list *diags)
{
        *session = (struct read_session){
                .arena = arena,
                .diags = diags,
                .diags_before = diag_total(diags),
                .elements_left = READ_ELEMENTS_MAX,
                .rows_left = READ_ROWS_MAX,
        };
        sha256_init(&session->sha);
}

void read_session_end(struct read_session *session)
{
        variables_end(session);
        for (struct read_source *source = session->sources; source != NULL; source = source->next)
                json_doc_free(source->doc);
        session->sources = NULL;
}

bool read_failed(const struct read_session *session)
{
        return diag_total(session->diags) > session->diags_before || arena_failed(session->arena);
}

bool read_is_full(const struct read_context *ctx)
{
        return ctx->session->diags->count == DIAG_KEPT_MAX;
}

/* Messages -------------------------------------------------------------- */

static void report(struct read_context *ctx, const char *path, enum json_doc_part part,
                   const char *format, va_list arguments)
{
        char text[DIAG_TEXT_MAX], excerpt[DIAG_EXCERPT_SIZE];
        const char *origin, *option = NULL;
        uint32_t line = 0, column = 0;

        if (read_is_full(ctx)) {
                ctx->session->diags->dropped++;
                return;
        }
        if (part == JSON_DOC_VALUE && variables_failed_at(ctx, path))
                return;
        vsnprintf(text, sizeof(text), format, arguments);
        if (ctx->doc != NULL)
                json_doc_locate(ctx->doc, path, part, &line, &column);
        origin = part == JSON_DOC_VALUE ? variables_origin(ctx, path, &option) : NULL;
        if (origin != NULL)
                diag_add(ctx->session->diags, ctx->file, line, column, path, "%s (given by %s %s)",
                         text, option, diag_excerpt(excerpt, origin));
        else
                diag_add(ctx->session->diags, ctx->file, line, column, path, "%s", text);
}

void read_error(struct read_context *ctx, const char *path, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        report(ctx, path, JSON_DOC_VALUE, format, arguments);
        va_end(arguments);
}

void read_key_error(struct read_context *ctx, const char *path, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        report(ctx, path, JSON_DOC_KEY, format, arguments);
        va_end(arguments);
}

void read_unknown_name(struct read_context *ctx, const char *path, const char *what,
                       const char *name, const char *best)
{
        char excerpt[DIAG_EXCERPT_SIZE], hint[128];

        read_error(ctx, path, "no %s named '%s'%s", what, diag_excerpt(excerpt, name),
                   nearest_hint(hint, sizeof(hint), best));
}

void read_wrong_type(struct read_context *ctx, const char *path, const json_t *json,
                     const char *wanted)
{
        static const char *const names[] = {
                [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",  [JSON_STRING] = "a text",
                [JSON_INTEGER] = "a number", [JSON_REAL] = "a number", [JSON_TRUE] = "true",
                [JSON_FALSE] = "false",      [JSON_NULL] = "null",
        };

        read_error(ctx, path, "%s is wanted, not %s", wanted, names[json_typeof(json)]);
}

/* Files ------------------------------------------------------------------ */

/* The folder part of a path, in the arena: "." when there is none. */
static const char *folder_of(struct arena *arena, const char *path)
{
        const char *slash = strrchr(path, '/');
        char *folder;

        if (slash == NULL)
                return ".";
        folder = arena_text(arena, path);
        if (folder != NULL)
                folder[slash == path ? 1 : slash - path] = '\0';
        return folder != NULL ? folder : ".";
}

static bool is_inside(const char *real_path, const char *folder)
{
        char real_folder[PATH_MAX];
        size_t length;

        if (folder == NULL || realpath(folder, real_folder) == NULL)
                return false;
        length = strlen(real_folder);
        return strncmp(real_path, real_folder, length) == 0 &&
               (real_path[length] == '/' || real_path[length] == '\0' || length == 1);
}

/* Where `path` leads, as far as it is there: what is not may be made later, so that it must be
 * plain names below what is. False: it is not, or a link to nothing is among it, behind which
 * anything could be made. Shortens `path`, from its end. */
static bool real_beginning(char *path, char real_path[PATH_MAX])
{
        struct stat link;

        while (realpath(path, real_path) == NULL) {
                char *slash = strrchr(path, '/');
                const char *last = slash == NULL ? path : slash + 1;

                if (lstat(path, &link) == 0 || strcmp(last, "..") == 0)
                        return false;
                if (slash == NULL)
                        return realpath(".", real_path) != NULL;
                slash[slash == path ? 1 : 0] = '\0';
        }
        return true;
}

static bool is_allowed(const struct read_context *ctx, const char *path)
{
        char real_path[PATH_MAX];
        const struct read_session *session = ctx->session;
        char *beginning = arena_text(session->arena, path);

        if (beginning == NULL || !real_beginning(beginning, real_path))
                return false;
        if (is_inside(real_path, ctx->folder))
                return true;
        for (size_t i = 0; i < session->allow_path_count; i++)
                if (is_inside(real_path, session->allow_paths[i]))
                        return true;
        return false;
}

const char *read_resolve_path(struct read_context *ctx, const char *json_path, const char *name)
{
        char excerpt[DIAG_EXCERPT_SIZE];
        const char *path;

        if (*name == '\0') {
                read_error(ctx, json_path, "the path is empty");
                return NULL;
        }
        if (variables_are_outside(ctx, json_path))
                return arena_text(ctx->session->arena, name);
        if (ctx->folder == NULL) {
                read_error(ctx, json_path, "a built-in file cannot name another one");
                return NULL;
        }
        if (*name == '/' || strcmp(ctx->folder, ".") == 0)
                path = arena_text(ctx->session->arena, name);
        else
                path = arena_printf(ctx->session->arena, "%s/%s", ctx->folder, name);
        if (path != NULL && !is_allowed(ctx, path)) {
                read_error(ctx, json_path,
                           "'%s' leaves the folder of the file (--allow-path DIR allows it)",
                           diag_excerpt(excerpt, name));
                return NULL;
        }
        return path;
}

/* Keeps the document for the session, hashes it, puts variables in. */
static bool adopt(struct read_session *session, struct json_doc *doc, const char *folder,
                  const char *mount, struct read_context *out, const json_t **root)
{
        struct read_source *source = ARENA_NEW(session->arena, struct read_source);
        uint64_t length;
        const char *text;
        size_t size;

        if (doc == NULL || source == NULL) {
                json_doc_free(doc);
                return false;
        }
        *source = (struct read_source){doc, session->sources};
        session->sources = source;
        text = json_doc_text(doc, &size);
        length = size;
        for (int i = 56; i >= 0; i -= 8)
                sha256_add(&session->sha, &(uint8_t){(uint8_t)(length >> i)}, 1);
        sha256_add(&session->sha, text, size);
        *out = (struct read_context){
                .session = session,
                .doc = doc,
                .file = json_doc_label(doc),
                .folder = folder,
                .mount = mount,
        };
        if (strcmp(mount, JSON_PATH_ROOT) == 0)
                variables_declare(out, json_doc_root(doc));
        else
                variables_apply(out, json_doc_root(doc));
        *root = json_doc_root(doc);
        return true;
}

/* The path of a place in a file as seen from the scenario. */
static const char *mounted(struct arena *arena, const char *mount, const char *path)
{
        const char *joined;

        if (strcmp(mount, JSON_PATH_ROOT) == 0)
                return path;
        if (strcmp(path, JSON_PATH_ROOT) == 0)
                return mount;
        joined = arena_printf(arena, *path == '[' ? "%s%s" : "%s.%s", mount, path);
        return joined != NULL ? joined : mount;
}

bool read_file_begin(struct read_context *from, const char *json_path, const char *name,
                     struct read_context *out, const json_t **root)
{
        struct read_session *session = from->session;
        const char *path;

        if (session->source_count++ == READ_SOURCES_MAX) {
                read_error(from, json_path, "more than the %d files allowed", READ_SOURCES_MAX);
                return false;
        }
        path = read_resolve_path(from, json_path, name);
        if (path == NULL)
                return false;
        return adopt(session, json_doc_read(path, path, session->diags),
                     folder_of(session->arena, path),
                     mounted(session->arena, from->mount, json_path), out, root);
}

bool read_named_file_begin(struct read_session *session, const char *name, const char *mount,
                           struct read_context *out, const json_t **root)
{
        return adopt(session, json_doc_read(name, name, session->diags),
                     folder_of(session->arena, name), mount, out, root);
}

bool read_text_begin(struct read_session *session, const char *label, const char *text, size_t size,
                     const char *mount, struct read_context *out, const json_t **root)
{
        return adopt(session, json_doc_parse(text, size, label, session->diags), NULL, mount, out,
                     root);
}

FILE *read_open_data(struct read_context *ctx, const char *path)
{
        struct stat status;
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        const char *why = NULL;

        if (fd < 0 || fstat(fd, &status) != 0)
                why = strerror(errno);
        else if (!S_ISREG(status.st_mode))
                why = "not a regular file";
        if (why == NULL)
                return fdopen(fd, "r");
        diag_add(ctx->session->diags, path, 0, 0, NULL, "cannot be read: %s", why);
        if (fd >= 0)
                close(fd);
        return NULL;
}

bool read_row(struct read_context *ctx, const char *path)
{
        if (ctx->session->rows_left == 0)
                return false;
        if (--ctx->session->rows_left > 0)
                return true;
        diag_add(ctx->session->diags, path, 0, 0, NULL,
                 "more than the %d rows that all data files together may have", READ_ROWS_MAX);
        return false;
}

/* Objects ---------------------------------------------------------------- */

bool read_object_begin(struct read_context *ctx, const json_t *json, const char *path,
                       struct read_object *out)
{
        if (!json_is_object(json)) {
                read_wrong_type(ctx, path, json, "an object");
                return false;
        }
        out->ctx = ctx;
        out->json = json;
        out->path = path;
        out->known_count = 0;
        return true;
}

static bool is_known(const struct read_object *object, const char *key)
{
        for (uint32_t i = 0; i < object->known_count; i++)
                if (strcmp(object->known[i], key) == 0)
                        return true;
        return false;
}

void read_object_end(struct read_object *object)
{
        struct read_context *ctx = object->ctx;
        char hint[JSON_KEY_MAX_BYTES];
        const char *key;
        json_t *value;

        json_object_foreach((json_t *)(uintptr_t)object->json, key, value)
        {
                struct nearest nearest;

                if (is_known(object, key) || strncmp(key, "x_", 2) == 0 ||
                    strcmp(key, "$schema") == 0)
                        continue;
                if (read_is_full(ctx)) {
                        ctx->session->diags->dropped++;
                        continue;
                }
                nearest_begin(&nearest, key);
                for (uint32_t i = 0; i < object->known_count; i++)
                        nearest_offer(&nearest, object->known[i]);
                read_key_error(ctx, read_path(object, key), "unknown key%s",
                               nearest_hint(hint, sizeof(hint), nearest.best));
        }
}

static void mark_known(struct read_object *object, const char *key)
{
        if (is_known(object, key))
                return;
        assert(object->known_count < READ_KEYS_MAX);
        object->known[object->known_count++] = key;
}

const json_t *read_any(struct read_object *object, const char *key, enum read_need need)
{
        const json_t *json = json_object_get(object->json, key);

        mark_known(object, key);
        if (json == NULL && need == READ_REQUIRED)
                read_error(object->ctx, object->path, "missing key '%s'", key);
        return json;
}

bool read_has(const struct read_object *object, const char *key)
{
        return json_object_get(object->json, key) != NULL;
}

const char *read_path(const struct read_object *object, const char *key)
{
        return json_path_key(object->ctx->session->arena, object->path, key);
}

bool read_child_begin(struct read_object *object, const char *key, enum read_need need,
                      struct read_object *out)
{
        const json_t *json = read_any(object, key, need);

        return json != NULL && read_object_begin(object->ctx, json, read_path(object, key), out);
}

const json_t *read_list(struct read_object *object, const char *key, enum read_need need,
                        size_t max)
{
        const json_t *json = read_any(object, key, need);
        struct read_session *session = object->ctx->session;

        if (json == NULL)
                return NULL;
        if (!json_is_array(json)) {
                read_wrong_type(object->ctx, read_path(object, key), json, "a list");
                return NULL;
        }
        if (json_array_size(json) > max) {
                read_error(object->ctx, read_path(object, key), "more than the %zu entries allowed",
                           max);
                return NULL;
        }
        if (json_array_size(json) > session->elements_left) {
                read_error(object->ctx, read_path(object, key),
                           "more than the %d entries that all lists together may have",
                           READ_ELEMENTS_MAX);
                return NULL;
        }
        session->elements_left -= json_array_size(json);
        return json;
}
