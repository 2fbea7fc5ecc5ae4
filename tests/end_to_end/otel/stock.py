"""A stock: how much there is of an item; knows nothing of tracing."""

import os
import sqlite3
from contextlib import closing
from typing import Any

from flask import Flask

app = Flask(__name__)


@app.get("/stock/<item>")
def stock(item: str) -> dict[str, Any]:
    with closing(sqlite3.connect(os.environ["DATABASE"])) as database:
        row = database.cursor().execute("SELECT amount FROM stock WHERE item = ?", (item,)).fetchone()
    return {"item": item, "amount": row[0]}
