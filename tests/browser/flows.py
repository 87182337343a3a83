"""What people do on the portal, in their words: used by several stories."""

import re

from playwright.sync_api import expect

from browser import button, log_in

PASSWORD = "correct-horse-battery"


def sign_up(page, there, username, organisation):
    """From the front page to an account that is activated by the link of its mail, and logged in."""
    email = f"{username}@customer.example"
    page.goto("/")
    page.get_by_role("link", name=re.compile("sign up|get a key", re.I)).first.click()
    page.get_by_label(re.compile("organi[sz]ation|company", re.I)).fill(organisation)
    page.get_by_label(re.compile("user ?name", re.I)).fill(username)
    page.get_by_label(re.compile("e-?mail", re.I)).fill(email)
    for field in page.get_by_label(re.compile("password", re.I)).all():
        field.fill(PASSWORD)
    for box in page.get_by_role("main").get_by_role("checkbox").all():
        box.check()
    button(page, "sign up|create|get").click()
    expect(page.get_by_role("main")).to_contain_text(re.compile("mail", re.I))

    page.goto(there.link(there.mail(email, "sign|account|activate|welcome")))
    confirm = page.get_by_role("main").get_by_role("button", name=re.compile("activate|confirm", re.I))
    if confirm.count():
        confirm.first.click()
    if not signed_in(page):
        log_in(page, username, PASSWORD)
    return email


def signed_in(page):
    return page.get_by_role("button", name=re.compile("sign out|log ?out", re.I)).count() > 0


def shown_credentials(page):
    """The mail company's parameters as the first call's snippet on the dashboard has them."""
    page.goto("/admin")
    snippet = page.locator("pre", has_text="curl").first.inner_text()
    found = dict(re.findall(r"\b(api_user|api_key)=([\w.~-]+)", snippet))
    assert set(found) == {"api_user", "api_key"}, snippet
    return found


def call_until_refused(there, credentials, path="/api/mail.send.json", at_most=200):
    """Calls until the limit is met; how many were admitted."""
    for admitted in range(at_most):
        if (status := there.call(path, **credentials)) == 429:
            return admitted
        assert status == 200, status
    raise AssertionError(f"{at_most} calls, and no limit was met")
