"""The table of settings names every setting."""

import dataclasses

from tracehound.detectors.settings import DetectionSettings
from tracehound.scripts.documents.settings_table import table
from tracehound.streams.settings.gateway import GatewaySettings
from tracehound.streams.settings.intake import IntakeSettings
from tracehound.streams.settings.notify import NotifySettings
from tracehound.streams.settings.settings import Settings


def test_every_setting_is_in_the_table() -> None:
    shown = table()
    names = [*Settings.model_fields, *IntakeSettings.model_fields, *NotifySettings.model_fields]
    names += [*GatewaySettings.model_fields, *[setting.name for setting in dataclasses.fields(DetectionSettings)]]
    groups = {"console", "detection", "gateway", "incident_worker", "incidents", "intake", "kept_executions", "notify"}
    assert [name for name in names if name not in groups and f"| `{name}` |" not in shown] == []
