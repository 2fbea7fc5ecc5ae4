"""CloudEvents of the scoring core; their ids follow from content alone."""

from urllib.parse import quote

from tracehound.detectors.application.models import ApplicationModels, OperationModels
from tracehound.detectors.application.subject import Subject
from tracehound.detectors.charts.drift import LIMIT, NOISE
from tracehound.detectors.charts.priors import PRIOR_VERSION
from tracehound.detectors.telling.feedback import Change
from tracehound.detectors.telling.names import identity
from tracehound.schemas.anomaly import ANOMALY_TYPE, SEVERITIES, Anomaly, AnomalyEvent, Severity
from tracehound.schemas.application_settings import ApplicationSettings
from tracehound.schemas.execution import ApplicationKey, rfc3339
from tracehound.schemas.feedback import Lesson
from tracehound.schemas.model_event import MODEL_EVENT_TYPES, ModelChange, ModelEvent


def graver(one: Severity | None, other: Severity) -> Severity:
    """The graver of two severities.

    >>> graver(None, "minor"), graver("critical", "major")
    ('minor', 'critical')
    """
    return other if one is None or SEVERITIES.index(other) > SEVERITIES.index(one) else one


def source(key: ApplicationKey) -> str:
    """The CloudEvents source, a URI reference, of an application's events.

    >>> source(("my shop", ""))
    '/tracehound/my%20shop'
    """
    application, environment = (quote(name, safe="") for name in key)
    return f"/tracehound/{environment}/{application}" if environment else f"/tracehound/{application}"


def anomaly(key: ApplicationKey, identifier: str, time_s: float, data: Anomaly) -> AnomalyEvent:
    """The event of an anomaly; ``time_s`` is event time in epoch seconds."""
    return AnomalyEvent(
        id=identifier,
        source=source(key),
        type=ANOMALY_TYPE,
        subject=data.operation,
        time=rfc3339(time_s),
        data=data,
    )


def model_event(time_s: float, data: ModelChange, occasion: str = "") -> ModelEvent:
    """The event of a model change; ``time_s`` is event time in epoch seconds.

    ``occasion`` tells changes apart that may happen again without anything learned in between.
    """
    key = (data.application, data.environment)
    what = (data.operation, data.model, data.change, str(data.learned))
    return ModelEvent(
        id=identity(*key, *what, *([occasion] if occasion else [])),
        source=source(key),
        type=MODEL_EVENT_TYPES[data.change],
        subject=data.operation or data.application,
        time=rfc3339(time_s),
        data=data,
    )


def warming(key: ApplicationKey, needed: int, time_s: float) -> ModelEvent:
    """An application was seen for the first time."""
    sentence = (
        f"{key[0]} is new: each of its operations needs {needed} executions to rank others among, and is judged beside "
        f"what is usual elsewhere until then (shipped prior, version {PRIOR_VERSION})."
    )
    change = ModelChange(*key, "", "rank-ewma-chart", "warming", learned=0, needed=needed, sentence=sentence)
    return model_event(time_s, change)


def new_operation(application: ApplicationModels, name: str, needed: int, time_s: float) -> ModelEvent:
    """An operation of a known application was seen for the first time."""
    key = application.key
    sentence = (
        f"{name} of {key[0]} is new and has too few executions to rank others among: it needs {needed} of its own, "
        f"and is judged beside what is usual in {key[0]} until then."
    )
    change = ModelChange(*key, name, "rank-ewma-chart", "warming", learned=0, needed=needed, sentence=sentence)
    return model_event(time_s, change)


def drift(subject: Subject, feature: str, psi: float, refitted: bool) -> ModelEvent:
    """The values of a feature of an operation are no longer distributed as they were."""
    key, operation = subject.application.key, subject.operation
    follows = f" The models of {key[0]} are refitted." if refitted else ""
    sentence = (
        f"{feature} of {operation.name} in {key[0]} has drifted: its population stability index is {psi:.2f}, the "
        f"limit is {LIMIT + NOISE:.2f}.{follows}"
    )
    model = f"population-stability-index {feature}"
    change = ModelChange(*key, operation.name, model, "drift", learned=operation.seen, needed=0, sentence=sentence)
    return model_event(subject.now_s, change)


def ready(key: ApplicationKey, operation: OperationModels, time_s: float) -> ModelEvent:
    """An operation has been seen often enough to be judged."""
    sentence = f"{operation.name} of {key[0]} is judged from now on: {operation.seen} executions learned."
    change = ModelChange(
        *key, operation.name, "rank-ewma-chart", "ready", learned=operation.seen, needed=0, sentence=sentence
    )
    return model_event(time_s, change)


def unreadable(key: ApplicationKey, why: str, time_s: float) -> ModelEvent:
    """The stored state of an application cannot be read, so it is learned anew."""
    sentence = f"The stored state of {key[0]} cannot be used, so it starts cold: {why}"
    change = ModelChange(*key, "", "all", "loss", learned=0, needed=0, sentence=sentence)
    return model_event(time_s, change)


def records_lost(topic: str, partition: int, wanted: int, resumed_at: int, time_s: float) -> ModelEvent:
    """Kafka deleted records before they were scored; which applications they were of is not known.

    ``time_s`` is when that was noticed: the records had no other time to tell.
    """
    sentence = (
        f"Records {wanted} to {resumed_at - 1} of partition {partition} of {topic} were deleted before they were "
        "scored: nothing was learned from them, and nothing in them was found."
    )
    change = ModelChange("", "", "", "all", "loss", learned=0, needed=0, sentence=sentence)
    return model_event(time_s, change, f"{topic}-{partition}-{wanted}")


def reset(key: ApplicationKey, asked_s: float) -> ModelEvent:
    """An operator had the models of an application forgotten."""
    sentence = f"The models of {key[0]} were reset as asked at {rfc3339(asked_s)}: it is learned anew."
    return _asked(key, sentence, asked_s)


def imported(key: ApplicationKey, asked_s: float) -> ModelEvent:
    """An operator had the models of an application replaced."""
    sentence = f"The models of {key[0]} were replaced as asked at {rfc3339(asked_s)}."
    return _asked(key, sentence, asked_s)


def training(application: ApplicationModels, model: str, needed: int, asked_s: float) -> ModelEvent:
    """An operator had the models of an application trained now; they judge after so many more executions."""
    key = application.key
    sentence = f"{model} of {key[0]} is trained as asked at {rfc3339(asked_s)}, and judges after {needed} executions."
    change = ModelChange(*key, "", model, "training", learned=application.seen, needed=needed, sentence=sentence)
    return model_event(asked_s, change, str(asked_s))


def not_trained(key: ApplicationKey, why: str, asked_s: float) -> ModelEvent:
    """An operator wanted the models of an application trained, which they cannot be."""
    sentence = f"The models of {key[0]} are not trained as asked at {rfc3339(asked_s)}: {why}."
    change = ModelChange(*key, "", "all", "training_failed", learned=0, needed=0, sentence=sentence)
    return model_event(asked_s, change, str(asked_s))


def _asked(key: ApplicationKey, sentence: str, asked_s: float) -> ModelEvent:
    change = ModelChange(*key, "", "all", "reset", learned=0, needed=0, sentence=sentence)
    return model_event(asked_s, change, str(asked_s))


def settled(said: ApplicationSettings, place: str, refused: str = "") -> ModelEvent:
    """An application has settings of its own from now on, or (``refused`` says why) has not; ``place`` is that of the
    record that asks for it."""
    named = ", ".join(f"{name} {value:g}" for name, value in sorted(said.settings.items()))
    has = f"{named} of its own" if named and not refused else "the settings of the workers"
    why = f" ({said.why})" if said.why else ""
    sentence = f"{said.application} is judged by {has} from now on: version {said.version}{why}."
    if refused:
        sentence = f"Version {said.version} of the settings of {said.application} cannot be: {refused} It has {has}."
    change = ModelChange(
        *said.key,
        "",
        "all",
        "settings_refused" if refused else "settings_changed",
        learned=0,
        needed=0,
        sentence=sentence,
        settings={} if refused else dict(said.settings),
        settings_version=said.version,
    )
    return model_event(said.asked_at, change, f"{said.version} {place}")


def dropped(application: ApplicationModels, limit: int, time_s: float) -> ModelEvent:
    """The models of an application were given up for those of another one."""
    name = application.key[0]
    sentence = (
        f"The models of {name} were dropped: it was idle longest, and the worker's limit is {limit} applications."
    )
    change = ModelChange(*application.key, "", "all", "reset", learned=application.seen, needed=0, sentence=sentence)
    return model_event(time_s, change)


def release(application: ApplicationModels, version: str, patience_s: float, time_s: float) -> ModelEvent:
    """A version that was never seen before."""
    name = application.key[0]
    sentence = (
        f"{name} was released as {version}: a deviation that lasts for {patience_s:.0f} s is taken as its new normal."
    )
    change = ModelChange(
        *application.key,
        "",
        "rank-ewma-chart",
        "release",
        learned=application.seen,
        needed=0,
        sentence=sentence,
        version=version,
    )
    return model_event(time_s, change)


def new_normal(subject: Subject, what: str, signal: str, lasted_s: float) -> ModelEvent:
    """A lasting deviation of ``what`` (an operation, or a called peer) was taken as the new normal."""
    key = subject.application.key
    sentence = f"{signal} of {what} in {key[0]} is judged against a new normal: it had deviated for {lasted_s:.0f} s."
    model = f"rank-ewma-chart {signal}"
    change = ModelChange(*key, what, model, "new_normal", learned=subject.number, needed=0, sentence=sentence)
    return model_event(subject.now_s, change)


def feedback(application: ApplicationModels, change: Change, days: float, time_s: float) -> ModelEvent:
    """A lesson was learned, withdrawn, or is no longer valid."""
    key, lesson = application.key, change.lesson
    sentence = _FEEDBACK[change.occasion].format(
        subject=lesson.subject_id,
        name=key[0],
        judged=_JUDGED[lesson.judgement],
        by=f" by {lesson.by}" if lesson.by else "",
        patterns="1 pattern" if change.patterns == 1 else f"{change.patterns} patterns",
        then=_then(lesson, days),
    )
    told = ModelChange(*key, "", "all", "feedback", learned=application.seen, needed=0, sentence=sentence)
    return model_event(time_s, told, f"{lesson.subject_id} {change.occasion} {lesson.judged_at}")


_JUDGED = {"false_positive": "a false positive", "confirmed": "a fault", "expected_change": "an expected change"}
_FEEDBACK = {
    "learned": "{subject} was judged {judged}{by}: its {patterns} in {name} {then}.",
    "withdrawn": "The verdict on {subject} was withdrawn: its {patterns} in {name} had been judged {judged}.",
    "expired": "The verdict on {subject} is too old to count: its {patterns} in {name} had been judged {judged}.",
    "forgotten": "The verdict on {subject} was forgotten for later ones: its {patterns} in {name} were {judged}.",
}


def _then(lesson: Lesson, days: float) -> str:
    if lesson.judgement == "confirmed":
        return "are told, whatever was judged before"
    soon = ", and soon are the new normal" if lesson.judgement == "expected_change" else ""
    return f"are not told again up to 20 % beyond that, for {days:g} days{soon}"
