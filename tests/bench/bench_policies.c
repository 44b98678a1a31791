/* bench_policies.c - what a protected no-op call costs, policy by policy.
 *
 * Best of nine rounds, in CPU time of one thread. Each line has the target of
 * the specification. "one" are objects made for one thread (the simulation),
 * "many" those any thread may share. Figures that contain readings of the clock
 * are told three times: with CLOCK_MONOTONIC, whose cost is the machine's and on
 * some exceeds a target by itself; without it (measured, less the readings); and
 * with CLOCK_MONOTONIC_COARSE, steps of 1 to 4 ms, which is fine enough to ask
 * a breaker that is open for seconds. Allocations are counted in the allocator
 * and must not grow while measuring.
 *
 * usage: bench_policies [PASSES]   each figure is then the best of so many nines
 */
#include "healer/protect.h"
#include "healer/registry.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 9, CALLS = 200000, KEYS_HOT = 10 };

static int passes = 1;
static clockid_t clock_id = CLOCK_MONOTONIC;

static uint64_t allocations;
static void *counted_alloc(void *ctx, size_t size)
{
        (void)ctx;
        allocations++;
        return malloc(size);
}
static void counted_free(void *ctx, void *memory)
{
        (void)ctx;
        free(memory);
}
static const struct healer_allocator counting = {counted_alloc, counted_free, NULL};

static int64_t clock_now(void)
{
        struct timespec t;

        clock_gettime(clock_id, &t);
        return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Time the thread has run: a neighbour on the machine does not count as cost. */
static int64_t cpu_now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static struct healer_breaker *breaker;
static struct healer_bulkhead *bulkhead;
static struct healer_rate_limit *limiter;
static struct healer_retry *retry;
static struct healer_degrade *degrade;
static volatile uint64_t sink;

static void no_op(int64_t n)
{
        for (int64_t i = 0; i < n; i++)
                sink = (uint64_t)i;
}
static void read_clock(int64_t n)
{
        for (int64_t i = 0; i < n; i++)
                sink = (uint64_t)clock_now();
}
static void breaker_at_hand(int64_t n)
{
        for (int64_t i = 0; i < n; i++) {
                struct healer_breaker_ticket t;

                if (healer_breaker_acquire(breaker, i, &t) == HEALER_BREAKER_OK)
                        healer_breaker_success(breaker, &t, i);
        }
}
static void breaker_with_clock(int64_t n)
{
        for (int64_t i = 0; i < n; i++) {
                struct healer_breaker_ticket t;

                int64_t now_ns = healer_breaker_needs_now(breaker) ? clock_now() : 0;

                if (healer_breaker_acquire(breaker, now_ns, &t) == HEALER_BREAKER_OK)
                        healer_breaker_success(breaker, &t, clock_now());
        }
}
static void refusal(int64_t n)
{
        for (int64_t i = 0; i < n; i++) {
                struct healer_breaker_ticket t;

                sink = healer_breaker_acquire(breaker, clock_now(), &t);
        }
}
static void retry_without_retry(int64_t n)
{
        for (int64_t i = 0; i < n; i++) {
                struct healer_retry_run run;

                healer_retry_begin(retry, &run, NULL, HEALER_NEVER, i);
                healer_retry_end(retry, &run, true);
        }
}
static void bulkhead_both(int64_t n)
{
        for (int64_t i = 0; i < n; i++)
                if (healer_bulkhead_enter(bulkhead, NULL, i) == HEALER_BULKHEAD_OK)
                        healer_bulkhead_leave(bulkhead);
}
static void bucket(int64_t n)
{
        for (int64_t i = 0; i < n; i++)
                sink = healer_rate_limit_acquire(limiter, 1, clock_now(), NULL);
}
static void three(int64_t n)
{
        for (int64_t i = 0; i < n; i++) {
                struct healer_breaker_ticket t;
                struct healer_retry_run run;

                healer_retry_begin(retry, &run, NULL, HEALER_NEVER, i);
                if (healer_breaker_acquire(breaker, i, &t) == HEALER_BREAKER_OK) {
                        if (healer_bulkhead_enter(bulkhead, NULL, i) == HEALER_BULKHEAD_OK)
                                healer_bulkhead_leave(bulkhead);
                        healer_breaker_success(breaker, &t, i);
                }
                healer_retry_end(retry, &run, true);
        }
}
static void degrade_admit(int64_t n)
{
        for (int64_t i = 0; i < n; i++)
                sink = healer_degrade_admit(degrade, (uint32_t)i % 500, i * 1000);
}

static struct healer_registry *registry;
static char hot_names[KEYS_HOT][16];
static void ten_keys(int64_t n)
{
        for (int64_t i = 0; i < n; i++) {
                struct healer_breaker_ticket t;
                struct healer_breaker *b =
                        healer_registry_find_breaker(registry, hot_names[i % KEYS_HOT]);

                if (healer_breaker_acquire(b, i, &t) == HEALER_BREAKER_OK)
                        healer_breaker_success(b, &t, i);
        }
}

static double best_of(void (*body)(int64_t))
{
        double best = 1e9;

        for (int i = 0; i < ROUNDS * passes; i++) {
                int64_t begin = cpu_now();
                double each;

                body(CALLS);
                each = (double)(cpu_now() - begin) / CALLS;
                best = each < best ? each : best;
        }
        return best;
}

static void line(const char *what, void (*body)(int64_t), double target)
{
        uint64_t before = allocations;
        double ns = best_of(body);

        printf("%-52s %7.1f ns", what, ns);
        if (target > 0)
                printf("   target %3.0f   %s", target, ns <= target ? "held" : "MISSED");
        printf("   allocations %llu\n", (unsigned long long)(allocations - before));
}

/* A figure that contains `reads` readings of the clock. */
static void with_clock(const char *what, void (*body)(int64_t), double target, int reads)
{
        double ns, one_read;

        line(what, body, target);
        ns = best_of(body);
        one_read = best_of(read_clock);
        printf("   %d x %.1f ns of it the clock, %.1f its own;", reads, one_read,
               ns - reads * one_read);
        clock_id = CLOCK_MONOTONIC_COARSE;
        ns = best_of(body);
        clock_id = CLOCK_MONOTONIC;
        printf(" with the coarse clock %.1f ns   %s\n", ns, ns <= target ? "held" : "MISSED");
}

/* Finding one of ten keys among ever more, and a call through its breaker. */
static void keys(uint32_t count)
{
        struct healer_registry_config c = healer_registry_config_defaults();
        struct healer_breaker *b;
        char name[16], what[64];

        c.capacity = count;
        c.breaker.failure_threshold = 1;
        if (healer_registry_create(&c, &registry) != HEALER_OK)
                exit(1);
        for (uint32_t i = 0; i < count; i++) {
                snprintf(name, sizeof(name), "agent-%u", i);
                if (healer_registry_breaker(registry, name, 0, &b) != HEALER_OK)
                        exit(1);
                if (i % (count / KEYS_HOT) == 0)
                        memcpy(hot_names[i / (count / KEYS_HOT) % KEYS_HOT], name, sizeof(name));
        }
        snprintf(what, sizeof(what), "many: find one of %u keys, admit + report", count);
        line(what, ten_keys, 0);
        healer_registry_destroy(registry);
}

static void make(uint32_t mode, uint32_t threads, int64_t slow_call_ns)
{
        struct healer_breaker_config b = healer_breaker_config_defaults();
        struct healer_bulkhead_config k = healer_bulkhead_config_defaults();
        struct healer_rate_limit_config l = healer_rate_limit_config_defaults();
        struct healer_retry_config r = healer_retry_config_defaults();
        struct healer_degrade_config d = healer_degrade_config_defaults();

        b.slow_call_ns = slow_call_ns;
        healer_breaker_destroy(breaker);
        healer_bulkhead_destroy(bulkhead);
        healer_rate_limit_destroy(limiter);
        healer_retry_destroy(retry);
        healer_degrade_destroy(degrade);
        b.mode = mode;
        b.threads = k.threads = l.threads = r.threads = d.threads = threads;
        b.allocator = k.allocator = l.allocator = r.allocator = d.allocator = &counting;
        l.permits = l.burst = 1000000;
        if (healer_breaker_create(&b, 0, &breaker) || healer_bulkhead_create(&k, &bulkhead) ||
            healer_rate_limit_create(&l, clock_now(), &limiter) || healer_retry_create(&r, &retry) ||
            healer_degrade_create(&d, 0, &degrade))
                exit(1);
}

struct lane {
        void (*body)(int64_t);
        double each_ns;
};

static void *in_thread(void *arg)
{
        struct lane *lane = arg;
        int64_t begin = cpu_now();

        lane->body(4 * CALLS);
        lane->each_ns = (double)(cpu_now() - begin) / (4 * CALLS);
        return NULL;
}

static void two_threads(const char *what, void (*body)(int64_t))
{
        double alone = best_of(body), best = 1e9;

        for (int i = 0; i < ROUNDS; i++) {
                struct lane mine = {body, 0}, theirs = {body, 0};
                pthread_t other;
                double slower;

                if (pthread_create(&other, NULL, in_thread, &theirs) != 0)
                        exit(1);
                in_thread(&mine);
                pthread_join(other, NULL);
                slower = mine.each_ns > theirs.each_ns ? mine.each_ns : theirs.each_ns;
                best = slower < best ? slower : best;
        }
        printf("%-52s %7.1f ns   alone %5.1f   x%.2f (target 2)\n", what, best, alone,
               best / alone);
}

int main(int argc, char **argv)
{
        if (argc > 1)
                passes = atoi(argv[1]) > 0 ? atoi(argv[1]) : 1;
        line("an empty loop", no_op, 0);
        line("reading the clock once", read_clock, 0);
        make(HEALER_BREAKER_CONSECUTIVE_WINDOWED, HEALER_THREADS_ONE, 0);
        line("one:  breaker admit + report, time at hand", breaker_at_hand, 15);
        line("one:  bulkhead enter + leave", bulkhead_both, 10);
        line("one:  retry + breaker + bulkhead", three, 80);
        line("one:  degrade admit at FULL", degrade_admit, 0);
        healer_degrade_update(degrade, 95, 0);
        line("one:  degrade admit at REDUCED_2", degrade_admit, 0);
        make(HEALER_BREAKER_COUNT_RATE, HEALER_THREADS_ONE, 0);
        line("one:  breaker, count window 100, time at hand", breaker_at_hand, 15);
        make(HEALER_BREAKER_TIME_RATE, HEALER_THREADS_ONE, 0);
        line("one:  breaker, time window, time at hand", breaker_at_hand, 15);
        make(HEALER_BREAKER_CONSECUTIVE_WINDOWED, HEALER_THREADS_MANY, 0);
        line("many: breaker admit + report, consecutive", breaker_at_hand, 30);
        line("many: bulkhead enter + leave", bulkhead_both, 10);
        line("many: retry without a retry", retry_without_retry, 10);
        with_clock("many: token bucket with its clock read", bucket, 35, 1);
        line("many: retry + breaker + bulkhead", three, 80);
        two_threads("many: two threads on one breaker, consecutive", breaker_at_hand);
        healer_breaker_force_open(breaker, clock_now());
        with_clock("many: refusal with its clock read", refusal, 25, 1);
        make(HEALER_BREAKER_COUNT_RATE, HEALER_THREADS_MANY, 0);
        line("many: breaker, count window 100", breaker_at_hand, 40);
        two_threads("many: two threads on one breaker, count window", breaker_at_hand);
        make(HEALER_BREAKER_TIME_RATE, HEALER_THREADS_MANY, 0);
        line("many: breaker, time window", breaker_at_hand, 0);
        make(HEALER_BREAKER_TIME_RATE, HEALER_THREADS_MANY, 0);
        with_clock("many: breaker, time window with its clock read", breaker_with_clock, 60, 1);
        make(HEALER_BREAKER_TIME_RATE, HEALER_THREADS_MANY, INT64_C(1000000000));
        with_clock("many: the same, and looking for slow calls", breaker_with_clock, 60, 2);
        make(HEALER_BREAKER_CONSECUTIVE_WINDOWED, HEALER_THREADS_MANY, 0);
        two_threads("many: two threads on one bulkhead", bulkhead_both);
        keys(10);
        keys(1000);
        keys(100000);
        healer_breaker_destroy(breaker);
        healer_bulkhead_destroy(bulkhead);
        healer_rate_limit_destroy(limiter);
        healer_retry_destroy(retry);
        healer_degrade_destroy(degrade);
        return 0;
}
