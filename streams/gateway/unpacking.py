"""Bodies unpacked as their Content-Encoding says, never beyond a bound."""

import io
import zlib

import zstandard

from tracehound.streams.http.refusal import RequestRefusedError

ENCODINGS = "gzip, deflate, zstd"
_PIECE_BYTES = 1 << 20
_MOST_MEMBERS = 16
"""Each member of gzip and frame of zstd costs a copy of all that follows it."""
_MOST_WINDOW_BYTES = 8 << 20
"""What a decoder must be able to keep, and need not exceed: RFC 9659."""


def unpacked(body: bytes, encoding: str, most_bytes: int) -> bytes:
    """The content of a body. Several gzip members or frames of Zstandard may follow each other.

    Parameters:
        encoding: the header Content-Encoding, empty without one.
        most_bytes: how long the content may be.

    Raises:
        RequestRefusedError: the encoding is unknown (415), the bytes are not of it (400), or the content is too long
            (413).

    >>> unpacked(zlib.compress(b"spans"), "deflate", 10)
    b'spans'
    """
    match encoding.strip().lower():
        case "" | "identity":
            content = body
        case "gzip" | "x-gzip":
            content = _inflated(body, 31, "gzip", most_bytes)
        case "deflate":
            # what HTTP calls deflate is zlib, but some clients send it without zlib's head (RFC 9110, 8.4.1.2)
            content = _inflated(body, 15 if _has_zlib_head(body) else -15, "deflate", most_bytes)
        case "zstd":
            content = _unpacked_zstd(body, most_bytes)
        case _:
            raise RequestRefusedError(
                415,
                "encoding",
                f"The Content-Encoding must be one of {ENCODINGS}. Got {encoding[:60]!r} instead.",
                {"Accept-Encoding": ENCODINGS},
            )
    if len(content) > most_bytes:
        raise too_large(most_bytes)
    return content


def too_large(most_bytes: int) -> RequestRefusedError:
    """A body is longer than it may be, as it came or once it is unpacked."""
    return RequestRefusedError(
        413,
        "too_large",
        f"The body must be at most {most_bytes} bytes long, also once it is unpacked "
        "(setting 'gateway.max_body_bytes'). It is longer.",
    )


def _has_zlib_head(body: bytes) -> bool:
    return len(body) >= 2 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0


def _inflated(body: bytes, wbits: int, name: str, most_bytes: int) -> bytes:
    content = bytearray()
    for _ in range(_MOST_MEMBERS if wbits == 31 else 1):
        unpacking = zlib.decompressobj(wbits)
        try:
            content += unpacking.decompress(body, most_bytes + 1 - len(content))
        except zlib.error as error:
            raise _damaged(name, str(error)) from error
        if len(content) > most_bytes:
            raise too_large(most_bytes)
        if not unpacking.eof:
            raise _damaged(name, "it ends too early")
        body = unpacking.unused_data
        if not body:
            return bytes(content)
    raise _damaged(name, "too much follows it")


def _unpacked_zstd(body: bytes, most_bytes: int) -> bytes:
    # the reader is bounded, but does not tell a frame that ends too early: so it measures, and another one unpacks
    decompressor = zstandard.ZstdDecompressor(max_window_size=_MOST_WINDOW_BYTES)
    content = bytearray()
    try:
        with decompressor.stream_reader(io.BytesIO(body), read_across_frames=True) as reader:
            size = 0
            while piece := reader.read(_PIECE_BYTES):
                size += len(piece)
                if size > most_bytes:
                    raise too_large(most_bytes)
        for _ in range(_MOST_MEMBERS):
            unpacking = decompressor.decompressobj()
            content += unpacking.decompress(body)
            if not unpacking.eof:
                raise _damaged("zstd", "it ends too early")
            body = unpacking.unused_data
            if not body:
                return bytes(content)
    except zstandard.ZstdError as error:
        raise _damaged("zstd", str(error)) from error
    raise _damaged("zstd", "too much follows it")


def _damaged(name: str, why: str) -> RequestRefusedError:
    return RequestRefusedError(
        400, "encoding", f"The body must be {name}, as its Content-Encoding says. It cannot be unpacked: {why}."
    )
