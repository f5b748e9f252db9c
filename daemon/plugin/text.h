/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Small judgements of texts that come from plugins. Pure. Shared by the daemon and its workers. */
#ifndef ROLLCALL_PLUGIN_TEXT_H
#define ROLLCALL_PLUGIN_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/** Well-formed UTF-8 without control characters. Thread: any. */
bool text_is_clean(const char *text, size_t len);

/** A token of RFC 9110, such as a header's name: not empty, no space, no delimiter. Thread: any. */
bool text_is_token(const char *text);

/** Make a text fit to be shown, in place: bytes that are not UTF-8 or are control characters become
 *  '?'. Thread: any. */
void text_mend(char *text);

#endif
