/* ledger.c - see ledger.h.
 *
 * Not here: the tables (reports/database.c), the bytes of a record
 * (harness/run/record_codec.c).
 */
#include "harness/cli/ledger.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/base/in_file.h"
#include "harness/run/record_codec.h"
#include "reports/report.h"
#include "reports/verdict.h"

/* Says it once; nothing is asked of the database after that. */
static void give_up(struct ledger *ledger)
{
        if (!ledger->failed)
                fprintf(stderr, "chaos-run: --db: %s\n", ledger->error.message);
        ledger->failed = true;
}

int ledger_open(struct ledger *ledger, const struct options *options)
{
        memset(ledger, 0, sizeof(*ledger));
        if (options->resume && options->db == NULL) {
                fprintf(stderr, "chaos-run: --resume wants --db FILE, which holds what was run\n");
                return EXIT_INVALID;
        }
        ledger->resume = options->resume;
        if (options->db == NULL || database_open(options->db, &ledger->database, &ledger->error))
                return EXIT_PASSED;
        give_up(ledger);
        return EXIT_IO_ERROR;
}

void ledger_close(struct ledger *ledger)
{
        database_close(ledger->database);
        ledger->database = NULL;
}

static bool is_at_work(const struct ledger *ledger)
{
        return ledger->database != NULL && !ledger->failed && ledger->count > 0;
}

/* ---- beginning */

/* Whether the folder has the result of that very run. */
static bool result_is_there(const char *folder, const struct run_meta *meta, uint32_t replications)
{
        char *path = out_path(folder, "result.json"), seed[24];
        json_t *result = path == NULL ? NULL : in_file_json(path, 0, NULL);
        const json_t *stored = result_at(result, "seed");
        bool there = false;

        snprintf(seed, sizeof(seed), "%llu", (unsigned long long)meta->seed);
        if (result != NULL)
                there = strcmp(result_text(result, "schema"), RESULT_SCHEMA) == 0 &&
                        strcmp(result_text(result, "scenario.digest"), meta->digest) == 0 &&
                        strcmp(result_text(result, "healer.digest"), meta->healer_digest) == 0 &&
                        (json_is_string(stored)
                                 ? strcmp(json_string_value(stored), seed) == 0
                                 : (uint64_t)json_integer_value(stored) == meta->seed) &&
                        (replications == 0 ||
                         result_number(result, "runs") == (double)replications);
        json_decref(result);
        free(path);
        return there;
}

/* What must be the same besides the scenario: how records are written, and in a
 * comparison all that take part, since they are measured over the same time. */
static bool write_circumstances(const struct ledger_run *run, struct text *out)
{
        text_addf(out, "records %d", RECORD_CODEC_VERSION);
        for (uint32_t s = 0; run->strategy_count > 1 && s < run->strategy_count; s++)
                text_addf(out, " %s", run->metas[s]->healer_digest);
        text_addf(out, " %s", run->rule);
        return text_ok(out);
}

static void date_of_now(char out[32])
{
        time_t now = time(NULL);
        struct tm utc;

        out[0] = '\0';
        if (gmtime_r(&now, &utc) != NULL)
                strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

/* Every strategy's row; whether all of them have ended. */
static bool enter(struct ledger *ledger, const struct ledger_run *run, const char *circumstances,
                  bool look_back, bool *finished)
{
        char date[32];

        date_of_now(date);
        *finished = look_back;
        ledger->held = look_back ? UINT32_MAX : 0;
        for (uint32_t s = 0; s < run->strategy_count; s++) {
                struct database_past past = {0};
                const struct database_run one = {
                        .meta = run->metas[s],
                        .strategy = run->strategies[s],
                        .circumstances = circumstances,
                        .folder = run->folder,
                        .date = date,
                        .first = run->first,
                        .count = run->count,
                        .comparison = run->strategy_count > 1 && s > 0 ? ledger->ids[0] : 0,
                };

                if (!database_begin(ledger->database, &one, look_back ? &past : NULL,
                                    &ledger->ids[s], &ledger->error)) {
                        give_up(ledger);
                        return false;
                }
                *finished = *finished && past.finished;
                if (look_back && past.held < ledger->held)
                        ledger->held = past.held;
        }
        if (ledger->held > run->count)
                ledger->held = run->count;
        return true;
}

bool ledger_begin(struct ledger *ledger, const struct ledger_run *run)
{
        struct text circumstances;
        bool finished = false;

        ledger->count = 0;
        ledger->held = 0;
        if (ledger->database == NULL || ledger->failed)
                return false;
        text_init(&circumstances);
        if (!write_circumstances(run, &circumstances)) {
                out_error_set(&ledger->error, "out of memory");
                give_up(ledger);
                goto done;
        }
        for (uint32_t s = 0; s < run->strategy_count; s++)
                ledger->metas[s] = run->metas[s];
        ledger->first = run->first;
        if (!enter(ledger, run, text_bytes(&circumstances), ledger->resume, &finished))
                goto done;
        if (finished && !result_is_there(run->folder, run->metas[0],
                                         *run->rule == '\0' ? run->count : 0)) {
                finished = false;
                if (!enter(ledger, run, text_bytes(&circumstances), false, &finished))
                        goto done;
        }
        ledger->count = finished ? 0 : run->strategy_count;
done:
        text_release(&circumstances);
        return finished;
}

/* ---- replications */

static bool read_records(struct ledger *ledger, uint32_t replication, struct arena *arena,
                         struct text_pool *texts, struct replication_record *records)
{
        for (uint32_t s = 0; s < ledger->count; s++) {
                size_t count = 0;
                unsigned char *bytes = database_record(ledger->database, ledger->ids[s],
                                                       replication, &count, &ledger->error);
                bool read = bytes != NULL && record_decode(ledger->metas[s], bytes, count, arena,
                                                           texts, &records[s]);

                if (bytes != NULL && !read)
                        out_error_set(&ledger->error,
                                      "replication %u cannot be read back: it is run again",
                                      replication);
                free(bytes);
                if (!read)
                        return false;
        }
        return true;
}

uint32_t ledger_replay(struct ledger *ledger, struct text_pool *texts, void *user,
                       void (*sink)(void *user, const struct replication_record *records),
                       bool (*enough)(void *user))
{
        const uint32_t strategies = ledger->count;
        uint32_t done = 0;

        for (; is_at_work(ledger) && done < ledger->held; done++) {
                struct replication_record records[RUN_HEALERS_MAX];
                struct arena arena;
                bool read;

                if (enough != NULL && enough(user))
                        break;
                arena_init(&arena);
                read = read_records(ledger, ledger->first + done, &arena, texts, records);
                if (read) {
                        ledger->count = 0; /* they are in the database already */
                        sink(user, records);
                        ledger->count = strategies;
                }
                arena_release(&arena);
                if (!read) {
                        give_up(ledger);
                        break;
                }
        }
        return done;
}

void ledger_add(struct ledger *ledger, const struct replication_record *records,
                const struct kept *const *kept)
{
        for (uint32_t s = 0; is_at_work(ledger) && s < ledger->count; s++) {
                struct record_bytes bytes = {0};

                if (!record_encode(ledger->metas[s], &records[s], &bytes)) {
                        record_bytes_release(&bytes);
                        out_error_set(&ledger->error, "out of memory");
                        give_up(ledger);
                } else if (!database_add(ledger->database, ledger->ids[s], ledger->metas[s],
                                         kept[s], bytes.bytes, bytes.count, &ledger->error)) {
                        give_up(ledger);
                }
        }
}

/* ---- the end */

void ledger_end(struct ledger *ledger, json_t *const *results, const json_t *run_facts, bool whole)
{
        for (uint32_t s = 0; is_at_work(ledger) && s < ledger->count; s++)
                if (!database_end(ledger->database, ledger->ids[s], results[s], run_facts, whole,
                                  &ledger->error))
                        give_up(ledger);
        ledger->count = 0;
}

void ledger_leave(struct ledger *ledger)
{
        if (is_at_work(ledger) && !database_flush(ledger->database, &ledger->error))
                give_up(ledger);
        ledger->count = 0;
}

int ledger_code(const struct ledger *ledger, int code)
{
        return ledger->failed ? exit_code_worse(code, EXIT_IO_ERROR) : code;
}
