/*
 * THE table of check types, sorted by name. One line and one file per type.
 */
#include "check/types.h"

/* clang-format off */
const struct check_type *const check_types[] = {
    &check_command,
    &check_container,
    &check_database,
    &check_disk,
    &check_dns,
    &check_exec,
    &check_healthcheck,
    &check_http,
    &check_log,
    &check_port,
    &check_registry,
    &check_resource,
    &check_tcp,
    NULL,
};
/* clang-format on */

const struct check_type *check_type_find(const char *name)
{
    for (const struct check_type *const *t = check_types; *t; t++)
        if (str_eq((*t)->name, name))
            return *t;
    return NULL;
}
