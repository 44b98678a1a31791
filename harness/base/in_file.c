/* in_file.c - see in_file.h.
 *
 * Opened without waiting and looked at then, so that nothing can change between
 * the look and the opening.
 */
#include "harness/base/in_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* One without a name, as a shell makes them: whoever writes to it is there already, or gone. */
static bool is_from_a_shell(int fd)
{
        struct statfs where;

        return fstatfs(fd, &where) == 0 && where.f_type == PIPEFS_MAGIC;
}

/* Why it cannot be read to its end; NULL: it can. */
static const char *unfit(int fd, mode_t mode)
{
        if (S_ISREG(mode) || (S_ISFIFO(mode) && is_from_a_shell(fd)))
                return NULL;
        return S_ISDIR(mode)    ? strerror(EISDIR)
               : S_ISFIFO(mode) ? "it is a pipe, not a file"
                                : "it is no ordinary file";
}

FILE *in_file_open(const char *path, const char **why)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        const char *reason = NULL;
        struct stat status;
        FILE *stream = NULL;
        int error = 0;

        if (fd < 0 || fstat(fd, &status) != 0 ||
            ((reason = unfit(fd, status.st_mode)) == NULL &&
             (fcntl(fd, F_SETFL, 0) != 0 || (stream = fdopen(fd, "rb")) == NULL)))
                error = errno;
        if (stream == NULL && fd >= 0)
                close(fd);
        if (why != NULL && stream == NULL)
                *why = reason != NULL ? reason : strerror(error);
        errno = reason != NULL ? EINVAL : error;
        return stream;
}

json_t *in_file_json(const char *path, size_t flags, json_error_t *error)
{
        const char *why = NULL;
        FILE *stream = in_file_open(path, &why);
        json_t *root;

        if (stream == NULL) {
                if (error != NULL) {
                        *error = (json_error_t){.line = -1, .column = -1};
                        snprintf(error->text, sizeof(error->text), "%s", why);
                }
                return NULL;
        }
        root = json_loadf(stream, flags, error);
        fclose(stream);
        return root;
}
