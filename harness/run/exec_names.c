/* exec_names.c - names of services, edges and instances, and back. */
#include "harness/run/exec_protocol.h"

#include <stdlib.h>
#include <string.h>

static bool put(json_t *index, const char *name, uint32_t at)
{
        return json_object_set_new_nocheck(index, name, json_integer(at)) == 0;
}

bool exec_names_add(struct exec_names *names, const struct healer_instance *instance)
{
        struct healer_instance *grown;
        uint32_t room = names->instance_room;

        if (names->instance_count == room) {
                room = room * 2 + 16;
                grown = realloc(names->instances, room * sizeof(*grown));
                if (grown == NULL)
                        return false;
                names->instances = grown;
                names->instance_room = room;
        }
        names->instances[names->instance_count] = *instance;
        return put(names->instances_at, instance->name, names->instance_count++);
}

bool exec_names_init(struct exec_names *names, const struct healer_world *world)
{
        bool ok;

        *names = (struct exec_names){.spec = world->spec,
                                     .edges = world->edge_names,
                                     .edge_count = world->edge_count,
                                     .services_at = json_object(),
                                     .edges_at = json_object(),
                                     .instances_at = json_object()};
        ok = names->services_at != NULL && names->edges_at != NULL && names->instances_at != NULL;
        for (uint32_t i = 0; ok && i < world->spec->service_count; i++)
                ok = put(names->services_at, world->spec->services[i].name, i);
        for (uint32_t i = 0; ok && i < world->edge_count; i++)
                ok = put(names->edges_at, world->edge_names[i], i);
        for (uint32_t i = 0; ok && i < world->instance_count; i++)
                ok = exec_names_add(names, &world->instances[i]);
        if (!ok)
                exec_names_free(names);
        return ok;
}

void exec_names_free(struct exec_names *names)
{
        json_decref(names->services_at);
        json_decref(names->edges_at);
        json_decref(names->instances_at);
        free(names->instances);
        memset(names, 0, sizeof(*names));
}
