/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The conversation about one question. An interruption, from Ctrl+C or because nobody reads the
 * output any more, becomes a cancel; the conversation then goes on to its end, which is near. A
 * daemon that has forgotten the query is asked again under the same key; what had been written is
 * not written twice. */
#include "client/sweep.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/progress.h"

#define NEXT_MAX 500
#define NEXT_WAIT_MS 10000
#define RESULT_WAIT_MS 5000
#define RESUMES_MAX 5
/* All but the first find may come a little later, with others: a message each would cost more than
 * the checks themselves. */
#define GATHER_MS 50

struct sweep {
    const struct sweep_options *options;
    rollcall_question question;
    char key[ROLLCALL_KEY_BYTES];
    char query[ROLLCALL_QUERY_BYTES];
    size_t after;
    bool is_done;
    bool is_cancelled;
    bool is_output_gone;
    unsigned resumes;
    char **written; /* the platforms whose results were written */
    size_t written_count;
    size_t written_room;
    struct progress progress;
    int64_t began_ms;
};

static int64_t
now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int
submit(struct sweep *sweep)
{
    sweep->after = 0;
    sweep->is_done = false;
    return rollcall_client_submit(sweep->options->client, &sweep->question, sweep->query);
}

static int
remember(struct sweep *sweep, const char *platform)
{
    if (sweep->written_count == sweep->written_room) {
        size_t room = sweep->written_room > 0 ? 2 * sweep->written_room : 64;
        char **grown = realloc(sweep->written, room * sizeof(*grown));
        if (grown == NULL) {
            return ROLLCALL_E_NOMEM;
        }
        sweep->written = grown;
        sweep->written_room = room;
    }
    char *copy = strdup(platform);
    if (copy == NULL) {
        return ROLLCALL_E_NOMEM;
    }
    sweep->written[sweep->written_count++] = copy;
    return ROLLCALL_OK;
}

/* Only a query that was asked again can give a platform twice. */
static bool
was_written(const struct sweep *sweep, const char *platform)
{
    for (size_t i = 0; sweep->resumes > 0 && i < sweep->written_count; i++) {
        if (strcmp(sweep->written[i], platform) == 0) {
            return true;
        }
    }
    return false;
}

static void
count(struct progress *progress, const rollcall_result *result)
{
    progress->done++;
    progress->found += strcmp(result->verdict, "registered") == 0 ? 1 : 0;
    progress->unknown += strcmp(result->verdict, "unknown") == 0 ? 1 : 0;
}

static int
write_results(struct sweep *sweep, const rollcall_answer *results)
{
    struct writer *writer = sweep->options->writer;
    for (size_t i = 0; i < rollcall_answer_count(results); i++) {
        const rollcall_result *result = rollcall_answer_result(results, i);
        sweep->after++;
        if (was_written(sweep, result->platform)) {
            continue;
        }
        writer->ops->check(writer, results, i);
        count(&sweep->progress, result);
        int code = remember(sweep, result->platform);
        if (code != ROLLCALL_OK) {
            return code;
        }
    }
    return ROLLCALL_OK;
}

static int
cancel(struct sweep *sweep)
{
    int was_open = 0;
    sweep->is_cancelled = true;
    return rollcall_client_cancel(sweep->options->client, sweep->query, &was_open);
}

/* Standard output may be a pipe that nobody reads any more: then the rest is not worth asking. */
static int
flush(struct sweep *sweep)
{
    FILE *out = sweep->options->writer->out;
    if ((fflush(out) == 0 && ferror(out) == 0) || sweep->is_output_gone) {
        return ROLLCALL_OK;
    }
    sweep->is_output_gone = true;
    return sweep->is_cancelled ? ROLLCALL_OK : cancel(sweep);
}

static void
show_progress(struct sweep *sweep)
{
    struct writer *writer = sweep->options->writer;
    if (sweep->options->tick_ms > 0 && !sweep->is_done) {
        sweep->progress.elapsed_ms = now_ms() - sweep->began_ms;
        progress_show(writer, &sweep->progress);
    }
}

static int
take_next(struct sweep *sweep)
{
    rollcall_answer *results = NULL;
    int is_done = 0;
    int64_t wait_ms = sweep->options->tick_ms > 0 ? sweep->options->tick_ms : NEXT_WAIT_MS;
    int code = rollcall_client_next(sweep->options->client, sweep->query, sweep->after, NEXT_MAX,
                                    wait_ms, &results, &is_done);
    if (code != ROLLCALL_OK) {
        return code;
    }
    if (rollcall_answer_total(results) > 0) {
        sweep->progress.total = rollcall_answer_total(results);
    }
    sweep->is_done = is_done != 0;
    code = write_results(sweep, results);
    rollcall_answer_free(results);
    show_progress(sweep);
    return code == ROLLCALL_OK ? flush(sweep) : code;
}

/* What a failed call means for the conversation: nothing when it was mended. */
static int
mend(struct sweep *sweep, int code)
{
    rollcall_client *client = sweep->options->client;
    if (code == ROLLCALL_E_INTERRUPTED) {
        return cancel(sweep);
    }
    bool is_forgotten =
        code == ROLLCALL_E_REFUSED && rollcall_client_rpc_code(client) == ROLLCALL_RPC_NO_QUERY;
    if (is_forgotten && !sweep->is_cancelled && sweep->resumes < RESUMES_MAX) {
        sweep->resumes++;
        return submit(sweep);
    }
    return code;
}

static int
converse(struct sweep *sweep, rollcall_answer **out_answer)
{
    int code = submit(sweep);
    while (code == ROLLCALL_OK) {
        int outcome = sweep->is_done ? rollcall_client_result(sweep->options->client, sweep->query,
                                                              RESULT_WAIT_MS, out_answer)
                                     : take_next(sweep);
        if (sweep->is_done && outcome == ROLLCALL_OK && *out_answer != NULL) {
            return ROLLCALL_OK;
        }
        code = outcome == ROLLCALL_OK ? ROLLCALL_OK : mend(sweep, outcome);
    }
    return code;
}

struct sweep_end
sweep_run(const struct sweep_options *options, const rollcall_question *question)
{
    struct sweep sweep = { .options = options, .question = *question, .began_ms = now_ms() };
    struct sweep_end end = { .code = rollcall_key(sweep.key) };
    sweep.question.key = sweep.key;
    rollcall_client_gather(options->client, GATHER_MS);
    if (end.code == ROLLCALL_OK) {
        end.code = converse(&sweep, &end.answer);
    }
    end.was_interrupted = sweep.is_cancelled && !sweep.is_output_gone;
    end.is_output_gone = sweep.is_output_gone;
    if (end.code == ROLLCALL_E_INTERRUPTED) {
        end.was_interrupted = true;
    }
    for (size_t i = 0; i < sweep.written_count; i++) {
        free(sweep.written[i]);
    }
    free(sweep.written);
    return end;
}
