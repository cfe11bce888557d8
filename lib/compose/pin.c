/*
 * Write a deployed version back to where the compose files read it.
 *
 * compose_pin_plan() only computes: it reads the file (or takes the text an earlier pin of
 * the same run planned), edits the one value, and proves that the result reads as wanted.
 * compose_pin_apply() replaces the file, unless somebody changed it in between.
 * What can go wrong: the version is not one variable or one literal; see also pin_plan_env.c
 * and pin_plan_file.c.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "compose/diag.h"
#include "compose/interpolate.h"
#include "compose/map.h"
#include "compose/pin_job.h"

#define ENV_FILE_MODE 0600 /* a new .env often gets a password next */

const char *pin_variable(const struct compose_project *p, const char *name)
{
    for (size_t i = 0; i + 1 < p->environment.n; i += 2)
        if (str_eq(p->environment.v[i], name))
            return p->environment.v[i + 1];
    return NULL;
}

static const char *lookup(void *ctx, const char *name)
{
    const struct pin_view *view = ctx;

    if (str_eq(name, view->variable))
        return view->value;
    return pin_variable(view->p, name);
}

int pin_resolve(const struct pin_view *view, const char *raw, size_t len, struct buf *out)
{
    AUTO_FREE char *text = xstrndup(raw, len);
    char message[PATH_TEXT_MAX];
    struct interpolation in = {.lookup = lookup, .ctx = (void *)(uintptr_t)view};

    return interpolate(text, &in, out, message, sizeof message) == INTERPOLATE_OK ? 0 : -1;
}

bool pin_reads_as_wanted(const struct pin_job *j, const char *raw, const char *variable,
                         const char *value)
{
    struct pin_view view = {j->p, variable, value};
    AUTO(buf_done) struct buf text = BUF_INIT(PIN_IMAGE_BYTES_MAX);
    struct image_ref ref;
    struct ship_error ignored = {0};

    return pin_resolve(&view, raw, strlen(raw), &text) == 0 && !text.overflow &&
           image_ref_parse(text.p, &ref, &ignored) == 0 &&
           str_eq(ref.repository, j->want.repository) && str_eq(ref.tag, j->want.tag) &&
           str_eq(ref.digest, j->want.digest);
}

int pin_base_text(const struct pin_job *j, const char *path, size_t max, char **ret,
                  size_t *ret_len, struct ship_error *err)
{
    AUTO(buf_done) struct buf text = BUF_INIT(max);
    struct ship_error why = {0};

    *ret = NULL;
    *ret_len = 0;
    for (size_t i = j->n_earlier; i-- > 0;) {
        const struct compose_pin *pin = &j->earlier[i];
        if (!str_eq(pin->path, path) || !pin->new_text)
            continue;
        *ret_len = pin->new_len;
        *ret = xmalloc(pin->new_len + 1);
        memcpy(*ret, pin->new_text, pin->new_len + 1);
        return 0;
    }
    if (file_read(path, &text, &why) != 0) {
        if (why.code == SHIP_NOT_FOUND)
            return 0;
        *err = why;
        return -1;
    }
    *ret_len = text.len;
    *ret = buf_steal(&text);
    return 0;
}

void pin_fill(struct compose_pin *ret, char *path, char *what, struct buf *new_text)
{
    ret->path = path;
    ret->what = what;
    ret->new_len = new_text->len;
    ret->new_text = buf_steal(new_text);
    ret->changes = !ret->old_text || ret->old_len != ret->new_len ||
                   memcmp(ret->old_text, ret->new_text, ret->new_len) != 0;
}

static int check_kind(const struct pin_job *j, struct ship_error *err)
{
    if (!j->source || !j->source->image_raw)
        return ship_fail(err, SHIP_INVALID, "service '%s' has no image text to pin", j->service);
    if (j->version.kind != COMPOSE_VERSION_COMPLEX)
        return 0;
    ship_fail(err, SHIP_INVALID,
              "image '%s' of service '%s': the version is not one variable, it can not be pinned",
              j->source->image_raw, j->service);
    return ship_error_hint(err, "write 'image: %.100s:${APP_VERSION}' %s", j->version.repository,
                           PIN_HINT_NONE);
}

int compose_pin_plan(const struct compose_project *p, const struct compose_pin_want *want,
                     const struct compose_pin *earlier, size_t n_earlier, struct compose_pin *ret,
                     struct ship_error *err)
{
    struct pin_job j = {.p = p,
                        .service = want->service,
                        .image = want->image,
                        .source = compose_source_find(p, want->service),
                        .earlier = earlier,
                        .n_earlier = n_earlier};

    if (compose_service_version(p, want->service, &j.version, err) != 0 ||
        image_ref_parse(want->image, &j.want, err) != 0 || check_kind(&j, err) != 0)
        return -1;
    bool is_env = want->mode == COMPOSE_PIN_ENV ||
                  (want->mode == COMPOSE_PIN_AUTO && j.version.kind == COMPOSE_VERSION_VARIABLE);
    return is_env ? pin_plan_env(&j, ret, err) : pin_plan_file(&j, ret, err);
}

void compose_pin_done(struct compose_pin *pin)
{
    free(pin->path);
    free(pin->what);
    free(pin->old_text);
    free(pin->new_text);
    *pin = (struct compose_pin){.changes = false};
}

int compose_pin_apply(const struct compose_pin *pin, struct ship_error *err)
{
    AUTO(buf_done) struct buf now = BUF_INIT(COMPOSE_FILE_BYTES_MAX);
    struct ship_error why = {0};

    if (!pin->changes)
        return 0;
    int rc = file_read(pin->path, &now, &why);
    bool same = pin->old_text ? rc == 0 && now.len == pin->old_len &&
                                    memcmp(now.p, pin->old_text, now.len) == 0
                              : rc != 0 && why.code == SHIP_NOT_FOUND;
    if (!same)
        return ship_fail(err, SHIP_CONFLICT, "'%s' changed since %s was planned: not written",
                         pin->path, pin->what);
    return file_replace(pin->path, pin->new_text, pin->new_len, ENV_FILE_MODE, err);
}
