/* variables.c - declaration, override and replacement of variables.
 *
 * Values are shared, not copied, so that a large one used often costs nothing;
 * a value is never looked into again after it was put in, so there is no
 * recursion to bound. What is written out inside longer texts is bounded.
 *
 * Places are a chain on the stack and become a path only for a message: paths
 * of every value of a large file would not be bounded.
 */
#include "harness/scenario/variables.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/nearest.h"
#include "harness/scenario/json_place.h"

enum { VARIABLES_MAX = 256 };

enum { MATRIX_MAX = 1000 };
#define EXPANDED_MAX_BYTES ((size_t)JSON_DOC_SIZE_MAX)

struct variable {
        const char *name;
        json_t *value;        /* owned; NULL: not declared */
        const char *argument; /* of --var, or NULL */
        bool is_outside;
};

struct setting {
        const char *path, *argument; /* argument: all of "path=value" */
        json_t *value;               /* owned */
        bool is_used;
};

/* Where a variable could not be put in. */
struct failed_place {
        const struct json_doc *doc;
        const char *path;
};

struct place {
        const struct place *parent;
        const char *key;
        size_t index;
};

static const char *place_path(struct arena *arena, const struct place *place)
{
        if (place->parent == NULL)
                return JSON_PATH_ROOT;
        if (place->key != NULL)
                return json_path_key(arena, place_path(arena, place->parent), place->key);
        return json_path_index(arena, place_path(arena, place->parent), place->index);
}

/* The part before '=', in the arena, or NULL (reported). */
static char *split_argument(struct read_session *session, const char *option, const char *argument)
{
        const char *equals = strchr(argument, '=');
        char *name;

        if (equals == NULL || equals == argument) {
                diag_add(session->diags, option, 0, 0, NULL, "'%s' is not NAME=VALUE", argument);
                return NULL;
        }
        name = arena_text(session->arena, argument);
        if (name != NULL)
                name[equals - argument] = '\0';
        return name;
}

/* JSON where it is JSON, a text where it is not. */
static json_t *parse_argument(const char *text)
{
        json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);

        return value != NULL ? value : json_string(text);
}

void variables_begin(struct read_session *session, const char *const *vars, size_t var_count,
                     const char *const *sets, size_t set_count)
{
        struct variable_list *list = ARENA_NEW(session->arena, struct variable_list);

        if (list == NULL)
                return;
        list->items = ARENA_ARRAY(session->arena, struct variable, var_count);
        list->settings = ARENA_ARRAY(session->arena, struct setting, set_count);
        list->failed = ARENA_ARRAY(session->arena, struct failed_place, DIAG_KEPT_MAX);
        if (arena_failed(session->arena))
                return;
        session->variables = list;
        for (size_t i = 0; i < var_count; i++) {
                const char *name = split_argument(session, "--var", vars[i]);

                if (name == NULL)
                        continue;
                list->items[list->count++] =
                        (struct variable){.name = name, .argument = vars[i] + strlen(name) + 1};
                sha256_add_text(&session->sha, vars[i]);
        }
        for (size_t i = 0; i < set_count; i++) {
                const char *path = split_argument(session, "--set", sets[i]);
                json_t *value = path != NULL ? parse_argument(sets[i] + strlen(path) + 1) : NULL;

                if (path != NULL && value == NULL)
                        diag_add(session->diags, "--set", 0, 0, NULL, "'%s' is not UTF-8", sets[i]);
                if (value == NULL)
                        continue;
                list->settings[list->setting_count++] =
                        (struct setting){.path = path, .argument = sets[i], .value = value};
                sha256_add_text(&session->sha, sets[i]);
        }
}

void variables_end(struct read_session *session)
{
        struct variable_list *list = session->variables;

        if (list == NULL)
                return;
        for (size_t i = 0; i < list->count; i++)
                json_decref(list->items[i].value);
        for (size_t i = 0; i < list->setting_count; i++)
                json_decref(list->settings[i].value);
        free(list->outside);
        session->variables = NULL;
}

/* Settings ------------------------------------------------------------- */

static void apply_settings(struct read_context *ctx, json_t *root)
{
        struct variable_list *list = ctx->session->variables;

        for (size_t i = 0; i < list->setting_count; i++) {
                struct setting *setting = &list->settings[i];
                const char *path = json_path_below(setting->path, ctx->mount);

                if (path != NULL && *path != '\0' && !setting->is_used)
                        setting->is_used = json_path_put(root, path, setting->value);
        }
}

/* Declarations --------------------------------------------------------- */

static struct variable *find_variable(struct variable_list *list, const char *name)
{
        for (size_t i = list->count; i-- > 0;)
                if (strcmp(list->items[i].name, name) == 0)
                        return &list->items[i];
        return NULL;
}

static bool is_variable_name(const char *name)
{
        size_t length =
                strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

        return length > 0 && length <= 64 && name[length] == '\0';
}

static const char *type_name(const json_t *json)
{
        switch (json_typeof(json)) {
        case JSON_OBJECT:
                return "an object";
        case JSON_ARRAY:
                return "a list";
        case JSON_STRING:
                return "a text";
        case JSON_INTEGER:
        case JSON_REAL:
                return "a number";
        case JSON_TRUE:
        case JSON_FALSE:
                return "true or false";
        default:
                return "null";
        }
}

/* The argument of --var with the type of the default; NULL (reported) when it
 * has another one. */
static json_t *override_value(struct read_session *session, const struct variable *variable,
                              const json_t *declared)
{
        char excerpt[DIAG_EXCERPT_SIZE];
        json_t *value;

        if (json_is_string(declared)) {
                value = json_string(variable->argument);
                if (value == NULL)
                        diag_add(session->diags, "--var", 0, 0, NULL, "%s: not UTF-8",
                                 variable->name);
                return value;
        }
        value = json_loads(variable->argument, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
        if (value == NULL && json_is_null(declared))
                value = json_string(variable->argument);
        if (value != NULL &&
            (json_is_null(declared) || strcmp(type_name(value), type_name(declared)) == 0))
                return value;
        json_decref(value);
        diag_add(session->diags, "--var", 0, 0, NULL,
                 "%s: '%s' is not %s, which the scenario has there", variable->name,
                 diag_excerpt(excerpt, variable->argument), type_name(declared));
        return NULL;
}

static bool mentions_variable(const json_t *json)
{
        return json_is_string(json) && strstr(json_string_value(json), "${") != NULL;
}

static void declare_one(struct read_context *ctx, const char *name, json_t *value,
                        struct variable *next)
{
        struct variable_list *list = ctx->session->variables;
        struct variable *variable = find_variable(list, name);
        const char *path = json_path_key(ctx->session->arena, "configuration", name);

        if (!is_variable_name(name)) {
                read_key_error(ctx, path,
                               "a variable's name has letters, digits, '_' and '-', at most 64");
                return;
        }
        if (mentions_variable(value))
                read_error(ctx, path, "a variable's value cannot use another variable");
        if (variable == NULL) {
                *next = (struct variable){.name = arena_text(ctx->session->arena, name),
                                          .value = json_incref(value)};
                list->count += next->name != NULL;
                return;
        }
        variable->value = override_value(ctx->session, variable, value);
        variable->is_outside = true;
        if (variable->value == NULL)
                variable->value = json_incref(value);
}

/* Matrix ------------------------------------------------------------------ */

/* The values that a name of the matrix takes in turn; NULL (reported) when they
 * are no such list. */
static const json_t *matrix_values(struct read_context *ctx, const char *path, const json_t *values)
{
        if (!json_is_array(values)) {
                read_wrong_type(ctx, path, values, "a list of values");
                return NULL;
        }
        if (json_array_size(values) == 0) {
                read_error(ctx, path, "the list is empty");
                return NULL;
        }
        for (size_t i = 0; i < json_array_size(values); i++) {
                const json_t *value = json_array_get(values, i);
                const char *at = json_path_index(ctx->session->arena, path, i);

                if (json_is_object(value) || json_is_array(value) || json_is_null(value)) {
                        read_wrong_type(ctx, at, value, "a text, a number, true or false");
                        return NULL;
                }
                if (strcmp(type_name(value), type_name(json_array_get(values, 0))) != 0) {
                        read_error(ctx, at, "%s, and the first is %s", type_name(value),
                                   type_name(json_array_get(values, 0)));
                        return NULL;
                }
                if (mentions_variable(value)) {
                        read_error(ctx, at, "a variable's value cannot use another variable");
                        return NULL;
                }
        }
        return values;
}

/* Whether --var has settled it, so that it does not vary. */
static bool is_settled(const struct variable *variable)
{
        return variable != NULL && variable->argument != NULL;
}

static void note_choice(struct read_session *session, const char *name, const json_t *value)
{
        struct variable_list *list = session->variables;
        char *dumped = json_is_string(value)
                               ? NULL
                               : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));

        list->matrix_name = arena_printf(
                session->arena, "%s%s%s=%s", list->matrix_name != NULL ? list->matrix_name : "",
                list->matrix_name != NULL ? "," : "", name,
                dumped != NULL ? dumped : json_string_value(value));
        free(dumped);
        if (list->matrix_name != NULL)
                sha256_add_text(&session->sha, list->matrix_name);
}

/* The first name varies slowest. */
static void declare_choice(struct read_context *ctx, const char *name, const json_t *values,
                           uint32_t *stride)
{
        struct variable_list *list = ctx->session->variables;
        struct variable *variable = find_variable(list, name);
        uint32_t count = (uint32_t)json_array_size(values);
        json_t *value;

        if (is_settled(variable)) {
                if (variable->value == NULL)
                        declare_one(ctx, name, json_array_get(values, 0),
                                    &list->items[list->count]);
                return;
        }
        *stride /= count;
        value = json_array_get(values, list->matrix_index / *stride % count);
        if (variable == NULL) {
                declare_one(ctx, name, value, &list->items[list->count]);
        } else {
                json_decref(variable->value);
                variable->value = json_incref(value);
        }
        note_choice(ctx->session, name, value);
}

static void declare_matrix(struct read_context *ctx, const json_t *matrix)
{
        struct variable_list *list = ctx->session->variables;
        struct arena *arena = ctx->session->arena;
        size_t before = diag_total(ctx->session->diags);
        uint32_t stride = 1;
        const char *name;
        json_t *values;

        if (!json_is_object(matrix)) {
                read_wrong_type(ctx, "configuration.matrix", matrix, "an object of lists");
                return;
        }
        if (json_object_size(matrix) == 0)
                read_error(ctx, "configuration.matrix", "the matrix is empty");
        json_object_foreach((json_t *)(uintptr_t)matrix, name, values)
        {
                const char *path = json_path_key(arena, "configuration.matrix", name);

                if (strncmp(name, "x_", 2) == 0)
                        continue;
                if (!is_variable_name(name))
                        read_key_error(ctx, path, "a variable's name has letters, digits, '_' and "
                                                  "'-', at most 64");
                if (matrix_values(ctx, path, values) == NULL)
                        continue;
                if (!is_settled(find_variable(list, name)) &&
                    (stride *= (uint32_t)(json_array_size(values) > MATRIX_MAX
                                                  ? MATRIX_MAX + 1
                                                  : json_array_size(values))) > MATRIX_MAX) {
                        read_error(ctx, "configuration.matrix",
                                   "more than the %d combinations allowed", MATRIX_MAX);
                        return;
                }
        }
        if (diag_total(ctx->session->diags) > before)
                return;
        list->matrix_count = stride;
        json_object_foreach((json_t *)(uintptr_t)matrix, name, values)
                if (strncmp(name, "x_", 2) != 0)
                        declare_choice(ctx, name, values, &stride);
}

static void declare_all(struct read_context *ctx, json_t *declarations)
{
        struct variable_list *list = ctx->session->variables;
        size_t given = list->count;
        json_t *matrix = json_object_get(declarations, "matrix");
        struct variable *items =
                ARENA_ARRAY(ctx->session->arena, struct variable,
                            given + json_object_size(declarations) + json_object_size(matrix));
        const char *name;
        json_t *value;

        if (items == NULL)
                return;
        if (json_object_size(declarations) + json_object_size(matrix) > VARIABLES_MAX) {
                read_error(ctx, "configuration", "more than the %d variables allowed",
                           VARIABLES_MAX);
                return;
        }
        memcpy(items, list->items, given * sizeof(*items));
        list->items = items;
        json_object_foreach(declarations, name, value)
        {
                if (strcmp(name, "matrix") != 0 && strncmp(name, "x_", 2) != 0)
                        declare_one(ctx, name, value, &list->items[list->count]);
        }
        if (matrix != NULL)
                declare_matrix(ctx, matrix);
}

/* Replacement ---------------------------------------------------------- */

/* The path for a message, which nobody will see when the list is full. */
static const char *message_path(struct read_context *ctx, const struct place *place)
{
        return read_is_full(ctx) ? JSON_PATH_ROOT : place_path(ctx->session->arena, place);
}

/* Once: what is read there later cannot be right and is not reported again. */
static void complain_unknown(struct read_context *ctx, const struct place *place, const char *name)
{
        struct variable_list *list = ctx->session->variables;
        struct nearest nearest;
        const char *path;

        if (read_is_full(ctx)) {
                ctx->session->diags->dropped++;
                return;
        }
        nearest_begin(&nearest, name);
        for (size_t i = 0; i < list->count; i++)
                if (list->items[i].value != NULL)
                        nearest_offer(&nearest, list->items[i].name);
        path = place_path(ctx->session->arena, place);
        read_unknown_name(ctx, path, "variable", name, nearest.best);
        if (list->failed_count < DIAG_KEPT_MAX)
                list->failed[list->failed_count++] = (struct failed_place){ctx->doc, path};
}

static const struct variable *use_variable(struct read_context *ctx, const struct place *place,
                                           const char *name)
{
        struct variable_list *list = ctx->session->variables;
        struct variable *variable = find_variable(list, name);

        if (variable != NULL && variable->value != NULL)
                return variable;
        complain_unknown(ctx, place, name);
        return NULL;
}

static void remember_outside(struct variable_list *list, const json_t *text)
{
        if (list->outside_count == list->outside_room) {
                size_t room = list->outside_room == 0 ? 16 : list->outside_room * 2;
                const json_t **larger = realloc(list->outside, room * sizeof(*larger));

                if (larger == NULL)
                        return;
                list->outside = larger;
                list->outside_room = room;
        }
        list->outside[list->outside_count++] = text;
}

/* A text that grows; once memory was out, `text` is NULL and stays so. */
struct growing {
        char *text;
        size_t used, room;
        bool failed;
};

static void grow(struct growing *out, const char *bytes, size_t size)
{
        if (out->failed)
                return;
        if (out->text == NULL || out->used + size > out->room) {
                size_t room = (out->used + size) * 2 + 64;
                char *larger = realloc(out->text, room);

                if (larger == NULL) {
                        free(out->text);
                        *out = (struct growing){.failed = true};
                        return;
                }
                out->text = larger;
                out->room = room;
        }
        memcpy(out->text + out->used, bytes, size);
        out->used += size;
}

/* Writes a variable's value into a longer text. */
static bool write_out(struct read_context *ctx, const struct place *place,
                      const struct variable *variable, struct growing *out)
{
        struct variable_list *list = ctx->session->variables;
        size_t before = out->used;
        char *dumped;

        if (list->expanded_bytes > EXPANDED_MAX_BYTES)
                return false; /* reported when it was reached */
        if (json_is_string(variable->value)) {
                grow(out, json_string_value(variable->value), json_string_length(variable->value));
        } else if (json_is_object(variable->value) || json_is_array(variable->value)) {
                read_error(ctx, message_path(ctx, place),
                           "variable '%s' is %s and cannot stand inside a text", variable->name,
                           type_name(variable->value));
                return false;
        } else if ((dumped = json_dumps(variable->value,
                                        JSON_ENCODE_ANY | JSON_REAL_PRECISION(15))) != NULL) {
                grow(out, dumped, strlen(dumped));
                free(dumped);
        }
        list->expanded_bytes += out->used - before;
        if (out->used <= JSON_DOC_STRING_MAX && list->expanded_bytes <= EXPANDED_MAX_BYTES)
                return true;
        read_error(
                ctx, message_path(ctx, place),
                "too long a text once its variables are written out (1 MiB a text, 64 MiB in all)");
        return false;
}

/* The end of the "${name}" at `at`, its name in `name`; NULL when it is none. */
static const char *variable_end(const char *at, char name[65])
{
        const char *close = strchr(at, '}');
        size_t length = close != NULL ? (size_t)(close - at - 2) : 0;

        if (close == NULL || length == 0 || length > 64)
                return NULL;
        memcpy(name, at + 2, length);
        name[length] = '\0';
        return close + 1;
}

/* The text with its variables written out; NULL when something is wrong. */
static json_t *interpolate(struct read_context *ctx, const struct place *place, const char *text)
{
        struct growing out = {0};
        char name[65];
        bool outside = false, ok = true;
        json_t *result;

        grow(&out, "", 0);
        while (ok && *text != '\0') {
                const char *next = strstr(text, "${");
                const struct variable *variable;

                if (next == NULL || (next > text && next[-1] == '$')) {
                        size_t plain = next == NULL ? strlen(text) : (size_t)(next - 1 - text);

                        grow(&out, text, plain);
                        grow(&out, "${", next == NULL ? 0 : 2);
                        text = next == NULL ? text + plain : next + 2;
                        continue;
                }
                grow(&out, text, (size_t)(next - text));
                text = variable_end(next, name);
                if (text == NULL)
                        read_error(ctx, message_path(ctx, place),
                                   "a '${' without a name and a '}' after it ('$${' writes '${')");
                variable = text != NULL ? use_variable(ctx, place, name) : NULL;
                ok = variable != NULL && write_out(ctx, place, variable, &out);
                outside = outside || (ok && variable->is_outside);
        }
        result = ok && out.text != NULL ? json_stringn(out.text, out.used) : NULL;
        free(out.text);
        if (result != NULL && outside)
                remember_outside(ctx->session->variables, result);
        return result;
}

/* What the text is to be replaced by (owned), or NULL: it stays. */
static json_t *replacement(struct read_context *ctx, const struct place *place, const json_t *json)
{
        const char *text = json_string_value(json), *end;
        const struct variable *variable;
        char name[65];

        if (strstr(text, "${") == NULL)
                return NULL;
        if (text[0] != '$' || text[1] != '{' || (end = variable_end(text, name)) == NULL ||
            *end != '\0')
                return interpolate(ctx, place, text);
        variable = use_variable(ctx, place, name);
        return variable != NULL ? json_incref(variable->value) : NULL;
}

static void replace_below(struct read_context *ctx, const struct place *place, json_t *json)
{
        struct place child = {.parent = place};
        json_t *value, *other;

        if (json_is_object(json)) {
                for (void *it = json_object_iter(json); it != NULL;
                     it = json_object_iter_next(json, it)) {
                        child.key = json_object_iter_key(it);
                        value = json_object_iter_value(it);
                        if (place->parent == NULL && strcmp(child.key, "configuration") == 0 &&
                            strcmp(ctx->mount, JSON_PATH_ROOT) == 0)
                                continue;
                        if (!json_is_string(value))
                                replace_below(ctx, &child, value);
                        else if ((other = replacement(ctx, &child, value)) != NULL)
                                json_object_iter_set_new(json, it, other);
                }
        } else if (json_is_array(json)) {
                json_array_foreach(json, child.index, value)
                {
                        if (!json_is_string(value))
                                replace_below(ctx, &child, value);
                        else if ((other = replacement(ctx, &child, value)) != NULL)
                                json_array_set_new(json, child.index, other);
                }
        }
}

/* For the callers ------------------------------------------------------- */

void variables_declare(struct read_context *ctx, json_t *root)
{
        struct place place = {0};
        json_t *declarations;

        if (ctx->session->variables == NULL)
                return;
        apply_settings(ctx, root);
        declarations = json_object_get(root, "configuration");
        if (declarations != NULL && !json_is_object(declarations))
                read_wrong_type(ctx, "configuration", declarations, "an object");
        else if (declarations != NULL)
                declare_all(ctx, declarations);
        replace_below(ctx, &place, root);
}

void variables_apply(struct read_context *ctx, json_t *root)
{
        struct place place = {0};

        if (ctx->session->variables == NULL)
                return;
        apply_settings(ctx, root);
        replace_below(ctx, &place, root);
}

void variables_check_used(struct read_session *session, const char *file)
{
        struct variable_list *list = session->variables;
        char hint[96];

        for (size_t i = 0; list != NULL && i < list->setting_count; i++)
                if (!list->settings[i].is_used)
                        diag_add(session->diags, "--set", 0, 0, NULL, "%s: no such place in %s",
                                 list->settings[i].path, file);
        for (size_t i = 0; list != NULL && i < list->count; i++) {
                struct nearest nearest;

                if (list->items[i].value != NULL)
                        continue;
                if (find_variable(list, list->items[i].name)->value != NULL) {
                        diag_add(session->diags, "--var", 0, 0, NULL, "%s: given twice",
                                 list->items[i].name);
                        continue;
                }
                nearest_begin(&nearest, list->items[i].name);
                for (size_t j = 0; j < list->count; j++)
                        if (list->items[j].value != NULL)
                                nearest_offer(&nearest, list->items[j].name);
                diag_add(session->diags, "--var", 0, 0, NULL, "no variable named '%s' in %s%s",
                         list->items[i].name, file, nearest_hint(hint, sizeof(hint), nearest.best));
        }
}

/* The value at `path` of the file, as it is after replacement. */
static const json_t *value_at(const struct read_context *ctx, const char *path)
{
        const json_t *json = json_doc_root(ctx->doc);
        struct json_path_part part;

        while (json != NULL && json_path_next(&path, &part) != JSON_PATH_END)
                json = part.step == JSON_PATH_BAD ? NULL : json_path_step_into(json, &part);
        return json;
}

bool variables_are_outside(const struct read_context *ctx, const char *path)
{
        const struct variable_list *list = ctx->session->variables;
        const json_t *json = ctx->doc != NULL ? value_at(ctx, path) : NULL;

        if (list == NULL || json == NULL)
                return false;
        for (size_t i = 0; i < list->count; i++)
                if (list->items[i].is_outside && list->items[i].value == json)
                        return true;
        for (size_t i = 0; i < list->outside_count; i++)
                if (list->outside[i] == json)
                        return true;
        for (size_t i = 0; i < list->setting_count; i++)
                if (list->settings[i].is_used && list->settings[i].value == json)
                        return true;
        return false;
}

bool variables_failed_at(const struct read_context *ctx, const char *path)
{
        const struct variable_list *list = ctx->session->variables;

        for (size_t i = 0; list != NULL && i < list->failed_count; i++)
                if (list->failed[i].doc == ctx->doc && strcmp(list->failed[i].path, path) == 0)
                        return true;
        return false;
}

const char *variables_origin(const struct read_context *ctx, const char *path, const char **option)
{
        const struct variable_list *list = ctx->session->variables;
        const json_t *json = list != NULL && ctx->doc != NULL ? value_at(ctx, path) : NULL;

        for (size_t i = 0; json != NULL && i < list->setting_count; i++)
                if (list->settings[i].is_used && list->settings[i].value == json) {
                        *option = "--set";
                        return list->settings[i].argument;
                }
        for (size_t i = 0; json != NULL && i < list->count; i++)
                if (list->items[i].is_outside && list->items[i].value == json) {
                        *option = "--var";
                        return list->items[i].name;
                }
        return NULL;
}

bool variables_get(struct read_session *session, size_t index, const char **name,
                   const char **value)
{
        const struct variable_list *list = session->variables;
        const struct variable *variable;
        char *dumped;

        if (list == NULL || index >= list->count)
                return false;
        variable = &list->items[index];
        *name = variable->name;
        *value = "";
        if (json_is_string(variable->value)) {
                *value = arena_text(session->arena, json_string_value(variable->value));
        } else if ((dumped = json_dumps(variable->value, JSON_ENCODE_ANY | JSON_COMPACT)) != NULL) {
                *value = arena_text(session->arena, dumped);
                free(dumped);
        }
        return true;
}
