/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One plugin, one conversation. Memory for large answers is made before the sandbox closes, since a
 * plugin that could make some would have as much as it likes beside its limit; most plugins never
 * need it and it costs no page until then. */
#include "daemon/worker/worker.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/arena.h"
#include "daemon/base/buf.h"
#include "daemon/base/frame.h"
#include "daemon/base/log.h"
#include "daemon/plugin/call.h"
#include "daemon/plugin/host.h"
#include "daemon/plugin/loader.h"
#include "daemon/plugin/manifest_wire.h"

#define LOG "worker"
/* The most that an enumeration's answer takes; its checkers take about as much again beside it. */
#define ENUMERATION_BYTES ((size_t)256 * 1024 * 1024)
#define CONFIG_ARENA_BYTES ((size_t)8 * 1024 * 1024)
/* Freed memory goes back to the system from here on, so that one large call leaves no trace. */
#define KEPT_BYTES (256 * 1024)
/* Seconds of processor time that a call may count on. A worker that has less left takes no more
 * calls; those of one group at different moments, by their pids, so that they do not leave all at
 * once. */
#define CALL_CPU_S 60
#define MOMENTS 60

struct worker {
    const struct image *image;
    struct frame config_frame; /* files are read where they stand in it */
    struct arena *config_arena;
    struct host_config config;
    struct buf answer;
    int manifest_memory; /* for a HELLO that no datagram carries, or -1 */
    int answer_memory;   /* for an enumeration's answer, or -1 */
    rlim_t cpu_s;        /* what it may use before it leaves */
    bool is_leaving;
};

static int
refuse(const char *sentence)
{
    if (frame_send(SANDBOX_CHANNEL, FRAME_REFUSED, 0, sentence, strlen(sentence)) != ERROR_OK) {
        log_error(LOG, "%s", sentence);
    }
    return EXIT_FAILURE;
}

static int
broke(const char *doing, int error)
{
    log_error(LOG, "%s: %s", doing, error_sentence(error));
    return EXIT_FAILURE;
}

static void
keep_small(void)
{
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
}

static void
drop_memory(int *memory)
{
    if (*memory >= 0) {
        (void)close(*memory);
        *memory = -1;
    }
}

static int
say_hello(struct worker *worker)
{
    struct buf hello;
    buf_init(&hello, MANIFEST_WIRE_BYTES_MAX);
    int error = manifest_wire_encode(worker->image->manifest, &hello);
    if (error == ERROR_OK) {
        error = frame_send_from(SANDBOX_CHANNEL, FRAME_HELLO, 0, hello.bytes, hello.len,
                                &worker->manifest_memory);
    }
    drop_memory(&worker->manifest_memory);
    buf_fini(&hello);
    return error;
}

/* The frame is ours from now on, whatever it says. */
static int
use_config(struct worker *worker, const struct frame *frame)
{
    frame_release(&worker->config_frame);
    arena_free(&worker->config_arena);
    worker->config = (struct host_config){ 0 };
    worker->config_frame = *frame;
    worker->config_arena = arena_new(CONFIG_ARENA_BYTES);
    return worker->config_arena != NULL
               ? manifest_wire_decode_config(frame->payload, frame->len, worker->config_arena,
                                             &worker->config, NULL)
               : ERROR_NOMEM;
}

static int
read_config(struct worker *worker)
{
    struct frame frame;
    int error = frame_receive(SANDBOX_CHANNEL, MANIFEST_WIRE_CONFIG_BYTES_MAX, &frame);
    if (error == ERROR_OK && frame.type != FRAME_CONFIG) {
        frame_release(&frame);
        error = ERROR_PROTOCOL;
    }
    return error == ERROR_OK ? use_config(worker, &frame) : error;
}

/* In the middle of a blocking call the daemon only ever says CANCEL, or hangs up: either way nobody
 * waits for the answer. So the channel itself is what a blocking checker can poll. Behind a step,
 * which is quick, the next one may be waiting there already. A worker that is leaving has closed
 * that direction itself, so an end of file says nothing any more. */
static bool
is_cancelled(void *context)
{
    const struct worker *worker = context;
    ssize_t len = recv(SANDBOX_CHANNEL, NULL, 0, MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC);
    return worker->is_leaving ? len > 0 : len >= 0;
}

static int
cancel_fd(void *context)
{
    const struct worker *worker = context;
    return worker->is_leaving ? -1 : SANDBOX_CHANNEL;
}

static void
plan_life(struct worker *worker)
{
    struct rlimit limit;
    rlim_t kept_s = CALL_CPU_S * (1 + (rlim_t)getpid() % MOMENTS);
    if (getrlimit(RLIMIT_CPU, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        worker->cpu_s = RLIM_INFINITY;
    } else {
        worker->cpu_s = limit.rlim_cur > kept_s ? limit.rlim_cur - kept_s : 0;
    }
}

/* What was sent before is still answered, what comes later another worker gets: no call is lost. */
static void
leave_when_worn(struct worker *worker)
{
    struct timespec used;
    if (!worker->is_leaving && clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0 &&
        (rlim_t)used.tv_sec >= worker->cpu_s) {
        worker->is_leaving = shutdown(SANDBOX_CHANNEL, SHUT_RD) == 0;
    }
}

/* An answer that could not be made or sent is said in one that can. */
static int
answer_failed(struct worker *worker, uint64_t id, int error)
{
    struct call_answer answer = { .outcome = CALL_FAILED,
                                  .failure = error == ERROR_TOO_BIG
                                                 ? "its answer is larger than allowed"
                                                 : "it took more memory than allowed" };
    struct buf *out = &worker->answer;
    buf_fini(out);
    buf_init(out, CALL_ANSWER_BYTES_MAX);
    error = call_encode_answer(&answer, out);
    return error != ERROR_OK ? error
                             : frame_send(SANDBOX_CHANNEL, FRAME_ANSWER, id, out->bytes, out->len);
}

static int
run_call(struct worker *worker, const struct frame *frame)
{
    struct buf *out = &worker->answer;
    const struct host_caller daemon_waits = { .is_cancelled = is_cancelled,
                                              .cancel_fd = cancel_fd,
                                              .is_deaf_to_steps = true,
                                              .context = worker };
    buf_reset(out);
    out->max = worker->answer_memory >= 0 ? ENUMERATION_BYTES : CALL_ANSWER_BYTES_MAX;
    int error =
        host_run(worker->image, &worker->config, &daemon_waits, frame->payload, frame->len, out);
    if (error == ERROR_OK) {
        error = frame_send_from(SANDBOX_CHANNEL, FRAME_ANSWER, frame->id, out->bytes, out->len,
                                &worker->answer_memory);
    }
    return error == ERROR_TOO_BIG || error == ERROR_NOMEM ? answer_failed(worker, frame->id, error)
                                                          : error;
}

static int
hear(struct worker *worker, struct frame *frame)
{
    int error = ERROR_PROTOCOL;
    if (frame->type == FRAME_CONFIG) {
        return use_config(worker, frame);
    }
    if (frame->type == FRAME_CALL) {
        error = run_call(worker, frame);
    } else if (frame->type == FRAME_CANCEL) {
        error = ERROR_OK; /* of the call that was just answered */
    }
    frame_release(frame);
    return error;
}

static int
serve(struct worker *worker)
{
    for (;;) {
        struct frame frame;
        int error = frame_receive(SANDBOX_CHANNEL, MANIFEST_WIRE_CONFIG_BYTES_MAX, &frame);
        if (error == ERROR_CLOSED) {
            return EXIT_SUCCESS;
        }
        if (error != ERROR_OK) {
            return broke("a frame", error);
        }
        error = hear(worker, &frame);
        if (error == ERROR_CLOSED) {
            return EXIT_SUCCESS; /* it hung up before the answer */
        }
        if (error != ERROR_OK) {
            return broke("a call", error);
        }
        leave_when_worn(worker);
    }
}

/* At a place of its own, whatever was open there before. */
static int
make_memory(size_t bytes, int place, int *out_memory)
{
    int memory = -1;
    int error = frame_memory_new(bytes, &memory);
    if (error != ERROR_OK) {
        return error;
    }
    if (memory != place) {
        error = dup3(memory, place, O_CLOEXEC) == place ? ERROR_OK : ERROR_IO;
        (void)close(memory);
    }
    *out_memory = place;
    return error;
}

static int
open_plugin(struct worker *worker, const struct sandbox *sandbox,
            const struct sandbox_options *options, struct error_text *why)
{
    struct image *image = NULL;
    int error = make_memory(MANIFEST_WIRE_BYTES_MAX, SANDBOX_CHANNEL + 1, &worker->manifest_memory);
    if (error == ERROR_OK && options->enumerates) {
        error = make_memory(ENUMERATION_BYTES, SANDBOX_LAST, &worker->answer_memory);
    }
    if (error != ERROR_OK) {
        return error_say(why, error, "cannot be sandboxed: no memory for its answers");
    }
    error = sandbox->enter(options, why);
    if (error != ERROR_OK) {
        return error;
    }
    error = loader_open(options->plugin, &image, why);
    if (error != ERROR_OK) {
        return error;
    }
    worker->image = image;
    plan_life(worker);
    error = sandbox->seal(options, why);
    (void)malloc_trim(0); /* what building the filters took */
    return error;
}

static int
converse(struct worker *worker)
{
    int error = say_hello(worker);
    if (error == ERROR_OK) {
        error = read_config(worker);
    }
    if (error == ERROR_CLOSED) {
        return EXIT_SUCCESS; /* it only wanted to know what this is */
    }
    return error != ERROR_OK ? broke("the beginning", error) : serve(worker);
}

int
worker_run(const struct sandbox *sandbox, const struct sandbox_options *options)
{
    struct error_text why = { "" };
    struct worker worker = { .manifest_memory = -1, .answer_memory = -1 };
    keep_small();
    buf_init(&worker.answer, CALL_ANSWER_BYTES_MAX);
    int error = open_plugin(&worker, sandbox, options, &why);
    int status = error != ERROR_OK ? refuse(why.text) : converse(&worker);
    drop_memory(&worker.manifest_memory);
    drop_memory(&worker.answer_memory);
    frame_release(&worker.config_frame);
    arena_free(&worker.config_arena);
    buf_fini(&worker.answer);
    return status;
}
