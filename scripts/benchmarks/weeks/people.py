"""Lives whose rhythm is that of people: office hours, shifts, weekends, holidays, changing clocks."""

from dataclasses import replace

from tracehound.scripts.benchmarks.weeks.curves import (
    ALL_DAYS,
    Always,
    Curve,
    Every,
    Growth,
    Hours,
    Product,
    Restless,
    Sum,
    Wave,
    epoch,
)
from tracehound.scripts.benchmarks.weeks.life import Draw, Flow, Happening, Life, Lives, Moment

PEOPLE = Lives()
_OFFICE: tuple[Moment, ...] = ("ramp", "busy", "night", "busy")


def _office(draw: Draw, zone: str, ramp_s: float, off: tuple[str, ...] = (), start: str = "2026-02-02") -> Life:
    """Three weeks of working days with a lunch break and a little life at night and at weekends."""
    lunch = (draw.between(11.5, 12.5), draw.between(0.5, 1.0), draw.between(0.15, 0.5))
    hours = Hours(zone, draw.between(7.0, 9.5), draw.between(16.5, 18.5), ramp_s, pauses=(lunch,), off=off)
    traffic = Sum(((draw.between(1.0, 2.0), hours), (draw.about(0.01, 0.05), Always())))
    flow = Flow(traffic, draw.operations(draw.whole(4, 12)))
    return Life((flow,), zone=zone, start=start, days=21, learning=8, moments=_OFFICE)


def _by_day(draw: Draw, zone: str) -> Curve:
    """A course of the day as that of a web site: an afternoon's or evening's peak, a quiet night."""
    wave = Wave(zone, draw.between(12.0, 20.0), draw.between(2.5, 5.0))
    return Sum(((draw.between(0.5, 1.2), wave), (draw.about(0.02, 0.1), Always())))


@PEOPLE.told
def office_hours_short_ramp(draw: Draw) -> Life:
    """An office whose people all come within five to fifteen minutes, on working days only."""
    return _office(draw, draw.zone(), 60.0 * draw.between(5, 15))


@PEOPLE.told
def office_hours_long_ramp(draw: Draw) -> Life:
    """An office whose people come over half an hour to an hour."""
    return _office(draw, draw.zone(), 60.0 * draw.between(30, 60))


@PEOPLE.told
def office_hours_slow_start(draw: Draw) -> Life:
    """An office in which everything is slow for the first quarter of an hour, since caches are cold each morning."""
    zone = draw.zone()
    life = _office(draw, zone, 60.0 * draw.between(5, 30))
    cold = Hours(zone, draw.between(7.5, 8.5), draw.between(8.6, 8.9), days=ALL_DAYS)
    return replace(life, happenings=(Happening(cold, own=draw.between(1.3, 2.0), steps=draw.between(1.5, 3.0)),))


@PEOPLE.told
def clocks_go_forward(draw: Draw) -> Life:
    """Office hours over the weekend on which the clocks go forward."""
    zone, start = ("Europe/Berlin", "2026-03-16") if draw.whole(0, 1) else ("America/New_York", "2026-02-23")
    return _office(draw, zone, 60.0 * draw.between(5, 60), start=start)


@PEOPLE.told
def clocks_go_back(draw: Draw) -> Life:
    """Office hours over the weekend on which the clocks go back."""
    zone, start = ("Europe/Berlin", "2026-10-12") if draw.whole(0, 1) else ("America/New_York", "2026-10-19")
    return _office(draw, zone, 60.0 * draw.between(5, 60), start=start)


@PEOPLE.told
def clocks_change_for_a_shop(draw: Draw) -> Life:
    """A web shop with the course of the day, while the clocks go back."""
    zone = "Europe/Berlin"
    flow = Flow(_by_day(draw, zone), draw.operations(draw.whole(6, 15)))
    return Life((flow,), zone=zone, start="2026-10-12", days=21, learning=8)


@PEOPLE.told
def bank_holiday(draw: Draw) -> Life:
    """Office hours, and on a working day of the third week and of the fourth nobody comes."""
    life = _office(draw, draw.zone(), 60.0 * draw.between(5, 60), off=("2026-02-18", "2026-02-24"))
    return replace(life, moments=("ramp", "holiday", "busy", "ramp"))


@PEOPLE.told
def two_shifts(draw: Draw) -> Life:
    """A plant with two shifts, breaks of a quarter to half an hour, and nobody at night and on Sundays."""
    zone, begins = draw.zone(), draw.between(5.5, 6.5)
    breaks = tuple(
        (begins + after, draw.between(0.2, 0.5), draw.between(0.6, 0.95)) for after in (2.5, 5.0, 10.0, 13.0)
    )
    shifts = Hours(zone, begins, begins + 16.0, 60.0 * draw.between(3, 15), days=range(6), pauses=breaks)
    traffic = Sum(((draw.between(0.6, 1.2), shifts), (draw.about(0.003, 0.02), Always())))
    flow = Flow(traffic, draw.operations(draw.whole(4, 10)))
    return Life((flow,), zone=zone, days=21, learning=8, moments=_OFFICE)


@PEOPLE.told
def three_shifts(draw: Draw) -> Life:
    """A plant that works around the clock, quiet for some minutes at each change of shift."""
    zone, begins = draw.zone(), draw.between(5.0, 7.0)
    changes = tuple(
        ((begins + after) % 24.0, draw.between(0.1, 0.3), draw.between(0.7, 1.0)) for after in (0.0, 8.0, 16.0)
    )
    work = Hours(zone, 0.0, 24.0, days=ALL_DAYS, pauses=changes)
    flow = Flow(Product((Always(draw.between(0.4, 0.8)), work)), draw.operations(draw.whole(4, 10)))
    return Life((flow,), zone=zone, days=14, learning=5, moments=("ramp", "busy"))


@PEOPLE.told
def busy_weekends(draw: Draw) -> Life:
    """A site for leisure: evenings, and twice as many visitors at weekends."""
    zone = draw.zone()
    week = Wave(zone, draw.between(19.0, 21.0), draw.between(2.0, 3.5))
    weekend = Wave(zone, draw.between(14.0, 18.0), draw.between(3.0, 5.0), days=(5, 6))
    traffic = Sum(
        ((draw.between(0.5, 0.9), week), (draw.between(0.6, 1.2), weekend), (draw.about(0.02, 0.1), Always()))
    )
    return Life((Flow(traffic, draw.operations(draw.whole(6, 15))),), zone=zone, days=21, learning=8)


@PEOPLE.told
def shop_by_day(draw: Draw) -> Life:
    """A web shop: few customers at night, many in the evening, and load that comes and goes."""
    zone = draw.zone()
    traffic = Product((_by_day(draw, zone), Restless(draw.seed(), draw.between(0.1, 0.2))))
    return Life((Flow(traffic, draw.operations(draw.whole(6, 15))),), zone=zone)


@PEOPLE.told
def strained_by_day(draw: Draw) -> Life:
    """A service that takes the longer the more it has to do, every day anew."""
    zone = draw.zone()
    wave = Wave(zone, draw.between(10.0, 16.0), draw.between(2.5, 4.5))
    traffic = Sum(((draw.between(0.6, 1.2), wave), (draw.about(0.05, 0.2), Always())))
    strain = Happening(wave, own=draw.between(1.3, 2.2), steps=draw.between(1.2, 1.8))
    return Life((Flow(traffic, draw.operations(draw.whole(4, 10))),), (strain,), zone=zone)


@PEOPLE.told
def slow_growth(draw: Draw) -> Life:
    """Traffic that grows by a tenth to a third each week, and times by up to a tenth."""
    zone, start = draw.zone(), "2026-02-02"
    traffic = Product((_by_day(draw, zone), Growth(epoch(start), draw.between(1.1, 1.33))))
    # A happening at intensity 1 + g is slower by 1 + g times its factor's excess: here g is what has grown.
    slower = Sum(((1.0, Growth(epoch(start), draw.between(1.02, 1.1))), (-1.0, Always())))
    happening = Happening(slower, own=2.0, steps=2.0)
    return Life(
        (Flow(traffic, draw.operations(draw.whole(4, 10))),), (happening,), zone=zone, start=start, days=28, learning=8
    )


@PEOPLE.told
def rests_for_hours(draw: Draw) -> Life:
    """An application of a small shop: in use from morning to evening, and nothing at all at night."""
    zone = draw.zone()
    hours = Hours(zone, draw.between(6.0, 9.0), draw.between(19.0, 23.0), 60.0 * draw.between(1, 30), days=ALL_DAYS)
    flow = Flow(Product((Always(draw.about(0.1, 0.8)), hours)), draw.operations(draw.whole(3, 8)))
    return Life((flow,), zone=zone, moments=("ramp", "busy"))


@PEOPLE.told
def scale_to_zero(draw: Draw) -> Life:
    """A function that is started when somebody asks: bursts of some minutes, hours of nothing, slow first requests."""
    zone, period_s = draw.zone(), 3_600.0 * draw.between(0.7, 2.5)
    used = Every(
        zone, period_s, 0.0, draw.between(120.0, 600.0), 0.8 * period_s - 600.0, draw.between(0.2, 1.0), draw.seed()
    )
    first = replace(used, lasts_s=draw.between(3.0, 10.0), uneven=0.0)
    by_day = Hours(zone, 7.0, 22.0, days=ALL_DAYS)
    flow = Flow(Product((Always(draw.between(0.4, 1.5)), used, by_day)), draw.operations(draw.whole(1, 4)), batch=True)
    cold = Happening(first, own=1.0, own_more_ms=draw.about(400.0, 4_000.0))
    return Life((flow,), (cold,), zone=zone, moments=("batch",))
