/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* rollcall-worker PLUGIN.so PARENT_PID [net|data|none]: started by rollcalld, with one end of a
 * SOCK_SEQPACKET pair as descriptor 3. Reads no environment, takes no other input. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/attr.h"
#include "daemon/worker/worker.h"

#define EXIT_USAGE 64

#if defined(ROLLCALL_SANITIZED)
/* Looking for leaks stops the process from a second one, which the sandbox refuses. */
EXPORT const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
    return "detect_leaks=0";
}
#endif

static int
usage(void)
{
    (void)fprintf(stderr, "usage: rollcall-worker PLUGIN.so PARENT_PID [net|data|none]\n"
                          "Started by rollcalld, with its socket as descriptor 3.\n");
    return EXIT_USAGE;
}

static bool
parse_pid(const char *text, pid_t *out_pid)
{
    char *rest = NULL;
    errno = 0;
    long pid = strtol(text, &rest, 10);
    *out_pid = (pid_t)pid;
    return errno == 0 && rest != text && *rest == '\0' && pid > 0 && pid <= INT_MAX;
}

int
main(int argc, char **argv)
{
    struct sandbox_options options = { 0 };
    if (argc < 3 || argc > 4 || !parse_pid(argv[2], &options.parent)) {
        return usage();
    }
    options.plugin = argv[1];
    const char *word = argc == 4 ? argv[3] : "";
    options.network = strcmp(word, "net") == 0;
    options.enumerates = strcmp(word, "data") == 0;
    bool bare = strcmp(word, "none") == 0;
    if (argc == 4 && !options.network && !options.enumerates && !bare) {
        return usage();
    }
    (void)clearenv();
    return worker_run(bare ? &sandbox_none : &sandbox_full, &options);
}
