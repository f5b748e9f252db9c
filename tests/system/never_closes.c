/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Put in front of nng with LD_PRELOAD: an nng_close() that never comes back. */
#include <unistd.h>

#include <nng/nng.h>

int
nng_close(nng_socket socket)
{
    (void)socket;
    for (;;) {
        (void)pause();
    }
}
