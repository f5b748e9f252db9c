/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* rollcalld check-catalog as its user sees it: sentences with file, entry, field and reason,
 * counts, and a status that a script can ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/child.h"
#include "tests/support/common.h"
#include "tests/support/tmpdir.h"

#define ROLLCALLD TEST_BUILD_DIR "/bin/rollcalld"
#define SITE(name, url)                                                                            \
    "{\"name\":\"" name "\",\"uri_check\":\"" url "\",\"e_code\":200,\"e_string\":\"member\","     \
    "\"m_code\":404,\"m_string\":\"nobody\",\"known\":[\"john\"],\"cat\":\"social\"}"
#define SITES(list) "{\"sites\":[" list "]}"

static struct tmpdir *dir;

static int
set_up(void **state)
{
    (void)state;
    dir = tmpdir_new();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    tmpdir_free(&dir);
    return 0;
}

struct run {
    int status;
    char *out;
    char *err;
};

/* `words` follow check-catalog. */
static struct run
run(const char *const *words, size_t count)
{
    const char *argv[16] = { ROLLCALLD, "check-catalog" };
    struct run run = { 0 };
    for (size_t i = 0; i < count; i++) {
        argv[2 + i] = words[i];
    }
    run.status = child_run(&(struct child_options){ .argv = argv }, &run.out, &run.err);
    return run;
}

static void
expect(const struct run *run, int status, const char *out, const char *err)
{
    if (run->status != status || strstr(run->out, out) == NULL || strstr(run->err, err) == NULL) {
        support_fail("status %d, wanted %d, \"%s\" and \"%s\" in:\n%s%s", run->status, status, out,
                     err, run->out, run->err);
    }
}

static void
end(struct run *run)
{
    free(run->out);
    free(run->err);
}

static void
a_good_one_is_accepted(void **state)
{
    (void)state;
    char *path = tmpdir_write(dir, "good.json",
                              SITES(SITE("One", "https://one.example/{account}") "," SITE(
                                  "Two", "https://two.example/{account}")));
    const char *const words[] = { path };
    struct run ran = run(words, 1);
    expect(&ran, 0, "good: 2 entries: 2 offered, 0 skipped, 0 broken, 0 shadowed\n", "");
    expect(&ran, 0, "accepted: 2 checkers\n", "");
    assert_string_equal(ran.err, "");
    end(&ran);
    free(path);
}

static void
a_broken_entry_costs_itself(void **state)
{
    (void)state;
    char *path = tmpdir_write(dir, "bad.json",
                              SITES(SITE("One", "https://one.example/{account}") "," SITE(
                                  "Lost", "https://two.example/nowhere")));
    const char *const words[] = { path };
    struct run ran = run(words, 1);
    expect(&ran, 1, "bad: Lost: broken: ", "");
    expect(&ran, 1, "1 offered, 0 skipped, 1 broken", "");
    expect(&ran, 1, "has faults: 1 checkers\n", "");
    end(&ran);
    free(path);
}

static void
several_shadow_each_other(void **state)
{
    (void)state;
    char *first = tmpdir_write(dir, "first \"x\".json",
                               SITES(SITE("Same Place", "https://one.example/{account}")));
    char *second = tmpdir_write(dir, "second.json",
                                SITES(SITE("same place", "https://one.example/{account}")));
    const char *const words[] = { "--plugin", TEST_BUILD_DIR "/plugins/sites.so", first, second };
    struct run ran = run(words, 4);
    expect(&ran, 0, "second: shadowed by first \"x\": same place\n", "");
    expect(&ran, 0, "accepted: 1 checkers\n", "");
    end(&ran);
    free(first);
    free(second);
}

static void
what_is_no_catalogue_is_refused(void **state)
{
    (void)state;
    char *path = tmpdir_write(dir, "poem.json", "[ \"a rose is a rose\" ]");
    const char *const words[] = { path };
    struct run ran = run(words, 1);
    expect(&ran, 1, "poem", "");
    expect(&ran, 1, ": refused: ", "");
    end(&ran);
    const char *const missing[] = { "/nonexistent/x.json" };
    ran = run(missing, 1);
    expect(&ran, 1, "", "/nonexistent/x.json");
    end(&ran);
    const char *const other[] = { "--plugin", TEST_BUILD_DIR "/plugins/github.so", path };
    ran = run(other, 3);
    expect(&ran, 1, "", "refused: github.so: reads no catalogues: ");
    end(&ran);
    free(path);
}

static void
it_says_how_it_is_used(void **state)
{
    (void)state;
    static const char *const rows[][2] = { { NULL, NULL }, { "--plugin", NULL }, { "-x", NULL } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct run ran = run(rows[i], rows[i][0] != NULL ? 1 : 0);
        expect(&ran, 64, "", "usage: rollcalld check-catalog [--plugin FILE.so] FILE...\n");
        end(&ran);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_one_is_accepted),
        cmocka_unit_test(a_broken_entry_costs_itself),
        cmocka_unit_test(several_shadow_each_other),
        cmocka_unit_test(what_is_no_catalogue_is_refused),
        cmocka_unit_test(it_says_how_it_is_used),
    };
    return cmocka_run_group_tests_name("check-catalog", tests, set_up, tear_down);
}
