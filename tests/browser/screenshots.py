"""Every page at 1280 and 390 pixels, light and dark, in target/screenshots: screenshots.py [PAGE...]

A demo of its own, filled by `seed.py` and with weeks of usage written into its database (`history.py`) while it rests, so
that charts and tables look as they do in life.
"""

import os
import sys
from pathlib import Path

from browser import chromium
from demo import ROOT, demo, free_ports
from history import write_history
from installation import installation
from pages import chosen
from seed import seed
from tour import Sessions, Tour

FOLDER = ROOT / "target/screenshots"
WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")


def main(names):
    pages = chosen(names)
    if "PORTAL_URL" in os.environ:
        with installation() as there:
            shoot(there, pages)
        return
    folder = ROOT / "target/browser/screenshots-demo"
    # The same for both, since mails have links.
    ports = free_ports()
    with demo(folder, keep=True, ports=ports) as there:
        seed(there)
    write_history(folder / "tallygate.db")
    with demo(folder, fresh=False, ports=ports) as there:
        shoot(there, pages)


def shoot(there, pages):
    FOLDER.mkdir(parents=True, exist_ok=True)
    failed = []
    with chromium() as browser:
        sessions = Sessions(browser, there, seed(there))
        for width in WIDTHS:
            for scheme in SCHEMES:
                tour = Tour(sessions, width=width, scheme=scheme)
                for one in pages:
                    file = FOLDER / f"{one.name}-{width}-{scheme}.png"
                    try:
                        page, answer = tour.open(one)
                        page.screenshot(path=file, full_page=True)
                        if answer.status != one.status:
                            failed.append(f"{file.name}: {answer.status}")
                    except Exception as error:
                        failed.append(f"{file.name}: {str(error).splitlines()[0]}")
                tour.close()
                print(f"{width} px, {scheme}", flush=True)
    contents(pages)
    print(f"{FOLDER.relative_to(ROOT)}/index.html")
    if failed:
        raise SystemExit("\n".join(failed))


def contents(pages):
    """One page to look at them all."""
    rows = []
    for one in pages:
        names = [f"{one.name}-{width}-{scheme}.png" for width in WIDTHS for scheme in SCHEMES]
        there = [name for name in names if Path(FOLDER / name).is_file()]
        shots = "".join(f'<a href="{name}"><img src="{name}" alt="{name}" loading="lazy"></a>' for name in there)
        rows.append(f"<h2>{one.name} <small>{one.path}</small></h2><div>{shots}</div>")
    style = "body{font:14px sans-serif;margin:2em}div{display:flex;gap:1em;align-items:start}img{max-width:22vw}"
    text = f'<!doctype html><meta charset="utf-8"><title>Pages</title><style>{style}</style>{"".join(rows)}'
    (FOLDER / "index.html").write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
