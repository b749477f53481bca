"""Measure the shape of the code of a checkout: ``python -m bench.structure [CHECKOUT] [--json] [--private]``.

modules
    Files of a package but ``__init__.py``; their lines, comments and empty ones too; the median of one.
functions
    All of all files: methods, and functions within functions. ``lines`` are those of the whole ``def`` without its
    decorators, ``body`` those from the first statement after the docstring to the end.
private
    The share of functions whose name has a leading underscore, dunders not counted.
import depth
    The modules of the longest chain of imports. ``from a.b import c`` imports ``a.b.c`` if that is a module and ``a.b``
    if not, so an ``__init__.py`` is a link of a chain where a name is taken from it. Imports within functions and those
    for type checkers count; modules that import each other in a circle are one. (httpx 0.28 has 5, infinity 12.)
files entered
    See ``bench.entered``. This takes half a minute and the starter models; ``--static`` leaves it out.

CHECKOUT needs an environment in ``.venv``, for the files entered only. It may have any layout below
``service/polygist_service`` and ``client/polygist_client``.
"""

import argparse
import ast
import json
import os
import statistics
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
PACKAGES = {"service": "service/polygist_service", "client": "client/polygist_client"}
ENTERED = Path(__file__).with_name("entered.py")

MOST_LINES_OF_A_FILE = 500
MOST_LINES_OF_A_FUNCTION = 60
# A file below this is worth having only where others share it.
FEW_LINES_OF_A_FILE = 40
ENOUGH_IMPORTERS = 2


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method.

    Attributes:
        path: its file.
        owner: the module or class that it stands in.
    """

    path: Path
    node: ast.FunctionDef | ast.AsyncFunctionDef
    owner: ast.Module | ast.ClassDef

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def is_private(self) -> bool:
        return self.name.startswith("_") and not self.name.startswith("__")

    @property
    def lines(self) -> int:
        return last_line(self.node) - self.node.lineno + 1

    @property
    def body(self) -> int:
        statements = self.node.body[ast.get_docstring(self.node, clean=False) is not None :]
        return last_line(self.node) - statements[0].lineno + 1 if statements else 0

    @property
    def uses(self) -> int:
        """How often its name stands in its owner, the definition not counted."""
        names = (getattr(node, "id", getattr(node, "attr", None)) for node in ast.walk(self.owner))
        return sum(name == self.name for name in names)


@dataclass(frozen=True)
class Module:
    """A file of a package; ``__init__.py`` has the name of its folder."""

    name: str
    path: Path

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    @property
    def functions(self) -> Iterator[Function]:
        """All functions of the file."""
        yield from find_functions(self.path, self.tree, self.tree)

    @property
    def imported_names(self) -> Iterator[str]:
        """Dotted names of all that it imports, wherever in the file: ``from a.b import c`` gives ``a.b.c``."""
        here = self.name.split(".") if self.is_package else self.name.split(".")[:-1]
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                origin = here[: len(here) - node.level + 1] if node.level else []
                yield from (".".join([*origin, *filter(None, [node.module]), alias.name]) for alias in node.names)


class Package:
    """The modules of a package, and which of them import which.

    Args:
        root: its folder.
    """

    def __init__(self, root: Path) -> None:
        modules = (Module(module_name(path, root.parent), path) for path in sorted(root.rglob("*.py")))
        self.root = root
        self.modules = {module.name: module for module in modules}
        self.imports = {name: self._own_imports(module) for name, module in self.modules.items()}
        self.functions = [function for module in self.modules.values() for function in module.functions]

    def _own_imports(self, module: Module) -> set[str]:
        found = {name if name in self.modules else name.rpartition(".")[0] for name in module.imported_names}
        return found & (self.modules.keys() - {module.name})

    @property
    def files(self) -> list[Module]:
        """Its modules without ``__init__.py``."""
        return [module for module in self.modules.values() if not module.is_package]

    @property
    def long_files(self) -> list[Module]:
        """Files that are too long."""
        return [module for module in self.modules.values() if module.lines > MOST_LINES_OF_A_FILE]

    @property
    def long_functions(self) -> list[Function]:
        """Functions that are too long."""
        return [function for function in self.functions if function.lines > MOST_LINES_OF_A_FUNCTION]

    @property
    def lone_short_files(self) -> list[Module]:
        """Short files that fewer than two modules import."""
        short = (module for module in self.files if module.lines < FEW_LINES_OF_A_FILE)
        return [module for module in short if len(self.importers(module)) < ENOUGH_IMPORTERS]

    @property
    def private_used_once(self) -> list[Function]:
        """Private functions whose name is used at one place."""
        return [function for function in self.functions if function.is_private and function.uses == 1]

    def importers(self, module: Module) -> list[str]:
        """The modules that import one."""
        return [name for name, imported in self.imports.items() if module.name in imported]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The shape of a package; see the top of this file."""

    modules: int
    lines: int
    modules_per_1000_lines: float
    median_file: float
    function_p90: float
    function_p90_body: float
    longest_function: int
    private_share: float
    import_depth: int
    import_circles: int


def measure(package: Package) -> Figures:
    """The figures of a package."""
    lines = [module.lines for module in package.files]
    circles = {circle for circle in find_circles(package.imports).values() if len(circle) > 1}
    return Figures(
        modules=len(lines),
        lines=sum(lines),
        modules_per_1000_lines=1000 * len(lines) / sum(lines),
        median_file=statistics.median(lines),
        function_p90=ninetieth_percentile(function.lines for function in package.functions),
        function_p90_body=ninetieth_percentile(function.body for function in package.functions),
        longest_function=max(function.lines for function in package.functions),
        private_share=statistics.mean(function.is_private for function in package.functions),
        import_depth=import_depth(package.imports),
        import_circles=len(circles),
    )


def module_name(path: Path, folder: Path) -> str:
    """The dotted name of a file below a folder."""
    return ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")


def last_line(node: ast.stmt) -> int:
    """The number of the last line of a statement, which the parser always knows."""
    return node.end_lineno or node.lineno


def find_functions(path: Path, node: ast.AST, owner: ast.Module | ast.ClassDef) -> Iterator[Function]:
    """All functions below a node."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Function(path, child, owner)
        yield from find_functions(path, child, child if isinstance(child, ast.ClassDef) else owner)


def ninetieth_percentile(values: Iterable[int]) -> float:
    """What nine of ten values do not exceed."""
    first, *others = values
    return statistics.quantiles([first, *others], n=10)[-1] if others else first


def find_circles(graph: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """For each node, those that it can be reached from and can reach: itself, if it is in no circle."""

    def reach(start: str) -> set[str]:
        found, left = {start}, [start]
        while left:
            new = set(graph[left.pop()]) - found
            found |= new
            left += new
        return found

    reached = {node: reach(node) for node in graph}
    return {node: frozenset(other for other in reached[node] if node in reached[other]) for node in graph}


def import_depth(graph: Mapping[str, Iterable[str]]) -> int:
    """The nodes of the longest path, where a circle is one node."""
    circles = find_circles(graph)

    @cache
    def depth(circle: frozenset[str]) -> int:
        below = {circles[target] for node in circle for target in graph[node]} - {circle}
        return 1 + max(map(depth, below), default=0)

    return max(map(depth, circles.values()))


def trace(checkout: Path) -> dict[str, dict[str, list[str]]]:
    """The files of a checkout that one call enters, by task and way; see ``bench.entered``.

    Raises:
        RuntimeError: the environment of the checkout has the code of another.
    """
    # Whatever is set for another server must not change what is measured.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POLYGIST_")}
    kept |= {name: os.environ[name] for name in ("POLYGIST_HOME",) if name in os.environ}
    command = [checkout / ".venv/bin/python", "-I", ENTERED, REPOSITORY / "examples/article.txt"]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=kept, cwd=checkout).stdout
    roots = [checkout.resolve() / root for root in PACKAGES.values()]

    def ours(files: Iterable[str]) -> list[str]:
        paths = [Path(file).resolve() for file in files]
        own = [path for path in paths if any(path.is_relative_to(root) for root in roots)]
        if not own:
            raise RuntimeError(f"{checkout}/.venv runs no code of {checkout}")
        return [str(path.relative_to(checkout.resolve())) for path in own]

    traced = json.loads(output)
    return {task: {way: ours(files) for way, files in ways.items()} for task, ways in traced.items()}


def to_json(checkout: Path, packages: Mapping[str, Package], entered: Mapping[str, Any]) -> dict[str, Any]:
    """All that was measured, with paths relative to the checkout."""

    def place(path: Path) -> str:
        return str(path.relative_to(checkout))

    return {
        name: {
            **asdict(measure(package)),
            "long_files": {place(module.path): module.lines for module in package.long_files},
            "lone_short_files": {place(module.path): module.lines for module in package.lone_short_files},
            "long_functions": [
                f"{place(function.path)}:{function.node.lineno} {function.name}, {function.lines} lines"
                for function in package.long_functions
            ],
        }
        for name, package in packages.items()
    } | {"entered": entered}


def print_table(measured: Mapping[str, Any]) -> None:
    """Print the figures, then what is over the limits."""
    names = list(PACKAGES)
    print(f"{'':28}" + "".join(f"{name:>12}" for name in names))
    for figure in Figures.__dataclass_fields__:
        values = (measured[name][figure] for name in names)
        shown = (f"{value:.1%}" if figure == "private_share" else f"{round(value, 1):g}" for value in values)
        print(f"{figure.replace('_', ' '):28}" + "".join(f"{value:>12}" for value in shown))
    for task, ways in measured["entered"].items():
        for way, files in ways.items():
            sides = [sum(file.startswith(PACKAGES[name]) for file in files) for name in names]
            print(f"{f'files entered, {task}, {way}':40}{sides[0]:>5} + {sides[1]:>2} = {len(files)}")
    for name in names:
        for path, lines in measured[name]["long_files"].items():
            print(f"over {MOST_LINES_OF_A_FILE} lines: {path}, {lines}")
        for path, lines in measured[name]["lone_short_files"].items():
            print(f"under {FEW_LINES_OF_A_FILE} lines, fewer than {ENOUGH_IMPORTERS} importers: {path}, {lines}")
        for each in measured[name]["long_functions"]:
            print(f"over {MOST_LINES_OF_A_FUNCTION} lines: {each}")


def print_private(checkout: Path, package: Package) -> None:
    """Print the private functions that are used once, a line for each file: name, line and length of the body."""
    for module in package.modules.values():
        once = [function for function in package.private_used_once if function.path == module.path]
        if once:
            names = ", ".join(f"{each.name}:{each.node.lineno} ({each.body})" for each in once)
            print(f"{module.path.relative_to(checkout)}: {names}")


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.structure", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkout", nargs="?", type=Path, default=REPOSITORY, help="its root (default: this one's)")
    parser.add_argument("--json", action="store_true", help="print JSON, with the names of the files entered")
    parser.add_argument("--static", action="store_true", help="do not trace calls")
    parser.add_argument("--private", action="store_true", help="list private functions that are used once, no more")
    arguments = parser.parse_args()
    checkout = arguments.checkout.absolute()
    packages = {name: Package(checkout / root) for name, root in PACKAGES.items()}
    if arguments.private:
        for package in packages.values():
            print_private(checkout, package)
        return
    measured = to_json(checkout, packages, {} if arguments.static else trace(checkout))
    if arguments.json:
        print(json.dumps(measured, indent=2))
    else:
        print_table(measured)


if __name__ == "__main__":
    main()
