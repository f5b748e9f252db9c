/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Steady load on a daemon: several streams of `check` calls at once, each with a pace of its own,
 * every answer judged. A stream has lanes, a connection each with one call at a time; a call that
 * is due while all lanes wait is sent late, and counted. All on the test's thread. */
#ifndef ROLLCALL_TESTS_SUPPORT_LOAD_H
#define ROLLCALL_TESTS_SUPPORT_LOAD_H

#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#define LOAD_LANES_MAX 256

struct load_options {
    const char *url;
    size_t lanes;
    int64_t every_us; /* a call each so often; 0: whenever a lane is free */
    /* The params of call number `number`; free()d here. */
    char *(*ask)(size_t number, void *context);
    /* Judge the answer, {"verdict": …, "checks": […]}. NULL: right; else a sentence, free()d here.
     */
    char *(*judge)(size_t number, const cJSON *answer, int64_t took_us, void *context);
    void *context;
};

struct load_report {
    size_t asked;
    size_t answered; /* right or wrong; an error reply is wrong */
    size_t wrong;
    size_t late; /* sent when due, but for want of a free lane */
    int64_t slowest_us;
    char *first_wrong; /* a sentence, or NULL; the load's own */
};

struct load;

/** Dial all lanes. Owner: free with load_free(). Fails the test. */
struct load *load_new(const struct load_options *options);
/** Close all lanes. Accepts NULL. */
void load_free(struct load **load);

/** Send what is due and take what comes, in all loads, for `run_us`. Fails the test when a daemon's
 *  connection is gone. */
void load_run(struct load *const *loads, size_t count, int64_t run_us);

/** Send nothing more, wait for the answers that are still due. Fails the test, with how many are
 *  lost, when they do not come within SUPPORT_WAIT_MS. */
void load_drain(struct load *const *loads, size_t count);

const struct load_report *load_report(const struct load *load);

#endif
