"""The gates: each takes a page in the browser, or a folder of pages, and returns what is wrong."""

import json
import re
import subprocess
from collections import Counter
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from bs4 import BeautifulSoup
from tools import java, tool

PHONE, SMALL, DESK = 390, 320, 1180
# Most of a page is formulas, which have neither links nor ids.
FORMULAS = re.compile(r"<math.*?</math>|<span(?![^>]*\bid=)[^>]*>|</span>", re.S)


# ---- folders of pages


def read(folder: Path) -> dict[str, BeautifulSoup]:
    """All pages of a folder."""
    return {str(path.relative_to(folder)):
            BeautifulSoup(FORMULAS.sub("", path.read_text(encoding="utf-8")), "html.parser")
            for path in sorted(folder.rglob("*.html"))}


def doubled_ids(pages) -> list[str]:
    """Ids that stand twice on a page."""
    faults = []
    for name, soup in pages.items():
        count = Counter(tag["id"] for tag in soup.find_all(id=True))
        faults += [f"{name}: the id {id} stands {n} times" for id, n in count.items() if n > 1]
    return faults


def dead_links(folder: Path, pages) -> list[str]:
    """Links to files and anchors that are not there."""
    anchors = {name: {tag["id"] for tag in soup.find_all(id=True)} for name, soup in pages.items()}
    faults = []
    for name, soup in pages.items():
        base = soup.find("base")
        for tag in soup.find_all(["a", "link", "img", "script", "form", "source"]):
            target = tag.get("href") or tag.get("src") or tag.get("action")
            if target is None or urlsplit(target).scheme or (base and target.startswith("404")):
                continue
            path, anchor = urldefrag(urljoin(name, target.split("?")[0]))
            path, anchor = unquote(path) or name, unquote(anchor)
            path = path + "index.html" if path.endswith("/") else path
            if not (folder / path).is_file():
                faults.append(f"{name}: {target} leads to no file")
            elif anchor and path in anchors and anchor not in anchors[path]:
                faults.append(f"{name}: {target} leads to no anchor")
    return sorted(set(faults))


def headings(pages) -> list[str]:
    """Pages without exactly one h1, and headings that skip a level."""
    faults = []
    for name, soup in pages.items():
        levels = [int(tag.name[1]) for tag in soup.find_all(re.compile("^h[1-6]$"))]
        if levels.count(1) != 1:
            faults.append(f"{name}: {levels.count(1)} headings of the first level")
        for above, below in pairwise(levels):
            if below > above + 1:
                faults.append(f"{name}: h{below} follows h{above}")
    return faults


def images(pages) -> list[str]:
    """Images whose alternative text states nothing: fewer than four words, or the caption again."""
    faults = []
    for name, soup in pages.items():
        for image in soup.find_all("img"):
            alt = image.get("alt", "")
            caption = image.find_parent("figure")
            said = caption.find("figcaption").get_text() if caption and caption.figcaption else ""
            if len(alt.split()) < 4:
                faults.append(f"{name}: {image['src']} says only {alt!r}")
            elif alt in said:
                faults.append(f"{name}: {image['src']} says what its caption says")
    return faults


def outside(pages) -> list[str]:
    """What a page would load from another host, and pages whose policy would let it."""
    faults = []
    for name, soup in pages.items():
        for tag in soup.find_all(["link", "img", "script", "iframe", "source", "video", "audio"]):
            address = tag.get("href") or tag.get("src") or ""
            known = tag.get("rel") == ["canonical"]
            if re.match(r"(https?:)?//", address) and not known:
                faults.append(f"{name}: <{tag.name}> from {address}")
        policy = soup.find("meta", attrs={"http-equiv": "Content-Security-Policy"})
        words = policy["content"].split() if policy else []
        if "default-src 'none'" not in (policy["content"] if policy else ""):
            faults.append(f"{name}: no policy that forbids what it does not name")
        faults += [f"{name}: the policy lets in {word}" for word in words
                   if re.search(r"[.*:]|unsafe", word)]
    return faults


def nu(folder: Path) -> list[str]:
    """What the Nu HTML checker finds wrong."""
    command = [java(), "-Xss2m", "-jar", tool("vnu-jar/build/dist/vnu.jar"), "--format", "json",
               "--skip-non-html", "--errors-only", folder]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    found = json.loads(done.stderr)["messages"]
    return [f"{Path(one['url']).name}:{one.get('lastLine')}: {one['message']} "
            f"{one.get('extract', '')[:120]!r}" for one in found]


# ---- a page in the browser


def watch(page) -> list[str]:
    """Collect, from now on, what the page says on the console and asks of other hosts."""
    faults = []
    page.on("console", lambda message: faults.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))

    def request(one):
        if urlsplit(one.url).hostname not in ("127.0.0.1", "", None):
            faults.append(f"asks {one.url}")

    page.on("request", request)
    page.on("requestfailed", lambda one: faults.append(f"cannot load {one.url}"))
    return faults


def open_folds(page):
    """Open all folds."""
    page.evaluate("document.querySelectorAll('details').forEach((fold) => (fold.open = true))")


# A formula has MathML for screen readers, of which axe knows nothing, and a drawn copy in the
# colour of the text around it, which `formula_colours` sees to; both would only slow axe down.
AXE = """async (rules) => {
  const found = await axe.run(
    {exclude: [['.katex']]},
    {resultTypes: ['violations', 'incomplete'], runOnly: rules});
  // Where axe cannot tell what lies behind a text (a box that scrolls), the grounds of the boxes
  // around it tell: all are plain colours.
  const part = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const channels = (colour) => {
    const context = new OffscreenCanvas(1, 1).getContext('2d');
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data].map((one) => one / 255);
  };
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const enough = (node) => {
    let box = node;
    while (box && channels(getComputedStyle(box).backgroundColor)[3] < 1) {
      if (channels(getComputedStyle(box).backgroundColor)[3] > 0 ||
          getComputedStyle(box).backgroundImage !== 'none') return false;
      box = box.parentElement;
    }
    const ground = getComputedStyle(box ?? document.body).backgroundColor;
    const pair = [getComputedStyle(node).color, ground]
      .map((colour) => light(channels(colour)) + 0.05).sort((a, b) => b - a);
    return pair[0] / pair[1] >= 4.5;
  };
  // axe does not count MathML as text, so a heading that is a formula looks empty to it.
  const settled = (kind, rule, node) =>
    (kind === 'open' && rule.id === 'color-contrast' && enough(node)) ||
    (rule.id === 'empty-table-header' && node.querySelector('math'));
  const list = (kind, some) => some.flatMap((rule) => rule.nodes
    .filter((node) => !settled(kind, rule, document.querySelector(node.target[0])))
    .map((node) => `${kind} ${rule.id}: ${node.html.slice(0, 120)} (` +
      `${node.any[0]?.message ?? node.none[0]?.message ?? ''})`));
  return [...list('violation', found.violations), ...list('open', found.incomplete)];
}"""


RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast", "link-in-text-block"]  # all that differs between light and dark


def axe(page, rules=RULES) -> list[str]:
    """What axe finds wrong with a page as it stands, or cannot decide."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(tool("axe-core/axe.min.js").read_text(encoding="utf-8"))
    return page.evaluate(AXE, rules)


def formula_colours(page) -> list[str]:
    """Formulas whose colour differs from that of the text around them."""
    return page.evaluate("""() => [...document.querySelectorAll('.katex-html')]
      .filter((drawn) => getComputedStyle(drawn).color !==
        getComputedStyle(drawn.closest('.katex').parentElement).color)
      .map((drawn) => 'colour of ' + drawn.textContent)""")


def sideways(page, width: int) -> list[str]:
    """What makes a page wider than the window."""
    page.set_viewport_size({"width": width, "height": 900})
    return page.evaluate("""(width) => document.documentElement.scrollWidth <= width ? [] :
      [`${document.documentElement.scrollWidth} px wide at ${width}: ` +
       [...document.querySelectorAll('body *')]
        .filter((node) => node.getBoundingClientRect().right > width + 1)
        .map((node) => node.tagName + '.' + node.className).slice(0, 3)]""", width)


def hidden_without_script(page) -> list[str]:
    """Text of the article that cannot be reached without a script: neither shown nor in a fold."""
    open_folds(page)
    return page.evaluate("""() => {
      const faults = [];
      const article = document.querySelector('article');
      const walk = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
      for (let node; (node = walk.nextNode()); ) {
        const box = node.parentElement;
        if (node.data.trim() && !box.closest('math, noscript, script') && !box.checkVisibility()) {
          faults.push('hidden: ' + node.data.trim().slice(0, 60));
        }
      }
      return faults;
    }""")


def found_by_search(page, address: str, word: str) -> list[str]:
    """The links that the search gives for a word."""
    page.goto(f"{address}search.html?q={word}")
    page.wait_for_function("document.querySelector('#search-status').textContent")
    return page.evaluate(
        "[...document.querySelectorAll('#search-results li a')].map((a) => a.getAttribute('href'))")


def closed_targets(page, address: str, name: str) -> list[str]:
    """Anchors of a page in folds that stay closed when one follows a link to them."""
    page.goto(address + name)
    inside = page.evaluate("[...document.querySelectorAll('details [id]')].map((one) => one.id)")
    faults = []
    for id in inside:
        page.evaluate("""(id) => {
          document.querySelectorAll('details').forEach((fold) => (fold.open = false));
          location.hash = '';
          location.hash = id;
        }""", id)
        page.wait_for_timeout(0)
        if not page.evaluate("(id) => document.getElementById(id).checkVisibility()", id):
            faults.append(f"{name}#{id} stays closed")
    return faults
