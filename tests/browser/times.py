"""How long the server takes for each page, from the request to the last byte: times.py [PAGE...]

One reader after the other on one connection, logged in where the page needs it. Prints median and p99 of each page, and
fails where p99 is beyond BOUND_MS (100 unless set: a debug build needs more).
"""

import http.client
import os
import sys
import time
import urllib.parse

from browser import chromium
from installation import installation
from pages import chosen
from seed import seed
from tour import Sessions, Tour

READS = int(os.environ.get("READS", "100"))
BOUND_MS = float(os.environ.get("BOUND_MS", "100"))


def main(names):
    slow = []
    with installation() as there, chromium() as browser:
        tour = Tour(Sessions(browser, there, seed(there)))
        for one in (it for it in chosen(names) if not it.then):
            cookies = tour.visitor(one.who).context.cookies()
            took_ms = measure(there, one.path.format(**tour.sessions.seeded), one.status, cookies)
            median, p99 = took_ms[len(took_ms) // 2], took_ms[-1 - len(took_ms) // 100]
            print(f"{one.name:24} {median:7.1f} ms {p99:7.1f} ms", flush=True)
            if p99 > BOUND_MS:
                slow.append(one.name)
    if slow:
        raise SystemExit(f"p99 beyond {BOUND_MS:.0f} ms: {', '.join(slow)}")


def measure(there, path, status, cookies):
    """Milliseconds of each read, sorted."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(there.portal).netloc, timeout=30)
    headers = {"Cookie": "; ".join(f"{it['name']}={it['value']}" for it in cookies), "Accept": "text/html"}
    took_ms = []
    for _ in range(READS):
        began = time.perf_counter()
        connection.request("GET", path.removeprefix(there.portal), headers=headers)
        answer = connection.getresponse()
        answer.read()
        took_ms.append((time.perf_counter() - began) * 1000)
        assert answer.status == status, f"{path}: {answer.status}"
    connection.close()
    return sorted(took_ms)


if __name__ == "__main__":
    main(sys.argv[1:])
