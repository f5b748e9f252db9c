/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A plugin's own options, between the configuration's words and the plugin contract's: what it
 * declares becomes a schema, what was configured becomes the struct host_config of its calls. Files
 * are opened and read here; secrets stay out. */
#ifndef ROLLCALL_PLUGIN_OPTIONS_H
#define ROLLCALL_PLUGIN_OPTIONS_H

#include "daemon/base/arena.h"
#include "daemon/base/error.h"
#include "daemon/conf/conf.h"
#include "daemon/plugin/host.h"

/**
 * The values of one plugin's section, the configured base_url among them.
 * Owner:  all lives in `arena`, or in the section; the bytes of files in `files`, which may be the
 * same one. Units: durations in milliseconds.
 * Errors: NOMEM, IO, NOT_FOUND, TOO_BIG; `why` names plugin, key and file. Thread: [main] or
 * [loop]; reads files.
 */
MUST_CHECK int options_read(const struct manifest *manifest, const struct conf_plugin *section,
                            struct arena *arena, struct arena *files,
                            struct host_config *out_config, struct error_text *why);

/** The same values without those that are files. Owner: the list lives in `arena`. Errors: NOMEM.
 */
MUST_CHECK int options_without_files(const struct host_config *config, struct arena *arena,
                                     struct host_config *out_config);

#endif
