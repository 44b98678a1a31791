/* resume.c - open episodes and commands, out of one healer and into the next.
 *
 * A command that was under way keeps its place: its resource is taken until the
 * result comes or all patience has ended, as if the healer had never died. What
 * an episode knew of measurements is left behind: it begins its wait for
 * verification anew.
 */
#include "healer/resume.h"

#include "healer/hlr_supervisor.h"

#include <stddef.h>
#include <string.h>

_Static_assert((int)HEALER_OPEN_EPISODES_MAX == (int)HLR_EPISODES_MAX &&
                       (int)HEALER_OPEN_COMMANDS_MAX == (int)HLR_COMMANDS_MAX &&
                       (int)HEALER_OPEN_TARGETS_MAX == (int)HLR_TARGETS_MAX,
               "all that can be open has a place");
_Static_assert((int)HEALER_OPEN_WATCHING + 1 == (int)HLR_EPISODE_WATCHING &&
                       (int)HEALER_OPEN_ESCALATED + 1 == (int)HLR_EPISODE_ESCALATED,
               "both lists of states go in step");

/* What is the same in both, copied either way. */
struct field {
        size_t inside, outside, size;
};

#define FIELD(inner, outer, member)                                                            \
        {                                                                                      \
                offsetof(struct inner, member), offsetof(struct outer, member),                \
                        sizeof(((struct outer *)NULL)->member)                                 \
        }
#define SAME_SIZE(inner, outer, member)                                                        \
        _Static_assert(sizeof(((struct inner *)NULL)->member) ==                               \
                               sizeof(((struct outer *)NULL)->member),                         \
                       #member " is the same on both sides")

/* X(member) for each: an episode's ... */
#define EPISODE_FIELDS(X)                                                                      \
        X(id) X(failure) X(severity) X(service) X(edge) X(confidence) X(opened_ns)             \
        X(acted_ns) X(rung) X(rungs_failed) X(rung_done) X(acting) X(last_kind) X(escalated)   \
        X(preventive) X(suggested) X(approved) X(rejected) X(failed) X(prediction)             \
        X(approval_until_ns) X(target_count)
#define TARGET_FIELDS(X) X(instance) X(attempts) X(moved) X(done) X(failed)
/* ... and a command's. */
#define ORDER_FIELDS(X)                                                                        \
        X(id) X(episode) X(kind) X(service) X(instance) X(edge) X(amount) X(preventive)

#define EPISODE_FIELD(member) FIELD(hlr_episode, healer_open_episode, member),
#define TARGET_FIELD(member) FIELD(hlr_target, healer_open_target, member),
#define ORDER_FIELD(member) FIELD(healer_command, healer_open_command, member),
#define EPISODE_SAME(member) SAME_SIZE(hlr_episode, healer_open_episode, member);
#define TARGET_SAME(member) SAME_SIZE(hlr_target, healer_open_target, member);
#define ORDER_SAME(member) SAME_SIZE(healer_command, healer_open_command, member);

EPISODE_FIELDS(EPISODE_SAME)
TARGET_FIELDS(TARGET_SAME)
ORDER_FIELDS(ORDER_SAME)

static const struct field episode_fields[] = {EPISODE_FIELDS(EPISODE_FIELD)};
static const struct field target_fields[] = {TARGET_FIELDS(TARGET_FIELD)};
static const struct field order_fields[] = {ORDER_FIELDS(ORDER_FIELD)};

static void copy_out(const struct field *fields, size_t count, const void *inside, void *outside)
{
        size_t i;

        for (i = 0; i < count; i++)
                memcpy((char *)outside + fields[i].outside,
                       (const char *)inside + fields[i].inside, fields[i].size);
}

static void copy_in(const struct field *fields, size_t count, void *inside, const void *outside)
{
        size_t i;

        for (i = 0; i < count; i++)
                memcpy((char *)inside + fields[i].inside,
                       (const char *)outside + fields[i].outside, fields[i].size);
}

/* ---- out */

static void export_episode(const struct hlr_episode *from, struct healer_open_episode *to)
{
        uint32_t i;

        memset(to, 0, sizeof(*to));
        copy_out(episode_fields, HLR_COUNT(episode_fields), from, to);
        to->state = (enum healer_open_state)(from->state - 1);
        for (i = 0; i < from->target_count; i++)
                copy_out(target_fields, HLR_COUNT(target_fields), &from->targets[i],
                         &to->targets[i]);
}

static void export_command(const struct hlr_command *from, struct healer_open_command *to)
{
        memset(to, 0, sizeof(*to));
        copy_out(order_fields, HLR_COUNT(order_fields), &from->order, to);
        to->issued_ns = from->issued_ns;
        to->due_ns = from->due_ns;
}

void hlr_open_export(const struct healer *healer, struct healer_open *out)
{
        int i;

        out->size = sizeof(*out);
        out->ids_used = healer->next_id;
        out->episode_count = 0;
        out->command_count = 0;
        for (i = 0; i < HLR_EPISODES_MAX; i++) {
                if (healer->episodes[i].id != 0)
                        export_episode(&healer->episodes[i], &out->episodes[out->episode_count++]);
        }
        for (i = 0; i < HLR_COMMANDS_MAX; i++) {
                if (healer->commands[i].order.id != 0)
                        export_command(&healer->commands[i], &out->commands[out->command_count++]);
        }
}

/* ---- is it sound */

static bool is_edge(const struct healer *healer, uint32_t edge)
{
        return edge == HEALER_NONE || edge < healer->edge_count;
}

static bool is_instance(const struct healer *healer, uint32_t instance)
{
        return instance == HEALER_NONE || instance < healer->instance_count;
}

static const char *check_episode(const struct healer *healer, const struct healer_open *open,
                                 uint32_t index)
{
        const struct healer_open_episode *e = &open->episodes[index];
        uint32_t i;

        if (e->id == 0 || e->id > open->ids_used)
                return "episodes: a number from 1 to ids_used";
        if ((unsigned)e->state >= HEALER_OPEN_STATE_COUNT ||
            (unsigned)e->failure >= HEALER_FAILURE_COUNT ||
            (unsigned)e->severity >= HEALER_SEVERITY_COUNT ||
            (unsigned)e->acting >= HEALER_ACTION_COUNT ||
            (unsigned)e->last_kind > HEALER_ACTION_COUNT || e->rung > HEALER_RUNGS_MAX ||
            !(e->confidence >= 0 && e->confidence <= 1))
                return "episodes: a kind or a number out of its range";
        if (e->service >= healer->service_count || !is_edge(healer, e->edge))
                return "episodes: of services and edges that exist";
        if (e->target_count > HEALER_OPEN_TARGETS_MAX)
                return "episodes: too many targets";
        for (i = 0; i < e->target_count; i++) {
                if (!is_instance(healer, e->targets[i].instance))
                        return "episodes: targets that exist";
        }
        for (i = 0; i < index; i++) {
                if (open->episodes[i].id == e->id)
                        return "episodes: a number twice";
        }
        return NULL;
}

static const char *check_command(const struct healer *healer, const struct healer_open *open,
                                 uint32_t index)
{
        const struct healer_open_command *c = &open->commands[index];
        uint32_t i;

        if (c->id == 0 || c->id > open->ids_used)
                return "commands: a number from 1 to ids_used";
        if ((unsigned)c->kind >= HEALER_ACTION_COUNT || c->service >= healer->service_count ||
            !is_instance(healer, c->instance) || !is_edge(healer, c->edge) ||
            (healer_actions[c->kind].scope == HEALER_SCOPE_INSTANCE && c->instance == HEALER_NONE))
                return "commands: of kinds and at places that exist";
        for (i = 0; i < index; i++) {
                if (open->commands[i].id == c->id)
                        return "commands: a number twice";
        }
        return NULL;
}

const char *healer_open_check(const struct healer *healer, const struct healer_open *open)
{
        const char *wrong = NULL;
        uint32_t i;

        if (open->episode_count > HEALER_OPEN_EPISODES_MAX ||
            open->command_count > HEALER_OPEN_COMMANDS_MAX)
                return "more than can be open";
        for (i = 0; i < open->episode_count && wrong == NULL; i++)
                wrong = check_episode(healer, open, i);
        for (i = 0; i < open->command_count && wrong == NULL; i++)
                wrong = check_command(healer, open, i);
        return wrong;
}

/* ---- in */

/* What it had done may have helped; from when on is not known: from now on. */
static void import_claim(const struct healer *healer, struct hlr_episode *episode)
{
        bool done = episode->rung_done;

        hlr_claim_begin(episode);
        episode->hurt_ns = healer->now_ns;
        if (!done)
                return;
        episode->rung_done = true;
        episode->done_first_ns = episode->done_last_ns = healer->now_ns;
}

static void import_episode(struct healer *healer, struct hlr_episode *to,
                           const struct healer_open_episode *from)
{
        uint32_t i;

        memset(to, 0, sizeof(*to));
        copy_in(episode_fields, HLR_COUNT(episode_fields), to, from);
        to->alarmed = HEALER_METRIC_COUNT;
        to->foreseen = HEALER_METRIC_COUNT;
        to->foreseen_value = NAN;
        to->before = to->at_done = (struct hlr_harm){NAN, NAN};
        to->well_since_ns = HEALER_NEVER;
        to->quiet_since_ns = HEALER_NEVER;
        for (i = 0; i < from->target_count; i++)
                copy_in(target_fields, HLR_COUNT(target_fields), &to->targets[i],
                        &from->targets[i]);
        import_claim(healer, to);
        to->context = hlr_context_of(healer, to);
        hlr_episode_set(healer, to, (enum hlr_episode_state)(from->state + 1));
        healer->stats.episodes_open++;
}

static void import_command(struct healer *healer, struct hlr_command *to,
                           const struct healer_open_command *from)
{
        struct hlr_episode *episode = hlr_episode_find(healer, from->episode);
        uint32_t i;

        memset(to, 0, sizeof(*to));
        copy_in(order_fields, HLR_COUNT(order_fields), &to->order, from);
        to->issued_ns = from->issued_ns;
        to->due_ns = from->due_ns;
        if (from->instance != HEALER_NONE && !healer_actions[from->kind].shows_only) {
                healer->instances[from->instance].command = from->id;
                healer->instances[from->instance].command_from_ns = from->issued_ns;
        }
        if (episode == NULL)
                return;
        episode->commands_open++;
        for (i = 0; i < episode->target_count; i++) {
                if (episode->targets[i].instance == from->instance &&
                    from->kind != HEALER_ACTION_ESCALATE)
                        episode->targets[i].not_before_ns = HEALER_NEVER; /* until its result */
        }
}

enum healer_err hlr_open_import(struct healer *healer, int64_t now_ns,
                                const struct healer_open *open)
{
        uint32_t i;

        if (open->size != sizeof(*open))
                return HEALER_E_SIZE;
        if (healer->stats.episodes_open > 0 || hlr_commands_open(healer) > 0)
                return HEALER_E_STATE;
        if (healer_open_check(healer, open) != NULL)
                return HEALER_E_RANGE;
        healer->now_ns = hlr_max(healer->now_ns, now_ns);
        if (open->ids_used > healer->next_id)
                healer->next_id = open->ids_used;
        for (i = 0; i < open->episode_count; i++)
                import_episode(healer, &healer->episodes[i], &open->episodes[i]);
        for (i = 0; i < open->command_count; i++)
                import_command(healer, &healer->commands[i], &open->commands[i]);
        healer->told = true;
        return HEALER_OK;
}
