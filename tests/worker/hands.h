/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A rollcall-worker in a test's hands: started as the daemon starts it, spoken to frame by frame.
 * Everything fails the running test when it takes longer than SUPPORT_WAIT_MS. */
#ifndef ROLLCALL_TESTS_WORKER_HANDS_H
#define ROLLCALL_TESTS_WORKER_HANDS_H

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/base/frame.h"
#include "daemon/plugin/call.h"

#define HANDS_WORKER TEST_BUILD_DIR "/libexec/rollcall/rollcall-worker"
#define HANDS_GITHUB TEST_BUILD_DIR "/plugins/github.so"
#define HANDS_FIXTURE(name) TEST_BUILD_DIR "/tests/plugins/" name ".so"

struct hands {
    pid_t pid;
    int channel; /* ours; blocks at most SUPPORT_WAIT_MS */
};

/** Start a worker with these arguments (NULL at the end); argv[0] is what is run. */
void hands_start(struct hands *hands, const char *const *argv);

/** The usual worker of one plugin; `word` is "net" or NULL. */
void hands_open(struct hands *hands, const char *plugin, const char *word);

/** The next frame, which must be of this type. Owner: frame_release() it. */
struct frame hands_expect(struct hands *hands, enum frame_type type);

/** HELLO and an empty CONFIG: ready for calls. */
void hands_greet(struct hands *hands);

/** Send a call, expect its answer. Owner: call_answer_free(). */
struct call_answer *hands_call(struct hands *hands, const struct call_request *request);

/** Wait for its end: its status, or minus the signal that ended it. Closes the channel after. */
int hands_wait(struct hands *hands);

/** Hang up and wait: as above. */
int hands_hang_up(struct hands *hands);

#endif
