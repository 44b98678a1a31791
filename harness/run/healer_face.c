/* healer_face.c - the words of the face. */
#include "harness/run/healer_face.h"

const char *const healer_list_names[LIST_COUNT] = {
        [LIST_ALARMS] = "alarms",           [LIST_PREDICTIONS] = "predictions",
        [LIST_DIAGNOSES] = "diagnoses",     [LIST_EPISODES] = "episodes",
        [LIST_ESCALATIONS] = "escalations", [LIST_SUGGESTIONS] = "suggestions",
        [LIST_DEGRADATIONS] = "degradations", [LIST_WARNINGS] = "warnings",
};

const struct healer_note_row healer_note_rows[NOTE_KIND_COUNT] = {
        [NOTE_ALARM] = {LIST_ALARMS, "raised"},
        [NOTE_ALARM_CLEARED] = {LIST_ALARMS, "cleared"},
        [NOTE_PREDICTION] = {LIST_PREDICTIONS, NULL},
        [NOTE_DIAGNOSIS] = {LIST_DIAGNOSES, NULL},
        [NOTE_EPISODE_OPENED] = {LIST_EPISODES, "opened"},
        [NOTE_EPISODE_CLAIMED] = {LIST_EPISODES, "claimed"},
        [NOTE_EPISODE_VERIFIED] = {LIST_EPISODES, "verified"},
        [NOTE_EPISODE_FAILED] = {LIST_EPISODES, "failed"},
        [NOTE_EPISODE_CLOSED] = {LIST_EPISODES, "closed"},
        [NOTE_ESCALATION] = {LIST_ESCALATIONS, NULL},
        [NOTE_SUGGESTION] = {LIST_SUGGESTIONS, NULL},
        [NOTE_DEGRADATION] = {LIST_DEGRADATIONS, NULL},
        [NOTE_WARNING] = {LIST_WARNINGS, NULL},
};
