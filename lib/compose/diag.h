/*
 * Problems found while loading: an error class of our own next to each text.
 *
 * Errors go to the caller's list at once; warnings are kept back and added at
 * the end, so that a page of warnings never hides an error. Every text with a
 * position names the file, line and column it talks about.
 */
#ifndef SHIP_COMPOSE_DIAG_H
#define SHIP_COMPOSE_DIAG_H

#include "base/str.h"
#include "yaml/node.h"

/* Classes, as the golden vectors call them. */
#define COMPOSE_CLASSES(X)                                                                         \
    X(none)                                                                                        \
    X(yaml_syntax)                                                                                 \
    X(duplicate_key)                                                                               \
    X(non_string_key)                                                                              \
    X(empty_file)                                                                                  \
    X(top_level_not_mapping)                                                                       \
    X(file_not_found)                                                                              \
    X(too_large)                                                                                   \
    X(schema)                                                                                      \
    X(schema_unknown_key)                                                                          \
    X(schema_enum)                                                                                 \
    X(schema_pattern)                                                                              \
    X(refused)                                                                                     \
    X(bad_interpolation)                                                                           \
    X(required_variable)                                                                           \
    X(bad_boolean)                                                                                 \
    X(bad_size)                                                                                    \
    X(bad_duration)                                                                                \
    X(unsupported_number)                                                                          \
    X(bad_command_string)                                                                          \
    X(bad_port)                                                                                    \
    X(port_range_mismatch)                                                                         \
    X(bad_host_ip)                                                                                 \
    X(bad_volume)                                                                                  \
    X(bad_healthcheck_test)                                                                        \
    X(env_key_trailing_space)                                                                      \
    X(env_file_not_found)                                                                          \
    X(dotenv_unterminated_quote)                                                                   \
    X(dotenv_space_in_key)                                                                         \
    X(dotenv_syntax)                                                                               \
    X(bad_project_name)                                                                            \
    X(bad_service_name)                                                                            \
    X(service_not_mapping)                                                                         \
    X(no_image_no_build)                                                                           \
    X(undefined_network)                                                                           \
    X(undefined_volume)                                                                            \
    X(undefined_secret)                                                                            \
    X(undefined_config)                                                                            \
    X(undefined_dependency)                                                                        \
    X(dependency_disabled_by_profile)                                                              \
    X(dependency_cycle)                                                                            \
    X(network_mode_and_networks)                                                                   \
    X(conflicting_limits)                                                                          \
    X(conflicting_replicas)                                                                        \
    X(container_name_with_scale)                                                                   \
    X(duplicate_container_name)                                                                    \
    X(duplicate_mount_target)                                                                      \
    X(external_conflict)                                                                           \
    X(exclusive_sources)                                                                           \
    X(extends_not_found)                                                                           \
    X(extends_cycle)                                                                               \
    X(include_cycle)                                                                               \
    X(merge_type_mismatch)

enum compose_class {
#define COMPOSE_CLASS_ENUM(name) COMPOSE_CLASS_##name,
    COMPOSE_CLASSES(COMPOSE_CLASS_ENUM)
#undef COMPOSE_CLASS_ENUM
};

/* "bad_port" */
const char *compose_class_name(enum compose_class c);

struct diag_warning {
    struct yaml_mark mark;
    char *text;
};

struct diag {
    struct yaml_problems *problems; /* caller's list, borrowed */
    enum compose_class first;       /* class of the first error, none while there is none */
    struct diag_warning warnings[YAML_PROBLEMS_MAX];
    size_t n_warnings, n_hidden; /* hidden: warnings beyond the list, only counted */
    size_t n_errors;             /* of this diag only */
};

void diag_error(struct diag *d, enum compose_class c, const struct yaml_mark *mark, const char *fmt,
                ...) SHIP_PRINTF(4, 5);
void diag_warn(struct diag *d, const struct yaml_mark *mark, const char *fmt, ...)
    SHIP_PRINTF(3, 4);
/* Hand the warnings over to the problem list and free them. Marks must still be alive. */
void diag_flush(struct diag *d);

/* Steps from the root to a value, for messages; lives on the stack of the walk. */
struct path {
    const struct path *up; /* NULL at the root */
    const char *key;       /* NULL for an item of a list */
    size_t index;
};

#define PATH_TEXT_MAX 256
/* "services.app.ports[0]", cut at the front when longer than the buffer. Returns out. */
const char *path_format(const struct path *path, char out[PATH_TEXT_MAX]);

#endif
