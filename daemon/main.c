/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* rollcalld: the daemon, and the tools for plugin authors. */
#include "daemon/app/app.h"
#include "daemon/app/tools.h"

int
main(int argc, char **argv)
{
    int status = tools_run(argc, argv);
    return status >= 0 ? status : app_run(argc, argv);
}
