"""What changes from message to message, replaced by a word for its kind; and secrets, which nobody should read."""

import re
from typing import Final

_HIDDEN: Final = "<secret>"
_NOT_IN_A_WORD, _WORD_ENDS = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
_SECRETS: Final = (
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*"), _HIDDEN),
    (re.compile(r"\b(Bearer|Basic)\s{1,8}(?!<)[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {_HIDDEN}"),
    (re.compile(r"(?<=://)[^\s/:@]{1,64}:[^\s/@]{1,128}(?=@)"), _HIDDEN),
    (re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\b(?:gh[pousr]|xox[abprs]|sk|pk|rk|glpat)[-_][\w-]{16,}"), _HIDDEN),
    (
        re.compile(
            r"((?:pass(?:word|wd|phrase)?|pwd|secret|token|api[-_ ]?key|access[-_ ]?key|credentials?|private[-_ ]?key)"
            r"[\"']?\s{0,4}(?:[=:]|\bis\b)\s{0,4}[\"']?)(?!<|Bearer\b|Basic\b)[^\s\"',;&)}\]]{1,256}",
            re.IGNORECASE,
        ),
        rf"\1{_HIDDEN}",
    ),
)
_VARYING: Final = (
    (re.compile(r"[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"), "<email>"),
    (re.compile(rf"{_NOT_IN_A_WORD}[0-9a-fA-F]{{8}}-(?:[0-9a-fA-F]{{4}}-){{3}}[0-9a-fA-F]{{12}}{_WORD_ENDS}"), "<id>"),
    (re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"), "<time>"),
    (re.compile(rf"{_NOT_IN_A_WORD}(?:\d{{1,3}}\.){{3}}\d{{1,3}}(?::\d{{1,5}})?{_WORD_ENDS}"), "<ip>"),
    (re.compile(r"(?<![\w:])\[?(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{1,4}\]?(?![\w:])"), "<ip>"),
    (re.compile(rf"{_NOT_IN_A_WORD}0x[0-9a-fA-F]+{_WORD_ENDS}"), "<id>"),
    (re.compile(rf"{_NOT_IN_A_WORD}(?=[a-fA-F]*\d)(?=\d*[a-fA-F])[0-9a-fA-F]{{8,}}{_WORD_ENDS}"), "<id>"),
    (re.compile(rf"{_NOT_IN_A_WORD}(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{{20,}}{_WORD_ENDS}"), "<id>"),
    (
        re.compile(
            rf"{_NOT_IN_A_WORD}[+-]?\d+(?:[.,:]\d+)*(?:[eE][+-]?\d+)?\s?"
            rf"(?:ns|us|µs|ms|min|s|m|h|d|[KMGT]i?B|B|%)?{_WORD_ENDS}|{_NOT_IN_A_WORD}[+-]?\d+{_WORD_ENDS}"
        ),
        "<num>",
    ),
)


def mask_secrets(text: str) -> str:
    """A text without passwords, tokens and keys, as far as they can be told by what is around them or their form.

    >>> mask_secrets("login of bob with password=hunter2 failed at https://u:p@shop/")
    'login of bob with password=<secret> failed at https://<secret>@shop/'
    """
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def masked(text: str) -> str:
    """A text without secrets, and with words in the place of addresses, ids, times and numbers.

    A number within a word (``E1234``, ``sha256``) is part of its name and stays.

    >>> masked("GET /cart/81 of 10.0.0.7:443 took 3.2 s: E1234 for 123e4567-e89b-12d3-a456-426614174000")
    'GET /cart/<num> of <ip> took <num>: E1234 for <id>'
    """
    text = mask_secrets(text)
    for pattern, instead in _VARYING:
        text = pattern.sub(instead, text)
    return text
