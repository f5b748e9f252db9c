/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What can be called: the table of methods. [loop] */
#ifndef ROLLCALL_SERVE_METHODS_H
#define ROLLCALL_SERVE_METHODS_H

#include <stddef.h>

struct buf;
struct call;
struct param;

/* A row of the table of methods. */
struct method {
    const char *name;
    void (*run)(struct call *call); /* its params are as `params` says */
    /* The wait is over: the query ended, more checks ended, or the time is up. */
    void (*resume)(struct call *call);
    const struct param *params;
    size_t param_count;
    unsigned flags;
};

/* It does something besides answering, so it runs as a notification too. */
#define METHOD_ACTS 1U
/* It is given up with its client: nobody else knows the query. */
#define METHOD_OWNS_QUERY 2U
/* Only by the admin socket. */
#define METHOD_ADMIN 4U

const struct method *method_find(const char *name);
/** Append "check, submit, …", for messages, as far as there is room. */
void method_names(struct buf *out);

#endif
