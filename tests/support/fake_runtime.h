/*
 * A runtime without an engine: answers are set by the test, calls are written
 * down.
 *
 *     struct fake_runtime fake;
 *     fake_runtime_init(&fake, &clock.clock);
 *     struct fake_container *db = fake_add(&fake, "db");
 *     db->env = "POSTGRES_PASSWORD=x";
 *     fake_exec(&fake, "psql", 0, "1\n");
 *     fake_fail(&fake, "resolve", SHIP_TIMEOUT, "no answer");
 *     ... code under test with &fake.rt ...
 *     assert_true(fake_called(&fake, "exec db psql"));
 *     fake_runtime_done(&fake);
 *
 * A test that needs more replaces a slot: fake.ops.start = my_start.
 */
#ifndef TESTS_SUPPORT_FAKE_RUNTIME_H
#define TESTS_SUPPORT_FAKE_RUNTIME_H

#include "runtime/runtime.h"

#define FAKE_MAX 32

/* One container; texts are borrowed, zero means the plain case: running, no health check. */
struct fake_container {
    char id[65];      /* "id-<name>" */
    const char *name; /* also what calls are logged with */
    enum container_state state;
    enum container_health health;
    const char *health_output;
    int64_t exit_code, restart_count, health_failing;
    bool oom_killed;
    const char *state_error;
    const char *started_at; /* NULL: a fixed time */
    const char *address;    /* NULL: none */
    const char *env;        /* "A=1\nB=2"; NULL: none */
    const char *ports;      /* JSON array as in the engine's list; NULL: [] */
    const char *labels;     /* JSON object; NULL: {} */
    const char *test;       /* Config.Healthcheck.Test as JSON array; NULL: none */
    const char *log;        /* stdout; NULL: empty */
    const char *log_stderr;
    bool removed;
};

/* Answer to an exec, by argv[0]; the last one set wins. */
struct fake_exec_answer {
    const char *program;
    int exit_code;
    const char *output;
    bool timed_out;
};

struct fake_failure {
    const char *op; /* "inspect"; "" = unused */
    enum ship_code code;
    const char *message;
};

struct fake_runtime {
    struct runtime rt; /* first member; give &fake.rt to the code under test */
    struct runtime_ops ops;
    struct fake_container containers[FAKE_MAX];
    size_t n_containers;
    struct fake_exec_answer execs[FAKE_MAX];
    size_t n_execs;
    struct fake_failure failures[FAKE_MAX];
    size_t n_failures;
    const char *digest;     /* of resolve; default "sha256:00..." */
    size_t log_chunk;       /* bytes per call of a log sink; 0 = all at once */
    int64_t wait_exit_code; /* of wait_exit */
    struct json *created;   /* body of the last create; owned */
    struct strv envp;       /* environment of the last exec; owned */
    struct strv calls;      /* "op object rest"; owned */
    struct strv names;      /* of created containers; owned */
};

void fake_runtime_init(struct fake_runtime *f, const struct clock *clock);
void fake_runtime_done(struct fake_runtime *f);

/* A running container. The pointer stays valid. */
struct fake_container *fake_add(struct fake_runtime *f, const char *name);
struct fake_container *fake_find(struct fake_runtime *f, const char *id_or_name);
void fake_exec(struct fake_runtime *f, const char *program, int exit_code, const char *output);
/* Each call of this op fails from now on. */
void fake_fail(struct fake_runtime *f, const char *op, enum ship_code code, const char *message);

/* Has a call been made that starts with this text? Number of those. */
bool fake_called(const struct fake_runtime *f, const char *start);
size_t fake_calls(const struct fake_runtime *f, const char *start);

#endif
