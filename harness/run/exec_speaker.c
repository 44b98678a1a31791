/* exec_speaker.c - the other end of the line: libhealer as a program.
 *
 * It is the same bridge that a run has inside, told and asked through JSON, so
 * it shows that a program can do whatever libhealer can, and what to send.
 */
#include "harness/run/exec_healer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/run/exec_protocol.h"

struct speaker {
        const struct strategy *strategy;
        struct arena lasting;  /* the world, and names of instances since */
        struct arena arena;    /* of the present message */
        struct healer_world world;
        struct exec_names names;
        struct json_line line;
        void *healer;
        bool cut_off; /* not its words, but the line, is what is wrong */
        char why[EXEC_WHY_SIZE];
};

static bool greet(struct speaker *speaker, const char *text, size_t length)
{
        uint64_t key = 0;

        if (!exec_read_hello(&speaker->lasting, text, length, &speaker->world, &key, speaker->why))
                return false;
        if (exec_names_init(&speaker->names, &speaker->world))
                speaker->healer = healer_builtin.create(speaker->strategy, &speaker->world, key);
        if (speaker->healer == NULL)
                snprintf(speaker->why, sizeof(speaker->why), "out of memory");
        return speaker->healer != NULL;
}

static bool answer(struct speaker *speaker, const char *text, size_t length, FILE *out)
{
        struct healer_wake wake;
        const struct healer_answer *said;
        const char *line;

        arena_release(&speaker->arena);
        if (!exec_read_wake(&speaker->arena, &speaker->lasting, &speaker->names, text, length, &wake,
                            speaker->why))
                return false;
        said = healer_builtin.wake(speaker->healer, &wake);
        if (said->failure != NULL) {
                snprintf(speaker->why, sizeof(speaker->why), "%s", said->failure);
                return false;
        }
        exec_write_answer(&speaker->line, &speaker->names, said);
        line = json_line_text(&speaker->line, &length);
        if (line == NULL || fwrite(line, 1, length, out) != length || fflush(out) != 0) {
                snprintf(speaker->why, sizeof(speaker->why), "cannot answer: %s",
                         line == NULL ? "out of memory" : strerror(errno));
                speaker->cut_off = true;
                return false;
        }
        return true;
}

/* getline() gives the same for an end and for a line that could not be read. */
static bool heard_all(struct speaker *speaker, FILE *in)
{
        if (feof(in) && !ferror(in))
                return true;
        snprintf(speaker->why, sizeof(speaker->why), "cannot read: %s", strerror(errno));
        speaker->cut_off = true;
        return false;
}

enum exec_spoken exec_speak(const struct strategy *strategy, FILE *in, FILE *out, FILE *errors)
{
        struct speaker speaker = {.strategy = strategy};
        char *text = NULL;
        size_t room = 0;
        ssize_t length;
        bool ok = true;

        arena_init(&speaker.lasting);
        arena_init(&speaker.arena);
        errno = 0;
        while (ok && (length = getline(&text, &room, in)) > 0)
                ok = speaker.healer == NULL ? greet(&speaker, text, (size_t)length)
                                            : answer(&speaker, text, (size_t)length, out);
        ok = ok && heard_all(&speaker, in);
        if (!ok)
                fprintf(errors, "chaos-run: healer: %s\n", speaker.why);
        healer_builtin.destroy(speaker.healer);
        exec_names_free(&speaker.names);
        json_line_free(&speaker.line);
        arena_release(&speaker.arena);
        arena_release(&speaker.lasting);
        free(text);
        return ok ? EXEC_SPOKEN : speaker.cut_off ? EXEC_CUT_OFF : EXEC_TOLD_WRONG;
}
