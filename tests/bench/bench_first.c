/*
 * The first deployment of a project of many services: shipctl, the same Engine calls by hand with
 * ideal parallelism, and Docker Compose; in turns, each on an empty engine.
 *
 *     bench_first ROUNDS SHIPCTL PROJECT SERVICES [COMPOSE_BINARY]
 *
 * PROJECT holds docker-compose.yml (project "many"), shipctl.yaml and .env; its images are local
 * and its version is v1.0.0. By hand means: the network, then as many connections as shipctl has
 * starts on their way, each of which creates and starts one container after the other until all are
 * there. Needs DOCKER_HOST and SHIPCTL_STATE_DIR.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "bench/measure.h"
#include "runtime/runtime.h"
#include "strategy/mutation_batch.h"

#define LABEL   "com.docker.compose.project=many"
#define NETWORK "many_default"

struct bench {
    int rounds;
    char *shipctl, *compose; /* compose: NULL = not at hand */
    char *image;
    size_t services;
};

static int64_t soon(void)
{
    return clock_deadline(&clock_real, 120000);
}

static void must(int rc, const char *what, const struct ship_error *err)
{
    if (rc != 0)
        die(what, err->msg);
}

static struct runtime *engine_open(void)
{
    struct ship_error err = {0};
    struct runtime *rt = runtime_open_docker(getenv("DOCKER_HOST"), NULL, &clock_real, &err);

    must(rt ? 0 : -1, "engine", &err);
    return rt;
}

static struct json *parsed(const char *text)
{
    struct ship_error err = {0};
    struct json *doc = json_parse(text, strlen(text), "body", &err);

    must(doc ? 0 : -1, "body", &err);
    return doc;
}

/* ---- a crew that takes numbers until there are none left ---- */

struct crew {
    const struct bench *b;
    size_t end;
    atomic_size_t next;
    void (*each)(const struct bench *b, struct runtime *rt, size_t i);
};

static void *work(void *arg)
{
    struct crew *crew = arg;
    AUTO_PTR(runtime_close) struct runtime *rt = engine_open();

    for (size_t i; (i = atomic_fetch_add(&crew->next, 1)) < crew->end;)
        crew->each(crew->b, rt, i);
    return NULL;
}

static void side_by_side(struct crew *crew)
{
    pthread_t threads[MUTATION_STARTS_MAX];

    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        if (pthread_create(&threads[i], NULL, work, crew) != 0)
            die("thread", "cannot be made");
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        (void)pthread_join(threads[i], NULL);
}

/* ---- by hand ---- */

static void make_one(const struct bench *b, struct runtime *rt, size_t i)
{
    AUTO_FREE char *name = xasprintf("many-s%02zu-1", i);
    AUTO_FREE char *text =
        xasprintf("{\"Image\":\"%s:v1.0.0\",\"Labels\":{\"com.docker.compose.project\":\"many\"},"
                  "\"HostConfig\":{\"NetworkMode\":\"" NETWORK "\"},\"NetworkingConfig\":"
                  "{\"EndpointsConfig\":{\"" NETWORK "\":{\"Aliases\":[\"s%02zu\"]}}}}",
                  b->image, i);
    AUTO_PTR(json_free) struct json *body = parsed(text);
    AUTO(strv_done) struct strv warnings = {0};
    AUTO_FREE char *id = NULL;
    struct ship_error err = {0};

    must(rt->ops->create(rt, name, NULL, body, &id, &warnings, soon(), &err), "create", &err);
    must(rt->ops->start(rt, id, soon(), &err), "start", &err);
}

static double by_hand(const struct bench *b)
{
    struct crew crew = {.b = b, .end = b->services, .each = make_one};
    AUTO_PTR(json_free)
    struct json *network = parsed("{\"Name\":\"" NETWORK "\",\"CheckDuplicate\":true}");
    double begin = now_ms();
    AUTO_PTR(runtime_close) struct runtime *rt = engine_open();
    struct ship_error err = {0};

    must(rt->ops->network_create(rt, network, soon(), &err), "network", &err);
    side_by_side(&crew);
    return now_ms() - begin;
}

/* ---- back to nothing ---- */

static struct container_list there;

static void remove_one(const struct bench *b, struct runtime *rt, size_t i)
{
    struct ship_error err = {0};

    (void)b;
    must(rt->ops->remove(rt, there.rows[i].id, true, soon(), &err), "remove", &err);
}

/* How many containers there were. */
static size_t clear(const struct bench *b)
{
    AUTO_PTR(runtime_close) struct runtime *rt = engine_open();
    AUTO(strv_done) struct strv labels = {0};
    struct ship_error err = {0};
    char *network[] = {(char[]){"/usr/bin/docker"}, (char[]){"network"}, (char[]){"prune"},
                       (char[]){"-f"}, NULL};
    char *state[] = {(char[]){"/bin/rm"}, (char[]){"-rf"}, getenv("SHIPCTL_STATE_DIR"), NULL};

    strv_add(&labels, LABEL);
    must(rt->ops->list(rt, &labels, true, &there, soon(), &err), "list", &err);
    struct crew crew = {.b = b, .end = there.n, .each = remove_one};
    size_t n = there.n;
    side_by_side(&crew);
    container_list_done(&there);
    (void)run_program(network, 0);
    (void)run_program(state, 0);
    return n;
}

/* ---- the three ---- */

static double by_program(const struct bench *b, char *const argv[])
{
    double wall = run_program(argv, 0).wall_ms;

    if (clear(b) != b->services)
        die(argv[0], "did not make every container");
    return wall;
}

static void measure(const struct bench *b)
{
    static struct series ship_ms, hand_ms, compose_ms;
    char *deploy[] = {b->shipctl, (char[]){"-q"}, (char[]){"deploy"}, (char[]){"v1.0.0"}, NULL};
    char *up[] = {b->compose, (char[]){"up"}, (char[]){"-d"}, NULL};
    AUTO_FREE char *floor = xasprintf("first deploy of %zu services / its calls by hand, "
                                      "%d at a time",
                                      b->services, MUTATION_STARTS_MAX);
    AUTO_FREE char *peer =
        xasprintf("first deploy of %zu services / Compose 2.40.3 up -d", b->services);

    for (int i = 0; i < b->rounds; i++) {
        series_add(&hand_ms, by_hand(b));
        (void)clear(b);
        series_add(&ship_ms, by_program(b, deploy));
        if (b->compose)
            series_add(&compose_ms, by_program(b, up));
    }
    row_ratio(floor, &ship_ms, &hand_ms, 1.10);
    if (b->compose)
        row_ratio(peer, &ship_ms, &compose_ms, 1);
}

int main(int argc, char **argv)
{
    if (argc < 5)
        die("usage", "bench_first ROUNDS SHIPCTL PROJECT SERVICES [COMPOSE_BINARY]");
    const char *registry = getenv("SHIPCTL_TEST_REGISTRY");
    struct bench b = {.rounds = rounds_argument(argv[1]),
                      .shipctl = argv[2],
                      .services = (size_t)rounds_argument(argv[4]),
                      .compose = argc > 5 ? argv[5] : NULL};

    if (registry == NULL || chdir(argv[3]) != 0)
        die(argv[3], "not in the sandbox, or no project");
    b.image = xasprintf("%s/app", registry);
    (void)clear(&b);
    measure(&b);
    free(b.image);
    return 0;
}
