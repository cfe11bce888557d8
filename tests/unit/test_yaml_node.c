/* lib/yaml: parsing, positions, aliases, merge keys, refusals, building, problems. */
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
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "yaml/node.h"

#define FILE_NAME "f.yml"

/* A tree in one line: {a: x, b: [1, 'q']}; quoted scalars in quotes, tags in front. */
static void print_node(struct buf *out, const struct yaml_node *n)
{
    if (n->tag)
        buf_addf(out, "%s ", n->tag);
    if (n->kind == YAML_SCALAR) {
        const char *quote = n->style == YAML_PLAIN ? "" : "'";
        buf_addf(out, "%s%s%s", quote, n->text, quote);
        return;
    }
    buf_adds(out, n->kind == YAML_MAPPING ? "{" : "[");
    for (size_t i = 0; i < n->n; i++) {
        buf_adds(out, i > 0 ? ", " : "");
        if (n->kind == YAML_MAPPING)
            buf_addf(out, "%s: ", n->items[i]->key);
        print_node(out, n->items[i]);
    }
    buf_adds(out, n->kind == YAML_MAPPING ? "}" : "]");
}

static char *print_file(const struct yaml_file *f)
{
    struct buf out = BUF_INIT(1u << 20);
    for (size_t i = 0; i < yaml_documents(f); i++) {
        buf_adds(&out, i > 0 ? " --- " : "");
        if (yaml_root(f, i))
            print_node(&out, yaml_root(f, i));
        else
            buf_adds(&out, "(empty)");
    }
    return buf_steal(&out);
}

static struct yaml_file *parse(const char *text)
{
    struct ship_error err = {0};
    struct yaml_file *f = yaml_parse(FILE_NAME, text, strlen(text), &err);
    if (!f)
        fail_msg("%s\nin:\n%s", err.msg, text);
    return f;
}

static void test_yaml_parse_good_text_gives_tree(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want, *why;
    } rows[] = {
        {"",                            "",                              "an empty file has no document"       },
        {"# only a comment\n",          "",                              "a comment is no document"            },
        {"---\n",                       "(empty)",                       "an explicit document without content"},
        {"null\n",                      "null",                          "a written null is a node"            },
        {"a: 1\nb: two\n",              "{a: 1, b: two}",                "block mapping"                       },
        {"a:\n- x\n- 'y'\n",            "{a: [x, 'y']}",                 "quoted scalars are told apart"       },
        {"{a: {b: [c, d]}}",            "{a: {b: [c, d]}}",              "flow style"                          },
        {"a: |\n  x\n  y\n",            "{a: 'x\ny\n'}",                 "literal block"                       },
        {"a: >-\n  x\n  y\n",           "{a: 'x y'}",                    "folded block"                        },
        {"a: yes\nb: 012\nc: ~\n",      "{a: yes, b: 012, c: ~}",        "no typing here"                      },
        {"a:\n",                        "{a: }",                         "missing value is empty plain"        },
        {"a: 1\n---\nb: 2\n",           "{a: 1} --- {b: 2}",             "several documents"                   },
        {"a: 1\n---\n---\nb: 2\n",      "{a: 1} --- (empty) --- {b: 2}", "empty one between"                   },
        {"\xef\xbb\xbf"
         "a: 1\n",             "{a: 1}",                        "byte order mark is not text"         },
        {"%YAML 1.1\n---\na: 1\n...\n", "{a: 1}",                        "directive"                           },
        {"a: 1\r\nb: 2\r\n",            "{a: 1, b: 2}",                  "CRLF"                                },
        {"\"\": x\n",                   "{: x}",                         "an empty quoted key is a key"        },
        {"a: \"x\\u4e2d\"\n",           "{a: 'x\xe4\xb8\xad'}",          "escape in double quotes"             },
        {"[a: 1, b]",                   "[{a: 1}, b]",                   "single pair in a flow sequence"      },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_PTR(yaml_free) struct yaml_file *f = parse(rows[i].text);
        AUTO_FREE char *got = print_file(f);
        if (!str_eq(got, rows[i].want))
            fail_msg("%s: got <%s> want <%s>", rows[i].why, got, rows[i].want);
    }
}

static void test_yaml_parse_tags_are_applied_or_kept(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want, *why;
    } rows[] = {
        {"a: !!str 1\n",                    "{a: '1'}",              "!!str makes text"                         },
        {"a: !!str\n",                      "{a: ''}",               "!!str of nothing is empty text, not null" },
        {"a: ! 1\n",                        "{a: '1'}",              "the non-specific tag makes text"          },
        {"a: !!int \"1\"\n",                "{a: 1}",                "!!int takes the quotes away"              },
        {"a: !!bool 'true'\n",              "{a: true}",             "!!bool too"                               },
        {"a: !!null ''\n",                  "{a: }",                 "!!null too"                               },
        {"a: !!map {b: c}\n",               "{a: {b: c}}",           "matching kind"                            },
        {"a: !!seq [b]\n",                  "{a: [b]}",              "matching kind"                            },
        {"a: !!seq {b: c}\n",               "{a: !!seq {b: c}}",     "wrong kind stays for the caller to refuse"},
        {"a: !!map x\n",                    "{a: !!map x}",          "wrong kind"                               },
        {"a: !!binary aGk=\n",              "{a: !!binary aGk=}",    "standard, but not ours to decode"         },
        {"a: !reset null\n",                "{a: !reset null}",      "compose's own"                            },
        {"a: !override [x]\n",              "{a: !override [x]}",    "compose's own on a list"                  },
        {"a: !override {x: 1}\n",           "{a: !override {x: 1}}", "compose's own on a mapping"               },
        {"a: !x!y z\n",                     NULL,                    "undefined handle is a syntax error"       },
        {"a: !<tag:yaml.org,2002:str> 1\n", "{a: '1'}",              "verbatim form"                            },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ship_error err = {0};
        AUTO_PTR(yaml_free)
        struct yaml_file *f = yaml_parse(FILE_NAME, rows[i].text, strlen(rows[i].text), &err);
        AUTO_FREE char *got = f ? print_file(f) : NULL;
        if (!str_eq(got, rows[i].want))
            fail_msg("%s: got <%s> want <%s>", rows[i].why, got, rows[i].want);
    }
}

static void test_yaml_parse_aliases_and_merge_keys_are_expanded(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want, *why;
    } rows[] = {
        {"a: &x 1\nb: *x\n",                                            "{a: 1, b: 1}",                       "scalar"                              },
        {"a: &x [1, 2]\nb: *x\n",                                       "{a: [1, 2], b: [1, 2]}",             "list"                                },
        {"a: &x {k: [1]}\nb: *x\n",                                     "{a: {k: [1]}, b: {k: [1]}}",         "mapping"                             },
        {"- &x 1\n- *x\n- &x 2\n- *x\n",                                "[1, 1, 2, 2]",                       "the latest anchor of a name wins"    },
        {"&k key: v\nb: *k\n",                                          "{key: v, b: key}",                   "anchor on a key"                     },
        {"a: &k key\n*k : v\n",                                         "{a: key, key: v}",                   "alias as a key"                      },
        {"a: &x\nb: *x\n",                                              "{a: , b: }",                         "anchor on nothing"                   },
        {"x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\n",                     "{x: {a: 1, b: 2}, y: {b: 3, a: 1}}",
         "explicit keys win, wherever << stands"                                                                                                    },
        {"y: {b: 3, <<: {a: 1}}\n",                                     "{y: {b: 3, a: 1}}",                  "inline mapping"                      },
        {"p: &p {a: 1, b: 1}\nq: &q {b: 2, c: 2}\ny: {<<: [*p, *q]}\n",
         "{p: {a: 1, b: 1}, q: {b: 2, c: 2}, y: {a: 1, b: 1, c: 2}}",                                         "the earlier element of the list wins"},
        {"p: &p {a: {x: 1}}\ny: {<<: *p, a: {z: 2}}\n",                 "{p: {a: {x: 1}}, y: {a: {z: 2}}}",
         "merging is shallow"                                                                                                                       },
        {"p: &p {a: 1}\nq: &q {<<: *p, b: 2}\ny: {<<: *q, c: 3}\n",
         "{p: {a: 1}, q: {b: 2, a: 1}, y: {c: 3, b: 2, a: 1}}",                                               "merge keys nest"                     },
        {"y: {<<: {<<: {a: 1}, b: 2}}\n",                               "{y: {b: 2, a: 1}}",                  "inline nesting"                      },
        {"y: {\"<<\": {a: 1}}\n",                                       "{y: {<<: {a: 1}}}",                  "quoted << is an ordinary key"        },
        {"y: {<<: []}\n",                                               "{y: {}}",                            "nothing to merge"                    },
        {"y: {<<: {}}\n",                                               "{y: {}}",                            "nothing to merge"                    },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_PTR(yaml_free) struct yaml_file *f = parse(rows[i].text);
        AUTO_FREE char *got = print_file(f);
        if (!str_eq(got, rows[i].want))
            fail_msg("%s: got <%s> want <%s>", rows[i].why, got, rows[i].want);
    }
}

static void test_yaml_parse_bad_text_is_refused_with_position(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want, *why;
    } rows[] = {
        {"a: 1\nb: 2\na: 3\n",               "f.yml:3:1: key 'a' is given twice, first in line 1",                        "block"             },
        {"x: {a: 1, a: 2}\n",                "f.yml:1:11: key 'a' is given twice, first in line 1",                       "flow"              },
        {"a: 1\n'a': 2\n",                   "f.yml:2:1: key 'a' is given twice, first in line 1",                        "quotes"            },
        {"a: 1\na: 2\nb: 1\nb: 2\na: 4\n",
         "f.yml:2:1: key 'a' is given twice, first in line 1 (and 2 more problems)",                                      "all of them"       },
        {"y:\n  <<: {a: 1}\n  <<: {b: 1}\n", "f.yml:3:3: key '<<' is given twice, first in line 2",
         "<< counts as a key"                                                                                                                 },
        {"a: *x\n",                          "f.yml:1:4: alias '*x' has no anchor '&x' above it",                         "undefined alias"   },
        {"a: &x 1\n---\nb: *x\n",            "f.yml:3:4: alias '*x' has no anchor '&x' above it",
         "anchors end with their document"                                                                                                    },
        {"a: &x [1, *x]\n",                  "f.yml:1:11: alias '*x' contains itself",                                    "cycle in a list"   },
        {"a: &x\n  b: *x\n",                 "f.yml:2:6: alias '*x' contains itself",                                     "cycle in a mapping"},
        {"a: &x\n  <<: *x\n",                "f.yml:2:7: alias '*x' contains itself",                                     "cycle in a merge"  },
        {"y: {<<: 1}\n",                     "f.yml:1:9: '<<' merges a mapping or a list of mappings, nothing else",
         "merge of a scalar"                                                                                                                  },
        {"y: {<<: [1]}\n",                   "f.yml:1:10: '<<' merges a mapping or a list of mappings, nothing else",
         "merge of a list of scalars"                                                                                                         },
        {"y:\n  <<:\n",                      "f.yml:2:6: '<<' merges a mapping or a list of mappings, nothing else",
         "merge of null"                                                                                                                      },
        {"? [a]\n: b\n",                     "f.yml:1:3: a key must be text, not a list or a mapping",                    "list as key"       },
        {"{a: 1}: b\n",                      "f.yml:1:1: a key must be text, not a list or a mapping",                    "map as key"        },
        {"a: &x [1]\n*x : 2\n",              "f.yml:2:1: a key must be text, not a list or a mapping",
         "alias of a list as key"                                                                                                             },
        {"!reset a: b\n",                    "f.yml:1:1: tag '!reset' on a key is not supported",                         "tagged key"        },
        {"a: 1\n\tb: 2\n",                   "f.yml:2:1: a tab can not indent or start a value in YAML; use spaces",
         "tab"                                                                                                                                },
        {"a: [1\nb: 2\n",
         "f.yml:2:2: not valid YAML: did not find expected ',' or ']' while parsing a flow "
         "sequence "
         "that starts in line 1",                                                                                         "unclosed list"     },
        {"a: b: c\n",                        "f.yml:1:5: not valid YAML: mapping values are not allowed in this context",
         "two colons"                                                                                                                         },
        {"a: \"x\n",                         NULL,                                                                        "unclosed quote"    },
        {"a: \xff\n",                        "f.yml:1:4: the file is not UTF-8 text",                                     "bad byte"          },
        {"a: \xc0\xaf\n",                    "f.yml:1:4: the file is not UTF-8 text",                                     "overlong form"     },
        {"a: \xed\xa0\x80\n",                "f.yml:1:4: the file is not UTF-8 text",                                     "surrogate"         },
        {"a: 1\nb: \xe4\xb8\n",              "f.yml:2:4: the file is not UTF-8 text",                                     "cut character"     },
        {"a: \x1b[31m\n",                    "f.yml:1:4: control characters are not allowed in YAML",                     "escape"            },
        {"a: x\xef\xbb\xbf\n",               "f.yml:1:5: control characters are not allowed in YAML",
         "byte order mark in the middle"                                                                                                      },
        {"a: \"\\0\"\n",                     "f.yml:1:4: a NUL character is not allowed in a value",                      "escaped NUL"       },
        {"\"a\\0b\": 1\n",                   "f.yml:1:1: a NUL character is not allowed in a value",                      "NUL in a key"      },
        {"\xff\xfe"
         "a",                       "f.yml:1:1: the file is not UTF-8 text",                                     "UTF-16"            },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ship_error err = {0};
        AUTO_PTR(yaml_free)
        struct yaml_file *f = yaml_parse(FILE_NAME, rows[i].text, strlen(rows[i].text), &err);
        assert_null(f);
        assert_int_equal(err.code, SHIP_INVALID);
        if (rows[i].want && !str_eq(err.msg, rows[i].want))
            fail_msg("%s:\n got <%s>\nwant <%s>", rows[i].why, err.msg, rows[i].want);
    }
}

static void test_yaml_parse_nul_byte_is_refused(void **state)
{
    (void)state;
    static const char text[] = "a: 1\n\0b: 2\n";
    struct ship_error err = {0};
    assert_null(yaml_parse(FILE_NAME, text, sizeof text - 1, &err));
    assert_string_equal(err.msg, "f.yml:2:1: control characters are not allowed in YAML");
}

/* The raw text between the offsets, and line:column, of the node under root key `v`. */
static void test_yaml_parse_marks_give_bytes_of_scalars(void **state)
{
    (void)state;
    static const struct {
        const char *text, *raw;
        unsigned line, column;
        const char *why;
    } rows[] = {
        {"v: x\n",                                                 "x",                  1, 4,  "plain"                                 },
        {"v: x y # c\n",                                           "x y",                1, 4,  "comment and blanks are not part"       },
        {"v: \"x\\ty\"\n",                                         "\"x\\ty\"",          1, 4,  "double quotes included"                },
        {"v: 'it''s'  \n",                                         "'it''s'",            1, 4,  "single quotes included"                },
        {"a: 1\nv: reg.io/app:${V:-1}\nb: 2\n",                    "reg.io/app:${V:-1}", 2, 4,  "an image"                              },
        {"v: &a x\n",                                              "x",                  1, 7,  "anchor left out"                       },
        {"v: !!str x\n",                                           "x",                  1, 10, "tag left out"                          },
        {"v: &a !!str 'x'\n",                                      "'x'",                1, 13, "both left out"                         },
        {"v: &a # note\n  x\n",                                    "x",                  2, 3,  "value on the next line"                },
        {"v: !!str\nb: 1\n",                                       "",                   1, 9,  "tagged nothing"                        },
        {"v:\nb: 1\n",                                             "",                   1, 3,  "nothing"                               },
        {"{v: x, b: 1}",                                           "x",                  1, 5,  "flow"                                  },
        {"\xef\xbb\xbfv: x\n",                                     "x",                  1, 4,  "byte order mark counts in bytes only"  },
        {"\xe4\xb8\xad: \xc3\xa9\nv: x\n",                         "x",                  2, 4,  "wide characters before"                },
        {"{\xe4\xb8\xad: \xf0\x9f\x9a\x80, v: \xc3\xa9t\xc3\xa9}", "\xc3\xa9t\xc3\xa9",  1, 11,
         "columns count characters"                                                                                                     },
        {"a: 1\r\nv: x\r\n",                                       "x",                  2, 4,  "CRLF"                                  },
        {"a: 1\rv: x\r",                                           "x",                  2, 4,  "lone CR"                               },
        {"a: \"\xe2\x80\xa8\"\nv: x\n",                            "x",                  2, 4,  "LINE SEPARATOR is no line of an editor"},
        {"a: 1\n---\nv: x\n",                                      NULL,                 0, 0,  "second document: see below"            },
        {"v: |\n  one\n  two\nb: 1\n",                             "|\n  one\n  two\n",  1, 4,  "literal block"                         },
        {"v: one\n  two\nb: 1\n",                                  "one\n  two",         1, 4,  "plain over two lines"                  },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_PTR(yaml_free) struct yaml_file *f = parse(rows[i].text);
        const struct yaml_node *v = yaml_get(yaml_root(f, 0), "v");
        if (!rows[i].raw) {
            v = yaml_get(yaml_root(f, 1), "v");
            assert_int_equal(v->mark.offset, 12);
            continue;
        }
        AUTO_FREE char *raw =
            xstrndup(rows[i].text + v->mark.offset, v->mark.end_offset - v->mark.offset);
        if (!str_eq(raw, rows[i].raw) || v->mark.line != rows[i].line ||
            v->mark.column != rows[i].column)
            fail_msg("%s: got <%s> at %u:%u", rows[i].why, raw, v->mark.line, v->mark.column);
    }
}

static void test_yaml_parse_long_file_keeps_exact_offsets(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(1u << 20);
    for (int i = 0; i < 2000; i++)
        buf_addf(&text, "k%d: \"\xe4\xb8\xad%d\"\n", i, i);
    struct ship_error err = {0};
    AUTO_PTR(yaml_free) struct yaml_file *f = yaml_parse(FILE_NAME, text.p, text.len, &err);
    assert_non_null(f);
    const struct yaml_node *root = yaml_root(f, 0);
    assert_int_equal(root->n, 2000);
    for (size_t i = 0; i < root->n; i++) {
        const struct yaml_node *n = root->items[i];
        AUTO_FREE char *want = xasprintf("\"\xe4\xb8\xad%zu\"", i);
        assert_int_equal(n->mark.line, i + 1);
        assert_int_equal(n->key_mark.column, 1);
        assert_int_equal(n->mark.end_offset - n->mark.offset, strlen(want));
        assert_memory_equal(text.p + n->mark.offset, want, strlen(want));
    }
    buf_done(&text);
}

static void test_yaml_parse_alias_node_says_so(void **state)
{
    (void)state;
    AUTO_PTR(yaml_free) struct yaml_file *f = parse("a: &x {i: 1}\nb: {<<: *x}\nc: *x\n");
    const struct yaml_node *root = yaml_root(f, 0);
    assert_false(yaml_get(yaml_get(root, "a"), "i")->is_alias);
    assert_true(yaml_get(yaml_get(root, "b"), "i")->is_alias);
    assert_true(yaml_get(yaml_get(root, "c"), "i")->is_alias);
    assert_ptr_not_equal(yaml_get(yaml_get(root, "a"), "i"), yaml_get(yaml_get(root, "c"), "i"));
}

static void test_yaml_parse_depth_is_limited(void **state)
{
    (void)state;
    char text[400];
    for (unsigned depth = YAML_DEPTH_MAX - 1; depth <= YAML_DEPTH_MAX; depth++) {
        struct ship_error err = {0};
        memset(text, '[', depth);
        memset(text + depth, 'x', 1);
        memset(text + depth + 1, ']', depth);
        AUTO_PTR(yaml_free)
        struct yaml_file *f = yaml_parse(FILE_NAME, text, 2 * depth + 1, &err);
        assert_int_equal(f != NULL, depth < YAML_DEPTH_MAX);
        if (!f)
            assert_string_equal(err.msg, "f.yml:1:65: nested more than 64 levels deep");
    }
    memset(text, '[', sizeof text);
    struct ship_error err = {0};
    assert_null(yaml_parse(FILE_NAME, text, sizeof text, &err));
}

static void test_yaml_parse_alias_depth_is_limited(void **state)
{
    (void)state;
    /* each anchor holds the one before: 70 levels although the text has two */
    struct buf text = BUF_INIT(1u << 20);
    buf_adds(&text, "a0: &a0 x\n");
    for (int i = 1; i < 70; i++)
        buf_addf(&text, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    struct ship_error err = {0};
    assert_null(yaml_parse(FILE_NAME, text.p, text.len, &err));
    assert_non_null(strstr(err.msg, "nested more than 64 levels deep"));
    buf_done(&text);
}

static void test_yaml_parse_alias_bomb_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *open, *close, *why;
    } rows[] = {
        {"[",      "]",  "lists"             },
        {"{<<: [", "]}", "merges of mappings"}
    };
    for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
        struct buf text = BUF_INIT(1u << 20);
        buf_adds(&text, r == 0 ? "a0: &a0 x\n" : "a0: &a0 {x: 1}\n");
        for (int i = 1; i < 30; i++) {
            buf_addf(&text, "a%d: &a%d %s", i, i, rows[r].open);
            for (int k = 0; k < 9; k++)
                buf_addf(&text, "%s*a%d", k > 0 ? ", " : "", i - 1);
            buf_addf(&text, "%s\n", rows[r].close);
        }
        struct ship_error err = {0};
        AUTO_PTR(yaml_free) struct yaml_file *f = yaml_parse(FILE_NAME, text.p, text.len, &err);
        /* merged mappings collapse to one member each: no bomb, but it must end as quickly */
        assert_int_equal(f != NULL, r == 1);
        if (!f)
            assert_non_null(strstr(err.msg, "more than 100000 values in one file"));
        buf_done(&text);
    }
}

static void test_yaml_parse_documents_share_one_node_cap(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(1u << 20);
    for (int d = 0; d < 60; d++) {
        buf_adds(&text, "---\n- &a [1,1,1,1,1,1,1,1,1]\n- &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n");
        buf_adds(&text, "- [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n");
    }
    struct ship_error err = {0};
    assert_null(yaml_parse(FILE_NAME, text.p, text.len, &err));
    assert_non_null(strstr(err.msg, "more than 100000 values"));
    buf_done(&text);
}

static void test_yaml_load_reads_bounded_file(void **state)
{
    (void)state;
    char path[] = "/tmp/test_yaml_node.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a: 12\n", 6), 6);
    close(fd);

    struct ship_error err = {0};
    AUTO_PTR(yaml_free) struct yaml_file *f = yaml_load(path, 6, &err);
    assert_non_null(f);
    assert_string_equal(yaml_name(f), path);
    size_t len = 0;
    assert_string_equal(yaml_text(f, &len), "a: 12\n");
    assert_int_equal(len, 6);
    assert_null(yaml_load(path, 5, &err));
    assert_int_equal(err.code, SHIP_INVALID);
    unlink(path);
    assert_null(yaml_load(path, 6, &err));
    assert_int_equal(err.code, SHIP_NOT_FOUND);
}

static void test_yaml_is_null_knows_the_null_words(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool want;
    } rows[] = {
        {"v:",        true },
        {"v: ~",      true },
        {"v: null",   true },
        {"v: Null",   true },
        {"v: NULL",   true },
        {"v: nULL",   false},
        {"v: ''",     false},
        {"v: 'null'", false},
        {"v: []",     false},
        {"v: \"~\"",  false},
        {"v: 0",      false},
        {"w: 1",      true }
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_PTR(yaml_free) struct yaml_file *f = parse(rows[i].text);
        if (yaml_is_null(yaml_get(yaml_root(f, 0), "v")) != rows[i].want)
            fail_msg("'%s' should%s be null", rows[i].text, rows[i].want ? "" : " not");
    }
    assert_true(yaml_is_null(NULL));
}

static void test_yaml_get_of_other_kinds_is_absent(void **state)
{
    (void)state;
    AUTO_PTR(yaml_free) struct yaml_file *f = parse("[a, b]");
    assert_null(yaml_get(yaml_root(f, 0), "a"));
    assert_null(yaml_get(NULL, "a"));
    assert_null(yaml_root(f, 1));
}

static void test_yaml_set_replaces_in_place_and_unset_removes(void **state)
{
    (void)state;
    AUTO_PTR(yaml_free) struct yaml_file *f = parse("{a: 1, b: 2, c: 3}");
    struct yaml_node *root = yaml_root(f, 0);
    yaml_set(f, root, "b", yaml_new_scalar(f, "x", YAML_DOUBLE, NULL));
    yaml_set(f, root, "d", yaml_new_sequence(f, &root->mark));
    yaml_append(f, yaml_get(root, "d"), yaml_new_mapping(f, NULL));
    yaml_unset(root, "a");
    yaml_unset(root, "nothing");
    AUTO_FREE char *got = print_file(f);
    assert_string_equal(got, "{b: 'x', c: 3, d: [{}]}");
    assert_int_equal(yaml_get(root, "d")->mark.line, 1);
    assert_string_equal(yaml_get(root, "b")->mark.file, FILE_NAME);
}

static void test_yaml_clone_survives_its_source_and_is_independent(void **state)
{
    (void)state;
    struct yaml_file *from = parse("{a: {b: [x, !t y]}}");
    AUTO_PTR(yaml_free) struct yaml_file *to = parse("{}");
    struct yaml_node *copy = yaml_clone(to, yaml_get(yaml_root(from, 0), "a"));
    yaml_unset(yaml_get(yaml_root(from, 0), "a"), "b");
    yaml_free(from);
    yaml_set(to, yaml_root(to, 0), "k", copy);
    AUTO_FREE char *got = print_file(to);
    assert_string_equal(got, "{k: {b: [x, !t y]}}");
}

static void test_yaml_problem_add_draws_line_and_caret(void **state)
{
    (void)state;
    AUTO_PTR(yaml_free)
    struct yaml_file *f = parse("a: 1\nservices: {\xe4\xb8\xad: x, imagee: y}\n");
    const struct yaml_node *n = yaml_get(yaml_get(yaml_root(f, 0), "services"), "imagee");
    AUTO(yaml_problems_done) struct yaml_problems ps = {0};
    yaml_problem_add(&ps, YAML_ERROR, &n->key_mark, "unknown key '%s'", "ima\x1b[0m\ngee");
    assert_string_equal(ps.list[0].where, "f.yml:2:18");
    assert_null(strchr(ps.list[0].text, '\x1b'));
    assert_null(strchr(ps.list[0].text, '\n'));
    assert_string_equal(ps.list[0].snippet, "   2 | services: {\xe4\xb8\xad: x, imagee: y}\n"
                                            "     |                   ^");
}

static void test_yaml_problem_add_clips_long_lines(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(1u << 20);
    buf_adds(&text, "{");
    for (int i = 0; i < 500; i++)
        buf_addf(&text, "k%d: v, ", i);
    buf_adds(&text, "k7: again}");
    struct ship_error err = {0};
    AUTO(yaml_problems_done) struct yaml_problems ps = {0};
    assert_null(yaml_parse_report(FILE_NAME, text.p, text.len, &ps, &err));
    assert_int_equal(ps.n, 1);
    const char *caret_line = strchr(ps.list[0].snippet, '\n') + 1;
    size_t line_cells = (size_t)(caret_line - ps.list[0].snippet) - 1;
    size_t caret = strlen(caret_line) - 1;
    assert_true(line_cells <= 160 + 7);
    assert_memory_equal(ps.list[0].snippet + caret, "k7: again", 9);
    assert_memory_equal(ps.list[0].snippet, "   1 | ...", 10);
    buf_done(&text);
}

static void test_yaml_problem_add_without_position_or_source(void **state)
{
    (void)state;
    AUTO(yaml_problems_done) struct yaml_problems ps = {0};
    struct yaml_mark no_text = {.file = "x.yml", .line = 3, .column = 4};
    struct yaml_mark no_line = {.file = "x.yml"};
    yaml_problem_add(&ps, YAML_WARNING, NULL, "one");
    yaml_problem_add(&ps, YAML_WARNING, &no_text, "two");
    yaml_problem_add(&ps, YAML_WARNING, &no_line, "three");
    assert_string_equal(ps.list[0].where, "");
    assert_string_equal(ps.list[1].where, "x.yml:3:4");
    assert_null(ps.list[1].snippet);
    assert_string_equal(ps.list[2].where, "x.yml");
    struct ship_error err = {0};
    assert_int_equal(yaml_problems_check(&ps, &err), 0);
    assert_int_equal(ps.n_warnings, 3);
}

static void test_yaml_problem_add_keeps_errors_before_warnings(void **state)
{
    (void)state;
    AUTO(yaml_problems_done) struct yaml_problems ps = {0};
    for (int i = 0; i < 30; i++)
        yaml_problem_add(&ps, YAML_WARNING, NULL, "warning %d", i);
    for (int i = 0; i < 25; i++)
        yaml_problem_add(&ps, YAML_ERROR, NULL, "error %d", i);
    assert_int_equal(ps.n, YAML_PROBLEMS_MAX);
    assert_int_equal(ps.n_errors, 25);
    assert_int_equal(ps.n_warnings, 30);
    struct ship_error err = {0};
    assert_int_equal(yaml_problems_check(&ps, &err), -1);
    assert_int_equal(err.code, SHIP_INVALID);
    assert_non_null(strstr(err.msg, "(and 24 more problems)"));
    for (size_t i = 0; i < ps.n; i++)
        assert_int_equal(ps.list[i].severity, YAML_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml_parse_good_text_gives_tree),
        cmocka_unit_test(test_yaml_parse_tags_are_applied_or_kept),
        cmocka_unit_test(test_yaml_parse_aliases_and_merge_keys_are_expanded),
        cmocka_unit_test(test_yaml_parse_bad_text_is_refused_with_position),
        cmocka_unit_test(test_yaml_parse_nul_byte_is_refused),
        cmocka_unit_test(test_yaml_parse_marks_give_bytes_of_scalars),
        cmocka_unit_test(test_yaml_parse_long_file_keeps_exact_offsets),
        cmocka_unit_test(test_yaml_parse_alias_node_says_so),
        cmocka_unit_test(test_yaml_parse_depth_is_limited),
        cmocka_unit_test(test_yaml_parse_alias_depth_is_limited),
        cmocka_unit_test(test_yaml_parse_alias_bomb_is_refused),
        cmocka_unit_test(test_yaml_parse_documents_share_one_node_cap),
        cmocka_unit_test(test_yaml_load_reads_bounded_file),
        cmocka_unit_test(test_yaml_is_null_knows_the_null_words),
        cmocka_unit_test(test_yaml_get_of_other_kinds_is_absent),
        cmocka_unit_test(test_yaml_set_replaces_in_place_and_unset_removes),
        cmocka_unit_test(test_yaml_clone_survives_its_source_and_is_independent),
        cmocka_unit_test(test_yaml_problem_add_draws_line_and_caret),
        cmocka_unit_test(test_yaml_problem_add_clips_long_lines),
        cmocka_unit_test(test_yaml_problem_add_without_position_or_source),
        cmocka_unit_test(test_yaml_problem_add_keeps_errors_before_warnings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
