/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One row an option: its name, what it takes, which verbs know it, how it is stored, a sentence.
 * getopt_long() does the reading; the messages are ours. */
#include "client/options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/term.h"

#define OPTIONS_MAX 32
#define SECONDS_MAX 86400.0 /* a day */
#define FIRST_VALUE 256     /* getopt's numbers for our options: past any character */

struct spec {
    const char *name;
    const char *argument; /* NULL: takes none */
    unsigned verbs;
    int (*take)(struct options *options, const char *text);
    const char *sentence;
};

struct word {
    const char *name;
    unsigned value;
};

static int
take_word(const char *option, const struct word *words, const char *text, unsigned *out_value)
{
    char allowed[128] = "";
    for (const struct word *word = words; word->name != NULL; word++) {
        if (strcmp(word->name, text) == 0) {
            *out_value = word->value;
            return 0;
        }
        size_t length = strlen(allowed);
        (void)snprintf(allowed + length, sizeof(allowed) - length, "%s%s", length > 0 ? ", " : "",
                       word->name);
    }
    term_complain("--%s: found \"%s\"; allowed are %s", option, text, allowed);
    return STATUS_USAGE;
}

static int
take_all(struct options *options, const char *text)
{
    (void)text;
    options->all = true;
    return 0;
}

static void
append(const char **texts, const char *text)
{
    while (*texts != NULL) {
        texts++;
    }
    *texts = text;
}

static int
take_platform(struct options *options, const char *text)
{
    append(options->platforms, text);
    return 0;
}

static int
take_tag(struct options *options, const char *text)
{
    options->tag = text;
    return take_platform(options, text);
}

static int
take_exclude(struct options *options, const char *text)
{
    append(options->exclude, text);
    return 0;
}

static int
take_catalog(struct options *options, const char *text)
{
    options->catalog = text;
    return 0;
}

static int
take_adult(struct options *options, const char *text)
{
    (void)text;
    options->adult = true;
    return 0;
}

static int
take_kind(struct options *options, const char *text)
{
    static const struct word words[] = { { "email", 0 }, { "username", 0 }, { NULL, 0 } };
    unsigned value = 0;
    options->kind = text;
    return take_word("kind", words, text, &value);
}

static int
take_only(struct options *options, const char *text)
{
    static const struct word words[] = { { "registered", ONLY_REGISTERED },
                                         { "unregistered", ONLY_UNREGISTERED },
                                         { "unknown", ONLY_UNKNOWN },
                                         { NULL, 0 } };
    unsigned value = 0;
    int status = take_word("only", words, text, &value);
    options->only |= value;
    return status;
}

static int
take_strategy(struct options *options, const char *text)
{
    options->strategy = text;
    return 0;
}

/* Seconds, perhaps with a fraction, to milliseconds. */
static int
take_seconds(const char *option, const char *text, int64_t *out_ms)
{
    char *end = NULL;
    errno = 0;
    double seconds = strtod(text, &end);
    bool is_number = end != text && *end == '\0' && errno == 0 && isfinite(seconds);
    if (!is_number || seconds < 0.001 || seconds > SECONDS_MAX) {
        term_complain("--%s: found \"%s\"; wants seconds, from 0.001 to %.0f", option, text,
                      SECONDS_MAX);
        return STATUS_USAGE;
    }
    *out_ms = (int64_t)(seconds * 1000 + 0.5);
    return 0;
}

static int
take_timeout(struct options *options, const char *text)
{
    return take_seconds("timeout", text, &options->timeout_ms);
}

static int
take_wait(struct options *options, const char *text)
{
    return take_seconds("wait", text, &options->wait_ms);
}

static int
take_fresh(struct options *options, const char *text)
{
    (void)text;
    options->fresh = true;
    return 0;
}

static int
take_explain(struct options *options, const char *text)
{
    (void)text;
    options->explain = true;
    return 0;
}

static int
take_timeline(struct options *options, const char *text)
{
    (void)text;
    options->timeline = true;
    return 0;
}

static int
take_format(struct options *options, const char *text)
{
    static const struct word words[] = { { "text", FORMAT_TEXT },
                                         { "json", FORMAT_JSON },
                                         { "jsonl", FORMAT_JSONL },
                                         { "csv", FORMAT_CSV },
                                         { NULL, 0 } };
    unsigned value = 0;
    int status = take_word("format", words, text, &value);
    options->format = (enum format)value;
    return status;
}

static int
take_url(struct options *options, const char *text)
{
    options->url = text;
    return 0;
}

static int
take_help(struct options *options, const char *text)
{
    (void)text;
    options->wants_help = true;
    return 0;
}

#define FORMATTED (VERB_CHECK | VERB_PLATFORMS | VERB_PLUGINS | VERB_STATUS)

static const struct spec specs[] = {
    { "all", NULL, VERB_CHECK, take_all, "wait for every platform, not just the first yes" },
    { "platform", "ID", VERB_CHECK, take_platform, "ask this platform (may be repeated)" },
    { "tag", "TAG", VERB_CHECK | VERB_PLATFORMS, take_tag, "platforms with this tag" },
    { "exclude", "ID", VERB_CHECK, take_exclude, "leave out a platform or tag (may be repeated)" },
    { "catalog", "NAME", VERB_CHECK, take_catalog, "the platforms of this catalogue" },
    { "adult", NULL, VERB_CHECK, take_adult, "with --all, adult sites as well" },
    { "kind", "KIND", VERB_CHECK | VERB_PLATFORMS, take_kind, "email or username" },
    { "only", "VERDICT", VERB_CHECK, take_only,
      "show only registered, unregistered or unknown (may be repeated)" },
    { "strategy", "NAME", VERB_CHECK, take_strategy, "race, lazy or auto, in which order to ask" },
    { "timeout", "S", VERB_CHECK, take_timeout, "seconds that the whole query may take" },
    { "fresh", NULL, VERB_CHECK, take_fresh, "take nothing from the cache" },
    { "explain", NULL, VERB_CHECK, take_explain, "say why each check started when it did" },
    { "timeline", NULL, VERB_CHECK, take_timeline, "draw when each check started and ended" },
    { "format", "FORMAT", FORMATTED, take_format, "text or json; check also jsonl and csv" },
    { "url", "URL", VERB_ALL, take_url, "where the daemon is, e.g. ipc:///run/rollcall.sock" },
    { "wait", "S", VERB_ALL, take_wait, "seconds to wait for a daemon to be there (1)" },
    { "help", NULL, VERB_ALL, take_help, "print this" },
};

#define SPEC_COUNT (sizeof(specs) / sizeof(specs[0]))
_Static_assert(SPEC_COUNT < OPTIONS_MAX, "getopt's table has room for all options and its end");

static void
fill_getopt(struct option table[OPTIONS_MAX], unsigned verb)
{
    size_t count = 0;
    for (size_t i = 0; i < SPEC_COUNT; i++) {
        if ((specs[i].verbs & verb) != 0) {
            table[count++] = (struct option){
                .name = specs[i].name,
                .has_arg = specs[i].argument != NULL ? required_argument : no_argument,
                .val = FIRST_VALUE + (int)i,
            };
        }
    }
    table[count] = (struct option){ .name = NULL };
}

/* What getopt stumbled over: an option it does not know ('?') or one without its argument (':'). */
static int
complain(int found, const char *verb, char *const *argv)
{
    char letter[] = { '-', (char)optopt, '\0' };
    const char *word = optopt > 0 && optopt < FIRST_VALUE ? letter : argv[optind - 1];
    if (found == ':') {
        term_complain("%s: %s wants an argument; see rollcall %s --help", verb, word, verb);
    } else {
        term_complain("%s: unknown or ambiguous option %s; see rollcall %s --help", verb, word,
                      verb);
    }
    return STATUS_USAGE;
}

int
options_read(struct options *options, unsigned verb, int argc, char **argv)
{
    *options = (struct options){ .format = FORMAT_TEXT };
    options->platforms = calloc((size_t)argc + 1, sizeof(char *));
    options->exclude = calloc((size_t)argc + 1, sizeof(char *));
    if (options->platforms == NULL || options->exclude == NULL) {
        term_complain("out of memory");
        return STATUS_BROKEN;
    }
    struct option table[OPTIONS_MAX];
    fill_getopt(table, verb);
    optind = 0;
    for (;;) {
        int found = getopt_long(argc, argv, ":", table, NULL);
        if (found == -1) {
            break;
        }
        if (found < FIRST_VALUE) {
            return complain(found, argv[0], argv);
        }
        int status = specs[found - FIRST_VALUE].take(options, optarg);
        if (status != 0) {
            return status;
        }
    }
    options->words = (const char *const *)&argv[optind];
    options->word_count = (size_t)(argc - optind);
    return 0;
}

void
options_fini(struct options *options)
{
    free((void *)options->platforms);
    free((void *)options->exclude);
    options->platforms = NULL;
    options->exclude = NULL;
}

void
options_print(FILE *out, unsigned verbs)
{
    for (size_t i = 0; i < SPEC_COUNT; i++) {
        if ((specs[i].verbs & verbs) == 0) {
            continue;
        }
        char left[40];
        (void)snprintf(left, sizeof(left), "--%s%s%s", specs[i].name,
                       specs[i].argument != NULL ? " " : "",
                       specs[i].argument != NULL ? specs[i].argument : "");
        (void)fprintf(out, "  %-18s %s\n", left, specs[i].sentence);
    }
}
