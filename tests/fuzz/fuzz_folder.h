/* fuzz_folder.h - a folder in memory for what a target has to read from files.
 *
 * Absolute, since the fuzzer's own paths are relative to where it was started; removed at
 * the end with all that is in it.
 */
#ifndef TESTS_FUZZ_FOLDER_H
#define TESTS_FUZZ_FOLDER_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char fuzz_folder[] = "/dev/shm/fuzz_XXXXXX";

static inline const char *fuzz_path(const char *name)
{
        static char path[128];

        snprintf(path, sizeof(path), "%s/%s", fuzz_folder, name);
        return path;
}

static inline int fuzz_remove(const char *path, const struct stat *stat, int type, struct FTW *place)
{
        (void)stat;
        (void)type;
        (void)place;
        return remove(path);
}

static inline void fuzz_leave(void)
{
        nftw(fuzz_folder, fuzz_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void fuzz_enter(void)
{
        if (mkdtemp(fuzz_folder) == NULL)
                abort();
        atexit(fuzz_leave);
}

static inline void fuzz_write(const char *name, const void *bytes, size_t size)
{
        int fd = open(fuzz_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

        if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
                abort();
        close(fd);
}

/* Bytes of a file of the tree; `room` of them at most. */
static inline size_t fuzz_read(const char *path, void *bytes, size_t room)
{
        FILE *stream = fopen(path, "rbe");
        size_t size;

        if (stream == NULL)
                abort();
        size = fread(bytes, 1, room, stream);
        fclose(stream);
        return size;
}

#endif
