/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Between the process pool, which knows no plugin, and the crew, which knows no process. The floor
 * that decides what a death means to a plugin, so the one that logs it: the pool's back-off and its
 * circuit breaker bound how often that is. */
#include "daemon/plugin/group.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/file_mark.h"
#include "daemon/base/landlock_abi.h"
#include "daemon/base/list.h"
#include "daemon/base/log.h"
#include "daemon/plugin/loader.h"
#include "daemon/plugin/manifest_wire.h"
#include "daemon/plugin/text.h"

#define PID_BYTES 24

struct groups {
    struct loop *loop;
    char *program;
    struct list list;
};

struct group {
    struct groups *groups;
    struct list node;
    char *path;
    struct file_mark file; /* at `path`, before the first worker opened it */
    struct procs *procs;
    void (*settled)(void *context);
    void *context;
    bool is_settled;
    struct manifest *manifest; /* until it is taken */
    bool needs_network;        /* a checker of it does */
    struct error_text why;     /* why there is none */
    struct plugin *plugin;     /* that it serves; NULL: none yet, or none any more */
    int64_t block_us;
    struct procs *reader;        /* of its data: closed when it has done that; NULL: none so far */
    struct future_callback read; /* the reader's call has ended */
    struct loop_post gone;       /* its last worker has left */
};

/* ---- what the workers' lives mean --------------------------------------------------------- */

static bool
needs_network(const struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->checker_count; i++) {
        if ((manifest->checkers[i].flags & ROLLCALL_NEEDS_NETWORK) != 0) {
            return true;
        }
    }
    return false;
}

static void
settle(struct group *group)
{
    group->is_settled = true;
    text_mend(group->why.text);
    group->settled(group->context);
}

static void
learn(struct group *group)
{
    size_t len = 0;
    struct error_text what = { "" };
    const void *hello = procs_hello(group->procs, &len);
    if (manifest_wire_decode(hello, len, &group->manifest, &what) != ERROR_OK) {
        (void)error_say(&group->why, ERROR_PROTOCOL, "%s: its worker cannot be understood: %.400s",
                        loader_file_name(group->path), what.text);
        procs_close(group->procs);
    } else {
        group->needs_network = needs_network(group->manifest);
    }
    settle(group);
}

/* A worker that said why not named the file; one that died did not. */
static void
note_refusal(struct group *group, const char *sentence)
{
    struct procs_stats stats;
    procs_stats(group->procs, &stats);
    if (stats.deaths == 0) {
        (void)error_say(&group->why, ERROR_PLUGIN, "%s", sentence);
    } else {
        (void)error_say(&group->why, ERROR_PLUGIN, "%s: cannot be opened: worker %s",
                        loader_file_name(group->path), sentence);
    }
    settle(group);
}

static void
note_death(struct plugin *plugin, enum procs_state state, const char *sentence)
{
    bool has_changed = strcmp(sentence, PROCS_HAS_CHANGED) == 0;
    struct error_text said;
    (void)error_say(&said, ERROR_PLUGIN, "%s%s", has_changed ? "" : "worker ", sentence);
    text_mend(said.text);
    log_warning("plugin", "%s: %s", plugin->name, said.text);
    if (state != PROCS_REFUSED || has_changed) { /* else a late death: why it is aside was said */
        plugin->last_error = said;
    }
    if (state == PROCS_ASIDE) {
        if (plugin->state != PLUGIN_ASIDE) {
            log_error("plugin", "%s: keeps failing and is put aside for a while", plugin->name);
        }
        plugin->state = PLUGIN_ASIDE;
    } else if (state == PROCS_REFUSED) {
        plugin->state = PLUGIN_ASIDE; /* the old code is gone, and the new waits for a reload */
    }
}

static void
serve_told(struct plugin *plugin, enum procs_state state, const char *sentence)
{
    if (sentence[0] != '\0') {
        note_death(plugin, state, sentence);
    } else if (state == PROCS_READY && plugin->state == PLUGIN_ASIDE) {
        plugin->state = PLUGIN_READY;
        log_info("plugin", "%s: answers again", plugin->name);
    }
}

static bool
is_gone(const struct group *group)
{
    return (group->procs == NULL || procs_is_gone(group->procs)) &&
           (group->reader == NULL || procs_is_gone(group->reader));
}

static void
leave_when_gone(struct group *group)
{
    bool is_released = group->plugin == NULL && group->is_settled && group->settled == NULL;
    if (is_released && is_gone(group)) {
        loop_post(group->groups->loop, &group->gone);
    }
}

static void
told(void *context, enum procs_state state, const char *sentence)
{
    struct group *group = context;
    if (state == PROCS_CLOSED && sentence[0] == '\0') {
        leave_when_gone(group);
    } else if (group->plugin != NULL) {
        serve_told(group->plugin, state, sentence);
    } else if (!group->is_settled && state == PROCS_READY) {
        learn(group);
    } else if (!group->is_settled && state == PROCS_REFUSED) {
        note_refusal(group, sentence);
    }
}

/* One that is not there the worker cannot open either, and says so. */
static bool
is_current(void *context)
{
    const struct group *group = context;
    struct file_mark now = file_mark_take(group->path);
    return !now.is_there || file_mark_is_same(&now, &group->file);
}

/* A reader's death is noted; the others serve on. */
static void
reader_told(void *context, enum procs_state state, const char *sentence)
{
    struct group *group = context;
    if (state == PROCS_CLOSED && sentence[0] == '\0') {
        leave_when_gone(group);
    } else if (group->plugin != NULL && sentence[0] != '\0') {
        note_death(group->plugin, PROCS_READY, sentence);
    }
}

/* ---- lives -------------------------------------------------------------------------------- */

static void
free_group(struct group *group)
{
    list_remove(&group->node);
    procs_free(&group->reader);
    procs_free(&group->procs);
    manifest_free(&group->manifest);
    free(group->path);
    free(group);
}

static void
gone_due(struct loop_post *post)
{
    free_group(CONTAINER_OF(post, struct group, gone));
}

/* `known`: the workers that said what the file is; NULL: the first of these will say it. */
static int
start(struct group *group, const char *profile, const struct procs *known,
      void (*on_told)(void *context, enum procs_state state, const char *sentence),
      struct procs **out_procs)
{
    /* Whom a worker with the network asks for names: all that its sandbox lets it read of it
     * (worker/landlock), which programs that change it replace rather than write to. */
    static const char *const name_files[] = { "/etc/resolv.conf",   "/etc/hosts",
                                              "/etc/nsswitch.conf", "/etc/gai.conf",
                                              "/etc/host.conf",     NULL };
    bool has_network = profile != NULL && strcmp(profile, "net") == 0;
    size_t hello_len = 0;
    const void *hello = known != NULL ? procs_hello(known, &hello_len) : NULL;
    char parent[PID_BYTES];
    (void)snprintf(parent, sizeof(parent), "%ld", (long)getpid());
    const char *argv[] = { "rollcall-worker", group->path, parent, profile, NULL };
    const struct procs_options options = {
        .loop = group->groups->loop,
        .program = group->groups->program,
        .argv = argv,
        .queue_max = GROUP_QUEUE_MAX,
        .hello = hello,
        .hello_len = hello_len,
        .told = on_told,
        .is_current = is_current,
        .held_paths = has_network ? name_files : NULL,
        .context = group,
    };
    return procs_new(&options, out_procs);
}

/* Nothing else is to be read: its memory is free again. */
static void
read_ended(struct future *future, void *context)
{
    struct group *group = context;
    (void)future;
    if (group->reader != NULL) {
        procs_close(group->reader);
    }
}

int
group_open(struct groups *groups, const char *path, void (*settled)(void *context), void *context,
           struct group **out_group)
{
    struct group *group = calloc(1, sizeof(*group));
    if (group == NULL) {
        return ERROR_NOMEM;
    }
    group->groups = groups;
    group->settled = settled;
    group->context = context;
    group->gone.fn = gone_due;
    group->read = (struct future_callback){ .fn = read_ended, .context = group };
    list_init(&group->node);
    group->path = strdup(path);
    group->file = file_mark_take(path);
    if (group->path == NULL || start(group, NULL, NULL, told, &group->procs) != ERROR_OK) {
        free_group(group);
        return ERROR_NOMEM;
    }
    list_push_back(&groups->list, &group->node);
    *out_group = group;
    return ERROR_OK;
}

bool
group_is_settled(const struct group *group)
{
    return group->is_settled;
}

struct manifest *
group_take_manifest(struct group *group, struct error_text *why)
{
    struct manifest *manifest = group->manifest;
    assert(group->is_settled);
    group->manifest = NULL;
    if (manifest == NULL) {
        *why = group->why;
    }
    return manifest;
}

/* A checker of it wants the network: the worker that only opened the file has none. */
static int
start_with_network(struct group *group)
{
    struct procs *known = group->procs;
    int error = start(group, "net", known, told, &group->procs);
    if (error == ERROR_OK) {
        procs_free(&known);
    }
    return error;
}

int
group_use(struct group *group, struct plugin *plugin, unsigned workers_max, int64_t block_us)
{
    struct buf config;
    buf_init(&config, MANIFEST_WIRE_CONFIG_BYTES_MAX);
    int error = manifest_wire_encode_config(&plugin->config, &config);
    if (error == ERROR_OK && group->needs_network) {
        error = start_with_network(group);
    }
    if (error == ERROR_OK) {
        error = procs_configure(group->procs, config.bytes, config.len, workers_max);
    }
    buf_fini(&config);
    if (error == ERROR_OK) {
        group->plugin = plugin;
        group->block_us = block_us;
        plugin->group = group;
    }
    return error;
}

/* Of its own, since reading takes memory that no other worker has. */
static int
start_reader(struct group *group)
{
    struct buf config;
    procs_free(&group->reader); /* of an earlier call */
    buf_init(&config, MANIFEST_WIRE_CONFIG_BYTES_MAX);
    int error = manifest_wire_encode_config(&group->plugin->config, &config);
    if (error == ERROR_OK) {
        error = start(group, "data", group->procs, reader_told, &group->reader);
    }
    if (error == ERROR_OK) {
        error = procs_configure(group->reader, config.bytes, config.len, 1);
    }
    buf_fini(&config);
    return error;
}

/* With the files, which no other call gets, in a worker that then leaves. */
static int
call_enumerate(struct group *group, const struct buf *bytes, struct future **out_future)
{
    struct buf config;
    buf_init(&config, MANIFEST_WIRE_CONFIG_BYTES_MAX);
    int error = manifest_wire_encode_config(&group->plugin->data, &config);
    const struct procs_request request = {
        .bytes = bytes->bytes,
        .len = bytes->len,
        .config = config.bytes,
        .config_len = config.len,
        .answer_max = CALL_ENUMERATION_BYTES_MAX,
        .limit_us = GROUP_ENUMERATE_US,
        .then_leaves = true,
    };
    if (error == ERROR_OK) {
        error = start_reader(group);
    }
    if (error == ERROR_OK) {
        error = procs_call(group->reader, &request, out_future);
    }
    if (error == ERROR_OK) {
        future_on_done(*out_future, &group->read);
    }
    buf_fini(&config);
    return error;
}

int
group_call(struct group *group, enum call_kind kind, bool goes_on, const struct buf *bytes,
           struct future **out_future)
{
    if (kind == CALL_ENUMERATE) {
        return call_enumerate(group, bytes, out_future);
    }
    const struct procs_request request = {
        .bytes = bytes->bytes,
        .len = bytes->len,
        .answer_max = CALL_ANSWER_BYTES_MAX,
        .limit_us = kind == CALL_BLOCK ? group->block_us + GROUP_GRACE_US : GROUP_STEP_US,
        .goes_first = goes_on,
        .may_follow = kind != CALL_BLOCK,
    };
    return procs_call(group->procs, &request, out_future);
}

void
group_reject(struct group *group, const char *why)
{
    procs_reject(group->procs, why);
}

unsigned
group_workers(const struct group *group)
{
    struct procs_stats stats;
    procs_stats(group->procs, &stats);
    return stats.workers;
}

void
group_stats(const struct group *group, struct procs_stats *out_stats)
{
    procs_stats(group->procs, out_stats);
}

void
group_release(struct group **group)
{
    struct group *released = *group;
    *group = NULL;
    if (released == NULL) {
        return;
    }
    released->plugin = NULL;
    released->settled = NULL;
    released->is_settled = true;
    if (released->procs != NULL) {
        procs_close(released->procs);
    }
    if (released->reader != NULL) {
        procs_close(released->reader);
    }
    if (is_gone(released)) {
        free_group(released);
    }
}

int
groups_new(struct loop *loop, const char *program, struct groups **out_groups)
{
    struct groups *groups = calloc(1, sizeof(*groups));
    if (groups == NULL || (groups->program = strdup(program)) == NULL) {
        free(groups);
        return ERROR_NOMEM;
    }
    groups->loop = loop;
    list_init(&groups->list);
    if (landlock_abi() == 0) {
        log_warning("plugin",
                    "this kernel gives no Landlock: while a plugin is opened, and with the "
                    "network also after that, it can read what the daemon can");
    }
    *out_groups = groups;
    return ERROR_OK;
}

void
groups_free(struct groups **groups)
{
    struct groups *dropped = *groups;
    *groups = NULL;
    if (dropped == NULL) {
        return;
    }
    while (!list_is_empty(&dropped->list)) {
        free_group(LIST_ENTRY(dropped->list.next, struct group, node));
    }
    free(dropped->program);
    free(dropped);
}
