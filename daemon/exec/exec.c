/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The executor as a whole. Owns the loop's thread; refuses to know what the work is about. */

#include "daemon/exec/exec.h"

#include <assert.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

struct exec {
    struct loop *loop;
    struct pool *pool;
    struct resolver *resolver;
    struct fetcher *fetcher;
    pthread_t thread;
    bool running;
    bool owns_loop;
};

int
exec_new(const struct exec_options *options, struct exec **out_exec, struct error_text *why)
{
    struct exec *exec = calloc(1, sizeof(*exec));
    if (exec == NULL) {
        return error_say(why, ERROR_NOMEM, "the executor: out of memory");
    }
    struct fetcher_options fetch = options->fetch;
    exec->owns_loop = options->loop == NULL;
    exec->loop = options->loop;
    int error = exec->owns_loop ? loop_new(&exec->loop) : ERROR_OK;
    if (error != ERROR_OK) {
        error_say(why, error, "the event loop: %s", error_sentence(error));
        goto out;
    }
    error = pool_start(&options->pool, &exec->pool);
    if (error != ERROR_OK) {
        error_say(why, error, "the thread pool: %s", error_sentence(error));
        goto out;
    }
    const struct resolver_options resolver = { .loop = exec->loop,
                                               .servers = options->dns_servers,
                                               .server_count = options->dns_server_count };
    error = resolver_new(&resolver, &exec->resolver, why);
    if (error != ERROR_OK) {
        goto out;
    }
    fetch.loop = exec->loop;
    fetch.resolver = exec->resolver;
    error = fetcher_new(&fetch, &exec->fetcher, why);
out:
    if (error != ERROR_OK) {
        exec_free(&exec);
        return error;
    }
    *out_exec = exec;
    return ERROR_OK;
}

static void *
thread_main(void *argument)
{
    struct exec *exec = argument;
    loop_run(exec->loop);
    return NULL;
}

int
exec_start(struct exec *exec)
{
    assert(!exec->running);
    if (pthread_create(&exec->thread, NULL, thread_main, exec) != 0) {
        return ERROR_NOMEM;
    }
    pthread_setname_np(exec->thread, "loop");
    exec->running = true;
    return ERROR_OK;
}

struct errand {
    struct loop_post post;
    void (*fn)(void *context);
    void *context;
    sem_t done;
};

static void
run_errand(struct loop_post *post)
{
    struct errand *errand = CONTAINER_OF(post, struct errand, post);
    errand->fn(errand->context);
    sem_post(&errand->done);
}

void
exec_run_on_loop(struct exec *exec, void (*fn)(void *context), void *context)
{
    if (!exec->running) {
        fn(context);
        return;
    }
    struct errand errand = { .post.fn = run_errand, .fn = fn, .context = context };
    sem_init(&errand.done, 0, 0);
    loop_post(exec->loop, &errand.post);
    while (sem_wait(&errand.done) != 0) {
    }
    sem_destroy(&errand.done);
}

static void
close_transfers(void *context)
{
    struct exec *exec = context;
    fetcher_close(exec->fetcher);
    resolver_close(exec->resolver);
}

int
exec_stop(struct exec *exec, int64_t deadline_us)
{
    pool_close(exec->pool);
    exec_run_on_loop(exec, close_transfers, exec);
    int error = pool_stop(exec->pool, POOL_CANCEL_QUEUED, deadline_us);
    if (error != ERROR_OK) {
        return error;
    }
    loop_stop(exec->loop);
    if (exec->running) {
        pthread_join(exec->thread, NULL);
        exec->running = false;
    } else {
        loop_run(exec->loop); /* never started: run what was posted */
    }
    return ERROR_OK;
}

void
exec_free(struct exec **exec)
{
    struct exec *dropped = *exec;
    if (dropped == NULL) {
        return;
    }
    *exec = NULL;
    assert(!dropped->running);
    fetcher_free(&dropped->fetcher);
    resolver_free(&dropped->resolver);
    pool_free(&dropped->pool);
    if (dropped->owns_loop) {
        loop_free(&dropped->loop);
    }
    free(dropped);
}

struct loop *
exec_loop(struct exec *exec)
{
    return exec->loop;
}

struct pool *
exec_pool(struct exec *exec)
{
    return exec->pool;
}

struct resolver *
exec_resolver(struct exec *exec)
{
    return exec->resolver;
}

struct fetcher *
exec_fetcher(struct exec *exec)
{
    return exec->fetcher;
}
