"""What ends a worker: the first error that no part of it can mend."""

import asyncio


class Failure:
    """Where the parts of a worker tell of an error that ends it; whoever runs the worker waits here."""

    def __init__(self) -> None:
        self._told = asyncio.Event()
        self.reason: BaseException | None = None

    def tell(self, reason: BaseException) -> None:
        """The worker cannot go on. Later errors, which may follow from the first, are left out."""
        if self.reason is None:
            self.reason = reason
            self._told.set()

    async def told(self) -> BaseException:
        """Return the error once there is one."""
        await self._told.wait()
        assert self.reason is not None
        return self.reason
