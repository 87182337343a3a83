"""A developer comes, signs up, calls, watches, changes the key, and meets the limit."""

import re

from playwright.sync_api import expect

from browser import button, chromium, visitor
from flows import call_until_refused, shown_credentials, sign_up
from installation import installation, until

SEND = "/api/mail.send.json"
LIMIT = 40

with installation() as there, chromium() as browser:
    # The smallest plan, made smaller: its limit is met soon.
    plan = there.plan("bronze")["id"]
    limit = next(it for it in there.get(f"application_plans/{plan}/limits") if it["period"] == "minute")
    there.put(f"application_plans/{plan}/metrics/{limit['metric_id']}/limits/{limit['id']}", value=LIMIT)

    # Signing up, activated by the link in the mail that came.
    page = visitor(browser, there)
    email = sign_up(page, there, "ada", "Analytical Engines")

    # The dashboard has the first call ready to be copied, with the reader's own key.
    old = shown_credentials(page)
    there.call_until(200, SEND, **old)

    # The chart shows it.
    def charted():
        page.goto("/buyer/stats")
        figure = page.get_by_role("main").locator("svg, figure, table").first
        expect(figure).to_be_visible()
        numbers = page.get_by_role("main").locator("table td").all_inner_texts()
        return any(re.fullmatch(r"[1-9]\d*", number.strip()) for number in numbers)

    until("the first call is in the chart", charted)

    # Another key; the old one goes on for a while.
    page.goto("/admin/applications")
    page.get_by_role("main").get_by_role("link").first.click()
    button(page, "rotate").click()
    main = page.get_by_role("main")
    new_key = main.locator(".notice .secret code").inner_text().strip()
    assert new_key != old["api_key"]
    new = old | {"api_key": new_key}
    there.call_until(200, SEND, **new)
    assert there.call(SEND, **old) == 200, "the old key must work during the overlap"

    # Many calls: the limit is met, and says so on the page and by mail.
    admitted = call_until_refused(there, new)
    assert admitted <= 2 * LIMIT, admitted

    def alerted():
        page.goto("/admin/alerts")
        return "100" in page.get_by_role("main").inner_text()

    until("an alert of 100 % on the page", alerted)
    alert = there.mail(email, "limit|alert")
    assert "100" in alert.get_body(("plain",)).get_content()

    assert not page.complaints, page.complaints
