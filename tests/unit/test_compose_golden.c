/*
 * Every case of tests/data/compose-golden.json through the loader.
 *
 * A case's files are written below a temporary directory; its absolute
 * directory is substituted in the result before the comparison.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "compose/load.h"
#include "unit/assert.h"

#define DATA_BYTES_MAX (4u * 1024 * 1024)

/* Cases where shipctl differs on purpose: the class it reports instead. */
static const struct {
    const char *name;
    const char *class_name;
    const char *why;
} differences[] = {
    {"volumes-single-letter", "bad_volume",
     "Compose silently makes an anonymous volume at 'a:/a' of it: refused"                                 },
    {"volumes-empty-section", "bad_volume",
     "'a::b' reads as a Windows drive and a relative container path: refused"                              },
    {"secret-external",       "refused",    "Compose refuses it when the container is created: refused now"},
};

struct fixture {
    char root[64]; /* of all cases */
    struct json *golden;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    struct buf text = BUF_INIT(DATA_BYTES_MAX);
    struct ship_error err = {0};

    (void)snprintf(f->root, sizeof f->root, "/tmp/ship-golden-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    assert_ok(file_read(TESTS_DIR "/data/compose-golden.json", &text, &err), &err);
    f->golden = json_parse(text.p, text.len, "compose-golden.json", &err);
    assert_not_null_ok(f->golden, &err);
    buf_done(&text);
    *state = f;
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    json_free(f->golden);
    assert_int_equal(nftw(f->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(f);
    return 0;
}

/* "<root>/<case>", the files written into it. Heap. */
static char *write_case(const struct fixture *f, const struct json *c)
{
    struct ship_error err = {0};
    char *dir = xasprintf("%s/%s", f->root, json_str(c, "name"));

    assert_ok(file_make_dirs(dir, 0755, &err), &err);
    for (const struct json *m = json_first(json_get(c, "files")); m; m = json_next(m)) {
        AUTO_FREE char *path = xasprintf("%s/%s", dir, json_key(m));
        AUTO_FREE char *parent = file_dirname(path);
        const char *text = json_value_str(m);
        assert_ok(file_make_dirs(parent, 0755, &err), &err);
        assert_ok(file_replace(path, text, strlen(text), 0644, &err), &err);
    }
    return dir;
}

static void environment_of(const struct json *c, const char *dir, struct strv *ret)
{
    for (const struct json *m = json_first(json_get(c, "env")); m; m = json_next(m))
        strv_take(ret, xasprintf("%s=%s", json_key(m), json_value_str(m)));
    strv_add(ret, "HOME=/home/deploy");
    strv_take(ret, xasprintf("PWD=%s", dir));
}

/* text with every `from` replaced by `to`. Heap. */
static char *substitute(const char *text, const char *from, const char *to)
{
    struct buf out = BUF_INIT(DATA_BYTES_MAX);

    for (const char *at; (at = strstr(text, from)); text = at + strlen(from)) {
        buf_add(&out, text, (size_t)(at - text));
        buf_adds(&out, to);
    }
    buf_adds(&out, text);
    return buf_steal(&out);
}

/* Say what is wrong with a case; false, so that the next cases run too. */
static bool complain(const struct json *c, const char *what, const char *got, const char *expected)
{
    print_error("case '%s': %s\n got      %s\n expected %s\n", json_str(c, "name"), what, got,
                expected);
    return false;
}

static bool compare_model(const struct fixture *f, const struct json *c,
                          const struct compose_project *p)
{
    struct ship_error err = {0};
    AUTO_PTR(json_free) struct json *model = compose_model(p);
    AUTO_FREE char *text = json_print(model);
    AUTO_FREE char *moved = substitute(text, f->root, "/srv/golden");
    AUTO_PTR(json_free) struct json *got = json_parse(moved, strlen(moved), "model", &err);
    const struct json *expected = json_get(c, "expect_model");

    if (json_equal(got, expected))
        return true;
    AUTO_FREE char *want = json_print(expected);
    return complain(c, "model differs", moved, want);
}

static bool compare_unset(const struct json *c, const struct load_report *report)
{
    const struct json *expected = json_get(c, "warn_unset");
    bool ok = !expected || report->unset.n == json_size(expected);

    for (const struct json *m = json_first(expected); m; m = json_next(m))
        ok = ok && strv_has(&report->unset, json_value_str(m));
    return ok || complain(c, "unset variables differ", "", "");
}

/* Class the case must be refused with, or NULL. */
static const char *expected_class(const struct json *c)
{
    for (size_t i = 0; i < ROWS(differences); i++) {
        if (str_eq(differences[i].name, json_str(c, "name")))
            return differences[i].class_name;
    }
    return json_str(c, "expect_error");
}

static bool check_refused(const struct json *c, const struct load_report *report,
                          const struct yaml_problems *problems, const struct ship_error *err)
{
    const char *class_name = compose_class_name(report->first);

    if (!expected_class(c))
        return complain(c, "refused", err->msg, "a model");
    if (!str_eq(class_name, expected_class(c)))
        return complain(c, err->msg, class_name, expected_class(c));
    return (err->code == SHIP_INVALID && err->msg[0] && problems->n_errors > 0) ||
           complain(c, "refused without a problem", err->msg, "");
}

static bool run_case(const struct fixture *f, const struct json *c)
{
    struct ship_error err = {0};
    AUTO(yaml_problems_done) struct yaml_problems problems = {0};
    AUTO(strv_done) struct strv environ = {0};
    AUTO_FREE char *dir = write_case(f, c);
    struct load_report report = {0};

    environment_of(c, dir, &environ);
    struct compose_options options = {.dir = dir, .environ = (const char *const *)environ.v};
    AUTO_PTR(compose_free)
    struct compose_project *p = load_with_report(&options, &problems, &report, &err);
    bool ok = !p                  ? check_refused(c, &report, &problems, &err)
              : expected_class(c) ? complain(c, "accepted", "", expected_class(c))
                                  : compare_model(f, c, p);
    ok = compare_unset(c, &report) && ok;
    strv_done(&report.unset);
    return ok;
}

static void test_compose_load_golden_cases_give_the_measured_models(void **state)
{
    const struct fixture *f = *state;
    size_t n = 0, good = 0;

    for (const struct json *c = json_first(json_get(f->golden, "cases")); c; c = json_next(c), n++)
        good += run_case(f, c);
    assert_int_equal(n, 122);
    assert_int_equal(good, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compose_load_golden_cases_give_the_measured_models),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
