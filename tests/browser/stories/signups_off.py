"""The provider closes the portal to newcomers: no way leads to the form, and the form is not there."""

import re

from playwright.sync_api import expect

from browser import chromium, visitor
from installation import installation

with installation() as there, chromium() as browser:
    page = visitor(browser, there)
    page.goto("/login")
    expect(page.get_by_role("link", name=re.compile("sign up", re.I)).first).to_be_visible()

    there.put("settings", signups_enabled=False)
    for path in ("/", "/plans", "/login"):
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_role("link", name=re.compile("sign up|get a key", re.I))).to_have_count(0)
    answer = page.goto("/signup")
    assert answer.status == 403, answer.status
    expect(page.get_by_role("main").locator("form")).to_have_count(0)
    # A form that was open before is too late.
    sent = page.request.post(
        "/signup",
        form={"org_name": "Late", "username": "late", "email": "late@x.example", "password": "correct-horse"},
        headers={"Origin": there.portal},
    )
    assert sent.status == 403, sent.status
    assert not [it for it in there.get("accounts") if it["org_name"] == "Late"]

    # The provider's own programs still sign people up.
    there.post("signup", org_name="By API", username="byapi", email="byapi@x.example", password="correct-horse-battery")

    there.put("settings", signups_enabled=True)
    assert page.goto("/signup").status == 200
