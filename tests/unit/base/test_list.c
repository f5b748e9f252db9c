/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The intrusive list: order, emptiness, removal while walking. */
#include "daemon/base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
    int number;
    struct list node;
};

static int
number_of(struct list *node)
{
    return LIST_ENTRY(node, struct item, node)->number;
}

/* Digits in order: 1, 2, 3 give 123. */
static int
digits(struct list *list)
{
    int all = 0;
    LIST_FOR_EACH (node, list) {
        all = all * 10 + number_of(node);
    }
    return all;
}

static void
pushes_and_pops_in_order(void **state)
{
    (void)state;
    struct list list;
    struct item items[] = { { .number = 1 }, { .number = 2 }, { .number = 3 } };
    list_init(&list);
    assert_true(list_is_empty(&list));
    assert_null(list_pop_front(&list));
    list_push_back(&list, &items[1].node);
    list_push_back(&list, &items[2].node);
    list_push_front(&list, &items[0].node);
    assert_int_equal(digits(&list), 123);
    struct list *first = list_pop_front(&list);
    assert_ptr_equal(first, &items[0].node);
    assert_false(list_is_linked(first));
    assert_int_equal(digits(&list), 23);
}

static void
removes_twice_and_while_walking(void **state)
{
    (void)state;
    struct list list;
    struct item items[4] = { { .number = 1 }, { .number = 2 }, { .number = 3 }, { .number = 4 } };
    list_init(&list);
    for (size_t i = 0; i < 4; i++) {
        list_push_back(&list, &items[i].node);
    }
    LIST_FOR_EACH (node, &list) {
        if (number_of(node) % 2 == 0) {
            list_remove(node);
        }
    }
    assert_int_equal(digits(&list), 13);
    list_remove(&items[1].node);
    assert_int_equal(digits(&list), 13);
    assert_true(list_is_linked(&items[0].node));
    assert_false(list_is_linked(&items[1].node));
}

static void
appends_whole_lists(void **state)
{
    (void)state;
    struct list to;
    struct list from;
    struct item items[3] = { { .number = 1 }, { .number = 2 }, { .number = 3 } };
    list_init(&to);
    list_init(&from);
    list_append_all(&to, &from);
    assert_true(list_is_empty(&to));
    list_push_back(&to, &items[0].node);
    list_push_back(&from, &items[1].node);
    list_push_back(&from, &items[2].node);
    list_append_all(&to, &from);
    assert_int_equal(digits(&to), 123);
    assert_true(list_is_empty(&from));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pushes_and_pops_in_order),
        cmocka_unit_test(removes_twice_and_while_walking),
        cmocka_unit_test(appends_whole_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
