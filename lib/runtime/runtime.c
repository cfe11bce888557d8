/*
 * What all runtimes share (contract: runtime.h).
 */
#include "runtime/runtime.h"

void runtime_close(struct runtime *rt)
{
    if (rt)
        rt->ops->close(rt);
}
