/*
 * Functions nobody here may call: included into every file by the compiler
 * options, so that a call is a compile error that names the replacement.
 *
 * Done with redeclarations, not with poisoned identifiers, because system
 * headers included later mention these names too. alloca and variable-length
 * arrays are caught by -Walloca and -Wvla; cJSON_GetObjectItem by
 * tests/lint/forbidden.sh.
 */
#ifndef SHIP_BASE_BANNED_H
#define SHIP_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* clang cannot attach the attribute to the inline functions of _FORTIFY_SOURCE; gcc can. */
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wignored-attributes"
#endif

/* NOLINTNEXTLINE(bugprone-macro-parentheses): a declared name takes none */
#define SHIP_BANNED(name, instead) extern __typeof__(name) name __attribute__((deprecated(instead)))

SHIP_BANNED(strcpy, "banned: use struct buf or snprintf");
SHIP_BANNED(strcat, "banned: use struct buf");
SHIP_BANNED(strncpy, "banned: use xstrndup or snprintf");
SHIP_BANNED(strncat, "banned: use struct buf");
SHIP_BANNED(stpcpy, "banned: use struct buf");
SHIP_BANNED(sprintf, "banned: use snprintf or buf_addf");
SHIP_BANNED(vsprintf, "banned: use vsnprintf or buf_vaddf");
SHIP_BANNED(strtok, "banned: use strchr or strtok_r");
SHIP_BANNED(strdup, "banned: use xstrdup");
SHIP_BANNED(strndup, "banned: use xstrndup");
SHIP_BANNED(asprintf, "banned: use xasprintf");
SHIP_BANNED(atoi, "banned: use str_to_i64");
SHIP_BANNED(atol, "banned: use str_to_i64");
SHIP_BANNED(atoll, "banned: use str_to_i64");
SHIP_BANNED(atof, "banned: use str_to_double");
SHIP_BANNED(gmtime, "banned: use gmtime_r");
SHIP_BANNED(localtime, "banned: use localtime_r");
SHIP_BANNED(ctime, "banned: use str_format_time");
SHIP_BANNED(asctime, "banned: use str_format_time");
SHIP_BANNED(mktemp, "banned: use mkostemp");
SHIP_BANNED(tmpnam, "banned: use mkostemp");
SHIP_BANNED(system, "banned: use proc_run");
SHIP_BANNED(popen, "banned: use proc_run");

#undef SHIP_BANNED

#ifdef __clang__
#pragma clang diagnostic pop
#endif

#endif
