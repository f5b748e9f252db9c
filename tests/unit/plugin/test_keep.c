/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Copies of checkers from data: deep, complete, equal parts kept once, nothing lost when there are
 * many. */
#include "daemon/plugin/keep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/attr.h"

#define ARENA_BYTES ((size_t)8 * 1024 * 1024)
#define MANY 5000 /* the table grows on the way */

static const char *const tags[] = { "coding", "adult", NULL };
static const char *const none[] = { NULL };
static const struct manifest_name_rule rule = {
    .max_chars = 20, .chars = "a-z", .source = "https://example.org/names", .all_names = true
};

static struct manifest_checker
checker(const char *id)
{
    return (struct manifest_checker){
        .platform = { .id = id,
                      .title = "Example",
                      .home = "https://example.org/",
                      .tags = tags,
                      .adult = true },
        .kind = ROLLCALL_USERNAME,
        .method = ROLLCALL_DOCUMENTED,
        .evidence = ROLLCALL_INFERRED,
        .base_url = "https://example.org",
        .rate_count = 1,
        .rate_seconds = 1,
        .concurrency = 1,
        .body_max = 1000,
        .name_rule = &rule,
        .known = none,
        .enumerated = true,
        .data = "data",
        .data_len = 4,
        .source = "wmn-data",
    };
}

static void
a_copy_is_deep(void **state)
{
    (void)state;
    char id[] = "example";
    char tag[] = "coding";
    const char *own_tags[] = { tag, NULL };
    struct manifest_checker from = checker(id);
    struct manifest_checker to;
    struct keep *keep = NULL;
    struct arena *arena = arena_new(ARENA_BYTES);
    from.platform.tags = own_tags;
    assert_int_equal(keep_new(arena, &keep), ERROR_OK);
    assert_int_equal(keep_checker(keep, &from, &to), ERROR_OK);
    memset(id, '?', sizeof(id) - 1);
    memset(tag, '?', sizeof(tag) - 1);
    keep_free(&keep);
    assert_null(keep);
    keep_free(&keep); /* accepts NULL */
    assert_string_equal(to.platform.id, "example");
    assert_string_equal(to.platform.title, "Example");
    assert_string_equal(to.platform.home, "https://example.org/");
    assert_string_equal(to.platform.tags[0], "coding");
    assert_null(to.platform.tags[1]);
    assert_true(to.platform.adult);
    assert_string_equal(to.base_url, "https://example.org");
    assert_int_equal(to.name_rule->max_chars, 20);
    assert_string_equal(to.name_rule->chars, "a-z");
    assert_string_equal(to.name_rule->source, "https://example.org/names");
    assert_true(to.name_rule->all_names);
    assert_null(to.known[0]);
    assert_null(to.absent);
    assert_memory_equal(to.data, "data", 4);
    assert_string_equal(to.source, "wmn-data");
    assert_int_equal(to.evidence, ROLLCALL_INFERRED);
    arena_free(&arena);
}

static void
equal_parts_are_kept_once(void **state)
{
    (void)state;
    const char *other_tags[] = { "coding", "adult", NULL };
    struct manifest_checker from[] = { checker("one"), checker("two") };
    struct manifest_checker to[ARRAY_LEN(from)];
    struct manifest_name_rule same = rule;
    struct keep *keep = NULL;
    struct arena *arena = arena_new(ARENA_BYTES);
    from[1].platform.tags = other_tags;
    from[1].name_rule = &same;
    assert_int_equal(keep_new(arena, &keep), ERROR_OK);
    for (size_t i = 0; i < ARRAY_LEN(from); i++) {
        assert_int_equal(keep_checker(keep, &from[i], &to[i]), ERROR_OK);
    }
    assert_ptr_equal(to[0].platform.tags, to[1].platform.tags);
    assert_ptr_equal(to[0].platform.home, to[1].platform.home);
    assert_ptr_equal(to[0].name_rule, to[1].name_rule);
    assert_ptr_equal(to[0].source, to[1].source);
    assert_ptr_not_equal(to[0].data, to[1].data);
    keep_free(&keep);
    arena_free(&arena);
}

static void
many_are_kept_apart(void **state)
{
    (void)state;
    static struct manifest_checker to[MANY];
    struct keep *keep = NULL;
    struct arena *arena = arena_new(ARENA_BYTES);
    char id[32];
    char title[32];
    assert_int_equal(keep_new(arena, &keep), ERROR_OK);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(id, sizeof(id), "site%d", i);
        (void)snprintf(title, sizeof(title), "Site %d", i);
        struct manifest_checker from = checker(id);
        from.platform.title = title;
        assert_int_equal(keep_checker(keep, &from, &to[i]), ERROR_OK);
    }
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(id, sizeof(id), "site%d", i);
        (void)snprintf(title, sizeof(title), "Site %d", i);
        assert_string_equal(to[i].platform.id, id);
        assert_string_equal(to[i].platform.title, title);
        assert_ptr_equal(to[i].platform.tags, to[0].platform.tags);
    }
    keep_free(&keep);
    arena_free(&arena);
}

static void
no_memory_is_said(void **state)
{
    (void)state;
    struct manifest_checker from = checker("example");
    struct manifest_checker to = checker("untouched");
    struct keep *keep = NULL;
    struct arena *small = arena_new(64);
    assert_int_equal(keep_new(small, &keep), ERROR_OK);
    assert_int_equal(keep_checker(keep, &from, &to), ERROR_NOMEM);
    assert_string_equal(to.platform.id, "untouched");
    keep_free(&keep);
    arena_free(&small);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_deep),
        cmocka_unit_test(equal_parts_are_kept_once),
        cmocka_unit_test(many_are_kept_apart),
        cmocka_unit_test(no_memory_is_said),
    };
    return cmocka_run_group_tests_name("keep", tests, NULL, NULL);
}
