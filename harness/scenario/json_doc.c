/* json_doc.c - reading a JSON file: text in, values and positions out.
 *
 * The scanner (json_scan.c) leaves one node a value, in the order of the text,
 * each knowing where its subtree ends: children are found by hopping from end
 * to end. Lines and columns are counted only when a message needs them.
 */
#include "harness/scenario/json_doc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/scenario/json_path.h"
#include "harness/scenario/json_scan.h"

struct json_doc {
        char *label;
        char *text;
        size_t size;
        struct json_scan scan;
        json_t *root;
        struct json_position *last; /* the position asked for last: `scan.position` */
};

/* Everything up to JSON_DOC_SIZE_MAX + 1 bytes; errno in the result. */
static int read_all(int fd, char **out, size_t *out_size)
{
        size_t room = 65536, used = 0;
        char *text = malloc(room);

        while (text != NULL && used <= JSON_DOC_SIZE_MAX) {
                ssize_t got;

                if (used == room) {
                        char *larger = realloc(text, room * 2);

                        if (larger == NULL)
                                break;
                        text = larger;
                        room *= 2;
                }
                got = read(fd, text + used, room - used);
                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0) {
                        int error = errno;

                        free(text);
                        return error;
                }
                if (got == 0) {
                        *out = text;
                        *out_size = used;
                        return 0;
                }
                used += (size_t)got;
        }
        free(text);
        return text == NULL || used <= JSON_DOC_SIZE_MAX ? ENOMEM : EFBIG;
}

enum { NOT_A_FILE = -1 }; /* beside the numbers of errno */

static int read_file(const char *path, char **out, size_t *out_size)
{
        struct stat status;
        /* A pipe that nobody writes to must not hold us up. */
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        int error;

        if (fd < 0)
                return errno;
        if (fstat(fd, &status) != 0)
                error = errno;
        else if (S_ISREG(status.st_mode) && status.st_size > JSON_DOC_SIZE_MAX)
                error = EFBIG;
        else if (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode))
                error = NOT_A_FILE;
        else
                error = read_all(fd, out, out_size);
        close(fd);
        return error;
}

/* What jansson still minds is ours to know: the scanner should have said it. */
static bool build_values(struct json_doc *doc, struct diag_list *diags)
{
        json_error_t error;

        doc->root = json_loadb(doc->text, doc->size, JSON_DECODE_ANY, &error);
        if (doc->root != NULL)
                return true;
        diag_add(diags, doc->label, error.line > 0 ? (uint32_t)error.line : 1,
                 error.column > 0 ? (uint32_t)error.column : 1, JSON_PATH_ROOT, "%s", error.text);
        return false;
}

/* Takes `text` over, also on failure. */
static struct json_doc *parse_owned(char *text, size_t size, const char *label,
                                    struct diag_list *diags)
{
        struct json_doc *doc = calloc(1, sizeof(*doc));

        if (doc == NULL || (doc->label = strdup(label)) == NULL) {
                diag_add(diags, label, 0, 0, NULL, "out of memory");
                free(doc);
                free(text);
                return NULL;
        }
        doc->last = &doc->scan.position;
        doc->text = text;
        doc->size = size;
        if (!json_scan_text(&doc->scan, text, size, label, diags) || !build_values(doc, diags)) {
                json_doc_free(doc);
                return NULL;
        }
        return doc;
}

struct json_doc *json_doc_read(const char *path, const char *label, struct diag_list *diags)
{
        size_t size = 0;
        char *text = NULL;
        int error = read_file(path, &text, &size);

        if (error == EFBIG)
                diag_add(diags, label, 0, 0, NULL, "larger than the 64 MiB allowed");
        else if (error != 0)
                diag_add(diags, label, 0, 0, NULL, "cannot be read: %s", error == NOT_A_FILE ? "it is a pipe, not a file" : strerror(error));
        return error == 0 ? parse_owned(text, size, label, diags) : NULL;
}

struct json_doc *json_doc_parse(const char *text, size_t size, const char *label,
                                struct diag_list *diags)
{
        char *copy = malloc(size + 1);

        if (copy == NULL) {
                diag_add(diags, label, 0, 0, NULL, "out of memory");
                return NULL;
        }
        memcpy(copy, text, size);
        return parse_owned(copy, size, label, diags);
}

void json_doc_free(struct json_doc *doc)
{
        if (doc == NULL)
                return;
        json_decref(doc->root);
        json_scan_release(&doc->scan);
        free(doc->text);
        free(doc->label);
        free(doc);
}

json_t *json_doc_root(const struct json_doc *doc)
{
        return doc->root;
}

const char *json_doc_label(const struct json_doc *doc)
{
        return doc->label;
}

const char *json_doc_text(const struct json_doc *doc, size_t *size)
{
        *size = doc->size;
        return doc->text;
}

/* The child of node `parent` that `part` names, or 0 (the root is nobody's). */
static uint32_t find_child(const struct json_doc *doc, uint32_t parent,
                           const struct json_path_part *part)
{
        const struct json_node *nodes = doc->scan.nodes;
        size_t index = 0;

        for (uint32_t i = parent + 1; i < nodes[parent].end; i = nodes[i].end, index++) {
                if (part->step == JSON_PATH_INDEX && nodes[i].key == NULL && index == part->index)
                        return i;
                if (part->step == JSON_PATH_KEY && nodes[i].key != NULL &&
                    strcmp(nodes[i].key, part->key) == 0)
                        return i;
        }
        return 0;
}

void json_doc_locate(const struct json_doc *doc, const char *path, enum json_doc_part part,
                     uint32_t *line, uint32_t *column)
{
        struct json_path_part step;
        uint32_t node = 0, child;

        while (json_path_next(&path, &step) == JSON_PATH_KEY || step.step == JSON_PATH_INDEX) {
                child = find_child(doc, node, &step);
                if (child == 0)
                        break;
                node = child;
        }
        json_scan_position(doc->text,
                           part == JSON_DOC_KEY && doc->scan.nodes[node].key != NULL
                                   ? doc->scan.nodes[node].key_at
                                   : doc->scan.nodes[node].value_at,
                           doc->last);
        *line = doc->last->line;
        *column = doc->last->column;
}
