/* healer/anomaly.h - is this reading like anything this series has done before?
 *
 * One detector watches one metric of one component. Each reading is put to a
 * dozen cheap tests: a jump that neither the last readings nor the season
 * explain; the mean of the last 3, 9, 27 and 81 readings against the long run;
 * the mean departure from the daily and weekly profile over 9, 27 and 81; how
 * rough the last 9, 27 and 81 were (also: how smooth); how rarely the last
 * short sequence of levels was seen; whether the range of all the past is left.
 * A test knows how its own past values were distributed and answers with
 * surprise, -ln of the chance of so large a value in this very series. So a
 * quiet gauge and a wild one are judged alike, and one threshold does for all.
 * The surprises are joined by vote (root of the sum of squares): one test that
 * is certain or several that wonder at the same time raise an alarm. After an
 * alarm the detector is silent for `silence_rows`, but for a reading twice as
 * surprising as that one, and each alarm makes the next a little harder for
 * some thousands of rows.
 *
 * Streaming: a score is made from that reading and earlier ones, neither range
 * nor length of the series is asked for, and a reading is judged before it
 * enters any baseline. Scores start at 0 until HEALER_ANOMALY_WARM_UP_ROWS.
 * Season and week follow from `at_ns` (any epoch, but always the same one);
 * sampling may be irregular. After a gap the short tests start afresh and the
 * profiles stay. NaN and infinities are missing values: score 0, not learned.
 * A constant series is silent until it changes.
 *
 * No clock, no thread, no global state; one thread at a time per detector.
 * One allocation at create, none afterwards: healer_anomaly_bytes() (about
 * 18 KiB) for each series however long it runs. An update is O(1), about half a microsecond.
 */
#ifndef HEALER_ANOMALY_H
#define HEALER_ANOMALY_H

#include "healer/alloc.h"
#include "healer/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

HEALER_BEGIN_DECLS

/* Rows whose score reaches this are the ones to act on; `alarm` marks them. */
#define HEALER_ANOMALY_ALARM_SCORE 0.5
#define HEALER_ANOMALY_WARM_UP_ROWS 60

/* Bits of `voters`, in the order of the tests above. */
enum healer_anomaly_test {
        HEALER_ANOMALY_JUMP = 0,
        HEALER_ANOMALY_LEVEL_3,
        HEALER_ANOMALY_LEVEL_9,
        HEALER_ANOMALY_LEVEL_27,
        HEALER_ANOMALY_LEVEL_81,
        HEALER_ANOMALY_SEASON_9,
        HEALER_ANOMALY_SEASON_27,
        HEALER_ANOMALY_SEASON_81,
        HEALER_ANOMALY_ROUGHNESS_9,
        HEALER_ANOMALY_ROUGHNESS_27,
        HEALER_ANOMALY_ROUGHNESS_81,
        HEALER_ANOMALY_SEQUENCE,
        HEALER_ANOMALY_RANGE,
        HEALER_ANOMALY_TEST_COUNT
};

struct healer_anomaly_config {
        uint32_t size;         /* sizeof(struct healer_anomaly_config) */
        uint32_t enabled;      /* 0: every score is 0 and nothing is learned; default 1 */
        double sensitivity;    /* 0.1..10; 2 halves the surprise an alarm takes; default 1 */
        int64_t season_ns;     /* length of the short season, >= 288 ns; the long one is seven of
                                  them; 0: no season; default 24 h */
        uint32_t silence_rows; /* readings without a second alarm, 0..1000000; default 120 */
        const struct healer_allocator *allocator; /* NULL: malloc */
};

struct healer_anomaly_result {
        double score;      /* 0..1; 0 while warming up and for a missing value */
        double surprise;   /* joined -ln chance, of which the score is made; >= 0, finite */
        double needed;     /* the surprise at which the score is 0.5 */
        bool alarm;        /* score >= HEALER_ANOMALY_ALARM_SCORE */
        bool silenced;     /* would have been an alarm, but for the silence after the last one */
        bool gap;          /* more than ten usual intervals since the last reading */
        uint32_t voters;   /* bit i: enum healer_anomaly_test i was surprised */
        uint32_t loudest;  /* the test that was surprised most; TEST_COUNT: none */
};

struct healer_anomaly;

HEALER_API struct healer_anomaly_config healer_anomaly_config_defaults(void);
/* NULL if sound, else the first bad field and its range, "field: words". */
HEALER_API const char *
healer_anomaly_config_check(const struct healer_anomaly_config *config);

/* Creates a detector that has seen nothing; `config` is copied. On HEALER_OK
 * the caller owns `*out`; on HEALER_E_RANGE, _SIZE or _NOMEM it is NULL. */
HEALER_API HEALER_NODISCARD enum healer_err
healer_anomaly_create(const struct healer_anomaly_config *config, struct healer_anomaly **out);
HEALER_API void healer_anomaly_destroy(struct healer_anomaly *anomaly);

/* Judges one reading, then learns it. `at_ns` may equal the last one. Earlier
 * than the last: HEALER_E_RANGE, `*out` all zero, nothing learned. */
HEALER_API enum healer_err healer_anomaly_update(struct healer_anomaly *anomaly, int64_t at_ns,
                                                 double value,
                                                 struct healer_anomaly_result *out);

/* Bytes one detector takes, whatever its configuration. */
HEALER_API size_t healer_anomaly_bytes(void);

/* "jump", "level-27", ...; "none" for anything else. Never NULL. */
HEALER_API const char *healer_anomaly_test_name(uint32_t test);

HEALER_END_DECLS

#endif
