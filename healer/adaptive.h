/* healer/adaptive.h - find the right number of calls in flight by trying.
 *
 * A limiter admits as many calls at a time as its limit says and moves the
 * limit by what it sees: round trips and drops. Samples are gathered in a
 * window that closes after window_ns once it has samples_min of them; then the
 * limit L moves once, by the window's mean round trip and most calls in flight:
 *   AIMD       a drop, or a round trip over rtt_max_ns: L x backoff_ratio;
 *              else L + 1, if 2 x in flight >= L
 *   VEGAS      queue = ceil(L (1 - min/rtt)). Queue <= log10 L: + 6 log10 L;
 *              < 3 log10 L: + log10 L; > 6 log10 L or a drop: - log10 L; held
 *              while 2 x in flight < L. log10 L is taken as at least 1; min is
 *              learned anew every 30 L windows
 *   GRADIENT2  g = clamp(1.5 long/short, 0.5, 1), a drop is g = 0.5;
 *              L' = 0.8 L + 0.2 (g L + 4 if g = 1); held while in flight < L/2.
 *              long: mean of 600 windows, falling faster when above 2 x short
 * always within limit_min..limit_max.
 *
 * The client throttle needs no server's help: it refuses with probability
 * p = min(cap, max(0, (requests - K x accepts) / (requests + 1))) over a window.
 *
 * Any thread; no locks; no allocation after create. The same calls at the same
 * times give the same limits.
 */
#ifndef HEALER_ADAPTIVE_H
#define HEALER_ADAPTIVE_H

#include "healer/breaker.h"

HEALER_BEGIN_DECLS

enum healer_adaptive_kind {
        HEALER_ADAPTIVE_AIMD = 0,
        HEALER_ADAPTIVE_VEGAS,
        HEALER_ADAPTIVE_GRADIENT2,
        HEALER_ADAPTIVE_KIND_COUNT
};

enum healer_adaptive_outcome {
        HEALER_ADAPTIVE_OK = 0,
        HEALER_ADAPTIVE_DROPPED, /* timed out or refused by the server for load */
        HEALER_ADAPTIVE_IGNORED, /* says nothing about load; no sample */
};

struct healer_adaptive_config {
        uint32_t size;
        uint32_t kind;         /* enum healer_adaptive_kind */
        uint32_t limit_first;  /* limit_min..limit_max; default 20 */
        uint32_t limit_min;    /* >= 1; default 20, VEGAS 1 */
        uint32_t limit_max;    /* up to 1000000; default 200, VEGAS 1000 */
        uint32_t samples_min;  /* >= 1; default 10 */
        int64_t window_ns;     /* > 0; default 1 s */
        int64_t rtt_max_ns;    /* AIMD: > 0; default 5 s */
        double backoff_ratio;  /* AIMD: 0.5 up to below 1; default 0.9 */
        uint32_t threads;      /* enum healer_threads */
        uint32_t reserved;
        const struct healer_allocator *allocator;
};

struct healer_adaptive;

HEALER_API struct healer_adaptive_config
healer_adaptive_config_defaults(enum healer_adaptive_kind kind);
HEALER_API const char *healer_adaptive_config_check(const struct healer_adaptive_config *config);
HEALER_API HEALER_NODISCARD enum healer_err
healer_adaptive_create(const struct healer_adaptive_config *config, int64_t now_ns,
                       struct healer_adaptive **out);
HEALER_API void healer_adaptive_destroy(struct healer_adaptive *adaptive);
/* True: one more is in flight, end it with release. */
HEALER_API HEALER_NODISCARD bool healer_adaptive_acquire(struct healer_adaptive *adaptive);
HEALER_API void healer_adaptive_release(struct healer_adaptive *adaptive,
                                        enum healer_adaptive_outcome outcome, int64_t rtt_ns,
                                        int64_t now_ns);
HEALER_API uint32_t healer_adaptive_limit(const struct healer_adaptive *adaptive);
HEALER_API uint32_t healer_adaptive_in_flight(const struct healer_adaptive *adaptive);
HEALER_API uint64_t healer_adaptive_rejected(const struct healer_adaptive *adaptive);

struct healer_throttle_config {
        uint32_t size;
        uint32_t threads;      /* enum healer_threads */
        int64_t window_ns;     /* 10 ms..1 d; default 120 s */
        double k;              /* 1..100; default 2 */
        double refuse_max;     /* (0, 1]; default 0.9 */
        const struct healer_allocator *allocator;
};

struct healer_throttle;

HEALER_API struct healer_throttle_config healer_throttle_config_defaults(void);
HEALER_API const char *healer_throttle_config_check(const struct healer_throttle_config *config);
HEALER_API HEALER_NODISCARD enum healer_err
healer_throttle_create(const struct healer_throttle_config *config, int64_t now_ns,
                       struct healer_throttle **out);
HEALER_API void healer_throttle_destroy(struct healer_throttle *throttle);
/* Counts a request, at its start; false: refuse it. `u01` uniform in [0, 1). */
HEALER_API HEALER_NODISCARD bool healer_throttle_admit(struct healer_throttle *throttle,
                                                       double u01, int64_t now_ns);
/* The server took it (whatever it answered then). */
HEALER_API void healer_throttle_accepted(struct healer_throttle *throttle, int64_t now_ns);
HEALER_API double healer_throttle_refuse_ratio(const struct healer_throttle *throttle,
                                               int64_t now_ns);

HEALER_END_DECLS

#endif
