"""Whether a connection is read from."""

from uvicorn.protocols.http.flow_control import FlowControl


class HeldFlow(FlowControl):
    """Does not read on while something is held back, whatever the application asks for."""

    held = False

    def resume_reading(self) -> None:
        """Reads on, if reading was paused and nothing is held back."""
        if self.read_paused and not self.held:
            super().resume_reading()
