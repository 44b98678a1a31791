/* test_notify.c - chat and pager messages, posted to a real server on loopback.
 *
 * The server is a thread that answers what a test wants; calls of libcurl are
 * failed one after the other (the linker's --wrap).
 */
#include <arpa/inet.h>
#include <check.h>
#include <curl/curl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "healer/notify/notify.h"

#define S INT64_C(1000000000)

/* ---- libcurl, failing on wish */

static int calls, fail_call;

static bool fails(void)
{
        return fail_call > 0 && ++calls == fail_call;
}

CURL *__real_curl_easy_init(void);
CURL *__wrap_curl_easy_init(void);
CURLcode __real_curl_easy_perform(CURL *curl);
CURLcode __wrap_curl_easy_perform(CURL *curl);
struct curl_slist *__real_curl_slist_append(struct curl_slist *list, const char *text);
struct curl_slist *__wrap_curl_slist_append(struct curl_slist *list, const char *text);
CURLcode __real_curl_easy_setopt(CURL *curl, CURLoption option, ...);
CURLcode __wrap_curl_easy_setopt(CURL *curl, CURLoption option, ...);

CURL *__wrap_curl_easy_init(void)
{
        return fails() ? NULL : __real_curl_easy_init();
}

CURLcode __wrap_curl_easy_perform(CURL *curl)
{
        return fails() ? CURLE_COULDNT_RESOLVE_HOST : __real_curl_easy_perform(curl);
}

struct curl_slist *__wrap_curl_slist_append(struct curl_slist *list, const char *text)
{
        return fails() ? NULL : __real_curl_slist_append(list, text);
}

/* All that is set here is a long or a pointer. */
CURLcode __wrap_curl_easy_setopt(CURL *curl, CURLoption option, ...)
{
        va_list arguments;
        void *value;

        va_start(arguments, option);
        value = va_arg(arguments, void *);
        va_end(arguments);
        return fails() ? CURLE_OUT_OF_MEMORY : __real_curl_easy_setopt(curl, option, value);
}

/* ---- a server */

enum { REQUESTS_MAX = 64 };

static int listener;
static uint16_t port;
static pthread_t thread;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char requests[REQUESTS_MAX][3072];
static uint32_t request_count;
static int answers[REQUESTS_MAX]; /* by request: a status, 0: closes at once, -1: says nothing */
static int usual;

static void read_request(int client, char *out, size_t room)
{
        size_t length = 0, body = 0;
        const char *end, *at;
        ssize_t got;

        while (length + 1 < room && (got = read(client, out + length, room - 1 - length)) > 0) {
                length += (size_t)got;
                out[length] = '\0';
                end = strstr(out, "\r\n\r\n");
                if (end == NULL)
                        continue;
                at = strstr(out, "Content-Length: ");
                body = at == NULL ? 0 : strtoul(at + 16, NULL, 10);
                if (length >= (size_t)(end + 4 - out) + body)
                        break;
        }
}

static void *serve(void *unused)
{
        char answer[160];
        int client, status;

        (void)unused;
        while ((client = accept(listener, NULL, NULL)) >= 0) {
                pthread_mutex_lock(&lock);
                read_request(client, requests[request_count % REQUESTS_MAX], sizeof(requests[0]));
                status = answers[request_count % REQUESTS_MAX] != 0
                                 ? answers[request_count % REQUESTS_MAX]
                                 : usual;
                request_count++;
                pthread_mutex_unlock(&lock);
                if (status == -1) {
                        struct timespec wait = {.tv_nsec = 400000000};

                        nanosleep(&wait, NULL);
                } else if (status > 0) {
                        snprintf(answer, sizeof(answer),
                                 "HTTP/1.1 %d X\r\nLocation: http://127.0.0.1:%u/else\r\n"
                                 "Content-Length: 2\r\nConnection: close\r\n\r\nok",
                                 status, port);
                        (void)!write(client, answer, strlen(answer));
                }
                close(client);
        }
        return NULL;
}

static void start_server(void)
{
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof(address);

        listener = socket(AF_INET, SOCK_STREAM, 0);
        ck_assert_int_ge(listener, 0);
        ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
        ck_assert_int_eq(listen(listener, 16), 0);
        port = ntohs(address.sin_port);
        request_count = 0;
        memset(answers, 0, sizeof(answers));
        usual = 200;
        ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
}

/* What came so far; what stands in `requests` up to there may be read. */
static uint32_t requested(void)
{
        uint32_t count;

        pthread_mutex_lock(&lock);
        count = request_count;
        pthread_mutex_unlock(&lock);
        return count;
}

/* From the first request on, in order; later ones are answered with `always`. */
static void answer_with(int first, int second, int always)
{
        pthread_mutex_lock(&lock);
        memset(answers, 0, sizeof(answers));
        answers[0] = first;
        answers[1] = second;
        usual = always;
        pthread_mutex_unlock(&lock);
}

/* ---- what is tested */

static struct healer_notifier_config config;
static struct healer_notifier *notifier;
static struct healer_notify_channel *chat, *pager;
static char said[1024];

static void keep_saying(void *ctx, const char *line)
{
        (void)ctx;
        snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s\n", line);
}

static void setup(void)
{
        char url[96];

        start_server();
        said[0] = '\0';
        fail_call = calls = 0;
        config = healer_notifier_config_defaults();
        config.timeout_ns = 2 * S;
        config.say = keep_saying;
        ck_assert_int_eq(healer_notifier_create(&config, &notifier), HEALER_OK);
        snprintf(url, sizeof(url), "http://127.0.0.1:%u/chat-secret", port);
        ck_assert_int_eq(healer_notifier_channel(notifier, "chat", HEALER_NOTIFY_CHAT, url, NULL, &chat),
                         HEALER_OK);
        snprintf(url, sizeof(url), "http://127.0.0.1:%u/pager", port);
        ck_assert_int_eq(healer_notifier_channel(notifier, "pager", HEALER_NOTIFY_PAGER, url,
                                                 "t0ken-secret", &pager),
                         HEALER_OK);
}

static void teardown(void)
{
        fail_call = 0;
        healer_notifier_destroy(notifier);
        shutdown(listener, SHUT_RDWR);
        close(listener);
        pthread_join(thread, NULL);
}

static struct healer_escalation incident(uint64_t key)
{
        return (struct healer_escalation){.key = key,
                                          .level = HEALER_ESCALATION_CRITICAL,
                                          .severity = HEALER_SEVERITY_HIGH,
                                          .failure = HEALER_FAILURE_DISK_FULL,
                                          .raised_ns = 12,
                                          .component = "orders",
                                          .context = "free_disk \"failed\" twice"};
}

static int64_t pump(int64_t now_ns)
{
        int64_t next_ns;

        ck_assert_int_eq(healer_notifier_pump(notifier, now_ns, &next_ns), HEALER_OK);
        return next_ns;
}

START_TEST(s2_33_one_message_an_incident_reaches_chat_and_pager)
{
        struct healer_escalator_config escalation = healer_escalator_config_defaults();
        struct healer_escalation one = incident(7);
        struct healer_escalator *escalator;

        ck_assert_int_eq(healer_escalator_create(&escalation, &escalator), HEALER_OK);
        (void)healer_escalator_channel(escalator, "chat", HEALER_ESCALATION_WARNING,
                                       healer_notifier_handler, chat);
        (void)healer_escalator_channel(escalator, "pager", HEALER_ESCALATION_CRITICAL,
                                       healer_notifier_handler, pager);
        ck_assert_int_eq(healer_escalator_raise(escalator, &one, 12), HEALER_OK);
        ck_assert_int_eq(healer_escalator_raise(escalator, &one, 13), HEALER_E_EXISTS);
        ck_assert(healer_notifier_handler(chat, &one)); /* by another way: still once */
        ck_assert_uint_eq(requested(), 0); /* nothing is sent on the healing path */
        ck_assert_int_eq(pump(0), HEALER_NEVER);
        ck_assert_uint_eq(requested(), 2);
        ck_assert_ptr_nonnull(strstr(requests[0], "POST /chat-secret HTTP/1.1"));
        ck_assert_ptr_nonnull(strstr(requests[0],
                                     "{\"text\": \"[critical] orders: disk_full: free_disk "
                                     "\\\"failed\\\" twice (incident 7)\"}"));
        ck_assert_ptr_nonnull(strstr(requests[1], "Authorization: Bearer t0ken-secret"));
        ck_assert_ptr_nonnull(strstr(requests[1], "\"dedup_key\": \"healer-7\""));
        ck_assert_ptr_nonnull(strstr(requests[1], "\"source\": \"orders\""));
        ck_assert_ptr_null(strstr(requests[0], "Bearer"));
        ck_assert_uint_eq(healer_notifier_stats(notifier).duplicates, 1);
        ck_assert_uint_eq(healer_notifier_stats(notifier).delivered, 2);
        one.overdue = true; /* a level up is news */
        ck_assert(healer_notifier_handler(chat, &one));
        (void)pump(1);
        ck_assert_uint_eq(requested(), 3);
        ck_assert_ptr_nonnull(strstr(requests[2], "nobody has answered"));
        healer_escalator_destroy(escalator);
}
END_TEST

/* The text of chat, or the words and source of pager, as a server reads them; to be freed. */
static char *received(uint32_t request, const char *key)
{
        json_t *body = json_loads(strstr(requests[request], "\r\n\r\n") + 4, 0, NULL);
        const json_t *payload = json_object_get(body, "payload");
        char *text;

        ck_assert_msg(body != NULL, "no JSON: %s", requests[request]);
        text = strdup(json_string_value(json_object_get(payload != NULL ? payload : body, key)));
        json_decref(body);
        return text;
}

/* Names may be any bytes, and a context what another program gave. */
START_TEST(hostile_words_are_valid_json_and_mention_nobody)
{
        static const char *const texts[] = {
                "@channel <!here> <https://evil.example|ours> [x](https://evil.example)",
                "\x1b]0;x\x07\xC2\x9B\xE2\x80\xAE\xD8\x9C\x7f\r\n\t", "\xFF\xE2\x82\xC0\xAF\xED\xA0\x80\xF0\x9F",
                "\"}, \"event_action\": \"resolve\", \"x\": {\"", "\\", "%s%n"};
        char many[1200];

        for (uint32_t i = 0; i < 6 + 8; i++) {
                struct healer_escalation one = incident(100 + i);
                char *text, *source;

                if (i < 6) {
                        one.component = one.context = texts[i];
                } else { /* cut at each place of a character or escape */
                        memset(many, 'x', sizeof(many));
                        for (uint32_t at = i - 6; at + 8 < sizeof(many); at += 4)
                                memcpy(many + at, i % 2 == 0 ? "\"\"\"\\" : "\xF0\x9F\x98\x80", 4);
                        many[sizeof(many) - 1] = '\0';
                        one.component = one.context = many;
                }
                ck_assert(healer_notifier_handler(chat, &one));
                ck_assert(healer_notifier_handler(pager, &one));
                ck_assert_int_eq(pump(i * 60 * S), HEALER_NEVER);
                ck_assert_uint_eq(requested(), 2 * i + 2);
                text = received(2 * i, "text");
                ck_assert_ptr_null(strpbrk(text, "@<>\x1b\x7f\r\n"));
                ck_assert_ptr_null(strstr(text, "]("));
                ck_assert_ptr_null(strstr(text, "\xC2\x9B"));
                ck_assert_ptr_null(strstr(text, "\xE2\x80\xAE"));
                source = received(2 * i + 1, "source");
                ck_assert_uint_le(strlen(source), 100);
                if (i == 0)
                        ck_assert_str_eq(source, texts[0]); /* a pager has no markup: said as it is */
                free(source);
                free(text);
        }
}
END_TEST

START_TEST(s2_33_a_try_that_fails_is_made_again_after_a_wait_and_given_up_in_the_end)
{
        struct healer_escalation one = incident(1);

        answer_with(503, 429, 200);
        (void)healer_notifier_handler(chat, &one);
        ck_assert_int_eq(pump(0), 2 * S);
        ck_assert_int_eq(pump(2 * S - 1), 2 * S);
        ck_assert_uint_eq(requested(), 1);
        ck_assert_int_eq(pump(2 * S), 6 * S);
        ck_assert_int_eq(pump(6 * S), HEALER_NEVER);
        ck_assert_uint_eq(requested(), 3);
        ck_assert_uint_eq(healer_notifier_stats(notifier).delivered, 1);
        ck_assert_str_eq(said, "");
        answer_with(500, 500, 500);
        one.key = 2;
        (void)healer_notifier_handler(chat, &one);
        (void)pump(10 * S);
        (void)pump(12 * S);
        ck_assert_int_eq(pump(16 * S), HEALER_NEVER);
        ck_assert_uint_eq(healer_notifier_stats(notifier).failed, 1);
        ck_assert_uint_eq(healer_notifier_stats(notifier).tries, 6);
        ck_assert_str_eq(said, "channel chat: given up after 3 tries: HTTP 500\n");
}
END_TEST

START_TEST(what_the_server_refuses_is_not_tried_again_and_no_redirect_followed)
{
        struct healer_escalation one = incident(1);

        answer_with(401, 302, 200);
        (void)healer_notifier_handler(pager, &one);
        (void)healer_notifier_handler(chat, &one);
        ck_assert_int_eq(pump(0), HEALER_NEVER);
        ck_assert_uint_eq(requested(), 2);
        ck_assert_uint_eq(healer_notifier_stats(notifier).failed, 2);
        ck_assert_ptr_nonnull(strstr(said, "channel pager: given up after 1 try: HTTP 401"));
        ck_assert_ptr_nonnull(strstr(said, "channel chat: given up after 1 try: HTTP 302"));
        ck_assert_ptr_null(strstr(said, "secret"));
        ck_assert_ptr_null(strstr(said, "127.0.0.1"));
}
END_TEST

START_TEST(a_server_that_says_nothing_costs_its_timeout_and_one_that_is_not_there_less)
{
        struct healer_escalation one = incident(1);
        struct healer_notify_channel *nobody;
        struct timespec from, to;
        double took_s;

        healer_notifier_destroy(notifier);
        config.timeout_ns = S / 10;
        config.attempts_max = 1;
        ck_assert_int_eq(healer_notifier_create(&config, &notifier), HEALER_OK);
        ck_assert_int_eq(healer_notifier_channel(notifier, "nobody", HEALER_NOTIFY_CHAT,
                                                 "http://127.0.0.1:1/", NULL, &nobody),
                         HEALER_OK);
        (void)healer_notifier_handler(nobody, &one);
        (void)pump(0);
        ck_assert_ptr_nonnull(strstr(said, "channel nobody: given up after 1 try: "));
        answer_with(-1, -1, -1);
        {
                char url[64];

                snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
                ck_assert_int_eq(healer_notifier_channel(notifier, "mute", HEALER_NOTIFY_CHAT, url,
                                                         NULL, &chat),
                                 HEALER_OK);
        }
        (void)healer_notifier_handler(chat, &one);
        clock_gettime(CLOCK_MONOTONIC, &from);
        (void)pump(1);
        clock_gettime(CLOCK_MONOTONIC, &to);
        took_s = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
        ck_assert_msg(took_s >= 0.09, "%f s", took_s);
        ck_assert_ptr_nonnull(strstr(said, "channel mute: given up after 1 try: Timeout was reached"));
        ck_assert_uint_eq(healer_notifier_stats(notifier).failed, 2);
}
END_TEST

START_TEST(s2_33_no_more_than_so_many_a_minute_and_a_full_queue_is_counted)
{
        healer_notifier_destroy(notifier);
        config.per_minute_max = 3;
        config.queue_max = 5;
        ck_assert_int_eq(healer_notifier_create(&config, &notifier), HEALER_OK);
        {
                char url[64];

                snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
                ck_assert_int_eq(healer_notifier_channel(notifier, "chat", HEALER_NOTIFY_CHAT, url,
                                                         NULL, &chat),
                                 HEALER_OK);
        }
        for (uint64_t key = 1; key <= 6; key++) {
                struct healer_escalation one = incident(key);

                ck_assert_int_eq(healer_notifier_handler(chat, &one), key <= 5);
        }
        ck_assert_uint_eq(healer_notifier_stats(notifier).dropped, 1);
        ck_assert_int_eq(pump(0), 60 * S);
        ck_assert_uint_eq(requested(), 3);
        ck_assert_int_eq(pump(60 * S - 1), 60 * S);
        ck_assert_uint_eq(requested(), 3);
        ck_assert_int_eq(pump(60 * S), HEALER_NEVER);
        ck_assert_uint_eq(requested(), 5);
        ck_assert_uint_gt(healer_notifier_stats(notifier).limited, 0);
}
END_TEST

START_TEST(every_call_of_libcurl_may_fail_and_the_message_is_tried_again)
{
        struct healer_escalation one = incident(1);
        bool reached = true;
        int at;

        for (at = 1; reached && at < 100; at++) {
                one.key = (uint64_t)at;
                calls = 0;
                fail_call = at;
                ck_assert(healer_notifier_handler(pager, &one));
                (void)pump(at * 100 * S);
                reached = calls >= at;
                fail_call = 0;
                ck_assert_int_eq(pump(at * 100 * S + 2 * S), HEALER_NEVER);
                ck_assert_uint_eq(healer_notifier_stats(notifier).delivered, at);
        }
        ck_assert_int_gt(at, 12); /* handle, three headers, ten options, the post */
        ck_assert_uint_eq(healer_notifier_stats(notifier).failed, 0);
}
END_TEST

START_TEST(what_can_be_no_channel_is_refused)
{
        static const struct {
                const char *name, *url, *token;
        } bad[] = {{"", "http://a/", NULL},
                   {"x", "ftp://a/", NULL},
                   {"x", "file:///etc/passwd", NULL},
                   {"x", "http://a/ b", NULL},
                   {"x", "http://a/", "to\r\nken"},
                   {"x", NULL, NULL}};
        struct healer_notify_channel *channel;

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                ck_assert_int_eq(healer_notifier_channel(notifier, bad[i].name, HEALER_NOTIFY_CHAT,
                                                         bad[i].url, bad[i].token, &channel),
                                 HEALER_E_RANGE);
        config.attempts_max = 0;
        ck_assert_str_eq(healer_notifier_config_check(&config), "attempts_max: must be 1..10");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("notify");
        TCase *tcase = tcase_create("notify");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, s2_33_one_message_an_incident_reaches_chat_and_pager);
        tcase_add_test(tcase, hostile_words_are_valid_json_and_mention_nobody);
        tcase_add_test(tcase,
                       s2_33_a_try_that_fails_is_made_again_after_a_wait_and_given_up_in_the_end);
        tcase_add_test(tcase, what_the_server_refuses_is_not_tried_again_and_no_redirect_followed);
        tcase_add_test(tcase,
                       a_server_that_says_nothing_costs_its_timeout_and_one_that_is_not_there_less);
        tcase_add_test(tcase, s2_33_no_more_than_so_many_a_minute_and_a_full_queue_is_counted);
        tcase_add_test(tcase, every_call_of_libcurl_may_fail_and_the_message_is_tried_again);
        tcase_add_test(tcase, what_can_be_no_channel_is_refused);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
