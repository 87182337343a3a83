"""A developer comes, signs up, calls, watches, changes the key, and meets the limit."""

from playwright.sync_api import expect

from browser import chromium, visitor
from flows import SEND, call_until_refused, credentials, make_first_call, open_application, rotate, sign_up
from installation import installation, until

LIMIT = 300
# Long enough to be seen, short enough to be waited for.
OVERLAP_SECS = 4

with installation() as there, chromium() as browser:
    # The smallest plan, made smaller: its limit is met soon.
    plan = there.plan("bronze")["id"]
    limit = next(it for it in there.get(f"application_plans/{plan}/limits") if it["period"] == "minute")
    there.put(f"application_plans/{plan}/metrics/{limit['metric_id']}/limits/{limit['id']}", value=LIMIT)

    # Signing up, activated by the link in the mail that came.
    page = visitor(browser, there)
    main = page.get_by_role("main")
    email = sign_up(page, there, "ada", "Analytical Engines")

    # The dashboard has the first call ready to be pasted, with the reader's own key in it.
    until("the call that is shown is admitted", lambda: make_first_call(page) == 200)

    # The chart shows it.
    def charted():
        page.goto("/buyer/stats")
        return main.locator(".chart svg, svg.chart").count() and main.locator(".tile-value").first.inner_text() != "0"

    until("the first call is in the chart", charted)

    # Another key: the old one goes on for as long as was chosen.
    open_application(page)
    first = credentials(page)
    second = first | {"api_key": rotate(page, first["api_key"], "1 hour")}
    assert second != first
    there.call_until(200, SEND, **second)
    assert there.call(SEND, **first) == 200, "the old key works during the overlap"
    expect(main.get_by_role("listitem").filter(has_text=first["api_key"]).first).to_contain_text("stops working")

    # And then no more.
    third = first | {"api_key": rotate(page, second["api_key"], OVERLAP_SECS)}
    there.call_until(200, SEND, **third)
    assert there.call(SEND, **second) == 200, "the old key works during the overlap"
    there.call_until(403, SEND, **second)
    assert there.call(SEND, **third) == 200
    assert there.call(SEND, **first) == 200, "the other overlap is not over"

    # Many calls: the limit is met, and the page and a mail say so.
    admitted = call_until_refused(there, third)
    assert admitted <= 2 * LIMIT, admitted

    def alerted():
        page.goto("/admin/alerts")
        return main.locator(".badge.bad", has_text="100 %").count()

    until("an alert of 100 % on the page", alerted)
    alert = there.mail(email, "has reached a limit").get_body(("plain",)).get_content()
    assert there.link_in(alert), alert

    assert not page.complaints, page.complaints
