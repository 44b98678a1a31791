/* fuzz_folder.h - a folder in memory for what a target has to read from files.
 *
 * Absolute, since the fuzzer's own paths are relative to where it was started; removed at
 * the end with the files that were written through here.
 */
#ifndef TESTS_FUZZ_FOLDER_H
#define TESTS_FUZZ_FOLDER_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FUZZ_FILES_MAX = 8 };

static char fuzz_folder[] = "/dev/shm/fuzz_XXXXXX";
static const char *fuzz_names[FUZZ_FILES_MAX];

static inline const char *fuzz_path(const char *name)
{
        static char path[128];

        snprintf(path, sizeof(path), "%s/%s", fuzz_folder, name);
        return path;
}

static inline void fuzz_leave(void)
{
        for (int i = 0; i < FUZZ_FILES_MAX && fuzz_names[i] != NULL; i++)
                unlink(fuzz_path(fuzz_names[i]));
        rmdir(fuzz_folder);
}

static inline void fuzz_enter(void)
{
        if (mkdtemp(fuzz_folder) == NULL)
                abort();
        atexit(fuzz_leave);
}

/* `name` is a literal. */
static inline void fuzz_write(const char *name, const void *bytes, size_t size)
{
        int fd = open(fuzz_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        int i = 0;

        if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
                abort();
        close(fd);
        while (i < FUZZ_FILES_MAX && fuzz_names[i] != NULL && strcmp(fuzz_names[i], name) != 0)
                i++;
        if (i == FUZZ_FILES_MAX)
                abort();
        fuzz_names[i] = name;
}

#endif
