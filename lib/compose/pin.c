/*
 * Write a deployed version back to where the compose files read it.
 *
 * compose_pin_plan() only computes: it reads the file (or takes the text an earlier pin of
 * the same run planned), edits the one value, and proves that the result reads as wanted.
 * compose_pin_apply() replaces the file, unless somebody changed it in between.
 * What can go wrong: the version is not one variable or one literal; the environment, which
 * wins over .env, sets the variable; the scalar is shared with a service that stays.
 */
#include "compose/pin.h"

#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "compose/dotenv.h"
#include "compose/interpolate.h"
#include "compose/map.h"
#include "compose/version.h"

#define ENV_FILE_MODE   0600 /* a new .env often gets a password next */
#define IMAGE_BYTES_MAX 2048
#define HINT_NONE       "or set 'pin: none' and keep the version in the file yourself"

/* Everything one plan works on. */
struct job {
    const struct compose_project *p;
    const char *service;
    const char *image;
    struct image_ref want;
    struct compose_version version;
    const struct compose_source *source;
    const struct compose_pin *earlier;
    size_t n_earlier;
};

static const char *project_variable(const struct compose_project *p, const char *name)
{
    for (size_t i = 0; i + 1 < p->environment.n; i += 2)
        if (str_eq(p->environment.v[i], name))
            return p->environment.v[i + 1];
    return NULL;
}

struct view {
    const struct compose_project *p;
    const char *variable; /* replaced ... */
    const char *value;    /* ... by this; NULL = unset */
};

static const char *lookup(void *ctx, const char *name)
{
    const struct view *view = ctx;

    if (str_eq(name, view->variable))
        return view->value;
    return project_variable(view->p, name);
}

static int resolve(const struct view *view, const char *raw, size_t len, struct buf *out)
{
    AUTO_FREE char *text = xstrndup(raw, len);
    char message[PATH_TEXT_MAX];
    struct interpolation in = {.lookup = lookup, .ctx = (void *)(uintptr_t)view};

    return interpolate(text, &in, out, message, sizeof message) == INTERPOLATE_OK ? 0 : -1;
}

/* Does a raw image text read as wanted when variable has this value? */
static bool reads_as_wanted(const struct job *j, const char *raw, const char *variable,
                            const char *value)
{
    struct view view = {j->p, variable, value};
    AUTO(buf_done) struct buf text = BUF_INIT(IMAGE_BYTES_MAX);
    struct image_ref ref;
    struct ship_error ignored = {0};

    return resolve(&view, raw, strlen(raw), &text) == 0 && !text.overflow &&
           image_ref_parse(text.p, &ref, &ignored) == 0 &&
           str_eq(ref.repository, j->want.repository) && str_eq(ref.tag, j->want.tag) &&
           str_eq(ref.digest, j->want.digest);
}

/* Planned text of an earlier pin of this file, else the file; *ret NULL when it does not exist. */
static int base_text(const struct job *j, const char *path, size_t max, char **ret, size_t *ret_len,
                     struct ship_error *err)
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

static void fill(struct compose_pin *ret, char *path, char *what, struct buf *new_text)
{
    ret->path = path;
    ret->what = what;
    ret->new_len = new_text->len;
    ret->new_text = buf_steal(new_text);
    ret->changes = !ret->old_text || ret->old_len != ret->new_len ||
                   memcmp(ret->old_text, ret->new_text, ret->new_len) != 0;
}

/* ---- .env ---- */

static const char *env_lookup(void *ctx, const char *name)
{
    return project_variable(ctx, name);
}

/* Read the text the way the loader does. *ret is heap, NULL when the variable is not in it. */
static int env_value(const struct job *j, const char *text, size_t len, char **ret)
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

static int check_env(const struct job *j, struct ship_error *err)
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
        return ship_error_hint(err, "set 'pin: compose' %s", HINT_NONE);
    }
    if (strv_has(&j->p->os_names, variable)) {
        ship_fail(err, SHIP_INVALID,
                  "%s is set in the environment, which wins over .env: it can not be pinned",
                  variable);
        return ship_error_hint(err, "unset %s, %s", variable, HINT_NONE);
    }
    if (!j->p->env_file) {
        ship_fail(err, SHIP_INVALID,
                  "%s does not come from the project's .env: it can not be pinned", variable);
        return ship_error_hint(err, "unset COMPOSE_ENV_FILES and COMPOSE_DISABLE_ENV_FILE, %s",
                               HINT_NONE);
    }
    return 0;
}

static int edit_env(const struct job *j, const struct compose_pin *pin, struct buf *out,
                    struct ship_error *err)
{
    struct pin_text text = {pin->old_text ? pin->old_text : "", pin->old_len};
    AUTO_FREE char *value = NULL;

    if (env_value(j, text.p, text.len, &value) == 0 &&
        reads_as_wanted(j, j->source->image_raw, j->version.variable, value))
        return buf_add(out, text.p, text.len);
    if (pin_env_edit(&text, j->version.variable, j->want.tag, out, err) != 0)
        return ship_error_wrap(err, "%s", j->p->env_file);
    AUTO_FREE char *now = NULL;
    if (env_value(j, out->p, out->len, &now) != 0 ||
        !reads_as_wanted(j, j->source->image_raw, j->version.variable, now))
        return ship_fail(err, SHIP_INVALID, "%s: with %s=%s service '%s' would not read '%s'",
                         j->p->env_file, j->version.variable, j->want.tag, j->service, j->image);
    return 0;
}

static int plan_env(const struct job *j, struct compose_pin *ret, struct ship_error *err)
{
    AUTO(compose_pin_done) struct compose_pin pin = {.changes = false};
    AUTO(buf_done) struct buf out = BUF_INIT(PIN_ENV_BYTES_MAX);

    if (check_env(j, err) != 0 ||
        base_text(j, j->p->env_file, PIN_ENV_BYTES_MAX, &pin.old_text, &pin.old_len, err) != 0)
        return -1;
    if (edit_env(j, &pin, &out, err) != 0)
        return -1;
    AUTO_FREE char *name = file_basename(j->p->env_file);
    fill(&pin, xstrdup(j->p->env_file), xasprintf("%s in %s", j->version.variable, name), &out);
    if (!pin.old_text && pin.new_len == 0)
        pin.changes = false;
    *ret = pin;
    pin = (struct compose_pin){.changes = false};
    return 0;
}

/* ---- compose file ---- */

/* Another active service reads the same scalar (alias, merge key, extends) and stays as it is. */
static int check_shared(const struct job *j, struct ship_error *err)
{
    const struct yaml_mark *mark = &j->source->image_mark;

    for (size_t i = 0; i < j->p->n_sources; i++) {
        const struct compose_source *other = &j->p->sources[i];
        if (other == j->source || !other->image_raw || other->image_mark.offset != mark->offset ||
            !str_eq(other->image_mark.file, mark->file))
            continue;
        const char *image = json_str(model_service(j->p, other->service), "image");
        if (image && reads_as_wanted(j, image, NULL, NULL))
            continue;
        ship_fail(err, SHIP_INVALID,
                  "services '%s' and '%s' share one image text (line %u), and '%s' stays at '%s'",
                  j->service, other->service, mark->line, other->service, image ? image : "");
        return ship_error_hint(err, "give service '%s' an image line of its own", j->service);
    }
    return 0;
}

/* The raw text with a new tag or digest; variables in the repository stay. Heap. */
static char *new_raw(const struct job *j)
{
    const char *raw = j->source->image_raw;
    struct image_raw parts;
    struct view view = {.p = j->p};
    AUTO(buf_done) struct buf repository = BUF_INIT(IMAGE_BYTES_MAX);
    struct image_ref ref = {.tag = ""};
    struct ship_error ignored = {0};

    image_raw_split(raw, &parts);
    if (resolve(&view, raw, parts.prefix_len, &repository) != 0 ||
        image_ref_parse(repository.p, &ref, &ignored) != 0 ||
        !str_eq(ref.repository, j->want.repository))
        return xstrdup(j->image);
    const char *tag = j->want.tag, *digest = j->want.digest;
    return xasprintf("%.*s%s%s%s%s", (int)parts.prefix_len, raw, *tag ? ":" : "", tag,
                     *digest ? "@" : "", digest);
}

static const struct yaml_file *loaded_file(const struct job *j)
{
    for (size_t i = 0; i < j->p->n_files; i++)
        if (str_eq(yaml_name(j->p->files[i]), j->source->image_mark.file))
            return j->p->files[i];
    return NULL;
}

/* Follow the edits of earlier pins of this file; each replaced one run of bytes. */
static void shift_mark(const struct job *j, const char *path, struct pin_scalar *edit)
{
    for (size_t i = 0; i < j->n_earlier; i++) {
        const struct compose_pin *pin = &j->earlier[i];
        if (!str_eq(pin->path, path) || !pin->changes || !pin->old_text)
            continue;
        size_t same = 0, delta = pin->new_len - pin->old_len; /* may wrap: added modulo 2^64 */
        while (same < pin->old_len && same < pin->new_len &&
               pin->old_text[same] == pin->new_text[same])
            same++;
        if (same < edit->offset)
            edit->offset += delta;
        if (same < edit->end || (same == edit->end && edit->offset < same))
            edit->end += delta;
    }
}

static int check_unchanged(const struct job *j, const char *path, const struct compose_pin *pin,
                           struct ship_error *err)
{
    const struct yaml_file *file = loaded_file(j);
    size_t len = 0;
    const char *text = file ? yaml_text(file, &len) : NULL;

    for (size_t i = 0; i < j->n_earlier; i++)
        if (str_eq(j->earlier[i].path, path))
            return 0;
    if (text && pin->old_text && len == pin->old_len && memcmp(text, pin->old_text, len) == 0)
        return 0;
    ship_fail(err, SHIP_CONFLICT, "'%s' changed since it was read", path);
    return ship_error_hint(err, "set the image of service '%.60s' to '%.120s' there", j->service,
                           j->image);
}

static int edit_file(const struct job *j, const char *path, const struct compose_pin *pin,
                     struct buf *out, struct ship_error *err)
{
    struct pin_text text = {pin->old_text, pin->old_len};
    AUTO_FREE char *raw = new_raw(j);
    struct pin_scalar edit = {.offset = j->source->image_mark.offset,
                              .end = j->source->image_mark.end_offset,
                              .old_raw = j->source->image_raw,
                              .new_raw = raw};

    if (!reads_as_wanted(j, raw, NULL, NULL))
        return ship_fail(err, SHIP_INVALID, "'%s' would not read as '%s'", raw, j->image);
    shift_mark(j, path, &edit);
    struct pin_scalar done = edit;
    done.old_raw = raw;
    /* an alias of the same scalar was pinned before, or the file is right already */
    if (edit.end <= text.len && pin_scalar_edit(&text, &done, out, err) == 0)
        return 0;
    buf_reset(out);
    return pin_scalar_edit(&text, &edit, out, err);
}

static int plan_file(const struct job *j, struct compose_pin *ret, struct ship_error *err)
{
    AUTO(compose_pin_done) struct compose_pin pin = {.changes = false};
    AUTO(buf_done) struct buf out = BUF_INIT(COMPOSE_FILE_BYTES_MAX);
    AUTO_FREE char *path = file_path_join(j->p->working_dir, j->source->image_mark.file);
    AUTO_FREE char *name = file_basename(path);

    if (check_shared(j, err) != 0 ||
        base_text(j, path, COMPOSE_FILE_BYTES_MAX, &pin.old_text, &pin.old_len, err) != 0 ||
        check_unchanged(j, path, &pin, err) != 0)
        return -1;
    if (edit_file(j, path, &pin, &out, err) != 0) {
        ship_error_wrap(err, "%s:%u", name, j->source->image_mark.line);
        return ship_error_hint(err, "write 'image: %.120s' there, %s", j->image, HINT_NONE);
    }
    fill(&pin, steal_ptr(&path), xasprintf("image of service '%s' in %s", j->service, name), &out);
    *ret = pin;
    pin = (struct compose_pin){.changes = false};
    return 0;
}

/* ---- both ---- */

static int check_kind(const struct job *j, struct ship_error *err)
{
    if (!j->source || !j->source->image_raw)
        return ship_fail(err, SHIP_INVALID, "service '%s' has no image text to pin", j->service);
    if (j->version.kind != COMPOSE_VERSION_COMPLEX)
        return 0;
    ship_fail(err, SHIP_INVALID,
              "image '%s' of service '%s': the version is not one variable, it can not be pinned",
              j->source->image_raw, j->service);
    return ship_error_hint(err, "write 'image: %.100s:${APP_VERSION}' %s", j->version.repository,
                           HINT_NONE);
}

int compose_pin_plan(const struct compose_project *p, const char *service, const char *image,
                     enum compose_pin_mode mode, const struct compose_pin *earlier,
                     size_t n_earlier, struct compose_pin *ret, struct ship_error *err)
{
    struct job j = {.p = p,
                    .service = service,
                    .image = image,
                    .source = compose_source_find(p, service),
                    .earlier = earlier,
                    .n_earlier = n_earlier};

    if (compose_service_version(p, service, &j.version, err) != 0 ||
        image_ref_parse(image, &j.want, err) != 0 || check_kind(&j, err) != 0)
        return -1;
    bool is_env = mode == COMPOSE_PIN_ENV ||
                  (mode == COMPOSE_PIN_AUTO && j.version.kind == COMPOSE_VERSION_VARIABLE);
    return is_env ? plan_env(&j, ret, err) : plan_file(&j, ret, err);
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
