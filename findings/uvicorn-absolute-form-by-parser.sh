#!/usr/bin/env bash
# Which path an application of uvicorn sees of a request in absolute form depends on the parser that is installed.
#
# version:  uvicorn 0.54.0, h11 0.16.0, httptools 0.9.0
# expected: "GET http://shop.example/carts?id=7 HTTP/1.1" is a request of the path /carts, as a server has to take it
#           (RFC 9112, 3.2.2) and as clients with a proxy in their environment write it; pip install uvicorn[standard]
#           makes it faster, and nothing else.
# is:       with httptools the path is /carts; with h11, which is all that pip install uvicorn brings, the path is
#           "http://shop.example/carts", which no route has.
# seen:     httptools: '/carts', h11: 'http://shop.example/carts'
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
timeout 300 "$work/venv/bin/pip" install -q --no-compile uvicorn==0.54.0 h11==0.16.0 httptools==0.9.0
timeout 60 "$work/venv/bin/python" - <<'PY'
import asyncio
import sys

import uvicorn

REQUEST = b"GET http://shop.example/carts?id=7 HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"


async def seen_by(parser):
    paths = []

    async def application(scope, receive, send):
        paths.append(scope["path"])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    server = uvicorn.Server(
        uvicorn.Config(application, host="127.0.0.1", port=0, http=parser, lifespan="off", log_config=None)
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())
    writer.write(REQUEST)
    await reader.read()
    writer.close()
    server.should_exit = True
    await serving
    return paths[0]


async def main():
    return await seen_by("httptools"), await seen_by("h11")


by_httptools, by_h11 = asyncio.run(main())
print(f"httptools: {by_httptools!r}, h11: {by_h11!r}")
sys.exit(0 if (by_httptools, by_h11) == ("/carts", "http://shop.example/carts") else 1)
PY
