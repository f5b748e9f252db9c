/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Checkers from data: every plugin that has an enumerate is asked for them once, before its
 * registry is used. [main] */
#ifndef ROLLCALL_APP_ENUMERATE_H
#define ROLLCALL_APP_ENUMERATE_H

#include "daemon/exec/exec.h"
#include "daemon/plugin/crew.h"
#include "daemon/plugin/registry.h"

/* What one plugin's enumerate may take: it reads its own data, not the network. */
#define ENUMERATE_US (INT64_C(30) * 1000 * 1000)

/** Ask all of them, add what they yield, drop what their files held. A plugin whose data cannot be
 *  read costs only itself, and the log says why. Takes as long as they take, one after the other;
 *  the loop goes on meanwhile. The registry is not in use yet. */
void enumerate_all(struct exec *exec, struct crew *crew, struct registry *registry);

#endif
