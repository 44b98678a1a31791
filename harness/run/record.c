/* record.c - names in the record. */
#include "harness/run/record.h"

const char *const arm_names[ARM_COUNT] = {"treated", "shadow", "untreated", "quiet", "calm"};

const char *const journal_type_names[JOURNAL_TYPE_COUNT] = {
        "run_started",     "fault_started",    "fault_ended",         "incident_opened",
        "incident_closed", "alarm",            "alarm_cleared",       "diagnosis",
        "prediction",      "prediction_outcome", "episode",           "action_started",
        "action_finished", "suggestion",       "warning",             "breaker_opened",
        "breaker_half_opened",
        "breaker_closed",  "degradation_changed", "instance_state",   "deployment",
        "background",      "escalation",       "probe",               "stop",
        "healer",          "telemetry",
        "run_ended",
};
