/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A gzip bomb, made by hand: deflate's fixed codes are enough for it. */
#ifndef ROLLCALL_TESTS_WORLD_BOMB_H
#define ROLLCALL_TESTS_WORLD_BOMB_H

#include "daemon/base/buf.h"

/* What it inflates to: 258 bytes for every 13 bits. */
#define BOMB_INFLATED_BYTES (512u * 1024 * 1024)

/** Append a gzip stream of about 3 MiB. Its checksum is wrong: who reads to it has been hit. */
void bomb_append(struct buf *out);

#endif
