"""The provider changes the favicon and the layout by the CMS API, as the guide says."""

from urllib.request import Request

from playwright.sync_api import expect

from browser import chromium, visitor
from installation import NO_PROXY, Refused, installation

# A picture of one pixel.
ICON = bytes.fromhex("00000100010001010000010020003000000016000000") + bytes(
    [40, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 32] + [0] * 25 + [0, 128, 255, 255] + [0] * 4
)
LAYOUT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><title>{{ page.title }} at the Mail Company</title>
<link rel="shortcut icon" href="/images/icon.ico">
<link rel="stylesheet" href="{{ assets.stylesheet }}">
</head>
<body>
<p id="ribbon">Now with more stamps</p>
{% include 'header' %}
<main class="page" id="main">{{ content }}</main>
</body>
</html>
"""

with installation() as there, chromium() as browser:
    page = visitor(browser, there)

    # The icon is a file of the CMS, and served as what it is.
    sections = there.get("cms/sections")
    there.upload(
        "cms/files", {"section_id": sections[0]["id"], "path": "/images/icon.ico"}, "attachment", "icon.ico", ICON
    )
    with NO_PROXY.open(Request(f"{there.portal}/images/icon.ico")) as answer:
        assert answer.read() == ICON
        assert "icon" in answer.headers["content-type"], answer.headers["content-type"]
        assert answer.headers["x-content-type-options"] == "nosniff"

    # A draft changes nothing; a draft that is no template is refused, and the message names the line.
    layout = next(it for it in there.get("cms/templates", type="layout", per_page=100) if it["system_name"] == "main_layout")
    path = f"cms/templates/{layout['id']}"
    try:
        there.put(path, draft="one\ntwo\n{% if %}\n")
        raise AssertionError("a draft that is no template was taken")
    except Refused as refusal:
        assert refusal.status == 422, refusal
        assert "line 3" in refusal.body, refusal.body
    there.put(path, draft=LAYOUT)
    page.goto("/")
    expect(page.locator("#ribbon")).to_have_count(0)

    # Published, every page has it, those that need a login as well.
    there.put(f"{path}/publish")
    for at in ("/", "/login", "/no/such/page"):
        page.goto(at)
        expect(page.locator("#ribbon")).to_have_text("Now with more stamps")
        assert page.title().endswith("at the Mail Company"), page.title()
        assert page.locator('link[rel="shortcut icon"]').get_attribute("href") == "/images/icon.ico"
    assert not page.complaints, page.complaints

    # And back to what was shipped.
    there.put(f"{path}/reset")
    page.goto("/")
    expect(page.locator("#ribbon")).to_have_count(0)
