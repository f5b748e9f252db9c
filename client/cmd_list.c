/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* The verbs that ask the daemon about itself, and `cancel`. With --format json its result as it
 * gave it, else lists for people. */
#include "client/commands.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rollcall/version.h>

#include "client/json.h"
#include "client/table.h"
#include "client/term.h"

#define DEPTH_MAX 4 /* of objects in a status; deeper ones are shown as JSON */

/* How a result becomes a table; false: no memory. */
typedef bool (*fill_fn)(struct table *table, const struct json *result);

static int
no_memory(void)
{
    term_complain("out of memory");
    return STATUS_BROKEN;
}

static int
print_table(const struct json *result, size_t columns, fill_fn fill)
{
    struct term term;
    struct table table;
    term_look(&term, stdout);
    table_init(&table, columns);
    bool is_filled = fill(&table, result);
    if (is_filled) {
        table_print(&table, stdout, term.is_utf8);
    }
    table_fini(&table);
    return is_filled ? 0 : no_memory();
}

/* One call, its result printed as JSON or as a table. */
struct list {
    const char *method;
    struct json *params; /* taken over; NULL: none */
    size_t columns;
    fill_fn fill;
};

static int
call(rollcall_client *client, struct list *list, char **out_text)
{
    char *params = list->params != NULL ? json_print(list->params) : NULL;
    json_free(&list->params);
    int code = rollcall_client_call(client, list->method, params, 0, out_text);
    free(params);
    return code;
}

static int
run_list(rollcall_client *client, const struct options *options, struct list *list)
{
    char *text = NULL;
    int code = call(client, list, &text);
    if (code != ROLLCALL_OK) {
        return commands_fail(client, code, NULL);
    }
    if (options->format == FORMAT_JSON) {
        (void)puts(text);
        free(text);
        return 0;
    }
    struct json *result = json_parse(text, strlen(text));
    free(text);
    int status = result != NULL ? print_table(result, list->columns, list->fill) : no_memory();
    json_free(&result);
    return status;
}

static bool
add_texts(struct table *table, const struct json *object, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!table_add(table, json_text(object, names[i]))) {
            return false;
        }
    }
    return true;
}

#define PLATFORM_COLUMNS 6

static bool
add_checker(struct table *table, const struct json *platform, const struct json *checker)
{
    static const char *const of_checker[] = { "kind", "method", "evidence" };
    static const char *const of_platform[] = { "source", "title" };
    return table_add(table, json_text(platform, "id")) &&
           add_texts(table, checker, of_checker, 3) && add_texts(table, platform, of_platform, 2);
}

static bool
fill_platforms(struct table *table, const struct json *result)
{
    static const char *const heads[] = {
        "PLATFORM", "KIND", "METHOD", "EVIDENCE", "SOURCE", "TITLE"
    };
    for (size_t i = 0; i < PLATFORM_COLUMNS; i++) {
        if (!table_add(table, heads[i])) {
            return false;
        }
    }
    const struct json *platform = json_first(json_get(result, "platforms"));
    for (; platform != NULL; platform = json_next(platform)) {
        const struct json *checker = json_first(json_get(platform, "checkers"));
        for (; checker != NULL; checker = json_next(checker)) {
            if (!add_checker(table, platform, checker)) {
                return false;
            }
        }
    }
    return true;
}

int
cmd_platforms(rollcall_client *client, const struct options *options)
{
    struct list list = { .method = "platforms",
                         .params = json_object(),
                         .columns = PLATFORM_COLUMNS,
                         .fill = fill_platforms };
    if (list.params == NULL ||
        (options->kind != NULL && !json_put_text(list.params, "kind", options->kind)) ||
        (options->tag != NULL && !json_put_text(list.params, "tag", options->tag))) {
        json_free(&list.params);
        return no_memory();
    }
    return run_list(client, options, &list);
}

#define PLUGIN_COLUMNS 6

static bool
fill_plugins(struct table *table, const struct json *result)
{
    static const char *const heads[] = { "PLUGIN",    "VERSION", "STATE",
                                         "ISOLATION", "FILE",    "LAST ERROR" };
    static const char *const names[] = { "name",      "version", "state",
                                         "isolation", "file",    "last_error" };
    for (size_t i = 0; i < PLUGIN_COLUMNS; i++) {
        if (!table_add(table, heads[i])) {
            return false;
        }
    }
    const struct json *plugin = json_first(json_get(result, "plugins"));
    for (; plugin != NULL; plugin = json_next(plugin)) {
        if (!add_texts(table, plugin, names, PLUGIN_COLUMNS)) {
            return false;
        }
    }
    return true;
}

int
cmd_plugins(rollcall_client *client, const struct options *options)
{
    struct list list = { .method = "plugins", .columns = PLUGIN_COLUMNS, .fill = fill_plugins };
    return run_list(client, options, &list);
}

/* A value as text: texts bare, the rest as JSON. */
static bool
add_value(struct table *table, const struct json *value)
{
    if (json_string(value) != NULL) {
        return table_add(table, json_string(value));
    }
    char *text = json_print(value);
    bool is_added = text != NULL && table_add(table, text);
    free(text);
    return is_added;
}

/* Objects inside objects become "outer.inner". */
static bool
add_values(struct table *table, const struct json *object, const char *path, unsigned depth)
{
    bool is_added = true;
    for (const struct json *value = json_first(object); is_added && value != NULL;
         value = json_next(value)) {
        char *name = NULL;
        if (asprintf(&name, "%s%s%s", path, path[0] != '\0' ? "." : "", json_name(value)) < 0) {
            return false;
        }
        bool is_nested = json_is_object(value) && depth < DEPTH_MAX;
        is_added = is_nested ? add_values(table, value, name, depth + 1)
                             : table_add(table, name) && add_value(table, value);
        free(name);
    }
    return is_added;
}

static bool
fill_status(struct table *table, const struct json *result)
{
    return add_values(table, result, "", 0);
}

int
cmd_status(rollcall_client *client, const struct options *options)
{
    struct list list = { .method = "status", .columns = 2, .fill = fill_status };
    return run_list(client, options, &list);
}

int
cmd_cancel(rollcall_client *client, const struct options *options)
{
    int was_open = 0;
    int code = rollcall_client_cancel(client, options->words[0], &was_open);
    if (code != ROLLCALL_OK) {
        return commands_fail(client, code, options->words[0]);
    }
    (void)puts(was_open ? "cancelled" : "had ended already");
    return was_open ? STATUS_YES : STATUS_NO;
}

int
cmd_version(rollcall_client *client, const struct options *options)
{
    (void)options;
    char *text = NULL;
    (void)puts("rollcall " ROLLCALL_VERSION);
    int code = rollcall_client_call(client, "status", NULL, 0, &text);
    if (code != ROLLCALL_OK) {
        return commands_fail(client, code, NULL);
    }
    struct term term;
    struct json *status = json_parse(text, strlen(text));
    const char *version = json_text(status, "version");
    free(text);
    term_look(&term, stdout);
    (void)fputs("rollcalld ", stdout);
    term_put(stdout, version != NULL ? version : "of an unknown version", term.is_utf8, 0);
    (void)printf(" at %s\n", rollcall_client_url(client));
    json_free(&status);
    return 0;
}
