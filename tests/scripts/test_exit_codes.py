import re

from tests.checkout import PROJECT
from tracehound.schemas.errors import BrokerError
from tracehound.scripts.acceptance.sweep import EXIT_CODES
from tracehound.scripts.exit_codes import MEANINGS, ExitCode, NotInTimeError, UnknownThingError, exit_code_of


def test_numbers_stay_what_they_are() -> None:
    assert {one.name: one.value for one in ExitCode} == {
        "DONE": 0,
        "NO": 1,
        "FAILED": 2,
        "INSUFFICIENT": 3,
        "UNSTABLE": 4,
        "NOBODY_ANSWERS": 5,
        "KEY_REFUSED": 6,
        "NOT_FOUND": 7,
        "NOT_IN_TIME": 8,
    }


def test_every_one_is_documented() -> None:
    page = (PROJECT / "docs/reference/commands.md").read_text()
    assert re.findall(r"^\| (\d+) \|", page.split("<!-- commands: begin -->")[0], re.MULTILINE) == [
        str(one.value) for one in ExitCode
    ]
    assert MEANINGS.keys() == set(ExitCode)


def test_errors_have_theirs() -> None:
    assert exit_code_of(BrokerError("No broker answers.")) == 2
    assert exit_code_of(UnknownThingError("There is none.")) == 7
    assert exit_code_of(NotInTimeError("It did not come.")) == 8


def test_the_verdicts_of_check_are_among_them() -> None:
    assert sorted(EXIT_CODES.values()) == [ExitCode.DONE, ExitCode.NO, ExitCode.INSUFFICIENT, ExitCode.UNSTABLE]
