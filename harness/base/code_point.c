/* code_point.c - a decoder of UTF-8 that takes any bytes, and what no text should hold.
 *
 * Over-long forms, surrogates and what is beyond U+10FFFF are no UTF-8 (RFC 3629). A wrong
 * sequence costs one byte only, so that a cut character does not swallow the one behind it.
 */
#include "harness/base/code_point.h"

#include <string.h>

size_t code_point_next(const char *at, size_t left, uint32_t *point)
{
        const unsigned char *byte = (const unsigned char *)at;
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        size_t length = byte[0] >= 0xF0 ? 4 : byte[0] >= 0xE0 ? 3 : byte[0] >= 0x80 ? 2 : 1;
        uint32_t value = byte[0];

        if (length == 1) {
                *point = value;
                return 1;
        }
        *point = CODE_POINT_REPLACEMENT;
        if (byte[0] < 0xC2 || byte[0] > 0xF4)
                return 1;
        value &= 0x7Fu >> length;
        for (size_t i = 1; i < length; i++) {
                if (i == left)
                        return 0;
                if ((byte[i] & 0xC0) != 0x80)
                        return 1;
                value = value << 6 | (byte[i] & 0x3Fu);
        }
        if (value < least[length] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000))
                return 1;
        *point = value;
        return length;
}

bool code_point_is_unwanted(uint32_t point)
{
        static const struct {
                uint32_t first, last;
        } ranges[] = {
                {0x00, 0x08},       {0x0B, 0x1F},       /* controls but for \t and \n */
                {0x7F, 0x9F},                           /* DEL, and controls of ISO 8859: CSI, OSC */
                {0x061C, 0x061C},   {0x200E, 0x200F},   /* direction marks */
                {0x2028, 0x2029},                       /* ends of lines to JavaScript */
                {0x202A, 0x202E},   {0x2066, 0x2069},   /* embeddings, overrides, isolates */
                {0xFEFF, 0xFEFF},   {0xFFF9, 0xFFFB},   /* byte order mark, annotations */
                {0xE0000, 0xE007F},                     /* tags: ASCII that nobody sees */
        };

        if (point >= 0x20 && point < 0x7F) /* nearly all */
                return false;
        for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
                if (point >= ranges[i].first && point <= ranges[i].last)
                        return true;
        return (point & 0xFFFE) == 0xFFFE;
}

/* Where the first byte is that is no part of UTF-8; the end when there is none. */
static const char *first_wrong(const char *text)
{
        while (*text != '\0') {
                uint32_t point;
                size_t length = code_point_next(text, 4, &point);

                if (length == 1 && point == CODE_POINT_REPLACEMENT)
                        break;
                text += length;
        }
        return text;
}

bool code_point_all_utf8(const char *text)
{
        return *first_wrong(text) == '\0';
}

void code_point_mend(char *text)
{
        size_t at = 0;

        while (text[at += (size_t)(first_wrong(text + at) - (text + at))] != '\0')
                text[at++] = '?';
}
