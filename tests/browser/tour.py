"""Going through the list of pages: a visitor of each kind, and each page as it is then in front of the reader."""

from browser import log_in, visitor
from pages import VISITOR
from seed import PASSWORD


class Sessions:
    """Who is logged in: each kind of visitor once, whatever the number of windows."""

    def __init__(self, browser, there, seeded):
        self.browser, self.there, self.seeded = browser, there, seeded
        self.states = {}

    def of(self, who):
        """The cookies, or why there are none."""
        if who not in self.states:
            page = visitor(self.browser, self.there)
            try:
                log_in(page, self.seeded[who], PASSWORD)
                self.states[who] = page.context.storage_state()
            except Exception as error:
                self.states[who] = f"{who} cannot log in: {str(error).splitlines()[0]}"
            page.context.close()
        if isinstance(self.states[who], str):
            raise AssertionError(self.states[who])
        return self.states[who]


class Tour:
    """One window size, colour scheme and kind of browser."""

    def __init__(self, sessions, script=True, width=1280, scheme="light"):
        self.sessions = sessions
        self.how = {"script": script, "width": width, "scheme": scheme}
        self.visitors = {}

    def visitor(self, who):
        if who not in self.visitors:
            state = None if who == VISITOR else self.sessions.of(who)
            page = visitor(self.sessions.browser, self.sessions.there, state=state, **self.how)
            page.scripted = self.how["script"]
            self.visitors[who] = page
        return self.visitors[who]

    def open(self, one):
        """The page, and the answer to its navigation."""
        page = self.visitor(one.who)
        page.complaints.clear()
        answer = page.goto(one.path.format(**self.sessions.seeded), wait_until="load")
        if one.then:
            one.then(page)
            page.wait_for_load_state("load")
        return page, answer

    def close(self):
        for page in self.visitors.values():
            page.context.close()
