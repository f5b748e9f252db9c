/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The small parts by themselves: ids, links, charsets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/sites/ident.h"
#include "plugins/sites/link.h"
#include "plugins/sites/text.h"
#include "tests/support/common.h"

static void
test_ids(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *id;
    } rows[] = {
        { "GitHub", "github" },           { "Archive of Our Own", "archiveofourown" },
        { "Chess.com", "chesscom" },      { "8tracks", "8tracks" },
        { "a_b-c.d (User)", "abcduser" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char id[IDENT_BYTES];
        ident_from_name(rows[i].name, id);
        if (strcmp(id, rows[i].id) != 0) {
            support_fail("row %zu: %s", i, id);
        }
    }
}

/* What has no letters of ASCII, other letters, or too many, is told apart by its hash. */
static void
test_ids_with_a_hash(void **state)
{
    (void)state;
    static const char *const names[] = {
        "\xd0\xa4\xd0\xbe\xd1\x80\xd1\x83\xd0\xbc.net",
        "\xd0\xa7\xd0\xb0\xd1\x82.net",
        "???",
        "!!!",
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz1",
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz2",
    };
    char ids[ARRAY_LEN(names)][IDENT_BYTES];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        ident_from_name(names[i], ids[i]);
        assert_true(ident_is_valid(ids[i]));
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(ids[i], ids[j]);
        }
    }
}

static void
test_id_set(void **state)
{
    (void)state;
    struct ident_set *set = ident_set_new();
    assert_non_null(set);
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < 5000; i++) {
            char id[IDENT_BYTES];
            size_t owner = 0;
            (void)snprintf(id, sizeof(id), "id%zu", i);
            assert_int_equal(ident_set_find(set, id, &owner), round == 1);
            if (round == 0) {
                assert_true(ident_set_add(set, id, i));
            } else {
                assert_int_equal(owner, i);
            }
        }
    }
    ident_set_free(&set);
    assert_null(set);
}

static void
test_gates(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        bool is_gate;
    } rows[] = {
        { "https://a.example/login", true },
        { "/login?next=/bob", true },
        { "/users/sign_in", true },
        { "/Sign-In.php", true },
        { "login.aspx", true },
        { "https://login.a.example/", true },
        { "https://accounts.a.example/signin/v2", true },
        { "https://consent.a.example/m?continue=x", true },
        { "/cookie/consent_page", true },
        { "/challenge", true },
        { "/captcha/", true },
        { "/authwall?trk=x", true },
        { "/oauth2/authorize", true },
        { "/", false },
        { "/bob", false },
        { "/blog/author/bob", false },
        { "/search?q=login", false },
        { "/error#login", false },
        { "/authors/bob", false },
        { "/catalogin", false },
        { "", false },
    };
    const struct link_asked asked = { "{base}/{subject}", "a.example", "bob" };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (link_is_gate(rows[i].address, &asked) != rows[i].is_gate) {
            support_fail("row %zu: %s", i, rows[i].address);
        }
    }
    const struct link_asked login = { "{base}/{subject}", "a.example", "Login" };
    const struct link_asked exists = { "{base}/login/exists", "a.example", "bob" };
    const struct link_asked host = { "{base}/{subject}", "auth.a.example", "bob" };
    assert_false(link_is_gate("/login", &login));
    assert_false(link_is_gate("https://a.example/login/exists", &exists));
    assert_false(link_is_gate("https://auth.a.example/bob", &host));
    assert_true(link_is_gate("https://auth.a.example/login", &host));
}

static void
test_same_places(void **state)
{
    (void)state;
    static const struct {
        const char *location;
        const char *url;
        bool is_same;
    } rows[] = {
        { "https://a.example/bob", "http://a.example/bob", true },
        { "https://www.a.example/Bob/", "https://a.example/bob", true },
        { "/bob/", "https://a.example/bob", true },
        { "//a.example/bob", "https://a.example/bob", true },
        { "https://a.example/bob#top", "https://a.example/bob", true },
        { "/", "https://a.example/bob", false },
        { "https://b.example/bob", "https://a.example/bob", false },
        { "https://a.example/", "https://bob.a.example/", false },
        { "/bob?x=1", "https://a.example/bob", false },
        { "/search?next=http://a.example/bob", "https://a.example/bob", false },
        { "bob", "https://a.example/bob", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (link_is_same_place(rows[i].location, rows[i].url) != rows[i].is_same) {
            support_fail("row %zu: %s", i, rows[i].location);
        }
    }
}

#define TYPE "text/html; charset="

static void
test_charsets(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        size_t len;
        const char *type;
        const char *encoding;
        const char *text;
    } rows[] = {
        { "abc", 3, NULL, NULL, "abc" },
        { "\xc3\xbc", 2, NULL, NULL, "\xc3\xbc" },
        { "\xc3\xbc", 2, TYPE "UTF-8", NULL, "\xc3\xbc" },
        { "\xfc", 1, TYPE "iso-8859-1", NULL, "\xc3\xbc" },
        { "\xfc", 1, TYPE "\"ISO-8859-1\"", NULL, "\xc3\xbc" },
        { "\xfc", 1, NULL, NULL, "\xc3\xbc" },
        { "\x80", 1, NULL, NULL, "\xe2\x82\xac" },
        { "\xfc", 1, TYPE "klingon", NULL, "\xc3\xbc" },
        { "\xcd\xe5\xf2", 3, TYPE "windows-1251", NULL, "\xd0\x9d\xd0\xb5\xd1\x82" },
        { "<meta charset=\"windows-1251\">\xcd", 30, "text/html", NULL,
          "<meta charset=\"windows-1251\">\xd0\x9d" },
        { "\xee\xc5\xd4", 3, TYPE "koi8-r", NULL, "\xd0\x9d\xd0\xb5\xd1\x82" },
        { "\xc3\xbb\xd3\xd0", 4, NULL, "gbk", "\xe6\xb2\xa1\xe6\x9c\x89" },
        { "\xc3\xbb\xd3\xd0", 4, TYPE "gb2312", NULL, "\xe6\xb2\xa1\xe6\x9c\x89" },
        { "a\x82\xa0\xb1\x5c", 5, TYPE "Shift_JIS", NULL, "a\xe3\x81\x82\xef\xbd\xb1\\" },
        { "\xa4\xa2", 2, TYPE "EUC-JP", NULL, "\xe3\x81\x82" },
        { "\xb0\xa1", 2, TYPE "euc-kr", NULL, "\xea\xb0\x80" },
        { "\xa4\xa4", 2, TYPE "big5", NULL, "\xe4\xb8\xad" },
        { "\xff", 1, TYPE "gbk", NULL, "\xef\xbf\xbd" },
        { "\xb0", 1, TYPE "euc-kr", NULL, "\xef\xbf\xbd" },
        { "a\0b\0", 4, TYPE "utf-16le", NULL, "ab" },
        { "\0a\xd8\x3d\xde\x00", 6, TYPE "utf-16be", NULL, "a\xf0\x9f\x98\x80" },
        { "\xd8\x3d\0a", 4, TYPE "utf-16be", NULL,
          "\xef\xbf\xbd"
          "a" },
        /* cut in the middle of a character */
        { "\xc3\xbc\xe2\x82", 4, NULL, NULL, "\xc3\xbc\xe2\x82" },
        { "", 0, TYPE "windows-1251", NULL, "" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct text text;
        assert_true(text_decode(rows[i].body, rows[i].len, rows[i].type, rows[i].encoding, &text));
        if (text.len != strlen(rows[i].text) || memcmp(text.bytes, rows[i].text, text.len) != 0) {
            support_fail("row %zu: %.*s", i, (int)text.len, text.bytes);
        }
        text_fini(&text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids),         cmocka_unit_test(test_ids_with_a_hash),
        cmocka_unit_test(test_id_set),      cmocka_unit_test(test_gates),
        cmocka_unit_test(test_same_places), cmocka_unit_test(test_charsets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
