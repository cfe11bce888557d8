/* Versions: ours and those of the libraries linked at run time. */
#include "ledger/version.h"

#include <stdio.h>

#include "shipctl/shipctl.h"

#include "net/version.h"

const char *ship_version(void)
{
    return SHIPCTL_VERSION;
}

const char *ship_libraries(void)
{
    static char text[256];
    (void)snprintf(text, sizeof text, "%s, %s", net_library_version(), ledger_library_version());
    return text;
}
