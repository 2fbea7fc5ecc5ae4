"""Who emitted a span, read from the attributes of its resource."""

from tracehound.schemas.spans import Resource
from tracehound.streams.intake.conventions import names
from tracehound.streams.intake.conventions.texts import NAME_CHARACTERS, Attributes, first, text

UNKNOWN_SERVICE = "unknown_service"
"""What OpenTelemetry calls a service that does not say its name."""
_PLACES = tuple(names.PLACES.items())


def resource_of(attributes: Attributes, with_namespace: bool = True) -> Resource:
    """The resource with these attributes; every name is cut to 200 characters.

    A service without a name is ``unknown_service``. A service's name is unique only within its namespace, so the
    application is ``namespace/name`` where there is one, as Prometheus' label ``job`` is; not ``with_namespace``, it is
    the name alone. The host is the first of ``host.name``, ``k8s.pod.name`` and ``service.instance.id`` that there is.
    Zone, region, cluster and node are its places.

    Source: https://opentelemetry.io/docs/specs/semconv/resource/#service and
    https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#resource-attributes-1.

    >>> resource_of({"service.name": "shop", "deployment.environment": "live", "k8s.pod.name": "shop-0"})
    Resource(service='shop', environment='live', version='', host='shop-0', places=())
    >>> resource_of({"service.name": "frontend", "service.namespace": "bank"}).service
    'bank/frontend'
    """
    get = attributes.get
    service = text(get(names.SERVICE)) or UNKNOWN_SERVICE
    if with_namespace and (namespace := text(get(names.SERVICE_NAMESPACE))):
        service = f"{namespace}/{service}"
    return Resource(
        service[:NAME_CHARACTERS],
        first(get, names.ENVIRONMENT)[:NAME_CHARACTERS],
        text(get(names.SERVICE_VERSION))[:NAME_CHARACTERS],
        first(get, names.HOST)[:NAME_CHARACTERS],
        tuple([(name, found[:NAME_CHARACTERS]) for name, spelled in _PLACES if (found := first(get, spelled))]),
    )
