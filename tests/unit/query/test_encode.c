/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Encoding by place, and digests. */
#include <setjmp.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/query/digest.h"
#include "daemon/query/encode.h"
#include "tests/support/common.h"

struct row {
    enum place place;
    const char *text;
    const char *want; /* NULL: it cannot stand there */
};

static const struct row rows[] = {
    { PLACE_URL, "azAZ09-._~", "azAZ09-._~" },
    { PLACE_URL, "/?#[]@!$&'()*+,;=:% \"<>\\^`{|}",
      "%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D%3A%25%20%22%3C%3E%5C%5E%60%7B%7C%7D" },
    { PLACE_URL, "\r\n\x01\x7f", "%0D%0A%01%7F" },
    { PLACE_URL, "\xc3\xa9", "%C3%A9" },
    { PLACE_URL, "..", ".." }, /* the request's own business: request_url.c */
    { PLACE_FORM, "a b&c=d+e~*", "a+b%26c%3Dd%2Be%7E*" },
    { PLACE_FORM, "\xc3\xa9\n", "%C3%A9%0A" },
    { PLACE_JSON, "a\"b\\c/d", "a\\\"b\\\\c/d" },
    { PLACE_JSON, "\x01\n\x7f\xc3\xa9", "\\u0001\\u000a\\u007f\xc3\xa9" },
    { PLACE_HEADER, "a@b;c=\"d\"", "a@b;c=\"d\"" },
    { PLACE_HEADER, "a b", NULL },
    { PLACE_HEADER, "a\r\nb", NULL },
    { PLACE_HEADER, "\xc3\xa9", NULL },
    { PLACE_VALUE, "a b\xc3\xa9", "a b\xc3\xa9" },
    { PLACE_VALUE, "a\nb", NULL },
    { PLACE_VALUE, "a\x7f", NULL },
    { PLACE_PLAIN, "a@b._-Z9", "a@b._-Z9" },
    { PLACE_PLAIN, "a'b", NULL },
    { PLACE_PLAIN, "a b", NULL },
    { PLACE_PLAIN, "a<b", NULL },
    { PLACE_LABEL, "a-9Z", "a-9Z" },
    { PLACE_LABEL, "a.b", NULL },
    { PLACE_LABEL, "-a", NULL },
    { PLACE_LABEL, "a-", NULL },
    { PLACE_LABEL, "", NULL },
    { PLACE_LABEL, "a_b", NULL },
    { PLACE_LABEL, "a/b", NULL },
    { PLACE_LABEL, "a@b", NULL },
    { PLACE_LABEL, "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl",
      NULL }, /* 64 */
    { PLACE_RAW, "\r\n{}", "\r\n{}" },
};

static void
test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out;
        buf_init(&out, 4096);
        buf_append_str(&out, "<");
        int error = encode(rows[i].place, rows[i].text, strlen(rows[i].text), &out);
        const char *got = buf_str(&out) + 1;
        bool refused = error == ERROR_UNACCEPTABLE && got[0] == '\0';
        bool taken = error == ERROR_OK && rows[i].want != NULL && strcmp(got, rows[i].want) == 0;
        if (!(rows[i].want == NULL ? refused : taken)) {
            support_fail("row %zu: %s, \"%s\"", i, error_name(error), got);
        }
        buf_fini(&out);
    }
}

/* RFC 1321, FIPS 180-2; and the local part of draft-koch-openpgp-webkey-service, section 3.1. */
static void
test_digests(void **state)
{
    (void)state;
    static const struct {
        enum digest digest;
        const char *text;
        const char *want;
    } known[] = {
        { DIGEST_MD5_HEX, "abc", "900150983cd24fb0d6963f7d28e17f72" },
        { DIGEST_MD5_HEX, "", "d41d8cd98f00b204e9800998ecf8427e" },
        { DIGEST_SHA256_HEX, "abc",
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { DIGEST_SHA1_ZBASE32, "joe.doe", "iy9q119eutrkn8s1mk4r39qejnbu3n5q" },
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        char out[DIGEST_TEXT_BYTES];
        assert_int_equal(digest_text(known[i].digest, known[i].text, strlen(known[i].text), out),
                         ERROR_OK);
        assert_string_equal(out, known[i].want);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_digests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
