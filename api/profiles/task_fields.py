"""A task's fields in a profile: the frontend's names, its status, its further fields, and its dates, both ways."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from api.errors import FieldError, ValidationFailed
from api.profiles.further_fields import read_fields
from api.profiles.local_dates import LOCAL_DATE_TIME, find_zone, parse_local
from api.profiles.names import FieldNames, humanize
from api.profiles.reading import Profile, ProfileError
from api.profiles.statuses import STATUS, Status
from api.validation import SCHEMAS, Schema

FIELDS: Final = tuple(SCHEMAS["task.json"]["properties"])
"""The canonical fields of a task, in their order."""

SENT_DATE: Final = "@due_date"
"""The key in the stored further fields of a due date's text without an offset. No field of a profile has this name."""

Task = dict[str, Any]
Extra = Mapping[str, Any]
UrlOf = Callable[[int], str]

_NO_EXTRA: Final[Extra] = {}


class Computed(NamedTuple):
    """A member that is computed from the task, what is stored beside it, and a function for its URL."""

    name: str
    value_of: Callable[[Task, Extra, UrlOf], Any]
    schema: Mapping[str, Any]


class TaskFields:
    """Turns tasks into what the frontend reads, and what it sends into canonical fields."""

    def __init__(self, profile: Profile) -> None:
        """Compile the tables about fields. Raises ProfileError."""
        tasks, dates = profile.table("tasks"), profile.table("dates")
        self._zone = find_zone(dates["local_zone"]) if "local_zone" in dates else None
        self._empty_clears: bool = dates["empty_clears"]
        self._has_text_ids: bool = tasks["id_type"] == "text"
        self.status = Status(profile.table(STATUS)) if STATUS in profile.document else None
        self.further = read_fields(profile)
        self.names = FieldNames(FIELDS, profile.table("names"), profile.table("also"))
        self._check_names(tasks)
        self._inputs = self.names.with_others(self._other_names())
        self._computed = self._compute(tasks)
        self._known = self._inputs.all | {each.name for each in self._computed}
        self.needs_extra = bool(self.further or self.status or self._zone)
        shown = [(name, field) for field in FIELDS for name in self.names.of(field)]
        self._shown = tuple(name for name, _ in shown)
        self._values = itemgetter(*(field for _, field in shown))
        self._is_canonical = self._shown == FIELDS and not self._computed and not self._empty_clears
        self.renamed = self._shown if self._is_renamed() else None
        """The names of all members, if other names are the only difference to the canonical ones."""
        self.create_schema = self._compile("task-create.json")
        self.update_schema = self._compile("task-update.json")
        self.completion_schema = self._compile("task-completion.json")

    def _is_renamed(self) -> bool:
        one_each = all(len(self.names.of(field)) == 1 for field in FIELDS)
        return one_each and self._shown != FIELDS and not self._computed

    def show(self, task: Task, extra: Extra | None, url_of: UrlOf) -> Task:
        """The task as the frontend reads it."""
        if self._is_canonical:
            return task
        shown = dict(zip(self._shown, self._values(task), strict=True))
        for name, value_of, _ in self._computed:
            shown[name] = value_of(task, extra or _NO_EXTRA, url_of)
        return shown

    def show_id(self, task_id: int) -> int | str:
        """A task's id as the frontend reads it."""
        return str(task_id) if self._has_text_ids else task_id

    def show_all(self, tasks: list[Task], extras: Sequence[Extra | None], url_of: UrlOf) -> list[Task]:
        """The tasks of a list as the frontend reads them. `extras` is empty if no further fields are needed."""
        if self._is_canonical or self.renamed is not None:
            return tasks
        known = extras or [None] * len(tasks)
        return [self.show(task, extra, url_of) for task, extra in zip(tasks, known, strict=True)]

    def read_new(self, body: object) -> dict[str, Any]:
        """The canonical fields of a new task, and further ones under "extra". Raises ValidationFailed."""
        return self._read(self.create_schema, body)

    def contradicts_itself(self, body: object) -> bool:
        """Whether two members say different things about one field."""
        if self._is_canonical or not isinstance(body, dict):
            return False
        if self._inputs.contradict(body):
            return True
        said = [body[name] for name in self.names.of("completed") if name in body]
        return self.status is not None and bool(said) and self.status.contradicts(body, completed=said[0])

    def without_unchanged(self, body: object, task: Task, extra: Extra | None, url_of: UrlOf) -> object:
        """The body without the members that the frontend sends back as it has read them."""
        shown = self.show(task, extra, url_of)
        return (
            {name: value for name, value in body.items() if name not in shown or shown[name] != value}
            if isinstance(body, dict)
            else body
        )

    def read_changes(self, body: object) -> dict[str, Any]:
        """The canonical fields to change. A further field that is None loses its stored value."""
        return self._read(self.update_schema, body)

    def read_completion(self, body: object) -> dict[str, Any]:
        """The changes that set the completion; none for an empty object.

        Raises ValidationFailed if an object with members does not name the completion: it may be a word for a state
        that is not known here, and a flip would undo it when it is repeated.
        """
        if body == {}:
            return {}
        changes = self._read(self.completion_schema, body)
        if "completed" not in changes:
            name = self.status.name if self.status is not None else self.names.shown("completed")
            raise ValidationFailed(FieldError(name, f"{humanize(name)} is required if the body has members"))
        return changes

    def ignored(self, body: object) -> list[str]:
        """The members of a body that this profile does not know."""
        return [name for name in body if name not in self._known] if isinstance(body, dict) else []

    def task_schema(self) -> dict[str, Any]:
        """The JSON Schema of a task as the frontend reads it."""
        canonical = SCHEMAS["task.json"]
        members = {name: canonical["properties"][field] for field in FIELDS for name in self.names.of(field)}
        members |= {each.name: dict(each.schema) for each in self._computed}
        example = self.show(dict(canonical["examples"][0]), None, lambda number: f"https://example.com/tasks/{number}")
        return {**canonical, "required": list(members), "properties": members, "examples": [example]}

    def request_schema(self, file: str) -> dict[str, Any]:
        """The JSON Schema of a request's body, with the first name of each member.

        The status stands for `completed`, which may be sent too if it agrees.
        """
        document = self._extend(file)
        first = {field: name for field, name in self._inputs.first().items() if field in document["properties"]}
        if self.status is not None:
            first.pop("completed", None)
        document["properties"] = {
            name: self._describe_input(file, field, document["properties"][field]) for field, name in first.items()
        }
        if "required" in document:
            document["required"] = [first[field] for field in document["required"]]
        named = [{"required": [name]} for name in first.values()]
        if "allOf" in document:
            document["allOf"] = [{"anyOf": named}]
        if "anyOf" in document:
            document["anyOf"] = [{"maxProperties": 0}, *named]
        document["examples"] = [self._rename_example(example, first) for example in document.get("examples", ())]
        return document

    def _describe_input(self, file: str, field: str, rules: dict[str, Any]) -> dict[str, Any]:
        """The rules of one member. A change has the same ones as a new task."""
        if file == "task-update.json":
            return {"$ref": f"#/components/schemas/NewTask/properties/{self._inputs.of(field)[0]}"}
        schema = dict(rules)
        others = self._inputs.of(field)[1:]
        if others:
            schema["description"] = f"{schema['description']} Also as {', '.join(f'`{name}`' for name in others)}."
        if field == "due_date":
            schema["anyOf"] = [*schema["anyOf"], *self._date_inputs()]
        return schema

    def _date_inputs(self) -> list[dict[str, Any]]:
        empty = [{"type": "string", "const": ""}] if self._empty_clears else []
        return [*empty, {"type": "string", "pattern": LOCAL_DATE_TIME}] if self._zone is not None else empty

    def _rename_example(self, example: Mapping[str, Any], first: Mapping[str, str]) -> dict[str, Any]:
        renamed = {first[field]: value for field, value in example.items() if field in first}
        if self.status is not None and "completed" in example:
            renamed[self.status.name] = self.status.done if example["completed"] else self.status.open
        return renamed

    def _read(self, schema: Schema, body: object) -> dict[str, Any]:
        if self._is_canonical or not isinstance(body, dict):
            return schema.validate(body)
        canonical, used = self._inputs.to_canonical(body)
        sent_date = self._prepare_date(canonical)
        try:
            fields = schema.validate(canonical)
            extra = {each.name: fields.pop(each.key) for each in self.further if each.key in fields}
            if self.status is not None:
                extra |= self.status.read(fields, used.get("completed", "completed"))
        except ValidationFailed as ex:
            raise ValidationFailed(*self._inputs.rename(ex.fields, used)) from None
        if self._zone is not None and "due_date" in fields:
            extra[SENT_DATE] = sent_date
        return {**fields, "extra": extra} if extra else fields

    def _prepare_date(self, canonical: dict[str, Any]) -> str | None:
        """Replace a due date that only this profile takes. Return the text of one without an offset."""
        due = canonical.get("due_date")
        if due == "" and self._empty_clears:
            canonical["due_date"] = None
        elif isinstance(due, str) and self._zone is not None:
            instant = parse_local(due, self._zone)
            if instant is not None:
                canonical["due_date"] = instant
                return due
        return None

    def _other_names(self) -> dict[str, str]:
        """The names of the status and the further fields, by their keys in a body with canonical names."""
        others = {each.key: each.name for each in self.further}
        return {**others, STATUS: self.status.name} if self.status is not None else others

    def _compile(self, file: str) -> Schema:
        return Schema(self._extend(file), self._inputs.first(), self._inputs.labels())

    def _extend(self, file: str) -> dict[str, Any]:
        """A canonical schema with the status and, except for the completion, the further fields."""
        document = copy.deepcopy(SCHEMAS[file])
        added = {STATUS: self.status.schema()} if self.status is not None else {}
        if file != "task-completion.json":
            added |= {each.key: each.schema() for each in self.further}
        own = {field: rules for field, rules in document["properties"].items() if self.names.of(field)}
        document["properties"] = {**own, **added}
        named = [{"required": [field]} for field in document["properties"]]
        if file == "task-update.json":
            document["allOf"] = [{"anyOf": named}]
        if file == "task-completion.json":
            document["anyOf"] = [{"maxProperties": 0}, *named]
        return document

    def _compute(self, tasks: Mapping[str, Any]) -> list[Computed]:
        schema: Mapping[str, Any] = SCHEMAS["task.json"]["properties"]
        computed: list[Computed] = []
        if self._has_text_ids:
            text_id = {"type": "string", "description": schema["id"]["description"]}
            computed += [Computed(name, lambda task, *_: str(task["id"]), text_id) for name in self.names.of("id")]
        if self._zone is not None:
            date = {"type": ["string", "null"], "description": schema["due_date"]["description"]}
            shown = _sent_date(self._zone)
            computed += [Computed(name, shown, date) for name in self.names.of("due_date")]
        if self.status is not None:
            computed.append(Computed(self.status.name, self.status.show, self.status.schema()))
        computed += [Computed(each.name, each.show, each.schema()) for each in self.further]
        if "url" in tasks:
            url = {"type": "string", "format": "uri", "description": "The task's absolute URL."}
            computed.append(Computed(tasks["url"], lambda task, _, url_of: url_of(task["id"]), url))
        return computed

    def _check_names(self, tasks: Mapping[str, Any]) -> None:
        """Raise ProfileError if two members have the same name."""
        taken = set(self.names.all)
        added: list[tuple[str, tuple[str | int, ...]]] = [
            (each.name, ("fields", number, "name")) for number, each in enumerate(self.further)
        ]
        added += [(self.status.name, (STATUS, "name"))] if self.status is not None else []
        added += [(tasks["url"], ("tasks", "url"))] if "url" in tasks else []
        for name, key in added:
            if name in taken:
                raise ProfileError(f"the name {name} is taken", *key)
            taken.add(name)


def _sent_date(zone: ZoneInfo) -> Callable[[Task, Extra, UrlOf], Any]:
    """Shows a due date as it was sent, unless it has been changed since by another wire format."""

    def show(task: Task, extra: Extra, url_of: UrlOf) -> Any:
        sent = extra.get(SENT_DATE)
        return sent if isinstance(sent, str) and parse_local(sent, zone) == task["due_date"] else task["due_date"]

    return show
