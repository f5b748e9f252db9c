/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* JSON as the client needs it: read a reply, write a call. The client's only door to cJSON.
 *
 * Readers take NULL for "not there" and give NULL or the fallback, so a chain of them needs no
 * checks in between. Writers return false when memory is out. */
#ifndef ROLLCALL_CLIENT_JSON_H
#define ROLLCALL_CLIENT_JSON_H

#include <stdbool.h>
#include <stddef.h>

struct json;

/** Read a document; NULL when it is none, or memory is out. The caller's: json_free(). */
struct json *json_parse(const char *text, size_t length);
/** Free a tree and NULL the variable. Takes NULL. */
void json_free(struct json **json);

/** A member of an object, or NULL. Borrowed. */
const struct json *json_get(const struct json *object, const char *name);
/** A member's text, number, truth; what is missing or of another type gives NULL or `fallback`. */
const char *json_text(const struct json *object, const char *name);
double json_number(const struct json *object, const char *name, double fallback);
bool json_is_true(const struct json *object, const char *name);

bool json_is_object(const struct json *json);
bool json_is_array(const struct json *json);
/** Whether the number `name` of `object` is exactly `value`. */
bool json_is_number(const struct json *object, const char *name, double value);

/** Walking an object or array: its size, its first child, the next one; a child's name (NULL in an
 * array) and, for a text, the text itself. */
size_t json_size(const struct json *json);
const struct json *json_first(const struct json *json);
const struct json *json_next(const struct json *child);
const char *json_name(const struct json *child);
const char *json_string(const struct json *json);

/** One line, characters that steer terminals escaped. The caller's: free(); NULL: no memory. */
char *json_print(const struct json *json);

/** An empty object; NULL: no memory. The caller's: json_free(). */
struct json *json_object(void);
bool json_put_text(struct json *object, const char *name, const char *text);
bool json_put_number(struct json *object, const char *name, double number);
bool json_put_true(struct json *object, const char *name);
/** A NULL-terminated list of texts. */
bool json_put_texts(struct json *object, const char *name, const char *const *texts);
/** Takes `child` over, also on failure; a NULL child is a failure. */
bool json_put(struct json *object, const char *name, struct json *child);

#endif
