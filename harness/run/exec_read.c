/* exec_read.c - messages of both ends, read: strictly, since whoever writes them
 * may be anybody's program.
 *
 * An unknown key or name is refused, as in files, and what is wrong is said with
 * its place. Memory: the arena's, a few times the message.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/nearest.h"
#include "harness/run/exec_protocol.h"
#include "harness/run/exec_words.h"
#include "harness/sim/time.h"

#define SECONDS_MAX 9e9 /* as ns still in 64 bits */
#define ID_MAX 9007199254740992.0 /* 2^53 */

enum { LIST_MAX = 100000, WORD_MAX = 64, CONTEXT_MAX = 1000, SEED_DIGITS = 20 };

struct reading {
        struct read_session session;
        struct diag_list diags;
        struct read_context ctx;
        struct arena *arena;
        const struct exec_names *names;
};

/* ---- a message */

static const json_t *reading_begin(struct reading *r, struct arena *arena,
                                   const struct exec_names *names, const char *label,
                                   const char *text, size_t length)
{
        const json_t *root = NULL;

        *r = (struct reading){.arena = arena, .names = names};
        diag_list_init(&r->diags);
        read_session_begin(&r->session, arena, &r->diags);
        if (!read_text_begin(&r->session, label, text, length, JSON_PATH_ROOT, &r->ctx, &root))
                return NULL;
        return root;
}

/* Whether all was right; else the first thing that was not. */
static bool reading_end(struct reading *r, char why[EXEC_WHY_SIZE])
{
        bool ok = !read_failed(&r->session);

        if (!ok && r->diags.count > 0) {
                diag_list_sort(&r->diags);
                diag_format(&r->diags.items[0], why, EXEC_WHY_SIZE);
        } else if (!ok) {
                snprintf(why, EXEC_WHY_SIZE, "out of memory");
        }
        read_session_end(&r->session);
        diag_list_release(&r->diags);
        return ok;
}

/* ---- values */

/* Named among `index`; FLEET_NO_INDEX when the key is absent, null or wrong. */
static uint32_t read_name(struct read_object *o, struct reading *r, const char *key,
                          enum read_need need, const char *what, json_t *index)
{
        const json_t *json = read_any(o, key, need), *at;
        const char *name = json_string_value(json), *each;
        struct nearest nearest;
        json_t *ignored;

        if (json == NULL || json_is_null(json))
                return FLEET_NO_INDEX;
        if (name == NULL) {
                read_wrong_type(&r->ctx, read_path(o, key), json, "a name");
                return FLEET_NO_INDEX;
        }
        at = json_object_get(index, name);
        if (at != NULL)
                return (uint32_t)json_integer_value(at);
        nearest_begin(&nearest, name);
        json_object_foreach(index, each, ignored)
                nearest_offer(&nearest, each);
        read_unknown_name(&r->ctx, read_path(o, key), what, name, nearest.best);
        return FLEET_NO_INDEX;
}

static void read_seconds(struct read_object *o, const char *key, enum read_need need, int64_t *out)
{
        double seconds;

        if (read_number(o, key, need, -SECONDS_MAX, SECONDS_MAX, &seconds))
                *out = llround(seconds * 1e9);
}

static void read_id(struct read_object *o, const char *key, enum read_need need, uint64_t *out)
{
        double id;

        if (read_number(o, key, need, 0, ID_MAX, &id))
                *out = (uint64_t)id;
}

static void read_words(struct read_object *o, const char *key, int bytes_max, const char **out)
{
        const char *word;

        *out = "";
        if (!read_text(o, key, READ_OPTIONAL, &word))
                return;
        if (strlen(word) > (size_t)bytes_max)
                read_error(o->ctx, read_path(o, key), "longer than %d bytes", bytes_max);
        else
                *out = word;
}

static void read_word(struct read_object *o, const char *key, const char **out)
{
        read_words(o, key, WORD_MAX, out);
}

static void read_values(struct read_object *o, const struct exec_value *values, size_t count,
                        void *out)
{
        for (size_t i = 0; i < count; i++) {
                double *value = (double *)(void *)((char *)out + values[i].offset);

                *value = NAN;
                (void)read_number(o, values[i].name, READ_OPTIONAL, -1e300, 1e300, value);
        }
}

/* The objects of a list, one after another: `*item` is opened, and is to be
 * closed with read_object_end(). */
#define EACH_OBJECT(reading, object, list, key, item)                                              \
        for (size_t i_ = 0; (list) != NULL && i_ < json_array_size(list); i_++)                    \
                if (read_object_begin(&(reading)->ctx, json_array_get((list), i_),                 \
                                      json_path_index((reading)->arena, read_path((object), (key)), \
                                                      i_),                                         \
                                      (item)))

/* ---- an answer */

static void read_place(struct read_object *o, struct reading *r, uint32_t *service,
                       uint32_t *instance, uint32_t *edge)
{
        const struct exec_names *names = r->names;

        *service = read_name(o, r, "service", READ_OPTIONAL, "service", names->services_at);
        *instance = read_name(o, r, "instance", READ_OPTIONAL, "instance", names->instances_at);
        *edge = read_name(o, r, "edge", READ_OPTIONAL, "edge", names->edges_at);
        if (*service == FLEET_NO_INDEX && *instance != FLEET_NO_INDEX)
                *service = names->instances[*instance].service;
}

/* The kind of note that a list and a state stand for; NOTE_KIND_COUNT: reported. */
static enum healer_note_kind read_state(struct read_object *o, enum healer_list list)
{
        const char *states[NOTE_KIND_COUNT + 1];
        enum healer_note_kind kinds[NOTE_KIND_COUNT];
        uint32_t count = 0, at = 0;

        for (int kind = 0; kind < NOTE_KIND_COUNT; kind++) {
                if (healer_note_rows[kind].list != list)
                        continue;
                kinds[count] = (enum healer_note_kind)kind;
                states[count++] = healer_note_rows[kind].state;
        }
        states[count] = NULL;
        if (states[0] == NULL)
                return kinds[0];
        if (!read_choice(o, "state", list == LIST_ALARMS ? READ_OPTIONAL : READ_REQUIRED, states, &at))
                at = 0;
        return kinds[at];
}

static void read_note(struct read_object *o, struct reading *r, enum healer_list list,
                      struct healer_note *out)
{
        static const char *const severities[] = {"low", "medium", "high", "critical", NULL};
        uint32_t severity = 0;

        *out = (struct healer_note){.kind = read_state(o, list),
                                    .value = NAN,
                                    .limit = NAN,
                                    .confidence = NAN,
                                    .severity = "",
                                    .eta_ns = TIME_NEVER};
        read_id(o, "id", READ_OPTIONAL, &out->id);
        read_id(o, "episode", READ_OPTIONAL, &out->episode);
        read_word(o, "type", &out->type);
        read_place(o, r, &out->service, &out->instance, &out->edge);
        if (read_choice(o, "severity", READ_OPTIONAL, severities, &severity))
                out->severity = severities[severity];
        read_word(o, "metric", &out->metric);
        (void)read_number(o, "value", READ_OPTIONAL, -1e300, 1e300, &out->value);
        (void)read_number(o, "limit", READ_OPTIONAL, -1e300, 1e300, &out->limit);
        (void)read_number(o, "confidence", READ_OPTIONAL, 0, 1, &out->confidence);
        (void)read_count(o, "rank", READ_OPTIONAL, 0, 1000000, &out->rank);
        read_seconds(o, "eta", READ_OPTIONAL, &out->eta_ns);
        if (list == LIST_ESCALATIONS)
                read_words(o, "context", CONTEXT_MAX, &out->context);
}

static void read_notes(struct read_object *answer, struct reading *r, struct healer_answer *out)
{
        const json_t *lists[LIST_COUNT];
        struct healer_note *notes;
        struct read_object item;
        size_t total = 0;

        for (int list = 0; list < LIST_COUNT; list++) {
                lists[list] = read_list(answer, healer_list_names[list], READ_OPTIONAL, LIST_MAX);
                total += json_array_size(lists[list]);
        }
        notes = ARENA_ARRAY(r->arena, struct healer_note, total + 1);
        for (int list = 0; notes != NULL && list < LIST_COUNT; list++) {
                EACH_OBJECT(r, answer, lists[list], healer_list_names[list], &item) {
                        read_note(&item, r, (enum healer_list)list, &notes[out->note_count++]);
                        read_object_end(&item);
                }
        }
        out->notes = notes;
}

/* The feature of that name as a bit; 0 and reported: the service has none such. */
static uint32_t feature_bit(struct reading *r, const char *path, const struct service_spec *service,
                            const char *name)
{
        struct nearest nearest;

        nearest_begin(&nearest, name);
        for (uint32_t i = 0; i < service->feature_count; i++) {
                if (strcmp(service->features[i].name, name) == 0)
                        return UINT32_C(1) << i;
                nearest_offer(&nearest, service->features[i].name);
        }
        read_unknown_name(&r->ctx, path, "feature", name, nearest.best);
        return 0;
}

/* A list of features of the service, as bits. */
static uint32_t read_features(struct read_object *o, struct reading *r, const char *key,
                              uint32_t service)
{
        const json_t *list = read_list(o, key, READ_OPTIONAL, FEATURES_MAX);
        uint32_t named = 0;

        for (size_t i = 0; i < json_array_size(list); i++) {
                const char *place = json_path_index(r->arena, read_path(o, key), i), *name;

                if (read_text_at(&r->ctx, json_array_get(list, i), place, &name) &&
                    service != FLEET_NO_INDEX)
                        named |= feature_bit(r, place, &r->names->spec->services[service], name);
        }
        return named;
}

/* What a level is to leave. */
static void read_level(struct read_object *action, struct reading *r, uint32_t service,
                       struct fleet_level *out)
{
        struct read_object o;
        uint32_t on;

        if (!read_child_begin(action, "settings", READ_OPTIONAL, &o))
                return;
        *out = (struct fleet_level){.given = true, .capacity = 1, .timeout = 1, .quality = 1};
        (void)read_ratio(&o, "capacity", READ_OPTIONAL, 0.0001, 1, &out->capacity);
        (void)read_ratio(&o, "timeout", READ_OPTIONAL, 0.0001, 1, &out->timeout);
        (void)read_ratio(&o, "quality", READ_OPTIONAL, 0.0001, 1, &out->quality);
        (void)read_count(&o, "concurrency", READ_OPTIONAL, 1, 1000000, &out->concurrency);
        out->off = read_features(&o, r, "off", service);
        on = read_features(&o, r, "on", service);
        if ((out->off & on) != 0)
                read_error(&r->ctx, read_path(&o, "on"), "a feature that is to be off, too");
        out->named = out->off | on;
        read_object_end(&o);
}

static void read_action(struct read_object *o, struct reading *r, struct healer_order *out)
{
        const json_t *json = read_any(o, "action", READ_REQUIRED);
        const char *name = json_string_value(json);
        struct fleet_action *action = &out->action;
        struct nearest nearest;

        *out = (struct healer_order){.action.kind = ACTION_KIND_COUNT};
        read_id(o, "id", READ_REQUIRED, &action->id);
        read_id(o, "episode", READ_OPTIONAL, &out->episode);
        read_id(o, "prediction", READ_OPTIONAL, &out->prediction);
        (void)read_bool(o, "preventive", READ_OPTIONAL, &out->preventive);
        (void)read_number(o, "amount", READ_OPTIONAL, -1e9, 1e9, &action->amount);
        read_place(o, r, &action->service, &action->instance, &action->edge);
        read_level(o, r, action->service, &action->level);
        if (json != NULL && name == NULL)
                read_wrong_type(&r->ctx, read_path(o, "action"), json, "an action's name");
        if (name == NULL)
                return;
        action->kind = fleet_action_kind_of(name);
        if (action->kind == ACTION_KIND_COUNT || !fleet_action_rows[action->kind].supported) {
                nearest_begin(&nearest, name);
                for (int kind = 0; kind < ACTION_KIND_COUNT; kind++)
                        if (fleet_action_rows[kind].supported)
                                nearest_offer(&nearest, fleet_action_rows[kind].name);
                read_unknown_name(&r->ctx, read_path(o, "action"), "action", name, nearest.best);
        } else if (action->service == FLEET_NO_INDEX) {
                read_error(&r->ctx, o->path, "%s needs a service or an instance", name);
        } else if (fleet_action_rows[action->kind].needs_instance &&
                   action->instance == FLEET_NO_INDEX) {
                read_error(&r->ctx, o->path, "%s needs an instance", name);
        }
}

static void read_actions(struct read_object *answer, struct reading *r, struct healer_answer *out)
{
        const json_t *list = read_list(answer, "actions", READ_OPTIONAL, LIST_MAX);
        struct healer_order *orders =
                ARENA_ARRAY(r->arena, struct healer_order, json_array_size(list) + 1);
        struct read_object item;

        if (orders == NULL)
                return;
        EACH_OBJECT(r, answer, list, "actions", &item) {
                read_action(&item, r, &orders[out->order_count++]);
                read_object_end(&item);
        }
        out->orders = orders;
}

static void read_protection(struct reading *r, const json_t *json, const char *path,
                            struct edge_protection *out)
{
        struct read_object o;

        if (json_is_null(json) || !read_object_begin(&r->ctx, json, path, &o))
                return;
        for (int policy = 0; policy < STRATEGY_POLICY_COUNT; policy++) {
                const json_t *settings =
                        read_any(&o, strategy_policy_names[policy], READ_OPTIONAL);
                struct strategy_rule *rule;

                if (settings == NULL || json_is_null(settings))
                        continue;
                rule = ARENA_NEW(r->arena, struct strategy_rule);
                if (rule == NULL)
                        break;
                strategy_rule_read(&r->ctx, settings, read_path(&o, strategy_policy_names[policy]),
                                   (enum strategy_policy)policy, rule);
                out->rules[policy] = rule;
        }
        read_object_end(&o);
}

static void read_policies(struct read_object *answer, struct reading *r, struct healer_answer *out)
{
        const json_t *json = read_any(answer, "policies", READ_OPTIONAL), *at;
        const char *path = read_path(answer, "policies"), *name;
        struct edge_protection *protections;
        json_t *settings;

        if (json == NULL)
                return;
        if (!json_is_object(json)) {
                read_wrong_type(&r->ctx, path, json, "an object of edges");
                return;
        }
        protections = ARENA_ARRAY(r->arena, struct edge_protection, json_object_size(json) + 1);
        if (protections == NULL)
                return;
        out->protections = protections;
        json_object_foreach((json_t *)(uintptr_t)json, name, settings)
        {
                const char *place = json_path_key(r->arena, path, name);
                struct edge_protection *protection = &protections[out->protection_count];
                struct nearest nearest;

                at = json_object_get(r->names->edges_at, name);
                if (at == NULL || json_integer_value(at) >= (json_int_t)r->names->spec->edge_count) {
                        nearest_begin(&nearest, name);
                        for (uint32_t i = 0; i < r->names->spec->edge_count; i++)
                                nearest_offer(&nearest, r->names->edges[i]);
                        read_unknown_name(&r->ctx, place, "edge", name, nearest.best);
                        continue;
                }
                protection->edge = (uint32_t)json_integer_value(at);
                read_protection(r, settings, place, protection);
                out->protection_count++;
        }
}

static void read_next_wake(struct read_object *answer, struct healer_answer *out)
{
        const json_t *json = read_any(answer, "next_wake", READ_REQUIRED);

        if (json != NULL && !json_is_null(json))
                read_seconds(answer, "next_wake", READ_REQUIRED, &out->next_wake_ns);
}

bool exec_read_answer(struct arena *arena, const struct exec_names *names, const char *text,
                      size_t length, struct healer_answer *out, char why[EXEC_WHY_SIZE])
{
        struct reading r;
        struct read_object answer;
        const json_t *root = reading_begin(&r, arena, names, "answer", text, length);

        *out = (struct healer_answer){.next_wake_ns = TIME_NEVER};
        if (root != NULL && read_object_begin(&r.ctx, root, JSON_PATH_ROOT, &answer)) {
                read_notes(&answer, &r, out);
                read_actions(&answer, &r, out);
                read_policies(&answer, &r, out);
                read_next_wake(&answer, out);
                read_object_end(&answer);
        }
        return reading_end(&r, why);
}

/* ---- a wake-up */

static void read_new_instances(struct read_object *o, struct reading *r, struct arena *lasting,
                               struct exec_names *names)
{
        const json_t *list = read_list(o, "instances", READ_OPTIONAL, READ_ELEMENTS_MAX);
        struct read_object item;

        EACH_OBJECT(r, o, list, "instances", &item) {
                struct healer_instance fresh = {.version = ""};
                const char *name = NULL, *version = "", *zone;

                (void)read_text(&item, "name", READ_REQUIRED, &name);
                fresh.service = read_name(&item, r, "service", READ_REQUIRED, "service",
                                          names->services_at);
                (void)read_text(&item, "version", READ_OPTIONAL, &version);
                (void)read_text(&item, "zone", READ_OPTIONAL, &zone); /* libhealer asks for none */
                read_object_end(&item);
                fresh.name = name == NULL ? NULL : arena_text(lasting, name);
                fresh.version = arena_text(lasting, version);
                if (fresh.name != NULL && fresh.service != FLEET_NO_INDEX)
                        (void)exec_names_add(names, &fresh);
        }
}

static void read_batch(struct read_object *o, struct reading *r, struct telemetry_batch *out)
{
        const json_t *instances, *edges;
        struct instance_sample *instance;
        struct edge_sample *edge;
        struct read_object item;

        memset(out, 0, sizeof(*out));
        read_seconds(o, "from", READ_REQUIRED, &out->from_ns);
        read_seconds(o, "to", READ_REQUIRED, &out->to_ns);
        instances = read_list(o, "instances", READ_OPTIONAL, READ_ELEMENTS_MAX);
        edges = read_list(o, "edges", READ_OPTIONAL, READ_ELEMENTS_MAX);
        instance = ARENA_ARRAY(r->arena, struct instance_sample, json_array_size(instances) + 1);
        edge = ARENA_ARRAY(r->arena, struct edge_sample, json_array_size(edges) + 1);
        if (instance == NULL || edge == NULL)
                return;
        out->instances = instance;
        out->edges = edge;
        EACH_OBJECT(r, o, instances, "instances", &item) {
                read_values(&item, exec_instance_values, exec_instance_value_count, instance);
                instance->instance = read_name(&item, r, "instance", READ_REQUIRED, "instance",
                                               r->names->instances_at);
                read_id(&item, "requests", READ_OPTIONAL, &instance->requests);
                read_object_end(&item);
                if (instance->instance == FLEET_NO_INDEX)
                        continue;
                instance->service = r->names->instances[instance->instance].service;
                instance++;
                out->instance_count++;
        }
        EACH_OBJECT(r, o, edges, "edges", &item) {
                read_values(&item, exec_edge_values, exec_edge_value_count, edge);
                edge->edge = read_name(&item, r, "edge", READ_REQUIRED, "edge", r->names->edges_at);
                read_id(&item, "calls", READ_OPTIONAL, &edge->calls);
                read_object_end(&item);
                out->edge_count += edge->edge != FLEET_NO_INDEX;
                edge += edge->edge != FLEET_NO_INDEX;
        }
}

static void read_batches(struct read_object *o, struct reading *r, struct healer_wake *out)
{
        const json_t *list = read_list(o, "telemetry", READ_OPTIONAL, LIST_MAX);
        struct telemetry_batch *batches =
                ARENA_ARRAY(r->arena, struct telemetry_batch, json_array_size(list) + 1);
        struct read_object item;

        if (batches == NULL)
                return;
        EACH_OBJECT(r, o, list, "telemetry", &item) {
                read_batch(&item, r, &batches[out->batch_count++]);
                read_object_end(&item);
        }
        out->batches = batches;
}

static void read_event(struct read_object *o, struct reading *r, struct fleet_event *out)
{
        const char *names[FLEET_EVENT_KIND_COUNT + 1];
        uint32_t kind = 0;
        double code = 0;

        memset(out, 0, sizeof(*out));
        for (int i = 0; i < FLEET_EVENT_KIND_COUNT; i++)
                names[i] = fleet_event_names[i];
        names[FLEET_EVENT_KIND_COUNT] = NULL;
        read_seconds(o, "t", READ_REQUIRED, &out->at_ns);
        (void)read_choice(o, "event", READ_REQUIRED, names, &kind);
        out->kind = (enum fleet_event_kind)kind;
        out->service = read_name(o, r, "service", READ_OPTIONAL, "service", r->names->services_at);
        out->instance =
                read_name(o, r, "instance", READ_OPTIONAL, "instance", r->names->instances_at);
        out->edge = read_name(o, r, "edge", READ_OPTIONAL, "edge", r->names->edges_at);
        if (read_number(o, "code", READ_OPTIONAL, -65536, 65536, &code))
                out->code = (int)code;
        (void)read_bool(o, "oom", READ_OPTIONAL, &out->oom);
        out->text = "";
        (void)read_text(o, "text", READ_OPTIONAL, &out->text);
}

static void read_events(struct read_object *o, struct reading *r, struct healer_wake *out)
{
        const json_t *list = read_list(o, "events", READ_OPTIONAL, READ_ELEMENTS_MAX);
        struct fleet_event *events =
                ARENA_ARRAY(r->arena, struct fleet_event, json_array_size(list) + 1);
        struct read_object item;

        if (events == NULL)
                return;
        EACH_OBJECT(r, o, list, "events", &item) {
                read_event(&item, r, &events[out->event_count++]);
                read_object_end(&item);
        }
        out->events = events;
}

static void read_result(struct read_object *o, struct reading *r, struct fleet_action_result *out)
{
        const char *name = NULL;

        memset(out, 0, sizeof(*out));
        read_id(o, "id", READ_REQUIRED, &out->id);
        (void)read_text(o, "action", READ_REQUIRED, &name);
        out->kind = name == NULL ? ACTION_KIND_COUNT : fleet_action_kind_of(name);
        if (name != NULL && out->kind == ACTION_KIND_COUNT)
                read_error(&r->ctx, read_path(o, "action"), "no action named '%s'", name);
        out->service = read_name(o, r, "service", READ_OPTIONAL, "service", r->names->services_at);
        out->instance =
                read_name(o, r, "instance", READ_OPTIONAL, "instance", r->names->instances_at);
        read_seconds(o, "started", READ_OPTIONAL, &out->started_at_ns);
        read_seconds(o, "finished", READ_REQUIRED, &out->finished_at_ns);
        (void)read_bool(o, "ok", READ_REQUIRED, &out->ok);
        out->reason = "";
        (void)read_text(o, "reason", READ_OPTIONAL, &out->reason);
}

static void read_results(struct read_object *o, struct reading *r, struct healer_wake *out)
{
        const json_t *list = read_list(o, "results", READ_OPTIONAL, READ_ELEMENTS_MAX);
        struct fleet_action_result *results =
                ARENA_ARRAY(r->arena, struct fleet_action_result, json_array_size(list) + 1);
        struct read_object item;

        if (results == NULL)
                return;
        EACH_OBJECT(r, o, list, "results", &item) {
                read_result(&item, r, &results[out->result_count++]);
                read_object_end(&item);
        }
        out->results = results;
}

static void read_breakers(struct read_object *o, struct reading *r, struct healer_wake *out)
{
        bool *open = ARENA_ARRAY(r->arena, bool, r->names->edge_count + 1);
        const char *const *names = NULL;
        size_t count = 0;

        if (open == NULL)
                return;
        out->breaker_open = open;
        if (!read_texts(o, "breakers", READ_OPTIONAL, LIST_MAX, &names, &count))
                return;
        for (size_t i = 0; i < count; i++) {
                const json_t *at = json_object_get(r->names->edges_at, names[i]);

                if (at == NULL)
                        read_error(&r->ctx, read_path(o, "breakers"), "no edge named '%s'", names[i]);
                else
                        open[json_integer_value(at)] = true;
        }
}

bool exec_read_wake(struct arena *arena, struct arena *lasting, struct exec_names *names,
                    const char *text, size_t length, struct healer_wake *out,
                    char why[EXEC_WHY_SIZE])
{
        struct reading r;
        struct read_object wake;
        const json_t *root = reading_begin(&r, arena, names, "wake-up", text, length);

        memset(out, 0, sizeof(*out));
        if (root != NULL && read_object_begin(&r.ctx, root, JSON_PATH_ROOT, &wake)) {
                read_seconds(&wake, "t", READ_REQUIRED, &out->now_ns);
                read_new_instances(&wake, &r, lasting, names);
                read_batches(&wake, &r, out);
                read_events(&wake, &r, out);
                read_results(&wake, &r, out);
                read_breakers(&wake, &r, out);
                read_object_end(&wake);
        }
        out->instances = names->instances;
        out->instance_count = names->instance_count;
        return reading_end(&r, why);
}

/* ---- hello */

struct topology {
        struct fleet_spec *spec;
        struct service_spec *services;
        struct edge_spec *edges;
        struct load_spec *loads;
        struct healer_instance *instances;
        const char **edge_names;
        uint32_t instance_count, edge_count;
        json_t *services_at;
};

/* Their names: what leaving one out is worth is the fleet's. */
static void read_feature_names(struct read_object *o, struct reading *r, struct service_spec *out)
{
        const json_t *list = read_list(o, "features", READ_OPTIONAL, FEATURES_MAX);
        struct feature_spec *features =
                ARENA_ARRAY(r->arena, struct feature_spec, json_array_size(list) + 1);

        if (features == NULL)
                return;
        out->features = features;
        for (size_t i = 0; i < json_array_size(list); i++)
                if (read_text_at(&r->ctx, json_array_get(list, i),
                                 json_path_index(r->arena, read_path(o, "features"), i),
                                 &features[out->feature_count].name))
                        out->feature_count++;
}

static void read_service(struct read_object *o, struct reading *r, struct service_spec *out)
{
        struct read_object slo;
        double bytes;

        *out = (struct service_spec){.queue_max = QUEUE_UNBOUNDED};
        (void)read_text(o, "name", READ_REQUIRED, &out->name);
        (void)read_count(o, "concurrency", READ_REQUIRED, 1, UINT32_MAX, &out->concurrency);
        (void)read_count(o, "queue", READ_OPTIONAL, 0, UINT32_MAX, &out->queue_max);
        (void)read_number(o, "cpu_cores", READ_OPTIONAL, 0, 1e9, &out->cpu_cores);
        if (read_number(o, "memory_limit", READ_OPTIONAL, 0, 9e18, &bytes))
                out->memory_limit_bytes = (int64_t)bytes;
        (void)read_bool(o, "critical", READ_OPTIONAL, &out->critical);
        read_seconds(o, "restart_time", READ_REQUIRED, &out->restart_time_ns);
        read_seconds(o, "boot_time", READ_REQUIRED, &out->boot_time_ns);
        read_feature_names(o, r, out);
        if (!read_child_begin(o, "slo", READ_OPTIONAL, &slo))
                return;
        out->slo.present = true;
        out->slo.latency_ns = TIME_NEVER;
        (void)read_number(&slo, "target", READ_REQUIRED, 0, 1, &out->slo.target);
        read_seconds(&slo, "latency", READ_OPTIONAL, &out->slo.latency_ns);
        read_object_end(&slo);
}

static void read_services(struct read_object *o, struct reading *r, struct topology *out)
{
        const json_t *list = read_list(o, "services", READ_REQUIRED, READ_ELEMENTS_MAX);
        struct read_object item;

        out->services = ARENA_ARRAY(r->arena, struct service_spec, json_array_size(list) + 1);
        if (out->services == NULL || out->services_at == NULL)
                return;
        EACH_OBJECT(r, o, list, "services", &item) {
                struct service_spec *service = &out->services[out->spec->service_count];

                read_service(&item, r, service);
                read_object_end(&item);
                if (service->name == NULL)
                        continue;
                json_object_set_new_nocheck(out->services_at, service->name,
                                            json_integer(out->spec->service_count++));
        }
}

static void read_instances(struct read_object *o, struct reading *r, struct topology *out)
{
        const json_t *list = read_list(o, "instances", READ_REQUIRED, READ_ELEMENTS_MAX);
        struct read_object item;

        out->instances = ARENA_ARRAY(r->arena, struct healer_instance, json_array_size(list) + 1);
        if (out->instances == NULL)
                return;
        EACH_OBJECT(r, o, list, "instances", &item) {
                struct healer_instance *instance = &out->instances[out->instance_count];
                const char *zone;

                *instance = (struct healer_instance){.version = ""};
                (void)read_text(&item, "name", READ_REQUIRED, &instance->name);
                instance->service = read_name(&item, r, "service", READ_REQUIRED, "service",
                                              out->services_at);
                (void)read_text(&item, "zone", READ_OPTIONAL, &zone); /* libhealer asks for none */
                (void)read_text(&item, "version", READ_OPTIONAL, &instance->version);
                read_object_end(&item);
                out->instance_count += instance->name != NULL && instance->service != FLEET_NO_INDEX;
        }
}

/* Declared edges come first, then those of load sources, as the run has them. */
static void read_edge(struct read_object *o, struct reading *r, struct topology *out)
{
        uint32_t from = read_name(o, r, "from", READ_REQUIRED, "service", out->services_at);
        uint32_t to = read_name(o, r, "to", READ_REQUIRED, "service", out->services_at);
        uint32_t fallback = FALLBACK_NONE;
        const char *name = "";

        (void)read_text(o, "name", READ_REQUIRED, &name);
        (void)read_choice(o, "fallback", READ_OPTIONAL, exec_fallback_names, &fallback);
        if (to == FLEET_NO_INDEX)
                return;
        if (from == FLEET_NO_INDEX) {
                out->loads[out->spec->load_count++] = (struct load_spec){.name = name, .to = to};
        } else if (out->spec->load_count > 0) {
                read_error(&r->ctx, o->path, "edges of load sources come last");
                return;
        } else {
                out->edges[out->spec->edge_count++] =
                        (struct edge_spec){.name = name,
                                           .from = from,
                                           .to = to,
                                           .fallback = (enum fleet_fallback_kind)fallback};
        }
        out->edge_names[out->edge_count++] = name;
}

static void read_edges(struct read_object *o, struct reading *r, struct topology *out)
{
        const json_t *list = read_list(o, "edges", READ_REQUIRED, READ_ELEMENTS_MAX);
        size_t count = json_array_size(list) + 1;
        struct read_object item;

        out->edges = ARENA_ARRAY(r->arena, struct edge_spec, count);
        out->loads = ARENA_ARRAY(r->arena, struct load_spec, count);
        out->edge_names = ARENA_ARRAY(r->arena, const char *, count);
        if (out->edges == NULL || out->loads == NULL || out->edge_names == NULL)
                return;
        EACH_OBJECT(r, o, list, "edges", &item) {
                read_edge(&item, r, out);
                read_object_end(&item);
        }
}

static void read_topology(struct read_object *hello, struct reading *r, struct topology *out)
{
        const char *const *zones;
        struct read_object o;
        size_t count;

        if (!read_child_begin(hello, "topology", READ_REQUIRED, &o))
                return;
        (void)read_texts(&o, "zones", READ_OPTIONAL, LIST_MAX, &zones, &count);
        read_services(&o, r, out);
        read_instances(&o, r, out);
        read_edges(&o, r, out);
        read_object_end(&o);
}

static void read_seed(struct read_object *hello, uint64_t *out)
{
        const char *text = NULL;
        char *end;

        if (!read_text(hello, "seed", READ_REQUIRED, &text))
                return;
        *out = strtoull(text, &end, 10);
        if (*text == '\0' || strlen(text) > SEED_DIGITS || *end != '\0')
                read_error(hello->ctx, read_path(hello, "seed"), "digits are wanted");
}

bool exec_read_hello(struct arena *arena, const char *text, size_t length,
                     struct healer_world *out, uint64_t *key, char why[EXEC_WHY_SIZE])
{
        struct topology topology = {.spec = ARENA_NEW(arena, struct fleet_spec),
                                    .services_at = json_object()};
        struct reading r;
        struct read_object hello;
        const json_t *root = reading_begin(&r, arena, NULL, "hello", text, length);
        uint32_t version = 0;
        int64_t t_ns;
        bool ok;

        if (root != NULL && topology.spec != NULL && topology.services_at != NULL &&
            read_object_begin(&r.ctx, root, JSON_PATH_ROOT, &hello)) {
                (void)read_count(&hello, "hello", READ_REQUIRED, EXEC_PROTOCOL_VERSION,
                                 EXEC_PROTOCOL_VERSION, &version);
                read_seconds(&hello, "t", READ_REQUIRED, &t_ns);
                read_seed(&hello, key);
                read_topology(&hello, &r, &topology);
                (void)read_any(&hello, "actions", READ_OPTIONAL); /* libhealer knows them */
                read_object_end(&hello);
        }
        ok = reading_end(&r, why);
        json_decref(topology.services_at);
        if (!ok)
                return false;
        topology.spec->services = topology.services;
        topology.spec->edges = topology.edges;
        topology.spec->loads = topology.loads;
        *out = (struct healer_world){.spec = topology.spec,
                                     .instances = topology.instances,
                                     .instance_count = topology.instance_count,
                                     .edge_count = topology.edge_count,
                                     .edge_names = topology.edge_names};
        return true;
}
