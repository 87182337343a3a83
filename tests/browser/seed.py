"""Life in the installation: a developer account with people, applications, messages and usage, and one with nothing yet.

Everything through the REST API, the gateway and the portal's own forms, so it works on any installation; once made it is
found again.
"""

import urllib.error
import urllib.parse
import urllib.request

from installation import Refused

PASSWORD = "correct-horse-battery"
DEVELOPER = "grace"
MEMBER = "margaret"
NEWCOMER = "newcomer"
GUEST = "joan@planes.example"


def seed(there):
    """What the paths in `pages.py` need, by name."""
    trial(there)
    application = developer(there)
    newcomer(there)
    return {
        "developer": DEVELOPER,
        "member": MEMBER,
        "newcomer": NEWCOMER,
        "application": application["id"],
        "plan": there.plan("gold")["id"],
        "spec": "mail",
        "invited": or_nothing(invite, there),
        "reset_password": or_nothing(reset_password, there),
    }


def trial(there):
    """One plan that can be tried for a while."""
    there.put(f"services/{there.product()['id']}/application_plans/{there.plan('gold')['id']}", trial_period_days=30)


def developer(there):
    account = account_with_user(there, DEVELOPER, "Paper Planes", there.plan("bronze")["id"])
    applications = there.get(f"accounts/{account}/applications")
    if len(applications) == 1:
        first = applications[0]["id"]
        there.put(f"accounts/{account}/applications/{first}", name="Newsletter", description="Sends what we wrote.")
        there.post(
            f"accounts/{account}/applications",
            plan_id=there.plan("gold")["id"],
            name="Order confirmations",
            description="One mail per order, from the shop's back office.",
        )
        member = there.post(
            f"accounts/{account}/users", username=MEMBER, email=f"{MEMBER}@planes.example", password=PASSWORD
        )
        activate(there, account, member)
        there.post(
            f"accounts/{account}/messages",
            subject="Maintenance on Sunday",
            body="Between 4 and 5 in the morning (UTC) mails may take some minutes longer.\n\nNothing is lost.",
        )
        there.post(f"accounts/{account}/messages", subject="Welcome", body="Good to have you. Questions? Just answer.")
        use(there, account, first)
    return min(applications, key=lambda it: it["id"])


def use(there, account, application):
    """More calls than the smallest plan has in a minute: traffic to chart, refusals, and alerts."""
    credentials = credentials_of(there, account, application)
    there.call_until(200, "/api/mail.send.json", **credentials)
    for _ in range(640):
        there.call("/api/mail.send.json", **credentials)
    for _ in range(5):
        there.call("/api/newsletter/list.json", **credentials)


def credentials_of(there, account, application):
    """The query parameters that the mail company's product reads."""
    api_user = there.get(f"accounts/{account}/applications/{application}")["application_id"]
    key = there.get(f"accounts/{account}/applications/{application}/keys")[0]["value"]
    return {"api_user": api_user, "api_key": key}


def newcomer(there):
    account = account_with_user(there, NEWCOMER, "Fresh Ink", there.plan("bronze")["id"])
    for application in there.get(f"accounts/{account}/applications"):
        there.delete(f"accounts/{account}/applications/{application['id']}")


def account_with_user(there, username, org_name, plan):
    """The account's id; its first user is active."""
    try:
        return there.account_of(username)["id"]
    except Refused as refusal:
        if refusal.status != 404:
            raise
    account = there.post(
        "signup",
        org_name=org_name,
        username=username,
        email=f"{username}@{org_name.split()[-1].lower()}.example",
        password=PASSWORD,
        application_plan_id=plan,
    )
    if account["state"] != "approved":
        there.put(f"accounts/{account['id']}/approve")
    activate(there, account["id"], there.get(f"accounts/{account['id']}/users")[0])
    return account["id"]


def activate(there, account, user):
    if user["state"] != "active":
        there.put(f"accounts/{account}/users/{user['id']}/activate")


def reset_password(there):
    """The link of a mail that was asked for."""
    email = f"{DEVELOPER}@planes.example"
    there.forget_mails()
    Person(there).send("/admin/account/password", email=email)
    return there.link(there.mail(email, "password"))


def invite(there):
    """An invitation's link, from its mail."""
    person = Person(there)
    person.send("/session", username=DEVELOPER, password=PASSWORD)
    try:
        person.send("/admin/account/invitations", email=GUEST)
    except urllib.error.HTTPError as refusal:
        # Found again: it was sent before.
        if refusal.code != 422:
            raise
    return there.link(there.mail(GUEST, "invit|join"))


def or_nothing(link, there):
    """A link that could not be had leads to a page that is not there: a finding there, and not the end here."""
    try:
        return link(there)
    except (OSError, AssertionError, TypeError) as error:
        print(f"{link.__name__}: {str(error)[:300]}")
        return "/nothing"


class Person:
    """Somebody who sends the portal's forms without a browser."""

    def __init__(self, there):
        self.there = there
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor()
        )

    def send(self, path, **form):
        request = urllib.request.Request(self.there.portal + path, data=urllib.parse.urlencode(form).encode())
        request.add_header("Origin", self.there.portal)
        with self.opener.open(request, timeout=30) as answer:
            return answer.read()


if __name__ == "__main__":
    from installation import installation

    with installation() as there:
        print(seed(there))
