/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The one table of keys. It drives the parser and --help; the manual's page is written by hand, and
 * a gate holds it to this table. A key that is not here does not exist.
 *
 * X(key, type, place in struct conf, default as written, least, most, form, when, sentence)
 *
 * Bounds are microseconds for durations, bytes for sizes, elements for lists; 0, 0: none. Forms are
 * those of conf_form.h. The place is AT(field), or LIST_AT(field, its count). When it takes effect:
 * RELOAD, with every reading; START, what sockets, threads and transfers are built with, which
 * cannot change under them. */
#ifndef ROLLCALL_CONF_CONF_KEYS_H
#define ROLLCALL_CONF_CONF_KEYS_H

#include "rollcall/version.h"

#define CONF_MS INT64_C(1000)
#define CONF_S (1000 * CONF_MS)
#define CONF_MIN (60 * CONF_S)
#define CONF_HOUR (60 * CONF_MIN)
#define CONF_DAY (24 * CONF_HOUR)
#define CONF_MIB (INT64_C(1) << 20)
#define CONF_GIB (INT64_C(1) << 30)

#define CONF_KEYS(X)                                                                               \
    X(listen, LIST, LIST_AT(listen, listen_count), "[ \"ipc:///run/rollcall/rollcall.sock\" ]", 1, \
      16, listener, START, "Where clients are answered.")                                          \
    X(admin, STRING, AT(admin), NULL, 0, 0, admin, START,                                          \
      "Where its owner is answered who may load, unload and reload plugins; \"\" for none. By "    \
      "default admin.sock beside the first ipc:// socket.")                                        \
    X(plugin_dirs, LIST, LIST_AT(plugin_dirs, plugin_dir_count),                                   \
      "[ \"" ROLLCALL_PLUGIN_DIR "\" ]", 0, 16, path, RELOAD,                                      \
      "Folders whose *.so files are plugins.")                                                     \
    X(state_dir, STRING, AT(state_dir), "/var/lib/rollcall", 0, 0, path, RELOAD,                   \
      "Folder for what the daemon will keep across restarts; not used yet.")                       \
    X(isolation, CHOICE, AT(isolation), "process", 0, 0, isolation, RELOAD,                        \
      "Where plugin code runs; a plugin's section can say otherwise.")                             \
    X(threads, INT, AT(threads), "8", 1, 256, text, START,                                         \
      "Threads for plugin code with isolation = \"thread\", and for blocking work.")               \
    X(workers, INT, AT(workers), "2", 1, 64, text, RELOAD,                                         \
      "The most processes that serve one plugin, beside a spare.")                                 \
    X(timeout, DURATION, AT(timeout_us), "10s", 1 * CONF_MS, 10 * CONF_MIN, text, RELOAD,          \
      "The longest that one check may take once it left the pacing queue.")                        \
    X(deadline, DURATION, AT(deadline_us), "30s", 1 * CONF_MS, CONF_DAY, text, RELOAD,             \
      "The longest that one query may take when the client does not say.")                         \
    X(deadline_max, DURATION, AT(deadline_max_us), "5min", 1 * CONF_MS, CONF_DAY, text, RELOAD,    \
      "The most that a client may ask for as a query's deadline.")                                 \
    X(query_ttl, DURATION, AT(query_ttl_us), "60s", 1 * CONF_MS, CONF_DAY, text, RELOAD,           \
      "When a submitted query that nobody asks about is dropped.")                                 \
    X(stop_timeout, DURATION, AT(stop_timeout_us), "5s", 0, 10 * CONF_MIN, text, RELOAD,           \
      "What a stop leaves to queries in flight before it cancels them.")                           \
    X(max_calls, INT, AT(max_calls), "1024", 1, 65536, text, START,                                \
      "Calls that may wait at once; the next is told that we are overloaded.")                     \
    X(max_queries, INT, AT(max_queries), "4096", 1, 1000000, text, RELOAD,                         \
      "Queries open at once.")                                                                     \
    X(max_checks, INT, AT(max_checks), "100000", 1, 10000000, text, RELOAD,                        \
      "Checks pending or running at once, over all queries.")                                      \
    X(body_bytes, SIZE, AT(body_bytes), "64MiB", 1 * CONF_MIB, 64 * CONF_GIB, text, START,         \
      "Bytes of all reply bodies in flight; past it transfers pause.")                             \
    X(methods, CHOICES, AT(methods), "[ \"documented\", \"signup\" ]", 1, 3, method, RELOAD,       \
      "How checkers may find out; \"recovery\" asks account searches and is for you to allow.")    \
    X(strategy, CHOICE, AT(strategy), "auto", 0, 0, strategy, RELOAD,                              \
      "In which order the checks of a query start; \"auto\" races until something was learned.")   \
    X(allow_addresses, LIST, LIST_AT(allow_addresses, allow_address_count), "[ ]", 0, 64, network, \
      START, "Private networks that checks may reach all the same.")                               \
    X(user_agent, STRING, AT(user_agent), "rollcall/" ROLLCALL_VERSION, 0, 0, user_agent, START,   \
      "What the daemon calls itself to platforms; name a contact if you can.")                     \
    X(proxy, STRING, AT(proxy), NULL, 0, 0, proxy, START,                                          \
      "The proxy for every check; the environment's is never used.")                               \
    X(dns_servers, LIST, LIST_AT(dns_servers, dns_server_count), "[ ]", 0, 16, dns_server, START,  \
      "The name servers to ask instead of the system's.")                                          \
    X(ca_file, FILE, AT(ca_file), NULL, 0, 0, text, START,                                         \
      "Certificates to trust instead of the system's, in PEM.")                                    \
    X(log_level, CHOICE, AT(log_level), "info", 0, 0, log_level, RELOAD,                           \
      "What is logged: this and graver.")

/* The keys that every plugin's section has: X(key, type, default, least, most, form, sentence). */
#define CONF_PLUGIN_KEYS(X)                                                                        \
    X(enabled, BOOL, "true", 0, 0, text, "Whether the plugin is used at all.")                     \
    X(isolation, CHOICE, NULL, 0, 0, isolation, "Where its code runs; else as the daemon's.")      \
    X(rate, RATE, NULL, 0, 0, text, "Requests to each of its platforms; else what it declares.")   \
    X(concurrency, INT, NULL, 1, 10000, text,                                                      \
      "Requests to each of its platforms at a time; else what it declares.")                       \
    X(timeout, DURATION, NULL, 1 * CONF_MS, 10 * CONF_MIN, text,                                   \
      "The longest that one of its checks may take; else as the daemon's.")                        \
    X(base_url, STRING, NULL, 0, 0, base_url,                                                      \
      "Where its requests go instead: for tests and mirrors.")

#endif
