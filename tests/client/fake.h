/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A daemon that says what a test wrote down: an nng REP socket in a thread, one step a request. */
#ifndef ROLLCALL_TESTS_CLIENT_FAKE_H
#define ROLLCALL_TESTS_CLIENT_FAKE_H

#include <stddef.h>

#define FAKE_STEPS_MAX 16

enum fake_act {
    FAKE_END,     /* no more steps: further requests get an error */
    FAKE_RESULT,  /* `text` as the result */
    FAKE_ERROR,   /* `text` as the error */
    FAKE_RAW,     /* `text` as the whole reply */
    FAKE_HANG,    /* no reply; the next request ends it */
    FAKE_RESTART, /* no reply; the socket is closed and opened anew */
    FAKE_LEAVE    /* no reply; the socket is closed for good */
};

struct fake_step {
    enum fake_act act;
    const char *method; /* that must be asked for; NULL: any */
    const char *text;
    void (*hook)(void *context); /* called when the request is there, before the act; or NULL */
};

struct fake;

/** Listen on `url` and play the steps, up to FAKE_END. Fails the test. */
struct fake *fake_start(const char *url, const struct fake_step *steps, void *hook_context);
/** Stop it; free with fake_free(). Fails the test when a request came for another method. */
void fake_stop(struct fake *fake);
void fake_free(struct fake **fake);

/** After fake_stop(): how many requests came, and their texts; NULL past the last. */
size_t fake_count(const struct fake *fake);
const char *fake_request(const struct fake *fake, size_t index);

#endif
