/* run.c - the worker threads and what each replication still needs.
 *
 * A replication is a small state machine: its arms are advanced to a common
 * time, then it is decided whether that was all (every entry service good, or
 * half an hour of cooldown) or how far they go next. A piece of work is one arm
 * and that time; threads take the oldest piece there is.
 */
#include "harness/run/run.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/rng.h"
#include "harness/run/world.h"

#define COOLDOWN_MAX_NS (30 * NS_PER_MIN)
#define COOLDOWN_STEP_NS (10 * NS_PER_S)
#define SLICE_NS (60 * NS_PER_S) /* between looks at `stop` */

enum arm_status { ARM_UNUSED, ARM_TODO, ARM_RUNNING, ARM_THERE };

struct replication {
        uint32_t number;
        uint64_t key;
        struct arena arena; /* of the plan */
        struct plan plan;
        struct world *worlds[ARM_COUNT];
        enum arm_status status[ARM_COUNT];
        int64_t target_ns;  /* where all arms are to be */
        struct replication_record record;
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
        bool arm_wanted[ARM_COUNT];
        int64_t bin_ns;
        bool failed;
        bool sinking;              /* a thread is handing over */
        double virtual_s;
        int64_t fixed_cooldown_ns;
};

static bool stopped(const struct runner *runner)
{
        return runner->failed ||
               (runner->options->stop != NULL && *runner->options->stop != 0);
}

static bool arm_has_healer(enum arm arm)
{
        return arm == ARM_TREATED || arm == ARM_SHADOW || arm == ARM_QUIET;
}

static bool has_faults(const struct scenario *scenario)
{
        for (size_t i = 0; i < scenario->method_count; i++)
                if (scenario->method[i].kind == METHOD_FAULT)
                        return true;
        return false;
}

/* Which arms are really different. */
static void choose_arms(struct runner *runner)
{
        bool faults = has_faults(runner->options->scenario);
        bool healer = runner->options->healer != NULL;

        memset(runner->arm_wanted, 0, sizeof(runner->arm_wanted));
        runner->arm_wanted[ARM_CALM] = true;
        runner->arm_wanted[ARM_UNTREATED] = faults;
        runner->arm_wanted[ARM_QUIET] = healer;
        runner->arm_wanted[ARM_TREATED] = healer && faults;
}

/* The arm whose world serves as this one. */
static enum arm stand_in(const struct runner *runner, const struct replication *replication,
                         enum arm arm)
{
        if (replication->worlds[arm] != NULL || runner->arm_wanted[arm])
                return arm;
        switch (arm) {
        case ARM_SHADOW:
                return stand_in(runner, replication, ARM_TREATED);
        case ARM_TREATED:
                return runner->options->healer != NULL ? ARM_QUIET
                                                       : stand_in(runner, replication, ARM_UNTREATED);
        case ARM_UNTREATED:
        case ARM_QUIET:
        case ARM_CALM:
        case ARM_COUNT:
                break;
        }
        return ARM_CALM;
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
        for (int arm = 0; arm < ARM_COUNT; arm++)
                replication->status[arm] = runner->arm_wanted[arm] ? ARM_TODO : ARM_UNUSED;
        return true;
}

static struct world *arm_world(struct runner *runner, struct replication *replication, enum arm arm)
{
        struct world_options options = {
                .scenario = runner->options->scenario,
                .plan = &replication->plan,
                .arm = arm,
                .key = replication->key,
                .bin_ns = runner->bin_ns,
                .healer = arm_has_healer(arm) ? runner->options->healer : NULL,
                .healer_config = runner->options->healer_config,
                .texts = runner->options->texts,
        };

        return world_create(&options);
}

/* Advances one arm; without the lock. False when memory is out. */
static bool advance(struct runner *runner, struct replication *replication, enum arm arm)
{
        struct world **world = &replication->worlds[arm];
        int64_t at_ns;

        if (*world == NULL) {
                struct world *fresh = arm_world(runner, replication, arm);

                if (fresh == NULL)
                        return false;
                *world = fresh;
        }
        at_ns = world_time(*world);
        while (!stopped(runner)) {
                at_ns = at_ns + SLICE_NS < replication->target_ns ? at_ns + SLICE_NS
                                                                  : replication->target_ns;
                if (!world_advance(*world, at_ns) || at_ns == replication->target_ns)
                        break;
        }
        return true;
}

static bool all_there(const struct replication *replication)
{
        for (int arm = 0; arm < ARM_COUNT; arm++)
                if (replication->status[arm] == ARM_TODO || replication->status[arm] == ARM_RUNNING)
                        return false;
        return true;
}

static bool all_good(const struct replication *replication)
{
        for (int arm = 0; arm < ARM_COUNT; arm++)
                if (replication->worlds[arm] != NULL && !world_is_good(replication->worlds[arm]))
                        return false;
        return true;
}

/* All arms are where they should be: what now? With the lock held. */
static void replication_decide(struct runner *runner, struct replication *replication)
{
        const struct scenario *scenario = runner->options->scenario;
        struct world *treated = replication->worlds[ARM_TREATED];

        if (treated != NULL && replication->status[ARM_SHADOW] == ARM_UNUSED &&
            world_preventive_count(treated) > 0) {
                replication->status[ARM_SHADOW] = ARM_TODO;
                return;
        }
        replication->good = all_good(replication);
        if (runner->fixed_cooldown_ns < 0 && !replication->good &&
            replication->target_ns < scenario->duration_ns + COOLDOWN_MAX_NS) {
                replication->target_ns += COOLDOWN_STEP_NS;
                for (int arm = 0; arm < ARM_COUNT; arm++)
                        if (replication->status[arm] == ARM_THERE)
                                replication->status[arm] = ARM_TODO;
                return;
        }
        replication->done = true;
}

/* Turns the worlds into records; without the lock. */
static bool replication_finish(struct runner *runner, struct replication *replication)
{
        struct replication_record *record = &replication->record;
        bool ok = true;

        *record = (struct replication_record){.replication = replication->number,
                                              .all_good_at_end = replication->good};
        for (int arm = 0; arm < ARM_COUNT; arm++) {
                if (replication->worlds[arm] == NULL)
                        continue;
                record->arms[arm] = world_finish(replication->worlds[arm]);
                ok = ok && record->arms[arm] != NULL;
                world_destroy(replication->worlds[arm]);
        }
        for (int arm = 0; arm < ARM_COUNT; arm++) {
                enum arm other = stand_in(runner, replication, (enum arm)arm);

                if (replication->worlds[arm] == NULL)
                        record->arms[arm] = record->arms[other];
        }
        return ok;
}

static void replication_release(struct runner *runner, struct replication *replication)
{
        for (int arm = 0; arm < ARM_COUNT; arm++)
                if (replication->worlds[arm] != NULL)
                        arm_record_free(replication->record.arms[arm], runner->options->scenario);
        arena_release(&replication->arena);
        memset(replication, 0, sizeof(*replication));
}

/* Hands over what is next in order, and what follows it. With the lock held;
 * it is let go while the sink works. */
static void hand_over(struct runner *runner)
{
        bool found = true;

        if (runner->sinking)
                return;
        runner->sinking = true;
        while (found && !stopped(runner)) {
                found = false;
                for (uint32_t i = 0; i < runner->slot_count; i++) {
                        struct replication *replication = &runner->slots[i];

                        if (!replication->started || !replication->done ||
                            replication->number != runner->next_out)
                                continue;
                        pthread_mutex_unlock(&runner->lock);
                        if (replication_finish(runner, replication))
                                runner->options->sink(runner->options->user, &replication->record);
                        else
                                runner->failed = true;
                        pthread_mutex_lock(&runner->lock);
                        replication_release(runner, replication);
                        runner->next_out++;
                        found = true;
                        pthread_cond_broadcast(&runner->work);
                        break;
                }
        }
        runner->sinking = false;
}

/* The oldest arm that has to go on, or a new replication; with the lock held. */
static bool take_work(struct runner *runner, struct replication **out, enum arm *out_arm)
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
                for (int arm = 0; arm < ARM_COUNT; arm++)
                        if (replication->status[arm] == ARM_TODO)
                                oldest = replication;
        }
        if (oldest == NULL && empty != NULL &&
            runner->next_start < runner->options->first + runner->options->count) {
                if (!replication_begin(runner, empty, runner->next_start)) {
                        runner->failed = true;
                        return false;
                }
                runner->next_start++;
                oldest = empty;
        }
        if (oldest == NULL)
                return false;
        for (int arm = 0; arm < ARM_COUNT; arm++) {
                if (oldest->status[arm] != ARM_TODO)
                        continue;
                oldest->status[arm] = ARM_RUNNING;
                *out = oldest;
                *out_arm = (enum arm)arm;
                return true;
        }
        return false;
}

static bool all_out(const struct runner *runner)
{
        return runner->next_out == runner->options->first + runner->options->count;
}

static void report_progress(struct runner *runner)
{
        struct run_progress progress = {
                .replications_done = runner->next_out - runner->options->first,
                .replications = runner->options->count,
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
                enum arm arm;
                int64_t from_ns;

                if (!take_work(runner, &replication, &arm)) {
                        if (stopped(runner) || all_out(runner))
                                break;
                        pthread_cond_wait(&runner->work, &runner->lock);
                        continue;
                }
                pthread_mutex_unlock(&runner->lock);
                from_ns = replication->worlds[arm] == NULL ? -runner->options->scenario->warmup_ns
                                                           : replication->target_ns - COOLDOWN_STEP_NS;
                if (!advance(runner, replication, arm))
                        runner->failed = true;
                pthread_mutex_lock(&runner->lock);
                runner->virtual_s += (double)(replication->target_ns - from_ns) * 1e-9;
                replication->status[arm] = ARM_THERE;
                if (!stopped(runner) && all_there(replication)) {
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
                for (int arm = 0; arm < ARM_COUNT; arm++)
                        world_destroy(replication->worlds[arm]);
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
        choose_arms(&runner);
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
