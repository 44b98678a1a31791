/* load.c - who calls the fleet: open sources, traces and closed users.
 *
 * Arrival n of a source is made from draw n of the source's own stream and
 * from nothing else, so the same requests come at the same instants in every
 * arm. Rates that are constant by pieces (constant, steps, surge, trace, mmpp)
 * are inverted exactly; smooth ones (ramp, sine) are thinned against their
 * largest rate. Evenly spread arrivals (`constant`) come where the integral of
 * the rate reaches the next whole number.
 *
 * A crowd, benign or a fault's, comes besides, from a stream of its own.
 */
#include <math.h>
#include <stdlib.h>

#include "harness/base/detmath.h"
#include "harness/fleet/model.h"

#define PI 3.14159265358979323846

enum { CROWD_USERS_MAX = 10 * 1000 * 1000 };

/* Whoever has not called for longer than any run may last never will. */
#define IDLE_MAX_S (2 * 366 * 24 * 3600.0)
#define IDLE_MAX_NS ((int64_t)IDLE_MAX_S * NS_PER_S)

/* sin by a polynomial after reduction: same bits everywhere, off by < 1e-9,
 * which is all that a load profile needs. */
static double sine_of_turn(double turn)
{
        double x, x2;

        turn -= floor(turn);
        if (turn > 0.75)
                turn -= 1.0;
        else if (turn > 0.25)
                turn = 0.5 - turn;
        x = 2.0 * PI * turn;
        x2 = x * x;
        return x * (1.0 - x2 / 6.0 * (1.0 - x2 / 20.0 * (1.0 - x2 / 42.0 * (1.0 - x2 / 72.0 *
               (1.0 - x2 / 110.0 * (1.0 - x2 / 156.0 * (1.0 - x2 / 210.0)))))));
}

static double shape_at(const struct load_profile *profile, int64_t at_ns)
{
        double share;

        switch (profile->shape) {
        case SHAPE_RAMP:
                if (at_ns <= 0)
                        return profile->from;
                if (at_ns >= profile->over_ns)
                        return profile->to;
                share = (double)at_ns / (double)profile->over_ns;
                return profile->from + (profile->to - profile->from) * share;
        case SHAPE_SINE:
                return 1.0 + profile->amplitude * sine_of_turn((double)at_ns /
                                                                       (double)profile->period_ns +
                                                               profile->phase);
        case SHAPE_SURGE:
                return at_ns >= profile->at_ns && at_ns < profile->at_ns + profile->for_ns
                               ? profile->factor
                               : 1.0;
        case SHAPE_STEPS: {
                double factor = 1.0;

                for (size_t i = 0; i < profile->step_count && profile->steps[i].at_ns <= at_ns; i++)
                        factor = profile->steps[i].factor;
                return factor;
        }
        case SHAPE_CONSTANT:
        default:
                return 1.0;
        }
}

/* The integral of the shape over [from, to), in seconds; smooth shapes only. */
static double shape_integral_s(const struct load_profile *profile, int64_t from_ns, int64_t to_ns)
{
        double sum = 0;

        if (profile->shape == SHAPE_SINE) {
                double period_s = (double)profile->period_ns * 1e-9;
                double from = (double)from_ns / (double)profile->period_ns + profile->phase;
                double to = (double)to_ns / (double)profile->period_ns + profile->phase;

                /* cos is a sine a quarter of a turn on */
                return (double)(to_ns - from_ns) * 1e-9 +
                       profile->amplitude * period_s / (2.0 * PI) *
                               (sine_of_turn(from + 0.25) - sine_of_turn(to + 0.25));
        }
        /* a ramp: flat, straight, flat; over each of them the mean of both ends */
        for (int part = 0; part < 3; part++) {
                int64_t low_ns = part == 0 ? INT64_MIN : part == 1 ? 0 : profile->over_ns;
                int64_t high_ns = part == 0 ? 0 : part == 1 ? profile->over_ns : TIME_NEVER;
                int64_t a_ns = from_ns > low_ns ? from_ns : low_ns;
                int64_t b_ns = to_ns < high_ns ? to_ns : high_ns;

                if (a_ns < b_ns)
                        sum += 0.5 * (shape_at(profile, a_ns) + shape_at(profile, b_ns)) *
                               (double)(b_ns - a_ns) * 1e-9;
        }
        return sum;
}

static double shape_max(const struct load_profile *profile)
{
        if (profile->shape == SHAPE_RAMP)
                return profile->from > profile->to ? profile->from : profile->to;
        return 1.0 + fabs(profile->amplitude);
}

/* The next instant after `at_ns` at which the shape jumps. */
static int64_t shape_jumps_at(const struct load_profile *profile, int64_t at_ns)
{
        if (profile->shape == SHAPE_SURGE) {
                if (at_ns < profile->at_ns)
                        return profile->at_ns;
                if (at_ns < profile->at_ns + profile->for_ns)
                        return profile->at_ns + profile->for_ns;
        }
        if (profile->shape == SHAPE_STEPS)
                for (size_t i = 0; i < profile->step_count; i++)
                        if (profile->steps[i].at_ns > at_ns)
                                return profile->steps[i].at_ns;
        return TIME_NEVER;
}

static int64_t floor_mod(int64_t a, int64_t b)
{
        int64_t m = a % b;

        return m < 0 ? m + b : m;
}

/* The rate from `at_ns` on, and until when it stays so. */
static double piece_rate(struct fleet *fleet, struct source *source, int64_t at_ns,
                         int64_t *until_ns)
{
        const struct load_spec *spec = source->spec;
        double rate;

        if (spec->process == LOAD_TRACE) {
                int64_t within = floor_mod(at_ns - fleet->start_ns + spec->trace.offset_ns,
                                           spec->trace.total_ns);
                int64_t step = within / spec->trace.step_ns;

                *until_ns = at_ns + ((step + 1) * spec->trace.step_ns - within);
                rate = spec->trace.count[step] / ((double)spec->trace.step_ns * 1e-9);
        } else if (spec->process == LOAD_MMPP) {
                while (source->state_until_ns <= at_ns) {
                        struct rng_block block =
                                rng_draw(fleet->key, source->name_hash, RNG_MODULATION,
                                         source->state_drawn++);

                        source->state = (source->state + 1) % spec->mmpp_count;
                        source->state_until_ns +=
                                1 + (int64_t)(-det_log(rng_u01(block.word[0])) *
                                              (double)spec->mmpp_means_ns[source->state]);
                }
                *until_ns = source->state_until_ns;
                rate = spec->mmpp_rates_per_s[source->state];
        } else {
                *until_ns = shape_jumps_at(&spec->profile, at_ns);
                rate = spec->rate_per_s * shape_at(&spec->profile, at_ns);
        }
        return source->crowd ? rate * source->crowd_factor : rate;
}

/* Single instants of the trace that lie before its offset. */
static uint64_t instants_before_offset(const struct load_trace *trace)
{
        int64_t offset_ns = floor_mod(trace->offset_ns, trace->total_ns);
        uint64_t before = 0;

        while (before < trace->length && trace->at_ns[before] < offset_ns)
                before++;
        return before;
}

static struct rng_block next_block(struct fleet *fleet, struct source *source)
{
        uint64_t n = source->drawn++;

        return rng_draw(fleet->key, source->name_hash + (n >> 32), RNG_ARRIVAL, (uint32_t)n);
}

/* A block is a chain of ten multiplications and a logarithm waits for it; eight
 * arrivals' chains run side by side. Those before stay a while: one is still to come. */
static void draw_ahead(struct fleet *fleet, struct source *source, uint64_t first)
{
        const struct load_spec *spec = source->spec;

        for (uint64_t n = first; n < first + DRAWN_AHEAD; n++) {
                struct drawn_ahead *ahead = drawn_ahead_of(source, n);

                ahead->block = rng_draw(fleet->key, source->name_hash + (n >> 32), RNG_ARRIVAL,
                                        (uint32_t)n);
                ahead->uid = hash_mix(hash_mix(source->name_hash, n + 1), 1);
                ahead->hop = rng_draw(fleet->key, ahead->uid, RNG_HOP, 0);
        }
        for (uint64_t n = first; n < first + DRAWN_AHEAD; n++) {
                struct drawn_ahead *ahead = drawn_ahead_of(source, n);
                double units = -det_log(rng_u01(ahead->block.word[0]));

                ahead->gap_ns = spec->rate_per_s * IDLE_MAX_S > units
                                        ? 1 + (int64_t)(units / spec->rate_per_s * 1e9)
                                        : TIME_NEVER;
                ahead->hop_log = det_log(1 - rng_u01(ahead->hop.word[0]));
        }
}

/* The next of evenly spread arrivals: where the rate has summed up to one more.
 * Found by halving, to the nanosecond, since the rate may touch 0. */
static int64_t next_even(const struct load_spec *spec, int64_t from_ns)
{
        int64_t low_ns = from_ns, high_ns = from_ns + NS_PER_MS;

        while (spec->rate_per_s * shape_integral_s(&spec->profile, from_ns, high_ns) < 1.0) {
                if (high_ns - from_ns > IDLE_MAX_NS)
                        return TIME_NEVER;
                low_ns = high_ns;
                high_ns += high_ns - from_ns;
        }
        while (high_ns - low_ns > 1) {
                int64_t middle_ns = low_ns + (high_ns - low_ns) / 2;

                if (spec->rate_per_s * shape_integral_s(&spec->profile, from_ns, middle_ns) < 1.0)
                        low_ns = middle_ns;
                else
                        high_ns = middle_ns;
        }
        return high_ns;
}

/* When the next one comes after `from_ns`, or TIME_NEVER. */
static int64_t next_unsteady(struct fleet *fleet, struct source *source, int64_t from_ns)
{
        const struct load_spec *spec = source->spec;
        bool smooth, even;
        double units;

        if (spec->process == LOAD_TRACE && spec->trace.count == NULL) {
                uint64_t n;
                int64_t lap;

                if (source->crowd)
                        return TIME_NEVER;
                /* Single instants: the n-th since the start, round and round. */
                n = source->drawn + source->skipped;
                source->block = next_block(fleet, source);
                lap = (int64_t)(n / spec->trace.length);
                return fleet->start_ns + lap * spec->trace.total_ns -
                       floor_mod(spec->trace.offset_ns, spec->trace.total_ns) +
                       spec->trace.at_ns[n % spec->trace.length];
        }
        smooth = spec->process != LOAD_TRACE && spec->process != LOAD_MMPP &&
                 (spec->profile.shape == SHAPE_SINE || spec->profile.shape == SHAPE_RAMP);
        even = spec->process == LOAD_CONSTANT && !source->crowd;
        if (even && smooth) {
                source->block = next_block(fleet, source);
                return next_even(spec, from_ns);
        }
        if (smooth) {
                double most = spec->rate_per_s * shape_max(&spec->profile) *
                              (source->crowd ? source->crowd_factor : 1.0);
                int64_t at_ns = from_ns;

                if (most <= 0)
                        return TIME_NEVER;
                do {
                        source->block = next_block(fleet, source);
                        at_ns += 1 + (int64_t)(-det_log(rng_u01(source->block.word[0])) / most * 1e9);
                        if (spec->profile.shape == SHAPE_RAMP && spec->profile.to <= 0 &&
                            at_ns >= spec->profile.over_ns)
                                return TIME_NEVER; /* down to nothing, and it stays so */
                } while (rng_u01_32((uint32_t)source->block.word[1]) *
                                 shape_max(&spec->profile) >=
                         shape_at(&spec->profile, at_ns));
                return at_ns;
        }
        source->block = next_block(fleet, source);
        units = even ? 1.0 : -det_log(rng_u01(source->block.word[0]));
        for (int64_t at_ns = from_ns; at_ns - from_ns <= IDLE_MAX_NS;) {
                int64_t until_ns;
                double rate = piece_rate(fleet, source, at_ns, &until_ns);

                if (until_ns == TIME_NEVER)
                        return rate * IDLE_MAX_S > units
                                       ? at_ns + !even + (int64_t)(units / rate * 1e9)
                                       : TIME_NEVER;
                if (rate > 0) {
                        double piece = rate * (double)(until_ns - at_ns) * 1e-9;

                        if (units < piece)
                                return at_ns + !even + (int64_t)(units / rate * 1e9);
                        units -= piece;
                }
                at_ns = until_ns;
        }
        return TIME_NEVER; /* nothing for longer than any run: a trace of zeros */
}

static inline int64_t next_arrival(struct fleet *fleet, struct source *source, int64_t from_ns)
{
        const struct drawn_ahead *ahead;

        if (!source->steady)
                return next_unsteady(fleet, source, from_ns);
        if (source->drawn % DRAWN_AHEAD == 0)
                draw_ahead(fleet, source, source->drawn);
        ahead = drawn_ahead_of(source, source->drawn++);
        source->block = ahead->block;
        return ahead->gap_ns == TIME_NEVER ? TIME_NEVER : from_ns + ahead->gap_ns;
}

static void schedule_next(struct fleet *fleet, uint32_t index, int64_t from_ns)
{
        struct source *source = &fleet->sources[index];
        int64_t at_ns = next_arrival(fleet, source, from_ns);

        if (at_ns != TIME_NEVER)
                event_queue_push(&fleet->queue, at_ns, source->name_hash,
                                 event_payload(EV_ARRIVAL, source->generation, index));
}

/* Chooses the class of a request by 32 bits of its arrival. */
static const struct load_class *class_of(const struct load_spec *spec, uint32_t bits)
{
        double u = rng_u01_32(bits), sum = 0;

        for (size_t i = 0; i + 1 < spec->class_count; i++) {
                sum += spec->classes[i].share;
                if (u < sum)
                        return &spec->classes[i];
        }
        return &spec->classes[spec->class_count - 1];
}

static void root_begin(struct fleet *fleet, struct source *source, uint32_t index, uint64_t uid,
                       uint32_t class_bits, uint32_t user)
{
        const struct load_spec *spec = source->spec;
        struct call *call = &fleet->calls[index];

        call->uid = uid;
        call->edge = source->edge;
        call->parent = NONE;
        call->parent_generation = user;
        call->priority = 250;
        call->cost = 1.0f;
        if (spec->class_count > 0) {
                const struct load_class *class = class_of(spec, class_bits);

                call->priority = (uint16_t)class->priority;
                call->cost = (float)class->cost;
        }
        if (fleet->edges[source->edge].effects != NULL)
                call->cost *= (float)way_cost(fleet, source->edge, uid);
        if (fleet->now >= fleet->measured_from_ns)
                fleet->root_requests++;
        call_begin(fleet, index);
}

int64_t load_arrived(struct fleet *fleet, uint32_t index)
{
        struct source *source = &fleet->sources[index];

        if (fleet->now >= fleet->measured_from_ns && !source->crowd)
                source->hash = hash_mix(source->hash, (uint64_t)fleet->now ^
                                                              (uint32_t)(source->block.word[1] >> 32));
        return next_arrival(fleet, source, fleet->now);
}

/* A crowd of a trace of single instants comes at the same instants: so many more
 * at each, and one for the fraction that is left, by chance. */
static void repeat_instant(struct fleet *fleet, uint32_t load, uint64_t uid, uint32_t class_bits)
{
        for (uint32_t third = 1; third <= 2; third++) {
                struct source *crowd = &fleet->sources[third * fleet->spec->load_count + load];
                uint64_t name = hash_mix(uid, crowd->name_hash);
                double wanted = crowd->crowd_factor + rng_u01_32((uint32_t)(name >> 32));

                if (crowd->crowd_factor <= 0)
                        continue;
                for (uint64_t k = 0; k < (uint64_t)wanted && fleet->broken == NULL; k++) {
                        uint32_t call = call_new(fleet);

                        if (call == NONE)
                                return;
                        if (third == 2)
                                effect_surge_arrived(&fleet->edges[crowd->edge]);
                        root_begin(fleet, crowd, call, hash_mix(name, k), class_bits,
                                   third == 2 ? EXTRA_USER : NONE);
                }
        }
}

void load_arrival(struct fleet *fleet, uint32_t index, uint32_t generation)
{
        struct source *source = &fleet->sources[index];
        uint64_t uid;
        uint32_t class_bits;
        bool surge = index >= 2 * fleet->spec->load_count;
        uint32_t call;
        int64_t next_ns;

        if (generation != (source->generation & 0xffffffu))
                return;
        if (source->lane && lanes_arrival(fleet, index))
                return;
        if (source->crowd && fleet->sources[index % fleet->spec->load_count].lane)
                lanes_end(fleet);
        if (source->steady)
                fleet->ahead = drawn_ahead_of(source, source->drawn - 1);
        uid = hash_mix(source->name_hash, source->drawn);
        class_bits = (uint32_t)(source->block.word[1] >> 32);
        if (surge)
                effect_surge_arrived(&fleet->edges[source->edge]);
        next_ns = load_arrived(fleet, index);
        if (next_ns != TIME_NEVER)
                event_queue_push(&fleet->queue, next_ns, source->name_hash,
                                 event_payload(EV_ARRIVAL, source->generation, index));
        call = call_new(fleet);
        if (call != NONE)
                root_begin(fleet, source, call, uid, class_bits, surge ? EXTRA_USER : NONE);
        if (!source->crowd && source->spec->process == LOAD_TRACE && source->spec->trace.count == NULL)
                repeat_instant(fleet, index, uid, class_bits);
}

static void user_thinks(struct fleet *fleet, uint32_t index, uint32_t user, uint32_t turn);

/* Users of a crowd are numbered behind the source's own, benign ones evenly,
 * those of faults oddly. */
static uint32_t crowd_user_number(const struct fleet *fleet, uint32_t index, uint32_t k)
{
        return fleet->sources[index].spec->users + 2 * k + (index >= 2 * fleet->spec->load_count);
}

/* More users than a source has: those that are missing begin by thinking, those
 * too many leave when they have thought. */
static void crowd_comes(struct fleet *fleet, uint32_t index)
{
        struct source *source = &fleet->sources[index];
        double wanted = source->crowd_factor * source->spec->users + 0.5;
        uint32_t count = wanted < CROWD_USERS_MAX ? (uint32_t)wanted : CROWD_USERS_MAX;

        if (count > source->crowd_capacity) {
                struct crowd_user *bigger = realloc(source->crowd_users, count * sizeof(*bigger));

                if (bigger == NULL) {
                        fleet_break(fleet, "out of memory");
                        return;
                }
                for (uint32_t k = source->crowd_capacity; k < count; k++)
                        bigger[k] = (struct crowd_user){0, false};
                source->crowd_users = bigger;
                source->crowd_capacity = count;
        }
        source->crowd_wanted = count;
        for (uint32_t k = 0; k < count; k++) {
                struct crowd_user *user = &fleet->sources[index].crowd_users[k];

                if (user->here)
                        continue;
                user->here = true;
                user_thinks(fleet, index, crowd_user_number(fleet, index, k), user->turns++);
        }
}

/* The crowd that a user of a load source is of, and their number there; NULL:
 * one of its own, or nobody. */
static struct source *crowd_of(struct fleet *fleet, uint32_t load, uint32_t user, uint32_t *k)
{
        uint32_t own = fleet->sources[load].spec->users;
        struct source *crowd;

        if (user < own || user == EXTRA_USER || user == NONE)
                return NULL;
        crowd = &fleet->sources[fleet->spec->load_count * (1 + ((user - own) & 1)) + load];
        *k = (user - own) / 2;
        return *k < crowd->crowd_capacity ? crowd : NULL;
}

static void crowd_becomes(struct fleet *fleet, uint32_t index, double factor)
{
        struct source *source = &fleet->sources[index];

        source->generation++;
        source->crowd_factor = factor;
        if (source->spec->process == LOAD_CLOSED)
                crowd_comes(fleet, index);
        else if (factor > 0)
                schedule_next(fleet, index, fleet->now);
}

void load_crowd(struct fleet *fleet, uint32_t load, double factor)
{
        crowd_becomes(fleet, fleet->spec->load_count + load, factor);
}

void load_surge_changed(struct fleet *fleet, uint32_t load)
{
        uint32_t index = 2 * fleet->spec->load_count + load;
        double factor = effect_surge(fleet, &fleet->edges[fleet->sources[index].edge]) - 1;

        if (factor != fleet->sources[index].crowd_factor)
                crowd_becomes(fleet, index, factor);
}

/* Ramps go in steps of a second. */
void load_second(struct fleet *fleet)
{
        for (uint32_t i = 0; i < fleet->spec->load_count; i++)
                load_surge_changed(fleet, i);
}

/* The present rate of an open source. */
static double rate_now(struct fleet *fleet, struct source *source)
{
        const struct load_spec *spec = source->spec;
        int64_t until_ns;

        if (spec->process == LOAD_TRACE && spec->trace.count == NULL)
                return (double)spec->trace.length / ((double)spec->trace.total_ns * 1e-9);
        return piece_rate(fleet, source, fleet->now, &until_ns);
}

uint64_t fleet_load_burst(struct fleet *fleet, uint32_t load, double share, uint64_t stream)
{
        struct source *source = &fleet->sources[load];
        double wanted = source->spec->process == LOAD_CLOSED
                                ? share * source->spec->users
                                : share * 10.0 * rate_now(fleet, source);
        uint64_t count = (uint64_t)(wanted + 0.5);

        lanes_end(fleet);

        for (uint64_t i = 0; i < count && fleet->broken == NULL; i++) {
                uint64_t uid = hash_mix(hash_mix(source->name_hash, stream), i);
                uint32_t call = call_new(fleet);

                if (call != NONE)
                        root_begin(fleet, source, call, uid, (uint32_t)(hash_mix(uid, 1) >> 32),
                                   EXTRA_USER);
        }
        return count;
}

/* ---- closed users */

static void user_thinks(struct fleet *fleet, uint32_t index, uint32_t user, uint32_t turn)
{
        struct source *source = &fleet->sources[index];
        uint64_t uid = hash_mix(source->name_hash, (uint64_t)user << 32 | turn);
        struct rng_block block = rng_draw(fleet->key, uid, RNG_THINK, 0);
        uint32_t call = call_new(fleet);

        if (call == NONE)
                return;
        fleet->calls[call].uid = uid;
        fleet->calls[call].edge = source->edge;
        fleet->calls[call].state = CALL_THINKING;
        fleet->calls[call].parent = NONE;
        fleet->calls[call].parent_generation = user;
        fleet->calls[call].token++;
        event_queue_push(&fleet->queue,
                         fleet->now + dist_sample_ns(&source->spec->think_time, rng_u01(block.word[0])),
                         uid, event_payload(EV_USER, fleet->calls[call].token, call));
}

void load_user_ready(struct fleet *fleet, uint32_t index)
{
        struct call *call = &fleet->calls[index];
        uint32_t source = call->edge - fleet->spec->edge_count, k;
        struct source *crowd = crowd_of(fleet, source, call->parent_generation, &k);

        if (crowd != NULL && k >= crowd->crowd_wanted) {
                crowd->crowd_users[k].here = false;
                call_drop(fleet, index);
                return;
        }
        if (crowd != NULL && crowd >= &fleet->sources[2 * fleet->spec->load_count])
                effect_surge_arrived(&fleet->edges[call->edge]);
        root_begin(fleet, &fleet->sources[source], index, call->uid,
                   (uint32_t)(hash_mix(call->uid, 1) >> 32), call->parent_generation);
}

/* When a request that is not good became bad: it ended so, or was too old before. */
static int64_t bad_at_ns(const struct fleet *fleet, uint32_t load, int64_t first_at_ns)
{
        const struct slo_spec *slo = &fleet->spec->services[fleet->spec->loads[load].to].slo;
        bool late = slo->present && slo->latency_ns != TIME_NEVER &&
                    fleet->now - first_at_ns > slo->latency_ns;

        return late ? first_at_ns + slo->latency_ns : fleet->now;
}

/* From what is measured. */
static int64_t failed_for_ns(const struct fleet *fleet, int64_t since_ns)
{
        int64_t from_ns = since_ns > fleet->measured_from_ns ? since_ns : fleet->measured_from_ns;

        return fleet->now > from_ns ? fleet->now - from_ns : 0;
}

/* A user is failed from when a request of theirs is bad until one is good, thinking included:
 * requests alone would count fewer failures the longer each takes. */
static void user_fares(struct fleet *fleet, uint32_t load, uint32_t user, int64_t first_at_ns,
                       bool good)
{
        int64_t *since_ns = &fleet->sources[load].failed_since_ns[user];

        if (!good && *since_ns == TIME_NEVER)
                *since_ns = bad_at_ns(fleet, load, first_at_ns);
        if (good && *since_ns != TIME_NEVER) {
                fleet->failed_user_ns += failed_for_ns(fleet, *since_ns);
                *since_ns = TIME_NEVER;
        }
}

/* The user whose own request this is, of a closed source, and who was well before. */
static bool is_of_a_user_well(const struct fleet *fleet, const struct call *call, uint32_t *load)
{
        if (call->state == CALL_FREE || call->state == CALL_THINKING || call->parent != NONE ||
            call->edge < fleet->spec->edge_count)
                return false;
        *load = call->edge - fleet->spec->edge_count;
        return fleet->spec->loads[*load].process == LOAD_CLOSED &&
               call->parent_generation < fleet->spec->loads[*load].users &&
               fleet->sources[*load].failed_since_ns[call->parent_generation] == TIME_NEVER;
}

int64_t load_failed_user_ns(const struct fleet *fleet)
{
        int64_t sum_ns = fleet->failed_user_ns;

        for (uint32_t i = 0; i < fleet->spec->load_count; i++)
                for (uint32_t user = 0; fleet->sources[i].failed_since_ns != NULL &&
                                        user < fleet->spec->loads[i].users;
                     user++)
                        if (fleet->sources[i].failed_since_ns[user] != TIME_NEVER)
                                sum_ns += failed_for_ns(fleet,
                                                        fleet->sources[i].failed_since_ns[user]);
        for (uint32_t c = 0; c < fleet->call_count; c++) {
                const struct call *call = &fleet->calls[c];
                uint32_t load;

                if (is_of_a_user_well(fleet, call, &load))
                        sum_ns += failed_for_ns(fleet, bad_at_ns(fleet, load, call->first_at_ns));
        }
        return sum_ns;
}

void load_root_finished(struct fleet *fleet, uint32_t source, uint32_t user, int64_t first_at_ns,
                        bool good)
{
        struct source *crowd;
        uint32_t k;

        if (fleet->sources[source].spec->process != LOAD_CLOSED)
                return;
        if (user < fleet->sources[source].spec->users)
                user_fares(fleet, source, user, first_at_ns, good);
        crowd = crowd_of(fleet, source, user, &k);
        if (crowd != NULL)
                user_thinks(fleet, (uint32_t)(crowd - fleet->sources), user,
                            crowd->crowd_users[k].turns++);
        else if (user < fleet->sources[source].spec->users)
                user_thinks(fleet, source, user, fleet->sources[source].user_turns[user]++);
}

void load_release(struct fleet *fleet)
{
        for (uint32_t i = 0; fleet->sources != NULL && i < fleet->source_count; i++)
                free(fleet->sources[i].crowd_users);
}

bool load_init(struct fleet *fleet)
{
        const struct fleet_spec *spec = fleet->spec;

        fleet->source_count = spec->load_count * 3;
        fleet->sources = ARENA_ARRAY(&fleet->arena, struct source, fleet->source_count);
        if (fleet->sources == NULL)
                return false;
        for (uint32_t i = 0; i < fleet->source_count; i++) {
                struct source *source = &fleet->sources[i];

                source->spec = &spec->loads[i % spec->load_count];
                source->crowd = i >= spec->load_count;
                source->name_hash = hash_mix(hash_text(source->spec->name), 1 + i / spec->load_count);
                source->edge = spec->edge_count + i % spec->load_count;
                source->state_until_ns = fleet->start_ns;
                source->steady = source->spec->process == LOAD_POISSON && !source->crowd &&
                                 source->spec->profile.shape == SHAPE_CONSTANT;
                if (source->steady) {
                        source->ahead =
                                ARENA_ARRAY(&fleet->arena, struct drawn_ahead, 2 * DRAWN_AHEAD);
                        if (source->ahead == NULL)
                                return false;
                }
                if (source->spec->process == LOAD_MMPP) /* begins in its first state */
                        source->state = source->spec->mmpp_count - 1;
                if (source->crowd)
                        continue;
                if (source->spec->process == LOAD_TRACE && source->spec->trace.count == NULL)
                        source->skipped = instants_before_offset(&source->spec->trace);
                if (source->spec->process == LOAD_CLOSED) {
                        source->user_turns =
                                ARENA_ARRAY(&fleet->arena, uint32_t, source->spec->users);
                        source->failed_since_ns =
                                ARENA_ARRAY(&fleet->arena, int64_t, source->spec->users);
                        if (source->user_turns == NULL || source->failed_since_ns == NULL)
                                return false;
                        for (uint32_t user = 0; user < source->spec->users; user++) {
                                source->failed_since_ns[user] = TIME_NEVER;
                                user_thinks(fleet, i, user, source->user_turns[user]++);
                        }
                } else {
                        schedule_next(fleet, i, fleet->start_ns);
                }
        }
        return true;
}
