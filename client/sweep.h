/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One question's way through the daemon: submitted, its results taken as they complete, its answer
 * fetched; cancelled when interrupted, asked again when the daemon was restarted meanwhile. */
#ifndef ROLLCALL_CLIENT_SWEEP_H
#define ROLLCALL_CLIENT_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rollcall/client.h>

#include "client/writer.h"

struct sweep_options {
    rollcall_client *client;
    struct writer *writer;
    int64_t tick_ms; /* how often the writer wants to show progress; 0: never */
};

/* How it went. `code` is the library's; the sentence is rollcall_client_error(). */
struct sweep_end {
    int code;
    bool was_interrupted;
    bool is_output_gone;     /* standard output failed, the query was cancelled */
    rollcall_answer *answer; /* the caller's: rollcall_answer_free(); NULL unless code is OK */
};

/** Ask, and write each result and the answer as they come. Thread: the client's. */
struct sweep_end sweep_run(const struct sweep_options *options, const rollcall_question *question);

#endif
