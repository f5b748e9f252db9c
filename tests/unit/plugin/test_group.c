/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Groups with the real worker program and plugins for tests: what is learned of a file, calls
 * through the crew that end up in a process, deaths that are noted in the plugin, and groups that
 * leave by themselves. The test's own thread is the loop. */
#include "tests/unit/plugin/plugin_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/plugin/crew.h"
#include "daemon/plugin/group.h"
#include "tests/support/common.h"
#include "tests/support/proc.h"
#include "tests/support/tmpdir.h"

#define WORKER TEST_BUILD_DIR "/libexec/rollcall/rollcall-worker"
#define LIAR TEST_BUILD_DIR "/tests/liar_fixture"
#define PLUGINS TEST_BUILD_DIR "/tests/plugins/"
#define BROKEN TEST_BUILD_DIR "/tests/broken/"
#define HOSTILE TEST_BUILD_DIR "/tests/hostile/"
#define TURN_US 20000
#define BLOCK_US INT64_C(1000000)

struct bench {
    struct exec *exec;
    struct crew *crew;
    struct groups *groups;
    struct group *group;
    struct manifest *manifest;
    struct image image;
    struct fixture fixture;
    struct plugin *plugin;
    bool is_settled;
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
        .pool = { .threads = 1, .queue_max = 1, .name = "test" },
        .fetch = { .user_agent = "test",
                   .body_bytes_max = 1024,
                   .host_connections_max = 1,
                   .connections_max = 1 },
    };
    if (exec_new(&options, &bench->exec, &why) != ERROR_OK) {
        fail_msg("%s", why.text);
    }
    assert_int_equal(crew_new(bench->exec, &bench->crew), ERROR_OK);
    assert_int_equal(groups_new(exec_loop(bench->exec), WORKER, &bench->groups), ERROR_OK);
    *state = bench;
    return 0;
}

/* No worker is left, and none that nobody has waited for. */
static int
teardown(void **state)
{
    struct bench *bench = *state;
    crew_close(bench->crew);
    assert_int_equal(exec_stop(bench->exec, CLOCK_NEVER), ERROR_OK);
    groups_free(&bench->groups);
    crew_free(&bench->crew);
    exec_free(&bench->exec);
    registry_unref(&bench->fixture.registry);
    conf_free(&bench->fixture.conf);
    conf_close(&bench->fixture.tree);
    arena_free(&bench->fixture.arena);
    manifest_free(&bench->manifest);
    free(bench);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    return 0;
}

static void
settled(void *context)
{
    struct bench *bench = context;
    assert_false(bench->is_settled);
    bench->is_settled = true;
}

static void
turn(struct bench *bench)
{
    if (support_now_us() >= bench->give_up_us) {
        support_fail("what it waits for does not happen");
    }
    loop_turn(exec_loop(bench->exec), TURN_US);
}

/* Open a file; the sentence when it is refused. */
static struct error_text
learn(struct bench *bench, const char *path)
{
    struct error_text why = { "" };
    bench->is_settled = false;
    assert_int_equal(group_open(bench->groups, path, settled, bench, &bench->group), ERROR_OK);
    assert_false(group_is_settled(bench->group));
    while (!bench->is_settled) {
        turn(bench);
    }
    assert_true(group_is_settled(bench->group));
    bench->manifest = group_take_manifest(bench->group, &why);
    return why;
}

/* Open a file and let it serve. */
static void
serve(struct bench *bench, const char *path)
{
    struct error_text why = learn(bench, path);
    if (bench->manifest == NULL) {
        fail_msg("%s", why.text);
    }
    bench->image = (struct image){ .file = "x.so", .manifest = bench->manifest };
    bench->fixture.images[0] = bench->image;
    bench->fixture.list[0] = &bench->image;
    bench->fixture.count = 1;
    fixture_build(&bench->fixture, NULL);
    bench->plugin = registry_plugin(bench->fixture.registry, 0);
    assert_int_equal(group_use(bench->group, bench->plugin, 1, BLOCK_US), ERROR_OK);
    assert_ptr_equal(bench->plugin->group, bench->group);
}

static struct future *
begin_with(struct bench *bench, const char *subject)
{
    const struct call_request request = { .kind = CALL_STEP,
                                          .subject_kind = ROLLCALL_USERNAME,
                                          .subject = subject };
    struct future *future = NULL;
    assert_int_equal(crew_call(bench->crew, bench->plugin, &request, &future), ERROR_OK);
    return future;
}

static struct future *
begin(struct bench *bench)
{
    return begin_with(bench, "alice");
}

static int
end(struct bench *bench, struct future *future)
{
    while (!future_is_done(future)) {
        turn(bench);
    }
    int error = future->error;
    future_unref(&future);
    return error;
}

static void
test_a_file_is_learned(void **state)
{
    struct bench *bench = *state;
    (void)learn(bench, PLUGINS "steps.so");
    assert_non_null(bench->manifest);
    assert_string_equal(bench->manifest->name, "steps");
    assert_true(bench->manifest->checker_count > 0);
    group_release(&bench->group);
    assert_null(bench->group);
    group_release(&bench->group); /* accepts NULL */
}

static void
test_refusals_name_the_file(void **state)
{
    struct bench *bench = *state;
    static const struct {
        const char *path;
        const char *begins;
    } rows[] = {
        { BROKEN "magic.so", "magic.so: " },
        { "/nonexistent/x.so", "x.so: cannot be read: " },
#if !defined(ROLLCALL_SANITIZED) /* which end a process that crashes in their own way */
        { HOSTILE "hostile-constructor.so",
          "hostile-constructor.so: cannot be opened: worker killed by signal 11 (SIGSEGV)" },
#endif
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct error_text why = learn(bench, rows[i].path);
        if (bench->manifest != NULL ||
            strncmp(why.text, rows[i].begins, strlen(rows[i].begins)) != 0) {
            fail_msg("row %zu: %s, wants %s", i, why.text, rows[i].begins);
        }
        group_release(&bench->group);
    }
}

static void
test_calls_end_in_a_process(void **state)
{
    struct bench *bench = *state;
    serve(bench, PLUGINS "steps.so");
    struct future *future = begin(bench);
    assert_int_equal(crew_in_hand(bench->crew), 1);
    while (!future_is_done(future)) {
        turn(bench);
    }
    assert_int_equal(future->error, ERROR_OK);
    const struct call_answer *answer = future->result;
    assert_int_equal(answer->outcome, CALL_REQUEST);
    assert_string_equal(answer->url, "{base}/start");
    future_unref(&future);
    assert_int_equal(crew_in_hand(bench->crew), 0);
    assert_int_equal(bench->plugin->calls, 1);
    assert_int_equal(bench->plugin->failures, 0);
    assert_true(group_workers(bench->group) >= 1);
}

static void
test_a_cancelled_call_is_forgotten(void **state)
{
    struct bench *bench = *state;
    serve(bench, PLUGINS "steps.so");
    struct future *future = begin(bench);
    assert_true(future_cancel(future));
    assert_int_equal(crew_in_hand(bench->crew), 0);
    future_unref(&future);
    assert_int_equal(end(bench, begin(bench)), ERROR_OK);
}

#if !defined(ROLLCALL_SANITIZED)
static void
test_deaths_are_noted(void **state)
{
    struct bench *bench = *state;
    serve(bench, HOSTILE "hostile-segfault.so");
    assert_int_equal(end(bench, begin(bench)), ERROR_PLUGIN);
    assert_string_equal(bench->plugin->last_error.text, "worker killed by signal 11 (SIGSEGV)");
    assert_int_equal(bench->plugin->failures, 1);
    assert_int_equal(bench->plugin->state, PLUGIN_READY);
    while (bench->plugin->state == PLUGIN_READY) {
        assert_int_equal(end(bench, begin(bench)), ERROR_PLUGIN);
    }
    assert_int_equal(bench->plugin->state, PLUGIN_ASIDE);
    assert_int_equal(bench->plugin->failures, PROCS_FAILURES_MAX);
    const struct call_request request = { .kind = CALL_STEP, .subject = "alice" };
    struct future *future = NULL;
    assert_int_equal(crew_call(bench->crew, bench->plugin, &request, &future), ERROR_PLUGIN);
}
#endif

/* The very same bytes, in another file: it could be any. */
static void
test_a_changed_file_waits_for_a_reload(void **state)
{
    struct bench *bench = *state;
    struct tmpdir *folder = tmpdir_new();
    char *path = tmpdir_copy(folder, "x.so", HOSTILE "hostile-mortal.so");
    tmpdir_open(folder);
    serve(bench, path);
    assert_int_equal(end(bench, begin(bench)), ERROR_OK);
    char *copy = tmpdir_copy(folder, "y.so", HOSTILE "hostile-mortal.so");
    assert_int_equal(rename(copy, path), 0);
    assert_int_equal(end(bench, begin(bench)), ERROR_OK);
    assert_int_equal(bench->plugin->state, PLUGIN_READY);
    while (bench->plugin->state == PLUGIN_READY) { /* the worker and its spare, if it was in time */
        assert_int_equal(end(bench, begin_with(bench, "die")), ERROR_PLUGIN);
    }
    assert_string_equal(bench->plugin->last_error.text, "its file has changed; reload the plugin");
    while (group_workers(bench->group) > 0) {
        turn(bench);
    }
    free(copy);
    free(path);
    tmpdir_free(&folder);
}

/* Neither what is too large for a frame of its kind nor what cannot be read in one. */
static void
test_what_cannot_be_carried_over_fails_alone(void **state)
{
    struct bench *bench = *state;
    static const struct {
        const char *subject;
        const char *begins;
    } rows[] = {
        { "nonsense", "worker broke the protocol: its answer cannot be read: " },
        { "large", "worker broke the protocol: what it said is no answer, or too long" },
    };
    groups_free(&bench->groups);
    assert_int_equal(groups_new(exec_loop(bench->exec), LIAR, &bench->groups), ERROR_OK);
    serve(bench, PLUGINS "steps.so");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *said = bench->plugin->last_error.text;
        assert_int_equal(end(bench, begin_with(bench, rows[i].subject)), ERROR_PLUGIN);
        if (strncmp(said, rows[i].begins, strlen(rows[i].begins)) != 0) {
            fail_msg("row %zu: %s", i, said);
        }
        assert_int_equal(bench->plugin->failures, i + 1);
        assert_int_equal(end(bench, begin(bench)), ERROR_OK);
    }
    assert_int_equal(bench->plugin->state, PLUGIN_READY);
    while (bench->plugin->state == PLUGIN_READY) {
        assert_int_equal(end(bench, begin_with(bench, "nonsense")), ERROR_PLUGIN);
    }
    assert_int_equal(bench->plugin->failures, PROCS_FAILURES_MAX);
}

/* It was learned by a worker without the network; the first one with it fails, and is only one that
 * failed. */
static void
test_a_networked_plugin_survives_a_failed_start(void **state)
{
    struct bench *bench = *state;
    struct tmpdir *folder = tmpdir_new();
    char *program = tmpdir_join(folder, "worker");
    groups_free(&bench->groups);
    assert_int_equal(symlink(WORKER, program), 0);
    assert_int_equal(groups_new(exec_loop(bench->exec), program, &bench->groups), ERROR_OK);
    serve(bench, PLUGINS "dial.so");
    assert_int_equal(unlink(program), 0);
    while (bench->plugin->last_error.text[0] == '\0') {
        turn(bench);
    }
    assert_string_equal(bench->plugin->last_error.text,
                        "worker could not be started: No such file or directory");
    assert_int_equal(bench->plugin->state, PLUGIN_READY);
    assert_int_equal(symlink(WORKER, program), 0);
    const struct call_request request = { .kind = CALL_BLOCK,
                                          .subject_kind = ROLLCALL_USERNAME,
                                          .subject = "1" };
    struct future *future = NULL;
    assert_int_equal(crew_call(bench->crew, bench->plugin, &request, &future), ERROR_OK);
    assert_int_equal(end(bench, future), ERROR_OK);
    free(program);
    tmpdir_free(&folder);
}

/* With the memory for it, which the plugin's constructor has had in no other; and then it leaves.
 */
static void
test_data_is_read_by_a_worker_of_its_own(void **state)
{
    struct bench *bench = *state;
    struct future *future = NULL;
    serve(bench, PLUGINS "tries.so");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(crew_enumerate(bench->crew, bench->plugin, &future), ERROR_OK);
        while (!future_is_done(future)) {
            turn(bench);
        }
        assert_int_equal(future->error, ERROR_OK);
        const struct call_answer *answer = future->result;
        bool had_memory = false;
        bool had_network = false;
        for (size_t note = 0; note < answer->note_count; note++) {
            had_memory = had_memory || strcmp(answer->notes[note], "memory-grow 27") == 0;
            had_network = had_network || strcmp(answer->notes[note], "socket-tcp 0") == 0;
        }
        assert_true(had_memory); /* EFBIG: it is there */
        assert_false(had_network);
        future_unref(&future);
    }
    while (proc_children(getpid()) > group_workers(bench->group)) {
        turn(bench);
    }
    assert_true(group_workers(bench->group) >= 1);
    assert_int_equal(bench->plugin->state, PLUGIN_READY);
    assert_string_equal(bench->plugin->last_error.text, "");
}

/* Released in the middle of a call: that one ends, then the group goes by itself. */
static void
test_a_released_group_finishes(void **state)
{
    struct bench *bench = *state;
    serve(bench, PLUGINS "steps.so");
    assert_int_equal(end(bench, begin(bench)), ERROR_OK);
    struct future *future = begin(bench);
    group_release(&bench->group);
    assert_int_equal(end(bench, future), ERROR_OK);
    siginfo_t info; /* only looking: the loop reaps them, so that nobody is left at last */
    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
        turn(bench);
    }
    assert_int_equal(errno, ECHILD);
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_file_is_learned),
        TEST(test_refusals_name_the_file),
        TEST(test_calls_end_in_a_process),
        TEST(test_a_cancelled_call_is_forgotten),
#if !defined(ROLLCALL_SANITIZED)
        TEST(test_deaths_are_noted),
#endif
        TEST(test_what_cannot_be_carried_over_fails_alone),
        TEST(test_a_changed_file_waits_for_a_reload),
        TEST(test_a_networked_plugin_survives_a_failed_start),
        TEST(test_data_is_read_by_a_worker_of_its_own),
        TEST(test_a_released_group_finishes),
    };
    return cmocka_run_group_tests_name("group", tests, NULL, NULL);
}
