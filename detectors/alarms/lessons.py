"""What people's verdicts change in one application: learned in order with its executions, heeded, given up."""

from tracehound.detectors.alarms import events
from tracehound.detectors.application.models import ApplicationModels
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.telling.alarm import Alarm
from tracehound.detectors.telling.feedback import DAY_S, Change
from tracehound.schemas.feedback import Lesson
from tracehound.schemas.model_event import ModelEvent


class Lessons:
    """Learns verdicts and says which alarms they keep from being told; what is known is with each application."""

    def __init__(self, settings: DetectionSettings) -> None:
        self._settings = settings
        self._life_s = settings.feedback_days * DAY_S

    def learn(self, application: ApplicationModels, lesson: Lesson, newest_s: float) -> list[ModelEvent]:
        """Learn of a verdict, and tell what it changed; ``newest_s`` is the newest execution's event time."""
        changes = application.feedback.learn(lesson, application.peaks, self._life_s)
        for change in changes:
            if change.lesson.judgement == "expected_change":
                self._expect(application, change, newest_s)
        return [self._told(application, change, lesson.judged_at) for change in changes]

    def _expect(self, application: ApplicationModels, change: Change, newest_s: float) -> None:
        """What deviates since the change is accepted soon; the chart saw it somewhat earlier than it was told."""
        application.expected_s = application.expected_until_s = float("-inf")
        if change.occasion == "learned":
            told_s = [pattern.at_s for pattern in change.lesson.patterns]
            application.expected_s = min(told_s) - self._settings.release_patience_s
            application.expected_until_s = max([*told_s, newest_s]) + self._settings.release_window_s

    def expire(self, application: ApplicationModels, now_s: float) -> list[ModelEvent]:
        """Give up the verdicts that are too old at event time ``now_s``, and tell it."""
        changes = application.feedback.expire(now_s, self._life_s)
        return [self._told(application, change, now_s) for change in changes]

    def untold(self, application: ApplicationModels, alarms: list[Alarm], now_s: float) -> list[Alarm]:
        """Those of one execution's or window's alarms that need not be told at event time ``now_s``."""
        return application.feedback.untold(alarms, now_s)

    def _told(self, application: ApplicationModels, change: Change, now_s: float) -> ModelEvent:
        return events.feedback(application, change, self._settings.feedback_days, now_s)
