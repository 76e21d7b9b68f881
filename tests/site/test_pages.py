"""Every page of the built book in a real browser."""

import gates
import pytest

from conftest import SITE

PAGES = sorted(str(path.relative_to(SITE)) for path in SITE.rglob("*.html"))
LIGHT_AND_DARK = ("light", "dark")


@pytest.mark.parametrize("name", PAGES)
def test_page(page, address, name):
    """Nothing from elsewhere, no word on the console, no wider than the window, axe at ease."""
    faults = gates.watch(page)
    page.goto(address + name, wait_until="load")
    gates.open_folds(page)
    for width in (gates.DESK, gates.PHONE):
        faults += gates.sideways(page, width)
        for theme in LIGHT_AND_DARK:
            page.emulate_media(color_scheme=theme)
            faults += gates.formula_colours(page)
            rules = gates.RULES if theme == "light" else gates.COLOURS
            faults += [f"{theme}, {width} px: {fault}" for fault in gates.axe(page, rules)]
    faults += gates.sideways(page, gates.SMALL)
    assert not faults, "\n".join(faults)
