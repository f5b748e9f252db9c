/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What the service manager hears, on a socket that stands in for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/app/notify.h"
#include "tests/support/tmpdir.h"

struct manager {
    struct tmpdir *dir;
    int fd;
};

static int
set_up(void **state)
{
    struct manager *manager = calloc(1, sizeof(*manager));
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    assert_non_null(manager);
    manager->dir = tmpdir_new();
    char *path = tmpdir_join(manager->dir, "notify");
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(manager->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
    free(path);
    *state = manager;
    return 0;
}

static int
tear_down(void **state)
{
    struct manager *manager = *state;
    (void)unsetenv("NOTIFY_SOCKET");
    (void)close(manager->fd);
    tmpdir_free(&manager->dir);
    free(manager);
    return 0;
}

static void
expect(struct manager *manager, const char *begin)
{
    char text[1024] = "";
    assert_true(recv(manager->fd, text, sizeof(text) - 1, 0) > 0);
    if (strncmp(text, begin, strlen(begin)) != 0) {
        fail_msg("%s", text);
    }
}

static void
test_notices(void **state)
{
    struct manager *manager = *state;
    notify_ready("Answering on %s", "ipc://x");
    expect(manager, "READY=1\nSTATUS=Answering on ipc://x");
    notify_status("%d open", 7);
    expect(manager, "STATUS=7 open");
    notify_reloading();
    expect(manager, "RELOADING=1\nMONOTONIC_USEC=");
    notify_stopping();
    expect(manager, "STOPPING=1");
    notify_watchdog();
    expect(manager, "WATCHDOG=1");
}

static void
test_no_manager(void **state)
{
    struct manager *manager = *state;
    char byte;
    (void)unsetenv("NOTIFY_SOCKET");
    notify_ready("nobody listens");
    notify_watchdog();
    assert_int_equal(recv(manager->fd, &byte, 1, 0), -1);
}

static void
test_watchdog(void **state)
{
    (void)state;
    (void)unsetenv("WATCHDOG_USEC");
    assert_int_equal(notify_watchdog_us(), 0);
    (void)unsetenv("WATCHDOG_PID");
    assert_int_equal(setenv("WATCHDOG_USEC", "3000000", 1), 0);
    assert_int_equal(notify_watchdog_us(), 3000000);
    assert_int_equal(setenv("WATCHDOG_PID", "1", 1), 0); /* somebody else's */
    assert_int_equal(notify_watchdog_us(), 0);
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_notices, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_manager, set_up, tear_down),
        cmocka_unit_test(test_watchdog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
