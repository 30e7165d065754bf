"""The tasks as tools for an assistant: an MCP server made from the service's OpenAPI document.

Over HTTP each request's own `Authorization` goes on to the service, so that an assistant acts as its user alone. Over
stdio there is one user, whose token is in TASKS_TOKEN.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator

import httpx2
from fastmcp import FastMCP
from fastmcp.server.dependencies import get_http_headers
from fastmcp.server.providers.openapi import MCPType, OpenAPITool, RouteMap
from fastmcp.utilities.openapi import HTTPRoute
from mcp.types import ToolAnnotations

ROUTES = [
    # PUT does what PATCH does. The other route families are the same tasks under other paths.
    RouteMap(methods=["PUT"], mcp_type=MCPType.EXCLUDE),
    RouteMap(tags={"Tasks"}, mcp_type=MCPType.TOOL),
    RouteMap(mcp_type=MCPType.EXCLUDE),
]

INSTRUCTIONS = "The user's to-do list. Look up a task's id with listTasks. Ask the user before you call deleteTask."

HIDDEN = {"If-Match", "If-None-Match", "X-Request-ID"}
"""Parameters that an assistant has no value for."""


class Bearer(httpx2.Auth):
    """Gives each request to the service the `Authorization` that the function returns."""

    def __init__(self, authorization: Callable[[], str | None]) -> None:
        self._authorization = authorization

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        if value := self._authorization():
            request.headers["Authorization"] = value
        yield request


def find_authorization() -> str | None:
    """The `Authorization` of the MCP request that is being served."""
    return get_http_headers(include={"authorization"}).get("authorization")


def create_server(url: str, authorization: Callable[[], str | None]) -> FastMCP:
    """An MCP server of the tasks at the service's URL."""
    document = httpx2.get(f"{url}/openapi.json").raise_for_status().json()
    client = httpx2.AsyncClient(base_url=url, auth=Bearer(authorization), timeout=30)
    return FastMCP.from_openapi(
        document, client, "Tasks", route_maps=ROUTES, mcp_component_fn=describe, instructions=INSTRUCTIONS
    )


def describe(route: HTTPRoute, tool: OpenAPITool) -> None:
    """Say what the tool does, and whether it only reads or deletes, so that a client can ask its user first."""
    tool.description = ". ".join(filter(None, (route.summary, route.description)))
    tool.annotations = ToolAnnotations(
        read_only_hint=route.method == "GET", destructive_hint=route.method == "DELETE", open_world_hint=False
    )
    properties = tool.parameters["properties"]
    for name in HIDDEN & properties.keys():
        del properties[name]


def main() -> None:
    """Serve over HTTP with the argument `http`, else over stdio."""
    url = os.environ.get("TASKS_URL", "http://localhost:8000")
    if sys.argv[1:] == ["http"]:
        port = int(os.environ.get("PORT", "8001"))
        create_server(url, find_authorization).run("http", host="127.0.0.1", port=port, show_banner=False)
    elif token := os.environ.get("TASKS_TOKEN"):
        create_server(url, lambda: f"Bearer {token}").run("stdio", show_banner=False)
    else:
        sys.exit("server.py: set TASKS_TOKEN to the user's token, or serve over HTTP: python server.py http")


if __name__ == "__main__":
    main()
