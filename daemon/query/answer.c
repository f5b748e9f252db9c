/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* From the ends of all checks to one answer. */
#include "daemon/base/clock.h"
#include "daemon/query/query_int.h"

/* Checks of one sort, in the order of their end, appended to the list. */
static void
list_checks(struct query *query, bool begun)
{
    struct answer *answer = &query->answer;
    for (size_t i = 0; i < completion_ended(query->completion); i++) {
        struct check *check = check_of(completion_at(query->completion, i));
        if ((check->began_us >= 0) == begun) {
            query->listed[answer->check_count++] = check;
        }
    }
    answer->checks = query->listed;
}

static void
count_check(struct answer *answer, const struct check *check)
{
    tally_add(&answer->tally, &check->finding);
    answer->asked += check->began_us >= 0;
    answer->cancelled += future_state(&check->future) == FUTURE_CANCELLED;
    if (check->finding.verdict == VERDICT_REGISTERED && answer->platform == NULL) {
        answer->platform = check->platform;
    }
}

void
query_fill_answer(struct query *query)
{
    struct answer *answer = &query->answer;
    for (size_t i = 0; i < completion_ended(query->completion); i++) {
        count_check(answer, check_of(completion_at(query->completion, i)));
    }
    list_checks(query, true);
    list_checks(query, false);
    answer->verdict = tally_verdict(&answer->tally);
    answer->reason = query->progress.checks == 0 ? REASON_UNSUPPORTED : REASON_NONE;
    answer->elapsed_us = clock_now_us() - answer->started_us;
}
