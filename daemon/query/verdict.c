/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Verdicts, reasons, three-valued any, and the rules that no plugin can break. Pure. */
#include "daemon/query/verdict.h"

#include "rollcall/plugin.h"

_Static_assert((int)VERDICT_UNKNOWN == (int)ROLLCALL_UNKNOWN, "verdicts are the plugin's");
_Static_assert((int)VERDICT_REGISTERED == (int)ROLLCALL_REGISTERED, "verdicts are the plugin's");
_Static_assert((int)VERDICT_UNREGISTERED == (int)ROLLCALL_UNREGISTERED,
               "verdicts are the plugin's");

const char *
verdict_name(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_REGISTERED:
        return "registered";
    case VERDICT_UNREGISTERED:
        return "unregistered";
    case VERDICT_UNKNOWN:
        break;
    }
    return "unknown";
}

const char *
reason_name(enum reason reason)
{
    static const char *const words[REASON_COUNT] = {
#define X(name, word) [REASON_##name] = (word),
        REASON_TABLE(X)
#undef X
    };
    return reason < REASON_COUNT ? words[reason] : NULL;
}

enum reason
reason_of_plugin(int32_t reason)
{
    static const enum reason reasons[] = {
        [ROLLCALL_RATE_LIMITED] = REASON_RATE_LIMITED,
        [ROLLCALL_BLOCKED] = REASON_BLOCKED,
        [ROLLCALL_SERVER_ERROR] = REASON_SERVER_ERROR,
        [ROLLCALL_UNEXPECTED_REPLY] = REASON_UNEXPECTED_REPLY,
        [ROLLCALL_NOT_PUBLIC] = REASON_NOT_PUBLIC,
        [ROLLCALL_SIMILAR_ONLY] = REASON_SIMILAR_ONLY,
        [ROLLCALL_UNSUPPORTED] = REASON_UNSUPPORTED,
        [ROLLCALL_NOT_A_VALID_NAME] = REASON_NOT_A_VALID_NAME,
        [ROLLCALL_UNREACHABLE] = REASON_UNREACHABLE,
        [ROLLCALL_TIMEOUT] = REASON_TIMEOUT,
    };
    size_t count = sizeof(reasons) / sizeof(reasons[0]);
    bool known = reason > 0 && (size_t)reason < count;
    return known ? reasons[reason] : REASON_PLUGIN_FAILED;
}

const char *
evidence_name(int32_t evidence)
{
    static const char *const words[] = {
        [ROLLCALL_EXACT] = "exact",
        [ROLLCALL_PUBLIC] = "public",
        [ROLLCALL_INFERRED] = "inferred",
        [ROLLCALL_SIMILAR] = "similar",
    };
    bool known = evidence > 0 && (size_t)evidence < sizeof(words) / sizeof(words[0]);
    return known ? words[evidence] : NULL;
}

struct finding
finding_sure(enum verdict verdict)
{
    return (struct finding){ .verdict = verdict, .reason = REASON_NONE, .retry_after_ms = -1 };
}

struct finding
finding_unknown(enum reason reason)
{
    return (struct finding){ .verdict = VERDICT_UNKNOWN, .reason = reason, .retry_after_ms = -1 };
}

struct finding
finding_rate_limited(int64_t retry_after_ms)
{
    struct finding finding = finding_unknown(REASON_RATE_LIMITED);
    finding.retry_after_ms = retry_after_ms;
    return finding;
}

void
tally_add(struct tally *tally, const struct finding *finding)
{
    switch (finding->verdict) {
    case VERDICT_REGISTERED:
        tally->registered++;
        return;
    case VERDICT_UNREGISTERED:
        tally->unregistered++;
        return;
    case VERDICT_UNKNOWN:
        tally->unknown++;
        tally->reasons[finding->reason]++;
        return;
    }
}

enum verdict
tally_verdict(const struct tally *tally)
{
    if (tally->registered > 0) {
        return VERDICT_REGISTERED;
    }
    return tally->unknown == 0 && tally->unregistered > 0 ? VERDICT_UNREGISTERED : VERDICT_UNKNOWN;
}

enum reason
reason_of_status(int status)
{
    if (status == 429) {
        return REASON_RATE_LIMITED;
    }
    if (status == 401 || status == 403 || status == 407) {
        return REASON_BLOCKED;
    }
    return status >= 500 && status <= 599 ? REASON_SERVER_ERROR : REASON_NONE;
}

/* What a miss is worth. */
static struct finding
guard_miss(const struct evidence *evidence)
{
    if (evidence->truncated) {
        return finding_unknown(REASON_UNEXPECTED_REPLY);
    }
    if (evidence->evidence == ROLLCALL_PUBLIC) {
        return finding_unknown(REASON_NOT_PUBLIC);
    }
    return finding_sure(VERDICT_UNREGISTERED);
}

struct finding
verdict_guard(struct finding finding, const struct evidence *evidence)
{
    if (finding.verdict == VERDICT_UNKNOWN) {
        return finding;
    }
    bool is_guarded = (evidence->flags & ROLLCALL_UNGUARDED) == 0;
    enum reason code = is_guarded ? reason_of_status(evidence->status) : REASON_NONE;
    if (code != REASON_NONE && (evidence->flags & ROLLCALL_CODES_ARE_MARKS) == 0) {
        return finding_unknown(code);
    }
    if (evidence->evidence == ROLLCALL_SIMILAR) {
        return finding_unknown(REASON_SIMILAR_ONLY);
    }
    return is_guarded && finding.verdict == VERDICT_UNREGISTERED ? guard_miss(evidence) : finding;
}
