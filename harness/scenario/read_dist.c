/* read_dist.c - durations that are drawn: a constant or an object with `dist`.
 *
 * A row of the table below says which keys a distribution has; how its two
 * numbers come from them is a function a kind. Parameters are kept where the
 * quantile tables of base/dist.c are exact to their stated error: coefficients
 * of variation up to 100, at least 1e-3 where they are not 0.
 *
 * Not here: sampling (base/dist.c).
 */
#include "harness/scenario/read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES_MAX = 100000, BRANCHES_MAX = 64, ERLANG_K_MAX = 10000 };

#define CV_MIN 1e-3
#define CV_MAX 100.0
#define P99_PROBIT 2.3263478740408408 /* the standard normal's 99th percentile */

struct dist_reading {
        struct read_object o;
        int64_t max_ns;
        struct dist *out;
};

static bool duration_key(struct dist_reading *r, const char *key, int64_t min_ns, double *out_ns)
{
        int64_t ns;

        if (!read_duration(&r->o, key, READ_REQUIRED, min_ns, r->max_ns, &ns))
                return false;
        *out_ns = (double)ns;
        return true;
}

static void read_exponential(struct dist_reading *r)
{
        r->out->kind = DIST_EXPONENTIAL;
        duration_key(r, "mean", 1, &r->out->a_ns);
}

static void read_lognormal(struct dist_reading *r)
{
        double mean_ns, cv, p50_ns, p99_ns;
        bool has_mean;

        r->out->kind = DIST_LOGNORMAL;
        if (read_has(&r->o, "p50") || read_has(&r->o, "p99")) {
                bool has_p50 = duration_key(r, "p50", 1, &p50_ns);

                if (!duration_key(r, "p99", 1, &p99_ns) || !has_p50)
                        return;
                if (p99_ns < p50_ns) {
                        read_error(r->o.ctx, read_path(&r->o, "p99"), "below p50");
                        return;
                }
                r->out->p = log(p50_ns);
                r->out->q = (log(p99_ns) - log(p50_ns)) / P99_PROBIT;
                return;
        }
        if (!read_has(&r->o, "mean") && !read_has(&r->o, "cv")) {
                read_any(&r->o, "p50", READ_OPTIONAL);
                read_any(&r->o, "p99", READ_OPTIONAL);
                read_any(&r->o, "mean", READ_OPTIONAL);
                read_any(&r->o, "cv", READ_OPTIONAL);
                read_error(r->o.ctx, r->o.path,
                           "missing keys 'p50' and 'p99' (or 'mean' and 'cv')");
                return;
        }
        has_mean = duration_key(r, "mean", 1, &mean_ns);
        if (!read_number(&r->o, "cv", READ_REQUIRED, CV_MIN, CV_MAX, &cv) || !has_mean)
                return;
        r->out->q = sqrt(log1p(cv * cv));
        r->out->p = log(mean_ns) - r->out->q * r->out->q / 2;
}

static void read_uniform(struct dist_reading *r)
{
        bool has_min = duration_key(r, "min", 0, &r->out->a_ns);

        r->out->kind = DIST_UNIFORM;
        if (duration_key(r, "max", 0, &r->out->b_ns) && has_min && r->out->b_ns < r->out->a_ns)
                read_error(r->o.ctx, read_path(&r->o, "max"), "below min");
}

static void read_normal(struct dist_reading *r)
{
        r->out->kind = DIST_NORMAL;
        duration_key(r, "mean", 0, &r->out->a_ns);
        duration_key(r, "sd", 1, &r->out->b_ns);
}

static void read_gamma(struct dist_reading *r)
{
        double cv = 1;

        r->out->kind = DIST_GAMMA;
        duration_key(r, "mean", 1, &r->out->a_ns);
        read_number(&r->o, "cv", READ_REQUIRED, CV_MIN, CV_MAX, &cv);
        r->out->p = 1 / (cv * cv);
}

static void read_weibull(struct dist_reading *r)
{
        r->out->kind = DIST_WEIBULL;
        duration_key(r, "scale", 1, &r->out->a_ns);
        read_number(&r->o, "shape", READ_REQUIRED, 0.1, 100, &r->out->p);
}

static void read_pareto(struct dist_reading *r)
{
        r->out->kind = DIST_PARETO;
        duration_key(r, "min", 1, &r->out->a_ns);
        read_number(&r->o, "alpha", READ_REQUIRED, 1.01, 1000, &r->out->p);
}

static void read_erlang(struct dist_reading *r)
{
        uint32_t k = 1;

        r->out->kind = DIST_ERLANG;
        read_count(&r->o, "k", READ_REQUIRED, 1, ERLANG_K_MAX, &k);
        duration_key(r, "mean", 1, &r->out->a_ns);
        r->out->p = k;
}

static void read_branch(struct dist_reading *r, const json_t *json, const char *path,
                        struct dist_branch *out)
{
        struct read_object o;
        int64_t mean_ns = 0;

        if (!read_object_begin(r->o.ctx, json, path, &o))
                return;
        read_ratio(&o, "probability", READ_REQUIRED, 0, 1, &out->probability);
        read_duration(&o, "mean", READ_REQUIRED, 1, r->max_ns, &mean_ns);
        out->mean_ns = (double)mean_ns;
        read_object_end(&o);
}

static void read_hyperexponential(struct dist_reading *r)
{
        const json_t *list = read_list(&r->o, "branches", READ_REQUIRED, BRANCHES_MAX);
        struct arena *arena = r->o.ctx->session->arena;
        const char *path = read_path(&r->o, "branches");
        size_t count = json_array_size(list);
        struct dist_branch *branches = ARENA_ARRAY(arena, struct dist_branch, count);
        double sum = 0;

        r->out->kind = DIST_HYPEREXPONENTIAL;
        r->out->branches = branches;
        r->out->branch_count = count;
        if (list == NULL || branches == NULL)
                return;
        for (size_t i = 0; i < count; i++) {
                read_branch(r, json_array_get(list, i), json_path_index(arena, path, i),
                            &branches[i]);
                sum += branches[i].probability;
        }
        if (fabs(sum - 1) > 1e-9)
                read_error(r->o.ctx, path, "the probabilities add up to %.6g, not 1", sum);
}

/* One duration a line. */
static void read_values_file(struct dist_reading *r, const char *name)
{
        struct read_context *ctx = r->o.ctx;
        const char *json_path = read_path(&r->o, "file");
        const char *path = read_resolve_path(ctx, json_path, name);
        FILE *file = path != NULL ? read_open_data(ctx, path) : NULL;
        double *values = ARENA_ARRAY(ctx->session->arena, double, VALUES_MAX);
        struct quantity_error error;
        char line[128];
        uint32_t number = 0;
        int64_t ns;

        while (file != NULL && values != NULL && fgets(line, sizeof(line), file) != NULL &&
               read_row(ctx, path)) {
                number++;
                sha256_add_text(&ctx->session->sha, line);
                line[strcspn(line, "\r\n")] = '\0';
                if (line[0] == '\0')
                        continue;
                if (r->out->value_count == VALUES_MAX) {
                        diag_add(ctx->session->diags, path, number, 1, NULL,
                                 "more than the %d values allowed", VALUES_MAX);
                        break;
                }
                if (quantity_duration(line, &ns, &error))
                        values[r->out->value_count++] = (double)ns;
                else
                        diag_add(ctx->session->diags, path, number, 1, NULL, "%s", error.text);
        }
        if (file != NULL) {
                if (r->out->value_count == 0)
                        diag_add(ctx->session->diags, path, 0, 0, NULL, "has no values");
                fclose(file);
        }
        r->out->values_ns = values;
}

static void read_empirical(struct dist_reading *r)
{
        struct arena *arena = r->o.ctx->session->arena;
        const char *path = read_path(&r->o, "values"), *file;
        const json_t *list;
        int64_t ns = 0;

        r->out->kind = DIST_EMPIRICAL;
        if (read_has(&r->o, "file")) {
                if (read_text(&r->o, "file", READ_REQUIRED, &file))
                        read_values_file(r, file);
                if (read_any(&r->o, "values", READ_OPTIONAL) != NULL)
                        read_error(r->o.ctx, path, "only one of 'values' and 'file' can be given");
                return;
        }
        if (!read_has(&r->o, "values"))
                read_any(&r->o, "file", READ_OPTIONAL);
        list = read_list(&r->o, "values", READ_REQUIRED, VALUES_MAX);
        r->out->values_ns = ARENA_ARRAY(arena, double, json_array_size(list));
        if (list == NULL || r->out->values_ns == NULL)
                return;
        if (json_array_size(list) == 0)
                read_error(r->o.ctx, path, "the list is empty");
        for (size_t i = 0; i < json_array_size(list); i++) {
                read_duration_at(r->o.ctx, json_array_get(list, i), json_path_index(arena, path, i),
                                 0, r->max_ns, &ns);
                r->out->values_ns[i] = (double)ns;
        }
        r->out->value_count = json_array_size(list);
}

static const char *const dist_names[] = {
        "exponential", "lognormal", "uniform",          "normal",    "gamma", "weibull",
        "pareto",      "erlang",    "hyperexponential", "empirical", NULL,
};

static void (*const dist_readers[])(struct dist_reading *) = {
        read_exponential, read_lognormal, read_uniform, read_normal,           read_gamma,
        read_weibull,     read_pareto,    read_erlang,  read_hyperexponential, read_empirical,
};

bool read_dist_at(struct read_context *ctx, const json_t *json, const char *path, int64_t max_ns,
                  struct dist *out)
{
        size_t before = diag_total(ctx->session->diags);
        struct dist_reading r = {.max_ns = max_ns, .out = &(struct dist){0}};
        int64_t constant_ns;
        uint32_t kind;

        if (!json_is_object(json)) {
                if (!read_duration_at(ctx, json, path, 0, max_ns, &constant_ns))
                        return false;
                *out = dist_constant(constant_ns);
                return true;
        }
        if (!read_object_begin(ctx, json, path, &r.o))
                return false;
        if (read_choice(&r.o, "dist", READ_REQUIRED, dist_names, &kind)) {
                dist_readers[kind](&r);
                read_object_end(&r.o);
        }
        if (diag_total(ctx->session->diags) != before)
                return false;
        *out = *r.out;
        return dist_prepare(out, ctx->session->arena);
}
