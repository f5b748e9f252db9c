/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The legal form of a platform's names: a name that breaks it costs no request. */
#ifndef ROLLCALL_QUERY_NAME_RULE_H
#define ROLLCALL_QUERY_NAME_RULE_H

#include <stdbool.h>

#include "daemon/plugin/manifest.h"

/** Whether `name` (UTF-8, normalised) keeps to the rule. NULL is a rule that all keep. Thread: any.
 */
MUST_CHECK bool name_rule_allows(const struct manifest_name_rule *rule, const char *name);

#endif
