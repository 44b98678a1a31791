/* harness/run/exec_protocol.h - the lines between a run and a healer of any kind.
 *
 * One JSON object a line, in lock-step; PROTOCOL.md beside this file describes it
 * for people, healer-protocol.schema.json for machines. The run says hello,
 * which is not answered, and then tells at each wake-up what came, which is
 * answered by what the healer noticed and wants. Things go by their names, times
 * by seconds; what nobody measured is left out.
 *
 * Both ends are here: a run writes hello and wake-ups and reads answers
 * (exec_healer.c), and libhealer as a program of its own does it the other way
 * round (exec_speaker.c). What one end writes the other reads back exactly.
 */
#ifndef CHAOS_RUN_EXEC_PROTOCOL_H
#define CHAOS_RUN_EXEC_PROTOCOL_H

#include <jansson.h>

#include "harness/base/arena.h"
#include "harness/base/json_line.h"
#include "harness/run/healer_face.h"

enum { EXEC_PROTOCOL_VERSION = 1, EXEC_WHY_SIZE = 512 };

/* What goes by a name, on one end of the line. */
struct exec_names {
        const struct fleet_spec *spec;
        const char *const *edges; /* [edge_count], also of load sources */
        uint32_t edge_count;
        struct healer_instance *instances; /* those that are known so far */
        uint32_t instance_count, instance_room;
        json_t *services_at, *edges_at, *instances_at; /* name -> index */
};

/* The names of a world, which must outlive them. False when memory is out. */
bool exec_names_init(struct exec_names *names, const struct healer_world *world);
void exec_names_free(struct exec_names *names);
/* One more instance; its name must outlive the names. */
bool exec_names_add(struct exec_names *names, const struct healer_instance *instance);

/* ---- the run's end */

void exec_write_hello(struct json_line *line, const struct exec_names *names, uint64_t key,
                      int64_t now_ns);

/* Instances that the other end does not know yet are told, and added to names.
 * False when memory is out. */
bool exec_write_wake(struct json_line *line, struct exec_names *names,
                     const struct healer_wake *wake);

/* What an answer says; its lists are in `arena` and live as long. False: `why`
 * says where and what is wrong. */
bool exec_read_answer(struct arena *arena, const struct exec_names *names, const char *text,
                      size_t length, struct healer_answer *out, char why[EXEC_WHY_SIZE]);

/* ---- the other end */

/* A world as hello tells it; all of it is in `arena`. */
bool exec_read_hello(struct arena *arena, const char *text, size_t length,
                     struct healer_world *out, uint64_t *key, char why[EXEC_WHY_SIZE]);

/* A wake-up; lists are in `arena`, names of new instances in `lasting`. */
bool exec_read_wake(struct arena *arena, struct arena *lasting, struct exec_names *names,
                    const char *text, size_t length, struct healer_wake *out,
                    char why[EXEC_WHY_SIZE]);

void exec_write_answer(struct json_line *line, const struct exec_names *names,
                       const struct healer_answer *answer);

#endif
