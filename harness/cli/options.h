/* harness/cli/options.h - what was asked for on the command line.
 *
 * One table of options serves parsing, --help and the man pages. Options may
 * stand before or after what they are about. A wrong one is answered in one
 * line that says what would have been right.
 */
#ifndef CHAOS_CLI_OPTIONS_H
#define CHAOS_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct text_list {
        const char **items;
        size_t count, room;
};

struct options {
        uint64_t seed;
        bool has_seed;
        uint32_t runs, jobs, replication;
        uint32_t incident; /* explain; 0: not asked */
        bool has_replication;
        struct text_list vars, sets, strategies, tags, only, skip, allow_paths;
        const char *out, *format, *journal, *db;
        const char *from, *to; /* report: of the analytics */
        const char *labels, *metric, *scores; /* replay */
        const char *inconclusive;
        struct text_list a, b, c; /* ab: strategies */
        const char *precision;
        const char *curve; /* train: folder */
        bool notify, no_plots, approve, quiet, verbose, json, log_json, resume, help, version;
        bool floor, attribute, env, live;
        uint32_t live_speed; /* virtual seconds a second; 0: as fast as it can */
        struct text_list words; /* everything that is no option */
};

/* Commands, as bits, for the table. */
enum {
        ON_RUN = 1 << 0,
        ON_VALIDATE = 1 << 1,
        ON_LIST = 1 << 2,
        ON_REPORT = 1 << 3,
        ON_STATS = 1 << 4,
        ON_REPLAY = 1 << 5,
        ON_AB = 1 << 6,
        ON_TRAIN = 1 << 7,
        ON_EXPLAIN = 1 << 10,
        ON_PLAN = 1 << 11,
        ON_INIT = 1 << 12,
        ON_IMPORT = 1 << 15,
        ON_WORDS = 1 << 13,
        ON_HEALER = 1 << 14,
        ON_ANY = ~0,
};

/* Reads argv from 1 on. False with a message on `errors`. `options` is to be
 * released in either case. */
bool options_parse(int argc, char **argv, struct options *options, FILE *errors);
void options_release(struct options *options);

/* Whether every option that was given makes sense for that command. */
bool options_fit(const struct options *options, int argc, char **argv, int command,
                 const char *command_name, FILE *errors);

/* The options of a command, a line each. */
void options_help(int command, FILE *out);

/* One row of the table, for whoever tells it in another form. */
struct option_facts {
        const char *name;     /* without the dashes */
        char letter;          /* 0: none */
        const char *argument; /* NULL: takes none */
        const char *summary;
        int commands;         /* ON_... */
};

/* False past the last. */
bool options_at(size_t index, struct option_facts *out);

bool text_list_add(struct text_list *list, const char *text);

#endif
