/* failing.c - a library to preload: the N-th allocation, or step of input and output, fails.
 *
 * FAILING_WHAT says which calls count: "memory" (malloc and its relatives), "files" (what
 * opens, writes, syncs, renames or makes files, and SQLite's steps). FAILING_AT=N fails the
 * N-th of them, with FAILING_ON set all from then on, as a disk does that is full. Without
 * FAILING_AT nothing fails; the process then says in the file FAILING_LOG how many calls
 * there were, and at which each place of the program, that is each stack of calls, was met
 * for the first time, with a number of the place. So a sweep may go by places instead of by calls. When a call is
 * failed, the log has the stack instead.
 *
 * Only calls from this one process count: it takes itself out of the environment. Calls
 * inside libc (the buffers of stdio) are seen where they go through malloc; what stdio
 * writes is failed at fwrite, fflush and fclose.
 *
 * Under ASan it comes before libasan (verify_asan_link_order=0) and passes calls on to it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH = 14, PLACES = 1 << 16, MODULES = 32 };

static bool counts_memory, counts_files, from_then_on;
static unsigned long fail_at;
static atomic_ulong calls;
static char log_path[512];
static __thread bool inside; /* what this file itself calls does not count */

static struct module {
        uintptr_t begin, end;
} modules[MODULES];
static size_t module_count;

static uint64_t places[PLACES]; /* open addressing; 0 is free */
static struct first {
        unsigned long number;
        uint64_t place;
} firsts[PLACES / 2];
static size_t place_count;
static atomic_flag places_lock = ATOMIC_FLAG_INIT;

static int note_module(struct dl_phdr_info *info, size_t size, void *unused)
{
        uintptr_t end = 0;

        (void)size;
        (void)unused;
        for (int i = 0; i < info->dlpi_phnum; i++)
                if (info->dlpi_phdr[i].p_type == PT_LOAD)
                        end = info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
        if (module_count < MODULES)
                modules[module_count++] = (struct module){info->dlpi_addr, info->dlpi_addr + end};
        return 0;
}

/* The same place in memory for the same place in the file, whatever the layout. */
static uint64_t settled(uintptr_t at)
{
        for (size_t i = 0; i < module_count; i++)
                if (at >= modules[i].begin && at < modules[i].end)
                        return (at - modules[i].begin) ^ (uint64_t)i << 48;
        return at;
}

static void note_place(unsigned long number)
{
        void *stack[DEPTH];
        int depth = backtrace(stack, DEPTH);
        uint64_t hash = 14695981039346656037u;
        size_t at;

        for (int i = 2; i < depth; i++)
                hash = (hash ^ settled((uintptr_t)stack[i])) * 1099511628211u;
        hash += hash == 0;
        while (atomic_flag_test_and_set(&places_lock))
                ;
        at = hash % PLACES;
        while (places[at] != 0 && places[at] != hash)
                at = (at + 1) % PLACES;
        if (places[at] == 0 && place_count < PLACES / 2) {
                places[at] = hash;
                firsts[place_count++] = (struct first){number, hash};
        }
        atomic_flag_clear(&places_lock);
}

static void tell_stack(void)
{
        void *stack[40];
        int depth, fd = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

        if (fd < 0)
                return;
        depth = backtrace(stack, 40);
        backtrace_symbols_fd(stack, depth, fd);
        close(fd);
}

static bool fails(void)
{
        unsigned long number;
        int kept = errno;
        bool now;

        if (inside)
                return false;
        inside = true;
        number = atomic_fetch_add(&calls, 1) + 1;
        now = fail_at != 0 && (number == fail_at || (from_then_on && number > fail_at));
        if (fail_at == 0)
                note_place(number);
        else if (number == fail_at)
                tell_stack();
        inside = false;
        errno = kept;
        return now;
}

/* The log is opened by its first call: before that the loader is at work. */
__attribute__((constructor)) static void begin(void)
{
        const char *what = getenv("FAILING_WHAT"), *at = getenv("FAILING_AT");
        const char *log = getenv("FAILING_LOG");
        void *warm[4];

        if (what == NULL || log == NULL)
                return;
        inside = true;
        (void)backtrace(warm, 4); /* loads the unwinder */
        dl_iterate_phdr(note_module, NULL);
        snprintf(log_path, sizeof(log_path), "%s", log);
        fail_at = at != NULL ? strtoul(at, NULL, 10) : 0;
        from_then_on = getenv("FAILING_ON") != NULL;
        unsetenv("LD_PRELOAD");
        inside = false;
        counts_memory = strcmp(what, "memory") == 0;
        counts_files = strcmp(what, "files") == 0;
}

__attribute__((destructor)) static void end(void)
{
        int fd;

        inside = true;
        if (log_path[0] == '\0' || fail_at != 0)
                return;
        fd = open(log_path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
        dprintf(fd, "%lu\n", atomic_load(&calls));
        for (size_t i = 0; i < place_count; i++)
                dprintf(fd, "%lu %016lx\n", firsts[i].number, (unsigned long)firsts[i].place);
        close(fd);
}

/* ---- memory */

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
/* Those of ASan, where it is there. */
extern void *__interceptor_malloc(size_t) __attribute__((weak));
extern void *__interceptor_calloc(size_t, size_t) __attribute__((weak));
extern void *__interceptor_realloc(void *, size_t) __attribute__((weak));
extern void *__interceptor_aligned_alloc(size_t, size_t) __attribute__((weak));

static bool no_memory(void)
{
        if (!counts_memory || !fails())
                return false;
        errno = ENOMEM;
        return true;
}

void *malloc(size_t size)
{
        if (no_memory())
                return NULL;
        return __interceptor_malloc != NULL ? __interceptor_malloc(size) : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
        if (no_memory())
                return NULL;
        return __interceptor_calloc != NULL ? __interceptor_calloc(count, size) : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
        if (size != 0 && no_memory())
                return NULL;
        return __interceptor_realloc != NULL ? __interceptor_realloc(old, size) : __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
        if (no_memory())
                return NULL;
        return __interceptor_aligned_alloc != NULL ? __interceptor_aligned_alloc(alignment, size)
                                                   : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
        *out = aligned_alloc(alignment, size);
        return *out == NULL ? ENOMEM : 0;
}

/* ---- files */

static bool no_file(int error)
{
        if (!counts_files || !fails())
                return false;
        errno = error;
        return true;
}

#define NEXT(type, name, parameters)                                                               \
        static type(*next) parameters;                                                             \
        if (next == NULL) {                                                                        \
                bool was_inside = inside;                                                          \
                inside = true;                                                                     \
                next = (type(*) parameters)dlsym(RTLD_NEXT, name);                                 \
                inside = was_inside;                                                               \
        }

#define OPENS(name)                                                                                \
        int name(const char *path, int flags, ...)                                                 \
        {                                                                                          \
                va_list more;                                                                      \
                mode_t mode;                                                                       \
                NEXT(int, #name, (const char *, int, ...))                                         \
                va_start(more, flags);                                                             \
                mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;                   \
                va_end(more);                                                                      \
                return no_file(EMFILE) ? -1 : next(path, flags, mode);                             \
        }
OPENS(open)
OPENS(open64)

#define FOPENS(name)                                                                               \
        FILE *name(const char *path, const char *mode)                                             \
        {                                                                                          \
                NEXT(FILE *, #name, (const char *, const char *))                                  \
                return no_file(EMFILE) ? NULL : next(path, mode);                                  \
        }
FOPENS(fopen)
FOPENS(fopen64)

FILE *fdopen(int fd, const char *mode)
{
        NEXT(FILE *, "fdopen", (int, const char *))
        return no_file(ENOMEM) ? NULL : next(fd, mode);
}

size_t fwrite(const void *bytes, size_t size, size_t count, FILE *stream)
{
        NEXT(size_t, "fwrite", (const void *, size_t, size_t, FILE *))
        if (stream == stderr || !no_file(ENOSPC))
                return next(bytes, size, count, stream);
        stream->_flags |= 0x20; /* so that ferror() knows */
        return 0;
}

int fflush(FILE *stream)
{
        NEXT(int, "fflush", (FILE *))
        return stream != stderr && no_file(ENOSPC) ? EOF : next(stream);
}

/* The stream is gone, as after a real failure. */
int fclose(FILE *stream)
{
        bool failed = no_file(EIO);
        int told;
        NEXT(int, "fclose", (FILE *))
        told = next(stream);
        if (failed)
                errno = EIO;
        return failed ? EOF : told;
}

size_t fread(void *bytes, size_t size, size_t count, FILE *stream)
{
        NEXT(size_t, "fread", (void *, size_t, size_t, FILE *))
        if (!no_file(EIO))
                return next(bytes, size, count, stream);
        stream->_flags |= 0x20;
        return 0;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
        NEXT(ssize_t, "write", (int, const void *, size_t))
        return fd != 2 && no_file(ENOSPC) ? -1 : next(fd, bytes, size);
}

ssize_t read(int fd, void *bytes, size_t size)
{
        NEXT(ssize_t, "read", (int, void *, size_t))
        return no_file(EIO) ? -1 : next(fd, bytes, size);
}

#define PWRITES(name)                                                                              \
        ssize_t name(int fd, const void *bytes, size_t size, off64_t at)                           \
        {                                                                                          \
                NEXT(ssize_t, #name, (int, const void *, size_t, off64_t))                         \
                return no_file(ENOSPC) ? -1 : next(fd, bytes, size, at);                           \
        }
PWRITES(pwrite)
PWRITES(pwrite64)

#define PREADS(name)                                                                               \
        ssize_t name(int fd, void *bytes, size_t size, off64_t at)                                 \
        {                                                                                          \
                NEXT(ssize_t, #name, (int, void *, size_t, off64_t))                               \
                return no_file(EIO) ? -1 : next(fd, bytes, size, at);                              \
        }
PREADS(pread)
PREADS(pread64)

#define SYNCS(name)                                                                                \
        int name(int fd)                                                                           \
        {                                                                                          \
                NEXT(int, #name, (int))                                                            \
                return no_file(EIO) ? -1 : next(fd);                                               \
        }
SYNCS(fsync)
SYNCS(fdatasync)

#define TRUNCATES(name)                                                                            \
        int name(int fd, off64_t size)                                                             \
        {                                                                                          \
                NEXT(int, #name, (int, off64_t))                                                   \
                return no_file(EIO) ? -1 : next(fd, size);                                         \
        }
TRUNCATES(ftruncate)
TRUNCATES(ftruncate64)

int rename(const char *from, const char *to)
{
        NEXT(int, "rename", (const char *, const char *))
        return no_file(EACCES) ? -1 : next(from, to);
}

int mkdir(const char *path, mode_t mode)
{
        NEXT(int, "mkdir", (const char *, mode_t))
        return no_file(ENOSPC) ? -1 : next(path, mode);
}

#define PIPES(name, parameters, arguments)                                                         \
        int name parameters                                                                        \
        {                                                                                          \
                NEXT(int, #name, parameters)                                                       \
                return no_file(EMFILE) ? -1 : next arguments;                                      \
        }
PIPES(pipe, (int fds[2]), (fds))
PIPES(pipe2, (int fds[2], int flags), (fds, flags))

/* SQLITE_IOERR and SQLITE_FULL in turn. Not for sqlite3_exec(), which asks elsewhere how it
 * went and would take the statement for done. */
int sqlite3_step(void *statement);
int sqlite3_step(void *statement)
{
        Dl_info caller = {0};
        bool failed = dladdr(__builtin_return_address(0), &caller) != 0 &&
                      strstr(caller.dli_fname, "libsqlite3") == NULL && no_file(EIO);
        NEXT(int, "sqlite3_step", (void *))
        if (failed)
                return atomic_load(&calls) % 2 ? 10 : 13;
        return next(statement);
}
