/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* TLS for the world: an authority of its own, made at start and trusted by nobody else, and a
 * certificate for 127.0.0.1 and localhost. Keys never leave memory. The world's only file that
 * makes certificates. */
#ifndef ROLLCALL_TESTS_WORLD_TLS_H
#define ROLLCALL_TESTS_WORLD_TLS_H

#include <openssl/ssl.h>

#include "daemon/base/attr.h"
#include "daemon/base/error.h"

/** Make authority and certificate, write the authority's certificate to `ca_file` (PEM).
 *  Owner: free with SSL_CTX_free(). Errors: IO; `why` names the step. */
MUST_CHECK int tls_new(const char *ca_file, SSL_CTX **out_context, struct error_text *why);

#endif
