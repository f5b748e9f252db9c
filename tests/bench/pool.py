#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ThreadPoolExecutor at the work of bench_pool: `pool.py stream THREADS TASKS` prints the nanoseconds that
tasks took, two sets of them in flight and each result taken as completed; `pool.py trips COUNT` prints those
of each round trip."""

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


if sys.argv[1] == "stream":
    stream(int(sys.argv[2]), int(sys.argv[3]))
else:
    trips(int(sys.argv[2]))
