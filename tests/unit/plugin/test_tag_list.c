/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Tags: each once, all found, and a list that is full says that it is. */
#include "daemon/plugin/tag_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void
each_is_kept_once(void **state)
{
    (void)state;
    static const char *const first[] = { "music", "coding", NULL };
    static const char *const second[] = { "coding", "adult", "zebra", NULL };
    static const char *const none[] = { NULL };
    struct tag_list list = { 0 };
    assert_false(tag_list_has(&list, "music"));
    assert_int_equal(tag_list_add(&list, first), ERROR_OK);
    assert_int_equal(tag_list_add(&list, second), ERROR_OK);
    assert_int_equal(tag_list_add(&list, none), ERROR_OK);
    assert_int_equal(list.count, 4);
    assert_string_equal(list.tags[0], "adult");
    assert_string_equal(list.tags[3], "zebra");
    assert_true(tag_list_has(&list, "music"));
    assert_true(tag_list_has(&list, "zebra"));
    assert_false(tag_list_has(&list, "zeb"));
    assert_false(tag_list_has(&list, ""));
    assert_false(list.is_cut);
    tag_list_fini(&list);
    assert_int_equal(list.count, 0);
}

static void
a_full_one_says_so(void **state)
{
    (void)state;
    static char texts[TAG_LIST_MAX + 1][8];
    struct tag_list list = { 0 };
    for (size_t i = 0; i <= TAG_LIST_MAX; i++) {
        (void)snprintf(texts[i], sizeof(texts[i]), "t%zu", i);
        const char *const tags[] = { texts[i], NULL };
        assert_false(list.is_cut);
        assert_int_equal(tag_list_add(&list, tags), ERROR_OK);
    }
    assert_true(list.is_cut);
    assert_int_equal(list.count, TAG_LIST_MAX);
    assert_true(tag_list_has(&list, texts[TAG_LIST_MAX - 1]));
    assert_false(tag_list_has(&list, texts[TAG_LIST_MAX]));
    tag_list_fini(&list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_kept_once),
        cmocka_unit_test(a_full_one_says_so),
    };
    return cmocka_run_group_tests_name("tag_list", tests, NULL, NULL);
}
