"""Chats, mail and SMS by Apprise, whose blocking calls run in threads of their own."""

import asyncio
import logging
import re
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.notify.hostile_text import harmless
from tracehound.streams.notify.notice import Notice
from tracehound.streams.notify.outcome import Delivered, Failed, Outcome, WithoutMemory
from tracehound.streams.notify.render import TextFormat, Words, cut_to, words_of
from tracehound.streams.settings.notify import AppriseUrl

_REASON = 200
_SLACK_S = 5.0
_SECRET_PARTS = re.compile(r"[/:@?&=#,+%]+")
_SHORTEST_PART = 4
_HEADING = 20  # what Apprise puts around a title that it makes a part of the body
_TALKATIVE = ("apprise", "urllib3", "requests")


@dataclass(frozen=True, slots=True)
class _Form:
    """What a service takes: characters of a body, and whether it has titles; ``cut`` unless its URL says how."""

    most: int
    titled: bool
    cut: bool

    def fitting(self, words: Words, form: TextFormat) -> Words:
        """The words as the service takes them.

        Where there are no titles Apprise makes a heading of it, in which a name with ``*`` or ``_`` would be Markdown:
        chats refuse that, or swallow the characters. So it stands in a code span, as all names do.
        """
        title, body = words.title, words.body
        if not self.titled and form == "markdown":
            title, body = "", f"`{title}`\n{body}"
        if not self.cut:
            return Words(title, body)
        beside = 0 if self.titled or not title else len(title) + _HEADING
        return Words(title, cut_to(body, max(0, self.most - beside)))


class AppriseReceiver(WithoutMemory):
    """Sends to one Apprise URL. It is never logged, and neither is what Apprise itself has to say of it.

    Chats and mail know no ids: after a crash a message may come twice.

    Raises:
        ConfigurationError: it is not exactly one URL that Apprise knows.
    """

    def __init__(self, name: str, settings: AppriseUrl, url: str, threads: int) -> None:
        lines = [line.strip() for line in url.splitlines() if line.strip()]
        service = _service(lines[0]) if len(lines) == 1 else None
        if service is None:
            raise ConfigurationError(
                f"The secret of the receiver {name!r} must be one URL that Apprise knows. Got something else instead; "
                "several services are several receivers, so that one that fails does not repeat the others."
            )
        self._service = service
        self._form = _form_of(service)
        self._secrets = {part for part in _SECRET_PARTS.split(lines[0]) if len(part) >= _SHORTEST_PART}
        self._settings = settings
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=f"apprise-{name}")

    async def tell(self, notice: Notice) -> Outcome:
        """See ``Receiver``. A call that does not end is given up; its thread ends when it does."""
        words = self._form.fitting(words_of(notice, self._settings.format), self._settings.format)
        loop = asyncio.get_running_loop()
        call = loop.run_in_executor(self._threads, self._notify, words.title, words.body, notice)
        try:
            return await asyncio.wait_for(call, self._settings.timeout_s + _SLACK_S)
        except TimeoutError:
            return Failed(f"Apprise did not finish within {self._settings.timeout_s + _SLACK_S:g} s.", retry=True)

    async def close(self) -> None:
        """See ``Receiver``."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _notify(self, title: str, body: str, notice: Notice) -> Outcome:
        import apprise

        kind = {"resolved": apprise.NotifyType.SUCCESS}.get(
            notice.change,
            apprise.NotifyType.FAILURE if notice.incident.severity == "critical" else apprise.NotifyType.WARNING,
        )
        result = self._service.notify(
            body=body,
            title=title,
            notify_type=kind,
            body_format=self._settings.format,
            timeout=self._settings.timeout_s,
        )
        if result:
            return Delivered()
        said = " ".join(str(entry.message) for entry in result.logs())
        return Failed(f"Apprise could not deliver it: {self._without_secrets(said)}.", retry=True)

    def _without_secrets(self, said: str) -> str:
        for part in self._secrets:
            said = said.replace(part, "***")
        return harmless(said, _REASON)


def _form_of(service: Any) -> _Form:
    """What the one service takes; where its URL does not say what becomes of more than that, Apprise is to cut, too."""
    import apprise

    [plugin] = service
    said = "overflow_mode" in vars(plugin)
    if not said:
        plugin.overflow_mode = apprise.OverflowMode.TRUNCATE
    return _Form(plugin.body_maxlen, plugin.title_maxlen > 0, not said)


def _service(url: str) -> Any:
    """Apprise with one URL, or None; it loads some hundred modules, and only where there is such a receiver."""
    for name in _TALKATIVE:  # they put whole URLs, with their tokens, into their logs
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.addHandler(logging.NullHandler())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of imghdr, which one of its modules imports
        import apprise

        service = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False, storage_mode="memory"))
        logger = logging.getLogger("apprise")
        logger.disabled = True  # it quotes a URL that it cannot read
        try:
            return service if service.add(url) else None
        finally:
            logger.disabled = False
