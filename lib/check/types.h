/*
 * The check types by name: what registry.c lists and each type's file defines.
 */
#ifndef SHIP_CHECK_TYPES_H
#define SHIP_CHECK_TYPES_H

#include "check/check.h"

extern const struct check_type check_command;
extern const struct check_type check_container;
extern const struct check_type check_database;
extern const struct check_type check_disk;
extern const struct check_type check_dns;
extern const struct check_type check_exec;
extern const struct check_type check_healthcheck;
extern const struct check_type check_http;
extern const struct check_type check_log;
extern const struct check_type check_port;
extern const struct check_type check_registry;
extern const struct check_type check_resource;
extern const struct check_type check_tcp;

#endif
