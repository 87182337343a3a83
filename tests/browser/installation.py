"""The installation that the scripts talk to: its REST API, its gateway, the mails that it sends.

Where it is comes from the environment (the names of `demo.env`), or a demo is started for the script (`demo.py`).
"""

import email
import email.policy
import json
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from base64 import b64encode
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

# Longer than anything takes that a story waits for: usage in a chart, a mail, a revoked key.
PATIENCE_SECS = 20
NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextmanager
def installation():
    """The one of the environment, or a demo that lives as long as the block."""
    if "PORTAL_URL" in os.environ:
        yield Installation.of(os.environ)
        return
    from demo import demo

    with demo() as there:
        yield there


@dataclass
class Installation:
    """Addresses without a slash at their end, and the secrets of the provider."""

    portal: str
    admin: str
    gateway: str
    token: str
    # Where the mail sink writes a file for each mail.
    mails: Path
    # The customer that the demo's company has: on the smallest plan, with one application.
    username: str
    password: str
    seen: set = field(default_factory=set)

    @classmethod
    def of(cls, variables):
        return cls(
            portal=variables["PORTAL_URL"].rstrip("/"),
            admin=variables["ADMIN_URL"].rstrip("/"),
            gateway=variables["GATEWAY_URL"].rstrip("/"),
            token=variables["ACCESS_TOKEN"],
            mails=Path(variables["MAIL_DIR"]),
            username=variables["PORTAL_USERNAME"],
            password=variables["PORTAL_PASSWORD"],
        )

    # --- The provider's REST API ---

    def get(self, path, **query):
        return self.api("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""))

    def post(self, path, **body):
        return self.api("POST", path, body)

    def put(self, path, **body):
        return self.api("PUT", path, body)

    def delete(self, path):
        return self.api("DELETE", path)

    def api(self, method, path, body=None):
        """One call below /admin/api, without the format; the answer's resource without its wrapping, lists as lists."""
        head, mark, query = path.partition("?")
        request = urllib.request.Request(f"{self.admin}/admin/api/{head}.json{mark}{query}", method=method)
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        return self.send(request)

    def upload(self, path, fields, name, file_name, content):
        """A form with a file in it."""
        edge = "edge-of-a-part"
        parts = [f'--{edge}\r\ncontent-disposition: form-data; name="{it}"\r\n\r\n{fields[it]}\r\n' for it in fields]
        parts.append(f'--{edge}\r\ncontent-disposition: form-data; name="{name}"; filename="{file_name}"\r\n\r\n')
        request = urllib.request.Request(f"{self.admin}/admin/api/{path}.json", method="POST")
        request.add_header("Content-Type", f"multipart/form-data; boundary={edge}")
        request.data = "".join(parts).encode() + content + f"\r\n--{edge}--\r\n".encode()
        return self.send(request)

    def send(self, request):
        request.add_header("Authorization", "Basic " + b64encode(f":{self.token}".encode()).decode())
        try:
            with NO_PROXY.open(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as refusal:
            raise Refused(request.method, request.selector, refusal.code, refusal.read().decode(errors="replace")) from None
        return unwrap(json.loads(text)) if text.strip() else None

    def product(self, system_name="mail"):
        return next(it for it in self.get("services") if it["system_name"] == system_name)

    def plan(self, system_name):
        return next(it for it in self.get("application_plans") if it["system_name"] == system_name)

    def account_of(self, username):
        return self.get("accounts/find", username=username)

    # --- The gateway ---

    def call(self, path, headers=None, **credentials):
        """The status of one request through Envoy, credentials in its query."""
        url = self.gateway + path + ("?" + urllib.parse.urlencode(credentials) if credentials else "")
        try:
            with NO_PROXY.open(urllib.request.Request(url, headers=headers or {}), timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as refusal:
            return refusal.code

    def call_until(self, status, path, **credentials):
        """Calls until that comes back: what is made or changed reaches gateways within a second or so."""
        return until(f"{path} answers {status}", lambda: self.call(path, **credentials) == status)

    # --- Mails ---

    def mail(self, to, subject):
        """The next mail to this address whose subject has these words (a pattern), as an EmailMessage; waits for it."""

        def look():
            for file in sorted(self.mails.glob("*.eml")):
                if file in self.seen:
                    continue
                message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
                if to in str(message["to"]) and re.search(subject, str(message["subject"]), re.I):
                    self.seen.add(file)
                    return message
            return None

        return until(f"a mail to {to} about {subject!r} ({self.subjects()} so far)", look)

    def forget_mails(self):
        """Those that came until now are not looked at."""
        self.seen.update(self.mails.glob("*.eml"))

    def subjects(self):
        files = sorted(self.mails.glob("*.eml"))
        read = (email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files)
        return [f"{message['to']}: {message['subject']}" for message in read]

    def link(self, message):
        """The portal's link in a mail."""
        text = message.get_body(("plain",)).get_content()
        return self.link_in(text)

    def link_in(self, text):
        return re.search(re.escape(self.portal) + r"/\S+", text)[0].rstrip(".>)")


class Refused(Exception):
    """The API said no."""

    def __init__(self, method, path, status, body):
        super().__init__(f"{method} {path}: {status} {body[:500]}")
        self.status = status
        self.body = body


def unwrap(answer):
    """3scale's wrapping off: {"services": [{"service": {…}}]} is a list of {…}."""
    while isinstance(answer, dict) and len(answer) <= 2:
        inner = [value for key, value in answer.items() if key != "metadata"]
        if len(inner) != 1 or not isinstance(inner[0], (dict, list)):
            break
        answer = inner[0]
    if isinstance(answer, list):
        return [unwrap(one) if isinstance(one, dict) and len(one) == 1 else one for one in answer]
    return answer


def until(what, look, patience_secs=PATIENCE_SECS):
    """What `look` finds, as soon as it finds something."""
    end = time.monotonic() + patience_secs
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {patience_secs} s: {what}")
        time.sleep(0.1)
