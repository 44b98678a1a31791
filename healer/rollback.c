/* rollback.c - snapshots that were seen to be good, and going back to them.
 *
 * The bytes of all snapshots lie in one block, each behind the other in the order
 * in which they were kept; dropping one moves those behind it together. That is
 * O(bytes), rare, and needs no allocator of its own. The checksum is taken when
 * the bytes come in and compared before they go out, so that memory which was
 * overwritten, or a file that was restored wrongly, is never applied.
 *
 * Which one is "before": the newest verified snapshot other than the newest kept,
 * which is what runs now and is what is to be left. When the newest kept is the
 * only verified one, what runs has strayed from it, and it is the one to restore.
 */
#include "healer/rollback.h"

#include "healer/hlr_base.h"

#include <string.h>

enum { HLR_PLATFORMS_MAX = 64 };

struct hlr_snapshot {
        char component[HEALER_ROLLBACK_NAME_MAX], label[HEALER_ROLLBACK_NAME_MAX];
        enum healer_rollback_type type;
        bool verified;
        size_t at, size;
        uint64_t checksum;
        int64_t kept_ns;
};

struct hlr_platform {
        char component[HEALER_ROLLBACK_NAME_MAX];
        struct healer_platform platform;
};

/* A deployment that is being rolled back. */
struct hlr_working {
        bool busy, over; /* over: its time is, and it was told */
        struct healer_platform platform;
        struct healer_rollback_result result;
};

struct healer_rollback {
        struct healer_rollback_config config;
        struct healer_rollback_ops ops[2]; /* of states, configurations */
        struct hlr_platform platforms[HLR_PLATFORMS_MAX];
        uint32_t platform_count;
        struct hlr_working working[64];
        struct healer_rollback_result history[HEALER_ROLLBACK_HISTORY_MAX];
        uint64_t history_count;
        struct healer_rollback_stats stats;
        bool calling;
        unsigned char *bytes;
        struct hlr_snapshot snapshots[]; /* oldest first */
};

const char *const healer_rollback_names[HEALER_ROLLBACK_TYPE_COUNT] = {"previous_state", "config",
                                                                       "deployment"};

/* ---- life */

struct healer_rollback_config healer_rollback_config_defaults(void)
{
        return (struct healer_rollback_config){.size = sizeof(struct healer_rollback_config),
                                               .snapshots_max = 64,
                                               .bytes_max = (size_t)1 << 20,
                                               .each_max = 8,
                                               .platforms_max = 8,
                                               .timeout_ns = 600 * HLR_SECOND};
}

const char *healer_rollback_config_check(const struct healer_rollback_config *config)
{
        if (config->snapshots_max < 1 || config->snapshots_max > 4096)
                return "snapshots_max: must be 1..4096";
        if (config->bytes_max < 1 || config->bytes_max > (size_t)1 << 30)
                return "bytes_max: must be 1..1 GiB";
        if (config->each_max < 1 || config->each_max > 64)
                return "each_max: must be 1..64";
        if (config->platforms_max < 1 || config->platforms_max > 64)
                return "platforms_max: must be 1..64";
        if (config->timeout_ns <= 0)
                return "timeout_ns: must be > 0";
        return NULL;
}

enum healer_err healer_rollback_create(const struct healer_rollback_config *config,
                                       const struct healer_rollback_ops *ops,
                                       struct healer_rollback **out)
{
        struct healer_rollback *rollback;

        *out = NULL;
        if (config->size != sizeof(*config))
                return HEALER_E_SIZE;
        if (healer_rollback_config_check(config) != NULL || ops == NULL || ops->apply == NULL)
                return HEALER_E_RANGE;
        rollback = hlr_alloc(config->allocator,
                             hlr_bytes(sizeof(*rollback), config->snapshots_max,
                                       sizeof(struct hlr_snapshot)));
        if (rollback == NULL)
                return HEALER_E_NOMEM;
        rollback->config = *config;
        rollback->ops[0] = rollback->ops[1] = *ops;
        rollback->bytes = hlr_alloc(config->allocator, config->bytes_max);
        if (rollback->bytes == NULL) {
                hlr_free(config->allocator, rollback);
                return HEALER_E_NOMEM;
        }
        *out = rollback;
        return HEALER_OK;
}

void healer_rollback_destroy(struct healer_rollback *rollback)
{
        const struct healer_allocator *allocator;

        if (rollback == NULL)
                return;
        allocator = rollback->config.allocator;
        hlr_free(allocator, rollback->bytes);
        hlr_free(allocator, rollback);
}

static bool is_name(const char *name, bool may_be_empty)
{
        return name != NULL && (may_be_empty || name[0] != '\0') &&
               strlen(name) < HEALER_ROLLBACK_NAME_MAX;
}

enum healer_err healer_rollback_replace(struct healer_rollback *rollback,
                                        enum healer_rollback_type type,
                                        const struct healer_rollback_ops *ops)
{
        if (rollback->calling)
                return HEALER_E_BUSY;
        if ((unsigned)type >= HEALER_ROLLBACK_DEPLOYMENT || ops == NULL || ops->apply == NULL)
                return HEALER_E_RANGE;
        rollback->ops[type] = *ops;
        return HEALER_OK;
}

enum healer_err healer_rollback_platform(struct healer_rollback *rollback, const char *component,
                                         const struct healer_platform *platform)
{
        struct hlr_platform *place = NULL;
        uint32_t i;

        if (rollback->calling)
                return HEALER_E_BUSY;
        if (!is_name(component, true) || platform->start == NULL || platform->poll == NULL)
                return HEALER_E_RANGE;
        for (i = 0; i < rollback->platform_count; i++) {
                if (strcmp(rollback->platforms[i].component, component) == 0)
                        place = &rollback->platforms[i];
        }
        if (place == NULL) {
                if (rollback->platform_count == HLR_PLATFORMS_MAX)
                        return HEALER_E_FULL;
                place = &rollback->platforms[rollback->platform_count++];
                strcpy(place->component, component);
        }
        place->platform = *platform;
        return HEALER_OK;
}

/* ---- snapshots */

static uint64_t checksum(const unsigned char *bytes, size_t size)
{
        uint64_t sum = UINT64_C(0xcbf29ce484222325) ^ size;
        size_t i;

        for (i = 0; i < size; i++)
                sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
        return hlr_mix(sum);
}

static bool is_of(const struct hlr_snapshot *s, enum healer_rollback_type type,
                  const char *component)
{
        return s->type == type && strcmp(s->component, component) == 0;
}

static void drop(struct healer_rollback *rollback, uint32_t index)
{
        struct hlr_snapshot *gone = &rollback->snapshots[index];
        size_t end = gone->at + gone->size;
        size_t size = gone->size;
        uint32_t i;

        memmove(rollback->bytes + gone->at, rollback->bytes + end, rollback->stats.bytes - end);
        rollback->stats.bytes -= size;
        rollback->stats.snapshots--;
        rollback->stats.dropped++;
        memmove(gone, gone + 1, (rollback->stats.snapshots - index) * sizeof(*gone));
        for (i = index; i < rollback->stats.snapshots; i++)
                rollback->snapshots[i].at -= size;
}

/* The newest verified one of each component and type is what a rollback would go
 * to; it goes only when there is nothing else to drop. */
static bool is_needed(const struct healer_rollback *rollback, uint32_t index)
{
        const struct hlr_snapshot *s = &rollback->snapshots[index];
        uint32_t i;

        if (!s->verified)
                return false;
        for (i = index + 1; i < rollback->stats.snapshots; i++) {
                if (rollback->snapshots[i].verified &&
                    is_of(&rollback->snapshots[i], s->type, s->component))
                        return false;
        }
        return true;
}

static void drop_oldest(struct healer_rollback *rollback)
{
        uint32_t i;

        for (i = 0; i < rollback->stats.snapshots; i++) {
                if (!is_needed(rollback, i)) {
                        drop(rollback, i);
                        return;
                }
        }
        drop(rollback, 0);
}

/* Room for one more of that component and type. */
static void trim(struct healer_rollback *rollback, enum healer_rollback_type type,
                 const char *component)
{
        uint32_t i, count = 0, oldest = UINT32_MAX, first = UINT32_MAX;

        for (i = 0; i < rollback->stats.snapshots; i++) {
                if (!is_of(&rollback->snapshots[i], type, component))
                        continue;
                count++;
                if (first == UINT32_MAX)
                        first = i;
                if (oldest == UINT32_MAX && !is_needed(rollback, i))
                        oldest = i;
        }
        if (count >= rollback->config.each_max)
                drop(rollback, oldest != UINT32_MAX ? oldest : first);
}

enum healer_err healer_rollback_keep(struct healer_rollback *rollback,
                                     enum healer_rollback_type type, const char *component,
                                     const char *label, const void *bytes, size_t size,
                                     int64_t now_ns)
{
        struct hlr_snapshot *snapshot;

        if (rollback->calling)
                return HEALER_E_BUSY;
        if ((unsigned)type >= HEALER_ROLLBACK_DEPLOYMENT || !is_name(component, false) ||
            !is_name(label, false) || (bytes == NULL && size > 0))
                return HEALER_E_RANGE;
        if (size > rollback->config.bytes_max)
                return HEALER_E_FULL;
        trim(rollback, type, component);
        while (rollback->stats.snapshots == rollback->config.snapshots_max ||
               rollback->config.bytes_max - rollback->stats.bytes < size)
                drop_oldest(rollback);
        snapshot = &rollback->snapshots[rollback->stats.snapshots++];
        memset(snapshot, 0, sizeof(*snapshot));
        strcpy(snapshot->component, component);
        strcpy(snapshot->label, label);
        snapshot->type = type;
        snapshot->at = rollback->stats.bytes;
        snapshot->size = size;
        snapshot->kept_ns = now_ns;
        if (size > 0)
                memcpy(rollback->bytes + snapshot->at, bytes, size);
        snapshot->checksum = checksum(rollback->bytes + snapshot->at, size);
        rollback->stats.bytes += size;
        return HEALER_OK;
}

enum healer_err healer_rollback_verify(struct healer_rollback *rollback,
                                       enum healer_rollback_type type, const char *component,
                                       const char *label)
{
        uint32_t i;

        if (rollback->calling)
                return HEALER_E_BUSY;
        for (i = rollback->stats.snapshots; i > 0; i--) {
                if (is_of(&rollback->snapshots[i - 1], type, component) &&
                    strcmp(rollback->snapshots[i - 1].label, label) == 0) {
                        rollback->snapshots[i - 1].verified = true;
                        return HEALER_OK;
                }
        }
        return HEALER_E_NOT_FOUND;
}

/* ---- the end of one */

static void ended(struct healer_rollback *rollback, const struct healer_rollback_result *result)
{
        rollback->history[rollback->history_count++ % HEALER_ROLLBACK_HISTORY_MAX] = *result;
        if (result->success)
                rollback->stats.succeeded++;
        else
                rollback->stats.failed++;
        rollback->stats.rejected += result->rejected;
        rollback->calling = true;
        if (rollback->config.on_end != NULL)
                rollback->config.on_end(rollback->config.ctx, result);
        if (!result->success && rollback->config.on_escalate != NULL)
                rollback->config.on_escalate(rollback->config.ctx, result);
        rollback->calling = false;
}

static void say_error(struct healer_rollback_result *result, const char *words)
{
        size_t length = strlen(words);

        if (length >= sizeof(result->error))
                length = sizeof(result->error) - 1;
        memcpy(result->error, words, length);
        result->error[length] = '\0';
}

static void begin(struct healer_rollback_result *result, enum healer_rollback_type type,
                  const char *component, int64_t now_ns)
{
        memset(result, 0, sizeof(*result));
        result->type = type;
        strcpy(result->component, component);
        result->started_ns = now_ns;
        result->ended_ns = now_ns;
}

/* ---- states and configurations */

static bool sound(struct healer_rollback *rollback, const struct hlr_snapshot *s,
                  const struct healer_snapshot *shown)
{
        const struct healer_rollback_ops *ops = &rollback->ops[s->type];
        bool fine = checksum(rollback->bytes + s->at, s->size) == s->checksum;

        rollback->calling = true;
        if (fine && ops->validate != NULL)
                fine = ops->validate(ops->ctx, s->component, shown);
        rollback->calling = false;
        return fine;
}

static bool apply(struct healer_rollback *rollback, const struct hlr_snapshot *s,
                  const struct healer_snapshot *shown, struct healer_rollback_result *result)
{
        const struct healer_rollback_ops *ops = &rollback->ops[s->type];
        char error[64] = "";
        bool fine;

        strcpy(result->to, s->label);
        rollback->calling = true;
        fine = ops->apply(ops->ctx, s->component, shown, error);
        error[sizeof(error) - 1] = '\0';
        if (!fine)
                say_error(result, error[0] != '\0' ? error : "it could not be applied");
        else if (ops->confirm != NULL && !ops->confirm(ops->ctx, s->component, shown)) {
                fine = false;
                say_error(result, "applied, and the component is not well");
        }
        rollback->calling = false;
        return fine;
}

/* What is shown to callbacks is the manager's own memory, for the call. */
static bool try_snapshot(struct healer_rollback *rollback, uint32_t index,
                         struct healer_rollback_result *result, bool *over)
{
        const struct hlr_snapshot *s = &rollback->snapshots[index];
        const struct healer_snapshot shown = {.label = s->label,
                                              .bytes = rollback->bytes + s->at,
                                              .size = s->size,
                                              .kept_ns = s->kept_ns};

        if (!sound(rollback, s, &shown)) {
                result->rejected++;
                return false;
        }
        *over = true;
        return apply(rollback, s, &shown, result);
}

static void go_back(struct healer_rollback *rollback, struct healer_rollback_result *result)
{
        uint32_t i, newest = UINT32_MAX;
        bool over = false;

        for (i = rollback->stats.snapshots; i > 0 && !over; i--) {
                const struct hlr_snapshot *s = &rollback->snapshots[i - 1];

                if (!is_of(s, result->type, result->component))
                        continue;
                if (newest == UINT32_MAX) {
                        newest = i - 1;
                        strcpy(result->from, s->label);
                        continue;
                }
                if (s->verified)
                        result->success = try_snapshot(rollback, i - 1, result, &over);
        }
        if (!over && newest != UINT32_MAX && rollback->snapshots[newest].verified)
                result->success = try_snapshot(rollback, newest, result, &over);
        if (!over)
                say_error(result, result->rejected > 0 ? "no sound snapshot"
                                                       : "no verified snapshot");
}

/* ---- deployments */

static const struct healer_platform *platform_of(const struct healer_rollback *rollback,
                                                 const char *component)
{
        const struct healer_platform *any = NULL;
        uint32_t i;

        for (i = 0; i < rollback->platform_count; i++) {
                if (strcmp(rollback->platforms[i].component, component) == 0)
                        return &rollback->platforms[i].platform;
                if (rollback->platforms[i].component[0] == '\0')
                        any = &rollback->platforms[i].platform;
        }
        return any;
}

static struct hlr_working *work_place(struct healer_rollback *rollback, const char *component,
                                      bool *there)
{
        struct hlr_working *free_place = NULL;
        uint32_t i;

        *there = false;
        for (i = 0; i < rollback->config.platforms_max; i++) {
                if (!rollback->working[i].busy) {
                        if (free_place == NULL)
                                free_place = &rollback->working[i];
                } else if (strcmp(rollback->working[i].result.component, component) == 0) {
                        *there = true;
                }
        }
        return free_place;
}

static enum healer_err deploy_back(struct healer_rollback *rollback,
                                   struct healer_rollback_result *result)
{
        const struct healer_platform *platform = platform_of(rollback, result->component);
        struct hlr_working *place;
        char error[64] = "";
        bool there, started = false;

        place = work_place(rollback, result->component, &there);
        if (there)
                return HEALER_E_EXISTS;
        if (platform == NULL) {
                say_error(result, "no platform for it");
        } else if (place == NULL) {
                say_error(result, "too many at a time");
        } else {
                rollback->calling = true;
                started = platform->start(platform->ctx, result->component, result->from,
                                          result->to, error);
                rollback->calling = false;
                result->from[HEALER_ROLLBACK_NAME_MAX - 1] = '\0';
                result->to[HEALER_ROLLBACK_NAME_MAX - 1] = '\0';
                error[sizeof(error) - 1] = '\0';
                if (!started)
                        say_error(result, error[0] != '\0' ? error : "the platform refused");
        }
        if (!started) {
                ended(rollback, result);
                return HEALER_E_FAILED;
        }
        result->ended_ns = HEALER_NEVER;
        memset(place, 0, sizeof(*place));
        place->busy = true;
        place->platform = *platform;
        place->result = *result;
        return HEALER_OK;
}

static void platform_ended(struct healer_rollback *rollback, struct hlr_working *work,
                           enum healer_platform_state state, const char *error, int64_t now_ns)
{
        work->busy = false;
        if (work->over) {
                rollback->stats.late++; /* it has been told as failed */
                return;
        }
        work->result.success = state == HEALER_PLATFORM_DONE;
        if (!work->result.success)
                say_error(&work->result, error[0] != '\0' ? error : "the platform failed");
        work->result.ended_ns = now_ns;
        ended(rollback, &work->result);
}

static void time_is_over(struct healer_rollback *rollback, struct hlr_working *work,
                         int64_t now_ns)
{
        work->over = true;
        rollback->stats.timed_out++;
        rollback->calling = true;
        if (work->platform.cancel != NULL)
                work->platform.cancel(work->platform.ctx, work->result.component);
        rollback->calling = false;
        say_error(&work->result, "the platform did not end in time");
        work->result.ended_ns = now_ns;
        ended(rollback, &work->result);
}

enum healer_err healer_rollback_poll(struct healer_rollback *rollback, int64_t now_ns,
                                     int64_t *next_ns)
{
        enum healer_platform_state state;
        struct hlr_working *work;
        char error[64];
        int64_t limit_ns;
        uint32_t i;

        if (rollback->calling)
                return HEALER_E_BUSY;
        *next_ns = HEALER_NEVER;
        for (i = 0; i < rollback->config.platforms_max; i++) {
                work = &rollback->working[i];
                if (!work->busy)
                        continue;
                error[0] = '\0';
                rollback->calling = true;
                state = work->platform.poll(work->platform.ctx, work->result.component, error);
                rollback->calling = false;
                error[sizeof(error) - 1] = '\0';
                limit_ns = hlr_add(work->result.started_ns, rollback->config.timeout_ns);
                if (state != HEALER_PLATFORM_WORKING)
                        platform_ended(rollback, work, state, error, now_ns);
                else if (!work->over && now_ns >= limit_ns)
                        time_is_over(rollback, work, now_ns);
                else if (!work->over)
                        *next_ns = hlr_min(*next_ns, limit_ns);
        }
        return HEALER_OK;
}

enum healer_err healer_rollback_run(struct healer_rollback *rollback,
                                    enum healer_rollback_type type, const char *component,
                                    int64_t now_ns, struct healer_rollback_result *result)
{
        if (rollback->calling)
                return HEALER_E_BUSY;
        if ((unsigned)type >= HEALER_ROLLBACK_TYPE_COUNT || !is_name(component, false))
                return HEALER_E_RANGE;
        begin(result, type, component, now_ns);
        if (type == HEALER_ROLLBACK_DEPLOYMENT)
                return deploy_back(rollback, result);
        go_back(rollback, result);
        ended(rollback, result);
        return result->success ? HEALER_OK : HEALER_E_FAILED;
}

/* ---- looking */

const struct healer_rollback_result *healer_rollback_past(const struct healer_rollback *rollback,
                                                          uint32_t k)
{
        if (k >= rollback->history_count || k >= HEALER_ROLLBACK_HISTORY_MAX)
                return NULL;
        return &rollback->history[(rollback->history_count - 1 - k) % HEALER_ROLLBACK_HISTORY_MAX];
}

struct healer_rollback_stats healer_rollback_stats(const struct healer_rollback *rollback)
{
        struct healer_rollback_stats stats = rollback->stats;
        uint32_t i;

        stats.working = 0;
        for (i = 0; i < rollback->config.platforms_max; i++)
                stats.working += rollback->working[i].busy;
        return stats;
}
