/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* In which order and when the checks of a query start. A strategy is a row in a table: it looks at
 * what has started and ended and says what to start now. Pure but for the starts it asks for. */
#ifndef ROLLCALL_QUERY_STRATEGY_H
#define ROLLCALL_QUERY_STRATEGY_H

#include <stdbool.h>
#include <stddef.h>

/* What a strategy sees of a query. */
struct strategy_view {
    size_t checks;
    size_t started;
    size_t ended;
};

struct strategy {
    const char *name;
    /* How many more checks, in their order, to start now. */
    size_t (*start_now)(const struct strategy_view *view);
    const char *why; /* for `explain` */
    bool in_turn;    /* a start waits for the end of another: `explain` names it */
};

/** By name: "race", "lazy", "auto" (gives the row "race" until something has been learned); NULL
 * for another. */
const struct strategy *strategy_find(const char *name);
/** "race, lazy, auto": for messages. */
const char *strategy_names(void);

#endif
