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
from .trees import pretty

TIED, GIVEN, NAME = "tied", "given", "name"

# Quantities of the field that have one formula. As names and in words.
KNOWN_NAMES = re.compile(
    r"\\mathrm\{(?:softmax|sigmoid|softplus|relu|elu|gelu|swish|CE|BCE|NLL|KL|JS|ELBO|MSE|MAE|Var|"
    r"Cov|Attention|attention|LayerNorm|BatchNorm|BN|LN)\}", re.I)
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


def calls(python: str) -> bool:
    """Whether the Python of an anchor calls a function, rather than to repeat the formula."""
    return any(isinstance(n, ast.Call) for n in ast.walk(ast.parse(python, mode="eval")))


def head(text: str) -> str:
    """What a title names: its words before the first comma or colon; nothing if they speak of
    something about the quantity, as "gradient of the hinge loss" does."""
    words = re.split(r"[,:;(—–]", text.strip())[0].strip().lower()
    words = re.sub(r"^(the|a|an)\s+", "", words)
    return "" if re.search(r"\b(of|for|in|by|and|as|is|to|from|with|under|over|after|before|"
                            r"against|without|at|on|per|than|into|through)\b", words) else words


def message(key: str, words: str) -> str:
    return (f"{pretty(key)} claims to be a known quantity ({words}), but no code: line ties it to "
            f"a function that computes it: add code: {pretty(key)} == …")
