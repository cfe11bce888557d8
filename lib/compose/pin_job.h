/* Inside lib/compose: what the pin files share; order of calls in pin.c. */
#ifndef SHIP_COMPOSE_PIN_JOB_H
#define SHIP_COMPOSE_PIN_JOB_H

#include "base/image_ref.h"
#include "compose/model.h"
#include "compose/pin.h"
#include "compose/version.h"

#define PIN_IMAGE_BYTES_MAX 2048
#define PIN_HINT_NONE       "or set 'pin: none' and keep the version in the file yourself"

/* Everything one plan works on. */
struct pin_job {
    const struct compose_project *p;
    const char *service;
    const char *image;
    struct image_ref want;
    struct compose_version version;
    const struct compose_source *source;
    const struct compose_pin *earlier;
    size_t n_earlier;
};

/* The project's variables with one of them replaced. */
struct pin_view {
    const struct compose_project *p;
    const char *variable; /* replaced ... */
    const char *value;    /* ... by this; NULL = unset */
};

/* Plan of each kind; ret written on success only. */
SHIP_CHECKED int pin_plan_env(const struct pin_job *j, struct compose_pin *ret,
                              struct ship_error *err);
SHIP_CHECKED int pin_plan_file(const struct pin_job *j, struct compose_pin *ret,
                               struct ship_error *err);

const char *pin_variable(const struct compose_project *p, const char *name);
/* Append the first len bytes of raw, interpolated. -1 when that is not possible. */
int pin_resolve(const struct pin_view *view, const char *raw, size_t len, struct buf *out);
/* Does a raw image text read as wanted when variable has this value? */
bool pin_reads_as_wanted(const struct pin_job *j, const char *raw, const char *variable,
                         const char *value);
/* Planned text of an earlier pin of this file, else the file; *ret NULL when it does not exist. */
SHIP_CHECKED int pin_base_text(const struct pin_job *j, const char *path, size_t max, char **ret,
                               size_t *ret_len, struct ship_error *err);
/* Complete a pin whose old_text is set; takes path and what, empties new_text. */
void pin_fill(struct compose_pin *ret, char *path, char *what, struct buf *new_text);

#endif
