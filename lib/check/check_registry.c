/*
 * registry: the images of this deployment can be had from their registry.
 *
 * Asks through the engine, with the user's credentials; nothing is pulled.
 * image: default all images to be pulled.
 * PASS: each resolves to a digest. FAIL: the engine or the registry says no
 * (unknown tag, not permitted). UNKNOWN: no answer in time, no engine, no
 * image to look for.
 */
#include "check/support.h"
#include "check/types.h"

struct registry_config {
    char *image;
};

static const struct field registry_fields[] = {
    {.key = "image",
     .kind = FIELD_STRING,
     .offset = offsetof(struct registry_config, image),
     .min = 1,
     .max = 512,
     .fallback = ""},
    {0},
};

static int resolve_image(const struct check_env *env, const char *image, int64_t deadline_ms,
                         struct check_result *ret, struct ship_error *err)
{
    AUTO(remote_image_done) struct remote_image remote = {0};
    struct runtime *rt = env->runtime;

    if (rt->ops->resolve(rt, image, &remote, deadline_ms, err) == 0)
        return check_say(ret, CHECK_PASS, "'%s' is %s", image, remote.digest);
    /* An engine that answers has asked the registry: its no is a no, not a "could not ask". */
    if (err->code == SHIP_NOT_FOUND || err->code == SHIP_ENGINE || err->code == SHIP_DENIED)
        return check_say(ret, CHECK_FAIL, "%s", err->msg);
    return check_unknown(ret, err);
}

static int registry_run(const struct check_env *env, const void *config, int64_t deadline_ms,
                        struct check_result *ret, struct ship_error *err)
{
    const struct registry_config *cfg = config;

    if (cfg->image) {
        AUTO_FREE char *image = check_expand(env, cfg->image, ret);

        return image ? resolve_image(env, image, deadline_ms, ret, err) : 0;
    }
    if (env->n_images == 0)
        return check_say(ret, CHECK_UNKNOWN, "no image to look for");
    for (size_t i = 0; i < env->n_images; i++) {
        int rc = resolve_image(env, env->images[i], deadline_ms, ret, err);

        if (rc < 0 || ret->status != CHECK_PASS)
            return rc;
    }
    return 0;
}

const struct check_type check_registry = {
    .name = "registry",
    .phases = CHECK_PRE,
    .summary = "The images of the deployment can be had from their registry.",
    .fields = registry_fields,
    .config_size = sizeof(struct registry_config),
    .run = registry_run,
};
