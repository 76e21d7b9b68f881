"""Slips: every single-token change of a formula."""

from __future__ import annotations

from collections.abc import Iterator

from .lexer import GREEK, Token, tokenize
from .registry import load


def changes(text: str) -> Iterator[tuple[str, str]]:
    """All single-token changes of a formula: what was done, and the new text."""
    tokens = tokenize(text)
    for place, token in enumerate(tokens):
        yield from token_changes(text, tokens, place, token)
    first = tokens[0] if tokens else None
    if first is not None and first.text not in ("-", "+", "0"):
        yield "negate the first term", text[:first.start] + "-" + text[first.start:]
    yield from swaps(text, tokens)


def token_changes(text: str, tokens: list[Token], place: int,
                  token: Token) -> Iterator[tuple[str, str]]:
    def put(new: str, end: int | None = None) -> str:
        return text[:token.start] + new + text[token.end if end is None else end:]

    siblings = load().siblings
    after = tokens[place + 1] if place + 1 < len(tokens) else None
    before = tokens[place - 1] if place else None
    if token.text in "+-":
        if before is not None and before.text not in ("{", "(", "[", "=", "&", r"\\"):
            yield f"{token.text} to {siblings[token.text]}", put(siblings[token.text])
        elif token.text == "-":
            yield "drop a sign", put("")
    elif token.kind == "num":
        number = int(token.text) if "." not in token.text else None
        yield f"{token.text} to {bumped(token.text)}", put(braced(bumped(token.text), before))
        if number is not None and number > 0:
            yield f"{token.text} to {number - 1}", put(str(number - 1))
    elif token.kind != "letter" and token.text in siblings and not (
            token.text in "<>" and before is None):
        yield f"{token.text} to {siblings[token.text]}", put(siblings[token.text] + " ")
    elif token.text in ("^", "_") and after is not None:
        if before is not None and before.text == r"\nabla":
            return  # the gradient of f(x) is by x with and without the name
        end = script_end(tokens, place)
        inner = text[after.start:tokens[end - 1].end]
        norm = token.text == "_" and before is not None and before.text == r"\|"
        if norm and inner.strip("{}") == "2":
            return  # the norm is this one with and without its name
        yield f"drop {token.text}{inner}", put("", tokens[end - 1].end)
        if token.text == "_":
            yield from shifted(text, tokens, place, end)
    elif token.text != "I" and (token.kind == "letter" or is_greek(token)) and (
            after is None or after.text not in ("_", "^", "(")) and stands_alone(tokens, place):
        beside = {t.text for t in (before, after) if t is not None}
        if r"\|" not in beside:  # a transpose has the same norm
            yield f"transpose {token.text}", put(token.text + r"^\top ")
        yield f"square {token.text}", put(token.text + "^2 ")
    if token.kind == "letter" or is_greek(token):
        yield from dropped(text, tokens, place)
    if token.text in ("\\operatorname", "\\mathrm") and after is not None and after.text == "{":
        yield from word_changes(text, tokens, place)


def word_changes(text: str, tokens: list[Token], place: int) -> Iterator[tuple[str, str]]:
    """Another word for one that is set upright, such as the name of a function."""
    end = matching(tokens, place + 1)
    word = "".join(t.text for t in tokens[place + 2:end])
    other = load().siblings.get(word)
    if other is not None:
        yield f"{word} to {other}", (text[:tokens[place + 2].start] + other
                                     + text[tokens[end].start:])


def is_greek(token: Token) -> bool:
    return token.text in GREEK


def stands_alone(tokens: list[Token], place: int) -> bool:
    """Whether a letter is a factor: not inside a word, an index or a binder."""
    depth = 0
    for index in range(place - 1, -1, -1):
        text = tokens[index].text
        depth += {"}": 1, "{": -1}.get(text, 0)
        if depth < 0:
            before = tokens[index - 1].text if index else ""
            if before in ("_", r"\mathrm", r"\operatorname", r"\text", r"\begin", r"\end"):
                return False
            depth = 0
        elif depth == 0 and index == place - 1 and text in ("_", "^", r"\partial", "d"):
            return False
    return True


def braced(number: str, before: Token | None) -> str:
    return f"{{{number}}}" if before is not None and before.text in "_^" and len(number) > 1 \
        else number


def bumped(number: str) -> str:
    return str(int(number) + 1) if "." not in number else str(round(float(number) + 0.1, 6))


def script_end(tokens: list[Token], place: int) -> int:
    """Index after the script whose mark stands at `place`."""
    return matching(tokens, place + 1) + 1 if tokens[place + 1].text == "{" else place + 2


def matching(tokens: list[Token], place: int) -> int:
    depth = 0
    for index in range(place, len(tokens)):
        depth += {"{": 1, "}": -1}.get(tokens[index].text, 0)
        if depth == 0:
            return index
    return len(tokens) - 1


def shifted(text: str, tokens: list[Token], place: int, end: int) -> Iterator[tuple[str, str]]:
    """Shift or swap indices of a subscript that is not a binder."""
    marks = (r"\delta", r"\sum", r"\prod", r"\max", r"\min", "|", r"\|", "E")
    if place and tokens[place - 1].text in marks:
        return
    inner = tokens[place + 1:end]
    if inner[0].text == "{":
        inner = inner[1:-1]
    if not inner or any(t.text in ("=", r"\in", r"\sim", ":", r"\mid", ">", "<") for t in inner):
        return
    start, stop = inner[0].start, inner[-1].end
    body = text[start:stop]
    head, tail = text[:tokens[place + 1].start], text[tokens[end - 1].end:]
    letters = all(t.kind == "letter" for t in inner)
    if len(inner) == 1 or not letters:
        yield f"index {body} to {body}+1", f"{head}{{{body}+1}}{tail}"
        yield f"index {body} to {body}-1", f"{head}{{{body}-1}}{tail}"
    if letters and len(inner) == 2:
        yield f"indices {body} swapped", f"{head}{{{inner[1].text}{inner[0].text}}}{tail}"


def dropped(text: str, tokens: list[Token], place: int) -> Iterator[tuple[str, str]]:
    """Drop a factor with its scripts, where something is left beside it."""
    if not stands_alone(tokens, place):
        return
    end = place + 1
    while end < len(tokens) and tokens[end].text in ("_", "^") and end + 1 < len(tokens):
        end = script_end(tokens, end)
    if end < len(tokens) and tokens[end].text == "(":
        return
    beside = [tokens[place - 1] if place else None, tokens[end] if end < len(tokens) else None]
    if not any(t is not None and (t.kind in ("letter", "num") or is_greek(t)
                                  or t.text in (")", "(", "}", r"\frac")) for t in beside):
        return
    shown = text[tokens[place].start:tokens[end - 1].end]
    yield f"drop the factor {shown}", text[:tokens[place].start] + text[tokens[end - 1].end:]


def swaps(text: str, tokens: list[Token]) -> Iterator[tuple[str, str]]:
    """Swap two neighbouring one-letter factors: matters where the product does not commute."""
    for place in range(len(tokens) - 1):
        a, b = tokens[place], tokens[place + 1]
        after = tokens[place + 2].text if place + 2 < len(tokens) else ""
        if (a.kind == "letter" and b.kind == "letter" and a.text.isupper() and b.text.isupper()
                and after not in ("_", "^", "(") and stands_alone(tokens, place)
                and stands_alone(tokens, place + 1)):
            yield f"swap {a.text} and {b.text}", (text[:a.start] + b.text + text[a.end:b.start]
                                                 + a.text + text[b.end:])
