/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One predicate a form. They are strict where a sloppy text would be misread later, as a URL with a
 * query would be once a template is put behind it. */
#include "daemon/conf/conf_form.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/attr.h"
#include "rollcall/plugin.h"

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define HEX "0123456789abcdefABCDEF"
#define DIGITS "0123456789"

/* Bytes of a User-Agent: proxies and platforms refuse longer header lines much later. */
#define USER_AGENT_BYTES_MAX 256

#define PORT_MAX 65535

/* If `text` starts with one of the schemes, what is behind it, else NULL. */
static const char *
behind_scheme(const char *text, const char *const *schemes)
{
    for (; *schemes != NULL; schemes++) {
        size_t len = strlen(*schemes);
        if (strncmp(text, *schemes, len) == 0) {
            return text + len;
        }
    }
    return NULL;
}

static bool
is_graphic(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= 0x20 || *text >= 0x7f) {
            return false;
        }
    }
    return true;
}

static bool
is_listener(const char *text)
{
    static const char *const schemes[] = { "ipc://", "tcp://", "tls+tcp://", "ws://", NULL };
    const char *rest = behind_scheme(text, schemes);
    return rest != NULL && *rest != '\0' && is_graphic(rest);
}

static bool
is_admin(const char *text)
{
    static const char *const schemes[] = { "ipc://", NULL };
    const char *rest = behind_scheme(text, schemes);
    return text[0] == '\0' || (rest != NULL && *rest != '\0' && is_graphic(rest));
}

static bool
is_network(const char *text)
{
    size_t len = strspn(text, HEX ":.");
    const char *slash = text + len;
    if (len < 2 || strcspn(text, ":.") >= len) {
        return false;
    }
    size_t digits = *slash == '/' ? strspn(slash + 1, DIGITS) : 0;
    return *slash == '\0' || (digits >= 1 && digits <= 3 && slash[1 + digits] == '\0');
}

static bool
is_user_agent(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < 0x20 || *at >= 0x7f) {
            return false;
        }
    }
    return *text != '\0' && *text != ' ' && strlen(text) <= USER_AGENT_BYTES_MAX;
}

static bool
is_proxy(const char *text)
{
    static const char *const schemes[] = { "http://",   "https://",   "socks4://", "socks4a://",
                                           "socks5://", "socks5h://", NULL };
    const char *rest = behind_scheme(text, schemes);
    return *text == '\0' || (rest != NULL && *rest != '\0' && is_graphic(rest));
}

/* A name or an address, brackets around one with colons; gives what is behind it, or NULL. */
static const char *
behind_host(const char *text)
{
    if (*text == '[') {
        size_t len = strspn(text + 1, HEX ":.");
        return len > 0 && text[1 + len] == ']' ? text + len + 2 : NULL;
    }
    size_t len = strspn(text, ALNUM ".-");
    bool is_name = len > 0 && *text != '.' && *text != '-' && text[len - 1] != '-';
    return is_name ? text + len : NULL;
}

static const char *
behind_port(const char *text)
{
    size_t len = strspn(text, DIGITS);
    if (len == 0 || len > 5) {
        return NULL;
    }
    long port = strtol(text, NULL, 10);
    return port >= 1 && port <= PORT_MAX ? text + len : NULL;
}

/* exec/resolve looks closer. */
static bool
is_dns_server(const char *text)
{
    const char *colon = strchr(text, ':');
    bool is_bare_ipv6 = text[0] != '[' && colon != NULL && strchr(colon + 1, ':') != NULL;
    size_t len = strspn(text, is_bare_ipv6 ? HEX ":." : DIGITS ".");
    const char *rest = text[0] == '[' ? behind_host(text) : len > 0 ? text + len : NULL;
    rest = rest != NULL && *rest == ':' ? behind_port(rest + 1) : rest;
    return rest != NULL && *rest == '\0';
}

/* Templates append "/…" to it, so it ends before a slash and has no query and no fragment. Braces
 * would be read as a template's own. */
static bool
is_base_url(const char *text)
{
    static const char *const schemes[] = { "https://", "http://", NULL };
    const char *rest = behind_scheme(text, schemes);
    rest = rest != NULL ? behind_host(rest) : NULL;
    if (rest != NULL && *rest == ':') {
        rest = behind_port(rest + 1);
    }
    if (rest == NULL) {
        return false;
    }
    if (*rest == '\0') {
        return true;
    }
    bool ends_well = rest[strlen(rest) - 1] != '/';
    return *rest == '/' && ends_well && is_graphic(rest) && strpbrk(rest, "?#{}\\\"<>^`|") == NULL;
}

static const char *const isolations[] = { "process", "thread", NULL };
static const char *const methods[] = { "documented", "signup", "recovery", NULL };
static const char *const strategies[] = { "race", "lazy", "auto", NULL };
static const char *const log_levels[] = { "error", "warning", "info", "debug", NULL };

_Static_assert(ROLLCALL_DOCUMENTED == 1 && ROLLCALL_SIGNUP == 2 && ROLLCALL_RECOVERY == 3,
               "methods[] is in the contract's order");

const struct conf_form conf_form_text = { .wants = "a text" };
const struct conf_form conf_form_path = { .wants = "a path", .is_path = true };
const struct conf_form conf_form_listener = {
    .wants = "a URL such as \"ipc:///run/rollcall/rollcall.sock\" or \"tcp://127.0.0.1:7465\"",
    .is_good = is_listener,
};
const struct conf_form conf_form_admin = {
    .wants = "a URL such as \"ipc:///run/rollcall/admin.sock\", or \"\" for none",
    .is_good = is_admin,
};
const struct conf_form conf_form_isolation = { .words = isolations };
const struct conf_form conf_form_method = { .words = methods };
const struct conf_form conf_form_strategy = { .words = strategies };
const struct conf_form conf_form_log_level = { .words = log_levels };
const struct conf_form conf_form_network = {
    .wants = "an address or network such as \"127.0.0.0/8\"",
    .is_good = is_network,
};
const struct conf_form conf_form_user_agent = {
    .wants = "1 to 256 printable ASCII characters",
    .is_good = is_user_agent,
};
const struct conf_form conf_form_proxy = {
    .wants =
        "a URL such as \"http://proxy:3128\" or \"socks5h://127.0.0.1:9050\", or \"\" for none",
    .is_good = is_proxy,
};
const struct conf_form conf_form_dns_server = {
    .wants = "an address such as \"127.0.0.1\", \"127.0.0.1:5353\" or \"[::1]:53\"",
    .is_good = is_dns_server,
};
const struct conf_form conf_form_base_url = {
    .wants = "http(s)://host[:port][/path] without a slash at the end, query or fragment",
    .is_good = is_base_url,
};
