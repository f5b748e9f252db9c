/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* One query's interest in one platform: a future, a seat in a flight, and what is known of it. The
 * work itself is the flight's. */
#include "daemon/query/check_int.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/query/name_rule.h"

struct future *
check_future(struct check *check)
{
    return &check->future;
}

struct check *
check_of(struct future *future)
{
    return CONTAINER_OF(future, struct check, future);
}

const struct check *
check_of_const(const struct future *future)
{
    return (const struct check *)(const void *)((const char *)future -
                                                offsetof(struct check, future));
}

void
check_view(const struct check *check, struct check_view *out_view)
{
    const struct checker *checker = check->checker;
    *out_view = (struct check_view){
        .platform = check->platform,
        .source = checker != NULL ? checker->source : "",
        .evidence = checker != NULL ? evidence_name(checker->info->evidence) : NULL,
        .state = future_state(&check->future),
        .finding = check->finding,
        .url = check->url,
        .why = check->why,
        .began_us = check->began_us,
        .ended_us = check->ended_us,
        .cached = false,
    };
}

/* The future's first callback, so whoever is told later finds the check complete. */
static void
stamp_end(struct future *future, void *context)
{
    struct check *check = context;
    check->ended_us = clock_now_us();
    if (future_state(future) == FUTURE_CANCELLED) {
        check->finding = finding_unknown(REASON_CANCELLED);
    }
}

static void
finish(struct check *check, struct finding finding)
{
    check->finding = finding;
    future_finish(&check->future, check);
}

static void
landed(struct flight_seat *seat, const struct finding *finding, const char *url)
{
    struct check *check = CONTAINER_OF(seat, struct check, seat);
    check->url = url != NULL ? strdup(url) : NULL;
    finish(check, *finding);
}

static void
leave_flight(struct future *future)
{
    flight_leave(&check_of(future)->seat);
}

/* A check's memory is its query's. */
static const struct future_ops check_ops = { .name = "check", .cancel = leave_flight };

void
check_init(struct check *check, const char *platform, struct checker *checker)
{
    *check = (struct check){ .checker = checker,
                             .platform = platform,
                             .finding = finding_unknown(REASON_CANCELLED),
                             .began_us = -1,
                             .ended_us = -1,
                             .seat = { .landed = landed },
                             .stamp = { .fn = stamp_end, .context = check } };
    list_init(&check->seat.node);
    future_init(&check->future, &check_ops);
    future_on_done(&check->future, &check->stamp);
}

void
check_fini(struct check *check)
{
    free(check->url);
    free(check->why);
    check->url = NULL;
    check->why = NULL;
}

/* A name that the platform would refuse costs no request. */
static struct finding
finding_of_bad_name(const struct manifest_name_rule *rule)
{
    return rule->all_names ? finding_sure(VERDICT_UNREGISTERED)
                           : finding_unknown(REASON_NOT_A_VALID_NAME);
}

void
check_start(struct check *check, struct epoch *epoch, const struct subject *subject,
            int64_t deadline_us)
{
    if (!future_start(&check->future)) {
        return; /* cancelled before its turn */
    }
    if (check->checker == NULL) {
        finish(check, finding_unknown(REASON_UNSUPPORTED));
        return;
    }
    check->began_us = clock_now_us();
    check->seat.deadline_us = deadline_us;
    const struct manifest_name_rule *rule = check->checker->info->name_rule;
    if (!name_rule_allows(rule, subject->value)) {
        finish(check, finding_of_bad_name(rule));
    } else if (flight_board(epoch, check->checker, subject, &check->seat) != ERROR_OK) {
        finish(check, finding_unknown(REASON_OVERLOADED));
    }
}

void
check_cut_off(struct check *check)
{
    if (future_is_done(&check->future)) {
        return;
    }
    if (check->began_us < 0) {
        future_cancel(&check->future);
        return;
    }
    flight_leave(&check->seat);
    finish(check, finding_unknown(REASON_TIMEOUT));
}
