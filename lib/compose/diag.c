/*
 * Classified problems and paths for messages. Nothing here can fail; texts are
 * cut at their limits.
 */
#include "compose/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

#define DIAG_TEXT_MAX 900

const char *compose_class_name(enum compose_class c)
{
    static const char *const names[] = {
#define COMPOSE_CLASS_NAME(name) #name,
        COMPOSE_CLASSES(COMPOSE_CLASS_NAME)
#undef COMPOSE_CLASS_NAME
    };
    return (size_t)c < ARRAY_LEN(names) ? names[c] : "none";
}

void diag_error(struct diag *d, enum compose_class c, const struct yaml_mark *mark, const char *fmt,
                ...)
{
    char text[DIAG_TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (d->first == COMPOSE_CLASS_none)
        d->first = c;
    d->n_errors++;
    yaml_problem_add(d->problems, YAML_ERROR, mark, "%s", text);
}

void diag_warn(struct diag *d, const struct yaml_mark *mark, const char *fmt, ...)
{
    char text[DIAG_TEXT_MAX];
    va_list ap;

    if (d->n_warnings == YAML_PROBLEMS_MAX) {
        d->n_hidden++;
        return;
    }
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    struct diag_warning *w = &d->warnings[d->n_warnings++];
    w->mark = mark ? *mark : (struct yaml_mark){0};
    w->text = xstrdup(text);
}

void diag_flush(struct diag *d)
{
    for (size_t i = 0; i < d->n_warnings; i++) {
        const struct diag_warning *w = &d->warnings[i];
        yaml_problem_add(d->problems, YAML_WARNING, w->mark.file ? &w->mark : NULL, "%s", w->text);
        free(w->text);
    }
    d->problems->n_warnings += d->n_hidden;
    d->n_warnings = d->n_hidden = 0;
}

const char *path_format(const struct path *path, char out[PATH_TEXT_MAX])
{
    size_t at = PATH_TEXT_MAX - 1;

    out[at] = '\0';
    for (const struct path *p = path; p; p = p->up) {
        char step[128];
        const char *dot = p->up && p->key ? "." : "";
        if (p->key)
            (void)snprintf(step, sizeof step, "%s%s", dot, p->key);
        else
            (void)snprintf(step, sizeof step, "[%zu]", p->index);
        size_t n = strlen(step);
        if (n > at)
            break;
        at -= n;
        memcpy(out + at, step, n);
    }
    memmove(out, out + at, PATH_TEXT_MAX - at);
    return out;
}
