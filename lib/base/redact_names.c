/*
 * Which variables are secrets, by their names; and passwords inside of values.
 *
 * A name of the table makes the value a secret. Words that are also used for settings (KEY, AUTH)
 * do so only when the value is no plain word, number or path: `CACHE_KEY_PREFIX=shop` must not
 * turn every "shop" into a mark. Names that end like a setting (_FILE, _TTL) never do.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/redact.h"
#include "base/redact_parts.h"
#include "base/str.h"

#define NAME_MAX_LEN 256

enum word_flags {
    ANYWHERE = 1, /* also behind other letters: PGPASSWORD */
    WEAK = 2,     /* only when the value is no plain word */
};

/* THE table; each word ends with the name, a separator, a digit, or a plural S. */
static const struct {
    const char *word;
    unsigned flags;
} words[] = {
    {"PASSWORD",      ANYWHERE},
    {"PASSWD",        ANYWHERE},
    {"PASSPHRASE",    ANYWHERE},
    {"SECRET",        ANYWHERE},
    {"TOKEN",         ANYWHERE},
    {"CREDENTIAL",    ANYWHERE},
    {"AUTHORIZATION", ANYWHERE},
    {"WEBHOOK",       ANYWHERE},
    {"APIKEY",        ANYWHERE},
    {"ACCESSKEY",     ANYWHERE},
    {"SECRETKEY",     ANYWHERE},
    {"PRIVATEKEY",    ANYWHERE},
    {"MASTERKEY",     ANYWHERE},
    {"PASS",          WEAK    },
    {"PWD",           WEAK    },
    {"KEY",           WEAK    },
    {"AUTH",          WEAK    },
    {"DSN",           WEAK    },
    {"JWT",           WEAK    },
    {"SALT",          WEAK    },
    {"COOKIE",        WEAK    },
};

/* A name that ends so (behind a separator) holds a setting, not the secret. */
static const char *const settings[] = {"FILE",    "PATH",    "DIR",     "SOCK",   "TTL",
                                       "EXPIRY",  "EXPIRES", "TIMEOUT", "LENGTH", "SIZE",
                                       "ENABLED", "TYPE",    "METHOD",  "MODE",   "ALGORITHM",
                                       "HEADER",  "PREFIX",  "HOST",    "PORT",   "ISSUER"};

/* Members of a value that name a password: "host=db password=..." */
static const char *const members[] = {
    "password=", "passwd=", "pwd=", "secret=", "token=", "api_key=", "access_key=", "apikey="};

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_letter(char c)
{
    return is_upper(c) || is_lower(c);
}

/* ---- names ---- */

static bool begins_word(const char *name, size_t at)
{
    return at == 0 || !is_letter(name[at - 1]) || (is_lower(name[at - 1]) && is_upper(name[at]));
}

static bool ends_word(const char *name, size_t end)
{
    if (name[end] == 's' || name[end] == 'S')
        end++;
    return !is_letter(name[end]) || (is_lower(name[end - 1]) && is_upper(name[end]));
}

/* Does the word (in capitals) stand in the name at `at`? */
static bool has_word_at(const char *name, size_t at, const char *word, bool anywhere)
{
    size_t len = strlen(word);

    return (anywhere || begins_word(name, at)) && strncasecmp(name + at, word, len) == 0 &&
           ends_word(name, at + len);
}

static bool is_public(const char *name)
{
    for (size_t at = 0; name[at]; at++)
        if (has_word_at(name, at, "PUBLIC", false))
            return true;
    return false;
}

static bool is_setting(const char *name)
{
    size_t len = strlen(name);

    if (str_eq(name, "PWD") || str_eq(name, "OLDPWD") || is_public(name))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        size_t n = strlen(settings[i]);
        if (len > n && strcasecmp(name + len - n, settings[i]) == 0 && begins_word(name, len - n))
            return true;
    }
    return false;
}

/* ---- values ---- */

static bool has_only(const char *value, const char *set)
{
    return value[strspn(value, set)] == '\0';
}

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

/* What an application's setting looks like: a word, a number, a path. */
static bool is_plain(const char *value)
{
    return has_only(value, LOWER "-_.") || has_only(value, DIGITS) ||
           ((value[0] == '/' || value[0] == '.') && strchr(value + 1, '/') &&
            has_only(value, LOWER DIGITS "-_./"));
}

static bool is_switch(const char *value)
{
    static const char *const switches[] = {"enabled", "disabled", "required", "optional",
                                           "default", "always",   "undefined"};

    for (size_t i = 0; i < ARRAY_LEN(switches); i++)
        if (strcasecmp(value, switches[i]) == 0)
            return true;
    return false;
}

/* Does a word of the table stand in the name at `at`, and does the value agree? */
static bool is_secret_at(const char *name, size_t at, const char *value)
{
    int initial = toupper((unsigned char)name[at]);

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (words[i].word[0] == initial &&
            has_word_at(name, at, words[i].word, (words[i].flags & ANYWHERE) != 0) &&
            (!(words[i].flags & WEAK) || !is_plain(value)))
            return true;
    return false;
}

bool redact_is_secret(const char *name, const char *value)
{
    for (size_t at = 0; name[at]; at++)
        if (is_secret_at(name, at, value))
            return !is_setting(name) && !is_switch(value);
    return false;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : isxdigit((unsigned char)c) ? (c | 0x20) - 'a' + 10 : -1;
}

/* A password as it stands in a URL, and what it means. */
static void add_encoded(struct redact *r, const char *p, size_t len)
{
    AUTO(buf_done) struct buf plain = BUF_INIT(len + 1);

    redact_add(r, p, len);
    if (!memchr(p, '%', len))
        return;
    for (size_t i = 0; i < len; i++) {
        int high = p[i] == '%' && i + 2 < len ? hex_digit(p[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(p[i + 2]) : -1;
        char c = p[i];
        if (low >= 0) {
            c = (char)(high * 16 + low);
            i += 2;
        }
        (void)buf_addc(&plain, c);
    }
    redact_add(r, plain.p, plain.len);
}

static void add_url_passwords(struct redact *r, const char *value)
{
    size_t len = strlen(value);

    for (const char *at = value; (at = strstr(at, "://")); at += 3) {
        struct redact_span s = redact_url_password(value, len, (size_t)(at - value));
        if (s.to > s.from)
            add_encoded(r, value + s.from, s.to - s.from);
    }
}

static void add_members(struct redact *r, const char *value)
{
    if (!strchr(value, '='))
        return;
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        for (const char *at = value; (at = strcasestr(at, members[i]));) {
            at += strlen(members[i]);
            add_encoded(r, at, strcspn(at, ";&, \t\r\n\"'"));
        }
}

void redact_add_credentials(struct redact *r, const char *value)
{
    static const char *const schemes[] = {"Basic ", "Bearer ", "Token "};
    AUTO(buf_done) struct buf plain = BUF_INIT(REDACT_PIECE_MAX);

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        if (strncasecmp(value, schemes[i], strlen(schemes[i])) == 0)
            value += strlen(schemes[i]);
    redact_add(r, value, strlen(value));
    if (base64_decode(value, strlen(value), &plain) < 0)
        return;
    const char *colon = memchr(plain.p, ':', plain.len);
    if (colon)
        redact_add(r, colon + 1, plain.len - (size_t)(colon + 1 - plain.p));
}

/* ---- public ---- */

void redact_add_named(struct redact *r, const char *name, const char *value)
{
    if (!r || !value || strlen(value) < REDACT_MIN)
        return;
    if (redact_is_secret(name, value))
        redact_add_credentials(r, value);
    add_url_passwords(r, value);
    add_members(r, value);
}

void redact_add_pair(struct redact *r, const char *pair)
{
    size_t len = strcspn(pair, "=");
    char name[NAME_MAX_LEN] = "";

    if (!pair[len] || len >= sizeof name)
        return;
    memcpy(name, pair, len);
    name[len] = '\0';
    redact_add_named(r, name, pair + len + 1);
}

void redact_add_json(struct redact *r, const struct json *j)
{
    const char *value = json_value_str(j);

    if (!r)
        return;
    if (value && json_key(j))
        redact_add_named(r, json_key(j), value);
    else if (value)
        redact_add_pair(r, value);
    for (const struct json *c = json_first(j); c; c = json_next(c))
        redact_add_json(r, c);
}

size_t redact_assigned(const char *line, size_t len)
{
    char name[NAME_MAX_LEN] = "";
    size_t n = 0;

    for (size_t at = 0; at < len; at++) {
        bool is_part = is_letter(line[at]) || (line[at] && strchr(DIGITS "_.-", line[at]));
        name[n] = '\0';
        if ((line[at] == ':' || line[at] == '=') && redact_is_secret(name, "?"))
            return at + 1 + strspn(line + at + 1, " \t");
        if (is_part && n + 1 < sizeof name)
            name[n++] = line[at];
        else if (line[at] != '"' && line[at] != '\'')
            n = 0;
    }
    return len;
}
