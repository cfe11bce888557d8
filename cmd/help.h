/* --help from the tables. */
#ifndef SHIPCTL_CMD_HELP_H
#define SHIPCTL_CMD_HELP_H

#include "args.h"
#include "command.h"
#include "text.h"

void help_overview(struct text *t);
void help_command(struct text *t, const struct command *cmd);
void help_version(struct text *t, bool with_libraries);

#endif
