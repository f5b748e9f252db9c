/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* JSON values: reading what was parsed, and building that notices its own failure. */
#include "daemon/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

static struct json *
parse(const char *text)
{
    struct json *json = NULL;
    struct error_text why;
    if (json_parse(text, strlen(text), &json, &why) != ERROR_OK) {
        fail_msg("%s: %s", text, why.text);
    }
    return json;
}

static void
look_ups_chain_and_fall_back(void **state)
{
    (void)state;
    struct json *json = parse("{\"a\":{\"b\":\"text\",\"n\":null},\"list\":[1,true],\"A\":2}");
    const struct json *a = json_get(json, "a");
    assert_string_equal(json_string(json_get(a, "b"), "no"), "text");
    assert_string_equal(json_string(json_get(json_get(a, "x"), "y"), "no"), "no");
    assert_null(json_string(json_get(a, "n"), NULL));
    assert_null(json_get(json_get(json, "list"), "a"));
    assert_null(json_get(NULL, "a"));
    assert_true(json_number(json_get(json, "A"), 0) == 2);
    assert_true(json_number(json_get(json, "a"), 9) == 9);
    assert_true(json_bool(json_get(json, "A"), true));
    assert_false(json_bool(NULL, false));
    json_free(&json);
    assert_null(json);
    json_free(&json);
}

static void
types_have_names(void **state)
{
    (void)state;
    static const struct {
        enum json_type type;
        const char *name;
    } cases[] = {
        { JSON_NULL, "null" },          { JSON_BOOL, "true or false" },
        { JSON_BOOL, "true or false" }, { JSON_NUMBER, "a number" },
        { JSON_STRING, "a string" },    { JSON_ARRAY, "an array" },
        { JSON_OBJECT, "an object" },
    };
    struct json *json = parse("[null,true,false,1,\"\",[],{}]");
    const struct json *node = json_first(json);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(json_type(node), cases[i].type);
        assert_string_equal(json_type_name(json_type(node)), cases[i].name);
        node = json_next(node);
    }
    assert_null(node);
    assert_int_equal(json_type(NULL), JSON_ABSENT);
    assert_string_equal(json_type_name(JSON_ABSENT), "nothing");
    json_free(&json);
}

static void
walks_give_keys_and_counts(void **state)
{
    (void)state;
    struct json *json = parse("{\"one\":1,\"t\\u0077o\":2,\"list\":[4,5,6]}");
    assert_int_equal(json_count(json), 3);
    const struct json *node = json_first(json);
    assert_string_equal(json_key(node), "one");
    node = json_next(node);
    assert_string_equal(json_key(node), "two");
    node = json_next(node);
    assert_int_equal(json_count(node), 3);
    assert_null(json_key(json_first(node)));
    assert_null(json_next(node));
    assert_null(json_first(json_first(json)));
    assert_int_equal(json_count(json_first(json)), 0);
    assert_int_equal(json_count(NULL), 0);
    assert_null(json_next(NULL));
    assert_null(json_key(NULL));
    json_free(&json);
}

static void
integers_are_exact_or_none(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_integer;
        int64_t value;
    } cases[] = {
        { "0", true, 0 },
        { "-0", true, 0 },
        { "-5", true, -5 },
        { "1e3", true, 1000 },
        { "1.0", true, 1 },
        { "9007199254740991", true, INT64_C(9007199254740991) },
        { "-9007199254740991", true, -INT64_C(9007199254740991) },
        { "9007199254740992", false, 0 }, /* may be a rounded …993 */
        { "9007199254740993", false, 0 },
        { "1e19", false, 0 },
        { "-1e400", false, 0 },
        { "0.5", false, 0 },
        { "\"1\"", false, 0 },
        { "null", false, 0 },
        { "true", false, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *json = parse(cases[i].text);
        int64_t value = 77;
        if (json_integer(json, &value) != cases[i].is_integer ||
            value != (cases[i].is_integer ? cases[i].value : 77)) {
            fail_msg("case %zu: %lld", i, (long long)value);
        }
        json_free(&json);
    }
    int64_t value;
    assert_false(json_integer(NULL, &value));
}

static void
strings_are_decoded(void **state)
{
    (void)state;
    struct json *json = parse("\"\\u00e9\\ud83d\\ude00\\n\\\\\\/\"");
    assert_string_equal(json_string(json, NULL), "\xc3\xa9\xf0\x9f\x98\x80\n\\/");
    json_free(&json);
}

static void
input_needs_no_nul_and_is_not_changed(void **state)
{
    (void)state;
    struct json *json = NULL;
    const char bytes[] = { '[', '1', ']', '9' };
    assert_int_equal(json_parse(bytes, 3, &json, NULL), ERROR_OK);
    assert_int_equal(json_count(json), 1);
    json_free(&json);
    assert_int_equal(json_parse(NULL, 0, &json, NULL), ERROR_PARSE);
    assert_null(json);
}

static void
putting_again_replaces(void **state)
{
    (void)state;
    struct json *json = json_new_object();
    assert_true(json_put_string(json, "a", "old"));
    assert_true(json_put_number(json, "b", 1));
    assert_true(json_put_string(json, "a", "new"));
    assert_int_equal(json_count(json), 2);
    assert_string_equal(json_string(json_get(json, "a"), NULL), "new");
    json_free(&json);
}

/* Every way to lose a value marks its container, and json_print() tells. */
static void
lost_values_are_noticed_at_the_end(void **state)
{
    (void)state;
    for (int way = 0; way < 7; way++) {
        struct json *object = json_new_object();
        struct json *list = json_new_array();
        struct json *lossy = way < 4 ? object : list;
        struct buf out;
        buf_init(&out, 1000);
        bool done = way == 0   ? json_put(object, "a", NULL)
                    : way == 1 ? json_put_number(object, "a", NAN)
                    : way == 2 ? json_put_number(object, "a", -INFINITY)
                    : way == 3 ? json_put_string(object, "a", NULL)
                    : way == 4 ? json_append(list, NULL)
                    : way == 5 ? json_append(list, json_new_number(INFINITY))
                               : json_put(list, "a", json_new_null());
        assert_false(done);
        assert_true(json_is_broken(lossy));
        assert_true(json_put(object, "list", list));
        if (json_print(object, &out) != ERROR_NOMEM) {
            fail_msg("way %d: printed %s", way, buf_str(&out));
        }
        struct json *copy = json_copy(object);
        buf_reset(&out);
        assert_int_equal(json_print(copy, &out), ERROR_NOMEM);
        json_free(&copy);
        json_free(&object);
        buf_fini(&out);
    }
}

static void
building_on_nothing_fails_quietly(void **state)
{
    (void)state;
    struct buf out;
    assert_false(json_put(NULL, "a", json_new_null()));
    assert_false(json_put_bool(NULL, "a", true));
    assert_false(json_append(NULL, json_new_object()));
    assert_null(json_copy(NULL));
    assert_null(json_new_string(NULL));
    assert_true(json_is_broken(NULL));
    struct json *number = json_new_number(1);
    assert_false(json_put(number, "a", json_new_null()));
    assert_false(json_append(number, json_new_null()));
    json_free(&number);
    buf_init(&out, 10);
    assert_int_equal(json_print(NULL, &out), ERROR_NOMEM);
    buf_fini(&out);
}

/* How many more allocations cJSON gets. */
static int allocations_left;

static void *
allocate_some(size_t size)
{
    if (allocations_left == 0) {
        return NULL;
    }
    allocations_left--;
    return malloc(size);
}

/* Build, copy and print with so many allocations; true when that was enough. */
static bool
build_with(int allocations)
{
    struct buf out;
    buf_init(&out, 1000);
    allocations_left = allocations;
    struct json *object = json_new_object();
    struct json *list = json_new_array();
    (void)json_append(list, json_new_number(1));
    (void)json_append(list, json_new_string("x"));
    (void)json_put(object, "list", list);
    (void)json_put_string(object, "text", "old");
    (void)json_put_string(object, "text", "new");
    struct json *copy = json_copy(object);
    int error = json_print(copy, &out);
    assert_true(error == ERROR_OK || error == ERROR_NOMEM);
    if (!error) {
        assert_string_equal(buf_str(&out), "{\"list\":[1,\"x\"],\"text\":\"new\"}");
    }
    buf_reset(&out);
    if (json_print(object, &out) == ERROR_OK) {
        assert_string_equal(buf_str(&out), "{\"list\":[1,\"x\"],\"text\":\"new\"}");
    }
    json_free(&copy);
    json_free(&object);
    buf_fini(&out);
    return !error;
}

static bool
parse_with(int allocations)
{
    static const char text[] = "{\"a\":[1,\"x\",{\"b\":null}]}";
    struct json *json = NULL;
    allocations_left = allocations;
    int error = json_parse(text, sizeof text - 1, &json, NULL);
    assert_true(error == ERROR_OK || error == ERROR_NOMEM);
    assert_true((error == ERROR_OK) == (json != NULL));
    json_free(&json);
    return !error;
}

/* Each allocation fails once: never a tree with something missing, never a leak. */
static void
running_out_of_memory_is_told(void **state)
{
    (void)state;
    cJSON_Hooks hooks = { .malloc_fn = allocate_some, .free_fn = free };
    cJSON_InitHooks(&hooks);
    int build = 0;
    int parse_needs = 0;
    while (!build_with(build)) {
        build++;
    }
    while (!parse_with(parse_needs)) {
        parse_needs++;
    }
    cJSON_InitHooks(NULL);
    assert_true(build > 10 && build < 100);
    assert_true(parse_needs > 5 && parse_needs < 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(look_ups_chain_and_fall_back),
        cmocka_unit_test(types_have_names),
        cmocka_unit_test(walks_give_keys_and_counts),
        cmocka_unit_test(integers_are_exact_or_none),
        cmocka_unit_test(strings_are_decoded),
        cmocka_unit_test(input_needs_no_nul_and_is_not_changed),
        cmocka_unit_test(putting_again_replaces),
        cmocka_unit_test(lost_values_are_noticed_at_the_end),
        cmocka_unit_test(building_on_nothing_fails_quietly),
        cmocka_unit_test(running_out_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
