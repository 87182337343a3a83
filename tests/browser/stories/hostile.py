"""Names that would be markup, and templates that would hurt: shown as they are, and stopped in time."""

import time

from playwright.sync_api import expect

from browser import chromium, log_in, visitor
from installation import Refused, installation
from pages import DEVELOPER, PAGES
from seed import PASSWORD, seed

EVIL = '"><script>document.title="taken"</script><img src=x onerror="document.title=\'taken\'">{{ provider.name }}'

# What a template might do to the server that renders it.
ENDLESS = [
    "{% for a in (1..1000000000) %}x{% endfor %}",
    "{% for a in (1..1000) %}{% for b in (1..1000) %}{% for c in (1..1000) %}x{% endfor %}{% endfor %}{% endfor %}",
    "{% assign s = 'xxxxxxxx' %}{% for a in (1..60) %}{% assign s = s | append: s %}{% endfor %}{{ s }}",
    "{% include 'footer' %}{{ 1 | divided_by: 0 }}",
    "{{ content }}{{ 'x' | truncate: -9223372036854775808 }}",
]


def hostile_values():
    seeded = seed(there)
    account = there.account_of(seeded["developer"])["id"]
    application = seeded["application"]
    there.put(f"accounts/{account}", org_name=EVIL)
    there.put(f"accounts/{account}/applications/{application}", name=EVIL, description=EVIL)
    there.post(f"accounts/{account}/messages", subject=EVIL, body=EVIL)
    product = there.product()["id"]
    there.put(f"services/{product}", name=EVIL, description=EVIL)
    there.put(f"services/{product}/application_plans/{there.plan('silver')['id']}", name=EVIL)

    page = visitor(browser, there)
    log_in(page, seeded["developer"], PASSWORD)
    shown = 0
    for one in PAGES:
        if one.who == DEVELOPER or (one.who == "visitor" and not one.then):
            page.complaints.clear()
            answer = page.goto(one.path.format(**seeded))
            assert answer.status < 500, f"{one.name}: {answer.status}"
            assert page.title() != "taken", f"{one.name} ran what it should show"
            assert page.locator("img[src=x]").count() == 0, f"{one.name} has the picture"
            assert not page.complaints, (one.name, page.complaints)
            shown += page.get_by_text(EVIL[:10]).count() > 0
    assert shown > 3, "the names are nowhere to be seen"
    # What is typed into a form comes back as it was typed.
    page = visitor(browser, there)
    page.goto("/login")
    page.locator("input[name=username]").fill(EVIL)
    page.get_by_label("Password").first.fill("x")
    page.get_by_role("main").get_by_role("button").first.click()
    expect(page.locator("input[name=username]")).to_have_value(EVIL)
    assert page.title() != "taken"


def hostile_templates():
    page = visitor(browser, there)
    layout = next(it for it in there.get("cms/templates", type="layout", per_page=100) if it["system_name"] == "main_layout")
    path = f"cms/templates/{layout['id']}"
    for text in ENDLESS:
        try:
            there.put(path, draft=f"<title>t</title>{text}")
            there.put(f"{path}/publish")
        except Refused as refusal:
            assert refusal.status == 422, refusal
            continue
        began = time.monotonic()
        page.goto("/")
        took_secs = time.monotonic() - began
        assert took_secs < 5, f"{text}: {took_secs} s"
        # The portal is there for all that: the provider can put it right.
        assert there.get("settings") is not None
    # Script in a template is the provider's own, and still does not run.
    there.put(path, draft="<title>t</title><script>document.title='taken'</script>{{ content }}")
    there.put(f"{path}/publish")
    page.goto("/")
    assert page.title() == "t", page.title()
    there.put(f"{path}/reset")
    assert page.goto("/").status == 200


with installation() as there, chromium() as browser:
    hostile_values()
    hostile_templates()
