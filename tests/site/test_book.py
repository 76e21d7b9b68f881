"""The built book as a whole: links, ids, headings, images, HTML, search, folds, no script."""

import gates
import pytest

from conftest import SITE

CHAPTERS = sorted(path.stem for path in (SITE / "notebooks").glob("*.zip"))
PAPERS = [f"papers/{name}.html" for name in "abcde"]


@pytest.fixture(scope="session")
def pages(site):
    return gates.read(site)


def test_no_id_stands_twice(pages):
    assert gates.doubled_ids(pages) == []


def test_every_link_leads_to_a_file_and_an_anchor(site, pages):
    assert gates.dead_links(site, pages) == []


def test_one_first_heading_and_no_level_skipped(pages):
    assert gates.headings(pages) == []


def test_every_image_says_what_it_shows(pages):
    assert gates.images(pages) == []


def test_nothing_comes_from_elsewhere_and_the_policy_forbids_it(pages):
    assert gates.outside(pages) == []


def test_nu_finds_no_error(site):
    assert gates.nu(site) == []


@pytest.mark.parametrize("word, place", [
    ("A3a", "recurrent.html#A3a"),
    ("c5.7", "variational.html#C5.7"),
    ("Adagrad", "optimization.html#"),
    ("restricted boltzmann machine", "boltzmann.html#"),
])
def test_search_finds(page, address, word, place):
    assert gates.found_by_search(page, address, word)[0].startswith(place)


@pytest.mark.parametrize("word", ["réseau convolutif", "reseau", "désactivé"])
def test_search_finds_french_with_or_without_accents(page, address, word):
    found = gates.found_by_search(page, address, word)
    assert any(one.startswith("papers/b.html#") for one in found), found


def test_search_says_that_it_finds_nothing(page, address):
    assert gates.found_by_search(page, address, "xyzzy") == []
    assert "Nothing has" in page.locator("#search-status").inner_text()


@pytest.mark.parametrize("name", ["mlp.html", *PAPERS[:1]])
def test_a_link_opens_the_fold_that_it_points_into(page, address, name):
    assert gates.closed_targets(page, address, name) == []


@pytest.mark.parametrize("name", ["index.html", "mlp.html", "papers/e.html", "evidence.html"])
def test_all_reads_without_a_script(browser, address, name):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + name)
    assert gates.hidden_without_script(page) == []
    context.close()


def test_choice_of_folds_is_remembered(page, address):
    closed = "document.querySelectorAll('.papers-short-fold:not([open])').length"
    opened = "document.querySelectorAll('.papers-whole-fold[open]').length"
    page.goto(address + "mlp.html")
    assert (page.evaluate(closed), page.evaluate(opened)) == (0, 0)
    page.get_by_label("everything").check()
    page.goto(address + "training.html")
    assert page.evaluate(opened) == page.locator(".papers-whole-fold").count() > 0
    page.get_by_label("questions only").check()
    page.reload()
    assert page.evaluate(closed) == page.locator(".papers-short-fold").count() > 0


def test_choice_of_colours_is_remembered(page, address):
    ground = "getComputedStyle(document.body).backgroundColor"
    page.goto(address + "mlp.html")
    before = page.evaluate(ground)
    page.locator("#theme").click()
    page.locator("#theme").click()
    assert page.locator("#theme").inner_text() == "Theme: dark"
    page.goto(address + "index.html")
    assert page.evaluate(ground) != before


def test_a_paper_is_sat_against_the_clock(page, address):
    page.goto(address + "papers/e.html")
    page.get_by_role("button", name="Sit this paper").click()
    assert page.get_by_role("timer").inner_text().startswith(("2:59:5", "3:00:00"))
    assert not page.locator(".papers-peek").first.is_visible()
    page.reload()
    assert "left" in page.get_by_role("timer").inner_text()
    page.get_by_role("button", name="End").click()
    assert page.locator(".papers-peek").first.is_visible()


def test_copied_dialogue_is_what_one_types(browser, address):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(address + "mlp.html")
    page.get_by_role("button", name="Copy").first.click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").startswith("import numpy as np\nimport")
    context.close()


def test_menu_and_contents_open_on_a_phone(page, address):
    page.set_viewport_size({"width": gates.PHONE, "height": 800})
    page.goto(address + "mlp.html")
    for button, box in (("Menu", "#site-menu"), ("On this page", "#page-contents")):
        assert not page.locator(box).is_visible()
        page.get_by_role("button", name=button).click()
        assert page.locator(box).is_visible()
        page.keyboard.press("Escape")


def test_keyboard_reaches_the_text_first(page, address):
    page.goto(address + "mlp.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the text"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main-content"


def weight(browser, address: str, name: str) -> int:
    """All that a page loads but its figures, uncompressed."""
    context, loaded = browser.new_context(), []
    page = context.new_page()
    page.on("response", lambda one: loaded.append(one))
    page.goto(address + name, wait_until="networkidle")
    total = sum(len(one.body()) for one in loaded if "/_images/" not in one.url)
    context.close()
    return total


def test_a_typical_chapter_weighs_at_most_a_megabyte(browser, address):
    weights = {name: weight(browser, address, f"{name}.html") for name in CHAPTERS}
    print(weights)
    assert sorted(weights.values())[len(weights) // 2] <= 1_000_000, weights


def test_a_page_that_is_not_there_leads_on(site):
    soup = gates.read(site)["404.html"]
    assert soup.find("main").find("a")["href"] == "index.html"
