/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The one place for compiler attributes. */
#ifndef ROLLCALL_BASE_ATTR_H
#define ROLLCALL_BASE_ATTR_H

#include <stddef.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first_arg)                                                       \
    __attribute__((format(printf, format_index, first_arg)))
#define NORETURN __attribute__((noreturn))
#define EXPORT __attribute__((visibility("default")))
#define MAYBE_UNUSED __attribute__((unused))

/* clang's thread-safety analysis; empty elsewhere. */
#if defined(__clang__)
#define CAPABILITY(name) __attribute__((capability(name)))
#define REQUIRES(lock) __attribute__((requires_capability(lock)))
#define ACQUIRES(lock) __attribute__((acquire_capability(lock)))
#define RELEASES(lock) __attribute__((release_capability(lock)))
#define NO_LOCK_ANALYSIS __attribute__((no_thread_safety_analysis))
#else
#define CAPABILITY(name)
#define REQUIRES(lock)
#define ACQUIRES(lock)
#define RELEASES(lock)
#define NO_LOCK_ANALYSIS
#endif

/** The object that embeds `member` at address `pointer`. */
#define CONTAINER_OF(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* What two threads change at a time stands this far apart. */
#define CACHE_LINE_BYTES 64

/* This memory will be changed soon. Any address will do, it is not read. (gcc's own builtin asks
 * for a copy to read only, unless it is told of the processor.) */
#if defined(__x86_64__)
#define PREFETCH_FOR_WRITE(address)                                                                \
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)(address)))
#else
#define PREFETCH_FOR_WRITE(address) __builtin_prefetch((address), 1)
#endif

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#endif
