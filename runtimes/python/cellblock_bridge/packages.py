"""`%pip` and its relatives, as far as they can be answered from inside: what is there, and in which version.

What is there already need not be installed, which is what most notebooks that call `%pip install`
ask for. Anything else would need the network and processes, and is refused.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from IPython.core.error import UsageError


class PackagesFixed(UsageError):
    """A package manager was to change what is installed."""

    cellblock_reason = "packages"

    def __init__(self, message: str, name: str | None = None) -> None:
        super().__init__(message)
        #: The first of the packages that are not there.
        self.name = name


_NO_INSTALLING = (
    "packages cannot be installed from inside of the sandbox, which has no network and no "
    "processes. `pip install --target DIR NAME`, outside, and DIR among the policy's mounts below "
    "/mnt add pure-Python packages."
)
_ANSWERED = "list, freeze, show, check, and install for what is there already"

# What else would bring packages.
_INSTALLING = frozenset("add create download env sync update upgrade wheel".split())
# Options that take a value as the next word.
_VALUED = frozenset(
    "-c --constraint -i --index-url --extra-index-url -f --find-links -t --target --prefix --root "
    "--proxy --timeout --retries --trusted-host --cache-dir --log --src --platform --abi "
    "--python-version --only-binary --no-binary --progress-bar --upgrade-strategy --channel -n "
    "--name -p --python".split()
)
_MANAGERS = ("conda", "mamba", "micromamba")
_PIP = re.compile(r"pip[\d.]*")
_PYTHON = re.compile(r"python[\d.]*")
_REDIRECTION = re.compile(r"(?:[12&]?>>?\s*(?:/dev/null|&[12]))")


def from_shell(command: str) -> list[str] | None:
    """The words of a shell command, if it is a single call of a package manager."""
    command = _REDIRECTION.sub(" ", command).strip()
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    if any(word in ("|", ";", "&", "&&", "||") or word.endswith(";") for word in words):
        return None
    while words and words[0] in ("sudo", "yes"):
        del words[0]
    if len(words) > 2 and words[1] == "-m" and _is_python(words[0]):
        words = words[2:]
    if not words:
        return None
    program = words[0].rpartition("/")[2]
    known = _PIP.fullmatch(program) or program in (*_MANAGERS, "uv")
    return [program, *words[1:]] if known else None


def _is_python(word: str) -> bool:
    return word == sys.executable or bool(_PYTHON.fullmatch(word.rpartition("/")[2]))


def run(words: list[str]) -> None:
    """Answer a call of a package manager."""
    program, arguments = words[0], words[1:]
    if program == "uv":
        if arguments[:1] != ["pip"]:
            raise PackagesFixed(_NO_INSTALLING)
        arguments = arguments[1:]
    quiet = any(re.fullmatch(r"-q+|--quiet", word) for word in arguments)
    command = next((word for word in arguments if not word.startswith("-")), "")
    rest = arguments[arguments.index(command) + 1 :] if command else arguments
    if command == "list":
        _list(rest)
    elif command == "freeze":
        _freeze()
    elif command == "show":
        _show([word for word in rest if not word.startswith("-")])
    elif command == "check":
        _check()
    elif command == "install":
        _install(rest, quiet)
    elif command in ("", "help"):
        print(f"{program} is not in the sandbox. Of its commands these are answered: {_ANSWERED}.")
    elif command in ("uninstall", "remove"):
        raise UsageError(
            "nothing can be uninstalled from inside of the sandbox: what is installed is read-only. "
            "A package that is not imported is in nobody's way."
        )
    elif command in _INSTALLING:
        raise PackagesFixed(_NO_INSTALLING)
    else:
        raise UsageError(
            f"{program} {command[:40]} is not answered in the sandbox. These commands are: {_ANSWERED}."
        )


def _distributions() -> list[metadata.Distribution]:
    found = {}
    for distribution in metadata.distributions():
        found.setdefault(_plain(distribution.name), distribution)
    return [found[name] for name in sorted(found)]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _list(options: list[str]) -> None:
    rows = [(each.name, each.version) for each in _distributions()]
    text = " ".join(options)
    if "json" in text:
        print(json.dumps([{"name": name, "version": version} for name, version in rows]))
    elif "freeze" in text:
        _freeze()
    else:
        wide = max(map(len, ("Package", *(name for name, _ in rows))))
        long = max(map(len, ("Version", *(version for _, version in rows))))
        lines = [("Package", "Version"), ("-" * wide, "-" * long), *rows]
        print("\n".join(f"{name:{wide}} {version}" for name, version in lines))


def _freeze() -> None:
    print("\n".join(f"{each.name}=={each.version}" for each in _distributions()))


def _check() -> None:
    from packaging.requirements import InvalidRequirement, Requirement

    problems = []
    for each in _distributions():
        for need in each.requires or ():
            try:
                parsed = Requirement(need)
                if parsed.marker is not None and not parsed.marker.evaluate({"extra": ""}):
                    continue
                found = metadata.distribution(parsed.name)
            except InvalidRequirement:
                continue
            except metadata.PackageNotFoundError:
                problems.append(f"requires {parsed.name}, which is not installed.")
            else:
                if parsed.specifier.contains(found.version, prereleases=True):
                    continue
                problems.append(
                    f"has requirement {need}, but you have {found.name} {found.version}."
                )
            problems[-1] = f"{each.name} {each.version} {problems[-1]}"
    print("\n".join(problems or ["No broken requirements found."]))


def _show(names: list[str]) -> None:
    if not names:
        print("ERROR: Please provide a package name or names.", file=sys.stderr)
    found, missing = [], []
    for name in names:
        try:
            found.append(metadata.distribution(name))
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        print(f"WARNING: Package(s) not found: {', '.join(missing)}", file=sys.stderr)
    texts = []
    for each in found:
        about = each.metadata
        needs = sorted({_bare(need) for need in each.requires or () if "extra ==" not in need})
        lines = [("Name", each.name), ("Version", each.version)]
        lines += [
            (title, str(about.get(title, "")))
            for title in ("Summary", "Home-page", "Author", "Author-email")
        ]
        licence = about.get("License-Expression") or about.get("License") or ""
        lines += [("License", licence.partition("\n")[0]), ("Location", _place(each))]
        lines += [("Requires", ", ".join(needs))]
        texts.append("\n".join(f"{title}: {value}" for title, value in lines))
    if texts:
        print("\n---\n".join(texts))


def _place(distribution: metadata.Distribution) -> str:
    return str(distribution.locate_file("")).rstrip("/")


def _bare(requirement: str) -> str:
    named = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", requirement.strip())
    return named.group() if named else requirement


def _install(words: list[str], quiet: bool) -> None:
    wanted = list(_requirements(words))
    if not wanted:
        raise PackagesFixed(_NO_INSTALLING)
    missing = []
    for requirement in wanted:
        distribution = _that_satisfies(requirement)
        if distribution is None:
            missing.append(requirement)
        elif not quiet:
            place, version = _place(distribution), distribution.version
            print(f"Requirement already satisfied: {requirement} in {place} ({version})")
    if missing:
        raise PackagesFixed(
            f"{', '.join(missing[:20])}: {_NO_INSTALLING}", name=_bare(missing[0])
        )


def _requirements(words: Iterable[str]) -> Iterable[str]:
    """What is to be installed, of the words behind `install`."""
    rest = iter(words)
    for word in rest:
        if word in ("-r", "--requirement"):
            yield from _of_file(next(rest, ""))
        elif word.startswith("--requirement="):
            yield from _of_file(word.partition("=")[2])
        elif word in ("-e", "--editable"):
            yield next(rest, "")
        elif word in _VALUED:
            next(rest, None)
        elif not word.startswith("-"):
            yield word


def _of_file(name: str) -> Iterable[str]:
    lines = Path(name).read_text(encoding="utf-8", errors="replace").splitlines()
    for line in lines:
        line = re.sub(r"(^|\s)#.*$", "", line).strip()
        if line:
            yield from _requirements([line] if not line.startswith("-") else line.split())


def _that_satisfies(requirement: str) -> metadata.Distribution | None:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        # conda writes `numpy=1.26` for a version that begins so.
        parsed = Requirement(re.sub(r"^([\w.-]+)=([\w.]+)$", r"\1==\2.*", requirement))
    except InvalidRequirement:
        return None
    if parsed.url is not None:
        return None
    if parsed.marker is not None and not parsed.marker.evaluate():
        return None
    try:
        found = metadata.distribution(parsed.name)
    except metadata.PackageNotFoundError:
        return None
    return found if parsed.specifier.contains(found.version, prereleases=True) else None
