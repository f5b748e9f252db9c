/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Landlock, by its bare calls: the C library wraps none of them. Each version of the kernel's
 * interface knows more rights; what it does not know cannot be taken away and is left out. Layers
 * add up: a file must be allowed by each. */
#include "daemon/worker/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/base/attr.h"
#include "daemon/base/landlock_abi.h"

/* What the header of an older kernel lacks, as linux/landlock.h of 6.12 has it. */
struct ruleset {
    uint64_t fs;
    uint64_t net;
    uint64_t scoped;
};
#define FS_OF_ABI_1 ((UINT64_C(1) << 13) - 1)
#define FS_REFER (UINT64_C(1) << 13)
#define FS_TRUNCATE (UINT64_C(1) << 14)
#define FS_IOCTL_DEV (UINT64_C(1) << 15)
#define NET_TCP UINT64_C(3) /* bind, connect */
#define SCOPE_ABSTRACT_AND_SIGNAL UINT64_C(3)

#define READ LANDLOCK_ACCESS_FS_READ_FILE
#define READ_AND_RUN (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE)

struct allowed {
    const char *path;
    uint64_t rights;
};

static const struct allowed libraries[] = {
    { "/lib", READ_AND_RUN },           { "/lib64", READ_AND_RUN },
    { "/usr/lib", READ_AND_RUN },       { "/usr/lib64", READ_AND_RUN },
    { "/usr/local/lib", READ_AND_RUN }, { "/etc/ld.so.cache", READ },
};

static const struct allowed names[] = {
    { "/etc/resolv.conf", READ }, { "/etc/hosts", READ },     { "/etc/nsswitch.conf", READ },
    { "/etc/gai.conf", READ },    { "/etc/host.conf", READ }, { "/etc/services", READ },
    { "/etc/protocols", READ },
};

static int
fail(const char *what, struct error_text *why)
{
    return error_say(why, ERROR_IO, "cannot be sandboxed: %s: %s", what, strerror(errno));
}

static struct ruleset
all_that_is_known(int abi, bool network)
{
    struct ruleset rules = { .fs = FS_OF_ABI_1 };
    rules.fs |= abi >= 2 ? FS_REFER : 0;
    rules.fs |= abi >= 3 ? FS_TRUNCATE : 0;
    rules.fs |= abi >= 5 ? FS_IOCTL_DEV : 0;
    rules.net = abi >= 4 && !network ? NET_TCP : 0;
    rules.scoped = abi >= 6 ? SCOPE_ABSTRACT_AND_SIGNAL : 0;
    return rules;
}

/* A path that is not there needs no right. */
static int
allow(int ruleset, const struct allowed *allowed, struct error_text *why)
{
    int fd = open(allowed->path, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        return ERROR_OK;
    }
    struct landlock_path_beneath_attr rule = { .allowed_access = allowed->rights, .parent_fd = fd };
    long failed = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    int error = failed != 0 ? fail("landlock_add_rule", why) : ERROR_OK;
    (void)close(fd);
    return error;
}

static int
allow_all(int ruleset, const struct allowed *list, size_t count, struct error_text *why)
{
    int error = ERROR_OK;
    for (size_t i = 0; error == ERROR_OK && i < count; i++) {
        error = allow(ruleset, &list[i], why);
    }
    return error;
}

static int
open_ruleset(int abi, bool network, int *out_ruleset, struct error_text *why)
{
    struct ruleset rules = all_that_is_known(abi, network);
    long ruleset = syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);
    if (ruleset < 0) {
        return fail("landlock_create_ruleset", why);
    }
    *out_ruleset = (int)ruleset;
    return ERROR_OK;
}

static int
enforce(int ruleset, struct error_text *why)
{
    return syscall(SYS_landlock_restrict_self, ruleset, 0) != 0
               ? fail("landlock_restrict_self", why)
               : ERROR_OK;
}

int
landlock_for_loading(const char *plugin, bool network, struct error_text *why)
{
    int abi = landlock_abi();
    if (abi == 0) {
        return ERROR_OK;
    }
    int ruleset = -1;
    const struct allowed itself = { plugin, READ_AND_RUN };
    int error = open_ruleset(abi, network, &ruleset, why);
    if (error != ERROR_OK) {
        return error;
    }
    error = allow_all(ruleset, libraries, ARRAY_LEN(libraries), why);
    if (error == ERROR_OK) {
        error = allow(ruleset, &itself, why);
    }
    if (error == ERROR_OK && network) {
        error = allow_all(ruleset, names, ARRAY_LEN(names), why);
    }
    if (error == ERROR_OK) {
        error = enforce(ruleset, why);
    }
    (void)close(ruleset);
    return error;
}

int
landlock_for_running(bool network, struct error_text *why)
{
    int abi = landlock_abi();
    int ruleset = -1;
    if (abi == 0) {
        return ERROR_OK;
    }
    int error = open_ruleset(abi, network, &ruleset, why);
    if (error != ERROR_OK) {
        return error;
    }
    if (network) {
        error = allow_all(ruleset, names, ARRAY_LEN(names), why);
    }
    if (error == ERROR_OK) {
        error = enforce(ruleset, why);
    }
    (void)close(ruleset);
    return error;
}
