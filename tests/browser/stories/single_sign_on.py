"""The provider's own system sends a user into the portal: once, and nowhere else."""

import re
from urllib.parse import urlsplit

from playwright.sync_api import expect

from browser import chromium, visitor
from flows import signed_in
from installation import Refused, installation


def link(redirect_url=None, **more):
    body = {"username": there.username, "expires_in": 60} | more
    if redirect_url:
        body["redirect_url"] = redirect_url
    return there.post("sso_tokens", **body)["sso_url"]


with installation() as there, chromium() as browser:
    # The first time it opens the dashboard.
    url = link()
    page = visitor(browser, there)
    page.goto(url)
    assert signed_in(page), page.url
    assert "token" not in page.url, page.url

    # The second time it is refused, by a page that says why; nobody is signed in.
    again = visitor(browser, there)
    answer = again.goto(url)
    assert answer.status in (401, 403, 422), answer.status
    assert not signed_in(again)
    expect(again.get_by_role("main")).to_contain_text(re.compile("invalid|used|expired", re.I))

    # It leads to a page of the portal when asked to.
    page = visitor(browser, there)
    page.goto(link(f"{there.portal}/admin/applications"))
    assert urlsplit(page.url).path == "/admin/applications", page.url

    # And to no other place.
    for elsewhere in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"):
        try:
            url = link(elsewhere)
        except Refused as refusal:
            assert refusal.status == 422, refusal
            continue
        page = visitor(browser, there)
        page.goto(url)
        assert page.url.startswith(there.portal), page.url

    # A redirection that was written into the link afterwards leads nowhere either.
    page = visitor(browser, there)
    mark = "&" if "?" in (url := link()) else "?"
    page.goto(f"{url}{mark}redirect_url=https://evil.example/")
    assert page.url.startswith(there.portal), page.url

    # Nonsense is refused like a used one.
    page = visitor(browser, there)
    answer = page.goto("/session/create?token=nonsense")
    assert answer.status in (401, 403, 422), answer.status
