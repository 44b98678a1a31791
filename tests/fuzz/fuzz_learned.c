/* fuzz_learned.c - any bytes as a file of what was learned: refused with a message,
 * or sound; and what is taken can be written, read again, and is the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harness/scenario/strategy_learned.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct healer_learned learned, back; /* large: not for the stack */

static bool read_state(const char *text, size_t size, struct healer_learned *out)
{
        struct read_session session;
        struct read_context ctx;
        struct diag_list diags;
        struct arena arena;
        const json_t *root;
        bool ok;

        arena_init(&arena);
        diag_list_init(&diags);
        healer_learned_init(out);
        read_session_begin(&session, &arena, &diags);
        ok = read_text_begin(&session, "state", text, size, JSON_PATH_ROOT, &ctx, &root) &&
             learned_state_read(&ctx, root, JSON_PATH_ROOT, out);
        if (!ok && diag_total(&diags) == 0)
                abort(); /* refused without a word */
        ok = diag_total(&diags) == 0; /* a key twice is told before the state is read */
        read_session_end(&session);
        diag_list_release(&diags);
        arena_release(&arena);
        return ok;
}

static char *write_state(const struct healer_learned *state)
{
        json_t *json = learned_state_json(state);
        char *text = json != NULL ? json_dumps(json, JSON_REAL_PRECISION(17)) : NULL;

        if (text == NULL)
                abort();
        json_decref(json);
        return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        char *text, *again;

        if (!read_state((const char *)bytes, size, &learned))
                return 0;
        if (healer_learned_check(&learned) != NULL)
                abort();
        text = write_state(&learned);
        if (!read_state(text, strlen(text), &back))
                abort();
        again = write_state(&back);
        if (strcmp(text, again) != 0)
                abort();
        free(text);
        free(again);
        return 0;
}
