"""The model event of an application whose executions are sampled otherwise than before."""

from tracehound.detectors.alarms.events import model_event
from tracehound.detectors.application.models import ApplicationModels
from tracehound.detectors.features.sampling import SamplingChange
from tracehound.schemas.model_event import ModelChange, ModelEvent


def sampling_changed(application: ApplicationModels, change: SamplingChange, now_s: float) -> ModelEvent:
    """What each execution stands for has changed, or whether anybody knows it."""
    name, seen = application.key[0], application.seen
    if not change.after:
        sentence = (
            f"Executions of {name} are sampled, and nothing says how many each stands for: its traffic and its shares "
            "of failures are not judged."
        )
    else:
        before = "an unknown number" if not change.before else f"{change.before:.3g}"
        sentence = (
            f"The sampling of {name} has changed: each execution stands for {change.after:.3g}, and stood for {before} "
            "before. Traffic and shares of failures are weighed by it."
        )
    told = ModelChange(*application.key, "", "all", "sampling_changed", learned=seen, needed=0, sentence=sentence)
    return model_event(now_s, told)
