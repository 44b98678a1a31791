/* plan.c - draws a replication's timetable and targets.
 *
 * The times of an entry follow from its base, the end of the last entry that it
 * waits for; ends are worked out once each, on demand, so that entries may wait
 * for later ones (the loader has refused cycles). Draws of an entry's times are
 * under its name, those of a play (how long, whom) under the play's.
 *
 * Cost: O(plays + places).
 */
#include "harness/run/plan.h"

#include "harness/base/rng.h"
#include "harness/sim/time.h"

/* Draws under an entry's name: index 0 is the first play's duration. */
enum { DRAW_DURATION = 0, DRAW_TIMES = 1 };
/* A Poisson process may exceed its mean; this is where it is cut. */
enum { PLAYS_CAP = 2 * METHOD_PLAYS_MAX };

/* Later than any run ends; sums of such ends stay far from overflow. */
#define TIME_FAR_NS (INT64_MAX / 8)

struct planner {
        const struct scenario *scenario;
        uint64_t key;
        struct arena *arena;
        int64_t *ends;      /* by ordinal; TIME_NEVER: not known yet */
        uint32_t *numbers;  /* by ordinal: fault number, FLEET_NO_INDEX for those left out */
        struct planned_fault *faults;
        uint32_t count, room;
        bool failed;
};

/* ---- whom */

/* Places of the service that the target's zone and list allow. */
static uint32_t candidate_places(const struct scenario *scenario, const struct target_spec *target,
                                 uint32_t *out)
{
        const struct service_spec *service = &scenario->fleet.services[target->service];
        uint32_t count = 0;

        for (uint32_t place = 0; place < service->instance_count; place++) {
                bool listed = target->pick != PICK_LIST;

                for (uint32_t i = 0; !listed && i < target->list_count; i++)
                        listed = target->list[i] == place;
                if (listed && (target->zone == FLEET_NO_INDEX ||
                               service->zones[place % service->zone_count] == target->zone))
                        out[count++] = place;
        }
        return count;
}

static uint32_t wanted_places(const struct target_spec *target, uint32_t count)
{
        double share;

        switch (target->pick) {
        case PICK_COUNT:
                return target->count < count ? target->count : count;
        case PICK_SHARE:
                share = target->share * count;
                share = share - (double)(uint32_t)share > 1e-9 ? (double)((uint32_t)share + 1) : share;
                return share < 1 ? (count > 0) : (uint32_t)share;
        case PICK_ALL:
        case PICK_LIST:
        default:
                return count;
        }
}

/* By service, then place. */
static bool comes_before(const struct planned_fault *fault, uint32_t i, uint32_t k)
{
        if (fault->services != NULL && fault->services[i] != fault->services[k])
                return fault->services[i] < fault->services[k];
        return fault->places[i] < fault->places[k];
}

static void swap_places(struct planned_fault *fault, uint32_t i, uint32_t k)
{
        uint32_t place = fault->places[i];

        fault->places[i] = fault->places[k];
        fault->places[k] = place;
        if (fault->services == NULL)
                return;
        place = fault->services[i];
        fault->services[i] = fault->services[k];
        fault->services[k] = place;
}

static void sort_places(struct planned_fault *fault)
{
        for (uint32_t i = 1; i < fault->place_count; i++)
                for (uint32_t k = i; k > 0 && comes_before(fault, k, k - 1); k--)
                        swap_places(fault, k, k - 1);
}

/* All that may be taken, in fault->places; the number of them. */
static uint32_t list_places(struct planner *planner, struct planned_fault *fault)
{
        const struct target_spec *target = &fault->entry->target;
        const struct fleet_spec *fleet = &planner->scenario->fleet;
        uint32_t count = target->drawn_from_count;

        if (target->kind != TARGET_RANDOM) {
                fault->places = ARENA_ARRAY(planner->arena, uint32_t,
                                            fleet->services[target->service].instance_count + 1);
                return fault->places != NULL
                               ? candidate_places(planner->scenario, target, fault->places)
                               : 0;
        }
        fault->places = ARENA_ARRAY(planner->arena, uint32_t, count + 1);
        fault->services = ARENA_ARRAY(planner->arena, uint32_t, count + 1);
        if (fault->places == NULL || fault->services == NULL)
                return 0;
        for (uint32_t i = 0; i < count; i++) {
                fault->services[i] = target->drawn_from[i].service;
                fault->places[i] = target->drawn_from[i].place;
        }
        return count;
}

/* Whether a kind whose chance is by target takes its i-th one. */
static bool takes(const struct method_spec *entry, struct rng_block block)
{
        return entry->fault->chance == FAULT_CHANCE_PER_REQUEST ||
               rng_u01(block.word[1]) < entry->probability;
}

static void plan_targets(struct planner *planner, struct planned_fault *fault)
{
        const struct method_spec *entry = fault->entry;
        uint32_t count, wanted, kept = 0;

        if (entry->target.kind != TARGET_INSTANCES && entry->target.kind != TARGET_RANDOM) {
                fault->spared = !takes(entry, rng_draw(planner->key, fault->stream, RNG_FAULT_TARGET, 0));
                return;
        }
        count = list_places(planner, fault);
        if (arena_failed(planner->arena)) {
                planner->failed = true;
                return;
        }
        wanted = wanted_places(&entry->target, count);
        for (uint32_t i = 0; i < wanted; i++) {
                struct rng_block block = rng_draw(planner->key, fault->stream, RNG_FAULT_TARGET, i);

                swap_places(fault, i, i + rng_below((uint32_t)block.word[0], count - i));
                if (takes(entry, block))
                        swap_places(fault, kept++, i);
        }
        fault->place_count = kept;
        sort_places(fault);
}

uint32_t planned_service(const struct planned_fault *fault, uint32_t index)
{
        return fault->services != NULL ? fault->services[index] : fault->entry->target.service;
}

/* Places of one service have the hash that a plain target of it has. */
uint64_t plan_hash_step(uint64_t hash, const struct planned_fault *fault, int64_t started_ns)
{
        bool spread = fault->place_count > 0 &&
                      planned_service(fault, 0) != planned_service(fault, fault->place_count - 1);

        hash = hash_mix(hash, (uint64_t)started_ns ^ fault->stream);
        for (uint32_t i = 0; i < fault->place_count; i++)
                hash = hash_mix(hash, fault->places[i] |
                                              (spread ? (uint64_t)planned_service(fault, i) << 32 : 0));
        return hash;
}

/* ---- one play */

static const char *play_name(struct planner *planner, const struct method_spec *entry, uint32_t play)
{
        return play == 0 && entry->timing != TIMING_MONKEY
                       ? entry->name
                       : arena_printf(planner->arena, "%s #%u", entry->name, play + 1);
}

/* Some kinds last as long as an argument says, unless the entry ends them sooner. */
static int64_t longest_ns(const struct method_spec *entry)
{
        const struct fault_ops *fault = entry->fault;

        return fault->lasts == NULL
                       ? TIME_NEVER
                       : (int64_t)entry->arguments[fault_param_index(fault, fault->lasts)];
}

static int64_t duration_of_play(const struct planner *planner, const struct method_spec *entry,
                                uint64_t stream, int64_t start_ns)
{
        struct rng_block block;

        if (!entry->has_duration)
                return entry->fault->instant ? 1 : planner->scenario->duration_ns - start_ns;
        block = rng_draw(planner->key, stream, RNG_FAULT_TIME, DRAW_DURATION);
        return dist_sample_ns(&entry->duration, rng_u01(block.word[0]));
}

static int64_t play_end(const struct planner *planner, const struct method_spec *entry,
                        uint64_t stream, int64_t start_ns)
{
        int64_t for_ns = duration_of_play(planner, entry, stream, start_ns);

        return start_ns + (longest_ns(entry) < for_ns ? longest_ns(entry) : for_ns);
}

static bool play_make(struct planner *planner, const struct method_spec *entry, uint32_t number,
                      uint32_t play, int64_t start_ns, struct planned_fault *out)
{
        *out = (struct planned_fault){.entry = entry, .number = number, .start_ns = start_ns};
        out->name = play_name(planner, entry, play);
        if (out->name == NULL)
                return false;
        out->stream = hash_text(out->name);
        out->end_ns = play_end(planner, entry, out->stream, start_ns);
        plan_targets(planner, out);
        return !planner->failed;
}

static struct planned_fault *play_add(struct planner *planner)
{
        struct planned_fault *bigger;
        uint32_t room = planner->room * 2 + 16;

        if (planner->count == planner->room) {
                bigger = ARENA_ARRAY(planner->arena, struct planned_fault, room);
                if (bigger == NULL) {
                        planner->failed = true;
                        return NULL;
                }
                for (uint32_t i = 0; i < planner->count; i++)
                        bigger[i] = planner->faults[i];
                planner->faults = bigger;
                planner->room = room;
        }
        return &planner->faults[planner->count++];
}

/* ---- when */

/* The starts of an entry, one after the other. */
struct starts {
        int64_t base_ns, last_ns;
        uint32_t play;
};

static int64_t shifted(int64_t at_ns, int64_t jitter_ns, double u01)
{
        int64_t shift_ns = (int64_t)((2 * u01 - 1) * (double)jitter_ns);

        return at_ns + shift_ns < 0 ? 0 : at_ns + shift_ns;
}

/* The gap to the next arrival of a Poisson process. */
static int64_t gap_ns(double rate_per_s, double u01)
{
        struct dist gaps = {.kind = DIST_EXPONENTIAL, .a_ns = 1e9 / rate_per_s};

        return dist_sample_ns(&gaps, u01);
}

/* Gives the next start; false when there is none before the end of the run. */
static bool next_start(const struct planner *planner, const struct method_spec *entry,
                       struct starts *starts, int64_t *out_ns)
{
        int64_t end_ns = planner->scenario->duration_ns;
        struct rng_block block;

        switch (entry->timing) {
        case TIMING_REPEAT:
                if (entry->repeat_count > 0 && starts->play == entry->repeat_count)
                        return false;
                starts->last_ns = starts->base_ns + entry->at_ns +
                                  entry->every_ns * (int64_t)(starts->play + 1);
                if (starts->last_ns > end_ns)
                        return false;
                block = rng_draw(planner->key, hash_text(entry->name), RNG_FAULT_TIME,
                                 DRAW_TIMES + starts->play);
                *out_ns = shifted(starts->last_ns, entry->jitter_ns, rng_u01(block.word[0]));
                break;
        case TIMING_RATE:
                block = rng_draw(planner->key, hash_text(entry->name), RNG_FAULT_TIME,
                                 DRAW_TIMES + starts->play);
                if (starts->play == 0)
                        starts->last_ns = starts->base_ns + entry->at_ns;
                starts->last_ns += gap_ns(entry->rate_per_s, rng_u01(block.word[0]));
                *out_ns = starts->last_ns;
                break;
        case TIMING_WHEN:
        case TIMING_AT:
        case TIMING_MONKEY:
        default:
                if (starts->play > 0)
                        return false;
                *out_ns = starts->base_ns + entry->at_ns;
        }
        starts->play++;
        return *out_ns <= end_ns && starts->play <= PLAYS_CAP;
}

static int64_t end_of(struct planner *planner, const struct method_spec *entry);

/* The end of the last of them; 0 when there are none. */
static int64_t end_of_all(struct planner *planner, const struct method_spec *const *entries,
                          uint32_t count)
{
        int64_t latest_ns = 0;

        for (uint32_t i = 0; i < count; i++) {
                int64_t end_ns = end_of(planner, entries[i]);

                latest_ns = end_ns > latest_ns ? end_ns : latest_ns;
        }
        return latest_ns;
}

static int64_t end_of_play(const struct planner *planner, const struct method_spec *entry,
                           const char *name, int64_t start_ns)
{
        int64_t end_ns = play_end(planner, entry, hash_text(name), start_ns) +
                         (entry->has_duration ? entry->ramp_down_ns : 0);

        return end_ns < TIME_FAR_NS ? end_ns : TIME_FAR_NS;
}

/* When an entry is over: its last play and its fading. One that is not played
 * before the end of the run is over after it. */
static int64_t end_of(struct planner *planner, const struct method_spec *entry)
{
        struct starts starts = {0};
        int64_t *end_ns = &planner->ends[entry->ordinal], start_ns;

        if (*end_ns != TIME_NEVER)
                return *end_ns;
        starts.base_ns = end_of_all(planner, entry->after, entry->after_count);
        if (entry->kind == METHOD_PROBE)
                return *end_ns = starts.base_ns + entry->at_ns;
        *end_ns = planner->scenario->duration_ns + 1;
        for (uint32_t play = 0; next_start(planner, entry, &starts, &start_ns); play++) {
                const char *name = play_name(planner, entry, play);
                int64_t ends_ns;

                if (name == NULL) {
                        planner->failed = true;
                        return *end_ns;
                }
                ends_ns = end_of_play(planner, entry, name, start_ns);
                *end_ns = play == 0 || ends_ns > *end_ns ? ends_ns : *end_ns;
        }
        return *end_ns;
}

/* ---- the plan */

static void plan_entry(struct planner *planner, const struct method_spec *entry, uint32_t number)
{
        struct starts starts = {
                .base_ns = end_of_all(planner, entry->after, entry->after_count)};
        struct planned_fault *fault;
        int64_t start_ns;

        for (uint32_t play = 0;
             !planner->failed && next_start(planner, entry, &starts, &start_ns); play++)
                if ((fault = play_add(planner)) == NULL ||
                    !play_make(planner, entry, number, play, start_ns, fault))
                        planner->failed = true;
}

/* What a monkey may still do. */
struct purse {
        uint32_t faults;
        int64_t time_ns;
        uint32_t first; /* of its plays */
};

static bool purse_allows(const struct planner *planner, const struct monkey_spec *monkey,
                         const struct purse *purse, const struct planned_fault *fault)
{
        uint32_t concurrent = 0;

        for (uint32_t i = purse->first; i + 1 < planner->count; i++)
                concurrent += planner->faults[i].end_ns > fault->start_ns;
        return purse->faults < monkey->fault_max && concurrent < monkey->concurrent_max &&
               (monkey->time_max_ns == TIME_NEVER ||
                purse->time_ns + (fault->end_ns - fault->start_ns) <= monkey->time_max_ns);
}

/* The option that two draws choose: a kind, then a target of it. */
static const struct method_spec *choose(const struct monkey_spec *monkey, struct rng_block block)
{
        uint32_t kind = rng_below((uint32_t)block.word[0], monkey->kind_count);
        const struct method_spec *option = monkey->options;

        for (uint32_t i = 0; i < kind; i++)
                option += monkey->option_count[i];
        return option + rng_below((uint32_t)block.word[1], monkey->option_count[kind]);
}

/* Two draws an arrival, whatever becomes of it: what the budget refuses moves
 * nothing that comes later. */
static void plan_monkey(struct planner *planner, const struct monkey_spec *monkey)
{
        struct purse purse = {.first = planner->count};
        uint64_t stream = hash_text(monkey->name);
        int64_t at_ns = end_of_all(planner, monkey->after, monkey->after_count) + monkey->at_ns;

        for (uint32_t i = 0; i < PLAYS_CAP && !planner->failed; i++) {
                const struct method_spec *option;
                struct planned_fault *fault;
                uint32_t number;

                at_ns += gap_ns(monkey->rate_per_s,
                                rng_u01(rng_draw(planner->key, stream, RNG_FAULT_TIME, 2 * i).word[0]));
                if (at_ns > planner->scenario->duration_ns)
                        return;
                option = choose(monkey, rng_draw(planner->key, stream, RNG_FAULT_TIME, 2 * i + 1));
                number = planner->numbers[option->ordinal];
                if ((fault = play_add(planner)) == NULL ||
                    !play_make(planner, option, number, i, at_ns, fault)) {
                        planner->failed = true;
                        return;
                }
                if (number == FLEET_NO_INDEX || !purse_allows(planner, monkey, &purse, fault)) {
                        planner->count--;
                        continue;
                }
                purse.faults++;
                purse.time_ns += fault->end_ns - fault->start_ns;
        }
}

/* When a play has run its course, for whoever waits to see it again. */
static int64_t over_ns(const struct planned_fault *fault)
{
        return fault->entry->has_duration || fault->entry->fault->instant ? fault->end_ns
                                                                          : fault->start_ns;
}

static bool is_replayed(const struct planned_fault *fault)
{
        return fault->entry->fault->lives_in != LAYER_HEALER && !fault->entry->fault->everywhere;
}

/* The same places and lengths once more, later by as much for all. */
static void replay(struct planner *planner, const struct planned_fault *before, int64_t later_ns,
                   struct plan *out)
{
        struct planned_fault fault = *before;
        struct planned_fault *added;

        fault.start_ns += later_ns;
        if (fault.start_ns >= planner->scenario->duration_ns) {
                out->replays_left_out++;
                return;
        }
        fault.end_ns = fault.entry->has_duration || fault.entry->fault->instant
                               ? fault.end_ns + later_ns
                               : fault.end_ns;
        fault.name = arena_printf(planner->arena, "%s again", before->name);
        if (fault.name == NULL || (added = play_add(planner)) == NULL) {
                planner->failed = true;
                return;
        }
        fault.stream = hash_text(fault.name);
        *added = fault;
        if (fault.start_ns < out->replay_ns)
                out->replay_ns = fault.start_ns;
}

/* A repair must last: what was there comes once more, when it should long be mended. */
static void plan_replays(struct planner *planner, struct plan *out)
{
        uint32_t count = planner->count;
        int64_t first_ns = TIME_NEVER, last_ns = 0;

        for (uint32_t i = 0; i < count; i++) {
                const struct planned_fault *fault = &planner->faults[i];

                if (!is_replayed(fault))
                        continue;
                first_ns = fault->start_ns < first_ns ? fault->start_ns : first_ns;
                last_ns = over_ns(fault) > last_ns ? over_ns(fault) : last_ns;
        }
        for (uint32_t i = 0; i < count && !planner->failed; i++)
                if (is_replayed(&planner->faults[i])) {
                        const struct planned_fault before = planner->faults[i];

                        replay(planner, &before, last_ns + PLAN_REPLAY_AFTER_NS - first_ns, out);
                }
}

/* Room for what is kept by ordinal. A method made by hand has none. */
static bool planner_begin(struct planner *planner)
{
        size_t count = planner->scenario->all_count > planner->scenario->method_count
                               ? planner->scenario->all_count
                               : planner->scenario->method_count;
        uint32_t number = 0;

        planner->ends = ARENA_ARRAY(planner->arena, int64_t, count + 1);
        planner->numbers = ARENA_ARRAY(planner->arena, uint32_t, count + 1);
        if (planner->ends == NULL || planner->numbers == NULL)
                return false;
        for (size_t i = 0; i < count; i++) {
                planner->ends[i] = TIME_NEVER;
                planner->numbers[i] = FLEET_NO_INDEX;
        }
        for (size_t i = 0; i < planner->scenario->method_count; i++)
                if (planner->scenario->method[i].kind == METHOD_FAULT)
                        planner->numbers[planner->scenario->method[i].ordinal] = number++;
        return true;
}

bool plan_make(const struct scenario *scenario, uint64_t key, struct arena *arena, struct plan *out)
{
        struct planner planner = {.scenario = scenario, .key = key, .arena = arena};
        uint32_t number = 0;

        *out = (struct plan){.first_ns = scenario->duration_ns, .replay_ns = TIME_NEVER};
        out->probes_at_ns = ARENA_ARRAY(arena, int64_t, scenario->method_count + 1);
        if (out->probes_at_ns == NULL || !planner_begin(&planner))
                return false;
        for (size_t i = 0; i < scenario->method_count && !planner.failed; i++) {
                const struct method_spec *entry = &scenario->method[i];

                if (entry->kind == METHOD_PROBE)
                        out->probes_at_ns[i] =
                                end_of_all(&planner, entry->after, entry->after_count) + entry->at_ns;
                else if (!entry->coupled && entry->timing != TIMING_MONKEY)
                        plan_entry(&planner, entry, number++);
                else
                        number++;
        }
        for (size_t i = 0; i < scenario->monkey_count && !planner.failed; i++)
                plan_monkey(&planner, &scenario->monkeys[i]);
        if (scenario->evaluation.replay_trigger)
                plan_replays(&planner, out);
        out->faults = planner.faults;
        out->fault_count = planner.count;
        for (uint32_t i = 0; i < out->fault_count; i++) {
                if (out->faults[i].start_ns < out->first_ns &&
                    !out->faults[i].entry->fault->everywhere)
                        out->first_ns = out->faults[i].start_ns;
                out->hash ^= plan_hash_step(1, &out->faults[i], out->faults[i].start_ns);
        }
        return !planner.failed && !arena_failed(arena);
}

bool plan_is_coupled(const struct scenario *scenario)
{
        for (size_t i = 0; i < scenario->method_count; i++)
                if (scenario->method[i].coupled)
                        return true;
        return false;
}

/* ---- what an event starts */

struct round {
        struct planner planner;
        struct plan_counts *counts;
        void *user;
        bool (*add)(void *user, struct planned_fault *fault);
};

static void play_coupled(struct round *round, const struct method_spec *entry, int64_t base_ns)
{
        struct starts starts = {.base_ns = base_ns};
        uint32_t *plays = &round->counts->plays[entry->ordinal];
        int64_t *end_ns = &round->planner.ends[entry->ordinal], start_ns;
        uint32_t number = round->planner.numbers[entry->ordinal];

        *end_ns = round->planner.scenario->duration_ns + 1;
        for (bool first = true; next_start(&round->planner, entry, &starts, &start_ns); first = false) {
                struct planned_fault *fault = ARENA_NEW(round->planner.arena, struct planned_fault);
                int64_t ends_ns;

                if (fault == NULL ||
                    !play_make(&round->planner, entry, number, (*plays)++, start_ns, fault)) {
                        round->planner.failed = true;
                        return;
                }
                ends_ns = fault->end_ns + (entry->has_duration ? entry->ramp_down_ns : 0);
                *end_ns = first || ends_ns > *end_ns ? ends_ns : *end_ns;
                if (number != FLEET_NO_INDEX && !round->add(round->user, fault))
                        round->planner.failed = true;
        }
}

/* Whether all coupled entries before this one were played in this round, and one
 * at least was; else it belongs to another. */
static bool is_next(struct round *round, const struct method_spec *entry)
{
        bool one = false;

        if (!entry->coupled || entry->timing == TIMING_WHEN || entry->kind != METHOD_FAULT ||
            round->planner.ends[entry->ordinal] != TIME_NEVER)
                return false;
        for (uint32_t i = 0; i < entry->after_count; i++) {
                if (!entry->after[i]->coupled)
                        continue;
                if (round->planner.ends[entry->after[i]->ordinal] == TIME_NEVER)
                        return false;
                one = true;
        }
        return one;
}

bool plan_triggered(const struct scenario *scenario, uint64_t key, struct arena *arena,
                    struct plan_counts *counts, const struct method_spec *entry, int64_t start_ns,
                    void *user, bool (*add)(void *user, struct planned_fault *fault))
{
        struct round round = {.planner = {.scenario = scenario, .key = key, .arena = arena},
                              .counts = counts, .user = user, .add = add};
        bool more = true;

        if (!planner_begin(&round.planner))
                return false;
        play_coupled(&round, entry, start_ns);
        while (more && !round.planner.failed) {
                more = false;
                for (size_t i = 0; i < scenario->all_count; i++) {
                        const struct method_spec *next = &scenario->all[i];

                        if (!is_next(&round, next))
                                continue;
                        play_coupled(&round, next,
                                     end_of_all(&round.planner, next->after, next->after_count));
                        more = true;
                }
        }
        return !round.planner.failed;
}
