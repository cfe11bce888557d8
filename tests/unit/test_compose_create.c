/*
 * lib/compose: the calls Docker Compose 2.26.1 was seen to make for one service of each kind,
 * member by member, config hashes included.
 */
/* cmocka.h needs the four before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "support/compose_model.h"

#define OBSERVED     TESTS_DIR "/data/compose-create-observed.json"
#define MODEL        TESTS_DIR "/data/compose-create-model.json"
#define OBSERVED_DIR "/srv/golden-create"
#define LABEL        "com.docker.compose."
#define IMAGE_ID     "sha256:<image id>"

static const struct compose_peer peers[] = {
    {"minimal", "<id>", "gc-minimal-1", false},
    {"hc",      "<hc>", "gc-hc-1",      false},
};

/* Members we send differently on purpose. want NULL: compare nothing. */
static const struct {
    const char *service, *path, *ours, *why;
} differences[] = {
    {"ports",   "ExposedPorts",
     "{\"443/tcp\":{},\"70/tcp\":{},\"71/udp\":{},\"72/tcp\":{},\"73/tcp\":{},\"80/tcp\":{},"
     "\"81/udp\":{},\"90/tcp\":{},\"91/tcp\":{},\"95/tcp\":{}}",                              "v5 expands expose ranges and adds the protocol"            },
    {"vols",    "HostConfig.Binds",
     "[\"gc_data:/data:rw\",\"gc_data:/ro:ro\",\"/srv/golden-create/rel:/rel:rw\","
     "\"/abs:/abs:ro,z\",\"/p:/p:rw,rslave\",\"/srv/golden-create/b:/b:rw\"]",                "from 2.35.1 plain named volumes and long binds go to Binds"},
    {"vols",    "HostConfig.Mounts",
     "[{\"Type\":\"volume\",\"Target\":\"/anon\"},{\"Type\":\"volume\",\"Source\":\"gc_data\","
     "\"Target\":\"/nc\",\"VolumeOptions\":{\"NoCopy\":true}},{\"Type\":\"bind\",\"Source\":"
     "\"/srv/golden-create/b3\",\"Target\":\"/b3\"},{\"Type\":\"tmpfs\",\"Target\":\"/t\","
     "\"TmpfsOptions\":{\"SizeBytes\":67108864,\"Mode\":1023}},{\"Type\":\"volume\",\"Source\":"
     "\"gc_data\",\"Target\":\"/l\",\"ReadOnly\":true,\"VolumeOptions\":{\"NoCopy\":true}}]", "the rest stays in Mounts, in file order"                   },
    {"misc",    "Env",                      "[\"A=1\",\"B\",\"C=\"]",                         "a Go map has no order, ours is the model's"                },
    {"svcmode", "Labels.config-hash",       NULL,                                             "the hash contains the id of a real container"              },
    {"connect", "EndpointConfig.IPAddress", NULL,                                             "input the engine ignores"                                  },
};

static bool is_empty(const struct json *j)
{
    if (json_is_string(j))
        return str_empty(json_value_str(j));
    if (json_is_number(j))
        return json_value_double(j) == 0;
    if (json_is_bool(j))
        return !json_value_bool(j);
    return json_is_null(j) || json_size(j) == 0;
}

/* Objects of user data; everything else is a struct. */
static bool is_map(const char *member)
{
    return str_eq(member, "Labels") || str_eq(member, "Tmpfs") || str_eq(member, "ExposedPorts");
}

/* The recording lacks null, empty, zero and false members of structs. Heap. */
static struct json *pruned(const struct json *j)
{
    struct json *out;

    if (json_is_array(j)) {
        out = json_array();
        for (const struct json *c = json_first(j); c; c = json_next(c))
            json_append(out, pruned(c));
        return out;
    }
    if (!json_is_object(j) || is_map(json_key(j)))
        return json_copy(j);
    out = json_object();
    for (const struct json *c = json_first(j); c; c = json_next(c)) {
        struct json *value = pruned(c);
        if (is_empty(value) && !str_eq(json_key(c), "Cmd"))
            json_free(value);
        else
            json_set(out, json_key(c), value);
    }
    return out;
}

/* Set or drop a member two levels deep at most ("Labels.config-hash" names a compose label). */
static void replace(struct json *body, const char *path, const char *text)
{
    const char *dot = strchr(path, '.');
    AUTO_FREE char *head = xstrndup(path, dot ? (size_t)(dot - path) : strlen(path));
    AUTO_FREE char *tail =
        dot ? xasprintf("%s%s", str_eq(head, "Labels") ? LABEL : "", dot + 1) : NULL;
    struct json *at = dot ? json_edit(body, head) : body;

    assert_non_null(at);
    if (text)
        json_set(at, tail ? tail : head, model_parse_json(text));
    else
        json_remove(at, tail ? tail : head);
}

static void apply_differences(const char *service, struct json *want, struct json *got)
{
    for (size_t i = 0; i < ARRAY_LEN(differences); i++) {
        if (!str_eq(differences[i].service, service))
            continue;
        replace(want, differences[i].path, differences[i].ours);
        if (!differences[i].ours)
            replace(got, differences[i].path, NULL);
    }
}

static struct compose_create observed_create(void)
{
    return (struct compose_create){
        .api_minor = 41,
        .number = 1,
        .image_id = IMAGE_ID,
        .family = COMPOSE_FAMILY_V2_24,
        .peers = peers,
        .n_peers = ARRAY_LEN(peers),
    };
}

static void check_create(const struct compose_project *p, const char *name, const struct json *body)
{
    const struct json *labels = json_get(body, "Labels");
    const char *service = json_value_str(json_get(labels, LABEL "service"));
    struct ship_error err = {0};
    struct compose_create create = observed_create();
    int64_t number = 0;

    assert_int_equal(
        str_to_i64(json_value_str(json_get(labels, LABEL "container-number")), &number), 0);
    create.number = (int)number;
    create.final_name = name;
    AUTO_FREE char *own_name = compose_container_name(p, service, create.number);
    assert_string_equal(own_name, name);
    AUTO_PTR(json_free) struct json *raw = compose_create_body(p, service, &create, &err);
    if (!raw)
        fail_msg("%s: %s", service, err.msg);
    AUTO_PTR(json_free) struct json *got = pruned(raw);
    AUTO_PTR(json_free) struct json *want = json_copy(body);
    apply_differences(service, want, got);
    model_assert_json(service, want, got);
}

static void check_connect(const struct compose_project *p, const struct json *body)
{
    struct ship_error err = {0};
    struct compose_create create = observed_create();

    create.final_name = "gc-nets-1";
    AUTO_PTR(json_free) struct json *list = compose_connect_bodies(p, "nets", &create, &err);
    assert_int_equal(json_size(list), 1);
    const struct json *entry = json_first(list);
    assert_string_equal(json_str(entry, "Network"), "gc_front");
    AUTO_PTR(json_free) struct json *got = pruned(json_get(entry, "Body"));
    AUTO_PTR(json_free) struct json *want = json_copy(body);
    json_remove(want, "Container");
    struct json *config = json_edit(want, "EndpointConfig");
    json_remove(config, "IPAddress");
    model_assert_json("connect", want, got);
}

/* The recording is of 2.26.1; resources carry the label of the family we write by default. */
static void check_resource(const char *what, const struct json *body, struct json *raw)
{
    AUTO_PTR(json_free) struct json *got = pruned(raw);
    AUTO_PTR(json_free) struct json *want = json_copy(body);

    json_set_str(json_edit(want, "Labels"), LABEL "version",
                 compose_family_version(COMPOSE_FAMILY_V5));
    model_assert_json(what, want, got);
    json_free(raw);
}

static const char *after(const char *text, const char *part)
{
    const char *at = strstr(text, part);

    return at ? at + strlen(part) : NULL;
}

static int check_request(const struct compose_project *p, const struct json *r)
{
    const char *request = json_str_or(r, "request", "");
    const struct json *body = json_get(r, "body");
    const struct json *labels = json_get(body, "Labels");
    const char *name = after(request, "/containers/create?name=");

    if (name)
        check_create(p, name, body);
    else if (after(request, "/connect"))
        check_connect(p, body);
    else if (after(request, "/networks/create"))
        check_resource(
            "network", body,
            compose_network_body(p, json_value_str(json_get(labels, LABEL "network")), 41));
    else if (after(request, "/volumes/create"))
        check_resource("volume", body,
                       compose_volume_body(p, json_value_str(json_get(labels, LABEL "volume"))));
    else
        return 0;
    return 1;
}

static void test_create_body_observed_calls_are_reproduced(void **state)
{
    AUTO_PTR(json_free) struct json *observed = model_load_json(OBSERVED);
    AUTO_PTR(json_free) struct json *model = model_load_json(MODEL);
    AUTO_PTR(model_project_free)
    struct compose_project *p = model_project_of(model, OBSERVED_DIR);
    int checked = 0;

    (void)state;
    for (const struct json *r = json_first(json_get(observed, "requests")); r; r = json_next(r))
        checked += check_request(p, r);
    assert_int_equal(checked, 21);
}

/* Copy with one directory replaced by another in every text. */
static struct json *relocated(const struct json *j, const char *from, const char *to)
{
    AUTO_FREE char *text = json_print(j);
    AUTO(buf_done) struct buf out = BUF_INIT(1u << 20);
    struct ship_error err = {0};
    const char *p = text;

    for (const char *at = strstr(p, from); at; at = strstr(p, from)) {
        buf_add(&out, p, (size_t)(at - p));
        buf_adds(&out, to);
        p = at + strlen(from);
    }
    buf_adds(&out, p);
    return json_parse(out.p, out.len, "relocated", &err);
}

/* The compose file of the recording, loaded, gives the model the other test maps. */
static void test_load_recorded_file_gives_the_model(void **state)
{
    static const char *const environ[] = {"SEC2=topsecret", "HOME=/srv", NULL};
    char dir[] = "/tmp/shipctl-create-XXXXXX";
    struct ship_error err = {0};
    struct yaml_problems problems = {.n = 0};
    struct compose_options options = {.dir = dir, .environ = environ};
    AUTO_PTR(json_free) struct json *observed = model_load_json(OBSERVED);
    AUTO_PTR(json_free) struct json *want = model_load_json(MODEL);
    const char *text = json_str(observed, "compose_file");

    (void)state;
    assert_non_null(mkdtemp(dir));
    AUTO_FREE char *path = xasprintf("%s/docker-compose.yml", dir);
    assert_int_equal(file_replace(path, text, strlen(text), 0600, &err), 0);
    AUTO_PTR(compose_free) struct compose_project *p = compose_load(&options, &problems, &err);
    unlink(path);
    rmdir(dir);
    if (!p)
        fail_msg("%s", err.msg);
    AUTO_PTR(json_free) struct json *got = relocated(p->model, dir, OBSERVED_DIR);
    model_assert_json("model", want, got);
    assert_true(strv_has(&p->os_names, "SEC2"));
    assert_true(str_starts(p->env_file, dir));
    yaml_problems_done(&problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_body_observed_calls_are_reproduced),
        cmocka_unit_test(test_load_recorded_file_gives_the_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
