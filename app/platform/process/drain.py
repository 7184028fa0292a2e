"""Whether the process is on its way out."""


class Drain:
    """One for each application object, shared by the server, which begins it, and the layer, which tells clients."""

    __slots__ = ("draining",)

    def __init__(self) -> None:
        self.draining = False
        """True from the first SIGTERM or SIGINT on: readiness is 503 and every answer carries `Connection: close`."""

    def begin(self) -> None:
        """Starts the drain; doing it again changes nothing."""
        self.draining = True
