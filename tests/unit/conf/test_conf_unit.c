/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Durations, rates and sizes: what is read, what is not, and how they are written back. */
#include "daemon/conf/conf_unit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/conf/conf.h"

static void
durations_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } good[] = {
        { "0s", 0 },
        { "7us", 7 },
        { "500ms", 500000 },
        { "10s", 10000000 },
        { "5min", 300000000 },
        { "2h", INT64_C(7200000000) },
        { "1d", INT64_C(86400000000) },
        { "007s", 7000000 },
        { "106751991d", INT64_C(106751991) * 86400000000 },
        { "9223372036854775807us", INT64_MAX },
    };
    static const char *const bad[] = {
        "",
        "10",
        "s",
        "10 s",
        " 10s",
        "10s ",
        "10S",
        "10sec",
        "10m",
        "10M",
        "-1s",
        "+1s",
        "1.5s",
        "1e3s",
        "0x1s",
        "10sms",
        "106751992d",
        "9223372036854775808us",
        "99999999999999999999s",
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int64_t us = -1;
        if (conf_parse_duration(good[i].text, &us) != ERROR_OK || us != good[i].us) {
            fail_msg("%s: %lld", good[i].text, (long long)us);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t us = 77;
        if (conf_parse_duration(bad[i], &us) != ERROR_INVALID || us != 77) {
            fail_msg("\"%s\" was read as %lld", bad[i], (long long)us);
        }
    }
}

static void
sizes_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
    } good[] = {
        { "0", 0 },
        { "1000", 1000 },
        { "512KiB", 524288 },
        { "64MiB", 67108864 },
        { "1GiB", 1073741824 },
    };
    static const char *const bad[] = {
        "", "KiB", "64MB", "64 MiB", "64mib", "64M", "-1", "1.5GiB", "8589934592GiB", "1B", "1TiB",
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int64_t bytes = -1;
        if (conf_parse_size(good[i].text, &bytes) != ERROR_OK || bytes != good[i].bytes) {
            fail_msg("%s: %lld", good[i].text, (long long)bytes);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t bytes = 77;
        if (conf_parse_size(bad[i], &bytes) != ERROR_INVALID || bytes != 77) {
            fail_msg("\"%s\" was read as %lld", bad[i], (long long)bytes);
        }
    }
}

static void
rates_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t count;
        uint32_t seconds;
    } good[] = {
        { "0", 0, 0 },          { "1/s", 1, 1 },     { "10/min", 10, 60 },
        { "100/h", 100, 3600 }, { "5/d", 5, 86400 }, { "1000000/s", 1000000, 1 },
    };
    static const char *const bad[] = {
        "",      "10",        "/s",   "10/",   "0/s",        "10/sec", "10 /s",        "10/ s",
        "10/1s", "1000001/s", "-1/s", "10/ms", "10/min/min", "x/s",    "4294967297/s",
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct conf_rate rate = { 99, 99 };
        if (conf_parse_rate(good[i].text, &rate) != ERROR_OK || rate.count != good[i].count ||
            rate.seconds != good[i].seconds) {
            fail_msg("%s: %u in %u s", good[i].text, rate.count, rate.seconds);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct conf_rate rate = { 99, 99 };
        if (conf_parse_rate(bad[i], &rate) != ERROR_INVALID || rate.count != 99) {
            fail_msg("\"%s\" was read", bad[i]);
        }
    }
}

static void
what_is_written_reads_back(void **state)
{
    (void)state;
    static const struct {
        int64_t number;
        const char *duration;
        const char *size;
    } cases[] = {
        { 0, "0s", "0" },
        { 1, "1us", "1" },
        { 1000, "1ms", "1000" },
        { 1500, "1500us", "1500" },
        { 1024, "1024us", "1KiB" },
        { 90000000, "90s", "90000000" },
        { 60000000, "1min", "60000000" },
        { 67108864, "67108864us", "64MiB" },
        { INT64_C(86400000000), "1d", "84375000KiB" },
        { INT64_C(68719476736), "68719476736us", "64GiB" },
        { INT64_MAX, "9223372036854775807us", "9223372036854775807" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[CONF_UNIT_BYTES];
        int64_t number = -1;
        conf_write_duration(cases[i].number, text);
        assert_string_equal(text, cases[i].duration);
        assert_int_equal(conf_parse_duration(text, &number), ERROR_OK);
        assert_true(number == cases[i].number);
        conf_write_size(cases[i].number, text);
        assert_string_equal(text, cases[i].size);
        assert_int_equal(conf_parse_size(text, &number), ERROR_OK);
        assert_true(number == cases[i].number);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_read),
        cmocka_unit_test(sizes_are_read),
        cmocka_unit_test(rates_are_read),
        cmocka_unit_test(what_is_written_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
