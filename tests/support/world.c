/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Runs rollcall-world for a test. Its log is a file, so that reading it costs a benchmark nothing;
 * whoever waits for an event is woken by inotify. */
#include "tests/support/world.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "tests/support/common.h"
#include "tests/support/tmpdir.h"

#define SCALE_BYTES 32
#define ARGS_MAX 32
#define MS 1000

struct world {
    struct tmpdir *dir;
    struct child *child;
    char *http;
    char *https;
    char *dns;
    char *ca_file;
    char *log_path;
    int watch_fd;
};

static const char *const kind_names[WORLD_EVENT_KINDS] = {
    [WORLD_REQUEST] = "request", [WORLD_REPLY] = "reply", [WORLD_CLOSED] = "closed",
    [WORLD_ABORTED] = "aborted", [WORLD_DNS] = "dns",
};

/* ---- Start and stop */

static char *
copy_text(const cJSON *object, const char *key)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsString(member)) {
        support_fail("the world's ready line has no \"%s\"", key);
    }
    return support_text("%s", member->valuestring);
}

static void
read_ready_line(struct world *world)
{
    char *line = child_read_line(world->child, CHILD_WAIT_MS);
    cJSON *ready = line != NULL ? cJSON_Parse(line) : NULL;
    if (ready == NULL) {
        char *said = child_output(world->child, CHILD_STDERR);
        free(line);
        world_free(&world);
        support_fail("the world does not start: %s", said);
    }
    world->http = copy_text(ready, "http");
    world->https = copy_text(ready, "https");
    world->dns = copy_text(ready, "dns");
    world->ca_file = copy_text(ready, "ca_file");
    cJSON_Delete(ready);
    free(line);
}

static void
watch_log(struct world *world)
{
    world->log_path = tmpdir_write(world->dir, "world.log", "");
    world->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (world->watch_fd < 0 || inotify_add_watch(world->watch_fd, world->log_path, IN_MODIFY) < 0) {
        support_fail("inotify: %s", strerror(errno));
    }
}

/* The usual arguments, then the catalogues. */
static void
start_child(struct world *world, const struct world_options *options, bool only_prints)
{
    char *script = options->script != NULL
                       ? tmpdir_write(world->dir, "script.json", options->script)
                       : support_text("%s", TEST_SOURCE_DIR "/tests/world/seed.json");
    char scale[SCALE_BYTES];
    (void)snprintf(scale, sizeof(scale), "%.6f", options->scale > 0 ? options->scale : 1.0);
    const char *argv[ARGS_MAX] = { TEST_BUILD_DIR "/bin/rollcall-world",
                                   "--script",
                                   script,
                                   "--log",
                                   world->log_path,
                                   "--dir",
                                   tmpdir_path(world->dir),
                                   "--scale",
                                   scale,
                                   "--cases",
                                   options->cases != NULL ? options->cases
                                                          : TEST_SOURCE_DIR "/plugins" };
    size_t count = 11;
    for (size_t i = 0; options->catalogs != NULL && options->catalogs[i] != NULL; i++) {
        if (count + 4 > ARGS_MAX) {
            support_fail("too many catalogues");
        }
        argv[count++] = "--catalog";
        argv[count++] = options->catalogs[i];
    }
    if (only_prints) {
        argv[count] = "--print-catalog";
    }
    world->child = child_start(&(struct child_options){ .argv = argv });
    free(script);
}

static struct world *
make_world(void)
{
    struct world *world = calloc(1, sizeof(*world));
    if (world == NULL) {
        support_fail("out of memory");
    }
    world->dir = tmpdir_new();
    watch_log(world);
    return world;
}

struct world *
world_start(const struct world_options *options)
{
    const struct world_options seed = { 0 };
    struct world *world = make_world();
    start_child(world, options != NULL ? options : &seed, false);
    read_ready_line(world);
    return world;
}

char *
world_print_catalog(const struct world_options *options)
{
    int status = 0;
    struct world *world = make_world();
    start_child(world, options, true);
    bool has_ended = child_wait(world->child, CHILD_WAIT_MS, &status);
    char *truth = child_output(world->child, CHILD_STDOUT);
    char *said = child_output(world->child, CHILD_STDERR);
    world_free(&world);
    if (!has_ended || status != 0) {
        support_fail("the world does not print its catalogue (%d): %s", status, said);
    }
    free(said);
    return truth;
}

void
world_stop(struct world **world)
{
    if (*world == NULL) {
        return;
    }
    int status = 0;
    child_signal((*world)->child, SIGTERM);
    bool has_ended = child_wait((*world)->child, CHILD_WAIT_MS, &status);
    char *said = child_output((*world)->child, CHILD_STDERR);
    world_free(world);
    if (!has_ended || status != 0) {
        support_fail("the world did not end well (%d): %s", status, said);
    }
    free(said);
}

void
world_free(struct world **world)
{
    struct world *one = *world;
    if (one == NULL) {
        return;
    }
    child_free(&one->child);
    tmpdir_free(&one->dir);
    (void)close(one->watch_fd);
    free(one->http);
    free(one->https);
    free(one->dns);
    free(one->ca_file);
    free(one->log_path);
    free(one);
    *world = NULL;
}

const char *
world_http(const struct world *world)
{
    return world->http;
}

const char *
world_https(const struct world *world)
{
    return world->https;
}

const char *
world_dns(const struct world *world)
{
    return world->dns;
}

const char *
world_ca_file(const struct world *world)
{
    return world->ca_file;
}

struct child *
world_child(struct world *world)
{
    return world->child;
}

void
world_hurry_next(struct world *world)
{
    child_signal(world->child, SIGUSR1);
}

/* ---- The log */

static void
copy_cut(char *out, size_t out_bytes, const cJSON *text)
{
    (void)snprintf(out, out_bytes, "%s", cJSON_IsString(text) ? text->valuestring : "");
}

static enum world_event_kind
kind_of(const cJSON *name)
{
    for (size_t i = 0; i < WORLD_EVENT_KINDS; i++) {
        if (cJSON_IsString(name) && strcmp(name->valuestring, kind_names[i]) == 0) {
            return (enum world_event_kind)i;
        }
    }
    support_fail("the world's log has an event of an unknown name");
}

static struct world_event
read_event(const char *line, size_t len)
{
    cJSON *json = cJSON_ParseWithLength(line, len);
    if (json == NULL) {
        support_fail("the world's log has a bad line: %.*s", (int)len, line);
    }
    const cJSON *t_us = cJSON_GetObjectItemCaseSensitive(json, "t_us");
    const cJSON *connection = cJSON_GetObjectItemCaseSensitive(json, "connection");
    const cJSON *status = cJSON_GetObjectItemCaseSensitive(json, "status");
    const cJSON *by = cJSON_GetObjectItemCaseSensitive(json, "by");
    struct world_event event = {
        .t_us = cJSON_IsNumber(t_us) ? (int64_t)t_us->valuedouble : 0,
        .kind = kind_of(cJSON_GetObjectItemCaseSensitive(json, "event")),
        .connection = cJSON_IsNumber(connection) ? (int64_t)connection->valuedouble : -1,
        .status = cJSON_IsNumber(status) ? status->valueint : 0,
        .by_world = cJSON_IsString(by) && strcmp(by->valuestring, "world") == 0,
    };
    copy_cut(event.platform, sizeof(event.platform),
             cJSON_GetObjectItemCaseSensitive(json, "platform"));
    copy_cut(event.method, sizeof(event.method), cJSON_GetObjectItemCaseSensitive(json, "method"));
    copy_cut(event.target, sizeof(event.target), cJSON_GetObjectItemCaseSensitive(json, "target"));
    cJSON_Delete(json);
    return event;
}

static size_t
count_lines(const char *bytes)
{
    size_t lines = 0;
    for (const char *at = strchr(bytes, '\n'); at != NULL; at = strchr(at + 1, '\n')) {
        lines++;
    }
    return lines;
}

struct world_log
world_log(struct world *world)
{
    char *bytes = support_read_file(world->log_path, NULL);
    size_t lines = count_lines(bytes); /* what stands behind the last newline is not whole yet */
    struct world_log log = { .events = calloc(lines + 1, sizeof(*log.events)) };
    if (log.events == NULL) {
        support_fail("out of memory");
    }
    const char *line = bytes;
    for (; log.count < lines; log.count++) {
        const char *newline = strchr(line, '\n');
        log.events[log.count] = read_event(line, (size_t)(newline - line));
        line = newline + 1;
    }
    free(bytes);
    return log;
}

void
world_log_free(struct world_log *log)
{
    free(log->events);
    *log = (struct world_log){ 0 };
}

static bool
is_such(const struct world_event *event, enum world_event_kind kind, const char *platform)
{
    return event->kind == kind && (platform == NULL || strcmp(event->platform, platform) == 0);
}

size_t
world_log_count(const struct world_log *log, enum world_event_kind kind, const char *platform)
{
    size_t count = 0;
    for (size_t i = 0; i < log->count; i++) {
        count += is_such(&log->events[i], kind, platform);
    }
    return count;
}

const struct world_event *
world_log_first(const struct world_log *log, enum world_event_kind kind, const char *platform)
{
    for (size_t i = 0; i < log->count; i++) {
        if (is_such(&log->events[i], kind, platform)) {
            return &log->events[i];
        }
    }
    return NULL;
}

/* Forget the notices so far: the next one is about a change that comes after the log was read. */
static void
clear_notices(struct world *world)
{
    char notices[4096];
    while (read(world->watch_fd, notices, sizeof(notices)) > 0) {
    }
}

bool
world_wait(struct world *world, enum world_event_kind kind, const char *platform, size_t count,
           int timeout_ms)
{
    int64_t deadline_us = support_now_us() + (int64_t)timeout_ms * SUPPORT_SLOWDOWN * MS;
    for (;;) {
        clear_notices(world);
        struct world_log log = world_log(world);
        size_t found = world_log_count(&log, kind, platform);
        world_log_free(&log);
        if (found >= count) {
            return true;
        }
        struct pollfd fd = { .fd = world->watch_fd, .events = POLLIN };
        if (poll(&fd, 1, support_left_ms(deadline_us)) == 0) {
            return false;
        }
    }
}
