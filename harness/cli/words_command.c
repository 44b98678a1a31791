/* words_command.c - `chaos-run __words`: the tables behind --help, as JSON.
 *
 * words.py makes the man page and the shell completion of it when the program
 * is built, so that they cannot differ from --help. No user needs it, so no
 * help names it.
 */
#include <stdlib.h>

#include <jansson.h>

#include "harness/cli/commands.h"
#include "harness/scenario/strategy.h"
#include "reports/verdict.h"
#include "reports/writer.h"

static json_t *options_json(int command)
{
        json_t *list = json_array();
        struct option_facts facts;

        for (size_t i = 0; options_at(i, &facts); i++) {
                char letter[2] = {facts.letter, '\0'};

                if ((facts.commands & command) != 0)
                        json_array_append_new(list,
                                              json_pack("{s:s, s:s, s:s?, s:s}", "name", facts.name,
                                                        "letter", letter, "argument",
                                                        facts.argument, "summary", facts.summary));
        }
        return list;
}

static json_t *commands_json(void)
{
        json_t *list = json_array();

        for (size_t i = 0; i < command_count; i++)
                if (commands[i].summary != NULL)
                        json_array_append_new(
                                list, json_pack("{s:s, s:s, s:s, s:s, s:o}", "name",
                                                commands[i].name, "usage", commands[i].usage,
                                                "summary", commands[i].summary, "more",
                                                commands[i].more == NULL ? "" : commands[i].more,
                                                "options", options_json(commands[i].options)));
        return list;
}

int command_words(const struct options *options)
{
        json_t *strategies = json_array(), *formats = json_array(), *all;

        (void)options;
        for (size_t i = 0; strategy_preset_names[i] != NULL; i++)
                json_array_append_new(strategies, json_string(strategy_preset_names[i]));
        for (size_t i = 0; i < REFERENCE_COUNT; i++)
                json_array_append_new(strategies, json_string(reference_rows[i].title));
        for (size_t i = 0; i < WRITER_COUNT; i++)
                json_array_append_new(formats, json_string(writers[i].name));
        all = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "version", CHAOS_VERSION, "purpose",
                        help_purpose, "exit_codes", help_exit_codes, "commands", commands_json(),
                        "strategies", strategies, "writers", formats);
        json_dumpf(all, stdout, JSON_INDENT(1));
        printf("\n");
        json_decref(all);
        return all == NULL ? EXIT_INTERNAL : EXIT_PASSED;
}
