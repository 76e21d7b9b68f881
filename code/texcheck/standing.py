"""What a definition rests on: it is tied to code, given by a question, or only a name.

A definition is the one line that no step checks. So the page says of each on what it rests, and a
definition that claims to be a known quantity must be tied to code that computes it: a wrong formula
for the hinge loss satisfies all that follows from it.
"""

from __future__ import annotations

import ast
import re

from .items import Block, Item
from .reach import names_behind
from .registry import load
from .trees import pretty

TIED, GIVEN, NAME = "tied", "given", "name"

# Quantities of the field that have one formula. As names, upright or as a subscript (D_{KL}), and
# in words.
KNOWN_NAMES = re.compile(
    r"\\(?:mathrm|operatorname|text|mathsf)\{(?:softmax|sigmoid|softplus|relu|elu|gelu|swish|CE|BCE|"
    r"NLL|KL|JS|JSD|ELBO|MSE|RMSE|MAE|Var|Cov|H|F|Attention|LayerNorm|BatchNorm|BN|LN)\}|"
    r"_\{(?:CE|BCE|NLL|KL|JS|JSD|ELBO|MSE|RMSE|MAE)\}", re.I)
KNOWN_WORDS = re.compile(
    r"softmax|sigmoid|softplus|(?:leaky )?relu|rectified linear unit|gelu|swish|hinge loss|"
    r"huber loss|smooth l1(?: loss)?|(?:binary |categorical )?cross[- ]entropy(?: loss)?|"
    r"focal loss|triplet loss|contrastive loss|logistic loss|squared error|kl(?: divergence)?|"
    r"kullback[- ]leibler divergence|jensen[- ]shannon divergence|entropy|mutual information|"
    r"evidence lower bound|elbo|(?:multivariate )?(?:normal|gaussian|t|student|beta|gamma) density|"
    r"(?:sample )?(?:co)?variance|correlation(?: coefficient)?|batch normali[sz]ation|"
    r"layer normali[sz]ation|(?:scaled dot[- ]product|multi[- ]head) attention|"
    r"gan value|"
    r"energy of an rbm|rbm energy|diffusion step|gradient penalty|bellman (?:equation|operator)|"
    r"f1 score|perplexity|cosine similarity|gini impurity|information gain", re.I)

# Those of which a title may speak as of what it derives: "F1 score of a classifier". Of what has
# a notation of its own, such as the variance, it states a property.
OF_SOMETHING = re.compile(
    r"f1 score|perplexity|cosine similarity|gini impurity|information gain|mutual information|"
    r"hinge loss|huber loss|focal loss|triplet loss|contrastive loss|logistic loss|"
    r"(?:binary |categorical )?cross[- ]entropy(?: loss)?|entropy|evidence lower bound|elbo|"
    r"jensen[- ]shannon divergence|kullback[- ]leibler divergence|kl divergence", re.I)

ADJECTIVES = re.compile(
    r"^(?:(?:discrete|continuous|scalar|energy|average|negative|multi-class)\s)+")


def set_standings(block: Block) -> None:
    """Say of each definition on what it rests."""
    tied = names_behind(block.program, *(i.left for i in block.items
                                         if i.kind == "code" and i.left is not None))
    for item, key in definitions(block):
        item.standing = GIVEN if item.given else TIED if key in tied else NAME


def definitions(block: Block) -> list[tuple[Item, str]]:
    """The items of the definitions, each with the name that it defines."""
    items = [i for i in block.items if i.kind == "def"]
    return list(zip(items, block.program.defs, strict=False))


def claims_to_be_known(block: Block) -> list[tuple[Item, str]]:
    """Definitions that claim to be a known quantity, and are tied to nothing that computes it:
    each with the words that claim it."""
    called = names_behind(block.program, *(i.left for i in block.items if i.kind == "code"
                                           and i.left is not None and calls(i.python)))
    found = []
    loose = [(i, k) for i, k in definitions(block) if i.standing != GIVEN and k not in called]
    for item, key in loose:
        match = KNOWN_NAMES.search(key) or KNOWN_WORDS.fullmatch(head(item.reason))
        if match:
            found.append((item, match.group()))
    title = KNOWN_WORDS.fullmatch(re.sub(ADJECTIVES, "", head(block.title)))
    values = [(i, k) for i, k in loose if not block.program.defs[k].params]
    if title and not found and values and not any(
            i.standing == GIVEN or k in called for i, k in definitions(block)):
        found.append((values[0][0], title.group()))
    return found


def redefined(block: Block) -> list[tuple[Item, str, str]]:
    """Definitions under the name of a built-in function, without an anchor that calls the function
    of that name: each with its key and the name."""
    words = {w.lower() for f in load().functions.values() for w in f.words}
    commands = {c for f in load().functions.values() for c in f.commands}
    found = []
    for item, key in definitions(block):
        upright = re.fullmatch(r"\\(?:mathrm|operatorname|text|mathsf)\{(\w+)\}", key)
        word = upright.group(1) if upright else key.lstrip("\\")
        if key not in commands and not (upright and word.lower() in words):
            continue
        anchors = [i.python for i in block.items if i.kind == "code" and i.left is not None
                   and key in names_behind(block.program, i.left)]
        if not any(word.lower() in called(python) for python in anchors):
            found.append((item, key, word))
    return found


def called(python: str) -> set[str]:
    """The names of the functions that the Python of an anchor calls, in lower case."""
    calls = [n.func for n in ast.walk(ast.parse(python, mode="eval")) if isinstance(n, ast.Call)]
    names = [c.attr if isinstance(c, ast.Attribute) else c.id for c in calls
             if isinstance(c, (ast.Attribute, ast.Name))]
    return {part for n in names for part in (n.lower(), n.lower().lstrip("_"))}


def calls(python: str) -> bool:
    """Whether the Python of an anchor calls a function, rather than to repeat the formula."""
    return any(isinstance(n, ast.Call) for n in ast.walk(ast.parse(python, mode="eval")))


def head(text: str) -> str:
    """What a title names: its words before the first comma or colon; nothing if they speak of
    something about the quantity, as "gradient of the hinge loss" does; of "F1 score of a
    classifier" the score."""
    words = re.split(r"[,:;(—–]", text.strip())[0].strip().lower()
    words = re.sub(r"^(the|a|an)\s+", "", words)
    known, of, _ = words.partition(" of ")
    if of and OF_SOMETHING.fullmatch(known):
        return known
    return "" if re.search(r"\b(of|for|in|by|and|as|is|to|from|with|under|over|after|before|"
                            r"against|without|at|on|per|than|into|through)\b", words) else words


def other_meaning(key: str, word: str) -> str:
    return (f"{pretty(key)} has a meaning, that of the function {word}: give another function "
            f"another name, or tie this one to it: add code: {pretty(key)}(…) == … {word}(…)")


def message(key: str, words: str) -> str:
    return (f"{pretty(key)} claims to be a known quantity ({words}), but no code: line ties it to "
            f"a function that computes it: add code: {pretty(key)} == …, or, where the text above "
            "states it in these words, write given: in place of def:")
