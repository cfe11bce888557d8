/* The recogniser of RFC 8259: a cursor, a stack of 64 bits, one function per token. */
#include "base/json_scan.h"

#include <stdint.h>
#include <string.h>

struct cursor {
    const char *text;
    size_t len;
    size_t at;
    const char *fault; /* NULL: no fault, or the text ended */
    uint64_t objects;  /* bit per open level: 1 = object, 0 = array; the newest is bit 0 */
    unsigned depth;
    unsigned values; /* begun so far */
};

static bool at_end(const struct cursor *c)
{
    return c->at >= c->len;
}

/* Record a fault at the cursor. Always false. */
static bool fault(struct cursor *c, const char *what)
{
    c->fault = what;
    return false;
}

size_t json_scan_blank(const char *text, size_t len, size_t at)
{
    while (at < len &&
           (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r'))
        at++;
    return at;
}

/* Each token function: true and the cursor behind it; false with a fault, or at the end. */

static bool scan_literal(struct cursor *c, const char *word)
{
    for (; *word != '\0'; word++, c->at++) {
        if (at_end(c))
            return false;
        if (c->text[c->at] != *word)
            return fault(c, "unknown word");
    }
    return true;
}

static bool scan_hex4(struct cursor *c)
{
    const char *digits = c->text + c->at;
    bool is_nul = true;

    for (int i = 0; i < 4; i++, c->at++) {
        if (at_end(c))
            return false;
        if (c->text[c->at] == '\0' || strchr("0123456789abcdefABCDEF", c->text[c->at]) == NULL)
            return fault(c, "bad \\u escape");
        is_nul = is_nul && digits[i] == '0';
    }
    return is_nul ? fault(c, "NUL character in a string") : true;
}

static bool scan_escape(struct cursor *c)
{
    c->at++; /* the backslash */
    if (at_end(c))
        return false;
    if (c->text[c->at] == 'u') {
        c->at++;
        return scan_hex4(c);
    }
    if (c->text[c->at] == '\0' || strchr("\"\\/bfnrt", c->text[c->at]) == NULL)
        return fault(c, "bad escape in a string");
    c->at++;
    return true;
}

static bool scan_string(struct cursor *c)
{
    if (c->text[c->at] != '"')
        return fault(c, "expected a member name in double quotes");
    c->at++;
    while (!at_end(c)) {
        char ch = c->text[c->at];

        if (ch == '"') {
            c->at++;
            return true;
        }
        if ((unsigned char)ch < 0x20)
            return fault(c, "control character in a string");
        if (ch != '\\')
            c->at++;
        else if (!scan_escape(c))
            return false;
    }
    return false;
}

static bool is_digit_at(const struct cursor *c)
{
    return !at_end(c) && c->text[c->at] >= '0' && c->text[c->at] <= '9';
}

/* One or more digits. */
static bool scan_digits(struct cursor *c)
{
    if (at_end(c))
        return false;
    if (!is_digit_at(c))
        return fault(c, "bad number");
    while (is_digit_at(c))
        c->at++;
    return true;
}

static bool skip_char(struct cursor *c, const char *any_of)
{
    if (at_end(c) || c->text[c->at] == '\0' || strchr(any_of, c->text[c->at]) == NULL)
        return false;
    c->at++;
    return true;
}

static bool scan_number(struct cursor *c)
{
    (void)skip_char(c, "-");
    if (skip_char(c, "0")) {
        if (is_digit_at(c))
            return fault(c, "number with a leading zero");
    } else if (!scan_digits(c)) {
        return false;
    }
    if (skip_char(c, ".") && !scan_digits(c))
        return false;
    if (skip_char(c, "eE")) {
        (void)skip_char(c, "+-");
        return scan_digits(c);
    }
    return true;
}

static bool scan_scalar(struct cursor *c)
{
    switch (c->text[c->at]) {
    case '"':
        return scan_string(c);
    case 't':
        return scan_literal(c, "true");
    case 'f':
        return scan_literal(c, "false");
    case 'n':
        return scan_literal(c, "null");
    default:
        if (c->text[c->at] == '-' || is_digit_at(c))
            return scan_number(c);
        return fault(c, "expected a value");
    }
}

static void skip_blank(struct cursor *c)
{
    c->at = json_scan_blank(c->text, c->len, c->at);
}

static bool in_object(const struct cursor *c)
{
    return (c->objects & 1) != 0;
}

static bool open_level(struct cursor *c)
{
    if (c->depth == JSON_DEPTH_MAX)
        return fault(c, "nested deeper than 64 levels");
    c->objects = c->objects << 1 | (c->text[c->at] == '{' ? 1 : 0);
    c->depth++;
    c->at++;
    return true;
}

/* Close the innermost level when its bracket is here. */
static bool close_level(struct cursor *c)
{
    if (at_end(c) || c->text[c->at] != (in_object(c) ? '}' : ']'))
        return false;
    c->objects >>= 1;
    c->depth--;
    c->at++;
    return true;
}

/* `"name" :` and the white space around it */
static bool scan_member_name(struct cursor *c)
{
    skip_blank(c);
    if (at_end(c) || !scan_string(c))
        return false;
    skip_blank(c);
    if (at_end(c))
        return false;
    if (c->text[c->at] != ':')
        return fault(c, "expected ':'");
    c->at++;
    return true;
}

/* After a value: close what ends here, then step over the comma to the next value. */
static bool scan_after_value(struct cursor *c)
{
    skip_blank(c);
    while (close_level(c)) {
        if (c->depth == 0)
            return true;
        skip_blank(c);
    }
    if (at_end(c))
        return false;
    if (c->text[c->at] != ',')
        return fault(c, in_object(c) ? "expected ',' or '}'" : "expected ',' or ']'");
    c->at++;
    return in_object(c) ? scan_member_name(c) : true;
}

/* A bracket or a scalar. *ret_after: a whole value lies behind us. */
static bool scan_step(struct cursor *c, bool *ret_after)
{
    *ret_after = true;
    if (++c->values > JSON_VALUES_MAX)
        return fault(c, "more than 100000 values");
    if (c->text[c->at] != '{' && c->text[c->at] != '[')
        return scan_scalar(c);
    if (!open_level(c))
        return false;
    skip_blank(c);
    if (close_level(c))
        return true;
    *ret_after = false;
    return in_object(c) ? scan_member_name(c) : true;
}

enum json_scan_result json_scan(const char *text, size_t len, size_t *ret_used,
                                const char **ret_fault)
{
    struct cursor c = {.text = text, .len = len};
    size_t value_end = 0;
    bool ok = true;

    do {
        bool after;

        skip_blank(&c);
        if (at_end(&c))
            return JSON_SCAN_PARTIAL;
        ok = scan_step(&c, &after);
        value_end = c.at;
        if (ok && after && c.depth > 0) {
            ok = scan_after_value(&c);
            value_end = c.at;
        }
    } while (ok && c.depth > 0);
    *ret_used = ok ? value_end : c.at;
    *ret_fault = c.fault;
    if (ok)
        return JSON_SCAN_COMPLETE;
    return c.fault != NULL ? JSON_SCAN_INVALID : JSON_SCAN_PARTIAL;
}
