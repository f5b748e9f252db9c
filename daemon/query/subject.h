/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What is looked for: a kind and a value, normalised once, here.
 *
 * An e-mail address is what RFC 5321 and RFC 6531 call a Dot-string, an '@' and a domain of at
 * least two labels. Quoted local parts, address literals and a trailing dot are refused: no
 * platform that we know takes them, and each of them would be a second spelling of the same
 * address. */
#ifndef ROLLCALL_QUERY_SUBJECT_H
#define ROLLCALL_QUERY_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/attr.h"
#include "daemon/base/error.h"

#define SUBJECT_EMAIL_BYTES_MAX 254 /* RFC 5321 4.5.3.1.3, less the angle brackets */
#define SUBJECT_LOCAL_BYTES_MAX 64  /* RFC 5321 4.5.3.1.1 */
#define SUBJECT_DOMAIN_BYTES_MAX 253
#define SUBJECT_LABEL_BYTES_MAX 63
#define SUBJECT_USERNAME_BYTES_MAX 256
#define SUBJECT_INPUT_BYTES_MAX 1024 /* before normalising; longer ones are not even looked at */

struct subject {
    int32_t kind;                               /* ROLLCALL_EMAIL or ROLLCALL_USERNAME */
    char value[SUBJECT_USERNAME_BYTES_MAX + 1]; /* normalised */
    size_t at; /* of an e-mail address: offset of the '@' before the domain */
};

/**
 * Judge and normalise `len` bytes. `kind` 0: with an '@' past the first character an address, else
 * a name. Address: local part NFC and otherwise byte for byte, domain a lower-case A-label. Name:
 * NFC, case kept, one leading '@' dropped.
 *
 * Owner:  *out_subject is the caller's memory; untouched on error.
 * Errors: INVALID (empty, over-long, control characters, bad UTF-8, bad domain), NOMEM; `why` says
 *         which rule, never the subject itself.
 * Thread: any.
 */
MUST_CHECK int subject_parse(const char *text, size_t len, int32_t kind,
                             struct subject *out_subject, struct error_text *why);

const char *subject_domain(const struct subject *subject); /* "" of a username */

/** Whether `len` bytes are one LDH label: 1 to 63 of [A-Za-z0-9-], no '-' at either end. */
bool subject_is_label(const char *text, size_t len);

bool subject_equal(const struct subject *a, const struct subject *b);

/** "email", "username"; and back, 0 for another word. */
const char *subject_kind_name(int32_t kind);
int32_t subject_kind_parse(const char *word);

#endif
