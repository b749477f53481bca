"""The arrows between rooms, and the size of things. A room is a module or folder directly below a package."""

import ast
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
SERVICE, CLIENT = "polygist_service", "polygist_client"
ROOTS = {SERVICE: REPOSITORY / "service", CLIENT: REPOSITORY / "client"}

# Room of the service -> what it may import of the service. Open rooms may be imported by all, pure ones import the
# standard library only. `engine.interface` is the seam: only `app`, which builds the object graph, sees behind it.
ARROWS = {
    "errors": (),
    "limits": (),
    "notices": (),
    "context": (),
    "concurrency": ("context",),
    "settings": ("limits",),
    "text": (),
    "store": (),
    "engine": ("store", "context", "concurrency", "app.heap"),
    "translation": ("engine.interface", "notices", "context", "concurrency"),
    "summarisation": ("translation", "engine.interface", "notices", "context", "concurrency"),
    "wire": ("rpc.translation", "summarisation", "translation", "engine.interface", "notices", "limits"),
    "rpc": ("wire", "summarisation", "translation", "engine.interface", "notices", "limits", "context", "concurrency"),
    "observability": ("engine.interface", "rpc.interceptors", "notices"),
    "app": (
        *("rpc", "wire", "observability", "summarisation", "translation", "engine", "store"),
        *("settings", "limits", "context", "concurrency", "notices"),
    ),
    "cli": ("app", "settings", "limits", "store"),
}
OPEN = ("errors", "text")
PURE = ("errors", "limits", "notices", "context", "concurrency")

# Library -> the rooms that may import it. What stands nowhere here is not a dependency.
SERVICE_LIBRARIES = {
    "polygist.__version__": ("cli", "rpc", "store"),
    "polygist.v1": ("app", "rpc", "wire"),
    "google.protobuf": ("app", "rpc", "wire"),
    "grpc": ("app", "rpc"),
    "grpc_health": ("app",),
    "grpc_reflection": ("app",),
    "google.rpc": ("rpc",),
    "ctranslate2": ("engine",),
    "ctranslate2.specs": ("store",),  # the store writes models and never runs one
    "ctranslate2.converters": ("store",),
    "sentencepiece": ("engine", "store"),
    "tokenizers": ("engine",),
    "jinja2": ("engine",),
    "torch": ("store",),  # in the process that converts, and nowhere else: see the test below
    "transformers": ("store",),
    "safetensors": ("store",),
    "gguf": ("store",),
    "numpy": ("engine", "summarisation", "store"),
    "icu4py": ("text",),
    "py3langid": ("text",),
    "langcodes": ("text",),
    "babel": ("text",),
    "pydantic": ("settings", "cli", "store"),
    "pydantic_settings": ("settings",),
    "platformdirs": ("settings", "store"),
    "filelock": ("store",),
    "zstandard": ("store",),
    "huggingface_hub": ("store",),
    "httpx2": ("store",),  # what huggingface_hub raises where there is no connection
    "click": ("cli",),
    "rich": ("cli",),
    "prometheus_client": ("observability",),
    "structlog": ("app", "rpc", "engine"),
}
CLIENT_WIRE = ("client", "aio", "calls", "conversion", "error_mapping")
CLIENT_LIBRARIES = {
    "polygist.__version__": ("connection", "cli"),
    "polygist.v1": ("calls", "conversion"),
    "google.protobuf": CLIENT_WIRE,
    "google.rpc": ("error_mapping",),
    "grpc": ("client", "aio", "error_mapping"),
    "grpc_status": ("error_mapping",),
    "grpc_health": ("calls", "conversion"),
    "click": ("cli",),
    "rich": ("cli",),
}
# What the command line may import of the client: what everybody may, and the types of options and results.
CLIENT_SURFACE = ("connection", "errors", "options", "results", "cli")

MOST_LINES_OF_A_FILE = 500
LEAST_LINES_OF_A_FILE = 40
MOST_LINES_OF_A_FUNCTION = 60
USUAL_LINES_OF_A_FUNCTION = 30  # of nine in ten
SHAPELESS = {"utils", "util", "misc", "helpers", "helper", "common", "manager", "handler", "processor", "data"}


def sources(package: str) -> list[Path]:
    return sorted((ROOTS[package] / package).rglob("*.py"))


def room_of(path: Path, package: str) -> str:
    """The room of a file; the package's own ``__init__`` is a room of that name."""
    return path.relative_to(ROOTS[package] / package).with_suffix("").parts[0]


def imports(path: Path, package: str) -> Iterator[str]:
    """Dotted names of all that a file imports, wherever in the file: ``from a.b import c`` gives ``a.b.c``."""
    here = path.relative_to(ROOTS[package]).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = [*here[: -node.level], *filter(None, [node.module])] if node.level else [node.module]
            yield from (".".join([*origin, alias.name]) for alias in node.names)


def lies_in(name: str, place: str) -> bool:
    return name == place or name.startswith(f"{place}.")


def all_imports(package: str) -> list[tuple[str, str, Path]]:
    return [(room_of(path, package), name, path) for path in sources(package) for name in imports(path, package)]


def functions(package: str) -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    for path in sources(package):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node, node.end_lineno - node.lineno + 1


def test_every_room_of_the_service_has_its_arrows():
    rooms = {room_of(path, SERVICE) for path in sources(SERVICE)} - {"__init__"}
    assert rooms <= ARROWS.keys()


def test_rooms_of_the_service_import_along_the_arrows():
    crossings = []
    for room, name, path in all_imports(SERVICE):
        if not lies_in(name, SERVICE) or room == "__init__":
            continue
        allowed = (room, *OPEN, *ARROWS[room])
        if not any(lies_in(name, f"{SERVICE}.{place}") for place in allowed):
            crossings.append(f"{path.name} of {room} imports {name}")
    assert not crossings


def test_pure_rooms_import_the_standard_library_only():
    others = [
        f"{path.name} imports {name}"
        for room, name, path in all_imports(SERVICE)
        if room in PURE and name.partition(".")[0] not in sys.stdlib_module_names
    ]
    assert not others


@pytest.mark.parametrize(("package", "other"), [(SERVICE, CLIENT), (CLIENT, SERVICE)])
def test_client_and_service_do_not_import_each_other(package, other):
    assert not [path for _, name, path in all_imports(package) if lies_in(name, other)]


def test_client_library_does_not_know_its_command_line():
    known = [(room, name) for room, name, _ in all_imports(CLIENT) if lies_in(name, f"{CLIENT}.cli")]
    assert {room for room, _ in known} <= {"cli"}


def test_command_line_uses_the_public_client():
    modules = {room_of(path, CLIENT) for path in sources(CLIENT)}
    imported = {name.split(".")[1] for room, name, _ in all_imports(CLIENT) if room == "cli" and lies_in(name, CLIENT)}
    assert imported & modules <= {*CLIENT_SURFACE}


@pytest.mark.parametrize(("package", "libraries"), [(SERVICE, SERVICE_LIBRARIES), (CLIENT, CLIENT_LIBRARIES)])
def test_each_library_has_its_room(package, libraries):
    strays = []
    for room, name, path in all_imports(package):
        if name.partition(".")[0] in sys.stdlib_module_names or lies_in(name, package):
            continue
        homes = [home for library, rooms in libraries.items() if lies_in(name, library) for home in rooms]
        if room not in homes:
            strays.append(f"{path.name} of {room} imports {name}")
    assert not strays


def test_what_converts_is_imported_by_its_own_process_only():
    heavy = ("torch", "transformers", "ctranslate2.converters")
    importers = {path.name for _, name, path in all_imports(SERVICE) if any(lies_in(name, each) for each in heavy)}
    assert importers == {"transformers_process.py"}


@pytest.mark.parametrize("package", ROOTS)
def test_files_are_short_and_say_what_they_are(package):
    for path in sources(package):
        text = path.read_text()
        assert len(text.splitlines()) <= MOST_LINES_OF_A_FILE, path
        assert not text or ast.get_docstring(ast.parse(text)), path


@pytest.mark.parametrize("package", [CLIENT])
def test_files_are_not_tiny(package):
    """A file below the least size is there because several others need it."""
    imported = {(path, name) for _, name, path in all_imports(package)}
    for path in sources(package):
        if path.stem != "__init__" and len(path.read_text().splitlines()) < LEAST_LINES_OF_A_FILE:
            module = ".".join(path.relative_to(ROOTS[package]).with_suffix("").parts)
            assert len({importer for importer, name in imported if lies_in(name, module)}) > 1, path


@pytest.mark.parametrize("package", ROOTS)
def test_functions_are_short(package):
    measured = list(functions(package))
    long = [f"{path.name}: {node.name}, {lines}" for path, node, lines in measured if lines > MOST_LINES_OF_A_FUNCTION]
    assert not long
    if len(measured) > 10:
        assert statistics.quantiles([lines for _, _, lines in measured], n=10)[-1] <= USUAL_LINES_OF_A_FUNCTION


@pytest.mark.parametrize("package", ROOTS)
def test_modules_are_named_after_what_they_hold(package):
    names = {part for path in sources(package) for part in path.relative_to(ROOTS[package]).with_suffix("").parts}
    assert not names & SHAPELESS


@pytest.mark.parametrize("package", ROOTS)
def test_nothing_is_global(package):
    for path in sources(package):
        assert not [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Global)], path
