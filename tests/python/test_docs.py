"""The pages of docs/ are true: their links and paths lead somewhere, their settings, codes and
commands are those of the binary."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys

import nibabel
import pytest

from pages import PAGES, ROOT, anchors, blocks, prose, rows
from voxloop import PROGRAM, Voxloop, needs_binary

DOCS = ROOT / "docs"
# What is made by running voxloop or the tests, and what a reader brings.
MADE = ("web/dist", "data/", "models/", "temp/", "demo/")
PATH = r"[\w.@-]*(?:[\w}]/[\w.{},*-]*)+|[\w-]+\.(?:rs|md|ts|toml|json)"


@pytest.mark.parametrize("page", PAGES, ids=lambda it: str(it.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    lost = [it for it in targets if not is_elsewhere(it) and not is_there(page, it)]
    assert not lost, f"{page.name} links to what is not there"


def is_elsewhere(target):
    return re.match(r"https?://|mailto:", target)


def is_there(page, target):
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    return file.exists() and (not anchor or anchor in anchors(file))


def test_every_page_and_picture_is_linked():
    text = "".join(it.read_text() for it in PAGES)
    files = [it for it in DOCS.rglob("*") if it.suffix in (".md", ".png") and it.name != "README.md"]
    assert len(files) > 10
    lonely = [it.name for it in files if f"{it.name})" not in text and f"{it.name}#" not in text]
    assert not lonely, "no page links to these"
    large = [it.name for it in files if it.stat().st_size > 150_000]
    assert not large, "a repository is cloned whole: crop these, or take them anew"


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "docs/decisions.md"])
def test_paths_that_are_named_exist(page):
    """Paths in code marks, `{a,b}` for several; `path::name` is in one of the files that it fits."""
    marked = re.findall(r"`([^`\n]+)`", prose(ROOT / page))
    named = [(path, name) for it in marked for path, _, name in [it.partition("::")] if re.fullmatch(PATH, path)]
    assert page != "ARCHITECTURE.md" or len(named) > 80
    check_named(page, named)


def test_the_map_names_what_is_there():
    """In the table of the map a bare name belongs to the path before it."""
    named = []
    for line in re.findall(r"^\| .*\| (.*) \|$", prose(ROOT / "ARCHITECTURE.md"), re.MULTILINE):
        path = None
        for mark in re.findall(r"`([^`]+)`", line):
            if re.fullmatch(PATH, mark.split("::")[0]):
                path = mark.split("::")[0]
            elif path and path.endswith((".rs", ".ts")):
                named.append((path, re.sub(r"\(.*", "", mark)))
    assert len(named) > 5
    check_named("ARCHITECTURE.md", named)


def check_named(page, named):
    spelled = [(path, name) for it, name in named for path in spelled_out(it) if not it.startswith(MADE)]
    lost = ["::".join(it) for it in spelled if not is_found(*it)]
    assert not lost, f"{page} names what is not there"


def spelled_out(path):
    found = re.search(r"\{([^}]*)\}", path)
    if not found:
        return [path]
    return [it for part in found[1].split(",") for it in spelled_out(path.replace(found[0], part, 1))]


def is_found(path, name):
    """Below the root, crates/, a crate's src/, web/ or web/src/."""
    places = [ROOT, ROOT / "crates", *ROOT.glob("crates/*/src"), ROOT / "web", ROOT / "web/src"]
    files = [it for place in places for it in place.glob(path.rstrip("/"))]
    return any(not name or re.search(rf"\b{name}\b", it.read_text()) for it in files)


@needs_binary
@pytest.mark.parametrize("command, page", [("serve", "server.md"), ("agent", "agents.md")])
def test_settings_are_those_of_the_binary(command, page):
    documented = {flag: (variable, default) for flag, variable, default, _ in rows(DOCS / page, "## Settings")}
    assert documented == settings(command)


def settings(command):
    """Flag to variable and default, as `--help` has them; `–` for none."""
    text = subprocess.run([PROGRAM, command, "--help"], capture_output=True, text=True, check=True).stdout
    found = {}
    for option in re.split(r"\n(?=\s+(?:-\w, )?--)", text)[1:]:
        flag = re.search(r"--[a-z-]+", option)[0]
        variable = re.search(r"\[env: (\w+)", option)
        default = re.search(r"\[default: (.*?)\]", option)
        value = default[1].strip('"') if default else ""
        found[flag] = (variable[1] if variable else "–", value or "–")
    return {flag: it for flag, it in found.items() if flag not in ("--help", "--version")}


def test_the_shipped_settings_are_those_of_the_pages():
    text = (ROOT / "packaging/env.example").read_text()
    server, agent = text.split("# --- agent")
    assert len(re.findall(r"^#?[A-Z_]+=", text, re.MULTILINE)) > 20
    for part, page in [(server, "server.md"), (agent, "agents.md")]:
        shipped = set(re.findall(r"^#?([A-Z_]+)=", part, re.MULTILINE))
        documented = {variable for _, variable, *_ in rows(DOCS / page, "## Settings")}
        assert shipped <= documented


@needs_binary
@pytest.mark.parametrize("unit, command", [("voxloop", "serve"), ("voxloop-agent", "agent")])
def test_the_shipped_units_start_what_is_there(unit, command):
    text = (ROOT / f"packaging/{unit}.service").read_text()
    started = re.search(r"^ExecStart=/usr/local/bin/voxloop (.*)$", text, re.MULTILINE)[1]
    assert started == command
    subprocess.run([PROGRAM, command, "--help"], capture_output=True, check=True)


def test_codes_are_those_of_the_source():
    page = DOCS / "troubleshooting.md"
    source = "".join(it.read_text() for it in ROOT.glob("crates/*/src/**/*.rs"))
    answers = set(re.findall(r'\bnew\(\s*StatusCode::\w+,\s*"(\w+)"', source))
    answers |= set(re.findall(r'Refusal::\w+ => "(\w+)"', source))
    assert answers == {row[0] for row in rows(page, "## The server refuses")}
    assert answers == {code.strip("` ") for row in rows(DOCS / "api.md", "## Errors") for code in row[1].split(",")}
    failures = set(re.findall(r'code: "(\w+)"\.to_owned\(\)', source))
    failures |= set(re.findall(r'(?:FailureClass::\w+|class),\s*"(\w+)"', source))
    assert failures == {row[0] for row in rows(page, "## A mask does not come")}


@needs_binary
def test_the_command_line_page_runs(tmp_path):
    script = [it for it in blocks(DOCS / "command-line.md") if it.language == "sh"]
    assert len(script) > 3
    folder = os.path.dirname(os.path.abspath(PROGRAM))
    for block in script:
        run = subprocess.run(
            ["sh", "-eu"], input=block.text, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
            env={"PATH": f"{folder}:{os.environ['PATH']}"},
        )
        assert run.returncode == 0, f"line {block.line}: {run.stdout}{run.stderr}"
        assert run.stdout or run.stderr or ">" in block.text, f"line {block.line} printed nothing"


@needs_binary
def test_python_on_the_download_page_runs(tmp_path):
    subprocess.run([PROGRAM, "demo", "--dir", "."], cwd=tmp_path, check=True, capture_output=True)
    script = [it for it in blocks(DOCS / "download.md") if it.language == "python"]
    assert len(script) == 2
    for block in script:
        run = subprocess.run([sys.executable, "-c", block.text], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.returncode == 0, f"line {block.line}: {run.stderr}"
        assert run.stdout, f"line {block.line} printed nothing"


@needs_binary
def test_a_backup_of_a_running_server_restores(tmp_path):
    """As docs/server.md says: the database first, then the blobs; an empty data folder takes both."""
    folders = [tmp_path / name for name in ("running", "restored")]
    for folder in folders:
        (folder / "data").mkdir(parents=True)
    running = Voxloop(folders[0])
    job_id = json.loads(running.ask("POST", "/api/v1/sample"))["job_id"]
    with sqlite3.connect(folders[0] / "data/voxloop.db") as source, sqlite3.connect(folders[1] / "data/voxloop.db") as copy:
        source.backup(copy)
    shutil.copytree(folders[0] / "data/blobs", folders[1] / "data/blobs")
    restored = Voxloop(folders[1])
    for path in ("/api/v1/jobs", f"/api/v1/jobs/{job_id}/image"):
        assert restored.ask("GET", path) == running.ask("GET", path)
    restored.kill()
    running.kill()


@needs_binary
def test_the_page_about_own_models_runs(tmp_path):
    """The script as an agent's program, asked as the page asks."""
    page = DOCS / "own-model.md"
    script, calls = ([it.text for it in blocks(page) if it.language == language] for language in ("python", "sh"))
    assert len(script) == len(calls) == 1
    (tmp_path / "model.py").write_text(script[0])
    server = Voxloop(tmp_path)
    url = f"http://{server.address}"
    agent = subprocess.Popen(
        [PROGRAM, "agent", "--server", url, "--exec", f"{sys.executable} model.py", "--temp-dir", "agent-temp"],
        cwd=tmp_path, stderr=subprocess.DEVNULL,
    )
    run = subprocess.run(
        ["sh", "-eu"], input=calls[0], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
        env={"PATH": os.environ["PATH"], "VOXLOOP": url},
    )
    agent.terminate()
    agent.wait(timeout=30)
    server.kill()
    assert run.returncode == 0, run.stdout + run.stderr
    found = json.loads((tmp_path / "result.json").read_text())
    assert found["result"]["ct.nii.gz"]["air_ml"] > 1000
    assert [it["name"] for it in found["files"]] == ["air-0.nii.gz"]
    mask = nibabel.load(tmp_path / "air.nii.gz")
    assert mask.get_fdata().sum() == found["result"]["ct.nii.gz"]["voxels"]
    assert not list((tmp_path / "agent-temp/programs").iterdir()), "nothing of the run is left"
