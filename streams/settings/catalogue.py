"""Everything that can be set, as data: for documents, for the example file, and to answer misspelt names."""

import dataclasses
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: of which part (empty: of none), its name, default, legal range and meaning.

    ``default`` is what a TOML file would hold; None where it has none. ``examples`` are values to show then.
    """

    part: str
    name: str
    default: object
    range: str
    meaning: str
    examples: tuple[object, ...] = ()

    @property
    def path(self) -> str:
        """Its name with that of its part, as errors say it."""
        return f"{self.part}.{self.name}" if self.part else self.name


def every_setting(model: type[BaseModel]) -> Iterator[Setting]:
    """The settings of ``model`` in their order: first those of no part, then part by part."""
    parts = [name for name, field in model.model_fields.items() if _is_part(field.annotation)]
    yield from _of_model("", {name: field for name, field in model.model_fields.items() if name not in parts})
    for name in parts:
        annotation = model.model_fields[name].annotation
        if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
            yield from _of_dataclass(name, annotation)
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _of_model(name, annotation.model_fields)


def names_beside(annotation: Any, location: Sequence[int | str]) -> list[str]:
    """The names that are legal in the place of the last part of ``location``; none where any name is.

    ``location`` is that of an error of pydantic: names, keys, indexes, and tags of discriminated unions.
    """
    annotation = _bare(annotation)
    fields = _fields(annotation)
    if fields is not None:
        if len(location) == 1:
            return [str(name) for name in fields]
        return names_beside(fields[location[0]], location[1:]) if location and location[0] in fields else []
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType) and location:
        tagged = [one for one in inner if location[0] in _tags(one)]
        return names_beside(tagged[0], location[1:]) if tagged else []
    if origin in (dict, tuple, list) and len(location) > 1:
        return names_beside(inner[1 if origin is dict else 0], location[1:])
    return []


def _bare(annotation: Any) -> Any:
    """The annotation without what is said about it, and without None."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        others = [one for one in get_args(annotation) if one is not type(None)]
        return _bare(others[0]) if len(others) == 1 else annotation
    return annotation


def _fields(annotation: Any) -> Mapping[int | str, Any] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {name: field.annotation for name, field in annotation.model_fields.items()}
    if dataclasses.is_dataclass(annotation):
        return {field.name: field.type for field in dataclasses.fields(annotation)}
    return None


def _tags(annotation: Any) -> tuple[str, ...]:
    fields = _fields(_bare(annotation)) or {}
    return get_args(fields["kind"]) if get_origin(fields.get("kind")) is Literal else ()


def _is_part(annotation: Any) -> bool:
    return _fields(annotation) is not None


def _of_model(part: str, fields: Mapping[str, FieldInfo]) -> Iterator[Setting]:
    for name, field in fields.items():
        default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        yield Setting(part, name, default, _range(field), field.description or "", tuple(field.examples or ()))


def _of_dataclass(part: str, settings: Any) -> Iterator[Setting]:
    for setting in dataclasses.fields(settings):
        about = setting.metadata
        legal = f"{about['low']} to {about['high']}" if "low" in about else ""
        yield Setting(part, setting.name, setting.default, legal, about["meaning"])


def _range(field: FieldInfo) -> str:
    low = next((f"≥ {rule.ge}" for rule in field.metadata if isinstance(rule, Ge)), "")
    low = low or next((f"> {rule.gt}" for rule in field.metadata if isinstance(rule, Gt)), "")
    high = next((f"≤ {rule.le}" for rule in field.metadata if isinstance(rule, Le)), "")
    return ", ".join(part for part in (low, high) if part)
