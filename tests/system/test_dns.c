/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* Platforms by name, with the world's name server: 127.0.0.1 may be reached, 127.0.0.2 may not, and
 * on the world's own port there a listener waits for whoever comes all the same. Nobody ever does.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/common.h"
#include "tests/support/daemon.h"
#include "tests/support/proc.h"
#include "tests/support/rpc.h"
#include "tests/support/world.h"

#define MEMBER "alice@example.com"

#define PLATFORMS                                                                                  \
    "\"platforms\":{\"github\":{\"registered\":[\"" MEMBER "\"]},"                                 \
    "\"twitter\":{\"registered\":[\"" MEMBER "\"]},"                                               \
    "\"facebook\":{\"fault\":\"status:302\",\"headers\":{\"Location\":\"http://bad.test/\"}}}"

#define SCRIPT                                                                                     \
    "{" PLATFORMS ",\"dns\":{"                                                                     \
    "\"good.test\":{\"a\":[\"127.0.0.1\"],\"ttl\":3600},"                                          \
    "\"brief.test\":{\"a\":[\"127.0.0.1\"],\"ttl\":1},"                                            \
    "\"mixed.test\":{\"a\":[\"127.0.0.2\",\"127.0.0.1\"],\"aaaa\":[\"::1\"]},"                     \
    "\"cut.test\":{\"a\":[\"127.0.0.1\"],\"fault\":\"truncate\"},"                                 \
    "\"bad.test\":{\"a\":[\"127.0.0.2\"]},"                                                        \
    "\"metadata.test\":{\"a\":[\"169.254.169.254\"]},"                                             \
    "\"private.test\":{\"a\":[\"10.0.0.1\"]},"                                                     \
    "\"six.test\":{\"aaaa\":[\"::1\"]},"                                                           \
    "\"mapped.test\":{\"aaaa\":[\"::ffff:127.0.0.2\"]},"                                           \
    "\"broken.test\":{\"fault\":\"servfail\"},"                                                    \
    "\"gone.test\":{\"fault\":\"nxdomain\"},"                                                      \
    "\"_xmpp-client._tcp.members.test\":{\"srv\":[\"9 0 5222 other.test\","                        \
    "\"5 0 5222 chat.srv.example\"]},"                                                             \
    "\"_xmpp-client._tcp.bare.test\":{\"a\":[\"127.0.0.1\"]},"                                     \
    "\"_xmpp-client._tcp.broken.test\":{\"fault\":\"servfail\"},"                                  \
    "\"_xmpp-client._tcp.silent.test\":{\"fault\":\"hang\"},"                                      \
    "\"_chat._tcp.alice.srv.test\":{\"srv\":[\"5 0 5222 chat.srv.example\"]},"                     \
    "\"silent.test\":{\"fault\":\"hang\"},"                                                        \
    "\"garbage.test\":{\"fault\":\"garbage\"},"                                                    \
    "\"changing.test\":{\"a\":[\"127.0.0.1\"],\"ttl\":0,\"then\":[{\"a\":[\"127.0.0.2\"],"         \
    "\"ttl\":0}]}}}"

struct fixture {
    struct world *world;
    struct daemon *daemon;
    struct rpc *rpc;
    int trap;
};

static unsigned
world_port(const struct world *world)
{
    return (unsigned)strtoul(strrchr(world_http(world), ':') + 1, NULL, 10);
}

static int
open_trap(unsigned port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK + 1) } };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

/* A world and a daemon that finds `platform` at a name; the other platforms have no name. */
static struct fixture
start(const char *platform, const char *name, const char *lines)
{
    struct fixture fixture = { .world = world_start(&(struct world_options){ .script = SCRIPT }) };
    unsigned port = world_port(fixture.world);
    char *servers = support_text("dns_servers=[\"%s\"]", world_dns(fixture.world));
    char *base = support_text("plugin.%s.base_url=http://%s:%u/%s", platform, name, port, platform);
    const char *args[] = { "-o", servers, "-o", base, "-o", "allow_addresses=[\"127.0.0.1/32\"]",
                           NULL };
    fixture.trap = open_trap(port);
    fixture.daemon = daemon_start(
        &(struct daemon_options){ .world = fixture.world, .args = args, .lines = lines });
    fixture.rpc = rpc_dial(daemon_url(fixture.daemon));
    free(servers);
    free(base);
    return fixture;
}

static void
stop(struct fixture *fixture)
{
    assert_int_equal(accept(fixture->trap, NULL, NULL), -1);
    assert_int_equal(errno, EAGAIN);
    (void)close(fixture->trap);
    rpc_free(&fixture->rpc);
    daemon_stop(&fixture->daemon);
    world_stop(&fixture->world);
}

static cJSON *
check(struct fixture *fixture, const char *platform)
{
    char *params = support_text(
        "{\"subject\":\"" MEMBER "\",\"platforms\":[\"%s\"],\"fresh\":true}", platform);
    cJSON *answer = rpc_result(fixture->rpc, "check", params);
    free(params);
    return answer;
}

static bool
is_answer(const cJSON *answer, const char *verdict, const char *reason)
{
    const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(answer, "checks"), 0);
    return strcmp(rpc_text(answer, "verdict"), verdict) == 0 &&
           strcmp(rpc_text(first, "reason"), reason) == 0;
}

static void
expect(struct fixture *fixture, const char *platform, const char *verdict, const char *reason)
{
    cJSON *answer = check(fixture, platform);
    if (!is_answer(answer, verdict, reason)) {
        char *text = cJSON_Print(answer);
        support_fail("%s: wants %s %s: %s", platform, verdict, reason, text);
    }
    cJSON_Delete(answer);
}

/* For A; each asking is one for AAAA too. Waits for the log, which may come behind the answer. It
 * may be more than are wanted: what has no reply in a second or two is asked again. */
static size_t
times_asked(struct fixture *fixture, const char *name, size_t wanted)
{
    assert_true(world_wait(fixture->world, WORLD_DNS, name, 2 * wanted, CHILD_WAIT_MS));
    struct world_log log = world_log(fixture->world);
    size_t count = 0;
    for (size_t i = 0; i < log.count; i++) {
        const struct world_event *event = &log.events[i];
        count += event->kind == WORLD_DNS && strcmp(event->platform, name) == 0 &&
                 strcmp(event->method, "A") == 0;
    }
    world_log_free(&log);
    return count;
}

/* ---- Which names lead where */

static const struct {
    const char *name;
    const char *verdict;
    const char *reason;
} names[] = {
    { "good.test", "registered", "" },
    { "mixed.test", "registered", "" },
    { "cut.test", "registered", "" },
    { "bad.test", "unknown", "unreachable" },
    { "metadata.test", "unknown", "unreachable" },
    { "private.test", "unknown", "unreachable" },
    { "six.test", "unknown", "unreachable" },
    { "mapped.test", "unknown", "unreachable" },
    { "broken.test", "unknown", "unreachable" },
    { "gone.test", "unknown", "unreachable" },
    { "nobody.test", "unknown", "unreachable" },
};

static void
names_lead_where_they_may(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct fixture fixture = start("github", names[i].name, NULL);
        expect(&fixture, "github", names[i].verdict, names[i].reason);
        assert_true(times_asked(&fixture, names[i].name, 1) > 0);
        stop(&fixture);
    }
}

/* Rebinding: what was allowed a moment ago is looked at again when its time is over. */
static void
name_that_changes_is_refused(void **state)
{
    (void)state;
    struct fixture fixture = start("github", "changing.test", NULL);
    int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * INT64_C(1000);
    expect(&fixture, "github", "registered", "");
    for (;;) {
        cJSON *answer = check(&fixture, "github");
        bool is_refused = is_answer(answer, "unknown", "unreachable");
        assert_true(is_refused || is_answer(answer, "registered", ""));
        cJSON_Delete(answer);
        if (is_refused) {
            break;
        }
        assert_true(support_now_us() < deadline_us);
    }
    assert_true(times_asked(&fixture, "changing.test", 2) >= 2);
    stop(&fixture);
}

static void
redirect_to_a_forbidden_name_is_refused(void **state)
{
    (void)state;
    struct fixture fixture = start("facebook", "good.test", NULL);
    expect(&fixture, "facebook", "unknown", "unreachable");
    assert_true(times_asked(&fixture, "good.test", 1) > 0);
    assert_true(times_asked(&fixture, "bad.test", 1) > 0);
    stop(&fixture);
}

/* ---- How long */

static void
answers_are_used_as_long_as_they_hold(void **state)
{
    (void)state;
    struct fixture fixture = start("github", "good.test", NULL);
    enum { CHECKS = 20 };
    for (int i = 0; i < CHECKS; i++) {
        expect(&fixture, "github", "registered", "");
    }
    assert_true(times_asked(&fixture, "good.test", 1) < CHECKS);
    stop(&fixture);
}

static void
answers_are_asked_for_again_in_time(void **state)
{
    (void)state;
    struct fixture fixture = start("github", "brief.test", NULL);
    int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * INT64_C(1000);
    expect(&fixture, "github", "registered", "");
    while (times_asked(&fixture, "brief.test", 1) < 2) {
        expect(&fixture, "github", "registered", "");
        assert_true(support_now_us() < deadline_us);
    }
    stop(&fixture);
}

/* ---- Names that do not answer */

static void
silence_ends_at_the_checks_timeout(void **state)
{
    (void)state;
    static const char *const silent[] = { "silent.test", "garbage.test" };
    for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
        struct fixture fixture = start("github", silent[i], "timeout = \"300ms\";");
        expect(&fixture, "github", "unknown", "timeout");
        stop(&fixture);
    }
}

static void
silence_holds_up_no_other_check(void **state)
{
    (void)state;
    struct fixture fixture = start("github", "silent.test", "timeout = \"10min\";");
    cJSON *query = rpc_result(fixture.rpc, "submit",
                              "{\"subject\":\"" MEMBER "\",\"platforms\":[\"github\"]}");
    assert_true(world_wait(fixture.world, WORLD_DNS, "silent.test", 1, CHILD_WAIT_MS));
    for (int i = 0; i < 5; i++) {
        expect(&fixture, "twitter", "registered", "");
    }
    char *own = support_text("{\"query\":\"%s\"}", rpc_text(query, "query"));
    char *params = support_text("{\"query\":\"%s\",\"timeout_ms\":0}", rpc_text(query, "query"));
    cJSON *result = rpc_result(fixture.rpc, "result", params);
    assert_true(cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(result, "done")));
    cJSON_Delete(result);
    cJSON_Delete(rpc_result(fixture.rpc, "cancel", own)); /* or the stop waits for it */
    cJSON_Delete(query);
    free(params);
    free(own);
    stop(&fixture);
}

static void
cancel_does_not_wait_for_a_name(void **state)
{
    (void)state;
    struct fixture fixture =
        start("github", "silent.test", "timeout = \"10min\"; deadline = \"5min\";");
    size_t threads = proc_threads(daemon_pid(fixture.daemon));
    cJSON *query = rpc_result(fixture.rpc, "submit",
                              "{\"subject\":\"" MEMBER "\",\"platforms\":[\"github\"]}");
    assert_true(world_wait(fixture.world, WORLD_DNS, "silent.test", 1, CHILD_WAIT_MS));
    assert_int_equal(proc_threads(daemon_pid(fixture.daemon)), threads); /* none for a look-up */
    char *params = support_text("{\"query\":\"%s\"}", rpc_text(query, "query"));
    cJSON *cancelled = rpc_result(fixture.rpc, "cancel", params);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(cancelled, "cancelled")));
    cJSON *answer = rpc_result(fixture.rpc, "result", params);
    assert_true(is_answer(answer, "unknown", "cancelled"));
    cJSON_Delete(answer);
    cJSON_Delete(cancelled);
    cJSON_Delete(query);
    free(params);
    stop(&fixture);
}

/* ---- SRV records, for a step that asks for them */

static const struct {
    const char *subject;
    const char *verdict;
    const char *reason;
} services[] = {
    { "alice@members.test", "registered", "" },
    { "alice@bare.test", "unregistered", "" },
    { "alice@strangers.test", "unregistered", "" },
    { "alice@broken.test", "unknown", "unreachable" },
    { "alice", "registered", "" },
    { "bob", "unregistered", "" },
    { "b.o.b", "unknown", "not_a_valid_name" },
};

static struct fixture
start_srv(const char *lines)
{
    struct fixture fixture = { .world = world_start(&(struct world_options){ .script = SCRIPT }) };
    char *servers = support_text("dns_servers=[\"%s\"]", world_dns(fixture.world));
    const char *args[] = { "-o", servers, NULL };
    const struct daemon_plugin plugin = { .name = "srv" };
    fixture.trap = open_trap(world_port(fixture.world));
    fixture.daemon =
        daemon_start(&(struct daemon_options){ .world = fixture.world,
                                               .args = args,
                                               .plugins = &plugin,
                                               .plugin_count = 1,
                                               .plugin_dir = TEST_BUILD_DIR "/tests/plugins",
                                               .lines = lines });
    fixture.rpc = rpc_dial(daemon_url(fixture.daemon));
    free(servers);
    return fixture;
}

static void
expect_service(struct fixture *fixture, const char *subject, const char *verdict,
               const char *reason)
{
    char *params = support_text("{\"subject\":\"%s\",\"platforms\":[\"srv\"]}", subject);
    cJSON *answer = rpc_result(fixture->rpc, "check", params);
    if (!is_answer(answer, verdict, reason)) {
        char *text = cJSON_Print(answer);
        support_fail("%s: wants %s %s: %s", subject, verdict, reason, text);
    }
    cJSON_Delete(answer);
    free(params);
}

static void
steps_ask_for_services(void **state)
{
    (void)state;
    struct fixture fixture = start_srv(NULL);
    for (size_t i = 0; i < ARRAY_LEN(services); i++) {
        expect_service(&fixture, services[i].subject, services[i].verdict, services[i].reason);
    }
    stop(&fixture);
}

static void
silence_about_a_service_ends_in_time(void **state)
{
    (void)state;
    struct fixture fixture = start_srv("timeout = \"300ms\";");
    expect_service(&fixture, "alice@silent.test", "unknown", "timeout");
    stop(&fixture);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_lead_where_they_may),
        cmocka_unit_test(name_that_changes_is_refused),
        cmocka_unit_test(redirect_to_a_forbidden_name_is_refused),
        cmocka_unit_test(answers_are_used_as_long_as_they_hold),
        cmocka_unit_test(answers_are_asked_for_again_in_time),
        cmocka_unit_test(silence_ends_at_the_checks_timeout),
        cmocka_unit_test(silence_holds_up_no_other_check),
        cmocka_unit_test(cancel_does_not_wait_for_a_name),
        cmocka_unit_test(steps_ask_for_services),
        cmocka_unit_test(silence_about_a_service_ends_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
