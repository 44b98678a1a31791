/* harness/fleet/fleet.h - the simulated fleet, as a run sees it.
 *
 * A world of services, instances and edges under load, simulated request by
 * request in virtual time. One fleet is one arm of one replication; it is
 * single-threaded, owns all its memory, and depends on nothing but its spec
 * and its key: the same calls at the same virtual times give the same bytes.
 *
 * What happens in it reaches the host through the callbacks of
 * `struct fleet_host`; what is done to it comes through fleet_act() (a healer's
 * actions), fleet/effect.h (faults) and fleet/policy.h (protections on edges).
 */
#ifndef CHAOS_FLEET_H
#define CHAOS_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/fleet/action.h"
#include "harness/fleet/fleet_spec.h"
#include "harness/fleet/measure.h"
#include "harness/fleet/policy.h"
#include "harness/fleet/telemetry.h"
#include "harness/sim/time.h"

struct fleet;

enum instance_state {
        INSTANCE_BOOTING,
        INSTANCE_UP,
        INSTANCE_DRAINING, /* works off what it has, gets nothing new */
        INSTANCE_HUNG,     /* accepts, never answers */
        INSTANCE_ZOMBIE,   /* answers health checks, fails work */
        INSTANCE_DOWN,
        INSTANCE_GONE,     /* replaced or scaled in; never comes back */
        INSTANCE_STATE_COUNT
};

extern const char *const instance_state_names[INSTANCE_STATE_COUNT];

/* Facts worth a journal entry. */
enum fleet_note_kind {
        FLEET_NOTE_INSTANCE_STATE,  /* state, text: cause */
        FLEET_NOTE_DEPLOYMENT,      /* state: 0 started, 1 finished; text: version; value: 1 if bad */
        FLEET_NOTE_BACKGROUND,      /* text: which */
        FLEET_NOTE_DEGRADATION,     /* service, value: level */
        FLEET_NOTE_INCIDENT_OPENED, /* index: in the incidents */
        FLEET_NOTE_INCIDENT_CLOSED,
        FLEET_NOTE_PAGED,           /* a human was called; text: by what */
        FLEET_NOTE_RESPONDED,
        FLEET_NOTE_FIXED,
};

struct fleet_note {
        int64_t at_ns;
        enum fleet_note_kind kind;
        uint32_t service, instance, index;
        int state;
        double value;
        const char *text;
};

struct fleet_host {
        void *user;
        void (*note)(void *user, const struct fleet_note *note);
        void (*event)(void *user, const struct fleet_event *event);
        void (*telemetry)(void *user, const struct telemetry_batch *batch);
        void (*action_finished)(void *user, const struct fleet_action_result *result);
        /* The healer's host went down or came back. May be NULL. */
        void (*healer_host)(void *user, bool up);
};

struct fleet_options {
        const struct fleet_spec *spec; /* must outlive the fleet */
        uint64_t key;                  /* rng_key(seed, replication) */
        int64_t start_ns;              /* -warmup */
        int64_t bin_ns;                /* width of the series' bins */
        int64_t duration_ns;           /* background life ends here */
        bool telemetry;                /* whether anybody wants it */
        bool people;                   /* whether the on-call human watches */
        struct fleet_host host;
};

/* NULL when memory is out. */
struct fleet *fleet_create(const struct fleet_options *options);
void fleet_destroy(struct fleet *fleet);

/* Protections on edges; before the first fleet_run_until(). `ops` and `state`
 * must outlive the fleet. */
void fleet_set_policies(struct fleet *fleet, const struct fleet_policy_ops *ops, void *state);

/* Asks once more for the settings of an edge; what they leave open is the fleet's own. */
void fleet_policy_changed(struct fleet *fleet, uint32_t edge);

/* Simulates up to `until_ns` (events at that instant not included). False
 * when memory ran out or a stated cap was reached: fleet_broken() says which. */
bool fleet_run_until(struct fleet *fleet, int64_t until_ns);
int64_t fleet_now(const struct fleet *fleet);
const char *fleet_broken(const struct fleet *fleet); /* NULL: nothing */

/* Calls fn(user, index) at that time; `ident` orders it among events of the
 * same instant. May be called from callbacks. */
void fleet_schedule(struct fleet *fleet, int64_t at_ns, uint64_t ident,
                    void (*fn)(void *user, uint32_t index), void *user, uint32_t index);

/* Counts requests under this phase from now on. */
void fleet_set_phase(struct fleet *fleet, enum run_phase phase);

/* Begins an action; its result comes through action_finished() after the
 * actuator's time and whatever the action itself takes. `extra_delay_ns` and
 * the failure belong to the actuator. */
void fleet_act(struct fleet *fleet, const struct fleet_action *action);

/* How long the actuator of a kind takes now, and whether it fails an action
 * that is due now. */
int64_t fleet_actuator_time_ns(struct fleet *fleet, enum fleet_action_kind kind);
bool fleet_actuator_fails(struct fleet *fleet, const struct fleet_action *action);

/* What lies between fleet and healer now: how late telemetry of a service is
 * (FLEET_NO_INDEX: of none in particular), whether all services' is equally so,
 * and whether nothing at all comes through. Each loss is told to its fault. */
int64_t fleet_telemetry_delay_ns(struct fleet *fleet, uint32_t service);
bool fleet_telemetry_delay_varies(const struct fleet *fleet);
/* Whose monitor looks at an edge: its caller's; of a client's edge, the entry's. */
uint32_t fleet_edge_reporter(const struct fleet *fleet, uint32_t edge);
bool fleet_healer_hears(struct fleet *fleet);
bool fleet_healer_is_heard(struct fleet *fleet);

/* A human is called now on behalf of a service; FLEET_NOTE_FIXED follows. */
void fleet_page_human(struct fleet *fleet, uint32_t service, const char *why);

/* ---- looking, for the run and for tests; none of it is shown to a healer */

uint32_t fleet_edge_count(const struct fleet *fleet); /* declared, then one a load source */
const char *fleet_edge_name(const struct fleet *fleet, uint32_t edge);
uint64_t fleet_edge_refused(const struct fleet *fleet, uint32_t edge); /* by its guard */
uint32_t fleet_instance_count(const struct fleet *fleet); /* all that ever were */
const char *fleet_instance_name(const struct fleet *fleet, uint32_t instance);
enum instance_state fleet_instance_state(const struct fleet *fleet, uint32_t instance);
/* Whether its heartbeat was reported as missed, and is. */
bool fleet_instance_is_silent(const struct fleet *fleet, uint32_t instance);
const char *fleet_service_version(const struct fleet *fleet, uint32_t service);
const bool *fleet_reaches(const struct fleet *fleet, uint32_t service); /* [service_count] */
bool fleet_incident_open(const struct fleet *fleet, uint32_t service);
/* Every entry service's window is good and none has an open incident. */
bool fleet_entries_good(const struct fleet *fleet);
/* Keeps what fleet_probe() needs of a service (FLEET_NO_INDEX: of all entry
 * services) for windows up to that length. Before the first fleet_run_until().
 * False when memory is out. 5 KB a second of the window and service. */
bool fleet_watch(struct fleet *fleet, uint32_t service, int64_t window_ns);
/* A probe's metric over the trailing whole seconds of the window; NaN without
 * data. service FLEET_NO_INDEX: all entry services. Has to be watched. */
double fleet_probe(const struct fleet *fleet, const char *metric, uint32_t service,
                   int64_t window_ns);

struct fleet_totals {
        double instance_seconds, instance_seconds_added, degraded_s;
        uint64_t human_pages;
        double failed_user_s; /* of the declared closed users: from a bad request to the next good one */
        uint64_t root_requests, root_unfinished, root_outcome[CALL_OUTCOME_COUNT];
        uint64_t arrival_hash; /* of the open sources' arrivals in the measured part */
        uint64_t draw_hash;    /* of the chance that one in 256 of them met at the entry */
        uint64_t events;
};

/* Closes the books at the present time. The measures live in `arena`-less heap
 * memory that the caller then owns: free with service_measures_free(). NULL
 * when memory is out. Sets fleet_broken() when conservation or Little's law
 * does not hold. */
struct service_measure *fleet_finish(struct fleet *fleet, struct fleet_totals *totals,
                                     struct incident **incidents, size_t *incident_count);
void service_measures_free(struct service_measure *measures, uint32_t count);

#endif
