/*
 * Which variable or scalar carries the tag of a service's image; hash families by
 * Compose version.
 *
 * Input is the raw image scalar (before interpolation) next to the resolved text. Only a
 * tag that is exactly one variable, or contains none, can be written back.
 */
#include "compose/version.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image_ref.h"
#include "compose/map.h"

static bool is_name_byte(char c, bool first)
{
    return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (!first && c >= '0' && c <= '9');
}

/* Bytes of `${...}` or `$NAME` at s; 0 when s does not start a variable. */
static size_t variable_len(const char *s)
{
    size_t depth = 0, i = 1;

    if (s[0] != '$')
        return 0;
    if (s[1] != '{') {
        while (is_name_byte(s[i], i == 1))
            i++;
        return i > 1 ? i : 0;
    }
    for (; s[i]; i++) {
        if (s[i] == '{')
            depth++;
        else if (s[i] == '}' && --depth == 0)
            return i + 1;
    }
    return 0;
}

/* Skip one unit of raw text: an escaped dollar, a variable, or one byte. */
static size_t unit_len(const char *s)
{
    size_t len = variable_len(s);

    if (s[0] == '$' && s[1] == '$')
        return 2;
    return len ? len : 1;
}

void image_raw_split(const char *raw, struct image_raw *ret)
{
    *ret = (struct image_raw){.prefix_len = strlen(raw)};
    for (const char *s = raw; *s; s += unit_len(s)) {
        size_t at = (size_t)(s - raw);
        if (*s == '/') {
            ret->tag = NULL;
            ret->prefix_len = strlen(raw);
        } else if (*s == ':' && !ret->tag) {
            ret->tag = s + 1;
            ret->prefix_len = at;
        } else if (*s == '@') {
            ret->digest = s + 1;
            ret->tag_len = ret->tag ? (size_t)(s - ret->tag) : 0;
            if (!ret->tag)
                ret->prefix_len = at;
            return;
        }
    }
    ret->tag_len = ret->tag ? strlen(ret->tag) : 0;
}

static bool has_variable(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i += unit_len(s + i))
        if (variable_len(s + i) > 0)
            return true;
    return false;
}

/* Name of the variable when text is exactly one: `$V`, `${V}`, `${V-d}`, `${V:?m}`; else -1. */
static int sole_variable(const char *text, size_t len, char out[65])
{
    const char *name = text + 1;
    size_t n = 0;

    if (len < 2 || variable_len(text) != len)
        return -1;
    bool braces = *name == '{';
    if (braces)
        name++;
    while (is_name_byte(name[n], n == 0))
        n++;
    const char *op = name + n;
    if (n == 0 || n > 64)
        return -1;
    if (braces && *op == ':')
        op++;
    if (braces && *op != '}' && *op != '-' && *op != '?')
        return -1;
    memcpy(out, name, n);
    out[n] = '\0';
    return 0;
}

static enum compose_version_kind classify(const char *raw, const struct image_ref *ref,
                                          char variable[65])
{
    struct image_raw parts;
    bool resolved_more = ref->tag[0] || ref->digest[0];

    image_raw_split(raw, &parts);
    if (parts.digest)
        return has_variable(parts.digest, strlen(parts.digest)) ||
                       (parts.tag && has_variable(parts.tag, parts.tag_len))
                   ? COMPOSE_VERSION_COMPLEX
                   : COMPOSE_VERSION_LITERAL;
    if (!parts.tag)
        return has_variable(raw, strlen(raw)) && resolved_more ? COMPOSE_VERSION_COMPLEX
                                                               : COMPOSE_VERSION_LITERAL;
    if (!has_variable(parts.tag, parts.tag_len))
        return COMPOSE_VERSION_LITERAL;
    return sole_variable(parts.tag, parts.tag_len, variable) == 0 ? COMPOSE_VERSION_VARIABLE
                                                                  : COMPOSE_VERSION_COMPLEX;
}

const struct compose_source *compose_source_find(const struct compose_project *p,
                                                 const char *service)
{
    for (size_t i = 0; i < p->n_sources; i++)
        if (str_eq(p->sources[i].service, service))
            return &p->sources[i];
    return NULL;
}

/* The text before tag and digest. */
static int copy_repository(const char *image, const struct image_ref *ref, char out[256],
                           struct ship_error *err)
{
    size_t len = strlen(image);

    if (ref->digest[0])
        len -= strlen(ref->digest) + 1;
    if (ref->tag[0])
        len -= strlen(ref->tag) + 1;
    if (len >= 256)
        return ship_fail(err, SHIP_INVALID, "image '%s': repository name is longer than 255 bytes",
                         image);
    memcpy(out, image, len);
    out[len] = '\0';
    return 0;
}

int compose_service_version(const struct compose_project *p, const char *service,
                            struct compose_version *ret, struct ship_error *err)
{
    const struct compose_source *source = compose_source_find(p, service);
    const char *image = json_str(model_service(p, service), "image");
    struct compose_version v = {.kind = COMPOSE_VERSION_LITERAL};
    struct image_ref ref;

    if (!model_service(p, service))
        return ship_fail(err, SHIP_INVALID, "no service '%s' in the compose files", service);
    if (str_empty(image)) {
        ship_fail(err, SHIP_INVALID, "service '%s' has no image", service);
        return ship_error_hint(err, "add 'image: <repository>:<tag>' to service '%s'", service);
    }
    if (image_ref_parse(image, &ref, err) != 0)
        return ship_error_wrap(err, "service '%s'", service);
    if (copy_repository(image, &ref, v.repository, err) != 0)
        return -1;
    (void)snprintf(v.tag, sizeof v.tag, "%s", ref.tag);
    (void)snprintf(v.digest, sizeof v.digest, "%s", ref.digest);
    if (source && source->image_raw)
        v.kind = classify(source->image_raw, &ref, v.variable);
    *ret = v;
    return 0;
}

int compose_set_image(struct compose_project *p, const char *service, const char *image,
                      struct ship_error *err)
{
    struct json *def = json_edit(json_edit(p->model, "services"), service);
    struct image_ref ref;

    if (!def)
        return ship_fail(err, SHIP_INVALID, "no service '%s' in the compose files", service);
    if (image_ref_parse(image, &ref, err) != 0)
        return ship_error_wrap(err, "service '%s'", service);
    json_set_str(def, "image", image);
    for (size_t i = 0; i < p->n_services; i++)
        if (str_eq(p->services[i].name, service))
            p->services[i].image = json_str(def, "image");
    return 0;
}

/* First version of each family, newest first, and the label we write for it. */
static const struct {
    int major, minor, patch;
    enum compose_family family;
    const char *label;
} families[] = {
    {5, 0,  0, COMPOSE_FAMILY_V5,      "5.5.0" },
    {2, 30, 2, COMPOSE_FAMILY_V2_30_2, "2.40.3"},
    {2, 29, 3, COMPOSE_FAMILY_V2_29_3, "2.30.1"},
    {2, 24, 0, COMPOSE_FAMILY_V2_24,   "2.26.1"},
};

enum compose_family compose_family_of(const char *version_label)
{
    int major = 0, minor = 0, patch = 0;

    if (!version_label)
        return COMPOSE_FAMILY_V5;
    if (*version_label == 'v')
        version_label++;
    /* NOLINTNEXTLINE(cert-err34-c): four digits fit */
    if (sscanf(version_label, "%4d.%4d.%4d", &major, &minor, &patch) < 2)
        return COMPOSE_FAMILY_V5;
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        int order = major - families[i].major;
        order = order ? order : minor - families[i].minor;
        order = order ? order : patch - families[i].patch;
        if (order >= 0)
            return families[i].family;
    }
    return COMPOSE_FAMILY_V5;
}

const char *compose_family_version(enum compose_family f)
{
    for (size_t i = 0; i < ARRAY_LEN(families); i++)
        if (families[i].family == f)
            return families[i].label;
    return families[0].label;
}
