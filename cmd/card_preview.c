/* The preview of a dry run: images, environment, actions in order, disk. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shipctl/text.h"

#include "card.h"
#include "columns.h"

#define DIGEST_SHOWN (sizeof "sha256:" - 1 + 12)

static void add_digest(struct columns *c, const char *digest)
{
    columns_addf(c, "%.*s", (int)DIGEST_SHOWN, digest != NULL ? digest : "-");
}

static void add_images(struct text *t, const struct style *s, const struct ship_preview *p)
{
    static const struct column heads[] = {
        {"SERVICE", COLUMN_LEFT},
        {"IMAGE",   COLUMN_LEFT},
        {"NOW",     COLUMN_LEFT},
        {"THEN",    COLUMN_LEFT},
        {"FROM",    COLUMN_LEFT}
    };
    struct columns c;

    if (p->n_images == 0)
        return;
    text_add(t, "\nImages\n");
    columns_init(&c, heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < p->n_images; i++) {
        columns_add(&c, p->images[i].service);
        columns_add(&c, p->images[i].image);
        add_digest(&c, p->images[i].old_digest);
        add_digest(&c, p->images[i].new_digest);
        columns_add(&c, p->images[i].is_local ? "this machine" : "registry");
    }
    columns_format(&c, s, 2, t);
    columns_done(&c);
}

static void add_env(struct text *t, const struct style *s, const struct ship_preview *p)
{
    if (p->n_env == 0)
        return;
    text_add(t, "\nEnvironment\n");
    for (size_t i = 0; i < p->n_env; i++) {
        const struct ship_preview_env *e = &p->env[i];
        char sign[2] = {e->change, '\0'};

        text_add(t, "  ");
        style_add(t, s,
                  e->change == '+'   ? TONE_GOOD
                  : e->change == '-' ? TONE_BAD
                                     : TONE_WARN,
                  sign);
        text_add(t, " ");
        text_add_safe(t, e->service);
        text_add(t, " ");
        text_add_safe(t, e->name);
        text_add(t, "\n");
    }
}

static void add_actions(struct text *t, const struct ship_preview *p)
{
    text_add(t, "\nActions\n");
    if (p->n_actions == 0)
        text_add(t, "  none\n");
    for (size_t i = 0; i < p->n_actions; i++) {
        text_addf(t, "  %2zu. ", i + 1);
        text_add_safe(t, p->actions[i].verb);
        text_add(t, " ");
        text_add_safe(t, p->actions[i].object);
        if (p->actions[i].detail != NULL) {
            text_add(t, ": ");
            text_add_safe(t, p->actions[i].detail);
        }
        text_add(t, "\n");
    }
}

static void add_disk(struct text *t, const struct ship_preview *p)
{
    char bytes[SHIP_TEXT_MAX];

    if (p->disk_free_bytes < 0 && p->disk_need_bytes < 0)
        return;
    text_add(t, "\nDisk");
    if (p->disk_path != NULL) {
        text_add(t, " ");
        text_add_safe(t, p->disk_path);
    }
    text_addf(t, "\n  %s to download",
              p->disk_need_bytes >= 0 ? ship_text_bytes((uint64_t)p->disk_need_bytes, bytes)
                                      : "an unknown amount");
    if (p->disk_free_bytes >= 0)
        text_addf(t, ", %s free", ship_text_bytes((uint64_t)p->disk_free_bytes, bytes));
    text_add(t, "\n");
}

void card_preview(struct text *t, const struct style *s, const struct ship_result *r)
{
    const struct ship_preview *p = r->preview;

    add_images(t, s, p);
    add_env(t, s, p);
    add_actions(t, p);
    add_disk(t, p);
}
