/* run.c - the worker threads and what each replication still needs.
 *
 * A replication is a small state machine: its arms are advanced to a common
 * time, then it is decided whether that was all (every entry service good, or
 * half an hour of cooldown) or how far they go next. A piece of work is one arm
 * and that time; threads take the oldest piece there is.
 *
 * Where an arm is advanced is its lane: three for each healer (treated, shadow,
 * quiet, and untreated where it depends on the healer), and two that all of them
 * share (untreated, calm).
 *
 * Where entries wait for events, or something may stop the run, the treated arm
 * goes first each time, and the others wait until it is known when those faults
 * come and where the replication is cut. Untreated then is one for each healer.
 */
#include "harness/run/run.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"
#include "harness/run/world.h"

#define COOLDOWN_MAX_NS (30 * NS_PER_MIN)
#define COOLDOWN_STEP_NS (10 * NS_PER_S)
#define SLICE_NS (60 * NS_PER_S) /* between looks at `stop` */

enum { HEALER_LANES = 4, SHARED_LANES = 2 };
enum { LANES_MAX = HEALER_LANES * RUN_HEALERS_MAX + SHARED_LANES };
enum { DEEDS_MAX = 1000 };
enum lane_status { LANE_UNUSED, LANE_WAITING, LANE_TODO, LANE_RUNNING, LANE_THERE };

struct lane {
        enum arm arm;
        struct run_healer healer; /* ops NULL: none */
        bool wanted;              /* from the start; a shadow is wanted later or never */
};

/* Treated once more, with a difference. */
struct fork {
        struct knockout without;
        struct world *world;
        struct arm_record *record;
        enum lane_status status;
};

struct replication {
        uint32_t number;
        uint64_t key;
        struct arena arena; /* of the plan */
        struct plan plan;
        struct world *worlds[LANES_MAX];
        struct arm_record *arms[LANES_MAX];
        enum lane_status status[LANES_MAX];
        struct fork *forks;
        uint32_t fork_count;
        struct fork_record *fork_records;
        bool forked;
        int64_t target_ns;  /* where all arms are to be */
        bool cut;           /* a stop condition made it the end */
        struct replication_record records[RUN_HEALERS_MAX];
        bool started, done, good;
        uint32_t next_free;
};

struct runner {
        const struct run_options *options;
        pthread_mutex_t lock;
        pthread_cond_t work;
        struct replication *slots; /* replications under way */
        uint32_t slot_count;
        uint32_t next_start;       /* number of the next replication to begin */
        uint32_t next_out;         /* number of the next one to hand over */
        struct run_healer healers[RUN_HEALERS_MAX];
        uint32_t healer_count;
        struct lane lanes[LANES_MAX];
        uint32_t lane_count;
        uint32_t end;              /* number after the last replication that is wanted */
        int64_t bin_ns;
        atomic_bool failed;        /* memory was out; looked at without the lock */
        bool sinking;              /* a thread is handing over */
        double virtual_s;
        int64_t fixed_cooldown_ns;
        bool coupled;              /* entries wait for what the treated arm does */
        bool leads;                /* the treated arm goes first */
};

static bool stopped(const struct runner *runner)
{
        return runner->failed ||
               (runner->options->stop != NULL && *runner->options->stop != 0);
}

/* The lane of an arm for that healer. */
static uint32_t lane_of(const struct runner *runner, uint32_t healer, enum arm arm)
{
        uint32_t shared = HEALER_LANES * runner->healer_count;

        switch (arm) {
        case ARM_TREATED:
                return HEALER_LANES * healer;
        case ARM_SHADOW:
                return HEALER_LANES * healer + 1;
        case ARM_QUIET:
                return HEALER_LANES * healer + 2;
        case ARM_UNTREATED:
                return runner->coupled ? HEALER_LANES * healer + 3 : shared;
        case ARM_CALM:
        case ARM_COUNT:
                break;
        }
        return shared + 1;
}

/* How many healers decide how long it takes. */
static uint32_t leader_count(const struct runner *runner)
{
        uint32_t followers_from = runner->options->followers_from;

        return followers_from > 0 && followers_from < runner->healer_count ? followers_from
                                                                           : runner->healer_count;
}

/* How many healers have a shadow of their own. */
static uint32_t shadow_count(const struct runner *runner)
{
        uint32_t leaders = leader_count(runner), asked = runner->options->shadows_to;

        return asked <= leaders                ? leaders
               : asked < runner->healer_count ? asked
                                              : runner->healer_count;
}

/* The lane that serves as the treated arm of a healer. */
static uint32_t leader_of(const struct runner *runner, uint32_t healer)
{
        static const enum arm order[] = {ARM_TREATED, ARM_UNTREATED, ARM_QUIET};

        for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
                if (runner->lanes[lane_of(runner, healer, order[i])].wanted)
                        return lane_of(runner, healer, order[i]);
        return lane_of(runner, healer, ARM_CALM);
}

/* Whether the lane is that of one of the first healers. */
static bool goes_first(const struct runner *runner, uint32_t lane, uint32_t healer_count)
{
        for (uint32_t h = 0; h < healer_count; h++)
                if (leader_of(runner, h) == lane)
                        return true;
        return false;
}

/* The healer to whom a lane belongs; of what they share, the first. */
static uint32_t healer_of(const struct runner *runner, uint32_t lane)
{
        return lane / HEALER_LANES < runner->healer_count ? lane / HEALER_LANES : 0;
}

static bool has_faults(const struct scenario *scenario)
{
        for (size_t i = 0; i < scenario->method_count; i++)
                if (scenario->method[i].kind == METHOD_FAULT)
                        return true;
        return false;
}

/* Which arms there are, and which of them are really different. */
static void lay_lanes(struct runner *runner)
{
        const struct run_options *options = runner->options;
        bool faults = has_faults(options->scenario);

        runner->coupled = plan_is_coupled(options->scenario);
        runner->leads = runner->coupled || options->scenario->stop_count > 0;
        runner->healer_count = options->healer_count > 0 ? options->healer_count : 1;
        for (uint32_t h = 0; h < runner->healer_count; h++)
                runner->healers[h] = options->healer_count > 0
                                             ? options->healers[h]
                                             : (struct run_healer){options->healer,
                                                                   options->healer_config};
        runner->lane_count = HEALER_LANES * runner->healer_count + SHARED_LANES;
        for (uint32_t h = 0; h < runner->healer_count; h++) {
                struct run_healer healer = runner->healers[h];
                bool acts = healer.ops != NULL;

                runner->lanes[lane_of(runner, h, ARM_TREATED)] =
                        (struct lane){ARM_TREATED, healer, acts && faults};
                runner->lanes[lane_of(runner, h, ARM_SHADOW)] =
                        (struct lane){ARM_SHADOW, healer, false};
                runner->lanes[lane_of(runner, h, ARM_QUIET)] =
                        (struct lane){ARM_QUIET, healer, acts};
                runner->lanes[lane_of(runner, h, ARM_UNTREATED)] =
                        (struct lane){.arm = ARM_UNTREATED, .wanted = faults};
        }
        runner->lanes[lane_of(runner, 0, ARM_CALM)] = (struct lane){.arm = ARM_CALM, .wanted = true};
}

/* The record that serves as this arm of this healer. */
static struct arm_record *record_of(const struct runner *runner,
                                    const struct replication *replication, uint32_t healer,
                                    enum arm arm)
{
        struct arm_record *own = replication->arms[lane_of(runner, healer, arm)];

        if (own != NULL)
                return own;
        switch (arm) {
        case ARM_SHADOW:
                return record_of(runner, replication, healer, ARM_TREATED);
        case ARM_TREATED:
                return record_of(runner, replication, healer,
                                 runner->healers[healer].ops != NULL ? ARM_QUIET : ARM_UNTREATED);
        case ARM_UNTREATED:
        case ARM_QUIET:
                return record_of(runner, replication, healer, ARM_CALM);
        case ARM_CALM:
        case ARM_COUNT:
                break;
        }
        return NULL;
}

static bool replication_begin(struct runner *runner, struct replication *replication, uint32_t number)
{
        const struct scenario *scenario = runner->options->scenario;

        *replication = (struct replication){.number = number, .started = true};
        replication->key = rng_key(scenario->seed, number);
        arena_init(&replication->arena);
        if (!plan_make(scenario, replication->key, &replication->arena, &replication->plan))
                return false;
        replication->target_ns = scenario->duration_ns;
        if (runner->fixed_cooldown_ns > 0)
                replication->target_ns += runner->fixed_cooldown_ns;
        for (uint32_t i = 0; i < runner->lane_count; i++)
                replication->status[i] = !runner->lanes[i].wanted ? LANE_UNUSED
                                         : runner->leads && !goes_first(runner, i, runner->healer_count) ? LANE_WAITING
                                                                                  : LANE_TODO;
        return true;
}

/* The lane that treated of the first healer is, or is the same as. */
static uint32_t watched_lane(const struct runner *runner)
{
        static const enum arm same[] = {ARM_TREATED, ARM_UNTREATED, ARM_QUIET};

        for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
                if (runner->lanes[lane_of(runner, 0, same[i])].wanted)
                        return lane_of(runner, 0, same[i]);
        return lane_of(runner, 0, ARM_CALM);
}

static struct world *lane_world(struct runner *runner, struct replication *replication,
                                uint32_t number, const struct knockout *without)
{
        const struct lane *lane = &runner->lanes[number];
        bool watched = without == NULL && number == watched_lane(runner) &&
                       replication->number == runner->options->first;
        struct world_options options = {
                .leads = runner->leads && without == NULL && goes_first(runner, number, runner->healer_count),
                .may_stop = without == NULL && goes_first(runner, number, leader_count(runner)),
                .scenario = runner->options->scenario,
                .plan = &replication->plan,
                .arm = lane->arm,
                .key = replication->key,
                .bin_ns = runner->bin_ns,
                .healer = lane->healer.ops,
                .healer_config = lane->healer.config,
                .texts = runner->options->texts,
                .journal_telemetry = runner->options->journal_telemetry &&
                                     replication->number == runner->options->first,
                .watch = watched ? runner->options->watch : NULL,
                .watch_user = runner->options->watch_user,
                .without = without,
        };

        if (runner->leads && !options.leads)
                options.coupled = world_coupled(
                        replication->worlds[leader_of(runner, healer_of(runner, number))],
                        &options.coupled_count);
        return world_create(&options);
}

/* Brings a world to where its replication is to be; without the lock. */
static void go_on(struct runner *runner, const struct replication *replication, struct world *world)
{
        int64_t at_ns = world_time(world);

        while (!stopped(runner)) {
                at_ns = at_ns + SLICE_NS < replication->target_ns ? at_ns + SLICE_NS
                                                                  : replication->target_ns;
                if (!world_advance(world, at_ns) || at_ns == replication->target_ns)
                        break;
        }
}

/* Runs a fork from begin to end; its world is given up at once. */
static bool advance_fork(struct runner *runner, struct replication *replication, struct fork *fork)
{
        fork->world =
                lane_world(runner, replication, lane_of(runner, 0, ARM_TREATED), &fork->without);
        if (fork->world == NULL)
                return false;
        go_on(runner, replication, fork->world);
        fork->record = world_finish(fork->world);
        world_destroy(fork->world);
        fork->world = NULL;
        return fork->record != NULL;
}

/* Advances one arm, or a fork, whose numbers follow the lanes'; without the
 * lock. False when memory is out. */
static bool advance(struct runner *runner, struct replication *replication, uint32_t lane)
{
        struct world **world;

        if (lane >= runner->lane_count)
                return advance_fork(runner, replication,
                                    &replication->forks[lane - runner->lane_count]);
        world = &replication->worlds[lane];
        if (*world == NULL) {
                *world = lane_world(runner, replication, lane, NULL);
                if (*world == NULL)
                        return false;
        }
        go_on(runner, replication, *world);
        return true;
}

static enum lane_status *status_of(const struct runner *runner, struct replication *replication,
                                   uint32_t lane)
{
        return lane < runner->lane_count ? &replication->status[lane]
                                         : &replication->forks[lane - runner->lane_count].status;
}

static bool all_there(const struct runner *runner, struct replication *replication)
{
        for (uint32_t i = 0; i < runner->lane_count + replication->fork_count; i++) {
                enum lane_status status = *status_of(runner, replication, i);

                if (status == LANE_TODO || status == LANE_RUNNING)
                        return false;
        }
        return true;
}

static bool decides(const struct runner *runner, uint32_t lane)
{
        return lane < HEALER_LANES * leader_count(runner) ||
               lane >= HEALER_LANES * runner->healer_count;
}

static bool all_good(const struct runner *runner, const struct replication *replication)
{
        for (uint32_t i = 0; i < runner->lane_count; i++)
                if (replication->worlds[i] != NULL && decides(runner, i) &&
                    !world_is_good(replication->worlds[i]))
                        return false;
        return true;
}

/* Whether shadows that differ from their treated arm are still to be run. */
static bool add_shadows(struct runner *runner, struct replication *replication)
{
        bool added = false;

        for (uint32_t h = 0; h < shadow_count(runner); h++) {
                struct world *treated = replication->worlds[lane_of(runner, h, ARM_TREATED)];
                enum lane_status *shadow = &replication->status[lane_of(runner, h, ARM_SHADOW)];

                if (treated == NULL || *shadow != LANE_UNUSED ||
                    world_preventive_count(treated) == 0)
                        continue;
                *shadow = LANE_TODO;
                added = true;
        }
        return added;
}

/* A knock-out and a placebo for each thing that treated did. False when none is to be run. */
static bool add_forks(struct runner *runner, struct replication *replication)
{
        struct world *treated = replication->worlds[lane_of(runner, 0, ARM_TREATED)];
        struct knockout *deeds;
        size_t count;

        if (!runner->options->attribute || treated == NULL || replication->forked)
                return false;
        replication->forked = true;
        deeds = calloc(DEEDS_MAX, sizeof(*deeds));
        replication->forks = calloc(2 * DEEDS_MAX, sizeof(*replication->forks));
        if (deeds == NULL || replication->forks == NULL) {
                runner->failed = true;
                free(deeds);
                return false;
        }
        count = world_deeds(treated, deeds, DEEDS_MAX);
        for (size_t i = 0; i < count && i < DEEDS_MAX; i++)
                for (int placebo = 0; placebo < 2; placebo++) {
                        struct fork *fork = &replication->forks[replication->fork_count++];

                        fork->without = deeds[i];
                        fork->without.placebo = placebo == 1;
                        fork->status = LANE_TODO;
                }
        free(deeds);
        return replication->fork_count > 0;
}


/* Cuts the replication where the first leading world was stopped. One that has
 * gone beyond it begins again, since worlds cannot go back. */
static void cut_replication(struct runner *runner, struct replication *replication)
{
        for (uint32_t h = 0; h < leader_count(runner); h++) {
                int64_t stopped_ns = world_stopped_ns(replication->worlds[leader_of(runner, h)]);

                if (stopped_ns < replication->target_ns ||
                    (stopped_ns == replication->target_ns && !replication->cut)) {
                        replication->target_ns = stopped_ns;
                        replication->cut = true;
                }
        }
        for (uint32_t h = 0; replication->cut && h < runner->healer_count; h++) {
                uint32_t lane = leader_of(runner, h);

                if (world_time(replication->worlds[lane]) <= replication->target_ns)
                        continue;
                world_destroy(replication->worlds[lane]);
                replication->worlds[lane] = NULL;
                replication->status[lane] = LANE_TODO;
        }
}

/* Lets those go on that waited for the leading worlds; false when none did. */
static bool release_followers(struct runner *runner, struct replication *replication)
{
        bool released = false;

        for (uint32_t i = 0; i < runner->lane_count; i++)
                if (replication->status[i] == LANE_WAITING) {
                        replication->status[i] = LANE_TODO;
                        released = true;
                }
        return released;
}

/* All arms go on to the new target, the leading ones first. */
static void extend(struct runner *runner, struct replication *replication)
{
        for (uint32_t i = 0; i < runner->lane_count; i++)
                if (replication->status[i] == LANE_THERE)
                        replication->status[i] = runner->leads && !goes_first(runner, i, runner->healer_count)
                                                         ? LANE_WAITING
                                                         : LANE_TODO;
}

/* All arms are where they should be: what now? With the lock held. */
static void replication_decide(struct runner *runner, struct replication *replication)
{
        const struct scenario *scenario = runner->options->scenario;

        if (replication->forked) {
                replication->done = true;
                return;
        }

        if (runner->leads) {
                cut_replication(runner, replication);
                if (!all_there(runner, replication) || release_followers(runner, replication))
                        return;
        }

        if (add_shadows(runner, replication))
                return;
        replication->good = all_good(runner, replication);
        if (runner->fixed_cooldown_ns < 0 && !replication->good && !replication->cut &&
            replication->target_ns < scenario->duration_ns + COOLDOWN_MAX_NS) {
                replication->target_ns += COOLDOWN_STEP_NS;
                extend(runner, replication);
                return;
        }
        replication->done = !add_forks(runner, replication);
}

static bool finish_forks(struct replication *replication, struct replication_record *record)
{
        if (!replication->forked)
                return true;
        replication->fork_records =
                calloc(replication->fork_count + 1, sizeof(*replication->fork_records));
        if (replication->fork_records == NULL)
                return false;
        for (uint32_t i = 0; i < replication->fork_count; i++) {
                const struct fork *fork = &replication->forks[i];

                replication->fork_records[i] = (struct fork_record){
                        fork->without.placebo, fork->without.episode, fork->without.action,
                        fork->without.service, fork->without.instance, fork->record};
        }
        record->forks = replication->fork_records;
        record->fork_count = replication->fork_count;
        return true;
}

/* A follower's shadow was not run; it is its treated arm where it would be the same. */
static void drop_shadows(struct runner *runner, struct replication *replication,
                         const bool *has_shadow)
{
        for (uint32_t h = shadow_count(runner); h < runner->healer_count; h++)
                if (has_shadow[h])
                        replication->records[h].arms[ARM_SHADOW] = NULL;
}

/* Turns the worlds into records; without the lock. */
static bool replication_finish(struct runner *runner, struct replication *replication)
{
        bool has_shadow[RUN_HEALERS_MAX] = {false};
        bool ok = true;

        for (uint32_t h = 0; h < runner->healer_count; h++) {
                const struct world *treated = replication->worlds[lane_of(runner, h, ARM_TREATED)];

                has_shadow[h] = treated != NULL && world_preventive_count(treated) > 0;
        }

        for (uint32_t i = 0; replication->cut && i < runner->lane_count; i++)
                for (uint32_t h = 0; h < leader_count(runner) && replication->worlds[i] != NULL; h++)
                        if (world_stopped_ns(replication->worlds[leader_of(runner, h)]) ==
                            replication->target_ns)
                                world_mark_stopped(replication->worlds[i],
                                                   replication->worlds[leader_of(runner, h)]);
        for (uint32_t i = 0; i < runner->lane_count; i++) {
                if (replication->worlds[i] == NULL)
                        continue;
                replication->arms[i] = world_finish(replication->worlds[i]);
                ok = ok && replication->arms[i] != NULL;
                world_destroy(replication->worlds[i]);
        }
        for (uint32_t h = 0; ok && h < runner->healer_count; h++) {
                struct replication_record *record = &replication->records[h];

                *record = (struct replication_record){.replication = replication->number,
                                                      .all_good_at_end = replication->good};
                for (int arm = 0; arm < ARM_COUNT; arm++)
                        record->arms[arm] = record_of(runner, replication, h, (enum arm)arm);
        }
        drop_shadows(runner, replication, has_shadow);
        return ok && finish_forks(replication, &replication->records[0]);
}

static void release_forks(struct runner *runner, struct replication *replication)
{
        for (uint32_t i = 0; i < replication->fork_count; i++)
                arm_record_free(replication->forks[i].record, runner->options->scenario);
        free(replication->forks);
        free(replication->fork_records);
}

static void replication_release(struct runner *runner, struct replication *replication)
{
        for (uint32_t i = 0; i < runner->lane_count; i++)
                if (replication->arms[i] != NULL)
                        arm_record_free(replication->arms[i], runner->options->scenario);
        release_forks(runner, replication);
        arena_release(&replication->arena);
        memset(replication, 0, sizeof(*replication));
}

static bool all_out(const struct runner *runner)
{
        return runner->next_out >= runner->end;
}

/* Hands over what is next in order, and what follows it. With the lock held;
 * it is let go while the sink works. */
static void hand_over(struct runner *runner)
{
        bool found = true;

        if (runner->sinking)
                return;
        runner->sinking = true;
        while (found && !stopped(runner) && !all_out(runner)) {
                const struct run_options *options = runner->options;
                bool enough = false;

                found = false;
                for (uint32_t i = 0; i < runner->slot_count; i++) {
                        struct replication *replication = &runner->slots[i];

                        if (!replication->started || !replication->done ||
                            replication->number != runner->next_out)
                                continue;
                        pthread_mutex_unlock(&runner->lock);
                        if (replication_finish(runner, replication)) {
                                options->sink(options->user, replication->records);
                                enough = options->enough != NULL && options->enough(options->user);
                        } else {
                                runner->failed = true;
                        }
                        pthread_mutex_lock(&runner->lock);
                        replication_release(runner, replication);
                        runner->next_out++;
                        if (enough)
                                runner->end = runner->next_out;
                        found = true;
                        pthread_cond_broadcast(&runner->work);
                        break;
                }
        }
        runner->sinking = false;
}

/* The oldest arm that has to go on, or a new replication; with the lock held. */
static bool take_work(struct runner *runner, struct replication **out, uint32_t *out_lane)
{
        struct replication *oldest = NULL, *empty = NULL;

        for (uint32_t i = 0; i < runner->slot_count; i++) {
                struct replication *replication = &runner->slots[i];

                if (!replication->started) {
                        empty = empty == NULL ? replication : empty;
                        continue;
                }
                if (oldest != NULL && oldest->number < replication->number)
                        continue;
                for (uint32_t lane = 0; lane < runner->lane_count + replication->fork_count; lane++)
                        if (*status_of(runner, replication, lane) == LANE_TODO)
                                oldest = replication;
        }
        if (oldest == NULL && empty != NULL && runner->next_start < runner->end) {
                if (!replication_begin(runner, empty, runner->next_start)) {
                        runner->failed = true;
                        return false;
                }
                runner->next_start++;
                oldest = empty;
        }
        if (oldest == NULL)
                return false;
        for (uint32_t lane = 0; lane < runner->lane_count + oldest->fork_count; lane++) {
                if (*status_of(runner, oldest, lane) != LANE_TODO)
                        continue;
                *status_of(runner, oldest, lane) = LANE_RUNNING;
                *out = oldest;
                *out_lane = lane;
                return true;
        }
        return false;
}

static void report_progress(struct runner *runner)
{
        struct run_progress progress = {
                .replications_done = runner->next_out - runner->options->first,
                .replications = runner->end - runner->options->first,
                .virtual_s_done = runner->virtual_s,
        };

        if (runner->options->progress != NULL)
                runner->options->progress(runner->options->user, &progress);
}

static void *worker(void *argument)
{
        struct runner *runner = argument;

        pthread_mutex_lock(&runner->lock);
        while (!stopped(runner) && !all_out(runner)) {
                struct replication *replication;
                uint32_t lane;
                int64_t from_ns;

                if (!take_work(runner, &replication, &lane)) {
                        if (stopped(runner) || all_out(runner))
                                break;
                        pthread_cond_wait(&runner->work, &runner->lock);
                        continue;
                }
                pthread_mutex_unlock(&runner->lock);
                from_ns = lane >= runner->lane_count || replication->worlds[lane] == NULL
                                  ? -runner->options->scenario->warmup_ns
                                  : replication->target_ns - COOLDOWN_STEP_NS;
                if (!advance(runner, replication, lane))
                        runner->failed = true;
                pthread_mutex_lock(&runner->lock);
                runner->virtual_s += (double)(replication->target_ns - from_ns) * 1e-9;
                *status_of(runner, replication, lane) = LANE_THERE;
                if (!stopped(runner) && all_there(runner, replication)) {
                        replication_decide(runner, replication);
                        if (replication->done)
                                hand_over(runner);
                }
                report_progress(runner);
                pthread_cond_broadcast(&runner->work);
        }
        pthread_cond_broadcast(&runner->work);
        pthread_mutex_unlock(&runner->lock);
        return NULL;
}

static void drop_unfinished(struct runner *runner)
{
        for (uint32_t i = 0; i < runner->slot_count; i++) {
                struct replication *replication = &runner->slots[i];

                if (!replication->started)
                        continue;
                for (uint32_t lane = 0; lane < runner->lane_count; lane++)
                        world_destroy(replication->worlds[lane]);
                release_forks(runner, replication);
                arena_release(&replication->arena);
        }
}

enum run_status run_scenario(const struct run_options *options)
{
        struct runner runner = {
                .options = options,
                .lock = PTHREAD_MUTEX_INITIALIZER,
                .work = PTHREAD_COND_INITIALIZER,
                .slot_count = options->jobs + 1,
                .next_start = options->first,
                .next_out = options->first,
                .end = options->first + options->count,
                .bin_ns = run_bin_ns(options->scenario),
                .fixed_cooldown_ns = options->scenario->cooldown_ns,
        };
        pthread_t *threads = calloc(options->jobs, sizeof(*threads));
        uint32_t started = 0;
        bool whole;

        runner.slots = calloc(runner.slot_count, sizeof(*runner.slots));
        if (runner.slots == NULL || threads == NULL) {
                free(runner.slots);
                free(threads);
                return RUN_NO_MEMORY;
        }
        lay_lanes(&runner);
        while (started + 1 < options->jobs &&
               pthread_create(&threads[started], NULL, worker, &runner) == 0)
                started++;
        worker(&runner); /* this thread is one of them, so at least one there is */
        for (uint32_t i = 0; i < started; i++)
                pthread_join(threads[i], NULL);
        whole = all_out(&runner);
        drop_unfinished(&runner);
        free(runner.slots);
        free(threads);
        return runner.failed ? RUN_NO_MEMORY : whole ? RUN_OK : RUN_INTERRUPTED;
}

int64_t run_bin_ns(const struct scenario *scenario)
{
        static const int64_t widths_s[] = {1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600};
        int64_t seconds = scenario->duration_ns / NS_PER_S;

        for (size_t i = 0; i < sizeof(widths_s) / sizeof(widths_s[0]); i++)
                if (seconds / widths_s[i] <= 180)
                        return widths_s[i] * NS_PER_S;
        return 6 * NS_PER_HOUR;
}
