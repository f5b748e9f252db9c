/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The tools for authors of plugins and catalogues inside rollcalld: check-plugin, test-plugin and
 * check-catalog. They end with what they were asked, and need no running daemon. */
#ifndef ROLLCALL_APP_TOOLS_H
#define ROLLCALL_APP_TOOLS_H

/**
 * Run the tool that argv[1] names.
 * Returns the process's exit status: 0, 1 (refused, or a case failed), 64 (usage); -1 when argv[1]
 * is no tool's name or not there. Thread: [main]; prints to standard output and error.
 */
int tools_run(int argc, char **argv);

/** One line a tool, for --help. */
void tools_print_usage(void (*line)(void *context, const char *usage, const char *sentence),
                       void *context);

/** rollcalld test-plugin [--config KEY=VALUE]… FILE.so CASES: replay each case of a folder. */
int tools_test_plugin(int argc, char **argv);

#endif
