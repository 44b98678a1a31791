# reference.R - what R says about the inputs of the statistics tests.
#
# Rscript reference.R   (in this folder; R 4.2 with survival, boot, jsonlite)
#
# Writes the *.json files beside it. Each case has the method, its input, the R code as text and
# what that code gave: the code is run from the very text that is stored. The tests read only the
# JSON. Inputs are rounded so that the file holds them exactly.

suppressMessages({library(survival); library(boot); library(jsonlite)})

cases <- list()

# Runs `r` with the input's fields (and their defaults) as variables; it gives a named list.
case <- function(method, input, r, tolerance = NULL) {
    defaults <- list(confidence = 0.95, q = 0.5, alpha = 0.05, power = 0.8)
    values <- modifyList(defaults, lapply(input, function(x) if (is.numeric(x)) as.vector(unclass(x)) else x))
    expected <- eval(parse(text = r), values, globalenv())
    stopifnot(is.list(expected))
    one <- list(method = unbox(method), r = unbox(r), input = lapply(input, scalar_or_list),
                expected = lapply(expected, plain))
    if (!is.null(tolerance)) one$tolerance <- unbox(tolerance)
    cases[[length(cases) + 1]] <<- one
}
arrays <- c("values", "numerators", "denominators", "times", "ended", "clusters", "differences",
            "a", "b", "replicate_means", "p_values")
scalar_or_list <- function(x) if (inherits(x, "AsIs")) unclass(x) else unbox(x)
plain <- function(x) {
    if (inherits(x, "AsIs")) return(lapply(unclass(x), plain))
    if (is.list(x)) return(lapply(x, plain))
    if (is.null(x) || is.na(x) || (is.numeric(x) && !is.finite(x))) return(NULL)
    unbox(unname(x))
}
finish <- function(file) {
    write(toJSON(cases, digits = NA, null = "null", na = "null", pretty = 1), file)
    cases <<- list()
}
list_of <- function(...) I(c(...))

set.seed(20240607)
normal30 <- round(rnorm(30, 3, 10), 3)
normal60 <- round(rnorm(60, 0.4, 2), 4)
skewed60 <- round(rexp(60)^2 * 3 - 2, 4)
cost_a <- round(rlnorm(25, 2, 1), 2); cost_b <- round(cost_a * 0.8 + rnorm(25, 0, 2), 2)
large_mean <- 1e9 + round(rnorm(20), 4)

# ------------------------------------------------------------------------------------- interval
t_interval <- "t <- t.test(values, conf.level = confidence)
list(mean = t$estimate, low = t$conf.int[1], high = t$conf.int[2], n = length(values),
     deviation = sd(values))"
case("mean_t", list(values = I(normal30)), t_interval)
case("mean_t", list(values = I(normal30), confidence = 0.999), t_interval)
case("mean_t", list(values = I(c(1, 2))), t_interval)
case("mean_t", list(values = I(large_mean)), t_interval)
case("mean_t", list(values = I(skewed60), confidence = 0.5), t_interval)

binomial <- "b <- binom.test(successes, trials, conf.level = confidence)
list(share = b$estimate, low = b$conf.int[1], high = b$conf.int[2], n = trials, count = successes)"
for (kn in list(c(0, 30), c(30, 30), c(7, 30), c(1, 1), c(1, 1000), c(499, 1000), c(3, 1e8),
                c(123456, 1e7), c(99999990, 1e8)))
    case("clopper_pearson", list(successes = kn[1], trials = kn[2]), binomial)
case("clopper_pearson", list(successes = 5, trials = 40, confidence = 0.99), binomial)
score <- "b <- prop.test(successes, trials, conf.level = confidence, correct = FALSE)
list(share = b$estimate, low = b$conf.int[1], high = b$conf.int[2], n = trials)"
for (kn in list(c(0, 30), c(30, 30), c(7, 30), c(499, 1000), c(123456, 1e7)))
    case("wilson", list(successes = kn[1], trials = kn[2]), score)
case("wilson", list(successes = 5, trials = 40, confidence = 0.9), score)

poisson <- "p <- poisson.test(events, exposure, conf.level = confidence)
list(rate = p$estimate, low = p$conf.int[1], high = p$conf.int[2], n = events)"
for (ce in list(c(0, 1), c(0, 168), c(1, 2.5), c(17, 24), c(1234567, 10)))
    case("poisson_rate", list(events = ce[1], exposure = ce[2]), poisson)
case("poisson_rate", list(events = 4, exposure = 10, confidence = 0.9), poisson)

jackknife <- "keep <- numerators != 0 | denominators != 0
x <- numerators[keep]; y <- denominators[keep]; n <- length(x); r <- sum(x) / sum(y)
left <- sapply(seq_len(n), function(i) sum(x[-i]) / sum(y[-i]))
se <- sqrt((n - 1) / n * sum((left - mean(left))^2)); h <- qt((1 + confidence) / 2, n - 1) * se
list(ratio = r, low = r - h, high = r + h, n = n, numerator = sum(x), denominator = sum(y),
     limits_by = 'jackknife')"
requests <- rpois(30, 2000); lost <- rbinom(30, requests, rbeta(30, 2, 20))
case("ratio", list(numerators = I(lost), denominators = I(requests), kind = "proportion"),
     jackknife)
case("ratio", list(numerators = I(normal30), denominators = I(requests)), jackknife)
case("ratio", list(numerators = I(c(3, 0, 5, 2, 0)), denominators = I(c(10, 0, 12, 9, 4)),
                   kind = "rate", confidence = 0.8), jackknife)
case("ratio", list(numerators = I(c(0, 0, 0)), denominators = I(c(10, 12, 8)),
                   kind = "proportion"),
     "b <- binom.test(sum(numerators), sum(denominators))
list(ratio = 0, low = 0, high = b$conf.int[2], n = 3, limits_by = 'clopper_pearson')")
case("ratio", list(numerators = I(c(0, 0)), denominators = I(c(2.5, 3)), kind = "rate"),
     "p <- poisson.test(0, sum(denominators))
list(ratio = 0, low = 0, high = p$conf.int[2], n = 2, limits_by = 'poisson')")

quantiles <- "s <- sort(values); n <- length(s); u <- (1 - confidence) / 2
k <- qbinom(u, n, q); j <- qbinom(u, n, 1 - q)
list(quantile = quantile(s, q, type = 7), low = if (k > 0) s[k] else NA,
     high = if (j > 0) s[n + 1 - j] else NA, n = n)"
case("quantile", list(values = I(normal30)), quantiles)
case("quantile", list(values = I(normal60), q = 0.25), quantiles)
case("quantile", list(values = I(round(rexp(250, 0.01), 2)), q = 0.95), quantiles)
case("quantile", list(values = I(round(rexp(100, 0.01), 2)), q = 0.9, confidence = 0.999999),
     quantiles)
finish("interval.json")

# ------------------------------------------------------------------------------------- survival
lung <- survival::lung
lung_times <- I(lung$time); lung_ended <- I(as.integer(lung$status == 2))
small_times <- I(c(6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35))
small_ended <- I(as.integer(c(1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0)))
curve <- "f <- survfit(Surv(times, ended) ~ 1, conf.type = 'log-log', conf.int = confidence)
s <- summary(f)
list(n = length(times), count = sum(ended), steps = I(lapply(seq_along(s$time), function(i)
    list(time = s$time[i], at_risk = s$n.risk[i], events = s$n.event[i], survival = s$surv[i],
         standard_error = s$std.err[i], low = s$lower[i], high = s$upper[i]))))"
case("kaplan_meier", list(times = small_times, ended = small_ended), curve)
case("kaplan_meier", list(times = lung_times, ended = lung_ended, confidence = 0.9), curve)

restricted <- "f <- survfit(Surv(times, ended) ~ 1)
m <- survival:::survmean(f, rmean = tau)$matrix; z <- qnorm((1 + confidence) / 2)
list(mean = m['rmean'], standard_error = m['se(rmean)'],
     low = max(m['rmean'] - z * m['se(rmean)'], 0), high = min(m['rmean'] + z * m['se(rmean)'], tau),
     n = length(times), tau = tau, count = sum(ended & times <= tau))"
case("restricted_mean", list(times = small_times, ended = small_ended, tau = 35), restricted)
case("restricted_mean", list(times = small_times, ended = small_ended, tau = 10), restricted)
case("restricted_mean", list(times = small_times, ended = small_ended, tau = 12.5,
                             confidence = 0.99), restricted)
case("restricted_mean", list(times = lung_times, ended = lung_ended, tau = 500), restricted)
case("restricted_mean", list(times = lung_times, ended = lung_ended, tau = 1000), restricted)
case("restricted_mean", list(times = I(c(1.5, 2.5, 4)), ended = I(c(1L, 1L, 1L)), tau = 10),
     restricted)
clustered <- "rmean <- function(t, e) survival:::survmean(survfit(Surv(t, e) ~ 1), rmean = tau)$matrix['rmean']
ids <- unique(clusters); m <- length(ids); value <- rmean(times, ended)
left <- sapply(ids, function(i) rmean(times[clusters != i], ended[clusters != i]))
se <- sqrt((m - 1) / m * sum((left - mean(left))^2)); h <- qt((1 + confidence) / 2, m - 1) * se
list(mean = value, standard_error = se, low = value - h, high = value + h, n = m, tau = tau)"
case("restricted_mean", list(times = small_times, ended = small_ended, tau = 20,
     clusters = I(c(1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 5, 1, 2, 6, 6, 6, 3, 7, 7, 5, 4))), clustered)
case("restricted_mean", list(times = lung_times, ended = lung_ended, tau = 400,
     clusters = I(rep_len(0:29, 228))), clustered)

survival_quantile <- "f <- survfit(Surv(times, ended) ~ 1, conf.type = 'log-log', conf.int = confidence)
v <- quantile(f, q); list(quantile = v$quantile, low = v$lower, high = v$upper,
     n = length(times), count = sum(ended))"
case("survival_quantile", list(times = lung_times, ended = lung_ended), survival_quantile)
case("survival_quantile", list(times = lung_times, ended = lung_ended, q = 0.25,
                               confidence = 0.99), survival_quantile)
case("survival_quantile", list(times = lung_times, ended = lung_ended, q = 0.9),
     survival_quantile)
case("survival_quantile", list(times = small_times, ended = small_ended), survival_quantile)
case("survival_quantile", list(times = I(1:20), ended = I(rep(1L, 20))), survival_quantile)
case("survival_quantile", list(times = I(c(1:10, 11:20)), ended = I(rep(1:0, each = 10))),
     survival_quantile)
case("survival_quantile", list(times = I(1:20), ended = I(rep(0:1, c(16, 4)))),
     survival_quantile)
# Not reached: R still gives a lower limit; ours are missing with the value.
case("survival_quantile", list(times = I(1:20), ended = I(rep(1:0, c(5, 15)))),
     "f <- survfit(Surv(times, ended) ~ 1); list(quantile = quantile(f, q)$quantile, n = 20)")
finish("survival.json")

# --------------------------------------------------------------------------------------- paired
paired <- "t <- t.test(a, b, paired = TRUE, conf.level = confidence)
list(difference = t$estimate, low = t$conf.int[1], high = t$conf.int[2], n = length(a),
     t = t$statistic, p = t$p.value, deviation = sd(a - b), standard_error = t$stderr,
     identical = FALSE)"
case("paired_t", list(a = I(cost_a), b = I(cost_b)), paired)
case("paired_t", list(a = I(c(1, 2, 4)), b = I(c(3, 1, 9)), confidence = 0.9), paired)
case("paired_t", list(a = I(normal60 + 40), b = I(normal60 * 0.001)), paired)
signs <- "d <- differences; nz <- d[d != 0]; t <- t.test(nz, conf.level = confidence)
list(plus = sum(d > 0), zero = sum(d == 0), minus = sum(d < 0),
     p = binom.test(sum(d > 0), length(nz))$p.value, n = length(nz), nonzero_mean = t$estimate,
     low = t$conf.int[1], high = t$conf.int[2], nonzero_median = median(nz))"
case("sign_test", list(differences = I(normal30)), signs)
case("sign_test", list(differences = I(c(rep(0, 20), 3, 5, 9, -1, 12, 7, 7, 2))), signs)
case("sign_test", list(differences = I(c(-1, 2, -3, 4))), signs)
mcnemar <- "z <- qnorm((1 + confidence) / 2); n <- pairs
q_of <- function(b, c, delta) uniroot(function(q) b * q * (1 - 2 * q - delta) +
    c * (q + delta) * (1 - 2 * q - delta) - 2 * (n - b - c) * q * (q + delta),
    c(max(0, -delta), (1 - delta) / 2), tol = 1e-16, maxiter = 1e5)$root
score <- function(b, c, delta) (b - c - n * delta) /
    sqrt(n * (2 * q_of(b, c, delta) + delta * (1 - delta)))
limit <- function(b, c) uniroot(function(delta) score(b, c, delta) + z,
    c((b - c) / n + 1e-9, 1 - 1e-9), tol = 1e-15)$root
list(difference = (only_a - only_b) / n, low = -limit(only_b, only_a),
     high = limit(only_a, only_b), n = n, p = binom.test(only_a, only_a + only_b)$p.value)"
case("mcnemar", list(only_a = 8, only_b = 3, pairs = 40), mcnemar)
case("mcnemar", list(only_a = 1, only_b = 9, pairs = 300), mcnemar)
case("mcnemar", list(only_a = 5, only_b = 5, pairs = 30, confidence = 0.9), mcnemar)
case("mcnemar", list(only_a = 0, only_b = 0, pairs = 30),
     "h <- qnorm(0.975)^2 / (30 + qnorm(0.975)^2); list(difference = 0, low = -h, high = h, p = 1)")
case("mcnemar", list(only_a = 6, only_b = 0, pairs = 30),
     "list(difference = 0.2, p = binom.test(6, 6)$p.value, n = 30)")
case("variance_ratio", list(a = I(cost_a), b = I(cost_b)),
     "list(ratio = (var(a) + var(b)) / var(a - b), n = length(a))")
finish("paired.json")

# ------------------------------------------------------------------------------------- wilcoxon
ranked <- "d <- differences
w <- wilcox.test(d, exact = TRUE, conf.int = TRUE, conf.level = confidence)
list(rank_sum_plus = w$statistic, p = w$p.value, shift = w$estimate, low = w$conf.int[1],
     high = w$conf.int[2], n = length(d), nonzero = length(d), exact = TRUE)"
case("wilcoxon", list(differences = I(normal30)), ranked)
case("wilcoxon", list(differences = I(normal60)), ranked)
case("wilcoxon", list(differences = I(c(1.5, 2.25, -0.5, 4, 5.125, 7, -3))), ranked)
case("wilcoxon", list(differences = I(normal30), confidence = 0.99), ranked)
case("wilcoxon", list(differences = I(round(rnorm(300, 0.2, 1), 6))), ranked)
case("wilcoxon", list(differences = I(round(rnorm(200, 1, 1), 6))), ranked)
tied <- "d <- differences; x <- d[d != 0]; r <- rank(abs(x)); m <- length(x)
sums <- apply(as.matrix(expand.grid(rep(list(0:1), m))), 1, function(s) sum(s * r))
w <- sum(r[x > 0]); p <- min(1, 2 * mean(sums <= min(w, sum(r) - w)))
a <- outer(d, d, '+') / 2; a <- sort(a[!lower.tri(a)]); n <- length(d)
k <- qsignrank((1 - confidence) / 2, n)
list(rank_sum_plus = w, rank_sum_minus = sum(r) - w, p = p, shift = median(a),
     low = if (k > 0) a[k] else NA, high = if (k > 0) a[length(a) + 1 - k] else NA, n = n,
     nonzero = m)"
case("wilcoxon", list(differences = I(c(1, 1, 2, 2, 2, -1, 3, 5, -4, 4, 7, 0, 0))), tied)
case("wilcoxon", list(differences = I(c(0, 0, 0, 0, 1, 1, 1, 1, -1, 2))), tied)
case("wilcoxon", list(differences = I(c(3, -3, 3, -3))), tied)
case("wilcoxon", list(differences = I(c(5, 5, 5, 5, 5, 5, 6, 7))), tied)
case("wilcoxon", list(differences = I(round(rnorm(600, 0.05, 1), 1))),
     "w <- wilcox.test(differences, exact = FALSE, correct = TRUE)
list(rank_sum_plus = w$statistic, p = w$p.value, exact = FALSE, n = 600)")
finish("wilcoxon.json")

# ------------------------------------------------------------------------------------ bootstrap
bca <- "t0 <- mean(values); L <- values - t0
fake <- list(t0 = t0, t = matrix(replicate_means), R = length(replicate_means),
             data = values, call = NULL, sim = 'ordinary', stype = 'i')
class(fake) <- 'boot'
b <- boot.ci(fake, conf = confidence, type = 'bca', t0 = t0, t = replicate_means, L = L)$bca
list(mean = t0, low = b[4], high = b[5], n = length(values))"
for (values in list(skewed60, normal60)) {
    means <- round(replicate(1999, mean(sample(values, replace = TRUE))), 10)
    case("bca_limits", list(values = I(values), replicate_means = I(means)), bca)
    case("bca_limits", list(values = I(values), replicate_means = I(means[1:999]),
                            confidence = 0.9), bca)
}
finish("bootstrap.json")

# ------------------------------------------------------------------------------------- multiple
adjust <- "list(adjusted = I(as.list(p.adjust(p_values, 'METHOD'))), n = sum(!is.na(p_values)))"
p_lists <- list(c(0.01, 0.04, 0.03, 0.005), c(0.5, 0.5, 1, 0, 0.02),
                c(0.001, NA, 0.2, 0.03, NA, 0.03), 0.04, round(runif(25)^3, 6))
for (p in p_lists) {
    case("holm", list(p_values = I(p)), sub("METHOD", "holm", adjust))
    case("benjamini_hochberg", list(p_values = I(p)), sub("METHOD", "BH", adjust))
}
case("simultaneous", list(count = 7), "list(confidence_each = 1 - 0.05 / 7, n = 7)")
finish("multiple.json")

# ---------------------------------------------------------------------------------- equivalence
less <- "t <- t.test(differences, mu = margin, alternative = 'less')
i <- t.test(differences, conf.level = 1 - 2 * alpha)$conf.int
list(difference = mean(differences), low = i[1], high = i[2], p = t$p.value,
     holds = t$p.value <= alpha, n = length(differences))"
greater <- "t <- t.test(differences, mu = -margin, alternative = 'greater')
i <- t.test(differences, conf.level = 1 - 2 * alpha)$conf.int
list(difference = mean(differences), low = i[1], high = i[2], p = t$p.value,
     holds = t$p.value <= alpha, n = length(differences))"
tost <- "p <- max(t.test(differences, mu = margin, alternative = 'less')$p.value,
         t.test(differences, mu = -margin, alternative = 'greater')$p.value)
i <- t.test(differences, conf.level = 1 - 2 * alpha)$conf.int
list(difference = mean(differences), low = i[1], high = i[2], p = p, holds = p <= alpha,
     n = length(differences))"
for (margin in c(0.5, 1, 3)) {
    case("noninferiority", list(differences = I(normal60), margin = margin, alpha = 0.025), less)
    case("noninferiority", list(differences = I(normal60), margin = margin, alpha = 0.05,
                                worse = "negative"), greater)
    case("equivalence", list(differences = I(normal60), margin = margin, alpha = 0.025), tost)
}
case("equivalence", list(differences = I(skewed60), margin = 20, alpha = 0.05), tost)
finish("equivalence.json")

# ---------------------------------------------------------------------------------------- power
power <- "list(power = power.t.test(n = pairs, delta = effect, sd = deviation, sig.level = alpha,
    type = 'paired', strict = TRUE)$power, n = pairs)"
for (p in list(c(0.5, 1, 30), c(0, 1, 10), c(2, 3, 2), c(0.05, 1, 3000), c(12, 40, 100)))
    case("power", list(effect = p[1], deviation = p[2], pairs = p[3]), power)
case("power", list(effect = 0.5, deviation = 1, pairs = 30, alpha = 0.001), power)
mde <- "list(effect = uniroot(function(d) power.t.test(n = pairs, delta = d, sd = deviation,
    sig.level = alpha, type = 'paired', strict = TRUE)$power - power,
    c(1e-6, 10) * deviation, tol = 1e-15 * deviation)$root, n = pairs)"
for (p in list(c(1, 30), c(7.5, 300), c(1, 5)))
    case("detectable_effect", list(deviation = p[1], pairs = p[2]), mde)
case("detectable_effect", list(deviation = 3, pairs = 30, alpha = 0.01, power = 0.9), mde)
pairs <- "n <- 2
while (power.t.test(n = n, delta = effect, sd = deviation, sig.level = alpha, type = 'paired',
    strict = TRUE)$power < power) n <- n + 1
list(pairs = n)"
for (p in list(c(0.5, 1), c(-0.1, 1), c(30, 10)))
    case("pairs_for_effect", list(effect = p[1], deviation = p[2]), pairs)
half_width <- "n <- 2; while (qt((1 + confidence) / 2, n - 1) * deviation / sqrt(n) > half_width) n <- n + 1
list(pairs = n)"
case("pairs_for_half_width", list(half_width = 0.1, deviation = 1), half_width)
case("pairs_for_half_width", list(half_width = 100, deviation = 1), half_width)
case("pairs_for_half_width", list(half_width = 0.3, deviation = 2, confidence = 0.99), half_width)
finish("power.json")

# ----------------------------------------------------------------------------------- sequential
# The evidence as what it is, an average over effects of noncentral t likelihoods, without the
# closed form; and the limits as where it crosses 1 / alpha.
evidence <- function(d, m) {
    n <- length(d); t <- (mean(d) - m) / (sd(d) / sqrt(n)); centre <- t / sqrt(n)
    f <- function(e) exp(suppressWarnings(dt(t, n - 1, ncp = sqrt(n) * e, log = TRUE)) -
                         dt(t, n - 1, log = TRUE) + dnorm(e, log = TRUE))
    log(integrate(f, centre - 12 / sqrt(n), centre + 12 / sqrt(n), rel.tol = 1e-11,
                  subdivisions = 1000)$value)
}
sequence <- "d <- differences; bound <- log(1 / (1 - confidence)); s <- sd(d)
cross <- function(side) uniroot(function(m) evidence(d, m) - bound, mean(d) + side * s * c(0, 1.2),
    tol = 1e-13)$root
list(difference = mean(d), low = cross(-1), high = cross(1), n = length(d),
     log_evidence = evidence(d, 0),
     p = exp(-max(0, sapply(2:length(d), function(i) evidence(d[1:i], 0)))))"
case("sequential", list(differences = I(normal30)), sequence, tolerance = 1e-6)
case("sequential", list(differences = I(normal60)), sequence, tolerance = 1e-6)
case("sequential", list(differences = I(normal60), confidence = 0.99), sequence, tolerance = 1e-6)
closed <- "d <- differences; n <- length(d); a <- 1 - confidence
k <- (a^2 / (n + 1))^(1 / n)
h <- sqrt((1 - k) * (n + 1) * sum((d - mean(d))^2) / (n * (k * (n + 1) - 1)))
S <- cumsum(d); V <- cumsum(d^2); i <- seq_along(d)
m <- log(1 / (i + 1)) / 2 - i / 2 * log(1 - S^2 / ((i + 1) * V))
list(difference = mean(d), low = mean(d) - h, high = mean(d) + h, n = n, log_evidence = m[n],
     p = exp(-max(m)))"
case("sequential", list(differences = I(normal30)), closed)
case("sequential", list(differences = I(skewed60), confidence = 0.8), closed)
case("pairs_for_half_width", list(half_width = 0.4, deviation = 1, plan = "sequential"),
     "width <- function(n) { k <- (0.05^2 / (n + 1))^(1 / n); above <- k * (n + 1) - 1
    if (above <= 0) Inf else sqrt((1 - k) * (n + 1) * (n - 1) / n / above) }
n <- 2; while (width(n) > 0.4) n <- n + 1; list(pairs = n)")
finish("sequential.json")

# --------------------------------------------------------------------------------------- warmup
mser <- "k <- length(values) %/% 5; y <- colMeans(matrix(values[1:(5 * k)], 5))
cuts <- 0:(k %/% 2); score <- sapply(cuts, function(d) { z <- y[(d + 1):k]
    sum((z - mean(z))^2) / length(z)^2 })
d <- cuts[which.min(score)]
list(truncate = 5 * d, statistic = min(score), mean = mean(y[(d + 1):k]), kept = 5 * (k - d),
     n = length(values))"
case("mser5", list(values = I(round(10 * (1 - exp(-(1:203) / 15)) + rnorm(203), 3))), mser)
case("mser5", list(values = I(round(rnorm(100, 5), 3))), mser)
case("mser5", list(values = I(round(c(rep(50, 30), rep(0, 170)) + rnorm(200), 3))), mser)
finish("warmup.json")

# --------------------------------------------------------------------------------- distribution
points <- list()
point <- function(f, ..., r) {
    arguments <- c(...)
    points[[length(points) + 1]] <<- list(`function` = unbox(f), arguments = arguments,
        r = unbox(r), expected = unbox(eval(parse(text = r), list(x = arguments))))
}
for (nu in c(1, 2.5, 4, 29, 31, 300, 1e4, 1e6)) {
    for (u in c(0.4, 0.025, 1e-3, 1e-10))
        point("t_quantile_upper", u, nu, r = "qt(x[1], x[2], lower.tail = FALSE)")
    for (t in c(-3, 0.001, 1, 2, 5, 40))
        point("t_upper_tail", t, nu, r = "pt(x[1], x[2], lower.tail = FALSE)")
}
for (a in c(0.5, 1, 3, 40, 5000, 1e6)) for (b in c(0.5, 1, 7, 300, 1e6)) for (u in c(0.025, 0.3)) {
    point("beta_quantile_lower", u, a, b, r = "qbeta(x[1], x[2], x[3])")
    point("beta_quantile_upper", u, a, b, r = "qbeta(x[1], x[2], x[3], lower.tail = FALSE)")
}
for (b in c(1e7, 3e8)) for (a in c(0.3, 1, 12)) {
    point("beta_quantile_lower", 0.025, a, b, r = "qbeta(x[1], x[2], x[3])")
    point("beta_quantile_upper", 0.025, a, b, r = "qbeta(x[1], x[2], x[3], lower.tail = FALSE)")
}
for (a in c(0.5, 1, 3, 40, 5000, 1e7)) for (u in c(1e-6, 0.025, 0.5)) {
    point("gamma_quantile_lower", u, a, r = "qgamma(x[1], x[2])")
    point("gamma_quantile_upper", u, a, r = "qgamma(x[1], x[2], lower.tail = FALSE)")
}
for (k in c(0, 3, 10, 24)) for (p in c(0.01, 0.5, 0.9))
    point("binomial_lower_tail", k, 25, p, r = "pbinom(x[1], x[2], x[3])")
for (nu in c(1, 5, 29, 300)) for (shift in c(0, 1, 3))
    point("t_noncentral_upper", 2, nu, shift, r = "pt(x[1], x[2], ncp = x[3], lower.tail = FALSE)")
write(toJSON(points, digits = NA, pretty = 1), "distribution.json")
