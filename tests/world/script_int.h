/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What the parts that read a script share. */
#ifndef ROLLCALL_TESTS_WORLD_SCRIPT_INT_H
#define ROLLCALL_TESTS_WORLD_SCRIPT_INT_H

#include "daemon/base/json.h"
#include "tests/world/script.h"

#define SCRIPT_US_PER_MS 1000

struct script_reader {
    struct arena *arena;
    const char *path;
    const char *platform; /* or "catalog", or a name of "dns" */
    struct error_text *why;
};

/** Say what was found and what is wanted; gives INVALID. */
int script_refuse(struct script_reader *reader, const struct json *json, const char *wanted);
int script_no_memory(struct script_reader *reader);

bool script_is_latency(const struct json *json);
MUST_CHECK int script_read_names(struct script_reader *reader, const struct json *json,
                                 struct script_names *out_names);
MUST_CHECK int script_read_fault(struct script_reader *reader, const struct json *json,
                                 struct script_fault *out_fault);

/** The script's "catalog". */
MUST_CHECK int script_read_catalog(struct script_reader *reader, const struct json *json,
                                   struct script_catalog *out_catalog);

/** The script's "dns". */
MUST_CHECK int
script_read_dns(struct script_reader *reader, const struct json *json, struct script_dns *out_dns);

#endif
