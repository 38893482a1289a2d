"""A YAML file as plain values that know their line: no tags, no aliases, no key twice, nothing large or deep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from explaint_lib._common import ExplaintError, printable

_DEEPEST = 8
_PLAIN = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null")}


@dataclass(frozen=True)
class Place:
    """A value of the file, with its line; `value` of a mapping holds places by key, of a list a tuple of places."""

    value: Any
    line: int

    @property
    def plain(self) -> Any:
        """The value without lines."""
        if isinstance(self.value, dict):
            return {key: place.plain for key, place in self.value.items()}
        return [place.plain for place in self.value] if isinstance(self.value, tuple) else self.value


def read_yaml(text: str, name: str) -> tuple[Place, list[str]]:
    """Return the document with its lines, and what is wrong with it as YAML.

    Raises
    ------
    ExplaintError
        If it is no YAML at all.
    """
    faults: list[str] = []
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                return Place({}, 1), [f"line {_line(event)}: nested deeper than {_DEEPEST} levels"]
            if isinstance(event, yaml.AliasEvent):
                faults.append(f"line {_line(event)}: an alias (*{printable(event.anchor)}); write it out")
        if faults:
            return Place({}, 1), faults
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        said = getattr(fault, "problem", None) or "it holds a character that YAML does not allow"
        raise ExplaintError(
            f"{name} is no YAML{where}: {printable(said)}. `explaint audit --init` writes a file to start from"
        ) from None
    if node is None:
        return Place({}, 1), []
    return _placed(node, faults), faults


def _placed(node: yaml.Node, faults: list[str]) -> Place:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
        found: dict[str, Place] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag not in _PLAIN:
                faults.append(f"line {key.start_mark.line + 1}: a key that is no text; expected a word and a colon")
                continue
            if key.value in found:
                at = key.start_mark.line + 1
                faults.append(f"line {at}, {printable(key.value)}: the key stands twice; remove one")
            found[key.value] = _placed(value, faults)
        return Place(found, line)
    if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
        return Place(tuple(_placed(one, faults) for one in node.value), line)
    if not isinstance(node, yaml.ScalarNode) or node.tag not in _PLAIN:
        said = "a date" if node.tag.endswith("timestamp") else f"the tag {printable(node.tag)}"
        faults.append(f"line {line}: {said}; expected text, a number, true or false; put text in quotes")
        return Place(None, line)
    loader = yaml.SafeLoader("")
    try:
        return Place(loader.construct_object(node), line)
    except ValueError:
        faults.append(f"line {line}: {printable(node.value)[:60]} is no number that can be read; put text in quotes")
        return Place(None, line)
    finally:
        loader.dispose()


def _line(event: yaml.Event) -> int:
    return 1 if event.start_mark is None else event.start_mark.line + 1
