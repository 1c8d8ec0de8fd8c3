"""A headless Chromium that opens pages and says what went wrong, where one is installed.

Speaks the browser's own protocol (DevTools) over two pipes; needs no other package.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 60.0  # seconds for a page
WIDE = """
[...document.querySelectorAll('*')].length > 0 &&
  document.documentElement.scrollWidth - document.documentElement.clientWidth
"""
# WCAG 2.1, contrast ratio: of each element with text of its own against what lies behind it
CONTRAST = """
(() => {
  const parse = text => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const linear = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const scheme = matchMedia('(prefers-color-scheme: dark)').matches ? [0, 0, 0] : [255, 255, 255];
  const behind = element => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return scheme;
  };
  const faint = [];
  for (const element of document.querySelectorAll('body *')) {
    const texts = [...element.childNodes].filter(node => node.nodeType === 3 && node.data.trim());
    if (!texts.length || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const front = element.closest('svg') ? style.fill : style.color;
    const values = [light(parse(front)), light(behind(element))].sort((a, b) => b - a);
    const ratio = (values[0] + 0.05) / (values[1] + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    if (ratio < (large ? 3 : 4.5)) faint.push(`${texts[0].data.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return faint;
})()
"""


def chromium() -> str | None:
    """The path of an installed Chromium, or None."""
    paths = [shutil.which(name) for name in NAMES]
    return next(filter(None, paths), None)


def axe_from_npm(folder: Path) -> str | None:
    """The script of axe-core, fetched into a folder, or None where npm cannot have it now."""
    npm = shutil.which("npm")
    if npm is None:
        return None
    fetch = [npm, "pack", "axe-core", "--silent", "--fetch-retries=0", "--fetch-timeout=20000"]
    done = subprocess.run(fetch, cwd=folder, capture_output=True, timeout=120)
    archives = list(folder.glob("*.tgz"))
    if done.returncode or not archives:
        return None
    with tarfile.open(archives[0]) as archive:
        script = archive.extractfile("package/axe.min.js")
        return script.read().decode() if script else None


class Page:
    """One page of a browser of its own. Use as a context manager.

    `requests` are the addresses that were asked for, `problems` what the console and uncaught errors said.
    """

    def __init__(self, width: int = 1280, scheme: str = "light") -> None:
        self.requests: list[str] = []
        self.problems: list[str] = []
        self._numbers = itertools.count(1)
        self._buffer = b""
        self._folder = tempfile.mkdtemp()
        self._start()
        self._attach()
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.asks(f"{domain}.enable")
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.asks("Emulation.setDeviceMetricsOverride", **size)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.asks("Emulation.setEmulatedMedia", features=[feature])

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._to)
        os.close(self._from)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> None:
        read_commands, self._to = os.pipe()
        self._from, write_events = os.pipe()
        options = "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run"
        command = [str(chromium()), *options.split(), "--disable-background-networking"]
        command += ["--remote-debugging-pipe", f"--user-data-dir={self._folder}", "about:blank"]
        # the browser reads commands from 3 and writes events to 4
        plumbing = [
            "bash",
            "-c",
            f'exec "$@" 3<&{read_commands} 4>&{write_events}',
            "bash",
            *command,
        ]
        self._process = subprocess.Popen(
            plumbing,
            pass_fds=(read_commands, write_events),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_commands)
        os.close(write_events)
        self._session = ""

    def _attach(self) -> None:
        targets = self.asks("Target.getTargets")["targetInfos"]
        page = next(each["targetId"] for each in targets if each["type"] == "page")
        self._session = self.asks("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]

    def asks(self, method: str, **params: Any) -> dict[str, Any]:
        """The browser's answer to a command."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            event = self._next()
            if event.get("id") == number:
                assert "error" not in event, event
                return dict(event["result"])

    def opens(self, address: str) -> None:
        """Load a page and wait until it stands."""
        self.asks("Page.navigate", url=address)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.value("document.readyState") == "complete":
                return
            time.sleep(0.1)
        raise AssertionError(f"{address} did not load")

    def value(self, script: str) -> Any:
        """What a script of the page comes to."""
        return self._evaluated(script, waits=False)

    def violations(self, axe: str) -> list[str]:
        """The rules of axe-core that the page breaks, each with the first element that does."""
        self.value(f"{axe};0")
        first = "[each.id, each.nodes[0].html].join(' ')"
        return list(
            self._evaluated(f"axe.run().then(r => r.violations.map(each => {first}))", waits=True)
        )

    def _evaluated(self, script: str, *, waits: bool) -> Any:
        answer = self.asks(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=waits
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            piece = os.read(self._from, 1 << 16)
            assert piece, "the browser has ended"
            self._buffer += piece
        text, self._buffer = self._buffer.split(b"\0", 1)
        event: dict[str, Any] = json.loads(text)
        self._note(event.get("method"), event.get("params", {}))
        return event

    def _note(self, method: str | None, params: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.problems.append(str(params["exceptionDetails"].get("text")))
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.problems.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif method == "Runtime.consoleAPICalled" and params["type"] == "error":
            self.problems.append(str(params["args"]))


def screenshot(page: Page, target: Path) -> None:
    """Write a picture of a page, to be looked at."""
    import base64

    target.write_bytes(base64.b64decode(page.asks("Page.captureScreenshot")["data"]))
