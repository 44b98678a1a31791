/* heal_rules.c - the healing rules of a file, written and read back.
 *
 * A row is data like any other: it goes through the check of healer/heal_rules.h
 * when it is read, so that what somebody has put into the file by hand can at most
 * be refused.
 */
#include "healer/store/hst.h"

#include <stdio.h>

#include "healer/hlr_base.h"

enum healer_err healer_store_heal_rule(struct healer_store *store, int64_t at_ns,
                                       const struct healer_heal_rule *rule)
{
        const struct healer_value values[] = {
                HEALER_TEXT("rule_name", rule->name),
                HEALER_TEXT("condition", rule->condition),
                HEALER_TEXT("action", rule->action),
                HEALER_INTEGER("priority", rule->priority),
                HEALER_INTEGER("enabled", rule->enabled),
                HEALER_INTEGER("success_count", (int64_t)rule->success_count),
                HEALER_INTEGER("failure_count", (int64_t)rule->failure_count),
                HEALER_INTEGER("created_at", at_ns),
        };

        if (healer_heal_rule_check(rule) != NULL)
                return HEALER_E_RANGE;
        return healer_store_add(store, HEALER_TABLE_AI_HEALING_RULES, 0, at_ns, values,
                                HLR_COUNT(values));
}

static const char *text_of(sqlite3_stmt *row, int column)
{
        return (const char *)sqlite3_column_text(row, column);
}

/* NULL, or why it was refused. */
static const char *take_row(sqlite3_stmt *row, struct healer_heal_rules *rules)
{
        struct healer_heal_rule rule = {
                .name = text_of(row, 0),
                .condition = text_of(row, 1),
                .action = text_of(row, 2),
                .priority = HEALER_HEAL_RULE_PRIORITY,
                .enabled = sqlite3_column_type(row, 4) == SQLITE_NULL ||
                           sqlite3_column_int64(row, 4) != 0,
                .success_count = (uint64_t)hlr_max(sqlite3_column_int64(row, 5), 0),
                .failure_count = (uint64_t)hlr_max(sqlite3_column_int64(row, 6), 0),
        };
        int64_t priority = sqlite3_column_int64(row, 3);
        const char *reason;
        enum healer_err err;

        if (sqlite3_column_type(row, 3) != SQLITE_NULL)
                rule.priority = (int32_t)hlr_max(hlr_min(priority, INT32_MAX), INT32_MIN);
        reason = healer_heal_rule_check(&rule);
        if (reason != NULL)
                return reason;
        err = healer_heal_rules_add(rules, &rule);
        return err != HEALER_OK ? healer_err_text(err) : NULL;
}

enum healer_err healer_store_recall_heal_rules(struct healer_store *store,
                                               struct healer_heal_rules *rules, uint32_t *refused,
                                               char *reason, size_t reason_size)
{
        sqlite3_stmt *row = NULL;
        const char *why, *name;
        int status;

        *refused = 0;
        if (reason_size > 0)
                reason[0] = '\0';
        (void)pthread_mutex_lock(&store->file);
        status = hst_ready(store);
        if (status == SQLITE_OK)
                status = sqlite3_prepare_v2(
                        store->db,
                        "select rule_name, condition, action, priority, enabled, success_count, "
                        "failure_count from ai_healing_rules order by id",
                        -1, &row, NULL);
        while (status == SQLITE_OK && (status = sqlite3_step(row)) == SQLITE_ROW) {
                why = take_row(row, rules);
                if (why != NULL && (*refused)++ == 0) {
                        name = text_of(row, 0);
                        snprintf(reason, reason_size, "%s: %s", name != NULL ? name : "", why);
                }
                status = SQLITE_OK;
        }
        sqlite3_finalize(row);
        (void)pthread_mutex_unlock(&store->file);
        return status == SQLITE_DONE ? HEALER_OK : HEALER_E_IO;
}
