/*
 * shipctl: the program over the core library.
 *
 * Sets up the process (descriptors, signals, limits), reads the command line,
 * opens one session and one face, runs the subcommand, then writes its answer.
 * The exit status is the library's; see shipctl(1), EXIT STATUS.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shipctl/shipctl.h"

#include "answer.h"
#include "card.h"
#include "command.h"
#include "help.h"
#include "stop.h"

#define ANSWER_IDLE_MS 10000        /* an answer after a change: nobody waits longer */
#define PAGER_IDLE_MS  (600 * 1000) /* a question may be read slowly, in a pager */
#define DRAIN_MS       2000

/* A closed descriptor 0-2 would be taken by the next open, and a database would get our messages.
 */
static void reopen_standard_fds(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        /* children inherit it: NOLINTNEXTLINE(android-cloexec-open) */
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) < 0)
            _exit(ship_code_exit_status(SHIP_INTERNAL));
}

/* Not after set-user-ID: the environment is the caller's, the rights would be another's. */
static void refuse_raised_rights(void)
{
    static const char message[] =
        "shipctl: refusing to run set-user-ID or with file capabilities\n";

    if (getauxval(AT_SECURE) == 0)
        return;
    (void)stream_write_all(STDERR_FILENO, message, sizeof message - 1, DRAIN_MS, NULL);
    _exit(ship_code_exit_status(SHIP_DENIED));
}

/*
 * Registry credentials and environments pass through memory: no core file, no ptrace. With --debug
 * as well: it shows where an error came from, not what we know.
 */
static void hide_memory(void)
{
    const struct rlimit none = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static bool is_same_file(int a, int b)
{
    struct stat x;
    struct stat y;

    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static enum face_kind face_kind_for(const struct args *args)
{
    if (args->progress != FACE_AUTO)
        return (enum face_kind)args->progress;
    return face_detect(isatty(STDERR_FILENO) == 1, getenv("GITHUB_ACTIONS"), getenv("CI"),
                       getenv("TERM"));
}

static bool is_verbose(const struct args *args)
{
    const char *runner_debug = getenv("RUNNER_DEBUG");

    return args->verbose || args->debug || (runner_debug != NULL && strcmp(runner_debug, "1") == 0);
}

/* shows_progress: an operation will run; the error of a command line needs no time stamp. */
static void open_face(struct context *c, struct stream *err, bool shows_progress)
{
    const struct args *args = c->args;
    const struct face_options options = {
        .kind = face_kind_for(args),
        .shows_progress = shows_progress,
        .is_quiet = args->quiet,
        .is_verbose = is_verbose(args),
        .leaves_end = c->is_shared && !args->json && !args->quiet,
    };

    stream_open(err, STDERR_FILENO, stop_flag());
    face_open(c->face, &options, err, style_for(STDERR_FILENO, (enum color_mode)args->color));
}

static int run_in_session(struct context *c)
{
    const struct args *a = c->args;
    struct ship_events events = {.sinks = {&c->face->sink}, .n_sinks = 1};
    const struct ship_options options = {
        .dir = a->dir,
        .plan_file = a->file,
        .environment = a->environment,
        .environ = c->environ,
        .lock_wait_ms = a->lock_wait_ms,
        .no_guardian = a->no_guardian,
        .reason = a->reason,
        .events = &events,
        .stop = stop_flag(),
        .in_flight = stop_in_flight(),
    };
    int rc;

    stop_prepare(c);
    c->session = ship_session_new(&options);
    rc = c->command->run(c);
    /* before the answer is written: a slow reader must not hold the lock */
    ship_session_free(c->session);
    c->session = NULL;
    return rc;
}

static int usage_without_command(struct context *c)
{
    struct ship_error err = {0};

    (void)ship_fail(&err, SHIP_USAGE, "no command given");
    (void)ship_error_hint(&err, "shipctl --help lists the commands");
    return answer_error(c, &err, ship_code_exit_status(SHIP_USAGE));
}

static int run_command(struct context *c)
{
    if (c->args->version) {
        help_version(&c->answer, c->args->verbose);
        return 0;
    }
    if (c->args->help) {
        if (c->command != NULL)
            help_command(&c->answer, c->command);
        else
            help_overview(&c->answer);
        return 0;
    }
    if (c->command == NULL)
        return usage_without_command(c);
    return (c->command->flags & COMMAND_SESSION) != 0 ? run_in_session(c) : c->command->run(c);
}

static bool does_change(const struct context *c)
{
    return c->command != NULL && (c->command->flags & COMMAND_CHANGES) != 0;
}

/*
 * An answer that cannot be written fails a question (unless the reader just left); after a change
 * the exit status keeps saying what serves. A signal means that nobody waits for it any more.
 */
static int write_answer(struct context *c, int rc)
{
    struct text message = {0};
    int64_t idle_ms = does_change(c) ? ANSWER_IDLE_MS : PAGER_IDLE_MS;

    if (c->answer.len == 0 ||
        stream_write_all(STDOUT_FILENO, text_str(&c->answer), c->answer.len, idle_ms, c->stop) == 0)
        return rc;
    if (errno == EPIPE || errno == EINTR)
        return rc;
    text_addf(&message, "cannot write to standard output: %s", strerror(errno));
    face_message(c->face, SHIP_LEVEL_ERROR, text_str(&message));
    text_done(&message);
    return rc == 0 && !does_change(c) ? ship_code_exit_status(SHIP_IO) : rc;
}

int main(int argc, char **argv)
{
    struct face face;
    struct stream err_stream;
    struct args args = {0};
    struct ship_error err = {0};
    struct context c = {
        .environ = (const char *const *)environ, .args = &args, .face = &face, .stop = stop_flag()};
    int rc;

    (void)umask(077);
    reopen_standard_fds();
    refuse_raised_rights();
    (void)setlocale(LC_CTYPE, "");
    rc = args_parse(argc, argv, card_now_ms(), &args, &c.command, &err);
    if (rc < 0)
        args.json = args_want_json(argc, argv);
    stop_catch(c.command != NULL ? c.command->flags : 0);
    hide_memory();
    c.style = style_for(STDOUT_FILENO, (enum color_mode)args.color);
    c.is_shared = is_same_file(STDOUT_FILENO, STDERR_FILENO);
    open_face(&c, &err_stream,
              rc == 0 && c.command != NULL && (c.command->flags & COMMAND_PROGRESS) != 0);
    rc = rc < 0 ? answer_error(&c, &err, ship_code_exit_status(SHIP_USAGE)) : run_command(&c);
    face_close(&face);
    stream_flush(&err_stream);
    stop_reset();
    rc = write_answer(&c, rc);
    face_done(&face);
    stream_close(&err_stream, DRAIN_MS);
    text_done(&c.answer);
    return rc;
}
