/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The first step of a check: whether this name may be asked for, and the request. */
#ifndef ROLLCALL_SITES_ASK_H
#define ROLLCALL_SITES_ASK_H

#include <rollcall/plugin.h>

#include "plugins/sites/rule.h"

rollcall_step ask(rollcall_check *check, const struct rule *rule);

#endif
