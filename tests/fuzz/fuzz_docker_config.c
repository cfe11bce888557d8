/*
 * docker's config.json, what credential helpers print, and image references.
 */
#include <string.h>

#include "base/alloc.h"
#include "docker/auth.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void look_up(const struct json *config, const char *key)
{
    struct ship_error err = {0};
    struct registry_credential c = {0};

    (void)docker_config_helper(config, key);
    if (docker_config_entry(config, key, "config", &c, &err) == 0)
        registry_credential_done(&c);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct ship_error err = {0};
    struct registry_credential c = {0};
    struct json *config = json_parse((const char *)data, size, "config", &err);

    if (config) {
        look_up(config, "r.example.com");
        look_up(config, registry_key("docker.io"));
        json_free(config);
    }
    if (docker_helper_answer((const char *)data, size, "helper", &c, &err) == 0)
        registry_credential_done(&c);
    return 0;
}
