"""Life in the installation: a developer account with people, applications, messages and usage, and one with nothing yet.

Everything through the REST API, the gateway and the portal's own forms, so it works on any installation; once made it is
found again.
"""

import json
import urllib.parse
import urllib.request

from installation import NO_PROXY, Refused

PASSWORD = "correct-horse-battery"
DEVELOPER = "grace"
NEWCOMER = "newcomer"
FEATURES = {
    "Support by e-mail": ("bronze", "silver", "gold", "platinum"),
    "Answers within a day": ("silver", "gold", "platinum"),
    "Newsletters": ("silver", "gold", "platinum"),
    "Own sending address": ("gold", "platinum"),
    "Service level of 99.95 %": ("platinum",),
}
PRICES = {"silver": 29, "gold": 149, "platinum": 890}
SPECIFICATION = {
    "openapi": "3.0.3",
    "info": {"title": "Mail API", "version": "3.1", "description": "Sends mails and tells what became of them."},
    "servers": [{"url": "{gateway}"}],
    "paths": {
        "/api/mail.send.json": {
            "get": {
                "summary": "Send a mail",
                "tags": ["Mails"],
                "parameters": [
                    {"name": "to", "in": "query", "schema": {"type": "string"}, "example": "ann@customer.example"},
                    {
                        "name": "api_user",
                        "in": "query",
                        "required": True,
                        "schema": {"type": "string"},
                        "x-data-threescale-name": "app_ids",
                    },
                    {
                        "name": "api_key",
                        "in": "query",
                        "required": True,
                        "schema": {"type": "string"},
                        "x-data-threescale-name": "app_keys",
                    },
                ],
                "responses": {"200": {"description": "It is on its way."}, "429": {"description": "Too many."}},
            }
        }
    },
}


def seed(there):
    """What the paths in `pages.py` need, by name."""
    catalogue(there)
    account, application = developer(there)
    newcomer(there)
    return {
        "developer": DEVELOPER,
        "newcomer": NEWCOMER,
        "application": application["id"],
        "plan": there.plan("gold")["id"],
        "spec": "mail_api",
        "reset_password": reset_password(there),
        "invited": invite(there, account),
    }


def catalogue(there):
    """Features, prices and a trial, so that plans differ; a specification to read and try."""
    product = there.product()["id"]
    known = {it["name"] for it in there.get(f"services/{product}/features")}
    for name, plans in FEATURES.items():
        if name not in known:
            feature = there.post(f"services/{product}/features", name=name, scope="application_plan")
            for plan in plans:
                there.post(f"application_plans/{there.plan(plan)['id']}/features", feature_id=feature["id"])
    for plan, price in PRICES.items():
        there.put(
            f"services/{product}/application_plans/{there.plan(plan)['id']}",
            cost_per_month=price,
            trial_period_days=30 if plan == "gold" else 0,
        )
    if not there.get("active_docs"):
        there.post(
            "active_docs",
            name="Mail API",
            system_name="mail_api",
            body=json.dumps(SPECIFICATION).replace("{gateway}", there.gateway),
            service_id=product,
            published=True,
        )


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
