/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What each format makes of the same answers, and what a stranger's text cannot do to a terminal or
 * a spreadsheet. */
#include "client/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <cjson/cJSON.h>

#include "client/answer.h"
#include "client/progress.h"
#include "client/timeline.h"
#include "tests/support/common.h"

#define CHECK_GITHUB                                                                               \
    "{\"platform\":\"github\",\"verdict\":\"registered\",\"evidence\":\"public\","                 \
    "\"state\":\"finished\",\"source\":\"github.so\",\"started_ms\":0.1,\"elapsed_ms\":1002.8,"    \
    "\"cached\":false,\"url\":\"https://github.com/alice\"}"
#define CHECK_TWITTER                                                                              \
    "{\"platform\":\"twitter\",\"verdict\":\"unknown\",\"reason\":\"cancelled\","                  \
    "\"state\":\"cancelled\",\"started_ms\":0.2,\"elapsed_ms\":1003,\"cached\":false}"
#define CHECK_FACEBOOK                                                                             \
    "{\"platform\":\"facebook\",\"verdict\":\"unknown\",\"reason\":\"cancelled\","                 \
    "\"state\":\"cancelled\",\"started_ms\":null,\"elapsed_ms\":1003,\"cached\":false}"
#define YES                                                                                        \
    "{\"query\":\"q1\",\"subject\":{\"kind\":\"email\",\"value\":\"alice@example.com\"},"          \
    "\"verdict\":\"registered\",\"platform\":\"github\",\"elapsed_ms\":1003.2,"                    \
    "\"strategy\":\"race\",\"asked\":2,\"cancelled\":2,\"reasons\":{\"cancelled\":2},"             \
    "\"checks\":[" CHECK_GITHUB "," CHECK_TWITTER "," CHECK_FACEBOOK "]}"
#define NO                                                                                         \
    "{\"verdict\":\"unregistered\",\"elapsed_ms\":3004,\"asked\":1,\"cancelled\":0,"               \
    "\"checks\":[{\"platform\":\"x\",\"verdict\":\"unregistered\",\"evidence\":\"inferred\","      \
    "\"state\":\"finished\",\"started_ms\":0,\"elapsed_ms\":3004,\"cached\":true}]}"
#define CANNOT_TELL                                                                                \
    "{\"verdict\":\"unknown\",\"elapsed_ms\":12345,\"asked\":2,\"cancelled\":0,"                   \
    "\"reasons\":{\"rate_limited\":1,\"not_public\":1},\"checks\":["                               \
    "{\"platform\":\"github\",\"verdict\":\"unknown\",\"reason\":\"not_public\","                  \
    "\"state\":\"finished\",\"started_ms\":0,\"elapsed_ms\":1,\"cached\":false},"                  \
    "{\"platform\":\"y\",\"verdict\":\"unknown\",\"reason\":\"rate_limited\","                     \
    "\"retry_after_ms\":60000,\"state\":\"finished\",\"started_ms\":0,\"elapsed_ms\":2,"           \
    "\"cached\":false,\"why\":\"all at once\"}]}"
#define MISS(name, reason)                                                                         \
    "{\"platform\":\"" name "\",\"verdict\":\"unknown\",\"reason\":\"" reason                      \
    "\",\"state\":\"finished\",\"started_ms\":0,\"elapsed_ms\":1,\"cached\":false}"
#define SWEPT                                                                                      \
    "{\"verdict\":\"registered\",\"platform\":\"github\",\"elapsed_ms\":9,\"asked\":5,"            \
    "\"cancelled\":1,\"checks\":[" CHECK_GITHUB                                                    \
    "," MISS("a", "blocked") "," MISS("b", "timeout") "," MISS("c", "timeout") "," CHECK_TWITTER   \
                                                                               "]}"
#define HOSTILE                                                                                    \
    "{\"verdict\":\"registered\",\"elapsed_ms\":1,\"asked\":1,\"cancelled\":0,\"checks\":["        \
    "{\"platform\":\"=cmd|' /C calc'!A0\",\"verdict\":\"registered\",\"state\":\"finished\","      \
    "\"started_ms\":0,\"elapsed_ms\":1,\"cached\":false,"                                          \
    "\"url\":\"https://x/\\u001b[2J\\u009b\\u202e\\n\\\"quoted\\\"\"}]}"

/* Writes whole answers and keeps what came out. */
struct page {
    struct writer writer;
    char *text;
    size_t size;
};

static void
open_page(struct page *page, enum format format)
{
    *page = (struct page){ .writer = { .ops = writer_find(format),
                                       .term = { .is_utf8 = true, .width = 80 } } };
    page->writer.out = open_memstream(&page->text, &page->size);
    assert_non_null(page->writer.out);
}

static void
write_answer(struct page *page, const char *subject, const char *text)
{
    struct why why = { "" };
    struct writer *writer = &page->writer;
    struct json *root = json_parse(text, strlen(text));
    rollcall_answer *answer = NULL;
    assert_int_equal(answer_new(&root, root, &answer, &why), ROLLCALL_OK);
    writer->ops->begin(writer, subject);
    for (size_t i = 0; i < rollcall_answer_count(answer); i++) {
        writer->ops->check(writer, answer, i);
    }
    writer->ops->answer(writer, answer);
    rollcall_answer_free(answer);
}

static void
expect_page(struct page *page, const char *wanted)
{
    page->writer.ops->finish(&page->writer);
    (void)fclose(page->writer.out);
    if (strcmp(page->text, wanted) != 0) {
        support_fail("wanted:\n%s\nfound:\n%s", wanted, page->text);
    }
    free(page->text);
}

static void
text_has_a_line_a_platform_and_the_answer_last(void **state)
{
    (void)state;
    struct page page;
    open_page(&page, FORMAT_TEXT);
    write_answer(&page, "alice@example.com", YES);
    expect_page(&page, "github               registered       1003 ms  https://github.com/alice\n"
                       "twitter              cancelled        1003 ms\n"
                       "facebook             cancelled      not asked\n"
                       "registered: github (1003 ms; 2 asked, 2 cancelled)\n");
}

static void
text_says_nowhere(void **state)
{
    (void)state;
    struct page page;
    open_page(&page, FORMAT_TEXT);
    write_answer(&page, "alice", NO);
    expect_page(&page, "x                    unregistered     3004 ms  (inferred)  (cached)\n"
                       "unregistered: nowhere (3004 ms; 1 asked, 0 cancelled)\n");
}

static void
text_counts_reasons_and_names_what_stands_in_the_way(void **state)
{
    (void)state;
    struct page page;
    open_page(&page, FORMAT_TEXT);
    write_answer(&page, "alice", CANNOT_TELL);
    expect_page(&page,
                "github               unknown             1 ms  not_public\n"
                "y                    unknown             2 ms  rate_limited, again in 60.0 s  "
                "[all at once]\n"
                "unknown: 1 rate_limited, 1 not_public (12.3 s; 2 asked, 0 cancelled)\n"
                "github shows only what owners made public, so a miss there does not mean "
                "\"nowhere\"\n");
}

static void
several_subjects_have_a_block_each(void **state)
{
    (void)state;
    struct page page;
    open_page(&page, FORMAT_TEXT);
    page.writer.has_many = true;
    page.writer.only = ONLY_REGISTERED;
    write_answer(&page, "a", YES);
    write_answer(&page, "b\x1b", NO);
    expect_page(&page, "a\n"
                       "github               registered       1003 ms  https://github.com/alice\n"
                       "registered: github (1003 ms; 2 asked, 2 cancelled)\n"
                       "\n"
                       "b\\x1b\n"
                       "unregistered: nowhere (3004 ms; 1 asked, 0 cancelled)\n");
}

static void
text_escapes_what_could_steer_a_terminal(void **state)
{
    (void)state;
    struct page page;
    open_page(&page, FORMAT_TEXT);
    write_answer(&page, "a", HOSTILE);
    expect_page(&page, "=cmd|' /C calc'!A0   registered          1 ms  "
                       "https://x/\\x1b[2J\\x9b\\u{202e}\\x0a\"quoted\"\n"
                       "registered: =cmd|' /C calc'!A0 (1 ms; 1 asked, 0 cancelled)\n");
}

static void
many_names_are_counted(void **state)
{
    (void)state;
    struct page page;
    char *checks = strdup("");
    for (int i = 0; i < 7; i++) {
        char *more = support_text("%s%s{\"platform\":\"p%d\",\"verdict\":\"registered\","
                                  "\"state\":\"finished\"}",
                                  checks, i > 0 ? "," : "", i);
        free(checks);
        checks = more;
    }
    char *answer = support_text("{\"verdict\":\"registered\",\"platform\":\"p0\",\"elapsed_ms\":1,"
                                "\"asked\":7,\"cancelled\":0,\"checks\":[%s]}",
                                checks);
    open_page(&page, FORMAT_TEXT);
    page.writer.only = ONLY_UNKNOWN;
    write_answer(&page, "a", answer);
    expect_page(&page, "registered: p0, p1, p2, p3, p4 and 2 more (1 ms; 7 asked, 0 cancelled)\n");
    free(answer);
    free(checks);
}

static void
colours_are_only_for_terminals_that_have_them(void **state)
{
    (void)state;
    struct page page;
    open_page(&page, FORMAT_TEXT);
    page.writer.term.has_colour = true;
    write_answer(&page, "a", NO);
    page.writer.ops->finish(&page.writer);
    (void)fclose(page.writer.out);
    assert_non_null(strstr(page.text, "\033["));
    free(page.text);
    open_page(&page, FORMAT_TEXT);
    write_answer(&page, "a", YES);
    page.writer.ops->finish(&page.writer);
    (void)fclose(page.writer.out);
    assert_null(strchr(page.text, '\033'));
    free(page.text);
}

static void
progress_goes_to_its_own_stream_and_is_wiped(void **state)
{
    (void)state;
    struct page page;
    char *shown = NULL;
    size_t size = 0;
    open_page(&page, FORMAT_TEXT);
    page.writer.progress = open_memstream(&shown, &size);
    const struct progress progress = {
        .done = 10, .found = 2, .unknown = 3, .total = 30, .elapsed_ms = 2000
    };
    progress_show(&page.writer, &progress);
    write_answer(&page, "a", NO);
    (void)fclose(page.writer.progress);
    assert_string_equal(shown, "\r\033[K10 of 30 done, 2 found, 3 unknown, 5/s, 4 s left\r\033[K");
    free(shown);
    (void)fclose(page.writer.out);
    free(page.text);
}

/* A line that wraps cannot be wiped. */
static void
progress_is_cut_to_the_terminal(void **state)
{
    (void)state;
    struct page page;
    char *shown = NULL;
    size_t size = 0;
    open_page(&page, FORMAT_TEXT);
    page.writer.term.width = 40;
    page.writer.progress = open_memstream(&shown, &size);
    const struct progress progress = {
        .done = 1000, .found = 200, .unknown = 300, .total = 3000, .elapsed_ms = 2000
    };
    progress_show(&page.writer, &progress);
    (void)fclose(page.writer.progress);
    assert_string_equal(shown, "\r\033[K1000 of 3000 done, 200 found, 300 unkno");
    free(shown);
    page.writer.progress = NULL; /* no terminal: nothing */
    page.writer.shows_progress = false;
    progress_show(&page.writer, &progress);
    expect_page(&page, "");
}

/* A table that goes to a file leaves the terminal to the progress line. */
static void
programs_formats_wipe_the_progress_line(void **state)
{
    (void)state;
    static const enum format formats[] = { FORMAT_CSV, FORMAT_JSON, FORMAT_JSONL };
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        struct page page;
        char *shown = NULL;
        size_t size = 0;
        open_page(&page, formats[i]);
        page.writer.progress = open_memstream(&shown, &size);
        const struct progress progress = { .done = 1, .elapsed_ms = 1000 };
        progress_show(&page.writer, &progress);
        write_answer(&page, "a", YES);
        page.writer.ops->finish(&page.writer);
        (void)fclose(page.writer.progress);
        if (strcmp(shown, "\r\033[K1 done, 0 found, 0 unknown, 1/s\r\033[K") != 0) {
            support_fail("row %zu: %s", i, shown);
        }
        (void)fclose(page.writer.out);
        assert_null(strchr(page.text, '\033'));
        free(page.text);
        free(shown);
    }
}

/* With --all a yes does not hide what could not be told. */
static void
a_sweep_sums_up_what_it_did_not_learn(void **state)
{
    (void)state;
    struct page page;
    open_page(&page, FORMAT_TEXT);
    page.writer.sums_up = true;
    page.writer.only = ONLY_REGISTERED;
    write_answer(&page, "alice", SWEPT);
    expect_page(&page, "github               registered       1003 ms  https://github.com/alice\n"
                       "registered: github (9 ms; 5 asked, 1 cancelled)\n"
                       "unknown: 2 timeout, 1 blocked\n");
    open_page(&page, FORMAT_TEXT);
    page.writer.sums_up = true;
    page.writer.only = ONLY_REGISTERED;
    write_answer(&page, "alice", CANNOT_TELL); /* says so in its own line */
    expect_page(&page, "unknown: 1 rate_limited, 1 not_public (12.3 s; 2 asked, 0 cancelled)\n"
                       "github shows only what owners made public, so a miss there does not mean "
                       "\"nowhere\"\n");
}

static void
json_is_one_document_a_subject(void **state)
{
    (void)state;
    struct page page;
    open_page(&page, FORMAT_JSON);
    write_answer(&page, "a", YES);
    write_answer(&page, "b", NO);
    expect_page(&page, YES "\n" NO "\n");
}

static void
jsonl_is_a_line_a_check_and_the_answer_last(void **state)
{
    (void)state;
    struct page page;
    open_page(&page, FORMAT_JSONL);
    page.writer.only = ONLY_REGISTERED;
    write_answer(&page, "\"a\"", YES);
    page.writer.ops->finish(&page.writer);
    (void)fclose(page.writer.out);
    char *rest = page.text;
    char *line = strsep(&rest, "\n");
    cJSON *check = cJSON_Parse(line);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(check, "subject")), "\"a\"");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(check, "platform")), "github");
    cJSON_Delete(check);
    assert_string_equal(rest, YES "\n");
    free(page.text);
}

static void
csv_has_a_row_a_check(void **state)
{
    (void)state;
    struct page page;
    open_page(&page, FORMAT_CSV);
    write_answer(&page, "alice@example.com", YES);
    write_answer(&page, "@bob", CANNOT_TELL);
    expect_page(
        &page,
        "subject,platform,verdict,reason,state,evidence,source,url,why,started_ms,elapsed_ms,"
        "retry_after_ms,cached\r\n"
        "\"alice@example.com\",\"github\",\"registered\",,\"finished\",\"public\",\"github.so\","
        "\"https://github.com/alice\",,0.1,1002.8,,false\r\n"
        "\"alice@example.com\",\"twitter\",\"unknown\",\"cancelled\",\"cancelled\",,,,,0.2,1003.0,"
        ",false\r\n"
        "\"alice@example.com\",\"facebook\",\"unknown\",\"cancelled\",\"cancelled\",,,,,,1003.0,"
        ",false\r\n"
        "\"'@bob\",\"github\",\"unknown\",\"not_public\",\"finished\",,,,,0.0,1.0,,false\r\n"
        "\"'@bob\",\"y\",\"unknown\",\"rate_limited\",\"finished\",,,,\"all at once\",0.0,2.0,"
        "60000.0,false\r\n");
}

static void
csv_holds_no_formulas(void **state)
{
    (void)state;
    struct page page;
    open_page(&page, FORMAT_CSV);
    write_answer(&page, "+1", HOSTILE);
    expect_page(
        &page,
        "subject,platform,verdict,reason,state,evidence,source,url,why,started_ms,elapsed_ms,"
        "retry_after_ms,cached\r\n"
        "\"'+1\",\"'=cmd|' /C calc'!A0\",\"registered\",,\"finished\",,,"
        "\"https://x/\\x1b[2J\\x9b\\u{202e}\\x0a\"\"quoted\"\"\",,0.0,1.0,,false\r\n");
}

static void
expect_timeline(const struct term *term, const char *answer_text, const char *wanted)
{
    struct why why = { "" };
    struct json *root = json_parse(answer_text, strlen(answer_text));
    rollcall_answer *answer = NULL;
    char *text = NULL;
    size_t size = 0;
    assert_int_equal(answer_new(&root, root, &answer, &why), ROLLCALL_OK);
    FILE *out = open_memstream(&text, &size);
    timeline_draw(out, term, answer);
    (void)fclose(out);
    if (strcmp(text, wanted) != 0) {
        support_fail("wanted:\n%s\nfound:\n%s", wanted, text);
    }
    free(text);
    rollcall_answer_free(answer);
}

static void
the_timeline_is_drawn_to_scale(void **state)
{
    (void)state;
    const struct term ascii = { .width = 60 };
    const struct term utf8 = { .width = 60, .is_utf8 = true };
    static const char answer[] =
        "{\"verdict\":\"registered\",\"elapsed_ms\":1000,\"checks\":["
        "{\"platform\":\"first\",\"verdict\":\"unregistered\",\"state\":\"finished\","
        "\"started_ms\":0,\"elapsed_ms\":500},"
        "{\"platform\":\"second\",\"verdict\":\"registered\",\"state\":\"finished\","
        "\"started_ms\":500,\"elapsed_ms\":1000},"
        "{\"platform\":\"third\",\"verdict\":\"unknown\",\"state\":\"cancelled\","
        "\"started_ms\":0,\"elapsed_ms\":1000},"
        "{\"platform\":\"fourth\",\"verdict\":\"unknown\",\"state\":\"cancelled\","
        "\"started_ms\":null,\"elapsed_ms\":1000}]}";
    expect_timeline(&ascii, answer,
                    "first    |===========o           |     500 ms  unregistered\n"
                    "second   |           ===========o|    1000 ms  registered\n"
                    "third    |======================x|    1000 ms  cancelled\n"
                    "fourth   |                       |            never began\n");
    expect_timeline(&utf8,
                    "{\"verdict\":\"unknown\",\"elapsed_ms\":0,\"checks\":["
                    "{\"platform\":\"a\",\"verdict\":\"unknown\",\"state\":\"finished\","
                    "\"started_ms\":0,\"elapsed_ms\":0}]}",
                    "a        │●                      │       0 ms  unknown\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_has_a_line_a_platform_and_the_answer_last),
        cmocka_unit_test(text_says_nowhere),
        cmocka_unit_test(text_counts_reasons_and_names_what_stands_in_the_way),
        cmocka_unit_test(several_subjects_have_a_block_each),
        cmocka_unit_test(text_escapes_what_could_steer_a_terminal),
        cmocka_unit_test(many_names_are_counted),
        cmocka_unit_test(colours_are_only_for_terminals_that_have_them),
        cmocka_unit_test(progress_goes_to_its_own_stream_and_is_wiped),
        cmocka_unit_test(progress_is_cut_to_the_terminal),
        cmocka_unit_test(programs_formats_wipe_the_progress_line),
        cmocka_unit_test(a_sweep_sums_up_what_it_did_not_learn),
        cmocka_unit_test(json_is_one_document_a_subject),
        cmocka_unit_test(jsonl_is_a_line_a_check_and_the_answer_last),
        cmocka_unit_test(csv_has_a_row_a_check),
        cmocka_unit_test(csv_holds_no_formulas),
        cmocka_unit_test(the_timeline_is_drawn_to_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
