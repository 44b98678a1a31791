/* scenario_files.c - the scenarios that were named, and where their results go. */
#include "harness/cli/scenario_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/base/rng.h"
#include "reports/verdict.h"
#include "reports/writer.h"

static bool file_add(struct scenario_files *list, const char *folder, const char *name)
{
        size_t length = (folder == NULL ? 0 : strlen(folder) + 1) + strlen(name) + 1;
        char *path = malloc(length);

        if (list->count == list->room) {
                size_t room = list->room * 2 + 8;
                char **bigger = realloc(list->paths, room * sizeof(*bigger));

                if (bigger != NULL) {
                        list->paths = bigger;
                        list->room = room;
                }
        }
        if (path == NULL || list->count == list->room) {
                free(path);
                return false;
        }
        if (folder == NULL)
                memcpy(path, name, length);
        else
                snprintf(path, length, "%s/%s", folder, name);
        list->paths[list->count++] = path;
        return true;
}

void scenario_files_release(struct scenario_files *list)
{
        for (size_t i = 0; i < list->count; i++)
                free(list->paths[i]);
        free(list->paths);
}

static int by_name(const void *left, const void *right)
{
        return strcmp(*(char *const *)left, *(char *const *)right);
}

static bool ends_with(const char *text, const char *end)
{
        size_t length = strlen(text), tail = strlen(end);

        return length >= tail && strcmp(text + length - tail, end) == 0;
}

static bool add_folder(struct scenario_files *list, const char *folder)
{
        DIR *dir = opendir(folder);
        size_t first = list->count;
        const struct dirent *entry;
        bool ok = dir != NULL;

        if (dir == NULL)
                fprintf(stderr, "chaos-run: %s: %s\n", folder, strerror(errno));
        while (ok && (entry = readdir(dir)) != NULL)
                if (entry->d_name[0] != '.' && ends_with(entry->d_name, ".json") &&
                    !ends_with(entry->d_name, ".schema.json"))
                        ok = file_add(list, folder, entry->d_name);
        if (dir != NULL)
                closedir(dir);
        if (list->count > first)
                qsort(list->paths + first, list->count - first, sizeof(*list->paths), by_name);
        return ok;
}

int scenario_files_list(const struct options *options, struct scenario_files *list)
{
        for (size_t i = 0; i < options->words.count; i++) {
                struct stat facts;
                const char *word = options->words.items[i];
                bool folder = stat(word, &facts) == 0 && S_ISDIR(facts.st_mode);

                if (!(folder ? add_folder(list, word) : file_add(list, NULL, word)))
                        return EXIT_INVALID;
        }
        if (list->count == 0) {
                fprintf(stderr, "chaos-run: %s: no scenario (*.json) in there\n",
                        options->words.items[0]);
                return EXIT_INVALID;
        }
        return EXIT_PASSED;
}

struct scenario_overrides overrides_of(const struct options *options, const char *strategy,
                                       uint32_t matrix_index)
{
        return (struct scenario_overrides){
                .vars = options->vars.items,
                .var_count = options->vars.count,
                .sets = options->sets.items,
                .set_count = options->sets.count,
                .strategy = strategy,
                .only = options->only.items,
                .only_count = options->only.count,
                .skip = options->skip.items,
                .skip_count = options->skip.count,
                .has_seed = options->has_seed,
                .seed = options->seed,
                .runs = options->runs,
                .allow_paths = options->allow_paths.items,
                .allow_path_count = options->allow_paths.count,
                .matrix_index = matrix_index,
        };
}

/* The name of a combination as one of a folder, in place: no '/', nothing that a
 * shell or a file system minds, not too long. */
static void tame(char *name)
{
        size_t length = 0;

        for (; length < 200 && name[length] != '\0'; length++)
                if (strchr("/\\:*?\"<>|", name[length]) != NULL || (unsigned char)name[length] < ' ')
                        name[length] = '_';
        name[length] = '\0';
}

bool scenario_folder_claim(const char *folder, const char *path)
{
        static uint64_t *claimed; /* hashes of names: a campaign has many */
        static size_t count, room;
        uint64_t hash = hash_text(folder);

        for (size_t i = 0; i < count; i++)
                if (claimed[i] == hash) {
                        fprintf(stderr,
                                "chaos-run: %s: results of this command are in '%s' already; run it by "
                                "itself with another --out, or under another name\n",
                                path, folder);
                        return false;
                }
        if (count == room) {
                uint64_t *bigger = realloc(claimed, (room * 2 + 64) * sizeof(*bigger));

                if (bigger == NULL) {
                        fprintf(stderr, "chaos-run: out of memory\n");
                        return false;
                }
                claimed = bigger;
                room = room * 2 + 64;
        }
        claimed[count++] = hash;
        return true;
}

char *scenario_folder(const struct options *options, const struct scenario *scenario,
                      const char *strategy, bool many)
{
        const char *base = scenario->file;
        size_t stem = strlen(base) - (ends_with(base, ".json") ? strlen(".json") : 0);
        const char *own = scenario->outputs.folder;
        const char *root = options->out != NULL ? options->out : own != NULL ? own : "chaos-results";
        bool below = (options->out == NULL && own == NULL) || many || scenario->matrix_name != NULL;
        const char *part = strategy == NULL ? "" : strrchr(strategy, '/') == NULL
                                                           ? strategy
                                                           : strrchr(strategy, '/') + 1;
        size_t part_length = strlen(part) - (ends_with(part, ".json") ? strlen(".json") : 0);
        const char *choice = scenario->matrix_name != NULL ? scenario->matrix_name : "";
        size_t size = strlen(root) + stem + part_length + strlen(choice) + 5;
        char *folder = malloc(size);
        int used;

        if (folder == NULL)
                return NULL;
        used = snprintf(folder, size, "%s%s%.*s%s%.*s%s", root, below ? "/" : "",
                        below ? (int)stem : 0, base, part_length > 0 ? "/" : "", (int)part_length,
                        part, *choice != '\0' ? "/" : "");
        if (*choice != '\0' && used > 0 && (size_t)used < size) {
                snprintf(folder + used, size - (size_t)used, "%s", choice);
                tame(folder + used);
        }
        return folder;
}

int outputs_check(const struct scenario *scenario)
{
        struct out_error error = {""};
        uint32_t set;

        if (scenario->outputs.format == NULL ||
            writers_parse(scenario->outputs.format, &set, &error))
                return EXIT_PASSED;
        fprintf(stderr, "%s: outputs.format: %s\n", scenario->path, error.message);
        return EXIT_INVALID;
}
