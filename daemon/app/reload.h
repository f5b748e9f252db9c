/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Reading the configuration and opening the plugins and their data anew, while queries go on with
 * what they began with. Whatever is wrong with the new leaves the old in force, and so does
 * whatever would be lost by it. [main] */
#ifndef ROLLCALL_APP_RELOAD_H
#define ROLLCALL_APP_RELOAD_H

#include "daemon/app/app_int.h"

/** Whether a new setup is what was asked for; when not, `why` says so. [loop] */
typedef int (*reload_judge_fn)(const void *context, const struct setup *setup,
                               struct error_text *why);

/** One reload, told to the service manager and the log. `judge` may be NULL. Errors: as
 * setup_new(), loss.h, enumerate_all() and `judge`: then nothing has changed. */
MUST_CHECK int
reload(struct app *app, reload_judge_fn judge, const void *context, struct error_text *why);

/** `log_level` takes effect. */
void reload_set_log_level(const struct conf *conf);

/** Tell the service manager that all is well. */
void reload_tell_ready(struct app *app);

#endif
