/*
 * Pin of a version variable: the edit of the project's .env.
 *
 * Refused: a digest (not a tag), a variable that the environment sets (it wins over .env), a
 * project whose variables come from other files.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "compose/dotenv.h"
#include "compose/pin_job.h"

static const char *env_lookup(void *ctx, const char *name)
{
    return pin_variable(ctx, name);
}

/* Read the text the way the loader does. *ret is heap, NULL when the variable is not in it. */
static int env_value(const struct pin_job *j, const char *text, size_t len, char **ret)
{
    struct dotenv_source source = {.name = ".env", .text = text, .len = len};
    struct dotenv_lookup in = {.lookup = env_lookup, .ctx = (void *)(uintptr_t)j->p};
    struct yaml_problems problems = {.n = 0};
    struct diag diag = {.problems = &problems};
    struct vars vars = {.n = 0};

    int rc = dotenv_parse(&source, &in, &vars, &diag);
    *ret = xstrdup_or_null(vars_get(&vars, j->version.variable));
    diag_flush(&diag);
    vars_done(&vars);
    yaml_problems_done(&problems);
    return rc;
}

static int check_env(const struct pin_job *j, struct ship_error *err)
{
    const char *variable = j->version.variable;

    if (j->version.kind != COMPOSE_VERSION_VARIABLE) {
        ship_fail(err, SHIP_INVALID, "image '%s' of service '%s' has no version variable",
                  j->source->image_raw, j->service);
        return ship_error_hint(err, "write 'image: %.100s:${APP_VERSION}', or set 'pin: compose'",
                               j->version.repository);
    }
    if (j->want.digest[0] || !j->want.tag[0]) {
        ship_fail(err, SHIP_INVALID, "'%s' can not be written as %s: it is not a tag", j->image,
                  variable);
        return ship_error_hint(err, "set 'pin: compose' %s", PIN_HINT_NONE);
    }
    if (strv_has(&j->p->os_names, variable)) {
        ship_fail(err, SHIP_INVALID,
                  "%s is set in the environment, which wins over .env: it can not be pinned",
                  variable);
        return ship_error_hint(err, "unset %s, %s", variable, PIN_HINT_NONE);
    }
    if (!j->p->env_file) {
        ship_fail(err, SHIP_INVALID,
                  "%s does not come from the project's .env: it can not be pinned", variable);
        return ship_error_hint(err, "unset COMPOSE_ENV_FILES and COMPOSE_DISABLE_ENV_FILE, %s",
                               PIN_HINT_NONE);
    }
    return 0;
}

static int edit_env(const struct pin_job *j, const struct compose_pin *pin, struct buf *out,
                    struct ship_error *err)
{
    struct pin_text text = {pin->old_text ? pin->old_text : "", pin->old_len};
    AUTO_FREE char *value = NULL;

    if (env_value(j, text.p, text.len, &value) == 0 &&
        pin_reads_as_wanted(j, j->source->image_raw, j->version.variable, value))
        return buf_add(out, text.p, text.len);
    if (pin_env_edit(&text, j->version.variable, j->want.tag, out, err) != 0)
        return ship_error_wrap(err, "%s", j->p->env_file);
    AUTO_FREE char *now = NULL;
    if (env_value(j, out->p, out->len, &now) != 0 ||
        !pin_reads_as_wanted(j, j->source->image_raw, j->version.variable, now))
        return ship_fail(err, SHIP_INVALID, "%s: with %s=%s service '%s' would not read '%s'",
                         j->p->env_file, j->version.variable, j->want.tag, j->service, j->image);
    return 0;
}

int pin_plan_env(const struct pin_job *j, struct compose_pin *ret, struct ship_error *err)
{
    AUTO(compose_pin_done) struct compose_pin pin = {.changes = false};
    AUTO(buf_done) struct buf out = BUF_INIT(PIN_ENV_BYTES_MAX);

    if (check_env(j, err) != 0 ||
        pin_base_text(j, j->p->env_file, PIN_ENV_BYTES_MAX, &pin.old_text, &pin.old_len, err) != 0)
        return -1;
    if (edit_env(j, &pin, &out, err) != 0)
        return -1;
    AUTO_FREE char *name = file_basename(j->p->env_file);
    pin_fill(&pin, xstrdup(j->p->env_file), xasprintf("%s in %s", j->version.variable, name), &out);
    if (!pin.old_text && pin.new_len == 0)
        pin.changes = false;
    *ret = pin;
    pin = (struct compose_pin){.changes = false};
    return 0;
}
