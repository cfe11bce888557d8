/* Strict UTF-8 decoder (RFC 3629). */
#include "base/utf8.h"

#include "base/alloc.h"

size_t utf8_decode(const char *s, size_t len, uint32_t *ret)
{
    /* smallest: the first code point that needs this many bytes; less is an overlong form */
    static const struct {
        uint32_t mask, lead, smallest;
    } forms[] = {
        {0x80, 0x00, 0      },
        {0xE0, 0xC0, 0x80   },
        {0xF0, 0xE0, 0x800  },
        {0xF8, 0xF0, 0x10000},
    };
    uint32_t first = (unsigned char)s[0];

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        uint32_t c = first & ~forms[i].mask;

        if ((first & forms[i].mask) != forms[i].lead)
            continue;
        if (len < i + 1)
            return 0;
        for (size_t k = 1; k <= i; k++) {
            if (((unsigned char)s[k] & 0xC0) != 0x80)
                return 0;
            c = c << 6 | ((unsigned char)s[k] & 0x3F);
        }
        if (c < forms[i].smallest || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
            return 0;
        *ret = c;
        return i + 1;
    }
    return 0;
}
