/*
 * lib/compose: create bodies by attribute, API version, replacement, one-off containers. The
 * recorded calls of Compose itself are in test_compose_create.c.
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

#define LABEL "com.docker.compose."

/* Map service "a" of a model; NULL and err on failure. */
static struct json *map_one(const char *model, const struct compose_create *create,
                            struct ship_error *err)
{
    AUTO_PTR(model_project_free) struct compose_project *p = model_project(model);

    return compose_create_body(p, "a", create, err);
}

static struct compose_create plain_create(int api_minor)
{
    return (struct compose_create){
        .api_minor = api_minor, .number = 1, .final_name = "app-a-1", .image_id = "sha256:1"};
}

struct member_row {
    const char *service; /* members of service "a" */
    int api_minor;
    const char *pointer; /* RFC 6901 pointer into the body */
    const char *want;    /* JSON; NULL = absent */
    const char *why;
};

static void check_members(const struct member_row *rows, size_t n, const char *rest)
{
    for (size_t i = 0; i < n; i++) {
        struct ship_error err = {0};
        struct compose_create create = plain_create(rows[i].api_minor);
        AUTO_FREE char *model =
            xasprintf("{\"name\": \"app\", \"services\": {\"a\": {%s}}%s}", rows[i].service, rest);
        AUTO_PTR(json_free) struct json *body = map_one(model, &create, &err);
        if (!body)
            fail_msg("%s: %s", rows[i].why, err.msg);
        const struct json *got = json_pointer(body, rows[i].pointer);
        if (!rows[i].want && !got)
            continue;
        AUTO_PTR(json_free)
        struct json *want = model_parse_json(rows[i].want ? rows[i].want : "null");
        AUTO_FREE char *text = got ? json_print(got) : xstrdup("nothing");
        if (!rows[i].want || !got || !json_equal(want, got))
            fail_msg("%s: %s is %s, want %s", rows[i].why, rows[i].pointer, text,
                     rows[i].want ? rows[i].want : "nothing");
    }
}

static void test_create_body_members_by_attribute(void **state)
{
    static const struct member_row rows[] = {
        {"\"image\": \"i:1\"",                                                              48, "/Image",                         "\"i:1\"",                                                  "image"                      },
        {"\"build\": {}",                                                                   48, "/Image",                         "\"app-a\"",                                                "build only: Compose's name" },
        {"\"image\": \"i\"",                                                                48, "/AttachStdout",                  "true",                                                     "always sent"                },
        {"\"image\": \"i\"",                                                                48, "/AttachStderr",                  "true",                                                     "always sent"                },
        {"\"image\": \"i\"",                                                                48, "/AttachStdin",                   "false",                                                    "always sent"                },
        {"\"image\": \"i\"",                                                                48, "/StdinOnce",                     "false",                                                    "always sent"                },
        {"\"image\": \"i\"",                                                                48, "/HostConfig/AutoRemove",         "false",                                                    "always sent"                },
        {"\"image\": \"i\"",                                                                48, "/HostConfig/OomKillDisable",     "false",                                                    "always sent"                },
        {"\"command\": null",                                                               48, "/Cmd",                           NULL,                                                       "unset: the image's"         },
        {"\"command\": []",                                                                 48, "/Cmd",                           "[]",                                                       "empty list is sent"         },
        {"\"entrypoint\": []",                                                              48, "/Entrypoint",                    "[]",                                                       "clears the image's"         },
        {"\"environment\": {\"A\": \"x=y\", \"B\": null}",                                  48, "/Env",                           "[\"A=x=y\",\"B\"]",
         "bare key removes"                                                                                                                                                                                                },
        {"\"init\": false",                                                                 48, "/HostConfig/Init",               "false",                                                    "explicit false"             },
        {"\"init\": null",                                                                  48, "/HostConfig/Init",               NULL,                                                       "daemon default"             },
        {"\"stop_grace_period\": \"500ms\"",                                                48, "/StopTimeout",                   "0",                                                        "whole seconds"              },
        {"\"stop_grace_period\": \"1m30s\"",                                                48, "/StopTimeout",                   "90",                                                       "seconds"                    },
        {"\"image\": \"i\"",                                                                48, "/StopTimeout",                   NULL,                                                       "daemon default"             },
        {"\"restart\": \"no\"",                                                             48, "/HostConfig/RestartPolicy",
         "{\"Name\":\"no\",\"MaximumRetryCount\":0}",                                                                                                                                         "no"                         },
        {"\"restart\": \"on-failure:3\"",                                                   48, "/HostConfig/RestartPolicy",
         "{\"Name\":\"on-failure\",\"MaximumRetryCount\":3}",                                                                                                                                 "retries"                    },
        {"\"restart\": \"no\", \"deploy\": {\"restart_policy\": {\"condition\": \"any\"}}", 48,
         "/HostConfig/RestartPolicy/Name",                                                                                        "\"always\"",                                               "deploy wins"                },
        {"\"deploy\": {\"restart_policy\": {\"condition\": \"none\"}}",                     48,
         "/HostConfig/RestartPolicy/Name",                                                                                        "\"no\"",                                                   "none"                       },
        {"\"deploy\": {\"restart_policy\": {}}",                                            48, "/HostConfig/RestartPolicy/Name", "\"\"",
         "no condition"                                                                                                                                                                                                    },
        {"\"healthcheck\": {\"start_interval\": \"1s\", \"interval\": \"10s\"}",            44, "/Healthcheck",
         "{\"Interval\":10000000000,\"StartInterval\":1000000000}",                                                                                                                           "no test: the image's"       },
        {"\"healthcheck\": {\"start_interval\": \"1s\"}",                                   43, "/Healthcheck/StartInterval",     NULL,
         "unknown before 1.44"                                                                                                                                                                                             },
        {"\"healthcheck\": {\"disable\": true, \"test\": [\"CMD\", \"x\"]}",                44, "/Healthcheck",
         "{\"Test\":[\"NONE\"]}",                                                                                                                                                             "disabled"                   },
        {"\"cpus\": 0.1",                                                                   48, "/HostConfig/NanoCpus",           "100000000",                                                "rounded"                    },
        {"\"cpus\": 1.5, \"deploy\": {\"resources\": {\"limits\": {\"cpus\": 2}}}",         48,
         "/HostConfig/NanoCpus",                                                                                                  "2000000000",                                               "deploy wins"                },
        {"\"pids_limit\": -1",                                                              48, "/HostConfig/PidsLimit",          "-1",                                                       "unlimited"                  },
        {"\"pids_limit\": 0",                                                               48, "/HostConfig/PidsLimit",          NULL,                                                       "zero is unset"              },
        {"\"mem_swappiness\": \"10\"",                                                      48, "/HostConfig/MemorySwappiness",   "10",                                                       "text number"                },
        {"\"cpu_rt_runtime\": \"400ms\"",                                                   48, "/HostConfig/CpuRealtimeRuntime", "400000",                                                   "us"                         },
        {"\"cpu_rt_period\": \"1400\"",                                                     48, "/HostConfig/CpuRealtimePeriod",  "1400",                                                     "number"                     },
        {"\"ulimits\": {\"memlock\": -1}",                                                  48, "/HostConfig/Ulimits",
         "[{\"Name\":\"memlock\",\"Soft\":-1,\"Hard\":-1}]",                                                                                                                                  "unlimited"                  },
        {"\"blkio_config\": {\"device_read_bps\": [{\"Path\": \"/dev/a\", \"Rate\": \"1048576\"}],"
         "\"weight_device\": [{\"path\": \"/dev/b\", \"weight\": 5}]}",            48, "/HostConfig/BlkioDeviceReadBps", "[{\"Path\":\"/dev/a\",\"Rate\":1048576}]",                 "rate"                       },
        {"\"blkio_config\": {\"weight_device\": [{\"path\": \"/dev/b\", \"weight\": 5}]}",  48,
         "/HostConfig/BlkioWeightDevice",                                                                                         "[{\"Path\":\"/dev/b\",\"Weight\":5}]",                     "lower case"                 },
        {"\"gpus\": [{\"count\": -1}]",                                                     48, "/HostConfig/DeviceRequests",
         "[{\"Driver\":\"\",\"Count\":-1,\"Capabilities\":[[\"gpu\"]]}]",                                                                                                                     "gpus: all"                  },
        {"\"deploy\": {\"resources\": {\"reservations\": {\"devices\": [{\"driver\": \"d\", "
         "\"device_ids\": [\"0\"], \"capabilities\": [\"gpu\", \"x\"]}]}}}",       48, "/HostConfig/DeviceRequests",
         "[{\"Driver\":\"d\",\"Count\":0,\"DeviceIDs\":[\"0\"],\"Capabilities\":[[\"gpu\",\"x\"]]}"
         "]",                                                                                                                                                                                 "reservation"                },
        {"\"devices\": [{\"source\": \"v.com/gpu=all\", \"target\": \"v.com/gpu=all\"}]",   48,
         "/HostConfig/DeviceRequests",                                                                                            "[{\"Driver\":\"cdi\",\"DeviceIDs\":[\"v.com/gpu=all\"]}]",
         "CDI name"                                                                                                                                                                                                        },
        {"\"devices\": [{\"source\": \"/dev/a=b\", \"target\": \"/dev/a=b\"}]",             48,
         "/HostConfig/Devices/0/CgroupPermissions",                                                                               "\"rwm\"",                                                  "a path is no CDI name"      },
        {"\"security_opt\": [\"systempaths=unconfined\", \"label:disable\"]",               48,
         "/HostConfig/MaskedPaths",                                                                                               "[]",                                                       "cleared"                    },
        {"\"security_opt\": [\"systempaths=unconfined\", \"label:disable\"]",               48,
         "/HostConfig/SecurityOpt",                                                                                               "[\"label:disable\"]",                                      "the word itself is not sent"},
        {"\"security_opt\": [\"seccomp=unconfined\", \"seccomp:builtin\"]",                 48,
         "/HostConfig/SecurityOpt",                                                                                               "[\"seccomp=unconfined\",\"seccomp:builtin\"]",             "no file"                    },
        {"\"annotations\": {\"k.v\": \"x\"}",                                               48, "/HostConfig/Annotations",        "{\"k.v\":\"x\"}",
         "annotations"                                                                                                                                                                                                     },
        {"\"ports\": [{\"target\": 53, \"published\": \"53\", \"protocol\": \"udp\", \"host_ip\": "
         "\"::1\"}]",                                                              48, "/HostConfig/PortBindings",       "{\"53/udp\":[{\"HostIp\":\"::1\",\"HostPort\":\"53\"}]}",
         "IPv6"                                                                                                                                                                                                            },
        {"\"ports\": [{\"target\": 1}]",                                                    48, "/HostConfig/PortBindings",
         "{\"1/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"\"}]}",                                                                                                                                 "ephemeral"                  },
        {"\"expose\": []",                                                                  48, "/ExposedPorts",                  NULL,                                                       "nothing"                    },
        {"\"network_mode\": \"none\"",                                                      48, "/NetworkingConfig",              NULL,                                                       "no endpoints"               },
        {"\"network_mode\": \"disabled\"",                                                  48, "/NetworkDisabled",               "true",                                                     "disabled"                   },
        {"\"image\": \"i\"",                                                                48, "/HostConfig/NetworkMode",        "\"none\"",                                                 "no network at all"          },
        {"\"external_links\": [\"x\", \"y:z\"]",                                            48, "/HostConfig/Links",              "[\"x:x\",\"y:z\"]",
         "external"                                                                                                                                                                                                        },
    };

    (void)state;
    check_members(rows, ARRAY_LEN(rows), "");
}

static void test_create_body_mounts_by_api_version(void **state)
{
#define VOLUMES(text) "\"volumes\": [" text "]"
    static const struct member_row rows[] = {
        {VOLUMES("{\"type\": \"bind\", \"source\": \"/s\", \"target\": \"/t\", \"bind\": "
                 "{\"propagation\": \"rslave\", \"selinux\": \"Z\"}}"),
         41,                                                                                            "/HostConfig/Binds",    "[\"/s:/t:rw,Z,rslave\"]", "1.41 can not create in Mounts"        },
        {VOLUMES("{\"type\": \"bind\", \"source\": \"/s\", \"target\": \"/t\", \"bind\": "
                 "{\"propagation\": \"rslave\"}}"),
         44,                                                                                            "/HostConfig/Mounts",
         "[{\"Type\":\"bind\",\"Source\":\"/s\",\"Target\":\"/"
         "t\",\"BindOptions\":{\"Propagation\":"
         "\"rslave\",\"CreateMountpoint\":true}}]",                                                                                                        "with CreateMountpoint"                },
        {VOLUMES("{\"type\": \"bind\", \"source\": \"/s\", \"target\": \"/t\", "
                 "\"read_only\": true, "
                 "\"bind\": {\"create_host_path\": false, \"recursive\": \"readonly\"}}"),
         44,                                                                                            "/HostConfig/Mounts",
         "[{\"Type\":\"bind\",\"Source\":\"/s\",\"Target\":\"/t\",\"ReadOnly\":true,"
         "\"BindOptions\":{\"ReadOnlyForceRecursive\":true}}]",                                                                                            "must exist"                           },
        {VOLUMES("{\"type\": \"volume\", \"source\": \"v\", \"target\": \"/t\", \"volume\": "
                 "{\"subpath\": \"d\", \"labels\": {\"a\": \"b\"}}}"),
         48,                                                                                            "/HostConfig/Mounts/0",
         "{\"Type\":\"volume\",\"Source\":\"real_v\",\"Target\":\"/t\",\"VolumeOptions\":"
         "{\"Labels\":{\"a\":\"b\"},\"Subpath\":\"d\"}}",                                                                                                  "options"                              },
        {VOLUMES("{\"type\": \"image\", \"source\": \"i:1\", \"target\": \"/t\", \"image\": "
                 "{\"subpath\": \"d\"}}"),
         48,                                                                                            "/HostConfig/Mounts/0",
         "{\"Type\":\"image\",\"Source\":\"i:1\",\"Target\":\"/"
         "t\",\"ImageOptions\":{\"Subpath\":"
         "\"d\"}}",                                                                                                                                        "image"                                },
        {VOLUMES("{\"type\": \"tmpfs\", \"target\": \"/t\"}"),                                      48, "/HostConfig/Mounts/0",
         "{\"Type\":\"tmpfs\",\"Target\":\"/t\"}",                                                                                                         "bare tmpfs"                           },
        {VOLUMES("{\"type\": \"volume\", \"source\": \"v\", \"target\": "
                 "\"/run/secrets/s\"}") ","
                                        "\"secrets\": [{\"source\": \"s\"}]",              48, "/HostConfig/Mounts",   NULL,                      "a declared mount wins over the secret"},
        {"\"tmpfs\": [\"/c:size=1m\"], \"configs\": [{\"source\": \"c\"}]",                         48,
         "/HostConfig/Mounts",                                                                                                  NULL,                      "a tmpfs wins over the config"         },
        {"\"configs\": [{\"source\": \"c\", \"target\": \"etc/x\"}]",                               48, "/HostConfig/Mounts/0",
         "{\"Type\":\"bind\",\"Source\":\"/f\",\"Target\":\"/etc/x\",\"ReadOnly\":true}",                                                                  "relative target of a config"          },
    };

    (void)state;
    check_members(rows, ARRAY_LEN(rows),
                  ", \"volumes\": {\"v\": {\"name\": \"real_v\"}}, \"secrets\": {\"s\": {\"file\": "
                  "\"/f\"}}, \"configs\": {\"c\": {\"file\": \"/f\"}}");
}

#define NETWORKS                                                                                   \
    ", \"networks\": {\"n\": {\"name\": \"p_n\"}, \"m\": {\"name\": \"p_m\"}, \"z\": {}}"

static void test_create_body_endpoints_by_api_version(void **state)
{
#define TWO "\"mac_address\": \"02:00:00:00:00:01\", \"networks\": {\"n\": null, \"m\": null}"
    static const struct member_row rows[] = {
        {TWO,                                                                  41, "/NetworkingConfig/EndpointsConfig",
         "{\"p_m\":{\"Aliases\":[\"app-a-1\",\"a\"]}}",                                                                                                         "only the primary before 1.44"           },
        {TWO,                                                                  41, "/MacAddress",                                      "\"02:00:00:00:00:01\"", "old place"                              },
        {TWO,                                                                  44, "/NetworkingConfig/EndpointsConfig",
         "{\"p_m\":{\"Aliases\":[\"app-a-1\",\"a\"],\"MacAddress\":\"02:00:00:00:00:01\"},"
         "\"p_n\":{\"Aliases\":[\"app-a-1\",\"a\"]}}",                                                                                                          "all of them, the address on the primary"},
        {TWO,                                                                  44, "/MacAddress",                                      NULL,                    "not in both places"                     },
        {"\"networks\": {\"n\": {\"priority\": 1}, \"m\": null}",              41, "/HostConfig/NetworkMode",
         "\"p_n\"",                                                                                                                                             "priority before name"                   },
        {"\"networks\": {\"n\": {\"priority\": 1}, \"m\": {\"priority\": 1}}", 41,
         "/HostConfig/NetworkMode",                                                                                                    "\"p_m\"",               "equal priority: name"                   },
        {"\"networks\": {\"z\": null}",                                        41, "/HostConfig/NetworkMode",                          "\"z\"",                 "key as name"                            },
        {"\"networks\": {\"n\": {\"interface_name\": \"e9\", \"gw_priority\": 5, \"driver_opts\": "
         "{\"o\": \"v\"}}}",                                          49, "/NetworkingConfig/EndpointsConfig/p_n",
         "{\"DriverOpts\":{\"o\":\"v\",\"com.docker.network.endpoint.ifname\":\"e9\"},"
         "\"GwPriority\":5,\"Aliases\":[\"app-a-1\",\"a\"]}",                                                                                                   "options"                                },
        {"\"networks\": {\"n\": {\"ipv6_address\": \"::5\", \"link_local_ips\": "
         "[\"169.254.1.1\"]}}",                                       48, "/NetworkingConfig/EndpointsConfig/p_n/IPAMConfig",
         "{\"IPv6Address\":\"::5\",\"LinkLocalIPs\":[\"169.254.1.1\"]}",                                                                                        "addresses"                              },
        {"\"networks\": {\"n\": {}}",                                          48, "/NetworkingConfig/EndpointsConfig/p_n/IPAMConfig", NULL,
         "nothing asked"                                                                                                                                                                                 },
    };

    (void)state;
    check_members(rows, ARRAY_LEN(rows), NETWORKS);
}

static void test_create_body_impossible_is_refused(void **state)
{
    static const struct {
        const char *service;
        int api_minor;
        const char *message, *why;
    } rows[] = {
        {"\"network_mode\": \"service:b\"",                                             48, "'service:b' has no container", "unknown peer"                },
        {"\"ipc\": \"service:b\"",                                                      48, "has no container",             "unknown peer"                },
        {"\"pid\": \"service:b\"",                                                      48, "has no container",             "unknown peer"                },
        {"\"volumes_from\": [\"b:ro\"]",                                                48, "'b' has no container",         "unknown peer"                },
        {"\"networks\": {\"n\": {\"interface_name\": \"e\"}}",                          48, "1.49",                         "would be ignored"            },
        {"\"networks\": {\"n\": {\"gw_priority\": 1}}",                                 47, "1.48",                         "would be ignored"            },
        {"\"volumes\": [{\"type\": \"image\", \"source\": \"i\", \"target\": \"/t\"}]", 47, "1.48",
         "unknown type"                                                                                                                                   },
        {"\"volumes\": [{\"type\": \"npipe\", \"source\": \"i\", \"target\": \"/t\"}]", 48, "npipe",
         "Windows"                                                                                                                                        },
        {"\"volumes\": [{\"type\": \"volume\", \"source\": \"v\", \"target\": \"/t\", \"volume\": "
         "{\"subpath\": \"x\"}}]",                                             44, "1.45",                         "would mount the whole volume"},
        {"\"volumes\": [{\"type\": \"bind\", \"source\": \"/s\", \"target\": \"/t\", \"bind\": "
         "{\"recursive\": \"readonly\"}}]",                                    41, "1.44",                         "would be writable"           },
        {"\"secrets\": [{\"source\": \"e\"}]",                                          48, "external",                     "needs Swarm"                 },
        {"\"secrets\": [{\"source\": \"nope\"}]",                                       48, "not defined",                  "unknown"                     },
        {"\"security_opt\": [\"what\"]",                                                48, "'what'",                       "bare word"                   },
        {"\"security_opt\": [\"seccomp=./missing.json\"]",                              48, "seccomp profile",              "no file"                     },
        {"\"mem_limit\": \"1x\"",                                                       48, "mem_limit",                    "malformed"                   },
        {"\"restart\": \"on-failure:x\"",                                               48, "on-failure:x",                 "malformed"                   },
        {"\"stop_grace_period\": \"soon\"",                                             48, "soon",                         "malformed"                   },
        {"\"healthcheck\": {\"interval\": \"x\"}",                                      48, "interval",                     "malformed"                   },
        {"\"expose\": [\"0\"]",                                                         48, "expose '0'",                   "not a port"                  },
        {"\"expose\": [\"9-8\"]",                                                       48, "expose '9-8'",                 "backwards"                   },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ship_error err = {0};
        struct compose_create create = plain_create(rows[i].api_minor);
        AUTO_FREE char *model = xasprintf("{\"name\": \"app\", \"services\": {\"a\": {%s}}, "
                                          "\"secrets\": {\"e\": {\"external\": true}}" NETWORKS "}",
                                          rows[i].service);
        AUTO_PTR(json_free) struct json *body = map_one(model, &create, &err);
        if (body)
            fail_msg("accepted: %s (%s)", rows[i].service, rows[i].why);
        if (!strstr(err.msg, rows[i].message))
            fail_msg("%s: '%s' lacks '%s'", rows[i].service, err.msg, rows[i].message);
    }
}

static void test_create_body_unknown_service_is_refused(void **state)
{
    struct ship_error err = {0};
    struct compose_create create = plain_create(48);

    (void)state;
    assert_null(map_one("{\"services\": {}}", &create, &err));
    assert_int_equal(err.code, SHIP_INVALID);
}

static void test_create_body_seccomp_file_is_sent_compact(void **state)
{
    char dir[] = "/tmp/shipctl-map-XXXXXX";
    struct ship_error err = {0};
    struct compose_create create = plain_create(48);

    (void)state;
    assert_non_null(mkdtemp(dir));
    AUTO_FREE char *path = xasprintf("%s/p.json", dir);
    assert_int_equal(file_replace(path, "{ \"a\" : [ 1 ] }\n", 16, 0600, &err), 0);
    AUTO_PTR(json_free)
    struct json *model =
        model_parse_json("{\"services\": {\"a\": {\"security_opt\": [\"seccomp=p.json\"]}}}");
    AUTO_PTR(model_project_free) struct compose_project *p = model_project_of(model, dir);
    AUTO_PTR(json_free) struct json *body = compose_create_body(p, "a", &create, &err);
    unlink(path);
    rmdir(dir);
    assert_non_null(body);
    assert_string_equal(json_value_str(json_pointer(body, "/HostConfig/SecurityOpt/0")),
                        "seccomp={\"a\":[1]}");
}

static void test_create_body_replacement_keeps_anonymous_volumes(void **state)
{
    static const char model[] =
        "{\"name\": \"app\", \"services\": {\"a\": {\"tmpfs\": [\"/tmpfs\"], \"volumes\": ["
        "{\"type\": \"volume\", \"target\": \"/anon\", \"volume\": {}},"
        "{\"type\": \"volume\", \"target\": \"/fresh\", \"volume\": {}},"
        "{\"type\": \"volume\", \"source\": \"v\", \"target\": \"/declared\", \"volume\": {}}]}},"
        "\"volumes\": {\"v\": {\"name\": \"app_v\"}}}";
    static const char old[] =
        "{\"Mounts\": ["
        "{\"Type\": \"volume\", \"Name\": \"h1\", \"Destination\": \"/anon\", \"RW\": false},"
        "{\"Type\": \"volume\", \"Name\": \"h2\", \"Destination\": \"/image\", \"RW\": true},"
        "{\"Type\": \"bind\", \"Source\": \"/host\", \"Destination\": \"/image2\", \"RW\": true},"
        "{\"Type\": \"volume\", \"Name\": \"h3\", \"Destination\": \"/gone\", \"RW\": true},"
        "{\"Type\": \"tmpfs\", \"Destination\": \"/tmp\", \"RW\": true},"
        "{\"Type\": \"volume\", \"Name\": \"h4\", \"Destination\": \"/tmpfs\", \"RW\": true},"
        "{\"Type\": \"volume\", \"Name\": \"x\", \"Destination\": \"/declared\", \"RW\": true}]}";
    static const char image[] = "{\"Config\": {\"Volumes\": {\"/image\": {}, \"/image2\": {}, "
                                "\"/declared\": {}, \"/tmp\": {}, \"/tmpfs\": {}, \"/new\": {}}}}";
    static const char want[] =
        "[{\"Type\":\"volume\",\"Source\":\"h1\",\"Target\":\"/anon\",\"ReadOnly\":true},"
        "{\"Type\":\"volume\",\"Target\":\"/fresh\"},"
        "{\"Type\":\"volume\",\"Source\":\"h2\",\"Target\":\"/image\"},"
        "{\"Type\":\"bind\",\"Source\":\"/host\",\"Target\":\"/image2\"}]";
    struct ship_error err = {0};
    struct compose_create create = plain_create(48);
    AUTO_PTR(json_free) struct json *old_inspect = model_parse_json(old);
    AUTO_PTR(json_free) struct json *image_inspect = model_parse_json(image);
    AUTO_PTR(json_free) struct json *expected = model_parse_json(want);

    (void)state;
    create.old_inspect = old_inspect;
    create.image_inspect = image_inspect;
    create.replaces = "a-1";
    AUTO_PTR(json_free) struct json *body = map_one(model, &create, &err);
    assert_non_null(body);
    model_assert_json("Mounts", expected, json_pointer(body, "/HostConfig/Mounts"));
    assert_string_equal(json_value_str(json_get(json_get(body, "Labels"), LABEL "replace")), "a-1");
}

static void test_create_body_one_off_is_like_compose_run(void **state)
{
    static const char model[] =
        "{\"name\": \"app\", \"services\": {\"a\": {\"container_name\": \"fixed\", \"tty\": true, "
        "\"stdin_open\": true, \"command\": [\"serve\"], \"entrypoint\": [\"/e\"], \"restart\": "
        "\"always\", \"ports\": [{\"target\": 80, \"published\": \"80\"}], \"healthcheck\": "
        "{\"test\": [\"CMD\", \"x\"]}, \"mac_address\": \"02:00:00:00:00:01\", \"networks\": "
        "{\"n\": {\"aliases\": [\"db\"], \"ipv4_address\": \"10.0.0.5\"}}}}" NETWORKS "}";
    static const struct {
        const char *pointer, *want;
    } rows[] = {
        {"/Cmd",                                        "[\"migrate\",\"up now\"]"                 },
        {"/Entrypoint",                                 "[\"/e\"]"                                 },
        {"/HostConfig/PortBindings",                    NULL                                       },
        {"/ExposedPorts",                               NULL                                       },
        {"/Tty",                                        NULL                                       },
        {"/OpenStdin",                                  NULL                                       },
        {"/Healthcheck",                                "{\"Test\":[\"NONE\"]}"                    },
        {"/HostConfig/RestartPolicy",                   "{\"Name\":\"no\",\"MaximumRetryCount\":0}"},
        {"/NetworkingConfig/EndpointsConfig/p_n",       "{\"Aliases\":[\"app-a-run-0123\"]}"       },
        {"/Labels/com.docker.compose.oneoff",           "\"True\""                                 },
        {"/Labels/com.docker.compose.slug",             "\"0123\""                                 },
        {"/Labels/com.docker.compose.container-number", NULL                                       },
        {"/Labels/com.docker.compose.service",          "\"a\""                                    },
    };
    struct ship_error err = {0};
    struct strv command = {.n = 0};
    struct compose_create create = plain_create(48);

    (void)state;
    strv_add(&command, "migrate");
    strv_add(&command, "up now");
    create.final_name = "app-a-run-0123";
    create.one_off_slug = "0123";
    create.command = &command;
    AUTO_PTR(json_free) struct json *body = map_one(model, &create, &err);
    strv_done(&command);
    assert_non_null(body);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct json *got = json_pointer(body, rows[i].pointer);
        if (!rows[i].want) {
            assert_null(got);
            continue;
        }
        AUTO_PTR(json_free) struct json *want = model_parse_json(rows[i].want);
        model_assert_json(rows[i].pointer, want, got);
    }
}

static void test_create_body_extra_labels_stay_out_of_the_hash(void **state)
{
    static const char model[] = "{\"services\": {\"a\": {\"labels\": {\"u\": \"1\", "
                                "\"com.docker.compose.project\": \"spoof\"}}}}";
    struct ship_error err = {0};
    struct strv extra = {.n = 0};
    struct compose_create create = plain_create(48);

    (void)state;
    AUTO_PTR(json_free) struct json *plain = map_one(model, &create, &err);
    strv_add(&extra, "io.shipctl.version");
    strv_add(&extra, "1.2");
    create.extra_labels = &extra;
    AUTO_PTR(json_free) struct json *body = map_one(model, &create, &err);
    strv_done(&extra);
    const struct json *labels = json_get(body, "Labels");
    assert_string_equal(json_value_str(json_get(labels, "io.shipctl.version")), "1.2");
    assert_string_equal(json_value_str(json_get(labels, "u")), "1");
    assert_string_equal(json_value_str(json_get(labels, LABEL "project")), "app");
    assert_string_equal(json_value_str(json_get(labels, LABEL "version")),
                        compose_family_version(COMPOSE_FAMILY_V2_24));
    assert_string_equal(json_value_str(json_get(labels, LABEL "config-hash")),
                        json_value_str(json_get(json_get(plain, "Labels"), LABEL "config-hash")));
}

static void test_create_body_peers_replace_service_references(void **state)
{
    static const struct compose_peer others[] = {
        {"b", "id2", "app-b-2", false},
        {"b", "id1", "app-b-1", false},
    };
    struct ship_error err = {0};
    struct compose_create create = plain_create(48);

    (void)state;
    create.number = 3;
    create.peers = others;
    create.n_peers = ARRAY_LEN(others);
    AUTO_PTR(json_free)
    struct json *body =
        map_one("{\"name\": \"app\", \"services\": {\"a\": {\"ipc\": \"service:b\", \"pid\": "
                "\"service:b\", \"network_mode\": \"service:b\", \"volumes_from\": [\"b:ro\", "
                "\"container:c:ro\"], \"links\": [\"b\"]}}}",
                &create, &err);
    assert_non_null(body);
    const struct json *host = json_get(body, "HostConfig");
    assert_string_equal(json_str(host, "IpcMode"), "container:id1");
    assert_string_equal(json_str(host, "PidMode"), "container:id1");
    assert_string_equal(json_str(host, "NetworkMode"), "container:id1");
    AUTO_FREE char *from = json_print(json_get(host, "VolumesFrom"));
    assert_string_equal(from, "[\"id1\",\"c\"]");
    AUTO_FREE char *links = json_print(json_get(host, "Links"));
    assert_string_equal(links, "[\"app-b-2:b\",\"app-b-2:b-3\",\"app-b-2:app-b-3\","
                               "\"app-b-1:b\",\"app-b-1:b-3\",\"app-b-1:app-b-3\"]");
}

static void test_connect_bodies_follow_the_api_version(void **state)
{
    static const struct {
        const char *service;
        int api_minor;
        size_t n;
        const char *why;
    } rows[] = {
        {"\"networks\": {\"n\": null, \"m\": null, \"z\": null}", 41, 2, "all but the primary"  },
        {"\"networks\": {\"n\": null, \"m\": null, \"z\": null}", 44, 0, "all are in the create"},
        {"\"networks\": {\"n\": null}",                           41, 0, "only one"             },
        {"\"network_mode\": \"host\"",                            41, 0, "none"                 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ship_error err = {0};
        struct compose_create create = plain_create(rows[i].api_minor);
        AUTO_FREE char *model =
            xasprintf("{\"services\": {\"a\": {%s}}" NETWORKS "}", rows[i].service);
        AUTO_PTR(model_project_free) struct compose_project *p = model_project(model);
        AUTO_PTR(json_free) struct json *list = compose_connect_bodies(p, "a", &create, &err);
        assert_int_equal(json_size(list), rows[i].n);
        assert_null(compose_connect_bodies(p, "nope", &create, &err));
        assert_int_equal(err.code, SHIP_INVALID);
    }
}

static void test_network_body_members_follow_the_api_version(void **state)
{
    static const char model[] =
        "{\"name\": \"p\", \"services\": {}, \"networks\": {\"n\": {\"name\": \"real\", "
        "\"enable_ipv4\": false, \"enable_ipv6\": true, \"ipam\": {\"driver\": \"default\", "
        "\"config\": [{\"subnet\": \"10.0.0.0/8\", \"ip_range\": \"10.1.0.0/16\", "
        "\"aux_addresses\": {\"h\": \"10.0.0.9\"}}], \"options\": {\"a\": \"b\"}}}}}";
    AUTO_PTR(model_project_free) struct compose_project *p = model_project(model);
    AUTO_PTR(json_free) struct json *old = compose_network_body(p, "n", 41);
    AUTO_PTR(json_free) struct json *new = compose_network_body(p, "n", 48);

    (void)state;
    assert_true(json_bool(old, "CheckDuplicate", false));
    assert_null(json_get(old, "EnableIPv4"));
    assert_null(json_get(new, "CheckDuplicate"));
    assert_true(json_is_bool(json_get(new, "EnableIPv4")));
    assert_false(json_bool(new, "EnableIPv4", true));
    assert_true(json_bool(new, "EnableIPv6", false));
    assert_string_equal(json_str(new, "Name"), "real");
    AUTO_FREE char *ipam = json_print(json_get(new, "IPAM"));
    assert_string_equal(ipam, "{\"Driver\":\"default\",\"Options\":{\"a\":\"b\"},\"Config\":["
                              "{\"Subnet\":\"10.0.0.0/8\",\"IPRange\":\"10.1.0.0/16\","
                              "\"AuxiliaryAddresses\":{\"h\":\"10.0.0.9\"}}]}");
    assert_null(json_get(json_get(new, "Labels"), LABEL "config-hash"));
    assert_null(compose_network_body(p, "nope", 48));
    assert_null(compose_volume_body(p, "nope"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_body_members_by_attribute),
        cmocka_unit_test(test_create_body_mounts_by_api_version),
        cmocka_unit_test(test_create_body_endpoints_by_api_version),
        cmocka_unit_test(test_create_body_impossible_is_refused),
        cmocka_unit_test(test_create_body_unknown_service_is_refused),
        cmocka_unit_test(test_create_body_seccomp_file_is_sent_compact),
        cmocka_unit_test(test_create_body_replacement_keeps_anonymous_volumes),
        cmocka_unit_test(test_create_body_one_off_is_like_compose_run),
        cmocka_unit_test(test_create_body_extra_labels_stay_out_of_the_hash),
        cmocka_unit_test(test_create_body_peers_replace_service_references),
        cmocka_unit_test(test_connect_bodies_follow_the_api_version),
        cmocka_unit_test(test_network_body_members_follow_the_api_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
