"""Weeks of usage, written straight into a resting demo's database: no gateway can report the past."""

import calendar
import math
import sqlite3
import time
from random import Random

DAYS = 400
QUARTER_SECS = 900
DAY_SECS = 86_400


def write_history(file):
    """A working day's curve for each application, with a slow growth; every sum as `series.rs` keeps it."""
    chance = Random(7)
    now = int(time.time())
    today = now // DAY_SECS * DAY_SECS
    database = sqlite3.connect(file, timeout=30)
    metrics = database.execute("select id, product_id, system_name, parent_id from metric").fetchall()
    applications = database.execute("select id, product_id, account_id from application").fetchall()
    for application, product, _ in applications:
        methods = [it for it in metrics if it[1] == product and it[3] is not None]
        hits = next(it[0] for it in metrics if it[1] == product and it[2] == "hits")
        sums = {}
        size = 2 + application % 3
        for day in range(today - DAYS * DAY_SECS, today + 1, DAY_SECS):
            weekend = 0.35 if (day // DAY_SECS + 3) % 7 >= 5 else 1.0
            growth = 1 + (day - today + DAYS * DAY_SECS) / (DAYS * DAY_SECS)
            for start in range(day, min(day + DAY_SECS, now - QUARTER_SECS), QUARTER_SECS):
                hour = (start - day) / 3600
                curve = 0.15 + max(0.0, math.sin((hour - 6) / 14 * math.pi))
                for place, (metric, *_) in enumerate(methods):
                    value = int(size * weekend * growth * curve * chance.uniform(4, 9) / (1 + place))
                    for of in (metric, hits):
                        for series, at in windows(start):
                            sums[of, series, at] = sums.get((of, series, at), 0) + value
        # Quarters are looked at for days, not for a year.
        recent = today - 40 * DAY_SECS
        rows = [
            (application, product, metric, series, at, value)
            for (metric, series, at), value in sums.items()
            if value and (series != "quarter" or at >= recent)
        ]
        database.executemany(
            "insert into usage_application (application_id, metric_id, period, window_start, value)"
            " values (?1, ?3, ?4, ?5, ?6)"
            " on conflict (application_id, metric_id, period, window_start) do update set value = value + excluded.value",
            rows,
        )
        database.executemany(
            "insert into usage_product (product_id, metric_id, period, window_start, value) values (?2, ?3, ?4, ?5, ?6)"
            " on conflict (product_id, metric_id, period, window_start) do update set value = value + excluded.value",
            rows,
        )
    began = today - DAYS * DAY_SECS
    database.execute("update application set created_at = ?1", (began * 1000,))
    database.execute("update account set created_at = ?1", (began * 1000,))
    database.commit()
    database.close()


def windows(at):
    """Every sum that a moment is in, with its start; seconds since 1970, UTC."""
    moment = time.gmtime(at)
    yield "quarter", at - at % QUARTER_SECS
    yield "day", at - at % DAY_SECS
    yield "month", first_of(moment.tm_year, moment.tm_mon)
    yield "year", first_of(moment.tm_year, 1)
    yield "eternity", 0


def first_of(year, month):
    return calendar.timegm((year, month, 1, 0, 0, 0))
