"""Questions to the children of `up`: does the code server serve, are web server and daemon well?"""

from __future__ import annotations

import json

import requests

_HEALTH = """
{ instance { daemonHealth { allDaemonStatuses { daemonType healthy required } } } }
"""
_SECONDS = 5.0


def serves_code(host: str, port: int) -> bool:
    """Tell whether the code server answers its health check: the definitions are loaded."""
    # Imported here: gRPC takes a while, and only `up` asks.
    import grpc  # type: ignore[import-untyped]  # the library has no types
    from grpc_health.v1 import (  # type: ignore[import-untyped]  # the library has no types
        health_pb2,
        health_pb2_grpc,
    )

    with grpc.insecure_channel(f"{host}:{port}") as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service="DagsterApi"), timeout=_SECONDS
            )
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def is_healthy(host: str, port: int) -> bool:
    """Tell whether the web server answers and every daemon it needs has sent a heartbeat."""
    with requests.Session() as session:
        # A proxy of the environment is for upstreams, not for loopback.
        session.trust_env = False
        try:
            answer = session.post(
                f"http://{host}:{port}/graphql", json={"query": _HEALTH}, timeout=_SECONDS
            )
            statuses = answer.json()["data"]["instance"]["daemonHealth"]["allDaemonStatuses"]
        except (requests.RequestException, json.JSONDecodeError, KeyError, TypeError):
            return False
    return all(status["healthy"] for status in statuses if status["required"])
