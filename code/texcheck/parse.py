"""One line of TeX to a tree, by recursive descent. Declarations decide; nothing is guessed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .errors import Refused
from .tex import ACCENTS, FONTS, GREEK, Token, nearest, tokenize
from .trees import Node, walk

ELEMENTWISE = {"log", "exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan", "sigmoid",
               "softplus", "relu", "sign", "erf"}
WHOLE = {"softmax", "logsumexp", "tr", "diag", "det", "max", "min", "vec", "rank"}
COMMAND_FUNCTIONS = {r"\log": "log", r"\ln": "log", r"\exp": "exp", r"\sin": "sin",
                     r"\cos": "cos", r"\tan": "tan", r"\sinh": "sinh", r"\cosh": "cosh",
                     r"\tanh": "tanh", r"\arctan": "arctan", r"\det": "det", r"\max": "max",
                     r"\min": "min"}
WORD_FUNCTIONS = {"log": "log", "ln": "log", "exp": "exp", "tanh": "tanh", "sin": "sin",
                  "cos": "cos", "sigmoid": "sigmoid", "softplus": "softplus", "relu": "relu",
                  "ReLU": "relu", "sign": "sign", "sgn": "sign", "erf": "erf",
                  "softmax": "softmax", "logsumexp": "logsumexp", "LSE": "logsumexp", "tr": "tr",
                  "Tr": "tr", "trace": "tr", "diag": "diag", "Diag": "diag", "det": "det",
                  "max": "max", "min": "min", "vec": "vec"}
WORD_OPERATORS = {"KL", "Var", "Cov"}
RELATIONS = {"=", "<", ">", r"\le", r"\ge", r"\ne", r"\approx"}
DEEPEST = 40


@dataclass
class Info:
    """What a declaration says of a name.

    `kind` is let, dim, rv, outcome, fun, pmf, def, function or bound. A family (sequence) has
    `sup` indices above (between the brackets `style`) and `sub` indices below.
    """

    kind: str
    key: str
    params: tuple[str, ...] = ()
    sup: int = 0
    sub: int = 0
    style: str = ""
    discrete: bool = False
    line: int = 0
    forward: bool = False

    @property
    def arity(self) -> int:
        return self.sup + self.sub

    @property
    def callable(self) -> bool:
        return self.kind in ("fun", "function")


Scope = dict[str, Info]


@dataclass
class Script:
    """An unread subscript or superscript: token places of its content, and where it ends."""

    mark: str
    first: int
    last: int
    after: int
    text: str


@dataclass
class Parser:
    """Reads the tokens of one piece of TeX. `bound` holds names bound by sums around it."""

    text: str
    scope: Scope
    tokens: list[Token] = field(default_factory=list)
    at: int = 0
    end: int = 0
    bound: list[str] = field(default_factory=list)
    bars: int = 0
    depth: int = 0
    declaring: bool = False
    top_at: int = -1

    def __post_init__(self):
        self.tokens = tokenize(self.text)
        self.end = len(self.tokens)

    # ---- tokens -------------------------------------------------------------------------

    def peek(self, ahead: int = 0) -> str:
        place = self.at + ahead
        return self.tokens[place].text if place < self.end else ""

    def token(self) -> Token | None:
        return self.tokens[self.at] if self.at < self.end else None

    def place(self) -> int:
        if self.at < len(self.tokens):
            return self.tokens[self.at].start
        return len(self.text)

    def refuse(self, message: str, place: int | None = None, kind: str = "parse") -> Refused:
        return Refused(kind, message, self.place() if place is None else place, self.text)

    def take(self, expected: str | None = None) -> Token:
        token = self.token()
        if token is None:
            raise self.refuse(f"the line ends where {expected or 'something'} is expected")
        if expected is not None and token.text != expected:
            raise self.refuse(f"{expected} is expected here, not {token.text}")
        self.at += 1
        return token

    def accept(self, *texts: str) -> str:
        if self.peek() in texts and self.at < self.end:
            self.at += 1
            return self.tokens[self.at - 1].text
        return ""

    def node(self, kind: str, args: tuple, start: int) -> Node:
        end = self.tokens[self.at - 1].end if self.at else start
        return Node(kind, args, start, end)

    def closing(self, place: int) -> int:
        """Place of the brace that closes the one at token `place`."""
        depth = 0
        for index in range(place, len(self.tokens)):
            depth += {"{": 1, "}": -1}.get(self.tokens[index].text, 0)
            if depth == 0:
                return index
        raise self.refuse("this { is never closed", self.tokens[place].start)

    def inside(self, first: int, last: int, reader):
        """Run `reader` on the tokens `first` to `last`, all of which it must read."""
        saved = self.at, self.end, self.bars
        self.at, self.end, self.bars = first, last, 0
        result = reader()
        if self.at < self.end:
            raise self.unexpected()
        self.at, self.end, self.bars = saved
        return result

    def unexpected(self) -> Refused:
        text = self.peek()
        hints = {
            "|": r"unexpected |: write \mid in a conditional probability",
            "&": "unexpected &: one relation on a line, without alignment marks",
            r"\\": r"unexpected \\: one relation on a line",
            "!": r"factorials are not read: write \prod",
            r"\otimes": r"\otimes is not read: write u v^\top for the outer product",
            r"\circ": r"write \odot for the elementwise product, f(g(x)) for a composition",
            "'": "a prime stands after the name of a function: f'(x)",
            "_": "this cannot carry a subscript here",
            "^": r"a second superscript: put the first power in parentheses, (x^a)^b",
            ")": "this ) closes nothing", "]": "this ] closes nothing",
            r"\}": r"this \} closes nothing", "}": "this } closes nothing",
            ",": "unexpected comma", ";": "unexpected semicolon",
            r"\|": r"this \| opens or closes nothing",
            ".": "a full stop is not part of a formula",
        }
        return self.refuse(hints.get(text, f"unexpected {text}"))

    def group(self, reader):
        """A brace group, or a single token, read by `reader`."""
        if self.peek() == "{" and self.at < self.end:
            last = self.closing(self.at)
            result = self.inside(self.at + 1, last, reader)
            self.at = last + 1
            return result
        first = self.at
        token = self.take()
        self.check_single(token)
        last = self.at
        result = self.inside(first, last, reader)
        self.at = last
        return result

    def check_single(self, token: Token) -> None:
        if token.kind == "num" and len(token.text) > 1:
            raise self.refuse(f"only the first digit of {token.text} would be typeset there: write "
                              f"{{{token.text}}}", token.start)
        if token.kind == "char" and token.text in "+-*/=":
            raise self.refuse(f"a lone {token.text} needs braces", token.start)

    # ---- expressions --------------------------------------------------------------------

    def expr(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.refuse(f"nested deeper than {DEEPEST}: split it with def:")
        start = self.place()
        terms = []
        sign = self.accept("+", "-") or "+"
        if self.peek() in ("+", "-") and self.at < self.end:
            raise self.refuse("two signs in a row: put the second term in parentheses")
        terms.append((sign, self.term()))
        while self.peek() in ("+", "-") and self.at < self.end:
            sign = self.take().text
            if self.peek() in ("+", "-") and self.at < self.end:
                raise self.refuse("two signs in a row: put the second term in parentheses")
            terms.append((sign, self.term()))
        self.depth -= 1
        if len(terms) == 1:
            return terms[0][1] if terms[0][0] == "+" else self.node("neg", (terms[0][1],), start)
        return self.node("add", tuple(terms), start)

    def term(self) -> Node:
        start = self.place()
        parts = [self.product()]
        while self.accept(r"\odot"):
            parts.append(self.product())
        return parts[0] if len(parts) == 1 else self.node("had", tuple(parts), start)

    def product(self) -> Node:
        start = self.place()
        result = [self.factor()]
        while self.at < self.end:
            mark = self.peek()
            if mark == "/":
                self.take()
                top = self.joined(result, start)
                result = [self.node("div", (top, self.factor()), start)]
                if self.peek() in ("/", r"\cdot", r"\times", r"\odot") or self.starts_factor():
                    if self.at < self.end:
                        raise self.refuse("what the slash divides is unclear: write \\frac{a}{b} c "
                                          "or a/(b c)")
            elif mark == r"\cdot":
                self.take()
                result.append(self.factor())
            elif mark == r"\times":
                self.take()
                left = self.joined(result, start)
                result = [self.node("times", (left, self.factor()), start)]
            elif self.starts_factor():
                self.check_place(result[-1])
                if self.token().kind == "num":
                    raise self.refuse(r"a number after a factor: write it in front, or \cdot")
                result.append(self.factor())
            else:
                break
        return self.joined(result, start)

    def check_place(self, before: Node) -> None:
        """Refuse a derivative followed by what may be the place at which it is taken."""
        if before.kind in ("diff", "grad") and not before.grouped and (
                self.peek() == "(" and self.peek(2) == ")"):
            raise self.refuse(r"is this the place of the derivative, or a factor? write \cdot "
                              "for a product")

    def joined(self, parts: list[Node], start: int) -> Node:
        return parts[0] if len(parts) == 1 else self.node("mul", tuple(parts), start)

    def starts_factor(self) -> bool:
        token = self.token()
        if token is None:
            return False
        if token.kind in ("num", "letter"):
            return True
        if token.text in ("|", r"\|"):
            return self.bars == 0
        if token.kind == "cmd":
            return (token.text in GREEK or token.text in FONTS or token.text in ACCENTS
                    or token.text in COMMAND_FUNCTIONS
                    or token.text in (r"\frac", r"\sqrt", r"\sum", r"\prod", r"\nabla", r"\begin",
                                      r"\binom", r"\langle", r"\lfloor", r"\lceil", r"\{",
                                      r"\partial"))
        return token.text in ("(", "[", "{")

    def factor(self, outer: bool = True) -> Node:
        """A primary with its powers and indices."""
        node = self.primary()
        while self.at < self.end and self.peek() in ("^", "_", "'"):
            if self.peek() == "_":
                node = self.indexed(node)
            elif self.peek() == "'":
                raise self.unexpected()
            else:
                if node.kind in ("pow", "epow", "T", "invT") and not node.grouped:
                    raise self.unexpected()
                node = self.powered(node)
        return node

    def indexed(self, node: Node) -> Node:
        """An index on something in parentheses, such as (Wx)_i."""
        if not (node.grouped or node.kind in ("call", "fn", "item", "term", "grad", "diff")):
            raise self.refuse("this cannot carry a subscript: put it in parentheses")
        start = self.place()
        self.take("_")
        indices = self.group(self.indices)
        return self.node("item", (node, tuple(indices)), start)

    def powered(self, node: Node) -> Node:
        start = node.start
        if node.kind == "item" and not node.grouped and ":" not in node.args[1]:
            _, _, sup = self.scripts()
            if sup is not None and (sup.text in (r"\top", r"-\top")
                                    or (sup.text == "-1" and len(node.args[1]) > 1)):
                shown = self.text[node.start:node.end].split("_")[0]
                raise self.refuse(f"an entry of {shown} or of its inverse or transpose? write "
                                  f"({shown}^{{{sup.text}}})_{{ij}}")
        self.take("^")
        if self.peek() == "{":
            last = self.closing(self.at)
            result = self.inside(self.at + 1, last, lambda: self.power(node, start))
            self.at = last + 1
            return replace(result, end=self.tokens[last].end)
        first = self.at
        token = self.take()
        self.check_single(token)
        if token.text == r"\frac" or token.text in FONTS or token.text in ACCENTS:
            raise self.refuse(f"put the power in braces: ^{{{token.text}…}}", token.start)
        after = self.at
        result = self.inside(first, after, lambda: self.power(node, start))
        self.at = after
        return result

    def power(self, node: Node, start: int) -> Node:
        """The power of `node` whose superscript is being read."""
        mark = self.peek()
        alone = self.at + 1 == self.end
        if mark == r"\top" and alone:
            self.take()
            return Node("T", (node,), start, self.tokens[self.at - 1].end)
        if mark == "-" and self.peek(1) == r"\top" and self.at + 2 == self.end:
            self.at += 2
            return Node("invT", (node,), start, self.tokens[self.at - 1].end)
        if mark == r"\odot":
            self.take()
            return Node("epow", (node, self.expr()), start, node.end)
        if mark in FONTS and self.text_of(self.at) == "T":
            raise self.refuse(r"the transpose is written ^\top")
        if mark == "T" and alone and "T" not in self.scope and "T" not in self.bound:
            raise self.refuse(r"^T is not a transpose here: write ^\top")
        if mark in ("*", r"\star", r"\prime", r"\circ") and alone:
            raise self.refuse(f"^{mark} is part of a name: declare the name with it")
        if mark in ("(", "[") and self.tokens[self.end - 1].text in (")", "]"):
            depth, whole = 0, True
            for index in range(self.at, self.end):
                depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(self.tokens[index].text, 0)
                whole = whole and (depth > 0 or index == self.end - 1)
            if whole:
                raise self.refuse("a superscript in parentheses or brackets is the index of a "
                                  "sequence: declare the name with it, or write the power without")
        if mark == r"\odot":
            raise self.unexpected()
        exponent = self.expr()
        return Node("pow", (node, exponent), start, self.tokens[self.at - 1].end)

    # ---- primaries ----------------------------------------------------------------------

    def primary(self) -> Node:
        token = self.token()
        if token is None:
            raise self.refuse("the formula ends where a factor is expected")
        text, start = token.text, token.start
        if token.kind == "num":
            self.take()
            if self.at < self.end and self.token().kind == "num":
                raise self.refuse("two numbers side by side")
            return self.node("num", (text,), start)
        if text in ("(", "[", r"\{"):
            return self.parenthesised(text, start)
        if text == "{":
            return self.braced(start)
        if text in ("|", r"\|"):
            return self.barred(text, start)
        if text == r"\langle":
            self.take()
            left = self.expr()
            self.take(",")
            right = self.expr()
            self.take(r"\rangle")
            return self.node("inner", (left, right), start)
        if text in (r"\lfloor", r"\lceil"):
            self.take()
            inner = self.expr()
            self.take({r"\lfloor": r"\rfloor", r"\lceil": r"\rceil"}[text])
            return self.node("fn", ({r"\lfloor": "floor", r"\lceil": "ceil"}[text], (inner,), 0),
                             start)
        if text in (r"\sum", r"\prod"):
            self.take()
            return self.big(text[1:], start)
        if text in (r"\max", r"\min") and self.peek(1) == "_":
            self.take()
            return self.big(text[1:], start)
        if text in COMMAND_FUNCTIONS:
            self.take()
            return self.builtin(COMMAND_FUNCTIONS[text], start)
        reader = {r"\frac": self.fraction, r"\sqrt": self.root, r"\nabla": self.nabla,
                  r"\begin": self.environment, r"\binom": self.binomial}.get(text)
        if reader:
            self.take()
            return reader(start)
        if text == r"\partial":
            raise self.refuse(r"write a derivative as \frac{\partial f}{\partial x}")
        if token.kind == "letter" or text in GREEK or text in FONTS or text in ACCENTS:
            return self.name()
        raise self.unexpected() if token.kind == "char" or text in (")", r"\}") else self.refuse(
            f"a factor is expected here, not {text}")

    def parenthesised(self, opening: str, start: int) -> Node:
        closing = {"(": ")", "[": "]", r"\{": r"\}"}[opening]
        self.take()
        bars, self.bars = self.bars, 0
        node = self.expr()
        self.bars = bars
        if self.at >= self.end:
            raise self.refuse(f"this {opening} is never closed", start)
        if self.peek() != closing:
            if self.peek() in RELATIONS:
                raise self.refuse("a relation inside parentheses")
            if self.peek() in (")", "]", r"\}"):
                raise self.refuse(f"{opening} is closed by {self.peek()}")
            raise self.unexpected()
        end = self.take(closing).end
        return replace(node, start=start, end=end, grouped=True)

    def braced(self, start: int) -> Node:
        node = self.group(self.expr)
        if node.kind not in ("sym", "term", "item", "call", "const", "num") and not node.grouped:
            raise self.refuse("braces print nothing: write ( ) around it", start)
        return replace(node, grouped=True)

    def barred(self, mark: str, start: int) -> Node:
        self.take()
        self.bars += 1
        node = self.expr()
        if self.peek() != mark or self.at >= self.end:
            raise self.refuse(f"this {mark} is never closed", start)
        self.take()
        self.bars -= 1
        if mark == "|":
            return self.node("abs", (node,), start)
        kind, power = "2", None
        if self.peek() == "^" and self.at < self.end and self.norm_after_power():
            self.take("^")
            power = self.group(self.expr)
        if self.accept("_"):
            kind = self.group(self.norm_kind)
        result = self.node("norm", (node, kind), start)
        if power is not None:
            return self.node("pow", (result, power), start)
        return result

    def norm_after_power(self) -> bool:
        """Whether ``^2_F`` follows: the power first, then the kind of the norm."""
        place = self.at + 1
        if place >= self.end:
            return False
        place = self.closing(place) + 1 if self.tokens[place].text == "{" else place + 1
        return place < self.end and self.tokens[place].text == "_"

    def norm_kind(self) -> str:
        token = self.take()
        kinds = {"F": "F", "1": "1", "2": "2", r"\infty": "inf"}
        if token.text == r"\mathrm" and self.peek() == "{":
            token = self.tokens[self.at + 1]
            self.at = self.closing(self.at) + 1
        if token.text not in kinds:
            raise self.refuse(r"norms are \|x\|, \|x\|_1, \|x\|_2, \|x\|_\infty and \|A\|_F",
                              token.start)
        return kinds[token.text]

    def root(self, start: int) -> Node:
        order = Node("num", ("2",), start, start)
        if self.peek() == "[" and self.at < self.end:
            self.take()
            order = self.expr()
            self.take("]")
        return self.node("sqrt", (self.group(self.expr), order), start)

    def binomial(self, start: int) -> Node:
        return self.node("binom", (self.group(self.expr), self.group(self.expr)), start)

    def environment(self, start: int) -> Node:
        name = self.word()
        if name == "cases":
            return self.cases(start)
        if name in ("pmatrix", "bmatrix"):
            return self.matrix(name, start)
        raise self.refuse(f"environment {name} is not read: cases, pmatrix and bmatrix are", start)

    def cases(self, start: int) -> Node:
        rows = []
        while True:
            value = self.expr()
            self.take("&")
            rows.append((value, self.case_condition()))
            self.accept(",", ".")
            if not self.accept(r"\\") or self.peek() == r"\end":
                break
        self.take(r"\end")
        if self.word() != "cases":
            raise self.refuse("cases is not closed", start)
        if any(not c for _, c in rows[:-1]):
            raise self.refuse("only the last line of cases may say otherwise", start)
        return self.node("cases", tuple(rows), start)

    def case_condition(self) -> tuple:
        while self.peek() in (r"\text", r"\mathrm") and self.at < self.end:
            word = self.text_of(self.at)
            if word in ("if", "for", "when"):
                self.take()
                self.word_group()
            elif word in ("otherwise", "else", "elsewhere"):
                self.take()
                self.word_group()
                return ()
            else:
                break
        return tuple(self.conditions((r"\\", r"\end", ".")))

    def matrix(self, name: str, start: int) -> Node:
        rows, row = [], [self.expr()]
        while True:
            if self.accept("&"):
                row.append(self.expr())
            elif self.accept(r"\\"):
                rows.append(tuple(row))
                if self.peek() == r"\end":
                    row = []
                    break
                row = [self.expr()]
            else:
                break
        if row:
            rows.append(tuple(row))
        self.take(r"\end")
        if self.word() != name:
            raise self.refuse(f"{name} is not closed", start)
        if len({len(r) for r in rows}) != 1:
            raise self.refuse("the rows of the matrix have different lengths", start)
        return self.node("matrix", tuple(rows), start)

    # ---- words and names ----------------------------------------------------------------

    def word(self) -> str:
        """A word in braces, such as the one after \\begin."""
        if self.peek() != "{":
            raise self.refuse("{ is expected here")
        return self.word_group()

    def word_group(self) -> str:
        last = self.closing(self.at)
        inner = self.tokens[self.at + 1:last]
        self.at = last + 1
        return "".join(t.text for t in inner)

    def text_of(self, place: int) -> str:
        """The word inside ``\\mathrm{…}`` at token `place`, or an empty string."""
        if place + 1 < len(self.tokens) and self.tokens[place + 1].text == "{":
            last = self.closing(place + 1)
            return "".join(t.text for t in self.tokens[place + 2:last])
        if place + 1 < len(self.tokens):
            return self.tokens[place + 1].text
        return ""

    def base(self) -> str:
        """The letter of a name with its fonts and accents, as one string."""
        token = self.take()
        if token.kind == "letter" or token.text in GREEK:
            return token.text
        if token.text in (r"\text", r"\operatorname", r"\textbf", r"\textrm", r"\mathrm"):
            if self.peek() == "{":
                return rf"\mathrm{{{self.word_group()}}}"
            return rf"\mathrm{{{self.take().text}}}"
        if token.text in FONTS or token.text in ACCENTS:
            if self.peek() == "{":
                last = self.closing(self.at)
                inner = self.inside(self.at + 1, last, self.accented)
                self.at = last + 1
            else:
                inner = self.accented()
            if token.text in (r"\bm",):
                return rf"\boldsymbol{{{inner}}}"
            return f"{token.text}{{{inner}}}"
        raise self.refuse(f"a name is expected here, not {token.text}", token.start)

    def accented(self) -> str:
        """What stands inside an accent or a font: one base, or a number."""
        if self.token() is not None and self.token().kind == "num":
            return self.take().text
        base = self.base()
        if self.at < self.end and self.peek() in ("_", "^"):
            raise self.refuse(r"a subscript inside an accent: write \hat{x}_i, not \hat{x_i}")
        while self.at < self.end and self.token().kind == "letter" and self.tokens[
                self.at - 1].kind == "letter":
            base += self.take().text
        return base

    def scripts(self) -> tuple[int, Script | None, Script | None]:
        """Primes and scripts that follow, without reading them."""
        at, primes = self.at, 0
        sub = sup = None
        while at < self.end:
            text = self.tokens[at].text
            if text == "'" and sub is None and sup is None:
                primes += 1
                at += 1
            elif text in "_^" and at + 1 < self.end:
                if (text == "_" and sub) or (text == "^" and sup):
                    break
                if self.tokens[at + 1].text == "{":
                    last = self.closing(at + 1)
                    first, after = at + 2, last + 1
                else:
                    first, last, after = at + 1, at + 2, at + 2
                script = Script(text, first, last, after,
                                "".join(t.text for t in self.tokens[first:last]))
                sub, sup = (script, sup) if text == "_" else (sub, script)
                at = after
            else:
                break
        return primes, sub, sup

    def lookup(self, key: str) -> Info | None:
        if key in self.bound:
            return Info("bound", key)
        return self.scope.get(key)

    def resolve(self, base: str):
        """The longest declared name that starts here: info, scripts that are left, primes left."""
        primes, sub, sup = self.scripts()
        for count in dict.fromkeys((primes, 0)):
            stem = base + "'" * count
            options = []
            if sub and sup:
                options.append((f"{stem}_{{{sub.text}}}^{{{sup.text}}}", None, None))
            if sub:
                options.append((f"{stem}_{{{sub.text}}}", None, sup))
            if sup:
                options.append((f"{stem}^{{{sup.text}}}", sub, None))
            if sup and sup.text.endswith(r"\top") and len(sup.text) > 4:
                cut = Script("^", sup.first, sup.last - 1, sup.after, sup.text[:-4])
                found = self.with_top(stem, sub, cut)
                if found:
                    return *found, primes - count
            if sub and "," in sub.text:
                head = self.literal_head(stem, sub)
                if head:
                    options.append((head[0], head[1], sup))
            options.append((stem, sub, sup))
            for key, left_sub, left_sup in options:
                info = self.lookup(key)
                if info is not None:
                    return info, left_sub, left_sup, primes - count
        return None, sub, sup, primes

    def with_top(self, stem: str, sub: Script | None, cut: Script):
        """``W^{[2]\\top}``: a superscript of the name, and a transpose, in one pair of braces."""
        if self.lookup(f"{stem}^{{{cut.text}}}"):
            self.top_at = self.at
            return self.lookup(f"{stem}^{{{cut.text}}}"), sub, None
        info = self.lookup(stem)
        if info is not None and info.sup and cut.text[:1] == info.style:
            self.top_at = self.at
            return info, sub, cut
        return None

    def literal_head(self, stem: str, sub: Script):
        """``W_{f,ij}`` where ``W_f`` is declared: its key, and the indices that remain."""
        for place in range(sub.last - 1, sub.first, -1):
            if self.tokens[place].text == ",":
                text = "".join(t.text for t in self.tokens[sub.first:place])
                key = f"{stem}_{{{text}}}"
                if self.lookup(key):
                    rest = "".join(t.text for t in self.tokens[place + 1:sub.last])
                    return key, Script("_", place + 1, sub.last, sub.after, rest)
        return None

    def name(self, powers: bool = True) -> Node:
        """A declared name with its indices; or a built-in constant, function or operator."""
        start, first = self.place(), self.at
        base = self.base()
        at = self.at
        info, sub, sup, primes = self.resolve(base)
        if info is None:
            return self.builtin_name(base, start, first)
        unread_primes = self.skip_scripts(base, info, primes)
        if info.callable or info.kind == "pmf":
            return self.applied(info, sub, sup, unread_primes, start)
        if unread_primes:
            raise self.refuse(f"{base}' is not declared; a prime is part of a name, or follows a "
                              "function", start)
        if self.top_at == at:
            self.top_at = -1
            return self.node("T", (self.with_indices(info, sub, sup, start),), start)
        return self.with_indices(info, sub, sup, start)

    def skip_scripts(self, base: str, info: Info, primes: int) -> int:
        """Step over primes; what remains are those that are not part of the name."""
        for _ in range(10):
            if self.peek() == "'" and self.at < self.end:
                self.take()
            else:
                break
        return primes

    def with_indices(self, info: Info, sub: Script | None, sup: Script | None,
                     start: int) -> Node:
        """Sequence indices first, then entries; a superscript that is left is a power."""
        _, all_sub, all_sup = self.scripts()
        if sub is not None and sub.after - sub.last <= 1:
            self.check_script(sub)
        power_first = bool(all_sup and all_sub and all_sup.after <= all_sub.first)
        family: list = []
        used_sup = False
        if info.sup and sup is not None:
            family += self.inside(sup.first, sup.last, lambda: self.bracketed(info, start))
            used_sup = True
        entries: list = []
        if sub is not None:
            entries = list(self.inside(sub.first, sub.last, self.indices))
        if info.sub and entries:
            if len(entries) < info.sub:
                raise self.refuse(f"{info.key} takes {info.sub} indices, {len(entries)} given",
                                  start)
            family += entries[:info.sub]
            entries = entries[info.sub:]
        if family and len(family) != info.arity:
            raise self.refuse(f"{info.key} takes {info.arity} sequence indices, {len(family)} "
                              "given", start)
        ends = [self.at]
        if all_sub:
            ends.append(all_sub.after)
        consumed_sup = all_sup is not None and (used_sup or sup is None)
        if consumed_sup:
            ends.append(all_sup.after)
        if not consumed_sup and all_sup is not None and power_first:
            if entries and all_sup.text in (r"\top", "-1", r"-\top"):
                raise self.refuse(f"an entry of {info.key} or of its inverse or transpose? write "
                                  f"({info.key}^{{{all_sup.text}}})_{{ij}}", start)
            node = self.indexed_node(info, family, entries, start, max(ends))
            self.at = all_sup.first - (2 if self.tokens[all_sup.first - 1].text == "{" else 1)
            node = self.powered(node)
            self.at = all_sub.after
            return node
        self.at = max(ends)
        return self.indexed_node(info, family, entries, start, self.at)

    def indexed_node(self, info: Info, family, entries, start: int, at: int) -> Node:
        end = self.tokens[at - 1].end
        if any(f == ":" for f in family):
            raise self.refuse("a sequence index cannot be a colon", start)
        node = (Node("term", (info.key, tuple(family)), start, end) if family
                else Node("sym", (info.key,), start, end))
        return Node("item", (node, tuple(entries)), start, end) if entries else node

    def check_script(self, script: Script) -> None:
        token = self.tokens[script.first]
        braced = self.tokens[script.first - 1].text == "{"
        if not braced and token.kind == "num" and len(token.text) > 1:
            before = self.tokens[script.first - 2].text if script.first > 1 else ""
            raise self.refuse(f"only the first digit of {token.text} would be a subscript: write "
                              f"{before}_{{{token.text}}}", token.start)

    def bracketed(self, info: Info, start: int) -> list[Node]:
        closing = {"(": ")", "[": "]"}[info.style]
        if self.peek() != info.style:
            raise self.refuse(f"the index of {info.key} stands in {info.style}{closing}: write "
                              f"{info.key}^{{{info.style}t{closing}}}", start)
        self.take()
        indices = list(self.indices((closing,)))
        self.take(closing)
        return indices

    def indices(self, stops: tuple[str, ...] = ()) -> list:
        """Indices apart from each other by commas, or side by side when each is one letter."""
        found: list = []
        while True:
            if self.peek() == ":" and self.at < self.end:
                self.take()
                found.append(":")
            else:
                found += self.side_by_side(stops)
            if not self.accept(","):
                return found

    def side_by_side(self, stops: tuple[str, ...]) -> list:
        last = self.at
        while last < self.end and self.tokens[last].text not in (",", *stops):
            last += 1
        run = self.tokens[self.at:last]
        plain = all((t.kind == "letter" or t.text in GREEK or t.text == "'") for t in run)
        if len([t for t in run if t.text != "'"]) > 1 and plain:
            found = []
            while self.at < last:
                start = self.place()
                if self.lookup(self.peek()) is None:
                    raise self.undeclared(self.peek(), start)
                found.append(self.name())
            return found
        node = self.expr()
        return [node]

    def undeclared(self, base: str, start: int) -> Refused:
        near = nearest(base, [k for k in self.scope if len(k) > 1])
        stems = sorted({k for k in self.scope if k.startswith((base + "_", base + "^"))})
        if stems:
            hint = f"; {stems[0]} is declared"
        elif near:
            hint = f"; did you mean {near}?"
        else:
            hint = ": declare it with let:, def:, fun:, rv: or pmf:"
        return self.refuse(f"{base} is not declared{hint}", start)

    # ---- functions ----------------------------------------------------------------------

    def applied(self, info: Info, sub, sup, primes: int, start: int) -> Node:
        """A declared function or probability table with its arguments."""
        power = None
        if sup is not None:
            raise self.refuse(f"a power on the name of a function: write ({info.key}(x))^2", start)
        _, skipped_sub, skipped_sup = self.scripts()
        self.at = max([self.at] + [s.after for s in (skipped_sub, skipped_sup) if s])
        if sub is not None:
            raise self.refuse(f"{info.key} is a function: write {info.key}(x)_i", start)
        if self.peek() != "(" or self.at >= self.end:
            raise self.refuse(f"{info.key} is a function: write its argument in parentheses", start)
        if self.is_query(info):
            if primes:
                raise self.refuse("a prime on a probability", start)
            return self.probability(info, start)
        args = self.arguments()
        expected = len(info.params)
        if len(args) != expected:
            raise self.refuse(f"{info.key} takes {expected} argument{'s' * (expected != 1)}, "
                              f"{len(args)} given", start)
        if primes and expected != 1:
            raise self.refuse(f"a prime on a function of {expected} arguments: write "
                              r"\frac{\partial}{\partial x}", start)
        if primes > 3:
            raise self.refuse("at most three primes", start)
        node = self.node("call", (info.key, tuple(args), primes), start)
        return node if power is None else power

    def is_query(self, info: Info) -> bool:
        """Whether the parentheses hold events of a probability rather than arguments."""
        if info.kind == "pmf":
            return True
        if not info.discrete:
            return False
        depth, commas, seen = 0, 0, False
        for index in range(self.at, self.end):
            text = self.tokens[index].text
            depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(text, 0)
            if depth == 0:
                break
            seen = seen or (depth == 1 and text in ("=", r"\mid", "<", ">", r"\ne"))
            commas += depth == 1 and text == ","
        return seen or commas + 1 < len(info.params)

    def arguments(self) -> list[Node]:
        opening = self.take("(")
        bars, self.bars = self.bars, 0
        args = [self.expr()]
        while self.accept(","):
            args.append(self.expr())
        if self.at >= self.end:
            raise self.refuse("this ( is never closed", opening.start)
        if self.peek() != ")":
            raise self.unexpected()
        self.take(")")
        self.bars = bars
        return args

    def probability(self, info: Info, start: int) -> Node:
        opening = self.take("(")
        bars, self.bars = self.bars, 0
        events, given = self.events(), []
        if self.accept(r"\mid"):
            given = self.events()
        if self.at >= self.end:
            raise self.refuse("this ( is never closed", opening.start)
        if self.peek() != ")":
            raise self.unexpected()
        self.take(")")
        self.bars = bars
        return self.node("prob", (info.key, tuple(events), tuple(given)), start)

    def events(self) -> list[Node]:
        found = []
        while True:
            start = self.place()
            left = self.expr()
            op, right = "", None
            if self.peek() in ("=", "<", ">", r"\le", r"\ge", r"\ne") and self.at < self.end:
                op = self.take().text
                right = self.expr()
            found.append(self.node("event", (left, op, right), start))
            if not self.accept(","):
                return found

    def builtin(self, name: str, start: int) -> Node:
        """A built-in function: arguments in parentheses, or one bare factor and nothing after."""
        primes = 0
        while self.peek() == "'" and self.at < self.end:
            self.take()
            primes += 1
        if primes and (name not in ELEMENTWISE or primes > 3):
            raise self.refuse(f"a prime on {name}", start)
        if self.peek() == "^" and self.at < self.end:
            return self.powered_function(name, primes, start)
        if self.peek() == "_" and self.at < self.end:
            raise self.refuse(f"{name} with a subscript is not read", self.place())
        if name in ("max", "min") and self.peek() == r"\{":
            args = self.listed_arguments()
        elif self.peek() == "(" and self.at < self.end:
            args = self.arguments()
            if self.peek() == "^" and self.at < self.end and self.power_unclear(name, args):
                raise self.refuse(f"\\{name}(x)^2 can be read in two ways: write (\\{name} x)^2 or "
                                  f"\\{name}(x^2)")
        else:
            args = [self.bare_argument(name)]
        if name not in ("max", "min") and len(args) != 1:
            raise self.refuse(f"{name} takes one argument, {len(args)} given", start)
        if name in ("max", "min") and len(args) < 2:
            raise self.refuse(f"{name} of one thing: write \\{name}(a, b) or \\{name}_{{i}} x_i",
                              start)
        return self.node("fn", (name, tuple(args), primes), start)

    def power_unclear(self, name: str, args: list[Node]) -> bool:
        """Whether a power after the parentheses may belong to the argument."""
        _, _, sup = self.scripts()
        return len(args) == 1 and sup.text not in (r"\top",) and name in ELEMENTWISE | {"det", "tr"}

    def powered_function(self, name: str, primes: int, start: int) -> Node:
        """``\\tanh^2(u)``, the square of the value; other powers are refused."""
        _, _, sup = self.scripts()
        if sup.text not in ("2", "3", "4") or primes or name not in ELEMENTWISE - {"log", "exp"}:
            raise self.refuse(f"a power on the name {name}: write (\\{name} x)^2", self.place())
        self.take()
        exponent = self.group(self.expr)
        if self.peek() != "(" or self.at >= self.end:
            raise self.refuse(f"put the argument of {name} in parentheses")
        args = self.arguments()
        if len(args) != 1:
            raise self.refuse(f"{name} takes one argument, {len(args)} given", start)
        return self.node("pow", (self.node("fn", (name, tuple(args), 0), start), exponent), start)

    def listed_arguments(self) -> list[Node]:
        self.take(r"\{")
        args = [self.expr()]
        while self.accept(","):
            args.append(self.expr())
        self.take(r"\}")
        return args

    def bare_argument(self, name: str) -> Node:
        if not self.starts_factor():
            raise self.refuse(f"{name} has no argument here")
        node = self.factor()
        follows = self.at < self.end and (
            self.starts_factor() or self.peek() in ("/", r"\cdot", r"\times", r"\odot"))
        if follows:
            raise self.refuse(f"where the argument of {name} ends is unclear: write "
                              f"\\{name}(…) with parentheses")
        return node

    def builtin_name(self, base: str, start: int, first: int) -> Node:
        """Names that need no declaration, unless the author has declared them otherwise."""
        word = base[8:-1] if base.startswith(r"\mathrm{") else ""
        if word in WORD_FUNCTIONS:
            if word in ("max", "min") and self.peek() == "_":
                return self.big(word, start)
            return self.builtin(WORD_FUNCTIONS[word], start)
        if word in ("Var", "Cov") or base == r"\mathbb{V}":
            return self.moment(word or "Var", start)
        if word == "KL":
            return self.divergence(start)
        if base == "D" and self.peek() == "_":
            _, sub, _ = self.scripts()
            if sub and sub.text in ("KL", r"\mathrm{KL}", r"\text{KL}"):
                self.at = sub.after
                return self.divergence(start)
        if base == r"\mathbb{E}":
            return self.expectation(start)
        if base == r"\mathcal{N}":
            return self.normal_density(start)
        if base in (r"\mathbb{1}", r"\mathbf{1}", r"\boldsymbol{1}"):
            return self.one(base, start)
        if base in (r"\mathbf{0}", r"\boldsymbol{0}"):
            self.optional_size()
            return self.node("num", ("0",), start)
        if base == "I" or base in (r"\mathbf{I}", r"\boldsymbol{I}"):
            return self.node("const", ("I", self.optional_size()), start)
        if base in (r"\pi", "e", r"\mathrm{e}") and (self.peek() != "_" or self.at >= self.end):
            name = "pi" if base == r"\pi" else "e"
            return self.node("const", (name, None), start)
        if base == r"\delta" and self.peek() == "_" and self.at < self.end:
            return self.kronecker(start)
        raise self.undeclared(base, start)

    def optional_size(self) -> Node | None:
        if self.peek() == "_" and self.at < self.end:
            self.take()
            return self.group(self.expr)
        return None

    def one(self, base: str, start: int) -> Node:
        """The indicator, or the vector of ones."""
        if self.peek() in ("[", r"\{", "(") and self.at < self.end and self.holds_relation():
            closing = {"[": "]", r"\{": r"\}", "(": ")"}[self.take().text]
            conditions = self.conditions((closing,))
            self.take(closing)
            return self.node("ind", (tuple(conditions),), start)
        if self.peek() == "_" and self.at < self.end:
            _, sub, _ = self.scripts()
            marks = {"=", "<", ">", r"\le", r"\ge", r"\ne"}
            if any(t.text in marks for t in self.tokens[sub.first:sub.last]):
                self.take()
                conditions = self.group(lambda: self.conditions(()))
                return self.node("ind", (tuple(conditions),), start)
        if base == r"\mathbb{1}":
            raise self.refuse(r"write the indicator as \mathbb{1}[i=j]", start)
        return self.node("const", ("ones", self.optional_size()), start)

    def holds_relation(self) -> bool:
        depth = 0
        for index in range(self.at, self.end):
            text = self.tokens[index].text
            if text in ("(", "[", r"\{", "{"):
                depth += 1
            elif text in (")", "]", r"\}", "}"):
                depth -= 1
                if depth == 0:
                    return False
            elif depth == 1 and text in ("=", "<", ">", r"\le", r"\ge", r"\ne", r"\in"):
                return True
        return False

    def kronecker(self, start: int) -> Node:
        self.take("_")
        indices = self.group(self.indices)
        if len(indices) != 2 or ":" in indices:
            raise self.refuse(r"\delta is not declared; the Kronecker delta has two indices, "
                              r"\delta_{ij}", start)
        return self.node("delta", tuple(indices), start)

    # ---- relations ----------------------------------------------------------------------

    def conditions(self, stops: tuple[str, ...]) -> list[Node]:
        """Relations apart from each other by commas; chains such as a < b < c are split."""
        found: list[Node] = []
        while True:
            start = self.place()
            left = self.expr()
            if self.peek() not in RELATIONS - {r"\approx"} | {r"\in"} or self.at >= self.end:
                raise self.refuse("a relation is expected here: =, \\ne, <, >, \\le, \\ge or \\in")
            while self.peek() in RELATIONS | {r"\in"} and self.at < self.end:
                op = self.take().text
                if op == r"\in":
                    found.append(self.node("member", (left, self.domain()), start))
                    break
                right = self.expr()
                found.append(self.node("rel", (op, left, right), start))
                left = right
            self.accept(".") if "." in stops and self.peek() == "." else None
            if self.peek() == "," and self.at + 1 < self.end and self.peek(1) not in stops:
                self.take()
                continue
            return found

    # ---- sums and products --------------------------------------------------------------

    def big(self, op: str, start: int) -> Node:
        if self.peek() != "_":
            raise self.refuse(f"the reach of this {op} is unclear: write \\{op}_{{i=1}}^{{n}} or "
                              f"\\{op}_{{i}}")
        _, sub, sup = self.scripts()
        if sub is None:
            raise self.refuse("a subscript is expected here")
        self.check_script(sub)
        bindings, conditions = self.inside(sub.first, sub.last, lambda: self.binders(sup))
        self.at = max(s.after for s in (sub, sup) if s)
        names = [b.args[0] for b in bindings]
        for name in names:
            if name in self.bound:
                raise self.refuse(f"{name} is already bound around this {op}: take another letter",
                                  self.tokens[sub.first].start)
        self.bound += names
        conditions = [c() if callable(c) else c for c in conditions]
        if not self.starts_factor():
            raise self.refuse(f"the {op} has no body here")
        body = self.term()
        for _ in names:
            self.bound.pop()
        for name in names:
            if name not in body.names:
                where = self.tokens[sub.first].start
                raise self.refuse(f"the index {name} is not used in the {op}", where)
        if op != "sum":
            self.check_reach(op, names, body)
        return self.node("big", (op, tuple(bindings), tuple(conditions), body), start)

    def check_reach(self, op: str, names: list[str], body: Node) -> None:
        """A product or maximum must not be followed by factors without its index."""
        if body.grouped or body.kind not in ("mul", "had", "div", "times"):
            return
        parts = list(body.args)
        if body.kind == "div" and not body.args[0].grouped and body.args[0].kind == "mul":
            parts = [*body.args[0].args, body.args[1]]
        used = [any(n in part.names for n in names) for part in parts]
        for part, before, now in zip(parts[1:], used, used[1:], strict=False):
            if before and not now:
                raise self.refuse(f"where the {op} ends is unclear: put its body, or all of it, "
                                  "in parentheses, ( )", part.start)

    def binders(self, sup: Script | None):
        """``i=1`` | ``i,j`` | ``d\\in D`` | ``j\\ne i`` | ``i<j`` below a sum."""
        bindings: list[Node] = []
        conditions: list = []
        while True:
            start = self.place()
            key, at = self.binder_name(), self.at
            if self.accept("="):
                low = self.expr()
                if self.peek() == "," and self.peek(1) == r"\ldots":
                    self.at += 2
                    self.take(",")
                    high = self.expr()
                elif sup is None:
                    raise self.refuse(f"the upper end of {key} is missing: write ^{{n}}", start)
                else:
                    high = self.inside(sup.first, sup.last, self.expr)
                    sup = None
                bindings.append(self.node("bind", (key, "range", low, high), start))
            elif self.accept(r"\in"):
                bindings.append(self.node("bind", (key, "set", self.domain()), start))
            elif self.peek() in (r"\ne", "<", ">", r"\le", r"\ge") and self.at < self.end:
                bindings.append(self.node("bind", (key, "auto"), start))
                self.bind_right(key, bindings, conditions, start)
            else:
                self.at = at
                bindings.append(self.node("bind", (key, "auto"), start))
            if self.accept(":"):
                self.bound.append(key)
                conditions += self.conditions(())
                self.bound.pop()
                break
            if not self.accept(","):
                break
        if sup is not None:
            raise self.refuse("this upper end belongs to no index", self.tokens[sup.first].start)
        return bindings, conditions

    def bind_right(self, key: str, bindings: list[Node], conditions: list, start: int) -> None:
        """The condition in ``j\\ne i``; in ``i<j`` the second name is bound too if it is free."""
        op = self.take().text
        if (self.at + 1 == self.end and self.token().kind == "letter"
                and self.lookup(self.peek()) is None):
            other = self.take().text
            bindings.append(self.node("bind", (other, "auto"), start))
            right = Node("sym", (other,), start, start)
        else:
            right = self.expr()
        conditions.append(Node("rel", (op, Node("sym", (key,), start, start), right), start, start))

    def binder_name(self) -> str:
        start = self.place()
        if self.token() is None or not (self.token().kind == "letter" or self.peek() in GREEK
                                        or self.peek() in FONTS or self.peek() in ACCENTS):
            raise self.refuse("the name of an index is expected here", start)
        key = self.base()
        while self.peek() == "'" and self.at < self.end:
            self.take()
            key += "'"
        if self.peek() == "_" and self.at < self.end:
            _, sub, _ = self.scripts()
            key += f"_{{{sub.text}}}"
            self.at = sub.after
        return key

    # ---- domains ------------------------------------------------------------------------

    def domain(self) -> Node:
        """A set: a domain of a declaration, or what a sum runs over."""
        start, text = self.place(), self.peek()
        if text == r"\mathbb":
            return self.number_domain(start)
        if text in ("(", "["):
            return self.interval(start)
        if text == r"\{":
            return self.finite_set(start)
        if text == r"\Delta":
            self.take()
            return self.node("domain", ("simplex", self.shape(1), ()), start)
        if text in (r"\mathrm", r"\operatorname", "O"):
            return self.matrix_domain(start)
        raise self.refuse(r"a domain is expected here, such as \mathbb{R}^n, (0,1), \{0,1\}^n, "
                          r"\{1,\ldots,K\}, \Delta^K or \mathbb{S}^n_{++}", start)

    def number_domain(self, start: int) -> Node:
        base = self.base()
        letter = base[8:-1]
        if letter not in ("R", "N", "Z", "S"):
            raise self.refuse(rf"{base} is not a domain: \mathbb{{R}}, \mathbb{{N}}, \mathbb{{Z}} "
                              r"and \mathbb{S} are", start)
        _, sub, sup = self.scripts()
        mark = sub.text if sub else ""
        shape: tuple = ()
        if sup:
            self.check_script(sup)
            shape = self.inside(sup.first, sup.last, self.shape_inside)
            self.at = sup.after
        self.at = max([self.at] + [s.after for s in (sub, sup) if s])
        names = {"R": {"": "R", ">0": "R+", "+": "R+", "++": "R+", r"\ge0": "R0+",
                       "<0": "R-"},
                 "N": {"": "N", "0": "N0", ">0": "N"}, "Z": {"": "Z"},
                 "S": {"": "S", "+": "S+", "++": "S++"}}[letter]
        if mark not in names:
            raise self.refuse(rf"the subscript {mark} of {base} is not read", start)
        if letter == "S" and len(shape) != 1:
            raise self.refuse(r"symmetric matrices are \mathbb{S}^n, \mathbb{S}^n_{+} or "
                              r"\mathbb{S}^n_{++}", start)
        if letter in "NZ" and shape:
            raise self.refuse("vectors of integers are written as sequences", start)
        return self.node("domain", (names[mark], shape, ()), start)

    def shape(self, most: int = 3) -> tuple:
        """Dimensions in a superscript, if there is one."""
        if self.peek() != "^" or self.at >= self.end:
            if most == 1:
                raise self.refuse("a dimension is missing: write ^n")
            return ()
        _, _, sup = self.scripts()
        self.check_script(sup)
        shape = self.inside(sup.first, sup.last, self.shape_inside)
        self.at = sup.after
        if len(shape) > most:
            raise self.refuse("one dimension is expected here")
        return shape

    def shape_inside(self) -> tuple:
        self.declare_dims()
        start = self.place()
        node = self.expr()
        dims: list[Node] = []
        while node.kind == "times":
            dims.insert(0, node.args[1])
            node = node.args[0]
        dims.insert(0, node)
        if len(dims) > 3:
            raise self.refuse("at most three dimensions", start)
        return tuple(dims)

    def declare_dims(self) -> None:
        """In a declaration, a letter that is not known yet becomes a dimension."""
        if not self.declaring:
            return
        saved = self.at
        while self.at < self.end:
            token = self.token()
            if token.kind != "letter" and token.text not in GREEK:
                self.at += 1
                continue
            if self.resolve_at()[0] is None:
                key = self.binder_name()
                self.scope[key] = Info("dim", key)
            else:
                self.name()
        self.at = saved

    def interval(self, start: int) -> Node:
        opening = self.take().text
        low = self.expr()
        self.take(",")
        high = None
        if not self.accept(r"\infty"):
            high = self.expr()
        closing = self.take().text
        if closing not in (")", "]"):
            raise self.refuse("the interval is not closed", start)
        if high is None:
            if low.kind != "num" or float(low.args[0]) != 0:
                raise self.refuse(r"write \mathbb{R}_{>0}", start)
            name = "R+" if opening == "(" else "R0+"
            return self.node("domain", (name, self.shape(), ()), start)
        ends = ("[" if opening == "[" else "") + ("]" if closing == "]" else "")
        return self.node("domain", ("interval" + ends, self.shape(), (low, high)), start)

    def finite_set(self, start: int) -> Node:
        self.take(r"\{")
        if self.declaring:
            saved, self.end = (self.at, self.end), self.end
            self.declare_in_set()
            self.at, self.end = saved
        items: list[Node | str] = []
        while True:
            if self.accept(r"\ldots"):
                items.append("…")
            elif self.peek() == "e" and self.peek(1) == "_" and "e" not in self.scope:
                self.take()
                self.take("_")
                items.append(Node("unit", (self.group(self.expr),)))
            else:
                items.append(self.expr())
            if not self.accept(","):
                break
        self.take(r"\}")
        return self.set_of(items, start)

    def declare_in_set(self) -> None:
        """Declare the dimension at the end of ``\\{1,\\ldots,K\\}``."""
        saved_end, last = self.end, self.at
        while last < self.end and self.tokens[last].text != r"\}":
            last += 1
        if any(t.text == r"\ldots" for t in self.tokens[self.at:last]):
            self.end = last
            if self.peek() == "e":
                while self.peek() != r"\ldots":
                    self.at += 1
                self.at += 4
            self.declare_dims()
            self.end = saved_end

    def set_of(self, items: list, start: int) -> Node:
        units = [isinstance(i, Node) and i.kind == "unit" for i in items]
        if "…" in items:
            place = items.index("…")
            if place not in (1, 2) or len(items) != place + 2:
                raise self.refuse(r"a range is \{1,\ldots,K\}", start)
            if units[0] and units[-1]:
                low, high = items[0].args[0], items[-1].args[0]
                if low.kind != "num" or low.args[0] != "1":
                    raise self.refuse(r"one-hot vectors are \{e_1,\ldots,e_K\}", start)
                return self.node("domain", ("onehot", (high,), ()), start)
            return self.node("domain", ("range", self.shape(), (items[0], items[-1])), start)
        if any(units):
            raise self.refuse(r"one-hot vectors are \{e_1,\ldots,e_K\}", start)
        return self.node("domain", ("set", self.shape(), tuple(items)), start)

    def matrix_domain(self, start: int) -> Node:
        word = "O" if self.accept("O") else self.base()[8:-1]
        self.take("(")
        if word == "O":
            self.declare_dims_until(")")
            size = self.expr()
            self.take(")")
            return self.node("domain", ("orthogonal", (size,), ()), start)
        if word in ("diag", "Diag"):
            inner = self.domain()
            self.take(")")
            if inner.args[0] not in ("R", "R+") or len(inner.args[1]) != 1:
                raise self.refuse(r"write \mathrm{diag}(\mathbb{R}^n)", start)
            return self.node("domain", ("diag" + inner.args[0][1:], inner.args[1], ()), start)
        raise self.refuse(f"{word} is not a domain", start)

    def declare_dims_until(self, closing: str) -> None:
        saved_end, last = self.end, self.at
        while last < self.end and self.tokens[last].text != closing:
            last += 1
        self.end = last
        self.declare_dims()
        self.end = saved_end

    # ---- derivatives --------------------------------------------------------------------

    def is_differential(self, place: int) -> bool:
        """Whether a derivative sign stands at token `place`: \\partial, or d where not a name."""
        if place >= self.end:
            return False
        text = self.tokens[place].text
        if text == r"\partial":
            return True
        if text == r"\mathrm" and self.text_of(place) == "d":
            return True
        return text == "d" and "d" not in self.scope and "d" not in self.bound

    def take_differential(self) -> None:
        if self.take().text == r"\mathrm":
            if self.peek() == "{":
                self.word_group()
            else:
                self.take()

    def fraction(self, start: int) -> Node:
        if self.peek() == "{" and self.is_differential(self.at + 1):
            return self.derivative(start)
        if self.reads_as_derivative():
            raise self.refuse("d is a declared symbol, so that this reads as a quotient of "
                              "products: rename d, or write \\partial or \\mathrm{d}", start)
        return self.node("div", (self.group(self.expr), self.group(self.expr)), start)

    def reads_as_derivative(self) -> bool:
        """Whether both halves of a fraction begin with the declared symbol d and go on."""
        if self.peek() != "{" or self.peek(1) != "d" or self.peek(2) == "}":
            return False
        after = self.closing(self.at) + 1
        if [t.text for t in self.tokens[after:after + 2]] != ["{", "d"]:
            return False
        follows = self.tokens[self.at + 2], self.tokens[after + 2]
        return all(t.kind == "letter" or t.text in GREEK | FONTS | ACCENTS for t in follows)

    def derivative(self, start: int) -> Node:
        last = self.closing(self.at)
        order, body = self.inside(self.at + 1, last, self.numerator)
        self.at = last + 1
        if self.peek() != "{" or not self.is_differential(self.at + 1):
            raise self.refuse(r"below a derivative stands \partial and what it is taken by")
        last = self.closing(self.at)
        targets = self.inside(self.at + 1, last, self.targets)
        self.at = last + 1
        if order != len(targets):
            raise self.refuse(f"a derivative of order {order} by {len(targets)} variables", start)
        if body is None:
            body = self.operand(r"\frac{\partial}{\partial x}")
        node = self.node("diff", (body, tuple(targets)), start)
        self.check_depends(body, targets, start)
        return node

    def operand(self, operator: str) -> Node:
        """What a differential operator acts on: one factor, with nothing after it."""
        if not self.starts_factor():
            raise self.refuse(f"{operator} acts on nothing here")
        node = self.factor()
        if self.at < self.end and (self.starts_factor() or self.peek() in ("/", r"\cdot")):
            raise self.refuse(f"how far {operator} reaches is unclear: put what it acts on in "
                              "parentheses")
        return node

    def numerator(self):
        self.take_differential()
        order = 1
        if self.peek() == "^" and self.at < self.end:
            self.take()
            token = self.group(self.take)
            if token.kind != "num" or not 1 <= int(float(token.text)) <= 3:
                raise self.refuse("orders of derivatives are 1, 2 and 3", token.start)
            order = int(token.text)
        if self.at >= self.end:
            return order, None
        body = self.term()
        if self.peek() in ("+", "-") and self.at < self.end:
            raise self.refuse("put the sum that is differentiated in parentheses")
        return order, body

    def targets(self) -> list[Node]:
        found = []
        while self.at < self.end:
            start = self.place()
            if not self.is_differential(self.at):
                raise self.refuse(r"\partial is expected here")
            self.take_differential()
            found += self.target(start)
        return found

    def target(self, start: int) -> list[Node]:
        """What a derivative is taken by, once or ``^2`` times."""
        parenthesis = self.accept("(")
        node = self.name()
        if parenthesis:
            self.take(")")
        count, transposed = 1, False
        if node.kind == "pow" or node.kind == "T":
            raise self.refuse("a power of the variable", node.start)
        if self.accept("^"):
            token = self.group(self.take)
            if token.text == r"\top":
                transposed = True
            elif token.kind == "num" and token.text in ("1", "2", "3"):
                count = int(token.text)
            else:
                raise self.refuse("orders of derivatives are 1, 2 and 3", token.start)
        if node.kind not in ("sym", "term", "item"):
            raise self.refuse("a derivative is taken by a name", node.start)
        return [self.node("target", (node, transposed), start)] * count

    def check_depends(self, body: Node, targets, start: int) -> None:
        """Kept for the block, which knows the definitions: see `block.check_dependence`."""

    def nabla(self, start: int) -> Node:
        order, target = 1, None
        for _ in range(2):
            if self.peek() == "^" and self.at < self.end and order == 1:
                self.take()
                token = self.group(self.take)
                if token.text != "2":
                    raise self.refuse(r"\nabla and \nabla^2 are read", token.start)
                order = 2
            elif self.peek() == "_" and self.at < self.end and target is None:
                self.take()
                target = self.group(lambda: self.target(self.place()))[0]
        return self.nabla_operand(order, target, start)

    def nabla_operand(self, order: int, target: Node | None, start: int) -> Node:
        if not self.starts_factor():
            raise self.refuse(r"\nabla acts on nothing here")
        plain = self.token().kind == "letter" or self.peek() in GREEK | FONTS | ACCENTS
        node = self.primary()
        if plain and node.kind in ("pow", "epow"):
            raise self.refuse(r"what \nabla acts on is unclear: put it in parentheses", node.start)
        if not plain or node.kind in ("big", "expect"):
            while self.peek() == "^" and self.at < self.end and self.powered_inside():
                node = self.powered(node)
        if target is None and (node.kind != "call" or len(node.args[1]) != 1):
            raise self.refuse(r"say by what: \nabla_x f, or \nabla f(x) of a function", start)
        result = self.node("grad", (node, target, order), start)
        if self.peek() == "^" and self.at < self.end:
            if self.powered_inside():
                raise self.refuse(r"whether \nabla or the power acts first is unclear: put it in "
                                  "parentheses")
            return self.powered(result)
        if node.kind != "call" and self.at < self.end and (
                self.starts_factor() or self.peek() in ("/", r"\cdot")):
            raise self.refuse(r"how far \nabla reaches is unclear: put the gradient, or what it "
                              "acts on, in parentheses")
        return result

    def powered_inside(self) -> bool:
        """Whether the power that follows belongs to the operand: all but ^\\top and ^{-1}."""
        _, _, sup = self.scripts()
        return sup is not None and sup.text not in (r"\top", "-1", r"-\top")

    # ---- probability --------------------------------------------------------------------

    def expectation(self, start: int) -> Node:
        names: tuple[str, ...] = ()
        dist = None
        if self.peek() == "_" and self.at < self.end:
            _, sub, _ = self.scripts()
            names, dist = self.inside(sub.first, sub.last, self.measure)
            self.at = sub.after
        if self.peek() != "[":
            raise self.refuse(r"write \mathbb{E}[…] with square brackets")
        for name in names if dist is not None else ():
            if name in self.bound:
                raise self.refuse(f"{name} is already bound around this expectation", start)
        bound = list(names) if dist is not None else []
        self.bound += bound
        opening = self.take("[")
        bars, self.bars = self.bars, 0
        body = self.expr()
        self.bars = bars
        if self.peek() == r"\mid":
            raise self.refuse(r"write a conditional expectation over its table: "
                              r"\mathbb{E}_{z\sim p(z\mid x)}[…]")
        if self.peek() != "]" or self.at >= self.end:
            raise self.refuse("this [ is never closed", opening.start)
        self.take("]")
        for _ in bound:
            self.bound.pop()
        return self.node("expect", (names, dist, body), start)

    def measure(self):
        """Below an expectation: random variables, ``z\\sim …``, or ``q(z\\mid x)``."""
        start, parenthesis = self.place(), self.accept("(")
        if self.token() is None:
            raise self.refuse("names are expected here", start)
        info = self.resolve_at()[0]
        if not parenthesis and is_table(info):
            dist = self.distribution(())
            return tuple(dist.args[1]), dist
        names = [self.binder_name()]
        while self.accept(","):
            names.append(self.binder_name())
        if parenthesis:
            self.take(")")
        if self.accept(r"\sim"):
            return tuple(names), self.distribution(tuple(names))
        for name in names:
            info = self.scope.get(name)
            if info is None or info.kind != "rv":
                raise self.refuse(f"{name} is not a random variable: declare it with rv:, or write "
                                  rf"{name}\sim p", start)
        return tuple(names), None

    def resolve_at(self):
        at = self.at
        found = self.resolve(self.base())
        self.at = at
        return found

    def distribution(self, names: tuple[str, ...]) -> Node:
        start, at = self.place(), self.at
        base = self.base()
        if base == r"\mathcal{N}":
            self.take("(")
            mean = self.expr()
            self.take(",")
            variance = self.expr()
            self.take(")")
            return self.node("normal", (mean, variance), start)
        if base in (r"\mathrm{Bernoulli}", r"\mathrm{Bern}", r"\mathrm{Ber}"):
            return self.node("bernoulli", (self.arguments()[0],), start)
        self.at = at
        info, *_ = self.resolve_at()
        if info is None:
            self.base()
            raise self.undeclared(base, start)
        if is_table(info):
            return self.table_distribution(info, names, start)
        return self.node("tabledist", (self.factor(),), start)

    def table_distribution(self, info: Info, names: tuple[str, ...], start: int) -> Node:
        """``q(z\\mid x)`` as a distribution of z; ``q`` alone is the distribution of all of it."""
        self.base()
        primes, sub, sup = self.scripts()
        self.at = max([self.at + primes] + [s.after for s in (sub, sup) if s])
        left, given = list(names) or list(info.params), ()
        if self.peek() == "(" and self.at < self.end:
            self.take("(")
            left = [self.binder_name()]
            while self.accept(","):
                left.append(self.binder_name())
            if self.accept(r"\mid"):
                given = tuple(self.events())
            self.take(")")
            if names and tuple(left) != names:
                raise self.refuse("the names on both sides of \\sim differ", start)
        return self.node("pmfdist", (info.key, tuple(left), given), start)

    def moment(self, word: str, start: int) -> Node:
        opening = self.peek()
        if opening not in ("(", "["):
            raise self.refuse(f"write \\mathrm{{{word}}}(…)")
        closing = {"(": ")", "[": "]"}[opening]
        self.take()
        bars, self.bars = self.bars, 0
        args = [self.expr()]
        while self.accept(","):
            args.append(self.expr())
        self.take(closing)
        self.bars = bars
        if len(args) > {"Var": 1, "Cov": 2}[word]:
            raise self.refuse(f"{word} takes {1 if word == 'Var' else 2} arguments", start)
        return self.node("cov" if len(args) == 2 else "var", tuple(args), start)

    def divergence(self, start: int) -> Node:
        opening = self.peek()
        if opening not in ("(", "["):
            raise self.refuse(r"write \mathrm{KL}(p\,\|\,q)")
        closing = {"(": ")", "[": "]"}[opening]
        self.take()
        first = self.distribution(())
        if self.peek() == "|" and self.peek(1) == "|":
            self.at += 2
        else:
            self.take(r"\|")
        second = self.distribution(())
        self.take(closing)
        return self.node("kl", (first, second), start)

    def normal_density(self, start: int) -> Node:
        if self.peek() != "(":
            raise self.refuse(r"write \mathcal{N}(x; \mu, \sigma^2)")
        self.take("(")
        x = self.expr()
        if not self.accept(";", r"\mid"):
            raise self.refuse(r"a density has a place: write \mathcal{N}(x; \mu, \sigma^2)")
        mean = self.expr()
        self.take(",")
        variance = self.expr()
        self.take(")")
        return self.node("density", (x, mean, variance), start)

    # ---- whole inputs -------------------------------------------------------------------

    def done(self) -> None:
        if self.at < self.end:
            raise self.unexpected()


def is_table(info: Info | None) -> bool:
    """Whether a name stands for a probability table."""
    return info is not None and (info.kind == "pmf" or (info.kind == "function" and info.discrete))


def parse_expression(text: str, scope: Scope) -> Node:
    """Read one side of a relation.

    Examples
    --------
    >>> scope = {"x": Info("let", "x")}
    >>> from texcheck.trees import show
    >>> show(parse_expression(r"2x(1-x)", scope))
    '(2 * x * (1 - x))'
    """
    parser = Parser(text, scope)
    node = parser.expr()
    parser.done()
    check_bound_and_free(text, node)
    return node


def parse_conditions(text: str, scope: Scope) -> list[Node]:
    """Read relations that are apart by commas."""
    parser = Parser(text, scope)
    found = parser.conditions(())
    parser.done()
    return found


def check_bound_and_free(text: str, *nodes: Node) -> None:
    """Refuse a line in which a name is both the index of a sum and something else."""
    free = frozenset().union(*(n.free for n in nodes))
    for node in nodes:
        for inner in walk(node):
            if len(nodes) == 1 and inner.kind == "expect" and inner.args[1] is not None:
                for name in inner.args[0]:
                    if name in free:
                        raise Refused("parse", f"{name} is averaged over and also free: take "
                                      "another letter inside", inner.start, text)
            if inner.kind != "big":
                continue
            for bind in inner.args[1]:
                if bind.args[0] in free:
                    raise Refused("parse", f"{bind.args[0]} is the index of a {inner.args[0]} and "
                                  "also free: take another letter for the index",
                                  bind.start, text)
