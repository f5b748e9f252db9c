/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* See the header. Labels of the host and segments of the path are looked at word by word; the query
 * is not, because "?next=/login" stands on pages of all kinds. */
#include "plugins/sites/link.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define WORD_BYTES 64

/* Of a word without its hyphens and underscores: the whole of it, or how it begins. */
static const struct {
    const char *text;
    bool begins;
} gate_words[] = {
    { "login", true },     { "logon", true },         { "signin", true },   { "consent", true },
    { "challenge", true }, { "captcha", true },       { "authwall", true }, { "checkpoint", true },
    { "auth", false },     { "authenticate", false }, { "oauth", false },   { "oauth2", false },
    { "sso", false },      { "verifyhuman", true },
};

static bool
is_gate_word(const char *word)
{
    for (size_t i = 0; i < sizeof(gate_words) / sizeof(gate_words[0]); i++) {
        size_t len = strlen(gate_words[i].text);
        if (strncmp(word, gate_words[i].text, len) == 0 &&
            (gate_words[i].begins || word[len] == '\0')) {
            return true;
        }
    }
    return false;
}

/* Lower case, without '-' and '_', up to a dot. */
static void
fold(const char *part, size_t len, char out[WORD_BYTES])
{
    size_t used = 0;
    for (size_t i = 0; i < len && part[i] != '.' && used + 1 < WORD_BYTES; i++) {
        char c = part[i] >= 'A' && part[i] <= 'Z' ? (char)(part[i] - 'A' + 'a') : part[i];
        if (c != '-' && c != '_') {
            out[used++] = c;
        }
    }
    out[used] = '\0';
}

static bool
contains(const char *text, const char *part, size_t len)
{
    for (; *text != '\0'; text++) {
        if (strncasecmp(text, part, len) == 0) {
            return true;
        }
    }
    return false;
}

static bool
is_asked(const struct link_asked *asked, const char *part, size_t len)
{
    bool is_subject = len == strlen(asked->subject) && strncasecmp(part, asked->subject, len) == 0;
    return is_subject || contains(asked->url, part, len) || contains(asked->host, part, len);
}

bool
link_is_gate(const char *address, const struct link_asked *asked)
{
    const char *end = address + strcspn(address, "?#");
    while (address < end) {
        size_t len = strcspn(address, "/.:@?#");
        char word[WORD_BYTES];
        fold(address, len, word);
        if (is_gate_word(word) && !is_asked(asked, address, len)) {
            return true;
        }
        address += len < (size_t)(end - address) ? len + 1 : len;
    }
    return false;
}

/* ---- The same place ----------------------------------------------------- */

/* Behind the scheme and "www."; a relative address stays as it is. */
static const char *
skip_front(const char *url)
{
    const char *scheme = strstr(url, "://");
    bool is_whole = scheme != NULL && strcspn(url, "/?#") > (size_t)(scheme - url);
    url = is_whole ? scheme + 3 : strncmp(url, "//", 2) == 0 ? url + 2 : url;
    return strncasecmp(url, "www.", 4) == 0 ? url + 4 : url;
}

static size_t
len_without_slash(const char *text)
{
    size_t len = strcspn(text, "#");
    return len > 1 && text[len - 1] == '/' ? len - 1 : len;
}

bool
link_is_same_place(const char *location, const char *url)
{
    const char *there = skip_front(location);
    const char *here = skip_front(url);
    if (there[0] == '/') {
        here += strcspn(here, "/?#");
    }
    size_t len = len_without_slash(there);
    return len == len_without_slash(here) && strncasecmp(there, here, len) == 0;
}
