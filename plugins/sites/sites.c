/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Checkers from catalogues: the files that Sherlock, WhatsMyName and Maigret are driven by, and
 * Rollcall's own. They are read once, in enumerate; each entry becomes a checker with its rule as
 * bytes that the host keeps, so that a step needs nothing but those. sites.md tells the rest. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rollcall/plugin.h>

#include "plugins/sites/ask.h"
#include "plugins/sites/catalog.h"
#include "plugins/sites/judge.h"
#include "plugins/sites/rule.h"
#include "plugins/sites/text.h"

#define CATALOGS_MAX 64

/* ---- Reading the catalogues --------------------------------------------- */

static bool
read_reading(rollcall_check *check, enum reading *out)
{
    const char *word = rollcall_config_string(check, "reading", 0);
    bool is_faithful = word != NULL && strcmp(word, "faithful") == 0;
    if (word != NULL && !is_faithful && strcmp(word, "strict") != 0) {
        rollcall_note(check, "reading: wants \"strict\" or \"faithful\"");
        return false;
    }
    *out = is_faithful ? READING_FAITHFUL : READING_STRICT;
    return true;
}

/* All that can be opened; the others leave a note. */
static size_t
open_catalogs(struct reading_run *run, struct catalog *catalogs)
{
    size_t count = 0;
    for (size_t i = 0; i < CATALOGS_MAX; i++) {
        const char *name = NULL;
        struct span file = { NULL, 0 };
        struct why why;
        file.bytes = rollcall_config_file(run->check, "catalogs", i, &name, &file.len);
        if (file.bytes == NULL) {
            break;
        }
        if (catalog_open(name, file, &catalogs[count], &why)) {
            count++;
        } else {
            report_begin(&run->report, name);
            report_refused(&run->report, why.text);
        }
    }
    return count;
}

/* Ours, then WhatsMyName's, Sherlock's, Maigret's; of the same kind in the operator's order. */
static void
read_catalogs(struct reading_run *run, size_t count)
{
    for (enum dialect dialect = DIALECT_OWN; dialect < DIALECT_COUNT; dialect++) {
        for (size_t i = 0; i < count; i++) {
            if (run->catalogs[i].dialect == dialect) {
                catalog_read(run, i);
            }
        }
    }
}

static int32_t
enumerate(rollcall_check *check)
{
    struct reading_run *run = calloc(1, sizeof(*run));
    struct catalog *catalogs = calloc(CATALOGS_MAX, sizeof(*catalogs));
    int32_t result = -1;
    if (run == NULL || catalogs == NULL || (run->seen = ident_set_new()) == NULL) {
        rollcall_note(check, "out of memory");
        goto out;
    }
    run->check = check;
    run->report.check = check;
    run->catalogs = catalogs;
    run->detours = rollcall_config_string(check, "base_url", 0) != NULL;
    if (read_reading(check, &run->reading)) {
        read_catalogs(run, open_catalogs(run, catalogs));
        result = 0;
    }
out:
    if (run != NULL) {
        ident_set_free(&run->seen);
    }
    free(catalogs);
    free(run);
    return result;
}

/* ---- Checking ----------------------------------------------------------- */

static rollcall_step
check_site(rollcall_check *check, const rollcall_reply *reply)
{
    struct rule rule;
    if (!rule_decode(check->data, check->data_len, &rule)) {
        return ROLLCALL_STEP_FAILED;
    }
    if (reply == NULL) {
        return ask(check, &rule);
    }
    struct text text;
    if (!text_decode(reply->body, reply->body_len, rollcall_header_of(reply, "content-type"),
                     rule.encoding, &text)) {
        return ROLLCALL_STEP_FAILED;
    }
    const struct page page = { reply, check->subject, text.bytes, text.len };
    rollcall_step step = rule.reading == READING_FAITHFUL ? judge_faithful(check, &rule, &page)
                                                          : judge(check, &rule, &page);
    text_fini(&text);
    return step;
}

static const rollcall_option options[] = {
    { .key = "catalogs",
      .type = ROLLCALL_FILES,
      .sentence = "Catalogues of sites: files of Rollcall's own format, WhatsMyName's, Sherlock's "
                  "or Maigret's; which one it is is seen from what it holds." },
    { .key = "reading",
      .type = ROLLCALL_STRING,
      .fallback = "strict",
      .sentence = "\"strict\": never a verdict without a mark for it; \"faithful\": what the "
                  "catalogue's own tool would say, to compare." },
};

ROLLCALL_EXPORT const rollcall_plugin rollcall_plugin_entry = {
    .head = ROLLCALL_PLUGIN_HEAD,
    .name = "sites",
    .version = "1.0",
    .checker_size = sizeof(rollcall_checker),
    ROLLCALL_OPTIONS(options),
    .enumerate = enumerate,
    .enumerated_step = check_site,
};
