/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Python: ThreadPoolExecutor and as_completed, whose guarantees ours are measured by. pool.py does
 * the work and takes the times itself; its own start is not counted. It is Debian's python3, not
 * what else may come first on the PATH. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/peers.h"

/* One task costs Python what a hundred cost the others: it is given a fraction of them. */
#define FRACTION 16

static FILE *
run(const char *arguments)
{
    char command[512];
    snprintf(command, sizeof(command), "exec /usr/bin/python3 '%s/tests/bench/pool.py' %s",
             TEST_SOURCE_DIR, arguments);
    FILE *output = popen(command, "r");
    if (output == NULL) {
        abort();
    }
    return output;
}

static int64_t
next_number(FILE *output)
{
    int64_t number = 0;
    if (fscanf(output, "%" SCNd64, &number) != 1) {
        abort(); /* python3 has said why */
    }
    return number;
}

static int64_t
stream(unsigned threads, size_t tasks)
{
    char arguments[64];
    size_t windows = tasks / PEER_WINDOW / FRACTION + 1;
    snprintf(arguments, sizeof(arguments), "stream %u %zu", threads, windows * PEER_WINDOW);
    FILE *output = run(arguments);
    int64_t took_ns = next_number(output);
    pclose(output);
    return (int64_t)((double)took_ns / 1000 * (double)tasks / (double)(windows * PEER_WINDOW));
}

static void
each(const char *what, size_t count, int64_t *out_ns)
{
    char arguments[64];
    snprintf(arguments, sizeof(arguments), "%s %zu", what, count);
    FILE *output = run(arguments);
    for (size_t i = 0; i < count; i++) {
        out_ns[i] = next_number(output);
    }
    pclose(output);
}

static void
trips(size_t count, int64_t *out_ns)
{
    each("trips", count, out_ns);
}

static void
races(size_t count, int64_t *out_ns)
{
    each("races", count, out_ns);
}

const struct peer peer_python = { "Python ThreadPoolExecutor", stream, trips, races };
