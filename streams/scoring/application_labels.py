"""Labels of applications in metrics, under a cap."""

from tracehound.schemas.execution import ApplicationKey

OTHER_APPLICATIONS = "(other applications)"
"""The label that all those share which came after the limit of applications with labels of their own."""


class ApplicationLabels:
    """Label values (application, environment) of metrics, under a cap: Prometheus keeps every one it has ever seen.

    The first ``limit`` applications have labels of their own for as long as the process lives.

    >>> labels = ApplicationLabels(limit=1)
    >>> labels.of(("shop", "")), labels.of(("bank", "")), labels.of(("shop", ""))
    (('shop', ''), ('(other applications)', ''), ('shop', ''))
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: set[ApplicationKey] = set()

    def of(self, application: ApplicationKey) -> ApplicationKey:
        """The labels of an application, or those that the rest share."""
        if application not in self._known:
            if len(self._known) >= self._limit:
                return OTHER_APPLICATIONS, ""
            self._known.add(application)
        return application
