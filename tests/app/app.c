/*
 * app.c - the application that end-to-end tests deploy: one static binary, one HTTP port.
 *
 * Inputs: the environment, and below it the lines KEY=VALUE of /app.conf, which is part of the
 * image: a bad version is an image whose own file switches a fault on.  The README beside this
 * file lists the switches.
 * What can go wrong: everything, on demand.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1024, CONF_MAX_LINES = 64, IO_TIMEOUT_S = 2, TICK_MS = 50 };

static char conf_lines[CONF_MAX_LINES][LINE_MAX_BYTES];
static size_t conf_count;
static volatile sig_atomic_t stop_signal;

/* What the running server remembers between two requests. */
struct server {
    long long started_ms;
    long long next_error_ms;
    unsigned long health_requests;
    bool memory_taken;
};

/* --- settings ------------------------------------------------------------------------------ */

static void conf_load(const char *path)
{
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return;
    while (conf_count < CONF_MAX_LINES && fgets(conf_lines[conf_count], LINE_MAX_BYTES, file)) {
        conf_lines[conf_count][strcspn(conf_lines[conf_count], "\n")] = '\0';
        conf_count++;
    }
    (void)fclose(file);
}

/* The environment wins, so that a compose file can switch a fault on or off. */
static const char *setting(const char *name, const char *fallback)
{
    const char *value = getenv(name);
    size_t length = strlen(name);

    if (value != NULL)
        return value;
    for (size_t i = 0; i < conf_count; i++) {
        if (strncmp(conf_lines[i], name, length) == 0 && conf_lines[i][length] == '=')
            return conf_lines[i] + length + 1;
    }
    return fallback;
}

static long setting_number(const char *name, long fallback)
{
    const char *text = setting(name, NULL);

    return text == NULL || text[0] == '\0' ? fallback : strtol(text, NULL, 10);
}

static bool setting_on(const char *name)
{
    return setting_number(name, 0) != 0;
}

/* --- small helpers ------------------------------------------------------------------------- */

static long long now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void sleep_ms(long ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

    (void)nanosleep(&pause, NULL);
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    (void)putchar('\n');
    (void)fflush(stdout);
}

static const char *version(void)
{
    return setting("APP_VERSION_NAME", "v0.0.0");
}

static bool send_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

static void limit_io(int fd)
{
    const struct timeval limit = {.tv_sec = IO_TIMEOUT_S};

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

/* A connected socket, or -1. */
static int dial(const char *host, const char *port)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int fd = -1;

    if (getaddrinfo(host, port, &hints, &list) != 0)
        return -1;
    for (struct addrinfo *at = list; at != NULL; at = at->ai_next) {
        fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
        if (fd < 0)
            continue;
        limit_io(fd);
        if (connect(fd, at->ai_addr, at->ai_addrlen) == 0)
            break;
        (void)close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    return fd;
}

/* 0 when the database's port answers or none is required. */
static int database_check(void)
{
    const char *host = setting("DB_HOST", "postgres");
    const char *port = setting("DB_PORT", "5432");
    int fd;

    if (!setting_on("APP_REQUIRE_DB"))
        return 0;
    fd = dial(host, port);
    if (fd < 0) {
        say("ERROR database %s:%s does not answer", host, port);
        return -1;
    }
    (void)close(fd);
    return 0;
}

/* --- answers ------------------------------------------------------------------------------- */

/* NULL when healthy, else why not. */
static const char *unhealthy_reason(struct server *server)
{
    char flag[PATH_MAX];
    struct stat st;

    server->health_requests++;
    (void)snprintf(flag, sizeof(flag), "%s/unhealthy", setting("APP_CONFIG_DIR", "/app/config"));
    if (setting_on("APP_UNHEALTHY") || stat(flag, &st) == 0)
        return "unhealthy\n";
    if (now_ms() - server->started_ms < setting_number("APP_SLOW_START_MS", 0))
        return "starting\n";
    if (setting_on("APP_FLAP") && server->health_requests % 2 == 0)
        return "flapping\n";
    return NULL;
}

static void answer(int fd, int status, const char *body)
{
    char head[256];
    int length = snprintf(head, sizeof(head),
                          "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nX-App-Version: %s\r\n"
                          "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                          status, status == 200 ? "OK" : "Error", version(), strlen(body));

    if (length > 0 && (size_t)length < sizeof(head) && send_all(fd, head, (size_t)length))
        (void)send_all(fd, body, strlen(body));
}

/* Adds one line; what does not fit is left out. */
static void append(char *body, size_t size, const char *line)
{
    size_t used = strlen(body);
    size_t length = strlen(line);

    if (length + 2 > size - used)
        return;
    memcpy(body + used, line, length);
    body[used + length] = '\n';
    body[used + length + 1] = '\0';
}

static void answer_env(int fd)
{
    static char body[65536];

    body[0] = '\0';
    for (char **at = environ; *at != NULL; at++)
        append(body, sizeof(body), *at);
    answer(fd, 200, body);
}

/* One file of the mounted configuration folder, no folders below it. */
static void answer_config(int fd, const char *name)
{
    static char body[65536];
    char path[PATH_MAX];
    FILE *file;
    size_t length;

    (void)snprintf(path, sizeof(path), "%s/%s", setting("APP_CONFIG_DIR", "/app/config"), name);
    file = strchr(name, '/') == NULL ? fopen(path, "re") : NULL;
    if (file == NULL) {
        answer(fd, 404, "not found\n");
        return;
    }
    length = fread(body, 1, sizeof(body) - 1, file);
    body[length] = '\0';
    (void)fclose(file);
    answer(fd, 200, body);
}

static void answer_version(int fd, const char *prefix)
{
    char body[LINE_MAX_BYTES];

    (void)snprintf(body, sizeof(body), "%s%s\n", prefix, version());
    answer(fd, 200, body);
}

static void answer_health(int fd, struct server *server)
{
    const char *reason = unhealthy_reason(server);

    answer(fd, reason == NULL ? 200 : 503, reason == NULL ? "ok\n" : reason);
}

static void route(int fd, const char *path, struct server *server)
{
    if (strcmp(path, "/") == 0)
        answer_version(fd, "app ");
    else if (strcmp(path, "/version") == 0)
        answer_version(fd, "");
    else if (strcmp(path, "/health") == 0)
        answer_health(fd, server);
    else if (strcmp(path, "/env") == 0)
        answer_env(fd);
    else if (strncmp(path, "/config/", 8) == 0)
        answer_config(fd, path + 8);
    else if (strcmp(path, "/crash") == 0)
        _exit((int)setting_number("APP_EXIT_CODE", 1));
    else
        answer(fd, 404, "not found\n");
}

static void serve_one(int listener, struct server *server)
{
    char request[4096] = "";
    char path[LINE_MAX_BYTES] = "";
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    size_t used = 0;

    if (fd < 0)
        return;
    limit_io(fd);
    while (used < sizeof(request) - 1 && strstr(request, "\r\n\r\n") == NULL) {
        ssize_t got = recv(fd, request + used, sizeof(request) - 1 - used, 0);

        if (got <= 0)
            break;
        used += (size_t)got;
        request[used] = '\0';
    }
    if (sscanf(request, "%*15s %1023s", path) == 1)
        route(fd, path, server);
    (void)close(fd);
}

/* --- the server ---------------------------------------------------------------------------- */

static void on_signal(int number)
{
    stop_signal = number;
}

static void catch_signals(void)
{
    struct sigaction catch = {.sa_handler = on_signal};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    (void)sigaction(SIGINT, &catch, NULL);
    (void)sigaction(SIGTERM, setting_on("APP_IGNORE_TERM") ? &ignore : &catch, NULL);
}

static int listen_on(long port)
{
    struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    const int on = 1;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (bind(fd, (struct sockaddr *)&any6, sizeof(any6)) == 0 && listen(fd, 64) == 0)
            return fd;
        (void)close(fd);
    }
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    return bind(fd, (struct sockaddr *)&any4, sizeof(any4)) == 0 && listen(fd, 64) == 0 ? fd : -1;
}

/* What programs like to do when they begin or fail. */
static void print_env(void)
{
    for (char **at = environ; *at != NULL; at++)
        say("%s", *at);
}

/* Touches every page: only memory in use counts against the container's limit. */
static void take_memory(long megabytes)
{
    for (long i = 0; i < megabytes; i++) {
        volatile char *chunk = malloc(1 << 20);

        for (size_t at = 0; chunk != NULL && at < 1 << 20; at += 4096)
            chunk[at] = 1;
    }
}

/* The faults that come with time. */
static void tick(struct server *server)
{
    long long age = now_ms() - server->started_ms;
    long crash_after = setting_number("APP_CRASH_AFTER_MS", -1);

    if (crash_after >= 0 && age >= crash_after) {
        say("ERROR fatal: gave up after %lld ms", age);
        exit((int)setting_number("APP_EXIT_CODE", 1));
    }
    if (setting_on("APP_LOG_ERROR") && now_ms() >= server->next_error_ms) {
        say("ERROR request 42 failed: no such order");
        server->next_error_ms = now_ms() + 500;
    }
    if (!server->memory_taken && age >= setting_number("APP_MEMORY_AFTER_MS", 0)) {
        server->memory_taken = true;
        take_memory(setting_number("APP_MEMORY_MB", 0));
    }
}

static int run_server(const char *role)
{
    struct server server = {.started_ms = now_ms()};
    struct pollfd wait = {.events = POLLIN};

    catch_signals();
    say("%s %s starting", role, version());
    if (setting_on("APP_LOG_ENV"))
        print_env();
    tick(&server);
    if (database_check() != 0)
        return 1;
    sleep_ms(setting_number("APP_LISTEN_DELAY_MS", 0));
    wait.fd = listen_on(setting_number("APP_PORT", 8080));
    if (wait.fd < 0) {
        say("ERROR cannot listen: %s", strerror(errno));
        return 1;
    }
    say("%s %s listening on %ld", role, version(), setting_number("APP_PORT", 8080));
    while (stop_signal == 0) {
        if (poll(&wait, 1, TICK_MS) > 0)
            serve_one(wait.fd, &server);
        tick(&server);
    }
    say("%s %s stopped by signal %d", role, version(), (int)stop_signal);
    return 0;
}

/* --- the other subcommands ----------------------------------------------------------------- */

static int probe_host(const char *host, const char *port, const char *path)
{
    char text[LINE_MAX_BYTES];
    int status = 0;
    int fd = dial(host, port);
    ssize_t got;

    if (fd < 0) {
        say("probe: %s:%s does not answer", host, port);
        return 1;
    }
    (void)snprintf(text, sizeof(text), "GET /%s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host);
    (void)send_all(fd, text, strlen(text));
    got = recv(fd, text, sizeof(text) - 1, 0);
    text[got > 0 ? got : 0] = '\0';
    (void)close(fd);
    /* "HTTP/1.1 200 OK" */
    status = strncmp(text, "HTTP/1.", 7) == 0 ? (int)strtol(text + 8, NULL, 10) : 0;
    say("probe: status %d", status);
    return status >= 200 && status < 300 ? 0 : 1;
}

static int run_probe(const char *url)
{
    char host[256] = "";
    char port[6] = "80";
    char path[512] = "";

    if (sscanf(url, "http://%255[^:/]:%5[0-9]/%511s", host, port, path) < 2 &&
        sscanf(url, "http://%255[^:/]/%511s", host, path) < 1) {
        say("probe: not an http url: %s", url);
        return 2;
    }
    return probe_host(host, port, path);
}

static int run_migrate(bool fail)
{
    say("migrate: to %s", version());
    if (database_check() != 0)
        return 1;
    if (fail || setting_on("APP_MIGRATE_FAIL")) {
        say("ERROR migrate: relation orders does not exist");
        return 1;
    }
    say("migrate: done");
    return 0;
}

static int run_sleep(long seconds)
{
    catch_signals();
    for (long long end = now_ms() + seconds * 1000LL; stop_signal == 0 && now_ms() < end;)
        sleep_ms(TICK_MS);
    return 0;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "serve";
    const char *word = argc > 2 ? argv[2] : "";

    conf_load("/app.conf");
    if (strcmp(command, "serve") == 0)
        return run_server(setting("APP_ROLE", "app"));
    if (strcmp(command, "worker") == 0)
        return run_server("worker");
    if (strcmp(command, "probe") == 0)
        return run_probe(word);
    if (strcmp(command, "migrate") == 0)
        return run_migrate(strcmp(word, "--fail") == 0);
    if (strcmp(command, "sleep") == 0)
        return run_sleep(word[0] == '\0' ? INT_MAX : strtol(word, NULL, 10));
    if (strcmp(command, "env") == 0) {
        print_env();
        return (int)strtol(word, NULL, 10);
    }
    if (strcmp(command, "version") == 0) {
        say("%s", version());
        return 0;
    }
    say("app: unknown command %s", command);
    return 2;
}
