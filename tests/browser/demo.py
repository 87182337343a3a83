"""`tallygate demo` on free ports and in a folder of its own, for scripts that are run by hand."""

import os
import shlex
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from installation import Installation

ROOT = Path(__file__).resolve().parents[2]
PORTS = ("PORTAL", "ADMIN", "GATEWAY", "STAGING", "ENVOY_ADMIN", "UPSTREAM")


@contextmanager
def demo(folder=None, fresh=True, keep=False, ports=None):
    """Starts it and stops it in the end: empty if `fresh`, and there to be started again if `keep`.

    TALLYGATE names another program than the debug build.
    """
    folder = Path(folder or ROOT / f"target/browser/demo-{os.getpid()}")
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    program = os.environ.get("TALLYGATE", str(ROOT / "target/debug/tallygate"))
    variables = {f"TALLYGATE_{name}_PORT": str(port) for name, port in zip(PORTS, ports or free_ports())}
    with open(folder / "demo.log", "w") as log:
        child = subprocess.Popen(
            [program, "demo", "--dir", str(folder)],
            cwd=ROOT,
            env=os.environ | variables,
            stdout=log,
            stderr=log,
        )
    try:
        wait_until_ready(child, folder)
        yield Installation.of(read_environment(folder))
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def wait_until_ready(child, folder):
    end = time.monotonic() + 90
    while "Tallygate is ready" not in (folder / "demo.log").read_text():
        if child.poll() is not None or time.monotonic() > end:
            logs = [folder / "demo.log", folder / "control-plane.log"]
            said = "\n".join(log.read_text()[-3000:] for log in logs if log.is_file())
            raise SystemExit(f"the demo did not start:\n{said}")
        time.sleep(0.2)


def read_environment(folder):
    lines = (folder / "demo.env").read_text().splitlines()
    variables = {name: shlex.split(value)[0] for name, _, value in (line.partition("=") for line in lines) if value}
    return {"MAIL_DIR": str(folder / "mail")} | variables


def free_ports():
    sockets = [socket.socket() for _ in PORTS]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


if __name__ == "__main__":
    # By hand: a demo that stays, its folder kept, until Ctrl-C.
    with demo(ROOT / "target/browser/demo", fresh=False, keep=True) as there:
        print(f"portal {there.portal}\nadmin  {there.admin}\nlogin  {there.username} {there.password}", flush=True)
        signal.pause()
