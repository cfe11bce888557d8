/*
 * dns: a host name resolves, as this host's resolver sees it.
 *
 * `expect`: each of these addresses must be among the answers.
 * FAIL: the name does not exist, has no address, or an expected one is
 * missing. UNKNOWN: the resolver failed or did not answer in time.
 */
#include <arpa/inet.h>
#include <string.h>

#include "check/net.h"
#include "check/support.h"
#include "check/types.h"

struct dns_config {
    char *name;
    struct strv expect;
};

static const struct field dns_fields[] = {
    {.key = "name",
     .kind = FIELD_STRING,
     .offset = offsetof(struct dns_config, name),
     .min = 1,
     .max = 253,
     .fallback = NULL},
    {.key = "expect",
     .kind = FIELD_STRV,
     .offset = offsetof(struct dns_config, expect),
     .fallback = ""},
    {0                            },
};

/* One spelling per address ("::1", not "0:0:0:0:0:0:0:1"); not an address: as it is. */
static const char *normalise(const char *text, char out[CHECK_ADDRESS_TEXT])
{
    struct sockaddr_storage parsed = {0};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        memcpy(&parsed, &v4, sizeof v4);
    else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
        memcpy(&parsed, &v6, sizeof v6);
    else
        return text;
    return check_address_text(&parsed, out);
}

static bool has_address(const struct check_addresses *found, const char *want)
{
    char have[CHECK_ADDRESS_TEXT];

    for (size_t i = 0; i < found->n; i++)
        if (strcmp(check_address_text(&found->list[i], have), want) == 0)
            return true;
    return false;
}

static int dns_run(const struct check_env *env, const void *config, int64_t deadline_ms,
                   struct check_result *ret, struct ship_error *err)
{
    const struct dns_config *cfg = config;
    AUTO_FREE char *name = check_expand(env, cfg->name, ret);
    AUTO(strv_done) struct strv expect = {0};
    struct check_addresses found = {0};
    char first[CHECK_ADDRESS_TEXT], want[CHECK_ADDRESS_TEXT];
    int rc;

    if (!name || check_expand_all(env, &cfg->expect, &expect, ret) == 0)
        return 0;
    rc = check_lookup(env, name, deadline_ms, &found, ret, err);
    if (rc <= 0)
        return rc;
    check_address_text(&found.list[0], first);
    for (size_t i = 0; i < expect.n; i++)
        if (!has_address(&found, normalise(expect.v[i], want)))
            return check_say(ret, CHECK_FAIL, "'%s' resolves to %s%s, want %s", name, first,
                             found.n > 1 ? " and others" : "", expect.v[i]);
    return check_say(ret, CHECK_PASS, "'%s' resolves to %s", name, first);
}

const struct check_type check_dns = {
    .name = "dns",
    .phases = CHECK_PRE | CHECK_HEALTH | CHECK_POST,
    .summary = "A host name resolves, to the expected addresses if any are given.",
    .fields = dns_fields,
    .config_size = sizeof(struct dns_config),
    .run = dns_run,
};
