"""Bytes and odd text as JSON and people can read them. Pure."""

from __future__ import annotations

import base64
import codecs
import functools
import re
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from mimetypes import MimeTypes

UNKNOWN = "application/octet-stream"
COMPRESSED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


def readable(data: bytes) -> str:
    """`data` as text, with each byte that isn't UTF-8 written out, as in `\\xff`."""
    return data.decode(errors="backslashreplace")


def quoted(text: str) -> str:
    """`text` as repr() quotes it, with each byte that isn't UTF-8 (PEP 383) written out as `\\xff`.

    In repr's answer every backslash begins an escape, so that one that stands in `text` is never mistaken for one.
    """
    return re.sub(r"\\(udc([89a-f][0-9a-f])|.)", lambda found: rf"\x{found[2]}" if found[2] else found[0], repr(text))


def spelled(text: str) -> str:
    """`text` quoted, in ASCII: a word that has to be one of ours is not mistaken for one that looks like it."""
    return quoted(text).encode("ascii", "backslashreplace").decode()


def to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def text_or_base64(data: bytes, *, cut: bool) -> tuple[str, str | None]:
    """The text of a stream, and its exact bytes in base64 where the text isn't them.

    A stream that was `cut` may end in half a character, which is left out.
    """
    try:
        return codecs.utf_8_decode(data, "strict", not cut)[0], None
    except UnicodeDecodeError:
        return data.decode(errors="replace"), to_base64(data)


def well_formed(value: object) -> object:
    """Plain data without lone surrogates, which JSON readers refuse: a surrogate escape (PEP 383) becomes `\\xff`."""
    if isinstance(value, str):
        return value if value.isascii() else _without_surrogates(value)
    if isinstance(value, dict):
        return {well_formed(key): well_formed(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [well_formed(item) for item in cast("list[object]", value)]
    return value


def _without_surrogates(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        pass
    else:
        return text  # as almost all is
    try:
        return readable(text.encode(errors="surrogateescape"))
    except UnicodeEncodeError:  # a surrogate that escapes no byte
        return readable(text.encode(errors="surrogatepass"))


def media_type(path: str) -> str:
    """What a file's name says that it holds, by the standard library's own table, whatever the machine adds to it."""
    # "./" keeps a name like "data:x.png" from being read as a URL.
    kind, compression = _media_types().guess_type("./" + path)
    return (kind or UNKNOWN) if compression is None else COMPRESSED.get(compression, UNKNOWN)


@functools.cache
def _media_types() -> MimeTypes:
    import mimetypes  # only for a job that left something

    return mimetypes.MimeTypes()
