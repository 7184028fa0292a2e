"""Ends connections whose client does not read the answer to its request."""

from .joined import JoinedTransport
from .limits import Limits, RateWindow


class Unsent:
    """Checks at each sweep what one connection still has to send.

    A client must read `min_body_bytes_per_second` over a window of `write_timeout_seconds`. Only acknowledged bytes
    count: the kernel accepts megabytes at once, and then nothing for a long time.
    """

    __slots__ = ("_counted", "_limits", "_transport", "_window")

    def __init__(self, transport: JoinedTransport, limits: Limits) -> None:
        self._transport = transport
        self._limits = limits
        self._window: RateWindow | None = None
        self._counted = False

    def sweep(self, seconds: float, *, answered: bool) -> None:
        """Aborts a connection that is too slow; a complete but unread answer counts as an active request."""
        transport = self._transport
        if not transport.get_write_buffer_size():
            if self._window is not None:
                self.end()
            return
        if answered != self._counted:
            self._counted = answered
            (self._limits.active_requests.inc if answered else self._limits.active_requests.dec)()
        if self._window is None:
            http = self._limits.http
            self._window = RateWindow(http.write_timeout_seconds, http.min_body_bytes_per_second)
            self._window.restart(transport.acknowledged())
        elif self._window.too_slow(transport.acknowledged(), seconds):
            self._limits.refuse("slow_client")
            transport.abort()

    def end(self) -> None:
        """Everything was sent, or the connection is lost."""
        self._window = None
        if self._counted:
            self._counted = False
            self._limits.active_requests.dec()
