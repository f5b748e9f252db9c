/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Orders: what the admin socket asks the floor above to do with a plugin. This floor reads them and
 * answers them; who carries them out takes as long as that needs. [loop] throughout. */
#ifndef ROLLCALL_SERVE_ORDER_H
#define ROLLCALL_SERVE_ORDER_H

#include "daemon/base/error.h"
#include "daemon/base/list.h"

/* Orders in hand at once; the next is told `overloaded`. */
#define ORDERS_MAX 16
#define ORDER_NAME_BYTES_MAX 32
#define ORDER_FILE_BYTES_MAX 4095

enum order_act { ORDER_LOAD, ORDER_UNLOAD, ORDER_RELOAD };

struct call;
struct calls;

/* Exactly one of name and file is set. */
struct order {
    enum order_act act;
    char *name;          /* a plugin's */
    char *file;          /* LOAD: a path, or a file's name in plugin_dirs; else a file's name */
    struct list node;    /* for whoever carries it out */
    struct calls *calls; /* serve's own */
    struct call *call;   /* who waits for it; NULL: nobody any more */
};

/* Who carries orders out. `take` returns at once; later, on the loop, order_end() is called once
 * for each. */
struct order_taker {
    void (*take)(void *context, struct order *order);
    void *context;
};

/** Answer the order and free it. `name` is the plugin that it was about, looked up in the registry
 *  in force now. Errors: INVALID, NOT_FOUND, EXISTS, DENIED, UNSUPPORTED are the caller's mistake;
 *  CLOSED: the daemon stops; `why` has the sentence. */
void order_end(struct order *order, int error, const struct error_text *why, const char *name);

/* For methods.c: the rows of the table. For calls.c: the call is gone, or has its answer; its order
 * goes on. */
void order_load(struct call *call);
void order_unload(struct call *call);
void order_reload(struct call *call);
void order_forget(struct call *call);

#endif
