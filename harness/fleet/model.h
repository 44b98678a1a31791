/* harness/fleet/model.h - the fleet's inside: what its files share.
 *
 * A *call* is the caller's side of one logical call, with all its attempts; a
 * *req* is one attempt at the callee, from the door to the answer. Both come
 * from pools and are named by index; a generation tells a stale name. A call
 * that has timed out forgets its req, which works on for nobody, as it does in
 * real systems.
 *
 *   load.c, request.c   arrivals, calls, queues, work, answers (the hot path)
 *   lane.c              the same, worked out ahead where nothing can come between
 *   relay.c             the same, one record for a chain of services
 *   instance.c          life of processes, health checks, supervisor
 *   actuator.c          what a healer's actions do
 *   controller.c        what the platform does by itself: placing, checks, scaling
 *   clock.c             clocks that are wrong, and what depends on them
 *   feature.c           features that can be left out; admission by priority
 *   operations.c        the on-call human
 *   rolling.c           changes that go instance by instance
 *   version.c           versions and configurations of services
 *   background.c        benign life
 *   effect.c            faults' effects
 *   pool.c, cache.c, database.c, message_queue.c
 *                       the data layer: see data_layer.h
 *   telemetry.c         samples for a healer
 *   stock.c             what runs out slowly: disk and tokens
 *   way.c               what may befall a request on its way
 *   channel.c           what faults do to the healer's side: samples, orders, host
 *   objective.c         good and bad seconds, incidents
 *   fleet.c             creation, the event loop, the end
 *
 * Memory in flight: 88 bytes a call, 88 a req and 16 a timer, held below in model.h; a
 * relay has 176 for all of its hops, and one call and one timer.
 */
#ifndef CHAOS_FLEET_MODEL_H
#define CHAOS_FLEET_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/arena.h"
#include "harness/base/hist.h"
#include "harness/base/rng.h"
#include "harness/fleet/effect.h"
#include "harness/fleet/fleet.h"
#include "harness/sim/event_queue.h"

#define NONE UINT32_MAX

/* The user that a fault's extra request comes from; others have NONE, or a number. */
#define EXTRA_USER (UINT32_MAX - 1)

/* Requests in flight at most, in the whole fleet: an overload without bound
 * must not eat the machine. Reaching it ends the run (exit 70). */
enum { FLEET_IN_FLIGHT_MAX = 2 * 1000 * 1000 };

enum event_kind {
        EV_ARRIVAL,      /* index: load source */
        EV_REACH,        /* req comes to the door */
        EV_WORKED,       /* req's own work is done */
        EV_ANSWER,       /* call hears the answer of its attempt */
        EV_RETRY,        /* call's back-off is over */
        EV_TIMER_RING,   /* edge's first timer is due */
        EV_TIMEOUT,      /* call's timer that did not fit the ring */
        EV_USER,         /* index: call record of a closed user that has thought */
        EV_SECOND,       /* every second: objectives and slow life */
        EV_TELEMETRY,    /* end of a telemetry interval */
        EV_CALLBACK,     /* fleet_schedule() */
        EV_INSTANCE,     /* instance's lifecycle timer */
        EV_HEALTH,       /* instance's next health check that could change something */
        EV_HEARTBEAT,    /* instance's heartbeat is missed if it is still dead */
        EV_RESUME,       /* req whose calls came back while its process stood still */
        EV_GRANTED,      /* call has what it waited for: a connection, a descriptor */
        EV_ROOM,         /* instance may have room for work that waits */
        EV_STORE,        /* req is a message that comes to its queue */
        EV_CLOSED,       /* req's connection is closed at last */
        EV_TURN,         /* call that waits before its edge's guards may ask again */
        EV_RELAY,        /* relay's own work at its present hop is done */
};

/* What an instance's lifecycle timer is for. */
enum instance_timer_kind { TIMER_NONE, TIMER_UP, TIMER_DRAINED };

enum call_state { CALL_FREE, CALL_WAITING, CALL_BACKOFF, CALL_THINKING };
enum req_state { REQ_FREE, REQ_COMING, REQ_QUEUED, REQ_WORKING, REQ_CALLING,
                 REQ_STUCK,         /* work would be done, but the process stands still */
                 REQ_STUCK_CALLING, /* the same, with its calls back */
                 REQ_LOCKED,        /* has a worker and waits for a lock */
                 REQ_CLOSING,       /* answered; its connection keeps the worker */
};

/* What a fault has in store for a request when it is worked on. */
enum req_doom { DOOM_NONE, DOOM_FAILS, DOOM_KILLS };

/* What the guards of an edge have of an attempt. */
enum call_ticket { TICKET_NONE, TICKET_WAITS, TICKET_IN };

struct call {
        uint64_t uid;
        int64_t first_at_ns;
        int64_t sent_at_ns;
        struct policy_ticket ticket;
        uint32_t edge;
        uint32_t parent, parent_generation; /* req of the caller; NONE: a client */
        uint32_t token;      /* of the present attempt; a req or timer with another one is stale */
        uint32_t req, req_generation;
        uint32_t older, newer; /* unjudged calls of the callee, by first_at */
        uint16_t attempt;
        uint16_t priority; /* 0..499 */
        float cost;        /* factor on service times, from the request's class */
        uint8_t state;
        uint8_t answer;   /* call_outcome of the attempt, while the answer is on its way */
        bool judged : 1;          /* counted as good or bad already */
        bool final_error : 1;     /* the answer is not to be retried */
        uint8_t ticket_state : 2; /* enum call_ticket */
        uint8_t holds;    /* CALL_HAS_, CALL_WAITS_: connection, descriptor (data_layer.h) */
        float answer_quality;
};

struct req {
        uint64_t uid;
        int64_t arrived_ns;
        int64_t started_ns;
        int64_t work_ns;    /* own work at full speed; once begun, its process time at the end */
        uint32_t call, call_token;
        uint32_t edge;
        uint32_t instance;
        uint32_t generation;
        uint32_t prev, next; /* in the instance's queue or its list of those inside */
        uint32_t error_bits; /* 32 random bits for own errors */
        float quality;
        float cost;
        uint16_t priority;
        uint16_t call_at;    /* edge of the service it is at */
        uint16_t call_done;  /* repetitions of that edge done */
        uint16_t pending;    /* parallel calls out */
        uint32_t permit;     /* of the policy, kept though its caller gave up; 0: none */
        uint16_t row : 10;   /* of a database */
        uint16_t outcome : 3; /* so far */
        uint8_t marks;       /* MARK_: of the data layer (data_layer.h), 0 elsewhere */
        uint8_t state : 4;
        uint8_t doom : 2;    /* enum req_doom */
        bool has_worker : 1;
        bool error_final : 1;
};

_Static_assert(sizeof(struct call) <= 88 && sizeof(struct req) <= 88,
               "with its timer a request in flight has 192 bytes");

struct list {
        uint32_t head, tail, length;
};

struct effect_link {
        struct effect *effect;
        struct effect_link *next; /* by rank */
        bool on;                  /* FLAP, STOP: in its bad part */
};

/* Everything that a version or a configuration can change, worked out. */
struct parameters {
        const struct dist *service_time;
        double error_rate, declared_error_rate; /* the latter without what faults bring */
        double slowdown, leak_bytes_per_s, peer_cost;
        double cores_factor, memory_limit_factor; /* on what the service has */
        int64_t memory_base_bytes, memory_per_request_bytes;
        int64_t restart_time_ns, boot_time_ns;
        uint32_t concurrency, queue_max;
        struct effect *told; /* of what a bad version does; or NULL */
};

enum { VERSION_DEFECTS_MAX = 8 };

struct defect {
        struct effect *of; /* NULL: lifted, and still where it runs */
        struct release release;
};

/* A version of a service, in its history. */
struct version {
        const char *name;
        const struct version_spec *spec; /* its own changes, or NULL */
        struct version *before;  /* in force before it, or NULL */
        struct version *older;   /* all there are, youngest first */
        struct defect defect[VERSION_DEFECTS_MAX]; /* what faults put in */
        uint32_t defect_count;   /* above 0: a bad one */
        bool withdrawn;          /* rolled back: never gone back to */
        bool plain;              /* params are those of the declaration */
        struct parameters params;
};

/* A setting in force on a service or one of its calls, last one first. */
struct config {
        struct effect *effect; /* whose `setting` it is */
        uint32_t edge;         /* or NONE: of the service */
        struct config *before;
};

enum { PRIORITY_CLASSES = 5, PRIORITY_CLASS_WIDTH = 100 };

/* Of a service that sheds: the mix of what came lately, by class of priority. */
struct admission {
        double seen[PRIORITY_CLASSES], credit[PRIORITY_CLASSES];
};

/* Of an autoscaler: samples since its last look. */
struct scaler {
        double sum;
        uint32_t samples;
        int64_t quiet_until_ns;
};

/* What may carry effects. */
enum effect_place { ON_EDGE, ON_INSTANCE, ON_SERVICE, ON_ZONE, ON_HEALER, ON_BORDER };

/* Latencies of one telemetry interval: 4 steps an octave, 1/8 precision, from
 * 16 us to 18 minutes, which is beyond any time limit that callers have. */
enum { SKETCH_BUCKETS = 104 };

struct sketch {
        uint32_t count;
        uint16_t bucket[SKETCH_BUCKETS];
};

struct instance {
        struct list queue, inside;
        uint32_t service, zone, number; /* number inside the service, for the name */
        uint32_t busy;                  /* workers taken */
        uint32_t working;               /* of those, in their own service time */
        uint8_t state;                  /* enum instance_state */
        bool in_service;                /* wanted: counts as part of the service */
        bool registered;                /* balancers know of it */
        uint8_t timer;                  /* enum instance_timer_kind */
        bool ejected;                   /* by the balancer's health check */
        bool beating;                   /* heartbeat not reported as missed */
        bool goes_after_drain;          /* scaled in or replaced; else it restarts */
        bool health_scheduled;
        uint8_t exits_in_row;
        uint16_t health_failures, health_successes;
        uint32_t timer_generation; /* lifecycle events with another are stale */
        uint32_t epoch;            /* processes so far */
        uint32_t successor;        /* replacement that boots, or NONE */
        uint32_t held_down;        /* effects that keep it from starting */
        bool owed_start;           /* somebody ordered one that could not be done yet */
        uint32_t hung, zombies;    /* effects that make it so */
        uint32_t stopped;          /* effects that make its process stand still */
        bool ending;               /* its process is just being taken down */
        int64_t stopped_at_ns;     /* since when it stands still */
        int64_t stood_still_ns;    /* before that: process time is now less this */
        uint32_t coming;           /* requests that are on their way to it */
        struct effect_link *effects;
        int64_t up_since_ns;
        int64_t exited_ns;
        int64_t state_since_ns;
        double leaked_bytes;
        int64_t leak_at_ns;        /* leaked_bytes is as of then */
        double batch_load;         /* cores taken by a benign job */
        const struct version *version; /* it runs, or ran last */
        const struct version *wanted;  /* its next process runs */
        const struct parameters *params; /* in force in it; NULL: as declared */
        uint32_t workers;          /* counted in the service's workers_up */
        const char *cause;
        /* CoDel: since when waits have been too long, and the next drop */
        int64_t codel_above_ns, codel_next_ns;
        uint32_t codel_drops; /* in this spell; 0: not dropping */
        /* telemetry of the present interval */
        int64_t cpu_at_ns;
        double cpu_area_s;
        uint64_t requests;
        uint32_t answers, errors, refused;
        struct sketch *sketch;
        int64_t said_at_ns;        /* last sampled error message */
        struct holdings *holdings; /* pools, descriptors, cache (data_layer.h); NULL: none */
        const char *name; /* "cart-2" */
};

/* Timers of one constant delay: first in, first due. */
struct timer {
        int64_t at_ns;
        uint32_t call, token;
};

struct timer_ring {
        struct timer *slot;
        uint32_t first, count, capacity; /* capacity: a power of two */
        bool scheduled;
        int64_t due_ns; /* of the scheduled event */
};

struct edge {
        uint32_t from, to; /* from NONE: a load source */
        uint64_t name_hash;
        const char *name;
        const struct edge_spec *spec; /* NULL for a load source */
        double probability;
        uint32_t count;
        uint8_t mode, balancing, fallback_kind;
        bool cancel_on_timeout;
        bool guarded;
        struct policy_edge_settings policy; /* replace declaration and configuration */
        double timeout_scale; /* what actions made of it */
        uint8_t special; /* EDGE_: what calls over it meet besides (data_layer.h), 0: nothing */
        int64_t timeout_ns;
        struct retry_spec retry;
        double fallback_quality;
        double retry_credit;
        uint32_t turn; /* round robin */
        const struct dist *patience; /* of clients, drawn for each attempt; NULL: timeout_ns */
        uint64_t refused; /* attempts that its guard turned away, in the measured part */
        struct timer_ring timers;
        struct effect_link *effects;
        /* telemetry of the present interval */
        uint32_t calls, failures, timeouts;
        struct sketch sketch;
        bool message_sampled;
};

/* One second of a service that a probe looks at. */
struct watch_second {
        int64_t second;
        struct hist latency;
        uint32_t calls, errors, timeouts, good, bad;
        bool over;                                   /* else these are not known yet: */
        uint64_t queue_area, busy_area, worker_area; /* at its end, since the start */
};

struct watch {
        struct watch_second *ring;
        uint32_t length; /* 0: nobody looks */
};

struct objective {
        struct second_bucket *bucket; /* [capacity], from start_s on */
        size_t capacity;
        struct second_bucket *present; /* asked for last, */
        int64_t present_from_ns;       /* of the second that begins then */
        int64_t done;         /* buckets that are over */
        uint32_t oldest, newest; /* unjudged calls */
        int64_t window_from;  /* bucket index */
        uint64_t window_good, window_bad;
        bool window_is_bad;
        bool open;
        int64_t onset_ns, noticed_ns, last_bad_end_ns, good_since;
        double lowest_share;
        uint32_t incident;    /* index of the open one */
        int64_t floor;        /* bucket before which no incident begins: the last one's end */
};

struct service {
        const struct service_spec *spec;
        uint64_t name_hash;
        uint32_t *members;   /* instances that are part of it */
        uint32_t member_count, member_capacity;
        uint32_t *routable;  /* of those, where balancers send calls */
        uint32_t routable_count;
        uint32_t numbered;   /* instances ever, for names */
        uint8_t relay_depth; /* services on the way from here, see relay.c; 0: none goes by relay */
        bool relay_open;     /* looked at in relay_era */
        uint32_t relay_era;
        bool entry;
        bool reached_by_entry;
        bool *reaches;
        /* time integrals */
        int64_t area_at_ns;
        uint32_t waiting, busy, inside; /* inside: waiting + working + calling */
        uint32_t workers_up, up;
        uint64_t queue_area, busy_area, system_area, worker_area, up_area, want_area; /* ns x count */
        uint64_t sojourn_sum; /* ns, of those that left */
        uint64_t work_sum;
        /* declared at birth, changed by actions and deployments */
        struct effect_link *effects; /* of all its instances */
        struct database *database;      /* data_layer.h; NULL: it is none */
        struct message_queue *messages; /* the same */
        double error_rate;
        double cpu_cores;
        int64_t memory_limit_bytes;
        uint32_t memory_calm; /* in flight up to which memory matters to nobody, where nothing leaked */
        struct version *versions; /* all, youngest first */
        struct version *version;  /* released last */
        struct version *stable;   /* what a new instance runs */
        struct config *config, *config_free; /* what faults set */
        bool configured;          /* some routine change could be taken back */
        uint32_t releases;        /* of declared versions, so far */
        uint32_t blocked, unready, liveness; /* effects of placing and checks on it */
        int64_t stopped_until_ns, checks_off_until_ns; /* by an action */
        struct scaler scaler;
        double admit_share;      /* of what comes; below 1: shed */
        double admit_credit;
        struct admission admission;
        double feature_factor;   /* on own work, by the features that are on */
        double shed_share, degrade_share; /* what it is made of */
        uint32_t concurrency;    /* workers, as limited by degradation */
        uint32_t level_concurrency; /* that limit; UINT32_MAX: none */
        uint32_t level;          /* degradation 0..4 */
        struct fleet_level level_left; /* what it is to leave */
        int64_t level_since_ns;
        double degraded_s;
        int64_t raised_since_ns; /* increase_resources */
        double raised_s;         /* instance-seconds that it was worth */
        double timeout_factor;   /* of its calls, by degradation */
        float level_quality;
        struct objective objective;
        struct watch watch;
        struct service_measure measure;
        /* the bin that is being filled */
        struct hist *bin_hist;
        struct series_bin bin;
        uint64_t bin_queue_area, bin_busy_area, bin_worker_area;
};

/* A load source, or the crowd that joins one for a while (the second third of
 * the array: benign; the last: a fault's): extra arrivals have a stream of their
 * own, so that the others stay as they are. */
struct crowd_user {
        uint32_t turns;
        bool here; /* thinks or waits; one too many leaves after that */
};

/* Chance of arrivals to come, drawn some at a time: nothing waits for it then. */
enum { DRAWN_AHEAD = 8 };

struct drawn_ahead {
        struct rng_block block; /* of the arrival */
        int64_t gap_ns;         /* since the one before; TIME_NEVER: none comes */
        uint64_t uid;           /* of its first attempt */
        struct rng_block hop;   /* the same */
        double hop_log;         /* log(1 - u) of the hop's first word */
};

struct source {
        const struct load_spec *spec;
        uint64_t name_hash;
        uint32_t edge;
        bool crowd;
        bool steady;         /* Poisson at one rate: the usual one */
        bool lane;           /* its requests may go through lanes (lane.c) */
        double crowd_factor; /* arrivals besides, in parts of the source's rate; 0: none */
        uint32_t generation; /* of its pending arrival */
        uint64_t drawn;      /* arrivals made or tried */
        uint64_t skipped;    /* instants of a trace before its offset */
        struct rng_block block; /* of the pending arrival */
        struct drawn_ahead *ahead; /* [2 DRAWN_AHEAD], by number; NULL: not steady */
        uint64_t hash;       /* of arrivals in the measured part */
        size_t state;        /* mmpp */
        int64_t state_until_ns;
        uint32_t state_drawn;
        uint32_t *user_turns; /* closed: thoughts had, by user */
        int64_t *failed_since_ns; /* closed, by user: since when nothing went well for them, or TIME_NEVER */
        /* a crowd of a closed source: users besides, as many as are wanted now */
        struct crowd_user *crowd_users;
        uint32_t crowd_capacity, crowd_wanted;
};

static inline struct drawn_ahead *drawn_ahead_of(const struct source *source, uint64_t n)
{
        return &source->ahead[n % (2 * DRAWN_AHEAD)];
}

struct callback {
        void (*fn)(void *user, uint32_t index);
        void *user;
        uint32_t index, next_free;
};

struct action_run {
        struct fleet_action action;
        int64_t started_ns;
        uint32_t next_free;
        uint32_t step;      /* of a rolling action */
        uint32_t target;    /* instance it waits for */
        bool waits_up;      /* finishes when target is up */
        bool in_use;
};

/* The burn-rate alert of an entry service, and the human it calls. */
struct pager {
        uint64_t long_good, long_bad, short_good, short_bad;
        bool busy;          /* a human is on it already */
        uint32_t pages;
};

/* A change that goes through a service instance by instance. */
struct roll {
        uint32_t service;
        uint32_t *targets;  /* instances, in order */
        uint32_t count, at;
        uint32_t waits_for; /* instance that is being restarted, or NONE */
        uint32_t tries;     /* waited for room this often */
        bool patient;       /* benign: gives up rather than hurt */
        struct version *version; /* deployed; NULL: only restarted */
        int64_t stuck_ns;   /* the one that it waits for cannot start since; TIME_NEVER: it can */
        bool passed_over;   /* one that could not */
        uint32_t action;    /* action_run to finish, or NONE */
        const char *cause;
        bool in_use;
};

struct fleet {
        const struct fleet_spec *spec;
        struct fleet_options options;
        struct arena arena;
        struct event_queue queue;
        int64_t now;
        uint64_t key;
        int64_t start_ns;
        int64_t start_s; /* second of the first bucket */
        const char *broken;

        struct service *services;
        uint32_t service_count;
        struct edge *edges;
        uint32_t edge_count;
        struct source *sources;
        uint32_t source_count;
        struct instance *instances;
        uint32_t instance_count, instance_capacity;

        struct call *calls;
        uint32_t call_count, call_capacity, call_free;
        struct req *reqs;
        uint32_t req_count, req_capacity, req_free;
        uint32_t in_flight;

        struct lane *lanes; /* by instance; lane.c */
        uint32_t lane_capacity;
        uint32_t lane_pending; /* requests in them */
        bool lanes_closed;     /* for tests: everything takes the long way */
        int64_t lanes_settled_ns; /* until when they are in the integrals */
        int64_t until_ns;      /* end of the present fleet_run_until() */
        uint64_t at_ident;     /* of the present event */
        const struct drawn_ahead *ahead; /* of the arrival that came last, or NULL */

        struct relay *relays; /* relay.c */
        uint32_t relay_count, relay_capacity, relay_free;
        uint32_t relays_out;  /* waiting or working somewhere */
        int64_t relays_settled_ns; /* until when they are in the integrals */
        struct relay_line *relay_lines; /* by instance */
        uint32_t relay_line_count;
        uint32_t relay_era;   /* ends when something may have changed for them */

        struct callback *callbacks;
        uint32_t callback_count, callback_capacity, callback_free;
        struct action_run *actions;
        uint32_t action_count, action_capacity, action_free;

        const struct fleet_policy_ops *policy;
        void *policy_state;
        bool turns;         /* some guards may make an attempt wait */

        struct claim *claims; /* by call: whose connection and descriptor it has; NULL: no pools */
        uint32_t claim_capacity;
        uint32_t holding_links; /* effects in force that take connections or descriptors */

        struct effect_link *link_free;
        uint32_t leak_links; /* effects in force that take memory */
        uint32_t surge_links; /* effects in force that bring requests */
        struct effect_link **zone_effects; /* by zone */
        uint32_t zone_links;  /* effects in force on zones */
        struct effect_link *border_effects; /* on calls between two zones */
        uint32_t way_links;   /* effects in force that way.c looks after */
        struct stocks *stocks; /* disks and tokens; NULL: no service has any */
        struct effect_link *healer_effects; /* on the healer's side */
        uint32_t healer_down; /* of them, those that hold its host down */

        enum run_phase phase;
        int64_t phase_since_ns;
        int64_t measured_from_ns; /* 0 */
        int64_t bin_end_ns;
        int64_t telemetry_interval_ns;
        int64_t telemetry_from_ns;
        int64_t detail_until_ns;
        struct instance_sample *samples;
        uint32_t sample_capacity;
        struct edge_sample *edge_samples;

        struct incident *incidents;
        size_t incident_count, incident_capacity;
        struct pager *pagers; /* by service */
        struct roll *rolls;
        uint32_t roll_count, roll_capacity;
        uint32_t clock_links;  /* effects in force on clocks */
        bool mixed_priorities; /* requests of more than one class of priority come */
        uint32_t scaler_count; /* services that scale by themselves */
        uint32_t memory_watched; /* instances whose version or configuration may fill their memory */
        double instance_added_s;
        uint64_t human_pages;
        int64_t failed_user_ns; /* of closed users whose failing is over */
        uint64_t root_requests, root_unfinished, root_outcome[CALL_OUTCOME_COUNT];
        uint64_t draw_hash; /* of the chance of sampled requests */
        uint64_t events;
};

/* Ends the run at the next look: first reason wins. `why` is static. */
static inline void fleet_break(struct fleet *fleet, const char *why)
{
        if (fleet->broken == NULL)
                fleet->broken = why;
}

/* Brings a service's time integrals up to now. */
static inline void service_touch(struct fleet *fleet, struct service *service)
{
        uint64_t dt = (uint64_t)(fleet->now - service->area_at_ns);

        if (dt == 0)
                return; /* half of all: a worker that ends one request begins the next */
        service->area_at_ns = fleet->now;
        service->queue_area += dt * service->waiting;
        service->busy_area += dt * service->busy;
        service->system_area += dt * service->inside;
        service->worker_area += dt * service->workers_up;
        service->up_area += dt * service->up;
        service->want_area += dt * service->member_count;
}

/* Whether memory can neither slow nor kill an instance now: the usual case, told
 * without arithmetic. */
static inline bool memory_is_calm(const struct service *service, const struct instance *instance)
{
        return instance->effects == NULL && service->effects == NULL &&
               instance->params == NULL && instance->leaked_bytes == 0 &&
               instance->queue.length + instance->inside.length < service->memory_calm;
}

static inline bool instance_has_effects(const struct fleet *fleet, const struct instance *instance)
{
        return instance->effects != NULL || fleet->services[instance->service].effects != NULL ||
               instance->params != NULL;
}

/* What instance_cpu_touch() does when time has passed and somebody asks. */
void instance_cpu_add(struct fleet *fleet, struct instance *instance);

/* Brings the time its cores were busy up to now. */
static inline void instance_cpu_touch(struct fleet *fleet, struct instance *instance)
{
        if (fleet->options.telemetry && instance->cpu_at_ns != fleet->now)
                instance_cpu_add(fleet, instance);
}

/* Latency sketch of telemetry: 4 steps an octave from 16 us on. Its steps are
 * eighths of a histogram's, so that one index serves both. */
enum { SKETCH_LOW_OCTAVE = 14 };

static inline void sketch_add_at(struct sketch *sketch, uint32_t hist_index)
{
        const uint32_t below = (SKETCH_LOW_OCTAVE - HIST_OCTAVE_MIN) << 2;
        uint32_t step = hist_index >> (HIST_STEP_BITS - 2);
        uint32_t index = step > below ? step - below : 0;

        if (index >= SKETCH_BUCKETS)
                index = SKETCH_BUCKETS - 1;
        if (sketch->bucket[index] < UINT16_MAX) {
                sketch->bucket[index]++;
                sketch->count++;
        }
}

/* Workers of one instance, as its version and the level of degradation allow. */
static inline uint32_t instance_workers(const struct service *service,
                                        const struct instance *instance)
{
        uint32_t own;

        if (instance->params == NULL)
                return service->concurrency;
        own = instance->params->concurrency;
        return own < service->level_concurrency ? own : service->level_concurrency;
}

static inline double instance_cores(const struct service *service, const struct instance *instance)
{
        return instance->params == NULL ? service->cpu_cores
                                        : service->cpu_cores * instance->params->cores_factor;
}

/* 0: none. */
static inline double instance_memory_limit(const struct service *service,
                                           const struct instance *instance)
{
        double limit = (double)service->memory_limit_bytes;

        return instance->params == NULL ? limit : limit * instance->params->memory_limit_factor;
}

/* ---- lists of reqs */

static inline void list_append(struct fleet *fleet, struct list *list, uint32_t index)
{
        struct req *req = &fleet->reqs[index];

        req->prev = list->tail;
        req->next = NONE;
        if (list->tail == NONE)
                list->head = index;
        else
                fleet->reqs[list->tail].next = index;
        list->tail = index;
        list->length++;
}

static inline void list_prepend(struct fleet *fleet, struct list *list, uint32_t index)
{
        struct req *req = &fleet->reqs[index];

        req->prev = NONE;
        req->next = list->head;
        if (list->head == NONE)
                list->tail = index;
        else
                fleet->reqs[list->head].prev = index;
        list->head = index;
        list->length++;
}

static inline void list_remove(struct fleet *fleet, struct list *list, uint32_t index)
{
        struct req *req = &fleet->reqs[index];

        if (req->prev == NONE)
                list->head = req->next;
        else
                fleet->reqs[req->prev].next = req->next;
        if (req->next == NONE)
                list->tail = req->prev;
        else
                fleet->reqs[req->next].prev = req->prev;
        list->length--;
}

/* ---- fleet.c */
void fleet_note(struct fleet *fleet, const struct fleet_note *note);
void fleet_tell(struct fleet *fleet, const struct fleet_event *event);

/* ---- request.c */
uint32_t call_new(struct fleet *fleet);
/* Takes back a call that was not begun. */
void call_drop(struct fleet *fleet, uint32_t call);
void call_begin(struct fleet *fleet, uint32_t call);
void request_worked(struct fleet *fleet, uint32_t index, uint32_t generation); /* EV_WORKED */
void request_event(struct fleet *fleet, enum event_kind kind, uint32_t index, uint32_t generation);
void timer_ring_due(struct fleet *fleet, uint32_t edge);
/* Everything on an instance is lost: queue and inside. */
void instance_lose_requests(struct fleet *fleet, uint32_t instance);
/* The same request once more, for nobody, `after_ns` from now at its instance. */
void req_repeat(struct fleet *fleet, uint32_t req, int64_t after_ns);
/* Starts work that waits, after workers came free or the process woke up. */
void instance_start_waiting(struct fleet *fleet, uint32_t instance);
/* Goes on with what the process did when it stood still. */
void instance_resume_requests(struct fleet *fleet, uint32_t instance);
double sketch_quantile_s(const struct sketch *sketch, double q);

/* A request as it stands, made from what its lane knew. */
struct resurrection {
        uint32_t source, instance;
        uint64_t uid; /* of the call */
        int64_t arrived_ns, started_ns, end_ns;
        bool works; /* else it waits */
        bool judged;
};
void request_resurrect(struct fleet *fleet, const struct resurrection *of);

/* ---- load.c */
bool load_init(struct fleet *fleet);
void load_release(struct fleet *fleet);
void load_arrival(struct fleet *fleet, uint32_t source, uint32_t generation);
/* Extra arrivals of a load source from now on; 0.3: 30 % more, 0: no more. */
void load_crowd(struct fleet *fleet, uint32_t source, double factor);
/* The fault's crowd of a load source is what its effects make now. */
void load_surge_changed(struct fleet *fleet, uint32_t load);
void load_second(struct fleet *fleet);
/* The client's side ended, well or not, of what began then; a closed user begins to think. */
void load_root_finished(struct fleet *fleet, uint32_t source, uint32_t user, int64_t first_at_ns,
                        bool good);
/* User-seconds up to now, those included who wait too long just now. */
int64_t load_failed_user_ns(const struct fleet *fleet);
void load_user_ready(struct fleet *fleet, uint32_t call);

/* Books the arrival that is due now; when the next one is, or TIME_NEVER. */
int64_t load_arrived(struct fleet *fleet, uint32_t source);

/* ---- lane.c: requests that need no events */
enum lane_look { LANE_LOOK_NONE, LANE_LOOK_SECOND, LANE_LOOK_TELEMETRY };

bool lanes_init(struct fleet *fleet);
void lanes_release(struct fleet *fleet);
/* Takes the arrival that is due now, and those after it up to the next event. False:
 * one is left, to go the long way. */
bool lanes_arrival(struct fleet *fleet, uint32_t source);
/* Before a look at the fleet, at the event `ident`. */
void lanes_settle(struct fleet *fleet, uint64_t ident, enum lane_look look);
/* Before anything that changes the fleet or looks at single requests. */
void lanes_end(struct fleet *fleet);
uint32_t lane_waiting(const struct fleet *fleet, uint32_t instance);

/* ---- relay.c: requests that are one record for several hops; more in request.h */
/* After lanes_init(). */
void relays_init(struct fleet *fleet);
void relays_release(struct fleet *fleet);
/* Before a look at the fleet. */
void relays_settle(struct fleet *fleet, enum lane_look look);
uint32_t relay_waiting(const struct fleet *fleet, uint32_t instance);
/* Before anything that changes the fleet or looks at single requests; lanes_end() does. */
void relays_end(struct fleet *fleet);
/* The same for those that wait or work at one instance. */
void relay_instance_ends(struct fleet *fleet, uint32_t instance);

/* ---- instance.c */
uint32_t instance_add(struct fleet *fleet, uint32_t service, uint32_t zone, bool booting,
                      const char *cause);
void instance_timer(struct fleet *fleet, uint32_t instance, uint32_t generation);
void instance_health(struct fleet *fleet, uint32_t instance);
void instance_heartbeat(struct fleet *fleet, uint32_t instance, uint32_t generation);
/* Sends no more calls there; when empty (30 s at most) it restarts or goes. */
void instance_drain(struct fleet *fleet, uint32_t instance, bool goes, const char *cause);
void instance_stop(struct fleet *fleet, uint32_t instance, const char *cause);
void instance_restart(struct fleet *fleet, uint32_t instance, const char *cause);
void instance_exit(struct fleet *fleet, uint32_t instance, int code, bool oom, const char *cause);
/* A line of its log that reaches a monitor, one an interval of telemetry at most. */
void instance_says(struct fleet *fleet, uint32_t instance, const char *text);
void instance_drained_check(struct fleet *fleet, uint32_t instance);
/* Starts it if it is down, wanted and nothing holds it. */
void instance_try_start(struct fleet *fleet, uint32_t instance);
/* One that is about to start does not; whether it was. */
bool instance_cancel_start(struct fleet *fleet, uint32_t instance);
/* Whether its check may change something; if so one is due. */
void instance_health_consider(struct fleet *fleet, uint32_t instance);
/* Busy share of its cores at this moment. */
double instance_cpu_ratio(struct fleet *fleet, const struct instance *instance);
/* What its effects make of its state. */
void instance_mood(struct fleet *fleet, uint32_t instance);
void instance_stand_still(struct fleet *fleet, uint32_t instance);
void instance_go_on(struct fleet *fleet, uint32_t instance);
/* Process time: stands still with the process. */
int64_t instance_time_ns(const struct fleet *fleet, const struct instance *instance);
/* After the limit changed. */
void service_memory_changed(struct service *service);
double instance_memory_bytes(struct fleet *fleet, struct instance *instance);
void instance_leak_now(struct fleet *fleet, struct instance *instance);
void service_routes_changed(struct fleet *fleet, uint32_t service);
/* Brings the count of workers up to date after what it depends on changed. */
void instance_count_workers(struct fleet *fleet, uint32_t instance);
/* Whether a service can do without one more instance for a while. */
bool service_can_spare(struct fleet *fleet, uint32_t service);

/* ---- controller.c */
bool controller_may_start(struct fleet *fleet, uint32_t instance);
void controller_start_refused(struct fleet *fleet, uint32_t instance);
void controller_ejected(struct fleet *fleet, uint32_t service);
void controller_instance_up(struct fleet *fleet, uint32_t instance);
void controller_second(struct fleet *fleet);
/* NULL, or why not. */
const char *controller_stop(struct fleet *fleet, uint32_t service);
const char *controller_stop_checks(struct fleet *fleet, uint32_t service);
void controller_effect_on(struct fleet *fleet, uint32_t service, struct effect *effect);
void controller_effect_off(struct fleet *fleet, uint32_t service, const struct effect *effect);

/* ---- actuator.c */
/* Instances that are not on their way out. */
uint32_t service_staying(const struct fleet *fleet, uint32_t service);
/* Adds instances where the platform has a place; the last one, or NONE. */
uint32_t service_grow(struct fleet *fleet, uint32_t service, uint32_t count, const char *cause);
/* The youngest go, one stays at least. */
void service_shrink(struct fleet *fleet, uint32_t service, uint32_t count, const char *cause);
void actuator_instance_up(struct fleet *fleet, uint32_t instance);
void actuator_instance_gone(struct fleet *fleet, uint32_t instance);
void actuator_count_raised(const struct fleet *fleet, struct service *service);

void actuator_finish(struct fleet *fleet, uint32_t run, bool ok, const char *reason);

/* ---- rolling.c */
/* Restarts the instances of a service one after the other, drained first.
 * False: cannot begin. */
bool roll_service(struct fleet *fleet, uint32_t service, const char *cause, uint32_t action);
/* The same, and each then runs `version`: `count` of those that do not yet. Who
 * is not patient puts an end to another roll. */
bool roll_deploy(struct fleet *fleet, uint32_t service, struct version *version, uint32_t count,
                 const char *cause, bool patient, uint32_t action);
bool roll_is_on(const struct fleet *fleet, uint32_t service);
/* Whether a patient one can begin. */
bool roll_has_room(struct fleet *fleet, uint32_t service);
/* Ends rolls and restarts whose instance cannot start. */
void roll_second(struct fleet *fleet);
bool roll_instance(struct fleet *fleet, uint32_t instance, const char *cause);
void roll_instance_up(struct fleet *fleet, uint32_t instance);
void roll_instance_gone(struct fleet *fleet, uint32_t instance);
void roll_release(struct fleet *fleet);

/* ---- version.c */
bool version_init(struct fleet *fleet, uint32_t service);
/* Bytes lost by the version since instance->leak_at_ns. */
double version_leaked_bytes(const struct fleet *fleet, const struct instance *instance);
/* On the own work of a process that runs it. */
double version_slowness(const struct service *service, const struct parameters *params);
/* Whether a request fails by declaration or by a bad version, which is told. */
bool version_error(const struct parameters *params, double draw);
/* What a process of this instance has in force from now on. */
void version_apply(struct fleet *fleet, uint32_t instance);
/* Its process begins: it runs what it is wanted to run. */
void version_started(struct fleet *fleet, uint32_t instance);
/* The next good version of a service; false: not now. */
bool version_release(struct fleet *fleet, uint32_t service, const char *name);
/* Back to the version before; NULL, or why not. */
const char *version_roll_back(struct fleet *fleet, uint32_t service, const char *cause,
                              uint32_t action);
/* A change of configuration that harms nobody; false: not now. */
bool config_routine(struct fleet *fleet, uint32_t service);
/* The last change is taken back; NULL, or why not. */
const char *config_roll_back(struct fleet *fleet, uint32_t service);
/* What is in force on a call: declaration, then configurations, then its policy. */
void config_settle_edge(struct fleet *fleet, uint32_t edge);
/* EFFECT_RELEASE and EFFECT_CONFIG come and go by these. */
void version_effect_on(struct fleet *fleet, uint32_t service, uint32_t edge, struct effect *effect);
void version_effect_lift(struct fleet *fleet, struct effect *effect);
bool version_effect_attached(const struct fleet *fleet, const struct effect *effect);
/* A human puts right what is in force on a service. */
void version_reset_service(struct fleet *fleet, uint32_t service);
uint64_t version_digest(const struct fleet *fleet, uint64_t digest);

/* ---- clock.c: only where an effect is on some clock */
/* Whether their clocks are too far apart for the callee to take a call. */
bool clock_refuses(struct fleet *fleet, uint32_t caller, uint32_t callee);
int64_t clock_timeout_ns(const struct fleet *fleet, uint32_t caller, int64_t timeout_ns);
void clock_jumped(struct fleet *fleet, uint32_t instance, struct effect *effect);

/* ---- feature.c */
/* What follows from the level and the flags. */
void feature_settle(struct service *service);
void admission_init(struct fleet *fleet);
/* Whether a service that sheds takes one more. */
bool admission_lets_in(struct fleet *fleet, struct service *service, uint32_t priority);

/* ---- operations.c */
bool operations_init(struct fleet *fleet);
void operations_second(struct fleet *fleet);

/* ---- background.c */
bool background_init(struct fleet *fleet);

/* ---- effect.c */
/* How much of its full size an effect has now, 0..1: ramps. */
double effect_scale(const struct fleet *fleet, const struct effect *effect);
/* What one effect adds to the delay of a request, and whether one loses a message. */
int64_t effect_delay_of(struct fleet *fleet, struct effect *effect, uint64_t uid);
bool effect_loses(struct fleet *fleet, struct effect *effect, uint64_t uid);
int64_t effect_edge_delay_ns(struct fleet *fleet, const struct edge *edge, uint64_t uid);
int64_t effect_host_delay_ns(struct fleet *fleet, const struct instance *instance, uint64_t uid);
/* Whether an effect fails this request; `final` is set when it is not to be retried. One
 * that lives outside fails it where the process asked somebody else: it says so. */
bool effect_error(struct fleet *fleet, const struct instance *instance, uint64_t uid, bool *final);
/* Bytes that an instance lost by time since `from_ns`, each effect told of its part. */
double effect_leaked_bytes(struct fleet *fleet, const struct instance *instance, int64_t from_ns);
/* Bytes that were written to a disk by faults since `from_ns`, up to `room`. */
double effect_filled_bytes(struct fleet *fleet, const struct instance *instance, int64_t from_ns,
                           double room);
/* What is left of a quota; `gone`: others have used it all up. */
double effect_quota_share(struct fleet *fleet, const struct service *service, bool *gone);
/* Told of a request that got no token. */
void effect_quota_refused(struct service *service);
void effect_leak_request(struct fleet *fleet, struct instance *instance);
/* Takes off an instance what lives in these layers. */
void effect_reset_layers(struct fleet *fleet, struct instance *instance, uint32_t layers);
/* The same when a process ends by itself: what makes it do so stays. */
void effect_process_exited(struct fleet *fleet, struct instance *instance);
/* Takes off a service what lives in these layers; whether there was any. */
bool effect_reset_service_layers(struct fleet *fleet, uint32_t service, uint32_t layers);
/* A human ends it where it lives: everything on a service and its edges. */
void effect_reset_service(struct fleet *fleet, uint32_t service);

/* Shares of attempts: refused at once, request lost, answer lost. */
bool effect_refused(struct fleet *fleet, const struct edge *edge, uint64_t uid);
bool effect_request_lost(struct fleet *fleet, const struct edge *edge, uint32_t from_zone,
                         uint32_t to_zone, uint64_t uid);
bool effect_answer_lost(struct fleet *fleet, const struct edge *edge,
                        const struct instance *instance, uint32_t from_zone, uint32_t to_zone,
                        uint64_t uid);
/* Cores that others take, in parts of the instance's; all, or what it sees. */
double effect_cpu_load(struct fleet *fleet, const struct instance *instance);
double effect_cpu_seen(struct fleet *fleet, const struct instance *instance);
int64_t effect_io_delay_ns(struct fleet *fleet, const struct instance *instance, uint64_t uid);
double effect_memory_bytes(struct fleet *fleet, const struct instance *instance);
/* Workers that are left of `workers`. */
uint32_t effect_workers(struct fleet *fleet, const struct instance *instance, uint32_t workers);
double effect_start_factor(struct fleet *fleet, const struct instance *instance);
void effect_instance_up(struct fleet *fleet, uint32_t instance);
/* The requests of a load source are so many times more. */
double effect_surge(struct fleet *fleet, const struct edge *edge);
/* Told of one of them. */
void effect_surge_arrived(struct edge *edge);
/* Retries at least that clients make; 0: no effect. `count`: one is made. */
uint32_t effect_retries(struct fleet *fleet, const struct edge *edge, bool count);
double effect_clock_offset_s(const struct fleet *fleet, const struct instance *instance);
double effect_clock_rate(const struct fleet *fleet, const struct instance *instance);
/* Its wrong clock did something. */
void effect_clock_told(const struct instance *instance);
bool effect_zone_is_out(const struct fleet *fleet, uint32_t zone);

/* ---- telemetry.c */
bool telemetry_init(struct fleet *fleet);
void telemetry_interval_end(struct fleet *fleet);

/* ---- way.c */
/* Whether effects of a kind are looked after here: then way_links counts them. */
bool way_is_on(enum effect_kind kind);
/* A request was sent to its instance: how much later it comes there. May make
 * another req. */
int64_t way_sent(struct fleet *fleet, uint32_t req, uint32_t caller);
/* Whether a message of a call from one zone to another is lost there. */
bool way_border_hits(struct fleet *fleet, enum effect_kind kind, uint32_t from_zone,
                     uint32_t to_zone, uint64_t uid);
/* How long a worker is kept after an answer over an edge. */
int64_t way_close_ns(struct fleet *fleet, uint32_t edge, uint64_t uid);
/* Factor on the cost of a client's request. */
double way_cost(struct fleet *fleet, uint32_t edge, uint64_t uid);

/* ---- stock.c; all but the first two for fleets with stocks alone, unless said */
bool stocks_init(struct fleet *fleet);
void stocks_release(struct fleet *fleet);
bool stock_instance_added(struct fleet *fleet, uint32_t index);
/* Brings an instance's disk up to now; in any fleet. */
void stock_touch(struct fleet *fleet, uint32_t index);
/* Whether a request whose own work is done fails for want of tokens or of room. */
bool stock_fails(struct fleet *fleet, uint32_t index);
/* False: it has no disk. In any fleet. */
bool stock_free_disk(struct fleet *fleet, uint32_t index);
/* NaN: not modelled. In any fleet. */
double stock_disk_ratio(struct fleet *fleet, uint32_t index);
double stock_token_ratio(struct fleet *fleet, uint32_t index);

/* ---- channel.c; without effects on the healer's side each is one null check */
/* Whether a sample or an event of a service is lost on its way. */
bool channel_drops(struct fleet *fleet, uint32_t service, uint64_t identity, uint32_t index);
/* What the channel makes of a sample. */
void channel_tampers_instance(struct fleet *fleet, struct instance_sample *sample, uint64_t identity,
                              uint32_t index);
void channel_tampers_edge(struct fleet *fleet, struct edge_sample *sample, uint64_t identity,
                          uint32_t index);
/* An effect on the healer's host came or went. */
void channel_host_changed(struct fleet *fleet, bool was_up);

/* ---- objective.c */
bool objective_init(struct fleet *fleet);
void objective_call_begun(struct fleet *fleet, uint32_t call);
/* The same for one that began before some that are known already. */
void objective_call_began(struct fleet *fleet, uint32_t call);
/* Whether it was good. */
bool objective_call_ended(struct fleet *fleet, uint32_t call, enum call_outcome outcome,
                          float quality, bool good_for_callee);
/* The same for a request that went through a lane and was answered well. */
void objective_plain_ended(struct fleet *fleet, struct service *service, int64_t first_at_ns,
                           int64_t now_ns, uint32_t age_index, bool judged);
/* It is too old and not over. */
void objective_plain_late(struct fleet *fleet, struct service *service, int64_t first_at_ns);
void objective_second(struct fleet *fleet);
void objective_bin_end(struct fleet *fleet);
void watch_begins_anew(struct service *service);

#endif
