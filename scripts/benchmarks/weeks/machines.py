"""Lives whose rhythm is that of machines: jobs, releases, probes, queues, streams, clocks, retries."""

from datetime import timedelta

from tracehound.scripts.benchmarks.weeks.curves import (
    DAY_S,
    HOUR_S,
    Always,
    Between,
    Curve,
    Every,
    OnDates,
    Product,
    Restless,
    Sum,
    Wave,
    epoch,
)
from tracehound.scripts.benchmarks.weeks.life import (
    Delivery,
    Draw,
    Flow,
    Happening,
    Life,
    Lives,
    Operation,
    Releases,
    Step,
    letters,
)

MACHINES = Lives()


def _daily(draw: Draw, busy: float = 0.6) -> Curve:
    """A mild course of the day around ``busy`` requests a second."""
    wave = Wave("UTC", draw.between(9.0, 18.0), draw.between(3.0, 6.0))
    return Sum(((0.7 * busy * draw.between(0.8, 1.2), wave), (0.3 * busy, Always())))


def _job(draw: Draw, name: str) -> tuple[Operation, ...]:
    """What a batch job does, some thousand times."""
    return (
        Operation(
            f"job {name}",
            own_ms=draw.about(5.0, 100.0),
            steps=(Step(f"SELECT batch_{name}", draw.about(4.0, 60.0), peer="main-db"),),
            failing=draw.about(0.0003, 0.003),
            kind="job",
        ),
    )


def _users(draw: Draw, busy: float = 0.3) -> Flow:
    return Flow(_daily(draw, busy), draw.operations(draw.whole(3, 8)))


@MACHINES.told
def hourly_batch(draw: Draw) -> Life:
    """Every hour a job for one to five minutes, and nothing in between."""
    runs = Every(
        "UTC", HOUR_S, 0.0, draw.between(60.0, 300.0), draw.between(0.0, 600.0), draw.between(0.1, 0.5), draw.seed()
    )
    flow = Flow(Product((Always(draw.between(2.0, 6.0)), runs)), _job(draw, "hourly"), batch=True)
    return Life((flow,), moments=("batch",))


@MACHINES.told
def batch_every_four_hours(draw: Draw) -> Life:
    """Next to some users every four hours a job for ten to forty minutes, which begins up to half an hour late."""
    late_s, seed = draw.between(60.0, 1_800.0), draw.seed()
    runs = Every("UTC", 4 * HOUR_S, draw.between(0.0, 3_600.0), 60.0 * draw.between(10, 40), late_s, 0.3, seed)
    job = Flow(Product((Always(draw.between(1.0, 3.0)), runs)), _job(draw, "import"), batch=True)
    return Life((_users(draw), job), moments=("batch", "busy"))


@MACHINES.told
def nightly_batch(draw: Draw) -> Life:
    """Each night a job for half an hour to two hours, which begins up to half an hour late."""
    late_s, seed = draw.between(0.0, 1_800.0), draw.seed()
    runs = Every(
        "Europe/Berlin", DAY_S, HOUR_S * draw.between(0.5, 4.0), 60.0 * draw.between(30, 120), late_s, 0.3, seed
    )
    job = Flow(Product((Always(draw.between(2.0, 5.0)), runs)), _job(draw, "nightly"), batch=True)
    return Life((_users(draw), job), zone="Europe/Berlin", moments=("batch", "busy"))


@MACHINES.told
def nothing_but_a_nightly_batch(draw: Draw) -> Life:
    """An application that works an hour each night and is not heard of by day."""
    runs = Every(
        "UTC",
        DAY_S,
        HOUR_S * draw.between(0.0, 5.0),
        60.0 * draw.between(30, 90),
        draw.between(0.0, 900.0),
        0.4,
        draw.seed(),
    )
    job = Flow(Product((Always(draw.between(2.0, 6.0)), runs)), _job(draw, "ledger"), batch=True)
    return Life((job,), moments=("batch",))


@MACHINES.told
def fridays_and_months_ends(draw: Draw) -> Life:
    """Next to users a job every Friday evening, and another one on the last day of the month."""
    friday = OnDates("UTC", lambda day: day.weekday() == 4, draw.between(18.0, 21.0), 60.0 * draw.between(30, 90))
    last = OnDates(
        "UTC", lambda day: (day + timedelta(days=1)).day == 1, draw.between(1.0, 5.0), 60.0 * draw.between(60, 180)
    )
    jobs = tuple(
        Flow(Product((Always(draw.between(1.0, 3.0)), runs)), _job(draw, name), batch=True)
        for name, runs in (("weekly", friday), ("monthly", last))
    )
    return Life((_users(draw, 0.5), *jobs), start="2026-01-19", days=28, learning=15, moments=("busy", "night"))


@MACHINES.told
def slow_half_hour_each_night(draw: Draw) -> Life:
    """A backup makes the database two to four times as slow for half an hour each night."""
    lasts_s = 60.0 * draw.between(15, 45)
    backup = Every("UTC", DAY_S, HOUR_S * draw.between(0.0, 6.0), lasts_s, draw.between(0.0, 600.0), 0.2, draw.seed())
    slow = Happening(backup, steps=draw.between(2.0, 4.0), step="SELECT")
    return Life((Flow(_daily(draw, 0.8), draw.operations(draw.whole(4, 10))),), (slow,), moments=("batch", "busy"))


@MACHINES.told
def busy_half_hour_each_night(draw: Draw) -> Life:
    """A crawler comes each night for half an hour and asks for the usual pages, some times as fast as people."""
    comes = Every(
        "UTC",
        DAY_S,
        HOUR_S * draw.between(0.0, 6.0),
        60.0 * draw.between(15, 45),
        draw.between(0.0, 900.0),
        0.3,
        draw.seed(),
    )
    users = _users(draw, 0.4)
    return Life(
        (users, Flow(Product((Always(draw.between(1.2, 4.0)), comes)), users.operations[:3], batch=True)),
        moments=("batch", "busy"),
    )


@MACHINES.told
def hourly_deployments(draw: Draw) -> Life:
    """A new version every hour or two: slow first requests for a minute or two, times a little different since."""
    releases = Releases(
        HOUR_S * draw.between(1.0, 2.0), cold_s=draw.between(30.0, 150.0), cold=draw.between(1.5, 4.0), other=0.1
    )
    flow = Flow(_daily(draw, 0.8), draw.operations(draw.whole(4, 10)))
    return Life((flow,), releases=releases, days=14, learning=4, moments=("release", "busy"))


@MACHINES.told
def daily_deployments(draw: Draw) -> Life:
    """A new version about once a day."""
    releases = Releases(
        DAY_S * draw.between(0.7, 1.3), cold_s=draw.between(30.0, 150.0), cold=draw.between(1.5, 3.0), other=0.2
    )
    flow = Flow(_daily(draw, 0.8), draw.operations(draw.whole(4, 10)))
    return Life((flow,), releases=releases, moments=("release", "busy"))


@MACHINES.told
def versions_side_by_side(draw: Draw) -> Life:
    """Versions that run beside one another for ever: a canary, one per pod, or one per phone."""
    releases = Releases(
        side_by_side=int(draw.one_of(("2", "20", "200"))), prefix=draw.one_of(("pod-", "2026.", "ios "))
    )
    return Life((Flow(_daily(draw, 0.7), draw.operations(draw.whole(4, 8))),), releases=releases, days=14, learning=4)


@MACHINES.told
def streams_and_long_polls(draw: Draw) -> Life:
    """Next to ordinary requests long polls of half a minute, event streams and WebSockets that last for hours."""
    poll, stream = draw.between(20.0, 60.0), draw.about(300.0, 3_600.0)
    waiting = (
        Operation(
            "GET /poll",
            own_ms=1e3 * poll,
            sigma=0.05,
            second_ms=draw.between(100.0, 5_000.0),
            second_share=Always(0.4),
            failing=0.001,
        ),
        Operation("GET /events", 0.3, own_ms=1e3 * stream, sigma=1.2, failing=0.01),
        Operation("WS /live", 0.1, own_ms=4e3 * stream, sigma=1.5, failing=0.01),
    )
    return Life((_users(draw, 0.5), Flow(_daily(draw, 0.4), waiting)), days=14, learning=5)


@MACHINES.told
def queue_that_waits(draw: Draw) -> Life:
    """Consumers with blocking pops: the fewer messages come, the longer each one waits."""
    traffic = _daily(draw, 0.8)
    quiet = Sum(((1.0, Always()), (-1.1, traffic)))
    waits = Operation("receive jobs", own_ms=draw.about(200.0, 2_000.0), sigma=1.0, kind="consumer", failing=0.0005)
    work = Operation(
        "process job",
        own_ms=draw.about(20.0, 200.0),
        kind="consumer",
        steps=(Step("UPDATE jobs", 6.0, peer="main-db"),),
    )
    slower = Happening(quiet, own=draw.between(3.0, 8.0), operation="receive jobs")
    return Life((Flow(traffic, (waits, work)),), (slower,), days=14, learning=5)


@MACHINES.told
def one_a_minute(draw: Draw) -> Life:
    """An application that is asked once a minute."""
    return Life(
        (Flow(Always(1.0 / draw.between(40.0, 80.0)), draw.operations(draw.whole(1, 4))),),
        days=21,
        learning=7,
        moments=("busy",),
    )


@MACHINES.told
def one_an_hour(draw: Draw) -> Life:
    """An application that does one thing about every hour."""
    return Life(
        (Flow(Always(1.0 / draw.between(2_400.0, 4_800.0)), draw.operations(1)),),
        days=28,
        learning=10,
        moments=("busy",),
    )


@MACHINES.told
def a_cron_every_five_minutes(draw: Draw) -> Life:
    """A timer that starts something every one to five minutes, to the second."""
    flow = Flow(Always(1.0 / (60.0 * draw.whole(1, 5))), draw.operations(2), even=True)
    return Life((flow,), days=21, learning=7, moments=("busy",))


@MACHINES.told
def heavy_tails(draw: Draw) -> Life:
    """Times with a Pareto tail: one execution in a thousand takes a hundred times as long."""
    operations = tuple(
        Operation(f"GET /tail/{letters(number)}", own_ms=draw.about(5.0, 50.0), pareto=draw.between(1.3, 2.2))
        for number in range(draw.whole(2, 8))
    )
    return Life((Flow(_daily(draw, 0.8), operations),))


@MACHINES.told
def two_kinds_of_answers(draw: Draw) -> Life:
    """Answers from a cache or from a database, five to thirty times as slow; the shares drift within the day."""
    share = Sum(
        (
            (draw.between(0.05, 0.3), Always()),
            (draw.between(0.1, 0.4), Wave("UTC", draw.between(0, 24), draw.between(2, 6))),
        )
    )
    operations = tuple(
        Operation(
            f"GET /both/{letters(number)}",
            own_ms=(own := draw.about(2.0, 20.0)),
            second_ms=own * draw.between(5, 30),
            second_share=share,
        )
        for number in range(draw.whole(2, 6))
    )
    return Life((Flow(_daily(draw, 0.8), operations),))


@MACHINES.told
def health_probes(draw: Draw) -> Life:
    """Nine of ten requests are health probes, evenly spaced; users come by day."""
    probes = Flow(
        Always(draw.between(0.4, 0.8)),
        (Operation("GET /healthz", own_ms=draw.about(0.3, 2.0), failing=0.0001),),
        even=True,
    )
    return Life((probes, Flow(_daily(draw, 0.2), draw.operations(draw.whole(3, 6)))))


@MACHINES.told
def scanners(draw: Draw) -> Life:
    """Two or three times a week somebody scans for holes: hundreds of paths that nobody else asks for, all refused."""
    scans = Every(
        "UTC",
        DAY_S * draw.between(2.0, 3.5),
        HOUR_S * draw.between(0, 24),
        60.0 * draw.between(2, 20),
        40_000.0,
        0.5,
        draw.seed(),
    )
    return Life((_users(draw, 0.6),), routeless=Product((Always(draw.between(0.3, 1.5)), scans)))


@MACHINES.told
def sampling_changes(draw: Draw) -> Life:
    """Head sampling that is set anew about once a week: of all, a half, a quarter."""
    start = epoch("2026-02-02")
    parts = tuple(
        (draw.between(0.25, 1.0), Between(start + DAY_S * first, start + DAY_S * last))
        for first, last in ((-1.0, 8.4), (8.4, 15.6), (15.6, 60.0))
    )
    return Life((_users(draw, 1.2),), delivery=Delivery(kept=Sum(parts)), days=21, learning=7)


@MACHINES.told
def collector_sends_again(draw: Draw) -> Life:
    """A Collector that now and then delivers a batch a second time."""
    return Life((_users(draw, 0.8),), delivery=Delivery(again=draw.about(0.002, 0.05)))


@MACHINES.told
def hosts_with_fast_clocks(draw: Draw) -> Life:
    """One or two hosts of many have clocks that are one to four minutes ahead."""
    hosts = draw.whole(6, 20)
    return Life(
        (_users(draw, 0.8),),
        delivery=Delivery(hosts=hosts, wrong_hosts=draw.whole(1, 2), ahead_s=60.0 * draw.between(1, 4)),
    )


@MACHINES.told
def clients_with_slow_clocks(draw: Draw) -> Life:
    """Browsers and phones whose clocks are minutes to days behind."""
    return Life(
        (_users(draw, 0.8),), delivery=Delivery(behind=draw.about(0.002, 0.05), behind_s=DAY_S * draw.between(0.1, 5.0))
    )


@MACHINES.told
def ephemeral_names(draw: Draw) -> Life:
    """Hosts that live for an hour, and operations that are called by generated ids."""
    delivery = Delivery(hosts=draw.whole(5, 30), renamed_hosts_s=HOUR_S * draw.between(0.5, 3.0))
    return Life((_users(draw, 0.7),), delivery=delivery, routeless=Always(draw.about(0.002, 0.02)))


def _failing(draw: Draw, share: float) -> Life:
    return Life((Flow(_daily(draw, 0.8), draw.operations(draw.whole(3, 10), failing=share)),))


@MACHINES.told
def errors_are_rare(draw: Draw) -> Life:
    """One execution in ten thousand to one in a thousand fails, always."""
    return _failing(draw, draw.about(0.0001, 0.001))


@MACHINES.told
def errors_are_usual(draw: Draw) -> Life:
    """Three to ten in a thousand fail, always."""
    return _failing(draw, draw.about(0.003, 0.01))


@MACHINES.told
def errors_are_frequent(draw: Draw) -> Life:
    """Two to five in a hundred fail, always."""
    return _failing(draw, draw.about(0.02, 0.05))


@MACHINES.told
def one_operation_always_fails(draw: Draw) -> Life:
    """Somebody asks for ever for what has long been gone: one operation of several always fails."""
    gone = Operation("GET /gone", 0.2, own_ms=3.0, failing=1.0)
    return Life((Flow(_daily(draw, 0.8), (*draw.operations(draw.whole(3, 8)), gone)),))


@MACHINES.told
def many_rare_operations(draw: Draw) -> Life:
    """Some thousand operations, most of which are asked for once in hours."""
    flow = Flow(_daily(draw, 1.5), draw.operations(draw.whole(1_500, 5_000), zipf=draw.between(0.9, 1.2)))
    return Life((flow,), days=14, learning=5, moments=("busy",))


@MACHINES.told
def restless_load(draw: Draw) -> Life:
    """Neighbours on the same machines: times that rise and fall together, and a pause for garbage now and then."""
    noise = Sum(((1.0, Restless(draw.seed(), draw.between(0.1, 0.2), 60.0 * draw.between(5, 30))), (-1.0, Always())))
    pauses = Happening(Always(), own_more_ms=draw.between(100.0, 500.0), hits=0.002)
    flow = Flow(_daily(draw, 0.8), draw.operations(draw.whole(4, 10)))
    return Life((flow,), (Happening(noise, own=2.0, steps=2.0), pauses))
