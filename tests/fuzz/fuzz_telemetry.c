/* fuzz_telemetry.c - any bytes as recorded telemetry: a row out for each row in, and
 * the first half by itself gets the very scores that it got with the rest behind it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/replay/replay.h"

enum { BYTES_MAX = 1 << 14 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Replay reads and writes files, so it gets a folder in memory. */
struct place {
        char folder[64], telemetry[80], scores[80];
};

static void place_make(struct place *place)
{
        strcpy(place->folder, "/dev/shm/fuzz_telemetry_XXXXXX");
        if (mkdtemp(place->folder) == NULL)
                abort();
        snprintf(place->telemetry, sizeof(place->telemetry), "%s/t.csv", place->folder);
        snprintf(place->scores, sizeof(place->scores), "%s/s.csv", place->folder);
}

static void place_remove(const struct place *place)
{
        unlink(place->telemetry);
        unlink(place->scores);
        if (rmdir(place->folder) != 0)
                abort(); /* something else was left behind */
}

static char *read_all(const char *path)
{
        FILE *stream = fopen(path, "rbe");
        size_t length = 0, room = 64 * BYTES_MAX;
        char *text = malloc(room);

        if (stream == NULL || text == NULL)
                abort();
        length = fread(text, 1, room - 1, stream);
        text[length] = '\0';
        fclose(stream);
        return text;
}

/* The scores, or NULL where it is no telemetry; the caller frees them. */
static char *scores_of(const uint8_t *bytes, size_t size)
{
        struct place place;
        const char *paths[] = {place.telemetry};
        const struct replay_options options = {
                .paths = paths, .path_count = 1, .scores_path = place.scores, .series_max = 4};
        char *report = NULL, *errors = NULL, *scores = NULL;
        size_t report_size, errors_size;
        FILE *stream, *out, *err;
        int status;

        place_make(&place);
        stream = fopen(place.telemetry, "wbe");
        if (stream == NULL || fwrite(bytes, 1, size, stream) != size || fclose(stream) != 0)
                abort();
        out = open_memstream(&report, &report_size);
        err = open_memstream(&errors, &errors_size);
        if (out == NULL || err == NULL)
                abort();
        status = replay_run(&options, out, err);
        fclose(out);
        fclose(err);
        if (status == REPLAY_DONE)
                scores = read_all(place.scores);
        else if (errors_size == 0)
                abort(); /* refused without a word */
        free(report);
        free(errors);
        place_remove(&place);
        return scores;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        const uint8_t *end;
        char *whole, *half;

        if (size > BYTES_MAX)
                return 0;
        whole = scores_of(bytes, size);
        end = size > 0 ? memrchr(bytes, '\n', size / 2) : NULL;
        half = end != NULL ? scores_of(bytes, (size_t)(end - bytes) + 1) : NULL;
        if (whole != NULL && half != NULL && strncmp(whole, half, strlen(half)) != 0)
                abort();
        free(whole);
        free(half);
        return 0;
}
