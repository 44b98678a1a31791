/* harness/run/record_codec.h - a replication's record as bytes and back.
 *
 * What comes back is equal field by field, doubles to the bit, so that a grade
 * made of stored records is the grade of the run. Arms that share a record are
 * written once. The bytes are those of this build of the program: they are kept
 * for a run that goes on later (`--resume`), not for other programs, and begin
 * with RECORD_CODEC_VERSION.
 *
 * About 10 bytes a bin, second and histogram bucket in use: some 100 KiB a
 * service-hour and arm.
 */
#ifndef CHAOS_RUN_RECORD_CODEC_H
#define CHAOS_RUN_RECORD_CODEC_H

#include "harness/base/arena.h"
#include "harness/run/record.h"
#include "harness/run/text_pool.h"

/* Goes up whenever a field is added to a record. */
enum { RECORD_CODEC_VERSION = 3 };

struct record_bytes {
        unsigned char *bytes; /* owned */
        size_t count, room;
};
void record_bytes_release(struct record_bytes *bytes);

/* False when memory is out. */
bool record_encode(const struct run_meta *meta, const struct replication_record *record,
                   struct record_bytes *out);

/* False when the bytes are not a whole record of a run with that meta, or memory
 * is out; no index in what comes back points outside. The record lives in
 * `arena`, its texts in `texts`. */
bool record_decode(const struct run_meta *meta, const unsigned char *bytes, size_t count,
                   struct arena *arena, struct text_pool *texts, struct replication_record *out);

#endif
