/* Where a ledger may live and how it survives a full disk. Used by this folder only. */
#ifndef SHIP_LEDGER_SPACE_H
#define SHIP_LEDGER_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "shipctl/error.h"

#include "ledger/db.h"

/*
 * Name of the network file system, or NULL when a ledger may live there. magic: statfs f_type;
 * fuse_type: "fuse.sshfs" from mountinfo, NULL when unknown.
 */
const char *space_network_name(long magic, const char *fuse_type);
/*
 * Type of the file system in one line of mountinfo, "36 35 98:0 / /mnt rw - fuse.sshfs src rw",
 * when it is the one of dev. false: another device, no such line, or a type longer than size.
 */
bool space_mount_type(const char *line, dev_t dev, char *type, size_t size);
/* SHIP_UNREACHABLE when dir is on a network file system: locks there do not exclude. */
SHIP_CHECKED int space_check_filesystem(const char *dir, struct ship_error *err);
/* Make the ballast file unless it is there or space is short already. Best effort. */
void space_make_ballast(struct ledger *l);
/* true: there was one and it is gone, so a failed write may work now. */
bool space_drop_ballast(struct ledger *l);

#endif
