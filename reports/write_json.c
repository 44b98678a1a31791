/* write_json.c - result.json, the stored truth of a run, and run.json beside it.
 *
 * Keys keep the order they were made in and reals have 12 significant digits,
 * so equal runs give equal bytes. What differs from one machine or day to the
 * next (date, host, speed) is in run.json alone.
 */
#include "reports/writer.h"

#include <stdlib.h>

#include "harness/base/code_point.h"
#include "harness/base/json_plain.h"

/* As json_plain_dumps() has it, without a second copy of a result of many megabytes; jansson
 * gives whole characters. */
static int add_chunk(const char *bytes, size_t length, void *into)
{
        char escape[JSON_PLAIN_ESCAPE_SIZE];
        size_t from = 0, count;
        uint32_t point;

        for (size_t at = 0; at < length; at += count) {
                count = code_point_next(bytes + at, length - at, &point);
                count = count == 0 ? 1 : count;
                if (!code_point_is_unwanted(point))
                        continue;
                text_add_bytes(into, bytes + from, at - from);
                text_add_bytes(into, escape, json_plain_escape(point, escape));
                from = at + count;
        }
        text_add_bytes(into, bytes + from, length - from);
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
