"""A headless Chromium, and visitors in it: each with cookies of its own, and with all that went wrong noted down."""

import os
import re
from contextlib import contextmanager

from playwright.sync_api import Page, expect, sync_playwright

expect.set_options(timeout=10_000)


@contextmanager
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ["CHROMIUM"],
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server"],
        )
        try:
            yield browser
        finally:
            browser.close()


def visitor(browser, there, script=True, width=1280, scheme="light", state=None) -> Page:
    """A page of somebody new. `page.complaints` has what the console said and which requests failed."""
    context = browser.new_context(
        base_url=there.portal,
        storage_state=state,
        java_script_enabled=script,
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="UTC",
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(10_000)
    page = context.new_page()
    watch(page, there)
    return page


def watch(page, there):
    """Errors in the console (a broken content security policy is one) and requests that went elsewhere or failed."""
    page.complaints = []

    def said(message):
        # A page that is meant to be 404 or 422 is no complaint: its status is looked at where it is opened.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            page.complaints.append(f"console: {message.text}")

    def answered(answer):
        request = answer.request
        if not request.url.startswith((there.portal, "data:", "blob:")):
            page.complaints.append(f"a request left the portal: {request.url}")
        if answer.status >= 400 and not request.is_navigation_request():
            # Chromium asks for it by itself when a page names no icon.
            if not request.url.endswith("/favicon.ico"):
                page.complaints.append(f"{answer.status} for {request.url}")

    page.on("console", said)
    page.on("pageerror", lambda error: page.complaints.append(f"script: {error}"))
    page.on("response", answered)


def log_in(page, username, password):
    page.goto("/login")
    page.get_by_label(re.compile("user ?name|e-?mail", re.I)).first.fill(username)
    page.get_by_label(re.compile("^password", re.I)).first.fill(password)
    button(page, "log in|sign in").click()
    expect(page).not_to_have_url(re.compile("/login|/session"))


def button(page, words):
    """The button with these words (a pattern), in what the page is about rather than in its head."""
    inside = page.get_by_role("main").get_by_role("button", name=re.compile(words, re.I))
    return inside.first
