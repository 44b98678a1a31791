/* healer/hlr_math.h - log and exp with the same bits everywhere.
 *
 * libm's last bits depend on its version and on the processor, and what the
 * healer decides must not. Both are within a few ulp, by + - * / alone.
 */
#ifndef HEALER_HLR_MATH_H
#define HEALER_HLR_MATH_H

/* Natural logarithm of a finite x > 0. */
double hlr_log(double x);

/* e to the x; 0 below -700, infinity above 700. */
double hlr_exp(double x);

#endif
