/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Owner, mode, length. The linker maps a file by what its program headers say and reads behind its
 * end when it was cut, which kills the process; so those are held against the length first. All
 * else that can be wrong with an ELF file the linker finds out by itself. */
#include "daemon/plugin/file_check.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/plugin/loader.h"

#define PROGRAM_HEADERS_MAX 256

static bool
read_at(int fd, void *bytes, size_t len, uint64_t offset)
{
    return offset <= INT64_MAX && pread(fd, bytes, len, (off_t)offset) == (ssize_t)len;
}

static bool
is_elf_of_ours(const ElfW(Ehdr) * head)
{
    return memcmp(head->e_ident, ELFMAG, SELFMAG) == 0 &&
           head->e_ident[EI_CLASS] == (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) &&
           head->e_phentsize == sizeof(ElfW(Phdr));
}

/* Whether a segment that will be mapped reaches behind the file's end. */
static bool
is_cut(int fd, uint64_t size)
{
    ElfW(Ehdr) head;
    if (!read_at(fd, &head, sizeof(head), 0) || !is_elf_of_ours(&head)) {
        return false; /* the linker has a sentence for it */
    }
    for (uint64_t i = 0; i < head.e_phnum && i < PROGRAM_HEADERS_MAX; i++) {
        ElfW(Phdr) segment;
        if (!read_at(fd, &segment, sizeof(segment), head.e_phoff + i * sizeof(segment))) {
            return true;
        }
        if (segment.p_type == PT_LOAD &&
            (segment.p_filesz > size || segment.p_offset > size - segment.p_filesz)) {
            return true;
        }
    }
    return false;
}

static int
judge(int fd, const char *name, struct error_text *why)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return error_say(why, ERROR_NOT_FOUND, "%s: cannot be read: %s", name, strerror(errno));
    }
    if (!S_ISREG(info.st_mode)) {
        return error_say(why, ERROR_DENIED, "%s: is no regular file", name);
    }
    if (info.st_uid != 0 && info.st_uid != geteuid()) {
        return error_say(why, ERROR_DENIED,
                         "%s: is owned by user %ld, wants root or the user that runs this", name,
                         (long)info.st_uid);
    }
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return error_say(why, ERROR_DENIED,
                         "%s: has mode %04o, wants one that only its owner may write to", name,
                         (unsigned)(info.st_mode & 07777));
    }
    if (is_cut(fd, (uint64_t)info.st_size)) {
        return error_say(why, ERROR_INVALID,
                         "%s: is no shared object: the file is shorter than its head says", name);
    }
    return ERROR_OK;
}

int
file_check(const char *path, struct error_text *why)
{
    const char *name = loader_file_name(path);
    /* Without waiting for what could block: a FIFO is not a plugin. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        int error = errno == EACCES ? ERROR_DENIED : ERROR_NOT_FOUND;
        return error_say(why, error, "%s: cannot be read: %s", name, strerror(errno));
    }
    int error = judge(fd, name, why);
    (void)close(fd);
    return error;
}
