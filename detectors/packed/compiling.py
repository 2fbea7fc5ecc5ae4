"""numba's ``njit``, whose files of compiled code belong to the sources that they were compiled from."""

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import sha256
from importlib.util import resolve_name
from pathlib import Path
from typing import Any

import numba
from numba.core import caching
from numba.core.dispatcher import Dispatcher

_DIGEST_LENGTH = 16
_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+(\S+)[ \t]+)?import[ \t]+(\([^)]*\)|[^\n]+)", re.MULTILINE)
_NAME = re.compile(r"[\w.]+")


def njit(*, cache: bool = False, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """As ``numba.njit``, but what is kept (``cache``) is found again only if nothing has changed of what it is made of.

    numba itself looks at the file of the kernel alone, and so goes on with the old code where a kernel or a constant
    of another file has changed that went into it. Here the names of the files hold a digest of all sources of the
    package that the kernel's module imports, directly or not. They lie where numba would put them (NUMBA_CACHE_DIR,
    ``__pycache__``, the user's cache folder); what was compiled of other sources is removed when something is added.
    Where nothing can be written, kernels are compiled in every process.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        kernel = numba.njit(**options)(function)
        if cache and isinstance(kernel, Dispatcher):
            with suppress(RuntimeError):  # there is no folder to write to
                kernel._cache = KernelCache(function)  # type: ignore[attr-defined] # numba's own, as its enable_caching
        return kernel

    return compiled


@cache
def source_digest(module: str, file: str) -> str:
    """Of the sources of a module and of all that it imports of its own package, and of the compiler's version."""
    digest = sha256(numba.__version__.encode())
    for name, source in sorted(_sources(module, Path(file)).items()):
        digest.update(f"{name}\n{len(source)}\n".encode() + source)
    return digest.hexdigest()[:_DIGEST_LENGTH]


def _sources(module: str, file: Path) -> dict[str, bytes]:
    """The modules of the package that a module is made of, itself included, by name."""
    depth = module.count(".") + (file.stem == "__init__")
    root, top = file.parents[depth], module.partition(".")[0]
    found: dict[str, bytes] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _file_of(root, name)
        if path is None or name in found:
            continue  # (an object of a module, which has been told as well)
        found[name], imported = _read(path, name if path.stem == "__init__" else name.rpartition(".")[0])
        waiting += [one for one in imported if one.partition(".")[0] == top]
    return found


def _file_of(root: Path, name: str) -> Path | None:
    module = root.joinpath(*name.split("."))
    return next(filter(Path.is_file, (module.with_suffix(".py"), module / "__init__.py")), None)


@cache
def _read(path: Path, package: str) -> tuple[bytes, tuple[str, ...]]:
    """A source, and all that may be modules in what it imports: too many rather than too few."""
    source = path.read_bytes()
    names: list[str] = []
    for module, imported in _IMPORT.findall(source.decode()):
        within = resolve_name(module, package) if module.startswith(".") else module
        names += [within, *(f"{within}.{one}" if within else one for one in _NAME.findall(imported))]
    return source, tuple(names)


class _OfSources:
    """Makes a digest of the sources part of the name of a cache's files."""

    _py_file: str
    _lineno: int

    def __init__(self, function: Callable[..., Any], file: str) -> None:
        super().__init__(function, file)  # type: ignore[call-arg]
        self.digest = source_digest(function.__module__, file)

    def get_disambiguator(self) -> str:
        """What tells files of functions with one name apart."""
        return f"{self._lineno}-{self.digest}"


class _Given(_OfSources, caching.UserProvidedCacheLocator):
    """In the folder that NUMBA_CACHE_DIR names."""


class _Beside(_OfSources, caching.InTreeCacheLocator):
    """In the ``__pycache__`` beside the source."""


class _OfUser(_OfSources, caching.UserWideCacheLocator):
    """In the user's folder for caches."""


class _Kept(caching.CompileResultCacheImpl):
    _locator_classes = (_Given, _Beside, _OfUser)


class KernelCache(caching.FunctionCache):
    """The compiled code of one kernel, one file for each signature, shared by all processes with the same sources.

    Raises:
        RuntimeError: there is no folder to write to.
    """

    _impl_class = _Kept

    @property
    def digest(self) -> str:
        """Of the sources."""
        return str(self._impl.locator.digest)

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep the code for a signature, and remove what was compiled of other sources of the same module."""
        with suppress(OSError):  # what cannot be kept was compiled all the same
            with _alone_in(self.cache_path):
                super().save_overload(signature, compiled)
            self._remove_others()

    def _remove_others(self) -> None:
        base: str = self._impl.filename_base
        module, version = base.partition(".")[0], base.rpartition(".")[2]
        for file in Path(self.cache_path).glob(f"{module}.*.{version}.*nb[ic]"):
            if f"-{self.digest}.{version}." not in file.name:
                file.unlink(missing_ok=True)


@contextmanager
def _alone_in(folder: str) -> Iterator[None]:
    """Let one process at a time add to a folder: numba numbers the files of a function by what its index holds."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
