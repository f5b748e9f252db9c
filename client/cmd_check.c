/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* `rollcall check`: subjects one after the other, each with its own block. Ctrl+C cancels the query
 * in hand, whose answer is still printed, and leaves out the subjects after it; twice leaves at
 * once. */
#include "client/commands.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/sweep.h"
#include "client/term.h"
#include "client/utf8.h"
#include "client/writer.h"

#define TICK_MS 200     /* how often a progress line moves */
#define LINE_BYTES 4096 /* a subject on standard input: more than any that the daemon takes */

/* What the signal handler may touch. */
static rollcall_client *volatile interrupted_client;
static volatile sig_atomic_t interrupts;

static void
on_interrupt(int signal)
{
    (void)signal;
    if (interrupts > 0) {
        _exit(STATUS_INTERRUPTED);
    }
    interrupts = 1;
    rollcall_client_interrupt(interrupted_client);
}

static void
catch_interrupts(rollcall_client *client)
{
    struct sigaction action = { .sa_handler = on_interrupt };
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    interrupted_client = client;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

static void
release_interrupts(void)
{
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    interrupted_client = NULL;
}

/* One run of the verb. */
struct check {
    struct sweep_options sweep;
    struct writer writer;
    rollcall_question question;
    bool has_yes;
    bool has_unknown;
    int failed; /* the status of a subject that was refused; 0: none was */
};

static void
note_verdict(struct check *check, const rollcall_answer *answer)
{
    const char *verdict = rollcall_answer_verdict(answer);
    if (strcmp(verdict, "registered") == 0) {
        check->has_yes = true;
    } else if (strcmp(verdict, "unregistered") != 0) {
        check->has_unknown = true;
    }
}

static int
status_of(const struct check *check)
{
    if (check->failed != 0) {
        return check->failed;
    }
    if (check->has_yes) {
        return STATUS_YES;
    }
    return check->has_unknown ? STATUS_UNKNOWN : STATUS_NO;
}

/* A subject that the daemon does not take costs only itself; any other failure ends the run. */
static bool
is_only_about_subject(const struct check *check, int code)
{
    bool is_unsendable = code == ROLLCALL_E_INVALID && !utf8_is_valid(check->question.subject);
    int rpc_code = rollcall_client_rpc_code(check->sweep.client);
    return (code == ROLLCALL_E_REFUSED && rpc_code == ROLLCALL_RPC_INVALID_PARAMS) ||
           code == ROLLCALL_E_TOO_BIG || is_unsendable;
}

/* True: go on with the next subject. */
static bool
check_subject(struct check *check, const char *subject)
{
    struct writer *writer = &check->writer;
    check->question.subject = subject;
    writer->ops->begin(writer, subject);
    struct sweep_end end = sweep_run(&check->sweep, &check->question);
    if (end.code != ROLLCALL_OK) {
        writer->ops->finish(writer);
        bool goes_on = is_only_about_subject(check, end.code);
        (void)fflush(stdout);
        check->failed = commands_fail(check->sweep.client, end.code, goes_on ? subject : NULL);
        return goes_on;
    }
    writer->ops->answer(writer, end.answer);
    note_verdict(check, end.answer);
    rollcall_answer_free(end.answer);
    (void)fflush(stdout);
    return !end.was_interrupted && !end.is_output_gone && interrupts == 0;
}

/* Subjects from standard input, one a line. */
static bool
check_lines(struct check *check, FILE *in)
{
    char line[LINE_BYTES];
    check->writer.has_many = true;
    while (fgets(line, sizeof(line), in) != NULL) {
        size_t length = strcspn(line, "\r\n");
        if (line[length] == '\0' && length == sizeof(line) - 1) {
            term_complain("standard input: found a line of more than %d bytes", LINE_BYTES - 2);
            check->failed = STATUS_USAGE;
            return false;
        }
        line[length] = '\0';
        if (length > 0 && !check_subject(check, line)) {
            return false;
        }
    }
    return true;
}

static rollcall_question
question_of(const struct options *options)
{
    return (rollcall_question){
        .kind = options->kind,
        .platforms = options->platforms[0] != NULL ? options->platforms : NULL,
        .exclude = options->exclude[0] != NULL ? options->exclude : NULL,
        .catalog = options->catalog,
        .all = options->all,
        .adult = options->adult,
        .fresh = options->fresh,
        .explain = options->explain,
        .strategy = options->strategy,
        .timeout_ms = options->timeout_ms,
    };
}

/* On a terminal, unless the answers go to the same one in a form that is for programs. */
static bool
shows_progress(const struct term *out, enum format format)
{
    return isatty(STDERR_FILENO) == 1 && (format == FORMAT_TEXT || !out->is_terminal);
}

static void
set_up(struct check *check, rollcall_client *client, const struct options *options)
{
    *check = (struct check){
        .question = question_of(options),
        .writer = { .ops = writer_find(options->format),
                    .out = stdout,
                    .only = options->only,
                    .has_many = options->word_count > 1,
                    .wants_timeline = options->timeline,
                    .sums_up = options->all },
        .sweep = { .client = client },
    };
    term_look(&check->writer.term, stdout);
    check->sweep.writer = &check->writer;
    if (shows_progress(&check->writer.term, options->format)) {
        check->writer.progress = stderr;
        check->sweep.tick_ms = TICK_MS;
    }
}

int
cmd_check(rollcall_client *client, const struct options *options)
{
    if (options->timeline && options->format != FORMAT_TEXT) {
        term_complain("check: --timeline goes with --format text only");
        return STATUS_USAGE;
    }
    struct check check;
    set_up(&check, client, options);
    catch_interrupts(client);
    bool goes_on = true;
    for (size_t i = 0; goes_on && i < options->word_count; i++) {
        goes_on = strcmp(options->words[i], "-") == 0 ? check_lines(&check, stdin)
                                                      : check_subject(&check, options->words[i]);
        check.has_unknown = check.has_unknown || (!goes_on && i + 1 < options->word_count);
    }
    check.writer.ops->finish(&check.writer);
    release_interrupts();
    return status_of(&check);
}
