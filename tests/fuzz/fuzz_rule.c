/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The opaque bytes of a checker from data, as they come back in a step: whatever they are, the step
 * asks or judges within bounds. The last bytes double as the body of the reply. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/sites/ask.h"
#include "plugins/sites/judge.h"
#include "plugins/sites/rule.h"
#include "plugins/sites/text.h"
#include "tests/fuzz/sites_host.h"

#define BODY_BYTES 256

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
judge_body(rollcall_check *check, const struct rule *rule, const char *body, size_t len)
{
    struct text text;
    const rollcall_reply reply = { .host = &sites_host,
                                   .status = len % 2 == 0 ? 200 : 302,
                                   .url = "https://a.example/alice",
                                   .body = body,
                                   .body_len = len };
    if (!text_decode(body, len, rollcall_header_of(&reply, "content-type"), rule->encoding,
                     &text)) {
        abort();
    }
    const struct page page = { &reply, check->subject, text.bytes, text.len };
    (void)judge(check, rule, &page);
    (void)judge_faithful(check, rule, &page);
    text_fini(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const char *const names[] = { "alice", "a.b-c\"", "b\xc3\xb6" };
    struct rule rule;
    if (!rule_decode(bytes, len, &rule)) {
        return 0;
    }
    uint8_t again[ROLLCALL_DATA_BYTES];
    if (rule_encode(&rule, again) == 0) {
        abort(); /* what fitted must fit again */
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        rollcall_check check = { .host = &sites_host,
                                 .kind = ROLLCALL_USERNAME,
                                 .subject = names[i],
                                 .data = bytes,
                                 .data_len = len };
        size_t body = len < BODY_BYTES ? len : BODY_BYTES;
        (void)ask(&check, &rule);
        judge_body(&check, &rule, (const char *)bytes + len - body, body);
    }
    return 0;
}
