/* harness/scenario/loader.h - the readers that together make a scenario.
 *
 * One file each; scenario.c calls them in the order in which they need one
 * another (the fleet first, everything else refers to it). They report what is
 * wrong and leave something harmless in its place, so that the next one can go
 * on.
 */
#ifndef CHAOS_SCENARIO_LOADER_H
#define CHAOS_SCENARIO_LOADER_H

#include "harness/scenario/read.h"
#include "harness/scenario/scenario.h"

/* Longest virtual time of a scenario, and longest single duration in one. */
#define LOADER_TIME_MAX_NS (366 * 24 * NS_PER_HOUR)

/* fleet_reader.c, service_reader.c: an object, or the path of a fleet file. */
void load_fleet(struct read_context *ctx, const json_t *json, const char *path,
                struct fleet_spec *out);
void load_services(struct read_context *ctx, const json_t *list, const char *path,
                   struct fleet_spec *out);
/* Calls that never end, or grow beyond measure. */
enum { EDGES_MAX = 50000 };

/* Descriptors; cache, database or queue: after the calls and the instances. */
void load_fds(struct read_object *service, struct service_spec *out);
void load_data(struct read_object *service, uint32_t index, struct fleet_spec *fleet,
               struct edge_spec *edges, struct service_spec *out);
/* Whether a fault finds at its target what it acts on. */
void check_fault_needs(struct read_context *ctx, const char *path, const struct fault_ops *fault,
                       const struct fleet_spec *fleet, const struct target_spec *target);
bool service_has_what_it_needs(const struct fault_ops *fault, const struct fleet_spec *fleet,
                               uint32_t service);
void check_call_graph(struct read_context *ctx, const char *services_path,
                      const struct fleet_spec *fleet);

/* load_reader.c, background_reader.c */
void load_loads(struct read_object *scenario, struct fleet_spec *out);
void load_background(struct read_object *scenario, struct fleet_spec *out);
/* trace.c: fills counts or instants from the file named at `path`. */
void load_trace(struct read_context *ctx, const char *path, const char *name, int64_t per_ns,
                double scale, struct load_trace *out);

/* setting_reader.c: keys that are given as names, and their values. `of_edge`: of
 * a call, else of a service. */
bool read_parameter(struct read_context *ctx, const char *path, const char *key, bool of_edge,
                    enum parameter_kind *out);
bool read_setting(struct read_context *ctx, const json_t *json, const char *path,
                  enum parameter_kind parameter, struct setting *out);
void check_setting(struct read_context *ctx, const char *path, const struct service_spec *service,
                   const struct setting *setting);
void load_versions(struct read_object *service, struct service_spec *out);
void load_features(struct read_object *service, struct service_spec *out);
/* Index of the feature of that name; reports an unknown one. */
bool read_feature(struct read_context *ctx, const char *path, const struct service_spec *service,
                  const char *name, uint32_t *out);

/* method_reader.c, target_reader.c */
void load_method(struct read_object *scenario, struct scenario *out);
void load_target(struct read_context *ctx, const json_t *json, const char *path,
                 const struct fault_ops *fault, const struct fleet_spec *fleet,
                 struct target_spec *out);
/* Whether the fault takes a target with these keys; NULL: none. */
bool target_fits(const json_t *json, const struct fault_ops *fault);
/* Any one instance that has what the fault acts on, for one that takes instances;
 * else none. */
void load_any_instance(struct read_context *ctx, const char *path, const struct fleet_spec *fleet,
                       const struct fault_ops *fault, struct target_spec *out);

/* probe_reader.c */
void load_probe(struct read_context *ctx, const json_t *json, const char *path,
                const struct fleet_spec *fleet, struct probe_spec *out);
/* The same for an object that has more keys. */
void load_probe_keys(struct read_object *object, const struct fleet_spec *fleet,
                     struct probe_spec *out);
void load_steady_state(struct read_object *scenario, struct scenario *out);

/* safety_reader.c; safety after the method, whose entries it judges */
void load_stop_conditions(struct read_object *scenario, struct scenario *out);
void load_safety(struct read_object *scenario, struct scenario *out);

/* threshold_reader.c */
void load_thresholds(struct read_object *scenario, struct scenario *out);

/* analysis_reader.c */
void load_analysis(struct read_object *scenario, struct analysis_spec *out);

/* Names of the fleet: index, or FLEET_NO_INDEX. */
uint32_t find_service(const struct fleet_spec *fleet, const char *name);
uint32_t find_zone(const struct fleet_spec *fleet, const char *name);
/* The service whose name stands under `key`; reports an unknown one. */
/* As enum fleet_balancing. */
extern const char *const balancing_names[];

bool read_service(struct read_object *object, const char *key, enum read_need need,
                  const struct fleet_spec *fleet, uint32_t *out);
bool read_zone(struct read_object *object, const char *key, enum read_need need,
               const struct fleet_spec *fleet, uint32_t *out);
/* Retries of an edge or a client. */
void read_retries(struct read_object *object, const char *key, struct retry_spec *out);

#endif
