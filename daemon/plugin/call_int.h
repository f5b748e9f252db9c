/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What both directions of a call write alike. */
#ifndef ROLLCALL_PLUGIN_CALL_INT_H
#define ROLLCALL_PLUGIN_CALL_INT_H

#include "daemon/plugin/call.h"
#include "daemon/plugin/wire.h"

/** Magic, version, kind. */
void call_put_head(struct buf *out, uint32_t magic, uint8_t kind);
/** The kind; a fault when magic or version are others. */
uint8_t call_read_head(struct wire_reader *reader, uint32_t magic);

void call_put_pairs(struct buf *out, const struct call_pair *pairs, size_t count);

/* Checkers: call_checker.c. */
void call_put_checker(struct buf *out, const struct manifest_checker *checker);
/** What call_put_checker() wrote up to the data, unjudged, as a plugin would have it: without its
 *  functions. */
void call_read_fields(struct wire_reader *reader, rollcall_platform *out_platform,
                      rollcall_checker *out_checker);
/** Read one and judge it like one that a plugin yields; it is copied into the reader's arena. */
void call_read_checker(struct wire_reader *reader, struct manifest_checker *out_checker);

#endif
