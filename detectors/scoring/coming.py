"""Executions on their way to be scored: how many can be taken before something has to happen between two of them."""

from collections.abc import Callable

import numpy as np

from tracehound.detectors.application.models import ApplicationModels, OperationModels
from tracehound.detectors.application.places import PERIOD
from tracehound.detectors.bank import Slots
from tracehound.detectors.columns.heads import Heads
from tracehound.detectors.packed.occurrences import Occurrences
from tracehound.detectors.scoring.rows import Rows
from tracehound.schemas.execution import ApplicationKey

FindApplication = Callable[[ApplicationKey], ApplicationModels | None]
FindOperation = Callable[[ApplicationModels, str], OperationModels]
"""Gives an application the models of its operation of that name."""


class Coming:
    """The n executions of ``heads`` and the models of their applications, as far as ``find`` knows these.

    Something has to happen before the first execution of an application that is not known, where one of its refits
    starts or takes effect, where one of its periods begins, and where it has a version that it did not have before.
    All others can be taken together.

    Parameters: ``call`` is the number of the scorer's call that they came with.
    """

    def __init__(self, heads: Heads, find: FindApplication, call: int) -> None:
        self._heads, self._find, self._call, self._n = heads, find, call, len(heads)
        names, applications = heads.names, Occurrences(heads.application)
        self._keys = [names.applications.names[number] for number in heads.application[applications.first].tolist()]
        self._place, self._earlier = applications.place, applications.earlier
        self._places: list[int] = self._place.tolist()
        self._rows = applications.rows()
        self._taken = [0] * len(self._keys)
        pairs = Occurrences(heads.application * len(names.operations.names) + heads.operation)
        self._pairs: list[int] = pairs.place.tolist()
        self._names = [names.operations.names[number] for number in heads.operation[pairs.first].tolist()]
        self._versions = _versions(heads, self._places)
        self._due = np.zeros(len(self._keys), np.int64)
        self.find_again()

    @property
    def due(self) -> int:
        """The next row before which something has to happen; n without one."""
        return int(self._due.min(initial=self._n))

    def application(self, row: int) -> ApplicationModels | None:
        """The models of the application of a row, if they are known."""
        return self._known.get(self._places[row])

    def welcome(self, row: int, application: ApplicationModels) -> None:
        """The application of a row is known from now on."""
        place = self._places[row]
        self._known[place] = application
        self._due[place] = self._due_of(place)

    def find_again(self) -> None:
        """Applications may have come or gone."""
        found = map(self._find, self._keys)
        self._known = {place: models for place, models in enumerate(found) if models is not None}
        self.forget_operations()
        self.look_again()

    def forget_operations(self) -> None:
        """Operations may have given way: they are found anew."""
        self._operations: dict[int, OperationModels] = {}

    def look_again(self) -> None:
        """Executions have been judged, which may have changed when refits start."""
        for place in range(len(self._keys)):
            self._due[place] = self._due_of(place)

    def _due_of(self, place: int) -> int:
        """The next row of an application before which something has to happen; n without one."""
        application, rows, taken = self._known.get(place), self._rows[place], self._taken[place]
        if taken == len(rows):
            return self._n
        if application is None:
            return int(rows[taken])
        seen = application.seen
        ahead = taken + min(max(0, application.next_stop - seen), -seen % PERIOD if seen else PERIOD)
        due = int(rows[ahead]) if ahead < len(rows) else self._n
        for version, its_rows in self._versions.get(place, ()):
            if version not in application.versions.seen:
                at = int(np.searchsorted(its_rows, rows[taken]))
                due = min(due, int(its_rows[at])) if at < len(its_rows) else due
        return due

    def take(self, begin: int, end: int, rows: Rows, find: FindOperation, counted: bool = False) -> None:
        """Add the executions [``begin``, ``end``), of known applications, to ``rows``.

        These count them, unless they have been ``counted``, and know their versions.
        """
        counts = np.bincount(self._place[begin:end], minlength=len(self._keys))
        first, places = np.zeros(len(counts), np.int64), counts.nonzero()[0].tolist()
        for place in places:
            application, count = self._known[place], int(counts[place])
            application.used = self._call
            application.seen += 0 if counted else count
            self._taken[place] += count
            first[place] = application.seen - self._taken[place] + 1
        numbers = self._earlier[begin:end] + first[self._place[begin:end]]
        if self._versions:
            self._note_versions(begin, end, numbers)
        pairs = self._pairs[begin:end]
        for pair, place in dict(zip(pairs, self._places[begin:end], strict=True)).items():
            if pair not in self._operations:
                operation = self._operations[pair] = find(self._known[place], self._names[pair])
                operation.idle = 0
        applications = map(self._known.__getitem__, self._places[begin:end])
        rows.extend(applications, map(self._operations.__getitem__, pairs), numbers.tolist())
        for place in places:
            self._due[place] = self._due_of(place)

    def _note_versions(self, begin: int, end: int, numbers: Slots) -> None:
        heads, told = self._heads, np.flatnonzero(self._heads.version[begin:end])
        rows = begin + told
        pairs = zip(self._place[rows].tolist(), heads.version[rows].tolist(), strict=True)
        newest = dict(zip(pairs, zip(heads.started_s[rows].tolist(), numbers[told].tolist(), strict=True), strict=True))
        for (place, version), now in newest.items():
            self._known[place].versions.note(heads.names.versions.names[version], now)


def _versions(heads: Heads, places: list[int]) -> dict[int, list[tuple[str, Slots]]]:
    """The versions of each application, by its place, that has any, and their rows."""
    told = np.flatnonzero(heads.version)
    names = heads.names.versions.names
    pairs = Occurrences(heads.application[told] * len(names) + heads.version[told])
    found: dict[int, list[tuple[str, Slots]]] = {}
    for first, of_pair in zip(pairs.first, pairs.rows(), strict=True):
        row = int(told[first])
        found.setdefault(places[row], []).append((names[heads.version[row]], told[of_pair]))
    return found
