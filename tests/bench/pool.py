#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ThreadPoolExecutor at the work of bench_pool: `pool.py stream THREADS TASKS` prints the nanoseconds that
windows of submitted tasks took whose results are taken as completed; `pool.py trips COUNT` prints those of
each round trip."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

WINDOW = 1024


def stream(threads, tasks):
    with ThreadPoolExecutor(max_workers=threads) as executor:
        started_ns = time.perf_counter_ns()
        for _ in range(0, tasks, WINDOW):
            for future in as_completed([executor.submit(int) for _ in range(WINDOW)]):
                future.result()
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
