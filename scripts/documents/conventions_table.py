"""The table of attributes that intake reads, generated from the code."""

from tracehound.scripts.documents.measured import table
from tracehound.streams.intake.conventions import names


def conventions_table() -> str:
    """What is read of spans and resources: by what it says the names of attributes, the first with a value counts."""
    resources = {
        "service": (names.SERVICE,),
        "namespace": (names.SERVICE_NAMESPACE,),
        "version": (names.SERVICE_VERSION,),
        "environment": names.ENVIRONMENT,
        "host": names.HOST,
        **{f"attribute `{name}`": spelled for name, spelled in names.PLACES.items()},
    }
    exceptions = {"exception type": (names.EXCEPTION_TYPE,), "exception message": (names.EXCEPTION_MESSAGE,)}
    rows = [
        [of, concept, ", ".join(f"`{name}`" for name in spelled)]
        for of, concepts in (("span", names.CONCEPTS), ("event", exceptions), ("resource", resources))
        for concept, spelled in concepts.items()
    ]
    head = f"Names of today are those of OpenTelemetry's semantic conventions {names.VERSION}."
    return f"{head}\n\n{table(('of a', 'says', 'attributes'), rows)}"
