"""Each gate shown green on a page without a fault, and red on one with it."""

import gates
import pytest
import tools
from faults import POLICY, page, write

STYLE = "<style>{}</style>"


@pytest.fixture
def serve(tmp_path, browser):
    """Show a page; return it and the list of what it says and asks."""
    servers, contexts = [], []

    def run(text: str, **settings):
        server = tools.Server(write(tmp_path, page=text))
        context = browser.new_context(viewport={"width": 1180, "height": 900}, **settings)
        servers.append(server)
        contexts.append(context)
        shown = context.new_page()
        heard = gates.watch(shown)
        shown.goto(server.address + "page.html")
        return shown, heard

    yield run
    for one in contexts + servers:
        one.close()


# ---- folders


@pytest.mark.parametrize("body, faults", [
    ("<p id='a'>A</p><p id='b'>B</p>", []),
    ("<p id='a'>A</p><p id='a'>B</p>", ["page.html: the id a stands 2 times"]),
])
def test_doubled_ids(tmp_path, body, faults):
    assert gates.doubled_ids(gates.read(write(tmp_path, page=page(body)))) == faults


@pytest.mark.parametrize("link, faults", [
    ("page.html#here", []),
    ("#here", []),
    ("#there", ["page.html: #there leads to no anchor"]),
    ("other.html", ["page.html: other.html leads to no file"]),
])
def test_dead_links(tmp_path, link, faults):
    folder = write(tmp_path, page=page(f"<p id='here'><a href='{link}'>on</a></p>"))
    assert gates.dead_links(folder, gates.read(folder)) == faults


@pytest.mark.parametrize("body, faults", [
    ("<h2>B</h2><h3>C</h3>", []),
    ("<h1>B</h1>", ["page.html: 2 headings of the first level"]),
    ("<h3>C</h3>", ["page.html: h3 follows h1"]),
])
def test_headings(tmp_path, body, faults):
    assert gates.headings(gates.read(write(tmp_path, page=page(body)))) == faults


@pytest.mark.parametrize("alt, faults", [
    ("the loss falls at first", []),
    ("a plot", ["page.html: a.svg says only 'a plot'"]),
    ("Loss over time, batch 32", ["page.html: a.svg says what its caption says"]),
])
def test_images(tmp_path, alt, faults):
    body = (f"<figure><img src='a.svg' alt='{alt}'>"
            "<figcaption>Fig. 1 Loss over time, batch 32.</figcaption></figure>")
    assert gates.images(gates.read(write(tmp_path, page=page(body)))) == faults


@pytest.mark.parametrize("text, faults", [
    (page(), []),
    (page(head="<script src='https://a.example/x.js'></script>"),
     ["page.html: <script> from https://a.example/x.js"]),
    (page(policy=POLICY), ["page.html: the policy lets in 'unsafe-inline';",
                           "page.html: the policy lets in 'unsafe-inline';"]),
    (page(policy="img-src 'self'"), ["page.html: no policy that forbids what it does not name"]),
    (page(policy="default-src 'none'; img-src https://a.example"),
     ["page.html: the policy lets in https://a.example"]),
])
def test_outside(tmp_path, text, faults):
    assert gates.outside(gates.read(write(tmp_path, page=text))) == faults


def test_nu(tmp_path):
    assert gates.nu(write(tmp_path, page=page())) == []
    faults = gates.nu(write(tmp_path, page=page("<p><div>A box in a paragraph</div></p>")))
    assert len(faults) == 1 and "No “p” element in scope" in faults[0]


# ---- a page in the browser


def test_watch_hears_the_console_and_requests_to_other_hosts(serve):
    assert serve(page())[1] == []
    _, heard = serve(page("<script>console.log('hello')</script>", policy=POLICY))
    assert heard == ["console: hello"]
    anything = POLICY.replace("img-src 'self'", "img-src *")
    _, heard = serve(page("<img src='http://a.example/x.png' alt=''>", policy=anything))
    assert "asks http://a.example/x.png" in heard


def test_policy_stops_requests_to_other_hosts(serve):
    _, heard = serve(page("<img src='http://a.example/x.png' alt=''>"))
    assert any("violates the following Content Security Policy" in one for one in heard)
    assert "cannot load http://a.example/x.png" in heard


def test_axe(serve):
    assert gates.axe(serve(page())[0]) == []
    shown, _ = serve(page("<p class='faint'>Grey on white</p>",
                          STYLE.format(".faint { color: #aaa }"), POLICY))
    assert [one[:25] for one in gates.axe(shown)] == ["violation color-contrast:"]


def test_axe_takes_a_formula_for_nothing(serve):
    table = "<table><tr><th>{}</th></tr><tr><td>1</td></tr></table>"
    shown, _ = serve(page(table.format("<math><mi>x</mi></math>")))
    assert gates.axe(shown) == []
    assert "empty-table-header" in gates.axe(serve(page(table.format("")))[0])[0]


def test_axe_cannot_decide_and_the_gate_decides(serve):
    """A text that a box cuts off: axe leaves it open, the gate looks at the ground."""
    body = "<div class='box' tabindex='0'><p class='long'>{}</p></div>".format("long " * 40)
    style = ".box { width: 9rem; overflow: auto } .long { white-space: nowrap; color: %s }"
    for colour, faults in (("#333", 0), ("#aaa", 1)):
        shown, _ = serve(page(body, STYLE.format(style % colour), POLICY))
        assert len(gates.axe(shown)) == faults


def test_formula_colours(serve):
    body = ("<p><span class='math'><span class='katex'><span class='katex-html' "
            "aria-hidden='true'>x</span></span></span></p>")
    assert gates.formula_colours(serve(page(body))[0]) == []
    shown, _ = serve(page(body, STYLE.format(".katex-html { color: #aaa }"), POLICY))
    assert gates.formula_colours(shown) == ["colour of x"]


@pytest.mark.parametrize("width", [gates.SMALL, gates.PHONE, gates.DESK])
def test_sideways(serve, width):
    assert gates.sideways(serve(page())[0], width) == []
    wide = STYLE.format(f".wide {{ width: {width + 40}px }}")
    shown, _ = serve(page("<p class='wide'>wide</p>", wide, POLICY))
    assert f"px wide at {width}: P.wide" in gates.sideways(shown, width)[0]


def test_hidden_without_script(serve):
    fold = "<details><summary>More</summary><p>All of it.</p></details>"
    assert gates.hidden_without_script(serve(page(fold), java_script_enabled=False)[0]) == []
    shown, _ = serve(page("<p hidden>Only a script shows this.</p>"), java_script_enabled=False)
    assert gates.hidden_without_script(shown) == ["hidden: Only a script shows this."]


def test_closed_targets(serve):
    """The browser opens the fold around a target, but not one that the target itself is."""
    shown, _ = serve(page("<details><summary>More</summary><p id='in'>In.</p></details>"))
    assert gates.closed_targets(shown, shown.url.removesuffix("page.html"), "page.html") == []
    keeps = ("<script>addEventListener('toggle', (event) => (event.target.open = false), true)"
             "</script>")
    shown, _ = serve(page(
        f"<details><summary>More</summary><p id='in'>In.</p></details>{keeps}", policy=POLICY))
    assert gates.closed_targets(shown, shown.url.removesuffix("page.html"), "page.html")


# ---- what is missing


def test_a_missing_browser_is_said_with_how_to_install_it(monkeypatch):
    monkeypatch.setattr(tools.shutil, "which", lambda name: None)
    monkeypatch.delenv("CHROMIUM", raising=False)
    with pytest.raises(tools.Missing, match="apt-get install chromium"):
        tools.chromium()
    with pytest.raises(tools.Missing, match="apt-get install default-jre-headless"):
        tools.java()


def test_a_missing_checker_is_said_with_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setattr(tools, "TOOLS", tmp_path)
    with pytest.raises(tools.Missing, match="npm"):
        tools.tool("axe-core/axe.min.js")
