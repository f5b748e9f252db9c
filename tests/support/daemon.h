/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Runs a private rollcalld for a test: its own folder, socket and configuration, pointed at a world
 * of the test's. */
#ifndef ROLLCALL_TESTS_SUPPORT_DAEMON_H
#define ROLLCALL_TESTS_SUPPORT_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/support/child.h"
#include "tests/support/rpc.h"
#include "tests/support/tmpdir.h"
#include "tests/support/world.h"

/* A plugin's section. Always has rate = 0 and the world's base_url, <http>/<name>; `lines` come on
 * top. */
struct daemon_plugin {
    const char *name;
    const char *lines;   /* e.g. "timeout = \"200ms\";"; NULL: none */
    bool is_whole_world; /* base_url is the world itself, whose platforms are the plugin's own */
};

struct daemon_options {
    const struct world *world;           /* NULL: no base_url, no plugin sections */
    bool https;                          /* base_url is the world's https, ca_file its CA */
    const struct daemon_plugin *plugins; /* NULL: facebook, github, twitter */
    size_t plugin_count;
    const char *plugin_dir;     /* NULL: the build tree's plugins/ */
    const char *lines;          /* settings on top of the usual ones; NULL: none */
    const char *config;         /* the whole configuration instead of all of the above, or NULL */
    const char *const *args;    /* further arguments of rollcalld; a NULL at the end; or NULL */
    const char *const *env;     /* as in child_options */
    const char *const *wrapper; /* as in child_options */
    uid_t user; /* run it as this plain user, from a copy that the user can read; 0: as we are.
                   Needs root, and takes the wrapper's place */
};

struct daemon;

/**
 * The configuration's text for a private daemon whose files live in `dir`: listens on
 * ipc://<dir>/rollcall.sock, loads the build tree's plugins, may reach 127.0.0.0/8, allows all
 * three methods. What `lines` sets must not be among these: a key given twice is refused. Use
 * `-o key=value` in args for that. Timeout and deadline are a minute unless `lines` says otherwise.
 * free() it.
 */
char *daemon_config(const struct daemon_options *options, const struct tmpdir *dir);

/** Start it and wait for its READY=1. Owner: free with daemon_free(). Fails the test with what it
 *  said when it does not become ready. */
struct daemon *daemon_start(const struct daemon_options *options);

/** Start it and do not wait, for daemons that must refuse. */
struct daemon *daemon_launch(const struct daemon_options *options);
/** Wait for READY=1. False: it ended first, or the deadline. */
MUST_CHECK bool daemon_wait_ready(struct daemon *daemon);
/** Wait for a line of its notifications that begins so: "STOPPING=1", "RELOADING=1", "WATCHDOG=1".
 */
MUST_CHECK bool daemon_wait_notice(struct daemon *daemon, const char *begin, int timeout_ms);

/** SIGTERM, assert that it exits with 0 within the deadline, free all. Accepts NULL. */
void daemon_stop(struct daemon **daemon);
/** Kill it if it still runs, free all: for teardowns. Accepts NULL. */
void daemon_free(struct daemon **daemon);

const char *daemon_url(const struct daemon *daemon);  /* "ipc:///tmp/rollcall-…/rollcall.sock" */
const char *daemon_path(const struct daemon *daemon); /* the socket's path alone */
const char *daemon_config_file(const struct daemon *daemon);
const struct tmpdir *daemon_dir(const struct daemon *daemon);
struct child *daemon_child(struct daemon *daemon);
pid_t daemon_pid(const struct daemon *daemon);
/** Microseconds from just before it was started to its READY=1. */
int64_t daemon_ready_us(const struct daemon *daemon);
/** What it has logged so far (stderr); free() it. */
char *daemon_log(struct daemon *daemon);

#endif
