/* diag.c - the list of diagnostics.
 *
 * Items and their texts are on the heap, freed with the list. Sorting is an
 * insertion sort over at most DIAG_KEPT_MAX items: stable, and no callback that
 * would have to break ties by address.
 *
 * Not here: where in a file a JSON path is (scenario/json_doc.c).
 */
#include "harness/base/diag.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/memory.h"

enum { EXCERPT_BYTES = 60 };

void diag_list_init(struct diag_list *list)
{
        *list = (struct diag_list){0};
}

static void diag_release(struct diag *diag)
{
        free(diag->file);
        free(diag->path);
        free(diag->text);
}

void diag_list_release(struct diag_list *list)
{
        for (size_t i = 0; i < list->count; i++)
                diag_release(&list->items[i]);
        free(list->items);
        *list = (struct diag_list){0};
}

/* Bytes that would move a terminal's cursor or hide text become '?'. */
static void make_printable(char *text)
{
        for (; *text != '\0'; text++)
                if ((unsigned char)*text < 0x20 || *text == 0x7f)
                        *text = '?';
}

static uint32_t file_order(const struct diag_list *list, const char *file)
{
        uint32_t order = 0;

        for (size_t i = 0; i < list->count; i++) {
                if (strcmp(list->items[i].file, file) == 0)
                        return list->items[i].file_order;
                if (list->items[i].file_order >= order)
                        order = list->items[i].file_order + 1;
        }
        return order;
}

void diag_add(struct diag_list *list, const char *file, uint32_t line, uint32_t column,
              const char *path, const char *format, ...)
{
        char text[DIAG_TEXT_MAX];
        struct diag diag = {.line = line, .column = column};
        va_list arguments;

        if (list->count == DIAG_KEPT_MAX) {
                list->dropped++;
                return;
        }
        if (list->items == NULL)
                list->items = calloc(DIAG_KEPT_MAX, sizeof(*list->items));
        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        diag.file = strdup(file);
        diag.path = path != NULL ? strdup(path) : NULL;
        diag.text = strdup(text);
        if (list->items == NULL || diag.file == NULL || diag.text == NULL ||
            (path != NULL && diag.path == NULL)) {
                diag_release(&diag);
                list->dropped++;
                return;
        }
        make_printable(diag.file);
        make_printable(diag.text);
        if (diag.path != NULL)
                make_printable(diag.path);
        diag.file_order = file_order(list, diag.file);
        list->items[list->count++] = diag;
}

size_t diag_total(const struct diag_list *list)
{
        return list->count + list->dropped;
}

static bool comes_after(const struct diag *a, const struct diag *b)
{
        if (a->file_order != b->file_order)
                return a->file_order > b->file_order;
        if (a->line != b->line)
                return a->line > b->line;
        return a->column > b->column;
}

void diag_list_sort(struct diag_list *list)
{
        for (size_t i = 1; i < list->count; i++) {
                struct diag moving = list->items[i];
                size_t at = i;

                for (; at > 0 && comes_after(&list->items[at - 1], &moving); at--)
                        list->items[at] = list->items[at - 1];
                list->items[at] = moving;
        }
}

void diag_format(const struct diag *diag, char *buffer, size_t size)
{
        const char *path = diag->path != NULL ? diag->path : "";
        const char *colon = diag->path != NULL ? ": " : "";

        if (diag->line == 0)
                snprintf(buffer, size, "%s: %s%s%s", diag->file, path, colon, diag->text);
        else
                snprintf(buffer, size, "%s:%u:%u: %s%s%s", diag->file, diag->line, diag->column,
                         path, colon, diag->text);
}

bool diag_list_print(const struct diag_list *list, FILE *stream)
{
        /* What was not understood for lack of memory is not the file's fault. */
        if (memory_ran_out())
                return true;
        for (size_t i = 0; i < list->count; i++) {
                const struct diag *diag = &list->items[i];

                fputs(diag->file, stream);
                if (diag->line != 0)
                        fprintf(stream, ":%u:%u", diag->line, diag->column);
                if (diag->path != NULL)
                        fprintf(stream, ": %s", diag->path);
                fprintf(stream, ": %s\n", diag->text);
        }
        if (list->dropped > 0)
                fprintf(stream, "... and %zu more\n", list->dropped);
        return ferror(stream) == 0;
}

const char *diag_excerpt(char buffer[DIAG_EXCERPT_SIZE], const char *text)
{
        size_t used = 0;

        for (const char *c = text; *c != '\0'; c++) {
                unsigned char byte = (unsigned char)*c;
                bool starts_character = (byte & 0xc0) != 0x80;

                if (used >= EXCERPT_BYTES && starts_character) {
                        memcpy(buffer + used, "...", 3);
                        used += 3;
                        break;
                }
                if (byte < 0x20 || byte == 0x7f)
                        used += (size_t)snprintf(buffer + used, 7, "\\u%04x", (unsigned)byte);
                else if (used < DIAG_EXCERPT_SIZE - 8)
                        buffer[used++] = *c;
        }
        buffer[used] = '\0';
        return buffer;
}
