/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The scripted daemon. Its thread receives and answers; fake_stop() closes the socket under it, so
 * nobody waits for a time-out. */
#include "tests/client/fake.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>

#include "tests/support/common.h"

struct fake {
    char *url;
    struct fake_step steps[FAKE_STEPS_MAX];
    void *hook_context;
    pthread_t thread;
    pthread_mutex_t lock;
    nng_socket socket; /* under the lock while it is opened and closed */
    bool is_stopping;  /* under the lock */
    bool is_open;      /* under the lock */
    char *requests[FAKE_STEPS_MAX];
    size_t count;
    char failure[256];
};

/* True: it listens. */
static bool
open_socket(struct fake *fake)
{
    nng_socket socket;
    if (nng_rep0_open(&socket) != 0) {
        return false;
    }
    (void)pthread_mutex_lock(&fake->lock);
    bool is_wanted = !fake->is_stopping && nng_listen(socket, fake->url, NULL, 0) == 0;
    fake->socket = socket;
    fake->is_open = is_wanted;
    (void)pthread_mutex_unlock(&fake->lock);
    if (!is_wanted) {
        (void)nng_close(socket);
    }
    return is_wanted;
}

/* First the path, so that a client which tries again at once finds nobody: nng 1.5.2 may take a
 * connection and then forget it while its socket is being closed. */
static void
close_socket(struct fake *fake)
{
    static const char scheme[] = "ipc://";
    (void)pthread_mutex_lock(&fake->lock);
    bool was_open = fake->is_open;
    fake->is_open = false;
    (void)pthread_mutex_unlock(&fake->lock);
    if (was_open && strncmp(fake->url, scheme, strlen(scheme)) == 0) {
        (void)unlink(fake->url + strlen(scheme));
    }
    if (was_open) {
        (void)nng_close(fake->socket);
    }
}

/* The reply to a request: {"jsonrpc","id", what}. */
static char *
wrap(const cJSON *request, const char *what, const char *text)
{
    char *id = cJSON_PrintUnformatted(cJSON_GetObjectItem(request, "id"));
    char *reply = support_text("{\"jsonrpc\":\"2.0\",\"id\":%s,\"%s\":%s}", id, what, text);
    free(id);
    return reply;
}

static void
reply(struct fake *fake, const cJSON *request, const struct fake_step *step)
{
    char *text = NULL;
    switch (step->act) {
    case FAKE_RESULT:
        text = wrap(request, "result", step->text);
        break;
    case FAKE_ERROR:
        text = wrap(request, "error", step->text);
        break;
    case FAKE_RAW:
        text = strdup(step->text);
        break;
    case FAKE_HANG:
        return;
    case FAKE_RESTART:
    case FAKE_LEAVE:
        close_socket(fake);
        if (step->act == FAKE_RESTART) {
            (void)open_socket(fake);
        }
        return;
    case FAKE_END:
        text = wrap(request, "error", "{\"code\":-32603,\"message\":\"the script is over\"}");
        break;
    }
    (void)nng_send(fake->socket, text, strlen(text), 0);
    free(text);
}

static void
serve(struct fake *fake, const char *text)
{
    const struct fake_step *step = &fake->steps[fake->count];
    cJSON *request = cJSON_Parse(text);
    const char *method = cJSON_GetStringValue(cJSON_GetObjectItem(request, "method"));
    if (fake->count + 1 < FAKE_STEPS_MAX) {
        fake->requests[fake->count++] = strdup(text);
    }
    if (step->method != NULL && (method == NULL || strcmp(method, step->method) != 0)) {
        (void)snprintf(fake->failure, sizeof(fake->failure), "request %zu: wants %s, found %s",
                       fake->count, step->method, text);
    }
    if (step->hook != NULL) {
        step->hook(fake->hook_context);
    }
    reply(fake, request, step);
    cJSON_Delete(request);
}

static void *
run(void *context)
{
    struct fake *fake = context;
    for (;;) {
        (void)pthread_mutex_lock(&fake->lock);
        bool is_open = fake->is_open;
        nng_socket socket = fake->socket;
        (void)pthread_mutex_unlock(&fake->lock);
        nng_msg *message = NULL;
        if (!is_open || nng_recvmsg(socket, &message, 0) != 0) {
            return NULL;
        }
        char *text = strndup(nng_msg_body(message), nng_msg_len(message));
        nng_msg_free(message);
        serve(fake, text);
        free(text);
    }
}

struct fake *
fake_start(const char *url, const struct fake_step *steps, void *hook_context)
{
    struct fake *fake = calloc(1, sizeof(*fake));
    fake->url = strdup(url);
    fake->hook_context = hook_context;
    for (size_t i = 0; i + 1 < FAKE_STEPS_MAX && steps[i].act != FAKE_END; i++) {
        fake->steps[i] = steps[i];
    }
    (void)pthread_mutex_init(&fake->lock, NULL);
    if (!open_socket(fake) || pthread_create(&fake->thread, NULL, run, fake) != 0) {
        support_fail("cannot listen on %s", url);
    }
    return fake;
}

void
fake_stop(struct fake *fake)
{
    (void)pthread_mutex_lock(&fake->lock);
    fake->is_stopping = true;
    (void)pthread_mutex_unlock(&fake->lock);
    close_socket(fake);
    (void)pthread_join(fake->thread, NULL);
    if (fake->failure[0] != '\0') {
        support_fail("%s", fake->failure);
    }
}

void
fake_free(struct fake **fake)
{
    for (size_t i = 0; i < (*fake)->count; i++) {
        free((*fake)->requests[i]);
    }
    (void)pthread_mutex_destroy(&(*fake)->lock);
    free((*fake)->url);
    free(*fake);
    *fake = NULL;
}

size_t
fake_count(const struct fake *fake)
{
    return fake->count;
}

const char *
fake_request(const struct fake *fake, size_t index)
{
    return index < fake->count ? fake->requests[index] : NULL;
}
