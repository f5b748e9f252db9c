/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Spans of time, rates and sizes as people write them. conf.h has the readers: conf_parse_*(). */
#ifndef ROLLCALL_CONF_CONF_UNIT_H
#define ROLLCALL_CONF_CONF_UNIT_H

#include <stddef.h>
#include <stdint.h>

/* Enough for any number with any unit. */
#define CONF_UNIT_BYTES 32

/** Write `us` or `bytes` with the largest unit that leaves a whole number: "90s", "64MiB". Thread:
 * any. */
void conf_write_duration(int64_t us, char out_text[CONF_UNIT_BYTES]);
void conf_write_size(int64_t bytes, char out_text[CONF_UNIT_BYTES]);

#endif
