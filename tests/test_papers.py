"""The pages of the five papers, and the figures that restore what their sources lost."""

import csv
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from fullmarks.plots import papers
from matplotlib.text import Annotation, Text

PAGES = Path(__file__).parent.parent / "book" / "papers"
FIGURES = ["learning_rates", "two_two_two", "linear_networks", "recurrent_uvw", "recurrent_chain",
           "cheat_sheet"]


def page(letter):
    return (PAGES / f"{letter.lower()}.md").read_text(encoding="utf-8")


def register():
    with open(PAGES / "questions.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def sections(text):
    """The text of each section up to the next heading, code cells left out."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    return re.split(r"^#+ ", text, flags=re.M)[1:]


def labels(figure):
    """How often each text is drawn, without mathematics' dollar signs; arrows draw none."""
    texts = [text.get_text().replace("$", "") for text in figure.axes[0].texts
             if not isinstance(text, Annotation)]
    return Counter(texts)


def arrows(figure):
    """Where the arrows of a drawn network start and end."""
    return [(item.xyann, item.xy) for item in figure.axes[0].texts if isinstance(item, Annotation)]


# ---- D1.4: the loss curves


@pytest.mark.parametrize("rate", papers.LEARNING_RATES.values())
def test_sgd_loss_follows_the_second_moment_update_by_update(rate):
    curvature, noise, updates = 6.0, 220.0, 20
    moment, losses = 2 / curvature, []
    for _ in range(updates + 1):
        losses.append(curvature / 2 * moment)
        moment = (1 - rate * curvature) ** 2 * moment + rate**2 * noise
    got = papers.sgd_loss(rate, np.arange(updates + 1), updates=1)
    np.testing.assert_allclose(got, losses, rtol=1e-6)


def test_sgd_loss_is_the_mean_over_all_signs_of_the_noise():
    """Noise of +s or -s, equally likely, has variance s**2: enumerate three updates."""
    rate, curvature, spread = 0.25, 2.0, 3.0
    losses = []
    for signs in np.ndindex(2, 2, 2):
        w = np.sqrt(2 / curvature)
        for sign in signs:
            w -= rate * (curvature * w + spread * (2 * sign - 1))
        losses.append(curvature / 2 * w**2)
    got = papers.sgd_loss(rate, np.array([3]), updates=1, curvature=curvature, noise=spread**2)
    np.testing.assert_allclose(got, [np.mean(losses)], rtol=1e-6)


@pytest.mark.parametrize("rate", [0.0, -0.1, 0.5, np.nan])
def test_sgd_loss_refuses_a_rate_without_fixed_point(rate):
    with pytest.raises(ValueError, match=r"with curvature 4\.0: the rate must be positive"):
        papers.sgd_loss(rate, np.array([0, 1]), curvature=4.0)


def test_the_curves_have_the_characters_that_the_alternative_text_states():
    loss = {letter: lambda epochs, rate=rate: papers.sgd_loss(rate, epochs)
            for letter, rate in papers.LEARNING_RATES.items()}
    assert all(loss[letter](0) == 1 for letter in "ABCD")
    assert loss["A"](0.1) > 1.5
    assert round(float(loss["B"](40)), 2) == 0.62
    after = loss["C"](np.linspace(2, 40, 100))
    np.testing.assert_allclose(after, 0.45, rtol=0.01)
    assert round(float(loss["D"](10)), 2) == 0.18
    assert loss["D"](4) > loss["C"](4) and loss["D"](5) < loss["C"](5)
    assert loss["D"](40) == min(loss[letter](40) for letter in "BCD") < 0.02


def test_the_page_lists_the_rates_that_are_drawn_and_does_not_say_which_is_which():
    text = page("D")
    found = re.findall(r"(\d) \\times 10\^\{(-\d)\}", text)
    printed = [float(f"{digit}e{exponent}") for digit, exponent in found]
    np.testing.assert_allclose(sorted(printed), sorted(papers.LEARNING_RATES.values()), rtol=1e-6)
    assert list(papers.LEARNING_RATES.values()) != pytest.approx(printed)
    drawn = papers.learning_rates()
    assert labels(drawn) == Counter("ABCD")
    assert [line.get_label() for line in drawn.axes[0].lines] == list("ABCD")


# ---- D3: the network drawn is the network that the paper computes


def table_of_d3():
    table = re.search(r":::\{list-table\}.*?^:::$", page("D"), flags=re.M | re.S)[0]
    return {name: float(value) for name, value in re.findall(r"(\w_\{?\d+\}?) = (-?[\d.]+)", table)}


def test_the_wiring_of_d3_gives_the_results_that_the_paper_prints():
    value = table_of_d3()
    assert len(value) == 16
    units = {name: value[name] for name in ("i_1", "i_2")}
    for inputs, outputs in (("i", "h_1 h_2"), ("h", "o_1 o_2")):
        for out in outputs.split():
            units[out] = value[papers.BIASES[out]] + sum(
                value[weight] * units[start]
                for weight, (start, end) in papers.TWO_TWO_TWO.items()
                if end == out and start[0] == inputs)
        if inputs == "i":
            units["h_3"], units["h_4"] = max(0, units["h_1"]), max(0, units["h_2"])
    assert [units[u] for u in ("h_1", "h_2", "o_1", "o_2")] == [2.0, -0.5, 0.0, -1.5]


def test_the_drawing_of_d3_names_every_weight_unit_and_bias_once():
    figure = papers.two_two_two()
    found = labels(figure)
    names = [*papers.TWO_TWO_TWO, *(f"+\\,{bias}" for bias in papers.BIASES.values()),
             *(f"{layer}_{k}" for layer in "io" for k in "12"), *(f"h_{k}" for k in "1234")]
    assert all(found[name] == 1 for name in names)
    assert found["ReLU"] == 2
    assert len(arrows(figure)) == len(papers.TWO_TWO_TWO) + 2
    assert all(start[0] < end[0] for start, end in arrows(figure)), "every arrow leads to the right"


def test_the_weights_of_d3_lie_on_their_own_arrows():
    figure = papers.two_two_two()
    places = {text.get_text().strip("$"): np.array(text.get_position())
              for text in figure.axes[0].texts if not isinstance(text, Annotation)}
    for weight, (start, end) in papers.TWO_TWO_TWO.items():
        along, offset = places[end] - places[start], places[weight] - places[start]
        assert abs(along[0] * offset[1] - along[1] * offset[0]) < 1e-9, weight
        assert 0 < offset @ along < along @ along / 2 + 1e-9, weight


# ---- the other networks


def test_the_linear_networks_of_e1c_have_their_widths_drawn():
    found = labels(papers.linear_networks())
    assert found["100"] == 4 and found["10"] == 1
    assert len(arrows(papers.linear_networks())) == 3
    assert "100 units connected to 100 units for network A" in " ".join(page("E").split())


def test_the_recurrent_network_of_e3a_has_u_into_w_across_and_v_out_of_the_hidden_units():
    figure = papers.recurrent_uvw()
    found = labels(figure)
    assert found["u"] == found["v"] == found["w"] == 3
    assert {"input", "linear", "logistic", "x^{(T)}", "h^{(T)}", "y^{(T)}"} <= set(found)
    height = {text.get_text().strip("$"): text.get_position()[1] for text in figure.axes[0].texts
              if not isinstance(text, Annotation)}
    assert height["x^{(1)}"] < height["u"] < height["h^{(1)}"] < height["v"] < height["y^{(1)}"]
    assert height["w"] == height["h^{(1)}"]


def test_the_chain_of_e3c_has_one_input_one_prediction_and_one_weight():
    figure = papers.recurrent_chain()
    found = labels(figure)
    assert found["x"] == found["y"] == 1 and found["w"] == 4
    assert {name for name in found if name.startswith("h")} == {
        "h^{(1)}", "h^{(2)}", "h^{(3)}", "h^{(T)}"}


def test_the_dashed_curves_of_the_cheat_sheet_are_the_derivatives_of_the_solid_ones():
    for axes in papers.cheat_sheet().axes:
        (z, value), (_, slope) = (line.get_data() for line in axes.lines[:2])
        central = (value[2:] - value[:-2]) / (z[2:] - z[:-2])
        smooth = np.isfinite(slope[1:-1])
        # The step of 1/40 leaves an error of step**2/6 times the third derivative, at most 2.
        assert np.abs(central - slope[1:-1])[smooth].max() <= 2 / 6 / 40**2
        assert smooth.sum() >= smooth.size - 1


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_has_the_same_bytes_whenever_it_is_drawn(name):
    draw = getattr(papers, name)
    assert draw()._repr_svg_() == draw()._repr_svg_()


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_of_a_figure_is_smaller_than_ten_points_or_wider_than_a_phone(name):
    figure = getattr(papers, name)()
    assert figure.get_figwidth() <= 4.8
    texts = [text for text in figure.findobj(Text) if text.get_text().strip()]
    assert min(text.get_fontsize() for text in texts) >= 10


def test_every_figure_is_shown_on_a_page():
    shown = re.findall(r"^papers\.(\w+)\(\)$", "".join(page(p) for p in "ABCDE"), flags=re.M)
    assert sorted(shown) == sorted(FIGURES)


# ---- the pages


@pytest.mark.parametrize("letter", "ABCDE")
def test_a_page_states_the_parts_of_the_register_in_order(letter):
    stated = re.findall(r":::\{question\} (\S+)\n(?::points: (.+)\n)?:kind: (\w+)\n", page(letter))
    listed = [(p["id"], p["points"], p["kind"]) for p in register() if p["paper"] == letter]
    assert stated == listed


def test_every_question_and_every_stem_of_paper_b_is_in_french_too():
    parts = [text for text in sections(page("B"))[1:] if ":::" in text]
    assert len(parts) >= 23
    for text in parts:
        assert text.count(":::{translation} fr") == 1, text.splitlines()[0]


def test_the_formulas_of_paper_b_are_the_same_in_both_languages():
    for text in sections(page("B"))[1:]:
        if ":::{translation} fr" not in text:
            continue
        english, rest = text.split(":::{translation} fr\n")
        french = rest.split("\n:::\n")[0]
        shown = [[formula.strip(" \n.,") for formula in re.findall(r"\$\$(.*?)\$\$", part, re.S)]
                 for part in (english, french)]
        assert shown[0] == shown[1], text.splitlines()[0]


def test_paper_d_can_be_sat_without_meeting_its_solutions():
    text = page("D")
    assert "olution :" not in text
    for value in ("0.65", "-1.5", "= 2.5", "Curve A:", "D_a \\times m", "K \\times D_a"):
        assert value not in re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


def test_the_index_counts_the_parts_that_the_register_lists():
    rows = re.findall(r"\* - \{doc\}`(\w) <\w>`\n  - .*\n  - (\d+)\n  - (.+)\n  - ", page("index"))
    counted = Counter(part["paper"] for part in register())
    assert {paper: int(count) for paper, count, _ in rows} == counted
    for paper, _, points in rows:
        total = re.search(r"^:?points: (\d+)$", page(paper).split("## ")[0], flags=re.M)
        assert points.startswith(total[1] if total else "none")
