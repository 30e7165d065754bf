"""The paths of a profile: each has one meaning, and none is the service's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from falcon.routing import CompiledRouter

from api.profiles.reading import Key, ProfileError

RESERVED: Final = frozenset({"canonical", "docs", "health", "openapi.json", "ready", "static"})
"""The first segments of the service's own paths."""


class _Resource:
    """Stands for a resource: the router wants one with a responder."""

    def on_get(self) -> None: ...


def check_paths(
    collections: Sequence[str], below_task: Sequence[str], account_paths: Mapping[str, Sequence[str]]
) -> None:
    """Raise ProfileError, with the key, if two paths collide in the router, or one with the service's own."""
    router = CompiledRouter()
    known: list[str] = []
    for template, key in _templates(collections, below_task, account_paths):
        if template.split("/")[1] in RESERVED:
            raise ProfileError(f"{template} is a path of the service itself", *key)
        if not _fits(CompiledRouter(), template):
            raise ProfileError("{user_id} may occur once", *key)
        if template in known or not _fits(router, template):
            other = next(each for each in known if each == template or not _fit_together(each, template))
            raise ProfileError(f"{template} collides with the path {other}", *key)
        known.append(template)


def _templates(
    collections: Sequence[str], below_task: Sequence[str], account_paths: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, Key]]:
    """Each URI template, with the key in the profile that it comes from."""
    for number, collection in enumerate(collections):
        key: Key = ("tasks", "aliases", number - 1) if number else ("tasks", "path")
        item = f"{collection}/{{task_id}}"
        yield from ((template, key) for template in (collection, item, *(f"{item}{path}" for path in below_task)))
    for name, paths in account_paths.items():
        yield from ((path, ("accounts", name, number)) for number, path in enumerate(paths))


def _fits(router: CompiledRouter, template: str) -> bool:
    try:
        router.add_route(template, _Resource())
    except ValueError:
        return False
    return True


def _fit_together(*templates: str) -> bool:
    router = CompiledRouter()
    return all(_fits(router, template) for template in templates)
