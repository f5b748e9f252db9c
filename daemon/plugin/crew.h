/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Who runs each plugin's calls: the daemon's one way to call a plugin. A call is encoded to bytes,
 * run by one of the plugin's processes (group.h) or, for a plugin without, on the executor's
 * threads (host_run), and its answer decoded as a stranger's bytes: nobody above notices which. */
#ifndef ROLLCALL_PLUGIN_CREW_H
#define ROLLCALL_PLUGIN_CREW_H

#include "daemon/base/error.h"
#include "daemon/exec/exec.h"
#include "daemon/plugin/call.h"
#include "daemon/plugin/registry.h"

struct crew;

/* What a plugin fails with in its steps is logged so often in CREW_COMPLAINTS_US, and a sentence
 * that it repeats once: a broken one fails thousands of checks. All are counted. */
#define CREW_COMPLAINTS_MAX 10
#define CREW_COMPLAINTS_US (INT64_C(60) * 1000 * 1000)

MUST_CHECK int crew_new(struct exec *exec, struct crew **out_crew);
/** Cancel all calls in hand; from now on calls are CLOSED. Thread: [loop]. May be called twice. */
void crew_close(struct crew *crew);
/** After exec_stop(). */
void crew_free(struct crew **crew);

/**
 * Run one call of a plugin.
 * Owner:  `request` is read before this returns. *out_future is the caller's reference; its result
 * is a const struct call_answer *, borrowed, which lives as long as the future. Thread: [loop]; the
 * future ends on the loop. Errors: at once: BUSY (the queue is full), CLOSED, TOO_BIG, NOMEM,
 * PLUGIN (put aside). Through the future: PLUGIN (the call could not be run, its process died, or
 * its answer could not be read; plugin->last_error says why), NOMEM. An answer with outcome
 * CALL_FAILED is a result.
 */
MUST_CHECK int crew_call(struct crew *crew, struct plugin *plugin,
                         const struct call_request *request, struct future **out_future);

/** Run a plugin's enumerate: as crew_call(), the answer's outcome is CALL_ENUMERATED or
 *  CALL_FAILED. For registry_add_enumerated(). */
MUST_CHECK int crew_enumerate(struct crew *crew, struct plugin *plugin, struct future **out_future);

/** Calls in hand, queued ones too. Thread: [loop]. */
size_t crew_in_hand(const struct crew *crew);

#endif
