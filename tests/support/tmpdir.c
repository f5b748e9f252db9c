/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A private temporary folder of a test, and its removal. */
#include "tests/support/tmpdir.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/common.h"

#define WALK_FDS 16
#define COPY_MODE 0755

struct tmpdir {
    char *path;
};

struct tmpdir *
tmpdir_new(void)
{
    const char *parent = getenv("TMPDIR");
    struct tmpdir *dir = calloc(1, sizeof(*dir));
    if (dir == NULL) {
        support_fail("out of memory");
    }
    dir->path = support_text("%s/rollcall-XXXXXX", parent != NULL && *parent ? parent : "/tmp");
    if (mkdtemp(dir->path) == NULL) {
        support_fail("%s: %s", dir->path, strerror(errno));
    }
    return dir;
}

static int
remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    (void)remove(path);
    return 0;
}

void
tmpdir_free(struct tmpdir **dir)
{
    if (*dir == NULL) {
        return;
    }
    (void)nftw((*dir)->path, remove_entry, WALK_FDS, FTW_DEPTH | FTW_PHYS);
    free((*dir)->path);
    free(*dir);
    *dir = NULL;
}

const char *
tmpdir_path(const struct tmpdir *dir)
{
    return dir->path;
}

char *
tmpdir_join(const struct tmpdir *dir, const char *name)
{
    return support_text("%s/%s", dir->path, name);
}

static void
make_parents(char *path, size_t skip)
{
    for (char *slash = strchr(path + skip, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            support_fail("%s: %s", path, strerror(errno));
        }
        *slash = '/';
    }
}

static char *
write_bytes(const struct tmpdir *dir, const char *name, const void *bytes, size_t len)
{
    char *path = tmpdir_join(dir, name);
    make_parents(path, strlen(dir->path) + 1);
    FILE *file = fopen(path, "wbe");
    if (file == NULL) {
        support_fail("%s: %s", path, strerror(errno));
    }
    size_t written = fwrite(bytes, 1, len, file);
    if (fclose(file) != 0 || written != len) {
        support_fail("%s: cannot be written", path);
    }
    return path;
}

char *
tmpdir_write(const struct tmpdir *dir, const char *name, const char *text)
{
    return write_bytes(dir, name, text, strlen(text));
}

char *
tmpdir_copy(const struct tmpdir *dir, const char *name, const char *from)
{
    size_t len = 0;
    char *bytes = support_read_file(from, &len);
    char *path = write_bytes(dir, name, bytes, len);
    free(bytes);
    if (chmod(path, COPY_MODE) != 0) {
        support_fail("%s: %s", path, strerror(errno));
    }
    return path;
}

void
tmpdir_open(const struct tmpdir *dir)
{
    if (chmod(dir->path, COPY_MODE) != 0) {
        support_fail("%s: %s", dir->path, strerror(errno));
    }
}

static uid_t give_to; /* nftw() hands no context on */

static int
give_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return lchown(path, give_to, give_to);
}

void
tmpdir_give(const struct tmpdir *dir, uid_t user)
{
    give_to = user;
    if (nftw(dir->path, give_entry, WALK_FDS, FTW_PHYS) != 0) {
        support_fail("%s: cannot be given to user %ld: %s", dir->path, (long)user, strerror(errno));
    }
}
