"""What people do on the portal, in their words: used by several stories."""

import re
import subprocess

from playwright.sync_api import expect

from browser import button, log_in

PASSWORD = "correct-horse-battery"
SEND = "/api/mail.send.json"


def sign_up(page, there, username, organisation):
    """From the front page to an account that is activated by the link of its mail, and signed in; its e-mail address."""
    email = f"{username}@customer.example"
    main = page.get_by_role("main")
    page.goto("/")
    page.get_by_role("link", name="Sign up").first.click()
    main.get_by_label("Organisation").fill(organisation)
    main.get_by_label("Username").fill(username)
    main.get_by_label("E-mail").fill(email)
    main.get_by_label("Password").fill(PASSWORD)
    button(page, "sign up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("mail", re.I))

    page.goto(there.link(there.mail(email, "activate")))
    button(page, "activate").click()
    if not signed_in(page):
        log_in(page, username, PASSWORD)
    return email


def signed_in(page):
    return page.get_by_role("button", name=re.compile("sign out|log ?out", re.I)).count() > 0


def make_first_call(page):
    """Copies the first call from the dashboard into a shell: the status that Envoy answers."""
    page.goto("/admin")
    snippet = page.locator("pre", has_text="curl").first.inner_text().strip()
    assert snippet.startswith("curl "), snippet
    shell = f"{snippet} --noproxy '*' -s -o /dev/null -w '%{{http_code}}'"
    told = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, timeout=30)
    assert told.returncode == 0, (shell, told.stderr)
    return int(told.stdout)


def open_application(page, name=None):
    """The page of an application: of that name, or the first."""
    page.goto("/admin/applications")
    link = page.get_by_role("main").get_by_role("rowheader").get_by_role("link", name=name)
    link.first.click()
    expect(page.get_by_role("heading", name="Credentials")).to_be_visible()


def credentials(page):
    """The mail company's parameters, from the application's page: its first key that does not end."""
    main = page.get_by_role("main")
    return {
        "api_user": main.locator('[data-copy="the application ID"]').inner_text().strip(),
        "api_key": main.locator('[data-copy="this key"]').first.inner_text().strip(),
    }


def rotate(page, key, overlap):
    """Presses Rotate beside a key; gives back the new one, which is shown. `overlap` is a choice's words or seconds."""
    beside = page.get_by_role("main").get_by_role("listitem").filter(has_text=key)
    choices = beside.get_by_label("Old key still works")
    if isinstance(overlap, int):
        # Shorter than what the page offers, so that its end can be waited for.
        choices.locator("option").first.evaluate("(it, seconds) => { it.value = seconds }", str(overlap))
        choices.select_option(index=0)
    else:
        choices.select_option(label=overlap)
    beside.get_by_role("button", name=re.compile("^rotate", re.I)).click()
    shown = page.locator(".notice .secret code")
    expect(shown).to_be_visible()
    return shown.inner_text().strip()


def call_until_refused(there, parameters, at_most=1000):
    """Calls until the limit is met; how many were admitted."""
    for admitted in range(at_most):
        if (status := there.call(SEND, **parameters)) == 429:
            return admitted
        assert status == 200, status
    raise AssertionError(f"{at_most} calls, and no limit was met")
