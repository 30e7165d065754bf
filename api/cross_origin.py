"""CORS: which origins may read the responses, and the responses to preflights (WHATWG Fetch, section 3.3).

falcon-cors decides by the origin. Its own middleware is not used, because it misses requests that fail before they
reach a resource, and never sets `Vary: Origin`. It grants no preflight for a method that the resource lacks or that
Falcon does not know, so preflights are granted here.
"""

from __future__ import annotations

import logging
import re
from typing import Any, Final

import falcon
from falcon import Response
from falcon_cors import CORS

from api.ignored_input import IgnoredInput
from api.origins import AllowedOrigins
from api.request_context import Request

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
RESPONSE_HEADERS: Final = [
    "ETag",
    "Link",
    "Location",
    "Retry-After",
    "X-Request-ID",
    "Idempotent-Replayed",
    "RateLimit",
    "RateLimit-Policy",
]
PREFLIGHT_MAX_AGE: Final = 600

_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_METHOD: Final = re.compile(_WORD)
_NAMES: Final = re.compile(rf"[ \t]*(?:{_WORD}(?:[ \t]*,[ \t]*{_WORD})*[ \t]*)?")


class CrossOrigin:
    """Sets CORS header fields on every response, errors and unknown paths included.

    A page of such an origin may send any request: the response to the request
    itself tells it what is wrong, and browsers show that to the page only if the preflight was granted.
    """

    def __init__(self, origins: AllowedOrigins, ignored: IgnoredInput) -> None:
        self._ignored = ignored
        quiet = logging.getLogger("api.cors")
        quiet.setLevel(logging.WARNING)
        self._origins = origins
        self._policy = CORS(
            logger=quiet,
            allow_origins_list=origins,
            allow_credentials_origins_list=origins,
            expose_headers_list=RESPONSE_HEADERS,
        )

    def process_response(self, req: Request, resp: Response, resource: object, req_succeeded: bool) -> None:
        resp.append_header("Vary", "Origin")
        if "HTTP_ORIGIN" not in req.env:
            return
        if self._is_granted(req):
            _grant(req, resp)
            return
        self._policy.process(req, resp, resource)
        if req.method == "OPTIONS":
            self._ignored.note_origin(req.env["HTTP_ORIGIN"])

    def respond_to_unknown_path(self, req: Request, resp: Response, **params: Any) -> None:
        """Falcon's sink, for paths without a route: 200 for a preflight, else 404."""
        if not self._is_granted(req):
            raise falcon.HTTPRouteNotFound

    def _is_granted(self, req: Request) -> bool:
        """Whether the request is a preflight that is granted."""
        return (
            req.method == "OPTIONS"
            and _METHOD.fullmatch(req.get_header("Access-Control-Request-Method") or "") is not None
            and _NAMES.fullmatch(req.get_header("Access-Control-Request-Headers") or "") is not None
            and req.get_header("Origin", default="") in self._origins
        )


def _grant(req: Request, resp: Response) -> None:
    """Allow the method and the header fields that the preflight names, and the methods that later ones may name.

    `*` would not do: a browser takes it literally for a request with credentials.
    """
    method = req.get_header("Access-Control-Request-Method", required=True)
    # A tab is valid in a request's header field, but WSGI forbids it in a response's.
    names = ", ".join(re.findall(_WORD, req.get_header("Access-Control-Request-Headers") or ""))
    resp.set_headers(
        {
            "Access-Control-Allow-Origin": req.get_header("Origin", required=True),
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Allow-Methods": ", ".join(dict.fromkeys((*METHODS, method))),
            "Access-Control-Max-Age": str(PREFLIGHT_MAX_AGE),
            **({"Access-Control-Allow-Headers": names} if names else {}),
        }
    )
