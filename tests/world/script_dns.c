/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Reads the part of a script that says which names there are. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "tests/world/script_int.h"

#define TTL_MAX_S INT32_MAX
#define TTL_DEFAULT_S 60
#define TARGET_CHARS "abcdefghijklmnopqrstuvwxyz0123456789-._"

static int
refuse(struct script_reader *reader, const struct json *json, const char *wanted)
{
    return error_say(reader->why, ERROR_INVALID, "%s: dns \"%s\": \"%s\": wants %s, found %s%s%s",
                     reader->path, reader->platform, json_key(json), wanted,
                     json_type_name(json_type(json)), json_type(json) == JSON_STRING ? " " : "",
                     json_string(json, ""));
}

static int
read_addresses(struct script_reader *reader, const struct json *json, int family,
               struct script_answer *answer)
{
    const struct json *element = json_first(json);
    if (json_type(json) != JSON_ARRAY) {
        return refuse(reader, json, "an array of addresses");
    }
    for (; element != NULL; element = json_next(element)) {
        struct script_address *address = &answer->addresses[answer->count];
        if (answer->count == SCRIPT_ADDRESSES_MAX ||
            inet_pton(family, json_string(element, ""), address->bytes) != 1) {
            return refuse(reader, json,
                          "an array of at most 16 addresses, IPv4 for a, IPv6 for aaaa");
        }
        address->is_ipv6 = family == AF_INET6;
        answer->count++;
    }
    return 0;
}

/* "priority weight port target" */
static bool
read_service(const char *text, struct script_service *service)
{
    unsigned *const numbers[] = { &service->priority, &service->weight, &service->port };
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        char *end = NULL;
        unsigned long number = strtoul(text, &end, 10);
        if (end == text || *end != ' ' || number > UINT16_MAX) {
            return false;
        }
        *numbers[i] = (unsigned)number;
        text = end + 1;
    }
    size_t len = strlen(text);
    if (len == 0 || len >= sizeof(service->target) || strspn(text, TARGET_CHARS) != len) {
        return false;
    }
    memcpy(service->target, text, len + 1);
    return true;
}

static int
read_services(struct script_reader *reader, const struct json *json, struct script_answer *answer)
{
    const struct json *element = json_first(json);
    for (; element != NULL; element = json_next(element)) {
        if (answer->service_count == SCRIPT_SERVICES_MAX ||
            !read_service(json_string(element, ""), &answer->services[answer->service_count])) {
            return refuse(reader, json, "at most 4 texts such as \"5 0 5222 chat.example.org\"");
        }
        answer->service_count++;
    }
    return json_type(json) == JSON_ARRAY ? 0 : refuse(reader, json, "an array of texts");
}

static int
read_ttl(struct script_reader *reader, const struct json *json, struct script_answer *answer)
{
    int64_t ttl_s = 0;
    if (!json_integer(json, &ttl_s) || ttl_s < 0 || ttl_s > TTL_MAX_S) {
        return refuse(reader, json, "seconds, a whole number");
    }
    answer->ttl_s = (uint32_t)ttl_s;
    return 0;
}

static const struct {
    const char *word;
    enum dns_fault fault;
} faults[] = {
    { "none", DNS_FAULT_NONE },         { "servfail", DNS_FAULT_SERVFAIL },
    { "nxdomain", DNS_FAULT_NXDOMAIN }, { "hang", DNS_FAULT_HANG },
    { "garbage", DNS_FAULT_GARBAGE },   { "truncate", DNS_FAULT_TRUNCATE },
};

static int
read_dns_fault(struct script_reader *reader, const struct json *json, struct script_answer *answer)
{
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        if (strcmp(faults[i].word, json_string(json, "")) == 0) {
            answer->fault = faults[i].fault;
            return 0;
        }
    }
    return refuse(reader, json, "none, servfail, nxdomain, hang, garbage or truncate");
}

static int
read_member(struct script_reader *reader, const struct json *member, bool is_first,
            struct script_answer *answer)
{
    const char *key = json_key(member);
    if (strcmp(key, "a") == 0) {
        return read_addresses(reader, member, AF_INET, answer);
    }
    if (strcmp(key, "aaaa") == 0) {
        return read_addresses(reader, member, AF_INET6, answer);
    }
    if (strcmp(key, "srv") == 0) {
        return read_services(reader, member, answer);
    }
    if (strcmp(key, "ttl") == 0) {
        return read_ttl(reader, member, answer);
    }
    if (strcmp(key, "fault") == 0) {
        return read_dns_fault(reader, member, answer);
    }
    if (strcmp(key, "then") == 0 && is_first) {
        return 0; /* read_name() */
    }
    return error_say(
        reader->why, ERROR_INVALID,
        "%s: dns \"%s\": unknown key \"%s\"; wants a, aaaa, srv, ttl, fault or, once, then",
        reader->path, reader->platform, key);
}

static int
read_answer(struct script_reader *reader, const struct json *json, bool is_first,
            struct script_answer *answer)
{
    int error = 0;
    const struct json *member = json_first(json);
    if (json_type(json) != JSON_OBJECT) {
        return error_say(reader->why, ERROR_INVALID, "%s: dns \"%s\": wants an object, found %s",
                         reader->path, reader->platform, json_type_name(json_type(json)));
    }
    *answer = (struct script_answer){ .ttl_s = TTL_DEFAULT_S };
    for (; member != NULL && !error; member = json_next(member)) {
        error = read_member(reader, member, is_first, answer);
    }
    return error;
}

static int
read_name(struct script_reader *reader, const struct json *json, struct script_name *out_name)
{
    reader->platform = json_key(json);
    const struct json *then = json_get(json, "then");
    size_t count = 1 + json_count(then);
    struct script_answer *answers = arena_alloc(reader->arena, count * sizeof(*answers));
    const char *name = arena_strdup(reader->arena, reader->platform);
    if (answers == NULL || name == NULL) {
        return script_no_memory(reader);
    }
    if (then != NULL && json_type(then) != JSON_ARRAY) {
        return refuse(reader, then, "an array of further answers");
    }
    int error = read_answer(reader, json, true, &answers[0]);
    const struct json *element = json_first(then);
    for (size_t i = 1; element != NULL && !error; element = json_next(element), i++) {
        error = read_answer(reader, element, false, &answers[i]);
    }
    *out_name = (struct script_name){ .name = name, .answers = answers, .count = count };
    return error;
}

int
script_read_dns(struct script_reader *reader, const struct json *json, struct script_dns *out_dns)
{
    size_t count = json_count(json);
    struct script_name *names = arena_alloc(reader->arena, (count + 1) * sizeof(*names));
    if (names == NULL) {
        return script_no_memory(reader);
    }
    if (json_type(json) != JSON_OBJECT) {
        return error_say(reader->why, ERROR_INVALID, "%s: \"dns\": wants an object, found %s",
                         reader->path, json_type_name(json_type(json)));
    }
    size_t i = 0;
    const struct json *member = json_first(json);
    for (; member != NULL; member = json_next(member), i++) {
        int error = read_name(reader, member, &names[i]);
        if (error) {
            return error;
        }
    }
    *out_dns = (struct script_dns){ .names = names, .count = count };
    return 0;
}
