/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Descriptors judged in memory: what is copied, what an older layout reads as, what is never read.
 * Each refusal's sentence is asserted on real files, in tests/plugin/test_refusals.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/plugin/manifest.h"

static rollcall_step
step(rollcall_check *check, const rollcall_reply *reply)
{
    (void)check;
    (void)reply;
    return ROLLCALL_STEP_FAILED;
}

static int32_t
enumerate(rollcall_check *check)
{
    (void)check;
    return 0;
}

static const char *const tags[] = { "coding", "adult", NULL };
static const char *const known[] = { "alice", "bob", NULL };
static const rollcall_platform platform = { .id = "example.org",
                                            .title = "Beispiel \xc3\xbc",
                                            .home = "https://example.org/",
                                            .tags = tags,
                                            .accounts = 77 };
static const rollcall_platform bare = { .id = "0", .title = "Zero", .home = "https://0.example/" };
static const rollcall_name_rule rule = { .min_chars = 2,
                                         .max_chars = 9,
                                         .chars = "a-z_",
                                         .source = "https://example.org/names",
                                         .all_names = 1 };

static rollcall_checker
http_checker(void)
{
    return (rollcall_checker){ .platform = &platform,
                               .kind = ROLLCALL_USERNAME,
                               .method = ROLLCALL_SIGNUP,
                               .evidence = ROLLCALL_INFERRED,
                               .flags = ROLLCALL_CASELESS | ROLLCALL_CODES_ARE_MARKS,
                               .base_url = "https://example.org/api",
                               .rate_count = 1,
                               .rate_seconds = 2,
                               .concurrency = 3,
                               .body_max = 4096,
                               .name_rule = &rule,
                               .known = known,
                               .absent = "zz????????",
                               .step = step };
}

static rollcall_checker
blocking_checker(void)
{
    return (rollcall_checker){ .platform = &bare,
                               .kind = ROLLCALL_EMAIL,
                               .method = ROLLCALL_DOCUMENTED,
                               .evidence = ROLLCALL_EXACT,
                               .flags = ROLLCALL_NEEDS_NETWORK,
                               .rate_count = 1,
                               .rate_seconds = 1,
                               .concurrency = 1,
                               .block = step };
}

static struct manifest *
accept(const rollcall_plugin *plugin)
{
    struct manifest *manifest = NULL;
    struct error_text why = { "" };
    if (manifest_judge(plugin, &manifest, &why) != ERROR_OK) {
        fail_msg("%s", why.text);
    }
    return manifest;
}

static void
refuse(const rollcall_plugin *plugin, int error, const char *sentence)
{
    struct manifest *manifest = NULL;
    struct error_text why = { "" };
    int found = manifest_judge(plugin, &manifest, &why);
    assert_string_equal(why.text, sentence);
    assert_int_equal(found, error);
    assert_null(manifest);
}

static void
test_all_is_copied(void **state)
{
    (void)state;
    const rollcall_checker checkers[] = { http_checker(), blocking_checker() };
    const rollcall_option options[] = {
        { .key = "limit", .type = ROLLCALL_INT, .fallback = "5", .sentence = "Most.", .max = 9 },
        { .key = "wait", .type = ROLLCALL_DURATION, .fallback = "10s", .sentence = "Span." },
        { .key = "pace", .type = ROLLCALL_RATE, .fallback = "10/min", .sentence = "Rate." },
        { .key = "deep", .type = ROLLCALL_BOOL, .fallback = "true", .sentence = "Deep." },
        { .key = "token", .type = ROLLCALL_SECRET, .sentence = "Token." },
    };
    const rollcall_shared shared[] = {
        { .name = "guest", .lifetime_s = 60, .step = step, .base_url = "http://example.org:81/x" },
    };
    const rollcall_plugin plugin = { .head = ROLLCALL_PLUGIN_HEAD,
                                     .name = "example",
                                     .version = "1.2",
                                     ROLLCALL_CHECKERS(checkers),
                                     ROLLCALL_OPTIONS(options),
                                     ROLLCALL_SHARED(shared) };
    struct manifest *manifest = accept(&plugin);
    assert_string_equal(manifest->name, "example");
    assert_ptr_not_equal(manifest->name, plugin.name);
    assert_string_equal(manifest->version, "1.2");
    assert_false(manifest->enumerates);
    assert_int_equal(manifest->checker_count, 2);
    const struct manifest_checker *http = &manifest->checkers[0];
    assert_string_equal(http->platform.id, "example.org");
    assert_string_equal(http->platform.title, "Beispiel \xc3\xbc");
    assert_string_equal(http->platform.home, "https://example.org/");
    assert_string_equal(http->platform.tags[0], "coding");
    assert_null(http->platform.tags[2]);
    assert_true(http->platform.adult);
    assert_int_equal(http->platform.accounts, 77);
    assert_int_equal(http->kind, ROLLCALL_USERNAME);
    assert_int_equal(http->method, ROLLCALL_SIGNUP);
    assert_int_equal(http->evidence, ROLLCALL_INFERRED);
    assert_int_equal(http->flags, ROLLCALL_CASELESS | ROLLCALL_CODES_ARE_MARKS);
    assert_string_equal(http->base_url, "https://example.org/api");
    assert_int_equal(http->rate_count, 1);
    assert_int_equal(http->rate_seconds, 2);
    assert_int_equal(http->concurrency, 3);
    assert_int_equal(http->body_max, 4096);
    assert_int_equal(http->name_rule->min_chars, 2);
    assert_int_equal(http->name_rule->max_chars, 9);
    assert_string_equal(http->name_rule->chars, "a-z_");
    assert_string_equal(http->name_rule->source, "https://example.org/names");
    assert_true(http->name_rule->all_names);
    assert_string_equal(http->known[1], "bob");
    assert_null(http->known[2]);
    assert_string_equal(http->absent, "zz????????");
    assert_false(http->blocking);
    assert_false(http->enumerated);
    assert_int_equal(http->index, 0);
    const struct manifest_checker *blocking = &manifest->checkers[1];
    assert_true(blocking->blocking);
    assert_null(blocking->base_url);
    assert_null(blocking->name_rule);
    assert_null(blocking->platform.tags[0]);
    assert_false(blocking->platform.adult);
    assert_null(blocking->known[0]);
    assert_int_equal(blocking->body_max, ROLLCALL_BODY_DEFAULT);
    assert_int_equal(blocking->index, 1);
    assert_int_equal(manifest->option_count, 5);
    assert_string_equal(manifest->options[1].fallback, "10s");
    assert_int_equal(manifest->options[0].max, 9);
    assert_int_equal(manifest->shared_count, 1);
    assert_string_equal(manifest->shared[0].base_url, "http://example.org:81/x");
    assert_int_equal(manifest->shared[0].lifetime_s, 60);
    manifest_free(&manifest);
    assert_null(manifest);
    manifest_free(&manifest);
}

/* The head stands at the very end of readable memory: reading one byte more is a fault. */
static void
test_reads_no_further_than_the_head(void **state)
{
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    assert_int_equal(mprotect(memory + page, page, PROT_NONE), 0);
    rollcall_head *head = (rollcall_head *)(void *)(memory + page - sizeof(rollcall_head));
    static const struct {
        rollcall_head head;
        int error;
    } table[] = {
        { { 0, 1, 0, 128, 0 }, ERROR_INVALID },
        { { ROLLCALL_MAGIC, 2, 0, 128, 0 }, ERROR_UNSUPPORTED },
        { { ROLLCALL_MAGIC, 1, ROLLCALL_ABI_MINOR + 1, 128, 0 }, ERROR_UNSUPPORTED },
        { { ROLLCALL_MAGIC, 1, 0, UINT32_MAX, 0 }, ERROR_TOO_BIG },
        { { ROLLCALL_MAGIC, 1, 0, 129, 0 }, ERROR_TOO_BIG },
        { { ROLLCALL_MAGIC, 1, 0, 128, 1 }, ERROR_INVALID },
        { { ROLLCALL_MAGIC, 1, 0, 0, 0 }, ERROR_INVALID },
        { { ROLLCALL_MAGIC, 1, 0, 127, 0 }, ERROR_INVALID },
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct manifest *manifest = NULL;
        *head = table[i].head;
        int error = manifest_judge(head, &manifest, NULL);
        if (error != table[i].error || manifest != NULL) {
            fail_msg("head %zu: %d, wants %d", i, error, table[i].error);
        }
    }
    assert_int_equal(munmap(memory, 2 * page), 0);
}

/* The first refusal is the one that is told, although nearly everything is wrong. */
static void
test_first_refusal_counts(void **state)
{
    (void)state;
    rollcall_checker checker = { .kind = 9 };
    rollcall_plugin plugin = { .head = ROLLCALL_PLUGIN_HEAD,
                               .capabilities = 1,
                               .checkers = &checker,
                               .checker_count = 1,
                               .checker_size = sizeof(checker),
                               .option_count = 1 };
    refuse(&plugin, ERROR_INVALID, "name is not set, wants a text");
    plugin.name = "example";
    refuse(&plugin, ERROR_INVALID, "version is not set, wants a text");
    plugin.version = "1";
    refuse(&plugin, ERROR_UNSUPPORTED, "capabilities is 0x1, this daemon knows none of these bits");
    plugin.capabilities = 0;
    refuse(&plugin, ERROR_INVALID, "checkers[0].platform is not set");
    checker.platform = &platform;
    refuse(&plugin, ERROR_INVALID,
           "checkers[0].kind is 9, wants ROLLCALL_EMAIL (1) or ROLLCALL_USERNAME (2)");
    checker = http_checker();
    refuse(&plugin, ERROR_INVALID, "options is NULL with a count of 1");
}

/* A refusal never shows bytes that are not a text. */
static void
test_sentence_is_clean(void **state)
{
    (void)state;
    char name[200];
    memset(name, 'n', sizeof(name));
    /* 79 bytes, then a character of two: the place where a long name is cut */
    memcpy(name + 79, "\xc3\xbc", 2);
    name[sizeof(name) - 1] = '\0';
    const rollcall_checker checkers[] = { http_checker() };
    const rollcall_plugin plugin = {
        .head = ROLLCALL_PLUGIN_HEAD, .name = name, .version = "1", ROLLCALL_CHECKERS(checkers)
    };
    struct manifest *manifest = NULL;
    struct error_text why = { "" };
    assert_int_equal(manifest_judge(&plugin, &manifest, &why), ERROR_INVALID);
    assert_null(strchr(why.text, '\xc3'));
    assert_non_null(strstr(why.text, "nnn?\", wants [a-z]"));
}

static void
test_yielded_checker(void **state)
{
    (void)state;
    struct arena *arena = arena_new((size_t)64 * 1024);
    struct manifest_checker out;
    struct error_text why = { "" };
    rollcall_checker checker = http_checker();
    assert_int_equal(manifest_judge_checker(&checker, sizeof(checker), arena, &out, &why),
                     ERROR_INVALID);
    assert_string_equal(why.text,
                        "step or block is set; a yielded checker is served by enumerated_step");
    checker.step = NULL;
    checker.source = "wmn-data";
    assert_int_equal(manifest_judge_checker(&checker, sizeof(checker), arena, &out, &why), 0);
    assert_true(out.enumerated);
    assert_false(out.blocking);
    assert_string_equal(out.source, "wmn-data");
    assert_int_equal(manifest_judge_checker(&checker, 8, arena, &out, &why), ERROR_INVALID);
    assert_string_equal(why.text, "checker_size is 8, wants 96 to 96");
    assert_int_equal(manifest_judge_checker(NULL, sizeof(checker), arena, &out, &why),
                     ERROR_INVALID);
    arena_free(&arena);
    arena = arena_new(64);
    assert_int_equal(manifest_judge_checker(&checker, sizeof(checker), arena, &out, &why),
                     ERROR_NOMEM);
    arena_free(&arena);
}

static void
test_enumerate_alone_is_enough(void **state)
{
    (void)state;
    const rollcall_plugin plugin = { .head = ROLLCALL_PLUGIN_HEAD,
                                     .name = "sites",
                                     .version = "1",
                                     .enumerate = enumerate,
                                     .enumerated_step = step };
    struct manifest *manifest = accept(&plugin);
    assert_true(manifest->enumerates);
    assert_int_equal(manifest->checker_count, 0);
    manifest_free(&manifest);
}

static void
test_base_urls(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool fits;
    } table[] = {
        { "https://a", true },
        { "http://127.0.0.1:80/x/y", true },
        { "https://[::1]:8080", true },
        { "", false },
        { "https://", false },
        { "https:///x", false },
        { "https://a/", false },
        { "HTTPS://a", false },
        { "//a", false },
        { "https://a b", false },
        { "https://u@a", false },
        { "https://a?b", false },
        { "https://a#b", false },
        { "https://{subject}.a", false },
        { "https://a\\b", false },
        { "https://\xc3\xbc.example", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (manifest_is_base_url(table[i].text) != table[i].fits) {
            fail_msg("%zu: %s", i, table[i].text);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_is_copied),
        cmocka_unit_test(test_reads_no_further_than_the_head),
        cmocka_unit_test(test_first_refusal_counts),
        cmocka_unit_test(test_sentence_is_clean),
        cmocka_unit_test(test_yielded_checker),
        cmocka_unit_test(test_enumerate_alone_is_enough),
        cmocka_unit_test(test_base_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
