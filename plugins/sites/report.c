/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* See the header. */
#include "plugins/sites/report.h"

#include <stdio.h>
#include <string.h>

#define NAME_SHOWN 80
#define WHY_SHOWN 240

void
report_begin(struct report *report, const char *catalog)
{
    report->catalog = catalog;
    report->unlisted = 0;
    report->offered = 0;
    report->skipped = 0;
    report->broken = 0;
    report->shadowed = 0;
    report->group_count = 0;
}

/* A line about entries; past the bound they are only counted. */
static void
send(struct report *report, const char *line, size_t entries)
{
    if (report->notes >= REPORT_NOTES_MAX) {
        report->unlisted += entries;
        return;
    }
    report->notes++;
    rollcall_note(report->check, line);
}

void
report_refused(struct report *report, const char *why)
{
    char line[REPORT_LINE_BYTES];
    (void)snprintf(line, sizeof(line), "%s: refused: %.*s", report->catalog, WHY_SHOWN, why);
    rollcall_note(report->check, line);
}

void
report_broken(struct report *report, const char *name, const char *field, const char *why)
{
    char line[REPORT_LINE_BYTES];
    (void)snprintf(line, sizeof(line), "%s: %.*s: broken: %s%s%.*s", report->catalog, NAME_SHOWN,
                   name, field, field[0] != '\0' ? " " : "", WHY_SHOWN, why);
    report->broken++;
    send(report, line, 1);
}

/* ---- Shared lines ------------------------------------------------------- */

static void
flush(struct report *report, struct report_group *group)
{
    if (group->count > 0) {
        send(report, group->line, group->count);
    }
    group->count = 0;
    group->len = (size_t)snprintf(group->line, sizeof(group->line), "%s: %s: ", report->catalog,
                                  group->reason);
}

static struct report_group *
find_group(struct report *report, const char *reason)
{
    for (size_t i = 0; i < report->group_count; i++) {
        if (strcmp(report->groups[i].reason, reason) == 0) {
            return &report->groups[i];
        }
    }
    if (report->group_count == REPORT_REASONS_MAX) {
        return NULL;
    }
    struct report_group *group = &report->groups[report->group_count++];
    (void)snprintf(group->reason, sizeof(group->reason), "%s", reason);
    group->count = 0;
    flush(report, group);
    return group;
}

static void
add_name(struct report *report, const char *reason, const char *name)
{
    struct report_group *group = find_group(report, reason);
    size_t len = strnlen(name, NAME_SHOWN);
    if (group == NULL) {
        report->unlisted++;
        return;
    }
    if (group->len + 2 + len >= sizeof(group->line)) {
        flush(report, group);
    }
    if (group->len + 2 + len < sizeof(group->line)) {
        group->len += (size_t)snprintf(group->line + group->len, sizeof(group->line) - group->len,
                                       "%s%.*s", group->count > 0 ? ", " : "", (int)len, name);
        group->count++;
    }
}

void
report_skipped(struct report *report, const char *name, const char *why)
{
    char reason[REPORT_REASON_BYTES];
    (void)snprintf(reason, sizeof(reason), "skipped, %.120s", why);
    report->skipped++;
    add_name(report, reason, name);
}

void
report_shadowed(struct report *report, const char *name, const char *owner)
{
    char reason[REPORT_REASON_BYTES];
    (void)snprintf(reason, sizeof(reason), "shadowed by %.100s", owner);
    report->shadowed++;
    add_name(report, reason, name);
}

void
report_end(struct report *report)
{
    for (size_t i = 0; i < report->group_count; i++) {
        if (report->groups[i].count > 0) {
            flush(report, &report->groups[i]);
        }
    }
    char line[REPORT_LINE_BYTES];
    size_t entries = report->offered + report->skipped + report->broken + report->shadowed;
    int len = snprintf(line, sizeof(line),
                       "%s: %zu entries: %zu offered, %zu skipped, %zu broken, %zu shadowed",
                       report->catalog, entries, report->offered, report->skipped, report->broken,
                       report->shadowed);
    if (report->unlisted > 0 && len > 0 && (size_t)len < sizeof(line)) {
        (void)snprintf(line + len, sizeof(line) - (size_t)len, "; %zu of them are not listed",
                       report->unlisted);
    }
    rollcall_note(report->check, line);
}
