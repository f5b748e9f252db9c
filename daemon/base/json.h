/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* JSON values: the daemon's only door to cJSON. json_parse() checks strictly first; what comes out
 * is a tree without duplicate keys, without NUL in strings, at most JSON_DEPTH_MAX deep. Readers
 * take NULL for "not there" and answer with the fallback, so look-ups chain. Thread: one at a time.
 */
#ifndef ROLLCALL_BASE_JSON_H
#define ROLLCALL_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/attr.h"
#include "daemon/base/buf.h"
#include "daemon/base/error.h"
#include "daemon/base/json_print.h" /* json_print(): the way out */

/* Opaque; really a cJSON node. */
struct json;

enum json_type {
    JSON_ABSENT, /* of a NULL pointer */
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

/**
 * Read `len` bytes (no NUL needed behind them).
 * Owner:  *out_json is the caller's, free with json_free().
 * Errors: PARSE, UNACCEPTABLE (also a key given twice in one object), NOMEM; `why` says where.
 */
MUST_CHECK int
json_parse(const char *bytes, size_t len, struct json **out_json, struct error_text *why);
void json_free(struct json **json);

enum json_type json_type(const struct json *json);
/** "a string", "an object", … for messages. */
const char *json_type_name(enum json_type type);

/** Member by exact key; NULL when absent or `object` is not an object. */
const struct json *json_get(const struct json *object, const char *key);
size_t json_count(const struct json *container);
/** i-th element or member; linear for a random i, so iterate with json_first()/json_next(). */
const struct json *json_first(const struct json *container);
const struct json *json_next(const struct json *node);
/** The key under which a member stands; NULL for array elements. */
const char *json_key(const struct json *member);

/** The text of a string, else `fallback`. Lives as long as the tree. */
const char *json_string(const struct json *json, const char *fallback);
bool json_bool(const struct json *json, bool fallback);
double json_number(const struct json *json, double fallback);
/** True and the value when it is an integer with |n| < 2^53: beyond, a double has rounded it. */
bool json_integer(const struct json *json, int64_t *out_value);

/* Builders. A value is owned by its container once it is in one; on failure (out of memory) the
 * functions give NULL or false and a value that was handed in has been freed. `object` and `value`
 * may be NULL: then they fail, and the container is marked, so a chain is checked once, at
 * json_print(). Infinity and NaN are no JSON numbers and fail too. Putting a key again replaces its
 * value. */
struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_string(const char *text);
struct json *json_new_number(double value);
struct json *json_new_bool(bool value);
struct json *json_new_null(void);
struct json *json_copy(const struct json *json);
bool json_put(struct json *object, const char *key, struct json *value);
bool json_put_string(struct json *object, const char *key, const char *text);
bool json_put_number(struct json *object, const char *key, double value);
bool json_put_bool(struct json *object, const char *key, bool value);
bool json_append(struct json *array, struct json *value);

/** Whether a value was lost while `json` itself was built; of its members, ask each. */
bool json_is_broken(const struct json *json);

#endif
