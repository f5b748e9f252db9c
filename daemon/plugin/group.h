/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The worker processes of one plugin file. The first one opens the file and says what it is, so the
 * daemon runs no code of it; configured, they answer its calls. A group belongs to one reading of
 * the configuration: a reload opens new groups and releases the old, which finish and leave.
 * Thread: [loop], or [main] while the loop does not run. */
#ifndef ROLLCALL_PLUGIN_GROUP_H
#define ROLLCALL_PLUGIN_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/error.h"
#include "daemon/exec/loop.h"
#include "daemon/exec/procs.h"
#include "daemon/plugin/call.h"
#include "daemon/plugin/registry.h"

/* A step or a shared value's takes microseconds: one that takes this long is a loop. */
#define GROUP_STEP_US (INT64_C(2) * 1000 * 1000)
/* Reading a plugin's data. */
#define GROUP_ENUMERATE_US (INT64_C(30) * 1000 * 1000)
/* What a blocking check gets beyond its own timeout. */
#define GROUP_GRACE_US (INT64_C(1) * 1000 * 1000)
/* Calls of one plugin that wait for a worker: a check has one at most, and what bounds checks is
 * `max_checks`, whose default this is. Their bytes are bounded by PROCS_QUEUE_BYTES_MAX. */
#define GROUP_QUEUE_MAX 100000

/* All groups of a daemon, those too that were released and still leave. */
struct groups;
struct group;

/** `program` is the worker's path. Logs what this kernel cannot keep workers from. Errors: NOMEM.
 */
MUST_CHECK int groups_new(struct loop *loop, const char *program, struct groups **out_groups);
/** Kill and reap every worker that is left, free all groups. Accepts NULL. */
void groups_free(struct groups **groups);

/**
 * Start a worker that opens the file `path`; `settled(context)` is called once, when
 * group_is_settled(), from a later turn of the loop, within PROCS_START_US or so.
 * Owner:  *out_group is the caller's, group_release(). Errors: NOMEM.
 */
MUST_CHECK int group_open(struct groups *groups, const char *path, void (*settled)(void *context),
                          void *context, struct group **out_group);
/** Whether it is known what the file is. */
bool group_is_settled(const struct group *group);
/** What the file is, the caller's from now on, once; or NULL and one sentence that begins with the
 *  file's name. After it settled. */
struct manifest *group_take_manifest(struct group *group, struct error_text *why);

/**
 * Let it serve this plugin, with plugin->config: sets plugin->group. From now on deaths are noted
 * in the plugin and logged. `workers_max` beside the spare; `block_us` is the longest that a
 * blocking check may take. Once. Errors: NOMEM, TOO_BIG.
 */
MUST_CHECK int
group_use(struct group *group, struct plugin *plugin, unsigned workers_max, int64_t block_us);

/** As procs_call(), with the limits of a call of that kind. `goes_on`: it is not the first of a
 *  check, and goes before those that are. */
MUST_CHECK int group_call(struct group *group, enum call_kind kind, bool goes_on,
                          const struct buf *bytes, struct future **out_future);

/** What a call was answered cannot be read: as procs_reject(), so that it is noted in the plugin
 *  when this returns. Thread: [loop], from a callback of the future that the call gave. */
void group_reject(struct group *group, const char *why);

/** How many workers are alive. */
unsigned group_workers(const struct group *group);
/** All that is known of them. */
void group_stats(const struct group *group, struct procs_stats *out_stats);

/** Calls in hand end, then it goes by itself. Its plugin is not touched again. Accepts NULL. */
void group_release(struct group **group);

#endif
