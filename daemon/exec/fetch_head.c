/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The head of a reply: lines in, an array of fields out. A server may send several heads for one
 * request (1xx, then the real one); the last is kept and all of them count against the limits, so
 * an endless row of interim replies ends like an endless head. Fields behind the body (trailers)
 * count and are dropped. */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/exec/fetch_int.h"

void
fetch_head_init(struct fetch_head *head)
{
    *head = (struct fetch_head){ 0 };
    buf_init(&head->text, 2 * (size_t)FETCH_HEADER_BYTES_MAX);
}

void
fetch_head_fini(struct fetch_head *head)
{
    buf_fini(&head->text);
}

static bool
is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

static void
trim(const char **text, size_t *len)
{
    while (*len > 0 && is_blank((*text)[0])) {
        (*text)++;
        (*len)--;
    }
    while (*len > 0 && is_blank((*text)[*len - 1])) {
        (*len)--;
    }
}

static bool
has_control(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (((unsigned char)text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

static void
begin_block(struct fetch_head *head, const char *line, size_t len)
{
    const char *space = memchr(line, ' ', len);
    buf_reset(&head->text);
    head->fields = 0;
    head->status = 0;
    if (space != NULL && len - (size_t)(space - line) > 3) {
        for (int i = 1; i <= 3 && space[i] >= '0' && space[i] <= '9'; i++) {
            head->status = head->status * 10 + (space[i] - '0');
        }
    }
}

static void
add_field(struct fetch_head *head, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    if (colon == NULL || colon == line) {
        return; /* not a field; browsers pass over it */
    }
    const char *value = colon + 1;
    size_t name_len = (size_t)(colon - line);
    size_t value_len = len - name_len - 1;
    trim(&line, &name_len);
    trim(&value, &value_len);
    buf_append(&head->text, line, name_len);
    buf_append_byte(&head->text, '\0');
    buf_append(&head->text, value, value_len);
    buf_append_byte(&head->text, '\0');
    head->fields++;
}

/* A folded line (RFC 9112 5.2) belongs to the value before it, with one blank between. */
static void
add_folded(struct fetch_head *head, const char *line, size_t len)
{
    if (head->fields == 0) {
        return;
    }
    trim(&line, &len);
    head->text.bytes[head->text.len - 1] = ' ';
    buf_append(&head->text, line, len);
    buf_append_byte(&head->text, '\0');
}

int
fetch_head_line(struct fetch_head *head, const char *line, size_t len)
{
    head->all_bytes += len;
    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n')) {
        len--;
    }
    bool is_status = len >= 5 && memcmp(line, "HTTP/", 5) == 0;
    head->all_fields += is_status || len == 0 ? 0 : 1;
    if (head->all_bytes > FETCH_HEADER_BYTES_MAX || head->all_fields > FETCH_HEADERS_MAX ||
        has_control(line, len)) {
        return ERROR_PROTOCOL;
    }
    if (head->is_over) {
        return ERROR_OK;
    }
    if (is_status) {
        begin_block(head, line, len);
    } else if (len == 0) {
        head->is_over = head->status >= 200;
    } else if (is_blank(line[0])) {
        add_folded(head, line, len);
    } else {
        add_field(head, line, len);
    }
    return head->text.error == ERROR_OK ? ERROR_OK : ERROR_NOMEM;
}

const char *
fetch_head_get(const struct fetch_head *head, const char *name)
{
    const char *at = buf_str(&head->text);
    for (size_t i = 0; i < head->fields; i++) {
        const char *value = at + strlen(at) + 1;
        if (strcasecmp(at, name) == 0) {
            return value;
        }
        at = value + strlen(value) + 1;
    }
    return NULL;
}

struct fetch_header *
fetch_head_list(const struct fetch_head *head)
{
    struct fetch_header *list = calloc(head->fields + 1, sizeof(*list));
    const char *at = buf_str(&head->text);
    for (size_t i = 0; list != NULL && i < head->fields; i++) {
        list[i].name = at;
        list[i].value = at + strlen(at) + 1;
        at = list[i].value + strlen(list[i].value) + 1;
    }
    return list;
}
