#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ThreadPoolExecutor at the work of bench_pool: `pool.py stream THREADS TASKS` prints the nanoseconds that
tasks took, two sets of them in flight and each result taken as completed; `pool.py trips COUNT` prints those
of each round trip, `pool.py races COUNT` those of each race of three tasks that sleep."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

BATCH = 512


def stream(threads, tasks):
    with ThreadPoolExecutor(max_workers=threads) as executor:
        started_ns = time.perf_counter_ns()
        in_flight = [executor.submit(int) for _ in range(BATCH)]
        for done in range(BATCH, tasks + BATCH, BATCH):
            following = [executor.submit(int) for _ in range(BATCH)] if done < tasks else []
            for future in as_completed(in_flight):
                future.result()
            in_flight = following
        print(time.perf_counter_ns() - started_ns)


def trips(count):
    with ThreadPoolExecutor(max_workers=1) as executor:
        for _ in range(count):
            started_ns = time.perf_counter_ns()
            executor.submit(int).result()
            print(time.perf_counter_ns() - started_ns)


def block(ms):
    time.sleep(ms / 1000)
    return ms == 10


def races(count):
    # Losers sleep on to their end: enough threads for the races that come meanwhile.
    with ThreadPoolExecutor(max_workers=24) as executor:
        for _ in range(count):
            started_ns = time.perf_counter_ns()
            for future in as_completed([executor.submit(block, ms) for ms in (50, 10, 30)]):
                if future.result():
                    break
            print(time.perf_counter_ns() - started_ns)


if sys.argv[1] == "stream":
    stream(int(sys.argv[2]), int(sys.argv[3]))
elif sys.argv[1] == "trips":
    trips(int(sys.argv[2]))
else:
    races(int(sys.argv[2]))
