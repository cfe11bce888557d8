/*
 * The attributes of a Compose file as mdoc: a row for each attribute of a
 * service or resource, for each member with members, and for each one that is
 * not simply supported. Other members are only named.
 */
#include "support/compose_table.h"

#include <stdbool.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "compose/attributes.h"

#define TABLE_MAX ((size_t)1024 * 1024)

static const struct compose_attribute *members_of(const struct compose_attribute *a)
{
    const struct compose_attribute *sub = a->sub;
    if (sub && a->kind != KIND_OBJECT && a->kind != KIND_INT)
        sub = sub->sub; /* of a list or map: those of its items */
    return sub;
}

static const char *mark_of(const struct compose_attribute *a)
{
    return a->status == ATTRIBUTE_REFUSED   ? "refused"
           : a->status == ATTRIBUTE_IGNORED ? "warned"
                                            : "yes";
}

static bool is_plain(const struct compose_attribute *a)
{
    return a->status == ATTRIBUTE_SUPPORTED && !a->note && !members_of(a);
}

static void add_members(struct buf *out, const struct compose_attribute *members)
{
    const char *separator = "";
    for (const struct compose_attribute *m = members; m && m->name; m++) {
        if (m->status != ATTRIBUTE_SUPPORTED)
            continue;
        buf_addf(out, "%s%s", separator, m->name);
        separator = ", ";
    }
}

/* A note says all there is to know; members follow only where they have an effect. */
static void add_row(struct buf *out, const char *name, const struct compose_attribute *a)
{
    bool has_members = !a->note && members_of(a);
    buf_addf(out, ".It Cm %s Ta %s Ta ", name, mark_of(a));
    buf_adds(out, a->note ? a->note : has_members ? "" : "\\&");
    if (has_members)
        add_members(out, members_of(a));
    buf_addc(out, '\n');
}

static void add_rows(struct buf *out, const char *prefix, const struct compose_attribute *table)
{
    for (const struct compose_attribute *a = table; a && a->name; a++) {
        AUTO_FREE char *name = xasprintf("%s%s", prefix, a->name);
        AUTO_FREE char *inner = xasprintf("%s.", name);
        if (*prefix == '\0' || !is_plain(a))
            add_row(out, name, a);
        if (!a->note)
            add_rows(out, inner, members_of(a));
    }
}

static void add_part(struct buf *out, const char *title, const struct compose_attribute *table)
{
    buf_addf(out, ".Ss %s\n.Bl -column \"deploy.resources.limits\" \"refused\" \"notes\"\n", title);
    add_rows(out, "", table);
    buf_adds(out, ".El\n");
}

/* The file itself: what is not a part of its own. */
static void add_file(struct buf *out)
{
    static const char *const parts[] = {"services", "networks", "volumes",
                                        "secrets",  "configs",  NULL};
    buf_adds(out, ".Ss Top level\n.Bl -column \"deploy.resources.limits\" \"refused\" "
                  "\"notes\"\n");
    for (const struct compose_attribute *a = schema_file.sub; a->name; a++) {
        bool is_part = false;
        for (size_t i = 0; parts[i]; i++)
            is_part = is_part || str_eq(parts[i], a->name);
        if (is_part)
            buf_addf(out, ".It Cm %s Ta yes Ta see below\n", a->name);
        else
            add_row(out, a->name, a);
    }
    buf_adds(out, ".El\n");
}

char *compose_table_format(void)
{
    struct buf out = BUF_INIT(TABLE_MAX);
    add_file(&out);
    add_part(&out, "Services", compose_attributes);
    add_part(&out, "Networks", members_of(&schema_networks));
    add_part(&out, "Volumes", members_of(&schema_volumes));
    add_part(&out, "Secrets", members_of(&schema_secrets));
    add_part(&out, "Configs", members_of(&schema_configs));
    return buf_steal(&out);
}
