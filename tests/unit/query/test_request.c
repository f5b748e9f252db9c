/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Requests filled from templates: what comes out, and what no name can bring about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/query/request.h"
#include "daemon/query/template.h"
#include "daemon/query/url.h"
#include "rollcall/plugin.h"
#include "tests/support/common.h"

#define BASE "https://api.example.com"

static struct arena *arena;
static struct subject subject;
static struct error_text why;
static struct fetch_request request;

static int
set_up(void **state)
{
    (void)state;
    arena = arena_new(REQUEST_ARENA_BYTES);
    return arena == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static const char *
config(void *context, const char *key)
{
    (void)context;
    return strcmp(key, "region") == 0 ? "eu west" : NULL;
}

static const char *
secret(void *context, const char *key)
{
    (void)context;
    return strcmp(key, "token") == 0 ? "s3cr3t" : NULL;
}

static const char *
shared(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "guest") == 0 ? "g/1" : NULL;
}

static const struct call_pair values[] = { { "csrf", "a&b" }, { "broken", "a\r\nb" } };

static struct request_source
source_for(const char *text, uint32_t flags)
{
    if (text != NULL && subject_parse(text, strlen(text), 0, &subject, &why) != ERROR_OK) {
        support_fail("%s: %s", text, why.text);
    }
    return (struct request_source){ .subject = text != NULL ? &subject : NULL,
                                    .base_url = BASE,
                                    .flags = flags,
                                    .values = values,
                                    .value_count = ARRAY_LEN(values),
                                    .config = config,
                                    .secret = secret,
                                    .shared = shared };
}

static int
fill(const struct call_answer *answer, const char *name, uint32_t flags)
{
    struct request_source source = source_for(name, flags);
    why.text[0] = '\0';
    return request_fill(answer, &source, arena, &request, &why);
}

static int
fill_url(const char *url, const char *name, uint32_t flags)
{
    struct call_answer answer = { .outcome = CALL_REQUEST, .method = ROLLCALL_GET, .url = url };
    return fill(&answer, name, flags);
}

/* ---- URLs ---------------------------------------------------------------- */

struct url_row {
    const char *url;
    const char *name;
    uint32_t flags;
    const char *want; /* NULL: refused */
    int error;
};

#define DOMAIN_HOST ROLLCALL_DOMAIN_HOST

static const struct url_row url_rows[] = {
    { "{base}/users/{subject}", "alice", 0, BASE "/users/alice", 0 },
    { "{base}", "alice", 0, BASE, 0 },
    { "{base}?q={subject}", "alice", 0, BASE "?q=alice", 0 },
    { "https://x.org/{subject}", "Alice", 0, "https://x.org/Alice", 0 },
    { "http://x.org:8080/{subject}", "alice", 0, "http://x.org:8080/alice", 0 },
    { "https://x.org", "alice", 0, "https://x.org", 0 },
    { "{base}/{subject:lower}", "AlicE", 0, BASE "/alice", 0 },
    { "{base}/{local}/{domain}", "Al@B.de", 0, BASE "/Al/b.de", 0 },
    { "{base}/{subject:md5}", "MyEmailAddress@example.com", 0,
      BASE "/0bc83cb571cd1c50ba6f3e8a78ef1346", 0 }, /* Gravatar's own example */
    { "{base}/{subject:sha256}", "abc", 0,
      BASE "/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 0 },
    { "https://openpgpkey.{domain}/.well-known/openpgpkey/{domain}/hu/"
      "{local:zbase32sha1}?l={local}",
      "Joe.Doe@Example.ORG", DOMAIN_HOST,
      "https://openpgpkey.example.org/.well-known/openpgpkey/example.org/hu/"
      "iy9q119eutrkn8s1mk4r39qejnbu3n5q?l=Joe.Doe",
      0 },
    { "{base}/{config:region}/{shared:guest}/{value:csrf}", "alice", 0,
      BASE "/eu%20west/g%2F1/a%26b", 0 },
    { "{base}/{{x}}", "alice", 0, BASE "/{x}", 0 },
    { "{base}/q?a={subject}#f", "a b", 0, BASE "/q?a=a%20b#f", 0 },
    /* hostile names stay names */
    { "{base}/u/{subject}", "../admin", 0, BASE "/u/..%2Fadmin", 0 },
    { "{base}/u/{subject}", "a?b=c", 0, BASE "/u/a%3Fb%3Dc", 0 },
    { "{base}/u/{subject}", "a#b", 0, BASE "/u/a%23b", 0 },
    { "{base}/u/{subject}", "a%2e%2e", 0, BASE "/u/a%252e%252e", 0 },
    { "{base}/u/{subject}", "\"><script>", 0, BASE "/u/%22%3E%3Cscript%3E", 0 },
    { "{base}/u/{subject}", "{secret:token}", 0, BASE "/u/%7Bsecret%3Atoken%7D", 0 },
    { "{base}/u/{subject}", "\xc3\xa9ric", 0, BASE "/u/%C3%A9ric", 0 },
    { "{base}/u/{subject}", "@evil.org", 0, BASE "/u/evil.org", 0 },
    { "{base}/u/{subject}", ":80", 0, BASE "/u/%3A80", 0 },
    { "{base}/u/{subject}", "..", 0, NULL, ERROR_UNACCEPTABLE },
    { "{base}/u/{subject}", ".", 0, NULL, ERROR_UNACCEPTABLE },
    { "{base}/u/{subject}/x", "..", 0, NULL, ERROR_UNACCEPTABLE },
    { "{base}/u/.{subject}", ".", 0, NULL, ERROR_UNACCEPTABLE },
    { "{base}/u/%2e{subject}", ".", 0, NULL, ERROR_UNACCEPTABLE },
    { "{base}/u?n={subject}", "..", 0, BASE "/u?n=..", 0 },
    { "{base}/u/x{subject}", "..", 0, BASE "/u/x..", 0 },
    /* hosts: one label of the subject's, or its domain */
    { "https://{subject}.x.org/", "alice", 0, "https://alice.x.org/", 0 },
    { "https://{subject:lower}.x.org", "Alice-1", 0, "https://alice-1.x.org", 0 },
    { "https://www.{subject}.x.org/", "alice", 0, "https://www.alice.x.org/", 0 },
    { "https://{subject}.x.org:81/", "alice", 0, "https://alice.x.org:81/", 0 },
    { "https://{domain}/x", "a@b.de", DOMAIN_HOST, "https://b.de/x", 0 },
    { "https://{domain}:8443/x", "a@b.de", DOMAIN_HOST, "https://b.de:8443/x", 0 },
    { "https://{subject}.x.org/", "al.ice", 0, NULL, ERROR_UNACCEPTABLE },
    { "https://{subject}.x.org/", "al/ice", 0, NULL, ERROR_UNACCEPTABLE },
    { "https://{subject}.x.org/", "evil.org#", 0, NULL, ERROR_UNACCEPTABLE },
    { "https://{subject}.x.org/", "-alice", 0, NULL, ERROR_UNACCEPTABLE },
    { "https://{subject}.x.org/", "al_ice", 0, NULL, ERROR_UNACCEPTABLE },
    { "https://{subject}.x.org/", "a@b.de", 0, NULL, ERROR_UNACCEPTABLE },
    { "https://{subject}.x.org/", "\xc3\xa9ric", 0, NULL, ERROR_UNACCEPTABLE },
    { "https://{domain}/x", "a@b.de", 0, NULL, ERROR_INVALID },
    { "https://{domain}.x.org/", "a@b.de", DOMAIN_HOST, NULL, ERROR_INVALID },
    { "https://x{domain}/", "a@b.de", DOMAIN_HOST, NULL, ERROR_INVALID },
    { "https://x-{subject}.x.org/", "alice", 0, NULL, ERROR_INVALID },
    { "https://{subject}x.org/", "alice", 0, NULL, ERROR_INVALID },
    { "https://{subject}/", "alice", 0, NULL, ERROR_INVALID },
    { "https://{subject}", "alice", 0, NULL, ERROR_INVALID },
    { "https://{subject}:80/", "alice", 0, NULL, ERROR_INVALID },
    { "https://{local}.x.org/", "a@b.de", 0, NULL, ERROR_INVALID },
    { "https://{config:region}.x.org/", "alice", 0, NULL, ERROR_INVALID },
    { "https://{value:csrf}.x.org/", "alice", 0, NULL, ERROR_INVALID },
    { "https://x.org:{subject}/", "80", 0, NULL, ERROR_INVALID },
    { "{subject}://x.org/", "https", 0, NULL, ERROR_INVALID },
    /* templates that are wrong */
    { "{base}.evil.org/", "alice", 0, NULL, ERROR_INVALID },
    { "{base}{subject}", "alice", 0, NULL, ERROR_INVALID },
    { "{base}:81/", "alice", 0, NULL, ERROR_INVALID },
    { "{base}@evil.org/", "alice", 0, NULL, ERROR_INVALID },
    { "x{base}", "alice", 0, NULL, ERROR_INVALID },
    { "{base}/{base}", "alice", 0, NULL, ERROR_INVALID },
    { "ftp://x.org/", "alice", 0, NULL, ERROR_INVALID },
    { "//x.org/", "alice", 0, NULL, ERROR_INVALID },
    { "", "alice", 0, NULL, ERROR_INVALID },
    { "https://u@x.org/", "alice", 0, NULL, ERROR_INVALID },
    { "https://u:p@x.org/", "alice", 0, NULL, ERROR_INVALID },
    { "https://x.org:8x/", "alice", 0, NULL, ERROR_INVALID },
    { "https://x.org:/", "alice", 0, NULL, ERROR_INVALID },
    { "https:///x", "alice", 0, NULL, ERROR_INVALID },
    { "https://x\\y.org/", "alice", 0, NULL, ERROR_INVALID },
    { "https://x.org/a b", "alice", 0, NULL, ERROR_INVALID },
    { "https://x.org/a\r\nb", "alice", 0, NULL, ERROR_INVALID },
    { "https://x.org/\xc3\xa9", "alice", 0, NULL, ERROR_INVALID },
    { "{base}/a/../b", NULL, 0, NULL, ERROR_INVALID },
    { "{base}/{subject", "alice", 0, NULL, ERROR_INVALID },
    { "{base}/subject}", "alice", 0, NULL, ERROR_INVALID },
    { "{base}/{}", "alice", 0, NULL, ERROR_INVALID },
    { "{base}/{nonsense}", "alice", 0, NULL, ERROR_INVALID },
    { "{base}/{subject:upper}", "alice", 0, NULL, ERROR_INVALID },
    { "{base}/{config:}", "alice", 0, NULL, ERROR_INVALID },
    { "{base}/{domain}", "alice", 0, NULL, ERROR_INVALID },
    { "{base}/{local}", "alice", 0, NULL, ERROR_INVALID },
    { "{base}/{subject}", NULL, 0, NULL, ERROR_INVALID },
    { "{base}/{config:nothing}", "alice", 0, NULL, ERROR_NOT_FOUND },
    { "{base}/{shared:nothing}", "alice", 0, NULL, ERROR_NOT_FOUND },
    { "{base}/{value:nothing}", "alice", 0, NULL, ERROR_NOT_FOUND },
    { "{base}/{secret:nothing}", "alice", 0, NULL, ERROR_NOT_FOUND },
    /* secrets go home only */
    { "{base}/?key={secret:token}", "alice", 0, BASE "/?key=s3cr3t", 0 },
    { "https://api.example.com:443/?key={secret:token}", "alice", 0,
      "https://api.example.com:443/?key=s3cr3t", 0 },
    { "https://x.org/?key={secret:token}", "alice", 0, NULL, ERROR_DENIED },
    { "http://api.example.com/?key={secret:token}", "alice", 0, NULL, ERROR_DENIED },
    { "https://api.example.com:444/?key={secret:token}", "alice", 0, NULL, ERROR_DENIED },
    { "https://{subject}.example.com/?key={secret:token}", "alice", 0, NULL, ERROR_DENIED },
};

static void
judge_url(size_t index, const struct url_row *row)
{
    int error = fill_url(row->url, row->name, row->flags);
    if (error != row->error || (error == ERROR_OK && strcmp(request.url, row->want) != 0)) {
        support_fail("row %zu, %s: %s, \"%s\", \"%s\"", index, row->url, error_name(error),
                     error == ERROR_OK ? request.url : "", why.text);
    }
    bool quiet = error == ERROR_OK || error == ERROR_NOMEM;
    if (!quiet && why.text[0] == '\0') {
        support_fail("row %zu: refused without a sentence", index);
    }
}

static void
test_urls(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(url_rows); i++) {
        judge_url(i, &url_rows[i]);
    }
}

static const struct url_row srv_rows[] = {
    { "_xmpp-client._tcp.{domain}", "a@B.de", DOMAIN_HOST, "_xmpp-client._tcp.b.de", 0 },
    { "_sip._udp.example.org", "alice", 0, "_sip._udp.example.org", 0 },
    { "_chat._tcp.{subject}.example.org", "Alice", 0, "_chat._tcp.Alice.example.org", 0 },
    { "_chat._tcp.{subject:lower}", "Alice", 0, "_chat._tcp.alice", 0 },
    { "_chat._tcp.{subject}.example.org", "a.b", 0, NULL, ERROR_UNACCEPTABLE },
    { "_chat._tcp.{subject}.example.org", "_tcp", 0, NULL, ERROR_UNACCEPTABLE },
    { "_chat._tcp.{domain}", "a@b.de", 0, NULL, ERROR_INVALID },
    { "_chat._tcp.x{subject}", "alice", 0, NULL, ERROR_INVALID },
    { "_chat._tcp.{subject}x", "alice", 0, NULL, ERROR_INVALID },
    { "_chat._tcp.{subject}{subject}", "alice", 0, NULL, ERROR_INVALID },
    { "_chat._tcp.{config:region}", "alice", 0, NULL, ERROR_INVALID },
    { "_chat._tcp.{secret:token}", "alice", 0, NULL, ERROR_INVALID },
    { "_{subject}._tcp.example.org", "alice", 0, NULL, ERROR_INVALID },
    { "{base}/x", "alice", 0, NULL, ERROR_INVALID },
    { "https://example.org/", "alice", 0, NULL, ERROR_INVALID },
    { "www.example.org", "alice", 0, NULL, ERROR_INVALID },
    { "_chat._http.example.org", "alice", 0, NULL, ERROR_INVALID },
    { "_chat._tcp.", "alice", 0, NULL, ERROR_INVALID },
    { "_._tcp.example.org", "alice", 0, NULL, ERROR_INVALID },
    { "_chat._tcp.exa mple.org", "alice", 0, NULL, ERROR_INVALID },
    { "_chat._tcp.example.org/x", "alice", 0, NULL, ERROR_INVALID },
    { "_chat._tcp.{", "alice", 0, NULL, ERROR_INVALID },
};

static void
test_names_of_services(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(srv_rows); i++) {
        const struct url_row *row = &srv_rows[i];
        struct call_answer answer = { .method = ROLLCALL_SRV, .url = row->url };
        int error = fill(&answer, row->name, row->flags);
        bool is_right = row->want != NULL ? error == ERROR_OK && strcmp(request.url, row->want) == 0
                                          : error == row->error;
        if (!is_right) {
            support_fail("row %zu: %s: %s", i, row->url, error_name(error));
        }
        assert_true(error != ERROR_OK || request_is_srv(&request));
    }
    assert_int_equal(fill_url("{base}/_x", "alice", 0), ERROR_OK);
    assert_false(request_is_srv(&request));
}

static void
test_a_base_url_may_have_a_path(void **state)
{
    (void)state;
    static const struct {
        const char *base;
        const char *want;
    } rows[] = {
        { "http://127.0.0.1:8080/github", "http://127.0.0.1:8080/github/x" },
        { "http://[::1]:80", "http://[::1]:80/x" },
        { "http://x.org?q", NULL },
        { "http://x.org#f", NULL },
        { "http://u@x.org", NULL },
        { "ftp://x.org", NULL },
        { "", NULL },
        { NULL, NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct call_answer answer = { .method = ROLLCALL_GET, .url = "{base}/x" };
        struct request_source source = source_for("alice", 0);
        source.base_url = rows[i].base;
        int error = request_fill(&answer, &source, arena, &request, &why);
        if (error != (rows[i].want == NULL ? ERROR_INVALID : ERROR_OK) ||
            (error == ERROR_OK && strcmp(request.url, rows[i].want) != 0)) {
            support_fail("row %zu: %s", i, error_name(error));
        }
    }
}

/* Whatever a name is, a request goes where its template says. */
static void
test_no_byte_moves_the_origin(void **state)
{
    (void)state;
    static const char *const urls[] = { "{base}/{subject}", "https://h.org/{subject}/x",
                                        "https://h.org?{subject}", "https://h.org#{subject}" };
    for (unsigned c = 1; c < 0x80; c++) {
        for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
            struct request_source source = source_for("x", 0);
            snprintf(subject.value, sizeof subject.value, "%c%c/%ca.b@c.d:80%c", c, c, c, c);
            struct call_answer answer = { .method = ROLLCALL_GET, .url = urls[i] };
            struct url_origin origin;
            if (request_fill(&answer, &source, arena, &request, &why) != ERROR_OK) {
                continue;
            }
            assert_true(url_read_origin(request.url, &origin));
            const char *want = i == 0 ? "api.example.com" : "h.org";
            assert_int_equal(origin.host_len, strlen(want));
            assert_memory_equal(origin.host, want, origin.host_len);
            assert_int_equal(origin.port, 443);
            assert_false(url_has_dot_segment(request.url));
        }
        arena_free(&arena);
        assert_int_equal(set_up(NULL), 0);
    }
}

static void
test_what_is_too_long_is_refused(void **state)
{
    (void)state;
    char url[ROLLCALL_TEMPLATE_BYTES + 64] = "{base}/";
    memset(url + 7, 'x', sizeof url - 8);
    assert_int_equal(fill_url(url, "alice", 0), ERROR_INVALID);
    assert_non_null(strstr(why.text, "8192"));
}

/* ---- Headers ------------------------------------------------------------- */

static int
fill_one_header(const char *name, const char *value, const char *subject_text)
{
    struct call_pair header = { name, value };
    struct call_answer answer = {
        .method = ROLLCALL_GET, .url = "{base}/", .headers = &header, .header_count = 1
    };
    return fill(&answer, subject_text, 0);
}

static void
test_headers(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *value;
        const char *subject;
        const char *want;
        int error;
    } rows[] = {
        { "Accept", "application/json", "alice", "application/json", 0 },
        { "X-Name", "n={subject}", "alice", "n=alice", 0 },
        { "Authorization", "Bearer {secret:token}", "alice", "Bearer s3cr3t", 0 },
        { "X-Guest", "{shared:guest}", "alice", "g/1", 0 },
        { "X-Region", "{config:region}", "alice", "eu west", 0 },
        { "Origin", "{base}", "alice", BASE, 0 },
        { "Referer", "{base}/u/{subject}?x", "a b", BASE "/u/a%20b?x", 0 },
        { "X-Name", "{subject}", "a b", NULL, ERROR_UNACCEPTABLE },
        { "X-Name", "{subject}", "\xc3\xa9", NULL, ERROR_UNACCEPTABLE },
        { "X-Name", "{value:broken}", "alice", NULL, ERROR_INVALID },
        { "X-Name", "a\r\nb", "alice", NULL, ERROR_INVALID },
        { "X-Name", "{config:nothing}", "alice", NULL, ERROR_NOT_FOUND },
        { "X Name", "x", "alice", NULL, ERROR_INVALID },
        { "X-{subject}", "x", "alice", NULL, ERROR_INVALID },
        { "", "x", "alice", NULL, ERROR_INVALID },
        { "X\r\nY", "x", "alice", NULL, ERROR_INVALID },
        { "Host", "evil.org", "alice", NULL, ERROR_INVALID },
        { "hOST", "evil.org", "alice", NULL, ERROR_INVALID },
        { "Content-Length", "0", "alice", NULL, ERROR_INVALID },
        { "Transfer-Encoding", "chunked", "alice", NULL, ERROR_INVALID },
        { "Connection", "close", "alice", NULL, ERROR_INVALID },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int error = fill_one_header(rows[i].name, rows[i].value, rows[i].subject);
        bool right = error == rows[i].error;
        if (right && error == ERROR_OK) {
            right = request.header_count == 1 &&
                    strcmp(request.headers[0].name, rows[i].name) == 0 &&
                    strcmp(request.headers[0].value, rows[i].want) == 0;
        }
        if (!right) {
            support_fail("row %zu: %s, %s", i, error_name(error), why.text);
        }
    }
}

static void
test_a_header_without_its_secret_is_left_out(void **state)
{
    (void)state;
    assert_int_equal(fill_one_header("Authorization", "Bearer {secret:other}", "alice"), ERROR_OK);
    assert_int_equal(request.header_count, 0);
}

static void
test_a_secret_follows_no_redirects(void **state)
{
    (void)state;
    struct call_pair header = { "Authorization", "Bearer {secret:token}" };
    struct call_answer answer = { .method = ROLLCALL_GET,
                                  .url = "{base}/",
                                  .headers = &header,
                                  .header_count = 1,
                                  .redirects = 3 };
    assert_int_equal(fill(&answer, "alice", 0), ERROR_OK);
    assert_int_equal(request.redirects_max, 0);
    answer.header_count = 0;
    assert_int_equal(fill(&answer, "alice", 0), ERROR_OK);
    assert_int_equal(request.redirects_max, 3);
    answer.redirects = 1000;
    assert_int_equal(fill(&answer, "alice", 0), ERROR_OK);
    assert_int_equal(request.redirects_max, FETCH_REDIRECTS_MAX);
}

/* ---- Bodies -------------------------------------------------------------- */

static void
test_a_form(void **state)
{
    (void)state;
    struct call_pair form[] = { { "email", "{subject}" },
                                { "a b", "x&y={value:csrf}" },
                                { "empty", "" } };
    struct call_answer answer = {
        .method = ROLLCALL_POST, .url = "{base}/", .form = form, .form_count = ARRAY_LEN(form)
    };
    assert_int_equal(fill(&answer, "al+x@b.de", 0), ERROR_OK);
    assert_string_equal(request.body, "email=al%2Bx%40b.de&a+b=x%26y%3Da%26b&empty=");
    assert_int_equal(request.body_len, strlen(request.body));
    assert_int_equal(request.header_count, 1);
    assert_string_equal(request.headers[0].name, "Content-Type");
    assert_string_equal(request.headers[0].value, "application/x-www-form-urlencoded");
}

struct body_row {
    const char *type;
    const char *body;
    const char *subject;
    const char *want;
    int error;
};

#define JSON "application/json"

static const struct body_row body_rows[] = {
    { JSON, "{{\"n\":\"{subject}\"}}", "alice", "{\"n\":\"alice\"}", 0 },
    { JSON "; charset=utf-8", "[\"{subject}\"]", "a\"],\"x", "[\"a\\\"],\\\"x\"]", 0 },
    { "application/vnd.x+json", "[\"{subject}\"]", "a\\", "[\"a\\\\\"]", 0 },
    { JSON, "[\"\\\"{subject}\"]", "a\"b", "[\"\\\"a\\\"b\"]", 0 },
    { JSON, "[\"{value:broken}\"]", "a", "[\"a\\u000d\\u000ab\"]", 0 },
    { JSON, "[{subject}]", "123", "[123]", 0 },
    { JSON, "[{subject}]", "1,2", NULL, ERROR_UNACCEPTABLE },
    { JSON, "[{subject}]", "\"x\"", NULL, ERROR_UNACCEPTABLE },
    { JSON, "[{subject}]", "alice", NULL, ERROR_INVALID },
    { JSON, "[\"{subject}\"", "alice", NULL, ERROR_INVALID },
    { JSON, "", "alice", NULL, ERROR_INVALID },
    { "application/x-www-form-urlencoded", "n={subject}&x=1", "a&b=c", "n=a%26b%3Dc&x=1", 0 },
    { "text/xml", "<n>{subject}</n>", "a@b.de", "<n>a@b.de</n>", 0 },
    { "text/xml", "<n>{subject}</n>", "a</n>", NULL, ERROR_UNACCEPTABLE },
    { "text/plain", "{value:csrf}", "a", "a&b", 0 },
    { "text/plain", "{value:broken}", "a", NULL, ERROR_INVALID },
    { "text/plain\r\nX: y", "x", "a", NULL, ERROR_INVALID },
    { "", "x", "a", NULL, ERROR_INVALID },
    { NULL, "x", "a", NULL, ERROR_INVALID },
};

static void
test_bodies(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(body_rows); i++) {
        const struct body_row *row = &body_rows[i];
        struct call_answer answer = {
            .method = ROLLCALL_POST, .url = "{base}/", .content_type = row->type, .body = row->body
        };
        int error = fill(&answer, row->subject, 0);
        bool right = error == row->error;
        if (right && error == ERROR_OK) {
            right = strcmp(request.body, row->want) == 0 && request.header_count == 1 &&
                    strcmp(request.headers[0].value, row->type) == 0;
        }
        if (!right) {
            support_fail("row %zu: %s, %s", i, error_name(error), why.text);
        }
    }
}

static void
test_a_plugin_may_name_the_content_type_itself(void **state)
{
    (void)state;
    struct call_pair header = { "content-type", "application/json" };
    struct call_answer answer = { .method = ROLLCALL_PUT,
                                  .url = "{base}/",
                                  .headers = &header,
                                  .header_count = 1,
                                  .content_type = "text/plain",
                                  .body = "x" };
    assert_int_equal(fill(&answer, "alice", 0), ERROR_OK);
    assert_int_equal(request.method, FETCH_PUT);
    assert_int_equal(request.header_count, 1);
}

static void
test_only_some_requests_have_bodies(void **state)
{
    (void)state;
    struct call_pair field = { "a", "b" };
    struct call_answer get = {
        .method = ROLLCALL_GET, .url = "{base}/", .form = &field, .form_count = 1
    };
    assert_int_equal(fill(&get, "alice", 0), ERROR_INVALID);
    struct call_answer head = {
        .method = ROLLCALL_HEAD, .url = "{base}/", .content_type = "a/b", .body = "x"
    };
    assert_int_equal(fill(&head, "alice", 0), ERROR_INVALID);
    struct call_answer both = { .method = ROLLCALL_POST,
                                .url = "{base}/",
                                .form = &field,
                                .form_count = 1,
                                .content_type = "a/b",
                                .body = "x" };
    assert_int_equal(fill(&both, "alice", 0), ERROR_INVALID);
    struct call_answer none = { .method = 5, .url = "{base}/" };
    assert_int_equal(fill(&none, "alice", 0), ERROR_INVALID);
}

/* ---- Profiles, shared values --------------------------------------------- */

static void
test_profiles(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *want;
        int error;
    } rows[] = {
        { "https://x.org/{subject}", "https://x.org/al%20ice", 0 },
        { "https://x.org/#/@{subject}", "https://x.org/#/@al%20ice", 0 },
        { "{base}/{value:csrf}", BASE "/a%26b", 0 },
        { "{base}/{secret:token}", NULL, ERROR_DENIED },
        { "{base}/{config:region}", NULL, ERROR_DENIED },
        { "{base}/{shared:guest}", NULL, ERROR_DENIED },
        { "javascript:alert(1)", NULL, ERROR_INVALID },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct request_source source = source_for("al ice", 0);
        const char *url = NULL;
        int error = request_fill_profile(rows[i].url, &source, arena, &url);
        if (error != rows[i].error || (error == ERROR_OK && strcmp(url, rows[i].want) != 0)) {
            support_fail("row %zu: %s", i, error_name(error));
        }
    }
}

static void
test_names_of_shared_values(void **state)
{
    (void)state;
    struct call_pair headers[] = { { "A", "{shared:one}{subject}" }, { "B", "x" } };
    struct call_pair form[] = { { "c", "{shared:three}{shared:one}" } };
    struct call_answer answer = { .url = "{base}/{shared:two}",
                                  .headers = headers,
                                  .header_count = 2,
                                  .form = form,
                                  .form_count = 1 };
    static const char *const want[] = { "two", "one", "three", "one" };
    char name[16];
    size_t cursor = 0;
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        assert_true(request_next_shared(&answer, &cursor, name, sizeof name));
        assert_string_equal(name, want[i]);
    }
    assert_false(request_next_shared(&answer, &cursor, name, sizeof name));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_urls),
        TEST(test_names_of_services),
        TEST(test_a_base_url_may_have_a_path),
        TEST(test_no_byte_moves_the_origin),
        TEST(test_what_is_too_long_is_refused),
        TEST(test_headers),
        TEST(test_a_header_without_its_secret_is_left_out),
        TEST(test_a_secret_follows_no_redirects),
        TEST(test_a_form),
        TEST(test_bodies),
        TEST(test_a_plugin_may_name_the_content_type_itself),
        TEST(test_only_some_requests_have_bodies),
        TEST(test_profiles),
        TEST(test_names_of_shared_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
