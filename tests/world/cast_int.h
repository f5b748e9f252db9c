/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What a site's part is. */
#ifndef ROLLCALL_TESTS_WORLD_CAST_INT_H
#define ROLLCALL_TESTS_WORLD_CAST_INT_H

#include "tests/world/cast.h"

/* The replies as cases, which is what a play is made of. */
enum part_reply { PART_PRESENT, PART_ABSENT, PART_NEUTRAL, PART_REPLIES };

struct role {
    const struct site *site;
    struct script_platform script; /* its name, latency and fault */
    bool knows;                    /* the names of the script */
    struct case_exchange exchanges[PART_REPLIES];
    struct case_file cases[PART_REPLIES];
};

struct cast {
    const struct catalog *catalog;
    const struct script_catalog *script;
    struct role *roles; /* in the order of the catalogue's sites */
};

#endif
