/* protect_call.c - a small service client that protects a real call.
 *
 * The call is real: it asks a TCP server on the loopback for a greeting. The
 * program is its own server, in a second thread, and shows four scenes:
 *   1  the server fails twice: the call is retried and its own answer returned
 *   2  the server is gone: the breaker opens, the fallback answers
 *   3  while open nothing is sent any more, and the caller is told at once
 *   4  the server is back: a trial closes the breaker
 * and exits with 1 if any of them goes otherwise. Build it against the
 * installed library:
 *   cc protect_call.c $(pkg-config --cflags --libs healer) -lpthread
 */
#include <healer/protect.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MS INT64_C(1000000)

static int listener = -1, fail_next, served;

static void *serve(void *arg)
{
        int peer;

        while ((peer = accept(listener, NULL, NULL)) >= 0) {
                const char *answer = fail_next-- > 0 ? "!" : "hello from the server";

                served++;
                if (write(peer, answer, strlen(answer)) < 0)
                        perror("write");
                close(peer);
        }
        return arg;
}

static struct sockaddr_in address = {.sin_family = AF_INET};

/* Opens the server's socket; the first time on any port, then on that one. */
static pthread_t start_server(void)
{
        socklen_t size = sizeof(address);
        pthread_t thread;
        int yes = 1;

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        listener = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
        if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 ||
            listen(listener, 16) != 0 ||
            getsockname(listener, (struct sockaddr *)&address, &size) != 0 ||
            pthread_create(&thread, NULL, serve, NULL) != 0) {
                perror("server");
                exit(2);
        }
        return thread;
}

static void stop_server(pthread_t thread)
{
        shutdown(listener, SHUT_RDWR);
        pthread_join(thread, NULL);
        close(listener);
}

/* The protected call: 0 and a value, or a code. */
static int32_t ask(void *ctx, const struct healer_attempt *attempt, void **value)
{
        char *answer = ctx;
        int peer = socket(AF_INET, SOCK_STREAM, 0);
        ssize_t got = -1;

        (void)attempt;
        if (connect(peer, (struct sockaddr *)&address, sizeof(address)) == 0)
                got = read(peer, answer, 63);
        close(peer);
        if (got <= 1)
                return got == 1 ? 503 : 1;
        answer[got] = '\0';
        *value = answer;
        return 0;
}

static bool cached(void *ctx, const struct healer_fallback_call *call, void **value)
{
        (void)call;
        *value = ctx;
        return true;
}

static int64_t now(void *ctx)
{
        struct timespec t;

        (void)ctx;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void wait_until(void *ctx, int64_t until_ns, struct healer_cancel *cancel)
{
        struct timespec t = {until_ns / INT64_C(1000000000), until_ns % INT64_C(1000000000)};

        (void)ctx;
        (void)cancel;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void must(enum healer_err err, const char *what)
{
        if (err == HEALER_OK)
                return;
        fprintf(stderr, "%s: %s\n", what, healer_err_text(err));
        exit(2);
}

static void expect(bool ok, const char *what)
{
        printf("%s %s\n", ok ? "ok  " : "FAIL", what);
        if (!ok)
                exit(1);
}

int main(void)
{
        struct healer_protect_config config = healer_protect_config_defaults();
        struct healer_retry_config retry = healer_retry_config_defaults();
        struct healer_breaker_config breaker = healer_breaker_config_defaults();
        struct healer_fallback_handler handler = healer_fallback_handler_defaults();
        struct healer_fallback_config fallback = healer_fallback_config_defaults();
        char yesterday[] = "hello from the cache", answer[64];
        struct healer_protect *protect;
        struct healer_protect_result r;
        pthread_t server = start_server();

        retry.initial_ns = 5 * MS;
        breaker.failure_threshold = 3;
        breaker.success_threshold = 1;
        breaker.open_for_ns = 200 * MS;
        handler.call = cached;
        handler.ctx = yesterday;
        fallback.handlers = &handler;
        fallback.handler_count = 1;
        must(healer_retry_create(&retry, &config.retry), "retry");
        must(healer_breaker_create(&breaker, now(NULL), &config.breaker), "breaker");
        must(healer_fallback_create(&fallback, &config.fallback), "fallback");
        config.deadline_ns = 100 * MS;
        config.now = now;
        config.wait = wait_until;
        must(healer_protect_create(&config, &protect), "protect");

        fail_next = 2;
        r = healer_protect_call(protect, ask, answer, NULL);
        expect(r.err == HEALER_OK && r.attempts == 3 && r.value == answer &&
                       strcmp(answer, "hello from the server") == 0,
               "two failures are retried and the call's own answer comes back");

        stop_server(server);
        r = healer_protect_call(protect, ask, answer, NULL);
        expect(r.err == HEALER_OK && r.from_fallback && r.value == yesterday,
               "a dead server is answered from the fallback");
        expect(healer_breaker_state(config.breaker) == HEALER_BREAKER_OPEN,
               "its failures have opened the breaker");

        r = healer_protect_call(protect, ask, answer, NULL);
        expect(r.attempts == 0 && r.breaker_verdict == HEALER_BREAKER_REJECT_OPEN &&
                       r.retry_after_ns > 0,
               "while it is open nothing is sent");

        server = start_server();
        wait_until(NULL, now(NULL) + breaker.open_for_ns, NULL);
        r = healer_protect_call(protect, ask, answer, NULL);
        expect(r.err == HEALER_OK && !r.from_fallback && r.attempts == 1, "one trial passes");
        expect(healer_breaker_state(config.breaker) == HEALER_BREAKER_CLOSED,
               "and closes the breaker");
        stop_server(server);

        healer_protect_destroy(protect);
        healer_fallback_destroy(config.fallback);
        healer_breaker_destroy(config.breaker);
        healer_retry_destroy(config.retry);
        return 0;
}
