/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Sweeps over all sites of catalogues, held against what the world knows to be true of each: no
 * wrong verdict, and none left open where the site answered as it should.
 *
 * The tree's own small files are always swept. ROLLCALL_CATALOGS="a.json:b.json" names others. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "tests/support/common.h"
#include "tests/support/rpc.h"
#include "tests/support/sweep.h"

#define CATALOGS TEST_SOURCE_DIR "/tests/world/testdata/catalogs"
#define PRESENT "\"present\":[\"alice\",\"al.ice\",\"o'neil&co=1/2\"]"
#define FAULTS                                                                                     \
    "\"faults\":[\"status:403\",\"status:429\",\"status:503\",\"bot_wall\",\"reset\",\"endless\"," \
    "\"gzip_bomb\",\"redirect_loop\",\"truncate\",\"status:401\",\"status:500\",\"bot_wall:200\"," \
    "\"close\",\"garbage\"]"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define MANY 4500
#define COMPLAINTS_MAX 40

static const char *const own[] = { CATALOGS "/harbour.json", CATALOGS "/meadow.json",
                                   CATALOGS "/orchard.json", CATALOGS "/quarry.json", NULL };
static struct sweep sweep; /* of the running test; ended by its teardown */

static int
end_sweep(void **state)
{
    (void)state;
    sweep_free(&sweep);
    return 0;
}

/* ---- What must be answered */

struct verdict {
    const char *verdict;
    const char *reason;
};

/* Python's "{,9}" is "{0,9}" to others. */
static char *
spell_counts(const char *pattern)
{
    char *text = calloc(1, 2 * strlen(pattern) + 1);
    assert_non_null(text);
    char *out = text;
    for (const char *at = pattern; *at != '\0'; at++) {
        *out++ = *at;
        if (at[0] == '{' && at[1] == ',') {
            *out++ = '0';
        }
    }
    return text;
}

/* As the formats search: anywhere in the name. */
static bool
is_legal(const char *pattern, const char *name)
{
    int error = 0;
    PCRE2_SIZE at = 0;
    char *text = spell_counts(pattern);
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
                                     PCRE2_UTF | PCRE2_UCP | PCRE2_ALT_BSUX, &error, &at, NULL);
    if (code == NULL) {
        support_fail("the pattern %s", pattern);
    }
    free(text);
    pcre2_match_data *match = pcre2_match_data_create_from_pattern(code, NULL);
    int found = pcre2_match(code, (PCRE2_SPTR)name, strlen(name), 0, 0, match, NULL);
    pcre2_match_data_free(match);
    pcre2_code_free(code);
    return found >= 0;
}

static bool
is_label(const char *name)
{
    size_t len = strlen(name);
    return strspn(name, LETTERS "-") == len && len <= 63 && name[0] != '-' && name[len - 1] != '-';
}

static bool
is_true(const cJSON *object, const char *key)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, key));
}

/* Whether the site can be asked for this very name. */
static bool
is_askable(const cJSON *site, const char *name)
{
    const char *pattern = rpc_text(site, "pattern");
    return (*pattern == '\0' || is_legal(pattern, name)) &&
           strpbrk(name, rpc_text(site, "without")) == NULL &&
           (!is_true(site, "label") || is_label(name)) &&
           (!is_true(site, "plain") || name[strspn(name, LETTERS "@._-")] == '\0');
}

static struct verdict
expected_of(const cJSON *site, const char *name, bool is_present)
{
    if (!is_askable(site, name)) {
        return (struct verdict){ "unknown", "not_a_valid_name" };
    }
    if (*rpc_text(site, "fault") != '\0') {
        return (struct verdict){ "unknown", rpc_text(site, "reason") };
    }
    const cJSON *reply = cJSON_GetObjectItemCaseSensitive(
        site, is_present && is_true(site, "knows") ? "present" : "absent");
    return (struct verdict){ rpc_text(reply, "verdict"), rpc_text(reply, "reason") };
}

/* ---- What was */

struct tally {
    size_t registered;
    size_t unregistered;
    size_t unknown;
    size_t hostile;
    size_t illegal;
    size_t wrong; /* sure, and not true */
    size_t open;  /* unknown where it could be told */
    size_t other; /* the wrong reason, or a site that only one side knows */
};

static void
count(struct tally *tally, const struct verdict *is, const struct verdict *should, bool is_hostile)
{
    bool is_unknown = strcmp(is->verdict, "unknown") == 0;
    tally->registered += strcmp(is->verdict, "registered") == 0;
    tally->unregistered += strcmp(is->verdict, "unregistered") == 0;
    tally->unknown += is_unknown;
    tally->hostile += is_hostile;
    tally->illegal += strcmp(should->reason, "not_a_valid_name") == 0;
    if (strcmp(is->verdict, should->verdict) != 0) {
        tally->wrong += !is_unknown;
        tally->open += is_unknown;
    } else {
        tally->other += strcmp(is->reason, should->reason) != 0;
    }
}

static void
complain(const struct tally *tally, const char *id, const struct verdict *is,
         const struct verdict *should, const char *fault)
{
    if (tally->wrong + tally->open + tally->other <= COMPLAINTS_MAX) {
        print_message("  %s%s%s: %s %s, wants %s %s\n", id, *fault != '\0' ? " with " : "", fault,
                      is->verdict, is->reason, should->verdict, should->reason);
    }
}

/* An object of the answer's checks by platform. */
static cJSON *
index_checks(const cJSON *answer)
{
    cJSON *by_id = cJSON_CreateObject();
    const cJSON *check = NULL;
    cJSON_ArrayForEach(check, cJSON_GetObjectItemCaseSensitive(answer, "checks"))
    {
        cJSON_AddItemReferenceToObject(by_id, rpc_text(check, "platform"), (cJSON *)check);
    }
    return by_id;
}

static void
judge_site(const cJSON *site, const cJSON *check, const char *name, bool is_present,
           struct tally *tally)
{
    const char *id = rpc_text(site, "id");
    const char *fault = rpc_text(site, "fault");
    struct verdict should = expected_of(site, name, is_present);
    struct verdict is = { rpc_text(check, "verdict"), rpc_text(check, "reason") };
    if (check == NULL || strcmp(rpc_text(check, "source"), rpc_text(site, "catalog")) != 0) {
        tally->other++;
        print_message("  %s: asked from \"%s\", wants %s\n", id, rpc_text(check, "source"),
                      rpc_text(site, "catalog"));
        return;
    }
    struct tally before = *tally;
    count(tally, &is, &should, *fault != '\0');
    if (tally->wrong + tally->open + tally->other != before.wrong + before.open + before.other) {
        complain(tally, id, &is, &should, fault);
    }
}

static cJSON *
ask(const char *name)
{
    struct rpc *rpc = rpc_dial(daemon_url(sweep.daemon));
    char *params =
        support_text("{\"subject\":{\"kind\":\"username\",\"value\":\"%s\"},"
                     "\"until\":\"all\",\"adult\":true,\"fresh\":true,\"timeout_ms\":60000}",
                     name);
    cJSON *answer = rpc_result(rpc, "check", params);
    free(params);
    rpc_free(&rpc);
    return answer;
}

/* Ask all about one name and judge every site. */
static void
judge(const char *name, bool is_present)
{
    struct tally tally = { 0 };
    cJSON *truth = cJSON_Parse(sweep.truth);
    cJSON *answer = ask(name);
    cJSON *by_id = index_checks(answer);
    const cJSON *sites = cJSON_GetObjectItemCaseSensitive(truth, "sites");
    const cJSON *site = NULL;
    cJSON_ArrayForEach(site, sites)
    {
        const cJSON *check = cJSON_GetObjectItemCaseSensitive(by_id, rpc_text(site, "id"));
        judge_site(site, check, name, is_present, &tally);
    }
    int asked = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(answer, "checks"));
    print_message("%s: %d sites, %d checks, %.0f ms: %zu registered, %zu unregistered, %zu unknown "
                  "(%zu hostile, %zu illegal there); %zu wrong, %zu left open, %zu other\n",
                  name, cJSON_GetArraySize(sites), asked,
                  cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(answer, "elapsed_ms")),
                  tally.registered, tally.unregistered, tally.unknown, tally.hostile, tally.illegal,
                  tally.wrong, tally.open, tally.other);
    assert_int_equal(tally.wrong, 0);
    assert_int_equal(tally.open, 0);
    assert_int_equal(tally.other, 0);
    assert_int_equal(asked, cJSON_GetArraySize(sites));
    cJSON_Delete(by_id);
    cJSON_Delete(answer);
    cJSON_Delete(truth);
}

static void
sweep_all(const char *const *catalogs, const char *part)
{
    sweep_start(&(struct sweep_options){ .catalogs = catalogs,
                                         .part = part,
                                         .plugin_lines = "concurrency = 1000;" },
                &sweep);
    judge("alice", true);
    judge("bob", false);
}

/* ---- Tests */

static void
test_own(void **state)
{
    (void)state;
    sweep_all(own, PRESENT);
    sweep_stop(&sweep);
}

static void
test_own_some_know(void **state)
{
    (void)state;
    sweep_all(own, PRESENT ",\"positive\":3");
    sweep_stop(&sweep);
}

static void
test_own_hostile(void **state)
{
    (void)state;
    sweep_all(own, PRESENT ",\"hostile\":{\"every\":1," FAULTS "}");
    sweep_stop(&sweep);
}

static void
test_own_https(void **state)
{
    (void)state;
    sweep_start(&(struct sweep_options){ .catalogs = own,
                                         .part = PRESENT ",\"hostile\":{\"every\":3," FAULTS "}",
                                         .https = true },
                &sweep);
    judge("alice", true);
    judge("bob", false);
    sweep_stop(&sweep);
}

/* The names that a site cannot take, and those that it must not see as they are. */
static void
test_own_names(void **state)
{
    (void)state;
    sweep_start(&(struct sweep_options){ .catalogs = own, .part = PRESENT }, &sweep);
    judge("al.ice", true);
    judge("4711", false);
    judge("root", false);
    judge("o'neil&co=1/2", true);
    judge("zo\xc3\xab", false);
    judge("a\\\\b\\\"c d%41+{}{account}{username}", false);
    sweep_stop(&sweep);
}

/* The catalogue that the plugin comes with. */
static void
test_built_in(void **state)
{
    static const char *const files[] = { TEST_SOURCE_DIR "/plugins/sites/catalog.json", NULL };
    (void)state;
    sweep_all(files, PRESENT ",\"hostile\":{\"every\":3," FAULTS "}");
    sweep_stop(&sweep);
}

static void
test_requests(void **state)
{
    static const struct {
        const char *id;
        const char *method;
        const char *target; /* behind the id; NULL: nothing is asked */
    } rows[] = {
        { "anchor", "HEAD", "/u/alice" },
        { "fathom5", "GET", "/@alice" },
        { "galley", "POST", "/graph" },
        { "jetty", "GET", "/v1/alice.json?full=1" },
        { "keel", "POST", "/free" },
        { "lanyard", NULL, NULL },
        { "nautilus", "HEAD", "/u/alice" },
        { "oar", "GET", "/u/alice" },
        { "pier", "GET", "/alice/" },
        { "quay", "HEAD", "/alice/about?tab=1" },
        { "reef", "GET", "/u/alice" },
        { "sextant", "GET", "/alice/of/alice" },
        { "undertow", "GET", "/find?user=alice&exact=1" },
        { "vessel", "HEAD", "/u/alice" },
        { "xebec", "GET", "/profil/alice/" },
        { "yawl", "HEAD", "/a%20b/alice" },
        { "aster", "GET", "/u/alice" },
        { "sorrel", "POST", "/api/validate" },
        { "vetch", "GET", "/alice/feed?x=1" },
        { "apple", "GET", "/u/alice" },
        { "grapevine", "GET", "/vineyard/members/?name=alice" },
        { "hazel", "GET", "/members/?name=alice" },
        { "ivy", "GET", "/brick/alice" },
        { "juniper", "POST", "/graph" },
        { "kiwi", "HEAD", "/%7Bv1%7D/alice?f=all" },
        { "medlar", "GET", "/alice/" },
        { "agate", "GET", "/api/alice" },
        { "basalt.rocks", "POST", "/free" },
        { "flint", "HEAD", "/alice" },
        { "granite", "GET", "/alice/" },
    };
    (void)state;
    sweep_start(&(struct sweep_options){ .catalogs = own, .part = PRESENT }, &sweep);
    cJSON_Delete(ask("alice"));
    struct world_log log = world_log(sweep.world);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct world_event *event = world_log_first(&log, WORLD_REQUEST, rows[i].id);
        size_t wanted = rows[i].target != NULL ? 1 : 0;
        char *target = support_text("/%s%s", rows[i].id, wanted > 0 ? rows[i].target : "");
        if (world_log_count(&log, WORLD_REQUEST, rows[i].id) != wanted ||
            (wanted > 0 &&
             (strcmp(event->method, rows[i].method) != 0 || strcmp(event->target, target) != 0))) {
            support_fail("row %zu: %zu requests, %s %s", i,
                         world_log_count(&log, WORLD_REQUEST, rows[i].id),
                         event != NULL ? event->method : "", event != NULL ? event->target : "");
        }
        free(target);
    }
    world_log_free(&log);
    sweep_stop(&sweep);
}

/* More checks at once than anything on the way has room for by chance. */
static void
test_many(void **state)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    (void)state;
    assert_non_null(out);
    for (int i = 0; i < MANY; i++) {
        (void)fprintf(out,
                      "%s\n\"Many %d\":{\"url\":\"https://many%d.example/{}\",\"urlMain\":\"x\","
                      "\"username_claimed\":\"blue\",\"errorType\":\"status_code\"}",
                      i > 0 ? "," : "{", i, i);
    }
    (void)fprintf(out, "}\n");
    assert_int_equal(fclose(out), 0);
    struct tmpdir *dir = tmpdir_new();
    char *path = tmpdir_write(dir, "many.json", text);
    const char *const files[] = { path, NULL };
    sweep_all(files, PRESENT);
    sweep_stop(&sweep);
    free(path);
    free(text);
    tmpdir_free(&dir);
}

/* $ROLLCALL_CATALOGS: all well, a tenth hostile, a third hostile. More endless bodies at a time
 * than fit into `body_bytes` would be `overloaded`, which is true but not what is tested. */
static void
test_given(void **state)
{
    static const char *const parts[] = {
        PRESENT,
        PRESENT ",\"positive\":2,\"hostile\":{\"every\":10," FAULTS "}",
        PRESENT ",\"hostile\":{\"every\":3," FAULTS "}",
    };
    const char *paths[SWEEP_CATALOGS_MAX + 1];
    char *text = NULL;
    (void)state;
    if (sweep_split(getenv("ROLLCALL_CATALOGS"), &text, paths) == 0) {
        free(text);
        skip();
    }
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        sweep_all(paths, parts[i]);
        sweep_stop(&sweep);
    }
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_own, end_sweep),
        cmocka_unit_test_teardown(test_own_some_know, end_sweep),
        cmocka_unit_test_teardown(test_own_hostile, end_sweep),
        cmocka_unit_test_teardown(test_own_https, end_sweep),
        cmocka_unit_test_teardown(test_own_names, end_sweep),
        cmocka_unit_test_teardown(test_built_in, end_sweep),
        cmocka_unit_test_teardown(test_requests, end_sweep),
        cmocka_unit_test_teardown(test_many, end_sweep),
        cmocka_unit_test_teardown(test_given, end_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
