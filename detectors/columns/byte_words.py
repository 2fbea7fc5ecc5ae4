"""Text read eight bytes at a time by kernels. Texts end with ``PADDING``, so that there is a word at every byte."""

from typing import Any, Final

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN

PADDING: Final = bytes(16)
_EVERY: Final = 0x0101010101010101
_ONES, _TOPS = np.uint64(_EVERY), np.uint64(_EVERY << 7)
_BLANKS, _QUOTES, _BACKSLASHES = np.uint64(_EVERY * 0x20), np.uint64(_EVERY * 0x22), np.uint64(_EVERY * 0x5C)
_ALL, _64 = np.uint64(2**64 - 1), np.uint64(64)
_ZERO = np.uint64(0)


@intrinsic
def word_at(typing_context: Any, text: Any, at: Any) -> Any:  # noqa: ARG001 (given by numba)
    """The eight bytes of ``text`` (bytes) from ``at`` on as a number, the first one the least."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = make_array(signature.args[0])(context, builder, arguments[0]).data
        place = builder.gep(data, [arguments[1]])
        return builder.load(builder.bitcast(place, ir.IntType(64).as_pointer()), align=1)

    return types.uint64(text, types.int64), generate


@intrinsic
def lowest_bit(typing_context: Any, word: Any) -> Any:  # noqa: ARG001 (given by numba)
    """The place of the lowest bit that is set, of a word that is not 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001 (the same)
        return builder.cttz(arguments[0], cgutils.true_bit)

    return types.int64(types.uint64), generate


@intrinsic
def double_of(typing_context: Any, bits: Any) -> Any:  # noqa: ARG001 (given by numba)
    """The double that has these bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001 (the same)
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


@intrinsic
def bits_of(typing_context: Any, number: Any) -> Any:  # noqa: ARG001 (given by numba)
    """The bits of a double."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001 (the same)
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.uint64(types.float64), generate


@intrinsic
def upper_half(typing_context: Any, one: Any, other: Any) -> Any:  # noqa: ARG001 (given by numba)
    """The upper 64 bits of the product of words."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001 (the same)
        wide = ir.IntType(128)
        product = builder.mul(*(builder.zext(argument, wide) for argument in arguments))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), generate


@njit(**LEAN, forceinline=True)
def first_bytes(count: Any) -> Any:
    """A mask of the first ``count`` (0 to 8) bytes of a word."""
    return _ALL >> (_64 - np.uint64(8 * count)) if count > 0 else _ZERO


@njit(**LEAN, forceinline=True)
def end_of_string(text: Any, at: int) -> Any:
    """The place of the quote, backslash or control character that comes first."""
    while True:
        word = word_at(text, at)
        quotes, slashes = word ^ _QUOTES, word ^ _BACKSLASHES
        # The lowest bit that is set is that of the first such byte; those after it may be wrong.
        found = ((quotes - _ONES) & ~quotes | (slashes - _ONES) & ~slashes | (word - _BLANKS) & ~word) & _TOPS
        if found != _ZERO:
            return at + (lowest_bit(found) >> 3)
        at += 8


@intrinsic
def folded_product(typing_context: Any, one: Any, other: Any) -> Any:  # noqa: ARG001 (given by numba)
    """The two halves of the product of 64-bit words, one over the other: each bit depends on all of both."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001 (the same)
        word, wide = ir.IntType(64), ir.IntType(128)
        product = builder.mul(*(builder.zext(argument, wide) for argument in arguments))
        high = builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), word)
        return builder.xor(builder.trunc(product, word), high)

    return types.uint64(types.uint64, types.uint64), generate


@njit(**LEAN, forceinline=True)
def hash_of_bytes(seed: Any, factor: Any, text: Any, at: int, length: int) -> Any:
    """A hash of so many bytes; whoever does not know ``seed`` and ``factor`` (odd) finds none with the same.

    Source: the multiplication of words and folding of W. Yi's wyhash. A product that is not folded would do with a
    secret seed, but not with words that differ in their highest bit alone: these meet whatever the seed.
    """
    key = seed
    while length > 0:
        key = folded_product(key ^ (word_at(text, at) & first_bytes(min(8, length))), factor)
        at, length = at + 8, length - 8
    return key


@njit(**LEAN, forceinline=True)
def same_bytes(one: Any, at: int, other: Any, other_at: int, length: int) -> bool:
    """Whether so many bytes are the same in two texts."""
    while length > 0:
        mask = first_bytes(min(8, length))
        if (word_at(one, at) ^ word_at(other, other_at)) & mask != _ZERO:
            return False
        at, other_at, length = at + 8, other_at + 8, length - 8
    return True
