/* exec_healer.c - the run's end of the line: a program behind the healer face. */
#include "harness/run/exec_healer.h"

#include <stdio.h>
#include <stdlib.h>

#include "harness/run/exec_process.h"
#include "harness/run/exec_protocol.h"

#define END_GRACE_NS INT64_C(1000000000)

struct exec_healer {
        struct exec_process *process; /* NULL: ended, or never begun */
        struct exec_names names;
        struct json_line line;
        struct arena arena; /* of the present answer */
        struct healer_answer answer;
        char failure[EXEC_WHY_SIZE + 32];
        uint64_t key;
        bool greeted;
};

static const struct healer_answer *broken(struct exec_healer *healer, const char *why)
{
        if (why != healer->failure)
                snprintf(healer->failure, sizeof(healer->failure), "%s", why);
        healer->answer = (struct healer_answer){.next_wake_ns = INT64_MAX,
                                                .failure = healer->failure};
        exec_process_end(healer->process, 0);
        healer->process = NULL;
        return &healer->answer;
}

static bool say(struct exec_healer *healer, const char **why)
{
        size_t length;
        const char *text = json_line_text(&healer->line, &length);

        *why = "out of memory";
        return text != NULL &&
               exec_process_send(healer->process, text, length, why);
}

static const struct healer_answer *wake(void *state, const struct healer_wake *wake)
{
        struct exec_healer *healer = state;
        int64_t from_ns = exec_clock_ns();
        char reason[EXEC_WHY_SIZE];
        const char *text, *why = "out of memory";
        size_t length;

        if (healer->process == NULL)
                return broken(healer, healer->failure);
        exec_process_allow_time(healer->process);
        if (!healer->greeted) {
                exec_write_hello(&healer->line, &healer->names, healer->key, wake->now_ns);
                if (!say(healer, &why))
                        return broken(healer, why);
                healer->greeted = true;
        }
        if (!exec_write_wake(&healer->line, &healer->names, wake) || !say(healer, &why))
                return broken(healer, why);
        text = exec_process_receive(healer->process, &length, &why);
        if (text == NULL)
                return broken(healer, why);
        arena_release(&healer->arena);
        if (!exec_read_answer(&healer->arena, &healer->names, text, length, &healer->answer, reason))
                return broken(healer, reason);
        healer->answer.thought_ns = exec_thought_ns(from_ns);
        return &healer->answer;
}

static void destroy(void *state)
{
        struct exec_healer *healer = state;

        if (healer == NULL)
                return;
        exec_process_end(healer->process, END_GRACE_NS);
        exec_names_free(&healer->names);
        json_line_free(&healer->line);
        arena_release(&healer->arena);
        free(healer);
}

/* A program that cannot be started is a healer that fails at its first wake-up. */
static void *create(const void *config, const struct healer_world *world, uint64_t key)
{
        const struct exec_healer_config *exec = config;
        struct exec_healer *healer = calloc(1, sizeof(*healer));
        const char *why;

        if (healer == NULL)
                return NULL;
        arena_init(&healer->arena);
        healer->key = key;
        if (!exec_names_init(&healer->names, world)) {
                free(healer);
                return NULL;
        }
        healer->process = exec_process_start(exec->argv, exec->folder, exec->stop, &why);
        if (healer->process == NULL)
                snprintf(healer->failure, sizeof(healer->failure), "%s: %s", exec->argv[0], why);
        return healer;
}

const struct healer_ops exec_healer_ops = {
        .name = "exec",
        .create = create,
        .wake = wake,
        .destroy = destroy,
};
