"""Refits of an application's models: started at a count of executions, run elsewhere, in effect at a later count."""

from concurrent.futures import Future
from typing import Any

from tracehound.detectors.alarms import events
from tracehound.detectors.application.models import ApplicationModels, Refit, seed_of
from tracehound.detectors.ensemble.ensemble import Ensemble
from tracehound.detectors.forests.fitting import Fitter
from tracehound.detectors.forests.refitting import next_refit
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.model_event import ModelChange, ModelEvent, TrainingCost

SMALLEST_SAMPLE = 64
"""Rows below which a refit is put off to the next one."""
AFTER_DRIFT = 1_024
"""Executions between a drift and the refit it leads to: the sample must hold some of what is new. Also the most that
may be judged at once, so that the refit's count still lies ahead when the drift is known."""
DRIFT_REST = 10
"""After any refit, in multiples of ``first_refit`` executions, before another one because of a drift."""
SCHEDULED, DRIFTED, DEMANDED = "on schedule", "after drift", "on demand"


class Refits:
    """Starts and installs the refits of all applications."""

    def __init__(self, settings: DetectionSettings, ensemble: Ensemble, fitter: Fitter) -> None:
        self._settings = settings
        self._ensemble = ensemble
        self._banks = ensemble.refitted()
        self._fitter = fitter
        self._running: dict[tuple[ApplicationKey, str, int], Future[Any]] = {}

    def schedule(self, application: ApplicationModels) -> None:
        """Set the counts at which the application's next refit starts and something happens next."""
        stagger = (seed_of(*application.key, "refit") % 1024) / 1024
        application.next_refit = next_refit(application.seen, stagger, self._settings)
        self._set_stop(application)

    def _set_stop(self, application: ApplicationModels) -> None:
        counts = [application.next_refit, *(refit.due_at_count for refit in application.refits)]
        asked = application.asked_refit
        application.next_stop = min(counts if asked is None else [*counts, asked])

    def demand(self, application: ApplicationModels, asked_s: float) -> ModelEvent:
        """Refit from the next execution on, or once the refits under way have taken effect; returns what is told."""
        if not self._banks:
            return events.not_trained(application.key, "none of its detectors is trained", asked_s)
        self._ask(application, application.seen, DEMANDED)
        start = max(application.seen, application.asked_refit or 0)
        needed = start - application.seen + self._settings.refit_delay
        return events.training(application, ", ".join(self._banks), needed, asked_s)

    def drifted(self, application: ApplicationModels, count: int) -> bool:
        """Refit after a drift seen at ``count`` executions, but not soon after another refit. False where nothing is
        refitted.
        """
        if not self._banks:
            return False
        earliest = application.last_refit + DRIFT_REST * self._settings.first_refit
        self._ask(application, max(count + AFTER_DRIFT, earliest), DRIFTED)
        return True

    def _ask(self, application: ApplicationModels, count: int, why: str) -> None:
        start = max([count, *(refit.due_at_count for refit in application.refits)])
        if application.asked_refit is None or start < application.asked_refit:
            application.asked_refit, application.asked_why = start, why
        self._set_stop(application)

    def under_way(self) -> set[ApplicationKey]:
        """The applications whose fits have been started and not installed."""
        return {application for application, _, _ in self._running}

    def due(self, application: ApplicationModels, coming: int) -> list[Future[Any]]:
        """Unfinished fits that take effect within the next ``coming`` executions."""
        futures = (
            self._running[application.key, refit.detector, refit.started_at_count]
            for refit in application.refits
            if refit.due_at_count < application.seen + coming
        )
        return [future for future in futures if not future.done()]

    def advance(self, application: ApplicationModels, now_s: float, told: list[ModelEvent]) -> None:
        """Install what is due, start what is due; ``now_s`` is event time. Waits for unfinished fits."""
        for refit in [refit for refit in application.refits if refit.due_at_count <= application.seen]:
            application.refits.remove(refit)
            told.append(self._install(application, refit, now_s))
        asked = application.asked_refit is not None and application.seen >= application.asked_refit
        if asked or application.seen >= application.next_refit:
            why = application.asked_why if asked else SCHEDULED
            application.asked_refit, application.asked_why = None, ""
            self._start(application, why, now_s, told)
            self.schedule(application)
        self._set_stop(application)

    def _start(self, application: ApplicationModels, why: str, now_s: float, told: list[ModelEvent]) -> None:
        for name, bank in self._banks.items():
            sample = bank.sample(application.slot)
            due = application.seen + self._settings.refit_delay
            refit = Refit(name, sample, application.seen, due, now_s, why)
            if len(sample[0]) >= SMALLEST_SAMPLE:
                application.refits.append(refit)
                application.last_refit = application.seen
                self._submit(application, refit)
            elif why == DEMANDED:
                told.append(self._too_few(application, refit, now_s))
            else:  # its operations are still warming up
                self._ask(application, application.seen + self._settings.first_refit, why)

    def _too_few(self, application: ApplicationModels, refit: Refit, now_s: float) -> ModelEvent:
        sentence = (
            f"{refit.detector} of {application.key[0]} was not trained {refit.why}: it has "
            f"{len(refit.sample[0])} executions to learn from and needs {SMALLEST_SAMPLE}."
        )
        return self._event(application, refit, "training_failed", sentence, None, now_s)

    def _submit(self, application: ApplicationModels, refit: Refit) -> None:
        future = self._fitter.submit(self._banks[refit.detector].fit, *refit.sample)
        self._running[application.key, refit.detector, refit.started_at_count] = future

    def resume(self, application: ApplicationModels) -> None:
        """Start again, from their frozen samples, the refits that a restored application had under way.

        Those of detectors that no longer run are given up.
        """
        application.refits = [refit for refit in application.refits if refit.detector in self._banks]
        for refit in application.refits:
            self._submit(application, refit)
        self._set_stop(application)

    def _install(self, application: ApplicationModels, refit: Refit, now_s: float) -> ModelEvent:
        bank = self._banks[refit.detector]
        future = self._running.pop((application.key, refit.detector, refit.started_at_count))
        samples = len(refit.sample[0])
        try:
            fitted = future.result()
        except Exception as error:  # noqa: BLE001 (whatever the fit's library raises, the old model goes on judging)
            sentence = f"{refit.detector} of {application.key[0]} kept its old model: training failed with {error!r}."
            return self._event(application, refit, "training_failed", sentence, None, now_s)
        self._ensemble.install(refit.detector, application.slot, fitted, seed_of(*application.key))
        application.trained_s = refit.started_s
        cost = TrainingCost(
            round(float(fitted["cpu_s"]), 6),
            round(float(fitted["wall_s"]), 6),
            samples,
            bank.fitted_bytes(),
            len(refit.sample[0][0]),
            refit.why,
        )
        sentence = (
            f"{refit.detector} of {application.key[0]} was trained {refit.why} on {samples} of "
            f"{refit.started_at_count} executions in {cost.cpu_s:.2f} CPU seconds."
        )
        return self._event(application, refit, "trained", sentence, cost, now_s)

    @staticmethod
    def _event(
        application: ApplicationModels,
        refit: Refit,
        change: Any,
        sentence: str,
        cost: TrainingCost | None,
        now_s: float,
    ) -> ModelEvent:
        learned = refit.started_at_count
        data = ModelChange(*application.key, "", refit.detector, change, learned, 0, sentence, cost)
        return events.model_event(now_s, data)

    def forget(self, application: ApplicationModels) -> None:
        """Give up the application's refits, of which those that it was restored with may not run yet."""
        for refit in application.refits:
            running = self._running.pop((application.key, refit.detector, refit.started_at_count), None)
            if running is not None:
                running.cancel()
