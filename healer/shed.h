/* healer/shed.h - let exactly a share of the load in, the important part first.
 *
 * A request has a priority of 0..499 in five classes of a hundred; higher is
 * more important. Given a capacity share c, a shedder admits c of all
 * requests: whole classes from the top as far as c reaches, none of the classes
 * at the bottom, and of the one class in between an evenly spread part that
 * makes the total exactly c. It goes by the mix of classes it has seen within
 * the last window, so it is right for any mix; nothing in it is random.
 *
 * In steady mixes the admitted share is within 2 % of c, counted from a few
 * hundred requests on.
 *
 * Any thread may call at any time; no allocation after create. With c >= 1 a
 * call only counts.
 */
#ifndef HEALER_SHED_H
#define HEALER_SHED_H

#include "healer/breaker.h"

HEALER_BEGIN_DECLS

#define HEALER_PRIORITY_MAX 499u
#define HEALER_PRIORITY_CLASSES 5u

enum healer_priority {
        HEALER_PRIORITY_LOWEST = 50, /* the middle of each class */
        HEALER_PRIORITY_LOW = 150,
        HEALER_PRIORITY_NORMAL = 250,
        HEALER_PRIORITY_HIGH = 350,
        HEALER_PRIORITY_HIGHEST = 450,
};

struct healer_shed_config {
        uint32_t size;
        uint32_t threads;  /* enum healer_threads */
        int64_t window_ns; /* the mix is that of the last one to two halves of it, 1 ms..1 d;
                              default 10 s */
        const struct healer_allocator *allocator;
};

struct healer_shed;

struct healer_shed_counts {
        uint64_t admitted[HEALER_PRIORITY_CLASSES]; /* [0]: the lowest class */
        uint64_t shed[HEALER_PRIORITY_CLASSES];
};

HEALER_API struct healer_shed_config healer_shed_config_defaults(void);
HEALER_API const char *healer_shed_config_check(const struct healer_shed_config *config);
HEALER_API HEALER_NODISCARD enum healer_err
healer_shed_create(const struct healer_shed_config *config, int64_t now_ns,
                   struct healer_shed **out);
HEALER_API void healer_shed_destroy(struct healer_shed *shed);
/* True: let it in. A priority above 499 counts as 499; a capacity that is not
 * a number as 1; it may differ from call to call. */
HEALER_API HEALER_NODISCARD bool healer_shed_admit(struct healer_shed *shed, uint32_t priority,
                                                   double capacity_ratio, int64_t now_ns);
HEALER_API void healer_shed_counts(const struct healer_shed *shed,
                                   struct healer_shed_counts *out);

HEALER_END_DECLS

#endif
