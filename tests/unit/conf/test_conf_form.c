/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What texts must look like, form by form: a table of good ones and one of bad ones. */
#include "daemon/conf/conf_form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/attr.h"

#define TEXTS_MAX 24

struct form_case {
    const char *name;
    const struct conf_form *form;
    const char *good[TEXTS_MAX];
    const char *bad[TEXTS_MAX];
};

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct form_case cases[] = {
    { .name = "listener",
      .form = &conf_form_listener,
      .good = { "ipc:///run/rollcall/rollcall.sock", "tcp://127.0.0.1:7465", "tls+tcp://[::]:1",
                "ws://127.0.0.1:80/x" },
      .bad = { "", "ipc://", "ipc:/x", "http://x", "IPC:///x", "/run/x.sock", "ipc:///a b",
               "tcp//127.0.0.1:1", " ipc:///x", "ipc:///caf\xc3\xa9" } },
    { .name = "network",
      .form = &conf_form_network,
      .good = { "127.0.0.1", "127.0.0.0/8", "10.0.0.0/32", "::1", "::1/128", "fd00::/8",
                "::", "::ffff:1.2.3.4/96" },
      .bad = { "", "x", "localhost", "127", "/8", "127.0.0.1/", "127.0.0.1/x", "127.0.0.1/1234",
               "127.0.0.1/8/8", "[::1]", "127.0.0.1 ", "a.b.g.d", "1", "::1%lo" } },
    { .name = "user_agent",
      .form = &conf_form_user_agent,
      .good = { "x", "rollcall/0.1.0 (+https://example.org/contact)", A64 A64 A64 A64 },
      .bad = { "", " x", "a\nb", "a\r\nX-Evil: 1", "caf\xc3\xa9", "\x7f", A64 A64 A64 A64 "a" } },
    { .name = "proxy",
      .form = &conf_form_proxy,
      .good = { "", "http://proxy:3128", "https://u:p@proxy:1", "socks4://a", "socks4a://a",
                "socks5://127.0.0.1:9050", "socks5h://[::1]:1" },
      .bad = { "proxy:3128", "http://", "ftp://x", "http://a b", "socks://x", "HTTP://x",
               "http://caf\xc3\xa9" } },
    { .name = "base_url",
      .form = &conf_form_base_url,
      .good = { "https://api.github.com", "http://127.0.0.1:8080", "http://127.0.0.1:8080/github",
                "https://[::1]:443/a/b", "http://localhost", "https://a-b.example/x%20y/~z",
                "http://h:1", "http://h:65535" },
      .bad = { "",           "api.github.com", "https://",    "https:///x",      "ftp://x",
               "http://x/",  "http://x/a/",    "http://x?q",  "http://x/?q",     "http://x/a?b",
               "http://x#f", "http://x/a#f",   "http://x:0",  "http://x:65536",  "http://x:",
               "http://x:a", "http://u:p@x",   "http://u@x",  "http://x/{base}", "http://x/a b",
               "http://-x",  "http://.x",      "http://[::1", "http://x\xc3\xa9" } },
};

static void
good_texts_pass_and_bad_ones_do_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_non_null(cases[i].form->wants);
        for (size_t k = 0; k < TEXTS_MAX && cases[i].good[k] != NULL; k++) {
            if (!cases[i].form->is_good(cases[i].good[k])) {
                fail_msg("%s: good[%zu] was refused: %s", cases[i].name, k, cases[i].good[k]);
            }
        }
        for (size_t k = 0; k < TEXTS_MAX && cases[i].bad[k] != NULL; k++) {
            if (cases[i].form->is_good(cases[i].bad[k])) {
                fail_msg("%s: bad[%zu] passed: %s", cases[i].name, k, cases[i].bad[k]);
            }
        }
    }
}

static void
words_are_these(void **state)
{
    (void)state;
    static const struct {
        const struct conf_form *form;
        const char *words[5];
    } lists[] = {
        { &conf_form_isolation, { "process", "thread" } },
        { &conf_form_method, { "documented", "signup", "recovery" } },
        { &conf_form_strategy, { "race", "lazy", "auto" } },
        { &conf_form_log_level, { "error", "warning", "info", "debug" } },
    };
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        size_t k = 0;
        for (; lists[i].words[k] != NULL; k++) {
            assert_string_equal(lists[i].form->words[k], lists[i].words[k]);
        }
        assert_null(lists[i].form->words[k]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_texts_pass_and_bad_ones_do_not),
        cmocka_unit_test(words_are_these),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
