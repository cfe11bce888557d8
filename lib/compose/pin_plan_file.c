/*
 * Pin of an image scalar: the edit of the compose file that holds it.
 *
 * Refused: a scalar shared with a service that stays as it is, a file that changed since it
 * was loaded, a spelling that can not be edited in place.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "compose/map.h"
#include "compose/pin_job.h"

/* Another active service reads the same scalar (alias, merge key, extends) and stays as it is. */
static int check_shared(const struct pin_job *j, struct ship_error *err)
{
    const struct yaml_mark *mark = &j->source->image_mark;

    for (size_t i = 0; i < j->p->n_sources; i++) {
        const struct compose_source *other = &j->p->sources[i];
        if (other == j->source || !other->image_raw || other->image_mark.offset != mark->offset ||
            !str_eq(other->image_mark.file, mark->file))
            continue;
        const char *image = json_str(model_service(j->p, other->service), "image");
        if (image && pin_reads_as_wanted(j, image, NULL, NULL))
            continue;
        ship_fail(err, SHIP_INVALID,
                  "services '%s' and '%s' share one image text (line %u), and '%s' stays at '%s'",
                  j->service, other->service, mark->line, other->service, image ? image : "");
        return ship_error_hint(err, "give service '%s' an image line of its own", j->service);
    }
    return 0;
}

/* The raw text with a new tag or digest; variables in the repository stay. Heap. */
static char *new_raw(const struct pin_job *j)
{
    const char *raw = j->source->image_raw;
    struct image_raw parts;
    struct pin_view view = {.p = j->p};
    AUTO(buf_done) struct buf repository = BUF_INIT(PIN_IMAGE_BYTES_MAX);
    struct image_ref ref = {.tag = ""};
    struct ship_error ignored = {0};

    image_raw_split(raw, &parts);
    if (pin_resolve(&view, raw, parts.prefix_len, &repository) != 0 ||
        image_ref_parse(repository.p, &ref, &ignored) != 0 ||
        !str_eq(ref.repository, j->want.repository))
        return xstrdup(j->image);
    const char *tag = j->want.tag, *digest = j->want.digest;
    return xasprintf("%.*s%s%s%s%s", (int)parts.prefix_len, raw, *tag ? ":" : "", tag,
                     *digest ? "@" : "", digest);
}

static const struct yaml_file *loaded_file(const struct pin_job *j)
{
    for (size_t i = 0; i < j->p->n_files; i++)
        if (str_eq(yaml_name(j->p->files[i]), j->source->image_mark.file))
            return j->p->files[i];
    return NULL;
}

/* Follow the edits of earlier pins of this file; each replaced one run of bytes. */
static void shift_mark(const struct pin_job *j, const char *path, struct pin_scalar *edit)
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

static int check_unchanged(const struct pin_job *j, const char *path, const struct compose_pin *pin,
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

static int edit_file(const struct pin_job *j, const char *path, const struct compose_pin *pin,
                     struct buf *out, struct ship_error *err)
{
    struct pin_text text = {pin->old_text, pin->old_len};
    AUTO_FREE char *raw = new_raw(j);
    struct pin_scalar edit = {.offset = j->source->image_mark.offset,
                              .end = j->source->image_mark.end_offset,
                              .old_raw = j->source->image_raw,
                              .new_raw = raw};

    if (!pin_reads_as_wanted(j, raw, NULL, NULL))
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

int pin_plan_file(const struct pin_job *j, struct compose_pin *ret, struct ship_error *err)
{
    AUTO(compose_pin_done) struct compose_pin pin = {.changes = false};
    AUTO(buf_done) struct buf out = BUF_INIT(COMPOSE_FILE_BYTES_MAX);
    AUTO_FREE char *path = file_path_join(j->p->working_dir, j->source->image_mark.file);
    AUTO_FREE char *name = file_basename(path);

    if (check_shared(j, err) != 0 ||
        pin_base_text(j, path, COMPOSE_FILE_BYTES_MAX, &pin.old_text, &pin.old_len, err) != 0 ||
        check_unchanged(j, path, &pin, err) != 0)
        return -1;
    if (edit_file(j, path, &pin, &out, err) != 0) {
        ship_error_wrap(err, "%s:%u", name, j->source->image_mark.line);
        return ship_error_hint(err, "write 'image: %.120s' there, %s", j->image, PIN_HINT_NONE);
    }
    pin_fill(&pin, steal_ptr(&path), xasprintf("image of service '%s' in %s", j->service, name),
             &out);
    *ret = pin;
    pin = (struct compose_pin){.changes = false};
    return 0;
}
