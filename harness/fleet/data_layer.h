/* harness/fleet/data_layer.h - inside: pools, descriptors, caches, databases, queues.
 *
 * What an instance holds besides its workers, and what a service is besides a
 * place where work is done. A service without any of it has NULL pointers and
 * edges that are not `special`, and its requests take the straight way; request.c
 * asks `edge->special`, `req->marks` and `instance->holdings` and nothing more.
 *
 *   pool.c           connections of a calling instance over one edge, and its
 *                    file descriptors: a call takes one of each until its
 *                    attempt ends, and waits, under its timeout, when none is free
 *   cache.c          a hit spares the call to the backend; cold after a start
 *   database.c       a leader for writes, followers that lag, one lock
 *   message_queue.c  calls end when the message is stored; consumers pull
 *
 * Whoever waits is woken by an event of this instant and never from inside the
 * release that made room, so that no pool of calls moves under a caller's feet.
 */
#ifndef CHAOS_FLEET_DATA_LAYER_H
#define CHAOS_FLEET_DATA_LAYER_H

#include "harness/fleet/model.h"

/* edge.special */
enum {
        EDGE_CLAIMS = 1 << 0,   /* its calls need a connection, or the caller's descriptors */
        EDGE_DATABASE = 1 << 1, /* reads and writes go to different instances */
        EDGE_QUEUE = 1 << 2,    /* messages */
        EDGE_CACHE = 1 << 3,    /* misses of a cache */
};

/* call.holds */
enum {
        CALL_HAS_CONNECTION = 1 << 0,
        CALL_HAS_DESCRIPTOR = 1 << 1,
        CALL_WAITS_CONNECTION = 1 << 2,
        CALL_WAITS_DESCRIPTOR = 1 << 3,
        CALL_IS_TIMED = 1 << 4, /* its timer runs since it waited */
        CALL_IS_CHECKED = 1 << 5, /* its connection was found alive */
};

/* req.marks */
enum {
        MARK_WRITE = 1 << 0,
        MARK_READ = 1 << 1,
        MARK_NEEDS_LOCK = 1 << 2,
        MARK_HAS_LOCK = 1 << 3,
        MARK_RIVAL = 1 << 4,   /* written at the second leader */
        MARK_POISON = 1 << 5,  /* its consumer dies of it */
        MARK_MESSAGE = 1 << 6,
        MARK_ENDED = 1 << 7,   /* its session was ended: it fails */
};

/* Calls that wait in line; those that gave up meanwhile are passed over. */
struct line {
        struct line_place {
                uint32_t index, token;
        } *place;
        uint32_t first, count, capacity;
};

struct pool {
        uint32_t size;    /* 0: the edge has none */
        uint32_t in_use;
        uint32_t dead;    /* of the idle ones: dropped, and nobody has noticed */
        uint32_t epoch;   /* connections of an earlier one are not given back */
        uint32_t waiting; /* calls */
        struct line line;
};

struct holdings {
        struct pool *pools; /* by edge of the service */
        uint32_t life;      /* processes so far: what an earlier one held is not given back */
        uint32_t calls_out; /* calls that have a descriptor */
        uint32_t waiting;   /* calls that wait for one */
        struct line line;
        int64_t cold_at_ns; /* cache: it would have been empty then, at its pace of warming */
};

/* Of a call that has or waits for something. */
struct claim {
        uint32_t instance, life, epoch;
};

/* ---- pool.c */

bool line_push(struct fleet *fleet, struct line *line, uint32_t index, uint32_t token);
bool line_pop(struct line *line, struct line_place *out);

/* Gives a new instance what it holds. False: memory is out. */
bool holdings_add(struct fleet *fleet, uint32_t instance);
/* Databases, queues, and which edges are special; before there are instances. */
bool data_init(struct fleet *fleet);
void data_release(struct fleet *fleet);
/* Takes what a call needs before it is sent. False: it waits, or has failed. */
bool call_claims(struct fleet *fleet, uint32_t call);
void call_granted(struct fleet *fleet, uint32_t call);
/* The attempt ended: gives all back. */
void call_lets_go(struct fleet *fleet, uint32_t call);
/* Its process is no more, and its connections with it. */
void holdings_process_ended(struct fleet *fleet, uint32_t instance);
/* Whether one more request may come inside. */
bool descriptors_left(struct fleet *fleet, const struct instance *instance);
/* Gives what is free to calls that wait; and has requests that wait looked at. */
void holdings_grant(struct fleet *fleet, uint32_t instance);
void holdings_wake(struct fleet *fleet, uint32_t instance);
void holdings_second(struct fleet *fleet);
/* New connections for old; `edge` may be FLEET_NO_INDEX: all of the instance. */
void pools_renew(struct fleet *fleet, uint32_t instance, uint32_t edge);
double pools_ratio(struct fleet *fleet, const struct instance *instance);
double descriptors_ratio(struct fleet *fleet, const struct instance *instance);
/* A process logs what went wrong, at most once a telemetry interval. */
void data_says(struct fleet *fleet, uint32_t instance, const char *text);
/* A human put right what faults left behind: pools renewed, poison taken out,
 * lost rows restored. */
void data_mended(struct fleet *fleet, uint32_t service);
/* Whether the books of pools, locks and queues hold; NULL, or what does not. */
const char *data_check(struct fleet *fleet);

/* ---- cache.c */
bool cache_hits(struct fleet *fleet, const struct req *req, uint32_t at, uint32_t done);
void cache_empty(struct fleet *fleet, struct instance *instance, double share);
double cache_warmth(const struct fleet *fleet, const struct instance *instance);

/* ---- database.c */

/* The one lock of a database, and who waits for it. */
struct database {
        uint32_t leader;      /* instance, or NONE: nobody leads */
        uint32_t rival;       /* the other leader of a split brain, or NONE */
        uint32_t splits;      /* effects that make it so */
        int64_t split_at_ns;
        int64_t elects_at_ns; /* nobody can lead before */
        uint32_t lock_holder; /* req, or NONE */
        struct line lock_line, session_line;
        int64_t *written_ns;  /* by row: its last write */
        uint8_t *side;        /* by row: whose write that was (enum row_side) */
};

enum row_side { ROW_LEADER, ROW_RIVAL, ROW_LOST };
enum { DATABASE_ROWS = 1024 };

bool database_init(struct fleet *fleet, uint32_t service);
/* Where an attempt goes; NONE: nobody leads. Sets the marks and row of its request. */
uint32_t database_route(struct fleet *fleet, const struct call *call, uint32_t routed,
                        uint8_t *marks, uint16_t *row);
/* Whether a request may begin its work; else it waits for a lock. */
bool database_lets_work(struct fleet *fleet, uint32_t req);
/* Its work is done, so far well: what was read or written. True: it fails. */
bool database_worked(struct fleet *fleet, uint32_t req);
/* The request is no more at work; its lock goes to the next. */
void database_unlock(struct fleet *fleet, struct req *req);
void database_state_changed(struct fleet *fleet, uint32_t instance);
/* Gives leadership away, where somebody can take it. */
void database_step_down(struct fleet *fleet, uint32_t instance);
void database_split(struct fleet *fleet, uint32_t service);
void database_joined(struct fleet *fleet, uint32_t service);
void database_wake(struct fleet *fleet, uint32_t service);
void database_end_session(struct fleet *fleet, uint32_t service);
void database_restore(struct fleet *fleet, uint32_t service);

/* ---- message_queue.c */

struct message_queue {
        struct list ready;
        struct list unacked; /* their consumer died: back after the redelivery time */
        uint32_t turn;       /* consumer that is asked first */
        uint32_t in_work;
};

bool messages_init(struct fleet *fleet, uint32_t service);
void message_send(struct fleet *fleet, uint32_t call);
void message_store(struct fleet *fleet, uint32_t req);
/* Gives ready messages to free consumers. */
void messages_dispatch(struct fleet *fleet, uint32_t service);
/* A consumer is done with one; it is in no list any more. */
void message_done(struct fleet *fleet, uint32_t service, uint32_t call, uint32_t token,
                  enum call_outcome outcome, float quality);
/* Its consumer died: back in line. It is in no list any more. */
void message_return(struct fleet *fleet, uint32_t req);
/* Throws messages away that wait: the first in line (one that was given back goes
 * first), or all that have one of the marks. The number of them. */
uint32_t messages_skip(struct fleet *fleet, uint32_t service);
uint32_t messages_purge(struct fleet *fleet, uint32_t service, uint8_t marks);
uint32_t messages_depth(const struct message_queue *queue);

/* ---- effect.c and effect_data.c, for the data layer */
double effect_scale(const struct fleet *fleet, const struct effect *effect);
/* Whether an effect with the share `a` hits a request; told and counted. */
bool effect_hits(struct fleet *fleet, struct effect *effect, uint64_t uid);
void data_effect_came(struct fleet *fleet, enum effect_place place, uint32_t index,
                      struct effect *effect);
void data_effect_left(struct fleet *fleet, enum effect_place place, uint32_t index,
                      const struct effect *effect);
uint32_t effect_connections_taken(struct fleet *fleet, const struct instance *instance,
                                  uint32_t edge, uint32_t size);
double effect_descriptors_taken(struct fleet *fleet, const struct instance *instance);
double effect_cache_left(struct fleet *fleet, const struct instance *instance);
int64_t effect_lag_ns(struct fleet *fleet, uint32_t service);
void effect_lag_hit(struct fleet *fleet, uint32_t service);
bool effect_session_blocks(struct fleet *fleet, uint32_t service, uint64_t uid);
void effect_split_hit(struct fleet *fleet, uint32_t service);
bool effect_edge_answer_lost(struct fleet *fleet, const struct edge *edge, uint64_t uid);
bool effect_poisons(struct fleet *fleet, uint32_t service, uint64_t uid);
bool effect_corrupts(struct fleet *fleet, const struct instance *instance, uint64_t uid);
double effect_slowdown(struct fleet *fleet, const struct instance *instance);
void effect_reset_on_service(struct fleet *fleet, uint32_t service, uint32_t layers);
void effect_reset_pool(struct fleet *fleet, uint32_t instance, uint32_t edge);

/* ---- turn.c: before the guards of an edge */

/* True: it may go. Else it waits for its turn, or was refused and is over. */
bool call_admitted(struct fleet *fleet, uint32_t call);
/* Its attempt was refused, and is over. */
void call_refused_by_guard(struct fleet *fleet, uint32_t call);
/* One that waits may ask again. */
void call_turn(struct fleet *fleet, uint32_t call);
/* Asks again those whose turn has come, by events at this instant. */
void turns_come(struct fleet *fleet);
/* The guards hear how an attempt of theirs ended, or that a permit is free. */
void call_reports(struct fleet *fleet, struct call *call, enum policy_outcome outcome,
                  int64_t latency_ns);
void permit_comes_back(struct fleet *fleet, uint32_t edge, uint32_t permit);

/* ---- request.c, for the data layer */
void call_dispatch(struct fleet *fleet, uint32_t call);
void call_start_timer(struct fleet *fleet, uint32_t call);
void call_refused(struct fleet *fleet, uint32_t call, uint64_t uid, enum call_outcome outcome);
void call_never_answered(struct fleet *fleet, uint32_t call, uint64_t uid);
void call_attempt_ended(struct fleet *fleet, struct call *call, enum call_outcome outcome);
void call_finish(struct fleet *fleet, uint32_t call, enum call_outcome outcome, float quality,
                 bool good_for_callee);
/* NONE: a client, or a caller that is gone, to which there is no distance. */
uint32_t call_caller_instance(const struct fleet *fleet, const struct call *call);
bool call_parent_lives(const struct fleet *fleet, const struct call *call);
/* One more attempt, what stands in for the callee, or the end. */
void call_attempt_failed(struct fleet *fleet, uint32_t call, enum call_outcome outcome, bool final);
/* The guards let it through: to what else it needs, and out. */
void call_goes(struct fleet *fleet, uint32_t call);
/* A request for the present attempt of a call; NONE: memory is out. */
uint32_t req_make(struct fleet *fleet, uint32_t call, uint64_t uid, struct rng_block block);
/* Its work at the instance that it is at. */
void req_draw_work(struct fleet *fleet, uint32_t req);
void req_release(struct fleet *fleet, uint32_t req);
void req_start(struct fleet *fleet, uint32_t req);
/* Whether an instance can begin one more. */
bool instance_is_free(struct fleet *fleet, const struct instance *instance);
/* Begins the work of one that has a worker. */
void req_work(struct fleet *fleet, uint32_t req);
void req_leave(struct fleet *fleet, struct service *service, const struct req *req);
void req_call_done(struct fleet *fleet, uint32_t req, enum call_outcome outcome, float quality);

#endif
