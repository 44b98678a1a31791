/* memory_watch.c - notes each allocation of the program that fails.
 *
 * The linker turns the program's calls of malloc() and of what allocates inside libc into
 * calls of these (--wrap in meson.build); memory.h keeps that it happened. Failing paths are
 * as they were: who asked gets NULL and says what it says. What this adds is that a path
 * which shrugs, be it one of some thousand, cannot make a wrong result: none is committed
 * any more, and the exit code is 70. Not taken: to end the process at the first failure;
 * files in the making and databases would then be left as they are.
 *
 * A call may reach libc by another name than the source has (fopen64 with files of 64 bits,
 * __getdelim for getline): tests/e2e/test_failing.py looks that none of them is left.
 *
 * Costs a predictable branch an allocation. Libraries' own allocations do not come here;
 * jansson's go through memory_watch_json(), SQLite answers with SQLITE_NOMEM.
 */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/base/memory.h"

#define NOTED(memory, wanted) ((memory) == NULL && (wanted) ? (memory_note_lack(), NULL) : (memory))

#define WRAP(type, name, parameters, arguments, wanted)                                            \
        type __real_##name parameters;                                                             \
        type __wrap_##name parameters;                                                             \
        type __wrap_##name parameters                                                              \
        {                                                                                          \
                type made = __real_##name arguments;                                               \
                                                                                                   \
                return NOTED(made, wanted);                                                        \
        }

WRAP(void *, malloc, (size_t size), (size), size != 0)
WRAP(void *, calloc, (size_t count, size_t size), (count, size), count != 0 && size != 0)
WRAP(void *, realloc, (void *old, size_t size), (old, size), size != 0)
WRAP(void *, aligned_alloc, (size_t alignment, size_t size), (alignment, size), size != 0)
WRAP(char *, strdup, (const char *text), (text), true)
WRAP(char *, strndup, (const char *text, size_t length), (text, length), true)
WRAP(FILE *, fopen, (const char *path, const char *mode), (path, mode), errno == ENOMEM)
WRAP(FILE *, fopen64, (const char *path, const char *mode), (path, mode), errno == ENOMEM)
WRAP(FILE *, fdopen, (int fd, const char *mode), (fd, mode), errno == ENOMEM)
WRAP(DIR *, opendir, (const char *path), (path), errno == ENOMEM)
WRAP(char *, realpath, (const char *path, char *out), (path, out), errno == ENOMEM)
WRAP(char *, __realpath_chk, (const char *path, char *out, size_t room), (path, out, room), errno == ENOMEM)

WRAP(FILE *, fopencookie, (void *cookie, const char *mode, cookie_io_functions_t calls),
     (cookie, mode, calls), errno == ENOMEM)

static int noted_count(int count)
{
        if (count < 0)
                memory_note_lack();
        return count;
}

int __real_vasprintf(char **out, const char *format, va_list arguments);
int __wrap_vasprintf(char **out, const char *format, va_list arguments);
int __wrap_asprintf(char **out, const char *format, ...);
int __real___vasprintf_chk(char **out, int flag, const char *format, va_list arguments);
int __wrap___vasprintf_chk(char **out, int flag, const char *format, va_list arguments);
int __wrap___asprintf_chk(char **out, int flag, const char *format, ...);

int __wrap_vasprintf(char **out, const char *format, va_list arguments)
{
        return noted_count(__real_vasprintf(out, format, arguments));
}

int __wrap_asprintf(char **out, const char *format, ...)
{
        va_list arguments;
        int count;

        va_start(arguments, format);
        count = noted_count(__real_vasprintf(out, format, arguments));
        va_end(arguments);
        return count;
}

int __wrap___vasprintf_chk(char **out, int flag, const char *format, va_list arguments)
{
        return noted_count(__real___vasprintf_chk(out, flag, format, arguments));
}

int __wrap___asprintf_chk(char **out, int flag, const char *format, ...)
{
        va_list arguments;
        int count;

        va_start(arguments, format);
        count = noted_count(__real___vasprintf_chk(out, flag, format, arguments));
        va_end(arguments);
        return count;
}

ssize_t __real_getline(char **line, size_t *room, FILE *stream);
ssize_t __wrap_getline(char **line, size_t *room, FILE *stream);
ssize_t __wrap_getline(char **line, size_t *room, FILE *stream)
{
        ssize_t length = __real_getline(line, room, stream);

        if (length < 0 && !feof(stream) && errno == ENOMEM)
                memory_note_lack();
        return length;
}

ssize_t __real___getdelim(char **line, size_t *room, int end, FILE *stream);
ssize_t __wrap___getdelim(char **line, size_t *room, int end, FILE *stream);
ssize_t __wrap___getdelim(char **line, size_t *room, int end, FILE *stream)
{
        ssize_t length = __real___getdelim(line, room, end, stream);

        if (length < 0 && !feof(stream) && errno == ENOMEM)
                memory_note_lack();
        return length;
}

#define WRAP_SCANDIR(name)                                                                         \
        int __real_##name(const char *path, struct dirent ***names,                                \
                          int (*fits)(const struct dirent *),                                      \
                          int (*order)(const struct dirent **, const struct dirent **));           \
        int __wrap_##name(const char *path, struct dirent ***names,                                \
                          int (*fits)(const struct dirent *),                                      \
                          int (*order)(const struct dirent **, const struct dirent **));           \
        int __wrap_##name(const char *path, struct dirent ***names,                                \
                          int (*fits)(const struct dirent *),                                      \
                          int (*order)(const struct dirent **, const struct dirent **))            \
        {                                                                                          \
                int count = __real_##name(path, names, fits, order);                               \
                                                                                                   \
                if (count < 0 && errno == ENOMEM)                                                  \
                        memory_note_lack();                                                        \
                return count;                                                                      \
        }

WRAP_SCANDIR(scandir)
WRAP_SCANDIR(scandir64)
