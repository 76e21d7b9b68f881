"""Single-token changes are noticed; survivors are listed, and reviewed ones are not counted."""

import json

from texcheck.__main__ import main
from texcheck.files import derivations
from texcheck.mutate import changes, mutants, mutate

GOOD = r"""
:::{derivation} Softmax
:label: der-softmax

let: z \in \mathbb{R}^K; y \in \Delta^K
def: p_i = \frac{e^{z_i}}{\sum_j e^{z_j}}
code: p == torch.softmax(z, dim=0)
def: L = -\sum_k y_k \log p_k
code: L == -(y * torch.log_softmax(z, dim=0)).sum()
claim: \frac{\partial L}{\partial z}
= \left( \sum_k y_k \right) p - y   -- chain rule
= p - y
:::
"""
LOOSE = r"""
:::{derivation} A bound
:label: der-bound

let: a \in \mathbb{R}
claim: (\sin a)^2
\le 1
:::
"""


def write(tmp_path, text):
    path = tmp_path / "page.md"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_changes():
    found = dict(changes(r"a_i - 2 W^\top b"))
    assert "a_i + 2 W^\\top b" in found.values()
    assert "a_i - 3 W^\\top b" in found.values()
    assert "a_i - 2 W b" in found.values()
    assert "a_{i+1} - 2 W^\\top b" in found.values()
    assert "-a_i - 2 W^\\top b" in found.values()


def test_all_mutants_are_killed(tmp_path):
    outcome = mutate([write(tmp_path, GOOD)])
    assert outcome.steps >= 8 and outcome.definitions >= 15
    assert outcome.survivors == [] and outcome.ok


def test_survivors_and_the_allow_list(tmp_path, capsys):
    path = write(tmp_path, LOOSE)
    output, allow = tmp_path / "out.json", tmp_path / "allow.json"
    assert main(["--mutate", path, "--json", str(output)]) == 1
    report = json.loads(output.read_text(encoding="utf-8"))
    assert [s["line"] for s in report["survivors"]] == [7]
    key = report["survivors"][0]["key"]
    allow.write_text(json.dumps({key: "2 is above 1"}), encoding="utf-8")
    assert main(["--mutate", path, "--allow", str(allow)]) == 0
    elsewhere = {key: "2 is above 1", "der-of-another-file:" + "0" * 12: "not looked at"}
    allow.write_text(json.dumps(elsewhere), encoding="utf-8")
    assert main(["--mutate", path, "--allow", str(allow)]) == 0
    stale = {key: "2 is above 1", key.partition(":")[0] + ":" + "0" * 12: "gone"}
    allow.write_text(json.dumps(stale), encoding="utf-8")
    assert main(["--mutate", path, "--allow", str(allow)]) == 1
    assert "which is no survivor" in capsys.readouterr().out


def test_every_step_and_definition_is_mutated(tmp_path):
    found, = derivations(write(tmp_path, GOOD))
    lines = {m.line for m in mutants(found)}
    assert lines == {6, 8, 11, 12}
