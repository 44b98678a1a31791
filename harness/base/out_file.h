/* harness/base/out_file.h - a file that is there whole or not at all.
 *
 * The bytes go to a hidden file in the folder they are meant for, reach the
 * disk, and only then take their final name by rename; whatever fails before
 * that leaves the final name as it was, and the hidden file is removed. The
 * hidden file is this user's alone (0600), whatever the umask is.
 *
 * Every call that fails leaves one message in `error` ("FILE: what: why") and
 * returns false; the first message is kept.
 */
#ifndef CHAOS_BASE_OUT_FILE_H
#define CHAOS_BASE_OUT_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct out_error {
        char message[512]; /* "" while all is well */
};

void out_error_set(struct out_error *error, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* Writes `length` bytes as `folder`/`name`, mode 0666 less the umask,
 * as that was when the process wrote its first file. */
bool out_file_write(const char *folder, const char *name, const char *bytes, size_t length,
                    struct out_error *error);

/* The same in pieces, for what is too long to hold. begin() opens; after it
 * exactly one of commit() and abandon() is called. add() after a failure does
 * nothing and commit() then fails. */
struct out_file {
        char *path, *hidden; /* owned */
        void *stream;        /* FILE * */
        struct out_error *error;
        bool failed;
};
bool out_file_begin(struct out_file *file, const char *folder, const char *name,
                    struct out_error *error);
void out_file_add(struct out_file *file, const char *bytes, size_t length);
bool out_file_commit(struct out_file *file);
void out_file_abandon(struct out_file *file);

/* Makes an empty `folder`/`hidden` that only this user may read and write, for
 * another program to fill. */
bool out_file_hide(const char *folder, const char *hidden, struct out_error *error);

/* Gives a finished file of the same folder its final name, and the mode that
 * goes with it. */
bool out_file_settle(const char *folder, const char *hidden, const char *name,
                     struct out_error *error);

/* Whether the file at `path` may be replaced: it is not there, is empty, or has `mark` in its first
 * few lines, as what we write there has. Else a message: what is not ours is left as it is. */
bool out_file_is_ours(const char *path, const char *mark, struct out_error *error);

/* Creates `folder` and those above it. An existing one is fine. */
bool out_folder_make(const char *folder, struct out_error *error);

/* "folder/name", to be freed; NULL when memory is out. */
char *out_path(const char *folder, const char *name);

/* The bytes of a file, with a null byte behind; to be freed. NULL with a
 * message when it cannot be read or is larger than `bytes_max`. */
char *out_file_read(const char *path, size_t bytes_max, size_t *length, struct out_error *error);

#endif
