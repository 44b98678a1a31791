/* write_json.c - result.json, the stored truth of a run, and run.json beside it.
 *
 * Keys keep the order they were made in and reals have 12 significant digits,
 * so equal runs give equal bytes. What differs from one machine or day to the
 * next (date, host, speed) is in run.json alone.
 */
#include "reports/writer.h"

#include <stdlib.h>

static int add_chunk(const char *bytes, size_t length, void *into)
{
        text_add_bytes(into, bytes, length);
        return 0;
}

static void write_tree(const json_t *tree, struct text *out)
{
        if (json_dump_callback(tree, add_chunk, out, JSON_INDENT(1) | JSON_REAL_PRECISION(12)) != 0)
                out->failed = true;
        text_add(out, "\n");
}

void write_result_json(const struct writer_context *context, struct text *out)
{
        write_tree(context->report->result, out);
}

/* Without facts it is still the mark that the folder is ours. */
void write_run_json(const struct writer_context *context, struct text *out)
{
        if (json_is_object(context->report->run_facts))
                write_tree(context->report->run_facts, out);
        else
                text_add(out, "{\n \"schema\": \"" RUN_SCHEMA "\"\n}\n");
}
