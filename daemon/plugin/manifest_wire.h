/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A manifest and a plugin's configuration as bytes: what crosses once, when a worker starts. The
 * daemon judges a manifest that it reads as if it were a descriptor: a worker that was taken over
 * can say nothing that a file could not. Shared by the daemon and its workers. */
#ifndef ROLLCALL_PLUGIN_MANIFEST_WIRE_H
#define ROLLCALL_PLUGIN_MANIFEST_WIRE_H

#include <stddef.h>

#include "daemon/base/arena.h"
#include "daemon/base/buf.h"
#include "daemon/base/error.h"
#include "daemon/plugin/host.h"
#include "daemon/plugin/manifest.h"

#define MANIFEST_WIRE_VERSION 1
/* Payload of HELLO: a thousand long-winded checkers. */
#define MANIFEST_WIRE_BYTES_MAX ((size_t)8 * 1024 * 1024)
/* Payload of CONFIG: some files of the largest size allowed. */
#define MANIFEST_WIRE_CONFIG_BYTES_MAX ((size_t)256 * 1024 * 1024)
/* Of one value: its texts, or its files. */
#define MANIFEST_WIRE_VALUES_MAX 4096

/** Append the bytes of a manifest. Errors: TOO_BIG, NOMEM. Thread: any. */
MUST_CHECK int manifest_wire_encode(const struct manifest *manifest, struct buf *out);

/**
 * Read them back and judge the manifest as manifest_judge() would.
 * Owner:  *out_manifest is the caller's, free with manifest_free(); it points to nothing of
 * `bytes`. Errors: PROTOCOL and those of manifest_judge(); `why` is one sentence. Thread: any.
 */
MUST_CHECK int manifest_wire_decode(const void *bytes, size_t len, struct manifest **out_manifest,
                                    struct error_text *why);

/** Append the bytes of a configuration. Errors: TOO_BIG, NOMEM. Thread: any. */
MUST_CHECK int manifest_wire_encode_config(const struct host_config *config, struct buf *out);

/**
 * Read them back.
 * Owner:  all of it lives in `arena`; the bytes of files stay where they stand in `bytes`, with a
 *         NUL behind each.
 * Errors: PROTOCOL (`why` names the field), NOMEM. Thread: any.
 */
MUST_CHECK int manifest_wire_decode_config(const void *bytes, size_t len, struct arena *arena,
                                           struct host_config *out_config, struct error_text *why);

#endif
