/* Inside lib/compose: the raw image scalar in parts. Used by version.c and the pin files. */
#ifndef SHIP_COMPOSE_VERSION_H
#define SHIP_COMPOSE_VERSION_H

#include "compose/model.h"

/* `prefix[:tag][@digest]` of a text that may hold variables; pointers into the text. */
struct image_raw {
    size_t prefix_len; /* bytes before the tag's or digest's separator */
    const char *tag;   /* NULL = none */
    size_t tag_len;
    const char *digest; /* NULL = none */
};
void image_raw_split(const char *raw, struct image_raw *ret);

/* NULL if the service has no entry. */
const struct compose_source *compose_source_find(const struct compose_project *p,
                                                 const char *service);

#endif
