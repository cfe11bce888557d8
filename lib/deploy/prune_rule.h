/*
 * The retention rule: which images of an app may go, and why the others stay.
 *
 * Pure: facts in, verdicts out. The order of the reasons is the order of the
 * checks, the strongest first; what nothing explains stays. Versions are told
 * apart by what was deployed (digests of the services), so two tags of one
 * image are one version, and one tag that moved is two.
 */
#ifndef SHIP_DEPLOY_PRUNE_RULE_H
#define SHIP_DEPLOY_PRUNE_RULE_H

#include "docker/types.h"
#include "ledger/ledger.h"

struct prune_rule {
    const char *app, *environment;
    int64_t keep;            /* successful versions, >= 1; what serves is one of them */
    const struct strv *pins; /* fnmatch patterns of versions that stay */
};

/* One image with at least one reference in a repository of the app. */
struct prune_item {
    const struct image_row *image; /* borrowed */
    struct strv refs;              /* of the app's repositories: "repo:tag", "repo@sha256:..." */
    char *version;                 /* as the ledger or the tag says; may be NULL */
    char *why;                     /* NULL = not judged yet */
    bool remove;
    bool is_shared; /* has references of other repositories: its space stays */
};
/* One recorded version of the app, newest first. */
struct prune_version {
    char *key; /* what was deployed */
    char *version;
    const char *pin; /* pattern that matches, or NULL */
    size_t rank;     /* among the kept ones that do not serve, from 1 */
    bool is_current, is_kept;
};
struct prune_row {
    int64_t deployment;
    size_t version; /* index */
};

struct prune_facts {
    struct prune_item *items;
    size_t n_items;
    struct prune_version *versions;
    size_t n_versions;
    struct prune_row *rows; /* succeeded deployments of the app, newest first */
    size_t n_rows;
    size_t n_targets; /* kept versions that do not serve */
};
void prune_facts_done(struct prune_facts *f);

/* Read the recorded versions and decide which are kept. */
void prune_rule_versions(const struct prune_rule *rule, const struct ledger_images *recorded,
                         struct prune_facts *ret);
/* Collect the images with references in these repositories (familiar form). */
void prune_rule_items(const struct image_list *images, const struct strv *repositories,
                      struct prune_facts *ret);
/* Judge every item that containers and unpruned rows explain. */
void prune_rule_judge(const struct prune_rule *rule, const struct ledger_images *recorded,
                      const struct container_list *containers, struct prune_facts *f);
/* Items nothing has judged yet. */
size_t prune_rule_unexplained(const struct prune_facts *f);
/* A deployment of the app from the history: judges the items it explains. Items left: returned. */
size_t prune_rule_learn(const struct prune_rule *rule, const struct ledger_deployment *d,
                        struct prune_facts *f);
/* The rest was not deployed by shipctl: it stays. */
void prune_rule_finish(struct prune_facts *f);

/* Familiar form of a repository, or a copy of the text. Heap. */
char *prune_repository(const char *text);

#endif
