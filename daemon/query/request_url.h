/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* URL templates: where a request goes. For request.c. */
#ifndef ROLLCALL_QUERY_REQUEST_URL_H
#define ROLLCALL_QUERY_REQUEST_URL_H

#include "daemon/query/fill.h"

/**
 * Fill a URL template.
 * Owner:  *out_url lives in the filling's arena.
 * Errors: as request_fill().
 */
MUST_CHECK int request_url(struct filling *filling, const char *url_template, const char **out_url);

/**
 * Fill the template of a service's name, "_xmpp-client._tcp.{domain}": its own characters are those
 * of a host and '_', its fields those that may stand in a URL's host.
 * Owner:  *out_name lives in the filling's arena.
 * Errors: as request_fill().
 */
MUST_CHECK int
request_srv(struct filling *filling, const char *name_template, const char **out_name);

#endif
