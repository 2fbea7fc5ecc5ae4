"""The numbers of operations, within bounds: what is beyond them is kept together."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b

from sqlalchemy import Connection, func, select

from tracehound.console.executions.rows import insert_missing, some_at_once
from tracehound.console.executions.windows import OTHERS
from tracehound.console.store.tables import operation_times, operations
from tracehound.schemas.execution import ApplicationKey

OperationKey = tuple[str, str, str]
"""Application, environment, operation."""


class Registry:
    """Knows operations by number; new ones get one in the database.

    Of an application with too many operations, those that come later are one, ``OTHERS``; of too many applications,
    those that come later are one by partition, whose name is ``OTHERS`` and whose environment the partition's number.
    It may be wrong once a transaction has failed; make a new one then.

    Parameters:
        most_operations: of one application.
        most_applications: of this database.
    """

    def __init__(self, most_operations: int, most_applications: int) -> None:
        self._most_operations, self._most_applications = most_operations, most_applications
        self._known: dict[ApplicationKey, dict[str, int]] = {}
        self._applications: int | None = None

    def seqs(
        self, connection: Connection, keys: Mapping[OperationKey, int], others: Iterable[ApplicationKey] = ()
    ) -> dict[OperationKey, int]:
        """The number of each operation; several may have the same. Each comes with the partition that it is from.

        ``application_of`` is right then for their applications, and for some ``others``.
        """
        self._load(connection, {key[:2] for key in keys}.union(others))
        wanted = {key: self._within_bounds(connection, key, partition) for key, partition in keys.items()}
        self._add(connection, [key for key in wanted.values() if not self._of(key).get(key[2])])
        found = {key: self._of(stored)[stored[2]] for key, stored in wanted.items()}
        self._known = {key: of for key, of in self._known.items() if of}  # those beyond the bound are without end
        return found

    def application_of(self, key: ApplicationKey, partition: int) -> ApplicationKey:
        """The application, or that which stands for those beyond the bound."""
        return key if self._known.get(key) else (OTHERS, str(partition))

    def _of(self, key: OperationKey) -> dict[str, int]:
        return self._known.setdefault(key[:2], {})

    def _load(self, connection: Connection, applications: Iterable[ApplicationKey]) -> None:
        loaded: dict[ApplicationKey, dict[str, int]] = {key: {} for key in applications if key not in self._known}
        for some in some_at_once(sorted({application for application, _ in loaded})):
            for row in connection.execute(select(operations).where(operations.c.application.in_(some))):
                if (row.application, row.environment) in loaded:
                    loaded[row.application, row.environment][row.operation] = row.seq
        self._known |= loaded

    def _within_bounds(self, connection: Connection, key: OperationKey, partition: int) -> OperationKey:
        of = self._of(key)
        if key[2] in of:
            return key
        if self._applications is None:
            self._applications = connection.execute(select(func.count()).select_from(operation_times)).scalar_one()
        if not of:
            if self._applications >= self._most_applications:
                return OTHERS, str(partition), OTHERS
            self._applications += 1
        if len(of) >= self._most_operations:
            return key[0], key[1], OTHERS
        of[key[2]] = 0  # it has a place, and its number soon
        return key

    def _add(self, connection: Connection, keys: Iterable[OperationKey]) -> None:
        digests = {_digest_of(key): key for key in keys}
        rows = [
            {"digest": digest, "application": key[0], "environment": key[1], "operation": key[2]}
            for digest, key in digests.items()
        ]
        insert_missing(connection, operations, rows)
        columns = operations.c
        for some in some_at_once(list(digests)):
            for digest, seq in connection.execute(select(columns.digest, columns.seq).where(columns.digest.in_(some))):
                key = digests[digest]
                self._of(key)[key[2]] = seq


def _digest_of(key: OperationKey) -> str:
    return blake2b("\0".join(key).encode(), digest_size=16).hexdigest()
