/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The process pool as its owner holds it: made, configured, closed, freed, counted. */
#include "daemon/exec/procs_int.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static char **
copy_argv(const char *const *argv)
{
    size_t count = 0;
    while (argv[count] != NULL) {
        count++;
    }
    char **copy = calloc(count + 1, sizeof(char *));
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = strdup(argv[i]);
        if (copy[i] == NULL) {
            for (size_t j = 0; j < i; j++) {
                free(copy[j]);
            }
            free(copy);
            return NULL;
        }
    }
    return copy;
}

static void
free_argv(char **argv)
{
    for (size_t i = 0; argv != NULL && argv[i] != NULL; i++) {
        free(argv[i]);
    }
    free(argv);
}

/* What the first worker says, or said elsewhere. */
int
procs_keep_hello(struct procs *procs, const void *hello, size_t len)
{
    procs->hello = malloc(len + 1);
    if (procs->hello == NULL) {
        return ERROR_NOMEM;
    }
    if (len > 0) {
        memcpy(procs->hello, hello, len);
    }
    procs->hello_len = len;
    return ERROR_OK;
}

int
procs_new(const struct procs_options *options, struct procs **out_procs)
{
    struct procs *procs = calloc(1, sizeof(*procs));
    if (procs == NULL) {
        return ERROR_NOMEM;
    }
    list_init(&procs->workers);
    list_init(&procs->first);
    list_init(&procs->queue);
    procs->loop = options->loop;
    procs->queue_max = options->queue_max;
    procs->told = options->told;
    procs->is_current = options->is_current;
    procs->context = options->context;
    procs->starter.fn = procs_starter_due;
    procs->trimmer.fn = procs_trimmer_due;
    procs->watcher.fn = procs_watcher_due;
    procs->program = strdup(options->program);
    procs->argv = copy_argv(options->argv);
    int error = procs->program != NULL && procs->argv != NULL ? ERROR_OK : ERROR_NOMEM;
    if (error == ERROR_OK && options->hello != NULL) {
        error = procs_keep_hello(procs, options->hello, options->hello_len);
        procs->phase = PHASE_READY;
    }
    if (error == ERROR_OK && options->held_paths != NULL) {
        error = procs_hold_paths(procs, options->held_paths);
    }
    if (error != ERROR_OK) {
        procs_free(&procs);
        return error;
    }
    procs_plan(procs);
    *out_procs = procs;
    return ERROR_OK;
}

const void *
procs_hello(const struct procs *procs, size_t *out_len)
{
    *out_len = procs->hello_len;
    return procs->hello;
}

int
procs_configure(struct procs *procs, const void *config, size_t len, unsigned workers_max)
{
    assert(!procs->is_configured && workers_max > 0);
    procs->config = malloc(len + 1);
    if (procs->config == NULL) {
        return ERROR_NOMEM;
    }
    if (len > 0) {
        memcpy(procs->config, config, len);
    }
    procs->config_len = len;
    procs->workers_max = workers_max;
    procs->is_configured = true;
    LIST_FOR_EACH (node, &procs->workers) {
        struct worker *worker = LIST_ENTRY(node, struct worker, node);
        if (worker->state == WORKER_GREETED) {
            procs_worker_configure(worker);
        }
    }
    procs_balance(procs);
    return ERROR_OK;
}

void
procs_close(struct procs *procs)
{
    if (procs->phase == PHASE_CLOSED) {
        return;
    }
    procs->phase = PHASE_CLOSED;
    procs_fail_queue(procs, ERROR_CLOSED);
    procs_dismiss(procs);
    procs_plan(procs);
}

bool
procs_is_gone(const struct procs *procs)
{
    return list_is_empty(&procs->workers);
}

void
procs_free(struct procs **procs)
{
    struct procs *dropped = *procs;
    if (dropped == NULL) {
        return;
    }
    *procs = NULL;
    dropped->phase = PHASE_CLOSED;
    procs_fail_queue(dropped, ERROR_CLOSED);
    struct list *node;
    while ((node = list_pop_front(&dropped->workers)) != NULL) {
        procs_worker_free(LIST_ENTRY(node, struct worker, node));
    }
    loop_timer_disarm(dropped->loop, &dropped->starter);
    loop_timer_disarm(dropped->loop, &dropped->trimmer);
    loop_timer_disarm(dropped->loop, &dropped->watcher);
    free_argv(dropped->argv);
    free(dropped->program);
    free(dropped->hello);
    free(dropped->held);
    free(dropped->config);
    free(dropped);
}

void
procs_stats(const struct procs *procs, struct procs_stats *out_stats)
{
    *out_stats = (struct procs_stats){
        .busy = procs_count(procs, WORKER_BUSY),
        .idle = procs_count(procs, WORKER_IDLE),
        .queued = procs->queued,
        .ahead = procs->ahead,
        .calls = procs->calls,
        .deaths = procs->deaths,
        .state = procs_shown_state(procs),
    };
    for (const struct list *node = procs->workers.next; node != &procs->workers;
         node = node->next) {
        out_stats->workers++;
    }
    memcpy(out_stats->last_error, procs->last_error, sizeof(out_stats->last_error));
}
