/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* Addresses of name servers as text. Allocates, keeps nothing. */

#include "daemon/exec/resolve_servers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/buf.h"

#define LIST_BYTES_MAX 4096

/* An address, a port behind it perhaps: then brackets stand around one with colons. What c-ares
 * takes for one is more, and less. */
static bool
is_server(const char *text)
{
    char address[INET6_ADDRSTRLEN];
    unsigned char bytes[sizeof(struct in6_addr)];
    bool is_bracketed = text[0] == '[';
    const char *first = strchr(text, ':');
    bool is_bare_ipv6 = !is_bracketed && first != NULL && strchr(first + 1, ':') != NULL;
    text += is_bracketed ? 1 : 0;
    size_t len = strcspn(text, is_bracketed ? "]" : is_bare_ipv6 ? "" : ":");
    if (len >= sizeof(address) || (is_bracketed && text[len] != ']')) {
        return false;
    }
    memcpy(address, text, len);
    address[len] = '\0';
    const char *rest = text + len + (is_bracketed ? 1 : 0);
    size_t digits = *rest == ':' ? strspn(rest + 1, "0123456789") : 0;
    bool has_port = digits >= 1 && digits <= 5 && rest[1 + digits] == '\0' &&
                    strtol(rest + 1, NULL, 10) >= 1 && strtol(rest + 1, NULL, 10) <= UINT16_MAX;
    int family = is_bracketed || is_bare_ipv6 ? AF_INET6 : AF_INET;
    return (has_port || (*rest == '\0' && !is_bracketed)) && inet_pton(family, address, bytes) == 1;
}

int
resolve_servers_join(const char *const *servers, size_t count, char **out_list,
                     struct error_text *why)
{
    struct buf list;
    if (count == 0) {
        *out_list = NULL;
        return ERROR_OK;
    }
    buf_init(&list, LIST_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!is_server(servers[i])) {
            buf_fini(&list);
            return error_say(why, ERROR_INVALID,
                             "dns_servers: found \"%.100s\", wants an address such as 127.0.0.1, "
                             "127.0.0.1:5353 or [::1]:53",
                             servers[i]);
        }
        buf_append_str(&list, i > 0 ? "," : "");
        buf_append_str(&list, servers[i]);
    }
    int error = list.error;
    char *joined = error == ERROR_OK ? buf_take(&list, NULL) : NULL;
    buf_fini(&list);
    if (joined == NULL) {
        error = error != ERROR_OK ? error : ERROR_NOMEM;
        return error_say(why, error, "dns_servers: %s", error_sentence(error));
    }
    *out_list = joined;
    return ERROR_OK;
}
