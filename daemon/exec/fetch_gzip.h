/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Inflating a gzip body piece by piece (RFC 1952); the daemon's only door to zlib. libcurl could do
 * it, but it inflates what it has read before anybody can stop or pause it, and it takes a body
 * that ends inside the compressed stream for a whole one. */
#ifndef ROLLCALL_EXEC_FETCH_GZIP_H
#define ROLLCALL_EXEC_FETCH_GZIP_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/error.h"

struct fetch_gzip;

/** Errors: NOMEM. Free with fetch_gzip_free(). */
MUST_CHECK int fetch_gzip_new(struct fetch_gzip **out_gzip);
void fetch_gzip_free(struct fetch_gzip **gzip);

/* Takes inflated bytes, a few KiB at a time; false: no more of them. */
typedef bool fetch_gzip_sink(void *context, const char *bytes, size_t len);

/** Inflate `len` bytes into `sink`, until it says no. Errors: PROTOCOL (not gzip), NOMEM. */
MUST_CHECK int fetch_gzip_feed(struct fetch_gzip *gzip, const char *bytes, size_t len,
                               fetch_gzip_sink *sink, void *context);

/** Whether the stream has come to its proper end. */
bool fetch_gzip_is_whole(const struct fetch_gzip *gzip);

#endif
