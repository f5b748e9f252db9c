/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* Judging URLs: what is one, where a Location leads from it, and who may be told secrets. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/attr.h"
#include "daemon/exec/fetch_url.h"

struct parse_row {
    const char *text;
    const char *origin; /* NULL: refused */
};

static const struct parse_row parses[] = {
    { "http://example.com", "http://example.com:80" },
    { "https://example.com/a?b=c#d", "https://example.com:443" },
    { "HTTPS://Example.COM:8443/", "https://example.com:8443" },
    { "http://127.0.0.1:80/", "http://127.0.0.1:80" },
    { "http://0x7f.1/", "http://127.0.0.1:80" },
    { "http://2130706433/", "http://127.0.0.1:80" },
    { "http://[2001:DB8::1]:81/", "http://[2001:db8::1]:81" },
    { "http://xn--bcher-kva.example/", "http://xn--bcher-kva.example:80" },
    { "http://example.com/\xc3\xa9", "http://example.com:80" },
    { "", NULL },
    { "example.com", NULL },
    { "/path", NULL },
    { "//example.com/", NULL },
    { "ftp://example.com/", NULL },
    { "file:///etc/passwd", NULL },
    { "gopher://example.com/", NULL },
    { "mailto:a@example.com", NULL },
    { "http://user@example.com/", NULL },
    { "http://user:word@example.com/", NULL },
    { "http://@example.com/", NULL },
    { "http://example.com:99999/", NULL },
    { "http://example.com:-1/", NULL },
    { "http://example.com:port/", NULL },
    { "http://exa mple.com/", NULL },
    { "http://example.com/a b", NULL },
    { "http://example.com/\r\nX: 1", NULL },
    { "http://example.com/\x7f", NULL },
    { "http://example.com\\@other.example/", NULL },
    { "http://a@b@c/", NULL },
    { "http://[::1", NULL },
    { "http://[zz]/", NULL },
};

static void
urls_are_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(parses); i++) {
        struct fetch_url url;
        int error = fetch_url_parse(parses[i].text, &url);
        if (parses[i].origin == NULL && error != ERROR_INVALID) {
            fail_msg("row %zu: %s was taken", i, parses[i].text);
        }
        if (parses[i].origin == NULL) {
            continue;
        }
        if (error != ERROR_OK || strcmp(url.origin, parses[i].origin) != 0 ||
            strcmp(url.text, parses[i].text) != 0) {
            fail_msg("row %zu: %s: error %d", i, parses[i].text, error);
        }
        fetch_url_fini(&url);
    }
}

static void
length_is_bounded(void **state)
{
    (void)state;
    struct fetch_url url;
    char *text = malloc(FETCH_URL_BYTES_MAX + 2);
    assert_non_null(text);
    memset(text, 'a', FETCH_URL_BYTES_MAX + 1);
    memcpy(text, "http://e/", strlen("http://e/"));
    text[FETCH_URL_BYTES_MAX + 1] = '\0';
    assert_int_equal(fetch_url_parse(text, &url), ERROR_INVALID);
    text[FETCH_URL_BYTES_MAX] = '\0';
    assert_int_equal(fetch_url_parse(text, &url), ERROR_OK);
    struct fetch_url next;
    text[FETCH_URL_BYTES_MAX] = 'a';
    assert_int_equal(fetch_url_follow(&url, text, &next), ERROR_PROTOCOL);
    memset(text + 9, 0xc3, FETCH_URL_BYTES_MAX / 2); /* each becomes three */
    text[FETCH_URL_BYTES_MAX] = '\0';
    assert_int_equal(fetch_url_follow(&url, text, &next), ERROR_PROTOCOL);
    fetch_url_fini(&url);
    free(text);
}

struct follow_row {
    const char *location;
    const char *text; /* NULL: leads nowhere */
};

/* From http://example.com/a/b?c (RFC 3986 5.4, as far as web addresses go). */
static const struct follow_row follows[] = {
    { "/d", "http://example.com/d" },
    { "d", "http://example.com/a/d" },
    { "./d", "http://example.com/a/d" },
    { "../d", "http://example.com/d" },
    { "?e=f", "http://example.com/a/b?e=f" },
    { "#top", "http://example.com/a/b?c" },
    { "/d#top", "http://example.com/d" },
    { "//other.example/d", "http://other.example/d" },
    { "https://other.example", "https://other.example/" },
    { "/d e", "http://example.com/d%20e" },
    { "/d?e f", "http://example.com/d?e%20f" },
    { "/\xc3\xa9", "http://example.com/%C3%A9" },
    { "/%41", "http://example.com/%41" },
    { "ftp://example.com/", NULL },
    { "file:///etc/passwd", NULL },
    { "javascript:alert(1)", NULL },
    { "data:text/html,x", NULL },
    { "http://user:word@example.com/", NULL },
    { "//user@other.example/", NULL },
    { "http://exa mple.com/", NULL },
    { "http://example.com:99999/", NULL },
};

static void
locations_lead_somewhere(void **state)
{
    (void)state;
    struct fetch_url base;
    assert_int_equal(fetch_url_parse("http://example.com/a/b?c", &base), ERROR_OK);
    for (size_t i = 0; i < ARRAY_LEN(follows); i++) {
        struct fetch_url next;
        int error = fetch_url_follow(&base, follows[i].location, &next);
        if (follows[i].text == NULL && error != ERROR_PROTOCOL) {
            fail_msg("row %zu: %s led somewhere", i, follows[i].location);
        }
        if (follows[i].text == NULL) {
            continue;
        }
        if (error != ERROR_OK || strcmp(next.text, follows[i].text) != 0) {
            fail_msg("row %zu: %s led to %s", i, follows[i].location,
                     error == ERROR_OK ? next.text : "nothing");
        }
        fetch_url_fini(&next);
    }
    fetch_url_fini(&base);
}

struct trust_row {
    const char *from;
    const char *to;
    bool trusted;
};

static const struct trust_row trusts[] = {
    { "http://example.com/a", "http://example.com/b", true },
    { "http://example.com/", "http://EXAMPLE.com:80/", true },
    { "https://example.com/", "https://example.com:443/", true },
    { "http://example.com/", "https://example.com/", true },
    { "https://example.com/", "http://example.com/", false },
    { "http://example.com/", "http://example.com:8080/", false },
    { "http://example.com:8080/", "https://example.com/", false },
    { "http://example.com/", "https://example.com:8443/", false },
    { "http://example.com/", "https://example.com.evil.example/", false },
    { "http://example.com/", "https://example.co/", false },
    { "https://example.com/", "https://www.example.com/", false },
    { "https://example.com/", "https://example.com./", false },
    { "http://[::1]/", "https://[::1]/", false }, /* no need to take brackets apart */
};

static void
trust_is_an_origin(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(trusts); i++) {
        struct fetch_url from;
        struct fetch_url to;
        assert_int_equal(fetch_url_parse(trusts[i].from, &from), ERROR_OK);
        assert_int_equal(fetch_url_parse(trusts[i].to, &to), ERROR_OK);
        if (fetch_url_is_trusted(&from, &to) != trusts[i].trusted) {
            fail_msg("row %zu: %s to %s", i, trusts[i].from, trusts[i].to);
        }
        fetch_url_fini(&from);
        fetch_url_fini(&to);
    }
}

static void
literal_hosts_are_addresses(void **state)
{
    (void)state;
    static const char *const urls[] = { "http://0x7f.1/", "http://[::1]:8/", "http://localhost/",
                                        "http://1.2.3.4.example/" };
    static const int families[] = { AF_INET, AF_INET6, 0, 0 };
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct fetch_url url;
        struct sockaddr_storage address;
        assert_int_equal(fetch_url_parse(urls[i], &url), ERROR_OK);
        bool is_literal = fetch_url_literal(&url, &address);
        if (is_literal != (families[i] != 0) || (is_literal && address.ss_family != families[i])) {
            fail_msg("row %zu: %s", i, urls[i]);
        }
        fetch_url_fini(&url);
    }
}

static const struct {
    const char *text;
    const char *host; /* NULL: it has none that can be asked for */
    const char *port;
} hosts[] = {
    { "http://Example.com/x:1", "example.com", "80" },
    { "https://under_score.example.com./", "under_score.example.com.", "443" },
    { "https://xn--bcher-kva.example:8443/", "xn--bcher-kva.example", "8443" },
    { "http://b\xff.example/", NULL, NULL },
    { "http://b\xc3\xbc.example/", NULL, NULL },
    { "http://[2001:db8::1]/", NULL, NULL },
};

static void
hosts_are_taken_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        struct fetch_url url;
        char *host = NULL;
        char *port = NULL;
        assert_int_equal(fetch_url_parse(hosts[i].text, &url), ERROR_OK);
        int error = fetch_url_host(&url, &host, &port);
        if (hosts[i].host == NULL) {
            assert_int_equal(error, ERROR_INVALID);
        } else {
            assert_int_equal(error, ERROR_OK);
            assert_string_equal(host, hosts[i].host);
            assert_string_equal(port, hosts[i].port);
        }
        free(host);
        free(port);
        fetch_url_fini(&url);
    }
}

static const struct {
    const char *text;
    const char *host; /* NULL: nothing to resolve */
    const char *port;
    bool resolves;
} proxies[] = {
    { "", NULL, NULL, false },
    { "http://proxy.example:3128", "proxy.example", "3128", true },
    { "http://user:word@proxy.example", "proxy.example", "1080", true },
    { "https://proxy.example", "proxy.example", "443", true },
    { "http://192.0.2.1:3128", NULL, "3128", true },
    { "http://[2001:db8::1]:3128", NULL, "3128", true },
    { "socks4a://proxy.example", "proxy.example", "1080", true },
    { "socks5h://127.0.0.1:9050", NULL, "9050", true },
    { "socks4://proxy.example:1", "proxy.example", "1", false },
    { "socks5://127.0.0.1:9050", NULL, "9050", false },
};

static void
proxies_are_taken_apart(void **state)
{
    (void)state;
    struct fetch_proxy proxy;
    for (size_t i = 0; i < ARRAY_LEN(proxies); i++) {
        assert_int_equal(fetch_proxy_parse(proxies[i].text, &proxy), ERROR_OK);
        if (proxies[i].host != NULL) {
            assert_string_equal(proxy.host, proxies[i].host);
        } else {
            assert_null(proxy.host);
        }
        if (proxies[i].port != NULL) {
            assert_string_equal(proxy.port, proxies[i].port);
        }
        assert_int_equal(proxy.resolves, proxies[i].resolves);
        fetch_proxy_fini(&proxy);
    }
    assert_int_equal(fetch_proxy_parse("http://", &proxy), ERROR_INVALID);
    assert_int_equal(fetch_proxy_parse("proxy:port", &proxy), ERROR_INVALID);
    assert_int_equal(fetch_proxy_parse("http://pr\xc3\xb6xy.example", &proxy), ERROR_INVALID);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_taken_out),
        cmocka_unit_test(proxies_are_taken_apart),
        cmocka_unit_test(urls_are_judged),
        cmocka_unit_test(length_is_bounded),
        cmocka_unit_test(locations_lead_somewhere),
        cmocka_unit_test(trust_is_an_origin),
        cmocka_unit_test(literal_hosts_are_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
