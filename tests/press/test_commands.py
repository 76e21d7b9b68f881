"""Every command of KaTeX on paper: Typst sets it, or it is refused with a reason.

What is seen of them is compared in ``tests/site/test_forms.py``, which needs a browser.
"""

import formulas
import pytest
import typst
from press import formula
from press.compare import read
from press.formula import FormulaError
from typeset.compact import UnknownStyle, compact
from typeset.katex import KatexError, render


@pytest.fixture(scope="module")
def tried():
    """Each command in a formula: its MathML and its Typst source, or why it is refused."""
    found, refused = {}, {}
    for name, tex in formulas.commands().items():
        try:
            compact(render(tex, display=True))
            node = formulas.mathml(tex)
            found[name] = (tex, node, formula.typst(node))
        except (KatexError, UnknownStyle, FormulaError) as error:
            refused[name] = str(error)
    return found, refused


def test_each_command_is_shown_or_refused_with_a_reason(tried):
    found, refused = tried
    assert len(found) > 800 and len(refused) > 50 and all(refused.values())
    for name in (r"\underline", r"\overset", r"\underset", r"\stackrel", r"\rule", r"\boxed",
                 r"\sum", r"\bigl", r"\xrightarrow", r"\phantom", r"\operatorname"):
        assert name in found, refused.get(name)
    for name in (r"\cancel", r"\tag", r"\textcolor", r"\href", r"\smash", r"\raisebox", r"\pmb"):
        assert name in refused


def test_typst_sets_all_of_them_for_an_accessible_file(tried, tmp_path):
    path = tmp_path / "formulas.typ"
    path.write_text('#set text(font: "New Computer Modern")\n'
                    + formulas.typst_source([text for _, _, text in tried[0].values()]))
    made = typst.compile(path, ignore_system_fonts=True, pdf_standards=["ua-1"])
    assert made.startswith(b"%PDF")


@pytest.mark.parametrize("markup", [
    "<mi data-x='1'>x</mi>", "<mo rspace='3em'>+</mo>", "<mstyle mathsize='2em'/>",

    "<mtable frame='solid'><mtr><mtd/></mtr></mtable>", "<mi>\ue020</mi>",
    "<mspace width='1em' mathbackground='red'/>",
    "<mfrac bevelled='true'><mi>a</mi><mi>b</mi></mfrac>",
    "<mpadded depth='1em'><mi>x</mi></mpadded>", "<munder><mi>x</mi></munder>", "<mglyph/>",
    "<menclose notation='circle'><mi>x</mi></menclose>", "<mi mathvariant='looped'>x</mi>",
])
def test_what_the_table_does_not_know_is_an_error(markup):
    node = read(f'<math xmlns="x">{markup}</math>').find("math")
    for one in node.iter():
        one.tag = formula.MATHML + one.tag
    node.attrib.clear()
    formula.repair(node)
    with pytest.raises(FormulaError, match="cannot be printed"):
        formula.typst(node)
