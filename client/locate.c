/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Finds the daemon's address. Looks at the file system and never connects: one connection that is
 * closed at once would cost nng 1.5.2's listener its life. */
#include "client/locate.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rollcall/client.h>

#define SYSTEM_SOCKET "/run/rollcall/rollcall.sock"
#define IPC "ipc://"

static const char *const schemes[] = { IPC, "tcp://", "ws://" };

static bool
is_socket(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISSOCK(status.st_mode);
}

static const char *
setting(const char *name)
{
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? text : NULL;
}

static char *
join(const char *head, const char *tail)
{
    char *text = NULL;
    return asprintf(&text, "%s%s", head, tail) < 0 ? NULL : text;
}

/* The user's own daemon where there is one, else the system's; NULL: no memory. */
static char *
default_url(void)
{
    const char *folder = setting("XDG_RUNTIME_DIR");
    if (folder == NULL) {
        return strdup(IPC SYSTEM_SOCKET);
    }
    char *path = join(folder, "/rollcall/rollcall.sock");
    if (path == NULL) {
        return NULL;
    }
    char *url = is_socket(path) ? join(IPC, path) : strdup(IPC SYSTEM_SOCKET);
    free(path);
    return url;
}

static int
judge_url(const char *url, struct why *why)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t length = strlen(schemes[i]);
        if (strncmp(url, schemes[i], length) != 0 || url[length] == '\0') {
            continue;
        }
        if (i == 0 && strlen(url + length) > LOCATE_PATH_MAX) {
            return why_say(why, ROLLCALL_E_INVALID,
                           "\"%s\": the path has %zu bytes; a socket's has at most %d", url,
                           strlen(url + length), LOCATE_PATH_MAX);
        }
        return ROLLCALL_OK;
    }
    return why_say(why, ROLLCALL_E_INVALID,
                   "\"%s\" is no address; allowed are ipc:///path, tcp://host:port and "
                   "ws://host:port/path",
                   url);
}

int
locate_daemon(const char *url, char **out_url, struct why *why)
{
    const char *asked = url != NULL ? url : setting("ROLLCALL_URL");
    char *found = NULL;
    if (asked == NULL) {
        found = default_url();
    } else {
        found = asked[0] == '/' ? join(IPC, asked) : strdup(asked);
    }
    if (found == NULL) {
        return why_nomem(why);
    }
    int code = judge_url(found, why);
    if (code != ROLLCALL_OK) {
        free(found);
        return code;
    }
    *out_url = found;
    return ROLLCALL_OK;
}

const char *
locate_explain(const char *url)
{
    if (strncmp(url, IPC, strlen(IPC)) != 0) {
        return "";
    }
    const char *path = url + strlen(IPC);
    if (!is_socket(path)) {
        return "there is no socket";
    }
    return access(path, R_OK | W_OK) == 0 ? "" : "you may not open it: are you in its group?";
}
