/* healers.c - libhealer with a strategy, a reference, or a program. */
#include "harness/cli/healers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "harness/base/code_point.h"
#include "harness/base/sha256.h"
#include "harness/cli/interrupt.h"
#include "harness/run/reference.h"

static void choose_program(const struct scenario *scenario, struct chosen_healer *out)
{
        struct sha256 sha;
        size_t used = 0;

        sha256_init(&sha);
        used = (size_t)snprintf(out->exec_name, sizeof(out->exec_name), "exec:");
        for (const char *const *word = scenario->exec_argv; *word != NULL; word++) {
                sha256_add(&sha, *word, strlen(*word) + 1);
                if (used < sizeof(out->exec_name))
                        used += (size_t)snprintf(out->exec_name + used, sizeof(out->exec_name) - used,
                                                 "%s%s", word == scenario->exec_argv ? "" : " ",
                                                 *word);
        }
        code_point_mend(out->exec_name); /* it may end within a character */
        sha256_hex(&sha, out->exec_digest);
        out->exec = (struct exec_healer_config){.argv = scenario->exec_argv,
                                                .folder = scenario->exec_folder,
                                                .stop = &interrupt_signal};
        out->run = (struct run_healer){&exec_healer_ops, &out->exec};
        out->name = out->exec_name;
        out->digest = out->exec_digest;
}

/* Several worlds write to one store, each from a thread of its own: what goes
 * wrong is the same for all, and said a few times only. */
enum { STORE_LINES_MAX = 3 };
static _Atomic uint32_t store_lines;
static pthread_mutex_t store_said_lock = PTHREAD_MUTEX_INITIALIZER;
static char store_said[256]; /* the last line */

static bool was_said(const char *line)
{
        bool same;

        pthread_mutex_lock(&store_said_lock);
        same = strncmp(store_said, line, sizeof(store_said) - 1) == 0;
        snprintf(store_said, sizeof(store_said), "%s", line);
        pthread_mutex_unlock(&store_said_lock);
        return same;
}

static void say_of_store(void *ctx, const char *line)
{
        (void)ctx;
        if (!was_said(line) && atomic_fetch_add(&store_lines, 1) < STORE_LINES_MAX)
                fprintf(stderr, "chaos-run: the healer's store: %s\n", line);
}

bool healers_store_failed(void)
{
        return atomic_load(&store_lines) > 0;
}

void healer_choose(const struct scenario *scenario, const char *db, struct chosen_healer *out)
{
        memset(out, 0, sizeof(*out));
        if (scenario->healer_kind == HEALER_EXEC) {
                choose_program(scenario, out);
                return;
        }
        scenario->strategy->store.say = say_of_store;
        scenario->strategy->store.ledger = db;
        out->run = run_healer_of(scenario->strategy);
        out->name = scenario->strategy->name;
        out->digest = strategy_digest(scenario->strategy);
}
