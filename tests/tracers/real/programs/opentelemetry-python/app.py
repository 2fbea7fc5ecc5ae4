"""Flask under opentelemetry-instrument: nothing in it knows of tracing."""

import os

import requests
from flask import Flask

application = Flask(__name__)


@application.get("/items/<item>")
def item(item: str) -> tuple[str, int]:
    return "", 500 if item == "0" else 200


@application.get("/carts/<cart>")
def cart(cart: str) -> tuple[str, int]:
    return "", requests.get(f"{os.environ['STOCK']}/items/{cart}", timeout=10).status_code


application.run("127.0.0.1", int(os.environ["PORT"]))
