/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Catalogues as the world plays them. What is expected of each entry is written here by hand from
 * the formats' rules, so that the world's reading of them is itself held against something. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "tests/support/common.h"
#include "tests/support/world.h"
#include "tests/world/test_client.h"

#define CATALOGS TEST_SOURCE_DIR "/tests/world/testdata/catalogs"

static const char *const both[] = { CATALOGS "/harbour.json", CATALOGS "/meadow.json", NULL };
static const char *const all[] = { CATALOGS "/orchard.json", CATALOGS "/quarry.json",
                                   CATALOGS "/meadow.json", CATALOGS "/harbour.json", NULL };
static struct world *world; /* of the running test; stopped by its teardown */

static int
stop_world(void **state)
{
    (void)state;
    world_stop(&world);
    return 0;
}

static cJSON *
read_truth(const char *script, const char *const *catalogs)
{
    char *text =
        world_print_catalog(&(struct world_options){ .script = script, .catalogs = catalogs });
    cJSON *truth = cJSON_Parse(text);
    free(text);
    if (truth == NULL) {
        support_fail("the truth is no JSON");
    }
    return truth;
}

static const cJSON *
find_site(const cJSON *truth, const char *id)
{
    const cJSON *site = NULL;
    cJSON_ArrayForEach(site, cJSON_GetObjectItemCaseSensitive(truth, "sites"))
    {
        if (strcmp(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(site, "id")), id) == 0) {
            return site;
        }
    }
    return NULL;
}

static const char *
text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text != NULL ? text : "";
}

static int
number_of(const cJSON *object, const char *key)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(number) ? number->valueint : -1;
}

/* ---- What is true */

struct expected {
    const char *id;
    int present;
    const char *present_verdict;
    int absent;
    const char *absent_verdict;
};

#define YES "registered"
#define NO "unregistered"
#define NOT_SURE "unknown"

static void
test_truth(void **state)
{
    static const struct expected rows[] = {
        { "anchor", 200, YES, 404, NO },
        { "bollard", 200, YES, 204, NO }, /* a 2xx that the entry names */
        { "capstan", 200, YES, 410, NO },
        { "davit", 200, YES, 403, NO }, /* codes that mean a refusal anywhere else */
        { "ebbflow", 200, YES, 503, NO },
        { "dock", 200, YES, 429, NO },
        { "knapweed", 200, YES, 401, NO },
        { "halyard", 200, YES, 404, NO }, /* a mark, whatever the status */
        { "keel", 200, YES, 200, NO },
        { "oar", 200, YES, 302, NO },
        { "reef", 200, YES, 404, NO },
        { "wharf", 200, YES, 404, NO }, /* its mark is in every page but ours */
        { "xc227bd0c", 200, YES, 404, NO },
        { "clover", 200, YES, 302, NO },
        { "eyebright", 302, YES, 404, NO },
        { "gentian", 403, YES, 404, NO },
        { "iris", 500, YES, 200, NO },
        { "lavender", 200, YES, 200, NO }, /* both fit, but one has a mark */
        { "mallow", 200, YES, 200, NOT_SURE },
        { "oxeye", 200, YES, 200, NOT_SURE }, /* a mark inside the other's */
        { "poppy", 200, NOT_SURE, 200, NO },
        { "quince", 200, YES, 404, NO },
        { "burdock", 200, YES, 304, NOT_SURE }, /* a mark where no body can be */
        { "elder", 200, YES, 999, NO },
        { "apple", 200, YES, 404, NO },
        { "cherry", 200, YES, 200, NO },
        { "elderberry", 200, YES, 302, NO },
        { "grapevine", 200, YES, 404, NO }, /* all of it from its engine */
        { "ivy", 200, YES, 302, NO },       /* the engine's rule, not its own */
        { "lime", 200, NOT_SURE, 200, NOT_SURE },
        { "agate", 200, YES, 404, NO },
        { "basalt.rocks", 200, YES, 200, NO }, /* an id of its own */
        { "dolomite", 200, YES, 404, NOT_SURE },
        { "epidote", 200, NOT_SURE, 200, NOT_SURE },
        { "granite", 200, YES, 503, NO },
    };
    (void)state;
    cJSON *truth = read_truth("{\"catalog\":{}}", all);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const cJSON *site = find_site(truth, rows[i].id);
        const cJSON *present = cJSON_GetObjectItemCaseSensitive(site, "present");
        const cJSON *absent = cJSON_GetObjectItemCaseSensitive(site, "absent");
        if (number_of(present, "status") != rows[i].present ||
            strcmp(text_of(present, "verdict"), rows[i].present_verdict) != 0 ||
            number_of(absent, "status") != rows[i].absent ||
            strcmp(text_of(absent, "verdict"), rows[i].absent_verdict) != 0) {
            support_fail("row %zu, %s: %s", i, rows[i].id, cJSON_PrintUnformatted(site));
        }
    }
    cJSON_Delete(truth);
}

static void
test_broken_entries(void **state)
{
    static const char *const ids[] = { "nettle",       "brokennoplace", "brokennomark",
                                       "brokennorule", "yarrow",        "brokenstem",
                                       "brokenroot",   "brokenbud",     "olive",
                                       "pear",         "quandong",      "raspberry",
                                       "brokengneiss" };
    (void)state;
    cJSON *truth = read_truth("{\"catalog\":{}}", all);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        if (find_site(truth, ids[i]) != NULL) {
            support_fail("row %zu: %s is played", i, ids[i]);
        }
    }
    cJSON_Delete(truth);
}

static void
test_precedence(void **state)
{
    const char *const turned[] = { both[1], both[0], NULL };
    const char *const *orders[] = { both, turned };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        cJSON *truth = read_truth("{\"catalog\":{}}", orders[i]);
        assert_string_equal(text_of(find_site(truth, "sharedshore"), "catalog"), "meadow");
        assert_string_equal(text_of(find_site(truth, "anchor"), "catalog"), "harbour");
        cJSON_Delete(truth);
    }
    cJSON *truth = read_truth("{\"catalog\":{}}", all);
    assert_string_equal(text_of(find_site(truth, "sharedshore"), "catalog"), "quarry");
    cJSON_Delete(truth);
}

/* Every third is hostile, of those that can tell; every other one knows the names; latencies go
 * from one end to the other. */
static void
test_parts(void **state)
{
    (void)state;
    cJSON *truth = read_truth("{\"catalog\":{\"positive\":2,\"latency_ms\":[20,3000],"
                              "\"hostile\":{\"every\":3,\"faults\":[\"endless\",\"status:403\"]}}}",
                              both);
    int count = 0;
    int knowing = 0;
    int hostile = 0;
    int first = 3000;
    int last = 0;
    const cJSON *site = NULL;
    cJSON_ArrayForEach(site, cJSON_GetObjectItemCaseSensitive(truth, "sites"))
    {
        int latency = number_of(site, "latency_ms");
        first = latency < first ? latency : first;
        last = latency > last ? latency : last;
        count++;
        knowing += cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(site, "knows"));
        hostile += *text_of(site, "fault") != '\0';
    }
    assert_int_equal(knowing, (count + 1) / 2);
    assert_in_range(hostile, count / 3 - 2, count / 3); /* davit and jasmine may be among them */
    assert_int_equal(first, 20);
    assert_int_equal(last, 3000);
    assert_string_equal(text_of(find_site(truth, "davit"), "fault"), ""); /* its own mark */
    cJSON_Delete(truth);
}

/* ---- What is played */

static void
test_names(void **state)
{
    static const struct {
        const char *target;
        const char *body; /* NULL: GET */
        int status;
        const char *has;
    } rows[] = {
        { "/aster/u/alice", NULL, 200, "class=\"petals\"" },
        { "/aster/u/Alice", NULL, 200, "class=\"petals\"" },
        { "/aster/u/bob", NULL, 404, "no such flower" },
        { "/aster/u/malice", NULL, 404, "no such flower" },
        { "/aster/u/alice2", NULL, 404, "no such flower" },
        { "/aster/any/where?at=all&x=%61lice", NULL, 200, "class=\"petals\"" },
        { "/aster/alice.aster/x", NULL, 200, "class=\"petals\"" },
        { "/thyme/free", "kind=herb&name=alice", 200, "\"free\":false" },
        { "/thyme/free", "kind=herb&name=bob", 200, "\"free\":true" },
        { "/keel/free", "{\"name\":\"alice\"}", 200, "<!DOCTYPE" },
        { "/keel/free", "{\"name\":\"bob\"}", 200, "{\"taken\":false}" },
        { "/aster/u/a.b", NULL, 200, "class=\"petals\"" },
        { "/oar/u/bob", NULL, 302, "/oar/home" },
        { "/agate/api/alice", NULL, 200, "{\"user\":{\"login\":\"alice\",\"id\":\"there\"}}" },
        { "/agate/api/bob", NULL, 404, "{\"error\":{\"code\":404,\"text\":\"no such stone\"}}" },
        { "/basalt.rocks/free", "{\"name\":\"alice\"}", 200, "\"names\":[\"alice\"]" },
        { "/basalt.rocks/free", "{\"name\":\"bob\"}", 200, "\"names\":[]" },
        { "/chalk/alice", NULL, 200, "white soft \"stone\"" },
        { "/chalk/bob", NULL, 200, "null" },
        { "/epidote/find?q=bob", NULL, 200, "[]" },
        { "/halite/bob", NULL, 200, "{\"says\":\"none found\",\"salt\":[null],\"code\":0}" },
        { "/yarrow/u/alice", NULL, 404, "no such platform" },
        { "/aste/u/alice", NULL, 404, "no such platform" },
        { "/asterx/u/alice", NULL, 404, "no such platform" },
    };
    (void)state;
    world = world_start(&(struct world_options){
        .script = "{\"catalog\":{\"present\":[\"alice\",\"a.b\"]}}", .catalogs = all });
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct client client = client_open(world_http(world));
        if (rows[i].body != NULL) {
            client_post(&client, rows[i].target, rows[i].body);
        } else {
            client_get(&client, rows[i].target);
        }
        struct client_reply reply = client_receive(&client);
        if (reply.status != rows[i].status ||
            (strstr(reply.body, rows[i].has) == NULL && strstr(reply.head, rows[i].has) == NULL)) {
            support_fail("row %zu: %d %s%s", i, reply.status, reply.head, reply.body);
        }
        client_reply_free(&reply);
        client_close(&client);
    }
}

/* What comes short has no mark in it, so nothing can be concluded from what did come. */
static void
test_truncated(void **state)
{
    (void)state;
    world = world_start(
        &(struct world_options){ .script = "{\"catalog\":{\"present\":[\"alice\"],"
                                           "\"hostile\":{\"every\":1,\"faults\":[\"truncate\"]}}}",
                                 .catalogs = both });
    struct client_reply reply = client_fetch(world_http(world), "/aster/u/alice");
    assert_int_equal(reply.status, 200);
    assert_true(reply.body_len < reply.promised);
    assert_null(strstr(reply.body, "petals"));
    client_reply_free(&reply);
    reply = client_fetch(world_http(world), "/anchor/u/alice"); /* looks at the status alone */
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body_len, reply.promised);
    client_reply_free(&reply);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_truth),
        cmocka_unit_test(test_broken_entries),
        cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_parts),
        cmocka_unit_test_teardown(test_names, stop_world),
        cmocka_unit_test_teardown(test_truncated, stop_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
