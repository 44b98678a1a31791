/* healing.c - did its deeds heal, and were they the right ones.
 *
 * The judgements are truth.c's; claimed and verified are the healer's own word
 * on the same episodes, so that the three can be compared.
 */
#include "reports/metric_families.h"

static bool is_of(const struct metric_query *query, uint32_t service)
{
        return query->service == RECORD_NONE || query->service == service;
}

METRIC_SAMPLE(sample_healing)
{
        const struct kept_arm *arm = &kept->arms[query->arm];
        uint64_t all = 0;
        uint64_t healed = 0;

        for (size_t i = 0; i < arm->episode_count; i++) {
                const struct kept_episode *episode = &arm->episodes[i];
                if (episode->healed < 0 || !is_of(query, episode->service))
                        continue;
                all++;
                healed += row->which == HEALING_TRUE ? episode->healed == 1
                          : row->which == HEALING_VERIFIED
                                  ? (episode->stages & STAGE_VERIFIED) != 0
                                  : (episode->stages & (STAGE_CLAIMED | STAGE_VERIFIED)) != 0;
        }
        sample_set(out, (double)healed, (double)all, all);
}

METRIC_SAMPLE(sample_root_cause)
{
        const struct kept_arm *arm = &kept->arms[query->arm];
        uint64_t all = 0;
        uint64_t right = 0;

        for (size_t i = 0; i < arm->episode_count; i++) {
                const struct kept_episode *episode = &arm->episodes[i];
                if (episode->cause_top1 < 0 || !is_of(query, episode->service))
                        continue;
                all++;
                right += (row->which == 1 ? episode->cause_top1 : episode->cause_top3) == 1;
        }
        sample_set(out, (double)right, (double)all, all);
}

METRIC_SAMPLE(sample_right_target)
{
        const struct kept_arm *arm = &kept->arms[query->arm];
        uint64_t all = 0;
        uint64_t right = 0;

        (void)row;
        for (size_t i = 0; i < arm->action_count; i++) {
                const struct kept_action *action = &arm->actions[i];
                if (action->right_target < 0 || !is_of(query, action->service))
                        continue;
                all++;
                right += action->right_target == 1;
        }
        sample_set(out, (double)right, (double)all, all);
}

METRIC_SAMPLE(sample_right_action)
{
        const struct kept_arm *arm = &kept->arms[query->arm];
        uint64_t all = 0;
        uint64_t right = 0;

        (void)row;
        for (size_t i = 0; i < arm->action_count; i++) {
                const struct kept_action *action = &arm->actions[i];
                if (action->right_action < 0 || !is_of(query, action->service))
                        continue;
                all++;
                right += action->right_action == 1;
        }
        sample_set(out, (double)right, (double)all, all);
}

METRIC_SAMPLE(sample_healer_failures)
{
        bool failed = kept->arms[query->arm].healer_failed;

        (void)row;
        sample_set(out, failed, 1, failed);
}

METRIC_SAMPLE(sample_manual)
{
        const struct kept_arm *arm = &kept->arms[query->arm];
        uint64_t all = 0;
        uint64_t touched = 0;

        (void)row;
        for (size_t i = 0; i < arm->incident_count; i++) {
                if (!query_takes(query, arm, &arm->incidents[i]))
                        continue;
                all++;
                touched += arm->incidents[i].touched_by_human;
        }
        sample_set(out, (double)touched, (double)all, touched);
}
