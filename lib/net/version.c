/* Which libcurl there is, with its TLS library: its bugs are ours. */
#include "net/version.h"

#include "net/backend.h"

const char *net_library_version(void)
{
    return via_curl_describe();
}
