/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Binding, accepting, counting; the connections themselves are link.c's. */
#include "daemon/serve/gate.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/serve/link.h"

#define SOCKET_MODE 0660
#define SOCKET_MODE_PRIVATE 0600
#define SOCKET_GROUP "rollcall"
#define GROUP_BYTES 16384 /* room for the longest line of a group file that we care for */

/* Accepted in one event, so that a flood cannot hold the loop. */
#define ACCEPT_AT_ONCE 64

/* No descriptor is free: somebody else's must be closed first. */
#define ACCEPT_PAUSE_US (50 * CLOCK_US_PER_MS)

struct gate {
    struct gate_options options;
    struct link_shared links;
    struct loop_watch watch; /* fd -1: closed */
    struct loop_timer pause;
    dev_t device; /* of the bound path */
    ino_t inode;
};

/* ---- binding ------------------------------------------------------------------------------ */

static int
say_io(struct error_text *why, const char *what, const char *path)
{
    return error_say(why, ERROR_IO, "cannot %s %s: %s", what, path, strerror(errno));
}

/* Only a socket is replaced: it is a dead daemon's, for the lock is ours. */
static int
judge_place(const char *path, struct error_text *why)
{
    struct stat found;
    if (lstat(path, &found) == 0 && !S_ISSOCK(found.st_mode)) {
        return error_say(why, ERROR_INVALID, "%s is there and is no socket; remove it", path);
    }
    return ERROR_OK; /* not there, or bind() will say what is wrong */
}

/* The group may not exist, or not be ours to give: then the socket is for the user's own group. */
static void
give_to_group(const char *path)
{
    struct group entry;
    struct group *found = NULL;
    char *text = malloc(GROUP_BYTES);
    if (text != NULL && getgrnam_r(SOCKET_GROUP, &entry, text, GROUP_BYTES, &found) == 0 &&
        found != NULL && chown(path, (uid_t)-1, found->gr_gid) != 0) {
        log_debug("serve", "%s: cannot give it to the group %s: %s", path, SOCKET_GROUP,
                  strerror(errno));
    }
    free(text);
}

/* Under another name first: the path leads to a socket that listens and has the right mode from the
 * moment it is there. */
static int
bind_and_listen(const char *path, bool is_private, int fd, struct error_text *why)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s.new", path);
    const char *new_path = address.sun_path;
    (void)unlink(new_path);
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        return say_io(why, "bind", path);
    }
    if (!is_private) {
        give_to_group(new_path);
    }
    int error = ERROR_OK;
    if (chmod(new_path, is_private ? SOCKET_MODE_PRIVATE : SOCKET_MODE) != 0 ||
        listen(fd, SOMAXCONN) != 0 || rename(new_path, path) != 0) {
        error = say_io(why, "listen on", path);
        (void)unlink(new_path);
    }
    return error;
}

static void
stop_listening(struct gate *gate)
{
    loop_timer_disarm(gate->options.loop, &gate->pause);
    if (gate->watch.fd >= 0) {
        loop_watch_remove(gate->options.loop, &gate->watch);
        (void)close(gate->watch.fd);
        gate->watch.fd = -1;
    }
}

int
gate_reopen(struct gate *gate, struct error_text *why)
{
    const char *path = gate->options.path;
    struct stat found = { 0 };
    stop_listening(gate);
    int error = judge_place(path, why);
    if (error != ERROR_OK) {
        return error;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return error_say(why, ERROR_IO, "no socket: %s", strerror(errno));
    }
    error = bind_and_listen(path, gate->options.is_private, fd, why);
    if (error == ERROR_OK && lstat(path, &found) != 0) {
        error = error_say(why, ERROR_IO, "%s has gone again: %s", path, strerror(errno));
    }
    gate->watch.fd = fd;
    gate->watch.events = EPOLLIN;
    if (error == ERROR_OK) {
        error = loop_watch_add(gate->options.loop, &gate->watch);
    }
    if (error != ERROR_OK) {
        (void)close(fd);
        gate->watch.fd = -1;
        return error;
    }
    gate->device = found.st_dev;
    gate->inode = found.st_ino;
    return ERROR_OK;
}

bool
gate_is_in_place(const struct gate *gate)
{
    struct stat found;
    return gate->watch.fd >= 0 && lstat(gate->options.path, &found) == 0 &&
           found.st_dev == gate->device && found.st_ino == gate->inode;
}

/* ---- accepting ---------------------------------------------------------------------------- */

static void
on_pause_over(struct loop_timer *timer)
{
    struct gate *gate = CONTAINER_OF(timer, struct gate, pause);
    if (gate->watch.fd >= 0 && loop_watch_add(gate->options.loop, &gate->watch) != ERROR_OK) {
        loop_timer_arm(gate->options.loop, &gate->pause, clock_deadline_us(ACCEPT_PAUSE_US));
    }
}

/* Take a connection in. Past a bound the oldest that never greeted makes room, then the one that
 * has been silent for longest: somebody who asks now always gets in, the daemon's own call too. */
static void
admit(struct gate *gate, int fd)
{
    struct link_shared *links = &gate->links;
    bool is_full = links->count >= gate->options.links_max;
    if (links->greeting_count >= GATE_GREETING_MAX || (is_full && links->greeting_count > 0)) {
        link_close(link_of(links->greeting.next));
    } else if (is_full) {
        link_close(link_of(links->joined.next));
    }
    link_start(links, fd);
}

static void
on_connection(struct loop_watch *watch, uint32_t events)
{
    struct gate *gate = CONTAINER_OF(watch, struct gate, watch);
    (void)events;
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        int fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            admit(gate, fd);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            loop_watch_remove(gate->options.loop, watch);
            loop_timer_arm(gate->options.loop, &gate->pause, clock_deadline_us(ACCEPT_PAUSE_US));
        }
        return;
    }
}

int
gate_new(const struct gate_options *options, struct gate **out_gate, struct error_text *why)
{
    struct gate *gate = calloc(1, sizeof(*gate));
    if (gate == NULL) {
        return error_say(why, ERROR_NOMEM, "out of memory");
    }
    gate->options = *options;
    gate->links = (struct link_shared){
        .loop = options->loop,
        .url = options->url,
        .inner_path = options->inner_path,
        .message_bytes_max = options->message_bytes_max,
    };
    list_init(&gate->links.greeting);
    list_init(&gate->links.joined);
    gate->watch = (struct loop_watch){ .fd = -1, .fn = on_connection };
    gate->pause.fn = on_pause_over;
    int error = gate_reopen(gate, why);
    if (error != ERROR_OK) {
        gate_free(&gate);
        return error;
    }
    *out_gate = gate;
    return ERROR_OK;
}

void
gate_close(struct gate *gate)
{
    if (gate_is_in_place(gate)) {
        (void)unlink(gate->options.path);
    }
    stop_listening(gate);
}

size_t
gate_links(const struct gate *gate)
{
    return gate->links.count;
}

static void
close_links(struct list *links)
{
    while (!list_is_empty(links)) {
        link_close(link_of(links->next));
    }
}

void
gate_free(struct gate **gate)
{
    if (*gate == NULL) {
        return;
    }
    gate_close(*gate);
    close_links(&(*gate)->links.greeting);
    close_links(&(*gate)->links.joined);
    free(*gate);
    *gate = NULL;
}
