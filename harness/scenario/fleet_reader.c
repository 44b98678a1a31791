/* fleet_reader.c - the fleet as a whole: zones, telemetry, actuators, operations.
 *
 * A fleet stands in the scenario or in a file of its own; the same reader takes
 * both. Facts of the world (how often telemetry comes, how fast people are)
 * stand here because no strategy may set them.
 *
 * Not here: services and calls (service_reader.c), load (load_reader.c).
 */
#include "harness/scenario/loader.h"

#include <string.h>

#include "harness/base/nearest.h"
#include "harness/sim/time.h"

enum { ZONES_MAX = 64 };

uint32_t find_service(const struct fleet_spec *fleet, const char *name)
{
        for (uint32_t i = 0; i < fleet->service_count; i++)
                if (fleet->services[i].name != NULL && strcmp(fleet->services[i].name, name) == 0)
                        return i;
        return FLEET_NO_INDEX;
}

uint32_t find_zone(const struct fleet_spec *fleet, const char *name)
{
        for (uint32_t i = 0; i < fleet->zone_count; i++)
                if (fleet->zones[i].name != NULL && strcmp(fleet->zones[i].name, name) == 0)
                        return i;
        return FLEET_NO_INDEX;
}

bool read_service(struct read_object *object, const char *key, enum read_need need,
                  const struct fleet_spec *fleet, uint32_t *out)
{
        struct nearest nearest;
        const char *name;
        uint32_t index;

        if (!read_text(object, key, need, &name) || fleet->service_count == 0)
                return false; /* a fleet without services was reported already */
        index = find_service(fleet, name);
        if (index != FLEET_NO_INDEX) {
                *out = index;
                return true;
        }
        nearest_begin(&nearest, name);
        for (uint32_t i = 0; i < fleet->service_count && !read_is_full(object->ctx); i++)
                if (fleet->services[i].name != NULL)
                        nearest_offer(&nearest, fleet->services[i].name);
        read_unknown_name(object->ctx, read_path(object, key), "service", name, nearest.best);
        return false;
}

static bool zone_named(struct read_context *ctx, const char *path, const struct fleet_spec *fleet,
                       const char *name, uint32_t *out)
{
        struct nearest nearest;
        uint32_t index = find_zone(fleet, name);

        if (index != FLEET_NO_INDEX) {
                *out = index;
                return true;
        }
        nearest_begin(&nearest, name);
        for (uint32_t i = 0; i < fleet->zone_count; i++)
                if (fleet->zones[i].name != NULL)
                        nearest_offer(&nearest, fleet->zones[i].name);
        read_unknown_name(ctx, path, "zone", name, nearest.best);
        return false;
}

bool read_zone(struct read_object *object, const char *key, enum read_need need,
               const struct fleet_spec *fleet, uint32_t *out)
{
        const char *name;

        return read_text(object, key, need, &name) &&
               zone_named(object->ctx, read_path(object, key), fleet, name, out);
}

static void load_zones(struct read_object *fleet, struct fleet_spec *out)
{
        const json_t *list = read_list(fleet, "zones", READ_OPTIONAL, ZONES_MAX);
        struct arena *arena = fleet->ctx->session->arena;
        uint32_t count = (uint32_t)json_array_size(list);
        struct zone_spec *zones = ARENA_ARRAY(arena, struct zone_spec, count > 0 ? count : 1);
        struct read_object o;

        if (zones == NULL)
                return;
        zones[0] = (struct zone_spec){.name = "a", .latency_ns = 250 * NS_PER_US};
        out->zones = zones;
        out->zone_count = 1;
        if (list != NULL && count == 0)
                read_error(fleet->ctx, read_path(fleet, "zones"), "the list is empty");
        for (uint32_t i = 0; i < count; i++) {
                const char *path = json_path_index(arena, read_path(fleet, "zones"), i);

                zones[i] = (struct zone_spec){.latency_ns = 250 * NS_PER_US};
                if (!read_object_begin(fleet->ctx, json_array_get(list, i), path, &o))
                        continue;
                out->zone_count = i; /* only those before it can be its double */
                if (read_text(&o, "name", READ_REQUIRED, &zones[i].name) &&
                    find_zone(out, zones[i].name) != FLEET_NO_INDEX)
                        read_error(o.ctx, read_path(&o, "name"), "a second zone named '%s'",
                                   zones[i].name);
                read_duration(&o, "latency", READ_OPTIONAL, 0, NS_PER_MIN, &zones[i].latency_ns);
                read_object_end(&o);
        }
        if (count > 0)
                out->zone_count = count;
}

static void load_telemetry(struct read_object *fleet, struct telemetry_spec *out)
{
        struct read_object o;

        *out = (struct telemetry_spec){
                .interval_ns = 5 * NS_PER_S, .detail_interval_ns = NS_PER_S, .delay_ns = NS_PER_S};
        if (!read_child_begin(fleet, "telemetry", READ_OPTIONAL, &o))
                return;
        read_duration(&o, "interval", READ_OPTIONAL, 100 * NS_PER_MS, NS_PER_HOUR,
                      &out->interval_ns);
        if (out->detail_interval_ns > out->interval_ns)
                out->detail_interval_ns = out->interval_ns;
        if (read_duration(&o, "detail_interval", READ_OPTIONAL, 100 * NS_PER_MS, NS_PER_HOUR,
                          &out->detail_interval_ns) &&
            out->detail_interval_ns > out->interval_ns)
                read_error(o.ctx, read_path(&o, "detail_interval"), "longer than the interval");
        read_duration(&o, "delay", READ_OPTIONAL, 0, NS_PER_HOUR, &out->delay_ns);
        read_ratio(&o, "loss", READ_OPTIONAL, 0, 1, &out->loss);
        read_number(&o, "noise", READ_OPTIONAL, 0, 10, &out->noise_cv);
        read_object_end(&o);
}

static void load_actuator(struct read_object *actuators, const char *action,
                          struct actuator_spec *out)
{
        struct read_object o;

        if (!read_child_begin(actuators, action, READ_OPTIONAL, &o))
                return;
        read_duration(&o, "time", READ_OPTIONAL, 0, 24 * NS_PER_HOUR, &out->time_ns);
        read_ratio(&o, "failure_rate", READ_OPTIONAL, 0, 1, &out->failure_rate);
        read_object_end(&o);
}

static void load_actuators(struct read_object *fleet, struct fleet_spec *out)
{
        struct read_object o;

        for (int i = 0; i < ACTION_KIND_COUNT; i++)
                out->actuators[i] =
                        (struct actuator_spec){.time_ns = fleet_action_rows[i].default_time_ns};
        if (!read_child_begin(fleet, "actuators", READ_OPTIONAL, &o))
                return;
        for (int i = 0; i < ACTION_KIND_COUNT; i++)
                load_actuator(&o, fleet_action_rows[i].name, &out->actuators[i]);
        read_object_end(&o);
}

/* Lognormal by the logarithms of its median in ns and of p99 over median. */
static struct dist human_time(struct arena *arena, double p50_log, double p99_over_p50_log)
{
        struct dist dist = {
                .kind = DIST_LOGNORMAL,
                .p = p50_log,
                .q = p99_over_p50_log / 2.3263478740408408,
        };

        dist_prepare(&dist, arena); /* a failure is the arena's to tell */
        return dist;
}

/* ln(15 min in ns), ln(60 / 15); ln(10 min in ns), ln(60 / 10). */
static void default_operations(struct arena *arena, struct operations_spec *out)
{
        *out = (struct operations_spec){
                .page_burn_rate = 14.4,
                .page_long_ns = NS_PER_HOUR,
                .page_short_ns = 5 * NS_PER_MIN,
                .human_response = human_time(arena, 27.525660600270722, 1.3862943611198906),
                .human_fix = human_time(arena, 27.12019549216256, 1.791759469228055),
        };
}

static void load_think(struct read_object *o, struct operations_spec *out)
{
        const char *text = json_string_value(json_object_get(o->json, "think"));

        if (text != NULL && strcmp(text, "wall") == 0) {
                read_any(o, "think", READ_OPTIONAL);
                out->think_wall = true;
                return;
        }
        read_duration(o, "think", READ_OPTIONAL, 0, NS_PER_HOUR, &out->think_ns);
}

static void load_operations(struct read_object *fleet, struct operations_spec *out)
{
        struct read_object o, page;

        default_operations(fleet->ctx->session->arena, out);
        if (!read_child_begin(fleet, "operations", READ_OPTIONAL, &o))
                return;
        if (read_child_begin(&o, "page_on", READ_OPTIONAL, &page)) {
                read_number(&page, "burn_rate", READ_OPTIONAL, 0.001, 1e6, &out->page_burn_rate);
                read_duration(&page, "long", READ_OPTIONAL, NS_PER_S, LOADER_TIME_MAX_NS,
                              &out->page_long_ns);
                if (read_duration(&page, "short", READ_OPTIONAL, NS_PER_S, LOADER_TIME_MAX_NS,
                                  &out->page_short_ns) &&
                    out->page_short_ns > out->page_long_ns)
                        read_error(page.ctx, read_path(&page, "short"),
                                   "longer than the long window");
                read_object_end(&page);
        }
        read_dist(&o, "human_response", READ_OPTIONAL, LOADER_TIME_MAX_NS, &out->human_response);
        read_dist(&o, "human_fix", READ_OPTIONAL, LOADER_TIME_MAX_NS, &out->human_fix);
        load_think(&o, out);
        read_object_end(&o);
}

/* "fleets/boutique.json" -> "boutique". */
static const char *file_stem(struct arena *arena, const char *path)
{
        const char *slash = strrchr(path, '/');
        char *stem = arena_text(arena, slash != NULL ? slash + 1 : path);
        char *dot = stem != NULL ? strrchr(stem, '.') : NULL;

        if (dot != NULL && dot != stem)
                *dot = '\0';
        return stem != NULL ? stem : "";
}

static void load_fleet_object(struct read_context *ctx, const json_t *json, const char *path,
                              struct fleet_spec *out)
{
        struct read_object fleet;
        const json_t *services;

        if (!read_object_begin(ctx, json, path, &fleet))
                return;
        read_text(&fleet, "name", READ_OPTIONAL, &out->name);
        read_any(&fleet, "description", READ_OPTIONAL);
        load_zones(&fleet, out);
        read_duration(&fleet, "zone_latency", READ_OPTIONAL, 0, NS_PER_MIN, &out->zone_latency_ns);
        load_telemetry(&fleet, &out->telemetry);
        load_actuators(&fleet, out);
        load_operations(&fleet, &out->operations);
        services = read_list(&fleet, "services", READ_REQUIRED, 2000);
        if (services != NULL)
                load_services(ctx, services, read_path(&fleet, "services"), out);
        read_object_end(&fleet);
}

void load_fleet(struct read_context *ctx, const json_t *json, const char *path,
                struct fleet_spec *out)
{
        struct read_context file;
        const json_t *root;

        *out = (struct fleet_spec){.name = "", .zone_latency_ns = NS_PER_MS};
        if (!json_is_string(json)) {
                load_fleet_object(ctx, json, path, out);
                return;
        }
        if (!read_file_begin(ctx, path, json_string_value(json), &file, &root))
                return;
        out->name = file_stem(ctx->session->arena, json_string_value(json));
        load_fleet_object(&file, root, JSON_PATH_ROOT, out);
}
