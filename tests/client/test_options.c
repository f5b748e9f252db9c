/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The command line: what is understood, what is refused and with which words, and where the daemon
 * is looked for. */
#include "client/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include <rollcall/client.h>

#include "client/commands.h"
#include "client/locate.h"
#include "tests/support/common.h"
#include "tests/support/tmpdir.h"

#define WORDS_MAX 24

/* argv is reordered while it is read, so each row gets a copy of its own. */
struct line {
    char *words[WORDS_MAX];
    int count;
};

static struct line
split(const char *text)
{
    struct line line = { .count = 0 };
    const char *at = text;
    while (*at != '\0') {
        size_t length = strcspn(at, " ");
        line.words[line.count++] = strndup(at, length);
        at += length + (at[length] == ' ' ? 1 : 0);
    }
    return line;
}

static void
free_line(struct line *line)
{
    for (int i = 0; i < line->count; i++) {
        free(line->words[i]);
    }
}

/* What was said on standard error during the last read_catching(). */
static char *said;

static int
read_catching(struct options *options, unsigned verb, struct line *line)
{
    size_t size = 0;
    FILE *caught = open_memstream(&said, &size);
    FILE *saved = stderr;
    stderr = caught;
    int status = options_read(options, verb, line->count, line->words);
    stderr = saved;
    (void)fclose(caught);
    return status;
}

static void
all_options_of_check_are_read(void **state)
{
    (void)state;
    struct line line = split("check --all alice --platform github --platform=x --tag code "
                             "--exclude y --timeout 1.5 --only unknown");
    struct options options;
    assert_int_equal(read_catching(&options, VERB_CHECK, &line), 0);
    assert_true(options.all);
    assert_string_equal(options.platforms[0], "github");
    assert_string_equal(options.platforms[1], "x");
    assert_string_equal(options.platforms[2], "code");
    assert_null(options.platforms[3]);
    assert_string_equal(options.exclude[0], "y");
    assert_int_equal(options.timeout_ms, 1500);
    assert_int_equal(options.only, ONLY_UNKNOWN);
    assert_int_equal(options.word_count, 1);
    assert_string_equal(options.words[0], "alice");
    options_fini(&options);
    free(said);
    free_line(&line);
}

static void
flags_and_words_are_read(void **state)
{
    (void)state;
    struct line line = split("check --adult --fresh --explain --timeline --catalog c "
                             "--strategy lazy --kind username -- --alice");
    struct options options;
    assert_int_equal(read_catching(&options, VERB_CHECK, &line), 0);
    assert_true(options.adult && options.fresh && options.explain && options.timeline);
    assert_string_equal(options.catalog, "c");
    assert_string_equal(options.strategy, "lazy");
    assert_string_equal(options.kind, "username");
    assert_int_equal(options.word_count, 1);
    assert_string_equal(options.words[0], "--alice");
    options_fini(&options);
    free(said);
    free_line(&line);
}

struct row {
    unsigned verb;
    const char *line;
    const char *message;
};

static void
bad_words_are_named(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { VERB_CHECK, "check --foo a", "unknown or ambiguous option --foo; see rollcall check" },
        { VERB_CHECK, "check -x a", "unknown or ambiguous option -x; see" },
        { VERB_CHECK, "check -xyz a", "unknown or ambiguous option -x; see" },
        { VERB_CHECK, "check a --platform", "--platform wants an argument" },
        { VERB_CHECK, "check --kind phone a",
          "--kind: found \"phone\"; allowed are email, username" },
        { VERB_CHECK, "check --only maybe a",
          "--only: found \"maybe\"; allowed are registered, unregistered, unknown" },
        { VERB_CHECK, "check --format xml a",
          "--format: found \"xml\"; allowed are text, json, jsonl, csv" },
        { VERB_CHECK, "check --timeout 0 a", "--timeout: found \"0\"; wants seconds" },
        { VERB_CHECK, "check --timeout -1 a", "--timeout: found \"-1\"; wants seconds" },
        { VERB_CHECK, "check --timeout 10s a", "--timeout: found \"10s\"; wants seconds" },
        { VERB_CHECK, "check --timeout nan a", "--timeout: found \"nan\"; wants seconds" },
        { VERB_CHECK, "check --timeout 1e9 a", "from 0.001 to 86400" },
        { VERB_CHECK, "check --all=yes a", "option --all=yes" },
        { VERB_STATUS, "status --all", "unknown or ambiguous option --all; see rollcall status" },
        { VERB_CANCEL, "cancel --format json q", "unknown or ambiguous option --format" },
        { VERB_CHECK, "check --\x1b[31m a", "option --\\x1b[31m; see" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct line line = split(rows[i].line);
        struct options options;
        int status = read_catching(&options, rows[i].verb, &line);
        if (status != STATUS_USAGE || strstr(said, rows[i].message) == NULL) {
            support_fail("row %zu (%s): status %d, said %s", i, rows[i].line, status, said);
        }
        options_fini(&options);
        free(said);
        free_line(&line);
    }
}

struct program_row {
    const char *line;
    int status;
    const char *message;
};

/* Whole command lines that end before anything is asked. */
static void
whole_lines_are_judged(void **state)
{
    (void)state;
    static const struct program_row rows[] = {
        { "rollcall", STATUS_USAGE, "usage: rollcall VERB" },
        { "rollcall chekc a", STATUS_USAGE, "found \"chekc\"; allowed are check, platforms" },
        { "rollcall check", STATUS_USAGE, "check: wants SUBJECT..." },
        { "rollcall cancel", STATUS_USAGE, "cancel: wants QUERY" },
        { "rollcall cancel a b", STATUS_USAGE, "\"b\" is one too many" },
        { "rollcall status now", STATUS_USAGE, "\"now\" is one too many" },
        { "rollcall status --format csv", STATUS_USAGE, "--format: allowed are text, json" },
        { "rollcall check --timeline --format json a", STATUS_USAGE, "--timeline goes with" },
        { "rollcall check --url foo a", STATUS_USAGE, "\"foo\" is no address" },
        { "rollcall status --wait 0.01 --url /nowhere/s", STATUS_UNREACHABLE,
          "rollcall: no daemon answers at ipc:///nowhere/s: there is no socket (systemctl status "
          "rollcalld?)" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct line line = split(rows[i].line);
        size_t size = 0;
        FILE *saved = stderr;
        stderr = open_memstream(&said, &size);
        int status = commands_run(line.count, line.words);
        (void)fclose(stderr);
        stderr = saved;
        if (status != rows[i].status || strstr(said, rows[i].message) == NULL) {
            support_fail("row %zu (%s): status %d, said %s", i, rows[i].line, status, said);
        }
        free(said);
        free_line(&line);
    }
}

static void
make_socket(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(bind(fd, (const struct sockaddr *)(const void *)&address, sizeof(address)), 0);
    (void)close(fd);
}

static void
expect_url(const char *url, const char *wanted)
{
    struct why why = { "" };
    char *found = NULL;
    assert_int_equal(locate_daemon(url, &found, &why), ROLLCALL_OK);
    assert_string_equal(found, wanted);
    free(found);
}

static void
the_daemon_is_looked_for_in_order(void **state)
{
    (void)state;
    struct tmpdir *dir = tmpdir_new();
    char *folder = tmpdir_join(dir, "rollcall");
    char *path = tmpdir_join(dir, "rollcall/rollcall.sock");
    char *url = support_text("ipc://%s", path);
    (void)unsetenv("ROLLCALL_URL");
    (void)unsetenv("XDG_RUNTIME_DIR");
    expect_url(NULL, "ipc:///run/rollcall/rollcall.sock");
    (void)setenv("XDG_RUNTIME_DIR", tmpdir_path(dir), 1);
    expect_url(NULL, "ipc:///run/rollcall/rollcall.sock"); /* no socket there yet */
    assert_int_equal(mkdir(folder, 0700), 0);
    make_socket(path);
    expect_url(NULL, url);
    (void)setenv("ROLLCALL_URL", "", 1);
    expect_url(NULL, url);
    (void)setenv("ROLLCALL_URL", "tcp://127.0.0.1:7", 1);
    expect_url(NULL, "tcp://127.0.0.1:7");
    expect_url("ws://h:1/p", "ws://h:1/p");
    expect_url("/run/x", "ipc:///run/x");
    (void)unsetenv("ROLLCALL_URL");
    free(url);
    free(path);
    free(folder);
    tmpdir_free(&dir);
}

static void
a_path_too_long_for_a_socket_is_refused(void **state)
{
    (void)state;
    char path[LOCATE_PATH_MAX + 2];
    struct why why = { "" };
    char *url = NULL;
    memset(path, 'a', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(locate_daemon(path, &url, &why), ROLLCALL_E_INVALID);
    assert_non_null(strstr(why.text, "the path has 108 bytes; a socket's has at most 107"));
    path[sizeof(path) - 2] = '\0';
    assert_int_equal(locate_daemon(path, &url, &why), ROLLCALL_OK);
    free(url);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_options_of_check_are_read),
        cmocka_unit_test(flags_and_words_are_read),
        cmocka_unit_test(bad_words_are_named),
        cmocka_unit_test(whole_lines_are_judged),
        cmocka_unit_test(the_daemon_is_looked_for_in_order),
        cmocka_unit_test(a_path_too_long_for_a_socket_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
