"""Every page of the portal, once: for screenshots, accessibility, weight, time, and the walk without JavaScript.

A page that is not here is not looked at. Words in braces are what `seed.py` found or made.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from browser import button

VISITOR = "visitor"  # not logged in
DEVELOPER = "developer"  # the seeded account's admin: applications, usage, alerts, messages
MEMBER = "member"  # of the same account, without its rights
NEWCOMER = "newcomer"  # an account with nothing in it yet: empty states


@dataclass(frozen=True)
class Page:
    name: str
    path: str
    who: str = VISITOR
    status: int = 200
    # What is done on the page before it is looked at.
    then: Callable | None = None


def submit(words):
    """Sends the form as it is: its messages are part of the page."""

    def act(page):
        page.locator("main form").first.evaluate("form => form.noValidate = true") if page.scripted else None
        button(page, words).click()

    return act


PAGES = [
    # Before login.
    Page("home", "/"),
    Page("plans", "/plans"),
    Page("docs", "/docs"),
    Page("docs-product", "/docs/{spec}"),
    Page("stories", "/stories"),
    Page("signup", "/signup"),
    Page("signup-plan", "/signup?plan_id={plan}"),
    Page("signup-errors", "/signup", then=submit("sign ?up|create"), status=200),
    Page("login", "/login"),
    Page("login-failed", "/login", then=lambda page: fail_to_log_in(page)),
    Page("lost-password", "/admin/account/password/new"),
    Page("reset-password", "{reset_password}"),
    Page("invited", "{invited}"),
    Page("terms", "/terms"),
    Page("privacy", "/privacy"),
    Page("not-found", "/no/such/page", status=404),
    # A developer with a life.
    Page("dashboard", "/admin", DEVELOPER),
    Page("applications", "/admin/applications", DEVELOPER),
    Page("application", "/admin/applications/{application}", DEVELOPER),
    Page("application-new", "/admin/applications/new", DEVELOPER),
    Page("application-edit", "/admin/applications/{application}/edit", DEVELOPER),
    Page("application-plan", "/admin/applications/{application}/plan", DEVELOPER),
    Page("usage", "/buyer/stats", DEVELOPER),
    Page("usage-month", "/buyer/stats?application_id={application}&period=month", DEVELOPER),
    Page("alerts", "/admin/alerts", DEVELOPER),
    Page("docs-signed-in", "/docs/{spec}", DEVELOPER),
    Page("plans-signed-in", "/plans", DEVELOPER),
    Page("account", "/admin/account", DEVELOPER),
    Page("account-edit", "/admin/account/edit", DEVELOPER),
    Page("users", "/admin/account/users", DEVELOPER),
    Page("invitations", "/admin/account/invitations", DEVELOPER),
    Page("invitation-new", "/admin/account/invitations/new", DEVELOPER),
    Page("personal-details", "/admin/account/personal_details", DEVELOPER),
    Page("messages", "/admin/messages/received", DEVELOPER),
    Page("not-found-signed-in", "/admin/applications/999999", DEVELOPER, status=404),
    Page("forbidden", "/admin/account/invitations", MEMBER, status=403),
    # And one who has just come.
    Page("dashboard-empty", "/admin", NEWCOMER),
    Page("applications-empty", "/admin/applications", NEWCOMER),
    Page("usage-empty", "/buyer/stats", NEWCOMER),
    Page("alerts-empty", "/admin/alerts", NEWCOMER),
    Page("messages-empty", "/admin/messages/received", NEWCOMER),
]


def fail_to_log_in(page):
    page.get_by_label(re.compile("user ?name|e-?mail", re.I)).first.fill("nobody")
    page.get_by_label(re.compile("^password", re.I)).first.fill("not-the-password")
    button(page, "log in|sign in").click()


def chosen(names):
    """The pages with these names, or all."""
    unknown = set(names) - {page.name for page in PAGES}
    if unknown:
        raise SystemExit(f"there is no page {', '.join(sorted(unknown))}")
    return [page for page in PAGES if not names or page.name in names]
