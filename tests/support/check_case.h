/*
 * One check under test: YAML text in, verdict out.
 *
 *     struct check_case c;
 *     check_case_init(&c);
 *     check_case_target(&c, "app", true);
 *     check_case_load(&c, "{type: tcp, port: 80}");
 *     struct check_result r = check_case_try(&c);
 *     check_case_done(&c);
 */
#ifndef TESTS_SUPPORT_CHECK_CASE_H
#define TESTS_SUPPORT_CHECK_CASE_H

#include "check/check.h"
#include "support/fake_clock.h"
#include "support/fake_runtime.h"

#define CHECK_CASE_TARGETS 8

struct check_case {
    struct fake_clock clock;
    struct fake_runtime fake;
    struct check_target targets[CHECK_CASE_TARGETS];
    struct tmpl_var vars[8];
    struct check_env env; /* points at the above; version is "v2", old.version "v1" */
    struct yaml_problems problems;
    struct yaml_file *yaml;
    struct plan_check plan;
    struct checks checks;
    struct ship_error err; /* of the last try */
    int64_t timeout_ms;    /* of check_case_try; default 5000 */
    unsigned phase;        /* default: the first one the type is allowed in */
};

void check_case_init(struct check_case *c);
void check_case_done(struct check_case *c);

/* A running container that is a target. */
struct fake_container *check_case_target(struct check_case *c, const char *service, bool deployed);

/* Decode a flow mapping; replaces the former one. Problems stay in c->problems. */
void check_case_decode(struct check_case *c, const char *yaml);
/* Same; a problem fails the test. */
void check_case_load(struct check_case *c, const char *yaml);
/* First problem's text, or "". */
const char *check_case_problem(const struct check_case *c);

/* One try; -1 of run() fails the test. */
struct check_result check_case_try(struct check_case *c);
/* One try that must end with -1; the code. */
enum ship_code check_case_try_fails(struct check_case *c);

/* Load, try, and compare: the message must hold `part`. Failures name `why`. */
void check_case_expect(struct check_case *c, const char *yaml, enum check_status status,
                       const char *part, const char *why);

#endif
