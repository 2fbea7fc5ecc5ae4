"""How much of the demo's data was scored."""

from sqlalchemy import func, select

from tracehound.console.demo_data.feeding import ENVIRONMENT
from tracehound.console.store.engine import Store
from tracehound.console.store.tables import applications


def scored(store: Store) -> int:
    """Executions of the environment ``demo`` that were scored since it is known here.

    Raises:
        StoreError: the store is away.
    """
    wanted = select(func.sum(applications.c.executions)).where(applications.c.environment == ENVIRONMENT)
    with store.read() as connection:
        return int(connection.execute(wanted).scalar() or 0)
