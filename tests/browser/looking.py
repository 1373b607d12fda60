"""Looking: what is wrong with a page as it lies on the screen, found by the browser itself; each finding in words."""

from dataclasses import dataclass, field

from playwright.sync_api import Page

# Runs in the page, also where the page itself may run no script.
_LAID_OUT = """() => {
  const wrong = [];
  const wide = document.documentElement.clientWidth;
  const named = (e) => {
    const words = (e.textContent || '').trim().replace(/\\s+/g, ' ').slice(0, 40);
    return `<${e.tagName.toLowerCase()}${e.className && e.className.baseVal === undefined ? '.' + e.className : ''}> ${words}`;
  };
  const hidden = (e) => e.closest('.seen, .skip, [hidden], head, details:not([open]) > :not(summary)');
  if (document.documentElement.scrollWidth > wide) {
    wrong.push(`scrolls sideways: ${document.documentElement.scrollWidth} > ${wide}`);
  }
  for (const e of document.querySelectorAll('body *')) {
    if (hidden(e) || e.closest('svg') || !e.getClientRects().length) continue;
    const box = e.getBoundingClientRect();
    if (box.right > wide + 1 || box.left < -1) wrong.push(`sticks out: ${named(e)}`);
    const style = getComputedStyle(e);
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (style.overflowX !== 'visible' && e.scrollWidth > e.clientWidth + 1) wrong.push(`hides its end: ${named(e)}`);
    if (style.overflowY !== 'visible' && e.scrollHeight > e.clientHeight + 1) wrong.push(`hides its bottom: ${named(e)}`);
    if (own && style.display !== 'inline' && e.scrollHeight > e.clientHeight + 1 && e.clientHeight) {
      wrong.push(`spills over: ${named(e)}`);
    }
  }
  for (const picture of document.querySelectorAll('svg')) {
    const shows = getComputedStyle(picture).overflow === 'visible';
    const frame = shows ? picture.closest('.card, main').getBoundingClientRect() : picture.getBoundingClientRect();
    const texts = [...picture.querySelectorAll('text')].map((e) => [e, e.getBoundingClientRect()]);
    for (const [e, box] of texts) {
      const out = Math.max(frame.left - box.left, box.right - frame.right, frame.top - box.top, box.bottom - frame.bottom);
      if (out > 1) wrong.push(`cut by its picture: ${named(e)}`);
      for (const [other, its] of texts) {
        const across = Math.min(box.right, its.right) - Math.max(box.left, its.left);
        const down = Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top);
        if (e !== other && across > 1 && down > 3) wrong.push(`lies on another name: ${named(e)}`);
      }
    }
  }
  for (const e of document.querySelectorAll('svg, img, [role=img]')) {
    const says = e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.getAttribute('alt');
    const away = e.getAttribute('aria-hidden') === 'true' || e.getAttribute('alt') === '';
    if (!says && !away) wrong.push(`a picture with no name: ${named(e)}`);
  }
  return wrong;
}"""

_SMALL = """(least) => {
  const small = [];
  for (const e of document.querySelectorAll('a[href], button, summary, input:not([type=hidden])')) {
    const target = e.closest('label') || e;
    const box = target.getBoundingClientRect();
    if (!box.width || e.closest('.skip')) continue;
    const inText = e.tagName === 'A' && getComputedStyle(e).display === 'inline';
    const main = e.tagName === 'BUTTON' || e.matches('.button, summary, nav a, .name') || e.closest('.choice');
    const bound = main ? least.main : least.any;
    if (!inText && (box.width < bound || box.height < bound)) {
      small.push(`${Math.round(box.width)}x${Math.round(box.height)} ${(e.textContent || e.name).trim().slice(0, 40)}`);
    }
    if (inText && box.height < 18) small.push(`a line of ${Math.round(box.height)}: ${e.textContent.trim()}`);
  }
  return small;
}"""

_FOCUSED = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const shown = e.matches('.choice input') ? e.closest('label') : e;
  const style = getComputedStyle(shown);
  const box = shown.getBoundingClientRect();
  const over = document.elementFromPoint(box.left + box.width / 2, box.top + Math.min(box.height / 2, 10));
  return {
    where: [...document.querySelectorAll('*')].indexOf(e),
    name: (e.getAttribute('aria-label') || e.textContent || e.name || e.id).trim().slice(0, 40),
    outlined: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    inView: box.bottom > 0 && box.top < innerHeight,
    covered: !!over && !shown.contains(over) && !over.contains(shown),
  };
}"""

TEXT_SPACING = (
    "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }"
    "p { margin-bottom: 2em !important }"
)
"""What a person may do to the text of any page (WCAG 1.4.12)."""
TEXT_DOUBLED = "html { font-size: 200% !important }"
"""Text at twice its size (WCAG 1.4.4)."""

# As a person's own style sheet does it: no policy of the page's is asked.
_STYLED = """(css) => {
  const own = new CSSStyleSheet();
  own.replaceSync(css);
  document.adoptedStyleSheets = [own];
}"""


@dataclass
class Heard:
    """What a browser complained of, and whom it called, while it looked at pages of one host."""

    host: str
    wrong: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        """Hear everything from now on."""
        page.on("console", lambda said: self._said(said.type, said.text))
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("request", lambda request: self._called(request.url))

    def _said(self, kind: str, text: str) -> None:
        # The browser writes down answers that tell of a mistake; some of the pages are there to do so.
        if kind in {"error", "warning"} and "Failed to load resource" not in text:
            self.wrong.append(f"console {kind}: {text}")

    def _called(self, url: str) -> None:
        if not url.startswith((f"{self.host}/", "data:")):
            self.wrong.append(f"called {url}")


def laid_out(page: Page) -> list[str]:
    """What is wrong with how a page lies on the screen."""
    return list(page.evaluate(_LAID_OUT))


def too_small(page: Page, *, main: int, any_other: int) -> list[str]:
    """What is too small for a finger: main buttons, and any other target (CSS pixels). Links inside text are as high as it."""
    return list(page.evaluate(_SMALL, {"main": main, "any": any_other}))


def tabbed(page: Page) -> list[dict[str, object]]:
    """Each stop of the Tab key, from the first to the last of the page."""
    stops: list[dict[str, object]] = []
    for _ in range(200):
        page.keyboard.press("Tab")
        stop = page.evaluate(_FOCUSED)
        if stop is None or (stops and stop["where"] == stops[0]["where"]):
            break
        stops.append(stop)
    return stops


def styled(page: Page, css: str) -> None:
    """Put a person's own style on a page."""
    page.evaluate(_STYLED, css)
