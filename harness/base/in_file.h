/* harness/base/in_file.h - files that somebody gave us to read.
 *
 * What has the name of a file may be a pipe that nobody writes to, where opening
 * would wait for ever, or a device that has no end. Only ordinary files are opened, and
 * the pipes of a shell (`cat x | chaos-run replay /dev/stdin`, `replay <(zcat x.gz)`).
 */
#ifndef CHAOS_BASE_IN_FILE_H
#define CHAOS_BASE_IN_FILE_H

#include <stdio.h>

#include <jansson.h>

/* To be closed with fclose(). NULL with errno, and in `*why` (may be NULL) the reason for a
 * message, which lives until the next call. */
FILE *in_file_open(const char *path, const char **why);

/* json_load_file() of what in_file_open() opens; `error` may be NULL. */
json_t *in_file_json(const char *path, size_t flags, json_error_t *error);

#endif
