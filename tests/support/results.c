/* See results.h. */
#include "support/results.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"

#define TEXT_MAX (1024u * 1024)

static void read_all(const char *path, struct buf *to)
{
    char piece[4096];
    FILE *f = fopen(path, "re");

    for (size_t n = 1; f && n;) {
        n = fread(piece, 1, sizeof piece, f);
        (void)buf_add(to, piece, n);
    }
    if (f)
        (void)fclose(f);
}

void results_section(const char *path, const char *name, const char *body)
{
    AUTO(buf_done) struct buf old = BUF_INIT(TEXT_MAX);
    AUTO_FREE char *head = xasprintf("## %s\n", name);

    read_all(path, &old);
    const char *text = old.p;
    const char *begin = strstr(text, head);
    const char *after = begin ? strstr(begin + 3, "\n## ") : NULL;
    FILE *f = fopen(path, "we");
    if (f == NULL) {
        perror(path);
        return;
    }
    size_t before = begin ? (size_t)(begin - text) : strlen(text);
    (void)fprintf(f, "%.*s%s%s\n%s%s", (int)before, text, begin || before == 0 ? "" : "\n", head,
                  body, after ? after : "");
    if (fclose(f) != 0)
        perror(path);
}

void results_show(const char *name, const char *body)
{
    const char *path = getenv("SHIPCTL_TEST_RESULTS");

    (void)printf("%s\n%s", name, body); /* print_message cuts at 1024 bytes */
    (void)fflush(stdout);
    if (path)
        results_section(path, name, body);
}

static void add_head(struct buf *to, const struct status_table *t)
{
    (void)buf_addf(to, "| %-22s | cases |", t->what);
    for (size_t g = 0; g < t->n_groups; g++)
        (void)buf_addf(to, " %6s |", t->groups[g].name);
    (void)buf_adds(to, "    old |    new |\n|---|---:|");
    for (size_t g = 0; g < t->n_groups + 2; g++)
        (void)buf_adds(to, "---:|");
    (void)buf_adds(to, "\n");
}

static size_t count(const struct status_case *cases, size_t n, size_t kind,
                    const struct status_group *group)
{
    size_t found = 0;

    for (size_t i = 0; i < n; i++)
        found +=
            cases[i].kind == kind && cases[i].status >= group->from && cases[i].status <= group->to;
    return found;
}

static void add_kind(struct buf *to, const struct status_table *t, const struct status_case *cases,
                     size_t n, size_t kind)
{
    static const struct status_group any = {.from = INT_MIN, .to = INT_MAX};
    size_t all = count(cases, n, kind, &any), ends_new = 0;

    if (all == 0)
        return;
    (void)buf_addf(to, "| %-22s | %5zu |", t->kind_name(kind), all);
    for (size_t g = 0; g < t->n_groups; g++)
        (void)buf_addf(to, " %6zu |", count(cases, n, kind, &t->groups[g]));
    for (size_t i = 0; i < n; i++)
        ends_new += cases[i].kind == kind && cases[i].ends_new;
    (void)buf_addf(to, " %6zu | %6zu |\n", all - ends_new, ends_new);
}

void results_table(struct buf *to, const struct status_table *t, const struct status_case *cases,
                   size_t n)
{
    add_head(to, t);
    for (size_t kind = 0; kind < t->n_kinds; kind++)
        add_kind(to, t, cases, n, kind);
}
