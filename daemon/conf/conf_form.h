/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What a text must look like, by kind: a URL to listen on, one of some words, a network. Pure. */
#ifndef ROLLCALL_CONF_CONF_FORM_H
#define ROLLCALL_CONF_CONF_FORM_H

#include <stdbool.h>

struct conf_form {
    const char *wants;                 /* for messages and the manual; NULL where words say it */
    bool (*is_good)(const char *text); /* NULL: any text */
    const char *const *words;          /* the only ones allowed, NULL behind the last; else NULL */
    bool is_path;                      /* resolved against the folder; need not exist */
};

/* Any text; a path; a listener's URL (its scheme: the server judges the rest), of
 * the admin socket "" too. */
extern const struct conf_form conf_form_text;
extern const struct conf_form conf_form_path;
extern const struct conf_form conf_form_listener;
extern const struct conf_form conf_form_admin;
/* Words. Of methods the i-th word is the method i + 1 of the plugin contract. */
extern const struct conf_form conf_form_isolation;
extern const struct conf_form conf_form_method;
extern const struct conf_form conf_form_strategy;
extern const struct conf_form conf_form_log_level;
/* A network such as 127.0.0.0/8 (a rough look; exec/address reads it); a User-Agent; a proxy's URL
 * or ""; a name server's address (rough, too; exec/resolve reads it); a checker's base_url. */
extern const struct conf_form conf_form_network;
extern const struct conf_form conf_form_user_agent;
extern const struct conf_form conf_form_proxy;
extern const struct conf_form conf_form_dns_server;
extern const struct conf_form conf_form_base_url;

#endif
