"""A developer whose browser runs no scripts: signs up, makes an application, adds and removes a key, looks at usage."""

import re

from playwright.sync_api import expect

from browser import button, chromium, visitor
from flows import shown_credentials, sign_up
from installation import installation

with installation() as there, chromium() as browser:
    page = visitor(browser, there, script=False)
    main = page.get_by_role("main")
    sign_up(page, there, "charles", "Difference Engines")
    there.call_until(200, "/api/mail.send.json", **shown_credentials(page))

    # One more application.
    page.goto("/admin/applications/new")
    page.get_by_label(re.compile("name", re.I)).first.fill("Second engine")
    button(page, "create|add").click()
    expect(main).to_contain_text("Second engine")

    # One more key, shown, and gone again.
    page.goto("/admin/applications")
    main.get_by_role("link", name="Second engine").first.click()
    button(page, "add|new key|create").click()
    expect(main.locator(".secret code").first).to_be_visible()
    button(page, "revoke|delete key").click()
    if (sure := main.get_by_role("button", name=re.compile("^(yes|revoke)", re.I))).count():
        sure.first.click()
    expect(page.get_by_role("status").first).to_be_visible()

    # Usage and alerts are tables and pictures drawn by the server.
    for path in ("/buyer/stats", "/admin/alerts"):
        assert page.goto(path).status == 200
        expect(page.get_by_role("heading", level=1)).to_be_visible()

    # And out.
    page.get_by_role("button", name=re.compile("sign out|log ?out", re.I)).click()
    page.goto("/admin")
    expect(page).to_have_url(re.compile("/login"))
