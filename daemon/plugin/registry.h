/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The accepted plugins and their checkers, with the configuration applied: what a query chooses
 * from. A registry is built, then only read; reloading builds a new one beside it, and a query
 * keeps the one it began with (registry_ref). */
#ifndef ROLLCALL_PLUGIN_REGISTRY_H
#define ROLLCALL_PLUGIN_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/error.h"
#include "daemon/conf/conf.h"
#include "daemon/plugin/host.h"
#include "daemon/plugin/loader.h"

struct registry;
struct group;

/* UNLOADED: an order took it out of use, and another one may take it back. */
enum plugin_state { PLUGIN_READY, PLUGIN_DISABLED, PLUGIN_REFUSED, PLUGIN_ASIDE, PLUGIN_UNLOADED };

/* One plugin file as the daemon sees it. A refused one has no manifest, only its last error. Once
 * workers serve it, its state and what it tells are the loop's. */
struct plugin {
    char *name; /* the manifest's; the file's for a refused one */
    char *file; /* "github.so" */
    enum plugin_state state;
    struct registry *registry;       /* whose it is: whoever holds on to a plugin holds that */
    struct image *image;             /* NULL when refused */
    const struct manifest *manifest; /* NULL when refused */
    const char *isolation;           /* "process" or "thread", as configured */
    struct group *group; /* the processes that run it, group_use(); NULL: threads of the daemon */
    struct host_config config; /* of its steps: without files when it has an enumerate */
    struct host_config data;   /* of its enumerate: all of it, until registry_drop_files() */
    struct arena *files;       /* what those files hold; NULL: nothing, or dropped */
    bool is_enumerated;        /* its enumerate was asked, and what it yielded is here */
    const struct conf_plugin *section; /* secrets for templates; NULL: none given */
    struct error_text last_error;      /* "" when none */
    uint64_t calls;                    /* [loop] counters for `plugins` and `status` */
    uint64_t failures;
};

/* A checker with its configuration applied. Borrowed from the registry. */
struct checker {
    struct plugin *plugin;
    const struct manifest_checker *info;
    const char *base_url; /* configured or the descriptor's; NULL for a blocking one */
    uint32_t rate_count;  /* 0: no limit of ours */
    uint32_t rate_seconds;
    uint32_t concurrency;
    int64_t timeout_us;
    const char *source; /* "github.so", or the catalogue's name */
    size_t number;      /* its place: registry_checker(registry, number) */
    void *runtime;      /* [loop] what query/ keeps for it (pacing, flights); query frees it */
};

/* A file that a plugin's configuration names: at most so much of it is handed in. */
#define REGISTRY_FILE_BYTES_MAX (64 * 1024 * 1024)

/**
 * What a plugin declares as the configuration knows it: for conf_read().
 * Owner:  lists live in `arena`, texts in the manifest. Errors: NOMEM. Thread: any.
 */
MUST_CHECK int registry_schema(const struct manifest *manifest, struct arena *arena,
                               struct conf_schema *out_schema);

/**
 * Build one from opened images, in their order. A checker whose (platform, kind) is taken already
 * is left out and the log says so; so is a plugin whose name is taken (it is listed as refused).
 * Owner:  *out_registry has one reference, the caller's. `conf` must outlive it.
 * Errors: NOMEM, IO (a configured file cannot be read), TOO_BIG, INVALID; `why` names plugin and
 * key. Thread: [main] or [loop].
 */
MUST_CHECK int
registry_new(const struct conf *conf, struct image *const *images, size_t image_count,
             struct registry **out_registry, struct error_text *why);

/** Note a file that was refused, so that `plugins` shows it. Errors: NOMEM. */
MUST_CHECK int
registry_add_refused(struct registry *registry, const char *file, const struct error_text *why);

/** Note a plugin that is not to be used, so that `plugins` shows it. Where its name is taken it is
 *  refused. Errors: NOMEM. */
MUST_CHECK int registry_add_unloaded(struct registry *registry, struct image *image);

/** Add the checkers that a plugin's enumerate yielded (copied); *out_added says how many were new,
 *  the others are shadowed by an earlier one. Before the registry is in use. Errors: NOMEM.
 *  Thread: any, alone. */
MUST_CHECK int
registry_add_enumerated(struct registry *registry, struct plugin *plugin,
                        const struct manifest_checker *checkers, size_t count, size_t *out_added);

/** The plugin's enumerate has ended, whatever came of it: what its files held goes. */
void registry_drop_files(struct plugin *plugin);

/** Thread: [loop], or [main] while no loop runs. */
struct registry *registry_ref(struct registry *registry);
void registry_unref(struct registry **registry);
/** Whether anybody but the caller, who holds a reference, holds one. */
bool registry_is_shared(const struct registry *registry);

size_t registry_plugin_count(const struct registry *registry);
struct plugin *registry_plugin(const struct registry *registry, size_t index);

/** Checkers in the order of their platform ids, then kinds. */
size_t registry_checker_count(const struct registry *registry);
struct checker *registry_checker(const struct registry *registry, size_t index);

/** Of those, in the same order, the ones that plugins bring themselves: the few among the many that
 *  come from data. */
size_t registry_own_count(const struct registry *registry);
struct checker *registry_own(const struct registry *registry, size_t index);

/** The checker of a platform for a kind, or NULL. Whether any checker has that platform or tag. */
struct checker *registry_find(const struct registry *registry, const char *platform, int32_t kind);
bool registry_has_platform(const struct registry *registry, const char *platform);
bool registry_has_tag(const struct registry *registry, const char *tag);

#endif
