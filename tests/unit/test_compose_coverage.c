/*
 * Every attribute that shipctl-compose(7) calls supported occurs in a file whose create calls are
 * compared with those of the real Compose (70-compose.bats), so no row of the table is untried.
 */
#include <stdio.h>

#include "base/file.h"
#include "base/json.h"
#include "compose/attributes.h"
#include "unit/assert.h"
#include "yaml/node.h"

#define DATA_BYTES_MAX (4u * 1024 * 1024)
#define OBSERVED       TESTS_DIR "/data/compose-create-observed.json"

/* The compared files: these and the recorded one. */
static const char *const files[] = {
    TESTS_DIR "/e2e/project/everything.yml",
    TESTS_DIR "/e2e/project/everything-2.40.yml",
    TESTS_DIR "/e2e/project/everything-api.yml",
};

/* Supported, but in no create call of its own. */
static const struct {
    const char *path, *why;
} uncompared[] = {
    {"secrets.labels",   "secrets are no objects of the engine: nothing carries the label"},
    {"secrets.external",
     "read, then refused as soon as a service uses it; test_compose_load has that"        },
    {"secrets.name",     "names an external secret"                                       },
    {"configs.labels",   "as for secrets"                                                 },
    {"configs.external", "as for secrets"                                                 },
    {"configs.name",     "as for secrets"                                                 },
};

/* Of a list or map: the members of its items. */
static const struct compose_attribute *members_of(const struct compose_attribute *a)
{
    bool is_container = a->kind == KIND_LIST || a->kind == KIND_MAP;

    return is_container && a->sub ? a->sub->sub : a->sub;
}

static char *member_path(const char *prefix, const char *name)
{
    return str_empty(prefix) ? xstrdup(name) : xasprintf("%s.%s", prefix, name);
}

/* Members of what is only read for its own sake are not compared: those of `build`. */
static void collect_supported(const struct compose_attribute *table, const char *prefix,
                              struct strv *ret)
{
    for (const struct compose_attribute *a = table; a && a->name; a++) {
        AUTO_FREE char *path = member_path(prefix, a->name);
        if (a->status != ATTRIBUTE_SUPPORTED)
            continue;
        strv_add(ret, path);
        if (!a->note)
            collect_supported(members_of(a), path, ret);
    }
}

static void collect_used(const struct yaml_node *n, const struct compose_attribute *table,
                         const char *prefix, struct strv *ret);

static void collect_value(const struct yaml_node *n, const struct compose_attribute *a,
                          const char *path, struct strv *ret)
{
    bool is_container = a->kind == KIND_LIST || a->kind == KIND_MAP;

    if (!is_container) {
        collect_used(n, a->sub, path, ret);
        return;
    }
    for (size_t i = 0; a->sub && n->kind != YAML_SCALAR && i < n->n; i++)
        collect_used(n->items[i], a->sub->sub, path, ret);
}

static void collect_used(const struct yaml_node *n, const struct compose_attribute *table,
                         const char *prefix, struct strv *ret)
{
    for (size_t i = 0; table && n->kind == YAML_MAPPING && i < n->n; i++) {
        const struct compose_attribute *a = attribute_find(table, n->items[i]->key);
        if (!a)
            continue; /* x-* */
        AUTO_FREE char *path = member_path(prefix, a->name);
        if (!strv_has(ret, path))
            strv_add(ret, path);
        collect_value(n->items[i], a, path, ret);
    }
}

static void collect_text(const char *name, const char *text, size_t len, struct strv *ret)
{
    struct ship_error err = {0};
    AUTO_PTR(yaml_free) struct yaml_file *file = yaml_parse(name, text, len, &err);

    assert_not_null_ok(file, &err);
    collect_used(yaml_root(file, 0), schema_file.sub, "", ret);
}

static void collect_files(struct strv *ret)
{
    struct ship_error err = {0};

    for (size_t i = 0; i < ROWS(files); i++) {
        AUTO(buf_done) struct buf text = BUF_INIT(DATA_BYTES_MAX);
        assert_ok(file_read(files[i], &text, &err), &err);
        collect_text(files[i], text.p, text.len, ret);
    }
    AUTO(buf_done) struct buf text = BUF_INIT(DATA_BYTES_MAX);
    assert_ok(file_read(OBSERVED, &text, &err), &err);
    AUTO_PTR(json_free) struct json *observed = json_parse(text.p, text.len, OBSERVED, &err);
    assert_not_null_ok(observed, &err);
    const char *recorded = json_str_or(observed, "compose_file", "");
    collect_text(OBSERVED, recorded, strlen(recorded), ret);
}

static bool is_uncompared(const char *path)
{
    for (size_t i = 0; i < ROWS(uncompared); i++) {
        if (str_eq(uncompared[i].path, path))
            return true;
    }
    return false;
}

static void test_compared_files_have_every_supported_attribute(void **state)
{
    AUTO(strv_done) struct strv supported = {0}, used = {0};
    size_t n_missing = 0;

    (void)state;
    collect_supported(schema_file.sub, "", &supported);
    collect_files(&used);
    for (size_t i = 0; i < supported.n; i++) {
        if (strv_has(&used, supported.v[i]) || is_uncompared(supported.v[i]))
            continue;
        print_error("no compared file has '%s'\n", supported.v[i]);
        n_missing++;
    }
    assert_true(supported.n > 150);
    assert_int_equal(n_missing, 0);
}

static void test_uncompared_attributes_are_supported_and_in_no_file(void **state)
{
    AUTO(strv_done) struct strv supported = {0}, used = {0};

    (void)state;
    collect_supported(schema_file.sub, "", &supported);
    collect_files(&used);
    for (size_t i = 0; i < ROWS(uncompared); i++) {
        row_check(strv_has(&supported, uncompared[i].path), uncompared[i].path);
        row_check(!strv_has(&used, uncompared[i].path), uncompared[i].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compared_files_have_every_supported_attribute),
        cmocka_unit_test(test_uncompared_attributes_are_supported_and_in_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
