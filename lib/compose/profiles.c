/* Profiles: which services are active. Inactive ones leave the model. */
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/str.h"
#include "compose/load.h"

static void active_profiles(const struct loader *l, struct strv *out)
{
    const char *env = vars_get(&l->env, "COMPOSE_PROFILES");

    if (l->options->profiles && l->options->profiles->n) {
        strv_copy(out, l->options->profiles);
        return;
    }
    AUTO_FREE char *copy = xstrdup(env ? env : "");
    char *rest = copy;
    for (char *word; (word = strsep(&rest, ","));) {
        word += strspn(word, " \t");
        word[strcspn(word, " \t")] = '\0';
        if (*word)
            strv_add(out, word);
    }
}

static bool is_active(const struct yaml_node *service, const struct strv *profiles)
{
    const struct yaml_node *own = yaml_get(service, "profiles");

    if (!own || !own->n || strv_has(profiles, "*"))
        return true;
    for (size_t i = 0; i < own->n; i++) {
        if (strv_has(profiles, own->items[i]->text))
            return true;
    }
    return false;
}

void profiles_apply(struct loader *l, struct yaml_node *services, struct vars *ret_disabled)
{
    AUTO(strv_done) struct strv profiles = {0};
    size_t kept = 0;

    active_profiles(l, &profiles);
    for (size_t i = 0; i < services->n; i++) {
        struct yaml_node *service = services->items[i];
        if (is_active(service, &profiles))
            services->items[kept++] = service;
        else
            vars_set(ret_disabled, service->key, NULL);
    }
    services->n = kept;
}
