/*
 * A proxy between a client and the engine that writes down what is created, or lets one call go
 * wrong.
 *
 *   record LISTEN ENGINE OUT
 *   record LISTEN ENGINE OUT FAULT CALL [family]
 *
 * LISTEN and ENGINE are UNIX socket paths. Every byte passes unchanged in both directions, so
 * keep-alive, chunked answers and hijacked streams work. Of each POST .../create and .../connect
 * one line goes to OUT: {"request": "METHOD PATH", "body": BODY}. With a FAULT (see fault.c) OUT
 * has a line "CALL METHOD PATH" for each call of the first client instead, and "fired" once it
 * happened; family: a kill takes the client's children along. CALL 0 counts only. One process
 * serves one connection. Ends on SIGTERM; a request it cannot parse ends the connection with a
 * message.
 */
#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"
#include "support/fault.h"
#include "support/http_reader.h"

#define PIECE 65536

/* One connection. */
struct link {
    int client;
    int server;
    int out;
    pid_t pid;           /* of the client */
    struct fault *fault; /* NULL: write down */
    unsigned call;       /* of the fault's client, under way; 0: of nobody who counts */
    struct http_reader requests;
    struct http_reader answers;
};

/* --- writing down ------------------------------------------------------------------------- */

static bool is_wanted(const char *request)
{
    AUTO_FREE char *path = xstrndup(request, strcspn(request, "?"));

    return str_starts(path, "POST ") && (str_ends(path, "/create") || str_ends(path, "/connect")) &&
           !strstr(path, "/exec/");
}

static void choose_request(struct http_reader *r)
{
    r->keeps_body = is_wanted(r->first);
}

/* One write per line: the processes share the file. */
static void write_down(struct http_reader *r)
{
    const struct link *l = r->ctx;
    AUTO(buf_done) struct buf line = BUF_INIT(HTTP_BODY_BYTES_MAX + HTTP_HEADER_BYTES_MAX);

    if (!r->keeps_body)
        return;
    while (r->body.len > 0 && isspace((unsigned char)r->body.p[r->body.len - 1]))
        buf_truncate(&r->body, r->body.len - 1);
    buf_addf(&line, "{\"request\":\"%s\",\"body\":%s}\n", r->first,
             r->body.len > 0 ? r->body.p : "null");
    if (file_write_all(l->out, line.p, line.len) < 0)
        perror("record: output");
}

/* --- faults ------------------------------------------------------------------------------- */

static void fire_with(struct link *l, enum fault_at at, const char *piece, size_t len)
{
    struct fault_scene scene = {.client = l->pid,
                                .client_fd = l->client,
                                .server_fd = l->server,
                                .piece = piece,
                                .len = len};

    if (l->fault && fault_is_at(l->fault, l->call, at))
        fault_fire(l->fault, &scene);
}

static void fire_at(struct link *l, enum fault_at at)
{
    fire_with(l, at, NULL, 0);
}

/* Nothing is taken from the connection: should it end here, that is a reset. */
static void look_at_request(struct link *l)
{
    char begin[HTTP_HEADER_BYTES_MAX];
    ssize_t n = recv(l->client, begin, sizeof begin - 1, MSG_PEEK);

    if (n <= 0)
        return;
    begin[n] = '\0';
    l->call = fault_next_call(l->fault, l->pid, begin);
    l->answers.is_bodyless = str_starts(begin, "HEAD ");
    fire_at(l, FAULT_AT_BEGIN);
}

/* The request goes to the engine unless the fault is that it does not. */
static bool pass_request(struct link *l, const char *piece, size_t n)
{
    unsigned ended = l->requests.ended;

    http_reader_take(&l->requests, piece, n);
    if (l->requests.ended > ended)
        fire_at(l, FAULT_AT_REQUEST);
    if (l->fault && fault_holds_request(l->fault, l->call))
        return true;
    bool is_sent = file_write_all(l->server, piece, n) == 0;
    if (l->requests.ended > ended)
        fire_at(l, FAULT_AT_SENT);
    return is_sent;
}

static bool pass_answer(struct link *l, const char *piece, size_t n)
{
    unsigned ended = l->answers.ended;
    size_t half = (n - 1) / 2;

    if (!l->fault)
        return file_write_all(l->client, piece, n) == 0;
    fire_with(l, FAULT_AT_FIRST, piece, n);
    if (file_write_all(l->client, piece, 1) < 0)
        return false;
    fire_at(l, FAULT_AT_PART);
    http_reader_take(&l->answers, piece, n);
    if (file_write_all(l->client, piece + 1, half) < 0)
        return false;
    fire_at(l, FAULT_AT_MIDDLE);
    if (file_write_all(l->client, piece + 1 + half, n - 1 - half) < 0)
        return false;
    if (l->answers.ended > ended)
        fire_at(l, FAULT_AT_ANSWER);
    return true;
}

/* --- passing on --------------------------------------------------------------------------- */

/* What is there to read goes to the other side. False: an end. */
static bool pass(struct link *l, bool is_answer)
{
    char piece[PIECE + 1];

    if (!is_answer && l->fault && http_reader_is_between(&l->requests))
        look_at_request(l);
    ssize_t n = read(is_answer ? l->server : l->client, piece, PIECE);

    if (n <= 0) {
        shutdown(is_answer ? l->client : l->server, SHUT_WR);
        return false;
    }
    piece[n] = '\0';
    return is_answer ? pass_answer(l, piece, (size_t)n) : pass_request(l, piece, (size_t)n);
}

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    return address;
}

static _Noreturn void serve(struct link *l, const char *engine)
{
    struct sockaddr_un address = address_of(engine);
    struct pollfd ends[] = {
        {.fd = l->client, .events = POLLIN},
        {.fd = l->server, .events = POLLIN},
    };

    if (l->server < 0 || connect(l->server, (struct sockaddr *)&address, sizeof address) < 0) {
        perror("record: engine");
        exit(1);
    }
    while ((ends[0].fd >= 0 || ends[1].fd >= 0) && poll(ends, 2, -1) > 0) {
        if (ends[0].revents && !pass(l, false))
            ends[0].fd = -1;
        /* without the engine nothing the client says has an effect */
        if (ends[1].revents && !pass(l, true))
            break;
    }
    http_reader_done(&l->requests);
    http_reader_done(&l->answers);
    exit(0);
}

static _Noreturn void serve_client(int client, const char *engine, int out, struct fault *fault)
{
    struct ucred peer = {0};
    socklen_t len = sizeof peer;
    struct link l = {
        .client = client,
        .server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
        .out = out,
        .fault = fault,
        .requests = HTTP_READER_INIT,
        .answers = HTTP_READER_INIT,
    };

    (void)getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &len);
    l.pid = peer.pid;
    l.answers.is_answer = true;
    l.requests.ctx = &l;
    if (!fault) {
        l.requests.on_header = choose_request;
        l.requests.on_end = write_down;
    }
    serve(&l, engine);
}

static int listen_on(const char *path)
{
    struct sockaddr_un address = address_of(path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(listener, SOMAXCONN) < 0) {
        perror("record");
        exit(1);
    }
    return listener;
}

/* Returns when somebody connects; the listener may be another one then. */
static int await_client(int listener, const char *path, struct fault *fault)
{
    struct pollfd ends[] = {
        {.fd = listener,                          .events = POLLIN},
        {.fd = fault ? fault_away_fd(fault) : -1, .events = POLLIN},
    };

    if (poll(ends, 2, -1) <= 0 || !ends[1].revents)
        return listener;
    fault_stay_away(fault, listener);
    (void)unlink(path);
    return listen_on(path);
}

int main(int argc, char **argv)
{
    if (argc != 4 && argc != 6 && argc != 7) {
        (void)fputs("usage: record LISTEN ENGINE OUT [FAULT CALL [family]]\n", stderr);
        return 2;
    }
    int out = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    struct fault *fault = argc > 4 ? fault_new(argv[4], argv[5], argc > 6, out) : NULL;

    if (argc > 4 && !fault)
        return 2;
    if (out < 0) {
        perror("record: output");
        return 1;
    }
    int listener = listen_on(argv[1]);

    (void)signal(SIGCHLD, SIG_IGN); /* the kernel reaps */
    (void)signal(SIGPIPE, SIG_IGN);
    for (;;) {
        listener = await_client(listener, argv[1], fault);
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client >= 0 && fork() == 0)
            serve_client(client, argv[2], out, fault);
        if (client >= 0)
            close(client);
    }
}
