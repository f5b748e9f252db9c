/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Any bytes as a platform's reply: a status of two bytes, header lines up to an empty one, a body.
 * What is promised: a reason of the closed list, and a time to come back within a day. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/plugin/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
judge(const struct call_reply *reply)
{
    int32_t reason = reply_reason(reply);
    int64_t wait_ms = reply_retry_after_ms(reply);
    assert(reason >= ROLLCALL_RATE_LIMITED && reason <= ROLLCALL_UNEXPECTED_REPLY);
    assert(wait_ms >= -1 && wait_ms <= CALL_RETRY_AFTER_MS_MAX);
    assert(reply->status != 429 || reason == ROLLCALL_RATE_LIMITED);
}

/* "name:value\n", one after the other, in place. Returns where the body begins. */
static char *
read_headers(char *text, struct call_pair *headers, size_t *count)
{
    while (*count < CALL_HEADERS_MAX) {
        char *end = strchr(text, '\n');
        if (end == NULL || end == text) {
            return end != NULL ? end + 1 : text;
        }
        *end = '\0';
        char *colon = strchr(text, ':');
        headers[*count].name = text;
        headers[*count].value = colon != NULL ? colon + 1 : "";
        if (colon != NULL) {
            *colon = '\0';
        }
        (*count)++;
        text = end + 1;
    }
    return text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 2) {
        return 0;
    }
    char *text = malloc(len - 1);
    assert(text != NULL);
    memcpy(text, bytes + 2, len - 2);
    text[len - 2] = '\0';
    struct call_pair headers[CALL_HEADERS_MAX];
    struct call_reply reply = {
        .status = (bytes[0] << 8 | bytes[1]) % 1000, .stop_hit = -1, .url = "", .headers = headers
    };
    reply.body = read_headers(text, headers, &reply.header_count);
    reply.body_len = (size_t)(text + len - 2 - reply.body);
    judge(&reply);
    free(text);
    return 0;
}
