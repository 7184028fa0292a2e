"""`/admin/telemetry` on the metrics port: what is in force there, and a signed change of it for a while."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

import orjson

from ..telemetry.exposition import Answer, problem
from ..telemetry.overrides import OverrideError

if TYPE_CHECKING:
    from ..auth.signed_change import ChangeVerifier
    from ..telemetry.overrides import Overrides

PATH = "/admin/telemetry"


class Control:
    """Answers in the threads of the metrics port, so that a blocked event loop can be looked into as well."""

    def __init__(self, overrides: Overrides, verifier: ChangeVerifier) -> None:
        self._overrides = overrides
        self._verifier = verifier
        self._lock = Lock()

    def state(self) -> Answer:
        """200 with each setting, what it is and until when."""
        return Answer(200, orjson.dumps(self._overrides.state(), option=orjson.OPT_UTC_Z), "application/json")

    def change(self, document: bytes) -> Answer:
        """200 with the state after the change; 401 for a document that is not signed for this, 422 for a bad change."""
        from ..auth.signed_change import ChangeError

        try:
            with self._lock:
                change = self._verifier.read(document)
            self._overrides.apply(change)
        except ChangeError as error:
            return problem(401 if error.forged else 422, str(error))
        except OverrideError as error:
            return problem(422, str(error))
        return self.state()
