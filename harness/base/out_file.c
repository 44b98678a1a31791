/* out_file.c - a file that is there whole or not at all.
 *
 * fsync before rename: without it a crash of the machine can leave the final
 * name on an empty file. Folders are synced too, but a filesystem that cannot
 * do that (some network ones) is not an error. Costs one fsync a file, a few
 * milliseconds on a disk.
 *
 * Not here: which files there are (writer.c).
 */
#include "harness/base/out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/in_file.h"
#include "harness/base/memory.h"

/* As much of the beginning and of the end as there is room for: a path may be of any length,
 * and why it failed stands behind it. */
static void shorten(const char *whole, size_t length, char *out, size_t room)
{
        const char gap[] = " ... ";
        size_t head = (room - sizeof(gap)) / 2, tail = room - sizeof(gap) - head;
        const char *from = whole + length - tail;

        while (head > 0 && (whole[head] & 0xc0) == 0x80) /* no half characters */
                head--;
        while ((*from & 0xc0) == 0x80)
                from++;
        snprintf(out, room, "%.*s%s%s", (int)head, whole, gap, from);
}

void out_error_set(struct out_error *error, const char *format, ...)
{
        va_list arguments;
        char *whole = NULL;
        int length;

        if (error->message[0] != '\0')
                return;
        va_start(arguments, format);
        length = vsnprintf(error->message, sizeof(error->message), format, arguments);
        va_end(arguments);
        if (length >= (int)sizeof(error->message)) {
                va_start(arguments, format);
                if (vasprintf(&whole, format, arguments) == length)
                        shorten(whole, (size_t)length, error->message, sizeof(error->message));
                va_end(arguments);
                free(whole);
        }
        if (error->message[0] == '\0')
                snprintf(error->message, sizeof(error->message), "unknown error");
        for (char *at = error->message; *at != '\0'; at++)
                if (*at == '\n' || *at == '\r') /* of a name: a message is one line */
                        *at = '?';
}

char *out_path(const char *folder, const char *name)
{
        char *path = NULL;

        if (asprintf(&path, "%s/%s", folder, name) < 0)
                return NULL;
        return path;
}

static void sync_folder(const char *folder)
{
        int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return;
        (void)fsync(fd);
        close(fd);
}

static mode_t final_mode;
static pthread_once_t final_mode_once = PTHREAD_ONCE_INIT;

/* Asked once: to ask is to set it, which two threads must not do in turns. */
static void ask_umask(void)
{
        mode_t mask = umask(077);

        (void)umask(mask);
        final_mode = 0666 & ~mask;
}

static int open_private(const char *path)
{
        return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

/* A hidden file beside the final one. While it is written nobody else may look
 * or write into it, whatever the umask is; others (a CI server) are to read
 * reports, so with its name it gets the mode that the umask leaves. The owner
 * of the returned path frees it. */
static char *open_hidden(const char *folder, const char *name, int *fd)
{
        char *hidden = NULL;

        for (int try = 0; try < 100; try++) {
                if (asprintf(&hidden, "%s/.%s.%ld-%d.tmp", folder, name, (long)getpid(), try) < 0) {
                        errno = ENOMEM;
                        return NULL;
                }
                *fd = open_private(hidden);
                if (*fd >= 0)
                        return hidden;
                free(hidden);
                if (errno != EEXIST)
                        break;
        }
        return NULL;
}

/* A rename would put a plain file in the place of a device or a pipe: as root even in that of
 * /dev/null. A link is another name, and is replaced like one. */
static bool in_the_way(const char *path, struct out_error *error)
{
        struct stat status;

        if (lstat(path, &status) != 0 || S_ISREG(status.st_mode) || S_ISLNK(status.st_mode))
                return false;
        out_error_set(error, "%s: cannot write: %s", path,
                      S_ISDIR(status.st_mode) ? "there is a folder of that name"
                                              : "what is there is no ordinary file");
        return true;
}

bool out_file_begin(struct out_file *file, const char *folder, const char *name,
                    struct out_error *error)
{
        int fd = -1;

        memset(file, 0, sizeof(*file));
        file->error = error;
        file->path = out_path(folder, name);
        if (file->path == NULL) {
                out_error_set(error, "%s: cannot write: %s", name, strerror(ENOMEM));
                goto failed;
        }
        if (in_the_way(file->path, error))
                goto failed;
        file->hidden = open_hidden(folder, name, &fd);
        if (file->hidden == NULL) {
                out_error_set(error, "%s: cannot create: %s", file->path, strerror(errno));
                goto failed;
        }
        file->stream = fdopen(fd, "wb");
        if (file->stream == NULL) {
                out_error_set(error, "%s: cannot write: %s", file->path, strerror(errno));
                close(fd);
                unlink(file->hidden);
                goto failed;
        }
        return true;
failed:
        free(file->path);
        free(file->hidden);
        file->path = file->hidden = NULL;
        file->failed = true;
        return false;
}

void out_file_add(struct out_file *file, const char *bytes, size_t length)
{
        if (file->failed)
                return;
        if (fwrite(bytes, 1, length, file->stream) == length)
                return;
        out_error_set(file->error, "%s: cannot write: %s", file->path, strerror(errno));
        file->failed = true;
}

void out_file_abandon(struct out_file *file)
{
        if (file->stream != NULL)
                fclose(file->stream);
        if (file->hidden != NULL)
                unlink(file->hidden);
        free(file->path);
        free(file->hidden);
        memset(file, 0, sizeof(*file));
}

/* False with errno. What has no modes of its own (some mounted folders) keeps what it has. */
static bool let_others_read(int fd)
{
        pthread_once(&final_mode_once, ask_umask);
        return fchmod(fd, final_mode) == 0 || errno == EPERM || errno == ENOTSUP || errno == EINVAL;
}

static void fail_at(struct out_file *file, const char *what)
{
        if (!file->failed)
                out_error_set(file->error, "%s: cannot %s: %s", file->path, what, strerror(errno));
        file->failed = true;
}

bool out_file_commit(struct out_file *file)
{
        bool done;
        char *slash;

        if (file->stream == NULL) {
                out_file_abandon(file);
                return false;
        }
        if (!file->failed && memory_ran_out()) {
                errno = ENOMEM; /* it may lack what could not be made */
                fail_at(file, "write");
        }
        if (!file->failed && fflush(file->stream) != 0)
                fail_at(file, "write");
        if (!file->failed && fsync(fileno(file->stream)) != 0 && errno != EINVAL && errno != EROFS)
                fail_at(file, "write");
        if (!file->failed && !let_others_read(fileno(file->stream)))
                fail_at(file, "write");
        if (fclose(file->stream) != 0)
                fail_at(file, "write");
        file->stream = NULL;
        if (!file->failed && rename(file->hidden, file->path) != 0)
                fail_at(file, "rename");
        done = !file->failed;
        if (done) {
                slash = strrchr(file->path, '/');
                if (slash != NULL) {
                        *slash = '\0';
                        sync_folder(*file->path == '\0' ? "/" : file->path);
                }
                free(file->hidden);
                file->hidden = NULL;
        }
        out_file_abandon(file);
        return done;
}

bool out_file_write(const char *folder, const char *name, const char *bytes, size_t length,
                    struct out_error *error)
{
        struct out_file file;

        if (!out_file_begin(&file, folder, name, error))
                return false;
        out_file_add(&file, bytes, length);
        return out_file_commit(&file);
}

bool out_file_hide(const char *folder, const char *hidden, struct out_error *error)
{
        char *path = out_path(folder, hidden);
        int fd = -1;

        if (path == NULL) {
                out_error_set(error, "%s: cannot write: %s", hidden, strerror(ENOMEM));
                return false;
        }
        (void)unlink(path); /* of a process that was killed and had this one's number */
        fd = open_private(path);
        if (fd < 0)
                out_error_set(error, "%s: cannot create: %s", path, strerror(errno));
        else
                close(fd);
        free(path);
        return fd >= 0;
}

bool out_file_settle(const char *folder, const char *hidden, const char *name,
                     struct out_error *error)
{
        char *from = out_path(folder, hidden), *to = out_path(folder, name);
        bool done = false;
        int fd = -1;

        if (from == NULL || to == NULL) {
                out_error_set(error, "%s: cannot write: %s", name, strerror(ENOMEM));
                goto done;
        }
        if (in_the_way(to, error))
                goto done;
        fd = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || !let_others_read(fd))
                out_error_set(error, "%s: cannot write: %s", to, strerror(errno));
        else if (rename(from, to) != 0)
                out_error_set(error, "%s: cannot rename: %s", to, strerror(errno));
        else
                done = true;
done:
        if (fd >= 0)
                close(fd);
        free(from);
        free(to);
        return done;
}

bool out_file_is_ours(const char *path, const char *mark, struct out_error *error)
{
        int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        int unread = fd < 0 && errno != ELOOP ? errno : 0; /* ELOOP: a link, which is none of ours */
        char beginning[256];
        struct stat status = {0};
        ssize_t length;

        if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
                return true; /* whoever writes it says what is wrong with the place */
        length = fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)
                         ? -1 /* a device would be replaced by a file */
                         : read(fd, beginning, sizeof(beginning));
        if (fd >= 0 && length < 0 && S_ISREG(status.st_mode))
                unread = errno;
        if (fd >= 0)
                close(fd);
        if (length == 0 || (length > 0 && memmem(beginning, (size_t)length, mark, strlen(mark)) != NULL))
                return true;
        if (unread != 0)
                out_error_set(error, "%s: is there already, and cannot be read: %s", path, strerror(unread));
        out_error_set(error, "%s: is there already, and not of chaos-run; it is left as it is", path);
        return false;
}

static bool make_one(const char *path, struct out_error *error)
{
        struct stat status;

        if (mkdir(path, 0777) == 0)
                return true;
        if (errno == EEXIST) {
                if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
                        return true;
                errno = ENOTDIR;
        }
        out_error_set(error, "%s: cannot create the folder: %s", path, strerror(errno));
        return false;
}

bool out_folder_make(const char *folder, struct out_error *error)
{
        char *path = strdup(folder);
        bool done = false;

        if (path == NULL || *path == '\0') {
                out_error_set(error, "%s: cannot create the folder: %s", folder,
                              path == NULL ? strerror(ENOMEM) : "it has no name");
                goto done;
        }
        for (char *at = path + 1; *at != '\0'; at++) {
                if (*at != '/')
                        continue;
                *at = '\0';
                if (!make_one(path, error))
                        goto done;
                *at = '/';
        }
        done = make_one(path, error);
done:
        free(path);
        return done;
}

char *out_file_read(const char *path, size_t bytes_max, size_t *length, struct out_error *error)
{
        const char *why = NULL;
        FILE *stream = in_file_open(path, &why);
        size_t room = 1 << 16, count = 0;
        char *bytes = NULL, *more;

        if (stream == NULL) {
                out_error_set(error, "%s: cannot read: %s", path, why);
                return NULL;
        }
        bytes = malloc(room);
        while (bytes != NULL) {
                size_t got = fread(bytes + count, 1, room - count - 1, stream);

                count += got;
                if (got == 0)
                        break;
                if (count + 1 < room)
                        continue;
                if (count > bytes_max)
                        break;
                more = realloc(bytes, room *= 2);
                if (more == NULL)
                        free(bytes);
                bytes = more;
        }
        if (bytes == NULL) {
                out_error_set(error, "%s: cannot read: %s", path, strerror(ENOMEM));
        } else if (ferror(stream) || count > bytes_max) {
                if (errno == ENOMEM && ferror(stream))
                        memory_note_lack(); /* for the stream's own buffer */
                out_error_set(error, "%s: cannot read: %s", path,
                              count > bytes_max ? "it is too large" : strerror(errno));
                free(bytes);
                bytes = NULL;
        } else {
                bytes[count] = '\0';
                *length = count;
        }
        fclose(stream);
        return bytes;
}
