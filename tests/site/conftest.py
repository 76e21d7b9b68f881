import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from tools import BUILD, FLAGS, Server, chromium

SITE = Path(os.environ.get("SITE", BUILD / "html"))


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1180, "height": 900})
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def site() -> Path:
    """The built book."""
    assert (SITE / "index.html").is_file(), f"{SITE} has no book: run make html"
    return SITE


@pytest.fixture(scope="session")
def address(site):
    """The built book on loopback."""
    server = Server(site)
    yield server.address
    server.close()
