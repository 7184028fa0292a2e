"""Clients that ask all the time, and know what they were answered."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

import httpx2

from app.features.users.tokens import TokenIssuer
from app.platform.ids import new_id
from app.platform.settings import Database
from tests.support.application import ALL_SCOPES, settings_for

CLIENTS = 12
PAUSE = 0.3
"""Seconds between an answer and the next request of a client."""
ITEM = {"name": "x", "price": {"amount": "1", "currency": "EUR"}}


class People:
    """Some clients; `answers` counts what they got, by status."""

    def __init__(self, port: int, database: Database) -> None:
        token = TokenIssuer(settings_for(database).auth).issue(new_id(), ALL_SCOPES)
        self.answers: Counter[int] = Counter()
        self._address = f"http://127.0.0.1:{port}"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._lock = threading.Lock()

    @contextmanager
    def asking(self) -> Generator[None]:
        """While the block lasts they ask; at its end no request is open."""
        over = threading.Event()
        threads = [threading.Thread(target=self._ask, args=(over,)) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def _ask(self, over: threading.Event) -> None:
        """What people ask, and what they get wrong."""
        with httpx2.Client(base_url=self._address, headers=self._headers, timeout=20) as client:
            while not over.is_set():
                answer = self._note(client.post("/api/v2/items", json=ITEM), over)
                made = f"/{answer.json()['id']}" if answer.status_code == 201 else ""
                for path in (f"/api/v2/items{made}", "/api/v2/items", "/nowhere"):
                    self._note(client.get(path), over)
                self._note(client.post("/api/v2/items", json={}), over)

    def _note(self, answer: httpx2.Response, over: threading.Event) -> httpx2.Response:
        with self._lock:
            self.answers[answer.status_code] += 1
        over.wait(PAUSE)
        return answer
