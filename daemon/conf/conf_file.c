/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Opens without waiting, so a FIFO in the wrong place is refused and not waited for. */
#include "daemon/conf/conf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
say_errno(struct error_text *why, int number)
{
    char buffer[128];
    if (number == ENOENT || number == ENOTDIR) {
        return error_say(why, ERROR_NOT_FOUND, "no such file");
    }
    return error_say(why, ERROR_IO, "cannot be read: %s",
                     strerror_r(number, buffer, sizeof buffer));
}

static int
open_regular(const char *path, int *out_fd, struct error_text *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return say_errno(why, errno);
    }
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        (void)close(fd);
        return error_say(why, ERROR_IO, "not a regular file");
    }
    *out_fd = fd;
    return ERROR_OK;
}

/* Fill `bytes` with up to `max` from `fd`; -1 and errno on failure. */
static ssize_t
read_all(int fd, char *bytes, size_t max)
{
    size_t len = 0;
    while (len < max) {
        ssize_t got = read(fd, bytes + len, max - len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -1;
        }
        if (got == 0) {
            break;
        }
        len += (size_t)got;
    }
    return (ssize_t)len;
}

int
conf_file_read(const char *path, size_t max_bytes, char **out_bytes, size_t *out_len,
               struct error_text *why)
{
    int fd;
    int error = open_regular(path, &fd, why);
    if (error) {
        return error;
    }
    char *bytes = malloc(max_bytes + 1);
    if (bytes == NULL) {
        (void)close(fd);
        return error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM));
    }
    ssize_t len = read_all(fd, bytes, max_bytes + 1);
    int failed = errno;
    (void)close(fd);
    if (len < 0) {
        error = say_errno(why, failed);
    } else if ((size_t)len > max_bytes) {
        error = error_say(why, ERROR_TOO_BIG, "has more than %zu bytes", max_bytes);
    }
    if (error) {
        free(bytes);
        return error;
    }
    bytes[len] = '\0';
    *out_bytes = bytes;
    *out_len = (size_t)len;
    return ERROR_OK;
}

int
conf_file_probe(const char *path, struct error_text *why)
{
    int fd;
    int error = open_regular(path, &fd, why);
    if (!error) {
        (void)close(fd);
    }
    return error;
}

const char *
conf_file_resolve(struct arena *arena, const char *folder, const char *name)
{
    if (name[0] == '/') {
        return arena_strdup(arena, name);
    }
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = arena_alloc(arena, size);
    if (path != NULL) {
        (void)snprintf(path, size, "%s/%s", folder, name);
    }
    return path;
}

const char *
conf_file_folder(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return arena_strdup(arena, ".");
    }
    return slash == path ? arena_strdup(arena, "/")
                         : arena_copy(arena, path, (size_t)(slash - path));
}

/* Look among systemd's credentials first. A credential has a plain name. */
static int
read_secret(struct arena *arena, const char *folder, const char *name, char **out_bytes,
            size_t *out_len, struct error_text *why)
{
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    const char *folders[] = { strchr(name, '/') == NULL ? credentials : NULL, folder };
    int error = error_say(why, ERROR_NOT_FOUND, "no such file");
    for (size_t i = 0; i < ARRAY_LEN(folders) && error == ERROR_NOT_FOUND; i++) {
        if (folders[i] == NULL) {
            continue;
        }
        const char *path = conf_file_resolve(arena, folders[i], name);
        error = path == NULL ? error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM))
                             : conf_file_read(path, CONF_SECRET_BYTES_MAX, out_bytes, out_len, why);
    }
    return error;
}

static bool
is_printable(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] < 0x20 || bytes[i] >= 0x7f) {
            return false;
        }
    }
    return true;
}

int
conf_file_secret(struct arena *arena, const char *folder, const char *name, const char **out_secret,
                 struct error_text *why)
{
    char *bytes = NULL;
    size_t len = 0;
    int error = read_secret(arena, folder, name, &bytes, &len, why);
    if (error) {
        return error;
    }
    if (len > 0 && bytes[len - 1] == '\n') {
        len--;
    }
    if (len == 0) {
        error = error_say(why, ERROR_INVALID, "is empty");
    } else if (!is_printable(bytes, len)) {
        error = error_say(why, ERROR_INVALID, "is not one line of printable ASCII");
    } else {
        *out_secret = arena_copy(arena, bytes, len);
        error = *out_secret == NULL ? error_say(why, ERROR_NOMEM, "%s", error_sentence(ERROR_NOMEM))
                                    : ERROR_OK;
    }
    explicit_bzero(bytes, len);
    free(bytes);
    return error;
}
