/*
 * Places where a secret stands that nobody has registered: the userinfo of a URL, the value of an
 * Authorization header, what is assigned to a secret's name, a PEM private key.
 */
#include <string.h>

#include "base/redact.h"
#include "base/redact_parts.h"

#define NAME_LEN     13 /* "authorization" */
#define USER_MAX     256
#define PEM_TEXT     "PRIVATE KEY-----"
#define PEM_END      "-----END"
#define PEM_NAME_MAX 64 /* "-----BEGIN RSA PRIVATE KEY-----" */
#define BLANKS       " \t\r|"
#define BASE64       "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

static bool is_one_of(const char *set, char c)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* ---- URL ---- */

struct redact_span redact_url_password(const char *text, size_t len, size_t at)
{
    static const char ends[] = " \t\r\n\"'`<>/?#@";
    size_t from = at + 3, to;

    while (from < len && from < at + USER_MAX && text[from] != ':' && !is_one_of(ends, text[from]))
        from++;
    if (from >= len || text[from] != ':')
        return (struct redact_span){0};
    from++;
    /* up to the last @: it may stand in a password that nobody has encoded */
    for (size_t i = to = from; i < len && !is_one_of(" \t\r\n\"'`<>/?#", text[i]); i++)
        if (text[i] == '@')
            to = i;
    return (struct redact_span){from, to};
}

/* ---- Authorization ---- */

static size_t skip(const char *text, size_t len, size_t at, const char *set)
{
    while (at < len && is_one_of(set, text[at]))
        at++;
    return at;
}

struct redact_span redact_authorization(const char *text, size_t len, size_t at)
{
    size_t from = skip(text, len, at + NAME_LEN, "\"'\\"), to, word;
    char quote = '\0';

    if (from >= len || !is_one_of(":=", text[from]))
        return (struct redact_span){0};
    from = skip(text, len, skip(text, len, from + 1, " \t"), "\\");
    if (from < len && is_one_of("\"'", text[from]))
        quote = text[from++];
    for (to = from; to < len && !is_one_of("\r\n", text[to]) && !(quote && text[to] == quote); to++)
        ;
    /* "Bearer" and "Basic" tell nothing: they stay when something follows. */
    for (word = from; word < to && text[word] != ' '; word++)
        ;
    if (word + 1 < to)
        from = word + 1;
    return (struct redact_span){from, to};
}

/* ---- NAME=value ---- */

#define NAME_MAX  64
#define VALUE_MAX 256 /* enough to tell a plain word */
#define LETTERS   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

static void copy(char *to, size_t size, const char *from, size_t len)
{
    size_t n = len < size - 1 ? len : size - 1;

    memcpy(to, from, n);
    to[n] = '\0';
}

/* `${...}` is where a value comes from, not the value. */
static bool is_reference(const char *value, size_t len)
{
    return len > 1 && value[0] == '$' && value[1] == '{';
}

struct redact_span redact_assignment(const char *text, size_t len, size_t at)
{
    char name[NAME_MAX], value[VALUE_MAX];
    size_t begin = at, from = skip(text, len, at + 1, "\\"), to;
    const char *ends = " \t\r\n\"'`<>;&,\\";

    while (begin > 0 && at - begin < sizeof name - 1 && is_one_of(LETTERS, text[begin - 1]))
        begin--;
    if (from < len && is_one_of("\"'", text[from])) {
        ends = text[from] == '"' ? "\"\r\n\\" : "'\r\n\\";
        from++;
    }
    for (to = from; to < len && !is_one_of(ends, text[to]); to++)
        ;
    if (to - from < REDACT_MIN || is_reference(text + from, to - from))
        return (struct redact_span){0};
    copy(name, sizeof name, text + begin, at - begin);
    copy(value, sizeof value, text + from, to - from);
    return redact_is_secret(name, value) ? (struct redact_span){from, to} : (struct redact_span){0};
}

/* ---- PEM ---- */

/* Base64 without a gap, a header of old encrypted keys, or nothing. */
static bool is_body(const char *line, size_t len)
{
    static const char *const headers[] = {"Proc-Type:", "DEK-Info:"};

    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        if (len > strlen(headers[i]) && memcmp(line, headers[i], strlen(headers[i])) == 0)
            return true;
    while (len > 0 && is_one_of(BLANKS, line[len - 1]))
        len--;
    for (size_t i = skip(line, len, 0, BLANKS); i < len; i++)
        if (!is_one_of(BASE64, line[i]))
            return false;
    return true;
}

/* A longer one is none: hostile text must not make us search for ends that are not there. */
#define PEM_MAX (16u * 1024)

static size_t line_end(const char *text, size_t len, size_t at)
{
    const char *nl = memchr(text + at, '\n', len - at);

    return nl ? (size_t)(nl - text) : len;
}

/* The last line, which may not be complete: it looks like the END line so far. */
static bool begins_end(const char *line, size_t len)
{
    size_t at = skip(line, len, 0, BLANKS);
    size_t n = len - at < strlen(PEM_END) ? len - at : strlen(PEM_END);

    return memcmp(line + at, PEM_END, n) == 0;
}

/* The end of the body that begins at `from`: behind its END line, or before what is none. */
static size_t body_end(const char *text, size_t len, size_t from, bool *is_open)
{
    for (size_t at = from, end; at < len; at = end + 1) {
        end = line_end(text, len, at);
        const char *mark = memmem(text + at, end - at, PEM_END, strlen(PEM_END));
        if (mark) {
            size_t behind = (size_t)(mark - text) + strlen(PEM_END);
            const char *dashes = memmem(text + behind, end - behind, "-----", 5);
            *is_open = !dashes && end == len;
            return dashes ? (size_t)(dashes - text) + 5 : end;
        }
        if (at != from && !is_body(text + at, end - at) &&
            !(end == len && begins_end(text + at, end - at)))
            return at;
    }
    *is_open = true;
    return len;
}

struct redact_span redact_private_key(const char *text, size_t len, size_t at, bool *is_open)
{
    size_t room = len - at < PEM_NAME_MAX ? len - at : PEM_NAME_MAX;
    const char *name = memmem(text + at, room, PEM_TEXT, strlen(PEM_TEXT));

    *is_open = false;
    if (!name || memchr(text + at, '\n', (size_t)(name - text) - at))
        return (struct redact_span){0};
    bool is_long = len - at > PEM_MAX;
    size_t end = body_end(text, is_long ? at + PEM_MAX : len,
                          (size_t)(name - text) + strlen(PEM_TEXT), is_open);
    *is_open = *is_open && !is_long;
    return (struct redact_span){at, end};
}
