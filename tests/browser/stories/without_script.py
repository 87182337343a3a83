"""A developer whose browser runs no scripts: signs up, makes an application, adds and removes a key, looks at usage."""

import re

from playwright.sync_api import expect

from browser import button, chromium, visitor
from flows import make_first_call, sign_up
from installation import installation, until

with installation() as there, chromium() as browser:
    page = visitor(browser, there, script=False)
    main = page.get_by_role("main")
    sign_up(page, there, "charles", "Difference Engines")
    until("the call that is shown is admitted", lambda: make_first_call(page) == 200)

    # One more application.
    page.goto("/admin/applications/new")
    main.get_by_label("Name", exact=True).fill("Second engine")
    button(page, "create").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Second engine")

    # One more key, shown, renamed, and gone again.
    main.get_by_label("Name of a further key").fill("Spare")
    button(page, "add key").click()
    expect(page.locator(".notice .secret code")).to_be_visible()
    spare = main.get_by_role("listitem").filter(has_text="Spare")
    spare.locator("summary").click()
    spare.get_by_label("Name", exact=True).fill("Spare wheel")
    spare.get_by_role("button", name="Save").click()
    spare = main.get_by_role("listitem").filter(has_text="Spare wheel")
    spare.locator("summary").click()
    spare.get_by_role("button", name=re.compile("^delete", re.I)).click()
    expect(spare).to_have_count(0)

    # Usage and alerts are tables and pictures drawn by the server.
    for path in ("/buyer/stats", "/admin/alerts"):
        assert page.goto(path).status == 200
        expect(page.get_by_role("heading", level=1)).to_be_visible()

    # And out.
    page.get_by_role("button", name=re.compile("sign out", re.I)).click()
    page.goto("/admin")
    expect(page).to_have_url(re.compile("/login"))
