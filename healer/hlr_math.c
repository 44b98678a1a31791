/* hlr_math.c - argument reduction and a short series each. */
#include "healer/hlr_math.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define LN2_HIGH 6.93147180369123816490e-01 /* its last 20 bits are 0: k * it is exact */
#define LN2_LOW 1.90821492927058770002e-10

/* frexp(), without a call for the numbers that there are. */
static double split(double x, int *exponent)
{
        uint64_t bits;
        uint32_t raised;

        memcpy(&bits, &x, sizeof(bits));
        raised = (uint32_t)(bits >> 52);
        if (raised - 1 >= 0x7fe) /* also negative ones */
                return frexp(x, exponent);
        *exponent = (int)raised - 1022;
        bits = (bits & UINT64_C(0x000fffffffffffff)) | UINT64_C(0x3fe0000000000000);
        memcpy(&x, &bits, sizeof(x));
        return x;
}

/* 2 to the k, where that is a normal number. */
static double power_of_two(int k)
{
        uint64_t bits = (uint64_t)(k + 1023) << 52;
        double x;

        memcpy(&x, &bits, sizeof(x));
        return x;
}

double hlr_log(double x)
{
        int exponent;
        double m = split(x, &exponent), s, square, sum = 0;
        int k;

        if (m < 0.70710678118654752) {
                m *= 2;
                exponent--;
        }
        /* log m = 2 (s + s^3 / 3 + s^5 / 5 + ...), |s| < 0.172 */
        s = (m - 1) / (m + 1);
        square = s * s;
        for (k = 21; k >= 3; k -= 2)
                sum = (sum + 1.0 / k) * square;
        return exponent * LN2_HIGH + (2 * s + 2 * s * sum + exponent * LN2_LOW);
}

double hlr_exp(double x)
{
        double k, r, sum = 1;
        int n;

        if (x > 700)
                return HUGE_VAL;
        if (x < -700)
                return 0;
        k = floor(x * 1.44269504088896340736 + 0.5);
        r = (x - k * LN2_HIGH) - k * LN2_LOW;
        for (n = 14; n >= 1; n--)
                sum = 1 + sum * r / n;
        return isnan(sum) ? sum : sum * power_of_two((int)k); /* |k| <= 1010 */
}
