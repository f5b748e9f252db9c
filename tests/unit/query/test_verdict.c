/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Three-valued any, and what no plugin can talk the host into. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/attr.h"
#include "daemon/query/verdict.h"
#include "rollcall/plugin.h"
#include "tests/support/common.h"

#define YES VERDICT_REGISTERED
#define NO VERDICT_UNREGISTERED
#define DUNNO VERDICT_UNKNOWN
#define MARKS ROLLCALL_CODES_ARE_MARKS

static void
test_any_is_three_valued(void **state)
{
    (void)state;
    static const struct {
        size_t yes;
        size_t no;
        size_t dunno;
        enum verdict want;
    } rows[] = {
        { 0, 0, 0, DUNNO }, { 1, 0, 0, YES },   { 0, 1, 0, NO },  { 0, 0, 1, DUNNO },
        { 1, 1, 1, YES },   { 0, 5, 1, DUNNO }, { 1, 0, 9, YES }, { 0, 7, 0, NO },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct tally tally = { .registered = rows[i].yes,
                               .unregistered = rows[i].no,
                               .unknown = rows[i].dunno };
        if (tally_verdict(&tally) != rows[i].want) {
            support_fail("row %zu: %s", i, verdict_name(tally_verdict(&tally)));
        }
    }
}

static void
test_a_tally_counts_reasons(void **state)
{
    (void)state;
    struct tally tally = { 0 };
    struct finding findings[] = { finding_unknown(REASON_TIMEOUT), finding_sure(NO),
                                  finding_unknown(REASON_TIMEOUT), finding_sure(YES),
                                  finding_rate_limited(5) };
    for (size_t i = 0; i < ARRAY_LEN(findings); i++) {
        tally_add(&tally, &findings[i]);
    }
    assert_int_equal(tally.registered, 1);
    assert_int_equal(tally.unregistered, 1);
    assert_int_equal(tally.unknown, 3);
    assert_int_equal(tally.reasons[REASON_TIMEOUT], 2);
    assert_int_equal(tally.reasons[REASON_RATE_LIMITED], 1);
    assert_int_equal(tally.reasons[REASON_NONE], 0);
}

struct guard_row {
    enum verdict verdict;
    struct evidence evidence;
    enum verdict want;
    enum reason reason;
};

/* evidence, flags, status, truncated */
static const struct guard_row guard_rows[] = {
    { YES, { ROLLCALL_EXACT, 0, 200, false }, YES, REASON_NONE },
    { NO, { ROLLCALL_EXACT, 0, 404, false }, NO, REASON_NONE },
    { YES, { ROLLCALL_INFERRED, 0, 200, false }, YES, REASON_NONE },
    { NO, { ROLLCALL_INFERRED, 0, 200, false }, NO, REASON_NONE },
    /* a blocking checker has no reply */
    { YES, { ROLLCALL_EXACT, 0, 0, false }, YES, REASON_NONE },
    { NO, { ROLLCALL_EXACT, 0, 0, false }, NO, REASON_NONE },
    /* replies that carry no verdict */
    { YES, { ROLLCALL_EXACT, 0, 429, false }, DUNNO, REASON_RATE_LIMITED },
    { NO, { ROLLCALL_EXACT, 0, 429, false }, DUNNO, REASON_RATE_LIMITED },
    { YES, { ROLLCALL_EXACT, 0, 401, false }, DUNNO, REASON_BLOCKED },
    { NO, { ROLLCALL_EXACT, 0, 403, false }, DUNNO, REASON_BLOCKED },
    { NO, { ROLLCALL_EXACT, 0, 407, false }, DUNNO, REASON_BLOCKED },
    { YES, { ROLLCALL_EXACT, 0, 500, false }, DUNNO, REASON_SERVER_ERROR },
    { NO, { ROLLCALL_EXACT, 0, 599, false }, DUNNO, REASON_SERVER_ERROR },
    { NO, { ROLLCALL_PUBLIC, 0, 503, false }, DUNNO, REASON_SERVER_ERROR },
    /* unless the checker says that such codes are its marks */
    { YES, { ROLLCALL_EXACT, MARKS, 403, false }, YES, REASON_NONE },
    { NO, { ROLLCALL_EXACT, MARKS, 503, false }, NO, REASON_NONE },
    { NO, { ROLLCALL_EXACT, MARKS, 503, true }, DUNNO, REASON_UNEXPECTED_REPLY },
    /* a body that was cut has its marks, but nothing is absent from it */
    { YES, { ROLLCALL_EXACT, 0, 200, true }, YES, REASON_NONE },
    { NO, { ROLLCALL_EXACT, 0, 200, true }, DUNNO, REASON_UNEXPECTED_REPLY },
    { NO, { ROLLCALL_PUBLIC, 0, 200, true }, DUNNO, REASON_UNEXPECTED_REPLY },
    /* evidence */
    { YES, { ROLLCALL_PUBLIC, 0, 200, false }, YES, REASON_NONE },
    { NO, { ROLLCALL_PUBLIC, 0, 404, false }, DUNNO, REASON_NOT_PUBLIC },
    { YES, { ROLLCALL_SIMILAR, 0, 200, false }, DUNNO, REASON_SIMILAR_ONLY },
    { NO, { ROLLCALL_SIMILAR, 0, 200, false }, DUNNO, REASON_SIMILAR_ONLY },
    { YES, { ROLLCALL_SIMILAR, 0, 403, false }, DUNNO, REASON_BLOCKED },
    /* another tool's verdicts */
    { NO, { ROLLCALL_INFERRED, ROLLCALL_UNGUARDED, 429, false }, NO, REASON_NONE },
    { YES, { ROLLCALL_INFERRED, ROLLCALL_UNGUARDED, 503, true }, YES, REASON_NONE },
    { NO, { ROLLCALL_INFERRED, ROLLCALL_UNGUARDED, 200, true }, NO, REASON_NONE },
    { YES, { ROLLCALL_SIMILAR, ROLLCALL_UNGUARDED, 403, false }, DUNNO, REASON_SIMILAR_ONLY },
};

static void
test_the_guard(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(guard_rows); i++) {
        const struct guard_row *row = &guard_rows[i];
        struct finding got = verdict_guard(finding_sure(row->verdict), &row->evidence);
        if (got.verdict != row->want || got.reason != row->reason) {
            support_fail("row %zu: %s, %d", i, verdict_name(got.verdict), (int)got.reason);
        }
    }
}

static void
test_the_guard_leaves_unknown_alone(void **state)
{
    (void)state;
    struct evidence evidence = { ROLLCALL_EXACT, 0, 503, true };
    struct finding got = verdict_guard(finding_rate_limited(7), &evidence);
    assert_int_equal(got.reason, REASON_RATE_LIMITED);
    assert_int_equal(got.retry_after_ms, 7);
}

static void
test_words(void **state)
{
    (void)state;
    assert_string_equal(verdict_name(YES), "registered");
    assert_string_equal(verdict_name(NO), "unregistered");
    assert_string_equal(verdict_name(DUNNO), "unknown");
    assert_null(reason_name(REASON_NONE));
    assert_null(reason_name(REASON_COUNT));
    for (enum reason reason = REASON_NONE + 1; reason < REASON_COUNT; reason++) {
        assert_non_null(reason_name(reason));
    }
    assert_string_equal(reason_name(REASON_NOT_A_VALID_NAME), "not_a_valid_name");
    assert_string_equal(evidence_name(ROLLCALL_SIMILAR), "similar");
    assert_null(evidence_name(0));
    assert_null(evidence_name(5));
}

static void
test_reasons_of_plugins(void **state)
{
    (void)state;
    assert_int_equal(reason_of_plugin(ROLLCALL_RATE_LIMITED), REASON_RATE_LIMITED);
    assert_int_equal(reason_of_plugin(ROLLCALL_TIMEOUT), REASON_TIMEOUT);
    assert_int_equal(reason_of_plugin(0), REASON_PLUGIN_FAILED);
    assert_int_equal(reason_of_plugin(-1), REASON_PLUGIN_FAILED);
    assert_int_equal(reason_of_plugin(11), REASON_PLUGIN_FAILED);
    assert_int_equal(reason_of_plugin(INT32_MAX), REASON_PLUGIN_FAILED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_is_three_valued),
        cmocka_unit_test(test_a_tally_counts_reasons),
        cmocka_unit_test(test_the_guard),
        cmocka_unit_test(test_the_guard_leaves_unknown_alone),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_reasons_of_plugins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
