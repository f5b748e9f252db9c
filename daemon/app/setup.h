/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One reading of the configuration and the registry built from it. Neither changes afterwards: a
 * reload makes a new setup, and the old one stays until no query uses it any more. [main] */
#ifndef ROLLCALL_APP_SETUP_H
#define ROLLCALL_APP_SETUP_H

#include "daemon/app/options.h"
#include "daemon/app/recruits.h"
#include "daemon/app/wishes.h"
#include "daemon/base/list.h"
#include "daemon/conf/conf.h"
#include "daemon/plugin/registry.h"

/* Where the configuration is looked for when --config does not say. */
#define SETUP_DEFAULT_FILE "/etc/rollcall/rollcalld.conf"

/* What a setup is made from, and on. */
struct setup_options {
    const struct options *options;
    const struct wishes *wishes;
    struct ground *ground;
    struct shelf *shelf;
};

struct setup {
    struct recruits recruits;
    struct conf *conf;
    struct registry *registry; /* one reference */
    struct list node;
};

/**
 * Read and judge all that the command line names, and what orders changed since.
 * Owner:  *out_setup is the caller's, setup_free().
 * Errors: as conf_open(), loader_scan(), ground_judge_worker(), recruits_open(), conf_read() and
 * registry_new(); `why` is one sentence.
 */
MUST_CHECK int
setup_new(const struct setup_options *options, struct setup **out_setup, struct error_text *why);

/** Accepts NULL. Thread: [loop], or [main] while no loop runs. */
void setup_free(struct setup **setup);

/** Whether a query still uses it. Thread: as setup_free(). */
bool setup_is_used(const struct setup *setup);

#endif
