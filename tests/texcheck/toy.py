r"""A notation in one file and in no other: ``a \boxplus b``, the logarithm of e^a + e^b."""

import torch
from texcheck import values
from texcheck.registry import Infix, Notation
from texcheck.trees import joined

SECTION = "Toys"


def read(parser, factors, start):
    left = parser.joined(factors, start)
    return [parser.node("boxplus", (left, parser.factor()), start)]


def value(evaluator, node, env, a, b):
    left, right = evaluator.value(a, env), evaluator.value(b, env)
    if not (values.is_scalar(left) and values.is_scalar(right)):
        raise values.type_error(r"\boxplus between numbers only")
    return torch.logaddexp(values.tensor(left), values.tensor(right))


ENTRY = Notation(
    "boxplus", joined(" boxplus "), value, infix={r"\boxplus": Infix("product", read)},
    siblings={r"\boxplus": "+"}, examples=(r"a \boxplus b",),
    refused=((r"A \boxplus a", r"\mathrm{tr}(A) \boxplus a"),))
