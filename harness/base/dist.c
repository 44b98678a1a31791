/* dist.c - quantiles of durations, by formula or from a table.
 *
 * A kind is a row of `kinds`: how to get a quantile, its exact mean and SCV,
 * and, where the quantile has no cheap formula, a function that gives exact
 * points of it for the table.
 *
 * The table cuts each half of (0, 1) at w = min(u, 1 - u) = 1/4, 1/8, ...
 * 2^-17, and each of these octaves into 4 to 512 equal cells, as many as it
 * takes to keep the error below half a millionth of the mean. A double's
 * exponent is the octave and its upper mantissa bits are the cell, so finding
 * it takes a shift. In a cell a cubic goes through the exact values and slopes
 * of both ends; a slope above three times the cell's own is cut to that, which
 * keeps the cubic monotone (Fritsch, Carlson 1980). Beyond 2^-17, once in
 * 65 536 draws, the exact point is computed: tables would have to be large to
 * be right in a heavy tail. So is the point of an octave whose curve is too steep
 * for 512 cells, as where branches lie many orders of magnitude apart.
 *
 * Cost: 8 ns a draw from a table, as much as one logarithm; 0.2 to 1 ms (gamma
 * of cv 10 and more: to 12 ms) and 5 to 20 KiB a table. By formula: exponential
 * 10 ns, Pareto 20, Weibull 35, which take powers as exp(y log x): the last
 * digits det_pow() would add are far below a ns.
 *
 * Not here: reading and checking the parameters (harness/scenario).
 */
#include "harness/base/dist.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/arena.h"
#include "harness/base/detmath.h"
#include "harness/base/gamma.h"

enum {
        OCTAVE_COUNT = 16,
        CELL_BITS_MIN = 2,
        CELL_BITS_MAX = 9,
        CELL_COUNT_MAX = 1 << CELL_BITS_MAX,
        DRAFT_COUNT = 2 * CELL_COUNT_MAX, /* half cells, to see the error */
        MANTISSA_BITS = 52,
        EXPONENT_OF_QUARTER = 1021, /* of [1/4, 1/2), octave 0 */
        SOLVE_STEPS_MAX = 200,
};

#define MANTISSA_MASK ((UINT64_C(1) << MANTISSA_BITS) - 1)
#define ONE_BITS (UINT64_C(1023) << MANTISSA_BITS)
#define TABLE_W_MIN 0x1p-17 /* 2^-(OCTAVE_COUNT + 1) */
#define W_BELOW_HALF 0x1.fffffffffffffp-2
#define TABLE_ERROR_MAX 0.5e-6 /* of the mean; 1e-6 is promised */
#define SQRT_2PI 2.50662827463100050242

enum side {
        LOWER, /* w is the share below */
        UPPER, /* w is the share above */
};

/* A point of a quantile curve: its value, and how fast that grows with w. */
struct point {
        double ns;
        double slope;
};

struct octave {
        uint32_t first;      /* of its nodes; or NOT_TABLED */
        uint32_t cell_shift; /* mantissa >> this is the cell */
};

#define NOT_TABLED UINT32_MAX

/* The value and the slope times the width of the octave's cells, between two
 * cells; an octave with n cells has n + 1 nodes. */
struct node {
        double ns;
        double rise_ns;
};

struct dist_table {
        struct octave octave[2][OCTAVE_COUNT];
        struct node node[];
};

struct kind {
        double (*quantile_ns)(const struct dist *dist, double u); /* NULL: by table */
        double (*mean_ns)(const struct dist *dist);
        double (*scv)(const struct dist *dist);
        struct point (*point)(const struct dist *dist, enum side side, double w); /* for it */
};

static const struct kind *kind_of(const struct dist *dist);

/* ---- small helps ---- */

static double square(double x)
{
        return x * x;
}

/* exp(x) - 1 without cancellation. */
static double exp_minus_1(double x)
{
        double term = x;
        double sum = x;

        if (fabs(x) > 0.5)
                return det_exp(x) - 1;
        for (int n = 2; fabs(term) > fabs(sum) * 0x1p-54; n++) {
                term *= x / n;
                sum += term;
        }
        return sum;
}

static double normal_density(double z)
{
        return det_exp(-0.5 * z * z) / SQRT_2PI;
}

static double normal_share_below(double z)
{
        struct gamma_shares shares = gamma_shares(0.5, 0.5 * z * z);

        return z < 0 ? 0.5 * shares.above : 0.5 + 0.5 * shares.below;
}

/* ---- exact points by solving share(x) = w ---- */

struct share {
        double of_side; /* the share below or above x */
        double density;
};

/* Newton's method on the logarithm of the share: against log x for the lower
 * side, where shares go like powers of x, against x for the upper, where they
 * go like exp(-x). A step that leaves the bracket found so far is replaced by
 * a bisection. */
static struct point solve(struct share (*share_at)(const struct dist *, enum side, double),
                          const struct dist *dist, enum side side, double w, double guess)
{
        double low = 0;
        double high = INFINITY;
        double x = guess;
        struct share share = share_at(dist, side, x);

        for (int i = 0; i < SOLVE_STEPS_MAX; i++) {
                bool below = side == LOWER ? share.of_side < w : share.of_side > w;
                double excess = det_log(share.of_side / w);
                double next, step;

                if (below)
                        low = x;
                else
                        high = x;
                if (side == LOWER)
                        next = x * det_exp(-excess * share.of_side / (share.density * x));
                else
                        next = x + excess * share.of_side / share.density;
                if (!(next >= low && next <= high))
                        next = high < INFINITY ? low + (high - low) / 2 : 2 * x;
                step = fabs(next - x);
                x = next;
                if (step <= x * 0x1p-30) /* Newton squares what is left */
                        break;
                share = share_at(dist, side, x);
        }
        return (struct point){x, (side == LOWER ? 1 : -1) / share.density};
}

/* ---- the table ---- */

static uint64_t bits_of(double x)
{
        uint64_t bits;

        memcpy(&bits, &x, sizeof(bits));
        return bits;
}

static double double_of(uint64_t bits)
{
        double x;

        memcpy(&x, &bits, sizeof(x));
        return x;
}

/* The monotone cubic at t in [0, 1) of the cell that starts at `node`. */
static double cell_value(const struct node *node, double t)
{
        double delta = node[1].ns - node[0].ns;
        double c2 = 3 * delta - 2 * node[0].rise_ns - node[1].rise_ns;
        double c3 = node[0].rise_ns + node[1].rise_ns - 2 * delta;

        return node[0].ns + t * (node[0].rise_ns + t * (c2 + t * c3));
}

/* The exact point; kept out of the way of those that are looked up. */
__attribute__((noinline, cold)) static double point_ns(const struct dist *dist, enum side side,
                                                       double w)
{
        return kind_of(dist)->point(dist, side, w).ns;
}

static double table_quantile_ns(const struct dist *dist, double u)
{
        double rest = 1 - u;
        enum side side = u > rest ? UPPER : LOWER;
        double w = u < rest ? u : rest;
        uint64_t bits = bits_of(w < W_BELOW_HALF ? w : W_BELOW_HALF);
        uint64_t mantissa = bits & MANTISSA_MASK;
        const struct octave *octave;
        uint64_t fraction;
        double t;

        if (w < TABLE_W_MIN)
                return point_ns(dist, side, w);
        octave = &dist->table->octave[side][EXPONENT_OF_QUARTER - (bits >> MANTISSA_BITS)];
        if (octave->first == NOT_TABLED)
                return point_ns(dist, side, w);
        /* What lies below the cell's bits becomes the mantissa of 1 + t. */
        fraction = (mantissa << (MANTISSA_BITS - octave->cell_shift)) & MANTISSA_MASK;
        t = double_of(fraction | ONE_BITS) - 1;
        return cell_value(&dist->table->node[octave->first + (mantissa >> octave->cell_shift)], t);
}

/* An octave being cut ever finer: exact points at multiples of `stride`. */
struct draft {
        double w_min; /* the octave is [w_min, 2 w_min) */
        uint32_t cell_bits;
        struct point point[DRAFT_COUNT + 1];
        struct node node[CELL_COUNT_MAX + 1];
};

static void draft_points(struct draft *draft, const struct dist *dist, enum side side,
                         uint32_t from, uint32_t stride)
{
        for (uint32_t i = from; i <= DRAFT_COUNT; i += stride) {
                double w = draft->w_min * (1 + (double)i / DRAFT_COUNT);

                draft->point[i] = kind_of(dist)->point(dist, side, w < 0.5 ? w : W_BELOW_HALF);
        }
}

/* Cuts a rise to three times the cell's, so that the cubic turns nowhere. */
static void limit_rise(struct node *node, double delta)
{
        if (fabs(node->rise_ns) > 3 * fabs(delta))
                node->rise_ns = 3 * delta;
}

static void draft_nodes(struct draft *draft)
{
        uint32_t count = 1u << draft->cell_bits;
        uint32_t stride = DRAFT_COUNT >> draft->cell_bits;

        for (uint32_t i = 0; i <= count; i++) {
                const struct point *point = &draft->point[i * stride];

                draft->node[i].ns = point->ns;
                draft->node[i].rise_ns = point->slope * draft->w_min / count;
        }
        for (uint32_t i = 0; i < count; i++) {
                double delta = draft->node[i + 1].ns - draft->node[i].ns;

                limit_rise(&draft->node[i], delta);
                limit_rise(&draft->node[i + 1], delta);
        }
}

/* The error half way between the nodes, where a cubic's is largest. */
static double draft_error_ns(const struct draft *draft)
{
        uint32_t count = 1u << draft->cell_bits;
        uint32_t stride = DRAFT_COUNT >> draft->cell_bits;
        double error_ns = 0;

        for (uint32_t i = 0; i < count; i++) {
                double exact_ns = draft->point[i * stride + stride / 2].ns;
                double off_ns = fabs(cell_value(&draft->node[i], 0.5) - exact_ns);

                if (off_ns > error_ns)
                        error_ns = off_ns;
        }
        return error_ns;
}

/* False if even the smallest cells do not keep the error within bounds. */
static bool draft_octave(struct draft *draft, const struct dist *dist, enum side side,
                         double error_ns_max)
{
        draft_points(draft, dist, side, 0, DRAFT_COUNT >> CELL_BITS_MIN);
        for (uint32_t bits = CELL_BITS_MIN; bits <= CELL_BITS_MAX; bits++) {
                uint32_t stride = DRAFT_COUNT >> bits;

                draft->cell_bits = bits;
                draft_nodes(draft);
                draft_points(draft, dist, side, stride / 2, stride);
                if (draft_error_ns(draft) <= error_ns_max)
                        return true;
        }
        return false;
}

/* Adds the nodes of one octave and answers how many there are now. */
static uint32_t add_octave(struct dist_table *table, uint32_t used, struct octave *octave,
                           const struct draft *draft)
{
        uint32_t count = (1u << draft->cell_bits) + 1;

        octave->first = used;
        octave->cell_shift = MANTISSA_BITS - draft->cell_bits;
        memcpy(&table->node[used], draft->node, count * sizeof(struct node));
        return used + count;
}

static uint32_t fill_table(struct dist_table *table, struct draft *draft, const struct dist *dist)
{
        double error_ns_max = TABLE_ERROR_MAX * dist_mean_ns(dist);
        uint32_t used = 0;

        for (int side = LOWER; side <= UPPER; side++) {
                for (int i = 0; i < OCTAVE_COUNT; i++) {
                        struct octave *octave = &table->octave[side][i];

                        draft->w_min =
                                double_of((uint64_t)(EXPONENT_OF_QUARTER - i) << MANTISSA_BITS);
                        if (draft_octave(draft, dist, (enum side)side, error_ns_max))
                                used = add_octave(table, used, octave, draft);
                        else
                                octave->first = NOT_TABLED;
                }
        }
        return used;
}

static size_t table_bytes(size_t node_count)
{
        return sizeof(struct dist_table) + node_count * sizeof(struct node);
}

static bool make_table(struct dist *dist, struct arena *arena)
{
        const size_t node_count_max = (size_t)2 * OCTAVE_COUNT * (CELL_COUNT_MAX + 1);
        struct draft *draft = malloc(sizeof(*draft));
        struct dist_table *table = calloc(1, table_bytes(node_count_max));
        struct dist_table *kept = NULL;
        uint32_t node_count;

        if (draft == NULL || table == NULL)
                goto done;
        node_count = fill_table(table, draft, dist);
        kept = arena_alloc(arena, 1, table_bytes(node_count));
        if (kept != NULL)
                memcpy(kept, table, table_bytes(node_count));
        dist->table = kept;
done:
        if (kept == NULL)
                arena->failed = true; /* also where it was the heap that had nothing */
        free(table);
        free(draft);
        return kept != NULL;
}

/* ---- constant ---- */

static double constant_quantile_ns(const struct dist *dist, double u)
{
        (void)u;
        return dist->a_ns;
}

static double constant_mean_ns(const struct dist *dist)
{
        return dist->a_ns;
}

static double constant_scv(const struct dist *dist)
{
        (void)dist;
        return 0;
}

/* ---- exponential ---- */

static double exponential_quantile_ns(const struct dist *dist, double u)
{
        return -dist->a_ns * det_log(1 - u);
}

static double exponential_mean_ns(const struct dist *dist)
{
        return dist->a_ns;
}

static double exponential_scv(const struct dist *dist)
{
        (void)dist;
        return 1;
}

/* ---- lognormal ---- */

static struct point lognormal_point(const struct dist *dist, enum side side, double w)
{
        double z = side == LOWER ? det_probit(w) : -det_probit(w);
        double ns = det_exp(dist->p + dist->q * z);
        double slope = ns * dist->q / normal_density(z);

        return (struct point){ns, side == LOWER ? slope : -slope};
}

static double lognormal_mean_ns(const struct dist *dist)
{
        return det_exp(dist->p + 0.5 * square(dist->q));
}

static double lognormal_scv(const struct dist *dist)
{
        return exp_minus_1(square(dist->q));
}

/* ---- uniform ---- */

static double uniform_quantile_ns(const struct dist *dist, double u)
{
        return dist->a_ns + (dist->b_ns - dist->a_ns) * u;
}

static double uniform_mean_ns(const struct dist *dist)
{
        return dist->a_ns + (dist->b_ns - dist->a_ns) / 2;
}

static double uniform_scv(const struct dist *dist)
{
        return square((dist->b_ns - dist->a_ns) / uniform_mean_ns(dist)) / 12;
}

/* ---- normal; points are those of the uncut one, quantiles below 0 become 0 ---- */

static struct point normal_point(const struct dist *dist, enum side side, double w)
{
        double z = side == LOWER ? det_probit(w) : -det_probit(w);
        double slope = dist->b_ns / normal_density(z);

        return (struct point){dist->a_ns + dist->b_ns * z, side == LOWER ? slope : -slope};
}

static double normal_mean_ns(const struct dist *dist)
{
        double z = dist->a_ns / dist->b_ns;

        if (dist->b_ns <= 0)
                return dist->a_ns > 0 ? dist->a_ns : 0;
        return dist->a_ns * normal_share_below(z) + dist->b_ns * normal_density(z);
}

static double normal_scv(const struct dist *dist)
{
        double mean_ns = normal_mean_ns(dist);
        double z = dist->a_ns / dist->b_ns;
        double square_mean;

        if (dist->b_ns <= 0)
                return 0;
        square_mean = (square(dist->a_ns) + square(dist->b_ns)) * normal_share_below(z) +
                      dist->a_ns * dist->b_ns * normal_density(z);
        return square_mean / square(mean_ns) - 1;
}

/* ---- gamma, and Erlang, which is one with a whole shape ---- */

static struct share gamma_share(const struct dist *dist, enum side side, double x)
{
        struct gamma_shares shares = gamma_shares(dist->p, x);

        return (struct share){side == LOWER ? shares.below : shares.above,
                              gamma_density_times_x(dist->p, x) / x};
}

/* By Wilson and Hilferty, a cube of a normal; but near 0 the density is a
 * power of x. */
static double gamma_guess(double shape, enum side side, double w)
{
        double z = side == LOWER ? det_probit(w) : -det_probit(w);
        double root = 1 - 1 / (9 * shape) + z / (3 * sqrt(shape));

        if (root > 0.5 || side == UPPER)
                return shape * (root > 0.5 ? root * root * root : 0.125);
        return det_exp((det_log(w) + gamma_log(shape + 1)) / shape);
}

static struct point gamma_point(const struct dist *dist, enum side side, double w)
{
        double scale_ns = dist->a_ns / dist->p;
        struct point point;
        double guess;

        if (dist->p >= GAMMA_LARGE) {
                double z = side == LOWER ? det_probit(w) : -det_probit(w);

                point.ns = gamma_large_quantile(dist->p, z, &point.slope);
                point.slope /= side == LOWER ? normal_density(z) : -normal_density(z);
        } else {
                guess = gamma_guess(dist->p, side, w);
                if (guess < 0x1p-100) /* the power of x is all there is */
                        point = (struct point){guess, guess / (dist->p * w)};
                else
                        point = solve(gamma_share, dist, side, w, guess);
        }
        return (struct point){point.ns * scale_ns, point.slope * scale_ns};
}

static double gamma_mean_ns(const struct dist *dist)
{
        return dist->a_ns;
}

static double gamma_scv(const struct dist *dist)
{
        return 1 / dist->p;
}

/* ---- Weibull ---- */

static double weibull_quantile_ns(const struct dist *dist, double u)
{
        return dist->a_ns * det_exp(det_log(-det_log(1 - u)) / dist->p);
}

static double weibull_mean_ns(const struct dist *dist)
{
        return dist->a_ns * det_exp(gamma_log(1 + 1 / dist->p));
}

static double weibull_scv(const struct dist *dist)
{
        return exp_minus_1(gamma_log(1 + 2 / dist->p) - 2 * gamma_log(1 + 1 / dist->p));
}

/* ---- Pareto ---- */

static double pareto_quantile_ns(const struct dist *dist, double u)
{
        return dist->a_ns * det_exp(-det_log(1 - u) / dist->p);
}

static double pareto_mean_ns(const struct dist *dist)
{
        return dist->p > 1 ? dist->a_ns * dist->p / (dist->p - 1) : INFINITY;
}

static double pareto_scv(const struct dist *dist)
{
        return dist->p > 2 ? 1 / (dist->p * (dist->p - 2)) : INFINITY;
}

/* ---- hyperexponential ---- */

static struct share hyper_share(const struct dist *dist, enum side side, double x)
{
        struct share share = {0, 0};
        double total = 0;

        for (size_t i = 0; i < dist->branch_count; i++) {
                double probability = dist->branches[i].probability;
                double mean_ns = dist->branches[i].mean_ns;
                double above = mean_ns > 0 ? det_exp(-x / mean_ns) : 0;
                double below = mean_ns > 0 ? -exp_minus_1(-x / mean_ns) : 1;

                share.of_side += probability * (side == LOWER ? below : above);
                share.density += mean_ns > 0 ? probability * above / mean_ns : 0;
                total += probability;
        }
        return (struct share){share.of_side / total, share.density / total};
}

static double hyper_mean_ns(const struct dist *dist)
{
        double sum_ns = 0;
        double total = 0;

        for (size_t i = 0; i < dist->branch_count; i++) {
                sum_ns += dist->branches[i].probability * dist->branches[i].mean_ns;
                total += dist->branches[i].probability;
        }
        return sum_ns / total;
}

static struct point hyper_point(const struct dist *dist, enum side side, double w)
{
        return solve(hyper_share, dist, side, w, hyper_mean_ns(dist));
}

static double hyper_scv(const struct dist *dist)
{
        double mean_ns = hyper_mean_ns(dist);
        double sum = 0;
        double total = 0;

        for (size_t i = 0; i < dist->branch_count; i++) {
                double probability = dist->branches[i].probability;

                sum += probability * 2 * square(dist->branches[i].mean_ns / mean_ns);
                total += probability;
        }
        return sum / total - 1;
}

/* ---- empirical ---- */

static int compare_doubles(const void *a, const void *b)
{
        double x = *(const double *)a;
        double y = *(const double *)b;

        return (x > y) - (x < y);
}

static double empirical_quantile_ns(const struct dist *dist, double u)
{
        size_t i = (size_t)(u * (double)dist->value_count);

        return dist->values_ns[i < dist->value_count ? i : dist->value_count - 1];
}

static double empirical_mean_ns(const struct dist *dist)
{
        double sum_ns = 0;

        for (size_t i = 0; i < dist->value_count; i++)
                sum_ns += dist->values_ns[i];
        return sum_ns / (double)dist->value_count;
}

static double empirical_scv(const struct dist *dist)
{
        double mean_ns = empirical_mean_ns(dist);
        double sum = 0;

        for (size_t i = 0; i < dist->value_count; i++)
                sum += square(dist->values_ns[i] - mean_ns);
        return sum / (double)dist->value_count / square(mean_ns);
}

/* ---- the kinds ---- */

static const struct kind kinds[] = {
        [DIST_CONSTANT] = {constant_quantile_ns, constant_mean_ns, constant_scv, NULL},
        [DIST_EXPONENTIAL] = {exponential_quantile_ns, exponential_mean_ns, exponential_scv, NULL},
        [DIST_LOGNORMAL] = {NULL, lognormal_mean_ns, lognormal_scv, lognormal_point},
        [DIST_UNIFORM] = {uniform_quantile_ns, uniform_mean_ns, uniform_scv, NULL},
        [DIST_NORMAL] = {NULL, normal_mean_ns, normal_scv, normal_point},
        [DIST_GAMMA] = {NULL, gamma_mean_ns, gamma_scv, gamma_point},
        [DIST_WEIBULL] = {weibull_quantile_ns, weibull_mean_ns, weibull_scv, NULL},
        [DIST_PARETO] = {pareto_quantile_ns, pareto_mean_ns, pareto_scv, NULL},
        [DIST_ERLANG] = {NULL, gamma_mean_ns, gamma_scv, gamma_point},
        [DIST_HYPEREXPONENTIAL] = {NULL, hyper_mean_ns, hyper_scv, hyper_point},
        [DIST_EMPIRICAL] = {empirical_quantile_ns, empirical_mean_ns, empirical_scv, NULL},
};

static const struct kind *kind_of(const struct dist *dist)
{
        return &kinds[dist->kind];
}

bool dist_prepare(struct dist *dist, struct arena *arena)
{
        if (dist->kind == DIST_EMPIRICAL)
                qsort(dist->values_ns, dist->value_count, sizeof(*dist->values_ns),
                      compare_doubles);
        if (kind_of(dist)->point == NULL)
                return true;
        return make_table(dist, arena);
}

double dist_quantile_ns(const struct dist *dist, double u)
{
        double ns;

        if (dist->table != NULL)
                ns = table_quantile_ns(dist, u);
        else
                ns = kind_of(dist)->quantile_ns(dist, u);
        return ns > 0 ? ns : 0;
}

double dist_mean_ns(const struct dist *dist)
{
        return kind_of(dist)->mean_ns(dist);
}

double dist_scv(const struct dist *dist)
{
        return dist_mean_ns(dist) > 0 ? kind_of(dist)->scv(dist) : 0;
}

int64_t dist_sample_any_ns(const struct dist *dist, double u)
{
        return dist_round_ns(dist_quantile_ns(dist, u));
}
