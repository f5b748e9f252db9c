/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Plugin calls on processes or on the executor's threads. Its bytes are made on the loop. A thread
 * runs them and reads the answer back; a process runs them and the answer, which is small, is read
 * on the loop, but that of an enumeration, which may be large, on a thread. Either way the future
 * ends on the loop, and a call that is cancelled while it runs is forgotten there and then; what it
 * still comes to goes with its memory. */
#include "daemon/plugin/crew.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/list.h"
#include "daemon/base/log.h"
#include "daemon/plugin/group.h"
#include "daemon/plugin/text.h"

/* What a fetch can bring back fits into a call. */
_Static_assert(FETCH_HEADERS_MAX <= CALL_HEADERS_MAX, "a reply's headers");
_Static_assert(FETCH_HEADER_BYTES_MAX + ROLLCALL_TEMPLATE_BYTES <= CALL_URL_BYTES_MAX,
               "a redirect's target, resolved");
_Static_assert(FETCH_STOP_AT_MAX == ROLLCALL_STOP_AT_MAX, "texts to stop at");
_Static_assert(FETCH_REDIRECTS_MAX == ROLLCALL_REDIRECTS_MAX, "redirects");

struct crew {
    struct exec *exec;
    struct list calls;      /* struct crew_job, those that have not ended */
    struct list complaints; /* struct complaints, of every plugin that ever failed */
    size_t in_hand;
    bool closed;
};

struct crew_job {
    struct job job; /* first: its future is the call's */
    struct crew *crew;
    struct plugin *plugin;
    struct registry *registry; /* keeps the plugin */
    struct list node;
    bool enumerates;
    struct future_callback ended;
    struct future *remote; /* the process pool's; NULL: a thread runs it */
    struct future_callback remote_ended;
    struct buf in;
    struct call_answer *answer;
    struct error_text why; /* written by the thread that ran it, read once it has ended */
};

/* What was logged of a plugin lately. By name, so that a reload does not begin anew. */
struct complaints {
    struct list node;
    char *plugin;
    int64_t since_us;
    unsigned count;
};

static struct crew_job *
crew_job_of(struct future *future)
{
    return CONTAINER_OF(future, struct crew_job, job.future);
}

static void
free_job(struct future *future)
{
    struct crew_job *call = crew_job_of(future);
    call_answer_free(&call->answer);
    buf_fini(&call->in);
    job_fini(&call->job);
    future_unref(&call->remote);
    registry_unref(&call->registry);
    free(call);
}

static const struct future_ops call_ops = { .name = "call",
                                            .cancel = job_wake_cancelled,
                                            .free = free_job };

static bool
is_cancelled(void *job)
{
    return job_is_cancelled(job);
}

static int
cancel_fd(void *job)
{
    return job_cancel_fd(job);
}

/* On errors `why` has the sentence. */
static int
read_answer(struct crew_job *call, const void *bytes, size_t len)
{
    struct error_text what;
    int error = call_decode_answer(bytes, len, &call->answer, &what);
    if (error != ERROR_OK) {
        return error_say(&call->why, error == ERROR_NOMEM ? ERROR_NOMEM : ERROR_PLUGIN,
                         "its answer cannot be read: %s", what.text);
    }
    return ERROR_OK;
}

/* [pool] The call's bytes to an answer: on errors `why` has the sentence. */
static int
run_call(struct crew_job *call, struct buf *out)
{
    const struct host_caller caller = { .is_cancelled = is_cancelled,
                                        .cancel_fd = cancel_fd,
                                        .context = &call->job };
    const struct host_config *config =
        call->enumerates ? &call->plugin->data : &call->plugin->config;
    int error = host_run(call->plugin->image, config, &caller, call->in.bytes, call->in.len, out);
    if (error != ERROR_OK) {
        return error_say(&call->why, error == ERROR_NOMEM ? ERROR_NOMEM : ERROR_PLUGIN,
                         "the call could not be run: %s", error_sentence(error));
    }
    return read_answer(call, out->bytes, out->len);
}

static int
run_job(struct job *job)
{
    struct crew_job *call = CONTAINER_OF(job, struct crew_job, job);
    struct buf out;
    buf_init(&out, call->enumerates ? CALL_ENUMERATION_BYTES_MAX : CALL_ANSWER_BYTES_MAX);
    int error = run_call(call, &out);
    buf_fini(&out);
    job->result = call->answer;
    return error;
}

/* [pool] What a process enumerated. */
static int
read_job(struct job *job)
{
    struct crew_job *call = CONTAINER_OF(job, struct crew_job, job);
    const struct procs_answer *answer = call->remote->result;
    int error = read_answer(call, answer->bytes, answer->len);
    job->result = call->answer;
    return error;
}

/* NULL: there is no memory for it. */
static struct complaints *
complaints_of(struct crew *crew, const struct plugin *plugin)
{
    LIST_FOR_EACH (node, &crew->complaints) {
        struct complaints *complaints = LIST_ENTRY(node, struct complaints, node);
        if (strcmp(complaints->plugin, plugin->name) == 0) {
            return complaints;
        }
    }
    struct complaints *complaints = calloc(1, sizeof(*complaints));
    char *name = strdup(plugin->name);
    if (complaints == NULL || name == NULL) {
        free(complaints);
        free(name);
        return NULL;
    }
    complaints->plugin = name;
    list_push_back(&crew->complaints, &complaints->node);
    return complaints;
}

static bool
is_worth_a_line(struct crew *crew, const struct plugin *plugin, const char *sentence)
{
    struct complaints *complaints = complaints_of(crew, plugin);
    if (complaints == NULL) {
        return true;
    }
    int64_t now_us = clock_now_us();
    if (complaints->count == 0 || now_us - complaints->since_us >= CREW_COMPLAINTS_US) {
        complaints->since_us = now_us;
        complaints->count = 1;
        return true;
    }
    if (complaints->count >= CREW_COMPLAINTS_MAX ||
        strcmp(plugin->last_error.text, sentence) == 0) {
        return false;
    }
    complaints->count++;
    return true;
}

static void
note_failure(struct crew *crew, struct plugin *plugin, const char *sentence)
{
    bool is_logged = is_worth_a_line(crew, plugin, sentence);
    plugin->failures++;
    (void)error_say(&plugin->last_error, ERROR_PLUGIN, "%s", sentence);
    if (is_logged) {
        log_warning("plugin", "%s: %s", plugin->name, sentence);
    }
}

/* What a plugin has to say about its data, once: for whoever wrote the data. */
static void
log_notes(const struct plugin *plugin, const struct call_answer *answer)
{
    for (size_t i = 0; i < answer->note_count; i++) {
        log_line(call_note_is_fault(answer->notes[i]) ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
                 "plugin", "%s: %s", plugin->name, answer->notes[i]);
    }
    if (answer->refused > 0) {
        log_warning("plugin", "%s: %zu checkers from data were refused", plugin->name,
                    answer->refused);
    }
}

/* [loop] */
static void
call_ended(struct future *future, void *context)
{
    struct crew_job *call = context;
    list_remove(&call->node);
    call->crew->in_hand--;
    if (future_state(future) == FUTURE_CANCELLED) {
        if (call->remote != NULL) {
            (void)future_cancel(call->remote);
        }
        return;
    }
    if (future->error != ERROR_OK && call->why.text[0] == '\0') {
        call->plugin->failures++; /* a process ended, and its group has said how */
    } else if (future->error != ERROR_OK) {
        note_failure(call->crew, call->plugin, call->why.text);
    } else if (call->answer->outcome == CALL_FAILED) {
        note_failure(call->crew, call->plugin, call->answer->failure);
    } else if (call->answer->outcome == CALL_ENUMERATED) {
        log_notes(call->plugin, call->answer);
    }
}

static struct crew_job *
new_job(struct crew *crew, struct plugin *plugin, enum call_kind kind)
{
    struct crew_job *call = calloc(1, sizeof(*call));
    if (call == NULL) {
        return NULL;
    }
    job_init(&call->job, &call_ops, run_job);
    call->enumerates = kind == CALL_ENUMERATE;
    call->job.home = exec_loop(crew->exec);
    call->job.kind = kind == CALL_BLOCK || kind == CALL_ENUMERATE ? JOB_SLOW : JOB_QUICK;
    call->crew = crew;
    call->plugin = plugin;
    call->registry = registry_ref(plugin->registry);
    call->ended = (struct future_callback){ .fn = call_ended, .context = call };
    list_init(&call->node);
    buf_init(&call->in, CALL_REQUEST_BYTES_MAX);
    return call;
}

/* Read it here and now, or let a thread read it: then the future ends by that. */
static int
take_remote(struct crew_job *call, const struct procs_answer *answer)
{
    struct future *future = &call->job.future;
    if (call->enumerates) {
        return pool_submit(exec_pool(call->crew->exec), &call->job);
    }
    int error = read_answer(call, answer->bytes, answer->len);
    if (error == ERROR_OK) {
        (void)future_finish(future, call->answer);
    } else if (error == ERROR_PLUGIN) { /* the group says it, as of any that ends badly */
        group_reject(call->plugin->group, call->why.text);
        call->why.text[0] = '\0';
    }
    return error;
}

/* [loop] The process answered, or will not. */
static void
remote_ended(struct future *remote, void *context)
{
    struct crew_job *call = context;
    struct future *future = &call->job.future;
    int error = future_state(remote) == FUTURE_CANCELLED ? ERROR_CANCELLED : remote->error;
    if (error == ERROR_OK && !future_is_done(future)) {
        error = take_remote(call, remote->result);
    }
    if (error != ERROR_OK) {
        (void)future_fail(future, error == ERROR_TIMEOUT ? ERROR_PLUGIN : error);
    }
    future_unref(&future); /* the process' reference */
}

static int
send_call(struct crew_job *call, const struct call_request *request)
{
    struct future *remote = NULL;
    int error =
        group_call(call->plugin->group, request->kind, request->reply != NULL, &call->in, &remote);
    if (error != ERROR_OK) {
        return error;
    }
    if (future_is_done(remote)) { /* it could not be sent */
        error = remote->error;
        future_unref(&remote);
        return error;
    }
    buf_fini(&call->in);
    buf_init(&call->in, CALL_REQUEST_BYTES_MAX);
    call->job.run = call->enumerates ? read_job : run_job;
    call->remote = remote;
    call->remote_ended = (struct future_callback){ .fn = remote_ended, .context = call };
    bool is_begun = call->enumerates || future_start(&call->job.future); /* or by a thread */
    assert(is_begun);
    (void)future_ref(&call->job.future);
    future_on_done(remote, &call->remote_ended);
    return ERROR_OK;
}

static int
submit(struct crew_job *call, const struct call_request *request)
{
    return call->plugin->group != NULL ? send_call(call, request)
                                       : pool_submit(exec_pool(call->crew->exec), &call->job);
}

int
crew_call(struct crew *crew, struct plugin *plugin, const struct call_request *request,
          struct future **out_future)
{
    if (crew->closed) {
        return ERROR_CLOSED;
    }
    struct crew_job *call = new_job(crew, plugin, request->kind);
    if (call == NULL) {
        return ERROR_NOMEM;
    }
    struct future *future = &call->job.future;
    int error = call_encode_request(request, &call->in);
    if (error == ERROR_OK) {
        error = submit(call, request);
    }
    if (error != ERROR_OK) {
        future_unref(&future);
        return error;
    }
    plugin->calls++;
    crew->in_hand++;
    list_push_back(&crew->calls, &call->node);
    future_on_done(future, &call->ended);
    *out_future = future;
    return ERROR_OK;
}

int
crew_enumerate(struct crew *crew, struct plugin *plugin, struct future **out_future)
{
    const struct call_request request = { .kind = CALL_ENUMERATE, .subject = "" };
    return crew_call(crew, plugin, &request, out_future);
}

size_t
crew_in_hand(const struct crew *crew)
{
    return crew->in_hand;
}

int
crew_new(struct exec *exec, struct crew **out_crew)
{
    struct crew *crew = calloc(1, sizeof(*crew));
    if (crew == NULL) {
        return ERROR_NOMEM;
    }
    crew->exec = exec;
    list_init(&crew->calls);
    list_init(&crew->complaints);
    *out_crew = crew;
    return ERROR_OK;
}

void
crew_close(struct crew *crew)
{
    crew->closed = true;
    while (!list_is_empty(&crew->calls)) {
        struct crew_job *call = LIST_ENTRY(crew->calls.next, struct crew_job, node);
        (void)future_cancel(&call->job.future); /* its callback takes it off the list */
    }
}

void
crew_free(struct crew **crew)
{
    struct list *node;
    while (*crew != NULL && (node = list_pop_front(&(*crew)->complaints)) != NULL) {
        struct complaints *complaints = LIST_ENTRY(node, struct complaints, node);
        free(complaints->plugin);
        free(complaints);
    }
    free(*crew);
    *crew = NULL;
}
