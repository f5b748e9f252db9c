/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What the tests of checks and queries share: a real executor whose loop the test itself turns, a
 * real crew, a plugin that lives in the test program, and a scripted platform behind it. Included
 * by one test program each, hence static.
 *
 * All checkers ask GET {base}/<platform>/<subject>; what the platform says, the test sets with
 * USE_ROUTES. "yes" in a 200 is registered, "no" in any reply is unregistered. */
#ifndef ROLLCALL_TESTS_UNIT_QUERY_FLOW_H
#define ROLLCALL_TESTS_UNIT_QUERY_FLOW_H

#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/clock.h"
#include "daemon/base/error.h"
#include "daemon/query/query.h"
#include "rollcall/plugin.h"
#include "tests/support/common.h"
#include "tests/support/scripted.h"

/* ---- The platform -------------------------------------------------------- */

struct route {
    const char *target; /* the beginning of it */
    const char *reply;  /* NULL: nothing, until the client closes */
};

#define BODY(status, headers, body)                                                                \
    "HTTP/1.1 " status "\r\n" headers "Connection: close\r\n\r\n" body
#define GATED "\1" /* in front of a reply: not before scripted_open_gate() */
#define YES BODY("200 OK", "", "yes")
#define NO BODY("404 Not Found", "", "no")

/* The test sets them while the server's threads run. */
static _Atomic(const struct route *) routes;
static atomic_size_t route_count;
static atomic_uint gated_count; /* how many came to the gate, their route in hand */

#define USE_ROUTES(...)                                                                            \
    do {                                                                                           \
        static const struct route table[] = { __VA_ARGS__ };                                       \
        routes = table;                                                                            \
        route_count = ARRAY_LEN(table);                                                            \
    } while (0)

static const struct route *
find_route(const char *target)
{
    const struct route *table = routes;
    for (size_t i = 0; i < route_count; i++) {
        if (strncmp(table[i].target, target, strlen(table[i].target)) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

static void
serve(struct scripted_conn *conn, void *context)
{
    (void)context;
    const char *request = scripted_read(conn);
    if (request == NULL) {
        return;
    }
    const struct route *route = find_route(strchr(request, ' ') + 1);
    if (route != NULL && route->reply == NULL) {
        scripted_until_closed(conn);
        return;
    }
    const char *reply = route != NULL ? route->reply : BODY("418 Teapot", "", "");
    if (reply[0] == GATED[0]) {
        atomic_fetch_add(&gated_count, 1);
        scripted_gate(conn);
        reply++;
    }
    scripted_send(conn, reply, strlen(reply));
}

/* ---- The plugin ---------------------------------------------------------- */

static sem_t block_gate;            /* the blocking checker waits here */
static atomic_int block_running;    /* how many are in it */
static atomic_bool block_cancelled; /* one saw that nobody waits any more */

static rollcall_step
judge(rollcall_check *check, const rollcall_reply *reply)
{
    if (reply->status == 200 && rollcall_body_has(reply, "yes")) {
        return rollcall_registered(check, "https://people.example/{subject}");
    }
    if (rollcall_body_has(reply, "no")) {
        return rollcall_unregistered(check);
    }
    return rollcall_unknown_from(check, reply);
}

static rollcall_step
ask(rollcall_check *check, const rollcall_reply *reply, const char *url)
{
    return reply == NULL ? rollcall_get(check, url) : judge(check, reply);
}

static rollcall_step
step_alpha(rollcall_check *check, const rollcall_reply *reply)
{
    return ask(check, reply, "{base}/alpha/{subject}");
}

static rollcall_step
step_beta(rollcall_check *check, const rollcall_reply *reply)
{
    return ask(check, reply, "{base}/beta/{subject}");
}

static rollcall_step
step_gamma(rollcall_check *check, const rollcall_reply *reply)
{
    return ask(check, reply, "{base}/gamma/{subject}");
}

static rollcall_step
step_other(rollcall_check *check, const rollcall_reply *reply)
{
    return ask(check, reply, "{base}/other/{subject}");
}

static rollcall_step
step_host(rollcall_check *check, const rollcall_reply *reply)
{
    return ask(check, reply, "https://{subject}.example.org/");
}

static rollcall_step
step_wrong(rollcall_check *check, const rollcall_reply *reply)
{
    return ask(check, reply, "{base}/{nonsense}");
}

/* Sets a cookie in its first step and must see it, and its own state, in the second. */
static rollcall_step
step_twice(rollcall_check *check, const rollcall_reply *reply)
{
    char *state = rollcall_state(check);
    if (reply == NULL) {
        return rollcall_get(check, "{base}/first/{subject}");
    }
    if (check->step == 1) {
        memcpy(state, "seen", 5);
        rollcall_put(check, "token", "t/1");
        return rollcall_get(check, "{base}/second/{value:token}");
    }
    return strcmp(state, "seen") == 0 ? judge(check, reply)
                                      : rollcall_unknown(check, ROLLCALL_BLOCKED);
}

static rollcall_step
step_endless(rollcall_check *check, const rollcall_reply *reply)
{
    (void)reply;
    return rollcall_get(check, "{base}/endless");
}

static rollcall_step
step_tokened(rollcall_check *check, const rollcall_reply *reply)
{
    if (reply == NULL) {
        rollcall_header(check, "X-Guest", "{shared:guest}");
        return rollcall_get(check, "{base}/tokened/{subject}");
    }
    return reply->status == 401 ? rollcall_stale(check, "guest") : judge(check, reply);
}

static rollcall_step
step_guest(rollcall_check *check, const rollcall_reply *reply)
{
    if (reply == NULL) {
        return rollcall_get(check, "{base}/guest");
    }
    char token[64];
    if (reply->status == 200 && rollcall_body_between(reply, "<", ">", token, sizeof token) > 0) {
        return rollcall_share(check, token);
    }
    return rollcall_unknown_from(check, reply);
}

static rollcall_step
block(rollcall_check *check, const rollcall_reply *reply)
{
    (void)reply;
    atomic_fetch_add(&block_running, 1);
    sem_wait(&block_gate);
    atomic_fetch_sub(&block_running, 1);
    if (rollcall_is_cancelled(check)) {
        atomic_store(&block_cancelled, true);
        return rollcall_unknown(check, ROLLCALL_TIMEOUT);
    }
    return rollcall_registered(check, NULL);
}

static const char *const greek[] = { "greek", NULL };
static const char *const adult[] = { "adult", NULL };
static const rollcall_platform alpha = {
    .id = "alpha", .title = "Alpha", .home = "https://a.example", .tags = greek
};
static const rollcall_platform beta = {
    .id = "beta", .title = "Beta", .home = "https://b.example", .tags = greek
};
static const rollcall_platform gamma_ = {
    .id = "gamma", .title = "Gamma", .home = "https://c.example", .tags = greek
};
static const rollcall_platform blocker = { .id = "blocker",
                                           .title = "Blocker",
                                           .home = "https://d.example" };
static const rollcall_platform endless = { .id = "endless",
                                           .title = "Endless",
                                           .home = "https://e.example" };
static const rollcall_platform hidden = { .id = "hidden",
                                          .title = "Hidden",
                                          .home = "https://f.example" };
static const rollcall_platform hosted = { .id = "hosted",
                                          .title = "Hosted",
                                          .home = "https://g.example" };
static const rollcall_platform newrule = { .id = "newrule",
                                           .title = "New rule",
                                           .home = "https://h.example" };
static const rollcall_platform paced = { .id = "paced",
                                         .title = "Paced",
                                         .home = "https://i.example" };
static const rollcall_platform published = { .id = "published",
                                             .title = "Published",
                                             .home = "https://j.example" };
static const rollcall_platform single = { .id = "single",
                                          .title = "One at a time",
                                          .home = "https://n.example" };
static const rollcall_platform spicy = {
    .id = "spicy", .title = "Spicy", .home = "https://k.example", .tags = adult
};
static const rollcall_platform strict = { .id = "strict",
                                          .title = "Strict",
                                          .home = "https://l.example" };
static const rollcall_platform tokened = { .id = "tokened",
                                           .title = "Tokened",
                                           .home = "https://m.example" };
static const rollcall_platform twice = { .id = "twice",
                                         .title = "Twice",
                                         .home = "https://o.example" };
static const rollcall_platform wrong = { .id = "wrong",
                                         .title = "Wrong",
                                         .home = "https://p.example" };

static const rollcall_name_rule all_names = { 3, 8, "a-z", "https://l.example/rules", 1 };
static const rollcall_name_rule new_names = { 3, 8, "a-z", "https://h.example/rules", 0 };

/* Fields that nearly all have in common; those that differ come after. */
#define CHECKER(of, how, ...)                                                                      \
    {                                                                                              \
        .platform = &(of), .kind = ROLLCALL_USERNAME, .method = ROLLCALL_DOCUMENTED,               \
        .base_url = "https://api.example.com", .rate_seconds = 1, .step = (how), __VA_ARGS__       \
    }
#define EXACT .evidence = ROLLCALL_EXACT
#define FAST .rate_count = 10000, .concurrency = 100

static const rollcall_checker checkers[] = {
    CHECKER(alpha, step_alpha, EXACT, FAST),
    CHECKER(beta, step_beta, EXACT, FAST),
    CHECKER(gamma_, step_gamma, EXACT, FAST),
    CHECKER(endless, step_endless, EXACT, FAST),
    CHECKER(hosted, step_host, EXACT, FAST),
    CHECKER(newrule, step_other, EXACT, FAST, .name_rule = &new_names),
    CHECKER(published, step_other, FAST, .evidence = ROLLCALL_PUBLIC),
    CHECKER(single, step_other, EXACT, .rate_count = 10000, .concurrency = 1),
    CHECKER(spicy, step_other, EXACT, FAST),
    CHECKER(strict, step_other, EXACT, FAST, .name_rule = &all_names),
    CHECKER(tokened, step_tokened, EXACT, FAST),
    CHECKER(twice, step_twice, EXACT, FAST),
    CHECKER(wrong, step_wrong, EXACT, FAST),
    { .platform = &hidden,
      .kind = ROLLCALL_USERNAME,
      .method = ROLLCALL_RECOVERY,
      EXACT,
      .base_url = "https://api.example.com",
      .rate_seconds = 1,
      FAST,
      .step = step_other },
    { .platform = &paced,
      .kind = ROLLCALL_USERNAME,
      .method = ROLLCALL_DOCUMENTED,
      EXACT,
      .base_url = "https://api.example.com",
      .rate_count = 1,
      .rate_seconds = 3600,
      .concurrency = 1,
      .step = step_other },
    { .platform = &blocker,
      .kind = ROLLCALL_USERNAME,
      .method = ROLLCALL_DOCUMENTED,
      EXACT,
      .rate_seconds = 1,
      FAST,
      .block = block },
    { .platform = &alpha,
      .kind = ROLLCALL_EMAIL,
      .method = ROLLCALL_SIGNUP,
      EXACT,
      .base_url = "https://api.example.com",
      .rate_seconds = 1,
      FAST,
      .step = step_alpha },
};

static const rollcall_shared shared_values[] = {
    { .name = "guest",
      .lifetime_s = 3600,
      .step = step_guest,
      .base_url = "https://api.example.com" },
};

static const rollcall_plugin entry = {
    .head = ROLLCALL_PLUGIN_HEAD,
    .name = "flow",
    .version = "1",
    ROLLCALL_CHECKERS(checkers),
    ROLLCALL_SHARED(shared_values),
};

/* ---- The daemon around it ------------------------------------------------ */

static struct scripted *server;
static struct exec *exec;
static struct loop *loop;
static struct crew *crew;
static struct registry *registry;
static struct queries *queries;
static struct image image;
static struct conf conf;
static struct conf_plugin section;
static char base_url[64];
static struct query *held[64];
static size_t held_count;
static struct address_range loopback;

static struct conf
usual_conf(void)
{
    return (struct conf){ .timeout_us = 60 * CLOCK_US_PER_S,
                          .deadline_us = 30 * CLOCK_US_PER_S,
                          .deadline_max_us = 300 * CLOCK_US_PER_S,
                          .query_ttl_us = 60 * CLOCK_US_PER_S,
                          .max_queries = 20,
                          .max_checks = 100,
                          .methods = 1U << ROLLCALL_DOCUMENTED | 1U << ROLLCALL_SIGNUP,
                          .strategy = "auto",
                          .plugins = &section,
                          .plugin_count = 1 };
}

/* Whoever calls it owns the registry. */
MAYBE_UNUSED static struct registry *
new_registry(void)
{
    struct image *const images[] = { &image };
    struct registry *made = NULL;
    struct error_text why = { "" };
    if (registry_new(&conf, images, 1, &made, &why) != ERROR_OK) {
        support_fail("%s", why.text);
    }
    return made;
}

static void
new_exec(void)
{
    struct exec_options options = {
        .pool = { .threads = 4, .queue_max = 1000, .name = "test" },
        .fetch = { .user_agent = "flow/1",
                   .allow_addresses = &loopback,
                   .allow_count = 1,
                   .body_bytes_max = 64 * 1024 * 1024,
                   .connections_max = 64 },
    };
    struct error_text why = { "" };
    if (exec_new(&options, &exec, &why) != ERROR_OK) {
        support_fail("%s", why.text);
    }
    loop = exec_loop(exec);
}

MAYBE_UNUSED static void
new_queries(void)
{
    registry = new_registry();
    struct queries_options options = {
        .exec = exec, .crew = crew, .registry = registry, .conf = &conf
    };
    assert_int_equal(queries_new(&options, &queries), ERROR_OK);
}

static int
set_up(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    route_count = 0;
    atomic_store(&gated_count, 0);
    atomic_store(&block_cancelled, false);
    sem_init(&block_gate, 0, 0);
    assert_int_equal(address_range_parse("127.0.0.0/8", &loopback, NULL), ERROR_OK);
    server = scripted_start(serve, NULL, NULL);
    snprintf(base_url, sizeof base_url, "http://127.0.0.1:%u", scripted_port(server));
    section = (struct conf_plugin){ .name = "flow", .enabled = true, .base_url = base_url };
    conf = usual_conf();
    struct error_text why = { "" };
    image = (struct image){ .file = "flow.so", .entry = &entry, .entry_size = sizeof entry };
    if (manifest_judge(&entry, &image.manifest, &why) != ERROR_OK) {
        support_fail("%s", why.text);
    }
    new_exec();
    assert_int_equal(crew_new(exec, &crew), ERROR_OK);
    new_queries();
    return 0;
}

/* Nobody but the table holds a query any more. */
static void
let_go(void)
{
    while (held_count > 0) {
        query_unref(&held[--held_count]);
    }
}

static int
tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        sem_post(&block_gate); /* let go whoever still waits there */
    }
    let_go();
    queries_free(&queries);
    crew_close(crew);
    assert_int_equal(exec_stop(exec, CLOCK_NEVER), ERROR_OK);
    crew_free(&crew);
    exec_free(&exec);
    registry_unref(&registry);
    manifest_free(&image.manifest);
    scripted_stop(&server);
    sem_destroy(&block_gate);
    clock_thaw();
    return 0;
}

/* ---- Verbs --------------------------------------------------------------- */

static void
turn(void)
{
    loop_turn(loop, 10 * CLOCK_US_PER_MS);
    if (clock_is_frozen()) {
        clock_advance(1); /* a timer armed for now in a timer is due in the next microsecond */
    }
}

/* Turn the loop until `condition` holds. */
#define TURN_UNTIL(condition)                                                                      \
    do {                                                                                           \
        int64_t turn_deadline_us = support_now_us() + SUPPORT_WAIT_MS * CLOCK_US_PER_MS;           \
        while (!(condition)) {                                                                     \
            turn();                                                                                \
            if (support_now_us() > turn_deadline_us) {                                             \
                support_fail("%s:%d: waited in vain for %s", __FILE__, __LINE__, #condition);      \
            }                                                                                      \
        }                                                                                          \
    } while (0)

/* A request for these platforms, all of them: "alpha beta"; NULL: the default set. The words live
 * until the next call. */
MAYBE_UNUSED static struct query_request
request_for(const char *subject, const char *words)
{
    static char text[256];
    static const char *list[16];
    struct query_request request = { .until = QUERY_UNTIL_ALL };
    assert_int_equal(subject_parse(subject, strlen(subject), 0, &request.subject, NULL), ERROR_OK);
    if (words == NULL) {
        return request;
    }
    request.platforms = list;
    snprintf(text, sizeof text, "%s", words);
    char *rest = text;
    while (rest != NULL) {
        list[request.platform_count++] = strsep(&rest, " ");
    }
    return request;
}

/* Open it. The reference is the fixture's, until the test is over. */
MAYBE_UNUSED static struct query *
open_query(const struct query_request *request)
{
    struct query *query = NULL;
    assert_true(held_count < ARRAY_LEN(held));
    struct error_text why = { "" };
    if (query_open(queries, request, &query, &why) != ERROR_OK) {
        support_fail("%s", why.text);
    }
    held[held_count++] = query;
    return query;
}

MAYBE_UNUSED static bool
is_done(struct query *query)
{
    return future_is_done(query_future(query));
}

/* Open it and wait for its answer. */
MAYBE_UNUSED static struct query *
run_query(const struct query_request *request)
{
    struct query *query = open_query(request);
    TURN_UNTIL(is_done(query));
    return query;
}

MAYBE_UNUSED static struct check_view
view_of(const struct query *query, size_t index)
{
    struct check_view view;
    const struct answer *answer = query_answer(query);
    assert_true(index < answer->check_count);
    check_view(answer->checks[index], &view);
    return view;
}

/* Ask one platform about one name, and see what the check came to. */
MAYBE_UNUSED static struct finding
ask_one(const char *subject, const char *platform)
{
    struct query_request request = request_for(subject, platform);
    struct query *query = run_query(&request);
    return view_of(query, 0).finding;
}

#define assert_finding(got, want_verdict, want_reason)                                             \
    do {                                                                                           \
        struct finding the_finding = (got);                                                        \
        assert_string_equal(verdict_name(the_finding.verdict), verdict_name(want_verdict));        \
        assert_int_equal(the_finding.reason, want_reason);                                         \
    } while (0)

#define FLOW_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

#endif
