/* report_sample.h - for tests of writers: a stored result, changed and unchanged, and a folder. */
#ifndef TESTS_REPORT_SAMPLE_H
#define TESTS_REPORT_SAMPLE_H

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/report.h"

static inline void sample_read(struct stored_report *out)
{
        struct out_error error = {""};
        char path[4096];

        snprintf(path, sizeof(path), "%s/report/sample", getenv("TEST_DATA"));
        ck_assert_msg(stored_report_read(path, out, &error), "%s", error.message);
}

/* The sample with every text of a scenario replaced by `name`. */
static inline void sample_rename(struct stored_report *out, const char *name)
{
        size_t index;
        json_t *entry, *scenario = json_object_get(out->result, "scenario");

        json_object_set_new(scenario, "title", json_string(name));
        json_object_set_new(scenario, "file", json_string(name));
        json_object_set_new(json_object_get(out->result, "healer"), "name", json_string(name));
        json_object_set_new(out->result, "command", json_string(name));
        json_array_foreach(json_object_get(out->result, "thresholds"), index, entry)
                json_object_set_new(entry, "check", json_string(name));
        json_array_foreach(json_object_get(out->result, "faults"), index, entry)
                json_object_set_new(entry, "name", json_string(name));
        for (size_t i = 0; i < report_arm_count; i++) {
                json_t *arm = json_object_get(json_object_get(out->result, "arms"), report_arms[i]);

                json_array_foreach(json_object_get(arm, "incidents"), index, entry)
                {
                        json_object_set_new(entry, "service", json_string(name));
                        json_object_set_new(entry, "faults", json_pack("[s]", name));
                }
                json_array_foreach(json_object_get(arm, "actions"), index, entry)
                        json_object_set_new(entry, "service", json_string(name));
                json_object_set_new(arm, "services",
                                    json_pack("{s:{s:{s:{s:f,s:s}}}}", name, "metrics",
                                              "availability", "value", 0.5, "unit", "ratio"));
        }
        json_array_foreach(json_object_get(json_object_get(out->result, "analytics"), "by_action"),
                           index, entry) json_object_set_new(entry, "name", json_string(name));
        for (size_t i = 0; i < out->series.count; i++)
                if (strcmp(out->series.lines[i].metric, "breaker_state") == 0)
                        out->series.lines[i].service = name;
}

static inline void folder_make(char path[64])
{
        strcpy(path, "/tmp/chaos-writers-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(path));
}

static inline int folder_unlink_(const char *path, const struct stat *status, int flag,
                                 struct FTW *walk)
{
        (void)status;
        (void)flag;
        (void)walk;
        return remove(path);
}

static inline void folder_remove(const char *path)
{
        chmod(path, 0777);
        ck_assert_int_eq(nftw(path, folder_unlink_, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline bool folder_has(const char *folder, const char *name)
{
        char path[512];

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        return access(path, F_OK) == 0;
}

/* The bytes of a file, to be freed. */
static inline char *folder_read(const char *folder, const char *name)
{
        struct out_error error = {""};
        char path[512], *bytes;
        size_t length;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        bytes = out_file_read(path, 1 << 28, &length, &error);
        ck_assert_msg(bytes != NULL, "%s", error.message);
        return bytes;
}

static inline void folder_put(const char *folder, const char *name, const char *bytes)
{
        char path[512];
        FILE *file;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        file = fopen(path, "w");
        ck_assert_ptr_nonnull(file);
        fputs(bytes, file);
        ck_assert_int_eq(fclose(file), 0);
}

#endif
