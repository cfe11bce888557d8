/* SHA-256 and base64 against published vectors. */
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/encode.h"
#include "unit/assert.h"

static void test_sha256_matches_the_standard(void **state)
{
    char hex[SHA256_HEX_SIZE];

    (void)state;
    sha256_hex("", 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_sha256_in_pieces_equals_the_whole(void **state)
{
    char whole[SHA256_HEX_SIZE];
    char pieces[SHA256_HEX_SIZE];
    struct sha256 *s = sha256_new();

    (void)state;
    sha256_hex("hello world", 11, whole);
    sha256_add(s, "hello", 5);
    sha256_add(s, "", 0);
    sha256_add(s, " world", 6);
    sha256_finish_hex(s, pieces);
    assert_string_equal(pieces, whole);
}

/* Around every border of a block, whole and in two pieces, against libcrypto. */
static void test_sha256_of_any_length_equals_libcrypto(void **state)
{
    unsigned char data[300], digest[EVP_MAX_MD_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 7 + 1);
    for (size_t len = 0; len <= sizeof data; len++) {
        char expect[SHA256_HEX_SIZE], whole[SHA256_HEX_SIZE], pieces[SHA256_HEX_SIZE];
        struct sha256 *s = sha256_new();
        assert_int_equal(EVP_Digest(data, len, digest, NULL, EVP_sha256(), NULL), 1);
        for (size_t i = 0; i < (SHA256_HEX_SIZE - 1) / 2; i++)
            (void)snprintf(expect + 2 * i, 3, "%02x", digest[i]);
        sha256_hex(data, len, whole);
        sha256_add(s, data, len / 3);
        sha256_add(s, data + len / 3, len - len / 3);
        sha256_finish_hex(s, pieces);
        assert_string_equal(whole, expect);
        assert_string_equal(pieces, expect);
    }
}

static const struct {
    const char *plain;
    const char *encoded;
} vectors[] = {
    {"",             ""        },
    {"f",            "Zg=="    },
    {"fo",           "Zm8="    },
    {"foo",          "Zm9v"    },
    {"foob",         "Zm9vYg=="},
    {"fooba",        "Zm9vYmE="},
    {"foobar",       "Zm9vYmFy"},
    {"\xFB\xFF\xFE", "+//+"    },
};

static void test_base64_round_trips_the_rfc_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(vectors); i++) {
        AUTO_FREE char *text = base64_encode(vectors[i].plain, strlen(vectors[i].plain));
        AUTO(buf_done) struct buf out = BUF_INIT(100);

        assert_string_equal(text, vectors[i].encoded);
        assert_int_equal(base64_decode(text, strlen(text), &out), 0);
        assert_string_equal(out.p, vectors[i].plain);
    }
}

static void test_base64url_uses_its_own_alphabet(void **state)
{
    AUTO_FREE char *text = base64url_encode("\xFB\xFF\xFE\xFF", 4);

    (void)state;
    assert_string_equal(text, "-__-_w==");
}

static void test_base64_decode_refuses_everything_else(void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        {"Zg",       "padding missing"      },
        {"Zg=",      "padding incomplete"   },
        {"Zg==Zg==", "padding in the middle"},
        {"Z===",     "three padding signs"  },
        {"====",     "only padding"         },
        {"Zm9v\n",   "newline"              },
        {"Zm 9",     "blank"                },
        {"Zm-_",     "URL alphabet"         },
        {"Zh==",     "bits behind the value"},
        {"Zm9=",     "bits behind two bytes"},
        {"=g==",     "padding first"        },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO(buf_done) struct buf out = BUF_INIT(100);

        (void)buf_adds(&out, "kept");
        row_check(base64_decode(rows[i].text, strlen(rows[i].text), &out) == -1, rows[i].why);
        row_check(strcmp(out.p, "kept") == 0, rows[i].why);
    }
}

static void test_base64_decode_respects_the_limit(void **state)
{
    AUTO(buf_done) struct buf out = BUF_INIT(5);

    (void)state;
    assert_int_equal(base64_decode("Zm9vYmFy", 8, &out), -1);
    assert_int_equal(out.len, 0);
    assert_int_equal(base64_decode("Zm\0v", 4, &out), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256_matches_the_standard),
        cmocka_unit_test(test_sha256_in_pieces_equals_the_whole),
        cmocka_unit_test(test_sha256_of_any_length_equals_libcrypto),
        cmocka_unit_test(test_base64_round_trips_the_rfc_vectors),
        cmocka_unit_test(test_base64url_uses_its_own_alphabet),
        cmocka_unit_test(test_base64_decode_refuses_everything_else),
        cmocka_unit_test(test_base64_decode_respects_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
