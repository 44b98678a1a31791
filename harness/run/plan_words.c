/* plan_words.c - plays of faults as JSON that a scenario takes.
 *
 * Instances of one service are {service, instances: [..]}; of several they are
 * all of the set that they are drawn from. Numbers have 12 digits, which gives
 * back every decimal that a file may have.
 */
#include "harness/run/plan_words.h"

#include "harness/base/json_plain.h"
#include "harness/base/quantity.h"
#include "harness/run/fault_words.h"

json_t *plan_duration_json(int64_t ns)
{
        char text[QUANTITY_TEXT_SIZE];

        return json_string(quantity_format_duration(text, ns));
}

/* ---- targets */

/* {service, instances} of the places from `first` on that are in one service. */
static json_t *places_json(const struct scenario *scenario, const struct planned_fault *fault,
                           uint32_t *first)
{
        uint32_t service = planned_service(fault, *first);
        json_t *places = json_array();

        for (; *first < fault->place_count && planned_service(fault, *first) == service; (*first)++)
                json_array_append_new(places, json_integer(fault->places[*first]));
        return json_pack("{s:s, s:o}", "service", scenario->fleet.services[service].name,
                         "instances", places);
}

static json_t *instances_json(const struct scenario *scenario, const struct planned_fault *fault)
{
        json_t *sets = json_array(), *only;
        uint32_t at = 0;

        while (at < fault->place_count)
                json_array_append_new(sets, places_json(scenario, fault, &at));
        if (json_array_size(sets) != 1)
                return json_pack("{s:i, s:o}", "random", (int)fault->place_count, "of", sets);
        only = json_incref(json_array_get(sets, 0));
        json_decref(sets);
        return only;
}

static json_t *target_json(const struct scenario *scenario, const struct planned_fault *fault)
{
        const struct target_spec *target = &fault->entry->target;
        const struct fleet_spec *fleet = &scenario->fleet;

        switch (target->kind) {
        case TARGET_INSTANCES:
        case TARGET_RANDOM:
                if (fault->place_count > 0)
                        return instances_json(scenario, fault);
                return json_pack("{s:s, s:s}", "service",
                                 fleet->services[target->kind == TARGET_RANDOM
                                                         ? target->drawn_from[0].service
                                                         : target->service].name,
                                 "instances", "one");
        case TARGET_EDGE:
                return json_pack("{s:s, s:s}", "from",
                                 fleet->services[fleet->edges[target->edge].from].name, "to",
                                 fleet->services[fleet->edges[target->edge].to].name);
        case TARGET_LOAD:
                return json_pack("{s:s}", "load", fleet->loads[target->load].name);
        case TARGET_ZONE:
                return json_pack("{s:s}", "zone", fleet->zones[target->zone].name);
        case TARGET_ZONES:
                return json_pack("{s:s, s:s}", "from", fleet->zones[target->zone].name, "to",
                                 fleet->zones[target->to_zone].name);
        case TARGET_HEALER:
                return json_pack("{s:s, s:s}", "from", target->from_fleet ? "fleet" : "healer",
                                 "to", target->from_fleet ? "healer" : "fleet");
        case TARGET_SERVICE:
                return json_pack("{s:s}", "service", fleet->services[target->service].name);
        case TARGET_NONE:
                break;
        }
        return NULL;
}

/* ---- arguments */

static json_t *argument_json(const struct fault_param *param, double value, const char *given)
{
        char text[64];

        switch (param->unit) {
        case FAULT_RATIO:
        case FAULT_SHARE:
        case FAULT_FACTOR:
                return json_real(value);
        case FAULT_COUNT:
                return json_integer((json_int_t)value);
        case FAULT_BOOL:
                return json_boolean(value != 0);
        case FAULT_VALUE:
                return given != NULL ? json_loads(given, JSON_DECODE_ANY, NULL) : NULL;
        case FAULT_KINDS: {
                json_t *kinds = json_array();

                for (uint32_t i = 0; fault_kinds_at(value, i) != NULL; i++)
                        json_array_append_new(kinds, json_string(fault_kinds_at(value, i)->name));
                return kinds;
        }
        case FAULT_PARAMETER:
        case FAULT_FEATURE:
        case FAULT_ENTRY:
                return given != NULL ? json_string(given) : NULL;
        case FAULT_RATIO_PER_S:
        case FAULT_DURATION:
        case FAULT_BYTES:
        case FAULT_BYTES_PER_S:
        case FAULT_CHOICE:
        default:
                fault_value_text(param, value, text, sizeof(text));
                return json_string(text);
        }
}

static json_t *arguments_json(const struct method_spec *entry)
{
        json_t *arguments = json_object();

        for (size_t i = 0; i < entry->fault->params_count; i++) {
                json_t *value = argument_json(&entry->fault->params[i], entry->arguments[i],
                                              entry->texts[i]);

                if (value != NULL)
                        json_object_set_new(arguments, entry->fault->params[i].name, value);
        }
        return arguments;
}

/* ---- entries */

static void add_ramps(json_t *json, const struct method_spec *entry)
{
        if (entry->ramp_ns > 0)
                json_object_set_new(json, "ramp", plan_duration_json(entry->ramp_ns));
        if (entry->ramp_down_ns > 0)
                json_object_set_new(json, "ramp_down", plan_duration_json(entry->ramp_down_ns));
}

static bool takes_instances(const struct method_spec *entry)
{
        return entry->target.kind == TARGET_INSTANCES || entry->target.kind == TARGET_RANDOM;
}

static bool takes_nobody(const struct planned_fault *fault)
{
        return fault->spared || (takes_instances(fault->entry) && fault->place_count == 0);
}

/* A chance by target was drawn, so it is spent; when no target was taken it is
 * gone. */
static double chance_left(const struct planned_fault *fault)
{
        const struct method_spec *entry = fault->entry;

        if (entry->fault->chance == FAULT_CHANCE_PER_REQUEST)
                return entry->probability;
        return takes_nobody(fault) ? 0.0 : 1.0;
}

json_t *plan_entry_json(const struct scenario *scenario, const struct planned_fault *fault)
{
        const struct method_spec *entry = fault->entry;
        json_t *target = target_json(scenario, fault);
        json_t *json = json_pack("{s:s, s:s, s:o, s:f, s:o}", "name", fault->name, "fault",
                                 entry->fault->name, "at", plan_duration_json(fault->start_ns),
                                 "probability", chance_left(fault), "arguments",
                                 arguments_json(entry));

        if (target != NULL)
                json_object_set_new(json, "target", target);
        if (entry->has_duration)
                json_object_set_new(json, "duration",
                                    plan_duration_json(fault->end_ns - fault->start_ns));
        add_ramps(json, entry);
        if (takes_nobody(fault))
                json_object_set_new(json, "x_note",
                                    json_string(fault->spared ? "chance spared its target in this replication"
                                                : "chance took no instance in this replication"));
        return json;
}

char *plan_entry_text(const struct scenario *scenario, const struct planned_fault *fault)
{
        json_t *json = plan_entry_json(scenario, fault);
        char *text = json != NULL ? json_plain_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;

        json_decref(json);
        return text;
}

static json_t *when_json(const struct scenario *scenario, const struct method_when *when)
{
        json_t *json = json_pack("{s:s}", "event", when->event);

        if (when->action != FLEET_NO_INDEX)
                json_object_set_new(json, "action", json_string(fleet_action_rows[when->action].name));
        if (when->service != FLEET_NO_INDEX)
                json_object_set_new(json, "service",
                                    json_string(scenario->fleet.services[when->service].name));
        json_object_set_new(json, "delay", plan_duration_json(when->delay_ns));
        return json;
}

json_t *plan_waiting_json(const struct scenario *scenario, const struct method_spec *entry)
{
        json_t *json = json_pack("{s:s, s:s, s:f, s:o}", "name", entry->name, "fault",
                                 entry->fault->name, "probability", entry->probability,
                                 "arguments", arguments_json(entry));

        if (entry->timing == TIMING_WHEN)
                json_object_set_new(json, "when", when_json(scenario, &entry->when));
        else if (entry->after_count > 0)
                json_object_set_new(json, "after", json_string(entry->after[0]->name));
        add_ramps(json, entry);
        json_object_set_new(json, "x_note",
                            json_string("its times are not settled: they follow what the healer does"));
        return json;
}
