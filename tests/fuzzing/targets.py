"""What is fuzzed: everything that reads bytes from elsewhere, with what must hold whatever the bytes are.

A target's ``read`` takes any bytes. It returns where they were taken or refused as they should be, and raises where
not. Its ``seeds`` are good bytes, from which a fuzzer goes on.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.fuzzing import asked, heard, internal, outside, states


@dataclass(frozen=True, slots=True)
class Target:
    """Something that reads bytes; ``compiled``: within kernels, whose bounds are then checked."""

    read: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    compiled: bool = False


TARGETS = {
    "executions": Target(outside.read_executions, outside.executions, compiled=True),
    "envelopes": Target(outside.read_envelope, outside.enveloped),
    "spans": Target(outside.read_spans, outside.spans, compiled=True),
    "gateway": Target(outside.read_request, outside.requests),
    "settings": Target(outside.read_settings, outside.settings),
    "model-states": Target(states.read_model, states.models, compiled=True),
    "books": Target(states.read_book, states.books),
    "checkpoints": Target(states.read_checkpoint, states.checkpoints),
    "pieces": Target(states.read_pieces, states.pieces),
    "span-batches": Target(internal.read_span_batch, internal.span_batches),
    "incident-input": Target(internal.read_incident_input, internal.incident_inputs),
    "control": Target(internal.read_control_record, internal.controls),
    "application-settings": Target(asked.read_settings_record, asked.application_settings),
    "score-requests": Target(asked.read_request_record, asked.score_requests),
    "tuning": Target(asked.read_tuning_record, asked.tuning_records),
    "incidents": Target(internal.read_incident, internal.incidents),
    "what-people-say": Target(heard.read_said, heard.said),
    "log-events": Target(heard.read_log_events, heard.log_events),
    "log-checkpoints": Target(heard.read_log_checkpoint, heard.log_checkpoints),
    "owed-messages": Target(heard.read_commit_of_others, heard.commits),
}
