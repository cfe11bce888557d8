/* Grammar of image references. */
/* cmocka.h needs the four before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/image_ref.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_image_ref_parse_valid_gives_parts(void **state)
{
    static const struct {
        const char *text, *registry, *path, *repository, *tag, *digest, *why;
    } rows[] = {
        {"nginx",                    "docker.io",      "library/nginx",          "nginx",                   "",       "",              "official"                },
        {"nginx:1.25",               "docker.io",      "library/nginx",          "nginx",                   "1.25",   "",              "tag"                     },
        {"library/nginx",            "docker.io",      "library/nginx",          "nginx",                   "",       "",              "familiar form"           },
        {"acme/app:v1",              "docker.io",      "acme/app",               "acme/app",                "v1",     "",              "user repository"         },
        {"docker.io/nginx",          "docker.io",      "library/nginx",          "nginx",                   "",       "",              "explicit hub"            },
        {"index.docker.io/acme/app", "docker.io",      "acme/app",               "acme/app",                "",       "",
         "old name of the hub"                                                                                                                                   },
        {"127.0.0.1:5000/app:1.0",   "127.0.0.1:5000", "app",                    "127.0.0.1:5000/app",      "1.0",    "",
         "port is no tag"                                                                                                                                        },
        {"127.0.0.1:5000/acme/app",  "127.0.0.1:5000", "acme/app",               "127.0.0.1:5000/acme/app", "",       "",
         "port, no tag"                                                                                                                                          },
        {"localhost/app",            "localhost",      "app",                    "localhost/app",           "",       "",              "localhost is a registry" },
        {"[::1]:5000/app:2",         "[::1]:5000",     "app",                    "[::1]:5000/app",          "2",      "",              "IPv6 registry"           },
        {"ghcr.io/a/b/c:x",          "ghcr.io",        "a/b/c",                  "ghcr.io/a/b/c",           "x",      "",              "deep path"               },
        {"Reg/app",                  "Reg",            "app",                    "Reg/app",                 "",       "",              "capital makes a registry"},
        {"a_b__c-d---e.f:_T.x-1",    "docker.io",      "library/a_b__c-d---e.f", "a_b__c-d---e.f",          "_T.x-1",
         "",                                                                                                                           "all separators"          },
        {"app@sha256:" HEX64,        "docker.io",      "library/app",            "app",                     "",       "sha256:" HEX64, "digest"                  },
        {"r.io/app:1@sha256:" HEX64, "r.io",           "app",                    "r.io/app",                "1",      "sha256:" HEX64,
         "tag and digest"                                                                                                                                        },
        {"a:5000/b",                 "a:5000",         "b",                      "a:5000/b",                "",       "",              "host with port only"     },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ship_error err = {0};
        struct image_ref ref;
        if (image_ref_parse(rows[i].text, &ref, &err) != 0)
            fail_msg("%s (%s): %s", rows[i].text, rows[i].why, err.msg);
        assert_string_equal(ref.registry, rows[i].registry);
        assert_string_equal(ref.path, rows[i].path);
        assert_string_equal(ref.repository, rows[i].repository);
        assert_string_equal(ref.tag, rows[i].tag);
        assert_string_equal(ref.digest, rows[i].digest);
    }
}

static void test_image_ref_parse_invalid_names_the_part(void **state)
{
    static const struct {
        const char *text, *message, *why;
    } rows[] = {
        {"",                                     "empty",      "nothing"                 },
        {"App",                                  "repository", "upper case"              },
        {"app:",                                 "tag ''",     "empty tag"               },
        {"app:-x",                               "tag '-x'",   "leading dash"            },
        {"app:.x",                               "tag '.x'",   "leading dot"             },
        {"app:a b",                              "tag 'a b'",  "blank"                   },
        {"app:${V}",                             "tag '${V}'", "variable left over"      },
        {"app@sha256:123",                       "digest",     "short digest"            },
        {"app@sha512:" HEX64,                    "digest",     "other algorithm"         },
        {"app@",                                 "digest ''",  "empty digest"            },
        {"app@sha256:" HEX64 "0",                "digest",     "long digest"             },
        {"a//b",                                 "repository", "empty component"         },
        {"a/",                                   "repository", "trailing slash"          },
        {"/a",                                   "repository", "leading slash"           },
        {"-a",                                   "repository", "leading separator"       },
        {"a-",                                   "repository", "trailing separator"      },
        {"a..b",                                 "repository", "two dots"                },
        {"a___b",                                "repository", "three underscores"       },
        {"a b",                                  "repository", "blank"                   },
        {"h.o:x/app",                            "registry",   "port is not a number"    },
        {"h.o:123456/app",                       "registry",   "port too long"           },
        {"-h.o/app",                             "registry",   "label starts with a dash"},
        {"h..o/app",                             "registry",   "empty label"             },
        {"[zz]:1/app",                           "registry",   "no IPv6 address"         },
        {"https://r.io/app",                     "registry",   "a URL is not a reference"},
        {"a:1:2",                                "tag '1:2'",  "two tags"                },
        {"app:1@sha256:" HEX64 "@sha256:" HEX64, "digest",     "two digests"             },
        {":",                                    "tag ''",     "nothing but a colon"     },
        {"a\nb",                                 "repository", "line feed"               },
        {"../etc/passwd",                        "registry",   "a path is no reference"  },
        {"r.example.com/",                       "repository", "registry only"           },
        {"r.example.com/A",                      "repository", "upper case in the path"  },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ship_error err = {0};
        struct image_ref ref = {.tag = "kept"};
        if (image_ref_parse(rows[i].text, &ref, &err) == 0)
            fail_msg("'%s' accepted (%s)", rows[i].text, rows[i].why);
        assert_int_equal(err.code, SHIP_INVALID);
        if (!strstr(err.msg, rows[i].message))
            fail_msg("'%s' (%s): '%s' lacks '%s'", rows[i].text, rows[i].why, err.msg,
                     rows[i].message);
        assert_string_equal(ref.tag, "kept");
    }
}

static void test_image_ref_parse_long_parts_are_refused(void **state)
{
    static const size_t lengths[] = {129, 300, 1100, 5000};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        static const char *const forms[] = {"%s", "a:%s", "%s.io/a", "r.io/%s/b"};
        char *part = xmalloc(lengths[i] + 1);
        memset(part, 'a', lengths[i]);
        part[lengths[i]] = '\0';
        for (size_t f = 0; f < ARRAY_LEN(forms); f++) {
            struct ship_error err = {0};
            struct image_ref ref;
            struct buf text = BUF_INIT(8192);
            const char *at = strstr(forms[f], "%s");
            buf_add(&text, forms[f], (size_t)(at - forms[f]));
            buf_adds(&text, part);
            buf_adds(&text, at + 2);
            bool fits = lengths[i] == 129 && (f == 0 || f == 3);
            assert_int_equal(image_ref_parse(text.p, &ref, &err), fits ? 0 : -1);
            buf_done(&text);
        }
        free(part);
    }
}

static void test_image_repository_same_spellings_of_the_hub(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
        const char *why;
    } rows[] = {
        {"nginx",                "docker.io/library/nginx",  true,  "official image"      },
        {"acme/app",             "index.docker.io/acme/app", true,  "old name of the hub" },
        {"app:1",                "app:2",                    true,  "tags do not count"   },
        {"r.io/a@sha256:" HEX64, "r.io/a",                   true,  "digests do not count"},
        {"acme/app",             "r.io/acme/app",            false, "other registry"      },
        {"acme/app",             "app",                      false, "other path"          },
        {"r.io/library/a",       "r.io/a",                   false, "library is the hub's"},
        {"<none>",               "<none>",                   false, "no reference"        },
        {"app",                  "",                         false, "empty"               },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (image_repository_same(rows[i].a, rows[i].b) != rows[i].same ||
            image_repository_same(rows[i].b, rows[i].a) != rows[i].same)
            fail_msg("'%s' and '%s' (%s)", rows[i].a, rows[i].b, rows[i].why);
}

static void test_image_tag_valid_length_limit(void **state)
{
    char tag[140];

    (void)state;
    memset(tag, 'a', sizeof tag);
    tag[128] = '\0';
    assert_true(image_tag_valid(tag));
    tag[128] = 'a';
    tag[129] = '\0';
    assert_false(image_tag_valid(tag));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_image_ref_parse_valid_gives_parts),
        cmocka_unit_test(test_image_ref_parse_invalid_names_the_part),
        cmocka_unit_test(test_image_ref_parse_long_parts_are_refused),
        cmocka_unit_test(test_image_repository_same_spellings_of_the_hub),
        cmocka_unit_test(test_image_tag_valid_length_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
