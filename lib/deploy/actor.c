/* Identity of the caller: see actor.h. Never fails: what is unknown is left out. */
#include "deploy/actor.h"

#include <pwd.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"

#define LOGIN_UID_UNSET 4294967295

/* /proc/self/loginuid: set by pam at login, survives sudo and su; -1 when unset. */
static int64_t login_uid(void)
{
    AUTO(buf_done) struct buf b = BUF_INIT(32);
    struct ship_error ignored = {0};
    int64_t uid;
    if (file_read("/proc/self/loginuid", &b, &ignored) < 0 || str_to_i64(b.p, &uid) < 0 ||
        uid == LOGIN_UID_UNSET)
        return -1;
    return uid;
}

static char *user_name(int64_t uid)
{
    const struct passwd *pw = getpwuid((uid_t)uid);
    return pw ? xstrdup(pw->pw_name) : xasprintf("uid %lld", (long long)uid);
}

/* Root through sudo: the caller's uid counts when the login uid does not contradict it. */
static int64_t sudo_uid(const struct ship_session *s, int64_t login)
{
    const char *text = session_env(s, "SUDO_UID");
    int64_t uid;
    if (getuid() != 0 || str_empty(text) || str_to_i64(text, &uid) < 0)
        return -1;
    return login < 0 || login == uid ? uid : -1;
}

static const char *const claims[][2] = {
    {"ssh",             "SSH_CONNECTION"   },
    {"github_actor",    "GITHUB_ACTOR"     },
    {"github_run_id",   "GITHUB_RUN_ID"    },
    {"github_sha",      "GITHUB_SHA"       },
    {"github_workflow", "GITHUB_WORKFLOW"  },
    {"github_repo",     "GITHUB_REPOSITORY"},
};

void actor_find(const struct ship_session *s, struct actor *ret)
{
    int64_t login = login_uid(), sudo = sudo_uid(s, login);
    AUTO_FREE char *user = user_name(sudo >= 0 ? sudo : (int64_t)getuid());
    const char *github = session_env(s, "GITHUB_ACTOR");

    AUTO_PTR(json_free) struct json *j = json_object();
    json_set_i64(j, "uid", getuid());
    json_set_str(j, "user", user);
    if (login >= 0)
        json_set_i64(j, "loginuid", login);
    if (sudo >= 0)
        json_set_i64(j, "sudo_uid", sudo);
    for (size_t i = 0; i < ARRAY_LEN(claims); i++)
        if (!str_empty(session_env(s, claims[i][1])))
            json_set_str(j, claims[i][0], session_env(s, claims[i][1]));

    struct utsname un;
    *ret = (struct actor){.json = json_print(j),
                          .host = xstrdup(uname(&un) == 0 ? un.nodename : "localhost"),
                          .git_sha = xstrdup_or_null(session_env(s, "GITHUB_SHA")),
                          .ci_run = xstrdup_or_null(session_env(s, "GITHUB_RUN_ID"))};
    if (!str_empty(github))
        ret->name = xasprintf("%s for %s (github)", user, github);
    else
        ret->name = sudo >= 0 ? xasprintf("%s (sudo)", user) : steal_ptr(&user);
}

void actor_done(struct actor *a)
{
    free(a->name);
    free(a->json);
    free(a->host);
    free(a->git_sha);
    free(a->ci_run);
    *a = (struct actor){0};
}
