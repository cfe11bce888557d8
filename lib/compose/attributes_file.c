/* The file as a whole and its resources: networks, volumes, secrets, configs, include. */
#include "compose/attributes.h"
#include "compose/expand.h"

/* clang-format off */
static const struct compose_attribute string_item = {.name = "item", .kind = KIND_STRING, .flags = KEEP_ZERO};
static const struct compose_attribute path_item = {.name = "item", .kind = KIND_STRING};

#define ROW(n, k) .name = (n), .kind = (k)
#define REFUSED(text) .status = ATTRIBUTE_REFUSED, .note = (text)
#define NO_SWARM "it needs Swarm; use 'file', 'environment' or 'content'"

static const struct compose_attribute subnet_rows[] = {
    {ROW("subnet", KIND_STRING)},
    {ROW("ip_range", KIND_STRING)},
    {ROW("gateway", KIND_STRING)},
    {ROW("aux_addresses", KIND_DICT), .flags = MAP_ONLY},
    {0},
};
static const struct compose_attribute subnet = {ROW("item", KIND_OBJECT), .sub = subnet_rows};
static const struct compose_attribute ipam_rows[] = {
    {ROW("driver", KIND_STRING)},
    {ROW("config", KIND_LIST), .sub = &subnet, .identity = IDENTITY_SUBNET},
    {ROW("options", KIND_DICT), .flags = MAP_ONLY},
    {0},
};
static const struct compose_attribute network_rows[] = {
    {ROW("name", KIND_STRING)},
    {ROW("driver", KIND_STRING)},
    {ROW("driver_opts", KIND_DICT), .flags = MAP_ONLY},
    {ROW("ipam", KIND_OBJECT), .sub = ipam_rows, .flags = NULL_EMPTY},
    {ROW("external", KIND_BOOL)},
    {ROW("internal", KIND_BOOL)},
    {ROW("attachable", KIND_BOOL)},
    {ROW("labels", KIND_DICT)},
    {ROW("enable_ipv4", KIND_BOOL), .flags = KEEP_ZERO},
    {ROW("enable_ipv6", KIND_BOOL), .flags = KEEP_ZERO},
    {0},
};
static const struct compose_attribute volume_rows[] = {
    {ROW("name", KIND_STRING)},
    {ROW("driver", KIND_STRING)},
    {ROW("driver_opts", KIND_DICT), .flags = MAP_ONLY},
    {ROW("external", KIND_BOOL)},
    {ROW("labels", KIND_DICT)},
    {0},
};
static const struct compose_attribute secret_rows[] = {
    {ROW("name", KIND_STRING)},
    {ROW("file", KIND_PATH)},
    {ROW("environment", KIND_STRING)},
    {ROW("labels", KIND_DICT)},
    {ROW("external", KIND_BOOL)},
    {ROW("driver", KIND_ANY), REFUSED(NO_SWARM)},
    {ROW("driver_opts", KIND_ANY), REFUSED(NO_SWARM)},
    {ROW("template_driver", KIND_ANY), REFUSED(NO_SWARM)},
    {0},
};
static const struct compose_attribute config_rows[] = {
    {ROW("name", KIND_STRING)},
    {ROW("file", KIND_PATH)},
    {ROW("environment", KIND_STRING)},
    {ROW("content", KIND_STRING)},
    {ROW("labels", KIND_DICT)},
    {ROW("external", KIND_BOOL)},
    {ROW("template_driver", KIND_ANY), REFUSED(NO_SWARM)},
    {0},
};
static const struct compose_attribute include_rows[] = {
    {ROW("path", KIND_LIST), .sub = &path_item, .expand = expand_string_list},
    {ROW("project_directory", KIND_STRING)},
    {ROW("env_file", KIND_LIST), .sub = &string_item, .expand = expand_string_list},
    {0},
};
static const struct compose_attribute include = {ROW("item", KIND_OBJECT), .sub = include_rows};

static const struct compose_attribute service = {ROW("item", KIND_OBJECT), .sub = compose_attributes};
static const struct compose_attribute network = {
    ROW("item", KIND_OBJECT), .sub = network_rows, .expand = expand_resource, .flags = NULL_EMPTY};
static const struct compose_attribute volume = {
    ROW("item", KIND_OBJECT), .sub = volume_rows, .expand = expand_resource, .flags = NULL_EMPTY};
static const struct compose_attribute secret = {
    ROW("item", KIND_OBJECT), .sub = secret_rows, .expand = expand_resource};
static const struct compose_attribute config = {
    ROW("item", KIND_OBJECT), .sub = config_rows, .expand = expand_resource};

#define SERVICES ROW("services", KIND_MAP), .sub = &service, .expand = expand_services
#define NETWORKS ROW("networks", KIND_MAP), .sub = &network, .expand = expand_names
#define VOLUMES  ROW("volumes", KIND_MAP), .sub = &volume, .expand = expand_names
#define SECRETS  ROW("secrets", KIND_MAP), .sub = &secret, .expand = expand_names
#define CONFIGS  ROW("configs", KIND_MAP), .sub = &config, .expand = expand_names

const struct compose_attribute schema_services = {SERVICES};
const struct compose_attribute schema_networks = {NETWORKS};
const struct compose_attribute schema_volumes = {VOLUMES};
const struct compose_attribute schema_secrets = {SECRETS};
const struct compose_attribute schema_configs = {CONFIGS};

static const struct compose_attribute file_rows[] = {
    {ROW("version", KIND_TEXT), .status = ATTRIBUTE_IGNORED, .note = "it is obsolete, remove it"},
    {ROW("name", KIND_STRING)},
    {ROW("include", KIND_LIST), .sub = &include, .expand = expand_include},
    {SERVICES},
    {NETWORKS},
    {VOLUMES},
    {SECRETS},
    {CONFIGS},
    {ROW("models", KIND_ANY), REFUSED("AI models are not deployed")},
    {0},
};
const struct compose_attribute schema_file = {
    ROW("file", KIND_OBJECT), .sub = file_rows, .flags = EXTENSIBLE};
/* clang-format on */
