/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What became of each entry of a catalogue, as notes to the host. Broken ones have a sentence each;
 * those that are skipped or shadowed for the same reason share lines. In the end the counts. The
 * host keeps some hundred notes, so there is a bound here, and the counts always fit under it. */
#ifndef ROLLCALL_SITES_REPORT_H
#define ROLLCALL_SITES_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include <rollcall/plugin.h>

#define REPORT_LINE_BYTES 460 /* under the host's bound for one sentence */
#define REPORT_NOTES_MAX 270  /* of all catalogues: the host keeps 300, with the counts */
#define REPORT_REASONS_MAX 24 /* in one catalogue */
#define REPORT_REASON_BYTES 160

/** Entries that share a reason: a line that is filled and then sent. */
struct report_group {
    char reason[REPORT_REASON_BYTES];
    char line[REPORT_LINE_BYTES];
    size_t len;
    size_t count;
};

struct report {
    rollcall_check *check;
    const char *catalog;
    size_t notes; /* sent so far, over all catalogues */
    size_t unlisted;
    size_t offered;
    size_t skipped;
    size_t broken;
    size_t shadowed;
    struct report_group groups[REPORT_REASONS_MAX];
    size_t group_count;
};

/** Begin with the next catalogue; `catalog` stays the caller's. */
void report_begin(struct report *report, const char *catalog);
/** The file itself cannot be used: all that is said of it. */
void report_refused(struct report *report, const char *why);
/** `field` may be "". */
void report_broken(struct report *report, const char *name, const char *field, const char *why);
void report_skipped(struct report *report, const char *name, const char *why);
/** Another entry has its id already: `owner` is that one's catalogue. */
void report_shadowed(struct report *report, const char *name, const char *owner);
/** The lines that are not full yet, and the counts. */
void report_end(struct report *report);

#endif
