/* levels.c - usage and rules ask for a level of degradation, and get it.
 *
 * A rung of a ladder degrades a service because something is wrong with it
 * (recovery.c). Here it is degraded before that: a resource whose usage the
 * configuration watches has a ladder of its own (degrade.h) for each service, with
 * its hysteresis and dwell, and rules ask for a level while their condition
 * holds. The gravest of what they ask for is ordered, at once on the way down, as
 * slowly as the ladders come back on the way up; a rung may go further, and does
 * not come back beyond it.
 *
 * A level is carried out elsewhere. Where the configuration says what it leaves,
 * the order says so too; else a level is known by its number.
 *
 * Usage is the mean over the instances that are up: calls are let in to the service
 * and not to one of them. Nothing is watched by default: refusing calls is a price,
 * and most of what fills up is mended without paying it. A look costs O(instances),
 * at the interval, and nothing without ladders and rules.
 */
#include "healer/hlr_supervisor.h"

#include <string.h>

#define MEMORY_FIRST_PERCENT 85.0 /* of the built-in table */
#define FRESH_SAMPLES 3
#define STAYS_MAX_NS (600 * HLR_SECOND)

enum { RULE_VALUES = HEALER_METRIC_COUNT + 1, RULE_SCORE = HEALER_METRIC_COUNT };

/* ---- the tables */

/* As 4a-policies has it, and degrade.h. */
void hlr_levels_default(struct healer_levels *out)
{
        struct healer_degrade_config ladder = healer_degrade_config_defaults();
        const struct healer_degrade_level *row;
        uint32_t i;

        memset(out, 0, sizeof(*out));
        out->count = ladder.level_count;
        for (i = 0; i < ladder.level_count; i++) {
                row = &ladder.levels[i];
                memcpy(out->rows[i].name, row->name, strlen(row->name) + 1);
                out->rows[i].capacity = row->capacity_percent / 100;
                out->rows[i].usage = row->usage_percent / 100;
                out->rows[i].timeout = row->timeout_ratio;
                out->rows[i].quality = row->quality_ratio;
                out->rows[i].concurrency = row->concurrency;
        }
}

static bool is_same(const struct healer_level *a, const struct healer_level *b)
{
        return strcmp(a->name, b->name) == 0 && a->capacity == b->capacity && a->usage == b->usage &&
               a->timeout == b->timeout && a->quality == b->quality &&
               a->concurrency == b->concurrency && a->off == b->off &&
               a->min_priority == b->min_priority;
}

/* Known to whoever carries it out. */
static bool is_default(const struct healer_levels *table)
{
        struct healer_levels usual;
        bool same;
        uint32_t i;

        hlr_levels_default(&usual);
        same = table->count == usual.count;
        for (i = 0; i < usual.count && same; i++)
                same = is_same(&table->rows[i], &usual.rows[i]);
        return same || table->count == 0;
}

static const struct healer_levels *table_of(const struct healer_config *config, uint32_t metric)
{
        if (metric < HEALER_METRIC_COUNT &&
            config->degradation.per_resource[metric].levels.count > 0)
                return &config->degradation.per_resource[metric].levels;
        return &config->degradation.levels;
}

/* The ladder of that metric; its rows are in `rows`, their names the configuration's. */
static struct healer_degrade_config ladder_of(const struct healer_config *config, uint32_t metric,
                                              struct healer_degrade_level rows[HEALER_LEVELS_MAX])
{
        const struct healer_levels *table = table_of(config, metric);
        struct healer_degrade_config ladder = healer_degrade_config_defaults();
        uint32_t i;

        ladder.dwell_ns = config->degradation.dwell_ns;
        ladder.threads = HEALER_THREADS_ONE;
        if (metric < HEALER_METRIC_COUNT)
                ladder.first_cut_percent = 100 * config->degradation.per_resource[metric].first_usage;
        if (is_default(table)) {
                if (metric == HEALER_METRIC_MEMORY && ladder.first_cut_percent == 0)
                        ladder.first_cut_percent = MEMORY_FIRST_PERCENT;
                return ladder;
        }
        for (i = 0; i < table->count && i < HEALER_LEVELS_MAX; i++)
                rows[i] = (struct healer_degrade_level){
                        .name = table->rows[i].name,
                        .capacity_percent = 100 * table->rows[i].capacity,
                        .usage_percent = 100 * table->rows[i].usage,
                        .timeout_ratio = table->rows[i].timeout,
                        .quality_ratio = table->rows[i].quality,
                        .concurrency = table->rows[i].concurrency,
                };
        ladder.levels = rows;
        ladder.level_count = table->count;
        return ladder;
}

const char *hlr_levels_wrong(const struct healer_config *config, uint32_t metric)
{
        struct healer_degrade_level rows[HEALER_LEVELS_MAX];
        struct healer_degrade_config ladder;

        if (table_of(config, metric)->count > HEALER_LEVELS_MAX)
                return "more than 5 levels";
        if (metric < HEALER_METRIC_COUNT && metric >= HLR_INSTANCE_METRICS)
                return "is not measured of instances";
        ladder = ladder_of(config, metric, rows);
        return healer_degrade_config_check(&ladder);
}

static uint32_t level_count(const struct healer_config *config)
{
        return config->degradation.levels.count > 0 ? config->degradation.levels.count
                                                    : (uint32_t)HEALER_DEGRADE_DEFAULT_LEVELS;
}

uint32_t hlr_levels_last(const struct healer *healer)
{
        uint32_t last = level_count(&healer->config) - 1;

        return last < healer->config.degradation.level_max ? last
                                                           : healer->config.degradation.level_max;
}

/* ---- rules */

static struct healer_rules_config rules_of(const struct healer_config *config,
                                           struct healer_rule rows[HEALER_LEVEL_RULES_MAX])
{
        struct healer_rules_config rules = healer_rules_config_defaults();
        const struct healer_level_rule *from;
        uint32_t i;

        for (i = 0; i < config->degradation.rule_count && i < HEALER_LEVEL_RULES_MAX; i++) {
                from = &config->degradation.rules[i];
                rows[i] = (struct healer_rule){
                        .name = from->name,
                        .kind = from->kind,
                        .op = from->op,
                        .metric = from->metric,
                        .level = from->level,
                        .value = from->value,
                        .over_ns = from->over_ns,
                        .duration_ns = from->duration_ns,
                        .grace_ns = from->grace_ns,
                        .parts_count = from->parts_count,
                };
                memcpy(rows[i].parts, from->parts, sizeof(rows[i].parts));
        }
        rules.rules = rows;
        rules.rule_count = config->degradation.rule_count;
        rules.metric_count = RULE_VALUES;
        rules.level_count = level_count(config);
        rules.check_ns = 0; /* we look at our own interval */
        return rules;
}

const char *hlr_level_rules_wrong(const struct healer_config *config)
{
        struct healer_rule rows[HEALER_LEVEL_RULES_MAX];
        struct healer_rules_config rules;

        if (config->degradation.rule_count == 0)
                return NULL;
        if (config->degradation.rule_count > HEALER_LEVEL_RULES_MAX)
                return "more than 16";
        rules = rules_of(config, rows);
        return healer_rules_config_check(&rules);
}

/* ---- features */

/* The first level at which it is off: its own word, a level's list, its priority. */
static uint32_t off_from(const struct healer_config *config, uint32_t feature)
{
        const struct healer_level_feature *what = &config->degradation.features[feature];
        const struct healer_level *row;
        uint32_t i;

        for (i = 1; i < level_count(config); i++) {
                row = &config->degradation.levels.rows[i];
                if ((what->off_at > 0 && i >= what->off_at) ||
                    (config->degradation.levels.count > 0 &&
                     ((row->off >> feature & 1) != 0 || what->priority < row->min_priority)))
                        return i;
        }
        return HEALER_FEATURE_ALWAYS;
}

static enum healer_err create_features(struct healer *healer)
{
        const struct healer_config *config = &healer->config;
        struct healer_features_config what = healer_features_config_defaults();
        struct healer_feature rows[HEALER_LEVEL_FEATURES_MAX];
        const char *needs[HEALER_LEVEL_FEATURES_MAX][HEALER_LEVEL_FEATURES_MAX];
        uint32_t i, k;

        if (config->degradation.feature_count == 0)
                return HEALER_OK;
        memset(rows, 0, sizeof(rows));
        for (i = 0; i < config->degradation.feature_count; i++) {
                rows[i].name = config->degradation.features[i].name;
                rows[i].off_from = off_from(config, i);
                rows[i].priority = config->degradation.features[i].priority;
                rows[i].needs = needs[i];
                for (k = 0; k < i; k++)
                        if ((config->degradation.features[i].needs >> k & 1) != 0)
                                needs[i][rows[i].needs_count++] =
                                        config->degradation.features[k].name;
        }
        what.features = rows;
        what.feature_count = config->degradation.feature_count;
        what.level_count = level_count(config);
        what.allocator = healer->allocator;
        return healer_features_create(&what, healer->now_ns, NULL, &healer->features);
}

/* ---- life */

static enum healer_err create_ladders(struct healer *healer, struct hlr_service *service)
{
        struct healer_degrade_level rows[HEALER_LEVELS_MAX];
        struct healer_degrade_config ladder;
        enum healer_err err = HEALER_OK;
        uint32_t metric;

        for (metric = 0; metric < HLR_INSTANCE_METRICS && err == HEALER_OK; metric++) {
                if (!healer->config.degradation.per_resource[metric].watched)
                        continue;
                ladder = ladder_of(&healer->config, metric, rows);
                ladder.allocator = healer->allocator;
                err = healer_degrade_create(&ladder, healer->now_ns, &service->ladders[metric]);
        }
        return err;
}

enum healer_err hlr_levels_create(struct healer *healer)
{
        struct healer_rule rows[HEALER_LEVEL_RULES_MAX];
        struct healer_rules_config rules = rules_of(&healer->config, rows);
        enum healer_err err = create_features(healer);
        uint32_t i;

        rules.allocator = healer->allocator;
        for (i = 0; i < healer->service_count && err == HEALER_OK; i++) {
                err = create_ladders(healer, &healer->services[i]);
                if (err == HEALER_OK && rules.rule_count > 0)
                        err = healer_rules_create(&rules, &healer->services[i].rules);
        }
        return err;
}

void hlr_levels_destroy(struct healer *healer)
{
        uint32_t i, metric;

        for (i = 0; healer->services != NULL && i < healer->service_count; i++) {
                for (metric = 0; metric < HLR_INSTANCE_METRICS; metric++)
                        healer_degrade_destroy(healer->services[i].ladders[metric]);
                healer_rules_destroy(healer->services[i].rules);
        }
        healer_features_destroy(healer->features);
}

/* ---- a look */

/* The mean over the instances that are up and were heard of lately; NaN: none. */
static double mean_of(const struct healer *healer, const struct hlr_service *service,
                      uint32_t metric)
{
        const struct hlr_instance *instance;
        const struct hlr_monitor *monitor;
        double sum = 0;
        uint32_t i, known = 0;

        for (i = service->first_instance; i != HEALER_NONE; i = instance->next) {
                instance = &healer->instances[i];
                monitor = &instance->monitors[metric];
                if (instance->process != HLR_UP || monitor->seen_ns == INT64_MIN ||
                    hlr_sub(healer->now_ns, monitor->seen_ns) >
                            hlr_mul(healer->interval_seen_ns, FRESH_SAMPLES))
                        continue;
                sum += monitor->value;
                known++;
        }
        return known > 0 ? sum / known : NAN;
}

/* Shares as they are; what has a limit, as a share of its critical one. */
static double usage_percent(const struct healer *healer, uint32_t metric, double value)
{
        if (metric == HEALER_METRIC_LATENCY || metric == HEALER_METRIC_QUEUE)
                return healer_degrade_usage_percent(
                        value, healer->config.detection.thresholds[metric].critical);
        return 100 * value;
}

static uint32_t rules_ask(struct healer *healer, uint32_t index, const double *means)
{
        struct hlr_service *service = &healer->services[index];
        double values[RULE_VALUES];
        double score = hlr_health_of(healer, index).score;
        uint32_t metric;

        if (service->rules == NULL)
                return 0;
        for (metric = 0; metric < HEALER_METRIC_COUNT; metric++)
                values[metric] = metric < HLR_INSTANCE_METRICS ? means[metric] : NAN;
        values[HEALER_METRIC_DRIFT] = service->custom.value;
        values[RULE_SCORE] = score;
        return healer_rules_evaluate(service->rules, values, score, 0, healer->now_ns).level;
}

/* The level that is asked for, and by which resource (HEALER_METRIC_COUNT: a rule). */
static uint32_t wanted_level(struct healer *healer, uint32_t index, uint32_t *by)
{
        struct hlr_service *service = &healer->services[index];
        double means[HLR_INSTANCE_METRICS];
        uint32_t metric, level, wanted;

        for (metric = 0; metric < HLR_INSTANCE_METRICS; metric++)
                means[metric] = mean_of(healer, service, metric);
        wanted = rules_ask(healer, index, means);
        *by = HEALER_METRIC_COUNT;
        for (metric = 0; metric < HLR_INSTANCE_METRICS; metric++) {
                if (service->ladders[metric] == NULL)
                        continue;
                level = healer_degrade_update(service->ladders[metric],
                                              usage_percent(healer, metric, means[metric]),
                                              healer->now_ns);
                if (level > wanted) {
                        wanted = level;
                        *by = metric;
                }
        }
        level = hlr_levels_last(healer);
        return wanted < level ? wanted : level;
}

/* Less work is less usage, and giving it back brings the usage back: each relapse soon
 * after that makes the level stay twice as long. */
static void wait_longer(const struct healer *healer, struct hlr_service *service)
{
        int64_t dwell = healer->config.degradation.dwell_ns;
        bool relapse = service->level_back_ns != INT64_MIN &&
                       hlr_sub(healer->now_ns, service->level_back_ns) <=
                               hlr_max(hlr_mul(dwell, 2), service->level_wait_ns);

        service->level_wait_ns = relapse ? hlr_min(hlr_max(hlr_mul(service->level_wait_ns, 2), dwell),
                                                   STAYS_MAX_NS)
                                         : dwell;
}

/* Orders it if that is news; one that was refused is asked for again after a dwell. From the
 * first step down to the last one back it is one episode: giving back is about nothing but
 * what was taken. */
static void go_to(struct healer *healer, uint32_t index, uint32_t wanted, uint32_t by)
{
        struct hlr_service *service = &healer->services[index];
        const struct hlr_episode *episode = hlr_episode_of_service(healer, index);
        bool down = wanted > service->level;
        bool back = wanted < service->level_usage && service->level <= service->level_usage;

        if (hlr_service_busy(healer, index) ||
            (down && wanted == service->level_tried &&
             hlr_sub(healer->now_ns, service->eased_ns) < healer->config.degradation.dwell_ns) ||
            (back && hlr_sub(healer->now_ns, service->eased_ns) < service->level_wait_ns))
                return;
        service->level_usage = wanted;
        service->level_by = by;
        if (!down && !back)
                return;
        if (down)
                wait_longer(healer, service);
        else
                service->level_back_ns = healer->now_ns;
        service->level_tried = wanted;
        (void)hlr_set_in_force(healer, index,
                               episode != NULL      ? episode->id
                               : service->level > 0 ? service->eased_episode
                                                    : hlr_next_id(healer),
                               HEALER_ACTION_SET_DEGRADATION, wanted);
}

static bool is_watched(const struct healer *healer, const struct hlr_service *service)
{
        uint32_t metric;

        if (!healer->config.degradation.enabled || !healer->config.auto_heal ||
            (healer->actions_available & (UINT32_C(1) << HEALER_ACTION_SET_DEGRADATION)) == 0)
                return false;
        for (metric = 0; metric < HLR_INSTANCE_METRICS; metric++) {
                if (service->ladders[metric] != NULL)
                        return true;
        }
        return service->rules != NULL;
}

void hlr_levels_watch(struct healer *healer)
{
        uint32_t i, wanted, by;

        if (healer->service_count == 0 || !is_watched(healer, &healer->services[0]) ||
            (healer->levels_ns != INT64_MIN &&
             hlr_sub(healer->now_ns, healer->levels_ns) < healer->config.degradation.interval_ns))
                return;
        healer->levels_ns = healer->now_ns;
        for (i = 0; i < healer->service_count; i++) {
                wanted = wanted_level(healer, i, &by);
                go_to(healer, i, wanted, by);
        }
}

int64_t hlr_levels_next(const struct healer *healer)
{
        if (healer->levels_ns == INT64_MIN)
                return HEALER_NEVER;
        return hlr_add(healer->now_ns, healer->config.degradation.interval_ns);
}

/* ---- what a level leaves */

static uint32_t features_off(struct healer *healer, uint32_t level)
{
        uint32_t i, off = 0;

        if (healer->features == NULL)
                return 0;
        healer_features_update(healer->features, level, NAN, healer->now_ns);
        for (i = 0; i < healer->config.degradation.feature_count; i++) {
                if (!healer_features_is_on(healer->features, i))
                        off |= UINT32_C(1) << i;
        }
        return off;
}

void hlr_level_describe(struct healer *healer, struct healer_command *order)
{
        const struct hlr_service *service = &healer->services[order->service];
        uint32_t level = (uint32_t)order->amount;
        uint32_t by = level <= service->level_usage ? service->level_by : HEALER_METRIC_COUNT;
        struct healer_degrade_level rows[HEALER_LEVELS_MAX];
        struct healer_degrade_config ladder = ladder_of(&healer->config, by, rows);
        const struct healer_degrade_level *row;

        if ((is_default(table_of(&healer->config, by)) && healer->features == NULL) ||
            level >= ladder.level_count)
                return;
        row = &ladder.levels[level];
        order->level = (struct healer_level_order){
                .given = true,
                .capacity = row->capacity_percent / 100,
                .timeout = row->timeout_ratio,
                .quality = row->quality_ratio,
                .concurrency = row->concurrency,
                .off = features_off(healer, level),
        };
}
