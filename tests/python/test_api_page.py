"""docs/api.md is true: its blocks run in order in one shell, its samples look like the answers, and
it calls every route that there is."""

import json
import os
import re
import shlex
import subprocess

import pytest

from pages import ROOT, blocks
from voxloop import Voxloop, needs_binary

PAGE = ROOT / "docs" / "api.md"
MARK = "--- block of line "
METHODS = {"-d": "POST", "-F": "POST", "--json": "POST", "-T": "PUT"}
# Where only one value is right, the sample has it.
SAME = {"status", "state", "kind", "code", "class", "cancel", "field"}

BLOCKS = blocks(PAGE)
SCRIPT = [it for it in BLOCKS if it.language == "sh"]
SAMPLES = [(a, b) for a, b in zip(BLOCKS, BLOCKS[1:]) if (a.language, b.language) == ("sh", "json")]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What each block printed, by the line on which it begins, and the routes of the server."""
    servers = [Voxloop(tmp_path_factory.mktemp("agent")), Voxloop(tmp_path_factory.mktemp("none"), NO_AGENT="true")]
    script = "set -eu\n" + "\n".join(f"echo; echo '{MARK}{it.line}'\n{it.text}" for it in SCRIPT)
    urls = [f"http://{it.address}" for it in servers]
    shell = subprocess.run(
        ["sh"], input=script, cwd=tmp_path_factory.mktemp("client"), capture_output=True, text=True, check=False,
        timeout=300, env={"PATH": os.environ["PATH"], "VOXLOOP": urls[0], "LAB": urls[1]},
    )
    routes = json.loads(servers[0].ask("GET", "/openapi.json"))["paths"]
    for server in servers:
        server.kill()
    printed = re.split(rf"^{MARK}(\d+)$", shell.stdout, flags=re.MULTILINE)
    lines, answers = printed[1::2], printed[2::2]
    assert shell.returncode == 0, f"the block of line {lines[-1]} failed: {answers[-1]}{shell.stderr}"
    assert len(lines) == len(SCRIPT)
    return {int(line): answer.strip() for line, answer in zip(lines, answers)}, routes


@needs_binary
@pytest.mark.parametrize("block, sample", SAMPLES, ids=[f"line{it.line}" for it, _ in SAMPLES])
def test_answers_look_like_their_samples(run, block, sample):
    answers, _ = run
    check_like(json.loads(sample.text), json.loads(answers[block.line]), "answer")


def check_like(sample, answer, where):
    """The same fields with values of the same type. Null stands for anything, `…` for more."""
    if sample is None:
        return
    assert type_of(sample) == type_of(answer), f"{where} is {answer!r}, the sample has {sample!r}"
    if isinstance(sample, dict):
        shown = set(sample) - {"…"}
        assert shown <= set(answer), f"{where} has no {shown - set(answer)}"
        assert "…" in sample or shown == set(answer), f"the sample of {where} lacks {set(answer) - shown}"
        for name in shown:
            check_like(sample[name], answer[name], f"{where}.{name}")
            if name in SAME and isinstance(sample[name], (str, bool)):
                assert answer[name] == sample[name], f"{where}.{name}"
    elif isinstance(sample, list):
        shown = [it for it in sample if it != "…"]
        assert len(answer) >= len(shown), f"{where} has {len(answer)} elements, the sample more"
        assert "…" in sample or len(answer) == len(shown), f"the sample of {where} lacks elements: {answer}"
        for n, (expected, got) in enumerate(zip(shown, answer)):
            check_like(expected, got, f"{where}[{n}]")


def type_of(value):
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


@needs_binary
def test_blocks_print_what_is_shown(run):
    """Where no sample follows, a block prints nothing, or lines whose first words are shown."""
    answers, _ = run
    following = {a.line: b for a, b in zip(BLOCKS, BLOCKS[1:]) if b.language in ("json", "text")}
    assert {line for line, answer in answers.items() if answer} == set(following)
    for line, block in following.items():
        if block.language == "text":
            assert heads(answers[line]) == heads(block.text)


def heads(text):
    return [line.split(":")[0] for line in text.splitlines()]


@needs_binary
def test_every_route_has_a_call_and_every_call_a_route(run):
    _, paths = run
    routes = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    called = {(method, template_of(path, paths)) for method, path in calls()}
    assert routes - called == set(), "routes without a call in docs/api.md"
    assert called - routes == set(), "calls in docs/api.md without a route"


def calls():
    """Method and path of every curl call of the page."""
    text = "\n".join(it.text for it in SCRIPT)
    # A call ends where a line begins with a word: its body, in quotes, is indented or ends in `}`.
    for command in re.findall(r"curl (.*?)(?=\n[A-Za-z{]|\Z)", text, re.DOTALL):
        words = shlex.split(command.replace("$(", " ").replace(")", " "))
        address = next(it for it in words if re.match(r"\$(VOXLOOP|LAB)/", it))
        method = next((METHODS[it] for it in words if it in METHODS), "GET")
        if "-X" in words:
            method = words[words.index("-X") + 1]
        yield method, "/" + address.split("/", 1)[1].split("?")[0]


def template_of(path, paths):
    """The route that a path belongs to, one without parameters first; else the path itself."""
    fitting = [it for it in paths if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", it), path)]
    return min(fitting, key=lambda it: it.count("{"), default=path)
