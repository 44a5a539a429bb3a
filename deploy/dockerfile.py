"""The part of the Dockerfile's language that ours uses: instructions, and stages of them."""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

_KNOWN = {
    *("ARG", "FROM", "LABEL", "ENV", "WORKDIR", "VOLUME", "EXPOSE"),
    *("COPY", "RUN", "USER", "HEALTHCHECK", "ENTRYPOINT", "CMD"),
}


@dataclass(frozen=True)
class Stage:
    """An image that is made, and then what a container of it starts with."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def last(self, instruction: str) -> str:
        """The arguments of the last such instruction. Raises LookupError where there is none."""
        found = [arguments for name, arguments in self.steps if name == instruction]
        if not found:
            raise LookupError(f"The Dockerfile has no {instruction} in the stage of {self.base}.")
        return found[-1]

    @property
    def environment(self) -> dict[str, str]:
        """Of all ENV instructions."""
        pairs = [word for name, arguments in self.steps if name == "ENV" for word in shlex.split(arguments)]
        return dict(pair.split("=", 1) for pair in pairs)

    @property
    def health_check(self) -> list[str]:
        """The command that says whether a container is well."""
        return words(self.last("HEALTHCHECK").partition(" CMD ")[2])


def read_dockerfile(path: Path) -> list[Stage]:
    """Its stages, ARGs filled in. Raises ValueError at an instruction that is not one of those known here."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    stages: list[Stage] = []
    given: dict[str, str] = {}
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        instruction, _, arguments = line.partition(" ")
        if not instruction:
            continue
        if instruction not in _KNOWN:
            raise ValueError(f"{path.name} has {instruction}; expected one of {', '.join(sorted(_KNOWN))}.")
        if instruction == "ARG":
            name, _, value = arguments.partition("=")
            given[name] = value
        elif instruction == "FROM":
            base, _, stage = arguments.partition(" AS ")
            stages.append(Stage(re.sub(r"\$\{(\w+)\}", lambda found: given[found[1]], base), stage))
        else:
            stages[-1].steps.append((instruction, arguments))
    return stages


def words(command: str) -> list[str]:
    """A command in its exec form. Raises ValueError where a shell would have to read it."""
    if not command.startswith("["):
        raise ValueError(f"{command!r} needs a shell; expected a list of words in JSON.")
    return list(json.loads(command))
