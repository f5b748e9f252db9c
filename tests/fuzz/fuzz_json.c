/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Any bytes into json_parse(). What is promised: json_check() and json_parse() agree up to a key
 * given twice; what was read prints, and what was printed reads back and prints the same. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "daemon/base/json.h"
#include "daemon/base/json_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Enough for any print: one control character of six bytes for each byte read. */
#define PRINT_BYTES_MAX (1024 * 1024)

static void
print_and_read_back(const struct json *json)
{
    struct buf first;
    struct buf second;
    struct error_text why;
    struct json *again = NULL;
    buf_init(&first, PRINT_BYTES_MAX);
    buf_init(&second, PRINT_BYTES_MAX);
    int error = json_print(json, &first);
    assert(error == ERROR_OK);
    error = json_parse(first.bytes, first.len, &again, &why);
    assert(error == ERROR_OK);
    error = json_print(again, &second);
    assert(error == ERROR_OK);
    assert(first.len == second.len && memcmp(first.bytes, second.bytes, first.len) == 0);
    json_free(&again);
    buf_fini(&first);
    buf_fini(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct error_text why = { "" };
    struct json *json = NULL;
    int checked = json_check((const char *)bytes, len, &why);
    assert(checked == ERROR_OK || checked == ERROR_PARSE || checked == ERROR_UNACCEPTABLE);
    assert((checked == ERROR_OK) == (why.text[0] == '\0'));
    int parsed = json_parse((const char *)bytes, len, &json, &why);
    assert(checked == ERROR_OK || parsed == checked);
    assert(parsed == ERROR_OK || parsed == ERROR_UNACCEPTABLE || parsed == checked);
    assert((parsed == ERROR_OK) == (json != NULL));
    if (json != NULL) {
        print_and_read_back(json);
    }
    json_free(&json);
    return 0;
}
