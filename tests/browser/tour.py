"""Going through the list of pages: a visitor of each kind, and each page as it is then in front of the reader."""

from browser import log_in, visitor
from pages import DEVELOPER, NEWCOMER, VISITOR
from seed import PASSWORD


class Tour:
    """One window size, colour scheme and kind of browser; logs in when it comes to pages that need it."""

    def __init__(self, browser, there, seeded, script=True, width=1280, scheme="light"):
        self.browser, self.there, self.seeded = browser, there, seeded
        self.how = {"script": script, "width": width, "scheme": scheme}
        self.visitors = {}

    def visitor(self, who):
        if who not in self.visitors:
            page = visitor(self.browser, self.there, **self.how)
            page.scripted = self.how["script"]
            if who != VISITOR:
                log_in(page, {DEVELOPER: self.seeded["developer"], NEWCOMER: self.seeded["newcomer"]}[who], PASSWORD)
            self.visitors[who] = page
        return self.visitors[who]

    def open(self, one):
        """The page, and the answer to its navigation."""
        page = self.visitor(one.who)
        page.complaints.clear()
        answer = page.goto(one.path.format(**self.seeded), wait_until="load")
        if one.then:
            one.then(page)
            page.wait_for_load_state("load")
        return page, answer

    def close(self):
        for page in self.visitors.values():
            page.context.close()
