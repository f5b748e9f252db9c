/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What a check carries from step to step, as a struct and as bytes: rollcall_state() and the values
 * of rollcall_put(). Only what is used travels. Shared by the daemon and its workers. */
#ifndef ROLLCALL_PLUGIN_CARRIED_H
#define ROLLCALL_PLUGIN_CARRIED_H

#include "daemon/plugin/call.h"

struct carried {
    void *state;        /* ROLLCALL_STATE_BYTES, or NULL: nobody asks */
    bool state_is_used; /* it was handed out, or came with something in it */
    struct call_pair values[CALL_VALUES_MAX];
    size_t value_count;
    size_t value_bytes; /* of names and texts, with a NUL behind each */
};

/** Keep a value, in place of an earlier one of that name; the texts are copied into `arena`.
 *  Errors: INVALID (the name, or not UTF-8), TOO_BIG (all values together), NOMEM. */
MUST_CHECK int
carried_put(struct carried *carried, struct arena *arena, const char *name, const char *value);

/** Append the bytes: none when nothing is carried. Errors: as the buffer's. */
void carried_encode(const struct carried *carried, struct buf *out);

/** Read them back into a zeroed struct, whose `state` may be set. Errors: PROTOCOL, NOMEM. */
MUST_CHECK int
carried_decode(const void *bytes, size_t len, struct arena *arena, struct carried *out_carried);

#endif
