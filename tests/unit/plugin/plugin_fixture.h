/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What the tests of this floor share: opened images without files, and a configuration for them. */
#ifndef ROLLCALL_TESTS_UNIT_PLUGIN_FIXTURE_H
#define ROLLCALL_TESTS_UNIT_PLUGIN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/arena.h"
#include "daemon/base/attr.h"
#include "daemon/plugin/registry.h"

#define FIXTURE_IMAGES_MAX 4

struct fixture {
    struct image images[FIXTURE_IMAGES_MAX];
    struct image *list[FIXTURE_IMAGES_MAX];
    size_t count;
    struct arena *arena;
    struct conf_tree *tree;
    struct conf *conf;
    struct registry *registry;
};

/** An image of a descriptor in memory. */
static inline void
fixture_add(struct fixture *fixture, const char *file, const rollcall_plugin *plugin)
{
    struct error_text why = { "" };
    struct image *image = &fixture->images[fixture->count];
    *image = (struct image){ .file = file, .entry = plugin, .entry_size = sizeof(*plugin) };
    if (manifest_judge(plugin, &image->manifest, &why) != ERROR_OK) {
        fail_msg("%s: %s", file, why.text);
    }
    fixture->list[fixture->count++] = image;
}

/** Read "key=value" texts, NULL at the end, against what the images declare. */
static inline void
fixture_configure(struct fixture *fixture, const char *const *overrides)
{
    struct error_text why = { "" };
    struct conf_schema schemas[FIXTURE_IMAGES_MAX];
    size_t count = 0;
    while (overrides != NULL && overrides[count] != NULL) {
        count++;
    }
    fixture->arena = arena_new((size_t)64 * 1024);
    assert_non_null(fixture->arena);
    for (size_t i = 0; i < fixture->count; i++) {
        assert_int_equal(registry_schema(fixture->images[i].manifest, fixture->arena, &schemas[i]),
                         ERROR_OK);
    }
    if (conf_open(NULL, overrides, count, &fixture->tree, &why) != ERROR_OK ||
        conf_read(fixture->tree, schemas, fixture->count, &fixture->conf, &why) != ERROR_OK) {
        fail_msg("%s", why.text);
    }
}

/** Configure and build the registry. */
static inline void
fixture_build(struct fixture *fixture, const char *const *overrides)
{
    struct error_text why = { "" };
    fixture_configure(fixture, overrides);
    if (registry_new(fixture->conf, fixture->list, fixture->count, &fixture->registry, &why) !=
        ERROR_OK) {
        fail_msg("%s", why.text);
    }
}

static inline void
fixture_free(struct fixture *fixture)
{
    registry_unref(&fixture->registry);
    conf_free(&fixture->conf);
    conf_close(&fixture->tree);
    arena_free(&fixture->arena);
    for (size_t i = 0; i < fixture->count; i++) {
        manifest_free(&fixture->images[i].manifest);
    }
}

#endif
