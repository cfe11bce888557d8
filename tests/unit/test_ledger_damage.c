/*
 * Damaged files: bytes flipped in each page, files cut at each sector. Opening and reading either
 * works or says what is wrong; nothing crashes, nothing hangs, and no error is an internal one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/ledger_fixture.h"
#include "unit/assert.h"

#define PAGE 4096

struct image {
    char *data;
    size_t len;
};

static struct image make_image(struct fixture *f)
{
    struct image im = {0};

    f->l = ledger_open(f->dir, LEDGER_WRITE, &f->err);
    assert_not_null_ok(f->l, &f->err);
    fixture_fill(f->l);
    ledger_close(f->l);
    f->l = NULL;
    im.data = fixture_read_file(f->path, &im.len);
    return im;
}

/* true: something told that the file is damaged. */
static bool try_file(struct fixture *f, const char *data, size_t len)
{
    struct ledger_deployment d = fixture_deployment("v9");
    struct ship_error err = {0};
    struct ledger *l;
    size_t failed;

    fixture_write_file(f->path, data, len);
    l = ledger_open(f->dir, LEDGER_READ, &err);
    fixture_must(l || fixture_is_damage(&err), "open a damaged file for reading", &err);
    failed = l ? fixture_read_all(l) : 1;
    ledger_close(l);
    l = ledger_open(f->dir, LEDGER_WRITE, &err);
    fixture_must(l || fixture_is_damage(&err), "open a damaged file for writing", &err);
    /* Any error will do: a damaged index may even claim that a row exists already. */
    if (l && ledger_begin(l, &d, &err))
        failed++;
    ledger_close(l);
    return failed > 0;
}

static void test_flipped_bytes_never_crash(void **state)
{
    struct fixture *f = *state;
    struct image im = make_image(f);
    AUTO_FREE char *copy = xmalloc(im.len);
    size_t tried = 0, told = 0;
    unsigned seed = 1;

    /* The first bytes of a page steer SQLite most; the rest is sampled. */
    for (size_t page = 0; page * PAGE < im.len; page++)
        for (size_t i = 0; i < 28; i++) {
            size_t at = i < 12 ? i : (size_t)rand_r(&seed) % PAGE;

            if (page == 0 && i < 12)
                at = 16 + i * 7;
            memcpy(copy, im.data, im.len);
            copy[page * PAGE + at] = (char)(copy[page * PAGE + at] ^ (1 << (tried % 8)));
            tried++;
            told += try_file(f, copy, im.len) ? 1 : 0;
        }
    print_message("%zu flips, %zu told\n", tried, told);
    assert_true(tried >= 20 * 8);
    assert_true(told > tried / 8);
    free(im.data);
}

static void test_cut_files_never_crash_and_always_tell(void **state)
{
    struct fixture *f = *state;
    struct image im = make_image(f);

    for (size_t len = 512; len < im.len; len += len < 2 * PAGE ? 512 : PAGE)
        if (!try_file(f, im.data, len))
            fail_msg("a file cut to %zu of %zu bytes was taken for sound", len, im.len);
    free(im.data);
}

static void test_pages_overwritten_with_others_never_crash(void **state)
{
    struct fixture *f = *state;
    struct image im = make_image(f);
    AUTO_FREE char *copy = xmalloc(im.len);
    size_t pages = im.len / PAGE;

    for (size_t page = 1; page < pages; page++) {
        memcpy(copy, im.data, im.len);
        memcpy(copy + page * PAGE, im.data + (page % (pages - 1) + 1) * PAGE, PAGE);
        if (memcmp(copy, im.data, im.len) != 0)
            (void)try_file(f, copy, im.len);
        memset(copy + page * PAGE, 0, PAGE);
        (void)try_file(f, copy, im.len);
    }
    free(im.data);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup_empty, fixture_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_flipped_bytes_never_crash),
        TEST(test_cut_files_never_crash_and_always_tell),
        TEST(test_pages_overwritten_with_others_never_crash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
