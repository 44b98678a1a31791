/* written.c - what people have written down comes before what the healer would do.
 *
 * A rule (heal_rules.h) that fits the failure of an episode names one action; it is
 * taken first, once. "escalate_alert" calls a human at once, "log_and_continue" leaves
 * the episode alone. Without a rule, and with recovery.procedures on, the procedure
 * (procedure.h) for the type and severity is gone through, all of its steps in their
 * order, before it is looked whether they have helped. Where that does not help, or
 * there is nothing, the ladder of the failure begins.
 *
 * Everything that holds for a rung holds here: certainty, approval, the budget, one
 * command on a resource, the judgement whether it helped. A step that this place cannot
 * carry out is left out. Only prevention goes without: nobody is hurt yet.
 */
#include "healer/hlr_supervisor.h"

#include <string.h>

/* What an action of a rule is called here; COUNT: nothing is to be done. */
static const enum healer_action_kind rule_kinds[HEALER_RULE_ACTION_COUNT] = {
        [HEALER_RULE_RESTART_COMPONENT] = HEALER_ACTION_RESTART_INSTANCE,
        [HEALER_RULE_RESET_CONNECTIONS] = HEALER_ACTION_RECONNECT,
        [HEALER_RULE_CLEAR_CACHE] = HEALER_ACTION_CLEAR_CACHE,
        [HEALER_RULE_GARBAGE_COLLECT] = HEALER_ACTION_CLEAN_MEMORY,
        [HEALER_RULE_RELOAD_CONFIG] = HEALER_ACTION_ROLLBACK_CONFIG,
        [HEALER_RULE_CIRCUIT_BREAK] = HEALER_ACTION_SHED_LOAD,
        [HEALER_RULE_LOG_AND_CONTINUE] = HEALER_ACTION_COUNT,
        [HEALER_RULE_ESCALATE_ALERT] = HEALER_ACTION_ESCALATE,
};

/* ---- life */

static struct healer_heal_rule rule_of(const struct healer_written_rule *from)
{
        return (struct healer_heal_rule){.name = from->name,
                                         .condition = from->condition,
                                         .action = from->action,
                                         .priority = from->priority,
                                         .enabled = from->enabled};
}

const char *hlr_written_wrong(const struct healer_config *config)
{
        struct healer_heal_rule rule;
        const char *wrong = NULL;
        uint32_t i, k;

        if (config->recovery.rule_count > HEALER_WRITTEN_RULES_MAX)
                return "more than 32";
        for (i = 0; i < config->recovery.rule_count && wrong == NULL; i++) {
                rule = rule_of(&config->recovery.rules[i]);
                wrong = healer_heal_rule_check(&rule);
                for (k = 0; k < i && wrong == NULL; k++) {
                        if (strcmp(config->recovery.rules[k].name, rule.name) == 0)
                                wrong = "two of one name";
                }
        }
        return wrong;
}

static bool handed_on(void *ctx, const struct healer_heal_rule *rule,
                      const struct healer_heal_error *error)
{
        (void)ctx;
        (void)rule;
        (void)error;
        return true; /* decision.c orders it */
}

static enum healer_err create_rules(struct healer *healer)
{
        struct healer_heal_rules_config config = healer_heal_rules_config_defaults();
        struct healer_heal_rule rule;
        enum healer_err err;
        uint32_t i;

        if (healer->config.recovery.rule_count == 0)
                return HEALER_OK;
        config.rules_max = healer->config.recovery.rule_count;
        config.allocator = healer->allocator;
        for (i = 0; i < HEALER_RULE_ACTION_COUNT; i++)
                config.handlers[i] = handed_on;
        err = healer_heal_rules_create(&config, &healer->rules);
        for (i = 0; i < healer->config.recovery.rule_count && err == HEALER_OK; i++) {
                rule = rule_of(&healer->config.recovery.rules[i]);
                err = healer_heal_rules_add(healer->rules, &rule);
        }
        return err;
}

static bool not_here(void *ctx, const struct healer_step *step, void *request)
{
        (void)ctx;
        (void)step;
        (void)request;
        return false; /* steps are looked up here, and carried out as orders */
}

enum healer_err hlr_written_create(struct healer *healer)
{
        struct healer_procedures_config config = healer_procedures_config_defaults();
        enum healer_err err = create_rules(healer);

        if (err != HEALER_OK || !healer->config.recovery.procedures)
                return err;
        config.act = not_here;
        config.allocator = healer->allocator;
        return healer_procedures_create(&config, &healer->procedures);
}

void hlr_written_destroy(struct healer *healer)
{
        healer_heal_rules_destroy(healer->rules);
        healer_procedures_destroy(healer->procedures);
}

/* ---- what is written for an episode */

static enum healer_action_kind kind_of(const char *action)
{
        uint32_t i;

        for (i = 0; i < HEALER_RULE_ACTION_COUNT; i++) {
                if (strcmp(healer_heal_rule_actions[i], action) == 0)
                        return rule_kinds[i];
        }
        return HEALER_ACTION_COUNT;
}

/* Fired once for an episode; false: none fits. */
static bool by_rule(struct healer *healer, struct hlr_episode *episode,
                    enum healer_action_kind *kind)
{
        const struct healer_heal_error error = {
                .type = healer_failures[episode->failure].name,
                .component = healer->services[episode->service].name,
                .severity = episode->severity,
        };
        const struct healer_heal_rule *fired = NULL;

        if (episode->by_rule) {
                *kind = episode->rule_kind; /* it still waits: for approval, or its turn */
                return true;
        }
        if (healer->rules == NULL || episode->written_step > 0 ||
            healer_heal_rules_match(healer->rules, &error) == NULL)
                return false;
        (void)healer_heal_rules_fire(healer->rules, &error, &fired);
        episode->by_rule = true;
        *kind = episode->rule_kind = kind_of(fired->action);
        return true;
}

static const struct healer_procedure *procedure_of(const struct healer *healer,
                                                   const struct hlr_episode *episode)
{
        if (healer->procedures == NULL || episode->by_rule)
                return NULL;
        return healer_procedures_find(healer->procedures, episode->failure, episode->severity);
}

/* The first step from the present one on that can be carried out here. */
static enum healer_action_kind by_procedure(const struct healer *healer,
                                            struct hlr_episode *episode)
{
        const struct healer_procedure *procedure = procedure_of(healer, episode);

        for (; procedure != NULL && episode->written_step < procedure->count;
             episode->written_step++) {
                if (hlr_possible(healer, episode, procedure->steps[episode->written_step].kind))
                        return procedure->steps[episode->written_step].kind;
        }
        return HEALER_ACTION_COUNT;
}

enum hlr_written hlr_written_next(struct healer *healer, struct hlr_episode *episode,
                                  enum healer_action_kind *kind)
{
        if (episode->preventive || episode->written_done)
                return HLR_WRITTEN_NOTHING;
        if (by_rule(healer, episode, kind)) {
                if (*kind == HEALER_ACTION_COUNT)
                        return HLR_WRITTEN_LEAVE;
                if (*kind == HEALER_ACTION_ESCALATE || hlr_possible(healer, episode, *kind))
                        return HLR_WRITTEN_STEP;
        } else {
                *kind = by_procedure(healer, episode);
                if (*kind != HEALER_ACTION_COUNT)
                        return HLR_WRITTEN_STEP;
        }
        episode->written_done = true;
        return HLR_WRITTEN_NOTHING;
}

bool hlr_written_goes_on(const struct healer *healer, struct hlr_episode *episode)
{
        const struct healer_procedure *procedure = procedure_of(healer, episode);
        uint32_t next;

        if (!episode->written || procedure == NULL)
                return false;
        for (next = episode->written_step + 1; next < procedure->count; next++) {
                if (!hlr_possible(healer, episode, procedure->steps[next].kind))
                        continue;
                episode->written_step = next;
                return true;
        }
        return false;
}

double hlr_written_amount(const struct healer *healer, const struct hlr_episode *episode)
{
        const struct healer_procedure *procedure = procedure_of(healer, episode);

        if (!episode->written || procedure == NULL || episode->written_step >= procedure->count)
                return 0;
        return procedure->steps[episode->written_step].amount;
}
