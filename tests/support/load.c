/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One poll() over all lanes that wait, with the next due call as its time-out. */
#include "tests/support/load.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/common.h"
#include "tests/support/rpc.h"

/* Lanes of all loads of one run. */
#define POLL_MAX (4 * LOAD_LANES_MAX)

struct lane {
    struct rpc *rpc;
    int fd;
    bool waits;
    size_t number;
    int64_t asked_us;
};

struct load {
    struct load_options options;
    struct lane lanes[LOAD_LANES_MAX];
    int64_t due_us; /* of the next call */
    struct load_report report;
};

struct load *
load_new(const struct load_options *options)
{
    struct load *load = calloc(1, sizeof(*load));
    if (load == NULL || options->lanes == 0 || options->lanes > LOAD_LANES_MAX) {
        support_fail("a load of %zu lanes", options->lanes);
    }
    load->options = *options;
    for (size_t i = 0; i < options->lanes; i++) {
        load->lanes[i].rpc = rpc_dial(options->url);
        load->lanes[i].fd = rpc_fd(load->lanes[i].rpc);
    }
    return load;
}

void
load_free(struct load **load)
{
    if (*load == NULL) {
        return;
    }
    for (size_t i = 0; i < (*load)->options.lanes; i++) {
        rpc_free(&(*load)->lanes[i].rpc);
    }
    free((*load)->report.first_wrong);
    free(*load);
    *load = NULL;
}

const struct load_report *
load_report(const struct load *load)
{
    return &load->report;
}

/* ---- One lane */

static void
send_call(struct load *load, struct lane *lane)
{
    lane->number = load->report.asked++;
    char *params = load->options.ask(lane->number, load->options.context);
    char *call = support_text("{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":\"check\",\"params\":%s}",
                              lane->number, params);
    free(params);
    lane->waits = true;
    lane->asked_us = support_now_us();
    rpc_send(lane->rpc, call, strlen(call));
    free(call);
}

static char *
judge_reply(struct load *load, const struct lane *lane, const char *reply, int64_t took_us)
{
    cJSON *tree = cJSON_Parse(reply);
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(tree, "id");
    const cJSON *answer = cJSON_GetObjectItemCaseSensitive(tree, "result");
    char *sentence = NULL;
    if (answer == NULL || !cJSON_IsNumber(id) || (size_t)id->valuedouble != lane->number) {
        sentence = support_text("no answer");
    } else {
        sentence = load->options.judge(lane->number, answer, took_us, load->options.context);
    }
    cJSON_Delete(tree);
    return sentence;
}

static void
take_reply(struct load *load, struct lane *lane)
{
    char *reply = rpc_receive(lane->rpc, 0, NULL);
    if (reply == NULL) {
        return; /* the descriptor promised too much */
    }
    int64_t took_us = support_now_us() - lane->asked_us;
    struct load_report *report = &load->report;
    char *sentence = judge_reply(load, lane, reply, took_us);
    lane->waits = false;
    report->answered++;
    report->slowest_us = took_us > report->slowest_us ? took_us : report->slowest_us;
    if (sentence != NULL) {
        report->wrong++;
        if (report->first_wrong == NULL) {
            report->first_wrong = support_text("call %zu after %lld us: %s: %s", lane->number,
                                               (long long)took_us, sentence, reply);
        }
    }
    free(sentence);
    free(reply);
}

/* ---- All of them */

static struct lane *
free_lane(struct load *load)
{
    for (size_t i = 0; i < load->options.lanes; i++) {
        if (!load->lanes[i].waits) {
            return &load->lanes[i];
        }
    }
    return NULL;
}

/* Send what is due. Returns when the next call is, INT64_MAX: when a lane is free. */
static int64_t
send_due(struct load *load)
{
    int64_t now_us = support_now_us();
    while (load->due_us <= now_us) {
        struct lane *lane = free_lane(load);
        if (lane == NULL) {
            return INT64_MAX;
        }
        bool is_late = load->options.every_us > 0 && now_us - load->due_us > load->options.every_us;
        load->report.late += is_late;
        send_call(load, lane);
        load->due_us += load->options.every_us;
    }
    return load->due_us;
}

/* Wait for a reply in any load, until `until_us` at most, and take all that are there. */
static void
await(struct load *const *loads, size_t count, int64_t until_us)
{
    struct pollfd fds[POLL_MAX];
    nfds_t used = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < loads[i]->options.lanes && used < POLL_MAX; j++) {
            if (loads[i]->lanes[j].waits) {
                fds[used++] = (struct pollfd){ .fd = loads[i]->lanes[j].fd, .events = POLLIN };
            }
        }
    }
    if (poll(fds, used, support_left_ms(until_us)) < 0 && errno != EINTR) {
        support_fail("poll: %s", strerror(errno));
    }
    used = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < loads[i]->options.lanes && used < POLL_MAX; j++) {
            if (loads[i]->lanes[j].waits && fds[used++].revents != 0) {
                take_reply(loads[i], &loads[i]->lanes[j]);
            }
        }
    }
}

void
load_run(struct load *const *loads, size_t count, int64_t run_us)
{
    int64_t end_us = support_now_us() + run_us;
    for (size_t i = 0; i < count; i++) {
        if (loads[i]->due_us < support_now_us()) { /* what a pause left undone is not made up for */
            loads[i]->due_us = support_now_us();
        }
    }
    while (support_now_us() < end_us) {
        int64_t until_us = end_us;
        for (size_t i = 0; i < count; i++) {
            int64_t due_us = send_due(loads[i]);
            until_us = due_us < until_us ? due_us : until_us;
        }
        await(loads, count, until_us);
    }
}

static size_t
count_due(struct load *const *loads, size_t count)
{
    size_t due = 0;
    for (size_t i = 0; i < count; i++) {
        due += loads[i]->report.asked - loads[i]->report.answered;
    }
    return due;
}

void
load_drain(struct load *const *loads, size_t count)
{
    int64_t deadline_us = support_now_us() + SUPPORT_WAIT_MS * INT64_C(1000);
    while (count_due(loads, count) > 0 && support_now_us() < deadline_us) {
        await(loads, count, deadline_us);
    }
    if (count_due(loads, count) > 0) {
        support_fail("%zu calls were never answered", count_due(loads, count));
    }
}
