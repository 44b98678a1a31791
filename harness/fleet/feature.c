/* feature.c - what a service can leave out, and whom it serves first.
 *
 * Features: with all of those on that are on by default a request takes the
 * declared service time and its answer is whole. One that is off takes its cost
 * off the time and its quality off the answer; one that is off by default
 * (`off_at` 0) adds its cost where a flag was flipped. What is on follows from
 * the level of degradation and the flips in force, and from nothing before.
 * Where a service has features they, and not the level, decide what a degraded
 * answer is worth.
 *
 * Admission of a share c, lowest priority first (4a-policies.md): in five classes
 * of priority, from the mix seen lately, the class is found in which c falls;
 * above it all are let in, below it none, and within it as many as make the
 * total c, by an accumulator and no chance.
 */
#include "harness/fleet/model.h"

/* Of the arrivals that a class's share is made of: about so many back. */
static const double mix_memory = 1 - 1.0 / 512;

static bool is_flipped(const struct service *service, uint32_t feature)
{
        bool flipped = false;

        for (const struct config *config = service->config; config != NULL;
             config = config->before)
                if (config->effect->setting.parameter == PARAMETER_FEATURE &&
                    (uint32_t)config->effect->setting.number == feature)
                        flipped = !flipped;
        return flipped;
}

/* Left out at the present level: as the level's order says, else as declared. */
static bool is_left_out(const struct service *service, uint32_t feature)
{
        if (service->level_left.given && (service->level_left.named >> feature & 1) != 0)
                return (service->level_left.off >> feature & 1) != 0;
        return service->level >= service->spec->features[feature].off_at;
}

/* The features as declared, or where a level is to leave so much, those that go first
 * (the lowest priority) in front. */
static void put_in_order(const struct service_spec *spec, bool by_priority,
                         uint32_t order[FEATURES_MAX])
{
        for (uint32_t i = 0; i < spec->feature_count; i++) {
                uint32_t at = i;

                for (; by_priority && at > 0 &&
                       spec->features[order[at - 1]].priority > spec->features[i].priority;
                     at--)
                        order[at] = order[at - 1];
                order[at] = i;
        }
}

/* Where an answer is to be worth something, no feature is left out below that. */
void feature_settle(struct service *service)
{
        const struct service_spec *spec = service->spec;
        const struct fleet_level *left = &service->level_left;
        uint32_t order[FEATURES_MAX];
        double factor = 1, quality = 1;

        put_in_order(spec, left->given, order);
        for (uint32_t k = 0; k < spec->feature_count; k++) {
                const struct feature_spec *feature = &spec->features[order[k]];
                bool usually = feature->off_at > 0;
                bool kept = !is_left_out(service, order[k]) ||
                            (left->given && usually && quality - feature->quality < left->quality);
                bool on = kept != is_flipped(service, order[k]);

                if (on && !usually)
                        factor += feature->cost;
                if (!on && usually) {
                        factor -= feature->cost;
                        quality -= feature->quality;
                }
        }
        service->feature_factor = factor > 0 ? factor : 0;
        if (spec->feature_count > 0)
                service->level_quality = (float)(quality > 0 ? quality : 0);
}

/* ---- admission */

void admission_init(struct fleet *fleet)
{
        uint32_t first = NONE;

        for (uint32_t i = 0; i < fleet->spec->load_count; i++) {
                const struct load_spec *load = &fleet->spec->loads[i];

                for (size_t k = 0; k < load->class_count; k++) {
                        uint32_t class = load->classes[k].priority / PRIORITY_CLASS_WIDTH;

                        fleet->mixed_priorities = fleet->mixed_priorities ||
                                                  (first != NONE && class != first);
                        first = class;
                }
                if (load->class_count == 0 && first != NONE &&
                    first != PRIORITY_USUAL / PRIORITY_CLASS_WIDTH)
                        fleet->mixed_priorities = true;
                if (load->class_count == 0)
                        first = PRIORITY_USUAL / PRIORITY_CLASS_WIDTH;
        }
}

static bool by_credit(double *credit, double share)
{
        *credit += share;
        if (*credit < 1.0)
                return false;
        *credit -= 1.0;
        return true;
}

bool admission_lets_in(struct fleet *fleet, struct service *service, uint32_t priority)
{
        struct admission *admission = &service->admission;
        uint32_t class = priority / PRIORITY_CLASS_WIDTH;
        double above = 0, all = 0, own;

        if (!fleet->mixed_priorities)
                return by_credit(&service->admit_credit, service->admit_share);
        if (class >= PRIORITY_CLASSES)
                class = PRIORITY_CLASSES - 1;
        for (uint32_t i = 0; i < PRIORITY_CLASSES; i++) {
                admission->seen[i] *= mix_memory;
                admission->seen[i] += i == class;
                all += admission->seen[i];
                above += i > class ? admission->seen[i] : 0;
        }
        above /= all;
        own = admission->seen[class] / all;
        if (above + own <= service->admit_share)
                return true;
        if (above >= service->admit_share)
                return false;
        return by_credit(&admission->credit[class], (service->admit_share - above) / own);
}
