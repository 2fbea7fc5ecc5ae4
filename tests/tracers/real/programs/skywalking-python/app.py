"""Flask under SkyWalking's agent, which writes to Kafka by itself: nothing else in it knows of tracing."""

import os

from skywalking import agent, config

config.init(
    agent_name=os.environ["ROLE"],
    agent_instance_name=f"{os.environ['ROLE']}-0",
    agent_protocol="kafka",
    kafka_bootstrap_servers=os.environ["CAPTURE"],
    agent_meter_reporter_active=False,
    agent_log_reporter_active=False,
    agent_profile_active=False,
)
agent.start()

import requests  # noqa: E402 (after the agent, which wraps it)
from flask import Flask  # noqa: E402

application = Flask(__name__)


@application.get("/items/<item>")
def item(item: str) -> tuple[str, int]:
    return "", 500 if item == "0" else 200


@application.get("/carts/<cart>")
def cart(cart: str) -> tuple[str, int]:
    return "", requests.get(f"{os.environ['STOCK']}/items/{cart}", timeout=10).status_code


application.run("127.0.0.1", int(os.environ["PORT"]))
