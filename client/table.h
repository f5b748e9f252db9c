/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A table of texts with columns as wide as they need to be. */
#ifndef ROLLCALL_CLIENT_TABLE_H
#define ROLLCALL_CLIENT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 8

struct table {
    size_t columns;
    char **cells; /* row by row */
    size_t count;
    size_t room;
};

/** In the caller's memory; table_fini() frees what it holds. */
void table_init(struct table *table, size_t columns);
void table_fini(struct table *table);

/** The next cell, row by row; copied, NULL is empty. False: no memory. */
bool table_add(struct table *table, const char *text);

/** Print the rows that are complete. Errors: those of stdio. */
void table_print(const struct table *table, FILE *out, bool is_utf8);

#endif
