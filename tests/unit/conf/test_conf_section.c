/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Plugins' sections: what a plugin declared decides what its section may say. */
#include "daemon/conf/conf_section.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/tmpdir.h"

static const struct conf_option options[] = {
    { .key = "token", .type = CONF_SECRET },
    { .key = "reading", .type = CONF_STRING, .fallback = "strict" },
    { .key = "depth", .type = CONF_INT, .fallback = "5", .min = 1, .max = 10 },
    { .key = "offset", .type = CONF_INT },
    { .key = "pause", .type = CONF_DURATION, .fallback = "2s", .max = 60000000 },
    { .key = "burst", .type = CONF_RATE, .fallback = "10/min" },
    { .key = "follow", .type = CONF_BOOL, .fallback = "true" },
    { .key = "names", .type = CONF_LIST, .fallback = "[ \"a\", \"b\" ]" },
    { .key = "page", .type = CONF_FILE },
    { .key = "catalogs", .type = CONF_FILES },
    { .key = "limit", .type = CONF_SIZE, .fallback = "1MiB" },
};

static const struct conf_schema sites = { "sites", options, ARRAY_LEN(options) };

static struct tmpdir *dir;

static int
set_up(void **state)
{
    (void)state;
    dir = tmpdir_new();
    free(tmpdir_write(dir, "page.html", "<p>"));
    free(tmpdir_write(dir, "token", "s3cret\n"));
    free(tmpdir_write(dir, "two.lines", "a\nb\n"));
    (void)unsetenv("CREDENTIALS_DIRECTORY");
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    tmpdir_free(&dir);
    return 0;
}

/* Read "plugin = { `text` };" against one schema. */
static int
read_with(const struct conf_schema *schema, const char *text, struct conf **out_conf,
          struct error_text *why)
{
    char file[4096];
    struct conf_tree *tree = NULL;
    (void)snprintf(file, sizeof file, "plugin = {\n%s\n};\n", text);
    char *path = tmpdir_write(dir, "x.conf", file);
    int error = conf_open(path, NULL, 0, &tree, why);
    error = error ? error : conf_read(tree, schema, 1, out_conf, why);
    conf_close(&tree);
    free(path);
    return error;
}

static const struct conf_plugin *
read_good(const struct conf_schema *schema, const char *text, struct conf **out_conf)
{
    struct error_text why;
    if (read_with(schema, text, out_conf, &why) != ERROR_OK) {
        fail_msg("%s", why.text);
    }
    return &(*out_conf)->plugins[0];
}

static void
a_plugin_without_a_section_has_its_fallbacks(void **state)
{
    (void)state;
    struct conf *conf = NULL;
    const struct conf_plugin *plugin = read_good(&sites, "", &conf);
    assert_string_equal(plugin->name, "sites");
    assert_true(plugin->enabled);
    assert_false(plugin->rate_is_set);
    assert_null(plugin->isolation);
    assert_null(plugin->base_url);
    assert_int_equal(plugin->concurrency, 0);
    assert_int_equal(plugin->timeout_us, 0);
    assert_int_equal(plugin->own_count, ARRAY_LEN(options));
    assert_false(conf_own(plugin, "reading")->is_set);
    assert_string_equal(conf_own(plugin, "reading")->texts[0], "strict");
    assert_int_equal(conf_own(plugin, "depth")->number, 5);
    assert_int_equal(conf_own(plugin, "pause")->number, 2000000);
    assert_int_equal(conf_own(plugin, "burst")->rate.count, 10);
    assert_int_equal(conf_own(plugin, "follow")->number, 1);
    assert_int_equal(conf_own(plugin, "names")->count, 2);
    assert_int_equal(conf_own(plugin, "limit")->number, 1 << 20);
    assert_int_equal(conf_own(plugin, "token")->count, 0);
    assert_int_equal(conf_own(plugin, "catalogs")->count, 0);
    assert_null(conf_own(plugin, "nothing"));
    assert_null(conf_plugin(conf, "nobody"));
    conf_free(&conf);
}

static void
a_section_says_otherwise(void **state)
{
    (void)state;
    struct conf *conf = NULL;
    const struct conf_plugin *plugin =
        read_good(&sites,
                  "sites = { enabled = true; isolation = \"thread\"; rate = 0; concurrency = 7;\n"
                  "timeout = \"2s\"; base_url = \"http://127.0.0.1:8080\";\n"
                  "token = \"token\"; reading = \"faithful\"; depth = 10; offset = -2000000000;\n"
                  "pause = \"0s\"; burst = 0; follow = false; names = [ ]; page = \"page.html\";\n"
                  "catalogs = [ \"page.html\", \"token\" ]; limit = 5; };",
                  &conf);
    assert_true(plugin->rate_is_set);
    assert_int_equal(plugin->rate.count, 0);
    assert_string_equal(plugin->isolation, "thread");
    assert_int_equal(plugin->concurrency, 7);
    assert_int_equal(plugin->timeout_us, 2000000);
    assert_string_equal(plugin->base_url, "http://127.0.0.1:8080");
    assert_true(conf_own(plugin, "token")->is_set);
    assert_int_equal(conf_own(plugin, "token")->type, CONF_SECRET);
    assert_string_equal(conf_own(plugin, "token")->texts[0], "s3cret");
    assert_string_equal(conf_own(plugin, "reading")->texts[0], "faithful");
    assert_int_equal(conf_own(plugin, "depth")->number, 10);
    assert_int_equal(conf_own(plugin, "offset")->number, -2000000000);
    assert_int_equal(conf_own(plugin, "pause")->number, 0);
    assert_true(conf_own(plugin, "burst")->is_set);
    assert_int_equal(conf_own(plugin, "burst")->rate.count, 0);
    assert_int_equal(conf_own(plugin, "follow")->number, 0);
    assert_int_equal(conf_own(plugin, "names")->count, 0);
    assert_non_null(strstr(conf_own(plugin, "page")->texts[0], "/page.html"));
    assert_int_equal(conf_own(plugin, "page")->texts[0][0], '/');
    assert_int_equal(conf_own(plugin, "catalogs")->count, 2);
    assert_int_equal(conf_own(plugin, "limit")->number, 5);
    conf_free(&conf);
}

static void
mistakes_in_sections_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int error;
        const char *said; /* behind "FOLDER/x.conf:" */
    } cases[] = {
        { "other = { };", ERROR_INVALID,
          "2: plugin.other: no such plugin in plugin_dirs; there are sites" },
        { "\nsites = 5;", ERROR_INVALID,
          "3: plugin.sites: not a group, wants { … } with keys in it" },
        { "sites = { colour = 1; };", ERROR_INVALID,
          "2: plugin.sites.colour: unknown key, wants one of token, reading, depth, offset, pause, "
          "burst, follow, names, page, catalogs, limit, enabled, isolation, rate, concurrency, "
          "timeout, base_url" },
        { "sites = { enabled = 1; };", ERROR_INVALID,
          "2: plugin.sites.enabled: found 1, wants true or false" },
        { "sites = { rate = 5; };", ERROR_INVALID,
          "2: plugin.sites.rate: found 5, wants a rate such as \"10/min\" (s, min, h or d), or 0 "
          "for "
          "none" },
        { "sites = { rate = \"10 per minute\"; };", ERROR_INVALID,
          "2: plugin.sites.rate: found \"10 per minute\", wants a rate such as \"10/min\" (s, min, "
          "h "
          "or d), or 0 for none" },
        { "sites = { concurrency = 0; };", ERROR_RANGE,
          "2: plugin.sites.concurrency: found 0, wants an integer from 1 to 10000" },
        { "sites = { base_url = \"https://x/\"; };", ERROR_INVALID,
          "2: plugin.sites.base_url: found \"https://x/\", wants http(s)://host[:port][/path] "
          "without "
          "a slash at the end, query or fragment" },
        { "sites = { base_url = \"https://u:p@x\"; };", ERROR_INVALID,
          "2: plugin.sites.base_url: found what is not repeated here, wants "
          "http(s)://host[:port][/path] without a slash at the end, query or fragment" },
        { "sites = { isolation = \"vm\"; };", ERROR_INVALID,
          "2: plugin.sites.isolation: found \"vm\", wants one of \"process\", \"thread\"" },
        { "sites = { timeout = \"1h\"; };", ERROR_RANGE,
          "2: plugin.sites.timeout: found \"1h\", wants a duration such as \"10s\" or \"500ms\", "
          "from "
          "1ms to 10min" },
        { "sites = { reading = 5; };", ERROR_INVALID,
          "2: plugin.sites.reading: found 5, wants a text" },
        { "sites = { depth = 11; };", ERROR_RANGE,
          "2: plugin.sites.depth: found 11, wants an integer from 1 to 10" },
        { "sites = { offset = \"a\"; };", ERROR_INVALID,
          "2: plugin.sites.offset: found \"a\", wants an integer" },
        { "sites = { pause = \"61s\"; };", ERROR_RANGE,
          "2: plugin.sites.pause: found \"61s\", wants a duration such as \"10s\" or \"500ms\", "
          "from "
          "0s to 1min" },
        { "sites = { follow = \"yes\"; };", ERROR_INVALID,
          "2: plugin.sites.follow: found \"yes\", wants true or false" },
        { "sites = { names = \"a\"; };", ERROR_INVALID,
          "2: plugin.sites.names: found \"a\", wants a list [ … ], each a text" },
        { "sites = { catalogs = [ \"\" ]; };", ERROR_INVALID,
          "2: plugin.sites.catalogs: found \"\", wants a list [ … ], each a file's name" },
        { "sites = { page = [ ]; };", ERROR_INVALID,
          "2: plugin.sites.page: found a list of 0, wants a file's name" },
        { "sites = { token = 5; };", ERROR_INVALID,
          "2: plugin.sites.token: found what is not repeated here, wants the name of a file that "
          "holds the secret" },
        { "sites = { limit = \"x\"; };", ERROR_INVALID,
          "2: plugin.sites.limit: found \"x\", wants a size such as \"64MiB\"" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct conf *conf = NULL;
        struct error_text why = { "" };
        char said[1024];
        (void)snprintf(said, sizeof said, "%s/x.conf:%s", tmpdir_path(dir), cases[i].said);
        int error = read_with(&sites, cases[i].text, &conf, &why);
        if (error != cases[i].error || strcmp(why.text, said) != 0) {
            fail_msg("case %zu\n  said   %s: %s\n  wanted %s", i, error_name(error), why.text,
                     said);
        }
        assert_null(conf);
    }
}

static void
files_and_secrets_must_be_there(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int error;
        const char *said;
    } cases[] = {
        { "sites = { page = \"gone\"; };", ERROR_NOT_FOUND,
          "plugin.sites.page: %s/gone: no such file" },
        { "sites = { catalogs = [ \"page.html\", \"gone\" ]; };", ERROR_NOT_FOUND,
          "plugin.sites.catalogs: %s/gone: no such file" },
        { "sites = { token = \"gone\"; };", ERROR_NOT_FOUND,
          "plugin.sites.token: the file that it names, in $CREDENTIALS_DIRECTORY or %s, is not "
          "there" },
        { "sites = { token = \"two.lines\"; };", ERROR_INVALID,
          "plugin.sites.token: the file that it names, in $CREDENTIALS_DIRECTORY or %s, is not one "
          "line of printable ASCII" },
        { "sites = { token = \".\"; };", ERROR_IO,
          "plugin.sites.token: the file that it names, in $CREDENTIALS_DIRECTORY or %s, not a "
          "regular file" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct conf *conf = NULL;
        struct error_text why = { "" };
        char rest[512];
        char said[1024];
        (void)snprintf(said, sizeof said, "%s/x.conf:2: ", tmpdir_path(dir));
        const char *hole = strstr(cases[i].said, "%s");
        (void)snprintf(rest, sizeof rest, "%.*s%s%s", (int)(hole - cases[i].said), cases[i].said,
                       tmpdir_path(dir), hole + 2);
        strcat(said, rest);
        int error = read_with(&sites, cases[i].text, &conf, &why);
        if (error != cases[i].error || strcmp(why.text, said) != 0) {
            fail_msg("case %zu\n  said   %s: %s\n  wanted %s", i, error_name(error), why.text,
                     said);
        }
    }
}

/* A plugin that is off must not keep the daemon from starting for want of its token. */
static void
a_disabled_plugin_needs_no_files(void **state)
{
    (void)state;
    struct conf *conf = NULL;
    const struct conf_plugin *plugin = read_good(
        &sites, "sites = { enabled = false; token = \"gone\"; page = \"gone\"; };", &conf);
    assert_false(plugin->enabled);
    assert_int_equal(conf_own(plugin, "token")->count, 0);
    conf_free(&conf);
}

static void
an_empty_name_unsets_a_file(void **state)
{
    (void)state;
    struct conf *conf = NULL;
    const struct conf_plugin *plugin =
        read_good(&sites, "sites = { page = \"\"; token = \"\"; };", &conf);
    assert_true(conf_own(plugin, "page")->is_set);
    assert_int_equal(conf_own(plugin, "page")->count, 0);
    assert_int_equal(conf_own(plugin, "token")->count, 0);
    conf_free(&conf);
}

static void
a_mistaken_fallback_names_its_plugin(void **state)
{
    (void)state;
    static const struct {
        struct conf_option option;
        const char *said;
    } cases[] = {
        { { .key = "k", .type = CONF_INT, .fallback = "ten" },
          "the fallback of plugin.odd.k: found \"ten\", wants an integer" },
        { { .key = "k", .type = CONF_INT, .fallback = "0", .min = 1, .max = 2 },
          "the fallback of plugin.odd.k: found 0, wants an integer from 1 to 2" },
        { { .key = "k", .type = CONF_DURATION, .fallback = "5" },
          "the fallback of plugin.odd.k: found 5, wants a duration such as \"10s\" or \"500ms\"" },
        { { .key = "k", .type = CONF_LIST, .fallback = "a" },
          "the fallback of plugin.odd.k: found \"a\", wants a list [ … ], each a text" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct conf *conf = NULL;
        struct error_text why = { "" };
        const struct conf_schema odd = { "odd", &cases[i].option, 1 };
        assert_int_not_equal(read_with(&odd, "", &conf, &why), ERROR_OK);
        assert_string_equal(why.text, cases[i].said);
    }
}

/* A STRING's fallback is what stands there, whatever else it might read as. */
static void
text_fallbacks_are_taken_as_typed(void **state)
{
    (void)state;
    static const char *const texts[] = { "true", "5", "1.50", "0x1F", "a b", "a;b=1", "#x", "" };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct conf *conf = NULL;
        const struct conf_option option = { .key = "k", .type = CONF_STRING, .fallback = texts[i] };
        const struct conf_schema schema = { "p", &option, 1 };
        const struct conf_plugin *plugin = read_good(&schema, "", &conf);
        assert_string_equal(conf_own(plugin, "k")->texts[0], texts[i]);
        conf_free(&conf);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plugin_without_a_section_has_its_fallbacks),
        cmocka_unit_test(a_section_says_otherwise),
        cmocka_unit_test(mistakes_in_sections_are_told),
        cmocka_unit_test(files_and_secrets_must_be_there),
        cmocka_unit_test(a_disabled_plugin_needs_no_files),
        cmocka_unit_test(an_empty_name_unsets_a_file),
        cmocka_unit_test(a_mistaken_fallback_names_its_plugin),
        cmocka_unit_test(text_fallbacks_are_taken_as_typed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
