/*
 * Starter plan: what a new user keeps, with comments for what to try next.
 *
 * Commented-out lines are valid when the comment sign is taken away; a test
 * does that and loads the result.
 */
#include "plan/starter.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"

#define STARTER_MAX ((size_t)64 * 1024)

static const char head[] =
    "# What shipctl deploys and how it proves it. All keys: man shipctl.yaml\n"
    "version: 1\n";

static const char defaults[] =
    "\n"
    "# The compose services with this image are deployed; `shipctl deploy v1.2.3` gives the tag.\n"
    "# Everything below is optional. Values behind `#` are the defaults.\n"
    "\n"
    "# compose: docker-compose.yml  # without it: the same search as docker compose\n"
    "# pin: auto                    # write the version back, so `docker compose up` agrees\n"
    "\n";

static const char no_health[] =
    "# No published port was found in the compose file. A health check over HTTP would be:\n"
    "# checks:\n"
    "#   health:\n"
    "#     - {type: http, url: \"http://127.0.0.1:8080/health\", retries: 10, interval: 2s}\n";

static const char tail[] =
    "\n"
    "# Before the switch: argument lists, no shell. ${version} and ${old.version} are filled in.\n"
    "# hooks:\n"
    "#   backup:\n"
    "#     - {exec: {service: db, command: [pg_dump, -Fc, -f, \"/backup/${old.version}.dump\", "
    "app]}}\n"
    "#   migrate:\n"
    "#     - {run_image: new, command: [./migrate, up], reversible: true}\n"
    "\n"
    "# timeouts: {total: 10m, pull: 5m, start: 30s, rollback: 2m, hook: 5m}\n"
    "# rollback: {auto: true, if_migrated: refuse}\n"
    "# prune: {keep: 3, after_deploy: true}\n";

/* Plain where that is safe, else double-quoted. */
static void add_scalar(struct buf *out, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789._/-";
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    bool is_plain = *text && strchr(letters, *text) && text[strspn(text, plain)] == '\0';
    if (is_plain && strcasecmp(text, "null") != 0) {
        buf_adds(out, text);
        return;
    }
    buf_addc(out, '"');
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            buf_addf(out, "\\x%02x", (unsigned)(unsigned char)*text);
        else
            buf_addf(out, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
    }
    buf_addc(out, '"');
}

static void add_health(struct buf *out, const char *url)
{
    if (!url) {
        buf_adds(out, no_health);
        return;
    }
    buf_adds(out, "# The new version must answer here, or the old one comes back.\n"
                  "checks:\n"
                  "  health:\n"
                  "    - type: http\n"
                  "      url: ");
    add_scalar(out, url);
    buf_adds(out, "\n"
                  "      retries: 10              # total tries\n"
                  "      interval: 2s\n");
}

char *plan_starter(const char *app, const char *image, const char *health_url)
{
    struct buf out = BUF_INIT(STARTER_MAX);
    buf_adds(&out, head);
    buf_adds(&out, "app: ");
    add_scalar(&out, app);
    buf_adds(&out, "\nimage: ");
    add_scalar(&out, image);
    buf_addc(&out, '\n');
    buf_adds(&out, defaults);
    add_health(&out, health_url);
    buf_adds(&out, tail);
    return buf_steal(&out);
}
