/* harness/replay/inputs.h - which telemetry files the given paths stand for. */
#ifndef CHAOS_REPLAY_INPUTS_H
#define CHAOS_REPLAY_INPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct input {
        char *path; /* as it can be opened */
        char *name; /* below its directory, or the last part of a file's path */
};

struct inputs {
        struct input *items;
        size_t count;
        bool many; /* a directory or more than one path was given */
};

enum { INPUTS_DEPTH_MAX = 16 };

/* A path that is no directory is taken as a file. A directory gives every *.csv
 * below it (no hidden ones, INPUTS_DEPTH_MAX deep), sorted by name. False when
 * a path is wrong, said on `errors`; the others are collected all the same. */
bool inputs_collect(struct inputs *inputs, const char *const *paths, size_t path_count,
                    FILE *errors);
/* False when two files have one name, said on `errors`. */
bool inputs_names_differ(const struct inputs *inputs, FILE *errors);
void inputs_release(struct inputs *inputs);

#endif
