/* lib/compose: versions, hash families, setting an image. */
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
#include "compose/version.h"
#include "support/compose_model.h"

#define HEX64  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX64

static struct compose_project *one_service(const char *image, const char *raw)
{
    AUTO_FREE char *text =
        xasprintf("{\"name\": \"p\", \"services\": {\"a.b\": {\"image\": \"%s\"}}}", image);
    struct compose_project *p = model_project(text);

    model_add_source(p, "a.b", raw, NULL);
    return p;
}

static void test_service_version_kind_by_raw_text(void **state)
{
    static const struct {
        const char *raw, *image;
        enum compose_version_kind kind;
        const char *repository, *tag, *digest, *variable, *why;
    } rows[] = {
        {"app:1",                   "app:1",         COMPOSE_VERSION_LITERAL,  "app",        "1",        "",     "",  "literal"              },
        {"app",                     "app",           COMPOSE_VERSION_LITERAL,  "app",        "",         "",     "",  "no tag"               },
        {"r:5000/app",              "r:5000/app",    COMPOSE_VERSION_LITERAL,  "r:5000/app", "",         "",     "",  "port"                 },
        {"app@" DIGEST,             "app@" DIGEST,   COMPOSE_VERSION_LITERAL,  "app",        "",         DIGEST, "",  "digest"               },
        {"app:1@" DIGEST,           "app:1@" DIGEST, COMPOSE_VERSION_LITERAL,  "app",        "1",        DIGEST, "",  "both"                 },
        {"${R}/app:1",              "r.io/app:1",    COMPOSE_VERSION_LITERAL,  "r.io/app",   "1",        "",     "",
         "variable in the repository"                                                                                                        },
        {"${R}",                    "app",           COMPOSE_VERSION_LITERAL,  "app",        "",         "",     "",  "variable holds no tag"},
        {"app:${V}",                "app:1",         COMPOSE_VERSION_VARIABLE, "app",        "1",        "",     "V", "braces"               },
        {"app:$V",                  "app:1",         COMPOSE_VERSION_VARIABLE, "app",        "1",        "",     "V", "no braces"            },
        {"app:${V:-1}",             "app:1",         COMPOSE_VERSION_VARIABLE, "app",        "1",        "",     "V", "default"              },
        {"app:${V-1}",              "app:1",         COMPOSE_VERSION_VARIABLE, "app",        "1",        "",     "V", "default if unset"     },
        {"app:${V:?a: b}",          "app:1",         COMPOSE_VERSION_VARIABLE, "app",        "1",        "",     "V", "required"             },
        {"app:${V:-${W:-1}}",       "app:1",         COMPOSE_VERSION_VARIABLE, "app",        "1",        "",     "V",
         "nested default"                                                                                                                    },
        {"${R:-r.io/x}/app:${V_2}", "r.io/x/app:1",  COMPOSE_VERSION_VARIABLE, "r.io/x/app", "1",        "",
         "V_2",                                                                                                       "both variable"        },
        {"app:${V:+1}",             "app:1",         COMPOSE_VERSION_COMPLEX,  "app",        "1",        "",     "",  "alternative"          },
        {"app:v${V}",               "app:v1",        COMPOSE_VERSION_COMPLEX,  "app",        "v1",       "",     "",  "prefix"               },
        {"app:${V}-alpine",         "app:1-alpine",  COMPOSE_VERSION_COMPLEX,  "app",        "1-alpine", "",     "",
         "suffix"                                                                                                                            },
        {"app:${A}${B}",            "app:12",        COMPOSE_VERSION_COMPLEX,  "app",        "12",       "",     "",  "two"                  },
        {"${I}",                    "app:1",         COMPOSE_VERSION_COMPLEX,  "app",        "1",        "",     "",  "whole image"          },
        {"app${I}",                 "app:1",         COMPOSE_VERSION_COMPLEX,  "app",        "1",        "",     "",  "hidden tag"           },
        {"app@${D}",                "app@" DIGEST,   COMPOSE_VERSION_COMPLEX,  "app",        "",         DIGEST, "",
         "digest variable"                                                                                                                   },
        {"app:${V}@" DIGEST,        "app:1@" DIGEST, COMPOSE_VERSION_COMPLEX,  "app",        "1",        DIGEST, "",
         "the digest decides"                                                                                                                },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ship_error err = {0};
        struct compose_version v;
        AUTO_PTR(model_project_free)
        struct compose_project *p = one_service(rows[i].image, rows[i].raw);
        if (compose_service_version(p, "a.b", &v, &err) != 0)
            fail_msg("%s: %s", rows[i].why, err.msg);
        if (v.kind != rows[i].kind)
            fail_msg("%s: kind %d, want %d", rows[i].why, (int)v.kind, (int)rows[i].kind);
        assert_string_equal(v.repository, rows[i].repository);
        assert_string_equal(v.tag, rows[i].tag);
        assert_string_equal(v.digest, rows[i].digest);
        assert_string_equal(v.variable, rows[i].variable);
    }
}

static void test_service_version_bad_image_is_refused(void **state)
{
    static const struct {
        const char *image, *service, *why;
    } rows[] = {
        {"App",   "a.b",  "bad reference"                   },
        {"",      "a.b",  "empty image"                     },
        {"app:",  "a.b",  "unset variable left an empty tag"},
        {"app:1", "nope", "unknown service"                 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ship_error err = {0};
        struct compose_version v = {.tag = "kept"};
        AUTO_PTR(model_project_free)
        struct compose_project *p = one_service(rows[i].image, rows[i].image);
        if (compose_service_version(p, rows[i].service, &v, &err) == 0)
            fail_msg("accepted: %s", rows[i].why);
        assert_int_equal(err.code, SHIP_INVALID);
        assert_string_equal(v.tag, "kept");
    }
}

static void test_set_image_replaces_model_and_view(void **state)
{
    struct ship_error err = {0};
    AUTO_PTR(model_project_free) struct compose_project *p = one_service("app:1", "app:1");

    (void)state;
    assert_int_equal(compose_set_image(p, "a.b", "app:2", &err), 0);
    assert_string_equal(compose_service_find(p, "a.b")->image, "app:2");
    assert_int_equal(compose_set_image(p, "a.b", "app:2:3", &err), -1);
    assert_int_equal(err.code, SHIP_INVALID);
    assert_string_equal(compose_service_find(p, "a.b")->image, "app:2");
    assert_int_equal(compose_set_image(p, "nope", "app:2", &err), -1);
    assert_int_equal(err.code, SHIP_INVALID);
}

static void test_family_of_version_labels(void **state)
{
    static const struct {
        const char *label;
        enum compose_family family;
    } rows[] = {
        {NULL,         COMPOSE_FAMILY_V5     },
        {"",           COMPOSE_FAMILY_V5     },
        {"dev",        COMPOSE_FAMILY_V5     },
        {"5.0.0",      COMPOSE_FAMILY_V5     },
        {"5.5.0",      COMPOSE_FAMILY_V5     },
        {"v6.1.0",     COMPOSE_FAMILY_V5     },
        {"2.40.3",     COMPOSE_FAMILY_V2_30_2},
        {"2.31.0",     COMPOSE_FAMILY_V2_30_2},
        {"2.30.2",     COMPOSE_FAMILY_V2_30_2},
        {"2.30.1",     COMPOSE_FAMILY_V2_29_3},
        {"2.29.3",     COMPOSE_FAMILY_V2_29_3},
        {"2.29.2",     COMPOSE_FAMILY_V2_24  },
        {"2.26.1",     COMPOSE_FAMILY_V2_24  },
        {"v2.24.0",    COMPOSE_FAMILY_V2_24  },
        {"2.26.1-ds1", COMPOSE_FAMILY_V2_24  },
        {"2.23.0",     COMPOSE_FAMILY_V5     },
        {"1.29.2",     COMPOSE_FAMILY_V5     },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (compose_family_of(rows[i].label) != rows[i].family)
            fail_msg("%s: family %d", rows[i].label, (int)compose_family_of(rows[i].label));
    for (int f = COMPOSE_FAMILY_V2_24; f <= COMPOSE_FAMILY_V5; f++)
        assert_int_equal(compose_family_of(compose_family_version((enum compose_family)f)), f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_service_version_kind_by_raw_text),
        cmocka_unit_test(test_service_version_bad_image_is_refused),
        cmocka_unit_test(test_set_image_replaces_model_and_view),
        cmocka_unit_test(test_family_of_version_labels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
