/*
 * Canonical tree -> JSON in compose-go's form. Driven by the tables: zero
 * values are left out unless their row keeps them. Nothing here can fail.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/str.h"
#include "compose/load.h"
#include "compose/scalars.h"

static struct json *emit(const struct compose_attribute *a, const struct yaml_node *n);

static struct json *emit_scalar(const struct yaml_node *n)
{
    int64_t integer;
    struct scalar v = scalar_of(n);

    switch (v.type) {
    case SCALAR_NULL:
        return json_null();
    case SCALAR_BOOL:
        return json_boolean(v.boolean);
    case SCALAR_INT:
        if (str_to_i64(v.text, &integer) == 0)
            return json_integer(integer);
        return json_number(strtod(v.text, NULL));
    case SCALAR_FLOAT:
        return v.infinite ? json_null() : json_number(v.number);
    case SCALAR_TIME:
        return json_string(v.text);
    case SCALAR_STRING:
    default:
        return json_string(n->text);
    }
}

/* Content without a table: x-* members. */
static struct json *emit_any(const struct yaml_node *n)
{
    if (n->kind == YAML_SCALAR)
        return emit_scalar(n);
    struct json *out = n->kind == YAML_MAPPING ? json_object() : json_array();
    for (size_t i = 0; i < n->n; i++) {
        if (n->kind == YAML_MAPPING)
            json_set(out, n->items[i]->key, emit_any(n->items[i]));
        else
            json_append(out, emit_any(n->items[i]));
    }
    return out;
}

/* Would Go's omitempty leave it out? */
static bool is_omitted(const struct compose_attribute *a, const struct yaml_node *n)
{
    static const char *const zeros[] = {"", "0", "-0", "false"};

    if (a->flags & KEEP_ZERO || a->kind == KIND_OBJECT || a->kind == KIND_ANY)
        return false;
    if (n->kind != YAML_SCALAR)
        return n->n == 0 && !(n->kind == YAML_MAPPING && a->kind == KIND_INT);
    if (a->kind == KIND_DURATION)
        return false;
    bool is_text = a->kind == KIND_STRING || a->kind == KIND_TEXT || a->kind == KIND_PATH;
    for (size_t i = 0; i < (is_text ? 1 : ARRAY_LEN(zeros)); i++) {
        if (str_eq(n->text, zeros[i]))
            return true;
    }
    return false;
}

static void emit_member(struct json *out, const struct compose_attribute *row,
                        const struct yaml_node *member)
{
    if (!row || is_omitted(row, member)) {
        if (!row)
            json_set(out, member->key, emit_any(member));
        return;
    }
    if (!(row->flags & CAPITAL)) {
        json_set(out, member->key, emit(row, member));
        return;
    }
    AUTO_FREE char *key = xstrdup(member->key);
    key[0] = (char)toupper((unsigned char)key[0]);
    json_set(out, key, emit(row, member));
}

static struct json *emit_mapping(const struct compose_attribute *a, const struct yaml_node *n)
{
    struct json *out = json_object();

    for (size_t i = 0; i < n->n; i++) {
        const struct yaml_node *member = n->items[i];
        if (a->kind == KIND_MAP)
            json_set(out, member->key, emit(a->sub, member));
        else
            emit_member(out, a->sub ? attribute_find(a->sub, member->key) : NULL, member);
    }
    return out;
}

static struct json *emit(const struct compose_attribute *a, const struct yaml_node *n)
{
    if (n->kind == YAML_SCALAR)
        return emit_scalar(n);
    if (n->kind == YAML_MAPPING)
        return emit_mapping(a, n);
    struct json *out = json_array();
    for (size_t i = 0; i < n->n; i++)
        json_append(out, a->sub ? emit(a->sub, n->items[i]) : emit_any(n->items[i]));
    return out;
}

/* Members Compose prints even when they are unset. */
static void add_constant_members(struct json *service)
{
    static const char *const nulls[] = {"command", "entrypoint"};
    static const char *const objects[] = {"resources", "placement"};

    for (size_t i = 0; i < ARRAY_LEN(nulls); i++) {
        if (!json_get(service, nulls[i]))
            json_set(service, nulls[i], json_null());
    }
    if (!json_get(service, "deploy"))
        return;
    struct json *deploy = json_copy(json_get(service, "deploy"));
    for (size_t i = 0; i < ARRAY_LEN(objects); i++) {
        if (!json_get(deploy, objects[i]))
            json_set_object(deploy, objects[i]);
    }
    json_set(service, "deploy", deploy);
}

static struct json *emit_services(const struct yaml_node *services)
{
    struct json *out = json_object();

    for (size_t i = 0; services && i < services->n; i++) {
        struct json *service = emit(schema_services.sub, services->items[i]);
        add_constant_members(service);
        json_set(out, services->items[i]->key, service);
    }
    return out;
}

struct json *emit_model(const char *name, const struct yaml_node *model)
{
    const struct compose_attribute *const sections[] = {&schema_networks, &schema_volumes,
                                                        &schema_secrets, &schema_configs};
    struct json *out = json_object();

    json_set_str(out, "name", name);
    json_set(out, "services", emit_services(yaml_get(model, "services")));
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        const struct yaml_node *section = yaml_get(model, sections[i]->name);
        if (section && section->n)
            json_set(out, sections[i]->name, emit(sections[i], section));
    }
    for (size_t i = 0; model && i < model->n; i++) {
        if (str_starts(model->items[i]->key, "x-"))
            json_set(out, model->items[i]->key, emit_any(model->items[i]));
    }
    return out;
}
