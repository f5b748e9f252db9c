/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The verbs of the command line. */
#ifndef ROLLCALL_CLIENT_COMMANDS_H
#define ROLLCALL_CLIENT_COMMANDS_H

#include <rollcall/client.h>

#include "client/options.h"

/** Run what argv asks for; an exit status (enum status). Everything was said. Thread: [main]. */
int commands_run(int argc, char **argv);

/** The verbs' functions: a client that is open, options that were read; an exit status. */
int cmd_check(rollcall_client *client, const struct options *options);
int cmd_platforms(rollcall_client *client, const struct options *options);
int cmd_plugins(rollcall_client *client, const struct options *options);
int cmd_status(rollcall_client *client, const struct options *options);
int cmd_cancel(rollcall_client *client, const struct options *options);
int cmd_version(rollcall_client *client, const struct options *options);

/** Say on standard error why a call failed (`about`: whose, or NULL), and give its exit status. */
int commands_fail(const rollcall_client *client, int code, const char *about);

/** STATUS_WRITE, said, when standard output could not be written; else `status`. */
int commands_flush(int status);

#endif
