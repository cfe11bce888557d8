/* Faults at one call of a client: see fault.h. */
#include "support/fault.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/file.h"
#include "support/http_reader.h"

#define HEAD_JSON "Content-Type: application/json\r\n"

enum deed { DEED_KILL, DEED_SAY, DEED_FLOOD, DEED_HANG };

struct mode {
    const char *name;
    enum fault_at at;
    enum deed deed;
    const char *text; /* DEED_SAY: the answer; DEED_FLOOD: its begin; NULL: nothing */
};

static const struct mode modes[] = {
    {"kill-before",     FAULT_AT_BEGIN,   DEED_KILL,  NULL                                       },
    {"kill-sent",       FAULT_AT_SENT,    DEED_KILL,  NULL                                       },
    {"kill-first-byte", FAULT_AT_PART,    DEED_KILL,  NULL                                       },
    {"kill-answer",     FAULT_AT_ANSWER,  DEED_KILL,  NULL                                       },
    {"drop",            FAULT_AT_REQUEST, DEED_SAY,   NULL                                       },
    {"drop-answer",     FAULT_AT_FIRST,   DEED_SAY,   NULL                                       },
    {"cut-answer",      FAULT_AT_PART,    DEED_SAY,   NULL                                       },
    {"500",             FAULT_AT_REQUEST, DEED_SAY,
     "HTTP/1.1 500 Internal Server Error\r\n" HEAD_JSON
     "Content-Length: 22\r\n\r\n{\"message\":\"injected\"}"                                      },
    {"409",             FAULT_AT_REQUEST, DEED_SAY,
     "HTTP/1.1 409 Conflict\r\n" HEAD_JSON "Content-Length: 22\r\n\r\n{\"message\":\"injected\"}"},
    {"garbage",         FAULT_AT_REQUEST, DEED_SAY,   "\001\377\r\n\r\nSSH-2.0-garbage\r\n\r\n{]"},
    {"endless",         FAULT_AT_REQUEST, DEED_FLOOD,
     "HTTP/1.1 200 OK\r\n" HEAD_JSON "Connection: close\r\n\r\n[0"                               },
    {"silent",          FAULT_AT_REQUEST, DEED_HANG,  NULL                                       },
};

struct fault {
    const struct mode *mode;
    unsigned call;
    bool kills_children;
    int out;
    atomic_int client; /* the program that is meant: the first to connect */
    atomic_uint calls;
};

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
    return fault_is_at(f, call, FAULT_AT_REQUEST);
}

bool fault_is_at(const struct fault *f, unsigned call, enum fault_at at)
{
    return call > 0 && call == f->call && f->mode->at == at;
}

/* The guardian must not see its parent die before it is killed itself. */
static void kill_client(const struct fault *f, pid_t client)
{
    char path[64], children[512] = "";

    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)client, (int)client);
    (void)kill(client, SIGSTOP);
    FILE *list = f->kills_children ? fopen(path, "re") : NULL;
    if (list && !fgets(children, sizeof children, list))
        children[0] = '\0';
    if (list)
        (void)fclose(list);
    char *next = children;
    for (long pid = strtol(next, &next, 10); pid > 1; pid = strtol(next, &next, 10))
        (void)kill((pid_t)pid, SIGKILL);
    (void)kill(client, SIGKILL);
}

/* Until the client has enough. */
static void flood(int client_fd)
{
    char piece[4096];

    for (size_t i = 0; i + 2 <= sizeof piece; i += 2)
        memcpy(piece + i, ",0", 2);
    while (file_write_all(client_fd, piece, sizeof piece) == 0)
        ;
}

static void hang(int client_fd)
{
    char byte;

    while (read(client_fd, &byte, 1) > 0)
        ;
}

_Noreturn void fault_fire(struct fault *f, int client_fd, pid_t client)
{
    static const char fired[] = "fired\n";

    /* first: who sees the effect may already look at the record */
    (void)file_write_all(f->out, fired, strlen(fired));
    if (f->mode->text)
        (void)file_write_all(client_fd, f->mode->text, strlen(f->mode->text));
    if (f->mode->deed == DEED_KILL)
        kill_client(f, client);
    else if (f->mode->deed == DEED_FLOOD)
        flood(client_fd);
    else if (f->mode->deed == DEED_HANG)
        hang(client_fd);
    exit(0);
}
