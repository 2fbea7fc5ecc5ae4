"""Whether objects are what Kubernetes takes: each against the published schema of its kind, unknown fields refused."""

import copy
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import jsonschema
import kubernetes_validate
import yaml

from tracehound.scripts.manifests.go_tools import KEDA, PROMETHEUS_OPERATOR, module_folder

OLDEST: Final = "1.29"
"""The oldest Kubernetes that the chart says it is for."""

_CUSTOM: Final = {
    "ScaledObject": (KEDA, "config/crd/bases/keda.sh_scaledobjects.yaml"),
    "TriggerAuthentication": (KEDA, "config/crd/bases/keda.sh_triggerauthentications.yaml"),
    "PodMonitor": (PROMETHEUS_OPERATOR, "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml"),
    "PrometheusRule": (
        PROMETHEUS_OPERATOR,
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
    ),
}


def judge(one: Mapping[str, Any]) -> None:
    """Hold one object against its schemas: of the oldest and the newest Kubernetes, or of its operator.

    Raises:
        jsonschema.ValidationError: it is not what they say.
        kubernetes_validate.SchemaNotFoundError: nobody knows its kind.
    """
    if one["kind"] in _CUSTOM:
        jsonschema.validate(one, _custom_schema(one["kind"], one["apiVersion"]))
        return
    for version in (OLDEST, kubernetes_validate.latest_version()):
        kubernetes_validate.validate(dict(one), version, strict=True)


@cache
def _custom_schema(kind: str, api_version: str) -> dict[str, Any]:
    module, file = _CUSTOM[kind]
    definition = yaml.safe_load((module_folder(module) / file).read_text())
    (found,) = (
        version["schema"]["openAPIV3Schema"]
        for version in definition["spec"]["versions"]
        if f"{definition['spec']['group']}/{version['name']}" == api_version
    )
    closed: dict[str, Any] = _closed(found)
    return closed


def _closed(schema: Any) -> Any:
    """The schema with no other fields than it names, which an API server would prune, so that an error goes unseen.

    Patterns are Go's, of which a few are none of Python's; those are left out.
    """
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return copy.copy(schema)
    closed = {name: _closed(one) for name, one in schema.items()}
    if isinstance(closed.get("pattern"), str) and not _compiles(closed["pattern"]):
        del closed["pattern"]
    whole = "properties" in closed and closed.get("type") == "object"
    if whole and "additionalProperties" not in closed and not closed.get("x-kubernetes-preserve-unknown-fields"):
        if set(closed["properties"]) >= {"metadata", "kind", "apiVersion"}:
            closed["properties"]["metadata"] = {"type": "object"}
        closed["additionalProperties"] = False
    return closed


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True
