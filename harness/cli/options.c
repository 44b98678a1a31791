/* options.c - the table of options, and reading by it. */
#include "harness/cli/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/nearest.h"

enum option_kind { OPTION_FLAG, OPTION_COUNT, OPTION_SEED, OPTION_TEXT, OPTION_LIST };

struct option_row {
        const char *name;     /* without the dashes */
        char letter;          /* 0: none */
        const char *argument; /* NULL: takes none */
        enum option_kind kind;
        size_t offset;
        size_t given_offset;  /* of a bool that is set besides; 0: none */
        uint32_t min, max;    /* counts */
        int commands;
        const char *summary;
};

#define AT(field) offsetof(struct options, field)

static const struct option_row rows[] = {
        {"seed", 0, "N", OPTION_SEED, AT(seed), AT(has_seed), 0, 0, ON_RUN | ON_AB | ON_PLAN | ON_TRAIN,
         "seed of all chance, 0 to 2^64-1 (the file's, else 1)"},
        {"runs", 'n', "N", OPTION_COUNT, AT(runs), 0, 1, 1000000, ON_RUN | ON_AB | ON_TRAIN,
         "replications (the file's, else 20; of ab: as many as it takes)"},
        {"jobs", 'j', "N", OPTION_COUNT, AT(jobs), 0, 1, 1024, ON_RUN | ON_AB,
         "threads (as many as there are processors)"},
        {"replication", 0, "R", OPTION_COUNT, AT(replication), AT(has_replication), 0, 999999,
         ON_RUN | ON_PLAN, "run replication R alone"},
        {"var", 0, "NAME=VALUE", OPTION_LIST, AT(vars), 0, 0, 0,
         ON_RUN | ON_AB | ON_VALIDATE | ON_PLAN | ON_TRAIN,
         "value of a variable of `configuration`; may be repeated"},
        {"set", 0, "PATH=VALUE", OPTION_LIST, AT(sets), 0, 0, 0,
         ON_RUN | ON_AB | ON_VALIDATE | ON_PLAN | ON_TRAIN,
         "replace a value of the scenario; may be repeated"},
        {"strategy", 0, "S", OPTION_LIST, AT(strategies), 0, 0, 0,
         ON_RUN | ON_VALIDATE | ON_PLAN | ON_TRAIN | ON_REPLAY,
         "healer: preset, file, reference:NAME, exec:CMD; repeated: a run each"},
        {"tag", 0, "T", OPTION_LIST, AT(tags), 0, 0, 0, ON_RUN | ON_AB, "only scenarios with this tag"},
        {"only", 0, "NAME", OPTION_LIST, AT(only), 0, 0, 0, ON_RUN | ON_AB | ON_VALIDATE | ON_PLAN,
         "only these entries of `method`"},
        {"skip", 0, "NAME", OPTION_LIST, AT(skip), 0, 0, 0, ON_RUN | ON_AB | ON_VALIDATE | ON_PLAN,
         "all but these entries of `method`"},
        {"allow-path", 0, "DIR", OPTION_LIST, AT(allow_paths), 0, 0, 0,
         ON_RUN | ON_AB | ON_VALIDATE | ON_PLAN | ON_TRAIN,
         "files named in a scenario may lie below DIR"},
        {"out", 'o', "DIR", OPTION_TEXT, AT(out), 0, 0, 0, ON_RUN | ON_AB | ON_REPORT | ON_TRAIN,
         "where results go (chaos-results/<scenario>)"},
        {"curve", 0, "DIR", OPTION_TEXT, AT(curve), 0, 0, 0, ON_TRAIN,
         "grade what is learned after each scenario: the learning curve"},
        {"format", 'f', "LIST", OPTION_TEXT, AT(format), 0, 0, 0, ON_RUN | ON_AB | ON_REPORT,
         "writers, comma-separated; see `list writers`"},
        {"no-plots", 0, NULL, OPTION_FLAG, AT(no_plots), 0, 0, 0, ON_RUN | ON_AB | ON_REPORT,
         "no plots, gnuplot is not needed"},
        {"from", 0, "TIME", OPTION_TEXT, AT(from), 0, 0, 0, ON_REPORT,
         "analytics of what began then or later; wants --out"},
        {"to", 0, "TIME", OPTION_TEXT, AT(to), 0, 0, 0, ON_REPORT,
         "analytics of what began then or before; wants --out"},
        {"db", 0, "FILE", OPTION_TEXT, AT(db), 0, 0, 0, ON_RUN | ON_AB | ON_REPORT,
         "SQLite database to enter results into; of report: to read"},
        {"resume", 0, NULL, OPTION_FLAG, AT(resume), 0, 0, 0, ON_RUN | ON_AB,
         "go on with what --db holds; what has ended is not run again"},
        {"notify", 0, NULL, OPTION_FLAG, AT(notify), 0, 0, 0, ON_RUN,
         "tell the strategy's channels of the first replication, afterwards"},
        {"journal", 0, "WHAT", OPTION_TEXT, AT(journal), 0, 0, 0, ON_RUN,
         "`first` (replication 0), `all`, `none`, `telemetry` (first and more)"},
        {"floor", 0, NULL, OPTION_FLAG, AT(floor), 0, 0, 0, ON_RUN,
         "the reference healers beside the grade (see `list strategies`)"},
        {"attribute", 0, NULL, OPTION_FLAG, AT(attribute), 0, 0, 0, ON_RUN,
         "run again without each action: which were harmful or unnecessary"},
        {"live", 0, NULL, OPTION_FLAG, AT(live), 0, 0, 0, ON_RUN,
         "show the first replication as it runs, on stderr; changes no result"},
        {"live-speed", 0, "N", OPTION_COUNT, AT(live_speed), 0, 1, 1000000, ON_RUN,
         "with --live: N virtual seconds a second, not as fast as it can"},
        {"env", 0, NULL, OPTION_FLAG, AT(env), 0, 0, 0, ON_RUN,
         "HEAL_* of the environment set thresholds of the healer"},
        {"inconclusive", 0, "pass|fail", OPTION_TEXT, AT(inconclusive), 0, 0, 0, ON_RUN | ON_AB,
         "exit 0 or 1 in place of 7"},
        {"incident", 0, "N", OPTION_COUNT, AT(incident), 0, 1, 1000000000, ON_EXPLAIN,
         "which incident of the list (the worst)"},
        {"a", 0, "S", OPTION_LIST, AT(a), 0, 0, 0, ON_AB, "the strategy that others are compared with"},
        {"b", 0, "S", OPTION_LIST, AT(b), 0, 0, 0, ON_AB, "the strategy compared with it"},
        {"c", 0, "S", OPTION_LIST, AT(c), 0, 0, 0, ON_AB, "one more; may be repeated"},
        {"precision", 0, "W", OPTION_TEXT, AT(precision), 0, 0, 0, ON_AB,
         "stop when the primary's interval is narrower than W"},
        {"labels", 0, "FILE", OPTION_TEXT, AT(labels), 0, 0, 0, ON_REPLAY,
         "labelled windows: JSON, file name -> list of [start, end]"},
        {"metric", 0, "NAME", OPTION_TEXT, AT(metric), 0, 0, 0, ON_REPLAY,
         "only this metric of a file with several"},
        {"scores", 0, "OUT.csv", OPTION_TEXT, AT(scores), 0, 0, 0, ON_REPLAY,
         "write a score for every row; a directory gives a directory"},
        {"json", 0, NULL, OPTION_FLAG, AT(json), 0, 0, 0, ON_LIST | ON_REPLAY | ON_PLAN,
         "JSON instead of text"},
        {"approve", 0, NULL, OPTION_FLAG, AT(approve), 0, 0, 0, ON_RUN | ON_AB | ON_TRAIN,
         "run scenarios whose safety.require_approval asks for it"},
        {"quiet", 'q', NULL, OPTION_FLAG, AT(quiet), 0, 0, 0, ON_RUN | ON_AB | ON_REPORT, "no progress"},
        {"verbose", 'v', NULL, OPTION_FLAG, AT(verbose), 0, 0, 0, ON_RUN | ON_AB | ON_REPORT,
         "more on stderr: what was run and written, and how fast"},
        {"log-json", 0, NULL, OPTION_FLAG, AT(log_json), 0, 0, 0, ON_ANY,
         "stderr as JSON, an object a line"},
        {"help", 'h', NULL, OPTION_FLAG, AT(help), 0, 0, 0, ON_ANY, "this"},
        {"version", 'V', NULL, OPTION_FLAG, AT(version), 0, 0, 0, ON_ANY, "version and build"},
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

bool text_list_add(struct text_list *list, const char *text)
{
        if (list->count == list->room) {
                size_t room = list->room * 2 + 8;
                const char **items = realloc(list->items, room * sizeof(*items));

                if (items == NULL)
                        return false;
                list->items = items;
                list->room = room;
        }
        list->items[list->count++] = text;
        return true;
}

static const struct option_row *row_of(const char *word, size_t length)
{
        for (size_t i = 0; i < ROW_COUNT; i++)
                if (strlen(rows[i].name) == length && memcmp(rows[i].name, word, length) == 0)
                        return &rows[i];
        return NULL;
}

static void unknown_option(const char *word, FILE *errors)
{
        const char *names[ROW_COUNT + 1];
        char name[64];
        const char *near;
        size_t length = strcspn(word, "=");

        for (size_t i = 0; i < ROW_COUNT; i++)
                names[i] = rows[i].name;
        names[ROW_COUNT] = NULL;
        snprintf(name, sizeof(name), "%.*s", (int)(length < 60 ? length : 60), word);
        near = nearest_of(name, names);
        if (near != NULL)
                fprintf(errors, "chaos-run: unknown option '--%s' (nearest: '--%s')\n", name, near);
        else
                fprintf(errors, "chaos-run: unknown option '--%s'; see chaos-run --help\n", name);
}

static bool whole_number(const char *text, uint64_t max, uint64_t *out)
{
        char *end;

        if (text[0] < '0' || text[0] > '9')
                return false;
        errno = 0;
        *out = strtoull(text, &end, 10);
        return errno == 0 && *end == '\0' && *out <= max;
}

static bool store(struct options *options, const struct option_row *row, const char *value,
                  FILE *errors)
{
        char *field = (char *)options + row->offset;
        uint64_t number;

        if (row->given_offset != 0)
                *(bool *)((char *)options + row->given_offset) = true;
        switch (row->kind) {
        case OPTION_FLAG:
                *(bool *)field = true;
                return true;
        case OPTION_SEED:
                if (!whole_number(value, UINT64_MAX, &number)) {
                        fprintf(errors, "chaos-run: --%s: '%s' is not a whole number from 0 to %llu\n",
                                row->name, value, (unsigned long long)UINT64_MAX);
                        return false;
                }
                *(uint64_t *)(void *)field = number;
                return true;
        case OPTION_COUNT:
                if (!whole_number(value, row->max, &number) || number < row->min) {
                        fprintf(errors, "chaos-run: --%s: '%s' is not a whole number from %u to %u\n",
                                row->name, value, row->min, row->max);
                        return false;
                }
                *(uint32_t *)(void *)field = (uint32_t)number;
                return true;
        case OPTION_TEXT:
                *(const char **)(void *)field = value;
                return true;
        case OPTION_LIST:
                if (!text_list_add((struct text_list *)(void *)field, value)) {
                        fprintf(errors, "chaos-run: out of memory\n");
                        return false;
                }
                return true;
        }
        return false;
}

/* argv[*at] is an option; takes its value, perhaps from the next word. */
static bool parse_option(int argc, char **argv, int *at, struct options *options, FILE *errors)
{
        const char *word = argv[*at];
        const struct option_row *row = NULL;
        const char *value = NULL;

        if (word[1] == '-') {
                size_t length = strcspn(word + 2, "=");

                row = row_of(word + 2, length);
                if (row == NULL) {
                        unknown_option(word + 2, errors);
                        return false;
                }
                value = word[2 + length] == '=' ? word + 2 + length + 1 : NULL;
        } else {
                for (size_t i = 0; i < ROW_COUNT && row == NULL; i++)
                        row = rows[i].letter != 0 && rows[i].letter == word[1] ? &rows[i] : NULL;
                if (row == NULL) {
                        fprintf(errors, "chaos-run: unknown option '%s'; see chaos-run --help\n", word);
                        return false;
                }
                value = word[2] != '\0' ? word + 2 : NULL;
        }
        if (row->argument == NULL) {
                if (value != NULL) {
                        fprintf(errors, "chaos-run: --%s takes no value\n", row->name);
                        return false;
                }
                return store(options, row, "", errors);
        }
        if (value == NULL) {
                if (*at + 1 >= argc) {
                        fprintf(errors, "chaos-run: --%s wants a value: --%s %s\n", row->name,
                                row->name, row->argument);
                        return false;
                }
                value = argv[++*at];
        }
        return store(options, row, value, errors);
}

bool options_parse(int argc, char **argv, struct options *options, FILE *errors)
{
        bool only_words = false;

        memset(options, 0, sizeof(*options));
        for (int at = 1; at < argc; at++) {
                if (!only_words && strcmp(argv[at], "--") == 0) {
                        only_words = true;
                } else if (!only_words && argv[at][0] == '-' && argv[at][1] != '\0') {
                        if (!parse_option(argc, argv, &at, options, errors))
                                return false;
                } else if (!text_list_add(&options->words, argv[at])) {
                        fprintf(errors, "chaos-run: out of memory\n");
                        return false;
                }
        }
        return true;
}

void options_release(struct options *options)
{
        free(options->vars.items);
        free(options->sets.items);
        free(options->strategies.items);
        free(options->tags.items);
        free(options->only.items);
        free(options->skip.items);
        free(options->allow_paths.items);
        free(options->a.items);
        free(options->b.items);
        free(options->c.items);
        free(options->words.items);
        memset(options, 0, sizeof(*options));
}

static bool was_given(const struct option_row *row, int argc, char **argv)
{
        size_t length = strlen(row->name);

        for (int at = 1; at < argc && strcmp(argv[at], "--") != 0; at++) {
                if (argv[at][0] != '-')
                        continue;
                if (strncmp(argv[at], "--", 2) == 0 && strncmp(argv[at] + 2, row->name, length) == 0 &&
                    (argv[at][2 + length] == '\0' || argv[at][2 + length] == '='))
                        return true;
                if (row->letter != 0 && argv[at][1] == row->letter)
                        return true;
        }
        return false;
}

bool options_fit(const struct options *options, int argc, char **argv, int command,
                 const char *command_name, FILE *errors)
{
        (void)options;
        for (size_t i = 0; i < ROW_COUNT; i++) {
                if ((rows[i].commands & command) != 0 || !was_given(&rows[i], argc, argv))
                        continue;
                fprintf(errors, "chaos-run: --%s is no option of '%s'; see chaos-run %s --help\n",
                        rows[i].name, command_name, command_name);
                return false;
        }
        return true;
}

bool options_at(size_t index, struct option_facts *out)
{
        if (index >= ROW_COUNT)
                return false;
        *out = (struct option_facts){rows[index].name, rows[index].letter, rows[index].argument,
                                     rows[index].summary, rows[index].commands};
        return true;
}

void options_help(int command, FILE *out)
{
        for (size_t i = 0; i < ROW_COUNT; i++) {
                char left[40];

                if ((rows[i].commands & command) == 0)
                        continue;
                if (rows[i].letter != 0)
                        snprintf(left, sizeof(left), "-%c, --%s %s", rows[i].letter, rows[i].name,
                                 rows[i].argument == NULL ? "" : rows[i].argument);
                else
                        snprintf(left, sizeof(left), "    --%s %s", rows[i].name,
                                 rows[i].argument == NULL ? "" : rows[i].argument);
                fprintf(out, "  %-24s %s\n", left, rows[i].summary);
        }
}
