"""Each role has what its process reads and writes, and what changes models is written by operators alone."""

from pathlib import Path

from tracehound.streams.settings.roles import roles
from tracehound.streams.settings.settings import Settings

SETTINGS = Settings(topic_prefix="acme.")
ROLES = roles(SETTINGS)


def test_each_process_may_see_all_topics_that_it_checks() -> None:
    topics = SETTINGS.topics
    wanted = {"worker": topics.scoring(), "intake": topics.intake(), "incidents": topics.incidents()}
    for name, needed in wanted.items():
        role = ROLES[name]
        assert {topic.name for topic in needed} <= {*role.reads, *role.writes, *role.sees}


def test_models_are_changed_by_operators_the_console_and_incidents_only() -> None:
    control = SETTINGS.topics.control.name
    assert {name for name, role in ROLES.items() if control in role.writes} == {"incidents", "operator", "console"}
    states = SETTINGS.topics.model_states.name
    assert [name for name, role in ROLES.items() if states in role.writes] == ["worker"]


def test_nobody_but_workers_writes_what_is_internal() -> None:
    internal = {topic.name for topic in SETTINGS.topics.all() if topic.internal}
    writers = {name for name, role in ROLES.items() if internal & set(role.writes)}
    assert writers == {"worker", "intake", "incidents"}


def test_the_page_says_of_every_role_what_it_needs() -> None:
    page = (Path(__file__).parents[3] / "SECURITY.md").read_text()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| `")]
    said = {row[0].strip("`"): row[2:] for row in rows if len(row) == 6}
    for name, role in roles(Settings()).items():
        needed = (role.reads, role.writes, role.sees, role.groups)
        assert said[name] == [", ".join(f"`{one.removeprefix('tracehound.')}`" for one in part) for part in needed]
