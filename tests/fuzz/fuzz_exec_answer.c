/* fuzz_exec_answer.c - any bytes as the answer of a healer that is a program: no
 * crash, no leak, and a refusal always says why. What is taken can be said again
 * and is then the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harness/run/exec_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const struct service_spec services[] = {{.name = "shop"}, {.name = "bank"}};
static const struct edge_spec edges[] = {{.name = "shop->bank", .from = 0, .to = 1}};
static const struct load_spec loads[] = {{.name = "people", .to = 0}};
static const struct fleet_spec fleet = {.services = services,
                                        .service_count = 2,
                                        .edges = edges,
                                        .edge_count = 1,
                                        .loads = loads,
                                        .load_count = 1};
static const struct healer_instance instances[] = {{0, 0, "shop-0", "v1"}, {1, 0, "bank-0", "v1"}};
static const char *const edge_names[] = {"shop->bank", "people->shop"};
static const struct healer_world world = {&fleet, instances, 2, 2, edge_names, .now_ns = 0};

static void say_again(const struct exec_names *names, const struct healer_answer *answer)
{
        struct json_line line = {0}, again = {0};
        struct healer_answer back;
        char why[EXEC_WHY_SIZE];
        struct arena arena;
        const char *text, *text_again;
        size_t length, length_again;

        arena_init(&arena);
        exec_write_answer(&line, names, answer);
        text = json_line_text(&line, &length);
        if (text == NULL || !exec_read_answer(&arena, names, text, length, &back, why))
                abort();
        exec_write_answer(&again, names, &back);
        text_again = json_line_text(&again, &length_again);
        if (text_again == NULL || length != length_again || memcmp(text, text_again, length) != 0)
                abort();
        json_line_free(&line);
        json_line_free(&again);
        arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        char why[EXEC_WHY_SIZE] = "";
        struct healer_answer answer;
        struct exec_names names;
        struct arena arena;

        arena_init(&arena);
        if (!exec_names_init(&names, &world))
                abort();
        if (exec_read_answer(&arena, &names, (const char *)bytes, size, &answer, why))
                say_again(&names, &answer);
        else if (why[0] == '\0')
                abort();
        exec_names_free(&names);
        arena_release(&arena);
        return 0;
}
