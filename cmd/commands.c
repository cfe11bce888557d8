/* THE table of subcommands, in the order of --help. */
#include <string.h>

#include "command.h"

const struct command *const commands[] = {
    &command_deploy,     &command_rollback, &command_status,  &command_history,
    &command_prune,      &command_check,    &command_recover, &command_init,
    &command_completion, &command_help,     &command_version,
};
const size_t n_commands = ARRAY_LEN(commands);

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < n_commands; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}
