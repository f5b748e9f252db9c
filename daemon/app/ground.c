/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The worker program is looked for beside the running one first, so a build tree and a moved
 * installation run what belongs to them. */
#include "daemon/app/ground.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/app/signals.h"
#include "daemon/base/clock.h"

/* From the folder of the running program, in a build tree and in an installation. */
#define BESIDE "../libexec/rollcall/rollcall-worker"

/* A stop is noticed after so long at most. */
#define SLICE_US (20 * CLOCK_US_PER_MS)

/* One that is there and cannot be run is the one to complain about. */
static void
find_worker(char *path, size_t size)
{
    char own[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);
    if (len > 0) {
        own[len] = '\0';
        char *slash = strrchr(own, '/');
        *slash = '\0';
        int needed = snprintf(path, size, "%s/" BESIDE, own);
        if (needed > 0 && (size_t)needed < size && access(path, F_OK) == 0) {
            return;
        }
    }
    (void)snprintf(path, size, "%s", ROLLCALL_WORKER);
}

int
ground_init(struct ground *ground, struct error_text *why)
{
    char worker[PATH_MAX + sizeof(BESIDE)];
    *ground = (struct ground){ 0 };
    find_worker(worker, sizeof(worker));
    ground->worker = strdup(worker);
    int error = ground->worker != NULL ? loop_new(&ground->loop) : ERROR_NOMEM;
    if (error == ERROR_OK) {
        error = groups_new(ground->loop, worker, &ground->groups);
    }
    if (error != ERROR_OK) {
        ground_fini(ground);
        return error_say(why, error, "the event loop: %s", error_sentence(error));
    }
    return ERROR_OK;
}

int
ground_judge_worker(const struct ground *ground, struct error_text *why)
{
    struct stat info;
    const char *trouble = NULL;
    if (stat(ground->worker, &info) != 0 || access(ground->worker, X_OK) != 0) {
        trouble = strerror(errno);
    } else if (!S_ISREG(info.st_mode)) {
        trouble = "is no program";
    }
    return trouble == NULL
               ? ERROR_OK
               : error_say(why, ERROR_NOT_FOUND,
                           "%.300s: cannot be run: %s; it is what opens plugins: install it",
                           ground->worker, trouble);
}

void
ground_fini(struct ground *ground)
{
    groups_free(&ground->groups);
    loop_free(&ground->loop);
    free(ground->worker);
    ground->worker = NULL;
}

void
ground_run(struct ground *ground, void (*fn)(void *context), void *context)
{
    if (ground->exec != NULL) {
        exec_run_on_loop(ground->exec, fn, context);
    } else {
        fn(context);
    }
}

/* Whether it has ended. */
static bool
wait_slice(struct ground *ground, struct future *future)
{
    if (ground->exec != NULL) {
        return future_wait(future, SLICE_US) == ERROR_OK;
    }
    if (!future_is_done(future)) {
        loop_turn(ground->loop, SLICE_US);
    }
    return future_is_done(future);
}

int
ground_wait(struct ground *ground, struct future *future, int64_t timeout_us)
{
    int64_t deadline_us = clock_deadline_us(timeout_us);
    while (!wait_slice(ground, future)) {
        if (signals_is_stop_pending()) {
            return ERROR_CLOSED;
        }
        if (clock_now_us() >= deadline_us) {
            return ERROR_TIMEOUT;
        }
        if (ground->meanwhile != NULL) {
            ground->meanwhile(ground->context);
        }
    }
    return ERROR_OK;
}
