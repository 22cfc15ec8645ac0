from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from ablation.analysis import Study
from ablation.report.build import draw
from ablation.report.document import Document
from ablation.report.figures.catalogue import Drawn, Gallery
from ablation.report.html import render_html
from ablation.report.sections import make_document
from ablation.report.tables import failures_of
from ablation.spec import ReportSettings, Request, Trial
from ablation.storage import Store
from tests.helpers import make_result, make_sweep, make_trial

FORWARD = make_trial()
BACKWARD = make_trial(direction="go_backwards")
BOTH = make_trial(direction="bidirectional")
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;{{ 7 * 7 }}"
CHROMIUM = shutil.which("chromium")
VOID = {"meta", "link", "img", "br", "hr"}


class Elements(HTMLParser):
    """The elements of a page with their attributes, and its visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.texts.append(data)

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def train(store: Store, trials: list[Trial], **changes: Any) -> None:
    """Commit results in which bidirectional arms are better, each seed a little apart."""
    for trial in trials:
        better = 0.05 if trial.arm.direction == "bidirectional" else trial.arm.units / 1000
        accuracy = 0.8 + better + (trial.seed % 5) / 1000
        parameters = 90 * trial.arm.units + 9 * len(trial.arm.direction)
        fields: dict[str, Any] = {"accuracy": accuracy, "parameters": parameters, **changes}
        store.commit(make_result(trial, **fields))


def document_of(folder: Path) -> tuple[Document, list[Drawn]]:
    study = Study(folder)
    drawn = draw(study)
    return make_document(study, [picture for picture, _ in drawn], failures_of(study)), drawn


def rendered(folder: Path) -> str:
    return render_html(*document_of(folder))


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory, request_as_composed: Request) -> Path:
    """The folder of a sweep of three arms and eight seeds, all trained."""
    store = Store(tmp_path_factory.mktemp("complete"))
    store.prepare()
    arms = [FORWARD, BACKWARD, BOTH]
    train(store, make_sweep(store, request_as_composed, *arms, seeds=8).trials)
    return store.root / "study"


@pytest.fixture(scope="module")
def document(complete: Path) -> Document:
    return document_of(complete)[0]


@pytest.fixture(scope="module")
def whole(complete: Path) -> str:
    return rendered(complete)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, request_as_composed: Request) -> str:
    """A page all of whose texts that come from without are markup."""
    store = Store(tmp_path_factory.mktemp("hostile"))
    store.prepare()
    made = make_sweep(store, request_as_composed, FORWARD, BOTH, seeds=3)
    origin = make_result(FORWARD).origin.model_copy(
        update={"device": HOSTILE, "versions": {HOSTILE: HOSTILE}, "commit": HOSTILE}
    )
    train(store, made.trials[:4], origin=origin)
    store.fail(made.trials[4], HOSTILE, HOSTILE, HOSTILE)
    changed = made.model_copy(
        update={"name": HOSTILE, "command": HOSTILE, "commit": HOSTILE, "notes": [HOSTILE]}
    )
    (store.root / "study" / "plan.json").write_text(changed.model_dump_json())
    with pytest.MonkeyPatch.context() as patch:
        labels = "ablation.planning.plan.label_arms"
        patch.setattr(labels, lambda arms, *_: {a: f"{HOSTILE} {a.direction}" for a in arms})
        return rendered(store.root / "study")


def policy_of(text: str) -> dict[str, str]:
    (content,) = [
        str(meta["content"])
        for meta in Elements(text).all("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    parts = (part.strip().partition(" ") for part in content.split(";"))
    return {name: sources for name, _, sources in parts}


def test_a_complete_sweep_shows_everything_in_order(complete: Path, whole: str) -> None:
    seen = Elements(whole)
    headings = re.findall(r"<h2>(.*?)</h2>", whole)
    assert headings == [
        "Summary",
        "Differences between arms",
        "Expected and observed order",
        "Accuracy",
        "Learning",
        "Accuracy by position",
        "What accuracy costs",
        "Trials",
        "How to reproduce",
    ]
    places = [seen.text.index(part) for part in ("Best mean accuracy", "24 done", "Summary")]
    assert places == sorted(places)
    assert len(seen.all("svg")) == len(Gallery(Study(complete)).pictures())
    anchors = [str(link["href"])[1:] for link in seen.all("a")]
    assert anchors == [section["id"] for section in seen.all("section")]
    for part in (
        "python -m ablation -m some=thing",
        "c0ffee",
        "keras 3.10",
        "2025-01-01",
        "units=3",
    ):
        assert part in seen.text
    assert len([item for item in seen.all("li") if item.get("class") == "done"]) == 24


def test_every_sentence_and_cell_of_the_report_is_there(document: Document, whole: str) -> None:
    text = Elements(whole).text
    for sentence in (document.state, *document.answer):
        assert sentence in text
    for section in document.sections:
        assert section.title in text
        assert section.note in text
        assert all(figure.caption in text for figure in section.figures)
        for row in section.table.cells() if section.table else ():
            assert all(" ".join(cell.text.split()) in text for cell in row)


def test_alarms_come_first(complete: Path) -> None:
    document, drawn = document_of(complete)
    text = render_html(replace(document, alarms=("LEAK? <b>forward</b>",)), drawn)
    assert "LEAK? &lt;b&gt;forward&lt;/b&gt;" in text
    assert text.index("LEAK?") < text.index(document.answer[0])


def test_the_same_results_give_the_same_bytes(complete: Path, whole: str) -> None:
    assert rendered(complete) == whole


def test_a_partial_sweep(store: Store, request_as_composed: Request) -> None:
    made = make_sweep(store, request_as_composed, FORWARD, BACKWARD, BOTH, seeds=3)
    train(store, made.trials[:4])
    train(store, made.trials[4:5], status="diverged")
    store.fail(made.trials[5], "MemoryError", "out of memory", "Traceback ...")
    seen = Elements(rendered(store.root / "study"))
    assert "MemoryError: out of memory" in seen.text
    assert str(store.log(made.trials[5].id)) in seen.text
    states = [str(item["class"]) for item in seen.all("li") if "title" in item]
    expected = {"done": 4, "diverged": 1, "failed": 1, "pending": 3}
    assert {state: states.count(state) for state in states} == expected
    assert "1 diverged" in seen.text


@pytest.mark.parametrize("failed", [False, True])
def test_a_sweep_without_any_result(
    failed: bool, store: Store, request_as_composed: Request
) -> None:
    made = make_sweep(store, request_as_composed, FORWARD, BOTH)
    if failed:
        store.fail(made.trials[0], "ValueError", "no", "Traceback ...")
    seen = Elements(rendered(store.root / "study"))
    assert "No trial has been trained yet." in seen.text
    assert not seen.all("svg")
    assert ("ValueError: no" in seen.text) == failed


def test_several_factors_have_their_variance_taken_apart(
    store: Store, request_as_composed: Request
) -> None:
    arms = [make_trial(units=u, cell=c) for u in (2, 4) for c in ("lstm", "gru")]
    made = make_sweep(store, request_as_composed, *arms, seeds=2)
    train(store, made.trials[:-1])
    seen = Elements(rendered(store.root / "study"))
    assert "Which factor matters" in seen.text
    assert "units:cell" in seen.text.replace("cell:units", "units:cell")
    assert "The grid is unbalanced" in seen.text


def test_a_figure_without_dark_colours_stays_as_it_is(
    store: Store, request_as_composed: Request
) -> None:
    arms = [make_trial(units=u, length=n) for u in (2, 4) for n in (3, 5)]
    train(store, make_sweep(store, request_as_composed, *arms, seeds=2).trials)
    text = rendered(store.root / "study")
    figures = re.findall(r"<figure( class=\"plain\")?>\n.*?(<svg.*?</svg>)", text, re.S)
    dark = set(re.findall(r'\[fill="(#\w+)"\] \{', text))
    kept = [svg for plain, svg in figures if not plain]
    assert len(kept) == 1  # the heat map
    assert not dark & set(re.findall(r'(?:fill|stroke)="(#\w+)"', kept[0]))


def test_probes_are_shown_where_there_are_some(store: Store, request_as_composed: Request) -> None:
    made = make_sweep(store, request_as_composed, FORWARD, BOTH)
    train(store, made.trials[0::2])
    train(store, made.trials[1::2], probes={"intact": 0.85, "without_forward": 0.625})
    seen = Elements(rendered(store.root / "study"))
    assert "What each direction contributes" in seen.text
    assert "without forward" in seen.text
    assert "0.6250" in seen.text


def test_the_policy_allows_the_pages_own_style_and_script_alone(whole: str) -> None:
    policy = policy_of(whole)
    assert policy["default-src"] == "'none'"
    assert policy["img-src"] == "data:"
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", whole, re.S)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert policy[f"{tag}-src"] == f"'sha256-{digest}'"


@pytest.mark.parametrize("which", ["whole", "hostile"])
def test_nothing_inline_and_nothing_from_elsewhere(
    which: str, request: pytest.FixtureRequest
) -> None:
    text: str = request.getfixturevalue(which)
    ids = []
    for _, attributes in Elements(text).elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("href", "src"):
            address = attributes.get(name) or "#"
            assert address.startswith(("#", "data:"))
        ids += [attributes["id"]] if "id" in attributes else []
    assert len(ids) == len(set(ids))
    pointed = re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", text)
    assert set(pointed) <= set(ids)
    assert not re.search(r"@import|@font-face|https?://", text)


def test_hostile_texts_are_shown_literally(hostile: str) -> None:
    seen = Elements(hostile)
    assert len(seen.all("script")) == 1
    assert not seen.all("img")
    # name, command, commits, device, versions, a note, the failure, and the arms in each table
    assert seen.text.count(HOSTILE) > 15
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in hostile


class Browser:
    """A headless Chromium, driven over the pipe of its DevTools protocol."""

    def __init__(self, profile: Path) -> None:
        assert CHROMIUM
        commands, self._write = os.pipe()
        self._read, answers = os.pipe()
        # Chromium reads from 3 and writes to 4; these two may be in use here, but not there.
        start = (
            "import os, sys; a = sys.argv; os.dup2(int(a[1]), 30); os.dup2(int(a[2]), 31); "
            "os.dup2(30, 3); os.dup2(31, 4); os.execv(a[3], a[3:])"
        )
        switches = (
            "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
            "--disable-component-update --disable-sync --remote-debugging-pipe"
        )
        options = [*switches.split(), f"--user-data-dir={profile}"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", start, str(commands), str(answers), CHROMIUM, *options],
            pass_fds=(commands, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self._count, self._buffer, self._session = 0, b"", ""
        self.events: list[dict[str, Any]] = []
        target = self("Target.createTarget", url="about:blank")["targetId"]
        attached = self("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self(f"{domain}.enable")

    def __call__(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._count:
            self.events.append(answer)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            chunk = os.read(self._read, 1 << 16)
            assert chunk, "chromium has ended"
            self._buffer += chunk
        first, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(first)
        return message

    def open(self, path: Path, width: int = 1200, scheme: str = "light") -> None:
        """Load a page; what happens on the way is in events."""
        self.events.clear()
        wanted = [{"name": "prefers-color-scheme", "value": scheme}]
        self("Emulation.setEmulatedMedia", features=wanted)
        size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
        self("Emulation.setDeviceMetricsOverride", **size)
        self("Page.navigate", url=path.as_uri())
        while not self.happened("Page.loadEventFired"):
            self.events.append(self._next())

    def happened(self, *methods: str) -> list[dict[str, Any]]:
        return [event["params"] for event in self.events if event.get("method") in methods]

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        told = self("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            event = {"key": key, "code": key, "text": "\r", "windowsVirtualKeyCode": 13}
            self("Input.dispatchKeyEvent", type=kind, **event)

    def close(self) -> None:
        self._session = ""
        with contextlib.suppress(AssertionError, OSError):
            self("Browser.close")
        self._process.wait(30)
        os.close(self._read)
        os.close(self._write)


needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture
def opened(tmp_path: Path, whole: str) -> Path:
    path = tmp_path / "report.html"
    path.write_text(whole, encoding="utf-8")
    return path


def column(browser: Browser, section: str, name: str) -> list[str]:
    """The texts of a column, from top to bottom."""
    texts: list[str] = browser.run(
        f"""(() => {{
          const table = document.querySelector("#{section} table");
          const at = [...table.tHead.rows[0].cells].findIndex((c) => c.innerText === "{name}");
          return [...table.tBodies[0].rows].map((row) => row.cells[at].innerText.trim());
        }})()"""
    )
    return texts


def header(section: str, name: str) -> str:
    buttons = f'[...document.querySelectorAll("#{section} th button")]'
    return f'{buttons}.find((button) => button.innerText === "{name}")'


@needs_chromium
def test_a_click_on_a_header_sorts_by_number_and_a_second_turns_it(
    browser: Browser, opened: Path
) -> None:
    browser.open(opened)
    before = column(browser, "summary", "parameters")
    numbers = sorted(int(text.replace(",", "")) for text in before)
    assert len(set(numbers)) == 3
    for turned in (False, True, False):
        browser.run(f"{header('summary', 'parameters')}.click()")
        after = [int(t.replace(",", "")) for t in column(browser, "summary", "parameters")]
        assert after == sorted(numbers, reverse=turned)
        sort = browser.run(f"{header('summary', 'parameters')}.closest('th').ariaSort")
        assert sort == ("descending" if turned else "ascending")
    browser.run(f"{header('summary', 'arm')}.click()")
    names = [name.split()[0] for name in column(browser, "summary", "arm")]
    assert names == sorted(names)
    others = "[...document.querySelectorAll('#summary th[aria-sort]')].map((th) => th.ariaSort)"
    assert browser.run(others).count("none") == len(browser.run(others)) - 1


@needs_chromium
def test_negative_numbers_and_blanks_are_in_their_place(browser: Browser, opened: Path) -> None:
    browser.open(opened)
    browser.run(f"{header('contrasts', 'difference')}.click()")
    values = [float(text) for text in column(browser, "contrasts", "difference")]
    assert values == sorted(values)
    assert values[0] < 0
    for _ in range(2):
        name = "seeds to decide"
        browser.run(f"{header('contrasts', name)}.click()")
        texts = column(browser, "contrasts", name)
        assert texts == sorted(texts, key=lambda text: text == "–")


@needs_chromium
def test_the_keyboard_sorts_too(browser: Browser, opened: Path) -> None:
    browser.open(opened)
    browser.run(f"{header('summary', 'accuracy')}.focus()")
    browser.press("Enter")
    values = column(browser, "summary", "accuracy")
    assert browser.run(f"{header('summary', 'accuracy')}.closest('th').ariaSort") == "ascending"
    assert values == sorted(values)


@needs_chromium
@pytest.mark.parametrize("which", ["whole", "hostile"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_loads_without_complaint_or_request(
    which: str, scheme: str, browser: Browser, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    path = tmp_path / "report.html"
    path.write_text(request.getfixturevalue(which), encoding="utf-8")
    browser.open(path, scheme=scheme)
    browser.run("document.querySelectorAll('th button').forEach((button) => button.click())")
    asked = [sent["request"]["url"] for sent in browser.happened("Network.requestWillBeSent")]
    assert {address for address in asked if not address.startswith("data:")} == {path.as_uri()}
    trouble = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
    assert not browser.happened(*trouble, "Page.javascriptDialogOpening")
    background = browser.run("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    # The style applies to the figures, too: no text of theirs is dark on dark.
    inks = browser.run(
        "[...document.querySelectorAll('.plain svg text')].map((t) => getComputedStyle(t).fill)"
    )
    levels = [sum(map(int, re.findall(r"\d+", ink)[:3])) / 3 for ink in set(inks)]
    assert all((level > 115) == (scheme == "dark") for level in levels if level != 119)


@needs_chromium
@pytest.mark.parametrize("which", ["whole", "hostile"])
def test_a_phone_shows_it_without_scrolling_sideways(
    which: str, browser: Browser, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    path = tmp_path / "report.html"
    path.write_text(request.getfixturevalue(which), encoding="utf-8")
    browser.open(path, width=390)
    assert browser.run("innerWidth") == 390
    assert browser.run("document.documentElement.scrollWidth") == 390
    beyond = browser.run(
        """[...document.querySelectorAll("body *")]
          .filter((e) => !e.parentElement.closest(".scroll"))
          .filter((e) => e.getBoundingClientRect().right > 390.5)
          .map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert beyond == []


@needs_chromium
def test_it_prints_on_white_with_whole_tables(browser: Browser, opened: Path) -> None:
    browser.open(opened, scheme="dark")
    features = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser("Emulation.setEmulatedMedia", media="print", features=features)
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    browser(
        "Emulation.setDeviceMetricsOverride",
        width=688,
        height=900,
        deviceScaleFactor=1,
        mobile=False,
    )
    cut = "[...document.querySelectorAll('.scroll')].filter((e) => e.scrollWidth > e.clientWidth)"
    assert browser.run(f"{cut}.map((e) => e.getAttribute('aria-label'))") == []
    printed = base64.b64decode(browser("Page.printToPDF")["data"])
    assert printed.startswith(b"%PDF")
    browser("Emulation.setEmulatedMedia", media="", features=[])


def test_what_was_asked_has_its_sections(store: Store, request_as_composed: Request) -> None:
    claim = {"says": HOSTILE, "arm": "units=5", "other": "units=3", "verdict": "better"}
    settings = ReportSettings.model_validate({"claims": [claim], "target": 0.8})
    trials = [make_trial(units=units) for units in (3, 5)]
    plan = make_sweep(store, request_as_composed, *trials, seeds=3, report=settings)
    train(store, plan.trials)
    text = rendered(store.root / "study")
    seen = Elements(text)
    anchors = [str(link["href"])[1:] for link in seen.all("a")]
    assert anchors[:3] == ["claims", "target", "summary"]
    assert anchors == [section["id"] for section in seen.all("section")]
    assert "<script>alert" not in text
    assert HOSTILE in " ".join(seen.texts)
    assert "Which arms reach 0.8" in seen.text
    assert "Arms that reach it in no seed: 0." in seen.text
    assert {"Claims", "Which arms reach 0.8", "What accuracy costs"} <= {
        str(region.get("aria-label")) for region in seen.all("div")
    }
