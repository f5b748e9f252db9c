/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The configuration: one file in libconfig's syntax, `-o key=value` on top, judged against one
 * table of keys (conf_keys.h) and against what each plugin declares. The daemon's only door to
 * libconfig.
 *
 * Read in two steps, because a plugin's section can only be judged once the plugin is known:
 * conf_open() gives the tree and its plugin_dirs; conf_read() walks it all and gives the snapshot.
 * A snapshot never changes; a reload makes a new one. */
#ifndef ROLLCALL_CONF_CONF_H
#define ROLLCALL_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/error.h"

enum conf_type {
    CONF_STRING,
    CONF_INT,
    CONF_DURATION, /* "7us", "500ms", "10s", "5min", "2h", "1d": microseconds here */
    CONF_RATE,     /* "10/min", "1/s", "100/h", or the number 0: none */
    CONF_SIZE,     /* "64MiB", "512KiB", "1000": bytes */
    CONF_BOOL,
    CONF_LIST,    /* of strings */
    CONF_CHOICE,  /* one of a key's words */
    CONF_CHOICES, /* a list of them */
    CONF_FILE,    /* a readable file's name, relative to the configuration's folder; "": none */
    CONF_FILES,
    CONF_SECRET /* a file's name, first looked for in $CREDENTIALS_DIRECTORY; read, one line */
};

struct conf_rate {
    uint32_t count; /* 0: no limit */
    uint32_t seconds;
};

/* A value as read. Which field counts, the type says. Texts belong to the snapshot. */
struct conf_value {
    const char *key;
    enum conf_type type;
    bool is_set;    /* given in the file or by -o; else the fallback stands here */
    int64_t number; /* INT, DURATION (us), SIZE, BOOL */
    struct conf_rate rate;
    const char *const *texts; /* STRING, CHOICE, LIST, CHOICES, FILE, FILES (full paths), SECRET
                                 (the secret itself) */
    size_t count;
};

/* A key that a plugin declares. Borrowed during conf_read(). */
struct conf_option {
    const char *key;
    enum conf_type type;
    const char *fallback; /* as it would be written, or NULL */
    const char *sentence;
    int64_t min; /* INT, DURATION (us); min == max == 0: no bounds */
    int64_t max;
};

struct conf_schema {
    const char *plugin;
    const struct conf_option *options;
    size_t count;
};

/* One plugin's section, also for a plugin without one. */
struct conf_plugin {
    const char *name;
    bool enabled;
    const char *isolation; /* "process", "thread" or NULL: as the daemon's */
    bool rate_is_set;
    struct conf_rate rate;
    uint32_t concurrency;         /* 0: the descriptor's */
    int64_t timeout_us;           /* 0: the daemon's */
    const char *base_url;         /* NULL: the descriptor's */
    const struct conf_value *own; /* one for each declared option; of a disabled plugin none is set
                                     and no file is looked for */
    size_t own_count;
};

/* The snapshot. Field names are the keys; units in the names. */
struct conf {
    const char *file; /* NULL: none was read */
    const char *folder;
    const char *const *listen;
    size_t listen_count;
    const char *admin; /* NULL: beside the first ipc socket; "": none */
    const char *const *plugin_dirs;
    size_t plugin_dir_count;
    const char *state_dir;
    const char *isolation;
    int64_t threads;
    int64_t workers;
    int64_t timeout_us;
    int64_t deadline_us;
    int64_t deadline_max_us;
    int64_t query_ttl_us;
    int64_t stop_timeout_us;
    int64_t max_calls;
    int64_t max_queries;
    int64_t max_checks;
    int64_t body_bytes;
    uint32_t methods; /* bit 1 << ROLLCALL_DOCUMENTED … for each allowed method */
    const char *strategy;
    const char *const *allow_addresses;
    size_t allow_address_count;
    const char *user_agent;
    const char *proxy;
    const char *const *dns_servers;
    size_t dns_server_count;
    const char *ca_file;
    const char *log_level;
    const struct conf_plugin *plugins;
    size_t plugin_count;
};

struct conf_tree;

/**
 * Read the file's syntax and the overrides; find plugin_dirs.
 * `path` NULL: defaults only. `overrides` are "key=value" texts, e.g. "plugin.github.rate=10/min".
 * Owner:  *out_tree is the caller's, free with conf_close().
 * Errors: NOT_FOUND, IO, TOO_BIG, PARSE, INVALID, RANGE, NOMEM; `why` names file and line (or
 * "-o key"), what was found and what is allowed: "rollcalld.conf:7: timeout: found \"10 apples\",
 * wants a duration such as \"10s\"". Thread: [main].
 */
MUST_CHECK int conf_open(const char *path, const char *const *overrides, size_t override_count,
                         struct conf_tree **out_tree, struct error_text *why);
void conf_close(struct conf_tree **tree);

const char *const *conf_plugin_dirs(const struct conf_tree *tree, size_t *out_count);

/** Whether any plugin may run in a process: the plugins' names are not known yet, so it is asked
 *  before one is opened. Nothing is judged. */
bool conf_wants_processes(const struct conf_tree *tree);

/**
 * Judge everything: each key against the table, each plugin section against its schema.
 * A section for a plugin that no schema names is an error, as are unknown keys.
 * Owner:  *out_conf is the caller's, free with conf_free(); it does not need the tree.
 * Errors: INVALID, RANGE, NOT_FOUND, IO and TOO_BIG (a file or secret), NOMEM; `why` as above. A
 * secret and a URL that may carry a password are not repeated in it.
 */
MUST_CHECK int conf_read(const struct conf_tree *tree, const struct conf_schema *schemas,
                         size_t schema_count, struct conf **out_conf, struct error_text *why);
void conf_free(struct conf **conf);

/** The section of a plugin, or NULL when no schema named it. */
const struct conf_plugin *conf_plugin(const struct conf *conf, const char *name);
const struct conf_value *conf_own(const struct conf_plugin *plugin, const char *key);

/** "10s" to microseconds, "10/min" to a rate, "64MiB" to bytes. Errors: INVALID. */
MUST_CHECK int conf_parse_duration(const char *text, int64_t *out_us);
MUST_CHECK int conf_parse_rate(const char *text, struct conf_rate *out_rate);
MUST_CHECK int conf_parse_size(const char *text, int64_t *out_bytes);

/** Tell each key that is read at the start only and has another value in `after`. */
void conf_tell_fixed(const struct conf *before, const struct conf *after,
                     void (*line)(void *context, const char *key), void *context);

/** Print the table of keys for --help: key, what it allows, default (NULL: none), sentence. The
 * texts last as long as the call of `line`. Keys of every plugin's section are "plugin.NAME.rate".
 */
void conf_print_keys(void (*line)(void *context, const char *key, const char *type,
                                  const char *fallback, const char *sentence),
                     void *context);

#endif
