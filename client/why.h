/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The sentence that goes with an error code. The caller owns the room; whoever refuses fills it. */
#ifndef ROLLCALL_CLIENT_WHY_H
#define ROLLCALL_CLIENT_WHY_H

/* Bytes of a sentence, NUL included. Longer ones are cut. */
#define WHY_BYTES 512

struct why {
    char text[WHY_BYTES];
};

/** Write the sentence and hand the code back: `return why_say(why, ROLLCALL_E_NOMEM, "…");` */
int
why_say(struct why *why, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** ROLLCALL_E_NOMEM with its sentence. */
int why_nomem(struct why *why);

#endif
