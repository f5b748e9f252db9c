/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The formats of others, entry by entry. Only what a reply looks like is read, and whether a
 * request can be made at all: how it is made is for the daemon to know, and for its log to show. */
#include <string.h>

#include "tests/world/catalog_int.h"
#include "tests/world/text.h"

/* ---- WhatsMyName */

#define WMN_PLACE "{account}"

static int
code_of(const struct json *json)
{
    double code = json_number(json, 0);
    return code >= 100 && code <= 999 ? (int)code : 0;
}

bool
catalog_read_wmn(struct catalog_source *source, const struct json *json, struct site *out_site)
{
    const char *name = json_string(json_get(json, "name"), "");
    const char *category = json_string(json_get(json, "cat"), "");
    bool has_place = catalog_has_text(json_get(json, "uri_check"), WMN_PLACE) ||
                     catalog_has_text(json_get(json, "post_body"), WMN_PLACE);
    *out_site = (struct site){
        .rules = SITE_TWO_SIDED,
        .present_code = code_of(json_get(json, "e_code")),
        .absent_code = code_of(json_get(json, "m_code")),
        .present = catalog_texts(source, json_get(json, "e_string")),
        .absent = catalog_texts(source, json_get(json, "m_string")),
        .strip = catalog_text(source, json_get(json, "strip_bad_char")),
        .is_host = catalog_is_in_host(json_get(json, "uri_check"), WMN_PLACE),
        .is_quoted = catalog_has_text(json_get(json, "post_body"), "\\\"" WMN_PLACE),
        .is_adult = strstr(category, "NSFW") != NULL,
    };
    catalog_name(source, name, out_site);
    bool is_whole = json_type(json_get(json, "e_string")) == JSON_STRING &&
                    json_type(json_get(json, "m_string")) == JSON_STRING &&
                    out_site->present_code != 0 && out_site->absent_code != 0;
    is_whole = is_whole &&
               (site_reads_bodies(out_site) || out_site->present_code != out_site->absent_code);
    return *name != '\0' && has_place && is_whole && json_bool(json_get(json, "valid"), true);
}

/* ---- Sherlock */

#define SHERLOCK_PLACE "{}"

static unsigned
sherlock_rule(const char *word)
{
    static const struct {
        const char *word;
        unsigned rule;
    } words[] = {
        { "message", SITE_MESSAGE },
        { "status_code", SITE_STATUS },
        { "response_url", SITE_REDIRECT },
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(words[i].word, word) == 0) {
            return words[i].rule;
        }
    }
    return 0;
}

/* 0: there is one that is not known. */
static unsigned
sherlock_rules(const struct json *json)
{
    if (json_type(json) == JSON_STRING) {
        return sherlock_rule(json_string(json, ""));
    }
    unsigned rules = 0;
    const struct json *element = json_type(json) == JSON_ARRAY ? json_first(json) : NULL;
    for (; element != NULL; element = json_next(element)) {
        unsigned rule = sherlock_rule(json_string(element, ""));
        if (rule == 0) {
            return 0;
        }
        rules |= rule;
    }
    return rules;
}

static bool
sherlock_has_place(const struct json *json)
{
    const struct json *probe = json_get(json, "urlProbe");
    return catalog_has_text(probe != NULL ? probe : json_get(json, "url"), SHERLOCK_PLACE) ||
           catalog_has_text(json_get(json, "request_payload"), SHERLOCK_PLACE);
}

/* Whether a header names another host than the URL: that is no request to the site. */
static bool
is_for_another(const struct json *url, const struct json *headers)
{
    const char *text = json_string(url, "");
    const char *host = strstr(text, "://");
    const struct json *header = json_first(headers);
    for (; host != NULL && header != NULL; header = json_next(header)) {
        const char *value = json_string(header, "");
        if (text_equals_nocase(json_key(header), "Host") &&
            (strncmp(host + 3, value, strlen(value)) != 0 ||
             strchr("/?#:", host[3 + strlen(value)]) == NULL)) {
            return true;
        }
    }
    return false;
}

bool
catalog_read_sherlock(struct catalog_source *source, const struct json *json, struct site *out_site)
{
    const struct json *type = json_get(json, "errorType");
    const struct json *probe = json_get(json, "urlProbe");
    const struct json *url = probe != NULL ? probe : json_get(json, "url");
    *out_site = (struct site){
        .rules = sherlock_rules(type),
        .follows = strcmp(json_string(type, ""), "response_url") != 0,
        .pattern = catalog_text(source, json_get(json, "regexCheck")),
        .is_host =
            catalog_is_in_host(probe != NULL ? probe : json_get(json, "url"), SHERLOCK_PLACE),
        .is_adult = json_bool(json_get(json, "isNSFW"), false),
    };
    catalog_name(source, json_key(json), out_site);
    if ((out_site->rules & SITE_MESSAGE) != 0) {
        out_site->absent = catalog_texts(source, json_get(json, "errorMsg"));
        if (out_site->absent.count == 0) {
            return false;
        }
    }
    if ((out_site->rules & SITE_STATUS) != 0) {
        catalog_codes(json_get(json, "errorCode"), out_site);
    }
    return out_site->rules != 0 && sherlock_has_place(json) &&
           !is_for_another(url, json_get(json, "headers"));
}
