/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The table of strategies. Pure: each row is a function from counts to a count. */
#include "daemon/query/strategy.h"

#include <string.h>

#include "daemon/base/attr.h"

static size_t
start_all(const struct strategy_view *view)
{
    return view->checks - view->started;
}

/* One at a time: the next one when the last one has ended. */
static size_t
start_one(const struct strategy_view *view)
{
    bool is_quiet = view->started == view->ended;
    return is_quiet && view->started < view->checks ? 1 : 0;
}

static const struct strategy race = { "race", start_all, "all at once", false };
static const struct strategy lazy = { "lazy", start_one, "one at a time, in the order given",
                                      true };

/* What clients say, and the strategy that it gives. Nothing has been learned that `auto` could use,
 * so it races. */
static const struct {
    const char *word;
    const struct strategy *strategy;
} words[] = {
    { "race", &race },
    { "lazy", &lazy },
    { "auto", &race },
};

const struct strategy *
strategy_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(words[i].word, name) == 0) {
            return words[i].strategy;
        }
    }
    return NULL;
}

const char *
strategy_names(void)
{
    return "race, lazy, auto";
}
