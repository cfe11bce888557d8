/* Names of containers that stand aside: see names.h. */
#include "deploy/names.h"

#include <string.h>

#include "base/alloc.h"

#define PARKED             ".shipctl-parked-"
#define CANDIDATE          ".shipctl-candidate-"
#define COMPOSE_PREFIX_LEN 12

char *name_parked(const char *name, int64_t operation)
{
    return xasprintf("%s" PARKED "%lld", name, (long long)operation);
}

char *name_candidate(const char *name, int64_t operation)
{
    return xasprintf("%s" CANDIDATE "%lld", name, (long long)operation);
}

const char *name_behind_temporary(const char *name)
{
    bool has_prefix = strspn(name, "0123456789abcdef") == COMPOSE_PREFIX_LEN &&
                      name[COMPOSE_PREFIX_LEN] == '_' && name[COMPOSE_PREFIX_LEN + 1];
    return has_prefix ? name + COMPOSE_PREFIX_LEN + 1 : NULL;
}

char *name_final(const char *name)
{
    const char *suffix = strstr(name, PARKED);
    if (!suffix)
        suffix = strstr(name, CANDIDATE);
    return suffix ? xstrndup(name, (size_t)(suffix - name)) : xstrdup(name);
}

bool name_is_ours(const char *name)
{
    return strstr(name, PARKED) != NULL || strstr(name, CANDIDATE) != NULL;
}

bool name_is_aside(const char *name)
{
    return name_is_ours(name) || name_behind_temporary(name) != NULL;
}
