/* healer_command.c - libhealer as a program of its own, over the line protocol. */
#include <stdio.h>

#include "harness/base/diag.h"
#include "harness/cli/commands.h"
#include "harness/cli/printable.h"
#include "harness/run/exec_healer.h"
#include "harness/scenario/scenario.h"
#include "reports/verdict.h"

int command_healer(const struct options *options)
{
        static const int codes[] = {[EXEC_SPOKEN] = EXIT_PASSED,
                                    [EXEC_TOLD_WRONG] = EXIT_INVALID,
                                    [EXEC_CUT_OFF] = EXIT_IO_ERROR};
        const char *name = options->words.count > 0 ? options->words.items[0] : "default";
        struct strategy *strategy = NULL;
        struct read_session session;
        struct read_context ctx;
        const json_t *value = NULL;
        json_t *preset = NULL;
        struct diag_list diags;
        struct arena arena;
        size_t size;
        int code = EXIT_INVALID;

        if (options->words.count > 1) {
                fprintf(stderr, "chaos-run: healer: one strategy is wanted, not %zu\n",
                        options->words.count);
                return EXIT_INVALID;
        }
        arena_init(&arena);
        diag_list_init(&diags);
        read_session_begin(&session, &arena, &diags);
        if (strategy_preset(name, &size) != NULL) {
                preset = json_string(name);
                if (read_text_begin(&session, "command line", "{}", 2, JSON_PATH_ROOT, &ctx, &value))
                        value = preset;
        } else if (!read_named_file_begin(&session, name, JSON_PATH_ROOT, &ctx, &value)) {
                value = NULL;
        }
        if (value != NULL && strategy_load(&arena, &ctx, value, JSON_PATH_ROOT, &strategy))
                code = codes[exec_speak(strategy, stdin, printable_bypass(), stderr)];
        diag_list_print(&diags, stderr);
        json_decref(preset);
        read_session_end(&session);
        diag_list_release(&diags);
        arena_release(&arena);
        return code;
}
