"""Questions to the children of `up`: do they do their work, and not only exist?"""

from __future__ import annotations

from typing import Any

import requests

_HEARTBEATS = """
{ instance { daemonHealth { allDaemonStatuses { required lastHeartbeatTime } } } }
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


def answers(host: str, port: int) -> bool:
    """Tell whether the web server answers, whatever the database does."""
    with _session() as session:
        try:
            answer = session.get(f"http://{host}:{port}/server_info", timeout=_SECONDS)
        except requests.RequestException:
            return False
    return answer.ok


def beats(host: str, port: int, *, since: float) -> bool | None:
    """Tell whether every daemon has sent a heartbeat since an instant.

    since    seconds of the epoch
    Missing  None when the web server or the database behind it does not say
    """
    statuses = _statuses(host, port)
    if statuses is None:
        return None
    return all((s["lastHeartbeatTime"] or 0.0) >= since for s in statuses if s["required"])


def _statuses(host: str, port: int) -> list[dict[str, Any]] | None:
    """Return what Dagster knows of its daemons; None when it cannot be asked."""
    with _session() as session:
        try:
            answer = session.post(
                f"http://{host}:{port}/graphql", json={"query": _HEARTBEATS}, timeout=_SECONDS
            )
            found: list[dict[str, Any]] = answer.json()["data"]["instance"]["daemonHealth"][
                "allDaemonStatuses"
            ]
        except (requests.RequestException, ValueError, KeyError, TypeError):
            return None
    return found


def _session() -> requests.Session:
    session = requests.Session()
    # A proxy of the environment is for upstreams, not for loopback.
    session.trust_env = False
    return session
