"""The arrows between rooms, and the size of things. A room is a module or folder directly below a package."""

import ast
import sys
from pathlib import Path

import pytest

from bench.structure import Package, measure

REPOSITORY = Path(__file__).parents[1]
SERVICE, CLIENT = "polygist_service", "polygist_client"
ROOTS = {SERVICE: REPOSITORY / "service", CLIENT: REPOSITORY / "client"}
CODE = {package: Package(root / package) for package, root in ROOTS.items()}

# Room of the service -> what it may import of the service. Open rooms may be imported by all, pure ones import the
# standard library and each other only. `engine.interface` is the seam: only `app`, which builds the object graph, sees
# behind it.
ARROWS = {
    "errors": (),
    "limits": (),
    "notices": (),
    "context": (),
    "concurrency": ("context",),
    "admission": ("context",),
    "access": (),
    "addresses": (),
    "settings": ("addresses", "limits"),
    "text": ("notices",),
    "store": (),
    "engine": ("store", "context", "concurrency"),
    "translation": ("engine.interface", "notices", "context", "concurrency"),
    "summarisation": ("translation", "engine.interface", "notices", "context", "concurrency"),
    "wire": ("summarisation", "translation", "engine.interface", "notices", "context", "limits"),
    "rpc": (
        *("wire", "summarisation", "translation", "engine.interface"),
        *("limits", "context", "concurrency", "admission", "access"),
    ),
    "http": ("wire", "addresses", "limits", "context", "concurrency"),
    "observability": ("engine.interface", "notices", "admission", "addresses"),
    "app": (
        *("rpc", "http", "observability", "summarisation", "translation", "engine", "store"),
        *("settings", "addresses", "limits", "context", "concurrency", "admission", "access"),
    ),
    "ray": ("app", "rpc", "wire", "settings", "limits", "context", "concurrency"),
    "cli": ("app", "access", "settings", "limits", "store", "engine.residency.trial"),
}
OPEN = ("errors", "text")
PURE = ("errors", "limits", "notices", "addresses", "context", "concurrency", "admission")

# Library -> the rooms that may import it. What stands nowhere here is not a dependency.
SERVICE_LIBRARIES = {
    "polygist.__version__": ("cli", "wire", "http", "store", "engine"),
    "polygist.charsets": ("text", "wire"),
    "polygist.commands": ("__init__",),
    "polygist.files": ("access", "settings", "translation", "store"),
    "polygist.pem": ("app", "cli"),
    "polygist.v1": ("app", "rpc", "wire", "http", "ray"),
    "google.protobuf": ("app", "rpc", "wire", "http", "ray"),
    "grpc": ("app", "rpc", "ray"),
    "grpc_health": ("app", "ray"),
    "grpc_reflection": ("app",),
    "google.rpc": ("rpc", "wire", "http"),
    "ray": ("ray",),
    "starlette": ("http", "app"),
    "uvicorn": ("http",),
    "h11": ("http",),
    "python_multipart": ("http",),
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
    "markdown_it": ("text",),
    "mdit_py_plugins": ("text",),
    "turbohtml": ("text",),
    "py3langid": ("text",),
    "langcodes": ("text",),
    "babel": ("text",),
    "lxml": ("text",),
    "text_to_num": ("text",),
    "trafilatura": ("summarisation",),
    "pydantic": ("settings", "cli", "store", "ray"),
    "pydantic_settings": ("settings",),
    "platformdirs": ("settings",),
    "filelock": ("store", "access"),
    "backports": ("store",),
    "compression": ("store",),  # what Python has from 3.14 on, and backports before
    "huggingface_hub": ("store",),
    "httpx2": ("store",),  # what huggingface_hub raises where there is no connection
    "click": ("cli",),
    "rich": ("cli",),
    "prometheus_client": ("observability",),
    "opentelemetry": ("observability",),
    "structlog": ("app", "rpc", "http", "engine", "cli", "ray"),
}
CLIENT_WIRE = ("client", "aio", "calls", "documents", "conversion", "error_mapping")
CLIENT_LIBRARIES = {
    "polygist.__version__": ("connection", "tracing", "cli"),
    "polygist.charsets": ("arguments", "cli"),
    "polygist.pem": ("tls",),
    "polygist.v1": ("calls", "documents", "conversion"),
    "google.protobuf": CLIENT_WIRE,
    "google.rpc": ("error_mapping",),
    "grpc": ("client", "channels", "error_mapping", "tls"),
    "grpc_status": ("error_mapping",),
    "grpc_health": ("calls", "conversion"),
    "click": ("cli",),
    "rich": ("cli",),
    "puremagic": ("cli",),
    "opentelemetry": ("tracing",),
}
# What the command line may import of the client: what everybody may, and the types of options and results.
CLIENT_SURFACE = ("addresses", "atomic_files", "connection", "errors", "options", "results", "tls", "cli")

# The most lines of a file and of a function are said in `bench.structure`, which finds what is beyond them.
USUAL_LINES_OF_A_FUNCTION = 30  # of nine in ten
MOST_PRIVATE_FUNCTIONS = 0.20  # of all; each is a name to follow
# A reader of the service has no more to walk through.
MOST_MODULES = 287
MOST_MODULES_PER_1000_LINES = 7.5
MOST_IMPORT_DEPTH = 30
SHAPELESS = {"utils", "util", "misc", "helpers", "helper", "common", "manager", "handler", "processor", "data"}


def sources(package: str) -> list[Path]:
    return [module.path for module in CODE[package].modules.values()]


def room_of(path: Path, package: str) -> str:
    """The room of a file; the package's own ``__init__`` is a room of that name."""
    return path.relative_to(ROOTS[package] / package).with_suffix("").parts[0]


def lies_in(name: str, place: str) -> bool:
    return name == place or name.startswith(f"{place}.")


def all_imports(package: str) -> list[tuple[str, str, Path]]:
    return [
        (room_of(module.path, package), name, module.path)
        for module in CODE[package].modules.values()
        for name in module.imported_names
    ]


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
        if not any(lies_in(name, f"{SERVICE}.{other}") for other in PURE)
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
def test_files_say_what_they_are(package):
    for module in CODE[package].modules.values():
        assert not module.text or ast.get_docstring(module.tree), module.path


@pytest.mark.parametrize("package", ROOTS)
def test_files_are_not_long(package):
    assert not [f"{module.name}, {module.lines}" for module in CODE[package].long_files]


@pytest.mark.parametrize("package", ROOTS)
def test_short_files_are_shared(package):
    assert not [f"{module.name}, {module.lines}" for module in CODE[package].lone_short_files]


@pytest.mark.parametrize("package", ROOTS)
def test_functions_are_short(package):
    assert not [f"{each.path.name}: {each.name}, {each.lines}" for each in CODE[package].long_functions]
    assert measure(CODE[package]).function_p90 <= USUAL_LINES_OF_A_FUNCTION


@pytest.mark.parametrize("package", ROOTS)
def test_few_functions_are_private(package):
    assert measure(CODE[package]).private_share <= MOST_PRIVATE_FUNCTIONS


def test_the_service_is_not_many_modules_nor_deep():
    figures = measure(CODE[SERVICE])
    assert figures.modules <= MOST_MODULES
    assert figures.modules_per_1000_lines < MOST_MODULES_PER_1000_LINES
    assert figures.import_depth <= MOST_IMPORT_DEPTH


@pytest.mark.parametrize("package", ROOTS)
def test_modules_are_named_after_what_they_hold(package):
    names = {part for path in sources(package) for part in path.relative_to(ROOTS[package]).with_suffix("").parts}
    assert not names & SHAPELESS


@pytest.mark.parametrize("package", ROOTS)
def test_nothing_is_global(package):
    for path in sources(package):
        assert not [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Global)], path


def test_the_page_shows_the_tree_as_it_is():
    page = (REPOSITORY / "docs/architecture.md").read_text()
    shown, folders = set(), []
    for line in page.partition("```\n")[2].partition("```")[0].splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        folders = [*folders[:depth], line.split()[0]]
        shown.add("".join(folders))
    files = {path for package in ROOTS for path in sources(package) if path.name != "__init__.py"}
    rooms = {f"{path.parent.relative_to(REPOSITORY)}/" for path in files}
    assert shown == {str(path.relative_to(REPOSITORY)) for path in files} | rooms
