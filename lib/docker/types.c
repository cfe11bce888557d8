/*
 * Life cycle of decoded types that belong to no other file (contract: types.h).
 */
#include "docker/types.h"

#include <stdlib.h>

void engine_info_done(struct engine_info *e)
{
    free(e->root_dir);
    free(e->driver);
    free(e->id);
    *e = (struct engine_info){0};
}
