/* The public face of the text helpers: what cmd/ may use of str.h and json.h. */
#include "shipctl/text.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"

_Static_assert(SHIP_TEXT_MAX >= STR_DURATION_MAX, "durations must fit the public size");
_Static_assert(SHIP_TEXT_MAX >= STR_BYTES_MAX, "byte counts must fit the public size");
_Static_assert(SHIP_TEXT_MAX >= STR_TIME_MAX, "time stamps must fit the public size");

/* An invalid byte becomes four characters; nothing grows more. */
#define SANITIZE_GROWTH 4

const char *ship_text_duration(int64_t ms, char out[SHIP_TEXT_MAX])
{
    return str_format_duration(ms, out);
}

const char *ship_text_bytes(uint64_t bytes, char out[SHIP_TEXT_MAX])
{
    return str_format_bytes(bytes, out);
}

const char *ship_text_time(int64_t epoch_ms, char out[SHIP_TEXT_MAX])
{
    return str_format_time(epoch_ms, out);
}

int ship_text_parse_duration(const char *s, int64_t *ret_ms)
{
    return str_to_duration_ms(s, ret_ms);
}

int ship_text_parse_time(const char *s, int64_t *ret_epoch_ms)
{
    char text[STR_TIME_MAX];

    if (strlen(s) != strlen("YYYY-MM-DD"))
        return str_to_time_ms(s, ret_epoch_ms);
    (void)snprintf(text, sizeof text, "%.10sT00:00:00Z", s);
    return str_to_time_ms(text, ret_epoch_ms);
}

char *ship_text_sanitize(const char *s, size_t len)
{
    AUTO(buf_done) struct buf out = BUF_INIT(len * SANITIZE_GROWTH);

    str_sanitize(&out, s, len);
    return buf_steal(&out);
}

size_t ship_text_cells(const char *s)
{
    return str_cells(s);
}

const char *ship_text_closest(const char *word, const char *const *candidates, size_t n)
{
    return str_closest(word, candidates, n);
}

char *ship_text_json_string(const char *s)
{
    AUTO_PTR(json_free) struct json *value = json_string(s);

    return json_print(value);
}
