"""Text that came from outside, made harmless for chats and mail: it cannot steer, mention, link or format."""

_ELLIPSIS = "…"
_STAND_INS = str.maketrans(
    {
        "@": "\uff20",  # mentions: @channel, @here, @everyone, names
        "<": "\u2039",  # HTML, and Slack's <!channel>, <@U1>, <address|text>
        ">": "\u203a",
        "`": "'",  # would end the code span that it stands in
    }
)


def harmless(text: str, most: int) -> str:
    r"""At most ``most`` characters of a text on one line, with look-alikes for what chats and browsers act upon.

    Controls, line breaks and characters that reorder or hide text become blanks. ``@``, angle brackets and backticks
    become look-alikes, and so does what makes a link of a text: ``://``, ``www.``, ``](``. A bare domain name stays
    as it is; a client that links it shows where to.

    >>> ascii(harmless("<!channel>\x1b[31m [this](https://evil.example)\n@here", 80))
    "'\\u2039!channel\\u203a [31m [this] (https\\uff1a//evil.example) \\uff20here'"
    >>> harmless("abcdef", 4)
    'abc…'
    """
    cut = text[: 4 * most]  # what follows is linear in its length, which is somebody else's choice
    visible = "".join(character if character.isprintable() else " " for character in cut)
    line = " ".join(visible.split()).translate(_STAND_INS)
    line = line.replace("://", "\uff1a//").replace("](", "] (")
    for start in ("www.", "WWW."):
        line = line.replace(start, start[:-1] + "\uff0e")
    if len(line) > most or len(text) > len(cut):
        return line[: most - 1] + _ELLIPSIS
    return line
