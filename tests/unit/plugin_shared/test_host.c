/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One call, from bytes to bytes, with a plugin that lives in this file: what a step may do comes
 * back in the answer, and every rule that it can break fails the call with a sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/plugin/call.h"
#include "daemon/plugin/host.h"

/* What the plugin's one step does in the test at hand. */
static rollcall_step_fn current;
static int32_t (*current_enumerate)(rollcall_check *check);

static rollcall_step
step(rollcall_check *check, const rollcall_reply *reply)
{
    return current(check, reply);
}

static int32_t
enumerate(rollcall_check *check)
{
    return current_enumerate(check);
}

static const rollcall_platform platform = { .id = "example",
                                            .title = "Example",
                                            .home = "https://example.org/" };
#define MANNERS .rate_count = 1, .rate_seconds = 1, .concurrency = 1
static const rollcall_checker checkers[] = {
    { .platform = &platform,
      .kind = ROLLCALL_USERNAME,
      .method = ROLLCALL_DOCUMENTED,
      .evidence = ROLLCALL_EXACT,
      .base_url = "https://example.org",
      MANNERS,
      .step = step },
    { .platform = &platform,
      .kind = ROLLCALL_EMAIL,
      .method = ROLLCALL_DOCUMENTED,
      .evidence = ROLLCALL_EXACT,
      MANNERS,
      .block = step },
};
static const rollcall_shared shared[] = {
    { .name = "guest", .lifetime_s = 60, .step = step, .base_url = "https://example.org" },
};
static const rollcall_plugin plugin = {
    .head = ROLLCALL_PLUGIN_HEAD,
    .name = "example",
    .version = "1.0",
    ROLLCALL_CHECKERS(checkers),
    ROLLCALL_SHARED(shared),
    .enumerate = enumerate,
    .enumerated_step = step,
};

static struct image image = { .file = "example.so",
                              .entry = &plugin,
                              .entry_size = sizeof(plugin) };
static const struct host_config *config;

static int
setup(void **state)
{
    (void)state;
    return manifest_judge(&plugin, &image.manifest, NULL);
}

static int
teardown(void **state)
{
    (void)state;
    manifest_free(&image.manifest);
    return 0;
}

static bool
yes(void *context)
{
    (void)context;
    return true;
}

static int
a_descriptor(void *context)
{
    (void)context;
    return 42;
}

static const struct host_caller gone_caller = { .is_cancelled = yes, .cancel_fd = a_descriptor };

/* Run a call and hand back its answer. */
static struct call_answer *
run(const struct call_request *request)
{
    struct buf in;
    struct buf out;
    struct call_answer *answer = NULL;
    struct error_text why = { "" };
    buf_init(&in, CALL_REQUEST_BYTES_MAX);
    buf_init(&out, CALL_ENUMERATION_BYTES_MAX);
    assert_int_equal(call_encode_request(request, &in), ERROR_OK);
    assert_int_equal(host_run(&image, config, &gone_caller, in.bytes, in.len, &out), ERROR_OK);
    if (call_decode_answer(out.bytes, out.len, &answer, &why) != ERROR_OK) {
        fail_msg("%s", why.text);
    }
    buf_fini(&in);
    buf_fini(&out);
    return answer;
}

static struct call_answer *
run_step(rollcall_step_fn fn, const struct call_reply *reply)
{
    const struct call_request request = {
        .kind = CALL_STEP, .subject_kind = ROLLCALL_USERNAME, .subject = "alice", .reply = reply
    };
    current = fn;
    return run(&request);
}

static void
fails(rollcall_step_fn fn, const struct call_reply *reply, const char *sentence)
{
    struct call_answer *answer = run_step(fn, reply);
    assert_int_equal(answer->outcome, CALL_FAILED);
    assert_string_equal(answer->failure, sentence);
    call_answer_free(&answer);
}

static const struct call_pair ok_headers[] = { { "Content-Type", "application/json" },
                                               { "X-Twice", "first" },
                                               { "x-twice", "second" } };
#define BODY                                                                                       \
    "{\"login\":\"Alice\",\"n\":7,\"yes\":true,\"list\":[{\"a\":1},{\"a\":\"b\"}],\"x\":null}"
static const struct call_reply ok_reply = { .status = 200,
                                            .stop_hit = -1,
                                            .url = "https://example.org/alice",
                                            .headers = ok_headers,
                                            .header_count = ARRAY_LEN(ok_headers),
                                            .body = BODY,
                                            .body_len = sizeof(BODY) - 1 };

/* ---- Asking -------------------------------------------------------------------------- */

static rollcall_step
ask_everything(rollcall_check *check, const rollcall_reply *reply)
{
    assert_null(reply);
    assert_string_equal(check->subject, "alice");
    assert_int_equal(check->kind, ROLLCALL_USERNAME);
    assert_int_equal(check->step, 0);
    assert_null(check->data);
    assert_int_equal(check->host->size, sizeof(rollcall_host));
    char name[] = "X-Name";
    char value[] = "{subject}";
    rollcall_header(check, name, value);
    name[0] = value[0] = '?'; /* copied at once */
    rollcall_form(check, "user", "{subject:lower}");
    rollcall_follow(check, 2);
    rollcall_stop_at(check, "</body>");
    return rollcall_post(check, "{base}/signup");
}

static void
test_request(void **state)
{
    (void)state;
    struct call_answer *answer = run_step(ask_everything, NULL);
    assert_int_equal(answer->outcome, CALL_REQUEST);
    assert_int_equal(answer->method, ROLLCALL_POST);
    assert_string_equal(answer->url, "{base}/signup");
    assert_int_equal(answer->header_count, 1);
    assert_string_equal(answer->headers[0].name, "X-Name");
    assert_string_equal(answer->headers[0].value, "{subject}");
    assert_int_equal(answer->form_count, 1);
    assert_string_equal(answer->form[0].value, "{subject:lower}");
    assert_null(answer->body);
    assert_int_equal(answer->redirects, 2);
    assert_int_equal(answer->stop_at_count, 1);
    assert_int_equal(answer->carried_len, 0);
    call_answer_free(&answer);
}

static rollcall_step
remember(rollcall_check *check, const rollcall_reply *reply)
{
    (void)reply;
    unsigned char *memory = rollcall_state(check);
    for (size_t i = 0; i < ROLLCALL_STATE_BYTES; i++) {
        assert_int_equal(memory[i], 0);
    }
    memory[10] = 42;
    assert_int_equal(rollcall_put(check, "token", "a b"), 0);
    assert_int_equal(rollcall_put(check, "Token", "x"), -1);
    assert_int_equal(rollcall_put(check, "bad", "\xff"), -1);
    rollcall_body(check, "application/json", "{{\"u\":\"{subject}\"}}");
    return rollcall_request(check, ROLLCALL_PUT, "{base}/x");
}

static rollcall_step
recall(rollcall_check *check, const rollcall_reply *reply)
{
    (void)reply;
    unsigned char *memory = rollcall_state(check);
    assert_int_equal(check->step, 1);
    assert_int_equal(memory[10], 42);
    assert_int_equal(memory[11], 0);
    assert_int_equal(rollcall_put(check, "more", "y"), 0);
    return rollcall_registered(check, "https://example.org/{value:token}");
}

static void
test_state_travels(void **state)
{
    (void)state;
    struct call_answer *first = run_step(remember, NULL);
    assert_string_equal(first->content_type, "application/json");
    assert_string_equal(first->body, "{{\"u\":\"{subject}\"}}");
    assert_int_equal(first->value_count, 1);
    assert_true(first->carried_len < 60);
    const struct call_request second = { .kind = CALL_STEP,
                                         .step = 1,
                                         .subject_kind = ROLLCALL_USERNAME,
                                         .subject = "alice",
                                         .carried = first->carried,
                                         .carried_len = first->carried_len,
                                         .reply = &ok_reply };
    current = recall;
    struct call_answer *answer = run(&second);
    assert_int_equal(answer->outcome, CALL_VERDICT);
    assert_int_equal(answer->verdict, ROLLCALL_REGISTERED);
    assert_string_equal(answer->profile, "https://example.org/{value:token}");
    assert_int_equal(answer->value_count, 2);
    assert_string_equal(answer->values[0].value, "a b");
    call_answer_free(&answer);
    call_answer_free(&first);
}

/* ---- Reading ------------------------------------------------------------------------- */

static rollcall_step
read_everything(rollcall_check *check, const rollcall_reply *reply)
{
    int64_t number = 0;
    char text[8];
    assert_int_equal(reply->status, 200);
    assert_int_equal(reply->stop_hit, -1);
    assert_string_equal(reply->url, "https://example.org/alice");
    assert_string_equal(rollcall_header_of(reply, "CONTENT-type"), "application/json");
    assert_string_equal(rollcall_header_of(reply, "X-Twice"), "first");
    assert_null(rollcall_header_of(reply, "X-None"));
    assert_true(rollcall_body_has(reply, "\"login\""));
    assert_false(rollcall_body_has(reply, "logout"));
    assert_int_equal(rollcall_body_between(reply, "login\":\"", "\"", text, sizeof(text)), 5);
    assert_string_equal(text, "Alice");
    assert_int_equal(rollcall_body_between(reply, "login\":\"", "\"", text, 5), -1);
    assert_int_equal(rollcall_body_between(reply, "login\":\"", "#", text, 5), -1);
    assert_int_equal(rollcall_body_between(reply, "nothing", "\"", text, 5), -1);
    assert_string_equal(rollcall_json_string(reply, "login"), "Alice");
    assert_null(rollcall_json_string(reply, "n"));
    assert_null(rollcall_json_string(reply, "x"));
    assert_null(rollcall_json_string(reply, ""));
    assert_null(rollcall_json_string(reply, "login.x"));
    assert_true(rollcall_json_is(reply, "list.1.a", "b"));
    assert_false(rollcall_json_is(reply, "list.1.a", "bc"));
    assert_false(rollcall_json_is(reply, "list.2.a", "b"));
    assert_false(rollcall_json_is(reply, "list.01x.a", "b"));
    assert_false(rollcall_json_is(reply, "list..a", "b"));
    assert_true(rollcall_json_int(reply, "n", &number));
    assert_int_equal(number, 7);
    assert_false(rollcall_json_int(reply, "login", &number));
    assert_int_equal(rollcall_json_bool(reply, "yes"), 1);
    assert_int_equal(rollcall_json_bool(reply, "n"), -1);
    assert_int_equal(rollcall_json_count(reply, "list"), 2);
    assert_int_equal(rollcall_json_count(reply, ""), 5);
    assert_int_equal(rollcall_json_count(reply, "list.0"), 1);
    assert_int_equal(rollcall_json_count(reply, "n"), -1);
    assert_false(rollcall_json_is_subject(reply, "login")); /* not caseless */
    assert_true(rollcall_is_subject(reply, "alice"));
    assert_false(rollcall_is_subject(reply, NULL));
    return rollcall_unregistered(check);
}

static void
test_reading(void **state)
{
    (void)state;
    struct call_answer *answer = run_step(read_everything, &ok_reply);
    assert_int_equal(answer->outcome, CALL_VERDICT);
    assert_int_equal(answer->verdict, ROLLCALL_UNREGISTERED);
    assert_int_equal(answer->retry_after_ms, -1);
    call_answer_free(&answer);
}

static rollcall_step
find_no_json(rollcall_check *check, const rollcall_reply *reply)
{
    assert_null(rollcall_json_string(reply, "login"));
    assert_int_equal(rollcall_json_count(reply, ""), -1);
    assert_int_equal(rollcall_json_bool(reply, "yes"), -1);
    return rollcall_unknown_from(check, reply);
}

static void
test_no_json(void **state)
{
    (void)state;
    struct call_reply reply = ok_reply;
    reply.truncated = true; /* whole by chance, but nobody knows */
    struct call_answer *answer = run_step(find_no_json, &reply);
    assert_int_equal(answer->reason, ROLLCALL_UNEXPECTED_REPLY);
    call_answer_free(&answer);
    reply = ok_reply;
    reply.body_len--;
    answer = run_step(find_no_json, &reply);
    assert_int_equal(answer->outcome, CALL_VERDICT);
    call_answer_free(&answer);
    reply.body = "{\"login\":\"a\",\"login\":\"b\",\"yes\":true}";
    reply.body_len = strlen(reply.body);
    answer = run_step(find_no_json, &reply);
    assert_int_equal(answer->outcome, CALL_VERDICT);
    call_answer_free(&answer);
}

static rollcall_step
is_caseless(rollcall_check *check, const rollcall_reply *reply)
{
    assert_true(rollcall_json_is_subject(reply, "login"));
    assert_false(rollcall_is_subject(reply, "alicex"));
    assert_false(rollcall_is_subject(reply, "alic"));
    assert_false(rollcall_is_subject(reply, ""));
    return rollcall_registered(check, NULL);
}

static void
test_caseless(void **state)
{
    (void)state;
    const struct call_request request = { .kind = CALL_STEP,
                                          .flags = ROLLCALL_CASELESS,
                                          .subject_kind = ROLLCALL_USERNAME,
                                          .subject = "aLICE",
                                          .reply = &ok_reply };
    current = is_caseless;
    struct call_answer *answer = run(&request);
    assert_int_equal(answer->outcome, CALL_VERDICT);
    assert_null(answer->profile);
    call_answer_free(&answer);
}

/* ---- Verdicts that the host corrects ------------------------------------------------- */

static rollcall_step
say_registered(rollcall_check *check, const rollcall_reply *reply)
{
    (void)reply;
    return rollcall_registered(check, "https://example.org/{subject}");
}

static rollcall_step
say_unregistered(rollcall_check *check, const rollcall_reply *reply)
{
    (void)reply;
    return rollcall_unregistered(check);
}

static void
test_wall_gives_no_verdict(void **state)
{
    (void)state;
    const char *page = "<html><head><title>Just a moment...</title></head>";
    const struct call_reply wall = { .status = 200,
                                     .stop_hit = -1,
                                     .url = "https://example.org/alice",
                                     .body = page,
                                     .body_len = strlen(page) };
    struct call_answer *answer = run_step(say_registered, &wall);
    assert_int_equal(answer->verdict, ROLLCALL_UNKNOWN);
    assert_int_equal(answer->reason, ROLLCALL_BLOCKED);
    assert_null(answer->profile);
    call_answer_free(&answer);
    answer = run_step(say_unregistered, &wall);
    assert_int_equal(answer->reason, ROLLCALL_BLOCKED);
    call_answer_free(&answer);
}

static rollcall_step
say_limited(rollcall_check *check, const rollcall_reply *reply)
{
    (void)reply;
    return rollcall_unknown(check, ROLLCALL_RATE_LIMITED);
}

static void
test_limit_is_read(void **state)
{
    (void)state;
    const struct call_pair header = { "Retry-After", "90" };
    struct call_reply reply = ok_reply;
    reply.headers = &header;
    reply.header_count = 1;
    struct call_answer *answer = run_step(say_limited, &reply);
    assert_int_equal(answer->reason, ROLLCALL_RATE_LIMITED);
    assert_int_equal(answer->retry_after_ms, 90000);
    call_answer_free(&answer);
    answer = run_step(say_limited, NULL);
    assert_int_equal(answer->retry_after_ms, -1);
    call_answer_free(&answer);
}

/* ---- Rules that are broken ----------------------------------------------------------- */

#define BAD(name, ...)                                                                             \
    static rollcall_step name(rollcall_check *check, const rollcall_reply *reply)                  \
    {                                                                                              \
        (void)reply;                                                                               \
        __VA_ARGS__                                                                                \
    }

static char big[ROLLCALL_TEMPLATE_BYTES + 2];

BAD(end_without_word, (void)check; return ROLLCALL_STEP_FAILED;)
BAD(end_made_up, (void)check; return ROLLCALL_STEP_VERDICT;)
BAD(end_other, (void)rollcall_unregistered(check); return ROLLCALL_STEP_REQUEST;)
BAD(end_lost, (void)rollcall_unregistered(check); return ROLLCALL_STEP_FAILED;)
BAD(end_odd, (void)check; return 4711;)
BAD(end_twice, (void)rollcall_get(check, "{base}"); return rollcall_unregistered(check);)
BAD(end_twice_same, (void)rollcall_get(check, "{base}"); return rollcall_get(check, "{base}");)
BAD(late_header, rollcall_step end = rollcall_get(check, "{base}");
    rollcall_header(check, "A", "b"); return end;)
BAD(no_url, return rollcall_get(check, NULL);)
BAD(long_url, return rollcall_get(check, big);)
BAD(bad_url, return rollcall_get(check, "{base}/a\nb");)
BAD(odd_url, return rollcall_get(check, "{base}/\xff");)
BAD(odd_method, return rollcall_request(check, 6, "{base}");)
BAD(srv_with_header, rollcall_header(check, "A", "b"); return rollcall_srv(check, "_a._tcp.b");)
BAD(srv_that_follows, rollcall_follow(check, 1); return rollcall_srv(check, "_a._tcp.b");)
BAD(get_with_form, rollcall_form(check, "a", "b"); return rollcall_get(check, "{base}");)
BAD(head_with_body, rollcall_body(check, "text/plain", "b");
    return rollcall_head_request(check, "{base}");)
BAD(body_and_form, rollcall_form(check, "a", "b"); rollcall_body(check, "text/plain", "b");
    return rollcall_post(check, "{base}");)
BAD(two_bodies, rollcall_body(check, "text/plain", "a"); rollcall_body(check, "text/plain", "b");
    return rollcall_post(check, "{base}");)
BAD(no_type, rollcall_body(check, "text", "a"); return rollcall_post(check, "{base}");)
BAD(header_name, rollcall_header(check, "A B", "c"); return rollcall_get(check, "{base}");)
BAD(header_host, rollcall_header(check, "HOST", "c"); return rollcall_get(check, "{base}");)
BAD(header_value, rollcall_header(check, "A", "b\r\nC: d"); return rollcall_get(check, "{base}");)
BAD(
    many_headers, for (int i = 0; i <= ROLLCALL_REQUEST_HEADERS_MAX; i++) {
        rollcall_header(check, "A", "b");
    } return rollcall_get(check, "{base}");)
BAD(
    many_fields, for (int i = 0; i <= CALL_FORM_MAX; i++) {
        rollcall_form(check, "a", "b");
    } return rollcall_post(check, "{base}");)
BAD(
    large_request, for (int i = 0; i < 9; i++) {
        rollcall_form(check, "a", big + 2);
    } return rollcall_post(check, "{base}");)
BAD(many_redirects, rollcall_follow(check, 6); return rollcall_get(check, "{base}");)
BAD(empty_stop, rollcall_stop_at(check, ""); return rollcall_get(check, "{base}");)
BAD(long_stop, rollcall_stop_at(check, big + sizeof(big) - 258);
    return rollcall_get(check, "{base}");)
BAD(
    many_stops, for (int i = 0; i <= ROLLCALL_STOP_AT_MAX;
                     i++) { rollcall_stop_at(check, "x"); } return rollcall_get(check, "{base}");)
BAD(odd_reason, return rollcall_unknown(check, 99);)
BAD(no_reason, return rollcall_unknown(check, 0);)
BAD(transport_reason, return rollcall_unknown(check, ROLLCALL_TIMEOUT);)
BAD(odd_verdict, return check->host->verdict(check, 3, 0, NULL);)
BAD(sure_reason, return check->host->verdict(check, ROLLCALL_UNREGISTERED, 1, NULL);)
BAD(unknown_of_nothing, return rollcall_unknown_from(check, NULL);)
BAD(share_here, return rollcall_share(check, "x");)
BAD(stale_unknown, return rollcall_stale(check, "nobody");)
BAD(yield_here, (void)rollcall_yield(check, NULL, NULL, 0); return rollcall_unregistered(check);)
BAD(note_here, rollcall_note(check, "x"); return rollcall_unregistered(check);)

static const struct {
    rollcall_step_fn fn;
    const char *sentence;
} broken[] = {
    { end_without_word, "its step ended without a request or a verdict" },
    { end_made_up, "its step returned 2, which is not what it had asked for (0)" },
    { end_other, "its step returned 1, which is not what it had asked for (2)" },
    { end_lost, "its step ended without a request or a verdict" },
    { end_odd, "its step returned 4711, which is not what it had asked for (0)" },
    { end_twice, "it ended its step twice" },
    { end_twice_same, "it gave a request after the end of its step" },
    { late_header, "it gave a header after the end of its step" },
    { no_url, "its URL is NULL" },
    { long_url, "its URL is longer than 8192 bytes" },
    { bad_url, "its URL is not UTF-8 on one line" },
    { odd_url, "its URL is not UTF-8 on one line" },
    { odd_method, "6 is no method of a request" },
    { srv_with_header, "its look-up of SRV records has what only a web request may have" },
    { srv_that_follows, "its look-up of SRV records has what only a web request may have" },
    { get_with_form, "its GET or HEAD has a form" },
    { head_with_body, "its GET or HEAD has a body" },
    { body_and_form, "its request has a body and a form" },
    { two_bodies, "it gave two bodies for one request" },
    { no_type, "\"text\" is no content type" },
    { header_name, "\"A B\" is no name of a header" },
    { header_host, "the header HOST is the host's alone" },
    { header_value, "its header is not UTF-8 on one line" },
    { many_headers, "its request has more than 16 headers" },
    { many_fields, "its form has more than 64 fields" },
    { large_request, "its request is larger than 65536 bytes" },
    { many_redirects, "it wants 6 redirects followed, at most 5 are" },
    { empty_stop, "a stop_at is 0 bytes, wants 1 to 256" },
    { long_stop, "a stop_at is 257 bytes, wants 1 to 256" },
    { many_stops, "its request has more than 8 stop_at" },
    { odd_reason, "99 is no reason that it can give" },
    { no_reason, "0 is no reason that it can give" },
    { transport_reason, "10 is no reason that it can give" },
    { odd_verdict, "3 is no verdict" },
    { sure_reason, "it gave a reason, 1, with a sure verdict" },
    { say_registered, "it said registered before any reply" },
    { unknown_of_nothing, "it called rollcall_unknown_from() without a reply" },
    { share_here, "it called rollcall_share() outside the step of a shared value" },
    { stale_unknown, "it calls a shared value stale that it has not declared" },
    { yield_here, "it called rollcall_yield() outside enumerate" },
    { note_here, "it called rollcall_note() outside enumerate" },
};

static void
test_broken_rules(void **state)
{
    (void)state;
    memset(big, 'x', sizeof(big) - 1);
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        fails(broken[i].fn, NULL, broken[i].sentence);
    }
}

BAD(put_much, memset(big, 'y', sizeof(big) - 1);
    assert_int_equal(rollcall_put(check, "a", big), -1);
    assert_int_equal(rollcall_put(check, "a", big + sizeof(big) - 1 - 4093), 0);
    assert_int_equal(rollcall_put(check, "b", ""), -1); return rollcall_unregistered(check);)

static void
test_put_bounds(void **state)
{
    (void)state;
    struct call_answer *answer = run_step(put_much, NULL);
    assert_int_equal(answer->outcome, CALL_VERDICT);
    assert_int_equal(answer->value_count, 1);
    call_answer_free(&answer);
}

/* ---- Blocking, shared, enumerate ----------------------------------------------------- */

BAD(block_ends, return rollcall_is_cancelled(check) ? rollcall_unknown(check, ROLLCALL_TIMEOUT)
                                                    : rollcall_registered(check, NULL);)
BAD(block_polls, return rollcall_cancel_fd(check) == 42 ? rollcall_unknown(check, ROLLCALL_BLOCKED)
                                                        : rollcall_registered(check, NULL);)
BAD(block_asks, return rollcall_get(check, "{base}");)

static void
test_blocking(void **state)
{
    (void)state;
    const struct call_request request = {
        .kind = CALL_BLOCK, .index = 1, .subject_kind = ROLLCALL_EMAIL, .subject = "a@example.com"
    };
    current = block_ends;
    struct call_answer *answer = run(&request);
    assert_int_equal(answer->reason, ROLLCALL_TIMEOUT);
    call_answer_free(&answer);
    current = block_polls;
    answer = run(&request);
    assert_int_equal(answer->reason, ROLLCALL_BLOCKED);
    call_answer_free(&answer);
    current = say_registered; /* it has seen for itself */
    answer = run(&request);
    assert_int_equal(answer->verdict, ROLLCALL_REGISTERED);
    call_answer_free(&answer);
    current = block_asks;
    answer = run(&request);
    assert_string_equal(answer->failure, "it gave a request where no request can be sent");
    call_answer_free(&answer);
}

static void
test_wrong_form(void **state)
{
    (void)state;
    static const struct call_request requests[] = {
        { .kind = CALL_STEP, .index = 1, .subject = "" },  /* that one blocks */
        { .kind = CALL_BLOCK, .index = 0, .subject = "" }, /* that one does not */
        { .kind = CALL_STEP, .index = 2, .subject = "" },
        { .kind = CALL_SHARED, .index = 1, .subject = "" },
        { .kind = CALL_BLOCK, .enumerated = true, .subject = "" },
    };
    current = say_unregistered;
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        struct call_answer *answer = run(&requests[i]);
        if (answer->outcome != CALL_FAILED) {
            fail_msg("request %zu was run", i);
        }
        call_answer_free(&answer);
    }
}

BAD(share, return rollcall_share(check, "guest-1");)
BAD(share_nothing, return rollcall_share(check, "");)
BAD(share_odd, return rollcall_share(check, "a\nb");)
BAD(share_null, return rollcall_share(check, NULL);)
BAD(stale, return rollcall_stale(check, "guest");)

static void
test_shared(void **state)
{
    (void)state;
    static const struct {
        rollcall_step_fn fn;
        enum call_outcome outcome;
        const char *text;
    } table[] = {
        { share, CALL_SHARE, "guest-1" },
        { share_nothing, CALL_FAILED, "its shared value is not 1 to 4096 printable bytes" },
        { share_odd, CALL_FAILED, "its shared value is not 1 to 4096 printable bytes" },
        { share_null, CALL_FAILED, "its shared value is not 1 to 4096 printable bytes" },
        { stale, CALL_FAILED, "it called rollcall_stale() outside the step of a checker" },
        { say_registered, CALL_FAILED, "it gave a verdict in the step of a shared value" },
    };
    const struct call_request request = { .kind = CALL_SHARED, .subject = "" };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        current = table[i].fn;
        struct call_answer *answer = run(&request);
        const char *text = answer->outcome == CALL_FAILED ? answer->failure : answer->text;
        assert_int_equal(answer->outcome, table[i].outcome);
        assert_string_equal(text, table[i].text);
        call_answer_free(&answer);
    }
    current = say_limited; /* a shared value may end in unknown */
    struct call_answer *answer = run(&request);
    assert_int_equal(answer->outcome, CALL_VERDICT);
    call_answer_free(&answer);
    answer = run_step(stale, NULL);
    assert_int_equal(answer->outcome, CALL_STALE);
    assert_string_equal(answer->text, "guest");
    call_answer_free(&answer);
}

static int32_t
yield_some(rollcall_check *check)
{
    rollcall_checker checker = checkers[0];
    checker.step = NULL;
    checker.source = "data";
    assert_int_equal(check->kind, 0);
    assert_string_equal(check->subject, "");
    assert_int_equal(rollcall_yield(check, &checker, "one", 4), 0);
    assert_int_equal(rollcall_yield(check, &checker, NULL, 0), 0);
    assert_int_equal(rollcall_yield(check, &checker, big, ROLLCALL_DATA_BYTES + 1), -1);
    assert_int_equal(rollcall_yield(check, &checkers[0], NULL, 0), -1);
    rollcall_note(check, "entry 5 is\nbroken");
    return 0;
}

static int32_t
yield_nothing(rollcall_check *check)
{
    rollcall_note(check, "no catalogue is configured");
    return -1;
}

static rollcall_step
use_data(rollcall_check *check, const rollcall_reply *reply)
{
    (void)reply;
    assert_int_equal(check->data_len, 4);
    assert_string_equal(check->data, "one");
    return rollcall_get(check, "{base}/{subject}");
}

static void
test_enumerate(void **state)
{
    (void)state;
    const struct call_request request = { .kind = CALL_ENUMERATE, .subject = "" };
    current_enumerate = yield_some;
    struct call_answer *answer = run(&request);
    assert_int_equal(answer->outcome, CALL_ENUMERATED);
    assert_int_equal(answer->checker_count, 2);
    assert_int_equal(answer->refused, 2);
    assert_int_equal(answer->note_count, 3);
    assert_string_equal(answer->notes[0],
                        "checker 2 is refused: its data is 4097 bytes, wants at most 4096");
    assert_string_equal(answer->notes[2], "entry 5 is?broken");
    const struct manifest_checker *one = &answer->checkers[0];
    assert_string_equal(one->source, "data");
    const struct call_request use = { .kind = CALL_STEP,
                                      .enumerated = true,
                                      .subject_kind = ROLLCALL_USERNAME,
                                      .subject = "alice",
                                      .data = one->data,
                                      .data_len = one->data_len };
    current = use_data;
    struct call_answer *step_answer = run(&use);
    assert_int_equal(step_answer->outcome, CALL_REQUEST);
    call_answer_free(&step_answer);
    call_answer_free(&answer);
    current_enumerate = yield_nothing;
    answer = run(&request);
    assert_int_equal(answer->outcome, CALL_FAILED);
    assert_string_equal(answer->failure,
                        "its enumerate offers nothing: no catalogue is configured");
    call_answer_free(&answer);
}

static int32_t
note_much(rollcall_check *check)
{
    for (int i = 0; i < CALL_NOTES_MAX + 50; i++) {
        char note[32];
        (void)snprintf(note, sizeof(note), "entry %d is broken", i);
        rollcall_note(check, note);
    }
    return 0;
}

static void
test_notes_are_bounded(void **state)
{
    (void)state;
    const struct call_request request = { .kind = CALL_ENUMERATE, .subject = "" };
    current_enumerate = note_much;
    struct call_answer *answer = run(&request);
    assert_int_equal(answer->outcome, CALL_ENUMERATED);
    assert_int_equal(answer->note_count, CALL_NOTES_MAX);
    assert_string_equal(answer->notes[0], "entry 0 is broken");
    assert_string_equal(answer->notes[CALL_NOTES_MAX - 1], "51 more notes were not kept");
    call_answer_free(&answer);
}

/* ---- Configuration ------------------------------------------------------------------- */

static rollcall_step
read_config(rollcall_check *check, const rollcall_reply *reply)
{
    (void)reply;
    const char *name = NULL;
    size_t len = 0;
    assert_string_equal(rollcall_config_string(check, "word", 0), "hello");
    assert_null(rollcall_config_string(check, "word", 1));
    assert_string_equal(rollcall_config_string(check, "list", 1), "b");
    assert_null(rollcall_config_string(check, "count", 0));
    assert_null(rollcall_config_string(check, "none", 0));
    assert_int_equal(rollcall_config_int(check, "count", 1), 9);
    assert_int_equal(rollcall_config_int(check, "none", 1), 1);
    assert_int_equal(rollcall_config_int(check, "word", 2), 2);
    assert_memory_equal(rollcall_config_file(check, "file", 0, &name, &len), "xyz", 3);
    assert_string_equal(name, "a.json");
    assert_int_equal(len, 3);
    assert_non_null(rollcall_config_file(check, "file", 0, NULL, NULL));
    assert_null(rollcall_config_file(check, "file", 1, &name, &len));
    assert_null(rollcall_config_file(check, "word", 0, &name, &len));
    return rollcall_unregistered(check);
}

static void
test_config(void **state)
{
    (void)state;
    static const char *const word[] = { "hello" };
    static const char *const list[] = { "a", "b" };
    static const char *const names[] = { "a.json" };
    static const void *const files[] = { "xyz" };
    static const size_t lens[] = { 3 };
    const struct host_value values[] = {
        { .key = "word", .type = ROLLCALL_STRING, .texts = word, .count = 1 },
        { .key = "list", .type = ROLLCALL_LIST, .texts = list, .count = 2 },
        { .key = "count", .type = ROLLCALL_INT, .number = 9, .count = 1 },
        { .key = "file",
          .type = ROLLCALL_FILE,
          .texts = names,
          .files = files,
          .file_lens = lens,
          .count = 1 },
    };
    const struct host_config given = { values, ARRAY_LEN(values) };
    config = &given;
    struct call_answer *answer = run_step(read_config, NULL);
    assert_int_equal(answer->outcome, CALL_VERDICT);
    call_answer_free(&answer);
    config = NULL;
}

static void
test_stranger(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, CALL_ANSWER_BYTES_MAX);
    assert_int_equal(host_run(&image, NULL, NULL, "garbage", 7, &out), ERROR_PROTOCOL);
    assert_int_equal(host_run(&image, NULL, NULL, "", 0, &out), ERROR_PROTOCOL);
    assert_int_equal(out.len, 0);
    const struct call_request request = {
        .kind = CALL_STEP, .subject = "alice", .carried = "\xff\xff", .carried_len = 2
    };
    struct buf in;
    buf_init(&in, CALL_REQUEST_BYTES_MAX);
    assert_int_equal(call_encode_request(&request, &in), ERROR_OK);
    assert_int_equal(host_run(&image, NULL, NULL, in.bytes, in.len, &out), ERROR_PROTOCOL);
    buf_fini(&in);
    buf_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),       cmocka_unit_test(test_state_travels),
        cmocka_unit_test(test_reading),       cmocka_unit_test(test_no_json),
        cmocka_unit_test(test_caseless),      cmocka_unit_test(test_wall_gives_no_verdict),
        cmocka_unit_test(test_limit_is_read), cmocka_unit_test(test_broken_rules),
        cmocka_unit_test(test_put_bounds),    cmocka_unit_test(test_blocking),
        cmocka_unit_test(test_wrong_form),    cmocka_unit_test(test_shared),
        cmocka_unit_test(test_enumerate),     cmocka_unit_test(test_notes_are_bounded),
        cmocka_unit_test(test_config),        cmocka_unit_test(test_stranger),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
