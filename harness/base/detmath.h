/* harness/base/detmath.h - log, exp and pow with the same bits everywhere.
 *
 * libm's results change with its version and with the processor (it picks FMA
 * variants at run time). These are table-driven, use only + - * / on doubles
 * under -ffp-contract=off, and det_log, det_exp and det_pow are within 1 ulp of
 * the true value (tests/test_detmath.c compares them with libm over random
 * arguments; 0.76 ulp was the most, among subnormal results).
 */
#ifndef CHAOS_BASE_DETMATH_H
#define CHAOS_BASE_DETMATH_H

/* x > 0; 0 gives -infinity, below 0 NaN, infinity itself. */
double det_log(double x);
/* Overflows to infinity, underflows to 0. */
double det_exp(double x);
/* x >= 0 (below 0 NaN, but for y = 0). As in C, x^0 and 1^y are 1 whatever the
 * other is, even NaN; 0 and infinity give 0 and infinity by the sign of y. */
double det_pow(double x, double y);
/* The standard normal quantile, 0 < u < 1 (Wichura, AS 241, PPND16); within
 * 1e-15 of its value. 0 and 1 give the infinities, outside NaN. */
double det_probit(double u);

#endif
