"""Generated parts: written anew between their markers, and nothing else changes."""

import pytest

from tracehound.scripts.documents.blocks import names_in, with_blocks


def test_only_what_is_between_markers_changes() -> None:
    text = "before\n<!-- a: begin -->\nold\n\nold\n<!-- a: end -->\non\n<!-- b-c_1: begin -->\n<!-- b-c_1: end -->\n"
    found = with_blocks(text, {"a": lambda: "new", "b-c_1": lambda: "1\n2"})
    assert (
        found
        == "before\n<!-- a: begin -->\nnew\n<!-- a: end -->\non\n<!-- b-c_1: begin -->\n1\n2\n<!-- b-c_1: end -->\n"
    )
    assert with_blocks(found, {"a": lambda: "new", "b-c_1": lambda: "1\n2"}) == found
    assert names_in(found) == ["a", "b-c_1"]


@pytest.mark.parametrize(
    "text",
    [
        "<!-- a: begin -->\n",
        "<!-- a: end -->",
        "<!-- a: begin -->\n<!-- b: end -->",
        "<!-- a: end -->\n<!-- a: begin -->",
    ],
)
def test_a_marker_without_its_partner_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must have its partner"):
        with_blocks(text, {"a": str, "b": str})


def test_what_nobody_generates_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must be one of a, b. Got 'c' instead"):
        with_blocks("<!-- c: begin -->\n<!-- c: end -->", {"a": str, "b": str})
