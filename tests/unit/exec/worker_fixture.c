/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A worker for the tests of the process pool: it does what a call says, right or wrong. Its first
 * argument says how it starts. SIGUSR1 lets a held call go on. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/error.h"
#include "daemon/base/frame.h"

#define SOCKET_FD 3
/* More than an idle worker may use. */
#define BURN (CLOCKS_PER_SEC / 4)
#define CALL_MAX ((size_t)4 * 1024 * 1024)

static char config[64];
static size_t config_len;

static void
say(enum frame_type type, uint64_t id, const void *bytes, size_t len)
{
    if (frame_send(SOCKET_FD, type, id, bytes, len) != ERROR_OK) {
        exit(9);
    }
}

static void
say_text(enum frame_type type, uint64_t id, const char *text)
{
    say(type, id, text, strlen(text));
}

static void
wait_for_signal(void)
{
    sigset_t set;
    int number;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    (void)sigwait(&set, &number);
}

/* Read on in the middle of a call: what must come is its CANCEL. */
static void
wait_for_cancel(uint64_t id)
{
    struct frame frame;
    if (frame_receive(SOCKET_FD, CALL_MAX, &frame) != ERROR_OK || frame.type != FRAME_CANCEL ||
        frame.id != id || frame.len != 0) {
        exit(9);
    }
    frame_release(&frame);
}

static void
sleep_for_good(void)
{
    for (;;) {
        (void)pause();
    }
}

static void
die_of(int number)
{
    (void)signal(number, SIG_DFL); /* sanitizers have handlers of their own */
    (void)raise(number);
}

/* Open descriptors and the size of the environment, as the child was born with. */
static void
say_inheritance(uint64_t id)
{
    char text[128];
    int fds = 0;
    int variables = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder != NULL && readdir(folder) != NULL) {
        fds++;
    }
    for (char **entry = environ; *entry != NULL; entry++) {
        variables +=
            strncmp(*entry + 1, "SAN_OPTIONS", 11) != 0 && strstr(*entry, "SAN_OPTIONS=") == NULL;
    }
    fds -= 3; /* two names of folders, and the one that counts */
    (void)snprintf(text, sizeof(text), "%d descriptors, %d variables", fds, variables);
    say_text(FRAME_ANSWER, id, text);
    if (folder != NULL) {
        (void)closedir(folder);
    }
}

static void
say_much(uint64_t id, size_t len)
{
    char *bytes = malloc(len);
    if (bytes == NULL) {
        exit(9);
    }
    memset(bytes, 'x', len);
    say(FRAME_ANSWER, id, bytes, len);
    free(bytes);
}

/* Until it has used so much more of the processor. */
static void
burn(clock_t span)
{
    const clock_t until = clock() + span;
    while (clock() < until) {
    }
}

/* Answer so many calls as each signal says, this one first, and read none of the others. */
static void
answer_unread(uint64_t id)
{
    sigset_t set;
    siginfo_t info;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    while (sigwaitinfo(&set, &info) == SIGUSR1) {
        for (int i = 0; i < info.si_value.sival_int; i++) {
            say_text(FRAME_ANSWER, id++, "unread");
        }
    }
}

static void
obey(const char *word, uint64_t id)
{
    char number[32];
    if (strcmp(word, "pid") == 0) {
        (void)snprintf(number, sizeof(number), "%d", (int)getpid());
        say_text(FRAME_ANSWER, id, number);
    } else if (strcmp(word, "config") == 0) {
        say(FRAME_ANSWER, id, config, config_len);
    } else if (strcmp(word, "inheritance") == 0) {
        say_inheritance(id);
    } else if (strcmp(word, "hold") == 0) {
        wait_for_signal();
        say_text(FRAME_ANSWER, id, "held");
    } else if (strcmp(word, "wait") == 0) {
        wait_for_cancel(id);
        say_text(FRAME_ANSWER, id, "nobody waits");
    } else if (strncmp(word, "big:", 4) == 0) {
        say_much(id, strtoul(word + 4, NULL, 10));
    } else if (strncmp(word, "exit:", 5) == 0) {
        _exit((int)strtol(word + 5, NULL, 10));
    } else if (strncmp(word, "signal:", 7) == 0) {
        die_of((int)strtol(word + 7, NULL, 10));
    } else if (strcmp(word, "loop") == 0) {
        sleep_for_good();
    } else if (strcmp(word, "garbage") == 0) {
        (void)!write(SOCKET_FD, word, strlen(word));
        sleep_for_good();
    } else if (strcmp(word, "wrong-id") == 0) {
        say_text(FRAME_ANSWER, id + 1, "mine");
        sleep_for_good();
    } else if (strcmp(word, "wrong-type") == 0) {
        say_text(FRAME_HELLO, id, "hello");
        sleep_for_good();
    } else if (strcmp(word, "unread") == 0) {
        answer_unread(id);
    } else if (strncmp(word, "big-exit:", 9) == 0) {
        say_much(id, strtoul(word + 9, NULL, 10));
        _exit(3);
    } else if (strcmp(word, "burn") == 0) {
        burn(BURN);
        say_text(FRAME_ANSWER, id, word);
    } else if (strncmp(word, "hang-up-exit:", 13) == 0) {
        (void)close(SOCKET_FD);
        wait_for_signal();
        _exit((int)strtol(word + 13, NULL, 10));
    } else if (strcmp(word, "hang-up") == 0) {
        (void)close(SOCKET_FD);
        sleep_for_good();
    } else if (strcmp(word, "retire") == 0) {
        (void)shutdown(SOCKET_FD, SHUT_RD); /* nothing more is taken in */
        say_text(FRAME_ANSWER, id, word);
        _exit(0);
    } else {
        say_text(FRAME_ANSWER, id, word);
        if (strcmp(word, "twice") == 0) {
            say_text(FRAME_ANSWER, id, word);
        } else if (strcmp(word, "then-burn") == 0) {
            burn(BURN);
        }
    }
}

static void
serve(void)
{
    struct frame frame;
    while (frame_receive(SOCKET_FD, CALL_MAX, &frame) == ERROR_OK) {
        char word[64] = "";
        if (frame.len < sizeof(word)) {
            memcpy(word, frame.payload, frame.len);
        } else {
            (void)snprintf(word, sizeof(word), "%zu", frame.len);
            if (memcmp(frame.payload, "die", 3) == 0) {
                _exit(3);
            }
        }
        if (frame.type == FRAME_CONFIG) {
            memcpy(config, word, sizeof(config));
            config_len = strlen(word);
        } else if (frame.type == FRAME_CALL) {
            obey(word, frame.id);
        }
        frame_release(&frame);
    }
}

int
main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    char hello[64] = "hello";
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    if (strcmp(mode, "refuse") == 0) {
        say_text(FRAME_REFUSED, 0, "x.so: is no plugin");
        return 1;
    }
    if (strcmp(mode, "crash") == 0) {
        die_of(SIGSEGV);
    }
    if (strcmp(mode, "silent") == 0) {
        sleep_for_good();
    }
    if (strcmp(mode, "deaf") == 0) { /* says what it must not say first */
        say_text(FRAME_ANSWER, 1, "early");
        sleep_for_good();
    }
    if (strcmp(mode, "changing") == 0) {
        (void)snprintf(hello, sizeof(hello), "hello from %d", (int)getpid());
    }
    say_text(FRAME_HELLO, 0, hello);
    serve();
    if (strcmp(mode, "stubborn") == 0) {
        sleep_for_good();
    }
    return 0;
}
