/* Which SQLite is linked at run time, not the one of the headers. */
#include "ledger/version.h"

#include <sqlite3.h>
#include <stdio.h>

const char *ledger_library_version(void)
{
    static char text[64];
    (void)snprintf(text, sizeof text, "sqlite %s", sqlite3_libversion());
    return text;
}
