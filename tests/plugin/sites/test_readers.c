/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What is asked for each entry, what its checker says of itself, and what becomes of entries that
 * are broken, not for us, or there twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/plugin/sites/stand.h"
#include "tests/support/common.h"

static struct stand *stand; /* of the running test; closed by its teardown */

static int
teardown(void **state)
{
    (void)state;
    stand_close(&stand);
    return 0;
}

static void
open_one(const char *name, const char *text)
{
    const struct stand_options options = { .files = { { name, text, 0 } } };
    stand = stand_open(&options);
}

static void
need_note(const char *text)
{
    if (!stand_notes(stand, text)) {
        for (size_t i = 0; i < stand_offer(stand)->note_count; i++) {
            print_error("note: %s\n", stand_offer(stand)->notes[i]);
        }
        support_fail("no note has \"%s\"", text);
    }
}

/* ---- Requests ----------------------------------------------------------- */

static const char wmn[] =
    "{\"sites\":["
    "{\"name\":\"Path\",\"uri_check\":\"https://p.example/u/{account}?x={account}#/{account}\","
    "\"e_code\":200,\"e_string\":\"a\",\"m_code\":404,\"m_string\":\"b\",\"known\":[\"k\"],"
    "\"cat\":\"xx NSFW xx\"},"
    "{\"name\":\"Host\",\"uri_check\":\"https://{account}.p.example:8443\",\"e_code\":200,"
    "\"e_string\":\"a\",\"m_code\":404,\"m_string\":\"b\",\"known\":[\"k\"],\"cat\":\"art\"},"
    "{\"name\":\"Json\",\"uri_check\":\"https://p.example/api\",\"post_body\":"
    "\"{\\\"n\\\":{\\\"m\\\":\\\"{account}\\\"}}\",\"headers\":{\"content-type\":"
    "\"application/json; charset=utf-8\",\"Host\":\"p.example\",\"TE\":\"trailers\",\"X-A\":"
    "\"{1}\"},\"e_code\":200,\"e_string\":\"a\",\"m_code\":200,\"m_string\":\"b\",\"cat\":\"a\"},"
    "{\"name\":\"Form\",\"uri_check\":\"https://p.example/api\",\"post_body\":"
    "\"a=1&n={account}\",\"headers\":{\"Content-Type\":\"application/x-www-form-urlencoded\"},"
    "\"e_code\":200,\"e_string\":\"a\",\"m_code\":200,\"m_string\":\"b\"},"
    "{\"name\":\"Untyped\",\"uri_check\":\"https://p.example/api\",\"post_body\":\"n={account}\","
    "\"e_code\":200,\"e_string\":\"a\",\"m_code\":200,\"m_string\":\"b\"},"
    "{\"name\":\"Graph\",\"uri_check\":\"https://p.example/api\",\"post_body\":"
    "\"{\\\"query\\\":\\\"{user(name:\\\\\\\"{account}\\\\\\\"){id}}\\\"}\",\"headers\":"
    "{\"Content-Type\":\"application/json\"},\"e_code\":200,\"e_string\":\"a\",\"m_code\":200,"
    "\"m_string\":\"b\"},"
    "{\"name\":\"Quoted\",\"uri_check\":\"https://p.example/?v=%22{account}%22\",\"e_code\":200,"
    "\"e_string\":\"a\",\"m_code\":404,\"m_string\":\"b\"},"
    "{\"name\":\"Strip\",\"uri_check\":\"https://{account}.p.example/\",\"strip_bad_char\":\".\","
    "\"e_code\":200,\"e_string\":\"a\",\"m_code\":404,\"m_string\":\"b\"}]}";

static const char sherlock[] =
    "{\"Head\":{\"url\":\"https://s.example/{}\",\"urlMain\":\"https://s.example/\","
    "\"errorType\":\"status_code\",\"username_claimed\":\"k\",\"isNSFW\":true},"
    "\"Probe\":{\"url\":\"https://s.example/{}\",\"urlProbe\":\"https://api.s.example/v1?u={}\","
    "\"urlMain\":\"https://s.example/\",\"errorType\":\"message\",\"errorMsg\":\"no\","
    "\"headers\":{\"Accept\":\"text/html\"},\"tags\":[\"gaming\"],\"username_claimed\":\"k\"},"
    "\"Away\":{\"url\":\"https://s.example/{}\",\"urlMain\":\"https://s.example/\","
    "\"errorType\":\"response_url\",\"username_claimed\":\"k\"},"
    "\"List\":{\"url\":\"https://s.example/{}\",\"urlMain\":\"https://s.example/\","
    "\"errorType\":[\"status_code\"],\"username_claimed\":\"k\"},"
    "\"Payload\":{\"url\":\"https://s.example/\",\"urlMain\":\"https://s.example/\","
    "\"errorType\":\"message\",\"errorMsg\":\"no\",\"request_method\":\"POST\","
    "\"request_payload\":{\"a\":{\"b\":[\"x{}y\",1,true,null,0.5]},\"{}\":\"{c}\"},"
    "\"username_claimed\":\"k\"},"
    "\"Space\":{\"url\":\"https://s.example/a b/{}|\\u00fc\",\"urlMain\":\"https://s.example/\","
    "\"errorType\":\"status_code\",\"request_method\":\"GET\",\"username_claimed\":\"k\"}}";

static const char maigret[] =
    "{\"engines\":{\"Board\":{\"name\":\"Board\",\"presenseStrs\":[\"fingerprint\"],\"site\":{"
    "\"checkType\":\"message\",\"url\":\"{urlMain}{urlSubpath}/find.php?n={username}\","
    "\"absenceStrs\":[\"none of the engine\"],\"presenseStrs\":[\"of the engine\"],"
    "\"headers\":{\"X-Engine\":\"1\"},\"errors\":{\"Wall\":\"Captcha\"},"
    "\"regexCheck\":\"^[^.]+$\"}}},"
    "\"sites\":{"
    "\"Plain\":{\"engine\":\"Board\",\"urlMain\":\"https://m.example/\",\"urlSubpath\":\"/forum\","
    "\"absenceStrs\":[\"none of the site\"],\"usernameClaimed\":\"k\",\"tags\":[\"forum\",\"ru\"]},"
    "\"Merged\":{\"engine\":\"Board\",\"urlMain\":\"https://m.example\",\"headers\":{\"X-Own\":"
    "\"2\"},\"checkType\":\"status_code\",\"usernameClaimed\":\"k\",\"tags\":[\"porn\"]},"
    "\"Braces\":{\"url\":\"https://m.example//a///{{x}}/{username}\",\"urlMain\":\"https://"
    "m.example\",\"checkType\":\"status_code\",\"requestHeadOnly\":true,\"usernameClaimed\":\"k\"},"
    "\"Probe\":{\"url\":\"https://m.example/{username}\",\"urlProbe\":\"https://m.example//api//"
    "{username}\",\"urlMain\":\"https://m.example\",\"checkType\":\"response_url\","
    "\"usernameClaimed\":\"k\"},"
    "\"Post\":{\"url\":\"https://m.example/q\",\"urlMain\":\"https://m.example\","
    "\"requestMethod\":\"POST\",\"requestPayload\":{\"query\":\"{{user(n: {username})}}\"},"
    "\"checkType\":\"message\",\"absenceStrs\":[\"no\"],\"usernameClaimed\":\"k\"},"
    "\"Form\":{\"url\":\"https://m.example/q\",\"urlMain\":\"https://m.example\","
    "\"requestMethod\":\"POST\",\"headers\":{\"Content-Type\":"
    "\"application/x-www-form-urlencoded\"},\"requestPayload\":{\"a b\":\"1&2\",\"n\":"
    "\"{username}\"},\"checkType\":\"message\",\"absenceStrs\":[\"no\"],\"usernameClaimed\":\"k\"}"
    "}}";

static const char own[] =
    "{\"rollcall_catalog\":1,\"sites\":[{\"name\":\"Own Site\",\"id\":\"own.site\",\"source\":"
    "\"https://o.example/doc\",\"home\":\"https://o.example/\",\"tags\":[\"coding\"],"
    "\"method\":\"signup\",\"evidence\":\"public\",\"caseless\":true,"
    "\"request\":{\"method\":\"POST\",\"url\":\"https://o.example/{subject:lower}\",\"headers\":"
    "{\"Accept\":\"application/json\"},\"body\":{\"name\":\"{subject}\"},\"follow\":2},"
    "\"profile\":\"https://o.example/@{subject}\","
    "\"registered\":{\"status\":200,\"json\":{\"login\":\"{subject}\",\"kind\":\"user\",\"id\":"
    "{\"there\":true},\"ok\":true}},"
    "\"unregistered\":{\"status\":[404,200],\"json\":{\"items\":{\"count\":0},\"n\":3,\"ok\":false}"
    "},"
    "\"names\":\"^[A-Za-z0-9]+$\",\"known\":[\"k\"],\"rate\":{\"count\":5,\"seconds\":1},"
    "\"concurrency\":1},"
    "{\"name\":\"Whole\",\"source\":\"x\",\"request\":{\"url\":\"https://o.example/{subject}\"},"
    "\"registered\":{\"status\":200,\"body\":[\"a\",\"b\"]},"
    "\"unregistered\":{\"status\":200,\"whole\":\"null\"}}]}";

struct request_row {
    const char *file;
    const char *id;
    const char *name;
    int method; /* 0: not asked, not_a_valid_name */
    const char *url;
    const char *body;
    const char *header; /* one that is among them, or NULL */
    unsigned redirects;
};

static const struct request_row request_rows[] = {
    { wmn, "path", "a b/ü", ROLLCALL_GET, "https://p.example/u/a%20b%2F%C3%BC?x=a%20b%2F%C3%BC",
      NULL, NULL, 0 },
    { wmn, "path", "..", 0, NULL, NULL, NULL, 0 },
    { wmn, "host", "alice", ROLLCALL_GET, "https://alice.p.example:8443/", NULL, NULL, 0 },
    { wmn, "host", "a.b", 0, NULL, NULL, NULL, 0 },
    { wmn, "host", "a/b", 0, NULL, NULL, NULL, 0 },
    { wmn, "json", "a\"b\\", ROLLCALL_POST, "https://p.example/api",
      "{\"n\":{\"m\":\"a\\\"b\\\\\"}}", "X-A: {1}", 0 },
    { wmn, "json", "a", ROLLCALL_POST, "https://p.example/api", "{\"n\":{\"m\":\"a\"}}",
      "Content-Type: application/json; charset=utf-8", 0 },
    { wmn, "form", "a&b=c d", ROLLCALL_POST, "https://p.example/api", "a=1&n=a%26b%3Dc+d", NULL,
      0 },
    { wmn, "untyped", "a&b", ROLLCALL_POST, "https://p.example/api", "n=a%26b",
      "Content-Type: application/x-www-form-urlencoded", 0 },
    { wmn, "graph", "alice", ROLLCALL_POST, "https://p.example/api",
      "{\"query\":\"{user(name:\\\"alice\\\"){id}}\"}", NULL, 0 },
    { wmn, "graph", "a\"b", 0, NULL, NULL, NULL, 0 },
    { wmn, "quoted", "alice", ROLLCALL_GET, "https://p.example/?v=%22alice%22", NULL, NULL, 0 },
    { wmn, "quoted", "a\"b", 0, NULL, NULL, NULL, 0 },
    { wmn, "strip", "ab", ROLLCALL_GET, "https://ab.p.example/", NULL, NULL, 0 },
    { wmn, "strip", "a.b", 0, NULL, NULL, NULL, 0 },
    { sherlock, "head", "Alice", ROLLCALL_HEAD, "https://s.example/Alice", NULL, NULL, 5 },
    { sherlock, "probe", "alice", ROLLCALL_GET, "https://api.s.example/v1?u=alice", NULL,
      "Accept: text/html", 5 },
    { sherlock, "away", "alice", ROLLCALL_GET, "https://s.example/alice", NULL, NULL, 0 },
    { sherlock, "list", "alice", ROLLCALL_GET, "https://s.example/alice", NULL, NULL, 5 },
    { sherlock, "payload", "a\"b", ROLLCALL_POST, "https://s.example/",
      "{\"a\":{\"b\":[\"xa\\\"by\",1,true,null,0.5]},\"{}\":\"{c}\"}",
      "Content-Type: application/json", 5 },
    { sherlock, "space", "a", ROLLCALL_GET, "https://s.example/a%20b/a%7C%C3%BC", NULL, NULL, 5 },
    { maigret, "plain", "alice", ROLLCALL_GET, "https://m.example/forum/find.php?n=alice", NULL,
      NULL, 5 },
    { maigret, "plain", "a.b", 0, NULL, NULL, NULL, 0 },
    { maigret, "merged", "alice", ROLLCALL_GET, "https://m.example/find.php?n=alice", NULL,
      "X-Engine: 1", 5 },
    { maigret, "merged", "alice", ROLLCALL_GET, "https://m.example/find.php?n=alice", NULL,
      "X-Own: 2", 5 },
    { maigret, "braces", "alice", ROLLCALL_HEAD, "https://m.example/a/%7Bx%7D/alice", NULL, NULL,
      5 },
    { maigret, "probe", "alice", ROLLCALL_GET, "https://m.example//api//alice", NULL, NULL, 0 },
    { maigret, "post", "alice", ROLLCALL_POST, "https://m.example/q",
      "{\"query\":\"{user(n: alice)}\"}", NULL, 5 },
    { maigret, "form", "a=b", ROLLCALL_POST, "https://m.example/q", "a+b=1%262&n=a%3Db", NULL, 5 },
    { own, "own.site", "Alice", ROLLCALL_POST, "https://o.example/alice", "{\"name\":\"Alice\"}",
      "Accept: application/json", 2 },
    { own, "own.site", "a-b", 0, NULL, NULL, NULL, 0 },
};

static bool
same(const char *left, const char *right)
{
    return (left == NULL || right == NULL) ? left == right : strcmp(left, right) == 0;
}

static bool
has_header(const struct stand_request *request, const char *header)
{
    for (size_t i = 0; header != NULL && request->headers[i] != NULL; i++) {
        if (strcmp(request->headers[i], header) == 0) {
            return true;
        }
    }
    return header == NULL;
}

static void
expect_request(size_t i, const struct request_row *row)
{
    const struct stand_request *got = stand_ask(stand, row->id, row->name);
    if (row->method == 0) {
        if (!got->is_verdict || got->finding.reason != REASON_NOT_A_VALID_NAME) {
            support_fail("row %zu, %s: asked for %s", i, row->id, got->is_verdict ? "-" : got->url);
        }
        return;
    }
    if (got->is_verdict) {
        support_fail("row %zu, %s: not asked, %s", i, row->id, reason_name(got->finding.reason));
    }
    if (got->method != row->method || !same(got->url, row->url) || !same(got->body, row->body) ||
        got->redirects != row->redirects || !has_header(got, row->header)) {
        support_fail("row %zu, %s: %d %s %s, follows %u", i, row->id, got->method, got->url,
                     got->body != NULL ? got->body : "-", got->redirects);
    }
}

static void
test_requests(void **state)
{
    (void)state;
    const char *file = NULL;
    for (size_t i = 0; i < ARRAY_LEN(request_rows); i++) {
        if (request_rows[i].file != file) {
            stand_close(&stand);
            file = request_rows[i].file;
            open_one("a.json", file);
        }
        expect_request(i, &request_rows[i]);
    }
}

/* All at a test server: the id, then a name that stood in the host, then the entry's own path. */
static void
test_base_url(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        const char *name;
        const char *url;
    } wanted[] = {
        { "path", "alice", "http://127.0.0.1:1/path/u/alice?x=alice" },
        { "host", "alice", "http://127.0.0.1:1/host/alice/" },
        { "json", "alice", "http://127.0.0.1:1/json/api" },
        { "quoted", "alice", "http://127.0.0.1:1/quoted/?v=%22alice%22" },
    };
    const struct stand_options options = { .files = { { "w.json", wmn, 0 } },
                                           .base_url = "http://127.0.0.1:1" };
    stand = stand_open(&options);
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        const struct stand_request *got = stand_ask(stand, wanted[i].id, wanted[i].name);
        if (got->is_verdict || strcmp(got->url, wanted[i].url) != 0) {
            support_fail("row %zu: %s", i, got->is_verdict ? "not asked" : got->url);
        }
    }
    assert_true(stand_ask(stand, "host", "a.b")->is_verdict);
}

/* WhatsMyName's own way: the name that is left is asked for. */
static void
test_stripped(void **state)
{
    (void)state;
    const struct stand_options options = { .files = { { "w.json", wmn, 0 } },
                                           .reading = "faithful" };
    stand = stand_open(&options);
    assert_string_equal(stand_ask(stand, "strip", "a.l.i")->url, "https://ali.p.example/");
    assert_true(stand_ask(stand, "strip", "...")->is_verdict);
    assert_true(stand_ask(stand, "strip", "a./b")->is_verdict);
}

/* ---- What a checker says of itself -------------------------------------- */

static bool
has_tag(const struct manifest_checker *checker, const char *tag)
{
    for (size_t i = 0; checker->platform.tags[i] != NULL; i++) {
        if (strcmp(checker->platform.tags[i], tag) == 0) {
            return true;
        }
    }
    return false;
}

static void
test_checkers(void **state)
{
    (void)state;
    const struct stand_options options = { .files = { { "w.json", wmn, 0 },
                                                      { "dir.s.json", sherlock, 0 },
                                                      { "m.json", maigret, 0 },
                                                      { "o.json", own, 0 } } };
    stand = stand_open(&options);
    const struct manifest_checker *path = stand_find(stand, "path");
    assert_string_equal(path->platform.title, "Path");
    assert_string_equal(path->source, "w");
    assert_string_equal(path->known[0], "k");
    assert_string_equal(path->base_url, "https://p.example");
    assert_true(path->platform.adult);
    assert_non_null(path->absent);
    assert_true(stand_find(stand, "head")->platform.adult);
    assert_true(has_tag(stand_find(stand, "probe"), "gaming"));
    assert_string_equal(stand_find(stand, "head")->source, "dir.s");
    assert_string_equal(stand_find(stand, "head")->platform.home, "https://s.example/");
    assert_true(has_tag(stand_find(stand, "plain"), "ru"));
    assert_true(stand_find(stand, "merged")->platform.adult);
    const struct manifest_checker *site = stand_find(stand, "own.site");
    assert_int_equal(site->method, ROLLCALL_SIGNUP);
    assert_int_equal(site->evidence, ROLLCALL_PUBLIC);
    assert_int_equal(site->flags, ROLLCALL_CASELESS);
    assert_int_equal(site->rate_count, 5);
    assert_int_equal(site->concurrency, 1);
}

static void
test_own_rules(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        int status;
        const char *body;
        enum verdict verdict;
        enum reason reason;
    } rows[] = {
        { "own.site", 200, "{\"login\":\"ALICE\",\"kind\":\"user\",\"id\":1,\"ok\":true}",
          VERDICT_REGISTERED, REASON_NONE },
        { "own.site", 200, "{\"login\":\"alic\",\"kind\":\"user\",\"id\":1,\"ok\":true}",
          VERDICT_UNKNOWN, REASON_UNEXPECTED_REPLY },
        { "own.site", 200, "{\"login\":\"alice\",\"kind\":\"team\",\"id\":1,\"ok\":true}",
          VERDICT_UNKNOWN, REASON_UNEXPECTED_REPLY },
        { "own.site", 200, "{\"login\":\"alice\",\"kind\":\"user\",\"ok\":true}", VERDICT_UNKNOWN,
          REASON_UNEXPECTED_REPLY },
        { "own.site", 404, "{\"items\":[],\"n\":3,\"ok\":false}", VERDICT_UNKNOWN,
          REASON_NOT_PUBLIC },
        { "own.site", 200, "{\"items\":[],\"n\":4,\"ok\":false}", VERDICT_UNKNOWN,
          REASON_UNEXPECTED_REPLY },
        { "own.site", 429, "", VERDICT_UNKNOWN, REASON_RATE_LIMITED },
        { "whole", 200, " null\n", VERDICT_UNREGISTERED, REASON_NONE },
        { "whole", 200, "nullx", VERDICT_UNKNOWN, REASON_UNEXPECTED_REPLY },
        { "whole", 200, "b and a", VERDICT_REGISTERED, REASON_NONE },
        { "whole", 200, "only b", VERDICT_UNKNOWN, REASON_UNEXPECTED_REPLY },
    };
    open_one("o.json", own);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct stand_reply reply = { .status = rows[i].status, .body = rows[i].body };
        struct finding got = stand_judge(stand, rows[i].id, "alice", &reply);
        if (got.verdict != rows[i].verdict || got.reason != rows[i].reason) {
            support_fail("row %zu: %s, %d", i, verdict_name(got.verdict), (int)got.reason);
        }
    }
}

/* ---- The same site twice ------------------------------------------------ */

#define SHERLOCK(name)                                                                             \
    "\"" name "\":{\"url\":\"https://s.example/{}\",\"urlMain\":\"https://s.example/\","           \
    "\"errorType\":\"status_code\",\"username_claimed\":\"k\"}"
#define WMN(name)                                                                                  \
    "{\"name\":\"" name "\",\"uri_check\":\"https://w.example/{account}\",\"e_code\":200,"         \
    "\"e_string\":\"a\",\"m_code\":404,\"m_string\":\"b\",\"known\":[\"k\"]}"
#define OWN(name)                                                                                  \
    "{\"name\":\"" name "\",\"source\":\"x\",\"request\":{\"url\":\"https://o.example/"            \
    "{subject}\"},\"registered\":{\"status\":200},\"unregistered\":{\"status\":404}}"

/* Whatever their order in the configuration. */
static void
test_precedence(void **state)
{
    (void)state;
    static const char maigret_too[] =
        "{\"sites\":{\"One\":{\"url\":\"https://m.example/{username}\",\"checkType\":"
        "\"status_code\"},\"Four\":{\"url\":\"https://m.example/{username}\",\"checkType\":"
        "\"status_code\"}}}";
    const struct stand_options options = {
        .files = { { "m.json", maigret_too, 0 },
                   { "s.json", "{" SHERLOCK("One") "," SHERLOCK("Two") "," SHERLOCK("Three") "}",
                     0 },
                   { "w.json", "{\"sites\":[" WMN("one") "," WMN("T.w.o") "," WMN("TWO") "]}", 0 },
                   { "o.json", "{\"rollcall_catalog\":1,\"sites\":[" OWN("O N E") "]}", 0 } }
    };
    stand = stand_open(&options);
    assert_string_equal(stand_find(stand, "one")->source, "o");
    assert_string_equal(stand_find(stand, "two")->source, "w");
    assert_string_equal(stand_find(stand, "two")->platform.title, "T.w.o");
    assert_string_equal(stand_find(stand, "three")->source, "s");
    assert_string_equal(stand_find(stand, "four")->source, "m");
    assert_int_equal(stand_offer(stand)->checker_count, 4);
    need_note("w: shadowed by o: one");
    need_note("w: shadowed by w: TWO");
    need_note("s: shadowed by o: One");
    need_note("s: shadowed by w: Two");
    need_note("m: shadowed by o: One");
    need_note("w: 3 entries: 1 offered, 0 skipped, 0 broken, 2 shadowed");
}

/* Its site may stand in another catalogue as well. */
static void
test_broken_shadows_nobody(void **state)
{
    (void)state;
    const struct stand_options options = {
        .files = { { "w.json", "{\"sites\":[{\"name\":\"One\",\"uri_check\":7}]}", 0 },
                   { "s.json", "{" SHERLOCK("One") "}", 0 } }
    };
    stand = stand_open(&options);
    assert_string_equal(stand_find(stand, "one")->source, "s");
    need_note("w: One: broken: uri_check is a number");
}

/* ---- Entries that are not offered --------------------------------------- */

#define SITE(fields) "{\"sites\":[{\"name\":\"X\"," fields "}," WMN("Good") "]}"
#define CODES "\"e_code\":200,\"e_string\":\"a\",\"m_code\":404,\"m_string\":\"b\""
#define ENTRY(fields) "{\"X\":{" fields "}," SHERLOCK("Good") "}"
#define SPIDER(fields)                                                                             \
    "{\"sites\":{\"X\":{" fields "},\"Good\":{\"url\":\"https://m.example/{username}\","           \
    "\"checkType\":\"status_code\"}}}"
#define OURS(fields)                                                                               \
    "{\"rollcall_catalog\":1,\"sites\":[{\"name\":\"X\"," fields "}," OWN("Good") "]}"
#define TWO_SIDES "\"registered\":{\"status\":200},\"unregistered\":{\"status\":404}"

static const struct {
    const char *text;
    const char *note;
} refused[] = {
    { SITE("\"uri_check\":\"https://w.example/\"," CODES),
      "a: X: broken: url has no place for the name" },
    { SITE(CODES), "a: X: broken: uri_check is not there" },
    { SITE("\"uri_check\":7," CODES), "a: X: broken: uri_check is a number, wants a text" },
    { SITE("\"uri_check\":\"ftp://w.example/{account}\"," CODES), "begins with neither https://" },
    { SITE("\"uri_check\":\"https://w.example:x/{account}\"," CODES), "port that is no number" },
    { SITE("\"uri_check\":\"https://u@w.example/{account}\"," CODES), "character in its host" },
    { SITE("\"uri_check\":\"https://x{account}.w.example/\"," CODES), "part of a label" },
    { SITE("\"uri_check\":\"https://w.{account}/\"," CODES), "part of a label" },
    { SITE("\"uri_check\":\"https://w.example/a/../{account}\"," CODES), "segment of dots" },
    { SITE("\"uri_check\":\"https://w.example/#{account}\"," CODES), "no place for the name" },
    { SITE("\"uri_check\":\"https://w.example/{account}\",\"e_code\":\"200\",\"e_string\":\"a\","
           "\"m_code\":404,\"m_string\":\"b\""),
      "a: X: broken: e_code is a text, wants a status" },
    { SITE("\"uri_check\":\"https://w.example/{account}\",\"e_code\":20,\"e_string\":\"a\","
           "\"m_code\":404,\"m_string\":\"b\""),
      "a: X: broken: e_code is another number" },
    { SITE("\"uri_check\":\"https://w.example/{account}\",\"e_code\":200,\"m_code\":404,"
           "\"m_string\":\"b\""),
      "a: X: broken: e_string is not there" },
    { SITE("\"uri_check\":\"https://w.example/{account}\",\"e_code\":200,\"e_string\":\"\","
           "\"m_code\":200,\"m_string\":\"\""),
      "and m_string are empty" },
    { SITE("\"uri_check\":\"https://w.example/{account}\",\"headers\":{\"A B\":\"c\"}," CODES),
      "a: X: broken: headers has \"A B\", which is no header" },
    { SITE("\"uri_check\":\"https://w.example/{account}\",\"headers\":{\"A\":\"c\\nB: d\"}," CODES),
      "which is no header" },
    { SITE("\"uri_check\":\"https://w.example/{account}\",\"headers\":[1]," CODES),
      "headers is a list, wants an object" },
    { SITE("\"uri_check\":\"https://w.example/"
           "{account}\",\"headers\":{\"Host\":\"v.example\"}," CODES),
      "a: skipped, their Host header names another host than their URL: X" },
    { SITE("\"uri_check\":\"https://w.example/{account}\",\"valid\":false," CODES),
      "a: skipped, marked as not valid: X" },
    { SITE("\"uri_check\":\"https://w.example/\\u0000{account}\"," CODES),
      "has a character U+0000" },
    { SITE("\"uri_check\":\"https://w.example/\\u0001{account}\"," CODES),
      "has a control character" },
    { SITE("\"uri_check\":\"https://w.example/{account}\",\"uri_check\":\"x\"," CODES),
      "has the key \"uri_check\" twice" },
    { "{\"sites\":[7,{\"cat\":\"x\"}," WMN("Good") "]}", "an entry: broken: name is not there" },
    { ENTRY("\"url\":\"https://s.example/{}\",\"urlMain\":\"x\",\"errorType\":\"magic\""),
      "a: X: broken: errorType is \"magic\"" },
    { ENTRY("\"url\":\"https://s.example/{}\",\"urlMain\":\"x\""), "errorType is not there" },
    { ENTRY("\"url\":\"https://s.example/{}\",\"urlMain\":\"x\",\"errorType\":\"message\""),
      "errorMsg is not there" },
    { ENTRY("\"url\":\"https://s.example/{}\",\"urlMain\":\"x\",\"errorType\":\"status_code\","
            "\"regexCheck\":\"(a\""),
      "regexCheck is no pattern: missing closing parenthesis" },
    { ENTRY("\"url\":\"https://s.example/{}\",\"urlMain\":\"x\",\"errorType\":\"status_code\","
            "\"request_method\":\"PATCH\""),
      "request_method is \"PATCH\"" },
    { ENTRY("\"url\":\"https://s.example/{}\",\"urlMain\":\"x\",\"errorType\":\"status_code\","
            "\"request_payload\":{\"a\":\"{}\"}"),
      "skipped, they send a body with a method that has none: X" },
    { ENTRY("\"url\":\"https://s.example/{}\",\"urlMain\":\"x\",\"errorType\":\"status_code\","
            "\"request_payload\":\"a\""),
      "request_payload is a text, wants an object" },
    { SPIDER("\"url\":\"https://m.example/{username}\",\"checkType\":\"status_code\",\"disabled\":"
             "true"),
      "a: skipped, disabled: X" },
    { SPIDER("\"url\":\"https://m.example/{username}\",\"checkType\":\"status_code\",\"type\":"
             "\"gaia_id\""),
      "skipped, their names are of the type gaia_id: X" },
    { SPIDER("\"url\":\"http://m.onion/{username}\",\"checkType\":\"status_code\",\"protocol\":"
             "\"tor\""),
      "skipped, they need the protocol tor: X" },
    { SPIDER("\"url\":\"{username}.example\",\"checkType\":\"status_code\",\"protocol\":\"dns\""),
      "skipped, they need the protocol dns: X" },
    { SPIDER("\"url\":\"https://m.example/{username}\",\"checkType\":\"message\",\"absenceStrs\":"
             "[\"a\"],\"activation\":{\"method\":\"vimeo\",\"marks\":[\"x\"]}"),
      "skipped, they need an activation, which is code: X" },
    { SPIDER("\"url\":\"https://m.example/{username}\",\"checkType\":\"message\",\"presenceStrs\":"
             "[\"inert\"]"),
      "absenceStrs and presenseStrs are empty" },
    { SPIDER("\"url\":\"https://m.example/{username}\",\"checkType\":\"guess\""),
      "checkType wants" },
    { SPIDER("\"engine\":\"None\",\"urlMain\":\"https://m.example\""),
      "engine is \"None\", which the file does not have" },
    { SPIDER("\"url\":\"https://m.example/{username}{more}\",\"checkType\":\"status_code\""),
      "names {more}, which is no field" },
    { SPIDER("\"url\":\"https://m.example/{username}}\",\"checkType\":\"status_code\""),
      "brace without its other half" },
    { OURS("\"request\":{\"url\":\"https://o.example/{subject}\"}," TWO_SIDES),
      "source is not there" },
    { OURS("\"source\":\"x\",\"request\":{\"url\":\"https://o.example/"
           "{subject}\"},\"color\":1," TWO_SIDES),
      "color is no field of this format" },
    { OURS("\"source\":\"x\",\"request\":{\"url\":\"https://o.example/{secret:a}\"}," TWO_SIDES),
      "names {secret:a}, which is no field" },
    { OURS("\"source\":\"x\",\"request\":{\"url\":\"https://o.example/{subject}\"},"
           "\"registered\":{},\"unregistered\":{\"status\":404}"),
      "registered wants a status" },
    { OURS("\"source\":\"x\",\"request\":{\"url\":\"https://o.example/{subject}\"},"
           "\"registered\":{\"status\":200,\"json\":{\"a\":null}},\"unregistered\":{\"status\":"
           "404}"),
      "registered wants at \"a\" a text" },
    { OURS("\"source\":\"x\",\"id\":\"Bad Id\",\"request\":{\"url\":\"https://o.example/"
           "{subject}\"}," TWO_SIDES),
      "id is \"Bad Id\"" },
    { OURS("\"source\":\"x\",\"rate\":[1],\"request\":{\"url\":\"https://o.example/"
           "{subject}\"}," TWO_SIDES),
      "wants an object" },
    { OURS("\"source\":\"x\",\"request\":7," TWO_SIDES), "request is a number, wants an object" },
};

static void
test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        open_one("a.json", refused[i].text);
        const struct call_answer *offer = stand_offer(stand);
        if (!stand_notes(stand, refused[i].note) || offer->checker_count != 1 ||
            stand_find(stand, "good") == NULL) {
            support_fail("row %zu: %zu offered, first note: %s", i, offer->checker_count,
                         offer->note_count > 0 ? offer->notes[0] : "none");
        }
        stand_close(&stand);
    }
}

#define READER_TEST(name) cmocka_unit_test_teardown(name, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        READER_TEST(test_requests),  READER_TEST(test_base_url),
        READER_TEST(test_stripped),  READER_TEST(test_checkers),
        READER_TEST(test_own_rules), READER_TEST(test_precedence),
        READER_TEST(test_refused),   READER_TEST(test_broken_shadows_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
