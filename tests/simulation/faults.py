"""What happens to workers and brokers: when, and to whom, is drawn."""

import asyncio
from collections.abc import Callable

from tests.simulation.scene import Scene, Slot

_DISKS = ("kept", "kept", "torn", "new")


def _any_running(scene: Scene) -> Slot | None:
    running = scene.running()
    return scene.draw.choice(running) if running else None


def kill(scene: Scene) -> None:
    """SIGKILL to one."""
    if (slot := _any_running(scene)) and not scene.calm():
        scene.kill(slot, scene.draw.choice(_DISKS))


def kill_all(scene: Scene) -> None:
    """SIGKILL to all at once."""
    for slot in scene.running() if not scene.calm() else ():
        scene.kill(slot, scene.draw.choice(_DISKS))


def terminate(scene: Scene) -> None:
    """SIGTERM to one; it is started again."""
    if (slot := _any_running(scene)) and not scene.calm():
        scene.say(f"{slot.process.name} is to stop")
        slot.stop.set()


def freeze(scene: Scene) -> None:
    """SIGSTOP to one, SIGCONT later: for less or more than its session."""
    slot = _any_running(scene)
    if slot is None or slot.process.stopped:
        return
    process, for_s = slot.process, scene.draw.choice((0.2, 1.0, 5.0, 9.0))
    scene.say(f"{process.name} is frozen for {for_s} s")
    scene.loop.stop_process(process)

    def thaw() -> None:
        if not process.dead and process.stopped:
            scene.say(f"{process.name} goes on")
            scene.loop.resume_process(process)

    scene.loop.call_later(for_s, thaw, context=scene.cluster.context)


def join(scene: Scene) -> None:
    """One more worker."""
    if len(scene.slots) < 4 and not scene.calm():
        scene.open_slot()


def unsettle(scene: Scene) -> None:
    """A rebalance for no reason."""
    scene.say("the group rebalances")
    for group in scene.groups.values():
        group.unsettle()


def brokers_away(scene: Scene) -> None:
    """Nobody answers for a while."""
    for_s = scene.draw.choice((0.3, 2.0, 8.0))
    scene.say(f"brokers are away for {for_s} s")
    scene.cluster.back_at_s = scene.loop.time() + for_s


def leaders_away(scene: Scene) -> None:
    """The leaders of one topic are away for a while, all others are there."""
    topic, for_s = scene.draw.choice(sorted(scene.cluster.topics)), scene.draw.choice((0.5, 3.0, 10.0))
    scene.say(f"the leaders of {topic} are away for {for_s} s")
    scene.cluster.leaders_back_at_s[topic] = scene.loop.time() + for_s


def slow(scene: Scene) -> None:
    """Answers take long."""
    scene.cluster.slowness = scene.draw.choice((1.0, 5.0, 40.0))
    scene.say(f"answers take {scene.cluster.slowness:g} times as long")


def doubtful(scene: Scene) -> None:
    """Acknowledgements are late, or lost; records arrive twice, or not at all."""
    scene.cluster.doubt = scene.draw.choice((0.0, 0.05, 0.3))
    scene.say(f"{scene.cluster.doubt:.0%} of what is sent goes wrong")


def clock(scene: Scene) -> None:
    """A wall clock jumps: by up to a day where nothing may depend on it."""
    if slot := _any_running(scene):
        slot.process.wall_ahead_s = scene.draw.uniform(-1.0, 1.0) * scene.play.clock_jump_s
        scene.say(f"the clock of {slot.process.name} is {slot.process.wall_ahead_s:.0f} s ahead")


def compact(scene: Scene) -> None:
    """Compacted topics are compacted."""
    for stored in scene.cluster.topics.values():
        if stored.topic.config.get("cleanup.policy") == "compact":
            scene.say(f"{stored.topic.name} is compacted")
            for log in stored.logs:
                log.compact()


FAULTS: dict[Callable[[Scene], None], int] = {
    kill: 6,
    kill_all: 2,
    terminate: 2,
    freeze: 4,
    join: 2,
    unsettle: 5,
    brokers_away: 2,
    leaders_away: 5,
    slow: 2,
    doubtful: 3,
    clock: 1,
    compact: 2,
}
"""All that any worker may meet, with their weights."""

_AT_A_STEP = {kill: 3, kill_all: 1, freeze: 2, unsettle: 2}
"""What may happen in the midst of anything: before any callback, so at every ``await``."""


async def let_happen(scene: Scene, for_s: float, more: dict[Callable[[Scene], None], int]) -> None:
    """Let faults happen for so long, as many as are drawn: none in some stories."""
    draw = scene.draw
    weights = {act: weight * draw.random() ** 2 for act, weight in (FAULTS | more).items()}
    count = draw.choice((0, 2, 4, 8, 12))
    acts = draw.choices(list(weights), list(weights.values()), k=count)

    def strike() -> None:
        draw.choices(list(_AT_A_STEP), list(_AT_A_STEP.values()))[0](scene)
        aim()

    def aim() -> None:
        if not scene.over:
            scene.loop.next_step = scene.loop.steps + 1 + int(draw.random() ** 2 * aimed)

    aimed = draw.choice((0, 3_000, 8_000)) if count else 0
    if aimed:
        scene.loop.at_step = strike
        aim()
    for act in acts:
        await asyncio.sleep(draw.random() * 2 * for_s / count)
        act(scene)
    scene.loop.next_step = -1


def heal(scene: Scene) -> None:
    """All is well from now on."""
    scene.say("all is well from now on")
    scene.loop.next_step = -1
    scene.cluster.slowness, scene.cluster.doubt, scene.cluster.back_at_s = 1.0, 0.0, 0.0
    scene.cluster.leaders_back_at_s.clear()
    for slot in scene.running():
        slot.process.wall_ahead_s = 0.0
        if slot.process.stopped:
            scene.loop.resume_process(slot.process)
