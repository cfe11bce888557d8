/* Which SQLite is linked. */
#ifndef SHIP_LEDGER_VERSION_H
#define SHIP_LEDGER_VERSION_H

const char *ledger_library_version(void); /* "sqlite 3.40.1"; static */

#endif
