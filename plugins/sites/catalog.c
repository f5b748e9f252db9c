/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* See the header. A broken entry costs only itself; a file whose grammar is broken is refused as a
 * whole, for nobody can say where its entries are. */
#include "plugins/sites/catalog.h"

#include <stdio.h>
#include <string.h>

#include "plugins/sites/formats.h"

#define SUFFIX ".json"
#define OWN_KEY "rollcall_catalog"
#define OWN_VERSION "1"

/* ---- Recognising -------------------------------------------------------- */

static void
name_catalog(const char *file_name, char out[CATALOG_NAME_BYTES])
{
    size_t len = strnlen(file_name, CATALOG_NAME_BYTES - 1);
    size_t suffix = strlen(SUFFIX);
    if (len > suffix && memcmp(file_name + len - suffix, SUFFIX, suffix) == 0) {
        len -= suffix;
    }
    memcpy(out, file_name, len);
    out[len] = '\0';
}

static bool
is_object(struct span value)
{
    return value.len > 0 && value.bytes[0] == '{';
}

static bool
open_own(struct span file, struct span version, struct catalog *out, struct why *why)
{
    if (version.len != strlen(OWN_VERSION) ||
        memcmp(version.bytes, OWN_VERSION, version.len) != 0) {
        return say(why, "is a catalogue of version %.*s, this plugin knows " OWN_VERSION,
                   version.len < 20 ? (int)version.len : 20, version.bytes);
    }
    out->dialect = DIALECT_OWN;
    if (!scan_find(file, "sites", &out->entries) || out->entries.bytes[0] != '[') {
        return say(why, "has no list \"sites\"");
    }
    return true;
}

/* Sherlock's has nothing but entries: the first one tells. */
static bool
looks_like_sherlock(struct span file)
{
    struct scan scan;
    struct span key;
    struct span value;
    struct span type;
    scan_open(&scan, file);
    while (scan_next(&scan, &key, &value)) {
        if (is_object(value)) {
            return scan_find(value, "errorType", &type) || scan_find(value, "urlMain", &type);
        }
    }
    return false;
}

static bool
recognise(struct span file, struct catalog *out, struct why *why)
{
    struct span value;
    if (!is_object(file)) {
        return say(why, "is no JSON object");
    }
    if (scan_find(file, OWN_KEY, &value)) {
        return open_own(file, value, out, why);
    }
    if (scan_find(file, "sites", &out->entries) && out->entries.bytes[0] == '[') {
        out->dialect = DIALECT_WMN;
        return true;
    }
    if (out->entries.len > 0 && is_object(out->entries)) {
        out->dialect = DIALECT_MAIGRET;
        (void)scan_find(file, "engines", &out->engines);
        return true;
    }
    out->dialect = DIALECT_SHERLOCK;
    out->entries = file;
    return looks_like_sherlock(file) ||
           say(why, "is no catalogue of Rollcall's, WhatsMyName's, Sherlock's or Maigret's");
}

bool
catalog_open(const char *file_name, struct span file, struct catalog *out, struct why *why)
{
    *out = (struct catalog){ .entries = { file.bytes, 0 }, .engines = { file.bytes, 0 } };
    name_catalog(file_name, out->name);
    return scan_check(file, why) && recognise(scan_value(file), out, why);
}

/* ---- Offering ----------------------------------------------------------- */

static bool
offer(struct reading_run *run, const struct catalog *catalog)
{
    struct entry *entry = &run->entry;
    uint8_t data[ROLLCALL_DATA_BYTES];
    size_t len = rule_encode(&entry->rule, data);
    if (len == 0) {
        entry_break(entry, "", "its rule is larger than %d bytes", ROLLCALL_DATA_BYTES);
        return false;
    }
    const rollcall_platform platform = {
        .id = entry->id, .title = entry->name, .home = entry->home, .tags = entry->tags
    };
    const rollcall_checker checker = {
        .platform = &platform,
        .kind = ROLLCALL_USERNAME,
        .method = entry->method,
        .evidence = entry->evidence != 0 ? entry->evidence : rule_evidence(&entry->rule),
        .flags = rule_checker_flags(&entry->rule),
        .base_url = entry->base_url,
        .rate_count = entry->rate_count,
        .rate_seconds = entry->rate_seconds,
        .concurrency = entry->concurrency,
        .body_max = ROLLCALL_BODY_CEILING,
        .known = entry->known,
        .absent = entry->absent,
        .source = catalog->name,
    };
    if (rollcall_yield(run->check, &checker, data, len) != 0) {
        entry_break(entry, "", "the host refuses its checker");
        return false;
    }
    return true;
}

/* A broken entry shadows nobody: its site may stand in another catalogue as well. */
static void
settle(struct reading_run *run, size_t index)
{
    struct entry *entry = &run->entry;
    size_t owner = index;
    entry_finish(entry);
    if (entry->outcome == ENTRY_OFFERED && ident_set_find(run->seen, entry->id, &owner)) {
        report_shadowed(&run->report, entry->name, run->catalogs[owner].name);
        return;
    }
    if (entry->outcome == ENTRY_OFFERED && offer(run, &run->catalogs[index])) {
        run->report.offered++;
        if (!ident_set_add(run->seen, entry->id, index)) {
            report_refused(&run->report, "no memory to remember its ids");
        }
    } else if (entry->outcome == ENTRY_SKIPPED) {
        report_skipped(&run->report, entry->name, entry->why.text);
    } else {
        report_broken(&run->report, entry->name, entry->field, entry->why.text);
    }
}

static void
read_named(struct reading_run *run, size_t index, const struct reader *reader, const char *name,
           const struct node *node)
{
    static void (*const readers[DIALECT_COUNT])(struct entry *, const struct node *) = {
        [DIALECT_OWN] = read_own,
        [DIALECT_WMN] = read_wmn,
        [DIALECT_SHERLOCK] = read_sherlock,
        [DIALECT_MAIGRET] = read_maigret,
    };
    entry_begin(&run->entry, reader, name);
    if (node_kind(node) != NODE_OBJECT) {
        entry_break(&run->entry, "", "is %s, wants an object", node_kind_name(node_kind(node)));
    } else {
        readers[reader->dialect](&run->entry, node);
    }
    settle(run, index);
}

static void
read_one(struct reading_run *run, size_t index, const struct reader *reader, struct span key,
         struct span value)
{
    struct why why = { "" };
    struct node *node = node_read(value, &why);
    struct node *name = key.len > 0 ? node_read(key, NULL) : NULL;
    const char *text = key.len > 0 ? node_text(name) : node_text(node_get(node, "name"));
    if (node == NULL) {
        report_broken(&run->report, text != NULL ? text : "an entry", "", why.text);
    } else if (text == NULL) {
        report_broken(&run->report, "an entry", "name", "is not there, wants a text");
    } else {
        read_named(run, index, reader, text, node);
    }
    node_drop(&node);
    node_drop(&name);
}

static bool
is_comment(struct span key)
{
    return key.len > 1 && key.bytes[1] == '$'; /* Sherlock's "$schema" */
}

/* NULL without engines, and where they cannot be read: then every entry that names one says so. */
static struct node *
read_engines(struct reading_run *run, const struct catalog *catalog)
{
    struct why why;
    if (catalog->engines.len == 0) {
        return NULL;
    }
    struct node *engines = node_read(catalog->engines, &why);
    if (engines == NULL) {
        report_broken(&run->report, "engines", "", why.text);
    }
    return engines;
}

void
catalog_read(struct reading_run *run, size_t index)
{
    const struct catalog *catalog = &run->catalogs[index];
    report_begin(&run->report, catalog->name);
    struct node *engines = read_engines(run, catalog);
    const struct reader reader = { .dialect = catalog->dialect,
                                   .reading = run->reading,
                                   .detours = run->detours,
                                   .engines = engines };
    struct scan scan;
    struct span key;
    struct span value;
    scan_open(&scan, catalog->entries);
    for (size_t i = 0; scan_next(&scan, &key, &value); i++) {
        if (i == CATALOG_ENTRIES_MAX) {
            report_refused(&run->report, "the entries behind the millionth: there are more");
            break;
        }
        if (!is_comment(key)) {
            read_one(run, index, &reader, key, value);
        }
    }
    report_end(&run->report);
    node_drop(&engines);
}
