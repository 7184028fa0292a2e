"""Somebody in the cluster who calls the service: runs in a pod of the image, on the standard library alone.

Takes commands on its input and writes answers to its output, a line of JSON each: `request` is answered with what came
back, `connect` with whether somebody listens, `load` begins a load, `end` ends it and is answered with what came of it.
The load is sent from in here because a port-forward is tied to one pod, and would hide what a Service does.
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PATIENCE_SECONDS = 10
ENOUGH_SECONDS = 90
SILENCE_SECONDS = 3


@dataclass(frozen=True)
class Load:
    """Requests by turns: POST makes an object, GET reads the one that this connection made last.

    Most connections are kept open; the first `fresh` of them are opened anew for each request, so that an address that
    is still announced while nobody listens there is noticed.
    """

    url: str
    headers: dict[str, str]
    body: dict[str, object]
    per_second: float
    connections: int
    fresh: int


@dataclass
class Outcome:
    """What came of a load. `unknown` are POST requests without an answer: they may have had their effect."""

    seconds: float = 0
    slowest: float = 0
    posts: int = 0
    gets: int = 0
    opened: int = 0
    failed: Counter[str] = field(default_factory=Counter[str])
    unknown: Counter[str] = field(default_factory=Counter[str])


class Running:
    """A load that runs, a thread for each connection."""

    def __init__(self, load: Load) -> None:
        self._load = load
        address = urlsplit(load.url)
        # Looked up once, as clients that live long do: what is counted are the service's failures, not those of DNS.
        self._address = (socket.gethostbyname(address.hostname or ""), address.port or 80)
        self._host = address.netloc
        self._path = address.path
        self._body = json.dumps(load.body)
        self._outcome = Outcome()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._began = time.monotonic()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(load.connections)]
        for thread in self._threads:
            thread.start()

    def end(self, at_least: int) -> Outcome:
        """Stop, after so many requests were answered or some patience is used up."""
        given_up = time.monotonic() + ENOUGH_SECONDS
        while self._outcome.posts + self._outcome.gets < at_least and time.monotonic() < given_up:
            time.sleep(0.1)
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._outcome.seconds = time.monotonic() - self._began
        return self._outcome

    def _work(self, number: int) -> None:
        pause = self._load.connections / self._load.per_second
        headers = {**self._load.headers, "Host": self._host, "Content-Type": "application/json"}
        if number < self._load.fresh:
            headers["Connection"] = "close"
        connection = http.client.HTTPConnection(*self._address, timeout=PATIENCE_SECONDS)
        due = self._began + pause * number / self._load.connections
        made = ""
        while not self._over.wait(max(0.0, due - time.monotonic())):
            made = self._request(connection, headers, made)
            due = max(due + pause, time.monotonic())
        connection.close()

    def _request(self, connection: http.client.HTTPConnection, headers: dict[str, str], made: str) -> str:
        """Read the object `made`, or make one and return its path."""
        method, wanted = ("GET", 200) if made else ("POST", 201)
        began = time.monotonic()
        opened = sent = False
        trouble = location = ""
        try:
            if connection.sock is None:
                opened = True
                connection.connect()
            sent = True
            connection.request(method, made or self._path, None if made else self._body, headers)
            answer = connection.getresponse()
            answer.read()
            location = answer.getheader("Location", "")
            if answer.status != wanted:
                trouble, sent = f"status {answer.status}", False  # an answer, so nothing is unknown
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            trouble = f"{type(error).__name__} on a {'new' if opened else 'kept'} connection"
        taken = time.monotonic() - began
        with self._lock:
            outcome = self._outcome
            outcome.slowest = max(outcome.slowest, taken)
            outcome.opened += opened
            if trouble:
                counted = outcome.unknown if sent and not made else outcome.failed
                counted[f"{method}: {trouble}, {began - self._began:.1f} s after the begin"] += 1
            elif made:
                outcome.gets += 1
            else:
                outcome.posts += 1
        return location


def request(method: str, url: str, headers: dict[str, str], body: str | None) -> dict[str, object]:
    """Ask once, and tell what came back."""
    asked = urllib.request.Request(url, None if body is None else body.encode(), headers, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(asked, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310
            return {"status": answer.status, "headers": dict(answer.headers), "body": answer.read().decode()}
    except urllib.error.HTTPError as answer:
        return {"status": answer.code, "headers": dict(answer.headers), "body": answer.read().decode()}
    except OSError as error:
        return {"status": 0, "headers": {}, "body": repr(error)}


def connect(host: str, port: int) -> dict[str, object]:
    """Whether a connection succeeds; a network policy lets nothing come back."""
    try:
        socket.create_connection((host, port), timeout=SILENCE_SECONDS).close()
    except OSError as error:
        return {"connected": False, "why": repr(error)}
    return {"connected": True, "why": ""}


def main() -> None:
    running: Running | None = None
    for line in sys.stdin:
        command = json.loads(line)
        answer: Mapping[str, object] = {}
        if "request" in command:
            answer = request(**command["request"])
        elif "connect" in command:
            answer = connect(**command["connect"])
        elif "load" in command:
            running = Running(Load(**command["load"]))
        elif running is not None:
            outcome = running.end(**command["end"])
            # Python 3.13's `asdict` makes of a Counter one that counts its pairs.
            answer = vars(outcome) | {"failed": dict(outcome.failed), "unknown": dict(outcome.unknown)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
