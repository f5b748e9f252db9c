/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Any bytes as a worker's HELLO. What is promised: they are refused with a sentence, or what was
 * read keeps every bound of a descriptor, and written and read again it is the same. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "daemon/plugin/manifest_wire.h"
#include "daemon/plugin/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
judge(const struct manifest *manifest)
{
    assert(text_is_clean(manifest->name, strlen(manifest->name)));
    assert(manifest->checker_count > 0 || manifest->enumerates);
    assert(manifest->checker_count <= MANIFEST_CHECKERS_MAX);
    for (size_t i = 0; i < manifest->checker_count; i++) {
        const struct manifest_checker *checker = &manifest->checkers[i];
        assert(checker->index == i && !checker->enumerated && checker->data == NULL);
        assert(checker->blocking || manifest_is_base_url(checker->base_url));
        assert(checker->kind == ROLLCALL_EMAIL || checker->kind == ROLLCALL_USERNAME);
        assert(checker->body_max > 0 && checker->body_max <= ROLLCALL_BODY_CEILING);
        assert(checker->platform.tags != NULL && checker->known != NULL);
    }
    assert(manifest->option_count <= MANIFEST_OPTIONS_MAX);
    for (size_t i = 0; i < manifest->option_count; i++) {
        assert(manifest_is_key(manifest->options[i].key));
    }
    assert(manifest->shared_count <= MANIFEST_SHARED_MAX);
    for (size_t i = 0; i < manifest->shared_count; i++) {
        assert(manifest->shared[i].index == i &&
               manifest_is_base_url(manifest->shared[i].base_url));
    }
}

static struct manifest *
write_and_read(const struct manifest *manifest, struct buf *out)
{
    struct manifest *again = NULL;
    buf_init(out, 2 * MANIFEST_WIRE_BYTES_MAX);
    int error = manifest_wire_encode(manifest, out);
    assert(error == ERROR_OK);
    error = manifest_wire_decode(out->bytes, out->len, &again, NULL);
    assert(error == ERROR_OK);
    return again;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct error_text why = { "" };
    struct manifest *manifest = NULL;
    int error = manifest_wire_decode(bytes, len, &manifest, &why);
    assert((error == ERROR_OK) == (manifest != NULL));
    assert((error == ERROR_OK) == (why.text[0] == '\0'));
    if (manifest == NULL) {
        return 0;
    }
    judge(manifest);
    struct buf first;
    struct buf second;
    struct manifest *again = write_and_read(manifest, &first);
    struct manifest *thrice = write_and_read(again, &second);
    assert(first.len == second.len && memcmp(first.bytes, second.bytes, first.len) == 0);
    manifest_free(&thrice);
    manifest_free(&again);
    manifest_free(&manifest);
    buf_fini(&first);
    buf_fini(&second);
    return 0;
}
