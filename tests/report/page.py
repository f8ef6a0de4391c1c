"""Drives the page of `pyzap report` in headless Chromium, with 500 findings.

    page.py PYZAP FOLDER        screenshots go to FOLDER

Each check is a function that takes the browser; it loads what it needs. At the end some bugs are planted in the
page, and the check that each is for has to see it: a check that cannot fail is none.
"""
import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

FINDINGS = 500
LOAD_CPU_MS, SIZE_MAX = 1000, 5 * 1000 * 1000
ODD = '</script><!--<script> "quotes" \\ caf\u00e9 \u2028 \U0001f40d &amp; <b>'
WIPE, DROP = "S3-underscore-names-first", "S3-underscore-names-not-first-when-dropped"
NAMES = ["a", "_b", "c", "_d", "__a"]  # of the plan WIPE, in dict order

pyzap, shots = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
shots.mkdir(parents=True, exist_ok=True)
work = Path(tempfile.mkdtemp(prefix="pyzap-page-"))


def run(*arguments):
    return subprocess.run([pyzap, *map(str, arguments)], check=True, capture_output=True, cwd=work).stdout.decode()


# ---------------------------------------------------------------- what is on the page

def make_findings(builds):
    """Findings of the size that real ones have: a random plan, its own script, a trace, a report with both."""
    shelf = work / "shelf"
    run("gen", "--count", FINDINGS, "--size", 12, "--out", "plans")
    corpus = sorted((pyzap.parent / "../libexec/pyzap/seed").glob("*.plan"))
    traces = []
    for plan in corpus[:12]:
        said = run("show", "--python", builds[-1], plan)
        traces.append(said.split("\nTrace\n")[1].split("\n\nJudgement")[0] + "\n")
    kinds = [("BROKEN", "I9", "I9"), ("CRASHED", "SIGSEGV-insertdict-%08x", "SIGSEGV in insertdict"),
             ("TIMED_OUT", "endless-wipe-%d", "no progress for 10 s"), ("EXHAUSTED", "memory-%d", "1024 MiB")]
    for i, path in enumerate(sorted((work / "plans").glob("*.plan"))):
        plan, script = path.read_text(), run("script", path)
        verdict, signature, reason = kinds[i % len(kinds)]
        signature = signature % i if "%" in signature else signature
        build = builds[i % len(builds)]
        name = "%s-%s-%03d" % (build, signature, i)
        first, rest = plan.split("\n", 1)
        head = "# %s on CPython %s: %s\n# signature %s\n# builds %s\n" % (verdict, build, reason, signature, " ".join(builds))
        odd = "# " + ODD + "\n" if i == 7 else ""
        report = ("# CPython %s: %s\n\n%s, signature `%s`. Reproduced 5 of 5 times.\n\n## What happens\n\n```text\n%s\n```\n\n"
                  "Stack:\n\n```text\n#0  insertdict  Objects/dictobject.c:%d\n#1  PyDict_SetItem\n```\n\n## The script\n\n"
                  "<details><summary>repro.py</summary>\n\n```python\n%s```\n\n</details>\n\n## Versions\n\n"
                  "| build | affected |\n|---|---|\n| %s | **yes** |\n" %
                  (build, reason, verdict, signature, traces[i % len(traces)], i, odd + script, build))
        folder = shelf / name
        folder.mkdir(parents=True)
        for file, text in {"min.plan": first + "\n" + head + rest, "found.plan": plan, "repro.py": odd + script,
                           "report.md": report, "trace.txt": traces[i % len(traces)]}.items():
            (folder / file).write_text(text)
    return shelf


def start():
    options = webdriver.ChromeOptions()
    for option in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--force-device-scale-factor=1"]:
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = shutil.which("chromedriver")
    return webdriver.Chrome(options=options, service=webdriver.chrome.service.Service(driver))


class Page:
    def __init__(self, browser, path, names):
        self.browser, self.path, self.names = browser, path, names

    def load(self, address="", width=1280, height=900, media="", dark=False):
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                     {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce"}]})
        self.browser.get("about:blank")
        self.browser.get(self.path.as_uri() + address)

    def js(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return self.js("return document.querySelector(arguments[0]).textContent", selector)

    def press(self, *keys):
        for key in keys:
            self.browser.switch_to.active_element.send_keys(key)

    def type(self, text):
        box = self.one("#filter-text")
        box.clear()
        box.send_keys(text)

    def shoot(self, name):
        self.browser.save_screenshot(str(shots / (name + ".png")))

    def names_of(self, panel=0):
        """The plan's own names in the namespace that is shown: name -> bound, none, missing or gone."""
        return self.js("""return Object.fromEntries([...document.querySelectorAll('.lane-panel')[arguments[0]]
            .querySelectorAll('.space li:not(.dull)')].map(li => [li.firstChild.textContent, li.className.split(' ')[0]]))""", panel)


def equal(found, wanted, what):
    assert found == wanted, "%s: %r instead of %r" % (what, found, wanted)


def rows(page):
    return len(page.all("#findings-list > li"))


# ---------------------------------------------------------------- the checks

def check_load(page):
    """How long a load takes is the machine's business; its main thread's processor time is the page's."""
    size = page.path.stat().st_size
    assert size < SIZE_MAX, "the page has %d bytes" % size
    page.browser.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    ready, used = [], []
    for _ in range(5):
        page.load()
        ready.append(page.js("return performance.getEntriesByName('ready')[0].startTime"))
        metrics = page.browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        used += [1000 * metric["value"] for metric in metrics if metric["name"] == "TaskDuration"]
        assert rows(page) <= 40, "rows are drawn that nobody sees"
    page.browser.execute_cdp_cmd("Performance.disable", {})
    as_text = lambda times: ", ".join("%.0f" % time for time in times)
    print("    %d findings, %d bytes, %s ms of processor time, ready after %s ms" %
          (FINDINGS, size, as_text(used), as_text(ready)))
    equal(len(used), 5, "loads measured")
    assert max(used) < LOAD_CPU_MS, "it takes %.0f ms of processor time" % max(used)


def check_quiet(page):
    """No error on the console, and nothing is asked of any network."""
    page.browser.get_log("performance"), page.browser.get_log("browser")
    page.load("#finding=" + page.names[0])
    page.load("#timeline=" + WIPE)
    equal(page.browser.get_log("browser"), [], "the console")
    asked = [message["params"]["request"]["url"] for entry in page.browser.get_log("performance")
             for message in [json.loads(entry["message"])["message"]] if message["method"] == "Network.requestWillBeSent"]
    other = [url for url in asked if not url.startswith((page.path.as_uri(), "about:", "data:"))]
    equal(other, [], "requests")
    assert asked, "no request was seen, not even for the page"
    equal(page.js("return performance.getEntriesByType('resource').length"), 0, "resources")


def check_filter(page):
    page.load()
    equal(page.text("#filter-count"), "%d findings" % FINDINGS, "without a filter")
    page.type("insertdict-0000000d")
    equal(page.text("#filter-count"), "1 finding of %d" % FINDINGS, "one signature")
    equal(rows(page), 1, "rows")
    page.type("GC-INTACT")  # by the name of an invariant, whatever the case
    equal(page.text("#filter-count"), "%d findings of %d" % (FINDINGS // 4, FINDINGS), "an invariant's name")
    page.type("nothing like this")
    equal((rows(page), page.text("#filter-count")), (0, "0 findings of %d" % FINDINGS), "no match")
    page.type(" ")
    Select(page.one("#filter-verdict")).select_by_value("CRASHED")
    equal(page.text("#filter-count"), "%d findings of %d" % (FINDINGS // 4, FINDINGS), "a verdict")
    build = page.js("return document.getElementById('filter-build').options[1].value")
    Select(page.one("#filter-build")).select_by_value(build)
    wanted = sum(1 for name in page.names if name.startswith(build + "-SIGSEGV"))
    assert page.text("#filter-count").startswith("%d finding" % wanted), page.text("#filter-count")
    Select(page.one("#filter-build")).select_by_value("")
    Select(page.one("#filter-verdict")).select_by_value("")
    equal(rows(page), 40, "all again")
    page.one("#findings-more").click()
    equal(rows(page), 80, "more of them")


def check_open(page):
    """By keyboard: search, tab to the row, Enter; tabs by arrow keys; and what is shown is what the files hold."""
    page.load()
    page.type("SIGSEGV-insertdict-%08x" % 5)
    page.press(Keys.TAB, Keys.TAB, Keys.TAB)
    active = page.browser.switch_to.active_element
    equal(active.get_attribute("class"), "finding", "what Tab comes to")
    assert page.js("return getComputedStyle(document.activeElement).outlineStyle") != "none", "the focus is not seen"
    page.press(Keys.ENTER)
    equal(active.get_attribute("aria-expanded"), "true", "the row")
    page.press(Keys.TAB)
    equal(page.browser.switch_to.active_element.get_attribute("role"), "tab", "after the row")
    folder = work / "shelf" / page.names[5]
    for tab, file in [("Plan", "min.plan"), ("Script", "repro.py")]:
        page.press(Keys.ARROW_RIGHT)
        equal(page.browser.switch_to.active_element.text, tab, "the tab")
        equal(page.js("return document.querySelector('[role=tabpanel]:not([hidden])').textContent"),
              (folder / file).read_text(), file)
    page.press(Keys.ARROW_RIGHT)
    assert "#0  insertdict  Objects/dictobject.c:5" in page.text("[role=tabpanel]:not([hidden])"), "no stack"
    time.sleep(.4)
    address = page.js("return location.hash")
    assert page.names[5] in address, address
    page.shoot("finding")
    page.press(Keys.SHIFT + Keys.TAB)
    page.load(address)  # a link to it
    equal(len(page.all(".detail")), 1, "findings that the link opens")
    assert page.text(".finding[aria-expanded=true]").find("insertdict-%08x" % 5) > 0, "another one is open"
    page.load("#finding=" + page.names[-1])  # far below what is drawn at first
    equal(len(page.all(".detail")), 1, "findings that the link to the last one opens")


def check_odd(page):
    page.load("#finding=" + page.names[7])
    script = page.js("return [...document.querySelectorAll('[role=tabpanel]')].find(one => one.dataset.title === 'Script').textContent")
    equal(script, (work / "shelf" / page.names[7] / "repro.py").read_text(), "the script with odd text")
    equal(page.js("return document.title").startswith("pyzap report"), True, "the title")


def check_matrix(page):
    """The numbers are those of `pyzap replay`; arrow keys move; a cell tells its plans."""
    page.load()
    wanted = {}
    for point in json.loads(run("replay", "--json", *[word for build in page.builds for word in ("--python", build)],
                                pyzap.parent / "../libexec/pyzap/seed"))["results"]:
        for invariant, verdict in point.get("invariants", {}).items():
            count = wanted.setdefault((invariant, point["build"]), {"HELD": 0, "BROKEN": 0, "VOID": 0, "SKIPPED": 0})
            count[verdict] += 1
    cells = page.js("return [...document.querySelectorAll('.matrix td')].map(td => td.getAttribute('aria-label'))")
    equal(sorted(cells), sorted("%s on %s: held in %d, broken in %d, void in %d, skipped in %d" % (*key, *count.values())
                                for key, count in wanted.items()), "the matrix")
    page.js("document.querySelector('.matrix td').focus()")
    page.press(Keys.ARROW_DOWN, Keys.ARROW_RIGHT, Keys.ENTER)
    label = page.js("return document.activeElement.getAttribute('aria-label')")
    equal(label.split()[0:3], ["I1", "on", page.builds[1 if len(page.builds) > 1 else 0] + ":"], "where the arrow keys go")
    held = int(re.search(r"held in (\d+)", label).group(1))
    equal(len(page.all("#cell .chip")), held, "plans that the cell tells of")


def check_departures(page):
    page.load()
    assert "names with one underscore do not go first" in page.text("#departs"), "no departure"
    assert "Doc/reference/datamodel.rst" in page.text("#departs"), "no reference"


def check_timeline(page):
    """Event by event, the names go in the order of the two passes; the keys do what the buttons do."""
    page.load("#timeline=%s&a=%s" % (WIPE, page.builds[-1]))
    assert page.js("return document.activeElement.id") == "player", "the player has not the focus"
    page.press(Keys.HOME)
    equal(page.names_of(), {name: "bound" for name in NAMES}, "before")
    went, last, events = [], page.names_of(), int(page.js("return document.getElementById('t-slider').max"))
    for i in range(events):
        page.press(Keys.ARROW_RIGHT)
        now = page.names_of()
        went += [name for name in NAMES if now.get(name) != last.get(name)]
        last = now
    equal(went, ["_b", "_d", "a", "c", "__a"], "names, as they are set to None")
    equal(last, {name: "none" for name in NAMES}, "after")
    equal(page.text("#t-where"), "%d of %d" % (events + 1, events + 1), "at the end")
    page.one("#t-back").click()
    equal(page.text("#t-where"), "%d of %d" % (events, events + 1), "the button back")
    page.one("#t-first").click()
    page.one("#t-next").click()
    equal(page.text("#t-where"), "2 of %d" % (events + 1), "the button forth")
    page.one("#t-slider").send_keys(Keys.ARROW_RIGHT)
    equal(page.text("#t-where"), "3 of %d" % (events + 1), "the slider")
    words = page.js("return document.getElementById('t-slider').getAttribute('aria-valuetext')")
    assert page.text(".event .w") in words, words
    lanes = page.js("return [...document.querySelectorAll('.labels div')].map(one => one.textContent)")
    equal([lane for lane in lanes if " " not in lane], NAMES, "lanes of names")
    equal(len(lanes), 2 * len(NAMES), "lanes, a name's and an object's for each")
    time.sleep(.4)
    equal(page.js("return new URLSearchParams(location.hash.slice(1)).get('at')"), "2", "the address")


def check_compare(page):
    """2.7 wipes what it drops, and later versions do not; the same build twice does the same."""
    page.load("#timeline=%s&a=%s" % (DROP, page.builds[0]))
    Select(page.one("#t-b")).select_by_value(page.builds[-1])
    equal(len(page.all(".lane-panel")), 2, "panels")
    tops = [panel.location["y"] for panel in page.all(".lane-panel")]
    assert tops[0] < tops[1], "they are not under each other"
    widths = {chart.get_attribute("width") for chart in page.all(".chart svg")}
    equal(len(widths), 1, "widths of the charts")
    if page.builds[0].startswith("2.") and not page.builds[-1].startswith("2."):
        found = re.search(r"first differ at event (\d+)", page.text("#t-diffs"))
        assert found, page.text("#t-diffs")
        page.one("#t-last").click()
        page.one("#t-first-diff").click()
        assert page.text("#t-where").startswith(found.group(1) + " of"), page.text("#t-where")
        equal(len(page.all(".event.differs")), 2, "events that are marked")
        page.js("document.getElementById('player').focus()")
        page.press("d")
        assert int(page.text("#t-where").split()[0]) > int(found.group(1)), "D goes nowhere"
        page.one("#t-first").click()
        states = [set(), set()]
        for _ in range(int(page.js("return document.getElementById('t-slider').max"))):
            page.js("document.getElementById('t-next').click()")
            for panel in range(2):
                states[panel] |= set(page.names_of(panel).values())
        equal(states, [{"bound", "none", "gone"}, {"bound", "gone"}], "what becomes of names")
        page.one("#t-first-diff").click()
        page.js("document.getElementById('timeline').scrollIntoView()")
        page.shoot("compare")
    Select(page.one("#t-a")).select_by_value(page.builds[-1])
    equal(page.text("#t-diffs"), "Both builds do exactly the same.", "a build beside itself")
    equal(page.one("#t-first-diff").is_displayed(), False, "the button to a difference that is not there")


def check_finding_timeline(page):
    page.load("#timeline=finding%%20%s" % page.names[1])
    assert page.js("return document.getElementById('t-plan').value") == "finding " + page.names[1], "another one"
    assert len(page.all(".labels div")) > 0, "no lanes"


def check_phone(page):
    """Nothing is wider than the screen but what scrolls by itself; buttons are as big as a finger."""
    for address in ["", "#finding=" + page.names[7], "#timeline=%s&a=%s&b=%s" % (DROP, page.builds[0], page.builds[-1])]:
        page.load(address, width=375, height=760)
        equal(page.js("return document.documentElement.scrollWidth"), 375, "the page's width at %r" % address)
        page.shoot("phone" + re.sub(r"\W.*", "", address[1:]))
    sizes = page.js("return [...document.querySelectorAll('.buttons button')].map(one => one.getBoundingClientRect().width)")
    assert min(sizes) >= 36, sizes


CONTRAST = """
const parse = colour => (colour.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
const luminance = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
const back = element => { for (; element; element = element.parentElement) { const c = parse(getComputedStyle(element).backgroundColor);
    if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
const bad = [];
for (const element of document.querySelectorAll('body *')) {
    if (![...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()) || !element.offsetParent || element.closest('svg, :disabled, .sr, .dull, option'))
        continue;
    const a = luminance(parse(getComputedStyle(element).color)), b = luminance(back(element)), ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5)
        bad.push(element.tagName + '.' + element.className + ' ' + element.textContent.slice(0, 20) + ' ' + ratio.toFixed(2));
}
return [...new Set(bad)];
"""


def check_colours(page):
    """Text stands out from what it is on, by light and by dark; and a verdict is never told by its colour alone."""
    backs = set()
    for dark in [False, True]:
        page.load("#finding=" + page.names[5], dark=dark)
        backs.add(page.js("return getComputedStyle(document.body).backgroundColor"))
        equal(page.js(CONTRAST), [], "text that is hard to read, %s" % ("dark" if dark else "light"))
        page.js("scrollTo(0, 0)")
        page.shoot("dark" if dark else "desktop")
    equal(len(backs), 2, "backgrounds")
    signs = page.js("return [...document.querySelectorAll('.matrix td')].map(td => [td.className, td.textContent[0]])")
    equal(sorted({tuple(pair) for pair in signs} - {("is-held", "✓"), ("is-broken", "✗"), ("is-void", "·"), ("is-skipped", "–")}), [], "signs")


def check_access(page):
    """Every control has a name, every section a heading, every list of tabs its panels."""
    page.load("#finding=" + page.names[5])
    page.browser.execute_cdp_cmd("Accessibility.enable", {})
    roles = {"button", "link", "combobox", "searchbox", "textbox", "slider", "checkbox", "tab", "tabpanel", "gridcell", "radio", "grid"}
    seen, nameless = set(), []
    for node in page.browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]:
        role = node.get("role", {}).get("value")
        if role in roles and not node.get("ignored"):
            seen.add(role)
            if not node.get("name", {}).get("value", "").strip():
                nameless.append(role)
    equal(nameless, [], "controls without a name")
    missing = {"button", "link", "combobox", "searchbox", "slider", "checkbox", "tab", "gridcell"} - seen
    equal(missing, set(), "roles that are not there")
    equal(page.js("return [...document.querySelectorAll('main section[aria-labelledby]')].filter(one => !document.getElementById(one.getAttribute('aria-labelledby'))).length"), 0, "sections without a heading")
    equal(page.js("const ids = [...document.querySelectorAll('[id]')].map(one => one.id); return ids.length - new Set(ids).size"), 0, "ids that are there twice")
    equal(page.js("return document.documentElement.lang"), "en", "the language")


def check_print(page):
    """On paper: no controls, all findings, all events, and nothing wider than the sheet."""
    page.load("#timeline=%s&a=%s&b=%s" % (DROP, page.builds[0], page.builds[-1]), width=720, height=1000)
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    time.sleep(.3)
    for selector in ["nav", "#filter", ".transport", "#choose", ".more"]:
        equal([one.is_displayed() for one in page.all(selector)], [False], selector)
    equal(rows(page), FINDINGS, "findings")
    events = page.js("return [...document.querySelectorAll('.lane-panel')].map(one => [one.querySelectorAll('ol.events li').length, one.querySelector('summary').textContent])")
    for count, summary in events:
        equal("All %d events" % count, summary, "events on paper")
    wide = page.js("return Math.max(...[...document.querySelectorAll('.chart svg, .matrix, pre')].map(one => one.getBoundingClientRect().right))")
    assert wide <= 721, "something ends at %d of 720" % wide
    pdf = base64.b64decode(page.browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"])
    assert pdf.startswith(b"%PDF") and len(pdf) > 20000, "no PDF"
    (shots / "print.pdf").write_bytes(pdf)
    page.shoot("print")
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


checks = [value for name, value in list(globals().items()) if name.startswith("check_")]

# What the page would be like with a bug, and the check that has to see it.
planted = [
    ("the filter ignores its text", "words.every(word => hay[i].includes(word))", "true", check_filter),
    ("a step does not reach the namespace", "const now = side.of[T.at], modules", "const now = side.of[0], modules", check_timeline),
    ("differences are not seen", "if (!two)\n        return one.events", "if (true)\n        return one.events", check_compare),
    ("all rows are drawn at once", "const PAGE = 40;", "const PAGE = 4000;", check_load),
    ("slow", "performance.mark(\"ready\");", "for (let i = 0; i < 3e9; i++);\nperformance.mark(\"ready\");", check_load),
    ("a finding's texts are shifted", "parts.push(D.lines[runs[i] + j])", "parts.push(D.lines[runs[i] + j + 1])", check_odd),
    ("a script of another host", "performance.mark(\"ready\");",
     "performance.mark(\"ready\"); document.head.append(h('script', { src: 'http://localhost:9/x.js' }));", check_quiet),
    ("a button without a name", 'aria-label="Next event" title="Next event (right arrow)"', "", check_access),
    ("something is too wide for a phone", "</style>", ".controls { min-width: 60rem }</style>", check_phone),
    ("controls on paper", "nav, .skip, .controls,", ".skip,", check_print),
    ("grey on grey", "--muted: #566272;", "--muted: #a0a8b0;", check_colours),
]

def holds(check, page):
    try:
        check(page)
        return ""
    except Exception as error:  # whatever it is: the check has not passed
        return (str(error).strip() or repr(error)).split("\nStacktrace")[0]


def main():
    builds = [row["build"] if "build" in row else row["name"] for row in json.loads(run("pythons", "--json"))["builds"] if row.get("usable", True)]
    builds = list(dict.fromkeys([builds[0], builds[len(builds) // 2], builds[-1]]))
    shelf = make_findings(builds)
    chosen = [word for build in builds for word in ("--python", build)]
    path = work / "report.html"
    print(run("report", "-o", path, "--findings", shelf, *chosen).strip().replace(str(work) + "/", ""))
    names = sorted((folder.name for folder in shelf.iterdir()), key=lambda name: int(name[-3:]))
    browser = start()
    failures = 0
    try:
        page = Page(browser, path, names)
        page.builds = builds
        for check in checks:
            why = holds(check, page)
            print(("FAIL: %s: %s" % (check.__name__, why)) if why else "ok    " + check.__name__, flush=True)
            failures += bool(why)
        html = path.read_text()
        for what, old, new, check in planted:
            bad = Page(browser, work / "planted.html", names)
            bad.builds = builds
            assert html.count(old) == 1, "%s: the page has %r %d times" % (what, old, html.count(old))
            bad.path.write_text(html.replace(old, new))
            why = holds(check, bad)
            print("%s %s: %s" % ("ok    seen:" if why else "FAIL: not seen:", what, why.split("\n")[0][:90]), flush=True)
            failures += not why
    finally:
        browser.quit()
        shutil.rmtree(work)
    return failures > 0


sys.exit(main())
