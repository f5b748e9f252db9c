/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The accepted checkers with the configuration applied: order, who wins, what a section changes,
 * what of it reaches the plugin. */
#include "tests/unit/plugin/plugin_fixture.h"

#include <unistd.h>

#include "tests/support/common.h"
#include "tests/support/tmpdir.h"

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

static const char *const tags[] = { "coding", NULL };
static const rollcall_platform beta = {
    .id = "beta", .title = "Beta", .home = "https://beta.example/", .tags = tags
};
static const rollcall_platform alpha = { .id = "alpha",
                                         .title = "Alpha",
                                         .home = "https://alpha.example/" };

#define HTTP(where, what)                                                                          \
    {                                                                                              \
        .platform = (where), .kind = (what), .method = ROLLCALL_DOCUMENTED,                        \
        .evidence = ROLLCALL_EXACT, .base_url = "https://api.example", .rate_count = 10,           \
        .rate_seconds = 60, .concurrency = 2, .step = step                                         \
    }
static const rollcall_checker first_checkers[] = {
    HTTP(&beta, ROLLCALL_USERNAME),
    HTTP(&beta, ROLLCALL_EMAIL),
    { .platform = &alpha,
      .kind = ROLLCALL_USERNAME,
      .method = ROLLCALL_DOCUMENTED,
      .evidence = ROLLCALL_EXACT,
      .rate_count = 10,
      .rate_seconds = 60,
      .concurrency = 2,
      .block = step },
};
static const rollcall_option options[] = {
    { .key = "word", .type = ROLLCALL_STRING, .fallback = "hello", .sentence = "A word." },
    { .key = "unset", .type = ROLLCALL_STRING, .sentence = "Nothing." },
    { .key = "count", .type = ROLLCALL_INT, .fallback = "7", .sentence = "A number.", .max = 9 },
    { .key = "span", .type = ROLLCALL_DURATION, .fallback = "10s", .sentence = "A span." },
    { .key = "pace", .type = ROLLCALL_RATE, .fallback = "10/min", .sentence = "A rate." },
    { .key = "deep", .type = ROLLCALL_BOOL, .fallback = "true", .sentence = "A truth." },
    { .key = "data", .type = ROLLCALL_FILE, .sentence = "A file." },
    { .key = "token", .type = ROLLCALL_SECRET, .sentence = "A secret." },
};
static const rollcall_plugin first = { .head = ROLLCALL_PLUGIN_HEAD,
                                       .name = "first",
                                       .version = "1",
                                       ROLLCALL_CHECKERS(first_checkers),
                                       ROLLCALL_OPTIONS(options) };
static const rollcall_checker second_checkers[] = {
    HTTP(&beta, ROLLCALL_EMAIL),
    HTTP(&alpha, ROLLCALL_EMAIL),
};
static const rollcall_plugin second = { .head = ROLLCALL_PLUGIN_HEAD,
                                        .name = "second",
                                        .version = "1",
                                        ROLLCALL_CHECKERS(second_checkers),
                                        .enumerate = enumerate,
                                        .enumerated_step = step };

static void
test_order_and_shadow(void **state)
{
    (void)state;
    struct fixture fixture = { 0 };
    fixture_add(&fixture, "first.so", &first);
    fixture_add(&fixture, "second.so", &second);
    fixture_build(&fixture, NULL);
    const struct registry *registry = fixture.registry;
    static const struct {
        const char *id;
        int32_t kind;
        const char *source;
    } wanted[] = {
        { "alpha", ROLLCALL_EMAIL, "second.so" },
        { "alpha", ROLLCALL_USERNAME, "first.so" },
        { "beta", ROLLCALL_EMAIL, "first.so" }, /* second.so's is left out */
        { "beta", ROLLCALL_USERNAME, "first.so" },
    };
    assert_int_equal(registry_checker_count(registry), ARRAY_LEN(wanted));
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        struct checker *checker = registry_checker(registry, i);
        assert_string_equal(checker->info->platform.id, wanted[i].id);
        assert_int_equal(checker->info->kind, wanted[i].kind);
        assert_string_equal(checker->source, wanted[i].source);
        assert_int_equal(checker->number, i);
        assert_ptr_equal(registry_find(registry, wanted[i].id, wanted[i].kind), checker);
    }
    assert_null(registry_find(registry, "beta", 3));
    assert_null(registry_find(registry, "gamma", ROLLCALL_EMAIL));
    assert_true(registry_has_platform(registry, "alpha"));
    assert_false(registry_has_platform(registry, "alph"));
    assert_false(registry_has_platform(registry, "zeta"));
    assert_true(registry_has_tag(registry, "coding"));
    assert_false(registry_has_tag(registry, "music"));
    assert_int_equal(registry_plugin_count(registry), 2);
    assert_int_equal(registry_plugin(registry, 0)->state, PLUGIN_READY);
    fixture_free(&fixture);
}

static void
test_section_is_applied(void **state)
{
    (void)state;
    static const char *const overrides[] = {
        "plugin.first.base_url=http://127.0.0.1:81/beta",
        "plugin.first.rate=5/s",
        "plugin.first.concurrency=9",
        "plugin.first.timeout=3s",
        "timeout=8s",
        NULL,
    };
    struct fixture fixture = { 0 };
    fixture_add(&fixture, "first.so", &first);
    fixture_add(&fixture, "second.so", &second);
    fixture_build(&fixture, overrides);
    const struct checker *changed = registry_find(fixture.registry, "beta", ROLLCALL_USERNAME);
    assert_string_equal(changed->base_url, "http://127.0.0.1:81/beta");
    assert_int_equal(changed->rate_count, 5);
    assert_int_equal(changed->rate_seconds, 1);
    assert_int_equal(changed->concurrency, 9);
    assert_int_equal(changed->timeout_us, 3000000);
    const struct checker *blocking = registry_find(fixture.registry, "alpha", ROLLCALL_USERNAME);
    assert_null(blocking->base_url);
    assert_int_equal(blocking->rate_count, 5);
    const struct checker *other = registry_find(fixture.registry, "alpha", ROLLCALL_EMAIL);
    assert_string_equal(other->base_url, "https://api.example");
    assert_int_equal(other->rate_count, 10);
    assert_int_equal(other->rate_seconds, 60);
    assert_int_equal(other->concurrency, 2);
    assert_int_equal(other->timeout_us, 8000000);
    fixture_free(&fixture);
}

static void
test_no_limit_and_disabled(void **state)
{
    (void)state;
    static const char *const overrides[] = { "plugin.first.rate=0", "plugin.second.enabled=false",
                                             NULL };
    struct fixture fixture = { 0 };
    fixture_add(&fixture, "first.so", &first);
    fixture_add(&fixture, "second.so", &second);
    fixture_build(&fixture, overrides);
    assert_int_equal(registry_find(fixture.registry, "beta", ROLLCALL_EMAIL)->rate_count, 0);
    assert_null(registry_find(fixture.registry, "alpha", ROLLCALL_EMAIL));
    assert_int_equal(registry_plugin(fixture.registry, 1)->state, PLUGIN_DISABLED);
    fixture_free(&fixture);
}

static const struct host_value *
value_of(const struct fixture *fixture, const char *key)
{
    const struct host_config *config = &registry_plugin(fixture->registry, 0)->config;
    for (size_t i = 0; i < config->count; i++) {
        if (strcmp(config->values[i].key, key) == 0) {
            return &config->values[i];
        }
    }
    return NULL;
}

static void
test_options(void **state)
{
    (void)state;
    struct tmpdir *dir = tmpdir_new();
    char *data = tmpdir_write(dir, "sites.json", "{}");
    char *secret = tmpdir_write(dir, "token", "s3cret\n");
    char *set_data = support_text("plugin.first.data=%s", data);
    char *set_token = support_text("plugin.first.token=%s", secret);
    const char *const overrides[] = { set_data, set_token, "plugin.first.count=9", NULL };
    struct fixture fixture = { 0 };
    fixture_add(&fixture, "first.so", &first);
    fixture_build(&fixture, overrides);
    assert_string_equal(value_of(&fixture, "word")->texts[0], "hello");
    assert_null(value_of(&fixture, "unset"));
    assert_int_equal(value_of(&fixture, "count")->number, 9);
    assert_int_equal(value_of(&fixture, "span")->number, 10000);
    assert_string_equal(value_of(&fixture, "pace")->texts[0], "10/min");
    assert_int_equal(value_of(&fixture, "deep")->number, 1);
    const struct host_value *file = value_of(&fixture, "data");
    assert_int_equal(file->count, 1);
    assert_string_equal(file->texts[0], "sites.json");
    assert_int_equal(file->file_lens[0], 2);
    assert_memory_equal(file->files[0], "{}", 2);
    assert_null(value_of(&fixture, "token")); /* never to the plugin */
    const struct plugin *plugin = registry_plugin(fixture.registry, 0);
    assert_string_equal(conf_own(plugin->section, "token")->texts[0], "s3cret");
    fixture_free(&fixture);
    free(set_token);
    free(set_data);
    free(secret);
    free(data);
    tmpdir_free(&dir);
}

static void
test_file_refused(void **state)
{
    (void)state;
    struct tmpdir *dir = tmpdir_new();
    char *data = tmpdir_write(dir, "gone.json", "{}");
    char *set_data = support_text("plugin.first.data=%s", data);
    const char *const overrides[] = { set_data, NULL };
    struct fixture fixture = { 0 };
    struct error_text why = { "" };
    fixture_add(&fixture, "first.so", &first);
    fixture_configure(&fixture, overrides);
    assert_int_equal(unlink(data), 0);
    assert_int_equal(registry_new(fixture.conf, fixture.list, 1, &fixture.registry, &why),
                     ERROR_NOT_FOUND);
    assert_null(fixture.registry);
    char *wanted = support_text("plugin.first.data: %s: No such file or directory", data);
    assert_string_equal(why.text, wanted);
    char *folder = tmpdir_join(dir, "gone.json/x");
    free(tmpdir_write(dir, "gone.json/x", ""));
    assert_int_equal(registry_new(fixture.conf, fixture.list, 1, &fixture.registry, &why),
                     ERROR_IO);
    fixture_free(&fixture);
    free(folder);
    free(wanted);
    free(set_data);
    free(data);
    tmpdir_free(&dir);
}

static void
test_refused_and_twins(void **state)
{
    (void)state;
    struct fixture fixture = { 0 };
    fixture_add(&fixture, "a.so", &first);
    fixture_add(&fixture, "b.so", &first);
    struct error_text why;
    fixture_configure(&fixture, NULL);
    assert_int_equal(registry_new(fixture.conf, fixture.list, 2, &fixture.registry, &why), 0);
    (void)error_say(&why, ERROR_INVALID, "bad.so: is no plugin");
    assert_int_equal(registry_add_refused(fixture.registry, "bad\xff.so", &why), ERROR_OK);
    assert_int_equal(registry_plugin_count(fixture.registry), 3);
    const struct plugin *twin = registry_plugin(fixture.registry, 1);
    assert_int_equal(twin->state, PLUGIN_REFUSED);
    assert_string_equal(twin->name, "b.so");
    assert_null(twin->image);
    assert_null(twin->manifest);
    assert_string_equal(twin->last_error.text, "b.so: the name first is taken by a.so");
    const struct plugin *refused = registry_plugin(fixture.registry, 2);
    assert_string_equal(refused->file, "bad?.so");
    assert_string_equal(refused->last_error.text, "bad.so: is no plugin");
    fixture_free(&fixture);
}

/* Listed with what it is, and asked nothing. */
static void
test_unloaded(void **state)
{
    (void)state;
    struct fixture fixture = { 0 };
    fixture_add(&fixture, "a.so", &first);
    struct error_text why;
    fixture_configure(&fixture, NULL);
    assert_int_equal(registry_new(fixture.conf, fixture.list, 0, &fixture.registry, &why), 0);
    assert_int_equal(registry_add_unloaded(fixture.registry, fixture.list[0]), ERROR_OK);
    assert_int_equal(registry_add_unloaded(fixture.registry, fixture.list[0]), ERROR_OK);
    assert_int_equal(registry_plugin_count(fixture.registry), 2);
    assert_int_equal(registry_checker_count(fixture.registry), 0);
    const struct plugin *plugin = registry_plugin(fixture.registry, 0);
    assert_int_equal(plugin->state, PLUGIN_UNLOADED);
    assert_string_equal(plugin->name, "first");
    assert_ptr_equal(plugin->manifest, fixture.list[0]->manifest);
    assert_int_equal(registry_plugin(fixture.registry, 1)->state, PLUGIN_REFUSED);
    fixture_free(&fixture);
}

static const char *const no_texts[] = { NULL };

static struct manifest_checker
yielded(const char *id, const char *source)
{
    return (struct manifest_checker){
        .platform = { .id = id, .title = id, .home = "https://x.example/", .tags = no_texts },
        .kind = ROLLCALL_USERNAME,
        .method = ROLLCALL_DOCUMENTED,
        .evidence = ROLLCALL_INFERRED,
        .base_url = "https://x.example",
        .rate_count = 1,
        .rate_seconds = 1,
        .concurrency = 1,
        .body_max = 1024,
        .known = no_texts,
        .enumerated = true,
        .data = "d",
        .data_len = 1,
        .source = source,
    };
}

static void
test_enumerated(void **state)
{
    (void)state;
    struct fixture fixture = { 0 };
    fixture_add(&fixture, "first.so", &first);
    fixture_add(&fixture, "second.so", &second);
    fixture_build(&fixture, NULL);
    struct plugin *plugin = registry_plugin(fixture.registry, 1);
    char id[] = "omega";
    const struct manifest_checker checkers[] = {
        yielded(id, "wmn-data"), yielded("beta", "wmn-data"), /* first.so has it */
        yielded("aaa", NULL), yielded("omega", "sherlock"),   /* again */
    };
    size_t added = 0;
    size_t before = registry_checker_count(fixture.registry);
    assert_int_equal(
        registry_add_enumerated(fixture.registry, plugin, checkers, ARRAY_LEN(checkers), &added),
        ERROR_OK);
    memset(id, '?', sizeof(id) - 1); /* they were copied */
    assert_int_equal(added, 2);
    assert_int_equal(registry_checker_count(fixture.registry), before + 2);
    assert_string_equal(registry_checker(fixture.registry, 0)->info->platform.id, "aaa");
    assert_string_equal(registry_checker(fixture.registry, 0)->source, "second.so");
    const struct checker *omega = registry_find(fixture.registry, "omega", ROLLCALL_USERNAME);
    assert_string_equal(omega->source, "wmn-data");
    assert_memory_equal(omega->info->data, "d", 1);
    assert_int_equal(omega->number, before + 1);
    const struct checker *kept = registry_find(fixture.registry, "beta", ROLLCALL_USERNAME);
    assert_string_equal(kept->source, "first.so");
    fixture_free(&fixture);
}

static const rollcall_option catalog[] = {
    { .key = "data", .type = ROLLCALL_FILE, .sentence = "A file." },
    { .key = "word", .type = ROLLCALL_STRING, .fallback = "hello", .sentence = "A word." },
};
static const rollcall_plugin third = { .head = ROLLCALL_PLUGIN_HEAD,
                                       .name = "third",
                                       .version = "1",
                                       .checker_size = sizeof(rollcall_checker),
                                       ROLLCALL_OPTIONS(catalog),
                                       .enumerate = enumerate,
                                       .enumerated_step = step };

/* Files are for enumerate alone, and go with it; the configured base_url is for all. */
static void
test_data_for_enumerate(void **state)
{
    (void)state;
    struct tmpdir *dir = tmpdir_new();
    char *data = tmpdir_write(dir, "sites.json", "{}");
    char *set_data = support_text("plugin.third.data=%s", data);
    const char *const overrides[] = { set_data, "plugin.third.base_url=http://127.0.0.1:81", NULL };
    struct fixture fixture = { 0 };
    fixture_add(&fixture, "third.so", &third);
    fixture_build(&fixture, overrides);
    struct plugin *plugin = registry_plugin(fixture.registry, 0);
    assert_null(value_of(&fixture, "data"));
    assert_string_equal(value_of(&fixture, "word")->texts[0], "hello");
    assert_string_equal(value_of(&fixture, "base_url")->texts[0], "http://127.0.0.1:81");
    assert_int_equal(plugin->data.count, 3);
    assert_memory_equal(plugin->data.values[1].files[0], "{}", 2);
    registry_drop_files(plugin);
    assert_int_equal(plugin->data.count, 0);
    assert_null(plugin->files);
    registry_drop_files(plugin); /* may be called twice */
    size_t added = 0;
    const struct manifest_checker site = yielded("site", "sites");
    assert_int_equal(registry_add_enumerated(fixture.registry, plugin, &site, 1, &added), 0);
    assert_string_equal(registry_find(fixture.registry, "site", ROLLCALL_USERNAME)->base_url,
                        "http://127.0.0.1:81");
    fixture_free(&fixture);
    free(set_data);
    free(data);
    tmpdir_free(&dir);
}

static void
test_references(void **state)
{
    (void)state;
    struct fixture fixture = { 0 };
    fixture_add(&fixture, "first.so", &first);
    fixture_build(&fixture, NULL);
    assert_false(registry_is_shared(fixture.registry));
    struct registry *mine = registry_ref(fixture.registry);
    assert_true(registry_is_shared(mine));
    registry_unref(&fixture.registry);
    assert_null(fixture.registry);
    assert_int_equal(registry_checker_count(mine), 3);
    fixture.registry = mine;
    fixture_free(&fixture);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_shadow),
        cmocka_unit_test(test_section_is_applied),
        cmocka_unit_test(test_no_limit_and_disabled),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_file_refused),
        cmocka_unit_test(test_refused_and_twins),
        cmocka_unit_test(test_unloaded),
        cmocka_unit_test(test_enumerated),
        cmocka_unit_test(test_data_for_enumerate),
        cmocka_unit_test(test_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
