/*
 * Prints the calls shipctl would make to create a project, one a line, in the form of record:
 * {"request": "POST /v1.N/containers/create?name=x", "body": {...}}.
 *
 *   compose_body DIR MINOR VERSION FACTS
 *
 * DIR holds the compose file; MINOR is that of the negotiated API, VERSION the Compose release
 * whose rules hold. FACTS is a JSON file of what only the engine knows: {"images": {REFERENCE:
 * ID}, "peers": [{"service", "id", "name"}]}, peers by name. Exits 1 with a message when the
 * project does not load or a service cannot be expressed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "compose/compose.h"

#define FACTS_BYTES_MAX (1u << 20)
#define PEERS_MAX       256

struct facts {
    struct json *json;
    struct compose_peer peers[PEERS_MAX];
    size_t n_peers;
    int minor;
    enum compose_family family;
};

static _Noreturn void die(const char *what, const struct ship_error *err)
{
    (void)fprintf(stderr, "compose_body: %s: %s\n", what, err->msg);
    exit(1);
}

static void load_facts(const char *path, struct facts *ret)
{
    struct ship_error err = {0};
    AUTO(buf_done) struct buf text = BUF_INIT(FACTS_BYTES_MAX);

    if (file_read(path, &text, &err) < 0)
        die(path, &err);
    ret->json = json_parse(text.p, text.len, path, &err);
    if (!ret->json)
        die(path, &err);
    for (const struct json *c = json_first(json_get(ret->json, "peers"));
         c && ret->n_peers < PEERS_MAX; c = json_next(c))
        ret->peers[ret->n_peers++] = (struct compose_peer){.service = json_str(c, "service"),
                                                           .container_id = json_str(c, "id"),
                                                           .container_name = json_str(c, "name")};
}

/* Takes body. */
static void print_call(const struct facts *f, const char *path, struct json *body)
{
    AUTO_PTR(json_free) struct json *call = json_object();
    AUTO_FREE char *request = xasprintf("POST /v1.%d%s", f->minor, path);

    json_set_str(call, "request", request);
    json_set(call, "body", body);
    AUTO_FREE char *text = json_print(call);
    printf("%s\n", text);
}

static void print_resources(const struct compose_project *p, const struct facts *f)
{
    for (size_t i = 0; i < compose_networks(p); i++) {
        const struct compose_resource *network = compose_network_at(p, i);
        if (!network->external)
            print_call(f, "/networks/create", compose_network_body(p, network->key, f->minor));
    }
    for (size_t i = 0; i < compose_volumes(p); i++) {
        const struct compose_resource *volume = compose_volume_at(p, i);
        if (!volume->external)
            print_call(f, "/volumes/create", compose_volume_body(p, volume->key));
    }
}

static void print_container(const struct compose_project *p, const struct facts *f,
                            const struct compose_service *s, int number)
{
    struct ship_error err = {0};
    AUTO_FREE char *name = compose_container_name(p, s->name, number);
    AUTO_FREE char *path = xasprintf("/containers/create?name=%s", name);
    const struct compose_create create = {
        .api_minor = f->minor,
        .number = number,
        .final_name = name,
        .image_id = json_value_str(json_get(json_get(f->json, "images"), s->image)),
        .family = f->family,
        .peers = f->peers,
        .n_peers = f->n_peers,
    };
    struct json *body = compose_create_body(p, s->name, &create, &err);

    if (!body)
        die(s->name, &err);
    print_call(f, path, body);
    AUTO_PTR(json_free)
    struct json *connects = compose_connect_bodies(p, s->name, &create, &err);
    if (!connects)
        die(s->name, &err);
    for (const struct json *c = json_first(connects); c; c = json_next(c)) {
        AUTO_FREE char *connect = xasprintf("/networks/%s/connect", json_str(c, "Network"));
        print_call(f, connect, json_copy(json_get(c, "Body")));
    }
}

int main(int argc, char **argv)
{
    struct facts facts = {0};
    struct yaml_problems problems = {0};
    struct ship_error err = {0};
    int64_t minor = 0;

    if (argc != 5 || str_to_i64(argv[2], &minor) < 0) {
        (void)fputs("usage: compose_body DIR MINOR VERSION FACTS\n", stderr);
        return 2;
    }
    const struct compose_options options = {.dir = argv[1],
                                            .environ = (const char *const *)environ};
    facts.minor = (int)minor;
    facts.family = compose_family_of(argv[3]);
    load_facts(argv[4], &facts);
    AUTO_PTR(compose_free) struct compose_project *p = compose_load(&options, &problems, &err);
    if (!p)
        die(argv[1], &err);
    print_resources(p, &facts);
    for (size_t i = 0; i < compose_services(p); i++) {
        const struct compose_service *s = compose_service_at(p, i);
        for (int number = 1; number <= s->replicas; number++)
            print_container(p, &facts, s, number);
    }
    yaml_problems_done(&problems);
    json_free(facts.json);
    return 0;
}
