/* Names of containers that stand aside. */
#include <stdlib.h>

#include "base/auto.h"
#include "base/str.h"
#include "deploy/names.h"
#include "unit/assert.h"

static void test_name_of_every_shape_is_recognised(void **state)
{
    static const struct {
        const char *name, *final;
        bool ours, aside;
        const char *why;
    } rows[] = {
        {"shop-app-1",                      "shop-app-1",              false, false, "live"                      },
        {"shop-app-1.shipctl-parked-12",    "shop-app-1",              true,  true,  "parked"                    },
        {"shop-app-1.shipctl-candidate-12", "shop-app-1",              true,  true,  "candidate"                 },
        {"0123456789ab_shop-app-1",         "0123456789ab_shop-app-1", false, true,  "Compose's own"             },
        {"0123456789AB_shop",               "0123456789AB_shop",       false, false, "upper case is no id"       },
        {"0123456789a_shop",                "0123456789a_shop",        false, false, "eleven digits"             },
        {"0123456789abc_shop",              "0123456789abc_shop",      false, false, "thirteen digits"           },
        {"0123456789ab-shop",               "0123456789ab-shop",       false, false, "another separator"         },
        {"shipctl-parked-1",                "shipctl-parked-1",        false, false, "a live container called so"},
        {"",                                "",                        false, false, "empty"                     },
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_FREE char *final = name_final(rows[i].name);
        row_check(str_eq(final, rows[i].final), rows[i].why);
        row_check(name_is_ours(rows[i].name) == rows[i].ours, rows[i].why);
        row_check(name_is_aside(rows[i].name) == rows[i].aside, rows[i].why);
    }
}

static void test_name_parked_and_candidate_lead_back_to_the_live_name(void **state)
{
    AUTO_FREE char *parked = name_parked("a.b_c-1", INT64_MAX);
    AUTO_FREE char *candidate = name_candidate("a.b_c-1", 1);
    AUTO_FREE char *from_parked = name_final(parked);
    AUTO_FREE char *from_candidate = name_final(candidate);

    (void)state;
    assert_string_equal(parked, "a.b_c-1.shipctl-parked-9223372036854775807");
    assert_string_equal(candidate, "a.b_c-1.shipctl-candidate-1");
    assert_string_equal(from_parked, "a.b_c-1");
    assert_string_equal(from_candidate, "a.b_c-1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name_of_every_shape_is_recognised),
        cmocka_unit_test(test_name_parked_and_candidate_lead_back_to_the_live_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
