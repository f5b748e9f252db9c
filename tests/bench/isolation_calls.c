/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Plugin calls as the daemon makes them: a request's bytes out, an answer's bytes back, ended on
 * the loop; by procs to a worker, by the pool to a thread. One call at a time: the next begins when
 * the last has ended. */
#include "tests/bench/isolation.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/exec/exec.h"
#include "daemon/exec/procs.h"
#include "daemon/plugin/call.h"
#include "daemon/plugin/host.h"
#include "daemon/plugin/loader.h"
#include "daemon/plugin/manifest_wire.h"
#include "tests/support/common.h"

#define GITHUB TEST_BUILD_DIR "/plugins/github.so"
#define MORTAL TEST_BUILD_DIR "/tests/hostile/hostile-mortal.so"
#define REPLY_BYTES 2048
#define WARM 500
#define LIMIT_US INT64_C(5000000)
/* Rounds in which both ways take turns: a machine's moods then fall on both. */
#define ROUNDS 5
/* Calls before the deadly one: by then a spare stands ready. */
#define CALLS_BEFORE_DEATH 300
#define NEVER SIZE_MAX

/* A chain of calls, one after the other. Owned by the loop while it runs. */
struct chain {
    struct exec *exec;
    struct image *image; /* of the pool's way */
    struct procs *procs; /* of the workers' way */
    struct call_request request;
    bool by_thread;
    size_t deadly; /* the number of the call that its worker dies of, or NEVER */
    size_t calls;
    size_t made;
    int64_t begun_ns; /* the call after a death begins with that */
    int64_t *samples_ns;
    struct future *done;
    struct future_callback ended;
    struct future *current;
    struct loop_post next;
};

/* ---- One call */

struct thread_call {
    struct job job;
    struct chain *chain;
    struct buf in;
    struct buf out;
};

static int
run_here(struct job *job)
{
    static const struct host_config none = { NULL, 0 };
    struct thread_call *call = CONTAINER_OF(job, struct thread_call, job);
    return host_run(call->chain->image, &none, NULL, call->in.bytes, call->in.len, &call->out);
}

static void
free_thread_call(struct future *future)
{
    struct thread_call *call = CONTAINER_OF(future, struct thread_call, job.future);
    buf_fini(&call->in);
    buf_fini(&call->out);
    free(call);
}

static const struct future_ops thread_ops = { .name = "bench", .free = free_thread_call };

static void
must(int error, const char *what)
{
    if (error != ERROR_OK) {
        support_fail("%s: %s", what, error_sentence(error));
    }
}

static struct future *
begin_on_thread(struct chain *chain)
{
    struct thread_call *call = calloc(1, sizeof(*call));
    if (call == NULL) {
        support_fail("out of memory");
    }
    job_init(&call->job, &thread_ops, run_here);
    call->job.home = exec_loop(chain->exec);
    call->chain = chain;
    buf_init(&call->in, CALL_REQUEST_BYTES_MAX);
    buf_init(&call->out, CALL_ANSWER_BYTES_MAX);
    must(call_encode_request(&chain->request, &call->in), "encode");
    must(pool_submit(exec_pool(chain->exec), &call->job), "pool_submit");
    return &call->job.future;
}

static struct future *
begin_in_worker(struct chain *chain)
{
    struct buf in;
    struct future *future = NULL;
    buf_init(&in, CALL_REQUEST_BYTES_MAX);
    must(call_encode_request(&chain->request, &in), "encode");
    const struct procs_request request = {
        .bytes = in.bytes,
        .len = in.len,
        .answer_max = CALL_ANSWER_BYTES_MAX,
        .limit_us = LIMIT_US,
    };
    must(procs_call(chain->procs, &request, &future), "procs_call");
    buf_fini(&in);
    return future;
}

static void
decode_answer(const struct chain *chain, struct future *future)
{
    const void *bytes = NULL;
    size_t len = 0;
    if (chain->by_thread) {
        const struct thread_call *call = CONTAINER_OF(future, struct thread_call, job.future);
        bytes = call->out.bytes;
        len = call->out.len;
    } else {
        const struct procs_answer *answer = future->result;
        bytes = answer->bytes;
        len = answer->len;
    }
    struct call_answer *answer = NULL;
    struct error_text why = { "" };
    must(call_decode_answer(bytes, len, &answer, &why), why.text);
    if (answer->outcome != CALL_VERDICT) {
        support_fail("no verdict but outcome %d: %s", (int)answer->outcome,
                     answer->failure != NULL ? answer->failure : "");
    }
    call_answer_free(&answer);
}

/* ---- Ends that our own thread waits for: two references, ours and the loop's */

static void
free_end(struct future *future)
{
    free(future);
}

static const struct future_ops end_ops = { .name = "bench end", .free = free_end };

static struct future *
new_end(void)
{
    struct future *end = calloc(1, sizeof(*end));
    if (end == NULL) {
        support_fail("out of memory");
    }
    future_init(end, &end_ops);
    return future_ref(end);
}

static void
signal_end(struct future **end)
{
    struct future *ended = *end; /* whoever waits may put another one there at once */
    *end = NULL;
    (void)future_finish(ended, NULL);
    future_unref(&ended);
}

static void
await_end(struct future *end, const char *what)
{
    must(future_wait(end, SUPPORT_WAIT_MS * INT64_C(1000)), what);
    future_unref(&end);
}

/* ---- The chain, on the loop */

static void
begin_next(struct loop_post *post)
{
    struct chain *chain = CONTAINER_OF(post, struct chain, next);
    chain->request.subject = chain->made == chain->deadly ? "die" : "alice";
    if (chain->made == 0 || chain->made != chain->deadly + 1) {
        chain->begun_ns = isolation_now_ns();
    }
    chain->current = chain->by_thread ? begin_on_thread(chain) : begin_in_worker(chain);
    future_on_done(chain->current, &chain->ended);
}

static void
call_ended(struct future *future, void *context)
{
    struct chain *chain = context;
    if (chain->made == chain->deadly) {
        if (future->error != ERROR_PLUGIN) {
            support_fail("a deadly call ended with %d", future->error);
        }
        chain->begun_ns = isolation_now_ns();
    } else {
        must(future->error, "a call");
        decode_answer(chain, future);
        chain->samples_ns[chain->made] = isolation_now_ns() - chain->begun_ns;
    }
    chain->made++;
    future_unref(&chain->current);
    if (chain->made < chain->calls) {
        loop_post(exec_loop(chain->exec), &chain->next);
    } else {
        signal_end(&chain->done);
    }
}

/* Run all its calls, from our own thread. */
static void
run_chain(struct chain *chain)
{
    struct future *done = new_end();
    chain->done = done;
    chain->made = 0;
    chain->ended = (struct future_callback){ .fn = call_ended, .context = chain };
    chain->next.fn = begin_next;
    loop_post(exec_loop(chain->exec), &chain->next);
    await_end(done, "the chain");
}

/* ---- A group of workers */

static struct exec *
start_exec(void)
{
    struct exec *exec = NULL;
    struct error_text why = { "" };
    const struct exec_options options = {
        .pool = { .threads = 2, .queue_max = 64, .name = "bench" },
        .fetch = { .user_agent = "bench", .body_bytes_max = 1 << 20, .connections_max = 64 },
    };
    must(exec_new(&options, &exec, &why), why.text);
    must(exec_start(exec), "exec_start");
    return exec;
}

struct group {
    struct exec *exec;
    struct procs *procs;
    const char *plugin;
    struct future *gone;
};

static void
group_told(void *context, enum procs_state state, const char *sentence)
{
    struct group *group = context;
    if (state == PROCS_CLOSED) {
        signal_end(&group->gone);
    } else if (state == PROCS_REFUSED) {
        support_fail("%s: %s", group->plugin, sentence);
    }
}

static void
open_group(void *context)
{
    struct group *group = context;
    static const struct host_config none = { NULL, 0 };
    char *parent = support_text("%d", (int)getpid());
    const char *const argv[] = { "rollcall-worker", group->plugin, parent, NULL };
    struct buf config;
    buf_init(&config, MANIFEST_WIRE_CONFIG_BYTES_MAX);
    must(manifest_wire_encode_config(&none, &config), "configuration");
    must(procs_new(
             &(struct procs_options){
                 .loop = exec_loop(group->exec),
                 .program = ISOLATION_WORKER,
                 .argv = argv,
                 .queue_max = 16,
                 .told = group_told,
                 .context = group,
             },
             &group->procs),
         "procs_new");
    must(procs_configure(group->procs, config.bytes, config.len, 1), "procs_configure");
    buf_fini(&config);
    free(parent);
}

static void
close_group(void *context)
{
    struct group *group = context;
    procs_close(group->procs);
}

static void
free_group(void *context)
{
    struct group *group = context;
    procs_free(&group->procs);
}

static void
end_group(struct group *group)
{
    struct future *gone = new_end();
    group->gone = gone;
    exec_run_on_loop(group->exec, close_group, group);
    await_end(gone, "the end of the workers");
    exec_run_on_loop(group->exec, free_group, group);
}

/* ---- What is measured */

static void
set_affinity(bool one_core)
{
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    for (size_t cpu = 0; cpu < (one_core ? 1 : CPU_SETSIZE); cpu++) {
        CPU_SET(cpu, &cpus);
    }
    if (sched_setaffinity(0, sizeof(cpus), &cpus) != 0) {
        perror("bench_isolation: pinning");
    }
}

static uint32_t
username_checker(const struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->checker_count; i++) {
        if (manifest->checkers[i].kind == ROLLCALL_USERNAME) {
            return manifest->checkers[i].index;
        }
    }
    support_fail("%s: has no checker for names", manifest->name);
}

/* A reply of REPLY_BYTES as the platform gives it to the second step. */
static struct call_request
second_step(const struct image *image, struct call_reply *reply)
{
    static char body[REPLY_BYTES + 1];
    static const struct call_pair headers[] = {
        { "Content-Type", "application/json; charset=utf-8" },
        { "X-RateLimit-Limit", "60" },
        { "X-RateLimit-Remaining", "59" },
    };
    int len = snprintf(body, sizeof(body), "{\"login\":\"alice\",\"id\":1,\"bio\":\"");
    memset(body + len, 'b', sizeof(body) - 1 - (size_t)len);
    memcpy(body + REPLY_BYTES - 2, "\"}", 3);
    *reply = (struct call_reply){
        .status = 200,
        .stop_hit = -1,
        .url = "https://api.github.com/users/alice",
        .headers = headers,
        .header_count = ARRAY_LEN(headers),
        .body = body,
        .body_len = REPLY_BYTES,
    };
    return (struct call_request){
        .kind = CALL_STEP,
        .index = username_checker(image->manifest),
        .step = 1,
        .subject_kind = ROLLCALL_USERNAME,
        .subject = "alice",
        .reply = reply,
    };
}

static struct image *
open_image(const char *path)
{
    struct image *image = NULL;
    struct error_text why = { "" };
    must(loader_open(path, &image, &why), why.text);
    return image;
}

static int64_t *
new_samples(size_t count)
{
    int64_t *samples = calloc(count, sizeof(*samples));
    if (samples == NULL) {
        support_fail("out of memory");
    }
    return samples;
}

void
isolation_round_trips(size_t trips)
{
    size_t per_round = trips / ROUNDS;
    int64_t *samples[2] = { new_samples(trips), new_samples(trips) };
    struct call_reply reply;
    set_affinity(true);
    struct group group = { .exec = start_exec(), .plugin = GITHUB };
    exec_run_on_loop(group.exec, open_group, &group);
    struct chain chain = {
        .exec = group.exec, .image = open_image(GITHUB), .procs = group.procs, .deadly = NEVER
    };
    chain.request = second_step(chain.image, &reply);
    for (size_t round = 0; round <= ROUNDS; round++) { /* the first one warms up */
        for (int way = 0; way < 2; way++) {
            chain.by_thread = way == 0;
            chain.calls = round == 0 ? WARM : per_round;
            chain.samples_ns = samples[way] + (round > 0 ? (round - 1) * per_round : 0);
            run_chain(&chain);
        }
    }
    double p50[2];
    printf("one step with a reply of %d bytes, %zu times, pinned to one core:\n", REPLY_BYTES,
           per_round * ROUNDS);
    for (int way = 0; way < 2; way++) {
        p50[way] = isolation_quantile_us(samples[way], per_round * ROUNDS, 0.5);
        printf("  %-22s p50 %8.1f us   p99 %8.1f us\n",
               way == 0 ? "isolation = thread" : "isolation = process", p50[way],
               isolation_quantile_us(samples[way], per_round * ROUNDS, 0.99));
        free(samples[way]);
    }
    printf("  more by process: p50 %.1f us (goal: at most 30)\n", p50[1] - p50[0]);
    end_group(&group);
    must(exec_stop(group.exec, CLOCK_NEVER), "exec_stop");
    exec_free(&group.exec);
    set_affinity(false);
}

void
isolation_deaths(size_t deaths)
{
    int64_t calls_ns[CALLS_BEFORE_DEATH + 2];
    int64_t *samples = new_samples(deaths);
    struct group group = { .exec = start_exec(), .plugin = MORTAL };
    for (size_t i = 0; i < deaths; i++) {
        exec_run_on_loop(group.exec, open_group, &group);
        struct chain chain = { .exec = group.exec,
                               .procs = group.procs,
                               .calls = CALLS_BEFORE_DEATH + 2,
                               .deadly = CALLS_BEFORE_DEATH,
                               .samples_ns = calls_ns };
        chain.request = (struct call_request){ .kind = CALL_STEP,
                                               .subject_kind = ROLLCALL_USERNAME,
                                               .subject = "alice" };
        run_chain(&chain);
        samples[i] = calls_ns[CALLS_BEFORE_DEATH + 1];
        end_group(&group);
    }
    must(exec_stop(group.exec, CLOCK_NEVER), "exec_stop");
    exec_free(&group.exec);
    printf("from a worker's death to the next answer of its plugin, %zu times:\n", deaths);
    printf("  p50 %.2f ms   p99 %.2f ms (goal: at most 5)\n",
           isolation_quantile_us(samples, deaths, 0.5) / 1000,
           isolation_quantile_us(samples, deaths, 0.99) / 1000);
    free(samples);
}
