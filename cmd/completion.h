/* Shell completion from the tables. */
#ifndef SHIPCTL_CMD_COMPLETION_H
#define SHIPCTL_CMD_COMPLETION_H

#include "text.h"

void completion_bash(struct text *t);
void completion_zsh(struct text *t);
void completion_fish(struct text *t);

#endif
