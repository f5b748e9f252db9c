/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Everything below serve/, real, with a plugin of the test's own and without any network: platform
 * "yes" says registered, "no" unregistered, "hold" waits until the test lets it go. The test's own
 * thread drives the loop. */
#ifndef ROLLCALL_TESTS_UNIT_SERVE_FIXTURE_H
#define ROLLCALL_TESTS_UNIT_SERVE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/clock.h"
#include "daemon/conf/conf.h"
#include "daemon/exec/exec.h"
#include "daemon/plugin/crew.h"
#include "daemon/plugin/registry.h"
#include "daemon/query/query.h"
#include "daemon/serve/calls.h"
#include "tests/support/common.h"

struct fixture {
    struct conf *conf;
    struct manifest *manifest;
    struct image image;
    struct registry *registry;
    struct exec *exec;
    struct crew *crew;
    struct queries *queries;
    struct calls *calls;
};

/* How often "hold" was begun, and whether it may end. */
static atomic_int fixture_held;
static atomic_bool fixture_let_go;

static rollcall_step
fixture_yes(rollcall_check *check, const rollcall_reply *reply)
{
    (void)reply;
    return rollcall_registered(check, NULL);
}

static rollcall_step
fixture_no(rollcall_check *check, const rollcall_reply *reply)
{
    (void)reply;
    return rollcall_unregistered(check);
}

static rollcall_step
fixture_hold(rollcall_check *check, const rollcall_reply *reply)
{
    (void)reply;
    atomic_fetch_add(&fixture_held, 1);
    while (!atomic_load(&fixture_let_go) && !rollcall_is_cancelled(check)) {
        sched_yield();
    }
    return rollcall_registered(check, NULL);
}

static const char *const fixture_tags[] = { "quick", NULL };
static const rollcall_platform fixture_platforms[] = {
    { .id = "hold", .title = "Hold", .home = "https://hold.test/" },
    { .id = "no", .title = "No", .home = "https://no.test/", .tags = fixture_tags },
    { .id = "yes", .title = "Yes", .home = "https://yes.test/", .tags = fixture_tags },
};

#define FIXTURE_CHECKER(index, function)                                                           \
    {                                                                                              \
        .platform = &fixture_platforms[index], .kind = ROLLCALL_USERNAME,                          \
        .method = ROLLCALL_DOCUMENTED, .evidence = ROLLCALL_EXACT, .rate_count = 1000,             \
        .rate_seconds = 1, .concurrency = 100, .block = (function)                                 \
    }

static const rollcall_checker fixture_checkers[] = {
    FIXTURE_CHECKER(0, fixture_hold),
    FIXTURE_CHECKER(1, fixture_no),
    FIXTURE_CHECKER(2, fixture_yes),
};

static const rollcall_plugin fixture_plugin = {
    .head = ROLLCALL_PLUGIN_HEAD,
    .name = "fixture",
    .version = "1.0",
    ROLLCALL_CHECKERS(fixture_checkers),
};

static inline void
fixture_open_registry(struct fixture *fixture)
{
    static const char *const overrides[] = { "plugin_dirs=[]", "plugin.fixture.rate=0" };
    struct error_text why = { "" };
    struct conf_tree *tree = NULL;
    struct conf_schema schema = { .plugin = "fixture" };
    struct image *images[] = { &fixture->image };
    if (manifest_judge(&fixture_plugin, &fixture->manifest, &why) != ERROR_OK ||
        conf_open(NULL, overrides, 2, &tree, &why) != ERROR_OK ||
        conf_read(tree, &schema, 1, &fixture->conf, &why) != ERROR_OK) {
        fail_msg("%s", why.text);
    }
    conf_close(&tree);
    fixture->image = (struct image){
        .file = "fixture.so",
        .entry = &fixture_plugin,
        .entry_size = sizeof(fixture_plugin),
        .manifest = fixture->manifest,
    };
    if (registry_new(fixture->conf, images, 1, &fixture->registry, &why) != ERROR_OK) {
        fail_msg("%s", why.text);
    }
}

static inline struct fixture *
fixture_new(size_t waiting_max)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct error_text why = { "" };
    assert_non_null(fixture);
    atomic_store(&fixture_held, 0);
    atomic_store(&fixture_let_go, false);
    fixture_open_registry(fixture);
    const struct exec_options exec = {
        .pool = { .threads = 8, .queue_max = 64, .name = "test" },
        .fetch = { .user_agent = "test", .body_bytes_max = 1 << 20 },
    };
    if (exec_new(&exec, &fixture->exec, &why) != ERROR_OK) {
        fail_msg("%s", why.text);
    }
    assert_int_equal(crew_new(fixture->exec, &fixture->crew), ERROR_OK);
    const struct queries_options queries = {
        .exec = fixture->exec,
        .crew = fixture->crew,
        .registry = fixture->registry,
        .conf = fixture->conf,
    };
    assert_int_equal(queries_new(&queries, &fixture->queries), ERROR_OK);
    const struct calls_options calls = {
        .exec = fixture->exec,
        .queries = fixture->queries,
        .waiting_max = waiting_max,
    };
    assert_int_equal(calls_new(&calls, &fixture->calls), ERROR_OK);
    return fixture;
}

static inline void
fixture_turn(struct fixture *fixture)
{
    loop_turn(exec_loop(fixture->exec), clock_is_frozen() ? 0 : CLOCK_US_PER_MS);
}

static inline void
fixture_free(struct fixture *fixture)
{
    atomic_store(&fixture_let_go, true);
    queries_close(fixture->queries);
    queries_cancel_all(fixture->queries);
    crew_close(fixture->crew);
    calls_free(&fixture->calls);
    assert_int_equal(exec_stop(fixture->exec, CLOCK_NEVER), ERROR_OK);
    queries_free(&fixture->queries);
    crew_free(&fixture->crew);
    exec_free(&fixture->exec);
    registry_unref(&fixture->registry);
    conf_free(&fixture->conf);
    manifest_free(&fixture->manifest);
    free(fixture);
}

/* A message and what came back. */
struct talk {
    struct exchange exchange;
    char *reply; /* NULL: dropped, or not yet */
    size_t len;
    int replies;
};

static inline void
talk_on_reply(struct exchange *exchange, const char *bytes, size_t len)
{
    struct talk *talk = CONTAINER_OF(exchange, struct talk, exchange);
    talk->replies++;
    talk->len = len;
    talk->reply = bytes != NULL ? strndup(bytes, len) : NULL;
}

static inline void
talk_begin(struct talk *talk, struct fixture *fixture, const char *message)
{
    *talk = (struct talk){ .exchange = { .reply = talk_on_reply } };
    calls_begin(fixture->calls, &talk->exchange, message, strlen(message));
}

static inline void
talk_wait(struct talk *talk, struct fixture *fixture)
{
    int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * INT64_C(1000);
    while (talk->replies == 0) {
        if (support_now_us() > deadline_us) {
            fail_msg("no reply");
        }
        fixture_turn(fixture);
    }
    assert_int_equal(talk->replies, 1);
}

/* Ask and wait; the reply is the caller's to free(). */
static inline char *
talk_ask(struct fixture *fixture, const char *message)
{
    struct talk talk;
    talk_begin(&talk, fixture, message);
    talk_wait(&talk, fixture);
    return talk.reply;
}

/* Turn the loop until "hold" has been begun `count` times. */
static inline void
fixture_wait_held(struct fixture *fixture, int count)
{
    int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * INT64_C(1000);
    while (atomic_load(&fixture_held) < count) {
        if (support_now_us() > deadline_us) {
            fail_msg("\"hold\" was begun %d times", atomic_load(&fixture_held));
        }
        fixture_turn(fixture);
    }
}

#endif
