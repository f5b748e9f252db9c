/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Any bytes as a configuration file, and as an override. Texts that include others are left out: a
 * fuzzer has no business in the file system. Files that keys name are looked for in a folder that
 * does not exist. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/base/attr.h"
#include "daemon/conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const struct conf_option options[] = {
    { .key = "reading", .type = CONF_STRING, .fallback = "strict" },
    { .key = "depth", .type = CONF_INT, .fallback = "5", .min = 1, .max = 10 },
    { .key = "pause", .type = CONF_DURATION },
    { .key = "burst", .type = CONF_RATE },
    { .key = "names", .type = CONF_LIST, .fallback = "[ \"a\" ]" },
    { .key = "limit", .type = CONF_SIZE },
};

static const struct conf_schema schemas[] = {
    { .plugin = "github" },
    { .plugin = "sites", .options = options, .count = ARRAY_LEN(options) },
};

static void
read_conf(const char *path, const char *const *overrides, size_t count)
{
    struct conf_tree *tree = NULL;
    struct conf *conf = NULL;
    struct error_text why = { "" };
    int error = conf_open(path, overrides, count, &tree, &why);
    assert((error == ERROR_OK) == (tree != NULL));
    if (!error) {
        error = conf_read(tree, schemas, ARRAY_LEN(schemas), &conf, &why);
        assert((error == ERROR_OK) == (conf != NULL));
    }
    assert(error != ERROR_OK ||
           (conf->listen_count > 0 && conf->threads > 0 && conf->plugin_count == 2));
    assert((error == ERROR_OK) == (why.text[0] == '\0'));
    conf_close(&tree);
    conf_free(&conf);
}

/* A file without a name, read under /proc: parallel runs do not meet. */
static void
read_as_file(const uint8_t *bytes, size_t len)
{
    static int fd = -1;
    char path[64];
    if (fd < 0) {
        fd = memfd_create("rollcall-fuzz", MFD_CLOEXEC);
        assert(fd >= 0);
    }
    int failed = ftruncate(fd, 0);
    ssize_t written = pwrite(fd, bytes, len, 0);
    assert(!failed && written == (ssize_t)len);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    read_conf(path, NULL, 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (memmem(bytes, len, "@include", 8) != NULL) {
        return 0;
    }
    read_as_file(bytes, len);
    char *text = malloc(len + 1);
    assert(text != NULL);
    memcpy(text, bytes, len);
    text[len] = '\0';
    const char *override = text;
    read_conf(NULL, &override, 1);
    (void)snprintf(text, len + 1, "plugin.sites.names=%.*s", (int)len, (const char *)bytes);
    read_conf(NULL, &override, 1);
    free(text);
    return 0;
}
