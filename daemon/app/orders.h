/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Carrying out what the admin socket asks: load, unload, reload a plugin. Orders come in on the
 * loop and are carried out by main, one after the other, each by a reload of its own. */
#ifndef ROLLCALL_APP_ORDERS_H
#define ROLLCALL_APP_ORDERS_H

#include "daemon/app/app_int.h"
#include "daemon/serve/order.h"

/** Where the server brings orders: wakes main. */
struct order_taker orders_taker(struct app *app);

/** Carry out the next: once each time that main was woken. [main] */
void orders_obey(struct app *app);

/** Answer all that nobody has begun: the daemon stops. After stack_close(). [main] */
void orders_close(struct app *app);

#endif
