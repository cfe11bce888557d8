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

/* The suffix with a number to the end, or NULL: a service may well be called "x.shipctl-parked-y".
 */
static const char *suffix_of(const char *name)
{
    static const char *const words[] = {PARKED, CANDIDATE};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        const char *suffix = strstr(name, words[i]);
        const char *number = suffix ? suffix + strlen(words[i]) : "";
        if (number[0] && number[strspn(number, "0123456789")] == '\0')
            return suffix;
    }
    return NULL;
}

char *name_final(const char *name)
{
    const char *suffix = suffix_of(name);
    return suffix ? xstrndup(name, (size_t)(suffix - name)) : xstrdup(name);
}

bool name_is_ours(const char *name)
{
    return suffix_of(name) != NULL;
}

bool name_is_aside(const char *name)
{
    return name_is_ours(name) || name_behind_temporary(name) != NULL;
}
