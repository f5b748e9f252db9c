/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What is looked for: a kind and a value, normalised once, here. */
#ifndef ROLLCALL_QUERY_SUBJECT_H
#define ROLLCALL_QUERY_SUBJECT_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/error.h"

#define SUBJECT_EMAIL_BYTES_MAX 254 /* RFC 5321 4.5.3.1.3, less the angle brackets */
#define SUBJECT_LOCAL_BYTES_MAX 64  /* RFC 5321 4.5.3.1.1 */
#define SUBJECT_USERNAME_BYTES_MAX 256

struct subject {
    int32_t kind;                               /* ROLLCALL_EMAIL or ROLLCALL_USERNAME */
    char value[SUBJECT_USERNAME_BYTES_MAX + 1]; /* normalised */
    size_t at; /* of an e-mail address: offset of the '@' before the domain */
};

/**
 * Judge and normalise `len` bytes. `kind` 0: with an '@' past the first character an address, else
 * a name. Address: local part NFC and otherwise byte for byte, domain a lower-case A-label. Name:
 * NFC, case kept, one leading '@' dropped. Errors: INVALID (empty, over-long, control characters,
 * bad UTF-8, bad domain); `why` says which rule, never the subject itself. Thread: any.
 */
MUST_CHECK int subject_parse(const char *text, size_t len, int32_t kind,
                             struct subject *out_subject, struct error_text *why);

const char *subject_domain(const struct subject *subject); /* "" of a username */

/** "email", "username"; and back, 0 for another word. */
const char *subject_kind_name(int32_t kind);
int32_t subject_kind_parse(const char *word);

#endif
