/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The plugins' sections: each against the keys that all have and those that its plugin declared. */
#ifndef ROLLCALL_CONF_CONF_SECTION_H
#define ROLLCALL_CONF_CONF_SECTION_H

#include <stddef.h>

#include "daemon/base/attr.h"
#include "daemon/base/error.h"
#include "daemon/conf/conf.h"
#include "daemon/conf/conf_doc.h"
#include "daemon/conf/conf_judge.h"

/**
 * Read the section of each schema from `group`, the file's "plugin" (NULL: there is none).
 *
 * Owner:  *out_plugins, one for each schema in their order, lives in the context's arena.
 * Errors: as conf_read(), and INVALID for a section that no schema is for. Thread: [main].
 */
MUST_CHECK int conf_sections_read(const struct conf_context *context, const struct conf_node *group,
                                  const struct conf_schema *schemas, size_t count,
                                  const struct conf_plugin **out_plugins, struct error_text *why);

/** As conf_print_keys(), for the keys that every section has. */
void conf_sections_print(void (*line)(void *context, const char *key, const char *type,
                                      const char *fallback, const char *sentence),
                         void *context);

#endif
