/* queues.c - single queues and networks of them against closed forms.
 *
 * Unit of time: mean service of 10 ms. Every system runs with many seeds after
 * a warm-up of many relaxation times; see estimate.h for the tolerance.
 */
#include "harness/fleet/model.h"
#include "tests/fleet_builder.h"
#include "tests/validation/estimate.h"

#define MEAN_S 0.010
#define MEAN_NS (10 * NS_PER_MS)

static struct builder b;
static struct books books;

/* What comparisons are made of, over seeds. */
struct results {
        struct estimate wait_s, sojourn_s, queue, busy, loss, abandoned, up, ok, attempts;
};

static void run_one(struct results *r, uint32_t service, uint64_t seed, int64_t seconds)
{
        struct fleet *fleet = build_fleet(&b, seed, 20 * NS_PER_S);
        const struct service_measure *m;

        if (!fleet_run_until(fleet, seconds * NS_PER_S) || !books_close(&books, &b, fleet))
                exit(1);
        m = &books.services[service];
        estimate_add(&r->wait_s, (double)m->waiting.sum_ns * 1e-9 / (double)m->waiting.count);
        estimate_add(&r->sojourn_s, m->system_area_s / (double)m->arrived);
        estimate_add(&r->queue, m->queue_area_s / m->observed_s);
        estimate_add(&r->busy, m->busy_area_s / m->observed_s);
        estimate_add(&r->loss, (double)m->dropped / (double)m->arrived);
        estimate_add(&r->abandoned, (double)m->abandoned / (double)m->arrived);
        estimate_add(&r->up, m->up_area_s / m->instance_area_s);
        estimate_add(&r->ok, (double)books_outcome(&books, service, CALL_OK) /
                                     (double)books_ended(&books, service));
        estimate_add(&r->attempts, (double)m->attempts / (double)m->calls);
        books_free(&books);
}

/* Each system has seeds of its own, so that chance is not shared by all. */
static struct results run_seeds(uint32_t service, int64_t seconds)
{
        static uint64_t system;
        struct results r = {0};

        system++;
        for (uint64_t seed = 1; seed <= SEEDS; seed++)
                run_one(&r, service, 1000 * system + seed, seconds);
        build_end(&b);
        return r;
}

static struct service_spec *one_queue(double rho, uint32_t workers, struct dist service_time)
{
        struct service_spec *service;

        build_begin(&b);
        service = build_service(&b, "only", service_time);
        service->concurrency = workers;
        build_load(&b, "users", 0, rho * workers / MEAN_S);
        return service;
}

/* Erlang B for `c` servers and `a` erlangs. */
static double erlang_b(int c, double a)
{
        double blocked = 1;

        for (int i = 1; i <= c; i++)
                blocked = a * blocked / (i + a * blocked);
        return blocked;
}

static double erlang_c(int c, double a)
{
        double blocked = erlang_b(c, a);

        return blocked / (1 - a / c * (1 - blocked));
}

static void mmc(void)
{
        static const struct {
                int c;
                double rho;
        } cases[] = {{1, 0.5}, {1, 0.8}, {2, 0.8}, {8, 0.9}};
        char name[96];

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                double a = cases[i].rho * cases[i].c;
                double wait = erlang_c(cases[i].c, a) * MEAN_S / (cases[i].c * (1 - cases[i].rho));
                struct results r;

                one_queue(cases[i].rho, (uint32_t)cases[i].c, exponential(MEAN_NS));
                r = run_seeds(0, 1200 / cases[i].c);
                snprintf(name, sizeof(name), "M/M/%d at %.2g waits as Erlang C says", cases[i].c, cases[i].rho);
                agrees(name, &r.wait_s, wait);
                snprintf(name, sizeof(name), "M/M/%d at %.2g stays", cases[i].c, cases[i].rho);
                agrees(name, &r.sojourn_s, wait + MEAN_S);
                snprintf(name, sizeof(name), "M/M/%d at %.2g has its queue", cases[i].c, cases[i].rho);
                agrees(name, &r.queue, wait * a / MEAN_S);
                snprintf(name, sizeof(name), "M/M/%d at %.2g is busy", cases[i].c, cases[i].rho);
                agrees(name, &r.busy, a);
        }
}

/* Finite waiting room: birth and death. */
static void mmck(void)
{
        static const struct {
                int c, places;
                double rho;
        } cases[] = {{1, 4, 0.9}, {3, 0, 0.8}, {10, 0, 1.0}, {2, 5, 1.5}};
        char name[96];

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                int c = cases[i].c, k = c + cases[i].places;
                double a = cases[i].rho * c, p = 1, sum = 0, waiting = 0, last = 0;
                struct results r;

                for (int n = 0; n <= k; n++) {
                        sum += p;
                        waiting += n > c ? (n - c) * p : 0;
                        last = p;
                        p *= a / (n + 1 < c ? n + 1 : c);
                }
                one_queue(cases[i].rho, (uint32_t)c, exponential(MEAN_NS))->queue_max =
                        (uint32_t)cases[i].places;
                r = run_seeds(0, 600 / c);
                snprintf(name, sizeof(name), "M/M/%d/%d at %.2g loses%s", c, k, cases[i].rho,
                         cases[i].places == 0 ? " as Erlang B says" : "");
                agrees(name, &r.loss, last / sum);
                if (cases[i].places > 0) {
                        snprintf(name, sizeof(name), "M/M/%d/%d at %.2g has its queue", c, k, cases[i].rho);
                        agrees(name, &r.queue, waiting / sum);
                }
        }
}

/* Pollaczek-Khinchine: wait = rho / (1 - rho) (1 + scv) / 2 of a service time. */
static void mg1(void)
{
        static const struct dist_branch branches[] = {{0.9, 5e6}, {0.1, 55e6}};
        static const struct {
                const char *name;
                struct dist dist;
                int64_t seconds;
        } laws[] = {
                {"M/D/1", {.kind = DIST_CONSTANT, .a_ns = 1e7}, 600},
                {"M/E4/1", {.kind = DIST_ERLANG, .a_ns = 1e7, .p = 4}, 600},
                {"M/U/1", {.kind = DIST_UNIFORM, .a_ns = 5e6, .b_ns = 1.5e7}, 600},
                {"M/Gamma(1/2)/1", {.kind = DIST_GAMMA, .a_ns = 1e7, .p = 0.5}, 900},
                {"M/Weibull/1", {.kind = DIST_WEIBULL, .a_ns = 1e7, .p = 1.5}, 600},
                {"M/H2/1", {.kind = DIST_HYPEREXPONENTIAL, .branches = branches, .branch_count = 2}, 1500},
                {"M/lognormal/1", {.kind = DIST_LOGNORMAL, .p = 15.8, .q = 0.8}, 1200},
        };
        char name[96];

        for (size_t i = 0; i < sizeof(laws) / sizeof(laws[0]); i++) {
                struct dist dist = laws[i].dist;
                double mean_s, rho;
                struct results r;

                build_begin(&b);
                if (!dist_prepare(&dist, &b.arena))
                        exit(1);
                mean_s = dist_mean_ns(&dist) * 1e-9;
                rho = 0.7;
                build_service(&b, "only", laws[i].dist);
                build_load(&b, "users", 0, rho / mean_s);
                r = run_seeds(0, laws[i].seconds);
                snprintf(name, sizeof(name), "%s waits as Pollaczek and Khinchine say", laws[i].name);
                agrees(name, &r.wait_s, rho / (1 - rho) * (1 + dist_scv(&laws[i].dist)) / 2 * mean_s);
                snprintf(name, sizeof(name), "%s is busy", laws[i].name);
                agrees(name, &r.busy, rho);
        }
}

static void lifo(void)
{
        struct results r;

        one_queue(0.8, 1, exponential(MEAN_NS))->discipline = DISCIPLINE_LIFO;
        r = run_seeds(0, 1000);
        agrees("M/M/1 LIFO waits as FIFO in the mean", &r.wait_s, 0.8 / 0.2 * MEAN_S);
}

/* M/M/1 whose clients take their work back when they have waited d in all
 * (client timeout with cancel_on_timeout). Work found by an arrival, v, never exceeds d, and below d level
 * crossing gives the density of M/M/1: f(v) = p0 l exp(-(1 - l) v), unit mean
 * service. Who finds v is served if his work is at most d - v. */
static void patience(void)
{
        static const double rho[] = {0.8, 1.3};
        double d = 5; /* in service times */
        char name[96];

        for (int i = 0; i < 2; i++) {
                double l = rho[i];
                double inside = (1 - exp(-(1 - l) * d)) / (1 - l);
                double p0 = 1 / (1 + l * inside);
                double served = p0 * (1 - exp(-d) + l * inside - exp(-d) * (exp(l * d) - 1));
                struct results r;

                one_queue(l, 1, exponential(MEAN_NS));
                b.loads[0].timeout_ns = (int64_t)(d * (double)MEAN_NS);
                b.loads[0].cancel_on_timeout = true;
                r = run_seeds(0, 500);
                snprintf(name, sizeof(name), "M/M/1 with patience at %.2g serves", l);
                agrees(name, &r.ok, served);
                snprintf(name, sizeof(name), "M/M/1 with patience at %.2g is left", l);
                agrees(name, &r.abandoned, 1 - served);
                snprintf(name, sizeof(name), "M/M/1 with patience at %.2g is busy", l);
                agrees(name, &r.busy, 1 - p0);
        }
}

/* Jackson: product form, each queue as if alone. */
static void networks(void)
{
        struct results r;
        double lambda = 0.6 / MEAN_S;

        build_begin(&b);
        for (int i = 0; i < 3; i++) {
                static const char *const names[] = {"first", "second", "third"};

                build_service(&b, names[i], exponential(MEAN_NS))->hold = HOLD_WORK;
        }
        build_call(&b, 0, 1);
        build_call(&b, 1, 2)->probability = 0.5;
        build_load(&b, "users", 0, lambda);
        for (uint32_t s = 0; s < 3; s++) {
                struct results each = {0};
                double rho = s == 2 ? 0.3 : 0.6;
                char name[96];

                for (uint64_t seed = 1; seed <= SEEDS; seed++)
                        run_one(&each, s, seed, 600);
                snprintf(name, sizeof(name), "tandem: queue %u waits as if alone", s + 1);
                agrees(name, &each.wait_s, rho / (1 - rho) * MEAN_S);
        }
        build_end(&b);

        /* Feedback: a service that calls itself with probability 1/3 is visited 1.5 times. */
        build_begin(&b);
        build_service(&b, "loop", exponential(MEAN_NS))->hold = HOLD_WORK;
        build_call(&b, 0, 0)->probability = 1.0 / 3;
        build_load(&b, "users", 0, 0.5 / MEAN_S);
        r = run_seeds(0, 800);
        agrees("feedback: a visit waits as in M/M/1 at 0.75", &r.wait_s, 3 * MEAN_S);
        agrees("feedback: it is busy for all visits", &r.busy, 0.75);
}

/* Machine repair: closed users in front of one worker. */
static void machine_repair(void)
{
        int users = 20;
        double think = 0.15, p = 1, sum = 0, idle;
        struct results r;

        for (int n = 0; n <= users; n++) {
                sum += p;
                p *= (users - n) * MEAN_S / think;
        }
        idle = 1 / sum;
        build_begin(&b);
        build_service(&b, "only", exponential(MEAN_NS));
        build_load(&b, "users", 0, 0);
        b.loads[0].process = LOAD_CLOSED;
        b.loads[0].users = (uint32_t)users;
        b.loads[0].think_time = exponential((int64_t)(think * 1e9));
        r = run_seeds(0, 400);
        agrees("machine repair: the worker is busy", &r.busy, 1 - idle);
}

/* Errors that are independent: attempts are 1 + p + p^2, success 1 - p^3. */
static void retries(void)
{
        struct results r;
        double p = 0.3;

        build_begin(&b);
        build_service(&b, "only", exponential(MEAN_NS))->concurrency = 50;
        b.services[0].error_rate = p;
        build_load(&b, "users", 0, 200)->retry = (struct retry_spec){2, NS_PER_MS, 2, NS_PER_S, 0.5, -1};
        r = run_seeds(0, 200);
        agrees("two retries make 1 + p + p^2 attempts", &r.attempts, 1 + p + p * p);
        agrees("two retries succeed with 1 - p^3", &r.ok, 1 - p * p * p);
}

/* ---- availability: lives of 601 s + Exp(700 s), each followed by 400 s of restart
 *
 * Never shorter than ten minutes, so that the supervisor does not back off. */

static struct fleet *killed;

static void kill_now(void *user, uint32_t n)
{
        uint64_t *seed = user;
        double u = rng_u01(rng_draw(*seed, 99, RNG_DATA, n).word[0]);

        if (n > 0)
                fleet_instance_kill(killed, 0, 139, "test");
        fleet_schedule(killed, fleet_now(killed) + (int64_t)((400 + 601 - 700 * log(u)) * 1e9), 1000,
                       kill_now, user, n + 1);
}

static void availability(void)
{
        struct estimate up = {0};

        build_begin(&b);
        build_service(&b, "only", constant(NS_PER_MS))->restart_time_ns = 400 * NS_PER_S;
        build_load(&b, "users", 0, 0.01);
        b.bin_ns = NS_PER_HOUR;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
                killed = build_fleet(&b, seed, 5000 * NS_PER_S);
                kill_now(&seed, 0);
                if (!fleet_run_until(killed, 500000 * NS_PER_S) || !books_close(&books, &b, killed))
                        exit(1);
                estimate_add(&up, books.services[0].up_area_s / books.services[0].instance_area_s);
                books_free(&books);
        }
        build_end(&b);
        agrees("availability is mean life over mean cycle", &up, 1301.0 / 1701);
}

/* ---- a surge: backlog grows at lambda' - mu and drains at mu - lambda
 *
 * Even arrivals at 80/s and work of exactly 10 ms, so that nothing waits
 * otherwise; a Poisson crowd of 80/s more for 20 s. The backlog B at its end has
 * mean 1200 and variance 1600; the area under the queue is 20 E[B] / 2 while it
 * grows and E[B^2] / (2 x 20) while it drains. */

static void surge_ends(void *user, uint32_t unused)
{
        (void)unused;
        load_crowd(user, 0, 0);
}

static void backlog(void)
{
        struct estimate area = {0};

        build_begin(&b);
        build_service(&b, "only", constant(MEAN_NS));
        build_load(&b, "users", 0, 80)->process = LOAD_CONSTANT;
        for (uint64_t seed = 1; seed <= 4 * SEEDS; seed++) {
                struct fleet *fleet = build_fleet(&b, seed, 20 * NS_PER_S);

                fleet_run_until(fleet, 0);
                load_crowd(fleet, 0, 1.0);
                fleet_schedule(fleet, 20 * NS_PER_S, 1, surge_ends, fleet, 0);
                if (!fleet_run_until(fleet, 200 * NS_PER_S) || !books_close(&books, &b, fleet))
                        exit(1);
                estimate_add(&area, books.services[0].queue_area_s);
                books_free(&books);
        }
        build_end(&b);
        agrees("a backlog grows and drains", &area, 20 * 1200 / 2.0 + (1200.0 * 1200 + 1600) / 40);
}

/* M/M/c + M, Erlang's A, whose clients have exponential patience (a timeout that is
 * a distribution) and take their work back while they wait and while they are
 * served: the number there is a birth and death process with deaths
 * min(n, c) / s + n / patience. */
static void erlang_a(void)
{
        enum { N = 400 };
        static const struct {
                int c;
                double rho, patience; /* in services */
        } cases[] = {{1, 0.9, 2}, {4, 0.9, 1}, {4, 1.5, 2}, {10, 1.1, 4}};
        char name[96];

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                int c = cases[i].c;
                double p[N], sum = 1, served = 0, waiting = 0, busy = 0, l = cases[i].rho * c;
                struct results r;

                p[0] = 1;
                for (int n = 1; n < N; n++) {
                        p[n] = p[n - 1] * l / ((n < c ? n : c) + n / cases[i].patience);
                        sum += p[n];
                }
                for (int n = 0; n < N; n++) {
                        busy += p[n] / sum * (n < c ? n : c);
                        waiting += n > c ? p[n] / sum * (n - c) : 0;
                }
                served = busy / l;
                one_queue(cases[i].rho, (uint32_t)c, exponential(MEAN_NS));
                b.loads[0].has_patience = true;
                b.loads[0].patience = exponential((int64_t)(cases[i].patience * (double)MEAN_NS));
                b.loads[0].cancel_on_timeout = true;
                r = run_seeds(0, 300);
                snprintf(name, sizeof(name), "Erlang A with %d at %.2g is left", c, cases[i].rho);
                agrees(name, &r.abandoned, 1 - served);
                snprintf(name, sizeof(name), "Erlang A with %d at %.2g queues", c, cases[i].rho);
                agrees(name, &r.queue, waiting);
                snprintf(name, sizeof(name), "Erlang A with %d at %.2g is busy", c, cases[i].rho);
                agrees(name, &r.busy, busy);
        }
}

int main(void)
{
        mmc();
        mmck();
        mg1();
        lifo();
        patience();
        erlang_a();
        networks();
        machine_repair();
        retries();
        availability();
        backlog();
        return estimates_end();
}
