/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What app.c, orders.c and reload.c share: the daemon as main sees it. [main] */
#ifndef ROLLCALL_APP_APP_INT_H
#define ROLLCALL_APP_APP_INT_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/app/ground.h"
#include "daemon/app/options.h"
#include "daemon/app/setup.h"
#include "daemon/app/shelf.h"
#include "daemon/app/stack.h"
#include "daemon/app/wishes.h"
#include "daemon/base/list.h"

struct app {
    struct options options;
    struct ground ground;
    struct shelf shelf;
    struct wishes wishes;
    struct setup *setup;
    struct list old; /* setups that open queries may still use */
    struct stack *stack;
    struct list orders; /* that nobody has begun; [loop] */
    int64_t tick_us;    /* TICK_US, or half of what the watchdog allows where that is less */
    int64_t next_us;    /* when the next tick is due */
    bool is_watched;    /* a watchdog waits for us */
    uint64_t rested;    /* queries so far when memory was last handed back */
};

#endif
