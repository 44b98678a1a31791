/* init_command.c - `chaos-run init [NAME]`: a scenario to start from.
 *
 * Nothing that exists is ever written over (O_EXCL), and nothing half written
 * is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/commands.h"
#include "harness/cli/starter.h"
#include "reports/verdict.h"

/* "shop" and "shop.json" are the same; to be freed. */
static char *file_of(const char *name)
{
        size_t length = strlen(name);
        bool ended = length > 5 && strcmp(name + length - 5, ".json") == 0;
        char *path = malloc(length + sizeof(".json"));

        if (path != NULL) {
                memcpy(path, name, length + 1);
                if (!ended)
                        memcpy(path + length, ".json", sizeof(".json"));
        }
        return path;
}

static bool write_whole(int fd, const char *bytes, size_t size)
{
        while (size > 0) {
                ssize_t written = write(fd, bytes, size);

                if (written < 0 && errno == EINTR)
                        continue;
                if (written < 0)
                        return false;
                bytes += written;
                size -= (size_t)written;
        }
        return true;
}

static int write_new(const char *path)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        int code = EXIT_PASSED;
        bool written;

        if (fd < 0 && errno == EEXIST) {
                fprintf(stderr,
                        "chaos-run: init: %s is there already, and is left as it is; another "
                        "name: chaos-run init NAME\n",
                        path);
                return EXIT_INVALID;
        }
        if (fd < 0) {
                fprintf(stderr, "chaos-run: init: %s: %s\n", path, strerror(errno));
                return EXIT_IO_ERROR;
        }
        written = write_whole(fd, embedded_starter[0].text, embedded_starter[0].size);
        if (close(fd) != 0 || !written) {
                fprintf(stderr, "chaos-run: init: %s: %s\n", path, strerror(errno));
                unlink(path);
                code = EXIT_IO_ERROR;
        }
        return code;
}

int command_init(const struct options *options)
{
        const char *name = options->words.count > 0 ? options->words.items[0] : "scenario";
        const char *base = strrchr(name, '/') == NULL ? name : strrchr(name, '/') + 1;
        char *path;
        int code;

        if (options->words.count > 1 || base[0] == '\0') {
                fprintf(stderr,
                        "chaos-run: init: one name for one scenario: chaos-run init NAME\n");
                return EXIT_INVALID;
        }
        path = file_of(name);
        if (path == NULL) {
                fprintf(stderr, "chaos-run: out of memory\n");
                return EXIT_INTERNAL;
        }
        code = write_new(path);
        if (code == EXIT_PASSED)
                printf("%s\n\nnext: chaos-run plan %s      what will happen; nothing is run\n"
                       "      chaos-run %s           run it, grade the healing\n"
                       "      chaos-run list faults  what else may be done to it\n",
                       path, path, path);
        free(path);
        return code;
}
