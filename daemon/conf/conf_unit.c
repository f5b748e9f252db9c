/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Numbers with units, by table. Whole numbers only, no sign, no space, no other spelling: a
 * configuration that can be read in one way only. */
#include "daemon/conf/conf_unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "daemon/conf/conf.h"

struct unit {
    const char *name;
    int64_t factor;
};

/* Rising, so that writing can look for the largest from the end. */
static const struct unit durations[] = {
    { "us", 1 },
    { "ms", INT64_C(1000) },
    { "s", INT64_C(1000000) },
    { "min", INT64_C(60) * 1000000 },
    { "h", INT64_C(3600) * 1000000 },
    { "d", INT64_C(86400) * 1000000 },
};

static const struct unit sizes[] = {
    { "", 1 },
    { "KiB", INT64_C(1) << 10 },
    { "MiB", INT64_C(1) << 20 },
    { "GiB", INT64_C(1) << 30 },
};

static const struct unit rates[] = { { "s", 1 }, { "min", 60 }, { "h", 3600 }, { "d", 86400 } };

/* The most that a rate may count: beyond, no limit is meant. */
#define RATE_COUNT_MAX 1000000

/* Digits at the start of `text`; gives what is behind them, NULL for none or too many. */
static const char *
read_digits(const char *text, int64_t *out_number)
{
    int64_t number = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        int digit = *at - '0';
        if (number > (INT64_MAX - digit) / 10) {
            return NULL;
        }
        number = number * 10 + digit;
    }
    *out_number = number;
    return at == text ? NULL : at;
}

static const struct unit *
find_unit(const struct unit *units, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(units[i].name, name) == 0) {
            return &units[i];
        }
    }
    return NULL;
}

static int
parse_with_unit(const char *text, const struct unit *units, size_t count, int64_t *out_number)
{
    int64_t number;
    const char *rest = read_digits(text, &number);
    const struct unit *unit = rest != NULL ? find_unit(units, count, rest) : NULL;
    if (unit == NULL || number > INT64_MAX / unit->factor) {
        return ERROR_INVALID;
    }
    *out_number = number * unit->factor;
    return ERROR_OK;
}

int
conf_parse_duration(const char *text, int64_t *out_us)
{
    return parse_with_unit(text, durations, ARRAY_LEN(durations), out_us);
}

int
conf_parse_size(const char *text, int64_t *out_bytes)
{
    return parse_with_unit(text, sizes, ARRAY_LEN(sizes), out_bytes);
}

int
conf_parse_rate(const char *text, struct conf_rate *out_rate)
{
    int64_t count;
    const char *rest = read_digits(text, &count);
    if (rest != NULL && *rest == '\0' && count == 0) {
        *out_rate = (struct conf_rate){ .count = 0 };
        return ERROR_OK;
    }
    if (rest == NULL || *rest != '/' || count < 1 || count > RATE_COUNT_MAX) {
        return ERROR_INVALID;
    }
    const struct unit *unit = find_unit(rates, ARRAY_LEN(rates), rest + 1);
    if (unit == NULL) {
        return ERROR_INVALID;
    }
    *out_rate = (struct conf_rate){ .count = (uint32_t)count, .seconds = (uint32_t)unit->factor };
    return ERROR_OK;
}

static void
write_with_unit(int64_t number, const struct unit *units, size_t count, char *out_text)
{
    size_t i = count - 1;
    while (i > 0 && (number == 0 || number % units[i].factor != 0)) {
        i--;
    }
    (void)snprintf(out_text, CONF_UNIT_BYTES, "%lld%s", (long long)(number / units[i].factor),
                   units[i].name);
}

void
conf_write_duration(int64_t us, char out_text[CONF_UNIT_BYTES])
{
    if (us == 0) {
        (void)snprintf(out_text, CONF_UNIT_BYTES, "0s");
        return;
    }
    write_with_unit(us, durations, ARRAY_LEN(durations), out_text);
}

void
conf_write_size(int64_t bytes, char out_text[CONF_UNIT_BYTES])
{
    write_with_unit(bytes, sizes, ARRAY_LEN(sizes), out_text);
}
