/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Lists for people: cells are kept until all are known, then printed in columns. */
#include "client/table.h"

#include <stdlib.h>
#include <string.h>

#include "client/term.h"

void
table_init(struct table *table, size_t columns)
{
    *table = (struct table){ .columns = columns };
}

void
table_fini(struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->cells[i]);
    }
    free(table->cells);
    *table = (struct table){ .columns = table->columns };
}

bool
table_add(struct table *table, const char *text)
{
    if (table->count == table->room) {
        size_t room = table->room > 0 ? 2 * table->room : 64;
        char **grown = realloc(table->cells, room * sizeof(*grown));
        if (grown == NULL) {
            return false;
        }
        table->cells = grown;
        table->room = room;
    }
    char *copy = strdup(text != NULL ? text : "");
    if (copy == NULL) {
        return false;
    }
    table->cells[table->count++] = copy;
    return true;
}

void
table_print(const struct table *table, FILE *out, bool is_utf8)
{
    size_t widths[TABLE_COLUMNS_MAX] = { 0 };
    size_t end = table->count - table->count % table->columns;
    for (size_t i = 0; i < end; i++) {
        size_t columns = term_columns(table->cells[i], is_utf8);
        size_t *width = &widths[i % table->columns];
        *width = columns > *width ? columns : *width;
    }
    size_t blanks = 0; /* owed before the next text, so that no line ends in them */
    for (size_t i = 0; i < end; i++) {
        size_t columns = term_columns(table->cells[i], is_utf8);
        if (columns > 0) {
            (void)fprintf(out, "%*s", (int)blanks, "");
            blanks = 0;
            term_put(out, table->cells[i], is_utf8, 0);
        }
        blanks += widths[i % table->columns] + 2 - columns;
        if (i % table->columns == table->columns - 1) {
            (void)fputc('\n', out);
            blanks = 0;
        }
    }
}
