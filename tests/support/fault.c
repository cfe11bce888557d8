/* Faults at one call of a client: see fault.h. */
#include "support/fault.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/file.h"
#include "support/http_reader.h"
#include "support/kill_family.h"

#define HEAD_JSON "Content-Type: application/json\r\n"

#define AWAY_MS    1500
#define SLOW_MS    1000
#define PAUSE_MS   3000
#define TRICKLE_MS 50

struct mode {
    const char *name;
    enum fault_at at;
    void (*deed)(struct fault *f, const struct fault_scene *scene);
    const char *text; /* the answer, or its begin; NULL: nothing */
    int signal;       /* for the engine */
};

struct fault {
    const struct mode *mode;
    unsigned call;
    bool kills_children;
    int out;
    int away_fd;
    pid_t engine;
    atomic_int client; /* the program that is meant: the first to connect */
    atomic_uint calls;
    atomic_bool is_done;
    atomic_bool is_away;
};

/* ---- what can happen ---- */

static void wait_ms(unsigned ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    (void)nanosleep(&time, NULL);
}

static void say(const struct fault *f, const struct fault_scene *scene)
{
    if (f->mode->text)
        (void)file_write_all(scene->client_fd, f->mode->text, strlen(f->mode->text));
}

static void kill_client(struct fault *f, const struct fault_scene *scene)
{
    kill_family(scene->client, f->kills_children);
    exit(0);
}

/* The end of a connection is a reset when something was left unread. */
static void reset(struct fault *f, const struct fault_scene *scene)
{
    (void)f;
    (void)scene;
    exit(0);
}

static void hang_up(struct fault *f, const struct fault_scene *scene)
{
    char rest[4096];

    while (recv(scene->client_fd, rest, sizeof rest, MSG_DONTWAIT) > 0)
        ;
    say(f, scene);
    exit(0);
}

/* Until the client has enough. */
static void flood(struct fault *f, const struct fault_scene *scene)
{
    char piece[4096];

    say(f, scene);
    for (size_t i = 0; i + 2 <= sizeof piece; i += 2)
        memcpy(piece + i, ",0", 2);
    while (file_write_all(scene->client_fd, piece, sizeof piece) == 0)
        ;
    exit(0);
}

static void hang(struct fault *f, const struct fault_scene *scene)
{
    char byte;

    (void)f;
    while (read(scene->client_fd, &byte, 1) > 0)
        ;
    exit(0);
}

/* The true answer, byte by byte, until one of the two ends it. */
static void trickle(struct fault *f, const struct fault_scene *scene)
{
    char byte;

    (void)f;
    for (size_t i = 0; i < scene->len; i++) {
        if (file_write_all(scene->client_fd, scene->piece + i, 1) < 0)
            exit(0);
        wait_ms(TRICKLE_MS);
    }
    while (read(scene->server_fd, &byte, 1) > 0 && file_write_all(scene->client_fd, &byte, 1) == 0)
        wait_ms(TRICKLE_MS);
    exit(0);
}

static void delay(struct fault *f, const struct fault_scene *scene)
{
    (void)f;
    (void)scene;
    wait_ms(SLOW_MS);
}

/* First the listener goes, then the connection: the next one is refused. */
static void refuse(struct fault *f, const struct fault_scene *scene)
{
    (void)eventfd_write(f->away_fd, 1);
    while (!f->is_away)
        wait_ms(1);
    hang_up(f, scene);
}

static void signal_engine(struct fault *f, const struct fault_scene *scene)
{
    (void)scene;
    (void)kill(f->engine, f->mode->signal);
}

static void pause_engine(struct fault *f, const struct fault_scene *scene)
{
    signal_engine(f, scene);
    wait_ms(PAUSE_MS);
    (void)kill(f->engine, SIGCONT);
}

static const char answer_500[] = "HTTP/1.1 500 Internal Server Error\r\n" HEAD_JSON
                                 "Content-Length: 22\r\n\r\n{\"message\":\"injected\"}";
static const char answer_409[] =
    "HTTP/1.1 409 Conflict\r\n" HEAD_JSON "Content-Length: 22\r\n\r\n{\"message\":\"injected\"}";
static const char answer_garbage[] = "\001\377\r\n\r\nSSH-2.0-garbage\r\n\r\n{]";
static const char answer_endless[] = "HTTP/1.1 200 OK\r\n" HEAD_JSON "Connection: close\r\n\r\n[0";

static const struct mode modes[] = {
    {"kill-before",     FAULT_AT_BEGIN,   kill_client,   NULL,           0      },
    {"kill-sent",       FAULT_AT_SENT,    kill_client,   NULL,           0      },
    {"kill-first-byte", FAULT_AT_PART,    kill_client,   NULL,           0      },
    {"kill-answer",     FAULT_AT_ANSWER,  kill_client,   NULL,           0      },
    {"refused",         FAULT_AT_BEGIN,   refuse,        NULL,           0      },
    {"reset",           FAULT_AT_BEGIN,   reset,         NULL,           0      },
    {"eof-begin",       FAULT_AT_BEGIN,   hang_up,       NULL,           0      },
    {"eof-request",     FAULT_AT_REQUEST, hang_up,       NULL,           0      },
    {"eof-sent",        FAULT_AT_SENT,    hang_up,       NULL,           0      },
    {"eof-answer",      FAULT_AT_FIRST,   hang_up,       NULL,           0      },
    {"eof-first-byte",  FAULT_AT_PART,    hang_up,       NULL,           0      },
    {"eof-middle",      FAULT_AT_MIDDLE,  hang_up,       NULL,           0      },
    {"500",             FAULT_AT_REQUEST, hang_up,       answer_500,     0      },
    {"409",             FAULT_AT_REQUEST, hang_up,       answer_409,     0      },
    {"garbage",         FAULT_AT_REQUEST, hang_up,       answer_garbage, 0      },
    {"endless",         FAULT_AT_REQUEST, flood,         answer_endless, 0      },
    {"silent",          FAULT_AT_REQUEST, hang,          NULL,           0      },
    {"silent-sent",     FAULT_AT_SENT,    hang,          NULL,           0      },
    {"trickle",         FAULT_AT_FIRST,   trickle,       NULL,           0      },
    {"slow",            FAULT_AT_FIRST,   delay,         NULL,           0      },
    {"engine-kill",     FAULT_AT_SENT,    signal_engine, NULL,           SIGKILL},
    {"engine-term",     FAULT_AT_SENT,    signal_engine, NULL,           SIGTERM},
    {"engine-hang",     FAULT_AT_BEGIN,   signal_engine, NULL,           SIGSTOP},
    {"engine-pause",    FAULT_AT_BEGIN,   pause_engine,  NULL,           SIGSTOP},
};

/* ---- the calls ---- */

struct fault *fault_new(const char *mode, const char *call, bool kills_children, int out)
{
    struct fault *f =
        mmap(NULL, sizeof *f, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (f == MAP_FAILED) {
        perror("record: memory");
        return NULL;
    }
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(modes[i].name, mode) == 0)
            f->mode = &modes[i];
    if (!f->mode) {
        (void)fprintf(stderr, "record: no fault is called '%s'\n", mode);
        return NULL;
    }
    f->call = (unsigned)strtoul(call, NULL, 10);
    f->kills_children = kills_children;
    f->out = out;
    f->away_fd = eventfd(0, EFD_CLOEXEC);
    const char *engine = getenv("ENGINE_PID");
    f->engine = engine ? (pid_t)strtol(engine, NULL, 10) : 0;
    if (f->mode->signal && f->engine <= 1) {
        (void)fprintf(stderr, "record: fault '%s' needs ENGINE_PID\n", mode);
        return NULL;
    }
    return f;
}

unsigned fault_next_call(struct fault *f, pid_t client, const char *bytes)
{
    int nobody = 0;
    AUTO(buf_done) struct buf line = BUF_INIT(HTTP_HEADER_BYTES_MAX);

    if (!atomic_compare_exchange_strong(&f->client, &nobody, client) && nobody != client)
        return 0;
    unsigned call = atomic_fetch_add(&f->calls, 1) + 1;
    size_t method = strcspn(bytes, " \r\n");
    size_t path = bytes[method] == ' ' ? 1 + strcspn(bytes + method + 1, " ?\r\n") : 0;
    buf_addf(&line, "%u %.*s\n", call, (int)(method + path), bytes);
    (void)file_write_all(f->out, line.p, line.len);
    return call;
}

bool fault_holds_request(const struct fault *f, unsigned call)
{
    return call > 0 && call == f->call && f->mode->at == FAULT_AT_REQUEST;
}

bool fault_is_at(const struct fault *f, unsigned call, enum fault_at at)
{
    return call > 0 && call == f->call && f->mode->at == at && !f->is_done;
}

void fault_fire(struct fault *f, const struct fault_scene *scene)
{
    static const char fired[] = "fired\n";

    /* first: who sees the effect may already look at the record */
    (void)file_write_all(f->out, fired, strlen(fired));
    f->is_done = true;
    f->mode->deed(f, scene);
}

/* ---- the listener goes away ---- */

int fault_away_fd(const struct fault *f)
{
    return f->away_fd;
}

void fault_stay_away(struct fault *f, int listener)
{
    eventfd_t asked;

    (void)eventfd_read(f->away_fd, &asked);
    (void)close(listener);
    f->is_away = true;
    wait_ms(AWAY_MS);
}
