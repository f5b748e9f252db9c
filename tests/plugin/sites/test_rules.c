/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Every rule that the tools decide by, with a reply and the two verdicts: the strict one, and the
 * one that the tool itself gives. The sites are made up, the rules are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/plugin/sites/stand.h"
#include "tests/support/common.h"

#define URL "https://a.example/"

static const char sherlock[] =
    "{\"$schema\":\"x\","
    "\"S Code\":{\"url\":\"" URL "{}\",\"urlMain\":\"" URL "\",\"errorType\":\"status_code\","
    "\"username_claimed\":\"b\"},"
    "\"S Named\":{\"url\":\"" URL "{}\",\"urlMain\":\"" URL "\",\"errorType\":\"status_code\","
    "\"errorCode\":[204,403],\"username_claimed\":\"b\"},"
    "\"S Mark\":{\"url\":\"" URL "{}\",\"urlMain\":\"" URL "\",\"errorType\":\"message\","
    "\"errorMsg\":[\"Nobody\",\"Kein Benutzer gefunden \\u00fc\"],\"username_claimed\":\"b\"},"
    "\"S Away\":{\"url\":\"" URL "{}\",\"urlMain\":\"" URL "\",\"errorType\":\"response_url\","
    "\"errorUrl\":\"" URL "\",\"username_claimed\":\"b\"},"
    "\"S Both\":{\"url\":\"" URL "{}\",\"urlMain\":\"" URL "\","
    "\"errorType\":[\"message\",\"status_code\"],\"errorMsg\":\"Nobody\","
    "\"username_claimed\":\"b\"},"
    "\"S Host\":{\"url\":\"https://auth.a.example/{}\",\"urlMain\":\"" URL "\","
    "\"errorType\":\"status_code\",\"username_claimed\":\"b\"},"
    "\"S Legal\":{\"url\":\"" URL "{}\",\"urlMain\":\"" URL "\",\"errorType\":\"status_code\","
    "\"regexCheck\":\"^[a-z]{3,}(?<!x)$\",\"username_claimed\":\"b\"}}";

#define WMN(name, e, es, m, ms)                                                                    \
    "{\"name\":\"" name "\",\"uri_check\":\"" URL "{account}\",\"cat\":\"social\",\"e_code\":" #e  \
    ",\"e_string\":\"" es "\",\"m_code\":" #m ",\"m_string\":\"" ms "\",\"known\":[\"b\"]}"

static const char wmn[] =
    "{\"sites\":[" WMN("W Two", 200, "member", 404, "nobody") "," WMN("W Same", 200, "member", 200,
                                                                      "nobody") ","              //
    WMN("W Code", 200, "member", 404, "") "," WMN("W Prefer", 200, "member", 200, "") ","        //
    WMN("W Away", 200, "member", 302, "") "," WMN("W Refused", 200, "member", 403, "nobody") "," //
    WMN("W Broke", 500, "member", 200,
        "nobody") "," WMN("W Inside", 200, "| Site", 301,
                          "All | Site") "," //
                                        "{\"name\":\"W Strip\",\"uri_check\":\"" URL
                                        "{account}\",\"cat\":\"social\",\"e_code\":200,"
                                        "\"e_string\":\"member\",\"m_code\":404,\"m_string\":"
                                        "\"nobody\",\"strip_bad_char\":\".-\","
                                        "\"known\":[\"b\"]}]}";

#define MAIGRET(name, more)                                                                        \
    "\"" name "\":{\"url\":\"" URL "{username}\",\"urlMain\":\"" URL "\"," more                    \
    ",\"usernameClaimed\":\"b\",\"usernameUnclaimed\":\"noonewouldeverusethis7\"}"

static const char maigret[] = "{\"engines\":{},\"tags\":[],\"sites\":{" //
    MAIGRET(
        "M Two",
        "\"checkType\":\"message\",\"presenseStrs\":[\"member\"],\"absenceStrs\":[\"nobody\"]") "," //
    MAIGRET("M Absence", "\"checkType\":\"message\",\"absenceStrs\":[\"nobody\"]") ","    //
    MAIGRET("M Presence", "\"checkType\":\"message\",\"presenseStrs\":[\"member\"]") ","  //
    MAIGRET("M Code", "\"checkType\":\"status_code\",\"presenseStrs\":[\"dead\"]") ","    //
    MAIGRET("M Away", "\"checkType\":\"response_url\",\"presenseStrs\":[\"member\"]") "," //
    MAIGRET("M Errors",
            "\"checkType\":\"message\",\"absenceStrs\":[\"nobody\"],"
            "\"errors\":{\"Too fast\":\"Rate limit\",\"Sign in\":\"Login required\"}") "," //
    MAIGRET("M 403",
            "\"checkType\":\"message\",\"absenceStrs\":[\"nobody\"],\"ignore403\":true") "," //
    MAIGRET("M Similar", "\"checkType\":\"message\",\"presenseStrs\":[\"member\"],"
                         "\"similarSearch\":true") "," //
    MAIGRET("M Spelling", "\"checkType\":\"message\",\"presenceStrs\":[\"member\"],"
                          "\"absenceStrs\":[\"nobody\"]") ","                              //
    MAIGRET("M Legal", "\"checkType\":\"status_code\",\"regexCheck\":\"^[^\\\\.]+$\"") "," //
    MAIGRET("M Gbk", "\"checkType\":\"message\",\"absenceStrs\":[\"\\u6ca1\\u6709\"],"
                     "\"encoding\":\"gbk\"") "}}";

#define YES VERDICT_REGISTERED
#define NO VERDICT_UNREGISTERED
#define HUH VERDICT_UNKNOWN

#define LIMIT REASON_RATE_LIMITED
#define BLOCK REASON_BLOCKED
#define FAULT REASON_SERVER_ERROR
#define ODD REASON_UNEXPECTED_REPLY
#define ILLEGAL REASON_NOT_A_VALID_NAME
#define SURE REASON_NONE

#define TO(where) "Location: " where
#define CHALLENGE                                                                                  \
    "<html><head><title>Just a moment...</title></head><script>window._cf_chl_opt={}</script>"

struct expected {
    enum verdict verdict;
    enum reason reason;
};

struct row {
    const char *id;
    const char *name; /* NULL: "bob" */
    struct stand_reply reply;
    struct expected strict;
    struct expected faithful;
};

static const struct row rows[] = {
    /* Sherlock, status_code */
    { "scode", NULL, { .status = 200 }, { YES, SURE }, { YES, SURE } },
    { "scode", NULL, { .status = 299 }, { YES, SURE }, { YES, SURE } },
    { "scode", NULL, { .status = 404 }, { NO, SURE }, { NO, SURE } },
    { "scode", NULL, { .status = 410 }, { NO, SURE }, { NO, SURE } },
    { "scode", NULL, { .status = 429 }, { HUH, LIMIT }, { NO, SURE } },
    { "scode", NULL, { .status = 403 }, { HUH, BLOCK }, { NO, SURE } },
    { "scode", NULL, { .status = 401 }, { HUH, BLOCK }, { NO, SURE } },
    { "scode", NULL, { .status = 503 }, { HUH, FAULT }, { NO, SURE } },
    { "scode", NULL, { .status = 302, .headers = TO("/") }, { HUH, ODD }, { NO, SURE } },
    { "scode", NULL, { .status = 418 }, { HUH, ODD }, { NO, SURE } },
    { "scode",
      NULL,
      { .status = 200, .url = URL "login?next=bob" },
      { HUH, BLOCK },
      { YES, SURE } },
    { "scode", "login", { .status = 200 }, { YES, SURE }, { YES, SURE } },
    { "snamed", NULL, { .status = 204 }, { NO, SURE }, { NO, SURE } },
    { "snamed", NULL, { .status = 403 }, { NO, SURE }, { NO, SURE } },
    { "snamed", NULL, { .status = 429 }, { HUH, LIMIT }, { NO, SURE } },
    { "snamed", NULL, { .status = 200 }, { YES, SURE }, { YES, SURE } },
    { "shost", NULL, { .status = 200 }, { YES, SURE }, { YES, SURE } },
    { "shost",
      NULL,
      { .status = 200, .url = "https://auth.a.example/signin" },
      { HUH, BLOCK },
      { YES, SURE } },
    /* Sherlock, message: the status is not looked at */
    { "smark", NULL, { .status = 200, .body = "Nobody here" }, { NO, SURE }, { NO, SURE } },
    { "smark", NULL, { .status = 404, .body = "Nobody here" }, { NO, SURE }, { NO, SURE } },
    { "smark", NULL, { .status = 200, .body = "nobody here" }, { YES, SURE }, { YES, SURE } },
    { "smark", NULL, { .status = 200, .body = "bob" }, { YES, SURE }, { YES, SURE } },
    { "smark", NULL, { .status = 200, .body = "" }, { HUH, ODD }, { YES, SURE } },
    { "smark", NULL, { .status = 404, .body = "bob" }, { HUH, ODD }, { YES, SURE } },
    { "smark", NULL, { .status = 429, .body = "Slow down" }, { HUH, LIMIT }, { YES, SURE } },
    { "smark", NULL, { .status = 429, .body = "Nobody" }, { HUH, LIMIT }, { NO, SURE } },
    { "smark", NULL, { .status = 403, .body = "No" }, { HUH, BLOCK }, { YES, SURE } },
    { "smark", NULL, { .status = 500, .body = "Oops" }, { HUH, FAULT }, { YES, SURE } },
    { "smark",
      NULL,
      { .status = 200, .body = "bob", .truncated = true },
      { HUH, ODD },
      { YES, SURE } },
    { "smark",
      NULL,
      { .status = 200, .body = "Nobody", .truncated = true },
      { HUH, ODD },
      { NO, SURE } },
    { "smark",
      NULL,
      { .status = 200, .body = "bob", .url = URL "users/sign_in" },
      { HUH, BLOCK },
      { YES, SURE } },
    { "smark",
      NULL,
      { .status = 200,
        .body = "Kein Benutzer gefunden \xfc",
        .headers = "Content-Type: text/html; charset=ISO-8859-1" },
      { NO, SURE },
      { NO, SURE } },
    /* Sherlock's marks of bot walls, and one that only the host knows */
    { "smark",
      NULL,
      { .status = 200, .body = "<span id=\"challenge-error-text\">" },
      { HUH, BLOCK },
      { HUH, BLOCK } },
    { "scode",
      NULL,
      { .status = 200, .body = "AwsWafIntegration.forceRefreshToken" },
      { HUH, BLOCK },
      { HUH, BLOCK } },
    { "smark", NULL, { .status = 200, .body = CHALLENGE }, { HUH, BLOCK }, { YES, SURE } },
    { "scode",
      NULL,
      { .status = 403, .headers = "cf-mitigated: challenge" },
      { HUH, BLOCK },
      { NO, SURE } },
    /* Sherlock, response_url */
    { "saway", NULL, { .status = 200, .body = "bob" }, { YES, SURE }, { YES, SURE } },
    { "saway", NULL, { .status = 302, .headers = TO(URL) }, { NO, SURE }, { NO, SURE } },
    { "saway",
      NULL,
      { .status = 301, .headers = TO("/search?q=bob") },
      { NO, SURE },
      { NO, SURE } },
    { "saway",
      NULL,
      { .status = 302, .headers = TO("/login?next=/bob") },
      { HUH, BLOCK },
      { NO, SURE } },
    { "saway",
      NULL,
      { .status = 302, .headers = TO("https://consent.a.example/?c=bob") },
      { HUH, BLOCK },
      { NO, SURE } },
    { "saway",
      NULL,
      { .status = 307, .headers = TO("/challenge/bob") },
      { HUH, BLOCK },
      { NO, SURE } },
    { "saway",
      NULL,
      { .status = 301, .headers = TO("https://www.a.example/Bob/") },
      { HUH, ODD },
      { NO, SURE } },
    { "saway", NULL, { .status = 302 }, { HUH, ODD }, { NO, SURE } },
    { "saway", NULL, { .status = 404 }, { NO, SURE }, { NO, SURE } },
    { "saway", NULL, { .status = 410 }, { NO, SURE }, { NO, SURE } },
    { "saway", NULL, { .status = 429 }, { HUH, LIMIT }, { NO, SURE } },
    { "saway", NULL, { .status = 503 }, { HUH, FAULT }, { NO, SURE } },
    /* Sherlock, a list of types: the first that says absent ends it */
    { "sboth", NULL, { .status = 200, .body = "bob" }, { YES, SURE }, { YES, SURE } },
    { "sboth", NULL, { .status = 200, .body = "Nobody" }, { NO, SURE }, { NO, SURE } },
    { "sboth", NULL, { .status = 404, .body = "Nobody" }, { NO, SURE }, { NO, SURE } },
    { "sboth", NULL, { .status = 404, .body = "bob" }, { HUH, ODD }, { NO, SURE } },
    /* A name that the pattern refuses is not asked for; it is searched, not anchored */
    { "slegal", "bobx", { .status = 200 }, { HUH, ILLEGAL }, { HUH, ILLEGAL } },
    { "slegal", "bo", { .status = 200 }, { HUH, ILLEGAL }, { HUH, ILLEGAL } },
    { "slegal", "bob", { .status = 200 }, { YES, SURE }, { YES, SURE } },

    /* WhatsMyName: both sides */
    { "wtwo", NULL, { .status = 200, .body = "a member" }, { YES, SURE }, { YES, SURE } },
    { "wtwo", NULL, { .status = 404, .body = "nobody" }, { NO, SURE }, { NO, SURE } },
    { "wtwo", NULL, { .status = 200, .body = "nobody" }, { HUH, ODD }, { HUH, ODD } },
    { "wtwo", NULL, { .status = 404, .body = "a member" }, { HUH, ODD }, { HUH, ODD } },
    { "wtwo", NULL, { .status = 200, .body = "a Member" }, { HUH, ODD }, { HUH, ODD } },
    { "wtwo", NULL, { .status = 429, .body = "a member" }, { HUH, LIMIT }, { HUH, LIMIT } },
    { "wtwo", NULL, { .status = 403, .body = "nobody" }, { HUH, BLOCK }, { HUH, BLOCK } },
    { "wtwo", NULL, { .status = 503, .body = "nobody" }, { HUH, FAULT }, { HUH, FAULT } },
    { "wtwo",
      NULL,
      { .status = 404, .body = "nobody", .truncated = true },
      { HUH, ODD },
      { NO, SURE } },
    { "wtwo", NULL, { .status = 200, .body = "member" CHALLENGE }, { HUH, BLOCK }, { YES, SURE } },
    /* the same code on both sides: the strings decide, and both of them decide nothing */
    { "wsame", NULL, { .status = 200, .body = "member" }, { YES, SURE }, { YES, SURE } },
    { "wsame", NULL, { .status = 200, .body = "nobody" }, { NO, SURE }, { NO, SURE } },
    { "wsame", NULL, { .status = 200, .body = "member nobody" }, { HUH, ODD }, { HUH, ODD } },
    { "wsame", NULL, { .status = 200, .body = "" }, { HUH, ODD }, { HUH, ODD } },
    /* no string for absence */
    { "wcode", NULL, { .status = 404, .body = "?" }, { NO, SURE }, { NO, SURE } },
    { "wprefer", NULL, { .status = 200, .body = "member" }, { YES, SURE }, { YES, SURE } },
    { "wprefer", NULL, { .status = 200, .body = "?" }, { NO, SURE }, { NO, SURE } },
    /* redirects are data, but not to a login page */
    { "waway", NULL, { .status = 302, .headers = TO("/") }, { NO, SURE }, { NO, SURE } },
    { "waway", NULL, { .status = 302, .headers = TO("/login") }, { HUH, BLOCK }, { NO, SURE } },
    { "waway",
      NULL,
      { .status = 302, .headers = TO("https://www.a.example/bob/") },
      { HUH, ODD },
      { NO, SURE } },
    { "waway", NULL, { .status = 301, .headers = TO("/") }, { HUH, ODD }, { HUH, ODD } },
    /* a code that the entry names counts, with its string */
    { "wrefused", NULL, { .status = 403, .body = "nobody" }, { NO, SURE }, { NO, SURE } },
    { "wrefused", NULL, { .status = 403, .body = "denied" }, { HUH, BLOCK }, { HUH, BLOCK } },
    { "wrefused", NULL, { .status = 429, .body = "nobody" }, { HUH, LIMIT }, { HUH, LIMIT } },
    { "wbroke", NULL, { .status = 500, .body = "member" }, { YES, SURE }, { YES, SURE } },
    { "wbroke", NULL, { .status = 503, .body = "member" }, { HUH, FAULT }, { HUH, FAULT } },
    /* one string inside the other: the codes take part */
    { "winside", NULL, { .status = 200, .body = "Bob | Site" }, { YES, SURE }, { YES, SURE } },
    { "winside", NULL, { .status = 301, .body = "All | Site" }, { NO, SURE }, { NO, SURE } },
    /* characters that are taken out: a hit would be about another name */
    { "wstrip", "b.o-b", { .status = 200, .body = "member" }, { HUH, ILLEGAL }, { YES, SURE } },
    { "wstrip", "bob", { .status = 200, .body = "member" }, { YES, SURE }, { YES, SURE } },

    /* Maigret, message */
    { "mtwo", NULL, { .status = 200, .body = "member" }, { YES, SURE }, { YES, SURE } },
    { "mtwo", NULL, { .status = 200, .body = "nobody" }, { NO, SURE }, { NO, SURE } },
    { "mtwo", NULL, { .status = 200, .body = "member nobody" }, { NO, SURE }, { NO, SURE } },
    { "mtwo", NULL, { .status = 200, .body = "?" }, { HUH, ODD }, { NO, SURE } },
    { "mtwo", NULL, { .status = 404, .body = "nobody" }, { NO, SURE }, { NO, SURE } },
    { "mtwo", NULL, { .status = 403, .body = "nobody" }, { HUH, BLOCK }, { HUH, BLOCK } },
    { "mtwo", NULL, { .status = 500, .body = "nobody" }, { HUH, FAULT }, { HUH, FAULT } },
    { "mtwo", NULL, { .status = 999, .body = "nobody" }, { NO, SURE }, { NO, SURE } },
    { "mtwo", NULL, { .status = 429, .body = "member" }, { HUH, LIMIT }, { YES, SURE } },
    { "mabsence", NULL, { .status = 200, .body = "bob" }, { YES, SURE }, { YES, SURE } },
    { "mabsence", NULL, { .status = 404, .body = "bob" }, { HUH, ODD }, { YES, SURE } },
    { "mabsence", NULL, { .status = 429, .body = "bob" }, { HUH, LIMIT }, { YES, SURE } },
    { "mabsence", NULL, { .status = 200, .body = "" }, { HUH, ODD }, { NO, SURE } },
    { "mabsence",
      NULL,
      { .status = 200, .body = "<title>Just a moment, please" },
      { YES, SURE },
      { HUH, BLOCK } },
    { "mpresence", NULL, { .status = 200, .body = "member" }, { YES, SURE }, { YES, SURE } },
    { "mpresence", NULL, { .status = 200, .body = "?" }, { NO, SURE }, { NO, SURE } },
    { "mpresence", NULL, { .status = 404, .body = "?" }, { NO, SURE }, { NO, SURE } },
    { "mpresence", NULL, { .status = 418, .body = "?" }, { HUH, ODD }, { NO, SURE } },
    /* a name in other letters must be on a page that has no mark of presence */
    { "mabsence",
      "b\xc3\xb6"
      "b",
      { .status = 200, .body = "a page" },
      { HUH, ODD },
      { NO, SURE } },
    { "mabsence",
      "b\xc3\xb6"
      "b",
      { .status = 200,
        .body = "of b\xc3\xb6"
                "b" },
      { YES, SURE },
      { YES, SURE } },
    /* Maigret, status_code: strings are dead; response_url: they count */
    { "mcode", NULL, { .status = 200, .body = "?" }, { YES, SURE }, { YES, SURE } },
    { "mcode", NULL, { .status = 404, .body = "dead" }, { NO, SURE }, { NO, SURE } },
    { "mcode", NULL, { .status = 429 }, { HUH, LIMIT }, { NO, SURE } },
    { "maway", NULL, { .status = 200, .body = "member" }, { YES, SURE }, { YES, SURE } },
    { "maway", NULL, { .status = 200, .body = "?" }, { HUH, ODD }, { NO, SURE } },
    { "maway", NULL, { .status = 302, .headers = TO("/") }, { NO, SURE }, { NO, SURE } },
    /* pages of the entry's errors */
    { "merrors", NULL, { .status = 200, .body = "Too fast" }, { HUH, LIMIT }, { HUH, LIMIT } },
    { "merrors", NULL, { .status = 200, .body = "Sign in" }, { HUH, BLOCK }, { HUH, BLOCK } },
    { "merrors", NULL, { .status = 200, .body = "bob" }, { YES, SURE }, { YES, SURE } },
    /* 403 as a reply like others: its strings count, but nothing is inferred from it */
    { "m403", NULL, { .status = 403, .body = "nobody" }, { NO, SURE }, { NO, SURE } },
    { "m403", NULL, { .status = 403, .body = "bob" }, { HUH, BLOCK }, { YES, SURE } },
    /* similar names; the spelling that Maigret does not read; a pattern; a charset */
    { "msimilar",
      NULL,
      { .status = 200, .body = "member" },
      { HUH, REASON_SIMILAR_ONLY },
      { HUH, REASON_SIMILAR_ONLY } },
    { "mspelling", NULL, { .status = 200, .body = "?" }, { YES, SURE }, { YES, SURE } },
    { "mlegal", "b.b", { .status = 200 }, { HUH, ILLEGAL }, { HUH, ILLEGAL } },
    { "mgbk", NULL, { .status = 200, .body = "\xc3\xbb\xd3\xd0" }, { NO, SURE }, { NO, SURE } },
    { "mgbk", NULL, { .status = 200, .body = "\xd3\xd0" }, { YES, SURE }, { YES, SURE } },
};

static void
judge_rows(const char *reading, bool faithful)
{
    const struct stand_options options = {
        .files = { { "sherlock.json", sherlock, 0 },
                   { "wmn.json", wmn, 0 },
                   { "maigret.json", maigret, 0 } },
        .reading = reading,
    };
    struct stand *stand = stand_open(&options);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        const struct expected *want = faithful ? &row->faithful : &row->strict;
        struct finding got =
            stand_judge(stand, row->id, row->name != NULL ? row->name : "bob", &row->reply);
        if (got.verdict != want->verdict || got.reason != want->reason) {
            support_fail("row %zu, %s, %d: %s, %s", i, row->id, row->reply.status,
                         verdict_name(got.verdict),
                         got.reason != REASON_NONE ? reason_name(got.reason) : "sure");
        }
    }
    stand_close(&stand);
}

static void
test_strict(void **state)
{
    (void)state;
    judge_rows(NULL, false);
    judge_rows("strict", false);
}

static void
test_faithful(void **state)
{
    (void)state;
    judge_rows("faithful", true);
}

static void
test_evidence(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        int32_t evidence;
        uint32_t flags;
    } wanted[] = {
        { "scode", ROLLCALL_INFERRED, 0 },
        { "snamed", ROLLCALL_INFERRED, ROLLCALL_CODES_ARE_MARKS },
        { "smark", ROLLCALL_INFERRED, 0 },
        { "saway", ROLLCALL_INFERRED, 0 },
        { "wtwo", ROLLCALL_EXACT, 0 },
        { "wcode", ROLLCALL_INFERRED, 0 },
        { "wrefused", ROLLCALL_EXACT, ROLLCALL_CODES_ARE_MARKS },
        { "wbroke", ROLLCALL_EXACT, ROLLCALL_CODES_ARE_MARKS },
        { "mtwo", ROLLCALL_EXACT, 0 },
        { "mabsence", ROLLCALL_INFERRED, 0 },
        { "m403", ROLLCALL_INFERRED, ROLLCALL_CODES_ARE_MARKS },
        { "msimilar", ROLLCALL_SIMILAR, 0 },
    };
    const struct stand_options options = { .files = { { "sherlock.json", sherlock, 0 },
                                                      { "wmn.json", wmn, 0 },
                                                      { "maigret.json", maigret, 0 } } };
    struct stand *stand = stand_open(&options);
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        const struct manifest_checker *checker = stand_find(stand, wanted[i].id);
        if (checker == NULL || checker->evidence != wanted[i].evidence ||
            checker->flags != wanted[i].flags) {
            support_fail("row %zu, %s", i, wanted[i].id);
        }
    }
    stand_close(&stand);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strict),
        cmocka_unit_test(test_faithful),
        cmocka_unit_test(test_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
