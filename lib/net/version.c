/* Which libcurl is linked, with its TLS library: its bugs are ours. */
#include "net/version.h"

#include <curl/curl.h>
#include <stdio.h>

const char *net_library_version(void)
{
    static char text[128];
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
    (void)snprintf(text, sizeof text, "libcurl %s (%s)", v->version,
                   v->ssl_version ? v->ssl_version : "no TLS");
    return text;
}
