/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The configuration as its users meet it: a file and overrides in, a snapshot or one sentence out.
 * In what is expected, "@" stands for the folder of the file. */
#include "daemon/conf/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "rollcall/plugin.h"
#include "rollcall/version.h"
#include "tests/support/tmpdir.h"

#define DURATION "a duration such as \"10s\" or \"500ms\""

static const struct conf_option options[] = {
    { .key = "token", .type = CONF_SECRET },
    { .key = "reading", .type = CONF_STRING, .fallback = "strict" },
    { .key = "depth", .type = CONF_INT, .fallback = "5", .min = 1, .max = 10 },
    { .key = "offset", .type = CONF_INT },
    { .key = "pause", .type = CONF_DURATION, .fallback = "2s", .min = 0, .max = 60000000 },
    { .key = "burst", .type = CONF_RATE, .fallback = "10/min" },
    { .key = "follow", .type = CONF_BOOL, .fallback = "true" },
    { .key = "names", .type = CONF_LIST, .fallback = "[ \"a\", \"b\" ]" },
    { .key = "page", .type = CONF_FILE },
    { .key = "catalogs", .type = CONF_FILES },
    { .key = "limit", .type = CONF_SIZE, .fallback = "1MiB" },
};

static const struct conf_schema schemas[] = {
    { .plugin = "github" },
    { .plugin = "sites", .options = options, .count = ARRAY_LEN(options) },
    { .plugin = "x-y_2" },
};

struct fixture {
    struct tmpdir *dir;
};

static int
set_up(void **state)
{
    static struct fixture fixture;
    fixture.dir = tmpdir_new();
    free(tmpdir_write(fixture.dir, "page.html", "<p>"));
    free(tmpdir_write(fixture.dir, "token", "s3cret\n"));
    free(tmpdir_write(fixture.dir, "two.lines", "s3cret\nmore\n"));
    (void)unsetenv("CREDENTIALS_DIRECTORY");
    *state = &fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;
    tmpdir_free(&fixture->dir);
    return 0;
}

static int
read_path(const char *path, const char *const *overrides, size_t count, struct conf **out_conf,
          struct error_text *why)
{
    struct conf_tree *tree = NULL;
    int error = conf_open(path, overrides, count, &tree, why);
    if (!error) {
        error = conf_read(tree, schemas, ARRAY_LEN(schemas), out_conf, why);
    }
    conf_close(&tree);
    return error;
}

/* Read a text as x.conf in the fixture's folder. */
static int
read_text(struct fixture *fixture, const char *text, struct conf **out_conf, struct error_text *why)
{
    char *path = tmpdir_write(fixture->dir, "x.conf", text);
    int error = read_path(path, NULL, 0, out_conf, why);
    free(path);
    return error;
}

/* Put the folder in the place of each '@'. */
static void
expand(const struct fixture *fixture, const char *text, char *out, size_t size)
{
    size_t len = 0;
    for (; *text != '\0' && len < size - 1; text++) {
        int written = *text == '@'
                          ? snprintf(out + len, size - len, "%s", tmpdir_path(fixture->dir))
                          : snprintf(out + len, size - len, "%c", *text);
        len += (size_t)written;
    }
}

struct refusal {
    const char *text; /* a file, or an override */
    int error;
    const char *said;
};

static void
expect_refusals(struct fixture *fixture, const struct refusal *cases, size_t count,
                bool are_overrides)
{
    for (size_t i = 0; i < count; i++) {
        struct error_text why = { "" };
        struct conf *conf = NULL;
        char said[2 * ERROR_TEXT_BYTES];
        expand(fixture, cases[i].said, said, sizeof said);
        int error = are_overrides ? read_path(NULL, &cases[i].text, 1, &conf, &why)
                                  : read_text(fixture, cases[i].text, &conf, &why);
        if (error != cases[i].error || strcmp(why.text, said) != 0) {
            fail_msg("case %zu: %s\n  said   %s: %s\n  wanted %s", i, cases[i].text,
                     error_name(error), why.text, said);
        }
        assert_null(conf);
    }
}

/* ---- What is read -------------------------------------------------------------------- */

static void
defaults_are_those_of_the_table(void **state)
{
    (void)state;
    struct conf *conf = NULL;
    struct error_text why;
    assert_int_equal(read_path(NULL, NULL, 0, &conf, &why), ERROR_OK);
    assert_null(conf->file);
    assert_string_equal(conf->folder, ".");
    assert_int_equal(conf->listen_count, 1);
    assert_string_equal(conf->listen[0], "ipc:///run/rollcall/rollcall.sock");
    assert_int_equal(conf->plugin_dir_count, 1);
    assert_non_null(strstr(conf->plugin_dirs[0], "/rollcall/plugins"));
    assert_string_equal(conf->state_dir, "/var/lib/rollcall");
    assert_string_equal(conf->isolation, "process");
    assert_int_equal(conf->threads, 8);
    assert_int_equal(conf->timeout_us, 10000000);
    assert_int_equal(conf->deadline_us, 30000000);
    assert_int_equal(conf->deadline_max_us, 300000000);
    assert_int_equal(conf->query_ttl_us, 60000000);
    assert_int_equal(conf->stop_timeout_us, 5000000);
    assert_int_equal(conf->max_calls, 1024);
    assert_int_equal(conf->max_queries, 4096);
    assert_int_equal(conf->max_checks, 100000);
    assert_int_equal(conf->body_bytes, 64 << 20);
    assert_int_equal(conf->methods, 1U << ROLLCALL_DOCUMENTED | 1U << ROLLCALL_SIGNUP);
    assert_string_equal(conf->strategy, "auto");
    assert_int_equal(conf->allow_address_count, 0);
    assert_int_equal(conf->dns_server_count, 0);
    assert_string_equal(conf->user_agent, "rollcall/" ROLLCALL_VERSION);
    assert_null(conf->proxy);
    assert_null(conf->ca_file);
    assert_string_equal(conf->log_level, "info");
    conf_free(&conf);
    assert_null(conf);
    conf_free(&conf);
}

static void
every_key_is_read(void **state)
{
    struct fixture *fixture = *state;
    struct conf *conf = NULL;
    struct error_text why = { "" };
    char path[512];
    static const char text[] =
        "# a comment\n"
        "listen = [ \"ipc:///tmp/a\", \"tcp://127.0.0.1:0\" ];\n"
        "plugin_dirs = ( \"plugins\", \"/abs\" );\n"
        "state_dir = \"state\"\n"
        "isolation: \"thread\", threads = 0x10;\n"
        "timeout = \"500ms\"; deadline = \"1min\"; deadline_max = \"1h\";\n"
        "query_ttl = \"2min\"; stop_timeout = \"0s\";\n"
        "max_calls = 1; max_queries = 1000000; max_checks = 10000000L;\n"
        "body_bytes = 1048576;\n"
        "methods = [ \"recovery\", \"documented\", \"documented\" ];\n"
        "strategy = \"la\" \"zy\";\n"
        "allow_addresses = [ \"127.0.0.0/8\", \"::1\" ];\n"
        "dns_servers = [ \"127.0.0.1:5353\", \"::1\", \"[::1]:53\", \"192.0.2.1\" ];\n"
        "user_agent = \"me/1 (caf\\x65)\"; proxy = \"socks5h://127.0.0.1:9050\";\n"
        "ca_file = \"page.html\"; log_level = \"debug\";\n"
        "plugin = { };\n# the last line has no newline";
    if (read_text(fixture, text, &conf, &why) != ERROR_OK) {
        fail_msg("%s", why.text);
    }
    expand(fixture, "@/x.conf", path, sizeof path);
    assert_string_equal(conf->file, path);
    assert_string_equal(conf->folder, tmpdir_path(fixture->dir));
    assert_int_equal(conf->listen_count, 2);
    assert_string_equal(conf->listen[1], "tcp://127.0.0.1:0");
    assert_int_equal(conf->plugin_dir_count, 2);
    expand(fixture, "@/plugins", path, sizeof path);
    assert_string_equal(conf->plugin_dirs[0], path);
    assert_string_equal(conf->plugin_dirs[1], "/abs");
    expand(fixture, "@/state", path, sizeof path);
    assert_string_equal(conf->state_dir, path);
    assert_int_equal(conf->threads, 16);
    assert_int_equal(conf->timeout_us, 500000);
    assert_int_equal(conf->deadline_us, 60000000);
    assert_int_equal(conf->stop_timeout_us, 0);
    assert_int_equal(conf->max_calls, 1);
    assert_int_equal(conf->max_checks, 10000000);
    assert_int_equal(conf->body_bytes, 1 << 20);
    assert_int_equal(conf->methods, 1U << ROLLCALL_RECOVERY | 1U << ROLLCALL_DOCUMENTED);
    assert_string_equal(conf->strategy, "lazy");
    assert_int_equal(conf->allow_address_count, 2);
    assert_int_equal(conf->dns_server_count, 4);
    assert_string_equal(conf->dns_servers[2], "[::1]:53");
    assert_string_equal(conf->user_agent, "me/1 (cafe)");
    expand(fixture, "@/page.html", path, sizeof path);
    assert_string_equal(conf->ca_file, path);
    conf_free(&conf);
}

static void
an_empty_file_is_all_defaults(void **state)
{
    struct conf *conf = NULL;
    struct error_text why;
    assert_int_equal(read_text(*state, "", &conf, &why), ERROR_OK);
    assert_int_equal(conf->threads, 8);
    conf_free(&conf);
}

static void
files_include_files(void **state)
{
    struct fixture *fixture = *state;
    struct conf *conf = NULL;
    struct error_text why = { "" };
    free(tmpdir_write(fixture->dir, "more/inner.conf", "threads = 3;\n"));
    if (read_text(fixture, "@include \"more/inner.conf\"\nmax_calls = 5;", &conf, &why)) {
        fail_msg("%s", why.text);
    }
    assert_int_equal(conf->threads, 3);
    assert_int_equal(conf->max_calls, 5);
    conf_free(&conf);
    free(tmpdir_write(fixture->dir, "more/inner.conf", "\nthreads = 0;\n"));
    static const struct refusal cases[] = {
        { "@include \"more/inner.conf\"", ERROR_RANGE,
          "@/more/inner.conf:2: threads: found 0, wants an integer from 1 to 256" },
        { "threads = 1;\n@include \"more/inner.conf\"", ERROR_PARSE,
          "@/more/inner.conf:2: a key is given twice" },
        { "@include \"gone.conf\"", ERROR_NOT_FOUND,
          "@/x.conf:1: @include: @/gone.conf: no such file" },
    };
    char wanted[ERROR_TEXT_BYTES];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        /* "@include" in a message is itself, so expand by hand here. */
        assert_int_equal(read_text(fixture, cases[i].text, &conf, &why), cases[i].error);
        const char *dir = tmpdir_path(fixture->dir);
        if (i == 2) {
            (void)snprintf(wanted, sizeof wanted,
                           "%s/x.conf:1: @include: %s/gone.conf: no such file", dir, dir);
        } else {
            expand(fixture, cases[i].said, wanted, sizeof wanted);
        }
        assert_string_equal(why.text, wanted);
    }
}

static void
plugin_dirs_are_known_before_the_rest(void **state)
{
    struct fixture *fixture = *state;
    struct conf_tree *tree = NULL;
    struct error_text why;
    size_t count = 0;
    char *path =
        tmpdir_write(fixture->dir, "x.conf", "plugin_dirs = [\"/a\", \"/b\"]; nonsense = 1;");
    assert_int_equal(conf_open(path, NULL, 0, &tree, &why), ERROR_OK);
    const char *const *dirs = conf_plugin_dirs(tree, &count);
    assert_int_equal(count, 2);
    assert_string_equal(dirs[0], "/a");
    assert_string_equal(dirs[1], "/b");
    conf_close(&tree);
    assert_null(tree);
    conf_close(&tree);
    free(path);
    const char *none = "plugin_dirs=[]";
    assert_int_equal(conf_open(NULL, &none, 1, &tree, &why), ERROR_OK);
    (void)conf_plugin_dirs(tree, &count);
    assert_int_equal(count, 0);
    conf_close(&tree);
}

static void
a_lower_deadline_max_binds_the_default(void **state)
{
    struct conf *conf = NULL;
    struct error_text why;
    assert_int_equal(read_text(*state, "deadline_max = \"5s\";", &conf, &why), ERROR_OK);
    assert_int_equal(conf->deadline_us, 5000000);
    conf_free(&conf);
}

/* ---- What is refused ----------------------------------------------------------------- */

static void
mistakes_name_file_line_key_found_and_allowed(void **state)
{
    static const struct refusal cases[] = {
        { "tiemout = \"1s\";", ERROR_INVALID,
          "@/x.conf:1: tiemout: unknown key; did you mean \"timeout\"?" },
        { "\n\ncolour = 1;", ERROR_INVALID,
          "@/x.conf:3: colour: unknown key; rollcalld --help lists them all" },
        { "Timeout = \"1s\";", ERROR_INVALID,
          "@/x.conf:1: Timeout: unknown key; did you mean \"timeout\"?" },
        { "admin = \"tcp://127.0.0.1:7465\";", ERROR_INVALID,
          "@/x.conf:1: admin: found \"tcp://127.0.0.1:7465\", wants a URL such as "
          "\"ipc:///run/rollcall/admin.sock\", or \"\" for none" },
        { "cache_size = 7;", ERROR_INVALID,
          "@/x.conf:1: cache_size: unknown key; rollcalld --help lists them all" },
        { "timeout = \"10 apples\";", ERROR_INVALID,
          "@/x.conf:1: timeout: found \"10 apples\", wants " DURATION ", from 1ms to 10min" },
        { "timeout = 10;", ERROR_INVALID,
          "@/x.conf:1: timeout: found 10, wants " DURATION ", from 1ms to 10min" },
        { "timeout = 1.5;", ERROR_INVALID,
          "@/x.conf:1: timeout: found 1.5, wants " DURATION ", from 1ms to 10min" },
        { "timeout = true;", ERROR_INVALID,
          "@/x.conf:1: timeout: found true, wants " DURATION ", from 1ms to 10min" },
        { "timeout = [\"1s\"];", ERROR_INVALID,
          "@/x.conf:1: timeout: found a list of 1, wants " DURATION ", from 1ms to 10min" },
        { "timeout = { a = 1; };", ERROR_INVALID,
          "@/x.conf:1: timeout: found a group, wants " DURATION ", from 1ms to 10min" },
        { "timeout = \"11min\";", ERROR_RANGE,
          "@/x.conf:1: timeout: found \"11min\", wants " DURATION ", from 1ms to 10min" },
        { "timeout = \"0s\";", ERROR_RANGE,
          "@/x.conf:1: timeout: found \"0s\", wants " DURATION ", from 1ms to 10min" },
        { "\nthreads = 0;", ERROR_RANGE,
          "@/x.conf:2: threads: found 0, wants an integer from 1 to 256" },
        { "threads = -1;", ERROR_RANGE,
          "@/x.conf:1: threads: found -1, wants an integer from 1 to 256" },
        { "threads = 257;", ERROR_RANGE,
          "@/x.conf:1: threads: found 257, wants an integer from 1 to 256" },
        { "threads = \"8\";", ERROR_INVALID,
          "@/x.conf:1: threads: found \"8\", wants an integer from 1 to 256" },
        { "threads = 8.0;", ERROR_INVALID,
          "@/x.conf:1: threads: found 8, wants an integer from 1 to 256" },
        { "max_checks = 99999999999;", ERROR_RANGE,
          "@/x.conf:1: the integer here does not fit 32 bits; write it with an L: 5000000000L" },
        { "max_checks = 99999999999L;", ERROR_RANGE,
          "@/x.conf:1: max_checks: found 99999999999, wants an integer from 1 to 10000000" },
        { "body_bytes = \"64MB\";", ERROR_INVALID,
          "@/x.conf:1: body_bytes: found \"64MB\", wants a size such as \"64MiB\", from 1MiB to "
          "64GiB" },
        { "body_bytes = 1;", ERROR_RANGE,
          "@/x.conf:1: body_bytes: found 1, wants a size such as \"64MiB\", from 1MiB to 64GiB" },
        { "body_bytes = -1;", ERROR_INVALID,
          "@/x.conf:1: body_bytes: found -1, wants a size such as \"64MiB\", from 1MiB to 64GiB" },
        { "strategy = \"fast\";", ERROR_INVALID,
          "@/x.conf:1: strategy: found \"fast\", wants one of \"race\", \"lazy\", \"auto\"" },
        { "strategy = \"\";", ERROR_INVALID,
          "@/x.conf:1: strategy: found \"\", wants one of \"race\", \"lazy\", \"auto\"" },
        { "isolation = \"vm\";", ERROR_INVALID,
          "@/x.conf:1: isolation: found \"vm\", wants one of \"process\", \"thread\"" },
        { "log_level = \"loud\";", ERROR_INVALID,
          "@/x.conf:1: log_level: found \"loud\", wants one of \"error\", \"warning\", \"info\", "
          "\"debug\"" },
        { "methods = \"signup\";", ERROR_INVALID,
          "@/x.conf:1: methods: found \"signup\", wants a list [ … ] of 1 to 3, each one of "
          "\"documented\", \"signup\", \"recovery\"" },
        { "methods = [ ];", ERROR_RANGE,
          "@/x.conf:1: methods: found a list of 0, wants a list [ … ] of 1 to 3, each one of "
          "\"documented\", \"signup\", \"recovery\"" },
        { "methods = [ \"documented\",\n\"magic\" ];", ERROR_INVALID,
          "@/x.conf:2: methods: found \"magic\", wants a list [ … ] of 1 to 3, each one of "
          "\"documented\", \"signup\", \"recovery\"" },
        { "methods = [ 1 ];", ERROR_INVALID,
          "@/x.conf:1: methods: found 1, wants a list [ … ] of 1 to 3, each one of "
          "\"documented\", \"signup\", \"recovery\"" },
        { "methods = ( ( \"signup\" ) );", ERROR_INVALID,
          "@/x.conf:1: methods: found a list of 1, wants a list [ … ] of 1 to 3, each one of "
          "\"documented\", \"signup\", \"recovery\"" },
        { "listen = [ ];", ERROR_RANGE,
          "@/x.conf:1: listen: found a list of 0, wants a list [ … ] of 1 to 16, each a URL such "
          "as "
          "\"ipc:///run/rollcall/rollcall.sock\" or \"tcp://127.0.0.1:7465\"" },
        { "listen = [ \"/run/x\" ];", ERROR_INVALID,
          "@/x.conf:1: listen: found \"/run/x\", wants a list [ … ] of 1 to 16, each a URL such as "
          "\"ipc:///run/rollcall/rollcall.sock\" or \"tcp://127.0.0.1:7465\"" },
        { "plugin_dirs = [ \"\" ];", ERROR_INVALID,
          "@/x.conf:1: plugin_dirs: found \"\", wants a list [ … ] of 0 to 16, each a path" },
        { "allow_addresses = [ \"home\" ];", ERROR_INVALID,
          "@/x.conf:1: allow_addresses: found \"home\", wants a list [ … ] of 0 to 64, each an "
          "address or network such as \"127.0.0.0/8\"" },
        { "dns_servers = [ \"dns.example\" ];", ERROR_INVALID,
          "@/x.conf:1: dns_servers: found \"dns.example\", wants a list [ … ] of 0 to 16, each an "
          "address such as \"127.0.0.1\", \"127.0.0.1:5353\" or \"[::1]:53\"" },
        { "user_agent = \"\";", ERROR_INVALID,
          "@/x.conf:1: user_agent: found \"\", wants 1 to 256 printable ASCII characters" },
        { "user_agent = \"a\\x0d\\x0ab\";", ERROR_INVALID,
          "@/x.conf:1: user_agent: wants at most 4096 bytes of UTF-8 without control characters" },
        { "state_dir = \"a\\xffb\";", ERROR_INVALID,
          "@/x.conf:1: state_dir: wants at most 4096 bytes of UTF-8 without control characters" },
        { "ca_file = \"gone.pem\";", ERROR_NOT_FOUND,
          "@/x.conf:1: ca_file: @/gone.pem: no such file" },
        { "ca_file = \".\";", ERROR_IO, "@/x.conf:1: ca_file: @/.: not a regular file" },
        { "deadline_max = \"10s\";\ndeadline = \"20s\";", ERROR_RANGE,
          "@/x.conf:2: deadline: found 20s, wants at most deadline_max, which is 10s" },
        { "deadline = \"6min\";", ERROR_RANGE,
          "@/x.conf:1: deadline: found 6min, wants at most deadline_max, which is 5min" },
        { "threads = 1;\nthreads = 2;\n", ERROR_PARSE,
          "@/x.conf:2: a key is given twice, at or before: threads = 2;" },
        { "threads = 1;\n\ntimeout = = 2;", ERROR_PARSE,
          "@/x.conf:3: syntax error, at or before: timeout = = 2;" },
        { "threads = 1;\ntimeout = 5s;", ERROR_PARSE,
          "@/x.conf:2: syntax error, at or before: timeout = 5s;" },
        { "plugin = { github = { rate = 0; }", ERROR_PARSE, "@/x.conf:2: syntax error" },
        { "\xef\xbb\xbfthreads = 1;", ERROR_PARSE,
          "@/x.conf:1: syntax error, at or before: \xef\xbb\xbfthreads = 1;" },
        { "threads = 1;\ntimeout = \"5s;\n", ERROR_PARSE,
          "@/x.conf:2: the text that starts here does not end on its line" },
    };
    expect_refusals(*state, cases, ARRAY_LEN(cases), false);
}

/* A proxy's password must not end up in a log. */
static void
what_may_be_a_password_is_not_repeated(void **state)
{
    struct fixture *fixture = *state;
    static const char *const texts[] = {
        "proxy = \"u:s3cret@proxy\";",
        "proxy = \"http://u:s3cret@proxy\"; proxy = \"\";",
        "proxy = \"http://u:s3cret@proxy\" = ;",
        "plugin = { sites = { token = \"s3cret\"; }; };",
        "plugin = { sites = { token = \"two.lines\"; }; };",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct conf *conf = NULL;
        struct error_text why = { "" };
        assert_int_not_equal(read_text(fixture, texts[i], &conf, &why), ERROR_OK);
        if (strstr(why.text, "s3cret") != NULL) {
            fail_msg("text %zu said: %s", i, why.text);
        }
    }
}

static void
what_is_no_configuration_file_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct conf *conf = NULL;
    struct error_text why;
    char wanted[ERROR_TEXT_BYTES];
    char *gone = tmpdir_join(fixture->dir, "gone.conf");
    assert_int_equal(read_path(gone, NULL, 0, &conf, &why), ERROR_NOT_FOUND);
    expand(fixture, "@/gone.conf: no such file", wanted, sizeof wanted);
    assert_string_equal(why.text, wanted);
    free(gone);
    assert_int_equal(read_path(tmpdir_path(fixture->dir), NULL, 0, &conf, &why), ERROR_IO);
    expand(fixture, "@: not a regular file", wanted, sizeof wanted);
    assert_string_equal(why.text, wanted);
    char *text = malloc((1 << 20) + 2);
    assert_non_null(text);
    memset(text, '\n', (1 << 20) + 1);
    text[(1 << 20) + 1] = '\0';
    assert_int_equal(read_text(fixture, text, &conf, &why), ERROR_TOO_BIG);
    expand(fixture, "@/x.conf: has more than 1048576 bytes", wanted, sizeof wanted);
    assert_string_equal(why.text, wanted);
    text[1 << 20] = '\0';
    assert_int_equal(read_text(fixture, text, &conf, &why), ERROR_OK);
    conf_free(&conf);
    free(text);
}

/* ---- Overrides ----------------------------------------------------------------------- */

static void
overrides_lie_over_the_file(void **state)
{
    struct fixture *fixture = *state;
    struct conf *conf = NULL;
    struct error_text why = { "" };
    static const char *const overrides[] = {
        "timeout=5s",
        "threads=1",
        "threads=4",
        "max_checks=5000000L",
        "listen=[\"ipc:///x\", \"ipc:///y\"]",
        "user_agent=12345",
        "state_dir=true",
        "proxy=\"http://quoted:1\"",
        "strategy=race",
        "ca_file=",
        "methods=(\"signup\")",
        "plugin.github.rate=10/min",
        "plugin.github.base_url=http://127.0.0.1:1/github",
        "plugin.sites.enabled=false",
        "plugin.x-y_2.concurrency=3",
    };
    char *path = tmpdir_write(fixture->dir, "x.conf",
                              "threads = 2; timeout = \"1s\"; ca_file = \"page.html\";\n"
                              "plugin = { github = { rate = 0; timeout = \"3s\"; }; };");
    if (read_path(path, overrides, ARRAY_LEN(overrides), &conf, &why) != ERROR_OK) {
        fail_msg("%s", why.text);
    }
    free(path);
    assert_int_equal(conf->timeout_us, 5000000);
    assert_int_equal(conf->threads, 4);
    assert_int_equal(conf->max_checks, 5000000);
    assert_int_equal(conf->listen_count, 2);
    assert_string_equal(conf->listen[1], "ipc:///y");
    assert_string_equal(conf->user_agent, "12345");
    assert_non_null(strstr(conf->state_dir, "/true"));
    assert_string_equal(conf->proxy, "http://quoted:1");
    assert_string_equal(conf->strategy, "race");
    assert_null(conf->ca_file);
    assert_int_equal(conf->methods, 1U << ROLLCALL_SIGNUP);
    const struct conf_plugin *github = conf_plugin(conf, "github");
    assert_true(github->rate_is_set);
    assert_int_equal(github->rate.count, 10);
    assert_int_equal(github->rate.seconds, 60);
    assert_int_equal(github->timeout_us, 3000000);
    assert_string_equal(github->base_url, "http://127.0.0.1:1/github");
    assert_false(conf_plugin(conf, "sites")->enabled);
    assert_int_equal(conf_plugin(conf, "x-y_2")->concurrency, 3);
    conf_free(&conf);
}

static void
mistaken_overrides_say_so(void **state)
{
#define FORM                                                                                       \
    ": wants KEY=VALUE or plugin.NAME.KEY=VALUE, where the file has nothing else of that name"
    static const struct refusal cases[] = {
        { "", ERROR_INVALID, "-o " FORM },
        { "timeout", ERROR_INVALID, "-o timeout" FORM },
        { "=5", ERROR_INVALID, "-o " FORM },
        { "plugin.github=5", ERROR_INVALID, "-o plugin.github" FORM },
        { "plugin..rate=5", ERROR_INVALID, "-o plugin..rate" FORM },
        { "plugin.github.=5", ERROR_INVALID, "-o plugin.github." FORM },
        { "plugin.github.rate.x=5", ERROR_INVALID, "-o plugin.github.rate.x" FORM },
        { "a.b=5", ERROR_INVALID, "-o a.b" FORM },
        { "Time Out=5", ERROR_INVALID, "-o Time Out" FORM },
        { "tiemout=1s", ERROR_INVALID, "-o tiemout: unknown key; did you mean \"timeout\"?" },
        { "timeout=5", ERROR_INVALID,
          "-o timeout: found 5, wants " DURATION ", from 1ms to 10min" },
        { "timeout=", ERROR_INVALID,
          "-o timeout: found \"\", wants " DURATION ", from 1ms to 10min" },
        { "timeout=5s; threads = 1", ERROR_INVALID,
          "-o timeout: found \"5s; threads = 1\", wants " DURATION ", from 1ms to 10min" },
        { "threads=1; timeout = \"5s\"", ERROR_INVALID,
          "-o threads: found \"1; timeout = \"5s\"\", wants an integer from 1 to 256" },
        { "threads=99999999999", ERROR_RANGE, "-o threads: the integer does not fit" },
        { "user_agent=a\nb", ERROR_INVALID,
          "-o user_agent: wants at most 4096 bytes of UTF-8 without control characters" },
        { "user_agent=\"x\"\n@include \"/etc/hostname\"\n", ERROR_INVALID,
          "-o user_agent: wants at most 4096 bytes of UTF-8 without control characters" },
        { "methods=[\"signup\", \"x\"]", ERROR_INVALID,
          "-o methods: found \"x\", wants a list [ … ] of 1 to 3, each one of \"documented\", "
          "\"signup\", \"recovery\"" },
        { "methods=[\"signup\"", ERROR_INVALID,
          "-o methods: found \"[\"signup\"\", wants a list [ … ] of 1 to 3, each one of "
          "\"documented\", \"signup\", \"recovery\"" },
        { "methods=({a=1;})", ERROR_INVALID,
          "-o methods: found a group, wants a list [ … ] of 1 to 3, each one of "
          "\"documented\", \"signup\", \"recovery\"" },
        { "plugin=5", ERROR_INVALID, "-o plugin: not a group, wants { … } with keys in it" },
        { "plugin={github=1;}", ERROR_INVALID,
          "-o plugin.github: not a group, wants { … } with keys in it" },
        { "plugin.gihub.rate=0", ERROR_INVALID,
          "-o plugin.gihub: no such plugin in plugin_dirs; there are github, sites, x-y_2" },
        { "plugin.github.rat=0", ERROR_INVALID,
          "-o plugin.github.rat: unknown key, wants one of enabled, isolation, rate, concurrency, "
          "timeout, base_url" },
        { "plugin.github.rate=ten", ERROR_INVALID,
          "-o plugin.github.rate: found \"ten\", wants a rate such as \"10/min\" (s, min, h or d), "
          "or 0 for none" },
        { "plugin.sites.token=s3cret", ERROR_NOT_FOUND,
          "-o plugin.sites.token: the file that it names, in $CREDENTIALS_DIRECTORY or ., is not "
          "there" },
    };
    expect_refusals(*state, cases, ARRAY_LEN(cases), true);
}

static void
an_override_cannot_enter_what_is_no_group(void **state)
{
    struct fixture *fixture = *state;
    struct conf *conf = NULL;
    struct error_text why;
    const char *override = "plugin.github.rate=0";
    char *path = tmpdir_write(fixture->dir, "x.conf", "plugin = 5;");
    assert_int_equal(read_path(path, &override, 1, &conf, &why), ERROR_INVALID);
    assert_string_equal(why.text, "-o plugin.github.rate" FORM);
    free(path);
}

/* ---- Reload -------------------------------------------------------------------------- */

static void
append_key(void *context, const char *key)
{
    char *text = context;
    (void)strcat(strcat(text, key), " ");
}

/* What is read at the start only and differs is told, each type of value; the rest is not. */
static void
fixed_keys_that_differ_are_told(void **state)
{
    static const struct {
        const char *text;
        const char *told;
    } rows[] = {
        { "", "" },
        { "deadline = \"20s\"; methods = [ \"documented\" ]; log_level = \"debug\";", "" },
        { "threads = 8; user_agent = \"rollcall/" ROLLCALL_VERSION "\"; dns_servers = [ ];", "" },
        { "threads = 9;", "threads " },
        { "body_bytes = \"65MiB\"; max_calls = 7;", "max_calls body_bytes " },
        { "proxy = \"http://proxy:3128\"; admin = \"\";", "admin proxy " },
        { "dns_servers = [ \"127.0.0.1\" ]; user_agent = \"me\";", "user_agent dns_servers " },
        { "listen = [ \"ipc:///run/rollcall/other.sock\" ];", "listen " },
        { "allow_addresses = [ \"127.0.0.0/8\" ]; ca_file = \"@/x.conf\";",
          "allow_addresses ca_file " },
    };
    struct fixture *fixture = *state;
    struct conf *before = NULL;
    struct error_text why = { "" };
    assert_int_equal(read_text(fixture, "", &before, &why), ERROR_OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct conf *after = NULL;
        char text[2 * ERROR_TEXT_BYTES] = "";
        char told[ERROR_TEXT_BYTES] = "";
        expand(fixture, rows[i].text, text, sizeof text);
        if (read_text(fixture, text, &after, &why) != ERROR_OK) {
            fail_msg("row %zu: %s", i, why.text);
        }
        conf_tell_fixed(before, after, append_key, told);
        if (strcmp(told, rows[i].told) != 0) {
            fail_msg("row %zu: told %s, wanted %s", i, told, rows[i].told);
        }
        conf_free(&after);
    }
    conf_free(&before);
}

/* ---- Help ---------------------------------------------------------------------------- */

static void
count_line(void *context, const char *key, const char *type, const char *fallback,
           const char *sentence)
{
    size_t *count = context;
    (*count)++;
    assert_true(strlen(key) > 0 && strlen(type) > 0 && strlen(sentence) > 10);
    assert_int_equal(sentence[strlen(sentence) - 1], '.');
    if (strcmp(key, "timeout") == 0) {
        assert_string_equal(type, DURATION ", from 1ms to 10min");
        assert_string_equal(fallback, "10s");
    }
    if (strcmp(key, "plugin.NAME.base_url") == 0) {
        assert_null(fallback);
    }
}

static void
help_has_a_line_for_each_key(void **state)
{
    (void)state;
    size_t count = 0;
    conf_print_keys(count_line, &count);
    assert_int_equal(count, 24 + 6);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_table),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(an_empty_file_is_all_defaults),
        cmocka_unit_test(files_include_files),
        cmocka_unit_test(plugin_dirs_are_known_before_the_rest),
        cmocka_unit_test(a_lower_deadline_max_binds_the_default),
        cmocka_unit_test(mistakes_name_file_line_key_found_and_allowed),
        cmocka_unit_test(what_may_be_a_password_is_not_repeated),
        cmocka_unit_test(what_is_no_configuration_file_is_refused),
        cmocka_unit_test(overrides_lie_over_the_file),
        cmocka_unit_test(mistaken_overrides_say_so),
        cmocka_unit_test(an_override_cannot_enter_what_is_no_group),
        cmocka_unit_test(fixed_keys_that_differ_are_told),
        cmocka_unit_test(help_has_a_line_for_each_key),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
