"""The table of how soon pages are seen."""

from typing import Final

from tracehound.scripts.documents.measured import Measured, number, table, verdict

_PAINT_MS, _KB = 500.0, 200.0
_LOOKS: Final = {"overview": "overview", "incident": "an incident"}


def page(measured: Measured) -> str:
    """First content and bytes of the pages, what axe found, and violations of the policy."""
    found = measured.of("page")
    rows = [
        [
            f"first content of {said}, ms",
            number(found[f"{name}_paint_ms"], 0),
            "500",
            verdict(found[f"{name}_paint_ms"] <= _PAINT_MS),
        ]
        for name, said in _LOOKS.items()
    ]
    rows += [
        [
            "bytes of the overview in all, kB",
            number(found["transfer_kb"], 1),
            "200",
            verdict(found["transfer_kb"] <= _KB),
        ],
        ["serious findings of axe-core", number(found["axe_serious"], 0), "0", verdict(not found["axe_serious"])],
        [
            "violations of the content security policy",
            number(found["csp_violations"], 0),
            "0",
            verdict(not found["csp_violations"]),
        ],
    ]
    looks = len(found["overview"]["paints_ms"])
    about = (
        f"{number(found['applications'], 0)} applications in the store, {found['browser']} with an empty cache, "
        f"medians of {looks} looks."
    )
    return "\n\n".join((about, table(("", "measured", "target", ""), rows), measured.origin("page", "make bench-page")))
