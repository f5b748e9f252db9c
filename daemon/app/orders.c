/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* An order changes the wishes, reloads, and looks whether the plugin is now what was asked for. If
 * it is not, the wishes are as before and the old setup has never stopped serving. */
#include "daemon/app/orders.h"

#include <string.h>

#include "daemon/app/reload.h"
#include "daemon/app/signals.h"
#include "daemon/base/log.h"

/* Room for a plugin's name in the answer, or its file's when that is refused. */
#define NAME_BYTES (ORDER_NAME_BYTES_MAX + sizeof(".so"))

/* What the plugin of an order must be in the new setup. */
struct wanted {
    const struct order *order;
    char *name; /* of NAME_BYTES: as `plugins` lists it then */
};

/* ---- finding ------------------------------------------------------------------------------ */

/* Whether a refused file is where a plugin of that name would be. */
static bool
is_file_of(const char *file, const char *name)
{
    size_t len = strlen(name);
    return strncmp(file, name, len) == 0 && strcmp(file + len, ".so") == 0;
}

/* [loop] Whatever its state is; by name, else by file. */
static const struct plugin *
find_plugin(const struct setup *setup, const char *name, const char *file)
{
    const struct plugin *refused = NULL;
    for (size_t i = 0; i < registry_plugin_count(setup->registry); i++) {
        const struct plugin *plugin = registry_plugin(setup->registry, i);
        if (name == NULL ? strcmp(plugin->file, loader_file_name(file)) == 0
                         : plugin->manifest != NULL && strcmp(plugin->name, name) == 0) {
            return plugin;
        }
        if (name != NULL && plugin->manifest == NULL && is_file_of(plugin->file, name)) {
            refused = plugin;
        }
    }
    return refused;
}

/* The plugin of an order in the setup in force, as it was a moment ago: a plugin is the loop's,
 * where a worker may die at any time. */
struct sighting {
    const struct setup *setup;
    const struct order *order;
    bool is_found;
    bool is_on_threads;
    char name[NAME_BYTES];
};

static void
look_on_loop(void *context)
{
    struct sighting *seen = context;
    const struct plugin *plugin = find_plugin(seen->setup, seen->order->name, seen->order->file);
    seen->is_found =
        plugin != NULL && plugin->state != PLUGIN_REFUSED && plugin->state != PLUGIN_UNLOADED;
    if (seen->is_found) {
        seen->is_on_threads = plugin->group == NULL && plugin->state == PLUGIN_READY;
        (void)snprintf(seen->name, sizeof(seen->name), "%s", plugin->name);
    }
}

static struct sighting
look(struct app *app, const struct order *order)
{
    struct sighting seen = { .setup = app->setup, .order = order };
    ground_run(&app->ground, look_on_loop, &seen);
    return seen;
}

static const char *
asked_for(const struct order *order)
{
    return order->name != NULL ? order->name : order->file;
}

static int
say_unknown(const struct order *order, struct error_text *why)
{
    return error_say(why, ERROR_NOT_FOUND, "%.200s: no such plugin is loaded", asked_for(order));
}

/* ---- judging the new setup ---------------------------------------------------------------- */

/* [loop] */
static int
expect_loaded(const void *context, const struct setup *setup, struct error_text *why)
{
    const struct wanted *wanted = context;
    const char *name = wanted->name[0] != '\0' ? wanted->name : NULL;
    const struct plugin *plugin = find_plugin(setup, name, wanted->order->file);
    if (plugin == NULL) {
        return error_say(why, ERROR_NOT_FOUND, "%.200s: no such plugin was found",
                         asked_for(wanted->order));
    }
    if (plugin->state == PLUGIN_REFUSED) {
        return error_say(why, ERROR_INVALID, "%s", plugin->last_error.text);
    }
    if (plugin->state == PLUGIN_UNLOADED) {
        return error_say(why, ERROR_EXISTS,
                         "%.200s: its plugin \"%s\" was unloaded: load it by name",
                         asked_for(wanted->order), plugin->name);
    }
    if (plugin->state == PLUGIN_DISABLED) {
        return error_say(why, ERROR_INVALID, "%s: the configuration disables it (enabled = false)",
                         plugin->name);
    }
    if (plugin->manifest->enumerates && !plugin->is_enumerated) {
        return error_say(why, ERROR_INVALID, "%.100s: its data could not be read: %.340s",
                         plugin->file, plugin->last_error.text);
    }
    (void)snprintf(wanted->name, NAME_BYTES, "%s", plugin->name);
    return ERROR_OK;
}

/* [loop] Whatever an unloaded plugin's file is by now: that is what is answered. */
static int
accept_unloaded(const void *context, const struct setup *setup, struct error_text *why)
{
    const struct wanted *wanted = context;
    const struct plugin *plugin = find_plugin(setup, wanted->name, NULL);
    (void)why;
    if (plugin != NULL) {
        (void)snprintf(wanted->name, NAME_BYTES, "%s", plugin->name);
    }
    return ERROR_OK;
}

/* ---- the three orders --------------------------------------------------------------------- */

static int
load_by_name(struct app *app, const struct wanted *wanted, struct error_text *why)
{
    const char *name = wanted->order->name;
    (void)snprintf(wanted->name, NAME_BYTES, "%s", name);
    if (!names_remove(&app->wishes.unloaded, name)) {
        return look(app, wanted->order).is_found
                   ? error_say(why, ERROR_EXISTS,
                               "%s: is loaded already; plugin.reload opens it anew", name)
                   : error_say(why, ERROR_NOT_FOUND,
                               "%s: no plugin of that name was unloaded; a new one is loaded by "
                               "its file",
                               name);
    }
    int error = reload(app, expect_loaded, wanted, why);
    if (error != ERROR_OK) {
        (void)!names_add(&app->wishes.unloaded, name); /* there was room for it a moment ago */
    }
    return error;
}

static int
load_by_file(struct app *app, const struct wanted *wanted, struct error_text *why)
{
    const char *file = wanted->order->file;
    bool is_path = strchr(file, '/') != NULL;
    if (is_path && file[0] != '/') {
        return error_say(why, ERROR_INVALID,
                         "file: found \"%.200s\", wants an absolute path, or the name of a file in "
                         "plugin_dirs",
                         file);
    }
    if (look(app, wanted->order).is_found) {
        return error_say(why, ERROR_EXISTS,
                         "%.200s: is loaded already; plugin.reload opens it anew",
                         loader_file_name(file));
    }
    bool is_new = is_path && !names_has(&app->wishes.files, file);
    int error = is_new ? names_add(&app->wishes.files, file) : ERROR_OK;
    if (error != ERROR_OK) {
        return error_say(why, error, "%s", error_sentence(error));
    }
    error = reload(app, expect_loaded, wanted, why);
    if (error != ERROR_OK && is_new) {
        (void)names_remove(&app->wishes.files, file);
    }
    return error;
}

static int
load(struct app *app, const struct wanted *wanted, struct error_text *why)
{
    return wanted->order->name != NULL ? load_by_name(app, wanted, why)
                                       : load_by_file(app, wanted, why);
}

static int
unload(struct app *app, const struct wanted *wanted, struct error_text *why)
{
    const struct sighting seen = look(app, wanted->order);
    if (!seen.is_found) {
        return say_unknown(wanted->order, why);
    }
    (void)snprintf(wanted->name, NAME_BYTES, "%s", seen.name);
    int error = names_add(&app->wishes.unloaded, seen.name);
    if (error != ERROR_OK) {
        return error_say(why, error, "%s", error_sentence(error));
    }
    error = reload(app, accept_unloaded, wanted, why);
    if (error != ERROR_OK) {
        (void)names_remove(&app->wishes.unloaded, seen.name);
    }
    return error;
}

static int
reload_one(struct app *app, const struct wanted *wanted, struct error_text *why)
{
    const struct sighting seen = look(app, wanted->order);
    if (!seen.is_found) {
        return say_unknown(wanted->order, why);
    }
    if (seen.is_on_threads) {
        return error_say(why, ERROR_UNSUPPORTED,
                         "%s: runs on threads of the daemon (isolation = \"thread\"), where its "
                         "code stays until the daemon ends; restart to change it",
                         seen.name);
    }
    (void)snprintf(wanted->name, NAME_BYTES, "%s", seen.name);
    return reload(app, expect_loaded, wanted, why);
}

/* ---- one after the other ------------------------------------------------------------------ */

/* The order in hand. */
struct obeying {
    struct app *app;
    struct order *order;
    int error;
    struct error_text why;
    char name[NAME_BYTES];
};

static void
take_on_loop(void *context)
{
    struct obeying *obeying = context;
    struct list *orders = &obeying->app->orders;
    obeying->order = NULL;
    if (!list_is_empty(orders)) {
        obeying->order = LIST_ENTRY(orders->next, struct order, node);
        list_remove(&obeying->order->node);
    }
}

static void
end_on_loop(void *context)
{
    struct obeying *obeying = context;
    order_end(obeying->order, obeying->error, &obeying->why, obeying->name);
}

void
orders_obey(struct app *app)
{
    static int (*const acts[])(struct app *, const struct wanted *, struct error_text *) = {
        [ORDER_LOAD] = load, [ORDER_UNLOAD] = unload, [ORDER_RELOAD] = reload_one
    };
    struct obeying obeying = { .app = app };
    ground_run(&app->ground, take_on_loop, &obeying);
    if (obeying.order == NULL) {
        return; /* woken by somebody else */
    }
    const struct wanted wanted = { .order = obeying.order, .name = obeying.name };
    obeying.error = acts[obeying.order->act](app, &wanted, &obeying.why);
    ground_run(&app->ground, end_on_loop, &obeying);
}

static void
close_on_loop(void *context)
{
    struct app *app = context;
    const struct error_text why = { "this daemon is stopping" };
    LIST_FOR_EACH (node, &app->orders) {
        list_remove(node);
        order_end(LIST_ENTRY(node, struct order, node), ERROR_CLOSED, &why, "");
    }
}

void
orders_close(struct app *app)
{
    ground_run(&app->ground, close_on_loop, app);
}

static void
take(void *context, struct order *order)
{
    struct app *app = context;
    list_push_back(&app->orders, &order->node);
    signals_wake();
}

struct order_taker
orders_taker(struct app *app)
{
    return (struct order_taker){ .take = take, .context = app };
}
