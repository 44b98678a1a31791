/* version.c - versions and configurations of a service, with their history.
 *
 * A version is deployed instance by instance (rolling.c), and what it changes is
 * in force where its process runs: every instance points to the parameters of
 * its version, or to nothing where they are those of the declaration, so that
 * an unchanged service pays for one null check. A configuration is in force
 * everywhere at once: those of a service go into the parameters of all its
 * versions, those of a call are worked out on its edge, before what a policy says.
 *
 * Versions are a chain: going back leads to the one before, and what was rolled
 * back is withdrawn for good, so that going back twice does not lead forward. A
 * release builds on the one in force, faults (`defects`) included; while a bad
 * version or configuration is in force nobody ships anything else on a service.
 *
 * What a fault brought is known by its effect until that is lifted; the version
 * stays bad where it still runs, which is state of the fleet and not of the
 * injector.
 *
 * Cost: parameters are worked out anew when something changes, O(versions +
 * instances) of that service.
 */
#include <math.h>

#include "harness/fleet/model.h"

/* ---- what is in force */

static void set_parameter(const struct service *service, struct parameters *p,
                          const struct setting *setting)
{
        const struct service_spec *spec = service->spec;
        double number = setting->number;

        switch (setting->parameter) {
        case PARAMETER_SERVICE_TIME:
                p->service_time = &setting->dist;
                break;
        case PARAMETER_ERROR_RATE:
                p->error_rate = number;
                break;
        case PARAMETER_CONCURRENCY:
                p->concurrency = (uint32_t)number;
                break;
        case PARAMETER_QUEUE:
                p->queue_max = (uint32_t)number;
                break;
        case PARAMETER_CORES:
                p->cores_factor = number / spec->cpu_cores;
                break;
        case PARAMETER_MEMORY_BASE:
                p->memory_base_bytes = (int64_t)number;
                break;
        case PARAMETER_MEMORY_PER_REQUEST:
                p->memory_per_request_bytes = (int64_t)number;
                break;
        case PARAMETER_MEMORY_LIMIT:
                if (spec->memory_limit_bytes > 0)
                        p->memory_limit_factor = number / (double)spec->memory_limit_bytes;
                break;
        case PARAMETER_RESTART_TIME:
                p->restart_time_ns = (int64_t)number;
                break;
        case PARAMETER_BOOT_TIME:
                p->boot_time_ns = (int64_t)number;
                break;
        default:
                break; /* of an edge */
        }
}

static struct parameters declared(const struct service *service)
{
        const struct service_spec *spec = service->spec;

        return (struct parameters){
                .service_time = &spec->service_time,
                .error_rate = spec->error_rate,
                .slowdown = 1,
                .cores_factor = 1,
                .memory_limit_factor = 1,
                .memory_base_bytes = spec->memory_base_bytes,
                .memory_per_request_bytes = spec->memory_per_request_bytes,
                .restart_time_ns = spec->restart_time_ns,
                .boot_time_ns = spec->boot_time_ns,
                .concurrency = spec->concurrency,
                .queue_max = spec->queue_max,
        };
}

/* The last one to set a parameter has the word. */
static bool set_configured(const struct service *service, struct parameters *p)
{
        uint32_t set = 0;

        for (const struct config *config = service->config; config != NULL;
             config = config->before) {
                uint32_t bit = UINT32_C(1) << config->effect->setting.parameter;

                if (config->effect->setting.parameter == PARAMETER_FEATURE)
                        continue;
                if (config->edge == NONE && !(set & bit))
                        set_parameter(service, p, &config->effect->setting);
                set |= config->edge == NONE ? bit : 0;
        }
        return set != 0;
}

static void resolve(struct service *service, struct version *version)
{
        struct parameters p = declared(service);
        uint32_t changes = version->spec == NULL ? 0 : version->spec->change_count;
        bool configured;

        for (uint32_t i = 0; i < changes; i++)
                set_parameter(service, &p, &version->spec->changes[i]);
        configured = set_configured(service, &p);
        p.declared_error_rate = p.error_rate;
        for (uint32_t i = 0; i < version->defect_count; i++) {
                const struct release *release = &version->defect[i].release;

                p.error_rate = 1 - (1 - p.error_rate) * (1 - release->error_rate);
                p.slowdown *= release->slowdown;
                p.leak_bytes_per_s += release->leak_bytes_per_s;
                p.peer_cost += release->peer_cost;
                if (version->defect[i].of != NULL)
                        p.told = version->defect[i].of;
        }
        version->params = p;
        version->plain = changes == 0 && !configured && version->defect_count == 0;
}

/* Whether time or a low limit may take a process above its memory. */
static bool watches_memory(const struct service *service, const struct parameters *p)
{
        return p != NULL && (p->leak_bytes_per_s > 0 || p->memory_limit_factor != 1 ||
                             p->memory_base_bytes != service->spec->memory_base_bytes);
}

void version_apply(struct fleet *fleet, uint32_t index)
{
        struct instance *instance = &fleet->instances[index];
        struct service *service = &fleet->services[instance->service];
        const struct parameters *params =
                instance->version->plain || instance->state == INSTANCE_GONE
                        ? NULL : &instance->version->params;

        if (params == NULL && instance->params == NULL)
                return;
        lanes_end(fleet);
        instance_leak_now(fleet, instance);
        instance_cpu_touch(fleet, instance);
        service_touch(fleet, service);
        fleet->memory_watched -= watches_memory(service, instance->params);
        fleet->memory_watched += watches_memory(service, params);
        instance->params = params;
        instance_count_workers(fleet, index);
        instance_start_waiting(fleet, index);
}

static void apply_all(struct fleet *fleet, uint32_t service_index)
{
        struct service *service = &fleet->services[service_index];

        lanes_end(fleet);
        /* What leaked so far leaked by what was in force. */
        for (uint32_t i = 0; i < service->member_count; i++)
                if (fleet->instances[service->members[i]].params != NULL) {
                        struct instance *instance = &fleet->instances[service->members[i]];

                        instance_leak_now(fleet, instance);
                        instance_cpu_touch(fleet, instance);
                        fleet->memory_watched -= watches_memory(service, instance->params);
                        instance->params = NULL;
                }
        feature_settle(service);
        for (struct version *version = service->versions; version != NULL; version = version->older)
                resolve(service, version);
        for (uint32_t i = 0; i < service->member_count; i++) {
                version_apply(fleet, service->members[i]);
                instance_count_workers(fleet, service->members[i]);
        }
        for (uint32_t i = 0; i < service->member_count; i++)
                instance_start_waiting(fleet, service->members[i]);
}

void version_started(struct fleet *fleet, uint32_t index)
{
        struct instance *instance = &fleet->instances[index];

        instance->version = instance->wanted;
        version_apply(fleet, index);
        if (instance->params != NULL && instance->params->told != NULL)
                instance->params->told->touched++;
}

double version_leaked_bytes(const struct fleet *fleet, const struct instance *instance)
{
        const struct parameters *params = instance->params;
        double bytes;

        if (params == NULL || params->leak_bytes_per_s <= 0)
                return 0;
        bytes = params->leak_bytes_per_s * (double)(fleet->now - instance->leak_at_ns) * 1e-9;
        if (params->told != NULL && params->error_rate <= 0)
                params->told->measured_sum += bytes;
        return bytes;
}

double version_slowness(const struct service *service, const struct parameters *params)
{
        uint32_t others = service->up > 1 ? service->up - 1 : 0;

        return params->slowdown * (1 + params->peer_cost * others);
}

bool version_error(const struct parameters *params, double draw)
{
        bool failed = draw < params->error_rate;

        if (params->told != NULL && params->error_rate > params->declared_error_rate) {
                params->told->measured_count++;
                params->told->measured_sum += failed && draw >= params->declared_error_rate;
        }
        return failed;
}

/* ---- versions */

static struct version *version_new(struct fleet *fleet, struct service *service, const char *name,
                                   const struct version_spec *spec)
{
        struct version *version = ARENA_NEW(&fleet->arena, struct version);

        if (version == NULL || name == NULL) {
                fleet_break(fleet, "out of memory");
                return NULL;
        }
        version->name = name;
        version->spec = spec;
        version->before = service->version;
        version->older = service->versions;
        service->versions = version;
        resolve(service, version);
        return version;
}

bool version_init(struct fleet *fleet, uint32_t index)
{
        struct service *service = &fleet->services[index];
        const struct version_spec *first =
                service->spec->version_count > 0 ? &service->spec->versions[0] : NULL;

        service->version = version_new(fleet, service, first != NULL ? first->name : "v1", first);
        service->stable = service->version;
        return service->version != NULL;
}

/* Puts a version in force, on a share of the instances. */
static bool deploy(struct fleet *fleet, uint32_t index, struct version *version, double share,
                   const char *cause, bool patient, uint32_t action)
{
        struct service *service = &fleet->services[index];
        uint32_t count = (uint32_t)ceil(share * service->member_count - 1e-9);

        if (!roll_deploy(fleet, index, version, share >= 1 ? UINT32_MAX : count, cause, patient,
                         action))
                return false;
        service->version = version;
        if (share >= 1)
                service->stable = version;
        return true;
}

bool version_release(struct fleet *fleet, uint32_t index, const char *name)
{
        struct service *service = &fleet->services[index];
        const struct version_spec *spec = service->version->spec;
        struct version *version;

        if (service->version->defect_count > 0 || service->config != NULL ||
            !roll_has_room(fleet, index))
                return false;
        if (service->releases + 1 < service->spec->version_count) {
                spec = &service->spec->versions[++service->releases];
                name = spec->name;
        }
        version = version_new(fleet, service, name, spec);
        return version != NULL && deploy(fleet, index, version, 1, "deployment", true, NONE);
}

static void go_back_to(struct fleet *fleet, uint32_t index, struct version *version,
                       const char *cause, uint32_t action)
{
        fleet->services[index].version->withdrawn = true;
        deploy(fleet, index, version, 1, cause, false, action);
}

const char *version_roll_back(struct fleet *fleet, uint32_t index, const char *cause,
                              uint32_t action)
{
        struct version *before = fleet->services[index].version->before;

        while (before != NULL && before->withdrawn)
                before = before->before;
        if (before == NULL)
                return "there is no version before";
        go_back_to(fleet, index, before, cause, action);
        return NULL;
}

/* ---- bad ones */

static bool has_defect(const struct version *version, const struct effect *effect)
{
        for (uint32_t i = 0; i < version->defect_count; i++)
                if (version->defect[i].of == effect)
                        return true;
        return false;
}

static const char *next_name(struct fleet *fleet, const struct service *service)
{
        uint32_t number = 0;

        for (const struct version *at = service->versions; at != NULL; at = at->older)
                number++;
        return arena_printf(&fleet->arena, "%s.%u", service->stable->name, number);
}

static void release_bad(struct fleet *fleet, uint32_t index, struct effect *effect)
{
        struct service *service = &fleet->services[index];
        const struct version *base = service->version;
        struct version *version;

        if (effect->release.share <= 0 || base->defect_count == VERSION_DEFECTS_MAX)
                return;
        version = version_new(fleet, service, next_name(fleet, service), base->spec);
        if (version == NULL)
                return;
        for (uint32_t i = 0; i < base->defect_count; i++)
                version->defect[version->defect_count++] = base->defect[i];
        version->defect[version->defect_count++] =
                (struct defect){.of = effect, .release = effect->release};
        resolve(service, version);
        deploy(fleet, index, version, effect->release.share, "deployment", false, NONE);
}

/* As many defects as `version` has, but for that of the effect. */
static bool is_without(const struct version *candidate, const struct version *version,
                       const struct effect *effect)
{
        uint32_t matched = 0;

        for (uint32_t i = 0; i < version->defect_count; i++)
                if (version->defect[i].of != effect && matched < candidate->defect_count &&
                    candidate->defect[matched].of == version->defect[i].of)
                        matched++;
        return !candidate->withdrawn && candidate->spec == version->spec &&
               !has_defect(candidate, effect) && candidate->defect_count == matched &&
               matched + 1 == version->defect_count;
}

/* The version in force without one defect, from the history or made anew. */
static struct version *version_without(struct fleet *fleet, struct service *service,
                                       const struct effect *effect)
{
        struct version *now = service->version, *version = now->before;

        while (version != NULL && !is_without(version, now, effect))
                version = version->before;
        if (version != NULL)
                return version;
        version = version_new(fleet, service, next_name(fleet, service), now->spec);
        for (uint32_t i = 0; version != NULL && i < now->defect_count; i++)
                if (now->defect[i].of != effect)
                        version->defect[version->defect_count++] = now->defect[i];
        if (version != NULL)
                resolve(service, version);
        return version;
}

static bool runs_defect(const struct fleet *fleet, const struct service *service,
                        const struct effect *effect)
{
        for (uint32_t i = 0; i < service->member_count; i++)
                if (has_defect(fleet->instances[service->members[i]].version, effect) ||
                    has_defect(fleet->instances[service->members[i]].wanted, effect))
                        return true;
        return false;
}

/* It is mended at its source: the version without it is deployed, unless that
 * has been done or is being done. */
static void mend_release(struct fleet *fleet, uint32_t index, struct effect *effect)
{
        struct service *service = &fleet->services[index];
        struct version *version;

        if (has_defect(service->version, effect)) {
                version = version_without(fleet, service, effect);
                if (version != NULL)
                        go_back_to(fleet, index, version, "rolled back", NONE);
        } else if (runs_defect(fleet, service, effect) && !roll_is_on(fleet, index)) {
                deploy(fleet, index, service->version, 1, "rolled back", false, NONE);
        }
        for (version = service->versions; version != NULL; version = version->older)
                for (uint32_t i = 0; i < version->defect_count; i++)
                        if (version->defect[i].of == effect) {
                                version->defect[i].of = NULL;
                                version->params.told = NULL;
                        }
}

/* ---- configurations */

static void set_on_edge(struct edge *edge, const struct setting *setting)
{
        switch (setting->parameter) {
        case PARAMETER_TIMEOUT:
                edge->timeout_ns = (int64_t)setting->number;
                break;
        case PARAMETER_PROBABILITY:
                edge->probability = setting->number;
                break;
        case PARAMETER_CALL_COUNT:
                edge->count = (uint32_t)setting->number;
                break;
        case PARAMETER_RETRIES_MAX:
                edge->retry.max = (uint32_t)setting->number;
                break;
        case PARAMETER_RETRIES_BUDGET:
                edge->retry.budget = setting->number;
                break;
        case PARAMETER_CANCEL_ON_TIMEOUT:
                edge->cancel_on_timeout = setting->number != 0;
                break;
        default:
                break; /* of a service */
        }
}

/* Oldest first, so that the last one has the word. */
static void set_configs(struct edge *edge, const struct config *config, uint32_t index)
{
        if (config == NULL)
                return;
        set_configs(edge, config->before, index);
        if (config->edge == index)
                set_on_edge(edge, &config->effect->setting);
}

void config_settle_edge(struct fleet *fleet, uint32_t index)
{
        struct edge *edge = &fleet->edges[index];

        edge->probability = edge->spec->probability;
        edge->count = edge->spec->count;
        edge->cancel_on_timeout = edge->spec->cancel_on_timeout;
        edge->timeout_ns = edge->spec->timeout_ns;
        edge->retry = edge->spec->retry;
        set_configs(edge, fleet->services[edge->from].config, index);
        if (edge->policy.has_timeout)
                edge->timeout_ns = edge->policy.timeout_ns;
        if (edge->policy.has_retry)
                edge->retry = edge->policy.retry;
        if (edge->timeout_scale != 1 && edge->timeout_ns != TIME_NEVER)
                edge->timeout_ns = (int64_t)((double)edge->timeout_ns * edge->timeout_scale);
}

/* A strategy's own setting replaces the fleet's, and no configuration of the
 * fleet reaches it. */
static bool out_of_reach(const struct edge *edge, enum parameter_kind parameter)
{
        return (parameter == PARAMETER_TIMEOUT && edge->policy.has_timeout) ||
               ((parameter == PARAMETER_RETRIES_MAX || parameter == PARAMETER_RETRIES_BUDGET) &&
                edge->policy.has_retry);
}

static void tell_changed(struct fleet *fleet, uint32_t service, uint32_t edge, const char *what)
{
        fleet_tell(fleet, &(struct fleet_event){.kind = FLEET_EVENT_CONFIG_CHANGED,
                                                .service = service,
                                                .instance = NONE,
                                                .edge = edge,
                                                .text = what});
}

static void config_push(struct fleet *fleet, uint32_t index, uint32_t edge, struct effect *effect)
{
        struct service *service = &fleet->services[index];
        enum parameter_kind parameter = effect->setting.parameter;
        struct config *config = service->config_free;

        if (config != NULL)
                service->config_free = config->before;
        else
                config = ARENA_NEW(&fleet->arena, struct config);
        if (config == NULL) {
                fleet_break(fleet, "out of memory");
                return;
        }
        *config = (struct config){.effect = effect, .edge = edge, .before = service->config};
        service->config = config;
        if (edge == NONE)
                apply_all(fleet, index);
        else
                config_settle_edge(fleet, edge);
        if (edge == NONE || !out_of_reach(&fleet->edges[edge], parameter))
                effect->touched += service->member_count;
        tell_changed(fleet, index, edge,
                     parameter == PARAMETER_FEATURE
                             ? service->spec->features[(uint32_t)effect->setting.number].name
                             : parameter_rows[parameter].key);
}

static void config_take(struct fleet *fleet, uint32_t index, struct config *config)
{
        struct service *service = &fleet->services[index];
        struct config **at = &service->config;
        uint32_t edge = config->edge;

        while (*at != config)
                at = &(*at)->before;
        *at = config->before;
        config->before = service->config_free;
        service->config_free = config;
        if (edge == NONE)
                apply_all(fleet, index);
        else
                config_settle_edge(fleet, edge);
        tell_changed(fleet, index, edge, "put back");
}

bool config_routine(struct fleet *fleet, uint32_t index)
{
        struct service *service = &fleet->services[index];

        if (service->config != NULL || service->version->defect_count > 0)
                return false;
        service->configured = true;
        tell_changed(fleet, index, NONE, "routine change");
        return true;
}

const char *config_roll_back(struct fleet *fleet, uint32_t index)
{
        struct service *service = &fleet->services[index];

        if (service->config != NULL) {
                config_take(fleet, index, service->config);
        } else if (service->configured) {
                service->configured = false;
                tell_changed(fleet, index, NONE, "put back");
        } else {
                return "there is no configuration before";
        }
        return NULL;
}

/* ---- effects */

void version_effect_on(struct fleet *fleet, uint32_t service, uint32_t edge, struct effect *effect)
{
        if (version_effect_attached(fleet, effect))
                return;
        if (effect->kind == EFFECT_RELEASE)
                release_bad(fleet, service, effect);
        else
                config_push(fleet, service, edge, effect);
}

static struct config *config_of(const struct service *service, const struct effect *effect)
{
        struct config *config = service->config;

        while (config != NULL && config->effect != effect)
                config = config->before;
        return config;
}

void version_effect_lift(struct fleet *fleet, struct effect *effect)
{
        for (uint32_t i = 0; i < fleet->service_count; i++) {
                struct config *config = config_of(&fleet->services[i], effect);

                if (effect->kind == EFFECT_RELEASE)
                        mend_release(fleet, i, effect);
                else if (config != NULL)
                        config_take(fleet, i, config);
        }
}

bool version_effect_attached(const struct fleet *fleet, const struct effect *effect)
{
        for (uint32_t i = 0; i < fleet->service_count; i++) {
                const struct service *service = &fleet->services[i];

                if (effect->kind == EFFECT_RELEASE ? has_defect(service->version, effect) ||
                                                             runs_defect(fleet, service, effect)
                                                   : config_of(service, effect) != NULL)
                        return true;
        }
        return false;
}

void version_reset_service(struct fleet *fleet, uint32_t index)
{
        struct service *service = &fleet->services[index];
        struct version *good = service->version;

        while (service->config != NULL)
                config_take(fleet, index, service->config);
        while (good != NULL && (good->withdrawn || good->defect_count > 0))
                good = good->before;
        if (good != NULL && good != service->version)
                go_back_to(fleet, index, good, "rolled back by a human", NONE);
}

uint64_t version_digest(const struct fleet *fleet, uint64_t digest)
{
        for (uint32_t i = 0; i < fleet->service_count; i++)
                for (const struct config *config = fleet->services[i].config; config != NULL;
                     config = config->before) {
                        digest = hash_mix(digest, hash_mix(5, i));
                        digest = hash_mix(digest, hash_mix(config->effect->stream, config->edge));
                        digest = hash_mix(digest, (uint64_t)config->effect->setting.parameter);
                }
        return digest;
}
