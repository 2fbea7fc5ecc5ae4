"""The exit statuses of `tracehound`: stable, for scripts that call it."""

from collections.abc import Mapping
from enum import IntEnum

from tracehound.schemas.errors import TracehoundError


class ExitCode(IntEnum):
    """What the status of a command says. Numbers keep their meaning from release to release."""

    DONE = 0
    NO = 1
    FAILED = 2
    INSUFFICIENT = 3
    UNSTABLE = 4
    NOBODY_ANSWERS = 5
    KEY_REFUSED = 6
    NOT_FOUND = 7
    NOT_IN_TIME = 8


MEANINGS: Mapping[ExitCode, str] = {
    ExitCode.DONE: (
        "it did what it was asked to; a process that runs until stopped was stopped by SIGINT or SIGTERM, and "
        "`--watch` by Ctrl-C"
    ),
    ExitCode.NO: (
        "the answer is no, or you said no: `validate` and `score` found a line that is wrong, `status` that something "
        "lacks, `check` that its verdict is EXCLUDE, `demo` missed a fault or told too many false alarms, "
        "training that was waited for failed; also a process was ended by a fatal error, which its last log line says"
    ),
    ExitCode.FAILED: (
        "wrong arguments, a wrong setting, a missing topic, an unreachable broker, a request that the console does not "
        "take: one sentence on standard error says which"
    ),
    ExitCode.INSUFFICIENT: "`check`: too few incidents for a verdict",
    ExitCode.UNSTABLE: "`check`: the verdict turns on how time is cut",
    ExitCode.NOBODY_ANSWERS: "no console answers there, or what answers is none",
    ExitCode.KEY_REFUSED: "the console wants a key, does not know this one, or the key's role may not do this",
    ExitCode.NOT_FOUND: "there is no such application, operation, anomaly, incident or key",
    ExitCode.NOT_IN_TIME: "what was waited for did not come in time",
}


class CommandError(TracehoundError):
    """An error of a command, with the status that it ends with; the message is one sentence."""

    exit_code = ExitCode.FAILED


class UnknownThingError(CommandError):
    """There is no such thing; the message names it."""

    exit_code = ExitCode.NOT_FOUND


class NotInTimeError(CommandError):
    """What was waited for did not come in time; the message says what, and how long it was waited for."""

    exit_code = ExitCode.NOT_IN_TIME


def exit_code_of(error: TracehoundError) -> ExitCode:
    """The status that a command ends with for this error."""
    return error.exit_code if isinstance(error, CommandError) else ExitCode.FAILED
