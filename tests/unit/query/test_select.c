/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Which checkers a query asks, and in which order. */
#include "daemon/query/select.h"

#include "tests/unit/query/flow.h"

/* Two sites of a catalogue, on top of the plugin's own platforms. */
static void
add_catalog(void)
{
    static const char *const no_tags[] = { NULL };
    static const char *const tags[] = { "greek", "adult", NULL };
    struct manifest_checker sites[] = {
        { .platform = { .id = "delta", .title = "Delta", .home = "", .tags = no_tags } },
        { .platform = { .id = "epsilon", .title = "E", .home = "", .tags = tags, .adult = true } },
    };
    for (size_t i = 0; i < ARRAY_LEN(sites); i++) {
        sites[i].kind = ROLLCALL_USERNAME;
        sites[i].method = ROLLCALL_DOCUMENTED;
        sites[i].evidence = ROLLCALL_EXACT;
        sites[i].base_url = "https://s.example";
        sites[i].known = no_tags;
        sites[i].enumerated = true;
    }
    size_t added = 0;
    assert_int_equal(registry_add_enumerated(registry, registry_plugin(registry, 0), sites,
                                             ARRAY_LEN(sites), &added),
                     ERROR_OK);
    assert_int_equal(added, 2);
    for (size_t i = 0; i < registry_checker_count(registry); i++) {
        struct checker *checker = registry_checker(registry, i);
        if (checker->info->enumerated) {
            checker->source = "sites";
        }
    }
}

/* "alpha beta -hidden": the picks in order, '-' before one that nobody can answer for. */
static void
spell(const struct selection *selection, char *out, size_t bytes)
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < selection->count; i++) {
        const struct pick *pick = &selection->picks[i];
        len += (size_t)snprintf(out + len, bytes - len, "%s%s%s", i > 0 ? " " : "",
                                pick->checker == NULL ? "-" : "", pick->platform);
    }
}

static const struct row {
    const char *subject;
    const char *platforms;
    const char *exclude;
    const char *catalog;
    bool adult;
    enum query_until until;
    const char *want;
} rows[] = {
    /* the default sets */
    { "a@b.de", NULL, NULL, NULL, false, QUERY_UNTIL_FIRST, "alpha" },
    { "alice", NULL, NULL, NULL, false, QUERY_UNTIL_FIRST,
      "alpha beta blocker endless gamma hosted newrule paced published single spicy strict tokened "
      "twice wrong" },
    { "alice", NULL, NULL, NULL, true, QUERY_UNTIL_FIRST,
      "alpha beta blocker endless gamma hosted newrule paced published single spicy strict tokened "
      "twice wrong" },
    { "alice", NULL, NULL, NULL, false, QUERY_UNTIL_ALL,
      "alpha beta blocker delta endless gamma hosted newrule paced published single strict tokened "
      "twice wrong" },
    { "alice", NULL, NULL, NULL, true, QUERY_UNTIL_ALL,
      "alpha beta blocker delta endless epsilon gamma hosted newrule paced published single spicy "
      "strict tokened twice wrong" },
    /* named: in the order given, whatever they are */
    { "alice", "gamma alpha beta", NULL, NULL, false, QUERY_UNTIL_FIRST, "gamma alpha beta" },
    { "alice", "spicy epsilon", NULL, NULL, false, QUERY_UNTIL_FIRST, "spicy epsilon" },
    { "alice", "alpha alpha", NULL, NULL, false, QUERY_UNTIL_FIRST, "alpha" },
    { "alice", "hidden alpha", NULL, NULL, false, QUERY_UNTIL_FIRST, "-hidden alpha" },
    { "alice", "hidden hidden", NULL, NULL, false, QUERY_UNTIL_FIRST, "-hidden" },
    { "a@b.de", "beta alpha", NULL, NULL, false, QUERY_UNTIL_FIRST, "-beta alpha" },
    /* tags: after the ids, in the registry's order, only those who can answer */
    { "alice", "greek", NULL, NULL, false, QUERY_UNTIL_FIRST, "alpha beta epsilon gamma" },
    { "alice", "greek gamma", NULL, NULL, false, QUERY_UNTIL_FIRST, "gamma alpha beta epsilon" },
    { "alice", "adult", NULL, NULL, false, QUERY_UNTIL_ALL, "epsilon spicy" },
    { "a@b.de", "greek", NULL, NULL, false, QUERY_UNTIL_FIRST, "alpha" },
    { "a@b.de", "adult", NULL, NULL, false, QUERY_UNTIL_FIRST, "" },
    /* a catalogue */
    { "alice", NULL, NULL, "sites", false, QUERY_UNTIL_FIRST, "delta epsilon" },
    { "alice", "greek", NULL, "sites", false, QUERY_UNTIL_FIRST, "epsilon" },
    { "alice", "alpha greek", NULL, "sites", false, QUERY_UNTIL_FIRST, "alpha epsilon" },
    /* exclude */
    { "alice", "greek", "beta", NULL, false, QUERY_UNTIL_FIRST, "alpha epsilon gamma" },
    { "alice", "greek", "adult", NULL, false, QUERY_UNTIL_FIRST, "alpha beta gamma" },
    { "alice", "alpha delta", "greek", NULL, false, QUERY_UNTIL_FIRST, "delta" },
    { "alice", "hidden alpha", "hidden", NULL, false, QUERY_UNTIL_FIRST, "alpha" },
    { "a@b.de", NULL, "alpha", NULL, false, QUERY_UNTIL_ALL, "" },
};

static void
judge_row(size_t index, const struct row *row)
{
    struct arena *arena = arena_new(1 << 20);
    struct query_request request = request_for(row->subject, row->platforms);
    request.exclude = &row->exclude;
    request.exclude_count = row->exclude != NULL;
    request.catalog = row->catalog;
    request.adult = row->adult;
    request.until = row->until;
    struct selection selection = { 0 };
    struct error_text why = { "" };
    char got[512];
    int error = select_checkers(registry, conf.methods, &request, arena, &selection, &why);
    spell(&selection, got, sizeof got);
    if (error != ERROR_OK || strcmp(got, row->want) != 0) {
        support_fail("row %zu: %s, %s, \"%s\"", index, error_name(error), why.text, got);
    }
    arena_free(&arena);
}

static void
test_table(void **state)
{
    (void)state;
    add_catalog();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        judge_row(i, &rows[i]);
    }
}

static void
test_methods_are_the_operators(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 20);
    struct query_request request = request_for("alice", NULL);
    struct selection selection;
    char got[64];
    assert_int_equal(
        select_checkers(registry, 1U << ROLLCALL_RECOVERY, &request, arena, &selection, NULL),
        ERROR_OK);
    spell(&selection, got, sizeof got);
    assert_string_equal(got, "hidden");
    assert_int_equal(select_checkers(registry, 0, &request, arena, &selection, NULL), ERROR_OK);
    assert_int_equal(selection.count, 0);
    arena_free(&arena);
}

static void
test_a_plugin_that_is_not_ready_is_not_asked(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 20);
    registry_plugin(registry, 0)->state = PLUGIN_DISABLED;
    struct query_request request = request_for("alice", "alpha greek");
    struct selection selection;
    char got[64];
    assert_int_equal(select_checkers(registry, conf.methods, &request, arena, &selection, NULL),
                     ERROR_OK);
    spell(&selection, got, sizeof got);
    assert_string_equal(got, "-alpha");
    assert_int_equal(selection.usable, 0);
    registry_plugin(registry, 0)->state = PLUGIN_ASIDE; /* asked, so that its failing is told */
    assert_int_equal(select_checkers(registry, conf.methods, &request, arena, &selection, NULL),
                     ERROR_OK);
    assert_int_not_equal(selection.usable, 0);
    arena_free(&arena);
}

static void
test_so_many_words(void **state)
{
    (void)state;
    static const char *words[SELECT_WORDS_MAX + 1];
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        words[i] = "alpha";
    }
    struct arena *arena = arena_new(1 << 20);
    struct query_request request = request_for("alice", NULL);
    request.platforms = words;
    request.platform_count = ARRAY_LEN(words);
    struct selection selection;
    struct error_text why;
    assert_int_equal(select_checkers(registry, conf.methods, &request, arena, &selection, &why),
                     ERROR_INVALID);
    assert_non_null(strstr(why.text, "at most 1000"));
    request.platform_count--;
    assert_int_equal(select_checkers(registry, conf.methods, &request, arena, &selection, &why),
                     ERROR_OK);
    assert_int_equal(selection.count, 1);
    arena_free(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(test_table),
        FLOW_TEST(test_methods_are_the_operators),
        FLOW_TEST(test_a_plugin_that_is_not_ready_is_not_asked),
        FLOW_TEST(test_so_many_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
