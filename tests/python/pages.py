"""The documentation as programs see it: blocks, tables and links of Markdown pages."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text and the line on which it begins."""

    language: str
    text: str
    line: int


def blocks(page):
    """The fenced blocks of a page, in order."""
    found, language, lines, start = [], None, [], 0
    for number, line in enumerate(page.read_text().splitlines(), 1):
        fence = re.match(r"```(\w*)$", line)
        if fence and language is None:
            language, lines, start = fence[1], [], number
        elif fence:
            found.append(Block(language, "\n".join(lines), start))
            language = None
        elif language is not None:
            lines.append(line)
    assert language is None, f"{page.name}: the block of line {start} has no end"
    return found


def prose(page):
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def rows(page, heading):
    """The cells of the first table below a heading, without its head; code marks are taken off."""
    text = page.read_text()
    _, found, below = text.partition(f"\n{heading}\n")
    assert found, f"{page.name} has no heading {heading!r}"
    table = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    assert table, f"{page.name}: no table below {heading!r}"
    lines = table[0].splitlines()[2:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in lines]


def anchors(page):
    """The names under which a page's headings can be reached, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+)$", prose(page), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", re.sub(r"\[(.*?)\]\(.*?\)", r"\1", it)) for it in headings)
    return {it.strip().lower().replace(" ", "-") for it in plain}
