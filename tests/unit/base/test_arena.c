/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Arenas: zeroed, aligned, apart from each other, bounded. */
#include "daemon/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdalign.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/attr.h"

static bool
is_zeroed(const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

static void
gives_zeroed_aligned_separate_bytes(void **state)
{
    (void)state;
    static const size_t sizes[] = { 1, 7, 16, 17, 1000, 0, 3, 5000, 100000, 64, 1 };
    unsigned char *blocks[ARRAY_LEN(sizes)];
    struct arena *arena = arena_new(1 << 20);
    assert_non_null(arena);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        blocks[i] = arena_alloc(arena, sizes[i]);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % alignof(max_align_t), 0);
        assert_true(is_zeroed(blocks[i], sizes[i]));
        memset(blocks[i], (int)i + 1, sizes[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        for (size_t k = 0; k < sizes[i]; k++) {
            assert_int_equal(blocks[i][k], i + 1);
        }
    }
    arena_free(&arena);
    assert_null(arena);
    arena_free(&arena);
}

static void
refuses_beyond_its_ceiling(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1024);
    assert_null(arena_alloc(arena, 1025));
    assert_null(arena_alloc(arena, SIZE_MAX));
    assert_non_null(arena_alloc(arena, 512));
    assert_non_null(arena_alloc(arena, 512));
    assert_null(arena_alloc(arena, 1));
    arena_free(&arena);
}

static void
many_small_ones_end_at_the_ceiling(void **state)
{
    (void)state;
    struct arena *arena = arena_new(64 * 1024);
    size_t count = 0;
    while (arena_alloc(arena, 16) != NULL) {
        count++;
    }
    assert_int_equal(count, 64 * 1024 / 16);
    arena_free(&arena);
}

static void
copies_end_with_a_nul(void **state)
{
    (void)state;
    struct arena *arena = arena_new(4096);
    char *copy = arena_copy(arena, "abcdef", 3);
    assert_string_equal(copy, "abc");
    assert_string_equal(arena_copy(arena, NULL, 0), "");
    assert_string_equal(arena_strdup(arena, "text"), "text");
    assert_memory_equal(arena_copy(arena, "a\0b", 3), "a\0b", 4);
    assert_null(arena_copy(arena, "x", SIZE_MAX));
    arena_free(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_zeroed_aligned_separate_bytes),
        cmocka_unit_test(refuses_beyond_its_ceiling),
        cmocka_unit_test(many_small_ones_end_at_the_ceiling),
        cmocka_unit_test(copies_end_with_a_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
