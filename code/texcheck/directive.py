"""The directive ``{derivation}`` and the role ``{step}`` for Sphinx.

``:::{derivation} Title`` with the option ``:label:`` and the lines of SYNTAX.md. A step that does
not hold is an error of its own type at its own line, such as ``texcheck.value``. Steps have links:
``{step}`der-mlp-loss 1.2` `` refers to step 2 of claim 1. The node carries ``evidence`` (counts)
and ``unchecked`` (texts), so that a book can say what was checked and what was not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.domains import Domain
from sphinx.roles import XRefRole
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from . import given, render
from .evidence import MistakesDirective, wanted_mistakes
from .files import derivations
from .runs import call, obtain
from .store import RENDERERS

if TYPE_CHECKING:
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.builders import Builder
    from sphinx.config import Config
    from sphinx.environment import BuildEnvironment

logger = logging.getLogger(__name__)
STATIC = Path(__file__).parent / "static"


class DerivationDirective(SphinxDirective):
    """Read, check and lay out one derivation."""

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Any]] = {"label": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        title, label = self.arguments[0], self.options.get("label", "")
        result = self.checked(title, label)
        if result is None:
            return []
        node = render.derivation()
        self.set_source_info(node)
        identity = label or f"derivation-{self.env.new_serialno('derivation')}"
        node["names"].append(identity)
        self.state.document.note_explicit_target(node, node)
        self.add_steps(identity, result)
        steps = [item for item in result["items"] if item["kind"] == "step"]
        unchecked = [item["tex"] for item in result["items"] if item["kind"] == "unchecked"]
        node["title"] = title
        node["evidence"] = {"checked steps": len(steps), "unchecked steps": len(unchecked)}
        node["unchecked"] = unchecked
        node += render.layout(identity, title, result, self.inline)
        return [node]

    def inline(self, text: str, line: int) -> list[nodes.Node]:
        found, messages = self.parse_inline(text, lineno=line)
        return found + messages

    def add_steps(self, identity: str, result: dict[str, Any]) -> None:
        steps = self.env.get_domain("texcheck").data["steps"]
        for item in result["items"]:
            if item["kind"] == "step":
                number = ".".join(map(str, item["number"]))
                steps[f"{identity} {number}"] = (self.env.docname, render.step_id(identity, item))

    def checked(self, title: str, label: str) -> dict[str, Any] | None:
        """What is to be laid out, with lines of the page; what does not hold is reported."""
        first = self.lineno + self.content_offset + 1
        found = obtain(self.env, call("derivation", self.config, first, title=title, label=label,
                                      text="\n".join(self.content)))
        if found is None:
            return None
        for error in found["errors"]:
            kind, subtype = error["kind"].split(".")
            logger.error("%s", error["said"], location=(self.env.docname, error["line"] + first),
                         type=kind, subtype=subtype)
        self.compare_given(found, first)
        items = [{**item, "line": item["line"] + first} for item in found["items"]]
        return {**found, "items": items}

    def compare_given(self, found: dict[str, Any], first: int) -> None:
        """Report what the page gives otherwise, or not at all."""
        items = [item for item in found["items"] if item["standing"] == "given"]
        if not items:
            return
        source = self.state_machine.get_source(self.lineno)
        lines = Path(source).read_text(encoding="utf-8").split("\n")
        missing = given.unstated([item["tex"] for item in items], lines, self.lineno)
        for item in items:
            if item["tex"] in missing:
                logger.error("%s", given.message(item["tex"]),
                             location=(self.env.docname, item["line"] + first),
                             type="texcheck", subtype="lint")


def wanted(config: Config, path: Path, text: str) -> Iterator[dict[str, Any]]:
    """What the directives of a Markdown file will ask for, in its order of kinds."""
    for found in derivations(path):
        yield call("derivation", config, found.line, title=found.title, label=found.label,
                   text=found.text)
    yield from wanted_mistakes(config, path, text)


class TexcheckDomain(Domain):
    """Knows the steps of all derivations."""

    name = "texcheck"
    label = "Derivations"
    initial_data: ClassVar[dict[str, Any]] = {"steps": {}}

    def clear_doc(self, docname: str) -> None:
        steps = self.data["steps"]
        for name in [name for name, (where, _) in steps.items() if where == docname]:
            del steps[name]

    def merge_domaindata(self, docnames: Iterable[str], otherdata: dict[str, Any]) -> None:
        for name, (docname, anchor) in otherdata["steps"].items():
            if docname in docnames:
                self.data["steps"][name] = (docname, anchor)

    def resolve_xref(self, env: BuildEnvironment, fromdocname: str, builder: Builder, typ: str,
                     target: str, node: pending_xref,
                     contnode: nodes.Element) -> nodes.Element | None:
        found = self.data["steps"].get(re.sub(r"\s+", " ", target))
        if found is None:
            return None
        docname, anchor = found
        if not node["refexplicit"]:
            contnode = nodes.inline("", f"step {target.split()[-1]}")
        return make_refnode(builder, fromdocname, docname, anchor, contnode)

    def resolve_any_xref(self, env: BuildEnvironment, fromdocname: str, builder: Builder,
                         target: str, node: pending_xref,
                         contnode: nodes.Element) -> list[tuple[str, nodes.Element]]:
        return []


class StepRole(XRefRole):
    """``{step}`LABEL NUMBER` ``."""

    def __init__(self) -> None:
        super().__init__(warn_dangling=True)

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        self.name = "texcheck:step"
        return super().run()


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive, the role, the domain and the nodes."""
    app.add_config_value("texcheck_store", "", "", str)
    app.add_config_value("texcheck_path", ["code"], "", list)
    app.add_config_value("texcheck_obtain", "", "", str)
    app.add_domain(TexcheckDomain)
    app.add_directive("derivation", DerivationDirective)
    app.add_directive("mistakes", MistakesDirective)
    app.add_role("step", StepRole())
    render.setup(app)
    app.connect("config-inited", prepare)
    app.add_css_file("texcheck.css")
    # Sphinx reads all pages again after an edit of this package, for whatever its environment
    # keeps of it is old; what was checked is found in the store as long as the checker is the same.
    return {"version": "1", "renderers": RENDERERS, "parallel_read_safe": True,
            "parallel_write_safe": True}


def prepare(app: Sphinx, config: Config) -> None:
    config.texcheck_path = [str(Path(app.confdir, folder)) for folder in config.texcheck_path]
    config.html_static_path.append(str(STATIC))
    config.numfig_format.setdefault("derivation", "Derivation %s")
