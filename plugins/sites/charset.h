/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Tables of the charsets that pages still come in. They are made at build time from the C library's
 * own (make_charsets.c), because a worker may open no files, and iconv() opens one a charset. */
#ifndef ROLLCALL_SITES_CHARSET_H
#define ROLLCALL_SITES_CHARSET_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of a pair: the first from 0x81, the second from 0x40, both to 0xfe. */
#define CHARSET_LEAD_MIN 0x81
#define CHARSET_TRAIL_MIN 0x40
#define CHARSET_BYTE_MAX 0xfe
#define CHARSET_TRAILS (CHARSET_BYTE_MAX - CHARSET_TRAIL_MIN + 1)
#define CHARSET_PAIRS ((CHARSET_BYTE_MAX - CHARSET_LEAD_MIN + 1) * CHARSET_TRAILS)

struct charset {
    const char *labels;     /* " gbk gb2312 ": what pages call it, each between spaces */
    const uint16_t *single; /* 128: what the bytes from 0x80 mean; 0: nothing alone */
    const uint16_t *pairs;  /* CHARSET_PAIRS, or NULL */
};

extern const struct charset charsets[];
extern const size_t charset_count;

#endif
