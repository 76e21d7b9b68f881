"""The book, built once for all tests of a process, and given to each as it was."""

import shutil

import pytest
from freshbook import CODE, FILES, FORMS, PACKAGES, Server, World


@pytest.fixture(scope="session")
def server():
    server = Server()
    yield server
    server.close()


@pytest.fixture(scope="session")
def kept(server, tmp_path_factory) -> World:
    """The book, built in all forms; not to be changed."""
    base = tmp_path_factory.mktemp("fresh")
    world = World(base / "world", server, base / "stores")
    for name, text in FILES.items():
        world.write(name, text)
    for package in PACKAGES:
        shutil.copytree(CODE / package, world.path(f"packages/{package}"))
    for form in FORMS:
        assert world.build(form) == (0, "")
    shutil.copytree(world.folder, base / "kept", symlinks=True)
    return world


@pytest.fixture
def world(kept) -> World:
    """The book as it was built."""
    kept.restore(kept.folder.parent / "kept")
    return kept
