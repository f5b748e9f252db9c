/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* One piece of work: its beginning, and how it learns that nobody waits for it any more. */

#include "daemon/exec/job.h"

#include <assert.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

void
job_init(struct job *job, const struct future_ops *ops, int (*run)(struct job *job))
{
    memset(job, 0, sizeof(*job));
    future_init(&job->future, ops);
    atomic_init(&job->cancel_fd, -1);
    job->run = run;
}

bool
job_is_cancelled(const struct job *job)
{
    return future_is_cancelled(&job->future);
}

static void
make_readable(int fd)
{
    ssize_t written = write(fd, &(uint64_t){ 1 }, sizeof(uint64_t));
    assert(written == (ssize_t)sizeof(uint64_t));
}

/* This and job_wake_cancelled() both change `cancel_fd` atomically, so whichever comes second sees
 * what the other did before: the canceller finds the descriptor, or the asker finds the job
 * cancelled. */
int
job_cancel_fd(struct job *job)
{
    int fd = atomic_load_explicit(&job->cancel_fd, memory_order_relaxed);
    if (fd >= 0) {
        return fd;
    }
    fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    (void)atomic_exchange_explicit(&job->cancel_fd, fd, memory_order_acq_rel);
    if (fd >= 0 && job_is_cancelled(job)) {
        make_readable(fd); /* perhaps a second time: it stays readable */
    }
    return fd;
}

void
job_wake_cancelled(struct future *future)
{
    struct job *job = CONTAINER_OF(future, struct job, future);
    int fd = atomic_fetch_or_explicit(&job->cancel_fd, 0, memory_order_acq_rel);
    if (fd >= 0) {
        make_readable(fd);
    }
}

void
job_fini(struct job *job)
{
    int fd = atomic_exchange_explicit(&job->cancel_fd, -1, memory_order_relaxed);
    if (fd >= 0) {
        (void)close(fd);
    }
}
