/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Reads the part of a script that says how catalogues are played. */
#include <string.h>

#include "tests/world/script_int.h"

#define EVERY_MAX 1000000

typedef int (*member_fn)(struct script_reader *reader, const struct json *json,
                         struct script_catalog *catalog);

struct member {
    const char *key;
    member_fn read;
};

static int
read_members(struct script_reader *reader, const struct json *json, const struct member *members,
             size_t count, struct script_catalog *catalog)
{
    const struct json *member = json_first(json);
    for (; member != NULL; member = json_next(member)) {
        size_t i = 0;
        while (i < count && strcmp(members[i].key, json_key(member)) != 0) {
            i++;
        }
        if (i == count) {
            return error_say(reader->why, ERROR_INVALID, "%s: %s: unknown key \"%s\"", reader->path,
                             reader->platform, json_key(member));
        }
        int error = members[i].read(reader, member, catalog);
        if (error) {
            return error;
        }
    }
    return 0;
}

static int
read_every(struct script_reader *reader, const struct json *json, unsigned *out_every)
{
    int64_t every = 0;
    if (!json_integer(json, &every) || every < 1 || every > EVERY_MAX) {
        return script_refuse(reader, json, "a whole number, 1 or more: every so many-th site");
    }
    *out_every = (unsigned)every;
    return 0;
}

static int
read_present(struct script_reader *reader, const struct json *json, struct script_catalog *catalog)
{
    return script_read_names(reader, json, &catalog->present);
}

static int
read_positive(struct script_reader *reader, const struct json *json, struct script_catalog *catalog)
{
    return read_every(reader, json, &catalog->positive);
}

/* A number for all sites, or [from, to]. */
static int
read_latency(struct script_reader *reader, const struct json *json, struct script_catalog *catalog)
{
    const struct json *from = json;
    const struct json *to = json;
    if (json_type(json) == JSON_ARRAY && json_count(json) == 2) {
        from = json_first(json);
        to = json_next(from);
    }
    if (!script_is_latency(from) || !script_is_latency(to) ||
        json_number(from, 0) > json_number(to, 0)) {
        return script_refuse(reader, json, "milliseconds, 0 to a day, or [from, to]");
    }
    catalog->latency_from_us = (int64_t)(json_number(from, 0) * SCRIPT_US_PER_MS);
    catalog->latency_to_us = (int64_t)(json_number(to, 0) * SCRIPT_US_PER_MS);
    return 0;
}

static int
read_hostile_every(struct script_reader *reader, const struct json *json,
                   struct script_catalog *catalog)
{
    return read_every(reader, json, &catalog->hostile_every);
}

static int
read_faults(struct script_reader *reader, const struct json *json, struct script_catalog *catalog)
{
    size_t count = json_count(json);
    struct script_fault *faults = arena_alloc(reader->arena, (count + 1) * sizeof(*faults));
    if (faults == NULL) {
        return script_no_memory(reader);
    }
    if (json_type(json) != JSON_ARRAY || count == 0) {
        return script_refuse(reader, json, "an array of faults");
    }
    size_t i = 0;
    const struct json *element = json_first(json);
    for (; element != NULL; element = json_next(element), i++) {
        int error = script_read_fault(reader, element, &faults[i]);
        if (error) {
            return error;
        }
    }
    catalog->faults = faults;
    catalog->fault_count = count;
    return 0;
}

static int
read_hostile(struct script_reader *reader, const struct json *json, struct script_catalog *catalog)
{
    static const struct member members[] = {
        { "every", read_hostile_every },
        { "faults", read_faults },
    };
    if (json_type(json) != JSON_OBJECT) {
        return script_refuse(reader, json, "an object of every and faults");
    }
    int error = read_members(reader, json, members, ARRAY_LEN(members), catalog);
    if (!error && (catalog->hostile_every == 0 || catalog->fault_count == 0)) {
        return script_refuse(reader, json, "both every and faults");
    }
    return error;
}

int
script_read_catalog(struct script_reader *reader, const struct json *json,
                    struct script_catalog *out_catalog)
{
    static const struct member members[] = {
        { "present", read_present },
        { "positive", read_positive },
        { "latency_ms", read_latency },
        { "hostile", read_hostile },
    };
    reader->platform = "catalog";
    if (json_type(json) != JSON_OBJECT) {
        return script_refuse(reader, json, "an object");
    }
    return read_members(reader, json, members, ARRAY_LEN(members), out_catalog);
}
