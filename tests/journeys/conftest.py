"""Journeys need a browser and the whole market; where there is no browser they are skipped, and say so."""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from anka.jobs import keys
from tests.builders.goods import keyring, lend_keyring
from tests.databases import Database
from tests.journeys.market import Market, running
from tests.journeys.people import Troupe
from tests.journeys.walk import Walk
from tests.texts import compile_chinese

# Playwright's loop runs in the test's own thread, where Django then suspects asynchronous code; there is none.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
# Before Django looks for it the first time.
compile_chinese()
PICTURES = Path(__file__).parents[2] / "artifacts" / "journeys"
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
EVERY_WAY = {
    "phone": (360, True),
    "phone-without-script": (360, False),
    "desktop": (1280, True),
    "desktop-without-script": (1280, False),
}
# A browser draws every page in software, which takes minutes: by day each story goes one way, on a phone without script or at a desk
# with it, as its name has it; at night every story goes every way.
NIGHTLY = os.environ.get("ANKA_NIGHTLY") == "1"
BY_DAY = ("phone-without-script", "desktop")
WAYS = EVERY_WAY if NIGHTLY else {name: EVERY_WAY[name] for name in BY_DAY}
# Journeys of several people are long: script makes no difference to what stands on a page, so one width without it is enough.
KEY_WAYS = {name: way for name, way in WAYS.items() if name != "desktop-without-script"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave each story one of its two ways by day."""
    stories = [item for item in items if isinstance(item, pytest.Function) and "journeys" in item.path.parts]
    for story in stories if not NIGHTLY else []:
        if BY_DAY[zlib.crc32(story.originalname.encode()) % len(BY_DAY)] not in story.callspec.id:
            items.remove(story)


def _chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    if _chromium() is None:
        pytest.skip("no Chromium is installed here (apt install chromium), so the browser journeys did not run")
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=_chromium(), args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def market(worker_database: Database, tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Market]:
    home = tmp_path_factory.mktemp("market")
    # The database is shared with other tests, and the market is ready only where its keyring opens what lies there.
    lend_keyring(home)
    with running(database=worker_database, home=home, log=home / "log") as started:
        yield started


@pytest.fixture
def _keyring(market: Market) -> Iterator[None]:
    """What the test puts on the shelf must open in the market's processes: both use the keyring of this run."""
    before = keys.keyring
    keys.keyring = keyring
    yield
    keys.keyring = before


@pytest.fixture(params=WAYS)
def walk(request: pytest.FixtureRequest, chromium: Browser, market: Market, _keyring: None) -> Iterator[Walk]:
    """A fresh browser, at phone and desktop width, with and without script."""
    width, script = WAYS[request.param]
    PICTURES.mkdir(parents=True, exist_ok=True)
    context = chromium.new_context(viewport={"width": width, "height": 800}, java_script_enabled=script, locale="zh-CN")
    context.set_default_timeout(60_000)
    name = f"{request.node.originalname.removeprefix('test_')}-{request.param}"
    yield Walk(page=context.new_page(), market=market, pictures=PICTURES, name=name, script=script)
    context.close()


@pytest.fixture(params=KEY_WAYS)
def troupe(request: pytest.FixtureRequest, chromium: Browser, market: Market, _keyring: None) -> Iterator[Troupe]:
    """Several people, each with a browser: a buyer, whoever acts for a shop, arbiters."""
    width, script = KEY_WAYS[request.param]
    PICTURES.mkdir(parents=True, exist_ok=True)
    name = f"{request.node.originalname.removeprefix('test_')}-{request.param}"
    troupe = Troupe(chromium=chromium, market=market, pictures=PICTURES, name=name, width=width, script=script)
    yield troupe
    troupe.go_home()
