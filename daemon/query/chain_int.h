/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The single acts of a chain, without any decision about what comes next: chain.c decides. */
#ifndef ROLLCALL_QUERY_CHAIN_INT_H
#define ROLLCALL_QUERY_CHAIN_INT_H

#include "daemon/query/chain.h"

/** What it means that chain_call(), chain_fill(), chain_fetch() or its future failed. */
enum reason chain_reason_of_refused_call(int error);
enum reason chain_reason_of_filling(int error);
enum reason chain_reason_of_fetch(int error);

/** The plugin's last answer. Borrowed. */
const struct call_answer *chain_answer(const struct chain *chain);

/** Call the plugin's next step with what is carried and the reply, if there is one. Errors: as
 *  crew_call(). *out_call is a reference. */
MUST_CHECK int chain_call(struct chain *chain, struct future **out_call);

/** The first shared value that the wanted request needs and that is not there; false: none. */
MUST_CHECK bool chain_lacks_shared(struct chain *chain, char *out_name, size_t name_bytes);

/** Fill the wanted request. Errors: as request_fill(); notes the plugin's failures. */
MUST_CHECK int chain_fill(struct chain *chain);

/** Send the filled request. Errors: as fetch_start(). *out_fetch is a reference. */
MUST_CHECK int chain_fetch(struct chain *chain, struct future **out_fetch);

/** Keep what later steps need of the reply: status, cookies. Errors: NOMEM. */
MUST_CHECK int chain_note_reply(struct chain *chain);

/** What the plugin's verdict is worth; fills the profile's URL. */
struct finding chain_judge(struct chain *chain);

/** One more failure of the plugin; logged when it is not the one before. */
void chain_note_failure(struct chain *chain, const char *sentence);

#endif
