/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A handler only writes what was made ready before. Then the signal takes its usual course: a core,
 * a sanitizer's report. */
#include "daemon/app/tools_guard.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "daemon/base/attr.h"

#define LINE_BYTES 320
/* Endless recursion leaves no room on the stack that it used up. */
#define STACK_BYTES 65536
#define EXIT_FAILED 1

static const struct fault {
    int number;
    const char *sentence;
} faults[] = {
    { SIGSEGV, "the plugin crashed: SIGSEGV" },
    { SIGBUS, "the plugin crashed: SIGBUS" },
    { SIGFPE, "the plugin crashed: SIGFPE" },
    { SIGILL, "the plugin crashed: SIGILL" },
    { SIGABRT, "the plugin crashed: SIGABRT" },
    { SIGPROF, "the plugin does not come to an end" },
    { SIGALRM, "the plugin waits, and does not come to an end" },
};

/* The line for each of them, and for an exit; [0] is '\0' while nothing is in hand. */
static char lines[ARRAY_LEN(faults) + 1][LINE_BYTES];
static struct sigaction before[ARRAY_LEN(faults)];
static char stack[STACK_BYTES];

static void
tell(const char *line)
{
    (void)!write(STDOUT_FILENO, line, strnlen(line, LINE_BYTES));
}

static void
tell_fault(int number)
{
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        if (faults[i].number == number) {
            tell(lines[i]);
            (void)sigaction(number, &before[i], NULL);
        }
    }
    if (number == SIGALRM || number == SIGPROF) {
        _exit(EXIT_FAILED);
    }
    (void)raise(number);
}

static void
tell_exit(void)
{
    if (lines[ARRAY_LEN(faults)][0] != '\0') {
        tell(lines[ARRAY_LEN(faults)]);
        _exit(EXIT_FAILED);
    }
}

void
guard_start(void)
{
    const stack_t own = { .ss_sp = stack, .ss_size = sizeof(stack) };
    const struct sigaction action = { .sa_handler = tell_fault, .sa_flags = SA_ONSTACK };
    (void)sigaltstack(&own, NULL);
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        (void)sigaction(faults[i].number, &action, &before[i]);
    }
    (void)atexit(tell_exit);
}

/* 0: none. */
static void
set_limits(time_t cpu_seconds, unsigned seconds)
{
    const struct itimerval cpu = { .it_value.tv_sec = cpu_seconds };
    (void)setitimer(ITIMER_PROF, &cpu, NULL);
    (void)alarm(seconds);
}

static void
write_line(char *line, const char *what, const char *sentence)
{
    (void)snprintf(line, LINE_BYTES, "FAILED %.200s: %s\n", what, sentence);
}

void
guard_begin(const char *what)
{
    (void)fflush(stdout);
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        write_line(lines[i], what, faults[i].sentence);
    }
    write_line(lines[ARRAY_LEN(faults)], what, "the plugin ended the process");
    set_limits(GUARD_CPU_SECONDS, GUARD_SECONDS);
}

void
guard_end(void)
{
    set_limits(0, 0);
    memset(lines, 0, sizeof(lines));
}
