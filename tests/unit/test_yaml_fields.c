/* lib/yaml/fields: every kind with good and bad text, defaults, unknown keys, release. */
/* cmocka.h needs the four before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "yaml/fields.h"

struct inner {
    char *name;
    int64_t port;
};

struct outer {
    char *text, *id;
    bool flag;
    int64_t count, wait_ms;
    double ratio;
    uint64_t size;
    int mode;
    struct strv words, pairs;
    struct inner one;
    struct field_list many;
    char *own;
};

static const char *const modes[] = {"off", "warn", "on", NULL};

static const struct field inner_table[] = {
    {.key = "name",                    .kind = FIELD_STRING, .offset = offsetof(struct inner, name), .fallback = "n"},
    {.key = "port",
     .kind = FIELD_INT,
     .offset = offsetof(struct inner, port),
     .min = 1,
     .max = 65535,
     .fallback = "80"},
    {.key = NULL                },
};

static void decode_own(const struct yaml_node *node, void *target, struct field_ctx *ctx)
{
    if (node->kind != YAML_SCALAR)
        yaml_problem_add(ctx->problems, YAML_ERROR, &node->mark, "%s is wrong", ctx->where);
    else
        *(char **)target = xasprintf("<%s>", node->text);
}

static void own_done(void *target)
{
    free(*(char **)target);
    *(char **)target = NULL;
}

#define AT(member) .offset = offsetof(struct outer, member)

static const struct field outer_table[] = {
    {.key = "text",       .kind = FIELD_STRING, AT(text), .min = 1, .max = 8, .fallback = ""},
    {.key = "id",           .kind = FIELD_NAME, AT(id), .fallback = ""},
    {.key = "flag",           .kind = FIELD_BOOL, AT(flag), .fallback = "true"},
    {.key = "count",                   .kind = FIELD_INT, AT(count), .min = 1, .max = 100, .fallback = "7"},
    {.key = "timeout",.kind = FIELD_MS, AT(wait_ms), .min = 100, .max = 60000, .fallback = "2s"},
    {.key = "ratio",     .kind = FIELD_DOUBLE, AT(ratio), .max = 1, .fallback = "0.5"},
    {.key = "size",       .kind = FIELD_BYTES, AT(size), .min = 1, .max = 2000000000, .fallback = "1MB"},
    {.key = "mode",           .kind = FIELD_ENUM, AT(mode), .words = modes, .fallback = "warn"},
    {.key = "words",                   .kind = FIELD_STRV, AT(words), .max = 3, .fallback = "[a, b]"},
    {.key = "pairs",.kind = FIELD_MAP, AT(pairs), .fallback = "{k: v}"},
    {.key = "one",           .kind = FIELD_STRUCT, AT(one), .sub = inner_table, .fallback = ""},
    {.key = "many",
     .kind = FIELD_LIST,
     AT(many),
     .max = 2,
     .sub = inner_table,
     .sub_size = sizeof(struct inner),
     .fallback = ""},
    {.key = "own",
     .kind = FIELD_CUSTOM,
     AT(own),
     .custom = decode_own,
     .custom_done = own_done,
     .fallback = "z"},
    {.key = NULL       },
};

struct decoded {
    struct yaml_file *file;
    struct yaml_problems problems;
    struct outer out;
};

static void decode(struct decoded *d, const char *text, struct field_ctx ctx)
{
    struct ship_error err = {0};
    *d = (struct decoded){.file = yaml_parse("f.yml", text, strlen(text), &err)};
    if (!d->file)
        fail_msg("%s", err.msg);
    ctx.problems = &d->problems;
    fields_decode(outer_table, yaml_root(d->file, 0), &d->out, &ctx);
}

static void decoded_done(struct decoded *d)
{
    fields_done(outer_table, &d->out);
    yaml_problems_done(&d->problems);
    yaml_free(d->file);
}

static void test_fields_decode_nothing_gives_defaults(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "~", "{}", "{text: , count: ~, many: null, one: }",
                                        "{x-note: [1], x-: 2}"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO(decoded_done) struct decoded d;
        decode(&d, texts[i], (struct field_ctx){0});
        assert_int_equal(d.problems.n_errors, 0);
        assert_null(d.out.text);
        assert_true(d.out.flag);
        assert_int_equal(d.out.count, 7);
        assert_int_equal(d.out.wait_ms, 2000);
        assert_true(d.out.ratio > 0.49 && d.out.ratio < 0.51);
        assert_int_equal(d.out.size, 1000000);
        assert_int_equal(d.out.mode, 1);
        assert_int_equal(d.out.words.n, 2);
        assert_string_equal(d.out.pairs.v[1], "v");
        assert_string_equal(d.out.one.name, "n");
        assert_int_equal(d.out.one.port, 80);
        assert_int_equal(d.out.many.n, 0);
        assert_string_equal(d.out.own, "<z>");
    }
}

static void test_fields_decode_good_values_are_stored(void **state)
{
    (void)state;
    AUTO(decoded_done) struct decoded d;
    decode(&d,
           "text: 12\nid: a-1\nflag: false\ncount: 100\ntimeout: 1m\nratio: 1\nsize: 1.5KiB\n"
           "mode: 'off'\nwords: x y\npairs: {b: 1, a: 'null'}\none: {port: 1}\n"
           "many: [{name: p}, {port: 65535}]\nown: q\n",
           (struct field_ctx){0});
    if (d.problems.n_errors > 0)
        fail_msg("%s", d.problems.list[0].text);
    assert_string_equal(d.out.text, "12");
    assert_string_equal(d.out.id, "a-1");
    assert_false(d.out.flag);
    assert_int_equal(d.out.count, 100);
    assert_int_equal(d.out.wait_ms, 60000);
    assert_true(d.out.ratio > 0.99);
    assert_int_equal(d.out.size, 1536);
    assert_int_equal(d.out.mode, 0);
    assert_int_equal(d.out.words.n, 1);
    assert_string_equal(d.out.words.v[0], "x y");
    assert_string_equal(d.out.pairs.v[2], "a");
    assert_string_equal(d.out.pairs.v[3], "null");
    assert_int_equal(d.out.one.port, 1);
    assert_int_equal(d.out.many.n, 2);
    const struct inner *many = d.out.many.items;
    assert_string_equal(many[0].name, "p");
    assert_int_equal(many[0].port, 80);
    assert_int_equal(many[1].port, 65535);
    assert_string_equal(d.out.own, "<q>");
}

static void test_fields_decode_bad_values_name_position_and_remedy(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"timeout: 90",                 "f.yml:1:10: timeout '90' needs a unit, such as 90s"                 },
        {"timeout: 1.5",                "f.yml:1:10: timeout '1.5' needs a unit, such as 1.5s"               },
        {"timeout: soon",               "f.yml:1:10: timeout 'soon' must be a duration, such as 30s or 1m30s"},
        {"timeout: -5s",                "f.yml:1:10: timeout '-5s' must be a duration, such as 30s or 1m30s" },
        {"timeout: ''",                 "f.yml:1:10: timeout '' must be a duration, such as 30s or 1m30s"    },
        {"timeout: 2h",                 "f.yml:1:10: timeout '2h' must be from 100 ms to 1 min"              },
        {"timeout: 0",                  "f.yml:1:10: timeout '0' must be from 100 ms to 1 min"               },
        {"timeout: [1s]",               "f.yml:1:10: timeout must be a single value, not a list"             },
        {"size: 5",                     "f.yml:1:7: size '5' needs a unit, such as 5MB"                      },
        {"size: 1XB",                   "f.yml:1:7: size '1XB' must be a size, such as 500MB or 1GiB"        },
        {"size: 3GB",                   "f.yml:1:7: size '3GB' must be from 1 B to 2.0 GB"                   },
        {"count: 0",                    "f.yml:1:8: count '0' must be from 1 to 100"                         },
        {"count: 101",                  "f.yml:1:8: count '101' must be from 1 to 100"                       },
        {"count: 1.5",                  "f.yml:1:8: count '1.5' must be a whole number"                      },
        {"count: '5'",                  "f.yml:1:8: count '5' must be a number without quotes"               },
        {"count: 99999999999999999999", "f.yml:1:8: count '99999999999999999999' must be a whole "
                                        "number"                      },
        {"ratio: 2",                    "f.yml:1:8: ratio '2' must be from 0 to 1"                           },
        {"ratio: x",                    "f.yml:1:8: ratio 'x' must be a number"                              },
        {"ratio: .nan",                 "f.yml:1:8: ratio '.nan' must be a number"                           },
        {"flag: yes",                   "f.yml:1:7: flag 'yes' must be true or false"                        },
        {"flag: \"true\"",              "f.yml:1:7: flag 'true' must be true or false without quotes"        },
        {"flag: {}",                    "f.yml:1:7: flag must be a single value, not a mapping"              },
        {"mode: maybe",                 "f.yml:1:7: mode 'maybe' must be off, warn or on"                    },
        {"text: ''",                    "f.yml:1:7: text '' must not be empty"                               },
        {"text: 123456789",             "f.yml:1:7: text '123456789' must be 1 to 8 characters long"         },
        {"id: Shop",                    "f.yml:1:5: id 'Shop' must be 1 to 63 lower-case letters, digits and dashes, "
                     "no dash first"                                                     },
        {"id: -x",                      "f.yml:1:5: id '-x' must be 1 to 63 lower-case letters, digits and dashes, no "
                   "dash first"                                                            },
        {"words: {a: b}",               "f.yml:1:8: words must be a list, not a mapping"                     },
        {"words: [a, [b]]",             "f.yml:1:12: words[1] must be a single value, not a list"            },
        {"words: [a, ~]",               "f.yml:1:12: words[1] must be a single value, not empty"             },
        {"words: [a, b, c, d]",         "f.yml:1:8: words needs at most 3 entries, it has 4"                 },
        {"pairs: [a]",                  "f.yml:1:8: pairs must be a mapping, not a list"                     },
        {"pairs: {a: [b]}",             "f.yml:1:12: pairs.a must be a single value, not a list"             },
        {"one: x",                      "f.yml:1:6: one must be a mapping, not text"                         },
        {"one: {port: 0}",              "f.yml:1:13: one.port '0' must be from 1 to 65535"                   },
        {"many: {name: x}",             "f.yml:1:7: many must be a list, not a mapping"                      },
        {"many: [{}, {port: x}]",       "f.yml:1:19: many[1].port 'x' must be a whole number"                },
        {"many: [x]",                   "f.yml:1:8: many[0] must be a mapping, not text"                     },
        {"many: [{}, {}, {}]",          "f.yml:1:7: many needs at most 2 entries, it has 3"                  },
        {"own: []",                     "f.yml:1:6: own is wrong"                                            },
        {"a: 1\ntimeuot: 1s",           "f.yml:1:1: unknown key 'a' (and 1 more problem)"                    },
        {"timeuot: 1s",                 "f.yml:1:1: unknown key 'timeuot'; did you mean 'timeout'?"          },
        {"one: {prot: 1}",              "f.yml:1:7: unknown key 'prot' in one; did you mean 'port'?"         },
        {"many: [{zzzzzz: 1}]",         "f.yml:1:9: unknown key 'zzzzzz' in many[0]"                         },
        {"[a]",                         "f.yml:1:1: the file must be a mapping, not a list"                  },
        {"x",                           "f.yml:1:1: the file must be a mapping, not text"                    },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(decoded_done) struct decoded d;
        struct ship_error err = {0};
        decode(&d, rows[i].text, (struct field_ctx){0});
        if (yaml_problems_check(&d.problems, &err) == 0)
            fail_msg("'%s' was accepted", rows[i].text);
        if (!str_eq(err.msg, rows[i].want))
            fail_msg("%s:\n got <%s>\nwant <%s>", rows[i].text, err.msg, rows[i].want);
    }
}

static void test_fields_decode_where_prefixes_the_key(void **state)
{
    (void)state;
    AUTO(decoded_done) struct decoded d;
    decode(&d, "{count: 0, one: {port: 0}, zzzz: 1}", (struct field_ctx){.where = "checks.pre[0]"});
    assert_int_equal(d.problems.n, 3);
    assert_string_equal(d.problems.list[0].text, "checks.pre[0].count '0' must be from 1 to 100");
    assert_string_equal(d.problems.list[1].text,
                        "checks.pre[0].one.port '0' must be from 1 to 65535");
    assert_string_equal(d.problems.list[2].text, "unknown key 'zzzz' in checks.pre[0]");
}

static void test_fields_decode_shared_mapping_leaves_other_keys_alone(void **state)
{
    (void)state;
    static const char *const elsewhere[] = {"type", "retries", NULL};
    AUTO(decoded_done) struct decoded d, partial;
    decode(&d, "{type: http, retires: 1}", (struct field_ctx){.elsewhere = elsewhere});
    assert_int_equal(d.problems.n, 1);
    assert_string_equal(d.problems.list[0].text, "unknown key 'retires'; did you mean 'retries'?");
    decode(&partial, "{type: http, one: {zz: 1}}", (struct field_ctx){.partial = true});
    assert_int_equal(partial.problems.n, 1);
    assert_string_equal(partial.problems.list[0].text, "unknown key 'zz' in one");
}

static void test_fields_decode_required_key_missing_is_an_error(void **state)
{
    (void)state;
    static const struct field table[] = {
        {.key = "name",                    .kind = FIELD_STRING, .offset = offsetof(struct inner, name)},
        {.key = NULL},
    };
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"a:\n  {x-b: 1}\n", "f.yml:2:3: name is missing"},
        {"a:\n  name:\n",    "f.yml:2:3: name is missing"},
        {"{}",               "name is missing"           },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ship_error err = {0};
        AUTO(yaml_problems_done) struct yaml_problems ps = {0};
        AUTO_PTR(yaml_free)
        struct yaml_file *f = yaml_parse("f.yml", rows[i].text, strlen(rows[i].text), &err);
        struct inner in = {0};
        struct field_ctx ctx = {.problems = &ps};
        fields_decode(table, yaml_get(yaml_root(f, 0), "a"), &in, &ctx);
        assert_int_equal(yaml_problems_check(&ps, &err), -1);
        assert_string_equal(err.msg, rows[i].want);
        fields_done(table, &in);
    }
}

static void test_fields_done_leaves_zeroed_pointers(void **state)
{
    (void)state;
    struct decoded d;
    decode(&d, "{text: a, words: [b], many: [{name: c}]}", (struct field_ctx){0});
    fields_done(outer_table, &d.out);
    assert_null(d.out.text);
    assert_null(d.out.words.v);
    assert_null(d.out.many.items);
    assert_null(d.out.own);
    decoded_done(&d); /* twice is fine */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_decode_nothing_gives_defaults),
        cmocka_unit_test(test_fields_decode_good_values_are_stored),
        cmocka_unit_test(test_fields_decode_bad_values_name_position_and_remedy),
        cmocka_unit_test(test_fields_decode_where_prefixes_the_key),
        cmocka_unit_test(test_fields_decode_shared_mapping_leaves_other_keys_alone),
        cmocka_unit_test(test_fields_decode_required_key_missing_is_an_error),
        cmocka_unit_test(test_fields_done_leaves_zeroed_pointers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
