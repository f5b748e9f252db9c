/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A catalogue from a stranger: any bytes are a file of one of the formats, or are refused. Read in
 * both readings, with and without a test server; what is offered must be whole. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "plugins/sites/catalog.h"
#include "plugins/sites/ident.h"
#include "tests/fuzz/sites_host.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
read_as(const struct catalog *catalog, enum reading reading)
{
    static struct reading_run run;
    rollcall_check check = { .host = &sites_host, .subject = "" };
    run = (struct reading_run){ .check = &check,
                                .reading = reading,
                                .detours = reading == READING_FAITHFUL,
                                .seen = ident_set_new(),
                                .catalogs = catalog };
    run.report.check = &check;
    if (run.seen == NULL) {
        abort();
    }
    catalog_read(&run, 0);
    ident_set_free(&run.seen);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct catalog catalog;
    struct why why;
    const struct span file = { (const char *)bytes, len };
    if (catalog_open("fuzz.json", file, &catalog, &why)) {
        read_as(&catalog, READING_STRICT);
        read_as(&catalog, READING_FAITHFUL);
    }
    return 0;
}
