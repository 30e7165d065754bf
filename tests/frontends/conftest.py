"""Fixtures of the frontends' tests: an application for each profile over the run's database, and pages that call it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import cache

import pytest
from falcon.testing import TestClient

from api.postgres.database import Database
from tests.frontends.page import Page, through_client
from tests.support.signing import token_for


@pytest.fixture(scope="session")
def serve_frontend(shared_database: Database, client_over: Callable[..., TestClient]) -> Callable[[str], TestClient]:
    """A function that returns the client of an application for a profile, made once."""
    return cache(lambda profile: client_over(shared_database, FRONTEND=profile))


@pytest.fixture
def open_page(database: Database, serve_frontend: Callable[[str], TestClient]) -> Callable[..., Page]:
    """A function that opens a page of a frontend: with the token of a user, a new one unless named."""

    def open_(profile: str, user_id: str | None = None, *, logged_in: bool = True) -> Page:
        user_id = user_id or f"user-{uuid.uuid4().hex[:8]}"
        page = Page(through_client(serve_frontend(profile)), token_for(user_id) if logged_in else None)
        page.user_id = user_id
        return page

    return open_
