/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Fields stand in the order in which a person reads them. Builders pass NULL on, so each function
 * checks nothing and its caller asks once, when the text is printed. */
#include "daemon/serve/codec.h"

#include <stdio.h>
#include <string.h>

#include "daemon/plugin/group.h"
#include "daemon/query/verdict.h"
#include "rollcall/version.h"

#define US_PER_TENTH_MS 100
#define US_PER_TENTH_S 100000
#define TENTHS 10.0

/* Rounded to a tenth of the unit. */
static double
tenths_of(int64_t us, int64_t us_per_tenth)
{
    return (double)((us + us_per_tenth / 2) / us_per_tenth) / TENTHS;
}

static double
ms_of(int64_t us)
{
    return tenths_of(us, US_PER_TENTH_MS);
}

static void
put_ms(struct json *object, const char *key, int64_t from_us, int64_t at_us)
{
    if (at_us < 0) {
        (void)json_put(object, key, json_new_null());
        return;
    }
    (void)json_put_number(object, key, ms_of(at_us - from_us));
}

static void
put_text(struct json *object, const char *key, const char *text)
{
    if (text != NULL) {
        (void)json_put_string(object, key, text);
    }
}

static void
put_count(struct json *object, const char *key, uint64_t count)
{
    (void)json_put_number(object, key, (double)count);
}

/* The word of a number, from a table that ends where the numbers do. */
static const char *
word_of(const char *const *words, size_t count, int32_t number)
{
    return number >= 0 && (size_t)number < count && words[number] != NULL ? words[number] : "";
}

static const char *
state_name(enum future_state state)
{
    static const char *const words[] = {
        [FUTURE_PENDING] = "pending",
        [FUTURE_RUNNING] = "running",
        [FUTURE_FINISHED] = "finished",
        [FUTURE_CANCELLED] = "cancelled",
    };
    return word_of(words, ARRAY_LEN(words), (int32_t)state);
}

static const char *
method_name(int32_t method)
{
    static const char *const words[] = {
        [ROLLCALL_DOCUMENTED] = "documented",
        [ROLLCALL_SIGNUP] = "signup",
        [ROLLCALL_RECOVERY] = "recovery",
    };
    return word_of(words, ARRAY_LEN(words), method);
}

static const char *
plugin_state_name(enum plugin_state state)
{
    static const char *const words[] = {
        [PLUGIN_READY] = "ready", [PLUGIN_DISABLED] = "disabled", [PLUGIN_REFUSED] = "refused",
        [PLUGIN_ASIDE] = "aside", [PLUGIN_UNLOADED] = "unloaded",
    };
    return word_of(words, ARRAY_LEN(words), (int32_t)state);
}

/* ---- checks and answers ------------------------------------------------------------------- */

static void
put_finding(struct json *object, const struct finding *finding)
{
    put_text(object, "verdict", verdict_name(finding->verdict));
    put_text(object, "reason", reason_name(finding->reason));
    if (finding->reason == REASON_RATE_LIMITED && finding->retry_after_ms >= 0) {
        (void)json_put_number(object, "retry_after_ms", (double)finding->retry_after_ms);
    }
}

struct json *
codec_check(const struct check_view *view, int64_t started_us)
{
    struct json *check = json_new_object();
    put_text(check, "platform", view->platform);
    put_finding(check, &view->finding);
    put_text(check, "evidence", view->evidence);
    put_text(check, "state", state_name(view->state));
    put_text(check, "source", view->source);
    put_ms(check, "started_ms", started_us, view->began_us);
    put_ms(check, "elapsed_ms", started_us, view->ended_us);
    (void)json_put_bool(check, "cached", view->cached);
    put_text(check, "url", view->url);
    put_text(check, "why", view->why);
    return check;
}

static struct json *
subject_json(const struct subject *subject)
{
    struct json *object = json_new_object();
    put_text(object, "kind", subject_kind_name(subject->kind));
    put_text(object, "value", subject->value);
    return object;
}

/* How often each reason of unknown was given; a whole query's own reason when it has no checks. */
static struct json *
reasons_json(const struct tally *tally)
{
    struct json *object = json_new_object();
    for (int reason = REASON_NONE + 1; reason < REASON_COUNT; reason++) {
        if (tally->reasons[reason] > 0) {
            put_count(object, reason_name((enum reason)reason), tally->reasons[reason]);
        }
    }
    return object;
}

static struct json *
checks_json(const struct answer *answer)
{
    struct json *array = json_new_array();
    for (size_t i = 0; i < answer->check_count; i++) {
        struct check_view view;
        check_view(answer->checks[i], &view);
        if (!answer->explain) {
            view.why = NULL;
        }
        (void)json_append(array, codec_check(&view, answer->started_us));
    }
    return array;
}

struct json *
codec_answer(const struct answer *answer)
{
    struct json *object = json_new_object();
    put_text(object, "query", answer->query);
    (void)json_put(object, "subject", subject_json(answer->subject));
    put_text(object, "verdict", verdict_name(answer->verdict));
    put_text(object, "reason", reason_name(answer->reason));
    put_text(object, "platform", answer->platform);
    (void)json_put_number(object, "elapsed_ms", ms_of(answer->elapsed_us));
    put_text(object, "strategy", answer->strategy);
    put_count(object, "asked", answer->asked);
    put_count(object, "cancelled", answer->cancelled);
    if (answer->verdict == VERDICT_UNKNOWN) {
        (void)json_put(object, "reasons", reasons_json(&answer->tally));
    }
    (void)json_put(object, "checks", checks_json(answer));
    return object;
}

/* ---- platforms ---------------------------------------------------------------------------- */

/* "10/min"; null where we set no limit. */
static struct json *
rate_json(const struct checker *checker)
{
    static const struct {
        uint32_t seconds;
        const char *unit;
    } units[] = { { 1, "s" }, { 60, "min" }, { 3600, "h" }, { 86400, "d" } };
    char text[48];
    if (checker->rate_count == 0) {
        return json_new_null();
    }
    (void)snprintf(text, sizeof(text), "%u/%us", checker->rate_count, checker->rate_seconds);
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (units[i].seconds == checker->rate_seconds) {
            (void)snprintf(text, sizeof(text), "%u/%s", checker->rate_count, units[i].unit);
        }
    }
    return json_new_string(text);
}

static struct json *
checker_json(const struct checker *checker)
{
    struct json *object = json_new_object();
    put_text(object, "kind", subject_kind_name(checker->info->kind));
    put_text(object, "method", method_name(checker->info->method));
    put_text(object, "evidence", evidence_name(checker->info->evidence));
    (void)json_put(object, "rate", rate_json(checker));
    /* Nothing is measured yet, and that is said so. */
    put_text(object, "health", "ok");
    (void)json_put(object, "latency_ms", json_new_null());
    (void)json_put(object, "hit_rate", json_new_null());
    put_count(object, "samples", 0);
    return object;
}

static struct json *
tags_json(const char *const *tags)
{
    struct json *array = json_new_array();
    for (; *tags != NULL; tags++) {
        (void)json_append(array, json_new_string(*tags));
    }
    return array;
}

static bool
has_tag(const struct manifest_platform *platform, const char *tag)
{
    for (const char *const *own = platform->tags; *own != NULL; own++) {
        if (strcmp(*own, tag) == 0) {
            return true;
        }
    }
    return false;
}

static bool
is_wanted(const struct checker *checker, int32_t kind, const char *tag)
{
    return (kind == 0 || checker->info->kind == kind) &&
           (tag == NULL || has_tag(&checker->info->platform, tag));
}

static struct json *
platform_json(const struct checker *checker, struct json *checkers)
{
    const struct manifest_platform *platform = &checker->info->platform;
    struct json *object = json_new_object();
    put_text(object, "id", platform->id);
    put_text(object, "title", platform->title);
    put_text(object, "home", platform->home);
    (void)json_put(object, "tags", tags_json(platform->tags));
    put_text(object, "source", checker->source);
    (void)json_put_bool(object, "adult", platform->adult);
    (void)json_put(object, "checkers", checkers);
    return object;
}

/* One platform: the run of checkers from `first` on that have its id. Returns where it ends. */
static size_t
append_platform(struct json *platforms, const struct registry *registry, size_t first, int32_t kind,
                const char *tag)
{
    const struct checker *head = registry_checker(registry, first);
    const struct checker *shown = NULL;
    struct json *checkers = json_new_array();
    size_t i = first;
    for (; i < registry_checker_count(registry); i++) {
        const struct checker *checker = registry_checker(registry, i);
        if (strcmp(checker->info->platform.id, head->info->platform.id) != 0) {
            break;
        }
        if (is_wanted(checker, kind, tag)) {
            shown = shown == NULL ? checker : shown;
            (void)json_append(checkers, checker_json(checker));
        }
    }
    if (shown == NULL) {
        json_free(&checkers);
    } else {
        (void)json_append(platforms, platform_json(shown, checkers));
    }
    return i;
}

struct json *
codec_platforms(const struct registry *registry, int32_t kind, const char *tag)
{
    struct json *object = json_new_object();
    struct json *platforms = json_new_array();
    for (size_t i = 0; i < registry_checker_count(registry);) {
        i = append_platform(platforms, registry, i, kind, tag);
    }
    (void)json_put(object, "platforms", platforms);
    return object;
}

/* ---- plugins and status ------------------------------------------------------------------- */

static size_t
count_workers(const struct plugin *plugin)
{
    return plugin->group != NULL ? group_workers(plugin->group) : 0;
}

static struct json *
plugin_json(const struct plugin *plugin)
{
    struct json *object = json_new_object();
    put_text(object, "name", plugin->name);
    put_text(object, "version", plugin->manifest != NULL ? plugin->manifest->version : NULL);
    put_text(object, "file", plugin->file);
    put_text(object, "isolation", plugin->isolation);
    put_text(object, "state", plugin_state_name(plugin->state));
    put_count(object, "workers", count_workers(plugin));
    put_count(object, "calls", plugin->calls);
    put_count(object, "failures", plugin->failures);
    (void)json_put(object, "last_error",
                   plugin->last_error.text[0] != '\0' ? json_new_string(plugin->last_error.text)
                                                      : json_new_null());
    return object;
}

struct json *
codec_plugins(const struct registry *registry)
{
    struct json *object = json_new_object();
    struct json *plugins = json_new_array();
    for (size_t i = 0; i < registry_plugin_count(registry); i++) {
        (void)json_append(plugins, plugin_json(registry_plugin(registry, i)));
    }
    (void)json_put(object, "plugins", plugins);
    return object;
}

struct json *
codec_plugin(const struct registry *registry, const char *name)
{
    struct json *object = json_new_object();
    struct json *found = NULL;
    for (size_t i = 0; i < registry_plugin_count(registry) && found == NULL; i++) {
        const struct plugin *plugin = registry_plugin(registry, i);
        found = strcmp(plugin->name, name) == 0 ? plugin_json(plugin) : NULL;
    }
    (void)json_put(object, "plugin", found != NULL ? found : json_new_null());
    return object;
}

static struct json *
queries_json(const struct queries_stats *stats)
{
    struct json *object = json_new_object();
    put_count(object, "open", stats->open);
    put_count(object, "total", stats->queries);
    return object;
}

static struct json *
checks_stats_json(const struct queries_stats *stats)
{
    struct json *object = json_new_object();
    put_count(object, "in_flight", stats->checks_in_flight);
    put_count(object, "total", stats->checks);
    put_count(object, "registered", stats->registered);
    put_count(object, "unregistered", stats->unregistered);
    put_count(object, "unknown", stats->unknown);
    put_count(object, "cancelled", stats->cancelled);
    put_count(object, "joined", stats->joined);
    return object;
}

static struct json *
calls_json(const struct codec_status *status)
{
    struct json *object = json_new_object();
    put_count(object, "waiting", status->calls_waiting);
    put_count(object, "max", status->calls_max);
    put_count(object, "served", status->served);
    put_count(object, "overloaded", status->overloaded);
    return object;
}

static struct json *
fetch_json(const struct fetcher_stats *stats)
{
    struct json *object = json_new_object();
    put_count(object, "in_flight", stats->in_flight);
    put_count(object, "body_bytes", stats->body_bytes);
    put_count(object, "started", stats->started);
    put_count(object, "finished", stats->finished);
    return object;
}

static struct json *
pool_json(const struct pool_stats *stats)
{
    struct json *object = json_new_object();
    put_count(object, "threads", stats->threads);
    put_count(object, "idle", stats->idle);
    put_count(object, "queued", stats->queued);
    put_count(object, "taken", stats->taken);
    return object;
}

/* Of all plugins together: the calls that wait for a worker, and those that a busy one has been
 * sent already. */
static struct json *
processes_json(const struct procs_stats *sum)
{
    struct json *object = json_new_object();
    put_count(object, "busy", sum->busy);
    put_count(object, "idle", sum->idle);
    put_count(object, "queued", sum->queued);
    put_count(object, "ahead", sum->ahead);
    return object;
}

static struct procs_stats
sum_processes(const struct registry *registry)
{
    struct procs_stats sum = { 0 };
    for (size_t i = 0; i < registry_plugin_count(registry); i++) {
        const struct plugin *plugin = registry_plugin(registry, i);
        if (plugin->group != NULL) {
            struct procs_stats one;
            group_stats(plugin->group, &one);
            sum.workers += one.workers;
            sum.busy += one.busy;
            sum.idle += one.idle;
            sum.queued += one.queued;
            sum.ahead += one.ahead;
        }
    }
    return sum;
}

struct json *
codec_status(const struct codec_status *status)
{
    const struct procs_stats processes = sum_processes(status->registry);
    struct json *object = json_new_object();
    put_text(object, "version", ROLLCALL_VERSION);
    (void)json_put_number(object, "uptime_s", tenths_of(status->uptime_us, US_PER_TENTH_S));
    put_count(object, "plugins", registry_plugin_count(status->registry));
    put_count(object, "checkers", registry_checker_count(status->registry));
    (void)json_put(object, "calls", calls_json(status));
    (void)json_put(object, "queries", queries_json(&status->queries));
    (void)json_put(object, "checks", checks_stats_json(&status->queries));
    (void)json_put(object, "fetch", fetch_json(&status->fetch));
    (void)json_put(object, "pool", pool_json(&status->pool));
    (void)json_put(object, "processes", processes_json(&processes));
    put_count(object, "workers", processes.workers);
    return object;
}
