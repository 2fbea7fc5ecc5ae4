"""Refits of an application's models: started at a count of executions, run elsewhere, in effect at a later count."""

from concurrent.futures import Future
from typing import Any

from detectors import events
from detectors.application import ApplicationKey, ApplicationModels, Refit, seed_of
from detectors.ensemble import Ensemble
from detectors.fitting import Fitter
from detectors.refitting import next_refit
from detectors.settings import DetectionSettings
from schemas.model_event import ModelChange, ModelEvent, TrainingCost

SMALLEST_SAMPLE = 64
"""Rows below which a refit is put off to the next one."""


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
        application.next_stop = min([application.next_refit, *(refit.due_at_count for refit in application.refits)])

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
        if application.seen >= application.next_refit:
            self._start(application, now_s)
            self.schedule(application)
        self._set_stop(application)

    def _start(self, application: ApplicationModels, now_s: float) -> None:
        for name, bank in self._banks.items():
            sample = bank.sample(application.slot)
            if len(sample[0]) < SMALLEST_SAMPLE:
                continue
            due = application.seen + self._settings.refit_delay
            refit = Refit(name, sample, application.seen, due, now_s)
            application.refits.append(refit)
            self._submit(application, refit)

    def _submit(self, application: ApplicationModels, refit: Refit) -> None:
        future = self._fitter.submit(self._banks[refit.detector].fit, *refit.sample)
        self._running[application.key, refit.detector, refit.started_at_count] = future

    def resume(self, application: ApplicationModels) -> None:
        """Start again, from their frozen samples, the refits that a restored application had under way."""
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
            round(float(fitted["cpu_s"]), 6), round(float(fitted["wall_s"]), 6), samples, bank.fitted_bytes()
        )
        sentence = (
            f"{refit.detector} of {application.key[0]} was trained on {samples} of "
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
        """Give up the application's refits."""
        for refit in application.refits:
            self._running.pop((application.key, refit.detector, refit.started_at_count)).cancel()
