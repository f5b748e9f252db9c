/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Calls and answers as bytes: what goes in comes out, and no byte string of a stranger gets
 * through: not one that was cut anywhere, not one with a bit turned that would break a bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/plugin/call.h"
#include "daemon/plugin/carried.h"

#define ARENA_BYTES ((size_t)4 * 1024 * 1024)

static const struct call_pair headers[] = { { "Content-Type", "application/json" },
                                            { "X-Odd", "\xe9t\xe9" } };
static const struct call_reply reply = { .status = 404,
                                         .truncated = true,
                                         .stop_hit = 2,
                                         .url = "https://example.org/users/alice",
                                         .headers = headers,
                                         .header_count = ARRAY_LEN(headers),
                                         .body = "a\0b",
                                         .body_len = 3 };
static const struct call_request request = { .kind = CALL_STEP,
                                             .index = 7,
                                             .enumerated = true,
                                             .flags = ROLLCALL_CASELESS,
                                             .step = 3,
                                             .subject_kind = ROLLCALL_EMAIL,
                                             .subject = "alice@example.com",
                                             .data = "\1\2\3",
                                             .data_len = 3,
                                             .carried = "\4\5",
                                             .carried_len = 2,
                                             .reply = &reply };

static void
encode_request(const struct call_request *from, struct buf *out)
{
    buf_init(out, CALL_REQUEST_BYTES_MAX);
    assert_int_equal(call_encode_request(from, out), ERROR_OK);
}

/* Decode from memory of exactly that size, so that a sanitizer sees a step over its end. */
static int
decode_request(const char *bytes, size_t len)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    char *copy = malloc(len > 0 ? len : 1);
    struct call_request out;
    struct error_text why;
    assert_non_null(arena);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    int error = call_decode_request(copy, len, arena, &out, &why);
    free(copy);
    arena_free(&arena);
    return error;
}

static void
test_request_comes_back(void **state)
{
    (void)state;
    struct buf bytes;
    encode_request(&request, &bytes);
    struct arena *arena = arena_new(ARENA_BYTES);
    struct call_request back;
    assert_int_equal(call_decode_request(bytes.bytes, bytes.len, arena, &back, NULL), ERROR_OK);
    assert_int_equal(back.kind, CALL_STEP);
    assert_int_equal(back.index, 7);
    assert_true(back.enumerated);
    assert_int_equal(back.flags, ROLLCALL_CASELESS);
    assert_int_equal(back.step, 3);
    assert_int_equal(back.subject_kind, ROLLCALL_EMAIL);
    assert_string_equal(back.subject, "alice@example.com");
    assert_int_equal(back.data_len, 3);
    assert_memory_equal(back.data, "\1\2\3", 3);
    assert_int_equal(back.carried_len, 2);
    assert_memory_equal(back.carried, "\4\5", 2);
    assert_int_equal(back.reply->status, 404);
    assert_true(back.reply->truncated);
    assert_int_equal(back.reply->stop_hit, 2);
    assert_string_equal(back.reply->url, reply.url);
    assert_int_equal(back.reply->header_count, 2);
    assert_string_equal(back.reply->headers[1].name, "X-Odd");
    assert_string_equal(back.reply->headers[1].value, "\xe9t\xe9");
    assert_int_equal(back.reply->body_len, 3);
    assert_memory_equal(back.reply->body, "a\0b", 4); /* the NUL behind it */
    arena_free(&arena);
    buf_fini(&bytes);
}

static void
test_request_without_reply(void **state)
{
    (void)state;
    const struct call_request first = { .kind = CALL_ENUMERATE, .subject = "" };
    struct buf bytes;
    encode_request(&first, &bytes);
    struct arena *arena = arena_new(ARENA_BYTES);
    struct call_request back;
    assert_int_equal(call_decode_request(bytes.bytes, bytes.len, arena, &back, NULL), ERROR_OK);
    assert_null(back.reply);
    assert_null(back.data);
    assert_null(back.carried);
    assert_string_equal(back.subject, "");
    arena_free(&arena);
    buf_fini(&bytes);
}

static void
test_request_cut_anywhere(void **state)
{
    (void)state;
    struct buf bytes;
    encode_request(&request, &bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        if (decode_request(bytes.bytes, len) != ERROR_PROTOCOL) {
            fail_msg("cut to %zu of %zu bytes it was read", len, bytes.len);
        }
    }
    buf_append_byte(&bytes, 0);
    assert_int_equal(decode_request(bytes.bytes, bytes.len), ERROR_PROTOCOL);
    buf_fini(&bytes);
}

/* Every byte set to every value: it is read or refused, never over the end. */
static void
test_request_bytes_turned(void **state)
{
    (void)state;
    struct buf bytes;
    encode_request(&request, &bytes);
    for (size_t i = 0; i < bytes.len; i++) {
        char kept = bytes.bytes[i];
        for (unsigned value = 0; value < 256; value += 5) {
            bytes.bytes[i] = (char)value;
            int error = decode_request(bytes.bytes, bytes.len);
            if (error != ERROR_OK && error != ERROR_PROTOCOL && error != ERROR_NOMEM) {
                fail_msg("byte %zu as %u gives %d", i, value, error);
            }
        }
        bytes.bytes[i] = kept;
    }
    buf_fini(&bytes);
}

static void
test_request_bounds(void **state)
{
    (void)state;
    static char big[ROLLCALL_BODY_CEILING + 1];
    struct call_reply large = reply;
    large.body = big;
    large.body_len = ROLLCALL_BODY_CEILING;
    struct call_request full = request;
    full.reply = &large;
    struct buf bytes;
    encode_request(&full, &bytes);
    assert_int_equal(decode_request(bytes.bytes, bytes.len), ERROR_OK);
    buf_fini(&bytes);
    large.body_len = sizeof(big);
    encode_request(&full, &bytes);
    assert_int_equal(decode_request(bytes.bytes, bytes.len), ERROR_PROTOCOL);
    buf_fini(&bytes);
    struct call_request data = request;
    data.data = big;
    data.data_len = ROLLCALL_DATA_BYTES + 1;
    encode_request(&data, &bytes);
    assert_int_equal(decode_request(bytes.bytes, bytes.len), ERROR_PROTOCOL);
    buf_fini(&bytes);
    buf_init(&bytes, 64);
    assert_int_equal(call_encode_request(&full, &bytes), ERROR_TOO_BIG);
    buf_fini(&bytes);
}

/* ---- Answers ------------------------------------------------------------------------- */

static const struct call_pair asked_headers[] = { { "Accept", "application/json" } };
static const struct call_pair form[] = { { "email", "{subject}" }, { "x", "" } };
static const char *const stops[] = { "</head>", "\n\n" };

static struct call_answer
request_answer(void)
{
    return (struct call_answer){ .outcome = CALL_REQUEST,
                                 .method = ROLLCALL_POST,
                                 .url = "{base}/login",
                                 .headers = asked_headers,
                                 .header_count = ARRAY_LEN(asked_headers),
                                 .form = form,
                                 .form_count = ARRAY_LEN(form),
                                 .redirects = 5,
                                 .stop_at = stops,
                                 .stop_at_count = ARRAY_LEN(stops) };
}

static struct call_answer *
through(const struct call_answer *answer)
{
    struct buf bytes;
    struct call_answer *back = NULL;
    struct error_text why = { "" };
    buf_init(&bytes, CALL_ENUMERATION_BYTES_MAX);
    assert_int_equal(call_encode_answer(answer, &bytes), ERROR_OK);
    if (call_decode_answer(bytes.bytes, bytes.len, &back, &why) != ERROR_OK) {
        fail_msg("%s", why.text);
    }
    buf_fini(&bytes);
    return back;
}

static void
refused(const struct call_answer *answer, const char *sentence)
{
    struct buf bytes;
    struct call_answer *back = NULL;
    struct error_text why = { "" };
    buf_init(&bytes, CALL_ENUMERATION_BYTES_MAX);
    assert_int_equal(call_encode_answer(answer, &bytes), ERROR_OK);
    assert_int_equal(call_decode_answer(bytes.bytes, bytes.len, &back, &why), ERROR_PROTOCOL);
    assert_null(back);
    assert_string_equal(why.text, sentence);
    buf_fini(&bytes);
}

static void
test_answer_request(void **state)
{
    (void)state;
    struct call_answer answer = request_answer();
    struct call_answer *back = through(&answer);
    assert_int_equal(back->outcome, CALL_REQUEST);
    assert_int_equal(back->method, ROLLCALL_POST);
    assert_string_equal(back->url, "{base}/login");
    assert_int_equal(back->header_count, 1);
    assert_string_equal(back->headers[0].value, "application/json");
    assert_int_equal(back->form_count, 2);
    assert_string_equal(back->form[0].value, "{subject}");
    assert_null(back->body);
    assert_int_equal(back->redirects, 5);
    assert_int_equal(back->stop_at_count, 2);
    assert_string_equal(back->stop_at[1], "\n\n");
    call_answer_free(&back);
    assert_null(back);
}

static void
test_answer_carries(void **state)
{
    (void)state;
    struct arena *arena = arena_new(ARENA_BYTES);
    unsigned char memory[ROLLCALL_STATE_BYTES] = { 1, 2, 3 };
    struct carried carried = { .state = memory, .state_is_used = true };
    assert_int_equal(carried_put(&carried, arena, "token", "abc"), ERROR_OK);
    assert_int_equal(carried_put(&carried, arena, "token", "abcd"), ERROR_OK);
    struct buf bytes;
    buf_init(&bytes, CALL_CARRIED_BYTES_MAX);
    carried_encode(&carried, &bytes);
    assert_true(bytes.len < 64); /* the zeros stay at home */
    struct call_answer answer = request_answer();
    answer.carried = bytes.bytes;
    answer.carried_len = bytes.len;
    struct call_answer *back = through(&answer);
    assert_int_equal(back->carried_len, bytes.len);
    assert_memory_equal(back->carried, bytes.bytes, bytes.len);
    assert_int_equal(back->value_count, 1);
    assert_string_equal(back->values[0].name, "token");
    assert_string_equal(back->values[0].value, "abcd");
    call_answer_free(&back);
    buf_fini(&bytes);
    arena_free(&arena);
}

/* Whichever byte of the state is the last one that is set, it arrives, and nothing behind it. */
static void
test_state_ends_anywhere(void **state)
{
    (void)state;
    struct arena *arena = arena_new(ARENA_BYTES);
    static unsigned char memory[ROLLCALL_STATE_BYTES];
    static unsigned char back[ROLLCALL_STATE_BYTES];
    for (size_t last = 0; last < ROLLCALL_STATE_BYTES; last += last < 20 || last > 4070 ? 1 : 97) {
        struct buf bytes;
        struct carried to = { .state = back };
        const struct carried from = { .state = memory, .state_is_used = true };
        memset(memory, 0, sizeof(memory));
        memset(back, 0, sizeof(back));
        memory[last] = 7;
        buf_init(&bytes, CALL_CARRIED_BYTES_MAX);
        carried_encode(&from, &bytes);
        assert_int_equal(bytes.len, 4 + last + 1 + 4);
        assert_int_equal(carried_decode(bytes.bytes, bytes.len, arena, &to), ERROR_OK);
        assert_memory_equal(memory, back, sizeof(memory));
        assert_true(to.state_is_used);
        buf_fini(&bytes);
    }
    const struct carried zeros = { .state = memset(memory, 0, sizeof(memory)),
                                   .state_is_used = true };
    struct buf none;
    buf_init(&none, CALL_CARRIED_BYTES_MAX);
    carried_encode(&zeros, &none);
    assert_int_equal(none.len, 0);
    buf_fini(&none);
    arena_free(&arena);
}

static void
test_carried_bounds(void **state)
{
    (void)state;
    struct arena *arena = arena_new(ARENA_BYTES);
    struct carried carried = { .state = NULL };
    char text[ROLLCALL_STATE_BYTES + 1];
    memset(text, 'x', sizeof(text));
    text[ROLLCALL_STATE_BYTES - 3] = '\0'; /* with "a" and two NULs exactly full */
    assert_int_equal(carried_put(&carried, arena, "a", text), ERROR_OK);
    assert_int_equal(carried_put(&carried, arena, "b", ""), ERROR_TOO_BIG);
    assert_int_equal(carried_put(&carried, arena, "a", "short"), ERROR_OK);
    assert_int_equal(carried_put(&carried, arena, "b", ""), ERROR_OK);
    assert_int_equal(carried_put(&carried, arena, "B", "x"), ERROR_INVALID);
    assert_int_equal(carried_put(&carried, arena, "", "x"), ERROR_INVALID);
    assert_int_equal(carried_put(&carried, arena, "c", "\xff"), ERROR_INVALID);
    assert_int_equal(carried.value_count, 2);
    arena_free(&arena);
}

static void
test_answer_outcomes(void **state)
{
    (void)state;
    struct call_answer answer = { .outcome = CALL_VERDICT,
                                  .verdict = ROLLCALL_UNKNOWN,
                                  .reason = ROLLCALL_RATE_LIMITED,
                                  .retry_after_ms = 60000 };
    struct call_answer *back = through(&answer);
    assert_int_equal(back->reason, ROLLCALL_RATE_LIMITED);
    assert_int_equal(back->retry_after_ms, 60000);
    assert_null(back->profile);
    call_answer_free(&back);
    answer = (struct call_answer){ .outcome = CALL_SHARE, .text = "guest 1" };
    back = through(&answer);
    assert_string_equal(back->text, "guest 1");
    call_answer_free(&back);
    answer = (struct call_answer){ .outcome = CALL_STALE, .text = "guest" };
    back = through(&answer);
    assert_int_equal(back->outcome, CALL_STALE);
    call_answer_free(&back);
    answer = (struct call_answer){ .outcome = CALL_FAILED, .failure = "it ended its step twice" };
    back = through(&answer);
    assert_string_equal(back->failure, "it ended its step twice");
    call_answer_free(&back);
}

static const char *const tags[] = { "coding", "adult", NULL };
static const char *const none[] = { NULL };

static struct manifest_checker
yielded(const char *id)
{
    return (struct manifest_checker){
        .platform = { .id = id,
                      .title = "Example",
                      .home = "https://example.org/",
                      .tags = tags,
                      .accounts = 12 },
        .kind = ROLLCALL_USERNAME,
        .method = ROLLCALL_DOCUMENTED,
        .evidence = ROLLCALL_INFERRED,
        .base_url = "https://example.org",
        .rate_count = 1,
        .rate_seconds = 2,
        .concurrency = 3,
        .body_max = 4096,
        .known = none,
        .enumerated = true,
        .data = "rule",
        .data_len = 4,
        .source = "wmn-data",
    };
}

static void
test_answer_enumerated(void **state)
{
    (void)state;
    struct manifest_name_rule rule = { .min_chars = 1,
                                       .max_chars = 9,
                                       .chars = "a-z",
                                       .source = "https://example.org/names",
                                       .all_names = true };
    struct manifest_checker checkers[] = { yielded("one"), yielded("two") };
    checkers[1].name_rule = &rule;
    const char *const notes[] = { "entry 7 is broken" };
    struct call_answer answer = { .outcome = CALL_ENUMERATED,
                                  .checkers = checkers,
                                  .checker_count = 2,
                                  .notes = notes,
                                  .note_count = 1,
                                  .refused = 5 };
    struct call_answer *back = through(&answer);
    assert_int_equal(back->checker_count, 2);
    assert_string_equal(back->checkers[0].platform.id, "one");
    assert_true(back->checkers[0].platform.adult);
    assert_true(back->checkers[0].enumerated);
    assert_string_equal(back->checkers[0].source, "wmn-data");
    assert_int_equal(back->checkers[0].body_max, 4096);
    assert_int_equal(back->checkers[1].data_len, 4);
    assert_memory_equal(back->checkers[1].data, "rule", 4);
    assert_string_equal(back->checkers[1].name_rule->chars, "a-z");
    assert_true(back->checkers[1].name_rule->all_names);
    assert_int_equal(back->refused, 5);
    assert_string_equal(back->notes[0], "entry 7 is broken");
    call_answer_free(&back);
}

/* An answer whose writer did not keep the rules, each with the field that gives it away. */
static void
test_answer_lies(void **state)
{
    (void)state;
    struct call_answer answer = request_answer();
    answer.method = 9;
    refused(&answer, "method: the peer broke the protocol");
    answer = (struct call_answer){
        .outcome = CALL_REQUEST, .method = ROLLCALL_SRV, .url = "_a._tcp.b", .redirects = 1
    };
    refused(&answer, "method: the peer broke the protocol");
    answer = request_answer();
    answer.redirects = ROLLCALL_REDIRECTS_MAX + 1;
    refused(&answer, "redirects: the peer broke the protocol");
    answer = request_answer();
    answer.url = "{base}/\r\nHost: evil";
    refused(&answer, "url: the peer broke the protocol");
    answer = request_answer();
    answer.method = ROLLCALL_GET;
    refused(&answer, "body: the peer broke the protocol");
    const struct call_pair bad_name = { "A B", "x" };
    answer = request_answer();
    answer.headers = &bad_name;
    refused(&answer, "header.name: the peer broke the protocol");
    const struct call_pair bad_value = { "A", "x\ny" };
    answer.headers = &bad_value;
    refused(&answer, "header.value: the peer broke the protocol");
    answer = (struct call_answer){ .outcome = CALL_VERDICT, .verdict = 3, .retry_after_ms = -1 };
    refused(&answer, "verdict: the peer broke the protocol");
    answer.verdict = ROLLCALL_REGISTERED;
    answer.reason = 1;
    refused(&answer, "reason: the peer broke the protocol");
    answer.verdict = ROLLCALL_UNKNOWN;
    answer.reason = 11;
    refused(&answer, "reason: the peer broke the protocol");
    answer.reason = 0;
    refused(&answer, "reason: the peer broke the protocol");
    answer.reason = 1;
    answer.retry_after_ms = CALL_RETRY_AFTER_MS_MAX + 1;
    refused(&answer, "retry_after: the peer broke the protocol");
    answer = (struct call_answer){ .outcome = CALL_SHARE, .text = "" };
    refused(&answer, "share: the peer broke the protocol");
    answer = (struct call_answer){ .outcome = CALL_STALE, .text = "No Name" };
    refused(&answer, "stale: the peer broke the protocol");
    answer = (struct call_answer){ .outcome = CALL_FAILED, .failure = "\xff" };
    refused(&answer, "failure: the peer broke the protocol");
    struct manifest_checker checker = yielded("Not An Id");
    answer = (struct call_answer){ .outcome = CALL_ENUMERATED,
                                   .checkers = &checker,
                                   .checker_count = 1 };
    refused(&answer, "checker: the peer broke the protocol");
}

static void
cut_anywhere(const struct call_answer *answer)
{
    struct buf bytes;
    buf_init(&bytes, CALL_ANSWER_BYTES_MAX);
    assert_int_equal(call_encode_answer(answer, &bytes), ERROR_OK);
    for (size_t len = 0; len < bytes.len; len++) {
        char *copy = malloc(len > 0 ? len : 1);
        struct call_answer *back = NULL;
        assert_non_null(copy);
        memcpy(copy, bytes.bytes, len);
        if (call_decode_answer(copy, len, &back, NULL) != ERROR_PROTOCOL) {
            fail_msg("cut to %zu of %zu bytes it was read", len, bytes.len);
        }
        free(copy);
    }
    buf_fini(&bytes);
}

static void
test_answer_cut_anywhere(void **state)
{
    (void)state;
    struct call_answer answer = request_answer();
    cut_anywhere(&answer);
    struct manifest_checker checker = yielded("one");
    answer = (struct call_answer){ .outcome = CALL_ENUMERATED,
                                   .checkers = &checker,
                                   .checker_count = 1 };
    cut_anywhere(&answer);
}

static void
test_notes_of_faults(void **state)
{
    (void)state;
    static const struct {
        const char *note;
        bool is_fault;
    } rows[] = {
        { "sites: Some Place: broken: url has no place for the name", true },
        { "sites.json: refused: is not UTF-8 at byte 7", true },
        { "checker 3 is refused: its data is 5000 bytes", true },
        { "sites: 9 entries: 8 offered, 0 skipped, 1 broken, 0 shadowed", true },
        { "sites: 99 entries: 89 offered, 0 skipped, 10 broken, 0 shadowed", true },
        { "sites: 9 entries: 9 offered, 0 skipped, 0 broken, 0 shadowed", false },
        { "sites: skipped, needs a key: Broken, Refused", false },
        { " broken,", false },
        { "", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (call_note_is_fault(rows[i].note) != rows[i].is_fault) {
            fail_msg("row %zu: %s", i, rows[i].note);
        }
    }
}

static void
test_answer_too_big(void **state)
{
    (void)state;
    static char text[ROLLCALL_TEMPLATE_BYTES + 2];
    memset(text, 'a', sizeof(text) - 1);
    struct call_answer answer = request_answer();
    answer.url = text;
    refused(&answer, "url: the peer broke the protocol");
    struct call_pair many[ROLLCALL_REQUEST_HEADERS_MAX + 1];
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        many[i] = (struct call_pair){ "A", "b" };
    }
    answer = request_answer();
    answer.headers = many;
    answer.header_count = ARRAY_LEN(many);
    refused(&answer, "headers: the peer broke the protocol");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_comes_back),   cmocka_unit_test(test_request_without_reply),
        cmocka_unit_test(test_request_cut_anywhere), cmocka_unit_test(test_request_bytes_turned),
        cmocka_unit_test(test_request_bounds),       cmocka_unit_test(test_answer_request),
        cmocka_unit_test(test_answer_carries),       cmocka_unit_test(test_carried_bounds),
        cmocka_unit_test(test_state_ends_anywhere),  cmocka_unit_test(test_answer_outcomes),
        cmocka_unit_test(test_answer_enumerated),    cmocka_unit_test(test_answer_lies),
        cmocka_unit_test(test_answer_cut_anywhere),  cmocka_unit_test(test_answer_too_big),
        cmocka_unit_test(test_notes_of_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
