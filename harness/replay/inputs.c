/* inputs.c - see inputs.h. Sorted by bytes, so the same on every machine. */
#include "harness/replay/inputs.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool add(struct inputs *inputs, const char *path, const char *name)
{
        struct input *items = inputs->items;

        if ((inputs->count & (inputs->count - 1)) == 0) {
                items = realloc(items, (inputs->count ? 2 * inputs->count : 1) * sizeof(*items));
                if (!items)
                        return false;
                inputs->items = items;
        }
        items[inputs->count] = (struct input){strdup(path), strdup(name)};
        if (!items[inputs->count].path || !items[inputs->count].name) {
                free(items[inputs->count].path);
                free(items[inputs->count].name);
                return false;
        }
        inputs->count++;
        return true;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

static bool is_csv(const char *name)
{
        size_t length = strlen(name);

        return length > 4 && strcasecmp(name + length - 4, ".csv") == 0;
}

static bool walk(struct inputs *inputs, const char *root, const char *below, int depth,
                 FILE *errors);

static bool visit(struct inputs *inputs, const char *root, const char *below, const char *name,
                  int depth, FILE *errors)
{
        char *path = NULL, *relative = NULL;
        struct stat status;
        bool ok = false;

        if (asprintf(&relative, "%s%s%s", below, *below ? "/" : "", name) < 0) {
                relative = NULL;
                goto done;
        }
        if (asprintf(&path, "%s/%s", root, relative) < 0) {
                path = NULL;
                goto done;
        }
        ok = true;
        if (name[0] == '.' || stat(path, &status) != 0)
                goto done;
        if (S_ISDIR(status.st_mode))
                ok = depth >= INPUTS_DEPTH_MAX || walk(inputs, root, relative, depth + 1, errors);
        else if (S_ISREG(status.st_mode) && is_csv(name))
                ok = add(inputs, path, relative);
done:
        free(path);
        free(relative);
        return ok;
}

static bool walk(struct inputs *inputs, const char *root, const char *below, int depth,
                 FILE *errors)
{
        struct dirent **names = NULL;
        char *path = NULL;
        bool ok = true;
        int count;

        if (asprintf(&path, "%s%s%s", root, *below ? "/" : "", below) < 0)
                return false;
        count = scandir(path, &names, NULL, by_bytes);
        if (count < 0) {
                fprintf(errors, "%s: %s\n", path, strerror(errno));
                ok = false;
        }
        for (int i = 0; i < count; i++) {
                ok = ok && visit(inputs, root, below, names[i]->d_name, depth, errors);
                free(names[i]);
        }
        free(names);
        free(path);
        return ok;
}

static bool collect_one(struct inputs *inputs, const char *given, FILE *errors)
{
        size_t before = inputs->count, length = strlen(given);
        struct stat status;
        char *root;
        bool ok;

        if (stat(given, &status) != 0) {
                fprintf(errors, "%s: %s\n", given, strerror(errno));
                return false;
        }
        if (!S_ISDIR(status.st_mode)) {
                const char *slash = strrchr(given, '/');

                return add(inputs, given, slash ? slash + 1 : given);
        }
        inputs->many = true;
        while (length > 1 && given[length - 1] == '/')
                length--;
        root = strndup(given, length);
        if (!root)
                return false;
        ok = walk(inputs, root, "", 0, errors);
        if (ok && inputs->count == before) {
                fprintf(errors, "%s: no *.csv file in it\n", given);
                ok = false;
        }
        free(root);
        return ok;
}

static int by_name(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool inputs_names_differ(const struct inputs *inputs, FILE *errors)
{
        const char **names = malloc((inputs->count + 1) * sizeof(*names));
        bool ok = names != NULL;

        for (size_t i = 0; names && i < inputs->count; i++)
                names[i] = inputs->items[i].name;
        if (names)
                qsort(names, inputs->count, sizeof(*names), by_name);
        for (size_t i = 1; ok && i < inputs->count; i++) {
                if (strcmp(names[i - 1], names[i]) != 0)
                        continue;
                fprintf(errors, "%s: two files of this name were given; give their common "
                                "directory instead\n", names[i]);
                ok = false;
        }
        free(names);
        return ok;
}

bool inputs_collect(struct inputs *inputs, const char *const *paths, size_t path_count,
                    FILE *errors)
{
        bool ok = true;

        *inputs = (struct inputs){.many = path_count > 1};
        for (size_t i = 0; i < path_count; i++)
                ok = collect_one(inputs, paths[i], errors) && ok;
        return ok;
}

void inputs_release(struct inputs *inputs)
{
        for (size_t i = 0; i < inputs->count; i++) {
                free(inputs->items[i].path);
                free(inputs->items[i].name);
        }
        free(inputs->items);
        *inputs = (struct inputs){0};
}
