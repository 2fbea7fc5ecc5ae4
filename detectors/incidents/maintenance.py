"""Maintenance windows: which of them cover an application at a time, so that nobody is told of its incidents."""

from collections.abc import Iterable

from tracehound.schemas.feedback import ANYWHERE, Maintenance

WINDOWS = 1_000
"""Windows that are kept; of more, those that end first are forgotten."""


class MaintenanceWindows:
    """All windows that were announced; ``windows``, by their id, is the state, and is changed in place."""

    def __init__(self, windows: dict[str, Maintenance]) -> None:
        self._windows = windows

    def __bool__(self) -> bool:
        return bool(self._windows)

    def announce(self, window: Maintenance) -> None:
        """Take a window, which replaces one of the same id, or take one back."""
        self._windows.pop(window.window_id, None)
        if not window.withdrawn:
            self._windows[window.window_id] = window
        if len(self._windows) > WINDOWS:
            del self._windows[min(self._windows, key=lambda one: (self._windows[one].ends_at, one))]

    def covering(self, environment: str, deviations: Iterable[tuple[str, float]]) -> Maintenance | None:
        """The window that ends first of those needed to cover all ``deviations``: applications with event times.

        None where one of them is not covered.
        """
        windows = [one for one in self._windows.values() if one.environment in (environment, ANYWHERE)]
        if not windows:
            return None
        needed = [_last_to_cover(windows, application, at_s) for application, at_s in deviations]
        found = [window for window in needed if window is not None]
        if len(found) < len(needed):
            return None
        return min(found, key=lambda window: (window.ends_at, window.window_id), default=None)


def _last_to_cover(windows: list[Maintenance], application: str, at_s: float) -> Maintenance | None:
    covering = [
        window
        for window in windows
        if window.application in ("", application) and window.starts_at <= at_s < window.ends_at
    ]
    return max(covering, key=lambda window: (window.ends_at, window.window_id), default=None)
