/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What all writers share. */
#include "client/writer.h"

#include <string.h>

#include "client/progress.h"

const struct writer_ops *
writer_find(enum format format)
{
    static const struct writer_ops *const all[] = {
        [FORMAT_TEXT] = &writer_text,
        [FORMAT_JSON] = &writer_json,
        [FORMAT_JSONL] = &writer_jsonl,
        [FORMAT_CSV] = &writer_csv,
    };
    return all[format];
}

static unsigned
bit_of(const char *verdict)
{
    if (strcmp(verdict, "registered") == 0) {
        return ONLY_REGISTERED;
    }
    return strcmp(verdict, "unregistered") == 0 ? ONLY_UNREGISTERED : ONLY_UNKNOWN;
}

bool
writer_wants(const struct writer *writer, const rollcall_result *result)
{
    return writer->only == 0 || (writer->only & bit_of(result->verdict)) != 0;
}

void
writer_no_finish(struct writer *writer)
{
    progress_wipe(writer);
}
