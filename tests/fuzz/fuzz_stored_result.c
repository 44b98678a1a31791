/* fuzz_stored_result.c - any bytes as a stored result: no crash, no leak, a refusal says why,
 * and what is taken can be written in every format and explained.
 *
 * Up to four files are in the input, parted by lines `====`: result.json, series.csv,
 * metrics.csv, journal.jsonl.
 */
#include <stdint.h>

#include "reports/explain.h"
#include "reports/report.h"
#include "reports/verdict_screen.h"
#include "reports/writer.h"
#include "tests/fuzz/fuzz_folder.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char parting[] = "\n====\n";
static const char *const names[] = {"result.json", "series.csv", "metrics.csv", "journal.jsonl"};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
        (void)argc;
        (void)argv;
        fuzz_enter();
        return 0;
}

static void put_files(const uint8_t *bytes, size_t size)
{
        for (size_t i = 0; i < 4; i++) {
                const uint8_t *end = i == 3 || size == 0
                                             ? NULL
                                             : memmem(bytes, size, parting, sizeof(parting) - 1);
                size_t length = end == NULL ? size : (size_t)(end - bytes);

                unlink(fuzz_path(names[i]));
                if (length > 0 || i == 0)
                        fuzz_write(names[i], bytes, length);
                if (end != NULL)
                        length += sizeof(parting) - 1;
                bytes += length;
                size -= length;
        }
}

static void write_all(const struct report *report)
{
        const struct writer_context context = {.report = report};
        struct text out;

        for (int w = 0; w < WRITER_COUNT; w++)
                for (const struct writer_file *file = writers[w].files;
                     file != NULL && file->name != NULL; file++) {
                        text_init(&out);
                        if (file->has_data == NULL || file->has_data(report))
                                file->write(&context, &out);
                        text_release(&out);
                }
        text_init(&out);
        verdict_screen(report, NULL, true, &out);
        text_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        struct out_error error = {""};
        struct stored_report stored;
        struct text story;

        put_files(bytes, size);
        if (!stored_report_read(fuzz_path("result.json"), &stored, &error)) {
                if (error.message[0] == '\0')
                        abort();
                stored_report_release(&stored);
                return 0;
        }
        write_all(&stored.report);
        for (size_t number = 0; number < 2; number++) {
                struct out_error why = {""};

                text_init(&story);
                if (!explain(&stored.report, fuzz_path("journal.jsonl"), number, &story, &why) &&
                    why.message[0] == '\0')
                        abort();
                text_release(&story);
        }
        stored_report_release(&stored);
        return 0;
}
