/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What one writes first: two rings, each under a mutex with a condition. The round trip is the bare
 * hand-off between two threads, a futex word each way: the floor that no pool can beat. */

#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/bench/peers.h"

struct channel {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    void *items[PEER_WINDOW];
    size_t head;
    size_t tail;
};

static void
channel_put(struct channel *channel, void *item)
{
    pthread_mutex_lock(&channel->mutex);
    channel->items[channel->tail++ % PEER_WINDOW] = item;
    pthread_mutex_unlock(&channel->mutex);
    pthread_cond_signal(&channel->cond);
}

static void *
channel_take(struct channel *channel)
{
    pthread_mutex_lock(&channel->mutex);
    while (channel->head == channel->tail) {
        pthread_cond_wait(&channel->cond, &channel->mutex);
    }
    void *item = channel->items[channel->head++ % PEER_WINDOW];
    pthread_mutex_unlock(&channel->mutex);
    return item;
}

static struct channel work = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, { 0 }, 0, 0 };
static struct channel results = {
    PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, { 0 }, 0, 0
};

static void *
thread_main(void *last)
{
    for (void *item = channel_take(&work); item != last; item = channel_take(&work)) {
        channel_put(&results, item);
    }
    return NULL;
}

static int64_t
stream(unsigned threads, size_t tasks)
{
    static int items[PEER_WINDOW];
    static int last;
    pthread_t handles[64];
    for (unsigned i = 0; i < threads; i++) {
        pthread_create(&handles[i], NULL, thread_main, &last);
    }
    int64_t started_ns = peer_now_ns();
    for (size_t i = 0; i < PEER_WINDOW; i++) {
        channel_put(&work, &items[i]);
    }
    for (size_t i = 0; i < tasks; i++) {
        void *item = channel_take(&results);
        if (i + PEER_WINDOW < tasks) {
            channel_put(&work, item);
        }
    }
    int64_t took_ns = peer_now_ns() - started_ns;
    for (unsigned i = 0; i < threads; i++) {
        channel_put(&work, &last);
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(handles[i], NULL);
    }
    return took_ns / 1000;
}

static _Atomic uint32_t ping;
static _Atomic uint32_t pong;

static void
hand_over(_Atomic uint32_t *word, uint32_t value)
{
    atomic_store(word, value);
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void
wait_for(_Atomic uint32_t *word, uint32_t before)
{
    while (atomic_load(word) == before) {
        syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, before, NULL, NULL, 0);
    }
}

/* How often the other thread is asked, and for how long it blocks each time. */
struct exchange {
    uint32_t count;
    int block_ms;
};

static void *
answer_each(void *argument)
{
    const struct exchange *exchange = argument;
    for (uint32_t i = 0; i < exchange->count; i++) {
        wait_for(&ping, i);
        if (exchange->block_ms > 0) {
            (void)poll(NULL, 0, exchange->block_ms);
        }
        hand_over(&pong, i + 1);
    }
    return NULL;
}

static void
ask_each(size_t count, int block_ms, int64_t *out_ns)
{
    pthread_t handle;
    struct exchange exchange = { .count = (uint32_t)count, .block_ms = block_ms };
    atomic_store(&ping, 0);
    atomic_store(&pong, 0);
    pthread_create(&handle, NULL, answer_each, &exchange);
    for (uint32_t i = 0; i < count; i++) {
        int64_t started_ns = peer_now_ns();
        hand_over(&ping, i + 1);
        wait_for(&pong, i);
        out_ns[i] = peer_now_ns() - started_ns;
    }
    pthread_join(handle, NULL);
}

static void
trips(size_t count, int64_t *out_ns)
{
    ask_each(count, 0, out_ns);
}

/* The winner alone: what the machine's own timer and wake-ups take. */
static void
races(size_t count, int64_t *out_ns)
{
    ask_each(count, PEER_WINNER_MS, out_ns);
}

const struct peer peer_mutex = { "mutex queue / futex hand-off", stream, trips, races };
