/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The loop: one epoll set, one pairing heap of timers, one stack of posts.
 *
 * A turn sleeps in epoll until a descriptor is ready, a post arrives or the next timer is due; then
 * it runs descriptors, posts and timers, in that order. Posts come from any thread through an
 * atomic stack; whoever pushes onto an empty stack writes the eventfd, so a burst costs one
 * wake-up. */

#include "daemon/exec/loop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/error.h"
#include "daemon/exec/future.h"

/* Events taken from the kernel at once. */
#define EVENTS_PER_TURN 256

struct loop {
    int epoll_fd;
    int wake_fd;
    _Atomic(struct loop_post *) posts; /* newest first */
    struct loop_timer *timers;         /* root of the heap: the next one due */
    int64_t turn_us;                   /* 0, or the time at which this turn's timers run */
    struct epoll_event events[EVENTS_PER_TURN];
    int event_count; /* of this turn, for loop_watch_remove() */
    bool is_coarse;  /* the system has no epoll_pwait2() */
    atomic_bool stopping;
    _Atomic uint64_t turns;
};

static _Thread_local struct loop *mine;

static int
add_wake_fd(struct loop *loop)
{
    /* Edge-triggered: each write is an edge of its own, so nobody has to read the counter. */
    struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.ptr = NULL };
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &event);
}

int
loop_new(struct loop **out_loop)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL) {
        return ERROR_NOMEM;
    }
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->epoll_fd < 0 || loop->wake_fd < 0 || add_wake_fd(loop) != 0) {
        loop_free(&loop);
        return ERROR_IO;
    }
    *out_loop = loop;
    return ERROR_OK;
}

void
loop_free(struct loop **loop)
{
    struct loop *dropped = *loop;
    if (dropped == NULL) {
        return;
    }
    *loop = NULL;
    if (mine == dropped) {
        mine = NULL; /* driven by loop_turn() on this thread; a new loop may get the same address */
    }
    if (dropped->epoll_fd >= 0) {
        close(dropped->epoll_fd);
    }
    if (dropped->wake_fd >= 0) {
        close(dropped->wake_fd);
    }
    free(dropped);
}

bool
loop_is_mine(const struct loop *loop)
{
    return mine == loop;
}

uint64_t
loop_turns(const struct loop *loop)
{
    return atomic_load_explicit(&loop->turns, memory_order_relaxed); /* a mere sign of life */
}

/* ---- Posts --------------------------------------------------------------------------- */

static void
wake(struct loop *loop)
{
    /* The counter cannot overflow: it would take 2^64 writes. */
    ssize_t written = write(loop->wake_fd, &(uint64_t){ 1 }, sizeof(uint64_t));
    assert(written == (ssize_t)sizeof(uint64_t) || errno == EAGAIN);
}

void
loop_post(struct loop *loop, struct loop_post *post)
{
    struct loop_post *head = atomic_load_explicit(&loop->posts, memory_order_relaxed);
    do {
        post->next = head;
        /* Release: pairs with the acquire in run_posts(); the loop sees what the poster wrote. */
    } while (!atomic_compare_exchange_weak_explicit(&loop->posts, &head, post, memory_order_release,
                                                    memory_order_relaxed));
    if (head == NULL) {
        wake(loop);
    }
}

static bool
run_posts(struct loop *loop)
{
    struct loop_post *newest = atomic_exchange_explicit(&loop->posts, NULL, memory_order_acquire);
    struct loop_post *oldest = NULL;
    bool any = newest != NULL;
    while (newest != NULL) {
        struct loop_post *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != NULL) {
        struct loop_post *post = oldest;
        oldest = oldest->next; /* first: the post may be used again by its fn */
        post->fn(post);
    }
    return any;
}

/* ---- Timers: a pairing heap; `prev` is the parent of a first child, else the left neighbour
 * ------ */

static struct loop_timer *
meld(struct loop_timer *a, struct loop_timer *b)
{
    if (a == NULL || b == NULL) {
        return a != NULL ? a : b;
    }
    if (b->due_us < a->due_us) {
        struct loop_timer *earlier = b;
        b = a;
        a = earlier;
    }
    b->prev = a;
    b->next = a->child;
    if (b->next != NULL) {
        b->next->prev = b;
    }
    a->child = b;
    a->next = NULL;
    a->prev = NULL;
    return a;
}

/* Meld a list of siblings into one heap: pairs from left to right, then all from right to left. */
static struct loop_timer *
meld_siblings(struct loop_timer *first)
{
    struct loop_timer *pairs = NULL;
    while (first != NULL) {
        struct loop_timer *a = first;
        struct loop_timer *b = a->next;
        first = b != NULL ? b->next : NULL;
        a->next = NULL;
        a->prev = NULL;
        if (b != NULL) {
            b->next = NULL;
            b->prev = NULL;
        }
        struct loop_timer *pair = meld(a, b);
        pair->next = pairs;
        pairs = pair;
    }
    struct loop_timer *root = NULL;
    while (pairs != NULL) {
        struct loop_timer *next = pairs->next;
        pairs->next = NULL;
        root = meld(root, pairs);
        pairs = next;
    }
    return root;
}

static void
unlink_timer(struct loop *loop, struct loop_timer *timer)
{
    struct loop_timer *below = meld_siblings(timer->child);
    timer->child = NULL;
    if (timer == loop->timers) {
        loop->timers = below;
        return;
    }
    if (timer->prev->child == timer) {
        timer->prev->child = timer->next;
    } else {
        timer->prev->next = timer->next;
    }
    if (timer->next != NULL) {
        timer->next->prev = timer->prev;
    }
    timer->next = NULL;
    timer->prev = NULL;
    loop->timers = meld(loop->timers, below);
}

void
loop_timer_disarm(struct loop *loop, struct loop_timer *timer)
{
    if (timer->armed) {
        unlink_timer(loop, timer);
        timer->armed = false;
    }
}

void
loop_timer_arm(struct loop *loop, struct loop_timer *timer, int64_t due_us)
{
    loop_timer_disarm(loop, timer);
    if (due_us == CLOCK_NEVER) {
        return;
    }
    /* One that is armed while timers run is due in the next turn at the earliest, so that a timer
     * which arms itself for now cannot hold the loop. */
    timer->due_us = due_us <= loop->turn_us ? loop->turn_us + 1 : due_us;
    timer->child = NULL;
    timer->next = NULL;
    timer->prev = NULL;
    timer->armed = true;
    loop->timers = meld(loop->timers, timer);
}

static void
run_timers(struct loop *loop)
{
    if (loop->timers == NULL) {
        return;
    }
    loop->turn_us = clock_now_us();
    while (loop->timers != NULL && loop->timers->due_us <= loop->turn_us) {
        struct loop_timer *timer = loop->timers;
        loop_timer_disarm(loop, timer);
        timer->fn(timer);
    }
    loop->turn_us = 0;
}

/* ---- Descriptors --------------------------------------------------------------------- */

static int
control(struct loop *loop, int operation, struct loop_watch *watch)
{
    struct epoll_event event = { .events = watch->events, .data.ptr = watch };
    if (epoll_ctl(loop->epoll_fd, operation, watch->fd, &event) == 0) {
        return ERROR_OK;
    }
    return errno == ENOMEM || errno == ENOSPC ? ERROR_NOMEM : ERROR_IO;
}

int
loop_watch_add(struct loop *loop, struct loop_watch *watch)
{
    return control(loop, EPOLL_CTL_ADD, watch);
}

int
loop_watch_change(struct loop *loop, struct loop_watch *watch)
{
    return control(loop, EPOLL_CTL_MOD, watch);
}

void
loop_watch_remove(struct loop *loop, struct loop_watch *watch)
{
    /* The descriptor may be closed already: then the kernel has forgotten it by itself. */
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    for (int i = 0; i < loop->event_count; i++) {
        if (loop->events[i].data.ptr == watch) {
            loop->events[i].data.ptr = NULL;
        }
    }
}

static void
run_watches(struct loop *loop)
{
    for (int i = 0; i < loop->event_count; i++) {
        struct loop_watch *watch = loop->events[i].data.ptr;
        if (watch != NULL) { /* NULL: the wake-up, or removed in this turn */
            watch->fn(watch, loop->events[i].events);
        }
    }
    loop->event_count = 0;
}

/* ---- Turns --------------------------------------------------------------------------- */

static int64_t
time_to_wait(const struct loop *loop, int64_t wait_us)
{
    if (atomic_load_explicit(&loop->posts, memory_order_relaxed) != NULL) {
        return 0; /* posted by the loop itself; others write the eventfd */
    }
    if (loop->timers != NULL) {
        int64_t left_us = loop->timers->due_us - clock_now_us();
        left_us = left_us > 0 ? left_us : 0;
        wait_us = left_us < wait_us ? left_us : wait_us;
    }
    return wait_us;
}

/* Where epoll_pwait2() is not there (valgrind does not know it): milliseconds, rounded up. */
static int
wait_coarsely(struct loop *loop, int64_t wait_us)
{
    int64_t wait_ms = wait_us / CLOCK_US_PER_MS + (wait_us % CLOCK_US_PER_MS != 0);
    int most = wait_us == CLOCK_NEVER ? -1 : wait_ms < INT_MAX ? (int)wait_ms : INT_MAX;
    return epoll_wait(loop->epoll_fd, loop->events, EVENTS_PER_TURN, most);
}

static int
wait_for_events(struct loop *loop, int64_t wait_us)
{
    struct timespec span = { .tv_sec = (time_t)(wait_us / CLOCK_US_PER_S),
                             .tv_nsec = (long)(wait_us % CLOCK_US_PER_S) * 1000 };
    if (loop->is_coarse) {
        return wait_coarsely(loop, wait_us);
    }
    int count = epoll_pwait2(loop->epoll_fd, loop->events, EVENTS_PER_TURN,
                             wait_us == CLOCK_NEVER ? NULL : &span, NULL);
    if (count < 0 && errno == ENOSYS) {
        loop->is_coarse = true;
        return wait_coarsely(loop, wait_us);
    }
    return count;
}

void
loop_turn(struct loop *loop, int64_t wait_us)
{
    mine = loop;
    int count = wait_for_events(loop, time_to_wait(loop, wait_us));
    assert(count >= 0 || errno == EINTR);
    loop->event_count = count > 0 ? count : 0;
    run_watches(loop);
    run_posts(loop);
    run_timers(loop);
    atomic_fetch_add_explicit(&loop->turns, 1, memory_order_relaxed);
}

void
loop_run(struct loop *loop)
{
    future_forbid_wait("the loop");
    /* Acquire pairs with the release in loop_stop(). */
    while (!atomic_load_explicit(&loop->stopping, memory_order_acquire)) {
        loop_turn(loop, CLOCK_NEVER);
    }
    while (run_posts(loop)) {
    }
    mine = NULL;
    future_forbid_wait(NULL);
}

void
loop_stop(struct loop *loop)
{
    atomic_store_explicit(&loop->stopping, true, memory_order_release);
    wake(loop);
}
