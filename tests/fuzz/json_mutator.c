/* json_mutator.c - mutations of JSON that stay JSON, for the targets whose input it is.
 *
 * Changed bytes hardly ever leave a document whole, so that what is behind the parser would
 * be seen by few inputs. Here a value somewhere in the tree is taken out, doubled, moved or
 * replaced, and keys and words come from scenario.schema.json, so that a new one is tried
 * without a word here. One mutation in four is of bytes, which is what breaks the syntax.
 *
 * A target may have several documents in its input, with lines of `====` between them: one
 * of them is changed.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 4096, TEXT_MAX = 200, CHANGES_MAX = 3, BYTES_IN = 4 };

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t size_max);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t size_max, unsigned int seed);

static const char parting[] = "\n====\n";
static json_t *schema; /* owns the words */
static const char *words[WORDS_MAX];
static size_t word_count;
static uint32_t state; /* of the draws */

/* What a reader may not expect; JSON by itself. */
static const char *const oddities[] = {
        "null", "true", "false", "0", "-1", "1", "2", "0.5", "1e308", "1e-308", "-0.0", "1e999",
        "4294967296", "9007199254740993", "9223372036854775807", "-9223372036854775808",
        "\"\"", "[]", "{}", "[[]]", "[{}]", "[null]", "\"0s\"", "\"1ms\"", "\"-1s\"", "\"9e18s\"",
        "\"290y\"", "\"0%\"", "\"100%\"", "\"101%\"", "\"1/s\"", "\"0/s\"", "\"1MiB\"", "\"nan\"",
        "\"inf\"", "\"..\"", "\"/dev/null\"", "\"shop\"", "\"bank\"", "\"none\"", "\"default\"",
        "\"*\"", "\"\\u0000\"", "\"\\u001b[2J\"", "\"\\u202e\"", "\"<script>\"", "\"=1+1\"",
};

/* Xorshift: what is drawn follows from libFuzzer's seed alone. */
static uint32_t draw(uint32_t below)
{
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        return state % below;
}

static void take_word(const char *word)
{
        if (word_count < WORDS_MAX && word != NULL)
                words[word_count++] = word;
}

/* Keys and texts of the schema, which has those of scenarios and strategies. */
static void take_words(const json_t *node)
{
        const char *key;
        json_t *value;
        size_t i;

        json_object_foreach((json_t *)(uintptr_t)node, key, value) {
                take_word(key);
                take_words(value);
        }
        json_array_foreach(node, i, value)
                take_words(value);
        if (json_is_string(node) && json_string_length(node) < 40)
                take_word(json_string_value(node));
}

static const char *a_word(void)
{
        if (schema == NULL) {
                schema = json_load_file(FUZZ_SCHEMA, 0, NULL);
                if (schema == NULL)
                        abort();
                take_words(schema);
        }
        return words[draw((uint32_t)word_count)];
}

static json_t *an_oddity(void)
{
        uint32_t i = draw(sizeof(oddities) / sizeof(oddities[0]) + 4);

        if (i >= sizeof(oddities) / sizeof(oddities[0]))
                return json_string(a_word());
        return json_loads(oddities[i], JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
}

/* ---- one place in the tree */

struct place {
        json_t *node, *parent; /* parent NULL: the whole */
        const char *key;       /* in an object */
        size_t index;          /* in an array */
};

static size_t count_nodes(const json_t *node)
{
        const char *key;
        json_t *value;
        size_t count = 1, i;

        json_object_foreach((json_t *)(uintptr_t)node, key, value)
                count += count_nodes(value);
        json_array_foreach(node, i, value)
                count += count_nodes(value);
        return count;
}

/* The `*left`-th from here on, the parent before what is in it. */
static bool find(struct place here, size_t *left, struct place *out)
{
        struct place inner = {.parent = here.node};

        if ((*left)-- == 0) {
                *out = here;
                return true;
        }
        json_object_foreach(here.node, inner.key, inner.node)
                if (find(inner, left, out))
                        return true;
        inner.key = NULL;
        json_array_foreach(here.node, inner.index, inner.node)
                if (find(inner, left, out))
                        return true;
        return false;
}

static struct place a_place(json_t *root)
{
        size_t left = draw((uint32_t)count_nodes(root));
        struct place place = {.node = root};

        find((struct place){.node = root}, &left, &place);
        return place;
}

/* Takes `value`. The whole is never replaced. */
static void put(const struct place *place, json_t *value)
{
        if (json_is_object(place->parent))
                json_object_set_new(place->parent, place->key, value);
        else if (json_is_array(place->parent))
                json_array_set_new(place->parent, place->index, value);
        else
                json_decref(value);
}

static void leave_out(const struct place *place)
{
        if (json_is_object(place->parent))
                json_object_del(place->parent, place->key);
        else if (json_is_array(place->parent))
                json_array_remove(place->parent, place->index);
}

static void add(const struct place *place, json_t *value)
{
        if (json_is_object(place->node))
                json_object_set_new(place->node, a_word(), value);
        else if (json_is_array(place->node))
                json_array_insert_new(place->node, draw((uint32_t)json_array_size(place->node) + 1), value);
        else if (json_is_array(place->parent))
                json_array_insert_new(place->parent, place->index, value);
        else
                put(place, value);
}

/* A text with changed bytes; what is no text then is taken as it was. */
static json_t *changed_text(const json_t *node)
{
        uint8_t bytes[TEXT_MAX];
        size_t length = json_string_length(node);
        json_t *changed;

        if (length > TEXT_MAX / 2)
                length = TEXT_MAX / 2;
        memcpy(bytes, json_string_value(node), length);
        length = LLVMFuzzerMutate(bytes, length, TEXT_MAX);
        changed = json_stringn((const char *)bytes, length);
        return changed != NULL ? changed : json_string(a_word());
}

static json_t *changed_number(double value)
{
        static const double factors[] = {-1, 0.5, 2, 1000, 1e-9, 1e300};
        uint32_t i = draw(sizeof(factors) / sizeof(factors[0]) + 2);
        double changed = i < 6 ? value * factors[i] : i == 6 ? value + 1 : value - 1;

        if (changed > -9e15 && changed < 9e15 && changed == (double)(json_int_t)changed)
                return json_integer((json_int_t)changed);
        return json_real(changed); /* NULL where it is none */
}

static json_t *changed(const json_t *node)
{
        json_t *value = NULL;

        if (json_is_string(node))
                value = changed_text(node);
        else if (json_is_number(node))
                value = changed_number(json_number_value(node));
        return value != NULL ? value : an_oddity();
}

static void change(json_t *root)
{
        struct place place = a_place(root), other = a_place(root);

        switch (draw(8)) {
        case 0:
                leave_out(&place);
                break;
        case 1:
                put(&place, an_oddity());
                break;
        case 2:
                put(&place, json_deep_copy(other.node));
                break;
        case 3:
                add(&place, an_oddity());
                break;
        case 4:
                add(&place, json_deep_copy(other.node));
                break;
        default:
                put(&place, changed(place.node));
        }
}

/* ---- */

/* In place of `size` bytes; SIZE_MAX: this is no document, or what came out is too long. */
static size_t change_document(uint8_t *bytes, size_t size, size_t size_max)
{
        json_t *root = json_loadb((const char *)bytes, size, JSON_ALLOW_NUL, NULL);
        size_t length = SIZE_MAX;
        char *text;

        if (root == NULL)
                return SIZE_MAX;
        for (uint32_t i = 0, count = 1 + draw(CHANGES_MAX); i < count; i++)
                change(root);
        text = json_dumps(root, JSON_COMPACT);
        if (text != NULL && strlen(text) <= size_max) {
                length = strlen(text);
                memcpy(bytes, text, length);
        }
        free(text);
        json_decref(root);
        return length;
}

/* The document that is changed: all, or one of those that lines part. */
static void a_part(const uint8_t *bytes, size_t size, size_t *begin, size_t *end)
{
        uint32_t skip = draw(4);
        const uint8_t *stop;

        *begin = 0;
        for (;; skip--) {
                stop = memmem(bytes + *begin, size - *begin, parting, sizeof(parting) - 1);
                *end = stop == NULL ? size : (size_t)(stop - bytes);
                if (stop == NULL || skip == 0)
                        return;
                *begin = *end + sizeof(parting) - 1;
        }
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t size_max, unsigned int seed)
{
        size_t begin, end, changed_size;
        uint8_t *copy;

        state = seed * 2654435761u + 1;
        if (state == 0)
                state = 1;
        if (draw(BYTES_IN) == 0)
                return LLVMFuzzerMutate(bytes, size, size_max);
        a_part(bytes, size, &begin, &end);
        copy = malloc(size_max);
        if (copy == NULL)
                abort();
        memcpy(copy, bytes + begin, end - begin);
        changed_size = change_document(copy, end - begin, size_max - (size - (end - begin)));
        if (changed_size == SIZE_MAX) {
                size = LLVMFuzzerMutate(bytes, size, size_max);
        } else {
                memmove(bytes + begin + changed_size, bytes + end, size - end);
                memcpy(bytes + begin, copy, changed_size);
                size += changed_size - (end - begin);
        }
        free(copy);
        return size;
}
