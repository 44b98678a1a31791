/* hash.c - a stable hash of names.
 *
 * FNV-1a takes the bytes, hash_mix() spreads them: FNV alone leaves the upper
 * bits of short names nearly equal, and identities are made from these by
 * further mixing. The values are part of what equal seeds mean: changing this
 * changes every result, and tests/test_rng.c pins them.
 */
#include "harness/base/rng.h"

uint64_t hash_text(const char *text)
{
        uint64_t h = 0xcbf29ce484222325u;

        for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
                h ^= *c;
                h *= 0x100000001b3u;
        }
        return hash_mix(h, 0);
}
