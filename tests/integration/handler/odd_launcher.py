"""A launcher as its guest may have made it: `odd_launcher.py SOCKET BEHAVIOUR`."""

import json
import os
import socket
import sys
from typing import Any

HELLO: Any = {"hello": {"wire": 1, "launcher": "x", "state": {"name": "created"}}}
MAC = "02:00:00:00:00:01"
NONSENSE: dict[str, Any] = {"name": ["x"], "reason": 7, "agent": "yes", "ending": {"kind": {}}}
DESCRIPTION: dict[str, Any] = {
    "state": NONSENSE,
    "disks": [1, {"size": "x"}],
    "nics": {},
    "abi": [],
}


def serve(connection: socket.socket, behaviour: str) -> None:
    lines = connection.makefile("rb")
    lines.readline()
    match behaviour:
        case "no-json":
            connection.sendall(b"\xff\xfe no greeting\n")
        case "wrong-hello":
            connection.sendall(b'{"hello": {"wire": 1, "state": 7}}\n')
        case "long-line":
            send(connection, HELLO)
            connection.sendall(b"x" * (16 << 20))
        case "wrong-types":
            send(connection, HELLO)
            for line in lines:
                send(connection, {"id": json.loads(line)["id"], "result": DESCRIPTION})
                send(connection, {"event": "state", "data": [1, 2]})
                send(connection, {"event": "io_error", "data": {"volume": {}}})
                send(connection, {"event": 7, "data": NONSENSE})
        case "agent":
            send(connection, HELLO)
            for line in lines:
                answer_of_an_agent(connection, json.loads(line))
        case _:  # A flood.
            send(connection, HELLO)
            message = json.loads(lines.readline())
            send(connection, {"id": message["id"], "result": {"state": {"name": "running"}}})
            while True:
                for name in ("running", "paused"):
                    send(connection, {"event": "state", "data": {"name": name}})


def answer_of_an_agent(connection: socket.socket, message: dict[str, Any]) -> None:
    """A machine with a guest agent that knows two of three commands."""
    state = {"name": "running", "agent": True}
    result: Any = {"state": state}
    if message["call"] == "agent":
        answer = {
            "guest-get-osinfo": {"id": "debian"},
            "guest-network-get-interfaces": [{"name": "eth0", "hardware-address": MAC}],
        }.get(message["args"]["command"])
        if answer is None:
            error = {"reason": "AgentUnreliable", "message": "no such command"}
            send(connection, {"id": message["id"], "error": error})
            return
        result = {"answer": answer}
    send(connection, {"id": message["id"], "result": result})


def send(connection: socket.socket, message: Any) -> None:
    connection.sendall(json.dumps(message).encode() + b"\n")


def main() -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        folder, name = os.path.split(sys.argv[1])
        os.chdir(folder)  # The whole path is longer than an address may be.
        listener.bind(name)
        listener.listen(8)
        while True:
            with listener.accept()[0] as connection:
                try:
                    serve(connection, sys.argv[2])
                except OSError:
                    continue


if __name__ == "__main__":
    main()
