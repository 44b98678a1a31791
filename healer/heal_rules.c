/* heal_rules.c - conditions are parsed when a rule is added, and only compared later.
 *
 * The parsed form keeps offsets into the rule's own copy of the text, so a rule is
 * one struct without pointers to free. Cost: about 400 bytes a rule.
 */
#include "healer/heal_rules.h"
#include "healer/hlr_base.h"

#include <ctype.h>
#include <string.h>

enum { TERMS_MAX = 4, PRIORITY_MAX = 1000000, RULES_MAX = 10000 };

enum form { TYPE_CONTAINS, COMPONENT_EQUALS, SEVERITY_EQUALS, SEVERITY_GTE, FORM_COUNT };

static const char *const forms[FORM_COUNT] = {
        "error_type_contains=", "component_equals=", "severity_equals=", "severity_gte="};

const char *const healer_heal_rule_actions[HEALER_RULE_ACTION_COUNT] = {
        "restart_component", "reset_connections", "clear_cache",      "garbage_collect",
        "reload_config",     "circuit_break",     "log_and_continue", "escalate_alert",
};

struct term {
        enum form form;
        enum healer_severity severity;
        uint32_t at, length; /* of the value, in the condition */
};

struct condition {
        uint32_t count;
        struct term terms[TERMS_MAX];
};

struct kept_rule {
        struct healer_heal_rule rule; /* its texts are those below */
        struct condition condition;
        uint32_t action;
        char name[HEALER_HEAL_RULE_NAME_MAX + 1];
        char text[HEALER_HEAL_RULE_CONDITION_MAX + 1];
};

struct healer_heal_rules {
        struct healer_heal_rules_config c;
        uint32_t count;
        struct kept_rule rules[];
};

/* ---- conditions */

static size_t value_length(const char *text)
{
        size_t length = 0;

        while (text[length] != '\0' &&
               strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-",
                      text[length]) != NULL)
                length++;
        return length;
}

static const char *parse_term(const char *text, uint32_t at, struct term *out)
{
        char word[16] = "";
        uint32_t form = 0;

        while (form < FORM_COUNT && strncmp(text + at, forms[form], strlen(forms[form])) != 0)
                form++;
        if (form == FORM_COUNT)
                return "condition: must be error_type_contains=, component_equals=, "
                       "severity_equals= or severity_gte=, joined by ' and '";
        out->form = (enum form)form;
        out->at = at + (uint32_t)strlen(forms[form]);
        out->length = (uint32_t)value_length(text + out->at);
        if (out->length == 0)
                return "condition: a value is letters, digits and _ . : -";
        if (form < SEVERITY_EQUALS)
                return NULL;
        if (out->length < sizeof(word))
                memcpy(word, text + out->at, out->length);
        out->severity = healer_severity_of(word);
        return out->severity == HEALER_SEVERITY_COUNT
                       ? "condition: a severity is low, medium, high or critical"
                       : NULL;
}

static const char *parse_condition(const char *text, struct condition *out)
{
        const char *reason;
        uint32_t at = 0;

        memset(out, 0, sizeof(*out));
        for (;;) {
                if (out->count == TERMS_MAX)
                        return "condition: at most 4 forms";
                reason = parse_term(text, at, &out->terms[out->count]);
                if (reason != NULL)
                        return reason;
                at = out->terms[out->count].at + out->terms[out->count].length;
                out->count++;
                if (text[at] == '\0')
                        return NULL;
                if (strncmp(text + at, " and ", 5) != 0)
                        return "condition: forms are joined by ' and ', and a value is letters, "
                               "digits and _ . : -";
                at += 5;
        }
}

static bool same(const char *a, const char *b, size_t length)
{
        for (size_t i = 0; i < length; i++) {
                if (tolower((unsigned char)a[i]) != tolower((unsigned char)b[i]))
                        return false; /* and so at the end of `a` */
        }
        return true;
}

static bool contains(const char *text, const char *part, size_t length)
{
        for (; *text != '\0'; text++) {
                if (same(text, part, length))
                        return true;
        }
        return false;
}

static bool holds(const struct kept_rule *kept, const struct term *term,
                  const struct healer_heal_error *error)
{
        const char *value = kept->text + term->at;

        switch (term->form) {
        case TYPE_CONTAINS:
                return error->type != NULL && contains(error->type, value, term->length);
        case COMPONENT_EQUALS:
                return error->component != NULL && strlen(error->component) == term->length &&
                       memcmp(error->component, value, term->length) == 0;
        case SEVERITY_EQUALS:
                return error->severity == term->severity;
        case SEVERITY_GTE:
                return error->severity >= term->severity && error->severity < HEALER_SEVERITY_COUNT;
        case FORM_COUNT:
                break;
        }
        return false;
}

static bool fits(const struct kept_rule *kept, const struct healer_heal_error *error)
{
        for (uint32_t i = 0; i < kept->condition.count; i++) {
                if (!holds(kept, &kept->condition.terms[i], error))
                        return false;
        }
        return true;
}

/* ---- rules */

static uint32_t action_of(const char *word)
{
        uint32_t action = 0;

        while (action < HEALER_RULE_ACTION_COUNT &&
               strcmp(word, healer_heal_rule_actions[action]) != 0)
                action++;
        return action;
}

const char *healer_heal_rule_check(const struct healer_heal_rule *rule)
{
        struct condition condition;

        if (rule->name == NULL || rule->name[0] == '\0' ||
            strlen(rule->name) > HEALER_HEAL_RULE_NAME_MAX)
                return "name: must be 1 to 47 bytes";
        if (rule->condition == NULL || strlen(rule->condition) > HEALER_HEAL_RULE_CONDITION_MAX)
                return "condition: must be 1 to 255 bytes";
        if (rule->action == NULL || action_of(rule->action) == HEALER_RULE_ACTION_COUNT)
                return "action: no such action";
        if (rule->priority < -PRIORITY_MAX || rule->priority > PRIORITY_MAX)
                return "priority: must be -1000000..1000000";
        return parse_condition(rule->condition, &condition);
}

struct healer_heal_rules_config healer_heal_rules_config_defaults(void)
{
        return (struct healer_heal_rules_config){
                .size = sizeof(struct healer_heal_rules_config),
                .rules_max = 64,
        };
}

enum healer_err healer_heal_rules_create(const struct healer_heal_rules_config *config,
                                         struct healer_heal_rules **out)
{
        struct healer_heal_rules_config c = healer_heal_rules_config_defaults();
        struct healer_heal_rules *rules;
        enum healer_err err;

        *out = NULL;
        err = hlr_config_copy(&c, sizeof(c), config, sizeof(c));
        if (err != HEALER_OK)
                return err;
        if (c.rules_max < 1 || c.rules_max > RULES_MAX)
                return HEALER_E_RANGE;
        rules = hlr_alloc(c.allocator,
                          hlr_bytes(sizeof(*rules), c.rules_max, sizeof(struct kept_rule)));
        if (rules == NULL)
                return HEALER_E_NOMEM;
        rules->c = c;
        *out = rules;
        return HEALER_OK;
}

void healer_heal_rules_destroy(struct healer_heal_rules *rules)
{
        if (rules != NULL)
                hlr_free(rules->c.allocator, rules);
}

enum healer_err healer_heal_rules_add(struct healer_heal_rules *rules,
                                      const struct healer_heal_rule *rule)
{
        struct kept_rule *kept;

        if (healer_heal_rule_check(rule) != NULL)
                return HEALER_E_RANGE;
        for (uint32_t i = 0; i < rules->count; i++) {
                if (strcmp(rules->rules[i].name, rule->name) == 0)
                        return HEALER_E_EXISTS;
        }
        if (rules->count == rules->c.rules_max)
                return HEALER_E_FULL;
        kept = &rules->rules[rules->count++];
        kept->rule = *rule;
        kept->action = action_of(rule->action);
        memcpy(kept->name, rule->name, strlen(rule->name) + 1);
        memcpy(kept->text, rule->condition, strlen(rule->condition) + 1);
        kept->rule.name = kept->name;
        kept->rule.condition = kept->text;
        kept->rule.action = healer_heal_rule_actions[kept->action];
        (void)parse_condition(kept->text, &kept->condition); /* checked above */
        return HEALER_OK;
}

static const struct kept_rule *best_of(const struct healer_heal_rules *rules,
                                       const struct healer_heal_error *error)
{
        const struct kept_rule *best = NULL;

        for (uint32_t i = 0; i < rules->count; i++) {
                const struct kept_rule *kept = &rules->rules[i];

                if (kept->rule.enabled && fits(kept, error) &&
                    (best == NULL || kept->rule.priority > best->rule.priority))
                        best = kept;
        }
        return best;
}

const struct healer_heal_rule *healer_heal_rules_match(const struct healer_heal_rules *rules,
                                                       const struct healer_heal_error *error)
{
        const struct kept_rule *best = best_of(rules, error);

        return best != NULL ? &best->rule : NULL;
}

enum healer_err healer_heal_rules_fire(struct healer_heal_rules *rules,
                                       const struct healer_heal_error *error,
                                       const struct healer_heal_rule **fired)
{
        const struct kept_rule *best = best_of(rules, error);
        struct kept_rule *kept;
        bool done;

        if (fired != NULL)
                *fired = best != NULL ? &best->rule : NULL;
        if (best == NULL)
                return HEALER_E_NOT_FOUND;
        kept = &rules->rules[best - rules->rules];
        done = rules->c.handlers[kept->action] != NULL &&
               rules->c.handlers[kept->action](rules->c.ctx, &kept->rule, error);
        if (done)
                kept->rule.success_count++;
        else
                kept->rule.failure_count++;
        return done ? HEALER_OK : HEALER_E_FAILED;
}
