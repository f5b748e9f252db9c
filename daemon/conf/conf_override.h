/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Overrides laid over a document. Inside conf_doc: others use conf_doc_open(). */
#ifndef ROLLCALL_CONF_CONF_OVERRIDE_H
#define ROLLCALL_CONF_CONF_OVERRIDE_H

#include "daemon/base/attr.h"
#include "daemon/base/error.h"
#include "daemon/conf/conf_doc.h"

/** Set what "key=value" or "plugin.NAME.key=value" says. Errors: INVALID, RANGE (an integer that
 * does not fit), NOMEM; `why` begins with "-o key: ". */
MUST_CHECK int
conf_doc_override(struct conf_doc *doc, const char *override, struct error_text *why);

#endif
