/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One reader a format: from an entry's JSON to a filled entry. The entry was begun with its name;
 * what is wrong with it is kept in it. */
#ifndef ROLLCALL_SITES_FORMATS_H
#define ROLLCALL_SITES_FORMATS_H

#include "plugins/sites/entry.h"
#include "plugins/sites/node.h"

void read_own(struct entry *entry, const struct node *node);
void read_wmn(struct entry *entry, const struct node *node);
void read_sherlock(struct entry *entry, const struct node *node);
void read_maigret(struct entry *entry, const struct node *node);

#endif
