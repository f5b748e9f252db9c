/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Where the daemon listens: one URL of `listen`, read and judged. Pure: touches no socket, so that
 * --check-config judges as the server does. */
#ifndef ROLLCALL_SERVE_ENDPOINT_H
#define ROLLCALL_SERVE_ENDPOINT_H

#include <stdint.h>

#include "daemon/base/attr.h"
#include "daemon/base/error.h"

/* A socket's path in sockaddr_un holds 107 bytes; ours leaves room for ".lock". */
#define ENDPOINT_PATH_MAX 102
#define ENDPOINT_HOST_MAX 63
#define ENDPOINT_URL_BYTES 128

enum endpoint_kind { ENDPOINT_IPC, ENDPOINT_TCP };

struct endpoint {
    enum endpoint_kind kind;
    char url[ENDPOINT_URL_BYTES];     /* as configured: for messages */
    char path[ENDPOINT_PATH_MAX + 1]; /* IPC */
    char host[ENDPOINT_HOST_MAX + 1]; /* TCP: "127.0.0.1", "::1" */
    uint16_t port;                    /* TCP; 0: any */
};

/**
 * Read a listener's URL: ipc://PATH, or tcp://HOST:PORT on loopback.
 * Errors: INVALID (not a URL we know), RANGE (path or port), DENIED (tcp:// beyond loopback),
 *         UNSUPPORTED (tls+tcp://, ws://); `why` names the URL and what is allowed. Thread: any.
 */
MUST_CHECK int
endpoint_parse(const char *url, struct endpoint *out_endpoint, struct error_text *why);

#endif
