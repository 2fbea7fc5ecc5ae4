import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracehound.streams.intake.conventions.statements import is_statement, summary_of


@pytest.mark.parametrize(
    ("statement", "summary"),
    [
        ("select a, b from item where id = 7", "SELECT item"),
        ("SELECT count(*) FROM `shop`.`item` i JOIN other o ON true", "SELECT shop.item"),
        ('select "a" from only [dbo].[item]', "SELECT dbo.item"),
        ("SELECT 1", "SELECT"),
        ("select * from (select * from inner_one) x", "SELECT inner_one"),
        ("/* from comments */ insert into orders(id) values ('from secrets')", "INSERT orders"),
        ("-- a line\nupdate orders set x = 1", "UPDATE orders"),
        ("delete from orders where id in (1, 2)", "DELETE orders"),
        ("MERGE INTO stock USING x", "MERGE stock"),
        ("REPLACE INTO stock VALUES (1)", "REPLACE stock"),
        ("with recent as (select * from log) select * from recent", "WITH recent"),
        ("create table if not exists orders (id int)", "CREATE orders"),
        ("DROP TABLE IF EXISTS orders", "DROP orders"),
        ("truncate orders", "TRUNCATE orders"),
        ("call charge(7)", "CALL charge"),
        ("BEGIN", "BEGIN"),
        ("(select * from a) union (select * from b)", "SELECT a"),
        ('{"find": "users"}', ""),
        ("GET user:7", ""),
        ("", ""),
    ],
)
def test_a_statement_is_summed_up_by_verb_and_table(statement: str, summary: str) -> None:
    assert summary_of(statement) == summary


@given(st.text(max_size=60), st.sampled_from(["select {} from t", "insert into t values ({})", "{}"]))
def test_any_text_is_borne(text: str, form: str) -> None:
    assert len(summary_of(form.format(text))) <= 300


@given(st.text(st.characters(codec="ascii", exclude_characters="'\\"), max_size=30))
def test_literals_never_reach_the_summary(secret: str) -> None:
    assert summary_of(f"update t set x = '{secret}' where y = 1") == "UPDATE t"


def test_a_statement_is_told_from_a_name() -> None:
    statements = ["SELECT * FROM t", "insert into t values (1)", "update t set a = 7", "delete from t where a"]
    names = ["SELECT t", "select", "Update the cart", "call stock", "GET /a?b=c", "Cart.total(int)", "release", ""]

    assert [is_statement(each) for each in statements] == [True] * len(statements)
    assert [is_statement(each) for each in names] == [False] * len(names)
