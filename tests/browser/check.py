"""What must hold of every page: check.py [PAGE...]

* It answers as the list says, with a title and one first heading, and nothing in the console: no broken content security
  policy, no failed request, no request to another host.
* axe finds nothing serious or critical, light and wide as well as dark and narrow.
* It fits into 390 pixels.
* It weighs at most 60 KB before images and Swagger UI.
* Without JavaScript it is the same page: all that can be followed and filled in is there.
"""

import sys

from axe_playwright_python.sync_playwright import Axe

from browser import chromium
from installation import installation
from pages import chosen
from seed import seed
from tour import Sessions, Tour

WEIGHT_BYTES = 60_000
# Not the page's own weight: pictures, and the reader of specifications.
WEIGHTLESS = ("image", "media")
SERIOUS = ("serious", "critical")


def main(names):
    pages = chosen(names)
    with installation() as there, chromium() as browser:
        sessions = Sessions(browser, there, seed(there))
        tours = (
            Tour(sessions),
            Tour(sessions, width=390, scheme="dark"),
            Tour(sessions, script=False),
        )
        findings = []
        for one in pages:
            found = check(one, *tours)
            findings += [f"{one.name}: {finding}" for finding in found]
            print(f"{'✗' if found else '✓'} {one.name}", flush=True)
            for finding in found:
                print(f"    {finding}", flush=True)
    if findings:
        raise SystemExit(f"{len(findings)} findings on {len(pages)} pages")
    print(f"✓ {len(pages)} pages")


def check(one, wide, narrow, plain):
    try:
        scripted = []
        found = [*in_general(one, wide, scripted), *when_narrow(one, narrow)]
        return [*found, *without_script(one, plain, *scripted)]
    except Exception as error:  # a page that cannot be opened is a finding; the next one is looked at all the same
        return [str(error).splitlines()[0]]


def in_general(one, tour, scripted):
    weight = {}

    def weigh(answer):
        if answer.request.resource_type not in WEIGHTLESS and "swagger" not in answer.url:
            weight[answer.url] = answer

    visitor = tour.visitor(one.who)
    visitor.on("response", weigh)
    page, answer = tour.open(one)
    visitor.remove_listener("response", weigh)
    if answer.status != one.status:
        yield f"{answer.status} instead of {one.status}"
        return
    if one.who != "visitor" and page.url.endswith("/login"):
        yield "sends to login"
    yield from page.complaints
    if not page.title().strip():
        yield "has no title"
    if (headings := page.locator("h1:not(.swagger-ui h1)").count()) != 1:
        yield f"has {headings} first headings"
    # A form that was sent answers a page of its own: what is weighed is the page that was asked for.
    bytes_in_all = sum(len(body(one)) for one in weight.values()) if not one.then else 0
    if bytes_in_all > WEIGHT_BYTES:
        heavy = sorted(((len(body(it)), url) for url, it in weight.items()), reverse=True)[:3]
        yield f"weighs {bytes_in_all} bytes: {heavy}"
    yield from accessible(page, "light, 1280")
    scripted.append(parts(page))


def body(answer):
    try:
        return answer.body()
    except Exception:  # a redirection has none
        return b""


def when_narrow(one, tour):
    page, answer = tour.open(one)
    if answer.status != one.status:
        return
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if too_wide > 0:
        yield f"is {too_wide} px wider than 390: {page.evaluate(WIDEST)}"
    yield from accessible(page, "dark, 390")


# The innermost element that sticks out, as tag and class.
WIDEST = """
() => [...document.querySelectorAll('body *')]
  .filter(it => it.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .filter(it => !it.closest('.scroll, pre, table *'))
  .slice(-2).map(it => it.tagName.toLowerCase() + '.' + it.className).join(' ')
"""


def accessible(page, how):
    results = Axe().run(page, options={"resultTypes": ["violations"]})
    for violation in results.response["violations"]:
        if violation["impact"] in SERIOUS:
            node = violation["nodes"][0]
            why = (node.get("failureSummary") or "").splitlines()[-1].strip()
            many = len(violation["nodes"])
            yield f"axe ({how}): {violation['id']}, {many} ×: {node['html'][:140]} ({why[:160]})"


def without_script(one, tour, with_script=frozenset()):
    page, answer = tour.open(one)
    if answer.status != one.status:
        yield f"without JavaScript: {answer.status}"
        return
    missing = with_script - parts(page)
    if missing:
        yield f"without JavaScript there is no {', '.join(sorted(missing))[:300]}"
    if not page.get_by_role("main").inner_text().strip():
        yield "without JavaScript it is empty"


def parts(page):
    """All headings, links and fields of the page itself, by what they are called."""
    return set(page.evaluate(PARTS))


# What a script adds says so by `data-script`, and Swagger UI is one.
PARTS = """
() => [...document.querySelectorAll('main :is(h1, h2, h3, h4, a[href], input, select, textarea, button)')]
  .filter(it => !it.closest('[data-script], .swagger-ui'))
  .map(it => it.name ? it.tagName.toLowerCase() + ' ' + it.name
    : it.tagName.toLowerCase() + ' ' + it.innerText.trim().replace(/\\s+/g, ' '))
"""


if __name__ == "__main__":
    main(sys.argv[1:])
