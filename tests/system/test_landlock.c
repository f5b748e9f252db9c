/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A kernel without Landlock, played by a filter that refuses its first call: the daemon runs, and
 * says once, in its own log, what its workers are not kept from. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/base/attr.h"
#include "tests/support/common.h"
#include "tests/support/daemon.h"
#include "tests/support/rpc.h"
#include "tests/support/world.h"

#define WORLD "{\"platforms\":{\"github\":{\"registered\":[\"alice\"]}}}"
#define ASK "{\"subject\":\"alice\",\"platforms\":[\"github\"]}"
#define SAID "this kernel gives no Landlock"

/* Of this process and all that it starts, for good. */
static void
take_landlock_away(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_landlock_create_ruleset, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = { ARRAY_LEN(code), code };
    assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static void
count_said(size_t wanted)
{
    struct world *world = world_start(&(struct world_options){ .script = WORLD });
    struct daemon *daemon = daemon_start(&(struct daemon_options){ .world = world });
    struct rpc *rpc = rpc_dial(daemon_url(daemon));
    cJSON *answer = rpc_result(rpc, "check", ASK);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "verdict")),
                        "registered");
    cJSON_Delete(answer);
    child_signal(daemon_child(daemon), SIGHUP);
    assert_true(daemon_wait_notice(daemon, "RELOADING=1", SUPPORT_WAIT_MS));
    cJSON_Delete(rpc_result(rpc, "plugins", NULL));
    char *log = daemon_log(daemon);
    size_t count = 0;
    for (const char *at = strstr(log, SAID); at != NULL; at = strstr(at + 1, SAID)) {
        count++;
    }
    if (count != wanted) {
        support_fail("said %zu times, wants %zu: %s", count, wanted, log);
    }
    free(log);
    rpc_free(&rpc);
    daemon_stop(&daemon);
    world_stop(&world);
}

static void
says_nothing_where_it_is(void **state)
{
    (void)state;
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) <= 0) {
        skip(); /* then the other test is of the kernel itself */
    }
    count_said(0);
}

static void
says_once_that_it_is_not(void **state)
{
    (void)state;
    take_landlock_away();
    count_said(1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_nothing_where_it_is),
        cmocka_unit_test(says_once_that_it_is_not), /* the last: nothing gives it back */
    };
    return cmocka_run_group_tests_name("landlock", tests, NULL, NULL);
}
