/*
 * How a subcommand ends: its result on standard output, its error on standard
 * error, JSON instead of both where asked for.
 */
#ifndef SHIPCTL_CMD_ANSWER_H
#define SHIPCTL_CMD_ANSWER_H

#include "command.h"

/*
 * An operation ended: card, preview or JSON; problems of the plan; the report to a CI runner.
 * Frees r. Returns its exit status.
 */
int answer_result(struct context *c, struct ship_result *r);

/* A question failed with err: the message, or the JSON object. Returns exit_code. */
int answer_error(struct context *c, const struct ship_error *err, int exit_code);

/* JSON text of the library, a line feed added; frees it. */
void answer_json(struct context *c, char *json);

/* What the lint found, on standard error. */
void answer_problems(struct context *c);

/*
 * Whether to ask before something big: not with --yes, and not when nobody sits there (standard
 * input or error is no terminal), because a script was written on purpose.
 */
bool answer_can_ask(const struct context *c);
/*
 * Ask on the terminal; true at once when there is nobody to ask. An answer other than y or yes, or
 * none within ten minutes, is no.
 */
bool answer_confirm(struct context *c, const char *question);
/* The refusal after answer_confirm said no; the exit status. */
int answer_unconfirmed(struct context *c);

#endif
