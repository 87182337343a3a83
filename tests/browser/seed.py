"""Life in the installation: a developer account with people, applications, messages and usage, and one with nothing yet.

Everything through the REST API, the gateway and the portal's own forms, so it works on any installation; once made it is
found again.
"""

import urllib.parse
import urllib.request

from installation import NO_PROXY, Refused

PASSWORD = "correct-horse-battery"
DEVELOPER = "grace"
NEWCOMER = "newcomer"


def seed(there):
    """What the paths in `pages.py` need, by name."""
    trial(there)
    account, application = developer(there)
    newcomer(there)
    return {
        "developer": DEVELOPER,
        "newcomer": NEWCOMER,
        "application": application["id"],
        "plan": there.plan("gold")["id"],
        "spec": "mail",
        "reset_password": reset_password(there),
        "invited": invite(there, account),
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
        there.post(f"accounts/{account}/users", username="margaret", email="margaret@planes.example", password=PASSWORD)
        there.post(
            f"accounts/{account}/messages",
            subject="Maintenance on Sunday",
            body="Between 4 and 5 in the morning (UTC) mails may take some minutes longer.\n\nNothing is lost.",
        )
        there.post(f"accounts/{account}/messages", subject="Welcome", body="Good to have you. Questions? Just answer.")
        use(there, account, first)
    return account, min(applications, key=lambda it: it["id"])


def use(there, account, application):
    """Enough calls to pass half of the smallest plan's minute: traffic to chart, and an alert."""
    credentials = credentials_of(there, account, application)
    there.call_until(200, "/api/mail.send.json", **credentials)
    for _ in range(400):
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
    user = there.get(f"accounts/{account['id']}/users")[0]
    if user["state"] != "active":
        there.put(f"accounts/{account['id']}/users/{user['id']}/activate")
    return account["id"]


def reset_password(there):
    """The link of a mail that was asked for."""
    try:
        form = urllib.parse.urlencode({"email": f"{DEVELOPER}@planes.example"}).encode()
        request = urllib.request.Request(f"{there.portal}/admin/account/password", data=form)
        request.add_header("Origin", there.portal)
        NO_PROXY.open(request, timeout=30)
        return there.link(there.mail(f"{DEVELOPER}@planes.example", "password"))
    except (OSError, AssertionError, TypeError) as error:
        print(f"no link to reset a password: {str(error)[:200]}")
        return "/admin/account/password"


def invite(there, account):
    """An invitation's link, from its mail."""
    return "/signup/no-invitation"


if __name__ == "__main__":
    from installation import installation

    with installation() as there:
        print(seed(there))
