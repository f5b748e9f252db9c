/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A rule as bytes: a head of eight, then records of a tag, a length and a value. Texts have their
 * NUL with them, so that a decoded rule points into the bytes and copies nothing. */
#include "plugins/sites/rule.h"

#include <string.h>

#define VERSION 1
#define HEAD_BYTES 8
#define RECORD_BYTES 3 /* tag and length */

enum {
    TAG_URL = 1,
    TAG_PROFILE,
    TAG_CONTENT_TYPE,
    TAG_BODY,
    TAG_STRIP,
    TAG_PATTERN,
    TAG_ENCODING,
    TAG_HEADER,
    TAG_ERROR,
    TAG_WHOLE,
    TAG_MARK,
    TAG_CODE,
    TAG_CONDITION,
    TAG_HOST,
    TAG_ABSENT = 0x80 /* added to those of a side: of the other one */
};

/* ---- Writing ------------------------------------------------------------ */

struct writer {
    uint8_t *out;
    size_t len;
    bool full;
};

static void
put(struct writer *writer, const void *bytes, size_t len)
{
    if (writer->full || len > ROLLCALL_DATA_BYTES - writer->len) {
        writer->full = true;
        return;
    }
    memcpy(writer->out + writer->len, bytes, len);
    writer->len += len;
}

static void
put_record(struct writer *writer, unsigned tag, size_t len)
{
    writer->full = writer->full || len > UINT16_MAX;
    const uint8_t head[RECORD_BYTES] = { (uint8_t)tag, (uint8_t)len, (uint8_t)(len >> 8) };
    put(writer, head, sizeof(head));
}

static void
put_text(struct writer *writer, unsigned tag, const char *text)
{
    if (text != NULL) {
        put_record(writer, tag, strlen(text) + 1);
        put(writer, text, strlen(text) + 1);
    }
}

static void
put_number(struct writer *writer, int32_t number)
{
    uint32_t n = (uint32_t)number;
    const uint8_t bytes[4] = { (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16),
                               (uint8_t)(n >> 24) };
    put(writer, bytes, sizeof(bytes));
}

static void
put_condition(struct writer *writer, unsigned tag, const struct rule_condition *condition)
{
    const char *text = condition->text != NULL ? condition->text : "";
    put_record(writer, tag, 1 + 4 + strlen(condition->path) + 1 + strlen(text) + 1);
    put(writer, &condition->kind, 1);
    put_number(writer, condition->number);
    put(writer, condition->path, strlen(condition->path) + 1);
    put(writer, text, strlen(text) + 1);
}

static void
put_side(struct writer *writer, const struct rule_side *side, unsigned which)
{
    for (size_t i = 0; i < side->code_count; i++) {
        put_record(writer, TAG_CODE | which, 4);
        put_number(writer, side->codes[i]);
    }
    for (size_t i = 0; i < side->mark_count; i++) {
        put_text(writer, TAG_MARK | which, side->marks[i]);
    }
    for (size_t i = 0; i < side->condition_count; i++) {
        put_condition(writer, TAG_CONDITION | which, &side->conditions[i]);
    }
    put_text(writer, TAG_WHOLE | which, side->whole);
}

static void
put_request(struct writer *writer, const struct rule *rule)
{
    put_text(writer, TAG_HOST, rule->host);
    put_text(writer, TAG_URL, rule->url);
    put_text(writer, TAG_PROFILE, rule->profile);
    put_text(writer, TAG_CONTENT_TYPE, rule->content_type);
    put_text(writer, TAG_BODY, rule->body);
    put_text(writer, TAG_STRIP, rule->strip);
    put_text(writer, TAG_PATTERN, rule->pattern);
    put_text(writer, TAG_ENCODING, rule->encoding);
    for (size_t i = 0; i < rule->header_count; i++) {
        const struct rule_pair *pair = &rule->headers[i];
        put_record(writer, TAG_HEADER, strlen(pair->name) + 1 + strlen(pair->value) + 1);
        put(writer, pair->name, strlen(pair->name) + 1);
        put(writer, pair->value, strlen(pair->value) + 1);
    }
}

size_t
rule_encode(const struct rule *rule, uint8_t *out)
{
    struct writer writer = { .out = out };
    const uint8_t head[HEAD_BYTES] = { VERSION,      rule->dialect, rule->reading, rule->kinds,
                                       rule->method, rule->follow,  rule->flags,   0 };
    put(&writer, head, sizeof(head));
    put_request(&writer, rule);
    for (size_t i = 0; i < rule->error_count; i++) {
        put_record(&writer, TAG_ERROR, 1 + strlen(rule->errors[i].text) + 1);
        put(&writer, &rule->errors[i].reason, 1);
        put(&writer, rule->errors[i].text, strlen(rule->errors[i].text) + 1);
    }
    put_side(&writer, &rule->present, 0);
    put_side(&writer, &rule->absent, TAG_ABSENT);
    return writer.full ? 0 : writer.len;
}

/* ---- Reading ------------------------------------------------------------ */

/* The value of one record. */
struct value {
    const char *bytes;
    size_t len;
};

/* Take one text with its NUL from the front. */
static bool
take_text(struct value *value, const char **out_text)
{
    const char *end = value->len > 0 ? memchr(value->bytes, '\0', value->len) : NULL;
    if (end == NULL) {
        return false;
    }
    *out_text = value->bytes;
    size_t len = (size_t)(end - value->bytes) + 1;
    value->bytes += len;
    value->len -= len;
    return true;
}

static bool
take_byte(struct value *value, uint8_t *out_byte)
{
    if (value->len == 0) {
        return false;
    }
    *out_byte = (uint8_t)*value->bytes++;
    value->len--;
    return true;
}

static bool
take_number(struct value *value, int32_t *out_number)
{
    if (value->len < 4) {
        return false;
    }
    const uint8_t *u = (const uint8_t *)value->bytes;
    *out_number = (int32_t)((uint32_t)u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 |
                            (uint32_t)u[3] << 24);
    value->bytes += 4;
    value->len -= 4;
    return true;
}

static bool
take_condition(struct value *value, struct rule_side *side)
{
    if (side->condition_count == RULE_CONDITIONS_MAX) {
        return false;
    }
    struct rule_condition *condition = &side->conditions[side->condition_count++];
    return take_byte(value, &condition->kind) && take_number(value, &condition->number) &&
           take_text(value, &condition->path) && take_text(value, &condition->text);
}

static bool
take_of_side(struct value *value, unsigned tag, struct rule_side *side)
{
    switch (tag) {
    case TAG_CODE:
        return side->code_count < RULE_CODES_MAX &&
               take_number(value, &side->codes[side->code_count++]);
    case TAG_MARK:
        return side->mark_count < RULE_MARKS_MAX &&
               take_text(value, &side->marks[side->mark_count++]);
    case TAG_CONDITION:
        return take_condition(value, side);
    case TAG_WHOLE:
        return take_text(value, &side->whole);
    default:
        return false;
    }
}

static bool
take_header(struct value *value, struct rule *rule)
{
    if (rule->header_count == ROLLCALL_REQUEST_HEADERS_MAX) {
        return false;
    }
    struct rule_pair *pair = &rule->headers[rule->header_count++];
    return take_text(value, &pair->name) && take_text(value, &pair->value);
}

static bool
take_error(struct value *value, struct rule *rule)
{
    if (rule->error_count == RULE_ERRORS_MAX) {
        return false;
    }
    struct rule_error *error = &rule->errors[rule->error_count++];
    return take_byte(value, &error->reason) && take_text(value, &error->text);
}

static bool
take_record(struct value *value, unsigned tag, struct rule *rule)
{
    const char **const texts[] = {
        [TAG_URL] = &rule->url,
        [TAG_PROFILE] = &rule->profile,
        [TAG_CONTENT_TYPE] = &rule->content_type,
        [TAG_BODY] = &rule->body,
        [TAG_STRIP] = &rule->strip,
        [TAG_PATTERN] = &rule->pattern,
        [TAG_ENCODING] = &rule->encoding,
    };
    if (tag > 0 && tag < sizeof(texts) / sizeof(texts[0])) {
        return take_text(value, texts[tag]);
    }
    if (tag == TAG_HOST) {
        return take_text(value, &rule->host);
    }
    if (tag == TAG_HEADER) {
        return take_header(value, rule);
    }
    if (tag == TAG_ERROR) {
        return take_error(value, rule);
    }
    bool is_absent = (tag & TAG_ABSENT) != 0;
    return take_of_side(value, tag & ~(unsigned)TAG_ABSENT,
                        is_absent ? &rule->absent : &rule->present);
}

static bool
is_sane(const struct rule *rule)
{
    return rule->dialect < DIALECT_COUNT && rule->reading <= READING_FAITHFUL &&
           rule->method >= ROLLCALL_GET && rule->method <= ROLLCALL_PUT &&
           rule->follow <= ROLLCALL_REDIRECTS_MAX && rule->url != NULL && rule->host != NULL &&
           (rule->body == NULL) == (rule->content_type == NULL);
}

bool
rule_decode(const void *bytes, size_t len, struct rule *out_rule)
{
    const uint8_t *head = bytes;
    if (bytes == NULL || len < HEAD_BYTES || len > ROLLCALL_DATA_BYTES || head[0] != VERSION) {
        return false;
    }
    *out_rule = (struct rule){ .dialect = head[1],
                               .reading = head[2],
                               .kinds = head[3],
                               .method = head[4],
                               .follow = head[5],
                               .flags = head[6] };
    const char *at = (const char *)bytes + HEAD_BYTES;
    const char *end = (const char *)bytes + len;
    while (end - at >= RECORD_BYTES) {
        const uint8_t *record = (const uint8_t *)at;
        struct value value = { at + RECORD_BYTES, record[1] | (size_t)record[2] << 8 };
        if (value.len > (size_t)(end - value.bytes)) {
            return false;
        }
        at = value.bytes + value.len;
        if (!take_record(&value, record[0], out_rule) || value.len > 0) {
            return false;
        }
    }
    return at == end && is_sane(out_rule);
}

/* ---- What it says about itself ------------------------------------------ */

static bool
side_names(const struct rule_side *side, int32_t status)
{
    for (size_t i = 0; i < side->code_count; i++) {
        if (side->codes[i] == status) {
            return true;
        }
    }
    return false;
}

bool
rule_names_code(const struct rule *rule, int32_t status)
{
    return side_names(&rule->present, status) || side_names(&rule->absent, status) ||
           (status == 403 && (rule->flags & RULE_IGNORES_403) != 0);
}

bool
is_refusing_code(int32_t status)
{
    return status == 401 || status == 403 || status == 407 || status == 429 ||
           (status >= 500 && status <= 599);
}

static bool
side_refuses(const struct rule_side *side)
{
    for (size_t i = 0; i < side->code_count; i++) {
        if (is_refusing_code(side->codes[i])) {
            return true;
        }
    }
    return false;
}

uint32_t
rule_checker_flags(const struct rule *rule)
{
    bool is_others = rule->reading == READING_FAITHFUL && rule->dialect != DIALECT_OWN;
    bool has_codes = side_refuses(&rule->present) || side_refuses(&rule->absent) ||
                     (rule->flags & RULE_IGNORES_403) != 0;
    return (has_codes ? ROLLCALL_CODES_ARE_MARKS : 0U) |
           ((rule->flags & RULE_CASELESS) != 0 ? ROLLCALL_CASELESS : 0U) |
           (is_others ? ROLLCALL_UNGUARDED : 0U);
}

static bool
has_mark(const struct rule_side *side)
{
    return side->mark_count > 0 || side->condition_count > 0 || side->whole != NULL;
}

int32_t
rule_evidence(const struct rule *rule)
{
    if ((rule->flags & RULE_SIMILAR) != 0) {
        return ROLLCALL_SIMILAR;
    }
    bool by_marks = rule->kinds == RULE_BY_MARK || rule->kinds == RULE_TWO_SIDED;
    return by_marks && has_mark(&rule->present) && has_mark(&rule->absent) ? ROLLCALL_EXACT
                                                                           : ROLLCALL_INFERRED;
}
