/* Short forms -> long forms; used by the attribute tables only. See struct compose_attribute. */
#ifndef SHIP_COMPOSE_EXPAND_H
#define SHIP_COMPOSE_EXPAND_H

#include "compose/load.h"

#define EXPAND(name)                                                                               \
    struct yaml_node *name(struct scope *scope, struct yaml_node *n, const struct path *path)

EXPAND(expand_services);    /* check names, refuse null */
EXPAND(expand_names);       /* check names of networks, volumes, ... */
EXPAND(expand_string_list); /* "a" -> [a] */
EXPAND(expand_null_map);    /* [a] -> {a: null} */
EXPAND(expand_depends_on);  /* [a] -> {a: {condition: service_started}} */
EXPAND(expand_extra_hosts); /* map or list -> ["host=ip"] */
EXPAND(expand_env_file);    /* text or list -> [{path: ...}] */
EXPAND(expand_build);       /* "." -> {context: .} */
EXPAND(expand_context);     /* directory or URL */
EXPAND(expand_extends);     /* "svc" -> {service: svc} */
EXPAND(expand_include);     /* [a] -> [{path: [a]}] */
EXPAND(expand_test);        /* text -> [CMD-SHELL, text]; checks the head */
EXPAND(expand_gpus);        /* all -> [{count: -1}] */
EXPAND(expand_count);       /* all -> -1 */
EXPAND(expand_requests);    /* default count */
EXPAND(expand_pull_policy); /* if_not_present -> missing */
EXPAND(expand_resource);    /* external: {name: x} -> name: x, external: true */
EXPAND(expand_ports);       /* "8080:80" -> {target, published, ...}, ranges -> items */
EXPAND(expand_volumes);     /* "a:/b:ro" -> {type, source, target, ...} */
EXPAND(expand_devices);     /* "/dev/a:/dev/b" -> {source, target, permissions} */
EXPAND(expand_secrets);     /* "s" -> {source: s, target: /run/secrets/s} */
EXPAND(expand_configs);     /* "c" -> {source: c} */
EXPAND(expand_mode);        /* 0440 -> "0440" */

#endif
