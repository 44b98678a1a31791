/* json_path.c - building and taking apart of JSON paths.
 *
 * Paths are kept as text: they are made for every value that is read but used
 * for few, and one string an object is all that takes. Keys are at most
 * JSON_KEY_MAX_BYTES long (json_doc.c sees to that), so a path is bounded.
 */
#include "harness/scenario/json_path.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "harness/base/arena.h"

/* What would end a key when it is read back has to be quoted. */
static bool is_plain(const char *key)
{
        if (*key == '\0' || strcmp(key, JSON_PATH_ROOT) == 0)
                return false;
        for (; *key != '\0'; key++)
                if (strchr(".[]\"\\", *key) != NULL || (unsigned char)*key <= ' ' || *key == 0x7f)
                        return false;
        return true;
}

static const char *quoted(struct arena *arena, const char *parent, const char *key)
{
        char text[2 * JSON_KEY_MAX_BYTES + 1];
        size_t used = 0;

        for (; *key != '\0' && used + 2 < sizeof(text); key++) {
                if (*key == '"' || *key == '\\')
                        text[used++] = '\\';
                text[used++] = *key;
        }
        text[used] = '\0';
        return arena_printf(arena, "%s[\"%s\"]", parent, text);
}

const char *json_path_key(struct arena *arena, const char *parent, const char *key)
{
        const char *path;

        if (!is_plain(key))
                path = quoted(arena, parent, key);
        else if (strcmp(parent, JSON_PATH_ROOT) == 0)
                path = arena_text(arena, key);
        else
                path = arena_printf(arena, "%s.%s", parent, key);
        return path != NULL ? path : "";
}

const char *json_path_index(struct arena *arena, const char *parent, size_t index)
{
        const char *path = arena_printf(arena, "%s[%zu]", parent, index);

        return path != NULL ? path : "";
}

/* ["quoted key"], [12] or [name]; the cursor stands behind the '['. */
static enum json_path_step next_in_brackets(const char **cursor, struct json_path_part *part)
{
        const char *at = *cursor;
        size_t used = 0;
        bool is_quoted = *at == '"';
        bool digits = !is_quoted;

        at += is_quoted;
        for (; *at != '\0' && *at != (is_quoted ? '"' : ']'); at++) {
                if (is_quoted && *at == '\\' && at[1] != '\0')
                        at++;
                digits = digits && isdigit((unsigned char)*at);
                if (used == JSON_KEY_MAX_BYTES)
                        return JSON_PATH_BAD;
                part->key[used++] = *at;
        }
        part->key[used] = '\0';
        if (is_quoted && *at++ != '"')
                return JSON_PATH_BAD;
        if (*at++ != ']')
                return JSON_PATH_BAD;
        *cursor = at;
        if (is_quoted)
                return JSON_PATH_KEY;
        if (used == 0 || (digits && used > 9))
                return JSON_PATH_BAD;
        if (!digits)
                return JSON_PATH_NAME;
        part->index = 0;
        for (const char *c = part->key; *c != '\0'; c++)
                part->index = part->index * 10 + (size_t)(*c - '0');
        return JSON_PATH_INDEX;
}

enum json_path_step json_path_next(const char **cursor, struct json_path_part *part)
{
        const char *at = *cursor;
        size_t length;

        if (strncmp(at, JSON_PATH_ROOT, 1) == 0 && (at[1] == '\0' || at[1] == '.' || at[1] == '['))
                at++;
        if (*at == '.')
                at++;
        if (*at == '\0') {
                *cursor = at;
                return part->step = JSON_PATH_END;
        }
        if (*at == '[') {
                *cursor = at + 1;
                return part->step = next_in_brackets(cursor, part);
        }
        length = strcspn(at, ".[");
        if (length == 0 || length > JSON_KEY_MAX_BYTES)
                return part->step = JSON_PATH_BAD;
        memcpy(part->key, at, length);
        part->key[length] = '\0';
        *cursor = at + length;
        return part->step = JSON_PATH_KEY;
}

const char *json_path_below(const char *path, const char *mount)
{
        size_t length = strlen(mount);

        if (strcmp(mount, JSON_PATH_ROOT) == 0)
                return path;
        if (strncmp(path, mount, length) != 0)
                return NULL;
        if (path[length] == '.')
                return path + length + 1;
        return path[length] == '\0' || path[length] == '[' ? path + length : NULL;
}

bool json_path_is_below(const char *path, const char *ancestor)
{
        return json_path_below(path, ancestor) != NULL;
}
