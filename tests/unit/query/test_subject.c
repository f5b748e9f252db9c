/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Subjects: what is taken and in which form, what is refused and with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/query/subject.h"
#include "rollcall/plugin.h"
#include "tests/support/common.h"

#define X8 "xxxxxxxx"
#define X64 X8 X8 X8 X8 X8 X8 X8 X8
#define X256 X64 X64 X64 X64

/* A domain of 253 bytes (four labels of 63, 63, 63 and 61), and what can stand before it. */
#define L63 "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"

struct row {
    const char *text;
    int32_t kind;
    int32_t want_kind;
    const char *want; /* NULL: refused */
    const char *why;  /* a part of the sentence */
};

static const struct row rows[] = {
    /* kinds told apart */
    { "alice", 0, ROLLCALL_USERNAME, "alice", NULL },
    { "@alice", 0, ROLLCALL_USERNAME, "alice", NULL },
    { "@@alice", 0, 0, NULL, "more than one '@'" },
    { "a@example.com", 0, ROLLCALL_EMAIL, "a@example.com", NULL },
    { "a@example.com", ROLLCALL_USERNAME, ROLLCALL_USERNAME, "a@example.com", NULL },
    { "alice", ROLLCALL_EMAIL, 0, NULL, "has an '@' in it" },
    { "@example.com", ROLLCALL_EMAIL, 0, NULL, "nothing stands before the '@'" },
    /* addresses: the local part is kept byte for byte, the domain is lowered */
    { "Alice.B+tag@EXAMPLE.Com", 0, ROLLCALL_EMAIL, "Alice.B+tag@example.com", NULL },
    { "!#$%&'*+-/=?^_`{|}~@a.bc", 0, ROLLCALL_EMAIL, "!#$%&'*+-/=?^_`{|}~@a.bc", NULL },
    { "a@b\xc3\xbc"
      "cher.de",
      0, ROLLCALL_EMAIL, "a@xn--bcher-kva.de", NULL },
    { "a@bu\xcc\x88"
      "cher.de",
      0, ROLLCALL_EMAIL, "a@xn--bcher-kva.de", NULL },
    { "a@XN--BCHER-KVA.de", 0, ROLLCALL_EMAIL, "a@xn--bcher-kva.de", NULL },
    { "a@fa\xc3\x9f.de", 0, ROLLCALL_EMAIL, "a@xn--fa-hia.de", NULL },        /* not "fass" */
    { "a@\xef\xbc\xa5xample.com", 0, ROLLCALL_EMAIL, "a@example.com", NULL }, /* full-width E */
    { "e\xcc\x81@a.bc", 0, ROLLCALL_EMAIL, "\xc3\xa9@a.bc", NULL },
    { X64 "@a.bc", 0, ROLLCALL_EMAIL, X64 "@a.bc", NULL },
    { "a@b-c.d3", 0, ROLLCALL_EMAIL, "a@b-c.d3", NULL },
    { X64 "x@a.bc", 0, 0, NULL, "65 bytes long, at most 64" },
    { "a@" L63 "." L63 "." L63 "." L63, 0, 0, NULL, "" },
    { "a@" L63 "y.com", 0, 0, NULL, "" },
    { "a@localhost", 0, 0, NULL, "has no dot" },
    { "a@example.com.", 0, 0, NULL, "ends with a dot" },
    { "a@.example.com", 0, 0, NULL, "" },
    { "a@example..com", 0, 0, NULL, "label" },
    { "a@", 0, 0, NULL, "nothing stands behind" },
    { "a@-b.com", 0, 0, NULL, "hyphen" },
    { "a@b-.com", 0, 0, NULL, "hyphen" },
    { "a@b_c.com", 0, 0, NULL, "label" },
    { "a@[127.0.0.1]", 0, 0, NULL, "brackets" },
    { "a@127.0.0.1", 0, 0, NULL, "numbers" },
    { "a@b/c.com", 0, 0, NULL, "label" },
    { "a@b:80.com", 0, 0, NULL, "label" },
    { "a@b%2e.com", 0, 0, NULL, "label" },
    { "a@xn--zz.com", 0, 0, NULL, "not a host name" },
    { "a@b@c.de", 0, 0, NULL, "more than one '@'" },
    { "\"a b\"@c.de", 0, 0, NULL, "quoted" },
    { "a b@c.de", 0, 0, NULL, "only letters" },
    { "a(b)@c.de", 0, 0, NULL, "only letters" },
    { "a\\b@c.de", 0, 0, NULL, "only letters" },
    { "a\xcd\xbe"
      "b@c.de",
      0, 0, NULL, "only letters" }, /* U+037E is ';' in NFC */
    { "\xe1\xbf\xaf"
      "b@c.de",
      0, ROLLCALL_EMAIL, "`b@c.de", NULL }, /* U+1FEF is '`' */
    { ".a@c.de", 0, 0, NULL, "dot" },
    { "a.@c.de", 0, 0, NULL, "dot" },
    { "a..b@c.de", 0, 0, NULL, "dot" },
    /* names: the case is kept */
    { "Alice_B", 0, ROLLCALL_USERNAME, "Alice_B", NULL },
    { "e\xcc\x81ric", 0, ROLLCALL_USERNAME, "\xc3\xa9ric", NULL },
    { "\xed\x95\x9c\xea\xb5\xad", 0, ROLLCALL_USERNAME, "\xed\x95\x9c\xea\xb5\xad", NULL },
    { "al ice", 0, ROLLCALL_USERNAME, "al ice", NULL },
    { "../etc", 0, ROLLCALL_USERNAME, "../etc", NULL },
    { X256, 0, ROLLCALL_USERNAME, X256, NULL },
    { X256 "x", 0, 0, NULL, "257 bytes long, at most 256" },
    { X256 X256 X256 X256 "x", 0, 0, NULL, "1025 bytes long" },
    { "", 0, 0, NULL, "is empty" },
    { "@", 0, 0, NULL, "no name" },
    { " alice", 0, 0, NULL, "space" },
    { "alice ", 0, 0, NULL, "space" },
    { "al\nice", 0, 0, NULL, "control" },
    { "al\x7fice", 0, 0, NULL, "control" },
    { "al\xc2\x85ice", 0, 0, NULL, "control" },     /* U+0085 */
    { "al\xe2\x80\xaeice", 0, 0, NULL, "control" }, /* U+202E */
    { "al\xe2\x81\xa6ice", 0, 0, NULL, "control" }, /* U+2066 */
    { "al\xef\xbb\xbfice", 0, 0, NULL, "control" }, /* U+FEFF */
    { "a@b.c\xe2\x80\xaf"
      "d",
      0, 0, NULL, "" },                       /* U+202F */
    { "\xc0\xaf", 0, 0, NULL, "UTF-8" },      /* overlong */
    { "a\xed\xa0\x80", 0, 0, NULL, "UTF-8" }, /* surrogate */
    { "a\xff@b.de", 0, 0, NULL, "UTF-8" },
};

static void
judge_row(size_t index, const struct row *row)
{
    struct subject subject = { .kind = -1 };
    struct error_text why = { "" };
    int error = subject_parse(row->text, strlen(row->text), row->kind, &subject, &why);
    if (row->want == NULL) {
        if (error != ERROR_INVALID || strstr(why.text, row->why) == NULL ||
            strncmp(why.text, "subject: ", 9) != 0 || subject.kind != -1) {
            support_fail("row %zu: %s, \"%s\"", index, error_name(error), why.text);
        }
        return;
    }
    if (error != ERROR_OK || subject.kind != row->want_kind ||
        strcmp(subject.value, row->want) != 0) {
        support_fail("row %zu: %s, \"%s\", kind %d, \"%s\"", index, error_name(error), why.text,
                     subject.kind, subject.value);
    }
}

static void
test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        judge_row(i, &rows[i]);
    }
}

/* What was normalised once stays as it is. */
static void
test_twice_is_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct subject first;
        struct subject second;
        if (rows[i].want == NULL) {
            continue;
        }
        assert_int_equal(
            subject_parse(rows[i].want, strlen(rows[i].want), rows[i].want_kind, &first, NULL),
            ERROR_OK);
        assert_int_equal(subject_parse(first.value, strlen(first.value), first.kind, &second, NULL),
                         ERROR_OK);
        assert_true(subject_equal(&first, &second));
    }
}

static void
test_nul_is_a_control_character(void **state)
{
    (void)state;
    struct subject subject;
    struct error_text why;
    assert_int_equal(subject_parse("a\0b", 3, 0, &subject, &why), ERROR_INVALID);
    assert_non_null(strstr(why.text, "control"));
}

static void
test_no_sentence_tells_the_subject(void **state)
{
    (void)state;
    static const char *const secret[] = { "zebra@",       "zebra..x@a.b", "zebra@zebra",
                                          "zebra@z_b.de", "zebra\x01",    " zebra",
                                          "zebra x@a.bc" };
    for (size_t i = 0; i < ARRAY_LEN(secret); i++) {
        struct subject subject;
        struct error_text why;
        assert_int_equal(subject_parse(secret[i], strlen(secret[i]), 0, &subject, &why),
                         ERROR_INVALID);
        assert_null(strstr(why.text, "zebra"));
    }
}

static void
test_parts_of_an_address(void **state)
{
    (void)state;
    struct subject subject;
    assert_int_equal(subject_parse("al@b.De", 7, 0, &subject, NULL), ERROR_OK);
    assert_string_equal(subject_domain(&subject), "b.de");
    assert_int_equal(subject.at, 2);
    assert_int_equal(subject_parse("alice", 5, 0, &subject, NULL), ERROR_OK);
    assert_string_equal(subject_domain(&subject), "");
}

static void
test_kinds_have_words(void **state)
{
    (void)state;
    assert_string_equal(subject_kind_name(ROLLCALL_EMAIL), "email");
    assert_string_equal(subject_kind_name(ROLLCALL_USERNAME), "username");
    assert_int_equal(subject_kind_parse("email"), ROLLCALL_EMAIL);
    assert_int_equal(subject_kind_parse("username"), ROLLCALL_USERNAME);
    assert_int_equal(subject_kind_parse("Email"), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_twice_is_once),
        cmocka_unit_test(test_nul_is_a_control_character),
        cmocka_unit_test(test_no_sentence_tells_the_subject),
        cmocka_unit_test(test_parts_of_an_address),
        cmocka_unit_test(test_kinds_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
