/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Puts who was asked for in the place of a recorded reply's subject: the address or name, also
 * percent-encoded or with its '@' as JSON escapes it, and of an address the local part where it is
 * a word. Thread: any. */
#ifndef ROLLCALL_TESTS_WORLD_SUBST_H
#define ROLLCALL_TESTS_WORLD_SUBST_H

#include <stddef.h>

#include "daemon/base/buf.h"

/* How what is put in must be written there. */
enum subst_form { SUBST_TEXT, SUBST_JSON, SUBST_HTML, SUBST_HEADER };

struct subst {
    const char *recorded; /* the case's subject */
    const char *asked;    /* "": nothing is replaced */
    const char *origin;   /* {base} becomes "<origin>/<platform>" */
    const char *platform;
    enum subst_form form;
};

/** Append `len` bytes of a recorded text, replaced. */
void subst_append(const struct subst *subst, const char *bytes, size_t len, struct buf *out);

#endif
