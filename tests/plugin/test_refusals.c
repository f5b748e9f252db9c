/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Every refusal of a plugin, with its very sentence, as an author sees it: check-plugin is run on
 * each broken file, says one sentence, and ends with 1. The table and the folder of broken plugins
 * must agree, so a new refusal without a sentence here does not pass. */
#include <dirent.h>
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

#include "daemon/base/attr.h"
#include "tests/support/child.h"
#include "tests/support/common.h"
#include "tests/support/tmpdir.h"

#define DAEMON TEST_BUILD_DIR "/bin/rollcalld"
#define BROKEN TEST_BUILD_DIR "/tests/broken"
#define FIXTURES TEST_BUILD_DIR "/tests/plugins"

#define BASE_URL_WANTED                                                                            \
    "wants http:// or https://, a host and perhaps a path, without a slash at the end"

/* Behind "<name>.so: ". */
static const struct {
    const char *name;
    const char *sentence;
} refusals[] = {
    { "magic", "is no plugin: its magic is 0x00000001, wants 0x4c4c4352" },
    { "major", "wants ABI 9.0, this daemon has 1.1; rebuild the plugin" },
    { "major_older", "wants ABI 0.0, this daemon has 1.1; rebuild the plugin" },
    { "minor", "wants ABI 1.9, this daemon has 1.1; rebuild the plugin" },
    { "head_large", "head.size is 4096, this daemon knows descriptors of at most 128 bytes; "
                    "rebuild the plugin" },
    { "head_small", "head.size is 64, wants at least 128" },
    { "head_reserved", "head.reserved is 7, wants 0" },
    { "order_magic", "is no plugin: its magic is 0x00000001, wants 0x4c4c4352" },
    { "order_major", "wants ABI 9.0, this daemon has 1.1; rebuild the plugin" },
    { "order_size", "head.size is 4096, this daemon knows descriptors of at most 128 bytes; "
                    "rebuild the plugin" },

    { "name_missing", "name is not set, wants a text" },
    { "name_form", "name is \"Bad Name\", wants [a-z][a-z0-9_-]*, at most 32 bytes" },
    { "name_long", "name is \"abcdefghijklmnopqrstuvwxyz-0123456789\", wants [a-z][a-z0-9_-]*, at "
                   "most 32 bytes" },
    { "version_missing", "version is not set, wants a text" },
    { "version_control", "version has a control character" },
    { "version_utf8", "version is not UTF-8" },
    { "version_long", "version is longer than 1024 bytes" },
    { "capabilities", "capabilities is 0x4, this daemon knows none of these bits" },
    { "nothing", "checkers are none, wants one or enumerate" },
    { "checkers_null", "checkers is NULL with a count of 1" },
    { "checkers_many", "checkers are 5000, wants at most 4096" },
    { "checkers_stride_small", "checkers have a stride of 8 bytes, wants 96 to 96" },
    { "checkers_stride_large", "checkers have a stride of 4096 bytes, wants 96 to 96" },
    { "enumerate_alone", "enumerated_step is not set, enumerate needs it" },
    { "enumerated_step_alone", "enumerated_step is set without enumerate" },

    { "platform_missing", "checkers[0].platform is not set" },
    { "platform_id", "checkers[0].platform.id is \"-example\", wants [a-z0-9][a-z0-9._-]*, at most "
                     "64 bytes" },
    { "title_missing", "checkers[0].platform.title is not set, wants a text" },
    { "home_missing", "checkers[0].platform.home is not set, wants a text" },
    { "tag_form", "checkers[0].platform.tags[0] is \"Coding\", wants [a-z0-9][a-z0-9._-]*, at most "
                  "64 bytes" },
    { "tags_many", "checkers[0].platform.tags has more than 32 entries" },
    { "kind", "checkers[0].kind is 3, wants ROLLCALL_EMAIL (1) or ROLLCALL_USERNAME (2)" },
    { "method", "checkers[0].method is 0, wants ROLLCALL_DOCUMENTED (1), ROLLCALL_SIGNUP (2) or "
                "ROLLCALL_RECOVERY (3)" },
    { "evidence", "checkers[0].evidence is 5, wants ROLLCALL_EXACT (1), ROLLCALL_PUBLIC (2), "
                  "ROLLCALL_INFERRED (3) or ROLLCALL_SIMILAR (4)" },
    { "flags", "checkers[0].flags is 0x100, this daemon knows only the bits 0x1f" },
    { "flags_network",
      "checkers[0].flags has ROLLCALL_NEEDS_NETWORK, which is for blocking checkers" },
    { "flags_unguarded",
      "checkers[0].flags has ROLLCALL_UNGUARDED, which is for checkers from data" },
    { "flags_domain",
      "checkers[0].flags has ROLLCALL_DOMAIN_HOST, which is for the kind ROLLCALL_EMAIL" },
    { "base_url_missing", "checkers[0].base_url is not set, wants a text" },
    { "base_url_scheme", "checkers[0].base_url is \"ftp://example.org\", " BASE_URL_WANTED },
    { "base_url_slash", "checkers[0].base_url is \"https://example.org/\", " BASE_URL_WANTED },
    { "base_url_block", "checkers[0].base_url is set, a blocking checker has none" },
    { "rate_count", "checkers[0].rate_count is 0, wants more" },
    { "rate_seconds", "checkers[0].rate_seconds is 0, wants more" },
    { "concurrency", "checkers[0].concurrency is 0, wants more" },
    { "body_max", "checkers[0].body_max is 1048577, wants at most 1048576 bytes" },
    { "rule_source", "checkers[0].name_rule.source is not set, wants a text" },
    { "rule_bounds", "checkers[0].name_rule.min_chars is 40, more than max_chars 39" },
    { "rule_long", "checkers[0].name_rule.max_chars is 5000 (min_chars 1), wants at most 1024" },
    { "rule_chars", "checkers[0].name_rule.chars is \"z-a\", wants characters and rising ranges "
                    "such as \"A-Za-z0-9_-\"" },
    { "rule_all_names", "checkers[0].name_rule.all_names is 2, wants 0 or 1" },
    { "known_empty", "checkers[0].known[0] is not set, wants a text" },
    { "known_many", "checkers[0].known has more than 32 entries" },
    { "absent", "checkers[0].absent is \"zz-???\" with 3 times '?', wants at least 8" },
    { "functions_none", "checkers[0].step and block are not set, wants one of them" },
    { "functions_both", "checkers[0].step and block are both set, wants one of them" },
    { "source", "checkers[0].source is set, which is for rollcall_yield()" },
    { "twins", "checkers[1].platform and kind are example and username again, as of checkers[0]" },

    { "options_null", "options is NULL with a count of 1" },
    { "options_many", "options are 65, wants at most 64" },
    { "options_stride", "options have a stride of 8 bytes, wants 48 to 48" },
    { "option_key", "options[0].key is \"Limit\", wants [a-z][a-z0-9_]*, at most 64 bytes" },
    { "option_reserved", "options[0].key is \"rate\", which every plugin has already" },
    { "option_twins", "options[1].key is \"limit\" again, as of options[0]" },
    { "option_type", "options[0].type is 10, wants ROLLCALL_STRING (1) to ROLLCALL_SECRET (9)" },
    { "option_sentence", "options[0].sentence is not set, wants a text" },
    { "option_bounds", "options[0].min is 2, more than max 1" },
    { "option_bounds_type", "options[0].min and max are for ROLLCALL_INT and ROLLCALL_DURATION" },
    { "fallback_int", "options[0].fallback is \"many\", which is not of its type" },
    { "fallback_range", "options[0].fallback is \"7\", which is not of its type" },
    { "fallback_duration", "options[0].fallback is \"10 apples\", which is not of its type" },
    { "fallback_rate", "options[0].fallback is \"10\", which is not of its type" },
    { "fallback_bool", "options[0].fallback is \"yes\", which is not of its type" },

    { "shared_null", "shared is NULL with a count of 1" },
    { "shared_many", "shared are 17, wants at most 16" },
    { "shared_stride", "shared have a stride of 8 bytes, wants 32 to 32" },
    { "shared_name", "shared[0].name is \"guest token\", wants [a-z][a-z0-9_]*, at most 64 bytes" },
    { "shared_lifetime", "shared[0].lifetime_s is 0, wants more" },
    { "shared_step", "shared[0].step is not set" },
    { "shared_base_url", "shared[0].base_url is not set, wants a text" },
    { "shared_twins", "shared[1].name is \"guest\" again, as of shared[0]" },

    { "entry_missing", "exports no rollcall_plugin_entry; is ROLLCALL_EXPORT missing?" },
    { "entry_function", "rollcall_plugin_entry is not data" },
    { "entry_short", "rollcall_plugin_entry is 8 bytes, wants 128" },
    { "entry_half", "rollcall_plugin_entry is 32 bytes, its head.size says 128" },
    { "undefined_symbol", "uses nobody_defines_this, which nobody defines; link with -Wl,-z,defs" },
    { "missing_library", "needs librollcall_test_helper.so, which cannot be opened" },
};

/* check-plugin on a file: its status, and what it wrote. */
static int
check(const char *path, char **out_stdout, char **out_stderr)
{
    const char *const argv[] = { DAEMON, "check-plugin", path, NULL };
    const struct child_options options = { .argv = argv };
    return child_run(&options, out_stdout, out_stderr);
}

static void
assert_refused(const char *path, const char *sentence)
{
    char *out = NULL;
    char *err = NULL;
    int status = check(path, &out, &err);
    char *wanted = support_text("%s\n", sentence);
    if (status != 1 || strcmp(out, "") != 0 || strcmp(err, wanted) != 0) {
        fail_msg("%s: status %d, said \"%s%s\", wants \"%s\"", path, status, out, err, wanted);
    }
    free(wanted);
    free(out);
    free(err);
}

static void
test_each_broken_plugin(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        char *path = support_text(BROKEN "/%s.so", refusals[i].name);
        char *sentence = support_text("%s.so: %s", refusals[i].name, refusals[i].sentence);
        assert_refused(path, sentence);
        free(sentence);
        free(path);
    }
}

static void
test_table_is_whole(void **state)
{
    (void)state;
    DIR *folder = opendir(BROKEN);
    assert_non_null(folder);
    size_t files = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        files += strstr(entry->d_name, ".so") != NULL;
    }
    (void)closedir(folder);
    assert_int_equal(files, ARRAY_LEN(refusals) + 1); /* and correct.so */
}

static void
test_correct_plugin(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *line;
    } table[] = {
        { BROKEN "/correct.so", "accepted: correct.so (broken 1.0): example/username\n" },
        { FIXTURES "/steps.so", "accepted: steps.so (steps 1.0): steps/username\n" },
        { FIXTURES "/sites.so", "accepted: sites.so (sites 1.0): checkers from data\n" },
        { FIXTURES "/block.so", "accepted: block.so (block 1.0): block/username\n" },
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        char *out = NULL;
        char *err = NULL;
        int status = check(table[i].path, &out, &err);
        if (status != 0 || strcmp(out, table[i].line) != 0 || strcmp(err, "") != 0) {
            fail_msg("%s: status %d, said \"%s%s\"", table[i].path, status, out, err);
        }
        free(out);
        free(err);
    }
}

/* ---- Files that are no plugins ------------------------------------------------------- */

static char *
copy_correct(const struct tmpdir *dir, const char *name, size_t bytes, mode_t mode)
{
    size_t len = 0;
    char *content = support_read_file(BROKEN "/correct.so", &len);
    char *path = tmpdir_join(dir, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    size_t part = bytes < len ? bytes : len;
    assert_int_equal(fwrite(content, 1, part, file), part);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
    free(content);
    return path;
}

static void
test_files(void **state)
{
    (void)state;
    struct tmpdir *dir = tmpdir_new();
    char *empty = tmpdir_write(dir, "empty.so", "");
    assert_refused(empty, "empty.so: is no shared object: file too short");
    char *text =
        tmpdir_write(dir, "text.so",
                     "This is a text of more than sixty-four bytes, so that a linker reads "
                     "a whole header of it and finds that it is none.\n");
    assert_refused(text, "text.so: is no shared object: invalid ELF header");
    char *short_elf = copy_correct(dir, "short.so", 40, 0600);
    assert_refused(short_elf, "short.so: is no shared object: file too short");
    char *world = copy_correct(dir, "world.so", SIZE_MAX, 0602);
    assert_refused(world, "world.so: has mode 0602, wants one that only its owner may write to");
    char *group = copy_correct(dir, "group.so", SIZE_MAX, 0660);
    assert_refused(group, "group.so: has mode 0660, wants one that only its owner may write to");
    char *fifo = tmpdir_join(dir, "fifo.so");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_refused(fifo, "fifo.so: is no regular file");
    char *nothing = tmpdir_join(dir, "nothing.so");
    assert_refused(nothing, "nothing.so: cannot be read: No such file or directory");
    char *folder = support_text("%s", tmpdir_path(dir));
    char *sentence = support_text("%s: is no regular file", strrchr(folder, '/') + 1);
    assert_refused(folder, sentence);
    free(sentence);
    free(folder);
    free(nothing);
    free(fifo);
    free(group);
    free(world);
    free(short_elf);
    free(text);
    free(empty);
    tmpdir_free(&dir);
}

/* A file that ends before what its own head promises: at a page or anywhere. */
static void
test_truncated_elf(void **state)
{
    (void)state;
    struct tmpdir *dir = tmpdir_new();
    static const size_t lengths[] = { 64, 200, 896, 4096, 8191, 8192 };
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        char *path = copy_correct(dir, "cut.so", lengths[i], 0600);
        assert_refused(path, "cut.so: is no shared object: the file is shorter than its head says");
        free(path);
    }
    tmpdir_free(&dir);
}

static void
test_foreign_owner(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip(); /* only root can give a file away */
    }
    struct tmpdir *dir = tmpdir_new();
    char *path = copy_correct(dir, "foreign.so", SIZE_MAX, 0644);
    assert_int_equal(chown(path, 12345, 12345), 0);
    assert_refused(path, "foreign.so: is owned by user 12345, wants root or the user that runs "
                         "this");
    free(path);
    tmpdir_free(&dir);
}

static void
test_usage(void **state)
{
    (void)state;
    const char *const argv[] = { DAEMON, "check-plugin", NULL };
    const struct child_options options = { .argv = argv };
    char *err = NULL;
    assert_int_equal(child_run(&options, NULL, &err), 64);
    assert_string_equal(err, "usage: rollcalld check-plugin FILE.so\n");
    free(err);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_broken_plugin),
        cmocka_unit_test(test_table_is_whole),
        cmocka_unit_test(test_correct_plugin),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_truncated_elf),
        cmocka_unit_test(test_foreign_owner),
        cmocka_unit_test(test_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
