#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The seed's race with ThreadPoolExecutor and as_completed: one line a race, the monotonic microsecond
at which the answer was known. Usage: race.py WORLD_URL RACES"""

import http.client
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from urllib.parse import urlsplit

ADDRESS = "alice%40example.com"
ASKS = [
    ("GET", f"/github/search/users?q={ADDRESS}%20in%3Aemail", lambda body: body["total_count"] > 0),
    ("GET", f"/twitter/i/users/email_available.json?email={ADDRESS}", lambda body: body["taken"]),
    ("GET", "/facebook/login/identify", None),
]


def ask(host, method, target, is_yes):
    connection = http.client.HTTPConnection(host)
    try:
        connection.request(method, target)
        body = connection.getresponse().read()
        return is_yes is not None and bool(is_yes(json.loads(body)))
    finally:
        connection.close()


def main():
    host, races = urlsplit(sys.argv[1]).netloc, int(sys.argv[2])
    # Losers run to their end on their threads, as they do in Python: enough threads for three races.
    with ThreadPoolExecutor(max_workers=24) as executor:
        for _ in range(races):
            futures = [executor.submit(ask, host, *one) for one in ASKS]
            for future in as_completed(futures):
                if future.result():
                    break
            print(time.monotonic_ns() // 1000)


main()
