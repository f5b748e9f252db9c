/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Which version of Landlock the running kernel has: asked by a worker, which confines itself by it,
 * and by the daemon, which says once what its workers cannot. */
#ifndef ROLLCALL_BASE_LANDLOCK_ABI_H
#define ROLLCALL_BASE_LANDLOCK_ABI_H

/** 0: none, since the kernel was built or started without, or a filter of calls refuses it. Thread:
 *  any. */
int landlock_abi(void);

#endif
