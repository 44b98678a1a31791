/* healer/heal_rules.h - what people have written down: on this error, do that.
 *
 * A rule has a condition, one action and a priority. The condition is one to four
 * of these forms, joined by " and "; all must hold:
 *
 *     error_type_contains=timeout    in capitals or small letters
 *     component_equals=payment
 *     severity_equals=high           low, medium, high, critical
 *     severity_gte=high
 *
 * A value is letters, digits and _ . : -, nothing else: a condition is compared and
 * never carried out, and neither is an action, which is one of the eight words
 * below. What is neither is refused, whole, when it is added or loaded.
 *
 * Of the rules that are on and fit an error, the one of the highest priority
 * fires; among equals the one that was added first. Firing calls the handler of
 * its action, and its outcome is counted. Rules are kept in the store's table
 * ai_healing_rules (healer_store_heal_rule(), healer_store_recall_heal_rules()).
 *
 * Those of a strategy's recovery.rules act in a supervisor, as orders of its own
 * (written.c).
 *
 * One owner; handlers must not call back in. One allocation at create; a match
 * looks at every rule.
 */
#ifndef HEALER_HEAL_RULES_H
#define HEALER_HEAL_RULES_H

#include "healer/alloc.h"
#include "healer/kinds.h"

#include <stdbool.h>

HEALER_BEGIN_DECLS

enum { HEALER_HEAL_RULE_NAME_MAX = 47, HEALER_HEAL_RULE_CONDITION_MAX = 255 };
enum { HEALER_HEAL_RULE_PRIORITY = 50 }; /* where nothing is said */

enum healer_heal_rule_action {
        HEALER_RULE_RESTART_COMPONENT,
        HEALER_RULE_RESET_CONNECTIONS,
        HEALER_RULE_CLEAR_CACHE,
        HEALER_RULE_GARBAGE_COLLECT,
        HEALER_RULE_RELOAD_CONFIG,
        HEALER_RULE_CIRCUIT_BREAK,
        HEALER_RULE_LOG_AND_CONTINUE,
        HEALER_RULE_ESCALATE_ALERT,
        HEALER_RULE_ACTION_COUNT
};
/* "restart_component" .. */
HEALER_API extern const char *const healer_heal_rule_actions[HEALER_RULE_ACTION_COUNT];

struct healer_heal_rule {
        const char *name;      /* 1..47 bytes; copied */
        const char *condition; /* 1..255 bytes; copied */
        const char *action;    /* one of the words; afterwards that of the table */
        int32_t priority;      /* -1000000..1000000 */
        bool enabled;
        uint64_t success_count, failure_count;
};

struct healer_heal_error {
        const char *type, *component; /* NULL: not known, and no condition on it holds */
        enum healer_severity severity;
};

/* True: done. */
typedef bool healer_heal_rule_fn(void *ctx, const struct healer_heal_rule *rule,
                                 const struct healer_heal_error *error);

struct healer_heal_rules_config {
        uint32_t size;
        uint32_t rules_max;                                      /* 1..10000; default 64 */
        healer_heal_rule_fn *handlers[HEALER_RULE_ACTION_COUNT]; /* NULL: it cannot be done */
        void *ctx;
        const struct healer_allocator *allocator;
};

struct healer_heal_rules;

HEALER_API struct healer_heal_rules_config healer_heal_rules_config_defaults(void);
/* HEALER_E_SIZE, _RANGE, _NOMEM: `*out` is NULL. */
HEALER_API HEALER_NODISCARD enum healer_err
healer_heal_rules_create(const struct healer_heal_rules_config *config,
                         struct healer_heal_rules **out);
HEALER_API void healer_heal_rules_destroy(struct healer_heal_rules *rules);

/* NULL: sound; else what is wrong with it. */
HEALER_API const char *healer_heal_rule_check(const struct healer_heal_rule *rule);
/* HEALER_E_RANGE: refused by the check; HEALER_E_EXISTS; HEALER_E_FULL. */
HEALER_API HEALER_NODISCARD enum healer_err
healer_heal_rules_add(struct healer_heal_rules *rules, const struct healer_heal_rule *rule);
/* The one that would fire, or NULL. It lives as long as the rules. */
HEALER_API const struct healer_heal_rule *
healer_heal_rules_match(const struct healer_heal_rules *rules,
                        const struct healer_heal_error *error);
/* Fires it: HEALER_OK, HEALER_E_FAILED (its handler said so, or there is none);
 * HEALER_E_NOT_FOUND: none fits. `*fired`, if given: the rule, with its new counts. */
HEALER_API enum healer_err healer_heal_rules_fire(struct healer_heal_rules *rules,
                                                  const struct healer_heal_error *error,
                                                  const struct healer_heal_rule **fired);

HEALER_END_DECLS

#endif
