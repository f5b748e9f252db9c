/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* See the header. */
#include "tests/fuzz/sites_host.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* AddressSanitizer sees a byte that is not there, and a text without an end. */
static void
look_at(const char *text)
{
    volatile size_t len = text != NULL ? strlen(text) : 0;
    (void)len;
}

static void
take_header(rollcall_check *check, const char *name, const char *value)
{
    (void)check;
    look_at(name);
    look_at(value);
}

static void
take_follow(rollcall_check *check, uint32_t redirects)
{
    (void)check;
    if (redirects > ROLLCALL_REDIRECTS_MAX) {
        abort();
    }
}

static rollcall_step
take_request(rollcall_check *check, int32_t method, const char *url)
{
    (void)check;
    look_at(url);
    if (method < ROLLCALL_GET || method > ROLLCALL_PUT) {
        abort();
    }
    return ROLLCALL_STEP_REQUEST;
}

static rollcall_step
take_verdict(rollcall_check *check, int32_t verdict, int32_t reason, const char *url)
{
    (void)check;
    look_at(url);
    if (verdict < ROLLCALL_UNKNOWN || verdict > ROLLCALL_UNREGISTERED || reason < 0) {
        abort();
    }
    return ROLLCALL_STEP_VERDICT;
}

static rollcall_step
take_unknown(rollcall_check *check, const rollcall_reply *reply)
{
    (void)check;
    (void)reply;
    return ROLLCALL_STEP_VERDICT;
}

static int32_t
take_value(rollcall_check *check, const char *name, const char *value)
{
    take_header(check, name, value);
    return 0;
}

static const char *
give_header(const rollcall_reply *reply, const char *name)
{
    (void)reply;
    return strcmp(name, "location") == 0 ? "/login?a" : "text/html; charset=Shift_JIS";
}

static const char *
give_text(const rollcall_reply *reply, const char *path)
{
    (void)reply;
    look_at(path);
    return path[0] == 'a' ? "alice" : NULL;
}

static int32_t
give_truth(const rollcall_reply *reply, const char *path)
{
    (void)reply;
    look_at(path);
    return path[0] == 't' ? 1 : -1;
}

static int32_t
give_number(const rollcall_reply *reply, const char *path, int64_t *out)
{
    *out = 0;
    return give_truth(reply, path) == 1;
}

static int64_t
give_count(const rollcall_reply *reply, const char *path)
{
    return give_truth(reply, path);
}

static int32_t
is_subject(const rollcall_reply *reply, const char *text)
{
    (void)reply;
    look_at(text);
    return text[0] == 'a';
}

/* What enumerate offers must be whole: each text is read, each list walked to its end. */
static int32_t
take_checker(rollcall_check *check, const rollcall_checker *checker, const void *data, size_t len)
{
    uint8_t sum = 0;
    (void)check;
    take_header(check, checker->platform->id, checker->platform->title);
    take_header(check, checker->platform->home, checker->base_url);
    take_header(check, checker->source, checker->absent);
    for (size_t i = 0; checker->platform->tags[i] != NULL; i++) {
        look_at(checker->platform->tags[i]);
    }
    for (size_t i = 0; checker->known[i] != NULL; i++) {
        look_at(checker->known[i]);
    }
    for (size_t i = 0; i < len; i++) {
        sum = (uint8_t)(sum + ((const uint8_t *)data)[i]);
    }
    if (len > ROLLCALL_DATA_BYTES || checker->base_url == NULL || checker->rate_count == 0) {
        abort();
    }
    return sum % 7 == 0 ? -1 : 0;
}

static void
take_note(rollcall_check *check, const char *sentence)
{
    (void)check;
    look_at(sentence);
}

const rollcall_host sites_host = {
    .size = sizeof(rollcall_host),
    .header = take_header,
    .body = take_header,
    .follow = take_follow,
    .request = take_request,
    .verdict = take_verdict,
    .unknown_from = take_unknown,
    .put = take_value,
    .header_of = give_header,
    .json_string = give_text,
    .json_bool = give_truth,
    .json_int = give_number,
    .json_count = give_count,
    .is_subject = is_subject,
    .yield = take_checker,
    .note = take_note,
};
