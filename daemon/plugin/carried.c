/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* State and values of a check: see the header. The zeros at the end of the state do not travel. */
#include "daemon/plugin/carried.h"

#include <string.h>

#include "daemon/base/utf8.h"
#include "daemon/plugin/wire.h"

static size_t
weight(const char *name, const char *value)
{
    return strlen(name) + strnlen(value, ROLLCALL_STATE_BYTES) + 2;
}

int
carried_put(struct carried *carried, struct arena *arena, const char *name, const char *value)
{
    size_t place = 0;
    while (place < carried->value_count && strcmp(carried->values[place].name, name) != 0) {
        place++;
    }
    size_t bytes = carried->value_bytes + weight(name, value);
    if (place < carried->value_count) {
        bytes -= weight(name, carried->values[place].value);
    }
    if (place == CALL_VALUES_MAX || bytes > ROLLCALL_STATE_BYTES) {
        return ERROR_TOO_BIG;
    }
    if (!manifest_is_key(name) || !utf8_is_valid(value, strlen(value))) {
        return ERROR_INVALID;
    }
    const char *name_copy = arena_strdup(arena, name);
    const char *value_copy = arena_strdup(arena, value);
    if (name_copy == NULL || value_copy == NULL) {
        return ERROR_NOMEM;
    }
    carried->values[place] = (struct call_pair){ name_copy, value_copy };
    carried->value_count += place == carried->value_count;
    carried->value_bytes = bytes;
    return ERROR_OK;
}

/* Bytes up to the last one that is not zero, looked for eight at a time: most states are small. */
static size_t
used_state(const unsigned char *state)
{
    _Static_assert(ROLLCALL_STATE_BYTES % sizeof(uint64_t) == 0, "whole words");
    size_t used = ROLLCALL_STATE_BYTES;
    uint64_t word = 0;
    while (used > 0 && word == 0) {
        used -= sizeof(word);
        memcpy(&word, state + used, sizeof(word));
    }
    used = word != 0 ? used + sizeof(word) : 0;
    while (used > 0 && state[used - 1] == 0) {
        used--;
    }
    return used;
}

void
carried_encode(const struct carried *carried, struct buf *out)
{
    size_t used = carried->state_is_used ? used_state(carried->state) : 0;
    if (used == 0 && carried->value_count == 0) {
        return;
    }
    wire_put_bytes(out, carried->state, used);
    wire_put_u32(out, (uint32_t)carried->value_count);
    for (size_t i = 0; i < carried->value_count; i++) {
        wire_put_text(out, carried->values[i].name);
        wire_put_text(out, carried->values[i].value);
    }
}

static void
read_value(struct wire_reader *reader, struct carried *carried)
{
    const char *name = wire_text(reader, "value.name", MANIFEST_ID_BYTES);
    const char *value = wire_text(reader, "value", ROLLCALL_STATE_BYTES);
    if (reader->error != ERROR_OK) {
        return;
    }
    size_t before = carried->value_count;
    int error = carried_put(carried, reader->arena, name, value);
    if (error != ERROR_OK || carried->value_count == before) {
        wire_break(reader, error == ERROR_NOMEM ? error : ERROR_PROTOCOL, "value");
    }
}

int
carried_decode(const void *bytes, size_t len, struct arena *arena, struct carried *out_carried)
{
    if (len == 0) {
        return ERROR_OK;
    }
    struct wire_reader reader;
    wire_reader_init(&reader, bytes, len, arena);
    size_t used = 0;
    const void *state = wire_bytes(&reader, "state", ROLLCALL_STATE_BYTES, &used);
    size_t count = wire_count(&reader, "values", CALL_VALUES_MAX);
    for (size_t i = 0; i < count && reader.error == ERROR_OK; i++) {
        read_value(&reader, out_carried);
    }
    int error = wire_finish(&reader, NULL);
    if (error == ERROR_OK && out_carried->state != NULL && used > 0) {
        memcpy(out_carried->state, state, used);
        out_carried->state_is_used = true;
    }
    return error;
}
