/*
 * Privileges, security options and namespaces.
 *
 * `service:x` in a namespace becomes `container:<id>`: the container must exist, its id
 * comes from the caller's peers. A seccomp profile file is read and sent as compact JSON.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "compose/map.h"

#define SECCOMP_BYTES_MAX (1024 * 1024)

static const struct map_row rows[] = {
    {"cap_add",       MAP_STRINGS, "CapAdd"        },
    {"cap_drop",      MAP_STRINGS, "CapDrop"       },
    {"privileged",    MAP_BOOL,    "Privileged"    },
    {"read_only",     MAP_BOOL,    "ReadonlyRootfs"},
    {"sysctls",       MAP_PAIRS,   "Sysctls"       },
    {"uts",           MAP_STR,     "UTSMode"       },
    {"userns_mode",   MAP_STR,     "UsernsMode"    },
    {"cgroup",        MAP_STR,     "CgroupnsMode"  },
    {"cgroup_parent", MAP_STR,     "CgroupParent"  },
};

static int add_seccomp(const struct map_ctx *m, const char *file, struct json *list,
                       struct ship_error *err)
{
    AUTO_FREE char *path = file_path_join(m->p->working_dir, file);
    AUTO(buf_done) struct buf text = BUF_INIT(SECCOMP_BYTES_MAX);

    if (file_read(path, &text, err) != 0)
        return ship_error_wrap(err, "service '%s': seccomp profile", m->name);
    AUTO_PTR(json_free) struct json *profile = json_parse(text.p, text.len, path, err);
    if (!profile)
        return ship_error_wrap(err, "service '%s': seccomp profile", m->name);
    AUTO_FREE char *compact = json_print(profile);
    AUTO_FREE char *opt = xasprintf("seccomp=%s", compact);
    json_append_str(list, opt);
    return 0;
}

/* `key=value`, the older `key:value`, or the one bare word. */
static int add_option(const struct map_ctx *m, const char *opt, struct json *list,
                      struct ship_error *err)
{
    const char *sep = strchr(opt, '=');

    if (!sep)
        sep = strchr(opt, ':');
    if (!sep && !str_eq(opt, "no-new-privileges"))
        return ship_fail(err, SHIP_INVALID, "service '%s': bad security_opt '%s'", m->name, opt);
    if (sep && str_starts(opt, "seccomp") && (size_t)(sep - opt) == strlen("seccomp") &&
        !str_eq(sep + 1, "unconfined") && !str_eq(sep + 1, "builtin"))
        return add_seccomp(m, sep + 1, list, err);
    json_append_str(list, opt);
    return 0;
}

static int set_security_opt(const struct map_ctx *m, struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *list = json_array();

    for (const struct json *c = json_first(json_get(m->service, "security_opt")); c;
         c = json_next(c)) {
        const char *opt = json_value_str(c);
        if (str_eq(opt, "systempaths=unconfined")) {
            json_set_array(m->host, "MaskedPaths");
            json_set_array(m->host, "ReadonlyPaths");
        } else if (!opt || add_option(m, opt, list, err) != 0) {
            return opt ? -1 : ship_fail(err, SHIP_INVALID, "security_opt: not a string");
        }
    }
    if (json_size(list) > 0)
        json_set(m->host, "SecurityOpt", steal_ptr(&list));
    return 0;
}

static int set_namespace(const struct map_ctx *m, const char *key, const char *member,
                         struct ship_error *err)
{
    const char *mode = json_str(m->service, key);

    if (str_empty(mode))
        return 0;
    AUTO_FREE char *resolved = peer_resolve_mode(m->create->peers, m->create->n_peers, mode);
    if (str_starts(resolved, "service:"))
        return ship_fail(err, SHIP_INVALID, "service '%s': %s: '%s' has no container", m->name, key,
                         resolved);
    json_set_str(m->host, member, resolved);
    return 0;
}

int map_security(const struct map_ctx *m, struct ship_error *err)
{
    if (map_rows(rows, ARRAY_LEN(rows), m->service, m->host, err) != 0 ||
        set_security_opt(m, err) != 0)
        return -1;
    if (set_namespace(m, "ipc", "IpcMode", err) != 0)
        return -1;
    return set_namespace(m, "pid", "PidMode", err);
}
