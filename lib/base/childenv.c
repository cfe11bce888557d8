/*
 * Environment of child programs: allow-list and SHIPCTL_* variables.
 */
#include "base/childenv.h"

#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"

static bool is_allowed(const char *entry)
{
    static const char *const names[] = {"PATH=", "HOME=", "LANG=", "TZ=", "USER="};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_starts(entry, names[i]))
            return true;
    return str_starts(entry, "LC_");
}

void childenv_allowed(struct strv *out)
{
    for (char **e = environ; e && *e; e++)
        if (is_allowed(*e))
            strv_add(out, *e);
}

/* ASCII only: the result must not depend on the locale. */
static char variable_char(char c)
{
    static const char lower[] = "abcdefghijklmnopqrstuvwxyz",
                      upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char *at = strchr(lower, c);

    if (at)
        return upper[at - lower];
    if (strchr(upper, c) || (c >= '0' && c <= '9'))
        return c;
    return '_';
}

void childenv_variables(struct strv *out, const struct tmpl_var *vars, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        AUTO_FREE char *name = NULL;

        if (!vars[i].value)
            continue;
        name = xasprintf("SHIPCTL_%s", vars[i].name);
        for (char *c = name; *c; c++)
            *c = variable_char(*c);
        childenv_add(out, name, vars[i].value);
    }
}

void childenv_add(struct strv *out, const char *name, const char *value)
{
    strv_take(out, xasprintf("%s=%s", name, value));
}
