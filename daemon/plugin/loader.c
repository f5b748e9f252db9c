/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Opening plugin files. Looks at the file before dlopen() runs its constructors, and at the
 * symbol's size before its bytes are read. What the dynamic linker
 * has to say is turned into one of our sentences. Keeps every image that it opened: a file that is
 * opened again is the same image, since the linker would hand back the old code anyway. */
#include "daemon/plugin/loader.h"

#include <dirent.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/plugin/file_check.h"
#include "daemon/plugin/text.h"

#define SUFFIX ".so"
#define FOLDER_FILES_MAX 4096 /* plugins of all folders together */

/* The images of this process, newest first. */
struct kept {
    struct image image;
    struct kept *next;
    char file[];
};
static struct kept *kept_images;

const char *
loader_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* dlerror() begins with the file that it is about: ours, or a library that ours needs. */
static int
explain_dlerror(const char *path, const char *text, struct error_text *why)
{
    static const char undefined[] = ": undefined symbol: ";
    const char *name = loader_file_name(path);
    size_t path_len = strlen(path);
    if (text == NULL) {
        return error_say(why, ERROR_INVALID, "%s: cannot be opened", name);
    }
    const char *symbol = strstr(text, undefined);
    if (symbol != NULL) {
        return error_say(why, ERROR_INVALID,
                         "%s: uses %s, which nobody defines; link with -Wl,-z,defs", name,
                         symbol + sizeof(undefined) - 1);
    }
    if (strncmp(text, path, path_len) == 0 && strncmp(text + path_len, ": ", 2) == 0) {
        return error_say(why, ERROR_INVALID, "%s: is no shared object: %s", name,
                         text + path_len + 2);
    }
    const char *missing = strstr(text, ": cannot open shared object file");
    if (missing != NULL) {
        return error_say(why, ERROR_INVALID, "%s: needs %.*s, which cannot be opened", name,
                         (int)(missing - text), text);
    }
    return error_say(why, ERROR_INVALID, "%s: cannot be opened: %s", name, text);
}

static int
find_entry(void *library, const char *name, const void **out_entry, struct error_text *why)
{
    const void *entry = dlsym(library, ROLLCALL_ENTRY);
    if (entry == NULL) {
        return error_say(why, ERROR_INVALID,
                         "%s: exports no " ROLLCALL_ENTRY "; is ROLLCALL_EXPORT missing?", name);
    }
    Dl_info info;
    const ElfW(Sym) *symbol = NULL;
    if (dladdr1(entry, &info, (void **)&symbol, RTLD_DL_SYMENT) == 0 || symbol == NULL ||
        ELF64_ST_TYPE(symbol->st_info) != STT_OBJECT) {
        return error_say(why, ERROR_INVALID, "%s: " ROLLCALL_ENTRY " is not data", name);
    }
    rollcall_head head;
    if (symbol->st_size < sizeof(head)) {
        return error_say(why, ERROR_INVALID, "%s: " ROLLCALL_ENTRY " is %zu bytes, wants %zu", name,
                         (size_t)symbol->st_size, sizeof(rollcall_plugin));
    }
    struct error_text sentence;
    int error = manifest_judge_head(entry, &sentence);
    if (error != ERROR_OK) {
        return error_say(why, error, "%s: %s", name, sentence.text);
    }
    memcpy(&head, entry, sizeof(head));
    if (symbol->st_size < head.size) {
        return error_say(why, ERROR_INVALID,
                         "%s: " ROLLCALL_ENTRY " is %zu bytes, its head.size says %zu", name,
                         (size_t)symbol->st_size, (size_t)head.size);
    }
    *out_entry = entry;
    return ERROR_OK;
}

static struct image *
find_kept(const void *entry)
{
    for (struct kept *kept = kept_images; kept != NULL; kept = kept->next) {
        if (kept->image.entry == entry) {
            return &kept->image;
        }
    }
    return NULL;
}

static int
keep(const void *entry, const char *name, struct image **out_image, struct error_text *why)
{
    struct error_text sentence;
    struct kept *kept = calloc(1, sizeof(*kept) + strlen(name) + 1);
    if (kept == NULL) {
        return error_say(why, ERROR_NOMEM, "%s: %s", name, error_sentence(ERROR_NOMEM));
    }
    int error = manifest_judge(entry, &kept->image.manifest, &sentence);
    if (error != ERROR_OK) {
        free(kept);
        return error_say(why, error, "%s: %s", name, sentence.text);
    }
    memcpy(kept->file, name, strlen(name) + 1);
    kept->image.file = kept->file;
    kept->image.entry = entry;
    kept->image.entry_size = kept->image.entry->head.size;
    kept->next = kept_images;
    kept_images = kept;
    *out_image = &kept->image;
    return ERROR_OK;
}

static int
open_file(const char *path, struct image **out_image, struct error_text *why)
{
    const char *name = loader_file_name(path);
    int error = file_check(path, why);
    if (error != ERROR_OK) {
        return error;
    }
    /* With a slash in it, so that the linker does not go looking for it elsewhere. */
    char *full = realpath(path, NULL);
    if (full == NULL) {
        return error_say(why, ERROR_NOT_FOUND, "%s: cannot be read: %s", name, strerror(errno));
    }
    void *library = dlopen(full, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL) {
        error = explain_dlerror(full, dlerror(), why);
        free(full);
        return error;
    }
    free(full);
    const void *entry = NULL;
    error = find_entry(library, name, &entry, why);
    if (error != ERROR_OK) {
        return error;
    }
    struct image *image = find_kept(entry);
    if (image != NULL) {
        *out_image = image;
        return ERROR_OK;
    }
    return keep(entry, name, out_image, why);
}

int
loader_open(const char *path, struct image **out_image, struct error_text *why)
{
    int error = open_file(path, out_image, why);
    if (error != ERROR_OK && why != NULL) {
        text_mend(why->text); /* names of files and symbols may hold anything */
    }
    return error;
}

static bool
is_plugin_name(const char *name)
{
    size_t len = strlen(name);
    return name[0] != '.' && len > strlen(SUFFIX) &&
           strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0;
}

static bool
has_name(const struct loader_list *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(loader_file_name(list->paths[i]), name) == 0) {
            return true;
        }
    }
    return false;
}

static int
list_add(struct loader_list *list, const char *folder, const char *name, struct error_text *why)
{
    if (list->count == FOLDER_FILES_MAX) {
        return error_say(why, ERROR_TOO_BIG, "%s: more than %d plugins", folder, FOLDER_FILES_MAX);
    }
    char *path = NULL;
    char **paths = realloc(list->paths, (list->count + 1) * sizeof(*paths));
    if (paths != NULL) {
        list->paths = paths;
    }
    if (paths == NULL || asprintf(&path, "%s/%s", folder, name) < 0) {
        return error_say(why, ERROR_NOMEM, "%s: %s", folder, error_sentence(ERROR_NOMEM));
    }
    list->paths[list->count++] = path;
    return ERROR_OK;
}

static int
scan_folder(const char *folder, struct loader_list *list, struct error_text *why)
{
    DIR *stream = opendir(folder);
    if (stream == NULL) {
        return error_say(why, ERROR_NOT_FOUND, "%s: cannot be read: %s", folder, strerror(errno));
    }
    size_t earlier = list->count;
    int error = ERROR_OK;
    for (struct dirent *entry; error == ERROR_OK && (entry = readdir(stream)) != NULL;) {
        if (is_plugin_name(entry->d_name) && !has_name(list, earlier, entry->d_name)) {
            error = list_add(list, folder, entry->d_name, why);
        }
    }
    (void)closedir(stream);
    return error;
}

static int
by_file_name(const void *left, const void *right)
{
    return strcmp(loader_file_name(*(char *const *)left), loader_file_name(*(char *const *)right));
}

int
loader_scan(const char *const *folders, size_t folder_count, struct loader_list *out_list,
            struct error_text *why)
{
    struct loader_list list = { NULL, 0 };
    for (size_t i = 0; i < folder_count; i++) {
        int error = scan_folder(folders[i], &list, why);
        if (error != ERROR_OK) {
            loader_list_fini(&list);
            return error;
        }
    }
    if (list.count > 0) {
        qsort(list.paths, list.count, sizeof(*list.paths), by_file_name);
    }
    *out_list = list;
    return ERROR_OK;
}

void
loader_list_fini(struct loader_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->paths[i]);
    }
    free(list->paths);
    list->paths = NULL;
    list->count = 0;
}
