/* degrade.c - one ladder: usage to level, level to what is still done.
 *
 * The owner's side keeps two levels: the automatic one, which usage alone
 * implies, and the one in force, which is that or what a hand set. The request
 * path reads the latter from one atomic and looks the row up in a table that
 * never changes, so a call sees one row, whole.
 *
 * Hysteresis: `good_since_ns` is when usage was last seen to fall below the
 * current cut-off less the margin; it starts again after every step up, so each
 * level takes a dwell of its own.
 *
 * Admission is the shedder's (shed.c) with the level's capacity.
 */
#include "healer/degrade.h"
#include "healer/hlr_base.h"

#include <math.h>
#include <string.h>

struct healer_degrade {
        _Alignas(64) _Atomic uint64_t level; /* in force */
        struct healer_shed *shed;
        uint32_t level_count;
        struct healer_degrade_level rows[HEALER_DEGRADE_LEVELS_MAX];

        /* the owner's */
        struct healer_degrade_config c;
        uint32_t automatic;
        bool manual;
        bool good;
        int64_t good_since_ns;
        int64_t manual_until_ns;
        uint32_t floor; /* 0: none */
        int64_t floor_until_ns;
        int64_t entered_at_ns;
        _Atomic int64_t newest_ns;
        _Atomic uint64_t steps_back;
        int64_t at_level_ns[HEALER_DEGRADE_LEVELS_MAX];
        uint64_t downs;
        uint64_t ups;
        uint64_t usage_missing;
        uint64_t changes;
        double usage_percent;
        struct healer_degrade_change history[HEALER_DEGRADE_HISTORY];
};

static const char *const off_reduced_1[] = {"detailed_metrics", "verbose_logging"};
static const char *const off_reduced_2[] = {"pattern_learning"};
static const char *const off_reduced_3[] = {"analytics"};
static const char *const off_minimal[] = {"optimization"};

static const struct healer_degrade_level default_rows[HEALER_DEGRADE_DEFAULT_LEVELS] = {
        {"FULL", 100, 0, 1.0, .95, 0, 0, NULL},
        {"REDUCED_1", 75, 90, .8, .85, 10, 2, off_reduced_1},
        {"REDUCED_2", 50, 95, .6, .75, 5, 1, off_reduced_2},
        {"REDUCED_3", 25, 98, .4, .60, 2, 1, off_reduced_3},
        {"MINIMAL", 10, 99, .2, .50, 1, 1, off_minimal},
};

struct healer_degrade_config healer_degrade_config_defaults(void)
{
        return (struct healer_degrade_config){
                .size = sizeof(struct healer_degrade_config),
                .level_count = HEALER_DEGRADE_DEFAULT_LEVELS,
                .levels = default_rows,
                .margin_percent = 2,
                .dwell_ns = 30 * HLR_SECOND,
                .mix_window_ns = 10 * HLR_SECOND,
        };
}

struct healer_degrade_config healer_degrade_config_memory(void)
{
        struct healer_degrade_config c = healer_degrade_config_defaults();

        c.first_cut_percent = 85;
        return c;
}

/* ---- checking a table ---- */

static bool in_unit(double x)
{
        return x > 0 && x <= 1;
}

static const char *check_row(const struct healer_degrade_level *row)
{
        if (!row->name || !*row->name)
                return "levels: every level needs a name";
        if (!(row->capacity_percent > 0 && row->capacity_percent <= 100))
                return "levels.capacity_percent: must be above 0 and at most 100";
        if (!(row->usage_percent >= 0 && row->usage_percent <= 1000))
                return "levels.usage_percent: must be 0..1000";
        if (!in_unit(row->timeout_ratio))
                return "levels.timeout_ratio: must be above 0 and at most 1";
        if (!in_unit(row->quality_ratio))
                return "levels.quality_ratio: must be above 0 and at most 1";
        if (row->off_count && !row->off)
                return "levels.off: counted, but not given";
        return NULL;
}

static const char *check_order(const struct healer_degrade_level *above,
                               const struct healer_degrade_level *row, double cut_percent)
{
        if (!(cut_percent > above->usage_percent))
                return "levels.usage_percent: must rise from level to level";
        if (!(row->capacity_percent < above->capacity_percent))
                return "levels.capacity_percent: must fall from level to level";
        if (!(row->timeout_ratio < above->timeout_ratio))
                return "levels.timeout_ratio: must fall from level to level";
        if (!(row->quality_ratio < above->quality_ratio))
                return "levels.quality_ratio: must fall from level to level";
        if (above->concurrency && !(row->concurrency && row->concurrency < above->concurrency))
                return "levels.concurrency: must fall from level to level once there is a limit";
        return NULL;
}

static const char *check_table(const struct healer_degrade_config *c)
{
        const struct healer_degrade_level *rows = c->levels ? c->levels : default_rows;
        const char *reason = check_row(&rows[0]);

        if (reason)
                return reason;
        if (rows[0].usage_percent != 0)
                return "levels: the first level must begin at usage 0";
        if (rows[0].capacity_percent != 100)
                return "levels: the first level must have all the capacity (100)";
        for (uint32_t i = 1; i < c->level_count; i++) {
                struct healer_degrade_level above = rows[i - 1];

                if (i == 2 && c->first_cut_percent > 0)
                        above.usage_percent = c->first_cut_percent;
                reason = check_row(&rows[i]);
                if (!reason)
                        reason = check_order(&above, &rows[i],
                                             i == 1 && c->first_cut_percent > 0
                                                     ? c->first_cut_percent
                                                     : rows[i].usage_percent);
                if (reason)
                        return reason;
        }
        return NULL;
}

const char *healer_degrade_config_check(const struct healer_degrade_config *c)
{
        if (c->level_count < 2 || c->level_count > HEALER_DEGRADE_LEVELS_MAX)
                return "level_count: must be 2..8";
        if (!c->levels && c->level_count != HEALER_DEGRADE_DEFAULT_LEVELS)
                return "level_count: must be 5 for the default table";
        if (!(c->margin_percent >= 0 && c->margin_percent <= 50))
                return "margin_percent: must be 0..50";
        if (c->dwell_ns < 0)
                return "dwell_ns: must not be negative";
        if (!(c->first_cut_percent >= 0 && c->first_cut_percent <= 1000))
                return "first_cut_percent: must be 0..1000";
        if (c->mix_window_ns < HLR_MILLISECOND || c->mix_window_ns > 86400 * HLR_SECOND)
                return "mix_window_ns: must be 1 ms..1 d";
        if (c->threads > HEALER_THREADS_ONE)
                return "threads: no such choice";
        return check_table(c);
}

/* ---- life cycle ---- */

enum healer_err healer_degrade_create(const struct healer_degrade_config *config, int64_t now_ns,
                                      struct healer_degrade **out)
{
        struct healer_degrade_config c = healer_degrade_config_defaults();
        struct healer_shed_config shed = healer_shed_config_defaults();
        struct healer_degrade *d;
        enum healer_err err;

        *out = NULL;
        err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));
        if (err != HEALER_OK)
                return err;
        if (healer_degrade_config_check(&c))
                return HEALER_E_RANGE;
        d = hlr_alloc(c.allocator, sizeof(*d));
        if (!d)
                return HEALER_E_NOMEM;
        shed.window_ns = c.mix_window_ns;
        shed.threads = c.threads;
        shed.allocator = c.allocator;
        err = healer_shed_create(&shed, now_ns, &d->shed);
        if (err != HEALER_OK) {
                hlr_free(c.allocator, d);
                return err;
        }
        d->c = c;
        d->level_count = c.level_count;
        memcpy(d->rows, c.levels ? c.levels : default_rows, c.level_count * sizeof(d->rows[0]));
        if (c.first_cut_percent > 0)
                d->rows[1].usage_percent = c.first_cut_percent;
        d->entered_at_ns = now_ns;
        hlr_store(&d->newest_ns, now_ns);
        d->usage_percent = (double)NAN;
        *out = d;
        return HEALER_OK;
}

void healer_degrade_destroy(struct healer_degrade *d)
{
        if (!d)
                return;
        healer_shed_destroy(d->shed);
        hlr_free(d->c.allocator, d);
}

double healer_degrade_usage_percent(double value, double limit)
{
        return limit > 0 ? 100 * value / limit : (double)NAN;
}

/* ---- the owner's side ---- */

static uint32_t in_force(const struct healer_degrade *d)
{
        return (uint32_t)hlr_load(&d->level);
}

static void remember(struct healer_degrade *d, uint32_t from, uint32_t to, uint32_t cause,
                     const char *reason, int64_t now_ns)
{
        struct healer_degrade_change *change = &d->history[d->changes++ % HEALER_DEGRADE_HISTORY];

        *change = (struct healer_degrade_change){
                .at_ns = now_ns,
                .from = from,
                .to = to,
                .cause = cause,
                .usage_percent = d->usage_percent,
        };
        if (reason)
                for (size_t i = 0; i + 1 < sizeof(change->reason) && reason[i]; i++)
                        change->reason[i] = reason[i];
}

/* Brings `to` into force; the same level is a change only if `logged_anyway`. */
static void go_to(struct healer_degrade *d, uint32_t to, uint32_t cause, const char *reason,
                  bool logged_anyway, int64_t now_ns)
{
        uint32_t from = in_force(d);
        struct healer_event event = {
                .at_ns = now_ns,
                .source_id = d->c.id,
                .type = to > from ? HEALER_EVENT_DEGRADATION_ACTIVATED
                                  : HEALER_EVENT_DEGRADATION_RECOVERED,
                .from = from,
                .to = to,
                .cause = cause,
                .value = d->usage_percent,
        };

        if (to == from && !logged_anyway)
                return;
        d->at_level_ns[from] =
                hlr_add(d->at_level_ns[from], hlr_sub(now_ns, d->entered_at_ns));
        d->entered_at_ns = now_ns;
        d->downs += to > from;
        d->ups += to < from;
        remember(d, from, to, cause, reason, now_ns);
        event.generation = d->changes;
        hlr_store_rel(&d->level, to);
        healer_event_ring_put(d->c.events, &event);
}

static int64_t observe(struct healer_degrade *d, int64_t now_ns)
{
        return hlr_observe(&d->newest_ns, &d->steps_back, now_ns, false);
}

/* The most degraded level whose cut-off the usage has reached. */
static uint32_t level_of(const struct healer_degrade *d, double usage_percent)
{
        uint32_t level = 0;

        while (level + 1 < d->level_count &&
               usage_percent >= d->rows[level + 1].usage_percent)
                level++;
        return level;
}

/* The automatic level after one more sample; at most one change. */
static uint32_t follow_usage(struct healer_degrade *d, double usage_percent, int64_t now_ns,
                             uint32_t *cause)
{
        uint32_t wanted = level_of(d, usage_percent);
        bool good = usage_percent < d->rows[d->automatic].usage_percent - d->c.margin_percent;

        *cause = HEALER_DEGRADE_BY_USAGE;
        if (wanted > d->automatic) {
                d->good = false;
                return wanted;
        }
        if (d->automatic == 0 || !good) {
                d->good = false;
                return d->automatic;
        }
        if (!d->good) {
                d->good = true;
                d->good_since_ns = now_ns;
        }
        if (hlr_sub(now_ns, d->good_since_ns) < d->c.dwell_ns)
                return d->automatic;
        *cause = HEALER_DEGRADE_BY_DWELL;
        d->good_since_ns = now_ns;
        /* the next level has a cut-off of its own to be below of */
        d->good = usage_percent < d->rows[d->automatic - 1].usage_percent - d->c.margin_percent;
        return d->automatic - 1;
}

/* The level that is right when nobody holds one by hand. */
static uint32_t without_a_hand(const struct healer_degrade *d)
{
        return d->automatic > d->floor ? d->automatic : d->floor;
}

uint32_t healer_degrade_update(struct healer_degrade *d, double usage_percent, int64_t now_ns)
{
        uint32_t cause = HEALER_DEGRADE_BY_USAGE;

        now_ns = observe(d, now_ns);
        if (isnan(usage_percent)) {
                d->usage_missing++;
        } else {
                d->usage_percent = usage_percent;
                d->automatic = follow_usage(d, usage_percent, now_ns, &cause);
        }
        if (d->manual && now_ns >= d->manual_until_ns) {
                d->manual = false;
                cause = HEALER_DEGRADE_BY_EXPIRY;
        }
        if (d->floor && now_ns >= d->floor_until_ns) {
                d->floor = 0;
                cause = HEALER_DEGRADE_BY_EXPIRY;
        }
        if (!d->manual)
                go_to(d, without_a_hand(d), cause, NULL, false, now_ns);
        return in_force(d);
}

enum healer_err healer_degrade_set(struct healer_degrade *d, uint32_t level,
                                   enum healer_degrade_cause cause, const char *reason,
                                   int64_t until_ns, int64_t now_ns)
{
        now_ns = observe(d, now_ns);
        if (level >= d->level_count || (unsigned)cause >= HEALER_DEGRADE_CAUSE_COUNT ||
            until_ns <= now_ns)
                return HEALER_E_RANGE;
        d->manual = true;
        d->manual_until_ns = until_ns;
        go_to(d, level, cause, reason, false, now_ns);
        return HEALER_OK;
}

void healer_degrade_release(struct healer_degrade *d, int64_t now_ns)
{
        now_ns = observe(d, now_ns);
        if (!d->manual)
                return;
        d->manual = false;
        go_to(d, without_a_hand(d), HEALER_DEGRADE_BY_RELEASE, NULL, false, now_ns);
}

enum healer_err healer_degrade_floor(struct healer_degrade *d, uint32_t level, const char *reason,
                                     int64_t until_ns, int64_t now_ns)
{
        now_ns = observe(d, now_ns);
        if (level >= d->level_count || (level && until_ns <= now_ns))
                return HEALER_E_RANGE;
        d->floor = level;
        d->floor_until_ns = until_ns;
        if (!d->manual)
                go_to(d, without_a_hand(d),
                      level ? HEALER_DEGRADE_BY_PREDICTION : HEALER_DEGRADE_BY_RELEASE, reason,
                      false, now_ns);
        return HEALER_OK;
}

void healer_degrade_reset(struct healer_degrade *d, int64_t now_ns)
{
        now_ns = observe(d, now_ns);
        d->manual = false;
        d->floor = 0;
        d->automatic = 0;
        d->good = false;
        d->usage_percent = (double)NAN;
        go_to(d, 0, HEALER_DEGRADE_BY_RESET, NULL, true, now_ns);
}

static void copy_history(const struct healer_degrade *d, struct healer_degrade_snapshot *out)
{
        uint64_t kept = d->changes < HEALER_DEGRADE_HISTORY ? d->changes : HEALER_DEGRADE_HISTORY;

        out->changes_count = (uint32_t)kept;
        out->changes_dropped = d->changes - kept;
        for (uint64_t i = 0; i < kept; i++)
                out->changes[i] =
                        d->history[(d->changes - kept + i) % HEALER_DEGRADE_HISTORY];
}

void healer_degrade_snapshot(const struct healer_degrade *d, int64_t now_ns,
                             struct healer_degrade_snapshot *out)
{
        memset(out, 0, sizeof(*out));
        out->level = in_force(d);
        out->automatic_level = d->automatic;
        out->manual = d->manual;
        out->manual_until_ns = d->manual ? d->manual_until_ns : 0;
        out->floor_level = d->floor;
        out->usage_percent = d->usage_percent;
        memcpy(out->at_level_ns, d->at_level_ns, sizeof(out->at_level_ns));
        out->at_level_ns[out->level] = hlr_add(
                out->at_level_ns[out->level], hlr_max(0, hlr_sub(now_ns, d->entered_at_ns)));
        out->downs = d->downs;
        out->ups = d->ups;
        out->usage_missing = d->usage_missing;
        out->time_went_back = hlr_load(&d->steps_back);
        copy_history(d, out);
}

/* ---- the request's side ---- */

uint32_t healer_degrade_level(const struct healer_degrade *d)
{
        return (uint32_t)hlr_load_acq(&d->level);
}

const struct healer_degrade_level *healer_degrade_row(const struct healer_degrade *d,
                                                      uint32_t level)
{
        return level < d->level_count ? &d->rows[level] : NULL;
}

bool healer_degrade_admit(struct healer_degrade *d, uint32_t priority, int64_t now_ns)
{
        return healer_shed_admit(d->shed, priority,
                                 d->rows[hlr_load_acq(&d->level)].capacity_percent / 100, now_ns);
}

int64_t healer_degrade_timeout_ns(const struct healer_degrade *d, int64_t base_ns)
{
        double ratio = d->rows[hlr_load_acq(&d->level)].timeout_ratio;

        if (base_ns <= 0 || base_ns == HEALER_NEVER || ratio >= 1)
                return base_ns;
        /* nearest, so that 0.8 x 1 s is 800 ms and not a nanosecond less */
        return hlr_max(1, hlr_from_double((double)base_ns * ratio + .5));
}

double healer_degrade_quality_ratio(const struct healer_degrade *d)
{
        return d->rows[hlr_load_acq(&d->level)].quality_ratio;
}

uint32_t healer_degrade_concurrency(const struct healer_degrade *d, uint32_t limit)
{
        uint32_t most = d->rows[hlr_load_acq(&d->level)].concurrency;

        if (most == 0 || limit == 0)
                return most ? most : limit;
        return limit < most ? limit : most;
}

bool healer_degrade_has(const struct healer_degrade *d, const char *feature)
{
        uint64_t level = hlr_load_acq(&d->level);

        for (uint64_t i = 0; i <= level; i++)
                for (uint32_t k = 0; k < d->rows[i].off_count; k++)
                        if (strcmp(d->rows[i].off[k], feature) == 0)
                                return false;
        return true;
}
