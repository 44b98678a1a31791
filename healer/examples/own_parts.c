/* own_parts.c - a healer whose parts are the user's own.
 *
 * A shop answers from prices that grow old when its refresh interval is set wrong.
 * It pays out of a ledger, a database whose connections break when it moves, and which
 * sometimes hangs. Nothing that the library measures shows either, so the program brings
 *   its own monitors      the age of the prices and how long queries have failed, read
 *                         every five seconds
 *   its own strategy      against stale work: refresh, then the old settings, then a human
 *   its own procedure     what "refresh" means here, in two steps
 *   its own rollback manager   the settings that were in force before
 *   its own channel       who is told
 *   its own hands         for a database: a pool that is closed and probed anew
 *                         (reconnect.h), and a platform's API (restart_api.h); both take
 *                         their time, so that their results come later
 *   its own handler       a log of what the healer says
 * and shows five scenes, in time of its own making (the library has no clock):
 *   1  refreshing does not help for long, the settings do, and that is verified
 *   2  a monitor that cannot be read is not taken for healthy
 *   3  nothing can be refreshed, and settings that were never seen to be good are not gone
 *      back to: a human is told, once
 *   4  the ledger has moved: the pool is opened anew, and nobody restarts anything
 *   5  the ledger hangs: probing it in vain five times is the end of reconnecting, and the
 *      platform, which is asked twice because it is busy, restarts it
 * It exits with 1 if any of them goes otherwise. Build it against the installed
 * library:
 *   cc own_parts.c $(pkg-config --cflags --libs healer) -lpthread
 */
#include <healer/escalate.h>
#include <healer/healer.h>
#include <healer/procedure.h>
#include <healer/reconnect.h>
#include <healer/restart_api.h>
#include <healer/rollback.h>

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000000)

enum { SHOP, LEDGER }; /* services */

struct shop {
        int64_t now_ns;
        int refresh_every_s, age_s; /* its one setting, and what that leads to */
        bool gauge_broken, store_down;
        struct healer *healer;
        struct healer_procedures *procedures;
        struct healer_rollback *rollback;
        struct healer_escalator *escalator;
        struct healer_command orders[8]; /* wanted, and not carried out yet */
        uint32_t order_count;
        int refreshed, gone_back, told, verified, alarms;
        /* the ledger */
        uint64_t connection, broken; /* generations of connections: ours, and one that is dead */
        int failing_s, up_in_s;      /* 0: it answers; INT_MAX: it hangs until it is restarted */
        bool platform_busy;
        struct healer_reconnect *reconnect;
        struct healer_restart_api *platform;
        uint64_t reconnecting, restarting; /* orders whose results are to come, or 0 */
};

static void expect(bool ok, const char *what)
{
        printf("%s %s\n", ok ? "ok  " : "FAIL", what);
        if (!ok)
                exit(1);
}

static void must(enum healer_err err, const char *what)
{
        if (err == HEALER_OK)
                return;
        fprintf(stderr, "%s: %s\n", what, healer_err_text(err));
        exit(2);
}

/* ---- the parts */

static bool read_age(void *user, double *value)
{
        const struct shop *shop = user;

        *value = shop->age_s;
        return !shop->gauge_broken;
}

static bool refresh(void *ctx, const struct healer_step *step, void *request)
{
        struct shop *shop = ctx;

        (void)step, (void)request;
        if (shop->store_down)
                return false;
        shop->age_s = 0;
        shop->refreshed++;
        return true;
}

static bool put_back(void *ctx, const char *component, const struct healer_snapshot *snapshot,
                     char error[64])
{
        struct shop *shop = ctx;

        (void)component, (void)error;
        memcpy(&shop->refresh_every_s, snapshot->bytes, sizeof(shop->refresh_every_s));
        shop->age_s = 0;
        shop->gone_back++;
        return true;
}

static bool tell(void *ctx, const struct healer_escalation *escalation)
{
        struct shop *shop = ctx;

        printf("     pager: %s of %s, %s\n", healer_failures[escalation->failure].name,
               escalation->component, healer_escalation_names[escalation->level]);
        shop->told++;
        return true;
}

static bool read_failing(void *user, double *value)
{
        const struct shop *shop = user;

        *value = shop->failing_s;
        return true;
}

static uint32_t close_pool(void *ctx)
{
        (void)ctx;
        return 1; /* we have a single connection, and query() opens the next */
}

static bool probe_ledger(void *ctx)
{
        const struct shop *shop = ctx;

        return shop->up_in_s == 0;
}

static bool ask_ledger(void *ctx, const char *service)
{
        return strcmp(service, "ledger") == 0 && probe_ledger(ctx);
}

/* A platform's answer, which in a live program comes over HTTP. */
static int ask_platform(void *ctx, const char *service, const char *key)
{
        struct shop *shop = ctx;
        bool busy = shop->platform_busy;

        if (strcmp(service, "ledger") != 0 || strcmp(key, "the key") != 0)
                return 403;
        shop->platform_busy = false;
        if (busy)
                return 503;
        shop->up_in_s = 8;
        return 202;
}

static void report(struct shop *shop, uint64_t *order, bool ok)
{
        const struct healer_result result = {*order, ok, ""};

        *order = 0;
        must(healer_observe_result(shop->healer, shop->now_ns, &result), "result");
}

static void on_reconnected(void *ctx, bool recovered, uint32_t tries)
{
        struct shop *shop = ctx;

        printf("     pool: %s, probes: %u\n", recovered ? "open again" : "given up", tries);
        if (shop->reconnecting != 0)
                report(shop, &shop->reconnecting, recovered);
}

static void on_restarted(void *ctx, enum healer_restart_api_end end, int status)
{
        struct shop *shop = ctx;

        printf("     platform: %s, HTTP %d\n", healer_restart_api_end_name(end), status);
        if (shop->restarting != 0)
                report(shop, &shop->restarting, end == HEALER_RESTART_API_RECOVERED);
}

static void log_line(void *user, const struct healer_notice *notice)
{
        struct shop *shop = user;

        shop->alarms += notice->kind == HEALER_NOTICE_ALARM;
        shop->verified += notice->kind == HEALER_NOTICE_EPISODE_VERIFIED;
        if (notice->kind == HEALER_NOTICE_ALARM)
                printf("     log: %s at %.0f, limit %.0f\n",
                       healer_failures[notice->failure].name, notice->value, notice->limit);
}

/* ---- between healer and parts */

/* Only noted down: an action may take its time, and must not call back in. */
static void want(void *user, const struct healer_command *command)
{
        struct shop *shop = user;

        if (shop->order_count < sizeof(shop->orders) / sizeof(shop->orders[0]))
                shop->orders[shop->order_count++] = *command;
}

/* What is begun here and ends in on_reconnected() or on_restarted(). */
static bool begun(struct shop *shop, const struct healer_command *order)
{
        int64_t next_ns;

        if (order->service != LEDGER)
                return false;
        if (order->kind == HEALER_ACTION_RECONNECT) {
                shop->reconnecting = order->id;
                if (healer_reconnect_error(shop->reconnect, shop->connection, shop->now_ns, &next_ns))
                        return true;
                shop->reconnecting = 0;
        } else if (order->kind == HEALER_ACTION_RESTART_SERVICE) {
                shop->restarting = order->id;
                if (healer_restart_api_failed(shop->platform, shop->now_ns, &next_ns) == HEALER_OK)
                        return true;
                shop->restarting = 0;
        }
        return false;
}

static bool carry_out(struct shop *shop, const struct healer_command *order)
{
        struct healer_rollback_result went;
        struct healer_escalation human;
        char context[200];

        switch (order->kind) {
        case HEALER_ACTION_RECONNECT: /* the rung that is ours: see `stale` below */
                return order->service == SHOP &&
                       healer_procedures_run(shop->procedures, HEALER_FAILURE_TASK_FAILED,
                                             HEALER_SEVERITY_HIGH, NULL)
                               .err == HEALER_OK;
        case HEALER_ACTION_ROLLBACK_CONFIG:
                return healer_rollback_run(shop->rollback, HEALER_ROLLBACK_CONFIG, "shop",
                                           shop->now_ns, &went) == HEALER_OK;
        case HEALER_ACTION_ESCALATE:
                return healer_escalation_of(shop->healer, order->episode, &human, context,
                                            sizeof(context)) == HEALER_OK &&
                       healer_escalator_raise(shop->escalator, &human, shop->now_ns) == HEALER_OK;
        default:
                return false;
        }
}

/* One a second, over a connection that is opened when the one before is of no use. */
static void query(struct shop *shop)
{
        bool usable = healer_reconnect_usable(shop->reconnect, shop->connection);

        if (!usable)
                shop->connection = healer_reconnect_generation(shop->reconnect);
        usable = healer_reconnect_usable(shop->reconnect, shop->connection);
        if (usable && shop->connection != shop->broken && shop->up_in_s == 0)
                shop->failing_s = 0;
        else
                shop->failing_s++;
}

static void live(struct shop *shop, int seconds)
{
        struct healer_command orders[8];
        int64_t next_ns;
        uint32_t count;

        for (; seconds > 0; seconds--) {
                shop->now_ns += SECOND;
                if (++shop->age_s >= shop->refresh_every_s)
                        shop->age_s = 0;
                if (shop->up_in_s > 0 && shop->up_in_s < INT_MAX)
                        shop->up_in_s--;
                query(shop);
                must(healer_reconnect_poll(shop->reconnect, shop->now_ns, &next_ns), "pool");
                must(healer_restart_api_poll(shop->platform, shop->now_ns, &next_ns), "platform");
                must(healer_tick(shop->healer, shop->now_ns, &next_ns), "tick");
                count = shop->order_count;
                memcpy(orders, shop->orders, sizeof(orders));
                shop->order_count = 0;
                for (uint32_t i = 0; i < count; i++) {
                        if (!begun(shop, &orders[i]))
                                report(shop, &orders[i].id, carry_out(shop, &orders[i]));
                }
        }
}

static void change_settings(struct shop *shop, const char *label, int refresh_every_s)
{
        const struct healer_occurrence changed = {.at_ns = shop->now_ns,
                                                  .kind = HEALER_OCCURRED_CONFIG_CHANGED,
                                                  .instance = HEALER_NONE,
                                                  .edge = HEALER_NONE};

        shop->refresh_every_s = refresh_every_s;
        must(healer_rollback_keep(shop->rollback, HEALER_ROLLBACK_CONFIG, "shop", label,
                                  &refresh_every_s, sizeof(refresh_every_s), shop->now_ns),
             "settings");
        must(healer_observe_event(shop->healer, &changed), "event");
}

/* ---- putting it together */

static void make_healer(struct shop *shop)
{
        const struct healer_service_info services[] = {{.name = "shop", .workers = 4},
                                                       {.name = "ledger", .workers = 8}};
        const struct healer_instance_info instances[] = {{SHOP, "shop-1"}, {LEDGER, "ledger-1"}};
        const struct healer_topology topology = {
                .services = services, .service_count = 2, .instances = instances,
                .instance_count = 2,
                .actions_available = UINT32_C(1) << HEALER_ACTION_RECONNECT |
                                     UINT32_C(1) << HEALER_ACTION_RESTART_SERVICE |
                                     UINT32_C(1) << HEALER_ACTION_ROLLBACK_CONFIG |
                                     UINT32_C(1) << HEALER_ACTION_ESCALATE,
                .action_usual_ns = {[HEALER_ACTION_RECONNECT] = 40 * SECOND, /* all five probes */
                                    [HEALER_ACTION_RESTART_SERVICE] = 60 * SECOND}};
        const struct healer_callbacks callbacks = {shop, want, NULL};
        const struct healer_handler handler = {0, log_line, shop};
        const struct healer_ladder stale = {3, {HEALER_ACTION_RECONNECT,
                                                HEALER_ACTION_ROLLBACK_CONFIG,
                                                HEALER_ACTION_ESCALATE}};
        const struct healer_ladder no_answer = {3, {HEALER_ACTION_RECONNECT,
                                                    HEALER_ACTION_RESTART_SERVICE,
                                                    HEALER_ACTION_ESCALATE}};
        const struct healer_monitor_info age = {
                .size = sizeof(age), .service = SHOP, .name = "shop.price_age",
                .failure = HEALER_FAILURE_TASK_FAILED, .warning = 30, .critical = 120,
                .interval_ns = 5 * SECOND, .read = read_age, .user = shop};
        const struct healer_monitor_info failing = {
                .size = sizeof(failing), .service = LEDGER, .name = "ledger.failing",
                .failure = HEALER_FAILURE_DATABASE_CONNECTION, .warning = 5, .critical = 20,
                .interval_ns = 5 * SECOND, .read = read_failing, .user = shop};
        struct healer_config config;
        uint32_t index;

        healer_config_defaults(&config);
        config.diagnosis.enabled = false; /* whose monitor it is, its fault it is */
        config.diagnosis.confidence_threshold = 0;
        config.recovery.verify_timeout_ns = 20 * SECOND;
        config.recovery.max_retry_attempts = 0; /* our hands try often enough by themselves */
        must(healer_create(&config, &topology, &callbacks, NULL, 0, &shop->healer), "healer");
        must(healer_add_handler(shop->healer, &handler), "handler");
        must(healer_register_strategy(shop->healer, HEALER_FAILURE_TASK_FAILED, &stale),
             "strategy");
        must(healer_register_strategy(shop->healer, HEALER_FAILURE_DATABASE_CONNECTION, &no_answer),
             "strategy");
        must(healer_register_monitor(shop->healer, &age, &index), "monitor");
        must(healer_register_monitor(shop->healer, &failing, &index), "monitor");
}

static void make_hands(struct shop *shop)
{
        struct healer_reconnect_config reconnect = healer_reconnect_config_defaults();
        struct healer_restart_api_config platform = healer_restart_api_config_defaults();

        reconnect.close_pool = close_pool;
        reconnect.probe = probe_ledger;
        reconnect.on_end = on_reconnected;
        reconnect.ctx = shop;
        must(healer_reconnect_create(&reconnect, &shop->reconnect), "pool");
        platform.service = "ledger";
        platform.key = "the key"; /* a live program keeps it out of its sources */
        platform.ask = ask_platform;
        platform.probe = ask_ledger;
        platform.on_end = on_restarted;
        platform.ctx = shop;
        must(healer_restart_api_create(&platform, shop->now_ns, &shop->platform), "platform");
        shop->connection = healer_reconnect_generation(shop->reconnect);
        shop->broken = UINT64_MAX;
}

static void make_rollback(struct shop *shop)
{
        const struct healer_rollback_ops settings = {.ctx = shop, .apply = put_back};
        struct healer_rollback_config rollback = healer_rollback_config_defaults();

        must(healer_rollback_create(&rollback, &settings, &shop->rollback), "rollback");
}

static void make_parts(struct shop *shop)
{
        const struct healer_procedure procedure = {
                HEALER_FAILURE_TASK_FAILED, HEALER_SEVERITY_LOW, 2,
                {{HEALER_ACTION_CLEAR_CACHE, 0}, {HEALER_ACTION_HEALTH_CHECK, 0}}, 0.5, SECOND};
        struct healer_procedures_config procedures = healer_procedures_config_defaults();
        struct healer_escalator_config escalator = healer_escalator_config_defaults();

        procedures.act = refresh;
        procedures.ctx = shop;
        must(healer_procedures_create(&procedures, &shop->procedures), "procedures");
        must(healer_procedures_register(shop->procedures, &procedure), "procedure");
        make_rollback(shop);
        must(healer_escalator_create(&escalator, &shop->escalator), "escalator");
        must(healer_escalator_channel(shop->escalator, "pager", HEALER_ESCALATION_WARNING, tell, shop),
             "channel");
        make_hands(shop);
}

static void show_the_ledger(struct shop *shop)
{
        struct healer_restart_api_stats asked;
        int verified = shop->verified, told = shop->told;
        uint64_t old = shop->connection;

        change_settings(shop, "every 10 s", 10);
        live(shop, 900); /* the human has mended the prices, and the episode is over */
        shop->broken = old; /* it has moved, and our connection leads nowhere */
        live(shop, 300);
        asked = healer_restart_api_stats(shop->platform);
        expect(shop->failing_s == 0 && !healer_reconnect_usable(shop->reconnect, old) &&
                       healer_reconnect_stats(shop->reconnect).last_tries == 1 && asked.asked == 0,
               "broken connections are closed and opened anew, and nobody restarts anything");
        expect(shop->verified > verified, "which is verified, too");

        verified = shop->verified;
        shop->up_in_s = INT_MAX;
        shop->platform_busy = true;
        live(shop, 600);
        asked = healer_restart_api_stats(shop->platform);
        expect(healer_reconnect_stats(shop->reconnect).last_tries == 5 &&
                       healer_reconnect_stats(shop->reconnect).given_up == 1,
               "a database that hangs is probed five times, and no more");
        expect(asked.asked == 2 && asked.refused == 1 && shop->failing_s == 0,
               "then the platform restarts it, at the second asking");
        expect(shop->verified > verified && shop->told == told,
               "which is verified, and nobody was called for it");
}

int main(void)
{
        struct shop shop = {.refresh_every_s = 10};
        struct healer_monitor_state gauge;

        make_healer(&shop);
        make_parts(&shop);

        change_settings(&shop, "every 10 s", 10);
        live(&shop, 120);
        must(healer_rollback_verify(shop.rollback, HEALER_ROLLBACK_CONFIG, "shop", "every 10 s"),
             "verify");
        expect(shop.alarms == 0, "fresh prices are no alarm");
        change_settings(&shop, "every hour", 3600);
        live(&shop, 600);
        expect(shop.alarms >= 1, "the program's own monitor raises an alarm");
        expect(shop.refreshed >= 2, "its own strategy tries its own procedure first");
        expect(shop.gone_back == 1 && shop.refresh_every_s == 10,
               "then its rollback manager puts the settings back that were seen to be good");
        expect(shop.verified >= 1 && shop.told == 0, "which is verified, and nobody was called");

        shop.gauge_broken = true;
        live(&shop, 60);
        must(healer_monitor_state(shop.healer, 0, &gauge), "monitor");
        expect(gauge.status == HEALER_UNKNOWN &&
                       healer_health_of(shop.healer, 0).status != HEALER_HEALTHY,
               "a monitor that cannot be read is not taken for healthy");
        shop.gauge_broken = false;
        live(&shop, 60);

        healer_rollback_destroy(shop.rollback);
        make_rollback(&shop); /* no settings are known any more */
        shop.store_down = true;
        change_settings(&shop, "every hour", 3600);
        live(&shop, 900);
        expect(shop.gone_back == 1, "settings never seen to be good are not gone back to");
        expect(shop.told == 1, "and the program's own channel hears of it, once");
        show_the_ledger(&shop);

        healer_destroy(shop.healer);
        healer_procedures_destroy(shop.procedures);
        healer_rollback_destroy(shop.rollback);
        healer_escalator_destroy(shop.escalator);
        healer_reconnect_destroy(shop.reconnect);
        healer_restart_api_destroy(shop.platform);
        return 0;
}
