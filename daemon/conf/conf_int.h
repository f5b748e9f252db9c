/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What a document is made of: shared by conf_doc.c and conf_override.c, the two files that know
 * libconfig, and by nobody else. */
#ifndef ROLLCALL_CONF_CONF_INT_H
#define ROLLCALL_CONF_CONF_INT_H

#include <libconfig.h>

#include "daemon/base/arena.h"
#include "daemon/base/attr.h"
#include "daemon/base/error.h"
#include "daemon/conf/conf_doc.h"

/* Paths, overrides and what was typed in them: a command line is at most 2 MiB. */
#define CONF_DOC_BYTES_MAX (4 * 1024 * 1024)

struct conf_doc {
    config_t config;
    struct arena *arena;
    const char *file; /* NULL: none was read */
    const char *folder;
};

/* Where a setting comes from that no file holds; hangs on it as its hook. */
struct conf_origin {
    const char *override; /* the key as given with -o; NULL: a fallback */
    const char *typed;    /* the value as given */
};

/** An empty document. Errors: NOMEM. */
MUST_CHECK int conf_doc_new(struct conf_doc **out_doc, struct error_text *why);

/** Say that memory ran out; returns NOMEM. */
int conf_doc_say_nomem(struct error_text *why);

#endif
