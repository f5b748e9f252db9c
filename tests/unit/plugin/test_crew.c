/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Calls on the pool's threads, with the test's own thread as the loop: results and failures end on
 * it, a full queue is an answer, a cancelled call is forgotten and its plugin outlives it. Steps
 * are held on semaphores where their timing matters. */
#include "tests/unit/plugin/plugin_fixture.h"

#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/plugin/crew.h"
#include "tests/support/common.h"

#define QUEUE_MAX 2
#define TURN_US 50000

static sem_t entered; /* a step has begun */
static sem_t gate;    /* it may go on */
static atomic_int saw_cancel;
static atomic_int polled; /* what poll() gave for the descriptor that tells of it */

static rollcall_step
quick(rollcall_check *check, const rollcall_reply *reply)
{
    (void)reply;
    if (strcmp(check->subject, "held") == 0) {
        sem_post(&entered);
        while (sem_wait(&gate) != 0) {
        }
        atomic_store(&saw_cancel, rollcall_is_cancelled(check));
    }
    if (strncmp(check->subject, "return:", 7) == 0) {
        return (rollcall_step)strtol(check->subject + 7, NULL, 10);
    }
    if (strcmp(check->subject, "broken") == 0) {
        return ROLLCALL_STEP_FAILED;
    }
    rollcall_put(check, "who", check->subject);
    return rollcall_get(check, "{base}/{subject}");
}

static rollcall_step
block(rollcall_check *check, const rollcall_reply *reply)
{
    (void)reply;
    if (strcmp(check->subject, "late@example.org") == 0) {
        sem_post(&entered);
        while (sem_wait(&gate) != 0) {
        }
    }
    if (strncmp(check->subject, "late@", 5) == 0 || strncmp(check->subject, "asleep@", 7) == 0) {
        struct pollfd gone = { .fd = rollcall_cancel_fd(check), .events = POLLIN };
        sem_post(&entered);
        atomic_store(&polled, poll(&gone, 1, -1));
        atomic_store(&saw_cancel, rollcall_is_cancelled(check));
    }
    return rollcall_registered(check, NULL);
}

static int32_t
enumerate(rollcall_check *check)
{
    rollcall_note(check, "one entry is odd");
    return 0;
}

static const rollcall_platform platform = { .id = "example",
                                            .title = "Example",
                                            .home = "https://example.org/" };
#define COMMON                                                                                     \
    .platform = &platform, .method = ROLLCALL_DOCUMENTED, .evidence = ROLLCALL_EXACT,              \
    .rate_count = 1, .rate_seconds = 1, .concurrency = 1
static const rollcall_checker checkers[] = {
    { COMMON, .kind = ROLLCALL_USERNAME, .base_url = "https://example.org", .step = quick },
    { COMMON, .kind = ROLLCALL_EMAIL, .block = block },
};
static const rollcall_plugin example = { .head = ROLLCALL_PLUGIN_HEAD,
                                         .name = "example",
                                         .version = "1",
                                         ROLLCALL_CHECKERS(checkers),
                                         .enumerate = enumerate,
                                         .enumerated_step = quick };

struct bench {
    struct fixture fixture;
    struct exec *exec;
    struct crew *crew;
    struct plugin *plugin;
    int64_t give_up_us;
};

static int
setup(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    assert_non_null(bench);
    bench->give_up_us = support_now_us() + SUPPORT_WAIT_MS * CLOCK_US_PER_MS;
    struct error_text why = { "" };
    const struct exec_options options = {
        .pool = { .threads = 2, .queue_max = QUEUE_MAX, .name = "test" },
        .fetch = { .user_agent = "test",
                   .body_bytes_max = 1024,
                   .host_connections_max = 1,
                   .connections_max = 1 },
    };
    fixture_add(&bench->fixture, "example.so", &example);
    fixture_build(&bench->fixture, NULL);
    bench->plugin = registry_plugin(bench->fixture.registry, 0);
    if (exec_new(&options, &bench->exec, &why) != ERROR_OK) {
        fail_msg("%s", why.text);
    }
    assert_int_equal(crew_new(bench->exec, &bench->crew), ERROR_OK);
    assert_int_equal(sem_init(&entered, 0, 0), 0);
    assert_int_equal(sem_init(&gate, 0, 0), 0);
    atomic_store(&saw_cancel, -1);
    *state = bench;
    return 0;
}

static int
teardown(void **state)
{
    struct bench *bench = *state;
    crew_close(bench->crew);
    assert_int_equal(exec_stop(bench->exec, CLOCK_NEVER), ERROR_OK);
    crew_free(&bench->crew);
    exec_free(&bench->exec);
    fixture_free(&bench->fixture);
    sem_destroy(&entered);
    sem_destroy(&gate);
    free(bench);
    return 0;
}

static const struct call_request *
request_for(struct call_request *request, const char *subject)
{
    *request = (struct call_request){ .kind = CALL_STEP,
                                      .subject_kind = ROLLCALL_USERNAME,
                                      .subject = subject };
    return request;
}

static struct future *
begin(struct bench *bench, const char *subject)
{
    struct call_request request;
    struct future *future = NULL;
    assert_int_equal(crew_call(bench->crew, bench->plugin, request_for(&request, subject), &future),
                     ERROR_OK);
    assert_non_null(future);
    return future;
}

static void
turn(struct bench *bench)
{
    if (support_now_us() >= bench->give_up_us) {
        support_fail("what it waits for does not happen");
    }
    loop_turn(exec_loop(bench->exec), TURN_US);
}

static void
turn_until_done(struct bench *bench, struct future *future)
{
    while (!future_is_done(future)) {
        turn(bench);
    }
}

static void
test_answer(void **state)
{
    struct bench *bench = *state;
    struct future *future = begin(bench, "alice");
    assert_int_equal(crew_in_hand(bench->crew), 1);
    turn_until_done(bench, future);
    assert_int_equal(future_state(future), FUTURE_FINISHED);
    assert_int_equal(future->error, ERROR_OK);
    const struct call_answer *answer = future->result;
    assert_int_equal(answer->outcome, CALL_REQUEST);
    assert_string_equal(answer->url, "{base}/{subject}");
    assert_string_equal(answer->values[0].value, "alice");
    assert_int_equal(bench->plugin->calls, 1);
    assert_int_equal(bench->plugin->failures, 0);
    assert_int_equal(crew_in_hand(bench->crew), 0);
    future_unref(&future);
}

static void
test_failure_is_a_result(void **state)
{
    struct bench *bench = *state;
    struct future *future = begin(bench, "broken");
    turn_until_done(bench, future);
    assert_int_equal(future->error, ERROR_OK);
    const struct call_answer *answer = future->result;
    assert_int_equal(answer->outcome, CALL_FAILED);
    assert_int_equal(bench->plugin->failures, 1);
    assert_string_equal(bench->plugin->last_error.text,
                        "its step ended without a request or a verdict");
    future_unref(&future);
}

/* The lines that were written to standard error meanwhile. */
static size_t
count_lines(struct bench *bench, const char *subject)
{
    int ends[2];
    char line[4096];
    size_t count = 0;
    int saved = dup(STDERR_FILENO);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    assert_true(saved >= 0 && dup2(ends[1], STDERR_FILENO) >= 0);
    struct future *future = begin(bench, subject);
    while (!future_is_done(future)) {
        loop_turn(exec_loop(bench->exec), TURN_US);
    }
    (void)dup2(saved, STDERR_FILENO);
    while (recv(ends[0], line, sizeof(line), MSG_DONTWAIT) > 0) {
        count++;
    }
    (void)close(saved);
    (void)close(ends[0]);
    (void)close(ends[1]);
    future_unref(&future);
    return count;
}

static void
test_failures_do_not_fill_the_log(void **state)
{
    struct bench *bench = *state;
    char subject[32];
    size_t lines = 0;
    clock_freeze(clock_now_us());
    assert_int_equal(count_lines(bench, "broken"), 1);
    assert_int_equal(count_lines(bench, "broken"), 0);
    for (int i = 0; i < 3 * CREW_COMPLAINTS_MAX; i++) { /* another sentence each time */
        (void)snprintf(subject, sizeof(subject), "return:%d", 1000 + i);
        lines += count_lines(bench, subject);
    }
    assert_int_equal(lines, CREW_COMPLAINTS_MAX - 1);
    assert_int_equal(bench->plugin->failures, 2 + 3 * CREW_COMPLAINTS_MAX);
    assert_non_null(strstr(bench->plugin->last_error.text, "1029"));
    clock_advance(CREW_COMPLAINTS_US - 1);
    assert_int_equal(count_lines(bench, "broken"), 0);
    clock_advance(1);
    assert_int_equal(count_lines(bench, "broken"), 1);
    assert_int_equal(count_lines(bench, "broken"), 0);
    clock_thaw();
}

static void
test_call_cannot_be_run(void **state)
{
    struct bench *bench = *state;
    struct call_request request;
    struct future *future = NULL;
    (void)request_for(&request, "alice");
    request.carried = "\xff";
    request.carried_len = 1;
    assert_int_equal(crew_call(bench->crew, bench->plugin, &request, &future), ERROR_OK);
    turn_until_done(bench, future);
    assert_int_equal(future_state(future), FUTURE_FINISHED);
    assert_int_equal(future->error, ERROR_PLUGIN);
    assert_string_equal(bench->plugin->last_error.text,
                        "the call could not be run: the peer broke the protocol");
    future_unref(&future);
}

static void
test_blocking_and_enumerate(void **state)
{
    struct bench *bench = *state;
    const struct call_request request = {
        .kind = CALL_BLOCK, .index = 1, .subject_kind = ROLLCALL_EMAIL, .subject = "a@example.com"
    };
    struct future *blocking = NULL;
    struct future *enumeration = NULL;
    assert_int_equal(crew_call(bench->crew, bench->plugin, &request, &blocking), ERROR_OK);
    assert_int_equal(crew_enumerate(bench->crew, bench->plugin, &enumeration), ERROR_OK);
    turn_until_done(bench, blocking);
    turn_until_done(bench, enumeration);
    const struct call_answer *answer = blocking->result;
    assert_int_equal(answer->verdict, ROLLCALL_REGISTERED);
    answer = enumeration->result;
    assert_int_equal(answer->outcome, CALL_ENUMERATED);
    assert_int_equal(answer->note_count, 1);
    future_unref(&blocking);
    future_unref(&enumeration);
}

/* Two threads held, the queue filled: the next call is told so at once. */
static void
test_full_queue(void **state)
{
    struct bench *bench = *state;
    struct future *futures[2 + QUEUE_MAX];
    struct call_request request;
    struct future *one_more = NULL;
    for (size_t i = 0; i < 2; i++) {
        futures[i] = begin(bench, "held");
        assert_int_equal(sem_wait(&entered), 0);
    }
    for (size_t i = 2; i < ARRAY_LEN(futures); i++) {
        futures[i] = begin(bench, "alice");
    }
    assert_int_equal(
        crew_call(bench->crew, bench->plugin, request_for(&request, "alice"), &one_more),
        ERROR_BUSY);
    assert_null(one_more);
    assert_int_equal(crew_in_hand(bench->crew), ARRAY_LEN(futures));
    sem_post(&gate);
    sem_post(&gate);
    for (size_t i = 0; i < ARRAY_LEN(futures); i++) {
        turn_until_done(bench, futures[i]);
        assert_int_equal(future_state(futures[i]), FUTURE_FINISHED);
        future_unref(&futures[i]);
    }
    assert_int_equal(bench->plugin->calls, ARRAY_LEN(futures));
}

static void
test_cancel_queued(void **state)
{
    struct bench *bench = *state;
    struct future *held[2] = { begin(bench, "held"), begin(bench, "held") };
    assert_int_equal(sem_wait(&entered), 0);
    assert_int_equal(sem_wait(&entered), 0);
    struct future *queued = begin(bench, "broken");
    assert_true(future_cancel(queued));
    assert_int_equal(crew_in_hand(bench->crew), 2);
    future_unref(&queued);
    sem_post(&gate);
    sem_post(&gate);
    for (size_t i = 0; i < 2; i++) {
        turn_until_done(bench, held[i]);
        future_unref(&held[i]);
    }
    assert_int_equal(bench->plugin->failures, 0); /* it was never run */
}

/* The query and its registry are gone while the step still runs. */
static void
test_cancel_running(void **state)
{
    struct bench *bench = *state;
    struct future *future = begin(bench, "held");
    assert_int_equal(sem_wait(&entered), 0);
    assert_true(future_cancel(future));
    assert_int_equal(crew_in_hand(bench->crew), 0);
    assert_int_equal(future_state(future), FUTURE_CANCELLED);
    future_unref(&future);
    registry_unref(&bench->fixture.registry); /* the call holds the last reference now */
    sem_post(&gate);
    /* It waits for the step, then runs what that posted. */
    assert_int_equal(exec_stop(bench->exec, CLOCK_NEVER), ERROR_OK);
    assert_int_equal(atomic_load(&saw_cancel), 1);
}

/* The descriptor wakes one that sleeps on it, and one that asks for it when it is late already. */
static void
test_cancel_wakes_a_blocking_call(void **state)
{
    struct bench *bench = *state;
    static const char *const subjects[] = { "asleep@example.org", "late@example.org" };
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
        const struct call_request request = {
            .kind = CALL_BLOCK, .index = 1, .subject_kind = ROLLCALL_EMAIL, .subject = subjects[i]
        };
        struct future *future = NULL;
        atomic_store(&polled, 0);
        atomic_store(&saw_cancel, 0);
        assert_int_equal(crew_call(bench->crew, bench->plugin, &request, &future), ERROR_OK);
        assert_int_equal(sem_wait(&entered), 0);
        assert_true(future_cancel(future));
        sem_post(&gate); /* only the late one waits for it */
        while (atomic_load(&future->references) > 1) {
            turn(bench); /* until the call has come home */
        }
        assert_int_equal(atomic_load(&polled), 1);
        assert_int_equal(atomic_load(&saw_cancel), 1);
        future_unref(&future);
        while (sem_trywait(&entered) == 0 || sem_trywait(&gate) == 0) {
        }
    }
}

static void
test_close(void **state)
{
    struct bench *bench = *state;
    struct call_request request;
    struct future *late = NULL;
    struct future *future = begin(bench, "held");
    assert_int_equal(sem_wait(&entered), 0);
    crew_close(bench->crew);
    crew_close(bench->crew);
    assert_int_equal(future_state(future), FUTURE_CANCELLED);
    assert_int_equal(crew_call(bench->crew, bench->plugin, request_for(&request, "alice"), &late),
                     ERROR_CLOSED);
    assert_int_equal(crew_enumerate(bench->crew, bench->plugin, &late), ERROR_CLOSED);
    sem_post(&gate);
    future_unref(&future);
}

static void
test_too_big(void **state)
{
    struct bench *bench = *state;
    struct call_request request;
    struct future *future = NULL;
    (void)request_for(&request, "alice");
    size_t len = CALL_REQUEST_BYTES_MAX;
    request.data = calloc(1, len);
    assert_non_null(request.data);
    request.data_len = len;
    assert_int_equal(crew_call(bench->crew, bench->plugin, &request, &future), ERROR_TOO_BIG);
    assert_int_equal(crew_in_hand(bench->crew), 0);
    free((void *)(uintptr_t)request.data);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failure_is_a_result, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failures_do_not_fill_the_log, setup, teardown),
        cmocka_unit_test_setup_teardown(test_call_cannot_be_run, setup, teardown),
        cmocka_unit_test_setup_teardown(test_blocking_and_enumerate, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_queue, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cancel_queued, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cancel_running, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cancel_wakes_a_blocking_call, setup, teardown),
        cmocka_unit_test_setup_teardown(test_close, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_big, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
