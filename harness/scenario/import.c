/* import.c - experiments of Chaos Toolkit and files of toxiproxy, as far as they
 * have a meaning here.
 *
 * Both become entries of a method on the calls from `app` to the services that
 * the file names. toxiproxy knows no time: its toxics come together, for two
 * minutes. Chaos Toolkit's activities follow one another with their pauses; what
 * an action did lasts until another undoes it, else to the end of the method.
 *
 * An action is known by its function and has a row below. A value that the
 * fault's own row does not take leaves the activity out, so that what is made
 * is valid.
 */
#include "harness/scenario/import.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "faults/fault.h"
#include "harness/scenario/json_doc.h"

enum { SERVICES_MAX = 200, ENTRIES_MAX = 2000, LEFT_MAX = 10000, NAME_MAX_BYTES = 60 };

#define APP "app"
#define FIRST_AT_S 60.0  /* of the first activity */
#define LINGER_S 60.0    /* what nobody undoes lasts so long after the method */
#define TOXIC_AT_S 120.0
#define TOXIC_FOR_S 120.0
#define PAUSE_MAX_S 86400.0

struct importer {
        json_t *method, *steady, *services, *left; /* services: {name: {crashes: bool}} */
        json_t *open;      /* {name of what a later activity may undo: index in method} */
        double clock_s;
};

/* ---- what is left out */

__attribute__((format(printf, 3, 4))) static void leave_out(struct importer *in, const char *path,
                                                            const char *why, ...)
{
        char text[700], reason[400];
        va_list list;

        if (json_array_size(in->left) >= LEFT_MAX)
                return;
        va_start(list, why);
        vsnprintf(reason, sizeof(reason), why, list);
        va_end(list);
        snprintf(text, sizeof(text), "%.200s: %s", path, reason);
        json_array_append_new(in->left, json_stringn_nocheck(text, strlen(text)));
}

/* ---- names */

/* A text of the file as the name of a service: what a name may not have becomes
 * '-', and a long one is cut, at the edge of a character. */
static void tame_name(const char *raw, char out[NAME_MAX_BYTES + 1])
{
        size_t length = 0;

        for (; *raw != '\0' && length < NAME_MAX_BYTES; raw++)
                out[length++] = strchr(" {}=,\"\\/*>.:", *raw) != NULL || (unsigned char)*raw < ' '
                                        ? '-'
                                        : *raw;
        while (*raw != '\0' && length > 0 && (unsigned char)out[length - 1] >= 0x80)
                length--;
        out[length] = '\0';
        if (length == 0 || strcmp(out, APP) == 0 || strcmp(out, "healer") == 0 ||
            strcmp(out, "fleet") == 0)
                snprintf(out, NAME_MAX_BYTES + 1, "service");
}

/* The service of that name, made on first sight; false when there are too many. */
static bool want_service(struct importer *in, const char *raw, char name[NAME_MAX_BYTES + 1])
{
        tame_name(raw, name);
        if (json_object_get(in->services, name) != NULL)
                return true;
        if (json_object_size(in->services) >= SERVICES_MAX)
                return false;
        return json_object_set_new(in->services, name, json_true()) == 0;
}

/* ---- values */

static const char *text_of(const json_t *object, const char *key)
{
        const char *text = json_string_value(json_object_get(object, key));

        return text != NULL ? text : "";
}

/* A number, or a text that is one (Chaos Toolkit has both); NaN for neither. */
static double number_of(const json_t *object, const char *key, double fallback)
{
        const json_t *json = json_object_get(object, key);
        const char *text = json_string_value(json);
        char *end;
        double value;

        if (json == NULL)
                return fallback;
        if (json_is_number(json))
                return json_number_value(json);
        if (text == NULL || *text == '\0')
                return NAN;
        value = strtod(text, &end);
        return *end == '\0' && isfinite(value) ? value : NAN;
}

static json_t *duration_json(double seconds)
{
        char text[64];
        double us = round(seconds * 1e6) + 0.0; /* nought has no minus */

        if (us >= 1e6 && fmod(us, 1e6) == 0)
                snprintf(text, sizeof(text), "%.0fs", us / 1e6);
        else if (us >= 1e3 && fmod(us, 1e3) == 0)
                snprintf(text, sizeof(text), "%.0fms", us / 1e3);
        else
                snprintf(text, sizeof(text), "%.0fus", us);
        return json_string(text);
}

/* An argument of a fault as the file gives it, in the parameter's base unit. */
struct value {
        const char *param;
        double amount; /* ns, bytes/s, ratio, ... */
};

static json_t *value_json(const struct fault_param *param, double amount)
{
        char text[64];

        switch (param->unit) {
        case FAULT_DURATION:
                return duration_json(amount * 1e-9);
        case FAULT_BYTES_PER_S:
                snprintf(text, sizeof(text), "%.0fB/s", round(amount) + 0.0);
                return json_string(text);
        case FAULT_COUNT:
                return json_integer((json_int_t)amount);
        default:
                return json_real(amount);
        }
}

/* The arguments, or NULL (left out) when the kind takes one of them not. */
static json_t *arguments_json(struct importer *in, const char *path, const struct fault_ops *fault,
                              const struct value *values, size_t count)
{
        json_t *arguments = json_object();

        for (size_t i = 0; i < count; i++) {
                int at = fault_param_index(fault, values[i].param);
                const struct fault_param *param = at < 0 ? NULL : &fault->params[at];

                if (param == NULL || !(values[i].amount >= param->min) ||
                    !(values[i].amount <= param->max)) {
                        leave_out(in, path, "'%s' takes no such %s", fault->name, values[i].param);
                        json_decref(arguments);
                        return NULL;
                }
                json_object_set_new(arguments, values[i].param, value_json(param, values[i].amount));
        }
        return arguments;
}

/* ---- entries
 *
 * What begins with x_ in an entry is for this file's own use, and gone at the end.
 */

static void set_duration(json_t *entry, double seconds)
{
        json_object_set_new(entry, "duration", duration_json(seconds));
        json_object_set_new(entry, "x_for", json_real(seconds));
}

static void add_entry(struct importer *in, const char *path, const char *name, const char *kind,
                      json_t *target, double at_s, double for_s, double probability,
                      const struct value *values, size_t count)
{
        const struct fault_ops *fault = fault_find(kind);
        json_t *arguments, *entry;
        char title[160];

        if (fault == NULL || json_array_size(in->method) >= ENTRIES_MAX ||
            !(probability >= 0 && probability <= 1)) {
                leave_out(in, path, "%s",
                          fault == NULL ? "there is no such fault here"
                          : json_array_size(in->method) >= ENTRIES_MAX ? "more activities than are read"
                                                                       : "its share is not 0 to 1");
                json_decref(target);
                return;
        }
        arguments = arguments_json(in, path, fault, values, count);
        if (arguments == NULL) {
                json_decref(target);
                return;
        }
        /* Names are told apart by their number: the file's need not differ. */
        snprintf(title, sizeof(title), "%zu", json_array_size(in->method) + 1);
        entry = json_pack("{s:s, s:o, s:o, s:f, s:o}", "fault", kind, "target", target, "at",
                          duration_json(at_s), "probability", probability, "arguments", arguments);
        json_object_set_new(entry, "name",
                            json_sprintf("%s %s", *name != '\0' ? name : kind, title));
        json_object_set_new(entry, "x_path", json_string(path));
        json_object_set_new(entry, "x_at", json_real(at_s));
        if (for_s > 0)
                set_duration(entry, for_s);
        json_array_append_new(in->method, entry);
}

static json_t *call_to(const char *service)
{
        return json_pack("{s:s, s:s}", "from", APP, "to", service);
}

/* ---- toxiproxy */

/* What a toxic does, whether in a proxy's list or created by an action. */
static void add_toxic(struct importer *in, const char *path, const char *name, const char *type,
                      const json_t *attributes, double toxicity, const char *service, double at_s,
                      double for_s)
{
        struct value values[2];

        if (strcmp(type, "latency") == 0) {
                values[0] = (struct value){"delay", number_of(attributes, "latency", 0) * 1e6};
                values[1] = (struct value){"jitter", number_of(attributes, "jitter", 0) * 1e6};
                add_entry(in, path, name, "latency", call_to(service), at_s, for_s, toxicity, values, 2);
        } else if (strcmp(type, "bandwidth") == 0) {
                values[0] = (struct value){"rate", number_of(attributes, "rate", 0) * 1000};
                add_entry(in, path, name, "bandwidth", call_to(service), at_s, for_s, toxicity, values, 1);
        } else if (strcmp(type, "slow_close") == 0) {
                values[0] = (struct value){"delay", number_of(attributes, "delay", 0) * 1e6};
                add_entry(in, path, name, "slow_close", call_to(service), at_s, for_s, toxicity, values, 1);
        } else if (strcmp(type, "timeout") == 0) {
                values[0] = (struct value){"rate", 1};
                if (number_of(attributes, "timeout", 0) > 0)
                        leave_out(in, path, "that the connection closes after a time: the answer "
                                            "is lost, and the caller's own timeout counts");
                add_entry(in, path, name, "packet_loss", call_to(service), at_s, for_s, toxicity, values, 1);
        } else if (strcmp(type, "reset_peer") == 0) {
                values[0] = (struct value){"rate", 1};
                add_entry(in, path, name, "connection_reset", call_to(service), at_s, for_s, toxicity,
                          values, 1);
        } else {
                leave_out(in, path, "a toxic of the type '%.40s' has no meaning here: requests have "
                                    "no bytes to cut", type);
        }
}

static void import_proxy(struct importer *in, const json_t *proxy, const char *path, const char *key)
{
        const json_t *toxics = json_object_get(proxy, "toxics");
        const char *raw = *text_of(proxy, "name") != '\0' ? text_of(proxy, "name") : key;
        char name[NAME_MAX_BYTES + 1], at[128];
        struct value all = {"rate", 1};

        if (!json_is_object(proxy) || *raw == '\0' || !want_service(in, raw, name)) {
                leave_out(in, path, "%s", json_is_object(proxy) ? "a proxy without a name, or too many"
                                                                : "no proxy");
                return;
        }
        if (json_is_false(json_object_get(proxy, "enabled")))
                add_entry(in, path, "disabled proxy", "connection_reset", call_to(name), TOXIC_AT_S,
                          TOXIC_FOR_S, 1, &all, 1);
        for (size_t i = 0; i < json_array_size(toxics); i++) {
                const json_t *toxic = json_array_get(toxics, i);

                snprintf(at, sizeof(at), "%.90s.toxics[%zu]", path, i);
                add_toxic(in, at, text_of(toxic, "name"), text_of(toxic, "type"),
                          json_object_get(toxic, "attributes"), number_of(toxic, "toxicity", 1), name,
                          TOXIC_AT_S, TOXIC_FOR_S);
        }
}

static bool looks_like_proxies(const json_t *root)
{
        const json_t *first = json_is_array(root)
                                      ? json_array_get(root, 0)
                                      : json_object_iter_value(json_object_iter((json_t *)(uintptr_t)root));

        return json_is_object(first) && (json_object_get(first, "upstream") != NULL ||
                                         json_object_get(first, "toxics") != NULL ||
                                         json_object_get(first, "listen") != NULL);
}

static void import_toxiproxy(struct importer *in, const json_t *root)
{
        const char *key;
        json_t *proxy;
        char path[128];

        for (size_t i = 0; i < json_array_size(root); i++) {
                snprintf(path, sizeof(path), "[%zu]", i);
                import_proxy(in, json_array_get(root, i), path, "");
        }
        json_object_foreach((json_t *)(uintptr_t)root, key, proxy)
        {
                snprintf(path, sizeof(path), "%.100s", key);
                import_proxy(in, proxy, path, key);
        }
}

/* ---- Chaos Toolkit */

static bool ends_with(const char *text, const char *end)
{
        size_t length = strlen(text), tail = strlen(end);

        return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* One action that is known, on its arguments. */
struct action {
        struct importer *in;
        const char *path, *name;
        const json_t *arguments;
};

static void create_toxic(const struct action *a, const char *type)
{
        const char *proxy = text_of(a->arguments, "for_proxy");
        char service[NAME_MAX_BYTES + 1];
        size_t before = json_array_size(a->in->method);

        if (*proxy == '\0' || !want_service(a->in, proxy, service)) {
                leave_out(a->in, a->path, "for_proxy: which proxy is not said");
                return;
        }
        add_toxic(a->in, a->path, a->name, type, a->arguments, number_of(a->arguments, "toxicity", 1),
                  service, a->in->clock_s, 0);
        if (json_array_size(a->in->method) > before)
                json_object_set_new(a->in->open, text_of(a->arguments, "toxic_name"),
                                    json_integer((json_int_t)before));
}

/* What was begun under that name ends now. */
static void undo(const struct action *a, const char *what)
{
        const json_t *index = json_object_get(a->in->open, what);
        json_t *entry = json_array_get(a->in->method, (size_t)json_integer_value(index));
        double at_s = index != NULL ? number_of(entry, "x_at", FIRST_AT_S) : 0;

        if (index == NULL || entry == NULL) {
                leave_out(a->in, a->path, "it undoes nothing that was begun here");
                return;
        }
        set_duration(entry, a->in->clock_s > at_s + 0.001 ? a->in->clock_s - at_s : 1);
        json_object_del(a->in->open, what);
}

static void disable_proxy(const struct action *a)
{
        const char *proxy = text_of(a->arguments, "proxy_name");
        char service[NAME_MAX_BYTES + 1];
        struct value all = {"rate", 1};
        size_t before = json_array_size(a->in->method);

        if (*proxy == '\0' || !want_service(a->in, proxy, service)) {
                leave_out(a->in, a->path, "proxy_name: which proxy is not said");
                return;
        }
        add_entry(a->in, a->path, a->name, "connection_reset", call_to(service), a->in->clock_s, 0, 1,
                  &all, 1);
        if (json_array_size(a->in->method) > before)
                json_object_set_new(a->in->open, proxy, json_integer((json_int_t)before));
}

/* "app=shop,tier=web": the value of the last label, which names the workload. */
static void service_of_labels(const char *labels, char out[NAME_MAX_BYTES + 1])
{
        const char *equals = strchr(labels, '='), *app = strstr(labels, "app=");
        const char *value = app != NULL ? app + 4 : equals != NULL ? equals + 1 : labels;
        size_t length = strcspn(value, ",");

        if (length > NAME_MAX_BYTES)
                length = NAME_MAX_BYTES;
        memcpy(out, value, length);
        while (length == NAME_MAX_BYTES && length > 0 && (unsigned char)out[length - 1] >= 0x80)
                length--;
        out[length] = '\0';
}

static void kill_pods(const struct action *a)
{
        char raw[NAME_MAX_BYTES + 1], service[NAME_MAX_BYTES + 1];
        double count = number_of(a->arguments, "qty", 1);
        const char *name = text_of(a->arguments, "name");
        json_t *target;

        service_of_labels(*name != '\0' ? name : text_of(a->arguments, "label_selector"), raw);
        if (raw[0] == '\0' || !want_service(a->in, raw, service)) {
                leave_out(a->in, a->path, "which pods is not said by a name or labels");
                return;
        }
        if (json_is_true(json_object_get(a->arguments, "all")))
                target = json_pack("{s:s}", "service", service);
        else if (count >= 1 && count <= 3 && floor(count) == count)
                target = json_pack("{s:s, s:i}", "service", service, "instances", (int)count);
        else
                target = json_pack("{s:s, s:s}", "service", service, "instances", "all");
        add_entry(a->in, a->path, a->name, "crash", target, a->in->clock_s, 0, 1, NULL, 0);
}

static void drain_zone(const struct action *a)
{
        leave_out(a->in, a->path, "nodes: the fleet that is made has no hosts by name; a zone_outage "
                                  "comes nearest");
}

static void latency_toxic(const struct action *a) { create_toxic(a, "latency"); }
static void bandwidth_toxic(const struct action *a) { create_toxic(a, "bandwidth"); }
static void slow_close_toxic(const struct action *a) { create_toxic(a, "slow_close"); }
static void timeout_toxic(const struct action *a) { create_toxic(a, "timeout"); }
static void reset_toxic(const struct action *a) { create_toxic(a, "reset_peer"); }
static void any_toxic(const struct action *a) { create_toxic(a, text_of(a->arguments, "toxic_type")); }
static void delete_toxic(const struct action *a) { undo(a, text_of(a->arguments, "toxic_name")); }
static void enable_proxy(const struct action *a) { undo(a, text_of(a->arguments, "proxy_name")); }

/* By the end of the function's name: modules were moved between releases. */
static const struct {
        const char *function;
        void (*import)(const struct action *action);
} known_actions[] = {
        {"create_latency_toxic", latency_toxic},
        {"create_bandwidth_degradation_toxic", bandwidth_toxic},
        {"create_slow_connection_close_toxic", slow_close_toxic},
        {"create_timeout_toxic", timeout_toxic},
        {"create_reset_peer_toxic", reset_toxic},
        {"create_toxic", any_toxic},
        {"delete_toxic", delete_toxic},
        {"disable_proxy", disable_proxy},
        {"enable_proxy", enable_proxy},
        {"terminate_pods", kill_pods},
        {"delete_pods", kill_pods},
        {"kill_microservice", kill_pods},
        {"drain_nodes", drain_zone},
        {"terminate_nodes", drain_zone},
};

static void import_action(struct importer *in, const json_t *activity, const char *path)
{
        const json_t *provider = json_object_get(activity, "provider");
        const char *function = text_of(provider, "func");
        struct action action = {in, path, text_of(activity, "name"),
                                json_object_get(provider, "arguments")};

        for (size_t i = 0; i < sizeof(known_actions) / sizeof(known_actions[0]); i++) {
                if (!ends_with(function, known_actions[i].function))
                        continue;
                known_actions[i].import(&action);
                return;
        }
        if (*function != '\0')
                leave_out(in, path, "the function '%.60s' is not known", function);
        else
                leave_out(in, path, "an action by %.20s: what it does to the fleet is not known",
                          *text_of(provider, "type") != '\0' ? text_of(provider, "type")
                                                             : "nobody said what");
}

/* "http://cart.shop.svc:8080/health" -> cart */
static void host_of(const char *url, char out[NAME_MAX_BYTES + 1])
{
        const char *begin = strstr(url, "://");
        size_t length;

        begin = begin != NULL ? begin + 3 : url;
        length = strcspn(begin, ":/.?#");
        if (length > NAME_MAX_BYTES)
                length = NAME_MAX_BYTES;
        memcpy(out, begin, length);
        while (length == NAME_MAX_BYTES && length > 0 && (unsigned char)out[length - 1] >= 0x80)
                length--;
        out[length] = '\0';
}

static bool is_status(const json_t *tolerance)
{
        return json_is_integer(tolerance) || json_is_array(tolerance) ||
               (json_is_object(tolerance) && json_object_get(tolerance, "status") != NULL);
}

/* A probe by HTTP that wants a status: the service answers. NULL: left out. */
static json_t *probe_json(struct importer *in, const json_t *activity, const char *path)
{
        const json_t *provider = json_object_get(activity, "provider");
        const json_t *tolerance = json_object_get(activity, "tolerance");
        char raw[NAME_MAX_BYTES + 1], service[NAME_MAX_BYTES + 1];

        if (strcmp(text_of(provider, "type"), "http") != 0 || *text_of(provider, "url") == '\0' ||
            (tolerance != NULL && !is_status(tolerance))) {
                leave_out(in, path, "a probe of which it is not known what it measures (one by HTTP "
                                    "with a status becomes the availability of its host)");
                return NULL;
        }
        host_of(text_of(provider, "url"), raw);
        /* Where everything runs on one machine the host tells nothing. */
        if (raw[0] == '\0' || strcmp(raw, "localhost") == 0 || strcmp(raw, "127") == 0)
                snprintf(service, sizeof(service), APP);
        else if (!want_service(in, raw, service)) {
                leave_out(in, path, "more services than are read");
                return NULL;
        }
        return json_pack("{s:s, s:s, s:s, s:s}", "metric", "availability", "service", service,
                         "window", "30s", "tolerance", ">= 95%");
}

static void import_hypothesis(struct importer *in, const json_t *hypothesis)
{
        const json_t *probes = json_object_get(hypothesis, "probes");
        char path[96];

        for (size_t i = 0; i < json_array_size(probes) && i < ENTRIES_MAX; i++) {
                const json_t *activity = json_array_get(probes, i);
                json_t *probe;

                snprintf(path, sizeof(path), "steady-state-hypothesis.probes[%zu]", i);
                probe = probe_json(in, activity, path);
                if (probe == NULL || json_array_size(in->steady) >= 1000) {
                        json_decref(probe);
                        continue;
                }
                json_object_set_new(probe, "name",
                                    json_sprintf("%s %zu",
                                                 *text_of(activity, "name") != '\0'
                                                         ? text_of(activity, "name")
                                                         : "probe",
                                                 json_array_size(in->steady) + 1));
                json_array_append_new(in->steady, probe);
        }
}

static double pause_of(const json_t *activity, const char *when)
{
        double seconds = number_of(json_object_get(activity, "pauses"), when, 0);

        return seconds > 0 && seconds <= PAUSE_MAX_S ? seconds : 0;
}

static void import_activity(struct importer *in, const json_t *activity, const char *path)
{
        const char *type = text_of(activity, "type");
        json_t *probe;

        in->clock_s += pause_of(activity, "before");
        if (json_object_get(activity, "ref") != NULL) {
                leave_out(in, path, "a reference to another activity");
        } else if (strcmp(type, "action") == 0) {
                import_action(in, activity, path);
        } else if (strcmp(type, "probe") != 0) {
                leave_out(in, path, "neither an action nor a probe");
        } else if (json_array_size(in->method) < ENTRIES_MAX &&
                   (probe = probe_json(in, activity, path)) != NULL) {
                json_array_append_new(
                        in->method,
                        json_pack("{s:o, s:o, s:o}", "name",
                                  json_sprintf("%s %zu",
                                               *text_of(activity, "name") != '\0'
                                                       ? text_of(activity, "name")
                                                       : "probe",
                                               json_array_size(in->method) + 1),
                                  "probe", probe, "at", duration_json(in->clock_s)));
        }
        if (json_object_get(activity, "controls") != NULL)
                leave_out(in, path, "controls: there is nothing outside to call");
        in->clock_s += pause_of(activity, "after");
        if (in->clock_s > PAUSE_MAX_S)
                in->clock_s = PAUSE_MAX_S;
}

/* What an action began and none undid lasts until a while after the method. */
static void end_what_is_open(struct importer *in)
{
        for (size_t i = 0; i < json_array_size(in->method); i++) {
                json_t *entry = json_array_get(in->method, i);
                const struct fault_ops *fault = fault_find(text_of(entry, "fault"));

                if (fault != NULL && !fault->instant && json_object_get(entry, "duration") == NULL)
                        set_duration(entry, in->clock_s + LINGER_S - number_of(entry, "x_at", 0));
        }
}

static void import_toolkit(struct importer *in, const json_t *root)
{
        static const char *const known[] = {"title", "description", "tags", "version", "method",
                                            "steady-state-hypothesis", "rollbacks"};
        const json_t *method = json_object_get(root, "method");
        const json_t *rollbacks = json_object_get(root, "rollbacks");
        const char *key;
        json_t *value;
        char path[96];

        in->clock_s = FIRST_AT_S;
        import_hypothesis(in, json_object_get(root, "steady-state-hypothesis"));
        for (size_t i = 0; i < json_array_size(method); i++) {
                snprintf(path, sizeof(path), "method[%zu]", i);
                import_activity(in, json_array_get(method, i), path);
        }
        end_what_is_open(in);
        if (json_array_size(rollbacks) > 0)
                leave_out(in, "rollbacks", "faults are lifted by themselves at their end");
        json_object_foreach((json_t *)(uintptr_t)root, key, value)
        {
                bool is_known = false;

                for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
                        is_known = is_known || strcmp(key, known[i]) == 0;
                if (!is_known && strncmp(key, "x_", 2) != 0 && strncmp(key, "x-", 2) != 0)
                        leave_out(in, key, "it is about the tool or its surroundings");
        }
}

/* ---- what would meet nobody
 *
 * A proxy that is disabled, or a toxic that takes every connection, leaves its
 * other toxics nothing to act on. They do nothing in toxiproxy either; here a
 * fault that touched nothing would make of every run one that was not effective.
 */

/* How far on its way a call comes before the fault meets it. */
enum meets { MEETS_CONNECT, MEETS_REQUEST, MEETS_ANSWER };

struct on_call {
        const char *to; /* NULL: not on a call */
        double at_s, end_s;
        enum meets meets;
        bool of_all; /* nothing comes past it */
        bool meets_nobody;
};

static struct on_call on_call_of(const json_t *entry)
{
        const char *kind = text_of(entry, "fault");
        struct on_call call = {
                .to = json_string_value(json_object_get(json_object_get(entry, "target"), "to")),
                .at_s = number_of(entry, "x_at", 0),
                .meets = strcmp(kind, "connection_reset") == 0 ? MEETS_CONNECT
                         : strcmp(kind, "packet_loss") == 0    ? MEETS_REQUEST
                                                               : MEETS_ANSWER,
        };

        call.end_s = call.at_s + number_of(entry, "x_for", 0);
        call.of_all = call.meets != MEETS_ANSWER && number_of(entry, "probability", 1) >= 1 &&
                      number_of(json_object_get(entry, "arguments"), "rate", 1) >= 1;
        return call;
}

/* Whether `other`, which stands before it or after, leaves a fault nothing. */
static bool takes_all_from(const struct on_call *other, const struct on_call *fault, bool before)
{
        return other->of_all && strcmp(other->to, fault->to) == 0 && other->at_s <= fault->at_s &&
               other->end_s >= fault->end_s &&
               (other->meets < fault->meets || (other->meets == fault->meets && before));
}

/* The name of the entry that leaves the i-th nothing, or NULL. */
static const char *taken_by(const struct importer *in, const struct on_call *calls, size_t count,
                            size_t i)
{
        for (size_t k = 0; k < count && calls[i].to != NULL; k++)
                if (k != i && calls[k].to != NULL && takes_all_from(&calls[k], &calls[i], k < i))
                        return text_of(json_array_get(in->method, k), "name");
        return NULL;
}

static void leave_out_what_meets_nobody(struct importer *in)
{
        size_t count = json_array_size(in->method);
        struct on_call *calls = calloc(count + 1, sizeof(*calls));

        for (size_t i = 0; i < count && calls != NULL; i++)
                calls[i] = on_call_of(json_array_get(in->method, i));
        for (size_t i = 0; i < count && calls != NULL; i++) {
                const char *taker = taken_by(in, calls, count, i);

                if (taker == NULL)
                        continue;
                leave_out(in, text_of(json_array_get(in->method, i), "x_path"),
                          "'%.60s' takes every call to '%s' in that time, so it would meet none", taker,
                          calls[i].to);
                calls[i].meets_nobody = true;
        }
        for (size_t i = count; calls != NULL && i-- > 0;)
                if (calls[i].meets_nobody)
                        json_array_remove(in->method, i);
        free(calls);
}

/* What this file noted for itself. */
static void forget_notes(struct importer *in)
{
        static const char *const notes[] = {"x_path", "x_at", "x_for"};
        json_t *entry;
        size_t index;

        json_array_foreach(in->method, index, entry)
                for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++)
                        json_object_del(entry, notes[i]);
}

/* ---- the scenario around it */

static json_t *service_json(const char *name)
{
        return json_pack("{s:s, s:i, s:i, s:i, s:{s:s, s:s, s:s}, s:{s:s, s:s}}", "name", name,
                         "instances", 3, "concurrency", 8, "queue", 64, "service_time", "dist",
                         "lognormal", "p50", "5ms", "p99", "25ms", "slo", "target", "99%", "latency",
                         "500ms");
}

static json_t *fleet_json(const struct importer *in)
{
        json_t *services = json_array(), *calls = json_array(), *app = service_json(APP);
        const char *name;
        json_t *value;

        json_array_append_new(services, app);
        json_object_foreach(in->services, name, value)
        {
                json_array_append_new(calls, json_pack("{s:s, s:f, s:s}", "to", name, "probability",
                                                       0.5, "timeout", "1s"));
                json_array_append_new(services, service_json(name));
        }
        json_object_set_new(app, "concurrency", json_integer(32));
        json_object_set_new(app, "calls", calls);
        return json_pack("{s:[{s:s},{s:s}], s:o, s:s}", "zones", "name", "a", "name", "b",
                         "services", services, "x_note",
                         "made up of the names in the file: put your own fleet here");
}

static json_t *scenario_json(const struct importer *in, const json_t *root, const char *from)
{
        const char *title = json_is_object(root) ? text_of(root, "title") : "";
        const json_t *tags = json_is_object(root) ? json_object_get(root, "tags") : NULL;
        json_t *scenario = json_pack(
                "{s:i, s:s, s:s, s:o, s:s, s:o, s:[{s:s, s:s, s:s, s:s}], s:s, s:O, s:O}", "version", 1,
                "title", *title != '\0' ? title : "imported proxies", "x_imported_from", from,
                "duration", duration_json((in->clock_s > TOXIC_AT_S + TOXIC_FOR_S
                                                   ? in->clock_s
                                                   : TOXIC_AT_S + TOXIC_FOR_S) + 2 * LINGER_S),
                "warmup", "5m", "fleet", fleet_json(in), "load", "name", "users", "to", APP, "rate",
                "20/s", "timeout", "5s", "healer", "default", "method", in->method, "x_left_out",
                in->left);
        bool all_texts = json_array_size(tags) > 0 && json_array_size(tags) < 1000;

        if (scenario == NULL)
                return NULL;
        if (json_is_object(root) && *text_of(root, "description") != '\0')
                json_object_set(scenario, "description", json_object_get(root, "description"));
        for (size_t i = 0; i < json_array_size(tags) && all_texts; i++)
                all_texts = json_string_length(json_array_get(tags, i)) > 0;
        if (all_texts)
                json_object_set(scenario, "tags", (json_t *)(uintptr_t)tags);
        if (json_array_size(in->steady) > 0)
                json_object_set_new(scenario, "steady_state", json_pack("{s:O}", "probes", in->steady));
        return scenario;
}

/* Texts with "${": variables of the file mean nothing here. */
static json_t *without_variables(json_t *json)
{
        const char *text = json_string_value(json), *key, *at;
        json_t *value;
        size_t index;

        if (text != NULL && (at = strstr(text, "${")) != NULL)
                return json_sprintf("%.*s(%s", (int)(at - text), text, at + 2);
        json_object_foreach(json, key, value)
        {
                json_t *changed = without_variables(value);

                if (changed != NULL)
                        json_object_set_new(json, key, changed);
        }
        json_array_foreach(json, index, value)
        {
                json_t *changed = without_variables(value);

                if (changed != NULL)
                        json_array_set_new(json, index, changed);
        }
        return NULL;
}

static bool import_doc(const struct json_doc *doc, struct imported *out, struct diag_list *diags)
{
        struct importer in = {.method = json_array(), .steady = json_array(),
                              .services = json_object(), .left = json_array(), .open = json_object()};
        json_t *root = json_doc_root(doc);
        const char *from = NULL;

        *out = (struct imported){0};
        for (int i = 0; i < 8; i++)
                without_variables(root); /* as many as stand in one text */
        if (json_is_object(root) && json_is_array(json_object_get(root, "method"))) {
                from = "Chaos Toolkit";
                import_toolkit(&in, root);
        } else if (looks_like_proxies(root)) {
                from = "toxiproxy";
                import_toxiproxy(&in, root);
        }
        leave_out_what_meets_nobody(&in);
        forget_notes(&in);
        if (from == NULL)
                diag_add(diags, json_doc_label(doc), 0, 0, NULL,
                         "neither an experiment of Chaos Toolkit (an object with a 'method') nor "
                         "proxies of toxiproxy (with 'listen', 'upstream' or 'toxics')");
        else if ((out->scenario = scenario_json(&in, root, from)) == NULL)
                diag_add(diags, json_doc_label(doc), 0, 0, NULL, "out of memory");
        else
                out->left_out = json_incref(in.left);
        json_decref(in.method);
        json_decref(in.steady);
        json_decref(in.services);
        json_decref(in.left);
        json_decref(in.open);
        return out->scenario != NULL;
}

bool import_read(const char *path, struct imported *out, struct diag_list *diags)
{
        struct json_doc *doc = json_doc_read(path, path, diags);
        bool ok = doc != NULL && diag_total(diags) == 0 && import_doc(doc, out, diags);

        json_doc_free(doc);
        return ok;
}

bool import_parse(const char *text, size_t size, const char *label, struct imported *out,
                  struct diag_list *diags)
{
        struct json_doc *doc = json_doc_parse(text, size, label, diags);
        bool ok = doc != NULL && diag_total(diags) == 0 && import_doc(doc, out, diags);

        json_doc_free(doc);
        return ok;
}

void imported_release(struct imported *imported)
{
        json_decref(imported->scenario);
        json_decref(imported->left_out);
        *imported = (struct imported){0};
}
