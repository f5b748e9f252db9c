/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A daemon with an admin socket, and orders on it that are carried out or refused: what
 * test_admin.c and test_loss.c share. */
#ifndef ROLLCALL_TESTS_SYSTEM_ORDERS_H
#define ROLLCALL_TESTS_SYSTEM_ORDERS_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/common.h"
#include "tests/support/daemon.h"
#include "tests/support/rpc.h"
#include "tests/support/tmpdir.h"
#include "tests/support/world.h"

#define TEMPLATE TEST_BUILD_DIR "/plugins-not-installed/template.so"
#define INVALID_PARAMS (-32602)
#define METHOD_NOT_FOUND (-32601)
#define NOT_PERMITTED (-32003)
#define OVERLOADED (-32001)
#define SHUTTING_DOWN (-32004)

struct scene {
    struct world *world;
    struct daemon *daemon;
    struct tmpdir *plugins; /* copies that a test may change */
    struct rpc *rpc;
    struct rpc *admin;
};
static struct scene scene;

static inline struct rpc *
dial_admin(void)
{
    char *path = tmpdir_join(daemon_dir(scene.daemon), "admin.sock");
    char *url = support_text("ipc://%s", path);
    struct rpc *rpc = rpc_dial(url);
    free(url);
    free(path);
    return rpc;
}

static inline int
close_scene(void **state)
{
    (void)state;
    rpc_free(&scene.admin);
    rpc_free(&scene.rpc);
    daemon_free(&scene.daemon);
    world_free(&scene.world);
    tmpdir_free(&scene.plugins);
    return 0;
}

/* Whether `plugins` lists one of that name in that state. */
static inline bool
is_listed(const char *name, const char *state)
{
    cJSON *result = rpc_result(scene.rpc, "plugins", NULL);
    const cJSON *row = NULL;
    bool is_found = false;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(result, "plugins"))
    {
        is_found = is_found || (strcmp(rpc_text(row, "name"), name) == 0 &&
                                strcmp(rpc_text(row, "state"), state) == 0);
    }
    cJSON_Delete(result);
    return is_found;
}

static inline bool
is_ready(const char *name)
{
    return is_listed(name, "ready");
}

/* An order that is carried out: the plugin that it answers with has that state. */
static inline void
obey(const char *method, const char *params, const char *state)
{
    cJSON *result = rpc_result(scene.admin, method, params);
    const cJSON *plugin = cJSON_GetObjectItemCaseSensitive(result, "plugin");
    assert_non_null(plugin);
    if (strcmp(rpc_text(plugin, "state"), state) != 0) {
        support_fail("%s %s: %s", method, params, cJSON_PrintUnformatted(result));
    }
    cJSON_Delete(result);
}

/* An order that is refused with this code and a sentence with these words in it. */
static inline void
refuse(const char *method, const char *params, int code, const char *words)
{
    cJSON *reply = rpc_call(scene.admin, method, params);
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(reply, "error");
    if (rpc_error_code(reply) != code || strstr(rpc_text(error, "data"), words) == NULL) {
        support_fail("%s %s: %s; wants %d, %s", method, params != NULL ? params : "",
                     cJSON_PrintUnformatted(reply), code, words);
    }
    cJSON_Delete(reply);
}

#endif
