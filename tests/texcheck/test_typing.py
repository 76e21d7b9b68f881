r"""How authors type: every function of the table with powers and subscripts, before and behind its
argument. What is typed is read as it is meant, or its error says a line that is read so."""

import re

import pytest
import texcheck
from texcheck.registry import Function, load

DECLARED = (r"let: c \in (2,3); x \in \mathbb{R}^n; A \in \mathbb{S}^n_{++}")
ARGUMENTS = {"tr": "A", "det": "A", "rank": "A", "diag": "A", "vec": "x", "softmax": "x",
             "logsumexp": "x"}
FUNCTIONS = [f for f in load().of(Function) if f.arguments == (1, 1) and not f.brackets]
SPELLED = [(f, name) for f in FUNCTIONS
           for name in (*f.commands, *f.letters, *(rf"\mathrm{{{w}}}" for w in f.words))]
POWERS = ["2", "3", "{-1}", "{-2}"]
NUMBERS = {f.name for f in FUNCTIONS if f.entrywise or f.scalar}


def errors(left, right):
    found = texcheck.check(texcheck.read_block(f"{DECLARED}\nclaim: {left}\n= {right}")).errors
    return [str(e) for e in found if e.kind != "texcheck.lint"]


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("function, name", SPELLED, ids=lambda x: getattr(x, "name", x))
def test_a_power_on_a_function_is_that_of_its_value_or_led_to_it(function, name, power):
    if function.name not in NUMBERS:
        return
    argument = ARGUMENTS.get(function.name, "c")
    value = rf"\left( {name}({argument}) \right)"
    inner = rf"{name}\left( {argument}^{power} \right)"
    for typed in (f"{name}({argument})^{power}", rf"{name}^{power}({argument})"):
        found = errors(typed, f"{value}^{power} + 0")
        if found:
            assert any("[texcheck.parse]" in e for e in found), found
            told = re.search(r"write (\(.*?\)\^(?:\{.*?\}|\w))(?: or | *\n|$)", found[0]).group(1)
            typed = re.sub(r"(?<![a-z\\])x(?![a-z])", argument, told).replace("^2", f"^{power}")
            assert errors(typed, f"{value}^{power} + 0") == [], told
        assert errors(typed, f"{value}^{power} + 1") != []
        if not function.multiplicative and function.name not in (
                "sign", "rank", "relu"):
            assert errors(typed, inner) != []  # nor is it read as the other one


@pytest.mark.parametrize("function, name", SPELLED, ids=lambda x: getattr(x, "name", x))
def test_a_subscript_on_a_function_is_a_base_or_led_to_an_entry(function, name):
    argument = "x" if function.name in ("softmax", "vec") else ARGUMENTS.get(function.name, "c")
    found = errors(f"{name}_2({argument})", f"{name}({argument}) + 0")
    if function.based and name != r"\ln" and "ln" not in name:
        assert any("[texcheck.value]" in e for e in found)
        return
    assert any(f"{name}(x)_i" in e or "is not declared" in e for e in found), found


@pytest.mark.parametrize("left, right, wrong", [
    (r"\log_2 c", r"\frac{\ln c}{\ln 2}", r"\ln c"),
    (r"\log_{10}(100 c)", r"2 + \log_{10} c", r"10 + \log_{10} c"),
    (r"\log_2 \frac{c}{4}", r"\log_2 c - 2", r"\log_2 c - 4"),
    (r"\frac{d \log_2 c}{dc}", r"\frac{1}{c \ln 2}", r"\frac{1}{c}"),
    (r"\log_c 8", r"\frac{\log_2 8}{\log_2 c}", r"\frac{\log_2 c}{\log_2 8}"),
    (r"\sum_i \log_2(1 + x_i^2)", r"\frac{1}{\log 2} \sum_i \log(1 + x_i^2)",
     r"2 \sum_i \log(1 + x_i^2)"),
])
def test_a_logarithm_with_a_base(left, right, wrong):
    assert errors(left, right) == []
    assert any("[texcheck.value]" in e for e in errors(left, wrong))


@pytest.mark.parametrize("typed", [r"\log_2^2(c)", r"\log_2(c)^2", r"\ln_2 c", r"\log_2 c e^c"])
def test_what_stays_unclear_of_a_base(typed):
    assert any("[texcheck.parse]" in e for e in errors(typed, "c"))
