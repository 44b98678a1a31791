/* tests/validation/retry_experiment.h - one queue, impatient clients, less capacity for a while.
 *
 * One FIFO server with a mean of 1 ms, Poisson clients that give up after 3 s and
 * send again at once, four times; what they gave up is served all the same. From
 * 10 s on capacity is cut for a while. Whether the overload stays is seen long
 * after: in the last tenth of the run.
 */
#ifndef TESTS_VALIDATION_RETRY_EXPERIMENT_H
#define TESTS_VALIDATION_RETRY_EXPERIMENT_H

#include "tests/fleet_builder.h"

struct retry_experiment {
        double rho;       /* first attempts, of full capacity */
        double cut;       /* share of capacity that is taken */
        int64_t cut_for_ns;
        uint32_t resends;
        int64_t end_ns;
};

enum { RETRY_EXPERIMENT_PER_S = 1000 };

/* Whether it is down at the end: less than half of what ended in the last tenth was
 * good. Exits when a law of conservation is broken. */
static inline bool retry_experiment_collapses(struct builder *b,
                                              const struct retry_experiment *experiment,
                                              uint64_t seed, uint64_t *attempts)
{
        const int64_t from_ns = 10 * NS_PER_S;
        struct effect cut = {.kind = EFFECT_CPU,
                             .probability = 1,
                             .ramp_down_from_ns = TIME_NEVER,
                             /* work of which it has one core takes 1 / (1 - cut) as long */
                             .a = 1 / (1 - experiment->cut) - 1};
        struct fleet *fleet;
        struct load_spec *load;
        struct books books;
        uint64_t good = 0, bad = 0;
        size_t last;

        build_begin(b);
        b->bin_ns = experiment->end_ns / 10;
        build_service(b, "only", exponential(NS_PER_S / RETRY_EXPERIMENT_PER_S));
        load = build_load(b, "users", 0, RETRY_EXPERIMENT_PER_S * experiment->rho);
        load->timeout_ns = 3 * NS_PER_S;
        load->retry = (struct retry_spec){experiment->resends, 0, 1, NS_PER_S, 0, -1};
        fleet = build_fleet(b, seed, NS_PER_S);
        fleet_run_until(fleet, from_ns);
        fleet_effect_on_instance(fleet, 0, &cut);
        fleet_run_until(fleet, from_ns + experiment->cut_for_ns);
        fleet_effect_lift(fleet, &cut);
        if (!fleet_run_until(fleet, experiment->end_ns + 1) || !books_close(&books, b, fleet))
                exit(1);
        last = books.services[0].second_count;
        for (size_t s = last - last / 10; s < last; s++) {
                good += books.services[0].seconds[s].good;
                bad += books.services[0].seconds[s].bad;
        }
        *attempts += books.services[0].attempts;
        books_free(&books);
        build_end(b);
        return good < bad;
}

#endif
