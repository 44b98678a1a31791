/* harness/base/sha256.h - SHA-256 (FIPS 180-4), for digests of what was run. */
#ifndef CHAOS_BASE_SHA256_H
#define CHAOS_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct sha256 {
        uint32_t state[8];
        uint64_t size_bytes;
        uint8_t block[64];
};

void sha256_init(struct sha256 *sha);
void sha256_add(struct sha256 *sha, const void *bytes, size_t size);

/* A length and the text: two texts in a row cannot be taken for two others. */
void sha256_add_text(struct sha256 *sha, const char *text);

/* 64 lower-case hex digits and a NUL. `sha` is used up. */
void sha256_hex(struct sha256 *sha, char hex[65]);

#endif
