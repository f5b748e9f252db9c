/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/attr.h"
#include "daemon/exec/resolve_servers.h"
#include "tests/support/common.h"

static const char *const good[] = { "127.0.0.1",   "127.0.0.1:5353", "::1",
                                    "2001:db8::1", "[::1]:53",       "192.0.2.1:65535" };

static void
addresses_are_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        char *list = NULL;
        struct error_text why = { "" };
        if (resolve_servers_join(&good[i], 1, &list, &why) != ERROR_OK) {
            support_fail("row %zu: %s", i, why.text);
        }
        assert_string_equal(list, good[i]);
        free(list);
    }
}

static void
several_are_joined(void **state)
{
    (void)state;
    char *list = NULL;
    assert_int_equal(resolve_servers_join(good, 3, &list, NULL), ERROR_OK);
    assert_string_equal(list, "127.0.0.1,127.0.0.1:5353,::1");
    free(list);
    assert_int_equal(resolve_servers_join(NULL, 0, &list, NULL), ERROR_OK);
    assert_null(list);
}

static const char *const bad[] = {
    "nowhere",         "127.0.0.1:x", "1.2.3",          "",        "127.0.0.1:0",
    "127.0.0.1:65536", "[::1",        "[127.0.0.1]:53", "::1]:53", "127.0.0.1,127.0.0.2",
    "localhost:53",    "[::1]",       "[::1]:53x",      "127.1",   "127.0.0.1:",
};

static void
all_else_is_refused_in_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const char *servers[] = { "127.0.0.1", bad[i] };
        char *list = NULL;
        struct error_text why = { "" };
        char *wanted = support_text("dns_servers: found \"%s\", wants an address", bad[i]);
        if (resolve_servers_join(servers, 2, &list, &why) != ERROR_INVALID || list != NULL ||
            strstr(why.text, wanted) == NULL) {
            support_fail("row %zu: %s", i, why.text);
        }
        free(wanted);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_taken),
        cmocka_unit_test(several_are_joined),
        cmocka_unit_test(all_else_is_refused_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
