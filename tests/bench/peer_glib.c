/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* GLib: GThreadPool, results handed back through a GAsyncQueue. */

#include <glib.h>

#include "tests/bench/peers.h"

static void
run(gpointer item, gpointer queue)
{
    g_async_queue_push(queue, item);
}

static int64_t
stream(unsigned threads, size_t tasks)
{
    static int items[PEER_WINDOW];
    GAsyncQueue *queue = g_async_queue_new();
    GThreadPool *pool = g_thread_pool_new(run, queue, (gint)threads, TRUE, NULL);
    int64_t started_ns = peer_now_ns();
    for (size_t i = 0; i < PEER_WINDOW; i++) {
        g_thread_pool_push(pool, &items[i], NULL);
    }
    for (size_t i = 0; i < tasks; i++) {
        gpointer item = g_async_queue_pop(queue);
        if (i + PEER_WINDOW < tasks) {
            g_thread_pool_push(pool, item, NULL);
        }
    }
    int64_t took_ns = peer_now_ns() - started_ns;
    g_thread_pool_free(pool, FALSE, TRUE);
    g_async_queue_unref(queue);
    return took_ns / 1000;
}

static void
trips(size_t count, int64_t *out_ns)
{
    int item = 0;
    GAsyncQueue *queue = g_async_queue_new();
    GThreadPool *pool = g_thread_pool_new(run, queue, 1, TRUE, NULL);
    for (size_t i = 0; i < count; i++) {
        int64_t started_ns = peer_now_ns();
        g_thread_pool_push(pool, &item, NULL);
        g_async_queue_pop(queue);
        out_ns[i] = peer_now_ns() - started_ns;
    }
    g_thread_pool_free(pool, FALSE, TRUE);
    g_async_queue_unref(queue);
}

const struct peer peer_glib = { "GLib GThreadPool", stream, trips, NULL };
