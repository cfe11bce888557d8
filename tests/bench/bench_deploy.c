/*
 * A deployment against the Engine calls it needs, made by hand on one kept-alive connection; the
 * outage seen from outside; Docker Compose doing the same. In turns: A B A B.
 *
 *     bench_deploy ROUNDS SHIPCTL PROJECT [COMPOSE_BINARY...]
 *
 * PROJECT holds docker-compose.yml (service app, 127.0.0.1:8080), shipctl.yaml and .env; its
 * versions v1.0.0 and v1.0.1 are local. The hand-made container publishes 127.0.0.1:8081. Needs
 * DOCKER_HOST and SHIPCTL_STATE_DIR.
 */
#include <arpa/inet.h>
#include <sys/socket.h>

#include "bench/measure.h"
#include "runtime/runtime.h"

#define HAND_PORT 8081
#define SHIP_PORT 8080
#define HAND_NAME "bench-hand"

#define PATIENCE_US 10000 /* the engine's proxy holds on to connections to a stopped container */

struct bench {
    int rounds;
    char *shipctl;
    char *image; /* repository */
    struct runtime *rt;
};

static int64_t soon(void)
{
    return clock_deadline(&clock_real, 60000);
}

static void must(int rc, const char *what, const struct ship_error *err)
{
    if (rc != 0)
        die(what, err->msg);
}

/* ---- the outage, from outside ---- */

static bool answers(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    static const char get[] = "GET /health HTTP/1.0\r\n\r\n";
    struct timeval patience = {.tv_usec = PATIENCE_US};
    char answer[16] = "";
    AUTO_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 &&
           send(fd, get, sizeof get - 1, MSG_NOSIGNAL) == sizeof get - 1 &&
           recv(fd, answer, sizeof answer - 1, MSG_WAITALL) > 12 &&
           strncmp(answer + 9, "200", 3) == 0;
}

/* Ask until told to stop and answered; the longest time between two good answers. */
static void probe_loop(int port, int stop_fd, int result_fd)
{
    double last = now_ms(), longest = 0;
    bool good = true;
    char byte;

    while (read(stop_fd, &byte, 1) < 0 || !good) {
        good = answers(port);
        if (good) {
            double t = now_ms();
            longest = t - last > longest ? t - last : longest;
            last = t;
        }
        (void)usleep(500);
    }
    (void)!write(result_fd, &longest, sizeof longest);
}

struct prober {
    pid_t pid;
    int stop_fd, result_fd;
};

static struct prober probe_begin(int port)
{
    int stop[2], result[2];

    if (pipe2(stop, O_CLOEXEC) != 0 || pipe2(result, O_CLOEXEC) != 0)
        die("pipe", strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(stop[1]);
        (void)fcntl(stop[0], F_SETFL, O_NONBLOCK);
        probe_loop(port, stop[0], result[1]);
        _exit(0);
    }
    (void)close(stop[0]);
    (void)close(result[1]);
    (void)usleep(20000); /* it has seen the old one */
    return (struct prober){pid, stop[1], result[0]};
}

static double probe_end(struct prober *p, int port)
{
    double longest = 0;

    for (int i = 0; i < 5000 && !answers(port); i++)
        (void)usleep(1000);
    (void)usleep(20000); /* it has seen the new one */
    (void)close(p->stop_fd);
    if (read(p->result_fd, &longest, sizeof longest) != sizeof longest)
        die("prober", "no result");
    (void)close(p->result_fd);
    (void)waitpid(p->pid, NULL, 0);
    return longest;
}

/* ---- the floor: the calls of a deployment by hand ---- */

static struct json *hand_body(const struct bench *b, const char *version)
{
    AUTO_FREE char *text = xasprintf(
        "{\"Image\":\"%s:%s\",\"ExposedPorts\":{\"8080/tcp\":{}},"
        "\"Labels\":{\"com.docker.compose.project\":\"proj\",\"com.docker.compose.service\":"
        "\"hand\"},\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"always\"},\"NetworkMode\":"
        "\"proj_default\",\"PortBindings\":{\"8080/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":"
        "\"%d\"}]}},\"NetworkingConfig\":{\"EndpointsConfig\":{\"proj_default\":{}}}}",
        b->image, version, HAND_PORT);
    struct ship_error err = {0};
    struct json *body = json_parse(text, strlen(text), "body", &err);

    must(body ? 0 : -1, "body", &err);
    return body;
}

static char *hand_create(const struct bench *b, const char *version)
{
    AUTO_PTR(json_free) struct json *body = hand_body(b, version);
    AUTO(strv_done) struct strv warnings = {0};
    struct ship_error err = {0};
    char *id = NULL;

    must(b->rt->ops->create(b->rt, HAND_NAME "-new", NULL, body, &id, &warnings, soon(), &err),
         "create", &err);
    return id;
}

/* Every thing is read once. */
static void hand_reads(const struct bench *b, struct runtime *rt, const char *old,
                       const char *version)
{
    AUTO_FREE char *ref = xasprintf("%s:%s", b->image, version);
    AUTO_PTR(json_free) struct json *network = NULL;
    AUTO(container_list_done) struct container_list list = {0};
    AUTO(strv_done) struct strv labels = {0};
    AUTO(container_done) struct container c = {0};
    AUTO(image_done) struct image image = {0};
    AUTO(engine_info_done) struct engine_info info = {0};
    struct ship_error err = {0};

    strv_add(&labels, "com.docker.compose.project=proj");
    must(rt->ops->probe(rt, &info, soon(), &err), "info", &err);
    must(rt->ops->list(rt, &labels, true, &list, soon(), &err), "list", &err);
    must(rt->ops->image_inspect(rt, ref, &image, soon(), &err), "image", &err);
    must(rt->ops->network_inspect(rt, "proj_default", &network, soon(), &err), "network", &err);
    must(rt->ops->inspect(rt, old, &c, soon(), &err), "inspect old", &err);
}

static void hand_swap(struct runtime *rt, const char *old, const char *new)
{
    AUTO(container_done) struct container c = {0};
    struct ship_error err = {0};

    must(rt->ops->set_restart(rt, old, "unless-stopped", 0, soon(), &err), "update", &err);
    must(rt->ops->stop(rt, old, 10, soon(), &err), "stop", &err);
    must(rt->ops->rename(rt, old, HAND_NAME "-parked", soon(), &err), "rename", &err);
    must(rt->ops->rename(rt, new, HAND_NAME, soon(), &err), "rename", &err);
    must(rt->ops->start(rt, new, soon(), &err), "start", &err);
    must(rt->ops->inspect(rt, new, &c, soon(), &err), "inspect new", &err);
    must(answers(HAND_PORT) ? 0 : -1, "health", &err);
    must(rt->ops->remove(rt, old, true, soon(), &err), "remove", &err);
}

static struct runtime *engine_open(void)
{
    struct ship_error err = {0};
    struct runtime *rt = runtime_open_docker(getenv("DOCKER_HOST"), NULL, &clock_real, &err);

    must(rt ? 0 : -1, "engine", &err);
    return rt;
}

/* A connection of its own, as a deployment has. Replaces *id. */
static double hand_deploy(const struct bench *b, const char *version, char **id)
{
    double begin = now_ms();
    AUTO_PTR(runtime_close) struct runtime *rt = engine_open();

    hand_reads(b, rt, *id, version);
    char *new = hand_create(b, version);
    hand_swap(rt, *id, new);
    free(*id);
    *id = new;
    return now_ms() - begin;
}

/* The outage nobody can avoid: stop, then start what was created before. */
static double hand_outage(const struct bench *b, const char *version, char **id)
{
    struct runtime *rt = b->rt;
    struct ship_error err = {0};
    char *new = hand_create(b, version);
    struct prober p = probe_begin(HAND_PORT);

    must(rt->ops->stop(rt, *id, 10, soon(), &err), "stop", &err);
    must(rt->ops->start(rt, new, soon(), &err), "start", &err);
    double outage = probe_end(&p, HAND_PORT);
    must(rt->ops->remove(rt, *id, true, soon(), &err), "remove", &err);
    must(rt->ops->rename(rt, new, HAND_NAME, soon(), &err), "rename", &err);
    free(*id);
    *id = new;
    return outage;
}

/* ---- measurements ---- */

static const char *version_of(int i)
{
    return i % 2 ? "v1.0.0" : "v1.0.1";
}

static struct cost ship_deploy(const struct bench *b, const char *version)
{
    char *argv[] = {b->shipctl, (char[]){"deploy"}, xstrdup(version), NULL};
    struct cost c = run_program(argv, 0);

    free(argv[2]);
    return c;
}

static void measure_deploy(const struct bench *b, char **hand)
{
    static struct series floor_ms, ship_ms, cpu, peak;

    for (int i = 0; i < b->rounds; i++) {
        series_add(&floor_ms, hand_deploy(b, version_of(i), hand));
        struct cost c = ship_deploy(b, version_of(i));
        series_add(&ship_ms, c.wall_ms);
        series_add(&cpu, c.cpu_ms);
        series_add(&peak, (double)c.peak_kib / 1024);
    }
    row_ratio("deploy / its Engine calls by hand", &ship_ms, &floor_ms, 1.10);
    row("deploy: own CPU", "user + system", series_median(&cpu), " ms", 20, false);
    row("deploy: peak memory", "resident", series_median(&peak), " MiB", 16, false);
}

static void measure_outage(const struct bench *b, char **hand)
{
    static struct series floor_ms, ship_ms;

    for (int i = 0; i < b->rounds; i++) {
        series_add(&floor_ms, hand_outage(b, version_of(i), hand));
        struct prober p = probe_begin(SHIP_PORT);
        (void)ship_deploy(b, version_of(i));
        series_add(&ship_ms, probe_end(&p, SHIP_PORT));
    }
    row_ratio("outage of recreate / stop + start by hand", &ship_ms, &floor_ms, 1.05);
}

/* The reads a no-op needs are a part of those of the floor. */
static void measure_noop(const struct bench *b, const char *hand)
{
    static struct series reads, ship_ms, over;

    (void)ship_deploy(b, "v1.0.0");
    for (int i = 0; i < b->rounds; i++) {
        double begin = now_ms();
        AUTO_PTR(runtime_close) struct runtime *rt = engine_open();
        hand_reads(b, rt, hand, "v1.0.0");
        series_add(&reads, now_ms() - begin);
        series_add(&ship_ms, ship_deploy(b, "v1.0.0").wall_ms);
        series_add(&over, ship_ms.v[i] - reads.v[i]);
    }
    AUTO_FREE char *text =
        xasprintf("%.1f ms - %.1f ms", series_median(&ship_ms), series_median(&reads));
    row("deploy with nothing to do - its reads by hand", text, series_median(&over), " ms", 15,
        false);
}

/* ---- Docker Compose ---- */

static struct cost compose_up(char *binary, const char *version)
{
    char *argv[] = {binary, (char[]){"up"}, (char[]){"-d"}, NULL};

    (void)setenv("APP_VERSION", version, 1);
    struct cost c = run_program(argv, 0);
    (void)unsetenv("APP_VERSION");
    return c;
}

/* Compose goes to v1.0.1, shipctl back to v1.0.0: each replaces what the other left. */
static void measure_compose(const struct bench *b, char *binary, const char *name)
{
    static struct series up, noop, ship_ms, ship_noop, cpu, peak;
    char what[80];

    up.n = noop.n = ship_ms.n = ship_noop.n = cpu.n = peak.n = 0;
    for (int i = 0; i < b->rounds; i++) {
        struct cost c = compose_up(binary, "v1.0.1");
        series_add(&up, c.wall_ms);
        series_add(&cpu, c.cpu_ms);
        series_add(&peak, (double)c.peak_kib / 1024);
        series_add(&noop, compose_up(binary, "v1.0.1").wall_ms);
        series_add(&ship_ms, ship_deploy(b, "v1.0.0").wall_ms);
        series_add(&ship_noop, ship_deploy(b, "v1.0.0").wall_ms);
    }
    (void)snprintf(what, sizeof what, "deploy / %s up -d, replacing", name);
    row_ratio(what, &ship_ms, &up, 0);
    (void)snprintf(what, sizeof what, "deploy / %s up -d, nothing to do", name);
    row_ratio(what, &ship_noop, &noop, 1);
    (void)snprintf(what, sizeof what, "%s up -d: CPU", name);
    row(what, "user + system", series_median(&cpu), " ms", 0, false);
    (void)snprintf(what, sizeof what, "%s up -d: peak memory", name);
    row(what, "resident", series_median(&peak), " MiB", 0, false);
}

/* ---- all ---- */

static void hand_remove(struct runtime *rt)
{
    static const char *const names[] = {HAND_NAME, HAND_NAME "-new", HAND_NAME "-parked"};
    struct ship_error ignored = {0};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        (void)!rt->ops->remove(rt, names[i], true, soon(), &ignored);
}

static char *hand_first(const struct bench *b)
{
    struct ship_error err = {0};
    char *id = hand_create(b, "v1.0.0");

    must(b->rt->ops->rename(b->rt, id, HAND_NAME, soon(), &err), "rename", &err);
    must(b->rt->ops->start(b->rt, id, soon(), &err), "start", &err);
    return id;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        die("usage", "bench_deploy ROUNDS SHIPCTL PROJECT [COMPOSE_BINARY...]");
    const char *registry = getenv("SHIPCTL_TEST_REGISTRY");
    struct bench b = {.rounds = rounds_argument(argv[1]), .shipctl = argv[2]};

    if (registry == NULL || chdir(argv[3]) != 0)
        die(argv[3], "not in the sandbox, or no project");
    b.image = xasprintf("%s/app", registry);
    b.rt = engine_open();
    hand_remove(b.rt);
    (void)ship_deploy(&b, "v1.0.0");
    char *hand = hand_first(&b);
    (void)ship_deploy(&b, "v1.0.0");
    measure_deploy(&b, &hand);
    measure_outage(&b, &hand);
    measure_noop(&b, hand);
    for (int i = 4; i < argc; i++) {
        const char *name = strstr(argv[i], "2.40") ? "Compose 2.40.3" : "Compose 2.26.1";
        measure_compose(&b, argv[i], name);
    }
    hand_remove(b.rt);
    free(hand);
    free(b.image);
    runtime_close(b.rt);
    return 0;
}
