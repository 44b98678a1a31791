/* database.c - a leader that takes the writes, followers that lag, one lock.
 *
 * Reads go where the balancer sends them, writes to the leader. Which a call is,
 * and which of the 1024 rows it touches, belongs to the call: a retry is the same
 * read or write. A follower has a write after the lag; a read there of a row that
 * was written since is stale and answered with a quality of 0.5, which misses an
 * objective that does not allow for it. So how much is stale follows from how
 * much is written.
 *
 * A share of the writes needs the one lock for as long as it works, and waits for
 * it with its worker. A session that holds what others need (a fault) keeps its
 * share of all writes waiting.
 *
 * When the leader is gone for ten seconds the first follower that is up takes
 * over; one that drains hands over at once. Two leaders (split brain) take half
 * of the writes each: a write to a row that the other side wrote fails, a read
 * of one is stale, and taking one of the two away loses what it alone has: reads
 * of such a row fail until it is written again or restored.
 *
 * 9 KB a database.
 */
#include "harness/fleet/data_layer.h"

#define STALE_QUALITY 0.5f

enum { LEADER_MISSED_S = 10 };

static struct database *database_of(const struct fleet *fleet, uint32_t instance)
{
        return fleet->services[fleet->instances[instance].service].database;
}

bool database_init(struct fleet *fleet, uint32_t service)
{
        struct database *database = ARENA_NEW(&fleet->arena, struct database);

        if (database == NULL)
                return false;
        *database = (struct database){.leader = NONE, .rival = NONE, .lock_holder = NONE};
        database->elects_at_ns = fleet->start_ns;
        database->written_ns = ARENA_ARRAY(&fleet->arena, int64_t, DATABASE_ROWS);
        database->side = ARENA_ARRAY(&fleet->arena, uint8_t, DATABASE_ROWS);
        if (database->written_ns == NULL || database->side == NULL)
                return false;
        for (uint32_t i = 0; i < DATABASE_ROWS; i++)
                database->written_ns[i] = TIME_NEVER / -2;
        fleet->services[service].database = database;
        return true;
}

/* ---- who leads */

/* The first instance that is up, but not `but`. */
static uint32_t candidate(const struct fleet *fleet, uint32_t service, uint32_t but)
{
        const struct service *s = &fleet->services[service];

        for (uint32_t i = 0; i < s->member_count; i++)
                if (s->members[i] != but && fleet->instances[s->members[i]].state == INSTANCE_UP)
                        return s->members[i];
        return NONE;
}

static void lead(struct fleet *fleet, uint32_t service, uint32_t instance)
{
        struct database *database = fleet->services[service].database;

        database->leader = instance;
        if (database->rival == instance || (database->splits > 0 && database->rival == NONE))
                database->rival = candidate(fleet, service, instance);
        data_says(fleet, instance, "leader changed");
}

static bool leads_well(const struct fleet *fleet, const struct database *database)
{
        uint8_t state;

        if (database->leader == NONE)
                return false;
        state = fleet->instances[database->leader].state;
        return state != INSTANCE_DOWN && state != INSTANCE_HUNG && state != INSTANCE_GONE &&
               state != INSTANCE_BOOTING;
}

static void election(void *user, uint32_t service)
{
        struct fleet *fleet = user;
        struct database *database = fleet->services[service].database;
        uint32_t next;

        if (leads_well(fleet, database) || fleet->now < database->elects_at_ns)
                return;
        next = candidate(fleet, service, NONE);
        if (next != NONE)
                lead(fleet, service, next);
        /* Else whoever comes up first leads. */
}

static void call_election(struct fleet *fleet, uint32_t service, int64_t in_ns)
{
        fleet_schedule(fleet, fleet->now + in_ns,
                       hash_mix(0x454cu, fleet->services[service].name_hash), election, fleet,
                       service);
}

/* What only a leader that goes has of a split database is lost. */
static void lose_side(struct fleet *fleet, struct database *database, uint8_t side)
{
        (void)fleet;
        for (uint32_t i = 0; i < DATABASE_ROWS; i++)
                if (database->side[i] == side && database->written_ns[i] >= database->split_at_ns)
                        database->side[i] = ROW_LOST;
}

void database_step_down(struct fleet *fleet, uint32_t index)
{
        uint32_t service = fleet->instances[index].service;
        struct database *database = fleet->services[service].database;
        uint32_t next = candidate(fleet, service, index);

        if (next == NONE || (index != database->leader && index != database->rival))
                return;
        if (database->rival != NONE)
                lose_side(fleet, database, index == database->rival ? ROW_RIVAL : ROW_LEADER);
        if (index == database->rival)
                database->rival = candidate(fleet, service, database->leader);
        else
                lead(fleet, service, next);
}

void database_state_changed(struct fleet *fleet, uint32_t index)
{
        uint32_t service = fleet->instances[index].service;
        struct database *database = fleet->services[service].database;

        switch ((enum instance_state)fleet->instances[index].state) {
        case INSTANCE_UP:
                if (!leads_well(fleet, database) && fleet->now >= database->elects_at_ns &&
                    database->leader == NONE)
                        lead(fleet, service, index);
                break;
        case INSTANCE_DRAINING:
                if (index == database->leader)
                        database_step_down(fleet, index);
                break;
        case INSTANCE_GONE:
                if (index == database->rival)
                        database->rival = NONE;
                if (index != database->leader)
                        break;
                database->leader = NONE;
                call_election(fleet, service, LEADER_MISSED_S * NS_PER_S);
                break;
        case INSTANCE_DOWN:
        case INSTANCE_HUNG:
                if (index == database->leader)
                        call_election(fleet, service, LEADER_MISSED_S * NS_PER_S);
                break;
        default:
                break;
        }
}

bool fleet_database_failover(struct fleet *fleet, uint32_t service, int64_t time_ns)
{
        struct database *database = fleet->services[service].database;
        uint32_t leader;

        if (database == NULL)
                return false;
        leader = database->leader;
        database->leader = NONE;
        database->elects_at_ns = fleet->now + time_ns;
        if (leader != NONE)
                fleet_instance_kill(fleet, leader, 137, "the leader is lost");
        call_election(fleet, service, time_ns);
        return true;
}

void database_split(struct fleet *fleet, uint32_t service)
{
        struct database *database = fleet->services[service].database;

        if (database == NULL || database->splits++ > 0)
                return;
        database->split_at_ns = fleet->now;
        database->rival = candidate(fleet, service, database->leader);
}

/* The rows of both sides are brought together: the last write wins. */
void database_joined(struct fleet *fleet, uint32_t service)
{
        struct database *database = fleet->services[service].database;

        if (database == NULL || --database->splits > 0)
                return;
        database->rival = NONE;
        for (uint32_t i = 0; i < DATABASE_ROWS; i++)
                if (database->side[i] == ROW_RIVAL)
                        database->side[i] = ROW_LEADER;
}

void database_restore(struct fleet *fleet, uint32_t service)
{
        struct database *database = fleet->services[service].database;

        for (uint32_t i = 0; database != NULL && i < DATABASE_ROWS; i++)
                if (database->side[i] == ROW_LOST)
                        database->side[i] = ROW_LEADER;
}

/* ---- reads and writes */

uint32_t database_route(struct fleet *fleet, const struct call *call, uint32_t routed,
                        uint8_t *marks, uint16_t *row)
{
        uint32_t service = fleet->edges[call->edge].to;
        const struct database_spec *spec = &fleet->services[service].spec->database;
        const struct database *database = fleet->services[service].database;
        struct rng_block block = rng_draw(fleet->key, call->uid, RNG_DATA, 1);

        *row = (uint16_t)(block.word[1] >> 48 & (DATABASE_ROWS - 1));
        /* What a cache misses is read. */
        if (rng_u01(block.word[0]) < spec->read_share ||
            (fleet->edges[call->edge].special & EDGE_CACHE)) {
                *marks = MARK_READ;
                return routed;
        }
        *marks = MARK_WRITE;
        if (spec->lock_share > 0 && rng_u01_32((uint32_t)block.word[1]) < spec->lock_share)
                *marks |= MARK_NEEDS_LOCK;
        if (database->rival != NONE && (block.word[1] >> 40 & 1)) {
                *marks |= MARK_RIVAL;
                return database->rival;
        }
        return database->leader;
}

static bool is_stale(struct fleet *fleet, uint32_t service, uint32_t instance, uint16_t row)
{
        struct database *database = fleet->services[service].database;
        int64_t age_ns = fleet->now - database->written_ns[row], lag_ns;

        if (database->rival != NONE && database->written_ns[row] >= database->split_at_ns &&
            (instance == database->rival) != (database->side[row] == ROW_RIVAL)) {
                effect_split_hit(fleet, service);
                return true;
        }
        if (instance == database->leader || instance == database->rival)
                return false;
        lag_ns = fleet->services[service].spec->database.lag_ns;
        if (age_ns < lag_ns)
                return true;
        if (fleet->services[service].effects == NULL ||
            age_ns >= lag_ns + effect_lag_ns(fleet, service))
                return false;
        effect_lag_hit(fleet, service);
        return true;
}

static bool write_fails(struct fleet *fleet, uint32_t service, const struct req *req)
{
        struct database *database = fleet->services[service].database;
        bool rival = database->rival != NONE && (req->marks & MARK_RIVAL);

        if (database->rival != NONE && database->written_ns[req->row] >= database->split_at_ns &&
            rival != (database->side[req->row] == ROW_RIVAL)) {
                effect_split_hit(fleet, service);
                return true;
        }
        database->written_ns[req->row] = fleet->now;
        database->side[req->row] = rival ? ROW_RIVAL : ROW_LEADER;
        return false;
}

bool database_worked(struct fleet *fleet, uint32_t index)
{
        struct req *req = &fleet->reqs[index];
        uint32_t service = fleet->instances[req->instance].service;
        struct database *database = fleet->services[service].database;

        if (req->marks & MARK_ENDED)
                return true;
        if (req->marks & MARK_WRITE)
                return write_fails(fleet, service, req);
        if (!(req->marks & MARK_READ))
                return false;
        if (database->side[req->row] == ROW_LOST)
                return true;
        if (is_stale(fleet, service, req->instance, req->row) && req->quality > STALE_QUALITY)
                req->quality = STALE_QUALITY;
        return false;
}

/* ---- locks */

bool database_lets_work(struct fleet *fleet, uint32_t index)
{
        struct req *req = &fleet->reqs[index];
        uint32_t service = fleet->instances[req->instance].service;
        struct database *database = fleet->services[service].database;

        if (fleet->services[service].effects != NULL &&
            effect_session_blocks(fleet, service, req->uid)) {
                line_push(fleet, &database->session_line, index, req->generation);
                return false;
        }
        if (!(req->marks & MARK_NEEDS_LOCK))
                return true;
        if (database->lock_holder != NONE) {
                line_push(fleet, &database->lock_line, index, req->generation);
                return false;
        }
        database->lock_holder = index;
        req->marks |= MARK_HAS_LOCK;
        return true;
}

/* The next that still waits in a line, or NONE. */
static uint32_t next_locked(struct fleet *fleet, struct line *line)
{
        struct line_place place;

        while (line_pop(line, &place))
                if (fleet->reqs[place.index].generation == place.token &&
                    fleet->reqs[place.index].state == REQ_LOCKED)
                        return place.index;
        return NONE;
}

void database_unlock(struct fleet *fleet, struct req *req)
{
        struct database *database;
        uint32_t next;

        if (!(req->marks & MARK_HAS_LOCK))
                return;
        database = database_of(fleet, req->instance);
        req->marks &= (uint8_t)~MARK_HAS_LOCK;
        database->lock_holder = NONE;
        next = next_locked(fleet, &database->lock_line);
        if (next == NONE)
                return;
        database->lock_holder = next;
        fleet->reqs[next].marks |= MARK_HAS_LOCK;
        req_work(fleet, next);
}

void database_wake(struct fleet *fleet, uint32_t service)
{
        struct database *database = fleet->services[service].database;
        uint32_t count = database != NULL ? database->session_line.count : 0;

        for (; count > 0; count--) {
                uint32_t req = next_locked(fleet, &database->session_line);

                if (req == NONE)
                        return;
                if (database_lets_work(fleet, req))
                        req_work(fleet, req);
        }
}

void database_end_session(struct fleet *fleet, uint32_t service)
{
        struct database *database = fleet->services[service].database;
        struct req *holder;

        if (database == NULL || database->lock_holder == NONE)
                return;
        holder = &fleet->reqs[database->lock_holder];
        holder->marks |= MARK_ENDED; /* rolled back: it fails once it notices */
        database_unlock(fleet, holder);
}
