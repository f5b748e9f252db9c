/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The table of verbs, the help that it prints, and what errors mean for the exit status. */
#include "client/commands.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <rollcall/version.h>

#include "client/term.h"

struct verb {
    const char *name;
    enum verb_bit bit;
    const char *words; /* what follows it */
    size_t words_min;
    size_t words_max;
    int (*run)(rollcall_client *client, const struct options *options);
    const char *sentence;
};

#define ANY_NUMBER SIZE_MAX

static const struct verb verbs[] = {
    { "check", VERB_CHECK, "SUBJECT...", 1, ANY_NUMBER, cmd_check,
      "ask whether e-mail addresses or usernames have accounts" },
    { "platforms", VERB_PLATFORMS, "", 0, 0, cmd_platforms, "list what can be asked" },
    { "plugins", VERB_PLUGINS, "", 0, 0, cmd_plugins, "list the daemon's plugins" },
    { "status", VERB_STATUS, "", 0, 0, cmd_status, "show how the daemon is" },
    { "cancel", VERB_CANCEL, "QUERY", 1, 1, cmd_cancel, "cancel a query by its id" },
    { "version", VERB_VERSION, "", 0, 0, cmd_version, "print this program's and the daemon's" },
};

#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

static const char exit_help[] =
    "\nExit status: 0 registered somewhere, 1 registered nowhere, 2 could not tell;\n"
    "64 usage, 69 no daemon, 130 interrupted. More in rollcall(1).\n";

static void
print_verb_help(const struct verb *verb)
{
    (void)printf("usage: rollcall %s [options] %s\n\n%s\n\n", verb->name, verb->words,
                 verb->sentence);
    options_print(stdout, verb->bit);
    (void)fputs(verb->bit == VERB_CHECK ? exit_help : "", stdout);
}

static void
print_help(FILE *out)
{
    (void)fputs("usage: rollcall VERB [options] ...\n\n"
                "Does this e-mail address or username have an account on any of these "
                "platforms?\n\n",
                out);
    for (size_t i = 0; i < VERB_COUNT; i++) {
        (void)fprintf(out, "  %-9s %-10s %s\n", verbs[i].name, verbs[i].words, verbs[i].sentence);
    }
    (void)fputs("\nOptions, of `check` unless its --help says otherwise:\n\n", out);
    options_print(out, VERB_ALL);
    (void)fputs("  --version          print this program's version\n", out);
    (void)fputs(exit_help, out);
}

static const struct verb *
find_verb(const char *name)
{
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

/* A verb that is none: one of the program's own options, or a mistake. */
static int
run_other(const char *word)
{
    if (strcmp(word, "--help") == 0 || strcmp(word, "help") == 0) {
        print_help(stdout);
        return commands_flush(0);
    }
    if (strcmp(word, "--version") == 0) {
        (void)puts("rollcall " ROLLCALL_VERSION);
        return commands_flush(0);
    }
    term_complain("found \"%s\"; allowed are check, platforms, plugins, status, cancel, version; "
                  "see rollcall --help",
                  word);
    return STATUS_USAGE;
}

static int
judge_words(const struct verb *verb, const struct options *options)
{
    if (options->word_count < verb->words_min) {
        term_complain("%s: wants %s; see rollcall %s --help", verb->name, verb->words, verb->name);
        return STATUS_USAGE;
    }
    if (options->word_count > verb->words_max) {
        term_complain("%s: \"%s\" is one too many; see rollcall %s --help", verb->name,
                      options->words[verb->words_max], verb->name);
        return STATUS_USAGE;
    }
    if (verb->bit != VERB_CHECK && options->format > FORMAT_JSON) {
        term_complain("%s: --format: allowed are text, json", verb->name);
        return STATUS_USAGE;
    }
    return 0;
}

static int
run_verb(const struct verb *verb, const struct options *options)
{
    rollcall_client *client = NULL;
    int code = rollcall_client_new(options->url, &client);
    if (code != ROLLCALL_OK) {
        term_complain("out of memory");
        return STATUS_BROKEN;
    }
    rollcall_client_patience(client, options->wait_ms);
    int status = verb->run(client, options);
    rollcall_client_free(client);
    return commands_flush(status);
}

int
commands_run(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return STATUS_USAGE;
    }
    const struct verb *verb = find_verb(argv[1]);
    if (verb == NULL) {
        return run_other(argv[1]);
    }
    struct options options;
    int status = options_read(&options, verb->bit, argc - 1, argv + 1);
    if (status == 0 && options.wants_help) {
        print_verb_help(verb);
        options_fini(&options);
        return commands_flush(0);
    }
    if (status == 0) {
        status = judge_words(verb, &options);
    }
    if (status == 0) {
        status = run_verb(verb, &options);
    }
    options_fini(&options);
    return status;
}

static int
status_of_refusal(int rpc_code)
{
    switch (rpc_code) {
    case ROLLCALL_RPC_INVALID_PARAMS:
    case ROLLCALL_RPC_INVALID_REQUEST:
    case ROLLCALL_RPC_NO_METHOD:
        return STATUS_USAGE;
    case ROLLCALL_RPC_NO_QUERY:
        return STATUS_NO;
    default:
        return STATUS_UNREACHABLE;
    }
}

int
commands_fail(const rollcall_client *client, int code, const char *about)
{
    const char *sentence = rollcall_client_error(client);
    if (code == ROLLCALL_E_INTERRUPTED) {
        return STATUS_INTERRUPTED;
    }
    if (code == ROLLCALL_E_UNREACHABLE) {
        term_complain("%s (systemctl status rollcalld?)", sentence);
        return STATUS_UNREACHABLE;
    }
    if (about != NULL) {
        term_complain("\"%s\": %s", about, sentence);
    } else {
        term_complain("%s", sentence);
    }
    switch (code) {
    case ROLLCALL_E_REFUSED:
        return status_of_refusal(rollcall_client_rpc_code(client));
    case ROLLCALL_E_INVALID:
    case ROLLCALL_E_TOO_BIG:
        return STATUS_USAGE;
    case ROLLCALL_E_TIMEOUT:
        return STATUS_UNREACHABLE;
    default:
        return STATUS_BROKEN;
    }
}

int
commands_flush(int status)
{
    errno = 0;
    if (fflush(stdout) == 0 && ferror(stdout) == 0) {
        return status;
    }
    term_complain("standard output: %s", errno != 0 ? strerror(errno) : "could not be written");
    return STATUS_WRITE;
}
