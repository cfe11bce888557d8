/* Numbers, durations and sizes, both directions. */
#include <math.h>

#include "base/str.h"
#include "unit/assert.h"

static void test_to_i64_takes_whole_numbers_in_range_only(void **state)
{
    static const struct {
        const char *text;
        int rc;
        int64_t value;
        const char *why;
    } rows[] = {
        {"0",                       0,  0,         "zero"                           },
        {"-0",                      0,  0,         "negative zero"                  },
        {"007",                     0,  7,         "leading zeros are still base 10"},
        {"9223372036854775807",     0,  INT64_MAX, "largest"                        },
        {"-9223372036854775808",    0,  INT64_MIN, "smallest"                       },
        {"9223372036854775808",     -1, 0,         "one too large"                  },
        {"-9223372036854775809",    -1, 0,         "one too small"                  },
        {"99999999999999999999999", -1, 0,         "far too large"                  },
        {"",                        -1, 0,         "empty"                          },
        {"-",                       -1, 0,         "sign alone"                     },
        {"+1",                      -1, 0,         "plus sign"                      },
        {" 1",                      -1, 0,         "leading blank"                  },
        {"1 ",                      -1, 0,         "trailing blank"                 },
        {"1x",                      -1, 0,         "trailing text"                  },
        {"0x10",                    -1, 0,         "hex"                            },
        {"1.0",                     -1, 0,         "fraction"                       },
        {"--1",                     -1, 0,         "two signs"                      },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        int64_t value = -77;

        row_check(str_to_i64(rows[i].text, &value) == rows[i].rc, rows[i].why);
        row_check(value == (rows[i].rc == 0 ? rows[i].value : -77), rows[i].why);
    }
}

static void test_to_u64_refuses_signs_and_overflow(void **state)
{
    uint64_t value = 5;

    (void)state;
    assert_int_equal(str_to_u64("18446744073709551615", &value), 0);
    assert_true(value == UINT64_MAX);
    assert_int_equal(str_to_u64("18446744073709551616", &value), -1);
    assert_int_equal(str_to_u64("-1", &value), -1);
    assert_true(value == UINT64_MAX);
}

static void test_to_double_is_strict(void **state)
{
    static const struct {
        const char *text;
        int rc;
        double value;
        const char *why;
    } rows[] = {
        {"1.5",    0,  1.5,  "plain"                    },
        {"-2",     0,  -2,   "integer"                  },
        {"1e3",    0,  1000, "exponent"                 },
        {"2.5E-1", 0,  0.25, "negative exponent"        },
        {"1,5",    -1, 0,    "comma"                    },
        {"inf",    -1, 0,    "infinity"                 },
        {"nan",    -1, 0,    "not a number"             },
        {"0x1p3",  -1, 0,    "hex"                      },
        {"1e999",  -1, 0,    "overflows to infinity"    },
        {".5",     -1, 0,    "no digit before the point"},
        {"5.",     -1, 0,    "no digit after the point" },
        {"1e",     -1, 0,    "no exponent digits"       },
        {" 1",     -1, 0,    "blank"                    },
        {"",       -1, 0,    "empty"                    },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        double value = -77;

        row_check(str_to_double(rows[i].text, &value) == rows[i].rc, rows[i].why);
        row_check(fabs(value - (rows[i].rc == 0 ? rows[i].value : -77)) < 1e-12, rows[i].why);
    }
}

static void test_to_duration_follows_the_grammar_of_the_plan(void **state)
{
    static const struct {
        const char *text;
        int rc;
        int64_t ms;
        const char *why;
    } rows[] = {
        {"0",                     0,  0,         "bare zero needs no unit"        },
        {"0s",                    0,  0,         "zero with unit"                 },
        {"250ms",                 0,  250,       "ms is not m"                    },
        {"2s",                    0,  2000,      "seconds"                        },
        {"5m",                    0,  300000,    "minutes"                        },
        {"1m30s",                 0,  90000,     "two parts"                      },
        {"1h1m1s1ms",             0,  3661001,   "all parts"                      },
        {"1.5s",                  0,  1500,      "fraction"                       },
        {"0.5h",                  0,  1800000,   "fraction of an hour"            },
        {"2d",                    0,  172800000, "days"                           },
        {"1w",                    0,  604800000, "weeks"                          },
        {"1.0005s",               0,  1001,      "rounded to the nearest"         },
        {"0.0001ms",              -1, 0,         "above zero must not become zero"},
        {"2",                     -1, 0,         "unit missing"                   },
        {"",                      -1, 0,         "empty"                          },
        {"s",                     -1, 0,         "number missing"                 },
        {"-1s",                   -1, 0,         "negative"                       },
        {"1 s",                   -1, 0,         "blank"                          },
        {"1s ",                   -1, 0,         "trailing blank"                 },
        {"1s30",                  -1, 0,         "second unit missing"            },
        {"1y",                    -1, 0,         "unknown unit"                   },
        {"1S",                    -1, 0,         "upper case"                     },
        {"1.s",                   -1, 0,         "empty fraction"                 },
        {"1.1234567s",            -1, 0,         "seven digits of fraction"       },
        {"15250284453w",          -1, 0,         "overflows int64"                },
        {"99999999999999999999s", -1, 0,         "overflows uint64"               },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        int64_t ms = -77;

        row_check(str_to_duration_ms(rows[i].text, &ms) == rows[i].rc, rows[i].why);
        row_check(ms == (rows[i].rc == 0 ? rows[i].ms : -77), rows[i].why);
    }
}

static void test_to_size_knows_both_powers(void **state)
{
    static const struct {
        const char *text;
        int rc;
        uint64_t bytes;
        const char *why;
    } rows[] = {
        {"1GB",         0,  1000000000,                     "decimal"                        },
        {"512MiB",      0,  536870912,                      "binary"                         },
        {"0B",          0,  0,                              "zero"                           },
        {"1.5KB",       0,  1500,                           "fraction"                       },
        {"0.5KiB",      0,  512,                            "fraction of a binary unit"      },
        {"2TiB",        0,  UINT64_C(2199023255552),        "large"                          },
        {"16777215TiB", 0,  UINT64_C(18446742974197923840), "nearly 2^64"                    },
        {"16777216TiB", -1, 0,                              "2^64"                           },
        {"0.1B",        -1, 0,                              "above zero must not become zero"},
        {"1",           -1, 0,                              "unit missing"                   },
        {"1g",          -1, 0,                              "unknown unit"                   },
        {"1gb",         -1, 0,                              "lower case"                     },
        {"1 GB",        -1, 0,                              "blank"                          },
        {"1GBs",        -1, 0,                              "trailing text"                  },
        {"-1GB",        -1, 0,                              "negative"                       },
        {"",            -1, 0,                              "empty"                          },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        uint64_t bytes = 77;

        row_check(str_to_size_bytes(rows[i].text, &bytes) == rows[i].rc, rows[i].why);
        row_check(bytes == (rows[i].rc == 0 ? rows[i].bytes : 77), rows[i].why);
    }
}

static void test_format_duration_picks_two_units(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {-5,        "0 ms"              },
        {0,         "0 ms"              },
        {250,       "250 ms"            },
        {999,       "999 ms"            },
        {1000,      "1.0 s"             },
        {1449,      "1.4 s"             },
        {59999,     "59.9 s"            },
        {60000,     "1 min"             },
        {125000,    "2 min 5 s"         },
        {3600000,   "1 h"               },
        {10920000,  "3 h 2 min"         },
        {435600000, "5 d 1 h"           },
        {INT64_MAX, "106751991167 d 7 h"},
    };
    char out[STR_DURATION_MAX];

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_string_equal(str_format_duration(rows[i].ms, out), rows[i].text);
}

static void test_format_bytes_rounds_to_the_digit_shown(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {
        {0,           "0 B"   },
        {512,         "512 B" },
        {999,         "999 B" },
        {1000,        "1.0 KB"},
        {1500000,     "1.5 MB"},
        {9949,        "9.9 KB"},
        {9950,        "10 KB" },
        {12345678901, "12 GB" },
        {999499,      "999 KB"},
        {999500,      "1.0 MB"},
        {UINT64_MAX,  "18 EB" },
    };
    char out[STR_BYTES_MAX];

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_string_equal(str_format_bytes(rows[i].bytes, out), rows[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_to_i64_takes_whole_numbers_in_range_only),
        cmocka_unit_test(test_to_u64_refuses_signs_and_overflow),
        cmocka_unit_test(test_to_double_is_strict),
        cmocka_unit_test(test_to_duration_follows_the_grammar_of_the_plan),
        cmocka_unit_test(test_to_size_knows_both_powers),
        cmocka_unit_test(test_format_duration_picks_two_units),
        cmocka_unit_test(test_format_bytes_rounds_to_the_digit_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
