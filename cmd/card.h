/*
 * Answers for people: labelled rows, the card of an operation, the preview of
 * a dry run, problems of plan and compose file. Everything foreign is made
 * safe here.
 */
#ifndef SHIPCTL_CMD_CARD_H
#define SHIPCTL_CMD_CARD_H

#include <stddef.h>
#include <stdint.h>

#include "shipctl/deploy.h"
#include "shipctl/session.h"

#include "style.h"
#include "text.h"

/* "      label  value"; nothing when value is NULL or "". */
void card_row(struct text *t, const struct style *s, const char *label, const char *value);
void card_rowf(struct text *t, const struct style *s, const char *label, const char *fmt, ...)
    SHIP_PRINTF(4, 5);
/* "● headline" in a tone. */
void card_head(struct text *t, const struct style *s, enum mark mark, enum tone tone,
               const char *headline);
/* A labelled block of foreign lines behind "| ". */
void card_block(struct text *t, const struct style *s, const char *label, const char *lines);

/* One unit is enough: "3 min", "2 d". */
const char *card_span(int64_t ms, char out[32]);
/* "3 min ago", "in 5 s"; 0 = "never". */
const char *card_ago(int64_t at_ms, int64_t now_ms, char out[48]);
int64_t card_now_ms(void);
/* "2026-11-21T01:20:54Z (3 min ago)" */
const char *card_when(int64_t at_ms, int64_t now_ms, char out[96]);
/* "v1.0.1 (sha256:ab12cd34ef56)", "v1.0.1", or "-" */
const char *card_version(const char *version, const char *digest, char out[256]);

/* What an operation did: what serves, from and to, times, or error, remedy and evidence. */
void card_result(struct text *t, const struct style *s, const struct ship_result *r);
/* One sentence: "delivery v1.0.1 serves". */
void card_headline(const struct ship_result *r, struct text *out);
void card_preview(struct text *t, const struct style *s, const struct ship_result *r);
/* Checks and steps of a finished operation, as tables. */
void card_checks(struct text *t, const struct style *s, const struct ship_result *r);
void card_steps(struct text *t, const struct style *s, const struct ship_result *r);

/*
 * Errors first, then warnings: "file:12:5: error: text", the line, the caret. Of a problem whose
 * "file:12:5: text" is part of `shown` only the line and the caret follow.
 */
void card_problems(struct text *t, const struct style *s, const struct ship_problem *problems,
                   size_t n, const char *shown);

#endif
