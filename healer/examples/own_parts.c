/* own_parts.c - a healer whose parts are the user's own.
 *
 * A shop answers from prices that grow old when its refresh interval is set wrong.
 * Nothing that the library measures shows that, so the program brings
 *   its own monitor       the age of the prices, read every five seconds
 *   its own strategy      against stale work: refresh, then the old settings, then a human
 *   its own procedure     what "refresh" means here, in two steps
 *   its own rollback manager   the settings that were in force before
 *   its own channel       who is told
 *   its own handler       a log of what the healer says
 * and shows three scenes, in time of its own making (the library has no clock):
 *   1  refreshing does not help for long, the settings do, and that is verified
 *   2  a monitor that cannot be read is not taken for healthy
 *   3  nothing can be refreshed, and settings that were never seen to be good are not gone
 *      back to: a human is told, once
 * It exits with 1 if any of them goes otherwise. Build it against the installed
 * library:
 *   cc own_parts.c $(pkg-config --cflags --libs healer) -lpthread
 */
#include <healer/escalate.h>
#include <healer/healer.h>
#include <healer/procedure.h>
#include <healer/rollback.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000000)

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

static bool carry_out(struct shop *shop, const struct healer_command *order)
{
        struct healer_rollback_result went;
        struct healer_escalation human;
        char context[200];

        switch (order->kind) {
        case HEALER_ACTION_RECONNECT: /* the rung that is ours: see `ladder` below */
                return healer_procedures_run(shop->procedures, HEALER_FAILURE_TASK_FAILED,
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

static void live(struct shop *shop, int seconds)
{
        struct healer_command orders[8];
        int64_t next_ns;
        uint32_t count;

        for (; seconds > 0; seconds--) {
                shop->now_ns += SECOND;
                if (++shop->age_s >= shop->refresh_every_s)
                        shop->age_s = 0;
                must(healer_tick(shop->healer, shop->now_ns, &next_ns), "tick");
                count = shop->order_count;
                memcpy(orders, shop->orders, sizeof(orders));
                shop->order_count = 0;
                for (uint32_t i = 0; i < count; i++) {
                        const struct healer_result result = {orders[i].id, carry_out(shop, &orders[i]),
                                                             ""};

                        must(healer_observe_result(shop->healer, shop->now_ns, &result), "result");
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
        const struct healer_service_info service = {.name = "shop", .workers = 4};
        const struct healer_instance_info instance = {0, "shop-1"};
        const struct healer_topology topology = {
                .services = &service, .service_count = 1, .instances = &instance,
                .instance_count = 1,
                .actions_available = UINT32_C(1) << HEALER_ACTION_RECONNECT |
                                     UINT32_C(1) << HEALER_ACTION_ROLLBACK_CONFIG |
                                     UINT32_C(1) << HEALER_ACTION_ESCALATE};
        const struct healer_callbacks callbacks = {shop, want, NULL};
        const struct healer_handler handler = {0, log_line, shop};
        const struct healer_ladder ladder = {3, {HEALER_ACTION_RECONNECT,
                                                 HEALER_ACTION_ROLLBACK_CONFIG,
                                                 HEALER_ACTION_ESCALATE}};
        const struct healer_monitor_info monitor = {
                .size = sizeof(monitor), .service = 0, .name = "shop.price_age",
                .failure = HEALER_FAILURE_TASK_FAILED, .warning = 30, .critical = 120,
                .interval_ns = 5 * SECOND, .read = read_age, .user = shop};
        struct healer_config config;
        uint32_t index;

        healer_config_defaults(&config);
        config.diagnosis.enabled = false; /* one service: it is its own fault */
        config.diagnosis.confidence_threshold = 0;
        config.recovery.verify_timeout_ns = 20 * SECOND;
        must(healer_create(&config, &topology, &callbacks, NULL, 0, &shop->healer), "healer");
        must(healer_add_handler(shop->healer, &handler), "handler");
        must(healer_register_strategy(shop->healer, HEALER_FAILURE_TASK_FAILED, &ladder),
             "strategy");
        must(healer_register_monitor(shop->healer, &monitor, &index), "monitor");
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

        healer_destroy(shop.healer);
        healer_procedures_destroy(shop.procedures);
        healer_rollback_destroy(shop.rollback);
        healer_escalator_destroy(shop.escalator);
        return 0;
}
