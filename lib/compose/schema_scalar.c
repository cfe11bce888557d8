/* Typing of single values (reference page, sections 3 and 8). Errors go to diag. */
#include "compose/schema_scalar.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "compose/scalars.h"
#include "compose/shellwords.h"
#include "compose/units.h"

const struct compose_attribute schema_text_row = {.name = "text", .kind = KIND_TEXT};

static struct yaml_node *fault(struct scope *s, enum compose_class c, const struct yaml_node *n,
                               const struct path *path, const char *what)
{
    char where[PATH_TEXT_MAX];

    diag_error(&s->loader->diag, c, &n->mark, "'%s': '%.80s' %s", path_format(path, where), n->text,
               what);
    return NULL;
}

/* Write the canonical text into the node. */
static struct yaml_node *become(struct scope *s, struct yaml_node *n, const char *text,
                                enum yaml_style style)
{
    if (strcmp(n->text, text) != 0) {
        const struct yaml_node *fresh = yaml_new_scalar(s->loader->scratch, text, style, &n->mark);
        n->text = fresh->text;
        n->len = fresh->len;
    }
    n->style = style;
    return n;
}

static bool has_word(const char *words, const char *text)
{
    size_t len = strlen(text);

    for (const char *w = words; w; w = strchr(w, '|')) {
        w += *w == '|';
        if (strcspn(w, "|") == len && strncmp(w, text, len) == 0)
            return true;
        if (!*w)
            break;
    }
    return false;
}

/* Allowed texts of a string row. */
static struct yaml_node *check_text(struct scope *s, const struct compose_attribute *a,
                                    struct yaml_node *n, const struct path *path)
{
    char what[160];

    if (a->words && !has_word(a->words, n->text)) {
        (void)snprintf(what, sizeof what, "is not one of %s", a->words);
        return fault(s, COMPOSE_CLASS_schema_enum, n, path, what);
    }
    if (a->pattern && !a->pattern(n->text))
        return fault(s, COMPOSE_CLASS_schema_pattern, n, path, "is not a valid value");
    return n;
}

static struct yaml_node *to_string(struct scope *s, const struct compose_attribute *a,
                                   struct yaml_node *n, const struct path *path)
{
    char what[80];
    struct scalar v = scalar_of(n);

    if (v.type != SCALAR_STRING) {
        (void)snprintf(what, sizeof what, "must be a string, not a %s; put it in quotes",
                       scalar_type_name(v.type));
        return fault(s, COMPOSE_CLASS_schema, n, path, what);
    }
    n->style = YAML_DOUBLE;
    if (a->kind == KIND_PATH) {
        AUTO_FREE char *absolute = files_resolve(s->loader, s->dir, n->text);
        become(s, n, absolute, YAML_DOUBLE);
    }
    return check_text(s, a, n, path);
}

static struct yaml_node *to_text(struct scope *s, struct yaml_node *n, const struct path *path)
{
    char where[PATH_TEXT_MAX];
    struct scalar v = scalar_of(n);

    if (v.infinite)
        return fault(s, COMPOSE_CLASS_unsupported_number, n, path,
                     "is not a finite number; put it in quotes");
    if (v.surprising)
        diag_warn(&s->loader->diag, &n->mark,
                  "'%s': unquoted %.40s is read as %s and becomes '%s'; put it in quotes",
                  path_format(path, where), n->text,
                  v.type == SCALAR_TIME  ? "a timestamp"
                  : v.type == SCALAR_INT ? "an octal number"
                                         : "a number",
                  v.text);
    return become(s, n, v.type == SCALAR_STRING ? n->text : v.text, YAML_DOUBLE);
}

static struct yaml_node *to_bool(struct scope *s, struct yaml_node *n, const struct path *path)
{
    char where[PATH_TEXT_MAX];
    bool value;
    struct scalar v = scalar_of(n);

    if (v.type != SCALAR_STRING && v.type != SCALAR_BOOL)
        return fault(s, COMPOSE_CLASS_schema, n, path, "must be true or false");
    int rc = scalar_parse_bool(n->text, &value);
    if (rc < 0)
        return fault(s, COMPOSE_CLASS_bad_boolean, n, path, "must be true or false");
    if (rc > 0)
        diag_warn(&s->loader->diag, &n->mark, "'%s': write '%s' instead of '%s'",
                  path_format(path, where), value ? "true" : "false", n->text);
    return become(s, n, value ? "true" : "false", YAML_PLAIN);
}

static struct yaml_node *to_int(struct scope *s, struct yaml_node *n, const struct path *path)
{
    char text[24];
    int64_t value;
    struct scalar v = scalar_of(n);

    if (v.type != SCALAR_STRING && v.type != SCALAR_INT)
        return fault(s, COMPOSE_CLASS_schema, n, path, "must be an integer");
    if (str_to_i64(v.type == SCALAR_INT ? v.text : n->text, &value) < 0)
        return fault(s, COMPOSE_CLASS_schema, n, path, "must be an integer");
    (void)snprintf(text, sizeof text, "%" PRId64, value);
    return become(s, n, text, YAML_PLAIN);
}

static struct yaml_node *to_number(struct scope *s, struct yaml_node *n, const struct path *path)
{
    char text[40];
    double value;
    struct scalar v = scalar_of(n);
    const char *source = v.type == SCALAR_INT ? v.text : n->text;

    if (v.type == SCALAR_NULL || v.type == SCALAR_BOOL || v.type == SCALAR_TIME || v.infinite)
        return fault(s, COMPOSE_CLASS_schema, n, path, "must be a number");
    if (v.type == SCALAR_FLOAT)
        value = v.number;
    else if (str_to_double(source, &value) < 0)
        return fault(s, COMPOSE_CLASS_schema, n, path, "must be a number");
    (void)snprintf(text, sizeof text, "%.17g", value);
    return become(s, n, text, YAML_PLAIN);
}

static struct yaml_node *to_size(struct scope *s, struct yaml_node *n, const struct path *path)
{
    char text[24];
    int64_t value;
    struct scalar v = scalar_of(n);

    if ((v.type != SCALAR_STRING && v.type != SCALAR_INT) ||
        compose_size_bytes(v.type == SCALAR_INT ? v.text : n->text, &value) < 0)
        return fault(s, COMPOSE_CLASS_bad_size, n, path,
                     "is not a size; write 512m, 1.5g or a number of bytes");
    (void)snprintf(text, sizeof text, "%" PRId64, value);
    return become(s, n, text, YAML_DOUBLE);
}

static struct yaml_node *to_duration(struct scope *s, struct yaml_node *n, const struct path *path)
{
    char text[UNITS_DURATION_MAX];
    int64_t ns;
    struct scalar v = scalar_of(n);

    if (v.type != SCALAR_STRING)
        return fault(s, COMPOSE_CLASS_schema, n, path,
                     "must be a duration with a unit, such as 30s or 1m30s");
    if (compose_duration_ns(n->text, &ns) < 0)
        return fault(s, COMPOSE_CLASS_bad_duration, n, path,
                     "is not a duration; write 30s, 1m30s or 500ms");
    return become(s, n, units_format_duration(ns, text), YAML_DOUBLE);
}

struct yaml_node *schema_scalar(struct scope *s, const struct compose_attribute *a,
                                struct yaml_node *n, const struct path *path)
{
    switch (a->kind) {
    case KIND_BOOL:
        return to_bool(s, n, path);
    case KIND_INT:
        return to_int(s, n, path);
    case KIND_NUMBER:
        return to_number(s, n, path);
    case KIND_SIZE:
        return to_size(s, n, path);
    case KIND_DURATION:
        return to_duration(s, n, path);
    case KIND_TEXT:
        return to_text(s, n, path);
    case KIND_ANY:
    case KIND_STRING:
    case KIND_PATH:
    case KIND_COMMAND:
    case KIND_ENV:
    case KIND_DICT:
    case KIND_LIST:
    case KIND_MAP:
    case KIND_OBJECT:
    default:
        return to_string(s, a, n, path);
    }
}

static struct yaml_node *split_command(struct scope *s, struct yaml_node *n,
                                       const struct path *path)
{
    AUTO(strv_done) struct strv words = {0};
    char where[PATH_TEXT_MAX];
    bool dropped = false;
    struct ship_error err = {0};

    if (shellwords_split(n->text, &words, &dropped, &err) < 0) {
        diag_error(&s->loader->diag, COMPOSE_CLASS_bad_command_string, &n->mark, "'%s': %s; %s",
                   path_format(path, where), err.msg, err.hint);
        return NULL;
    }
    if (dropped)
        diag_warn(
            &s->loader->diag, &n->mark,
            "'%s': everything from the first unquoted ; & | < or > on is dropped, there is no "
            "shell; write [\"sh\", \"-c\", \"...\"]",
            path_format(path, where));
    struct yaml_node *list = yaml_new_sequence(s->loader->scratch, &n->mark);
    for (size_t i = 0; i < words.n; i++)
        yaml_append(s->loader->scratch, list, tree_string(s->loader, words.v[i], &n->mark));
    return list;
}

struct yaml_node *schema_command(struct scope *s, struct yaml_node *n, const struct path *path)
{
    static const struct compose_attribute word = {.name = "item", .kind = KIND_STRING};
    static const struct compose_attribute list = {.name = "list", .kind = KIND_LIST, .sub = &word};

    if (yaml_is_null(n))
        return n;
    if (n->kind == YAML_SEQUENCE)
        return schema_apply(s, &list, n, path);
    if (n->kind == YAML_SCALAR && scalar_of(n).type == SCALAR_STRING)
        return split_command(s, n, path);
    char where[PATH_TEXT_MAX];
    diag_error(&s->loader->diag, COMPOSE_CLASS_schema, &n->mark,
               "'%s' must be a string or a list of strings", path_format(path, where));
    return NULL;
}
