/* metastable.c - overload that stays after its trigger is gone, where theory puts it.
 *
 * One FIFO queue, service 10 ms, a client that gives up after a second and tries
 * k times more; work of those who gave up goes on. After a trigger that fills
 * the queue beyond the timeout every attempt is wasted, so that each request
 * offers 1 + r attempts, r = min(k, budget): the collapse stays if and only if
 * rho (1 + r) > 1. Seen are the last 100 s of 1000, long after the trigger; the
 * side must be the predicted one for every seed.
 */
#include "harness/fleet/model.h"
#include "tests/fleet_builder.h"
#include "tests/validation/estimate.h"

enum { LOAD_SEEDS = EFFORT(4, 1), END_S = 1000 };

static struct builder b;
static struct books books;

struct trial_setting {
        double rho;
        uint32_t retries;
        double budget; /* below 0: none */
        enum fleet_discipline discipline;
        bool cancel;
        int64_t trigger_ns; /* a crowd of ten times the load for so long */
        int64_t backoff_ns; /* before each retry, always the same; 0: 1 ms */
};

/* Share of good of those that ended in the last 100 s, and how busy it was. */
static double goodput_at_the_end(const struct trial_setting *setting, uint64_t seed, double *busy)
{
        struct fleet *fleet;
        struct load_spec *load;
        double good = 0, all = 0;

        build_begin(&b);
        build_service(&b, "only", exponential(10 * NS_PER_MS))->discipline = setting->discipline;
        load = build_load(&b, "users", 0, 100 * setting->rho);
        load->timeout_ns = NS_PER_S;
        load->cancel_on_timeout = setting->cancel;
        load->retry = (struct retry_spec){setting->retries,
                                          setting->backoff_ns > 0 ? setting->backoff_ns : NS_PER_MS,
                                          1,
                                          setting->backoff_ns + NS_PER_S,
                                          0,
                                          setting->budget};
        fleet = build_fleet(&b, seed, 20 * NS_PER_S);
        fleet_run_until(fleet, 10 * NS_PER_S);
        load_crowd(fleet, 0, 10);
        fleet_run_until(fleet, 10 * NS_PER_S + setting->trigger_ns);
        load_crowd(fleet, 0, 0);
        if (!fleet_run_until(fleet, END_S * NS_PER_S + 1) || !books_close(&books, &b, fleet))
                exit(1);
        *busy = 0;
        for (size_t i = books.services[0].bin_count - 10; i < books.services[0].bin_count; i++) {
                const struct series_bin *bin = &books.services[0].bins[i];

                good += bin->good;
                all += bin->good + bin->bad;
                *busy += (double)bin->busy_mean / 10;
        }
        books_free(&books);
        build_end(&b);
        return good / all;
}

static void expect(const char *what, const struct trial_setting *setting, bool collapses)
{
        double least = 1, most = 0, idle = 0;
        char line[160];

        for (uint64_t seed = 1; seed <= LOAD_SEEDS; seed++) {
                double busy, good = goodput_at_the_end(setting, seed, &busy);

                least = good < least ? good : least;
                most = good > most ? good : most;
                idle = 1 - busy > idle ? 1 - busy : idle;
        }
        snprintf(line, sizeof(line), "%s (rho %.2f, %u retries): %s, good %.4f to %.4f", what,
                 setting->rho, setting->retries, collapses ? "stays down" : "comes back", least,
                 most);
        /* Down: nothing is good though every worker is busy. */
        claims(line, collapses ? most < 0.01 && idle < 0.001 : least > 0.99);
}

/* Attempts at the leaf of `layers` calls in a row, each with k retries, for each
 * request of the users, when the leaf refuses everything. */
static double attempts_at_the_leaf(uint32_t layers, uint32_t retries)
{
        static const struct load_step stop = {50 * NS_PER_S, 0}; /* so that none is on its way */
        struct fleet *fleet;
        double each;

        build_begin(&b);
        for (uint32_t i = 0; i <= layers; i++) {
                struct service_spec *service =
                        build_service(&b, "layer", exponential(NS_PER_MS / 10));

                service->concurrency = 64;
                service->error_rate = i == layers ? 1 : 0;
        }
        for (uint32_t i = 0; i < layers; i++)
                build_call(&b, i, i + 1)->retry =
                        (struct retry_spec){retries, NS_PER_MS, 1, NS_PER_S, 0, -1};
        build_load(&b, "users", 0, 20)->profile =
                (struct load_profile){.shape = SHAPE_STEPS, .steps = &stop, .step_count = 1};
        fleet = build_fleet(&b, 1, 0);
        if (!fleet_run_until(fleet, 60 * NS_PER_S) || !books_close(&books, &b, fleet))
                exit(1);
        each = (double)books.services[layers].arrived / (double)books.totals.root_requests;
        books_free(&books);
        build_end(&b);
        return each;
}

static void expect_layers(uint32_t layers, uint32_t retries)
{
        double each = attempts_at_the_leaf(layers, retries);
        char line[160];

        snprintf(line, sizeof(line), "%u retries at each of %u layers make %.0f calls of the leaf",
                 retries, layers, each);
        claims(line, each == pow(retries + 1, layers));
}

int main(void)
{
        static const double products[] = {0.5, 0.7, 0.85, 1.15, 1.3, 1.6};
        struct trial_setting down = {0.7, 2, -1, DISCIPLINE_FIFO, false, 5 * NS_PER_S, 0}, other;

        for (uint32_t k = 1; k <= 3; k++)
                for (int i = 0; i < 6; i++) {
                        struct trial_setting setting = down;

                        setting.rho = products[i] / (1 + k);
                        setting.retries = k;
                        expect("trigger of 5 s", &setting, products[i] > 1);
                }
        other = down;
        other.trigger_ns = 50 * NS_PER_MS; /* half a second of work: within the timeout */
        expect("a trigger shorter than the timeout never tips it", &other, false);
        expect("without a cure", &down, true);
        other = down;
        other.budget = 0.1; /* 0.77 */
        expect("cure: a retry budget with rho (1 + b) < 1", &other, false);
        other.budget = 0.6; /* 1.12 */
        expect("no cure: a budget with rho (1 + b) > 1", &other, true);
        other = down;
        other.discipline = DISCIPLINE_LIFO;
        expect("cure: LIFO", &other, false);
        other = down;
        other.cancel = true;
        expect("cure: dropping stale work", &other, false);
        other = down;
        other.retries = 0;
        expect("cure: no retries", &other, false);
        other = down;
        other.backoff_ns = 2 * NS_PER_S;
        expect("no cure: a fixed back-off of 2 s", &other, true);
        for (uint32_t layers = 1; layers <= 3; layers++)
                for (uint32_t retries = 1; retries <= 3; retries++)
                        expect_layers(layers, retries);
        return estimates_end();
}
