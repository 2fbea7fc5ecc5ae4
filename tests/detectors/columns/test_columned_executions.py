"""Executions with their columns: heads of what has not been made, one after the other with what has."""

from tracehound.detectors.columns.columned_executions import ColumnedExecutions, columned
from tracehound.detectors.columns.placed_texts import PlacedTexts
from tracehound.detectors.columns.read_heads import HeadReader
from tracehound.schemas.codec import encode
from tracehound.schemas.execution import Execution, Segment


def test_heads_are_those_of_the_executions_wherever_they_are() -> None:
    made = [
        Execution(
            "shop",
            f"GET /{number}",
            float(number),
            9.0,
            host=f"shop-{number}",
            attributes={"tier": "gold"},
            segments=[Segment("SELECT", 2.0)],
        )
        for number in range(6)
    ]
    reader = HeadReader()
    read = reader.read(PlacedTexts.of([encode(one) for one in made[:3]]), most=5)
    assert read is not None
    executions = ColumnedExecutions.joined([read.executions, columned(made[3:], reader.names)])
    for one in (executions, executions[1:5]):
        heads = [one.head(index) for index in range(len(one))]
        assert [(head.host, head.attributes) for head in heads] == [(its.host, its.attributes) for its in one]
