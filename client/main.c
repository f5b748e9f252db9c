/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* rollcall: the command line. The locale is taken for characters only, so numbers keep their dot.
 */
#include <locale.h>

#include "client/commands.h"

int
main(int argc, char **argv)
{
    (void)setlocale(LC_CTYPE, "");
    return commands_run(argc, argv);
}
