/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Manifests and configurations there and back: nothing is lost, every cut is refused, and what a
 * file could not say a worker cannot say either. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/attr.h"
#include "daemon/plugin/manifest_wire.h"

#define ARENA_BYTES ((size_t)16 * 1024 * 1024)

static rollcall_step
step(rollcall_check *check, const rollcall_reply *reply)
{
    (void)check;
    (void)reply;
    return ROLLCALL_STEP_FAILED;
}

static int32_t
enumerate(rollcall_check *check)
{
    (void)check;
    return 0;
}

static const char *const tags[] = { "coding", "adult", NULL };
static const char *const known[] = { "alice", "bob", NULL };
static const rollcall_name_rule rule = { .min_chars = 2,
                                         .max_chars = 9,
                                         .chars = "a-z_",
                                         .source = "https://example.org/names",
                                         .all_names = 1 };
static const rollcall_platform platforms[] = {
    { "example.org", "Beispiel \xc3\xbc", "https://example.org/", tags, 77 },
    { .id = "0", .title = "Zero", .home = "https://0.example/" },
};
static const rollcall_checker checkers[] = {
    { .platform = &platforms[0],
      .kind = ROLLCALL_USERNAME,
      .method = ROLLCALL_SIGNUP,
      .evidence = ROLLCALL_INFERRED,
      .flags = ROLLCALL_CASELESS | ROLLCALL_CODES_ARE_MARKS,
      .base_url = "https://example.org/api",
      .rate_count = 1,
      .rate_seconds = 2,
      .concurrency = 3,
      .body_max = 4096,
      .name_rule = &rule,
      .known = known,
      .absent = "zz????????",
      .step = step },
    { .platform = &platforms[1],
      .kind = ROLLCALL_EMAIL,
      .method = ROLLCALL_DOCUMENTED,
      .evidence = ROLLCALL_EXACT,
      .flags = ROLLCALL_NEEDS_NETWORK,
      .rate_count = 4,
      .rate_seconds = 5,
      .concurrency = 6,
      .block = step },
};
static const rollcall_option options[] = {
    { "limit", ROLLCALL_INT, "5", "How many.", -3, 9 },
    { "token", ROLLCALL_SECRET, NULL, "What opens it.", 0, 0 },
};
static const rollcall_shared shared[] = { { "guest", 600, step, "https://example.org/guest" } };
static const rollcall_plugin plugin = {
    .head = ROLLCALL_PLUGIN_HEAD,
    .name = "example",
    .version = "1.2",
    ROLLCALL_CHECKERS(checkers),
    ROLLCALL_OPTIONS(options),
    .shared = shared,
    .shared_count = 1,
    .shared_size = sizeof(shared[0]),
    .enumerate = enumerate,
    .enumerated_step = step,
};

static void
encode(struct buf *out)
{
    struct manifest *manifest = NULL;
    struct error_text why = { "" };
    buf_init(out, MANIFEST_WIRE_BYTES_MAX);
    if (manifest_judge(&plugin, &manifest, &why) != ERROR_OK) {
        fail_msg("%s", why.text);
    }
    assert_int_equal(manifest_wire_encode(manifest, out), ERROR_OK);
    manifest_free(&manifest);
}

static void
expect_first(const struct manifest_checker *checker)
{
    assert_string_equal(checker->platform.id, "example.org");
    assert_string_equal(checker->platform.title, "Beispiel \xc3\xbc");
    assert_string_equal(checker->platform.home, "https://example.org/");
    assert_string_equal(checker->platform.tags[1], "adult");
    assert_null(checker->platform.tags[2]);
    assert_int_equal(checker->platform.accounts, 77);
    assert_true(checker->platform.adult);
    assert_int_equal(checker->kind, ROLLCALL_USERNAME);
    assert_int_equal(checker->method, ROLLCALL_SIGNUP);
    assert_int_equal(checker->evidence, ROLLCALL_INFERRED);
    assert_int_equal(checker->flags, ROLLCALL_CASELESS | ROLLCALL_CODES_ARE_MARKS);
    assert_string_equal(checker->base_url, "https://example.org/api");
    assert_int_equal(checker->rate_count, 1);
    assert_int_equal(checker->rate_seconds, 2);
    assert_int_equal(checker->concurrency, 3);
    assert_int_equal(checker->body_max, 4096);
    assert_int_equal(checker->name_rule->min_chars, 2);
    assert_int_equal(checker->name_rule->max_chars, 9);
    assert_string_equal(checker->name_rule->chars, "a-z_");
    assert_string_equal(checker->name_rule->source, "https://example.org/names");
    assert_true(checker->name_rule->all_names);
    assert_string_equal(checker->known[1], "bob");
    assert_string_equal(checker->absent, "zz????????");
    assert_false(checker->blocking);
    assert_int_equal(checker->index, 0);
    assert_false(checker->enumerated);
}

static void
expect_second(const struct manifest_checker *checker)
{
    assert_string_equal(checker->platform.id, "0");
    assert_null(checker->platform.tags[0]);
    assert_int_equal(checker->kind, ROLLCALL_EMAIL);
    assert_int_equal(checker->flags, ROLLCALL_NEEDS_NETWORK);
    assert_null(checker->base_url);
    assert_null(checker->name_rule);
    assert_null(checker->known[0]);
    assert_null(checker->absent);
    assert_true(checker->blocking);
    assert_int_equal(checker->index, 1);
    assert_int_equal(checker->body_max, ROLLCALL_BODY_DEFAULT);
}

static void
keeps_a_manifest(void **state)
{
    (void)state;
    struct buf bytes;
    struct manifest *manifest = NULL;
    struct error_text why = { "" };
    encode(&bytes);
    if (manifest_wire_decode(bytes.bytes, bytes.len, &manifest, &why) != ERROR_OK) {
        fail_msg("%s", why.text);
    }
    memset(bytes.bytes, 'x', bytes.len); /* it points to nothing of them */
    assert_string_equal(manifest->name, "example");
    assert_string_equal(manifest->version, "1.2");
    assert_true(manifest->enumerates);
    assert_int_equal(manifest->checker_count, 2);
    expect_first(&manifest->checkers[0]);
    expect_second(&manifest->checkers[1]);
    assert_int_equal(manifest->option_count, 2);
    assert_string_equal(manifest->options[0].key, "limit");
    assert_int_equal(manifest->options[0].type, ROLLCALL_INT);
    assert_string_equal(manifest->options[0].fallback, "5");
    assert_string_equal(manifest->options[0].sentence, "How many.");
    assert_int_equal(manifest->options[0].min, -3);
    assert_int_equal(manifest->options[0].max, 9);
    assert_null(manifest->options[1].fallback);
    assert_int_equal(manifest->shared_count, 1);
    assert_string_equal(manifest->shared[0].name, "guest");
    assert_int_equal(manifest->shared[0].lifetime_s, 600);
    assert_string_equal(manifest->shared[0].base_url, "https://example.org/guest");
    manifest_free(&manifest);
    buf_fini(&bytes);
}

static void
refuses_every_cut(void **state)
{
    (void)state;
    struct buf bytes;
    encode(&bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        struct error_text why = { "" };
        struct manifest *manifest = NULL;
        char *cut = malloc(len + 1); /* so that a read behind the end is seen */
        assert_non_null(cut);
        memcpy(cut, bytes.bytes, len);
        if (manifest_wire_decode(cut, len, &manifest, &why) == ERROR_OK) {
            fail_msg("%zu bytes of %zu are believed", len, bytes.len);
        }
        assert_null(manifest);
        assert_true(why.text[0] != '\0');
        free(cut);
    }
    buf_append(&bytes, "x", 1);
    struct manifest *manifest = NULL;
    assert_int_equal(manifest_wire_decode(bytes.bytes, bytes.len, &manifest, NULL), ERROR_PROTOCOL);
    buf_fini(&bytes);
}

/* Replace the first `from` in the bytes by `to`, of the same length. */
static void
alter(struct buf *bytes, const char *from, const char *to)
{
    char *place = memmem(bytes->bytes, bytes->len, from, strlen(from));
    assert_non_null(place);
    assert_int_equal(strlen(from), strlen(to));
    memcpy(place, to, strlen(to));
}

static void
judges_like_a_file(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        const char *to;
        const char *why;
    } rows[] = {
        { "example", "Example", "name is \"Example\"" },
        { "1.2", "1.\n", "version has a control character" },
        { "example.org", "EXAMPLE.org", "checkers[0].platform.id" },
        { "coding", "Coding", "checkers[0].platform.tags[0]" },
        { "https://example.org/api", "https://example.org/{a}", "checkers[0].base_url" },
        { "zz????????", "zz-?-?-?-?", "checkers[0].absent" },
        { "limit", "Limit", "options[0].key" },
        { "token", "limit", "options[1].key is \"limit\" again" },
        { "guest", "Guest", "shared[0].name" },
        { "a-z_", "z-a_", "checkers[0].name_rule.chars" },
        { "RCMF", "RCNF", "magic" },
        { "\xc3\xbc", "\xc3\xc3", "platform.title" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf bytes;
        struct error_text why = { "" };
        struct manifest *manifest = NULL;
        encode(&bytes);
        alter(&bytes, rows[i].from, rows[i].to);
        int error = manifest_wire_decode(bytes.bytes, bytes.len, &manifest, &why);
        if (error == ERROR_OK || strstr(why.text, rows[i].why) == NULL) {
            fail_msg("row %zu: %s: %s", i, error_name(error), why.text);
        }
        buf_fini(&bytes);
    }
}

static void
refuses_wild_counts(void **state)
{
    (void)state;
    struct buf bytes;
    struct manifest *manifest = NULL;
    encode(&bytes);
    /* head, name, version, enumerates: then the count of checkers */
    size_t place = 4 + 2 + 4 + strlen("example") + 4 + strlen("1.2") + 1;
    assert_int_equal(bytes.bytes[place], 2);
    for (size_t i = 0; i < 4; i++) {
        char kept = bytes.bytes[place + i];
        bytes.bytes[place + i] = (char)0xff;
        assert_int_equal(manifest_wire_decode(bytes.bytes, bytes.len, &manifest, NULL),
                         ERROR_PROTOCOL);
        bytes.bytes[place + i] = kept;
    }
    buf_fini(&bytes);
}

static const char *const words[] = { "one", "", "dr\xc3\xa9i" };
static const char *const rates[] = { "10/min" };
static const char *const names[] = { "a.json", "b.json" };
static const void *const files[] = { "a\0b", NULL };
static const size_t lens[] = { 3, 0 };
static const struct host_value values[] = {
    { .key = "limit", .type = ROLLCALL_INT, .number = -7, .count = 1 },
    { .key = "quiet", .type = ROLLCALL_BOOL, .number = 1, .count = 1 },
    { .key = "pause", .type = ROLLCALL_DURATION, .number = 86400000, .count = 1 },
    { .key = "pace", .type = ROLLCALL_RATE, .texts = rates, .count = 1 },
    { .key = "words", .type = ROLLCALL_LIST, .texts = words, .count = 3 },
    { .key = "none", .type = ROLLCALL_LIST, .count = 0 },
    { .key = "data",
      .type = ROLLCALL_FILES,
      .texts = names,
      .files = files,
      .file_lens = lens,
      .count = 2 },
};

static void
encode_config(struct buf *out)
{
    const struct host_config config = { values, ARRAY_LEN(values) };
    buf_init(out, MANIFEST_WIRE_CONFIG_BYTES_MAX);
    assert_int_equal(manifest_wire_encode_config(&config, out), ERROR_OK);
}

static void
keeps_a_configuration(void **state)
{
    (void)state;
    struct buf bytes;
    struct host_config config;
    struct arena *arena = arena_new(ARENA_BYTES);
    encode_config(&bytes);
    assert_int_equal(manifest_wire_decode_config(bytes.bytes, bytes.len, arena, &config, NULL),
                     ERROR_OK);
    assert_int_equal(config.count, ARRAY_LEN(values));
    for (size_t i = 0; i < config.count; i++) {
        assert_string_equal(config.values[i].key, values[i].key);
        assert_int_equal(config.values[i].type, values[i].type);
        assert_int_equal(config.values[i].number, values[i].number);
        assert_int_equal(config.values[i].count, values[i].count);
    }
    assert_string_equal(config.values[3].texts[0], "10/min");
    assert_string_equal(config.values[4].texts[1], "");
    assert_string_equal(config.values[4].texts[2], words[2]);
    assert_string_equal(config.values[6].texts[1], "b.json");
    assert_int_equal(config.values[6].file_lens[0], 3);
    assert_memory_equal(config.values[6].files[0], "a\0b", 4); /* and a NUL behind it */
    assert_int_equal(config.values[6].file_lens[1], 0);
    assert_memory_equal(config.values[6].files[1], "", 1);
    arena_free(&arena);
    buf_fini(&bytes);
}

static void
refuses_every_cut_of_a_configuration(void **state)
{
    (void)state;
    struct buf bytes;
    encode_config(&bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        struct host_config config;
        struct arena *arena = arena_new(ARENA_BYTES);
        char *cut = malloc(len + 1);
        assert_non_null(cut);
        memcpy(cut, bytes.bytes, len);
        if (manifest_wire_decode_config(cut, len, arena, &config, NULL) != ERROR_PROTOCOL) {
            fail_msg("%zu bytes of %zu are believed", len, bytes.len);
        }
        free(cut);
        arena_free(&arena);
    }
    buf_fini(&bytes);
}

static void
refuses_secrets(void **state)
{
    (void)state;
    struct buf bytes;
    struct host_config config;
    struct error_text why = { "" };
    struct arena *arena = arena_new(ARENA_BYTES);
    const struct host_value secret = { .key = "token", .type = ROLLCALL_SECRET };
    const struct host_config wrong = { &secret, 1 };
    buf_init(&bytes, MANIFEST_WIRE_CONFIG_BYTES_MAX);
    assert_int_equal(manifest_wire_encode_config(&wrong, &bytes), ERROR_OK);
    assert_int_equal(manifest_wire_decode_config(bytes.bytes, bytes.len, arena, &config, &why),
                     ERROR_PROTOCOL);
    assert_non_null(strstr(why.text, "value.type"));
    arena_free(&arena);
    buf_fini(&bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_a_manifest),
        cmocka_unit_test(refuses_every_cut),
        cmocka_unit_test(judges_like_a_file),
        cmocka_unit_test(refuses_wild_counts),
        cmocka_unit_test(keeps_a_configuration),
        cmocka_unit_test(refuses_every_cut_of_a_configuration),
        cmocka_unit_test(refuses_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
