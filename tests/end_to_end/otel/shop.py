"""A shop: the item in a cart, and how much of it there is; knows nothing of tracing."""

import os
import sqlite3
from contextlib import closing
from typing import Any

import requests
from flask import Flask

app = Flask(__name__)


@app.get("/cart/<int:number>")
def cart(number: int) -> dict[str, Any]:
    with closing(sqlite3.connect(os.environ["DATABASE"])) as database:
        row = database.cursor().execute("SELECT item FROM cart WHERE number = ?", (number,)).fetchone()
    answer = requests.get(f"{os.environ['STOCK_URL']}/stock/{row[0]}", timeout=120)
    answer.raise_for_status()
    return {"cart": number, **answer.json()}
