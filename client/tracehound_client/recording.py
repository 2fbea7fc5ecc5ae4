"""What is recorded from a beginning to an end: the block of a ``with``, or each call of a function."""

import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, ParamSpec, Self, TypeVar, cast

T = TypeVar("T")
P = ParamSpec("P")
R = TypeVar("R")


class Recorder(ABC, Generic[T]):
    """Records a block of ``with`` once, or, as a decorator, each call of a function or coroutine function."""

    @abstractmethod
    def __enter__(self) -> T: ...

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @abstractmethod
    def again(self, name: str) -> Self:
        """Another one like this, for one call of a function of this name."""

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Record each call of a function.

        Raises:
            TypeError: it is a generator function, whose callers run in the midst of it.
        """
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                f"What is recorded must be a function or a coroutine function. Got the generator function "
                f"{function.__qualname__} instead: use 'with' in it."
            )
        name = getattr(function, "__qualname__", "") or type(function).__qualname__
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*given: P.args, **named: P.kwargs) -> Any:
                with self.again(name):
                    return await function(*given, **named)

            return cast(Callable[P, R], awaited)

        @functools.wraps(function)
        def called(*given: P.args, **named: P.kwargs) -> R:
            with self.again(name):
                return function(*given, **named)

        return called
