"""Executions of a life, block by block, in the order in which they reach us; drawn with numpy."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, repeat

import numpy as np
from numpy.typing import NDArray

from tracehound.schemas.execution import Execution, ExecutionFailure, Segment
from tracehound.schemas.operations import normalize_operation
from tracehound.scripts.benchmarks.weeks.curves import DAY_S, Between, Times, Values, epoch
from tracehound.scripts.benchmarks.weeks.life import Flow, Happening, Life, Operation, Step

APPLICATION = "app"
BLOCK_S = 21_600.0
GRID_S = 10.0
_USUAL_ERROR = "UpstreamError"
_LONGEST_MS = 1e8
_NO_PEER = Step("-", 0.0)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """n executions in the order of ``at_s`` (n,), when they reach us in epoch seconds."""

    at_s: Times
    executions: list[Execution]


@dataclass(frozen=True, slots=True)
class Change:
    """What a fault does to a life between two times: happenings, and a factor on the traffic of some of its flows."""

    start_s: float
    end_s: float
    happenings: tuple[Happening, ...] = ()
    traffic: float = 1.0
    flows: tuple[int, ...] = ()


class _Table:
    """The operations of a flow as arrays: (o,) per operation, (o, k) per operation and step."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = operations
        self.names = [normalize_operation(one.name) for one in operations]
        weights = np.cumsum([one.weight for one in operations])
        self.shares = weights / weights[-1]
        self.own = np.array([one.own_ms for one in operations])
        self.sigma = np.array([one.sigma for one in operations])
        self.failing = np.array([one.failing for one in operations])
        self.kinds = [one.kind for one in operations]
        most = max(1, *(len(one.steps) for one in operations))
        self.steps = [[*one.steps, *repeat(_NO_PEER, most - len(one.steps))] for one in operations]
        self.step_ms = np.array([[step.ms for step in steps] for steps in self.steps])
        self.step_sigma = np.array([[step.sigma for step in steps] for steps in self.steps])
        self.chance = np.array([[0.0 if step is _NO_PEER else step.chance for step in steps] for steps in self.steps])
        self.joined = np.array([[step.joined for step in steps] for steps in self.steps])

    def concerned(self, happening: Happening) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Operations (o,) and steps (o, k) that a happening is about."""
        operations = np.array([happening.operation in (None, one.name) for one in self.operations])
        steps = np.array([[_is_meant(step, happening) for step in steps] for steps in self.steps])
        if happening.peer is not None:
            operations &= steps.any(axis=1)
        return operations, steps & operations[:, None]


def _is_meant(step: Step, happening: Happening) -> bool:
    named = step is not _NO_PEER and step.name.startswith(happening.step)
    return named and happening.peer in (None, step.peer)


class Workload:
    """The executions of ``life`` from its start for ``days``, with ``changes``. Iterate over it once."""

    def __init__(self, life: Life, seed: int, days: int, changes: Sequence[Change] = ()) -> None:
        self._life, self._changes = life, changes
        self.start_s = epoch(life.start, life.zone)
        self.end_s = self.start_s + days * DAY_S
        self._random = np.random.default_rng([seed, 1])
        self._seed = seed
        self._tables = [_Table(flow.operations) for flow in life.flows]
        self._phases = [0.5] * len(life.flows)
        self._failures: dict[str, ExecutionFailure] = {}
        self._number = 0
        happenings = [*life.happenings, *(one for change in changes for one in change.happenings)]
        self._happenings = [(one, [table.concerned(one) for table in self._tables]) for one in happenings]

    def __iter__(self) -> Iterator[Arrivals]:
        """Draw block after block; what arrives later than its block waits for its turn."""
        waiting = Arrivals(np.zeros(0), [])
        start_s = self.start_s
        while start_s < self.end_s:
            end_s = min(start_s + BLOCK_S, self.end_s)
            parts = [waiting, *(self._flow(number, start_s, end_s) for number in range(len(self._tables)))]
            if self._life.routeless is not None:
                parts.append(self._scan(start_s, end_s))
            arrived, waiting = _in_order(parts, end_s)
            if arrived.executions:
                yield arrived
            start_s = end_s

    def _traffic(self, number: int, times: Times) -> Values:
        factor = self._life.delivery.kept(times)
        for change in self._changes:
            if number in change.flows:
                factor = factor * (1.0 + (change.traffic - 1.0) * Between(change.start_s, change.end_s)(times))
        return factor

    def _arrivals(self, flow: Flow, number: int, start_s: float, end_s: float) -> Times:
        edges = np.arange(start_s, end_s + 0.5 * GRID_S, GRID_S)
        middle = edges[:-1] + 0.5 * GRID_S
        expected = np.concatenate(
            [[0.0], np.cumsum(np.maximum(flow.rate(middle) * self._traffic(number, middle), 0.0) * GRID_S)]
        )
        if flow.even:
            places = np.arange(self._phases[number], expected[-1])
            self._phases[number] = (self._phases[number] - expected[-1]) % 1.0
        else:
            places = np.sort(self._random.uniform(0.0, expected[-1], self._random.poisson(expected[-1])))
        times: Times = np.interp(places, expected, edges)
        return times

    def _flow(self, number: int, start_s: float, end_s: float) -> Arrivals:
        table, flow = self._tables[number], self._life.flows[number]
        times = self._arrivals(flow, number, start_s, end_s)
        n = len(times)
        if n == 0:
            return Arrivals(times, [])
        draw = self._random
        which = np.minimum(np.searchsorted(table.shares, draw.uniform(size=n)), len(table.names) - 1)
        own = self._own(table, which, times)
        steps = table.step_ms[which] * np.exp(table.step_sigma[which] * draw.normal(size=(n, table.step_ms.shape[1])))
        counts = (draw.uniform(size=steps.shape) < table.chance[which]).astype(np.int64)
        versions, cold, changed = self._release(times, which, len(table.names))
        own, steps = own * cold * changed, steps * cold[:, None] * changed[:, None]
        errors = np.where(draw.uniform(size=n) < table.failing[which], 1, 0)
        kinds = [_USUAL_ERROR]
        extras: list[tuple[Step, NDArray[np.int64]]] = []
        for happening, concerned in self._happenings:
            amount = happening.when(times)
            operations, meant = (one[which] for one in concerned[number])
            amount = np.where(operations & (draw.uniform(size=n) < happening.hits), amount, 0.0)
            if not amount.any():
                continue
            own = own * (1.0 + amount * (happening.own - 1.0))
            if happening.own_more_ms:
                own += amount * happening.own_more_ms * draw.exponential(size=n)
            steps = np.where(meant, steps * (1.0 + amount * (happening.steps - 1.0))[:, None], steps)
            lot = draw.uniform(size=n)
            counts[meant & (lot < amount * happening.skipping)[:, None]] = 0
            if happening.failing:
                kinds.append(happening.error)
                errors = np.where(lot < amount * happening.failing, len(kinds), errors)
            if happening.extra is not None:
                extras.append((happening.extra, np.where(amount > 0.0, happening.repeats, 0)))
        segments, spent = self._segments(table, which, own, steps, counts, extras)
        durations = np.minimum(own + spent, _LONGEST_MS)
        return self._report(table, which, times, durations, segments, versions, [None, *kinds], errors)

    def _own(self, table: _Table, which: NDArray[np.int64], times: Times) -> Values:
        n, draw = len(which), self._random
        own: Values = table.own[which] * np.exp(table.sigma[which] * draw.normal(size=n))
        for place, operation in enumerate(table.operations):
            if operation.pareto is None and operation.second_ms is None:
                continue
            rows = np.flatnonzero(which == place)
            if operation.pareto is not None:
                own[rows] = operation.own_ms * (2.0 * (1.0 - draw.uniform(size=len(rows)))) ** (-1.0 / operation.pareto)
            if operation.second_ms is not None:
                second = rows[draw.uniform(size=len(rows)) < operation.second_share(times[rows])]
                own[second] *= operation.second_ms / operation.own_ms
        return own

    def _release(self, times: Times, which: NDArray[np.int64], operations: int) -> tuple[list[str], Values, Values]:
        releases, n = self._life.releases, len(times)
        ones = np.ones(n)
        if releases.side_by_side > 1:
            numbers = self._random.integers(releases.side_by_side, size=n)
            return [f"{releases.prefix}{number}" for number in numbers.tolist()], ones, ones
        if releases.every_s == float("inf"):
            return [""] * n, ones, ones
        since = times - self.start_s
        numbers = np.floor(since / releases.every_s).astype(np.int64)
        cold = np.where(since % releases.every_s < releases.cold_s, releases.cold, 1.0)
        changed = ones.copy()
        for number in np.unique(numbers).tolist():
            factors = np.random.default_rng([self._seed, number]).uniform(
                1 - releases.other, 1 + releases.other, operations
            )
            rows = numbers == number
            changed[rows] = factors[which[rows]]
        return [f"{releases.prefix}{number}" for number in numbers.tolist()], cold, changed

    def _segments(
        self,
        table: _Table,
        which: NDArray[np.int64],
        own: Values,
        steps: Values,
        counts: NDArray[np.int64],
        extras: list[tuple[Step, NDArray[np.int64]]],
    ) -> tuple[list[list[Segment]], Values]:
        """The segments of each execution, one after the other in the middle of its own code, and their sum in ms."""
        draw, most = self._random, steps.shape[1]
        for extra, added in extras:
            took = extra.ms * np.exp(extra.sigma * draw.normal(size=len(which)))
            steps, counts = np.column_stack([steps, took]), np.column_stack([counts, added])
        rows, places = np.nonzero(counts)
        repeats = counts[rows, places]
        rows, places = np.repeat(rows, repeats), np.repeat(places, repeats)
        took = np.round(steps[rows, places], 3)
        ends = np.cumsum(took)
        starts = np.searchsorted(rows, np.arange(len(which) + 1))
        before = np.concatenate([[0.0], ends])[starts]
        offsets = np.round(ends - took - before[rows] + 0.3 * own[rows], 3)
        calls = [
            table.steps[o][k] if k < most else extras[k - most][0]
            for o, k in zip(which[rows].tolist(), places.tolist(), strict=True)
        ]
        remote = np.round(np.maximum(took - draw.gamma(4.0, 0.4, len(took)), 0.5 * took), 3).tolist()
        made = [
            Segment(call.name, ms, call.kind, offset, None, "unset", call.peer, None, own_ms if call.joined else None)
            for call, ms, offset, own_ms in zip(calls, took.tolist(), offsets.tolist(), remote, strict=True)
        ]
        bounds = starts.tolist()
        return [made[a:b] for a, b in pairwise(bounds)], np.diff(before)

    def _report(
        self,
        table: _Table,
        which: NDArray[np.int64],
        times: Times,
        durations: Values,
        segments: list[list[Segment]],
        versions: list[str],
        errors: list[str | None],
        error: NDArray[np.int64],
    ) -> Arrivals:
        delivery, draw, n = self._life.delivery, self._random, len(times)
        host = draw.integers(delivery.hosts, size=n)
        dated = times + np.where(host < delivery.wrong_hosts, delivery.ahead_s, 0.0)
        if delivery.behind:
            late = draw.uniform(size=n) < delivery.behind
            dated = dated - np.where(late, draw.uniform(0.0, delivery.behind_s, n), 0.0)
        era = np.floor((times - self.start_s) / delivery.renamed_hosts_s).astype(np.int64)
        failures = [None if name is None else self._failure(name) for name in errors]
        names, kinds = table.names, table.kinds
        columns = (which, np.round(dated, 3), np.round(durations, 3), host, era, error)
        made = [
            Execution(
                APPLICATION,
                names[o],
                started,
                took,
                f"{self._seed:08x}{number:016x}",
                "",
                "",
                kinds[o],
                "error" if e else "ok",
                None,
                "",
                version,
                f"host-{h}-{r}",
                None,
                None,
                failures[e],
                _NOTHING,
                None,
                None,
                parts,
            )
            for number, (o, started, took, h, r, e), version, parts in zip(
                range(self._number, self._number + n),
                zip(*(column.tolist() for column in columns), strict=True),
                versions,
                segments,
                strict=True,
            )
        ]
        self._number += n
        at_s = times + durations / 1e3 + draw.exponential(delivery.delay_s, n)
        if delivery.again:
            again = np.flatnonzero(draw.uniform(size=n) < delivery.again)
            at_s = np.concatenate([at_s, at_s[again] + draw.uniform(1.0, 60.0, len(again))])
            made += [made[row] for row in again.tolist()]
        return Arrivals(at_s, made)

    def _failure(self, name: str) -> ExecutionFailure:
        return self._failures.setdefault(name, ExecutionFailure(name, f"it was a {name}"))

    def _scan(self, start_s: float, end_s: float) -> Arrivals:
        """Requests for paths that are all different."""
        assert self._life.routeless is not None
        times = self._arrivals(Flow(self._life.routeless, ()), -1, start_s, end_s)
        draw = self._random
        names = [
            f"GET /{a:x}{b:05x}/{'setup.php' if b % 2 else 'login'}"
            for a, b in draw.integers(1 << 20, size=(len(times), 2)).tolist()
        ]
        took = np.round(draw.gamma(4.0, 0.5, len(times)), 3).tolist()
        made = [
            Execution(
                APPLICATION,
                normalize_operation(name),
                at_s,
                ms,
                f"{draw.integers(1 << 60):024x}",
                status="ok",
                result="404",
            )
            for name, at_s, ms in zip(names, np.round(times, 3).tolist(), took, strict=True)
        ]
        return Arrivals(times + draw.exponential(self._life.delivery.delay_s, len(times)), made)


_NOTHING: dict[str, object] = {}


def _in_order(parts: Sequence[Arrivals], end_s: float) -> tuple[Arrivals, Arrivals]:
    """What arrives before ``end_s``, in order, and what arrives later."""
    at_s = np.concatenate([part.at_s for part in parts])
    executions = [execution for part in parts for execution in part.executions]
    order = np.argsort(at_s, kind="stable")
    now = int(np.searchsorted(at_s[order], end_s))
    chosen = [executions[row] for row in order.tolist()]
    return Arrivals(at_s[order[:now]], chosen[:now]), Arrivals(at_s[order[now:]], chosen[now:])
