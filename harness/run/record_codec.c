/* record_codec.c - a replication's record as bytes and back.
 *
 * One list of fields serves both ways: each pass_ function writes what it is
 * given, or fills it, so that the two cannot drift apart. Whole numbers are
 * varints (small ones are most of a record), doubles their eight bytes, texts an
 * index into those that came before. A checksum ends it.
 *
 * What is read is taken for hostile: a count is believed only as far as bytes
 * are left for it, and every index is checked against the meta.
 *
 * Forks (record.h) are not stored: --attribute does not go with --resume.
 *
 * The sizes of the structs are asserted below. Whoever adds a field to one meets
 * the assertion: pass the field here, raise RECORD_CODEC_VERSION, mend the size.
 */
#include "harness/run/record_codec.h"

#include <stdlib.h>
#include <string.h>

#if __SIZEOF_POINTER__ == 8
_Static_assert(sizeof(struct replication_record) == 72 && sizeof(struct arm_record) == 280 &&
                       sizeof(struct journal_entry) == 144 && sizeof(struct edge_totals) == 72 &&
                       sizeof(struct fault_effect) == 48 && sizeof(struct incident) == 64 &&
                       sizeof(struct series_bin) == 56 && sizeof(struct probe_value) == 16 &&
                       sizeof(struct phase_measure) == 4712 &&
                       sizeof(struct service_measure) == 18960,
               "a record has a new field: pass it here, too (see the top of this file)");
#endif

enum { TEXTS_MAX = 1024 };

struct codec {
        bool reading;
        bool failed; /* no memory, or bytes that are none of ours */
        struct record_bytes *out;
        const unsigned char *at, *end;
        struct arena *arena;
        struct text_pool *pool;
        const char *texts[TEXTS_MAX]; /* those that came before, by index */
        uint32_t text_count;
};

void record_bytes_release(struct record_bytes *bytes)
{
        free(bytes->bytes);
        memset(bytes, 0, sizeof(*bytes));
}

/* ---- numbers */

static void put(struct codec *codec, const void *bytes, size_t count)
{
        struct record_bytes *out = codec->out;

        if (out->count + count > out->room) {
                size_t room = 2 * out->room + count + 4096;
                unsigned char *grown = realloc(out->bytes, room);

                if (grown == NULL) {
                        codec->failed = true;
                        return;
                }
                out->bytes = grown;
                out->room = room;
        }
        memcpy(out->bytes + out->count, bytes, count);
        out->count += count;
}

static bool take(struct codec *codec, void *bytes, size_t count)
{
        if (codec->failed || (size_t)(codec->end - codec->at) < count) {
                codec->failed = true;
                memset(bytes, 0, count);
                return false;
        }
        memcpy(bytes, codec->at, count);
        codec->at += count;
        return true;
}

static void pass_u64(struct codec *codec, uint64_t *value)
{
        unsigned char bytes[10];
        size_t count = 0;

        if (!codec->reading) {
                uint64_t left = *value;

                do {
                        bytes[count++] = (unsigned char)((left & 127) | (left > 127 ? 128 : 0));
                        left >>= 7;
                } while (left > 0);
                put(codec, bytes, count);
                return;
        }
        *value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
                unsigned char byte;

                if (!take(codec, &byte, 1))
                        return;
                *value |= (uint64_t)(byte & 127) << shift;
                if (byte < 128)
                        return;
        }
        codec->failed = true;
}

static void pass_u32(struct codec *codec, uint32_t *value)
{
        uint64_t wide = *value;

        pass_u64(codec, &wide);
        codec->failed = codec->failed || wide > UINT32_MAX;
        *value = (uint32_t)wide;
}

static void pass_i64(struct codec *codec, int64_t *value)
{
        uint64_t zigzag = ((uint64_t)*value << 1) ^ (uint64_t)(*value >> 63);

        pass_u64(codec, &zigzag);
        *value = (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
}

static void pass_bool(struct codec *codec, bool *value)
{
        unsigned char byte = *value;

        if (codec->reading)
                *value = take(codec, &byte, 1) && byte != 0;
        else
                put(codec, &byte, 1);
}

static void pass_double(struct codec *codec, double *value)
{
        if (codec->reading)
                take(codec, value, sizeof(*value));
        else
                put(codec, value, sizeof(*value));
}

static void pass_float(struct codec *codec, float *value)
{
        if (codec->reading)
                take(codec, value, sizeof(*value));
        else
                put(codec, value, sizeof(*value));
}

/* A number of things that take at least one byte each. */
static void pass_count(struct codec *codec, size_t *count)
{
        uint64_t wide = *count;

        pass_u64(codec, &wide);
        if (codec->reading && wide > (uint64_t)(codec->end - codec->at))
                codec->failed = true;
        *count = codec->failed ? 0 : (size_t)wide;
}

/* Room for what is read; what is written is there. False: do not touch it. */
static bool pass_array(struct codec *codec, void *array_pointer, size_t count, size_t size)
{
        void *array;

        if (codec->failed)
                return false;
        if (!codec->reading)
                return true;
        array = arena_alloc(codec->arena, count > 0 ? count : 1, size);
        memcpy(array_pointer, &array, sizeof(array));
        codec->failed = array == NULL;
        return array != NULL;
}

/* ---- texts: 0 is NULL, 1 a new one, 2 + i one that came before */

static void write_text(struct codec *codec, const char *text)
{
        uint64_t word = text == NULL ? 0 : 1;
        size_t length;

        for (uint32_t i = 0; text != NULL && i < codec->text_count && word == 1; i++)
                if (codec->texts[i] == text || strcmp(codec->texts[i], text) == 0)
                        word = 2 + i;
        pass_u64(codec, &word);
        if (text == NULL || word != 1)
                return;
        length = strlen(text);
        pass_count(codec, &length);
        put(codec, text, length);
        if (codec->text_count < TEXTS_MAX)
                codec->texts[codec->text_count++] = text;
}

static void read_text(struct codec *codec, const char **text)
{
        uint64_t word = 0;
        size_t length = 0;
        char *copy;

        *text = NULL;
        pass_u64(codec, &word);
        if (word == 0 || codec->failed)
                return;
        if (word >= 2) {
                codec->failed = word - 2 >= codec->text_count;
                *text = codec->failed ? NULL : codec->texts[word - 2];
                return;
        }
        pass_count(codec, &length);
        copy = codec->failed ? NULL : malloc(length + 1);
        if (copy == NULL || !take(codec, copy, length)) {
                codec->failed = true;
                free(copy);
                return;
        }
        copy[length] = '\0';
        *text = text_pool_keep(codec->pool, copy);
        free(copy);
        codec->failed = codec->failed || *text == NULL;
        if (*text != NULL && codec->text_count < TEXTS_MAX)
                codec->texts[codec->text_count++] = *text;
}

static void pass_text(struct codec *codec, const char **text)
{
        if (codec->reading)
                read_text(codec, text);
        else
                write_text(codec, *text);
}

/* Texts that readers may not find missing. */
static void pass_word(struct codec *codec, const char **text)
{
        pass_text(codec, text);
        if (codec->reading && *text == NULL)
                *text = "";
}

/* ---- measures */

static void pass_hist(struct codec *codec, struct hist *hist)
{
        uint32_t used = 0, at = 0;

        pass_u64(codec, &hist->count);
        pass_u64(codec, &hist->sum_ns);
        if (!codec->reading)
                for (uint32_t i = 0; i < HIST_BUCKET_COUNT; i++)
                        used += hist->bucket[i] != 0;
        pass_u32(codec, &used);
        for (uint32_t i = 0; i < used && !codec->failed; i++) {
                uint32_t gap = 0;

                while (!codec->reading && hist->bucket[at + gap] == 0)
                        gap++;
                pass_u32(codec, &gap);
                if (gap >= HIST_BUCKET_COUNT - at) {
                        codec->failed = true;
                        return;
                }
                at += gap;
                pass_u32(codec, &hist->bucket[at]);
                at++;
                if (at == HIST_BUCKET_COUNT && i + 1 < used)
                        codec->failed = true;
        }
}

static void pass_phase(struct codec *codec, struct phase_measure *phase)
{
        for (int o = 0; o < CALL_OUTCOME_COUNT; o++)
                pass_u64(codec, &phase->outcome[o]);
        pass_u64(codec, &phase->good);
        pass_u64(codec, &phase->bad);
        pass_double(codec, &phase->quality_sum);
        pass_hist(codec, &phase->latency);
        pass_double(codec, &phase->seconds);
}

static void pass_bin(struct codec *codec, struct series_bin *bin)
{
        uint32_t *counts[] = {&bin->calls,    &bin->good,     &bin->bad,     &bin->errors,
                              &bin->timeouts, &bin->rejected, &bin->degraded};
        float *means[] = {&bin->latency_p50_s, &bin->latency_p95_s, &bin->latency_p99_s,
                          &bin->queue_mean,    &bin->busy_mean,     &bin->workers_mean,
                          &bin->quality_sum};

        for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
                pass_u32(codec, counts[i]);
        for (size_t i = 0; i < sizeof(means) / sizeof(*means); i++)
                pass_float(codec, means[i]);
}

static void pass_service(struct codec *codec, struct service_measure *service)
{
        uint64_t *counts[] = {&service->calls,   &service->unfinished, &service->attempts,
                              &service->fallbacks, &service->arrived,  &service->started,
                              &service->completed, &service->dropped,  &service->abandoned,
                              &service->lost,    &service->rejected};
        double *sums[] = {&service->service_sum_s, &service->observed_s,    &service->queue_area_s,
                          &service->busy_area_s,   &service->worker_area_s, &service->system_area_s,
                          &service->sojourn_sum_s, &service->up_area_s,
                          &service->instance_area_s};

        for (int p = 0; p < PHASE_COUNT; p++)
                pass_phase(codec, &service->phase[p]);
        for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
                pass_u64(codec, counts[i]);
        pass_hist(codec, &service->waiting);
        for (size_t i = 0; i < sizeof(sums) / sizeof(*sums); i++)
                pass_double(codec, sums[i]);
        pass_count(codec, &service->second_count);
        if (pass_array(codec, &service->seconds, service->second_count, sizeof(*service->seconds)))
                for (size_t i = 0; i < service->second_count; i++) {
                        pass_u32(codec, &service->seconds[i].good);
                        pass_u32(codec, &service->seconds[i].bad);
                }
        pass_count(codec, &service->bin_count);
        if (pass_array(codec, &service->bins, service->bin_count, sizeof(*service->bins)))
                for (size_t i = 0; i < service->bin_count; i++)
                        pass_bin(codec, &service->bins[i]);
        pass_i64(codec, &service->bin_ns);
}

static void pass_incident(struct codec *codec, const struct run_meta *meta,
                          struct incident *incident)
{
        pass_u32(codec, &incident->service);
        pass_i64(codec, &incident->onset_ns);
        pass_i64(codec, &incident->noticed_ns);
        pass_i64(codec, &incident->restored_ns);
        pass_i64(codec, &incident->closed_ns);
        pass_u64(codec, &incident->bad_requests);
        pass_u64(codec, &incident->requests);
        pass_double(codec, &incident->lowest_share);
        codec->failed = codec->failed || incident->service >= meta->service_count;
}

/* ---- journal */

static void pass_index(struct codec *codec, uint32_t *index)
{
        uint32_t from_none = *index + 1; /* RECORD_NONE is 0 */

        pass_u32(codec, &from_none);
        *index = from_none - 1;
}

static void pass_entry(struct codec *codec, struct journal_entry *entry)
{
        uint32_t type = entry->type;

        pass_i64(codec, &entry->at_ns);
        pass_u32(codec, &type);
        codec->failed = codec->failed || type >= JOURNAL_TYPE_COUNT;
        entry->type = codec->failed ? JOURNAL_RUN_ENDED : (enum journal_type)type;
        pass_index(codec, &entry->service);
        pass_index(codec, &entry->instance);
        pass_index(codec, &entry->edge);
        pass_index(codec, &entry->ref);
        pass_u32(codec, &entry->sequence);
        pass_u64(codec, &entry->id);
        pass_u64(codec, &entry->episode);
        pass_u64(codec, &entry->prediction);
        pass_index(codec, &entry->action);
        pass_u32(codec, &entry->rank);
        pass_word(codec, &entry->kind);
        pass_word(codec, &entry->severity);
        pass_word(codec, &entry->metric);
        pass_word(codec, &entry->text);
        pass_word(codec, &entry->more);
        pass_double(codec, &entry->value);
        pass_double(codec, &entry->limit);
        pass_double(codec, &entry->confidence);
        pass_i64(codec, &entry->eta_ns);
        pass_bool(codec, &entry->ok);
        pass_bool(codec, &entry->preventive);
        pass_bool(codec, &entry->held_back);
}

/* ---- the rest of an arm */

static void pass_effect(struct codec *codec, const struct run_meta *meta,
                        struct fault_effect *effect)
{
        bool *on_service = NULL;

        pass_i64(codec, &effect->started_ns);
        pass_i64(codec, &effect->ended_ns);
        pass_u64(codec, &effect->touched);
        pass_double(codec, &effect->measured);
        pass_text(codec, &effect->measured_what);
        if (!pass_array(codec, &on_service, meta->service_count, sizeof(*on_service)))
                return;
        for (uint32_t s = 0; s < meta->service_count; s++) {
                bool acts = !codec->reading && effect->on_service != NULL && effect->on_service[s];

                pass_bool(codec, &acts);
                if (codec->reading)
                        on_service[s] = acts;
        }
        if (codec->reading)
                effect->on_service = on_service;
}

static void pass_edge(struct codec *codec, struct edge_totals *edge)
{
        pass_double(codec, &edge->open_s);
        pass_double(codec, &edge->half_open_s);
        pass_double(codec, &edge->closed_s);
        pass_u64(codec, &edge->opened);
        pass_u64(codec, &edge->half_opened);
        pass_u64(codec, &edge->closed);
        pass_u64(codec, &edge->trials_ok);
        pass_u64(codec, &edge->trials_failed);
        pass_u64(codec, &edge->refused);
}

static void pass_instances(struct codec *codec, const struct run_meta *meta,
                           struct arm_record *arm)
{
        const char **names = NULL;
        uint32_t *services = NULL;
        size_t count = arm->instance_count;
        const bool reading = codec->reading;

        pass_count(codec, &count);
        arm->instance_count = (uint32_t)count;
        if (!pass_array(codec, &names, count, sizeof(*names)) ||
            !pass_array(codec, &services, count, sizeof(*services)))
                return;
        for (size_t i = 0; i < count && !codec->failed; i++) {
                const char *name = reading ? NULL : arm->instance_names[i];
                uint32_t service = reading ? 0 : arm->instance_service[i];

                pass_word(codec, &name);
                pass_u32(codec, &service);
                codec->failed = codec->failed || service >= meta->service_count;
                if (reading && names != NULL && services != NULL) {
                        names[i] = name;
                        services[i] = service;
                }
        }
        if (reading) {
                arm->instance_names = names;
                arm->instance_service = services;
        }
}

/* Lists that an arm may do without. */
static bool pass_optional(struct codec *codec, void *array_pointer, size_t count, size_t size)
{
        void *array = NULL;
        bool is_there;

        memcpy(&array, array_pointer, sizeof(array));
        is_there = !codec->reading && array != NULL;
        pass_bool(codec, &is_there);
        return is_there && pass_array(codec, array_pointer, count, size);
}

static void pass_arm(struct codec *codec, const struct run_meta *meta, struct arm_record *arm)
{
        pass_instances(codec, meta, arm);
        pass_i64(codec, &arm->end_ns);
        if (pass_array(codec, &arm->services, meta->service_count, sizeof(*arm->services)))
                for (uint32_t s = 0; s < meta->service_count; s++)
                        pass_service(codec, &arm->services[s]);
        pass_count(codec, &arm->incident_count);
        if (pass_array(codec, &arm->incidents, arm->incident_count, sizeof(*arm->incidents)))
                for (size_t i = 0; i < arm->incident_count; i++)
                        pass_incident(codec, meta, &arm->incidents[i]);
        pass_count(codec, &arm->journal_count);
        if (pass_array(codec, &arm->journal, arm->journal_count, sizeof(*arm->journal)))
                for (size_t i = 0; i < arm->journal_count; i++)
                        pass_entry(codec, &arm->journal[i]);
        if (pass_optional(codec, &arm->faults, meta->fault_count, sizeof(*arm->faults)))
                for (uint32_t f = 0; f < meta->fault_count; f++)
                        pass_effect(codec, meta, &arm->faults[f]);
        if (pass_optional(codec, &arm->probes, meta->probe_count, sizeof(*arm->probes)))
                for (uint32_t p = 0; p < meta->probe_count; p++) {
                        pass_double(codec, &arm->probes[p].value);
                        pass_double(codec, &arm->probes[p].value_end);
                }
        if (pass_optional(codec, &arm->edges, meta->edge_count, sizeof(*arm->edges)))
                for (uint32_t e = 0; e < meta->edge_count; e++)
                        pass_edge(codec, &arm->edges[e]);
        pass_double(codec, &arm->instance_seconds_added);
        pass_double(codec, &arm->instance_seconds);
        pass_double(codec, &arm->degraded_s);
        pass_double(codec, &arm->failed_user_s);
        pass_u64(codec, &arm->human_pages);
        pass_u64(codec, &arm->root_requests);
        pass_u64(codec, &arm->root_unfinished);
        for (int o = 0; o < CALL_OUTCOME_COUNT; o++)
                pass_u64(codec, &arm->root_outcome[o]);
        pass_u64(codec, &arm->exogenous_hash);
        pass_u64(codec, &arm->timetable_hash);
        pass_u64(codec, &arm->overlay_before);
        pass_u64(codec, &arm->overlay_after);
        pass_u64(codec, &arm->events);
        pass_bool(codec, &arm->conserved);
        pass_text(codec, &arm->broken);
        pass_text(codec, &arm->healer_failure);
}

/* ---- a record: its arms, 0 for none, 1 for a new one, 2 + a for that of arm a */

static void pass_record(struct codec *codec, const struct run_meta *meta,
                        struct replication_record *record)
{
        uint32_t version = RECORD_CODEC_VERSION;

        pass_u32(codec, &version);
        codec->failed = codec->failed || version != RECORD_CODEC_VERSION;
        pass_u32(codec, &record->replication);
        pass_bool(codec, &record->all_good_at_end);
        pass_bool(codec, &record->interrupted);
        for (uint32_t a = 0; a < ARM_COUNT && !codec->failed; a++) {
                uint32_t word = codec->reading || record->arms[a] == NULL ? 0 : 1;

                for (uint32_t b = 0; word == 1 && b < a; b++)
                        if (record->arms[b] == record->arms[a])
                                word = 2 + b;
                pass_u32(codec, &word);
                if (codec->failed || word >= 2 + a) {
                        codec->failed = true;
                } else if (word >= 2) {
                        record->arms[a] = record->arms[word - 2];
                        codec->failed = record->arms[a] == NULL;
                } else if (word == 1 && pass_array(codec, &record->arms[a], 1,
                                                   sizeof(*record->arms[a]))) {
                        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): pass_array() made it */
                        uint32_t arm = record->arms[a]->arm;

                        pass_u32(codec, &arm);
                        codec->failed = codec->failed || arm >= ARM_COUNT;
                        if (codec->reading)
                                record->arms[a]->arm = (enum arm)arm;
                        pass_arm(codec, meta, record->arms[a]);
                }
        }
}

/* FNV-1a: against a file that rotted, not against malice. */
static uint64_t checksum(const unsigned char *bytes, size_t count)
{
        uint64_t sum = UINT64_C(14695981039346656037);

        for (size_t i = 0; i < count; i++)
                sum = (sum ^ bytes[i]) * UINT64_C(1099511628211);
        return sum;
}

bool record_encode(const struct run_meta *meta, const struct replication_record *record,
                   struct record_bytes *out)
{
        struct codec codec = {.out = out};
        struct replication_record copy = *record; /* its arms are not written to */
        uint64_t sum;

        out->count = 0;
        pass_record(&codec, meta, &copy);
        if (codec.failed)
                return false;
        sum = checksum(out->bytes, out->count);
        put(&codec, &sum, sizeof(sum));
        return !codec.failed;
}

bool record_decode(const struct run_meta *meta, const unsigned char *bytes, size_t count,
                   struct arena *arena, struct text_pool *texts, struct replication_record *out)
{
        struct codec codec = {.reading = true, .at = bytes, .arena = arena, .pool = texts};
        uint64_t sum;

        memset(out, 0, sizeof(*out));
        if (count < sizeof(sum))
                return false;
        memcpy(&sum, bytes + count - sizeof(sum), sizeof(sum));
        if (sum != checksum(bytes, count - sizeof(sum)))
                return false;
        codec.end = bytes + count - sizeof(sum);
        pass_record(&codec, meta, out);
        return !codec.failed && codec.at == codec.end;
}
