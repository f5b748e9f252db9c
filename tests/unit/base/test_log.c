/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Log lines as they arrive at standard error: one write a line, two forms, nothing that could forge
 * a line or steer a terminal. */
#include "daemon/base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/base/error.h"

/* Standard error is one end of a datagram pair, so each write is one message to read. */
struct sink {
    int ours;
    int saved;
};

static int
set_up(void **state)
{
    static struct sink sink;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    sink.saved = dup(STDERR_FILENO);
    sink.ours = ends[0];
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    (void)close(ends[1]);
    *state = &sink;
    log_set_level(LOG_LEVEL_DEBUG);
    (void)unsetenv("JOURNAL_STREAM");
    return 0;
}

static int
tear_down(void **state)
{
    struct sink *sink = *state;
    (void)dup2(sink->saved, STDERR_FILENO);
    (void)close(sink->saved);
    (void)close(sink->ours);
    (void)unsetenv("JOURNAL_STREAM");
    log_set_level(LOG_LEVEL_INFO);
    return 0;
}

/* The next line that was written, or "" when there is none. */
static size_t
next_line(struct sink *sink, char line[4096])
{
    ssize_t got = recv(sink->ours, line, 4095, MSG_DONTWAIT);
    size_t len = got > 0 ? (size_t)got : 0;
    line[len] = '\0';
    return len;
}

/* Say that standard error is the journal, as systemd would. */
static void
be_journal(void)
{
    struct stat status;
    char stream[64];
    assert_int_equal(fstat(STDERR_FILENO, &status), 0);
    (void)snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)status.st_dev,
                   (uintmax_t)status.st_ino);
    assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
}

static void
journal_gets_level_prefixes(void **state)
{
    char line[4096];
    be_journal();
    log_error("serve", "%d of %s", 1, "them");
    assert_int_equal(next_line(*state, line), strlen("<3>serve: 1 of them\n"));
    assert_string_equal(line, "<3>serve: 1 of them\n");
    log_warning("plugin.github", "w");
    (void)next_line(*state, line);
    assert_string_equal(line, "<4>plugin.github: w\n");
    log_info("app", "i");
    (void)next_line(*state, line);
    assert_string_equal(line, "<6>app: i\n");
    log_debug("app", "d");
    (void)next_line(*state, line);
    assert_string_equal(line, "<7>app: d\n");
}

/* Whether `line` has the form of `form`, where 0 stands for any digit. */
static bool
has_form(const char *line, const char *form)
{
    for (; *form != '\0'; form++, line++) {
        if (*form == '0' ? *line < '0' || *line > '9' : *line != *form) {
            return false;
        }
    }
    return *line == '\0';
}

static void
others_get_a_time_stamp(void **state)
{
    char line[4096];
    log_warning("query", "q12: late");
    (void)next_line(*state, line);
    if (!has_form(line, "0000-00-00T00:00:00.000Z warning query: q00: late\n")) {
        fail_msg("said: %s", line);
    }
}

static void
another_journal_is_not_ours(void **state)
{
    char line[4096];
    assert_int_equal(setenv("JOURNAL_STREAM", "1:1", 1), 0);
    log_info("app", "x");
    (void)next_line(*state, line);
    assert_true(has_form(line, "0000-00-00T00:00:00.000Z info app: x\n"));
}

static void
levels_below_the_threshold_are_silent(void **state)
{
    char line[4096];
    be_journal();
    log_set_level(LOG_LEVEL_WARNING);
    log_info("app", "no");
    log_debug("app", "no");
    assert_int_equal(next_line(*state, line), 0);
    log_warning("app", "yes");
    log_error("app", "yes");
    assert_string_not_equal((next_line(*state, line), line), "");
    assert_string_not_equal((next_line(*state, line), line), "");
    assert_int_equal(next_line(*state, line), 0);
}

static void
control_characters_are_escaped(void **state)
{
    static const struct {
        const char *text;
        const char *written;
    } cases[] = {
        { "a\nb", "a\\nb" },
        { "a\r\tb", "a\\x0d\\x09b" },
        { "\x1b[31mred", "\\x1b[31mred" },
        { "\x7f", "\\x7f" },
        { "\xc2\x9b"
          "31m",
          "\\xc2\\x9b31m" },                         /* CSI in C1 */
        { "\xe2\x80\xa8<3>", "\\xe2\\x80\\xa8<3>" }, /* LINE SEPARATOR */
        { "caf\xc3\xa9", "caf\xc3\xa9" },
        { "\xff\xfe", "\\xff\\xfe" },
        { "cut \xc3", "cut \\xc3" },
        { "", "" },
    };
    be_journal();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char line[4096];
        char wanted[256];
        (void)snprintf(wanted, sizeof wanted, "<6>x: %s\n", cases[i].written);
        log_info("x", "%s", cases[i].text);
        (void)next_line(*state, line);
        if (strcmp(line, wanted) != 0) {
            fail_msg("case %zu: wrote %s", i, line);
        }
    }
    char line[4096];
    log_info("a\nb", "x");
    (void)next_line(*state, line);
    assert_string_equal(line, "<6>a\\nb: x\n");
}

static void
long_lines_are_cut_whole(void **state)
{
    char line[4096];
    char text[8192];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    log_error("app", "%s", text);
    assert_int_equal(next_line(*state, line), 1024);
    assert_int_equal(line[1023], '\n');
    assert_int_equal(next_line(*state, line), 0);
    memset(text, '\n', 900); /* twice as long once escaped: never cut inside an escape */
    text[900] = '\0';
    log_error("app", "%s", text);
    size_t len = next_line(*state, line);
    assert_true(len >= 1022 && len <= 1024);
    assert_memory_equal(line + len - 3, "\\n\n", 3);
}

static void
errno_stays(void **state)
{
    (void)state;
    errno = EXDEV;
    log_error("app", "x");
    assert_int_equal(errno, EXDEV);
    (void)close(STDERR_FILENO); /* writing fails; tear_down() puts it back */
    log_error("app", "x");
    assert_int_equal(errno, EXDEV);
}

static void
level_words(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        enum log_level level;
    } good[] = { { "error", LOG_LEVEL_ERROR },
                 { "warning", LOG_LEVEL_WARNING },
                 { "info", LOG_LEVEL_INFO },
                 { "debug", LOG_LEVEL_DEBUG } };
    static const char *const bad[] = { "", "warn", "Error", "error ", "3" };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        enum log_level level;
        assert_int_equal(log_level_parse(good[i].word, &level), ERROR_OK);
        assert_int_equal(level, good[i].level);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        enum log_level level = LOG_LEVEL_DEBUG;
        assert_int_equal(log_level_parse(bad[i], &level), ERROR_INVALID);
        assert_int_equal(level, LOG_LEVEL_DEBUG);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(journal_gets_level_prefixes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(others_get_a_time_stamp, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_journal_is_not_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(levels_below_the_threshold_are_silent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(control_characters_are_escaped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_lines_are_cut_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(errno_stays, set_up, tear_down),
        cmocka_unit_test(level_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
