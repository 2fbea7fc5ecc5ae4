from tracehound.detectors.features.attributes import is_public
from tracehound.detectors.settings import PRIVATE
from tracehound.schemas.spans import Resource
from tracehound.streams.intake.conventions.names import PLACES, RESOURCE_ATTRIBUTES
from tracehound.streams.intake.conventions.resources import resource_of
from tracehound.streams.intake.conventions.texts import AttributeValue


def test_a_resource_has_names_of_both_generations_and_the_first_host_there_is() -> None:
    named: dict[str, AttributeValue] = {
        "service.name": "shop",
        "service.version": 3,
        "deployment.environment": "old",
        "deployment.environment.name": "live",
        "k8s.pod.name": "pod",
        "service.instance.id": "instance",
    }

    assert set(named) <= RESOURCE_ATTRIBUTES
    assert resource_of(named) == Resource("shop", "live", "3", "pod")
    assert resource_of({**named, "host.name": "host"}).host == "host"
    assert resource_of({}) == resource_of({"service.name": ""}) == Resource("unknown_service")
    assert resource_of({"service.name": "s" * 300}) == Resource("s" * 200)


def test_where_a_service_runs_is_kept_by_names_that_may_be_told() -> None:
    placed: dict[str, AttributeValue] = {
        "service.name": "shop",
        "cloud.availability_zone": "eu-1a",
        "cloud.region": "eu-1",
        "k8s.node.name": "n" * 300,
        "k8s.namespace.name": "shops",
    }
    made = resource_of(placed)
    assert made.places == (("zone", "eu-1a"), ("region", "eu-1"), ("node", "n" * 200))
    assert all(is_public(name, frozenset(PRIVATE)) for name in PLACES)


def test_services_of_one_name_in_two_namespaces_are_two_applications() -> None:
    bank, shop = ({"service.name": "frontend", "service.namespace": name} for name in ("bank", "shop"))

    assert [resource_of(each).service for each in (bank, shop)] == ["bank/frontend", "shop/frontend"]
    assert [resource_of(each, with_namespace=False).service for each in (bank, shop)] == ["frontend", "frontend"]
    assert resource_of({"service.name": "frontend", "service.namespace": ""}).service == "frontend"
