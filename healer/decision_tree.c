/* decision_tree.c - see decision_tree.h.
 *
 * Two tables: the topic of each failure, and for each topic and band a list. Only the
 * lists to act name actions; the other two are texts by their type, so that no row
 * can be written that prepares by doing.
 *
 * Not here: what the supervisor does by itself (decision.c, with the ladders of
 * config.c).
 */
#include "healer/decision_tree.h"

#include "healer/hlr_base.h"

#define ACT_FROM 0.8
#define PREPARE_FROM 0.5
#define SATURATED_ABOVE 0.9
#define SYSTEM_WIDE_FROM 3

enum { LIST_MAX = 4 };

enum topic {
        MEMORY,
        PROCESSOR,
        NETWORK,
        DATABASE,
        DEPLOYMENT,
        CONFIGURATION,
        DEPENDENCY,
        CAPACITY,
        DISK,
        PROCESS,
        OTHER,
        TOPIC_COUNT
};

static const enum topic topics[HEALER_FAILURE_COUNT] = {
        [HEALER_FAILURE_UNKNOWN] = OTHER,
        [HEALER_FAILURE_AGENT_FAILED] = PROCESS,
        [HEALER_FAILURE_AGENT_DOWN] = PROCESS,
        [HEALER_FAILURE_HEARTBEAT_FAILED] = PROCESS,
        [HEALER_FAILURE_TASK_TIMEOUT] = CAPACITY,
        [HEALER_FAILURE_TASK_FAILED] = PROCESS,
        [HEALER_FAILURE_EXECUTION_ERROR] = PROCESS,
        [HEALER_FAILURE_RESOURCE_EXHAUSTION] = CAPACITY,
        [HEALER_FAILURE_TOKEN_EXHAUSTION] = CAPACITY,
        [HEALER_FAILURE_QUOTA_EXCEEDED] = CAPACITY,
        [HEALER_FAILURE_MEMORY_EXHAUSTION] = MEMORY,
        [HEALER_FAILURE_QUORUM_LOSS] = PROCESS,
        [HEALER_FAILURE_MEMORY_LEAK] = MEMORY,
        [HEALER_FAILURE_CPU_SPIKE] = PROCESSOR,
        [HEALER_FAILURE_NETWORK_TIMEOUT] = NETWORK,
        [HEALER_FAILURE_DATABASE_CONNECTION] = DATABASE,
        [HEALER_FAILURE_API_FAILURE] = DEPENDENCY,
        [HEALER_FAILURE_DEPLOYMENT_FAILURE] = DEPLOYMENT,
        [HEALER_FAILURE_CONFIGURATION_ERROR] = CONFIGURATION,
        [HEALER_FAILURE_DEPENDENCY_FAILURE] = DEPENDENCY,
        [HEALER_FAILURE_HIGH_LATENCY] = CAPACITY,
        [HEALER_FAILURE_DISK_FULL] = DISK,
        [HEALER_FAILURE_CASCADE] = DEPENDENCY,
};

#define DO(action, text)                                                                           \
        {                                                                                          \
                HEALER_ACTION_##action, text                                                       \
        }
#define SAY(text)                                                                                  \
        {                                                                                          \
                HEALER_ACTION_COUNT, text                                                          \
        }

static const struct healer_tree_step to_act[TOPIC_COUNT][LIST_MAX] = {
        [MEMORY] = {DO(RESTART_INSTANCE, "restart what is out of memory"),
                    DO(INCREASE_RESOURCES, "give it more memory"), SAY("profile what allocates"),
                    SAY("review code that keeps what it took")},
        [PROCESSOR] = {DO(REPLACE_INSTANCE, "leave or stop the process that takes the processor"),
                       DO(SCALE_RESOURCES, "add instances"), SAY("profile what computes"),
                       SAY("find a loop that does not end")},
        [NETWORK] = {DO(HEALTH_CHECK, "check the link"),
                     DO(ADJUST_TIMEOUT, "wait longer for calls"),
                     SAY("retry calls that may be repeated"),
                     SAY("ask the provider of the network")},
        [DATABASE] = {DO(HEALTH_CHECK, "check the server"),
                      DO(INCREASE_RESOURCES, "make the pool larger"),
                      DO(RECONNECT, "renew the connections"), SAY("tune slow queries")},
        [DEPLOYMENT] = {DO(ROLLBACK_DEPLOYMENT, "go back to the version before"),
                        SAY("check its configuration"), SAY("check its environment"),
                        SAY("check its resources")},
        [CONFIGURATION] = {DO(ROLLBACK_CONFIG, "go back to the configuration before"),
                           SAY("compare it with the one before"),
                           SAY("check values before they are applied")},
        [DEPENDENCY] = {DO(HEALTH_CHECK, "check what it depends on"),
                        DO(SET_DEGRADATION, "do without it"), SAY("ask its owner")},
        [CAPACITY] = {DO(SCALE_RESOURCES, "add instances"),
                      DO(SHED_LOAD, "refuse a share of the calls"),
                      SAY("look for what needs so much")},
        [DISK] = {DO(FREE_DISK, "remove what can go"),
                  DO(INCREASE_RESOURCES, "make the disk larger"), SAY("find what writes")},
        [PROCESS] = {DO(RESTART_INSTANCE, "restart what fails"),
                     DO(REPLACE_INSTANCE, "replace what fails again"),
                     SAY("read its last messages")},
        [OTHER] = {DO(ENABLE_MONITORING, "measure more often"), DO(ESCALATE, "call a human")},
};

static const char *const to_prepare[TOPIC_COUNT][LIST_MAX] = {
        [MEMORY] = {"prepare a restart", "watch memory"},
        [PROCESSOR] = {"prepare more instances", "watch the processors"},
        [NETWORK] = {"prepare longer time limits", "watch the link"},
        [DATABASE] = {"prepare new connections", "watch connections and queries"},
        [DEPLOYMENT] = {"prepare a rollback", "watch the new version"},
        [CONFIGURATION] = {"prepare the configuration before", "watch what it changed"},
        [DEPENDENCY] = {"prepare to do without it", "watch what it depends on"},
        [CAPACITY] = {"prepare more instances", "watch load and latency"},
        [DISK] = {"prepare to remove files", "watch the disk"},
        [PROCESS] = {"prepare a restart", "watch its answers and heartbeats"},
        [OTHER] = {"prepare to call a human", "watch errors and latency"},
};

static const char *const to_investigate[TOPIC_COUNT][LIST_MAX] = {
        [MEMORY] = {"look at memory over the last hours", "collect more measurements"},
        [PROCESSOR] = {"look at which process computes", "collect more measurements"},
        [NETWORK] = {"trace the way of a call", "collect more measurements"},
        [DATABASE] = {"look at locks and slow queries", "collect more measurements"},
        [DEPLOYMENT] = {"compare the versions", "collect more measurements"},
        [CONFIGURATION] = {"compare the configurations", "collect more measurements"},
        [DEPENDENCY] = {"look at calls to what it depends on", "collect more measurements"},
        [CAPACITY] = {"look at load and service times", "collect more measurements"},
        [DISK] = {"look at what grows on the disk", "collect more measurements"},
        [PROCESS] = {"read its last messages", "collect more measurements"},
        [OTHER] = {"read messages and recent changes", "collect more measurements"},
};

enum healer_tree_band healer_tree_band_of(double confidence)
{
        if (confidence >= ACT_FROM)
                return HEALER_TREE_ACT;
        return confidence >= PREPARE_FROM ? HEALER_TREE_PREPARE : HEALER_TREE_INVESTIGATE;
}

uint32_t healer_tree_overlays(double cpu_ratio, double memory_ratio, uint32_t related_count,
                              enum healer_severity severity)
{
        uint32_t overlays = 0;

        if (severity == HEALER_SEVERITY_CRITICAL)
                overlays |= HEALER_TREE_OVERLAY_CRITICAL;
        if (related_count >= SYSTEM_WIDE_FROM)
                overlays |= HEALER_TREE_OVERLAY_SYSTEM_WIDE;
        if (cpu_ratio > SATURATED_ABOVE || memory_ratio > SATURATED_ABOVE)
                overlays |= HEALER_TREE_OVERLAY_SATURATED;
        return overlays;
}

/* In a list that is not to act there is nothing to carry out. */
static void add(struct healer_tree_advice *advice, enum healer_action_kind action, const char *text)
{
        struct healer_tree_step *step = &advice->steps[advice->count++];

        step->action = advice->band == HEALER_TREE_ACT ? action : HEALER_ACTION_COUNT;
        step->text = text;
}

static void lay_over(struct healer_tree_advice *advice, uint32_t overlays)
{
        if ((overlays & HEALER_TREE_OVERLAY_CRITICAL) != 0) {
                add(advice, HEALER_ACTION_ESCALATE, "call who is on call");
                add(advice, HEALER_ACTION_COUNT, "begin the incident response");
        }
        if ((overlays & HEALER_TREE_OVERLAY_SYSTEM_WIDE) != 0)
                add(advice, HEALER_ACTION_COUNT,
                    "look for a cause that all share: it is system-wide");
        if ((overlays & HEALER_TREE_OVERLAY_SATURATED) != 0)
                add(advice, HEALER_ACTION_SCALE_RESOURCES, "scale first");
}

enum healer_err healer_tree_advise(enum healer_failure failure, double confidence,
                                   uint32_t overlays, struct healer_tree_advice *out)
{
        enum topic topic;
        const char *const *texts;
        int i;

        *out = (struct healer_tree_advice){.count = 0};
        if ((unsigned)failure >= HEALER_FAILURE_COUNT || overlays >= HEALER_TREE_OVERLAYS)
                return HEALER_E_RANGE;
        topic = topics[failure];
        out->band = healer_tree_band_of(confidence);
        lay_over(out, overlays);
        if (out->band == HEALER_TREE_ACT) {
                for (i = 0; i < LIST_MAX && to_act[topic][i].text != NULL; i++)
                        add(out, to_act[topic][i].action, to_act[topic][i].text);
                return HEALER_OK;
        }
        texts = out->band == HEALER_TREE_PREPARE ? to_prepare[topic] : to_investigate[topic];
        for (i = 0; i < LIST_MAX && texts[i] != NULL; i++)
                add(out, HEALER_ACTION_COUNT, texts[i]);
        return HEALER_OK;
}
